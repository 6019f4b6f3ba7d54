/* Function calls, casts that are function calls, aggregates and window functions. */
#include <string.h>

#include "catalog/deparse_internal.h"

static int32_t length_coercion(const FuncExpr *f)
{
    if (f->funcformat != COERCE_EXPLICIT_CAST && f->funcformat != COERCE_IMPLICIT_CAST) return -1;
    int n = list_len(f->args);
    if (n < 2 || n > 3) return -1;
    const Const *c = list_at(f->args, 1);
    return IsA(c, Const) && c->consttype == TYPE_int4 && !c->constisnull ? datum_get_i32(c->constvalue) : -1;
}

static const char *const_text(const Node *n, Arena *arena)
{
    const Const *c = (const Const *)n;
    return IsA(n, Const) && !c->constisnull && c->consttype == TYPE_text ? varlena_to_cstr(arena, c->constvalue) : NULL;
}

/* Functions that were written in SQL's own syntax. false: print an ordinary call. */
static bool put_sql_syntax(Deparser *d, const FuncExpr *f)
{
    const ProcInfo *p = proc_by_oid(d->env, f->funcid);
    int n = list_len(f->args);
    const List *a = f->args;
    if (!p) return false;
    if (!strcmp(p->name, "timezone") && n == 2) {
        strbuf_char(d->buf, '(');
        put_expr_paren(d, list_at(a, 1), false, (const Node *)f);
        put(d, " AT TIME ZONE ");
        put_expr_paren(d, list_at(a, 0), false, (const Node *)f);
        strbuf_char(d->buf, ')');
    } else if (!strcmp(p->name, "extract") && n == 2 && const_text(list_at(a, 0), d->arena)) {
        strbuf_printf(d->buf, "EXTRACT(%s FROM ", const_text(list_at(a, 0), d->arena));
        put_expr(d, list_at(a, 1), false);
        strbuf_char(d->buf, ')');
    } else if (!strcmp(p->name, "overlaps") && n == 4) {
        for (int i = 0; i < 4; i++) {
            put(d, i == 0 ? "((" : i == 2 ? ") OVERLAPS (" : ", ");
            put_expr(d, list_at(a, i), false);
        }
        put(d, "))");
    } else if (!strcmp(p->name, "position") && n == 2) {
        put(d, "POSITION((");
        put_expr(d, list_at(a, 1), false);
        put(d, ") IN (");
        put_expr(d, list_at(a, 0), false);
        put(d, "))");
    } else if (!strcmp(p->name, "substring") && n >= 2 && n <= 3) {
        put(d, "SUBSTRING(");
        put_expr(d, list_at(a, 0), false);
        put(d, " FROM ");
        put_expr(d, list_at(a, 1), false);
        if (n == 3) {
            put(d, " FOR ");
            put_expr(d, list_at(a, 2), false);
        }
        strbuf_char(d->buf, ')');
    } else if (!strcmp(p->name, "overlay") && n >= 3) {
        static const char *const words[] = {"OVERLAY(", " PLACING ", " FROM ", " FOR "};
        for (int i = 0; i < n; i++) {
            put(d, words[i]);
            put_expr(d, list_at(a, i), false);
        }
        strbuf_char(d->buf, ')');
    } else if ((!strcmp(p->name, "btrim") || !strcmp(p->name, "ltrim") || !strcmp(p->name, "rtrim")) && n <= 2) {
        put(d, p->name[0] == 'b' ? "TRIM(BOTH" : p->name[0] == 'l' ? "TRIM(LEADING" : "TRIM(TRAILING");
        if (n == 2) {
            strbuf_char(d->buf, ' ');
            put_expr(d, list_at(a, 1), false);
        }
        put(d, " FROM ");
        put_expr(d, list_at(a, 0), false);
        strbuf_char(d->buf, ')');
    } else if (!strcmp(p->name, "normalize")) {
        put(d, "NORMALIZE(");
        put_expr(d, list_at(a, 0), false);
        if (n == 2) strbuf_printf(d->buf, ", %s", const_text(list_at(a, 1), d->arena));
        strbuf_char(d->buf, ')');
    } else {
        return false;
    }
    return true;
}

static void put_call(Deparser *d, const FuncExpr *f)
{
    put(d, deparse_proc_name(d->env, f->funcid, d->arena));
    strbuf_char(d->buf, '(');
    for (int i = 0; i < list_len(f->args); i++) {
        if (i) put(d, ", ");
        if (f->funcvariadic && i == f->args->len - 1) put(d, "VARIADIC ");
        put_expr(d, list_at(f->args, i), true);
    }
    strbuf_char(d->buf, ')');
}

/* x::varchar(3) is a conversion and then a length: written as one cast. */
static const Node *without_conversion(const Node *arg, Oid type)
{
    if (IsA(arg, RelabelType) && ((const RelabelType *)arg)->resulttype == type && ((const RelabelType *)arg)->resulttypmod == -1)
        return ((const RelabelType *)arg)->arg;
    if (IsA(arg, CoerceViaIO) && ((const CoerceViaIO *)arg)->resulttype == type) return ((const CoerceViaIO *)arg)->arg;
    const FuncExpr *f = (const FuncExpr *)arg;
    if (IsA(arg, FuncExpr) && f->funcformat != COERCE_EXPLICIT_CALL && f->funcresulttype == type && length_coercion(f) < 0) return list_first(f->args);
    return arg;
}

void put_func(Deparser *d, const FuncExpr *f, bool show_implicit)
{
    if (f->funcformat == COERCE_IMPLICIT_CAST && !show_implicit) {
        put_expr_paren(d, list_first(f->args), false, (const Node *)f);
    } else if (f->funcformat == COERCE_EXPLICIT_CAST || f->funcformat == COERCE_IMPLICIT_CAST) {
        int32_t typmod = length_coercion(f);
        const Node *arg = list_first(f->args);
        put_cast(d, typmod >= 0 ? without_conversion(arg, f->funcresulttype) : arg, f->funcresulttype, typmod, (const Node *)f);
    } else if (f->funcformat != COERCE_SQL_SYNTAX || !put_sql_syntax(d, f)) {
        put_call(d, f);
    }
}

bool looks_like_function(const Node *node)
{
    if (!node) return false;
    switch (nodeTag(node)) {
    case T_FuncExpr: return ((const FuncExpr *)node)->funcformat == COERCE_EXPLICIT_CALL || ((const FuncExpr *)node)->funcformat == COERCE_SQL_SYNTAX;
    case T_Aggref: case T_GroupingFunc: case T_WindowFunc: case T_CoalesceExpr: case T_MinMaxExpr: case T_NullIfExpr: case T_SQLValueFunction: return true;
    default: return false;
    }
}

void put_function_call(Deparser *d, const Node *node)
{
    bool wrap = !looks_like_function(node); /* a cast in FROM must look like a function */
    if (wrap) put(d, "CAST(");
    if (!wrap) {
        put_expr(d, node, true);
        return;
    }
    put_expr(d, node, false);
    put(d, " AS ");
    put_type(d, expr_type(node), expr_typmod(node));
    strbuf_char(d->buf, ')');
}

static void put_filter(Deparser *d, const Node *filter)
{
    if (!filter) return;
    put(d, ") FILTER (WHERE ");
    put_expr(d, filter, false);
}

void put_aggregate(Deparser *d, const Aggref *a)
{
    put(d, deparse_proc_name(d->env, a->aggfnoid, d->arena));
    strbuf_char(d->buf, '(');
    if (a->aggdistinct) put(d, "DISTINCT ");
    if (a->aggkind == 'o' || a->aggkind == 'h') {
        put_list(d, a->aggdirectargs, true);
        put(d, ") WITHIN GROUP (ORDER BY ");
        put_sort_clause(d, a->aggorder, a->args, false);
    } else if (a->aggstar) {
        strbuf_char(d->buf, '*');
    } else {
        int shown = 0;
        for (int i = 0; i < list_len(a->args); i++) {
            const TargetEntry *tle = list_at(a->args, i);
            if (tle->resjunk) continue;
            if (shown++) put(d, ", ");
            if (a->aggvariadic && i == a->args->len - 1) put(d, "VARIADIC ");
            put_expr(d, tle->expr, true);
        }
        if (a->aggorder) {
            put(d, " ORDER BY ");
            put_sort_clause(d, a->aggorder, a->args, false);
        }
    }
    put_filter(d, a->aggfilter);
    strbuf_char(d->buf, ')');
}

void put_window_func(Deparser *d, const WindowFunc *w)
{
    put(d, deparse_proc_name(d->env, w->winfnoid, d->arena));
    strbuf_char(d->buf, '(');
    if (w->winstar) strbuf_char(d->buf, '*');
    else put_list(d, w->args, true);
    put_filter(d, w->aggfilter);
    put(d, ") OVER ");
    LIST_EACH(const WindowClause *, wc, d->windows) {
        if (wc->winref != w->winref) continue;
        if (wc->name) put_ident(d, wc->name);
        else put_window_spec(d, wc, d->window_tlist);
    }
}
