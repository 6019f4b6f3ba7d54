/* Reading spilled entries: single keys, cursors, and other transactions' question who holds a row. */
#include "storage/spill.h"

#include <stdlib.h>

Slice spill_key(const Spill *s, StorePlace place, uint8_t sub, Slice key, StrBuf *out)
{
    strbuf_reset(out);
    strbuf_append(out, s->prefix, sizeof s->prefix);
    strbuf_char(out, (char)sub);
    strbuf_char(out, (char)place);
    strbuf_append(out, key.data, key.len);
    return strbuf_slice(out);
}

bool spill_is_dead(const Spill *s, uint64_t seq)
{
    for (int i = 0; i < s->ndead; i++)
        if (seq >= s->dead[i].from && seq < s->dead[i].to) return true;
    return false;
}

static uint64_t value_seq(Slice v) { uint64_t n; memcpy(&n, v.data, 8); return n; }
static uint8_t value_flags(Slice v) { return v.data[8]; }
static Slice value_body(Slice v) { return slice_of(v.data + SPILL_VALUE_HEAD, v.len - SPILL_VALUE_HEAD); }
static bool visible(const Spill *s, Slice v, uint64_t limit) { return value_seq(v) < limit && !spill_is_dead(s, value_seq(v)); }

static STATUS open_history(Spill *s, StorePlace place, KvCursor **out, Error *err)
{
    StrBuf from, to;
    strbuf_init_heap(&from, NULL);
    strbuf_init_heap(&to, NULL);
    (void)spill_key(s, place, 1, slice_of(NULL, 0), &from);
    (void)spill_key(s, (StorePlace)(place + 1), 1, slice_of(NULL, 0), &to);
    Status st = first_error(strbuf_check(&from, err), strbuf_check(&to, err));
    if (!failed(st)) st = kv_cursor_open(s->scratch, NULL, strbuf_slice(&from), strbuf_slice(&to), false, out, err);
    strbuf_free(&from);
    strbuf_free(&to);
    return st;
}

/* The newest version in the history that the limit sees; out gets its whole value. *cursor: opened on first use, the caller closes it. */
STATUS spill_old_version(Spill *s, StorePlace place, Slice key, uint64_t limit, KvCursor **cursor, StrBuf *out, bool *found, Error *err)
{
    StrBuf from;
    Status st = ST_OK;
    *found = false;
    if (!s->has_history) return ST_OK;
    if (!*cursor) TRY(open_history(s, place, cursor, err));
    strbuf_init_heap(&from, NULL);
    Slice prefix = spill_key(s, place, 1, key, &from);
    size_t prefix_len = prefix.len;
    uint64_t inverse = __builtin_bswap64(~(limit - 1));
    strbuf_append(&from, &inverse, 8);
    TRY_GOTO(st, strbuf_check(&from, err), done);
    for (kv_cursor_seek(*cursor, strbuf_slice(&from)); kv_cursor_valid(*cursor); kv_cursor_next(*cursor)) {
        Slice v = kv_cursor_value(*cursor);
        if (!slice_has_prefix(kv_cursor_key(*cursor), slice_of(from.data, prefix_len))) break;
        if (!visible(s, v, limit)) continue;
        strbuf_reset(out);
        strbuf_append(out, v.data, v.len);
        TRY_GOTO(st, strbuf_check(out, err), done);
        *found = true;
        break;
    }
    st = kv_cursor_error(*cursor, err);
done:
    strbuf_free(&from);
    return st;
}

/* ---- Runs. */

STATUS run_reader(Spill *s, Run *r, KvRun **out, Error *err)
{
    if (r->file) TRY(run_finish(r, err));
    if (!r->reader) TRY(kv_run_open(s->txn->db->kv, r->path, &r->reader, err));
    *out = r->reader;
    return ST_OK;
}

static bool run_covers(const Run *r, StorePlace place, Slice key)
{
    return r->place == place && slice_compare(r->min, key) <= 0 && slice_compare(key, r->max) <= 0;
}

static STATUS run_lookup(KvRunCursor *c, Slice key, Arena *arena, Slice *value, bool *found, Error *err)
{
    *found = false;
    /* Statements look up keys in order more often than not: the next one may be at hand. */
    if (kv_run_valid(c) && slice_compare(kv_run_key(c), key) < 0) {
        kv_run_next(c);
        if (!kv_run_valid(c) || slice_compare(kv_run_key(c), key) != 0) kv_run_seek(c, key);
    } else if (!kv_run_valid(c) || !slice_equal(kv_run_key(c), key)) {
        kv_run_seek(c, key);
    }
    Status st = kv_run_error(c, err);
    if (!failed(st) && kv_run_valid(c) && slice_equal(kv_run_key(c), key)) {
        *found = true;
        Slice v = kv_run_value(c);
        uint8_t *p = arena ? arena_memdup(arena, v.data, v.len) : NULL;
        if (arena && v.len && !p) st = error_out_of_memory(err, v.len);
        else if (value) *value = slice_of(p, v.len);
    }
    return st;
}

/* ---- One key. */

static STATUS take(Slice v, Arena *arena, Slice *value, bool *found, uint8_t *flags, Error *err)
{
    Slice body = value_body(v);
    if (flags) *flags = value_flags(v);
    *found = !(value_flags(v) & OV_DELETE);
    if (!*found) return ST_OK;
    uint8_t *p = arena_memdup(arena, body.data, body.len);
    if (!p && body.len) return error_out_of_memory(err, body.len);
    *value = slice_of(p, body.len);
    return ST_OK;
}

static STATUS scratch_get(Spill *s, StorePlace place, Slice key, uint64_t limit, Arena *arena, Slice *value, bool *own, bool *found,
                          uint8_t *flags, Error *err)
{
    StrBuf buf;
    KvValue v = {0};
    bool there = false;
    strbuf_init_heap(&buf, NULL);
    Slice full = spill_key(s, place, 0, key, &buf);
    Status st = strbuf_check(&buf, err);
    if (!failed(st)) st = kv_get(s->scratch, NULL, full, &v, &there, err);
    if (failed(st) || !there) goto done;
    if (visible(s, v.bytes, limit)) {
        *own = true;
        st = take(v.bytes, arena, value, found, flags, err);
    } else {
        KvCursor *history = NULL;
        st = spill_old_version(s, place, key, limit, &history, &buf, own, err);
        if (!failed(st) && *own) st = take(strbuf_slice(&buf), arena, value, found, flags, err);
        kv_cursor_close(history);
    }
    kv_value_release(&v);
done:
    strbuf_free(&buf);
    return st;
}

STATUS spill_get(Txn *t, StorePlace place, Slice key, uint64_t limit, Arena *arena, Slice *value, bool *own, bool *found,
                 uint8_t *flags, Error *err)
{
    Spill *s = t->spill;
    *own = *found = false;
    if (s->has_scratch) {
        SpillStorage *ss = s->storages;
        while (ss && (ss->place != place || ss->storage_id != key_storage_id(key))) ss = ss->next;
        if (ss && slice_compare(key, slice_of(ss->max, ss->len)) <= 0 && spill_filter_maybe(&s->filter, spill_filter_hash(place, key)))
            TRY(scratch_get(s, place, key, limit, arena, value, own, found, flags, err));
        if (*own) return ST_OK;
    }
    for (Run *r = s->runs; r; r = r->next) {
        if (r->max_seq >= limit || !run_covers(r, place, key)) continue;
        KvRun *reader;
        TRY(run_reader(s, r, &reader, err));
        if (!r->lookup) TRY(kv_run_cursor_open(reader, &r->lookup, err));
        TRY(run_lookup(r->lookup, key, arena, value, found, err));
        if (!*found) continue;
        *own = true;
        if (flags) *flags = OV_NEW | OV_KEY;
        break;
    }
    return ST_OK;
}

/* The answer is yes when it cannot be found out. */
static bool run_holds(Spill *s, Run *r, Slice key)
{
    bool found = true;
    if (!atomic_load(&r->finished)) return true;
    if (!r->probe && failed(kv_run_open(s->txn->db->kv, r->path, &r->probe, NULL))) return true;
    KvRunCursor *c = NULL;
    if (failed(kv_run_cursor_open(r->probe, &c, NULL))) return true;
    bool holds = failed(run_lookup(c, key, NULL, NULL, &found, NULL)) || found;
    kv_run_cursor_close(c);
    return holds;
}

bool spill_holds(Spill *s, StorePlace place, Slice key, RowLockStrength strength)
{
    for (Run *r = s->runs; r; r = r->next)
        if (run_covers(r, place, key) && run_holds(s, r, key)) return true;
    if (!s->has_scratch) return false;
    StrBuf buf;
    KvValue v = {0};
    bool found = false, holds = true;
    strbuf_init_heap(&buf, NULL);
    Slice full = spill_key(s, place, 0, key, &buf);
    if (!buf.oom && !failed(kv_get(s->scratch, NULL, full, &v, &found, NULL))) {
        holds = found && (row_conflicts[strength] >> (value_flags(v.bytes) & OV_KEY ? ROW_UPDATE : ROW_NO_KEY_UPDATE) & 1);
        if (found) kv_value_release(&v);
    }
    strbuf_free(&buf);
    return holds;
}

/* ---- Scratch cursor. */

STATUS scratch_cursor_open(ScratchCursor *c, Spill *s, StorePlace place, Slice lower, Slice upper, uint64_t limit, Error *err)
{
    StrBuf from, to;
    uint8_t next_place = (uint8_t)(place + 1);
    memset(c, 0, sizeof *c);
    c->spill = s;
    c->place = place;
    c->limit = limit;
    strbuf_init_heap(&c->old, NULL);
    if (!s->has_scratch) return ST_OK;
    strbuf_init_heap(&from, NULL);
    strbuf_init_heap(&to, NULL);
    (void)spill_key(s, place, 0, lower, &from);
    if (upper.data) (void)spill_key(s, place, 0, upper, &to);
    else (void)spill_key(s, (StorePlace)next_place, 0, slice_of(NULL, 0), &to);
    Status st = first_error(strbuf_check(&from, err), strbuf_check(&to, err));
    if (!failed(st)) st = kv_cursor_open(s->scratch, NULL, strbuf_slice(&from), strbuf_slice(&to), false, &c->main, err);
    strbuf_free(&from);
    strbuf_free(&to);
    return st;
}

void scratch_cursor_close(ScratchCursor *c)
{
    if (!c->spill) return;
    kv_cursor_close(c->main);
    kv_cursor_close(c->history);
    strbuf_free(&c->old);
    memset(c, 0, sizeof *c);
}

/* From the main cursor's position on, the first entry of which the limit sees a version. */
static STATUS settle(ScratchCursor *c, bool backward, Error *err)
{
    c->valid = false;
    for (; kv_cursor_valid(c->main); backward ? kv_cursor_prev(c->main) : kv_cursor_next(c->main)) {
        Slice k = kv_cursor_key(c->main), v = kv_cursor_value(c->main);
        k = slice_of(k.data + SPILL_HEAD, k.len - SPILL_HEAD);
        if (unlikely(v.len < SPILL_VALUE_HEAD)) return error_set(err, ERR_DATA_CORRUPTED, "spilled entry is too short");
        if (!visible(c->spill, v, c->limit)) {
            bool found;
            TRY(spill_old_version(c->spill, c->place, k, c->limit, &c->history, &c->old, &found, err));
            if (!found) continue;
            v = strbuf_slice(&c->old);
        }
        c->valid = true;
        c->flags = value_flags(v);
        c->deleted = (c->flags & OV_DELETE) != 0;
        c->key = k;
        c->value = value_body(v);
        return ST_OK;
    }
    return kv_cursor_error(c->main, err);
}

STATUS scratch_cursor_seek(ScratchCursor *c, Slice key, bool backward, Error *err)
{
    if (!c->main) return ST_OK;
    if (key.len) {
        StrBuf buf;
        strbuf_init_heap(&buf, NULL);
        Slice full = spill_key(c->spill, c->place, 0, key, &buf);
        Status st = strbuf_check(&buf, err);
        if (!failed(st)) backward ? kv_cursor_seek_back(c->main, full) : kv_cursor_seek(c->main, full);
        strbuf_free(&buf);
        TRY(st);
    } else if (backward) {
        kv_cursor_seek_back(c->main, key);
    } else {
        kv_cursor_seek(c->main, key);
    }
    return settle(c, backward, err);
}

STATUS scratch_cursor_move(ScratchCursor *c, bool backward, Error *err)
{
    if (backward) kv_cursor_prev(c->main);
    else kv_cursor_next(c->main);
    return settle(c, backward, err);
}

/* ---- Cursor over the runs: they are disjoint and in order, so one is open at a time. */

static bool run_in_range(const RunsCursor *c, const Run *r)
{
    return r->place == c->place && r->max_seq < c->limit && slice_compare(r->max, c->lower) >= 0 &&
           (!c->upper.data || slice_compare(r->min, c->upper) < 0);
}

STATUS runs_cursor_open(RunsCursor *c, Spill *s, StorePlace place, Slice lower, Slice upper, uint64_t limit, Error *err)
{
    *c = (RunsCursor){.spill = s, .place = place, .lower = lower, .upper = upper, .limit = limit};
    return ST_OK;
}

void runs_cursor_close(RunsCursor *c)
{
    kv_run_cursor_close(c->cursor);
    memset(c, 0, sizeof *c);
}

static Run *neighbour(RunsCursor *c, bool backward)
{
    Run *best = NULL;
    for (Run *r = c->spill->runs; r; r = r->next) {
        if (!run_in_range(c, r)) continue;
        if (!backward && slice_compare(r->min, c->run->min) > 0) return r; /* the list is in order */
        if (backward && slice_compare(r->min, c->run->min) < 0) best = r;
    }
    return best;
}

static STATUS enter(RunsCursor *c, Run *r, Error *err)
{
    KvRun *reader;
    kv_run_cursor_close(c->cursor);
    c->cursor = NULL;
    c->run = r;
    TRY(run_reader(c->spill, r, &reader, err));
    return kv_run_cursor_open(reader, &c->cursor, err);
}

static STATUS runs_settle(RunsCursor *c, bool backward, Error *err)
{
    c->valid = false;
    while (!kv_run_valid(c->cursor)) {
        TRY(kv_run_error(c->cursor, err));
        Run *r = neighbour(c, backward);
        if (!r) return ST_OK;
        TRY(enter(c, r, err));
        if (backward) kv_run_seek_back(c->cursor, r->max);
        else kv_run_seek(c->cursor, r->min);
    }
    c->key = kv_run_key(c->cursor);
    c->value = kv_run_value(c->cursor);
    c->valid = backward ? slice_compare(c->key, c->lower) >= 0 : !c->upper.data || slice_compare(c->key, c->upper) < 0;
    return ST_OK;
}

STATUS runs_cursor_seek(RunsCursor *c, Slice key, bool backward, Error *err)
{
    Run *start = NULL;
    bool exclusive = false;
    c->valid = false;
    if (!key.len) {
        key = backward ? c->upper : c->lower;
        exclusive = backward && key.data;
    }
    bool open_end = backward && !key.data;
    for (Run *r = c->spill->runs; r; r = r->next) {
        if (!run_in_range(c, r)) continue;
        if (!backward && slice_compare(r->max, key) >= 0) {
            start = r;
            break;
        }
        if (backward && (open_end || slice_compare(r->min, key) <= 0)) start = r;
    }
    if (!start) return ST_OK;
    TRY(enter(c, start, err));
    if (!backward) {
        kv_run_seek(c->cursor, slice_compare(key, c->lower) < 0 ? c->lower : key);
    } else {
        kv_run_seek_back(c->cursor, open_end ? start->max : key);
        if (exclusive && kv_run_valid(c->cursor) && slice_equal(kv_run_key(c->cursor), key)) kv_run_prev(c->cursor);
    }
    return runs_settle(c, backward, err);
}

STATUS runs_cursor_move(RunsCursor *c, bool backward, Error *err)
{
    if (backward) kv_run_prev(c->cursor);
    else kv_run_next(c->cursor);
    return runs_settle(c, backward, err);
}
