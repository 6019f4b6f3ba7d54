/* WorkTableScan: the recursive reference: rows of the last round. */
#include "executor/nodes/work_table.h"

typedef struct WorkTableScanState {
    PlanState ps;
    WorkTable *table;
    TupleSlot *slot;
    uint64_t at;
} WorkTableScanState;

static Status worktablescan_next(PlanState *ps, TupleSlot **out, Error *err)
{
    WorkTableScanState *s = (WorkTableScanState *)ps;
    for (;;) {
        bool pass;
        *out = NULL;
        TRY(EXEC_INTERRUPT(ps->es, err));
        TRY(tuple_store_get(s->table->rows, s->at, s->slot, err));
        if (s->slot->empty) return ST_OK;
        s->at++;
        plan_reset_tuple(ps);
        ps->ec.scan = s->slot;
        TRY(expr_qual(ps->qual, &ps->ec, &pass, err));
        if (pass) return plan_project(ps, s->slot, out, err);
        if (ps->instr) ps->instr->removed_by_filter++;
    }
}

static Status worktablescan_rescan(PlanState *ps, const Bitset *changed, Error *err)
{
    ((WorkTableScanState *)ps)->at = 0;
    return ST_OK;
}

static const PlanOps worktablescan_ops = {worktablescan_next, worktablescan_rescan, NULL};

STATUS worktablescan_init(ExecState *es, const Plan *plan, PlanState **out, Error *err)
{
    const WorkTableScan *node = (const WorkTableScan *)plan;
    TRY(plan_state_new(es, plan, &worktablescan_ops, sizeof(WorkTableScanState), out, err));
    WorkTableScanState *s = (WorkTableScanState *)*out;
    s->table = (WorkTable *)(uintptr_t)es->exec_params[node->wtParam].value;
    if (!s->table) return error_set(err, ERR_INTERNAL_ERROR, "recursive reference outside of its query");
    s->slot = slot_new(&es->arena, s->table->desc);
    TRY_MEM(s->slot, err);
    return plan_init_projection(&s->ps, s->table->desc, node->scanrelid, err);
}
