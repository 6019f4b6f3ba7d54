/* Shared by the tests of transactions: a cluster with one database, sessions, a table (id int4 primary key, v int4, s text) with an
 * index on v and a unique one on s, steps that run in threads of their own, and a printed seed. */
#ifndef TXN_TEST_H
#define TXN_TEST_H

#include <pthread.h>
#include <sched.h>

#include "storage/spill.h"
#include "storage/table.h"
#include "storage_test.h"

typedef struct Fixture {
    char dir[64];
    Cluster *cluster;
    Database *db;
    TableDef table, heap; /* heap: the same without primary key */
    IndexDef by_v, by_s;
    Attribute atts[3], v_atts[1], s_atts[1];
    TupleDesc desc, v_desc, s_desc;
} Fixture;

typedef struct Session {
    Fixture *f;
    LockOwner *owner;
    Interrupt interrupt;
    MemAccount account;
    Txn *txn;
    Arena arena;
    IsolationLevel isolation;
    bool no_sync;
} Session;

static const ColumnDef columns3[3] = {{.type = &t_int4}, {.type = &t_int4}, {.type = &t_text}};
static const ColumnDef column_v[1] = {{.type = &t_int4}}, column_s[1] = {{.type = &t_text}};
static const KeyPart key_id[1] = {{.column = 0, .type = &t_int4}}, key_v[1] = {{.column = 0, .type = &t_int4}},
                     key_s[1] = {{.column = 0, .type = &t_text}};

static inline void fixture_shapes(Fixture *f)
{
    uint32_t id;
    f->atts[0] = f->atts[1] = f->v_atts[0] = (Attribute){.type = 23, .typlen = 4, .byval = true};
    f->atts[2] = f->s_atts[0] = (Attribute){.type = 25, .typlen = -1};
    f->desc = (TupleDesc){3, f->atts, 0};
    f->v_desc = (TupleDesc){1, f->v_atts, 0};
    f->s_desc = (TupleDesc){1, f->s_atts, 0};
    OK(database_new_storage_id(f->db, &id, err));
    f->table = (TableDef){.storage_id = id, .relid = 1, .desc = &f->desc, .ncolumns = 3, .columns = columns3, .nkey = 1, .key = key_id, .name = "t"};
    OK(database_new_storage_id(f->db, &id, err));
    f->heap = f->table;
    f->heap.storage_id = id;
    f->heap.nkey = 0;
    f->heap.key = NULL;
    OK(database_new_storage_id(f->db, &id, err));
    f->by_v = (IndexDef){.storage_id = id, .relid = 2, .table = &f->table, .desc = &f->v_desc, .ncolumns = 1, .columns = column_v, .nkey = 1, .key = key_v};
    OK(database_new_storage_id(f->db, &id, err));
    f->by_s = (IndexDef){.storage_id = id, .relid = 3, .table = &f->table, .desc = &f->s_desc, .ncolumns = 1, .columns = column_s, .nkey = 1, .key = key_s, .unique = true};
}

static inline void fixture_open(Fixture *f)
{
    ClusterOptions opt = {.data_dir = f->dir, .memory_limit_bytes = 64 << 20, .max_sessions = 32};
    OK(cluster_open(&opt, &f->cluster, err));
    OK(database_acquire(f->cluster, 5, true, &f->db, err));
}

static inline Fixture *fixture_new(void)
{
    Fixture *f = calloc(1, sizeof *f);
    test_dir_make(f->dir);
    fixture_open(f);
    fixture_shapes(f);
    return f;
}

static inline void fixture_close(Fixture *f)
{
    database_release(f->db);
    OK(cluster_close(f->cluster, err));
}

static inline void fixture_free(Fixture *f)
{
    fixture_close(f);
    test_dir_remove(f->dir);
    free(f);
}

static inline void session_open(Session *s, Fixture *f, int pid)
{
    memset(s, 0, sizeof *s);
    s->f = f;
    s->isolation = ISO_READ_COMMITTED;
    s->no_sync = true;
    interrupt_init(&s->interrupt);
    mem_account_init(&s->account, cluster_account(f->cluster), "session", 0);
    arena_init(&s->arena, NULL, 0);
    OK(lock_owner_new(f->cluster, pid, &s->interrupt, &s->owner, err));
    lock_owner_set_timeouts(s->owner, 0, 50);
}

static inline void session_close(Session *s)
{
    cr_assert_null(s->txn);
    lock_owner_free(s->owner);
    arena_destroy(&s->arena);
    interrupt_destroy(&s->interrupt);
    cr_assert_eq(s->account.used, 0, "session still has %ld bytes", (long)s->account.used);
}

static inline Txn *begin(Session *s)
{
    TxnOptions opt = {.isolation = s->isolation, .sync_commit = !s->no_sync, .account = &s->account};
    OK(txn_begin(s->f->db, s->owner, &opt, &s->txn, err));
    return s->txn;
}

static inline void commit(Session *s)
{
    Txn *t = s->txn;
    s->txn = NULL;
    OK(txn_commit(t, err));
    arena_reset(&s->arena);
}

static inline void rollback(Session *s)
{
    txn_rollback(s->txn);
    s->txn = NULL;
    arena_reset(&s->arena);
}

static inline Datum text_datum(Arena *a, const char *s) { return varlena_cstr(a, s); }

static inline TupleSlot *new_row(Session *s, int id, int v, const char *text)
{
    TupleSlot *slot = slot_new(&s->arena, &s->f->desc);
    slot->values[0] = datum_i32(id);
    slot->values[1] = datum_i32(v);
    slot->values[2] = text ? text_datum(&s->arena, text) : 0;
    slot->nulls[0] = slot->nulls[1] = false;
    slot->nulls[2] = !text;
    slot_store_virtual(slot);
    return slot;
}

/* Inserts into the table only, or into its indexes too. */
static inline Status try_insert(Session *s, const TableDef *table, int id, int v, const char *text, bool indexes, WriteOutcome *out, Error *err)
{
    TupleSlot *row = new_row(s, id, v, text);
    Slice other;
    bool nulls[1] = {false}, snulls[1] = {!text};
    TRY(table_insert(s->txn, table, row, &s->arena, out, err));
    if (*out == WRITE_DUPLICATE || !indexes) return ST_OK;
    Slice key = row->key;
    TRY(index_insert(s->txn, &s->f->by_v, &row->values[1], nulls, key, true, &s->arena, out, NULL, err));
    return index_insert(s->txn, &s->f->by_s, &row->values[2], snulls, key, true, &s->arena, out, &other, err);
}

static inline WriteOutcome insert(Session *s, int id, int v, const char *text, bool indexes)
{
    WriteOutcome out = WRITE_DONE;
    OK(try_insert(s, &s->f->table, id, v, text, indexes, &out, err));
    return out;
}

/* v of the row, or -1. */
static inline int get_v(Session *s, const Snapshot *snap, int id)
{
    TupleSlot *slot = slot_new(&s->arena, &s->f->desc);
    Datum key = datum_i32(id);
    OK(table_get(s->txn, snap, &s->f->table, &key, slot, &s->arena, err));
    if (slot->empty) return -1;
    OK(slot_decode_all(slot, err));
    cr_assert_eq(datum_get_i32(slot->values[0]), id);
    return datum_get_i32(slot->values[1]);
}

/* UPDATE t SET id = new_id, v = v (or v + dv) WHERE id = id, as READ COMMITTED does it; indexes not maintained. */
static inline Status try_update_id(Session *s, int id, int new_id, int v, bool add, RowLockOutcome *outcome, Error *err)
{
    Arena *a = &s->arena;
    TupleSlot *seen = slot_new(a, &s->f->desc), *newest = slot_new(a, &s->f->desc), *now = seen, *row;
    Datum key = datum_i32(id);
    WriteOutcome wrote;
    *outcome = ROWLOCK_DELETED;
    TRY(table_get(s->txn, SNAPSHOT_LATEST, &s->f->table, &key, seen, a, err));
    if (seen->empty) return ST_OK;
    TRY(row_lock(s->txn, &s->f->table, seen, id == new_id ? ROW_NO_KEY_UPDATE : ROW_UPDATE, LOCK_WAIT, newest, a, outcome, err));
    if (*outcome == ROWLOCK_UPDATED) now = newest;
    else if (*outcome != ROWLOCK_OK) return ST_OK;
    TRY(slot_decode_all(now, err));
    if (now == newest && id == new_id) new_id = datum_get_i32(now->values[0]); /* it may have moved */
    row = new_row(s, new_id, add ? datum_get_i32(now->values[1]) + v : v, "x");
    TRY(table_update(s->txn, &s->f->table, now, row, a, &wrote, err));
    return wrote == WRITE_DUPLICATE ? error_set(err, ERR_UNIQUE_VIOLATION, "duplicate key") : ST_OK;
}

static inline RowLockOutcome update(Session *s, int id, int v, bool add)
{
    RowLockOutcome out;
    OK(try_update_id(s, id, id, v, add, &out, err));
    return out;
}

static inline void delete_row(Session *s, int id)
{
    TupleSlot *seen = slot_new(&s->arena, &s->f->desc);
    Datum key = datum_i32(id);
    RowLockOutcome out;
    OK(table_get(s->txn, SNAPSHOT_LATEST, &s->f->table, &key, seen, &s->arena, err));
    cr_assert(!seen->empty);
    OK(row_lock(s->txn, &s->f->table, seen, ROW_UPDATE, LOCK_WAIT, NULL, &s->arena, &out, err));
    cr_assert_eq(out, ROWLOCK_OK);
    OK(table_delete(s->txn, &s->f->table, seen, err));
}

static inline int count_rows(Session *s, const Snapshot *snap, const TableDef *table, int64_t *sum)
{
    Scan *scan;
    TupleSlot *slot = slot_new(&s->arena, &s->f->desc);
    int n = 0;
    if (sum) *sum = 0;
    OK(table_scan_open(s->txn, snap, table, NULL, 0, &scan, err));
    for (;; n++) {
        OK(scan_next(scan, slot, err));
        if (slot->empty) break;
        OK(slot_decode_all(slot, err));
        if (sum) *sum += datum_get_i32(slot->values[1]);
    }
    scan_close(scan);
    return n;
}

/* ---- Steps in threads: start one, wait until it blocks on a lock or is done. */
typedef struct Step {
    Session *s;
    void (*fn)(struct Step *step);
    pthread_t thread;
    _Atomic bool done;
    int id, new_id, v;
    Status status;
    Error err;
    RowLockOutcome outcome;
    WriteOutcome wrote;
} Step;

static void *step_main(void *arg)
{
    Step *st = arg;
    st->fn(st);
    atomic_store(&st->done, true);
    return NULL;
}

static inline void step_start(Step *st)
{
    st->err = ERROR_INIT;
    atomic_store(&st->done, false);
    pthread_create(&st->thread, NULL, step_main, st);
}

/* True: it waits for a lock. False: it is done. */
static inline bool step_blocks(Step *st)
{
    int pids[8];
    for (;;) {
        if (atomic_load(&st->done)) return false;
        if (lock_blockers(st->s->f->cluster, st->s->owner->pid, pids, 8) > 0) return true;
        sched_yield();
    }
}

static inline void step_join(Step *st) { pthread_join(st->thread, NULL); }

static inline void step_update(Step *st)
{
    st->status = try_update_id(st->s, st->id, st->new_id ? st->new_id : st->id, st->v, true, &st->outcome, &st->err);
}
static inline void step_insert(Step *st) { st->status = try_insert(st->s, &st->s->f->table, st->id, st->v, NULL, false, &st->wrote, &st->err); }

static inline uint64_t test_seed(void)
{
    const char *given = getenv("TEST_SEED");
    uint64_t seed = given ? strtoull(given, NULL, 0) : (uint64_t)clock_wall_us();
    fprintf(stderr, "TEST_SEED=%llu\n", (unsigned long long)seed);
    return seed | 1;
}
static inline uint64_t test_random(uint64_t *x)
{
    *x ^= *x << 13;
    *x ^= *x >> 7;
    *x ^= *x << 17;
    return *x * 0x2545f4914f6cdd1dull;
}

#endif
