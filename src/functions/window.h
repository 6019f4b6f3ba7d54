/* What a window function sees: the executor's WindowAgg node fills a WindowApi and sets CallFrame.window before each call.
 *
 * Window functions are ordinary functions of the table (prosrc window_row_number ...). Positions count from 0 within the partition.
 * cf->args is not set: a function fetches its arguments through arg_at, evaluated at any row of the partition. */
#ifndef HELIOS_FUNCTIONS_WINDOW_H
#define HELIOS_FUNCTIONS_WINDOW_H

#include "functions/call.h"

typedef struct WindowApi {
    void *node;              /* the executor's own */
    int64_t current;         /* position of the current row */
    Arena *partition_arena;  /* lives as long as the partition */
    void *state;             /* the function's own; NULL at the partition's first row */
    int nargs;
    /* Rows of the partition (may have to read it to its end). */
    STATUS (*row_count)(struct WindowApi *w, int64_t *out, Error *err);
    /* Are these two rows peers under the window's ORDER BY? */
    STATUS (*is_peer)(struct WindowApi *w, int64_t a, int64_t b, bool *out, Error *err);
    /* Argument argno at a row of the partition; *inside false (and null) beyond it. Values live until the next call. */
    STATUS (*arg_at)(struct WindowApi *w, int argno, int64_t pos, Datum *value, bool *isnull, bool *inside, Error *err);
    /* The k-th row (k >= 0) of the current row's frame from its start, or from its end; -1: there is none. Exclusions are honoured. */
    STATUS (*frame_row)(struct WindowApi *w, int64_t k, bool from_end, int64_t *pos, Error *err);
} WindowApi;

#endif
