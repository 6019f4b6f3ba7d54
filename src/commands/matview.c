/* REFRESH MATERIALIZED VIEW: the query runs again into new storage. */
#include "commands/ddl_internal.h"

static bool has_whole_unique_index(const Relation *rel)
{
    for (int i = 0; i < rel->nindexes; i++)
        if (rel->indexes[i].unique && !rel->indexes[i].predicate && !rel->indexes[i].exprs) return true;
    return false;
}

static STATUS check(CommandCall *call, const RefreshMatViewStmt *stmt, const Relation *rel, Error *err)
{
    if (rel->relkind != RELKIND_MATVIEW) return error_set(err, ERR_FEATURE_NOT_SUPPORTED, "\"%s\" is not a materialized view", rel->name);
    TRY(ddl_check_owner(call->env, rel, err));
    if (stmt->concurrent && stmt->skipData)
        return error_set(err, ERR_SYNTAX_ERROR, "%s and %s options cannot be used together", "CONCURRENTLY", "WITH NO DATA");
    if (!stmt->concurrent) return ST_OK;
    Form_pg_class cls;
    TRY(ddl_class(call->env, rel->oid, call->arena, &cls, err));
    if (!cls.relispopulated)
        return error_set(err, ERR_FEATURE_NOT_SUPPORTED, "CONCURRENTLY cannot be used when the materialized view is not populated");
    if (has_whole_unique_index(rel)) return ST_OK;
    error_set(err, ERR_OBJECT_NOT_IN_PREREQUISITE_STATE, "cannot refresh materialized view \"%s.%s\" concurrently",
              namespace_name_of(call->env, rel->namespace_oid, call->arena), rel->name);
    return error_hint(err, "Create a unique index with no WHERE clause on one or more columns of the materialized view.");
}

STATUS cmd_RefreshMatViewStmt(CommandCall *call, RefreshMatViewStmt *stmt, Error *err)
{
    SessionEnv *env = call->env;
    const Relation *rel;
    Form_pg_class cls;
    uint64_t rows = 0;
    TRY(rangevar_relation(env, stmt->relation, LOCK_ACCESS_EXCLUSIVE, false, &rel, err));
    TRY(check(call, stmt, rel, err));
    TRY(ddl_new_storage(env, rel, true, call->arena, err));
    TRY(ddl_class(env, rel->oid, call->arena, &cls, err));
    if (cls.relispopulated == stmt->skipData) {
        cls.relispopulated = !stmt->skipData;
        TRY(cat_update(env, REL_pg_class, &cls, err));
    }
    return stmt->skipData ? ST_OK : ddl_fill_from_query(env, rel->view, NULL, rel->oid, call->arena, &rows, err);
}
