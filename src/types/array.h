/* Arrays: looking into them, walking them, building them.
 *
 * An array is a varlena whose data is
 *     u8 ndim | u8 flags (1: has nulls) | u16 0 | u32 element type | ndim x { i32 length, i32 lower bound } |
 *     null bitmap, if it has nulls (bit set: null) | elements one after the other (types/flat_value.h), nulls left out.
 * ndim 0 is the empty array. No alignment. int2vector and oidvector are arrays of one dimension with lower bound 0. */
#ifndef HELIOS_TYPES_ARRAY_H
#define HELIOS_TYPES_ARRAY_H

#include "types/type.h"

#define ARRAY_MAX_DIMS 6
#define ARRAY_MAX_ITEMS 134217727

typedef struct ArrayView { /* borrowed from the Datum */
    Oid elem;
    int ndim;
    int32_t dims[ARRAY_MAX_DIMS], lbounds[ARRAY_MAX_DIMS];
    int nitems;
    const uint8_t *nulls; /* bitmap, or NULL: no nulls */
    const uint8_t *data, *end;
} ArrayView;

/* XX001 if the bytes are no array. */
STATUS array_open(Datum array, ArrayView *out, Error *err);

typedef struct ArrayIter {
    const ArrayView *view;
    const uint8_t *p;
    int i;
    int16_t typlen;
    bool byval;
} ArrayIter;

void array_iter_init(ArrayIter *it, const ArrayView *view, const TypeInfo *elem);
/* False at the end. Values are borrowed from the array. */
bool array_next(ArrayIter *it, Datum *value, bool *is_null);

/* All elements, in storage order; the arrays are in arena, the values borrowed. */
STATUS array_deconstruct(Arena *arena, Datum array, const TypeInfo *elem, Datum **values, bool **nulls, int *n, Error *err);

/* array[subs...]; null where PostgreSQL gives null: out of bounds, or another number of subscripts than dimensions. */
STATUS array_subscript(Datum array, const TypeInfo *elem, int nsubs, const int32_t *subs, Datum *value, bool *is_null, Error *err);

/* dims and lbounds: ndim each; lbounds NULL: all 1. nulls may be NULL. ndim 0, or no items, makes the empty array. */
STATUS array_make(Arena *arena, const TypeInfo *elem, int ndim, const int32_t *dims, const int32_t *lbounds, const Datum *values,
                  const bool *nulls, Datum *out, Error *err);
/* One dimension from 1. */
STATUS array_make_1d(Arena *arena, const TypeInfo *elem, int n, const Datum *values, const bool *nulls, Datum *out, Error *err);

/* Number of items of such dimensions: 54000 past the limit, also where an upper bound would overflow. */
STATUS array_count_items(int ndim, const int32_t *dims, const int32_t *lbounds, int *out, Error *err);

/* A growing one-dimensional array (array_agg, string_to_array). By-reference values are copied into arena. */
typedef struct ArrayBuilder {
    Arena *arena;
    const TypeInfo *elem;
    Datum *values;
    bool *nulls;
    int n, cap;
} ArrayBuilder;
void array_builder_init(ArrayBuilder *b, Arena *arena, const TypeInfo *elem);
STATUS array_builder_add(ArrayBuilder *b, Datum value, bool is_null, Error *err);
STATUS array_builder_finish(const ArrayBuilder *b, Arena *arena, Datum *out, Error *err);

/* The element's TypeInfo of an array type, or of an array's own element type where the type is a pseudo-type. NULL: unknown. */
const TypeInfo *array_elem_type(IoContext *io, const TypeInfo *array_type, const ArrayView *view_or_null);

#endif
