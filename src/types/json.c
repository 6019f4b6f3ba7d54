/* The JSON parser. Tokens, their extent in error messages and the wording follow PostgreSQL 15. */
#define _GNU_SOURCE
#include "types/json.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/thread.h"
#include "types/utf8.h"

typedef enum Token {
    TOK_NONE, TOK_END, TOK_STRING, TOK_NUMBER, TOK_TRUE, TOK_FALSE, TOK_NULL,
    TOK_LBRACE = '{', TOK_RBRACE = '}', TOK_LBRACKET = '[', TOK_RBRACKET = ']', TOK_COMMA = ',', TOK_COLON = ':'
} Token;

typedef struct Json {
    const uint8_t *start, *end;
    const uint8_t *line_start;
    int line;
    Token token;
    const uint8_t *tok, *tok_end; /* the current token's text */
    StrBuf string;                /* its unescaped text, where events are wanted */
    const JsonEvents *events;
    void *arg;
    Error *err;
} Json;

/* ---- errors ---- */

/* The line up to the token, at most some 50 bytes of it. */
static Status add_context(const Json *js)
{
    const uint8_t *from = js->line_start, *to = js->tok_end;
    while (to - from >= 50) from += utf8_char_len(*from);
    if (from - js->line_start <= 3) from = js->line_start;
    bool more = js->token != TOK_END && to < js->end && *to != '\n' && *to != '\r';
    return error_context(js->err, "JSON data, line %d: %s%.*s%s", js->line, from > js->line_start ? "..." : "", (int)(to - from),
                         (const char *)from, more ? "..." : "");
}

static Status invalid(const Json *js, const char *fmt, ...) PRINTF_LIKE(2, 3);
static Status(invalid)(const Json *js, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    char *detail = NULL;
    int n = vasprintf(&detail, fmt, ap);
    va_end(ap);
    error_set(js->err, ERR_INVALID_TEXT_REPRESENTATION, "invalid input syntax for type json");
    if (n >= 0) {
        error_detail(js->err, "%s", detail);
        free(detail);
    }
    return add_context(js);
}

#define invalid(...) FAILING(invalid(__VA_ARGS__))

static Status invalid_token(Json *js, const uint8_t *tok_end)
{
    js->tok_end = tok_end;
    return invalid(js, "Token \"%.*s\" is invalid.", (int)(js->tok_end - js->tok), (const char *)js->tok);
}

static Status expected(const Json *js, const char *what)
{
    if (js->token == TOK_END) return invalid(js, "The input string ended unexpectedly.");
    return invalid(js, "Expected %s, but found \"%.*s\".", what, (int)(js->tok_end - js->tok), (const char *)js->tok);
}

/* ---- tokens ---- */

static bool word_char(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c >= 0x80;
}

static bool digit(const uint8_t *p, const uint8_t *end) { return p < end && *p >= '0' && *p <= '9'; }

static const uint8_t *skip_digits(const uint8_t *p, const uint8_t *end)
{
    while (digit(p, end)) p++;
    return p;
}

static STATUS lex_number(Json *js)
{
    const uint8_t *p = js->tok, *end = js->end;
    bool good = true;
    if (*p == '-') p++;
    if (p < end && *p == '0') p++;
    else if (digit(p, end)) p = skip_digits(p, end);
    else good = false;
    if (good && p < end && *p == '.') {
        good = digit(++p, end);
        p = skip_digits(p, end);
    }
    if (good && p < end && (*p | 0x20) == 'e') {
        p++;
        if (p < end && (*p == '+' || *p == '-')) p++;
        good = digit(p, end);
        p = skip_digits(p, end);
    }
    for (; p < end && word_char(*p); p++) good = false;
    if (!good) return invalid_token(js, p);
    js->token = TOK_NUMBER;
    js->tok_end = p;
    return ST_OK;
}

static STATUS lex_word(Json *js)
{
    static const struct { const char *text; size_t len; Token token; } words[] = {
        {"true", 4, TOK_TRUE}, {"false", 5, TOK_FALSE}, {"null", 4, TOK_NULL}};
    const uint8_t *p = js->tok;
    while (p < js->end && word_char(*p)) p++;
    if (p == js->tok) return invalid_token(js, p + 1);
    for (int i = 0; i < 3; i++) {
        if (words[i].len != (size_t)(p - js->tok) || memcmp(words[i].text, js->tok, words[i].len)) continue;
        js->token = words[i].token;
        js->tok_end = p;
        return ST_OK;
    }
    return invalid_token(js, p);
}

static const uint8_t *char_end(const Json *js, const uint8_t *p)
{
    int n = utf8_char_len(*p);
    return js->end - p < n ? js->end : p + n;
}

/* Four hex digits at *pp, which moves behind them. */
static STATUS lex_hex4(Json *js, const uint8_t **pp, uint32_t *out)
{
    *out = 0;
    for (int i = 0; i < 4; i++) {
        const uint8_t *p = *pp;
        if (p >= js->end) return invalid_token(js, p);
        uint8_t c = *p | 0x20;
        int v = *p >= '0' && *p <= '9' ? *p - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
        if (v < 0) {
            js->tok_end = char_end(js, p);
            return invalid(js, "\"\\u\" must be followed by four hexadecimal digits.");
        }
        *out = *out << 4 | (uint32_t)v;
        ++*pp;
    }
    return ST_OK;
}

static STATUS put_code_point(Json *js, const uint8_t *p, uint32_t cp, uint32_t *high)
{
    uint8_t bytes[4];
    js->tok_end = p;
    if (cp == 0) {
        error_set(js->err, ERR_UNTRANSLATABLE_CHARACTER, "unsupported Unicode escape sequence");
        error_detail(js->err, "\\u0000 cannot be converted to text.");
        return add_context(js);
    }
    if (cp >= 0xD800 && cp <= 0xDBFF) {
        if (*high) return invalid(js, "Unicode high surrogate must not follow a high surrogate.");
        *high = cp;
        return ST_OK;
    }
    bool low = cp >= 0xDC00 && cp <= 0xDFFF;
    if (low != (*high != 0)) return invalid(js, "Unicode low surrogate must follow a high surrogate.");
    if (low) cp = 0x10000 + ((*high & 0x3FF) << 10) + (cp & 0x3FF);
    *high = 0;
    strbuf_append(&js->string, bytes, (size_t)utf8_encode(cp, bytes));
    return ST_OK;
}

/* Behind a backslash. *high: a high surrogate that waits for its low one. */
static STATUS lex_escape(Json *js, const uint8_t **pp, uint32_t *high)
{
    static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    if (*pp >= js->end) return invalid_token(js, *pp);
    uint8_t c = *(*pp)++;
    if (c == 'u') {
        uint32_t cp;
        TRY(lex_hex4(js, pp, &cp));
        return js->events ? put_code_point(js, *pp, cp, high) : ST_OK;
    }
    if (*high) {
        js->tok_end = *pp;
        return invalid(js, "Unicode low surrogate must follow a high surrogate.");
    }
    const char *at = c ? strchr(names, c) : NULL;
    if (!at) {
        js->tok = *pp - 1;
        js->tok_end = char_end(js, js->tok);
        return invalid(js, "Escape sequence \"\\%.*s\" is invalid.", (int)(js->tok_end - js->tok), (const char *)js->tok);
    }
    if (js->events) strbuf_char(&js->string, values[at - names]);
    return ST_OK;
}

static STATUS lex_string(Json *js)
{
    uint32_t high = 0;
    strbuf_reset(&js->string);
    for (const uint8_t *p = js->tok + 1;;) {
        const uint8_t *run = p;
        while (p < js->end && *p >= 32 && *p != '"' && *p != '\\') p++;
        if (high && (p > run || p == js->end || *p != '\\')) {
            js->tok_end = p + (p == run && p < js->end && *p == '"');
            return invalid(js, "Unicode low surrogate must follow a high surrogate.");
        }
        if (js->events) strbuf_append(&js->string, run, (size_t)(p - run));
        if (p == js->end) return invalid_token(js, p);
        if (*p == '"') {
            js->token = TOK_STRING;
            js->tok_end = p + 1;
            return strbuf_check(&js->string, js->err);
        }
        if (*p < 32) {
            js->tok_end = p;
            return invalid(js, "Character with value 0x%02x must be escaped.", *p);
        }
        p++;
        TRY(lex_escape(js, &p, &high));
    }
}

static STATUS next_token(Json *js)
{
    const uint8_t *p = js->tok_end;
    for (; p < js->end && (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r'); p++) {
        if (*p != '\n') continue;
        js->line++;
        js->line_start = p + 1;
    }
    js->tok = p;
    js->tok_end = p;
    if (p == js->end) {
        js->token = TOK_END;
        return ST_OK;
    }
    switch (*p) {
    case '{': case '}': case '[': case ']': case ',': case ':':
        js->token = (Token)*p;
        js->tok_end = p + 1;
        return ST_OK;
    case '"': return lex_string(js);
    default: return *p == '-' || (*p >= '0' && *p <= '9') ? lex_number(js) : lex_word(js);
    }
}

/* ---- grammar ---- */

#define EMIT(js, event, ...) \
    ((js)->events && (js)->events->event ? (js)->events->event(__VA_ARGS__) : ST_OK)

static STATUS parse_value(Json *js);

static STATUS take(Json *js, Token token, const char *what)
{
    return js->token == token ? next_token(js) : expected(js, what);
}

static STATUS parse_member(Json *js)
{
    if (js->token != TOK_STRING) return expected(js, "string");
    TRY(EMIT(js, key, js->arg, strbuf_slice(&js->string), js->err));
    TRY(next_token(js));
    TRY(take(js, TOK_COLON, "\":\""));
    return parse_value(js);
}

static STATUS parse_object(Json *js)
{
    TRY(stack_check(js->err));
    TRY(EMIT(js, object_start, js->arg, js->err));
    TRY(next_token(js));
    if (js->token == TOK_STRING) {
        TRY(parse_member(js));
        while (js->token == TOK_COMMA) {
            TRY(next_token(js));
            TRY(parse_member(js));
        }
    } else if (js->token != TOK_RBRACE) {
        return expected(js, "string or \"}\"");
    }
    TRY(take(js, TOK_RBRACE, "\",\" or \"}\""));
    return EMIT(js, object_end, js->arg, js->err);
}

static STATUS parse_array(Json *js)
{
    TRY(stack_check(js->err));
    TRY(EMIT(js, array_start, js->arg, js->err));
    TRY(next_token(js));
    if (js->token != TOK_RBRACKET) {
        TRY(parse_value(js));
        while (js->token == TOK_COMMA) {
            TRY(next_token(js));
            TRY(parse_value(js));
        }
    }
    TRY(take(js, TOK_RBRACKET, "\",\" or \"]\""));
    return EMIT(js, array_end, js->arg, js->err);
}

static STATUS parse_value(Json *js)
{
    Slice text = slice_of(js->tok, (size_t)(js->tok_end - js->tok));
    JsonScalar kind;
    switch (js->token) {
    case TOK_LBRACE: return parse_object(js);
    case TOK_LBRACKET: return parse_array(js);
    case TOK_STRING: kind = JSON_STRING; text = strbuf_slice(&js->string); break;
    case TOK_NUMBER: kind = JSON_NUMBER; break;
    case TOK_TRUE: kind = JSON_TRUE; break;
    case TOK_FALSE: kind = JSON_FALSE; break;
    case TOK_NULL: kind = JSON_NULL; break;
    default: return expected(js, "JSON value");
    }
    TRY(EMIT(js, scalar, js->arg, kind, text, js->err));
    return next_token(js);
}

STATUS json_parse(Arena *arena, Slice text, const JsonEvents *events, void *arg, Error *err)
{
    Json js = {.start = text.data, .end = text.data + text.len, .line_start = text.data, .line = 1, .tok_end = text.data,
               .events = events, .arg = arg, .err = err};
    strbuf_init(&js.string, arena);
    TRY(next_token(&js));
    TRY(parse_value(&js));
    return js.token == TOK_END ? ST_OK : expected(&js, "end of input");
}

void json_put_string(StrBuf *out, Slice text)
{
    strbuf_char(out, '"');
    size_t run = 0;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i];
        if (c >= 32 && c != '"' && c != '\\') continue;
        strbuf_append(out, text.data + run, i - run);
        run = i + 1;
        switch (c) {
        case '"': strbuf_append(out, "\\\"", 2); break;
        case '\\': strbuf_append(out, "\\\\", 2); break;
        case '\b': strbuf_append(out, "\\b", 2); break;
        case '\f': strbuf_append(out, "\\f", 2); break;
        case '\n': strbuf_append(out, "\\n", 2); break;
        case '\r': strbuf_append(out, "\\r", 2); break;
        case '\t': strbuf_append(out, "\\t", 2); break;
        default: strbuf_printf(out, "\\u%04x", c); break;
        }
    }
    strbuf_append(out, text.data + run, text.len - run);
    strbuf_char(out, '"');
}
