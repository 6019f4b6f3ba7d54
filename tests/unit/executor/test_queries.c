/* Queries through parser, planner and executor on a temporary cluster: joins, aggregates and set operations in memory and spilling, against plain
 * arithmetic. Statements that need tables are in tests/sql. */
#include <criterion/criterion.h>

#include "support_session.h"

static Support s;
static void setup(void) { support_open(&s); }
static void teardown(void) { support_close(&s); }
TestSuite(queries, .init = setup, .fini = teardown);

#define GIVES(sql, expected) cr_assert_str_eq(support_text(&s, sql), expected)

static void small_memory(void)
{
    SettingChange how = {.source = SETSRC_SESSION, .is_superuser = true};
    SUPPORT_OK(setting_set(s.env.settings, "work_mem", "64kB", how, err));
}

static void set(const char *name, const char *value)
{
    SettingChange how = {.source = SETSRC_SESSION, .is_superuser = true};
    SUPPORT_OK(setting_set(s.env.settings, name, value, how, err));
}

Test(queries, expressions)
{
    GIVES("select 1 + 1, 'a' || 'b', null::int, 7 / 2, 7.0 / 2", "2|ab|~|3|3.5000000000000000");
    GIVES("select null and false, null and true, null or true, not null::bool", "f|~|t|~");
    GIVES("select case 3 when 1 then 'x' when 3 then 'y' end, coalesce(null, 4), nullif(1, 1), greatest(1, null, 3)", "y|4|~|3");
    GIVES("select 5 = any (array[1,5]), 5 = all (array[5,null]), 9 in (1,2,3,4,5,6,7,8,9), 9 in (1,2,3,4,5,6,7,null)", "t|~|t|~");
    GIVES("select (array[1,2,3])[2], (array[1,2,3])[2:], array[[1,2],[3,4]], (array[1])[5]", "2|{2,3}|{{1,2},{3,4}}|~");
    GIVES("select 1 is distinct from null, null is distinct from null, (1, 2) < (1, 3), (null, 1) is null", "t|f|t|f");
    GIVES("select 1 / 0", "22012 division by zero");
    GIVES("select 2147483647 + 1", "22003 integer out of range");
}

Test(queries, sorting_and_limits)
{
    GIVES("select g from generate_series(1, 5) g order by g desc limit 2 offset 1", "4;3");
    GIVES("select g % 3 from generate_series(1, 6) g order by 1 fetch first 1 rows with ties", "0;0");
    GIVES("select x from (values (1), (null), (2)) v(x) order by x nulls first", "~;1;2");
    GIVES("select 1 limit -1", "2201W LIMIT must not be negative");
}

static void joins(void)
{
    const char *from = "from generate_series(1, 3000) a(x) %s join (select y, 'some text ' || y as t from generate_series(2, 6000, 2) y) b on a.x = b.y";
    static const struct { const char *kind, *count; } cases[] = {{"inner", "1500|1500"}, {"left", "3000|1500"}, {"right", "3000|3000"}, {"full", "4500|3000"}};
    char sql[400], clause[300];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        snprintf(clause, sizeof clause, from, cases[i].kind);
        snprintf(sql, sizeof sql, "select count(*), count(b.t) %s", clause);
        GIVES(sql, cases[i].count);
    }
    GIVES("select count(*) from generate_series(1, 3000) a(x) where x in (select y from generate_series(2, 6000, 2) y)", "1500");
    GIVES("select count(*) from generate_series(1, 3000) a(x) where not exists (select 1 from generate_series(2, 6000, 2) y where y = x)", "1500");
}

Test(queries, joins_by_hash) { set("enable_nestloop", "off"); set("enable_mergejoin", "off"); joins(); }
Test(queries, joins_by_hash_in_batches) { set("enable_nestloop", "off"); set("enable_mergejoin", "off"); small_memory(); joins(); }
Test(queries, joins_by_merge) { set("enable_nestloop", "off"); set("enable_hashjoin", "off"); joins(); }
Test(queries, joins_by_merge_with_spilled_sorts) { set("enable_nestloop", "off"); set("enable_hashjoin", "off"); small_memory(); joins(); }

static void aggregates(void)
{
    GIVES("select count(*), sum(x), avg(x), min(x), max(x) from generate_series(1, 1000) x", "1000|500500|500.5000000000000000|1|1000");
    GIVES("select count(*), sum(x), max('t' || x) from generate_series(1, 0) x", "0|~|~");
    GIVES("select count(*), sum(n), min(n), max(n) from (select x % 5000 k, count(*) n, max('text ' || x) from generate_series(1, 20000) x group by 1) q",
          "5000|20000|4|4");
    GIVES("select x % 3, count(distinct x % 2), string_agg(x::text, ',' order by x desc) from generate_series(1, 7) x group by 1 order by 1",
          "0|2|6,3;1|2|7,4,1;2|2|5,2");
    GIVES("select x % 2 a, x % 3 b, count(*), grouping(x % 2, x % 3) from generate_series(1, 6) x group by rollup (1, 2) order by 4, 1, 2",
          "0|0|1|0;0|1|1|0;0|2|1|0;1|0|1|0;1|1|1|0;1|2|1|0;0|~|3|1;1|~|3|1;~|~|6|3");
    GIVES("select count(*) from (select distinct x % 777, 'pad ' || x % 777 from generate_series(1, 9000) x) q", "777");
}

Test(queries, aggregates_in_memory) { aggregates(); }
Test(queries, aggregates_that_spill) { small_memory(); aggregates(); }
Test(queries, aggregates_by_sorting) { set("enable_hashagg", "off"); aggregates(); }

static void set_operations(void)
{
    GIVES("select count(*) from (select 'v' || x from generate_series(1, 6000) x intersect select 'v' || x from generate_series(3000, 9000) x) q", "3001");
    GIVES("select count(*) from (select 'v' || x from generate_series(1, 6000) x except select 'v' || x from generate_series(3000, 9000) x) q", "2999");
    GIVES("select x % 2 from generate_series(1, 4) x intersect all select 1 from generate_series(1, 5) order by 1", "1;1");
    GIVES("select x % 2 from generate_series(1, 5) x except all select 1 order by 1", "0;0;1;1");
    GIVES("select 1 union select 1 union all select 2 order by 1", "1;2");
}

Test(queries, set_operations_in_memory) { set_operations(); }
Test(queries, set_operations_that_spill) { small_memory(); set_operations(); }

Test(queries, subqueries)
{
    GIVES("select x, (select count(*) from generate_series(1, x)) from generate_series(0, 2) x", "0|0;1|1;2|2");
    GIVES("select (select x from generate_series(1, 2) x)", "21000 more than one row returned by a subquery used as an expression");
    GIVES("select x from generate_series(1, 4) x where x > all (select y from generate_series(1, 2) y)", "3;4");
    GIVES("select 3 not in (select y from (values (1), (null)) v(y)), 1 not in (select y from (values (1), (null)) v(y))", "~|f");
    GIVES("select array(select x * x from generate_series(1, 3) x)", "{1,4,9}");
    GIVES("with recursive t(n) as (select 1 union all select n + 1 from t where n < 5) select sum(n), count(*) from t", "15|5");
    GIVES("with recursive t(n) as (select 0 union select (n + 1) % 4 from t) select n from t order by n", "0;1;2;3");
    GIVES("with c as (select x from generate_series(1, 3) x) select count(*) from c a, c b", "9");
}

Test(queries, windows)
{
    GIVES("select x, row_number() over (order by x desc), sum(x) over (order by x) from generate_series(1, 3) x order by x", "1|3|1;2|2|3;3|1|6");
    GIVES("select x, sum(x) over (order by x rows between 1 preceding and 1 following) from generate_series(1, 4) x", "1|3;2|6;3|9;4|7");
    GIVES("select x, count(*) over (order by x / 2 range between 1 preceding and current row) from generate_series(1, 4) x", "1|1;2|3;3|3;4|3");
    GIVES("select x, rank() over (order by x / 2), lag(x) over (order by x) from generate_series(1, 3) x order by x", "1|1|~;2|2|1;3|2|2");
    small_memory();
    GIVES("select max(s), max(c) from (select sum(x) over (order by x) s, count(*) over (partition by x % 2) c from generate_series(1, 6000) x) q", "18003000|3000");
}

/* A kept execution, run again with other parameters. */
Test(queries, rewinding)
{
    const char *sql = "select x, x * $1 from generate_series(1, $2) x where x > $1 order by x desc limit 2";
    RawStatement *raw;
    Query *q;
    PlannedStmt *plan;
    Execution *ex = NULL;
    int n;
    Oid types[2] = {TYPE_int4, TYPE_int4};
    ParamTypes pt = {.n = 2, .cap = 2, .types = types, .arena = &s.arena};
    support_begin(&s);
    SUPPORT_OK(raw_parse(&s.env, sql, &s.arena, &raw, &n, err));
    SUPPORT_OK(analyze_statement(&s.env, &raw[0], sql, &pt, &s.arena, &q, err));
    SUPPORT_OK(plan_query(&s.env, q, NULL, CURSOR_GENERIC_PLAN, &s.arena, &plan, err));
    static const char *expected[] = {"5|5;4|4", "6|12;5|10", "7|21;6|18"};
    for (int i = 0; i < 3; i++) {
        Datum v[2] = {datum_i32(i + 1), datum_i32(i + 5)};
        bool nulls[2] = {false, false}, end;
        ParamList params = {2, types, v, nulls};
        Snapshot *snap;
        StrBuf sb;
        uint64_t rows;
        SUPPORT_OK(snapshot_take(s.env.txn, &snap, err));
        ExecOptions opt = {.params = &params, .snapshot = snap};
        strbuf_init(&sb, &s.arena);
        SupportSink sink = {.sink = {.row = support_row}, .s = &s, .out = &sb};
        if (!ex) SUPPORT_OK(exec_open(&s.env, plan, &opt, &ex, err));
        else SUPPORT_OK(exec_rewind(ex, &opt, err));
        SUPPORT_OK(exec_run(ex, false, 0, &sink.sink, &rows, &end, err));
        SUPPORT_OK(exec_suspend(ex, err));
        cr_assert(end);
        cr_assert_eq(rows, 2);
        cr_assert_str_eq(strbuf_cstr(&sb), expected[i]);
        snapshot_release(snap);
    }
    SUPPORT_OK(exec_close(ex, err));
    SUPPORT_OK(support_end(&s, ST_OK, err));
}

/* Forward, back, and forward again. */
Test(queries, scrolling)
{
    const char *sql = "select x from generate_series(1, 5) x";
    RawStatement *raw;
    Query *q;
    PlannedStmt *plan;
    Execution *ex;
    Snapshot *snap;
    int n;
    ParamTypes pt = {.arena = &s.arena};
    support_begin(&s);
    SUPPORT_OK(raw_parse(&s.env, sql, &s.arena, &raw, &n, err));
    SUPPORT_OK(analyze_statement(&s.env, &raw[0], sql, &pt, &s.arena, &q, err));
    SUPPORT_OK(plan_query(&s.env, q, NULL, 0, &s.arena, &plan, err));
    SUPPORT_OK(snapshot_take(s.env.txn, &snap, err));
    ExecOptions opt = {.snapshot = snap, .scrollable = true};
    SUPPORT_OK(exec_open(&s.env, plan, &opt, &ex, err));
    static const struct { bool back; uint64_t count; const char *rows; bool end; } steps[] = {
        {false, 3, "1;2;3", false}, {true, 1, "2", false}, {true, 5, "1", true}, {false, 0, "1;2;3;4;5", true}, {true, 2, "5;4", false}};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        StrBuf sb;
        uint64_t rows;
        bool end;
        strbuf_init(&sb, &s.arena);
        SupportSink sink = {.sink = {.row = support_row}, .s = &s, .out = &sb};
        SUPPORT_OK(exec_run(ex, steps[i].back, steps[i].count, &sink.sink, &rows, &end, err));
        cr_assert_str_eq(strbuf_cstr(&sb), steps[i].rows, "step %zu: %s", i, strbuf_cstr(&sb));
        cr_assert_eq(end, steps[i].end, "step %zu", i);
    }
    SUPPORT_OK(exec_close(ex, err));
    snapshot_release(snap);
    SUPPORT_OK(support_end(&s, ST_OK, err));
}

/* With little memory left everything that can spill does; what cannot ends in 53200, and the session lives on. */
Test(queries, tight_budget)
{
    MemAccount tight;
    mem_account_init(&tight, &s.account, "tight", 3 << 20);
    s.env.account = &tight;
    GIVES("select count(*) from (select 'text ' || x t from generate_series(1, 60000) x order by 1) q", "60000");
    GIVES("select count(*), sum(n) from (select 'text ' || x t, count(*) n from generate_series(1, 60000) x group by 1) q", "60000|60000");
    GIVES("select count(*) from (select 'text ' || x t from generate_series(1, 60000) x) a join (select 'text ' || y u from generate_series(1, 60000) y) b on t = u",
          "60000");
    GIVES("with c as materialized (select 'text ' || x t from generate_series(1, 60000) x) select count(*) from c a where t <> ''", "60000");
    GIVES("select count(*) from (select x, count(*) over (partition by x % 2) from generate_series(1, 60000) x) q", "60000");
    const char *text = support_text(&s, "select length(string_agg(repeat('x', 1000), '')) from generate_series(1, 20000)");
    cr_assert(strstr(text, "53200") == text, "%s", text);
    GIVES("select 1", "1");
    s.env.account = &s.account;
}

/* A subquery two levels down that depends on the outermost row. */
Test(queries, subqueries_of_subqueries)
{
    GIVES("select x from generate_series(1, 4) x where x in (select y from generate_series(1, 4) y where y in (select z from generate_series(1, 4) z where x % 2 = 0))",
          "2;4");
    GIVES("select x, (select count(*) from generate_series(1, 3) y where y not in (select z + x from generate_series(0, 1) z)) from generate_series(1, 3) x", "1|1;2|1;3|2");
}

/* Whatever the budget of an execution: an answer or 53200, and nothing stays charged. */
Test(queries, any_budget)
{
    static const char *const sqls[] = {
        "select count(*) from (select 'text ' || x t from generate_series(1, 3000) x order by 1) q",
        "select 'text ' || x t from generate_series(1, 3000) x order by 1 desc limit 3",
        "select count(*) from (select 'text ' || x t, count(*) from generate_series(1, 3000) x group by 1) q",
        "select count(*) from (select 'text ' || x t from generate_series(1, 2000) x) a full join (select 'text ' || y u from generate_series(1, 3000) y) b on t = u",
        "select count(*) from (select 't' || x from generate_series(1, 3000) x except select 't' || x from generate_series(1, 100) x) q",
        "select count(*) from (select count(*) over (partition by x % 7 order by x) from generate_series(1, 3000) x) q",
        "with recursive r(n) as (select 1 union select n + 1 from r where n < 2000) select count(*) from r",
        "with c as materialized (select 'text ' || x t from generate_series(1, 3000) x) select count(*) from c where t not in (select t from c where t like '%1')",
        "select x % 9, x % 5, count(distinct x % 11), string_agg('v' || x, ',') from generate_series(1, 500) x group by cube (1, 2) order by 1, 2"};
    for (size_t i = 0; i < sizeof sqls / sizeof *sqls; i++) {
        int done = 0, refused = 0;
        for (int64_t limit = 2048; limit < 4 << 20; limit = limit * 5 / 4) {
            MemAccount tight;
            mem_account_init(&tight, NULL, "tight", limit);
            s.exec_account = &tight;
            const char *text = support_text(&s, sqls[i]);
            s.exec_account = NULL;
            if (strncmp(text, "53200", 5)) done++;
            else refused++;
            cr_assert_eq((long)tight.used, 0, "%ld bytes stay charged after %s under %ld", (long)tight.used, sqls[i], (long)limit);
        }
        cr_assert(done && refused, "%s: %d done, %d refused", sqls[i], done, refused);
    }
}
