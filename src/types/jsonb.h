/* jsonb: JSON in a form that is looked up without parsing.
 *
 * A node is a tag byte and its data; a node's length is known from its container (or the varlena):
 *     null, false, true        nothing
 *     number                   a numeric's varlena
 *     string                   the bytes
 *     array                    u32 n | n x u32 end of each element | elements
 *     object                   u32 n | n x u32 end of each key | n x u32 end of each value | keys | values
 * Ends count from the start of the elements, keys or values. Keys are unique and ordered by length, then bytes, as PostgreSQL's;
 * of equal keys the last one counts. A jsonb Datum is a varlena with one node. Little-endian, no alignment. */
#ifndef HELIOS_TYPES_JSONB_H
#define HELIOS_TYPES_JSONB_H

#include "types/json.h"
#include "types/type.h"

typedef enum JsonbKind { JSONB_NULL, JSONB_STRING, JSONB_NUMBER, JSONB_FALSE, JSONB_TRUE, JSONB_ARRAY, JSONB_OBJECT } JsonbKind;

typedef struct JsonbNode { /* borrowed */
    const uint8_t *p;
    size_t len;
} JsonbNode;

/* XX001 if the bytes cannot be a node. */
STATUS jsonb_root(Datum jsonb, JsonbNode *out, Error *err);
static inline JsonbKind jsonb_kind(JsonbNode n) { return (JsonbKind)n.p[0]; }
static inline bool jsonb_is_container(JsonbNode n) { return n.p[0] >= JSONB_ARRAY; }
static inline Slice jsonb_string(JsonbNode n) { return slice_of(n.p + 1, n.len - 1); }
static inline Datum jsonb_number(JsonbNode n) { return datum_ptr(n.p + 1); }
uint32_t jsonb_count(JsonbNode n);                             /* elements or pairs; 0 for scalars */
JsonbNode jsonb_item(JsonbNode n, uint32_t i);                 /* array element, or value of an object's pair; i < count */
Slice jsonb_key(JsonbNode n, uint32_t i);
bool jsonb_find(JsonbNode object, Slice key, JsonbNode *out);  /* false: no such key, or not an object */
bool jsonb_element(JsonbNode array, int64_t i, JsonbNode *out); /* negative i counts from the end */
const char *jsonb_kind_name(JsonbNode n);                      /* "object", "array", "string", "number", "boolean", "null" */

int jsonb_compare_nodes(JsonbNode a, JsonbNode b);             /* of whole values: an empty array is below scalars, as in PostgreSQL */
bool jsonb_equal(JsonbNode a, JsonbNode b);
bool jsonb_contains(JsonbNode a, JsonbNode b);                 /* a @> b */

/* Text as PostgreSQL prints it; indent < 0: on one line, else pretty-printed from that level. */
STATUS jsonb_put_text(JsonbNode n, StrBuf *out, int indent, Error *err);

STATUS jsonb_from_text(Arena *arena, Slice text, Datum *out, Error *err);
STATUS jsonb_from_node(Arena *arena, JsonbNode n, Datum *out, Error *err);

/* Builds a value by events in document order. Memory: the arena. */
typedef struct JsonbBuilder {
    Arena *arena;
    struct JsonbTree *root, *open; /* open: the innermost container */
    Slice key;
} JsonbBuilder;
void jsonb_builder_init(JsonbBuilder *b, Arena *arena);
STATUS jsonb_begin(JsonbBuilder *b, JsonbKind container, Error *err); /* JSONB_ARRAY or JSONB_OBJECT */
STATUS jsonb_end(JsonbBuilder *b, Error *err);
STATUS jsonb_add_key(JsonbBuilder *b, Slice key, Error *err);         /* copied */
STATUS jsonb_add_string(JsonbBuilder *b, Slice text, Error *err);     /* copied */
STATUS jsonb_add_number(JsonbBuilder *b, Datum numeric, Error *err);  /* borrowed until finish; 22023 for NaN and infinities */
STATUS jsonb_add_bool(JsonbBuilder *b, bool v, Error *err);
STATUS jsonb_add_null(JsonbBuilder *b, Error *err);
STATUS jsonb_add_node(JsonbBuilder *b, JsonbNode n, Error *err);      /* a part of another value; borrowed until finish */
STATUS jsonb_finish(JsonbBuilder *b, Datum *out, Error *err);

#endif
