/* Sequences: values, limits, crashes, transactions that create them. */
#include "common/log.h"
#include "storage_test.h"

#include "storage/sequence.h"

static char dir[64];
static Cluster *cluster;
static Database *db;
static LockOwner *owner;
static Interrupt interrupt;

static void open_all(void)
{
    ClusterOptions opt = {.data_dir = dir, .memory_limit_bytes = 64 << 20, .preallocate_log = true, .max_sessions = 10};
    OK(cluster_open(&opt, &cluster, err));
    OK(database_acquire(cluster, 100, true, &db, err));
    OK(lock_owner_new(cluster, 1, &interrupt, &owner, err));
}

static void close_all(bool crash)
{
    if (crash) kv_env_crash(cluster->env);
    lock_owner_free(owner);
    database_release(db);
    Status st = cluster_close(cluster, NULL);
    cr_assert(crash || !failed(st));
}

static void setup(void)
{
    test_dir_make(dir);
    log_configure(LOG_TEXT, SEV_PANIC);
    setenv("HELIOS_FILE_FAULT", "", 1);
    interrupt_init(&interrupt);
    open_all();
}

static void teardown(void)
{
    close_all(false);
    test_dir_remove(dir);
}

TestSuite(sequence, .init = setup, .fini = teardown, .timeout = 60);

static Txn *begin(void)
{
    TxnOptions opt = {.isolation = ISO_READ_COMMITTED, .sync_commit = true};
    Txn *t;
    OK(txn_begin(db, owner, &opt, &t, err));
    return t;
}

static SequenceDef def_of(uint32_t id) { return (SequenceDef){.storage_id = id, .start = 1, .increment = 1, .min = 1, .max = INT64_MAX, .cache = 1}; }

static SequenceDef create(int64_t start)
{
    uint32_t id;
    OK(database_new_storage_id(db, &id, err));
    SequenceDef d = def_of(id);
    Txn *t = begin();
    OK(sequence_create(t, &d, start, false, err));
    OK(txn_commit(t, err));
    return d;
}

static int64_t next(const SequenceDef *d)
{
    int64_t v;
    Txn *t = begin();
    OK(sequence_next(t, d, "s", &v, err));
    OK(txn_commit(t, err));
    return v;
}

Test(sequence, counts_as_postgresql_does)
{
    SequenceDef d = create(5);
    int64_t last, log_cnt;
    bool called;
    Txn *t = begin();
    OK(sequence_read(t, &d, &last, &called, &log_cnt, err));
    cr_assert(last == 5 && !called && log_cnt == 0);
    OK(txn_commit(t, err));
    cr_assert_eq(next(&d), 5);
    t = begin();
    OK(sequence_read(t, &d, &last, &called, &log_cnt, err));
    cr_assert(last == 5 && called && log_cnt == 32, "%ld %d %ld", (long)last, called, (long)log_cnt);
    OK(txn_commit(t, err));
    for (int i = 6; i < 200; i++) cr_assert_eq(next(&d), i);
}

Test(sequence, clean_close_keeps_and_crash_skips)
{
    SequenceDef d = create(1);
    for (int i = 1; i <= 10; i++) cr_assert_eq(next(&d), i);
    close_all(false);
    open_all();
    cr_assert_eq(next(&d), 11);
    close_all(true);
    open_all();
    int64_t v = next(&d);
    cr_assert(v > 11 && v <= 11 + 33, "%ld", (long)v);
}

Test(sequence, never_repeats_over_crashes)
{
    SequenceDef d = create(1);
    int64_t last = 0;
    for (int round = 0; round < 10; round++) {
        for (int i = 0; i < 7 * round + 1; i++) {
            int64_t v = next(&d);
            cr_assert_gt(v, last);
            last = v;
        }
        close_all(round % 2);
        open_all();
    }
}

Test(sequence, limits_and_cycles)
{
    SequenceDef d = create(8);
    d.max = 10;
    for (int i = 8; i <= 10; i++) cr_assert_eq(next(&d), i);
    int64_t v;
    Txn *t = begin();
    FAILS(sequence_next(t, &d, "s", &v, err), ERR_SEQUENCE_GENERATOR_LIMIT_EXCEEDED);
    txn_rollback(t);
    d.cycle = true;
    d.min = 3;
    cr_assert_eq(next(&d), 3);
    SequenceDef down = create(-1);
    down.increment = -2;
    down.min = INT64_MIN;
    down.max = -1;
    cr_assert_eq(next(&down), -1);
    cr_assert_eq(next(&down), -3);
    t = begin();
    OK(sequence_set(t, &down, "s", INT64_MIN + 1, true, err));
    FAILS(sequence_set(t, &down, "s", 5, true, err), ERR_NUMERIC_VALUE_OUT_OF_RANGE);
    OK(txn_commit(t, err));
    t = begin();
    FAILS(sequence_next(t, &down, "s", &v, err), ERR_SEQUENCE_GENERATOR_LIMIT_EXCEEDED);
    txn_rollback(t);
}

Test(sequence, many_at_once)
{
    SequenceDef d = create(1);
    int64_t first;
    int count;
    Txn *t = begin();
    OK(sequence_next_many(t, &d, "s", 100, &first, &count, err));
    cr_assert(first == 1 && count == 100);
    OK(sequence_next_many(t, &d, "s", 3, &first, &count, err));
    cr_assert(first == 101 && count == 3);
    d.max = 105;
    OK(sequence_next_many(t, &d, "s", 10, &first, &count, err));
    cr_assert(first == 104 && count == 2, "%ld %d", (long)first, count);
    OK(txn_commit(t, err));
}

Test(sequence, rollback_does_not_give_values_back)
{
    SequenceDef d = create(1);
    int64_t v;
    Txn *t = begin();
    OK(sequence_next(t, &d, "s", &v, err));
    cr_assert_eq(v, 1);
    txn_rollback(t);
    cr_assert_eq(next(&d), 2);
}

Test(sequence, used_by_its_creator)
{
    uint32_t id;
    int64_t v;
    int level;
    OK(database_new_storage_id(db, &id, err));
    SequenceDef d = def_of(id);
    Txn *t = begin();
    OK(sequence_create(t, &d, 1, false, err));
    for (int i = 1; i <= 50; i++) {
        OK(sequence_next(t, &d, "s", &v, err));
        cr_assert_eq(v, i);
    }
    OK(txn_savepoint(t, &level, err));
    OK(sequence_next(t, &d, "s", &v, err));
    OK(txn_rollback_to(t, level, err));
    OK(txn_commit(t, err));
    close_all(true);
    open_all();
    v = next(&d);
    cr_assert(v == 52, "%ld", (long)v);
}

Test(sequence, creation_is_undone_with_its_transaction)
{
    uint32_t id, id2;
    int64_t v;
    int level;
    OK(database_new_storage_id(db, &id, err));
    OK(database_new_storage_id(db, &id2, err));
    SequenceDef d = def_of(id), e = def_of(id2);
    Txn *t = begin();
    OK(txn_savepoint(t, &level, err));
    OK(sequence_create(t, &d, 1, false, err));
    OK(sequence_next(t, &d, "s", &v, err));
    OK(txn_rollback_to(t, level, err));
    OK(sequence_create(t, &e, 1, false, err));
    OK(txn_commit(t, err));
    close_all(false);
    open_all();
    cr_assert_eq(next(&e), 1);
    t = begin();
    FAILS(sequence_next(t, &d, "s", &v, err), ERR_DATA_CORRUPTED);
    txn_rollback(t);
}

Test(sequence, a_copy_of_the_database_goes_on_where_it_was)
{
    SequenceDef d = create(1);
    for (int i = 1; i <= 10; i++) cr_assert_eq(next(&d), i);
    OK(database_clone(cluster, 100, 200, err));
    cr_assert_eq(next(&d), 11);
    Database *original = db;
    OK(database_acquire(cluster, 200, false, &db, err));
    cr_assert_eq(next(&d), 11);
    database_release(db);
    db = original;
}
