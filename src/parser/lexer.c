#include "parser/lexer.h"

#include <strings.h>

static bool is_digit(char c) { return c >= '0' && c <= '9'; }
static bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
static bool is_newline(char c) { return c == '\n' || c == '\r'; }
static bool is_name_start(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (unsigned char)c >= 128; }
static bool is_name_char(char c) { return is_name_start(c) || is_digit(c) || c == '$'; }
static bool is_operator(char c) { return c && strchr("~!@#^&|`?+-*/%<>=", c); }

void lex_init(Lexer *lx, Slice text)
{
    *lx = (Lexer){.start = (const char *)text.data, .p = (const char *)text.data, .end = (const char *)text.data + text.len};
}

static char at(const Lexer *lx, size_t n) { return (size_t)(lx->end - lx->p) > n ? lx->p[n] : 0; }

/* Past a comment that begins here; false: none begins here. An unterminated one ends the text. */
static bool skip_comment(Lexer *lx)
{
    if (at(lx, 0) == '-' && at(lx, 1) == '-') {
        while (lx->p < lx->end && !is_newline(*lx->p)) lx->p++;
        return true;
    }
    if (at(lx, 0) != '/' || at(lx, 1) != '*') return false;
    lx->p += 2;
    for (int depth = 1; depth > 0 && lx->p < lx->end;) {
        if (at(lx, 0) == '*' && at(lx, 1) == '/') { depth--; lx->p += 2; }
        else if (at(lx, 0) == '/' && at(lx, 1) == '*') { depth++; lx->p += 2; }
        else lx->p++;
    }
    return true;
}

/* p at the opening quote. */
static bool skip_quoted(Lexer *lx, char quote, bool backslashes)
{
    for (lx->p++; lx->p < lx->end; lx->p++) {
        if (backslashes && *lx->p == '\\') {
            if (++lx->p >= lx->end) return false;
        } else if (*lx->p == quote) {
            lx->p++;
            if (at(lx, 0) != quote) return true;
        }
    }
    return false;
}

/* A string goes on in the same mode after white space with a newline in it; only E'' strings care. */
static bool continues(Lexer *lx)
{
    const char *back = lx->p;
    bool newline = false;
    for (;;) {
        if (at(lx, 0) == '-' && at(lx, 1) == '-') skip_comment(lx);
        else if (lx->p < lx->end && is_space(*lx->p)) newline |= is_newline(*lx->p++);
        else break;
    }
    if (newline && at(lx, 0) == '\'') return true;
    lx->p = back;
    return false;
}

static LexKind lex_estring(Lexer *lx)
{
    do {
        if (!skip_quoted(lx, '\'', true)) return LEX_BAD;
    } while (continues(lx));
    return LEX_ESTRING;
}

static LexKind lex_word(Lexer *lx)
{
    char c = (char)(*lx->p | 0x20);
    if (c == 'e' && at(lx, 1) == '\'') { lx->p++; return lex_estring(lx); }
    if ((c == 'b' || c == 'x') && at(lx, 1) == '\'') { lx->p++; return skip_quoted(lx, '\'', false) ? LEX_OTHER_STRING : LEX_BAD; }
    if (c == 'u' && at(lx, 1) == '&' && (at(lx, 2) == '\'' || at(lx, 2) == '"')) {
        bool name = at(lx, 2) == '"';
        lx->p += 2;
        if (!skip_quoted(lx, *lx->p, false)) return LEX_BAD;
        return name ? LEX_QUOTED_NAME : LEX_OTHER_STRING;
    }
    while (lx->p < lx->end && is_name_char(*lx->p)) lx->p++;
    return LEX_WORD;
}

static LexKind lex_dollar(Lexer *lx)
{
    const char *tag = lx->p;
    if (is_digit(at(lx, 1))) {
        for (lx->p++; is_digit(at(lx, 0));) lx->p++;
        return LEX_PARAM;
    }
    lx->p++;
    while (lx->p < lx->end && *lx->p != '$' && is_name_char(*lx->p) && (lx->p > tag + 1 || !is_digit(*lx->p))) lx->p++;
    if (at(lx, 0) != '$') { lx->p = tag + 1; return LEX_BAD; }
    size_t n = (size_t)(++lx->p - tag);
    for (; (size_t)(lx->end - lx->p) >= n; lx->p++) {
        lx->p = memchr(lx->p, '$', (size_t)(lx->end - lx->p));
        if (!lx->p || (size_t)(lx->end - lx->p) < n) break;
        if (!memcmp(lx->p, tag, n)) { lx->p += n; return LEX_DOLLAR; }
    }
    lx->p = lx->end;
    return LEX_BAD;
}

static LexKind lex_number(Lexer *lx)
{
    while (is_digit(at(lx, 0))) lx->p++;
    if (at(lx, 0) == '.' && at(lx, 1) != '.')
        for (lx->p++; is_digit(at(lx, 0));) lx->p++;
    size_t sign = at(lx, 1) == '+' || at(lx, 1) == '-';
    if ((at(lx, 0) | 0x20) == 'e' && is_digit(at(lx, 1 + sign)))
        for (lx->p += 1 + sign; is_digit(at(lx, 0));) lx->p++;
    return LEX_NUMBER;
}

static LexKind lex_operator(Lexer *lx)
{
    do lx->p++;
    while (lx->p < lx->end && is_operator(*lx->p) && !(*lx->p == '-' && at(lx, 1) == '-') && !(*lx->p == '/' && at(lx, 1) == '*'));
    return LEX_OPERATOR;
}

static LexKind lex_token(Lexer *lx)
{
    char c = *lx->p;
    if (is_name_start(c)) return lex_word(lx);
    if (is_digit(c) || (c == '.' && is_digit(at(lx, 1)))) return lex_number(lx);
    if (c == '\'') return skip_quoted(lx, c, false) ? LEX_STRING : LEX_BAD;
    if (c == '"') return skip_quoted(lx, c, false) ? LEX_QUOTED_NAME : LEX_BAD;
    if (c == '$') return lex_dollar(lx);
    if (is_operator(c)) return lex_operator(lx);
    lx->p++;
    if (c == ':' && (at(lx, 0) == ':' || at(lx, 0) == '=')) lx->p++;
    return c && strchr("()[],;:.", c) ? LEX_PUNCT : LEX_BAD;
}

LexKind lex_next(Lexer *lx)
{
    while (lx->p < lx->end) {
        if (is_space(*lx->p)) lx->p++;
        else if (!skip_comment(lx)) break;
    }
    lx->token = lx->p;
    lx->kind = lx->p < lx->end ? lex_token(lx) : LEX_END;
    lx->len = (size_t)(lx->p - lx->token);
    return lx->kind;
}

bool lex_word_is(const Lexer *lx, const char *lower)
{
    return lx->kind == LEX_WORD && strlen(lower) == lx->len && !strncasecmp(lx->token, lower, lx->len);
}
