/* Material: remembers its input, so that rescans need not compute it again. Reads no further than it is asked. */
#include "executor/exec_state.h"

typedef struct MaterialState {
    PlanState ps;
    TupleStore *store;
    TupleSlot *slot;
    uint64_t at;
    bool input_done;
} MaterialState;

static Status material_next(PlanState *ps, TupleSlot **out, Error *err)
{
    MaterialState *s = (MaterialState *)ps;
    TupleSlot *row;
    *out = NULL;
    if (!s->store) TRY(tuple_store_new(ps->es->env, ps->desc, ps->es->work_mem, &s->store, err));
    if (s->at < tuple_store_count(s->store)) {
        TRY(tuple_store_get(s->store, s->at++, s->slot, err));
        *out = s->slot;
        return ST_OK;
    }
    if (s->input_done) return ST_OK;
    TRY(plan_next(ps->left, &row, err));
    s->input_done = row == NULL;
    if (!row) return ST_OK;
    TRY(tuple_store_put(s->store, row, err));
    s->at++;
    *out = row;
    return ST_OK;
}

static Status material_rescan(PlanState *ps, const Bitset *changed, Error *err)
{
    MaterialState *s = (MaterialState *)ps;
    s->at = 0;
    if (!plan_depends_on(ps, changed)) return ST_OK;
    tuple_store_free(s->store);
    s->store = NULL;
    s->input_done = false;
    return plan_rescan(ps->left, changed, err);
}

static void material_end(PlanState *ps) { tuple_store_free(((MaterialState *)ps)->store); }

static const PlanOps material_ops = {material_next, material_rescan, material_end};

STATUS material_init(ExecState *es, const Plan *plan, PlanState **out, Error *err)
{
    TRY(plan_state_new(es, plan, &material_ops, sizeof(MaterialState), out, err));
    MaterialState *s = (MaterialState *)*out;
    TRY(plan_init(es, plan->lefttree, &s->ps.left, err));
    s->ps.desc = s->ps.left->desc;
    s->slot = slot_new(&es->arena, s->ps.desc);
    TRY_MEM(s->slot, err);
    return ST_OK;
}
