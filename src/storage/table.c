/* Rows of tables: single look-ups, inserts, updates, deletes. */
#include "storage/table.h"

#include "storage/key_codec.h"
#include "storage/kv_stats.h"
#include "storage/merge.h"
#include "storage/row_codec.h"
#include "storage/table_internal.h"

/* ---- Reading one row. */

STATUS table_attach(const TableDef *table, Slice key, Slice value, TupleSlot *slot, Arena *arena, Error *err)
{
    RowCodec *codec;
    TRY(row_codec_table(arena, table, &codec, err));
    return row_attach(slot, codec, slice_of(key.data + 4, key.len - 4), value, err);
}

static STATUS read_row(Txn *t, const Snapshot *snap, const TableDef *table, Slice key, TupleSlot *slot, Arena *arena, Error *err)
{
    Slice value;
    bool found;
    TRY(txn_get(t, snap, table->place, key, arena, &value, &found, err));
    if (!found) {
        slot_clear(slot);
        return ST_OK;
    }
    return table_attach(table, key, value, slot, arena, err);
}

STATUS table_get(Txn *t, const Snapshot *snap, const TableDef *table, const Datum *key, TupleSlot *slot, Arena *arena, Error *err)
{
    StrBuf sb;
    strbuf_init(&sb, arena);
    if (unlikely(!strbuf_reserve(&sb, 36))) return error_out_of_memory(err, 36);
    storage_prefix(&sb, table->storage_id);
    TRY(key_encode(table->key, table->nkey, key, NULL, &sb, err));
    TRY(strbuf_check(&sb, err));
    return read_row(t, snap, table, strbuf_slice(&sb), slot, arena, err);
}

STATUS table_fetch(Txn *t, const Snapshot *snap, const TableDef *table, Slice row_key, TupleSlot *slot, Arena *arena, Error *err)
{
    Slice key = storage_key(table->storage_id, row_key, arena);
    TRY_MEM(key.data, err);
    return read_row(t, snap, table, key, slot, arena, err);
}

STATUS row_visible(Txn *t, const Snapshot *snap, const TableDef *table, Slice row_key, bool *visible, Error *err)
{
    Arena scratch;
    Slice value;
    arena_init(&scratch, t->opt.account, 256);
    Slice key = storage_key(table->storage_id, row_key, &scratch);
    Status st = key.data ? txn_get(t, snap, table->place, key, &scratch, &value, visible, err) : error_out_of_memory(err, row_key.len);
    arena_destroy(&scratch);
    return st;
}

/* ---- Writing. */

/* Is the key free? Looked up through own writes and the newest committed state; the caller holds its lock. *fresh: OV_NEW if the
 * store does not have it either. */
STATUS key_is_free(Txn *t, StorePlace place, Slice key, Arena *arena, bool *free, Slice *value, uint8_t *fresh, Error *err)
{
    bool own = false, found;
    uint8_t flags;
    *fresh = 0;
    if (txn_has_own(t)) {
        TRY(txn_get_own(t, place, key, UINT64_MAX, arena, value, &own, &found, &flags, err));
        if (own) {
            *free = !found;
            *fresh = flags & OV_NEW;
            return ST_OK;
        }
    }
    *fresh = OV_NEW;
    *free = true;
    if (free_gap_covers(t, place, key)) return ST_OK;
    TRY(txn_get_store(t, NULL, place, key, arena, value, &found, err));
    *free = !found;
    return found ? ST_OK : free_gap_learn(t, place, key, err);
}

/* OV_NEW if the key's newest own version says so: then the store does not know the key. */
uint8_t inherited_new(const Txn *t, StorePlace place, Slice key)
{
    if (overlay_is_empty(&t->ov)) return 0;
    const OverlayEntry *e = overlay_get(&t->ov, place, key, UINT64_MAX);
    return e ? e->flags & OV_NEW : 0;
}

static STATUS put_row(Txn *t, const TableDef *table, TupleSlot *row, Slice key, uint64_t stamp, uint8_t flags, Arena *arena, Error *err)
{
    StrBuf value;
    strbuf_init(&value, arena);
    TRY(slot_decode_all(row, err));
    TRY(row_encode(table, t->xid, stamp, row->values, row->nulls, &value, err));
    TRY(strbuf_check(&value, err));
    TRY(txn_put(t, table->place, key, strbuf_slice(&value), flags | OV_ROW, err));
    row->key = slice_of(key.data + 4, key.len - 4);
    row->stamp = stamp;
    row->xmin = t->xid;
    row->table_oid = table->relid;
    return ST_OK;
}

static STATUS encode_key(const TableDef *table, TupleSlot *row, Arena *arena, Slice *key, Error *err)
{
    StrBuf sb;
    strbuf_init(&sb, arena);
    TRY(slot_decode_all(row, err));
    TRY(row_key_encode(table, row->values, row->nulls, &sb, err));
    TRY(strbuf_check(&sb, err));
    *key = strbuf_slice(&sb);
    return ST_OK;
}

/* A row id is the stamp of the row's first version: unique, ascending, and nobody can be waiting for it. */
static STATUS insert_by_row_id(Txn *t, const TableDef *table, TupleSlot *row, Arena *arena, Error *err)
{
    uint64_t xid, stamp;
    uint8_t *key = arena_alloc(arena, 12);
    TRY_MEM(key, err);
    TRY(txn_need_xid(t, &xid, err));
    TRY(stamp_next(t->db, &stamp, err));
    key_put_u32(key, table->storage_id);
    key_put_u64(key + 4, stamp);
    return put_row(t, table, row, slice_of(key, 12), stamp, OV_NEW | OV_KEY, arena, err);
}

/* Locks key and finds out whether it is free. */
static STATUS claim_key(Txn *t, const TableDef *table, Slice key, Arena *arena, TupleSlot *row, uint8_t *fresh, WriteOutcome *outcome,
                        Error *err)
{
    bool granted, is_free;
    Slice value;
    TRY(txn_lock_key(t, table->place, key, ROW_UPDATE, LOCK_WAIT, table->name, &granted, err));
    TRY(key_is_free(t, table->place, key, arena, &is_free, &value, fresh, err));
    *outcome = is_free ? WRITE_DONE : WRITE_DUPLICATE;
    if (!is_free) row->key = slice_of(key.data + 4, key.len - 4);
    return ST_OK;
}

STATUS table_insert(Txn *t, const TableDef *table, TupleSlot *row, Arena *arena, WriteOutcome *outcome, Error *err)
{
    uint64_t xid, stamp;
    uint8_t fresh;
    Slice key;
    *outcome = WRITE_DONE;
    if (!table->nkey) return insert_by_row_id(t, table, row, arena, err);
    TRY(encode_key(table, row, arena, &key, err));
    TRY(txn_need_xid(t, &xid, err));
    TRY(claim_key(t, table, key, arena, row, &fresh, outcome, err));
    if (*outcome == WRITE_DUPLICATE) return ST_OK;
    TRY(stamp_next(t->db, &stamp, err));
    return put_row(t, table, row, key, stamp, fresh | OV_KEY, arena, err);
}

/* The row goes to another key: both are locked (old by the caller), and whoever waits for the old one finds a note. */
static STATUS move_row(Txn *t, const TableDef *table, Slice old_key, Slice new_key, TupleSlot *row, uint64_t stamp, Arena *arena,
                       WriteOutcome *outcome, Error *err)
{
    uint8_t fresh;
    TRY(claim_key(t, table, new_key, arena, row, &fresh, outcome, err));
    if (*outcome == WRITE_DUPLICATE) return ST_OK;
    if (table->place == STORE_DATABASE) TRY(moves_add(t, old_key, slice_of(new_key.data + 4, new_key.len - 4), err));
    TRY(txn_delete(t, table->place, old_key, OV_KEY | OV_ROW | inherited_new(t, table->place, old_key), err));
    return put_row(t, table, row, new_key, stamp, fresh | OV_KEY, arena, err);
}

STATUS table_update(Txn *t, const TableDef *table, const TupleSlot *old, TupleSlot *new_row, Arena *arena, WriteOutcome *outcome, Error *err)
{
    uint64_t xid, stamp;
    Slice key, new_key;
    *outcome = WRITE_DONE;
    TRY(txn_need_xid(t, &xid, err));
    key = new_key = storage_key(table->storage_id, old->key, arena);
    TRY_MEM(key.data, err);
    if (table->nkey) TRY(encode_key(table, new_row, arena, &new_key, err));
    TRY(stamp_next(t->db, &stamp, err));
    if (unlikely(!slice_equal(key, new_key))) return move_row(t, table, key, new_key, new_row, stamp, arena, outcome, err);
    return put_row(t, table, new_row, key, stamp, inherited_new(t, table->place, key), arena, err);
}

STATUS table_delete(Txn *t, const TableDef *table, const TupleSlot *old, Error *err)
{
    Arena scratch;
    arena_init(&scratch, t->opt.account, 256);
    Slice key = storage_key(table->storage_id, old->key, &scratch);
    Status st = key.data ? txn_delete(t, table->place, key, OV_KEY | OV_ROW | inherited_new(t, table->place, key), err)
                         : error_out_of_memory(err, key.len);
    arena_destroy(&scratch);
    return st;
}

/* ---- Estimates. */

enum { SAMPLE_ROWS = 100 };

/* What a row of the table takes in files: remembered, and measured again when the table has become half as large again or smaller. */
static double entry_bytes(Txn *t, Kv *kv, uint32_t storage_id, Slice lower, Slice upper, uint64_t file_bytes)
{
    SizeNote *n = &t->state->sizes[storage_id % SIZE_NOTES];
    mutex_lock(&t->state->implicit_mutex);
    SizeNote note = *n;
    mutex_unlock(&t->state->implicit_mutex);
    if (note.storage_id == storage_id && file_bytes <= note.file_bytes * 3 / 2 && file_bytes >= note.file_bytes / 2) return note.entry_bytes;
    note = (SizeNote){storage_id, file_bytes, kv_range_entry_bytes(kv, lower, upper)};
    mutex_lock(&t->state->implicit_mutex);
    *n = note;
    mutex_unlock(&t->state->implicit_mutex);
    return note.entry_bytes;
}

STATUS table_estimate(Txn *t, const TableDef *table, double *rows, double *bytes, Error *err)
{
    uint8_t low[4], high[4];
    Slice lower = slice_of(low, 4), upper = slice_of(high, 4);
    MergeCursor m = {0};
    uint64_t file_bytes = 0, memtable_rows = 0;
    double n = 0, raw = 0, each = 0;
    bool found = true;
    key_put_u32(low, table->storage_id);
    key_put_u32(high, table->storage_id + 1);
    Status st = merge_open(&m, t, NULL, UINT64_MAX, table->place, lower, upper, true, false, err);
    while (!failed(st) && n < SAMPLE_ROWS) {
        st = merge_move(&m, false, &found, err);
        if (failed(st) || !found) break;
        n++;
        raw += (double)(m.key.len + m.value.len);
    }
    if (!failed(st) && found) {
        kv_range_sizes(m.kv, lower, upper, &file_bytes, &memtable_rows);
        if (file_bytes) each = entry_bytes(t, m.kv, table->storage_id, lower, upper, file_bytes);
    }
    merge_close(&m);
    if (failed(st)) return st;
    *rows = n;
    *bytes = raw;
    if (!found || n == 0) return ST_OK; /* all seen */
    /* Rows written twice count twice until they are compacted, spilled own rows not at all; both only cost a plan. */
    double estimate = (each > 0 ? (double)file_bytes / each : 0) + (double)memtable_rows;
    if (estimate > n) *rows = estimate;
    *bytes = *rows * (raw / n);
    return ST_OK;
}
