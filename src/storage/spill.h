/* Spill: own writes of a transaction that outgrew its buffer.
 *
 * Two forms. Sorted entries in the database's scratch instance:
 *   newest version    storage id 1 (4) | xid (8) | 0 | place (1) | key              -> seq (8) flags (1) value
 *   older, still seen storage id 1 (4) | xid (8) | 1 | place (1) | key | ~seq (8)   -> the same
 * And runs: table files in their final form, for keys that arrive in order (and for builds), written once and ingested as they are.
 * A run never straddles a number that a live snapshot or savepoint ends at, so it is visible or undone as a whole. Keys of one
 * storage id are prefix-free, so key | ~seq keeps their order. Runs lie below the scratch entries. */
#ifndef HELIOS_STORAGE_SPILL_H
#define HELIOS_STORAGE_SPILL_H

#include "storage/kv_run.h"
#include "storage/spill_filter.h"
#include "storage/txn_internal.h"

enum { RUN_BYTES = 48 * 1024 * 1024, RUN_GROUP_BYTES = 64 * 1024 };

typedef struct Run {
    struct Run *next;         /* by place and first key; those of one storage id are disjoint */
    StorePlace place;
    uint32_t storage_id;
    uint64_t min_seq, max_seq, bytes;
    Slice min, max;           /* heap */
    size_t max_cap;
    KvFile *file;             /* being written; NULL: finished */
    KvRun *reader;            /* the owner's, opened on first use */
    _Atomic bool finished;    /* the file can be read */
    KvRunCursor *lookup;      /* the owner's, for single keys */
    KvRun *probe;             /* of spill_holds; implicit_mutex */
    char path[];
} Run;

typedef struct SeqRange { uint64_t from, to; } SeqRange; /* [from, to): undone */

/* Per storage id: the greatest key in scratch, so that keys in order are recognised. */
typedef struct SpillStorage { struct SpillStorage *next; StorePlace place; uint32_t storage_id; uint8_t *max; size_t len, cap; } SpillStorage;

typedef struct Spill {
    Txn *txn;
    Kv *scratch;
    uint8_t prefix[12];
    uint64_t max_seq; /* of all entries spilled so far */
    _Atomic bool has_scratch; /* others look too */
    bool has_history;
    Run *runs;
    SpillStorage *storages;
    SeqRange *dead;
    int ndead, dead_cap;
    SpillFilter filter; /* of keys in scratch; the owner's thread only */
} Spill;

/* The buffer goes out and is empty afterwards. On error it is as before, and the transaction can only be rolled back. */
STATUS txn_spill(Txn *t, Error *err);
STATUS spill_get(Txn *t, StorePlace place, Slice key, uint64_t limit, Arena *arena, Slice *value, bool *own, bool *found,
                 uint8_t *flags, Error *err);
STATUS spill_rollback_to(Txn *t, uint64_t seq, Error *err);
/* All of the database's part becomes table files, then one ingestion. Global and temporary parts are added to the batches. */
STATUS spill_commit_database(Txn *t, Error *err);
/* fn for each newest own entry of a place, in key order (overlay and scratch; runs belong to the database only). */
STATUS spill_each(Txn *t, StorePlace place, STATUS (*fn)(void *arg, Slice key, Slice value, uint8_t flags, Error *err), void *arg, Error *err);
void spill_free(Txn *t);
/* A finished table file becomes a run of the transaction: ascending keys from min to max. Takes the file over (even on error). */
STATUS spill_adopt(Txn *t, uint32_t storage_id, const char *path, Slice min, Slice max, uint64_t bytes, Error *err);
/* From other transactions' threads, under state->implicit_mutex: did this one write the key in a way that keeps `strength` out? */
bool spill_holds(Spill *s, StorePlace place, Slice key, RowLockStrength strength);

/* ---- Cursors over spilled entries of [lower, upper) as a limit sees them. Deleted ones are shown (deleted == true). */
typedef struct ScratchCursor {
    Spill *spill;
    StorePlace place;
    uint64_t limit;
    KvCursor *main, *history; /* history: on first use */
    StrBuf old;        /* an older version's value */
    bool valid, deleted;
    uint8_t flags;
    Slice key, value;  /* views, valid until it moves */
} ScratchCursor;
STATUS scratch_cursor_open(ScratchCursor *c, Spill *s, StorePlace place, Slice lower, Slice upper, uint64_t limit, Error *err);
void scratch_cursor_close(ScratchCursor *c);
/* backward false: first key >= key; true: last <= key. An empty key: the range's first or last. */
STATUS scratch_cursor_seek(ScratchCursor *c, Slice key, bool backward, Error *err);
STATUS scratch_cursor_move(ScratchCursor *c, bool backward, Error *err);

typedef struct RunsCursor {
    Spill *spill;
    StorePlace place;
    Slice lower, upper; /* borrowed */
    uint64_t limit;
    Run *run;
    KvRunCursor *cursor;
    bool valid;
    Slice key, value;
} RunsCursor;
STATUS runs_cursor_open(RunsCursor *c, Spill *s, StorePlace place, Slice lower, Slice upper, uint64_t limit, Error *err);
void runs_cursor_close(RunsCursor *c);
STATUS runs_cursor_seek(RunsCursor *c, Slice key, bool backward, Error *err);
STATUS runs_cursor_move(RunsCursor *c, bool backward, Error *err);

/* Shared by spill*.c. */
Slice spill_key(const Spill *s, StorePlace place, uint8_t sub, Slice key, StrBuf *out);
static inline uint64_t spill_filter_hash(StorePlace place, Slice key) { return hash_bytes(key.data, key.len) + (uint64_t)place; }
bool spill_is_dead(const Spill *s, uint64_t seq);
STATUS spill_old_version(Spill *s, StorePlace place, Slice key, uint64_t limit, KvCursor **cursor, StrBuf *out, bool *found, Error *err);
STATUS run_finish(Run *r, Error *err);
STATUS run_reader(Spill *s, Run *r, KvRun **out, Error *err);
enum { SPILL_HEAD = 14, SPILL_VALUE_HEAD = 9 };

#endif
