/* has_*_privilege and pg_has_role. Each comes with the role as name, as OID or left out, and the object as name or OID. */
#include <ctype.h>
#include <strings.h>

#include "catalog/acl.h"
#include "catalog/cat_write.h"
#include "catalog/name_lookup.h"
#include "catalog/reg_types.h"
#include "functions/fn.h"

typedef enum Kind { K_TABLE, K_SEQUENCE, K_DATABASE, K_SCHEMA, K_FUNCTION, K_LANGUAGE, K_TYPE, K_TABLESPACE, K_OTHER } Kind;

static bool is_oid_arg(CallFrame *cf, int i)
{
    Oid t = cf->proc ? cf->proc->args[i] : cf->arg_types[i];
    return t == TYPE_oid;
}

static bool role_arg(CallFrame *cf, int i, Oid *role)
{
    if (is_oid_arg(cf, i)) {
        *role = ARG_OID(i);
        return true;
    }
    char *name = fn_arg_cstr(cf, i);
    if (!name) return false;
    if (!strcmp(name, "public")) {
        *role = 0;
        return true;
    }
    return !failed(lookup_role(cf->env, name, false, role, cf->err));
}

static bool object_arg(CallFrame *cf, int i, Kind kind, Oid *oid)
{
    char *name;
    if (is_oid_arg(cf, i)) {
        *oid = ARG_OID(i);
        return true;
    }
    if (!(name = fn_arg_cstr(cf, i))) return false;
    Status st = ST_OK;
    switch (kind) {
    case K_TABLE: case K_SEQUENCE: st = reg_input(cf->env, TYPE_regclass, slice_cstr(name), oid, cf->err); break;
    case K_DATABASE: st = lookup_database(cf->env, name, false, oid, cf->err); break;
    case K_SCHEMA: st = lookup_namespace(cf->env, name, false, oid, cf->err); break;
    case K_FUNCTION: st = reg_input(cf->env, TYPE_regprocedure, slice_cstr(name), oid, cf->err); break;
    case K_TYPE: st = reg_input(cf->env, TYPE_regtype, slice_cstr(name), oid, cf->err); break;
    case K_LANGUAGE: *oid = !strcmp(name, "internal") ? 12 : !strcmp(name, "c") ? 13 : !strcmp(name, "sql") ? 14 : 0; break;
    default: *oid = 0;
    }
    return !failed(st);
}

/* "SELECT, INSERT WITH GRANT OPTION" -> any of these is enough. false: 22023. */
static bool privileges(CallFrame *cf, int i, uint32_t allowed, uint32_t *want, int *n)
{
    Slice s = ARG_TEXT(i);
    *n = 0;
    size_t at = 0;
    while (at <= s.len) {
        size_t end = at;
        while (end < s.len && s.data[end] != ',') end++;
        size_t from = at, to = end;
        while (from < to && isspace(s.data[from])) from++;
        while (to > from && isspace(s.data[to - 1])) to--;
        Slice w = slice_of(s.data + from, to - from);
        bool grant = false;
        static const char with[] = " WITH GRANT OPTION";
        if (w.len > sizeof with - 1 && !strncasecmp((const char *)w.data + w.len - (sizeof with - 1), with, sizeof with - 1)) {
            grant = true;
            w.len -= sizeof with - 1;
        }
        uint32_t p = acl_privilege_by_name((const char *)w.data, w.len);
        if (w.len == 4 && !strncasecmp((const char *)w.data, "TEMP", 4)) p = ACL_CREATE_TEMP;
        if (!p || !(p & allowed) || *n == 16) {
            error_set(cf->err, ERR_INVALID_PARAMETER_VALUE, "unrecognized privilege type: \"%.*s\"", (int)(to - from), (const char *)s.data + from);
            return false;
        }
        want[(*n)++] = grant ? ACL_GRANT(p) : p;
        at = end + 1;
    }
    return true;
}

static bool exists(CallFrame *cf, Kind kind, Oid oid)
{
    switch (kind) {
    case K_TABLE: case K_SEQUENCE: return relation_name_of(cf->env, oid, cf->arena) != NULL;
    case K_DATABASE: return database_name_of(cf->env, oid, cf->arena) != NULL;
    case K_SCHEMA: return namespace_name_of(cf->env, oid, cf->arena) != NULL;
    case K_FUNCTION: return proc_by_oid(cf->env, oid) != NULL;
    case K_TYPE: return catalog_type(cf->env, oid) != NULL;
    default: return true;
    }
}

static Datum has(CallFrame *cf, Kind kind)
{
    static const uint32_t allowed[] = {ACL_ALL_RELATION, ACL_ALL_SEQUENCE, ACL_ALL_DATABASE, ACL_ALL_SCHEMA, ACL_EXECUTE, ACL_USAGE, ACL_USAGE, ACL_CREATE, ACL_USAGE};
    static const Oid classes[] = {RELATION_pg_class, RELATION_pg_class, RELATION_pg_database, RELATION_pg_namespace, RELATION_pg_proc, REL_pg_language,
                                  RELATION_pg_type, REL_pg_tablespace, 0};
    uint32_t want[16];
    int n, first = cf->nargs == 3;
    Oid role = cf->env->current_user, oid;
    if (first && !role_arg(cf, 0, &role)) return 0;
    if (!object_arg(cf, first, kind, &oid) || !privileges(cf, first + 1, allowed[kind], want, &n)) return 0;
    if (!exists(cf, kind, oid)) RETURN_NULL();
    if (kind == K_SEQUENCE) {
        const Relation *rel;
        FTRY(relation_try_open(cf->env, oid, LOCK_NONE, &rel, cf->err));
        if (rel && rel->relkind != RELKIND_SEQUENCE) return CALL_ERROR(cf, ERR_WRONG_OBJECT_TYPE, "\"%s\" is not a sequence", rel->name);
    }
    for (int i = 0; i < n; i++) {
        uint32_t got = kind == K_TABLE || kind == K_SEQUENCE ? acl_relation(cf->env, oid, role, want[i])
                       : kind == K_TABLESPACE || kind == K_OTHER ? (role_is_superuser(cf->env, role) ? want[i] : 0)
                                                                 : acl_object(cf->env, classes[kind], oid, role, want[i]);
        if (got & want[i]) return datum_bool(true);
    }
    return datum_bool(false);
}
#define FAMILY(name, kind)                                                                                        \
    FN(name##_name_name) { return has(cf, kind); }                                                                \
    FN(name##_name_id) { return has(cf, kind); }                                                                  \
    FN(name##_name) { return has(cf, kind); }                                                                     \
    FN(name##_id_name) { return has(cf, kind); }                                                                  \
    FN(name##_id_id) { return has(cf, kind); }                                                                    \
    FN(name##_id) { return has(cf, kind); }
FAMILY(has_table_privilege, K_TABLE)
FAMILY(has_sequence_privilege, K_SEQUENCE)
FAMILY(has_database_privilege, K_DATABASE)
FAMILY(has_schema_privilege, K_SCHEMA)
FAMILY(has_function_privilege, K_FUNCTION)
FAMILY(has_language_privilege, K_LANGUAGE)
FAMILY(has_type_privilege, K_TYPE)
FAMILY(has_tablespace_privilege, K_TABLESPACE)
FAMILY(has_foreign_data_wrapper_privilege, K_OTHER)
FAMILY(has_server_privilege, K_OTHER)

/* ---- columns ---- */
static Datum has_column(CallFrame *cf, bool any)
{
    uint32_t want[16];
    const Relation *rel;
    int n, first = cf->nargs == (any ? 3 : 4);
    Oid role = cf->env->current_user, oid;
    if (first && !role_arg(cf, 0, &role)) return 0;
    if (!object_arg(cf, first, K_TABLE, &oid) || !privileges(cf, first + (any ? 1 : 2), ACL_ALL_COLUMN, want, &n)) return 0;
    FTRY(relation_try_open(cf->env, oid, LOCK_NONE, &rel, cf->err));
    if (!rel) RETURN_NULL();
    int attnum = 0;
    if (!any) {
        Oid t = cf->proc ? cf->proc->args[first + 1] : cf->arg_types[first + 1];
        if (t == TYPE_int2) {
            attnum = ARG_I16(first + 1);
            if (attnum < 1 || attnum > rel->desc->natts || rel->desc->atts[attnum - 1].dropped) RETURN_NULL();
        } else {
            char *name = fn_arg_cstr(cf, first + 1);
            if (!name) return 0;
            if (!(attnum = relation_find_column(rel, name)))
                return CALL_ERROR(cf, ERR_UNDEFINED_COLUMN, "column \"%s\" of relation \"%s\" does not exist", name, rel->name);
        }
    }
    for (int i = 0; i < n; i++) {
        if (acl_relation(cf->env, oid, role, want[i]) & want[i]) return datum_bool(true);
        for (int a = any ? 1 : attnum; a <= (any ? rel->desc->natts : attnum); a++)
            if (acl_column(cf->env, oid, a, role, want[i]) & want[i]) return datum_bool(true);
    }
    return datum_bool(false);
}
FN(has_column_privilege_name_name_name) { return has_column(cf, false); }
FN(has_column_privilege_name_name_attnum) { return has_column(cf, false); }
FN(has_column_privilege_name_id_name) { return has_column(cf, false); }
FN(has_column_privilege_name_id_attnum) { return has_column(cf, false); }
FN(has_column_privilege_id_name_name) { return has_column(cf, false); }
FN(has_column_privilege_id_name_attnum) { return has_column(cf, false); }
FN(has_column_privilege_id_id_name) { return has_column(cf, false); }
FN(has_column_privilege_id_id_attnum) { return has_column(cf, false); }
FN(has_column_privilege_name_name) { return has_column(cf, false); }
FN(has_column_privilege_name_attnum) { return has_column(cf, false); }
FN(has_column_privilege_id_name) { return has_column(cf, false); }
FN(has_column_privilege_id_attnum) { return has_column(cf, false); }
FN(has_any_column_privilege_name_name) { return has_column(cf, true); }
FN(has_any_column_privilege_name_id) { return has_column(cf, true); }
FN(has_any_column_privilege_name) { return has_column(cf, true); }
FN(has_any_column_privilege_id_name) { return has_column(cf, true); }
FN(has_any_column_privilege_id_id) { return has_column(cf, true); }
FN(has_any_column_privilege_id) { return has_column(cf, true); }

/* ---- settings ---- */
static Datum has_parameter(CallFrame *cf)
{
    Oid role = cf->env->current_user;
    if (cf->nargs == 3 && !role_arg(cf, 0, &role)) return 0;
    return datum_bool(role_is_superuser(cf->env, role));
}
FN(has_parameter_privilege_name_name) { return has_parameter(cf); }
FN(has_parameter_privilege_name) { return has_parameter(cf); }
FN(has_parameter_privilege_id_name) { return has_parameter(cf); }

/* ---- roles ---- */
static Datum has_role(CallFrame *cf)
{
    Oid role = cf->env->current_user, of;
    int first = cf->nargs == 3;
    if (first && !role_arg(cf, 0, &role)) return 0;
    if (!role_arg(cf, first, &of)) return 0;
    Slice p = ARG_TEXT(first + 1);
    if (p.len >= 6 && !strncasecmp((const char *)p.data, "MEMBER", 6)) return datum_bool(role_is_member(cf->env, role, of));
    if (p.len >= 5 && !strncasecmp((const char *)p.data, "USAGE", 5)) return datum_bool(role_has_privs_of(cf->env, role, of));
    return CALL_ERROR(cf, ERR_INVALID_PARAMETER_VALUE, "unrecognized privilege type: \"%.*s\"", (int)p.len, (const char *)p.data);
}
FN(pg_has_role_name_name) { return has_role(cf); }
FN(pg_has_role_name_id) { return has_role(cf); }
FN(pg_has_role_name) { return has_role(cf); }
FN(pg_has_role_id_name) { return has_role(cf); }
FN(pg_has_role_id_id) { return has_role(cf); }
FN(pg_has_role_id) { return has_role(cf); }
