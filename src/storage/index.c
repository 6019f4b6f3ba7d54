/* Index entries: adding, removing, unique checks, look-up by a unique key.
 *
 * Who changes an entry holds the lock of its row, so plain entries need none of their own. Unique keys are locked when they are added
 * and when they are removed: by the whole entry's key, or in a deferrable index by the columns alone. A caller that replaces an
 * entry deletes the old one first: the two may encode to the same key. */
#include "storage/key_codec.h"
#include "storage/merge.h"
#include "storage/row_codec.h"
#include "storage/table_internal.h"

static bool any_null(const IndexDef *index, const bool *nulls)
{
    for (int i = 0; i < index->nkey && nulls; i++)
        if (nulls[i]) return true;
    return false;
}

/* Must no two entries have these values? */
static bool must_be_unique(const IndexDef *index, const bool *nulls)
{
    return index->unique && (index->nulls_not_distinct || !any_null(index, nulls));
}

typedef struct Entry { StrBuf key, value, columns; } Entry; /* columns: the key columns alone, of deferrable unique ones */

static STATUS encode(const IndexDef *index, const Datum *values, const bool *nulls, Slice row_key, Arena *arena, Entry *e, Error *err)
{
    strbuf_init(&e->key, arena);
    strbuf_init(&e->value, arena);
    TRY(index_entry_encode(index, values, nulls, row_key, &e->key, &e->value, err));
    TRY(strbuf_check(&e->key, err));
    return strbuf_check(&e->value, err);
}

/* The key that stands for the unique values. */
static STATUS unique_key(const IndexDef *index, const Datum *values, const bool *nulls, Arena *arena, Slice *key, Error *err)
{
    StrBuf sb;
    strbuf_init(&sb, arena);
    TRY(index_key_encode(index, values, nulls, &sb, err));
    TRY(strbuf_check(&sb, err));
    *key = strbuf_slice(&sb);
    return ST_OK;
}

/* Entries whose key begins with prefix, newest state; stops at max. first_row_key: of the first one, in arena. */
static STATUS count_prefix(Txn *t, const IndexDef *index, Slice prefix, int max, int *n, Arena *arena, Slice *first_row_key, Error *err)
{
    MergeCursor m = {0};
    StrBuf upper;
    bool found;
    *n = 0;
    strbuf_init_heap(&upper, NULL);
    strbuf_append(&upper, prefix.data, prefix.len);
    Status st = strbuf_check(&upper, err);
    if (failed(st)) return st;
    key_successor(&upper);
    TRY_GOTO(st, merge_open(&m, t, NULL, UINT64_MAX, index->table->place, prefix, strbuf_slice(&upper), true, false, err), done);
    while (*n < max) {
        TRY_GOTO(st, merge_move(&m, false, &found, err), done);
        if (!found) break;
        if (++*n > 1 || !first_row_key) continue;
        Slice rk;
        TRY_GOTO(st, index_entry_row_key(index, slice_of(m.key.data + 4, m.key.len - 4), m.value, &rk, err), done);
        uint8_t *p = arena_memdup(arena, rk.data, rk.len);
        *first_row_key = slice_of(p, rk.len);
        if (!p) st = error_out_of_memory(err, rk.len);
    }
done:
    merge_close(&m);
    strbuf_free(&upper);
    return st;
}

/* Is there an entry that forbids this one? The unique key's lock is held. */
static STATUS check_unique(Txn *t, const IndexDef *index, Slice key, bool key_is_whole, Arena *arena, uint8_t *fresh, bool *duplicate,
                           Slice *conflicting, Error *err)
{
    Slice value, rk;
    bool is_free;
    int n;
    if (!key_is_whole) {
        TRY(count_prefix(t, index, key, 1, &n, arena, conflicting, err));
        *duplicate = n > 0;
        return ST_OK;
    }
    TRY(key_is_free(t, index->table->place, key, arena, &is_free, &value, fresh, err));
    *duplicate = !is_free;
    if (is_free) return ST_OK;
    TRY(index_entry_row_key(index, slice_of(key.data + 4, key.len - 4), value, &rk, err));
    if (conflicting) *conflicting = rk; /* a view into value, which is in arena (or into key) */
    return ST_OK;
}

/* A plain entry is unknown to the store unless we took it away ourselves. */
static uint8_t fresh_entry(const Txn *t, StorePlace place, Slice key)
{
    const OverlayEntry *e = overlay_is_empty(&t->ov) ? NULL : overlay_get(&t->ov, place, key, UINT64_MAX);
    if (e) return e->flags & OV_NEW;
    return t->spill && t->spill->has_scratch ? 0 : OV_NEW;
}

STATUS index_insert(Txn *t, const IndexDef *index, const Datum *values, const bool *nulls, Slice row_key, bool check, Arena *arena,
                    WriteOutcome *outcome, Slice *conflicting_row_key, Error *err)
{
    StorePlace place = index->table->place;
    Entry e;
    Slice unique;
    bool granted, duplicate = false;
    *outcome = WRITE_DONE;
    TRY(encode(index, values, nulls, row_key, arena, &e, err));
    Slice key = strbuf_slice(&e.key);
    uint8_t fresh = 0;
    bool is_unique = must_be_unique(index, nulls), whole = is_unique && !index_entry_has_row_key(index, nulls);
    if (is_unique) {
        unique = key;
        if (!whole) TRY(unique_key(index, values, nulls, arena, &unique, err));
        TRY(txn_lock_key(t, place, unique, ROW_UPDATE, LOCK_WAIT, index->table->name, &granted, err));
        if (check || whole) TRY(check_unique(t, index, unique, whole, arena, &fresh, &duplicate, conflicting_row_key, err));
    }
    if (duplicate) {
        *outcome = WRITE_DUPLICATE;
        return ST_OK;
    }
    if (!whole) fresh = fresh_entry(t, place, key);
    return txn_put(t, place, key, strbuf_slice(&e.value), fresh | OV_KEY, err);
}

STATUS index_delete(Txn *t, const IndexDef *index, const Datum *values, const bool *nulls, Slice row_key, Error *err)
{
    StorePlace place = index->table->place;
    Arena scratch;
    Entry e;
    bool granted;
    Status st;
    arena_init(&scratch, t->opt.account, 512);
    TRY_GOTO(st, encode(index, values, nulls, row_key, &scratch, &e, err), done);
    Slice key = strbuf_slice(&e.key), unique = key;
    if (must_be_unique(index, nulls)) {
        if (index_entry_has_row_key(index, nulls)) TRY_GOTO(st, unique_key(index, values, nulls, &scratch, &unique, err), done);
        TRY_GOTO(st, txn_lock_key(t, place, unique, ROW_UPDATE, LOCK_WAIT, index->table->name, &granted, err), done);
    }
    st = txn_delete(t, place, key, OV_KEY | inherited_new(t, place, key), err);
done:
    arena_destroy(&scratch);
    return st;
}

STATUS index_count_equal(Txn *t, const IndexDef *index, const Datum *values, const bool *nulls, int *out, Error *err)
{
    Arena scratch;
    Slice key;
    arena_init(&scratch, t->opt.account, 512);
    Status st = unique_key(index, values, nulls, &scratch, &key, err);
    if (!failed(st)) st = count_prefix(t, index, key, 2, out, &scratch, NULL, err);
    arena_destroy(&scratch);
    return st;
}

/* The first entry with these values under a snapshot, and its row. */
static STATUS get_by_scan(Txn *t, const Snapshot *snap, const IndexDef *index, Slice key, TupleSlot *slot, Arena *arena, Error *err)
{
    MergeCursor m = {0};
    StrBuf upper;
    Slice rk;
    bool found;
    Status st;
    strbuf_init(&upper, arena);
    strbuf_append(&upper, key.data, key.len);
    TRY(strbuf_check(&upper, err));
    key_successor(&upper);
    TRY_GOTO(st, merge_open(&m, t, snap->view, snap->own_limit, index->table->place, key, strbuf_slice(&upper), true, false, err), done);
    TRY_GOTO(st, merge_move(&m, false, &found, err), done);
    slot_clear(slot);
    if (!found) goto done;
    TRY_GOTO(st, index_entry_row_key(index, slice_of(m.key.data + 4, m.key.len - 4), m.value, &rk, err), done);
    st = table_fetch(t, snap, index->table, rk, slot, arena, err);
done:
    merge_close(&m);
    return st;
}

static STATUS get_at(Txn *t, const Snapshot *snap, const IndexDef *index, const Datum *values, TupleSlot *slot, Arena *arena, Error *err)
{
    Slice key, value, rk;
    bool found;
    TRY(unique_key(index, values, NULL, arena, &key, err));
    if (index->deferrable) return get_by_scan(t, snap, index, key, slot, arena, err);
    TRY(txn_get(t, snap, index->table->place, key, arena, &value, &found, err));
    slot_clear(slot);
    if (!found) return ST_OK;
    TRY(index_entry_row_key(index, slice_of(key.data + 4, key.len - 4), value, &rk, err));
    return table_fetch(t, snap, index->table, rk, slot, arena, err);
}

/* Entry and row are two look-ups: without the caller's snapshot they share one of their own. */
STATUS index_get(Txn *t, const Snapshot *snap, const IndexDef *index, const Datum *values, TupleSlot *slot, Arena *arena, Error *err)
{
    if (snap) return get_at(t, snap, index, values, slot, arena, err);
    Snapshot now = {.refs = 1, .txn = t, .own_limit = UINT64_MAX};
    TRY(view_take(t, &now.view, err));
    Status st = get_at(t, &now, index, values, slot, arena, err);
    view_release(t, now.view);
    return st;
}
