/* Aggregates over numeric: sum, avg, variance. Sums are kept digit by digit in 64 bits, carries are left for the end. */
#include "functions/fn_agg.h"

/* sum of digit[i] * 10000^(top - i), signed digits. */
typedef struct DigitSum { int64_t *d; int n, top; } DigitSum;

static bool cover(DigitSum *s, int high, int low, Arena *arena)
{
    if (s->n && high <= s->top && low > s->top - s->n) return true;
    int top = high, bottom = low;
    if (s->n) {
        if (s->top > top) top = s->top;
        if (s->top - s->n + 1 < bottom) bottom = s->top - s->n + 1;
    }
    if (high >= top) top = high + 1;       /* a little room on both sides */
    if (low <= bottom) bottom = low - 1;
    int n = top - bottom + 1;
    int64_t *d = arena_zalloc(arena, (size_t)n * sizeof *d);
    if (!d) return false;
    if (s->n) memcpy(d + (top - s->top), s->d, (size_t)s->n * sizeof *d);
    *s = (DigitSum){d, n, top};
    return true;
}

static bool digits_add(DigitSum *s, const Numeric *v, int by, Arena *arena)
{
    if (v->n == 0) return true;
    if (unlikely(!cover(s, v->weight, v->weight - v->n + 1, arena))) return false;
    int64_t *d = s->d + (s->top - v->weight);
    int sign = v->neg ? -by : by;
    for (int i = 0; i < v->n; i++) d[i] += sign * v->d[i];
    return true;
}

static bool digits_value(CallFrame *cf, const DigitSum *s, int dscale, Numeric *out)
{
    numeric_set_zero(out, dscale);
    if (!s->n) return true;
    enum { EXTRA = 6 };
    int n = s->n + EXTRA;
    int64_t *d = arena_zalloc(cf->arena, (size_t)n * sizeof *d);
    int16_t *digits = arena_alloc(cf->arena, (size_t)n * sizeof *digits);
    if (!d || !digits) {
        fn_oom(cf);
        return false;
    }
    memcpy(d + EXTRA, s->d, (size_t)s->n * sizeof *d);
    for (int round = 0; round < 2; round++) {
        int64_t carry = 0;
        for (int i = n - 1; i >= 0; i--) {
            int64_t v = d[i] + carry;
            carry = v / 10000;
            v %= 10000;
            if (v < 0) v += 10000, carry--;
            d[i] = v;
        }
        if (carry >= 0) break;
        out->neg = true; /* below zero: negate the ten-thousands' complement */
        int64_t borrow = 0;
        for (int i = n - 1; i >= 0; i--) {
            d[i] = (i == n - 1 ? 10000 : 9999) - d[i] + borrow;
            borrow = d[i] / 10000;
            d[i] %= 10000;
        }
        break;
    }
    for (int i = 0; i < n; i++) digits[i] = (int16_t)d[i];
    int lead = 0, end = n;
    while (lead < n && !digits[lead]) lead++;
    while (end > lead && !digits[end - 1]) end--;
    out->d = digits + lead;
    out->n = end - lead;
    out->weight = s->top + EXTRA - lead;
    if (!out->n) numeric_set_zero(out, dscale);
    return true;
}

typedef struct NumericState {
    int64_t n, nans, pinfs, ninfs;
    int max_scale;
    bool squares;
    DigitSum sum, sum2;
} NumericState;

static bool state_add(CallFrame *cf, NumericState *s, const Numeric *v, int by)
{
    if (v->kind != NUMERIC_FINITE) {
        *(v->kind == NUMERIC_NAN ? &s->nans : v->kind == NUMERIC_PINF ? &s->pinfs : &s->ninfs) += by;
        return true;
    }
    s->n += by;
    if (v->dscale > s->max_scale) s->max_scale = v->dscale;
    bool ok = digits_add(&s->sum, v, by, agg_arena_of(cf));
    if (ok && s->squares) {
        Numeric sq;
        if (failed(numeric_mul(v, v, cf->arena, &sq, cf->err))) return false;
        ok = digits_add(&s->sum2, &sq, by, agg_arena_of(cf));
    }
    if (!ok) fn_oom(cf);
    return ok;
}

static Datum accum(CallFrame *cf, bool squares, bool is_int8, int by)
{
    Numeric v;
    bool first = cf->nulls[0];
    NumericState *s = agg_state(cf, sizeof *s);
    if (unlikely(!s)) return 0;
    if (first) s->squares = squares;
    if (cf->nulls[1]) return datum_ptr(s);
    if (is_int8) numeric_set_i64(&v, ARG_I64(1));
    else if (!fn_arg_numeric(cf, 1, &v)) return 0;
    return state_add(cf, s, &v, by) ? datum_ptr(s) : 0;
}
FN(numeric_accum) { return accum(cf, true, false, 1); }
FN(numeric_avg_accum) { return accum(cf, false, false, 1); }
FN(numeric_accum_inv) { return accum(cf, true, false, -1); }
FN(int8_accum) { return accum(cf, true, true, 1); }
FN(int8_accum_inv) { return accum(cf, true, true, -1); }

static bool add_sum(DigitSum *a, const DigitSum *b, Arena *arena)
{
    if (!b->n) return true;
    if (!cover(a, b->top, b->top - b->n + 1, arena)) return false;
    for (int i = 0; i < b->n; i++) a->d[a->top - b->top + i] += b->d[i];
    return true;
}
static Datum combine(CallFrame *cf)
{
    if (cf->nulls[1]) {
        if (cf->nulls[0]) RETURN_NULL();
        return cf->args[0];
    }
    const NumericState *b = (const NumericState *)(uintptr_t)cf->args[1];
    NumericState *a = agg_state(cf, sizeof *a);
    if (!a) return 0;
    a->n += b->n, a->nans += b->nans, a->pinfs += b->pinfs, a->ninfs += b->ninfs;
    a->squares = b->squares;
    if (b->max_scale > a->max_scale) a->max_scale = b->max_scale;
    if (!add_sum(&a->sum, &b->sum, agg_arena_of(cf)) || !add_sum(&a->sum2, &b->sum2, agg_arena_of(cf))) return fn_oom(cf);
    return datum_ptr(a);
}
FN(numeric_combine) { return combine(cf); }
FN(numeric_avg_combine) { return combine(cf); }

/* The state, or NULL when there were no values; *special: the answer is that instead. */
static const NumericState *final_state(CallFrame *cf, Numeric *special, bool *is_special)
{
    const NumericState *s = cf->nulls[0] ? NULL : (const NumericState *)(uintptr_t)cf->args[0];
    *is_special = false;
    if (!s || !(s->n + s->nans + s->pinfs + s->ninfs)) return NULL;
    if (s->nans || s->pinfs || s->ninfs) {
        *is_special = true;
        numeric_set_special(special, s->nans || (s->pinfs && s->ninfs) ? NUMERIC_NAN : s->pinfs ? NUMERIC_PINF : NUMERIC_NINF);
    }
    return s;
}

FN(numeric_sum)
{
    Numeric v;
    bool special;
    const NumericState *s = final_state(cf, &v, &special);
    if (!s) RETURN_NULL();
    if (!special && !digits_value(cf, &s->sum, s->max_scale, &v)) return 0;
    return fn_return_numeric(cf, &v);
}
FN(numeric_avg)
{
    Numeric v, n, r;
    bool special;
    const NumericState *s = final_state(cf, &v, &special);
    if (!s) RETURN_NULL();
    if (special) return fn_return_numeric(cf, &v);
    if (!digits_value(cf, &s->sum, s->max_scale, &v)) return 0;
    numeric_set_i64(&n, s->n);
    FTRY(numeric_div(&v, &n, cf->arena, &r, cf->err));
    return fn_return_numeric(cf, &r);
}

Datum agg_variance(CallFrame *cf, int64_t n, const Numeric *sum, const Numeric *squares, bool variance, bool sample)
{
    Numeric num_n, nn, s2, nx2, diff, r, root;
    if (sample ? n <= 1 : n < 1) RETURN_NULL();
    numeric_set_i64(&num_n, n);
    FTRY(numeric_mul(sum, sum, cf->arena, &s2, cf->err));
    FTRY(numeric_mul(&num_n, squares, cf->arena, &nx2, cf->err));
    FTRY(numeric_sub(&nx2, &s2, cf->arena, &diff, cf->err));
    numeric_set_zero(&r, 0);
    if (numeric_cmp(&diff, &r) <= 0) return fn_return_numeric(cf, &r); /* rounding may have made it negative */
    numeric_set_i128(&nn, (__int128)n * (sample ? n - 1 : n));
    int scale = numeric_select_div_scale(&diff, &nn);
    FTRY(numeric_div_scale(&diff, &nn, scale, true, cf->arena, &r, cf->err));
    if (variance) return fn_return_numeric(cf, &r);
    FTRY(numeric_sqrt_scale(&r, scale, cf->arena, &root, cf->err));
    return fn_return_numeric(cf, &root);
}

static Datum var_final(CallFrame *cf, bool variance, bool sample)
{
    Numeric v, sum, squares;
    bool special;
    const NumericState *s = final_state(cf, &v, &special);
    if (!s || (sample ? s->n + s->nans + s->pinfs + s->ninfs <= 1 : false)) RETURN_NULL();
    if (special) {
        numeric_set_special(&v, NUMERIC_NAN);
        return fn_return_numeric(cf, &v);
    }
    if (!digits_value(cf, &s->sum, s->max_scale, &sum) || !digits_value(cf, &s->sum2, s->max_scale * 2, &squares)) return 0;
    return agg_variance(cf, s->n, &sum, &squares, variance, sample);
}
FN(numeric_var_pop) { return var_final(cf, true, false); }
FN(numeric_var_samp) { return var_final(cf, true, true); }
FN(numeric_stddev_pop) { return var_final(cf, false, false); }
FN(numeric_stddev_samp) { return var_final(cf, false, true); }
