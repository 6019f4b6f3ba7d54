/* Waiting for a lock, and deadlocks.
 *
 * A waiter stands in the lock's queue and sleeps on its own condition variable. After deadlock_timeout (and again later, at doubling
 * intervals) it takes every shard and follows who waits for whom. A cycle in which somebody waits only for its turn in a queue,
 * not for a holder, is solved by letting that one pass; any other ends the detecting waiter with 40P01. */
#include <stdio.h>

#include "common/metrics.h"
#include "storage/lock_internal.h"

void wait_queue_insert(WaitQueue *q, LockOwner *before, LockOwner *owner)
{
    LockOwner **p = &q->head;
    while (*p != before) p = &(*p)->wait_next;
    owner->wait_granted = false;
    owner->wait_next = before;
    *p = owner;
    if (!before) q->tail = owner;
}

void wait_queue_remove(WaitQueue *q, LockOwner *owner)
{
    LockOwner *prev = NULL;
    for (LockOwner **p = &q->head; *p; prev = *p, p = &(*p)->wait_next) {
        if (*p != owner) continue;
        *p = owner->wait_next;
        if (q->tail == owner) q->tail = prev;
        break;
    }
    owner->wait_kind = WAIT_NONE;
    owner->wait_next = NULL;
}

void lock_wake(LockOwner *o)
{
    mutex_lock(&o->wait_mutex);
    o->wait_signalled = true;
    cond_signal(&o->wait_cond);
    mutex_unlock(&o->wait_mutex);
}

static void wake_by_interrupt(void *arg) { lock_wake(arg); }

void lock_all_shards(LockManager *m)
{
    for (int i = 0; i < HEAVY_SHARDS; i++) mutex_lock(&m->heavy[i].mutex);
    for (int i = 0; i < ROW_SHARDS; i++) mutex_lock(&m->rows[i].mutex);
}

void unlock_all_shards(LockManager *m)
{
    for (int i = ROW_SHARDS - 1; i >= 0; i--) mutex_unlock(&m->rows[i].mutex);
    for (int i = HEAVY_SHARDS - 1; i >= 0; i--) mutex_unlock(&m->heavy[i].mutex);
}

static bool modes_conflict(const LockOwner *waiter, int other_mode)
{
    return waiter->wait_kind == WAIT_HEAVY ? (lock_conflicts[waiter->wait_mode] >> other_mode & 1)
                                           : (row_conflicts[waiter->wait_mode] >> other_mode & 1);
}

bool lock_each_blocker(LockOwner *w, bool (*fn)(void *arg, LockOwner *blocker, bool is_holder), void *arg)
{
    WaitQueue *q;
    if (w->wait_kind == WAIT_HEAVY) {
        HeavyLock *lock = w->wait_lock;
        for (HeavyHolder *h = lock->holders; h; h = h->next)
            if (h->owner != w && (h->held & lock_conflicts[w->wait_mode]) && !fn(arg, h->owner, true)) return false;
        q = &lock->queue;
    } else if (w->wait_kind == WAIT_ROW) {
        RowLock *lock = w->wait_lock;
        for (RowHolder *h = lock->holders; h; h = h->next)
            if (h->owner != w && h->strength != ROW_UNLOCKED && modes_conflict(w, h->strength) && !fn(arg, h->owner, true)) return false;
        q = &lock->queue;
    } else {
        return true;
    }
    for (LockOwner *ahead = q->head; ahead && ahead != w; ahead = ahead->wait_next)
        if (modes_conflict(w, ahead->wait_mode) && !fn(arg, ahead, false)) return false;
    return true;
}

/* ---- The detector. All shards held, detector_mutex too. */

enum { CYCLE_MAX = 256 };
typedef struct Detection {
    LockManager *manager;
    LockOwner *start, *at;
    LockOwner *path[CYCLE_MAX + 1]; /* path[i] waits for path[i + 1]; the last one waits for path[0] */
    int depth;
    bool found;
} Detection;

static bool visit_blocker(void *arg, LockOwner *blocker, bool is_holder)
{
    Detection *d = arg;
    (void)is_holder;
    if (blocker == d->start) {
        d->found = true;
        return false;
    }
    if (blocker->visit == d->manager->visit || blocker->wait_kind == WAIT_NONE || d->depth == CYCLE_MAX) return true;
    blocker->visit = d->manager->visit;
    d->path[d->depth++] = blocker;
    if (!lock_each_blocker(blocker, visit_blocker, d)) return false;
    d->depth--;
    return true;
}

static bool find_cycle(Detection *d)
{
    d->manager->visit++;
    d->start->visit = d->manager->visit;
    d->found = false;
    d->path[0] = d->start;
    d->depth = 1;
    (void)lock_each_blocker(d->start, visit_blocker, d);
    return d->found;
}

/* Somebody in the cycle who could have its lock but for its place in the queue. */
static LockOwner *soft_waiter(const Detection *d)
{
    for (int i = 0; i < d->depth; i++) {
        LockOwner *w = d->path[i];
        if (w->wait_kind == WAIT_HEAVY && !heavy_conflicts_with_holders(w->wait_lock, w, (LockMode)w->wait_mode)) return w;
        if (w->wait_kind == WAIT_ROW && !row_conflicts_with_holders(w->wait_lock, w, (RowLockStrength)w->wait_mode)) return w;
    }
    return NULL;
}

static void describe_wait(const LockOwner *w, const LockOwner *blocker, char *out, size_t bytes)
{
    if (w->wait_kind == WAIT_ROW) {
        uint64_t xid = atomic_load(&((LockOwner *)blocker)->xid);
        snprintf(out, bytes, "ShareLock on transaction %llu", (unsigned long long)xid);
        return;
    }
    const LockTag *t = &((const HeavyLock *)w->wait_lock)->tag;
    const char *mode = lock_mode_name((LockMode)w->wait_mode);
    switch (t->kind) {
    case LOCKTAG_RELATION: snprintf(out, bytes, "%s on relation %u of database %u", mode, t->b, t->database); break;
    case LOCKTAG_DATABASE: snprintf(out, bytes, "%s on object %u of class 1262 of database 0", mode, t->b); break;
    case LOCKTAG_OBJECT: snprintf(out, bytes, "%s on object %u of class %u of database %u", mode, t->b, t->a, t->database); break;
    case LOCKTAG_ADVISORY:
        snprintf(out, bytes, "%s on advisory lock [%u,%u,%u,%u]", mode, t->database, t->a, t->b, t->sub);
        break;
    case LOCKTAG_TRANSACTION:
        snprintf(out, bytes, "%s on transaction %llu", mode, (unsigned long long)((uint64_t)t->a << 32 | t->b));
        break;
    }
}

static Status deadlock_error(const Detection *d, Error *err)
{
    char detail[4096], what[128];
    size_t len = 0;
    for (int i = 0; i < d->depth && len < sizeof detail - 256; i++) {
        const LockOwner *w = d->path[i], *b = d->path[(i + 1) % d->depth];
        describe_wait(w, b, what, sizeof what);
        len += (size_t)snprintf(detail + len, sizeof detail - len, "%sProcess %d waits for %s; blocked by process %d.", len ? "\n" : "",
                                w->pid, what, b->pid);
    }
    metric_add(METRIC_deadlocks_total, 1);
    (void)error_set(err, ERR_T_R_DEADLOCK_DETECTED, "deadlock detected");
    (void)error_detail(err, "%s", detail);
    return error_hint(err, "See server log for query details.");
}

/* Leaves the queue; those behind may be able to go on. Caller holds the shard. */
static void give_up(LockOwner *o)
{
    if (o->wait_kind == WAIT_HEAVY) {
        HeavyLock *lock = o->wait_lock;
        wait_queue_remove(&lock->queue, o);
    } else if (o->wait_kind == WAIT_ROW) {
        RowLock *lock = o->wait_lock;
        wait_queue_remove(&lock->queue, o);
    }
}

/* ST_FAILED: the owner was the victim and has left its queue. */
static STATUS detect_deadlock(LockOwner *o, Error *err)
{
    LockManager *m = o->manager;
    Detection d = {.manager = m, .start = o};
    Status st = ST_OK;
    mutex_lock(&m->detector_mutex);
    lock_all_shards(m);
    while (!o->wait_granted && find_cycle(&d)) {
        LockOwner *soft = soft_waiter(&d);
        if (soft && soft->wait_kind == WAIT_HEAVY) heavy_grant(soft);
        else if (soft) row_grant(soft);
        else {
            st = deadlock_error(&d, err);
            give_up(o);
            break;
        }
    }
    unlock_all_shards(m);
    mutex_unlock(&m->detector_mutex);
    return st;
}

/* ---- Waiting. */

static bool interrupted(const LockOwner *o)
{
    return o->interrupt && atomic_load_explicit(&o->interrupt->pending, memory_order_acquire) != 0;
}

/* Sleeps until granted, interrupted, or deadline. */
static void sleep_until(LockOwner *o, int64_t deadline_ns)
{
    mutex_lock(&o->wait_mutex);
    while (!o->wait_signalled && !interrupted(o))
        if (!cond_wait_until(&o->wait_cond, &o->wait_mutex, deadline_ns)) break;
    o->wait_signalled = false;
    mutex_unlock(&o->wait_mutex);
}

static int64_t min64(int64_t a, int64_t b) { return a < b ? a : b; }

STATUS lock_wait(LockOwner *o, Mutex *shard, Error *err)
{
    int64_t start = clock_monotonic_ns(), interval = o->deadlock_timeout_ms * 1000000;
    int64_t give_up_at = o->lock_timeout_ms > 0 ? start + o->lock_timeout_ms * 1000000 : INT64_MAX;
    int64_t detect_at = start + interval;
    Status st = ST_OK;

    mutex_unlock(shard);
    if (o->interrupt) interrupt_set_waker(o->interrupt, wake_by_interrupt, o);
    for (;;) {
        sleep_until(o, min64(give_up_at, detect_at));
        int64_t now = clock_monotonic_ns();
        if (now >= detect_at) {
            st = detect_deadlock(o, err);
            interval *= 2;
            detect_at = now + interval;
        }
        mutex_lock(shard);
        if (failed(st) || o->wait_granted) break;
        if (interrupted(o)) {
            give_up(o);
            st = interrupt_raise_error(o->interrupt, err);
            if (failed(st)) break;
            st = error_set(err, ERR_QUERY_CANCELED, "canceling statement due to user request"); /* somebody else took the bit */
            break;
        }
        if (now >= give_up_at) {
            give_up(o);
            st = error_set(err, ERR_LOCK_NOT_AVAILABLE, "canceling statement due to lock timeout");
            break;
        }
        mutex_unlock(shard);
    }
    /* The interrupt's mutex is inside the shard's: a waker takes only our wait_mutex. */
    if (o->interrupt) interrupt_set_waker(o->interrupt, NULL, NULL);
    o->wait_kind = WAIT_NONE;
    return st;
}
