/* Sort: reads everything, then returns it in order. Keeps its result over rescans that change nothing below. */
#include "executor/row_sort.h"

typedef struct SortState {
    PlanState ps;
    SortKey *keys;
    RowSort *sort;
    TupleSlot *slot;
    bool done;             /* input read */
    int64_t bound_used;
} SortState;

static int64_t wanted(const SortState *s)
{
    int64_t planned = ((const Sort *)s->ps.plan)->bound, told = s->ps.bound;
    return planned > 0 && told > 0 ? (planned < told ? planned : told) : planned > 0 ? planned : told;
}

static STATUS load(SortState *s, Error *err)
{
    PlanState *ps = &s->ps;
    s->bound_used = wanted(s);
    TRY(row_sort_new(ps->es, ps->left->desc, ((const Sort *)ps->plan)->numCols, s->keys, ps->es->work_mem, s->bound_used, &s->sort, err));
    for (;;) {
        TupleSlot *row;
        TRY(EXEC_INTERRUPT(ps->es, err));
        TRY(plan_next(ps->left, &row, err));
        if (!row) break;
        TRY(row_sort_put(s->sort, row, err));
    }
    TRY(row_sort_finish(s->sort, err));
    s->done = true;
    if (ps->instr) {
        bool disk;
        int64_t bytes = row_sort_bytes(s->sort, &disk);
        ps->instr->method = row_sort_method(s->sort);
        if (disk) ps->instr->disk_bytes = bytes;
        else ps->instr->memory_bytes = bytes;
    }
    return ST_OK;
}

static Status sort_next(PlanState *ps, TupleSlot **out, Error *err)
{
    SortState *s = (SortState *)ps;
    if (!s->done) TRY(load(s, err));
    TRY(row_sort_next(s->sort, s->slot, err));
    *out = s->slot->empty ? NULL : s->slot;
    return ST_OK;
}

static void drop(SortState *s)
{
    row_sort_free(s->sort);
    s->sort = NULL;
    s->done = false;
}

static Status sort_rescan(PlanState *ps, const Bitset *changed, Error *err)
{
    SortState *s = (SortState *)ps;
    bool enough = s->bound_used == 0 || (wanted(s) > 0 && wanted(s) <= s->bound_used);
    if (s->done && enough && !plan_depends_on(ps, changed)) return row_sort_rewind(s->sort, err);
    drop(s);
    return plan_rescan(ps->left, changed, err);
}

static void sort_end(PlanState *ps) { drop((SortState *)ps); }

static const PlanOps sort_ops = {sort_next, sort_rescan, sort_end};

STATUS sort_init(ExecState *es, const Plan *plan, PlanState **out, Error *err)
{
    const Sort *node = (const Sort *)plan;
    TRY(plan_state_new(es, plan, &sort_ops, sizeof(SortState), out, err));
    SortState *s = (SortState *)*out;
    TRY(plan_init(es, plan->lefttree, &s->ps.left, err));
    s->ps.desc = s->ps.left->desc;
    s->slot = slot_new(&es->arena, s->ps.desc);
    TRY_MEM(s->slot, err);
    return exec_sort_keys(es, s->ps.desc, node->numCols, &node->sortColIdx, &node->sortOperators, &node->collations, &node->nullsFirst, &s->keys, err);
}
