/* A bootstrapped cluster in a directory of its own, sessions on it, and short ways to make relations' catalog rows. */
#ifndef CATALOG_TEST_H
#define CATALOG_TEST_H

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "catalog/acl.h"
#include "catalog/cat_write.h"
#include "catalog/deparse.h"
#include "catalog/name_lookup.h"
#include "catalog/reg_types.h"

#define OK(call)                                                                                    \
    do {                                                                                            \
        Error ok_err_ = ERROR_INIT, *err = &ok_err_;                                                \
        if (failed(call)) cr_assert_fail("%s: %s", #call, ok_err_.message ? ok_err_.message : "?"); \
        error_clear(&ok_err_);                                                                      \
    } while (0)
#define FAILS(call, state)                                                                          \
    do {                                                                                            \
        Error ok_err_ = ERROR_INIT, *err = &ok_err_;                                                \
        cr_assert(failed(call), "%s succeeded", #call);                                             \
        cr_assert_eq((int)ok_err_.code, (int)(state), "%s: %s", #call, ok_err_.message);            \
        error_clear(&ok_err_);                                                                      \
    } while (0)

static char test_dir[64];
static Cluster *test_cluster;
static Database *test_db;
static Catalog *test_catalog;

typedef struct TestSession {
    SessionEnv env;
    Interrupt interrupt;
    MemAccount account;
    Arena arena; /* of the session; results of look-ups */
} TestSession;

static inline void open_test_cluster(void)
{
    ClusterOptions opt = {.data_dir = test_dir, .memory_limit_bytes = 64 << 20, .max_sessions = 10};
    OK(cluster_open(&opt, &test_cluster, err));
    if (cluster_is_new(test_cluster)) OK(catalog_bootstrap_cluster(test_cluster, "postgres", err));
    OK(database_acquire(test_cluster, 5, false, &test_db, err));
    OK(catalog_open(test_cluster, test_db, &test_catalog, err));
}

static inline void close_test_cluster(void)
{
    catalog_close(test_catalog);
    database_release(test_db);
    OK(cluster_close(test_cluster, err));
}

static inline void setup_cluster(void)
{
    strcpy(test_dir, "/tmp/helios-catalog-XXXXXX");
    cr_assert(mkdtemp(test_dir));
    open_test_cluster();
}

static inline void teardown_cluster(void)
{
    close_test_cluster();
    char cmd[100];
    snprintf(cmd, sizeof cmd, "rm -rf %s", test_dir);
    cr_assert_eq(system(cmd), 0);
}

static inline void session_open(TestSession *s, int pid)
{
    *s = (TestSession){0};
    interrupt_init(&s->interrupt);
    mem_account_init(&s->account, NULL, "test session", 0);
    arena_init(&s->arena, &s->account, 0);
    s->env = (SessionEnv){.cluster = test_cluster, .db = test_db, .database_oid = 5, .database_name = "postgres", .catalog = test_catalog,
                          .settings = settings_new(NULL, &s->account), .interrupt = &s->interrupt, .account = &s->account,
                          .arena = &s->arena, .session_user = 10, .current_user = 10, .is_superuser = true, .pid = pid};
    OK(lock_owner_new(test_cluster, pid, &s->interrupt, &s->env.locks, err));
    OK(cat_session_new(&s->env, err));
}

static inline void session_begin(TestSession *s)
{
    TxnOptions opt = {.isolation = ISO_READ_COMMITTED, .sync_commit = true, .account = &s->account};
    OK(txn_begin(test_db, s->env.locks, &opt, &s->env.txn, err));
}

static inline void session_commit(TestSession *s)
{
    OK(txn_commit(s->env.txn, err));
    s->env.txn = NULL;
    catalog_statement_end(&s->env);
}

static inline void session_rollback(TestSession *s)
{
    txn_rollback(s->env.txn);
    s->env.txn = NULL;
    catalog_statement_end(&s->env);
}

static inline void session_close(TestSession *s)
{
    if (s->env.txn) session_rollback(s);
    cat_session_free(&s->env);
    lock_owner_free(s->env.locks);
    settings_free(s->env.settings);
    arena_destroy(&s->arena);
    interrupt_destroy(&s->interrupt);
}

/* A table of int4 columns named in `columns` ("a b c") in schema public. */
static inline Oid make_table(TestSession *s, const char *name, const char *columns)
{
    Form_pg_class c;
    char copy[200], *save = NULL;
    cat_class_defaults(&c);
    OK(cat_new_oid(&s->env, &c.oid, err));
    OK(cat_new_storage_id(&s->env, &c.relfilenode, err));
    c.relname = name;
    c.relnamespace = 2200;
    c.relowner = 10;
    c.relam = HEAP_AM;
    c.relkind = 'r';
    snprintf(copy, sizeof copy, "%s", columns);
    for (char *p = strtok_r(copy, " ", &save); p; p = strtok_r(NULL, " ", &save)) {
        Form_pg_attribute a;
        cat_attribute_defaults(&a);
        a.attrelid = c.oid;
        a.attname = p;
        a.atttypid = TYPE_int4;
        a.attlen = 4;
        a.attbyval = true;
        a.attalign = 'i';
        a.attstorage = 'p';
        a.attnum = ++c.relnatts;
        OK(cat_insert(&s->env, REL_pg_attribute, &a, err));
    }
    OK(cat_insert(&s->env, REL_pg_class, &c, err));
    return c.oid;
}

#endif
