/* TupleDesc and TupleSlot: a row's shape and a row at hand.
 *
 * A slot holds one row as Datum/null arrays that are filled lazily: nvalid of natts attributes are decoded, the rest are
 * fetched on demand from the raw row through ops (storage's row codec). Who owns the bytes: a slot whose ops are set borrows
 * its raw row from a cursor or buffer and is valid until that moves on; slot_materialize copies everything into an arena. */
#ifndef HELIOS_TYPES_TUPLE_H
#define HELIOS_TYPES_TUPLE_H

#include "types/type.h"

typedef struct Attribute {
    const char *name;
    Oid type;
    int32_t typmod;    /* -1: none */
    Oid collation;
    int16_t typlen;    /* TypeInfo.typlen */
    bool byval;
    bool not_null;
    bool dropped;
    Oid origin_table;  /* for RowDescription: 0 if computed */
    int16_t origin_attnum;
} Attribute;

typedef struct TupleDesc {
    int natts;
    Attribute *atts;
    Oid row_type;      /* composite type, TYPE_record, or 0 */
} TupleDesc;

TupleDesc *tupledesc_new(Arena *arena, int natts);                     /* zeroed attributes; NULL: out of memory */
TupleDesc *tupledesc_copy(Arena *arena, const TupleDesc *desc);
void attribute_set(Attribute *att, const char *name, const TypeInfo *type, int32_t typmod);

struct TupleSlot;
typedef struct SlotOps {
    /* Decode attributes [slot->nvalid, upto) into values/nulls and advance nvalid. Malformed bytes: XX001. */
    STATUS (*decode)(struct TupleSlot *slot, int upto, Error *err);
} SlotOps;

typedef struct TupleSlot {
    const TupleDesc *desc;
    Datum *values;        /* desc->natts */
    bool *nulls;
    int nvalid;           /* attributes decoded so far; natts for virtual rows */
    bool empty;           /* holds no row */
    const SlotOps *ops;   /* NULL: a virtual row, everything valid */
    const void *codec;    /* ops' own: the TableDef or IndexDef */
    Slice key, row;       /* raw row in the store's form (key without storage id), borrowed */
    uint64_t stamp;       /* version stamp: ctid; 0 for virtual rows */
    uint64_t xmin;        /* writer's transaction id */
    Oid table_oid;        /* tableoid; 0 for virtual rows */
    size_t decode_pos;    /* ops' own: where the next attribute starts */
} TupleSlot;

/* A slot with its arrays in arena, empty. */
TupleSlot *slot_new(Arena *arena, const TupleDesc *desc);
void slot_clear(TupleSlot *slot);
/* Mark values/nulls, which the caller filled, as a virtual row. */
static inline void slot_store_virtual(TupleSlot *slot)
{
    slot->ops = NULL;
    slot->nvalid = slot->desc->natts;
    slot->empty = false;
    slot->stamp = 0;
}
/* First `upto` attributes (0-based count) are valid afterwards. */
static inline STATUS slot_decode(TupleSlot *slot, int upto, Error *err)
{
    return likely(slot->nvalid >= upto) ? ST_OK : slot->ops->decode(slot, upto, err);
}
static inline STATUS slot_decode_all(TupleSlot *slot, Error *err) { return slot_decode(slot, slot->desc->natts, err); }
/* Copy all values (and key, row) into arena; the slot no longer borrows from anywhere else. */
STATUS slot_materialize(TupleSlot *slot, Arena *arena, Error *err);
/* dst becomes a virtual copy of src (same natts), by-reference values copied into arena. Keeps stamp, xmin, key. */
STATUS slot_copy(TupleSlot *dst, TupleSlot *src, Arena *arena, Error *err);

/* Compact self-contained form of a row for spilling and hash tables: [u32 total][null bitmap][values]. */
size_t mintuple_size(TupleSlot *slot);                       /* slot fully decoded */
void mintuple_write(TupleSlot *slot, uint8_t *out);
/* Makes slot a virtual row whose by-reference values point into the bytes. */
STATUS mintuple_read(const uint8_t *bytes, size_t n, TupleSlot *slot, Error *err);

#endif
