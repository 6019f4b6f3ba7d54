/* Privileges. Roles' memberships are read from pg_auth_members each time they are asked for: superusers and owners, the common case,
 * need none of it. */
#include "catalog/acl.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "catalog/catalog_internal.h"
#include "catalog/name_lookup.h"

static const struct { uint32_t bit; char letter; const char *name; } privileges[] = {
    {ACL_INSERT, 'a', "INSERT"}, {ACL_SELECT, 'r', "SELECT"}, {ACL_UPDATE, 'w', "UPDATE"}, {ACL_DELETE, 'd', "DELETE"},
    {ACL_TRUNCATE, 'D', "TRUNCATE"}, {ACL_REFERENCES, 'x', "REFERENCES"}, {ACL_TRIGGER, 't', "TRIGGER"},
    {ACL_EXECUTE, 'X', "EXECUTE"}, {ACL_USAGE, 'U', "USAGE"}, {ACL_CREATE, 'C', "CREATE"}, {ACL_CREATE_TEMP, 'T', "TEMPORARY"},
    {ACL_CONNECT, 'c', "CONNECT"}, {ACL_SET, 's', "SET"}, {ACL_ALTER_SYSTEM, 'A', "ALTER SYSTEM"},
};
enum { NPRIVS = sizeof privileges / sizeof privileges[0] };

const char *acl_letters(uint32_t privs, bool with_stars, Arena *arena)
{
    char *out = arena_alloc(arena, 2 * NPRIVS + 1), *p = out;
    if (!out) return NULL;
    for (int i = 0; i < NPRIVS; i++) {
        if (!(privs & privileges[i].bit)) continue;
        *p++ = privileges[i].letter;
        if (with_stars && (privs & ACL_GRANT(privileges[i].bit))) *p++ = '*';
    }
    *p = 0;
    return out;
}

uint32_t acl_parse_letters(const char *letters)
{
    uint32_t privs = 0, last = 0;
    for (const char *p = letters; p && *p; p++) {
        if (*p == '*') privs |= ACL_GRANT(last);
        for (int i = 0; i < NPRIVS; i++)
            if (privileges[i].letter == *p) privs |= last = privileges[i].bit;
    }
    return privs;
}

uint32_t acl_privilege_by_name(const char *name, size_t len)
{
    while (len && isspace((unsigned char)*name)) name++, len--;
    while (len && isspace((unsigned char)name[len - 1])) len--;
    if (len == 4 && !strncasecmp(name, "TEMP", 4)) return ACL_CREATE_TEMP;
    for (int i = 0; i < NPRIVS; i++)
        if (strlen(privileges[i].name) == len && !strncasecmp(privileges[i].name, name, len)) return privileges[i].bit;
    return 0;
}

const char *acl_privilege_name(uint32_t bit)
{
    for (int i = 0; i < NPRIVS; i++)
        if (privileges[i].bit == bit) return privileges[i].name;
    return NULL;
}

Datum acl_make(Arena *arena, const AclItem *items, int n)
{
    Datum *values = arena_alloc(arena, (size_t)(n ? n : 1) * sizeof *values);
    if (!values) return 0;
    for (int i = 0; i < n; i++) {
        char grantee[16] = "";
        if (items[i].grantee) snprintf(grantee, sizeof grantee, "#%u", items[i].grantee);
        const char *text = arena_printf(arena, "%s=%s/#%u", grantee, acl_letters(items[i].privs, true, arena), items[i].grantor);
        if (!text || !(values[i] = varlena_cstr(arena, text))) return 0;
    }
    return cat_array_build(arena, TYPE_aclitem, values, n);
}

Datum cat_acl_public(Arena *arena, Oid owner, const char *owner_letters, const char *public_letters)
{
    AclItem items[2] = {{owner, owner, acl_parse_letters(owner_letters)}, {0, owner, acl_parse_letters(public_letters)}};
    return acl_make(arena, items, public_letters ? 2 : 1);
}

/* A role as an item spells it: "", "#10", name or "quoted name". Stops at '=' , '/' or the end. */
static STATUS read_role(SessionEnv *env, const char **pos, Arena *arena, Oid *out, Error *err)
{
    const char *p = *pos;
    char name[128];
    size_t n = 0;
    *out = 0;
    if (*p == '#') {
        char *end;
        *out = (Oid)strtoul(p + 1, &end, 10);
        *pos = end;
        return ST_OK;
    }
    bool quoted = *p == '"';
    for (p += quoted; *p && (quoted || (*p != '=' && *p != '/')); p++) {
        if (*p == '"' && p[1] != '"') {
            p++;
            break;
        }
        if (*p == '"') p++;
        if (n < sizeof name - 1) name[n++] = *p;
    }
    name[n] = 0;
    *pos = p;
    return n ? lookup_role(env, name, false, out, err) : ST_OK;
}

static STATUS read_item(SessionEnv *env, const char *text, Arena *arena, AclItem *out, Error *err)
{
    TRY(read_role(env, &text, arena, &out->grantee, err));
    const char *letters = *text == '=' ? text + 1 : text, *slash = strchr(letters, '/');
    char *copy = arena_strndup(arena, letters, slash ? (size_t)(slash - letters) : strlen(letters));
    TRY_MEM(copy, err);
    out->privs = acl_parse_letters(copy);
    out->grantor = 0;
    if (slash) {
        slash++;
        TRY(read_role(env, &slash, arena, &out->grantor, err));
    }
    return ST_OK;
}

STATUS acl_items(SessionEnv *env, Arena *arena, Datum acl, const AclItem **items, int *n, Error *err)
{
    const char *const *texts;
    AclItem *out;
    *items = NULL;
    *n = 0;
    if (!acl) return ST_OK;
    TRY(cat_get_texts(arena, acl, &texts, n, err));
    TRY_NEW_N(out, arena, *n ? *n : 1, err);
    for (int i = 0; i < *n; i++) TRY(read_item(env, texts[i], arena, &out[i], err));
    *items = out;
    return ST_OK;
}

static const char *cached_role_name(SessionEnv *env, Oid role, Arena *arena)
{
    CatSession *cs = env->cat;
    for (int i = 0; i < cs->nrole_names; i++)
        if (cs->role_names[i].role == role) return cs->role_names[i].name;
    const char *name = role_name_of(env, role, arena);
    if (!name || cs->nrole_names == 8) return name;
    cs->role_names[cs->nrole_names].role = role;
    snprintf(cs->role_names[cs->nrole_names].name, 64, "%s", name);
    return cs->role_names[cs->nrole_names++].name;
}

static const char *role_text(SessionEnv *env, Oid role, Arena *arena)
{
    const char *name = role ? cached_role_name(env, role, arena) : "";
    if (!name) return arena_printf(arena, "%u", role);
    for (const char *p = name; *p; p++)
        if (!isalnum((unsigned char)*p) && *p != '_') { /* as putid writes it: quotes where a plain word would not do */
            const char *q = quote_identifier(arena, name);
            return q && *q == '"' ? q : arena_printf(arena, "\"%s\"", name);
        }
    return name;
}

STATUS acl_for_display(SessionEnv *env, Arena *arena, Datum acl, Datum *out, Error *err)
{
    const AclItem *items;
    Datum *values;
    int n;
    TRY(acl_items(env, arena, acl, &items, &n, err));
    TRY_NEW_N(values, arena, n ? n : 1, err);
    for (int i = 0; i < n; i++) {
        const char *text = arena_printf(arena, "%s=%s/%s", role_text(env, items[i].grantee, arena), acl_letters(items[i].privs, true, arena),
                                        role_text(env, items[i].grantor, arena));
        TRY_MEM(text, err);
        values[i] = varlena_cstr(arena, text);
        TRY_MEM(values[i], err);
    }
    *out = cat_array_build(arena, TYPE_aclitem, values, n);
    return *out ? ST_OK : error_out_of_memory(err, 0);
}

/* What an object's owner and PUBLIC may do when its list is null. */
static void default_privileges(Oid classid, char relkind, uint32_t *owner, uint32_t *public)
{
    *owner = *public = 0;
    switch (classid) {
    case REL_pg_class: *owner = relkind == 'S' ? ACL_ALL_SEQUENCE : ACL_ALL_RELATION; break;
    case REL_pg_database: *owner = ACL_ALL_DATABASE; *public = ACL_CREATE_TEMP | ACL_CONNECT; break;
    case REL_pg_namespace: *owner = ACL_ALL_SCHEMA; break;
    case REL_pg_proc: *owner = *public = ACL_EXECUTE; break;
    case REL_pg_type: case REL_pg_language: *owner = *public = ACL_USAGE; break;
    case REL_pg_tablespace: *owner = ACL_CREATE; break;
    default: break;
    }
}

STATUS acl_default(Oid classid, char relkind, Oid owner, Arena *arena, Datum *out, Error *err)
{
    AclItem items[2];
    uint32_t mine, all;
    int n = 0;
    default_privileges(classid, relkind, &mine, &all);
    if (all) items[n++] = (AclItem){0, owner, all};
    if (mine) items[n++] = (AclItem){owner, owner, mine};
    *out = acl_make(arena, items, n);
    return *out ? ST_OK : error_out_of_memory(err, 0);
}

/* ---- roles ---- */
typedef struct Membership { SessionEnv *env; Arena arena; IntVec seen; bool inherit_only; } Membership;

static bool role_inherits(SessionEnv *env, Oid role, Arena *arena)
{
    const void *form;
    return !failed(cat_get_by_oid(env, REL_pg_authid, IDX_authid_oid, role, arena, &form, NULL)) && form &&
           ((const Form_pg_authid *)form)->rolinherit;
}

static STATUS add_memberships(Membership *m, Oid member, Error *err)
{
    CatScan *scan = NULL;
    const void *form;
    Datum key = datum_oid(member);
    Status st = cat_scan_open(m->env, REL_pg_auth_members, IDX_auth_members_member_role, 1, &key, &m->arena, &scan, err);
    while (!failed(st)) {
        st = cat_scan_next(scan, &form, err);
        if (failed(st) || !form) break;
        Oid role = ((const Form_pg_auth_members *)form)->roleid;
        if (!intvec_contains(&m->seen, role) && !intvec_push(&m->seen, &m->arena, role)) st = error_out_of_memory(err, 0);
    }
    cat_scan_close(scan);
    return st;
}

static bool reaches(SessionEnv *env, Oid role, Oid of, bool inherit_only)
{
    Membership m = {.env = env, .inherit_only = inherit_only};
    bool found = false;
    if (role == of || role_is_superuser(env, role)) return true;
    arena_init(&m.arena, env->account, 0);
    bool ok = intvec_push(&m.seen, &m.arena, role);
    for (int i = 0; ok && i < m.seen.len && !found; i++) {
        Oid r = (Oid)m.seen.v[i];
        found = r == of;
        if (!found && (!inherit_only || role_inherits(env, r, &m.arena))) ok = !failed(add_memberships(&m, r, NULL));
    }
    arena_destroy(&m.arena);
    return found;
}

bool role_is_member(SessionEnv *env, Oid role, Oid of) { return reaches(env, role, of, false); }
bool role_has_privs_of(SessionEnv *env, Oid role, Oid of) { return reaches(env, role, of, true); }

bool role_is_superuser(SessionEnv *env, Oid role)
{
    Arena tmp;
    const void *form;
    if (role == env->current_user) return env->is_superuser;
    arena_init(&tmp, env->account, 0);
    bool super = !failed(cat_get_by_oid(env, REL_pg_authid, IDX_authid_oid, role, &tmp, &form, NULL)) && form &&
                 ((const Form_pg_authid *)form)->rolsuper;
    arena_destroy(&tmp);
    return super;
}

/* ---- objects: where each class keeps name, owner and list ---- */
typedef struct Owned { Oid classid, index; int owner_att, acl_att, name_att; const char *what; } Owned;
static const Owned owned[] = {
    {REL_pg_class, IDX_class_oid, ATT_pg_class_relowner, ATT_pg_class_relacl, ATT_pg_class_relname, "table"},
    {REL_pg_proc, IDX_proc_oid, ATT_pg_proc_proowner, ATT_pg_proc_proacl, ATT_pg_proc_proname, "function"},
    {REL_pg_namespace, IDX_namespace_oid, ATT_pg_namespace_nspowner, ATT_pg_namespace_nspacl, ATT_pg_namespace_nspname, "schema"},
    {REL_pg_database, IDX_database_oid, ATT_pg_database_datdba, ATT_pg_database_datacl, ATT_pg_database_datname, "database"},
    {REL_pg_type, IDX_type_oid, ATT_pg_type_typowner, ATT_pg_type_typacl, ATT_pg_type_typname, "type"},
    {REL_pg_language, 2682, ATT_pg_language_lanowner, ATT_pg_language_lanacl, ATT_pg_language_lanname, "language"},
    {REL_pg_operator, IDX_operator_oid, ATT_pg_operator_oprowner, 0, ATT_pg_operator_oprname, "operator"},
    {REL_pg_collation, IDX_collation_oid, ATT_pg_collation_collowner, 0, ATT_pg_collation_collname, "collation"},
    {REL_pg_extension, 3080, ATT_pg_extension_extowner, 0, ATT_pg_extension_extname, "extension"},
    {REL_pg_tablespace, 2697, ATT_pg_tablespace_spcowner, ATT_pg_tablespace_spcacl, ATT_pg_tablespace_spcname, "tablespace"},
};

static const Owned *find_owned(Oid classid)
{
    for (size_t i = 0; i < sizeof owned / sizeof owned[0]; i++)
        if (owned[i].classid == classid) return &owned[i];
    return NULL;
}

static const void *form_field(const Owned *o, const void *form, int att)
{
    return (const char *)form + catform_fields(catform_find(o->classid))[att - 1].offset;
}

static const char *object_kind(const Owned *o, const void *form)
{
    if (o->classid != REL_pg_class) return o->what;
    switch (((const Form_pg_class *)form)->relkind) {
    case 'v': return "view";
    case 'm': return "materialized view";
    case 'i': case 'I': return "index";
    case 'S': return "sequence";
    case 'f': return "foreign table";
    default: return "table";
    }
}

static uint32_t privileges_in(SessionEnv *env, Datum acl, Oid owner, Oid role, uint32_t want, Arena *tmp)
{
    const AclItem *items;
    int n;
    uint32_t got = 0;
    if (failed(acl_items(env, tmp, acl, &items, &n, NULL))) return 0;
    if ((want & ~0xFFFFu) && role_has_privs_of(env, role, owner)) got |= want & ~0xFFFFu; /* owners hold all grant options */
    for (int i = 0; i < n && (got & want) != want; i++) {
        if (!(items[i].privs & want & ~got)) continue;
        if (items[i].grantee == 0 || role_has_privs_of(env, role, items[i].grantee)) got |= items[i].privs & want;
    }
    return got;
}

/* Roles that read or write everything. */
static uint32_t blanket(SessionEnv *env, Oid role, uint32_t want)
{
    uint32_t got = 0;
    if ((want & ACL_SELECT) && role_has_privs_of(env, role, 6181)) got |= ACL_SELECT;                                 /* pg_read_all_data */
    uint32_t write = want & (ACL_INSERT | ACL_UPDATE | ACL_DELETE);
    if (write && role_has_privs_of(env, role, 6182)) got |= write;                                                    /* pg_write_all_data */
    return got;
}

static uint32_t object_privileges(SessionEnv *env, const Owned *o, const void *form, Oid role, uint32_t want, Arena *tmp)
{
    Oid owner = *(const Oid *)form_field(o, form, o->owner_att);
    Datum acl = o->acl_att ? *(const Datum *)form_field(o, form, o->acl_att) : 0;
    uint32_t mine, all, got;
    if (acl) {
        got = privileges_in(env, acl, owner, role, want, tmp);
    } else {
        default_privileges(o->classid, o->classid == REL_pg_class ? ((const Form_pg_class *)form)->relkind : 0, &mine, &all);
        got = all & want;
        if ((got & want) != want && role_has_privs_of(env, role, owner)) got |= want & (mine | ACL_GRANT(mine));
    }
    if (o->classid == REL_pg_class && (got & want) != want) got |= blanket(env, role, want & ~got);
    if (o->classid == REL_pg_namespace && (want & ~got & ACL_USAGE) &&
        (role_has_privs_of(env, role, 6181) || role_has_privs_of(env, role, 6182)))
        got |= ACL_USAGE;
    return got;
}

uint32_t acl_object(SessionEnv *env, Oid classid, Oid objid, Oid role, uint32_t want)
{
    const Owned *o = find_owned(classid);
    const void *form;
    Arena tmp;
    uint32_t got = 0;
    if (!o) return 0;
    arena_init(&tmp, env->account, 0);
    if (!failed(cat_get_by_oid(env, classid, o->index, objid, &tmp, &form, NULL)) && form)
        got = role_is_superuser(env, role) ? want : object_privileges(env, o, form, role, want, &tmp);
    arena_destroy(&tmp);
    return got;
}

uint32_t acl_relation(SessionEnv *env, Oid relation, Oid role, uint32_t want) { return acl_object(env, REL_pg_class, relation, role, want); }

uint32_t acl_column(SessionEnv *env, Oid relation, int attnum, Oid role, uint32_t want)
{
    uint32_t got = acl_relation(env, relation, role, want);
    Datum keys[2] = {datum_oid(relation), datum_i16((int16_t)attnum)};
    const void *form;
    Arena tmp;
    if ((got & want) == want || attnum <= 0) return got;
    arena_init(&tmp, env->account, 0);
    if (!failed(cat_get(env, REL_pg_attribute, IDX_attribute_relid_attnum, 2, keys, &tmp, &form, NULL)) && form) {
        const Form_pg_attribute *a = form;
        if (a->attacl && !a->attisdropped) got |= privileges_in(env, a->attacl, 0, role, want, &tmp);
    }
    arena_destroy(&tmp);
    return got;
}

static STATUS denied(SessionEnv *env, Oid classid, Oid objid, const char *format_denied, Error *err)
{
    const Owned *o = find_owned(classid);
    const void *form = NULL;
    Arena tmp;
    arena_init(&tmp, env->account, 0);
    Status st = o ? cat_get_by_oid(env, classid, o->index, objid, &tmp, &form, err) : ST_OK;
    if (!failed(st)) {
        const char *name = form ? *(const char *const *)form_field(o, form, o->name_att) : "???";
        const char *kind = form ? object_kind(o, form) : "object";
        st = error_set(err, ERR_INSUFFICIENT_PRIVILEGE, "%s %s %s", format_denied, kind, name);
    }
    arena_destroy(&tmp);
    return st;
}

STATUS acl_denied(SessionEnv *env, Oid classid, Oid objid, Error *err) { return denied(env, classid, objid, "permission denied for", err); }

STATUS acl_check_relation(SessionEnv *env, Oid relation, uint32_t want, bool any, Error *err)
{
    if (env->is_superuser || !want) return ST_OK;
    uint32_t got = acl_relation(env, relation, env->current_user, want);
    if (any ? (got & want) != 0 : (got & want) == want) return ST_OK;
    return denied(env, REL_pg_class, relation, "permission denied for", err);
}

STATUS acl_check_object(SessionEnv *env, Oid classid, Oid objid, uint32_t want, Error *err)
{
    if (env->is_superuser) return ST_OK;
    if ((acl_object(env, classid, objid, env->current_user, want) & want) == want) return ST_OK;
    return denied(env, classid, objid, "permission denied for", err);
}

STATUS owner_check(SessionEnv *env, Oid classid, Oid objid, Error *err)
{
    const Owned *o = find_owned(classid);
    const void *form = NULL;
    Arena tmp;
    if (env->is_superuser || !o) return ST_OK;
    arena_init(&tmp, env->account, 0);
    Status st = cat_get_by_oid(env, classid, o->index, objid, &tmp, &form, err);
    bool mine = !failed(st) && form && role_has_privs_of(env, env->current_user, *(const Oid *)form_field(o, form, o->owner_att));
    arena_destroy(&tmp);
    if (failed(st) || mine) return st;
    return denied(env, classid, objid, "must be owner of", err);
}
