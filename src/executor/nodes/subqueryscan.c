/* SubqueryScan: the rows of a subquery in FROM that was not pulled up. */
#include "executor/exec_state.h"

static Status subqueryscan_next(PlanState *ps, TupleSlot **out, Error *err)
{
    for (;;) {
        TupleSlot *row;
        bool pass;
        *out = NULL;
        TRY(plan_next(ps->left, &row, err));
        if (!row) return ST_OK;
        plan_reset_tuple(ps);
        ps->ec.scan = row;
        TRY(expr_qual(ps->qual, &ps->ec, &pass, err));
        if (pass) return plan_project(ps, row, out, err);
        if (ps->instr) ps->instr->removed_by_filter++;
    }
}

static const PlanOps subqueryscan_ops = {subqueryscan_next, NULL, NULL};

STATUS subqueryscan_init(ExecState *es, const Plan *plan, PlanState **out, Error *err)
{
    const SubqueryScan *node = (const SubqueryScan *)plan;
    TRY(plan_state_new(es, plan, &subqueryscan_ops, sizeof(PlanState), out, err));
    TRY(plan_init(es, node->subplan, &(*out)->left, err));
    return plan_init_projection(*out, (*out)->left->desc, node->scanrelid, err);
}
