/* Arena blocks: a list, newest first; only the newest has free room that is still handed out. */
#define _GNU_SOURCE
#include "common/arena.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#define BLOCK_DEFAULT ((size_t)1024)
#define BLOCK_MAX ((size_t)64 * 1024)
#define BLOCK_KEEP ((size_t)8 * 1024) /* largest block that a reset keeps */

struct ArenaBlock {
    ArenaBlock *older;
    size_t bytes; /* with this header */
};
_Static_assert(sizeof(ArenaBlock) == 16, "allocations stay 16-byte aligned");

static char *block_start(ArenaBlock *b) { return (char *)(b + 1); }
static char *block_end(ArenaBlock *b) { return (char *)b + b->bytes; }

void arena_init(Arena *arena, MemAccount *account, size_t first_block_bytes)
{
    *arena = (Arena){.account = account, .block_bytes = first_block_bytes ? first_block_bytes : BLOCK_DEFAULT};
    if (arena->block_bytes < 64) arena->block_bytes = 64;
}

static void free_block(Arena *arena, ArenaBlock *b)
{
    size_t bytes = b->bytes;
    arena->total_bytes -= bytes;
    mem_free(arena->account, b, bytes);
}

void arena_destroy(Arena *arena)
{
    while (arena->blocks) {
        ArenaBlock *b = arena->blocks;
        arena->blocks = b->older;
        free_block(arena, b);
    }
    arena->next = arena->end = NULL;
    assert(arena->total_bytes == 0);
}

static void use_block(Arena *arena, ArenaBlock *b, char *next)
{
    arena->next = next;
    arena->end = b ? block_end(b) : NULL;
}

void arena_reset(Arena *arena)
{
    ArenaBlock *keep = NULL;
    for (ArenaBlock *b = arena->blocks, *older; b; b = older) {
        older = b->older;
        if (b->bytes > BLOCK_KEEP || (keep && keep->bytes >= b->bytes)) {
            free_block(arena, b);
            continue;
        }
        if (keep) free_block(arena, keep);
        keep = b;
    }
    arena->blocks = keep;
    if (keep) keep->older = NULL;
    use_block(arena, keep, keep ? block_start(keep) : NULL);
}

void *arena_alloc_slow(Arena *arena, size_t bytes)
{
    size_t n = (bytes + 15) & ~(size_t)15;
    if (n < bytes || n > SIZE_MAX / 2) return NULL;
    if (!arena->block_bytes) arena->block_bytes = BLOCK_DEFAULT; /* a zeroed Arena is a valid empty one */
    size_t size = arena->block_bytes;
    if (size < n + sizeof(ArenaBlock)) size = n + sizeof(ArenaBlock);
    ArenaBlock *b = mem_alloc(arena->account, size);
    if (!b && size > n + sizeof(ArenaBlock)) { /* near the limit a smaller block may still fit */
        size = n + sizeof(ArenaBlock);
        b = mem_alloc(arena->account, size);
    }
    if (!b) return NULL;
    b->older = arena->blocks;
    b->bytes = size;
    arena->blocks = b;
    arena->total_bytes += size;
    if (arena->block_bytes < BLOCK_MAX) arena->block_bytes *= 2;
    use_block(arena, b, block_start(b) + n);
    return block_start(b);
}

void *arena_zalloc(Arena *arena, size_t bytes)
{
    void *p = arena_alloc(arena, bytes);
    return p ? memset(p, 0, bytes) : NULL;
}

void *arena_memdup(Arena *arena, const void *p, size_t bytes)
{
    void *q = arena_alloc(arena, bytes);
    if (q && bytes) memcpy(q, p, bytes);
    return q;
}

char *arena_strndup(Arena *arena, const void *s, size_t len)
{
    char *q = arena_alloc(arena, len + 1);
    if (!q) return NULL;
    if (len) memcpy(q, s, len);
    q[len] = 0;
    return q;
}

char *arena_strdup(Arena *arena, const char *s) { return s ? arena_strndup(arena, s, strlen(s)) : NULL; }

char *arena_vprintf(Arena *arena, const char *fmt, va_list ap)
{
    va_list again;
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    char *s = n < 0 ? NULL : arena_alloc(arena, (size_t)n + 1);
    if (s) vsnprintf(s, (size_t)n + 1, fmt, again);
    va_end(again);
    return s;
}

char *arena_printf(Arena *arena, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    char *s = arena_vprintf(arena, fmt, ap);
    va_end(ap);
    return s;
}

ArenaMark arena_mark(const Arena *arena) { return (ArenaMark){arena->blocks, arena->next}; }

void arena_release(Arena *arena, ArenaMark mark)
{
    while (arena->blocks != mark.block) {
        ArenaBlock *b = arena->blocks;
        assert(b); /* the mark belongs to this arena and was not released before */
        arena->blocks = b->older;
        free_block(arena, b);
    }
    use_block(arena, mark.block, mark.next);
}
