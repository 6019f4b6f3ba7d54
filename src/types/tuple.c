/* Row shapes, slots, and the flat row. */
#include "types/tuple.h"

#include <assert.h>

#include "types/flat_value.h"

TupleDesc *tupledesc_new(Arena *arena, int natts)
{
    TupleDesc *desc = arena_zalloc(arena, sizeof *desc);
    if (!desc) return NULL;
    desc->natts = natts;
    desc->atts = arena_zalloc(arena, (size_t)natts * sizeof *desc->atts);
    return desc->atts ? desc : NULL;
}

TupleDesc *tupledesc_copy(Arena *arena, const TupleDesc *from)
{
    TupleDesc *desc = tupledesc_new(arena, from->natts);
    if (!desc) return NULL;
    desc->row_type = from->row_type;
    for (int i = 0; i < from->natts; i++) {
        desc->atts[i] = from->atts[i];
        desc->atts[i].name = arena_strdup(arena, from->atts[i].name);
        if (from->atts[i].name && !desc->atts[i].name) return NULL;
    }
    return desc;
}

void attribute_set(Attribute *att, const char *name, const TypeInfo *type, int32_t typmod)
{
    *att = (Attribute){.name = name, .type = type->oid, .typmod = typmod, .collation = type->collation, .typlen = type->typlen,
                       .byval = type->byval};
}

TupleSlot *slot_new(Arena *arena, const TupleDesc *desc)
{
    TupleSlot *slot = arena_zalloc(arena, sizeof *slot);
    if (!slot) return NULL;
    slot->desc = desc;
    slot->empty = true;
    slot->values = arena_zalloc(arena, (size_t)desc->natts * sizeof *slot->values);
    slot->nulls = arena_zalloc(arena, (size_t)desc->natts * sizeof *slot->nulls);
    return slot->values && slot->nulls ? slot : NULL;
}

void slot_clear(TupleSlot *slot)
{
    slot->nvalid = 0;
    slot->empty = true;
    slot->ops = NULL;
    slot->key = slot->row = slice_of(NULL, 0);
    slot->stamp = slot->xmin = 0;
    slot->decode_pos = 0;
}

static STATUS copy_slice(Arena *arena, Slice *s, Error *err)
{
    if (!s->len) {
        s->data = NULL;
        return ST_OK;
    }
    s->data = arena_memdup(arena, s->data, s->len);
    TRY_MEM(s->data, err);
    return ST_OK;
}

STATUS slot_materialize(TupleSlot *slot, Arena *arena, Error *err)
{
    TRY(slot_decode_all(slot, err));
    for (int i = 0; i < slot->desc->natts; i++) {
        const Attribute *att = &slot->desc->atts[i];
        if (!slot->nulls[i]) TRY(datum_copy(arena, slot->values[i], att->byval, att->typlen, &slot->values[i], err));
    }
    TRY(copy_slice(arena, &slot->key, err));
    return copy_slice(arena, &slot->row, err);
}

STATUS slot_copy(TupleSlot *dst, TupleSlot *src, Arena *arena, Error *err)
{
    int n = src->desc->natts;
    assert(dst->desc->natts == n);
    TRY(slot_decode_all(src, err));
    for (int i = 0; i < n; i++) {
        const Attribute *att = &src->desc->atts[i];
        dst->nulls[i] = src->nulls[i];
        dst->values[i] = 0;
        if (!src->nulls[i]) TRY(datum_copy(arena, src->values[i], att->byval, att->typlen, &dst->values[i], err));
    }
    slot_store_virtual(dst);
    dst->empty = src->empty;
    dst->stamp = src->stamp;
    dst->xmin = src->xmin;
    dst->table_oid = src->table_oid;
    dst->row = slice_of(NULL, 0);
    dst->key = src->key;
    return copy_slice(arena, &dst->key, err);
}

/* ---- [u32 total][null bitmap][values] ---- */

static size_t bitmap_bytes(int natts) { return (size_t)(natts + 7) / 8; }

size_t mintuple_size(TupleSlot *slot)
{
    size_t n = 4 + bitmap_bytes(slot->desc->natts);
    assert(slot->nvalid == slot->desc->natts);
    for (int i = 0; i < slot->desc->natts; i++) {
        const Attribute *att = &slot->desc->atts[i];
        if (!slot->nulls[i]) n += flat_size(slot->values[i], att->byval, att->typlen);
    }
    return n;
}

void mintuple_write(TupleSlot *slot, uint8_t *out)
{
    int natts = slot->desc->natts;
    uint8_t *bitmap = out + 4, *p = bitmap + bitmap_bytes(natts);
    memset(bitmap, 0, bitmap_bytes(natts));
    for (int i = 0; i < natts; i++) {
        const Attribute *att = &slot->desc->atts[i];
        if (slot->nulls[i]) bitmap[i / 8] |= (uint8_t)(1 << i % 8);
        else p = flat_write(p, slot->values[i], att->byval, att->typlen);
    }
    uint32_t total = (uint32_t)(p - out);
    memcpy(out, &total, 4);
}

STATUS mintuple_read(const uint8_t *bytes, size_t n, TupleSlot *slot, Error *err)
{
    int natts = slot->desc->natts;
    uint32_t total = 0;
    if (n >= 4) memcpy(&total, bytes, 4);
    if (total > n || total < 4 + bitmap_bytes(natts)) goto corrupt;
    const uint8_t *bitmap = bytes + 4, *p = bitmap + bitmap_bytes(natts), *end = bytes + total;
    for (int i = 0; i < natts; i++) {
        const Attribute *att = &slot->desc->atts[i];
        slot->nulls[i] = bitmap[i / 8] >> i % 8 & 1;
        slot->values[i] = 0;
        if (slot->nulls[i]) continue;
        size_t len = flat_length(p, end, att->typlen);
        if (!len) goto corrupt;
        slot->values[i] = flat_read(p, att->byval, att->typlen, att->type);
        p += len;
    }
    slot_store_virtual(slot);
    return ST_OK;
corrupt:
    return error_set(err, ERR_DATA_CORRUPTED, "a stored row is malformed");
}
