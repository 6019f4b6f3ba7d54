/* IndexScan: rows of a table through its own key or through a secondary index. A range that fixes the whole of a unique key is one Get:
 * no cursor is opened for it. */
#include "executor/nodes/index_range.h"

typedef struct IndexScanState {
    PlanState ps;
    const Relation *rel;
    const IndexInfo *index;  /* NULL: the table's own key */
    IndexRange *range;
    ExprProgram *recheck;
    Scan *scan;
    TupleSlot *slot;
    unsigned flags;
    bool unique, begun, in_scan, ended;
} IndexScanState;

static STATUS epq_row(IndexScanState *s, TupleSlot *slot, TupleSlot **out, Error *err)
{
    PlanState *ps = &s->ps;
    bool pass;
    *out = NULL;
    if (!slot) return ST_OK;
    plan_reset_tuple(ps);
    ps->ec.scan = slot;
    if (!s->recheck) TRY(exec_compile_qual(ps->es, ((const IndexScan *)ps->plan)->indexqualorig, &s->recheck, err));
    TRY(expr_qual(s->recheck, &ps->ec, &pass, err));
    if (pass) TRY(expr_qual(ps->qual, &ps->ec, &pass, err));
    return pass ? plan_project(ps, slot, out, err) : ST_OK;
}

/* Positions on the next range: a Get answers at once (*found), a cursor is opened otherwise. */
static STATUS next_range(IndexScanState *s, bool *found, bool *more, Error *err)
{
    ExecState *es = s->ps.es;
    ScanRange range;
    *found = false;
    *more = index_range_next(s->range, &range);
    if (!*more) return ST_OK;
    if (s->unique && index_range_is_full_key(s->range)) {
        if (s->index) TRY(index_get(es->env->txn, es->snapshot, &s->index->def, range.low.values, s->slot, &s->ps.tuple_arena, err));
        else TRY(table_get(es->env->txn, es->snapshot, &s->rel->def, range.low.values, s->slot, &s->ps.tuple_arena, err));
        *found = !s->slot->empty;
        return ST_OK;
    }
    s->in_scan = true;
    if (s->scan) return scan_rescan(s->scan, &range, err);
    if (s->index) return index_scan_open(es->env->txn, es->snapshot, &s->index->def, &range, s->flags, &s->scan, err);
    return table_scan_open(es->env->txn, es->snapshot, &s->rel->def, &range, s->flags, &s->scan, err);
}

static STATUS next_row(IndexScanState *s, bool *found, Error *err)
{
    bool more = true;
    *found = false;
    while (more && !*found) {
        if (s->in_scan) {
            TRY(scan_next(s->scan, s->slot, err));
            if (!s->slot->empty) {
                *found = true;
                return ST_OK;
            }
            s->in_scan = false;
        }
        TRY(next_range(s, found, &more, err));
    }
    return ST_OK;
}

static Status indexscan_next(PlanState *ps, TupleSlot **out, Error *err)
{
    IndexScanState *s = (IndexScanState *)ps;
    TupleSlot *stand_in;
    *out = NULL;
    if (unlikely(epq_source(ps->es, ((const IndexScan *)ps->plan)->scanrelid, &stand_in))) return epq_row(s, stand_in, out, err);
    if (s->ended) return ST_OK;
    if (!s->begun) {
        TRY(index_range_begin(s->range, &ps->ec, err));
        s->begun = true;
    }
    ps->ec.scan = s->slot;
    for (;;) {
        bool found, pass = true;
        TRY(EXEC_INTERRUPT(ps->es, err));
        plan_reset_tuple(ps);
        TRY(next_row(s, &found, err));
        if (!found) {
            s->ended = true;
            scan_close(s->scan);
            s->scan = NULL;
            return ST_OK;
        }
        if (ps->qual) TRY(expr_qual(ps->qual, &ps->ec, &pass, err));
        if (pass) return plan_project(ps, s->slot, out, err);
        if (ps->instr) ps->instr->removed_by_filter++;
    }
}

static Status indexscan_rescan(PlanState *ps, const Bitset *changed, Error *err)
{
    IndexScanState *s = (IndexScanState *)ps;
    epq_rewind_source(ps->es, ((const IndexScan *)ps->plan)->scanrelid);
    s->begun = s->ended = s->in_scan = false;
    if (ps->es->rewind_all) {
        scan_close(s->scan);
        s->scan = NULL;
    }
    return ST_OK;
}

static void indexscan_end(PlanState *ps)
{
    IndexScanState *s = (IndexScanState *)ps;
    scan_close(s->scan);
    index_range_end(s->range);
}

static const PlanOps indexscan_ops = {indexscan_next, indexscan_rescan, indexscan_end};

STATUS indexscan_init(ExecState *es, const Plan *plan, PlanState **out, Error *err)
{
    const IndexScan *node = (const IndexScan *)plan;
    TRY(plan_state_new(es, plan, &indexscan_ops, sizeof(IndexScanState), out, err));
    IndexScanState *s = (IndexScanState *)*out;
    TRY(exec_relation(es, node->scanrelid, &s->rel, err));
    const IndexInfo *index = node->indexid ? relation_index(s->rel, node->indexid) : NULL;
    if (node->indexid && !index) return error_set(err, ERR_INTERNAL_ERROR, "index %u of \"%s\" is gone", node->indexid, s->rel->name);
    bool clustered = !index || index->clustered_key;
    s->index = clustered ? NULL : index;
    s->unique = clustered ? s->rel->def.nkey > 0 : index->def.unique && !index->def.deferrable;
    s->slot = slot_new(&es->arena, s->rel->desc);
    TRY_MEM(s->slot, err);
    bool backward = node->direction == SCAN_REVERSE;
    if (backward) s->flags |= SCAN_BACKWARD;
    if (!plan_reads_columns(plan)) s->flags |= SCAN_KEYS_ONLY;
    TRY(index_range_init(es, node->indexqual, clustered ? s->rel->def.key : s->index->def.key, clustered ? s->rel->def.nkey : s->index->def.nkey,
                         backward, &s->range, err));
    return plan_init_projection(&s->ps, s->rel->desc, node->scanrelid, err);
}
