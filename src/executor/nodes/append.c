/* Append: the rows of its children one after the other. */
#include "executor/exec_state.h"

typedef struct AppendState { PlanState ps; int at; } AppendState;

static Status append_next(PlanState *ps, TupleSlot **out, Error *err)
{
    AppendState *s = (AppendState *)ps;
    *out = NULL;
    for (; s->at < ps->nchildren; s->at++) {
        TRY(plan_next(ps->children[s->at], out, err));
        if (*out) return ST_OK;
    }
    return ST_OK;
}

static Status append_rescan(PlanState *ps, const Bitset *changed, Error *err)
{
    ((AppendState *)ps)->at = 0;
    for (int i = 0; i < ps->nchildren; i++) TRY(plan_rescan(ps->children[i], changed, err));
    return ST_OK;
}

static const PlanOps append_ops = {append_next, append_rescan, NULL};

STATUS append_init(ExecState *es, const Plan *plan, PlanState **out, Error *err)
{
    const Append *node = (const Append *)plan;
    TRY(plan_state_new(es, plan, &append_ops, sizeof(AppendState), out, err));
    PlanState *ps = *out;
    TRY_NEW_N(ps->children, &es->arena, list_len(node->appendplans) + 1, err);
    for (int i = 0; i < list_len(node->appendplans); i++) {
        ps->nchildren = i + 1;
        TRY(plan_init(es, list_at(node->appendplans, i), &ps->children[i], err));
    }
    /* Children's rows are passed on; their shape is the first one's. */
    TupleDesc *desc;
    TRY(exec_tlist_desc(es->env, plan->targetlist, false, &es->arena, &desc, err));
    ps->desc = desc;
    return ST_OK;
}
