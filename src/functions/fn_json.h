/* Shared by fn_json*.c: any SQL value as JSON text, and walking over JSON text. */
#ifndef HELIOS_FUNCTIONS_FN_JSON_H
#define HELIOS_FUNCTIONS_FN_JSON_H

#include "functions/fn.h"
#include "types/jsonb.h"

/* Appends a value of any type as JSON. pretty: line feeds between elements of the outermost array or row. */
STATUS json_put_value(CallFrame *cf, Oid type, Datum v, bool isnull, bool pretty, StrBuf *out);
/* The same as an object key, always a string. 22023 for arrays, rows and json. */
STATUS json_put_key(CallFrame *cf, Oid type, Datum v, StrBuf *out);
Datum json_to_jsonb(CallFrame *cf, const StrBuf *json);

/* The members of an object or array in (valid) JSON text. Slices are raw: keys with their quotes and escapes. */
typedef struct JsonWalk { const uint8_t *p, *end; bool is_object, is_array; } JsonWalk;
void json_walk(Slice text, JsonWalk *w);
bool json_walk_next(JsonWalk *w, Slice *key, Slice *value);
/* A scalar's plain text: strings without quotes and escapes. */
STATUS json_plain(CallFrame *cf, Slice value, Slice *out);
static inline bool json_is_null(Slice v) { return v.len == 4 && v.data[0] == 'n'; }

#endif
