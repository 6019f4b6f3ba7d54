/* The inside of Cluster and Database, for the files of src/storage only. */
#ifndef HELIOS_STORAGE_CLUSTER_INTERNAL_H
#define HELIOS_STORAGE_CLUSTER_INTERNAL_H

#include "storage/counters_internal.h"

/* Keys of storage id 0 are ours: META_KEY_... is their fifth byte. Catalogs use storage ids below 16384 as they like; ids from
 * database_new_storage_id start there. */
enum {
    META_COUNTER = 1,   /* + counter id -> u64 */
    META_DROP = 2,      /* + place, storage id (4, BE) -> "" : the drop list */
    META_PENDING = 3,   /* global: + database oid (4), xid (8) -> global part of a commit (a serialised batch) */
    META_DECIDED = 4,   /* database: + xid (8) -> "" : that xid's batch is in, so its pending global part is committed */
    META_PREPARED = 5,  /* database: + gid -> prepared transaction (txn.c) */
    META_FORMAT = 6     /* -> format version */
};
enum { FIRST_FREE_STORAGE_ID = 16384, FIRST_FREE_OID = 16384 };

typedef struct Counters Counters;
struct SequenceTable;
struct Txn;
struct QuietWatch { uint64_t sequence; int ticks; }; /* how long has an instance not been written to? */
struct DropList;

struct Database {
    Cluster *cluster;
    Oid oid;
    Kv *kv;
    bool is_new;
    enum { DATABASE_OPENING, DATABASE_OPEN, DATABASE_CLOSING } state; /* this and the next two under cluster->mutex */
    int refs;
    bool visited;                /* the housekeeper is in it: no reference, but it must not be closed meanwhile */
    int64_t idle_since_ns;       /* refs == 0 */
    struct QuietWatch quiet;     /* housekeeper's */
    Database *next;              /* cluster's list */
    Counters counters;
    struct SequenceTable *sequences; /* sequence.c */
    struct DropList *drops;          /* drop_list.c */
    Kv *scratch;                 /* opened on first use; under mutex */
    Mutex mutex;
    MemAccount account;          /* child of the cluster's: transactions' shared state of this database */
    /* Owned by txn.c: made on first use under mutex; freed (last, before the store closes) by txn_state_free. */
    void *_Atomic txn_state;
    void (*txn_state_free)(void *state);
};

struct Cluster {
    char *dir;
    KvEnv *env;
    Kv *global;
    Counters counters;           /* of the global instance */
    bool is_new;
    bool recovering;             /* cluster_open has not settled pending commits yet */
    int max_sessions;
    int lock_fd;
    int64_t memtable_bytes;
    struct QuietWatch global_quiet;
    bool global_visited;         /* under mutex */
    Mutex mutex;                 /* databases, refs; outermost in this module */
    Cond cond;
    Database *databases;
    MemAccount account;
    _Atomic uint64_t next_scratch_file;
    pthread_t housekeeper;
    _Atomic bool stopping;
    bool housekeeper_running, work_waiting; /* under mutex */
    /* Owned by lock.c: made on first use under mutex; freed by lock_manager_free after all databases are closed. */
    void *_Atomic lock_manager;
    void (*lock_manager_free)(void *manager);
};

/* The store of a place. STORE_TEMP opens the database's own scratch instance on first use (xids and storage ids of databases
 * overlap, so they do not share one); it has no log and is emptied when the database is opened. */
STATUS database_kv(Database *db, StorePlace place, Kv **out, Error *err);
Kv *database_kv_if_open(Database *db, StorePlace place); /* NULL: nothing was ever put into scratch */
static inline Kv *database_store(const Database *db) { return db->kv; }
static inline Kv *cluster_global(const Cluster *cluster) { return cluster->global; }
/* A fresh path for a table file or spill file, in DIR/tmp (same file system as the stores, emptied at start). */
STATUS database_temp_path(Database *db, const char *suffix, char *out, size_t out_bytes, Error *err);
/* Shared memory of transactions (locks, notes, SSI) of this database. */
static inline MemAccount *database_account(Database *db) { return &db->account; }
/* True once the store refuses writes (a failed sync): sessions should end; it recovers when the last reference is gone. */

/* ---- Commits that touch the global instance too (recovery.c). Order:
 *   pending_global_write   syncs the global part under (database, xid): nothing of it is visible yet
 *   pending_global_decide  adds the decision to the database's own batch, which the caller then writes and syncs
 *   pending_global_apply   makes the global part visible and removes the record; an error here is healed by recovery
 *   or pending_global_cancel when the database's batch failed.
 * xid is the transaction's. A transaction that wrote only global rows needs none of this: one kv_write to cluster_global(). */
STATUS pending_global_write(Database *db, uint64_t xid, const KvBatch *global_part, Error *err);
void pending_global_decide(KvBatch *database_batch, uint64_t xid);
STATUS pending_global_apply(Database *db, uint64_t xid, const KvBatch *global_part, Error *err);
void pending_global_cancel(Database *db, uint64_t xid);
/* When a database is opened, after pending_global_recover has run: removes decisions nobody will ask for. */
STATUS decisions_purge(Database *db, Error *err);
/* At cluster_open: settles what a crash left. */
STATUS pending_global_recover(Cluster *cluster, Error *err);

/* ---- Drop list (drop_list.c): storage ids whose keys are garbage, persisted, reclaimed in the background and at start.
 * drop_list_add / _remove only write to a batch of the instance that holds `place` (global ids live in the global instance;
 * temp ones need no list: use drop_list_reclaim). After the batch is visible, drop_list_reclaim starts the work. */
void drop_list_add(KvBatch *batch, StorePlace place, uint32_t storage_id);
void drop_list_remove(KvBatch *batch, StorePlace place, uint32_t storage_id);
/* Nobody may read these keys any more (the relation's lock was exclusive, or it was never visible). Returns at once. */
void drop_list_reclaim(Database *db, StorePlace place, uint32_t storage_id);
STATUS drop_list_open(Database *db, Error *err); /* queues what is on the list */
void drop_list_close(Database *db);
bool drop_list_has_work(Database *db);
void drop_list_work(Database *db); /* housekeeper: reclaims what is queued */
void cluster_wake_housekeeper(Cluster *cluster);
STATUS housekeeper_start(Cluster *cluster, Error *err); /* housekeeper.c */
void housekeeper_stop(Cluster *cluster);
/* Closes databases without reference that were idle since before `before_ns`; cluster->mutex held, given up meanwhile. */
void databases_close_idle(Cluster *cluster, int64_t before_ns);

STATUS sequences_settle(Database *db, Error *err); /* rows say exactly what was given out: before a copy is made */
void sequences_close(Database *db); /* sequence.c: writes the exact states */
void sequence_forget(Database *db, StorePlace place, uint32_t storage_id); /* it was dropped, nobody uses it */

/* ---- What sequence.c needs of a transaction; defined in txn.c.
 * txn_raw_put: key and value go into the overlay (undone with savepoint or transaction, written with the commit).
 * txn_mark_sync: the commit must sync the log even if the transaction wrote nothing itself. */
STATUS txn_raw_put(struct Txn *txn, StorePlace place, Slice key, Slice value, Error *err);
void txn_mark_sync(struct Txn *txn);

#endif
