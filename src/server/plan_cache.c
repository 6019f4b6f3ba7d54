/* Plans of repeated simple queries. A statement's text with its literals replaced by $n is the key; a statement seen a second time is prepared
 * under that text, and if its generic plan is one look-up by key (or a plain INSERT) later texts that differ in literals only run it without
 * being parsed. Other statements are remembered as not worth it: their plans depend on the literals.
 *
 * Numbers become parameters of the type the grammar would give them, which is part of the key; strings are untyped, as unknown literals are. A literal
 * that its parameter's type does not accept falls back to the ordinary road, which words the error with its position. */
#include "server/session.h"

#include <stdlib.h>

enum { PLAN_CACHE_ENTRIES = 64, MAX_LITERALS = 24, MAX_TEXT = 4096 };

typedef struct CachedPlan {
    PreparedStatement *ps; /* NULL: not worth it, or seen once */
    int seen;
    bool refused;
} CachedPlan;

typedef struct Normalized {
    StrBuf text;           /* key: normalised text and type signature */
    size_t sql_len;        /* of it, the text */
    Literal literals[MAX_LITERALS];
    Oid types[MAX_LITERALS];
    int n;
} Normalized;

static void free_entry(CachedPlan *c)
{
    prepared_unref(c->ps);
    free(c);
}

void plan_cache_clear(Session *s)
{
    size_t pos = 0;
    Slice key;
    void *value;
    if (!s->plans) return;
    while (hashmap_next(s->plans, &pos, &key, &value)) {
        hashmap_remove(s->plans, key);
        free_entry(value);
    }
}

/* int4, int8 or numeric, as the lexer types numbers. */
static Oid number_type(Slice text)
{
    uint64_t v = 0;
    for (size_t i = text.len && text.data[0] == '-'; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9' || text.len > 18) return TYPE_numeric;
        v = v * 10 + (uint64_t)(text.data[i] - '0');
    }
    return v <= INT32_MAX ? TYPE_int4 : TYPE_int8;
}

static bool normalize(const char *sql, Normalized *out, Arena *arena)
{
    size_t len = strnlen(sql, MAX_TEXT + 1);
    if (len > MAX_TEXT) return false;
    strbuf_init(&out->text, arena);
    if (!normalize_statement(slice_of(sql, len), &out->text, out->literals, MAX_LITERALS, &out->n)) return false;
    out->sql_len = out->text.len;
    for (int i = 0; i < out->n; i++) {
        out->types[i] = out->literals[i].is_number ? number_type(out->literals[i].text) : INVALID_OID;
        strbuf_char(&out->text, (char)(out->types[i] == TYPE_int4 ? 1 : out->types[i] == TYPE_int8 ? 2 : out->types[i] ? 3 : 4));
    }
    return !out->text.oom;
}

static Status build(Session *s, CachedPlan *c, const Normalized *nz, Error *err)
{
    char *sql = arena_strndup(&s->statement, nz->text.data, nz->sql_len);
    TRY_MEM(sql, err);
    TRY(prepared_build(s, sql, nz->n, nz->types, &c->ps, err));
    PlannedStmt *plan;
    bool cached;
    if (!c->ps->raw || c->ps->query->commandType == CMD_UTILITY || c->ps->params.n != nz->n) return ST_FAILED;
    ParamList none = {.n = nz->n, .types = c->ps->params.types};
    TRY(prepared_plan(s, c->ps, &none, &s->statement, &plan, &cached, err));
    return cached && plan->singleLookup ? ST_OK : ST_FAILED;
}

/* A statement seen for the second time is prepared; whatever goes wrong, the ordinary road decides what to say. */
static void consider(Session *s, CachedPlan *c, const Normalized *nz)
{
    Error ignored = ERROR_INIT;
    if (c->refused || ++c->seen < 2) return;
    if (failed(build(s, c, nz, &ignored))) {
        prepared_unref(c->ps);
        c->ps = NULL;
        c->refused = true;
    }
    error_clear(&ignored);
}

/* The value between the quotes: a doubled quote is one. */
static Status literal_value(Arena *arena, const Literal *lit, Slice *out, Error *err)
{
    *out = lit->text;
    if (!lit->is_string || !memchr(lit->text.data, '\'', lit->text.len)) return ST_OK;
    char *copy = arena_alloc(arena, lit->text.len), *to = copy;
    TRY_MEM(copy, err);
    for (size_t i = 0; i < lit->text.len; i++) {
        *to++ = (char)lit->text.data[i];
        if (lit->text.data[i] == '\'') i++;
    }
    *out = slice_of(copy, (size_t)(to - copy));
    return ST_OK;
}

static Status bind(Session *s, const PreparedStatement *ps, const Normalized *nz, ParamList *out, Error *err)
{
    IoContext io = session_io(&s->env, &s->statement);
    out->n = nz->n;
    out->types = ps->params.types;
    if (!nz->n) return ST_OK;
    TRY_NEW_N(out->values, &s->statement, nz->n, err);
    TRY_NEW_N(out->nulls, &s->statement, nz->n, err);
    for (int i = 0; i < nz->n; i++) {
        const TypeInfo *type = catalog_type(&s->env, out->types[i]);
        Slice text;
        if (!type) return ST_FAILED;
        TRY(literal_value(&s->statement, &nz->literals[i], &text, err));
        TRY(type_input(&io, type, text, -1, &out->values[i], err));
    }
    return ST_OK;
}

static Status run(Session *s, PreparedStatement *ps, ParamList *params, char *tag, Error *err)
{
    ClientSink sink;
    Execution *ex = ps->idle;
    uint64_t rows = 0;
    bool at_end;
    Status st;
    bool no_snapshot = txn_options(s->env.txn)->isolation <= ISO_READ_COMMITTED;
    if (!no_snapshot) TRY(block_snapshot(s, err));
    ExecOptions opt = {.params = params, .snapshot = no_snapshot ? NULL : s->env.snapshot};
    client_sink_init(&sink, s, &s->statement, true, 0, NULL);
    ps->idle = NULL;
    ps->refs++;
    st = ex ? exec_rewind(ex, &opt, err) : exec_open(&s->env, ps->generic, &opt, &ex, err);
    if (!failed(st)) st = exec_run(ex, false, 0, &sink.base, &rows, &at_end, err);
    if (!failed(st)) ps->idle = ex;
    else st = first_error(st, exec_close(ex, err));
    client_sink_destroy(&sink);
    if (!failed(st)) command_tag(ps->generic->commandType, rows, tag);
    prepared_unref(ps);
    return st;
}

static bool usable(Session *s, PreparedStatement *ps, const Normalized *nz, ParamList *params)
{
    Error ignored = ERROR_INIT;
    bool ok = !failed(prepared_revalidate(s, ps, &ignored)) && !failed(acl_check_query(&s->env, ps->query, &ignored)) && ps->generic && ps->generic->singleLookup &&
              (ps->generic->readOnly || !txn_options(s->env.txn)->read_only) && !failed(bind(s, ps, nz, params, &ignored));
    error_clear(&ignored);
    return ok;
}

static CachedPlan *entry_of(Session *s, Slice key)
{
    CachedPlan *c = hashmap_get(s->plans, key);
    if (c) return c;
    if (hashmap_count(s->plans) >= PLAN_CACHE_ENTRIES) plan_cache_clear(s);
    c = calloc(1, sizeof *c);
    if (c && !hashmap_put(s->plans, key, c)) {
        free(c);
        c = NULL;
    }
    return c;
}

Status plan_cache_run(Session *s, const char *sql, bool *done, Error *err)
{
    Normalized nz;
    ParamList params = {0};
    char tag[64];
    *done = false;
    if (s->block == BLOCK_ABORTED || !normalize(sql, &nz, &s->statement)) return ST_OK;
    CachedPlan *c = entry_of(s, strbuf_slice(&nz.text));
    if (!c || c->refused) return ST_OK;
    if (!c->ps && c->seen + 1 < 2) {
        c->seen++;
        return ST_OK;
    }
    TRY(block_start_statement(s, err));
    if (!c->ps) consider(s, c, &nz);
    if (!c->ps || !usable(s, c->ps, &nz, &params)) return ST_OK;
    *done = true;
    metric_add(METRIC_statements_total, 1);
    TRY(run(s, c->ps, &params, tag, err));
    TRY(block_finish_statement(s, err));
    backend_command_complete(&s->io, tag);
    return ST_OK;
}
