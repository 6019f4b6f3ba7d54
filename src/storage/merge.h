/* MergeCursor: raw rows of a key range as one snapshot sees them: the store's, in batches, merged with the transaction's own.
 *
 * When nothing own lies in the range (the usual case) it hands out rows of the batch buffer and does nothing else. Positions
 * survive spills and undone savepoints: own sources are opened again at the last key. Movement may change direction at any time. */
#ifndef HELIOS_STORAGE_MERGE_H
#define HELIOS_STORAGE_MERGE_H

#include "storage/spill.h"

enum { SRC_OVERLAY, SRC_SCRATCH, SRC_RUNS, SRC_STORE, SRC_COUNT }; /* newest first: the first wins on equal keys */

typedef struct MergeSource {
    bool valid, deleted;
    Slice key, value;
} MergeSource;

typedef enum MergePosition { MERGE_BEFORE, MERGE_ON_ROW, MERGE_AFTER } MergePosition;

typedef struct MergeCursor {
    Txn *txn;
    MemAccount *account;
    Kv *kv;
    const KvSnapshot *at;
    StorePlace place;
    uint64_t limit, sequence;
    Slice lower, upper;       /* borrowed; upper.data NULL: open */
    bool fill_cache, own, backward, store_open;
    MergePosition position;
    uint64_t own_epoch;
    Slice key, value;         /* the present row */

    KvCursor *cursor;
    uint8_t *buf;             /* batch: [klen][vlen][key][value]... */
    size_t buf_bytes, want_bytes;
    int want_rows, left;      /* rows of the batch not handed out yet */
    const uint8_t *next;
    bool store_end;

    MergeSource src[SRC_COUNT];
    bool used[SRC_COUNT];     /* gave (or was covered by) the present row: moves before the next */
    const OverlayNode *node;
    ScratchCursor scratch;
    RunsCursor runs;
    StrBuf last, row;         /* copies of key and value while own rows are merged */
} MergeCursor;

/* view NULL: newest committed. limit: own entries below it are seen. lower is not empty. The bounds must outlive the cursor. */
STATUS merge_open(MergeCursor *m, Txn *t, const View *view, uint64_t limit, StorePlace place, Slice lower, Slice upper,
                  bool fill_cache, bool backward, Error *err);
STATUS merge_move_slow(MergeCursor *m, bool backward, bool *found, Error *err);
/* As if the row of that key had just been returned. */
void merge_place_at(MergeCursor *m, Slice key);
void merge_close(MergeCursor *m); /* a zeroed one is fine */

static inline Slice merge_take(MergeCursor *m, Slice *value)
{
    uint32_t k, v;
    memcpy(&k, m->next, 4);
    memcpy(&v, m->next + 4, 4);
    Slice key = slice_of(m->next + 8, k);
    *value = slice_of(m->next + 8 + k, v);
    m->next += 8 + k + v;
    m->left--;
    return key;
}

/* The next row in the given direction: m->key and m->value, valid until the next call. *found false at the end. */
static inline STATUS merge_move(MergeCursor *m, bool backward, bool *found, Error *err)
{
    if (likely(m->left > 0 && !m->own && m->backward == backward && m->position == MERGE_ON_ROW)) {
        m->key = merge_take(m, &m->value);
        *found = true;
        return ST_OK;
    }
    return merge_move_slow(m, backward, found, err);
}

#endif
