/* Utility statements. One table row per node tag (command_table.def) names the function, the tag, and what a read-only or aborted transaction
 * allows. What belongs to a connection (portals, prepared statements, transaction blocks, COPY's bytes) is asked from the server through
 * CommandHooks. */
#ifndef HELIOS_COMMANDS_COMMANDS_H
#define HELIOS_COMMANDS_COMMANDS_H

#include "executor/executor.h"

typedef struct CommandHooks {
    /* Transaction blocks: BEGIN, COMMIT, SAVEPOINT ... change the session's state machine. The tag may change (ROLLBACK for a failed COMMIT). */
    STATUS (*transaction)(SessionEnv *env, const TransactionStmt *stmt, const char **tag, Error *err);
    bool (*in_transaction_block)(SessionEnv *env);
    STATUS (*declare_cursor)(SessionEnv *env, DeclareCursorStmt *stmt, const ParamList *params, const char *sql, Error *err);
    STATUS (*fetch)(SessionEnv *env, const FetchStmt *stmt, RowSink *sink, uint64_t *rows, Error *err);
    STATUS (*close_portal)(SessionEnv *env, const char *name_or_null, Error *err);
    STATUS (*prepare)(SessionEnv *env, const PrepareStmt *stmt, const char *sql, Error *err);
    STATUS (*execute)(SessionEnv *env, const ExecuteStmt *stmt, const char *sql, RowSink *sink, const char **tag, uint64_t *rows, Error *err);
    STATUS (*explain_execute)(SessionEnv *env, const ExecuteStmt *stmt, const char *sql, Arena *arena, PlannedStmt **plan, ParamList *params, Error *err);
    STATUS (*deallocate)(SessionEnv *env, const char *name_or_null, Error *err);
    STATUS (*discard)(SessionEnv *env, int target, Error *err);
    STATUS (*listen)(SessionEnv *env, const char *channel, bool on, Error *err); /* NULL channel: all (UNLISTEN *) */
    /* COPY's data stream. read: next chunk (len 0: end); 57014 on CopyFail. */
    STATUS (*copy_in_begin)(SessionEnv *env, int ncolumns, bool binary, Error *err);
    STATUS (*copy_in_read)(SessionEnv *env, Slice *chunk, Error *err);
    STATUS (*copy_out_begin)(SessionEnv *env, int ncolumns, bool binary, Error *err);
    STATUS (*copy_out_row)(SessionEnv *env, Slice row, Error *err);
    STATUS (*copy_out_end)(SessionEnv *env, Error *err);
    /* Shapes for Describe of FETCH and EXECUTE; *out NULL: no rows. */
    STATUS (*portal_desc)(SessionEnv *env, const char *name, Arena *arena, TupleDesc **out, Error *err);
    STATUS (*prepared_desc)(SessionEnv *env, const char *name, Arena *arena, TupleDesc **out, Error *err);
    /* DROP DATABASE ... : other sessions on it. */
    int (*sessions_on_database)(SessionEnv *env, Oid database);
    /* Closes the open instance of a database nobody uses, before it is removed or cloned. 55006 */
    STATUS (*evict_database)(SessionEnv *env, Oid database, Error *err);
} CommandHooks;
void commands_set_hooks(const CommandHooks *hooks);

typedef struct CommandResult {
    char tag[64];          /* "CREATE TABLE", "COPY 5", "FETCH 3" */
} CommandResult;

/* Runs one utility statement inside the current transaction. sql: its source text. sink: for those that return rows (SHOW, EXPLAIN, FETCH, EXECUTE). */
STATUS run_utility(SessionEnv *env, Query *query, const char *sql, const ParamList *params, RowSink *sink, CommandResult *out, Error *err);
/* Shape of the rows such a statement returns (Describe); *out = NULL: none. */
STATUS utility_result_desc(SessionEnv *env, const Query *query, Arena *arena, TupleDesc **out, Error *err);
const char *utility_tag(const Node *stmt);             /* command tag for messages: "CREATE TABLE" */
bool utility_allowed_read_only(const Node *stmt);
bool utility_needs_snapshot(const Node *stmt);
bool utility_prohibits_block(const Node *stmt);        /* 25001 "X cannot run inside a transaction block" */

/* ON COMMIT DELETE ROWS and DROP of the session's temporary tables: before each commit, after the deferred constraints. */
STATUS commands_before_commit(SessionEnv *env, Error *err);

/* One item of SET TRANSACTION / BEGIN: transaction_isolation, transaction_read_only, transaction_deferrable. 25001 when too late. */
STATUS transaction_set_mode(SessionEnv *env, const DefElem *item, Error *err);

#endif
