/* numeric: arithmetic, rounding, conversion, mathematics. */
#include <math.h>
#include <strings.h>

#include "functions/fn.h"

typedef Status (*BinaryOp)(const Numeric *, const Numeric *, Arena *, Numeric *, Error *);
typedef Status (*UnaryOp)(const Numeric *, Arena *, Numeric *, Error *);

static Datum binary(CallFrame *cf, BinaryOp op)
{
    Numeric a, b, r;
    if (!fn_arg_numeric(cf, 0, &a) || !fn_arg_numeric(cf, 1, &b)) return 0;
    FTRY(op(&a, &b, cf->arena, &r, cf->err));
    return fn_return_numeric(cf, &r);
}
static Datum unary(CallFrame *cf, UnaryOp op)
{
    Numeric a, r;
    if (!fn_arg_numeric(cf, 0, &a)) return 0;
    FTRY(op(&a, cf->arena, &r, cf->err));
    return fn_return_numeric(cf, &r);
}
FN(numeric_add) { return binary(cf, numeric_add); }
FN(numeric_sub) { return binary(cf, numeric_sub); }
FN(numeric_mul) { return binary(cf, numeric_mul); }
FN(numeric_div) { return binary(cf, numeric_div); }
FN(numeric_div_trunc) { return binary(cf, numeric_div_trunc); }
FN(numeric_mod) { return binary(cf, numeric_mod); }
FN(numeric_power) { return binary(cf, numeric_power); }
FN(numeric_log) { return binary(cf, numeric_log); }
FN(numeric_gcd) { return binary(cf, numeric_gcd); }
FN(numeric_sqrt) { return unary(cf, numeric_sqrt); }
FN(numeric_ln) { return unary(cf, numeric_ln); }
FN(numeric_exp) { return unary(cf, numeric_exp); }
FN(numeric_ceil) { return unary(cf, numeric_ceil); }
FN(numeric_floor) { return unary(cf, numeric_floor); }
FN(sql_log10)
{
    Numeric ten, a, r;
    numeric_set_i64(&ten, 10);
    if (!fn_arg_numeric(cf, 0, &a)) return 0;
    FTRY(numeric_log(&ten, &a, cf->arena, &r, cf->err));
    return fn_return_numeric(cf, &r);
}

FN(numeric_lcm)
{
    Numeric a, b, g, q, r;
    if (!fn_arg_numeric(cf, 0, &a) || !fn_arg_numeric(cf, 1, &b)) return 0;
    FTRY(numeric_gcd(&a, &b, cf->arena, &g, cf->err));
    int scale = a.dscale > b.dscale ? a.dscale : b.dscale;
    if (g.kind != NUMERIC_FINITE) return fn_return_numeric(cf, &g);
    if (g.n == 0) {
        numeric_set_zero(&r, scale);
        return fn_return_numeric(cf, &r);
    }
    FTRY(numeric_div_trunc(&a, &g, cf->arena, &q, cf->err));
    FTRY(numeric_mul(&q, &b, cf->arena, &r, cf->err));
    r.neg = false;
    numeric_round(&r, scale);
    return fn_return_numeric(cf, &r);
}

FN(numeric_abs) { Numeric a; if (!fn_arg_numeric(cf, 0, &a)) return 0; a.neg = false; if (a.kind == NUMERIC_NINF) a.kind = NUMERIC_PINF; return fn_return_numeric(cf, &a); }
FN(numeric_uplus) { return cf->args[0]; }
FN(numeric_uminus)
{
    Numeric a;
    if (!fn_arg_numeric(cf, 0, &a)) return 0;
    a.neg = a.n && !a.neg;
    if (a.kind == NUMERIC_PINF) a.kind = NUMERIC_NINF;
    else if (a.kind == NUMERIC_NINF) a.kind = NUMERIC_PINF;
    return fn_return_numeric(cf, &a);
}
FN(numeric_sign)
{
    Numeric a, r;
    if (!fn_arg_numeric(cf, 0, &a)) return 0;
    if (a.kind == NUMERIC_NAN) return cf->args[0];
    numeric_set_i64(&r, a.kind == NUMERIC_PINF ? 1 : a.kind == NUMERIC_NINF ? -1 : a.n == 0 ? 0 : a.neg ? -1 : 1);
    return fn_return_numeric(cf, &r);
}
FN(numeric_inc)
{
    Numeric a, one, r;
    numeric_set_i64(&one, 1);
    if (!fn_arg_numeric(cf, 0, &a)) return 0;
    FTRY(numeric_add(&a, &one, cf->arena, &r, cf->err));
    return fn_return_numeric(cf, &r);
}

static Datum cut(CallFrame *cf, int scale, bool round)
{
    Numeric a;
    if (!fn_arg_numeric(cf, 0, &a)) return 0;
    scale = scale < -2000 ? -2000 : scale > 2000 ? 2000 : scale;
    if (round) numeric_round(&a, scale);
    else numeric_trunc(&a, scale);
    return fn_return_numeric(cf, &a);
}
FN(numeric_round) { return cut(cf, ARG_I32(1), true); }
FN(numeric_trunc) { return cut(cf, ARG_I32(1), false); }
FN(sql_round) { return cut(cf, 0, true); }
FN(sql_trunc) { return cut(cf, 0, false); }

FN(numeric) { Datum d = 0; FTRY(numeric_coerce(cf->arena, cf->args[0], ARG_I32(1), &d, cf->err)); return d; }

/* ---- conversion ---- */
FN(int2_numeric) { Datum d = numeric_from_i64(cf->arena, ARG_I16(0)); return d ? d : fn_oom(cf); }
FN(int4_numeric) { Datum d = numeric_from_i64(cf->arena, ARG_I32(0)); return d ? d : fn_oom(cf); }
FN(int8_numeric) { Datum d = numeric_from_i64(cf->arena, ARG_I64(0)); return d ? d : fn_oom(cf); }
FN(float4_numeric) { Numeric a; FTRY(numeric_set_f4(&a, ARG_F4(0), cf->arena, cf->err)); return fn_return_numeric(cf, &a); }
FN(float8_numeric) { Numeric a; FTRY(numeric_set_f8(&a, ARG_F8(0), cf->arena, cf->err)); return fn_return_numeric(cf, &a); }

static bool to_int(CallFrame *cf, const char *type, int64_t lo, int64_t hi, int64_t *out)
{
    Numeric a;
    if (!fn_arg_numeric(cf, 0, &a)) return false;
    if (a.kind != NUMERIC_FINITE) {
        error_set(cf->err, ERR_FEATURE_NOT_SUPPORTED, "cannot convert %s to %s", a.kind == NUMERIC_NAN ? "NaN" : "infinity", type);
        return false;
    }
    if (numeric_to_i64(&a, out) && *out >= lo && *out <= hi) return true;
    error_set(cf->err, ERR_NUMERIC_VALUE_OUT_OF_RANGE, "%s out of range", type);
    return false;
}
FN(numeric_int2) { int64_t v; return to_int(cf, "smallint", INT16_MIN, INT16_MAX, &v) ? datum_i16((int16_t)v) : 0; }
FN(numeric_int4) { int64_t v; return to_int(cf, "integer", INT32_MIN, INT32_MAX, &v) ? datum_i32((int32_t)v) : 0; }
FN(numeric_int8) { int64_t v; return to_int(cf, "bigint", INT64_MIN, INT64_MAX, &v) ? datum_i64(v) : 0; }
FN(numeric_float8)
{
    Numeric a;
    if (!fn_arg_numeric(cf, 0, &a)) return 0;
    double d = numeric_to_f8(&a);
    if (a.kind == NUMERIC_FINITE && isinf(d)) {
        StrBuf sb;
        strbuf_init(&sb, cf->arena);
        numeric_print(&a, &sb);
        return CALL_ERROR(cf, ERR_NUMERIC_VALUE_OUT_OF_RANGE, "\"%s\" is out of range for type double precision", strbuf_cstr(&sb));
    }
    return datum_f8(d);
}
FN(numeric_float4)
{
    Numeric a;
    if (!fn_arg_numeric(cf, 0, &a)) return 0;
    double d = numeric_to_f8(&a);
    float f = (float)d;
    if (a.kind == NUMERIC_FINITE && isinf(f)) {
        StrBuf sb;
        strbuf_init(&sb, cf->arena);
        numeric_print(&a, &sb);
        return CALL_ERROR(cf, ERR_NUMERIC_VALUE_OUT_OF_RANGE, "\"%s\" is out of range for type real", strbuf_cstr(&sb));
    }
    return datum_f4(f);
}

/* ---- scales ---- */
FN(numeric_scale) { Numeric a; if (!fn_arg_numeric(cf, 0, &a)) return 0; if (a.kind != NUMERIC_FINITE) RETURN_NULL(); return datum_i32(a.dscale); }
static int min_scale(const Numeric *a)
{
    if (a->n == 0) return 0;
    int scale = (a->n - a->weight - 1) * 4;
    if (scale <= 0) return 0;
    for (int last = a->d[a->n - 1]; last % 10 == 0; last /= 10) scale--;
    return scale;
}
FN(numeric_min_scale) { Numeric a; if (!fn_arg_numeric(cf, 0, &a)) return 0; if (a.kind != NUMERIC_FINITE) RETURN_NULL(); return datum_i32(min_scale(&a)); }
FN(numeric_trim_scale) { Numeric a; if (!fn_arg_numeric(cf, 0, &a)) return 0; if (a.kind == NUMERIC_FINITE) a.dscale = min_scale(&a); return fn_return_numeric(cf, &a); }

FN(numeric_fac)
{
    int64_t n = ARG_I64(0);
    Numeric r;
    if (n < 0) return CALL_ERROR(cf, ERR_NUMERIC_VALUE_OUT_OF_RANGE, "factorial of a negative number is undefined");
    if (n > 32177) return CALL_ERROR(cf, ERR_NUMERIC_VALUE_OUT_OF_RANGE, "value overflows numeric format");
    FTRY(numeric_factorial((int)n, cf->arena, &r, cf->err));
    return fn_return_numeric(cf, &r);
}

FN(width_bucket_numeric)
{
    Numeric v, lo, hi, n, a, b, c;
    int64_t out;
    if (!fn_arg_numeric(cf, 0, &v) || !fn_arg_numeric(cf, 1, &lo) || !fn_arg_numeric(cf, 2, &hi)) return 0;
    int32_t count = ARG_I32(3), r;
    enum { CODE = ERR_INVALID_ARGUMENT_FOR_WIDTH_BUCKET_FUNCTION };
    if (count <= 0) return CALL_ERROR(cf, CODE, "count must be greater than zero");
    if (v.kind == NUMERIC_NAN || lo.kind == NUMERIC_NAN || hi.kind == NUMERIC_NAN)
        return CALL_ERROR(cf, CODE, "operand, lower bound, and upper bound cannot be NaN");
    if (lo.kind != NUMERIC_FINITE || hi.kind != NUMERIC_FINITE) return CALL_ERROR(cf, CODE, "lower and upper bounds must be finite");
    int order = numeric_cmp(&lo, &hi);
    if (!order) return CALL_ERROR(cf, CODE, "lower bound cannot equal upper bound");
    int vl = numeric_cmp(&v, &lo), vh = numeric_cmp(&v, &hi);
    if (order < 0 ? vl < 0 : vl > 0) return datum_i32(0);
    if (order < 0 ? vh >= 0 : vh <= 0)
        return __builtin_add_overflow(count, 1, &r) ? CALL_ERROR(cf, ERR_NUMERIC_VALUE_OUT_OF_RANGE, "integer out of range") : datum_i32(r);
    FTRY(numeric_sub(&v, &lo, cf->arena, &a, cf->err));
    numeric_set_i64(&n, count);
    FTRY(numeric_mul(&a, &n, cf->arena, &b, cf->err));
    FTRY(numeric_sub(&hi, &lo, cf->arena, &a, cf->err));
    FTRY(numeric_div_scale(&b, &a, 0, false, cf->arena, &c, cf->err));
    return numeric_to_i64(&c, &out) ? datum_i32((int32_t)out + 1) : 0;
}

FN(in_range_numeric_numeric)
{
    Numeric v, base, off, sum;
    if (!fn_arg_numeric(cf, 0, &v) || !fn_arg_numeric(cf, 1, &base) || !fn_arg_numeric(cf, 2, &off)) return 0;
    if (off.kind == NUMERIC_NAN || off.kind == NUMERIC_NINF || (off.kind == NUMERIC_FINITE && off.neg))
        return CALL_ERROR(cf, ERR_INVALID_PRECEDING_OR_FOLLOWING_SIZE, "invalid preceding or following size in window function");
    bool less = ARG_BOOL(4);
    if (v.kind == NUMERIC_NAN) return datum_bool(base.kind == NUMERIC_NAN ? true : !less);
    if (base.kind == NUMERIC_NAN) return datum_bool(less);
    FTRY((ARG_BOOL(3) ? numeric_sub : numeric_add)(&base, &off, cf->arena, &sum, cf->err));
    if (sum.kind == NUMERIC_NAN) return datum_bool(true);
    int c = numeric_cmp(&v, &sum);
    return datum_bool(less ? c <= 0 : c >= 0);
}

/* ---- sizes ---- */
static Datum size_pretty(CallFrame *cf, const Numeric *in)
{
    static const struct { const char *name; int64_t limit; bool round; int unit_bits; } units[] = {
        {"bytes", 10 * 1024, false, 0}, {"kB", 20 * 1024 - 1, true, 10}, {"MB", 20 * 1024 - 1, true, 20}, {"GB", 20 * 1024 - 1, true, 30},
        {"TB", 20 * 1024 - 1, true, 40}, {"PB", 20 * 1024 - 1, true, 50}};
    Numeric v, limit, half, div, t, one;
    StrBuf sb;
    strbuf_init(&sb, cf->arena);
    FTRY(numeric_assign(&v, in, cf->arena, cf->err));
    numeric_set_i64(&one, 1);
    for (int i = 0; i < 6; i++) {
        Numeric mag;
        numeric_set_i64(&limit, units[i].limit);
        FTRY(numeric_assign(&mag, &v, cf->arena, cf->err));
        mag.neg = false;
        if (numeric_cmp(&mag, &limit) < 0 || i == 5) {
            if (units[i].round) { /* half rounded: (v +- 1) / 2 */
                numeric_set_i64(&half, v.neg ? -1 : 1);
                FTRY(numeric_add(&v, &half, cf->arena, &t, cf->err));
                numeric_set_i64(&div, 2);
                FTRY(numeric_div_trunc(&t, &div, cf->arena, &v, cf->err));
            }
            numeric_print(&v, &sb);
            strbuf_printf(&sb, " %s", units[i].name);
            return fn_return_buf(cf, &sb);
        }
        /* next unit; one bit less where the last step halves */
        int bits = units[i + 1].unit_bits - units[i].unit_bits - (units[i + 1].round ? 1 : 0) + (units[i].round ? 1 : 0);
        numeric_set_i64(&div, (int64_t)1 << bits);
        FTRY(numeric_div_trunc(&v, &div, cf->arena, &t, cf->err));
        FTRY(numeric_assign(&v, &t, cf->arena, cf->err));
    }
    return 0;
}
FN(pg_size_pretty) { Numeric v; numeric_set_i64(&v, ARG_I64(0)); return size_pretty(cf, &v); }
FN(pg_size_pretty_numeric) { Numeric v; return fn_arg_numeric(cf, 0, &v) ? size_pretty(cf, &v) : 0; }

FN(pg_size_bytes)
{
    static const struct { const char *name; int bits; } units[] = {{"bytes", 0}, {"b", 0}, {"kb", 10}, {"mb", 20}, {"gb", 30}, {"tb", 40}, {"pb", 50}};
    Slice s = ARG_TEXT(0);
    const char *p = (const char *)s.data, *end = p + s.len, *num;
    Numeric v, m, r;
    bool ok;
    int64_t out;
    while (p < end && *p == ' ') p++;
    while (end > p && end[-1] == ' ') end--;
    num = p;
    if (p < end && (*p == '-' || *p == '+')) p++;
    const char *digits = p;
    while (p < end && ((*p >= '0' && *p <= '9') || *p == '.')) p++;
    if (p == digits) return CALL_ERROR(cf, ERR_INVALID_PARAMETER_VALUE, "invalid size: \"%.*s\"", (int)s.len, (const char *)s.data);
    if (p + 1 < end && (*p | 32) == 'e' && ((p[1] >= '0' && p[1] <= '9') || p[1] == '-' || p[1] == '+'))
        for (p += 2; p < end && *p >= '0' && *p <= '9';) p++;
    FTRY(numeric_parse(slice_of(num, (size_t)(p - num)), cf->arena, &v, &ok, cf->err));
    while (p < end && *p == ' ') p++;
    numeric_set_i64(&m, 1);
    if (p < end) {
        int i = 0;
        for (; i < 7; i++)
            if ((size_t)(end - p) == strlen(units[i].name) && !strncasecmp(p, units[i].name, (size_t)(end - p))) break;
        if (i == 7) {
            error_set(cf->err, ERR_INVALID_PARAMETER_VALUE, "invalid size: \"%.*s\"", (int)s.len, (const char *)s.data);
            error_detail(cf->err, "Invalid size unit: \"%.*s\".", (int)(end - p), p);
            error_hint(cf->err, "Valid units are \"bytes\", \"B\", \"kB\", \"MB\", \"GB\", \"TB\", and \"PB\".");
            return 0;
        }
        numeric_set_i64(&m, (int64_t)1 << units[i].bits);
    }
    FTRY(numeric_mul(&v, &m, cf->arena, &r, cf->err));
    if (!numeric_to_i64(&r, &out)) return CALL_ERROR(cf, ERR_NUMERIC_VALUE_OUT_OF_RANGE, "bigint out of range");
    return datum_i64(out);
}
