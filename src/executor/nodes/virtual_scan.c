/* VirtualScan: rows of a system catalog or of a view made by C code. Hints narrow it; the qual decides. */
#include "executor/exec_state.h"

typedef struct VirtualScanState {
    PlanState ps;
    const Relation *rel;
    VirtualScan *scan;
    TupleSlot *slot;
    int nkeys;
    VirtualKey *keys;
    ExprProgram **values;
    Arena key_arena;
    bool ended;
} VirtualScanState;

static STATUS open_scan(VirtualScanState *s, Error *err)
{
    ExecState *es = s->ps.es;
    ExprContext *ec = &s->ps.ec;
    Arena *saved = ec->tuple_arena;
    Status st = ST_OK;
    if (s->key_arena.blocks) arena_reset(&s->key_arena);
    ec->tuple_arena = &s->key_arena;
    for (int i = 0; i < s->nkeys && !failed(st); i++) st = expr_eval(s->values[i], ec, &s->keys[i].value, &s->keys[i].isnull, err);
    ec->tuple_arena = saved;
    TRY(st);
    return virtual_scan_open(es->env, s->rel, es->snapshot, s->keys, s->nkeys, &s->scan, err);
}

static Status virtual_scan_node_next(PlanState *ps, TupleSlot **out, Error *err)
{
    VirtualScanState *s = (VirtualScanState *)ps;
    *out = NULL;
    if (s->ended) return ST_OK;
    if (!s->scan) TRY(open_scan(s, err));
    ps->ec.scan = s->slot;
    for (;;) {
        bool pass;
        TRY(EXEC_INTERRUPT(ps->es, err));
        plan_reset_tuple(ps);
        TRY(virtual_scan_next(s->scan, s->slot, err));
        if (s->slot->empty) {
            virtual_scan_close(s->scan);
            s->scan = NULL;
            s->ended = true;
            return ST_OK;
        }
        s->slot->table_oid = s->rel->oid;
        TRY(expr_qual(ps->qual, &ps->ec, &pass, err));
        if (pass) return plan_project(ps, s->slot, out, err);
        if (ps->instr) ps->instr->removed_by_filter++;
    }
}

static Status virtual_scan_rescan(PlanState *ps, const Bitset *changed, Error *err)
{
    VirtualScanState *s = (VirtualScanState *)ps;
    if (s->scan) virtual_scan_close(s->scan);
    s->scan = NULL;
    s->ended = false;
    return ST_OK;
}

static void virtual_scan_end(PlanState *ps)
{
    VirtualScanState *s = (VirtualScanState *)ps;
    if (s->scan) virtual_scan_close(s->scan);
    arena_destroy(&s->key_arena);
}

static const PlanOps virtual_scan_ops = {virtual_scan_node_next, virtual_scan_rescan, virtual_scan_end};

STATUS virtual_scan_init(ExecState *es, const Plan *plan, PlanState **out, Error *err)
{
    const VirtualScanPlan *node = (const VirtualScanPlan *)plan;
    TRY(plan_state_new(es, plan, &virtual_scan_ops, sizeof(VirtualScanState), out, err));
    VirtualScanState *s = (VirtualScanState *)*out;
    arena_init(&s->key_arena, es->account, 0);
    TRY(exec_relation(es, node->scanrelid, &s->rel, err));
    s->slot = slot_new(&es->arena, s->rel->desc);
    TRY_MEM(s->slot, err);
    s->nkeys = node->keyattnums.n;
    TRY_NEW_N(s->keys, &es->arena, s->nkeys + 1, err);
    TRY_NEW_N(s->values, &es->arena, s->nkeys + 1, err);
    for (int i = 0; i < s->nkeys; i++) {
        s->keys[i].attnum = (int16_t)node->keyattnums.v[i];
        TRY(exec_compile(es, list_at(node->keyvalues, i), &s->values[i], err));
    }
    return plan_init_projection(&s->ps, s->rel->desc, node->scanrelid, err);
}
