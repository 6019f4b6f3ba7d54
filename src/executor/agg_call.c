/* One aggregate; see agg_call.h. */
#include "executor/agg_call.h"

#include "types/array.h"
#include "types/numeric.h"

/* ---- set-up ---- */

static const struct { Oid trans, final; AggFast fast; } fast_table[] = {
    {1219, 0, AGG_COUNT_STAR}, {2804, 0, AGG_COUNT}, {1841, 0, AGG_SUM_INT}, {1840, 0, AGG_SUM_INT},
    {1963, 1964, AGG_AVG_INT}, {1962, 1964, AGG_AVG_INT}, {2746, 3388, AGG_SUM_INT8}, {2746, 3389, AGG_AVG_INT8},
    {768, 0, AGG_MAX_INT}, {769, 0, AGG_MIN_INT}, {770, 0, AGG_MAX_INT}, {771, 0, AGG_MIN_INT}, {1236, 0, AGG_MAX_INT}, {1237, 0, AGG_MIN_INT},
    {218, 0, AGG_SUM_FLOAT8}, {223, 0, AGG_MAX_FLOAT8}, {224, 0, AGG_MIN_FLOAT8},
};

static AggFast fast_kind(const AggregateInfo *info)
{
    for (size_t i = 0; i < sizeof fast_table / sizeof *fast_table; i++)
        if (fast_table[i].trans == info->transfn && fast_table[i].final == info->finalfn) return fast_table[i].fast;
    return AGG_GENERAL;
}

static const Expr *arg_expr(const List *args, int i)
{
    const Node *n = list_at(args, i);
    return IsA(n, TargetEntry) ? ((const TargetEntry *)n)->expr : n;
}

static bool arg_junk(const List *args, int i)
{
    const Node *n = list_at(args, i);
    return IsA(n, TargetEntry) && ((const TargetEntry *)n)->resjunk;
}

static STATUS init_arg(ExecState *es, const Expr *expr, AggArg *arg, Error *err)
{
    const Var *v = (const Var *)expr;
    arg->att = -1;
    if (IsA(expr, Var) && v->varno == OUTER_VAR && v->varattno > 0) {
        arg->att = v->varattno - 1;
        return ST_OK;
    }
    return exec_compile(es, expr, &arg->prog, err);
}

/* Position in args of the entry that a SortGroupClause means. */
static int clause_column(const List *args, const SortGroupClause *c)
{
    for (int i = 0; i < list_len(args); i++) {
        const TargetEntry *te = list_at(args, i);
        if (IsA(te, TargetEntry) && te->ressortgroupref == c->tleSortGroupRef) return i;
    }
    return -1;
}

static STATUS init_sorting(AggCall *a, const AggSpec *spec, Error *err)
{
    ExecState *es = a->es;
    const List *keys = list_len(spec->order) > list_len(spec->distinct) ? spec->order : spec->distinct ? spec->distinct : spec->order;
    if (list_len(spec->order) == list_len(spec->distinct) && spec->order) keys = spec->order;
    a->sorted = true;
    TRY(exec_tlist_desc(es->env, spec->args, false, &es->arena, &a->sort_desc, err));
    a->sort_slot = slot_new(&es->arena, a->sort_desc);
    TRY_MEM(a->sort_slot, err);
    a->sort_prev = slot_new(&es->arena, a->sort_desc);
    TRY_MEM(a->sort_prev, err);
    arena_init(&a->prev_arena, es->account, 0);
    a->nsort_keys = list_len(keys);
    TRY_NEW_N(a->sort_keys, &es->arena, a->nsort_keys + 1, err);
    for (int i = 0; i < a->nsort_keys; i++) {
        const SortGroupClause *c = list_at(keys, i);
        int col = clause_column(spec->args, c);
        if (col < 0) return error_set(err, ERR_INTERNAL_ERROR, "ORDER BY expression of an aggregate not found in its arguments");
        Oid op = c->sortop ? c->sortop : type_less_operator(es->env, a->sort_desc->atts[col].type);
        TRY(sort_key_init(es->env, col, op, a->sort_desc->atts[col].collation, c->nulls_first, &a->sort_keys[i], err));
        TRY(exec_settle_type(es, a->sort_desc->atts[col].type, &a->sort_keys[i].type, err));
    }
    a->ndistinct = list_len(spec->distinct);
    TRY_NEW_N(a->distinct_keys, &es->arena, a->ndistinct + 1, err);
    for (int i = 0; i < a->ndistinct; i++) {
        const SortGroupClause *c = list_at(spec->distinct, i);
        int col = clause_column(spec->args, c);
        if (col < 0) return error_set(err, ERR_INTERNAL_ERROR, "DISTINCT expression of an aggregate not found in its arguments");
        TRY(equal_key_init(es->env, col, col, c->eqop, a->sort_desc->atts[col].collation, &a->distinct_keys[i], err));
        TRY(exec_settle_type(es, a->sort_desc->atts[col].type, &a->distinct_keys[i].type_a, err));
        TRY(exec_settle_type(es, a->sort_desc->atts[col].type, &a->distinct_keys[i].type_b, err));
    }
    return ST_OK;
}

static STATUS init_functions(AggCall *a, const AggSpec *spec, const AggregateInfo *info, Error *err)
{
    ExecState *es = a->es;
    Oid types[FUNC_MAX_ARGS + 1];
    Oid state = spec->state_type ? spec->state_type : info->trans_type;
    TRY(exec_type(es, state, &a->state_type, err));
    types[0] = state;
    for (int i = 0; i < a->nargs; i++) types[i + 1] = expr_type(arg_expr(spec->args, i));
    TRY(expr_call_frame(es->env, info->transfn, spec->collation, state, a->nargs + 1, types, &es->arena, &a->trans, &a->trans_strict, &a->trans_frame, err));
    a->initial_null = info->initial == NULL;
    if (info->initial) {
        IoContext io = session_io(es->env, &es->arena);
        TRY(type_input(&io, a->state_type, slice_cstr(info->initial), -1, &a->initial, err));
    }
    if (!info->finalfn) return ST_OK;
    a->ndirect = list_len(spec->direct);
    a->nfinal = 1 + a->ndirect + (info->final_extra ? a->nargs : 0);
    if (info->final_extra && info->kind == 'n') a->nfinal = 1 + a->nargs;
    for (int i = 1; i < a->nfinal; i++) types[i] = i - 1 < spec->arg_types.n ? (Oid)spec->arg_types.v[i - 1] : INVALID_OID;
    types[0] = state;
    TRY_NEW_N(a->direct, &es->arena, a->ndirect + 1, err);
    for (int i = 0; i < a->ndirect; i++) TRY(exec_compile(es, list_at(spec->direct, i), &a->direct[i], err));
    return expr_call_frame(es->env, info->finalfn, spec->collation, spec->result_type, a->nfinal, types, &es->arena, &a->final, &a->final_strict,
                           &a->final_frame, err);
}

STATUS agg_call_init(ExecState *es, const AggSpec *spec, AggCall *a, Error *err)
{
    const AggregateInfo *info = aggregate_by_proc(es->env, spec->fn);
    *a = (AggCall){.es = es};
    if (!info) return error_set(err, ERR_INTERNAL_ERROR, "cache lookup failed for aggregate %u", spec->fn);
    if (spec->fn >= FIRST_NORMAL_OID) es->transient = true;
    a->ncols = list_len(spec->args);
    for (int i = 0; i < a->ncols; i++) a->nargs += !arg_junk(spec->args, i);
    TRY_NEW_N(a->args, &es->arena, a->ncols + 1, err);
    for (int i = 0; i < a->ncols; i++) TRY(init_arg(es, arg_expr(spec->args, i), &a->args[i], err));
    TRY(exec_compile(es, spec->filter, &a->filter, err));
    TRY(exec_type(es, spec->result_type, &a->result_type, err));
    if (list_len(spec->order) || list_len(spec->distinct)) TRY(init_sorting(a, spec, err));
    a->fast = a->sorted ? AGG_GENERAL : fast_kind(info);
    if (a->fast == AGG_COUNT_STAR && a->nargs) a->fast = AGG_GENERAL;
    return a->fast == AGG_GENERAL ? init_functions(a, spec, info, err) : ST_OK;
}

STATUS agg_call_init_ref(ExecState *es, const Aggref *ref, AggCall *out, Error *err)
{
    AggSpec spec = {.fn = ref->aggfnoid, .state_type = ref->aggtranstype, .result_type = ref->aggtype, .collation = ref->inputcollid,
                    .args = ref->args, .order = ref->aggorder, .distinct = ref->aggdistinct, .direct = ref->aggdirectargs,
                    .filter = ref->aggfilter, .arg_types = ref->aggargtypes, .kind = ref->aggkind, .star = ref->aggstar};
    return agg_call_init(es, &spec, out, err);
}

/* ---- a group ---- */

/* The state moves to where the group keeps it, unless it is there already. */
static STATUS keep_state(AggCall *a, AggValue *v, Arena *arena, Datum d, bool isnull, Error *err)
{
    v->isnull = isnull;
    if (isnull || a->state_type->byval) {
        v->v = isnull ? 0 : d;
        return ST_OK;
    }
    if (a->state_type->oid == TYPE_internal || d == v->v) { /* the function's own, in agg_arena */
        v->v = d;
        return ST_OK;
    }
    size_t n = datum_size(d, false, a->state_type->typlen);
    if (n > v->cap) {
        size_t cap = n < 32 ? 32 : n + n / 2;
        v->u.own.buf = arena_alloc(arena, cap);
        TRY_MEM(v->u.own.buf, err);
        v->cap = (uint32_t)cap;
    }
    memmove(v->u.own.buf, datum_bytes(d), n);
    v->v = datum_ptr(v->u.own.buf);
    return ST_OK;
}

STATUS agg_start(AggCall *a, AggValue *v, Arena *arena, Error *err)
{
    *v = (AggValue){.isnull = true};
    if (a->fast != AGG_GENERAL) return ST_OK;
    if (!a->initial_null) {
        TRY(keep_state(a, v, arena, a->initial, false, err));
        v->started = true;
    }
    return ST_OK;
}

/* frame->args[1..] are set. */
static STATUS transition(AggCall *a, AggValue *v, Arena *arena, Arena *scratch, Error *err)
{
    CallFrame *cf = a->trans_frame;
    if (a->trans_strict) {
        for (int i = 1; i <= a->nargs; i++)
            if (cf->nulls[i]) return ST_OK;
        if (!v->started) { /* the first value is the state */
            v->started = true;
            return keep_state(a, v, arena, cf->args[1], false, err);
        }
        if (v->isnull) return ST_OK;
    }
    v->started = true;
    cf->args[0] = v->v;
    cf->nulls[0] = v->isnull;
    cf->arena = scratch;
    cf->agg_arena = arena;
    cf->err = err;
    cf->isnull = false;
    Datum d = a->trans(cf);
    if (unlikely(err->code)) return ST_FAILED;
    return keep_state(a, v, arena, d, cf->isnull, err);
}

static inline STATUS eval_arg(const AggArg *arg, ExprContext *ec, Datum *v, bool *isnull, Error *err)
{
    if (likely(arg->att >= 0)) {
        TupleSlot *s = ec->outer;
        if (unlikely(s->nvalid <= arg->att)) TRY(slot_decode(s, arg->att + 1, err));
        *v = s->values[arg->att];
        *isnull = s->nulls[arg->att];
        return ST_OK;
    }
    return expr_eval(arg->prog, ec, v, isnull, err);
}

static inline int compare_f8(double a, double b)
{
    if (a == a && b == b) return (a > b) - (a < b);
    return (a != a) - (b != b);
}

static STATUS advance_fast(AggCall *a, AggValue *v, ExprContext *ec, Error *err)
{
    Datum d;
    bool isnull;
    if (a->fast == AGG_COUNT_STAR) {
        v->u.count++;
        return ST_OK;
    }
    TRY(eval_arg(&a->args[0], ec, &d, &isnull, err));
    if (isnull) return ST_OK;
    bool first = v->isnull;
    v->isnull = false;
    switch (a->fast) {
    case AGG_COUNT: v->u.count++; break;
    case AGG_SUM_INT: v->v = datum_i64((first ? 0 : datum_get_i64(v->v)) + (int64_t)d); break;
    case AGG_AVG_INT: case AGG_SUM_INT8: case AGG_AVG_INT8:
        v->sum += (int64_t)d;
        v->u.count++;
        break;
    case AGG_MIN_INT: if (first || (int64_t)d < (int64_t)v->v) v->v = d; break;
    case AGG_MAX_INT: if (first || (int64_t)d > (int64_t)v->v) v->v = d; break;
    case AGG_MIN_FLOAT8: if (first || compare_f8(datum_get_f8(d), datum_get_f8(v->v)) < 0) v->v = d; break;
    case AGG_MAX_FLOAT8: if (first || compare_f8(datum_get_f8(d), datum_get_f8(v->v)) > 0) v->v = d; break;
    case AGG_SUM_FLOAT8: {
        double x = first ? 0 : datum_get_f8(v->v), y = datum_get_f8(d), r = x + y;
        if (__builtin_isinf(r) && !__builtin_isinf(x) && !__builtin_isinf(y))
            return error_set(err, ERR_NUMERIC_VALUE_OUT_OF_RANGE, "value out of range: overflow");
        v->v = first ? d : datum_f8(r);
        break;
    }
    default: break;
    }
    return ST_OK;
}

/* DISTINCT, ORDER BY: the row waits for the end of its group. */
static STATUS collect(AggCall *a, AggValue *v, ExprContext *ec, Error *err)
{
    TupleSlot *s = a->sort_slot;
    for (int i = 0; i < a->ncols; i++) TRY(eval_arg(&a->args[i], ec, &s->values[i], &s->nulls[i], err));
    if (a->trans_strict) /* such rows change nothing */
        for (int i = 0; i < a->nargs; i++)
            if (s->nulls[i]) return ST_OK;
    slot_store_virtual(s);
    if (!v->sort) TRY(row_sort_new(a->es, a->sort_desc, a->nsort_keys, a->sort_keys, a->es->work_mem, 0, &v->sort, err));
    return row_sort_put(v->sort, s, err);
}

STATUS agg_advance(AggCall *a, AggValue *v, Arena *arena, ExprContext *ec, Error *err)
{
    bool pass;
    if (a->filter) {
        TRY(expr_qual(a->filter, ec, &pass, err));
        if (!pass) return ST_OK;
    }
    if (a->fast != AGG_GENERAL) return advance_fast(a, v, ec, err);
    if (a->sorted) return collect(a, v, ec, err);
    CallFrame *cf = a->trans_frame;
    for (int i = 0; i < a->nargs; i++) TRY(eval_arg(&a->args[i], ec, &cf->args[i + 1], &cf->nulls[i + 1], err));
    return transition(a, v, arena, ec->tuple_arena, err);
}

static STATUS feed_sorted(AggCall *a, AggValue *v, Arena *arena, Error *err)
{
    CallFrame *cf = a->trans_frame;
    TupleSlot *s = a->sort_slot;
    bool have = false;
    Arena scratch;
    Status st = ST_OK;
    arena_init(&scratch, a->es->account, 512);
    TRY_GOTO(st, row_sort_finish(v->sort, err), done);
    for (;;) {
        bool equal = false;
        TRY_GOTO(st, EXEC_INTERRUPT(a->es, err), done);
        TRY_GOTO(st, row_sort_next(v->sort, s, err), done);
        if (s->empty) break;
        if (a->ndistinct) {
            if (have) TRY_GOTO(st, exec_rows_equal(a->distinct_keys, a->ndistinct, a->sort_prev, s, &equal, err), done);
            if (equal) continue;
            arena_reset(&a->prev_arena);
            TRY_GOTO(st, slot_copy(a->sort_prev, s, &a->prev_arena, err), done);
            have = true;
        }
        for (int i = 0; i < a->nargs; i++) cf->args[i + 1] = s->values[i], cf->nulls[i + 1] = s->nulls[i];
        arena_reset(&scratch);
        TRY_GOTO(st, transition(a, v, arena, &scratch, err), done);
    }
done:
    arena_destroy(&scratch);
    row_sort_free(v->sort);
    v->sort = NULL;
    return st;
}

static STATUS numeric_result(__int128 sum, int64_t count, Arena *arena, Datum *out, Error *err)
{
    Numeric s, n, q;
    numeric_set_i128(&s, sum);
    if (!count) return numeric_make(&s, arena, out, err);
    numeric_set_i64(&n, count);
    TRY(numeric_div(&s, &n, arena, &q, err));
    return numeric_make(&q, arena, out, err);
}

static STATUS finish_fast(AggCall *a, AggValue *v, ExprContext *ec, Datum *out, bool *isnull, Error *err)
{
    *isnull = v->isnull;
    *out = v->v;
    switch (a->fast) {
    case AGG_COUNT_STAR: case AGG_COUNT:
        *isnull = false;
        *out = datum_i64(v->u.count);
        return ST_OK;
    case AGG_SUM_INT8: return v->isnull ? ST_OK : numeric_result(v->sum, 0, ec->tuple_arena, out, err);
    case AGG_AVG_INT: case AGG_AVG_INT8: return v->isnull ? ST_OK : numeric_result(v->sum, v->u.count, ec->tuple_arena, out, err);
    default: return ST_OK;
    }
}

STATUS agg_finish(AggCall *a, AggValue *v, Arena *arena, ExprContext *ec, Datum *out, bool *isnull, Error *err)
{
    if (a->fast != AGG_GENERAL) return finish_fast(a, v, ec, out, isnull, err);
    if (v->sort) TRY(feed_sorted(a, v, arena, err));
    *out = v->v;
    *isnull = v->isnull;
    if (!a->final) return ST_OK;
    CallFrame *cf = a->final_frame;
    cf->args[0] = v->v;
    cf->nulls[0] = v->isnull;
    for (int i = 1; i < a->nfinal; i++) {
        cf->args[i] = 0;
        cf->nulls[i] = true;
        if (i <= a->ndirect) TRY(expr_eval(a->direct[i - 1], ec, &cf->args[i], &cf->nulls[i], err));
    }
    if (a->final_strict)
        for (int i = 0; i < a->nfinal; i++)
            if (cf->nulls[i]) {
                *isnull = true;
                *out = 0;
                return ST_OK;
            }
    cf->arena = ec->tuple_arena;
    cf->agg_arena = arena;
    cf->err = err;
    cf->isnull = false;
    *out = a->final(cf);
    if (unlikely(err->code)) return ST_FAILED;
    *isnull = cf->isnull;
    return ST_OK;
}

void agg_release(AggCall *a, AggValue *v)
{
    row_sort_free(v->sort);
    v->sort = NULL;
}

void agg_call_end(AggCall *a)
{
    if (a->sorted) arena_destroy(&a->prev_arena);
}
