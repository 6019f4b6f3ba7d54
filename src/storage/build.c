/* Building an index, or a rewritten table, under a storage id that nobody else sees.
 *
 * Entries are sorted externally. A small result goes into the overlay like any other write; a large one is written as table files
 * that the transaction adopts as runs: it reads them itself, and its commit ingests them as they are. Either way a rollback
 * leaves nothing. */
#include <stdlib.h>

#include "common/fault_point.h"
#include "storage/key_codec.h"
#include "storage/sorter.h"
#include "storage/spill.h"
#include "storage/table_internal.h"

enum { BUILD_SORT_BYTES = 4 * 1024 * 1024, BUILD_SMALL_BYTES = 128 * 1024 };

struct Build {
    Txn *txn;
    const TableDef *table;
    const IndexDef *index; /* NULL: a table */
    Sorter *sorter;
    StrBuf key, value;
    KvFile *file;
    char path[512];
    StrBuf first, last;    /* keys of the file being written */
    uint64_t file_bytes;
};

static STATUS build_begin(Txn *t, const TableDef *table, const IndexDef *index, Build **out, Error *err)
{
    Build *b = calloc(1, sizeof *b);
    TRY_MEM(b, err);
    b->txn = t;
    b->table = table;
    b->index = index;
    strbuf_init_heap(&b->key, t->opt.account);
    strbuf_init_heap(&b->value, t->opt.account);
    strbuf_init_heap(&b->first, t->opt.account);
    strbuf_init_heap(&b->last, t->opt.account);
    int64_t room = mem_available(t->opt.account) / 4;
    Status st = sorter_new(t->db, t->opt.account, room < BUILD_SORT_BYTES ? (size_t)(room > 0 ? room : 0) : BUILD_SORT_BYTES, &b->sorter, err);
    if (failed(st)) {
        build_abandon(b);
        return st;
    }
    *out = b;
    return ST_OK;
}

STATUS index_build_begin(Txn *t, const IndexDef *index, Build **out, Error *err) { return build_begin(t, index->table, index, out, err); }
STATUS table_build_begin(Txn *t, const TableDef *table, Build **out, Error *err) { return build_begin(t, table, NULL, out, err); }

void build_abandon(Build *b)
{
    if (!b) return;
    kv_file_abandon(b->file);
    sorter_free(b->sorter);
    strbuf_free(&b->key);
    strbuf_free(&b->value);
    strbuf_free(&b->first);
    strbuf_free(&b->last);
    free(b);
}

static STATUS add_pair(Build *b, Error *err)
{
    TRY(strbuf_check(&b->key, err));
    TRY(strbuf_check(&b->value, err));
    TRY(INTERRUPT_CHECK(b->txn->owner->interrupt, err));
    return sorter_add(b->sorter, strbuf_slice(&b->key), strbuf_slice(&b->value), err);
}

STATUS index_build_add(Build *b, const Datum *values, const bool *nulls, Slice row_key, Error *err)
{
    strbuf_reset(&b->key);
    strbuf_reset(&b->value);
    TRY(index_entry_encode(b->index, values, nulls, row_key, &b->key, &b->value, err));
    return add_pair(b, err);
}

STATUS table_build_add(Build *b, TupleSlot *row, Error *err)
{
    uint64_t xid, stamp;
    strbuf_reset(&b->key);
    strbuf_reset(&b->value);
    TRY(txn_need_xid(b->txn, &xid, err));
    TRY(stamp_next(b->txn->db, &stamp, err));
    TRY(slot_decode_all(row, err));
    if (b->table->nkey) {
        TRY(row_key_encode(b->table, row->values, row->nulls, &b->key, err));
    } else {
        uint8_t id[8];
        key_put_u64(id, stamp);
        storage_prefix(&b->key, b->table->storage_id);
        strbuf_append(&b->key, id, 8);
    }
    TRY(row_encode(b->table, xid, stamp, row->values, row->nulls, &b->value, err));
    return add_pair(b, err);
}

/* ---- Output. */

static STATUS close_file(Build *b, Error *err)
{
    uint64_t entries;
    KvFile *f = b->file;
    if (!f) return ST_OK;
    b->file = NULL;
    TRY(kv_file_finish(f, &entries, err));
    return spill_adopt(b->txn, key_storage_id(strbuf_slice(&b->first)), b->path, strbuf_slice(&b->first), strbuf_slice(&b->last),
                       b->file_bytes, err);
}

static STATUS put_file(Build *b, Slice key, Slice value, Error *err)
{
    if (b->file && b->file_bytes > RUN_BYTES) TRY(close_file(b, err));
    if (!b->file) {
        TRY(database_temp_path(b->txn->db, ".build", b->path, sizeof b->path, err));
        TRY(kv_file_create(b->txn->db->kv, b->path, &b->file, err));
        b->file_bytes = 0;
        strbuf_reset(&b->first);
        strbuf_append(&b->first, key.data, key.len);
        TRY(strbuf_check(&b->first, err));
    }
    b->file_bytes += key.len + value.len;
    return kv_file_put(b->file, key, value, err);
}

/* The values of a key that came twice, for the error message. */
static STATUS decode_duplicate(Build *b, Slice key, TupleSlot *slot, Arena *arena, Error *err)
{
    const KeyPart *part = b->index ? b->index->key : b->table->key;
    int n = b->index ? b->index->nkey : b->table->nkey;
    Datum *values;
    bool *nulls;
    TRY_NEW_N(values, arena, n, err);
    TRY_NEW_N(nulls, arena, n, err);
    Slice copy = slice_of(arena_memdup(arena, key.data, key.len), key.len);
    TRY_MEM(copy.data, err);
    TRY(key_decode(part, n, slice_of(copy.data + 4, copy.len - 4), arena, values, nulls, NULL, err));
    for (int i = 0; i < slot->desc->natts; i++) {
        slot->values[i] = 0;
        slot->nulls[i] = true;
    }
    for (int i = 0; i < n; i++) {
        int at = part[i].column;
        if (at >= slot->desc->natts) continue;
        slot->values[at] = values[i];
        slot->nulls[at] = nulls[i];
    }
    slot_store_virtual(slot);
    return ST_OK;
}

/* Do two neighbours in key order break a unique index whose entries carry the row key behind the columns? */
static STATUS same_columns(const Build *b, Slice x, Slice y, bool *same, Error *err)
{
    size_t used = 0;
    *same = false;
    if (!b->index || !b->index->unique) return ST_OK;
    x = slice_of(x.data + 4, x.len - 4);
    y = slice_of(y.data + 4, y.len - 4);
    for (int i = 0; i < b->index->nkey; i++) {
        size_t n;
        TRY(key_skip(&b->index->key[i], slice_of(x.data + used, x.len - used), &n, err));
        used += n;
    }
    if (used > y.len || memcmp(x.data, y.data, used) != 0) return ST_OK;
    Arena scratch;
    Datum values[32];
    bool nulls[32] = {false}, any = false;
    arena_init(&scratch, b->txn->opt.account, 512);
    Status st = key_decode(b->index->key, b->index->nkey, x, &scratch, values, nulls, NULL, err);
    for (int i = 0; i < b->index->nkey; i++) any = any || nulls[i];
    arena_destroy(&scratch);
    *same = !any || b->index->nulls_not_distinct;
    return st;
}

static STATUS write_out(Build *b, bool *duplicate, TupleSlot *dup_slot, Arena *arena, Error *err)
{
    bool small = sorter_bytes(b->sorter) <= BUILD_SMALL_BYTES, found, same;
    Slice key, value;
    StorePlace place = b->table->place;
    for (;;) {
        TRY(sorter_next(b->sorter, &found, &key, &value, err));
        if (!found) break;
        if (b->last.len) {
            same = slice_equal(strbuf_slice(&b->last), key);
            if (!same) TRY(same_columns(b, strbuf_slice(&b->last), key, &same, err));
            if (same) {
                *duplicate = true;
                return dup_slot ? decode_duplicate(b, key, dup_slot, arena, err) : ST_OK;
            }
        }
        if (small || place != STORE_DATABASE) TRY(txn_put(b->txn, place, key, value, OV_NEW | OV_KEY, err));
        else TRY(put_file(b, key, value, err));
        strbuf_reset(&b->last);
        strbuf_append(&b->last, key.data, key.len);
        TRY(strbuf_check(&b->last, err));
        TRY(INTERRUPT_CHECK(b->txn->owner->interrupt, err));
    }
    TRY(FAULT_POINT("build_before_adopt", err));
    return close_file(b, err);
}

STATUS build_finish(Build *b, bool *duplicate, TupleSlot *dup_slot, Arena *arena, Error *err)
{
    bool dup = false;
    Status st = write_out(b, &dup, dup_slot, arena, err);
    if (duplicate) *duplicate = dup;
    build_abandon(b);
    return st;
}
