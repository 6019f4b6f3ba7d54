/* From IndexQuals to ranges of an index: equality prefixes (lists from = ANY are walked in index order), then one range. */
#ifndef HELIOS_EXECUTOR_INDEX_RANGE_H
#define HELIOS_EXECUTOR_INDEX_RANGE_H

#include "executor/exec_state.h"

typedef struct IndexRange IndexRange;

/* key: the index's (or clustered table's) nkey parts. */
STATUS index_range_init(ExecState *es, const List *indexqual, const KeyPart *key, int nkey, bool backward, IndexRange **out, Error *err);
/* Evaluates the comparison values. */
STATUS index_range_begin(IndexRange *r, ExprContext *ec, Error *err);
/* The next range, in scan order; *more = false at the end. Values are valid until the next begin. */
bool index_range_next(IndexRange *r, ScanRange *out);
void index_range_end(IndexRange *r); /* NULL is fine */
/* Does every range fix all key columns by equality with non-null values? Then low.values are the whole key. */
bool index_range_is_full_key(const IndexRange *r);

#endif
