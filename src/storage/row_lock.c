/* Row locks of transactions: rowlock.c's table plus the locks that are in no table (spilled rows, coarse locks), and row_lock, which
 * says whether the row is still the one that the caller saw. */
#include "storage/row_codec.h"
#include "storage/spill.h"

#include <assert.h>

/* ---- Implicit locks. */

STATUS txn_become_implicit(Txn *t, Error *err)
{
    TxnState *s = t->state;
    uint64_t xid;
    bool granted;
    if (t->is_implicit) return ST_OK;
    TRY(txn_need_xid(t, &xid, err));
    TRY(lock_acquire(t->owner, lock_tag_transaction(database_oid(t->db), xid), LOCK_EXCLUSIVE, LOCK_WAIT, true, NULL, &granted, err));
    t->implicit = (Implicit){.txn = t, .xid = xid};
    mutex_lock(&s->implicit_mutex);
    t->implicit.next = s->implicit;
    s->implicit = &t->implicit;
    atomic_fetch_add(&s->implicit_count, 1);
    mutex_unlock(&s->implicit_mutex);
    t->is_implicit = true;
    return ST_OK;
}

/* Off the list first: who is woken by the lock's release must not find us again. */
void txn_leave_implicit(Txn *t)
{
    TxnState *s = t->state;
    if (!t->is_implicit) return;
    mutex_lock(&s->implicit_mutex);
    Implicit **p = &s->implicit;
    while (*p != &t->implicit) p = &(*p)->next;
    *p = t->implicit.next;
    atomic_fetch_sub(&s->implicit_count, 1);
    mutex_unlock(&s->implicit_mutex);
    t->is_implicit = false;
    (void)lock_release(t->owner, lock_tag_transaction(database_oid(t->db), t->implicit.xid), LOCK_EXCLUSIVE, true);
}

static bool coarse_blocks(const Implicit *im, StorePlace place, uint32_t storage_id, RowLockStrength strength)
{
    for (int i = 0; i < im->ncoarse; i++) {
        const CoarseLock *c = &im->coarse[i];
        if (c->place == place && c->storage_id == storage_id && (row_conflicts[strength] >> c->strength & 1)) return true;
    }
    return false;
}

/* The transaction that keeps us from the row without having a lock in the table; 0: none. */
static uint64_t implicit_blocker(Txn *t, StorePlace place, Slice key, RowLockStrength strength)
{
    TxnState *s = t->state;
    uint64_t xid = 0;
    if (likely(atomic_load(&s->implicit_count) == (t->is_implicit ? 1 : 0))) return 0;
    mutex_lock(&s->implicit_mutex);
    for (Implicit *im = s->implicit; im && !xid; im = im->next) {
        if (im == &t->implicit) continue;
        if (coarse_blocks(im, place, key_storage_id(key), strength) || (im->txn->spill && spill_holds(im->txn->spill, place, key, strength)))
            xid = im->xid;
    }
    mutex_unlock(&s->implicit_mutex);
    return xid;
}

static STATUS wait_for_transaction(Txn *t, uint64_t xid, Error *err)
{
    LockTag tag = lock_tag_transaction(database_oid(t->db), xid);
    bool granted;
    TRY(lock_acquire(t->owner, tag, LOCK_SHARE, LOCK_WAIT, true, NULL, &granted, err));
    (void)lock_release(t->owner, tag, LOCK_SHARE, true);
    return ST_OK;
}

/* ---- Coarsening. */

typedef struct Tally { uint32_t storage_id; int n; RowLockStrength strength; } Tally;

/* The storage id with most of the owner's row locks, and the strongest of those. */
static Tally busiest_storage(const LockOwner *o)
{
    Tally tally[COARSE_MAX] = {{0}}, best = {0};
    int n = 0;
    for (const RowHolder *h = o->rows; h; h = h->owner_next) {
        int i = 0;
        while (i < n && tally[i].storage_id != h->lock->storage_id) i++;
        if (i == n && n == COARSE_MAX) continue;
        if (i == n) tally[n++] = (Tally){h->lock->storage_id, 0, ROW_KEY_SHARE};
        tally[i].n++;
        if (h->strength > (int)tally[i].strength) tally[i].strength = (RowLockStrength)h->strength;
    }
    for (int i = 0; i < n; i++)
        if (tally[i].n > best.n) best = tally[i];
    return best;
}

static void add_coarse(Txn *t, StorePlace place, const Tally *b)
{
    mutex_lock(&t->state->implicit_mutex);
    CoarseLock *c = t->implicit.coarse, *end = c + t->implicit.ncoarse;
    while (c < end && (c->place != place || c->storage_id != b->storage_id)) c++;
    if (c == end) t->implicit.ncoarse++;
    if (c == end || c->strength < b->strength) *c = (CoarseLock){place, b->storage_id, b->strength};
    mutex_unlock(&t->state->implicit_mutex);
}

static bool own_coarse(const Txn *t, StorePlace place, uint32_t storage_id, RowLockStrength strength)
{
    for (int i = 0; i < t->implicit.ncoarse; i++) {
        const CoarseLock *c = &t->implicit.coarse[i];
        if (c->place == place && c->storage_id == storage_id && c->strength >= strength) return true;
    }
    return false;
}

/* One lock on the whole relation instead of many on rows: announce it, wait for whoever holds a conflicting row, drop ours. */
static STATUS coarsen(Txn *t, StorePlace place, Error *err)
{
    Tally b = busiest_storage(t->owner);
    uint64_t hash;
    if (!b.n || t->implicit.ncoarse == COARSE_MAX) return ST_OK;
    TRY(txn_become_implicit(t, err));
    add_coarse(t, place, &b);
    while (rowlock_find_conflict(t->owner, b.storage_id, b.strength, &hash)) {
        bool granted;
        int before;
        TRY(rowlock_acquire(t->owner, hash, b.storage_id, b.strength, LOCK_WAIT, NULL, &granted, &before, err));
    }
    rowlock_mark_storage(t->owner, b.storage_id, b.strength);
    rowlock_sweep(t->owner);
    return ST_OK;
}

/* Row locks are bounded by half of the transaction's buffer: first rows that can be looked up in scratch lose theirs, then relations
 * are coarsened, the busiest first. Global rows are few and never coarsened. */
static STATUS bound_locks(Txn *t, StorePlace place, Error *err)
{
    size_t limit = atomic_load_explicit(&t->state->buffer_bytes, memory_order_relaxed) / 2;
    if (likely(t->owner->row_bytes <= limit)) return ST_OK;
    if (!overlay_is_empty(&t->ov)) TRY(txn_spill(t, err));
    if (t->owner->row_bytes > limit / 2 && place == STORE_DATABASE) TRY(coarsen(t, place, err));
    return ST_OK;
}

/* The memory budget refused a lock: the same remedies before their time, then once more. */
static STATUS acquire_or_relieve(Txn *t, StorePlace place, uint64_t hash, uint32_t storage_id, RowLockStrength strength, LockWait wait,
                                 const char *relation_name, bool *granted, int *before, Error *err)
{
    Error first = ERROR_INIT;
    Status st = rowlock_acquire(t->owner, hash, storage_id, strength, wait, relation_name, granted, before, &first);
    if (likely(st == ST_OK)) return st;
    if (first.code != ERR_OUT_OF_MEMORY || !t->owner->rows) {
        if (err && !error_is_set(err)) error_move(err, &first);
        error_clear(&first);
        return st;
    }
    error_clear(&first);
    if (!overlay_is_empty(&t->ov)) TRY(txn_spill(t, err));
    else if (place == STORE_DATABASE) TRY(coarsen(t, place, err));
    return rowlock_acquire(t->owner, hash, storage_id, strength, wait, relation_name, granted, before, err);
}

/* ---- One key. */

STATUS txn_lock_key(Txn *t, StorePlace place, Slice key, RowLockStrength strength, LockWait wait, const char *relation_name,
                    bool *granted, Error *err)
{
    uint64_t xid, hash;
    int before;
    *granted = true;
    if (place == STORE_TEMP) return ST_OK;
    TRY(txn_need_xid(t, &xid, err));
    TRY(bound_locks(t, place, err));
    if (unlikely(t->implicit.ncoarse) && own_coarse(t, place, key_storage_id(key), strength)) return ST_OK;
    hash = rowlock_hash(database_oid(t->db), place, key);
    for (;;) {
        TRY(acquire_or_relieve(t, place, hash, key_storage_id(key), strength, wait, relation_name, granted, &before, err));
        if (!*granted) return ST_OK;
        uint64_t blocker = before >= (int)strength ? 0 : implicit_blocker(t, place, key, strength);
        if (likely(!blocker)) return ST_OK;
        rowlock_restore(t->owner, hash, before);
        *granted = false;
        if (wait == LOCK_SKIP) return ST_OK;
        if (wait == LOCK_NOWAIT)
            return relation_name ? error_set(err, ERR_LOCK_NOT_AVAILABLE, "could not obtain lock on row in relation \"%s\"", relation_name)
                                 : error_set(err, ERR_LOCK_NOT_AVAILABLE, "could not obtain lock on row");
        TRY(wait_for_transaction(t, blocker, err));
    }
}

uint64_t txn_read_at_or_after(const Txn *t, uint64_t hash) { return t->note_hash == hash && t->note_seq ? t->note_seq : t->read_floor; }

bool txn_maybe_changed(const Txn *t, StorePlace place, uint64_t hash)
{
    uint64_t since = txn_read_at_or_after(t, hash);
    return place != STORE_DATABASE || !since || atomic_load(&t->state->writes[hash % WRITE_BUCKETS]) > since;
}

/* ---- row_lock. */

typedef struct Lookup { /* what row_lock works with */
    Txn *t;
    const TableDef *table;
    Arena *arena;
    TupleSlot *newest;
} Lookup;

static Slice full_key(const TableDef *table, Slice row_key, Arena *arena)
{
    uint8_t *p = arena_alloc(arena, row_key.len + 4);
    if (!p) return slice_of(NULL, 0);
    key_put_u32(p, table->storage_id);
    memcpy(p + 4, row_key.data, row_key.len);
    return slice_of(p, row_key.len + 4);
}

static STATUS attach_newest(const Lookup *l, Slice key, Slice value, Error *err)
{
    RowCodec *codec;
    if (!l->newest) return ST_OK;
    TRY(row_codec_table(l->arena, l->table, &codec, err));
    return row_attach(l->newest, codec, slice_of(key.data + 4, key.len - 4), value, err);
}

static Status serialization_failure(const char *what, Error *err)
{
    return error_set(err, ERR_T_R_SERIALIZATION_FAILURE, "could not serialize access due to concurrent %s", what);
}

static bool repeatable(const Txn *t) { return t->opt.isolation >= ISO_REPEATABLE_READ; }

/* The row is gone from its key: was it deleted, or did it move? Follows notes until a row that is there; each key is locked. */
static STATUS follow_moves(const Lookup *l, Slice key, RowLockStrength strength, LockWait wait, RowLockOutcome *outcome, Error *err)
{
    Txn *t = l->t;
    *outcome = ROWLOCK_DELETED;
    for (;;) {
        uint64_t hash = rowlock_hash(database_oid(t->db), l->table->place, key);
        Slice row_key, value;
        bool found, lost, granted, own;
        TRY(moves_find(t->state, hash, txn_read_at_or_after(t, hash), l->arena, &row_key, &found, &lost, err));
        if (lost) return serialization_failure("update", err);
        if (!found) return repeatable(t) ? serialization_failure("delete", err) : ST_OK;
        if (repeatable(t)) return serialization_failure("update", err);
        key = full_key(l->table, row_key, l->arena);
        TRY_MEM(key.data, err);
        TRY(txn_lock_key(t, l->table->place, key, strength, wait, l->table->name, &granted, err));
        if (!granted) {
            *outcome = ROWLOCK_BUSY;
            return ST_OK;
        }
        TRY(txn_get_own(t, l->table->place, key, UINT64_MAX, l->arena, &value, &own, &found, NULL, err));
        if (own) {
            *outcome = ROWLOCK_SELF;
            return ST_OK;
        }
        TRY(txn_get_store(t, NULL, l->table->place, key, l->arena, &value, &found, err));
        if (!found) continue;
        *outcome = ROWLOCK_UPDATED;
        return attach_newest(l, key, value, err);
    }
}

STATUS row_lock(Txn *t, const TableDef *table, const TupleSlot *seen, RowLockStrength strength, LockWait wait, TupleSlot *newest,
                Arena *arena, RowLockOutcome *outcome, Error *err)
{
    Lookup l = {t, table, arena, newest};
    Slice key = full_key(table, seen->key, arena), value;
    bool granted, own, found;
    TRY_MEM(key.data, err);
    TRY(txn_lock_key(t, table->place, key, strength, wait, table->name, &granted, err));
    *outcome = granted ? ROWLOCK_OK : ROWLOCK_BUSY;
    if (!granted) return ST_OK;
    if (txn_has_own(t)) {
        TRY(txn_get_own(t, table->place, key, UINT64_MAX, arena, &value, &own, &found, NULL, err));
        if (own) {
            if (!found || row_stamp(value) != seen->stamp) *outcome = ROWLOCK_SELF;
            return ST_OK;
        }
    }
    if (table->place == STORE_TEMP) return ST_OK;
    if (!txn_maybe_changed(t, table->place, rowlock_hash(database_oid(t->db), table->place, key))) return ST_OK;
    TRY(txn_get_store(t, NULL, table->place, key, arena, &value, &found, err));
    if (!found) return follow_moves(&l, key, strength, wait, outcome, err);
    if (row_stamp(value) == seen->stamp) return ST_OK;
    if (repeatable(t)) return serialization_failure("update", err);
    *outcome = ROWLOCK_UPDATED;
    return attach_newest(&l, key, value, err);
}
