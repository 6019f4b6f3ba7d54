/* Transactions over all places (database, global, temporary), deferrable keys, drops, and many writers while transactions spill. */
#include "txn_test.h"

static Status put_row_in(Session *s, const TableDef *t, int id, int v, Error *err)
{
    WriteOutcome out;
    return table_insert(s->txn, t, new_row(s, id, v, "row"), &s->arena, &out, err);
}

static int count_in(Fixture *f, const TableDef *t)
{
    Session s;
    int64_t sum;
    session_open(&s, f, 99);
    begin(&s);
    int n = count_rows(&s, SNAPSHOT_LATEST, t, &sum);
    rollback(&s);
    session_close(&s);
    return n;
}

static void three_places(size_t buffer)
{
    Fixture *f = fixture_new();
    Session s;
    TableDef global = f->table, temp = f->table;
    global.place = STORE_GLOBAL;
    global.storage_id = 50;
    temp.place = STORE_TEMP;
    OK(database_new_storage_id(f->db, &temp.storage_id, err));
    txn_set_buffer_bytes(f->db, buffer);
    session_open(&s, f, 1);
    for (int round = 0; round < 3; round++) { /* rolled back, committed, committed with other rows */
        begin(&s);
        for (int i = 0; i < 300; i++) {
            OK(put_row_in(&s, &global, round * 1000 + i, i, err));
            OK(put_row_in(&s, &temp, round * 1000 + i, i, err));
            OK(put_row_in(&s, &f->table, round * 1000 + i, i, err));
        }
        int64_t sum;
        cr_assert_eq(count_rows(&s, SNAPSHOT_LATEST, &temp, &sum), round == 2 ? 600 : 300);
        cr_assert_eq(count_rows(&s, SNAPSHOT_LATEST, &global, &sum), round == 2 ? 600 : 300);
        if (round == 0) rollback(&s);
        else commit(&s);
        int want = 300 * round;
        cr_assert_eq(count_in(f, &global), want);
        cr_assert_eq(count_in(f, &temp), want);
        cr_assert_eq(count_in(f, &f->table), want);
    }
    session_close(&s);
    /* Temporary rows do not survive a start, the others do. */
    fixture_close(f);
    fixture_open(f);
    cr_assert_eq(count_in(f, &global), 600);
    cr_assert_eq(count_in(f, &temp), 0);
    cr_assert_eq(count_in(f, &f->table), 600);
    fixture_free(f);
}

Test(places, small) { three_places(4 << 20); }
Test(places, spilled) { three_places(16 * 1024); }

Test(places, dropped_storage_is_reclaimed)
{
    Fixture *f = fixture_new();
    Session s;
    session_open(&s, f, 1);
    begin(&s);
    for (int i = 0; i < 100; i++) insert(&s, i, i, NULL, false);
    commit(&s);
    begin(&s);
    OK(txn_drop_storage(s.txn, STORE_DATABASE, f->table.storage_id, err));
    rollback(&s);
    cr_assert_eq(count_in(f, &f->table), 100);
    begin(&s);
    OK(txn_drop_storage(s.txn, STORE_DATABASE, f->table.storage_id, err));
    commit(&s);
    for (int i = 0; i < 2000 && count_in(f, &f->table); i++) sched_yield(); /* the housekeeper does it */
    session_close(&s);
    fixture_free(f);
}

Test(places, deferrable_unique_keys)
{
    Fixture *f = fixture_new();
    Session s;
    int n;
    IndexDef d = f->by_s;
    d.deferrable = true;
    session_open(&s, f, 1);
    begin(&s);
    Datum x = text_datum(&s.arena, "x");
    bool no = false, yes = true;
    WriteOutcome out;
    Slice other = slice_of(NULL, 0);
    OK(index_insert(s.txn, &d, &x, &no, slice_cstr("row1"), true, &s.arena, &out, &other, err));
    cr_assert_eq(out, WRITE_DONE);
    OK(index_insert(s.txn, &d, &x, &no, slice_cstr("row2"), true, &s.arena, &out, &other, err));
    cr_assert(out == WRITE_DUPLICATE && slice_equal(other, slice_cstr("row1")));
    OK(index_insert(s.txn, &d, &x, &no, slice_cstr("row2"), false, &s.arena, &out, &other, err));
    cr_assert_eq(out, WRITE_DONE);
    OK(index_count_equal(s.txn, &d, &x, &no, &n, err));
    cr_assert_eq(n, 2);
    OK(index_delete(s.txn, &d, &x, &no, slice_cstr("row1"), err));
    OK(index_count_equal(s.txn, &d, &x, &no, &n, err));
    cr_assert_eq(n, 1);
    for (int i = 0; i < 2; i++) { /* nulls are distinct */
        OK(index_insert(s.txn, &d, &x, &yes, i ? slice_cstr("row3") : slice_cstr("row4"), true, &s.arena, &out, &other, err));
        cr_assert_eq(out, WRITE_DONE);
    }
    commit(&s);
    session_close(&s);
    fixture_free(f);
}

/* Workers take the first row that nobody else has: each row goes to one. */
typedef struct Worker { Session s; pthread_t thread; int taken; } Worker;

static void *work(void *arg)
{
    Worker *w = arg;
    for (bool more = true; more;) {
        Snapshot *snap;
        Scan *scan;
        TupleSlot *slot = slot_new(&w->s.arena, &w->s.f->desc);
        RowLockOutcome out = ROWLOCK_BUSY;
        begin(&w->s);
        OK(snapshot_take(w->s.txn, &snap, err));
        OK(table_scan_open(w->s.txn, snap, &w->s.f->table, NULL, 0, &scan, err));
        for (;;) {
            OK(scan_next(scan, slot, err));
            more = !slot->empty;
            if (!more) break;
            OK(row_lock(w->s.txn, &w->s.f->table, slot, ROW_UPDATE, LOCK_SKIP, NULL, &w->s.arena, &out, err));
            if (out != ROWLOCK_OK) continue;
            OK(table_delete(w->s.txn, &w->s.f->table, slot, err));
            w->taken++;
            break;
        }
        scan_close(scan);
        snapshot_release(snap);
        commit(&w->s);
    }
    return NULL;
}

Test(places, a_queue_with_skip_locked)
{
    Fixture *f = fixture_new();
    static Worker workers[4];
    Session s;
    enum { N = 300 };
    session_open(&s, f, 1);
    begin(&s);
    for (int i = 0; i < N; i++) insert(&s, i, i, NULL, false);
    commit(&s);
    int taken = 0;
    for (int i = 0; i < 4; i++) {
        session_open(&workers[i].s, f, 10 + i);
        pthread_create(&workers[i].thread, NULL, work, &workers[i]);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(workers[i].thread, NULL);
        taken += workers[i].taken;
        session_close(&workers[i].s);
    }
    /* A worker may have seen only locked rows at the end and stopped; nobody took a row twice. */
    cr_assert_eq(taken + count_in(f, &f->table), N);
    session_close(&s);
    fixture_free(f);
}

/* Writers whose every second write spills (or whose locks become relation-wide at once): sums stay, deadlocks are reported. */
typedef struct Mover { Session s; pthread_t thread; uint64_t random; int rounds; } Mover;

static void *move_money(void *arg)
{
    Mover *m = arg;
    for (int i = 0; i < m->rounds; i++) {
        Error e = ERROR_INIT;
        RowLockOutcome out;
        int row[3];
        for (int j = 0; j < 3; j++) row[j] = (int)(test_random(&m->random) % 12);
        begin(&m->s);
        Status st = try_update_id(&m->s, row[0], row[0], -2, true, &out, &e);
        if (!failed(st)) st = try_update_id(&m->s, row[1], row[1], 1, true, &out, &e);
        if (!failed(st)) st = try_update_id(&m->s, row[2], row[2], 1, true, &out, &e);
        if (failed(st)) {
            cr_assert_eq((int)e.code, (int)ERR_T_R_DEADLOCK_DETECTED, "%s", e.message);
            rollback(&m->s);
        } else {
            commit(&m->s);
        }
        error_clear(&e);
    }
    return NULL;
}

static void movers(size_t buffer, int rounds)
{
    Fixture *f = fixture_new();
    static Mover mover[4];
    Session s;
    int64_t sum;
    uint64_t seed = test_seed();
    session_open(&s, f, 1);
    begin(&s);
    for (int i = 0; i < 12; i++) insert(&s, i, 1000, NULL, false);
    commit(&s);
    txn_set_buffer_bytes(f->db, buffer);
    for (int i = 0; i < 4; i++) {
        session_open(&mover[i].s, f, 10 + i);
        lock_owner_set_timeouts(mover[i].s.owner, 0, 10);
        mover[i].random = seed * (uint64_t)(2 * i + 1);
        mover[i].rounds = rounds;
        pthread_create(&mover[i].thread, NULL, move_money, &mover[i]);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(mover[i].thread, NULL);
        session_close(&mover[i].s);
    }
    begin(&s);
    cr_assert_eq(count_rows(&s, SNAPSHOT_LATEST, &f->table, &sum), 12);
    cr_assert_eq(sum, 12000, "%ld", (long)sum);
    rollback(&s);
    session_close(&s);
    fixture_free(f);
}

Test(places, spilling_writers_lose_nothing) { movers(2100, 25); }
Test(places, coarse_writers_lose_nothing) { movers(64, 25); }

Test(places, estimates)
{
    Fixture *f = fixture_new();
    Session s;
    double rows, bytes;
    session_open(&s, f, 1);
    begin(&s);
    for (int i = 0; i < 50; i++) insert(&s, i, i, "row", false);
    OK(table_estimate(s.txn, &f->table, &rows, &bytes, err));
    cr_assert_eq(rows, 50);
    commit(&s);
    begin(&s);
    for (int i = 50; i < 20000; i++) {
        insert(&s, i, i, "a row with a text that can be compressed, as rows are", false);
        if (i % 500 == 499) arena_reset(&s.arena);
    }
    commit(&s);
    for (int flushed = 0; flushed < 2; flushed++) {
        begin(&s);
        OK(table_estimate(s.txn, &f->table, &rows, &bytes, err));
        cr_assert(rows > 10000 && rows < 40000, "%f rows", rows);
        cr_assert(bytes > rows * 40 && bytes < rows * 120);
        rollback(&s);
        OK(kv_flush(f->db->kv, err));
    }
    session_close(&s);
    fixture_free(f);
}
