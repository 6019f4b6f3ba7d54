/* smallint, integer, bigint: arithmetic, bits, comparison, conversion. */
#include <stdlib.h>

#include "functions/fn.h"

static Datum out_of_range(CallFrame *cf, const char *type) { return CALL_ERROR(cf, ERR_NUMERIC_VALUE_OUT_OF_RANGE, "%s out of range", type); }
static Datum by_zero(CallFrame *cf) { return CALL_ERROR(cf, ERR_DIVISION_BY_ZERO, "division by zero"); }

/* suffix: the function's; a, b: how the arguments are read; r: result type; name for messages. */
#define ARITH(p, A, B, rtype, make, name, lowest)                                                                            \
    FN(p##pl) { rtype r; return __builtin_add_overflow((rtype)A(0), (rtype)B(1), &r) ? out_of_range(cf, name) : make(r); } \
    FN(p##mi) { rtype r; return __builtin_sub_overflow((rtype)A(0), (rtype)B(1), &r) ? out_of_range(cf, name) : make(r); } \
    FN(p##mul) { rtype r; return __builtin_mul_overflow((rtype)A(0), (rtype)B(1), &r) ? out_of_range(cf, name) : make(r); } \
    FN(p##div)                                                                                                               \
    {                                                                                                                        \
        rtype a = (rtype)A(0), b = (rtype)B(1);                                                                              \
        if (b == 0) return by_zero(cf);                                                                                      \
        if (b == -1) return a == lowest ? out_of_range(cf, name) : make((rtype)-a);                                          \
        return make((rtype)(a / b));                                                                                         \
    }
ARITH(int2, ARG_I16, ARG_I16, int16_t, datum_i16, "smallint", INT16_MIN)
ARITH(int4, ARG_I32, ARG_I32, int32_t, datum_i32, "integer", INT32_MIN)
ARITH(int8, ARG_I64, ARG_I64, int64_t, datum_i64, "bigint", INT64_MIN)
ARITH(int24, ARG_I16, ARG_I32, int32_t, datum_i32, "integer", INT32_MIN)
ARITH(int42, ARG_I32, ARG_I16, int32_t, datum_i32, "integer", INT32_MIN)
ARITH(int48, ARG_I32, ARG_I64, int64_t, datum_i64, "bigint", INT64_MIN)
ARITH(int84, ARG_I64, ARG_I32, int64_t, datum_i64, "bigint", INT64_MIN)
ARITH(int28, ARG_I16, ARG_I64, int64_t, datum_i64, "bigint", INT64_MIN)
ARITH(int82, ARG_I64, ARG_I16, int64_t, datum_i64, "bigint", INT64_MIN)

#define UNARY(p, A, rtype, make, name, lowest, bits)                                                                       \
    FN(p##mod)                                                                                                              \
    {                                                                                                                       \
        rtype a = A(0), b = A(1);                                                                                           \
        return b == 0 ? by_zero(cf) : b == -1 ? make(0) : make((rtype)(a % b));                                             \
    }                                                                                                                       \
    FN(p##um) { rtype a = A(0); return a == lowest ? out_of_range(cf, name) : make((rtype)-a); }                            \
    FN(p##up) { return make(A(0)); }                                                                                        \
    FN(p##abs) { rtype a = A(0); return a == lowest ? out_of_range(cf, name) : make((rtype)(a < 0 ? -a : a)); }             \
    FN(p##and) { return make((rtype)(A(0) & A(1))); }                                                                       \
    FN(p##or) { return make((rtype)(A(0) | A(1))); }                                                                        \
    FN(p##xor) { return make((rtype)(A(0) ^ A(1))); }                                                                       \
    FN(p##not) { return make((rtype)~A(0)); }                                                                               \
    FN(p##shl) { return make((rtype)((uint64_t)A(0) << (ARG_I32(1) & (bits - 1)))); }                                        \
    FN(p##shr) { return make((rtype)(A(0) >> (ARG_I32(1) & (bits - 1)))); }                                                 \
    FN(p##larger) { return make(A(0) > A(1) ? A(0) : A(1)); }                                                               \
    FN(p##smaller) { return make(A(0) < A(1) ? A(0) : A(1)); }
UNARY(int2, ARG_I16, int16_t, datum_i16, "smallint", INT16_MIN, 32)
UNARY(int4, ARG_I32, int32_t, datum_i32, "integer", INT32_MIN, 32)
UNARY(int8, ARG_I64, int64_t, datum_i64, "bigint", INT64_MIN, 64)

FN_COMPARE_P(int2, CMP3(ARG_I16(0), ARG_I16(1)))
FN_COMPARE_P(int4, CMP3(ARG_I32(0), ARG_I32(1)))
FN_COMPARE_P(int8, CMP3(ARG_I64(0), ARG_I64(1)))
FN_COMPARE_P(int24, CMP3(ARG_I16(0), ARG_I32(1)))
FN_COMPARE_P(int42, CMP3(ARG_I32(0), ARG_I16(1)))
FN_COMPARE_P(int48, CMP3(ARG_I32(0), ARG_I64(1)))
FN_COMPARE_P(int84, CMP3(ARG_I64(0), ARG_I32(1)))
FN_COMPARE_P(int28, CMP3(ARG_I16(0), ARG_I64(1)))
FN_COMPARE_P(int82, CMP3(ARG_I64(0), ARG_I16(1)))
#define BTCMP(name, A, B) FN(name) { return datum_i32(CMP3(A(0), B(1))); }
BTCMP(btint2cmp, ARG_I16, ARG_I16)
BTCMP(btint4cmp, ARG_I32, ARG_I32)
BTCMP(btint8cmp, ARG_I64, ARG_I64)
BTCMP(btint24cmp, ARG_I16, ARG_I32)
BTCMP(btint42cmp, ARG_I32, ARG_I16)
BTCMP(btint48cmp, ARG_I32, ARG_I64)
BTCMP(btint84cmp, ARG_I64, ARG_I32)
BTCMP(btint28cmp, ARG_I16, ARG_I64)
BTCMP(btint82cmp, ARG_I64, ARG_I16)

FN(int4inc) { int32_t r; return __builtin_add_overflow(ARG_I32(0), 1, &r) ? out_of_range(cf, "integer") : datum_i32(r); }

/* ---- conversions ---- */
FN(i2toi4) { return datum_i32(ARG_I16(0)); }
FN(i4toi2) { int32_t v = ARG_I32(0); return v < INT16_MIN || v > INT16_MAX ? out_of_range(cf, "smallint") : datum_i16((int16_t)v); }
FN(int48) { return datum_i64(ARG_I32(0)); }
FN(int84) { int64_t v = ARG_I64(0); return v < INT32_MIN || v > INT32_MAX ? out_of_range(cf, "integer") : datum_i32((int32_t)v); }
FN(int28) { return datum_i64(ARG_I16(0)); }
FN(int82) { int64_t v = ARG_I64(0); return v < INT16_MIN || v > INT16_MAX ? out_of_range(cf, "smallint") : datum_i16((int16_t)v); }
FN(oidtoi8) { return datum_i64((int64_t)ARG_OID(0)); }
FN(i8tooid) { int64_t v = ARG_I64(0); return v < 0 || v > UINT32_MAX ? out_of_range(cf, "OID") : datum_oid((Oid)v); }
FN(int4_bool) { return datum_bool(ARG_I32(0) != 0); }
FN(bool_int4) { return datum_i32(ARG_BOOL(0)); }
FN(chartoi4) { return datum_i32((int8_t)cf->args[0]); }
FN(i4tochar)
{
    int32_t v = ARG_I32(0);
    return v < -128 || v > 127 ? CALL_ERROR(cf, ERR_NUMERIC_VALUE_OUT_OF_RANGE, "\"char\" out of range") : (Datum)(uint8_t)v;
}

/* ---- greatest common divisor, least common multiple ---- */
static uint64_t gcd(uint64_t a, uint64_t b)
{
    while (b) {
        uint64_t t = a % b;
        a = b;
        b = t;
    }
    return a;
}
static uint64_t mag(int64_t v) { return v < 0 ? -(uint64_t)v : (uint64_t)v; }
FN(int8gcd) { uint64_t g = gcd(mag(ARG_I64(0)), mag(ARG_I64(1))); return g > INT64_MAX ? out_of_range(cf, "bigint") : datum_i64((int64_t)g); }
FN(int4gcd) { uint64_t g = gcd(mag(ARG_I32(0)), mag(ARG_I32(1))); return g > INT32_MAX ? out_of_range(cf, "integer") : datum_i32((int32_t)g); }
FN(int8lcm)
{
    uint64_t a = mag(ARG_I64(0)), b = mag(ARG_I64(1)), r;
    if (!a || !b) return datum_i64(0);
    if (__builtin_mul_overflow(a / gcd(a, b), b, &r) || r > INT64_MAX) return out_of_range(cf, "bigint");
    return datum_i64((int64_t)r);
}
FN(int4lcm)
{
    uint64_t a = mag(ARG_I32(0)), b = mag(ARG_I32(1));
    if (!a || !b) return datum_i32(0);
    uint64_t r = a / gcd(a, b) * b;
    return r > INT32_MAX ? out_of_range(cf, "integer") : datum_i32((int32_t)r);
}

/* ---- window frames in RANGE mode: is a within offset of base? args: value, base, offset, subtract, less ---- */
static Datum in_range(CallFrame *cf, int64_t val, int64_t base, int64_t offset)
{
    int64_t sum;
    bool sub = ARG_BOOL(3), less = ARG_BOOL(4);
    if (offset < 0) return CALL_ERROR(cf, ERR_INVALID_PRECEDING_OR_FOLLOWING_SIZE, "invalid preceding or following size in window function");
    if (sub ? __builtin_sub_overflow(base, offset, &sum) : __builtin_add_overflow(base, offset, &sum)) return datum_bool(sub ? !less : less);
    return datum_bool(less ? val <= sum : val >= sum);
}
FN(in_range_int8_int8) { return in_range(cf, ARG_I64(0), ARG_I64(1), ARG_I64(2)); }
FN(in_range_int4_int8) { return in_range(cf, ARG_I32(0), ARG_I32(1), ARG_I64(2)); }
FN(in_range_int4_int4) { return in_range(cf, ARG_I32(0), ARG_I32(1), ARG_I32(2)); }
FN(in_range_int4_int2) { return in_range(cf, ARG_I32(0), ARG_I32(1), ARG_I16(2)); }
FN(in_range_int2_int8) { return in_range(cf, ARG_I16(0), ARG_I16(1), ARG_I64(2)); }
FN(in_range_int2_int4) { return in_range(cf, ARG_I16(0), ARG_I16(1), ARG_I32(2)); }
FN(in_range_int2_int2) { return in_range(cf, ARG_I16(0), ARG_I16(1), ARG_I16(2)); }

/* ---- text forms ---- */
static Datum to_hex(CallFrame *cf, uint64_t v)
{
    char buf[17], *p = buf + 16;
    *p = 0;
    do *--p = "0123456789abcdef"[v & 15]; while (v >>= 4);
    return call_return_cstr(cf, p);
}
FN(to_hex32) { return to_hex(cf, (uint32_t)ARG_I32(0)); }
FN(to_hex64) { return to_hex(cf, (uint64_t)ARG_I64(0)); }
