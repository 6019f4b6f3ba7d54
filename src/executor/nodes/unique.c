/* Unique: of sorted input, the first row of each group of equals. */
#include "executor/exec_state.h"

typedef struct UniqueState {
    PlanState ps;
    EqualKey *keys;
    int nkeys;
    TupleSlot *last;
    Arena last_arena;
    bool have;
} UniqueState;

static Status unique_next(PlanState *ps, TupleSlot **out, Error *err)
{
    UniqueState *s = (UniqueState *)ps;
    for (;;) {
        bool equal = false;
        *out = NULL;
        TRY(EXEC_INTERRUPT(ps->es, err));
        TupleSlot *row;
        TRY(plan_next(ps->left, &row, err));
        if (!row) return ST_OK;
        if (s->have) TRY(exec_rows_equal(s->keys, s->nkeys, s->last, row, &equal, err));
        if (equal) continue;
        arena_reset(&s->last_arena);
        TRY(slot_copy(s->last, row, &s->last_arena, err));
        s->have = true;
        *out = s->last;
        return ST_OK;
    }
}

static Status unique_rescan(PlanState *ps, const Bitset *changed, Error *err)
{
    ((UniqueState *)ps)->have = false;
    return plan_rescan(ps->left, changed, err);
}

static void unique_end(PlanState *ps) { arena_destroy(&((UniqueState *)ps)->last_arena); }

static const PlanOps unique_ops = {unique_next, unique_rescan, unique_end};

STATUS unique_init(ExecState *es, const Plan *plan, PlanState **out, Error *err)
{
    const Unique *node = (const Unique *)plan;
    TRY(plan_state_new(es, plan, &unique_ops, sizeof(UniqueState), out, err));
    UniqueState *s = (UniqueState *)*out;
    arena_init(&s->last_arena, es->account, 0);
    TRY(plan_init(es, plan->lefttree, &s->ps.left, err));
    s->ps.desc = s->ps.left->desc;
    s->nkeys = node->uniqColIdx.n;
    s->last = slot_new(&es->arena, s->ps.desc);
    TRY_MEM(s->last, err);
    return exec_equal_keys(es, s->ps.desc, &node->uniqColIdx, &node->uniqOperators, NULL, &s->keys, err);
}
