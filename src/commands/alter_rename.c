/* ALTER ... RENAME TO, RENAME COLUMN, RENAME CONSTRAINT. */
#include "commands/ddl_internal.h"

/* ---- relations ---- */
static STATUS rename_type(SessionEnv *env, Oid type, const char *name, Arena *arena, Error *err)
{
    const Form_pg_type *f;
    TRY(ddl_type_form(env, type, arena, &f, err));
    Form_pg_type copy = *f;
    Datum keys[2] = {cat_name_key(arena, name), datum_oid(copy.typnamespace)};
    const void *taken;
    TRY_MEM((void *)keys[0], err);
    TRY(cat_get(env, REL_pg_type, IDX_type_typname_nsp, 2, keys, arena, &taken, err));
    if (taken && ((const Form_pg_type *)taken)->oid != type) return error_set(err, ERR_DUPLICATE_OBJECT, "type \"%s\" already exists", name);
    copy.typname = name;
    TRY(cat_update(env, REL_pg_type, &copy, err));
    if (!copy.typarray) return ST_OK;
    TRY(ddl_type_form(env, copy.typarray, arena, &f, err));
    Form_pg_type array = *f;
    const char *array_name = ddl_object_name(arena, "", name, NULL);
    TRY_MEM(array_name, err);
    for (;;) {
        keys[0] = cat_name_key(arena, array_name);
        TRY(cat_get(env, REL_pg_type, IDX_type_typname_nsp, 2, keys, arena, &taken, err));
        if (!taken || ((const Form_pg_type *)taken)->oid == array.oid) break;
        array_name = ddl_object_name(arena, "", array_name, NULL);
        TRY_MEM(array_name, err);
    }
    array.typname = array_name;
    return cat_update(env, REL_pg_type, &array, err);
}

static STATUS constraint_of_index(SessionEnv *env, Oid index, Oid table, Arena *arena, const Form_pg_constraint **out, Error *err)
{
    CatScan *scan = NULL;
    const void *form;
    Datum key = datum_oid(table);
    *out = NULL;
    Status st = cat_scan_open(env, REL_pg_constraint, IDX_constraint_conrelid_contypid_conname, 1, &key, arena, &scan, err);
    while (!failed(st)) {
        st = cat_scan_next(scan, &form, err);
        if (failed(st) || !form) break;
        const Form_pg_constraint *c = form;
        if (c->conindid == index && c->contype != 'f') *out = c;
    }
    cat_scan_close(scan);
    return st;
}

static STATUS rename_class(SessionEnv *env, Oid relation, const char *name, Arena *arena, Error *err)
{
    Form_pg_class cls;
    TRY(ddl_class(env, relation, arena, &cls, err));
    TRY(ddl_check_relation_name_free(env, name, cls.relnamespace, err));
    cls.relname = name;
    TRY(cat_update(env, REL_pg_class, &cls, err));
    if (cls.reltype) TRY(rename_type(env, cls.reltype, name, arena, err));
    if (cls.relkind != 'i') return ST_OK;
    const void *form;
    const Form_pg_constraint *con;
    TRY(cat_get_by_oid(env, REL_pg_index, IDX_index_indexrelid, relation, arena, &form, err));
    if (!form) return ST_OK;
    Oid table = ((const Form_pg_index *)form)->indrelid;
    TRY(constraint_of_index(env, relation, table, arena, &con, err));
    if (con) {
        Form_pg_constraint f = *con;
        f.conname = name;
        TRY(cat_update(env, REL_pg_constraint, &f, err));
    }
    return cat_invalidate_relation(env, table, err);
}

static STATUS check_kind(const Relation *rel, int kind, Error *err)
{
    const struct { int kind; const char *kinds, *article; } want[] = {
        {OBJ_VIEW, "v", "a view"}, {OBJ_MATVIEW, "m", "a materialized view"}, {OBJ_SEQUENCE, "S", "a sequence"}, {OBJ_FOREIGN_TABLE, "f", "a foreign table"},
        {OBJ_TYPE, "c", "a composite type"}};
    for (size_t i = 0; i < sizeof want / sizeof want[0]; i++)
        if (want[i].kind == kind && !strchr(want[i].kinds, rel->relkind))
            return error_set(err, ERR_WRONG_OBJECT_TYPE, "\"%s\" is not %s", rel->name, want[i].article);
    return ST_OK;
}

/* Any kind of relation, indexes too (which relation_open knows as plain relations). */
static STATUS open_any(CommandCall *call, const RangeVar *rv, bool missing_ok, const Relation **out, Error *err)
{
    TRY(rangevar_relation(call->env, rv, LOCK_ACCESS_EXCLUSIVE, missing_ok, out, err));
    if (*out) return ddl_check_owner(call->env, *out, err);
    session_notice(call->env, SEV_NOTICE, 0, NULL, NULL, "relation \"%s\" does not exist, skipping", rv->relname);
    return ST_OK;
}

static STATUS rename_relation(CommandCall *call, const RenameStmt *stmt, Error *err)
{
    const Relation *rel;
    TRY(open_any(call, stmt->relation, stmt->missing_ok, &rel, err));
    if (!rel) return ST_OK;
    TRY(check_kind(rel, stmt->renameType, err));
    TRY(acl_check_object(call->env, REL_pg_namespace, rel->namespace_oid, ACL_CREATE, err));
    if (rel->relkind == RELKIND_COMPOSITE && stmt->renameType != OBJ_TYPE) {
        error_set(err, ERR_WRONG_OBJECT_TYPE, "\"%s\" is a composite type", rel->name);
        return error_hint(err, "Use ALTER TYPE instead.");
    }
    return rename_class(call->env, rel->oid, stmt->newname, call->arena, err);
}

static STATUS rename_column(CommandCall *call, const RenameStmt *stmt, Error *err)
{
    SessionEnv *env = call->env;
    const Relation *rel;
    Form_pg_attribute att;
    TRY(open_any(call, stmt->relation, stmt->missing_ok, &rel, err));
    if (!rel) return ST_OK;
    int attnum = relation_find_column(rel, stmt->subname);
    if (!attnum) return error_set(err, ERR_UNDEFINED_COLUMN, "column \"%s\" does not exist", stmt->subname);
    if (attnum < 0) return error_set(err, ERR_FEATURE_NOT_SUPPORTED, "cannot rename system column \"%s\"", stmt->subname);
    int taken = relation_find_column(rel, stmt->newname);
    if (taken > 0) return error_set(err, ERR_DUPLICATE_COLUMN, "column \"%s\" of relation \"%s\" already exists", stmt->newname, rel->name);
    if (taken < 0) return error_set(err, ERR_DUPLICATE_COLUMN, "column name \"%s\" conflicts with a system column name", stmt->newname);
    TRY(ddl_attribute(env, rel->oid, attnum, call->arena, &att, err));
    att.attname = stmt->newname;
    TRY(cat_update(env, REL_pg_attribute, &att, err));
    for (int i = 0; i < rel->nindexes; i++) /* plain index columns follow */
        for (int k = 0; k < rel->indexes[i].def.ncolumns; k++) {
            if (rel->indexes[i].attnums[k] != attnum || strcmp(rel->indexes[i].def.desc->atts[k].name, stmt->subname)) continue;
            TRY(ddl_attribute(env, rel->indexes[i].oid, k + 1, call->arena, &att, err));
            att.attname = stmt->newname;
            TRY(cat_update(env, REL_pg_attribute, &att, err));
        }
    return cat_invalidate_relation(env, rel->oid, err);
}

static STATUS rename_constraint(CommandCall *call, const RenameStmt *stmt, Error *err)
{
    SessionEnv *env = call->env;
    const Relation *rel;
    const Form_pg_constraint *con, *taken;
    TRY(open_any(call, stmt->relation, stmt->missing_ok, &rel, err));
    if (!rel) return ST_OK;
    TRY(ddl_constraint_by_name(env, rel->oid, stmt->subname, call->arena, &con, err));
    if (!con) return error_set(err, ERR_UNDEFINED_OBJECT, "constraint \"%s\" for table \"%s\" does not exist", stmt->subname, rel->name);
    if (con->conindid && con->contype != 'f') return rename_class(env, con->conindid, stmt->newname, call->arena, err);
    TRY(ddl_constraint_by_name(env, rel->oid, stmt->newname, call->arena, &taken, err));
    if (taken) return error_set(err, ERR_DUPLICATE_OBJECT, "constraint \"%s\" for relation \"%s\" already exists", stmt->newname, rel->name);
    Form_pg_constraint f = *con;
    f.conname = stmt->newname;
    return cat_update(env, REL_pg_constraint, &f, err);
}

/* ---- other objects ---- */
static STATUS rename_schema(CommandCall *call, const RenameStmt *stmt, Error *err)
{
    SessionEnv *env = call->env;
    Oid nsp, taken;
    const void *form;
    TRY(lookup_namespace(env, stmt->subname, false, &nsp, err));
    TRY(lookup_namespace(env, stmt->newname, true, &taken, err));
    if (taken) return error_set(err, ERR_DUPLICATE_SCHEMA, "schema \"%s\" already exists", stmt->newname);
    TRY(owner_check(env, REL_pg_namespace, nsp, err));
    TRY(acl_check_object(env, REL_pg_database, env->database_oid, ACL_CREATE, err));
    if (!strncmp(stmt->newname, "pg_", 3)) {
        error_set(err, ERR_RESERVED_NAME, "unacceptable schema name \"%s\"", stmt->newname);
        return error_detail(err, "The prefix \"pg_\" is reserved for system schemas.");
    }
    TRY(cat_get_by_oid(env, REL_pg_namespace, IDX_namespace_oid, nsp, call->arena, &form, err));
    Form_pg_namespace f = *(const Form_pg_namespace *)form;
    f.nspname = stmt->newname;
    return cat_update(env, REL_pg_namespace, &f, err);
}

static STATUS rename_database(CommandCall *call, const RenameStmt *stmt, Error *err)
{
    SessionEnv *env = call->env;
    Oid db, taken;
    const void *form;
    TRY(lookup_database(env, stmt->subname, false, &db, err));
    TRY(owner_check(env, REL_pg_database, db, err));
    TRY(lookup_database(env, stmt->newname, true, &taken, err));
    if (taken) return error_set(err, ERR_DUPLICATE_DATABASE, "database \"%s\" already exists", stmt->newname);
    if (db == env->database_oid) return error_set(err, ERR_FEATURE_NOT_SUPPORTED, "current database cannot be renamed");
    int others = command_hooks->sessions_on_database(env, db);
    if (others) {
        error_set(err, ERR_OBJECT_IN_USE, "database \"%s\" is being accessed by other users", stmt->subname);
        return others == 1 ? error_detail(err, "There is 1 other session using the database.")
                           : error_detail(err, "There are %d other sessions using the database.", others);
    }
    TRY(cat_get_by_oid(env, REL_pg_database, IDX_database_oid, db, call->arena, &form, err));
    Form_pg_database f = *(const Form_pg_database *)form;
    f.datname = stmt->newname;
    return cat_update(env, REL_pg_database, &f, err);
}

static STATUS rename_role(CommandCall *call, const RenameStmt *stmt, Error *err)
{
    SessionEnv *env = call->env;
    Oid role, taken;
    const void *form;
    TRY(lookup_role(env, stmt->subname, false, &role, err));
    if (role == env->session_user) return error_set(err, ERR_FEATURE_NOT_SUPPORTED, "session user cannot be renamed");
    if (role == env->current_user) return error_set(err, ERR_FEATURE_NOT_SUPPORTED, "current user cannot be renamed");
    if (!strncmp(stmt->newname, "pg_", 3) || !strcmp(stmt->newname, "public") || !strcmp(stmt->newname, "none")) {
        error_set(err, ERR_RESERVED_NAME, "role name \"%s\" is reserved", stmt->newname);
        return strncmp(stmt->newname, "pg_", 3) ? ST_FAILED : error_detail(err, "Role names starting with \"pg_\" are reserved.");
    }
    TRY(lookup_role(env, stmt->newname, true, &taken, err));
    if (taken) return error_set(err, ERR_DUPLICATE_OBJECT, "role \"%s\" already exists", stmt->newname);
    TRY(cat_get_by_oid(env, REL_pg_authid, IDX_authid_oid, role, call->arena, &form, err));
    Form_pg_authid f = *(const Form_pg_authid *)form;
    if (f.rolsuper && !env->is_superuser) return error_set(err, ERR_INSUFFICIENT_PRIVILEGE, "must be superuser to rename superusers");
    const void *me = NULL;
    if (!env->is_superuser) TRY(cat_get_by_oid(env, REL_pg_authid, IDX_authid_oid, env->current_user, call->arena, &me, err));
    if (!env->is_superuser && !(me && ((const Form_pg_authid *)me)->rolcreaterole))
        return error_set(err, ERR_INSUFFICIENT_PRIVILEGE, "permission denied to rename role");
    if (f.rolpassword && !strncmp(f.rolpassword, "md5", 3)) {
        f.rolpassword = NULL; /* salted with the old name */
        session_notice(env, SEV_NOTICE, 0, NULL, NULL, "MD5 password cleared because of role rename");
    }
    f.rolname = stmt->newname;
    return cat_update(env, REL_pg_authid, &f, err);
}

static STATUS rename_named_type(CommandCall *call, const RenameStmt *stmt, Error *err)
{
    SessionEnv *env = call->env;
    const char *schema, *name;
    const Form_pg_type *f;
    Oid type;
    TRY(ddl_split_name(stmt->object, &schema, &name, err));
    TRY(lookup_type(env, schema, name, false, &type, err));
    TRY(owner_check(env, REL_pg_type, type, err));
    TRY(ddl_type_form(env, type, call->arena, &f, err));
    if (stmt->renameType == OBJ_DOMAIN && f->typtype != 'd')
        return error_set(err, ERR_WRONG_OBJECT_TYPE, "%s is not a domain", format_type_text(env, type, -1, call->arena));
    if (f->typtype == 'c') {
        Form_pg_class cls;
        TRY(ddl_class(env, f->typrelid, call->arena, &cls, err));
        if (cls.relkind == RELKIND_COMPOSITE) return rename_class(env, f->typrelid, stmt->newname, call->arena, err);
        error_set(err, ERR_WRONG_OBJECT_TYPE, "%s is a table's row type", format_type_text(env, type, -1, call->arena));
        return error_hint(err, "Use ALTER TABLE instead.");
    }
    return rename_type(env, type, stmt->newname, call->arena, err);
}

static STATUS rename_function(CommandCall *call, const RenameStmt *stmt, Error *err)
{
    const ObjectWithArgs *o = (const ObjectWithArgs *)stmt->object;
    static const List no_args = {.tag = T_List};
    Oid proc;
    const void *form;
    TRY(lookup_function(call->env, o->objname, o->args_unspecified ? NULL : o->objargs ? o->objargs : &no_args, false, &proc, err));
    TRY(owner_check(call->env, REL_pg_proc, proc, err));
    TRY(cat_get_by_oid(call->env, REL_pg_proc, IDX_proc_oid, proc, call->arena, &form, err));
    if (!form) return error_set(err, ERR_INTERNAL_ERROR, "cache lookup failed for function %u", proc);
    Form_pg_proc f = *(const Form_pg_proc *)form;
    f.proname = stmt->newname;
    return cat_update(call->env, REL_pg_proc, &f, err);
}

STATUS cmd_RenameStmt(CommandCall *call, RenameStmt *stmt, Error *err)
{
    switch (stmt->renameType) {
    case OBJ_TABLE: case OBJ_VIEW: case OBJ_INDEX: case OBJ_SEQUENCE: case OBJ_MATVIEW: case OBJ_FOREIGN_TABLE: return rename_relation(call, stmt, err);
    case OBJ_COLUMN: case OBJ_ATTRIBUTE: return rename_column(call, stmt, err);
    case OBJ_TABCONSTRAINT: return rename_constraint(call, stmt, err);
    case OBJ_SCHEMA: return rename_schema(call, stmt, err);
    case OBJ_DATABASE: return rename_database(call, stmt, err);
    case OBJ_ROLE: return rename_role(call, stmt, err);
    case OBJ_TYPE: case OBJ_DOMAIN: return rename_named_type(call, stmt, err);
    case OBJ_FUNCTION: case OBJ_PROCEDURE: case OBJ_ROUTINE: return rename_function(call, stmt, err);
    default: return error_set(err, ERR_FEATURE_NOT_SUPPORTED, "ALTER %s ... RENAME is not supported", object_kind_name(stmt->renameType));
    }
}
