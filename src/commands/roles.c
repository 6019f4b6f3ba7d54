/* CREATE, ALTER, DROP ROLE; GRANT and REVOKE of memberships; DROP and REASSIGN OWNED. Roles are rows of the global store. */
#include "commands/ddl_internal.h"
#include "commands/password.h"

/* ---- options ---- */
typedef struct RoleOptions {
    Form_pg_authid form;
    const List *add_to, *members, *admins;
    bool password_given;
} RoleOptions;

static STATUS set_password(CommandCall *call, const char *password, Form_pg_authid *f, Error *err)
{
    f->rolpassword = NULL;
    if (!password) return ST_OK;
    if (!*password) {
        session_notice(call->env, SEV_NOTICE, 0, NULL, NULL, "empty string is not a valid password, clearing password");
        return ST_OK;
    }
    if (password_is_verifier(password)) f->rolpassword = password;
    else TRY(password_scram_verifier(password, call->arena, &f->rolpassword, err));
    return ST_OK;
}

static STATUS valid_until(CommandCall *call, const char *text, Form_pg_authid *f, Error *err)
{
    IoContext io = session_io(call->env, call->arena);
    Datum value;
    f->rolvaliduntil.set = text != NULL;
    if (!text) return ST_OK;
    TRY(type_input(&io, type_builtin(TYPE_timestamptz), slice_cstr(text), -1, &value, err));
    f->rolvaliduntil.us = datum_get_i64(value);
    return ST_OK;
}

static STATUS read_option(CommandCall *call, const DefElem *item, RoleOptions *o, Error *err)
{
    static const struct { const char *name; size_t offset; } flags[] = {
        {"superuser", offsetof(Form_pg_authid, rolsuper)}, {"inherit", offsetof(Form_pg_authid, rolinherit)},
        {"createrole", offsetof(Form_pg_authid, rolcreaterole)}, {"createdb", offsetof(Form_pg_authid, rolcreatedb)},
        {"canlogin", offsetof(Form_pg_authid, rolcanlogin)}, {"isreplication", offsetof(Form_pg_authid, rolreplication)},
        {"bypassrls", offsetof(Form_pg_authid, rolbypassrls)}};
    const char *n = item->defname;
    int64_t limit;
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++)
        if (!strcmp(n, flags[i].name)) return def_bool(item, (bool *)((char *)&o->form + flags[i].offset), err);
    if (!strcmp(n, "password")) {
        o->password_given = true;
        return set_password(call, def_string(item), &o->form, err);
    }
    if (!strcmp(n, "validUntil")) return valid_until(call, def_string(item), &o->form, err);
    if (!strcmp(n, "connectionlimit")) {
        TRY(def_int(item, &limit, err));
        if (limit < -1) return error_set(err, ERR_INVALID_PARAMETER_VALUE, "invalid connection limit: %d", (int)limit);
        o->form.rolconnlimit = (int32_t)limit;
        return ST_OK;
    }
    if (!strcmp(n, "addroleto")) o->add_to = (const List *)item->arg;
    else if (!strcmp(n, "rolemembers")) o->members = (const List *)item->arg;
    else if (!strcmp(n, "adminmembers")) o->admins = (const List *)item->arg;
    else if (!strcmp(n, "sysid")) session_notice(call->env, SEV_NOTICE, 0, NULL, NULL, "SYSID can no longer be specified");
    else return error_set(err, ERR_SYNTAX_ERROR, "option \"%s\" not recognized", n);
    return ST_OK;
}

static STATUS read_options(CommandCall *call, const List *items, RoleOptions *o, Error *err)
{
    LIST_EACH(DefElem *, item, items) {
        for (int j = 0; j < item_i; j++)
            if (!strcmp(((DefElem *)list_at(items, j))->defname, item->defname))
                return error_set(err, ERR_SYNTAX_ERROR, "conflicting or redundant options");
        TRY(read_option(call, item, o, err));
    }
    return ST_OK;
}

static STATUS role_form(SessionEnv *env, Oid role, Arena *arena, Form_pg_authid *out, Error *err)
{
    const void *form;
    TRY(cat_get_by_oid(env, REL_pg_authid, IDX_authid_oid, role, arena, &form, err));
    if (!form) return error_set(err, ERR_UNDEFINED_OBJECT, "role with OID %u does not exist", role);
    *out = *(const Form_pg_authid *)form;
    return ST_OK;
}

static STATUS may_create_roles(CommandCall *call, bool *may, Error *err)
{
    Form_pg_authid me;
    *may = call->env->is_superuser;
    if (*may) return ST_OK;
    TRY(role_form(call->env, call->env->current_user, call->arena, &me, err));
    *may = me.rolcreaterole;
    return ST_OK;
}

static STATUS check_name(const char *name, Error *err)
{
    if (!strncmp(name, "pg_", 3)) {
        error_set(err, ERR_RESERVED_NAME, "role name \"%s\" is reserved", name);
        return error_detail(err, "Role names starting with \"pg_\" are reserved.");
    }
    if (!strcmp(name, "public") || !strcmp(name, "none")) return error_set(err, ERR_RESERVED_NAME, "role name \"%s\" is reserved", name);
    return ST_OK;
}

/* ---- memberships ---- */
static STATUS membership(SessionEnv *env, Oid role, Oid member, Arena *arena, const Form_pg_auth_members **out, Error *err)
{
    Datum keys[2] = {datum_oid(role), datum_oid(member)};
    const void *form;
    TRY(cat_get(env, REL_pg_auth_members, IDX_auth_members_role_member, 2, keys, arena, &form, err));
    *out = form;
    return ST_OK;
}

static STATUS add_member(CommandCall *call, Oid role, Oid member, bool admin, Oid grantor, Error *err)
{
    SessionEnv *env = call->env;
    const Form_pg_auth_members *old;
    Form_pg_authid member_form;
    Form_pg_auth_members f = {role, member, grantor, admin};
    const char *role_name = role_name_of(env, role, call->arena), *member_name = role_name_of(env, member, call->arena);
    TRY(role_form(env, role, call->arena, &member_form, err));
    bool circle = role == member;
    if (!circle) { /* superusers count as members of all, so ask about plain membership only */
        TRY(role_form(env, role, call->arena, &member_form, err));
        circle = !member_form.rolsuper && role_is_member(env, role, member);
    }
    if (circle) return error_set(err, ERR_INVALID_GRANT_OPERATION, "role \"%s\" is a member of role \"%s\"", role_name, member_name);
    TRY(membership(env, role, member, call->arena, &old, err));
    if (!old) return cat_insert(env, REL_pg_auth_members, &f, err);
    if (old->admin_option || !admin) {
        session_notice(env, SEV_NOTICE, 0, NULL, NULL, "role \"%s\" is already a member of role \"%s\"", member_name, role_name);
        return ST_OK;
    }
    return cat_update(env, REL_pg_auth_members, &f, err);
}

static STATUS remove_member(CommandCall *call, Oid role, Oid member, bool admin_only, Error *err)
{
    SessionEnv *env = call->env;
    const Form_pg_auth_members *old;
    Datum keys[2] = {datum_oid(role), datum_oid(member)};
    TRY(membership(env, role, member, call->arena, &old, err));
    if (!old) {
        session_notice(env, SEV_WARNING, ERR_WARNING, NULL, NULL, "role \"%s\" is not a member of role \"%s\"", role_name_of(env, member, call->arena),
                       role_name_of(env, role, call->arena));
        return ST_OK;
    }
    if (!admin_only) return cat_delete(env, REL_pg_auth_members, IDX_auth_members_role_member, 2, keys, NULL, err);
    Form_pg_auth_members f = *old;
    f.admin_option = false;
    return cat_update(env, REL_pg_auth_members, &f, err);
}

static STATUS add_members(CommandCall *call, Oid role, const List *members, bool admin, Error *err)
{
    LIST_EACH(RoleSpec *, spec, members) {
        Oid member;
        TRY(ddl_role(call->env, spec, &member, err));
        TRY(add_member(call, role, member, admin, call->env->current_user, err));
    }
    return ST_OK;
}

/* ---- CREATE ROLE ---- */
STATUS cmd_CreateRoleStmt(CommandCall *call, CreateRoleStmt *stmt, Error *err)
{
    SessionEnv *env = call->env;
    RoleOptions o = {.form = {.rolname = stmt->role, .rolinherit = true, .rolcanlogin = stmt->stmt_type == 1, .rolconnlimit = -1}};
    bool may;
    Oid taken;
    TRY(read_options(call, stmt->options, &o, err));
    if (o.form.rolsuper && !env->is_superuser) return error_set(err, ERR_INSUFFICIENT_PRIVILEGE, "must be superuser to create superusers");
    if (o.form.rolreplication && !env->is_superuser) return error_set(err, ERR_INSUFFICIENT_PRIVILEGE, "must be superuser to create replication users");
    if (o.form.rolbypassrls && !env->is_superuser) return error_set(err, ERR_INSUFFICIENT_PRIVILEGE, "must be superuser to create bypassrls users");
    TRY(may_create_roles(call, &may, err));
    if (!may) return error_set(err, ERR_INSUFFICIENT_PRIVILEGE, "permission denied to create role");
    TRY(check_name(stmt->role, err));
    TRY(lookup_role(env, stmt->role, true, &taken, err));
    if (taken) return error_set(err, ERR_DUPLICATE_OBJECT, "role \"%s\" already exists", stmt->role);
    TRY(cat_new_shared_oid(env, &o.form.oid, err));
    TRY(cat_insert(env, REL_pg_authid, &o.form, err));
    LIST_EACH(RoleSpec *, spec, o.add_to) {
        Oid role;
        TRY(ddl_role(env, spec, &role, err));
        TRY(add_member(call, role, o.form.oid, false, env->current_user, err));
    }
    TRY(add_members(call, o.form.oid, o.admins, true, err));
    return add_members(call, o.form.oid, o.members, false, err);
}

/* ---- ALTER ROLE ---- */
STATUS cmd_AlterRoleStmt(CommandCall *call, AlterRoleStmt *stmt, Error *err)
{
    SessionEnv *env = call->env;
    RoleOptions o = {0};
    Oid role;
    bool may;
    TRY(ddl_role(env, stmt->role, &role, err));
    TRY(role_form(env, role, call->arena, &o.form, err));
    bool was_super = o.form.rolsuper;
    TRY(read_options(call, stmt->options, &o, err));
    if ((was_super || o.form.rolsuper) && !env->is_superuser)
        return error_set(err, ERR_INSUFFICIENT_PRIVILEGE, "must be superuser to alter superuser roles or change superuser attribute");
    TRY(may_create_roles(call, &may, err));
    bool own_password = role == env->current_user && o.password_given && list_len(stmt->options) == 1;
    if (!may && !own_password) return error_set(err, ERR_INSUFFICIENT_PRIVILEGE, "permission denied");
    if (role == BOOTSTRAP_SUPERUSER && !o.form.rolsuper)
        return error_set(err, ERR_FEATURE_NOT_SUPPORTED, "bootstrap user must have the SUPERUSER attribute");
    TRY(cat_update(env, REL_pg_authid, &o.form, err));
    if (!o.members) return ST_OK; /* ALTER GROUP ... ADD/DROP USER */
    if (stmt->action >= 0) return add_members(call, role, o.members, false, err);
    LIST_EACH(RoleSpec *, spec, o.members) {
        Oid member;
        TRY(ddl_role(env, spec, &member, err));
        TRY(remove_member(call, role, member, false, err));
    }
    return ST_OK;
}

/* ---- DROP ROLE ---- */
static const struct { Oid catalog; size_t owner, acl; Oid classid; } owned_catalogs[] = {
    {REL_pg_class, offsetof(Form_pg_class, relowner), offsetof(Form_pg_class, relacl), REL_pg_class},
    {REL_pg_namespace, offsetof(Form_pg_namespace, nspowner), offsetof(Form_pg_namespace, nspacl), REL_pg_namespace},
    {REL_pg_proc, offsetof(Form_pg_proc, proowner), offsetof(Form_pg_proc, proacl), REL_pg_proc},
    {REL_pg_type, offsetof(Form_pg_type, typowner), offsetof(Form_pg_type, typacl), REL_pg_type},
    {REL_pg_database, offsetof(Form_pg_database, datdba), offsetof(Form_pg_database, datacl), REL_pg_database}};

typedef STATUS (*OwnedFn)(void *arg, ObjectAddress object, bool is_owner, const void *form, Error *err);

/* Types and indexes that belong to a relation follow it. */
static bool belongs_to_other(Oid catalog, const void *form)
{
    if (catalog == REL_pg_class) return strchr("ict", ((const Form_pg_class *)form)->relkind) != NULL && ((const Form_pg_class *)form)->relkind != 'c';
    if (catalog != REL_pg_type) return false;
    const Form_pg_type *t = form;
    return t->typelem != 0 || t->typrelid != 0;
}

/* Objects of this database (and databases) that the role owns or is named in the access list of. */
static STATUS each_owned(SessionEnv *env, Oid role, Arena *arena, OwnedFn fn, void *arg, Error *err)
{
    for (size_t i = 0; i < sizeof owned_catalogs / sizeof owned_catalogs[0]; i++) {
        CatScan *scan = NULL;
        const void *form;
        PtrVec rows = {0};
        Status st = cat_scan_open(env, owned_catalogs[i].catalog, 0, 0, NULL, arena, &scan, err);
        while (!failed(st)) {
            st = cat_scan_next(scan, &form, err);
            if (failed(st) || !form) break;
            bool own = *(const Oid *)((const char *)form + owned_catalogs[i].owner) == role;
            if (cat_scan_is_builtin(scan) || belongs_to_other(owned_catalogs[i].catalog, form)) continue;
            if ((own || *(const Datum *)((const char *)form + owned_catalogs[i].acl)) && !ptrvec_push(&rows, arena, (void *)form)) st = error_out_of_memory(err, 0);
        }
        cat_scan_close(scan);
        TRY(st);
        for (int k = 0; k < rows.len; k++) {
            bool own = *(const Oid *)((const char *)rows.v[k] + owned_catalogs[i].owner) == role;
            TRY(fn(arg, address(owned_catalogs[i].classid, *(const Oid *)rows.v[k], 0), own, rows.v[k], err));
        }
    }
    return ST_OK;
}

typedef struct DropCheck { SessionEnv *env; Arena *arena; Oid role; StrBuf detail; int n; } DropCheck;

static STATUS note_dependency(void *arg, ObjectAddress o, bool own, const void *form, Error *err)
{
    DropCheck *d = arg;
    const AclItem *items;
    int n = 0;
    bool named = own;
    for (size_t i = 0; i < sizeof owned_catalogs / sizeof owned_catalogs[0] && !named; i++) {
        if (owned_catalogs[i].classid != o.classid) continue;
        TRY(acl_items(d->env, d->arena, *(const Datum *)((const char *)form + owned_catalogs[i].acl), &items, &n, err));
        for (int k = 0; k < n; k++) named = named || items[k].grantee == d->role || items[k].grantor == d->role;
    }
    if (!named) return ST_OK;
    strbuf_printf(&d->detail, "%s%s %s", d->n++ ? "\n" : "", own ? "owner of" : "privileges for", object_description(d->env, o, d->arena));
    return ST_OK;
}

/* Columns have access lists of their own. */
static STATUS note_columns(DropCheck *d, Error *err)
{
    CatScan *scan = NULL;
    const void *form;
    Arena tmp; /* the catalog is large: its rows go at once */
    arena_init(&tmp, d->env->account, 0);
    Status st = cat_scan_open(d->env, REL_pg_attribute, 0, 0, NULL, &tmp, &scan, err);
    while (!failed(st)) {
        const AclItem *items;
        int n = 0;
        bool named = false;
        st = cat_scan_next(scan, &form, err);
        if (failed(st) || !form) break;
        const Form_pg_attribute *a = form;
        if (a->attacl) st = acl_items(d->env, &tmp, a->attacl, &items, &n, err);
        for (int k = 0; k < n && !failed(st); k++) named = named || items[k].grantee == d->role;
        if (named)
            strbuf_printf(&d->detail, "%sprivileges for %s", d->n++ ? "\n" : "",
                          object_description(d->env, address(REL_pg_class, a->attrelid, a->attnum), d->arena));
    }
    cat_scan_close(scan);
    arena_destroy(&tmp);
    return st;
}

static STATUS drop_role(CommandCall *call, const RoleSpec *spec, bool missing_ok, Error *err)
{
    SessionEnv *env = call->env;
    Oid role;
    DropCheck check = {.env = env, .arena = call->arena};
    Form_pg_authid form;
    if (spec->roletype != 0) return error_set(err, ERR_SYNTAX_ERROR, "cannot use special role specifier in DROP ROLE");
    TRY(lookup_role(env, spec->rolename, missing_ok, &role, err));
    if (!role) {
        session_notice(env, SEV_NOTICE, 0, NULL, NULL, "role \"%s\" does not exist, skipping", spec->rolename);
        return ST_OK;
    }
    if (role == env->current_user) return error_set(err, ERR_OBJECT_IN_USE, "current user cannot be dropped");
    if (role == env->session_user) return error_set(err, ERR_OBJECT_IN_USE, "session user cannot be dropped");
    TRY(role_form(env, role, call->arena, &form, err));
    if (form.rolsuper && !env->is_superuser) return error_set(err, ERR_INSUFFICIENT_PRIVILEGE, "must be superuser to drop superusers");
    if (role < FIRST_NORMAL_OID)
        return error_set(err, ERR_DEPENDENT_OBJECTS_STILL_EXIST, "cannot drop role %s because it is required by the database system", spec->rolename);
    check.role = role;
    strbuf_init(&check.detail, call->arena);
    TRY(each_owned(env, role, call->arena, note_dependency, &check, err));
    TRY(note_columns(&check, err));
    if (check.n) {
        error_set(err, ERR_DEPENDENT_OBJECTS_STILL_EXIST, "role \"%s\" cannot be dropped because some objects depend on it", spec->rolename);
        return error_detail(err, "%s", strbuf_cstr(&check.detail));
    }
    Datum key = datum_oid(role);
    TRY(cat_delete(env, REL_pg_auth_members, IDX_auth_members_role_member, 1, &key, NULL, err));
    TRY(cat_delete(env, REL_pg_auth_members, IDX_auth_members_member_role, 1, &key, NULL, err));
    TRY(cat_set_comment(env, REL_pg_authid, role, 0, NULL, err));
    return cat_delete(env, REL_pg_authid, IDX_authid_oid, 1, &key, NULL, err);
}

STATUS cmd_DropRoleStmt(CommandCall *call, DropRoleStmt *stmt, Error *err)
{
    bool may;
    TRY(may_create_roles(call, &may, err));
    if (!may) return error_set(err, ERR_INSUFFICIENT_PRIVILEGE, "permission denied to drop role");
    LIST_EACH(RoleSpec *, spec, stmt->roles) TRY(drop_role(call, spec, stmt->missing_ok, err));
    return ST_OK;
}

/* ---- GRANT role TO role ---- */
static STATUS may_grant(CommandCall *call, Oid role, Error *err)
{
    SessionEnv *env = call->env;
    const Form_pg_auth_members *m;
    Form_pg_authid form;
    bool may;
    if (env->is_superuser) return ST_OK;
    TRY(role_form(env, role, call->arena, &form, err));
    if (form.rolsuper) return error_set(err, ERR_INSUFFICIENT_PRIVILEGE, "must be superuser to alter superusers");
    TRY(may_create_roles(call, &may, err));
    TRY(membership(env, role, env->current_user, call->arena, &m, err));
    if (may || (m && m->admin_option)) return ST_OK;
    return error_set(err, ERR_INSUFFICIENT_PRIVILEGE, "must have admin option on role \"%s\"", form.rolname);
}

STATUS cmd_GrantRoleStmt(CommandCall *call, GrantRoleStmt *stmt, Error *err)
{
    Oid grantor = call->env->current_user;
    if (stmt->grantor) TRY(ddl_role(call->env, stmt->grantor, &grantor, err));
    LIST_EACH(AccessPriv *, granted, stmt->granted_roles) {
        Oid role, member;
        if (granted->cols) return error_set(err, ERR_INVALID_GRANT_OPERATION, "column names cannot be included in GRANT/REVOKE ROLE");
        TRY(lookup_role(call->env, granted->priv_name, false, &role, err));
        TRY(may_grant(call, role, err));
        LIST_EACH(RoleSpec *, spec, stmt->grantee_roles) {
            TRY(ddl_role(call->env, spec, &member, err));
            if (stmt->is_grant) TRY(add_member(call, role, member, stmt->admin_opt, grantor, err));
            else TRY(remove_member(call, role, member, stmt->admin_opt, err));
        }
    }
    return ST_OK;
}

/* ---- DROP OWNED, REASSIGN OWNED ---- */
typedef struct Owning { CommandCall *call; Oid role, new_owner; ObjectAddress *objects; int n, cap; } Owning;

static STATUS collect_owned(void *arg, ObjectAddress o, bool own, const void *form UNUSED, Error *err)
{
    Owning *w = arg;
    if (!own || o.classid == REL_pg_database) return ST_OK;
    if (w->new_owner) return ddl_change_owner(w->call->env, o, w->new_owner, w->call->arena, err);
    if (w->n == w->cap) {
        int cap = w->cap ? w->cap * 2 : 32;
        ObjectAddress *p;
        TRY_NEW_N(p, w->call->arena, cap, err);
        if (w->n) memcpy(p, w->objects, (size_t)w->n * sizeof *p);
        w->objects = p;
        w->cap = cap;
    }
    w->objects[w->n++] = o;
    return ST_OK;
}

STATUS cmd_DropOwnedStmt(CommandCall *call, DropOwnedStmt *stmt, Error *err)
{
    SessionEnv *env = call->env;
    LIST_EACH(RoleSpec *, spec, stmt->roles) {
        Owning w = {.call = call};
        TRY(ddl_role(env, spec, &w.role, err));
        if (!role_has_privs_of(env, env->current_user, w.role))
            return error_set(err, ERR_INSUFFICIENT_PRIVILEGE, stmt->newrole ? "permission denied to reassign objects" : "permission denied to drop objects");
        if (w.role == BOOTSTRAP_SUPERUSER)
            return error_set(err, ERR_DEPENDENT_OBJECTS_STILL_EXIST,
                             stmt->newrole ? "cannot reassign ownership of objects owned by role %s because they are required by the database system"
                                           : "cannot drop objects owned by role %s because they are required by the database system",
                             role_name_of(env, w.role, call->arena));
        if (stmt->newrole) TRY(ddl_role(env, stmt->newrole, &w.new_owner, err));
        TRY(each_owned(env, w.role, call->arena, collect_owned, &w, err));
        if (w.n) TRY(ddl_drop_many(env, w.objects, w.n, stmt->behavior, call->arena, err));
        if (!stmt->newrole) TRY(grant_forget_role(call, w.role, err));
    }
    return ST_OK;
}
