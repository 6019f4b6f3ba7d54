/* Sorting rows: in memory, as a top-N heap, or by runs in temporary files that are merged. */
#ifndef HELIOS_EXECUTOR_ROW_SORT_H
#define HELIOS_EXECUTOR_ROW_SORT_H

#include "executor/exec_state.h"

typedef struct RowSort RowSort;

/* keys are borrowed (attno into desc). bound > 0: only the first `bound` rows will be asked for. */
STATUS row_sort_new(ExecState *es, const TupleDesc *desc, int nkeys, const SortKey *keys, int64_t memory_bytes, int64_t bound, RowSort **out, Error *err);
void row_sort_free(RowSort *s); /* NULL is fine */
STATUS row_sort_put(RowSort *s, TupleSlot *row, Error *err);
STATUS row_sort_finish(RowSort *s, Error *err);
/* slot->empty at the end; the row is valid until the next call. */
STATUS row_sort_next(RowSort *s, TupleSlot *slot, Error *err);
STATUS row_sort_rewind(RowSort *s, Error *err);
const char *row_sort_method(const RowSort *s); /* "quicksort", "top-N heapsort", "external merge" */
int64_t row_sort_bytes(const RowSort *s, bool *on_disk);

#endif
