/* Parsing JSON text: one parser for validation (the json type) and for building (jsonb, JSON functions). */
#ifndef HELIOS_TYPES_JSON_H
#define HELIOS_TYPES_JSON_H

#include "common/arena.h"
#include "common/strbuf.h"

typedef enum JsonScalar { JSON_NULL, JSON_FALSE, JSON_TRUE, JSON_NUMBER, JSON_STRING } JsonScalar;

/* Called in the order of the text; any may be NULL. Strings and keys come unescaped, valid until the callback returns. */
typedef struct JsonEvents {
    STATUS (*object_start)(void *arg, Error *err);
    STATUS (*object_end)(void *arg, Error *err);
    STATUS (*array_start)(void *arg, Error *err);
    STATUS (*array_end)(void *arg, Error *err);
    STATUS (*key)(void *arg, Slice key, Error *err);
    STATUS (*scalar)(void *arg, JsonScalar kind, Slice text, Error *err);
} JsonEvents;

/* events NULL: only check (escapes are then checked for form alone, as the json type does). arena: for unescaping.
 * Errors are PostgreSQL's: 22P02 with a detail and a context line, 22P05 for \u0000, 54001. */
STATUS json_parse(Arena *arena, Slice text, const JsonEvents *events, void *arg, Error *err);

/* Appends text as a JSON string with its quotes. */
void json_put_string(StrBuf *out, Slice text);

#endif
