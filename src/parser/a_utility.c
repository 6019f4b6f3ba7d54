/* Utility statements: dispatch, the parts they share, and those that hold queries or talk to the session. */
#include "parser/utility_internal.h"

typedef Status (*UtilityFn)(ParseState *ps, const PbNode *stmt, Node **out);

static const struct { PgQuery__Node__NodeCase kind; UtilityFn fn; } table[] = {
#define UTILITY(node, name) {PG_QUERY__NODE__NODE_##node, util_##name},
#include "parser/utility_table.def"
#undef UTILITY
};

static const char *tag_of(const PbNode *stmt)
{
    switch (stmt->node_case) {
#define RAW(node, text, utility, snapshot) case PG_QUERY__NODE__NODE_##node: return text;
#include "parser/raw_tags.def"
#undef RAW
    default: return "this statement";
    }
}

Status transform_utility(ParseState *ps, const PbNode *stmt, Node **out)
{
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (table[i].kind == stmt->node_case) return table[i].fn(ps, stmt, out);
    UTIL_NEW(u, UnsupportedStmt, ps, out);
    return ps_string(ps, tag_of(stmt), &u->what);
}

/* Parts ------------------------------------------------------------------------------------------------------------------------------ */

Status util_string(ParseState *ps, const char *s, String **out)
{
    PS_NEW(*out, String, ps);
    TRY_MEM((*out)->sval = arena_strdup(ps->arena, s ? s : ""), ps->err);
    return ST_OK;
}

Status util_raw(ParseState *ps, const void *pb, int location, Node **out)
{
    *out = NULL;
    if (!pb) return ST_OK;
    UTIL_NEW(r, RawExpr, ps, out);
    r->pb = pb;
    r->location = location;
    return ST_OK;
}

Status ps_raw_expr(ParseState *ps, const PbNode *n, RawExpr **out)
{
    Node *r;
    TRY(util_raw(ps, n && n->node_case ? n : NULL, pb_location(n), &r));
    *out = (RawExpr *)r;
    return ST_OK;
}

Status util_query(ParseState *ps, const PbNode *stmt, Query **out) { return transform_stmt(ps, stmt, out); }

Status ps_range_var(ParseState *ps, const PgQuery__RangeVar *rv, RangeVar **out)
{
    *out = NULL;
    if (!rv) return ST_OK;
    PS_NEW(*out, RangeVar, ps);
    (*out)->inh = rv->inh;
    (*out)->relpersistence = pb_text(rv->relpersistence) ? rv->relpersistence[0] : 'p';
    (*out)->location = rv->location;
    TRY(ps_string(ps, rv->catalogname, &(*out)->catalogname));
    TRY(ps_string(ps, rv->schemaname, &(*out)->schemaname));
    return ps_string(ps, rv->relname, &(*out)->relname);
}

Status ps_range_vars(ParseState *ps, PbNode **items, size_t n, List **out)
{
    *out = NULL;
    for (size_t i = 0; i < n; i++) {
        RangeVar *rv;
        TRY(ps_range_var(ps, items[i]->range_var, &rv));
        PS_APPEND(*out, ps, rv);
    }
    return ST_OK;
}

Status ps_role_spec(ParseState *ps, const PgQuery__RoleSpec *rs, RoleSpec **out)
{
    *out = NULL;
    if (!rs) return ST_OK;
    PS_NEW(*out, RoleSpec, ps);
    (*out)->roletype = rs->roletype ? (int)rs->roletype - 1 : 0;
    (*out)->location = rs->location;
    return ps_string(ps, rs->rolename, &(*out)->rolename);
}

Status ps_role_specs(ParseState *ps, PbNode **items, size_t n, List **out)
{
    *out = NULL;
    for (size_t i = 0; i < n; i++) {
        RoleSpec *r;
        TRY(ps_role_spec(ps, items[i]->role_spec, &r));
        PS_APPEND(*out, ps, r);
    }
    return ST_OK;
}

Status ps_type_names(ParseState *ps, PbNode **items, size_t n, List **out)
{
    *out = NULL;
    for (size_t i = 0; i < n; i++) {
        TypeName *t = NULL;
        if (PB_IS(items[i], TYPE_NAME)) TRY(ps_type_name_node(ps, items[i]->type_name, &t));
        PS_APPEND(*out, ps, t);
    }
    return ST_OK;
}

static Status object_with_args(ParseState *ps, const PgQuery__ObjectWithArgs *o, Node **out)
{
    UTIL_NEW(a, ObjectWithArgs, ps, out);
    a->args_unspecified = o->args_unspecified;
    TRY(ps_string_list(ps, o->objname, o->n_objname, &a->objname));
    return ps_type_names(ps, o->objargs, o->n_objargs, &a->objargs);
}

Status ps_object(ParseState *ps, const PbNode *n, Node **out)
{
    List *list = NULL;
    String *s;
    *out = NULL;
    if (!n) return ST_OK;
    switch (n->node_case) {
    case PG_QUERY__NODE__NODE_LIST: {
        bool names = true;
        for (size_t i = 0; i < n->list->n_items; i++) names &= PB_IS(n->list->items[i], STRING);
        if (names) TRY(ps_string_list(ps, n->list->items, n->list->n_items, &list));
        else TRY(util_nodes(ps, n->list->items, n->list->n_items, &list));
        *out = (Node *)list;
        return ST_OK;
    }
    case PG_QUERY__NODE__NODE_STRING:
        TRY(util_string(ps, n->string->sval, &s));
        PS_APPEND(list, ps, s);
        *out = (Node *)list;
        return ST_OK;
    case PG_QUERY__NODE__NODE_TYPE_NAME: return ps_type_name_node(ps, n->type_name, (TypeName **)out);
    case PG_QUERY__NODE__NODE_OBJECT_WITH_ARGS: return object_with_args(ps, n->object_with_args, out);
    case PG_QUERY__NODE__NODE_RANGE_VAR: return ps_range_var(ps, n->range_var, (RangeVar **)out);
    case PG_QUERY__NODE__NODE_ROLE_SPEC: return ps_role_spec(ps, n->role_spec, (RoleSpec **)out);
    default: /* numbers and the like, as text */
        TRY(ps_string_list(ps, (PbNode *[]){(PbNode *)(uintptr_t)n}, 1, &list));
        *out = list_first(list);
        return ST_OK;
    }
}

Status util_nodes(ParseState *ps, PbNode **items, size_t n, List **out)
{
    *out = NULL;
    for (size_t i = 0; i < n; i++) {
        Node *o;
        TRY(ps_object(ps, items[i], &o));
        PS_APPEND(*out, ps, o);
    }
    return ST_OK;
}

/* An option's value. A bare word that the grammar took for a type name (`format csv`, `autovacuum_enabled = off`) is a String. */
static Status option_value(ParseState *ps, const PgQuery__DefElem *d, Node **out)
{
    const PbNode *n = d->arg;
    List *list;
    String *s;
    *out = NULL;
    if (!n || n->node_case == PG_QUERY__NODE__NODE__NOT_SET) return ST_OK;
    if (PB_IS(n, TYPE_NAME)) {
        const PgQuery__TypeName *t = n->type_name;
        bool word = t->n_names == 1 && !t->n_typmods && !t->n_array_bounds && !t->pct_type && strcmp(d->defname, "as") != 0;
        if (!word) return ps_type_name_node(ps, t, (TypeName **)out);
        TRY(util_string(ps, pb_string(t->names[0]), &s));
        *out = (Node *)s;
        return ST_OK;
    }
    if (PB_IS(n, STRING)) {
        TRY(util_string(ps, n->string->sval, &s));
        *out = (Node *)s;
        return ST_OK;
    }
    if (PB_IS(n, LIST)) {
        *out = NULL;
        if (n->list->n_items && PB_IS(n->list->items[0], DEF_ELEM)) {
            TRY(ps_def_elems(ps, n->list->items, n->list->n_items, &list));
            *out = (Node *)list;
            return ST_OK;
        }
        return ps_object(ps, n, out);
    }
    if (PB_IS(n, VARIABLE_SET_STMT)) return ps_variable_set(ps, n->variable_set_stmt, (VariableSetStmt **)out);
    return ps_object(ps, n, out);
}

Status ps_def_elems(ParseState *ps, PbNode **items, size_t n, List **out)
{
    *out = NULL;
    for (size_t i = 0; i < n; i++) {
        const PgQuery__DefElem *raw = items[i]->def_elem;
        DefElem *d;
        PS_NEW(d, DefElem, ps);
        d->defaction = raw->defaction ? (int)raw->defaction - 1 : 0;
        d->location = raw->location;
        TRY(ps_string(ps, raw->defnamespace, &d->defnamespace));
        TRY(ps_string(ps, raw->defname, &d->defname));
        TRY(option_value(ps, raw, &d->arg));
        PS_APPEND(*out, ps, d);
    }
    return ST_OK;
}

/* Settings and transactions ----------------------------------------------------------------------------------------------------------- */

static Status setting_value(ParseState *ps, const PbNode *n, String **out)
{
    if (!PB_IS(n, TYPE_CAST)) {
        List *l;
        TRY(ps_string_list(ps, (PbNode *[]){(PbNode *)(uintptr_t)n}, 1, &l));
        *out = list_first(l);
        return ST_OK;
    }
    TRY(setting_value(ps, n->type_cast->arg, out)); /* SET TIME ZONE INTERVAL '...' HOUR TO MINUTE */
    TRY_MEM((*out)->sval = arena_printf(ps->arena, "INTERVAL '%s'", (*out)->sval), ps->err);
    return ST_OK;
}

Status ps_variable_set(ParseState *ps, const PgQuery__VariableSetStmt *s, VariableSetStmt **out)
{
    *out = NULL;
    if (!s) return ST_OK;
    PS_NEW(*out, VariableSetStmt, ps);
    (*out)->kind = (int)s->kind - 1;
    (*out)->is_local = s->is_local;
    TRY(ps_string(ps, s->name, &(*out)->name));
    if (s->kind == PG_QUERY__VARIABLE_SET_KIND__VAR_SET_MULTI) {
        if (s->n_args && PB_IS(s->args[0], DEF_ELEM)) return ps_def_elems(ps, s->args, s->n_args, &(*out)->args);
        return ps_string_list(ps, s->args, s->n_args, &(*out)->args);
    }
    for (size_t i = 0; i < s->n_args; i++) {
        String *v;
        TRY(setting_value(ps, s->args[i], &v));
        PS_APPEND((*out)->args, ps, v);
    }
    return ST_OK;
}

Status util_variable_set(ParseState *ps, const PbNode *stmt, Node **out)
{
    return ps_variable_set(ps, stmt->variable_set_stmt, (VariableSetStmt **)out);
}

Status util_variable_show(ParseState *ps, const PbNode *stmt, Node **out)
{
    UTIL_NEW(v, VariableShowStmt, ps, out);
    return ps_string(ps, stmt->variable_show_stmt->name, &v->name);
}

Status util_alter_role_set(ParseState *ps, const PbNode *stmt, Node **out)
{
    UTIL_NEW(a, AlterSettingStmt, ps, out);
    TRY(ps_role_spec(ps, stmt->alter_role_set_stmt->role, &a->role));
    TRY(ps_string(ps, stmt->alter_role_set_stmt->database, &a->database));
    return ps_variable_set(ps, stmt->alter_role_set_stmt->setstmt, &a->setstmt);
}

Status util_alter_database_set(ParseState *ps, const PbNode *stmt, Node **out)
{
    UTIL_NEW(a, AlterSettingStmt, ps, out);
    a->target = 1;
    TRY(ps_string(ps, stmt->alter_database_set_stmt->dbname, &a->database));
    return ps_variable_set(ps, stmt->alter_database_set_stmt->setstmt, &a->setstmt);
}

Status util_alter_system(ParseState *ps, const PbNode *stmt, Node **out)
{
    UTIL_NEW(a, AlterSettingStmt, ps, out);
    a->target = 2;
    return ps_variable_set(ps, stmt->alter_system_stmt->setstmt, &a->setstmt);
}

Status util_transaction(ParseState *ps, const PbNode *stmt, Node **out)
{
    const PgQuery__TransactionStmt *s = stmt->transaction_stmt;
    UTIL_NEW(t, TransactionStmt, ps, out);
    t->kind = (int)s->kind - 1;
    t->chain = s->chain;
    TRY(ps_def_elems(ps, s->options, s->n_options, &t->options));
    TRY(ps_string(ps, s->savepoint_name, &t->savepoint_name));
    return ps_string(ps, s->gid, &t->gid);
}

Status util_constraints_set(ParseState *ps, const PbNode *stmt, Node **out)
{
    UTIL_NEW(c, ConstraintsSetStmt, ps, out);
    c->deferred = stmt->constraints_set_stmt->deferred;
    return ps_range_vars(ps, stmt->constraints_set_stmt->constraints, stmt->constraints_set_stmt->n_constraints, &c->constraints);
}

/* Statements that hold queries --------------------------------------------------------------------------------------------------------- */

Status util_explain(ParseState *ps, const PbNode *stmt, Node **out)
{
    UTIL_NEW(e, ExplainStmt, ps, out);
    TRY(ps_def_elems(ps, stmt->explain_stmt->options, stmt->explain_stmt->n_options, &e->options));
    return util_query(ps, stmt->explain_stmt->query, &e->query);
}

Status util_declare_cursor(ParseState *ps, const PbNode *stmt, Node **out)
{
    const PgQuery__DeclareCursorStmt *s = stmt->declare_cursor_stmt;
    UTIL_NEW(d, DeclareCursorStmt, ps, out);
    d->options = s->options;
    TRY(ps_string(ps, s->portalname, &d->portalname));
    if ((s->options & CURSOR_SCROLL) && (s->options & CURSOR_NO_SCROLL))
        return error_set(ps->err, ERR_INVALID_CURSOR_DEFINITION, "cannot specify both %s and %s", "SCROLL", "NO SCROLL");
    if ((s->options & CURSOR_ASENSITIVE) && (s->options & CURSOR_INSENSITIVE))
        return error_set(ps->err, ERR_INVALID_CURSOR_DEFINITION, "cannot specify both %s and %s", "ASENSITIVE", "INSENSITIVE");
    TRY(util_query(ps, s->query, &d->query));
    if (d->query->hasModifyingCTE)
        return error_set(ps->err, ERR_FEATURE_NOT_SUPPORTED, "DECLARE CURSOR must not contain data-modifying statements in WITH");
    const char *with = s->options & CURSOR_HOLD ? "DECLARE CURSOR WITH HOLD ... %s is not supported"
        : s->options & CURSOR_SCROLL ? "DECLARE SCROLL CURSOR ... %s is not supported"
        : s->options & CURSOR_INSENSITIVE ? "DECLARE INSENSITIVE CURSOR ... %s is not valid" : NULL;
    if (!d->query->rowMarks || !with) return ST_OK;
    bool invalid = !(s->options & (CURSOR_HOLD | CURSOR_SCROLL));
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    error_set(ps->err, invalid ? ERR_INVALID_CURSOR_DEFINITION : ERR_FEATURE_NOT_SUPPORTED, with, "FOR UPDATE");
#pragma GCC diagnostic pop
    return error_detail(ps->err, s->options & CURSOR_HOLD ? "Holdable cursors must be READ ONLY." : s->options & CURSOR_SCROLL
                                     ? "Scrollable cursors must be READ ONLY." : "Insensitive cursors must be READ ONLY.");
}

Status util_fetch(ParseState *ps, const PbNode *stmt, Node **out)
{
    UTIL_NEW(f, FetchStmt, ps, out);
    f->direction = (int)stmt->fetch_stmt->direction - 1;
    f->howMany = stmt->fetch_stmt->how_many;
    f->ismove = stmt->fetch_stmt->ismove;
    return ps_string(ps, stmt->fetch_stmt->portalname, &f->portalname);
}

Status util_close_portal(ParseState *ps, const PbNode *stmt, Node **out)
{
    UTIL_NEW(c, ClosePortalStmt, ps, out);
    return ps_string(ps, stmt->close_portal_stmt->portalname, &c->portalname);
}

Status util_prepare(ParseState *ps, const PbNode *stmt, Node **out)
{
    UTIL_NEW(p, PrepareStmt, ps, out);
    TRY(ps_string(ps, stmt->prepare_stmt->name, &p->name));
    TRY(ps_type_names(ps, stmt->prepare_stmt->argtypes, stmt->prepare_stmt->n_argtypes, &p->argtypes));
    return util_raw(ps, stmt->prepare_stmt->query, -1, (Node **)&p->query);
}

Status util_execute(ParseState *ps, const PbNode *stmt, Node **out)
{
    UTIL_NEW(e, ExecuteStmt, ps, out);
    for (size_t i = 0; i < stmt->execute_stmt->n_params; i++) {
        RawExpr *r;
        TRY(ps_raw_expr(ps, stmt->execute_stmt->params[i], &r));
        PS_APPEND(e->params, ps, r);
    }
    return ps_string(ps, stmt->execute_stmt->name, &e->name);
}

Status util_deallocate(ParseState *ps, const PbNode *stmt, Node **out)
{
    UTIL_NEW(d, DeallocateStmt, ps, out);
    return ps_string(ps, stmt->deallocate_stmt->name, &d->name);
}

Status util_copy(ParseState *ps, const PbNode *stmt, Node **out)
{
    const PgQuery__CopyStmt *s = stmt->copy_stmt;
    UTIL_NEW(c, CopyStmt, ps, out);
    c->is_from = s->is_from;
    c->is_program = s->is_program;
    TRY(ps_range_var(ps, s->relation, &c->relation));
    TRY(ps_string_list(ps, s->attlist, s->n_attlist, &c->attlist));
    TRY(ps_string(ps, s->filename, &c->filename));
    TRY(ps_def_elems(ps, s->options, s->n_options, &c->options));
    TRY(ps_raw_expr(ps, s->where_clause, &c->whereClause));
    if (!s->query) return ST_OK;
    if (PB_IS(s->query, SELECT_STMT) && s->query->select_stmt->into_clause)
        return error_set(ps->err, ERR_FEATURE_NOT_SUPPORTED, "COPY (SELECT INTO) is not supported");
    TRY(util_query(ps, s->query, &c->query));
    if (c->query->commandType != CMD_SELECT && !c->query->returningList)
        return error_set(ps->err, ERR_FEATURE_NOT_SUPPORTED, "COPY query must have a RETURNING clause");
    return ST_OK;
}

Status util_call(ParseState *ps, const PbNode *stmt, Node **out)
{
    const PgQuery__FuncCall *f = stmt->call_stmt->funccall;
    Node *call;
    List *args;
    UTIL_NEW(c, CallStmt, ps, out);
    TRY(transform_exprs(ps, f->args, f->n_args, PLACE_CALL_ARGUMENT, &args));
    TRY(transform_func_of_args(ps, f->funcname, f->n_funcname, args, NULL, f, f->location, true, &call));
    TRY(assign_collations(ps, call));
    c->funcexpr = (FuncExpr *)call;
    return ST_OK;
}

static Status into_parts(ParseState *ps, const PgQuery__IntoClause *into, CreateTableAsStmt *c)
{
    c->oncommit = into->on_commit ? (int)into->on_commit - 1 : 0;
    c->skipData = into->skip_data;
    TRY(ps_range_var(ps, into->rel, &c->rel));
    TRY(ps_string_list(ps, into->col_names, into->n_col_names, &c->colNames));
    return ps_def_elems(ps, into->options, into->n_options, &c->options);
}

Status util_create_table_as(ParseState *ps, const PbNode *stmt, Node **out)
{
    const PgQuery__CreateTableAsStmt *s = stmt->create_table_as_stmt;
    UTIL_NEW(c, CreateTableAsStmt, ps, out);
    c->relkind = s->objtype == PG_QUERY__OBJECT_TYPE__OBJECT_MATVIEW ? RELKIND_MATVIEW : RELKIND_TABLE;
    c->is_select_into = s->is_select_into;
    c->if_not_exists = s->if_not_exists;
    TRY(into_parts(ps, s->into, c));
    TRY(util_query(ps, s->query, &c->query));
    if (c->relkind == RELKIND_MATVIEW && c->query->hasModifyingCTE)
        return error_set(ps->err, ERR_FEATURE_NOT_SUPPORTED, "materialized views must not use data-modifying statements in WITH");
    return ST_OK;
}

/* A copy of the statement whose leftmost SELECT has no INTO. */
static Status without_into(ParseState *ps, const PgQuery__SelectStmt *s, PgQuery__SelectStmt **out)
{
    TRY(stack_check(ps->err));
    TRY_MEM(*out = arena_memdup(ps->arena, s, sizeof *s), ps->err);
    if (s->op > PG_QUERY__SET_OPERATION__SETOP_NONE && s->larg) return without_into(ps, s->larg, &(*out)->larg);
    (*out)->into_clause = NULL;
    return ST_OK;
}

Status util_select_into(ParseState *ps, const PbNode *stmt, Node **out)
{
    const PgQuery__SelectStmt *s = stmt->select_stmt, *first = s;
    PbNode plain = *stmt;
    UTIL_NEW(c, CreateTableAsStmt, ps, out);
    while (first->op > PG_QUERY__SET_OPERATION__SETOP_NONE && first->larg) first = first->larg;
    c->relkind = RELKIND_TABLE;
    c->is_select_into = true;
    TRY(into_parts(ps, first->into_clause, c));
    TRY(without_into(ps, s, &plain.select_stmt));
    return util_query(ps, &plain, &c->query);
}

Status util_view(ParseState *ps, const PbNode *stmt, Node **out)
{
    const PgQuery__ViewStmt *s = stmt->view_stmt;
    UTIL_NEW(v, ViewStmt, ps, out);
    v->replace = s->replace;
    v->withCheckOption = s->with_check_option ? (int)s->with_check_option - 1 : 0;
    TRY(ps_range_var(ps, s->view, &v->view));
    TRY(ps_string_list(ps, s->aliases, s->n_aliases, &v->aliases));
    TRY(ps_def_elems(ps, s->options, s->n_options, &v->options));
    if (PB_IS(s->query, SELECT_STMT) && s->query->select_stmt->into_clause)
        return error_set(ps->err, ERR_FEATURE_NOT_SUPPORTED, "views must not contain SELECT INTO");
    TRY(util_query(ps, s->query, &v->query));
    if (v->query->hasModifyingCTE)
        return error_set(ps->err, ERR_FEATURE_NOT_SUPPORTED, "views must not contain data-modifying statements in WITH");
    return ST_OK;
}
