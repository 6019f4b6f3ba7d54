/* A lexer with exactly PostgreSQL's idea of where a token begins and ends (manual 4.1), and nothing more: no keywords, no values.
 * For what must be known of a text before it is parsed: its nesting (raw.c) and its literals (normalize.c). */
#ifndef HELIOS_PARSER_LEXER_H
#define HELIOS_PARSER_LEXER_H

#include "common/slice.h"

typedef enum LexKind {
    LEX_END, LEX_WORD, LEX_QUOTED_NAME, LEX_STRING /* 'x', N'x' is a word and a string */, LEX_ESTRING /* E'x' */, LEX_DOLLAR /* $$x$$ */,
    LEX_OTHER_STRING /* B'' X'' U&'' */, LEX_NUMBER, LEX_PARAM, LEX_OPERATOR /* one or more operator characters */, LEX_PUNCT /* one of ()[],;:. or :: or := */,
    LEX_BAD /* unterminated or not a token: the parser will say */
} LexKind;

typedef struct Lexer {
    const char *start, *p, *end;
    LexKind kind;      /* of the current token */
    const char *token; /* where it begins */
    size_t len;
} Lexer;

void lex_init(Lexer *lx, Slice text);
LexKind lex_next(Lexer *lx);
bool lex_word_is(const Lexer *lx, const char *lower); /* the current token is this word, in any case */

#endif
