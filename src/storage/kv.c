/* Kv: environment, opening and closing, errors, point reads, snapshots, writes. Cursors are in kv_cursor.c, table files and space
 * in kv_file.c. */
#include "storage/kv_internal.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/statvfs.h>

#include "common/log.h"

enum { RESUME_INTERVAL_MS = 200, RESUME_FREE_BYTES = 2 << 20 };

STATUS kv_env_open(const KvEnvOptions *opt, KvEnv **out, Error *err)
{
    ShimError e = {0};
    KvEnv *env = calloc(1, sizeof *env);
    if (!env) return error_out_of_memory(err, sizeof *env);
    ShimEnvOptions so = {.cache_bytes = opt->block_cache_bytes, .memtable_bytes = opt->memtable_bytes,
                         .preallocate_log = opt->preallocate_log, .faults = opt->fault_spec != NULL, .spare_dir = opt->spare_dir};
    env->shim = shim_env_open(&so, &e);
    if (!env->shim) {
        free(env);
        return error_set(err, ERR_INTERNAL_ERROR, "could not start the store: %s", e.text);
    }
    if (opt->fault_spec && !shim_env_faults(env->shim, opt->fault_spec)) {
        kv_env_close(env);
        return error_set(err, ERR_INVALID_PARAMETER_VALUE, "invalid fault specification: \"%s\"", opt->fault_spec);
    }
    *out = env;
    return ST_OK;
}

void kv_env_close(KvEnv *env)
{
    if (!env) return;
    shim_env_close(env->shim);
    free(env);
}

int64_t kv_env_memory(const KvEnv *env) { return shim_env_memory(env->shim); }
int64_t kv_env_memtables(const KvEnv *env) { return shim_env_memtables(env->shim); }
bool kv_env_faults(KvEnv *env, const char *spec) { return shim_env_faults(env->shim, spec); }
void kv_env_crash(KvEnv *env) { shim_env_crash(env->shim); }
void kv_env_tear(KvEnv *env, uint32_t seed) { shim_env_tear(env->shim, seed); }

/* ---- Errors. */

static const char *plain_text(const char *text)
{
    const char *after = strstr(text, "error: ");
    return after ? after + 7 : text;
}

Status kv_raise(Kv *kv, const ShimError *e, Error *err)
{
    switch (e->code) {
    case SHIM_OK: return ST_OK;
    case SHIM_NO_SPACE:
        error_set(err, ERR_DISK_FULL, "could not write to the storage of the database: %s", plain_text(e->text));
        return error_hint(err, "Check free disk space.");
    case SHIM_CORRUPT: return error_set(err, ERR_DATA_CORRUPTED, "damaged data in \"%s\": %s", kv->dir, e->text);
    case SHIM_MEMORY: return error_out_of_memory(err, 0);
    case SHIM_IO: return error_set(err, ERR_IO_ERROR, "could not access the storage of the database: %s", plain_text(e->text));
    case SHIM_BUSY:
    case SHIM_SHUTDOWN: return error_set(err, ERR_CANNOT_CONNECT_NOW, "the storage of the database is busy: %s", e->text);
    default: return error_set(err, ERR_INTERNAL_ERROR, "unexpected error of the store: %s", e->text);
    }
}

static Status raise_failed(Error *err)
{
    error_set(err, ERR_IO_ERROR, "the database is closed for writing after a failed write to its log");
    return error_hint(err, "It recovers from its files when all of its sessions have ended.");
}

Status kv_raise_write(Kv *kv, const ShimError *e, Error *err)
{
    if (e->code == SHIM_NO_SPACE) {
        int expected = KV_OPEN;
        if (atomic_compare_exchange_strong(&kv->state, &expected, KV_FULL)) log_event(SEV_WARNING, "disk full in \"%s\": %s", kv->dir, e->text);
    } else if (e->code == SHIM_IO || e->code == SHIM_CORRUPT) {
        if (atomic_exchange(&kv->state, KV_FAILED) != KV_FAILED) log_event(SEV_WARNING, "\"%s\" is closed for writing: %s", kv->dir, e->text);
    }
    return kv_raise(kv, e, err);
}

Status kv_raise_text(Kv *kv, char *text, Error *err)
{
    static const struct { const char *prefix; ShimCode code; } kinds[] = {
        {"IO error: No space", SHIM_NO_SPACE}, {"IO error", SHIM_IO}, {"Corruption", SHIM_CORRUPT}, {"NotFound", SHIM_IO},
    };
    ShimError e = {.code = SHIM_OTHER};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0] && e.code == SHIM_OTHER; i++) {
        if (!strncmp(text, kinds[i].prefix, strlen(kinds[i].prefix))) e.code = kinds[i].code;
    }
    if (strstr(text, "No space left")) e.code = SHIM_NO_SPACE;
    snprintf(e.text, sizeof e.text, "%s", text);
    free(text);
    return kv_raise(kv, &e, err);
}

/* From RocksDB's background threads: a flush or compaction failed. */
static void on_background_error(void *arg, ShimCode code, const char *text)
{
    Kv *kv = arg;
    ShimError e = {.code = code};
    snprintf(e.text, sizeof e.text, "%s", text);
    (void)kv_raise_write(kv, &e, NULL);
}

/* A full disk: at most every RESUME_INTERVAL_MS one writer looks whether there is room again. */
static STATUS resume(Kv *kv, Error *err)
{
    ShimError e = {0};
    struct statvfs vfs;
    mutex_lock(&kv->mutex);
    if (atomic_load(&kv->state) != KV_FULL) {
        mutex_unlock(&kv->mutex);
        return atomic_load(&kv->state) == KV_OPEN ? ST_OK : raise_failed(err);
    }
    int64_t now = clock_monotonic_ns();
    bool room = now - kv->resumed_at_ns > RESUME_INTERVAL_MS * 1000000LL && statvfs(kv->dir, &vfs) == 0 &&
                (uint64_t)vfs.f_bavail * vfs.f_frsize >= RESUME_FREE_BYTES;
    if (room) {
        kv->resumed_at_ns = now;
        atomic_store(&kv->state, KV_OPEN); /* before resuming: its flush may fail and say so again */
        if (shim_resume(kv->db, &e) == SHIM_OK) {
            log_event(SEV_LOG, "\"%s\" takes writes again", kv->dir);
        } else {
            atomic_store(&kv->state, e.code == SHIM_NO_SPACE || e.code == SHIM_BUSY ? KV_FULL : KV_FAILED);
            log_event(SEV_WARNING, "\"%s\" does not take writes yet: %s", kv->dir, e.text);
        }
    }
    int state = atomic_load(&kv->state);
    mutex_unlock(&kv->mutex);
    if (state == KV_OPEN) return ST_OK;
    if (state == KV_FAILED) return raise_failed(err);
    error_set(err, ERR_DISK_FULL, "could not write to the storage of the database: No space left on device");
    return error_hint(err, "Check free disk space.");
}

/* ---- Open and close. */

STATUS kv_open(KvEnv *env, const char *dir, KvKind kind, bool create, Kv **out, Error *err)
{
    ShimError e = {0};
    Kv *kv = calloc(1, sizeof *kv);
    if (!kv || !(kv->dir = strdup(dir))) {
        free(kv);
        return error_out_of_memory(err, sizeof *kv);
    }
    kv->env = env;
    kv->kind = kind;
    mutex_init(&kv->mutex);
    if (kind == KV_SCRATCH) shim_destroy(env->shim, dir);
    else kv->room = shim_room_new(env->shim, dir);
    ShimOpen how = {.dir = dir, .create = create, .scratch = kind == KV_SCRATCH, .on_error = on_background_error, .arg = kv};
    kv->db = shim_open(env->shim, &how, &e);
    if (kv->db) {
        *out = kv;
        return ST_OK;
    }
    Status st = kv_raise(kv, &e, err);
    mutex_destroy(&kv->mutex);
    if (kv->room) shim_room_free(kv->room);
    free(kv->dir);
    free(kv);
    return st;
}

/* What the log holds is replayed at the next opening: more than a little is flushed now, so that a start is quick and small. */
static STATUS settle(Kv *kv, Error *err)
{
    enum { REPLAY_BYTES = 512 << 10 };
    ShimError e = {0};
    uint64_t bytes = 0;
    if (kv->kind != KV_DURABLE || atomic_load(&kv->state) != KV_OPEN) return ST_OK;
    if (kv_property_int(kv, "rocksdb.cur-size-active-mem-table", &bytes) && bytes > REPLAY_BYTES && shim_flush(kv->db, &e) == SHIM_OK) return ST_OK;
    return shim_sync_log(kv->env->shim, kv->dir, &e) == SHIM_OK ? ST_OK : kv_raise(kv, &e, err);
}

STATUS kv_close(Kv *kv, Error *err)
{
    if (!kv) return ST_OK;
    Status st = settle(kv, err);
    rocksdb_close(kv->db);
    if (kv->kind == KV_SCRATCH) shim_destroy(kv->env->shim, kv->dir);
    mutex_destroy(&kv->mutex);
    if (kv->room) shim_room_free(kv->room);
    free(kv->dir);
    free(kv);
    return st;
}

void kv_destroy(KvEnv *env, const char *dir) { shim_destroy(env->shim, dir); }

/* Before anything but a read: a failed instance refuses (RocksDB asserts that nobody touches a log it failed on), a full one looks
 * for room. */
Status kv_check_writable(Kv *kv, Error *err)
{
    int state = atomic_load_explicit(&kv->state, memory_order_relaxed);
    if (likely(state == KV_OPEN)) return ST_OK;
    return state == KV_FULL ? resume(kv, err) : raise_failed(err);
}

STATUS kv_checkpoint(Kv *kv, const char *dir, Error *err)
{
    ShimError e = {0};
    TRY(kv_check_writable(kv, err));
    return shim_checkpoint(kv->db, dir, &e) == SHIM_OK ? ST_OK : kv_raise(kv, &e, err);
}

bool kv_failed(const Kv *kv) { return atomic_load(&((Kv *)kv)->state) == KV_FAILED; }
const char *kv_dir(const Kv *kv) { return kv->dir; }

/* ---- Reads. */

void kv_value_release(KvValue *v)
{
    if (v->pin) shim_pin_free(v->pin);
    *v = (KvValue){0};
}

STATUS kv_get(Kv *kv, const KvSnapshot *at, Slice key, KvValue *out, bool *found, Error *err)
{
    ShimError e;
    ShimSlice value;
    void *pin;
    ShimCode code = shim_get(kv->db, kv_at(at), shim_slice(key), &pin, &value, &e);
    *found = code == SHIM_OK;
    if (code == SHIM_OK) {
        *out = (KvValue){slice_of(value.data, value.len), pin};
        return ST_OK;
    }
    *out = (KvValue){0};
    return code == SHIM_NOT_FOUND ? ST_OK : kv_raise(kv, &e, err);
}

static STATUS multi_get_some(Kv *kv, const KvSnapshot *at, const Slice *keys, int n, KvValue *out, bool *found, Error *err)
{
    enum { CHUNK = 64 };
    ShimError e;
    ShimSlice values[CHUNK];
    void *pins[CHUNK];
    assert(n <= CHUNK);
    ShimCode code = shim_multi_get(kv->db, kv_at(at), (size_t)n, (const ShimSlice *)keys, pins, values, &e);
    for (int i = 0; i < n; i++) {
        found[i] = pins[i] != NULL;
        out[i] = found[i] ? (KvValue){slice_of(values[i].data, values[i].len), pins[i]} : (KvValue){0};
    }
    return code == SHIM_OK ? ST_OK : kv_raise(kv, &e, err);
}

STATUS kv_multi_get(Kv *kv, const KvSnapshot *at, const Slice *keys, int n, KvValue *out, bool *found, Error *err)
{
    for (int i = 0; i < n; i++) out[i] = (KvValue){0};
    for (int i = 0; i < n; i += 64) {
        int m = n - i < 64 ? n - i : 64;
        Status st = multi_get_some(kv, at, keys + i, m, out + i, found + i, err);
        if (failed(st)) {
            for (int k = 0; k < i + m; k++) kv_value_release(&out[k]);
            return st;
        }
    }
    return ST_OK;
}

KvSnapshot *kv_snapshot(Kv *kv)
{
    KvSnapshot *s = malloc(sizeof *s);
    if (s) s->snap = rocksdb_create_snapshot(kv->db);
    return s;
}

void kv_snapshot_release(Kv *kv, KvSnapshot *snap)
{
    if (!snap) return;
    rocksdb_release_snapshot(kv->db, snap->snap);
    free(snap);
}

uint64_t kv_snapshot_sequence(const KvSnapshot *snap) { return shim_snapshot_sequence(snap->snap); }
uint64_t kv_latest_sequence(const Kv *kv) { return rocksdb_get_latest_sequence_number(kv->db); }

/* ---- Writes. */

KvBatch *kv_batch_new(void)
{
    KvBatch *b = malloc(sizeof *b);
    if (b) b->batch = rocksdb_writebatch_create();
    return b;
}

KvBatch *kv_batch_from_data(Slice data)
{
    KvBatch *b = malloc(sizeof *b);
    if (b) b->batch = rocksdb_writebatch_create_from((const char *)data.data, data.len);
    return b;
}

void kv_batch_free(KvBatch *b)
{
    if (!b) return;
    rocksdb_writebatch_destroy(b->batch);
    free(b);
}

void kv_batch_clear(KvBatch *b) { rocksdb_writebatch_clear(b->batch); }

void kv_batch_put(KvBatch *b, Slice key, Slice value)
{
    rocksdb_writebatch_put(b->batch, (const char *)key.data, key.len, (const char *)value.data, value.len);
}

void kv_batch_delete(KvBatch *b, Slice key) { rocksdb_writebatch_delete(b->batch, (const char *)key.data, key.len); }

void kv_batch_delete_range(KvBatch *b, Slice begin, Slice end)
{
    rocksdb_writebatch_delete_range(b->batch, (const char *)begin.data, begin.len, (const char *)end.data, end.len);
}

Slice kv_batch_data(const KvBatch *b)
{
    size_t n;
    const char *data = rocksdb_writebatch_data(b->batch, &n);
    return slice_of(data, n);
}

size_t kv_batch_bytes(const KvBatch *b) { return kv_batch_data(b).len; }
int kv_batch_count(const KvBatch *b) { return rocksdb_writebatch_count(b->batch); }

STATUS kv_write(Kv *kv, KvBatch *b, bool sync, Error *err)
{
    ShimError e;
    TRY(kv_check_writable(kv, err));
    bool untouched;
    if (likely(shim_write(kv->db, kv->room, b->batch, sync, &untouched, &e) == SHIM_OK)) return ST_OK;
    return untouched ? kv_raise(kv, &e, err) : kv_raise_write(kv, &e, err);
}

STATUS kv_sync_log(Kv *kv, Error *err)
{
    ShimError e;
    if (kv->kind != KV_DURABLE) return ST_OK;
    if (atomic_load(&kv->state) == KV_FAILED) return raise_failed(err);
    return shim_sync_log(kv->env->shim, kv->dir, &e) == SHIM_OK ? ST_OK : kv_raise_write(kv, &e, err);
}

STATUS kv_flush(Kv *kv, Error *err)
{
    ShimError e;
    TRY(kv_check_writable(kv, err));
    return shim_flush(kv->db, &e) == SHIM_OK ? ST_OK : kv_raise_write(kv, &e, err);
}

bool kv_property_int(Kv *kv, const char *name, uint64_t *out) { return rocksdb_property_int(kv->db, name, out) == 0; }
