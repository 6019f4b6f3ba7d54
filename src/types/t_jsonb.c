/* jsonb as a type. In binary: a version byte, 1, and the text. */
#include "common/hash.h"
#include "types/jsonb.h"
#include "types/numeric.h"
#include "types/types_internal.h"
#include "types/utf8.h"

STATUS jsonb_in(IoContext *io, const TypeInfo *type, Slice text, int32_t typmod, Datum *out, Error *err)
{
    return jsonb_from_text(io->arena, text, out, err);
}

STATUS jsonb_out(IoContext *io, const TypeInfo *type, Datum value, StrBuf *out, Error *err)
{
    JsonbNode root;
    TRY(jsonb_root(value, &root, err));
    return jsonb_put_text(root, out, -1, err);
}

STATUS jsonb_recv(IoContext *io, const TypeInfo *type, Slice bytes, int32_t typmod, Datum *out, Error *err)
{
    if (bytes.len < 1) return error_set(err, ERR_PROTOCOL_VIOLATION, "no data left in message");
    if (bytes.data[0] != 1) return error_set(err, ERR_INTERNAL_ERROR, "unsupported jsonb version number %d", bytes.data[0]);
    Slice text = slice_of(bytes.data + 1, bytes.len - 1);
    TRY(utf8_validate(text, err));
    return jsonb_from_text(io->arena, text, out, err);
}

STATUS jsonb_send(IoContext *io, const TypeInfo *type, Datum value, StrBuf *out, Error *err)
{
    strbuf_char(out, 1);
    return jsonb_out(io, type, value, out, err);
}

int jsonb_compare(const TypeInfo *type, Datum a, Datum b)
{
    JsonbNode x, y;
    if (failed(jsonb_root(a, &x, NULL)) || failed(jsonb_root(b, &y, NULL))) return 0;
    return jsonb_compare_nodes(x, y);
}

static uint64_t hash_node(JsonbNode n)
{
    uint64_t h = hash_u64((uint64_t)jsonb_kind(n));
    if (jsonb_kind(n) == JSONB_STRING) return hash_combine(h, hash_bytes(jsonb_string(n).data, jsonb_string(n).len));
    if (jsonb_kind(n) == JSONB_NUMBER) return hash_combine(h, numeric_hash_datum(jsonb_number(n)));
    for (uint32_t i = 0; i < jsonb_count(n); i++) {
        Slice key = jsonb_kind(n) == JSONB_OBJECT ? jsonb_key(n, i) : slice_of("", 0);
        h = hash_combine(hash_combine(h, hash_bytes(key.data, key.len)), hash_node(jsonb_item(n, i)));
    }
    return h;
}

uint64_t jsonb_hash(const TypeInfo *type, Datum v)
{
    JsonbNode root;
    return failed(jsonb_root(v, &root, NULL)) ? 0 : hash_node(root);
}
