/* StrBuf growth: doubling; in an arena the old bytes stay behind until the arena is reset. */
#define _GNU_SOURCE
#include "common/strbuf.h"

#include <stdarg.h>
#include <stdio.h>

void strbuf_init(StrBuf *sb, Arena *arena) { *sb = (StrBuf){.arena = arena}; }

void strbuf_init_heap(StrBuf *sb, MemAccount *account) { *sb = (StrBuf){.account = account}; }

void strbuf_free(StrBuf *sb)
{
    if (!sb->arena) mem_free(sb->account, sb->data, sb->cap);
    sb->data = NULL;
    sb->len = sb->cap = 0;
    sb->oom = false;
}

bool strbuf_reserve(StrBuf *sb, size_t more)
{
    size_t need = sb->len + more + 1;
    if (need <= sb->cap) return true;
    if (need < more || need > SIZE_MAX / 4) goto fail;
    size_t cap = sb->cap ? sb->cap * 2 : 64;
    if (cap < need) cap = need;
    char *p;
    if (sb->arena) {
        p = arena_alloc(sb->arena, cap);
        if (p && sb->len) memcpy(p, sb->data, sb->len);
    } else {
        p = mem_realloc(sb->account, sb->data, sb->cap, cap);
    }
    if (!p) goto fail;
    sb->data = p;
    sb->cap = cap;
    sb->data[sb->len] = 0;
    return true;
fail:
    sb->oom = true;
    return false;
}

void strbuf_append_slow(StrBuf *sb, const void *p, size_t n)
{
    if (sb->oom || !strbuf_reserve(sb, n)) return;
    if (n) memcpy(sb->data + sb->len, p, n);
    sb->len += n;
    sb->data[sb->len] = 0;
}

void strbuf_printf(StrBuf *sb, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    size_t room = sb->cap > sb->len ? sb->cap - sb->len : 0;
    int n = vsnprintf(room ? sb->data + sb->len : NULL, room, fmt, ap);
    va_end(ap);
    if (n < 0) {
        sb->oom = true;
    } else if ((size_t)n < room) {
        sb->len += (size_t)n;
    } else {
        if (room) sb->data[sb->len] = 0; /* take the cut text back */
        if (sb->oom || !strbuf_reserve(sb, (size_t)n)) return;
        va_start(ap, fmt);
        vsnprintf(sb->data + sb->len, (size_t)n + 1, fmt, ap);
        va_end(ap);
        sb->len += (size_t)n;
    }
}

void strbuf_fill(StrBuf *sb, char c, size_t n)
{
    if (sb->oom || !strbuf_reserve(sb, n)) return;
    memset(sb->data + sb->len, c, n);
    sb->len += n;
    sb->data[sb->len] = 0;
}

STATUS strbuf_check(const StrBuf *sb, Error *err) { return sb->oom ? error_out_of_memory(err, sb->cap) : ST_OK; }
