/* The simple query protocol (manual 55.2.2), and running one analysed statement. */
#include "server/session.h"

#include <inttypes.h>
#include <stdio.h>

void command_tag(CmdType type, uint64_t rows, char *tag)
{
    static const char *const format[] = {[CMD_SELECT] = "SELECT %" PRIu64, [CMD_UPDATE] = "UPDATE %" PRIu64,
                                         [CMD_INSERT] = "INSERT 0 %" PRIu64, [CMD_DELETE] = "DELETE %" PRIu64, [CMD_MERGE] = "MERGE %" PRIu64};
    snprintf(tag, 64, format[type], rows);
}

Status check_aborted(Session *s, const RawStatement *raw, Error *err)
{
    if (s->block == BLOCK_ABORTED && !raw->is_transaction_end)
        return error_set(err, ERR_IN_FAILED_SQL_TRANSACTION, "current transaction is aborted, commands ignored until end of transaction block");
    return ST_OK;
}

static Status check_read_only(Session *s, const PlannedStmt *plan, Error *err)
{
    if (!txn_options(s->env.txn)->read_only || plan->readOnly) return ST_OK;
    char tag[64];
    command_tag(plan->commandType, 0, tag);
    tag[strcspn(tag, " ")] = 0;
    return error_set(err, ERR_READ_ONLY_SQL_TRANSACTION, "cannot execute %s in a read-only transaction", tag);
}

static Status run_plan(Session *s, const PlannedStmt *plan, const ParamList *params, RowSink *sink, char *tag, Error *err)
{
    Execution *ex = NULL;
    uint64_t rows = 0;
    bool at_end;
    Status st;
    TRY(check_read_only(s, plan, err));
    bool no_snapshot = plan->singleLookup && txn_options(s->env.txn)->isolation <= ISO_READ_COMMITTED;
    if (!no_snapshot) TRY(block_snapshot(s, err));
    ExecOptions opt = {.params = params, .snapshot = no_snapshot ? NULL : s->env.snapshot};
    TRY_GOTO(st, exec_open(&s->env, plan, &opt, &ex, err), done);
    st = exec_run(ex, false, 0, sink, &rows, &at_end, err);
done:
    st = first_error(st, exec_close(ex, err));
    if (!failed(st)) command_tag(plan->commandType, rows, tag);
    return st;
}

static Status run_utility_statement(Session *s, Query *query, const char *sql, const ParamList *params, RowSink *sink, char *tag, Error *err)
{
    CommandResult result = {{0}};
    Node *stmt = query->utilityStmt;
    if (s->env.txn && txn_options(s->env.txn)->read_only && !utility_allowed_read_only(stmt))
        return error_set(err, ERR_READ_ONLY_SQL_TRANSACTION, "cannot execute %s in a read-only transaction", utility_tag(stmt));
    if (utility_prohibits_block(stmt) && block_in_explicit(&s->env))
        return error_set(err, ERR_ACTIVE_SQL_TRANSACTION, "%s%s cannot run inside a transaction block", utility_tag(stmt),
                         IsA(stmt, IndexStmt) || IsA(stmt, DropStmt) ? " CONCURRENTLY" : "");
    if (s->env.txn && utility_needs_snapshot(stmt)) TRY(block_snapshot(s, err));
    TRY(run_utility(&s->env, query, sql, params, sink, &result, err));
    memcpy(tag, result.tag, sizeof result.tag);
    return ST_OK;
}

Status run_query_tree(Session *s, Query *query, const char *sql, const ParamList *params, RowSink *sink, char *tag, Error *err)
{
    PlannedStmt *plan;
    if (query->commandType == CMD_UTILITY) return run_utility_statement(s, query, sql, params, sink, tag, err);
    TRY(acl_check_query(&s->env, query, err));
    if (!s->env.snapshot) TRY(block_snapshot(s, err)); /* planning may evaluate stable functions */
    TRY(plan_query(&s->env, query, params, 0, &s->statement, &plan, err));
    return run_plan(s, plan, params, sink, tag, err);
}

/* What was written since may be taken back as long as none of it was sent. */
typedef struct OutputMark { size_t len; uint64_t sent; } OutputMark;

static OutputMark output_mark(const Session *s) { return (OutputMark){s->io.out.len, s->io.bytes_out}; }

static void output_take_back(Session *s, OutputMark mark)
{
    if (s->io.bytes_out == mark.sent && s->io.out.len > mark.len) s->io.out.len = mark.len;
}

static Status run_raw(Session *s, const RawStatement *raw, const char *sql, bool last, Error *err)
{
    Query *query;
    ParamTypes params = {.arena = &s->statement};
    ClientSink sink;
    char tag[64] = "";
    Status st;
    TRY(check_aborted(s, raw, err));
    TRY(block_start_statement(s, err));
    metric_add(METRIC_statements_total, 1);
    if (s->env.txn && raw->needs_snapshot) TRY(block_snapshot(s, err));
    TRY(analyze_statement(&s->env, raw, sql, &params, &s->statement, &query, err));
    client_sink_init(&sink, s, &s->statement, true, 0, NULL);
    OutputMark mark = output_mark(s);
    bool changes_rows = query->commandType != CMD_SELECT; /* RETURNING (or EXECUTE of one): rows are sent only when all of it succeeded */
    st = run_query_tree(s, query, sql, NULL, &sink.base, tag, err);
    client_sink_destroy(&sink);
    if (failed(st)) {
        if (changes_rows) output_take_back(s, mark);
        return st;
    }
    if (s->multi_statement && !last) {
        block_drop_snapshot(s);
        catalog_statement_end(&s->env);
    } else {
        TRY(block_finish_statement(s, err));
    }
    backend_command_complete(&s->io, tag);
    return wire_flush_if_full(&s->io, err);
}

/* Statements seen before run their kept plan; see plan_cache.c. */
static Status run_text(Session *s, const char *sql, Error *err)
{
    RawStatement *raw;
    int n;
    bool done;
    TRY(plan_cache_run(s, sql, &done, err));
    if (done) return ST_OK;
    TRY(raw_parse(&s->env, sql, &s->statement, &raw, &n, err));
    if (n == 0) backend_simple(&s->io, 'I');
    s->multi_statement = n > 1;
    for (int i = 0; i < n; i++) TRY(run_raw(s, &raw[i], sql, i == n - 1, err));
    return ST_OK;
}

void simple_query(Session *s, const char *sql)
{
    Error err = ERROR_INIT;
    s->in_extended = false;
    session_set_state(s, "active", sql);
    session_arm_deadline(s, setting_int(s->env.settings, SET_statement_timeout), INTERRUPT_STATEMENT_TIMEOUT);
    prepared_drop(s, ""); /* the unnamed statement and portal end with a simple query */
    Portal *unnamed = portal_find(s, "");
    if (unnamed) portal_close(s, unnamed);
    if (failed(run_text(s, sql, &err))) {
        block_fail(s);
        session_send_error(s, &err);
    }
    s->multi_statement = false;
    session_arm_deadline(s, 0, 0);
    arena_reset(&s->statement);
}
