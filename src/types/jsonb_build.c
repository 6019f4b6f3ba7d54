/* Building jsonb: a tree in an arena, then its bytes from the leaves up. */
#include <stdlib.h>

#include "common/thread.h"
#include "types/jsonb.h"
#include "types/numeric.h"
#include "types/types_internal.h"

typedef struct JsonbTree JsonbTree;
typedef struct Member {
    Slice key;
    uint32_t order; /* of equal keys the last one stays */
    JsonbTree *value;
} Member;

struct JsonbTree {
    JsonbKind kind;
    JsonbTree *parent;
    Slice bytes; /* scalars: data behind the tag. A borrowed node: the whole node, with is_node */
    bool is_node;
    Member *members; /* containers; arrays leave the keys empty */
    uint32_t n, cap;
};

void jsonb_builder_init(JsonbBuilder *b, Arena *arena) { *b = (JsonbBuilder){.arena = arena}; }

static STATUS attach(JsonbBuilder *b, JsonbTree *node, Error *err)
{
    JsonbTree *open = b->open;
    node->parent = open;
    if (!open) {
        b->root = node;
        return ST_OK;
    }
    if (open->n == open->cap) {
        uint32_t cap = open->cap ? open->cap * 2 : 4;
        if (cap > 1u << 28) return error_set(err, ERR_PROGRAM_LIMIT_EXCEEDED, "number of jsonb array elements exceeds the maximum allowed (%u)", 1u << 28);
        Member *grown = arena_alloc(b->arena, cap * sizeof *grown);
        TRY_MEM(grown, err);
        if (open->n) memcpy(grown, open->members, open->n * sizeof *grown);
        open->members = grown;
        open->cap = cap;
    }
    open->members[open->n] = (Member){open->kind == JSONB_OBJECT ? b->key : slice_of(NULL, 0), open->n, node};
    open->n++;
    return ST_OK;
}

static STATUS add(JsonbBuilder *b, JsonbKind kind, Slice bytes, bool is_node, Error *err)
{
    JsonbTree *node;
    TRY_NEW(node, b->arena, err);
    node->kind = kind;
    node->bytes = bytes;
    node->is_node = is_node;
    return attach(b, node, err);
}

STATUS jsonb_begin(JsonbBuilder *b, JsonbKind container, Error *err)
{
    JsonbTree *node;
    TRY_NEW(node, b->arena, err);
    node->kind = container;
    TRY(attach(b, node, err));
    b->open = node;
    return ST_OK;
}

static int compare_members(const void *x, const void *y)
{
    const Member *a = x, *b = y;
    if (a->key.len != b->key.len) return a->key.len < b->key.len ? -1 : 1;
    int c = a->key.len ? memcmp(a->key.data, b->key.data, a->key.len) : 0;
    return c ? c : (a->order > b->order) - (a->order < b->order);
}

STATUS jsonb_end(JsonbBuilder *b, Error *err)
{
    JsonbTree *t = b->open;
    b->open = t->parent;
    if (t->kind != JSONB_OBJECT || t->n < 2) return ST_OK;
    qsort(t->members, t->n, sizeof *t->members, compare_members);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < t->n; i++) {
        bool again = i + 1 < t->n && slice_equal(t->members[i].key, t->members[i + 1].key);
        if (!again) t->members[kept++] = t->members[i];
    }
    t->n = kept;
    return ST_OK;
}

static STATUS copied(JsonbBuilder *b, Slice s, Slice *out, Error *err)
{
    *out = slice_of(arena_memdup(b->arena, s.data, s.len), s.len);
    TRY_MEM(out->data, err);
    return ST_OK;
}

STATUS jsonb_add_key(JsonbBuilder *b, Slice key, Error *err) { return copied(b, key, &b->key, err); }

STATUS jsonb_add_string(JsonbBuilder *b, Slice text, Error *err)
{
    TRY(copied(b, text, &text, err));
    return add(b, JSONB_STRING, text, false, err);
}

STATUS jsonb_add_number(JsonbBuilder *b, Datum numeric, Error *err)
{
    Numeric v;
    TRY(numeric_read(numeric, b->arena, &v, err));
    if (v.kind != NUMERIC_FINITE)
        return error_set(err, ERR_INVALID_PARAMETER_VALUE, "cannot convert %s to jsonb", v.kind == NUMERIC_NAN ? "NaN" : "infinity");
    return add(b, JSONB_NUMBER, slice_of(datum_bytes(numeric), varlena_total(datum_bytes(numeric))), false, err);
}

STATUS jsonb_add_bool(JsonbBuilder *b, bool v, Error *err) { return add(b, v ? JSONB_TRUE : JSONB_FALSE, slice_of(NULL, 0), false, err); }
STATUS jsonb_add_null(JsonbBuilder *b, Error *err) { return add(b, JSONB_NULL, slice_of(NULL, 0), false, err); }
STATUS jsonb_add_node(JsonbBuilder *b, JsonbNode n, Error *err) { return add(b, jsonb_kind(n), slice_of(n.p, n.len), true, err); }

/* ---- bytes ---- */

static void put_u32(StrBuf *out, size_t at, uint32_t v)
{
    if (!out->oom) memcpy(out->data + at, &v, 4);
}

static STATUS write_node(const JsonbTree *t, StrBuf *out, Error *err);

static STATUS write_values(const JsonbTree *t, size_t ends, StrBuf *out, Error *err)
{
    size_t base = out->len;
    for (uint32_t i = 0; i < t->n; i++) {
        TRY(write_node(t->members[i].value, out, err));
        put_u32(out, ends + 4 * (size_t)i, (uint32_t)(out->len - base));
    }
    return ST_OK;
}

static STATUS write_node(const JsonbTree *t, StrBuf *out, Error *err)
{
    if (t->is_node) {
        strbuf_append(out, t->bytes.data, t->bytes.len);
        return ST_OK;
    }
    strbuf_char(out, (char)t->kind);
    if (t->kind < JSONB_ARRAY) {
        strbuf_append(out, t->bytes.data, t->bytes.len);
        return ST_OK;
    }
    TRY(stack_check(err));
    size_t ends = out->len + 4, n = t->n;
    strbuf_append(out, &t->n, 4);
    if (t->kind == JSONB_ARRAY) {
        strbuf_fill(out, 0, 4 * n);
        return write_values(t, ends, out, err);
    }
    strbuf_fill(out, 0, 8 * n);
    size_t keys = out->len;
    for (uint32_t i = 0; i < t->n; i++) {
        strbuf_append(out, t->members[i].key.data, t->members[i].key.len);
        put_u32(out, ends + 4 * (size_t)i, (uint32_t)(out->len - keys));
    }
    return write_values(t, ends + 4 * n, out, err);
}

STATUS jsonb_finish(JsonbBuilder *b, Datum *out, Error *err)
{
    StrBuf bytes;
    strbuf_init_heap(&bytes, b->arena->account);
    Status st = write_node(b->root, &bytes, err);
    if (!failed(st)) st = strbuf_check(&bytes, err);
    if (!failed(st)) st = make_varlena(b->arena, bytes.data, bytes.len, NULL, out, err);
    strbuf_free(&bytes);
    return st;
}

STATUS jsonb_from_node(Arena *arena, JsonbNode n, Datum *out, Error *err) { return make_varlena(arena, n.p, n.len, NULL, out, err); }

/* ---- from text ---- */

static STATUS on_object_start(void *b, Error *err) { return jsonb_begin(b, JSONB_OBJECT, err); }
static STATUS on_array_start(void *b, Error *err) { return jsonb_begin(b, JSONB_ARRAY, err); }
static STATUS on_end(void *b, Error *err) { return jsonb_end(b, err); }
static STATUS on_key(void *b, Slice key, Error *err) { return jsonb_add_key(b, key, err); }

static STATUS on_scalar(void *arg, JsonScalar kind, Slice text, Error *err)
{
    JsonbBuilder *b = arg;
    Datum number;
    switch (kind) {
    case JSON_NULL: return jsonb_add_null(b, err);
    case JSON_FALSE: case JSON_TRUE: return jsonb_add_bool(b, kind == JSON_TRUE, err);
    case JSON_STRING: return jsonb_add_string(b, text, err);
    case JSON_NUMBER: break;
    }
    TRY(numeric_in(&(IoContext){.arena = b->arena}, type_builtin(TYPE_numeric), text, -1, &number, err));
    return jsonb_add_number(b, number, err);
}

STATUS jsonb_from_text(Arena *arena, Slice text, Datum *out, Error *err)
{
    static const JsonEvents events = {on_object_start, on_end, on_array_start, on_end, on_key, on_scalar};
    JsonbBuilder b;
    jsonb_builder_init(&b, arena);
    TRY(json_parse(arena, text, &events, &b, err));
    return jsonb_finish(&b, out, err);
}
