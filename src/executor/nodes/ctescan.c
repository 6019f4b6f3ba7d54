/* CteScan: reads a WITH query that is materialised once per execution and shared by all its scans. */
#include "executor/exec_state.h"

typedef struct CteScanState {
    PlanState ps;
    SubPlanState *cte;
    TupleSlot *slot;
    uint64_t at;
} CteScanState;

static Status ctescan_next(PlanState *ps, TupleSlot **out, Error *err)
{
    CteScanState *s = (CteScanState *)ps;
    for (;;) {
        bool pass;
        *out = NULL;
        TRY(EXEC_INTERRUPT(ps->es, err));
        TRY(cte_fetch(s->cte, s->at, s->slot, err));
        if (s->slot->empty) return ST_OK;
        s->at++;
        plan_reset_tuple(ps);
        ps->ec.scan = s->slot;
        TRY(expr_qual(ps->qual, &ps->ec, &pass, err));
        if (pass) return plan_project(ps, s->slot, out, err);
        if (ps->instr) ps->instr->removed_by_filter++;
    }
}

static Status ctescan_rescan(PlanState *ps, const Bitset *changed, Error *err)
{
    ((CteScanState *)ps)->at = 0;
    return ST_OK;
}

static const PlanOps ctescan_ops = {ctescan_next, ctescan_rescan, NULL};

STATUS ctescan_init(ExecState *es, const Plan *plan, PlanState **out, Error *err)
{
    const CteScan *node = (const CteScan *)plan;
    TRY(plan_state_new(es, plan, &ctescan_ops, sizeof(CteScanState), out, err));
    CteScanState *s = (CteScanState *)*out;
    TRY(subplan_state(es->epq_parent ? es->epq_parent : es, node->ctePlanId, &s->cte, err));
    const TupleDesc *desc = cte_desc(s->cte, err);
    if (!desc) return ST_FAILED;
    s->slot = slot_new(&es->arena, desc);
    TRY_MEM(s->slot, err);
    return plan_init_projection(&s->ps, desc, node->scanrelid, err);
}
