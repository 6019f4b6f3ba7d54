/* COMMENT ON. */
#include "commands/ddl_internal.h"

static STATUS comment_relation(CommandCall *call, const CommentStmt *stmt, ObjectAddress *out, Error *err)
{
    static const struct { int kind; const char *kinds, *article; } want[] = {
        {OBJ_TABLE, "rp", "a table"}, {OBJ_INDEX, "iI", "an index"}, {OBJ_VIEW, "v", "a view"}, {OBJ_SEQUENCE, "S", "a sequence"},
        {OBJ_MATVIEW, "m", "a materialized view"}, {OBJ_FOREIGN_TABLE, "f", "a foreign table"}};
    const char *schema, *name;
    const Relation *rel;
    TRY(ddl_split_name(stmt->object, &schema, &name, err));
    RangeVar rv = {.tag = T_RangeVar, .schemaname = (char *)schema, .relname = (char *)name, .inh = true, .relpersistence = 'p'};
    TRY(rangevar_relation(call->env, &rv, LOCK_SHARE_UPDATE_EXCLUSIVE, false, &rel, err));
    for (size_t i = 0; i < sizeof want / sizeof want[0]; i++)
        if (want[i].kind == stmt->objtype && !strchr(want[i].kinds, rel->relkind))
            return error_set(err, ERR_WRONG_OBJECT_TYPE, "\"%s\" is not %s", rel->name, want[i].article);
    *out = address(REL_pg_class, rel->oid, 0);
    return ddl_check_owner(call->env, rel, err);
}

/* The last name belongs to the relation that the others name. */
static STATUS split_last(CommandCall *call, const Node *object, const Relation **rel, const char **last, Error *err)
{
    const List *names = (const List *)object;
    int n = list_len(names);
    if (n < 2) return error_set(err, ERR_SYNTAX_ERROR, "relation name must be qualified");
    RangeVar rv = {.tag = T_RangeVar, .relname = ((String *)list_at(names, n - 2))->sval, .inh = true, .relpersistence = 'p'};
    if (n > 2) rv.schemaname = ((String *)list_at(names, n - 3))->sval;
    *last = ((String *)list_last(names))->sval;
    TRY(rangevar_relation(call->env, &rv, LOCK_SHARE_UPDATE_EXCLUSIVE, false, rel, err));
    return ddl_check_owner(call->env, *rel, err);
}

static STATUS comment_column(CommandCall *call, const CommentStmt *stmt, ObjectAddress *out, Error *err)
{
    const Relation *rel;
    const char *name;
    TRY(split_last(call, stmt->object, &rel, &name, err));
    int attnum = relation_find_column(rel, name);
    if (!attnum) return error_set(err, ERR_UNDEFINED_COLUMN, "column \"%s\" of relation \"%s\" does not exist", name, rel->name);
    *out = address(REL_pg_class, rel->oid, attnum);
    return ST_OK;
}

static STATUS comment_on_table_object(CommandCall *call, const CommentStmt *stmt, ObjectAddress *out, Error *err)
{
    const Relation *rel;
    const char *name;
    const void *form = NULL;
    const Form_pg_constraint *con;
    TRY(split_last(call, stmt->object, &rel, &name, err));
    if (stmt->objtype == OBJ_TABCONSTRAINT) {
        TRY(ddl_constraint_by_name(call->env, rel->oid, name, call->arena, &con, err));
        if (!con) return error_set(err, ERR_UNDEFINED_OBJECT, "constraint \"%s\" for table \"%s\" does not exist", name, rel->name);
        *out = address(REL_pg_constraint, con->oid, 0);
        return ST_OK;
    }
    bool trigger = stmt->objtype == OBJ_TRIGGER;
    Datum keys[2] = {datum_oid(rel->oid), cat_name_key(call->arena, name)};
    TRY(cat_get(call->env, trigger ? REL_pg_trigger : REL_pg_rewrite, trigger ? IDX_trigger_tgrelid_tgname : IDX_rewrite_rel_rulename, 2, keys,
                call->arena, &form, err));
    if (!form) return error_set(err, ERR_UNDEFINED_OBJECT, "%s \"%s\" for %s \"%s\" does not exist", trigger ? "trigger" : "rule", name,
                                trigger ? "table" : "relation", rel->name);
    *out = address(trigger ? REL_pg_trigger : REL_pg_rewrite, *(const Oid *)form, 0);
    return ST_OK;
}

static STATUS comment_named(CommandCall *call, const CommentStmt *stmt, ObjectAddress *out, Error *err)
{
    SessionEnv *env = call->env;
    const char *schema, *name;
    static const List no_args = {.tag = T_List};
    if (stmt->objtype == OBJ_FUNCTION || stmt->objtype == OBJ_PROCEDURE || stmt->objtype == OBJ_ROUTINE || stmt->objtype == OBJ_AGGREGATE) {
        const ObjectWithArgs *o = (const ObjectWithArgs *)stmt->object;
        out->classid = REL_pg_proc;
        TRY(lookup_function(env, o->objname, o->args_unspecified ? NULL : o->objargs ? o->objargs : &no_args, false, &out->objid, err));
        return owner_check(env, REL_pg_proc, out->objid, err);
    }
    TRY(ddl_split_name(stmt->object, &schema, &name, err));
    switch (stmt->objtype) {
    case OBJ_SCHEMA: out->classid = REL_pg_namespace; TRY(lookup_namespace(env, name, false, &out->objid, err)); break;
    case OBJ_TYPE:
    case OBJ_DOMAIN: out->classid = REL_pg_type; TRY(lookup_type(env, schema, name, false, &out->objid, err)); break;
    case OBJ_ROLE: {
        out->classid = REL_pg_authid;
        TRY(lookup_role(env, name, false, &out->objid, err));
        if (!env->is_superuser && out->objid != env->current_user)
            return error_set(err, ERR_INSUFFICIENT_PRIVILEGE, "must be member of role \"%s\" to comment upon it", name);
        return ST_OK;
    }
    case OBJ_EXTENSION: {
        const void *form;
        Datum key = cat_name_key(call->arena, name);
        TRY(cat_get(env, REL_pg_extension, IDX_extension_name, 1, &key, call->arena, &form, err));
        if (!form) return error_set(err, ERR_UNDEFINED_OBJECT, "extension \"%s\" does not exist", name);
        *out = address(REL_pg_extension, ((const Form_pg_extension *)form)->oid, 0);
        break;
    }
    default: return error_set(err, ERR_FEATURE_NOT_SUPPORTED, "COMMENT ON %s is not supported", object_kind_name(stmt->objtype));
    }
    return owner_check(env, out->classid, out->objid, err);
}

/* A missing database is only a warning: dumps are restored under other names. */
static STATUS comment_database(CommandCall *call, const CommentStmt *stmt, ObjectAddress *out, Error *err)
{
    const char *schema, *name;
    TRY(ddl_split_name(stmt->object, &schema, &name, err));
    TRY(lookup_database(call->env, name, true, &out->objid, err));
    if (!out->objid) {
        session_notice(call->env, SEV_WARNING, ERR_UNDEFINED_DATABASE, NULL, NULL, "database \"%s\" does not exist", name);
        return ST_OK;
    }
    out->classid = REL_pg_database;
    return owner_check(call->env, REL_pg_database, out->objid, err);
}

STATUS cmd_CommentStmt(CommandCall *call, CommentStmt *stmt, Error *err)
{
    ObjectAddress o = {0};
    switch (stmt->objtype) {
    case OBJ_TABLE: case OBJ_INDEX: case OBJ_VIEW: case OBJ_SEQUENCE: case OBJ_MATVIEW: case OBJ_FOREIGN_TABLE: TRY(comment_relation(call, stmt, &o, err)); break;
    case OBJ_COLUMN: TRY(comment_column(call, stmt, &o, err)); break;
    case OBJ_TABCONSTRAINT: case OBJ_TRIGGER: case OBJ_RULE: TRY(comment_on_table_object(call, stmt, &o, err)); break;
    case OBJ_DATABASE: TRY(comment_database(call, stmt, &o, err)); break;
    default: TRY(comment_named(call, stmt, &o, err)); break;
    }
    return o.objid ? cat_set_comment(call->env, o.classid, o.objid, o.subid, stmt->comment, err) : ST_OK;
}
