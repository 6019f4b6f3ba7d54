/* Merging the store's rows with a transaction's own. */
#include "storage/merge.h"

#include "storage/gaps.h"

enum { FIRST_ROWS = 8, MOST_ROWS = 512, FIRST_BYTES = 2048, MOST_BYTES = 48 * 1024 };

/* ---- The store, in batches. */

static STATUS grow_buffer(MergeCursor *m, size_t bytes, Error *err)
{
    if (bytes <= m->buf_bytes) return ST_OK;
    mem_free(m->account, m->buf, m->buf_bytes);
    m->buf = NULL;
    m->buf_bytes = 0;
    m->buf = mem_alloc(m->account, bytes);
    if (!m->buf) return error_out_of_memory(err, bytes);
    m->buf_bytes = bytes;
    return ST_OK;
}

static STATUS fill_batch(MergeCursor *m, Error *err)
{
    size_t used;
    m->left = 0;
    if (m->store_end) return ST_OK;
    TRY(INTERRUPT_CHECK(m->txn->owner->interrupt, err));
    if (grow_buffer(m, m->want_bytes, NULL) != ST_OK) { /* short of memory: small batches will do */
        m->want_bytes = FIRST_BYTES;
        TRY(grow_buffer(m, FIRST_BYTES, err));
    }
    TRY(kv_cursor_batch(m->cursor, m->backward, m->buf, m->buf_bytes, m->want_rows, &m->left, &used, err));
    if (m->left == 0 && kv_cursor_valid(m->cursor)) { /* one row is larger than the buffer */
        TRY(grow_buffer(m, used, err));
        TRY(kv_cursor_batch(m->cursor, m->backward, m->buf, m->buf_bytes, m->want_rows, &m->left, &used, err));
    }
    m->store_end = !kv_cursor_valid(m->cursor);
    m->next = m->buf;
    if (m->want_rows < MOST_ROWS) m->want_rows *= 2;
    if (m->want_bytes < MOST_BYTES) m->want_bytes = m->want_bytes * 2 < MOST_BYTES ? m->want_bytes * 2 : MOST_BYTES;
    return ST_OK;
}

/* A gap is jumped over; deletions that had to be stepped over become one. */
static void seek_forward(MergeCursor *m, Slice from)
{
    StrBuf end;
    uint64_t skipped = kv_cursor_skipped(m->cursor);
    if (!m->at || m->place != STORE_DATABASE) {
        kv_cursor_seek(m->cursor, from);
        return;
    }
    strbuf_init_heap(&end, m->account);
    bool jumped = gaps_jump(m->txn, m->sequence, from, &end);
    kv_cursor_seek(m->cursor, jumped ? strbuf_slice(&end) : from);
    if (kv_cursor_skipped(m->cursor) - skipped >= GAP_WORTH) {
        Slice to = kv_cursor_valid(m->cursor) ? kv_cursor_key(m->cursor) : m->upper;
        if (to.data) gaps_note(m->txn, m->sequence, jumped ? strbuf_slice(&end) : from, to);
    }
    strbuf_free(&end);
}

/* from: exclusive, the key of the present row; empty: the end of the range where the direction starts. */
static STATUS store_position(MergeCursor *m, Slice from, Error *err)
{
    if (!m->cursor) TRY(kv_cursor_open(m->kv, m->at, m->lower, m->upper, m->fill_cache, &m->cursor, err));
    if (m->backward) kv_cursor_seek_back(m->cursor, from);
    else seek_forward(m, from.len ? from : m->lower);
    if (from.len && kv_cursor_valid(m->cursor) && slice_equal(kv_cursor_key(m->cursor), from))
        m->backward ? kv_cursor_prev(m->cursor) : kv_cursor_next(m->cursor);
    TRY(kv_cursor_error(m->cursor, err));
    m->store_end = !kv_cursor_valid(m->cursor);
    m->left = 0;
    return ST_OK;
}

/* ---- Own sources. */

static bool in_range(const MergeCursor *m, Slice key)
{
    return slice_compare(key, m->lower) >= 0 && (!m->upper.data || slice_compare(key, m->upper) < 0);
}

static void overlay_settle(MergeCursor *m)
{
    MergeSource *s = &m->src[SRC_OVERLAY];
    s->valid = false;
    for (; m->node && in_range(m, overlay_key(m->node)); m->node = m->backward ? overlay_prev(m->node) : overlay_next(m->node)) {
        const OverlayEntry *e = overlay_visible(m->node, m->limit);
        if (!e) continue;
        *s = (MergeSource){true, (e->flags & OV_DELETE) != 0, overlay_key(m->node), overlay_value(e)};
        return;
    }
}

static void overlay_position(MergeCursor *m, Slice from)
{
    const Overlay *ov = &m->txn->ov;
    if (!m->backward) {
        m->node = overlay_seek(ov, m->place, from.len ? from : m->lower);
        if (m->node && from.len && slice_equal(overlay_key(m->node), from)) m->node = overlay_next(m->node);
    } else {
        Slice start = from.len ? from : m->upper;
        m->node = start.data ? overlay_seek_back(ov, m->place, start) : overlay_last(ov, m->place);
        if (m->node && start.data && slice_equal(overlay_key(m->node), start)) m->node = overlay_prev(m->node);
    }
    overlay_settle(m);
}

static void show_scratch(MergeCursor *m)
{
    const ScratchCursor *c = &m->scratch;
    m->src[SRC_SCRATCH] = (MergeSource){c->valid, c->deleted, c->key, c->value};
}

static void show_runs(MergeCursor *m)
{
    const RunsCursor *c = &m->runs;
    m->src[SRC_RUNS] = (MergeSource){c->valid, false, c->key, c->value};
}

static STATUS spill_position(MergeCursor *m, Slice from, Error *err)
{
    scratch_cursor_close(&m->scratch);
    runs_cursor_close(&m->runs);
    m->src[SRC_SCRATCH].valid = m->src[SRC_RUNS].valid = false;
    if (!m->txn->spill) return ST_OK;
    TRY(scratch_cursor_open(&m->scratch, m->txn->spill, m->place, m->lower, m->upper, m->limit, err));
    TRY(scratch_cursor_seek(&m->scratch, from, m->backward, err));
    if (from.len && m->scratch.valid && slice_equal(m->scratch.key, from)) TRY(scratch_cursor_move(&m->scratch, m->backward, err));
    show_scratch(m);
    if (m->place != STORE_DATABASE) return ST_OK;
    TRY(runs_cursor_open(&m->runs, m->txn->spill, m->place, m->lower, m->upper, m->limit, err));
    TRY(runs_cursor_seek(&m->runs, from, m->backward, err));
    if (from.len && m->runs.valid && slice_equal(m->runs.key, from)) TRY(runs_cursor_move(&m->runs, m->backward, err));
    show_runs(m);
    return ST_OK;
}

static STATUS own_position(MergeCursor *m, Slice from, Error *err)
{
    m->own_epoch = m->txn->own_epoch;
    overlay_position(m, from);
    return spill_position(m, from, err);
}

static STATUS store_show(MergeCursor *m, Error *err)
{
    MergeSource *s = &m->src[SRC_STORE];
    if (!m->left) TRY(fill_batch(m, err));
    s->valid = m->left > 0;
    s->deleted = false;
    if (s->valid) s->key = merge_take(m, &s->value);
    return ST_OK;
}

static STATUS move_source(MergeCursor *m, int i, Error *err)
{
    switch (i) {
    case SRC_OVERLAY:
        m->node = m->backward ? overlay_prev(m->node) : overlay_next(m->node);
        overlay_settle(m);
        return ST_OK;
    case SRC_SCRATCH:
        TRY(scratch_cursor_move(&m->scratch, m->backward, err));
        show_scratch(m);
        return ST_OK;
    case SRC_RUNS:
        TRY(runs_cursor_move(&m->runs, m->backward, err));
        show_runs(m);
        return ST_OK;
    default: return store_show(m, err);
    }
}

/* ---- Moving. */

/* All sources stand on their first row beyond the present position, in m->backward's direction. */
static STATUS reposition(MergeCursor *m, Error *err)
{
    Slice from = slice_of(NULL, 0);
    if (m->position == MERGE_ON_ROW) {
        if (m->key.data != (const uint8_t *)m->last.data) {
            strbuf_reset(&m->last);
            strbuf_append(&m->last, m->key.data, m->key.len);
            TRY(strbuf_check(&m->last, err));
        }
        from = strbuf_slice(&m->last);
    }
    memset(m->used, 0, sizeof m->used);
    TRY(store_position(m, from, err));
    if (!m->own) return ST_OK;
    TRY(own_position(m, from, err));
    return store_show(m, err);
}

/* Own sources only: the store's batch is still right. */
static STATUS reopen_own(MergeCursor *m, Error *err)
{
    Slice from = m->position == MERGE_ON_ROW ? strbuf_slice(&m->last) : slice_of(NULL, 0);
    m->used[SRC_OVERLAY] = m->used[SRC_SCRATCH] = m->used[SRC_RUNS] = false;
    return own_position(m, from, err);
}

static STATUS copy_row(MergeCursor *m, int winner, Error *err)
{
    const MergeSource *s = &m->src[winner];
    strbuf_reset(&m->last);
    strbuf_append(&m->last, s->key.data, s->key.len);
    TRY(strbuf_check(&m->last, err));
    m->key = strbuf_slice(&m->last);
    m->value = s->value;
    if (winner == SRC_STORE) return ST_OK; /* stays in the batch buffer */
    strbuf_reset(&m->row);
    strbuf_append(&m->row, s->value.data, s->value.len);
    TRY(strbuf_check(&m->row, err));
    m->value = slice_of(m->row.data ? m->row.data : "", s->value.len);
    return ST_OK;
}

static STATUS next_merged(MergeCursor *m, bool *found, Error *err)
{
    for (;;) {
        int winner = -1;
        for (int i = 0; i < SRC_COUNT; i++)
            if (m->used[i]) {
                m->used[i] = false;
                TRY(move_source(m, i, err));
            }
        for (int i = 0; i < SRC_COUNT; i++) {
            if (!m->src[i].valid) continue;
            int c = winner < 0 ? -1 : slice_compare(m->src[i].key, m->src[winner].key);
            if (winner < 0 || (m->backward ? c > 0 : c < 0)) winner = i;
        }
        *found = winner >= 0;
        if (winner < 0) return ST_OK;
        for (int i = 0; i < SRC_COUNT; i++)
            m->used[i] = m->src[i].valid && (i == winner || slice_equal(m->src[i].key, m->src[winner].key));
        TRY(copy_row(m, winner, err));
        if (!m->src[winner].deleted) return ST_OK;
        m->position = MERGE_ON_ROW; /* a deleted one is a position too */
    }
}

STATUS merge_move_slow(MergeCursor *m, bool backward, bool *found, Error *err)
{
    *found = false;
    if (m->position == (backward ? MERGE_BEFORE : MERGE_AFTER)) return ST_OK;
    bool turn = m->backward != backward || m->position == (backward ? MERGE_AFTER : MERGE_BEFORE) || !m->store_open;
    m->backward = backward;
    if (turn) TRY(reposition(m, err));
    else if (m->own && m->own_epoch != m->txn->own_epoch) TRY(reopen_own(m, err));
    m->store_open = true;
    if (m->own) {
        TRY(next_merged(m, found, err));
    } else {
        if (!m->left) TRY(fill_batch(m, err));
        *found = m->left > 0;
        if (*found) m->key = merge_take(m, &m->value);
    }
    m->position = *found ? MERGE_ON_ROW : backward ? MERGE_BEFORE : MERGE_AFTER;
    return ST_OK;
}

void merge_place_at(MergeCursor *m, Slice key)
{
    strbuf_reset(&m->last);
    strbuf_append(&m->last, key.data, key.len);
    m->key = strbuf_slice(&m->last);
    m->position = MERGE_ON_ROW;
    m->store_open = false;
}

/* Is there anything own in the range that the limit sees? (Later writes have greater numbers.) */
static bool sees_own(const MergeCursor *m)
{
    if (m->txn->spill) return true;
    const OverlayNode *n = overlay_seek(&m->txn->ov, m->place, m->lower);
    for (int i = 0; i < 16 && n && in_range(m, overlay_key(n)); i++, n = overlay_next(n))
        if (overlay_visible(n, m->limit)) return true;
    return n && in_range(m, overlay_key(n));
}

STATUS merge_open(MergeCursor *m, Txn *t, const View *view, uint64_t limit, StorePlace place, Slice lower, Slice upper,
                  bool fill_cache, bool backward, Error *err)
{
    memset(m, 0, sizeof *m);
    m->txn = t;
    m->account = t->opt.account;
    m->place = place;
    m->limit = limit > t->ov.next_seq ? t->ov.next_seq : limit;
    m->lower = lower;
    m->upper = upper;
    m->fill_cache = fill_cache;
    m->want_rows = FIRST_ROWS;
    m->want_bytes = FIRST_BYTES;
    m->position = backward ? MERGE_AFTER : MERGE_BEFORE;
    m->sequence = view ? view->sequence : 0;
    strbuf_init_heap(&m->last, m->account);
    strbuf_init_heap(&m->row, m->account);
    TRY(database_kv(t->db, place, &m->kv, err));
    if (view) TRY(view_snapshot((View *)view, place, &m->at, err));
    m->own = txn_has_own(t) && sees_own(m);
    return ST_OK;
}

void merge_close(MergeCursor *m)
{
    if (!m->kv) return;
    kv_cursor_close(m->cursor);
    scratch_cursor_close(&m->scratch);
    runs_cursor_close(&m->runs);
    mem_free(m->account, m->buf, m->buf_bytes);
    strbuf_free(&m->last);
    strbuf_free(&m->row);
    memset(m, 0, sizeof *m);
}
