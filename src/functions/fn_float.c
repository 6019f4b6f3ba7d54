/* real and double precision: arithmetic, comparison, mathematics, conversion. */
#include <math.h>
#include <stdlib.h>

#include "common/thread.h"
#include "functions/fn.h"

static Datum overflow(CallFrame *cf) { return CALL_ERROR(cf, ERR_NUMERIC_VALUE_OUT_OF_RANGE, "value out of range: overflow"); }
static Datum underflow(CallFrame *cf) { return CALL_ERROR(cf, ERR_NUMERIC_VALUE_OUT_OF_RANGE, "value out of range: underflow"); }
static Datum by_zero(CallFrame *cf) { return CALL_ERROR(cf, ERR_DIVISION_BY_ZERO, "division by zero"); }
static Datum input_range(CallFrame *cf) { return CALL_ERROR(cf, ERR_NUMERIC_VALUE_OUT_OF_RANGE, "input is out of range"); }

#define ARITH(p, A, B, ftype, make)                                                                                  \
    FN(p##pl) { ftype a = (ftype)A(0), b = (ftype)B(1), r = a + b; return isinf(r) && !isinf(a) && !isinf(b) ? overflow(cf) : make(r); } \
    FN(p##mi) { ftype a = (ftype)A(0), b = (ftype)B(1), r = a - b; return isinf(r) && !isinf(a) && !isinf(b) ? overflow(cf) : make(r); } \
    FN(p##mul)                                                                                                       \
    {                                                                                                                \
        ftype a = (ftype)A(0), b = (ftype)B(1), r = a * b;                                                           \
        if (isinf(r) && !isinf(a) && !isinf(b)) return overflow(cf);                                                 \
        return r == 0 && a != 0 && b != 0 ? underflow(cf) : make(r);                                                 \
    }                                                                                                                \
    FN(p##div)                                                                                                       \
    {                                                                                                                \
        ftype a = (ftype)A(0), b = (ftype)B(1), r = a / b;                                                           \
        if (b == 0 && !isnan(a)) return by_zero(cf);                                                                 \
        if (isinf(r) && !isinf(a)) return overflow(cf);                                                              \
        return r == 0 && a != 0 && !isinf(b) ? underflow(cf) : make(r);                                              \
    }
ARITH(float4, ARG_F4, ARG_F4, float, datum_f4)
ARITH(float8, ARG_F8, ARG_F8, double, datum_f8)
ARITH(float48, ARG_F4, ARG_F8, double, datum_f8)
ARITH(float84, ARG_F8, ARG_F4, double, datum_f8)

static int cmp(double a, double b) /* NaN equals itself and is above all */
{
    if (isnan(a) || isnan(b)) return isnan(a) - isnan(b);
    return CMP3(a, b);
}
FN_COMPARE_P(float4, cmp(ARG_F4(0), ARG_F4(1)))
FN_COMPARE_P(float8, cmp(ARG_F8(0), ARG_F8(1)))
FN_COMPARE_P(float48, cmp(ARG_F4(0), ARG_F8(1)))
FN_COMPARE_P(float84, cmp(ARG_F8(0), ARG_F4(1)))
FN(btfloat4cmp) { return datum_i32(cmp(ARG_F4(0), ARG_F4(1))); }
FN(btfloat8cmp) { return datum_i32(cmp(ARG_F8(0), ARG_F8(1))); }
FN(btfloat48cmp) { return datum_i32(cmp(ARG_F4(0), ARG_F8(1))); }
FN(btfloat84cmp) { return datum_i32(cmp(ARG_F8(0), ARG_F4(1))); }
FN(float4larger) { return cmp(ARG_F4(0), ARG_F4(1)) > 0 ? cf->args[0] : cf->args[1]; }
FN(float4smaller) { return cmp(ARG_F4(0), ARG_F4(1)) < 0 ? cf->args[0] : cf->args[1]; }
FN(float8larger) { return cmp(ARG_F8(0), ARG_F8(1)) > 0 ? cf->args[0] : cf->args[1]; }
FN(float8smaller) { return cmp(ARG_F8(0), ARG_F8(1)) < 0 ? cf->args[0] : cf->args[1]; }
FN(float4abs) { return datum_f4(fabsf(ARG_F4(0))); }
FN(float4um) { return datum_f4(-ARG_F4(0)); }
FN(float4up) { return cf->args[0]; }
FN(float8abs) { return datum_f8(fabs(ARG_F8(0))); }
FN(float8um) { return datum_f8(-ARG_F8(0)); }
FN(float8up) { return cf->args[0]; }

/* ---- conversions ---- */
FN(ftod) { return datum_f8(ARG_F4(0)); }
FN(dtof)
{
    double d = ARG_F8(0);
    float f = (float)d;
    if (isinf(f) && !isinf(d)) return overflow(cf);
    return f == 0 && d != 0 ? underflow(cf) : datum_f4(f);
}
#define TO_INT(name, A, make, lo, hi, type, text)                                                             \
    FN(name)                                                                                                   \
    {                                                                                                          \
        double d = rint((double)A(0));                                                                         \
        if (!(d >= lo && d < hi)) return CALL_ERROR(cf, ERR_NUMERIC_VALUE_OUT_OF_RANGE, text " out of range"); \
        return make((type)d);                                                                                  \
    }
TO_INT(dtoi2, ARG_F8, datum_i16, -32768.0, 32768.0, int16_t, "smallint")
TO_INT(dtoi4, ARG_F8, datum_i32, -2147483648.0, 2147483648.0, int32_t, "integer")
TO_INT(dtoi8, ARG_F8, datum_i64, -9223372036854775808.0, 9223372036854775808.0, int64_t, "bigint")
TO_INT(ftoi2, ARG_F4, datum_i16, -32768.0, 32768.0, int16_t, "smallint")
TO_INT(ftoi4, ARG_F4, datum_i32, -2147483648.0, 2147483648.0, int32_t, "integer")
TO_INT(ftoi8, ARG_F4, datum_i64, -9223372036854775808.0, 9223372036854775808.0, int64_t, "bigint")
FN(i2tod) { return datum_f8(ARG_I16(0)); }
FN(i2tof) { return datum_f4(ARG_I16(0)); }
FN(i4tod) { return datum_f8(ARG_I32(0)); }
FN(i4tof) { return datum_f4((float)ARG_I32(0)); }
FN(i8tod) { return datum_f8((double)ARG_I64(0)); }
FN(i8tof) { return datum_f4((float)ARG_I64(0)); }

/* ---- rounding ---- */
FN(dround) { return datum_f8(rint(ARG_F8(0))); }
FN(dceil) { return datum_f8(ceil(ARG_F8(0))); }
FN(dfloor) { return datum_f8(floor(ARG_F8(0))); }
FN(dtrunc) { return datum_f8(trunc(ARG_F8(0))); }
FN(dsign) { double d = ARG_F8(0); return datum_f8(isnan(d) ? d : d > 0 ? 1 : d < 0 ? -1 : 0); }

/* ---- powers and logarithms ---- */
FN(dsqrt)
{
    double d = ARG_F8(0);
    if (d < 0) return CALL_ERROR(cf, ERR_INVALID_ARGUMENT_FOR_POWER_FUNCTION, "cannot take square root of a negative number");
    return datum_f8(sqrt(d));
}
FN(dcbrt) { return datum_f8(cbrt(ARG_F8(0))); }
FN(dexp)
{
    double d = ARG_F8(0), r = exp(d);
    if (isinf(r) && !isinf(d)) return overflow(cf);
    return r == 0 && !isinf(d) ? underflow(cf) : datum_f8(r);
}
static Datum log_of(CallFrame *cf, double (*fn)(double))
{
    double d = ARG_F8(0);
    if (d == 0) return CALL_ERROR(cf, ERR_INVALID_ARGUMENT_FOR_LOG, "cannot take logarithm of zero");
    if (d < 0) return CALL_ERROR(cf, ERR_INVALID_ARGUMENT_FOR_LOG, "cannot take logarithm of a negative number");
    return datum_f8(fn(d));
}
FN(dlog1) { return log_of(cf, log); }
FN(dlog10) { return log_of(cf, log10); }
FN(dpow)
{
    double a = ARG_F8(0), b = ARG_F8(1);
    if (isnan(a)) return b == 0 ? datum_f8(1) : datum_f8(a);
    if (isnan(b)) return a == 1 ? datum_f8(1) : datum_f8(b);
    if (a == 0 && b < 0) return CALL_ERROR(cf, ERR_INVALID_ARGUMENT_FOR_POWER_FUNCTION, "zero raised to a negative power is undefined");
    if (a < 0 && floor(b) != b)
        return CALL_ERROR(cf, ERR_INVALID_ARGUMENT_FOR_POWER_FUNCTION, "a negative number raised to a non-integer power yields a complex result");
    double r = pow(a, b);
    if (isinf(r) && !isinf(a) && !isinf(b)) return overflow(cf);
    if (r == 0 && a != 0 && !isinf(a) && !isinf(b)) return underflow(cf);
    return datum_f8(r);
}

/* ---- trigonometry ---- */
#define TRIG(name, fn, bad) FN(name) { double x = ARG_F8(0); if (isnan(x)) return datum_f8(x); if (bad) return input_range(cf); return datum_f8(fn(x)); }
static double cot(double x) { return 1.0 / tan(x); }
TRIG(dsin, sin, isinf(x))
TRIG(dcos, cos, isinf(x))
TRIG(dtan, tan, isinf(x))
TRIG(dcot, cot, isinf(x))
TRIG(dasin, asin, x < -1 || x > 1)
TRIG(dacos, acos, x < -1 || x > 1)
TRIG(datan, atan, false)
TRIG(dsinh, sinh, false)
TRIG(dcosh, cosh, false)
TRIG(dtanh, tanh, false)
TRIG(dasinh, asinh, false)
TRIG(dacosh, acosh, x < 1)
TRIG(datanh, atanh, x < -1 || x > 1)
FN(datan2) { return datum_f8(atan2(ARG_F8(0), ARG_F8(1))); }

/* In degrees, exact at multiples of 30 and 45. */
static double rad(double d) { return d * (M_PI / 180.0); }
static double sin_first(double x) { return x == 30 ? 0.5 : x <= 30 ? sin(rad(x)) / sin(rad(30)) / 2.0 : cos(rad(90 - x)) ; }
static double cos_first(double x) { return x == 60 ? 0.5 : x <= 60 ? 1.0 - (1.0 - cos(rad(x))) / (1.0 - cos(rad(60))) / 2.0 : sin_first(90 - x); }
static double sin_quadrant(double x) { return x <= 30 ? sin_first(x) : cos_first(90 - x); }
static double cos_quadrant(double x) { return x <= 60 ? cos_first(x) : sin_first(90 - x); }
static double sind_of(double x)
{
    int sign = 1;
    x = fmod(x, 360);
    if (x < 0) x = -x, sign = -sign;
    if (x > 180) x = 360 - x, sign = -sign;
    if (x > 90) x = 180 - x;
    return sign * sin_quadrant(x);
}
static double cosd_of(double x)
{
    int sign = 1;
    x = fabs(fmod(x, 360));
    if (x > 180) x = 360 - x;
    if (x > 90) x = 180 - x, sign = -sign;
    return sign * cos_quadrant(x);
}
static double tand_of(double x)
{
    int sign = 1;
    x = fmod(x, 360);
    if (x < 0) x = -x, sign = -sign;
    if (x > 180) x = 360 - x, sign = -sign;
    if (x > 90) x = 180 - x, sign = -sign;
    double r = sign * ((sin_quadrant(x) / cos_quadrant(x)) / (sin_quadrant(45) / cos_quadrant(45)));
    return r == 0 ? 0 : r;
}
static double cotd_of(double x)
{
    int sign = 1;
    x = fmod(x, 360);
    if (x < 0) x = -x, sign = -sign;
    if (x > 180) x = 360 - x, sign = -sign;
    if (x > 90) x = 180 - x, sign = -sign;
    double r = sign * ((cos_quadrant(x) / sin_quadrant(x)) / (cos_quadrant(45) / sin_quadrant(45)));
    return r == 0 ? 0 : r;
}
static double asin_first(double x) { return x <= 0.5 ? asin(x) / asin(0.5) * 30.0 : 90.0 - acos(x) / acos(0.5) * 60.0; }
static double acos_first(double x) { return x <= 0.5 ? 90.0 - asin(x) / asin(0.5) * 30.0 : acos(x) / acos(0.5) * 60.0; }
static double asind_of(double x) { return x >= 0 ? asin_first(x) : -asin_first(-x); }
static double acosd_of(double x) { return x >= 0 ? acos_first(x) : 90.0 + asin_first(-x); }
static double atand_of(double x) { return atan(x) / atan(1.0) * 45.0; }
TRIG(dsind, sind_of, isinf(x))
TRIG(dcosd, cosd_of, isinf(x))
TRIG(dtand, tand_of, isinf(x))
TRIG(dcotd, cotd_of, isinf(x))
TRIG(dasind, asind_of, x < -1 || x > 1)
TRIG(dacosd, acosd_of, x < -1 || x > 1)
TRIG(datand, atand_of, false)
FN(datan2d) { return datum_f8(atan2(ARG_F8(0), ARG_F8(1)) / atan(1.0) * 45.0); }
FN(degrees) { double r = ARG_F8(0) / (M_PI / 180.0); return isinf(r) && !isinf(ARG_F8(0)) ? overflow(cf) : datum_f8(r); }
FN(radians) { return datum_f8(ARG_F8(0) * (M_PI / 180.0)); }
FN(dpi) { return datum_f8(M_PI); }

/* ---- random: xoroshiro128+, one state per session ---- */
typedef struct Random { uint64_t s[2]; bool seeded; } Random;

static uint64_t splitmix(uint64_t *x)
{
    uint64_t z = (*x += 0x9e3779b97f4a7c15ull);
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ z >> 27) * 0x94d049bb133111ebull;
    return z ^ z >> 31;
}

static Random *random_of(CallFrame *cf)
{
    static _Thread_local Random thread_random;
    Random *r = &thread_random;
    if (cf->env && cf->env->arena) {
        if (!cf->env->random_state) cf->env->random_state = arena_zalloc(cf->env->arena, sizeof *r);
        if (cf->env->random_state) r = cf->env->random_state;
    }
    if (!r->seeded) {
        uint64_t seed = (uint64_t)clock_monotonic_ns() ^ (uint64_t)(uintptr_t)r ^ (uint64_t)clock_wall_us() << 20;
        r->s[0] = splitmix(&seed);
        r->s[1] = splitmix(&seed);
        r->seeded = true;
    }
    return r;
}

FN(drandom)
{
    Random *r = random_of(cf);
    uint64_t a = r->s[0], b = r->s[1], v = a + b;
    b ^= a;
    r->s[0] = (a << 24 | a >> 40) ^ b ^ b << 16;
    r->s[1] = b << 37 | b >> 27;
    return datum_f8((double)(v >> 11) * 0x1.0p-53);
}

FN(setseed)
{
    double d = ARG_F8(0);
    if (!(d >= -1 && d <= 1)) return CALL_ERROR(cf, ERR_INVALID_PARAMETER_VALUE, "setseed parameter %g is out of allowed range [-1,1]", d);
    Random *r = random_of(cf);
    uint64_t seed;
    memcpy(&seed, &d, 8);
    r->s[0] = splitmix(&seed);
    r->s[1] = splitmix(&seed);
    return 0;
}

FN(in_range_float8_float8)
{
    double val = ARG_F8(0), base = ARG_F8(1), off = ARG_F8(2);
    bool sub = ARG_BOOL(3), less = ARG_BOOL(4);
    if (isnan(off) || off < 0) return CALL_ERROR(cf, ERR_INVALID_PRECEDING_OR_FOLLOWING_SIZE, "invalid preceding or following size in window function");
    if (isnan(val)) return datum_bool(isnan(base) ? true : !less);
    if (isnan(base)) return datum_bool(less);
    double sum = sub ? base - off : base + off;
    return datum_bool(less ? val <= sum : val >= sum);
}

FN(width_bucket_float8)
{
    double v = ARG_F8(0), lo = ARG_F8(1), hi = ARG_F8(2);
    int32_t n = ARG_I32(3), r;
    if (n <= 0) return CALL_ERROR(cf, ERR_INVALID_ARGUMENT_FOR_WIDTH_BUCKET_FUNCTION, "count must be greater than zero");
    if (isnan(v) || isnan(lo) || isnan(hi))
        return CALL_ERROR(cf, ERR_INVALID_ARGUMENT_FOR_WIDTH_BUCKET_FUNCTION, "operand, lower bound, and upper bound cannot be NaN");
    if (isinf(lo) || isinf(hi)) return CALL_ERROR(cf, ERR_INVALID_ARGUMENT_FOR_WIDTH_BUCKET_FUNCTION, "lower and upper bounds must be finite");
    if (lo == hi) return CALL_ERROR(cf, ERR_INVALID_ARGUMENT_FOR_WIDTH_BUCKET_FUNCTION, "lower bound cannot equal upper bound");
    bool before = lo < hi ? v < lo : v > lo, after = lo < hi ? v >= hi : v <= hi;
    if (before) return datum_i32(0);
    if (after) return __builtin_add_overflow(n, 1, &r) ? CALL_ERROR(cf, ERR_NUMERIC_VALUE_OUT_OF_RANGE, "integer out of range") : datum_i32(r);
    r = (int32_t)((double)n * ((v - lo) / (hi - lo)));
    if (r >= n) r = n - 1;
    return datum_i32(r + 1);
}
