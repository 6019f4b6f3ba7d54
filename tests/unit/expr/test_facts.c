/* Facts of expressions and constant folding, on trees made by hand. */
#include <criterion/criterion.h>

#include "common/thread.h"
#include "expr/expr.h"

static Arena arena;
static SessionEnv env;
static void setup(void) { arena_init(&arena, NULL, 0); }
static void teardown(void) { arena_destroy(&arena); }
TestSuite(facts, .init = setup, .fini = teardown);

static Node *i4(int v) { return (Node *)make_const(&arena, type_builtin(TYPE_int4), -1, datum_i32(v), false); }
static Node *null4(void) { return (Node *)make_const(&arena, type_builtin(TYPE_int4), -1, 0, true); }
static Node *boolean(bool v) { return (Node *)make_const(&arena, type_builtin(TYPE_bool), -1, v, false); }
static Node *column(int varno, int attno) { return (Node *)make_var(&arena, varno, attno, TYPE_int4, -1, 0, 0); }
static Node *op(Oid opno, Oid proc, Oid result, Node *a, Node *b)
{
    OpExpr *o = node_new(OpExpr, &arena);
    o->opno = opno, o->opfuncid = proc, o->opresulttype = result;
    o->args = list_append(list_append(NULL, &arena, a), &arena, b);
    return (Node *)o;
}
static Node *plus(Node *a, Node *b) { return op(551, 177, TYPE_int4, a, b); }
static Node *equal(Node *a, Node *b) { return op(96, 65, TYPE_bool, a, b); }
static Node *logic(BoolExprType t, Node *a, Node *b)
{
    BoolExpr *e = node_new(BoolExpr, &arena);
    e->boolop = t;
    e->args = list_append(NULL, &arena, a);
    if (b) e->args = list_append(e->args, &arena, b);
    return (Node *)e;
}
static Node *fold(Node *n)
{
    Node *out;
    Error err = ERROR_INIT;
    cr_assert(!failed(expr_fold(&env, n, NULL, false, &arena, &out, &err)), "%s", err.message);
    return out;
}
static Bitset *rel(int n) { return bitset_add(NULL, &arena, n); }

static Datum eval(Node *n, bool *isnull)
{
    ExprProgram *p;
    Error err = ERROR_INIT;
    Datum v;
    ExprContext ec = {.tuple_arena = &arena, .query_arena = &arena, .env = &env};
    cr_assert(!failed(expr_compile(&env, n, &arena, &p, &err)), "%s", err.message);
    cr_assert(!failed(expr_eval(p, &ec, &v, isnull, &err)), "%s", err.message);
    return v;
}

Test(facts, evaluation)
{
    bool isnull;
    cr_assert_eq(datum_get_i32(eval(plus(i4(2), plus(i4(3), i4(4))), &isnull)), 9);
    cr_assert(!isnull);
    eval(plus(i4(2), null4()), &isnull);
    cr_assert(isnull);
    /* three-valued logic */
    Node *unknown = equal(null4(), i4(1));
    static const struct { BoolExprType t; int a, b, r; } cases[] = { /* 2: null */
        {AND_EXPR, 1, 1, 1}, {AND_EXPR, 1, 0, 0}, {AND_EXPR, 2, 0, 0}, {AND_EXPR, 0, 2, 0}, {AND_EXPR, 2, 1, 2}, {AND_EXPR, 1, 2, 2}, {AND_EXPR, 2, 2, 2},
        {OR_EXPR, 0, 0, 0}, {OR_EXPR, 0, 1, 1}, {OR_EXPR, 2, 1, 1}, {OR_EXPR, 1, 2, 1}, {OR_EXPR, 2, 0, 2}, {OR_EXPR, 0, 2, 2}, {OR_EXPR, 2, 2, 2}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Node *a = cases[i].a == 2 ? unknown : boolean(cases[i].a), *b = cases[i].b == 2 ? unknown : boolean(cases[i].b);
        Datum v = eval(logic(cases[i].t, a, b), &isnull);
        cr_assert_eq(isnull ? 2 : (int)v, cases[i].r, "case %zu", i);
    }
}

Test(facts, folding)
{
    Node *n = fold(plus(i4(1), i4(2)));
    cr_assert(IsA(n, Const) && datum_get_i32(((Const *)n)->constvalue) == 3);
    cr_assert(IsA(fold(logic(AND_EXPR, equal(column(1, 1), i4(1)), boolean(false))), Const));
    Node *kept = equal(column(1, 1), i4(1));
    cr_assert_eq(fold(logic(AND_EXPR, kept, boolean(true))), kept);
    cr_assert_eq(fold(kept), kept, "nothing to fold: the same tree");
    Node *not_not = logic(NOT_EXPR, logic(NOT_EXPR, kept, NULL), NULL);
    cr_assert_eq(fold(not_not), kept);
}

Test(facts, folding_raises_what_evaluation_raises)
{
    Node *out;
    Error err = ERROR_INIT;
    cr_assert(failed(expr_fold(&env, plus(i4(INT32_MAX), i4(1)), NULL, false, &arena, &out, &err)));
    cr_assert_eq(err.code, ERR_NUMERIC_VALUE_OUT_OF_RANGE);
    error_clear(&err);
}

Test(facts, strictness)
{
    Node *x = equal(column(1, 1), i4(1)), *y = equal(column(2, 1), i4(1));
    cr_assert(expr_is_strict_for(&env, x, rel(1)));
    cr_assert_not(expr_is_strict_for(&env, x, rel(2)));
    cr_assert(expr_is_strict_for(&env, logic(AND_EXPR, x, y), rel(1)));
    cr_assert_not(expr_is_strict_for(&env, logic(OR_EXPR, x, y), rel(1)));
    cr_assert(expr_is_strict_for(&env, logic(OR_EXPR, x, x), rel(1)));
    cr_assert(expr_is_strict_for(&env, logic(NOT_EXPR, x, NULL), rel(1)));
    cr_assert_not(expr_is_strict_for(&env, logic(NOT_EXPR, logic(AND_EXPR, x, y), NULL), rel(1)), "NOT (null AND false) is true");
}

Test(facts, deep_trees)
{
    Node *n = i4(0);
    Error err = ERROR_INIT;
    ExprProgram *p;
    char here;
    stack_bounds_set(&here - (256 << 10), 256 << 10);
    for (int i = 0; i < 100000; i++) n = plus(n, i4(1));
    cr_assert(failed(expr_compile(&env, n, &arena, &p, &err)));
    cr_assert_eq(err.code, ERR_STATEMENT_TOO_COMPLEX);
    error_clear(&err);
}
