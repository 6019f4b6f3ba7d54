/* Expressions to SQL text. The rules (which parentheses, which casts are shown) are those of PostgreSQL's own output. */
#include <string.h>

#include "catalog/deparse_internal.h"

/* ---- parentheses of the pretty style ---- */
static const char *simple_operator_name(Deparser *d, const Node *n)
{
    const OpExpr *op = (const OpExpr *)n;
    const OperatorInfo *o = list_len(op->args) == 2 ? operator_by_oid(d->env, op->opno) : NULL;
    return o && strlen(o->name) == 1 ? o->name : NULL;
}

static bool simple_in_function_like(const Node *parent)
{
    switch (nodeTag(parent)) {
    case T_FuncExpr: return ((const FuncExpr *)parent)->funcformat == COERCE_EXPLICIT_CALL || ((const FuncExpr *)parent)->funcformat == COERCE_SQL_SYNTAX;
    case T_BoolExpr: case T_SubLink: case T_SubscriptingRef: case T_ArrayExpr: case T_RowExpr: case T_CoalesceExpr: case T_MinMaxExpr:
    case T_NullIfExpr: case T_Aggref: case T_GroupingFunc: case T_WindowFunc: case T_CaseExpr: return true;
    default: return false;
    }
}

static bool simple_op_in_op(Deparser *d, const Node *node, const Node *parent)
{
    const char *op = simple_operator_name(d, node), *pop = simple_operator_name(d, parent);
    if (!op || !strchr("+-*/%", *op) || !pop || !strchr("+-*/%", *pop)) return false;
    bool low = strchr("+-", *op) != NULL, plow = strchr("+-", *pop) != NULL;
    if (!low && plow) return true; /* binds tighter */
    if (low != plow) return false;
    return node == list_first(((const OpExpr *)parent)->args); /* same strength: only on the left */
}

static bool is_simple(Deparser *d, const Node *node, const Node *parent)
{
    if (!node) return false;
    switch (nodeTag(node)) {
    case T_Var: case T_Const: case T_Param: case T_CoerceToDomainValue: case T_SetToDefault: case T_CurrentOfExpr: case T_SubscriptingRef:
    case T_ArrayExpr: case T_RowExpr: case T_CoalesceExpr: case T_MinMaxExpr: case T_SQLValueFunction: case T_NextValueExpr: case T_NullIfExpr:
    case T_Aggref: case T_GroupingFunc: case T_WindowFunc: case T_FuncExpr: case T_CaseExpr: return true;
    case T_FieldSelect: return !IsA(parent, FieldSelect);
    case T_CoerceToDomain: return is_simple(d, ((const CoerceToDomain *)node)->arg, node);
    case T_RelabelType: return is_simple(d, ((const RelabelType *)node)->arg, node);
    case T_CoerceViaIO: return is_simple(d, ((const CoerceViaIO *)node)->arg, node);
    case T_ArrayCoerceExpr: return is_simple(d, ((const ArrayCoerceExpr *)node)->arg, node);
    case T_ConvertRowtypeExpr: return is_simple(d, ((const ConvertRowtypeExpr *)node)->arg, node);
    case T_OpExpr:
        if (IsA(parent, OpExpr)) return simple_op_in_op(d, node, parent);
        return parent && simple_in_function_like(parent);
    case T_SubLink: case T_NullTest: case T_BooleanTest: case T_DistinctExpr: return parent && simple_in_function_like(parent);
    case T_BoolExpr:
        if (IsA(parent, BoolExpr)) {
            BoolExprType type = ((const BoolExpr *)node)->boolop, ptype = ((const BoolExpr *)parent)->boolop;
            return type == OR_EXPR ? ptype == OR_EXPR : ptype != NOT_EXPR;
        }
        return parent && simple_in_function_like(parent);
    default: return false;
    }
}

void put_expr_paren(Deparser *d, const Node *node, bool show_implicit, const Node *parent)
{
    bool paren = d->pretty && !is_simple(d, node, parent);
    if (paren) strbuf_char(d->buf, '(');
    put_expr(d, node, show_implicit);
    if (paren) strbuf_char(d->buf, ')');
}

static void open_paren(Deparser *d) { if (!d->pretty) strbuf_char(d->buf, '('); }
static void close_paren(Deparser *d) { if (!d->pretty) strbuf_char(d->buf, ')'); }

void put_list(Deparser *d, const List *list, bool show_implicit)
{
    for (int i = 0; i < list_len(list); i++) {
        if (i) put(d, ", ");
        put_expr(d, list_at(list, i), show_implicit);
    }
}

/* ---- casts ---- */
void put_cast(Deparser *d, const Node *arg, Oid type, int32_t typmod, const Node *parent)
{
    const Const *c = (const Const *)arg;
    if (IsA(arg, Const) && c->consttype == type && c->consttypmod == -1) {
        put_const(d, c, -1);
    } else {
        open_paren(d);
        put_expr_paren(d, arg, false, parent);
        close_paren(d);
    }
    put(d, "::");
    put_type(d, type, typmod);
}

/* A relabelling, I/O or array cast: shown unless implicit. */
static void put_coercion(Deparser *d, const Node *node, const Node *arg, Oid type, int32_t typmod, CoercionForm form, bool show_implicit)
{
    if (form == COERCE_IMPLICIT_CAST && !show_implicit) put_expr_paren(d, arg, false, node);
    else put_cast(d, arg, type, typmod, node);
}

/* ---- the rest ---- */
static void put_op(Deparser *d, const Node *node, Oid opno, const List *args)
{
    open_paren(d);
    if (list_len(args) == 2) {
        put_expr_paren(d, list_at(args, 0), true, node);
        strbuf_char(d->buf, ' ');
        put_operator(d, opno);
        strbuf_char(d->buf, ' ');
        put_expr_paren(d, list_at(args, 1), true, node);
    } else {
        put_operator(d, opno);
        strbuf_char(d->buf, ' ');
        put_expr_paren(d, list_at(args, 0), true, node);
    }
    close_paren(d);
}

static void put_infix(Deparser *d, const Node *node, const List *args, const char *word, bool show_implicit)
{
    open_paren(d);
    for (int i = 0; i < list_len(args); i++) {
        if (i) put(d, word);
        put_expr_paren(d, list_at(args, i), show_implicit, node);
    }
    close_paren(d);
}

static void put_bool(Deparser *d, const BoolExpr *b)
{
    if (b->boolop != NOT_EXPR) {
        put_infix(d, (const Node *)b, b->args, b->boolop == AND_EXPR ? " AND " : " OR ", false);
        return;
    }
    open_paren(d);
    put(d, "NOT ");
    put_expr_paren(d, list_first(b->args), false, (const Node *)b);
    close_paren(d);
}

static void put_array_op(Deparser *d, const ScalarArrayOpExpr *s)
{
    const Node *rhs = list_at(s->args, 1);
    open_paren(d);
    put_expr_paren(d, list_at(s->args, 0), true, (const Node *)s);
    strbuf_char(d->buf, ' ');
    put_operator(d, s->opno);
    put(d, s->use_or ? " ANY (" : " ALL (");
    put_expr_paren(d, rhs, true, (const Node *)s);
    if (IsA(rhs, SubLink) && ((const SubLink *)rhs)->subLinkType == EXPR_SUBLINK) { /* or it would be read as ANY (subquery) */
        put(d, "::");
        put_type(d, expr_type(rhs), expr_typmod(rhs));
    }
    strbuf_char(d->buf, ')');
    close_paren(d);
}

static Oid sublink_operator(const Node *test)
{
    if (IsA(test, OpExpr)) return ((const OpExpr *)test)->opno;
    if (IsA(test, RowCompareExpr)) return (Oid)((const RowCompareExpr *)test)->opnos.v[0];
    if (IsA(test, BoolExpr)) return sublink_operator(list_first(((const BoolExpr *)test)->args));
    return 0;
}

static void put_sublink_left(Deparser *d, const Node *test)
{
    if (IsA(test, OpExpr)) {
        put_expr(d, list_first(((const OpExpr *)test)->args), true);
    } else if (IsA(test, BoolExpr)) {
        const BoolExpr *b = (const BoolExpr *)test;
        strbuf_char(d->buf, '(');
        for (int i = 0; i < list_len(b->args); i++) {
            if (i) put(d, ", ");
            put_expr(d, list_first(((const OpExpr *)list_at(b->args, i))->args), true);
        }
        strbuf_char(d->buf, ')');
    } else if (IsA(test, RowCompareExpr)) {
        strbuf_char(d->buf, '(');
        put_list(d, ((const RowCompareExpr *)test)->largs, true);
        strbuf_char(d->buf, ')');
    }
}

static void put_sublink(Deparser *d, const SubLink *s)
{
    bool paren = true;
    put(d, s->subLinkType == ARRAY_SUBLINK ? "ARRAY(" : "(");
    if (s->testexpr) put_sublink_left(d, s->testexpr);
    Oid op = s->testexpr ? sublink_operator(s->testexpr) : 0;
    const OperatorInfo *o = op ? operator_by_oid(d->env, op) : NULL;
    switch (s->subLinkType) {
    case EXISTS_SUBLINK: put(d, "EXISTS "); break;
    case ANY_SUBLINK:
        if (o && !strcmp(o->name, "=")) {
            put(d, " IN ");
        } else {
            strbuf_char(d->buf, ' ');
            put_operator(d, op);
            put(d, " ANY ");
        }
        break;
    case ALL_SUBLINK:
        strbuf_char(d->buf, ' ');
        put_operator(d, op);
        put(d, " ALL ");
        break;
    case ROWCOMPARE_SUBLINK:
        strbuf_char(d->buf, ' ');
        put_operator(d, op);
        strbuf_char(d->buf, ' ');
        break;
    default: paren = false; break;
    }
    if (paren) strbuf_char(d->buf, '(');
    put_query(d, (const Query *)s->subselect, false);
    put(d, paren ? "))" : ")");
}

static void put_case(Deparser *d, const CaseExpr *c)
{
    put_keyword(d, "CASE", 0, INDENT_VAR, 0);
    if (c->arg) {
        strbuf_char(d->buf, ' ');
        put_expr(d, c->arg, true);
    }
    LIST_EACH(const CaseWhen *, w, c->args) {
        const Node *cond = w->expr;
        const OpExpr *op = (const OpExpr *)cond;
        if (c->arg && IsA(cond, OpExpr) && list_len(op->args) == 2) cond = list_at(op->args, 1);
        put_keyword(d, "WHEN ", 0, 0, 0);
        put_expr(d, cond, false);
        put(d, " THEN ");
        put_expr(d, w->result, true);
    }
    put_keyword(d, "ELSE ", 0, 0, 0);
    if (c->defresult) put_expr(d, c->defresult, true);
    else put(d, "NULL");
    put_keyword(d, "END", -INDENT_VAR, 0, 0);
}

static void put_subscripts(Deparser *d, const SubscriptingRef *s)
{
    bool paren = !IsA(s->refexpr, Var) && !IsA(s->refexpr, FieldSelect);
    if (paren) strbuf_char(d->buf, '(');
    put_expr(d, s->refexpr, true);
    if (paren) strbuf_char(d->buf, ')');
    for (int i = 0; i < list_len(s->refupperindexpr); i++) {
        const Node *low = i < list_len(s->reflowerindexpr) ? list_at(s->reflowerindexpr, i) : NULL, *high = list_at(s->refupperindexpr, i);
        strbuf_char(d->buf, '[');
        if (s->reflowerindexpr) {
            if (low) put_expr(d, low, false);
            strbuf_char(d->buf, ':');
        }
        if (high) put_expr(d, high, false);
        strbuf_char(d->buf, ']');
    }
}

static void put_field(Deparser *d, const FieldSelect *f)
{
    bool paren = !IsA(f->arg, SubscriptingRef) && !IsA(f->arg, FieldSelect);
    const TupleDesc *desc = type_row_desc(d->env, expr_type(f->arg), d->arena);
    if (paren) strbuf_char(d->buf, '(');
    put_expr(d, f->arg, true);
    if (paren) strbuf_char(d->buf, ')');
    strbuf_char(d->buf, '.');
    if (desc && f->fieldnum >= 1 && f->fieldnum <= desc->natts) put_ident(d, desc->atts[f->fieldnum - 1].name);
    else strbuf_printf(d->buf, "f%d", f->fieldnum);
}

static void put_row(Deparser *d, const RowExpr *r)
{
    put(d, "ROW(");
    put_list(d, r->args, true);
    strbuf_char(d->buf, ')');
    if (r->row_format != COERCE_EXPLICIT_CAST) return;
    put(d, "::");
    put_type(d, r->row_typeid, -1);
}

static void put_row_compare(Deparser *d, const RowCompareExpr *r)
{
    put(d, "(ROW(");
    put_list(d, r->largs, true);
    put(d, ") ");
    put_operator(d, (Oid)r->opnos.v[0]);
    put(d, " ROW(");
    put_list(d, r->rargs, true);
    put(d, "))");
}

static void put_sql_value(Deparser *d, const SQLValueFunction *f)
{
    static const char *const names[] = {"CURRENT_DATE", "CURRENT_TIME", "CURRENT_TIME", "CURRENT_TIMESTAMP", "CURRENT_TIMESTAMP", "LOCALTIME",
                                        "LOCALTIME", "LOCALTIMESTAMP", "LOCALTIMESTAMP", "CURRENT_ROLE", "CURRENT_USER", "USER", "SESSION_USER",
                                        "CURRENT_CATALOG", "CURRENT_SCHEMA"};
    put(d, names[f->op]);
    bool precise = f->op == SVF_CURRENT_TIME_N || f->op == SVF_CURRENT_TIMESTAMP_N || f->op == SVF_LOCALTIME_N || f->op == SVF_LOCALTIMESTAMP_N;
    if (precise) strbuf_printf(d->buf, "(%d)", f->typmod);
}

static void put_postfix_test(Deparser *d, const Node *node, const Node *arg, const char *text)
{
    open_paren(d);
    put_expr_paren(d, arg, true, node);
    put(d, text);
    close_paren(d);
}

static void put_args_of(Deparser *d, const char *name, const List *args)
{
    put(d, name);
    strbuf_char(d->buf, '(');
    put_list(d, args, true);
    strbuf_char(d->buf, ')');
}

static const char *const bool_tests[] = {" IS TRUE", " IS NOT TRUE", " IS FALSE", " IS NOT FALSE", " IS UNKNOWN", " IS NOT UNKNOWN"};

static void put_node(Deparser *d, const Node *n, bool show_implicit)
{
    switch (nodeTag(n)) {
    case T_Var: put_var(d, (const Var *)n, 0); break;
    case T_Const: put_const(d, (const Const *)n, 0); break;
    case T_Param: strbuf_printf(d->buf, "$%d", ((const Param *)n)->paramid); break;
    case T_Aggref: put_aggregate(d, (const Aggref *)n); break;
    case T_GroupingFunc: put_args_of(d, "GROUPING", ((const GroupingFunc *)n)->args); break;
    case T_WindowFunc: put_window_func(d, (const WindowFunc *)n); break;
    case T_SubscriptingRef: put_subscripts(d, (const SubscriptingRef *)n); break;
    case T_FuncExpr: put_func(d, (const FuncExpr *)n, show_implicit); break;
    case T_NamedArgExpr:
        put_ident(d, ((const NamedArgExpr *)n)->name);
        put(d, " => ");
        put_expr(d, ((const NamedArgExpr *)n)->arg, show_implicit);
        break;
    case T_OpExpr: put_op(d, n, ((const OpExpr *)n)->opno, ((const OpExpr *)n)->args); break;
    case T_DistinctExpr: put_infix(d, n, ((const DistinctExpr *)n)->args, " IS DISTINCT FROM ", true); break;
    case T_NullIfExpr: put_args_of(d, "NULLIF", ((const NullIfExpr *)n)->args); break;
    case T_ScalarArrayOpExpr: put_array_op(d, (const ScalarArrayOpExpr *)n); break;
    case T_BoolExpr: put_bool(d, (const BoolExpr *)n); break;
    case T_SubLink: put_sublink(d, (const SubLink *)n); break;
    case T_FieldSelect: put_field(d, (const FieldSelect *)n); break;
    case T_RelabelType: {
        const RelabelType *r = (const RelabelType *)n;
        put_coercion(d, n, r->arg, r->resulttype, r->resulttypmod, r->relabelformat, show_implicit);
        break;
    }
    case T_CoerceViaIO: {
        const CoerceViaIO *c = (const CoerceViaIO *)n;
        put_coercion(d, n, c->arg, c->resulttype, -1, c->coerceformat, show_implicit);
        break;
    }
    case T_ArrayCoerceExpr: {
        const ArrayCoerceExpr *c = (const ArrayCoerceExpr *)n;
        put_coercion(d, n, c->arg, c->resulttype, c->resulttypmod, c->coerceformat, show_implicit);
        break;
    }
    case T_ConvertRowtypeExpr: put_cast(d, ((const ConvertRowtypeExpr *)n)->arg, ((const ConvertRowtypeExpr *)n)->resulttype, -1, n); break;
    case T_CoerceToDomain: {
        const CoerceToDomain *c = (const CoerceToDomain *)n;
        put_coercion(d, n, c->arg, c->resulttype, c->resulttypmod, c->coercionformat, show_implicit);
        break;
    }
    case T_CollateExpr:
        open_paren(d);
        put_expr_paren(d, ((const CollateExpr *)n)->arg, show_implicit, n);
        put(d, " COLLATE ");
        put_ident(d, collation_name_of(d->env, ((const CollateExpr *)n)->collOid, d->arena));
        close_paren(d);
        break;
    case T_CaseExpr: put_case(d, (const CaseExpr *)n); break;
    case T_CaseTestExpr: put(d, "CASE_TEST_EXPR"); break;
    case T_ArrayExpr: {
        const ArrayExpr *a = (const ArrayExpr *)n;
        put(d, "ARRAY[");
        put_list(d, a->elements, true);
        strbuf_char(d->buf, ']');
        if (!a->elements) {
            put(d, "::");
            put_type(d, a->array_typeid, -1);
        }
        break;
    }
    case T_RowExpr: put_row(d, (const RowExpr *)n); break;
    case T_RowCompareExpr: put_row_compare(d, (const RowCompareExpr *)n); break;
    case T_CoalesceExpr: put_args_of(d, "COALESCE", ((const CoalesceExpr *)n)->args); break;
    case T_MinMaxExpr: put_args_of(d, ((const MinMaxExpr *)n)->op == IS_GREATEST ? "GREATEST" : "LEAST", ((const MinMaxExpr *)n)->args); break;
    case T_SQLValueFunction: put_sql_value(d, (const SQLValueFunction *)n); break;
    case T_NullTest:
        put_postfix_test(d, n, ((const NullTest *)n)->arg, ((const NullTest *)n)->nulltesttype == IS_NULL ? " IS NULL" : " IS NOT NULL");
        break;
    case T_BooleanTest:
        open_paren(d);
        put_expr_paren(d, ((const BooleanTest *)n)->arg, false, n);
        put(d, bool_tests[((const BooleanTest *)n)->booltesttype]);
        close_paren(d);
        break;
    case T_CoerceToDomainValue: put(d, "VALUE"); break;
    case T_SetToDefault: put(d, "DEFAULT"); break;
    case T_NextValueExpr: {
        const char *name = deparse_relation_name(d->env, ((const NextValueExpr *)n)->seqid, false, d->arena);
        strbuf_printf(d->buf, "nextval(%s::regclass)", quote_literal_text(d->arena, name ? name : "?"));
        break;
    }
    case T_CurrentOfExpr:
        put(d, "CURRENT OF ");
        put_ident(d, ((const CurrentOfExpr *)n)->cursor_name);
        break;
    case T_TargetEntry: put_expr(d, ((const TargetEntry *)n)->expr, show_implicit); break;
    case T_List: put_list(d, (const List *)n, show_implicit); break;
    case T_Query: put_query(d, (const Query *)n, false); break;
    default: d->status = error_set(d->err, ERR_INTERNAL_ERROR, "unrecognized node type: %s", node_tag_name(nodeTag(n))); break;
    }
}

void put_expr(Deparser *d, const Node *node, bool show_implicit)
{
    if (!node || failed(d->status)) return;
    if (failed(stack_check(d->err))) {
        d->status = ST_FAILED;
        return;
    }
    put_node(d, node, show_implicit);
}

STATUS deparse_expr(SessionEnv *env, const Node *expr, Oid relation, bool pretty, Arena *arena, const char **out, Error *err)
{
    NameLevel level = {0};
    StrBuf sb;
    if (relation) TRY(relation_try_open(env, relation, LOCK_NONE, &level.rel, err));
    strbuf_init(&sb, arena);
    Deparser d = {.env = env, .arena = arena, .buf = &sb, .level = &level, .pretty = pretty, .err = err};
    put_expr(&d, expr, false);
    TRY(d.status);
    TRY(strbuf_check(&sb, err));
    *out = strbuf_cstr(&sb);
    return ST_OK;
}

STATUS deparse_node_text(SessionEnv *env, const char *text, Oid relation, bool pretty, Arena *arena, const char **out, Error *err)
{
    Node *node;
    *out = NULL;
    if (!text || text[0] != '{') { /* built-in rows hold SQL text already; a list dump begins with a parenthesis */
        if (!text || text[0] != '(') {
            *out = text;
            return ST_OK;
        }
    }
    TRY(node_read(slice_cstr(text), arena, &node, err));
    return deparse_expr(env, node, relation, pretty, arena, out, err);
}
