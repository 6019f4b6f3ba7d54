/* What lower floors may ask of the server: one struct for the session, one for the commands. */
#include "server/session.h"

#include <stdio.h>

#include "catalog/cat_write.h"
#include "parser/parse_text.h"

/* INFO always goes out; the rest if client_min_messages asks for its level. */
static bool wanted(const SettingSet *settings, Severity sev)
{
    static const struct { const char *name; Severity least; } levels[] = {{"error", SEV_ERROR}, {"warning", SEV_WARNING}, {"notice", SEV_NOTICE}, {"log", SEV_LOG}};
    const char *min = setting_string(settings, SET_client_min_messages);
    Severity least = SEV_DEBUG;
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++)
        if (!strcmp(min, levels[i].name)) least = levels[i].least;
    return sev == SEV_INFO || sev >= least;
}

static void notice(SessionEnv *env, const Error *n)
{
    Session *s = session_of(env);
    if (!s->authenticated || !wanted(env->settings, n->severity)) return;
    backend_notice(&s->io, n);
}

static Status analyze_query(SessionEnv *env, const char *sql, Arena *arena, Query **out, Error *err)
{
    RawStatement *raw;
    int n;
    ParamTypes params = {.arena = arena};
    TRY(raw_parse(env, sql, arena, &raw, &n, err));
    if (n != 1) return error_set(err, ERR_INTERNAL_ERROR, "expected one statement, found %d", n);
    return analyze_statement(env, raw, sql, &params, arena, out, err);
}

typedef struct CallbackSink { RowSink base; RowCallback row; void *arg; } CallbackSink;
static Status cb_start(RowSink *base, const TupleDesc *desc, Error *err) { return ST_OK; }
static Status cb_finish(RowSink *base, Error *err) { return ST_OK; }
static Status cb_row(RowSink *base, TupleSlot *slot, bool *more, Error *err)
{
    CallbackSink *sink = (CallbackSink *)base;
    *more = true;
    TRY(slot_decode_all(slot, err));
    return sink->row ? sink->row(sink->arg, slot, err) : ST_OK;
}

static Status run_nested(SessionEnv *env, const PlannedStmt *plan, const ParamList *params, CallbackSink *sink, uint64_t *processed, Error *err)
{
    Snapshot *outer = env->snapshot, *mine = NULL;
    Execution *ex = NULL;
    bool at_end;
    Status st;
    TRY(snapshot_take_fresh(env->txn, &mine, err));
    env->snapshot = mine;
    ExecOptions opt = {.params = params, .snapshot = mine};
    TRY_GOTO(st, exec_open(env, plan, &opt, &ex, err), done);
    st = exec_run(ex, false, 0, &sink->base, processed, &at_end, err);
done:
    st = first_error(st, exec_close(ex, err));
    env->snapshot = outer;
    snapshot_release(mine);
    return st;
}

static Status run_sql_in(SessionEnv *env, Arena *arena, const char *sql, const ParamList *params, CallbackSink *sink, uint64_t *processed, Error *err)
{
    RawStatement *raw;
    Query *query;
    PlannedStmt *plan;
    CommandResult result;
    int n;
    ParamTypes types = {.arena = arena, .n = params->n, .types = params->types};
    TRY(raw_parse(env, sql, arena, &raw, &n, err));
    for (int i = 0; i < n; i++) {
        TRY(analyze_statement(env, &raw[i], sql, &types, arena, &query, err));
        if (query->commandType == CMD_UTILITY) {
            TRY(run_utility(env, query, sql, params, &sink->base, &result, err));
            continue;
        }
        TRY(plan_query(env, query, params, 0, arena, &plan, err));
        TRY(run_nested(env, plan, params, sink, processed, err));
    }
    return ST_OK;
}

static Status run_sql(SessionEnv *env, const char *sql, int nparams, const Oid *types, const Datum *values, const bool *nulls, RowCallback row,
                      void *arg, uint64_t *processed, Error *err)
{
    Arena arena;
    uint64_t rows = 0;
    CallbackSink sink = {{cb_start, cb_row, cb_finish}, row, arg};
    ParamList params = {nparams, (Oid *)types, (Datum *)values, (bool *)nulls};
    TRY(stack_check(err));
    arena_init(&arena, env->account, 0);
    Status st = run_sql_in(env, &arena, sql, &params, &sink, &rows, err);
    if (processed) *processed = rows;
    arena_destroy(&arena);
    return st;
}

static Status notify(SessionEnv *env, const char *channel, const char *payload, Error *err)
{
    return error_unsupported(err, "NOTIFY");
}

static Status call_routine(SessionEnv *env, Oid proc, int nargs, const Datum *args, const bool *nulls, Arena *arena, Datum *result,
                           bool *result_null, Error *err)
{
    return error_unsupported(err, "functions in languages other than internal");
}

static const SessionHooks session_hooks = {notice, analyze_query, run_sql, registry_each, registry_signal, notify, call_routine};
const SessionHooks *server_session_hooks(void) { return &session_hooks; }

/* ---- commands ---- */

static Status prepare(SessionEnv *env, const PrepareStmt *stmt, const char *sql, Error *err)
{
    return prepared_from_raw(session_of(env), stmt, sql, err);
}

static Status deallocate(SessionEnv *env, const char *name_or_null, Error *err)
{
    PreparedStatement *ps;
    if (name_or_null) TRY(prepared_find(session_of(env), name_or_null, &ps, err));
    prepared_drop(session_of(env), name_or_null);
    return ST_OK;
}

/* EXECUTE's arguments, coerced to the parameters' types and evaluated. */
static Status execute_params(SessionEnv *env, PreparedStatement *ps, const ExecuteStmt *stmt, const char *sql, Arena *arena, ParamList *out, Error *err)
{
    int n = ps->params.n;
    if (list_len(stmt->params) != n) {
        error_set(err, ERR_SYNTAX_ERROR, "wrong number of parameters for prepared statement \"%s\"", stmt->name);
        return error_detail(err, "Expected %d parameters but got %d.", n, list_len(stmt->params));
    }
    *out = (ParamList){.n = n, .types = ps->params.types};
    if (!n) return ST_OK;
    TRY_NEW_N(out->values, arena, n, err);
    TRY_NEW_N(out->nulls, arena, n, err);
    ExprScope scope = {.sql = sql};
    ExprContext ec = {.tuple_arena = arena, .query_arena = arena, .env = env};
    for (int i = 0; i < n; i++) {
        Node *expr, *coerced = NULL;
        ExprProgram *prog;
        TRY(analyze_expression(env, list_at(stmt->params, i), EXPR_KIND_EXECUTE_PARAMETER, &scope, arena, &expr, err));
        if (failed(coerce_to_target(env, expr, ps->params.types[i], -1, COERCION_ASSIGNMENT, COERCE_IMPLICIT_CAST, arena, &coerced, err)))
            return parser_error_position(err, sql, expr_location(expr));
        if (!coerced) {
            error_set(err, ERR_DATATYPE_MISMATCH, "parameter $%d of type %s cannot be coerced to the expected type %s", i + 1,
                      format_type_text(env, expr_type(expr), -1, arena), format_type_text(env, ps->params.types[i], -1, arena));
            return error_hint(err, "You will need to rewrite or cast the expression.");
        }
        TRY(expr_compile(env, coerced, arena, &prog, err));
        TRY(expr_eval(prog, &ec, &out->values[i], &out->nulls[i], err));
    }
    return ST_OK;
}

static Status execute_plan(SessionEnv *env, const ExecuteStmt *stmt, const char *sql, Arena *arena, PlannedStmt **plan, ParamList *params, Error *err)
{
    Session *s = session_of(env);
    PreparedStatement *ps;
    bool cached;
    TRY(prepared_find(s, stmt->name, &ps, err));
    TRY(prepared_revalidate(s, ps, err));
    TRY(acl_check_query(env, ps->query, err));
    TRY(execute_params(env, ps, stmt, sql, arena, params, err));
    return prepared_plan(s, ps, params, arena, plan, &cached, err);
}

static Status execute(SessionEnv *env, const ExecuteStmt *stmt, const char *sql, RowSink *sink, const char **tag, uint64_t *rows, Error *err)
{
    static __thread char text[64];
    Session *s = session_of(env);
    PreparedStatement *ps;
    PlannedStmt *plan;
    ParamList params = {0};
    Execution *ex = NULL;
    bool at_end;
    Status st;
    TRY(prepared_find(s, stmt->name, &ps, err));
    TRY(execute_plan(env, stmt, sql, &s->statement, &plan, &params, err));
    ps->refs++;
    ExecOptions opt = {.params = &params, .snapshot = s->env.snapshot};
    TRY_GOTO(st, exec_open(env, plan, &opt, &ex, err), done);
    st = exec_run(ex, false, 0, sink, rows, &at_end, err);
done:
    st = first_error(st, exec_close(ex, err));
    command_tag(plan->commandType, *rows, text);
    *tag = text;
    prepared_unref(ps);
    return st;
}

static Status discard(SessionEnv *env, int target, Error *err)
{
    Session *s = session_of(env);
    if (target == 0) {
        portals_close_all(s, false, 0);
        prepared_drop(s, NULL);
    }
    if (target <= 1) { /* ALL, PLANS */
        plan_cache_clear(s);
        parsed_clear(s);
    }
    if (target == 0 || target == 2) env->seq_state = NULL; /* ALL, SEQUENCES: currval knows nothing any more */
    if (target == 0 || target == 3) return cat_drop_temp_objects(env, err); /* ALL, TEMP */
    return ST_OK;
}

static Status listen_channel(SessionEnv *env, const char *channel, bool on, Error *err)
{
    return on ? error_unsupported(err, "LISTEN") : ST_OK; /* nothing is ever listened to, so UNLISTEN has nothing to end */
}

static Status portal_desc(SessionEnv *env, const char *name, Arena *arena, TupleDesc **out, Error *err)
{
    Portal *p = portal_find(session_of(env), name);
    const TupleDesc *desc = !p ? NULL : p->held_desc ? p->held_desc : p->ex ? exec_result_desc(p->ex) : NULL;
    *out = desc ? tupledesc_copy(arena, desc) : NULL;
    return ST_OK;
}

static Status prepared_desc(SessionEnv *env, const char *name, Arena *arena, TupleDesc **out, Error *err)
{
    PreparedStatement *ps;
    TRY(prepared_find(session_of(env), name, &ps, err));
    TRY(prepared_revalidate(session_of(env), ps, err));
    *out = ps->result ? tupledesc_copy(arena, ps->result) : NULL;
    return ST_OK;
}

static Status evict_database(SessionEnv *env, Oid database, Error *err) { return server_database_evict(session_of(env)->server, database, err); }

void server_hooks_install(void)
{
    static const CommandHooks hooks = {
        .transaction = block_command, .in_transaction_block = block_in_explicit, .declare_cursor = portal_declare, .fetch = portal_fetch,
        .close_portal = portal_close_named, .prepare = prepare, .execute = execute, .explain_execute = execute_plan, .deallocate = deallocate,
        .discard = discard, .listen = listen_channel, .copy_in_begin = copy_in_begin, .copy_in_read = copy_in_read,
        .copy_out_begin = copy_out_begin, .copy_out_row = copy_out_row, .copy_out_end = copy_out_end, .sessions_on_database = registry_sessions_on,
        .portal_desc = portal_desc, .prepared_desc = prepared_desc, .evict_database = evict_database,
    };
    commands_set_hooks(&hooks);
    functions_register();
    server_views_register();
}
