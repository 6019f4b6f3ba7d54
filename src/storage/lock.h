/* Locks: relations (eight modes), advisory keys, transactions and rows (four strengths), one waits-for graph.
 *
 * A LockOwner is a session; its locks are held until the transaction ends (or its savepoint is rolled back), advisory session
 * locks until released. Deadlocks are found within deadlock_timeout: 40P01 with PostgreSQL's detail lines; lock_timeout: 55P03.
 * Manual 13.3 "Explicit Locking". Lock order inside this module: see storage/README.md. */
#ifndef HELIOS_STORAGE_LOCK_H
#define HELIOS_STORAGE_LOCK_H

#include "storage/cluster.h"

typedef enum LockMode {
    LOCK_NONE,
    LOCK_ACCESS_SHARE, LOCK_ROW_SHARE, LOCK_ROW_EXCLUSIVE, LOCK_SHARE_UPDATE_EXCLUSIVE,
    LOCK_SHARE, LOCK_SHARE_ROW_EXCLUSIVE, LOCK_EXCLUSIVE, LOCK_ACCESS_EXCLUSIVE
} LockMode;
const char *lock_mode_name(LockMode mode); /* "AccessShareLock" */

typedef enum RowLockStrength { ROW_KEY_SHARE, ROW_SHARE, ROW_NO_KEY_UPDATE, ROW_UPDATE } RowLockStrength;
typedef enum LockWait { LOCK_WAIT, LOCK_NOWAIT, LOCK_SKIP } LockWait;

typedef struct LockOwner LockOwner;
/* interrupt: waits end with its error. pid: for messages and pg_locks. */
STATUS lock_owner_new(Cluster *cluster, int pid, Interrupt *interrupt, LockOwner **out, Error *err);
void lock_owner_free(LockOwner *owner); /* releases everything */
void lock_owner_set_timeouts(LockOwner *owner, int64_t lock_timeout_ms, int64_t deadlock_timeout_ms);

typedef enum LockTagKind { LOCKTAG_RELATION, LOCKTAG_DATABASE, LOCKTAG_OBJECT, LOCKTAG_ADVISORY, LOCKTAG_TRANSACTION } LockTagKind;
typedef struct LockTag {
    LockTagKind kind;
    Oid database;           /* 0: shared */
    uint32_t a, b;          /* relation oid; object class and oid; advisory key halves (classid, objid); xid halves */
    uint32_t sub;           /* advisory: 1 for a 64-bit key, 2 for two ints (pg_locks.objsubid) */
} LockTag;

/* NOWAIT: 55P03. SKIP: *granted = false. name: for 55P03 "could not obtain lock on relation \"x\"" (may be NULL). Re-entrant,
 * counted. Transaction scope: released by the transaction's end or rollback to an earlier savepoint. */
STATUS lock_acquire(LockOwner *owner, LockTag tag, LockMode mode, LockWait wait, bool session_scope, const char *name,
                    bool *granted, Error *err);
bool lock_release(LockOwner *owner, LockTag tag, LockMode mode, bool session_scope); /* false: was not held */
void lock_release_session_advisory(LockOwner *owner); /* pg_advisory_unlock_all */
bool lock_held(LockOwner *owner, LockTag tag, LockMode at_least);

/* For pg_locks and pg_blocking_pids: calls fn for every lock held or awaited (rows are not listed but awaited ones are). */
typedef struct LockInfo {
    LockTag tag;
    LockMode mode;
    int pid;
    bool granted;
    uint64_t virtual_xid;
} LockInfo;
void lock_each(Cluster *cluster, void (*fn)(void *arg, const LockInfo *info), void *arg);
int lock_blockers(Cluster *cluster, int pid, int *pids, int max);

#endif
