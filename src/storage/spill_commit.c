/* Commit of a transaction that spilled or built: everything of the database becomes table files, then one ingestion makes it visible.
 *
 * The stream of single entries (overlay over scratch) is written to new files around the runs; a run is ingested as it is unless the
 * stream has keys inside it, in which case the two are merged into new files. Files stay disjoint and of bounded size (a table
 * file being written keeps a hash of every key for its filter). */
#include <assert.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/fault_point.h"
#include "storage/spill.h"

/* ---- The stream: newest own entries of one place in key order. */

typedef struct Stream {
    Txn *t;
    const OverlayNode *node;
    ScratchCursor scratch;
    bool from_overlay, from_scratch; /* who gave the present entry */
    bool valid;
    uint8_t flags;
    Slice key, value;
} Stream;

static void stream_look(Stream *s)
{
    int c = !s->node ? 1 : !s->scratch.valid ? -1 : slice_compare(overlay_key(s->node), s->scratch.key);
    s->from_overlay = s->node && c <= 0;
    s->from_scratch = s->scratch.valid && c >= 0;
    s->valid = s->from_overlay || s->from_scratch;
    if (s->from_overlay) {
        s->key = overlay_key(s->node);
        s->value = overlay_value(s->node->newest);
        s->flags = s->node->newest->flags;
    } else if (s->valid) {
        s->key = s->scratch.key;
        s->value = s->scratch.value;
        s->flags = s->scratch.flags;
    }
}

static STATUS stream_open(Stream *s, Txn *t, StorePlace place, Error *err)
{
    *s = (Stream){.t = t, .node = overlay_first(&t->ov, place)};
    if (t->spill) {
        TRY(scratch_cursor_open(&s->scratch, t->spill, place, slice_of("", 0), slice_of(NULL, 0), UINT64_MAX, err));
        TRY(scratch_cursor_seek(&s->scratch, slice_of(NULL, 0), false, err));
    }
    stream_look(s);
    return ST_OK;
}

static STATUS stream_next(Stream *s, Error *err)
{
    if (s->from_overlay) s->node = overlay_next(s->node);
    if (s->from_scratch) TRY(scratch_cursor_move(&s->scratch, false, err));
    stream_look(s);
    return ST_OK;
}

static void stream_close(Stream *s) { scratch_cursor_close(&s->scratch); }

STATUS spill_each(Txn *t, StorePlace place, STATUS (*fn)(void *arg, Slice key, Slice value, uint8_t flags, Error *err), void *arg, Error *err)
{
    Stream s;
    Status st = stream_open(&s, t, place, err);
    while (!failed(st) && s.valid) {
        st = fn(arg, s.key, s.value, s.flags, err);
        if (!failed(st)) st = stream_next(&s, err);
    }
    stream_close(&s);
    return st;
}

/* ---- The files. */

typedef struct Output {
    Txn *t;
    KvFile *file;
    uint64_t bytes;
    char **paths;
    bool *ours; /* written here: removed if the commit fails; the others belong to runs */
    int n, cap;
    char path[512];
} Output;

static STATUS output_add(Output *o, const char *path, bool ours, Error *err)
{
    if (o->n == o->cap) {
        int cap = o->cap ? o->cap * 2 : 16;
        char **p = realloc(o->paths, sizeof *p * (size_t)cap);
        if (p) o->paths = p;
        bool *b = realloc(o->ours, sizeof *b * (size_t)cap);
        if (b) o->ours = b;
        if (!p || !b) return error_out_of_memory(err, sizeof *p * (size_t)cap);
        o->cap = cap;
    }
    TRY_MEM(o->paths[o->n] = strdup(path), err);
    o->ours[o->n++] = ours;
    return ST_OK;
}

static STATUS output_cut(Output *o, Error *err)
{
    uint64_t entries = 0;
    KvFile *f = o->file;
    if (!f) return ST_OK;
    o->file = NULL;
    TRY(kv_file_finish(f, &entries, err));
    return entries ? output_add(o, o->path, true, err) : ST_OK;
}

static STATUS output_entry(Output *o, Slice key, Slice value, uint8_t flags, Error *err)
{
    if ((flags & OV_STORED) == (OV_DELETE | OV_NEW)) return ST_OK; /* came and went inside this transaction */
    if (o->bytes > RUN_BYTES) TRY(output_cut(o, err));
    if (!o->file) {
        TRY(database_temp_path(o->t->db, ".run", o->path, sizeof o->path, err));
        TRY(kv_file_create(o->t->db->kv, o->path, &o->file, err));
        o->bytes = 0;
    }
    o->bytes += key.len + value.len;
    return flags & OV_DELETE ? kv_file_delete(o->file, key, err) : kv_file_put(o->file, key, value, err);
}

/* Stream entries inside a run: both into new files, the stream's winning. */
static STATUS merge_run(Output *o, Stream *s, Run *r, Error *err)
{
    KvRun *reader;
    KvRunCursor *c = NULL;
    Status st = ST_OK;
    TRY(run_reader(o->t->spill, r, &reader, err));
    TRY(kv_run_cursor_open(reader, &c, err));
    for (kv_run_seek(c, r->min); kv_run_valid(c);) {
        int order = s->valid ? slice_compare(s->key, kv_run_key(c)) : 1;
        if (order <= 0) {
            uint8_t flags = s->flags | (order == 0 ? OV_NEW : 0); /* a row of the run is unknown to the store */
            TRY_GOTO(st, output_entry(o, s->key, s->value, flags, err), done);
            TRY_GOTO(st, stream_next(s, err), done);
        } else {
            TRY_GOTO(st, output_entry(o, kv_run_key(c), kv_run_value(c), 0, err), done);
        }
        if (order >= 0) kv_run_next(c);
        TRY_GOTO(st, INTERRUPT_CHECK(o->t->owner->interrupt, err), done);
    }
    st = kv_run_error(c, err);
done:
    kv_run_cursor_close(c);
    return st;
}

static STATUS write_files(Output *o, Stream *s, Error *err)
{
    for (Run *r = o->t->spill->runs; r; r = r->next) {
        assert(r->place == STORE_DATABASE);
        for (; s->valid && slice_compare(s->key, r->min) < 0;) {
            TRY(output_entry(o, s->key, s->value, s->flags, err));
            TRY(stream_next(s, err));
        }
        if (s->valid && slice_compare(s->key, r->max) <= 0) {
            TRY(merge_run(o, s, r, err));
            continue;
        }
        TRY(output_cut(o, err)); /* files must not overlap the run */
        if (r->file) TRY(run_finish(r, err));
        TRY(output_add(o, r->path, false, err));
    }
    while (s->valid) {
        TRY(output_entry(o, s->key, s->value, s->flags, err));
        TRY(stream_next(s, err));
        TRY(INTERRUPT_CHECK(o->t->owner->interrupt, err));
    }
    return output_cut(o, err);
}

STATUS spill_commit_database(Txn *t, Error *err)
{
    Output o = {.t = t};
    Stream s;
    Status st = stream_open(&s, t, STORE_DATABASE, err);
    if (!failed(st)) st = write_files(&o, &s, err);
    stream_close(&s);
    kv_file_abandon(o.file);
    if (!failed(st)) st = FAULT_POINT("commit_before_ingest", err);
    if (!failed(st)) st = kv_sync_log(t->db->kv, err);
    if (!failed(st)) st = kv_ingest(t->db->kv, (const char *const *)o.paths, o.n, err);
    for (int i = 0; i < o.n; i++) {
        if (failed(st) && o.ours[i]) unlink(o.paths[i]);
        free(o.paths[i]);
    }
    free(o.paths);
    free(o.ours);
    return st;
}
