/* Hash: the inner side of a hash join. The join builds the table (hashjoin.c); this node hands the rows over and carries the figures. */
#include "executor/exec_state.h"

static Status hash_next(PlanState *ps, TupleSlot **out, Error *err) { return plan_next(ps->left, out, err); }

static const PlanOps hash_ops = {hash_next, NULL, NULL};

STATUS hash_init(ExecState *es, const Plan *plan, PlanState **out, Error *err)
{
    TRY(plan_state_new(es, plan, &hash_ops, sizeof(PlanState), out, err));
    TRY(plan_init(es, plan->lefttree, &(*out)->left, err));
    (*out)->desc = (*out)->left->desc;
    return ST_OK;
}
