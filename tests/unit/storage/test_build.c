/* Scans of tables and indexes in both directions, ranges, and builds (small and external) with what they leave when undone. */
#include "storage/gaps.h"
#include "txn_test.h"

static int collect(Session *s, const Snapshot *snap, const IndexDef *index, const ScanRange *range, unsigned flags, int *ids, int max)
{
    Scan *scan;
    TupleSlot *slot = slot_new(&s->arena, &s->f->desc);
    int n = 0;
    if (index) OK(index_scan_open(s->txn, snap, index, range, flags, &scan, err));
    else OK(table_scan_open(s->txn, snap, &s->f->table, range, flags, &scan, err));
    for (;; n++) {
        OK(scan_next(scan, slot, err));
        if (slot->empty) break;
        OK(slot_decode_all(slot, err));
        if (n < max) ids[n] = datum_get_i32(slot->values[0]);
    }
    scan_close(scan);
    return n;
}

static ScanRange between(Datum *low, Datum *high, bool low_in, bool high_in)
{
    return (ScanRange){.low = {low ? 1 : 0, low, NULL, low_in}, .high = {high ? 1 : 0, high, NULL, high_in}};
}

static void fill(Session *s, int n)
{
    begin(s);
    for (int i = 0; i < n; i++) {
        char text[16];
        snprintf(text, sizeof text, "s%06d", n - i);
        cr_assert_eq(insert(s, i, i / 3, text, true), WRITE_DONE);
        if (i % 200 == 199) arena_reset(&s->arena);
    }
    commit(s);
}

Test(scan, ranges_of_tables_and_indexes)
{
    Fixture *f = fixture_new();
    Session s;
    int ids[400];
    session_open(&s, f, 1);
    fill(&s, 300);
    for (int own = 0; own < 2; own++) { /* committed rows, then the same merged with own ones */
        begin(&s);
        if (own) {
            delete_row(&s, 10);
            update(&s, 11, 1000, true);
        }
        Datum low = datum_i32(10), high = datum_i32(20);
        ScanRange r = between(&low, &high, true, true);
        cr_assert_eq(collect(&s, SNAPSHOT_LATEST, NULL, &r, 0, ids, 400), own ? 10 : 11);
        r = between(&low, &high, false, false);
        cr_assert_eq(collect(&s, SNAPSHOT_LATEST, NULL, &r, SCAN_BACKWARD, ids, 400), 9);
        cr_assert(ids[0] == 19 && ids[8] == 11);
        r = between(NULL, &low, false, false);
        cr_assert_eq(collect(&s, SNAPSHOT_LATEST, NULL, &r, 0, ids, 400), 10);
        r = between(&high, NULL, false, false);
        cr_assert_eq(collect(&s, SNAPSHOT_LATEST, NULL, &r, 0, ids, 400), 279);
        if (!own) {
            r = between(&low, &high, true, true);
            cr_assert_eq(collect(&s, SNAPSHOT_LATEST, &f->by_v, &r, 0, ids, 400), 33);
            cr_assert(ids[0] == 30 && ids[32] == 62);
            cr_assert_eq(collect(&s, SNAPSHOT_LATEST, &f->by_v, &r, SCAN_BACKWARD, ids, 400), 33);
            cr_assert(ids[0] == 62 && ids[32] == 30);
            cr_assert_eq(collect(&s, SNAPSHOT_LATEST, &f->by_s, NULL, 0, ids, 400), 300);
            cr_assert(ids[0] == 299 && ids[299] == 0);
        }
        rollback(&s);
    }
    session_close(&s);
    fixture_free(f);
}

Test(scan, look_up_by_unique_index)
{
    Fixture *f = fixture_new();
    Session s;
    session_open(&s, f, 1);
    fill(&s, 50);
    begin(&s);
    TupleSlot *slot = slot_new(&s.arena, &f->desc);
    Datum key = text_datum(&s.arena, "s000007");
    OK(index_get(s.txn, SNAPSHOT_LATEST, &f->by_s, &key, slot, &s.arena, err));
    cr_assert(!slot->empty);
    OK(slot_decode_all(slot, err));
    cr_assert_eq(datum_get_i32(slot->values[0]), 43);
    key = text_datum(&s.arena, "nobody");
    OK(index_get(s.txn, SNAPSHOT_LATEST, &f->by_s, &key, slot, &s.arena, err));
    cr_assert(slot->empty);
    rollback(&s);
    session_close(&s);
    fixture_free(f);
}

/* A cursor walked at random in both directions, of a table and of an index, with own rows and without. */
static void walk(Session *s, const IndexDef *index, unsigned flags, int n, uint64_t *x)
{
    Scan *scan;
    Snapshot *snap;
    TupleSlot *slot = slot_new(&s->arena, &s->f->desc);
    int at = -1;
    bool down = (flags & SCAN_BACKWARD) != 0;
    OK(snapshot_take(s->txn, &snap, err));
    if (index) OK(index_scan_open(s->txn, snap, index, NULL, flags, &scan, err));
    else OK(table_scan_open(s->txn, snap, &s->f->table, NULL, flags, &scan, err));
    for (int i = 0; i < 400; i++) {
        int steps = (int)(test_random(x) % (i % 20 == 0 ? 200 : 12));
        bool next = test_random(x) % 2;
        while (steps-- > 0) {
            if (next) OK(scan_next(scan, slot, err));
            else OK(scan_prev(scan, slot, err));
            at += next ? 1 : -1;
            if (at < -1) at = -1;
            if (at > n) at = n;
            cr_assert_eq(slot->empty, at < 0 || at >= n, "at %d of %d", at, n);
            if (slot->empty) break;
            OK(slot_decode_all(slot, err));
            cr_assert_eq(datum_get_i32(slot->values[0]), down ? n - 1 - at : at);
        }
        if (test_random(x) % 50 == 0 && txn_has_own(s->txn)) OK(txn_spill(s->txn, err));
    }
    scan_close(scan);
    snapshot_release(snap);
}

Test(scan, cursors_turn)
{
    Fixture *f = fixture_new();
    Session s;
    uint64_t x = test_seed();
    session_open(&s, f, 1);
    fill(&s, 150);
    begin(&s);
    walk(&s, NULL, 0, 150, &x);
    walk(&s, NULL, SCAN_BACKWARD, 150, &x);
    walk(&s, &f->by_v, 0, 150, &x);
    walk(&s, &f->by_v, SCAN_BACKWARD, 150, &x);
    for (int i = 150; i < 200; i++) insert(&s, i, i / 3, NULL, true);
    walk(&s, NULL, 0, 200, &x);
    for (int i = 200; i < 220; i++) insert(&s, i, i / 3, NULL, true);
    walk(&s, NULL, SCAN_BACKWARD, 220, &x);
    walk(&s, &f->by_v, 0, 220, &x);
    walk(&s, &f->by_v, SCAN_BACKWARD, 220, &x);
    rollback(&s);
    session_close(&s);
    fixture_free(f);
}

Test(scan, index_only)
{
    Fixture *f = fixture_new();
    Session s;
    Scan *scan;
    int n = 0;
    session_open(&s, f, 1);
    fill(&s, 60);
    begin(&s);
    TupleSlot *slot = slot_new(&s.arena, &f->v_desc);
    OK(index_scan_open(s.txn, SNAPSHOT_LATEST, &f->by_v, NULL, SCAN_INDEX_ONLY, &scan, err));
    for (;; n++) {
        OK(scan_next(scan, slot, err));
        if (slot->empty) break;
        OK(slot_decode_all(slot, err));
        cr_assert_eq(datum_get_i32(slot->values[0]), n / 3);
    }
    cr_assert_eq(n, 60);
    scan_close(scan);
    rollback(&s);
    session_close(&s);
    fixture_free(f);
}

Test(scan, nulls_are_left_out)
{
    Fixture *f = fixture_new();
    Session s;
    int ids[10];
    session_open(&s, f, 1);
    begin(&s);
    insert(&s, 1, 1, "a", true);
    insert(&s, 2, 2, NULL, true);
    insert(&s, 3, 3, "b", true);
    insert(&s, 4, 4, NULL, true);
    Datum a = text_datum(&s.arena, "a");
    ScanRange r = between(&a, NULL, false, false);
    cr_assert_eq(collect(&s, SNAPSHOT_LATEST, &f->by_s, &r, 0, ids, 10), 3);
    r.skip_nulls = true;
    cr_assert_eq(collect(&s, SNAPSHOT_LATEST, &f->by_s, &r, 0, ids, 10), 1);
    cr_assert_eq(ids[0], 3);
    bool null = true;
    r = (ScanRange){.low = {1, &a, &null, true}, .high = {1, &a, &null, true}};
    cr_assert_eq(collect(&s, SNAPSHOT_LATEST, &f->by_s, &r, 0, ids, 10), 2);
    rollback(&s);
    session_close(&s);
    fixture_free(f);
}

static Status build_by_v(Session *s, int n, int distinct, const IndexDef *index, bool *duplicate, TupleSlot *dup, Error *err)
{
    Build *b;
    TRY(index_build_begin(s->txn, index, &b, err));
    for (int i = 0; i < n; i++) {
        int id = (int)((uint64_t)i * 7919 % (uint64_t)n);
        StrBuf sb;
        Datum d = datum_i32(id), v = datum_i32(id % distinct);
        bool null = false;
        strbuf_init(&sb, &s->arena);
        TRY(key_encode(key_id, 1, &d, NULL, &sb, err));
        TRY(index_build_add(b, &v, &null, strbuf_slice(&sb), err));
        if (i % 1000 == 999) arena_reset(&s->arena);
    }
    return build_finish(b, duplicate, dup, &s->arena, err);
}

static void build_and_check(int n, bool use_rollback)
{
    Fixture *f = fixture_new();
    Session s;
    bool duplicate;
    session_open(&s, f, 1);
    begin(&s);
    OK(build_by_v(&s, n, 1000, &f->by_v, &duplicate, NULL, err));
    cr_assert(!duplicate);
    for (int round = 0; round < 2; round++) {
        Scan *scan;
        int rows = 0, last = -1;
        TupleSlot *slot = slot_new(&s.arena, &f->v_desc);
        Datum low = datum_i32(500);
        ScanRange r = between(&low, NULL, true, false);
        OK(index_scan_open(s.txn, SNAPSHOT_LATEST, &f->by_v, &r, SCAN_INDEX_ONLY, &scan, err));
        for (;; rows++) {
            OK(scan_next(scan, slot, err));
            if (slot->empty) break;
            OK(slot_decode_all(slot, err));
            cr_assert(datum_get_i32(slot->values[0]) >= last);
            last = datum_get_i32(slot->values[0]);
        }
        scan_close(scan);
        cr_assert_eq(rows, round && use_rollback ? 0 : n / 2, "%d rows", rows);
        if (round) break;
        if (use_rollback) rollback(&s);
        else commit(&s);
        begin(&s);
    }
    rollback(&s);
    session_close(&s);
    fixture_free(f);
}

Test(build, small) { build_and_check(2000, false); }
Test(build, external) { build_and_check(300000, false); }
Test(build, undone) { build_and_check(100000, true); }

Test(build, duplicates_are_found)
{
    Fixture *f = fixture_new();
    Session s;
    bool duplicate;
    int level;
    IndexDef unique = f->by_v;
    unique.unique = true;
    session_open(&s, f, 1);
    begin(&s);
    OK(txn_savepoint(s.txn, &level, err));
    TupleSlot *dup = slot_new(&s.arena, &f->v_desc);
    OK(build_by_v(&s, 500, 499, &unique, &duplicate, dup, err));
    cr_assert(duplicate);
    cr_assert_eq(datum_get_i32(dup->values[0]), 0);
    OK(txn_rollback_to(s.txn, level, err));
    OK(build_by_v(&s, 50000, 50000, &unique, &duplicate, NULL, err));
    cr_assert(!duplicate);
    OK(txn_rollback_to(s.txn, level, err));
    int ids[1];
    cr_assert_eq(collect(&s, SNAPSHOT_LATEST, &f->by_v, NULL, SCAN_INDEX_ONLY, ids, 0), 0);
    commit(&s);
    session_close(&s);
    fixture_free(f);
}

/* A rewritten table: rows in any order under a new storage id, read and changed by the same transaction, then by others. */
Test(build, table_rewrite)
{
    Fixture *f = fixture_new();
    Session s;
    Build *b;
    bool duplicate;
    int64_t sum;
    enum { N = 30000 };
    session_open(&s, f, 1);
    begin(&s);
    OK(table_build_begin(s.txn, &f->table, &b, err));
    for (int i = 0; i < N; i++) {
        OK(table_build_add(b, new_row(&s, i * 7919 % N, 1, "row"), err));
        if (i % 1000 == 999) arena_reset(&s.arena);
    }
    OK(build_finish(b, &duplicate, NULL, &s.arena, err));
    cr_assert(!duplicate);
    cr_assert_eq(count_rows(&s, SNAPSHOT_LATEST, &f->table, &sum), N);
    cr_assert_eq(insert(&s, 5, 1, NULL, false), WRITE_DUPLICATE);
    update(&s, 5, 9, true);
    delete_row(&s, 6);
    insert(&s, N + 5, 1, NULL, false);
    cr_assert_eq(get_v(&s, SNAPSHOT_LATEST, 5), 10);
    commit(&s);
    begin(&s);
    cr_assert_eq(count_rows(&s, SNAPSHOT_LATEST, &f->table, &sum), N);
    cr_assert_eq(sum, N + 9);
    cr_assert_eq(get_v(&s, SNAPSHOT_LATEST, 5), 10);
    rollback(&s);
    session_close(&s);
    fixture_free(f);
}

/* A queue: many deletions before the first row. The gap is noted, jumped over, and forgotten when somebody writes into it. */
Test(gaps, queue)
{
    Fixture *f = fixture_new();
    Session s;
    Snapshot *snap;
    int64_t sum;
    enum { N = 2000 };
    session_open(&s, f, 1);
    begin(&s);
    for (int i = 0; i < N; i++) {
        insert(&s, i, 1, NULL, false);
        if (i % 500 == 499) arena_reset(&s.arena);
    }
    commit(&s);
    begin(&s);
    for (int i = 0; i < N - 10; i++) {
        delete_row(&s, i);
        if (i % 500 == 499) arena_reset(&s.arena);
    }
    commit(&s);
    TxnState *state = txn_state_get(f->db, NULL);
    uint8_t lower[4];
    StrBuf end;
    bool jumps = false;
    strbuf_init_heap(&end, NULL);
    key_put_u32(lower, f->table.storage_id);
    for (int i = 0; i < 5; i++) {
        begin(&s);
        OK(snapshot_take(s.txn, &snap, err));
        cr_assert_eq(count_rows(&s, snap, &f->table, &sum), 10);
        jumps = gaps_jump(s.txn, snapshot_sequence(snap), slice_of(lower, 4), &end);
        snapshot_release(snap);
        rollback(&s);
    }
    cr_assert(jumps && atomic_load(&state->gap_count) == 1);
    begin(&s);
    insert(&s, 100, 1, NULL, false);
    commit(&s);
    cr_assert_eq(atomic_load(&state->gap_count), 0);
    begin(&s);
    OK(snapshot_take(s.txn, &snap, err));
    cr_assert_eq(count_rows(&s, snap, &f->table, &sum), 11);
    snapshot_release(snap);
    rollback(&s);
    strbuf_free(&end);
    session_close(&s);
    fixture_free(f);
}
