/* Shared by numeric*.c only. */
#ifndef HELIOS_TYPES_NUMERIC_INTERNAL_H
#define HELIOS_TYPES_NUMERIC_INTERNAL_H

#include "types/numeric.h"

STATUS numeric_room(Numeric *v, int n, Arena *arena, Error *err); /* d has room for n digits (uninitialised) */
void numeric_strip(Numeric *v);                                     /* leading and trailing zero digits */

#endif
