#include "parser/parse_text.h"

Status parser_error_position(Error *err, const char *sql, int location)
{
    if (!sql || location < 0) return ST_FAILED;
    int chars = 1;
    for (int i = 0; i < location && sql[i]; i++)
        if (((unsigned char)sql[i] & 0xC0) != 0x80) chars++;
    return error_position(err, chars);
}

/* SQLSTATEs and hints of the grammar's and the lexer's own messages; all others are plain syntax errors. The first row whose text is contained in
 * the message counts. */
static const struct GrammarMessage { const char *text; SqlState code; const char *hint; } messages[] = {
    {"memory exhausted", ERR_STATEMENT_TOO_COMPLEX, NULL},
    {"stack depth limit", ERR_STATEMENT_TOO_COMPLEX, NULL},
    {"out of memory", ERR_OUT_OF_MEMORY, NULL},
    {"LIMIT #,# syntax is not supported", ERR_SYNTAX_ERROR, "Use separate LIMIT and OFFSET clauses."},
    {"subquery in FROM must have an alias", ERR_SYNTAX_ERROR, "For example, FROM (SELECT ...) [AS] foo."},
    {"VALUES in FROM must have an alias", ERR_SYNTAX_ERROR, "For example, FROM (VALUES ...) [AS] foo."},
    {"OPERATOR", ERR_SYNTAX_ERROR, NULL},
    {"not yet implemented", ERR_FEATURE_NOT_SUPPORTED, NULL},
    {"not implemented", ERR_FEATURE_NOT_SUPPORTED, NULL},
    {"is not supported", ERR_FEATURE_NOT_SUPPORTED, NULL},
    {"are not supported", ERR_FEATURE_NOT_SUPPORTED, NULL},
    {"precision for type float must be", ERR_INVALID_PARAMETER_VALUE, NULL},
    {"invalid Unicode escape character", ERR_SYNTAX_ERROR, NULL},
    {"invalid Unicode escape", ERR_INVALID_ESCAPE_SEQUENCE, "Unicode escapes must be \\uXXXX or \\UXXXXXXXX."},
    {"unsafe use of", ERR_NONSTANDARD_USE_OF_ESCAPE_CHARACTER, "Use '' to write quotes in strings. \\' is insecure in client-only encodings."},
    {"invalid byte sequence", ERR_CHARACTER_NOT_IN_REPERTOIRE, NULL},
    {"missing argument", ERR_SYNTAX_ERROR, "Use NONE to denote the missing argument of a unary operator."},
    {"number of columns does not match number of values", ERR_SYNTAX_ERROR, NULL},
    {"type modifier cannot have", ERR_SYNTAX_ERROR, NULL},
};

Status raise_grammar_error(Error *err, const char *message, int cursorpos)
{
    SqlState code = ERR_SYNTAX_ERROR;
    const char *hint = NULL;
    for (size_t i = 0; i < sizeof messages / sizeof *messages; i++) {
        if (!strstr(message, messages[i].text)) continue;
        code = messages[i].code;
        hint = messages[i].hint;
        break;
    }
    if (code == ERR_STATEMENT_TOO_COMPLEX) return error_stack_depth(err);
    error_set(err, code, "%s", message);
    if (hint) error_hint(err, "%s", hint);
    return error_position(err, cursorpos);
}
