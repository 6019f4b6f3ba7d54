/* Group: GROUP BY without aggregates over sorted input: one projected row a group that passes HAVING. */
#include "executor/exec_state.h"

typedef struct GroupState {
    PlanState ps;
    EqualKey *keys;
    int nkeys;
    TupleSlot *first;    /* of the present group */
    Arena first_arena;
    bool have;
} GroupState;

static Status group_next(PlanState *ps, TupleSlot **out, Error *err)
{
    GroupState *s = (GroupState *)ps;
    for (;;) {
        bool equal = false, pass;
        TupleSlot *row;
        *out = NULL;
        TRY(EXEC_INTERRUPT(ps->es, err));
        TRY(plan_next(ps->left, &row, err));
        if (!row) return ST_OK;
        if (s->have) TRY(exec_rows_equal(s->keys, s->nkeys, s->first, row, &equal, err));
        if (equal) continue;
        arena_reset(&s->first_arena);
        TRY(slot_copy(s->first, row, &s->first_arena, err));
        s->have = true;
        plan_reset_tuple(ps);
        ps->ec.outer = s->first;
        TRY(expr_qual(ps->qual, &ps->ec, &pass, err));
        if (pass) return plan_project(ps, s->first, out, err);
        if (ps->instr) ps->instr->removed_by_filter++;
    }
}

static Status group_rescan(PlanState *ps, const Bitset *changed, Error *err)
{
    ((GroupState *)ps)->have = false;
    return plan_rescan(ps->left, changed, err);
}

static void group_end(PlanState *ps) { arena_destroy(&((GroupState *)ps)->first_arena); }

static const PlanOps group_ops = {group_next, group_rescan, group_end};

STATUS group_init(ExecState *es, const Plan *plan, PlanState **out, Error *err)
{
    const Group *node = (const Group *)plan;
    TRY(plan_state_new(es, plan, &group_ops, sizeof(GroupState), out, err));
    GroupState *s = (GroupState *)*out;
    arena_init(&s->first_arena, es->account, 0);
    TRY(plan_init(es, plan->lefttree, &s->ps.left, err));
    s->nkeys = node->grpColIdx.n;
    s->first = slot_new(&es->arena, s->ps.left->desc);
    TRY_MEM(s->first, err);
    TRY(exec_equal_keys(es, s->ps.left->desc, &node->grpColIdx, &node->grpOperators, NULL, &s->keys, err));
    return plan_init_projection(&s->ps, s->ps.left->desc, OUTER_VAR, err);
}
