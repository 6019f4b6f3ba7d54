/* Table files, ingestion, and space of Kv. */
#include <stdlib.h>
#include <unistd.h>

#include "storage/kv_internal.h"

struct KvFile {
    Kv *kv;
    char *path;
    rocksdb_envoptions_t *env_options;
    rocksdb_options_t *options;
    rocksdb_sstfilewriter_t *writer;
    uint64_t entries;
};

static void file_free(KvFile *f)
{
    if (!f) return;
    if (f->writer) rocksdb_sstfilewriter_destroy(f->writer);
    if (f->options) rocksdb_options_destroy(f->options);
    if (f->env_options) rocksdb_envoptions_destroy(f->env_options);
    free(f->path);
    free(f);
}

STATUS kv_file_create(Kv *kv, const char *path, KvFile **out, Error *err)
{
    char *text = NULL;
    KvFile *f = calloc(1, sizeof *f);
    if (!f || !(f->path = strdup(path))) {
        free(f);
        return error_out_of_memory(err, sizeof *f);
    }
    f->kv = kv;
    f->env_options = rocksdb_envoptions_create();
    f->options = shim_file_options(kv->env->shim, kv->db);
    f->writer = rocksdb_sstfilewriter_create(f->env_options, f->options);
    rocksdb_sstfilewriter_open(f->writer, path, &text);
    if (text) {
        file_free(f);
        return kv_raise_text(kv, text, err);
    }
    *out = f;
    return ST_OK;
}

STATUS kv_file_put(KvFile *f, Slice key, Slice value, Error *err)
{
    char *text = NULL;
    rocksdb_sstfilewriter_put(f->writer, (const char *)key.data, key.len, (const char *)value.data, value.len, &text);
    if (unlikely(text != NULL)) return kv_raise_text(f->kv, text, err);
    f->entries++;
    return ST_OK;
}

STATUS kv_file_delete(KvFile *f, Slice key, Error *err)
{
    char *text = NULL;
    rocksdb_sstfilewriter_delete(f->writer, (const char *)key.data, key.len, &text);
    if (unlikely(text != NULL)) return kv_raise_text(f->kv, text, err);
    f->entries++;
    return ST_OK;
}

uint64_t kv_file_bytes(const KvFile *f)
{
    uint64_t n = 0;
    rocksdb_sstfilewriter_file_size(f->writer, &n);
    return n;
}

/* A file without entries cannot be finished: it is removed, and *entries says 0. */
STATUS kv_file_finish(KvFile *f, uint64_t *entries, Error *err)
{
    char *text = NULL;
    *entries = f->entries;
    if (f->entries == 0) {
        kv_file_abandon(f);
        return ST_OK;
    }
    rocksdb_sstfilewriter_finish(f->writer, &text);
    Status st = text ? kv_raise_text(f->kv, text, err) : ST_OK;
    if (failed(st)) unlink(f->path);
    file_free(f);
    return st;
}

void kv_file_abandon(KvFile *f)
{
    if (!f) return;
    unlink(f->path);
    file_free(f);
}

STATUS kv_ingest(Kv *kv, const char *const *paths, int n, Error *err)
{
    ShimError e;
    if (n == 0) return ST_OK;
    TRY(kv_check_writable(kv, err));
    return shim_ingest(kv->db, paths, (size_t)n, &e) == SHIM_OK ? ST_OK : kv_raise_write(kv, &e, err);
}

/* ---- Space. */

/* Up to so many bytes, remains of a dropped range are deleted key by key: a range tombstone would cost every later read more. */
enum { DELETE_BY_KEY_BYTES = 1 << 20, DELETE_BATCH_KEYS = 1000 };

static STATUS delete_by_key(Kv *kv, Slice begin, Slice end, Error *err)
{
    KvCursor *c = NULL;
    Status st = ST_OK;
    KvBatch *b = kv_batch_new();
    if (!b) return error_out_of_memory(err, 0);
    TRY_GOTO(st, kv_cursor_open(kv, NULL, begin, end, false, &c, err), done);
    for (kv_cursor_seek(c, begin); kv_cursor_valid(c); kv_cursor_next(c)) {
        kv_batch_delete(b, kv_cursor_key(c));
        if (kv_batch_count(b) < DELETE_BATCH_KEYS) continue;
        TRY_GOTO(st, kv_write(kv, b, false, err), done);
        kv_batch_clear(b);
    }
    TRY_GOTO(st, kv_cursor_error(c, err), done);
    if (kv_batch_count(b)) st = kv_write(kv, b, false, err);
done:
    kv_cursor_close(c);
    kv_batch_free(b);
    return st;
}

STATUS kv_drop_range(Kv *kv, Slice begin, Slice end, Error *err)
{
    ShimError e;
    TRY(kv_check_writable(kv, err));
    if (shim_delete_files(kv->db, shim_slice(begin), shim_slice(end), &e) != SHIM_OK) return kv_raise(kv, &e, err);
    if (kv_range_bytes(kv, begin, end) <= DELETE_BY_KEY_BYTES) return delete_by_key(kv, begin, end, err);
    KvBatch *b = kv_batch_new();
    if (!b) return error_out_of_memory(err, 0);
    kv_batch_delete_range(b, begin, end);
    Status st = kv_write(kv, b, false, err);
    kv_batch_free(b);
    return failed(st) || kv->kind == KV_SCRATCH ? st : kv_compact_range(kv, begin, end, err);
}

STATUS kv_compact_range(Kv *kv, Slice begin, Slice end, Error *err)
{
    ShimError e;
    TRY(kv_check_writable(kv, err));
    return shim_compact(kv->db, shim_slice(begin), shim_slice(end), &e) == SHIM_OK ? ST_OK : kv_raise(kv, &e, err);
}

void kv_cancel_compactions(Kv *kv) { rocksdb_disable_manual_compaction(kv->db); }

uint64_t kv_range_bytes(Kv *kv, Slice begin, Slice end) { return shim_range_bytes(kv->db, shim_slice(begin), shim_slice(end)); }

uint64_t kv_total_bytes(Kv *kv)
{
    uint64_t files = 0, memory = 0;
    (void)kv_property_int(kv, "rocksdb.live-sst-files-size", &files);
    (void)kv_property_int(kv, "rocksdb.cur-size-all-mem-tables", &memory);
    return files + memory;
}
