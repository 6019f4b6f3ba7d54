/* Names, owners and small reads that all defining commands share. */
#include <stdlib.h>

#include "commands/ddl_internal.h"

/* The longest prefix of at most n bytes that ends between characters. */
static int clip(const char *s, int len, int n)
{
    if (len <= n) return len;
    while (n > 0 && ((unsigned char)s[n] & 0xC0) == 0x80) n--;
    return n;
}

const char *ddl_object_name(Arena *arena, const char *name1, const char *name2, const char *label)
{
    int len1 = (int)strlen(name1), len2 = name2 ? (int)strlen(name2) : 0;
    int overhead = (name2 ? 1 : 0) + (label ? 1 + (int)strlen(label) : 0), room = NAME_BYTES - overhead;
    while (len1 + len2 > room) {
        if (len1 > len2) len1--;
        else len2--;
    }
    len1 = clip(name1, (int)strlen(name1), len1);
    if (name2) len2 = clip(name2, (int)strlen(name2), len2);
    return arena_printf(arena, "%.*s%s%.*s%s%s", len1, name1, name2 ? "_" : "", len2, name2 ? name2 : "", label ? "_" : "", label ? label : "");
}

STATUS ddl_constraint_name_used(SessionEnv *env, const char *name, Oid nsp, bool *used, Error *err)
{
    Arena tmp;
    const void *form = NULL;
    arena_init(&tmp, env->account, 0);
    Datum keys[2] = {cat_name_key(&tmp, name), datum_oid(nsp)};
    Status st = keys[0] ? cat_get(env, REL_pg_constraint, IDX_constraint_conname_nsp, 2, keys, &tmp, &form, err) : error_out_of_memory(err, 0);
    *used = !failed(st) && form;
    arena_destroy(&tmp);
    return st;
}

STATUS ddl_choose_relation_name(SessionEnv *env, const char *name1, const char *name2, const char *label, Oid nsp, bool is_constraint, Arena *arena,
                                const char **out, Error *err)
{
    const char *mod = label;
    for (int pass = 1;; pass++) {
        bool used = false;
        *out = ddl_object_name(arena, name1, name2, mod);
        TRY_MEM(*out, err);
        if (lookup_relname_in(env, *out, nsp)) used = true;
        else if (is_constraint) TRY(ddl_constraint_name_used(env, *out, nsp, &used, err));
        if (!used) return ST_OK;
        mod = arena_printf(arena, "%s%d", label ? label : "", pass);
        TRY_MEM(mod, err);
    }
}

STATUS ddl_choose_constraint_name(SessionEnv *env, const char *name1, const char *name2, const char *label, Oid nsp, Arena *arena, const char **out,
                                  Error *err)
{
    const char *mod = label;
    for (int pass = 1;; pass++) {
        bool used;
        *out = ddl_object_name(arena, name1, name2, mod);
        TRY_MEM(*out, err);
        TRY(ddl_constraint_name_used(env, *out, nsp, &used, err));
        if (!used) return ST_OK;
        mod = arena_printf(arena, "%s%d", label, pass);
        TRY_MEM(mod, err);
    }
}

STATUS ddl_constraint_by_name(SessionEnv *env, Oid relation, const char *name, Arena *arena, const Form_pg_constraint **out, Error *err)
{
    Datum keys[3] = {datum_oid(relation), datum_oid(0), cat_name_key(arena, name)};
    const void *form;
    TRY_MEM(keys[2], err);
    TRY(cat_get(env, REL_pg_constraint, IDX_constraint_conrelid_contypid_conname, 3, keys, arena, &form, err));
    *out = form;
    return ST_OK;
}

STATUS ddl_split_name(const Node *names, const char **schema, const char **name, Error *err)
{
    if (IsA(names, TypeName)) names = (const Node *)((const TypeName *)names)->names;
    if (IsA(names, ObjectWithArgs)) names = (const Node *)((const ObjectWithArgs *)names)->objname;
    *schema = NULL;
    if (IsA(names, String)) {
        *name = ((const String *)names)->sval;
        return ST_OK;
    }
    const List *list = (const List *)names;
    int n = list_len(list);
    if (n < 1 || n > 3) return error_set(err, ERR_SYNTAX_ERROR, "improper qualified name (too many dotted names)");
    *name = ((String *)list_at(list, n - 1))->sval;
    if (n > 1) *schema = ((String *)list_at(list, n - 2))->sval;
    return ST_OK;
}

STATUS ddl_role(SessionEnv *env, const RoleSpec *spec, Oid *out, Error *err)
{
    switch (spec->roletype) {
    case 0: return lookup_role(env, spec->rolename, false, out, err);
    case 1: case 2: *out = env->current_user; return ST_OK;
    case 3: *out = env->session_user; return ST_OK;
    default: *out = 0; return ST_OK;
    }
}

STATUS ddl_check_can_become(SessionEnv *env, Oid role, Error *err)
{
    if (role_is_member(env, env->current_user, role)) return ST_OK;
    Arena tmp;
    arena_init(&tmp, env->account, 0);
    const char *name = role_name_of(env, role, &tmp);
    error_set(err, ERR_INSUFFICIENT_PRIVILEGE, "must be member of role \"%s\"", name ? name : "???");
    arena_destroy(&tmp);
    return ST_FAILED;
}

STATUS ddl_creation_namespace(SessionEnv *env, const char *database, const char *schema, bool temporary, Oid *out, Error *err)
{
    if (database && strcmp(database, env->database_name))
        return error_set(err, ERR_FEATURE_NOT_SUPPORTED, "cross-database references are not implemented: \"%s.%s\"", database, schema ? schema : "");
    TRY(lookup_creation_namespace(env, schema, temporary, out, err));
    enum { INFORMATION_SCHEMA = 13207 };
    if (*out == INFORMATION_SCHEMA) { /* its contents are made by the server */
        error_set(err, ERR_INSUFFICIENT_PRIVILEGE, "permission denied to create in schema \"%s\"", "information_schema");
        return error_detail(err, "System catalog modifications are currently disallowed.");
    }
    if (*out == temp_namespace_of(env)) return acl_check_object(env, REL_pg_database, env->database_oid, ACL_CREATE_TEMP, err);
    return acl_check_object(env, REL_pg_namespace, *out, ACL_CREATE, err);
}

const char *relkind_word(char relkind)
{
    switch (relkind) {
    case 'i': case 'I': return "index";
    case 'S': return "sequence";
    case 'v': return "view";
    case 'm': return "materialized view";
    case 'c': return "composite type";
    case 'f': return "foreign table";
    default: return "table";
    }
}

const char *relkind_words(char relkind)
{
    switch (relkind) {
    case 'i': return "indexes";
    case 'I': return "partitioned indexes";
    case 'S': return "sequences";
    case 'v': return "views";
    case 'm': return "materialized views";
    case 'c': return "composite types";
    case 'f': return "foreign tables";
    case 'p': return "partitioned tables";
    default: return "tables";
    }
}

STATUS ddl_check_owner(SessionEnv *env, const Relation *rel, Error *err)
{
    if (rel->oid < FIRST_NORMAL_OID)
        return error_set(err, ERR_INSUFFICIENT_PRIVILEGE, "permission denied: \"%s\" is a system catalog", rel->name);
    if (env->is_superuser || role_has_privs_of(env, env->current_user, rel->owner)) return ST_OK;
    return error_set(err, ERR_INSUFFICIENT_PRIVILEGE, "must be owner of %s %s", relkind_word(rel->relkind), rel->name);
}

STATUS ddl_open_owned(SessionEnv *env, const RangeVar *rv, LockMode lock, const char *kinds, const char *what, bool missing_ok, const Relation **out,
                      Error *err)
{
    TRY(rangevar_relation(env, rv, lock, missing_ok, out, err));
    if (!*out) return ST_OK;
    if (!strchr(kinds, (*out)->relkind)) return error_set(err, ERR_WRONG_OBJECT_TYPE, "\"%s\" is not %s", (*out)->name, what);
    return ddl_check_owner(env, *out, err);
}

STATUS ddl_class(SessionEnv *env, Oid relation, Arena *arena, Form_pg_class *out, Error *err)
{
    const void *form;
    TRY(cat_get_by_oid(env, REL_pg_class, IDX_class_oid, relation, arena, &form, err));
    if (!form) return error_set(err, ERR_INTERNAL_ERROR, "cache lookup failed for relation %u", relation);
    *out = *(const Form_pg_class *)form;
    return ST_OK;
}

STATUS ddl_attribute(SessionEnv *env, Oid relation, int attnum, Arena *arena, Form_pg_attribute *out, Error *err)
{
    Datum keys[2] = {datum_oid(relation), datum_i16((int16_t)attnum)};
    const void *form;
    TRY(cat_get(env, REL_pg_attribute, IDX_attribute_relid_attnum, 2, keys, arena, &form, err));
    if (!form) return error_set(err, ERR_INTERNAL_ERROR, "cache lookup failed for attribute %d of relation %u", attnum, relation);
    *out = *(const Form_pg_attribute *)form;
    return ST_OK;
}

STATUS ddl_type_form(SessionEnv *env, Oid type, Arena *arena, const Form_pg_type **out, Error *err)
{
    const void *form;
    TRY(cat_get_by_oid(env, REL_pg_type, IDX_type_oid, type, arena, &form, err));
    if (!form) return error_set(err, ERR_INTERNAL_ERROR, "cache lookup failed for type %u", type);
    *out = form;
    return ST_OK;
}

STATUS ddl_node_text(const void *node, Arena *arena, const char **out, Error *err)
{
    StrBuf sb;
    strbuf_init(&sb, arena);
    TRY(node_dump(node, &sb, err));
    TRY(strbuf_check(&sb, err));
    *out = strbuf_cstr(&sb);
    return ST_OK;
}

STATUS ddl_column(const Relation *rel, const char *name, int *attnum, Error *err)
{
    *attnum = relation_find_column(rel, name);
    if (*attnum == 0) return error_set(err, ERR_UNDEFINED_COLUMN, "column \"%s\" of relation \"%s\" does not exist", name, rel->name);
    if (*attnum < 0) return error_set(err, ERR_FEATURE_NOT_SUPPORTED, "cannot alter system column \"%s\"", name);
    return ST_OK;
}

STATUS ddl_eval(SessionEnv *env, Node *expr, Arena *arena, Datum *value, bool *isnull, Error *err)
{
    ExprProgram *prog;
    ExprContext ec = {.tuple_arena = arena, .query_arena = arena, .env = env};
    TRY(expr_compile(env, expr, arena, &prog, err));
    return expr_eval(prog, &ec, value, isnull, err);
}

Status ddl_at(const char *sql, int location, Error *err)
{
    int position = 1;
    if (!sql || location < 0) return ST_FAILED;
    for (int i = 0; i < location && sql[i]; i++) position += ((unsigned char)sql[i] & 0xC0) != 0x80;
    return error_position(err, position);
}

String *ddl_string(Arena *arena, const char *text)
{
    String *s = node_new(String, arena);
    if (s) s->sval = (char *)text;
    return s;
}

/* ---- storage parameters: checked, kept and shown; few of them mean something to this store ---- */
static const char *const known_options[] = {
    "autovacuum_analyze_scale_factor", "autovacuum_analyze_threshold", "autovacuum_enabled", "autovacuum_freeze_max_age", "autovacuum_freeze_min_age",
    "autovacuum_freeze_table_age", "autovacuum_multixact_freeze_max_age", "autovacuum_multixact_freeze_min_age", "autovacuum_multixact_freeze_table_age",
    "autovacuum_vacuum_cost_delay", "autovacuum_vacuum_cost_limit", "autovacuum_vacuum_insert_scale_factor", "autovacuum_vacuum_insert_threshold",
    "autovacuum_vacuum_scale_factor", "autovacuum_vacuum_threshold", "check_option", "deduplicate_items", "fastupdate", "fillfactor", "log_autovacuum_min_duration",
    "parallel_workers", "security_barrier", "security_invoker", "toast_tuple_target", "user_catalog_table", "vacuum_index_cleanup", "vacuum_truncate",
    "buffering", "pages_per_range", "autosummarize", "gin_pending_list_limit"};

static STATUS check_option(const DefElem *item, bool reset, Error *err)
{
    if (item->defnamespace && strcmp(item->defnamespace, "toast"))
        return error_set(err, ERR_INVALID_PARAMETER_VALUE, "unrecognized parameter namespace \"%s\"", item->defnamespace);
    for (size_t i = 0; i < sizeof known_options / sizeof known_options[0]; i++)
        if (!strcmp(known_options[i], item->defname)) {
            if (strcmp(item->defname, "fillfactor") || reset) return ST_OK;
            const char *v = def_string(item);
            long n = v ? strtol(v, NULL, 10) : 0;
            if (n >= 10 && n <= 100) return ST_OK;
            error_set(err, ERR_INVALID_PARAMETER_VALUE, "value %s out of bounds for option \"fillfactor\"", v ? v : "");
            return error_detail(err, "Valid values are between \"10\" and \"100\".");
        }
    return error_set(err, ERR_INVALID_PARAMETER_VALUE, "unrecognized parameter \"%s\"", item->defname);
}

STATUS ddl_reloptions(Datum old, const List *items, bool reset, Arena *arena, Datum *out, Error *err)
{
    const char *const *texts = NULL;
    PtrVec keep = {0};
    int n = 0;
    if (old) TRY(cat_get_texts(arena, old, &texts, &n, err));
    for (int i = 0; i < n; i++) {
        bool replaced = false;
        LIST_EACH(DefElem *, item, items) {
            size_t len = strlen(item->defname);
            replaced = replaced || (!strncmp(texts[i], item->defname, len) && texts[i][len] == '=');
        }
        if (!replaced && !ptrvec_push(&keep, arena, (void *)texts[i])) return error_out_of_memory(err, 0);
    }
    LIST_EACH(DefElem *, item, items) {
        const char *value = def_string(item);
        TRY(check_option(item, reset, err));
        if (reset || item->defnamespace) continue;
        char *text = arena_printf(arena, "%s=%s", item->defname, value ? value : "true");
        TRY_MEM(text, err);
        if (!ptrvec_push(&keep, arena, text)) return error_out_of_memory(err, 0);
    }
    *out = keep.len ? cat_text_array(arena, (const char *const *)keep.v, keep.len) : 0;
    return keep.len && !*out ? error_out_of_memory(err, 0) : ST_OK;
}
