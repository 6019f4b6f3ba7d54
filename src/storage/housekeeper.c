/* The housekeeper: one thread that closes idle databases, flushes the memtables of instances that went quiet, and reclaims what the
 * drop lists name. */
#include "storage/cluster_internal.h"

#include <malloc.h>

#include "common/log.h"

enum { TICK_MS = 1000, IDLE_CLOSE_MS = 60000, QUIET_TICKS = 5, QUIET_BYTES = 512 << 10, TRIM_MS = 15000, HOUSEKEEPER_STACK = 256 << 10 };

void cluster_wake_housekeeper(Cluster *c)
{
    mutex_lock(&c->mutex);
    c->work_waiting = true;
    cond_broadcast(&c->cond);
    mutex_unlock(&c->mutex);
}

/* All instances share one memory for memtables, and the one that writes flushes its own when that is used up. So one that has
 * stopped writing must give its share back soon, or the others would flush small pieces for ever. And a server that went quiet gives the
 * memory back to the system; its next start has less to replay. */
static void flush_if_quiet(Cluster *c, Kv *kv, struct QuietWatch *watch, bool tight)
{
    uint64_t bytes = 0;
    if (watch->ticks < (tight ? 1 : QUIET_TICKS) || kv_failed(kv)) return;
    int64_t least = tight ? c->memtable_bytes / 8 : QUIET_BYTES;
    if (!kv_property_int(kv, "rocksdb.cur-size-active-mem-table", &bytes) || (int64_t)bytes < least) return;
    Error err = ERROR_INIT;
    if (failed(kv_flush(kv, &err))) log_error(&err, NULL);
    error_clear(&err);
}

/* Commits with synchronous_commit = off are durable within a tick or two: the log is synced if anything was written. */
static void look_after(Cluster *c, Kv *kv, struct QuietWatch *watch, bool tight)
{
    uint64_t sequence = kv_latest_sequence(kv);
    bool quiet = sequence == watch->sequence;
    watch->ticks = quiet ? watch->ticks + 1 : 0;
    watch->sequence = sequence;
    Error err = ERROR_INIT;
    if (!quiet && !kv_failed(kv) && failed(kv_sync_log(kv, &err))) log_error(&err, NULL);
    error_clear(&err);
    flush_if_quiet(c, kv, watch, tight);
}

/* The next open database after `last` in the order of OIDs, marked as visited; cluster->mutex held. */
static Database *visit_next(Cluster *c, Oid last)
{
    Database *best = NULL;
    for (Database *db = c->databases; db; db = db->next) {
        if (db->state == DATABASE_OPEN && db->oid > last && (!best || db->oid < best->oid)) best = db;
    }
    if (best) best->visited = true;
    return best;
}

static void visit_databases(Cluster *c, bool tight)
{
    for (Oid last = 0;;) {
        mutex_lock(&c->mutex);
        Database *db = c->stopping ? NULL : visit_next(c, last);
        mutex_unlock(&c->mutex);
        if (!db) return;
        last = db->oid;
        if (drop_list_has_work(db)) drop_list_work(db);
        look_after(c, db->kv, &db->quiet, tight);
        mutex_lock(&c->mutex);
        db->visited = false;
        cond_broadcast(&c->cond);
        mutex_unlock(&c->mutex);
    }
}

static void visit_global(Cluster *c, bool tight)
{
    mutex_lock(&c->mutex);
    Kv *kv = c->stopping ? NULL : c->global;
    c->global_visited = kv != NULL;
    mutex_unlock(&c->mutex);
    if (!kv) return;
    look_after(c, kv, &c->global_quiet, tight);
    mutex_lock(&c->mutex);
    c->global_visited = false;
    cond_broadcast(&c->cond);
    mutex_unlock(&c->mutex);
}

/* What a load has freed lies scattered in malloc's heaps: given back when writing pauses (a third of the process, measured after 100
 * clients), and now and then while readers go on. */
static void trim_heap(Cluster *c, int64_t now_ns, int64_t *last_ns)
{
#ifdef __GLIBC__
    bool quiet = c->global_quiet.ticks >= QUIET_TICKS;
    mutex_lock(&c->mutex);
    for (Database *db = c->databases; db; db = db->next) quiet = quiet && db->quiet.ticks >= QUIET_TICKS;
    mutex_unlock(&c->mutex);
    if (!quiet || now_ns - *last_ns < TRIM_MS * 1000000LL) return;
    malloc_trim(0);
    *last_ns = now_ns;
#endif
}

static void *housekeeper_main(void *arg)
{
    Cluster *c = arg;
    int64_t tick_ns = clock_monotonic_ns(), trim_ns = tick_ns;
    mutex_lock(&c->mutex);
    while (!c->stopping) {
        int64_t next_ns = tick_ns + TICK_MS * 1000000LL;
        if (!c->work_waiting && clock_monotonic_ns() < next_ns) {
            (void)cond_wait_until(&c->cond, &c->mutex, next_ns); /* woken for other reasons too: look again */
            continue;
        }
        tick_ns = clock_monotonic_ns();
        c->work_waiting = false;
        mutex_unlock(&c->mutex);
        bool tight = kv_env_memtables(c->env) > c->memtable_bytes / 2;
        visit_databases(c, tight);
        visit_global(c, tight);
        trim_heap(c, tick_ns, &trim_ns);
        mutex_lock(&c->mutex);
        databases_close_idle(c, tick_ns - IDLE_CLOSE_MS * 1000000LL);
    }
    mutex_unlock(&c->mutex);
    return NULL;
}

STATUS housekeeper_start(Cluster *c, Error *err)
{
    TRY(thread_start(&c->housekeeper, "housekeeper", HOUSEKEEPER_STACK, false, housekeeper_main, c, err));
    c->housekeeper_running = true;
    return ST_OK;
}

void housekeeper_stop(Cluster *c)
{
    if (!c->housekeeper_running) return;
    mutex_lock(&c->mutex);
    c->stopping = true;
    for (Database *db = c->databases; db; db = db->next) {
        if (db->visited) kv_cancel_compactions(db->kv);
    }
    cond_broadcast(&c->cond);
    mutex_unlock(&c->mutex);
    pthread_join(c->housekeeper, NULL);
    c->housekeeper_running = false;
}
