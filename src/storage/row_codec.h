/* Bytes of rows and index entries, and slots that decode them lazily. Storage-internal: other floors see slots.
 *
 * Table key:   storage_id(4, BE) | key columns (key_codec.h), or storage_id | row id(8, BE) without primary key.
 * Table value: head(1) stamp(1-8, LE) stamp-xid(0-7, LE) ncolumns(1-2) [null bitmap] columns
 *              Columns that the key gives back exactly are left out. By-value types take their 1, 2, 4, 8 bytes LE, the others
 *              their bytes as in memory (varlena with its header), so a slot points into the value without copying.
 * Index key:   storage_id | key columns [| row key]     (row key: of the table, without its storage id)
 * Index value: [varint length, row key, if the key has none] [flag, null bitmap, INCLUDE and non-reversible columns]
 * A row older than an added column has fewer columns: the rest take ColumnDef.missing. See README.md for every byte.
 *
 * ColumnDef.type of a dropped column must still be there (its length is needed to step over it). */
#ifndef HELIOS_STORAGE_ROW_CODEC_H
#define HELIOS_STORAGE_ROW_CODEC_H

#include "storage/table.h"

static inline void key_put_u32(uint8_t *p, uint32_t v) { v = __builtin_bswap32(v); memcpy(p, &v, 4); }
static inline uint32_t key_get_u32(const uint8_t *p) { uint32_t v; memcpy(&v, p, 4); return __builtin_bswap32(v); }
static inline void key_put_u64(uint8_t *p, uint64_t v) { v = __builtin_bswap64(v); memcpy(p, &v, 8); }
static inline uint64_t key_get_u64(const uint8_t *p) { uint64_t v; memcpy(&v, p, 8); return __builtin_bswap64(v); }

/* ---- Rows. */
/* Appends the value. values/nulls: def->ncolumns, in this type's in-memory form. 53200 only. */
STATUS row_encode(const TableDef *def, uint64_t xid, uint64_t stamp, const Datum *values, const bool *nulls, StrBuf *out, Error *err);
/* Appends the whole key (storage id first) of a row with primary key. 54000 if too long. */
STATUS row_key_encode(const TableDef *def, const Datum *values, const bool *nulls, StrBuf *out, Error *err);
uint64_t row_stamp(Slice value); /* 0 if malformed */
uint64_t row_xid(Slice value);

/* A decoding plan for rows of one shape: made once for a scan or a look-up, lives in (and decodes text key columns into) `arena`.
 * One slot at a time: attaching the next row ends the previous one's text key columns. */
typedef struct RowCodec RowCodec;
STATUS row_codec_table(Arena *arena, const TableDef *def, RowCodec **out, Error *err);
STATUS row_codec_index(Arena *arena, const IndexDef *def, RowCodec **out, Error *err); /* slot of index->desc: index-only scans */

/* Sets the slot to a raw row; nothing is decoded yet. key: row key without storage id; value as stored. Both are borrowed and must
 * live as long as the row is looked at. Sets stamp, xmin, table_oid, key, row. XX001 if the head is malformed. */
STATUS row_attach(TupleSlot *slot, RowCodec *codec, Slice key, Slice value, Error *err);
/* The same for an index entry: key without storage id. slot->key = the row key in it; stamp = 0 (not known from an index). */
STATUS index_attach(TupleSlot *slot, RowCodec *codec, Slice key, Slice value, Error *err);

/* ---- Index entries. values/nulls: def->ncolumns. Appends key (storage id first) and value. 54000. */
STATUS index_entry_encode(const IndexDef *def, const Datum *values, const bool *nulls, Slice row_key, StrBuf *key, StrBuf *value, Error *err);
/* Key columns only (storage id first), without row key: what a unique check looks up or takes as prefix. */
STATUS index_key_encode(const IndexDef *def, const Datum *values, const bool *nulls, StrBuf *key, Error *err);
/* Is the row key part of such an entry's key (non-unique, deferrable, or a null among distinct ones)? */
bool index_entry_has_row_key(const IndexDef *def, const bool *nulls);
/* The row key in an entry; key without storage id; a view into key or value. XX001. */
STATUS index_entry_row_key(const IndexDef *def, Slice key, Slice value, Slice *row_key, Error *err);

/* Could an update that changed values (both of one shape) leave key bytes and stored value alone? Compares the encodings' inputs. */
bool index_entry_same(const IndexDef *def, const Datum *a, const bool *anull, const Datum *b, const bool *bnull);

#endif
