/* Transactions: visibility, isolation, savepoints, conflicts. Interleavings are steps in threads that run until they block. */
#include "txn_test.h"

Test(txn, sees_own_and_committed)
{
    Fixture *f = fixture_new();
    Session a, b;
    session_open(&a, f, 1);
    session_open(&b, f, 2);
    begin(&a);
    insert(&a, 1, 10, "one", true);
    cr_assert_eq(get_v(&a, SNAPSHOT_LATEST, 1), 10);
    begin(&b);
    cr_assert_eq(get_v(&b, SNAPSHOT_LATEST, 1), -1);
    commit(&a);
    cr_assert_eq(get_v(&b, SNAPSHOT_LATEST, 1), 10);
    rollback(&b);
    begin(&a);
    update(&a, 1, 11, false);
    rollback(&a);
    begin(&a);
    cr_assert_eq(get_v(&a, SNAPSHOT_LATEST, 1), 10);
    delete_row(&a, 1);
    cr_assert_eq(get_v(&a, SNAPSHOT_LATEST, 1), -1);
    commit(&a);
    begin(&a);
    cr_assert_eq(get_v(&a, SNAPSHOT_LATEST, 1), -1);
    rollback(&a);
    session_close(&a);
    session_close(&b);
    fixture_free(f);
}

Test(txn, snapshots_see_their_moment)
{
    Fixture *f = fixture_new();
    Session a, b;
    Snapshot *s1, *s2, *s3, *s4;
    session_open(&a, f, 1);
    session_open(&b, f, 2);
    begin(&a);
    insert(&a, 1, 1, NULL, false);
    commit(&a);
    b.isolation = ISO_REPEATABLE_READ;
    begin(&b);
    OK(snapshot_take(b.txn, &s1, err));
    begin(&a);
    update(&a, 1, 2, false);
    insert(&a, 2, 2, NULL, false);
    OK(snapshot_take(a.txn, &s3, err));
    insert(&a, 3, 3, NULL, false);
    cr_assert_eq(get_v(&a, s3, 3), -1);
    cr_assert_eq(get_v(&a, s3, 2), 2);
    cr_assert_eq(count_rows(&a, s3, &f->table, NULL), 2);
    OK(snapshot_advance(a.txn, s3, &s4, err));
    cr_assert_eq(count_rows(&a, s4, &f->table, NULL), 3);
    snapshot_release(s4);
    snapshot_release(s3);
    commit(&a);
    OK(snapshot_take(b.txn, &s2, err));
    cr_assert_eq(get_v(&b, s1, 1), 1);
    cr_assert_eq(get_v(&b, s2, 1), 1);
    cr_assert_eq(get_v(&b, s2, 2), -1);
    cr_assert_eq(count_rows(&b, s2, &f->table, NULL), 1);
    OK(snapshot_take_fresh(b.txn, &s3, err));
    cr_assert_eq(get_v(&b, s3, 1), 2);
    snapshot_release(s1);
    snapshot_release(s2);
    snapshot_release(s3);
    rollback(&b);
    session_close(&a);
    session_close(&b);
    fixture_free(f);
}

Test(txn, read_committed_rechecks_the_newest_row)
{
    Fixture *f = fixture_new();
    Session a, b;
    session_open(&a, f, 1);
    session_open(&b, f, 2);
    begin(&a);
    insert(&a, 1, 100, NULL, false);
    commit(&a);
    begin(&a);
    update(&a, 1, 10, true);
    begin(&b);
    Step step = {.s = &b, .fn = step_update, .id = 1, .v = 5};
    step_start(&step);
    cr_assert(step_blocks(&step));
    commit(&a);
    step_join(&step);
    cr_assert_eq(step.status, ST_OK);
    cr_assert_eq(step.outcome, ROWLOCK_UPDATED);
    commit(&b);
    begin(&a);
    cr_assert_eq(get_v(&a, SNAPSHOT_LATEST, 1), 115);
    rollback(&a);
    session_close(&a);
    session_close(&b);
    fixture_free(f);
}

Test(txn, repeatable_read_fails_with_40001)
{
    Fixture *f = fixture_new();
    Session a, b;
    Snapshot *s;
    RowLockOutcome out;
    session_open(&a, f, 1);
    session_open(&b, f, 2);
    b.isolation = ISO_REPEATABLE_READ;
    begin(&a);
    insert(&a, 1, 100, NULL, false);
    insert(&a, 2, 100, NULL, false);
    commit(&a);
    begin(&b);
    OK(snapshot_take(b.txn, &s, err));
    TupleSlot *seen1 = slot_new(&b.arena, &f->desc), *seen2 = slot_new(&b.arena, &f->desc), *newest = slot_new(&b.arena, &f->desc);
    Datum one = datum_i32(1), two = datum_i32(2);
    OK(table_get(b.txn, s, &f->table, &one, seen1, &b.arena, err));
    OK(table_get(b.txn, s, &f->table, &two, seen2, &b.arena, err));
    begin(&a);
    update(&a, 1, 10, true);
    delete_row(&a, 2);
    commit(&a);
    FAILS(row_lock(b.txn, &f->table, seen1, ROW_UPDATE, LOCK_WAIT, newest, &b.arena, &out, err), ERR_T_R_SERIALIZATION_FAILURE);
    FAILS(row_lock(b.txn, &f->table, seen2, ROW_UPDATE, LOCK_WAIT, newest, &b.arena, &out, err), ERR_T_R_SERIALIZATION_FAILURE);
    snapshot_release(s);
    rollback(&b);
    session_close(&a);
    session_close(&b);
    fixture_free(f);
}

Test(txn, a_waiter_follows_a_moved_row)
{
    Fixture *f = fixture_new();
    Session a, b;
    RowLockOutcome out;
    session_open(&a, f, 1);
    session_open(&b, f, 2);
    begin(&a);
    insert(&a, 1, 100, NULL, false);
    commit(&a);
    begin(&a);
    OK(try_update_id(&a, 1, 7, 1, true, &out, err));
    begin(&b);
    Step step = {.s = &b, .fn = step_update, .id = 1, .v = 5};
    step_start(&step);
    cr_assert(step_blocks(&step));
    commit(&a);
    step_join(&step);
    cr_assert_eq(step.status, ST_OK);
    cr_assert_eq(step.outcome, ROWLOCK_UPDATED);
    commit(&b);
    begin(&a);
    cr_assert_eq(get_v(&a, SNAPSHOT_LATEST, 7), 106);
    cr_assert_eq(get_v(&a, SNAPSHOT_LATEST, 1), -1);
    rollback(&a);
    /* A deleted row is skipped. */
    begin(&a);
    delete_row(&a, 7);
    begin(&b);
    step = (Step){.s = &b, .fn = step_update, .id = 7, .v = 5};
    step_start(&step);
    cr_assert(step_blocks(&step));
    commit(&a);
    step_join(&step);
    cr_assert_eq(step.status, ST_OK);
    cr_assert_eq(step.outcome, ROWLOCK_DELETED);
    rollback(&b);
    session_close(&a);
    session_close(&b);
    fixture_free(f);
}

Test(txn, own_later_change_is_told)
{
    Fixture *f = fixture_new();
    Session a;
    RowLockOutcome out;
    session_open(&a, f, 1);
    begin(&a);
    insert(&a, 1, 100, NULL, false);
    commit(&a);
    begin(&a);
    TupleSlot *seen = slot_new(&a.arena, &f->desc), *newest = slot_new(&a.arena, &f->desc);
    Datum one = datum_i32(1);
    OK(table_get(a.txn, SNAPSHOT_LATEST, &f->table, &one, seen, &a.arena, err));
    update(&a, 1, 10, true);
    OK(row_lock(a.txn, &f->table, seen, ROW_NO_KEY_UPDATE, LOCK_WAIT, newest, &a.arena, &out, err));
    cr_assert_eq(out, ROWLOCK_SELF);
    delete_row(&a, 1);
    OK(row_lock(a.txn, &f->table, seen, ROW_NO_KEY_UPDATE, LOCK_WAIT, newest, &a.arena, &out, err));
    cr_assert_eq(out, ROWLOCK_SELF);
    rollback(&a);
    session_close(&a);
    fixture_free(f);
}

Test(txn, unique_keys_wait_and_clash)
{
    Fixture *f = fixture_new();
    Session a, b;
    session_open(&a, f, 1);
    session_open(&b, f, 2);
    begin(&a);
    insert(&a, 1, 1, "x", true);
    begin(&b);
    Step step = {.s = &b, .fn = step_insert, .id = 1, .v = 2};
    step_start(&step);
    cr_assert(step_blocks(&step));
    rollback(&a);
    step_join(&step);
    cr_assert_eq(step.status, ST_OK);
    cr_assert_eq(step.wrote, WRITE_DONE);
    commit(&b);
    begin(&a);
    cr_assert_eq(insert(&a, 1, 1, NULL, false), WRITE_DUPLICATE);
    cr_assert_eq(insert(&a, 2, 5, "u", true), WRITE_DONE);
    cr_assert_eq(insert(&a, 3, 5, "u", true), WRITE_DUPLICATE);
    rollback(&a);
    /* Deleted and uncommitted: wait; committed: free. */
    begin(&a);
    delete_row(&a, 1);
    begin(&b);
    step = (Step){.s = &b, .fn = step_insert, .id = 1, .v = 3};
    step_start(&step);
    cr_assert(step_blocks(&step));
    commit(&a);
    step_join(&step);
    cr_assert_eq(step.wrote, WRITE_DONE);
    commit(&b);
    session_close(&a);
    session_close(&b);
    fixture_free(f);
}

Test(txn, a_thousand_nested_savepoints)
{
    Fixture *f = fixture_new();
    Session a;
    int level = 0;
    session_open(&a, f, 1);
    begin(&a);
    for (int i = 1; i <= 1000; i++) {
        OK(txn_savepoint(a.txn, &level, err));
        cr_assert_eq(level, i);
        insert(&a, i, i, NULL, false);
        if (i > 1) update(&a, i - 1, 1000, true);
    }
    cr_assert_eq(count_rows(&a, SNAPSHOT_LATEST, &f->table, NULL), 1000);
    OK(txn_rollback_to(a.txn, 501, err)); /* row 501 on is gone, and row 500 was not updated */
    cr_assert_eq(count_rows(&a, SNAPSHOT_LATEST, &f->table, NULL), 500);
    cr_assert_eq(get_v(&a, SNAPSHOT_LATEST, 500), 500);
    cr_assert_eq(get_v(&a, SNAPSHOT_LATEST, 499), 1499);
    cr_assert_eq(txn_savepoint_level(a.txn), 501);
    txn_release_savepoint(a.txn, 400);
    insert(&a, 2000, 1, NULL, false);
    OK(txn_rollback_to(a.txn, 300, err));
    cr_assert_eq(count_rows(&a, SNAPSHOT_LATEST, &f->table, NULL), 299);
    txn_release_savepoint(a.txn, 1);
    commit(&a);
    begin(&a);
    cr_assert_eq(count_rows(&a, SNAPSHOT_LATEST, &f->table, NULL), 299);
    cr_assert_eq(get_v(&a, SNAPSHOT_LATEST, 299), 299);
    cr_assert_eq(get_v(&a, SNAPSHOT_LATEST, 298), 1298);
    rollback(&a);
    session_close(&a);
    fixture_free(f);
}

Test(txn, a_savepoint_gives_its_locks_back)
{
    Fixture *f = fixture_new();
    Session a, b;
    int level;
    LockTag rel = {LOCKTAG_RELATION, 5, 0, 77, 0};
    bool granted;
    session_open(&a, f, 1);
    session_open(&b, f, 2);
    begin(&a);
    insert(&a, 1, 1, NULL, false);
    insert(&a, 2, 2, NULL, false);
    commit(&a);
    begin(&a);
    update(&a, 1, 1, true);
    OK(txn_savepoint(a.txn, &level, err));
    update(&a, 2, 1, true);
    OK(lock_acquire(a.owner, rel, LOCK_EXCLUSIVE, LOCK_WAIT, false, NULL, &granted, err));
    begin(&b);
    Step step = {.s = &b, .fn = step_update, .id = 2, .v = 5};
    step_start(&step);
    cr_assert(step_blocks(&step));
    OK(txn_rollback_to(a.txn, level, err));
    step_join(&step);
    cr_assert_eq(step.status, ST_OK);
    cr_assert_eq(step.outcome, ROWLOCK_OK);
    OK(lock_acquire(b.owner, rel, LOCK_EXCLUSIVE, LOCK_NOWAIT, false, NULL, &granted, err));
    step = (Step){.s = &b, .fn = step_update, .id = 1, .v = 5};
    step_start(&step);
    cr_assert(step_blocks(&step));
    commit(&a);
    step_join(&step);
    commit(&b);
    begin(&a);
    cr_assert_eq(get_v(&a, SNAPSHOT_LATEST, 1), 7);
    cr_assert_eq(get_v(&a, SNAPSHOT_LATEST, 2), 7);
    rollback(&a);
    session_close(&a);
    session_close(&b);
    fixture_free(f);
}

static int events[8];
static Status on_event(void *arg, Txn *t, TxnEvent e, int level, Error *err)
{
    events[e]++;
    (void)t;
    (void)level;
    return arg && e == TXN_PRE_COMMIT ? error_set(err, ERR_FOREIGN_KEY_VIOLATION, "deferred") : ST_OK;
}

Test(txn, events_and_failed_commits)
{
    Fixture *f = fixture_new();
    Session a;
    int level;
    session_open(&a, f, 1);
    begin(&a);
    OK(txn_on_event(a.txn, on_event, NULL, err));
    OK(txn_savepoint(a.txn, &level, err));
    OK(txn_rollback_to(a.txn, level, err));
    commit(&a);
    cr_assert(events[TXN_PRE_COMMIT] == 1 && events[TXN_COMMITTED] == 1 && events[TXN_ROLLED_BACK_TO] == 1 && events[TXN_ABORTED] == 0);
    begin(&a);
    insert(&a, 1, 1, NULL, false);
    OK(txn_on_event(a.txn, on_event, &a, err));
    Txn *t = a.txn;
    a.txn = NULL;
    FAILS(txn_commit(t, err), ERR_FOREIGN_KEY_VIOLATION);
    cr_assert_eq(events[TXN_ABORTED], 1);
    begin(&a);
    cr_assert_eq(get_v(&a, SNAPSHOT_LATEST, 1), -1);
    rollback(&a);
    session_close(&a);
    fixture_free(f);
}

Test(txn, row_lock_strengths)
{
    Fixture *f = fixture_new();
    Session a, b;
    /* want[held][asked]: compatible? */
    static const bool compatible[4][4] = {{1, 1, 1, 0}, {1, 1, 0, 0}, {1, 0, 0, 0}, {0, 0, 0, 0}};
    session_open(&a, f, 1);
    session_open(&b, f, 2);
    begin(&a);
    insert(&a, 1, 1, NULL, false);
    commit(&a);
    for (int held = 0; held < 4; held++)
        for (int asked = 0; asked < 4; asked++) {
            RowLockOutcome out;
            begin(&a);
            begin(&b);
            TupleSlot *sa = slot_new(&a.arena, &f->desc), *sb = slot_new(&b.arena, &f->desc);
            Datum one = datum_i32(1);
            OK(table_get(a.txn, SNAPSHOT_LATEST, &f->table, &one, sa, &a.arena, err));
            OK(table_get(b.txn, SNAPSHOT_LATEST, &f->table, &one, sb, &b.arena, err));
            OK(row_lock(a.txn, &f->table, sa, (RowLockStrength)held, LOCK_WAIT, NULL, &a.arena, &out, err));
            OK(row_lock(b.txn, &f->table, sb, (RowLockStrength)asked, LOCK_SKIP, NULL, &b.arena, &out, err));
            cr_assert_eq(out, compatible[held][asked] ? ROWLOCK_OK : ROWLOCK_BUSY, "%d %d", held, asked);
            if (!compatible[held][asked]) {
                FAILS(row_lock(b.txn, &f->table, sb, (RowLockStrength)asked, LOCK_NOWAIT, NULL, &b.arena, &out, err), ERR_LOCK_NOT_AVAILABLE);
            }
            rollback(&a);
            rollback(&b);
        }
    session_close(&a);
    session_close(&b);
    fixture_free(f);
}

/* Sixteen threads move money between 20 rows; the sum stays, and READ COMMITTED loses no update. */
typedef struct Mover { Session s; pthread_t thread; uint64_t random; int moved, failed; } Mover;

static void *move_money(void *arg)
{
    Mover *m = arg;
    for (int i = 0; i < 60; i++) {
        Error e = ERROR_INIT;
        RowLockOutcome out;
        int from = (int)(test_random(&m->random) % 20), to = (int)(test_random(&m->random) % 20);
        begin(&m->s);
        Status st = try_update_id(&m->s, from, from, -1, true, &out, &e);
        if (!failed(st)) st = try_update_id(&m->s, to, to, 1, true, &out, &e);
        if (failed(st)) {
            cr_assert_eq((int)e.code, (int)ERR_T_R_DEADLOCK_DETECTED, "%s", e.message);
            m->failed++;
            rollback(&m->s);
        } else {
            m->moved++;
            commit(&m->s);
        }
        error_clear(&e);
    }
    return NULL;
}

Test(txn, no_update_is_lost)
{
    Fixture *f = fixture_new();
    static Mover movers[8];
    Session a;
    int64_t sum;
    uint64_t seed = test_seed();
    session_open(&a, f, 1);
    begin(&a);
    for (int i = 0; i < 20; i++) insert(&a, i, 1000, NULL, false);
    commit(&a);
    for (int i = 0; i < 8; i++) {
        session_open(&movers[i].s, f, 10 + i);
        movers[i].random = seed * (uint64_t)(2 * i + 1);
        pthread_create(&movers[i].thread, NULL, move_money, &movers[i]);
    }
    for (int i = 0; i < 8; i++) {
        pthread_join(movers[i].thread, NULL);
        session_close(&movers[i].s);
    }
    begin(&a);
    cr_assert_eq(count_rows(&a, SNAPSHOT_LATEST, &f->table, &sum), 20);
    cr_assert_eq(sum, 20000);
    rollback(&a);
    session_close(&a);
    fixture_free(f);
}
