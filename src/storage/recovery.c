/* Commits that touch two instances, and what a crash may leave of them.
 *
 * The global part is written, synced, as a pending record under (database, xid) before the database's own batch, which carries
 * the decision record: if the decision is in the database, the global part is committed. Steps after a crash:
 *   pending, no decision   the transaction did not commit: the record goes
 *   pending and decision   the global part is applied and the record goes, in one batch
 * The decision record is deleted once the global instance is known to be synced past the application; one that a crash left
 * is of no use to anybody once pending_global_recover has run, and is removed when its database is opened next. */
#include "storage/cluster_internal.h"
#include "storage/row_codec.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/log.h"

static Slice pending_key(uint8_t buf[17], Oid database, uint64_t xid)
{
    memset(buf, 0, 4);
    buf[4] = META_PENDING;
    key_put_u32(buf + 5, database);
    key_put_u64(buf + 9, xid);
    return slice_of(buf, 17);
}

static Slice decided_key(uint8_t buf[13], uint64_t xid)
{
    memset(buf, 0, 4);
    buf[4] = META_DECIDED;
    key_put_u64(buf + 5, xid);
    return slice_of(buf, 13);
}

STATUS pending_global_write(Database *db, uint64_t xid, const KvBatch *global_part, Error *err)
{
    uint8_t key[17];
    KvBatch *b = kv_batch_new();
    if (!b) return error_out_of_memory(err, 0);
    kv_batch_put(b, pending_key(key, db->oid, xid), kv_batch_data(global_part));
    Status st = kv_write(db->cluster->global, b, true, err);
    kv_batch_free(b);
    return st;
}

void pending_global_decide(KvBatch *database_batch, uint64_t xid)
{
    uint8_t key[13];
    kv_batch_put(database_batch, decided_key(key, xid), slice_of(NULL, 0));
}

static STATUS forget_decision(Kv *kv, uint64_t xid, Error *err)
{
    uint8_t key[13];
    KvBatch *b = kv_batch_new();
    if (!b) return error_out_of_memory(err, 0);
    kv_batch_delete(b, decided_key(key, xid));
    Status st = kv_write(kv, b, false, err);
    kv_batch_free(b);
    return st;
}

/* Applied and synced: then the decision is of no more use. */
static STATUS apply(Cluster *cluster, Kv *kv, Oid oid, uint64_t xid, Slice global_part, Error *err)
{
    uint8_t key[17];
    KvBatch *b = kv_batch_from_data(global_part);
    if (!b) return error_out_of_memory(err, 0);
    kv_batch_delete(b, pending_key(key, oid, xid));
    Status st = kv_write(cluster->global, b, true, err);
    kv_batch_free(b);
    return failed(st) ? st : forget_decision(kv, xid, err);
}

STATUS pending_global_apply(Database *db, uint64_t xid, const KvBatch *global_part, Error *err)
{
    return apply(db->cluster, db->kv, db->oid, xid, kv_batch_data(global_part), err);
}

static STATUS forget_pending(Cluster *cluster, Oid oid, uint64_t xid, Error *err)
{
    uint8_t key[17];
    KvBatch *b = kv_batch_new();
    if (!b) return error_out_of_memory(err, 0);
    kv_batch_delete(b, pending_key(key, oid, xid));
    Status st = kv_write(cluster->global, b, true, err);
    kv_batch_free(b);
    return st;
}

void pending_global_cancel(Database *db, uint64_t xid)
{
    /* A failure leaves the record; without a decision the next start removes it. */
    Status ignored = forget_pending(db->cluster, db->oid, xid, NULL);
    (void)ignored;
}

STATUS decisions_purge(Database *db, Error *err)
{
    static const uint8_t low[5] = {0, 0, 0, 0, META_DECIDED}, high[5] = {0, 0, 0, 0, META_DECIDED + 1};
    KvCursor *c = NULL;
    KvBatch *b = kv_batch_new();
    if (!b) return error_out_of_memory(err, 0);
    Status st = kv_cursor_open(db->kv, NULL, slice_of(low, 5), slice_of(high, 5), false, &c, err);
    if (failed(st)) goto done;
    for (kv_cursor_seek(c, slice_of(NULL, 0)); kv_cursor_valid(c); kv_cursor_next(c)) kv_batch_delete(b, kv_cursor_key(c));
    TRY_GOTO(st, kv_cursor_error(c, err), done);
    if (kv_batch_count(b)) st = kv_write(db->kv, b, false, err);
done:
    kv_cursor_close(c);
    kv_batch_free(b);
    return st;
}

/* ---- At start. */

typedef struct Pending {
    Oid oid;
    uint64_t xid;
    StrBuf global_part;
    struct Pending *next;
} Pending;

static STATUS read_pending(Cluster *cluster, Pending **list, Error *err)
{
    static const uint8_t low[5] = {0, 0, 0, 0, META_PENDING}, high[5] = {0, 0, 0, 0, META_PENDING + 1};
    KvCursor *c = NULL;
    Status st = kv_cursor_open(cluster->global, NULL, slice_of(low, 5), slice_of(high, 5), false, &c, err);
    if (failed(st)) return st;
    for (kv_cursor_seek(c, slice_of(NULL, 0)); kv_cursor_valid(c); kv_cursor_next(c)) {
        Slice key = kv_cursor_key(c), value = kv_cursor_value(c);
        Pending *p = key.len == 17 ? calloc(1, sizeof *p) : NULL;
        if (!p) {
            st = error_set(err, key.len == 17 ? ERR_OUT_OF_MEMORY : ERR_DATA_CORRUPTED, "could not read a pending commit record");
            goto done;
        }
        p->oid = key_get_u32(key.data + 5);
        p->xid = key_get_u64(key.data + 9);
        strbuf_init_heap(&p->global_part, NULL);
        strbuf_append(&p->global_part, value.data, value.len);
        p->next = *list;
        *list = p;
        TRY_GOTO(st, strbuf_check(&p->global_part, err), done);
    }
    st = kv_cursor_error(c, err);
done:
    kv_cursor_close(c);
    return st;
}

static STATUS settle(Cluster *cluster, const Pending *p, Error *err)
{
    uint8_t key[13];
    bool decided = false;
    KvValue v;
    Database *db;
    char dir[4096];
    snprintf(dir, sizeof dir, "%s/base/%u", cluster->dir, p->oid);
    if (access(dir, F_OK) != 0) return forget_pending(cluster, p->oid, p->xid, err); /* the database is gone */
    TRY(database_acquire(cluster, p->oid, false, &db, err));
    Status st = kv_get(db->kv, NULL, decided_key(key, p->xid), &v, &decided, err);
    if (!failed(st)) {
        kv_value_release(&v);
        log_event(SEV_LOG, "transaction %llu of database %u is %s", (unsigned long long)p->xid, p->oid, decided ? "completed" : "undone");
        st = decided ? apply(cluster, db->kv, p->oid, p->xid, strbuf_slice(&p->global_part), err)
                     : forget_pending(cluster, p->oid, p->xid, err);
    }
    database_release(db);
    return st;
}

STATUS pending_global_recover(Cluster *cluster, Error *err)
{
    Pending *list = NULL;
    Status st = read_pending(cluster, &list, err);
    while (list) {
        Pending *p = list;
        list = p->next;
        if (!failed(st)) st = settle(cluster, p, err);
        strbuf_free(&p->global_part);
        free(p);
    }
    return st;
}
