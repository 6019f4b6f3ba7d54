/* Counters reserved on disk in blocks. Invariant: limit <= what is synced on disk; nobody gets a number >= limit. */
#include "storage/cluster_internal.h"
#include "storage/row_codec.h"

static const struct { uint64_t first, block; } counter_kinds[COUNTER_COUNT] = {
    [COUNTER_STAMP] = {1024, 1u << 20}, /* below: reserved (xid 2 is the bootstrap's, as PostgreSQL's FrozenTransactionId) */
    [COUNTER_OID] = {FIRST_FREE_OID, 8192},
    [COUNTER_STORAGE] = {FIRST_FREE_STORAGE_ID, 1024},
};

static Slice counter_key(uint8_t buf[6], CounterId id)
{
    memset(buf, 0, 4);
    buf[4] = META_COUNTER;
    buf[5] = (uint8_t)id;
    return slice_of(buf, 6);
}

static void set_limit(Counter *c, uint64_t limit, uint64_t block)
{
    atomic_store_explicit(&c->limit, limit, memory_order_release);
    atomic_store_explicit(&c->low_mark, limit - block / 2, memory_order_release);
}

static STATUS store_value(Counters *cs, CounterId id, uint64_t value, bool sync, Error *err)
{
    uint8_t key[6], bytes[8];
    KvBatch *b = kv_batch_new();
    if (!b) return error_out_of_memory(err, 0);
    key_put_u64(bytes, value);
    kv_batch_put(b, counter_key(key, id), slice_of(bytes, 8));
    Status st = kv_write(cs->kv, b, sync, err);
    kv_batch_free(b);
    return st;
}

STATUS counters_open(Counters *cs, Kv *kv, Error *err)
{
    for (int id = 0; id < COUNTER_COUNT; id++) {
        uint8_t key[6];
        KvValue v;
        bool found;
        TRY(kv_get(kv, NULL, counter_key(key, (CounterId)id), &v, &found, err));
        if (found && v.bytes.len != 8) return error_set(err, ERR_DATA_CORRUPTED, "malformed counter in \"%s\"", kv_dir(kv));
        uint64_t start = found ? key_get_u64(v.bytes.data) : counter_kinds[id].first;
        kv_value_release(&v);
        atomic_store(&cs->c[id].next, start);
        atomic_store(&cs->c[id].limit, start); /* nothing is reserved until somebody takes one */
        atomic_store(&cs->c[id].low_mark, start);
    }
    mutex_init(&cs->mutex);
    cs->kv = kv; /* set: open */
    return ST_OK;
}

/* Blocks until numbers below `through` are reserved, and reserves a block beyond. */
STATUS counter_reserve(Counters *cs, CounterId id, uint64_t through, Error *err)
{
    Counter *c = &cs->c[id];
    uint64_t block = counter_kinds[id].block, limit = atomic_load_explicit(&c->limit, memory_order_acquire);
    if (through <= limit && pthread_mutex_trylock(&cs->mutex) != 0) return ST_OK; /* somebody is at it, and ours is reserved */
    if (through > limit) mutex_lock(&cs->mutex);
    Status st = ST_OK;
    limit = atomic_load(&c->limit);
    if (through > atomic_load(&c->low_mark)) {
        uint64_t next = (through > limit ? through : limit) + block;
        st = store_value(cs, id, next, true, err);
        if (!failed(st)) set_limit(c, next, block);
    }
    mutex_unlock(&cs->mutex);
    if (failed(st) && through <= limit) {
        error_clear(err); /* the number itself is good; the next caller tries again */
        return ST_OK;
    }
    return st;
}

STATUS counters_close(Counters *cs, Error *err)
{
    Status st = ST_OK;
    for (int id = 0; id < COUNTER_COUNT && !kv_failed(cs->kv); id++) {
        uint64_t next = atomic_load(&cs->c[id].next), limit = atomic_load(&cs->c[id].limit);
        if (next < limit) st = first_error(st, store_value(cs, (CounterId)id, next, false, err));
    }
    mutex_destroy(&cs->mutex);
    return st;
}

STATUS stamp_next(Database *db, uint64_t *out, Error *err) { return counter_take(&db->counters, COUNTER_STAMP, 1, out, err); }
STATUS stamp_take(Database *db, uint64_t n, uint64_t *first, Error *err) { return counter_take(&db->counters, COUNTER_STAMP, n, first, err); }
uint64_t stamp_peek(const Database *db) { return atomic_load_explicit(&db->counters.c[COUNTER_STAMP].next, memory_order_relaxed); }

STATUS database_new_oid(Cluster *cluster, Database *db, Oid *out, Error *err)
{
    uint64_t v;
    TRY(counter_take(db ? &db->counters : &cluster->counters, COUNTER_OID, 1, &v, err));
    if (v > UINT32_MAX) return error_set(err, ERR_PROGRAM_LIMIT_EXCEEDED, "no more object identifiers");
    *out = (Oid)v;
    return ST_OK;
}

STATUS database_new_storage_id(Database *db, uint32_t *out, Error *err)
{
    uint64_t v;
    TRY(counter_take(&db->counters, COUNTER_STORAGE, 1, &v, err));
    if (v > UINT32_MAX) return error_set(err, ERR_PROGRAM_LIMIT_EXCEEDED, "no more storage identifiers");
    *out = (uint32_t)v;
    return ST_OK;
}
