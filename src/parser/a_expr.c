/* Expressions: the dispatch over raw expression nodes, constants, operators, boolean logic, tests. Column references are in a_column.c, the larger
 * constructs (CASE, ARRAY, ROW, IN, subscripts, casts) in a_construct.c, subqueries in a_sublink.c. */
#include <errno.h>
#include <stdlib.h>

#include "parser/parse_state.h"

static const struct { const char *name, *flags; } places[PLACE_COUNT] = {
#define PLACE(id, name, flags) {name, flags},
#include "parser/expr_places.def"
#undef PLACE
};

const char *place_name(ExprPlace place) { return places[place].name; }
bool place_allows(ExprPlace place, char what) { return strchr(places[place].flags, what) != NULL; }

Status transform_expr(ParseState *ps, const PbNode *raw, ExprPlace place, Node **out)
{
    ExprPlace before = ps->place;
    ps->place = place;
    Status st = transform_expr_here(ps, raw, out);
    ps->place = before;
    return st;
}

static Status unknown_const(ParseState *ps, const char *text, int location, Node **out)
{
    Const *c = make_const(ps->arena, type_builtin(TYPE_unknown), -1, 0, text == NULL);
    TRY_MEM(c, ps->err);
    if (text) TRY_MEM(c->constvalue = varlena_cstr(ps->arena, text), ps->err);
    c->location = location;
    *out = (Node *)c;
    return ST_OK;
}

static Status typed_literal(ParseState *ps, Oid type, const char *text, int location, Node **out)
{
    Const *c = make_const(ps->arena, type_builtin(type), -1, 0, false);
    TRY_MEM(c, ps->err);
    c->location = location;
    session_env_refresh(ps->env);
    IoContext io = session_io(ps->env, ps->arena);
    TRY_AT(ps, location, type_input(&io, type_builtin(type), slice_cstr(text), -1, &c->constvalue, ps->err));
    *out = (Node *)c;
    return ST_OK;
}

static Status number_const(ParseState *ps, const char *text, int location, Node **out)
{
    char *end;
    errno = 0;
    long long v = strtoll(text, &end, 10);
    if (errno || *end) return typed_literal(ps, TYPE_numeric, text, location, out);
    bool small = v >= INT32_MIN && v <= INT32_MAX;
    Const *c = make_const(ps->arena, type_builtin(small ? TYPE_int4 : TYPE_int8), -1, small ? datum_i32((int32_t)v) : datum_i64(v), false);
    TRY_MEM(c, ps->err);
    c->location = location;
    *out = (Node *)c;
    return ST_OK;
}

Status transform_const(ParseState *ps, const PgQuery__AConst *a, Node **out)
{
    Const *c;
    switch (a->val_case) {
    case PG_QUERY__A__CONST__VAL_FVAL: return number_const(ps, a->fval->fval, a->location, out);
    case PG_QUERY__A__CONST__VAL_SVAL: return unknown_const(ps, a->sval->sval, a->location, out);
    case PG_QUERY__A__CONST__VAL_BSVAL: return typed_literal(ps, TYPE_bit, a->bsval->bsval, a->location, out);
    case PG_QUERY__A__CONST__VAL_IVAL: c = make_const(ps->arena, type_builtin(TYPE_int4), -1, datum_i32(a->ival->ival), false); break;
    case PG_QUERY__A__CONST__VAL_BOOLVAL: c = make_const(ps->arena, type_builtin(TYPE_bool), -1, datum_bool(a->boolval->boolval), false); break;
    default: return unknown_const(ps, NULL, a->location, out);
    }
    TRY_MEM(c, ps->err);
    c->location = a->location;
    *out = (Node *)c;
    return ST_OK;
}

static bool is_null_const(const PbNode *n) { return PB_IS(n, A_CONST) && n->a_const->isnull; }

static Status op_name(ParseState *ps, const PgQuery__AExpr *a, const char **schema, const char **name)
{
    return ps_name_list(ps, a->name, a->n_name, schema, name);
}

static Status row_list(ParseState *ps, const PbNode *raw, Node *expr, List **out)
{
    if (IsA(expr, RowExpr)) { *out = ((RowExpr *)expr)->args; return ST_OK; }
    *out = NULL;
    PS_APPEND(*out, ps, expr);
    return ST_OK;
}

/* ROW(...) op (SELECT ...) */
static Status row_sublink(ParseState *ps, const PgQuery__AExpr *a, Node **out)
{
    PgQuery__SubLink sl = *a->rexpr->sub_link;
    sl.sub_link_type = PG_QUERY__SUB_LINK_TYPE__ROWCOMPARE_SUBLINK;
    sl.testexpr = a->lexpr;
    sl.oper_name = a->name;
    sl.n_oper_name = a->n_name;
    sl.location = a->location;
    return transform_sublink(ps, &sl, out);
}

static Status transform_op(ParseState *ps, const PgQuery__AExpr *a, Node **out)
{
    const char *schema, *name;
    Node *left = NULL, *right;
    TRY(op_name(ps, a, &schema, &name));
    if (PB_IS(a->lexpr, ROW_EXPR) && PB_IS(a->rexpr, SUB_LINK) && a->rexpr->sub_link->sub_link_type == PG_QUERY__SUB_LINK_TYPE__EXPR_SUBLINK)
        return row_sublink(ps, a, out);
    const Node *last_srf = ps->last_srf;
    if (a->lexpr) TRY(transform_expr_here(ps, a->lexpr, &left));
    TRY(transform_expr_here(ps, a->rexpr, &right));
    if (PB_IS(a->lexpr, ROW_EXPR) && PB_IS(a->rexpr, ROW_EXPR)) {
        List *l, *r;
        TRY(row_list(ps, a->lexpr, left, &l));
        TRY(row_list(ps, a->rexpr, right, &r));
        return make_row_compare(ps, schema, name, l, r, a->location, out);
    }
    (void)last_srf;
    return make_op(ps, schema, name, left, right, a->location, out);
}

static Status transform_op_any(ParseState *ps, const PgQuery__AExpr *a, bool any, Node **out)
{
    const char *schema, *name;
    Node *left, *right;
    TRY(op_name(ps, a, &schema, &name));
    TRY(transform_expr_here(ps, a->lexpr, &left));
    TRY(transform_expr_here(ps, a->rexpr, &right));
    return make_scalar_array_op(ps, schema, name, any, left, right, a->location, out);
}

static Status make_not(ParseState *ps, Node *arg, int location, Node **out)
{
    BoolExpr *b;
    PS_NEW(b, BoolExpr, ps);
    b->boolop = NOT_EXPR;
    b->location = location;
    PS_APPEND(b->args, ps, arg);
    *out = (Node *)b;
    return ST_OK;
}

static Status make_null_test(ParseState *ps, Node *arg, NullTestType kind, int location, Node **out)
{
    NullTest *t;
    const TypeInfo *type = catalog_type(ps->env, type_base_of(ps->env, expr_type(arg), &(int32_t){-1}));
    PS_NEW(t, NullTest, ps);
    *t = (NullTest){.tag = T_NullTest, .arg = arg, .nulltesttype = kind, .location = location,
                    .argisrow = type && (type->typtype == 'c' || type->oid == TYPE_record)};
    *out = (Node *)t;
    return ST_OK;
}

static Status transform_distinct_from(ParseState *ps, const PgQuery__AExpr *a, bool negated, Node **out)
{
    Node *left, *right;
    if (is_null_const(a->rexpr) || is_null_const(a->lexpr)) {
        TRY(transform_expr_here(ps, is_null_const(a->rexpr) ? a->lexpr : a->rexpr, &left));
        return make_null_test(ps, left, negated ? IS_NULL : IS_NOT_NULL, a->location, out);
    }
    TRY(transform_expr_here(ps, a->lexpr, &left));
    TRY(transform_expr_here(ps, a->rexpr, &right));
    if (IsA(left, RowExpr) && IsA(right, RowExpr))
        TRY(make_row_distinct(ps, ((RowExpr *)left)->args, ((RowExpr *)right)->args, a->location, out));
    else
        TRY(make_distinct_op(ps, left, right, a->location, out));
    return negated ? make_not(ps, *out, a->location, out) : ST_OK;
}

static Status transform_nullif(ParseState *ps, const PgQuery__AExpr *a, Node **out)
{
    Node *left, *right, *op;
    NullIfExpr *n;
    TRY(transform_expr_here(ps, a->lexpr, &left));
    TRY(transform_expr_here(ps, a->rexpr, &right));
    TRY(make_op(ps, NULL, "=", left, right, a->location, &op));
    OpExpr *e = (OpExpr *)op;
    if (e->opresulttype != TYPE_bool) return PS_ERROR(ps, a->location, ERR_DATATYPE_MISMATCH, "NULLIF requires = operator to yield boolean");
    Oid type = expr_type(list_first(e->args));
    PS_NEW(n, NullIfExpr, ps);
    *n = (NullIfExpr){.tag = T_NullIfExpr, .opno = e->opno, .opfuncid = e->opfuncid, .opresulttype = type, .opcollid = ps_collation(ps, type),
                      .inputcollid = e->inputcollid, .args = e->args, .location = a->location};
    *out = (Node *)n;
    return ST_OK;
}

static Status transform_a_expr(ParseState *ps, const PgQuery__AExpr *a, Node **out)
{
    switch (a->kind) {
    case PG_QUERY__A__EXPR__KIND__AEXPR_OP_ANY: return transform_op_any(ps, a, true, out);
    case PG_QUERY__A__EXPR__KIND__AEXPR_OP_ALL: return transform_op_any(ps, a, false, out);
    case PG_QUERY__A__EXPR__KIND__AEXPR_DISTINCT: return transform_distinct_from(ps, a, false, out);
    case PG_QUERY__A__EXPR__KIND__AEXPR_NOT_DISTINCT: return transform_distinct_from(ps, a, true, out);
    case PG_QUERY__A__EXPR__KIND__AEXPR_NULLIF: return transform_nullif(ps, a, out);
    case PG_QUERY__A__EXPR__KIND__AEXPR_IN: return transform_in(ps, a, out);
    case PG_QUERY__A__EXPR__KIND__AEXPR_BETWEEN:
    case PG_QUERY__A__EXPR__KIND__AEXPR_NOT_BETWEEN:
    case PG_QUERY__A__EXPR__KIND__AEXPR_BETWEEN_SYM:
    case PG_QUERY__A__EXPR__KIND__AEXPR_NOT_BETWEEN_SYM: return transform_between(ps, a, out);
    default: return transform_op(ps, a, out);
    }
}

static Status transform_bool_expr(ParseState *ps, const PgQuery__BoolExpr *raw, Node **out)
{
    static const struct { BoolExprType op; const char *name; } ops[] = {{AND_EXPR, "?"}, {AND_EXPR, "AND"}, {OR_EXPR, "OR"}, {NOT_EXPR, "NOT"}};
    BoolExpr *b;
    PS_NEW(b, BoolExpr, ps);
    b->boolop = ops[raw->boolop].op;
    b->location = raw->location;
    for (size_t i = 0; i < raw->n_args; i++) {
        Node *arg;
        TRY(transform_expr_here(ps, raw->args[i], &arg));
        TRY(coerce_boolean(ps, arg, ops[raw->boolop].name, &arg));
        PS_APPEND(b->args, ps, arg);
    }
    *out = (Node *)b;
    return ST_OK;
}

Status transform_boolean_test(ParseState *ps, const PgQuery__BooleanTest *t, Node **out)
{
    static const char *const names[] = {"?", "IS TRUE", "IS NOT TRUE", "IS FALSE", "IS NOT FALSE", "IS UNKNOWN", "IS NOT UNKNOWN"};
    BooleanTest *b;
    PS_NEW(b, BooleanTest, ps);
    b->booltesttype = (BoolTestType)(t->booltesttype - 1);
    b->location = t->location;
    TRY(transform_expr_here(ps, t->arg, &b->arg));
    *out = (Node *)b;
    return coerce_boolean(ps, b->arg, names[t->booltesttype], &b->arg);
}

static Status transform_null_test(ParseState *ps, const PgQuery__NullTest *t, Node **out)
{
    Node *arg;
    TRY(transform_expr_here(ps, t->arg, &arg));
    return make_null_test(ps, arg, t->nulltesttype == PG_QUERY__NULL_TEST_TYPE__IS_NULL ? IS_NULL : IS_NOT_NULL, t->location, out);
}

Status transform_value_function(ParseState *ps, const PgQuery__SQLValueFunction *v, Node **out)
{
    static const Oid types[] = {TYPE_date, TYPE_timetz, TYPE_timetz, TYPE_timestamptz, TYPE_timestamptz, TYPE_time, TYPE_time, TYPE_timestamp,
        TYPE_timestamp, TYPE_name, TYPE_name, TYPE_name, TYPE_name, TYPE_name, TYPE_name};
    SQLValueFunction *f;
    int op = (int)v->op - 1;
    bool precise = op == SVF_CURRENT_TIME_N || op == SVF_CURRENT_TIMESTAMP_N || op == SVF_LOCALTIME_N || op == SVF_LOCALTIMESTAMP_N;
    PS_NEW(f, SQLValueFunction, ps);
    *f = (SQLValueFunction){.tag = T_SQLValueFunction, .op = (SQLValueOp)op, .type = types[op], .typmod = precise ? v->typmod : -1, .location = v->location};
    if (precise && f->typmod < 0)
        return PS_ERROR(ps, v->location, ERR_INVALID_PARAMETER_VALUE, "%s(%d)%s precision must not be negative",
                        op == SVF_CURRENT_TIME_N || op == SVF_LOCALTIME_N ? "TIME" : "TIMESTAMP", f->typmod,
                        op == SVF_CURRENT_TIME_N || op == SVF_CURRENT_TIMESTAMP_N ? " WITH TIME ZONE" : "");
    if (precise && f->typmod > 6) f->typmod = 6;
    *out = (Node *)f;
    return ST_OK;
}

static Status transform_collate(ParseState *ps, const PgQuery__CollateClause *c, Node **out)
{
    CollateExpr *e;
    PS_NEW(e, CollateExpr, ps);
    TRY(transform_expr_here(ps, c->arg, &e->arg));
    e->location = c->location;
    Oid type = expr_type(e->arg);
    if (!ps_collation(ps, type) && type != TYPE_unknown)
        return PS_ERROR(ps, c->location, ERR_DATATYPE_MISMATCH, "collations are not supported by type %s", ps_type_name(ps, type));
    *out = (Node *)e;
    return ps_resolve_collation(ps, c->collname, c->n_collname, c->location, &e->collOid);
}

static Status transform_current_of(ParseState *ps, const PgQuery__CurrentOfExpr *c, Node **out)
{
    CurrentOfExpr *e;
    PS_NEW(e, CurrentOfExpr, ps);
    e->cvarno = ps->target ? ps->target->rtindex : 0;
    *out = (Node *)e;
    return ps_string(ps, c->cursor_name, &e->cursor_name);
}

static Status transform_set_to_default(ParseState *ps, const PgQuery__SetToDefault *d, Node **out)
{
    SetToDefault *s;
    if (ps->place != PLACE_INSERT_TARGET && ps->place != PLACE_VALUES_SINGLE && ps->place != PLACE_VALUES && ps->place != PLACE_UPDATE_SOURCE)
        return PS_ERROR(ps, d->location, ERR_SYNTAX_ERROR, "DEFAULT is not allowed in this context");
    PS_NEW(s, SetToDefault, ps);
    *s = (SetToDefault){.tag = T_SetToDefault, .typeId = TYPE_unknown, .typeMod = -1, .location = d->location};
    *out = (Node *)s;
    return ST_OK;
}

Status transform_expr_here(ParseState *ps, const PbNode *raw, Node **out)
{
    *out = NULL;
    TRY(stack_check(ps->err));
    if (!raw) return ST_OK;
    switch (raw->node_case) {
    case PG_QUERY__NODE__NODE_COLUMN_REF: return transform_column_ref(ps, raw->column_ref, out);
    case PG_QUERY__NODE__NODE_PARAM_REF: return transform_param(ps, raw->param_ref, out);
    case PG_QUERY__NODE__NODE_A_CONST: return transform_const(ps, raw->a_const, out);
    case PG_QUERY__NODE__NODE_A_EXPR: return transform_a_expr(ps, raw->a_expr, out);
    case PG_QUERY__NODE__NODE_BOOL_EXPR: return transform_bool_expr(ps, raw->bool_expr, out);
    case PG_QUERY__NODE__NODE_FUNC_CALL: return transform_func_call(ps, raw->func_call, out);
    case PG_QUERY__NODE__NODE_TYPE_CAST: return transform_type_cast(ps, raw->type_cast, out);
    case PG_QUERY__NODE__NODE_COLLATE_CLAUSE: return transform_collate(ps, raw->collate_clause, out);
    case PG_QUERY__NODE__NODE_SUB_LINK: return transform_sublink(ps, raw->sub_link, out);
    case PG_QUERY__NODE__NODE_CASE_EXPR: return transform_case(ps, raw->case_expr, out);
    case PG_QUERY__NODE__NODE_A_ARRAY_EXPR: return transform_array(ps, raw->a_array_expr, 0, 0, -1, out);
    case PG_QUERY__NODE__NODE_ROW_EXPR: return transform_row(ps, raw->row_expr, false, out);
    case PG_QUERY__NODE__NODE_COALESCE_EXPR: return transform_coalesce(ps, raw->coalesce_expr, out);
    case PG_QUERY__NODE__NODE_MIN_MAX_EXPR: return transform_minmax(ps, raw->min_max_expr, out);
    case PG_QUERY__NODE__NODE_SQLVALUE_FUNCTION: return transform_value_function(ps, raw->sqlvalue_function, out);
    case PG_QUERY__NODE__NODE_NULL_TEST: return transform_null_test(ps, raw->null_test, out);
    case PG_QUERY__NODE__NODE_BOOLEAN_TEST: return transform_boolean_test(ps, raw->boolean_test, out);
    case PG_QUERY__NODE__NODE_GROUPING_FUNC: return transform_grouping(ps, raw->grouping_func, out);
    case PG_QUERY__NODE__NODE_CURRENT_OF_EXPR: return transform_current_of(ps, raw->current_of_expr, out);
    case PG_QUERY__NODE__NODE_SET_TO_DEFAULT: return transform_set_to_default(ps, raw->set_to_default, out);
    case PG_QUERY__NODE__NODE_A_INDIRECTION: {
        Node *base;
        TRY(transform_expr_here(ps, raw->a_indirection->arg, &base));
        return transform_indirection(ps, base, raw->a_indirection->indirection, raw->a_indirection->n_indirection, pb_location(raw), out);
    }
    case PG_QUERY__NODE__NODE_XML_EXPR:
    case PG_QUERY__NODE__NODE_XML_SERIALIZE: return error_set(ps->err, ERR_FEATURE_NOT_SUPPORTED, "XML expressions are not supported");
    default: return error_set(ps->err, ERR_FEATURE_NOT_SUPPORTED, "this kind of expression is not supported");
    }
}
