/* One key, read through all layers: overlay, spilled entries, store. */
#include "storage/spill.h"
#include "storage/txn_internal.h"

static STATUS copy_value(Slice from, Arena *arena, Slice *value, Error *err)
{
    uint8_t *p = arena_alloc(arena, from.len ? from.len : 1);
    if (unlikely(!p)) return error_out_of_memory(err, from.len);
    if (from.len) memcpy(p, from.data, from.len);
    *value = slice_of(p, from.len);
    return ST_OK;
}

STATUS txn_get_own(Txn *t, StorePlace place, Slice key, uint64_t limit, Arena *arena, Slice *value, bool *own, bool *found,
                   uint8_t *flags, Error *err)
{
    *own = *found = false;
    if (!overlay_is_empty(&t->ov)) {
        const OverlayEntry *e = overlay_get(&t->ov, place, key, limit);
        if (e) {
            *own = true;
            if (flags) *flags = e->flags;
            *found = !(e->flags & OV_DELETE);
            return *found ? copy_value(overlay_value(e), arena, value, err) : ST_OK;
        }
    }
    if (likely(!t->spill)) return ST_OK;
    return spill_get(t, place, key, limit, arena, value, own, found, flags, err);
}

STATUS txn_get_store(Txn *t, const View *view, StorePlace place, Slice key, Arena *arena, Slice *value, bool *found, Error *err)
{
    Kv *kv;
    const KvSnapshot *at = NULL;
    KvValue v;
    TRY(database_kv(t->db, place, &kv, err));
    if (view) TRY(view_snapshot((View *)view, place, &at, err));
    TRY(kv_get(kv, at, key, &v, found, err));
    if (!*found) return ST_OK;
    Status st = copy_value(v.bytes, arena, value, err);
    kv_value_release(&v);
    return st;
}

/* A look-up without snapshot notes a sequence that is not after what it reads: row_lock may then see that nothing has changed. */
static void note_latest(Txn *t, Slice key)
{
    uint64_t seq = kv_latest_sequence(t->db->kv);
    if (!t->read_floor) txn_note_read(t, seq);
    t->note_hash = rowlock_hash(database_oid(t->db), STORE_DATABASE, key);
    t->note_seq = seq;
}

STATUS txn_get(Txn *t, const Snapshot *snap, StorePlace place, Slice key, Arena *arena, Slice *value, bool *found, Error *err)
{
    bool own;
    if (txn_has_own(t)) {
        TRY(txn_get_own(t, place, key, snapshot_limit(snap), arena, value, &own, found, NULL, err));
        if (own) return ST_OK;
    }
    if (!snap && place == STORE_DATABASE) note_latest(t, key);
    return txn_get_store(t, snap ? snap->view : NULL, place, key, arena, value, found, err);
}
