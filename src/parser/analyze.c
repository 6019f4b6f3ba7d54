/* The entry points: statements, and single expressions for commands. */
#include "parser/parse_state.h"

static Status wrap_utility(ParseState *ps, const PbNode *stmt, Query **out)
{
    PS_NEW(*out, Query, ps);
    (*out)->commandType = CMD_UTILITY;
    (*out)->canSetTag = true;
    return transform_utility(ps, stmt, &(*out)->utilityStmt);
}

Status transform_stmt(ParseState *ps, const PbNode *stmt, Query **out)
{
    TRY(stack_check(ps->err));
    switch (stmt->node_case) {
    case PG_QUERY__NODE__NODE_SELECT_STMT:
        if (stmt->select_stmt->n_values_lists) return transform_values_clause(ps, stmt->select_stmt, out);
        if (stmt->select_stmt->op > PG_QUERY__SET_OPERATION__SETOP_NONE) return transform_set_operation(ps, stmt->select_stmt, out);
        return transform_select(ps, stmt->select_stmt, out);
    case PG_QUERY__NODE__NODE_INSERT_STMT: return transform_insert(ps, stmt->insert_stmt, out);
    case PG_QUERY__NODE__NODE_UPDATE_STMT: return transform_update(ps, stmt->update_stmt, out);
    case PG_QUERY__NODE__NODE_DELETE_STMT: return transform_delete(ps, stmt->delete_stmt, out);
    case PG_QUERY__NODE__NODE_MERGE_STMT: return error_set(ps->err, ERR_FEATURE_NOT_SUPPORTED, "MERGE is not supported");
    default: return wrap_utility(ps, stmt, out);
    }
}

/* SELECT ... INTO is CREATE TABLE AS. */
static const PgQuery__IntoClause *select_into(const PbNode *stmt)
{
    if (!PB_IS(stmt, SELECT_STMT)) return NULL;
    const PgQuery__SelectStmt *s = stmt->select_stmt;
    while (s->op > PG_QUERY__SET_OPERATION__SETOP_NONE && s->larg) s = s->larg;
    return s->into_clause;
}

static Status analyze_top(ParseState *ps, const PbNode *stmt, Query **out)
{
    if (select_into(stmt)) return wrap_utility(ps, stmt, out);
    return transform_stmt(ps, stmt, out);
}

Status analyze_statement(SessionEnv *env, const RawStatement *raw, const char *sql, ParamTypes *params, Arena *arena, Query **out, Error *err)
{
    ParseState ps = ps_top(env, sql, params, arena, err);
    *out = NULL;
    TRY(analyze_top(&ps, raw->pb, out));
    (*out)->stmt_location = raw->location;
    (*out)->stmt_len = raw->length;
    return check_params(&ps, *out);
}

Status analyze_prepared(SessionEnv *env, const RawExpr *raw, const char *sql, ParamTypes *params, Arena *arena, Query **out, Error *err)
{
    ParseState ps = ps_top(env, sql, params, arena, err);
    *out = NULL;
    TRY(analyze_top(&ps, raw->pb, out));
    (*out)->stmt_location = raw->location > 0 ? raw->location : 0;
    return check_params(&ps, *out);
}

/* Single expressions ------------------------------------------------------------------------------------------------------------------ */

static const ExprPlace place_of[] = {
    [EXPR_KIND_OTHER] = PLACE_OTHER, [EXPR_KIND_CHECK_CONSTRAINT] = PLACE_CHECK, [EXPR_KIND_DOMAIN_CHECK] = PLACE_DOMAIN_CHECK,
    [EXPR_KIND_COLUMN_DEFAULT] = PLACE_COLUMN_DEFAULT, [EXPR_KIND_FUNCTION_DEFAULT] = PLACE_FUNCTION_DEFAULT,
    [EXPR_KIND_INDEX_EXPRESSION] = PLACE_INDEX_EXPRESSION, [EXPR_KIND_INDEX_PREDICATE] = PLACE_INDEX_PREDICATE,
    [EXPR_KIND_ALTER_COL_TRANSFORM] = PLACE_ALTER_TRANSFORM, [EXPR_KIND_EXECUTE_PARAMETER] = PLACE_EXECUTE_PARAMETER,
    [EXPR_KIND_TRIGGER_WHEN] = PLACE_TRIGGER_WHEN, [EXPR_KIND_COPY_WHERE] = PLACE_COPY_WHERE, [EXPR_KIND_GENERATED_COLUMN] = PLACE_GENERATED_COLUMN,
    [EXPR_KIND_POLICY] = PLACE_POLICY, [EXPR_KIND_CALL_ARGUMENT] = PLACE_CALL_ARGUMENT, [EXPR_KIND_PARTITION_BOUND] = PLACE_PARTITION_BOUND};

/* A range table entry for a relation that may not exist yet. */
static Status scope_from_desc(ParseState *ps, const ExprScope *scope, NsItem **out)
{
    RangeTblEntry *rte;
    int rtindex;
    const TupleDesc *d = scope->desc;
    PS_NEW(rte, RangeTblEntry, ps);
    rte->rtekind = RTE_VALUES; /* no permissions, no system columns */
    PS_NEW(rte->eref, Alias, ps);
    TRY_MEM(rte->eref->aliasname = arena_strdup(ps->arena, scope->relname ? scope->relname : ""), ps->err);
    for (int i = 0; i < d->natts; i++) {
        String *s;
        PS_NEW(s, String, ps);
        TRY_MEM(s->sval = arena_strdup(ps->arena, d->atts[i].dropped ? "" : d->atts[i].name), ps->err);
        PS_APPEND(rte->eref->colnames, ps, s);
        PS_INT(&rte->coltypes, ps, d->atts[i].type);
        PS_INT(&rte->coltypmods, ps, d->atts[i].typmod);
        PS_INT(&rte->colcollations, ps, d->atts[i].collation);
    }
    rte->inFromCl = true;
    TRY(ps_add_rte(ps, rte, &rtindex));
    return ns_item_from_rte(ps, rte, rtindex, out);
}

static Status open_scope(ParseState *ps, const ExprScope *scope)
{
    NsItem *item;
    if (!scope || (!scope->rel && !scope->desc)) return ST_OK;
    if (scope->rel) {
        TRY(rte_relation(ps, scope->rel, NULL, false, true, LOCK_ACCESS_SHARE, &item));
        if (scope->relname) item->name = scope->relname;
    } else {
        TRY(scope_from_desc(ps, scope, &item));
    }
    return ps_add_item(ps, item, true, true, true);
}

static Status analyze_raw(SessionEnv *env, const PbNode *raw, const char *sql, ExprKind kind, const ExprScope *scope, Arena *arena, Node **out, Error *err)
{
    ParseState ps = ps_top(env, sql, scope ? scope->params : NULL, arena, err);
    if (scope) {
        ps.value_type = scope->value_type;
        ps.value_typmod = scope->value_typmod;
    }
    TRY(open_scope(&ps, scope));
    TRY(transform_expr(&ps, raw, place_of[kind], out));
    return assign_collations(&ps, *out);
}

Status analyze_expression(SessionEnv *env, const RawExpr *raw, ExprKind kind, const ExprScope *scope, Arena *arena, Node **out, Error *err)
{
    return analyze_raw(env, raw->pb, scope ? scope->sql : NULL, kind, scope, arena, out, err);
}

Status analyze_expression_text(SessionEnv *env, const char *text, ExprKind kind, const ExprScope *scope, Arena *arena, Node **out, Error *err)
{
    RawStatement *raw;
    int n;
    const char *sql = arena_printf(arena, "SELECT %s", text);
    TRY_MEM(sql, err);
    TRY(raw_parse_text(sql, arena, &raw, &n, err));
    const PbNode *stmt = n == 1 ? raw[0].pb : NULL;
    if (!PB_IS(stmt, SELECT_STMT) || stmt->select_stmt->n_target_list != 1)
        return error_set(err, ERR_SYNTAX_ERROR, "syntax error in expression \"%s\"", text);
    return analyze_raw(env, stmt->select_stmt->target_list[0]->res_target->val, NULL, kind, scope, arena, out, err);
}

Status coerce_to_target(SessionEnv *env, Node *expr, Oid target, int32_t typmod, CoercionContext ctx, CoercionForm form, Arena *arena, Node **out, Error *err)
{
    ParseState ps = ps_top(env, NULL, NULL, arena, err);
    return coerce_to(&ps, expr, target, typmod, ctx, form, -1, out);
}

Status coerce_for_column(SessionEnv *env, Node *expr, const char *column, Oid target, int32_t typmod, Arena *arena, Node **out, Error *err)
{
    ParseState ps = ps_top(env, NULL, NULL, arena, err);
    return coerce_assign(&ps, expr, column, target, typmod, -1, out);
}

Status coerce_to_boolean(SessionEnv *env, Node *expr, const char *construct, Arena *arena, Node **out, Error *err)
{
    ParseState ps = ps_top(env, NULL, NULL, arena, err);
    return coerce_boolean(&ps, expr, construct, out);
}

Status rangevar_relation(SessionEnv *env, const RangeVar *rv, LockMode lock, bool missing_ok, const Relation **out, Error *err)
{
    Oid oid;
    *out = NULL;
    TRY(lookup_relation(env, rv->catalogname, rv->schemaname, rv->relname, missing_ok, &oid, err));
    return oid ? relation_open(env, oid, lock, out, err) : ST_OK;
}

/* ALTER/DROP FUNCTION f(int), triggers: the one function with exactly these types. */
Status lookup_function(SessionEnv *env, const List *names, const List *argtypes, bool missing_ok, Oid *out, Error *err)
{
    Arena scratch;
    const ProcInfo **procs;
    Oid types[FUNC_MAX_ARGS];
    int n = 0, nargs = list_len(argtypes), found = 0, len = list_len(names);
    *out = 0;
    if (len == 0 || nargs > FUNC_MAX_ARGS) return error_set(err, ERR_SYNTAX_ERROR, "improper function name");
    const char *name = ((String *)list_last(names))->sval, *schema = len > 1 ? ((String *)list_at(names, len - 2))->sval : NULL;
    for (int i = 0; i < nargs; i++) TRY(resolve_type_name(env, list_at(argtypes, i), missing_ok, &types[i], NULL, err));
    arena_init(&scratch, env->account, 0);
    Status st = proc_candidates(env, schema, name, &scratch, &procs, &n, err);
    for (int i = 0; !failed(st) && i < n; i++) {
        if (argtypes && (procs[i]->nargs != nargs || memcmp(procs[i]->args, types, (size_t)nargs * sizeof *types))) continue;
        if (!found++) *out = procs[i]->oid;
        if (argtypes) break;
    }
    if (!failed(st) && found > 1) {
        st = error_set(err, ERR_AMBIGUOUS_FUNCTION, "function name \"%s\" is not unique", name);
        error_hint(err, "Specify the argument list to select the function unambiguously.");
    } else if (!failed(st) && !found && !missing_ok) {
        ParseState ps = ps_top(env, NULL, NULL, &scratch, err);
        st = argtypes ? error_set(err, ERR_UNDEFINED_FUNCTION, "function %s does not exist", ps_func_signature(&ps, schema, name, nargs, types, NULL))
                      : error_set(err, ERR_UNDEFINED_FUNCTION, "could not find a function named \"%s\"", name);
    }
    arena_destroy(&scratch);
    return st;
}
