/* Ordered-set aggregates: percentile_cont, percentile_disc, mode. The rows come in the order of WITHIN GROUP. */
#include <math.h>

#include "functions/fn_agg.h"

FN(ordered_set_transition)
{
    bool first = cf->nulls[0];
    ArrayBuilder *b = agg_state(cf, sizeof *b);
    if (!b) return 0;
    if (first) {
        const TypeInfo *t = fn_type(cf, cf->arg_types[1]);
        if (!t) return 0;
        array_builder_init(b, agg_arena_of(cf), t);
    }
    if (!cf->nulls[1]) FTRY(array_builder_add(b, cf->args[1], false, cf->err));
    return datum_ptr(b);
}

static const ArrayBuilder *values_of(CallFrame *cf)
{
    const ArrayBuilder *b = cf->nulls[0] ? NULL : (const ArrayBuilder *)(uintptr_t)cf->args[0];
    return b && b->n ? b : NULL;
}
static bool fraction_ok(CallFrame *cf, double p)
{
    if (p >= 0 && p <= 1) return true;
    error_set(cf->err, ERR_NUMERIC_VALUE_OUT_OF_RANGE, "percentile value %g is not between 0 and 1", p);
    return false;
}
static Datum keep(CallFrame *cf, const ArrayBuilder *b, Datum d)
{
    Datum out = 0;
    FTRY(datum_copy(cf->arena, d, b->elem->byval, b->elem->typlen, &out, cf->err));
    return out;
}

typedef Datum (*PickFn)(CallFrame *, const ArrayBuilder *, double);
static Datum disc(CallFrame *cf, const ArrayBuilder *b, double p)
{
    int64_t row = (int64_t)ceil(p * b->n);
    return keep(cf, b, b->values[row < 1 ? 0 : row - 1]);
}
static Datum cont_float(CallFrame *cf, const ArrayBuilder *b, double p)
{
    double at = p * (b->n - 1);
    int64_t lo = (int64_t)floor(at), hi = (int64_t)ceil(at);
    double x = datum_get_f8(b->values[lo]), y = datum_get_f8(b->values[hi]);
    return datum_f8(lo == hi ? x : x + (at - (double)lo) * (y - x));
}
static Datum cont_interval(CallFrame *cf, const ArrayBuilder *b, double p)
{
    double at = p * (b->n - 1);
    int64_t lo = (int64_t)floor(at), hi = (int64_t)ceil(at);
    if (lo == hi) return keep(cf, b, b->values[lo]);
    Datum args[2] = {b->values[hi], b->values[lo]};
    CallFrame inner = *cf;
    inner.args = args;
    Datum diff = fn_interval_mi(&inner);
    if (!fn_ok(cf)) return 0;
    args[0] = diff;
    args[1] = datum_f8(at - (double)lo);
    Datum part = fn_interval_mul(&inner);
    if (!fn_ok(cf)) return 0;
    args[0] = part;
    args[1] = b->values[lo];
    return fn_interval_pl(&inner);
}

static Datum one(CallFrame *cf, PickFn pick)
{
    if (cf->nulls[1]) RETURN_NULL();
    if (!fraction_ok(cf, ARG_F8(1))) return 0;
    const ArrayBuilder *b = values_of(cf);
    if (!b) RETURN_NULL();
    return pick(cf, b, ARG_F8(1));
}
static Datum many(CallFrame *cf, PickFn pick)
{
    Datum *p, *out, result = 0;
    bool *nulls;
    int n;
    ArrayView v;
    if (cf->nulls[1]) RETURN_NULL();
    const ArrayBuilder *b = values_of(cf);
    FTRY(array_open(cf->args[1], &v, cf->err));
    FTRY(array_deconstruct(cf->arena, cf->args[1], type_builtin(TYPE_float8), &p, &nulls, &n, cf->err));
    if (!b) RETURN_NULL();
    out = arena_zalloc(cf->arena, (size_t)(n + 1) * sizeof *out);
    FTRY_MEM(out);
    for (int i = 0; i < n; i++) {
        if (nulls[i]) continue;
        if (!fraction_ok(cf, datum_get_f8(p[i]))) return 0;
        out[i] = pick(cf, b, datum_get_f8(p[i]));
        if (!fn_ok(cf)) return 0;
    }
    FTRY(array_make(cf->arena, b->elem, v.ndim, v.dims, v.lbounds, out, nulls, &result, cf->err));
    return result;
}
FN(percentile_disc_final) { return one(cf, disc); }
FN(percentile_cont_float8_final) { return one(cf, cont_float); }
FN(percentile_cont_interval_final) { return one(cf, cont_interval); }
FN(percentile_disc_multi_final) { return many(cf, disc); }
FN(percentile_cont_float8_multi_final) { return many(cf, cont_float); }
FN(percentile_cont_interval_multi_final) { return many(cf, cont_interval); }

FN(mode_final)
{
    const ArrayBuilder *b = values_of(cf);
    if (!b) RETURN_NULL();
    int best = 0, best_run = 0;
    for (int i = 0; i < b->n;) {
        int j = i + 1;
        while (j < b->n && b->elem->compare(b->elem, b->values[i], b->values[j]) == 0) j++;
        if (j - i > best_run) best = i, best_run = j - i;
        i = j;
    }
    return keep(cf, b, b->values[best]);
}
