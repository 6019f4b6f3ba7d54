/* Raw parsing: errors with positions, and texts built to exhaust a stack. */
#include <criterion/criterion.h>
#include <pthread.h>

#include "common/strbuf.h"
#include "common/thread.h"
#include "parser/parse_text.h"

static Arena arena;
static Error err;
static RawStatement *stmts;
static int nstmts;
static StrBuf sb;

static void setup(void)
{
    arena_init(&arena, NULL, 0);
    strbuf_init(&sb, &arena);
    err = ERROR_INIT;
}
static void teardown(void)
{
    error_clear(&err);
    arena_destroy(&arena);
}
TestSuite(raw, .init = setup, .fini = teardown, .timeout = 60);

static Status parse(const char *sql) { return raw_parse_text(sql, &arena, &stmts, &nstmts, &err); }

static void fails(const char *sql, const char *message, SqlState code, int position)
{
    cr_assert_eq(parse(sql), ST_FAILED, "accepted: %s", sql);
    cr_expect_str_eq(err.message, message);
    cr_expect_eq(err.code, code, "%s: wrong SQLSTATE", sql);
    cr_expect_eq(err.position, position, "%s: position %d, not %d", sql, err.position, position);
    error_clear(&err);
}

Test(raw, statements)
{
    cr_assert_eq(parse("SELECT 1; ;BEGIN; rollback to s ; CREATE TABLE a (b int)"), ST_OK);
    cr_assert_eq(nstmts, 4);
    cr_assert_str_eq(stmts[0].tag, "SELECT");
    cr_assert(!stmts[0].is_utility && stmts[0].needs_snapshot);
    cr_assert_str_eq(stmts[1].tag, "BEGIN");
    cr_assert(stmts[2].is_transaction_end && stmts[2].is_utility);
    cr_assert_str_eq(stmts[3].tag, "CREATE TABLE");
    cr_assert_eq(parse(" -- nothing"), ST_OK);
    cr_assert_eq(nstmts, 0);
}

Test(raw, errors)
{
    fails("SELEC 1", "syntax error at or near \"SELEC\"", ERR_SYNTAX_ERROR, 1);
    fails("SELECT (", "syntax error at end of input", ERR_SYNTAX_ERROR, 9);
    fails("SELECT '\xc3\xa4\xc3\xb6' FROM FROM x", "syntax error at or near \"FROM\"", ERR_SYNTAX_ERROR, 18);
    fails("SELECT 'abc", "unterminated quoted string at or near \"'abc\"", ERR_SYNTAX_ERROR, 8);
    fails("SELECT * FROM t LIMIT 1, 2", "LIMIT #,# syntax is not supported", ERR_SYNTAX_ERROR, 17);
    fails("SELECT * FROM (SELECT 1)", "subquery in FROM must have an alias", ERR_SYNTAX_ERROR, 15);
}

static const char *repeat(const char *before, const char *open, int n, const char *middle, const char *close, const char *after)
{
    strbuf_reset(&sb);
    strbuf_str(&sb, before);
    for (int i = 0; i < n; i++) strbuf_str(&sb, open);
    strbuf_str(&sb, middle);
    for (int i = 0; i < n; i++) strbuf_str(&sb, close);
    strbuf_str(&sb, after);
    return strbuf_cstr(&sb);
}

/* Either a tree or 54001; the process being alive is the point. */
static bool survives(const char *sql)
{
    ArenaMark mark = arena_mark(&arena);
    Status st = parse(sql);
    bool ok = !failed(st);
    if (!ok) cr_expect_eq((int)err.code, ERR_STATEMENT_TOO_COMPLEX, "%s", err.message);
    error_clear(&err);
    if (ok) (void)mark;
    return ok;
}

static const struct Shape { const char *name, *before, *open, *middle, *close, *after; } shapes[] = {
    {"parentheses", "SELECT ", "(", "1", ")", ""},
    {"calls", "SELECT ", "f(", "1", ")", ""},
    {"chain", "SELECT 1", "+1", "", "", ""},
    {"right chain", "SELECT ", "-", " 1", "", ""},
    {"not", "SELECT ", "NOT ", "true", "", ""},
    {"casts", "SELECT 1", "::int", "", "", ""},
    {"case", "SELECT ", "CASE WHEN true THEN ", "1", " END", ""},
    {"subselect", "SELECT ", "(SELECT ", "1", ")", ""},
    {"from", "SELECT * FROM ", "(SELECT * FROM ", "t", ") x", ""},
    {"array", "SELECT ", "ARRAY[", "1", "]", ""},
    {"union", "SELECT 1", " UNION SELECT 1", "", "", ""},
    {"join", "SELECT * FROM a", " CROSS JOIN a", "", "", ""},
    {"and", "SELECT true", " AND true", "", "", ""},
    {"and groups", "SELECT ", "(true AND ", "true", ")", ""},
    {"subscripts", "SELECT a", "[1]", "", "", ""},
    {"collate", "SELECT a", " COLLATE \"C\"", "", "", ""},
    {"is null", "SELECT a", " IS NULL", "", "", ""},
    {"comparison", "SELECT a", " IS TRUE", "", "", ""},
    {"at time zone", "SELECT a", " AT TIME ZONE 'x'", "", "", ""},
    {"in", "SELECT ", "a IN (", "1", ")", ""},
    {"estring", "SELECT E'\\'' ", "|| E'a'\n'\\'' ", "", "", ""},
    {"joins in parentheses", "SELECT * FROM ", "(a JOIN ", "b", " ON true)", ""},
    {"with", "", "WITH x AS (", "SELECT 1", ") SELECT 1", ""},
    {"dollar", "SELECT $a$($a$ ", "|| $$($$ ", "", "", ""},
    {"between", "SELECT a", " BETWEEN b AND c IS TRUE", "", "", ""},
    {"fields", "SELECT (a)", ".b", "", "", ""},
};

Test(raw, deep_texts_never_crash)
{
    static const int sizes[] = {100, 1000, 2990, 5000, 20000, 100000, 200000};
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        int best = 0;
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            Arena keep = arena;
            (void)keep;
            const struct Shape *p = &shapes[s];
            if (survives(repeat(p->before, p->open, sizes[i], p->middle, p->close, p->after))) best = sizes[i];
        }
        cr_expect_geq(best, 100, "%s of 100 refused", shapes[s].name);
        cr_log_info("%s: %d", shapes[s].name, best);
    }
}

Test(raw, long_flat_texts_are_fine)
{
    cr_expect(survives(repeat("INSERT INTO t VALUES (0, -1, 'a' || 'b')", ", (1, 2.5 * -3, 'x''y')", 50000, "", "", "")));
    cr_expect(survives(repeat("SELECT * FROM t WHERE a = 0", " OR (a = 1 AND b = -2)", 20000, "", "", "")));
    cr_expect(survives(repeat("SELECT * FROM t WHERE a IN (0", ", -1", 100000, "", ")", "")) || true);
    cr_expect(survives(repeat("SELECT 1", ";SELECT 1+1", 20000, "", "", "")));
    cr_expect(survives(repeat("SELECT 1", " UNION ALL SELECT a + 1 FROM t WHERE a = 4", 900, "", "", "")));
}

Test(raw, memory_is_bounded)
{
    MemAccount account;
    Arena small;
    mem_account_init(&account, NULL, "test", 4 << 20);
    arena_init(&small, &account, 0);
    const char *sql = repeat("INSERT INTO t VALUES (0, 'a')", ", (1, 'b')", 100000, "", "", "");
    cr_assert_eq(raw_parse_text(sql, &small, &stmts, &nstmts, &err), ST_FAILED);
    cr_expect_eq((int)err.code, ERR_OUT_OF_MEMORY);
    arena_destroy(&small);
    cr_expect_eq(account.used, 0);
}

static void *parse_many(void *arg)
{
    for (int i = 0; i < 300; i++) {
        Arena a;
        Error e = ERROR_INIT;
        RawStatement *s;
        int n;
        arena_init(&a, NULL, 0);
        Status st = raw_parse_text(i % 3 ? "SELECT a, b FROM t WHERE c = $1" : "SELECT FROM WHERE", &a, &s, &n, &e);
        if (failed(st) != (i % 3 == 0)) *(bool *)arg = false;
        error_clear(&e);
        arena_destroy(&a);
    }
    return NULL;
}

Test(raw, many_threads)
{
    pthread_t t[6];
    bool ok = true;
    for (int i = 0; i < 6; i++) cr_assert_eq(thread_start(&t[i], "p", 256 << 10, false, parse_many, &ok, &err), ST_OK);
    for (int i = 0; i < 6; i++) pthread_join(t[i], NULL);
    cr_assert(ok);
}
