/* The end of a transaction.
 *
 * Commit: pre-commit events; write and sync; visible; note the written rows; committed events (the catalog's invalidations); release
 * locks. A small transaction is one batch; one that spilled or built is table files and one ingestion. The global part, if there is
 * one besides the database's, goes first as a pending record (recovery.c). Temporary tables' rows go before everything: only their
 * session sees them, so that they are visible a moment too early hurts nobody. */
#include <assert.h>

#include "common/fault_point.h"
#include "common/metrics.h"
#include "storage/gaps.h"
#include "storage/row_codec.h"
#include "storage/spill.h"

enum { BATCH_KEEP_BYTES = 32 * 1024, TEMP_BATCH_BYTES = 256 * 1024 };

static STATUS run_events(Txn *t, TxnEvent event, Error *err)
{
    Status st = ST_OK;
    for (int i = 0; i < t->nevents; i++) { /* an event may register another */
        Status one = t->events[i].fn(t->events[i].arg, t, event, 0, err);
        if (event == TXN_PRE_COMMIT && failed(one)) return one;
        st = first_error(st, one);
    }
    return st;
}

/* ---- Batches. */

static void batch_overlay(KvBatch *b, const Txn *t, StorePlace place)
{
    for (const OverlayNode *n = overlay_first(&t->ov, place); n; n = overlay_next(n)) {
        const OverlayEntry *e = n->newest;
        if (!(e->flags & OV_DELETE)) kv_batch_put(b, overlay_key(n), overlay_value(e));
        else if (!(e->flags & OV_NEW)) kv_batch_delete(b, overlay_key(n));
    }
}

static STATUS batch_entry(void *arg, Slice key, Slice value, uint8_t flags, Error *err)
{
    KvBatch *b = arg;
    (void)err;
    if (flags & OV_DELETE) kv_batch_delete(b, key);
    else kv_batch_put(b, key, value);
    return ST_OK;
}

static STATUS make_batch(Txn *t, StorePlace place, KvBatch *b, Error *err)
{
    if (t->spill) return spill_each(t, place, batch_entry, b, err);
    batch_overlay(b, t, place);
    return ST_OK;
}

typedef struct TempWriter { Kv *kv; KvBatch *batch; } TempWriter;

static STATUS temp_entry(void *arg, Slice key, Slice value, uint8_t flags, Error *err)
{
    TempWriter *w = arg;
    TRY(batch_entry(w->batch, key, value, flags, err));
    if (kv_batch_bytes(w->batch) < TEMP_BATCH_BYTES) return ST_OK;
    Status st = kv_write(w->kv, w->batch, false, err);
    kv_batch_clear(w->batch);
    return st;
}

static STATUS write_temp(Txn *t, Error *err)
{
    TempWriter w = {0};
    if (!overlay_first(&t->ov, STORE_TEMP) && !t->spill) return ST_OK;
    TRY(database_kv(t->db, STORE_TEMP, &w.kv, err));
    TRY_MEM(w.batch = kv_batch_new(), err);
    Status st = spill_each(t, STORE_TEMP, temp_entry, &w, err);
    if (!failed(st) && kv_batch_count(w.batch)) st = kv_write(w.kv, w.batch, false, err);
    kv_batch_free(w.batch);
    return st;
}

/* ---- The database's part. */

static bool writes_to(const Txn *t, StorePlace place)
{
    if (overlay_first(&t->ov, place) || t->spill) return true;
    for (int i = 0; i < t->ndrops; i++)
        if (t->drops[i].place == place) return true;
    return false;
}

static void batch_drops(KvBatch *b, const Txn *t, StorePlace place)
{
    for (int i = 0; i < t->ndrops; i++)
        if (t->drops[i].place == place) drop_list_add(b, place, t->drops[i].storage_id);
}

/* What pending_global_decide and drop_list_add put into a batch, as own entries: they travel with the files. */
static STATUS put_records(Txn *t, bool decide, Error *err)
{
    uint8_t key[13] = {0};
    if (decide) {
        key[4] = META_DECIDED;
        key_put_u64(key + 5, t->xid);
        TRY(txn_put(t, STORE_DATABASE, slice_of(key, 13), slice_of("", 0), 0, err));
    }
    for (int i = 0; i < t->ndrops; i++) {
        if (t->drops[i].place != STORE_DATABASE) continue;
        key[4] = META_DROP;
        key[5] = (uint8_t)STORE_DATABASE;
        key_put_u32(key + 6, t->drops[i].storage_id);
        TRY(txn_put(t, STORE_DATABASE, slice_of(key, 10), slice_of("", 0), 0, err));
    }
    return ST_OK;
}

static STATUS write_database(Txn *t, bool decide, Error *err)
{
    if (t->spill) {
        TRY(put_records(t, decide, err));
        return spill_commit_database(t, err);
    }
    if (!t->batch) TRY_MEM(t->batch = kv_batch_new(), err);
    batch_overlay(t->batch, t, STORE_DATABASE);
    batch_drops(t->batch, t, STORE_DATABASE);
    if (decide) pending_global_decide(t->batch, t->xid);
    TRY(FAULT_POINT("commit_before_write", err));
    if (kv_batch_count(t->batch)) TRY(kv_write(t->db->kv, t->batch, t->opt.sync_commit, err));
    else if (t->sync_mark && t->opt.sync_commit) TRY(kv_sync_log(t->db->kv, err));
    return ST_OK;
}

static STATUS write_both(Txn *t, KvBatch *global, Error *err)
{
    uint64_t xid;
    TRY(txn_need_xid(t, &xid, err));
    TRY(pending_global_write(t->db, xid, global, err));
    Status st = FAULT_POINT("commit_after_pending", err);
    if (!failed(st)) st = write_database(t, true, err);
    if (failed(st)) {
        pending_global_cancel(t->db, xid);
        return st;
    }
    ignore_status(pending_global_apply(t->db, xid, global, NULL)); /* decided: recovery finishes what this could not */
    return ST_OK;
}

static STATUS write_all(Txn *t, Error *err)
{
    KvBatch *global = NULL;
    Status st = write_temp(t, err);
    if (failed(st)) return st;
    if (writes_to(t, STORE_GLOBAL)) {
        TRY_MEM(global = kv_batch_new(), err);
        TRY_GOTO(st, make_batch(t, STORE_GLOBAL, global, err), done);
        batch_drops(global, t, STORE_GLOBAL);
    }
    if (!global || !kv_batch_count(global)) st = write_database(t, false, err);
    else if (writes_to(t, STORE_DATABASE)) st = write_both(t, global, err);
    else st = kv_write(cluster_global(t->db->cluster), global, t->opt.sync_commit, err);
done:
    kv_batch_free(global);
    return st;
}

/* ---- Ending. */

static void note_sequence(_Atomic uint64_t *to, uint64_t seq)
{
    uint64_t was = atomic_load_explicit(to, memory_order_relaxed);
    while (was < seq && !atomic_compare_exchange_weak(to, &was, seq)) {}
}

/* Whoever gets a row lock after us learns from these that the row may have changed. */
void txn_note_writes(Txn *t)
{
    uint64_t seq = kv_latest_sequence(t->db->kv);
    if (t->spill) { /* an ingestion need not take a sequence number of its own */
        seq++;
        for (int i = 0; i < WRITE_BUCKETS; i++) note_sequence(&t->state->writes[i], seq);
        return;
    }
    for (const OverlayNode *n = overlay_first(&t->ov, STORE_DATABASE); n; n = overlay_next(n)) {
        if (!(n->newest->flags & OV_ROW)) continue;
        note_sequence(&t->state->writes[rowlock_hash(database_oid(t->db), STORE_DATABASE, overlay_key(n)) % WRITE_BUCKETS], seq);
    }
}

static void reclaim_drops(Txn *t)
{
    for (int i = 0; i < t->ndrops; i++) drop_list_reclaim(t->db, t->drops[i].place, t->drops[i].storage_id);
}

static void orphan_snapshots(Txn *t)
{
    while (t->live) {
        Snapshot *s = t->live;
        t->live = s->next;
        view_release(t, s->view);
        s->txn = NULL;
        s->view = NULL;
        s->next = s->prev = NULL;
    }
}

/* Everything the transaction held goes, whatever happened. The Txn stays with its owner for the next one. */
static void finish(Txn *t)
{
    LockOwner *o = t->owner;
    orphan_snapshots(t);
    view_release(t, t->view);
    t->view = NULL;
    while (t->nmoves) {
        MoveEntry *m = &t->moves[--t->nmoves];
        mem_free(t->opt.account, m->to, m->len);
    }
    txn_leave_implicit(t);
    t->implicit.ncoarse = 0;
    if (o->rows || o->upgrades) rowlock_release_all(o);
    lock_release_txn(o);
    if (t->spill) spill_free(t); /* takes its time: nobody waits for it */
    atomic_store_explicit(&o->xid, 0, memory_order_relaxed);
    if (t->read_floor) atomic_store_explicit(&o->read_floor, 0, memory_order_release);
    if (t->batch && kv_batch_bytes(t->batch) > BATCH_KEEP_BYTES) {
        kv_batch_free(t->batch);
        t->batch = NULL;
    } else if (t->batch) {
        kv_batch_clear(t->batch);
    }
    overlay_clear(&t->ov);
    t->xid = t->read_floor = t->note_hash = t->note_seq = 0;
    t->clears++;
    t->own_epoch++;
    t->nsavepoints = t->nevents = t->ndrops = 0;
    t->sync_mark = t->broken = t->ending = t->had_snapshot = false;
    o->txn = NULL;
}

/* SSI goes here (SERIALIZABLE behaves as REPEATABLE READ until then): the check for a dangerous structure before the commit; the
 * reads it needs are noted in txn_get (keys, absent keys) and merge_open (ranges), the writes in txn_note_writes. */
static STATUS prepare_commit(Txn *t, Error *err)
{
    if (t->nevents) TRY(run_events(t, TXN_PRE_COMMIT, err));
    if (unlikely(t->broken))
        return error_set(err, ERR_IO_ERROR, "transaction cannot commit after a failed write of its buffer");
    return ST_OK;
}

STATUS txn_commit(Txn *t, Error *err)
{
    bool wrote, ticket = false;
    Status st = prepare_commit(t, err);
    wrote = txn_has_own(t) || t->ndrops || t->sync_mark;
    if (!failed(st) && wrote) {
        gaps_before_commit(t, &ticket);
        st = write_all(t, err);
        if (ticket) gaps_after_commit(t);
    }
    if (failed(st)) {
        txn_rollback(t);
        return st;
    }
    if (wrote) {
        if (txn_has_own(t)) txn_note_writes(t);
        if (t->nmoves) moves_publish(t, kv_latest_sequence(t->db->kv) + (t->spill ? 1 : 0));
        reclaim_drops(t);
    }
    t->ending = true;
    if (t->nevents) ignore_status(run_events(t, TXN_COMMITTED, NULL));
    metric_add(METRIC_commits_total, 1);
    finish(t);
    return ST_OK;
}

void txn_rollback(Txn *t)
{
    if (!t) return;
    t->ending = true;
    t->nsavepoints = 0;
    if (t->nevents) ignore_status(run_events(t, TXN_ABORTED, NULL));
    metric_add(METRIC_rollbacks_total, 1);
    finish(t);
}
