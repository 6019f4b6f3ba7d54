/* Cursors of Kv. */
#include <stdlib.h>

#include "storage/kv_internal.h"

/* The bounds are copied behind the struct, and the iterator keeps pointers to lower and upper. */
struct KvCursor {
    Kv *kv;
    rocksdb_iterator_t *it;
    ShimSlice lower, upper;
    uint64_t skipped;
    char bounds[];
};

STATUS kv_cursor_open(Kv *kv, const KvSnapshot *at, Slice lower, Slice upper, bool fill_cache, KvCursor **out, Error *err)
{
    KvCursor *c = malloc(sizeof *c + lower.len + upper.len + 1);
    if (!c) return error_out_of_memory(err, sizeof *c);
    c->kv = kv;
    c->skipped = 0;
    if (lower.len) memcpy(c->bounds, lower.data, lower.len);
    if (upper.len) memcpy(c->bounds + lower.len, upper.data, upper.len);
    c->lower = (ShimSlice){lower.data ? c->bounds : NULL, lower.len};
    c->upper = (ShimSlice){upper.data ? c->bounds + lower.len : NULL, upper.len};
    c->it = shim_iterator(kv->db, kv_at(at), &c->lower, &c->upper, fill_cache);
    *out = c;
    return ST_OK;
}

void kv_cursor_close(KvCursor *c)
{
    if (!c) return;
    rocksdb_iter_destroy(c->it);
    free(c);
}

/* Runs a movement and notes how many deleted entries it stepped over. */
#define MOVE(c, call)                                             \
    do {                                                          \
        uint64_t move_before_ = shim_deletions_skipped();         \
        call;                                                     \
        (c)->skipped += shim_deletions_skipped() - move_before_;  \
    } while (0)

void kv_cursor_seek(KvCursor *c, Slice key)
{
    if (key.len == 0) MOVE(c, rocksdb_iter_seek_to_first(c->it));
    else MOVE(c, rocksdb_iter_seek(c->it, (const char *)key.data, key.len));
}

void kv_cursor_seek_back(KvCursor *c, Slice key)
{
    if (key.len == 0) MOVE(c, rocksdb_iter_seek_to_last(c->it));
    else MOVE(c, rocksdb_iter_seek_for_prev(c->it, (const char *)key.data, key.len));
}

void kv_cursor_next(KvCursor *c) { MOVE(c, rocksdb_iter_next(c->it)); }
void kv_cursor_prev(KvCursor *c) { MOVE(c, rocksdb_iter_prev(c->it)); }
bool kv_cursor_valid(const KvCursor *c) { return rocksdb_iter_valid(c->it); }

Slice kv_cursor_key(const KvCursor *c)
{
    size_t n;
    const char *p = rocksdb_iter_key(c->it, &n);
    return slice_of(p, n);
}

Slice kv_cursor_value(const KvCursor *c)
{
    size_t n;
    const char *p = rocksdb_iter_value(c->it, &n);
    return slice_of(p, n);
}

STATUS kv_cursor_error(const KvCursor *c, Error *err)
{
    ShimError e;
    return shim_iterator_status(c->it, &e) == SHIM_OK ? ST_OK : kv_raise(c->kv, &e, err);
}

STATUS kv_cursor_batch(KvCursor *c, bool backward, uint8_t *buf, size_t bytes, int max_rows, int *rows_out, size_t *used_out, Error *err)
{
    size_t next = 0;
    MOVE(c, *rows_out = shim_iterator_batch(c->it, backward, buf, bytes, max_rows, used_out, &next));
    if (*rows_out == 0 && next > 0) *used_out = next;
    if (likely(rocksdb_iter_valid(c->it))) return ST_OK;
    return kv_cursor_error(c, err);
}

uint64_t kv_cursor_skipped(const KvCursor *c) { return c->skipped; }
