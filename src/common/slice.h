/* Slice: a borrowed run of bytes. Never owns; says nothing about a terminating zero. */
#ifndef HELIOS_COMMON_SLICE_H
#define HELIOS_COMMON_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct Slice {
    const uint8_t *data;
    size_t len;
} Slice;

static inline Slice slice_of(const void *data, size_t len) { return (Slice){(const uint8_t *)data, len}; }
static inline Slice slice_cstr(const char *s) { return (Slice){(const uint8_t *)s, strlen(s)}; }

static inline int slice_compare(Slice a, Slice b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    int c = n ? memcmp(a.data, b.data, n) : 0;
    return c ? c : (a.len > b.len) - (a.len < b.len);
}
static inline bool slice_equal(Slice a, Slice b) { return a.len == b.len && (a.len == 0 || !memcmp(a.data, b.data, a.len)); }
static inline bool slice_has_prefix(Slice s, Slice p) { return s.len >= p.len && (p.len == 0 || !memcmp(s.data, p.data, p.len)); }

#endif
