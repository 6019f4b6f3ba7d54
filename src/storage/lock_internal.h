/* The inside of the lock module, for the files of src/storage only: lock.c (owners, relation and other heavy locks),
 * lock_wait.c (waiting, deadlocks), lock_info.c (pg_locks), rowlock.c (rows).
 *
 * Mutex order, outermost first (README.md "Lock order"):
 *   heavy shards, ascending -> row shards, ascending -> manager.owners_mutex -> owner.fast_mutex -> owner.wait_mutex
 * Only the deadlock detector and pg_locks take more than one shard. */
#ifndef HELIOS_STORAGE_LOCK_INTERNAL_H
#define HELIOS_STORAGE_LOCK_INTERNAL_H

#include "common/hash.h"
#include "storage/cluster_internal.h"
#include "storage/lock.h"

enum { HEAVY_SHARDS = 16, ROW_SHARDS = 32, FAST_SLOTS = 16, STRONG_BUCKETS = 256, LOCK_MODES = 9 };

typedef struct LockManager LockManager;
typedef struct HeavyLock HeavyLock;
typedef struct HeavyHolder HeavyHolder;
typedef struct RowLock RowLock;
typedef struct RowHolder RowHolder;

/* A weak relation lock in the session's own slots. Modes 1..3 only. */
typedef struct FastSlot {
    LockTag tag;
    uint32_t count[4];
} FastSlot;

struct HeavyHolder {
    HeavyHolder *next;                  /* of the lock; its shard's mutex */
    HeavyHolder *owner_next, *owner_prev; /* of the owner; its fast_mutex */
    HeavyLock *lock;
    LockOwner *owner;
    uint32_t held;                      /* mask of modes, both scopes */
    uint32_t txn_count[LOCK_MODES], session_count[LOCK_MODES];
};

typedef struct WaitQueue { LockOwner *head, *tail; } WaitQueue;

struct HeavyLock {
    HeavyLock *next; /* of the hash chain */
    LockTag tag;
    HeavyHolder *holders;
    WaitQueue queue;
};

typedef struct HeavyShard {
    Mutex mutex;
    HeavyLock *chain[64];
} HeavyShard;

enum { ROW_UNLOCKED = 0xff }; /* strength of a holder that only waits */
struct RowHolder {
    RowHolder *next;       /* of the lock; its shard's mutex */
    RowHolder *owner_next; /* newest first; the owner's thread only */
    RowLock *lock;         /* NULL: the embedded holder is unused */
    LockOwner *owner;
    uint32_t serial;       /* ascending per owner: a savepoint is a serial */
    uint8_t strength;
    bool forget;           /* mark of rowlock_sweep */
};

/* One locked or awaited row; identified by the hash of its key alone (a collision of two 64-bit hashes only costs a wait). */
struct RowLock {
    RowLock *next; /* of the hash chain */
    uint64_t hash;
    uint32_t storage_id;
    bool first_used;
    RowHolder *holders;
    WaitQueue queue;
    RowHolder first; /* the first holder needs no allocation of its own */
};

typedef struct RowShard {
    Mutex mutex;
    uint32_t count, buckets; /* buckets: a power of two */
    RowLock **chain;
} RowShard;

/* The strength that a lock had before it was raised inside a savepoint. */
typedef struct RowUpgrade {
    struct RowUpgrade *next;
    RowHolder *holder;
    uint32_t serial; /* owner's row_serial when it was raised */
    uint8_t old_strength;
} RowUpgrade;

typedef struct HeavyJournal { LockTag tag; LockMode mode; } HeavyJournal;

typedef enum WaitKind { WAIT_NONE, WAIT_HEAVY, WAIT_ROW } WaitKind;

struct Txn;
struct LockOwner {
    LockManager *manager;
    Cluster *cluster;
    int pid;
    Interrupt *interrupt;
    int64_t lock_timeout_ms, deadlock_timeout_ms;
    LockOwner *next; /* manager's list; owners_mutex */
    _Atomic uint64_t xid;      /* of the running transaction, 0: none yet */
    _Atomic Oid database;
    _Atomic uint64_t read_floor; /* oldest store sequence this transaction read at, 0: none (see moves.c) */
    _Atomic uint64_t commit_ticket; /* while its commit writes (see gaps.c) */
    struct Txn *txn;           /* running */
    struct Txn *spare;         /* a finished one, to be used again: txn_begin allocates nothing */
    void (*spare_free)(struct Txn *);

    Mutex fast_mutex;          /* fast, heavy */
    int nfast;
    FastSlot fast[FAST_SLOTS];
    HeavyHolder *heavy;

    bool journaling;           /* inside a savepoint: acquisitions are noted in the journal */
    HeavyJournal *journal;
    int njournal, journal_cap;

    RowHolder *rows;           /* own thread */
    RowUpgrade *upgrades;
    uint32_t row_serial;
    size_t row_bytes;          /* memory of own row locks ... */
    size_t row_charged;        /* ... of which so much is charged, in whole KiB */
    MemAccount *row_account;

    /* What the session waits for: guarded by the mutex of the shard that holds the lock. */
    WaitKind wait_kind;
    void *wait_lock;           /* HeavyLock or RowLock */
    int wait_mode;             /* LockMode or RowLockStrength */
    void *wait_holder;         /* HeavyHolder or RowHolder that the grant fills in */
    LockOwner *wait_next;
    bool wait_granted;
    Mutex wait_mutex;
    Cond wait_cond;
    bool wait_signalled;       /* wait_mutex */
    uint32_t visit;            /* deadlock detector's mark */
};

struct LockManager {
    Cluster *cluster;
    MemAccount account;
    Mutex owners_mutex;
    LockOwner *owners;
    _Atomic uint32_t strong[STRONG_BUCKETS]; /* strong relation locks held or wanted, by tag hash */
    HeavyShard heavy[HEAVY_SHARDS];
    RowShard rows[ROW_SHARDS];
    Mutex detector_mutex;                    /* one detection at a time; outermost */
    uint32_t visit;
};

LockManager *lock_manager_get(Cluster *cluster, Error *err); /* made on first use; NULL + 53200 */

extern const uint16_t lock_conflicts[LOCK_MODES]; /* mask of the modes that conflict */
extern const uint8_t row_conflicts[4];            /* mask of strengths */

/* ---- Waiting (lock_wait.c). The caller holds `shard`, has put the owner into the queue; returns with `shard` held and the owner out
 * of the queue. Granted: ST_OK. Otherwise 55P03 (lock timeout), 40P01, or the interrupt's error. */
STATUS lock_wait(LockOwner *owner, Mutex *shard, Error *err);
void wait_queue_remove(WaitQueue *q, LockOwner *owner);
void wait_queue_insert(WaitQueue *q, LockOwner *before, LockOwner *owner); /* before NULL: at the end */
void lock_wake(LockOwner *owner);
/* Grants what can be granted from the front. Caller holds the shard. */
void heavy_grant_waiters(HeavyLock *lock);
void row_grant_waiters(RowLock *lock);
bool heavy_conflicts_with_holders(const HeavyLock *lock, const LockOwner *owner, LockMode mode);
bool row_conflicts_with_holders(const RowLock *lock, const LockOwner *owner, RowLockStrength strength);
void heavy_grant(LockOwner *waiter);
void row_grant(LockOwner *waiter);
HeavyShard *heavy_shard(LockManager *m, const LockTag *tag);
static inline Mutex *row_shard_mutex(LockManager *m, uint64_t hash) { return &m->rows[hash % ROW_SHARDS].mutex; }
void lock_all_shards(LockManager *m);
void unlock_all_shards(LockManager *m);
/* Calls fn for each owner that keeps a waiting `owner` from its lock: holders, then waiters before it. False from fn stops. All shards held. */
bool lock_each_blocker(LockOwner *owner, bool (*fn)(void *arg, LockOwner *blocker, bool is_holder), void *arg);

/* ---- Transactions' part (lock.c). */
void lock_release_txn(LockOwner *owner); /* everything of transaction scope but row locks */
int lock_savepoint(LockOwner *owner);    /* a mark for lock_rollback_to; journaling starts */
void lock_rollback_to(LockOwner *owner, int mark);
void lock_journal_stop(LockOwner *owner); /* no savepoint is left */
/* The transaction lock that others wait for: taken when a transaction spills or coarsens its row locks. */
static inline LockTag lock_tag_transaction(Oid database, uint64_t xid)
{
    return (LockTag){LOCKTAG_TRANSACTION, database, (uint32_t)(xid >> 32), (uint32_t)xid, 0};
}

/* ---- Row locks (rowlock.c). hash: rowlock_hash of place and whole key. */
uint64_t rowlock_hash(Oid database, StorePlace place, Slice key);
/* relation_name: for 55P03 of NOWAIT, may be NULL. *granted false only with LOCK_SKIP. raised: what it was before (-1: not held). */
STATUS rowlock_acquire(LockOwner *owner, uint64_t hash, uint32_t storage_id, RowLockStrength strength, LockWait wait,
                       const char *relation_name, bool *granted, int *before, Error *err);
bool rowlock_held(LockOwner *owner, uint64_t hash, RowLockStrength at_least);
/* Takes back an acquisition just made: to the strength `before` (-1: released). */
void rowlock_restore(LockOwner *owner, uint64_t hash, int before);
void rowlock_release_all(LockOwner *owner);
void rowlock_rollback_to(LockOwner *owner, uint32_t serial); /* a savepoint is owner->row_serial */
/* Marks the owner's lock on hash if it is newer than after_serial; rowlock_sweep then releases all that are marked. */
void rowlock_mark(LockOwner *owner, uint64_t hash, uint32_t after_serial);
void rowlock_mark_storage(LockOwner *owner, uint32_t storage_id, RowLockStrength up_to);
void rowlock_sweep(LockOwner *owner);
/* Some lock of storage_id whose holder conflicts with owner having all its rows at `strength`. */
bool rowlock_find_conflict(LockOwner *owner, uint32_t storage_id, RowLockStrength strength, uint64_t *hash);
/* Whom row locks are charged to (may be NULL); ignored while some are held. */
void rowlock_set_account(LockOwner *owner, MemAccount *account);
void rowlock_shards_init(LockManager *m);
void rowlock_shards_destroy(LockManager *m);

#endif
