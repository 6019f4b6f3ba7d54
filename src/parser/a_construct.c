/* Larger constructs in expressions: CASE, COALESCE, GREATEST, ARRAY[], ROW(), IN lists, BETWEEN, subscripts, casts, row comparison. */
#include "parser/parse_state.h"

static Status refuse_srf(ParseState *ps, const Node *before, const char *where)
{
    if (ps->last_srf == before) return ST_OK;
    PS_ERROR(ps, expr_location(ps->last_srf), ERR_FEATURE_NOT_SUPPORTED, "set-returning functions are not allowed in %s", where);
    return error_hint(ps->err, "You might be able to move the set-returning function into a LATERAL FROM item.");
}

Status transform_case(ParseState *ps, const PgQuery__CaseExpr *raw, Node **out)
{
    CaseExpr *c;
    CaseTestExpr *test = NULL;
    List *results = NULL;
    const Node *last_srf = ps->last_srf;
    PS_NEW(c, CaseExpr, ps);
    c->location = raw->location;
    if (raw->arg) {
        TRY(transform_expr_here(ps, raw->arg, &c->arg));
        if (expr_type(c->arg) == TYPE_unknown) TRY(coerce_to_common(ps, c->arg, TYPE_text, "CASE", &c->arg));
        PS_NEW(test, CaseTestExpr, ps);
        *test = (CaseTestExpr){.tag = T_CaseTestExpr, .typeId = expr_type(c->arg), .typeMod = expr_typmod(c->arg), .collation = expr_collation(c->arg)};
    }
    PS_APPEND(results, ps, NULL);
    for (size_t i = 0; i < raw->n_args; i++) {
        const PgQuery__CaseWhen *rw = raw->args[i]->case_when;
        CaseWhen *w;
        PS_NEW(w, CaseWhen, ps);
        w->location = rw->location;
        TRY(transform_expr_here(ps, rw->expr, &w->expr));
        if (test) TRY(make_op(ps, NULL, "=", (Node *)test, w->expr, rw->location, &w->expr));
        TRY(coerce_boolean(ps, w->expr, "CASE/WHEN", &w->expr));
        TRY(transform_expr_here(ps, rw->result, &w->result));
        PS_APPEND(results, ps, w->result);
        PS_APPEND(c->args, ps, w);
    }
    if (raw->defresult) {
        TRY(transform_expr_here(ps, raw->defresult, &c->defresult));
    } else {
        PgQuery__AConst null = PG_QUERY__A__CONST__INIT;
        null.isnull = 1;
        null.location = -1;
        TRY(transform_const(ps, &null, &c->defresult));
    }
    results->items[0] = c->defresult;
    TRY(select_common_type(ps, results, "CASE", NULL, &c->casetype));
    TRY(coerce_to_common(ps, c->defresult, c->casetype, "CASE/ELSE", &c->defresult));
    LIST_EACH(CaseWhen *, w, c->args) TRY(coerce_to_common(ps, w->result, c->casetype, "CASE/WHEN", &w->result));
    c->casecollid = ps_collation(ps, c->casetype);
    *out = (Node *)c;
    return refuse_srf(ps, last_srf, "CASE");
}

static Status common_args(ParseState *ps, PbNode **raws, size_t n, const char *what, List **args, Oid *type)
{
    *args = NULL;
    for (size_t i = 0; i < n; i++) {
        Node *e;
        TRY(transform_expr_here(ps, raws[i], &e));
        PS_APPEND(*args, ps, e);
    }
    TRY(select_common_type(ps, *args, what, NULL, type));
    for (int i = 0; i < list_len(*args); i++) TRY(coerce_to_common(ps, list_at(*args, i), *type, what, (Node **)&(*args)->items[i]));
    return ST_OK;
}

Status transform_coalesce(ParseState *ps, const PgQuery__CoalesceExpr *raw, Node **out)
{
    CoalesceExpr *c;
    const Node *last_srf = ps->last_srf;
    PS_NEW(c, CoalesceExpr, ps);
    TRY(common_args(ps, raw->args, raw->n_args, "COALESCE", &c->args, &c->coalescetype));
    c->coalescecollid = ps_collation(ps, c->coalescetype);
    c->location = raw->location;
    *out = (Node *)c;
    return refuse_srf(ps, last_srf, "COALESCE");
}

Status transform_minmax(ParseState *ps, const PgQuery__MinMaxExpr *raw, Node **out)
{
    MinMaxExpr *m;
    Oid lt, eq, gt;
    bool hashable;
    PS_NEW(m, MinMaxExpr, ps);
    m->op = raw->op == PG_QUERY__MIN_MAX_OP__IS_GREATEST ? IS_GREATEST : IS_LEAST;
    TRY(common_args(ps, raw->args, raw->n_args, m->op == IS_GREATEST ? "GREATEST" : "LEAST", &m->args, &m->minmaxtype));
    m->minmaxcollid = ps_collation(ps, m->minmaxtype);
    m->location = raw->location;
    *out = (Node *)m;
    if (type_less_operator(ps->env, m->minmaxtype)) return ST_OK;
    (void)eq; (void)gt; (void)hashable; (void)lt;
    return PS_ERROR(ps, raw->location, ERR_UNDEFINED_FUNCTION, "could not identify a comparison function for type %s", ps_type_name(ps, m->minmaxtype));
}

static Oid element_type(ParseState *ps, Oid array)
{
    const TypeInfo *t = catalog_type(ps->env, array);
    return t && t->is_array ? t->elem : 0;
}

Status transform_array(ParseState *ps, const PgQuery__AArrayExpr *raw, Oid array_type, Oid elem_type, int32_t typmod, Node **out)
{
    ArrayExpr *a;
    PS_NEW(a, ArrayExpr, ps);
    a->location = raw->location;
    for (size_t i = 0; i < raw->n_elements; i++) {
        Node *e;
        if (PB_IS(raw->elements[i], A_ARRAY_EXPR)) {
            TRY(stack_check(ps->err));
            TRY(transform_array(ps, raw->elements[i]->a_array_expr, array_type, elem_type, typmod, &e));
            a->multidims = true;
        } else {
            TRY(transform_expr_here(ps, raw->elements[i], &e));
            a->multidims |= element_type(ps, expr_type(e)) != 0;
        }
        PS_APPEND(a->elements, ps, e);
    }
    bool hard = array_type != 0;
    Oid target = hard ? (a->multidims ? array_type : elem_type) : 0;
    if (!hard && !a->elements) {
        PS_ERROR(ps, raw->location, ERR_INDETERMINATE_DATATYPE, "cannot determine type of empty array");
        return error_hint(ps->err, "Explicitly cast to the desired type, for example ARRAY[]::integer[].");
    }
    if (!hard) {
        TRY(select_common_type(ps, a->elements, "ARRAY", NULL, &target));
        array_type = a->multidims ? target : type_array_of(ps->env, target);
        elem_type = a->multidims ? element_type(ps, target) : target;
        if (!elem_type) return PS_ERROR(ps, raw->location, ERR_UNDEFINED_OBJECT, "could not find element type for data type %s", ps_type_name(ps, target));
        if (!array_type) return PS_ERROR(ps, raw->location, ERR_UNDEFINED_OBJECT, "could not find array type for data type %s", ps_type_name(ps, target));
    }
    for (int i = 0; i < list_len(a->elements); i++) {
        Node *e = list_at(a->elements, i), *as;
        if (!hard) {
            TRY(coerce_to_common(ps, e, target, "ARRAY", &as));
        } else {
            TRY(coerce_to(ps, e, target, typmod, COERCION_EXPLICIT, COERCE_EXPLICIT_CAST, -1, &as));
            if (!as)
                return PS_ERROR(ps, expr_location(e), ERR_CANNOT_COERCE, "cannot cast type %s to %s", ps_type_name(ps, expr_type(e)), ps_type_name(ps, target));
        }
        a->elements->items[i] = as;
    }
    a->array_typeid = array_type;
    a->element_typeid = elem_type;
    a->array_collid = ps_collation(ps, array_type);
    *out = (Node *)a;
    return ST_OK;
}

Status transform_type_cast(ParseState *ps, const PgQuery__TypeCast *tc, Node **out)
{
    Oid type;
    int32_t typmod;
    Node *arg;
    TRY(ps_resolve_type(ps, tc->type_name, &type, &typmod));
    int location = tc->location >= 0 ? tc->location : tc->type_name->location;
    int32_t base_typmod = typmod;
    Oid base = type_base_of(ps->env, type, &base_typmod), elem = element_type(ps, base);
    if (PB_IS(tc->arg, A_ARRAY_EXPR) && elem) TRY(transform_array(ps, tc->arg->a_array_expr, base, elem, base_typmod, &arg));
    else TRY(transform_expr_here(ps, tc->arg, &arg));
    TRY(coerce_to(ps, arg, type, typmod, COERCION_EXPLICIT, COERCE_EXPLICIT_CAST, location, out));
    if (*out) return ST_OK;
    return PS_ERROR(ps, location >= 0 ? location : expr_location(arg), ERR_CANNOT_COERCE, "cannot cast type %s to %s", ps_type_name(ps, expr_type(arg)),
                    ps_type_name(ps, type));
}

Status transform_row(ParseState *ps, const PgQuery__RowExpr *raw, bool allow_default, Node **out)
{
    RowExpr *r;
    PS_NEW(r, RowExpr, ps);
    TRY(transform_exprs(ps, raw->args, raw->n_args, ps->place, &r->args));
    if (list_len(r->args) > 1664)
        return PS_ERROR(ps, raw->location, ERR_TOO_MANY_COLUMNS, "ROW expressions can have at most %d entries", 1664);
    r->row_typeid = TYPE_record;
    r->row_format = (CoercionForm)(raw->row_format ? raw->row_format - 1 : COERCE_IMPLICIT_CAST);
    r->location = raw->location;
    for (int i = 0; i < list_len(r->args); i++) {
        String *s;
        PS_NEW(s, String, ps);
        TRY_MEM(s->sval = arena_printf(ps->arena, "f%d", i + 1), ps->err);
        PS_APPEND(r->colnames, ps, s);
    }
    *out = (Node *)r;
    return ST_OK;
}

static Status make_bool(ParseState *ps, BoolExprType op, List *args, int location, Node **out)
{
    BoolExpr *b;
    if (list_len(args) == 1) {
        *out = list_first(args);
        return ST_OK;
    }
    PS_NEW(b, BoolExpr, ps);
    *b = (BoolExpr){.tag = T_BoolExpr, .boolop = op, .args = args, .location = location};
    *out = (Node *)b;
    return ST_OK;
}

/* The part of an IN list without columns as one = ANY (array), if a common type exists. */
static Status in_array(ParseState *ps, const char *op, bool use_or, Node *left, List *values, int location, Node **out)
{
    List *all = list_prepend(list_copy(values, ps->arena), ps->arena, left);
    Oid type, array;
    ArrayExpr *a;
    *out = NULL;
    TRY_MEM(all, ps->err);
    TRY(select_common_type(ps, all, NULL, NULL, &type));
    if (!type || type == TYPE_record || !(array = type_array_of(ps->env, type))) return ST_OK;
    LIST_EACH(Node *, e, values) {
        Oid from = expr_type(e);
        if (!can_coerce(ps, 1, &from, &type, COERCION_IMPLICIT)) return ST_OK;
    }
    PS_NEW(a, ArrayExpr, ps);
    *a = (ArrayExpr){.tag = T_ArrayExpr, .array_typeid = array, .array_collid = ps_collation(ps, array), .element_typeid = type, .location = -1};
    LIST_EACH(Node *, e, values) {
        Node *as;
        TRY(coerce_to_common(ps, e, type, "IN", &as));
        PS_APPEND(a->elements, ps, as);
    }
    return make_scalar_array_op(ps, NULL, op, use_or, left, (Node *)a, location, out);
}

Status transform_in(ParseState *ps, const PgQuery__AExpr *a, Node **out)
{
    const char *schema, *op;
    TRY(ps_name_list(ps, a->name, a->n_name, &schema, &op));
    bool use_or = strcmp(op, "<>") != 0, rows;
    Node *left, *cmp;
    List *constants = NULL, *others = NULL, *tests = NULL, *items = NULL;
    const PgQuery__List *list = a->rexpr->list;
    TRY(transform_expr_here(ps, a->lexpr, &left));
    rows = IsA(left, RowExpr);
    for (size_t i = 0; i < list->n_items; i++) {
        Node *e;
        TRY(transform_expr_here(ps, list->items[i], &e));
        rows |= IsA(e, RowExpr);
        if (contains_vars_of_level(e, 0)) PS_APPEND(others, ps, e);
        else PS_APPEND(constants, ps, e);
        PS_APPEND(items, ps, e);
    }
    if (!rows && list_len(constants) > 1) {
        TRY(in_array(ps, op, use_or, left, constants, a->location, &cmp));
        if (cmp) {
            PS_APPEND(tests, ps, cmp);
            items = others;
        }
    }
    LIST_EACH(Node *, e, items) {
        Node *l = left;
        if (tests || items->len > 1) TRY_MEM(l = node_copy(left, ps->arena), ps->err);
        if (IsA(l, RowExpr) && IsA(e, RowExpr))
            TRY(make_row_compare(ps, schema, op, list_copy(((RowExpr *)l)->args, ps->arena), ((RowExpr *)e)->args, a->location, &cmp));
        else
            TRY(make_op(ps, schema, op, l, e, a->location, &cmp));
        TRY(coerce_boolean(ps, cmp, "IN", &cmp));
        PS_APPEND(tests, ps, cmp);
    }
    return make_bool(ps, use_or ? OR_EXPR : AND_EXPR, tests, a->location, out);
}

static Status compare_between(ParseState *ps, const PgQuery__AExpr *a, const char *op1, const PbNode *b1, const char *op2, const PbNode *b2, bool either,
                              Node **out)
{
    Node *x, *bound, *test;
    List *args = NULL;
    for (int i = 0; i < 2; i++) {
        TRY(transform_expr_here(ps, a->lexpr, &x));
        TRY(transform_expr_here(ps, i ? b2 : b1, &bound));
        TRY(make_op(ps, NULL, i ? op2 : op1, x, bound, a->location, &test));
        TRY(coerce_boolean(ps, test, either ? "OR" : "AND", &test));
        PS_APPEND(args, ps, test);
    }
    return make_bool(ps, either ? OR_EXPR : AND_EXPR, args, a->location, out);
}

Status transform_between(ParseState *ps, const PgQuery__AExpr *a, Node **out)
{
    const PbNode *low = a->rexpr->list->items[0], *high = a->rexpr->list->items[1];
    bool negated = a->kind == PG_QUERY__A__EXPR__KIND__AEXPR_NOT_BETWEEN || a->kind == PG_QUERY__A__EXPR__KIND__AEXPR_NOT_BETWEEN_SYM;
    bool symmetric = a->kind == PG_QUERY__A__EXPR__KIND__AEXPR_BETWEEN_SYM || a->kind == PG_QUERY__A__EXPR__KIND__AEXPR_NOT_BETWEEN_SYM;
    const char *op1 = negated ? "<" : ">=", *op2 = negated ? ">" : "<=";
    TRY(compare_between(ps, a, op1, low, op2, high, negated, out));
    if (!symmetric) return ST_OK;
    List *both = NULL;
    PS_APPEND(both, ps, *out);
    TRY(compare_between(ps, a, op1, high, op2, low, negated, out));
    PS_APPEND(both, ps, *out);
    return make_bool(ps, negated ? AND_EXPR : OR_EXPR, both, a->location, out);
}

Status make_row_distinct(ParseState *ps, List *left, List *right, int location, Node **out)
{
    List *args = NULL;
    if (list_len(left) != list_len(right)) return PS_ERROR(ps, location, ERR_SYNTAX_ERROR, "unequal number of entries in row expressions");
    for (int i = 0; i < list_len(left); i++) {
        Node *cmp;
        TRY(make_distinct_op(ps, list_at(left, i), list_at(right, i), location, &cmp));
        PS_APPEND(args, ps, cmp);
    }
    if (args) return make_bool(ps, OR_EXPR, args, location, out);
    Const *c = make_const(ps->arena, type_builtin(TYPE_bool), -1, datum_bool(false), false);
    TRY_MEM(c, ps->err);
    *out = (Node *)c;
    return ST_OK;
}

Status make_row_compare(ParseState *ps, const char *schema, const char *op, List *left, List *right, int location, Node **out)
{
    int n = list_len(left), strategy = 0;
    List *tests = NULL;
    RowCompareExpr *rc;
    if (n != list_len(right)) return PS_ERROR(ps, location, ERR_SYNTAX_ERROR, "unequal number of entries in row expressions");
    if (n == 0) return PS_ERROR(ps, location, ERR_FEATURE_NOT_SUPPORTED, "cannot compare rows of zero length");
    for (int i = 0; i < n; i++) {
        Node *cmp;
        TRY(make_op(ps, schema, op, list_at(left, i), list_at(right, i), location, &cmp));
        if (!IsA(cmp, OpExpr) || expr_type(cmp) != TYPE_bool)
            return PS_ERROR(ps, location, ERR_DATATYPE_MISMATCH, "row comparison operator must yield type boolean, not type %s", ps_type_name(ps, expr_type(cmp)));
        PS_APPEND(tests, ps, cmp);
    }
    *out = list_first(tests);
    if (n == 1) return ST_OK;
    strategy = operator_btree_strategy(((OpExpr *)*out)->opno);
    if (!strategy && !strcmp(op, "<>")) return make_bool(ps, OR_EXPR, tests, location, out);
    if (!strategy) {
        PS_ERROR(ps, location, ERR_FEATURE_NOT_SUPPORTED, "could not determine interpretation of row comparison operator %s", op);
        return error_hint(ps->err, "Row comparison operators must be associated with btree operator families.");
    }
    if (strategy == 3) return make_bool(ps, AND_EXPR, tests, location, out);
    PS_NEW(rc, RowCompareExpr, ps);
    rc->rctype = strategy;
    LIST_EACH(OpExpr *, e, tests) {
        PS_INT(&rc->opnos, ps, e->opno);
        PS_APPEND(rc->largs, ps, list_at(e->args, 0));
        PS_APPEND(rc->rargs, ps, list_at(e->args, 1));
    }
    *out = (Node *)rc;
    return ST_OK;
}

static Status subscript(ParseState *ps, const PbNode *raw, Node **out)
{
    Node *e;
    *out = NULL;
    if (!raw) return ST_OK;
    TRY(transform_expr_here(ps, raw, &e));
    TRY(coerce_to(ps, e, TYPE_int4, -1, COERCION_ASSIGNMENT, COERCE_IMPLICIT_CAST, -1, out));
    return *out ? ST_OK : PS_ERROR(ps, expr_location(e), ERR_DATATYPE_MISMATCH, "array subscript must have type integer");
}

Status make_subscript(ParseState *ps, Node *base, Oid container, int32_t typmod, PgQuery__AIndices **idx, int n, Node *assign, int location, Node **out)
{
    SubscriptingRef *s;
    Node *e;
    bool slice = false;
    container = type_base_of(ps->env, container, &typmod);
    Oid elem = element_type(ps, container);
    if (!elem)
        return PS_ERROR(ps, expr_location(base), ERR_DATATYPE_MISMATCH, "cannot subscript type %s because it does not support subscripting",
                        ps_type_name(ps, container));
    for (int i = 0; i < n; i++) slice |= idx[i]->is_slice;
    PS_NEW(s, SubscriptingRef, ps);
    for (int i = 0; i < n; i++) {
        TRY(subscript(ps, idx[i]->uidx, &e));
        PS_APPEND(s->refupperindexpr, ps, e);
        if (!slice) continue;
        TRY(subscript(ps, idx[i]->lidx, &e));
        if (!e && !idx[i]->is_slice) TRY_MEM(e = (Node *)make_const(ps->arena, type_builtin(TYPE_int4), -1, datum_i32(1), false), ps->err);
        PS_APPEND(s->reflowerindexpr, ps, e);
    }
    s->refcontainertype = container;
    s->refelemtype = elem;
    s->refrestype = assign ? container : slice ? container : elem;
    s->reftypmod = typmod;
    s->refcollid = ps_collation(ps, container);
    s->refexpr = base;
    s->refassgnexpr = assign;
    *out = (Node *)s;
    return ST_OK;
}
