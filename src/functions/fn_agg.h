/* Shared by fn_agg*.c: aggregate states and the variance formula. */
#ifndef HELIOS_FUNCTIONS_FN_AGG_H
#define HELIOS_FUNCTIONS_FN_AGG_H

#include "functions/fn.h"

/* The internal state in args[0], or a new zeroed one in the group's arena. NULL: error set. */
void *agg_state(CallFrame *cf, size_t bytes);
Arena *agg_arena_of(CallFrame *cf);
/* Variance or standard deviation of n values with these sums, as numeric; null where it is not defined. */
Datum agg_variance(CallFrame *cf, int64_t n, const Numeric *sum, const Numeric *squares, bool variance, bool sample);

#endif
