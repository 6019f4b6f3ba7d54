/* normalize_statement: `SELECT a FROM t WHERE b = 17` and `... = 18` become one text, so that a plan is found again without parsing.
 *
 * A literal is replaced only where a parameter of the same type means exactly the same: after an operator, in VALUES and IN lists and in plain
 * parentheses, after BETWEEN and AND. Everything else (ORDER BY 1, varchar(10), LIMIT 5, interval '1 day', output columns) stays in the text. */
#include <strings.h>

#include "parser/lexer.h"
#include "parser/parser.h"

enum { MAX_NESTING = 64 };

typedef struct Token { LexKind kind; const char *at; size_t len; } Token;

typedef struct Normalizer {
    Lexer lx;
    StrBuf *out;
    Literal *literals;
    int max, n, depth;
    bool list[MAX_NESTING]; /* by parenthesis: literals in it may go */
    Token prev, before;     /* the last two tokens */
    const char *start;
} Normalizer;

static bool is_word(const Token *t, const char *const *words, size_t n)
{
    if (t->kind != LEX_WORD) return false;
    for (size_t i = 0; i < n; i++)
        if (strlen(words[i]) == t->len && !strncasecmp(t->at, words[i], t->len)) return true;
    return false;
}
#define IS_ONE_OF(t, words) is_word((t), (words), sizeof(words) / sizeof *(words))

static const char *const openers[] = {"values", "in", "and", "or", "not", "where", "on", "when", "then", "else", "having"};
static const char *const before_literal[] = {"between", "and", "or", "like", "ilike"};

static bool is_punct(const Token *t, char c) { return t->kind == LEX_PUNCT && *t->at == c; }

/* May a literal that follows this token be replaced? */
static bool good_place(const Normalizer *z, const Token *prev)
{
    if (prev->kind == LEX_OPERATOR) return true;
    if (is_punct(prev, '(') || is_punct(prev, ',')) return z->depth > 0 && z->depth <= MAX_NESTING && z->list[z->depth - 1];
    return IS_ONE_OF(prev, before_literal);
}

static bool is_operand_end(const Token *t)
{
    return t->kind == LEX_NUMBER || t->kind == LEX_STRING || t->kind == LEX_ESTRING || t->kind == LEX_DOLLAR || t->kind == LEX_QUOTED_NAME ||
        is_punct(t, ')') || is_punct(t, ']') || (t->kind == LEX_WORD && !IS_ONE_OF(t, before_literal) && !IS_ONE_OF(t, openers));
}

static void emit_raw(Normalizer *z, const Token *t)
{
    if (z->out->len) strbuf_char(z->out, ' ');
    strbuf_append(z->out, t->at, t->len);
}

static bool emit_literal(Normalizer *z, Slice text, bool is_string, const char *at)
{
    if (z->n >= z->max) return false;
    z->literals[z->n++] = (Literal){.text = text, .is_string = is_string, .is_number = !is_string, .location = (int)(at - z->start)};
    strbuf_printf(z->out, "%s$%d", z->out->len ? " " : "", z->n);
    return true;
}

static bool number(Normalizer *z, const Token *t)
{
    bool sign = z->prev.kind == LEX_OPERATOR && z->prev.len == 1 && (*z->prev.at == '-' || *z->prev.at == '+') && !is_operand_end(&z->before);
    if (!sign && good_place(z, &z->prev)) return emit_literal(z, slice_of(t->at, t->len), false, t->at);
    bool minus = sign && *z->prev.at == '-' && z->prev.at + 1 == t->at;
    if (!minus || !good_place(z, &z->before)) return emit_raw(z, t), true;
    z->out->len -= 2; /* the sign goes into the literal: " -" was the last token */
    return emit_literal(z, slice_of(z->prev.at, t->len + 1), false, z->prev.at);
}

static bool string(Normalizer *z, const Token *t)
{
    Lexer peek = z->lx;
    LexKind next = lex_next(&peek);
    if (next == LEX_STRING) return false; /* continued on another line */
    bool cast = next == LEX_PUNCT && *peek.token == ':';
    if (cast || !good_place(z, &z->prev)) return emit_raw(z, t), true;
    return emit_literal(z, slice_of(t->at + 1, t->len - 2), true, t->at);
}

static bool token(Normalizer *z, const Token *t)
{
    switch (t->kind) {
    case LEX_NUMBER: return number(z, t);
    case LEX_STRING: return string(z, t);
    case LEX_BAD:
    case LEX_PARAM: return false;
    case LEX_OPERATOR: /* "+-" and the like are split by the grammar: not here */
        if (t->len > 1 && (t->at[t->len - 1] == '-' || t->at[t->len - 1] == '+')) return false;
        break;
    case LEX_PUNCT:
        if (*t->at == '(' && z->depth++ < MAX_NESTING)
            z->list[z->depth - 1] = z->prev.kind == LEX_OPERATOR || IS_ONE_OF(&z->prev, openers) || is_punct(&z->prev, '(') ||
                (is_punct(&z->prev, ',') && z->depth >= 1);
        if (*t->at == ')') z->depth--;
        break;
    default: break;
    }
    emit_raw(z, t);
    return z->depth >= 0;
}

bool normalize_statement(Slice sql, StrBuf *normalized, Literal *literals, int max, int *n)
{
    static const char *const verbs[] = {"select", "insert", "update", "delete"};
    Normalizer z = {.out = normalized, .literals = literals, .max = max, .start = (const char *)sql.data};
    strbuf_reset(normalized);
    lex_init(&z.lx, sql);
    while (lex_next(&z.lx) != LEX_END) {
        Token t = {z.lx.kind, z.lx.token, z.lx.len};
        if (z.prev.len == 0 && !IS_ONE_OF(&t, verbs)) return false;
        if (is_punct(&t, ';')) {
            if (lex_next(&z.lx) != LEX_END) return false;
            break;
        }
        if (t.kind == LEX_WORD && t.len == 4 && !strncasecmp(t.at, "into", 4) && !(z.prev.len == 6 && !strncasecmp(z.prev.at, "insert", 6))) return false;
        if (!token(&z, &t)) return false;
        z.before = z.prev;
        z.prev = t;
    }
    *n = z.n;
    return z.prev.len > 0 && z.depth == 0 && !normalized->oom;
}
