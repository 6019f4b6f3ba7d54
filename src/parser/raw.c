/* raw_parse: libpg_query's protobuf bytes, unpacked into the arena.
 *
 * Three guards against deep texts: the nesting is estimated from the tokens before the grammar sees a long text; the grammar and the unpacking
 * run on an 8 MB stack (big_stack.h); the depth of the protobuf bytes is measured, by a loop, before they are unpacked. */
#include <pg_query.h>
#include <pg_query/pg_query.pb-c.h>
#include <stdlib.h>

#include "common/thread.h"
#include "parser/big_stack.h"
#include "parser/lexer.h"
#include "parser/parse_text.h"

/* Measured on the 8 MB stack (tests/unit/parser): writing the tree takes below 700 bytes for each token of depth, unpacking below 1.5 kB for each
 * message level. Past these limits the answer is 54001, as PostgreSQL's is at its own. */
enum { GRAMMAR_BYTES_PER_TOKEN = 64 }; /* what libpg_query holds while it works (measured); its memory is not ours to count otherwise */
enum { MAX_TOKEN_DEPTH = 6000, MAX_MESSAGE_DEPTH = 4500, MAX_PAREN_DEPTH = 3000 };

/* Estimate of the tree's depth: over all open brackets, tokens since the last separator of that bracket, since a chain of operators is a tree
 * as deep as it is long, while a list is flat. AND and OR make flat lists too; set operations and joins one level each. */
typedef struct Nest { int run, chain; bool is_case; } Nest;

static const char *const separators[] = {"and", "or", "when", "then", "else", "select", "from", "where", "values", "set", "on", "using", "having", "as"};
static const char *const chainers[] = {"union", "intersect", "except", "join", "between"};

static bool word_in(const Lexer *lx, const char *const *words, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (lex_word_is(lx, words[i])) return true;
    return false;
}

typedef struct NestStack { Nest *v; int n, cap, total; } NestStack;

static bool nest_push(NestStack *s, bool is_case)
{
    if (s->n == s->cap) {
        int cap = s->cap ? s->cap * 2 : 64;
        Nest *v = realloc(s->v, (size_t)cap * sizeof *v);
        if (!v) return false;
        s->v = v;
        s->cap = cap;
    }
    s->v[s->n++] = (Nest){0, 0, is_case};
    return true;
}

static void nest_pop(NestStack *s, bool is_case)
{
    if (s->n <= 1 || s->v[s->n - 1].is_case != is_case) return;
    s->total -= s->v[s->n - 1].run + s->v[s->n - 1].chain;
    s->n--;
}

static void nest_reset(NestStack *s)
{
    s->total -= s->v[s->n - 1].run;
    s->v[s->n - 1].run = 0;
}

static bool nest_token(NestStack *s, const Lexer *lx)
{
    char c = *lx->token;
    if (lx->kind == LEX_PUNCT && (c == '(' || c == '[')) return nest_push(s, false);
    if (lx->kind == LEX_PUNCT && (c == ')' || c == ']')) {
        while (s->n > 1 && s->v[s->n - 1].is_case) nest_pop(s, true);
        nest_pop(s, false);
    } else if (lx->kind == LEX_PUNCT && (c == ',' || c == ';')) {
        nest_reset(s);
        if (c == ';') { s->total -= s->v[s->n - 1].chain; s->v[s->n - 1].chain = 0; }
        return true;
    } else if (lx->kind == LEX_WORD) {
        if (lex_word_is(lx, "case")) return nest_push(s, true);
        if (lex_word_is(lx, "end")) nest_pop(s, true);
        bool chain = word_in(lx, chainers, sizeof chainers / sizeof *chainers);
        if (chain || word_in(lx, separators, sizeof separators / sizeof *separators)) nest_reset(s);
        s->v[s->n - 1].chain += chain;
        s->total += chain;
        if (chain) return true;
    } else if (lx->kind != LEX_OPERATOR && !(lx->kind == LEX_PUNCT && c == ':')) {
        return true; /* operands do not deepen the tree */
    }
    s->v[s->n - 1].run++;
    s->total++;
    return true;
}

static Status check_nesting(Slice sql, size_t *tokens, Error *err)
{
    *tokens = 0;
    if (sql.len < MAX_PAREN_DEPTH) return ST_OK;
    Lexer lx;
    NestStack s = {0};
    bool ok = nest_push(&s, false), deep = false;
    lex_init(&lx, sql);
    while (ok && !deep && lex_next(&lx) != LEX_END) {
        ok = nest_token(&s, &lx);
        ++*tokens;
        deep = s.total > MAX_TOKEN_DEPTH || s.n > MAX_PAREN_DEPTH;
    }
    free(s.v);
    return deep ? error_stack_depth(err) : ok ? ST_OK : error_out_of_memory(err, 0);
}

typedef struct Level { const ProtobufCMessageDescriptor *desc; const uint8_t *end; } Level;

static bool read_varint(const uint8_t **p, const uint8_t *end, uint64_t *out)
{
    *out = 0;
    for (int shift = 0; *p < end && shift < 64; shift += 7) {
        uint8_t b = *(*p)++;
        *out |= (uint64_t)(b & 0x7f) << shift;
        if (!(b & 0x80)) return true;
    }
    return false;
}

/* Is any message nested deeper than MAX_MESSAGE_DEPTH? */
static Status check_message_depth(const uint8_t *p, size_t n, Error *err)
{
    if (n < 2 * MAX_MESSAGE_DEPTH) return ST_OK;
    Level *stack = malloc(MAX_MESSAGE_DEPTH * sizeof *stack);
    TRY_MEM(stack, err);
    int depth = 0;
    bool deep = false, bad = false;
    stack[0] = (Level){&pg_query__parse_result__descriptor, p + n};
    while (depth >= 0 && !deep && !bad) {
        uint64_t tag, len = 0;
        if (p >= stack[depth].end) { depth--; continue; }
        if (!read_varint(&p, stack[depth].end, &tag)) bad = true;
        if (bad || (tag & 7) == 0) { bad = bad || !read_varint(&p, stack[depth].end, &len); continue; }
        if ((tag & 7) == 1) { p += 8; continue; }
        if ((tag & 7) == 5) { p += 4; continue; }
        bad = (tag & 7) != 2 || !read_varint(&p, stack[depth].end, &len) || len > (uint64_t)(stack[depth].end - p);
        if (bad) break;
        const ProtobufCFieldDescriptor *f = protobuf_c_message_descriptor_get_field(stack[depth].desc, (unsigned)(tag >> 3));
        if (!f || f->type != PROTOBUF_C_TYPE_MESSAGE) { p += len; continue; }
        deep = depth + 1 >= MAX_MESSAGE_DEPTH;
        if (!deep) stack[++depth] = (Level){f->descriptor, p + len};
    }
    free(stack);
    if (deep) return error_stack_depth(err);
    return bad ? error_set(err, ERR_INTERNAL_ERROR, "malformed parse tree") : ST_OK;
}

typedef struct Job {
    const char *sql;
    Arena *arena;
    Error *err;
    Status st;
    PgQuery__ParseResult *tree;
} Job;

static void *arena_allocate(void *arena, size_t size) { return arena_alloc(arena, size); }
static void arena_forget(void *arena, void *p) {}

static Status unpack(Job *job, PgQueryProtobuf bytes)
{
    ProtobufCAllocator allocator = {arena_allocate, arena_forget, job->arena};
    TRY(check_message_depth((const uint8_t *)bytes.data, bytes.len, job->err));
    job->tree = pg_query__parse_result__unpack(&allocator, bytes.len, (const uint8_t *)bytes.data);
    TRY_MEM(job->tree, job->err);
    return ST_OK;
}

static void parse_job(void *arg)
{
    Job *job = arg;
    PgQueryProtobufParseResult result = pg_query_parse_protobuf(job->sql);
    if (result.error) job->st = raise_grammar_error(job->err, result.error->message, result.error->cursorpos);
    else job->st = unpack(job, result.parse_tree);
    pg_query_free_protobuf_parse_result(result);
}

static const char *transaction_tag(const PgQuery__TransactionStmt *t, bool *ends)
{
    static const char *const tags[] = {[1] = "BEGIN", "START TRANSACTION", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE", "ROLLBACK",
        "PREPARE TRANSACTION", "COMMIT PREPARED", "ROLLBACK PREPARED"};
    *ends = t->kind == PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_COMMIT || t->kind == PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_ROLLBACK ||
        t->kind == PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_ROLLBACK_TO || t->kind == PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_PREPARE;
    return tags[t->kind];
}

static void classify(RawStatement *raw, const PgQuery__Node *stmt)
{
    raw->tag = "???";
    raw->is_utility = true;
    raw->needs_snapshot = false;
    switch (stmt->node_case) {
#define RAW(node, text, utility, snapshot)                                                        \
    case PG_QUERY__NODE__NODE_##node:                                                             \
        raw->tag = text; raw->is_utility = utility; raw->needs_snapshot = snapshot; break;
#include "parser/raw_tags.def"
#undef RAW
    default: break;
    }
    switch (stmt->node_case) {
    case PG_QUERY__NODE__NODE_TRANSACTION_STMT: raw->tag = transaction_tag(stmt->transaction_stmt, &raw->is_transaction_end); break;
    case PG_QUERY__NODE__NODE_SELECT_STMT:
        if (!stmt->select_stmt->into_clause) break;
        raw->tag = "SELECT INTO";
        raw->is_utility = true;
        break;
    case PG_QUERY__NODE__NODE_VACUUM_STMT:
        if (!stmt->vacuum_stmt->is_vacuumcmd) raw->tag = "ANALYZE";
        break;
    case PG_QUERY__NODE__NODE_VARIABLE_SET_STMT:
        if (stmt->variable_set_stmt->kind >= PG_QUERY__VARIABLE_SET_KIND__VAR_RESET) raw->tag = "RESET";
        break;
    case PG_QUERY__NODE__NODE_FETCH_STMT:
        if (stmt->fetch_stmt->ismove) raw->tag = "MOVE";
        break;
    case PG_QUERY__NODE__NODE_GRANT_STMT:
        if (!stmt->grant_stmt->is_grant) raw->tag = "REVOKE";
        break;
    case PG_QUERY__NODE__NODE_GRANT_ROLE_STMT:
        if (!stmt->grant_role_stmt->is_grant) raw->tag = "REVOKE ROLE";
        break;
    default: break;
    }
}

Status raw_parse_text(const char *sql, Arena *arena, RawStatement **out, int *n, Error *err)
{
    Job job = {.sql = sql, .arena = arena, .err = err};
    size_t tokens, grammar_bytes;
    TRY(check_nesting(slice_cstr(sql), &tokens, err));
    grammar_bytes = tokens * GRAMMAR_BYTES_PER_TOKEN;
    if (!mem_charge(arena->account, grammar_bytes)) return error_out_of_memory(err, grammar_bytes);
    Status st = big_stack_call(parse_job, &job, err);
    mem_release(arena->account, grammar_bytes);
    TRY(st);
    TRY(job.st);
    *n = 0;
    TRY_NEW_N(*out, arena, job.tree->n_stmts ? job.tree->n_stmts : 1, err);
    for (size_t i = 0; i < job.tree->n_stmts; i++) {
        const PgQuery__RawStmt *stmt = job.tree->stmts[i];
        if (!stmt->stmt || stmt->stmt->node_case == PG_QUERY__NODE__NODE__NOT_SET) continue;
        RawStatement *raw = &(*out)[(*n)++];
        *raw = (RawStatement){.pb = stmt->stmt, .location = stmt->stmt_location, .length = stmt->stmt_len};
        classify(raw, stmt->stmt);
    }
    return ST_OK;
}

Status raw_parse(SessionEnv *env, const char *sql, Arena *arena, RawStatement **out, int *n, Error *err)
{
    return raw_parse_text(sql, arena, out, n, err);
}
