/* UTF-8, eight ASCII bytes at a time where it matters. */
#include "types/utf8.h"

#include <stdio.h>

/* Length of the valid character at p, or 0. */
static int valid_char(const uint8_t *p, const uint8_t *end)
{
    uint8_t c = p[0];
    if (c < 0x80) return c != 0;
    if (c < 0xC2 || c > 0xF4) return 0;
    int n = utf8_char_len(c);
    if (end - p < n) return 0;
    uint8_t low = c == 0xE0 ? 0xA0 : c == 0xF0 ? 0x90 : 0x80, high = c == 0xED ? 0x9F : c == 0xF4 ? 0x8F : 0xBF;
    if (p[1] < low || p[1] > high) return 0;
    for (int i = 2; i < n; i++)
        if ((p[i] & 0xC0) != 0x80) return 0;
    return n;
}

/* First invalid byte, or end. */
static const uint8_t *first_invalid(const uint8_t *p, const uint8_t *end)
{
    while (p < end) {
        if (end - p >= 8) {
            uint64_t w;
            memcpy(&w, p, 8);
            /* all below 0x80 and none zero: subtracting one from each byte borrows only through a zero byte */
            if (!((w | (w - 0x0101010101010101ull)) & 0x8080808080808080ull)) {
                p += 8;
                continue;
            }
        }
        int n = valid_char(p, end);
        if (!n) return p;
        p += n;
    }
    return p;
}

bool utf8_is_valid(Slice s) { return first_invalid(s.data, s.data + s.len) == s.data + s.len; }

bool utf8_is_ascii(Slice s)
{
    size_t i = 0;
    for (; i + 8 <= s.len; i += 8) {
        uint64_t w;
        memcpy(&w, s.data + i, 8);
        if (w & 0x8080808080808080ull) return false;
    }
    for (; i < s.len; i++)
        if (s.data[i] & 0x80) return false;
    return true;
}

STATUS utf8_validate(Slice s, Error *err)
{
    const uint8_t *end = s.data + s.len, *bad = first_invalid(s.data, end);
    if (likely(bad == end)) return ST_OK;
    /* PostgreSQL prints as many bytes as the first one announces */
    int n = *bad < 0xC0 ? 1 : *bad < 0xE0 ? 2 : *bad < 0xF0 ? 3 : *bad < 0xF8 ? 4 : 1;
    char hex[32];
    size_t at = 0;
    for (int i = 0; i < n && bad + i < end; i++)
        at += (size_t)snprintf(hex + at, sizeof hex - at, "%s0x%02x", i ? " " : "", bad[i]);
    return error_set(err, ERR_CHARACTER_NOT_IN_REPERTOIRE, "invalid byte sequence for encoding \"UTF8\": %s", hex);
}

size_t utf8_count(Slice s)
{
    size_t n = 0, i = 0;
    for (; i + 8 <= s.len; i += 8) { /* count bytes that do not continue a character */
        uint64_t w;
        memcpy(&w, s.data + i, 8);
        n += 8 - (size_t)__builtin_popcountll((w >> 7) & (~w >> 6) & 0x0101010101010101ull);
    }
    for (; i < s.len; i++) n += (s.data[i] & 0xC0) != 0x80;
    return n;
}

size_t utf8_offset(Slice s, size_t nchars)
{
    size_t i = 0;
    for (; nchars > 0 && i < s.len; nchars--) i += (size_t)utf8_char_len(s.data[i]);
    return i < s.len ? i : s.len;
}

size_t utf8_clip(Slice s, size_t max_bytes)
{
    if (s.len <= max_bytes) return s.len;
    size_t n = max_bytes;
    while (n > 0 && (s.data[n] & 0xC0) == 0x80) n--;
    return n;
}

uint32_t utf8_decode(const uint8_t *p, int *len)
{
    int n = utf8_char_len(p[0]);
    static const uint8_t mask[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
    uint32_t cp = p[0] & mask[n];
    for (int i = 1; i < n; i++) cp = cp << 6 | (p[i] & 0x3F);
    if (len) *len = n;
    return cp;
}

int utf8_encode(uint32_t cp, uint8_t out[4])
{
    if (cp < 0x80) return out[0] = (uint8_t)cp, 1;
    int n = cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4;
    static const uint8_t lead[] = {0, 0, 0xC0, 0xE0, 0xF0};
    for (int i = n - 1; i > 0; i--, cp >>= 6) out[i] = (uint8_t)(0x80 | (cp & 0x3F));
    out[0] = (uint8_t)(lead[n] | cp);
    return n;
}
