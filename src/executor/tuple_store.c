/* TupleStore: the first rows in memory, the rest in a temporary file. Rows are found by number: in memory through an array, in the file
 * through the offset of every 64th row. */
#include "executor/executor.h"
#include "executor/spill_file.h"

enum { CHUNK = 32 * 1024, STEP = 64, MEMORY_RESERVE = 128 * 1024 /* for the file that follows */ };

typedef struct Chunk { struct Chunk *next; size_t bytes; uint8_t data[]; } Chunk;

struct TupleStore {
    SessionEnv *env;
    MemAccount *account;
    const TupleDesc *desc;
    int64_t limit, used;
    Chunk *chunks;
    uint8_t *next, *end;
    const uint8_t **rows;
    uint64_t nrows, rows_cap, count; /* nrows in memory of count */
    SpillFile *file;
    uint64_t *offsets, noffsets, offsets_cap;
    uint64_t file_at;                /* number of the row at the file's read position; UINT64_MAX: writing */
    StrBuf scratch;
    bool full;                       /* memory is used up: rows go to the file */
};

STATUS tuple_store_new(SessionEnv *env, const TupleDesc *desc, int64_t memory_bytes, TupleStore **out, Error *err)
{
    TupleStore *ts = mem_alloc(env->account, sizeof *ts);
    *out = NULL;
    if (!ts) return error_out_of_memory(err, sizeof *ts);
    *ts = (TupleStore){.env = env, .account = env->account, .desc = desc, .limit = memory_bytes, .file_at = UINT64_MAX};
    strbuf_init_heap(&ts->scratch, ts->account);
    *out = ts;
    return ST_OK;
}

static void drop_chunks(TupleStore *ts, Chunk *keep)
{
    while (ts->chunks) {
        Chunk *c = ts->chunks;
        ts->chunks = c->next;
        if (c != keep) mem_free(ts->account, c, c->bytes);
    }
    ts->chunks = keep;
    if (!keep) return;
    keep->next = NULL;
    ts->next = keep->data;
    ts->end = (uint8_t *)keep + keep->bytes;
}

/* Emptied again and again (a merge join's group, a window's partition), a store keeps its first chunk. */
void tuple_store_clear(TupleStore *ts)
{
    Chunk *first = ts->chunks;
    while (first && first->next) first = first->next;
    drop_chunks(ts, first && first->bytes <= CHUNK ? first : NULL);
    if (!ts->chunks) ts->next = ts->end = NULL;
    if (ts->rows_cap > 4096) {
        mem_free(ts->account, ts->rows, ts->rows_cap * sizeof *ts->rows);
        ts->rows = NULL;
        ts->rows_cap = 0;
    }
    if (ts->offsets) mem_free(ts->account, ts->offsets, ts->offsets_cap * sizeof *ts->offsets);
    spill_close(ts->file);
    ts->file = NULL;
    ts->offsets = NULL;
    ts->nrows = ts->count = ts->noffsets = ts->offsets_cap = 0;
    ts->used = (ts->chunks ? (int64_t)ts->chunks->bytes : 0) + (int64_t)(ts->rows_cap * sizeof *ts->rows);
    ts->file_at = UINT64_MAX;
    ts->full = false;
}

void tuple_store_free(TupleStore *ts)
{
    if (!ts) return;
    tuple_store_clear(ts);
    drop_chunks(ts, NULL);
    mem_free(ts->account, ts->rows, ts->rows_cap * sizeof *ts->rows);
    strbuf_free(&ts->scratch);
    mem_free(ts->account, ts, sizeof *ts);
}

/* Room for a row in memory; NULL: the share (or the budget) is used up. */
static uint8_t *memory_row(TupleStore *ts, size_t n)
{
    if (ts->nrows == ts->rows_cap) {
        uint64_t cap = ts->rows_cap ? ts->rows_cap * 2 : 64;
        const uint8_t **grown = mem_realloc(ts->account, ts->rows, ts->rows_cap * sizeof *grown, cap * sizeof *grown);
        if (!grown) return NULL;
        ts->used += (int64_t)((cap - ts->rows_cap) * sizeof *grown);
        ts->rows = grown;
        ts->rows_cap = cap;
    }
    if ((size_t)(ts->end - ts->next) < n) {
        size_t want = ts->chunks ? CHUNK : 2048, bytes = n + sizeof(Chunk) > want ? n + sizeof(Chunk) : want;
        if (ts->nrows && (ts->used + (int64_t)bytes > ts->limit || mem_available(ts->account) < MEMORY_RESERVE)) return NULL;
        Chunk *c = mem_alloc(ts->account, bytes);
        if (!c) return NULL;
        c->next = ts->chunks;
        c->bytes = bytes;
        ts->chunks = c;
        ts->next = c->data;
        ts->end = (uint8_t *)c + bytes;
        ts->used += (int64_t)bytes;
    }
    uint8_t *p = ts->next;
    ts->next += n;
    return p;
}

static STATUS file_row(TupleStore *ts, TupleSlot *slot, size_t n, Error *err)
{
    if (!ts->file) TRY(spill_open(ts->env, ts->account, &ts->file, err));
    if ((ts->count - ts->nrows) % STEP == 0) {
        if (ts->noffsets == ts->offsets_cap) {
            uint64_t cap = ts->offsets_cap ? ts->offsets_cap * 2 : 64;
            uint64_t *grown = mem_realloc(ts->account, ts->offsets, ts->offsets_cap * sizeof *grown, cap * sizeof *grown);
            if (!grown) return error_out_of_memory(err, cap * sizeof *grown);
            ts->offsets = grown;
            ts->offsets_cap = cap;
        }
        ts->offsets[ts->noffsets++] = spill_size(ts->file);
    }
    strbuf_reset(&ts->scratch);
    if (!strbuf_reserve(&ts->scratch, n)) return error_out_of_memory(err, n);
    mintuple_write(slot, (uint8_t *)ts->scratch.data);
    ts->file_at = UINT64_MAX;
    return spill_put_row(ts->file, NULL, 0, (uint8_t *)ts->scratch.data, err);
}

STATUS tuple_store_put(TupleStore *ts, TupleSlot *slot, Error *err)
{
    TRY(slot_decode_all(slot, err));
    size_t n = mintuple_size(slot);
    uint8_t *p = ts->full ? NULL : memory_row(ts, n);
    if (p) {
        mintuple_write(slot, p);
        ts->rows[ts->nrows++] = p;
    } else {
        ts->full = true;
        TRY(file_row(ts, slot, n, err));
    }
    ts->count++;
    return ST_OK;
}

uint64_t tuple_store_count(const TupleStore *ts) { return ts->count; }

STATUS tuple_store_get(TupleStore *ts, uint64_t index, TupleSlot *slot, Error *err)
{
    const uint8_t *tuple;
    uint32_t size;
    if (index >= ts->count) {
        slot_clear(slot);
        return ST_OK;
    }
    if (index < ts->nrows) {
        memcpy(&size, ts->rows[index], 4);
        return mintuple_read(ts->rows[index], size, slot, err);
    }
    uint64_t k = index - ts->nrows;
    if (ts->file_at == UINT64_MAX || ts->file_at > k || k - ts->file_at >= STEP) {
        TRY(spill_seek(ts->file, ts->offsets[k / STEP], err));
        ts->file_at = k / STEP * STEP;
    }
    do {
        TRY(spill_get_row(ts->file, NULL, 0, &tuple, &size, err));
        if (!tuple) return error_set(err, ERR_DATA_CORRUPTED, "temporary file is too short");
    } while (ts->file_at++ < k);
    return mintuple_read(tuple, size, slot, err);
}
