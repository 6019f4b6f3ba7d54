/* FunctionScan: functions in FROM. Several (ROWS FROM) run side by side, the shorter ones padded with nulls; WITH ORDINALITY counts. */
#include "executor/exec_state.h"

typedef struct FunctionPart {
    ExprSet *set;
    TupleDesc *desc;
    int first;        /* column in the scan's row */
    bool done;
} FunctionPart;

typedef struct FunctionScanState {
    PlanState ps;
    int nparts;
    FunctionPart *parts;
    TupleSlot *slot;
    bool ordinality, begun, ended;
    int64_t row;
} FunctionScanState;

static STATUS next_row(FunctionScanState *s, bool *have, Error *err)
{
    TupleSlot *slot = s->slot;
    ExprContext *ec = &s->ps.ec;
    *have = false;
    for (int i = 0; i < s->nparts; i++) {
        FunctionPart *p = &s->parts[i];
        Datum *cols = slot->values + p->first;
        bool *nulls = slot->nulls + p->first;
        if (!p->done) TRY(expr_set_next(p->set, ec, p->desc, cols, nulls, &p->done, err));
        if (p->done) for (int k = 0; k < p->desc->natts; k++) cols[k] = 0, nulls[k] = true;
        else *have = true;
    }
    if (s->ordinality) {
        slot->values[slot->desc->natts - 1] = datum_i64(++s->row);
        slot->nulls[slot->desc->natts - 1] = false;
    }
    slot_store_virtual(slot);
    return ST_OK;
}

static Status functionscan_next(PlanState *ps, TupleSlot **out, Error *err)
{
    FunctionScanState *s = (FunctionScanState *)ps;
    *out = NULL;
    if (s->ended) return ST_OK;
    if (!s->begun) {
        for (int i = 0; i < s->nparts; i++) {
            s->parts[i].done = false;
            TRY(expr_set_rewind(s->parts[i].set, &ps->ec, err));
        }
        s->begun = true;
        s->row = 0;
    }
    for (;;) {
        bool have, pass;
        TRY(EXEC_INTERRUPT(ps->es, err));
        plan_reset_tuple(ps);
        TRY(next_row(s, &have, err));
        if (!have) {
            s->ended = true;
            return ST_OK;
        }
        ps->ec.scan = s->slot;
        TRY(expr_qual(ps->qual, &ps->ec, &pass, err));
        if (pass) return plan_project(ps, s->slot, out, err);
        if (ps->instr) ps->instr->removed_by_filter++;
    }
}

static Status functionscan_rescan(PlanState *ps, const Bitset *changed, Error *err)
{
    FunctionScanState *s = (FunctionScanState *)ps;
    s->begun = s->ended = false;
    return ST_OK;
}

static void functionscan_end(PlanState *ps)
{
    FunctionScanState *s = (FunctionScanState *)ps;
    for (int i = 0; i < s->nparts; i++) expr_set_close(s->parts[i].set);
}

static const PlanOps functionscan_ops = {functionscan_next, functionscan_rescan, functionscan_end};

static STATUS part_desc(ExecState *es, const RangeTblFunction *f, TupleDesc **out, Error *err)
{
    int n = f->funccoltypes.n;
    TupleDesc *desc;
    if (!n) { /* no column list: the type's own shape */
        Oid type = expr_type(f->funcexpr);
        const TypeInfo *ti;
        TRY(exec_type(es, type, &ti, err));
        if (ti->typtype == 'c') {
            *out = type_row_desc(es->env, type, &es->arena);
            TRY_MEM(*out, err);
            return ST_OK;
        }
        desc = tupledesc_new(&es->arena, 1);
        TRY_MEM(desc, err);
        attribute_set(&desc->atts[0], "", ti, -1);
        *out = desc;
        return ST_OK;
    }
    desc = tupledesc_new(&es->arena, n);
    TRY_MEM(desc, err);
    for (int i = 0; i < n; i++) {
        const TypeInfo *ti;
        const char *name = i < list_len(f->funccolnames) ? ((String *)list_at(f->funccolnames, i))->sval : "";
        TRY(exec_type(es, (Oid)f->funccoltypes.v[i], &ti, err));
        attribute_set(&desc->atts[i], name, ti, i < f->funccoltypmods.n ? (int32_t)f->funccoltypmods.v[i] : -1);
    }
    *out = desc;
    return ST_OK;
}

STATUS functionscan_init(ExecState *es, const Plan *plan, PlanState **out, Error *err)
{
    const FunctionScan *node = (const FunctionScan *)plan;
    TRY(plan_state_new(es, plan, &functionscan_ops, sizeof(FunctionScanState), out, err));
    FunctionScanState *s = (FunctionScanState *)*out;
    int n = list_len(node->functions), total = 0;
    TRY_NEW_N(s->parts, &es->arena, n + 1, err);
    s->ordinality = node->funcordinality;
    for (int i = 0; i < n; i++) {
        const RangeTblFunction *f = list_at(node->functions, i);
        FunctionPart *p = &s->parts[i];
        TRY(part_desc(es, f, &p->desc, err));
        p->first = total;
        total += p->desc->natts;
        TRY(expr_set_open(es->env, f->funcexpr, &es->arena, &p->set, err));
        s->nparts = i + 1;
        if (expr_type(f->funcexpr) >= FIRST_NORMAL_OID || (IsA(f->funcexpr, FuncExpr) && ((FuncExpr *)f->funcexpr)->funcid >= FIRST_NORMAL_OID))
            es->transient = true;
    }
    TupleDesc *desc = tupledesc_new(&es->arena, total + s->ordinality);
    TRY_MEM(desc, err);
    for (int i = 0; i < n; i++)
        memcpy(desc->atts + s->parts[i].first, s->parts[i].desc->atts, sizeof(Attribute) * (size_t)s->parts[i].desc->natts);
    if (s->ordinality) attribute_set(&desc->atts[total], "ordinality", type_builtin(TYPE_int8), -1);
    s->slot = slot_new(&es->arena, desc);
    TRY_MEM(s->slot, err);
    return plan_init_projection(&s->ps, desc, node->scanrelid, err);
}
