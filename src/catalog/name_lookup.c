/* Names to OIDs along search_path, and back. */
#include "catalog/name_lookup.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "catalog/catalog_internal.h"

/* ---- the effective search path ---- */
static STATUS namespace_oid(SessionEnv *env, const char *name, Arena *arena, Oid *out, Error *err)
{
    Datum key = cat_name_key(arena, name);
    const void *form;
    TRY_MEM(key, err);
    TRY(cat_get(env, REL_pg_namespace, IDX_namespace_nspname, 1, &key, arena, &form, err));
    *out = form ? ((const Form_pg_namespace *)form)->oid : 0;
    return ST_OK;
}

/* One element of the setting's list: quoted, or folded to lower case. false at the end. */
static bool next_path_element(const char **pos, char out[64])
{
    const char *p = *pos;
    int n = 0;
    while (*p == ',' || isspace((unsigned char)*p)) p++;
    if (!*p) return false;
    if (*p == '"') {
        for (p++; *p; p++) {
            if (*p == '"' && *++p != '"') break;
            if (n < 63) out[n++] = *p;
        }
    } else {
        for (; *p && *p != ',' && !isspace((unsigned char)*p); p++)
            if (n < 63) out[n++] = (char)tolower((unsigned char)*p);
    }
    out[n] = 0;
    while (*p && *p != ',') p++;
    *pos = p;
    return true;
}

static STATUS build_path(SessionEnv *env, Arena *tmp, Oid *path, int max, int *n, int *implicit, Error *err)
{
    const char *pos = setting_string(env->settings, SET_search_path);
    char name[64];
    bool has_catalog = false, has_temp = false;
    Oid temp = env->cat->temp_namespace;
    *n = 0;
    while (pos && *n < max && next_path_element(&pos, name)) {
        Oid oid = 0;
        if (!strcmp(name, "$user")) {
            const char *user = role_name_of(env, env->current_user, tmp);
            if (user) TRY(namespace_oid(env, user, tmp, &oid, err));
        } else if (!strcmp(name, "pg_temp")) {
            oid = temp;
            has_temp = true;
        } else {
            TRY(namespace_oid(env, name, tmp, &oid, err));
        }
        for (int i = 0; i < *n; i++)
            if (path[i] == oid) oid = 0;
        if (!oid) continue;
        has_catalog |= oid == PG_CATALOG_NAMESPACE;
        path[(*n)++] = oid;
    }
    *implicit = 0;
    if (!has_catalog) {
        memmove(path + 1, path, (size_t)(*n)++ * sizeof *path);
        path[0] = PG_CATALOG_NAMESPACE;
        ++*implicit;
    }
    if (temp && !has_temp) {
        memmove(path + 1, path, (size_t)(*n)++ * sizeof *path);
        path[0] = temp;
        ++*implicit;
    }
    return ST_OK;
}

static STATUS refresh_path(SessionEnv *env, Error *err)
{
    CatSession *cs = env->cat;
    enum { MAX_PATH = 62 };
    uint64_t settings = setting_generation(env->settings), catalog = catalog_generation(env);
    if (cs->path_valid && cs->path_settings_generation == settings && cs->path_catalog_generation == catalog &&
        cs->path_user == env->current_user)
        return ST_OK;
    Oid path[MAX_PATH + 2];
    int n, implicit;
    Arena tmp;
    arena_init(&tmp, env->account, 0);
    Status st = build_path(env, &tmp, path, MAX_PATH, &n, &implicit, err);
    arena_destroy(&tmp);
    TRY(st);
    Oid *copy = realloc(cs->path, (size_t)n * sizeof *copy);
    if (!copy) return error_out_of_memory(err, 0);
    memcpy(copy, path, (size_t)n * sizeof *copy);
    cs->path = copy;
    cs->npath = n;
    cs->path_implicit = implicit;
    cs->path_settings_generation = settings;
    cs->path_catalog_generation = catalog;
    cs->path_user = env->current_user;
    cs->path_valid = true;
    return ST_OK;
}

STATUS search_path_oids(SessionEnv *env, bool with_implicit, Arena *arena, const Oid **out, int *n, Error *err)
{
    TRY(refresh_path(env, err));
    int skip = with_implicit ? 0 : env->cat->path_implicit;
    *n = env->cat->npath - skip;
    *out = arena_memdup(arena, env->cat->path + skip, (size_t)(*n ? *n : 1) * sizeof(Oid));
    return *out ? ST_OK : error_out_of_memory(err, 0);
}

Oid temp_namespace_of(SessionEnv *env) { return env->cat->temp_namespace; }

void set_temp_namespace(SessionEnv *env, Oid oid, bool is_new)
{
    env->cat->temp_namespace = oid;
    env->cat->temp_namespace_new = is_new;
    env->cat->path_valid = false;
}

/* ---- one object by name and namespace ---- */
typedef struct NamedKind { Oid catalog, index; int oid_att; } NamedKind;
static const NamedKind RELATIONS = {REL_pg_class, IDX_class_relname_nsp, ATT_pg_class_oid};
static const NamedKind TYPES = {REL_pg_type, IDX_type_typname_nsp, ATT_pg_type_oid};

static Oid builtin_named(NamedKind kind, Datum name, Arena *tmp)
{
    const BuiltinTable *bt = builtin_table(kind.catalog);
    const CatForm *cf = catform_find(kind.catalog);
    int name_att = kind.catalog == REL_pg_class ? ATT_pg_class_relname : ATT_pg_type_typname;
    int nsp_att = kind.catalog == REL_pg_class ? ATT_pg_class_relnamespace : ATT_pg_type_typnamespace;
    BuiltinRange r = builtin_lookup(bt, name_att, name);
    for (int i = 0; i < r.n; i++) {
        AnyForm buf = {{0}};
        if (bt->fill(builtin_row(r, i), tmp, &buf) && catform_field_equals(cf, &buf, name_att, name) &&
            catform_field_equals(cf, &buf, nsp_att, datum_oid(PG_CATALOG_NAMESPACE)))
            return *(const Oid *)&buf;
    }
    return 0;
}

static STATUS named_in(SessionEnv *env, NamedKind kind, Datum name, Oid nsp, Arena *tmp, Oid *out, Error *err)
{
    Datum keys[2] = {name, datum_oid(nsp)};
    const void *form;
    if (nsp == PG_CATALOG_NAMESPACE) { /* nobody creates relations or types there: spare the store */
        *out = builtin_named(kind, name, tmp);
        return ST_OK;
    }
    TRY(cat_get(env, kind.catalog, kind.index, 2, keys, tmp, &form, err));
    /* All catalogs with names begin with their oid. */
    *out = form ? *(const Oid *)form : 0;
    return ST_OK;
}

static STATUS named_on_path(SessionEnv *env, NamedKind kind, const char *name, Oid *out, Error *err)
{
    Arena tmp;
    Status st;
    *out = 0;
    TRY(refresh_path(env, err));
    arena_init(&tmp, env->account, 0);
    Datum key = cat_name_key(&tmp, name);
    st = key ? ST_OK : error_out_of_memory(err, 0);
    for (int i = 0; i < env->cat->npath && !failed(st) && !*out; i++) st = named_in(env, kind, key, env->cat->path[i], &tmp, out, err);
    arena_destroy(&tmp);
    return st;
}

static STATUS named_in_schema(SessionEnv *env, NamedKind kind, const char *schema, const char *name, bool missing_ok, Oid *out, Error *err)
{
    Oid nsp;
    Arena tmp;
    *out = 0;
    TRY(lookup_namespace(env, schema, missing_ok, &nsp, err));
    if (!nsp) return ST_OK;
    arena_init(&tmp, env->account, 0);
    Datum key = cat_name_key(&tmp, name);
    Status st = key ? named_in(env, kind, key, nsp, &tmp, out, err) : error_out_of_memory(err, 0);
    arena_destroy(&tmp);
    return st;
}

STATUS lookup_relation(SessionEnv *env, const char *database, const char *schema, const char *name, bool missing_ok, Oid *out, Error *err)
{
    if (database && strcmp(database, env->database_name ? env->database_name : ""))
        return error_set(err, ERR_FEATURE_NOT_SUPPORTED, "cross-database references are not implemented: \"%s.%s.%s\"", database,
                         schema ? schema : "", name);
    if (schema) {
        Error schema_err = ERROR_INIT;
        Status st = named_in_schema(env, RELATIONS, schema, name, true, out, &schema_err);
        if (failed(st)) {
            error_move(err, &schema_err);
            return st;
        }
        if (!*out && !missing_ok) return error_set(err, ERR_UNDEFINED_TABLE, "relation \"%s.%s\" does not exist", schema, name);
        return ST_OK;
    }
    TRY(named_on_path(env, RELATIONS, name, out, err));
    if (!*out && !missing_ok) return error_set(err, ERR_UNDEFINED_TABLE, "relation \"%s\" does not exist", name);
    return ST_OK;
}

Oid lookup_relname_in(SessionEnv *env, const char *name, Oid nsp)
{
    Arena tmp;
    Oid oid = 0;
    arena_init(&tmp, env->account, 0);
    Datum key = cat_name_key(&tmp, name);
    if (!key || failed(named_in(env, RELATIONS, key, nsp, &tmp, &oid, NULL))) oid = 0;
    arena_destroy(&tmp);
    return oid;
}

STATUS lookup_namespace(SessionEnv *env, const char *name, bool missing_ok, Oid *out, Error *err)
{
    Arena tmp;
    if (!strcmp(name, "pg_temp") && env->cat->temp_namespace) {
        *out = env->cat->temp_namespace;
        return ST_OK;
    }
    arena_init(&tmp, env->account, 0);
    Status st = namespace_oid(env, name, &tmp, out, err);
    arena_destroy(&tmp);
    TRY(st);
    if (!*out && !missing_ok) return error_set(err, ERR_INVALID_SCHEMA_NAME, "schema \"%s\" does not exist", name);
    return ST_OK;
}

STATUS lookup_creation_namespace(SessionEnv *env, const char *schema, bool temporary, Oid *out, Error *err)
{
    if (temporary) {
        if (schema && strcmp(schema, "pg_temp"))
            return error_set(err, ERR_INVALID_TABLE_DEFINITION, "cannot create temporary relation in non-temporary schema");
        return ensure_temp_namespace(env, out, err);
    }
    if (schema && !strcmp(schema, "pg_temp")) return ensure_temp_namespace(env, out, err);
    if (schema) return lookup_namespace(env, schema, false, out, err);
    TRY(refresh_path(env, err));
    for (int i = env->cat->path_implicit; i < env->cat->npath; i++) {
        *out = env->cat->path[i];
        return ST_OK;
    }
    return error_set(err, ERR_INVALID_SCHEMA_NAME, "no schema has been selected to create in");
}

STATUS lookup_type(SessionEnv *env, const char *schema, const char *name, bool missing_ok, Oid *out, Error *err)
{
    if (schema) TRY(named_in_schema(env, TYPES, schema, name, missing_ok, out, err));
    else TRY(named_on_path(env, TYPES, name, out, err));
    if (*out || missing_ok) return ST_OK;
    if (schema) return error_set(err, ERR_UNDEFINED_OBJECT, "type \"%s.%s\" does not exist", schema, name);
    return error_set(err, ERR_UNDEFINED_OBJECT, "type \"%s\" does not exist", name);
}

/* ---- shared objects ---- */
static STATUS oid_by_unique_name(SessionEnv *env, Oid catalog, Oid index, const char *name, Oid *out, Error *err)
{
    Arena tmp;
    const void *form = NULL;
    arena_init(&tmp, env->account, 0);
    Datum key = cat_name_key(&tmp, name);
    Status st = key ? cat_get(env, catalog, index, 1, &key, &tmp, &form, err) : error_out_of_memory(err, 0);
    *out = !failed(st) && form ? *(const Oid *)form : 0;
    arena_destroy(&tmp);
    return st;
}

STATUS lookup_role(SessionEnv *env, const char *name, bool missing_ok, Oid *out, Error *err)
{
    TRY(oid_by_unique_name(env, REL_pg_authid, IDX_authid_rolname, name, out, err));
    if (!*out && !missing_ok) return error_set(err, ERR_UNDEFINED_OBJECT, "role \"%s\" does not exist", name);
    return ST_OK;
}

STATUS lookup_database(SessionEnv *env, const char *name, bool missing_ok, Oid *out, Error *err)
{
    TRY(oid_by_unique_name(env, REL_pg_database, IDX_database_datname, name, out, err));
    if (!*out && !missing_ok) return error_set(err, ERR_INVALID_CATALOG_NAME, "database \"%s\" does not exist", name);
    return ST_OK;
}

/* ---- collations and operator classes: few, scanned by name ---- */
typedef bool (*MatchFn)(const void *form, const void *arg, Oid *nsp);

static STATUS best_by_path(SessionEnv *env, Oid catalog, Oid index, int nkeys, const Datum *keys, MatchFn match, const void *arg, Oid only_nsp,
                           Arena *tmp, Oid *out, Error *err)
{
    CatScan *scan = NULL;
    const void *form;
    int best = 1000;
    *out = 0;
    TRY(refresh_path(env, err));
    Status st = cat_scan_open(env, catalog, index, nkeys, keys, tmp, &scan, err);
    while (!failed(st)) {
        Oid nsp;
        st = cat_scan_next(scan, &form, err);
        if (failed(st) || !form) break;
        if (!match(form, arg, &nsp)) continue;
        int at = -1;
        if (only_nsp) at = nsp == only_nsp ? 0 : -1;
        else for (int i = 0; i < env->cat->npath && at < 0; i++) at = env->cat->path[i] == nsp ? i : -1;
        if (at < 0 || at >= best) continue;
        best = at;
        *out = *(const Oid *)form;
    }
    cat_scan_close(scan);
    return st;
}

static bool match_collation(const void *form, const void *arg UNUSED, Oid *nsp)
{
    const Form_pg_collation *f = form;
    *nsp = f->collnamespace;
    return f->collencoding == -1 || f->collencoding == 6;
}

STATUS lookup_collation(SessionEnv *env, const char *schema, const char *name, bool missing_ok, Oid *out, Error *err)
{
    Arena tmp;
    Oid nsp = 0;
    if (schema) TRY(lookup_namespace(env, schema, missing_ok, &nsp, err));
    arena_init(&tmp, env->account, 0);
    Datum key = cat_name_key(&tmp, strcmp(name, "C.UTF-8") ? name : "C.utf8");
    Status st = key ? best_by_path(env, REL_pg_collation, IDX_collation_name_enc_nsp, 1, &key, match_collation, NULL, nsp, &tmp, out, err)
                    : error_out_of_memory(err, 0);
    arena_destroy(&tmp);
    TRY(st);
    if (*out || missing_ok) return ST_OK;
    return schema ? error_set(err, ERR_UNDEFINED_OBJECT, "collation \"%s.%s\" for encoding \"UTF8\" does not exist", schema, name)
                  : error_set(err, ERR_UNDEFINED_OBJECT, "collation \"%s\" for encoding \"UTF8\" does not exist", name);
}

static bool match_opclass(const void *form, const void *arg UNUSED, Oid *nsp)
{
    *nsp = ((const Form_pg_opclass *)form)->opcnamespace;
    return true;
}

STATUS lookup_opclass(SessionEnv *env, Oid am, const char *schema, const char *name, bool missing_ok, Oid *out, Error *err)
{
    Arena tmp;
    Oid nsp = 0;
    if (schema) TRY(lookup_namespace(env, schema, missing_ok, &nsp, err));
    arena_init(&tmp, env->account, 0);
    Datum keys[2] = {datum_oid(am), cat_name_key(&tmp, name)};
    Status st = keys[1] ? best_by_path(env, REL_pg_opclass, IDX_opclass_am_name_nsp, 2, keys, match_opclass, NULL, nsp, &tmp, out, err)
                        : error_out_of_memory(err, 0);
    const void *amf = NULL;
    const char *am_name = "???";
    if (!failed(st) && !*out && !missing_ok) {
        st = cat_get_by_oid(env, REL_pg_am, 2652 /* pg_am_oid_index */, am, &tmp, &amf, err);
        if (amf) am_name = ((const Form_pg_am *)amf)->amname;
        if (!failed(st)) st = error_set(err, ERR_UNDEFINED_OBJECT, "operator class \"%s\" does not exist for access method \"%s\"", name, am_name);
    }
    arena_destroy(&tmp);
    return st;
}

/* ---- OIDs to names ---- */
static const char *name_field(SessionEnv *env, Oid catalog, Oid index, Oid oid, int att, Arena *arena)
{
    const void *form;
    if (!oid || failed(cat_get_by_oid(env, catalog, index, oid, arena, &form, NULL)) || !form) return NULL;
    return *(const char *const *)((const char *)form + catform_fields(catform_find(catalog))[att - 1].offset);
}

const char *relation_name_of(SessionEnv *env, Oid oid, Arena *arena)
{
    return name_field(env, REL_pg_class, IDX_class_oid, oid, ATT_pg_class_relname, arena);
}
const char *namespace_name_of(SessionEnv *env, Oid oid, Arena *arena)
{
    if (oid == PG_CATALOG_NAMESPACE) return "pg_catalog";
    return name_field(env, REL_pg_namespace, IDX_namespace_oid, oid, ATT_pg_namespace_nspname, arena);
}
const char *role_name_of(SessionEnv *env, Oid oid, Arena *arena)
{
    return name_field(env, REL_pg_authid, IDX_authid_oid, oid, ATT_pg_authid_rolname, arena);
}
const char *database_name_of(SessionEnv *env, Oid oid, Arena *arena)
{
    return name_field(env, REL_pg_database, IDX_database_oid, oid, ATT_pg_database_datname, arena);
}
const char *collation_name_of(SessionEnv *env, Oid oid, Arena *arena)
{
    return name_field(env, REL_pg_collation, IDX_collation_oid, oid, ATT_pg_collation_collname, arena);
}

/* ---- visibility ---- */
static bool namespace_on_path(SessionEnv *env, Oid nsp)
{
    if (failed(refresh_path(env, NULL))) return false;
    for (int i = 0; i < env->cat->npath; i++)
        if (env->cat->path[i] == nsp) return true;
    return false;
}

bool relation_is_visible(SessionEnv *env, Oid oid)
{
    Arena tmp;
    const void *form;
    Oid found = 0;
    arena_init(&tmp, env->account, 0);
    bool ok = !failed(cat_get_by_oid(env, REL_pg_class, IDX_class_oid, oid, &tmp, &form, NULL)) && form;
    if (ok) {
        const Form_pg_class *f = form;
        ok = namespace_on_path(env, f->relnamespace) &&
             (f->relnamespace == PG_CATALOG_NAMESPACE || (!failed(named_on_path(env, RELATIONS, f->relname, &found, NULL)) && found == oid));
    }
    arena_destroy(&tmp);
    return ok;
}

bool type_is_visible(SessionEnv *env, Oid oid)
{
    Arena tmp;
    const void *form;
    Oid found = 0;
    arena_init(&tmp, env->account, 0);
    bool ok = !failed(cat_get_by_oid(env, REL_pg_type, IDX_type_oid, oid, &tmp, &form, NULL)) && form;
    if (ok) {
        const Form_pg_type *f = form;
        ok = namespace_on_path(env, f->typnamespace) && !failed(named_on_path(env, TYPES, f->typname, &found, NULL)) && found == oid;
    }
    arena_destroy(&tmp);
    return ok;
}

bool proc_is_visible(SessionEnv *env, Oid oid)
{
    Arena tmp;
    bool found = false;
    const ProcInfo *p = proc_by_oid(env, oid), **list;
    int n;
    if (!p || !namespace_on_path(env, p->namespace_oid)) return false;
    arena_init(&tmp, env->account, 0);
    if (!failed(proc_candidates(env, NULL, p->name, &tmp, &list, &n, NULL)))
        for (int i = 0; i < n; i++) found |= list[i]->oid == oid;
    arena_destroy(&tmp);
    return found;
}

bool operator_is_visible(SessionEnv *env, Oid oid)
{
    Arena tmp;
    bool found = false;
    const OperatorInfo *o = operator_by_oid(env, oid), **list;
    int n;
    if (!o || !namespace_on_path(env, o->namespace_oid)) return false;
    arena_init(&tmp, env->account, 0);
    if (!failed(operator_candidates(env, NULL, o->name, o->left == 0, &tmp, &list, &n, NULL)))
        for (int i = 0; i < n; i++) found |= list[i]->oid == oid;
    arena_destroy(&tmp);
    return found;
}

bool namespace_is_on_path(SessionEnv *env, Oid nsp) { return namespace_on_path(env, nsp); }
