/* Definitions of views, indexes, constraints, functions and triggers, from their catalog rows. */
#include <stdio.h>
#include <string.h>

#include "catalog/deparse_internal.h"

static STATUS finish(StrBuf *sb, const char **out, Error *err)
{
    TRY(strbuf_check(sb, err));
    *out = strbuf_cstr(sb);
    return ST_OK;
}

static const char *ident(Arena *arena, const char *name) { return quote_identifier(arena, name); }

STATUS deparse_viewdef(SessionEnv *env, Oid view, bool pretty, Arena *arena, const char **out, Error *err)
{
    const Relation *rel;
    const char *text;
    *out = NULL;
    const char *sql = system_view_sql(view); /* as it is written: no need to analyse it, and all others that somebody lists */
    if (sql) {
        *out = arena_printf(arena, " %s;", sql);
        return *out ? ST_OK : error_out_of_memory(err, 0);
    }
    TRY(relation_try_open(env, view, LOCK_NONE, &rel, err));
    if (!rel) return ST_OK;
    if (!rel->view) {
        *out = rel->relkind == RELKIND_VIEW ? " SELECT;" : NULL; /* a view whose rows are made by the server itself */
        return ST_OK;
    }
    const char **names;
    TRY_NEW_N(names, arena, rel->desc->natts + 1, err);
    for (int i = 0; i < rel->desc->natts; i++) names[i] = rel->desc->atts[i].name;
    TRY(deparse_query_named(env, rel->view, names, rel->desc->natts, pretty, arena, &text, err));
    *out = arena_printf(arena, "%s;", text);
    return *out ? ST_OK : error_out_of_memory(err, 0);
}

STATUS deparse_ruledef(SessionEnv *env, Oid rule, bool pretty, Arena *arena, const char **out, Error *err)
{
    const void *form;
    const char *query;
    *out = NULL;
    TRY(cat_get_by_oid(env, REL_pg_rewrite, IDX_rewrite_oid, rule, arena, &form, err));
    const Form_pg_rewrite *f = form;
    if (!f) return ST_OK;
    if (strcmp(f->rulename, "_RETURN")) return error_unsupported(err, "rules other than those of views");
    TRY(deparse_viewdef(env, f->ev_class, pretty, arena, &query, err));
    if (!query) return ST_OK;
    *out = arena_printf(arena, "CREATE RULE %s AS\n    ON SELECT TO %s DO INSTEAD %s", ident(arena, f->rulename),
                        deparse_relation_name(env, f->ev_class, !pretty, arena), query);
    return *out ? ST_OK : error_out_of_memory(err, 0);
}

/* ---- indexes ---- */
typedef struct IndexText { SessionEnv *env; Arena *arena; StrBuf sb; const Form_pg_index *idx; const Relation *table; List *exprs; bool pretty; } IndexText;

static STATUS read_list(const char *text, Arena *arena, List **out, Error *err)
{
    Node *node = NULL;
    *out = NULL;
    if (!text) return ST_OK;
    TRY(node_read(slice_cstr(text), arena, &node, err));
    if (node && nodeTag(node) != T_List) {
        *out = list_append(NULL, arena, node);
        return *out ? ST_OK : error_out_of_memory(err, 0);
    }
    *out = (List *)node;
    return ST_OK;
}

static Oid column_type(const IndexText *t, int i, const Node *expr)
{
    int att = t->idx->indkey.v[i];
    return expr ? expr_type(expr) : att > 0 ? t->table->desc->atts[att - 1].type : TYPE_oid;
}

static const char *opclass_name(SessionEnv *env, Oid opclass, Arena *arena)
{
    const void *form;
    if (failed(cat_get_by_oid(env, REL_pg_opclass, IDX_opclass_oid, opclass, arena, &form, NULL)) || !form) return NULL;
    const Form_pg_opclass *f = form;
    if (f->opcnamespace == PG_CATALOG_NAMESPACE || namespace_is_on_path(env, f->opcnamespace)) return ident(arena, f->opcname);
    return arena_printf(arena, "%s.%s", ident(arena, namespace_name_of(env, f->opcnamespace, arena)), ident(arena, f->opcname));
}

/* Collation, operator class and order, where they are not what would be taken without saying. */
static void index_column_options(IndexText *t, int i, Oid type, Oid own_collation, Oid am)
{
    const Form_pg_index *x = t->idx;
    Oid collation = i < x->indcollation.n ? x->indcollation.v[i] : 0, opclass = i < x->indclass.n ? x->indclass.v[i] : 0;
    int16_t option = i < x->indoption.n ? x->indoption.v[i] : 0;
    if (collation && collation != own_collation) {
        const char *name = collation_name_of(t->env, collation, t->arena);
        strbuf_printf(&t->sb, " COLLATE %s", name ? ident(t->arena, name) : "?");
    }
    if (opclass && opclass != type_default_opclass(t->env, type, am)) {
        const char *name = opclass_name(t->env, opclass, t->arena);
        if (name) strbuf_printf(&t->sb, " %s", name);
    }
    if (am != BTREE_AM) return;
    if (option & 1) strbuf_str(&t->sb, option & 2 ? " DESC" : " DESC NULLS LAST");
    else if (option & 2) strbuf_str(&t->sb, " NULLS FIRST");
}

static STATUS index_column(IndexText *t, int i, int *next_expr, bool bare, Oid am, Error *err)
{
    int att = t->idx->indkey.v[i];
    const Node *expr = NULL;
    const char *text;
    Oid own_collation;
    if (att) {
        text = att > 0 && att <= t->table->desc->natts ? ident(t->arena, t->table->desc->atts[att - 1].name) : "?";
        own_collation = att > 0 ? t->table->desc->atts[att - 1].collation : 0;
    } else {
        if (*next_expr >= list_len(t->exprs)) return error_set(err, ERR_DATA_CORRUPTED, "too few entries in indexprs list");
        expr = list_at(t->exprs, (*next_expr)++);
        TRY(deparse_expr(t->env, expr, t->table->oid, t->pretty, t->arena, &text, err));
        if (!looks_like_function(expr)) text = arena_printf(t->arena, "(%s)", text);
        TRY_MEM(text, err);
        own_collation = expr_collation(expr);
    }
    strbuf_str(&t->sb, text);
    if (!bare && i < t->idx->indnkeyatts) index_column_options(t, i, column_type(t, i, expr), own_collation, am);
    return ST_OK;
}

static STATUS index_columns(IndexText *t, int only, Oid am, Error *err)
{
    int next_expr = 0;
    StrBuf discard;
    for (int i = 0; i < t->idx->indnatts; i++) {
        if (only && i != only - 1) { /* still steps over its expression */
            strbuf_init(&discard, t->arena);
            StrBuf keep = t->sb;
            t->sb = discard;
            Status st = index_column(t, i, &next_expr, true, am, err);
            t->sb = keep;
            TRY(st);
            continue;
        }
        if (!only && i == t->idx->indnkeyatts) strbuf_str(&t->sb, ") INCLUDE (");
        else if (!only && i) strbuf_str(&t->sb, ", ");
        TRY(index_column(t, i, &next_expr, only != 0, am, err));
    }
    return ST_OK;
}

static const char *am_name(SessionEnv *env, Oid am, Arena *arena)
{
    const void *form;
    if (failed(cat_get_by_oid(env, REL_pg_am, 2652, am, arena, &form, NULL)) || !form) return "?";
    return ((const Form_pg_am *)form)->amname;
}

static STATUS reloptions_text(Arena *arena, Datum options, StrBuf *sb, Error *err)
{
    const char *const *v;
    int n;
    TRY(cat_get_texts(arena, options, &v, &n, err));
    for (int i = 0; i < n; i++) {
        const char *eq = strchr(v[i], '=');
        const char *value = eq ? eq + 1 : "";
        strbuf_printf(sb, "%s%.*s=%s", i ? ", " : "", eq ? (int)(eq - v[i]) : (int)strlen(v[i]), v[i], quote_literal_text(arena, value));
    }
    return ST_OK;
}

static STATUS whole_index(IndexText *t, const Form_pg_class *cls, Error *err)
{
    const char *name = ident(t->arena, cls->relname), *text;
    strbuf_printf(&t->sb, "CREATE %sINDEX %s ON %s%s USING %s (", t->idx->indisunique ? "UNIQUE " : "", name,
                  t->table->relkind == RELKIND_PARTITIONED && cls->relkind != 'I' ? "ONLY " : "",
                  deparse_relation_name(t->env, t->table->oid, !t->pretty, t->arena), ident(t->arena, am_name(t->env, cls->relam, t->arena)));
    TRY(index_columns(t, 0, cls->relam, err));
    strbuf_char(&t->sb, ')');
    if (t->idx->indnullsnotdistinct) strbuf_str(&t->sb, " NULLS NOT DISTINCT");
    if (cls->reloptions) {
        strbuf_str(&t->sb, " WITH (");
        TRY(reloptions_text(t->arena, cls->reloptions, &t->sb, err));
        strbuf_char(&t->sb, ')');
    }
    if (!t->idx->indpred) return ST_OK;
    TRY(deparse_node_text(t->env, t->idx->indpred, t->table->oid, t->pretty, t->arena, &text, err));
    strbuf_printf(&t->sb, " WHERE %s", text);
    return ST_OK;
}

STATUS deparse_indexdef(SessionEnv *env, Oid index, int column, bool pretty, Arena *arena, const char **out, Error *err)
{
    const void *idx, *cls;
    IndexText t = {.env = env, .arena = arena, .pretty = pretty};
    *out = NULL;
    TRY(cat_get_by_oid(env, REL_pg_index, IDX_index_indexrelid, index, arena, &idx, err));
    TRY(cat_get_by_oid(env, REL_pg_class, IDX_class_oid, index, arena, &cls, err));
    if (!idx || !cls) return ST_OK;
    t.idx = idx;
    TRY(relation_try_open(env, t.idx->indrelid, LOCK_NONE, &t.table, err));
    if (!t.table) return ST_OK;
    TRY(read_list(t.idx->indexprs, arena, &t.exprs, err));
    strbuf_init(&t.sb, arena);
    if (column > t.idx->indnatts) {
        *out = "";
        return ST_OK;
    }
    if (column) TRY(index_columns(&t, column, ((const Form_pg_class *)cls)->relam, err));
    else TRY(whole_index(&t, cls, err));
    return finish(&t.sb, out, err);
}

/* ---- constraints ---- */
static STATUS column_names(SessionEnv *env, Oid relation, Datum attnums, Arena *arena, StrBuf *sb, Error *err)
{
    const Relation *rel;
    const int16_t *v;
    int n;
    TRY(relation_open(env, relation, LOCK_NONE, &rel, err));
    TRY(cat_get_int2s(arena, attnums, &v, &n, err));
    for (int i = 0; i < n; i++)
        strbuf_printf(sb, "%s%s", i ? ", " : "", v[i] > 0 && v[i] <= rel->desc->natts ? ident(arena, rel->desc->atts[v[i] - 1].name) : "?");
    return ST_OK;
}

static const char *action_text(char action)
{
    switch (action) {
    case 'r': return "RESTRICT";
    case 'c': return "CASCADE";
    case 'n': return "SET NULL";
    case 'd': return "SET DEFAULT";
    default: return NULL; /* NO ACTION is not said */
    }
}

static STATUS foreign_key(SessionEnv *env, const Form_pg_constraint *c, Arena *arena, StrBuf *sb, Error *err)
{
    strbuf_str(sb, "FOREIGN KEY (");
    TRY(column_names(env, c->conrelid, c->conkey, arena, sb, err));
    const char *ref = deparse_relation_name(env, c->confrelid, false, arena);
    strbuf_printf(sb, ") REFERENCES %s(", ref ? ref : "?");
    TRY(column_names(env, c->confrelid, c->confkey, arena, sb, err));
    strbuf_char(sb, ')');
    if (c->confmatchtype == 'f') strbuf_str(sb, " MATCH FULL");
    if (action_text(c->confupdtype)) strbuf_printf(sb, " ON UPDATE %s", action_text(c->confupdtype));
    if (action_text(c->confdeltype)) strbuf_printf(sb, " ON DELETE %s", action_text(c->confdeltype));
    if (!c->confdelsetcols) return ST_OK;
    strbuf_str(sb, " (");
    TRY(column_names(env, c->conrelid, c->confdelsetcols, arena, sb, err));
    strbuf_char(sb, ')');
    return ST_OK;
}

static STATUS key_constraint(SessionEnv *env, const Form_pg_constraint *c, Arena *arena, StrBuf *sb, Error *err)
{
    const void *form;
    TRY(cat_get_by_oid(env, REL_pg_index, IDX_index_indexrelid, c->conindid, arena, &form, err));
    const Form_pg_index *x = form;
    strbuf_str(sb, c->contype == 'p' ? "PRIMARY KEY " : "UNIQUE ");
    if (c->contype == 'u' && x && x->indnullsnotdistinct) strbuf_str(sb, "NULLS NOT DISTINCT ");
    strbuf_char(sb, '(');
    TRY(column_names(env, c->conrelid, c->conkey, arena, sb, err));
    strbuf_char(sb, ')');
    if (!x || x->indnatts <= x->indnkeyatts) return ST_OK;
    strbuf_str(sb, " INCLUDE (");
    Datum included = cat_int2_array(arena, x->indkey.v + x->indnkeyatts, x->indnatts - x->indnkeyatts);
    TRY_MEM(included, err);
    TRY(column_names(env, c->conrelid, included, arena, sb, err));
    strbuf_char(sb, ')');
    return ST_OK;
}

static STATUS check_constraint(SessionEnv *env, const Form_pg_constraint *c, bool pretty, Arena *arena, StrBuf *sb, Error *err)
{
    const char *text = c->conbin;
    if (text && !strncmp(text, "CHECK", 5)) { /* a built-in domain's */
        strbuf_str(sb, text);
        return ST_OK;
    }
    TRY(deparse_node_text(env, text, c->conrelid, pretty, arena, &text, err));
    strbuf_printf(sb, "CHECK (%s)%s", text ? text : "", c->connoinherit ? " NO INHERIT" : "");
    return ST_OK;
}

STATUS deparse_constraintdef(SessionEnv *env, Oid constraint, bool pretty, Arena *arena, const char **out, Error *err)
{
    const void *form;
    StrBuf sb;
    *out = NULL;
    TRY(cat_get_by_oid(env, REL_pg_constraint, IDX_constraint_oid, constraint, arena, &form, err));
    const Form_pg_constraint *c = form;
    if (!c) return ST_OK;
    strbuf_init(&sb, arena);
    switch (c->contype) {
    case 'f': TRY(foreign_key(env, c, arena, &sb, err)); break;
    case 'p': case 'u': TRY(key_constraint(env, c, arena, &sb, err)); break;
    case 'c': TRY(check_constraint(env, c, pretty, arena, &sb, err)); break;
    case 't': strbuf_str(&sb, "TRIGGER"); break;
    default: return error_set(err, ERR_FEATURE_NOT_SUPPORTED, "constraints of type %c are not supported", c->contype);
    }
    if (c->condeferrable) strbuf_str(&sb, " DEFERRABLE");
    if (c->condeferred) strbuf_str(&sb, " INITIALLY DEFERRED");
    if (!c->convalidated) strbuf_str(&sb, " NOT VALID");
    return finish(&sb, out, err);
}

/* ---- functions ---- */
static void one_argument(SessionEnv *env, const ProcInfo *p, char mode, Oid type, const char *name, Arena *arena, StrBuf *sb)
{
    switch (mode) {
    case 'i': if (p->kind == 'p') strbuf_str(sb, "IN "); break;
    case 'b': strbuf_str(sb, "INOUT "); break;
    case 'o': strbuf_str(sb, "OUT "); break;
    case 'v': strbuf_str(sb, "VARIADIC "); break;
    default: break;
    }
    if (name && *name) strbuf_printf(sb, "%s ", ident(arena, name));
    strbuf_str(sb, format_type_text(env, type, -1, arena));
}

static STATUS argument_default(SessionEnv *env, const ProcInfo *p, int input, Arena *arena, StrBuf *sb, Error *err)
{
    const char *text;
    int first = p->nargs - p->ndefaults;
    if (input < first) return ST_OK;
    if (p->defaults) {
        TRY(deparse_expr(env, p->defaults[input - first], 0, false, arena, &text, err));
    } else { /* built-in: the texts in one string, ", " between them */
        const char *s = p->defaults_text ? p->defaults_text : "";
        for (int i = first; i < input && *s; i++) {
            bool quoted = false;
            while (*s && (quoted || *s != ',')) quoted ^= *s++ == '\'';
            while (*s == ',' || *s == ' ') s++;
        }
        size_t len = 0;
        for (bool quoted = false; s[len] && (quoted || s[len] != ','); len++) quoted ^= s[len] == '\'';
        text = arena_strndup(arena, s, len);
        TRY_MEM(text, err);
    }
    strbuf_printf(sb, " DEFAULT %s", text);
    return ST_OK;
}

/* table_args: only those of RETURNS TABLE; otherwise all but those. */
static STATUS arguments(SessionEnv *env, const ProcInfo *p, bool table_args, bool defaults, bool identity, Arena *arena, StrBuf *sb, Error *err)
{
    int n = p->nall ? p->nall : p->nargs, input = 0, shown = 0;
    const Oid *types = p->nall ? p->all_args : p->args;
    for (int i = 0; i < n; i++) {
        char mode = p->modes ? p->modes[i] : 'i';
        bool is_input = mode == 'i' || mode == 'b' || mode == 'v';
        int this_input = is_input ? input++ : -1;
        if ((mode == 't') != table_args) continue;
        if (identity && !is_input) continue;
        if (shown++) strbuf_str(sb, ", ");
        one_argument(env, p, mode, types[i], p->names ? p->names[i] : NULL, arena, sb);
        if (defaults && is_input) TRY(argument_default(env, p, this_input, arena, sb, err));
    }
    return ST_OK;
}

STATUS deparse_function_arguments(SessionEnv *env, Oid proc, bool with_defaults, bool identity, Arena *arena, const char **out, Error *err)
{
    const ProcInfo *p = proc_by_oid(env, proc);
    StrBuf sb;
    *out = NULL;
    if (!p) return ST_OK;
    strbuf_init(&sb, arena);
    TRY(arguments(env, p, false, with_defaults, identity, arena, &sb, err));
    return finish(&sb, out, err);
}

STATUS deparse_function_result(SessionEnv *env, Oid proc, Arena *arena, const char **out, Error *err)
{
    const ProcInfo *p = proc_by_oid(env, proc);
    StrBuf sb;
    *out = NULL;
    if (!p || p->kind == 'p') return ST_OK;
    strbuf_init(&sb, arena);
    if (p->modes && strchr(p->modes, 't')) {
        strbuf_str(&sb, "TABLE(");
        TRY(arguments(env, p, true, false, false, arena, &sb, err));
        strbuf_char(&sb, ')');
    } else {
        strbuf_printf(&sb, "%s%s", p->retset ? "SETOF " : "", format_type_text(env, p->result, -1, arena));
    }
    return finish(&sb, out, err);
}

static void function_options(const Form_pg_proc *f, StrBuf *sb)
{
    size_t before = sb->len;
    if (f->prokind == 'w') strbuf_str(sb, " WINDOW");
    if (f->provolatile == 'i') strbuf_str(sb, " IMMUTABLE");
    if (f->provolatile == 's') strbuf_str(sb, " STABLE");
    if (f->proparallel == 's') strbuf_str(sb, " PARALLEL SAFE");
    if (f->proparallel == 'r') strbuf_str(sb, " PARALLEL RESTRICTED");
    if (f->proisstrict) strbuf_str(sb, " STRICT");
    if (f->prosecdef) strbuf_str(sb, " SECURITY DEFINER");
    if (f->proleakproof) strbuf_str(sb, " LEAKPROOF");
    float cost = f->prolang == 12 || f->prolang == 13 ? 1 : 100;
    if (f->procost != cost) strbuf_printf(sb, " COST %g", (double)f->procost);
    if (f->prorows > 0 && f->prorows != 1000) strbuf_printf(sb, " ROWS %g", (double)f->prorows);
    if (sb->len > before) strbuf_char(sb, '\n');
}

static STATUS config_settings(const Form_pg_proc *f, Arena *arena, StrBuf *sb, Error *err)
{
    const char *const *v;
    int n;
    if (!f->proconfig) return ST_OK;
    TRY(cat_get_texts(arena, f->proconfig, &v, &n, err));
    for (int i = 0; i < n; i++) {
        const char *eq = strchr(v[i], '=');
        if (eq) strbuf_printf(sb, " SET %s TO %s\n", ident(arena, arena_strndup(arena, v[i], (size_t)(eq - v[i]))), quote_literal_text(arena, eq + 1));
    }
    return ST_OK;
}

/* The body between dollar quotes that do not occur in it. */
static void dollar_quoted(const char *body, const char *tag, StrBuf *sb)
{
    char quote[32];
    int n = 0;
    do { /* $function$, $functionx$, $functionxx$ ... */
        snprintf(quote, sizeof quote, "$%s%.*s", tag, n, "xxxxxxxxxxxxxxxx");
        n++;
    } while (strstr(body, quote) && n < 16);
    strbuf_printf(sb, "AS %s$%s%s$\n", quote, body, quote);
}

STATUS deparse_functiondef(SessionEnv *env, Oid proc, Arena *arena, const char **out, Error *err)
{
    const ProcInfo *p = proc_by_oid(env, proc);
    const void *form, *lang;
    const char *result;
    StrBuf sb;
    *out = NULL;
    if (!p) return ST_OK;
    if (p->kind == 'a') return error_set(err, ERR_WRONG_OBJECT_TYPE, "\"%s\" is an aggregate function", p->name);
    TRY(cat_get_by_oid(env, REL_pg_proc, IDX_proc_oid, proc, arena, &form, err));
    const Form_pg_proc *f = form;
    TRY(cat_get_by_oid(env, REL_pg_language, 2682, f->prolang, arena, &lang, err));
    strbuf_init(&sb, arena);
    strbuf_printf(&sb, "CREATE OR REPLACE %s %s.%s(", p->kind == 'p' ? "PROCEDURE" : "FUNCTION",
                  ident(arena, namespace_name_of(env, p->namespace_oid, arena)), ident(arena, p->name));
    TRY(arguments(env, p, false, true, false, arena, &sb, err));
    strbuf_str(&sb, ")\n");
    TRY(deparse_function_result(env, proc, arena, &result, err));
    if (result) strbuf_printf(&sb, " RETURNS %s\n", result);
    strbuf_printf(&sb, " LANGUAGE %s\n", lang ? ident(arena, ((const Form_pg_language *)lang)->lanname) : "?");
    function_options(f, &sb);
    TRY(config_settings(f, arena, &sb, err));
    dollar_quoted(p->source, p->kind == 'p' ? "procedure" : "function", &sb);
    return finish(&sb, out, err);
}

/* ---- triggers ---- */
enum { TRIGGER_ROW = 1, TRIGGER_BEFORE = 2, TRIGGER_INSERT = 4, TRIGGER_DELETE = 8, TRIGGER_UPDATE = 16, TRIGGER_TRUNCATE = 32, TRIGGER_INSTEAD = 64 };

static void trigger_events(const Relation *rel, const Form_pg_trigger *f, Arena *arena, StrBuf *sb)
{
    static const struct { int bit; const char *word; } events[] = {
        {TRIGGER_INSERT, "INSERT"}, {TRIGGER_DELETE, "DELETE"}, {TRIGGER_UPDATE, "UPDATE"}, {TRIGGER_TRUNCATE, "TRUNCATE"}};
    int shown = 0;
    for (int i = 0; i < 4; i++) {
        if (!(f->tgtype & events[i].bit)) continue;
        strbuf_printf(sb, "%s%s", shown++ ? " OR " : " ", events[i].word);
        for (int k = 0; events[i].bit == TRIGGER_UPDATE && k < f->tgattr.n; k++) {
            int att = f->tgattr.v[k];
            strbuf_printf(sb, "%s%s", k ? ", " : " OF ", att > 0 && att <= rel->desc->natts ? ident(arena, rel->desc->atts[att - 1].name) : "?");
        }
    }
}

static void trigger_arguments(const Form_pg_trigger *f, Arena *arena, StrBuf *sb)
{
    Slice bytes = f->tgargs ? varlena_slice(f->tgargs) : slice_of("", 0);
    const char *p = (const char *)bytes.data, *end = p + bytes.len;
    for (int i = 0; i < f->tgnargs && p < end; i++) {
        size_t len = strnlen(p, (size_t)(end - p));
        strbuf_printf(sb, "%s%s", i ? ", " : "", quote_literal_text(arena, arena_strndup(arena, p, len)));
        p += len + 1;
    }
}

STATUS deparse_triggerdef(SessionEnv *env, Oid trigger, bool pretty, Arena *arena, const char **out, Error *err)
{
    const void *form;
    const Relation *rel;
    const char *text;
    StrBuf sb;
    *out = NULL;
    TRY(cat_get_by_oid(env, REL_pg_trigger, IDX_trigger_oid, trigger, arena, &form, err));
    const Form_pg_trigger *f = form;
    if (!f) return ST_OK;
    TRY(relation_open(env, f->tgrelid, LOCK_NONE, &rel, err));
    strbuf_init(&sb, arena);
    strbuf_printf(&sb, "CREATE %sTRIGGER %s %s", f->tgconstraint ? "CONSTRAINT " : "", ident(arena, f->tgname),
                  f->tgtype & TRIGGER_BEFORE ? "BEFORE" : f->tgtype & TRIGGER_INSTEAD ? "INSTEAD OF" : "AFTER");
    trigger_events(rel, f, arena, &sb);
    strbuf_printf(&sb, " ON %s ", deparse_relation_name(env, f->tgrelid, !pretty, arena));
    if (f->tgconstraint) {
        if (f->tgconstrrelid) strbuf_printf(&sb, "FROM %s ", deparse_relation_name(env, f->tgconstrrelid, false, arena));
        strbuf_printf(&sb, "%sDEFERRABLE INITIALLY %s ", f->tgdeferrable ? "" : "NOT ", f->tginitdeferred ? "DEFERRED" : "IMMEDIATE");
    }
    if (f->tgoldtable || f->tgnewtable) {
        strbuf_str(&sb, "REFERENCING ");
        if (f->tgoldtable) strbuf_printf(&sb, "OLD TABLE AS %s ", ident(arena, f->tgoldtable));
        if (f->tgnewtable) strbuf_printf(&sb, "NEW TABLE AS %s ", ident(arena, f->tgnewtable));
    }
    strbuf_printf(&sb, "FOR EACH %s ", f->tgtype & TRIGGER_ROW ? "ROW" : "STATEMENT");
    if (f->tgqual) {
        TRY(deparse_node_text(env, f->tgqual, f->tgrelid, pretty, arena, &text, err));
        strbuf_printf(&sb, "WHEN (%s) ", text);
    }
    strbuf_printf(&sb, "EXECUTE FUNCTION %s(", deparse_proc_name(env, f->tgfoid, arena));
    trigger_arguments(f, arena, &sb);
    strbuf_char(&sb, ')');
    return finish(&sb, out, err);
}
