/* Executor: runs a PlannedStmt, Volcano style. A portal keeps an Execution open between fetches. */
#ifndef HELIOS_EXECUTOR_EXECUTOR_H
#define HELIOS_EXECUTOR_EXECUTOR_H

#include "planner/planner.h"

/* Where result rows go. start is called once with the visible row shape (junk removed). A false *more stops the run early. */
typedef struct RowSink {
    STATUS (*start)(struct RowSink *sink, const TupleDesc *desc, Error *err);
    STATUS (*row)(struct RowSink *sink, TupleSlot *slot, bool *more, Error *err);
    STATUS (*finish)(struct RowSink *sink, Error *err);
} RowSink;

typedef struct Execution Execution;

typedef struct ExecOptions {
    const ParamList *params;
    Snapshot *snapshot;      /* referenced; NULL for singleLookup plans in READ COMMITTED */
    bool instrument;         /* EXPLAIN ANALYZE */
    bool instrument_timing;
    bool scrollable;         /* backward fetches are possible (materialises if the plan cannot) */
    MemAccount *account;     /* statement's, below the session's; NULL: the session's */
} ExecOptions;

/* The PlannedStmt must outlive the execution. exec_open opens no cursors yet where it can avoid it. */
STATUS exec_open(SessionEnv *env, const PlannedStmt *stmt, const ExecOptions *opt, Execution **out, Error *err);
/* Runs until `count` rows were delivered (0: all) or the end. backward: cursors. *rows: delivered (SELECT, RETURNING) or affected rows now.
 * The first call also fires BEFORE STATEMENT triggers; the last one AFTER ones and immediate constraints. */
STATUS exec_run(Execution *ex, bool backward, uint64_t count, RowSink *sink, uint64_t *rows, bool *at_end, Error *err);
STATUS exec_close(Execution *ex, Error *err); /* NULL is fine */
/* Back to the start, to be run again by exec_run with new parameters and a new snapshot: state tree, programs and memory are kept. For a hot
 * prepared statement whose plan is still valid; any catalog change since exec_open makes it rebuild its states inside. Between two runs an
 * Execution holds no cursor, no snapshot and no lock (exec_suspend). After a failed rewind or run: exec_close. */
STATUS exec_rewind(Execution *ex, const ExecOptions *opt, Error *err);
/* Gives back what belongs to the transaction (scans, snapshot) and keeps the rest for exec_rewind. */
STATUS exec_suspend(Execution *ex, Error *err);
const TupleDesc *exec_result_desc(const Execution *ex); /* visible columns; NULL: returns no rows */
/* Shape of what a plan returns, before any execution (Describe). NULL desc: no rows. In arena. */
STATUS plan_result_desc(SessionEnv *env, const PlannedStmt *stmt, Arena *arena, TupleDesc **out, Error *err);
STATUS query_result_desc(SessionEnv *env, const Query *query, Arena *arena, TupleDesc **out, Error *err);

/* Per-node figures for EXPLAIN ANALYZE, by plan_node_id: sums over all loops (divide by loops for what EXPLAIN shows). */
typedef struct NodeInstrument {
    double startup_ms, total_ms, rows;
    uint64_t loops, removed_by_filter, removed_by_join;
    int64_t memory_bytes, disk_bytes;
    int batches;
    const char *method; /* sort method etc. */
} NodeInstrument;
const NodeInstrument *exec_instrument(const Execution *ex, int plan_node_id);

/* Modification of rows outside plans, for COPY and commands: defaults, constraints, indexes, foreign keys, triggers all apply. */
typedef struct RowWriter RowWriter;
STATUS row_writer_open(SessionEnv *env, const Relation *rel, MemAccount *account, RowWriter **out, Error *err);
STATUS row_writer_insert(RowWriter *w, TupleSlot *row /* virtual, all attributes */, Error *err);
STATUS row_writer_close(RowWriter *w, Error *err); /* fires what is left: AFTER triggers, foreign keys of the statement */
/* Verifies an expression constraint or foreign key against existing rows (ADD CONSTRAINT, VALIDATE, SET NOT NULL): 23514/23503/23502. */
STATUS constraint_validate(SessionEnv *env, const Relation *rel, const ConstraintInfo *constraint, Error *err);

/* Deferred constraints and triggers: at COMMIT (before txn_commit) and SET CONSTRAINTS ... IMMEDIATE. */
STATUS deferred_fire_all(SessionEnv *env, Error *err);
STATUS deferred_set(SessionEnv *env, const List *constraint_oids /* Consts of type oid; NULL: all */, bool deferred, Error *err);
void deferred_forget(SessionEnv *env); /* rollback */

/* A row store that keeps rows in memory up to its share and spills to a temporary file past it; used by executor nodes, holdable cursors, COPY. */
typedef struct TupleStore TupleStore;
STATUS tuple_store_new(SessionEnv *env, const TupleDesc *desc, int64_t memory_bytes, TupleStore **out, Error *err);
STATUS tuple_store_put(TupleStore *ts, TupleSlot *slot, Error *err);
STATUS tuple_store_get(TupleStore *ts, uint64_t index, TupleSlot *slot, Error *err); /* 0-based; slot->empty past the end */
uint64_t tuple_store_count(const TupleStore *ts);
void tuple_store_clear(TupleStore *ts);
void tuple_store_free(TupleStore *ts);

#endif
