/* DROP of everything that is dropped by name. */
#include <stdio.h>

#include "commands/ddl_internal.h"

STATUS ddl_drop_one(SessionEnv *env, ObjectAddress object, DropBehavior behavior, Error *err) { return drop_objects(env, &object, 1, behavior, err); }

/* Tables with a primary key, and columns of types that are not built in: CASCADE may take such a column, and the order of the rows with it. */
static STATUS keyed_tables(SessionEnv *env, Arena *arena, PtrVec *out, Error *err)
{
    CatScan *scan = NULL;
    const void *form;
    Datum key = datum_oid(REL_pg_type);
    Status st = cat_scan_open(env, REL_pg_depend, IDX_depend_reference, 1, &key, arena, &scan, err);
    while (!failed(st)) {
        const Relation *rel;
        bool known = false;
        st = cat_scan_next(scan, &form, err);
        if (failed(st) || !form) break;
        const Form_pg_depend *d = form;
        if (d->classid != REL_pg_class || d->objsubid <= 0) continue;
        for (int i = 0; i < out->len && !known; i++) known = ((const Relation *)out->v[i])->oid == d->objid;
        if (known) continue;
        st = relation_try_open(env, d->objid, LOCK_NONE, &rel, err);
        if (!failed(st) && rel && rel->def.nkey && !ptrvec_push(out, arena, (void *)rel)) st = error_out_of_memory(err, 0);
    }
    cat_scan_close(scan);
    return st;
}

STATUS ddl_drop_many(SessionEnv *env, const ObjectAddress *objects, int n, DropBehavior behavior, Arena *arena, Error *err)
{
    PtrVec tables = {0};
    const Relation *now;
    if (behavior == DROP_CASCADE) TRY(keyed_tables(env, arena, &tables, err));
    TRY(drop_objects(env, objects, n, behavior, err));
    for (int i = 0; i < tables.len; i++) {
        const Relation *old = tables.v[i];
        TRY(relation_try_open(env, old->oid, LOCK_NONE, &now, err));
        if (!now || now->def.nkey) continue;
        TRY(ddl_rewrite(env, old, NULL, arena, err));
    }
    return ST_OK;
}

/* ---- relations ---- */
typedef struct RelationKind { int kind; const char *kinds, *article, *word, *command; } RelationKind;
static const RelationKind relation_kinds[] = {
    {OBJ_TABLE, "rp", "a table", "table", "TABLE"}, {OBJ_INDEX, "iI", "an index", "index", "INDEX"}, {OBJ_VIEW, "v", "a view", "view", "VIEW"},
    {OBJ_SEQUENCE, "S", "a sequence", "sequence", "SEQUENCE"}, {OBJ_MATVIEW, "m", "a materialized view", "materialized view", "MATERIALIZED VIEW"},
    {OBJ_FOREIGN_TABLE, "f", "a foreign table", "foreign table", "FOREIGN TABLE"}};

static const RelationKind *relation_kind(int kind)
{
    for (size_t i = 0; i < sizeof relation_kinds / sizeof relation_kinds[0]; i++)
        if (relation_kinds[i].kind == kind) return &relation_kinds[i];
    return NULL;
}

static STATUS wrong_kind(const char *name, char relkind, const RelationKind *k, Error *err)
{
    static const struct { char relkind; const char *command; } use[] = {{'r', "TABLE"}, {'p', "TABLE"}, {'i', "INDEX"}, {'v', "VIEW"}, {'S', "SEQUENCE"},
                                                                        {'m', "MATERIALIZED VIEW"}, {'f', "FOREIGN TABLE"}, {'c', "TYPE"}};
    error_set(err, ERR_WRONG_OBJECT_TYPE, "\"%s\" is not %s", name, k->article);
    for (size_t i = 0; i < sizeof use / sizeof use[0]; i++)
        if (use[i].relkind == relkind)
            return error_hint(err, "Use DROP %s to remove %s %s.", use[i].command, strchr("aeiou", relkind_word(relkind)[0]) ? "an" : "a",
                              relkind == 'c' ? "type" : relkind_word(relkind));
    return ST_FAILED;
}

static STATUS missing_schema(SessionEnv *env, const char *schema, bool missing_ok, bool *missing, Error *err)
{
    Oid nsp = 0;
    *missing = false;
    if (!schema) return ST_OK;
    TRY(lookup_namespace(env, schema, missing_ok, &nsp, err));
    *missing = !nsp;
    if (*missing) session_notice(env, SEV_NOTICE, 0, NULL, NULL, "schema \"%s\" does not exist, skipping", schema);
    return ST_OK;
}

static STATUS lock_relation(SessionEnv *env, Oid oid, LockMode mode, Error *err)
{
    bool granted;
    return lock_acquire(env->locks, (LockTag){.kind = LOCKTAG_RELATION, .database = env->database_oid, .a = oid}, mode, LOCK_WAIT, false, NULL, &granted, err);
}

static STATUS find_relation(SessionEnv *env, const Node *names, const RelationKind *k, bool missing_ok, Arena *arena, Oid *out, Error *err)
{
    const char *schema, *name;
    bool missing;
    const void *form;
    const Relation *rel;
    *out = 0;
    TRY(ddl_split_name(names, &schema, &name, err));
    TRY(missing_schema(env, schema, missing_ok, &missing, err));
    if (missing) return ST_OK;
    TRY(lookup_relation(env, NULL, schema, name, true, out, err));
    if (!*out) {
        if (!missing_ok)
            return error_set(err, k->kind == OBJ_INDEX ? ERR_UNDEFINED_OBJECT : ERR_UNDEFINED_TABLE, "%s \"%s%s%s\" does not exist", k->word,
                             schema ? schema : "", schema ? "." : "", name);
        session_notice(env, SEV_NOTICE, 0, NULL, NULL, "%s \"%s%s%s\" does not exist, skipping", k->word, schema ? schema : "", schema ? "." : "", name);
        return ST_OK;
    }
    TRY(cat_get_by_oid(env, REL_pg_class, IDX_class_oid, *out, arena, &form, err));
    if (!form) return error_set(err, ERR_UNDEFINED_TABLE, "%s \"%s\" does not exist", k->word, name);
    char relkind = ((const Form_pg_class *)form)->relkind;
    if (!strchr(k->kinds, relkind)) return wrong_kind(name, relkind, k, err);
    if (*out < FIRST_NORMAL_OID) return error_set(err, ERR_INSUFFICIENT_PRIVILEGE, "permission denied: \"%s\" is a system catalog", name);
    Oid nsp = ((const Form_pg_class *)form)->relnamespace;
    if (!env->is_superuser && !role_has_privs_of(env, env->current_user, ((const Form_pg_class *)form)->relowner)) {
        Error ignored = ERROR_INIT;
        Status schema_owner = owner_check(env, REL_pg_namespace, nsp, &ignored);
        error_clear(&ignored);
        if (failed(schema_owner)) return error_set(err, ERR_INSUFFICIENT_PRIVILEGE, "must be owner of %s %s", relkind_word(relkind), name);
    }
    if (relkind == 'i') { /* the table first, as everybody else locks them */
        TRY(cat_get_by_oid(env, REL_pg_index, IDX_index_indexrelid, *out, arena, &form, err));
        if (form) TRY(lock_relation(env, ((const Form_pg_index *)form)->indrelid, LOCK_ACCESS_EXCLUSIVE, err));
    }
    TRY(lock_relation(env, *out, LOCK_ACCESS_EXCLUSIVE, err));
    TRY(relation_try_open(env, *out, LOCK_NONE, &rel, err)); /* gone while we waited? */
    (void)rel;
    return ST_OK;
}

/* ---- types ---- */
static STATUS find_type(SessionEnv *env, const Node *node, int kind, bool missing_ok, Arena *arena, Oid *out, Error *err)
{
    const char *schema, *name;
    bool missing;
    const Form_pg_type *f;
    *out = 0;
    TRY(ddl_split_name(node, &schema, &name, err));
    TRY(missing_schema(env, schema, missing_ok, &missing, err));
    if (missing) return ST_OK;
    TRY(lookup_type(env, schema, name, missing_ok, out, err));
    if (!*out) {
        session_notice(env, SEV_NOTICE, 0, NULL, NULL, "type \"%s%s%s\" does not exist, skipping", schema ? schema : "", schema ? "." : "", name);
        return ST_OK;
    }
    TRY(ddl_type_form(env, *out, arena, &f, err));
    if (kind == OBJ_DOMAIN && f->typtype != 'd') return error_set(err, ERR_WRONG_OBJECT_TYPE, "\"%s\" is not a domain", format_type_text(env, *out, -1, arena));
    return owner_check(env, REL_pg_type, *out, err);
}

/* ---- others ---- */
static STATUS find_schema(SessionEnv *env, const Node *node, bool missing_ok, Oid *out, Error *err)
{
    const char *schema, *name;
    TRY(ddl_split_name(node, &schema, &name, err));
    TRY(lookup_namespace(env, name, missing_ok, out, err));
    if (!*out) {
        session_notice(env, SEV_NOTICE, 0, NULL, NULL, "schema \"%s\" does not exist, skipping", name);
        return ST_OK;
    }
    if (*out < FIRST_NORMAL_OID && *out != PG_PUBLIC_NAMESPACE)
        return error_set(err, ERR_DEPENDENT_OBJECTS_STILL_EXIST, "cannot drop schema %s because it is required by the database system", name);
    return owner_check(env, REL_pg_namespace, *out, err);
}

static void append_names(StrBuf *sb, const List *names)
{
    LIST_EACH(String *, s, names) strbuf_printf(sb, "%s%s", s_i ? "." : "", s->sval);
}

static STATUS find_function(SessionEnv *env, const Node *node, int kind, bool missing_ok, Arena *arena, Oid *out, Error *err)
{
    const ObjectWithArgs *o = (const ObjectWithArgs *)node;
    static const List no_args = {.tag = T_List};
    const List *args = o->args_unspecified ? NULL : o->objargs ? o->objargs : &no_args;
    TRY(lookup_function(env, o->objname, args, missing_ok, out, err));
    if (*out) return owner_check(env, REL_pg_proc, *out, err);
    StrBuf text;
    strbuf_init(&text, arena);
    append_names(&text, o->objname);
    strbuf_char(&text, '(');
    LIST_EACH(TypeName *, t, o->objargs) {
        if (t_i) strbuf_char(&text, ',');
        if (!t) continue;
        append_names(&text, t->names);
        for (int i = 0; i < t->array_dims; i++) strbuf_str(&text, "[]");
    }
    TRY(strbuf_check(&text, err));
    session_notice(env, SEV_NOTICE, 0, NULL, NULL, "%s %s) does not exist, skipping", kind == OBJ_PROCEDURE ? "procedure" : "function", strbuf_cstr(&text));
    return ST_OK;
}

static STATUS find_extension(SessionEnv *env, const Node *node, bool missing_ok, Arena *arena, Oid *out, Error *err)
{
    const char *schema, *name;
    const void *form;
    TRY(ddl_split_name(node, &schema, &name, err));
    Datum key = cat_name_key(arena, name);
    TRY_MEM((void *)key, err);
    TRY(cat_get(env, REL_pg_extension, IDX_extension_name, 1, &key, arena, &form, err));
    *out = form ? ((const Form_pg_extension *)form)->oid : 0;
    if (*out || !missing_ok) return *out ? ST_OK : error_set(err, ERR_UNDEFINED_OBJECT, "extension \"%s\" does not exist", name);
    session_notice(env, SEV_NOTICE, 0, NULL, NULL, "extension \"%s\" does not exist, skipping", name);
    return ST_OK;
}

/* TRIGGER, RULE, POLICY: the last name is the object's, those before it the table's. */
static STATUS find_on_table(SessionEnv *env, const Node *node, int kind, bool missing_ok, Arena *arena, ObjectAddress *out, Error *err)
{
    const List *names = (const List *)node;
    int n = list_len(names);
    const char *word = kind == OBJ_TRIGGER ? "trigger" : kind == OBJ_RULE ? "rule" : "policy", *name = ((String *)list_last(names))->sval;
    const void *form;
    const Relation *rel;
    RangeVar rv = {.tag = T_RangeVar, .relname = ((String *)list_at(names, n - 2))->sval, .inh = true, .relpersistence = 'p'};
    if (n > 2) rv.schemaname = ((String *)list_at(names, n - 3))->sval;
    *out = (ObjectAddress){0};
    TRY(rangevar_relation(env, &rv, LOCK_ACCESS_EXCLUSIVE, missing_ok, &rel, err));
    if (!rel) {
        session_notice(env, SEV_NOTICE, 0, NULL, NULL, "relation \"%s\" does not exist, skipping", rv.relname);
        return ST_OK;
    }
    TRY(ddl_check_owner(env, rel, err));
    Datum keys[2] = {datum_oid(rel->oid), cat_name_key(arena, name)};
    Oid catalog = kind == OBJ_TRIGGER ? REL_pg_trigger : kind == OBJ_RULE ? REL_pg_rewrite : REL_pg_policy;
    TRY(cat_get(env, catalog, kind == OBJ_TRIGGER ? IDX_trigger_tgrelid_tgname : kind == OBJ_RULE ? IDX_rewrite_rel_rulename : IDX_policy_polrelid_polname,
                2, keys, arena, &form, err));
    if (form) *out = address(catalog, *(const Oid *)form, 0);
    else if (!missing_ok)
        return error_set(err, ERR_UNDEFINED_OBJECT, "%s \"%s\" for %s \"%s\" does not exist", word, name, kind == OBJ_TRIGGER ? "table" : "relation", rel->name);
    else
        session_notice(env, SEV_NOTICE, 0, NULL, NULL, "%s \"%s\" for relation \"%s\" does not exist, skipping", word, name, rel->name);
    return ST_OK;
}

static STATUS find_object(CommandCall *call, const DropStmt *stmt, const Node *node, ObjectAddress *out, Error *err)
{
    SessionEnv *env = call->env;
    const RelationKind *k = relation_kind(stmt->removeType);
    *out = (ObjectAddress){0};
    if (k) {
        out->classid = REL_pg_class;
        return find_relation(env, node, k, stmt->missing_ok, call->arena, &out->objid, err);
    }
    switch (stmt->removeType) {
    case OBJ_SCHEMA: out->classid = REL_pg_namespace; return find_schema(env, node, stmt->missing_ok, &out->objid, err);
    case OBJ_TYPE:
    case OBJ_DOMAIN: out->classid = REL_pg_type; return find_type(env, node, stmt->removeType, stmt->missing_ok, call->arena, &out->objid, err);
    case OBJ_FUNCTION: case OBJ_PROCEDURE: case OBJ_ROUTINE: case OBJ_AGGREGATE:
        out->classid = REL_pg_proc;
        return find_function(env, node, stmt->removeType, stmt->missing_ok, call->arena, &out->objid, err);
    case OBJ_EXTENSION: out->classid = REL_pg_extension; return find_extension(env, node, stmt->missing_ok, call->arena, &out->objid, err);
    case OBJ_TRIGGER: case OBJ_RULE: case OBJ_POLICY: return find_on_table(env, node, stmt->removeType, stmt->missing_ok, call->arena, out, err);
    default:
        return error_set(err, ERR_FEATURE_NOT_SUPPORTED, "DROP %s is not supported", object_kind_name(stmt->removeType));
    }
}

STATUS cmd_DropStmt(CommandCall *call, DropStmt *stmt, Error *err)
{
    ObjectAddress *objects;
    int n = 0;
    TRY_NEW_N(objects, call->arena, list_len(stmt->objects) + 1, err);
    LIST_EACH(Node *, node, stmt->objects) {
        TRY(find_object(call, stmt, node, &objects[n], err));
        if (objects[n].objid) n++;
    }
    if (!n) return ST_OK;
    return ddl_drop_many(call->env, objects, n, stmt->behavior, call->arena, err);
}
