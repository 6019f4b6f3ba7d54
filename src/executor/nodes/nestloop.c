/* NestLoop: for each outer row, the inner side is rescanned with the row's values as parameters. */
#include "executor/exec_state.h"

typedef struct NestLoopState {
    PlanState ps;
    ExprProgram *joinqual;
    JoinType type;
    bool single;          /* one match an outer row is enough */
    bool have_outer, matched;
    int nparams;
    int *slots;
    Var **vars;
    Bitset *changed;
    TupleSlot *null_inner;
} NestLoopState;

static STATUS next_outer(NestLoopState *s, bool *have, Error *err)
{
    PlanState *ps = &s->ps;
    TupleSlot *row;
    TRY(plan_next(ps->left, &row, err));
    *have = row != NULL;
    if (!row) return ST_OK;
    ps->ec.outer = row;
    for (int i = 0; i < s->nparams; i++) {
        int att = s->vars[i]->varattno - 1;
        ParamExec *p = &ps->es->exec_params[s->slots[i]];
        TRY(slot_decode(row, att + 1, err));
        p->value = row->values[att];
        p->isnull = row->nulls[att];
        p->pending = NULL;
        p->stamp++;
    }
    s->have_outer = true;
    s->matched = false;
    return plan_rescan(ps->right, s->changed, err);
}

/* Applies the qual above the join and projects; *out NULL if the row does not pass. */
static STATUS emit_row(NestLoopState *s, TupleSlot *inner, TupleSlot **out, Error *err)
{
    PlanState *ps = &s->ps;
    bool pass;
    *out = NULL;
    ps->ec.inner = inner;
    TRY(expr_qual(ps->qual, &ps->ec, &pass, err));
    if (!pass) {
        if (ps->instr) ps->instr->removed_by_filter++;
        return ST_OK;
    }
    return plan_project(ps, NULL, out, err);
}

static Status nestloop_next(PlanState *ps, TupleSlot **out, Error *err)
{
    NestLoopState *s = (NestLoopState *)ps;
    *out = NULL;
    for (;;) {
        TupleSlot *inner;
        bool pass;
        TRY(EXEC_INTERRUPT(ps->es, err));
        if (!s->have_outer) {
            bool have;
            TRY(next_outer(s, &have, err));
            if (!have) return ST_OK;
        }
        TRY(plan_next(ps->right, &inner, err));
        plan_reset_tuple(ps);
        if (!inner) {
            s->have_outer = false;
            if (s->matched || (s->type != JOIN_LEFT && s->type != JOIN_ANTI)) continue;
            TRY(emit_row(s, s->null_inner, out, err));
            if (*out) return ST_OK;
            continue;
        }
        ps->ec.inner = inner;
        TRY(expr_qual(s->joinqual, &ps->ec, &pass, err));
        if (!pass) {
            if (ps->instr) ps->instr->removed_by_join++;
            continue;
        }
        s->matched = true;
        if (s->type == JOIN_ANTI) {
            s->have_outer = false;
            continue;
        }
        if (s->single) s->have_outer = false;
        TRY(emit_row(s, inner, out, err));
        if (*out) return ST_OK;
    }
}

static Status nestloop_rescan(PlanState *ps, const Bitset *changed, Error *err)
{
    NestLoopState *s = (NestLoopState *)ps;
    s->have_outer = false;
    TRY(plan_rescan(ps->left, changed, err));
    return plan_rescan(ps->right, changed, err);
}

static const PlanOps nestloop_ops = {nestloop_next, nestloop_rescan, NULL};

STATUS nestloop_init(ExecState *es, const Plan *plan, PlanState **out, Error *err)
{
    const NestLoop *node = (const NestLoop *)plan;
    TRY(plan_state_new(es, plan, &nestloop_ops, sizeof(NestLoopState), out, err));
    NestLoopState *s = (NestLoopState *)*out;
    PlanState *ps = *out;
    s->type = node->jointype;
    s->single = node->inner_unique || node->jointype == JOIN_SEMI;
    if (s->type == JOIN_RIGHT || s->type == JOIN_FULL) return error_set(err, ERR_INTERNAL_ERROR, "nested loops cannot run a right or full join");
    TRY(plan_init(es, plan->lefttree, &ps->left, err));
    TRY(plan_init(es, plan->righttree, &ps->right, err));
    s->nparams = list_len(node->nestParams);
    TRY_NEW_N(s->slots, &es->arena, s->nparams + 1, err);
    TRY_NEW_N(s->vars, &es->arena, s->nparams + 1, err);
    for (int i = 0; i < s->nparams; i++) {
        const NestLoopParam *p = list_at(node->nestParams, i);
        s->slots[i] = p->paramno;
        s->vars[i] = p->paramval;
        s->changed = bitset_add(s->changed, &es->arena, p->paramno);
        TRY_MEM(s->changed, err);
    }
    s->null_inner = slot_new(&es->arena, ps->right->desc);
    TRY_MEM(s->null_inner, err);
    memset(s->null_inner->nulls, true, (size_t)ps->right->desc->natts);
    slot_store_virtual(s->null_inner);
    TRY(exec_compile_qual(es, node->joinqual, &s->joinqual, err));
    return plan_init_projection(ps, NULL, 0, err);
}
