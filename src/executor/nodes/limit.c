/* Limit: OFFSET, LIMIT and WITH TIES. Tells a sort below how many rows will be wanted. */
#include "executor/exec_state.h"

typedef struct LimitState {
    PlanState ps;
    ExprProgram *offset_expr, *count_expr;
    int64_t offset, count, seen;
    bool no_count, begun, ended, with_ties, in_ties;
    EqualKey *keys;
    int nkeys;
    TupleSlot *last;   /* the row that ties are compared with */
    Arena last_arena;
} LimitState;

static STATUS eval_count(LimitState *s, ExprProgram *prog, const char *what, SqlState code, int64_t *out, bool *isnull, Error *err)
{
    Datum v;
    *out = 0;
    *isnull = true;
    if (!prog) return ST_OK;
    TRY(expr_eval(prog, &s->ps.ec, &v, isnull, err));
    if (*isnull) return ST_OK;
    *out = datum_get_i64(v);
    if (*out < 0) return error_set(err, code, "%s must not be negative", what);
    return ST_OK;
}

/* A sort (or a projection over one) may stop early. */
static void pass_bound(PlanState *ps, int64_t bound)
{
    while (ps) {
        ps->bound = bound;
        bool transparent = (IsA(ps->plan, Result) || IsA(ps->plan, SubqueryScan)) && !ps->qual;
        if (IsA(ps->plan, MergeAppend))
            for (int i = 0; i < ps->nchildren; i++) pass_bound(ps->children[i], bound);
        ps = transparent ? ps->left : NULL;
    }
}

static STATUS begin(LimitState *s, Error *err)
{
    bool offset_null;
    TRY(eval_count(s, s->offset_expr, "OFFSET", ERR_INVALID_ROW_COUNT_IN_RESULT_OFFSET_CLAUSE, &s->offset, &offset_null, err));
    TRY(eval_count(s, s->count_expr, "LIMIT", ERR_INVALID_ROW_COUNT_IN_LIMIT_CLAUSE, &s->count, &s->no_count, err));
    s->begun = true;
    s->seen = 0;
    s->in_ties = false;
    bool bounded = !s->no_count && !s->with_ties && s->count < INT64_MAX - s->offset;
    pass_bound(s->ps.left, bounded ? s->offset + s->count : 0);
    return ST_OK;
}

static STATUS tied_row(LimitState *s, TupleSlot *row, bool *tied, Error *err) { return exec_rows_equal(s->keys, s->nkeys, s->last, row, tied, err); }

static Status limit_next(PlanState *ps, TupleSlot **out, Error *err)
{
    LimitState *s = (LimitState *)ps;
    TupleSlot *row;
    *out = NULL;
    if (s->ended) return ST_OK;
    if (!s->begun) {
        plan_reset_tuple(ps);
        TRY(begin(s, err));
    }
    if (!s->no_count && s->count == 0) goto end;
    for (; s->seen < s->offset; s->seen++) {
        TRY(plan_next(ps->left, &row, err));
        if (!row) goto end;
    }
    if (!s->no_count && s->seen >= s->offset + s->count && !s->with_ties) goto end;
    TRY(plan_next(ps->left, &row, err));
    if (!row) goto end;
    if (s->with_ties && !s->no_count) {
        bool tied = true;
        if (s->seen >= s->offset + s->count) TRY(tied_row(s, row, &tied, err));
        if (!tied) goto end;
        if (s->seen == s->offset + s->count - 1) {
            arena_reset(&s->last_arena);
            TRY(slot_copy(s->last, row, &s->last_arena, err));
        }
    }
    s->seen++;
    *out = row;
    return ST_OK;
end:
    s->ended = true;
    return ST_OK;
}

static Status limit_rescan(PlanState *ps, const Bitset *changed, Error *err)
{
    LimitState *s = (LimitState *)ps;
    s->begun = s->ended = false;
    /* The bound must be known before a sort below decides whether it can keep its result. */
    if (!ps->es->rewind_all) TRY(begin(s, err));
    return plan_rescan(ps->left, changed, err);
}

static void limit_end(PlanState *ps) { arena_destroy(&((LimitState *)ps)->last_arena); }

static const PlanOps limit_ops = {limit_next, limit_rescan, limit_end};

STATUS limit_init(ExecState *es, const Plan *plan, PlanState **out, Error *err)
{
    const Limit *node = (const Limit *)plan;
    TRY(plan_state_new(es, plan, &limit_ops, sizeof(LimitState), out, err));
    LimitState *s = (LimitState *)*out;
    arena_init(&s->last_arena, es->account, 0);
    TRY(plan_init(es, plan->lefttree, &s->ps.left, err));
    s->ps.desc = s->ps.left->desc;
    TRY(exec_compile(es, node->limitOffset, &s->offset_expr, err));
    TRY(exec_compile(es, node->limitCount, &s->count_expr, err));
    s->with_ties = node->limitOption == LIMIT_OPTION_WITH_TIES;
    if (!s->with_ties) return ST_OK;
    s->nkeys = node->uniqColIdx.n;
    s->last = slot_new(&es->arena, s->ps.desc);
    TRY_MEM(s->last, err);
    return exec_equal_keys(es, s->ps.desc, &node->uniqColIdx, &node->uniqOperators, NULL, &s->keys, err);
}
