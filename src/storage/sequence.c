/* Sequences.
 *
 * The state of a sequence in use is in memory; its row (storage id | 's' -> last value, is_called) is kept ahead of it by up to
 * LOG_VALUES values, so that most calls write nothing and a crash skips some values but never repeats one. The row is written to
 * the log before any commit that used the values, and the commit syncs the log (txn_mark_sync). A clean close writes the exact state.
 *
 * A sequence that the running transaction created has its row in the overlay only: it is put there again, as it then is, just
 * before the commit; nobody else knows of it until then. Locks: table mutex and then nothing; state mutex over the store's write. */
#include "storage/sequence.h"

#include <stdlib.h>

#include "common/hash.h"
#include "common/log.h"
#include "storage/cluster_internal.h"
#include "storage/row_codec.h"

enum { LOG_VALUES = 32, ROW_BYTES = 9 };

typedef struct SequenceState {
    Mutex mutex;
    Database *db;
    StorePlace place;
    uint32_t storage_id;
    int64_t last;
    bool is_called, loaded;
    bool dirty;       /* the row is ahead of last: a clean close writes it */
    int64_t log_cnt;  /* values that may still be given out under the row written last */
    Txn *creator;     /* not committed yet */
    int level;        /* of the creator's savepoint that made it */
} SequenceState;

struct SequenceTable {
    Mutex mutex;
    HashMap *map;
};

static Slice table_key(uint8_t buf[5], StorePlace place, uint32_t storage_id)
{
    buf[0] = (uint8_t)place;
    key_put_u32(buf + 1, storage_id);
    return slice_of(buf, 5);
}

static Slice row_key_of(uint8_t buf[5], uint32_t storage_id)
{
    key_put_u32(buf, storage_id);
    buf[4] = 's';
    return slice_of(buf, 5);
}

static Slice row_of(uint8_t buf[ROW_BYTES], int64_t last, bool is_called)
{
    memcpy(buf, &last, 8);
    buf[8] = is_called;
    return slice_of(buf, ROW_BYTES);
}

/* ---- The table of states. */

static STATUS sequence_table(Database *db, struct SequenceTable **out, Error *err)
{
    mutex_lock(&db->mutex);
    if (!db->sequences) {
        struct SequenceTable *t = calloc(1, sizeof *t);
        if (t && !(t->map = hashmap_new(NULL))) {
            free(t);
            t = NULL;
        }
        if (t) mutex_init(&t->mutex);
        db->sequences = t;
    }
    *out = db->sequences;
    mutex_unlock(&db->mutex);
    return *out ? ST_OK : error_out_of_memory(err, 0);
}

static SequenceState *state_new(Database *db, const SequenceDef *def)
{
    SequenceState *s = calloc(1, sizeof *s);
    if (!s) return NULL;
    mutex_init(&s->mutex);
    s->db = db;
    s->place = def->place;
    s->storage_id = def->storage_id;
    return s;
}

static void state_free(SequenceState *s)
{
    mutex_destroy(&s->mutex);
    free(s);
}

static STATUS state_find(Txn *txn, const SequenceDef *def, SequenceState **out, Error *err)
{
    uint8_t buf[5];
    struct SequenceTable *t;
    Database *db = txn_database(txn);
    TRY(sequence_table(db, &t, err));
    Slice key = table_key(buf, def->place, def->storage_id);
    mutex_lock(&t->mutex);
    SequenceState *s = hashmap_get(t->map, key);
    if (!s && (s = state_new(db, def)) && !hashmap_put(t->map, key, s)) {
        state_free(s);
        s = NULL;
    }
    mutex_unlock(&t->mutex);
    *out = s;
    return s ? ST_OK : error_out_of_memory(err, sizeof *s);
}

void sequence_forget(Database *db, StorePlace place, uint32_t storage_id)
{
    uint8_t buf[5];
    mutex_lock(&db->mutex);
    struct SequenceTable *t = db->sequences;
    mutex_unlock(&db->mutex);
    if (!t) return;
    mutex_lock(&t->mutex);
    SequenceState *s = hashmap_remove(t->map, table_key(buf, place, storage_id));
    mutex_unlock(&t->mutex);
    if (s) state_free(s);
}

/* ---- The row. s->mutex held. */

static STATUS write_row(SequenceState *s, int64_t last, bool is_called, Error *err)
{
    uint8_t key[5], row[ROW_BYTES];
    Kv *kv;
    TRY(database_kv(s->db, s->place, &kv, err));
    KvBatch *b = kv_batch_new();
    if (!b) return error_out_of_memory(err, 0);
    kv_batch_put(b, row_key_of(key, s->storage_id), row_of(row, last, is_called));
    Status st = kv_write(kv, b, false, err);
    kv_batch_free(b);
    return st;
}

static STATUS load(SequenceState *s, Error *err)
{
    uint8_t key[5];
    KvValue v;
    bool found;
    Kv *kv;
    if (s->loaded) return ST_OK;
    TRY(database_kv(s->db, s->place, &kv, err));
    TRY(kv_get(kv, NULL, row_key_of(key, s->storage_id), &v, &found, err));
    if (found && v.bytes.len == ROW_BYTES) {
        memcpy(&s->last, v.bytes.data, 8);
        s->is_called = v.bytes.data[8];
        s->log_cnt = 0;
        s->loaded = true;
    }
    kv_value_release(&v);
    return s->loaded ? ST_OK : error_set(err, ERR_DATA_CORRUPTED, "sequence state %u is missing", s->storage_id);
}

STATUS sequences_settle(Database *db, Error *err)
{
    size_t pos = 0;
    Slice key;
    void *value;
    Status st = ST_OK;
    mutex_lock(&db->mutex);
    struct SequenceTable *t = db->sequences;
    mutex_unlock(&db->mutex);
    if (!t) return ST_OK;
    mutex_lock(&t->mutex);
    while (!failed(st) && hashmap_next(t->map, &pos, &key, &value)) {
        SequenceState *s = value;
        mutex_lock(&s->mutex);
        if (s->dirty && !s->creator && s->place == STORE_DATABASE) {
            st = write_row(s, s->last, s->is_called, err);
            s->log_cnt = 0; /* the next value is logged ahead anew */
            s->dirty = false;
        }
        mutex_unlock(&s->mutex);
    }
    mutex_unlock(&t->mutex);
    return st;
}

void sequences_close(Database *db)
{
    struct SequenceTable *t = db->sequences;
    size_t pos = 0;
    Slice key;
    void *value;
    if (!t) return;
    while (hashmap_next(t->map, &pos, &key, &value)) {
        SequenceState *s = value;
        Error err = ERROR_INIT;
        if (s->dirty && !s->creator && s->place == STORE_DATABASE && !database_failed(db) && failed(write_row(s, s->last, s->is_called, &err))) {
            log_error(&err, NULL);
        }
        error_clear(&err);
        state_free(s);
    }
    hashmap_free(t->map);
    mutex_destroy(&t->mutex);
    free(t);
    db->sequences = NULL;
}

/* ---- Creation. */

static STATUS put_in_overlay(SequenceState *s, Txn *txn, Error *err)
{
    uint8_t key[5], row[ROW_BYTES];
    return txn_raw_put(txn, s->place, row_key_of(key, s->storage_id), row_of(row, s->last, s->is_called), err);
}

static Status on_creator_event(void *arg, Txn *txn, TxnEvent event, int level, Error *err)
{
    SequenceState *s = arg;
    if (s->creator != txn) return ST_OK; /* undone by a savepoint earlier */
    switch (event) {
    case TXN_PRE_COMMIT:
        s->log_cnt = 0;
        return put_in_overlay(s, txn, err);
    case TXN_RELEASED:
        if (s->level >= level) s->level = level - 1;
        return ST_OK;
    case TXN_ROLLED_BACK_TO:
        if (s->level < level) return ST_OK;
        break;
    case TXN_ABORTED: break;
    default: /* TXN_COMMITTED */
        s->creator = NULL;
        return ST_OK;
    }
    s->creator = NULL; /* never was: the state stays, empty and unreachable, until the database is closed */
    s->loaded = s->dirty = false;
    return ST_OK;
}

STATUS sequence_create(Txn *txn, const SequenceDef *def, int64_t value, bool is_called, Error *err)
{
    SequenceState *s;
    TRY(state_find(txn, def, &s, err));
    s->last = value;
    s->is_called = is_called;
    s->log_cnt = 0;
    s->loaded = true;
    s->dirty = false;
    s->creator = txn;
    s->level = txn_savepoint_level(txn);
    TRY(put_in_overlay(s, txn, err));
    return txn_on_event(txn, on_creator_event, s, err);
}

/* ---- nextval, setval. */

/* The value after v; false: there is none (then *out is where a cycle goes on). */
static bool step(const SequenceDef *def, int64_t v, int64_t *out)
{
    bool up = def->increment > 0;
    int64_t next;
    if (!__builtin_add_overflow(v, def->increment, &next) && (up ? next <= def->max : next >= def->min)) {
        *out = next;
        return true;
    }
    *out = up ? def->min : def->max;
    return false;
}

static Status exhausted(const SequenceDef *def, const char *name, Error *err)
{
    bool up = def->increment > 0;
    return error_set(err, ERR_SEQUENCE_GENERATOR_LIMIT_EXCEEDED, "nextval: reached %s value of sequence \"%s\" (%lld)",
                     up ? "maximum" : "minimum", name ? name : "", (long long)(up ? def->max : def->min));
}

/* As PostgreSQL counts: the row is written LOG_VALUES past what is fetched now, unless what it covers is enough. */
static STATUS fetch(SequenceState *s, Txn *txn, const SequenceDef *def, const char *name, int n, int64_t *first, int *count, Error *err)
{
    int64_t next = s->last, last = s->last, ahead = n, log = s->log_cnt;
    int got = 0;
    bool write = false;
    if (!s->is_called) {
        *first = s->last;
        got = 1;
        ahead--;
    }
    if (log < ahead || !s->is_called) {
        ahead += LOG_VALUES;
        log = ahead;
        write = true;
    }
    for (; ahead > 0; ahead--) {
        int64_t v;
        if (!step(def, next, &v)) {
            if (got > 0) break;
            if (!def->cycle) return exhausted(def, name, err);
        }
        next = v;
        if (got >= n) continue;
        log--;
        last = v;
        if (got++ == 0) *first = v;
    }
    log -= ahead;
    if (write && !s->creator) TRY(write_row(s, next, true, err));
    if (write) txn_mark_sync(txn);
    s->last = last;
    s->is_called = true;
    s->log_cnt = log;
    s->dirty = true;
    *count = got;
    return ST_OK;
}

STATUS sequence_next_many(Txn *txn, const SequenceDef *def, const char *name, int n, int64_t *first, int *count, Error *err)
{
    SequenceState *s;
    TRY(state_find(txn, def, &s, err));
    mutex_lock(&s->mutex);
    Status st = load(s, err);
    if (!failed(st)) st = fetch(s, txn, def, name, n < 1 ? 1 : n, first, count, err);
    mutex_unlock(&s->mutex);
    return st;
}

STATUS sequence_next(Txn *txn, const SequenceDef *def, const char *name, int64_t *out, Error *err)
{
    int count;
    return sequence_next_many(txn, def, name, 1, out, &count, err);
}

STATUS sequence_set(Txn *txn, const SequenceDef *def, const char *name, int64_t value, bool is_called, Error *err)
{
    SequenceState *s;
    if (value < def->min || value > def->max) {
        return error_set(err, ERR_NUMERIC_VALUE_OUT_OF_RANGE, "setval: value %lld is out of bounds for sequence \"%s\" (%lld..%lld)",
                         (long long)value, name ? name : "", (long long)def->min, (long long)def->max);
    }
    TRY(state_find(txn, def, &s, err));
    mutex_lock(&s->mutex);
    Status st = s->creator ? ST_OK : write_row(s, value, is_called, err);
    if (!failed(st)) {
        s->last = value;
        s->is_called = is_called;
        s->log_cnt = 0;
        s->loaded = true;
        s->dirty = false;
        txn_mark_sync(txn);
    }
    mutex_unlock(&s->mutex);
    return st;
}

STATUS sequence_read(Txn *txn, const SequenceDef *def, int64_t *last_value, bool *is_called, int64_t *log_cnt, Error *err)
{
    SequenceState *s;
    TRY(state_find(txn, def, &s, err));
    mutex_lock(&s->mutex);
    Status st = load(s, err);
    if (!failed(st)) {
        *last_value = s->last;
        *is_called = s->is_called;
        *log_cnt = s->log_cnt;
    }
    mutex_unlock(&s->mutex);
    return st;
}
