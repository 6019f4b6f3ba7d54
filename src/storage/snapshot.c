/* Snapshots: a view of the stores (shared, reference counted) and a limit on own writes. Structs are kept for the next statement. */
#include <assert.h>
#include <stdlib.h>

#include "storage/txn_internal.h"

/* A note for moves.c and for the check after a row lock: nothing this transaction read is older. The store to the owner is
 * sequentially consistent, so that whoever drops notes sees either it, or we see what he noted. */
void txn_note_read(Txn *t, uint64_t sequence)
{
    if (t->read_floor && t->read_floor <= sequence) return;
    t->read_floor = sequence ? sequence : 1;
    atomic_store(&t->owner->read_floor, t->read_floor);
}

STATUS view_take(Txn *t, View **out, Error *err)
{
    View *v = t->spare_views;
    if (v) t->spare_views = v->spare_next;
    else if (!(v = malloc(sizeof *v))) return error_out_of_memory(err, sizeof *v);
    if (!t->read_floor) txn_note_read(t, kv_latest_sequence(t->db->kv));
    KvSnapshot *s = kv_snapshot(t->db->kv);
    if (!s) {
        v->spare_next = t->spare_views;
        t->spare_views = v;
        return error_out_of_memory(err, 64);
    }
    *v = (View){.refs = 1, .db = t->db, .store = s, .sequence = kv_snapshot_sequence(s)};
    *out = v;
    return ST_OK;
}

void view_release(Txn *t, View *v)
{
    if (!v || --v->refs) return;
    kv_snapshot_release(v->db->kv, v->store);
    if (v->global) kv_snapshot_release(cluster_global(v->db->cluster), v->global);
    if (t) {
        v->spare_next = t->spare_views;
        t->spare_views = v;
    } else {
        free(v);
    }
}

STATUS view_snapshot(View *v, StorePlace place, const KvSnapshot **out, Error *err)
{
    if (place == STORE_GLOBAL && !v->global) {
        v->global = kv_snapshot(cluster_global(v->db->cluster));
        TRY_MEM(v->global, err);
    }
    *out = place == STORE_DATABASE ? v->store : place == STORE_GLOBAL ? v->global : NULL;
    return ST_OK;
}

/* Takes over the reference to view. */
static STATUS new_snapshot(Txn *t, View *view, Snapshot **out, Error *err)
{
    Snapshot *s = t->spare_snapshots;
    if (s) {
        t->spare_snapshots = s->next;
    } else if (!(s = malloc(sizeof *s))) {
        view_release(t, view);
        return error_out_of_memory(err, sizeof *s);
    }
    *s = (Snapshot){.refs = 1, .txn = t, .view = view, .own_limit = t->ov.next_seq, .next = t->live};
    if (t->live) t->live->prev = s;
    t->live = s;
    *out = s;
    return ST_OK;
}

STATUS snapshot_take(Txn *t, Snapshot **out, Error *err)
{
    t->had_snapshot = true;
    if (t->opt.isolation <= ISO_READ_COMMITTED) return snapshot_take_fresh(t, out, err);
    if (!t->view) TRY(view_take(t, &t->view, err));
    t->view->refs++;
    return new_snapshot(t, t->view, out, err);
}

STATUS snapshot_take_fresh(Txn *t, Snapshot **out, Error *err)
{
    View *v;
    TRY(view_take(t, &v, err));
    return new_snapshot(t, v, out, err);
}

STATUS snapshot_advance(Txn *t, const Snapshot *snap, Snapshot **out, Error *err)
{
    snap->view->refs++;
    return new_snapshot(t, snap->view, out, err);
}

Snapshot *snapshot_ref(Snapshot *s)
{
    s->refs++;
    return s;
}

void snapshot_release(Snapshot *s)
{
    if (!s || --s->refs) return;
    Txn *t = s->txn;
    if (!t) { /* outlived its transaction, which took the view away */
        free(s);
        return;
    }
    if (s->next) s->next->prev = s->prev;
    if (s->prev) s->prev->next = s->next;
    else t->live = s->next;
    view_release(t, s->view);
    s->next = t->spare_snapshots;
    t->spare_snapshots = s;
}

uint64_t snapshot_sequence(const Snapshot *s) { return s ? s->view->sequence : UINT64_MAX; }
