/* Prepared statements: the text, its analysed tree and a cached generic plan; replanned when something it depends on changes. */
#include "server/session.h"

#include <strings.h>

#include "parser/lexer.h"
#include "parser/parse_text.h"

#include <stdlib.h>

static Status ps_new(Session *s, const char *name, const char *sql, PreparedStatement **out, Error *err)
{
    PreparedStatement *ps = calloc(1, sizeof *ps);
    TRY_MEM(ps, err);
    arena_init(&ps->arena, &s->account, 2048);
    arena_init(&ps->plan_arena, &s->account, 2048);
    ps->refs = 1;
    ps->name = arena_strdup(&ps->arena, name);
    ps->sql = arena_strdup(&ps->arena, sql);
    ps->prepared_at = s->env.stmt_start;
    if (!ps->name || !ps->sql) {
        prepared_unref(ps);
        return error_out_of_memory(err, 0);
    }
    *out = ps;
    return ST_OK;
}

static void drop_plan(PreparedStatement *ps)
{
    Error ignored = ERROR_INIT;
    if (ps->idle && failed(exec_close(ps->idle, &ignored))) log_error(&ignored, NULL);
    error_clear(&ignored);
    ps->idle = NULL;
    ps->generic = NULL;
    arena_reset(&ps->plan_arena);
}

void prepared_unref(PreparedStatement *ps)
{
    if (!ps || --ps->refs) return;
    drop_plan(ps);
    arena_destroy(&ps->plan_arena);
    arena_destroy(&ps->arena);
    free(ps);
}

static Status result_desc(Session *s, const Query *query, Arena *arena, TupleDesc **out, Error *err)
{
    if (query->commandType == CMD_UTILITY) return utility_result_desc(&s->env, query, arena, out, err);
    return query_result_desc(&s->env, query, arena, out, err);
}

static Status all_params_known(const ParamTypes *p, Error *err)
{
    for (int i = 0; i < p->n; i++)
        if (p->types[i] == INVALID_OID || p->types[i] == TYPE_unknown)
            return error_set(err, ERR_INDETERMINATE_DATATYPE, "could not determine data type of parameter $%d", i + 1);
    return ST_OK;
}

static Status analyze(Session *s, PreparedStatement *ps, Error *err)
{
    if (!ps->raw) return ST_OK;
    ps->generation = catalog_generation(&s->env);
    ps->settings_generation = setting_generation(s->env.settings);
    TRY(analyze_statement(&s->env, ps->raw, ps->sql, &ps->params, &ps->arena, &ps->query, err));
    TRY(all_params_known(&ps->params, err));
    return result_desc(s, ps->query, &ps->arena, &ps->result, err);
}

static Status parse_one(Session *s, PreparedStatement *ps, Error *err)
{
    RawStatement *raw;
    int n;
    TRY(raw_parse(&s->env, ps->sql, &ps->arena, &raw, &n, err));
    if (n > 1) return error_set(err, ERR_SYNTAX_ERROR, "cannot insert multiple commands into a prepared statement");
    ps->raw = n ? raw : NULL;
    ps->tag = n ? raw->tag : "";
    return ST_OK;
}

static Status set_types(PreparedStatement *ps, int ntypes, const Oid *types, Error *err)
{
    ps->params = (ParamTypes){.n = ntypes, .cap = ntypes, .variable = true, .arena = &ps->arena};
    TRY_NEW_N(ps->params.types, &ps->arena, ntypes + 1, err);
    if (ntypes) memcpy(ps->params.types, types, (size_t)ntypes * sizeof(Oid));
    return ST_OK;
}

static Status build(Session *s, PreparedStatement *ps, int ntypes, const Oid *types, Error *err)
{
    TRY(set_types(ps, ntypes, types, err));
    TRY(parse_one(s, ps, err));
    if (!ps->raw) return ST_OK;
    TRY(check_aborted(s, ps->raw, err));
    TRY(block_start_statement(s, err));
    if (s->env.txn && ps->raw->needs_snapshot) TRY(block_snapshot(s, err));
    Status st = analyze(s, ps, err);
    block_drop_snapshot(s);
    return st;
}

/* ---- unnamed statements parsed before: drivers that never name them send the same text again and again ---- */

enum { PARSED_ENTRIES = 32, PARSED_TEXT_MAX = 2048 };

static bool parsed_key(Session *s, const char *sql, int ntypes, const Oid *types, Slice *out)
{
    StrBuf key;
    size_t len = strnlen(sql, PARSED_TEXT_MAX + 1);
    if (len > PARSED_TEXT_MAX) return false;
    strbuf_init(&key, &s->statement);
    strbuf_append(&key, types, (size_t)ntypes * sizeof(Oid));
    strbuf_append(&key, sql, len);
    *out = strbuf_slice(&key);
    return !key.oom;
}

void parsed_clear(Session *s)
{
    size_t pos = 0;
    Slice key;
    void *value;
    while (s->parsed && hashmap_next(s->parsed, &pos, &key, &value)) {
        hashmap_remove(s->parsed, key);
        prepared_unref(value);
    }
}

static PreparedStatement *parsed_find(Session *s, Slice key)
{
    PreparedStatement *ps = hashmap_get(s->parsed, key);
    if (!ps) return NULL;
    if (ps->generation == catalog_generation(&s->env) && ps->settings_generation == setting_generation(s->env.settings)) return ps;
    hashmap_remove(s->parsed, key);
    prepared_unref(ps);
    return NULL;
}

static void parsed_keep(Session *s, Slice key, PreparedStatement *ps)
{
    if (!ps->raw || !ps->query || ps->query->commandType == CMD_UTILITY) return;
    if (hashmap_count(s->parsed) >= PARSED_ENTRIES) parsed_clear(s);
    if (hashmap_put(s->parsed, key, ps)) ps->refs++;
}

static Status unnamed_create(Session *s, const char *sql, int ntypes, const Oid *types, PreparedStatement **out, Error *err)
{
    Slice key;
    bool keyed = parsed_key(s, sql, ntypes, types, &key) && s->block != BLOCK_ABORTED;
    PreparedStatement *ps = keyed ? parsed_find(s, key) : NULL;
    prepared_drop(s, "");
    if (ps) ps->refs++;
    else TRY(prepared_build(s, sql, ntypes, types, &ps, err));
    if (!hashmap_put(s->prepared, slice_cstr(""), ps)) {
        prepared_unref(ps);
        return error_out_of_memory(err, 0);
    }
    if (keyed && ps->refs == 1) parsed_keep(s, key, ps);
    *out = ps;
    return ST_OK;
}

Status prepared_create(Session *s, const char *name, const char *sql, int ntypes, const Oid *types, PreparedStatement **out, Error *err)
{
    PreparedStatement *ps;
    if (!name[0]) return unnamed_create(s, sql, ntypes, types, out, err);
    if (hashmap_get(s->prepared, slice_cstr(name)))
        return error_set(err, ERR_DUPLICATE_PSTATEMENT, "prepared statement \"%s\" already exists", name);
    TRY(ps_new(s, name, sql, &ps, err));
    if (failed(build(s, ps, ntypes, types, err))) {
        prepared_unref(ps);
        return ST_FAILED;
    }
    if (!hashmap_put(s->prepared, slice_cstr(name), ps)) {
        prepared_unref(ps);
        return error_out_of_memory(err, 0);
    }
    *out = ps;
    return ST_OK;
}

Status prepared_build(Session *s, const char *sql, int ntypes, const Oid *types, PreparedStatement **out, Error *err)
{
    PreparedStatement *ps;
    TRY(ps_new(s, "", sql, &ps, err));
    if (failed(build(s, ps, ntypes, types, err))) {
        prepared_unref(ps);
        return ST_FAILED;
    }
    *out = ps;
    return ST_OK;
}

static bool names_match(const Lexer *lx, const char *name)
{
    bool quoted = lx->kind == LEX_QUOTED_NAME;
    size_t len = lx->len - (quoted ? 2 : 0);
    const char *text = lx->token + (quoted ? 1 : 0);
    return strlen(name) == len && (quoted ? !strncmp(text, name, len) : !strncasecmp(text, name, len));
}

/* The text of a PREPARE's inner statement: between AS and the end of the statement. The tree has no place for it. */
static Status inner_text(Session *s, const PrepareStmt *stmt, const char *sql, char **out, Error *err)
{
    Lexer lx;
    const char *from = NULL, *to = NULL;
    int depth = 0;
    bool first = true, mine = false;
    lex_init(&lx, slice_cstr(sql));
    while (lex_next(&lx) != LEX_END && !to) {
        bool punct = lx.kind == LEX_PUNCT && lx.len == 1;
        if (punct && *lx.token == '(') depth++;
        if (punct && *lx.token == ')') depth--;
        if (punct && *lx.token == ';' && depth == 0) {
            if (from) to = lx.token;
            first = true;
            mine = false;
        } else if (first && lex_word_is(&lx, "prepare")) {
            first = false;
            mine = lex_next(&lx) != LEX_END && names_match(&lx, stmt->name);
        } else if (mine && !from && depth == 0 && lex_word_is(&lx, "as")) {
            from = lx.token + lx.len;
        } else {
            first = false;
        }
    }
    if (!from) return error_set(err, ERR_INTERNAL_ERROR, "could not find the text of prepared statement \"%s\"", stmt->name);
    if (!to) to = from + strlen(from);
    /* Blanks stand for what was before, so that error positions count from the statement's beginning. */
    *out = arena_strndup(&s->statement, sql, (size_t)(to - sql));
    TRY_MEM(*out, err);
    memset(*out, ' ', (size_t)(from - sql));
    return ST_OK;
}

Status prepared_from_raw(Session *s, const PrepareStmt *stmt, const char *sql, Error *err)
{
    PreparedStatement *ps;
    char *text;
    int n = list_len(stmt->argtypes);
    Oid *types;
    TRY_NEW_N(types, &s->statement, n + 1, err);
    for (int i = 0; i < n; i++) {
        int32_t typmod;
        const TypeName *tn = list_at(stmt->argtypes, i);
        if (failed(resolve_type_name(&s->env, tn, false, &types[i], &typmod, err))) return parser_error_position(err, sql, tn->location);
    }
    TRY(inner_text(s, stmt, sql, &text, err));
    if (!stmt->name[0]) return error_set(err, ERR_INVALID_PSTATEMENT_DEFINITION, "invalid statement name: must not be empty");
    TRY(prepared_create(s, stmt->name, text, n, types, &ps, err));
    ps->from_sql = true;
    ps->shown = arena_strdup(&ps->arena, sql);
    if (ps->query && ps->query->commandType == CMD_UTILITY) {
        prepared_drop(s, stmt->name);
        return error_set(err, ERR_INVALID_PSTATEMENT_DEFINITION, "utility statements cannot be prepared");
    }
    return ST_OK;
}

Status prepared_find(Session *s, const char *name, PreparedStatement **out, Error *err)
{
    *out = hashmap_get(s->prepared, slice_cstr(name));
    if (*out) return ST_OK;
    if (!name[0]) return error_set(err, ERR_UNDEFINED_PSTATEMENT, "unnamed prepared statement does not exist");
    return error_set(err, ERR_UNDEFINED_PSTATEMENT, "prepared statement \"%s\" does not exist", name);
}

void prepared_drop(Session *s, const char *name_or_null)
{
    if (name_or_null) {
        if (!name_or_null[0] && !hashmap_count(s->prepared)) return;
        prepared_unref(hashmap_remove(s->prepared, slice_cstr(name_or_null)));
        return;
    }
    size_t pos = 0;
    Slice key;
    void *value;
    while (hashmap_next(s->prepared, &pos, &key, &value)) {
        hashmap_remove(s->prepared, key);
        prepared_unref(value);
    }
}

static bool same_shape(const TupleDesc *a, const TupleDesc *b)
{
    if (!a || !b) return a == b;
    if (a->natts != b->natts) return false;
    for (int i = 0; i < a->natts; i++)
        if (a->atts[i].type != b->atts[i].type || a->atts[i].typmod != b->atts[i].typmod || strcmp(a->atts[i].name, b->atts[i].name)) return false;
    return true;
}

Status prepared_revalidate(Session *s, PreparedStatement *ps, Error *err)
{
    bool valid = true;
    if (!ps->raw || s->block == BLOCK_ABORTED) return ST_OK;
    if (ps->generation == catalog_generation(&s->env)) return ST_OK;
    if (ps->generic) {
        TRY(plan_still_valid(&s->env, ps->generic, &valid, err));
        if (valid) {
            ps->generation = catalog_generation(&s->env);
            return ST_OK;
        }
    }
    TupleDesc *before = ps->result;
    drop_plan(ps);
    ParamTypes types = ps->params;
    TRY(analyze(s, ps, err));
    ps->params = types;
    if (!same_shape(before, ps->result)) {
        ps->generation = 0;
        ps->result = before;
        error_set(err, ERR_FEATURE_NOT_SUPPORTED, "cached plan must not change result type");
        if (err) err->routine = "RevalidateCachedQuery"; /* pgJDBC prepares again when it sees this name */
        return ST_FAILED;
    }
    return ST_OK;
}

static Status make_generic(Session *s, PreparedStatement *ps, Error *err)
{
    if (ps->generic) return ST_OK;
    Query *copy = node_copy(ps->query, &s->statement); /* consumed by planning */
    TRY_MEM(copy, err);
    Status st = plan_query(&s->env, copy, NULL, 0, &ps->plan_arena, &ps->generic, err);
    if (failed(st)) drop_plan(ps);
    return st;
}

static Status make_custom(Session *s, PreparedStatement *ps, const ParamList *params, Arena *arena, PlannedStmt **out, Error *err)
{
    Query *copy = node_copy(ps->query, &s->statement);
    TRY_MEM(copy, err);
    return plan_query(&s->env, copy, params, 0, arena, out, err);
}

static double plan_cost(const PlannedStmt *p) { return p->planTree ? ((Plan *)p->planTree)->total_cost : 0; }

/* PostgreSQL's policy, but a plan that parameters cannot improve (a look-up by key, a plain INSERT) is generic from the first run on. */
Status prepared_plan(Session *s, PreparedStatement *ps, const ParamList *params, Arena *arena, PlannedStmt **out, bool *cached, Error *err)
{
    const char *mode = setting_string(s->env.settings, SET_plan_cache_mode);
    bool force_custom = !strcmp(mode, "force_custom_plan"), force_generic = !strcmp(mode, "force_generic_plan");
    *cached = true;
    if (!force_custom) {
        TRY(make_generic(s, ps, err));
        *out = ps->generic;
        bool simple = ps->params.n == 0 || ps->generic->singleLookup || IsA(((Plan *)ps->generic->planTree)->lefttree, Result);
        double average = ps->custom_runs ? ps->custom_cost / ps->custom_runs : 0;
        if (simple || force_generic || (ps->custom_runs >= 5 && plan_cost(ps->generic) <= average * 1.1)) {
            metric_add(METRIC_plan_cache_hits_total, 1);
            ps->generic_runs++;
            return ST_OK;
        }
    }
    *cached = false;
    metric_add(METRIC_plan_cache_misses_total, 1);
    TRY(make_custom(s, ps, params, arena, out, err));
    if (ps->custom_runs < 1000) {
        ps->custom_runs++;
        ps->custom_cost += plan_cost(*out);
    }
    return ST_OK;
}
