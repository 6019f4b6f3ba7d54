/* Index entries; the bytes are in row_codec.h. */
#include "storage/row_codec_internal.h"

enum { ENTRY_NULLS = 1 };

bool index_entry_has_row_key(const IndexDef *def, const bool *nulls)
{
    if (!def->unique || def->deferrable) return true;
    if (def->nulls_not_distinct || !nulls) return false;
    for (int i = 0; i < def->nkey; i++) {
        if (nulls[i]) return true;
    }
    return false;
}

STATUS index_key_encode(const IndexDef *def, const Datum *values, const bool *nulls, StrBuf *key, Error *err)
{
    uint8_t id[4];
    key_put_u32(id, def->storage_id);
    strbuf_append(key, id, 4);
    return key_encode(def->key, def->nkey, values, nulls, key, err);
}

static void append_varint(StrBuf *out, size_t v)
{
    for (; v >= 128; v >>= 7) strbuf_char(out, (char)(v | 128));
    strbuf_char(out, (char)v);
}

static bool stores_columns(const IndexDef *def)
{
    if (def->ncolumns > def->nkey) return true;
    for (int i = 0; i < def->nkey; i++) {
        if (!key_part_reversible(&def->key[i])) return true;
    }
    return false;
}

static void append_columns(const IndexDef *def, const Datum *values, const bool *nulls, StrBuf *out)
{
    bool has_null = false;
    for (int i = 0; i < def->ncolumns; i++) has_null |= nulls && nulls[i];
    strbuf_char(out, has_null ? ENTRY_NULLS : 0);
    if (has_null) row_append_bitmap(out, def->ncolumns, nulls, def->columns);
    for (int i = 0; i < def->ncolumns; i++) {
        if ((nulls && nulls[i]) || row_key_has_column(def->key, def->nkey, i)) continue;
        row_append_value(out, def->columns[i].type, values[i]);
    }
}

STATUS index_entry_encode(const IndexDef *def, const Datum *values, const bool *nulls, Slice row_key, StrBuf *key, StrBuf *value, Error *err)
{
    TRY(index_key_encode(def, values, nulls, key, err));
    if (index_entry_has_row_key(def, nulls)) {
        strbuf_append(key, row_key.data, row_key.len);
    } else {
        append_varint(value, row_key.len);
        strbuf_append(value, row_key.data, row_key.len);
    }
    if (stores_columns(def)) append_columns(def, values, nulls, value);
    return first_error(strbuf_check(key, err), strbuf_check(value, err));
}

static Status malformed_entry(Error *err)
{
    return error_set(err, ERR_DATA_CORRUPTED, "malformed index entry");
}

/* Splits an entry: its row key, and what is left of the value after it. */
static STATUS split(const IndexDef *def, Slice key, Slice value, Slice *row_key, Slice *rest, Error *err)
{
    size_t at = 0;
    bool in_key = !def->unique || def->deferrable, may_null = def->unique && !def->deferrable && !def->nulls_not_distinct;
    *rest = value;
    if (in_key || may_null) {
        for (int i = 0; i < def->nkey; i++) {
            size_t used;
            Slice part = slice_of(key.data + at, key.len - at);
            if (may_null && part.len && part.data[0] != 1) in_key = true;
            TRY(key_skip(&def->key[i], part, &used, err));
            at += used;
        }
    }
    if (in_key) {
        *row_key = slice_of(key.data + at, key.len - at);
        return ST_OK;
    }
    size_t n = 0, pos = 0;
    for (int shift = 0;; shift += 7) {
        if (pos >= value.len || shift > 28) return malformed_entry(err);
        n |= (size_t)(value.data[pos] & 127) << shift;
        if (!(value.data[pos++] & 128)) break;
    }
    if (n > value.len - pos) return malformed_entry(err);
    *row_key = slice_of(value.data + pos, n);
    *rest = slice_of(value.data + pos + n, value.len - pos - n);
    return ST_OK;
}

STATUS index_entry_row_key(const IndexDef *def, Slice key, Slice value, Slice *row_key, Error *err)
{
    Slice rest;
    return split(def, key, value, row_key, &rest, err);
}

bool index_entry_same(const IndexDef *def, const Datum *a, const bool *anull, const Datum *b, const bool *bnull)
{
    for (int i = 0; i < def->ncolumns; i++) {
        const TypeInfo *type = def->columns[i].type;
        if (anull[i] != bnull[i]) return false;
        if (anull[i] || a[i] == b[i]) continue;
        if (type->byval) return false;
        if (type->typlen > 0 ? memcmp(datum_bytes(a[i]), datum_bytes(b[i]), (size_t)type->typlen) != 0
                             : !slice_equal(varlena_slice(a[i]), varlena_slice(b[i]))) return false;
    }
    return true;
}

/* ---- Index-only slots. */

STATUS row_codec_index(Arena *arena, const IndexDef *def, RowCodec **out, Error *err)
{
    TRY(row_codec_make(arena, def->ncolumns, def->columns, def->nkey, def->key, out, err));
    (*out)->index = def;
    return ST_OK;
}

static STATUS entry_decode(TupleSlot *slot, int upto, Error *err)
{
    RowCodec *rc = (RowCodec *)slot->codec;
    const uint8_t *p = slot->row.data, *bitmap = NULL;
    size_t bitmap_bytes = (size_t)(rc->ncolumns + 7) / 8;
    if (upto > rc->ncolumns) upto = rc->ncolumns;
    if (rc->stored) {
        if (slot->row.len < 1) return malformed_entry(err);
        if (*p & ENTRY_NULLS) {
            if (slot->row.len < 1 + bitmap_bytes) return malformed_entry(err);
            bitmap = p + 1;
            p += bitmap_bytes;
        }
        p++;
    }
    if (slot->nvalid == 0) {
        if (rc->from_key) TRY(row_decode_key(rc, rc->entry_key, slot, err));
    } else {
        p = slot->row.data + slot->decode_pos;
    }
    return row_decode_columns(rc, slot, upto, rc->ncolumns, bitmap, p, err);
}

static const SlotOps entry_ops = {entry_decode};

STATUS index_attach(TupleSlot *slot, RowCodec *rc, Slice key, Slice value, Error *err)
{
    TRY(split(rc->index, key, value, &slot->key, &slot->row, err));
    rc->entry_key = key;
    slot->nvalid = 0;
    slot->empty = false;
    slot->ops = &entry_ops;
    slot->codec = rc;
    slot->stamp = slot->xmin = 0;
    slot->table_oid = rc->index->table->relid;
    slot->decode_pos = 0;
    return ST_OK;
}
