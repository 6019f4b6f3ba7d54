/* Defining and changing tables on a temporary cluster: names, storage, dependencies, and that all of it can be undone. The wording of messages is
 * compared with PostgreSQL in tests/sql. */
#include <criterion/criterion.h>

#include "commands/ddl_internal.h"
#include "commands/password.h"
#include "support_session.h"

static Support s;

static Status utility(Support *sup, Query *q, const char *sql, StrBuf *out, Error *err)
{
    CommandResult result;
    SupportSink sink = {.sink = {.row = support_row}, .s = sup, .out = out};
    Snapshot *snap = NULL;
    TRY(snapshot_take(sup->env.txn, &snap, err));
    sup->env.snapshot = snap;
    Status st = run_utility(&sup->env, q, sql, NULL, &sink.sink, &result, err);
    sup->env.snapshot = NULL;
    snapshot_release(snap);
    if (!failed(st)) strbuf_str(out, result.tag);
    return st;
}

static bool in_block(SessionEnv *env) { return ((Support *)env->server)->in_block; }
static int nobody(SessionEnv *env, Oid db)
{
    (void)env, (void)db;
    return 0;
}

static void setup(void)
{
    static const CommandHooks hooks = {.in_transaction_block = in_block, .sessions_on_database = nobody};
    commands_set_hooks(&hooks);
    support_utility = utility;
    support_open(&s);
    s.env.server = &s;
}
static void teardown(void) { support_close(&s); }
TestSuite(ddl, .init = setup, .fini = teardown);

#define GIVES(sql, expected) cr_assert_str_eq(support_text(&s, sql), expected)

static void undo(void)
{
    txn_rollback(s.env.txn);
    s.env.txn = NULL;
    s.in_block = false;
    catalog_statement_end(&s.env);
}

/* ---- names ---- */
Test(ddl, names_are_cut_evenly)
{
    const char *a = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", *name;
    cr_assert_str_eq(ddl_object_name(&s.arena, "t", "a", "key"), "t_a_key");
    cr_assert_str_eq(ddl_object_name(&s.arena, "t", NULL, "pkey"), "t_pkey");
    cr_assert_str_eq(ddl_object_name(&s.arena, "", "t", NULL), "_t");
    name = ddl_object_name(&s.arena, a, "b", "key");
    cr_assert_eq(strlen(name), 63u);
    cr_assert_str_eq(name + 57, "_b_key");
    name = ddl_object_name(&s.arena, a, a, "idx");
    cr_assert_eq(strlen(name), 63u);
    cr_assert_eq(name[29], '_', "both names give way");
}

Test(ddl, names_end_between_characters)
{
    char wide[127] = "";
    for (int i = 0; i < 60; i++) strcat(wide, "\xC3\xA4");
    const char *name = ddl_object_name(&s.arena, wide, NULL, "pkey");
    cr_assert_leq(strlen(name), 63u);
    cr_assert_eq((strlen(name) - 5) % 2, 0u);
}

Test(ddl, chosen_names_are_numbered)
{
    GIVES("create table t (a int); create index on t (a); create index on t (a); create unique index on t ((a + 1))", "CREATE INDEX");
    GIVES("select relname from pg_class where relname like 't!_%' escape '!' order by 1", "t_a_idx;t_a_idx1;t_expr_idx");
}

/* ---- the primary key is the order of the rows ---- */
Test(ddl, primary_key_orders_a_loaded_table)
{
    GIVES("create table t (a int, b text); insert into t select 1000 - g, 'x' || g from generate_series(1, 1000) g", "#1000");
    GIVES("alter table t add primary key (a)", "ALTER TABLE");
    GIVES("select relfilenode from pg_class where relname = 't_pkey'", "0");
    GIVES("select count(*), sum(a), min(b), max(b) from t", "1000|499500|x1|x999");
    GIVES("select b from t where a = 400", "x600");
    GIVES("insert into t values (400, 'again')", "23505 duplicate key value violates unique constraint \"t_pkey\" | Key (a)=(400) already exists.");
}

Test(ddl, dropping_the_primary_key_keeps_the_rows)
{
    GIVES("create table t (a int primary key, b int); insert into t select g, g from generate_series(1, 500) g", "#500");
    GIVES("alter table t drop constraint t_pkey", "ALTER TABLE");
    GIVES("insert into t values (1, 1), (1, 2)", "#2");
    GIVES("select count(*), count(distinct a) from t", "502|500");
    GIVES("create table u (a int primary key, b int); insert into u values (1, 2), (3, 4); alter table u drop column a", "ALTER TABLE");
    GIVES("select b from u order by b", "2;4");
}

Test(ddl, duplicates_prevent_a_key)
{
    GIVES("create table t (a int, b int); insert into t values (1, 1), (1, 2), (null, 3)", "#3");
    GIVES("alter table t add primary key (b, a)", "23502 column \"a\" of relation \"t\" contains null values");
    GIVES("create unique index i on t (a)", "23505 could not create unique index \"i\" | Key (a)=(1) is duplicated.");
    GIVES("alter table t add constraint x primary key (b)", "ALTER TABLE");
    GIVES("select a from t order by b", "1;1;~");
}

/* ---- columns ---- */
Test(ddl, added_columns_have_their_defaults_in_old_rows)
{
    GIVES("create table t (a int); insert into t values (1), (2)", "#2");
    GIVES("alter table t add c serial, add d int generated always as (a * 10) stored", "ALTER TABLE");
    GIVES("alter table t add b int default 5, add e int", "ALTER TABLE");
    GIVES("insert into t (a) values (3)", "#1");
    GIVES("select a, b, c, d, e from t order by a", "1|5|1|10|~;2|5|2|20|~;3|5|3|30|~");
    GIVES("select attname from pg_attribute where attrelid = 't'::regclass and atthasmissing", "b");
    GIVES("vacuum full t; select attname from pg_attribute where attrelid = 't'::regclass and atthasmissing", "");
    GIVES("select a, b, c, d, e from t order by a", "1|5|1|10|~;2|5|2|20|~;3|5|3|30|~");
}

Test(ddl, type_changes_rewrite_rows_and_indexes)
{
    GIVES("create table t (a int primary key, b text check (b <> 'z')); create index on t (b); insert into t select g, g::text from generate_series(1, 300) g",
          "#300");
    GIVES("alter table t alter b type int using b::int * 2", "42883 operator does not exist: integer <> text");
    GIVES("alter table t drop constraint t_b_check; alter table t alter b type int using b::int * 2; alter table t alter a type numeric", "ALTER TABLE");
    GIVES("select a, b from t where b = 20", "10|20");
    GIVES("select b from t where a = 7", "14");
    GIVES("select count(*) from t where b between 2 and 40", "20");
}

/* ---- undoing ---- */
Test(ddl, everything_is_undone_by_rollback)
{
    GIVES("create table t (a int primary key); insert into t values (1); create sequence q", "CREATE SEQUENCE");
    s.in_block = true;
    GIVES("alter table t add b int default 3", "ALTER TABLE");
    GIVES("truncate t", "TRUNCATE TABLE");
    GIVES("insert into t values (7, 8); select * from t", "7|8");
    GIVES("alter sequence q restart 50; select nextval('q')", "50");
    GIVES("drop table t", "DROP TABLE");
    GIVES("create table t (x text); create view v as select * from t; select count(*) from v", "0");
    undo();
    GIVES("select * from t", "1");
    GIVES("select nextval('q')", "1");
    GIVES("select count(*) from pg_class where relname = 'v'", "0");
    GIVES("insert into t values (1)", "23505 duplicate key value violates unique constraint \"t_pkey\" | Key (a)=(1) already exists.");
}

Test(ddl, truncate_in_the_transaction_that_filled)
{
    s.in_block = true;
    GIVES("create table t (a serial primary key, b int); create index on t (b); insert into t (b) select g from generate_series(1, 100) g", "#100");
    GIVES("truncate t restart identity", "TRUNCATE TABLE");
    GIVES("insert into t (b) values (9) returning a", "1");
    s.in_block = false;
    GIVES("select a, b from t where b = 9", "1|9");
}

Test(ddl, on_commit_drop)
{
    s.in_block = true;
    GIVES("create temp table t (a int) on commit drop; insert into t values (1); select * from t", "1");
    s.in_block = false;
    GIVES("select 1", "1");
    GIVES("select * from t", "42P01 relation \"t\" does not exist");
}

/* ---- dependencies ---- */
Test(ddl, dependents_stand_in_the_way)
{
    GIVES("create table t (a int primary key, b int); create view v as select a from t; create table r (x int references t)", "CREATE TABLE");
    GIVES("drop table t",
          "2BP01 cannot drop table t because other objects depend on it | view v depends on table t\nconstraint r_x_fkey on table r depends on table t");
    GIVES("alter table t drop column b", "ALTER TABLE");
    GIVES("drop table t cascade", "DROP TABLE");
    GIVES("select count(*) from pg_constraint where contype = 'f'", "0");
    GIVES("select relname from pg_class where relname in ('t', 'v', 'r', 't_pkey')", "r");
    GIVES("select count(*) from pg_depend where objid >= 16384 and objid not in (select oid from pg_class) and classid = 1259", "0");
}

Test(ddl, owned_sequences_go_with_their_column)
{
    GIVES("create table t (a serial, b int generated always as identity); select count(*) from pg_class where relkind = 'S'", "2");
    GIVES("drop sequence t_b_seq", "2BP01 cannot drop sequence t_b_seq because column b of table t requires it");
    GIVES("alter table t drop column b; select relname from pg_class where relkind = 'S'", "t_a_seq");
    GIVES("drop table t; select count(*) from pg_class where relkind = 'S'", "0");
}

/* ---- statistics ---- */
Test(ddl, analyze_describes_columns)
{
    GIVES("create table t (a int, b text, c int); insert into t select g, 'v' || g % 4, case when g % 2 = 0 then g end from generate_series(1, 2000) g", "#2000");
    GIVES("analyze t", "ANALYZE");
    GIVES("select reltuples from pg_class where relname = 't'", "2000");
    GIVES("select staattnum, stanullfrac, stadistinct from pg_statistic order by 1", "1|0|-1;2|0|4;3|0.5|-0.5");
    GIVES("select stanumbers3[1] from pg_statistic where staattnum = 1", "1");
    GIVES("select array_length(stanumbers1, 1) from pg_statistic where staattnum = 2", "4");
}

/* ---- roles ---- */
Test(ddl, owners_only)
{
    GIVES("create table t (a int); create role r; create view v as select 1", "CREATE VIEW");
    Oid role;
    support_begin(&s);
    SUPPORT_OK(lookup_role(&s.env, "r", false, &role, err));
    s.env.current_user = role;
    s.env.is_superuser = false;
    GIVES("drop table t", "42501 must be owner of table t");
    GIVES("alter table t add b int", "42501 must be owner of table t");
    GIVES("create table u (a int)", "42501 permission denied for schema public");
    GIVES("create role x", "42501 permission denied to create role");
    GIVES("truncate t", "42501 permission denied for table t");
    s.env.current_user = 10;
    s.env.is_superuser = true;
    GIVES("grant truncate on t to r; select relacl from pg_class where relname = 't'", "{postgres=arwdDxt/postgres,r=D/postgres}");
    GIVES("drop role r", "2BP01 role \"r\" cannot be dropped because some objects depend on it | privileges for table t");
    GIVES("revoke all on t from r; drop role r", "DROP ROLE");
}

Test(ddl, passwords)
{
    const char *a, *b;
    SUPPORT_OK(password_scram_verifier("secret", &s.arena, &a, err));
    SUPPORT_OK(password_scram_verifier("secret", &s.arena, &b, err));
    cr_assert(password_is_verifier(a) && strcmp(a, b) != 0, "each has its own salt");
    cr_assert(strlen(a) == 133u, "%zu", strlen(a));
    cr_assert(password_is_verifier("md5e8a48653851e28c69d0506508fb27fc5"));
    cr_assert(!password_is_verifier("md5secret") && !password_is_verifier("secret"));
}
