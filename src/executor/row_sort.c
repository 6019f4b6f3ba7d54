/* Sorting rows; see row_sort.h.
 *
 * A row in memory is its key columns as Datums (pointing into the row's bytes) and the flat row. The array that is sorted carries the first
 * key beside the row's address: for integers that decides most comparisons without touching the row. */
#include "executor/row_sort.h"

#include "executor/spill_file.h"

enum { SORT_CHUNK = 32 * 1024, MERGE_BUFFER = 40 * 1024, MAX_RUNS_OPEN = 256, MEMORY_RESERVE = 192 * 1024 /* for writing what is in memory */ };

typedef struct SortRow {
    uint32_t size;   /* of tuple */
    uint32_t alloc;  /* of the whole struct, when allocated alone (top-N) */
    Datum keys[];    /* nkeys, then nkeys null bytes, then the tuple */
} SortRow;

typedef struct SortItem { Datum key; SortRow *row; } SortItem;
typedef struct SortChunk { struct SortChunk *next; size_t bytes; uint8_t data[]; } SortChunk;

typedef struct Run { SpillFile *file; SortRow *row; size_t cap; uint64_t rows; } Run;

struct RowSort {
    ExecState *es;
    const TupleDesc *desc;
    int nkeys;
    const SortKey *keys;
    int64_t limit, used, peak, bound;
    bool int_key;            /* the first key compares as a signed 64-bit number */
    SortItem *items;
    size_t nitems, cap;
    SortChunk *chunks;
    uint8_t *next, *end;
    TupleSlot *scratch;      /* reading tuples back to find their keys */
    Run *runs;
    int nruns, runs_cap;
    int *heap, nheap, heap_cap; /* run numbers, smallest row first */
    size_t at;
    bool heap_mode;          /* top-N: items are a heap, largest first */
    uint64_t disk_bytes;
};

static size_t head_bytes(const RowSort *s) { return sizeof(SortRow) + (size_t)s->nkeys * (sizeof(Datum) + 1); }
static bool *row_nulls(const RowSort *s, SortRow *r) { return (bool *)(r->keys + s->nkeys); }
static uint8_t *row_tuple(const RowSort *s, SortRow *r) { return (uint8_t *)r + head_bytes(s); }

STATUS row_sort_new(ExecState *es, const TupleDesc *desc, int nkeys, const SortKey *keys, int64_t memory_bytes, int64_t bound, RowSort **out, Error *err)
{
    RowSort *s = mem_alloc(es->account, sizeof *s);
    *out = NULL;
    if (!s) return error_out_of_memory(err, sizeof *s);
    *s = (RowSort){.es = es, .desc = desc, .nkeys = nkeys, .keys = keys, .limit = memory_bytes < 65536 ? 65536 : memory_bytes, .bound = bound};
    if (nkeys) {
        switch (keys[0].type->key) {
        case KEYENC_BOOL: case KEYENC_I16: case KEYENC_I32: case KEYENC_I64: case KEYENC_U32: case KEYENC_U8: s->int_key = keys[0].type->byval; break;
        default: break;
        }
    }
    s->heap_mode = bound > 0 && bound < 100000;
    s->scratch = slot_new(&es->arena, desc);
    *out = s;
    if (!s->scratch) {
        row_sort_free(s);
        *out = NULL;
        return error_out_of_memory(err, 0);
    }
    return ST_OK;
}

static void free_rows(RowSort *s)
{
    MemAccount *a = s->es->account;
    if (s->heap_mode)
        for (size_t i = 0; i < s->nitems; i++) mem_free(a, s->items[i].row, s->items[i].row->alloc);
    while (s->chunks) {
        SortChunk *c = s->chunks;
        s->chunks = c->next;
        mem_free(a, c, c->bytes);
    }
    mem_free(a, s->items, s->cap * sizeof *s->items);
    s->items = NULL;
    s->next = s->end = NULL;
    s->nitems = s->cap = 0;
    s->used = 0;
}

void row_sort_free(RowSort *s)
{
    if (!s) return;
    MemAccount *a = s->es->account;
    free_rows(s);
    for (int i = 0; i < s->nruns; i++) {
        spill_close(s->runs[i].file);
        mem_free(a, s->runs[i].row, s->runs[i].cap);
    }
    mem_free(a, s->runs, (size_t)s->runs_cap * sizeof *s->runs);
    mem_free(a, s->heap, (size_t)s->heap_cap * sizeof *s->heap);
    mem_free(a, s, sizeof *s);
}

/* ---- comparing ---- */

static int compare_rows(const RowSort *s, SortRow *a, SortRow *b, int from)
{
    const bool *an = row_nulls(s, a), *bn = row_nulls(s, b);
    for (int i = from; i < s->nkeys; i++) {
        int c = sort_key_compare(&s->keys[i], a->keys[i], an[i], b->keys[i], bn[i]);
        if (c) return c;
    }
    return 0;
}

static inline int compare_items(const RowSort *s, const SortItem *a, const SortItem *b)
{
    if (likely(s->int_key && !row_nulls(s, a->row)[0] && !row_nulls(s, b->row)[0])) {
        int64_t x = (int64_t)a->key, y = (int64_t)b->key;
        if (x != y) return (x < y) != s->keys[0].descending ? -1 : 1;
        return s->nkeys > 1 ? compare_rows(s, a->row, b->row, 1) : 0;
    }
    return compare_rows(s, a->row, b->row, 0);
}

static inline void swap_items(SortItem *a, SortItem *b)
{
    SortItem t = *a;
    *a = *b;
    *b = t;
}

static void insertion_sort(const RowSort *s, SortItem *v, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        SortItem x = v[i];
        size_t j = i;
        for (; j && compare_items(s, &v[j - 1], &x) > 0; j--) v[j] = v[j - 1];
        v[j] = x;
    }
}

/* Heap with the largest item on top. */
static void sift_down(const RowSort *s, SortItem *v, size_t n, size_t i)
{
    for (;;) {
        size_t c = 2 * i + 1;
        if (c >= n) return;
        if (c + 1 < n && compare_items(s, &v[c], &v[c + 1]) < 0) c++;
        if (compare_items(s, &v[i], &v[c]) >= 0) return;
        swap_items(&v[i], &v[c]);
        i = c;
    }
}

static void heap_sort(const RowSort *s, SortItem *v, size_t n)
{
    for (size_t i = n / 2; i-- > 0;) sift_down(s, v, n, i);
    for (size_t i = n; i-- > 1;) {
        swap_items(&v[0], &v[i]);
        sift_down(s, v, i, 0);
    }
}

/* Quicksort by median of three, of ninths when large; a heap sort ends bad luck. */
static void quick_sort(const RowSort *s, SortItem *v, size_t n, int depth)
{
    while (n > 24) {
        if (depth-- == 0) {
            heap_sort(s, v, n);
            return;
        }
        SortItem *mid = v + n / 2, *last = v + n - 1;
        if (compare_items(s, v, mid) > 0) swap_items(v, mid);
        if (compare_items(s, mid, last) > 0) {
            swap_items(mid, last);
            if (compare_items(s, v, mid) > 0) swap_items(v, mid);
        }
        SortItem pivot = *mid;
        size_t i = 0, j = n - 1;
        for (;;) {
            while (compare_items(s, &v[i], &pivot) < 0) i++;
            while (compare_items(s, &pivot, &v[j]) < 0) j--;
            if (i >= j) break;
            swap_items(&v[i++], &v[j--]);
        }
        size_t left = i == j ? i : j + 1; /* [0, left) <= pivot <= [left, n) */
        if (left == 0) left = 1;
        if (left < n - left) {
            quick_sort(s, v, left, depth);
            v += left;
            n -= left;
        } else {
            quick_sort(s, v + left, n - left, depth);
            n = left;
        }
    }
    insertion_sort(s, v, n);
}

static void sort_items(RowSort *s)
{
    int depth = 2;
    bool sorted = true;
    for (size_t i = 1; i < s->nitems && sorted; i++) sorted = compare_items(s, &s->items[i - 1], &s->items[i]) <= 0;
    if (sorted) return;
    for (size_t n = s->nitems; n > 1; n /= 2) depth += 2;
    quick_sort(s, s->items, s->nitems, depth);
}

/* ---- memory ---- */

static STATUS fill_keys(RowSort *s, SortRow *r, Error *err)
{
    bool *nulls = row_nulls(s, r);
    TRY(mintuple_read(row_tuple(s, r), r->size, s->scratch, err));
    for (int i = 0; i < s->nkeys; i++) {
        r->keys[i] = s->scratch->values[s->keys[i].attno];
        nulls[i] = s->scratch->nulls[s->keys[i].attno];
    }
    return ST_OK;
}

/* NULL: out of the sort's memory. */
static void *chunk_alloc(RowSort *s, size_t n)
{
    n = (n + 7) & ~(size_t)7;
    if ((size_t)(s->end - s->next) < n) {
        size_t bytes = n + sizeof(SortChunk) > SORT_CHUNK ? n + sizeof(SortChunk) : SORT_CHUNK;
        if (s->nitems && (s->used + (int64_t)bytes > s->limit || mem_available(s->es->account) < MEMORY_RESERVE)) return NULL;
        SortChunk *c = mem_alloc(s->es->account, bytes);
        if (!c) return NULL;
        c->next = s->chunks;
        c->bytes = bytes;
        s->chunks = c;
        s->next = c->data;
        s->end = (uint8_t *)c + bytes;
        s->used += (int64_t)bytes;
    }
    void *p = s->next;
    s->next += n;
    return p;
}

static bool items_grow(RowSort *s)
{
    if (s->nitems < s->cap) return true;
    size_t cap = s->cap ? s->cap * 2 : 64;
    int64_t more = (int64_t)((cap - s->cap) * sizeof *s->items);
    if (s->used + more > s->limit && s->nitems) return false;
    SortItem *grown = mem_realloc(s->es->account, s->items, s->cap * sizeof *grown, cap * sizeof *grown);
    if (!grown) return false;
    s->items = grown;
    s->cap = cap;
    s->used += more;
    return true;
}

/* ---- runs ---- */

static STATUS add_run(RowSort *s, Run **out, Error *err)
{
    if (s->nruns == s->runs_cap) {
        int cap = s->runs_cap ? s->runs_cap * 2 : 8;
        Run *runs = mem_realloc(s->es->account, s->runs, (size_t)s->runs_cap * sizeof *runs, (size_t)cap * sizeof *runs);
        if (!runs) return error_out_of_memory(err, 0);
        s->runs = runs;
        s->runs_cap = cap;
    }
    if (s->heap_cap < s->runs_cap) {
        int *heap = mem_realloc(s->es->account, s->heap, (size_t)s->heap_cap * sizeof *heap, (size_t)s->runs_cap * sizeof *heap);
        if (!heap) return error_out_of_memory(err, 0);
        s->heap = heap;
        s->heap_cap = s->runs_cap;
    }
    s->runs[s->nruns] = (Run){0};
    TRY(spill_open(s->es->env, s->es->account, &s->runs[s->nruns].file, err));
    *out = &s->runs[s->nruns++];
    return ST_OK;
}

static STATUS write_run(RowSort *s, Error *err)
{
    Run *run;
    if (s->used > s->peak) s->peak = s->used;
    sort_items(s);
    TRY(add_run(s, &run, err));
    for (size_t i = 0; i < s->nitems; i++) {
        TRY(EXEC_INTERRUPT(s->es, err));
        TRY(spill_put_row(run->file, NULL, 0, row_tuple(s, s->items[i].row), err));
        run->rows++;
    }
    s->disk_bytes += spill_size(run->file);
    free_rows(s);
    return ST_OK;
}

static STATUS run_advance(RowSort *s, Run *run, bool *end, Error *err)
{
    const uint8_t *tuple;
    uint32_t size;
    TRY(spill_get_row(run->file, NULL, 0, &tuple, &size, err));
    *end = !tuple;
    if (!tuple) return ST_OK;
    size_t need = head_bytes(s) + size;
    if (need > run->cap) {
        size_t cap = need + need / 2;
        SortRow *grown = mem_realloc(s->es->account, run->row, run->cap, cap);
        if (!grown) return error_out_of_memory(err, cap);
        run->row = grown;
        run->cap = cap;
    }
    run->row->size = size;
    memcpy(row_tuple(s, run->row), tuple, size);
    return fill_keys(s, run->row, err);
}

static void run_sift(RowSort *s, int i)
{
    for (;;) {
        int c = 2 * i + 1;
        if (c >= s->nheap) return;
        if (c + 1 < s->nheap && compare_rows(s, s->runs[s->heap[c + 1]].row, s->runs[s->heap[c]].row, 0) < 0) c++;
        if (compare_rows(s, s->runs[s->heap[i]].row, s->runs[s->heap[c]].row, 0) <= 0) return;
        int t = s->heap[i];
        s->heap[i] = s->heap[c];
        s->heap[c] = t;
        i = c;
    }
}

/* Opens runs [from, to) for merging. */
static STATUS merge_begin(RowSort *s, int from, int to, Error *err)
{
    s->nheap = 0;
    for (int i = from; i < to; i++) {
        bool end;
        TRY(spill_seek(s->runs[i].file, 0, err));
        TRY(run_advance(s, &s->runs[i], &end, err));
        if (!end) s->heap[s->nheap++] = i;
    }
    for (int i = s->nheap / 2; i-- > 0;) run_sift(s, i);
    return ST_OK;
}

/* After the top row was used. */
static STATUS merge_advance(RowSort *s, Error *err)
{
    bool end;
    TRY(run_advance(s, &s->runs[s->heap[0]], &end, err));
    if (end) s->heap[0] = s->heap[--s->nheap];
    run_sift(s, 0);
    return ST_OK;
}

static int fan_in(const RowSort *s)
{
    int64_t n = s->limit / MERGE_BUFFER;
    return n < 4 ? 4 : n > MAX_RUNS_OPEN ? MAX_RUNS_OPEN : (int)n;
}

/* Merges the first k runs into a new one at the end. */
static STATUS merge_pass(RowSort *s, int k, Error *err)
{
    Run *out;
    TRY(merge_begin(s, 0, k, err));
    TRY(add_run(s, &out, err));
    while (s->nheap) {
        Run *top = &s->runs[s->heap[0]];
        TRY(EXEC_INTERRUPT(s->es, err));
        TRY(spill_put_row(s->runs[s->nruns - 1].file, NULL, 0, row_tuple(s, top->row), err));
        TRY(merge_advance(s, err));
    }
    for (int i = 0; i < k; i++) {
        spill_close(s->runs[i].file);
        mem_free(s->es->account, s->runs[i].row, s->runs[i].cap);
    }
    memmove(s->runs, s->runs + k, (size_t)(s->nruns - k) * sizeof *s->runs);
    s->nruns -= k;
    return ST_OK;
}

/* ---- top-N ---- */

static STATUS heap_leave(RowSort *s, Error *err) /* too large to keep as a heap: rows move into chunks */
{
    SortItem *items = s->items;
    size_t n = s->nitems, cap = s->cap;
    s->items = NULL;
    s->nitems = s->cap = 0;
    s->used = 0;
    s->heap_mode = false;
    Status st = ST_OK;
    for (size_t i = 0; i < n; i++) {
        if (!failed(st)) {
            st = mintuple_read(row_tuple(s, items[i].row), items[i].row->size, s->scratch, err);
            if (!failed(st)) st = row_sort_put(s, s->scratch, err);
        }
        mem_free(s->es->account, items[i].row, items[i].row->alloc);
    }
    mem_free(s->es->account, items, cap * sizeof *items);
    return st;
}

/* Would the row come after everything that is kept? */
static bool beyond_heap(const RowSort *s, TupleSlot *row)
{
    SortRow *top = s->items[0].row;
    const bool *nulls = row_nulls(s, top);
    for (int i = 0; i < s->nkeys; i++) {
        int a = s->keys[i].attno, c = sort_key_compare(&s->keys[i], row->values[a], row->nulls[a], top->keys[i], nulls[i]);
        if (c) return c > 0;
    }
    return true;
}

static STATUS heap_put(RowSort *s, TupleSlot *row, size_t size, bool *kept, Error *err)
{
    size_t bytes = head_bytes(s) + size;
    *kept = true;
    SortRow *r = s->used + (int64_t)bytes > s->limit ? NULL : mem_alloc(s->es->account, bytes);
    if (!r || !items_grow(s)) {
        if (r) mem_free(s->es->account, r, bytes);
        *kept = false;
        return heap_leave(s, err);
    }
    r->size = (uint32_t)size;
    r->alloc = (uint32_t)bytes;
    mintuple_write(row, row_tuple(s, r));
    s->used += (int64_t)bytes;
    Status st = fill_keys(s, r, err);
    if (failed(st)) {
        mem_free(s->es->account, r, bytes);
        return st;
    }
    SortItem item = {s->nkeys ? r->keys[0] : 0, r};
    if (s->nitems < (size_t)s->bound) {
        s->items[s->nitems++] = item;
        if (s->nitems == (size_t)s->bound)
            for (size_t i = s->nitems / 2; i-- > 0;) sift_down(s, s->items, s->nitems, i);
        return ST_OK;
    }
    s->used -= s->items[0].row->alloc;
    mem_free(s->es->account, s->items[0].row, s->items[0].row->alloc);
    s->items[0] = item;
    sift_down(s, s->items, s->nitems, 0);
    return ST_OK;
}

/* ---- the sort ---- */

STATUS row_sort_put(RowSort *s, TupleSlot *row, Error *err)
{
    if (s->heap_mode && s->nitems == (size_t)s->bound) { /* most rows are turned away by their key columns alone */
        for (int i = 0; i < s->nkeys; i++) TRY(slot_decode(row, s->keys[i].attno + 1, err));
        if (beyond_heap(s, row)) return ST_OK;
    }
    TRY(slot_decode_all(row, err));
    size_t size = mintuple_size(row);
    if (s->heap_mode) {
        bool kept;
        TRY(heap_put(s, row, size, &kept, err));
        if (kept) return ST_OK;
    }
    SortRow *r = items_grow(s) ? chunk_alloc(s, head_bytes(s) + size) : NULL;
    if (!r) {
        TRY(write_run(s, err));
        r = items_grow(s) ? chunk_alloc(s, head_bytes(s) + size) : NULL;
        if (!r) return error_out_of_memory(err, size);
    }
    r->size = (uint32_t)size;
    mintuple_write(row, row_tuple(s, r));
    TRY(fill_keys(s, r, err));
    s->items[s->nitems++] = (SortItem){s->nkeys ? r->keys[0] : 0, r};
    return ST_OK;
}

STATUS row_sort_finish(RowSort *s, Error *err)
{
    if (s->used > s->peak) s->peak = s->used;
    if (!s->nruns) {
        sort_items(s);
        return row_sort_rewind(s, err);
    }
    if (s->nitems) TRY(write_run(s, err));
    while (s->nruns > fan_in(s)) {
        int k = s->nruns - fan_in(s) + 1;
        TRY(merge_pass(s, k < fan_in(s) ? k : fan_in(s), err));
    }
    return row_sort_rewind(s, err);
}

STATUS row_sort_rewind(RowSort *s, Error *err)
{
    s->at = 0;
    return s->nruns ? merge_begin(s, 0, s->nruns, err) : ST_OK;
}

STATUS row_sort_next(RowSort *s, TupleSlot *slot, Error *err)
{
    if (!s->nruns) {
        if (s->at >= s->nitems) {
            slot_clear(slot);
            return ST_OK;
        }
        SortRow *r = s->items[s->at++].row;
        return mintuple_read(row_tuple(s, r), r->size, slot, err);
    }
    if (s->at++) TRY(merge_advance(s, err)); /* the row handed out before is done with */
    if (!s->nheap) {
        s->at = 0;
        slot_clear(slot);
        return ST_OK;
    }
    SortRow *r = s->runs[s->heap[0]].row;
    return mintuple_read(row_tuple(s, r), r->size, slot, err);
}

const char *row_sort_method(const RowSort *s) { return s->nruns ? "external merge" : s->heap_mode ? "top-N heapsort" : "quicksort"; }

int64_t row_sort_bytes(const RowSort *s, bool *on_disk)
{
    *on_disk = s->nruns > 0;
    return s->nruns ? (int64_t)s->disk_bytes : s->peak;
}
