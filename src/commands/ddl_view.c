/* CREATE VIEW, CREATE TABLE AS, materialized views. A view's query is stored as its analysed tree in pg_rewrite. */
#include <inttypes.h>
#include <stdio.h>

#include "commands/ddl_internal.h"

/* ---- columns from a query ---- */
static STATUS query_columns(SessionEnv *env, const Query *query, const List *names, bool too_many_is_view, Arena *arena, NewColumn **out, int *n, Error *err)
{
    NewColumn *cols;
    int count = 0;
    TRY_NEW_N(cols, arena, list_len(query->targetList) + 1, err);
    LIST_EACH(TargetEntry *, te, query->targetList) {
        if (te->resjunk) continue;
        NewColumn *c = &cols[count];
        Oid type = expr_type((Node *)te->expr);
        *c = (NewColumn){.type = type == TYPE_unknown ? TYPE_text : type, .typmod = expr_typmod((Node *)te->expr), .collation = expr_collation((Node *)te->expr)};
        c->name = count < list_len(names) ? ((String *)list_at(names, count))->sval : te->resname ? te->resname : "?column?";
        const TypeInfo *info;
        TRY(type_require(env, c->type, &info, err));
        if (!c->collation) c->collation = info->collation;
        count++;
    }
    if (list_len(names) > count)
        return error_set(err, ERR_SYNTAX_ERROR, too_many_is_view ? "CREATE VIEW specifies more column names than columns" : "too many column names were specified");
    *out = cols;
    *n = count;
    return ST_OK;
}

static bool uses_temporary(Node *node, void *arg)
{
    SessionEnv *env = arg;
    if (!node) return false;
    if (IsA(node, Query)) {
        LIST_EACH(RangeTblEntry *, rte, ((Query *)node)->rtable) {
            const Relation *rel;
            if (rte->rtekind != RTE_RELATION || failed(relation_try_open(env, rte->relid, LOCK_NONE, &rel, NULL)) || !rel) continue;
            if (rel->persistence == 't') return true;
        }
        return query_walk((Query *)node, uses_temporary, arg);
    }
    return node_walk(node, uses_temporary, arg);
}

/* ---- the rule that holds the query ---- */
static STATUS store_query(SessionEnv *env, Oid view, const Query *query, bool replace, Arena *arena, Error *err)
{
    Form_pg_rewrite f = {.rulename = "_RETURN", .ev_class = view, .ev_type = '1', .ev_enabled = 'O', .is_instead = true, .ev_qual = "<>"};
    Form_pg_class cls;
    const void *old = NULL;
    List *actions = NULL;
    TRY_APPEND(actions, arena, (void *)query, err);
    TRY(ddl_node_text(actions, arena, &f.ev_action, err));
    if (replace) {
        Datum keys[2] = {datum_oid(view), cat_name_key(arena, "_RETURN")};
        TRY(cat_get(env, REL_pg_rewrite, IDX_rewrite_rel_rulename, 2, keys, arena, &old, err));
    }
    if (old) {
        f.oid = ((const Form_pg_rewrite *)old)->oid;
        TRY(cat_update(env, REL_pg_rewrite, &f, err));
        TRY(depend_remove(env, address(REL_pg_rewrite, f.oid, 0), err));
    } else {
        TRY(cat_new_oid(env, &f.oid, err));
        TRY(cat_insert(env, REL_pg_rewrite, &f, err));
    }
    ObjectAddress rule = address(REL_pg_rewrite, f.oid, 0);
    TRY(depend_add(env, rule, address(REL_pg_class, view, 0), DEPEND_INTERNAL, err));
    TRY(depend_add_query(env, rule, query, DEPEND_NORMAL, err));
    TRY(ddl_class(env, view, arena, &cls, err));
    if (cls.relhasrules) return cat_invalidate_relation(env, view, err);
    cls.relhasrules = true;
    return cat_update(env, REL_pg_class, &cls, err);
}

/* ---- CREATE OR REPLACE VIEW ---- */
static STATUS check_replacement(SessionEnv *env, const Relation *view, const NewColumn *cols, int n, Arena *arena, Error *err)
{
    if (n < view->desc->natts) return error_set(err, ERR_INVALID_TABLE_DEFINITION, "cannot drop columns from view");
    for (int i = 0; i < view->desc->natts; i++) {
        const Attribute *a = &view->desc->atts[i];
        if (strcmp(a->name, cols[i].name)) {
            error_set(err, ERR_INVALID_TABLE_DEFINITION, "cannot change name of view column \"%s\" to \"%s\"", a->name, cols[i].name);
            return error_hint(err, "Use ALTER VIEW ... RENAME COLUMN ... to change name of view column instead.");
        }
        if (a->type != cols[i].type || a->typmod != cols[i].typmod)
            return error_set(err, ERR_INVALID_TABLE_DEFINITION, "cannot change data type of view column \"%s\" from %s to %s", a->name,
                             format_type_text(env, a->type, a->typmod, arena), format_type_text(env, cols[i].type, cols[i].typmod, arena));
    }
    return ST_OK;
}

static STATUS replace_view(CommandCall *call, const ViewStmt *stmt, Oid oid, const NewColumn *cols, int n, Datum reloptions, Error *err)
{
    SessionEnv *env = call->env;
    const Relation *view;
    Form_pg_class cls;
    TRY(relation_open(env, oid, LOCK_ACCESS_EXCLUSIVE, &view, err));
    if (view->relkind != RELKIND_VIEW) return error_set(err, ERR_WRONG_OBJECT_TYPE, "\"%s\" is not a view", view->name);
    TRY(ddl_check_owner(env, view, err));
    TRY(check_replacement(env, view, cols, n, call->arena, err));
    for (int i = view->desc->natts; i < n; i++) TRY(ddl_insert_attribute(env, oid, RELKIND_VIEW, i + 1, &cols[i], call->arena, err));
    TRY(ddl_class(env, oid, call->arena, &cls, err));
    cls.relnatts = (int16_t)n;
    cls.reloptions = reloptions;
    TRY(cat_update(env, REL_pg_class, &cls, err));
    return store_query(env, oid, stmt->query, true, call->arena, err);
}

STATUS cmd_ViewStmt(CommandCall *call, ViewStmt *stmt, Error *err)
{
    SessionEnv *env = call->env;
    const RangeVar *rv = stmt->view;
    NewRelation def = {.name = rv->relname, .relkind = RELKIND_VIEW, .owner = env->current_user, .persistence = 'p'};
    NewColumn *cols;
    Oid oid;
    bool temporary = rv->relpersistence == 't';
    if (rv->relpersistence == 'u') return error_set(err, ERR_SYNTAX_ERROR, "views cannot be unlogged because they do not have storage");
    if (stmt->withCheckOption) return error_unsupported(err, "WITH CHECK OPTION");
    if (stmt->query->hasModifyingCTE) return error_set(err, ERR_FEATURE_NOT_SUPPORTED, "views must not contain data-modifying statements in WITH");
    TRY(query_columns(env, stmt->query, stmt->aliases, true, call->arena, &cols, &def.ncols, err));
    if (!temporary && !rv->schemaname && uses_temporary((Node *)stmt->query, env)) {
        temporary = true;
        session_notice(env, SEV_NOTICE, 0, NULL, NULL, "view \"%s\" will be a temporary view", rv->relname);
    }
    TRY(ddl_creation_namespace(env, rv->catalogname, rv->schemaname, temporary, &def.namespace_oid, err));
    if (def.namespace_oid == temp_namespace_of(env)) def.persistence = 't';
    TRY(ddl_reloptions(0, stmt->options, false, call->arena, &def.reloptions, err));
    oid = stmt->replace ? lookup_relname_in(env, rv->relname, def.namespace_oid) : 0;
    if (oid) return replace_view(call, stmt, oid, cols, def.ncols, def.reloptions, err);
    def.cols = cols;
    TRY(ddl_create_relation(env, &def, call->arena, &oid, err));
    return store_query(env, oid, stmt->query, false, call->arena, err);
}

/* ---- CREATE TABLE AS, CREATE MATERIALIZED VIEW ---- */
STATUS cmd_CreateTableAsStmt(CommandCall *call, CreateTableAsStmt *stmt, Error *err)
{
    SessionEnv *env = call->env;
    const RangeVar *rv = stmt->rel;
    bool matview = stmt->relkind == RELKIND_MATVIEW;
    NewRelation def = {.name = rv->relname, .relkind = matview ? RELKIND_MATVIEW : RELKIND_TABLE, .owner = env->current_user, .unpopulated = matview && stmt->skipData};
    NewColumn *cols;
    Oid oid;
    uint64_t rows = 0;
    if (stmt->query->commandType == CMD_UTILITY) return error_unsupported(err, "CREATE TABLE AS EXECUTE");
    TRY(ddl_creation_namespace(env, rv->catalogname, rv->schemaname, rv->relpersistence == 't', &def.namespace_oid, err));
    def.persistence = def.namespace_oid == temp_namespace_of(env) ? 't' : rv->relpersistence ? rv->relpersistence : 'p';
    if (stmt->if_not_exists && lookup_relname_in(env, rv->relname, def.namespace_oid)) {
        session_notice(env, SEV_NOTICE, ERR_DUPLICATE_TABLE, NULL, NULL, "relation \"%s\" already exists, skipping", rv->relname);
        return ST_OK;
    }
    if (matview && uses_temporary((Node *)stmt->query, env))
        return error_set(err, ERR_FEATURE_NOT_SUPPORTED, "materialized views must not use temporary tables or views");
    TRY(query_columns(env, stmt->query, stmt->colNames, false, call->arena, &cols, &def.ncols, err));
    def.cols = cols;
    TRY(ddl_reloptions(0, stmt->options, false, call->arena, &def.reloptions, err));
    TRY(ddl_create_relation(env, &def, call->arena, &oid, err));
    if (matview) TRY(store_query(env, oid, stmt->query, false, call->arena, err));
    if (stmt->skipData) return ST_OK;
    TRY(ddl_fill_from_query(env, stmt->query, call->params, oid, call->arena, &rows, err));
    snprintf(call->tag, 64, "SELECT %" PRIu64, rows);
    return ST_OK;
}
