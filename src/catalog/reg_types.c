/* reg* types, type names and quoting. */
#include "catalog/reg_types.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "catalog/catalog_internal.h"
#include "catalog/deparse.h"
#include "catalog/name_lookup.h"

/* ---- identifiers ---- */
static const struct { char word[24]; char cat; } keywords[] = {
#define KEYWORD(word, cat, bare, catdesc, baredesc) {word, cat},
#include "catalog/keywords.def"
};

static int compare_keyword(const void *key, const void *row) { return strcmp(key, ((const typeof(keywords[0]) *)row)->word); }

static bool needs_quotes(const char *name)
{
    if (!((*name >= 'a' && *name <= 'z') || *name == '_')) return true;
    for (const char *p = name; *p; p++)
        if (!((*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9') || *p == '_')) return true;
    const typeof(keywords[0]) *k = bsearch(name, keywords, sizeof keywords / sizeof keywords[0], sizeof keywords[0], compare_keyword);
    return k && k->cat != 'U';
}

const char *quote_identifier(Arena *arena, const char *name)
{
    size_t n = strlen(name);
    if (!needs_quotes(name)) return name;
    char *out = arena_alloc(arena, 2 * n + 3), *p = out;
    if (!out) return NULL;
    *p++ = '"';
    for (const char *s = name; *s; s++) {
        if (*s == '"') *p++ = '"';
        *p++ = *s;
    }
    *p++ = '"';
    *p = 0;
    return out;
}

const char *quote_literal_text(Arena *arena, const char *s)
{
    bool escape = strchr(s, '\\') != NULL;
    char *out = arena_alloc(arena, 2 * strlen(s) + 4), *p = out;
    if (!out) return NULL;
    if (escape) *p++ = 'E';
    *p++ = '\'';
    for (; *s; s++) {
        if (*s == '\'' || *s == '\\') *p++ = *s;
        *p++ = *s;
    }
    *p++ = '\'';
    *p = 0;
    return out;
}

STATUS parse_qualified_name(const char *text, Arena *arena, const char **parts, int max, int *n, Error *err)
{
    const char *p = text;
    *n = 0;
    for (;;) {
        while (isspace((unsigned char)*p)) p++;
        char *out = arena_alloc(arena, strlen(p) + 1), *o = out;
        TRY_MEM(out, err);
        if (*p == '"') {
            bool closed = false;
            for (p++; *p; p++) {
                if (*p == '"' && p[1] != '"') {
                    closed = true;
                    p++;
                    break;
                }
                if (*p == '"') p++;
                *o++ = *p;
            }
            if (!closed || o == out) return error_set(err, ERR_INVALID_NAME, "invalid name syntax");
        } else {
            while (*p && *p != '.' && !isspace((unsigned char)*p) && *p != '"') *o++ = (char)tolower((unsigned char)*p++);
            if (o == out) return error_set(err, ERR_INVALID_NAME, "invalid name syntax");
        }
        *o = 0;
        if (o - out > 63) out[63] = 0;
        if (*n == max) return error_set(err, ERR_SYNTAX_ERROR, "improper qualified name (too many dotted names): %s", text);
        parts[(*n)++] = out;
        while (isspace((unsigned char)*p)) p++;
        if (!*p) return ST_OK;
        if (*p++ != '.') return error_set(err, ERR_INVALID_NAME, "invalid name syntax");
    }
}

/* ---- type names ---- */
static const struct { const char *sql; Oid type; } sql_names[] = {
    {"bigint", TYPE_int8}, {"int", TYPE_int4}, {"integer", TYPE_int4}, {"smallint", TYPE_int2}, {"boolean", TYPE_bool},
    {"real", TYPE_float4}, {"double precision", TYPE_float8}, {"float", TYPE_float8}, {"decimal", TYPE_numeric}, {"dec", TYPE_numeric},
    {"numeric", TYPE_numeric}, {"character varying", TYPE_varchar}, {"char varying", TYPE_varchar}, {"national character varying", TYPE_varchar},
    {"character", TYPE_bpchar}, {"char", TYPE_bpchar}, {"nchar", TYPE_bpchar}, {"national character", TYPE_bpchar},
    {"bit varying", TYPE_varbit}, {"bit", TYPE_bit}, {"time", TYPE_time}, {"time without time zone", TYPE_time},
    {"time with time zone", TYPE_timetz}, {"timestamp", TYPE_timestamp}, {"timestamp without time zone", TYPE_timestamp},
    {"timestamp with time zone", TYPE_timestamptz}, {"interval", TYPE_interval},
};

/* text without modifiers and brackets; modifiers are appended to `args`. */
static STATUS split_type_name(const char *text, Arena *arena, char **base, const char **args, int *nargs, int *dims, Error *err)
{
    char *out = arena_zalloc(arena, strlen(text) + 1), *o = out;
    TRY_MEM(out, err);
    *nargs = *dims = 0;
    for (const char *p = text; *p;) {
        if (*p == '"') {
            do *o++ = *p++;
            while (*p && *p != '"');
            if (*p) *o++ = *p++;
        } else if (*p == '(') {
            for (p++; *p && *p != ')';) {
                size_t len = strcspn(p, ",)");
                const char *start = p;
                while (len && isspace((unsigned char)*start)) start++, len--;
                if (*nargs == 2) return error_set(err, ERR_SYNTAX_ERROR, "invalid type name \"%s\"", text);
                args[(*nargs)++] = arena_strndup(arena, start, len);
                p += strcspn(p, ",)");
                if (*p == ',') p++;
            }
            if (*p) p++;
        } else if (*p == '[') {
            p += strcspn(p, "]");
            if (*p) p++;
            ++*dims;
        } else if (isspace((unsigned char)*p)) {
            if (o > out && o[-1] != ' ') *o++ = ' ';
            p++;
        } else {
            *o++ = *p++;
        }
    }
    while (o > out && o[-1] == ' ') *--o = 0;
    *base = out;
    return ST_OK;
}

static STATUS named_type(SessionEnv *env, char *base, Arena *tmp, bool missing_ok, Oid *out, Error *err)
{
    const char *parts[3];
    int n;
    if (!strchr(base, '"') && !strchr(base, '.')) {
        for (char *c = base; *c; c++) *c = (char)tolower((unsigned char)*c);
        for (size_t i = 0; i < sizeof sql_names / sizeof sql_names[0]; i++)
            if (!strcmp(sql_names[i].sql, base)) {
                *out = sql_names[i].type;
                return ST_OK;
            }
    }
    TRY(parse_qualified_name(base, tmp, parts, 3, &n, err));
    return lookup_type(env, n > 1 ? parts[n - 2] : NULL, parts[n - 1], missing_ok, out, err);
}

static STATUS parse_type(SessionEnv *env, const char *text, Arena *tmp, bool missing_ok, Oid *type, int32_t *typmod, Error *err)
{
    char *base;
    const char *args[2];
    int nargs, dims;
    *typmod = -1;
    TRY(split_type_name(text, tmp, &base, args, &nargs, &dims, err));
    if (!*base) return error_set(err, ERR_SYNTAX_ERROR, "invalid type name \"%s\"", text);
    TRY(named_type(env, base, tmp, missing_ok, type, err));
    if (!*type) return ST_OK;
    const TypeInfo *ti = catalog_type(env, *type);
    if (nargs && ti && ti->typmod_in) TRY(ti->typmod_in(tmp, args, nargs, typmod, err));
    else if (nargs) return error_set(err, ERR_SYNTAX_ERROR, "type modifier is not allowed for type \"%s\"", base);
    if (dims) {
        Oid array = type_array_of(env, *type);
        if (!array && !missing_ok) return error_set(err, ERR_UNDEFINED_OBJECT, "type \"%s\" does not exist", text);
        *type = array;
    }
    return ST_OK;
}

STATUS parse_type_name(SessionEnv *env, const char *text, bool missing_ok, Oid *type, int32_t *typmod, Error *err)
{
    Arena tmp;
    arena_init(&tmp, env->account, 0);
    Status st = parse_type(env, text, &tmp, missing_ok, type, typmod, err);
    arena_destroy(&tmp);
    return st;
}

const char *format_type_text(SessionEnv *env, Oid type, int32_t typmod, Arena *arena)
{
    if (!type) return "-";
    const TypeInfo *t = type_builtin(type);
    StrBuf sb;
    strbuf_init(&sb, arena);
    if (t) {
        type_format_builtin(t, typmod, typmod >= 0, &sb);
        return sb.oom ? NULL : strbuf_cstr(&sb);
    }
    t = catalog_type(env, type);
    if (!t) return "???";
    if (t->elem && t->is_array && t->typtype != 'd') {
        const char *elem = format_type_text(env, t->elem, typmod, arena);
        return elem ? arena_printf(arena, "%s[]", elem) : NULL;
    }
    const void *form;
    const char *name = quote_identifier(arena, t->name);
    if (type_is_visible(env, type)) return name;
    if (failed(cat_get_by_oid(env, REL_pg_type, IDX_type_oid, type, arena, &form, NULL)) || !form || !name) return name;
    const char *nsp = namespace_name_of(env, ((const Form_pg_type *)form)->typnamespace, arena);
    return nsp ? arena_printf(arena, "%s.%s", quote_identifier(arena, nsp), name) : name;
}

/* ---- input ---- */
typedef struct RegIn { SessionEnv *env; Arena *tmp; const char *text; bool missing_ok; const char *parts[4]; int n; } RegIn;

static const char *schema_part(const RegIn *r) { return r->n > 1 ? r->parts[r->n - 2] : NULL; }
static const char *name_part(const RegIn *r) { return r->parts[r->n - 1]; }

static STATUS split_reg(RegIn *r, int max, Error *err) { return parse_qualified_name(r->text, r->tmp, r->parts, max, &r->n, err); }

static STATUS proc_by_name(RegIn *r, Oid *out, Error *err)
{
    const ProcInfo **list;
    int n = 0;
    TRY(split_reg(r, 3, err));
    TRY(proc_candidates(r->env, schema_part(r), name_part(r), r->tmp, &list, &n, err));
    if (n == 1) *out = list[0]->oid;
    else if (n > 1 && !r->missing_ok) return error_set(err, ERR_AMBIGUOUS_FUNCTION, "more than one function named \"%s\"", r->text);
    else if (!n && !r->missing_ok) return error_set(err, ERR_UNDEFINED_FUNCTION, "function \"%s\" does not exist", r->text);
    return ST_OK;
}

/* name(type, type): splits and resolves the argument types. */
static STATUS signature(RegIn *r, Oid *types, int max, int *ntypes, Error *err)
{
    char *text = arena_strdup(r->tmp, r->text), *open;
    TRY_MEM(text, err);
    open = strchr(text, '(');
    if (!open) return error_set(err, ERR_INVALID_TEXT_REPRESENTATION, "expected a left parenthesis");
    char *close = strrchr(open, ')');
    if (!close) return error_set(err, ERR_INVALID_TEXT_REPRESENTATION, "expected a right parenthesis");
    *open = *close = 0;
    r->text = text;
    *ntypes = 0;
    for (char *p = open + 1; *p;) {
        int depth = 0;
        char *end = p;
        for (; *end && (depth || *end != ','); end++) depth += (*end == '(') - (*end == ')');
        char *next = *end ? end + 1 : end;
        int32_t typmod;
        *end = 0;
        while (isspace((unsigned char)*p)) p++;
        if (!*p) break;
        if (*ntypes == max) return error_set(err, ERR_TOO_MANY_ARGUMENTS, "too many arguments");
        if (!strcasecmp(p, "none")) types[(*ntypes)++] = 0;
        else TRY(parse_type(r->env, p, r->tmp, r->missing_ok, &types[(*ntypes)++], &typmod, err));
        p = next;
    }
    return ST_OK;
}

static STATUS proc_by_signature(RegIn *r, Oid *out, Error *err)
{
    const ProcInfo **list;
    const char *whole = r->text;
    Oid types[FUNCTION_ARGS_MAX];
    int ntypes, n;
    TRY(signature(r, types, FUNCTION_ARGS_MAX, &ntypes, err));
    TRY(split_reg(r, 3, err));
    TRY(proc_candidates(r->env, schema_part(r), name_part(r), r->tmp, &list, &n, err));
    for (int i = 0; i < n; i++)
        if (list[i]->nargs == ntypes && (!ntypes || !memcmp(list[i]->args, types, (size_t)ntypes * sizeof(Oid)))) {
            *out = list[i]->oid;
            return ST_OK;
        }
    return r->missing_ok ? ST_OK : error_set(err, ERR_UNDEFINED_FUNCTION, "function \"%s\" does not exist", whole);
}

static STATUS split_operator(RegIn *r, const char **schema, const char **name, Error *err)
{
    const char *dot = strrchr(r->text, '.');
    *schema = NULL;
    *name = r->text;
    if (!dot || !isalpha((unsigned char)r->text[0])) return ST_OK;
    RegIn s = *r;
    s.text = arena_strndup(r->tmp, r->text, (size_t)(dot - r->text));
    TRY_MEM(s.text, err);
    TRY(split_reg(&s, 2, err));
    *schema = name_part(&s);
    *name = dot + 1;
    return ST_OK;
}

static STATUS oper_by_name(RegIn *r, const Oid *types, const char *whole, Oid *out, Error *err)
{
    const char *schema, *name;
    int found = 0;
    TRY(split_operator(r, &schema, &name, err));
    for (int prefix = 0; prefix < 2; prefix++) {
        const OperatorInfo **list;
        int n;
        TRY(operator_candidates(r->env, schema, name, prefix, r->tmp, &list, &n, err));
        for (int i = 0; i < n; i++) {
            if (types && (list[i]->left != types[0] || list[i]->right != types[1])) continue;
            *out = list[i]->oid;
            found++;
        }
    }
    if (found == 1 || r->missing_ok) {
        if (found != 1) *out = 0;
        return ST_OK;
    }
    if (!found) return error_set(err, ERR_UNDEFINED_FUNCTION, "operator does not exist: %s", whole);
    return error_set(err, ERR_AMBIGUOUS_FUNCTION, "more than one operator named %s", whole);
}

static STATUS oper_by_signature(RegIn *r, Oid *out, Error *err)
{
    Oid types[2] = {0, 0};
    int n;
    const char *whole = r->text;
    TRY(signature(r, types, 2, &n, err));
    if (n != 2) {
        error_set(err, ERR_UNDEFINED_PARAMETER, "missing argument");
        return error_hint(err, "Use NONE to denote the missing argument of a unary operator.");
    }
    return oper_by_name(r, types, whole, out, err);
}

static STATUS by_simple_name(RegIn *r, Oid catalog, Oid index, const char *what, Oid *out, Error *err)
{
    const void *form;
    TRY(split_reg(r, 3, err));
    Datum keys[1] = {cat_name_key(r->tmp, name_part(r))};
    TRY(cat_get(r->env, catalog, index, 1, keys, r->tmp, &form, err));
    if (form) *out = *(const Oid *)form;
    else if (!r->missing_ok) return error_set(err, ERR_UNDEFINED_OBJECT, "%s \"%s\" does not exist", what, r->text);
    return ST_OK;
}

static STATUS reg_lookup(RegIn *r, Oid regtype, Oid *out, Error *err)
{
    int32_t typmod;
    switch (regtype) {
    case TYPE_regclass:
        TRY(split_reg(r, 3, err));
        return lookup_relation(r->env, r->n == 3 ? r->parts[0] : NULL, schema_part(r), name_part(r), r->missing_ok, out, err);
    case TYPE_regtype: return parse_type(r->env, r->text, r->tmp, r->missing_ok, out, &typmod, err);
    case TYPE_regproc: return proc_by_name(r, out, err);
    case TYPE_regprocedure: return proc_by_signature(r, out, err);
    case TYPE_regoper: return oper_by_name(r, NULL, r->text, out, err);
    case TYPE_regoperator: return oper_by_signature(r, out, err);
    case TYPE_regrole:
        TRY(split_reg(r, 1, err));
        return lookup_role(r->env, name_part(r), r->missing_ok, out, err);
    case TYPE_regnamespace:
        TRY(split_reg(r, 1, err));
        return lookup_namespace(r->env, name_part(r), r->missing_ok, out, err);
    case TYPE_regcollation:
        TRY(split_reg(r, 2, err));
        return lookup_collation(r->env, schema_part(r), name_part(r), r->missing_ok, out, err);
    case TYPE_regconfig: return by_simple_name(r, REL_pg_ts_config, 3608, "text search configuration", out, err);
    case TYPE_regdictionary: return by_simple_name(r, REL_pg_ts_dict, 3604, "text search dictionary", out, err);
    default: return error_set(err, ERR_INTERNAL_ERROR, "unexpected reg type %u", regtype);
    }
}

static STATUS reg_read(SessionEnv *env, Oid regtype, Slice text, bool missing_ok, Oid *out, Error *err)
{
    Arena tmp;
    *out = 0;
    if (text.len == 1 && text.data[0] == '-') return ST_OK;
    size_t digits = 0;
    while (digits < text.len && text.data[digits] >= '0' && text.data[digits] <= '9') digits++;
    if (digits && digits == text.len && digits <= 10) {
        for (size_t i = 0; i < digits; i++) *out = *out * 10 + (Oid)(text.data[i] - '0');
        return ST_OK;
    }
    arena_init(&tmp, env->account, 0);
    RegIn r = {.env = env, .tmp = &tmp, .text = arena_strndup(&tmp, text.data, text.len), .missing_ok = missing_ok};
    Status st = r.text ? reg_lookup(&r, regtype, out, err) : error_out_of_memory(err, text.len);
    arena_destroy(&tmp);
    return st;
}

STATUS reg_input(SessionEnv *env, Oid regtype, Slice text, Oid *out, Error *err) { return reg_read(env, regtype, text, false, out, err); }
STATUS reg_input_or_zero(SessionEnv *env, Oid regtype, Slice text, Oid *out, Error *err) { return reg_read(env, regtype, text, true, out, err); }

/* ---- output ---- */
const char *deparse_relation_name(SessionEnv *env, Oid oid, bool force_schema, Arena *arena)
{
    const void *form;
    if (failed(cat_get_by_oid(env, REL_pg_class, IDX_class_oid, oid, arena, &form, NULL)) || !form) return NULL;
    const Form_pg_class *f = form;
    const char *name = quote_identifier(arena, f->relname);
    if (!force_schema && relation_is_visible(env, oid)) return name;
    const char *nsp = f->relnamespace == temp_namespace_of(env) ? "pg_temp" : namespace_name_of(env, f->relnamespace, arena);
    return nsp ? arena_printf(arena, "%s.%s", quote_identifier(arena, nsp), name) : name;
}

/* regproc: qualified unless the bare name finds just this function. */
static const char *proc_text(SessionEnv *env, Oid oid, Arena *arena)
{
    const ProcInfo *p = proc_by_oid(env, oid), **list;
    int n = 0;
    if (!p) return NULL;
    const char *name = quote_identifier(arena, p->name);
    if (!failed(proc_candidates(env, NULL, p->name, arena, &list, &n, NULL)) && n == 1 && list[0]->oid == oid) return name;
    const char *nsp = namespace_name_of(env, p->namespace_oid, arena);
    return nsp ? arena_printf(arena, "%s.%s", quote_identifier(arena, nsp), name) : name;
}

const char *deparse_proc_name(SessionEnv *env, Oid oid, Arena *arena)
{
    const ProcInfo *p = proc_by_oid(env, oid);
    if (!p) return NULL;
    const char *name = quote_identifier(arena, p->name);
    if (p->namespace_oid == PG_CATALOG_NAMESPACE || proc_is_visible(env, oid)) return name;
    const char *nsp = namespace_name_of(env, p->namespace_oid, arena);
    return nsp ? arena_printf(arena, "%s.%s", quote_identifier(arena, nsp), name) : name;
}

static const char *procedure_text(SessionEnv *env, Oid oid, Arena *arena)
{
    const ProcInfo *p = proc_by_oid(env, oid);
    StrBuf sb;
    if (!p) return NULL;
    strbuf_init(&sb, arena);
    strbuf_str(&sb, deparse_proc_name(env, oid, arena));
    strbuf_char(&sb, '(');
    for (int i = 0; i < p->nargs; i++) {
        if (i) strbuf_char(&sb, ',');
        strbuf_str(&sb, format_type_text(env, p->args[i], -1, arena));
    }
    strbuf_char(&sb, ')');
    return sb.oom ? NULL : strbuf_cstr(&sb);
}

static const char *operator_text(SessionEnv *env, Oid oid, bool with_types, Arena *arena)
{
    const OperatorInfo *o = operator_by_oid(env, oid);
    if (!o) return NULL;
    const char *name = o->name;
    if (!operator_is_visible(env, oid)) {
        const char *nsp = namespace_name_of(env, o->namespace_oid, arena);
        if (nsp) name = arena_printf(arena, "%s.%s", quote_identifier(arena, nsp), o->name);
    }
    if (!with_types) {
        const OperatorInfo **list;
        int n, total = 0;
        for (int prefix = 0; prefix < 2; prefix++)
            if (!failed(operator_candidates(env, NULL, o->name, prefix, arena, &list, &n, NULL))) total += n;
        if (total == 1 || name != o->name) return name;
        return arena_printf(arena, "%s.%s", namespace_name_of(env, o->namespace_oid, arena), o->name);
    }
    return arena_printf(arena, "%s(%s,%s)", name, o->left ? format_type_text(env, o->left, -1, arena) : "NONE",
                        o->right ? format_type_text(env, o->right, -1, arena) : "NONE");
}

static const char *plain_name(SessionEnv *env, Oid regtype, Oid value, Arena *arena)
{
    const char *name = NULL;
    const void *form;
    switch (regtype) {
    case TYPE_regrole: name = role_name_of(env, value, arena); break;
    case TYPE_regnamespace: name = namespace_name_of(env, value, arena); break;
    case TYPE_regcollation: name = collation_name_of(env, value, arena); break;
    case TYPE_regconfig:
        if (!failed(cat_get_by_oid(env, REL_pg_ts_config, 3712, value, arena, &form, NULL)) && form)
            name = ((const Form_pg_ts_config *)form)->cfgname;
        break;
    case TYPE_regdictionary:
        if (!failed(cat_get_by_oid(env, REL_pg_ts_dict, 3605, value, arena, &form, NULL)) && form)
            name = ((const Form_pg_ts_dict *)form)->dictname;
        break;
    default: break;
    }
    return name ? quote_identifier(arena, name) : NULL;
}

STATUS reg_output(SessionEnv *env, Oid regtype, Oid value, StrBuf *out, Error *err)
{
    Arena tmp;
    const char *text = NULL;
    arena_init(&tmp, env->account, 0);
    if (value == 0) {
        text = "-";
    } else {
        switch (regtype) {
        case TYPE_regclass: text = deparse_relation_name(env, value, false, &tmp); break;
        case TYPE_regtype: text = catalog_type(env, value) ? format_type_text(env, value, -1, &tmp) : NULL; break;
        case TYPE_regproc: text = proc_text(env, value, &tmp); break;
        case TYPE_regprocedure: text = procedure_text(env, value, &tmp); break;
        case TYPE_regoper: text = operator_text(env, value, false, &tmp); break;
        case TYPE_regoperator: text = operator_text(env, value, true, &tmp); break;
        default: text = plain_name(env, regtype, value, &tmp); break;
        }
    }
    if (text) strbuf_str(out, text);
    else strbuf_printf(out, "%u", value); /* no such object: the number, as PostgreSQL */
    arena_destroy(&tmp);
    return strbuf_check(out, err);
}
