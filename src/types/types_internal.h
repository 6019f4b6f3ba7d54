/* What the t_*.c files share: errors in PostgreSQL's words, scanning text, big-endian bytes. */
#ifndef HELIOS_TYPES_INTERNAL_H
#define HELIOS_TYPES_INTERNAL_H

#include "types/type.h"
#include "types/types_impl.h"

/* 22P02 invalid input syntax for type x: "text". */
Status type_bad_syntax(Error *err, const char *type, Slice text);
/* 22003 value "text" is out of range for type x. */
Status type_out_of_range(Error *err, const char *type, Slice text);
#define type_bad_syntax(err, type, text) FAILING(type_bad_syntax(err, type, text))
#define type_out_of_range(err, type, text) FAILING(type_out_of_range(err, type, text))
/* A received value of exactly n bytes: 08P01 if there are fewer, 22P03 if more. */
STATUS recv_exactly(Slice bytes, size_t n, Error *err);

/* varlena_new that raises: 53200, or 54000 past 1 GB. */
STATUS make_varlena(Arena *arena, const void *data, size_t n, uint8_t **body, Datum *out, Error *err);

static inline bool is_space(uint8_t c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

/* Without white space at both ends. */
static inline Slice trim_spaces(Slice s)
{
    while (s.len && is_space(s.data[0])) s.data++, s.len--;
    while (s.len && is_space(s.data[s.len - 1])) s.len--;
    return s;
}

static inline uint16_t get_be16(const uint8_t *p) { return (uint16_t)(p[0] << 8 | p[1]); }
static inline uint32_t get_be32(const uint8_t *p) { uint32_t v; memcpy(&v, p, 4); return __builtin_bswap32(v); }
static inline uint64_t get_be64(const uint8_t *p) { uint64_t v; memcpy(&v, p, 8); return __builtin_bswap64(v); }
static inline void put_be16(StrBuf *out, uint16_t v) { v = __builtin_bswap16(v); strbuf_append(out, &v, 2); }
static inline void put_be32(StrBuf *out, uint32_t v) { v = __builtin_bswap32(v); strbuf_append(out, &v, 4); }
static inline void put_be64(StrBuf *out, uint64_t v) { v = __builtin_bswap64(v); strbuf_append(out, &v, 8); }

/* Appends decimal digits; public for other writers of numbers. */
void put_int64(StrBuf *out, int64_t v);
void put_uint64(StrBuf *out, uint64_t v);

/* Reserve room once, write, then commit: for tight output functions. */
static inline char *out_room(StrBuf *out, size_t n)
{
    return likely(out->cap > out->len + n) || strbuf_reserve(out, n) ? out->data + out->len : NULL;
}
static inline void out_done(StrBuf *out, char *end)
{
    *end = 0;
    out->len = (size_t)(end - out->data);
}

#endif
