/* Txn: one transaction of a session on its database (with its parts in the global and scratch instances); Snapshot: what it sees.
 *
 * Writes wait in the transaction's overlay until commit (one atomic batch, or table files once it spilled). Each command has a
 * stamp; a snapshot sees what was committed when it was taken plus the transaction's own writes of earlier commands.
 * Visible-to-others happens only after the log is synced. One thread at a time. */
#ifndef HELIOS_STORAGE_TXN_H
#define HELIOS_STORAGE_TXN_H

#include "storage/lock.h"

typedef struct Txn Txn;
typedef struct Snapshot Snapshot;

typedef enum IsolationLevel { ISO_READ_UNCOMMITTED, ISO_READ_COMMITTED, ISO_REPEATABLE_READ, ISO_SERIALIZABLE } IsolationLevel;

typedef struct TxnOptions {
    IsolationLevel isolation; /* READ UNCOMMITTED behaves as READ COMMITTED */
    bool read_only;           /* the storage floor only reports it; the executor refuses (25006) */
    bool deferrable;
    bool sync_commit;
    MemAccount *account;      /* the session's: overlay and locks are charged to it */
} TxnOptions;

/* Cheap: nothing is allocated on disk or taken until first use. */
STATUS txn_begin(Database *db, LockOwner *owner, const TxnOptions *opt, Txn **out, Error *err);
/* After commit or rollback the Txn is freed. A failed commit rolled back, except 58030 "fate unknown" (see DESIGN Durability). */
STATUS txn_commit(Txn *txn, Error *err);
void txn_rollback(Txn *txn); /* NULL is fine */

TxnOptions *txn_options(Txn *txn);      /* SET TRANSACTION edits it before the first snapshot */
bool txn_has_snapshot(const Txn *txn);  /* 25001 "must be called before any query" */
bool txn_has_writes(const Txn *txn);
Database *txn_database(const Txn *txn);
LockOwner *txn_lock_owner(const Txn *txn);
uint64_t txn_id(Txn *txn);              /* assigns one on first call (txid_current, xmin) */
uint64_t txn_id_if_assigned(const Txn *txn); /* 0 */

/* The snapshot a new statement runs under: READ COMMITTED takes a fresh one, the others the transaction's one. It sees own writes
 * made before this call. Refcounted; a portal keeps its own. The transaction must outlive it. */
STATUS snapshot_take(Txn *txn, Snapshot **out, Error *err);
Snapshot *snapshot_ref(Snapshot *snap);
void snapshot_release(Snapshot *snap); /* NULL is fine */
/* A fresh one whatever the isolation level: catalog look-ups, foreign-key checks, index builds. */
STATUS snapshot_take_fresh(Txn *txn, Snapshot **out, Error *err);
/* A copy of snap that also sees own writes made until now (command counter increment within a statement list / function). */
STATUS snapshot_advance(Txn *txn, const Snapshot *snap, Snapshot **out, Error *err);
uint64_t snapshot_sequence(const Snapshot *snap); /* store sequence: an index complete later than this is not used */

/* Everywhere a snapshot is expected, SNAPSHOT_LATEST means: newest committed state and all own writes; for single look-ups. */
#define SNAPSHOT_LATEST ((const Snapshot *)NULL)

/* Savepoints: levels of one undo list. level counts from 1; 0 is the transaction itself. */
STATUS txn_savepoint(Txn *txn, int *level, Error *err);
STATUS txn_rollback_to(Txn *txn, int level, Error *err); /* undoes everything since that savepoint; the savepoint remains */
void txn_release_savepoint(Txn *txn, int level);         /* merges it (and later ones) into its parent */
int txn_savepoint_level(const Txn *txn);

/* End-of-transaction callbacks, for the catalog's invalidations, ON COMMIT, NOTIFY, sequences' currval ... In registration order.
 * TXN_PRE_COMMIT may fail the commit. TXN_COMMITTED runs when visible, before locks are released. Rolled-back-to savepoints
 * report TXN_ROLLED_BACK_TO with the level. */
typedef enum TxnEvent { TXN_PRE_COMMIT, TXN_COMMITTED, TXN_ABORTED, TXN_ROLLED_BACK_TO, TXN_RELEASED } TxnEvent;
typedef Status (*TxnEventFn)(void *arg, Txn *txn, TxnEvent event, int level, Error *err);
STATUS txn_on_event(Txn *txn, TxnEventFn fn, void *arg, Error *err);

/* Dropped storage ids join the persisted drop list with the commit; a new id joins it before its first ingest, leaves at commit. */
STATUS txn_drop_storage(Txn *txn, StorePlace place, uint32_t storage_id, Error *err);

#endif
