/* Spilling: the buffer's entries become a sorted file in scratch, or go straight into a run. */
#include "storage/spill.h"

#include <assert.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/fault_point.h"
#include "common/metrics.h"

enum { BOUNDS_MAX = 64, HISTORY_BATCH_BYTES = 256 * 1024 };

/* ---- Runs. Changes to the list and to its keys happen under state->implicit_mutex: other threads look (spill_holds). */

static void run_free(Run *r, bool keep_file)
{
    kv_run_cursor_close(r->lookup);
    kv_run_close(r->reader);
    kv_run_close(r->probe);
    if (r->file) kv_file_abandon(r->file);
    else if (!keep_file) unlink(r->path);
    free((void *)r->min.data);
    free((void *)r->max.data);
    free(r);
}

static bool set_key(Slice *to, size_t *cap, Slice key)
{
    if (key.len > *cap) {
        uint8_t *p = realloc((void *)to->data, key.len + 64);
        if (!p) return false;
        to->data = p;
        *cap = key.len + 64;
    }
    memcpy((void *)to->data, key.data, key.len);
    to->len = key.len;
    return true;
}

static Run *run_new(StorePlace place, const char *path, Slice min, Slice max)
{
    size_t n = strlen(path) + 1, cap = 0;
    Run *r = calloc(1, sizeof *r + n);
    if (!r) return NULL;
    memcpy(r->path, path, n);
    r->place = place;
    r->storage_id = key_storage_id(min);
    if (set_key(&r->min, &cap, min) && set_key(&r->max, &r->max_cap, max)) return r;
    run_free(r, true);
    return NULL;
}

static void run_insert(Spill *s, Run *r)
{
    Run **p = &s->runs;
    mutex_lock(&s->txn->state->implicit_mutex);
    while (*p && ((*p)->place < r->place || ((*p)->place == r->place && slice_compare((*p)->min, r->min) < 0))) p = &(*p)->next;
    r->next = *p;
    *p = r;
    mutex_unlock(&s->txn->state->implicit_mutex);
}

STATUS run_finish(Run *r, Error *err)
{
    uint64_t entries;
    KvFile *f = r->file;
    r->file = NULL;
    Status st = kv_file_finish(f, &entries, err);
    atomic_store(&r->finished, st == ST_OK);
    return st;
}

/* ---- The Spill itself. */

static STATUS spill_new(Txn *t, Error *err)
{
    if (t->spill) return ST_OK;
    uint64_t xid;
    TRY(txn_need_xid(t, &xid, err));
    Spill *s = calloc(1, sizeof *s);
    TRY_MEM(s, err);
    s->txn = t;
    s->filter.account = t->opt.account;
    Status st = database_kv(t->db, STORE_TEMP, &s->scratch, err);
    if (failed(st)) {
        free(s);
        return st;
    }
    uint32_t id = __builtin_bswap32(1);
    xid = __builtin_bswap64(xid);
    memcpy(s->prefix, &id, 4);
    memcpy(s->prefix + 4, &xid, 8);
    st = txn_become_implicit(t, err);
    if (failed(st)) {
        free(s);
        return st;
    }
    mutex_lock(&t->state->implicit_mutex); /* we are on the list already: others may look */
    t->spill = s;
    mutex_unlock(&t->state->implicit_mutex);
    return ST_OK;
}

void spill_free(Txn *t)
{
    Spill *s = t->spill;
    if (!s) return;
    txn_leave_implicit(t);
    t->spill = NULL;
    while (s->runs) {
        Run *r = s->runs;
        s->runs = r->next;
        run_free(r, false);
    }
    while (s->storages) {
        SpillStorage *ss = s->storages;
        s->storages = ss->next;
        free(ss->max);
        free(ss);
    }
    if (s->has_scratch || s->has_history) {
        uint8_t end[12];
        memcpy(end, s->prefix, 12);
        for (int i = 11; i >= 4 && ++end[i] == 0; i--) {}
        ignore_status(kv_drop_range(s->scratch, slice_of(s->prefix, 12), slice_of(end, 12), NULL)); /* scratch is emptied at the next start anyway */
    }
    spill_filter_free(&s->filter);
    free(s->dead);
    free(s);
}

STATUS spill_rollback_to(Txn *t, uint64_t seq, Error *err)
{
    Spill *s = t->spill;
    mutex_lock(&t->state->implicit_mutex);
    for (Run **p = &s->runs; *p;) {
        Run *r = *p;
        if (r->min_seq < seq) {
            p = &r->next;
            continue;
        }
        *p = r->next;
        run_free(r, false);
    }
    mutex_unlock(&t->state->implicit_mutex);
    if (s->max_seq < seq) return ST_OK;
    while (s->ndead && s->dead[s->ndead - 1].from >= seq) s->ndead--;
    if (s->ndead == s->dead_cap) {
        int cap = s->dead_cap ? s->dead_cap * 2 : 8;
        SeqRange *d = realloc(s->dead, sizeof *d * (size_t)cap);
        if (!d) {
            t->broken = true;
            return error_out_of_memory(err, sizeof *d * (size_t)cap);
        }
        s->dead = d;
        s->dead_cap = cap;
    }
    s->dead[s->ndead++] = (SeqRange){seq, t->ov.next_seq};
    return ST_OK;
}

static SpillStorage *storage_of(Spill *s, StorePlace place, uint32_t id)
{
    SpillStorage *ss = s->storages;
    while (ss && (ss->place != place || ss->storage_id != id)) ss = ss->next;
    if (ss || !(ss = calloc(1, sizeof *ss))) return ss;
    ss->place = place;
    ss->storage_id = id;
    ss->next = s->storages;
    s->storages = ss;
    return ss;
}

/* ---- One spill. */

typedef struct Spiller {
    Txn *t;
    Spill *s;
    uint64_t bounds[BOUNDS_MAX];
    int nbounds;
    bool keep_all;
    KvFile *file;
    char path[512];
    KvBatch *history;
    StrBuf key, value;
} Spiller;

typedef struct Group { /* the nodes of one storage id */
    OverlayNode *first, *last, *end;
    StorePlace place;
    uint32_t storage_id;
    uint64_t min_seq, max_seq, bytes;
    bool plain;   /* every key was inserted once and is unknown to the store */
    bool ordered; /* and they came in order */
} Group;

/* Does some reader end between the two? */
static bool bound_between(const Spiller *sp, uint64_t older_seq, uint64_t newer_seq)
{
    if (sp->keep_all) return true;
    for (int i = 0; i < sp->nbounds; i++)
        if (older_seq < sp->bounds[i] && sp->bounds[i] <= newer_seq) return true;
    return false;
}

static Group next_group(StorePlace place, OverlayNode *n)
{
    Group g = {.first = n, .place = place, .storage_id = key_storage_id(overlay_key(n)), .min_seq = UINT64_MAX, .plain = true, .ordered = true};
    for (; n && key_storage_id(overlay_key(n)) == g.storage_id; n = overlay_next(n)) {
        const OverlayEntry *e = n->newest;
        if (e->older || (e->flags & (OV_NEW | OV_DELETE)) != OV_NEW) g.plain = false;
        if (e->seq < g.min_seq) g.min_seq = e->seq;
        if (e->seq > g.max_seq) g.max_seq = e->seq;
        else g.ordered = false;
        g.bytes += n->klen + e->len;
        g.last = n;
    }
    g.end = n;
    return g;
}

static Run *last_run(const Spill *s, const Group *g)
{
    Run *last = NULL;
    for (Run *r = s->runs; r; r = r->next)
        if (r->place == g->place && r->storage_id == g->storage_id) last = r;
    return last;
}

/* Keys in order that nobody needs single versions of: they go into a run. */
static bool goes_into_run(const Spiller *sp, const Group *g, const Run *last)
{
    Slice first = overlay_key(g->first);
    uint64_t worth = atomic_load_explicit(&sp->t->state->buffer_bytes, memory_order_relaxed) / 32;
    if (worth > RUN_GROUP_BYTES) worth = RUN_GROUP_BYTES;
    if (g->place != STORE_DATABASE || !g->plain || !g->ordered || (g->bytes < worth && !(last && last->file))) return false;
    if (bound_between(sp, g->min_seq, g->max_seq)) return false;
    if (last && slice_compare(last->max, first) >= 0) return false;
    for (SpillStorage *ss = sp->s->storages; ss; ss = ss->next)
        if (ss->place == g->place && ss->storage_id == g->storage_id && ss->len && slice_compare(slice_of(ss->max, ss->len), first) >= 0)
            return false;
    return true;
}

static STATUS open_run(Spiller *sp, const Group *g, Run **out, Error *err)
{
    char path[512];
    TRY(database_temp_path(sp->t->db, ".run", path, sizeof path, err));
    Run *r = run_new(g->place, path, overlay_key(g->first), overlay_key(g->last));
    TRY_MEM(r, err);
    Status st = kv_file_create(sp->t->db->kv, path, &r->file, err);
    if (failed(st)) {
        run_free(r, false);
        return st;
    }
    r->min_seq = g->min_seq;
    r->max_seq = g->max_seq;
    run_insert(sp->s, r);
    *out = r;
    return ST_OK;
}

static STATUS append_run(Spiller *sp, const Group *g, Run *r, Error *err)
{
    if (r && r->file && (r->bytes > RUN_BYTES || bound_between(sp, r->min_seq, g->max_seq))) TRY(run_finish(r, err));
    if (!r || !r->file) TRY(open_run(sp, g, &r, err));
    mutex_lock(&sp->t->state->implicit_mutex);
    bool ok = set_key(&r->max, &r->max_cap, overlay_key(g->last));
    mutex_unlock(&sp->t->state->implicit_mutex);
    if (!ok) return error_out_of_memory(err, r->max.len);
    if (g->max_seq > r->max_seq) r->max_seq = g->max_seq;
    for (const OverlayNode *n = g->first; n != g->end; n = overlay_next(n))
        TRY(kv_file_put(r->file, overlay_key(n), overlay_value(n->newest), err));
    r->bytes += g->bytes;
    return ST_OK;
}

static STATUS flush_history(Spiller *sp, size_t at_least, Error *err)
{
    if (!sp->history || kv_batch_count(sp->history) == 0 || kv_batch_bytes(sp->history) < at_least) return ST_OK;
    TRY(kv_write(sp->s->scratch, sp->history, false, err));
    kv_batch_clear(sp->history);
    return ST_OK;
}

static STATUS add_history(Spiller *sp, StorePlace place, Slice key, uint64_t seq, Slice whole_value, Error *err)
{
    if (!sp->history) TRY_MEM(sp->history = kv_batch_new(), err);
    uint64_t inverse = __builtin_bswap64(~seq);
    (void)spill_key(sp->s, place, 1, key, &sp->key);
    strbuf_append(&sp->key, &inverse, 8);
    TRY(strbuf_check(&sp->key, err));
    kv_batch_put(sp->history, strbuf_slice(&sp->key), whole_value);
    sp->s->has_history = true;
    return flush_history(sp, HISTORY_BATCH_BYTES, err);
}

static Slice entry_value(Spiller *sp, const OverlayEntry *e)
{
    strbuf_reset(&sp->value);
    strbuf_append(&sp->value, &e->seq, 8);
    strbuf_append(&sp->value, &e->flags, 1);
    strbuf_append(&sp->value, e->data, e->len);
    return strbuf_slice(&sp->value);
}

/* Versions below the newest that a reader still ends between; then the one in scratch that the newest will cover. */
static STATUS spill_history(Spiller *sp, StorePlace place, const OverlayNode *n, Error *err)
{
    const OverlayEntry *newer = n->newest;
    uint64_t kept = newer->seq;
    for (const OverlayEntry *e = newer->older; e; e = e->older) {
        if (!bound_between(sp, e->seq, kept)) continue;
        TRY(add_history(sp, place, overlay_key(n), e->seq, entry_value(sp, e), err));
        kept = e->seq;
    }
    if (!sp->s->has_scratch || (!sp->nbounds && !sp->keep_all)) return ST_OK;
    if (!spill_filter_maybe(&sp->s->filter, spill_filter_hash(place, overlay_key(n)))) return ST_OK;
    KvValue v;
    bool found;
    Slice full = spill_key(sp->s, place, 0, overlay_key(n), &sp->key);
    TRY(strbuf_check(&sp->key, err));
    TRY(kv_get(sp->s->scratch, NULL, full, &v, &found, err));
    if (!found) return ST_OK;
    uint64_t seq;
    memcpy(&seq, v.bytes.data, 8);
    Status st = ST_OK;
    if (!spill_is_dead(sp->s, seq) && bound_between(sp, seq, kept)) st = add_history(sp, place, overlay_key(n), seq, v.bytes, err);
    kv_value_release(&v);
    return st;
}

static STATUS append_scratch(Spiller *sp, const Group *g, Error *err)
{
    if (!sp->file) {
        TRY(database_temp_path(sp->t->db, ".spill", sp->path, sizeof sp->path, err));
        TRY(kv_file_create(sp->s->scratch, sp->path, &sp->file, err));
    }
    SpillStorage *ss = storage_of(sp->s, g->place, g->storage_id);
    Slice last = overlay_key(g->last), max = slice_of(ss ? ss->max : NULL, ss ? ss->len : 0);
    bool ok = ss != NULL;
    if (ok && slice_compare(max, last) < 0) {
        ok = set_key(&max, &ss->cap, last);
        ss->max = (uint8_t *)max.data;
        ss->len = ok ? max.len : ss->len;
    }
    if (!ok) return error_out_of_memory(err, last.len);
    for (const OverlayNode *n = g->first; n != g->end; n = overlay_next(n)) {
        TRY(spill_history(sp, g->place, n, err));
        Slice value = entry_value(sp, n->newest), key = spill_key(sp->s, g->place, 0, overlay_key(n), &sp->key);
        TRY(strbuf_check(&sp->key, err));
        TRY(strbuf_check(&sp->value, err));
        TRY(kv_file_put(sp->file, key, value, err));
        spill_filter_add(&sp->s->filter, spill_filter_hash(g->place, overlay_key(n)));
    }
    return ST_OK;
}

static STATUS write_groups(Spiller *sp, Error *err)
{
    for (int place = 0; place < OVERLAY_PLACES; place++) {
        for (OverlayNode *n = overlay_first(&sp->t->ov, (StorePlace)place); n;) {
            Group g = next_group((StorePlace)place, n);
            Run *last = last_run(sp->s, &g);
            if (goes_into_run(sp, &g, last)) TRY(append_run(sp, &g, last, err));
            else TRY(append_scratch(sp, &g, err));
            n = g.end;
        }
    }
    TRY(flush_history(sp, 0, err));
    if (!sp->file) return ST_OK;
    uint64_t entries;
    const char *path = sp->path;
    KvFile *f = sp->file;
    sp->file = NULL;
    TRY(kv_file_finish(f, &entries, err));
    TRY(FAULT_POINT("spill_before_ingest", err));
    TRY(kv_ingest(sp->s->scratch, &path, 1, err));
    sp->s->has_scratch = true;
    return ST_OK;
}

/* Rows that others can look up now need no lock of their own. Those locked before the innermost savepoint keep theirs: it may outlive
 * what was written inside. */
static void drop_row_locks(Txn *t)
{
    uint32_t after = (uint32_t)txn_innermost_savepoint_serial(t);
    if (!t->owner->rows) return;
    for (int place = 0; place < STORE_TEMP; place++)
        for (OverlayNode *n = overlay_first(&t->ov, (StorePlace)place); n; n = overlay_next(n))
            rowlock_mark(t->owner, rowlock_hash(database_oid(t->db), (StorePlace)place, overlay_key(n)), after);
    rowlock_sweep(t->owner);
}

STATUS txn_spill(Txn *t, Error *err)
{
    if (overlay_is_empty(&t->ov)) return ST_OK;
    TRY(spill_new(t, err));
    Spiller sp = {.t = t, .s = t->spill};
    sp.nbounds = txn_boundaries(t, sp.bounds, BOUNDS_MAX, &sp.keep_all);
    strbuf_init_heap(&sp.key, NULL);
    strbuf_init_heap(&sp.value, NULL);
    Status st = write_groups(&sp, err);
    kv_file_abandon(sp.file);
    kv_batch_free(sp.history);
    strbuf_free(&sp.key);
    strbuf_free(&sp.value);
    if (failed(st)) {
        t->broken = true;
        return st;
    }
    metric_add(METRIC_spills_total, 1);
    t->spill->max_seq = t->ov.newest->seq;
    drop_row_locks(t);
    overlay_clear(&t->ov);
    t->clears++;
    t->own_epoch++;
    return ST_OK;
}

STATUS spill_adopt(Txn *t, uint32_t storage_id, const char *path, Slice min, Slice max, uint64_t bytes, Error *err)
{
    Status st = spill_new(t, err);
    Run *r = failed(st) ? NULL : run_new(STORE_DATABASE, path, min, max);
    if (!r) {
        unlink(path);
        return failed(st) ? st : error_out_of_memory(err, sizeof *r);
    }
    assert(r->storage_id == storage_id);
    (void)storage_id;
    r->min_seq = r->max_seq = t->ov.next_seq++;
    r->bytes = bytes;
    atomic_store(&r->finished, true);
    if (r->max_seq > t->spill->max_seq) t->spill->max_seq = r->max_seq;
    run_insert(t->spill, r);
    t->own_epoch++;
    return ST_OK;
}
