/* Tables and indexes: rows in the store.
 *
 * Keys are memcomparable: storage_id(4, big-endian) | encoded columns. A table with a primary key is clustered by it; one without has a
 * hidden 64-bit row id. A secondary index entry is index columns | row key; a unique one's key is its columns alone (row key
 * appended where one of them is null unless NULLS NOT DISTINCT, and always when deferrable). Here "row key" is a table key without its
 * storage id. Values begin with writer's xid and stamp. See storage/README.md for the bytes. */
#ifndef HELIOS_STORAGE_TABLE_H
#define HELIOS_STORAGE_TABLE_H

#include "storage/txn.h"
#include "types/tuple.h"

typedef struct ColumnDef {
    const TypeInfo *type;
    bool dropped;      /* decodes as null */
    bool has_missing;  /* rows older than the column take `missing` (ADD COLUMN with a constant default) */
    bool missing_null; /* ... which is null */
    Datum missing;
} ColumnDef;

typedef struct KeyPart {
    int column;        /* 0-based column of the table (or of the index's own columns) */
    bool descending, nulls_first;
    const TypeInfo *type;
} KeyPart;

/* Physical shape of a table; lives as long as the catalog's descriptor that owns it. */
typedef struct TableDef {
    uint32_t storage_id;
    StorePlace place;
    Oid relid;                /* for slot->table_oid and SSI */
    const TupleDesc *desc;
    int ncolumns;
    const ColumnDef *columns;
    int nkey;                 /* 0: hidden row id */
    const KeyPart *key;
    const char *name;         /* for messages ("could not obtain lock on row in relation ..."); may be NULL */
} TableDef;

typedef struct IndexDef {
    uint32_t storage_id;
    Oid relid;                /* the index's */
    const TableDef *table;
    const TupleDesc *desc;    /* the index's columns, for index-only scans: key columns, then INCLUDE */
    int ncolumns;
    const ColumnDef *columns;
    int nkey;                 /* leading columns that order */
    const KeyPart *key;       /* key[i].column == i */
    bool unique, nulls_not_distinct, deferrable;
    uint64_t complete_at;     /* store sequence from which it may be used; 0: always */
} IndexDef;

/* A range in key order. A bound is a prefix of the key columns. n = 0: unbounded. "low" is what comes first in the index's own
 * order, so for a DESC column `x > 5` is a high bound. */
typedef struct ScanBound {
    int n;
    const Datum *values;
    const bool *nulls; /* NULL: none is null */
    bool inclusive;    /* every key with this prefix belongs to the range */
} ScanBound;
typedef struct ScanRange {
    ScanBound low, high;
    bool skip_nulls;   /* leave out rows that are null in the last column of the longer bound */
} ScanRange;

enum { SCAN_BACKWARD = 1, SCAN_INDEX_ONLY = 2, SCAN_NO_CACHE_FILL = 4, SCAN_KEYS_ONLY = 8 /* no attribute will be looked at: count(*) */ };

typedef struct Scan Scan;
/* range NULL: everything. The range's values are encoded at once and need not live on. The snapshot is referenced. */
STATUS table_scan_open(Txn *txn, const Snapshot *snap, const TableDef *table, const ScanRange *range, unsigned flags, Scan **out, Error *err);
/* Rows of the table (fetched by sorted MultiGet in batches), or with SCAN_INDEX_ONLY rows of index->desc. In index order. */
STATUS index_scan_open(Txn *txn, const Snapshot *snap, const IndexDef *index, const ScanRange *range, unsigned flags, Scan **out, Error *err);
/* slot->empty at the end. Otherwise the slot borrows from the scan until the next call. */
STATUS scan_next(Scan *scan, TupleSlot *slot, Error *err);
/* In the other direction from the present position (cursors): flips, then returns the row before. */
STATUS scan_prev(Scan *scan, TupleSlot *slot, Error *err);
STATUS scan_rescan(Scan *scan, const ScanRange *range, Error *err);
void scan_close(Scan *scan); /* NULL is fine */

/* One row by its full primary key values; slot->empty if there is none. The slot's bytes live in `arena`. */
STATUS table_get(Txn *txn, const Snapshot *snap, const TableDef *table, const Datum *key, TupleSlot *slot, Arena *arena, Error *err);
/* By row key bytes (slot->key of an earlier read). */
STATUS table_fetch(Txn *txn, const Snapshot *snap, const TableDef *table, Slice row_key, TupleSlot *slot, Arena *arena, Error *err);
/* By all columns of a unique index (none null). */
STATUS index_get(Txn *txn, const Snapshot *snap, const IndexDef *index, const Datum *key, TupleSlot *slot, Arena *arena, Error *err);

typedef enum WriteOutcome { WRITE_DONE, WRITE_DUPLICATE } WriteOutcome;

/* Locks the key (waiting for whoever is adding or removing it), then adds. WRITE_DUPLICATE: such a key exists (row->key names it);
 * nothing was written. Sets row->key (in arena), row->stamp, row->xmin. Null in a key column is the caller's 23502. */
STATUS table_insert(Txn *txn, const TableDef *table, TupleSlot *row, Arena *arena, WriteOutcome *outcome, Error *err);
/* old was locked by row_lock (ROW_NO_KEY_UPDATE, or ROW_UPDATE when key columns change) and is the newest version. If the key changes,
 * the row moves: the new key is locked and may be a duplicate. Sets new_row->key and stamp. */
STATUS table_update(Txn *txn, const TableDef *table, const TupleSlot *old, TupleSlot *new_row, Arena *arena, WriteOutcome *outcome, Error *err);
STATUS table_delete(Txn *txn, const TableDef *table, const TupleSlot *old, Error *err);

/* Index entries; values[] are the index's ncolumns (expressions evaluated by the caller). The index must be maintained by whoever
 * writes the table. check = false (deferred constraint): adds without looking; the caller checks with index_count_equal at the end. */
STATUS index_insert(Txn *txn, const IndexDef *index, const Datum *values, const bool *nulls, Slice row_key, bool check, Arena *arena,
                    WriteOutcome *outcome, Slice *conflicting_row_key, Error *err);
STATUS index_delete(Txn *txn, const IndexDef *index, const Datum *values, const bool *nulls, Slice row_key, Error *err);
STATUS index_count_equal(Txn *txn, const IndexDef *index, const Datum *values, const bool *nulls, int *out, Error *err); /* stops at 2 */

/* Row locks. After the grant the newest version is compared with what the caller saw (seen->stamp). */
typedef enum RowLockOutcome {
    ROWLOCK_OK,       /* locked, unchanged */
    ROWLOCK_UPDATED,  /* locked; *newest holds the newer version (possibly under another key): re-check the quals */
    ROWLOCK_DELETED,  /* gone: skip it */
    ROWLOCK_BUSY,     /* LOCK_SKIP only */
    ROWLOCK_SELF      /* this transaction itself has changed or deleted it since the caller saw it: skip it; ON CONFLICT: 21000 */
} RowLockOutcome;
/* REPEATABLE READ and SERIALIZABLE raise 40001 instead of UPDATED/DELETED. NOWAIT: 55P03. newest: a slot of table->desc, bytes in arena. */
STATUS row_lock(Txn *txn, const TableDef *table, const TupleSlot *seen, RowLockStrength strength, LockWait wait, TupleSlot *newest,
                Arena *arena, RowLockOutcome *outcome, Error *err);

/* Building an index or a rewritten table under a storage id nobody else sees: add in any order, finish sorts (spilling), writes table
 * files and hands them to the transaction, which ingests at commit. Rows are visible to the transaction itself after finish. */
typedef struct Build Build;
STATUS index_build_begin(Txn *txn, const IndexDef *index, Build **out, Error *err);
STATUS index_build_add(Build *b, const Datum *values, const bool *nulls, Slice row_key, Error *err);
STATUS table_build_begin(Txn *txn, const TableDef *table, Build **out, Error *err);
STATUS table_build_add(Build *b, TupleSlot *row, Error *err);
/* duplicate (may be NULL for tables without key): set when a unique key occurs twice; its values are decoded into dup_slot if given. */
STATUS build_finish(Build *b, bool *duplicate, TupleSlot *dup_slot, Arena *arena, Error *err); /* frees b in any case */
void build_abandon(Build *b);

/* Row-count estimate for the planner: exact for small tables, from sizes otherwise. */
STATUS table_estimate(Txn *txn, const TableDef *table, double *rows, double *bytes, Error *err);

/* Is this row version still what a `snap` reader would see first-hand; used by the executor's ON CONFLICT (is the conflicting row visible?). */
STATUS row_visible(Txn *txn, const Snapshot *snap, const TableDef *table, Slice row_key, bool *visible, Error *err);

#endif
