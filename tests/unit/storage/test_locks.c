/* Heavy locks: the matrix, fast slots, queues, deadlocks, timeouts, interrupts. */
#include "txn_test.h"

static LockTag relation(uint32_t oid) { return (LockTag){LOCKTAG_RELATION, 5, 0, oid, 0}; }

Test(locks, matrix)
{
    Fixture *f = fixture_new();
    Session a, b;
    /* Manual 13.3.1, "Conflicting Lock Modes"; rows and columns from ACCESS SHARE to ACCESS EXCLUSIVE. */
    static const char *conflicts[8] = {"00000001", "00000011", "00001111", "00011111", "00110111", "00111111", "01111111", "11111111"};
    session_open(&a, f, 1);
    session_open(&b, f, 2);
    for (int held = 1; held <= 8; held++)
        for (int asked = 1; asked <= 8; asked++) {
            bool granted, want = conflicts[held - 1][asked - 1] == '0';
            begin(&a);
            begin(&b);
            OK(lock_acquire(a.owner, relation(9), (LockMode)held, LOCK_WAIT, false, NULL, &granted, err));
            cr_assert(lock_held(a.owner, relation(9), (LockMode)held));
            OK(lock_acquire(b.owner, relation(9), (LockMode)asked, LOCK_SKIP, false, NULL, &granted, err));
            cr_assert_eq(granted, want, "%s, then %s", lock_mode_name((LockMode)held), lock_mode_name((LockMode)asked));
            rollback(&a);
            rollback(&b);
        }
    for (int i = 0; i < STRONG_BUCKETS; i++) cr_assert_eq(a.owner->manager->strong[i], 0);
    session_close(&a);
    session_close(&b);
    fixture_free(f);
}

Test(locks, counted_and_scoped)
{
    Fixture *f = fixture_new();
    Session a, b;
    bool granted;
    LockTag adv = {LOCKTAG_ADVISORY, 5, 1, 2, 1};
    session_open(&a, f, 1);
    session_open(&b, f, 2);
    begin(&a);
    begin(&b);
    for (int i = 0; i < 2; i++) OK(lock_acquire(a.owner, relation(9), LOCK_ACCESS_SHARE, LOCK_WAIT, false, NULL, &granted, err));
    cr_assert(lock_release(a.owner, relation(9), LOCK_ACCESS_SHARE, false));
    OK(lock_acquire(b.owner, relation(9), LOCK_ACCESS_EXCLUSIVE, LOCK_SKIP, false, NULL, &granted, err));
    cr_assert(!granted);
    cr_assert(lock_release(a.owner, relation(9), LOCK_ACCESS_SHARE, false));
    cr_assert(!lock_release(a.owner, relation(9), LOCK_ACCESS_SHARE, false));
    OK(lock_acquire(b.owner, relation(9), LOCK_ACCESS_EXCLUSIVE, LOCK_NOWAIT, false, "t", &granted, err));
    FAILS(lock_acquire(a.owner, relation(9), LOCK_ACCESS_SHARE, LOCK_NOWAIT, false, "t", &granted, err), ERR_LOCK_NOT_AVAILABLE);
    OK(lock_acquire(a.owner, adv, LOCK_EXCLUSIVE, LOCK_WAIT, true, NULL, &granted, err));
    OK(lock_acquire(a.owner, adv, LOCK_EXCLUSIVE, LOCK_WAIT, false, NULL, &granted, err));
    rollback(&a);
    OK(lock_acquire(b.owner, adv, LOCK_SHARE, LOCK_SKIP, false, NULL, &granted, err));
    cr_assert(!granted);
    lock_release_session_advisory(a.owner);
    OK(lock_acquire(b.owner, adv, LOCK_SHARE, LOCK_SKIP, false, NULL, &granted, err));
    cr_assert(granted);
    rollback(&b);
    session_close(&a);
    session_close(&b);
    fixture_free(f);
}

Test(locks, more_than_the_fast_slots)
{
    Fixture *f = fixture_new();
    Session a, b;
    bool granted;
    session_open(&a, f, 1);
    session_open(&b, f, 2);
    begin(&a);
    begin(&b);
    for (uint32_t i = 0; i < 100; i++) OK(lock_acquire(a.owner, relation(100 + i), LOCK_ROW_EXCLUSIVE, LOCK_WAIT, false, NULL, &granted, err));
    for (uint32_t i = 0; i < 100; i++) {
        OK(lock_acquire(b.owner, relation(100 + i), LOCK_SHARE, LOCK_SKIP, false, NULL, &granted, err));
        cr_assert(!granted);
    }
    rollback(&a);
    for (uint32_t i = 0; i < 100; i++) OK(lock_acquire(b.owner, relation(100 + i), LOCK_SHARE, LOCK_NOWAIT, false, NULL, &granted, err));
    rollback(&b);
    session_close(&a);
    session_close(&b);
    fixture_free(f);
}

static void step_lock(Step *st)
{
    bool granted;
    st->status = lock_acquire(st->s->owner, relation((uint32_t)st->id), (LockMode)st->v, LOCK_WAIT, false, NULL, &granted, &st->err);
}

Test(locks, first_come_first_served)
{
    Fixture *f = fixture_new();
    Session a, b, c;
    bool granted;
    session_open(&a, f, 1);
    session_open(&b, f, 2);
    session_open(&c, f, 3);
    begin(&a);
    begin(&b);
    begin(&c);
    OK(lock_acquire(a.owner, relation(9), LOCK_ACCESS_SHARE, LOCK_WAIT, false, NULL, &granted, err));
    Step sb = {.s = &b, .fn = step_lock, .id = 9, .v = LOCK_ACCESS_EXCLUSIVE}, sc = {.s = &c, .fn = step_lock, .id = 9, .v = LOCK_ACCESS_SHARE};
    step_start(&sb);
    cr_assert(step_blocks(&sb));
    step_start(&sc);
    cr_assert(step_blocks(&sc)); /* behind b, though it would not disturb a */
    int pids[4];
    cr_assert_eq(lock_blockers(f->cluster, 3, pids, 4), 1);
    cr_assert_eq(pids[0], 2);
    OK(lock_acquire(a.owner, relation(9), LOCK_ROW_SHARE, LOCK_SKIP, false, NULL, &granted, err));
    cr_assert(granted); /* a holds it already and passes */
    rollback(&a);
    step_join(&sb);
    cr_assert_eq(sb.status, ST_OK);
    cr_assert(step_blocks(&sc));
    rollback(&b);
    step_join(&sc);
    cr_assert_eq(sc.status, ST_OK);
    rollback(&c);
    session_close(&a);
    session_close(&b);
    session_close(&c);
    fixture_free(f);
}

Test(locks, deadlock_of_relations)
{
    Fixture *f = fixture_new();
    Session a, b;
    bool granted;
    session_open(&a, f, 1);
    session_open(&b, f, 2);
    lock_owner_set_timeouts(a.owner, 0, 60000);
    begin(&a);
    begin(&b);
    OK(lock_acquire(a.owner, relation(9), LOCK_EXCLUSIVE, LOCK_WAIT, false, NULL, &granted, err));
    OK(lock_acquire(b.owner, relation(10), LOCK_EXCLUSIVE, LOCK_WAIT, false, NULL, &granted, err));
    Step sa = {.s = &a, .fn = step_lock, .id = 10, .v = LOCK_SHARE}, sb = {.s = &b, .fn = step_lock, .id = 9, .v = LOCK_ROW_EXCLUSIVE};
    step_start(&sa);
    cr_assert(step_blocks(&sa));
    step_start(&sb);
    step_join(&sb); /* b's timeout is the short one */
    cr_assert_eq((int)sb.err.code, (int)ERR_T_R_DEADLOCK_DETECTED);
    cr_assert_str_eq(sb.err.message, "deadlock detected");
    cr_assert_str_eq(sb.err.detail, "Process 2 waits for RowExclusiveLock on relation 9 of database 5; blocked by process 1.\n"
                                    "Process 1 waits for ShareLock on relation 10 of database 5; blocked by process 2.");
    cr_assert_str_eq(sb.err.hint, "See server log for query details.");
    error_clear(&sb.err);
    rollback(&b);
    step_join(&sa);
    cr_assert_eq(sa.status, ST_OK);
    rollback(&a);
    session_close(&a);
    session_close(&b);
    fixture_free(f);
}

Test(locks, deadlock_of_rows)
{
    Fixture *f = fixture_new();
    Session a, b, c;
    session_open(&a, f, 1);
    session_open(&b, f, 2);
    session_open(&c, f, 3);
    lock_owner_set_timeouts(a.owner, 0, 60000);
    lock_owner_set_timeouts(b.owner, 0, 60000);
    begin(&a);
    for (int i = 1; i <= 3; i++) insert(&a, i, 0, NULL, false);
    commit(&a);
    begin(&a);
    begin(&b);
    begin(&c);
    update(&a, 1, 1, true);
    update(&b, 2, 1, true);
    update(&c, 3, 1, true);
    Step sa = {.s = &a, .fn = step_update, .id = 2, .v = 1}, sb = {.s = &b, .fn = step_update, .id = 3, .v = 1},
         sc = {.s = &c, .fn = step_update, .id = 1, .v = 1};
    step_start(&sa);
    cr_assert(step_blocks(&sa));
    step_start(&sb);
    cr_assert(step_blocks(&sb));
    step_start(&sc);
    step_join(&sc);
    cr_assert_eq((int)sc.err.code, (int)ERR_T_R_DEADLOCK_DETECTED);
    char want[512];
    snprintf(want, sizeof want,
             "Process 3 waits for ShareLock on transaction %lu; blocked by process 1.\n"
             "Process 1 waits for ShareLock on transaction %lu; blocked by process 2.\n"
             "Process 2 waits for ShareLock on transaction %lu; blocked by process 3.",
             (unsigned long)txn_id(a.txn), (unsigned long)txn_id(b.txn), (unsigned long)txn_id(c.txn));
    cr_assert_str_eq(sc.err.detail, want);
    error_clear(&sc.err);
    rollback(&c);
    step_join(&sb);
    cr_assert_eq(sb.status, ST_OK);
    commit(&b);
    step_join(&sa);
    cr_assert_eq(sa.status, ST_OK);
    commit(&a);
    begin(&a);
    cr_assert_eq(get_v(&a, SNAPSHOT_LATEST, 2), 2);
    rollback(&a);
    session_close(&a);
    session_close(&b);
    session_close(&c);
    fixture_free(f);
}

/* c stands behind b in a queue only; a waits for c: letting c pass solves it. */
Test(locks, a_cycle_through_a_queue_is_solved)
{
    Fixture *f = fixture_new();
    Session a, b, c;
    bool granted;
    session_open(&a, f, 1);
    session_open(&b, f, 2);
    session_open(&c, f, 3);
    begin(&a);
    begin(&b);
    begin(&c);
    OK(lock_acquire(a.owner, relation(9), LOCK_ACCESS_SHARE, LOCK_WAIT, false, NULL, &granted, err));
    OK(lock_acquire(c.owner, relation(10), LOCK_EXCLUSIVE, LOCK_WAIT, false, NULL, &granted, err));
    Step sb = {.s = &b, .fn = step_lock, .id = 9, .v = LOCK_ACCESS_EXCLUSIVE}, sc = {.s = &c, .fn = step_lock, .id = 9, .v = LOCK_ACCESS_SHARE},
         sa = {.s = &a, .fn = step_lock, .id = 10, .v = LOCK_EXCLUSIVE};
    lock_owner_set_timeouts(b.owner, 0, 60000);
    lock_owner_set_timeouts(c.owner, 0, 60000);
    step_start(&sb);
    cr_assert(step_blocks(&sb));
    step_start(&sc);
    cr_assert(step_blocks(&sc));
    step_start(&sa);
    step_join(&sc);
    cr_assert_eq(sc.status, ST_OK);
    rollback(&c);
    step_join(&sa);
    cr_assert_eq(sa.status, ST_OK);
    rollback(&a);
    step_join(&sb);
    cr_assert_eq(sb.status, ST_OK);
    rollback(&b);
    session_close(&a);
    session_close(&b);
    session_close(&c);
    fixture_free(f);
}

Test(locks, timeouts_and_interrupts)
{
    Fixture *f = fixture_new();
    Session a, b;
    bool granted;
    session_open(&a, f, 1);
    session_open(&b, f, 2);
    begin(&a);
    insert(&a, 1, 1, NULL, false);
    commit(&a);
    begin(&a);
    begin(&b);
    update(&a, 1, 1, true);
    OK(lock_acquire(a.owner, relation(9), LOCK_EXCLUSIVE, LOCK_WAIT, false, NULL, &granted, err));
    lock_owner_set_timeouts(b.owner, 20, 60000);
    FAILS(lock_acquire(b.owner, relation(9), LOCK_EXCLUSIVE, LOCK_WAIT, false, NULL, &granted, err), ERR_LOCK_NOT_AVAILABLE);
    RowLockOutcome out;
    FAILS(try_update_id(&b, 1, 1, 1, true, &out, err), ERR_LOCK_NOT_AVAILABLE);
    lock_owner_set_timeouts(b.owner, 0, 60000);
    Step step = {.s = &b, .fn = step_update, .id = 1, .v = 5};
    step_start(&step);
    cr_assert(step_blocks(&step));
    interrupt_raise(&b.interrupt, INTERRUPT_CANCEL);
    step_join(&step);
    cr_assert_eq((int)step.err.code, (int)ERR_QUERY_CANCELED);
    error_clear(&step.err);
    step = (Step){.s = &b, .fn = step_lock, .id = 9, .v = LOCK_SHARE};
    step_start(&step);
    cr_assert(step_blocks(&step));
    interrupt_raise(&b.interrupt, INTERRUPT_TERMINATE);
    step_join(&step);
    cr_assert_eq((int)step.err.code, (int)ERR_ADMIN_SHUTDOWN);
    error_clear(&step.err);
    rollback(&b);
    commit(&a);
    session_close(&a);
    session_close(&b);
    fixture_free(f);
}

static void count_locks(void *arg, const LockInfo *info)
{
    int *n = arg;
    n[info->granted]++;
}

Test(locks, are_listed)
{
    Fixture *f = fixture_new();
    Session a, b;
    bool granted;
    int n[2] = {0};
    session_open(&a, f, 1);
    session_open(&b, f, 2);
    begin(&a);
    begin(&b);
    insert(&a, 1, 1, NULL, false); /* an xid */
    OK(lock_acquire(a.owner, relation(9), LOCK_ACCESS_SHARE, LOCK_WAIT, false, NULL, &granted, err));
    OK(lock_acquire(a.owner, relation(9), LOCK_SHARE, LOCK_WAIT, false, NULL, &granted, err));
    Step step = {.s = &b, .fn = step_lock, .id = 9, .v = LOCK_ROW_EXCLUSIVE};
    step_start(&step);
    cr_assert(step_blocks(&step));
    lock_each(f->cluster, count_locks, n);
    cr_assert_eq(n[1], 3);
    cr_assert_eq(n[0], 1);
    rollback(&a);
    step_join(&step);
    rollback(&b);
    session_close(&a);
    session_close(&b);
    fixture_free(f);
}

/* Threads take random modes on a few relations; at no moment do two conflicting ones hold. */
static _Atomic int held_modes[4][9];
typedef struct Taker { Session s; pthread_t thread; uint64_t random; } Taker;

static void *take_locks(void *arg)
{
    Taker *t = arg;
    for (int i = 0; i < 300; i++) {
        bool granted;
        int rel = (int)(test_random(&t->random) % 4), mode = 1 + (int)(test_random(&t->random) % 8);
        begin(&t->s);
        OK(lock_acquire(t->s.owner, relation((uint32_t)(200 + rel)), (LockMode)mode, LOCK_WAIT, false, NULL, &granted, err));
        atomic_fetch_add(&held_modes[rel][mode], 1);
        for (int m = 1; m <= 8; m++) {
            int others = atomic_load(&held_modes[rel][m]) - (m == mode);
            cr_assert(!(lock_conflicts[mode] >> m & 1) || others == 0, "%d and %d", mode, m);
        }
        atomic_fetch_sub(&held_modes[rel][mode], 1);
        rollback(&t->s);
    }
    return NULL;
}

Test(locks, exclusion_under_load)
{
    Fixture *f = fixture_new();
    static Taker takers[6];
    uint64_t seed = test_seed();
    for (int i = 0; i < 6; i++) {
        session_open(&takers[i].s, f, i + 1);
        takers[i].random = seed * (uint64_t)(2 * i + 1);
        pthread_create(&takers[i].thread, NULL, take_locks, &takers[i]);
    }
    for (int i = 0; i < 6; i++) pthread_join(takers[i].thread, NULL);
    for (int i = 0; i < STRONG_BUCKETS; i++) cr_assert_eq(takers[0].s.owner->manager->strong[i], 0);
    for (int i = 0; i < 6; i++) session_close(&takers[i].s);
    fixture_free(f);
}
