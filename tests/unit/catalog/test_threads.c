/* Many sessions read and change the same relations at once: every descriptor a session sees is whole and, under its lock, the newest. */
#include <pthread.h>

#include "catalog_test.h"

enum { THREADS = 4, ROUNDS = 60, TABLES = 3 };
static Oid tables[TABLES];

static void setup(void) { setup_cluster(); }
static void teardown(void) { teardown_cluster(); }
TestSuite(threads, .init = setup, .fini = teardown, .timeout = 120);

/* Column names are "c<n>_<k>": all columns of one descriptor must carry the same n. */
static int generation_of(const Relation *rel)
{
    int n = atoi(rel->desc->atts[0].name + 1);
    for (int i = 1; i < rel->desc->natts; i++) cr_assert_eq(atoi(rel->desc->atts[i].name + 1), n, "a torn descriptor");
    return n;
}

static void rename_all(TestSession *s, Oid table, int n, int natts)
{
    for (int16_t i = 1; i <= natts; i++) {
        const void *form;
        Datum keys[2] = {datum_oid(table), datum_i16(i)};
        OK(cat_get(&s->env, REL_pg_attribute, IDX_attribute_relid_attnum, 2, keys, &s->arena, &form, err));
        Form_pg_attribute f = *(const Form_pg_attribute *)form;
        f.attname = arena_printf(&s->arena, "c%d_%d", n, i);
        OK(cat_update(&s->env, REL_pg_attribute, &f, err));
    }
}

static void *work(void *arg)
{
    TestSession s;
    int me = (int)(intptr_t)arg;
    session_open(&s, me + 1);
    for (int r = 0; r < ROUNDS; r++) {
        Oid table = tables[(r + me) % TABLES];
        const Relation *rel;
        Oid found;
        session_begin(&s);
        if (r % 3 == 0) {
            OK(relation_open(&s.env, table, LOCK_ACCESS_EXCLUSIVE, &rel, err));
            int n = generation_of(rel);
            rename_all(&s, table, n + 1, rel->desc->natts);
            OK(relation_open(&s.env, table, LOCK_NONE, &rel, err));
            cr_assert_eq(generation_of(rel), n + 1, "own change is seen");
            if (r % 6 == 0) session_commit(&s);
            else session_rollback(&s);
        } else {
            OK(lookup_relation(&s.env, NULL, "public", (r + me) % TABLES == 0 ? "t0" : (r + me) % TABLES == 1 ? "t1" : "t2", false, &found, err));
            cr_assert_eq(found, table);
            OK(relation_open(&s.env, table, LOCK_ACCESS_SHARE, &rel, err));
            int n = generation_of(rel);
            OK(relation_open(&s.env, table, LOCK_ACCESS_SHARE, &rel, err));
            cr_assert_eq(generation_of(rel), n, "nothing changes under a lock");
            session_commit(&s);
        }
        arena_reset(&s.arena);
    }
    session_close(&s);
    return NULL;
}

Test(threads, descriptors_under_ddl)
{
    static const char *const names[TABLES] = {"t0", "t1", "t2"};
    pthread_t t[THREADS];
    TestSession s;
    session_open(&s, 100);
    session_begin(&s);
    for (int i = 0; i < TABLES; i++) tables[i] = make_table(&s, names[i], "c0_1 c0_2 c0_3");
    session_commit(&s);
    for (int i = 0; i < THREADS; i++) pthread_create(&t[i], NULL, work, (void *)(intptr_t)i);
    for (int i = 0; i < THREADS; i++) pthread_join(t[i], NULL);
    session_begin(&s);
    int changes = 0;
    for (int i = 0; i < TABLES; i++) {
        const Relation *rel;
        OK(relation_open(&s.env, tables[i], LOCK_ACCESS_SHARE, &rel, err));
        changes += generation_of(rel);
    }
    cr_assert_eq(changes, THREADS * ROUNDS / 6, "each committed change counts once");
    session_close(&s);
}
