/* Cluster: the data directory, its lock, memory division, and the list of open databases. */
#include "storage/cluster_internal.h"
#include "storage/data_dir.h"
#include "storage/row_codec.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/log.h"

/* ---- Opening the cluster. */

/* Division of the budget. Fixed: code, libraries' tables, one compaction, table readers' small parts, idle threads. */
typedef struct Budget { int64_t cache, memtables, rest; } Budget;
static Budget divide(int64_t limit)
{
    enum { MB = 1 << 20 };
    if (limit < 16 * MB) limit = 16 * MB;
    Budget b = {.cache = limit * 3 / 16, .memtables = limit / 10};
    if (b.memtables > 64 * MB) b.memtables = 64 * MB;
    int64_t fixed = 8 * MB + limit / 16;
    b.rest = limit - b.cache - b.memtables - fixed;
    return b;
}

static STATUS open_global(Cluster *c, bool create, Error *err)
{
    char path[DATA_PATH_MAX];
    snprintf(path, sizeof path, "%s/global", c->dir);
    Kv *kv;
    TRY(kv_open(c->env, path, KV_DURABLE, create, &kv, err));
    Status st = store_format_check(kv, &c->is_new, err);
    if (!failed(st)) st = counters_open(&c->counters, kv, err);
    if (failed(st)) return first_error(st, kv_close(kv, err));
    c->global = kv;
    return ST_OK;
}

static STATUS open_env(Cluster *c, const ClusterOptions *opt, Error *err)
{
    char spare[DATA_PATH_MAX];
    Budget b = divide(opt->memory_limit_bytes);
    snprintf(spare, sizeof spare, "%s/spare", c->dir);
    c->memtable_bytes = b.memtables;
    mem_account_init(&c->account, NULL, "storage", b.rest);
    KvEnvOptions eo = {.block_cache_bytes = b.cache, .memtable_bytes = b.memtables, .preallocate_log = opt->preallocate_log,
                       .spare_dir = spare, .fault_spec = getenv("HELIOS_FILE_FAULT")};
    return kv_env_open(&eo, &c->env, err);
}

static STATUS open_parts(Cluster *c, const ClusterOptions *opt, Error *err)
{
    TRY(data_dir_prepare(c->dir, err));
    TRY(data_dir_lock(c->dir, &c->lock_fd, err));
    TRY(data_dir_clean(c->dir, err));
    TRY(open_env(c, opt, err));
    TRY(open_global(c, true, err));
    c->recovering = true;
    TRY(pending_global_recover(c, err));
    c->recovering = false;
    return housekeeper_start(c, err);
}

STATUS cluster_open(const ClusterOptions *opt, Cluster **out, Error *err)
{
    Cluster *c = calloc(1, sizeof *c);
    if (!c || !(c->dir = strdup(opt->data_dir))) {
        free(c);
        return error_out_of_memory(err, sizeof *c);
    }
    for (size_t n = strlen(c->dir); n > 1 && c->dir[n - 1] == '/'; n--) c->dir[n - 1] = 0;
    c->lock_fd = -1;
    c->max_sessions = opt->max_sessions;
    mutex_init(&c->mutex);
    cond_init(&c->cond);
    Status st = open_parts(c, opt, err);
    if (failed(st)) {
        Status ignored = cluster_close(c, NULL);
        (void)ignored;
        return st;
    }
    *out = c;
    return ST_OK;
}

STATUS cluster_close(Cluster *c, Error *err)
{
    Status st = ST_OK;
    if (!c) return ST_OK;
    housekeeper_stop(c);
    mutex_lock(&c->mutex);
    databases_close_idle(c, INT64_MAX);
    assert(!c->databases); /* a session is left */
    mutex_unlock(&c->mutex);
    if (c->lock_manager && c->lock_manager_free) c->lock_manager_free(c->lock_manager);
    if (c->counters.kv) st = counters_close(&c->counters, err);
    if (c->global) st = first_error(st, kv_close(c->global, err));
    kv_env_close(c->env);
    if (c->lock_fd >= 0) close(c->lock_fd);
    cond_destroy(&c->cond);
    mutex_destroy(&c->mutex);
    free(c->dir);
    free(c);
    return st;
}

bool cluster_is_new(const Cluster *cluster) { return cluster->is_new; }
const char *cluster_data_dir(const Cluster *cluster) { return cluster->dir; }
MemAccount *cluster_account(Cluster *cluster) { return &cluster->account; }

/* ---- Opening and closing one database. */

static void database_path(const Cluster *c, Oid oid, const char *suffix, char out[DATA_PATH_MAX])
{
    snprintf(out, DATA_PATH_MAX, "%s/base/%u%s", c->dir, oid, suffix);
}

static STATUS open_stores(Database *db, bool create, Error *err)
{
    char path[DATA_PATH_MAX];
    database_path(db->cluster, db->oid, "", path);
    if (!create && access(path, F_OK) != 0) return error_set(err, ERR_UNDEFINED_DATABASE, "database with OID %u does not exist", db->oid);
    TRY(kv_open(db->cluster->env, path, KV_DURABLE, create, &db->kv, err));
    TRY(store_format_check(db->kv, &db->is_new, err));
    TRY(counters_open(&db->counters, db->kv, err));
    if (!db->cluster->recovering) TRY(decisions_purge(db, err));
    return drop_list_open(db, err);
}

static STATUS close_stores(Database *db, Error *err)
{
    Status st = ST_OK;
    if (db->txn_state && db->txn_state_free) db->txn_state_free(db->txn_state);
    drop_list_close(db);
    sequences_close(db);
    if (db->counters.kv) st = counters_close(&db->counters, err);
    st = first_error(st, kv_close(db->scratch, err));
    return first_error(st, kv_close(db->kv, err));
}

static void database_free(Database *db)
{
    mutex_destroy(&db->mutex);
    free(db);
}

static void unlink_database(Cluster *c, Database *db)
{
    for (Database **at = &c->databases; *at; at = &(*at)->next) {
        if (*at != db) continue;
        *at = db->next;
        break;
    }
    cond_broadcast(&c->cond);
}

/* cluster->mutex held; given up while waiting for the housekeeper and while the stores are closed. */
static void close_database(Cluster *c, Database *db)
{
    Error err = ERROR_INIT;
    db->state = DATABASE_CLOSING;
    if (db->visited) kv_cancel_compactions(db->kv); /* what the drop list does not finish it does after the next opening */
    while (db->visited) cond_wait(&c->cond, &c->mutex);
    mutex_unlock(&c->mutex);
    if (failed(close_stores(db, &err))) log_error(&err, NULL);
    error_clear(&err);
    mutex_lock(&c->mutex);
    unlink_database(c, db);
    database_free(db);
}

void databases_close_idle(Cluster *c, int64_t before_ns)
{
    for (;;) {
        Database *db = c->databases;
        while (db && !(db->state == DATABASE_OPEN && db->refs == 0 && (db->idle_since_ns < before_ns || kv_failed(db->kv)))) db = db->next;
        if (!db) return;
        close_database(c, db);
    }
}

static STATUS in_recovery(Error *err)
{
    return error_set(err, ERR_CANNOT_CONNECT_NOW, "the database system is in recovery mode");
}

/* The global instance after a failed sync: reopened as soon as no session can be using it. cluster->mutex held. */
static STATUS recover_global(Cluster *c, Error *err)
{
    if (c->global && !kv_failed(c->global)) return ST_OK;
    databases_close_idle(c, INT64_MAX);
    while (c->global_visited) cond_wait(&c->cond, &c->mutex);
    if (c->databases) return in_recovery(err);
    if (c->global) {
        Status ignored = counters_close(&c->counters, NULL);
        ignored = kv_close(c->global, NULL);
        (void)ignored;
        c->global = NULL;
        c->counters.kv = NULL;
    }
    bool was_new = c->is_new;
    TRY(open_global(c, false, err));
    c->is_new = was_new;
    return ST_OK;
}

/* An entry of the list that nobody is opening or closing, or NULL. cluster->mutex held, given up while waiting. */
static Database *find_settled(Cluster *c, Oid oid)
{
    for (;;) {
        Database *db = c->databases;
        while (db && db->oid != oid) db = db->next;
        if (!db || db->state == DATABASE_OPEN) return db;
        cond_wait(&c->cond, &c->mutex);
    }
}

static STATUS open_database(Cluster *c, Oid oid, bool create, Database **out, Error *err)
{
    Database *db = calloc(1, sizeof *db);
    if (!db) return error_out_of_memory(err, sizeof *db);
    db->cluster = c;
    db->oid = oid;
    db->state = DATABASE_OPENING;
    mutex_init(&db->mutex);
    mem_account_init(&db->account, &c->account, "database", 0);
    db->next = c->databases;
    c->databases = db;
    mutex_unlock(&c->mutex);
    Status st = open_stores(db, create, err);
    if (failed(st)) {
        Status ignored = close_stores(db, NULL);
        (void)ignored;
    }
    mutex_lock(&c->mutex);
    if (failed(st)) {
        unlink_database(c, db);
        database_free(db);
        return st;
    }
    db->state = DATABASE_OPEN;
    cond_broadcast(&c->cond);
    *out = db;
    return ST_OK;
}

static STATUS acquire_locked(Cluster *c, Oid oid, bool create, Database **out, Error *err)
{
    TRY(recover_global(c, err));
    Database *db = find_settled(c, oid);
    if (db && kv_failed(db->kv)) {
        if (db->refs > 0) return in_recovery(err);
        close_database(c, db);
        db = find_settled(c, oid);
    }
    if (!db) TRY(open_database(c, oid, create, &db, err));
    db->refs++;
    *out = db;
    return ST_OK;
}

STATUS database_acquire(Cluster *cluster, Oid oid, bool create, Database **out, Error *err)
{
    mutex_lock(&cluster->mutex);
    Status st = acquire_locked(cluster, oid, create, out, err);
    mutex_unlock(&cluster->mutex);
    return st;
}

void database_release(Database *db)
{
    if (!db) return;
    Cluster *c = db->cluster;
    mutex_lock(&c->mutex);
    assert(db->refs > 0);
    if (--db->refs == 0) {
        db->idle_since_ns = clock_monotonic_ns();
        if (kv_failed(db->kv)) cond_broadcast(&c->cond); /* the housekeeper closes it, the next acquire recovers it */
    }
    mutex_unlock(&c->mutex);
}

/* ---- Destroying and copying. */

static STATUS close_for_good(Cluster *c, Oid oid, Error *err)
{
    Database *db = find_settled(c, oid);
    if (!db) return ST_OK;
    if (db->refs > 0) return error_set(err, ERR_OBJECT_IN_USE, "database with OID %u is being accessed by other users", oid);
    close_database(c, db);
    return ST_OK;
}

STATUS database_destroy(Cluster *c, Oid oid, Error *err)
{
    char path[DATA_PATH_MAX], dead[DATA_PATH_MAX];
    mutex_lock(&c->mutex);
    Status st = close_for_good(c, oid, err);
    if (!failed(st)) {
        database_path(c, oid, "", path);
        database_path(c, oid, ".drop", dead);
        st = data_dir_rename(path, dead, true, err); /* from here on it is gone: the next start would remove the rest */
    }
    mutex_unlock(&c->mutex);
    return failed(st) ? st : data_dir_remove(dead, err);
}

STATUS database_clone(Cluster *c, Oid from, Oid to, Error *err)
{
    char path[DATA_PATH_MAX], fresh[DATA_PATH_MAX];
    Database *source;
    TRY(database_acquire(c, from, false, &source, err));
    database_path(c, to, "", path);
    database_path(c, to, ".tmp", fresh);
    Status st = data_dir_remove(fresh, err);
    if (!failed(st)) st = sequences_settle(source, err);
    if (!failed(st)) st = kv_checkpoint(source->kv, fresh, err);
    if (!failed(st)) st = data_dir_rename(fresh, path, false, err);
    database_release(source);
    return st;
}

/* ---- Small ones. */

Oid database_oid(const Database *db) { return db->oid; }
Cluster *database_cluster(const Database *db) { return db->cluster; }
bool database_is_new(const Database *db) { return db->is_new; }
bool database_failed(const Database *db) { return kv_failed(db->kv) || kv_failed(db->cluster->global); }
uint64_t database_size_bytes(Database *db) { return kv_total_bytes(db->kv); }

STATUS database_kv(Database *db, StorePlace place, Kv **out, Error *err)
{
    if (place != STORE_TEMP) {
        *out = place == STORE_GLOBAL ? db->cluster->global : db->kv;
        return ST_OK;
    }
    Status st = ST_OK;
    mutex_lock(&db->mutex);
    if (!db->scratch) {
        char path[DATA_PATH_MAX];
        snprintf(path, sizeof path, "%s/scratch/%u", db->cluster->dir, db->oid);
        st = kv_open(db->cluster->env, path, KV_SCRATCH, true, &db->scratch, err);
    }
    *out = db->scratch;
    mutex_unlock(&db->mutex);
    return st;
}

Kv *database_kv_if_open(Database *db, StorePlace place)
{
    if (place != STORE_TEMP) return place == STORE_GLOBAL ? db->cluster->global : db->kv;
    mutex_lock(&db->mutex);
    Kv *kv = db->scratch;
    mutex_unlock(&db->mutex);
    return kv;
}

STATUS database_temp_path(Database *db, const char *suffix, char *out, size_t out_bytes, Error *err)
{
    uint64_t n = atomic_fetch_add(&db->cluster->next_scratch_file, 1);
    int len = snprintf(out, out_bytes, "%s/tmp/%u-%llu%s", db->cluster->dir, db->oid, (unsigned long long)n, suffix);
    if (len < 0 || (size_t)len >= out_bytes) return error_set(err, ERR_INTERNAL_ERROR, "path of the data directory is too long");
    return ST_OK;
}

uint64_t storage_bytes(Database *db, StorePlace place, uint32_t storage_id)
{
    uint8_t low[4], high[4];
    Kv *kv = database_kv_if_open(db, place);
    if (!kv) return 0;
    key_put_u32(low, storage_id);
    key_put_u32(high, storage_id + 1);
    return kv_range_bytes(kv, slice_of(low, 4), slice_of(high, 4));
}
