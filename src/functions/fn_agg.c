/* Transition and final functions of the plain aggregates over integers, floats, booleans, text, arrays.
 *
 * States of type internal are structs in cf->agg_arena. States that are arrays ({N, sum}, {N, Sx, Sxx}) are copied into agg_arena by the
 * first call of a group and changed in place by the later ones. */
#include <math.h>

#include "functions/fn.h"
#include "functions/fn_agg.h"

static Arena *state_arena(CallFrame *cf) { return cf->agg_arena ? cf->agg_arena : cf->arena; }

void *agg_state(CallFrame *cf, size_t bytes)
{
    if (!cf->nulls[0]) return (void *)(uintptr_t)cf->args[0];
    void *p = arena_zalloc(state_arena(cf), bytes);
    if (!p) fn_oom(cf);
    return p;
}
Arena *agg_arena_of(CallFrame *cf) { return state_arena(cf); }

/* ---- count ---- */
static Datum inc(CallFrame *cf, int64_t by)
{
    int64_t r;
    if (__builtin_add_overflow(ARG_I64(0), by, &r)) return CALL_ERROR(cf, ERR_NUMERIC_VALUE_OUT_OF_RANGE, "bigint out of range");
    return datum_i64(r);
}
FN(int8inc) { return inc(cf, 1); }
FN(int8inc_any) { return inc(cf, 1); }
FN(int8inc_float8_float8) { return inc(cf, 1); }
FN(int8dec) { return inc(cf, -1); }
FN(int8dec_any) { return inc(cf, -1); }

/* ---- sum(int2), sum(int4): the state is a bigint ---- */
#define INT_SUM(name, A)                                                          \
    FN(name)                                                                      \
    {                                                                             \
        if (unlikely(cf->nulls[0])) {                                             \
            if (cf->nulls[1]) RETURN_NULL();                                      \
            return datum_i64(A(1));                                               \
        }                                                                         \
        if (unlikely(cf->nulls[1])) return cf->args[0];                           \
        return (Datum)((uint64_t)cf->args[0] + (uint64_t)(int64_t)A(1));          \
    }
INT_SUM(int2_sum, ARG_I16)
INT_SUM(int4_sum, ARG_I32)
FN(int8_sum) /* sum of numerics of old; state numeric */
{
    Numeric a, b, r;
    if (cf->nulls[0]) {
        if (cf->nulls[1]) RETURN_NULL();
        numeric_set_i64(&r, ARG_I64(1));
        return fn_return_numeric(cf, &r);
    }
    if (cf->nulls[1]) return cf->args[0];
    if (!fn_arg_numeric(cf, 0, &a)) return 0;
    numeric_set_i64(&b, ARG_I64(1));
    FTRY(numeric_add(&a, &b, cf->arena, &r, cf->err));
    return fn_return_numeric(cf, &r);
}

/* ---- array states ---- */
#define ARRAY_HEAD 16 /* one dimension, no nulls: types/array.h */
static uint8_t *array_state(CallFrame *cf, Datum *state, int n, bool fresh)
{
    const uint8_t *p = datum_bytes(*state);
    if (varlena_len(p) != ARRAY_HEAD + 8u * (unsigned)n) {
        error_set(cf->err, ERR_INTERNAL_ERROR, "expected %d-element array", n);
        return NULL;
    }
    if (fresh || !cf->agg_arena) {
        uint8_t *copy = arena_memdup(state_arena(cf), p, varlena_total(p));
        if (!copy) {
            fn_oom(cf);
            return NULL;
        }
        *state = datum_ptr(copy);
        p = copy;
    }
    return (uint8_t *)(uintptr_t)p + varlena_header(p) + ARRAY_HEAD;
}
static const uint8_t *array_values(Datum state) { const uint8_t *p = datum_bytes(state); return p + varlena_header(p) + ARRAY_HEAD; }
/* The bytes of a state array; an array of another size (somebody called the function by hand) is an error. */
static bool array_read(CallFrame *cf, Datum state, void *out, size_t bytes)
{
    if (unlikely(varlena_len(datum_bytes(state)) != ARRAY_HEAD + bytes)) {
        error_set(cf->err, ERR_INTERNAL_ERROR, "expected %d-element array", (int)(bytes / 8));
        return false;
    }
    memcpy(out, array_values(state), bytes);
    return true;
}

static Datum int_avg_accum(CallFrame *cf, int64_t v, int64_t by)
{
    int64_t s[2];
    Datum state = cf->args[0];
    if (!array_read(cf, state, s, sizeof s)) return 0;
    uint8_t *p = array_state(cf, &state, 2, s[0] == 0);
    if (unlikely(!p)) return 0;
    s[0] += by;
    s[1] += by * v;
    memcpy(p, s, sizeof s);
    return state;
}
FN(int2_avg_accum) { return int_avg_accum(cf, ARG_I16(1), 1); }
FN(int4_avg_accum) { return int_avg_accum(cf, ARG_I32(1), 1); }
FN(int2_avg_accum_inv) { return int_avg_accum(cf, ARG_I16(1), -1); }
FN(int4_avg_accum_inv) { return int_avg_accum(cf, ARG_I32(1), -1); }
FN(int4_avg_combine)
{
    int64_t a[2], b[2];
    Datum state = cf->args[0];
    if (!array_read(cf, state, a, sizeof a)) return 0;
    if (!array_read(cf, cf->args[1], b, sizeof b)) return 0;
    uint8_t *p = array_state(cf, &state, 2, a[0] == 0);
    if (!p) return 0;
    a[0] += b[0];
    a[1] += b[1];
    memcpy(p, a, sizeof a);
    return state;
}
static Datum int_average(CallFrame *cf, __int128 sum, int64_t n)
{
    Numeric a, b, r;
    numeric_set_i128(&a, sum);
    numeric_set_i64(&b, n);
    FTRY(numeric_div(&a, &b, cf->arena, &r, cf->err));
    return fn_return_numeric(cf, &r);
}
FN(int8_avg)
{
    int64_t s[2];
    if (!array_read(cf, cf->args[0], s, sizeof s)) return 0;
    if (s[0] == 0) RETURN_NULL();
    return int_average(cf, s[1], s[0]);
}
FN(int2int4_sum)
{
    int64_t s[2];
    if (!array_read(cf, cf->args[0], s, sizeof s)) return 0;
    if (s[0] == 0) RETURN_NULL();
    return datum_i64(s[1]);
}

/* ---- 128-bit sums: avg and sum of bigint, variance of int2 and int4 ---- */
typedef struct PolyState { __int128 sum, squares; int64_t n; } PolyState;

static Datum poly_add(CallFrame *cf, int64_t v, bool squares, int by)
{
    PolyState *s = agg_state(cf, sizeof *s);
    if (unlikely(!s)) return 0;
    if (likely(!cf->nulls[1])) {
        s->n += by;
        s->sum += by * (__int128)v;
        if (squares) s->squares += by * ((__int128)v * v);
    }
    return datum_ptr(s);
}
FN(int8_avg_accum) { return poly_add(cf, ARG_I64(1), false, 1); }
FN(int8_avg_accum_inv) { return poly_add(cf, ARG_I64(1), false, -1); }
FN(int2_accum) { return poly_add(cf, ARG_I16(1), true, 1); }
FN(int4_accum) { return poly_add(cf, ARG_I32(1), true, 1); }
FN(int2_accum_inv) { return poly_add(cf, ARG_I16(1), true, -1); }
FN(int4_accum_inv) { return poly_add(cf, ARG_I32(1), true, -1); }

static Datum poly_combine(CallFrame *cf)
{
    if (cf->nulls[1]) {
        if (cf->nulls[0]) RETURN_NULL();
        return cf->args[0];
    }
    PolyState *a = agg_state(cf, sizeof *a);
    const PolyState *b = (const PolyState *)(uintptr_t)cf->args[1];
    if (!a) return 0;
    a->n += b->n;
    a->sum += b->sum;
    a->squares += b->squares;
    return datum_ptr(a);
}
FN(int8_avg_combine) { return poly_combine(cf); }
FN(numeric_poly_combine) { return poly_combine(cf); }

static const PolyState *poly_of(CallFrame *cf)
{
    const PolyState *s = cf->nulls[0] ? NULL : (const PolyState *)(uintptr_t)cf->args[0];
    return s && s->n ? s : NULL;
}
FN(numeric_poly_avg) { const PolyState *s = poly_of(cf); if (!s) RETURN_NULL(); return int_average(cf, s->sum, s->n); }
FN(numeric_poly_sum)
{
    const PolyState *s = poly_of(cf);
    Numeric v;
    if (!s) RETURN_NULL();
    numeric_set_i128(&v, s->sum);
    return fn_return_numeric(cf, &v);
}
static Datum poly_final(CallFrame *cf, bool variance, bool sample)
{
    const PolyState *s = poly_of(cf);
    Numeric sum, squares;
    if (!s) RETURN_NULL();
    numeric_set_i128(&sum, s->sum);
    numeric_set_i128(&squares, s->squares);
    return agg_variance(cf, s->n, &sum, &squares, variance, sample);
}
FN(numeric_poly_var_pop) { return poly_final(cf, true, false); }
FN(numeric_poly_var_samp) { return poly_final(cf, true, true); }
FN(numeric_poly_stddev_pop) { return poly_final(cf, false, false); }
FN(numeric_poly_stddev_samp) { return poly_final(cf, false, true); }

/* ---- float8: Youngs and Cramer; state {N, Sx, Sxx} ---- */
static Datum float_overflow(CallFrame *cf) { return CALL_ERROR(cf, ERR_NUMERIC_VALUE_OUT_OF_RANGE, "value out of range: overflow"); }

static Datum float_accum(CallFrame *cf, double v)
{
    double s[3];
    Datum state = cf->args[0];
    if (!array_read(cf, state, s, sizeof s)) return 0;
    uint8_t *p = array_state(cf, &state, 3, s[0] == 0);
    if (unlikely(!p)) return 0;
    double n = s[0] + 1, sx = s[1] + v, sxx = s[2];
    if (s[0] > 0) {
        double t = v * n - sx;
        sxx += t * t / (n * s[0]);
        if (unlikely(isinf(sx) || isinf(sxx))) {
            if (!isinf(s[1]) && !isinf(v)) return float_overflow(cf);
            sxx = NAN;
        }
    } else if (unlikely(isnan(v) || isinf(v))) {
        sxx = NAN;
    }
    s[0] = n, s[1] = sx, s[2] = sxx;
    memcpy(p, s, sizeof s);
    return state;
}
FN(float8_accum) { return float_accum(cf, ARG_F8(1)); }
FN(float4_accum) { return float_accum(cf, ARG_F4(1)); }
FN(float8_combine)
{
    double a[3], b[3];
    if (!array_read(cf, cf->args[0], a, sizeof a)) return 0;
    if (!array_read(cf, cf->args[1], b, sizeof b)) return 0;
    if (a[0] == 0) return cf->args[1];
    if (b[0] == 0) return cf->args[0];
    Datum state = cf->args[0];
    uint8_t *p = array_state(cf, &state, 3, false);
    if (!p) return 0;
    double n = a[0] + b[0], t = a[1] / a[0] - b[1] / b[0];
    a[2] = a[2] + b[2] + a[0] * b[0] * t * t / n;
    a[1] += b[1];
    a[0] = n;
    memcpy(p, a, sizeof a);
    return state;
}
static Datum float_final(CallFrame *cf, int least, int minus, bool root)
{
    double s[3];
    if (!array_read(cf, cf->args[0], s, sizeof s)) return 0;
    if (s[0] < least) RETURN_NULL();
    double v = s[2] / (s[0] - minus);
    return datum_f8(root ? sqrt(v) : v);
}
FN(float8_avg)
{
    double s[3];
    if (!array_read(cf, cf->args[0], s, sizeof s)) return 0;
    if (s[0] == 0) RETURN_NULL();
    return datum_f8(s[1] / s[0]);
}
FN(float8_var_pop) { return float_final(cf, 1, 0, false); }
FN(float8_var_samp) { return float_final(cf, 2, 1, false); }
FN(float8_stddev_pop) { return float_final(cf, 1, 0, true); }
FN(float8_stddev_samp) { return float_final(cf, 2, 1, true); }

/* ---- regression: {N, Sx, Sxx, Sy, Syy, Sxy}; arguments (Y, X) ---- */
enum { R_N, R_SX, R_SXX, R_SY, R_SYY, R_SXY };
FN(float8_regr_accum)
{
    double s[6], y = ARG_F8(1), x = ARG_F8(2);
    Datum state = cf->args[0];
    if (!array_read(cf, state, s, sizeof s)) return 0;
    uint8_t *p = array_state(cf, &state, 6, s[R_N] == 0);
    if (!p) return 0;
    double n0 = s[R_N], n = n0 + 1, sx0 = s[R_SX], sy0 = s[R_SY];
    s[R_N] = n;
    s[R_SX] += x;
    s[R_SY] += y;
    if (n0 > 0) {
        double tx = x * n - s[R_SX], ty = y * n - s[R_SY], scale = 1.0 / (n * n0);
        s[R_SXX] += tx * tx * scale;
        s[R_SYY] += ty * ty * scale;
        s[R_SXY] += tx * ty * scale;
        if (isinf(s[R_SX]) || isinf(s[R_SXX]) || isinf(s[R_SY]) || isinf(s[R_SYY]) || isinf(s[R_SXY])) {
            if (((isinf(s[R_SX]) || isinf(s[R_SXX])) && !isinf(sx0) && !isinf(x)) || ((isinf(s[R_SY]) || isinf(s[R_SYY])) && !isinf(sy0) && !isinf(y)))
                return float_overflow(cf);
            if (isinf(s[R_SXX])) s[R_SXX] = NAN;
            if (isinf(s[R_SYY])) s[R_SYY] = NAN;
            if (isinf(s[R_SXY])) s[R_SXY] = NAN;
        }
    } else {
        if (isnan(x) || isinf(x)) s[R_SXX] = s[R_SXY] = NAN;
        if (isnan(y) || isinf(y)) s[R_SYY] = s[R_SXY] = NAN;
    }
    memcpy(p, s, sizeof s);
    return state;
}
FN(float8_regr_combine)
{
    double a[6], b[6];
    if (!array_read(cf, cf->args[0], a, sizeof a)) return 0;
    if (!array_read(cf, cf->args[1], b, sizeof b)) return 0;
    if (a[0] == 0) return cf->args[1];
    if (b[0] == 0) return cf->args[0];
    Datum state = cf->args[0];
    uint8_t *p = array_state(cf, &state, 6, false);
    if (!p) return 0;
    double n = a[R_N] + b[R_N], w = a[R_N] * b[R_N] / n, tx = a[R_SX] / a[R_N] - b[R_SX] / b[R_N], ty = a[R_SY] / a[R_N] - b[R_SY] / b[R_N];
    a[R_SXX] += b[R_SXX] + w * tx * tx;
    a[R_SYY] += b[R_SYY] + w * ty * ty;
    a[R_SXY] += b[R_SXY] + w * tx * ty;
    a[R_SX] += b[R_SX];
    a[R_SY] += b[R_SY];
    a[R_N] = n;
    memcpy(p, a, sizeof a);
    return state;
}
#define REGR(name, null_if, value)                                         \
    FN(name)                                                               \
    {                                                                      \
        double s[6];                                                       \
        if (!array_read(cf, cf->args[0], s, sizeof s)) return 0;                    \
        if (s[R_N] < 1 || (null_if)) RETURN_NULL();                        \
        return datum_f8(value);                                            \
    }
REGR(float8_regr_sxx, false, s[R_SXX])
REGR(float8_regr_syy, false, s[R_SYY])
REGR(float8_regr_sxy, false, s[R_SXY])
REGR(float8_regr_avgx, false, s[R_SX] / s[R_N])
REGR(float8_regr_avgy, false, s[R_SY] / s[R_N])
REGR(float8_covar_pop, false, s[R_SXY] / s[R_N])
REGR(float8_covar_samp, s[R_N] < 2, s[R_SXY] / (s[R_N] - 1))
REGR(float8_corr, s[R_SXX] == 0 || s[R_SYY] == 0, s[R_SXY] / sqrt(s[R_SXX] * s[R_SYY]))
REGR(float8_regr_r2, s[R_SXX] == 0, s[R_SYY] == 0 ? 1.0 : (s[R_SXY] * s[R_SXY]) / (s[R_SXX] * s[R_SYY]))
REGR(float8_regr_slope, s[R_SXX] == 0, s[R_SXY] / s[R_SXX])
REGR(float8_regr_intercept, s[R_SXX] == 0, (s[R_SY] - s[R_SX] * s[R_SXY] / s[R_SXX]) / s[R_N])

/* ---- avg(interval): interval[] {sum, {N microseconds}} is kept as a struct behind the array's bytes ---- */
typedef struct IntervalPair { Interval sum, count; } IntervalPair;
static Datum interval_add(CallFrame *cf, int by)
{
    IntervalPair s;
    Datum state = cf->args[0];
    const uint8_t *v = datum_bytes(state);
    if (varlena_len(v) != ARRAY_HEAD + sizeof s) return CALL_ERROR(cf, ERR_INTERNAL_ERROR, "expected 2-element interval array");
    if (!array_read(cf, state, &s, sizeof s)) return 0;
    if (s.count.time == 0 || !cf->agg_arena) {
        uint8_t *copy = arena_memdup(state_arena(cf), v, varlena_total(v));
        FTRY_MEM(copy);
        state = datum_ptr(copy);
    }
    Interval x = interval_get(cf->args[1]);
    bool bad = by > 0 ? __builtin_add_overflow(s.sum.month, x.month, &s.sum.month) || __builtin_add_overflow(s.sum.day, x.day, &s.sum.day) ||
                            __builtin_add_overflow(s.sum.time, x.time, &s.sum.time)
                      : __builtin_sub_overflow(s.sum.month, x.month, &s.sum.month) || __builtin_sub_overflow(s.sum.day, x.day, &s.sum.day) ||
                            __builtin_sub_overflow(s.sum.time, x.time, &s.sum.time);
    if (bad) return CALL_ERROR(cf, ERR_DATETIME_VALUE_OUT_OF_RANGE, "interval out of range");
    s.count.time += by;
    memcpy((uint8_t *)(uintptr_t)array_values(state), &s, sizeof s);
    return state;
}
FN(interval_accum) { return interval_add(cf, 1); }
FN(interval_accum_inv) { return interval_add(cf, -1); }
FN(interval_avg)
{
    IntervalPair s;
    if (!array_read(cf, cf->args[0], &s, sizeof s)) return 0;
    if (s.count.time == 0) RETURN_NULL();
    Datum args[2] = {datum_ptr(&s.sum), datum_f8((double)s.count.time)};
    CallFrame inner = *cf;
    inner.args = args;
    return fn_interval_div(&inner);
}

/* ---- string_agg ---- */
static Datum string_add(CallFrame *cf)
{
    StrBuf *sb;
    if (cf->nulls[1]) {
        if (cf->nulls[0]) RETURN_NULL();
        return cf->args[0];
    }
    bool first = cf->nulls[0];
    if (!(sb = agg_state(cf, sizeof *sb))) return 0;
    if (first) strbuf_init(sb, state_arena(cf));
    else if (!cf->nulls[2]) strbuf_append(sb, ARG_TEXT(2).data, ARG_TEXT(2).len);
    strbuf_append(sb, ARG_TEXT(1).data, ARG_TEXT(1).len);
    FTRY(strbuf_check(sb, cf->err));
    if (sb->len > VARLENA_MAX) return CALL_ERROR(cf, ERR_PROGRAM_LIMIT_EXCEEDED, "out of memory");
    return datum_ptr(sb);
}
static Datum string_final(CallFrame *cf)
{
    if (cf->nulls[0]) RETURN_NULL();
    return call_return_text(cf, strbuf_slice((const StrBuf *)(uintptr_t)cf->args[0]));
}
FN(string_agg_transfn) { return string_add(cf); }
FN(bytea_string_agg_transfn) { return string_add(cf); }
FN(string_agg_finalfn) { return string_final(cf); }
FN(bytea_string_agg_finalfn) { return string_final(cf); }

/* ---- array_agg ---- */
FN(array_agg_transfn)
{
    bool first = cf->nulls[0];
    ArrayBuilder *b = agg_state(cf, sizeof *b);
    if (!b) return 0;
    if (first) {
        const TypeInfo *elem = fn_type(cf, cf->arg_types[1]);
        if (!elem) return 0;
        array_builder_init(b, state_arena(cf), elem);
    }
    FTRY(array_builder_add(b, cf->args[1], cf->nulls[1], cf->err));
    return datum_ptr(b);
}
FN(array_agg_finalfn)
{
    Datum d = 0;
    if (cf->nulls[0]) RETURN_NULL();
    FTRY(array_builder_finish((const ArrayBuilder *)(uintptr_t)cf->args[0], cf->arena, &d, cf->err));
    return d;
}

/* Arrays become one array of a dimension more. */
typedef struct ArrayOfArrays { ArrayBuilder items; ArrayView first; int count; bool any; } ArrayOfArrays;
FN(array_agg_array_transfn)
{
    bool first = cf->nulls[0];
    ArrayView v;
    ArrayIter it;
    Datum d;
    bool null;
    if (cf->nulls[1]) return CALL_ERROR(cf, ERR_NULL_VALUE_NOT_ALLOWED, "cannot accumulate null arrays");
    ArrayOfArrays *s = agg_state(cf, sizeof *s);
    if (!s) return 0;
    FTRY(array_open(cf->args[1], &v, cf->err));
    const TypeInfo *elem = fn_type(cf, v.elem);
    if (!elem) return 0;
    if (v.ndim == 0) return CALL_ERROR(cf, ERR_ARRAY_SUBSCRIPT_ERROR, "cannot accumulate empty arrays");
    if (first) {
        array_builder_init(&s->items, state_arena(cf), elem);
        s->first = v;
    } else if (s->first.ndim != v.ndim || memcmp(s->first.dims, v.dims, (size_t)v.ndim * sizeof v.dims[0])) {
        return CALL_ERROR(cf, ERR_ARRAY_SUBSCRIPT_ERROR, "cannot accumulate arrays of different dimensionality");
    }
    for (array_iter_init(&it, &v, elem); array_next(&it, &d, &null);) FTRY(array_builder_add(&s->items, d, null, cf->err));
    s->count++;
    return datum_ptr(s);
}
FN(array_agg_array_finalfn)
{
    Datum out = 0;
    int32_t dims[ARRAY_MAX_DIMS + 1], lb[ARRAY_MAX_DIMS + 1];
    if (cf->nulls[0]) RETURN_NULL();
    const ArrayOfArrays *s = (const ArrayOfArrays *)(uintptr_t)cf->args[0];
    if (s->first.ndim + 1 > ARRAY_MAX_DIMS)
        return CALL_ERROR(cf, ERR_PROGRAM_LIMIT_EXCEEDED, "number of array dimensions (%d) exceeds the maximum allowed (%d)", s->first.ndim + 1, ARRAY_MAX_DIMS);
    dims[0] = s->count;
    lb[0] = 1;
    for (int i = 0; i < s->first.ndim; i++) {
        dims[i + 1] = s->first.dims[i];
        lb[i + 1] = s->first.lbounds[i];
    }
    FTRY(array_make(cf->arena, s->items.elem, s->first.ndim + 1, dims, lb, s->items.values, s->items.nulls, &out, cf->err));
    return out;
}

/* ---- booleans with inverse: bool_and, bool_or in moving frames ---- */
typedef struct BoolState { int64_t n, n_true; } BoolState;
static Datum bool_add(CallFrame *cf, int by)
{
    BoolState *s = agg_state(cf, sizeof *s);
    if (!s) return 0;
    if (!cf->nulls[1]) {
        s->n += by;
        if (ARG_BOOL(1)) s->n_true += by;
    }
    return datum_ptr(s);
}
FN(bool_accum) { return bool_add(cf, 1); }
FN(bool_accum_inv) { return bool_add(cf, -1); }
FN(bool_alltrue) { const BoolState *s = (const BoolState *)(uintptr_t)cf->args[0]; if (cf->nulls[0] || !s->n) RETURN_NULL(); return datum_bool(s->n == s->n_true); }
FN(bool_anytrue) { const BoolState *s = (const BoolState *)(uintptr_t)cf->args[0]; if (cf->nulls[0] || !s->n) RETURN_NULL(); return datum_bool(s->n_true > 0); }
