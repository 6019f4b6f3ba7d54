/* External merge sort. Pairs are packed into one buffer, pointers sorted; a full buffer becomes a run file. At most FAN_IN runs are
 * merged at once (each holds one read buffer), so more of them are first merged into longer ones. */
#include "storage/sorter.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/metrics.h"
#include "storage/cluster_internal.h"

enum { FAN_IN = 32, READ_BYTES = 16 * 1024, PAIR_HEAD = 8, MEMORY_MIN = 32 * 1024 };

typedef struct Reader { /* of one run */
    FILE *file;
    uint8_t *pair;
    size_t pair_cap;
    uint32_t klen, vlen;
    uint64_t order; /* runs keep the order in which they were written: ties */
    bool valid;
} Reader;

typedef struct RunFile { char *path; uint64_t order; } RunFile;

struct Sorter {
    Database *db;
    MemAccount *account;
    uint8_t *buf;
    size_t buf_bytes, used, npairs; /* pairs from the front, their offsets from the back */
    uint64_t bytes, next_order;
    RunFile *runs;
    int nruns, runs_cap;
    bool reading;
    size_t next_pair;          /* everything fitted: reading from memory */
    Reader *readers;
    int nreaders, last;        /* last: reader of the pair handed out, -1: none */
    int heap[FAN_IN];          /* indices of valid readers, smallest first */
    int nheap;
    FILE *writing;
    char *writing_path;
};

static Status io_error(const char *what, const char *path, Error *err)
{
    SqlState code = errno == ENOSPC ? ERR_DISK_FULL : ERR_IO_ERROR;
    return error_set(err, code, "could not %s temporary file \"%s\": %s", what, path, strerror(errno));
}

STATUS sorter_new(Database *db, MemAccount *account, size_t memory_bytes, Sorter **out, Error *err)
{
    Sorter *s = calloc(1, sizeof *s);
    TRY_MEM(s, err);
    s->db = db;
    s->account = account;
    s->last = -1;
    /* What the budget has: halved until it fits. */
    for (size_t n = memory_bytes < MEMORY_MIN ? MEMORY_MIN : memory_bytes & ~(size_t)7; !s->buf && n >= MEMORY_MIN; n = n / 2 & ~(size_t)7) {
        s->buf = mem_alloc(account, n);
        s->buf_bytes = n;
    }
    if (!s->buf) {
        free(s);
        return error_out_of_memory(err, MEMORY_MIN);
    }
    *out = s;
    return ST_OK;
}

static void close_readers(Sorter *s)
{
    for (int i = 0; i < s->nreaders; i++) {
        if (s->readers[i].file) fclose(s->readers[i].file);
        mem_free(s->account, s->readers[i].pair, s->readers[i].pair_cap);
    }
    mem_free(s->account, s->readers, sizeof *s->readers * (size_t)s->nreaders + (size_t)s->nreaders * READ_BYTES);
    s->readers = NULL;
    s->nreaders = s->nheap = 0;
}

void sorter_free(Sorter *s)
{
    if (!s) return;
    close_readers(s);
    if (s->writing) fclose(s->writing);
    if (s->writing_path) unlink(s->writing_path);
    free(s->writing_path);
    for (int i = 0; i < s->nruns; i++) {
        unlink(s->runs[i].path);
        free(s->runs[i].path);
    }
    free(s->runs);
    mem_free(s->account, s->buf, s->buf_bytes);
    free(s);
}

uint64_t sorter_bytes(const Sorter *s) { return s->bytes; }

/* ---- Pairs in the buffer. */

static uint32_t *offsets(const Sorter *s) { return (uint32_t *)(s->buf + s->buf_bytes) - s->npairs; }

static Slice pair_key(const uint8_t *p)
{
    uint32_t k;
    memcpy(&k, p, 4);
    return slice_of(p + PAIR_HEAD, k);
}

static Slice pair_value(const uint8_t *p)
{
    uint32_t k, v;
    memcpy(&k, p, 4);
    memcpy(&v, p + 4, 4);
    return slice_of(p + PAIR_HEAD + k, v);
}

static int compare_pairs(const void *a, const void *b, void *arg)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    const uint8_t *buf = arg;
    int c = slice_compare(pair_key(buf + x), pair_key(buf + y));
    return c ? c : (x > y) - (x < y);
}

static void sort_buffer(Sorter *s) { qsort_r(offsets(s), s->npairs, sizeof(uint32_t), compare_pairs, s->buf); }

/* ---- Runs. */

static STATUS begin_run(Sorter *s, Error *err)
{
    char path[512];
    TRY(database_temp_path(s->db, ".sort", path, sizeof path, err));
    TRY_MEM(s->writing_path = strdup(path), err);
    s->writing = fopen(path, "wb");
    if (!s->writing) return io_error("create", path, err);
    return ST_OK;
}

static STATUS write_pair(Sorter *s, Slice key, Slice value, Error *err)
{
    uint32_t head[2] = {(uint32_t)key.len, (uint32_t)value.len};
    if (fwrite(head, sizeof head, 1, s->writing) == 1 && (!key.len || fwrite(key.data, key.len, 1, s->writing) == 1) &&
        (!value.len || fwrite(value.data, value.len, 1, s->writing) == 1))
        return ST_OK;
    return io_error("write", s->writing_path, err);
}

static STATUS end_run(Sorter *s, uint64_t order, Error *err)
{
    FILE *f = s->writing;
    long bytes = ftell(f);
    s->writing = NULL;
    if (fclose(f) != 0) return io_error("write", s->writing_path, err);
    metric_add(METRIC_temp_bytes_total, bytes);
    if (s->nruns == s->runs_cap) {
        int cap = s->runs_cap ? s->runs_cap * 2 : 16;
        RunFile *r = realloc(s->runs, sizeof *r * (size_t)cap);
        TRY_MEM(r, err);
        s->runs = r;
        s->runs_cap = cap;
    }
    s->runs[s->nruns++] = (RunFile){s->writing_path, order};
    s->writing_path = NULL;
    return ST_OK;
}

static STATUS flush_buffer(Sorter *s, Error *err)
{
    sort_buffer(s);
    TRY(begin_run(s, err));
    const uint32_t *at = offsets(s);
    for (size_t i = 0; i < s->npairs; i++) TRY(write_pair(s, pair_key(s->buf + at[i]), pair_value(s->buf + at[i]), err));
    s->used = s->npairs = 0;
    return end_run(s, s->next_order++, err);
}

STATUS sorter_add(Sorter *s, Slice key, Slice value, Error *err)
{
    size_t need = PAIR_HEAD + key.len + value.len;
    assert(!s->reading);
    s->bytes += key.len + value.len;
    if (s->used + need + (s->npairs + 1) * sizeof(uint32_t) > s->buf_bytes) {
        if (s->npairs) TRY(flush_buffer(s, err));
        if (need + sizeof(uint32_t) > s->buf_bytes) { /* larger than the buffer: a run of its own */
            TRY(begin_run(s, err));
            TRY(write_pair(s, key, value, err));
            return end_run(s, s->next_order++, err);
        }
    }
    uint32_t head[2] = {(uint32_t)key.len, (uint32_t)value.len};
    uint8_t *p = s->buf + s->used;
    memcpy(p, head, sizeof head);
    if (key.len) memcpy(p + PAIR_HEAD, key.data, key.len);
    if (value.len) memcpy(p + PAIR_HEAD + key.len, value.data, value.len);
    s->npairs++;
    /* Offsets grow downwards; they are sorted before use, so their order here does not matter. */
    offsets(s)[0] = (uint32_t)s->used;
    s->used += need;
    return ST_OK;
}

/* ---- Merging. */

static STATUS reader_next(Sorter *s, Reader *r, const char *path, Error *err)
{
    uint32_t head[2];
    r->valid = false;
    size_t got = fread(head, 1, sizeof head, r->file);
    if (got == 0 && feof(r->file)) return ST_OK;
    if (got != sizeof head) return io_error("read", path, err);
    size_t need = (size_t)head[0] + head[1];
    if (need > r->pair_cap) {
        uint8_t *p = mem_realloc(s->account, r->pair, r->pair_cap, need * 2);
        TRY_MEM(p, err);
        r->pair = p;
        r->pair_cap = need * 2;
    }
    if (need && fread(r->pair, need, 1, r->file) != 1) return io_error("read", path, err);
    r->klen = head[0];
    r->vlen = head[1];
    r->valid = true;
    return ST_OK;
}

static bool reader_less(const Sorter *s, int a, int b)
{
    const Reader *x = &s->readers[a], *y = &s->readers[b];
    int c = slice_compare(slice_of(x->pair, x->klen), slice_of(y->pair, y->klen));
    return c ? c < 0 : x->order < y->order;
}

static void sift_down(Sorter *s, int i)
{
    for (;;) {
        int least = i, l = 2 * i + 1, r = l + 1;
        if (l < s->nheap && reader_less(s, s->heap[l], s->heap[least])) least = l;
        if (r < s->nheap && reader_less(s, s->heap[r], s->heap[least])) least = r;
        if (least == i) return;
        int t = s->heap[i];
        s->heap[i] = s->heap[least];
        s->heap[least] = t;
        i = least;
    }
}

/* Opens the first n runs for merging. */
static STATUS open_readers(Sorter *s, int n, Error *err)
{
    size_t bytes = sizeof *s->readers * (size_t)n + (size_t)n * READ_BYTES; /* stdio's buffers lie behind */
    s->readers = mem_alloc(s->account, bytes);
    TRY_MEM(s->readers, err);
    memset(s->readers, 0, sizeof *s->readers * (size_t)n);
    s->nreaders = n;
    s->nheap = 0;
    s->last = -1;
    char *io = (char *)(s->readers + n);
    for (int i = 0; i < n; i++) {
        Reader *r = &s->readers[i];
        r->order = s->runs[i].order;
        r->file = fopen(s->runs[i].path, "rb");
        if (!r->file) return io_error("open", s->runs[i].path, err);
        setvbuf(r->file, io + (size_t)i * READ_BYTES, _IOFBF, READ_BYTES);
        TRY(reader_next(s, r, s->runs[i].path, err));
        if (r->valid) s->heap[s->nheap++] = i;
    }
    for (int i = s->nheap / 2 - 1; i >= 0; i--) sift_down(s, i);
    return ST_OK;
}

static STATUS merged_next(Sorter *s, bool *found, Slice *key, Slice *value, Error *err)
{
    if (s->last >= 0) {
        Reader *r = &s->readers[s->last];
        TRY(reader_next(s, r, s->runs[s->last].path, err));
        if (!r->valid) s->heap[0] = s->heap[--s->nheap];
        sift_down(s, 0);
    }
    s->last = s->nheap ? s->heap[0] : -1;
    *found = s->nheap > 0;
    if (!*found) return ST_OK;
    const Reader *r = &s->readers[s->last];
    *key = slice_of(r->pair, r->klen);
    *value = slice_of(r->pair + r->klen, r->vlen);
    return ST_OK;
}

/* The first FAN_IN runs become one, which keeps the order of its earliest. */
static STATUS merge_some(Sorter *s, Error *err)
{
    bool found = true;
    Slice key, value;
    uint64_t order = s->runs[0].order;
    TRY(open_readers(s, FAN_IN, err));
    TRY(begin_run(s, err));
    for (;;) {
        TRY(merged_next(s, &found, &key, &value, err));
        if (!found) break;
        TRY(write_pair(s, key, value, err));
    }
    close_readers(s);
    for (int i = 0; i < FAN_IN; i++) {
        unlink(s->runs[i].path);
        free(s->runs[i].path);
    }
    memmove(s->runs, s->runs + FAN_IN, sizeof *s->runs * (size_t)(s->nruns - FAN_IN));
    s->nruns -= FAN_IN;
    TRY(end_run(s, order, err));
    /* Back to the front, where its order belongs. */
    RunFile made = s->runs[s->nruns - 1];
    memmove(s->runs + 1, s->runs, sizeof *s->runs * (size_t)(s->nruns - 1));
    s->runs[0] = made;
    return ST_OK;
}

static STATUS start_reading(Sorter *s, Error *err)
{
    s->reading = true;
    if (!s->nruns) {
        sort_buffer(s);
        return ST_OK;
    }
    if (s->npairs) TRY(flush_buffer(s, err));
    mem_free(s->account, s->buf, s->buf_bytes);
    s->buf = NULL;
    s->buf_bytes = 0;
    while (s->nruns > FAN_IN) TRY(merge_some(s, err));
    return open_readers(s, s->nruns, err);
}

STATUS sorter_next(Sorter *s, bool *found, Slice *key, Slice *value, Error *err)
{
    if (!s->reading) TRY(start_reading(s, err));
    if (s->nruns) return merged_next(s, found, key, value, err);
    *found = s->next_pair < s->npairs;
    if (!*found) return ST_OK;
    const uint8_t *p = s->buf + offsets(s)[s->next_pair++];
    *key = pair_key(p);
    *value = pair_value(p);
    return ST_OK;
}
