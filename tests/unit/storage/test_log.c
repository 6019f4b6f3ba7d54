/* The log: power cuts, torn and zeroed pages, damage, reuse of files, full disk, failed sync. */
#include <dirent.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/stat.h>

#include "common/log.h"
#include "storage_test.h"

static char dir[64], path[100];
static KvEnv *env;
static Kv *kv;

static void open_all(void)
{
    char spare[100];
    snprintf(spare, sizeof spare, "%s/spare", dir);
    snprintf(path, sizeof path, "%s/db", dir);
    OK(kv_env_open(&(KvEnvOptions){.block_cache_bytes = 2 << 20, .memtable_bytes = 1 << 20, .preallocate_log = true, .spare_dir = spare,
                                   .fault_spec = ""}, &env, err));
    OK(kv_open(env, path, KV_DURABLE, true, &kv, err));
}

static void close_all(void)
{
    Error e = ERROR_INIT;
    Status ignored = kv_close(kv, &e);
    (void)ignored;
    error_clear(&e);
    kv_env_close(env);
    kv = NULL;
}

static void setup(void)
{
    test_dir_make(dir);
    log_configure(LOG_TEXT, SEV_PANIC);
    open_all();
}

static void teardown(void)
{
    if (kv) close_all();
    test_dir_remove(dir);
}

TestSuite(log, .init = setup, .fini = teardown, .timeout = 120);

static Status put(uint32_t i, size_t bytes, bool sync, Error *err)
{
    uint8_t key[4], *value = malloc(bytes + 1);
    KvBatch *b = kv_batch_new();
    key_put_u32(key, i);
    for (size_t k = 0; k < bytes; k++) value[k] = (uint8_t)(i * 31 + k * 7 + (i >> 8));
    kv_batch_put(b, slice_of(key, 4), slice_of(value, bytes));
    Status st = kv_write(kv, b, sync, err);
    kv_batch_free(b);
    free(value);
    return st;
}

/* Keys are a gapless run from 0: how many? */
static uint32_t run_length(void)
{
    KvCursor *c;
    uint32_t n = 0;
    OK(kv_cursor_open(kv, NULL, slice_of(NULL, 0), slice_of(NULL, 0), true, &c, err));
    for (kv_cursor_seek(c, slice_of(NULL, 0)); kv_cursor_valid(c); kv_cursor_next(c), n++) {
        cr_assert_eq(key_get_u32(kv_cursor_key(c).data), n, "a hole: %u instead of %u", key_get_u32(kv_cursor_key(c).data), n);
    }
    OK(kv_cursor_error(c, err));
    kv_cursor_close(c);
    return n;
}

/* The newest log file of the instance. */
static void log_path(char out[400])
{
    DIR *d = opendir(path);
    unsigned long best = 0;
    for (struct dirent *e; (e = readdir(d));) {
        unsigned long n = strtoul(e->d_name, NULL, 10);
        if (strstr(e->d_name, ".log") && n >= best) snprintf(out, 400, "%s/%s", path, e->d_name), best = n;
    }
    closedir(d);
    cr_assert(best > 0);
}

Test(log, power_cuts)
{
    uint32_t next = 0, durable;
    for (uint32_t round = 0; round < 60; round++) {
        size_t bytes = round % 3 == 0 ? 20 : round % 3 == 1 ? 700 : 9000;
        uint32_t n = 20 + round * 7 % 200;
        durable = next;
        for (uint32_t i = 0; i < n; i++) {
            bool sync = (i + round) % 5 == 0;
            OK(put(next++, bytes, sync, err));
            if (sync) durable = next;
        }
        kv_env_crash(env);
        Error e = ERROR_INIT;
        Status ignored = kv_close(kv, &e);
        (void)ignored;
        error_clear(&e);
        kv_env_tear(env, round);
        kv_env_close(env);
        open_all();
        uint32_t have = run_length();
        cr_assert_geq(have, durable, "round %u: %u synced, %u found", round, durable, have);
        cr_assert_leq(have, next);
        next = have;
    }
}

Test(log, explicit_sync_is_durable)
{
    uint32_t next = 0;
    for (uint32_t round = 0; round < 10; round++) {
        for (int i = 0; i < 40; i++) OK(put(next++, 500, false, err));
        OK(kv_sync_log(kv, err));
        uint32_t durable = next;
        for (int i = 0; i < 10; i++) OK(put(next++, 500, false, err));
        kv_env_crash(env);
        Status ignored = kv_close(kv, NULL);
        (void)ignored;
        kv_env_tear(env, round);
        kv_env_close(env);
        open_all();
        uint32_t have = run_length();
        cr_assert_geq(have, durable, "round %u", round);
        next = have;
    }
}

/* As the write-ahead log of an instance that was cut off by the power, with one page of it zeroed: what follows must not be replayed. */
Test(log, zeroed_pages_end_it_or_are_reported)
{
    char log[400];
    uint8_t zero[4096] = {0};
    for (int pageno = 0; pageno < 10; pageno++) {
        for (uint32_t i = 0; i < 60; i++) OK(put(i, 700, false, err)); /* nothing synced: any loss is allowed, no hole is */
        close_all(); /* syncs, but the frames were written before that */
        log_path(log);
        int fd = open(log, O_RDWR);
        cr_assert_eq(pwrite(fd, zero, sizeof zero, pageno * 4096), 4096);
        close(fd);
        open_all();
        uint32_t have = run_length();
        cr_assert_lt(have, 60);
        if (pageno == 0) cr_assert_eq(have, 0);
        close_all();
        test_dir_remove(path);
        open_all();
    }
}

Test(log, damage_before_synced_commits_is_corruption)
{
    char log[400];
    uint8_t byte;
    for (uint32_t i = 0; i < 100; i++) OK(put(i, 700, true, err));
    close_all();
    log_path(log);
    int fd = open(log, O_RDWR);
    cr_assert_eq(pread(fd, &byte, 1, 20000), 1);
    byte ^= 0x40;
    cr_assert_eq(pwrite(fd, &byte, 1, 20000), 1);
    close(fd);
    OK(kv_env_open(&(KvEnvOptions){.block_cache_bytes = 2 << 20, .memtable_bytes = 1 << 20, .preallocate_log = true}, &env, err));
    FAILS(kv_open(env, path, KV_DURABLE, true, &kv, err), ERR_DATA_CORRUPTED);
    kv_env_close(env);
    kv = NULL;
}

static int spares(void)
{
    char spare[100];
    int n = 0;
    snprintf(spare, sizeof spare, "%s/spare", dir);
    DIR *d = opendir(spare);
    for (struct dirent *e; (e = readdir(d));) n += e->d_name[0] != '.';
    closedir(d);
    return n;
}

Test(log, files_are_used_again)
{
    uint32_t next = 0;
    for (int cycle = 0; cycle < 6; cycle++) {
        for (int i = 0; i < 600; i++) OK(put(next++, 1000, false, err));
        OK(kv_flush(kv, err));
    }
    cr_assert_geq(spares(), 1);
    cr_assert_leq(spares(), 2);
    /* A used file holds records of an earlier life behind its end: they must not come back. */
    for (int i = 0; i < 3; i++) OK(put(next++, 100, true, err));
    kv_env_crash(env);
    close_all();
    open_all();
    cr_assert_eq(run_length(), next);
}

Test(log, reuse_after_power_cut_before_the_header)
{
    uint32_t next = 0;
    for (int i = 0; i < 900; i++) OK(put(next++, 1000, false, err));
    OK(kv_flush(kv, err)); /* switches to a new log, the old one becomes a spare */
    for (int i = 0; i < 900; i++) OK(put(next++, 1000, false, err));
    OK(kv_flush(kv, err)); /* uses the spare: nothing was written to it yet */
    kv_env_crash(env);
    close_all();
    open_all();
    cr_assert_eq(run_length(), next);
}

Test(log, full_disk_keeps_reads_and_resumes)
{
    Error e = ERROR_INIT;
    uint32_t next = 0;
    for (int i = 0; i < 50; i++) OK(put(next++, 1000, true, err));
    cr_assert(kv_env_faults(env, "space=0"));
    Status st = put(next, 2000000, true, &e);
    cr_assert(failed(st));
    cr_assert_eq((int)e.code, ERR_DISK_FULL, "%s", e.message);
    error_clear(&e);
    /* What the log has prepared may still be used. */
    for (st = ST_OK; !failed(st) && next < 10000; next++) st = put(next, 1000, true, &e);
    next--;
    cr_assert_eq((int)e.code, ERR_DISK_FULL);
    error_clear(&e);
    cr_assert_not(kv_failed(kv));
    cr_assert_eq(run_length(), next);
    cr_assert(kv_env_faults(env, ""));
    OK(put(next++, 100, true, err));
    OK(put(next++, 100, true, err));
    cr_assert_eq(run_length(), next);
    kv_env_crash(env);
    close_all();
    open_all();
    cr_assert_eq(run_length(), next);
}

Test(log, full_disk_during_flush)
{
    Error e = ERROR_INIT;
    uint32_t next = 0;
    for (int i = 0; i < 200; i++) OK(put(next++, 1000, true, err));
    cr_assert(kv_env_faults(env, "space=0;only=.sst"));
    cr_assert(failed(kv_flush(kv, &e)));
    cr_assert_eq((int)e.code, ERR_DISK_FULL, "%s", e.message);
    error_clear(&e);
    cr_assert_eq(run_length(), next);
    cr_assert(kv_env_faults(env, ""));
    usleep(300000);
    OK(put(next++, 100, true, err));
    OK(kv_flush(kv, err));
    close_all();
    open_all();
    cr_assert_eq(run_length(), next);
}

Test(log, failed_sync_closes_for_writing)
{
    uint32_t next = 0;
    for (int i = 0; i < 20; i++) OK(put(next++, 100, true, err));
    cr_assert(kv_env_faults(env, "sync@1=eio;only=.log"));
    FAILS(put(next, 100, true, err), ERR_IO_ERROR);
    cr_assert(kv_failed(kv));
    FAILS(put(next, 100, true, err), ERR_IO_ERROR);
    cr_assert_geq(run_length(), next);
    close_all();
    open_all();
    cr_assert_geq(run_length(), next);
    cr_assert_leq(run_length(), next + 1);
}

Test(log, every_write_and_sync_may_fail)
{
    uint32_t next = 0;
    for (int n = 1; n < 60; n++) {
        char spec[64];
        snprintf(spec, sizeof spec, "%s@%d=%s", n % 2 ? "write" : "sync", 1 + n / 4, n % 3 ? "eio" : "enospc");
        cr_assert(kv_env_faults(env, spec));
        uint32_t durable = next;
        for (int i = 0; i < 30; i++) {
            Error e = ERROR_INIT;
            Status st = put(next, n % 5 ? 500 : 40000, true, &e);
            if (!failed(st)) durable = ++next;
            else cr_assert(e.code == ERR_IO_ERROR || e.code == ERR_DISK_FULL, "%s", e.message);
            error_clear(&e);
            if (failed(st)) break;
        }
        cr_assert(kv_env_faults(env, ""));
        close_all();
        open_all();
        uint32_t have = run_length();
        cr_assert_geq(have, durable);
        cr_assert_leq(have, durable + 1);
        next = have;
    }
}

/* ---- Many writers, each with its own run of keys: thread t writes t * 1000000 + 0, 1, 2 ... */

enum { WRITERS = 6 };
static _Atomic uint32_t acknowledged[WRITERS];
static _Atomic bool stop_writers;
static _Atomic long refused;

static void *writer(void *arg)
{
    uint32_t t = (uint32_t)(uintptr_t)arg;
    while (!stop_writers) {
        Error e = ERROR_INIT;
        if (!failed(put(t * 1000000 + acknowledged[t], 300, true, &e))) {
            acknowledged[t]++;
        } else {
            refused++;
            if (e.code != ERR_DISK_FULL && e.code != ERR_IO_ERROR) abort();
            usleep(1000);
        }
        error_clear(&e);
    }
    return NULL;
}

static void start_writers(pthread_t *threads)
{
    stop_writers = false;
    for (uintptr_t t = 0; t < WRITERS; t++) pthread_create(&threads[t], NULL, writer, (void *)t);
}

static void join_writers(pthread_t *threads)
{
    stop_writers = true;
    for (int t = 0; t < WRITERS; t++) pthread_join(threads[t], NULL);
}

static void check_acknowledged(void)
{
    for (uint32_t t = 0; t < WRITERS; t++) {
        for (uint32_t i = 0; i < acknowledged[t]; i++) {
            uint8_t key[4];
            KvValue v;
            bool found;
            key_put_u32(key, t * 1000000 + i);
            OK(kv_get(kv, NULL, slice_of(key, 4), &v, &found, err));
            cr_assert(found, "writer %u, key %u of %u is lost", t, i, acknowledged[t]);
            kv_value_release(&v);
        }
    }
}

Test(log, full_disk_under_load)
{
    pthread_t threads[WRITERS];
    start_writers(threads);
    for (int i = 0; i < 8; i++) {
        usleep(60000);
        cr_assert(kv_env_faults(env, i % 2 ? "space=0" : "space=20000"));
        usleep(40000);
        cr_assert(kv_env_faults(env, ""));
        usleep(250000);
    }
    join_writers(threads);
    cr_assert_gt(refused, 0);
    cr_assert_not(kv_failed(kv));
    check_acknowledged();
    kv_env_crash(env);
    close_all();
    open_all();
    check_acknowledged();
}

Test(log, failed_sync_under_load)
{
    pthread_t threads[WRITERS];
    for (int round = 0; round < 6; round++) {
        start_writers(threads);
        usleep(50000);
        cr_assert(kv_env_faults(env, round % 2 ? "sync@3=eio;only=.log" : "write@3=eio;only=.log"));
        usleep(50000);
        join_writers(threads);
        cr_assert(kv_failed(kv));
        cr_assert(kv_env_faults(env, ""));
        check_acknowledged();
        close_all();
        open_all();
        check_acknowledged();
    }
}
