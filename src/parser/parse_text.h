/* Source text and errors: positions, libpg_query's messages. Internal to the parser. */
#ifndef HELIOS_PARSER_PARSE_TEXT_H
#define HELIOS_PARSER_PARSE_TEXT_H

#include "parser/parser.h"

/* raw_parse needs no session. */
STATUS raw_parse_text(const char *sql, Arena *arena, RawStatement **out, int *n, Error *err);

/* Sets the error's position from a byte offset in the text: characters from 1. Ignored if location < 0. Returns ST_FAILED. */
Status parser_error_position(Error *err, const char *sql, int location);

/* An error of the grammar: SQLSTATE and hint that belong to libpg_query's message. cursorpos: from 1. Returns ST_FAILED. */
Status raise_grammar_error(Error *err, const char *message, int cursorpos);

#endif
