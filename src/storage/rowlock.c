/* Row locks: a hash table in shards, in memory only.
 *
 * A row is known by the 64-bit hash of its place and key. The first holder is embedded in the lock, so an uncontended lock is one
 * allocation and two short visits to one shard. Waiters queue first in, first out; who holds the row already and wants more goes
 * before them. A holder belongs to its owner's list, newest first, with a serial: a savepoint is a serial. The lists belong
 * to the owners' threads; a granter only fills in the strength of a holder that the waiter made before it slept.
 *
 * Memory is charged to the owner's account in KiB steps; 53200 when it is refused (txn.c coarsens long before). */
#include "storage/lock_internal.h"

#include <assert.h>
#include <stdlib.h>

#define S(strength) (1u << (strength))
const uint8_t row_conflicts[4] = {
    [ROW_KEY_SHARE] = S(ROW_UPDATE),
    [ROW_SHARE] = S(ROW_NO_KEY_UPDATE) | S(ROW_UPDATE),
    [ROW_NO_KEY_UPDATE] = S(ROW_SHARE) | S(ROW_NO_KEY_UPDATE) | S(ROW_UPDATE),
    [ROW_UPDATE] = 0xf,
};
enum { ROW_BUCKETS_MIN = 32 };

uint64_t rowlock_hash(Oid database, StorePlace place, Slice key)
{
    uint64_t where = place == STORE_GLOBAL ? 0x47ull << 32 : database;
    return hash_bytes(key.data, key.len) ^ (where * 0x9e3779b97f4a7c15ull);
}

void rowlock_shards_init(LockManager *m)
{
    for (int i = 0; i < ROW_SHARDS; i++) mutex_init(&m->rows[i].mutex);
}

void rowlock_shards_destroy(LockManager *m)
{
    for (int i = 0; i < ROW_SHARDS; i++) {
        assert(!m->rows[i].count);
        mem_free(&m->account, m->rows[i].chain, m->rows[i].buckets * sizeof(RowLock *));
        mutex_destroy(&m->rows[i].mutex);
    }
}

/* ---- The table. Callers hold the shard. */

static RowShard *shard_of(LockManager *m, uint64_t hash) { return &m->rows[hash % ROW_SHARDS]; }

static RowLock **chain_of(RowShard *s, uint64_t hash) { return &s->chain[hash / ROW_SHARDS & (s->buckets - 1)]; }

static RowLock *find_lock(RowShard *s, uint64_t hash)
{
    RowLock *l = s->buckets ? *chain_of(s, hash) : NULL;
    while (l && l->hash != hash) l = l->next;
    return l;
}

/* Keeps about one lock a bucket. A refused growth only makes chains longer, but there must be a first table. */
static bool resize(LockManager *m, RowShard *s, uint32_t buckets)
{
    RowLock **chain = mem_alloc(&m->account, buckets * sizeof *chain);
    if (!chain) return s->buckets > 0;
    memset(chain, 0, buckets * sizeof *chain);
    for (uint32_t i = 0; i < s->buckets; i++) {
        for (RowLock *l = s->chain[i], *next; l; l = next) {
            next = l->next;
            RowLock **to = &chain[l->hash / ROW_SHARDS & (buckets - 1)];
            l->next = *to;
            *to = l;
        }
    }
    mem_free(&m->account, s->chain, s->buckets * sizeof *chain);
    s->chain = chain;
    s->buckets = buckets;
    return true;
}

static RowLock *add_lock(LockManager *m, RowShard *s, uint64_t hash, uint32_t storage_id)
{
    if (s->count >= s->buckets && !resize(m, s, s->buckets ? s->buckets * 2 : ROW_BUCKETS_MIN)) return NULL;
    RowLock *l = malloc(sizeof *l);
    if (!l) return NULL;
    *l = (RowLock){.hash = hash, .storage_id = storage_id};
    RowLock **to = chain_of(s, hash);
    l->next = *to;
    *to = l;
    s->count++;
    return l;
}

static void tidy_lock(LockManager *m, RowShard *s, RowLock *l)
{
    if (l->holders || l->queue.head || l->first_used) return;
    RowLock **p = chain_of(s, l->hash);
    while (*p != l) p = &(*p)->next;
    *p = l->next;
    free(l);
    s->count--;
    if (s->count == 0 && s->buckets > 1024) (void)resize(m, s, ROW_BUCKETS_MIN);
}

static RowHolder *find_holder(const RowLock *l, const LockOwner *o)
{
    RowHolder *h = l->holders;
    while (h && h->owner != o) h = h->next;
    return h;
}

static RowHolder *add_holder(RowLock *l, LockOwner *o)
{
    RowHolder *h = l->first_used ? malloc(sizeof *h) : &l->first;
    if (!h) return NULL;
    if (h == &l->first) l->first_used = true;
    *h = (RowHolder){.next = l->holders, .lock = l, .owner = o, .strength = ROW_UNLOCKED};
    l->holders = h;
    return h;
}

/* Takes the holder out of the lock and frees both if nobody needs them. Its owner's list is the caller's affair. */
static void drop_holder(LockManager *m, RowShard *s, RowHolder *h)
{
    RowLock *l = h->lock;
    RowHolder **p = &l->holders;
    while (*p != h) p = &(*p)->next;
    *p = h->next;
    if (h == &l->first) l->first_used = false;
    else free(h);
    if (l->queue.head) row_grant_waiters(l);
    tidy_lock(m, s, l);
}

bool row_conflicts_with_holders(const RowLock *l, const LockOwner *o, RowLockStrength strength)
{
    for (const RowHolder *h = l->holders; h; h = h->next)
        if (h->owner != o && h->strength != ROW_UNLOCKED && (row_conflicts[strength] >> h->strength & 1)) return true;
    return false;
}

void row_grant(LockOwner *w)
{
    RowHolder *h = w->wait_holder;
    h->strength = (uint8_t)w->wait_mode;
    wait_queue_remove(&h->lock->queue, w);
    w->wait_granted = true;
    lock_wake(w);
}

void row_grant_waiters(RowLock *l)
{
    uint32_t ahead = 0;
    for (LockOwner *w = l->queue.head, *next; w; w = next) {
        next = w->wait_next;
        if (!(ahead & row_conflicts[w->wait_mode]) && !row_conflicts_with_holders(l, w, (RowLockStrength)w->wait_mode)) row_grant(w);
        else ahead |= S(w->wait_mode);
    }
}

/* ---- Accounting: by the owner's own thread. */

static bool charge(LockOwner *o)
{
    size_t bytes = sizeof(RowLock) + sizeof(RowLock *);
    if (o->row_bytes + bytes > o->row_charged) {
        if (!mem_charge(o->row_account, 4096)) return false;
        o->row_charged += 4096;
    }
    o->row_bytes += bytes;
    return true;
}

/* Up to a page stays charged between transactions, so that small ones touch no shared counter. */
static void uncharge(LockOwner *o)
{
    o->row_bytes -= sizeof(RowLock) + sizeof(RowLock *);
    if (o->row_charged <= 4096 || (o->rows && o->row_charged - o->row_bytes < 64 * 1024)) return;
    size_t keep = (o->row_bytes + 4095) & ~(size_t)4095;
    if (!keep) keep = 4096;
    mem_release(o->row_account, o->row_charged - keep);
    o->row_charged = keep;
}

void rowlock_set_account(LockOwner *o, MemAccount *account)
{
    if (account == o->row_account || o->row_bytes) return;
    mem_release(o->row_account, o->row_charged);
    o->row_charged = 0;
    o->row_account = account;
}

/* ---- Acquiring. */

/* In front of the waiters if the owner holds the row already, else at the end. */
static bool must_wait(const RowLock *l, const RowHolder *mine, RowLockStrength strength)
{
    uint32_t ahead = 0;
    if (mine->strength == ROW_UNLOCKED)
        for (const LockOwner *w = l->queue.head; w; w = w->wait_next) ahead |= S(w->wait_mode);
    return (ahead & row_conflicts[strength]) || row_conflicts_with_holders(l, mine->owner, strength);
}

static Status row_not_available(const char *name, Error *err)
{
    if (name) return error_set(err, ERR_LOCK_NOT_AVAILABLE, "could not obtain lock on row in relation \"%s\"", name);
    return error_set(err, ERR_LOCK_NOT_AVAILABLE, "could not obtain lock on row");
}

static STATUS note_upgrade(LockOwner *o, RowHolder *h, Error *err)
{
    if (!o->journaling) return ST_OK;
    RowUpgrade *u = mem_alloc(&o->manager->account, sizeof *u);
    TRY_MEM(u, err);
    *u = (RowUpgrade){o->upgrades, h, o->row_serial, h->strength};
    o->upgrades = u;
    return ST_OK;
}

static STATUS wait_for_row(LockOwner *o, RowShard *s, RowLock *l, RowHolder *h, RowLockStrength strength, Error *err)
{
    o->wait_kind = WAIT_ROW;
    o->wait_lock = l;
    o->wait_mode = strength;
    o->wait_holder = h;
    wait_queue_insert(&l->queue, h->strength == ROW_UNLOCKED ? NULL : l->queue.head, o);
    return lock_wait(o, &s->mutex, err);
}

STATUS rowlock_acquire(LockOwner *o, uint64_t hash, uint32_t storage_id, RowLockStrength strength, LockWait wait,
                       const char *relation_name, bool *granted, int *before, Error *err)
{
    LockManager *m = o->manager;
    RowShard *s = shard_of(m, hash);
    RowHolder *h = NULL;
    bool fresh = false;
    Status st = ST_OK;

    *granted = false;
    mutex_lock(&s->mutex);
    RowLock *l = find_lock(s, hash);
    if (!l && !(l = add_lock(m, s, hash, storage_id))) goto oom;
    if (!(h = find_holder(l, o))) {
        if (!charge(o)) goto oom;
        fresh = true;
        if (!(h = add_holder(l, o))) {
            uncharge(o);
            fresh = false;
            goto oom;
        }
    }
    *before = h->strength == ROW_UNLOCKED ? -1 : h->strength;
    if (*before >= (int)strength) {
        *granted = true;
        goto done;
    }
    if (must_wait(l, h, strength)) {
        if (wait == LOCK_SKIP) goto done;
        TRY_GOTO(st, wait == LOCK_NOWAIT ? row_not_available(relation_name, err) : ST_OK, done);
        if (!fresh) TRY_GOTO(st, note_upgrade(o, h, err), done);
        st = wait_for_row(o, s, l, h, strength, err);
        if (failed(st)) {
            row_grant_waiters(l);
            goto done;
        }
    } else {
        if (!fresh) TRY_GOTO(st, note_upgrade(o, h, err), done);
        h->strength = (uint8_t)strength;
    }
    *granted = true;
done:
    if (fresh && *granted) {
        h->serial = ++o->row_serial;
        h->owner_next = o->rows;
        o->rows = h;
    } else if (fresh) {
        drop_holder(m, s, h);
        uncharge(o);
    }
    mutex_unlock(&s->mutex);
    return st;
oom:
    if (l) tidy_lock(m, s, l);
    mutex_unlock(&s->mutex);
    return error_out_of_memory(err, sizeof *l);
}

bool rowlock_held(LockOwner *o, uint64_t hash, RowLockStrength at_least)
{
    RowShard *s = shard_of(o->manager, hash);
    mutex_lock(&s->mutex);
    RowLock *l = find_lock(s, hash);
    RowHolder *h = l ? find_holder(l, o) : NULL;
    bool held = h && h->strength != ROW_UNLOCKED && h->strength >= (int)at_least;
    mutex_unlock(&s->mutex);
    return held;
}

/* ---- Releasing. */

static void forget_upgrades(LockOwner *o, const RowHolder *h)
{
    for (RowUpgrade *u = o->upgrades; u; u = u->next)
        if (u->holder == h) u->holder = NULL;
}

static void release_holder(LockOwner *o, RowHolder *h)
{
    RowShard *s = shard_of(o->manager, h->lock->hash); /* the hash of a lock never changes and ours keeps it alive */
    mutex_lock(&s->mutex);
    drop_holder(o->manager, s, h);
    mutex_unlock(&s->mutex);
    uncharge(o);
}

static void free_upgrades(LockOwner *o, uint32_t serial, bool restore)
{
    while (o->upgrades && o->upgrades->serial >= serial) {
        RowUpgrade *u = o->upgrades;
        o->upgrades = u->next;
        if (restore && u->holder) {
            RowShard *s = shard_of(o->manager, u->holder->lock->hash);
            mutex_lock(&s->mutex);
            u->holder->strength = u->old_strength;
            row_grant_waiters(u->holder->lock);
            mutex_unlock(&s->mutex);
        }
        mem_free(&o->manager->account, u, sizeof *u);
    }
}

void rowlock_release_all(LockOwner *o)
{
    free_upgrades(o, 0, false);
    while (o->rows) {
        RowHolder *h = o->rows;
        o->rows = h->owner_next;
        release_holder(o, h);
    }
    o->row_serial = 0;
}

void rowlock_rollback_to(LockOwner *o, uint32_t serial)
{
    free_upgrades(o, serial, true);
    while (o->rows && o->rows->serial > serial) {
        RowHolder *h = o->rows;
        o->rows = h->owner_next;
        release_holder(o, h);
    }
}

void rowlock_restore(LockOwner *o, uint64_t hash, int before)
{
    RowShard *s = shard_of(o->manager, hash);
    if (before < 0) { /* just made: the newest of the list */
        RowHolder *h = o->rows;
        assert(h && h->lock->hash == hash);
        o->rows = h->owner_next;
        release_holder(o, h);
        return;
    }
    mutex_lock(&s->mutex);
    RowLock *l = find_lock(s, hash);
    RowHolder *h = l ? find_holder(l, o) : NULL;
    if (h && h->strength > before) {
        h->strength = (uint8_t)before;
        row_grant_waiters(l);
    }
    mutex_unlock(&s->mutex);
}

void rowlock_mark(LockOwner *o, uint64_t hash, uint32_t after_serial)
{
    RowShard *s = shard_of(o->manager, hash);
    mutex_lock(&s->mutex);
    RowLock *l = find_lock(s, hash);
    RowHolder *h = l ? find_holder(l, o) : NULL;
    if (h && h->serial > after_serial) h->forget = true;
    mutex_unlock(&s->mutex);
}

void rowlock_mark_storage(LockOwner *o, uint32_t storage_id, RowLockStrength up_to)
{
    for (RowHolder *h = o->rows; h; h = h->owner_next)
        if (h->lock->storage_id == storage_id && h->strength <= (int)up_to) h->forget = true;
}

void rowlock_sweep(LockOwner *o)
{
    for (RowHolder **p = &o->rows; *p;) {
        RowHolder *h = *p;
        if (!h->forget) {
            p = &h->owner_next;
            continue;
        }
        *p = h->owner_next;
        if (o->upgrades) forget_upgrades(o, h);
        release_holder(o, h);
    }
}

bool rowlock_find_conflict(LockOwner *o, uint32_t storage_id, RowLockStrength strength, uint64_t *hash)
{
    LockManager *m = o->manager;
    bool found = false;
    for (int i = 0; i < ROW_SHARDS && !found; i++) {
        RowShard *s = &m->rows[i];
        mutex_lock(&s->mutex);
        for (uint32_t b = 0; b < s->buckets && !found; b++)
            for (RowLock *l = s->chain[b]; l && !found; l = l->next)
                if (l->storage_id == storage_id && row_conflicts_with_holders(l, o, strength)) {
                    found = true;
                    *hash = l->hash;
                }
        mutex_unlock(&s->mutex);
    }
    return found;
}
