/* Analysis against a bootstrapped catalog: cases/queries.txt holds PostgreSQL's answers; the rest looks at shapes of trees. */
#include "catalog/catalog_test.h"
#include "functions/call.h"
#include "parser/analyze.h"

static TestSession s;
static Arena arena;
static Error error;

static void setup(void)
{
    setup_cluster();
    functions_register();
    session_open(&s, 1);
    session_begin(&s);
    make_table(&s, "t", "a b c");
    make_table(&s, "u", "b d");
    OK(snapshot_take(s.env.txn, &s.env.snapshot, err));
    arena_init(&arena, NULL, 0);
    error = ERROR_INIT;
}

static void teardown(void)
{
    arena_destroy(&arena);
    error_clear(&error);
    snapshot_release(s.env.snapshot);
    s.env.snapshot = NULL;
    session_close(&s);
    teardown_cluster();
}
TestSuite(analyze, .init = setup, .fini = teardown, .timeout = 120);

static Status analyze_with(const char *sql, ParamTypes *params, Query **q)
{
    RawStatement *raw;
    int n;
    TRY(raw_parse(&s.env, sql, &arena, &raw, &n, &error));
    return analyze_statement(&s.env, &raw[0], sql, params, &arena, q, &error);
}

static Query *analyze(const char *sql)
{
    ParamTypes params = {.variable = true, .arena = &arena};
    Query *q = NULL;
    cr_assert_eq(analyze_with(sql, &params, &q), ST_OK, "%s: %s", sql, error.message);
    return q;
}

static void fails(const char *sql, SqlState code, const char *message)
{
    ParamTypes params = {.variable = true, .arena = &arena};
    Query *q;
    cr_assert_eq(analyze_with(sql, &params, &q), ST_FAILED, "accepted: %s", sql);
    cr_expect_eq((int)error.code, (int)code, "%s: wrong SQLSTATE", sql);
    cr_expect_str_eq(error.message, message);
    error_clear(&error);
}

static const char *describe(const char *sql)
{
    StrBuf sb;
    ParamTypes params = {.variable = true, .arena = &arena};
    Query *q;
    char state[6];
    strbuf_init(&sb, &arena);
    if (failed(analyze_with(sql, &params, &q))) {
        sqlstate_text(error.code, state);
        strbuf_printf(&sb, "ERR|%s|%d|%s|%s|%s", state, error.position, error.message, error.detail ? error.detail : "-", error.hint ? error.hint : "-");
        for (char *p = sb.data; (p = strchr(p, '\n'));) *p = ' ';
        error_clear(&error);
        return strbuf_cstr(&sb);
    }
    strbuf_str(&sb, "OK|");
    for (int i = 0; i < params.n; i++) strbuf_printf(&sb, "%s%u", i ? "," : "", params.types[i]);
    strbuf_char(&sb, '|');
    const char *gap = "";
    LIST_EACH(TargetEntry *, te, q->commandType == CMD_UTILITY ? NULL : q->commandType == CMD_SELECT ? q->targetList : q->returningList) {
        if (te->resjunk) continue;
        strbuf_printf(&sb, "%s%s:%u:%d", gap, te->resname, expr_type(te->expr), expr_typmod(te->expr));
        gap = ",";
    }
    Query *copy = node_copy(q, &arena);
    cr_expect(node_equal(copy, q), "copy differs: %s", sql);
    return strbuf_cstr(&sb);
}

Test(analyze, answers_as_postgresql)
{
    static char path[500], sql[4000], want[4000];
    snprintf(path, sizeof path, "%s", __FILE__);
    strcpy(strrchr(path, '/') + 1, "cases/queries.txt");
    FILE *f = fopen(path, "r");
    cr_assert(f, "%s", path);
    while (fgets(sql, sizeof sql, f)) {
        if (*sql == '#') continue;
        cr_assert(fgets(want, sizeof want, f));
        sql[strcspn(sql, "\n")] = want[strcspn(want, "\n")] = 0;
        ArenaMark mark = arena_mark(&arena);
        cr_expect_str_eq(describe(sql), want + 1, "%s\n  wanted %s\n  got    %s", sql, want + 1, describe(sql));
        arena_release(&arena, mark);
        catalog_statement_end(&s.env);
    }
    fclose(f);
}

Test(analyze, insert_fills_all_columns)
{
    Query *q = analyze("INSERT INTO t (c, a) VALUES (1, 2)");
    cr_assert_eq(list_len(q->targetList), 3);
    TargetEntry *b = list_at(q->targetList, 1), *c = list_at(q->targetList, 2);
    cr_expect(IsA(b->expr, Const) && ((Const *)b->expr)->constisnull);
    cr_expect(IsA(c->expr, Const) && ((Const *)c->expr)->constvalue == 1);
    cr_expect_eq(c->resno, 3);
    fails("INSERT INTO t (c, c) VALUES (1, 2)", ERR_DUPLICATE_COLUMN, "column \"c\" specified more than once");
    fails("INSERT INTO t VALUES (1, 2, 3, 4)", ERR_SYNTAX_ERROR, "INSERT has more expressions than target columns");
    fails("INSERT INTO t (a) VALUES (true)", ERR_DATATYPE_MISMATCH, "column \"a\" is of type integer but expression is of type boolean");
    q = analyze("INSERT INTO t VALUES (1), (DEFAULT)");
    cr_expect_eq(((RangeTblEntry *)list_at(q->rtable, 1))->rtekind, RTE_VALUES);
}

Test(analyze, update_and_delete)
{
    Query *q = analyze("UPDATE t SET c = u.d FROM u WHERE u.b = t.b RETURNING t.*");
    cr_expect_eq(q->resultRelation, 1);
    cr_expect_eq(((TargetEntry *)list_first(q->targetList))->resno, 3);
    cr_expect_eq(list_len(q->returningList), 3);
    cr_expect_eq(list_len(q->jointree->fromlist), 2);
    RangeTblEntry *rte = list_first(q->rtable);
    cr_expect_eq(rte->requiredPerms, 2 | 4);
    cr_expect(bitset_has(rte->updatedCols, 3 + 8) && bitset_has(rte->selectedCols, 2 + 8));
    fails("UPDATE t SET a = 1, a = 2", ERR_SYNTAX_ERROR, "multiple assignments to same column \"a\"");
    q = analyze("DELETE FROM t USING u WHERE t.b = u.b");
    cr_expect_eq(q->commandType, CMD_DELETE);
    fails("DELETE FROM t x WHERE t.a = 1", ERR_UNDEFINED_TABLE, "invalid reference to FROM-clause entry for table \"t\"");
}

Test(analyze, sublinks_have_params_numbered_from_one)
{
    Query *q = analyze("SELECT 1 FROM t WHERE (a, b) IN (SELECT b, d FROM u)");
    SubLink *sl = (SubLink *)q->jointree->quals;
    cr_assert(IsA(sl, SubLink) && sl->subLinkType == ANY_SUBLINK);
    OpExpr *second = list_at(((BoolExpr *)sl->testexpr)->args, 1);
    cr_expect_eq(((Param *)list_at(second->args, 1))->paramid, 2);
}

Test(analyze, utility_statements)
{
    CreateStmt *c = (CreateStmt *)analyze("CREATE TABLE x (a int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED, b varchar(5) DEFAULT 'q' NOT NULL, UNIQUE (a, b))")->utilityStmt;
    cr_assert(IsA(c, CreateStmt));
    cr_expect_eq(list_len(c->tableElts), 3);
    ColumnDefinition *a = list_first(c->tableElts);
    ConstraintDefinition *pk = list_first(a->constraints);
    cr_expect(pk->contype == CONSTR_PRIMARY && pk->deferrable && pk->initdeferred);
    VariableSetStmt *v = (VariableSetStmt *)analyze("SET search_path = a, 'B', public")->utilityStmt;
    cr_expect_eq(list_len(v->args), 3);
    cr_expect_str_eq(((String *)list_at(v->args, 1))->sval, "B");
    FetchStmt *f = (FetchStmt *)analyze("FETCH BACKWARD ALL FROM c")->utilityStmt;
    cr_expect(f->direction == 1 && f->howMany == INT64_MAX);
    cr_expect(IsA(analyze("CREATE FOREIGN TABLE f (a int) SERVER s")->utilityStmt, UnsupportedStmt));
    fails("CREATE TABLE x AS SELECT nosuch FROM t", ERR_UNDEFINED_COLUMN, "column \"nosuch\" does not exist");
}

Test(analyze, single_expressions)
{
    TupleDesc *d = tupledesc_new(&arena, 1);
    Node *n;
    attribute_set(&d->atts[0], "x", type_builtin(TYPE_int4), -1);
    ExprScope scope = {.relname = "new_table", .desc = d};
    cr_assert_eq(analyze_expression_text(&s.env, "x > 0 AND new_table.x < 10", EXPR_KIND_CHECK_CONSTRAINT, &scope, &arena, &n, &error), ST_OK);
    cr_expect_eq(expr_type(n), TYPE_bool);
    cr_assert_eq(analyze_expression_text(&s.env, "(SELECT 1)", EXPR_KIND_CHECK_CONSTRAINT, &scope, &arena, &n, &error), ST_FAILED);
    cr_expect_str_eq(error.message, "cannot use subquery in check constraint");
    error_clear(&error);
    cr_assert_eq(analyze_expression_text(&s.env, "x", EXPR_KIND_COLUMN_DEFAULT, &scope, &arena, &n, &error), ST_FAILED);
    cr_expect_str_eq(error.message, "cannot use column reference in DEFAULT expression");
    error_clear(&error);
    Oid oid;
    int32_t typmod;
    OK(parse_type_text(&s.env, "numeric(10,2)[]", &oid, &typmod, err));
    cr_expect(oid == TYPE__numeric && typmod == ((10 << 16) | 2) + 4);
    FAILS(parse_type_text(&s.env, "nosuch", &oid, &typmod, err), ERR_UNDEFINED_OBJECT);
    FAILS(parse_type_text(&s.env, "int4 FROM t", &oid, &typmod, err), ERR_SYNTAX_ERROR);
}

/* On the small stack of a session's thread a deep expression must end in 54001. */
static void *deep(void *arg)
{
    StrBuf sb;
    ParamTypes params = {.variable = true, .arena = &arena};
    Query *q;
    strbuf_init(&sb, &arena);
    strbuf_str(&sb, "SELECT 1");
    for (int i = 0; i < 2000; i++) strbuf_str(&sb, " + 1");
    *(Status *)arg = analyze_with(strbuf_cstr(&sb), &params, &q);
    return NULL;
}

Test(analyze, deep_expressions_are_54001)
{
    pthread_t t;
    Status st = ST_OK;
    OK(thread_start(&t, "deep", 256 << 10, false, deep, &st, err));
    pthread_join(t, NULL);
    cr_assert_eq(st, ST_FAILED);
    cr_expect_eq((int)error.code, ERR_STATEMENT_TOO_COMPLEX);
}

static void normal(const char *sql, const char *want, int literals)
{
    StrBuf sb;
    Literal lit[8];
    int n = 0;
    strbuf_init(&sb, &arena);
    bool ok = normalize_statement(slice_cstr(sql), &sb, lit, 8, &n);
    cr_expect_eq(ok, want != NULL, "%s", sql);
    if (!ok || !want) return;
    cr_expect_str_eq(strbuf_cstr(&sb), want);
    cr_expect_eq(n, literals, "%s: %d literals", sql, n);
}

Test(analyze, normalised_text)
{
    normal("SELECT abalance FROM pgbench_accounts WHERE aid = 17;", "SELECT abalance FROM pgbench_accounts WHERE aid = $1", 1);
    normal("UPDATE b SET x = x + -5 WHERE id = 3", "UPDATE b SET x = x + $1 WHERE id = $2", 2);
    normal("INSERT INTO h (a, b) VALUES (1, 'it''s', now())", "INSERT INTO h ( a , b ) VALUES ( $1 , $2 , now ( ) )", 2);
    normal("SELECT 1 FROM t WHERE a IN (1,2) ORDER BY 1 LIMIT 5", "SELECT 1 FROM t WHERE a IN ( $1 , $2 ) ORDER BY 1 LIMIT 5", 2);
    normal("SELECT a::varchar(10) FROM t WHERE d > date '2020-01-01'", "SELECT a :: varchar ( 10 ) FROM t WHERE d > date '2020-01-01'", 0);
    normal("SELECT a FROM t WHERE b = '5'::int", "SELECT a FROM t WHERE b = '5' :: int", 0);
    normal("SELECT a - 1, a -1 FROM t", "SELECT a - $1 , a - $2 FROM t", 2);
    normal("SELECT * FROM t WHERE a = $1", NULL, 0);
    normal("SELECT 1; SELECT 2", NULL, 0);
    normal("SELECT a INTO b FROM c", NULL, 0);
    normal("BEGIN", NULL, 0);
    normal("SELECT 'a'\n'b'", NULL, 0);
    normal("SELECT * FROM t WHERE a = 'unterminated", NULL, 0);
}
