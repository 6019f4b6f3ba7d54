/* Cluster: the data directory and everything shared by its databases; Database: one of them, opened on use.
 *
 * Layout: DIR/global (databases, roles, settings), DIR/base/<oid> (a database, complete in itself), DIR/scratch (no log, emptied
 * at start), DIR/LOCK, DIR/VERSION. */
#ifndef HELIOS_STORAGE_CLUSTER_H
#define HELIOS_STORAGE_CLUSTER_H

#include "common/interrupt.h"
#include "types/datum.h"

typedef struct Cluster Cluster;
typedef struct Database Database;

typedef struct ClusterOptions {
    const char *data_dir;
    int64_t memory_limit_bytes; /* the one number of DESIGN section 6 */
    bool preallocate_log;
    int max_sessions;
} ClusterOptions;

STATUS cluster_open(const ClusterOptions *opt, Cluster **out, Error *err); /* creates an empty one; recovers */
STATUS cluster_close(Cluster *cluster, Error *err);
bool cluster_is_new(const Cluster *cluster); /* created by this open: the catalog has to be bootstrapped */
const char *cluster_data_dir(const Cluster *cluster);

/* Accounts below the server's: what is left of the budget after block cache, memtables and fixed parts. */
MemAccount *cluster_account(Cluster *cluster);

/* Opened (or found open) and referenced; database_release drops the reference; an unreferenced one is closed after a while.
 * 3D000 if its directory does not exist and !create. */
STATUS database_acquire(Cluster *cluster, Oid oid, bool create, Database **out, Error *err);
void database_release(Database *db);
STATUS database_destroy(Cluster *cluster, Oid oid, Error *err);  /* directory removed; 55006 while referenced */
STATUS database_clone(Cluster *cluster, Oid from, Oid to, Error *err); /* checkpoint copy (hard links) for CREATE DATABASE */
Oid database_oid(const Database *db);
Cluster *database_cluster(const Database *db);
bool database_is_new(const Database *db); /* empty: the catalog has to be bootstrapped */
uint64_t database_size_bytes(Database *db);
/* A failed sync closed it (or the cluster's global instance) for writing: its sessions shall end, then it is opened again and recovers. */
bool database_failed(const Database *db);

/* Object ids (>= 16384), never given twice, and storage ids, both reserved on disk in blocks. Shared objects (databases, roles)
 * take theirs from the cluster, so pass db = NULL. */
STATUS database_new_oid(Cluster *cluster, Database *db, Oid *out, Error *err);
STATUS database_new_storage_id(Database *db, uint32_t *out, Error *err);

/* Where a relation's keys live. */
typedef enum StorePlace { STORE_DATABASE, STORE_GLOBAL, STORE_TEMP } StorePlace;
/* For planner estimates and pg_relation_size: bytes on disk of one storage id. */
uint64_t storage_bytes(Database *db, StorePlace place, uint32_t storage_id);

#endif
