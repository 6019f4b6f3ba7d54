/* Arena: memory by lifetime. Allocate forward, free all at once.
 *
 * Lifetimes, longest first: server, session, transaction, statement, tuple. An arena is always a parameter; there is no
 * current one. A failed allocation (budget or system) returns NULL; use TRY_NEW, which raises 53200.
 * Not thread-safe: one arena, one thread. Allocations are 16-byte aligned. */
#ifndef HELIOS_COMMON_ARENA_H
#define HELIOS_COMMON_ARENA_H

#include <stdarg.h>

#include "common/error.h"
#include "common/mem.h"
#include "common/slice.h"

typedef struct ArenaBlock ArenaBlock;

typedef struct Arena {
    char *next, *end;       /* free room of the newest block */
    ArenaBlock *blocks;     /* newest first */
    MemAccount *account;    /* charged with whole blocks; may be NULL */
    size_t block_bytes;     /* size of the next block; doubles up to 64 KiB */
    size_t total_bytes;     /* of all blocks */
} Arena;

/* first_block_bytes 0: a default of 1 KiB. Allocates nothing until first use. */
void arena_init(Arena *arena, MemAccount *account, size_t first_block_bytes);
void arena_destroy(Arena *arena);
/* Frees everything but one block (kept if it is at most 8 KiB), so a per-tuple reset costs nothing. */
void arena_reset(Arena *arena);

void *arena_alloc_slow(Arena *arena, size_t bytes);
static inline void *arena_alloc(Arena *arena, size_t bytes) /* uninitialised */
{
    size_t n = (bytes + 15) & ~(size_t)15;
    if (likely(n >= bytes && n <= (size_t)(arena->end - arena->next) && arena->next)) {
        void *p = arena->next;
        arena->next += n;
        return p;
    }
    return arena_alloc_slow(arena, bytes);
}
void *arena_zalloc(Arena *arena, size_t bytes);
void *arena_memdup(Arena *arena, const void *p, size_t bytes);
char *arena_strdup(Arena *arena, const char *s);               /* NULL in, NULL out */
char *arena_strndup(Arena *arena, const void *s, size_t len);  /* adds the zero */
char *arena_printf(Arena *arena, const char *fmt, ...) PRINTF_LIKE(2, 3);
char *arena_vprintf(Arena *arena, const char *fmt, va_list ap);

/* A point to go back to: everything allocated after arena_mark is freed by arena_release. */
typedef struct ArenaMark { ArenaBlock *block; char *next; } ArenaMark;
ArenaMark arena_mark(const Arena *arena);
void arena_release(Arena *arena, ArenaMark mark);

/* ptr = zeroed array of n; raises 53200 and returns from the calling STATUS function on failure. */
#define TRY_NEW_N(ptr, arena, n, err)                                                  \
    do {                                                                               \
        size_t try_n_ = (size_t)(n), try_sz_ = sizeof *(ptr);                          \
        (ptr) = try_n_ > SIZE_MAX / 2 / try_sz_ ? NULL : arena_zalloc((arena), try_n_ * try_sz_); \
        if (unlikely(!(ptr))) return error_out_of_memory((err), try_n_ * try_sz_);     \
    } while (0)
#define TRY_NEW(ptr, arena, err) TRY_NEW_N(ptr, arena, 1, err)
/* Raises 53200 if an allocating expression gave NULL. */
#define TRY_MEM(ptr, err)                                                  \
    do {                                                                   \
        if (unlikely(!(ptr))) return error_out_of_memory((err), 0);        \
    } while (0)

#endif
