/* The extended query protocol (manual 55.2.3): Parse, Bind, Describe, Execute, Close, Sync. After an error everything is skipped until Sync. */
#include "server/session.h"

#include <stdio.h>

#include "types/utf8.h"

static Status do_parse(Session *s, Slice body, Error *err)
{
    ParseMsg msg;
    PreparedStatement *ps;
    TRY(frontend_parse(body, &s->statement, &msg, err));
    TRY(utf8_validate(slice_cstr(msg.query), err));
    session_set_state(s, "active", msg.query);
    TRY(prepared_create(s, msg.name, msg.query, msg.ntypes, msg.types, &ps, err));
    backend_simple(&s->io, '1');
    return ST_OK;
}

static Status bind_param(Session *s, Portal *p, const BindMsg *msg, int i, Oid type_oid, Error *err)
{
    IoContext io = session_io(&s->env, &p->arena);
    const TypeInfo *type = catalog_type(&s->env, type_oid);
    bool binary = msg->nformats && msg->formats[msg->nformats == 1 ? 0 : i] == 1;
    if (!type) return error_set(err, ERR_UNDEFINED_OBJECT, "type with OID %u does not exist", type_oid);
    p->params.types[i] = type_oid;
    p->params.nulls[i] = msg->nulls[i];
    if (msg->nulls[i]) return ST_OK;
    /* By-reference results of some input functions borrow the text: it has to outlive the message. */
    Slice text = msg->params[i];
    if (!type->byval) {
        void *copy = arena_memdup(&p->arena, text.data, text.len);
        if (text.len) TRY_MEM(copy, err);
        text.data = copy;
    }
    if (!binary) TRY(utf8_validate(text, err));
    Status st = binary ? type_recv(&io, type, text, -1, &p->params.values[i], err) : type_input(&io, type, text, -1, &p->params.values[i], err);
    if (failed(st)) error_context(err, p->name[0] ? "portal \"%s\" parameter $%d" : "unnamed portal%s parameter $%d", p->name, i + 1);
    return st;
}

static Status bind_params(Session *s, Portal *p, const BindMsg *msg, Error *err)
{
    int n = p->ps->params.n;
    if (msg->nparams != n)
        return error_set(err, ERR_PROTOCOL_VIOLATION, "bind message supplies %d parameters, but prepared statement \"%s\" requires %d", msg->nparams,
                         p->ps->name, n);
    p->params.n = n;
    if (!n) return ST_OK;
    TRY_NEW_N(p->params.types, &p->arena, n, err);
    TRY_NEW_N(p->params.values, &p->arena, n, err);
    TRY_NEW_N(p->params.nulls, &p->arena, n, err);
    for (int i = 0; i < n; i++) TRY(bind_param(s, p, msg, i, p->ps->params.types[i], err));
    return ST_OK;
}

static Status bind_formats(Portal *p, const BindMsg *msg, Error *err)
{
    int ncols = p->ps->result ? p->ps->result->natts : 0;
    if (msg->nresult_formats > 1 && msg->nresult_formats != ncols)
        return error_set(err, ERR_PROTOCOL_VIOLATION, "bind message has %d result formats but query has %d columns", msg->nresult_formats, ncols);
    p->nformats = msg->nresult_formats;
    if (p->nformats) {
        p->formats = arena_memdup(&p->arena, msg->result_formats, (size_t)p->nformats * sizeof(int16_t));
        TRY_MEM(p->formats, err);
    }
    return ST_OK;
}

static Status bind_portal(Session *s, Portal *p, PreparedStatement *ps, const BindMsg *msg, Error *err)
{
    p->ps = ps;
    ps->refs++;
    p->sql = ps->sql;
    TRY(bind_params(s, p, msg, err));
    TRY(bind_formats(p, msg, err));
    if (!ps->raw || ps->query->commandType == CMD_UTILITY || !s->env.txn) return ST_OK;
    TRY(acl_check_query(&s->env, ps->query, err));
    if (p->params.n && !ps->generic && ps->raw->needs_snapshot) TRY(block_snapshot(s, err));
    return prepared_plan(s, ps, &p->params, &p->arena, &p->plan, &p->plan_cached, err);
}

static Status do_bind(Session *s, Slice body, Error *err)
{
    BindMsg msg;
    PreparedStatement *ps;
    Portal *p;
    TRY(frontend_bind(body, &s->statement, &msg, err));
    TRY(prepared_find(s, msg.statement, &ps, err));
    session_set_state(s, "active", ps->sql);
    if (ps->raw) {
        TRY(check_aborted(s, ps->raw, err));
        TRY(block_start_statement(s, err));
        TRY(prepared_revalidate(s, ps, err));
    }
    TRY(portal_new(s, msg.portal, !msg.portal[0], &p, err));
    if (failed(bind_portal(s, p, ps, &msg, err))) {
        portal_close(s, p);
        return ST_FAILED;
    }
    block_drop_snapshot(s);
    backend_simple(&s->io, '2');
    return ST_OK;
}

static Status describe_statement(Session *s, const char *name, Error *err)
{
    PreparedStatement *ps;
    TRY(prepared_find(s, name, &ps, err));
    if (s->block == BLOCK_ABORTED && ps->result) TRY(check_aborted(s, ps->raw, err));
    if (ps->raw && s->block != BLOCK_ABORTED) {
        TRY(block_start_statement(s, err));
        TRY(prepared_revalidate(s, ps, err));
    }
    backend_parameter_description(&s->io, ps->params.n, ps->params.types);
    if (ps->result) backend_row_description(&s->io, ps->result, 0, NULL);
    else backend_simple(&s->io, 'n');
    return ST_OK;
}

static Status describe_portal(Session *s, const char *name, Error *err)
{
    Portal *p = portal_find(s, name);
    if (!p) return error_set(err, ERR_UNDEFINED_CURSOR, "portal \"%s\" does not exist", name);
    const TupleDesc *desc = p->ps ? p->ps->result : p->held_desc ? p->held_desc : exec_result_desc(p->ex);
    if (s->block == BLOCK_ABORTED && desc && p->ps) TRY(check_aborted(s, p->ps->raw, err));
    if (desc) backend_row_description(&s->io, desc, p->nformats, p->formats);
    else backend_simple(&s->io, 'n');
    return ST_OK;
}

static Status do_describe(Session *s, Slice body, Error *err)
{
    NamedMsg msg;
    TRY(frontend_named(body, &msg, err));
    if (msg.kind == 'S') return describe_statement(s, msg.name, err);
    if (msg.kind == 'P') return describe_portal(s, msg.name, err);
    return error_set(err, ERR_PROTOCOL_VIOLATION, "invalid DESCRIBE message subtype %d", msg.kind);
}

/* A utility statement's rows, when the client reads them in portions, are stored first. */
static Status execute_utility(Session *s, Portal *p, Error *err)
{
    Query *query;
    ClientSink sink;
    if (p->state == PORTAL_DONE) return error_set(err, ERR_OBJECT_NOT_IN_PREREQUISITE_STATE, "portal \"%s\" cannot be run", p->name);
    query = node_copy(p->ps->query, &s->statement);
    TRY_MEM(query, err);
    p->state = PORTAL_DONE;
    p->ps->refs++; /* DISCARD or DEALLOCATE may drop the statement, and COMMIT this portal, while it runs */
    PreparedStatement *ps = p->ps;
    char tag[64] = "";
    ParamList params = p->params;
    client_sink_init(&sink, s, &s->statement, false, p->nformats, p->formats);
    Status st = run_query_tree(s, query, ps->sql, &params, &sink.base, tag, err);
    client_sink_destroy(&sink);
    prepared_unref(ps);
    if (failed(st)) return st;
    block_drop_snapshot(s);
    backend_command_complete(&s->io, tag);
    return ST_OK;
}

static Status execute_plan(Session *s, Portal *p, int32_t max_rows, Error *err)
{
    ClientSink sink;
    uint64_t rows = 0, limit = max_rows > 0 ? (uint64_t)max_rows : 0;
    char tag[64];
    client_sink_init(&sink, s, &s->statement, false, p->nformats, p->formats);
    Status st = portal_run(s, p, false, limit, &sink.base, &rows, err);
    client_sink_destroy(&sink);
    if (failed(st)) return st;
    p->position += rows;
    if (limit && rows >= limit && !p->at_end && exec_result_desc(p->ex)) {
        backend_simple(&s->io, 's');
        return ST_OK;
    }
    command_tag(p->plan->commandType, rows, tag);
    backend_command_complete(&s->io, tag);
    return ST_OK;
}

static Status execute_again(Session *s, Portal *p, Error *err)
{
    char tag[64];
    if (!exec_result_desc(p->ex)) return error_set(err, ERR_OBJECT_NOT_IN_PREREQUISITE_STATE, "portal \"%s\" cannot be run", p->name);
    command_tag(p->plan->commandType, 0, tag);
    backend_command_complete(&s->io, tag);
    return ST_OK;
}

static Status do_execute(Session *s, Slice body, Error *err)
{
    ExecuteMsg msg;
    TRY(frontend_execute(body, &msg, err));
    Portal *p = portal_find(s, msg.portal);
    if (!p) return error_set(err, ERR_UNDEFINED_CURSOR, "portal \"%s\" does not exist", msg.portal);
    if (p->ps && !p->ps->raw) {
        backend_simple(&s->io, 'I');
        return ST_OK;
    }
    if (p->ps) TRY(check_aborted(s, p->ps->raw, err));
    TRY(block_start_statement(s, err));
    metric_add(METRIC_statements_total, 1);
    session_arm_deadline(s, setting_int(s->env.settings, SET_statement_timeout), INTERRUPT_STATEMENT_TIMEOUT);
    Status st;
    if (p->ps && p->ps->query->commandType == CMD_UTILITY) st = execute_utility(s, p, err);
    else if (p->state == PORTAL_DONE) st = execute_again(s, p, err);
    else st = execute_plan(s, p, msg.max_rows, err);
    session_arm_deadline(s, 0, 0);
    if (failed(st)) return st;
    block_drop_snapshot(s);
    catalog_statement_end(&s->env);
    return wire_flush_if_full(&s->io, err);
}

static Status do_close(Session *s, Slice body, Error *err)
{
    NamedMsg msg;
    TRY(frontend_named(body, &msg, err));
    if (msg.kind == 'S') {
        prepared_drop(s, msg.name);
    } else if (msg.kind == 'P') {
        Portal *p = portal_find(s, msg.name);
        if (p) portal_close(s, p);
    } else {
        return error_set(err, ERR_PROTOCOL_VIOLATION, "invalid CLOSE message subtype %d", msg.kind);
    }
    backend_simple(&s->io, '3');
    return ST_OK;
}

void extended_sync(Session *s)
{
    Error err = ERROR_INIT;
    s->skip_until_sync = false;
    if (failed(block_finish_statement(s, &err))) {
        block_fail(s);
        session_send_error(s, &err);
    }
}

void extended_message(Session *s, char type, Slice body)
{
    Error err = ERROR_INIT;
    Status st;
    if (s->skip_until_sync) return;
    s->in_extended = true;
    switch (type) {
    case 'P': st = do_parse(s, body, &err); break;
    case 'B': st = do_bind(s, body, &err); break;
    case 'D': st = do_describe(s, body, &err); break;
    case 'E': st = do_execute(s, body, &err); break;
    default: st = do_close(s, body, &err); break;
    }
    if (failed(st)) {
        block_fail(s);
        session_send_error(s, &err);
        s->skip_until_sync = true;
    }
    arena_reset(&s->statement);
}
