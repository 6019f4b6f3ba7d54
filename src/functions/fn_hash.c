/* hashtext, hashint4 ... with PostgreSQL's values (Bob Jenkins' lookup3), since applications use them for advisory lock keys and sharding. */
#include <math.h>

#include "functions/fn.h"
#include "types/text.h"

static inline uint32_t rot(uint32_t x, int k) { return x << k | x >> (32 - k); }

static void mix(uint32_t s[3])
{
    static const int shift[] = {4, 6, 8, 16, 19, 4};
    for (int i = 0; i < 6; i++) {
        int a = i % 3, b = (i + 1) % 3, c = (i + 2) % 3;
        s[a] -= s[c];
        s[a] ^= rot(s[c], shift[i]);
        s[c] += s[b];
    }
}

static void final(uint32_t s[3])
{
    static const struct { uint8_t x, y, k; } step[] = {{2, 1, 14}, {0, 2, 11}, {1, 0, 25}, {2, 1, 16}, {0, 2, 4}, {1, 0, 14}, {2, 1, 24}};
    for (int i = 0; i < 7; i++) {
        s[step[i].x] ^= s[step[i].y];
        s[step[i].x] -= rot(s[step[i].y], step[i].k);
    }
}

static uint64_t hash_of(const void *data, size_t len, uint64_t seed)
{
    const uint8_t *k = data;
    uint32_t s[3];
    s[0] = s[1] = s[2] = 0x9e3779b9u + (uint32_t)len + 3923095u;
    if (seed) {
        s[0] += (uint32_t)(seed >> 32);
        s[1] += (uint32_t)seed;
        mix(s);
    }
    for (; len >= 12; k += 12, len -= 12) {
        uint32_t w[3];
        memcpy(w, k, 12);
        for (int i = 0; i < 3; i++) s[i] += w[i];
        mix(s);
    }
    /* the last bytes; the lowest byte of the third word belongs to the length */
    for (size_t i = 0; i < len; i++) {
        if (i < 8) s[i / 4] += (uint32_t)k[i] << (8 * (i % 4));
        else s[2] += (uint32_t)k[i] << (8 * (i - 7));
    }
    final(s);
    return (uint64_t)s[1] << 32 | s[2];
}

static uint64_t hash_word(uint32_t k, uint64_t seed)
{
    uint32_t s[3];
    s[0] = s[1] = s[2] = 0x9e3779b9u + 4 + 3923095u;
    if (seed) {
        s[0] += (uint32_t)(seed >> 32);
        s[1] += (uint32_t)seed;
        mix(s);
    }
    s[0] += k;
    final(s);
    return (uint64_t)s[1] << 32 | s[2];
}

static Datum give(uint64_t h, bool extended) { return extended ? datum_i64((int64_t)h) : datum_i32((int32_t)(uint32_t)h); }

static uint32_t fold(int64_t v)
{
    uint32_t lo = (uint32_t)v, hi = (uint32_t)((uint64_t)v >> 32);
    return lo ^ (v >= 0 ? hi : ~hi);
}

static uint64_t hash_double(double d, uint64_t seed)
{
    if (d == 0) return seed;
    if (isnan(d)) d = NAN;
    return hash_of(&d, sizeof d, seed);
}

static uint64_t hash_numeric_value(CallFrame *cf, uint64_t seed)
{
    Numeric v;
    if (!fn_arg_numeric(cf, 0, &v) || v.kind != NUMERIC_FINITE) return seed;
    if (v.n == 0) return seed - 1;
    return hash_of(v.d, (size_t)v.n * 2, seed) ^ (uint64_t)(int64_t)v.weight;
}

#define SEED (uint64_t)ARG_I64(1)
#define BOTH(name, expr)                                              \
    FN(name) { uint64_t seed = 0; return give(expr, false); }         \
    FN(name##extended) { uint64_t seed = SEED; return give(expr, true); }
#define BOTH_U(name, expr)                                            \
    FN(name) { uint64_t seed = 0; return give(expr, false); }         \
    FN(name##_extended) { uint64_t seed = SEED; return give(expr, true); }
BOTH(hashint2, hash_word((uint32_t)ARG_I16(0), seed))
BOTH(hashint4, hash_word((uint32_t)ARG_I32(0), seed))
BOTH(hashint8, hash_word(fold(ARG_I64(0)), seed))
BOTH(hashoid, hash_word(ARG_OID(0), seed))
BOTH(hashchar, hash_word((uint32_t)(int32_t)(int8_t)cf->args[0], seed))
BOTH(hashtext, hash_of(ARG_TEXT(0).data, ARG_TEXT(0).len, seed))
BOTH(hashname, hash_of(ARG_TEXT(0).data, ARG_TEXT(0).len, seed))
BOTH(hashvarlena, hash_of(ARG_TEXT(0).data, ARG_TEXT(0).len, seed))
BOTH(hashbpchar, hash_of(bpchar_trim(ARG_TEXT(0)).data, bpchar_trim(ARG_TEXT(0)).len, seed))
BOTH(hashfloat4, hash_double(ARG_F4(0), seed))
BOTH(hashfloat8, hash_double(ARG_F8(0), seed))
BOTH_U(hash_numeric, hash_numeric_value(cf, seed))
BOTH_U(uuid_hash, hash_of(datum_bytes(cf->args[0]), 16, seed))
BOTH_U(time_hash, hash_word(fold(ARG_I64(0)), seed))
BOTH_U(timestamp_hash, hash_word(fold(ARG_I64(0)), seed))
