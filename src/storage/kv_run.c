/* Reading table files that are not ingested yet. */
#include "storage/kv_run.h"

#include <stdlib.h>

#include "storage/kv_internal.h"
#include "storage/shim/run_reader.h"

struct KvRun {
    Kv *kv;
    ShimRun *shim;
};

struct KvRunCursor {
    KvRun *run;
    rocksdb_iterator_t *it;
};

STATUS kv_run_open(Kv *kv, const char *path, KvRun **out, Error *err)
{
    ShimError e = {0};
    KvRun *r = calloc(1, sizeof *r);
    if (!r) return error_out_of_memory(err, sizeof *r);
    r->kv = kv;
    rocksdb_options_t *options = shim_file_options(kv->env->shim, kv->db);
    r->shim = shim_run_open(options, path, &e);
    rocksdb_options_destroy(options);
    if (!r->shim) {
        free(r);
        return kv_raise(kv, &e, err);
    }
    *out = r;
    return ST_OK;
}

void kv_run_close(KvRun *r)
{
    if (!r) return;
    shim_run_close(r->shim);
    free(r);
}

STATUS kv_run_cursor_open(KvRun *r, KvRunCursor **out, Error *err)
{
    KvRunCursor *c = calloc(1, sizeof *c);
    if (c && (c->it = shim_run_iterator(r->shim)) != NULL) {
        c->run = r;
        *out = c;
        return ST_OK;
    }
    free(c);
    return error_out_of_memory(err, sizeof *c);
}

void kv_run_cursor_close(KvRunCursor *c)
{
    if (!c) return;
    rocksdb_iter_destroy(c->it);
    free(c);
}

void kv_run_seek(KvRunCursor *c, Slice key) { rocksdb_iter_seek(c->it, (const char *)key.data, key.len); }
void kv_run_seek_back(KvRunCursor *c, Slice key) { rocksdb_iter_seek_for_prev(c->it, (const char *)key.data, key.len); }
void kv_run_next(KvRunCursor *c) { rocksdb_iter_next(c->it); }
void kv_run_prev(KvRunCursor *c) { rocksdb_iter_prev(c->it); }
bool kv_run_valid(const KvRunCursor *c) { return rocksdb_iter_valid(c->it); }

Slice kv_run_key(const KvRunCursor *c)
{
    size_t n;
    const char *p = rocksdb_iter_key(c->it, &n);
    return slice_of(p, n);
}

Slice kv_run_value(const KvRunCursor *c)
{
    size_t n;
    const char *p = rocksdb_iter_value(c->it, &n);
    return slice_of(p, n);
}

STATUS kv_run_error(const KvRunCursor *c, Error *err)
{
    ShimError e = {0};
    return shim_iterator_status(c->it, &e) == SHIM_OK ? ST_OK : kv_raise(c->run->kv, &e, err);
}
