/* Cluster and databases: opening, counters, drop list, copies, two-instance commits, recovery after a failed sync. */
#include <sys/stat.h>

#include "common/log.h"
#include "storage_test.h"

static char dir[64];
static Cluster *cluster;

static void open_cluster(void)
{
    ClusterOptions opt = {.data_dir = dir, .memory_limit_bytes = 64 << 20, .preallocate_log = true, .max_sessions = 10};
    OK(cluster_open(&opt, &cluster, err));
}

static void close_cluster(void) { OK(cluster_close(cluster, err)); }

static void reopen(void)
{
    close_cluster();
    open_cluster();
}

static void setup(void)
{
    test_dir_make(dir);
    log_configure(LOG_TEXT, SEV_PANIC);
    setenv("HELIOS_FILE_FAULT", "", 1);
    open_cluster();
}

static void teardown(void)
{
    close_cluster();
    test_dir_remove(dir);
}

TestSuite(cluster, .init = setup, .fini = teardown, .timeout = 60);

static Database *acquire(Oid oid, bool create)
{
    Database *db = NULL;
    OK(database_acquire(cluster, oid, create, &db, err));
    return db;
}

static void put(Kv *kv, uint32_t id, const char *key, const char *value)
{
    char k[100];
    KvBatch *b = kv_batch_new();
    key_put_u32((uint8_t *)k, id);
    strcpy(k + 4, key);
    kv_batch_put(b, slice_of(k, 4 + strlen(key)), slice_cstr(value));
    OK(kv_write(kv, b, true, err));
    kv_batch_free(b);
}

static bool has(Kv *kv, uint32_t id, const char *key)
{
    char k[100];
    KvValue v;
    bool found;
    key_put_u32((uint8_t *)k, id);
    strcpy(k + 4, key);
    OK(kv_get(kv, NULL, slice_of(k, 4 + strlen(key)), &v, &found, err));
    kv_value_release(&v);
    return found;
}

Test(cluster, new_and_not_new)
{
    cr_assert(cluster_is_new(cluster));
    put(cluster_global(cluster), 5, "x", "y");
    Database *db = acquire(100, true);
    cr_assert(database_is_new(db));
    put(database_store(db), 7, "x", "y");
    database_release(db);
    reopen();
    cr_assert_not(cluster_is_new(cluster));
    db = acquire(100, false);
    cr_assert_not(database_is_new(db));
    cr_assert(has(database_store(db), 7, "x"));
    database_release(db);
    FAILS(database_acquire(cluster, 101, false, &db, err), ERR_UNDEFINED_DATABASE);
}

Test(cluster, one_server_a_directory)
{
    Cluster *second;
    ClusterOptions opt = {.data_dir = dir, .memory_limit_bytes = 64 << 20};
    FAILS(cluster_open(&opt, &second, err), ERR_LOCK_FILE_EXISTS);
}

Test(cluster, counters_never_repeat)
{
    uint64_t last_stamp = 0, stamp;
    Oid last_oid = 0, oid;
    uint32_t last_id = 0, id;
    for (int round = 0; round < 8; round++) {
        Database *db = acquire(100, true);
        for (int i = 0; i < 3000; i++) {
            OK(stamp_next(db, &stamp, err));
            OK(database_new_oid(cluster, db, &oid, err));
            OK(database_new_storage_id(db, &id, err));
            cr_assert_gt(stamp, last_stamp);
            cr_assert_gt(oid, last_oid);
            cr_assert_gt(id, last_id);
            last_stamp = stamp;
            last_oid = oid;
            last_id = id;
        }
        cr_assert_geq(last_oid, 16384);
        cr_assert_geq(last_id, 16384);
        if (round % 2) { /* a crash: nothing after this reaches the disk */
            kv_env_crash(cluster->env);
            database_release(db);
            Status ignored = cluster_close(cluster, NULL);
            (void)ignored;
            open_cluster();
        } else {
            database_release(db);
            reopen();
            Database *again = acquire(100, false);
            OK(stamp_next(again, &stamp, err));
            cr_assert_eq(stamp, last_stamp + 1, "a clean close skips nothing");
            last_stamp = stamp;
            database_release(again);
        }
    }
}

static void *taker(void *arg)
{
    Database *db = arg;
    uint64_t *all = malloc(50000 * sizeof *all);
    for (int i = 0; i < 50000; i++) {
        Error e = ERROR_INIT;
        if (failed(counter_take(&db->counters, COUNTER_STORAGE, 1, &all[i], &e))) abort();
    }
    return all;
}

static int cmp_u64(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

Test(cluster, counters_of_many_threads)
{
    pthread_t t[4];
    static uint64_t all[200000];
    void *got;
    Database *db = acquire(100, true);
    for (int i = 0; i < 4; i++) pthread_create(&t[i], NULL, taker, db);
    for (int i = 0; i < 4; i++) {
        pthread_join(t[i], &got);
        memcpy(all + i * 50000, got, 50000 * sizeof all[0]);
        free(got);
    }
    qsort(all, 200000, sizeof all[0], cmp_u64);
    for (int i = 1; i < 200000; i++) cr_assert_neq(all[i], all[i - 1]);
    database_release(db);
}

static void fill(Database *db, uint32_t id, int n)
{
    char key[20];
    for (int i = 0; i < n; i++) {
        snprintf(key, sizeof key, "%06d", i);
        put(database_store(db), id, key, "some value of a row");
    }
}

static void wait_gone(Database *db, uint32_t id)
{
    for (int i = 0; i < 100 && has(database_store(db), id, "000001"); i++) usleep(20000);
    cr_assert_not(has(database_store(db), id, "000001"));
}

Test(cluster, drop_list_is_worked_off)
{
    Database *db = acquire(100, true);
    fill(db, 20001, 100);
    fill(db, 20002, 100);
    KvBatch *b = kv_batch_new();
    drop_list_add(b, STORE_DATABASE, 20001);
    OK(kv_write(database_store(db), b, true, err));
    drop_list_reclaim(db, STORE_DATABASE, 20001);
    wait_gone(db, 20001);
    cr_assert(has(database_store(db), 20002, "000001"));
    /* On the list when the server stopped: worked off after the next start. */
    kv_batch_clear(b);
    drop_list_add(b, STORE_DATABASE, 20002);
    OK(kv_write(database_store(db), b, true, err));
    kv_batch_free(b);
    database_release(db);
    reopen();
    db = acquire(100, false);
    wait_gone(db, 20002);
    database_release(db);
}

Test(cluster, clone_and_destroy)
{
    char path[100];
    Database *db = acquire(100, true);
    fill(db, 20001, 50);
    database_release(db);
    OK(database_clone(cluster, 100, 200, err));
    Database *copy = acquire(200, false);
    cr_assert(has(database_store(copy), 20001, "000049"));
    fill(copy, 20009, 2);
    FAILS(database_destroy(cluster, 200, err), ERR_OBJECT_IN_USE);
    database_release(copy);
    db = acquire(100, false);
    cr_assert_not(has(database_store(db), 20009, "000001"));
    database_release(db);
    OK(database_destroy(cluster, 200, err));
    FAILS(database_acquire(cluster, 200, false, &copy, err), ERR_UNDEFINED_DATABASE);
    snprintf(path, sizeof path, "%s/base/200.drop", dir);
    cr_assert_eq(access(path, F_OK), -1);
}

Test(cluster, scratch_is_per_database_and_vanishes)
{
    Kv *scratch;
    Database *db = acquire(100, true);
    OK(database_kv(db, STORE_TEMP, &scratch, err));
    put(scratch, 3, "x", "y");
    database_release(db);
    reopen();
    db = acquire(100, false);
    OK(database_kv(db, STORE_TEMP, &scratch, err));
    cr_assert_not(has(scratch, 3, "x"));
    database_release(db);
}

/* A commit of both instances, cut off after each of its steps. */
static void commit_steps(Database *db, uint64_t xid, int steps)
{
    KvBatch *global = kv_batch_new(), *local = kv_batch_new();
    char key[8] = {0, 0, 0, 9, 'g'};
    kv_batch_put(global, slice_of(key, 5), slice_cstr("global part"));
    key[4] = 'l';
    kv_batch_put(local, slice_of(key, 5), slice_cstr("local part"));
    pending_global_decide(local, xid);
    if (steps > 0) OK(pending_global_write(db, xid, global, err));
    if (steps > 1) OK(kv_write(database_store(db), local, true, err));
    if (steps > 2) OK(pending_global_apply(db, xid, global, err));
    kv_batch_free(global);
    kv_batch_free(local);
}

Test(cluster, two_instance_commits_are_all_or_nothing)
{
    for (int steps = 0; steps <= 3; steps++) {
        Database *db = acquire(100 + (Oid)steps, true);
        commit_steps(db, 1000, steps);
        bool visible = has(cluster_global(cluster), 9, "g");
        cr_assert_eq(visible, steps > 2);
        kv_env_crash(cluster->env);
        database_release(db);
        Status ignored = cluster_close(cluster, NULL);
        (void)ignored;
        open_cluster();
        db = acquire(100 + (Oid)steps, false);
        cr_assert_eq(has(database_store(db), 9, "l"), steps > 1);
        cr_assert_eq(has(cluster_global(cluster), 9, "g"), steps > 1);
        KvBatch *b = kv_batch_new();
        char key[8] = {0, 0, 0, 9, 'g'};
        kv_batch_delete(b, slice_of(key, 5));
        OK(kv_write(cluster_global(cluster), b, true, err));
        kv_batch_free(b);
        database_release(db);
    }
}

Test(cluster, pending_commit_of_a_dropped_database)
{
    Database *db = acquire(100, true);
    commit_steps(db, 1000, 2);
    database_release(db);
    OK(database_destroy(cluster, 100, err));
    reopen();
    cr_assert_not(has(cluster_global(cluster), 9, "g"));
}

Test(cluster, failed_sync_recovers_when_all_have_left)
{
    Error e = ERROR_INIT;
    Database *db = acquire(100, true), *other;
    put(database_store(db), 20001, "a", "1");
    cr_assert(kv_env_faults(cluster->env, "sync@1=eio;only=.log"));
    KvBatch *b = kv_batch_new();
    kv_batch_put(b, slice_cstr("zzzzz"), slice_cstr("2"));
    cr_assert(failed(kv_write(database_store(db), b, true, &e)));
    cr_assert_eq((int)e.code, ERR_IO_ERROR);
    error_clear(&e);
    cr_assert(kv_env_faults(cluster->env, ""));
    cr_assert(database_failed(db));
    FAILS(database_acquire(cluster, 100, false, &other, err), ERR_CANNOT_CONNECT_NOW);
    database_release(db);
    db = acquire(100, false);
    cr_assert_not(database_failed(db));
    cr_assert(has(database_store(db), 20001, "a"));
    OK(kv_write(database_store(db), b, true, err));
    kv_batch_free(b);
    database_release(db);
}

Test(cluster, failed_global_instance_recovers_too)
{
    Error e = ERROR_INIT;
    Database *db = acquire(100, true), *other;
    put(cluster_global(cluster), 5, "a", "1");
    cr_assert(kv_env_faults(cluster->env, "sync@1=eio;only=.log"));
    KvBatch *b = kv_batch_new();
    kv_batch_put(b, slice_cstr("zzzzz"), slice_cstr("2"));
    cr_assert(failed(kv_write(cluster_global(cluster), b, true, &e)));
    error_clear(&e);
    cr_assert(kv_env_faults(cluster->env, ""));
    cr_assert(database_failed(db));
    FAILS(database_acquire(cluster, 100, false, &other, err), ERR_CANNOT_CONNECT_NOW);
    database_release(db);
    db = acquire(100, false);
    cr_assert(has(cluster_global(cluster), 5, "a"));
    OK(kv_write(cluster_global(cluster), b, true, err));
    kv_batch_free(b);
    database_release(db);
}
