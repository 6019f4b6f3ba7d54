/* ValuesScan: the rows of VALUES lists. A list is compiled when its row is asked for, and forgotten with it when there are many. */
#include "executor/exec_state.h"

typedef struct ValuesScanState {
    PlanState ps;
    TupleSlot *slot;
    Arena row_arena;     /* programs of the present row */
    int at;
} ValuesScanState;

static STATUS fill_row(ValuesScanState *s, const List *exprs, Error *err)
{
    ExprContext *ec = &s->ps.ec;
    arena_reset(&s->row_arena);
    for (int i = 0; i < list_len(exprs); i++) {
        const Node *e = list_at(exprs, i);
        ExprProgram *prog;
        if (IsA(e, Const)) {
            s->slot->values[i] = ((const Const *)e)->constvalue;
            s->slot->nulls[i] = ((const Const *)e)->constisnull;
            continue;
        }
        TRY(expr_compile(s->ps.es->env, e, &s->row_arena, &prog, err));
        TRY(expr_eval(prog, ec, &s->slot->values[i], &s->slot->nulls[i], err));
    }
    slot_store_virtual(s->slot);
    return ST_OK;
}

static Status valuesscan_next(PlanState *ps, TupleSlot **out, Error *err)
{
    ValuesScanState *s = (ValuesScanState *)ps;
    const List *lists = ((const ValuesScan *)ps->plan)->values_lists;
    *out = NULL;
    while (s->at < list_len(lists)) {
        bool pass;
        TRY(EXEC_INTERRUPT(ps->es, err));
        plan_reset_tuple(ps);
        TRY(fill_row(s, list_at(lists, s->at++), err));
        ps->ec.scan = s->slot;
        TRY(expr_qual(ps->qual, &ps->ec, &pass, err));
        if (pass) return plan_project(ps, s->slot, out, err);
        if (ps->instr) ps->instr->removed_by_filter++;
    }
    return ST_OK;
}

static Status valuesscan_rescan(PlanState *ps, const Bitset *changed, Error *err)
{
    ((ValuesScanState *)ps)->at = 0;
    return ST_OK;
}

static void valuesscan_end(PlanState *ps) { arena_destroy(&((ValuesScanState *)ps)->row_arena); }

static const PlanOps valuesscan_ops = {valuesscan_next, valuesscan_rescan, valuesscan_end};

STATUS valuesscan_init(ExecState *es, const Plan *plan, PlanState **out, Error *err)
{
    const ValuesScan *node = (const ValuesScan *)plan;
    TRY(plan_state_new(es, plan, &valuesscan_ops, sizeof(ValuesScanState), out, err));
    ValuesScanState *s = (ValuesScanState *)*out;
    arena_init(&s->row_arena, es->account, 0);
    const RangeTblEntry *rte = list_at(es->stmt->rtable, node->scanrelid - 1);
    const List *first = list_len(node->values_lists) ? list_first(node->values_lists) : NULL;
    TupleDesc *desc = tupledesc_new(&es->arena, list_len(first));
    TRY_MEM(desc, err);
    for (int i = 0; i < list_len(first); i++) {
        const TypeInfo *ti;
        Oid type = i < rte->coltypes.n ? (Oid)rte->coltypes.v[i] : expr_type(list_at(first, i));
        TRY(exec_type(es, type, &ti, err));
        attribute_set(&desc->atts[i], "", ti, -1);
    }
    s->slot = slot_new(&es->arena, desc);
    TRY_MEM(s->slot, err);
    return plan_init_projection(&s->ps, desc, node->scanrelid, err);
}
