/* StrBuf: a growing byte string in an arena or on the heap, with a sticky failure flag: append freely, check once.
 * The bytes are always zero-terminated (not counted in len) once anything was appended. */
#ifndef HELIOS_COMMON_STRBUF_H
#define HELIOS_COMMON_STRBUF_H

#include "common/arena.h"

typedef struct StrBuf {
    char *data;
    size_t len, cap;
    Arena *arena;        /* NULL: heap, charged to account, freed by strbuf_free */
    MemAccount *account; /* heap mode only; may be NULL */
    bool oom;            /* an append failed; the contents are a prefix of what was meant */
} StrBuf;

void strbuf_init(StrBuf *sb, Arena *arena);
void strbuf_init_heap(StrBuf *sb, MemAccount *account);
void strbuf_free(StrBuf *sb);                  /* heap mode; in an arena only forgets */
static inline void strbuf_reset(StrBuf *sb) { sb->len = 0; }
bool strbuf_reserve(StrBuf *sb, size_t more);  /* room for `more` bytes and the zero */
void strbuf_append_slow(StrBuf *sb, const void *p, size_t n);
static inline void strbuf_append(StrBuf *sb, const void *p, size_t n)
{
    if (likely(sb->cap > sb->len + n)) {
        if (n) memcpy(sb->data + sb->len, p, n);
        sb->len += n;
        sb->data[sb->len] = 0;
    } else {
        strbuf_append_slow(sb, p, n);
    }
}
static inline void strbuf_str(StrBuf *sb, const char *s) { strbuf_append(sb, s, strlen(s)); }
static inline void strbuf_char(StrBuf *sb, char c) { strbuf_append(sb, &c, 1); }
void strbuf_printf(StrBuf *sb, const char *fmt, ...) PRINTF_LIKE(2, 3);
void strbuf_fill(StrBuf *sb, char c, size_t n);
/* Raises 53200 if any append failed. */
STATUS strbuf_check(const StrBuf *sb, Error *err);
static inline const char *strbuf_cstr(const StrBuf *sb) { return sb->data ? sb->data : ""; }
static inline Slice strbuf_slice(const StrBuf *sb) { return slice_of(sb->data, sb->len); }

#endif
