/* The housekeeper: one thread that closes idle databases, flushes the memtables of instances that went quiet, and reclaims what the
 * drop lists name. */
#include "storage/cluster_internal.h"

#include "common/log.h"

enum { TICK_MS = 1000, IDLE_CLOSE_MS = 60000, QUIET_TICKS = 5, QUIET_BYTES = 512 << 10, HOUSEKEEPER_STACK = 256 << 10 };

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

static void *housekeeper_main(void *arg)
{
    Cluster *c = arg;
    mutex_lock(&c->mutex);
    while (!c->stopping) {
        if (!c->work_waiting) (void)cond_wait_until(&c->cond, &c->mutex, clock_monotonic_ns() + TICK_MS * 1000000LL);
        if (c->stopping) break;
        c->work_waiting = false;
        mutex_unlock(&c->mutex);
        bool tight = kv_env_memtables(c->env) > c->memtable_bytes / 2;
        visit_databases(c, tight);
        visit_global(c, tight);
        mutex_lock(&c->mutex);
        databases_close_idle(c, clock_monotonic_ns() - IDLE_CLOSE_MS * 1000000LL);
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
