/* Result: one row of expressions, or a gate and projection above a child. */
#include "executor/exec_state.h"

typedef struct ResultState {
    PlanState ps;
    ExprProgram *gate;
    bool gate_open, gate_checked, done;
} ResultState;

static Status result_next(PlanState *ps, TupleSlot **out, Error *err)
{
    ResultState *s = (ResultState *)ps;
    *out = NULL;
    if (!s->gate_checked) {
        TRY(expr_qual(s->gate, &ps->ec, &s->gate_open, err));
        s->gate_checked = true;
    }
    if (!s->gate_open || s->done) return ST_OK;
    for (;;) {
        bool pass;
        TupleSlot *row = NULL;
        plan_reset_tuple(ps);
        if (ps->left) {
            TRY(plan_next(ps->left, &row, err));
            if (!row) return ST_OK;
            ps->ec.outer = row;
        } else {
            if (s->done) return ST_OK;
            s->done = true;
        }
        TRY(expr_qual(ps->qual, &ps->ec, &pass, err));
        if (pass) return plan_project(ps, row, out, err);
        if (ps->instr) ps->instr->removed_by_filter++;
    }
}

static Status result_rescan(PlanState *ps, const Bitset *changed, Error *err)
{
    ResultState *s = (ResultState *)ps;
    s->done = s->gate_checked = false;
    return plan_rescan(ps->left, changed, err);
}

static const PlanOps result_ops = {result_next, result_rescan, NULL};

STATUS result_init(ExecState *es, const Plan *plan, PlanState **out, Error *err)
{
    const Result *node = (const Result *)plan;
    TRY(plan_state_new(es, plan, &result_ops, sizeof(ResultState), out, err));
    ResultState *s = (ResultState *)*out;
    TRY(plan_init(es, plan->lefttree, &s->ps.left, err));
    if (node->resconstantqual && nodeTag(node->resconstantqual) == T_List)
        TRY(exec_compile_qual(es, (const List *)node->resconstantqual, &s->gate, err));
    else
        TRY(exec_compile(es, node->resconstantqual, &s->gate, err));
    return plan_init_projection(&s->ps, s->ps.left ? s->ps.left->desc : NULL, OUTER_VAR, err);
}
