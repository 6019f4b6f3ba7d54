/* The identity of a row as a value: what Var(ATTNUM_ROWID) of a relation evaluates to (expr/expr_value.c writes it). It carries key, version and
 * the row's bytes, so that the row can be locked, updated or deleted without being read again. */
#ifndef HELIOS_EXECUTOR_ROW_IDENTITY_H
#define HELIOS_EXECUTOR_ROW_IDENTITY_H

#include "catalog/catalog.h"
#include "storage/row_codec.h"

/* Makes slot (of rel->desc) the row; it borrows the value's bytes. One slot at a time per codec. */
STATUS row_identity_read(Datum identity, const Relation *rel, RowCodec *codec, TupleSlot *slot, Error *err);

#endif
