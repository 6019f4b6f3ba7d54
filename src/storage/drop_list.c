/* Drop list: storage ids whose keys are garbage.
 *
 * An id joins the persisted list in the batch that makes it garbage (TRUNCATE, DROP: the commit; a new id: before its first
 * ingest, to leave the list in the commit). Reclaiming deletes whole files, then small remains by key or large ones by a range
 * tombstone and compaction, and only then removes the record; a crash in between repeats it, which is harmless because ids
 * are never used again. Records found at opening are all garbage: whoever put them there is gone. */
#include "storage/cluster_internal.h"
#include "storage/row_codec.h"

#include <stdlib.h>

#include "common/log.h"

typedef struct DropItem {
    StorePlace place;
    uint32_t storage_id;
    struct DropItem *next;
} DropItem;

struct DropList {
    Mutex mutex; /* leaf */
    DropItem *queue;
    int64_t retry_at_ns; /* after a failure */
};

static Slice drop_key(uint8_t buf[10], StorePlace place, uint32_t storage_id)
{
    memset(buf, 0, 4);
    buf[4] = META_DROP;
    buf[5] = (uint8_t)place;
    key_put_u32(buf + 6, storage_id);
    return slice_of(buf, 10);
}

void drop_list_add(KvBatch *batch, StorePlace place, uint32_t storage_id)
{
    uint8_t key[10];
    kv_batch_put(batch, drop_key(key, place, storage_id), slice_of(NULL, 0));
}

void drop_list_remove(KvBatch *batch, StorePlace place, uint32_t storage_id)
{
    uint8_t key[10];
    kv_batch_delete(batch, drop_key(key, place, storage_id));
}

static void enqueue(struct DropList *dl, StorePlace place, uint32_t storage_id)
{
    DropItem *item = calloc(1, sizeof *item);
    if (!item) return; /* the record stays, and the next start reclaims it */
    item->place = place;
    item->storage_id = storage_id;
    mutex_lock(&dl->mutex);
    item->next = dl->queue;
    dl->queue = item;
    mutex_unlock(&dl->mutex);
}

void drop_list_reclaim(Database *db, StorePlace place, uint32_t storage_id)
{
    enqueue(db->drops, place, storage_id);
    cluster_wake_housekeeper(db->cluster);
}

static STATUS read_list(Database *db, Error *err)
{
    static const uint8_t low[5] = {0, 0, 0, 0, META_DROP}, high[5] = {0, 0, 0, 0, META_DROP + 1};
    KvCursor *c = NULL;
    TRY(kv_cursor_open(db->kv, NULL, slice_of(low, 5), slice_of(high, 5), true, &c, err));
    for (kv_cursor_seek(c, slice_of(NULL, 0)); kv_cursor_valid(c); kv_cursor_next(c)) {
        Slice key = kv_cursor_key(c);
        if (key.len == 10) enqueue(db->drops, (StorePlace)key.data[5], key_get_u32(key.data + 6));
    }
    Status st = kv_cursor_error(c, err);
    kv_cursor_close(c);
    return st;
}

STATUS drop_list_open(Database *db, Error *err)
{
    struct DropList *dl = calloc(1, sizeof *dl);
    if (!dl) return error_out_of_memory(err, sizeof *dl);
    mutex_init(&dl->mutex);
    db->drops = dl;
    return read_list(db, err);
}

void drop_list_close(Database *db)
{
    struct DropList *dl = db->drops;
    if (!dl) return;
    while (dl->queue) {
        DropItem *item = dl->queue;
        dl->queue = item->next;
        free(item);
    }
    mutex_destroy(&dl->mutex);
    free(dl);
    db->drops = NULL;
}

bool drop_list_has_work(Database *db)
{
    struct DropList *dl = db->drops;
    mutex_lock(&dl->mutex);
    bool work = dl->queue && clock_monotonic_ns() >= dl->retry_at_ns;
    mutex_unlock(&dl->mutex);
    return work;
}

static STATUS reclaim(Database *db, const DropItem *item, Error *err)
{
    uint8_t low[4], high[4];
    Kv *kv = database_kv_if_open(db, item->place);
    sequence_forget(db, item->place, item->storage_id);
    if (!kv) return ST_OK;
    key_put_u32(low, item->storage_id);
    key_put_u32(high, item->storage_id + 1);
    TRY(kv_drop_range(kv, slice_of(low, 4), slice_of(high, 4), err));
    if (item->place == STORE_TEMP) return ST_OK;
    KvBatch *b = kv_batch_new();
    if (!b) return error_out_of_memory(err, 0);
    drop_list_remove(b, item->place, item->storage_id);
    Status st = kv_write(kv, b, false, err);
    kv_batch_free(b);
    return st;
}

void drop_list_work(Database *db)
{
    enum { RETRY_MS = 10000 };
    struct DropList *dl = db->drops;
    for (;;) {
        Error err = ERROR_INIT;
        mutex_lock(&dl->mutex);
        DropItem *item = db->cluster->stopping ? NULL : dl->queue;
        if (item) dl->queue = item->next;
        mutex_unlock(&dl->mutex);
        if (!item) return;
        Status st = reclaim(db, item, &err);
        if (!failed(st)) {
            free(item);
            continue;
        }
        if (err.code != ERR_CANNOT_CONNECT_NOW) log_error(&err, NULL); /* cancelled: the record stays for the next opening */
        error_clear(&err);
        mutex_lock(&dl->mutex);
        item->next = dl->queue;
        dl->queue = item;
        dl->retry_at_ns = clock_monotonic_ns() + RETRY_MS * 1000000LL;
        mutex_unlock(&dl->mutex);
        return;
    }
}
