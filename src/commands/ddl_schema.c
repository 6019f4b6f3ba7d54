/* CREATE SCHEMA, with the objects created inside it. */
#include "commands/ddl_internal.h"

static STATUS insert_schema(SessionEnv *env, const char *name, Oid owner, Arena *arena, Error *err)
{
    Form_pg_namespace f = {.nspname = name, .nspowner = owner};
    TRY(cat_new_oid(env, &f.oid, err));
    TRY(grant_default_acl(env, REL_pg_namespace, 'n', owner, 0, arena, &f.nspacl, err));
    return cat_insert(env, REL_pg_namespace, &f, err);
}

/* Names without a schema inside CREATE SCHEMA mean the new one. */
static STATUS into_schema(RangeVar *rv, const char *schema, Error *err)
{
    if (!rv) return ST_OK;
    if (!rv->schemaname) rv->schemaname = (char *)schema;
    if (strcmp(rv->schemaname, schema))
        return error_set(err, ERR_INVALID_SCHEMA_DEFINITION, "CREATE specifies a schema (%s) different from the one being created (%s)", rv->schemaname, schema);
    return ST_OK;
}

static STATUS run_element(CommandCall *call, Node *elem, const char *schema, Error *err)
{
    if (IsA(elem, RawExpr)) { /* could not be analysed before the tables it names were there */
        Query *query;
        ParamTypes params = {.arena = call->arena};
        TRY(analyze_prepared(call->env, (RawExpr *)elem, call->sql, &params, call->arena, &query, err));
        elem = query->utilityStmt;
        if (!elem) return error_unsupported(err, "this element of CREATE SCHEMA");
    }
    switch (nodeTag(elem)) {
    case T_CreateStmt: TRY(into_schema(((CreateStmt *)elem)->relation, schema, err)); return cmd_CreateStmt(call, (CreateStmt *)elem, err);
    case T_ViewStmt: TRY(into_schema(((ViewStmt *)elem)->view, schema, err)); return cmd_ViewStmt(call, (ViewStmt *)elem, err);
    case T_IndexStmt: TRY(into_schema(((IndexStmt *)elem)->relation, schema, err)); return cmd_IndexStmt(call, (IndexStmt *)elem, err);
    case T_CreateSeqStmt: TRY(into_schema(((CreateSeqStmt *)elem)->sequence, schema, err)); return cmd_CreateSeqStmt(call, (CreateSeqStmt *)elem, err);
    case T_GrantStmt: return cmd_GrantStmt(call, (GrantStmt *)elem, err);
    default: return error_unsupported(err, "this element of CREATE SCHEMA");
    }
}

/* Inside, the new schema comes first on the search path. */
static STATUS run_elements(CommandCall *call, const List *elements, const char *schema, Error *err)
{
    SettingSet *settings = call->env->settings;
    size_t mark = setting_mark(settings);
    const char *path = setting_string(settings, SET_search_path);
    const char *inner = arena_printf(call->arena, "%s, %s", quote_identifier(call->arena, schema), path && *path ? path : "\"$user\"");
    TRY_MEM(inner, err);
    Status st = setting_set(settings, "search_path", inner, (SettingChange){.source = SETSRC_SESSION, .is_local = true, .is_superuser = true}, err);
    for (int i = 0; i < list_len(elements) && !failed(st); i++) st = run_element(call, list_at(elements, i), schema, err);
    setting_rollback_to(settings, mark);
    return st;
}

STATUS cmd_CreateSchemaStmt(CommandCall *call, CreateSchemaStmt *stmt, Error *err)
{
    SessionEnv *env = call->env;
    Oid owner = env->current_user, taken;
    const char *name = stmt->schemaname;
    if (stmt->authrole) TRY(ddl_role(env, stmt->authrole, &owner, err));
    if (!name) name = role_name_of(env, owner, call->arena);
    TRY_MEM(name, err);
    TRY(acl_check_object(env, REL_pg_database, env->database_oid, ACL_CREATE, err));
    TRY(ddl_check_can_become(env, owner, err));
    if (!strncmp(name, "pg_", 3)) {
        error_set(err, ERR_RESERVED_NAME, "unacceptable schema name \"%s\"", name);
        return error_detail(err, "The prefix \"pg_\" is reserved for system schemas.");
    }
    TRY(lookup_namespace(env, name, true, &taken, err));
    if (taken && stmt->if_not_exists) {
        session_notice(env, SEV_NOTICE, ERR_DUPLICATE_SCHEMA, NULL, NULL, "schema \"%s\" already exists, skipping", name);
        return ST_OK;
    }
    if (taken) return error_set(err, ERR_DUPLICATE_SCHEMA, "schema \"%s\" already exists", name);
    TRY(insert_schema(env, name, owner, call->arena, err));
    return stmt->schemaElts ? run_elements(call, stmt->schemaElts, name, err) : ST_OK;
}
