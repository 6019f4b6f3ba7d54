/* ALTER ... OWNER TO and ALTER ... SET SCHEMA. */
#include "commands/ddl_internal.h"

/* In an access list, the old owner's entries become the new one's. */
static STATUS acl_new_owner(SessionEnv *env, Datum acl, Oid old, Oid new_owner, Arena *arena, Datum *out, Error *err)
{
    const AclItem *items;
    AclItem *copy;
    int n, kept = 0;
    *out = acl;
    if (!acl) return ST_OK;
    TRY(acl_items(env, arena, acl, &items, &n, err));
    TRY_NEW_N(copy, arena, n + 1, err);
    for (int i = 0; i < n; i++) {
        AclItem item = items[i];
        bool merged = false;
        if (item.grantee == old) item.grantee = new_owner;
        if (item.grantor == old) item.grantor = new_owner;
        for (int k = 0; k < kept && !merged; k++)
            if (copy[k].grantee == item.grantee && copy[k].grantor == item.grantor) {
                copy[k].privs |= item.privs;
                merged = true;
            }
        if (!merged) copy[kept++] = item;
    }
    *out = acl_make(arena, copy, kept);
    return *out ? ST_OK : error_out_of_memory(err, 0);
}

static STATUS type_owner(SessionEnv *env, Oid type, Oid owner, Arena *arena, Error *err)
{
    const Form_pg_type *f;
    TRY(ddl_type_form(env, type, arena, &f, err));
    Form_pg_type copy = *f;
    TRY(acl_new_owner(env, copy.typacl, copy.typowner, owner, arena, &copy.typacl, err));
    copy.typowner = owner;
    TRY(cat_update(env, REL_pg_type, &copy, err));
    return copy.typarray ? type_owner(env, copy.typarray, owner, arena, err) : ST_OK;
}

static STATUS relation_owner(SessionEnv *env, Oid relation, Oid owner, Arena *arena, Error *err)
{
    Form_pg_class cls;
    const Relation *rel;
    TRY(ddl_class(env, relation, arena, &cls, err));
    if (cls.relowner == owner) return ST_OK;
    TRY(acl_new_owner(env, cls.relacl, cls.relowner, owner, arena, &cls.relacl, err));
    cls.relowner = owner;
    TRY(cat_update(env, REL_pg_class, &cls, err));
    if (cls.reltype) TRY(type_owner(env, cls.reltype, owner, arena, err));
    if (cls.relkind != 'r' && cls.relkind != 'm') return ST_OK;
    TRY(relation_open(env, relation, LOCK_NONE, &rel, err));
    for (int i = 0; i < rel->nindexes; i++) TRY(relation_owner(env, rel->indexes[i].oid, owner, arena, err));
    for (int i = 0; i < rel->desc->natts; i++)
        if (rel->columns[i].owned_sequence) TRY(relation_owner(env, rel->columns[i].owned_sequence, owner, arena, err));
    return ST_OK;
}

#define SIMPLE_OWNER(fn, catalog, index, owner_field, acl_field)                                                       \
    static STATUS fn(SessionEnv *env, Oid oid, Oid owner, Arena *arena, Error *err)                                    \
    {                                                                                                                  \
        const void *form;                                                                                              \
        TRY(cat_get_by_oid(env, REL_##catalog, index, oid, arena, &form, err));                                        \
        if (!form) return error_set(err, ERR_INTERNAL_ERROR, "cache lookup failed for " #catalog " %u", oid);          \
        Form_##catalog f = *(const Form_##catalog *)form;                                                              \
        TRY(acl_new_owner(env, f.acl_field, f.owner_field, owner, arena, &f.acl_field, err));                          \
        f.owner_field = owner;                                                                                         \
        return cat_update(env, REL_##catalog, &f, err);                                                                \
    }
SIMPLE_OWNER(schema_owner, pg_namespace, IDX_namespace_oid, nspowner, nspacl)
SIMPLE_OWNER(database_owner, pg_database, IDX_database_oid, datdba, datacl)
SIMPLE_OWNER(function_owner, pg_proc, IDX_proc_oid, proowner, proacl)

/* The schema of a relation, type or function; 0: the object is in none. */
static STATUS schema_of(SessionEnv *env, ObjectAddress o, Arena *arena, Oid *nsp, Error *err)
{
    const void *form;
    *nsp = 0;
    if (o.classid == REL_pg_class) {
        Form_pg_class cls;
        TRY(ddl_class(env, o.objid, arena, &cls, err));
        *nsp = cls.relnamespace;
    } else if (o.classid == REL_pg_type) {
        const Form_pg_type *f;
        TRY(ddl_type_form(env, o.objid, arena, &f, err));
        *nsp = f->typnamespace;
    } else if (o.classid == REL_pg_proc) {
        TRY(cat_get_by_oid(env, REL_pg_proc, IDX_proc_oid, o.objid, arena, &form, err));
        *nsp = form ? ((const Form_pg_proc *)form)->pronamespace : 0;
    }
    return ST_OK;
}

static STATUS may_own(SessionEnv *env, ObjectAddress o, Oid owner, Arena *arena, Error *err)
{
    Oid nsp;
    if (env->is_superuser) return ST_OK;
    TRY(ddl_check_can_become(env, owner, err));
    TRY(schema_of(env, o, arena, &nsp, err));
    if (nsp && !(acl_object(env, REL_pg_namespace, nsp, owner, ACL_CREATE) & ACL_CREATE))
        return error_set(err, ERR_INSUFFICIENT_PRIVILEGE, "permission denied for schema %s", namespace_name_of(env, nsp, arena));
    return ST_OK;
}

STATUS ddl_change_owner(SessionEnv *env, ObjectAddress o, Oid owner, Arena *arena, Error *err)
{
    TRY(may_own(env, o, owner, arena, err));
    switch (o.classid) {
    case REL_pg_class: return relation_owner(env, o.objid, owner, arena, err);
    case REL_pg_type: {
        const Form_pg_type *f;
        TRY(ddl_type_form(env, o.objid, arena, &f, err));
        return f->typrelid ? relation_owner(env, f->typrelid, owner, arena, err) : type_owner(env, o.objid, owner, arena, err);
    }
    case REL_pg_namespace: return schema_owner(env, o.objid, owner, arena, err);
    case REL_pg_database: return database_owner(env, o.objid, owner, arena, err);
    case REL_pg_proc: return function_owner(env, o.objid, owner, arena, err);
    default: return error_unsupported(err, "changing the owner of this kind of object");
    }
}

/* ---- finding ---- */
static STATUS named_object(CommandCall *call, int kind, const RangeVar *relation, const Node *object, ObjectAddress *out, Error *err)
{
    SessionEnv *env = call->env;
    const char *schema = NULL, *name = NULL;
    const Relation *rel;
    static const List no_args = {.tag = T_List};
    if (relation) {
        TRY(rangevar_relation(env, relation, LOCK_ACCESS_EXCLUSIVE, false, &rel, err));
        TRY(ddl_check_owner(env, rel, err));
        *out = address(REL_pg_class, rel->oid, 0);
        return ST_OK;
    }
    if (kind == OBJ_FUNCTION || kind == OBJ_PROCEDURE || kind == OBJ_ROUTINE || kind == OBJ_AGGREGATE) {
        const ObjectWithArgs *o = (const ObjectWithArgs *)object;
        out->classid = REL_pg_proc;
        TRY(lookup_function(env, o->objname, o->args_unspecified ? NULL : o->objargs ? o->objargs : &no_args, false, &out->objid, err));
        return owner_check(env, REL_pg_proc, out->objid, err);
    }
    TRY(ddl_split_name(object, &schema, &name, err));
    switch (kind) {
    case OBJ_SCHEMA: out->classid = REL_pg_namespace; TRY(lookup_namespace(env, name, false, &out->objid, err)); break;
    case OBJ_DATABASE: out->classid = REL_pg_database; TRY(lookup_database(env, name, false, &out->objid, err)); break;
    case OBJ_TYPE:
    case OBJ_DOMAIN: out->classid = REL_pg_type; TRY(lookup_type(env, schema, name, false, &out->objid, err)); break;
    default: return error_set(err, ERR_FEATURE_NOT_SUPPORTED, "ALTER %s is not supported", object_kind_name(kind));
    }
    return owner_check(env, out->classid, out->objid, err);
}

STATUS cmd_AlterOwnerStmt(CommandCall *call, AlterOwnerStmt *stmt, Error *err)
{
    ObjectAddress o = {0};
    Oid owner;
    TRY(named_object(call, stmt->objectType, stmt->relation, stmt->object, &o, err));
    TRY(ddl_role(call->env, stmt->newowner, &owner, err));
    return ddl_change_owner(call->env, o, owner, call->arena, err);
}

/* ---- SET SCHEMA ---- */
static STATUS move_type(SessionEnv *env, Oid type, Oid nsp, Arena *arena, Error *err)
{
    const Form_pg_type *f;
    TRY(ddl_type_form(env, type, arena, &f, err));
    Form_pg_type copy = *f;
    Datum keys[2] = {cat_name_key(arena, copy.typname), datum_oid(nsp)};
    const void *taken;
    TRY_MEM((void *)keys[0], err);
    TRY(cat_get(env, REL_pg_type, IDX_type_typname_nsp, 2, keys, arena, &taken, err));
    if (taken)
        return error_set(err, ERR_DUPLICATE_OBJECT, "type \"%s\" already exists in schema \"%s\"", copy.typname, namespace_name_of(env, nsp, arena));
    Oid old = copy.typnamespace;
    copy.typnamespace = nsp;
    TRY(cat_update(env, REL_pg_type, &copy, err));
    TRY(depend_change(env, address(REL_pg_type, type, 0), REL_pg_namespace, old, nsp, err));
    return copy.typarray ? move_type(env, copy.typarray, nsp, arena, err) : ST_OK;
}

static STATUS move_constraints(SessionEnv *env, Oid relation, Oid nsp, Arena *arena, Error *err)
{
    CatScan *scan = NULL;
    const void *form;
    PtrVec found = {0};
    Datum key = datum_oid(relation);
    Status st = cat_scan_open(env, REL_pg_constraint, IDX_constraint_conrelid_contypid_conname, 1, &key, arena, &scan, err);
    while (!failed(st)) {
        st = cat_scan_next(scan, &form, err);
        if (failed(st) || !form) break;
        if (!ptrvec_push(&found, arena, (void *)form)) st = error_out_of_memory(err, 0);
    }
    cat_scan_close(scan);
    for (int i = 0; i < found.len && !failed(st); i++) {
        Form_pg_constraint f = *(const Form_pg_constraint *)found.v[i];
        f.connamespace = nsp;
        st = cat_update(env, REL_pg_constraint, &f, err);
    }
    return st;
}

static STATUS move_relation(SessionEnv *env, Oid relation, Oid nsp, Arena *arena, Error *err)
{
    Form_pg_class cls;
    const Relation *rel;
    TRY(ddl_class(env, relation, arena, &cls, err));
    Oid old = cls.relnamespace;
    if (old == nsp) return ST_OK;
    if (lookup_relname_in(env, cls.relname, nsp))
        return error_set(err, ERR_DUPLICATE_TABLE, "relation \"%s\" already exists in schema \"%s\"", cls.relname, namespace_name_of(env, nsp, arena));
    cls.relnamespace = nsp;
    TRY(cat_update(env, REL_pg_class, &cls, err));
    TRY(depend_change(env, address(REL_pg_class, relation, 0), REL_pg_namespace, old, nsp, err));
    if (cls.reltype) TRY(move_type(env, cls.reltype, nsp, arena, err));
    if (cls.relkind != 'r' && cls.relkind != 'm') return ST_OK;
    TRY(move_constraints(env, relation, nsp, arena, err));
    TRY(relation_open(env, relation, LOCK_NONE, &rel, err));
    for (int i = 0; i < rel->nindexes; i++) TRY(move_relation(env, rel->indexes[i].oid, nsp, arena, err));
    for (int i = 0; i < rel->desc->natts; i++)
        if (rel->columns[i].owned_sequence) TRY(move_relation(env, rel->columns[i].owned_sequence, nsp, arena, err));
    return ST_OK;
}

STATUS cmd_AlterObjectSchemaStmt(CommandCall *call, AlterObjectSchemaStmt *stmt, Error *err)
{
    SessionEnv *env = call->env;
    ObjectAddress o = {0};
    Oid nsp, exists;
    const void *form;
    if (stmt->relation && stmt->missing_ok) {
        TRY(lookup_relation(env, stmt->relation->catalogname, stmt->relation->schemaname, stmt->relation->relname, true, &exists, err));
        if (!exists) {
            session_notice(env, SEV_NOTICE, 0, NULL, NULL, "relation \"%s\" does not exist, skipping", stmt->relation->relname);
            return ST_OK;
        }
    }
    TRY(named_object(call, stmt->objectType, stmt->relation, stmt->object, &o, err));
    TRY(lookup_namespace(env, stmt->newschema, false, &nsp, err));
    TRY(acl_check_object(env, REL_pg_namespace, nsp, ACL_CREATE, err));
    if (nsp == temp_namespace_of(env)) return error_set(err, ERR_FEATURE_NOT_SUPPORTED, "cannot move objects into or out of temporary schemas");
    switch (o.classid) {
    case REL_pg_class: return move_relation(env, o.objid, nsp, call->arena, err);
    case REL_pg_type: {
        const Form_pg_type *f;
        TRY(ddl_type_form(env, o.objid, call->arena, &f, err));
        return f->typrelid ? move_relation(env, f->typrelid, nsp, call->arena, err) : move_type(env, o.objid, nsp, call->arena, err);
    }
    case REL_pg_proc: {
        TRY(cat_get_by_oid(env, REL_pg_proc, IDX_proc_oid, o.objid, call->arena, &form, err));
        Form_pg_proc f = *(const Form_pg_proc *)form;
        Oid old = f.pronamespace;
        f.pronamespace = nsp;
        TRY(cat_update(env, REL_pg_proc, &f, err));
        return depend_change(env, address(REL_pg_proc, o.objid, 0), REL_pg_namespace, old, nsp, err);
    }
    default: return error_set(err, ERR_FEATURE_NOT_SUPPORTED, "ALTER %s ... SET SCHEMA is not supported", object_kind_name(stmt->objectType));
    }
}
