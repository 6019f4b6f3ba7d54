/* LockRows: SELECT ... FOR UPDATE/SHARE. Locks the rows that a joined row is made of; one that changed meanwhile is evaluated again. */
#include "executor/exec_state.h"
#include "executor/row_identity.h"

typedef struct Mark {
    const PlanRowMark *mark;
    const Relation *rel;
    RowCodec *codec;
    TupleSlot *slot, *newest;
    RowLockStrength strength;
    LockWait wait;
} Mark;

typedef struct LockRowsState {
    PlanState ps;
    int nmarks;
    Mark *marks;
    int *rtis;
    TupleSlot **sources;
    EpqState *epq;
    bool checked;
} LockRowsState;

static const char *const strength_names[] = {"", "FOR KEY SHARE", "FOR SHARE", "FOR NO KEY UPDATE", "FOR UPDATE"};

/* The store knows no names: NOWAIT's message gets its relation here. */
static Status name_relation(const Mark *m, Error *err)
{
    if (m->wait != LOCK_NOWAIT || err->code != ERR_LOCK_NOT_AVAILABLE || strcmp(err->message, "could not obtain lock on row")) return ST_FAILED;
    error_clear(err);
    return error_set(err, ERR_LOCK_NOT_AVAILABLE, "could not obtain lock on row in relation \"%s\"", m->rel->name);
}

/* *keep false: the row is passed over. *changed: some row is newer than the one read. */
static STATUS lock_one(LockRowsState *s, int i, TupleSlot *row, bool *keep, bool *changed, Error *err)
{
    Mark *m = &s->marks[i];
    int att = m->mark->rowid_resno - 1;
    RowLockOutcome outcome;
    TRY(slot_decode(row, att + 1, err));
    if (row->nulls[att]) {
        slot_clear(m->slot);
        s->sources[i] = NULL;
        return ST_OK;
    }
    Datum identity;
    TRY(datum_copy(&s->ps.tuple_arena, row->values[att], false, -1, &identity, err));
    TRY(row_identity_read(identity, m->rel, m->codec, m->slot, err));
    s->sources[i] = m->slot;
    Status st = row_lock(s->ps.es->env->txn, &m->rel->def, m->slot, m->strength, m->wait, m->newest, &s->ps.tuple_arena, &outcome, err);
    if (failed(st)) return name_relation(m, err);
    if (outcome == ROWLOCK_DELETED || outcome == ROWLOCK_BUSY) *keep = false;
    if (outcome != ROWLOCK_UPDATED) return ST_OK;
    m->newest->table_oid = m->rel->oid;
    s->sources[i] = m->newest;
    *changed = true;
    return ST_OK;
}

static Status lockrows_next(PlanState *ps, TupleSlot **out, Error *err)
{
    LockRowsState *s = (LockRowsState *)ps;
    *out = NULL;
    if (!s->checked && ps->es->env->txn && txn_options(ps->es->env->txn)->read_only && s->nmarks)
        return error_set(err, ERR_READ_ONLY_SQL_TRANSACTION, "cannot execute SELECT %s in a read-only transaction",
                         strength_names[s->marks[0].mark->strength]);
    s->checked = true;
    for (;;) {
        TupleSlot *row;
        bool keep = true, changed = false;
        TRY(EXEC_INTERRUPT(ps->es, err));
        TRY(plan_next(ps->left, &row, err));
        if (!row) return ST_OK;
        plan_reset_tuple(ps);
        for (int i = 0; i < s->nmarks && keep; i++) TRY(lock_one(s, i, row, &keep, &changed, err));
        if (!keep) continue;
        if (changed) {
            TRY(epq_run(ps->es, &s->epq, ps->plan->lefttree, s->nmarks, s->rtis, s->sources, &row, err));
            if (!row) continue;
        }
        *out = row;
        return ST_OK;
    }
}

static void lockrows_end(PlanState *ps) { epq_end(((LockRowsState *)ps)->epq); }

static const PlanOps lockrows_ops = {lockrows_next, NULL, lockrows_end};

STATUS lockrows_init(ExecState *es, const Plan *plan, PlanState **out, Error *err)
{
    static const RowLockStrength strengths[] = {ROW_KEY_SHARE, ROW_KEY_SHARE, ROW_SHARE, ROW_NO_KEY_UPDATE, ROW_UPDATE};
    static const LockWait waits[] = {LOCK_WAIT, LOCK_SKIP, LOCK_NOWAIT};
    const LockRows *node = (const LockRows *)plan;
    TRY(plan_state_new(es, plan, &lockrows_ops, sizeof(LockRowsState), out, err));
    LockRowsState *s = (LockRowsState *)*out;
    TRY(plan_init(es, plan->lefttree, &s->ps.left, err));
    s->ps.desc = s->ps.left->desc;
    int n = list_len(node->rowMarks);
    TRY_NEW_N(s->marks, &es->arena, n + 1, err);
    TRY_NEW_N(s->rtis, &es->arena, n + 1, err);
    TRY_NEW_N(s->sources, &es->arena, n + 1, err);
    for (int i = 0; i < n; i++) {
        const PlanRowMark *mark = list_at(node->rowMarks, i);
        Mark *m = &s->marks[s->nmarks];
        if (!mark->rowid_resno || mark->strength == LCS_NONE) continue;
        m->mark = mark;
        m->strength = strengths[mark->strength];
        m->wait = waits[mark->waitPolicy];
        TRY(exec_relation(es, mark->rti, &m->rel, err));
        TRY(row_codec_table(&es->arena, &m->rel->def, &m->codec, err));
        m->slot = slot_new(&es->arena, m->rel->desc);
        m->newest = slot_new(&es->arena, m->rel->desc);
        if (!m->slot || !m->newest) return error_out_of_memory(err, 0);
        s->rtis[s->nmarks++] = mark->rti;
    }
    return ST_OK;
}
