/* The deparser: expressions built by hand, and definitions from catalog rows, in PostgreSQL's words. */
#include "catalog_test.h"

static TestSession s;
static Oid table;

static void setup(void)
{
    setup_cluster();
    session_open(&s, 1);
    session_begin(&s);
    table = make_table(&s, "t", "a b Mixed");
}

static void teardown(void)
{
    session_close(&s);
    teardown_cluster();
}

TestSuite(deparse, .init = setup, .fini = teardown, .timeout = 60);

static Node *var(int attno) { return (Node *)make_var(&s.arena, 1, attno, TYPE_int4, -1, 0, 0); }
static Node *num(int v) { return (Node *)make_const(&s.arena, type_builtin(TYPE_int4), -1, datum_i32(v), false); }
static Node *text(const char *v) { return (Node *)make_const(&s.arena, type_builtin(TYPE_text), -1, varlena_cstr(&s.arena, v), false); }

static List *list2(void *a, void *b)
{
    List *l = list_append(NULL, &s.arena, a);
    return b ? list_append(l, &s.arena, b) : l;
}

static Node *op(Oid opno, Oid result, Node *a, Node *b)
{
    OpExpr *o = node_new(OpExpr, &s.arena);
    o->opno = opno;
    o->opresulttype = result;
    o->args = list2(a, b);
    return (Node *)o;
}

static Node *boolean(BoolExprType type, Node *a, Node *b)
{
    BoolExpr *e = node_new(BoolExpr, &s.arena);
    e->boolop = type;
    e->args = list2(a, b);
    return (Node *)e;
}

static const char *show(const Node *n, bool pretty)
{
    const char *out = NULL;
    OK(deparse_expr(&s.env, n, table, pretty, &s.arena, &out, err));
    return out;
}

Test(deparse, operators_and_parentheses)
{
    Node *sum = op(551, TYPE_int4, var(1), num(1)), *product = op(514, TYPE_int4, sum, var(2));
    cr_assert_str_eq(show(sum, false), "(a + 1)");
    cr_assert_str_eq(show(sum, true), "a + 1");
    cr_assert_str_eq(show(product, false), "((a + 1) * b)");
    cr_assert_str_eq(show(product, true), "(a + 1) * b");
    cr_assert_str_eq(show(op(551, TYPE_int4, op(514, TYPE_int4, var(1), num(2)), num(3)), true), "a * 2 + 3");
    Node *gt = op(521, TYPE_bool, var(1), num(0)), *lt = op(97, TYPE_bool, var(2), num(9));
    cr_assert_str_eq(show(boolean(AND_EXPR, gt, lt), false), "((a > 0) AND (b < 9))");
    cr_assert_str_eq(show(boolean(AND_EXPR, gt, lt), true), "a > 0 AND b < 9");
    cr_assert_str_eq(show(boolean(AND_EXPR, boolean(OR_EXPR, gt, lt), gt), true), "(a > 0 OR b < 9) AND a > 0");
    cr_assert_str_eq(show(boolean(NOT_EXPR, gt, NULL), true), "NOT a > 0");
}

Test(deparse, constants)
{
    cr_assert_str_eq(show(num(5), false), "5");
    cr_assert_str_eq(show(num(-5), false), "'-5'::integer");
    cr_assert_str_eq(show(text("it's"), false), "'it''s'::text");
    cr_assert_str_eq(show(text("a\\b"), false), "E'a\\\\b'::text");
    cr_assert_str_eq(show((Node *)make_const(&s.arena, type_builtin(TYPE_bool), -1, datum_bool(true), false), false), "true");
    cr_assert_str_eq(show((Node *)make_const(&s.arena, type_builtin(TYPE_int8), -1, datum_i64(7), false), false), "'7'::bigint");
    cr_assert_str_eq(show((Node *)make_const(&s.arena, type_builtin(TYPE_varchar), 14, 0, true), false), "NULL::character varying(10)");
}

Test(deparse, calls_casts_names)
{
    FuncExpr *f = node_new(FuncExpr, &s.arena);
    f->funcid = 1397; /* abs(int4) */
    f->funcresulttype = TYPE_int4;
    f->args = list2(var(3), NULL);
    cr_assert_str_eq(show((Node *)f, false), "abs(\"Mixed\")");
    f->funcid = 481; /* int8(int4) */
    f->funcresulttype = TYPE_int8;
    f->funcformat = COERCE_EXPLICIT_CAST;
    cr_assert_str_eq(show((Node *)f, false), "(\"Mixed\")::bigint");
    cr_assert_str_eq(show((Node *)f, true), "\"Mixed\"::bigint");
    f->funcformat = COERCE_IMPLICIT_CAST;
    cr_assert_str_eq(show((Node *)f, false), "\"Mixed\"");
    NullTest *n = node_new(NullTest, &s.arena);
    n->arg = var(1);
    n->nulltesttype = IS_NOT_NULL;
    cr_assert_str_eq(show((Node *)n, false), "(a IS NOT NULL)");
}

static const char *constraint(Form_pg_constraint *c)
{
    const char *out = NULL;
    OK(cat_new_oid(&s.env, &c->oid, err));
    OK(cat_insert(&s.env, REL_pg_constraint, c, err));
    OK(deparse_constraintdef(&s.env, c->oid, false, &s.arena, &out, err));
    return out;
}

Test(deparse, constraints)
{
    Form_pg_constraint c;
    StrBuf dump;
    strbuf_init(&dump, &s.arena);
    OK(node_dump(op(521, TYPE_bool, var(1), num(0)), &dump, err));
    cat_constraint_defaults(&c);
    c.conname = "t_a_check";
    c.connamespace = 2200;
    c.contype = 'c';
    c.conrelid = table;
    c.conbin = strbuf_cstr(&dump);
    cr_assert_str_eq(constraint(&c), "CHECK ((a > 0))");
    cat_constraint_defaults(&c);
    c.conname = "t_b_fkey";
    c.connamespace = 2200;
    c.contype = 'f';
    c.conrelid = c.confrelid = table;
    c.conkey = cat_int2_array(&s.arena, (int16_t[]){2}, 1);
    c.confkey = cat_int2_array(&s.arena, (int16_t[]){1}, 1);
    c.confdeltype = 'c';
    c.confupdtype = 'a';
    c.confmatchtype = 's';
    c.condeferrable = true;
    cr_assert_str_eq(constraint(&c), "FOREIGN KEY (b) REFERENCES t(a) ON DELETE CASCADE DEFERRABLE");
}

Test(deparse, indexes)
{
    Form_pg_class c;
    Form_pg_index x;
    const char *out;
    cat_class_defaults(&c);
    cat_index_defaults(&x);
    OK(cat_new_oid(&s.env, &c.oid, err));
    c.relname = "t_idx";
    c.relnamespace = 2200;
    c.relam = BTREE_AM;
    c.relkind = 'i';
    c.relnatts = 3;
    x.indexrelid = c.oid;
    x.indrelid = table;
    x.indnatts = 3;
    x.indnkeyatts = 2;
    x.indisunique = true;
    x.indkey = (Int2Vec){3, (int16_t[]){1, 3, 2}};
    x.indcollation = (OidVec){2, (Oid[]){0, 0}};
    x.indclass = (OidVec){2, (Oid[]){1978, 1978}}; /* int4_ops */
    x.indoption = (Int2Vec){2, (int16_t[]){0, 3}};
    OK(cat_insert(&s.env, REL_pg_class, &c, err));
    OK(cat_insert(&s.env, REL_pg_index, &x, err));
    for (int16_t i = 1; i <= 3; i++) {
        Form_pg_attribute a;
        cat_attribute_defaults(&a);
        a.attrelid = c.oid;
        a.attname = arena_printf(&s.arena, "k%d", i);
        a.atttypid = TYPE_int4;
        a.attnum = i;
        OK(cat_insert(&s.env, REL_pg_attribute, &a, err));
    }
    OK(deparse_indexdef(&s.env, c.oid, 0, false, &s.arena, &out, err));
    cr_assert_str_eq(out, "CREATE UNIQUE INDEX t_idx ON public.t USING btree (a, \"Mixed\" DESC) INCLUDE (b)");
    OK(deparse_indexdef(&s.env, c.oid, 2, false, &s.arena, &out, err));
    cr_assert_str_eq(out, "\"Mixed\"");
    OK(deparse_indexdef(&s.env, 2662, 0, false, &s.arena, &out, err));
    cr_assert_str_eq(out, "CREATE UNIQUE INDEX pg_class_oid_index ON pg_catalog.pg_class USING btree (oid)");
}

Test(deparse, functions)
{
    const char *out;
    OK(deparse_function_arguments(&s.env, 1397, true, false, &s.arena, &out, err));
    cr_assert_str_eq(out, "integer");
    OK(deparse_function_arguments(&s.env, 3464, true, false, &s.arena, &out, err)); /* make_interval */
    cr_assert(strstr(out, "years integer DEFAULT 0, months integer DEFAULT 0"), "%s", out);
    OK(deparse_function_result(&s.env, 1067, &s.arena, &out, err)); /* generate_series(int4, int4) */
    cr_assert_str_eq(out, "SETOF integer");
    cr_assert_str_eq(quote_identifier(&s.arena, "select"), "\"select\"");
    cr_assert_str_eq(quote_identifier(&s.arena, "abc_1"), "abc_1");
    cr_assert_str_eq(quote_identifier(&s.arena, "a\"b"), "\"a\"\"b\"");
}
