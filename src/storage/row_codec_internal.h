/* What row_codec.c and index_codec.c share. */
#ifndef HELIOS_STORAGE_ROW_CODEC_INTERNAL_H
#define HELIOS_STORAGE_ROW_CODEC_INTERNAL_H

#include <assert.h>

#include "storage/key_codec.h"
#include "storage/row_codec.h"

enum { KEY_PARTS_MAX = 32 }; /* PostgreSQL's INDEX_MAX_KEYS */

typedef enum ColumnForm { FORM_KEY, FORM_U8, FORM_I16, FORM_I32, FORM_U32, FORM_U64, FORM_FIXED, FORM_VARLENA } ColumnForm;
typedef struct ColumnPlan {
    uint8_t form; /* ColumnForm; FORM_KEY: comes from the key */
    bool dropped;
    int16_t length;
} ColumnPlan;

struct RowCodec {
    const TableDef *table;
    const IndexDef *index;
    Arena *arena;
    const ColumnDef *columns;
    const KeyPart *key;
    int ncolumns, nkey;
    bool from_key, stored; /* does any column come from the key, any from the value? */
    uint8_t *room;         /* decoded by-reference key columns of the present row */
    size_t room_bytes;
    Slice entry_key;       /* of the present index entry */
    ColumnPlan plan[];
};

STATUS row_codec_make(Arena *arena, int ncolumns, const ColumnDef *columns, int nkey, const KeyPart *key, RowCodec **out, Error *err);
bool row_key_has_column(const KeyPart *key, int nkey, int column); /* and gives it back exactly */
void row_append_bitmap(StrBuf *out, int n, const bool *nulls, const ColumnDef *columns);
void row_append_value(StrBuf *out, const TypeInfo *type, Datum v);
STATUS row_decode_key(RowCodec *rc, Slice key, TupleSlot *slot, Error *err);
/* Attributes [nvalid, upto) of a row with ncolumns columns; p: where the next stored one starts. */
STATUS row_decode_columns(const RowCodec *rc, TupleSlot *slot, int upto, int ncolumns, const uint8_t *bitmap, const uint8_t *p, Error *err);

#endif
