/* Transactions: begin, writes, savepoints, events. Commit and rollback are in txn_commit.c.
 *
 * A finished Txn stays with its lock owner and is used again, so that beginning one allocates nothing. */
#include "storage/txn_internal.h"

#include <assert.h>
#include <stdlib.h>

#include "storage/gaps.h"
#include "storage/spill.h"

/* ---- The database's shared part. */

static void state_free(void *p)
{
    TxnState *s = p;
    moves_free(s);
    gaps_free(s->gaps);
    mutex_destroy(&s->implicit_mutex);
    mem_free(database_account(s->db), s, sizeof *s);
}

TxnState *txn_state_get(Database *db, Error *err)
{
    TxnState *s = atomic_load_explicit(&db->txn_state, memory_order_acquire);
    if (likely(s)) return s;
    mutex_lock(&db->mutex);
    s = atomic_load(&db->txn_state);
    if (!s && (s = mem_alloc(database_account(db), sizeof *s)) != NULL) {
        memset(s, 0, sizeof *s);
        s->db = db;
        s->buffer_bytes = TXN_BUFFER_BYTES;
        mutex_init(&s->implicit_mutex);
        db->txn_state_free = state_free;
        atomic_store(&db->txn_state, s);
    }
    mutex_unlock(&db->mutex);
    if (!s) (void)error_out_of_memory(err, sizeof *s);
    return s;
}

void txn_set_buffer_bytes(Database *db, size_t bytes)
{
    TxnState *s = txn_state_get(db, NULL);
    if (s) atomic_store(&s->buffer_bytes, bytes);
}

/* ---- Begin. */

static void free_spare(Txn *t)
{
    while (t->spare_snapshots) {
        Snapshot *s = t->spare_snapshots;
        t->spare_snapshots = s->next;
        free(s);
    }
    while (t->spare_views) {
        View *v = t->spare_views;
        t->spare_views = v->spare_next;
        free(v);
    }
    overlay_destroy(&t->ov);
    kv_batch_free(t->batch);
    free(t->savepoints);
    free(t->events);
    free(t->drops);
    free(t->moves);
    mem_free(&t->owner->manager->account, t, sizeof *t);
}

STATUS txn_begin(Database *db, LockOwner *owner, const TxnOptions *opt, Txn **out, Error *err)
{
    TxnState *state = txn_state_get(db, err);
    if (unlikely(!state)) return ST_FAILED;
    assert(!owner->txn);
    Txn *t = owner->spare;
    if (!t) {
        t = mem_alloc(&owner->manager->account, sizeof *t);
        TRY_MEM(t, err);
        memset(t, 0, sizeof *t);
        t->owner = owner;
        owner->spare = t;
        owner->spare_free = free_spare;
        overlay_init(&t->ov, opt->account);
    }
    if (t->ov.arena.account != opt->account) {
        uint64_t seq = t->ov.next_seq;
        overlay_destroy(&t->ov);
        overlay_init(&t->ov, opt->account);
        t->ov.next_seq = seq;
    }
    rowlock_set_account(owner, opt->account);
    t->db = db;
    t->state = state;
    t->opt = *opt;
    t->first_seq = t->ov.next_seq;
    owner->txn = t;
    atomic_store_explicit(&owner->database, database_oid(db), memory_order_relaxed);
    *out = t;
    return ST_OK;
}

TxnOptions *txn_options(Txn *t) { return &t->opt; }
bool txn_has_snapshot(const Txn *t) { return t->had_snapshot; }
bool txn_has_writes(const Txn *t) { return txn_has_own(t) || t->ndrops; }
Database *txn_database(const Txn *t) { return t->db; }
LockOwner *txn_lock_owner(const Txn *t) { return t->owner; }
uint64_t txn_id_if_assigned(const Txn *t) { return t->xid; }

STATUS txn_need_xid(Txn *t, uint64_t *xid, Error *err)
{
    if (unlikely(!t->xid)) {
        TRY(stamp_next(t->db, &t->xid, err));
        atomic_store_explicit(&t->owner->xid, t->xid, memory_order_relaxed);
    }
    *xid = t->xid;
    return ST_OK;
}

uint64_t txn_id(Txn *t)
{
    uint64_t xid = 0;
    return failed(txn_need_xid(t, &xid, NULL)) ? 0 : xid;
}

/* ---- Writes. */

static STATUS write_entry(Txn *t, StorePlace place, Slice key, Slice value, uint8_t flags, Error *err)
{
    uint64_t xid;
    TRY(txn_need_xid(t, &xid, err));
    if (unlikely(t->broken))
        return error_set(err, ERR_IO_ERROR, "transaction cannot go on after a failed write of its buffer");
    size_t used = overlay_bytes(&t->ov) + t->owner->row_bytes;
    size_t limit = atomic_load_explicit(&t->state->buffer_bytes, memory_order_relaxed);
    if (unlikely(used > limit && overlay_bytes(&t->ov) > limit / 4)) TRY(txn_spill(t, err));
    if (likely(overlay_put(&t->ov, place, key, flags, value))) return ST_OK;
    /* Past the memory budget: make room earlier than the buffer's size would ask for, unless there is too little to gain. */
    if (overlay_bytes(&t->ov) >= 64 * 1024 || (size_t)mem_available(t->opt.account) >= value.len + key.len + 1024) {
        if (!overlay_is_empty(&t->ov)) TRY(txn_spill(t, err));
        if (overlay_put(&t->ov, place, key, flags, value)) return ST_OK;
    }
    return error_out_of_memory(err, key.len + value.len);
}

STATUS txn_put(Txn *t, StorePlace place, Slice key, Slice value, uint8_t flags, Error *err)
{
    return write_entry(t, place, key, value, flags & (uint8_t)~OV_DELETE, err);
}

STATUS txn_delete(Txn *t, StorePlace place, Slice key, uint8_t flags, Error *err)
{
    return write_entry(t, place, key, slice_of("", 0), flags | OV_DELETE, err);
}

STATUS txn_raw_put(Txn *t, StorePlace place, Slice key, Slice value, Error *err) { return txn_put(t, place, key, value, OV_KEY, err); }
void txn_mark_sync(Txn *t) { t->sync_mark = true; }

static int compare_u64(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

int txn_boundaries(const Txn *t, uint64_t *out, int max, bool *all)
{
    int n = 0, kept = 0;
    *all = false;
    for (const Snapshot *s = t->live; s; s = s->next) {
        if (s->own_limit <= t->first_seq) continue; /* sees nothing own */
        if (n == max) *all = true;
        else out[n++] = s->own_limit;
    }
    for (int i = 0; i < t->nsavepoints; i++) {
        if (t->savepoints[i].seq <= t->first_seq || (n && out[n - 1] == t->savepoints[i].seq)) continue;
        if (n == max) *all = true;
        else out[n++] = t->savepoints[i].seq;
    }
    qsort(out, (size_t)n, sizeof *out, compare_u64);
    for (int i = 0; i < n; i++)
        if (!kept || out[kept - 1] != out[i]) out[kept++] = out[i];
    return kept;
}

uint64_t txn_innermost_savepoint_serial(const Txn *t) { return t->nsavepoints ? t->savepoints[t->nsavepoints - 1].row_serial : 0; }

/* ---- Growing arrays of a transaction: small, kept between transactions. */

static bool grow(void *array, int *cap, int need, size_t item)
{
    void **p = array;
    if (need <= *cap) return true;
    int c = *cap ? *cap * 2 : 8;
    void *q = realloc(*p, (size_t)c * item);
    if (!q) return false;
    *p = q;
    *cap = c;
    return true;
}

STATUS txn_on_event(Txn *t, TxnEventFn fn, void *arg, Error *err)
{
    if (!grow(&t->events, &t->event_cap, t->nevents + 1, sizeof *t->events)) return error_out_of_memory(err, sizeof *t->events);
    t->events[t->nevents++] = (EventEntry){fn, arg};
    return ST_OK;
}

STATUS txn_drop_storage(Txn *t, StorePlace place, uint32_t storage_id, Error *err)
{
    if (!grow(&t->drops, &t->drop_cap, t->ndrops + 1, sizeof *t->drops)) return error_out_of_memory(err, sizeof *t->drops);
    t->drops[t->ndrops++] = (DropEntry){place, storage_id};
    return ST_OK;
}

STATUS moves_add(Txn *t, Slice old_key, Slice new_row_key, Error *err)
{
    if (!grow(&t->moves, &t->move_cap, t->nmoves + 1, sizeof *t->moves)) return error_out_of_memory(err, sizeof *t->moves);
    uint8_t *to = mem_alloc(t->opt.account, new_row_key.len);
    TRY_MEM(to, err);
    memcpy(to, new_row_key.data, new_row_key.len);
    uint64_t from = rowlock_hash(database_oid(t->db), STORE_DATABASE, old_key);
    t->moves[t->nmoves++] = (MoveEntry){t->ov.next_seq, from, (uint32_t)new_row_key.len, to};
    return ST_OK;
}

/* ---- Savepoints. */

STATUS txn_savepoint(Txn *t, int *level, Error *err)
{
    if (!grow(&t->savepoints, &t->savepoint_cap, t->nsavepoints + 1, sizeof *t->savepoints))
        return error_out_of_memory(err, sizeof *t->savepoints);
    t->savepoints[t->nsavepoints++] = (Savepoint){
        .seq = t->ov.next_seq, .mark = arena_mark(&t->ov.arena), .clears = t->clears, .row_serial = t->owner->row_serial,
        .heavy_mark = lock_savepoint(t->owner), .ndrops = t->ndrops, .nevents = t->nevents, .nmoves = t->nmoves};
    *level = t->nsavepoints;
    return ST_OK;
}

static void drop_moves(Txn *t, int keep)
{
    while (t->nmoves > keep) {
        MoveEntry *m = &t->moves[--t->nmoves];
        mem_free(t->opt.account, m->to, m->len);
    }
}

STATUS txn_rollback_to(Txn *t, int level, Error *err)
{
    assert(level >= 1 && level <= t->nsavepoints);
    Savepoint *sp = &t->savepoints[level - 1];
    Status st = ST_OK;
    for (int i = 0; i < t->nevents; i++) /* all of them: each knows by the level what to undo */
        st = first_error(st, t->events[i].fn(t->events[i].arg, t, TXN_ROLLED_BACK_TO, level, err));
    t->nsavepoints = level;
    if (t->spill) st = first_error(st, spill_rollback_to(t, sp->seq, err));
    overlay_undo(&t->ov, sp->seq, sp->clears == t->clears ? &sp->mark : NULL);
    t->own_epoch++;
    t->ndrops = sp->ndrops;
    t->nevents = sp->nevents;
    drop_moves(t, sp->nmoves);
    rowlock_rollback_to(t->owner, sp->row_serial);
    lock_rollback_to(t->owner, sp->heavy_mark);
    return st;
}

void txn_release_savepoint(Txn *t, int level)
{
    if (level < 1 || level > t->nsavepoints) return;
    for (int i = 0; i < t->nevents; i++) (void)t->events[i].fn(t->events[i].arg, t, TXN_RELEASED, level, NULL);
    t->nsavepoints = level - 1;
    if (!t->nsavepoints) lock_journal_stop(t->owner);
}

int txn_savepoint_level(const Txn *t) { return t->nsavepoints; }
