/* Scans of tables and indexes.
 *
 * A table scan hands out rows of the merge cursor as they come. An index scan reads ahead a batch of entries, fetches their rows with
 * one sorted MultiGet (own ones from the overlay), and hands them out in index order; the batch starts small, so that LIMIT 1
 * fetches little. */
#include <assert.h>
#include <stdlib.h>

#include "storage/key_codec.h"
#include "storage/merge.h"
#include "storage/row_codec.h"
#include "storage/table_internal.h"

enum { FETCH_FIRST = 2, FETCH_MOST = 64 };

typedef struct Fetched { /* one index entry and its row */
    Slice entry_key, row_key, value; /* in scan->batch_arena; row_key with the table's storage id */
    bool found;
} Fetched;

struct Scan {
    Txn *txn;
    MemAccount *account;
    Snapshot *snap;       /* NULL: latest = view, taken at opening */
    View *view;
    uint64_t limit;
    const TableDef *table;
    const IndexDef *index; /* NULL: a table scan */
    unsigned flags;
    Arena arena;
    RowCodec *codec;
    StrBuf lower, upper;
    MergeCursor merge;

    Arena batch_arena;
    Fetched *batch;
    int batch_rows, nbatch, at; /* at: the next to hand out */
    bool batch_backward;
};

static bool scan_is_backward(const Scan *s) { return (s->flags & SCAN_BACKWARD) != 0; }
static View *scan_view(const Scan *s) { return s->snap ? s->snap->view : s->view; }

static STATUS open_merge(Scan *s, const ScanRange *range, Error *err)
{
    uint32_t id = s->index ? s->index->storage_id : s->table->storage_id;
    const KeyPart *key = s->index ? s->index->key : s->table->key;
    int nkey = s->index ? s->index->nkey : s->table->nkey;
    TRY(range_encode(id, key, nkey, range, &s->lower, &s->upper, err));
    return merge_open(&s->merge, s->txn, scan_view(s), s->limit, s->table->place, strbuf_slice(&s->lower), strbuf_slice(&s->upper),
                      !(s->flags & SCAN_NO_CACHE_FILL), scan_is_backward(s), err);
}

static STATUS open_scan(Txn *t, const Snapshot *snap, const TableDef *table, const IndexDef *index, const ScanRange *range,
                        unsigned flags, Scan **out, Error *err)
{
    Scan *s = mem_alloc(t->opt.account, sizeof *s);
    Status st = ST_OK;
    TRY_MEM(s, err);
    memset(s, 0, sizeof *s);
    s->txn = t;
    s->account = t->opt.account;
    s->table = table;
    s->index = index;
    s->flags = flags;
    s->batch_rows = FETCH_FIRST;
    s->limit = snap ? snap->own_limit : t->ov.next_seq;
    arena_init(&s->arena, s->account, 512);
    arena_init(&s->batch_arena, s->account, 1024);
    strbuf_init(&s->lower, &s->arena);
    strbuf_init(&s->upper, &s->arena);
    if (snap) s->snap = snapshot_ref((Snapshot *)snap);
    else TRY_GOTO(st, view_take(t, &s->view, err), done);
    if (index && (flags & SCAN_INDEX_ONLY)) TRY_GOTO(st, row_codec_index(&s->arena, index, &s->codec, err), done);
    else TRY_GOTO(st, row_codec_table(&s->arena, table, &s->codec, err), done);
    st = open_merge(s, range, err);
done:
    if (failed(st)) {
        scan_close(s);
        return st;
    }
    *out = s;
    return ST_OK;
}

STATUS table_scan_open(Txn *t, const Snapshot *snap, const TableDef *table, const ScanRange *range, unsigned flags, Scan **out, Error *err)
{
    return open_scan(t, snap, table, NULL, range, flags & ~(unsigned)SCAN_INDEX_ONLY, out, err);
}

STATUS index_scan_open(Txn *t, const Snapshot *snap, const IndexDef *index, const ScanRange *range, unsigned flags, Scan **out, Error *err)
{
    return open_scan(t, snap, index->table, index, range, flags, out, err);
}

void scan_close(Scan *s)
{
    if (!s) return;
    merge_close(&s->merge);
    if (s->view) view_release(NULL, s->view);
    snapshot_release(s->snap);
    arena_destroy(&s->batch_arena);
    arena_destroy(&s->arena);
    mem_free(s->account, s, sizeof *s);
}

STATUS scan_rescan(Scan *s, const ScanRange *range, Error *err)
{
    merge_close(&s->merge);
    s->nbatch = s->at = 0;
    s->batch_rows = FETCH_FIRST;
    if (!s->snap) s->limit = s->txn->ov.next_seq;
    return open_merge(s, range, err);
}

static Slice without_id(Slice key) { return slice_of(key.data + 4, key.len - 4); }

/* ---- Index scans. */

static STATUS copy_slice(Arena *arena, Slice from, Slice *to, Error *err)
{
    uint8_t *p = arena_memdup(arena, from.data, from.len);
    if (!p) return error_out_of_memory(err, from.len);
    *to = slice_of(p, from.len);
    return ST_OK;
}

static int compare_fetched(const void *a, const void *b)
{
    const Fetched *x = *(Fetched *const *)a, *y = *(Fetched *const *)b;
    return slice_compare(x->row_key, y->row_key);
}

/* Rows that are not our own: one MultiGet of the keys in order. */
static STATUS fetch_stored(Scan *s, Fetched **wanted, int n, Error *err)
{
    Slice keys[FETCH_MOST];
    KvValue values[FETCH_MOST];
    bool found[FETCH_MOST];
    const KvSnapshot *at;
    Kv *kv;
    Status st = ST_OK;
    if (!n) return ST_OK;
    TRY(database_kv(s->txn->db, s->table->place, &kv, err));
    TRY(view_snapshot(scan_view(s), s->table->place, &at, err));
    if (n > 1) qsort(wanted, (size_t)n, sizeof *wanted, compare_fetched);
    for (int i = 0; i < n; i++) keys[i] = wanted[i]->row_key;
    if (n == 1) TRY(kv_get(kv, at, keys[0], &values[0], &found[0], err));
    else TRY(kv_multi_get(kv, at, keys, n, values, found, err));
    for (int i = 0; i < n; i++) {
        if (!found[i]) continue;
        wanted[i]->found = true;
        st = first_error(st, copy_slice(&s->batch_arena, values[i].bytes, &wanted[i]->value, err));
        kv_value_release(&values[i]);
    }
    return st;
}

static STATUS read_entries(Scan *s, bool backward, Error *err)
{
    bool found;
    s->nbatch = 0;
    while (s->nbatch < s->batch_rows) {
        Fetched *f = &s->batch[s->nbatch];
        Slice row_key;
        TRY(merge_move(&s->merge, backward, &found, err));
        if (!found) break;
        f->found = false;
        TRY(copy_slice(&s->batch_arena, s->merge.key, &f->entry_key, err));
        TRY(index_entry_row_key(s->index, without_id(s->merge.key), s->merge.value, &row_key, err));
        f->row_key = storage_key(s->table->storage_id, row_key, &s->batch_arena);
        TRY_MEM(f->row_key.data, err);
        s->nbatch++;
    }
    return ST_OK;
}

static STATUS fetch_batch(Scan *s, bool backward, Error *err)
{
    Fetched *wanted[FETCH_MOST];
    int n = 0;
    s->at = s->nbatch = 0;
    s->batch_backward = backward;
    arena_reset(&s->batch_arena);
    TRY_NEW_N(s->batch, &s->batch_arena, s->batch_rows, err);
    TRY(read_entries(s, backward, err));
    for (int i = 0; i < s->nbatch; i++) {
        Fetched *f = &s->batch[i];
        bool own = false;
        if (txn_has_own(s->txn))
            TRY(txn_get_own(s->txn, s->table->place, f->row_key, s->limit, &s->batch_arena, &f->value, &own, &f->found, NULL, err));
        if (!own) wanted[n++] = f;
    }
    TRY(fetch_stored(s, wanted, n, err));
    if (s->batch_rows < FETCH_MOST) s->batch_rows *= 2;
    return ST_OK;
}

/* A turn inside a batch: entries read ahead are given back. */
static void turn_batch(Scan *s)
{
    if (s->nbatch && s->at > 0) merge_place_at(&s->merge, s->batch[s->at - 1].entry_key);
    s->at = s->nbatch = 0;
}

static STATUS index_step(Scan *s, bool backward, TupleSlot *slot, Error *err)
{
    if (s->nbatch && s->batch_backward != backward) turn_batch(s);
    if (s->at == s->nbatch) TRY(fetch_batch(s, backward, err));
    if (s->at == s->nbatch) {
        slot_clear(slot);
        return ST_OK;
    }
    const Fetched *f = &s->batch[s->at++];
    if (unlikely(!f->found))
        return error_set(err, ERR_INDEX_CORRUPTED, "index with OID %u has an entry without a row", s->index->relid);
    return row_attach(slot, s->codec, without_id(f->row_key), f->value, err);
}

/* ---- Steps. */

static STATUS scan_step(Scan *s, bool backward, TupleSlot *slot, Error *err)
{
    bool found;
    if (s->index && !(s->flags & SCAN_INDEX_ONLY)) return index_step(s, backward, slot, err);
    TRY(merge_move(&s->merge, backward, &found, err));
    if (unlikely(!found)) {
        slot_clear(slot);
        return ST_OK;
    }
    return s->index ? index_attach(slot, s->codec, without_id(s->merge.key), s->merge.value, err)
                    : row_attach(slot, s->codec, without_id(s->merge.key), s->merge.value, err);
}

STATUS scan_next(Scan *s, TupleSlot *slot, Error *err) { return scan_step(s, scan_is_backward(s), slot, err); }
STATUS scan_prev(Scan *s, TupleSlot *slot, Error *err) { return scan_step(s, !scan_is_backward(s), slot, err); }
