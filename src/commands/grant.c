/* GRANT and REVOKE on objects, ALTER DEFAULT PRIVILEGES. An access list is changed item by item: one for each pair of grantee and grantor. */
#include <stdio.h>

#include "commands/ddl_internal.h"

typedef struct Grant {
    CommandCall *call;
    SessionEnv *env;
    Arena *arena;
    const GrantStmt *stmt;
    uint32_t privs;          /* of whole objects */
    bool all;
    const Oid *grantees;
    int ngrantees;
} Grant;

/* What a kind of object can be granted. */
typedef struct GrantKind { int objtype; Oid classid; uint32_t all; const char *plural, *word; } GrantKind;
static const GrantKind kinds[] = {
    {OBJ_TABLE, REL_pg_class, ACL_ALL_RELATION, "relation", "table"}, {OBJ_SEQUENCE, REL_pg_class, ACL_ALL_SEQUENCE, "sequence", "sequence"},
    {OBJ_DATABASE, REL_pg_database, ACL_ALL_DATABASE, "database", "database"}, {OBJ_SCHEMA, REL_pg_namespace, ACL_ALL_SCHEMA, "schema", "schema"},
    {OBJ_FUNCTION, REL_pg_proc, ACL_EXECUTE, "function", "function"}, {OBJ_PROCEDURE, REL_pg_proc, ACL_EXECUTE, "procedure", "procedure"},
    {OBJ_ROUTINE, REL_pg_proc, ACL_EXECUTE, "function", "function"}, {OBJ_TYPE, REL_pg_type, ACL_USAGE, "type", "type"},
    {OBJ_DOMAIN, REL_pg_type, ACL_USAGE, "type", "type"}, {OBJ_LANGUAGE, REL_pg_language, ACL_USAGE, "language", "language"}};

static const GrantKind *kind_of(int objtype)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (kinds[i].objtype == objtype) return &kinds[i];
    return NULL;
}

/* ---- the list ---- */
typedef struct AclList { AclItem *v; int n; } AclList;

static STATUS change_item(Grant *g, AclList *acl, Oid grantee, Oid grantor, uint32_t privs, Error *err)
{
    const GrantStmt *s = g->stmt;
    AclItem *item = NULL;
    for (int i = 0; i < acl->n; i++)
        if (acl->v[i].grantee == grantee && acl->v[i].grantor == grantor) item = &acl->v[i];
    if (s->is_grant) {
        if (s->grant_option && grantee == 0) return error_set(err, ERR_INVALID_GRANT_OPERATION, "grant options can only be granted to roles");
        if (!item) {
            item = &acl->v[acl->n++];
            *item = (AclItem){grantee, grantor, 0};
        }
        item->privs |= privs | (s->grant_option ? ACL_GRANT(privs) : 0);
    } else if (item) {
        item->privs &= ~(ACL_GRANT(privs) | (s->grant_option ? 0 : privs));
        if (!item->privs) *item = acl->v[--acl->n];
    }
    return ST_OK;
}

static STATUS change_acl(Grant *g, Datum old, Oid classid, char relkind, Oid owner, uint32_t privs, Datum *out, Error *err)
{
    const AclItem *items;
    AclList acl = {0};
    int n;
    if (!old && classid) TRY(acl_default(classid, relkind, owner, g->arena, &old, err));
    TRY(acl_items(g->env, g->arena, old, &items, &n, err));
    TRY_NEW_N(acl.v, g->arena, n + g->ngrantees + 1, err);
    if (n) memcpy(acl.v, items, (size_t)n * sizeof *items);
    acl.n = n;
    for (int i = 0; i < g->ngrantees; i++) TRY(change_item(g, &acl, g->grantees[i], owner, privs, err));
    *out = acl.n || classid ? acl_make(g->arena, acl.v, acl.n) : 0;
    return *out || (!acl.n && !classid) ? ST_OK : error_out_of_memory(err, 0);
}

/* ---- may the user grant? Owners may; others need grant options ---- */
static STATUS check_grantor(Grant *g, ObjectAddress o, Oid owner, uint32_t privs, bool *skip, Error *err)
{
    *skip = false;
    if (g->env->is_superuser || role_has_privs_of(g->env, g->env->current_user, owner)) return ST_OK;
    uint32_t options = acl_object(g->env, o.classid, o.objid, g->env->current_user, ACL_GRANT(privs)) >> 16;
    if ((options & privs) == privs) return ST_OK;
    uint32_t any = acl_object(g->env, o.classid, o.objid, g->env->current_user, 0xFFFF | 0xFFFF0000u);
    if (!any) return acl_check_object(g->env, o.classid, o.objid, privs, err);
    const char *what = strchr(object_description(g->env, o, g->arena), ' ');
    session_notice(g->env, SEV_WARNING, ERR_WARNING_PRIVILEGE_NOT_GRANTED, NULL, NULL, "%s for \"%s\"",
                   g->stmt->is_grant ? "no privileges were granted" : "no privileges could be revoked", what ? what + 1 : "");
    *skip = true;
    return ST_OK;
}

/* ---- privileges named in the statement ---- */
static STATUS check_privilege(const char *name, uint32_t bit, uint32_t allowed, const GrantKind *k, Error *err)
{
    if (!bit) return error_set(err, ERR_SYNTAX_ERROR, "unrecognized privilege type \"%s\"", name);
    if (bit & ~allowed) return error_set(err, ERR_INVALID_GRANT_OPERATION, "invalid privilege type %s for %s", acl_privilege_name(bit), k->plural);
    return ST_OK;
}

static STATUS whole_privileges(Grant *g, const GrantKind *k, uint32_t allowed, Error *err)
{
    g->all = !g->stmt->privileges;
    LIST_EACH(AccessPriv *, p, g->stmt->privileges) {
        if (p->cols && k->objtype != OBJ_TABLE) return error_set(err, ERR_INVALID_GRANT_OPERATION, "column privileges are only valid for relations");
        if (p->cols) continue;
        if (!p->priv_name) {
            g->all = true;
            continue;
        }
        uint32_t bit = acl_privilege_by_name(p->priv_name, strlen(p->priv_name));
        TRY(check_privilege(p->priv_name, bit, allowed, k, err));
        g->privs |= bit;
    }
    return ST_OK;
}

/* ---- objects ---- */
static STATUS grant_columns(Grant *g, const Relation *rel, Error *err)
{
    LIST_EACH(AccessPriv *, p, g->stmt->privileges) {
        uint32_t bits = p->priv_name ? acl_privilege_by_name(p->priv_name, strlen(p->priv_name)) : ACL_ALL_COLUMN;
        if (!p->cols) continue;
        if (!bits || (bits & ~(uint32_t)ACL_ALL_COLUMN))
            return error_set(err, ERR_INVALID_GRANT_OPERATION, "invalid privilege type %s for column", p->priv_name);
        LIST_EACH(String *, s, p->cols) {
            int attnum = relation_find_column(rel, s->sval);
            Form_pg_attribute att;
            if (attnum <= 0) return error_set(err, ERR_UNDEFINED_COLUMN, "column \"%s\" of relation \"%s\" does not exist", s->sval, rel->name);
            TRY(ddl_attribute(g->env, rel->oid, attnum, g->arena, &att, err));
            TRY(change_acl(g, att.attacl, 0, 0, rel->owner, bits, &att.attacl, err));
            TRY(cat_update(g->env, REL_pg_attribute, &att, err));
        }
    }
    return ST_OK;
}

static STATUS grant_relation(Grant *g, Oid oid, Error *err)
{
    const Relation *rel;
    Form_pg_class cls;
    bool skip;
    TRY(relation_open(g->env, oid, LOCK_NONE, &rel, err));
    if (oid < FIRST_NORMAL_OID) return error_set(err, ERR_FEATURE_NOT_SUPPORTED, "privileges of system catalogs cannot be changed");
    bool sequence = rel->relkind == RELKIND_SEQUENCE;
    if (strchr("ic", rel->relkind)) {
        return error_set(err, ERR_WRONG_OBJECT_TYPE, rel->relkind == 'i' ? "\"%s\" is an index" : "\"%s\" is a composite type", rel->name);
    }
    if (g->stmt->objtype == OBJ_SEQUENCE && !sequence) return error_set(err, ERR_WRONG_OBJECT_TYPE, "\"%s\" is not a sequence", rel->name);
    uint32_t privs = g->all ? (sequence ? ACL_ALL_SEQUENCE : ACL_ALL_RELATION) : g->privs;
    if (sequence && (privs & ~(uint32_t)ACL_ALL_SEQUENCE)) privs &= ACL_ALL_SEQUENCE;
    TRY(grant_columns(g, rel, err));
    if (!privs) return ST_OK;
    TRY(check_grantor(g, address(REL_pg_class, oid, 0), rel->owner, privs, &skip, err));
    if (skip) return ST_OK;
    TRY(ddl_class(g->env, oid, g->arena, &cls, err));
    TRY(change_acl(g, cls.relacl, REL_pg_class, cls.relkind, cls.relowner, privs, &cls.relacl, err));
    return cat_update(g->env, REL_pg_class, &cls, err);
}

#define GRANT_ON(fn, catalog, index, owner_field, acl_field, all_privs)                                                       \
    static STATUS fn(Grant *g, Oid oid, Error *err)                                                                           \
    {                                                                                                                         \
        const void *form;                                                                                                     \
        bool skip;                                                                                                            \
        uint32_t privs = g->all ? (uint32_t)(all_privs) : g->privs;                                                           \
        TRY(cat_get_by_oid(g->env, REL_##catalog, index, oid, g->arena, &form, err));                                         \
        if (!form) return error_set(err, ERR_INTERNAL_ERROR, "cache lookup failed for " #catalog " %u", oid);                 \
        Form_##catalog f = *(const Form_##catalog *)form;                                                                     \
        TRY(check_grantor(g, address(REL_##catalog, oid, 0), f.owner_field, privs, &skip, err));                              \
        if (skip) return ST_OK;                                                                                               \
        TRY(change_acl(g, f.acl_field, REL_##catalog, 0, f.owner_field, privs, &f.acl_field, err));                           \
        return cat_update(g->env, REL_##catalog, &f, err);                                                                    \
    }
GRANT_ON(grant_schema, pg_namespace, IDX_namespace_oid, nspowner, nspacl, ACL_ALL_SCHEMA)
GRANT_ON(grant_database, pg_database, IDX_database_oid, datdba, datacl, ACL_ALL_DATABASE)
GRANT_ON(grant_proc, pg_proc, IDX_proc_oid, proowner, proacl, ACL_EXECUTE)
GRANT_ON(grant_type, pg_type, IDX_type_oid, typowner, typacl, ACL_USAGE)

static STATUS grant_one(Grant *g, const GrantKind *k, const Node *object, Error *err)
{
    const char *schema = NULL, *name = NULL;
    static const List no_args = {.tag = T_List};
    Oid oid;
    if (k->classid == REL_pg_class) {
        const RangeVar *rv = (const RangeVar *)object;
        TRY(lookup_relation(g->env, rv->catalogname, rv->schemaname, rv->relname, false, &oid, err));
        return grant_relation(g, oid, err);
    }
    if (k->classid == REL_pg_proc) {
        const ObjectWithArgs *o = (const ObjectWithArgs *)object;
        TRY(lookup_function(g->env, o->objname, o->args_unspecified ? NULL : o->objargs ? o->objargs : &no_args, false, &oid, err));
        if (oid < FIRST_NORMAL_OID) return ST_OK; /* built-in functions belong to everybody */
        return grant_proc(g, oid, err);
    }
    TRY(ddl_split_name(object, &schema, &name, err));
    switch (k->objtype) {
    case OBJ_SCHEMA:
        TRY(lookup_namespace(g->env, name, false, &oid, err));
        return grant_schema(g, oid, err);
    case OBJ_DATABASE:
        TRY(lookup_database(g->env, name, false, &oid, err));
        return grant_database(g, oid, err);
    case OBJ_TYPE:
    case OBJ_DOMAIN:
        TRY(lookup_type(g->env, schema, name, false, &oid, err));
        return grant_type(g, oid, err);
    default: return error_set(err, ERR_FEATURE_NOT_SUPPORTED, "GRANT on %s is not supported", object_kind_name(k->objtype));
    }
}

/* ALL TABLES IN SCHEMA ... */
static STATUS grant_in_schema(Grant *g, const GrantKind *k, const Node *schema_name, Error *err)
{
    CatScan *scan = NULL;
    const void *form;
    IntVec found = {0};
    const char *schema, *name;
    Oid nsp;
    TRY(ddl_split_name(schema_name, &schema, &name, err));
    TRY(lookup_namespace(g->env, name, false, &nsp, err));
    if (k->classid != REL_pg_class) return ST_OK; /* no functions but the built-in ones */
    Status st = cat_scan_open(g->env, REL_pg_class, 0, 0, NULL, g->arena, &scan, err);
    while (!failed(st)) {
        st = cat_scan_next(scan, &form, err);
        if (failed(st) || !form) break;
        const Form_pg_class *c = form;
        if (c->relnamespace != nsp || !strchr(k->objtype == OBJ_SEQUENCE ? "S" : "rvmfp", c->relkind)) continue;
        if (!intvec_push(&found, g->arena, c->oid)) st = error_out_of_memory(err, 0);
    }
    cat_scan_close(scan);
    TRY(st);
    for (int i = 0; i < found.len; i++) TRY(grant_relation(g, (Oid)found.v[i], err));
    return ST_OK;
}

static STATUS read_grantees(Grant *g, Error *err)
{
    Oid *v;
    TRY_NEW_N(v, g->arena, list_len(g->stmt->grantees) + 1, err);
    LIST_EACH(RoleSpec *, spec, g->stmt->grantees) TRY(ddl_role(g->env, spec, &v[g->ngrantees++], err));
    g->grantees = v;
    return ST_OK;
}

static STATUS grant_begin(Grant *g, CommandCall *call, const GrantStmt *stmt, const GrantKind **k, Error *err)
{
    *g = (Grant){.call = call, .env = call->env, .arena = call->arena, .stmt = stmt};
    *k = kind_of(stmt->objtype);
    if (!*k) return error_set(err, ERR_FEATURE_NOT_SUPPORTED, "GRANT on %s is not supported", object_kind_name(stmt->objtype));
    TRY(read_grantees(g, err));
    uint32_t allowed = (*k)->objtype == OBJ_TABLE ? (*k)->all | ACL_ALL_SEQUENCE : (*k)->all;
    return whole_privileges(g, *k, allowed, err);
}

STATUS cmd_GrantStmt(CommandCall *call, GrantStmt *stmt, Error *err)
{
    Grant g;
    const GrantKind *k;
    snprintf(call->tag, 64, "%s", stmt->is_grant ? "GRANT" : "REVOKE");
    TRY(grant_begin(&g, call, stmt, &k, err));
    LIST_EACH(Node *, object, stmt->objects) {
        if (stmt->targtype == 1) TRY(grant_in_schema(&g, k, object, err));
        else TRY(grant_one(&g, k, object, err));
    }
    return ST_OK;
}

/* ---- ALTER DEFAULT PRIVILEGES ---- */
static STATUS change_default(Grant *g, const GrantKind *k, Oid role, Oid nsp, Error *err)
{
    char objtype = k->objtype == OBJ_TABLE ? 'r' : k->objtype == OBJ_SEQUENCE ? 'S' : k->classid == REL_pg_proc ? 'f' : k->objtype == OBJ_SCHEMA ? 'n' : 'T';
    Datum keys[3] = {datum_oid(role), datum_oid(nsp), (Datum)(uint8_t)objtype};
    const void *form;
    TRY(cat_get(g->env, REL_pg_default_acl, IDX_default_acl_role_nsp_obj, 3, keys, g->arena, &form, err));
    Form_pg_default_acl f = {.defaclrole = role, .defaclnamespace = nsp, .defaclobjtype = objtype};
    if (form) f = *(const Form_pg_default_acl *)form;
    uint32_t privs = g->all ? k->all : g->privs;
    /* In a schema the entries are added to the general ones, which begin as the built-in defaults. */
    TRY(change_acl(g, f.defaclacl, nsp ? 0 : k->classid, objtype, role, privs, &f.defaclacl, err));
    if (form && !f.defaclacl) return cat_delete(g->env, REL_pg_default_acl, IDX_default_acl_role_nsp_obj, 3, keys, NULL, err);
    if (form) return cat_update(g->env, REL_pg_default_acl, &f, err);
    if (!f.defaclacl) return ST_OK;
    TRY(cat_new_oid(g->env, &f.oid, err));
    TRY(cat_insert(g->env, REL_pg_default_acl, &f, err));
    return nsp ? depend_add(g->env, address(REL_pg_default_acl, f.oid, 0), address(REL_pg_namespace, nsp, 0), DEPEND_AUTO, err) : ST_OK;
}

STATUS cmd_AlterDefaultPrivilegesStmt(CommandCall *call, AlterDefaultPrivilegesStmt *stmt, Error *err)
{
    Grant g;
    const GrantKind *k;
    const List *schemas = NULL, *roles = NULL;
    Oid role = call->env->current_user, nsp = 0;
    LIST_EACH(DefElem *, item, stmt->options) {
        if (!strcmp(item->defname, "schemas")) schemas = (const List *)item->arg;
        else if (!strcmp(item->defname, "roles")) roles = (const List *)item->arg;
    }
    TRY(grant_begin(&g, call, stmt->action, &k, err));
    for (int r = 0; r < (roles ? list_len(roles) : 1); r++) {
        if (roles) TRY(ddl_role(call->env, list_at(roles, r), &role, err));
        TRY(ddl_check_can_become(call->env, role, err));
        for (int i = 0; i < (schemas ? list_len(schemas) : 1); i++) {
            const Node *name = schemas ? list_at(schemas, i) : NULL;
            if (name) TRY(lookup_namespace(call->env, IsA(name, String) ? ((const String *)name)->sval : ((String *)list_first((const List *)name))->sval, false, &nsp, err));
            TRY(change_default(&g, k, role, nsp, err));
        }
    }
    return ST_OK;
}

static STATUS default_entry(SessionEnv *env, Oid role, Oid nsp, char objtype, Arena *arena, Datum *out, Error *err)
{
    Datum keys[3] = {datum_oid(role), datum_oid(nsp), (Datum)(uint8_t)objtype};
    const void *form;
    TRY(cat_get(env, REL_pg_default_acl, IDX_default_acl_role_nsp_obj, 3, keys, arena, &form, err));
    *out = form ? ((const Form_pg_default_acl *)form)->defaclacl : 0;
    return ST_OK;
}

STATUS grant_default_acl(SessionEnv *env, Oid classid, char objtype, Oid owner, Oid nsp, Arena *arena, Datum *out, Error *err)
{
    Datum general, own = 0;
    const AclItem *a, *b;
    AclItem *all;
    int na, nb;
    *out = 0;
    TRY(default_entry(env, owner, 0, objtype, arena, &general, err));
    if (nsp) TRY(default_entry(env, owner, nsp, objtype, arena, &own, err));
    if (!general && !own) return ST_OK;
    if (!general) TRY(acl_default(classid, objtype, owner, arena, &general, err));
    TRY(acl_items(env, arena, general, &a, &na, err));
    TRY(acl_items(env, arena, own, &b, &nb, err));
    TRY_NEW_N(all, arena, na + nb + 1, err);
    if (na) memcpy(all, a, (size_t)na * sizeof *all);
    for (int i = 0; i < nb; i++) {
        int k = 0;
        while (k < na && (all[k].grantee != b[i].grantee || all[k].grantor != b[i].grantor)) k++;
        if (k == na) all[na++] = (AclItem){b[i].grantee, b[i].grantor, 0};
        all[k].privs |= b[i].privs;
    }
    *out = acl_make(arena, all, na);
    return *out ? ST_OK : error_out_of_memory(err, 0);
}

/* ---- DROP OWNED ---- */
static STATUS without_role(CommandCall *call, Datum acl, Oid role, Datum *out, bool *changed, Error *err)
{
    const AclItem *items;
    AclItem *keep;
    int n, kept = 0;
    *changed = false;
    if (!acl) return ST_OK;
    TRY(acl_items(call->env, call->arena, acl, &items, &n, err));
    TRY_NEW_N(keep, call->arena, n + 1, err);
    for (int i = 0; i < n; i++)
        if (items[i].grantee != role && items[i].grantor != role) keep[kept++] = items[i];
    *changed = kept != n;
    if (!*changed) return ST_OK;
    *out = acl_make(call->arena, keep, kept);
    return *out ? ST_OK : error_out_of_memory(err, 0);
}

STATUS grant_forget_role(CommandCall *call, Oid role, Error *err)
{
    SessionEnv *env = call->env;
    CatScan *scan = NULL;
    const void *form;
    PtrVec classes = {0};
    Status st = cat_scan_open(env, REL_pg_class, 0, 0, NULL, call->arena, &scan, err);
    while (!failed(st)) {
        st = cat_scan_next(scan, &form, err);
        if (failed(st) || !form) break;
        if (cat_scan_is_builtin(scan) || !((const Form_pg_class *)form)->relacl) continue;
        if (!ptrvec_push(&classes, call->arena, (void *)form)) st = error_out_of_memory(err, 0);
    }
    cat_scan_close(scan);
    TRY(st);
    for (int i = 0; i < classes.len; i++) {
        Form_pg_class f = *(const Form_pg_class *)classes.v[i];
        bool changed;
        TRY(without_role(call, f.relacl, role, &f.relacl, &changed, err));
        if (changed) TRY(cat_update(env, REL_pg_class, &f, err));
    }
    PtrVec schemas = {0};
    st = cat_scan_open(env, REL_pg_namespace, 0, 0, NULL, call->arena, &scan, err);
    while (!failed(st)) {
        st = cat_scan_next(scan, &form, err);
        if (failed(st) || !form) break;
        if (!cat_scan_is_builtin(scan) && !ptrvec_push(&schemas, call->arena, (void *)form)) st = error_out_of_memory(err, 0);
    }
    cat_scan_close(scan);
    TRY(st);
    for (int i = 0; i < schemas.len; i++) {
        Form_pg_namespace f = *(const Form_pg_namespace *)schemas.v[i];
        bool changed;
        TRY(without_role(call, f.nspacl, role, &f.nspacl, &changed, err));
        if (changed) TRY(cat_update(env, REL_pg_namespace, &f, err));
    }
    return ST_OK;
}
