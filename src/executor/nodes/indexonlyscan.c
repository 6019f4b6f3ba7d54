/* IndexOnlyScan: the columns of an index, without a look at the table. */
#include "executor/nodes/index_range.h"

typedef struct IndexOnlyState {
    PlanState ps;
    const Relation *rel;
    const IndexInfo *index;
    IndexRange *range;
    Scan *scan;
    TupleSlot *slot;
    unsigned flags;
    bool begun, in_scan, ended;
} IndexOnlyState;

static STATUS next_row(IndexOnlyState *s, bool *found, Error *err)
{
    ExecState *es = s->ps.es;
    ScanRange range;
    for (*found = false;;) {
        if (s->in_scan) {
            TRY(scan_next(s->scan, s->slot, err));
            if (!s->slot->empty) {
                *found = true;
                return ST_OK;
            }
            s->in_scan = false;
        }
        if (!index_range_next(s->range, &range)) return ST_OK;
        s->in_scan = true;
        if (s->scan) TRY(scan_rescan(s->scan, &range, err));
        else TRY(index_scan_open(es->env->txn, es->snapshot, &s->index->def, &range, s->flags | SCAN_INDEX_ONLY, &s->scan, err));
    }
}

static Status indexonlyscan_next(PlanState *ps, TupleSlot **out, Error *err)
{
    IndexOnlyState *s = (IndexOnlyState *)ps;
    *out = NULL;
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

static Status indexonlyscan_rescan(PlanState *ps, const Bitset *changed, Error *err)
{
    IndexOnlyState *s = (IndexOnlyState *)ps;
    s->begun = s->ended = s->in_scan = false;
    if (ps->es->rewind_all) {
        scan_close(s->scan);
        s->scan = NULL;
    }
    return ST_OK;
}

static void indexonlyscan_end(PlanState *ps)
{
    IndexOnlyState *s = (IndexOnlyState *)ps;
    scan_close(s->scan);
    index_range_end(s->range);
}

static const PlanOps indexonlyscan_ops = {indexonlyscan_next, indexonlyscan_rescan, indexonlyscan_end};

STATUS indexonlyscan_init(ExecState *es, const Plan *plan, PlanState **out, Error *err)
{
    const IndexOnlyScan *node = (const IndexOnlyScan *)plan;
    TRY(plan_state_new(es, plan, &indexonlyscan_ops, sizeof(IndexOnlyState), out, err));
    IndexOnlyState *s = (IndexOnlyState *)*out;
    TRY(exec_relation(es, node->scanrelid, &s->rel, err));
    s->index = relation_index(s->rel, node->indexid);
    if (!s->index) return error_set(err, ERR_INTERNAL_ERROR, "index %u of \"%s\" is gone", node->indexid, s->rel->name);
    /* A table's own key holds whole rows: INDEX_VAR numbers are then the key's, read from a table slot's view. */
    if (s->index->clustered_key) return error_set(err, ERR_INTERNAL_ERROR, "index-only scan of a table's own key");
    s->slot = slot_new(&es->arena, s->index->def.desc);
    TRY_MEM(s->slot, err);
    bool backward = node->direction == SCAN_REVERSE;
    if (backward) s->flags |= SCAN_BACKWARD;
    TRY(index_range_init(es, node->indexqual, s->index->def.key, s->index->def.nkey, backward, &s->range, err));
    return plan_init_projection(&s->ps, s->index->def.desc, INDEX_VAR, err);
}
