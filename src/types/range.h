/* Ranges and multiranges.
 *
 * A range is a varlena of u8 flags, then the lower and the upper bound as flat values (types/flat_value.h) where they are finite.
 * A multirange is a varlena of u32 number of ranges, then ranges as varlenas, ordered, apart and not empty.
 * Ranges of integers and dates are kept as [a,b). TypeInfo.elem_info of a range is its subtype, of a multirange its range. */
#ifndef HELIOS_TYPES_RANGE_H
#define HELIOS_TYPES_RANGE_H

#include "types/type.h"

enum { RANGE_EMPTY = 1, RANGE_LOWER_INC = 2, RANGE_UPPER_INC = 4, RANGE_LOWER_INF = 8, RANGE_UPPER_INF = 16 };

typedef struct RangeBound {
    Datum value;
    bool infinite, inclusive, lower;
} RangeBound;

typedef struct Range {
    bool empty;
    RangeBound lower, upper; /* values borrowed */
} Range;

static inline const TypeInfo *range_subtype(const TypeInfo *range) { return range->elem_info; }

/* XX001 if the bytes are no range. */
STATUS range_read(const TypeInfo *range, Datum v, Range *out, Error *err);
/* Checks the order of the bounds (22000), makes it canonical, serialises. */
STATUS range_make(Arena *arena, const TypeInfo *range, Range v, Datum *out, Error *err);
/* -1, 0, 1: which bound comes first. Finite or not, lower or upper. */
int range_compare_bounds(const TypeInfo *subtype, const RangeBound *a, const RangeBound *b);

/* The ranges of a multirange, borrowed; the array is in arena. */
STATUS multirange_read(Arena *arena, const TypeInfo *multirange, Datum v, Range **ranges, int *n, Error *err);
/* Sorts and merges. */
STATUS multirange_make(Arena *arena, const TypeInfo *multirange, Range *ranges, int n, Datum *out, Error *err);

#endif
