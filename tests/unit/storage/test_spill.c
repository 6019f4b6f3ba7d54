/* Transactions past their buffer: the same results as within it, against a model; statements that write while they scan. */
#include "txn_test.h"

enum { IDS = 300, LEVELS = 6 };

typedef struct Model { int v[IDS]; } Model; /* -1: no row */

static void check_model(Session *s, const Snapshot *snap, const Model *m, const char *what)
{
    TupleSlot *slot = slot_new(&s->arena, &s->f->desc);
    Scan *scan;
    for (int back = 0; back < 2; back++) {
        int at = back ? IDS : -1;
        OK(table_scan_open(s->txn, snap, &s->f->table, NULL, back ? SCAN_BACKWARD : 0, &scan, err));
        for (;;) {
            OK(scan_next(scan, slot, err));
            do at += back ? -1 : 1;
            while (at >= 0 && at < IDS && m->v[at] < 0);
            if (slot->empty) break;
            OK(slot_decode_all(slot, err));
            cr_assert_eq(datum_get_i32(slot->values[0]), at, "%s: row %d, expected %d", what, (int)datum_get_i32(slot->values[0]), at);
            cr_assert_eq(datum_get_i32(slot->values[1]), m->v[at], "%s: row %d is %d", what, at, (int)datum_get_i32(slot->values[1]));
        }
        cr_assert(back ? at < 0 : at >= IDS, "%s: ended at %d", what, at);
        scan_close(scan);
    }
}

static void padding(char *out, uint64_t *x)
{
    int n = (int)(test_random(x) % 200);
    memset(out, 'p', (size_t)n);
    out[n] = 0;
}

static void put(Session *s, Model *m, int id, int v, uint64_t *x)
{
    Arena *a = &s->arena;
    char pad[256];
    WriteOutcome out;
    padding(pad, x);
    if (m->v[id] < 0) {
        OK(table_insert(s->txn, &s->f->table, new_row(s, id, v, pad), a, &out, err));
        cr_assert_eq(out, WRITE_DONE);
    } else {
        TupleSlot *seen = slot_new(a, &s->f->desc);
        Datum key = datum_i32(id);
        RowLockOutcome lock;
        OK(table_get(s->txn, SNAPSHOT_LATEST, &s->f->table, &key, seen, a, err));
        cr_assert(!seen->empty);
        OK(row_lock(s->txn, &s->f->table, seen, ROW_NO_KEY_UPDATE, LOCK_WAIT, NULL, a, &lock, err));
        cr_assert_eq(lock, ROWLOCK_OK);
        OK(table_update(s->txn, &s->f->table, seen, new_row(s, id, v, pad), a, &out, err));
    }
    m->v[id] = v;
}

static void random_transaction(Session *s, Session *other, Model *committed, uint64_t *x)
{
    Model m = *committed, saved[LEVELS], frozen;
    int level = 0;
    Snapshot *snap = NULL;
    begin(s);
    for (int i = 0, n = (int)(test_random(x) % 800); i < n; i++) {
        int id = (int)(test_random(x) % IDS), v = (int)(test_random(x) % 100000);
        unsigned op = (unsigned)(test_random(x) % 1000);
        if (op < 700) {
            put(s, &m, id, v, x);
        } else if (op < 930) {
            if (m.v[id] >= 0) delete_row(s, id);
            m.v[id] = -1;
        } else if (op < 950 && level < LEVELS) {
            saved[level] = m;
            OK(txn_savepoint(s->txn, &level, err));
        } else if (op < 965 && level > 0) {
            level = (int)(test_random(x) % (unsigned)level) + 1;
            OK(txn_rollback_to(s->txn, level, err));
            m = saved[level - 1];
            snapshot_release(snap); /* a cursor from inside would be gone too */
            snap = NULL;
        } else if (op < 970 && level > 0) {
            level--;
            txn_release_savepoint(s->txn, level + 1);
        } else if (op < 980 && !snap) {
            OK(snapshot_take(s->txn, &snap, err));
            frozen = m;
        } else if (op < 990 && snap) {
            check_model(s, snap, &frozen, "frozen");
            snapshot_release(snap);
            snap = NULL;
        } else {
            check_model(s, SNAPSHOT_LATEST, &m, "inside");
        }
        if (i % 100 == 99) arena_reset(&s->arena);
    }
    if (snap) check_model(s, snap, &frozen, "frozen at the end");
    snapshot_release(snap);
    check_model(s, SNAPSHOT_LATEST, &m, "before the end");
    begin(other);
    check_model(other, SNAPSHOT_LATEST, committed, "other, before");
    rollback(other);
    if (test_random(x) % 4) {
        commit(s);
        *committed = m;
    } else {
        rollback(s);
    }
    begin(other);
    check_model(other, SNAPSHOT_LATEST, committed, "other, after");
    rollback(other);
}

static void run_model(size_t buffer, int rounds)
{
    Fixture *f = fixture_new();
    Session s, other;
    Model m;
    uint64_t x = test_seed();
    txn_set_buffer_bytes(f->db, buffer);
    session_open(&s, f, 1);
    session_open(&other, f, 2);
    for (int i = 0; i < IDS; i++) m.v[i] = -1;
    for (int i = 0; i < rounds; i++) random_transaction(&s, &other, &m, &x);
    session_close(&s);
    session_close(&other);
    fixture_free(f);
}

Test(spill, model_with_a_tiny_buffer) { run_model(20 * 1024, 8); }
Test(spill, model_with_a_middling_buffer) { run_model(40 * 1024, 10); }
Test(spill, model_without_spills) { run_model(4 << 20, 15); }

/* INSERT ... SELECT from the same table and UPDATE of every row see each row once, wherever the buffer spills. */
Test(spill, statements_do_not_see_themselves)
{
    Fixture *f = fixture_new();
    Session s;
    enum { N = 3000 };
    int64_t sum;
    session_open(&s, f, 1);
    txn_set_buffer_bytes(f->db, 32 * 1024);
    begin(&s);
    for (int i = 0; i < N; i++) {
        insert(&s, i, i, NULL, false);
        if (i % 500 == 499) arena_reset(&s.arena);
    }
    for (int round = 0; round < 2; round++) { /* in the same transaction, then in another */
        Snapshot *snap;
        Scan *scan;
        int n = 0;
        OK(snapshot_take(s.txn, &snap, err));
        OK(table_scan_open(s.txn, snap, &f->table, NULL, 0, &scan, err));
        TupleSlot *slot = slot_new(&s.arena, &f->desc);
        Arena row_arena;
        arena_init(&row_arena, NULL, 0);
        for (;; n++) {
            RowLockOutcome out;
            WriteOutcome wrote;
            OK(scan_next(scan, slot, err));
            if (slot->empty) break;
            OK(slot_decode_all(slot, err));
            cr_assert_eq(datum_get_i32(slot->values[1]), n + round * 10, "round %d row %d", round, n);
            Datum values[3] = {slot->values[0], datum_i32(n + 10 + round * 10), 0};
            bool nulls[3] = {false, false, true};
            TupleSlot row = {.desc = &f->desc, .values = values, .nulls = nulls};
            slot_store_virtual(&row);
            OK(row_lock(s.txn, &f->table, slot, ROW_NO_KEY_UPDATE, LOCK_WAIT, NULL, &row_arena, &out, err));
            cr_assert_eq(out, ROWLOCK_OK);
            OK(table_update(s.txn, &f->table, slot, &row, &row_arena, &wrote, err));
            /* Another row, far behind and ahead, that this statement must not meet. */
            values[0] = datum_i32(1000000 + round * 10000 + n);
            OK(table_insert(s.txn, &f->table, &row, &row_arena, &wrote, err));
            OK(table_delete(s.txn, &f->table, &row, err));
            arena_reset(&row_arena);
        }
        arena_destroy(&row_arena);
        cr_assert_eq(n, N);
        scan_close(scan);
        snapshot_release(snap);
        commit(&s);
        begin(&s);
        cr_assert_eq(count_rows(&s, SNAPSHOT_LATEST, &f->table, &sum), N);
        cr_assert_eq(sum, (int64_t)N * (N - 1) / 2 + (int64_t)N * 10 * (round + 1));
    }
    rollback(&s);
    session_close(&s);
    fixture_free(f);
}

/* Keys in order go into runs that are written once; rows inside them can be changed afterwards. */
Test(spill, ordered_loads_become_runs)
{
    Fixture *f = fixture_new();
    Session s, other;
    enum { N = 20000 };
    int64_t sum;
    session_open(&s, f, 1);
    session_open(&other, f, 2);
    txn_set_buffer_bytes(f->db, 256 * 1024);
    begin(&s);
    for (int i = 0; i < N; i++) {
        WriteOutcome out;
        OK(table_insert(s.txn, &f->heap, new_row(&s, i, 1, NULL), &s.arena, &out, err));
        insert(&s, 2 * i, 1, NULL, false);
        if (i % 500 == 499) arena_reset(&s.arena);
    }
    cr_assert(s.txn->spill && s.txn->spill->runs);
    cr_assert_eq(insert(&s, 2 * 77, 1, NULL, false), WRITE_DUPLICATE);
    cr_assert_eq(insert(&s, 2 * 77 + 1, 1, NULL, false), WRITE_DONE);
    update(&s, 2 * 100, 4, true);
    delete_row(&s, 2 * 200);
    delete_row(&s, 2 * 77 + 1);
    cr_assert_eq(count_rows(&s, SNAPSHOT_LATEST, &f->heap, &sum), N);
    cr_assert_eq(count_rows(&s, SNAPSHOT_LATEST, &f->table, &sum), N - 1);
    cr_assert_eq(sum, N - 1 + 4);
    begin(&other);
    cr_assert_eq(count_rows(&other, SNAPSHOT_LATEST, &f->heap, &sum), 0);
    /* A row that was spilled is locked all the same. */
    Step step = {.s = &other, .fn = step_insert, .id = 2 * 5, .v = 9};
    step_start(&step);
    cr_assert(step_blocks(&step));
    commit(&s);
    step_join(&step);
    cr_assert_eq(step.status, ST_OK);
    cr_assert_eq(step.wrote, WRITE_DUPLICATE);
    rollback(&other);
    begin(&s);
    cr_assert_eq(count_rows(&s, SNAPSHOT_LATEST, &f->heap, &sum), N);
    cr_assert_eq(count_rows(&s, SNAPSHOT_LATEST, &f->table, &sum), N - 1);
    cr_assert_eq(sum, N - 1 + 4);
    rollback(&s);
    session_close(&s);
    session_close(&other);
    fixture_free(f);
}

Test(spill, rollback_leaves_nothing)
{
    Fixture *f = fixture_new();
    Session s;
    int64_t sum;
    session_open(&s, f, 1);
    txn_set_buffer_bytes(f->db, 64 * 1024);
    for (int round = 0; round < 3; round++) {
        begin(&s);
        for (int i = 0; i < 5000; i++) {
            insert(&s, (i * 7919) % 5000, i, NULL, false);
            if (i % 500 == 499) arena_reset(&s.arena);
        }
        cr_assert_eq(count_rows(&s, SNAPSHOT_LATEST, &f->table, &sum), 5000);
        rollback(&s);
        begin(&s);
        cr_assert_eq(count_rows(&s, SNAPSHOT_LATEST, &f->table, &sum), 0);
        rollback(&s);
    }
    Kv *scratch;
    KvCursor *c;
    OK(database_kv(f->db, STORE_TEMP, &scratch, err));
    OK(kv_cursor_open(scratch, NULL, slice_cstr(""), slice_of(NULL, 0), false, &c, err));
    kv_cursor_seek(c, slice_of(NULL, 0));
    cr_assert(!kv_cursor_valid(c));
    kv_cursor_close(c);
    session_close(&s);
    fixture_free(f);
}

/* Many bare row locks become one on the relation. */
Test(spill, row_locks_are_bounded)
{
    Fixture *f = fixture_new();
    Session s, other;
    enum { N = 4000 };
    session_open(&s, f, 1);
    session_open(&other, f, 2);
    begin(&s);
    for (int i = 0; i < N; i++) insert(&s, i, 1, NULL, false);
    commit(&s);
    txn_set_buffer_bytes(f->db, 128 * 1024);
    begin(&s);
    for (int i = 0; i < N - 1; i++) {
        RowLockOutcome out;
        TupleSlot *seen = slot_new(&s.arena, &f->desc);
        Datum key = datum_i32(i);
        OK(table_get(s.txn, SNAPSHOT_LATEST, &f->table, &key, seen, &s.arena, err));
        OK(row_lock(s.txn, &f->table, seen, ROW_SHARE, LOCK_WAIT, NULL, &s.arena, &out, err));
        cr_assert_eq(out, ROWLOCK_OK);
    }
    cr_assert(s.owner->row_bytes < 128 * 1024, "%zu", s.owner->row_bytes);
    cr_assert_eq(s.txn->implicit.ncoarse, 1);
    begin(&other);
    Step step = {.s = &other, .fn = step_update, .id = N - 1, .v = 5};
    step_start(&step);
    cr_assert(step_blocks(&step));
    rollback(&s);
    step_join(&step);
    cr_assert_eq(step.status, ST_OK);
    cr_assert_eq(step.outcome, ROWLOCK_OK);
    commit(&other);
    session_close(&s);
    session_close(&other);
    fixture_free(f);
}

/* A session's budget: large transactions spill inside it, one row that is larger is 53200, and the session lives on. */
Test(spill, memory_limit)
{
    Fixture *f = fixture_new();
    Session s;
    int64_t sum;
    session_open(&s, f, 1);
    s.account.limit = 400 * 1024;
    begin(&s);
    for (int i = 0; i < 20000; i++) {
        insert(&s, i, 1, NULL, false);
        if (i % 500 == 499) arena_reset(&s.arena);
    }
    char *big = malloc(1 << 20);
    memset(big, 'b', 1 << 20);
    big[(1 << 20) - 1] = 0;
    WriteOutcome out;
    FAILS(try_insert(&s, &f->table, 1000000, 1, big, false, &out, err), ERR_OUT_OF_MEMORY);
    free(big);
    arena_reset(&s.arena);
    commit(&s);
    begin(&s);
    cr_assert_eq(count_rows(&s, SNAPSHOT_LATEST, &f->table, &sum), 20000);
    rollback(&s);
    session_close(&s);
    fixture_free(f);
}
