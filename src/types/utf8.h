/* UTF-8: validation as PostgreSQL does it, and character arithmetic on valid text. */
#ifndef HELIOS_TYPES_UTF8_H
#define HELIOS_TYPES_UTF8_H

#include "common/error.h"
#include "common/slice.h"

/* 22021 `invalid byte sequence for encoding "UTF8": 0x..` for zero bytes, bad or overlong sequences, surrogates, > U+10FFFF. */
STATUS utf8_validate(Slice s, Error *err);
bool utf8_is_valid(Slice s);
bool utf8_is_ascii(Slice s);

/* On valid text. */
static inline int utf8_char_len(uint8_t first) { return first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4; }
size_t utf8_count(Slice s);                       /* characters */
size_t utf8_offset(Slice s, size_t nchars);       /* bytes of the first nchars characters (all if fewer) */
size_t utf8_clip(Slice s, size_t max_bytes);      /* longest prefix of whole characters within max_bytes */
/* Code point at p (valid text), its length in *len. */
uint32_t utf8_decode(const uint8_t *p, int *len);
/* Writes up to 4 bytes, returns how many. */
int utf8_encode(uint32_t cp, uint8_t out[4]);

#endif
