/* Collations. All supported ones (default, C, POSIX, ucs_basic, C.UTF-8) order by bytes, which for UTF-8 is code point order. */
#ifndef HELIOS_TYPES_COLLATION_H
#define HELIOS_TYPES_COLLATION_H

#include "common/slice.h"
#include "types/datum.h"

#define COLLATION_DEFAULT ((Oid)100)
#define COLLATION_C ((Oid)950)
#define COLLATION_POSIX ((Oid)951)

static inline int collation_compare(Oid collation, Slice a, Slice b)
{
    int c = slice_compare(a, b);
    return (c > 0) - (c < 0);
}

#endif
