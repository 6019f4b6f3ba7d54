/* The inside of transactions, for the files of src/storage only.
 *
 * Own writes are in up to four layers, newest first: overlay, spilled entries in scratch, runs (finished table files), and below them
 * the store at the snapshot. A snapshot sees own entries whose number (overlay sequence) is below own_limit. */
#ifndef HELIOS_STORAGE_TXN_INTERNAL_H
#define HELIOS_STORAGE_TXN_INTERNAL_H

#include "common/strbuf.h"
#include "storage/lock_internal.h"
#include "storage/overlay.h"
#include "storage/table.h"

enum { WRITE_BUCKETS = 4096, TXN_BUFFER_BYTES = 4 * 1024 * 1024 };

/* A moment of the stores, shared by snapshots. */
typedef struct View {
    int refs;
    Database *db;
    KvSnapshot *store, *global; /* global: taken when first read */
    uint64_t sequence;
    struct View *spare_next;
} View;

struct Snapshot {
    int refs;
    Txn *txn;   /* NULL once the transaction is gone */
    View *view;
    uint64_t own_limit;
    Snapshot *next, *prev; /* the transaction's live ones; next also links spare ones */
};

typedef struct Savepoint {
    uint64_t seq;         /* entries from here on belong to it */
    ArenaMark mark;
    uint64_t clears;      /* txn->clears when mark was taken */
    uint32_t row_serial;
    int heavy_mark, ndrops, nevents, nmoves;
} Savepoint;

typedef struct EventEntry { TxnEventFn fn; void *arg; } EventEntry;
typedef struct DropEntry { StorePlace place; uint32_t storage_id; } DropEntry;
/* A row whose key was changed: from the hash of the old key to the new row key. */
typedef struct MoveEntry { uint64_t seq, from; uint32_t len; uint8_t *to; } MoveEntry;
/* All rows of a relation locked at once, by the right of having had too many row locks. */
typedef struct CoarseLock { StorePlace place; uint32_t storage_id; RowLockStrength strength; } CoarseLock;
enum { COARSE_MAX = 16 };

/* Transactions that hold row locks which are in no row shard: spilled rows and coarse locks. */
typedef struct Implicit {
    struct Implicit *next;
    Txn *txn;
    uint64_t xid;
    int ncoarse;
    CoarseLock coarse[COARSE_MAX];
} Implicit;

/* What a row of a storage id takes in files (table_estimate). */
typedef struct SizeNote { uint32_t storage_id; uint64_t file_bytes; double entry_bytes; } SizeNote;
enum { SIZE_NOTES = 64 };

struct Moves;
struct Gaps;
typedef struct TxnState { /* of a database, shared by its transactions */
    Database *db;
    _Atomic uint64_t writes[WRITE_BUCKETS]; /* sequence of the last committed write, by row hash */
    _Atomic uint64_t buffer_bytes;          /* a transaction's buffer */
    Mutex implicit_mutex;                   /* the list, and the spills reachable from it; inside no shard, outside the store */
    Implicit *implicit;
    _Atomic int implicit_count;
    struct Moves *moves;
    struct Gaps *gaps;
    SizeNote sizes[SIZE_NOTES]; /* implicit_mutex */
    _Atomic int gap_count;
    _Atomic uint64_t gap_ticket;
} TxnState;

struct Spill;
/* A stretch of keys that the store does not have: see free_gap.c. */
enum { FREE_GAP_KEY_MAX = 40 };
typedef struct FreeGap {
    uint64_t xid, sequence;  /* whose, and the store's sequence when it was looked up */
    StorePlace place;
    uint8_t low[FREE_GAP_KEY_MAX], high[FREE_GAP_KEY_MAX]; /* keys strictly between are free; low: the newest key added */
    size_t low_len, high_len;
    int ascending;           /* keys in a row that came in order */
    bool known;
} FreeGap;

struct Txn {
    Database *db;
    TxnState *state;
    LockOwner *owner;
    TxnOptions opt;
    Overlay ov;
    uint64_t xid;
    uint64_t first_seq;   /* the overlay's next number when the transaction began */
    uint64_t clears;      /* how often the overlay was cleared: arena marks from before are void */
    uint64_t own_epoch;   /* changes when positions in own writes are void: spill, undo */
    View *view;           /* REPEATABLE READ's */
    Snapshot *live;       /* newest first */
    Snapshot *spare_snapshots;
    View *spare_views;
    KvBatch *batch;       /* kept between transactions */
    uint64_t read_floor;  /* oldest store sequence read at; 0: none yet */
    uint64_t note_hash, note_seq; /* the last look-up without snapshot: its key's hash, and a sequence not after it */
    bool sync_mark, broken, ending;
    bool had_snapshot;    /* a statement of the client's ran (catalog look-ups do not count) */
    Savepoint *savepoints;
    int nsavepoints, savepoint_cap;
    EventEntry *events;
    int nevents, event_cap;
    DropEntry *drops;
    int ndrops, drop_cap;
    MoveEntry *moves;
    int nmoves, move_cap;
    FreeGap gap;
    struct Spill *spill;
    Implicit implicit;
    bool is_implicit;
};

TxnState *txn_state_get(Database *db, Error *err);
/* Tests: transactions that begin later use buffers of that size. */
void txn_set_buffer_bytes(Database *db, size_t bytes);

/* ---- Writing (txn.c). Spills before the write if the buffer is full. */
STATUS txn_put(Txn *t, StorePlace place, Slice key, Slice value, uint8_t flags, Error *err);
STATUS txn_delete(Txn *t, StorePlace place, Slice key, uint8_t flags, Error *err);
STATUS txn_need_xid(Txn *t, uint64_t *xid, Error *err);
/* Numbers that a reader of own writes may still need predecessors for: live snapshots' limits and savepoints, ascending, without
 * duplicates. Returns their count (at most max; more: *all = true, keep everything). */
int txn_boundaries(const Txn *t, uint64_t *out, int max, bool *all);
uint64_t txn_innermost_savepoint_serial(const Txn *t);

/* ---- Adding keys in order (free_gap.c): is the key known to be free, and what a look-up that found it free teaches. */
bool free_gap_covers(Txn *t, StorePlace place, Slice key);
STATUS free_gap_learn(Txn *t, StorePlace place, Slice key, Error *err);

/* ---- Reading (txn_read.c). */
/* The newest own version below limit. *own: there is one; *found: and it is a row (value in arena). flags may be NULL. */
STATUS txn_get_own(Txn *t, StorePlace place, Slice key, uint64_t limit, Arena *arena, Slice *value, bool *own, bool *found,
                   uint8_t *flags, Error *err);
STATUS txn_get(Txn *t, const Snapshot *snap, StorePlace place, Slice key, Arena *arena, Slice *value, bool *found, Error *err);
/* The newest committed version. */
STATUS txn_get_store(Txn *t, const View *view, StorePlace place, Slice key, Arena *arena, Slice *value, bool *found, Error *err);
STATUS view_snapshot(View *view, StorePlace place, const KvSnapshot **out, Error *err); /* NULL for temporary tables */
static inline bool txn_has_own(const Txn *t) { return !overlay_is_empty(&t->ov) || t->spill; }
static inline uint64_t snapshot_limit(const Snapshot *s) { return s ? s->own_limit : UINT64_MAX; }
void txn_note_read(Txn *t, uint64_t sequence);       /* lowers read_floor */
STATUS view_take(Txn *t, View **out, Error *err);
void view_release(Txn *t, View *v);                  /* NULL is fine */

/* ---- Row locks of transactions (row_lock.c). */
STATUS txn_lock_key(Txn *t, StorePlace place, Slice key, RowLockStrength strength, LockWait wait, const char *relation_name,
                    bool *granted, Error *err);
STATUS txn_become_implicit(Txn *t, Error *err);      /* takes the transaction lock, joins the list */
void txn_leave_implicit(Txn *t);
/* False: nobody wrote the row of this hash since a sequence the transaction certainly read it at or after. */
bool txn_maybe_changed(const Txn *t, StorePlace place, uint64_t hash);
uint64_t txn_read_at_or_after(const Txn *t, uint64_t hash); /* that sequence */
void txn_note_writes(Txn *t);                        /* after the commit is visible, before locks go */

/* ---- Moved keys (moves.c). */
STATUS moves_add(Txn *t, Slice old_key, Slice new_row_key, Error *err);
void moves_publish(Txn *t, uint64_t sequence);
/* Where the row of this hash went after `since` (a sequence not after what the caller read). *lost: notes were dropped, nobody knows. */
STATUS moves_find(TxnState *s, uint64_t hash, uint64_t since, Arena *arena, Slice *row_key, bool *found, bool *lost, Error *err);
void moves_free(TxnState *s);

/* For clean-up that has nowhere to report to. */
static inline void ignore_status(Status st) { (void)st; }

static inline uint32_t key_storage_id(Slice key)
{
    uint32_t v;
    memcpy(&v, key.data, 4);
    return __builtin_bswap32(v);
}

#endif
