/* Records: rows as values (composite types, ROW(...), whole-row references).
 *
 * A record is a varlena whose data is
 *     u32 row type | u16 natts | natts x { u32 type, u8 shape } | null bitmap | values (types/flat_value.h), nulls left out,
 * so it can be taken apart and printed without its descriptor. shape: the length of by-value and fixed-length types, 0 for
 * varlena; bit 7: by value. */
#ifndef HELIOS_TYPES_RECORD_H
#define HELIOS_TYPES_RECORD_H

#include "types/tuple.h"

typedef struct RecordView { /* borrowed from the Datum */
    Oid row_type;
    int natts;
    const uint8_t *columns, *nulls, *data, *end;
} RecordView;

typedef struct RecordColumn {
    Oid type;
    int16_t typlen;
    bool byval, is_null;
    Datum value; /* borrowed */
} RecordColumn;

typedef struct RecordIter {
    const RecordView *view;
    const uint8_t *p;
    int i;
} RecordIter;

/* XX001 if the bytes are no record. */
STATUS record_open(Datum record, RecordView *out, Error *err);
void record_iter_init(RecordIter *it, const RecordView *view);
bool record_next(RecordIter *it, RecordColumn *out);
/* Column i, 0-based; a null beyond the last one. */
void record_column(const RecordView *view, int i, RecordColumn *out);

/* values/nulls: desc->natts. row_type of the value is desc->row_type (TYPE_record if 0). Dropped columns become nulls. */
STATUS record_make(Arena *arena, const TupleDesc *desc, const Datum *values, const bool *nulls, Datum *out, Error *err);

/* The text and binary forms with known columns, for the input of composite types: "(1,abc,)". */
STATUS record_parse(IoContext *io, const TupleDesc *desc, Slice text, Datum *out, Error *err);
STATUS record_parse_binary(IoContext *io, const TupleDesc *desc, Slice bytes, Datum *out, Error *err);

#endif
