/* What table.c, index.c, scan.c and build.c share. */
#ifndef HELIOS_STORAGE_TABLE_INTERNAL_H
#define HELIOS_STORAGE_TABLE_INTERNAL_H

#include "storage/row_codec.h"
#include "storage/txn_internal.h"

static inline void storage_prefix(StrBuf *sb, uint32_t storage_id)
{
    uint8_t b[4];
    key_put_u32(b, storage_id);
    strbuf_append(sb, b, 4);
}

/* storage id | row key, in arena; data NULL: out of memory. */
static inline Slice storage_key(uint32_t storage_id, Slice row_key, Arena *arena)
{
    uint8_t *p = arena_alloc(arena, row_key.len + 4);
    if (unlikely(!p)) return slice_of(NULL, 0);
    key_put_u32(p, storage_id);
    if (row_key.len) memcpy(p + 4, row_key.data, row_key.len);
    return slice_of(p, row_key.len + 4);
}

STATUS table_attach(const TableDef *table, Slice key, Slice value, TupleSlot *slot, Arena *arena, Error *err);
STATUS key_is_free(Txn *t, StorePlace place, Slice key, Arena *arena, bool *free, Slice *value, uint8_t *fresh, Error *err);
uint8_t inherited_new(const Txn *t, StorePlace place, Slice key);

/* The bytes [lower, upper) of a range over key parts; StrBufs of the caller. upper empty: open end (storage id 0xffffffff only). */
STATUS range_encode(uint32_t storage_id, const KeyPart *key, int nkey, const ScanRange *range, StrBuf *lower, StrBuf *upper, Error *err);
/* The first key after all that begin with what sb holds. */
void key_successor(StrBuf *sb);

#endif
