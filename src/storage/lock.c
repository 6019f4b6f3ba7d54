/* Heavy locks: relations, databases, objects, advisory keys, transactions. Lock owners.
 *
 * Weak relation locks (the three that every statement takes) go into the session's own slots, guarded by the session's own
 * mutex, as long as nobody holds or wants a strong lock on a relation of the same hash bucket (manager.strong). Who takes a strong
 * one raises that count first and then moves the others' slots into the shared table: one of the two sees the other.
 *
 * A HeavyHolder is one owner's share in one lock; it exists (with held == 0) while its owner waits, so that granting allocates
 * nothing. Only the owner's thread removes holders; others add them (moving slots) under the owner's fast_mutex. */
#include "storage/lock_internal.h"

#include <assert.h>
#include <stdlib.h>

#define M(mode) (1u << (mode))
const uint16_t lock_conflicts[LOCK_MODES] = {
    [LOCK_ACCESS_SHARE] = M(LOCK_ACCESS_EXCLUSIVE),
    [LOCK_ROW_SHARE] = M(LOCK_EXCLUSIVE) | M(LOCK_ACCESS_EXCLUSIVE),
    [LOCK_ROW_EXCLUSIVE] = M(LOCK_SHARE) | M(LOCK_SHARE_ROW_EXCLUSIVE) | M(LOCK_EXCLUSIVE) | M(LOCK_ACCESS_EXCLUSIVE),
    [LOCK_SHARE_UPDATE_EXCLUSIVE] = M(LOCK_SHARE_UPDATE_EXCLUSIVE) | M(LOCK_SHARE) | M(LOCK_SHARE_ROW_EXCLUSIVE) |
                                    M(LOCK_EXCLUSIVE) | M(LOCK_ACCESS_EXCLUSIVE),
    [LOCK_SHARE] = M(LOCK_ROW_EXCLUSIVE) | M(LOCK_SHARE_UPDATE_EXCLUSIVE) | M(LOCK_SHARE_ROW_EXCLUSIVE) | M(LOCK_EXCLUSIVE) |
                   M(LOCK_ACCESS_EXCLUSIVE),
    [LOCK_SHARE_ROW_EXCLUSIVE] = M(LOCK_ROW_EXCLUSIVE) | M(LOCK_SHARE_UPDATE_EXCLUSIVE) | M(LOCK_SHARE) |
                                 M(LOCK_SHARE_ROW_EXCLUSIVE) | M(LOCK_EXCLUSIVE) | M(LOCK_ACCESS_EXCLUSIVE),
    [LOCK_EXCLUSIVE] = M(LOCK_ROW_SHARE) | M(LOCK_ROW_EXCLUSIVE) | M(LOCK_SHARE_UPDATE_EXCLUSIVE) | M(LOCK_SHARE) |
                       M(LOCK_SHARE_ROW_EXCLUSIVE) | M(LOCK_EXCLUSIVE) | M(LOCK_ACCESS_EXCLUSIVE),
    [LOCK_ACCESS_EXCLUSIVE] = 0x1fe,
};

const char *lock_mode_name(LockMode mode)
{
    static const char *const names[LOCK_MODES] = {
        "INVALID", "AccessShareLock", "RowShareLock", "RowExclusiveLock", "ShareUpdateExclusiveLock",
        "ShareLock", "ShareRowExclusiveLock", "ExclusiveLock", "AccessExclusiveLock"};
    return names[mode];
}

static bool tag_equal(const LockTag *a, const LockTag *b)
{
    return a->a == b->a && a->b == b->b && a->database == b->database && a->kind == b->kind && a->sub == b->sub;
}

static uint32_t tag_hash(const LockTag *t)
{
    uint64_t x = ((uint64_t)t->a << 32 | t->b) ^ ((uint64_t)t->database << 20) ^ ((uint64_t)t->kind << 58) ^ ((uint64_t)t->sub << 50);
    x ^= x >> 31;
    x *= 0x9e3779b97f4a7c15ull;
    return (uint32_t)(x >> 32);
}

HeavyShard *heavy_shard(LockManager *m, const LockTag *tag) { return &m->heavy[tag_hash(tag) % HEAVY_SHARDS]; }
static _Atomic uint32_t *strong_count(LockManager *m, const LockTag *tag) { return &m->strong[tag_hash(tag) % STRONG_BUCKETS]; }
static bool mode_is_strong(const LockTag *tag, LockMode mode) { return tag->kind == LOCKTAG_RELATION && mode > LOCK_SHARE_UPDATE_EXCLUSIVE; }

/* ---- Manager and owners. */

static void manager_free(void *p)
{
    LockManager *m = p;
    assert(!m->owners);
    for (int i = 0; i < HEAVY_SHARDS; i++) mutex_destroy(&m->heavy[i].mutex);
    rowlock_shards_destroy(m);
    mutex_destroy(&m->owners_mutex);
    mutex_destroy(&m->detector_mutex);
    mem_release(m->account.parent, sizeof *m);
    free(m);
}

LockManager *lock_manager_get(Cluster *cluster, Error *err)
{
    LockManager *m = atomic_load(&cluster->lock_manager);
    if (m) return m;
    mutex_lock(&cluster->mutex);
    m = atomic_load(&cluster->lock_manager);
    if (!m && (m = mem_alloc(&cluster->account, sizeof *m)) != NULL) {
        memset(m, 0, sizeof *m);
        m->cluster = cluster;
        mem_account_init(&m->account, &cluster->account, "locks", 0);
        mutex_init(&m->owners_mutex);
        mutex_init(&m->detector_mutex);
        for (int i = 0; i < HEAVY_SHARDS; i++) mutex_init(&m->heavy[i].mutex);
        rowlock_shards_init(m);
        cluster->lock_manager_free = manager_free;
        atomic_store(&cluster->lock_manager, m);
    }
    mutex_unlock(&cluster->mutex);
    if (!m) (void)error_out_of_memory(err, sizeof *m);
    return m;
}

STATUS lock_owner_new(Cluster *cluster, int pid, Interrupt *interrupt, LockOwner **out, Error *err)
{
    LockManager *m = lock_manager_get(cluster, err);
    if (!m) return ST_FAILED;
    LockOwner *o = mem_alloc(&m->account, sizeof *o);
    TRY_MEM(o, err);
    memset(o, 0, sizeof *o);
    o->manager = m;
    o->cluster = cluster;
    o->pid = pid;
    o->interrupt = interrupt;
    o->deadlock_timeout_ms = 1000;
    o->row_account = &m->account;
    mutex_init(&o->fast_mutex);
    mutex_init(&o->wait_mutex);
    cond_init(&o->wait_cond);
    mutex_lock(&m->owners_mutex);
    o->next = m->owners;
    m->owners = o;
    mutex_unlock(&m->owners_mutex);
    *out = o;
    return ST_OK;
}

void lock_owner_set_timeouts(LockOwner *o, int64_t lock_timeout_ms, int64_t deadlock_timeout_ms)
{
    o->lock_timeout_ms = lock_timeout_ms;
    o->deadlock_timeout_ms = deadlock_timeout_ms > 0 ? deadlock_timeout_ms : 1000;
}

static HeavyHolder *first_session_holder(LockOwner *o);
static void holder_release(LockOwner *o, HeavyHolder *h, bool txn, bool session);

void lock_owner_free(LockOwner *o)
{
    if (!o) return;
    LockManager *m = o->manager;
    if (o->spare) o->spare_free(o->spare);
    rowlock_release_all(o);
    rowlock_set_account(o, NULL);
    lock_release_txn(o);
    for (HeavyHolder *h; (h = first_session_holder(o)) != NULL;) holder_release(o, h, true, true);
    mutex_lock(&m->owners_mutex);
    for (LockOwner **p = &m->owners; *p; p = &(*p)->next) {
        if (*p != o) continue;
        *p = o->next;
        break;
    }
    mutex_unlock(&m->owners_mutex);
    mem_free(&m->account, o->journal, sizeof *o->journal * (size_t)o->journal_cap);
    mutex_destroy(&o->fast_mutex);
    mutex_destroy(&o->wait_mutex);
    cond_destroy(&o->wait_cond);
    mem_free(&m->account, o, sizeof *o);
}

/* ---- The shared table. Callers hold the shard's mutex. */

static HeavyLock **lock_place(LockManager *m, const LockTag *tag)
{
    HeavyShard *s = heavy_shard(m, tag);
    HeavyLock **p = &s->chain[tag_hash(tag) / HEAVY_SHARDS % 64];
    while (*p && !tag_equal(&(*p)->tag, tag)) p = &(*p)->next;
    return p;
}

static HeavyHolder *find_holder(const HeavyLock *lock, const LockOwner *o)
{
    HeavyHolder *h = lock->holders;
    while (h && h->owner != o) h = h->next;
    return h;
}

/* The owner's share in the lock, both made if need be. NULL: out of memory. fast_held: the caller holds o->fast_mutex. */
static HeavyHolder *get_holder(LockManager *m, LockOwner *o, const LockTag *tag, bool fast_held)
{
    HeavyLock **place = lock_place(m, tag), *lock = *place;
    HeavyHolder *h = lock ? find_holder(lock, o) : NULL;
    if (h) return h;
    if (!(h = mem_alloc(&m->account, sizeof *h))) return NULL;
    memset(h, 0, sizeof *h);
    if (!lock) {
        if (!(lock = mem_alloc(&m->account, sizeof *lock))) {
            mem_free(&m->account, h, sizeof *h);
            return NULL;
        }
        *lock = (HeavyLock){.tag = *tag};
        *place = lock;
    }
    h->lock = lock;
    h->owner = o;
    h->next = lock->holders;
    lock->holders = h;
    if (!fast_held) mutex_lock(&o->fast_mutex);
    h->owner_next = o->heavy;
    if (o->heavy) o->heavy->owner_prev = h;
    o->heavy = h;
    if (!fast_held) mutex_unlock(&o->fast_mutex);
    return h;
}

/* Frees the holder if it holds nothing, and the lock if nobody has a share in it. Own thread. */
static void tidy_holder(LockManager *m, HeavyHolder *h)
{
    HeavyLock *lock = h->lock;
    LockOwner *o = h->owner;
    if (h->held) return;
    for (HeavyHolder **p = &lock->holders; *p; p = &(*p)->next) {
        if (*p != h) continue;
        *p = h->next;
        break;
    }
    mutex_lock(&o->fast_mutex);
    if (h->owner_next) h->owner_next->owner_prev = h->owner_prev;
    if (h->owner_prev) h->owner_prev->owner_next = h->owner_next;
    else o->heavy = h->owner_next;
    mutex_unlock(&o->fast_mutex);
    mem_free(&m->account, h, sizeof *h);
    if (lock->holders || lock->queue.head) return;
    HeavyLock **place = lock_place(m, &lock->tag);
    *place = lock->next;
    mem_free(&m->account, lock, sizeof *lock);
}

bool heavy_conflicts_with_holders(const HeavyLock *lock, const LockOwner *o, LockMode mode)
{
    for (const HeavyHolder *h = lock->holders; h; h = h->next)
        if (h->owner != o && (h->held & lock_conflicts[mode])) return true;
    return false;
}

void heavy_grant(LockOwner *w)
{
    HeavyHolder *h = w->wait_holder;
    h->held |= M(w->wait_mode);
    wait_queue_remove(&h->lock->queue, w);
    w->wait_granted = true;
    lock_wake(w);
}

void heavy_grant_waiters(HeavyLock *lock)
{
    uint32_t ahead = 0;
    for (LockOwner *w = lock->queue.head, *next; w; w = next) {
        next = w->wait_next;
        if (!(ahead & lock_conflicts[w->wait_mode]) && !heavy_conflicts_with_holders(lock, w, (LockMode)w->wait_mode)) heavy_grant(w);
        else ahead |= M(w->wait_mode);
    }
}

/* Where the request belongs in the queue: before the first waiter that waits for what the owner holds already. *must_wait: a
 * holder or somebody who is then ahead conflicts. */
static LockOwner *queue_position(const HeavyLock *lock, const HeavyHolder *mine, LockMode mode, bool *must_wait)
{
    uint32_t ahead = 0;
    LockOwner *w = lock->queue.head;
    for (; w; w = w->wait_next) {
        if (mine->held & lock_conflicts[w->wait_mode]) break;
        ahead |= M(w->wait_mode);
    }
    *must_wait = (ahead & lock_conflicts[mode]) || heavy_conflicts_with_holders(lock, mine->owner, mode);
    return w;
}

/* Moves every session's slot for tag into the shared table. Caller holds the shard and has raised strong. */
static STATUS transfer_fast(LockManager *m, const LockTag *tag, Error *err)
{
    bool oom = false;
    mutex_lock(&m->owners_mutex);
    for (LockOwner *o = m->owners; o && !oom; o = o->next) {
        mutex_lock(&o->fast_mutex);
        for (int i = 0; i < o->nfast; i++) {
            FastSlot *s = &o->fast[i];
            if (!tag_equal(&s->tag, tag)) continue;
            HeavyHolder *h = get_holder(m, o, tag, true);
            if (!h) {
                oom = true;
                break;
            }
            for (int mode = 1; mode <= 3; mode++) {
                h->txn_count[mode] += s->count[mode];
                if (s->count[mode]) h->held |= M(mode);
            }
            *s = o->fast[--o->nfast];
            break;
        }
        mutex_unlock(&o->fast_mutex);
    }
    mutex_unlock(&m->owners_mutex);
    return oom ? error_out_of_memory(err, sizeof(HeavyHolder)) : ST_OK;
}

/* ---- Acquiring. */

static STATUS journal_add(LockOwner *o, const LockTag *tag, LockMode mode, Error *err)
{
    if (!o->journaling) return ST_OK;
    if (o->njournal == o->journal_cap) {
        int cap = o->journal_cap ? o->journal_cap * 2 : 16;
        HeavyJournal *j = mem_realloc(&o->manager->account, o->journal, sizeof *j * (size_t)o->journal_cap, sizeof *j * (size_t)cap);
        TRY_MEM(j, err);
        o->journal = j;
        o->journal_cap = cap;
    }
    o->journal[o->njournal++] = (HeavyJournal){*tag, mode};
    return ST_OK;
}

/* True: taken (or counted) in the session's own slots. */
static bool acquire_fast(LockOwner *o, const LockTag *tag, LockMode mode, bool *first)
{
    bool done = false;
    mutex_lock(&o->fast_mutex);
    FastSlot *s = o->fast, *end = o->fast + o->nfast;
    while (s < end && !tag_equal(&s->tag, tag)) s++;
    if (s < end && s->count[mode]) {
        s->count[mode]++;
        *first = false;
        done = true;
    } else if (atomic_load(strong_count(o->manager, tag)) == 0 && (s < end || o->nfast < FAST_SLOTS)) {
        if (s == end) {
            *s = (FastSlot){.tag = *tag};
            o->nfast++;
        }
        s->count[mode] = 1;
        *first = done = true;
    }
    mutex_unlock(&o->fast_mutex);
    return done;
}

static Status not_available(const LockTag *tag, const char *name, Error *err)
{
    if (tag->kind == LOCKTAG_RELATION && name)
        return error_set(err, ERR_LOCK_NOT_AVAILABLE, "could not obtain lock on relation \"%s\"", name);
    if (tag->kind == LOCKTAG_RELATION)
        return error_set(err, ERR_LOCK_NOT_AVAILABLE, "could not obtain lock on relation with OID %u", tag->b);
    return error_set(err, ERR_LOCK_NOT_AVAILABLE, "could not obtain lock");
}

/* Adds one to the count of a mode that h->held has, or makes it the first. */
static void count_mode(HeavyHolder *h, LockMode mode, bool session_scope)
{
    h->held |= M(mode);
    (session_scope ? h->session_count : h->txn_count)[mode]++;
}

static STATUS acquire_shared(LockOwner *o, const LockTag *tag, LockMode mode, LockWait wait, bool session_scope, const char *name,
                             bool *granted, bool *first, Error *err)
{
    LockManager *m = o->manager;
    HeavyShard *shard = heavy_shard(m, tag);
    bool strong = mode_is_strong(tag, mode), must_wait = false, keep_strong = false;
    Status st = ST_OK;

    if (strong) atomic_fetch_add(strong_count(m, tag), 1);
    mutex_lock(&shard->mutex);
    HeavyHolder *h = NULL;
    if (strong) TRY_GOTO(st, transfer_fast(m, tag, err), done);
    if (!(h = get_holder(m, o, tag, false))) {
        st = error_out_of_memory(err, sizeof *h);
        goto done;
    }
    *first = !h->txn_count[mode];
    if (h->held & M(mode)) goto got;
    LockOwner *before = queue_position(h->lock, h, mode, &must_wait);
    if (must_wait && wait == LOCK_SKIP) goto done;
    if (must_wait && wait == LOCK_NOWAIT) {
        st = not_available(tag, name, err);
        goto done;
    }
    if (must_wait) {
        o->wait_kind = WAIT_HEAVY;
        o->wait_lock = h->lock;
        o->wait_mode = mode;
        o->wait_holder = h;
        wait_queue_insert(&h->lock->queue, before, o);
        st = lock_wait(o, &shard->mutex, err);
        if (failed(st)) {
            heavy_grant_waiters(h->lock);
            goto done;
        }
    }
got:
    keep_strong = h->txn_count[mode] + h->session_count[mode] == 0; /* counted once for each owner and mode */
    count_mode(h, mode, session_scope);
    *granted = true;
done:
    if (h) tidy_holder(m, h);
    mutex_unlock(&shard->mutex);
    if (strong && !keep_strong) atomic_fetch_sub(strong_count(m, tag), 1);
    return st;
}

STATUS lock_acquire(LockOwner *o, LockTag tag, LockMode mode, LockWait wait, bool session_scope, const char *name, bool *granted,
                    Error *err)
{
    bool got = false, first = true;
    assert(mode > LOCK_NONE && mode <= LOCK_ACCESS_EXCLUSIVE);
    if (tag.kind == LOCKTAG_RELATION && mode <= LOCK_ROW_EXCLUSIVE && !session_scope) got = acquire_fast(o, &tag, mode, &first);
    if (!got) TRY(acquire_shared(o, &tag, mode, wait, session_scope, name, &got, &first, err));
    if (granted) *granted = got;
    if (!got || session_scope || !first) return ST_OK;
    Status st = journal_add(o, &tag, mode, err);
    if (failed(st)) lock_release(o, tag, mode, false);
    return st;
}

/* ---- Releasing. */

/* Drops the holder's modes whose counts are gone, wakes who can go on. Caller holds the shard; the holder may be freed. */
static void settle_holder(LockManager *m, HeavyHolder *h)
{
    for (int mode = 1; mode < LOCK_MODES; mode++) {
        if (!(h->held & M(mode)) || h->txn_count[mode] || h->session_count[mode]) continue;
        h->held &= ~M(mode);
        if (mode_is_strong(&h->lock->tag, (LockMode)mode)) atomic_fetch_sub(strong_count(m, &h->lock->tag), 1);
    }
    if (h->lock->queue.head) heavy_grant_waiters(h->lock);
    tidy_holder(m, h);
}

static void holder_release(LockOwner *o, HeavyHolder *h, bool txn, bool session)
{
    HeavyShard *shard = heavy_shard(o->manager, &h->lock->tag);
    mutex_lock(&shard->mutex);
    if (txn) memset(h->txn_count, 0, sizeof h->txn_count);
    if (session) memset(h->session_count, 0, sizeof h->session_count);
    settle_holder(o->manager, h);
    mutex_unlock(&shard->mutex);
}

static HeavyHolder *first_session_holder(LockOwner *o)
{
    mutex_lock(&o->fast_mutex);
    HeavyHolder *h = o->heavy;
    mutex_unlock(&o->fast_mutex);
    return h;
}

static bool holder_has(const uint32_t *counts)
{
    for (int mode = 1; mode < LOCK_MODES; mode++)
        if (counts[mode]) return true;
    return false;
}

void lock_release_txn(LockOwner *o)
{
    o->njournal = 0;
    o->journaling = false;
    mutex_lock(&o->fast_mutex);
    o->nfast = 0;
    HeavyHolder *h = o->heavy;
    mutex_unlock(&o->fast_mutex);
    /* Others add holders only from slots, and there are none any more; so the list is ours alone now. */
    for (HeavyHolder *next; h; h = next) {
        next = h->owner_next;
        if (holder_has(h->txn_count)) holder_release(o, h, true, false);
    }
}

static bool release_fast(LockOwner *o, const LockTag *tag, LockMode mode, bool all)
{
    bool done = false;
    mutex_lock(&o->fast_mutex);
    for (int i = 0; i < o->nfast && !done; i++) {
        FastSlot *s = &o->fast[i];
        if (!tag_equal(&s->tag, tag) || !s->count[mode]) continue;
        s->count[mode] = all ? 0 : s->count[mode] - 1;
        if (!s->count[1] && !s->count[2] && !s->count[3]) *s = o->fast[--o->nfast];
        done = true;
    }
    mutex_unlock(&o->fast_mutex);
    return done;
}

static bool release_mode(LockOwner *o, const LockTag *tag, LockMode mode, bool session_scope, bool all)
{
    if (tag->kind == LOCKTAG_RELATION && mode <= LOCK_ROW_EXCLUSIVE && !session_scope && release_fast(o, tag, mode, all)) return true;
    HeavyShard *shard = heavy_shard(o->manager, tag);
    mutex_lock(&shard->mutex);
    HeavyLock *lock = *lock_place(o->manager, tag);
    HeavyHolder *h = lock ? find_holder(lock, o) : NULL;
    uint32_t *counts = h ? (session_scope ? h->session_count : h->txn_count) : NULL;
    bool held = counts && counts[mode];
    if (held) {
        counts[mode] = all ? 0 : counts[mode] - 1;
        settle_holder(o->manager, h);
    }
    mutex_unlock(&shard->mutex);
    return held;
}

bool lock_release(LockOwner *o, LockTag tag, LockMode mode, bool session_scope)
{
    return release_mode(o, &tag, mode, session_scope, false);
}

void lock_release_session_advisory(LockOwner *o)
{
    HeavyHolder *h = first_session_holder(o);
    while (h) {
        /* Slots of ours may be moved into the list meanwhile, but only at its head; what follows h stays. */
        HeavyHolder *next = h->owner_next;
        if (h->lock->tag.kind == LOCKTAG_ADVISORY && holder_has(h->session_count)) holder_release(o, h, false, true);
        h = next;
    }
}

bool lock_held(LockOwner *o, LockTag tag, LockMode at_least)
{
    uint32_t wanted = 0x1ffu & ~(M(at_least) - 1), held = 0;
    mutex_lock(&o->fast_mutex);
    for (int i = 0; i < o->nfast; i++) {
        if (!tag_equal(&o->fast[i].tag, &tag)) continue;
        for (int mode = 1; mode <= 3; mode++) held |= o->fast[i].count[mode] ? M(mode) : 0;
    }
    mutex_unlock(&o->fast_mutex);
    if (held & wanted) return true;
    HeavyShard *shard = heavy_shard(o->manager, &tag);
    mutex_lock(&shard->mutex);
    HeavyLock *lock = *lock_place(o->manager, &tag);
    HeavyHolder *h = lock ? find_holder(lock, o) : NULL;
    if (h) held |= h->held;
    mutex_unlock(&shard->mutex);
    return (held & wanted) != 0;
}

/* ---- Savepoints. */

int lock_savepoint(LockOwner *o)
{
    o->journaling = true;
    return o->njournal;
}

void lock_rollback_to(LockOwner *o, int mark)
{
    while (o->njournal > mark) {
        HeavyJournal *j = &o->journal[--o->njournal];
        (void)release_mode(o, &j->tag, j->mode, false, true);
    }
}

void lock_journal_stop(LockOwner *o)
{
    o->journaling = false;
    o->njournal = 0;
}
