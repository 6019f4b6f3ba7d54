/* What pg_locks and pg_blocking_pids show. */
#include "storage/lock_internal.h"

typedef struct Lister {
    void (*fn)(void *arg, const LockInfo *info);
    void *arg;
} Lister;

static void list_heavy(const HeavyLock *lock, const Lister *l)
{
    for (const HeavyHolder *h = lock->holders; h; h = h->next)
        for (int mode = 1; mode < LOCK_MODES; mode++)
            if (h->held >> mode & 1) l->fn(l->arg, &(LockInfo){lock->tag, (LockMode)mode, h->owner->pid, true, (uint64_t)h->owner->pid});
    for (const LockOwner *w = lock->queue.head; w; w = w->wait_next)
        l->fn(l->arg, &(LockInfo){lock->tag, (LockMode)w->wait_mode, w->pid, false, (uint64_t)w->pid});
}

static void list_owner(LockOwner *o, const Lister *l)
{
    mutex_lock(&o->fast_mutex);
    for (int i = 0; i < o->nfast; i++)
        for (int mode = 1; mode <= 3; mode++)
            if (o->fast[i].count[mode]) l->fn(l->arg, &(LockInfo){o->fast[i].tag, (LockMode)mode, o->pid, true, (uint64_t)o->pid});
    mutex_unlock(&o->fast_mutex);
    uint64_t xid = atomic_load(&o->xid);
    LockTag tag = lock_tag_transaction(atomic_load(&o->database), xid);
    if (xid) l->fn(l->arg, &(LockInfo){tag, LOCK_EXCLUSIVE, o->pid, true, (uint64_t)o->pid});
    if (o->wait_kind != WAIT_ROW) return;
    const RowLock *lock = o->wait_lock;
    for (const RowHolder *h = lock->holders; h; h = h->next) {
        if (h->owner == o || h->strength == ROW_UNLOCKED || !(row_conflicts[o->wait_mode] >> h->strength & 1)) continue;
        tag = lock_tag_transaction(atomic_load(&h->owner->database), atomic_load(&h->owner->xid));
        l->fn(l->arg, &(LockInfo){tag, LOCK_SHARE, o->pid, false, (uint64_t)o->pid});
        break;
    }
}

/* fn runs under the lock manager's mutexes: it must only copy. */
void lock_each(Cluster *cluster, void (*fn)(void *arg, const LockInfo *info), void *arg)
{
    LockManager *m = atomic_load(&cluster->lock_manager);
    Lister l = {fn, arg};
    if (!m) return;
    mutex_lock(&m->detector_mutex);
    lock_all_shards(m);
    mutex_lock(&m->owners_mutex);
    for (LockOwner *o = m->owners; o; o = o->next) list_owner(o, &l);
    for (int i = 0; i < HEAVY_SHARDS; i++)
        for (int j = 0; j < 64; j++)
            for (const HeavyLock *lock = m->heavy[i].chain[j]; lock; lock = lock->next) {
                if (lock->tag.kind == LOCKTAG_TRANSACTION && !lock->queue.head) continue; /* listed with its owner */
                list_heavy(lock, &l);
            }
    mutex_unlock(&m->owners_mutex);
    unlock_all_shards(m);
    mutex_unlock(&m->detector_mutex);
}

typedef struct Blockers { int *pids, n, max; } Blockers;

static bool add_blocker(void *arg, LockOwner *blocker, bool is_holder)
{
    Blockers *b = arg;
    (void)is_holder;
    for (int i = 0; i < b->n; i++)
        if (b->pids[i] == blocker->pid) return true;
    if (b->n < b->max) b->pids[b->n++] = blocker->pid;
    return true;
}

int lock_blockers(Cluster *cluster, int pid, int *pids, int max)
{
    LockManager *m = atomic_load(&cluster->lock_manager);
    Blockers b = {pids, 0, max};
    if (!m) return 0;
    mutex_lock(&m->detector_mutex);
    lock_all_shards(m);
    mutex_lock(&m->owners_mutex);
    for (LockOwner *o = m->owners; o; o = o->next)
        if (o->pid == pid) (void)lock_each_blocker(o, add_blocker, &b);
    mutex_unlock(&m->owners_mutex);
    unlock_all_shards(m);
    mutex_unlock(&m->detector_mutex);
    return b.n;
}
