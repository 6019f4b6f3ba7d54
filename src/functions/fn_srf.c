/* Set-returning functions: series, subscripts, unnest. State in site_state, one row a call. */
#include "functions/fn.h"

static Datum finish(CallFrame *cf)
{
    cf->set->done = true;
    return 0;
}

/* ---- generate_series ---- */
typedef struct IntSeries { int64_t next, stop, step; bool over; } IntSeries;

static Datum int_series(CallFrame *cf, int64_t start, int64_t stop, int64_t step, int64_t lowest, int64_t highest, bool is_int8)
{
    IntSeries *s = cf->site_state;
    if (!s) {
        if (step == 0) return CALL_ERROR(cf, ERR_INVALID_PARAMETER_VALUE, "step size cannot equal zero");
        s = cf->site_state = fn_site_alloc(cf, sizeof *s);
        FTRY_MEM(s);
        *s = (IntSeries){start, stop, step, false};
    }
    if (s->over || (s->step > 0 ? s->next > s->stop : s->next < s->stop)) return finish(cf);
    int64_t v = s->next;
    s->over = __builtin_add_overflow(v, s->step, &s->next) || s->next > highest || s->next < lowest;
    return is_int8 ? datum_i64(v) : datum_i32((int32_t)v);
}
FN(generate_series_int4) { return int_series(cf, ARG_I32(0), ARG_I32(1), 1, INT32_MIN, INT32_MAX, false); }
FN(generate_series_step_int4) { return int_series(cf, ARG_I32(0), ARG_I32(1), ARG_I32(2), INT32_MIN, INT32_MAX, false); }
FN(generate_series_int8) { return int_series(cf, ARG_I64(0), ARG_I64(1), 1, INT64_MIN, INT64_MAX, true); }
FN(generate_series_step_int8) { return int_series(cf, ARG_I64(0), ARG_I64(1), ARG_I64(2), INT64_MIN, INT64_MAX, true); }

typedef struct NumericSeries { Datum next, stop, step; size_t room; bool down; } NumericSeries;
static bool keep(CallFrame *cf, Arena *arena, Datum d, Datum *out) { return !failed(datum_copy(arena, d, false, -1, out, cf->err)); }

static Datum numeric_series(CallFrame *cf, bool with_step)
{
    static const char *const what[] = {"start value", "stop value", "step size"};
    NumericSeries *s = cf->site_state;
    Arena *site = cf->site_arena ? cf->site_arena : cf->arena;
    Numeric v, step, r;
    if (!s) {
        s = fn_site_alloc(cf, sizeof *s);
        FTRY_MEM(s);
        for (int i = 0; i < cf->nargs; i++) {
            if (!fn_arg_numeric(cf, i, &v)) return 0;
            if (v.kind == NUMERIC_NAN) return CALL_ERROR(cf, ERR_INVALID_PARAMETER_VALUE, "%s cannot be NaN", what[i]);
            if (v.kind != NUMERIC_FINITE) return CALL_ERROR(cf, ERR_INVALID_PARAMETER_VALUE, "%s cannot be infinity", what[i]);
        }
        numeric_set_i64(&step, 1);
        if (with_step && !fn_arg_numeric(cf, 2, &step)) return 0;
        if (step.n == 0) return CALL_ERROR(cf, ERR_INVALID_PARAMETER_VALUE, "step size cannot equal zero");
        s->down = step.neg;
        if (!keep(cf, site, cf->args[0], &s->next) || !keep(cf, site, cf->args[1], &s->stop)) return 0;
        FTRY(numeric_make(&step, site, &s->step, cf->err));
        cf->site_state = s;
    }
    int c = numeric_cmp_datum(s->next, s->stop);
    if (s->down ? c < 0 : c > 0) return finish(cf);
    Datum out = 0;
    FTRY(datum_copy(cf->arena, s->next, false, -1, &out, cf->err));
    FTRY(numeric_read(s->next, cf->arena, &v, cf->err));
    FTRY(numeric_read(s->step, cf->arena, &step, cf->err));
    FTRY(numeric_add(&v, &step, cf->arena, &r, cf->err));
    Datum next = 0;
    FTRY(numeric_make(&r, cf->arena, &next, cf->err));
    size_t size = varlena_total(datum_bytes(next));
    if (size > s->room) { /* its place is used again and again */
        s->room = size * 2;
        s->next = datum_ptr(arena_alloc(site, s->room));
        FTRY_MEM(s->next);
    }
    memcpy((uint8_t *)(uintptr_t)s->next, datum_bytes(next), size);
    return out;
}
FN(generate_series_numeric) { return numeric_series(cf, false); }
FN(generate_series_step_numeric) { return numeric_series(cf, true); }

typedef struct StampSeries { int64_t next, stop; Interval step; bool down, over; } StampSeries;
static Datum stamp_series(CallFrame *cf, BuiltinFn plus)
{
    StampSeries *s = cf->site_state;
    if (!s) {
        s = fn_site_alloc(cf, sizeof *s);
        FTRY_MEM(s);
        s->next = ARG_I64(0);
        s->stop = ARG_I64(1);
        s->step = interval_get(cf->args[2]);
        __int128 span = interval_span(&s->step);
        if (span == 0) return CALL_ERROR(cf, ERR_INVALID_PARAMETER_VALUE, "step size cannot equal zero");
        s->down = span < 0;
        cf->site_state = s;
    }
    if (s->over || (s->down ? s->next < s->stop : s->next > s->stop)) return finish(cf);
    int64_t v = s->next;
    if (!TIMESTAMP_IS_FINITE(v)) {
        s->over = true;
        return datum_i64(v);
    }
    CallFrame inner = *cf;
    Datum args[2] = {datum_i64(v), datum_ptr(&s->step)};
    inner.args = args;
    inner.set = NULL;
    s->next = datum_get_i64(plus(&inner));
    return datum_i64(v);
}
FN(generate_series_timestamp) { return stamp_series(cf, fn_timestamp_pl_interval); }
FN(generate_series_timestamptz) { return stamp_series(cf, fn_timestamptz_pl_interval); }

/* ---- arrays ---- */
typedef struct SubscriptSeries { int next, last; bool reverse; } SubscriptSeries;
static Datum subscripts(CallFrame *cf, bool reverse)
{
    SubscriptSeries *s = cf->site_state;
    if (!s) {
        ArrayView v;
        FTRY(array_open(cf->args[0], &v, cf->err));
        int dim = ARG_I32(1);
        s = cf->site_state = fn_site_alloc(cf, sizeof *s);
        FTRY_MEM(s);
        *s = (SubscriptSeries){1, 0, reverse};
        if (dim >= 1 && dim <= v.ndim) *s = (SubscriptSeries){v.lbounds[dim - 1], v.lbounds[dim - 1] + v.dims[dim - 1] - 1, reverse};
    }
    if (s->next > s->last) return finish(cf);
    return datum_i32(s->reverse ? s->last-- : s->next++);
}
FN(generate_subscripts_nodir) { return subscripts(cf, false); }
FN(generate_subscripts) { return subscripts(cf, ARG_BOOL(2)); }

typedef struct Unnest { ArrayView view; ArrayIter it; Datum copy; } Unnest;
FN(array_unnest)
{
    Unnest *s = cf->site_state;
    Datum d;
    if (!s) {
        s = fn_site_alloc(cf, sizeof *s);
        FTRY_MEM(s);
        Arena *site = cf->site_arena ? cf->site_arena : cf->arena;
        FTRY(datum_copy(site, cf->args[0], false, -1, &s->copy, cf->err));
        FTRY(array_open(s->copy, &s->view, cf->err));
        if (s->view.nitems) {
            const TypeInfo *elem = fn_type(cf, s->view.elem);
            if (!elem) return 0;
            array_iter_init(&s->it, &s->view, elem);
        }
        cf->site_state = s;
    }
    bool null = false;
    if (!s->view.nitems || !array_next(&s->it, &d, &null)) return finish(cf);
    cf->isnull = null;
    return null ? 0 : d;
}

/* information_schema._pg_expandarray(anyarray): (x, n) */
FN(_pg_expandarray)
{
    Unnest *s = cf->site_state;
    Datum d = fn_array_unnest(cf);
    s = cf->site_state;
    if (!fn_ok(cf) || cf->set->done) return 0;
    bool null = cf->isnull;
    cf->isnull = false;
    return fn_return_row(cf, 2, (Datum[]){d, datum_i32(s->it.i)}, (bool[]){null, false});
}
