/* SeqScan: every row of a table, in key order. */
#include "executor/exec_state.h"

typedef struct SeqScanState {
    PlanState ps;
    const Relation *rel;
    Scan *scan;
    TupleSlot *slot;
    unsigned flags;
    bool ended, is_sequence;
} SeqScanState;

/* SELECT ... FROM a sequence: its one row. */
static STATUS sequence_row(SeqScanState *s, Error *err)
{
    TupleSlot *slot = s->slot;
    int64_t last_value, log_cnt;
    bool is_called;
    slot_clear(slot);
    if (s->ended) return ST_OK;
    s->ended = true;
    TRY(sequence_read(s->ps.es->env->txn, &s->rel->sequence, &last_value, &is_called, &log_cnt, err));
    Datum row[3] = {datum_i64(last_value), datum_i64(log_cnt), datum_bool(is_called)};
    for (int i = 0; i < slot->desc->natts; i++) {
        slot->values[i] = i < 3 ? row[i] : 0;
        slot->nulls[i] = i >= 3;
    }
    slot_store_virtual(slot);
    slot->table_oid = s->rel->oid;
    return ST_OK;
}

/* A row passed on by EPQ, checked like any other. */
static STATUS epq_row(PlanState *ps, TupleSlot *slot, TupleSlot **out, Error *err)
{
    bool pass;
    *out = NULL;
    if (!slot) return ST_OK;
    plan_reset_tuple(ps);
    ps->ec.scan = slot;
    TRY(expr_qual(ps->qual, &ps->ec, &pass, err));
    return pass ? plan_project(ps, slot, out, err) : ST_OK;
}

static Status seqscan_next(PlanState *ps, TupleSlot **out, Error *err)
{
    SeqScanState *s = (SeqScanState *)ps;
    TupleSlot *stand_in;
    *out = NULL;
    if (unlikely(epq_source(ps->es, ((const SeqScan *)ps->plan)->scanrelid, &stand_in))) return epq_row(ps, stand_in, out, err);
    if (unlikely(!s->scan && !s->is_sequence)) {
        if (s->ended) return ST_OK;
        TRY(table_scan_open(ps->es->env->txn, ps->es->snapshot, &s->rel->def, NULL, s->flags, &s->scan, err));
    }
    TupleSlot *slot = s->slot;
    ps->ec.scan = slot;
    for (;;) {
        bool pass;
        TRY(EXEC_INTERRUPT(ps->es, err));
        TRY(s->is_sequence ? sequence_row(s, err) : scan_next(s->scan, slot, err));
        if (slot->empty) {
            scan_close(s->scan);
            s->scan = NULL;
            s->ended = true;
            return ST_OK;
        }
        plan_reset_tuple(ps);
        if (!ps->qual) return plan_project(ps, slot, out, err);
        TRY(expr_qual(ps->qual, &ps->ec, &pass, err));
        if (pass) return plan_project(ps, slot, out, err);
        if (ps->instr) ps->instr->removed_by_filter++;
    }
}

static Status seqscan_rescan(PlanState *ps, const Bitset *changed, Error *err)
{
    SeqScanState *s = (SeqScanState *)ps;
    epq_rewind_source(ps->es, ((const SeqScan *)ps->plan)->scanrelid);
    s->ended = false;
    if (!s->scan) return ST_OK;
    if (!ps->es->rewind_all) return scan_rescan(s->scan, NULL, err);
    scan_close(s->scan);
    s->scan = NULL;
    return ST_OK;
}

static void seqscan_end(PlanState *ps) { scan_close(((SeqScanState *)ps)->scan); }

static const PlanOps seqscan_ops = {seqscan_next, seqscan_rescan, seqscan_end};

STATUS seqscan_init(ExecState *es, const Plan *plan, PlanState **out, Error *err)
{
    TRY(plan_state_new(es, plan, &seqscan_ops, sizeof(SeqScanState), out, err));
    SeqScanState *s = (SeqScanState *)*out;
    int rti = ((const SeqScan *)plan)->scanrelid;
    TRY(exec_relation(es, rti, &s->rel, err));
    s->is_sequence = s->rel->relkind == RELKIND_SEQUENCE;
    if (!s->is_sequence && !s->rel->def.storage_id && !s->rel->def.desc)
        return error_set(err, ERR_WRONG_OBJECT_TYPE, "\"%s\" has no storage", s->rel->name);
    s->slot = slot_new(&es->arena, s->rel->desc);
    TRY_MEM(s->slot, err);
    if (!plan_reads_columns(plan)) s->flags |= SCAN_KEYS_ONLY;
    return plan_init_projection(&s->ps, s->rel->desc, rti, err);
}
