/* ProjectSet: set-returning functions in a target list. For each input row the sets run in step; the shorter ones are padded with nulls. Nested
 * sets are the planner's: it stacks ProjectSets, so a set stands at the top of its expression here. */
#include "executor/exec_state.h"

typedef struct SetColumn {
    ExprSet *set;         /* NULL: an ordinary expression */
    TupleDesc *desc;      /* one column: the set's type */
    ExprProgram *plain;
    bool done, isnull;
    Datum value;
} SetColumn;

typedef struct ProjectSetState {
    PlanState ps;
    int ncols;
    SetColumn *cols;
    Arena input_arena;    /* ordinary columns' values, kept while the sets run */
    bool in_row, input_done;
} ProjectSetState;

static STATUS begin_row(ProjectSetState *s, bool *have, Error *err)
{
    PlanState *ps = &s->ps;
    TupleSlot *row = NULL;
    *have = true;
    if (ps->left) {
        TRY(plan_next(ps->left, &row, err));
        *have = row != NULL;
        if (!row) return ST_OK;
        ps->ec.outer = row;
    } else if (s->input_done) {
        *have = false;
        return ST_OK;
    }
    s->input_done = true;
    arena_reset(&s->input_arena);
    Arena *saved = ps->ec.tuple_arena;
    ps->ec.tuple_arena = &s->input_arena;
    Status st = ST_OK;
    for (int i = 0; i < s->ncols && !failed(st); i++) {
        SetColumn *c = &s->cols[i];
        c->done = false;
        st = c->set ? expr_set_rewind(c->set, &ps->ec, err) : expr_eval(c->plain, &ps->ec, &c->value, &c->isnull, err);
    }
    ps->ec.tuple_arena = saved;
    return st;
}

static Status project_set_next(PlanState *ps, TupleSlot **out, Error *err)
{
    ProjectSetState *s = (ProjectSetState *)ps;
    for (;;) {
        bool have, any_set = false;
        *out = NULL;
        TRY(EXEC_INTERRUPT(ps->es, err));
        plan_reset_tuple(ps);
        if (!s->in_row) {
            TRY(begin_row(s, &have, err));
            if (!have) return ST_OK;
            s->in_row = true;
        }
        for (int i = 0; i < s->ncols; i++) {
            SetColumn *c = &s->cols[i];
            if (!c->set) {
                ps->result->values[i] = c->value;
                ps->result->nulls[i] = c->isnull;
                continue;
            }
            ps->result->nulls[i] = true;
            if (!c->done) TRY(expr_set_next(c->set, &ps->ec, c->desc, &ps->result->values[i], &ps->result->nulls[i], &c->done, err));
            if (c->done) ps->result->nulls[i] = true, ps->result->values[i] = 0;
            else any_set = true;
        }
        if (!any_set) {
            s->in_row = false;
            continue;
        }
        slot_store_virtual(ps->result);
        *out = ps->result;
        return ST_OK;
    }
}

static Status project_set_rescan(PlanState *ps, const Bitset *changed, Error *err)
{
    ProjectSetState *s = (ProjectSetState *)ps;
    s->in_row = s->input_done = false;
    return plan_rescan(ps->left, changed, err);
}

static void project_set_end(PlanState *ps)
{
    ProjectSetState *s = (ProjectSetState *)ps;
    for (int i = 0; i < s->ncols; i++) expr_set_close(s->cols[i].set);
    arena_destroy(&s->input_arena);
}

static const PlanOps project_set_ops = {project_set_next, project_set_rescan, project_set_end};

static bool returns_set(const Node *e) { return (IsA(e, FuncExpr) && ((const FuncExpr *)e)->funcretset) || (IsA(e, OpExpr) && ((const OpExpr *)e)->opretset); }

STATUS project_set_init(ExecState *es, const Plan *plan, PlanState **out, Error *err)
{
    TRY(plan_state_new(es, plan, &project_set_ops, sizeof(ProjectSetState), out, err));
    ProjectSetState *s = (ProjectSetState *)*out;
    PlanState *ps = *out;
    TupleDesc *desc;
    arena_init(&s->input_arena, es->account, 0);
    TRY(plan_init(es, plan->lefttree, &ps->left, err));
    TRY(exec_tlist_desc(es->env, plan->targetlist, false, &es->arena, &desc, err));
    ps->desc = desc;
    ps->result = slot_new(&es->arena, desc);
    TRY_MEM(ps->result, err);
    TRY_NEW_N(s->cols, &es->arena, desc->natts + 1, err);
    for (int i = 0; i < desc->natts; i++) {
        const Node *e = ((TargetEntry *)list_at(plan->targetlist, i))->expr;
        SetColumn *c = &s->cols[i];
        s->ncols = i + 1;
        if (!returns_set(e)) {
            TRY(exec_compile(es, e, &c->plain, err));
            continue;
        }
        TRY(expr_set_open(es->env, e, &es->arena, &c->set, err));
        c->desc = tupledesc_new(&es->arena, 1);
        TRY_MEM(c->desc, err);
        c->desc->atts[0] = desc->atts[i];
    }
    return ST_OK;
}
