/* Portals: bound statements being run, in one go or in portions; and SQL cursors, which are portals with a name. */
#include "server/session.h"

#include <stdlib.h>

static Status portal_free(Portal *p, Error *err)
{
    Status st = ST_OK;
    if (p->ex) {
        /* A finished or abandoned run of a cached plan goes back to its statement, to be rewound by the next Bind. */
        if (p->plan_cached && p->ps && !p->ps->idle && p->ps->generic == p->plan && p->state == PORTAL_DONE && !p->is_cursor) p->ps->idle = p->ex;
        else st = exec_close(p->ex, err);
    }
    if (p->snapshot) snapshot_release(p->snapshot);
    tuple_store_free(p->held);
    prepared_unref(p->ps);
    arena_destroy(&p->arena);
    free(p);
    return st;
}

void portal_close(Session *s, Portal *p)
{
    Error err = ERROR_INIT;
    hashmap_remove(s->portals, slice_cstr(p->name));
    if (failed(portal_free(p, &err))) log_error(&err, NULL);
    error_clear(&err);
}

void portals_close_all(Session *s, bool keep_held, uint64_t newer_than)
{
    size_t pos = 0;
    Slice key;
    void *value;
    if (!s->portals || !hashmap_count(s->portals)) return;
    while (hashmap_next(s->portals, &pos, &key, &value)) {
        Portal *p = value;
        if (p->serial <= newer_than && newer_than) continue;
        if (keep_held && p->held && !p->ex) continue;
        portal_close(s, p);
    }
}

Portal *portal_find(Session *s, const char *name)
{
    return hashmap_count(s->portals) ? hashmap_get(s->portals, slice_cstr(name)) : NULL;
}

Status portal_new(Session *s, const char *name, bool replace, Portal **out, Error *err)
{
    Portal *old = portal_find(s, name);
    if (old && !replace) return error_set(err, ERR_DUPLICATE_CURSOR, "cursor \"%s\" already exists", name);
    if (old) portal_close(s, old);
    Portal *p = calloc(1, sizeof *p);
    TRY_MEM(p, err);
    arena_init(&p->arena, &s->account, 1024);
    p->name = arena_strdup(&p->arena, name);
    p->serial = ++s->portal_serial;
    p->created_at = s->env.stmt_start;
    if (!p->name || !hashmap_put(s->portals, slice_cstr(name), p)) {
        arena_destroy(&p->arena);
        free(p);
        return error_out_of_memory(err, sizeof *p);
    }
    *out = p;
    return ST_OK;
}

static Status check_writable(Session *s, const PlannedStmt *plan, Error *err)
{
    char tag[64];
    if (plan->readOnly || !txn_options(s->env.txn)->read_only) return ST_OK;
    command_tag(plan->commandType, 0, tag);
    tag[strcspn(tag, " ")] = 0;
    return error_set(err, ERR_READ_ONLY_SQL_TRANSACTION, "cannot execute %s in a read-only transaction", tag);
}

/* Opens (or rewinds the statement's idle) execution with the portal's parameters and a snapshot of now. */
Status portal_start(Session *s, Portal *p, Error *err)
{
    bool no_snapshot = p->plan->singleLookup && !p->is_cursor && txn_options(s->env.txn)->isolation <= ISO_READ_COMMITTED;
    TRY(check_writable(s, p->plan, err));
    if (!no_snapshot) {
        TRY(block_snapshot(s, err));
        p->snapshot = snapshot_ref(s->env.snapshot);
    }
    ExecOptions opt = {.params = &p->params, .snapshot = p->snapshot, .scrollable = p->scrollable};
    if (p->plan_cached && p->ps->idle && !p->is_cursor) {
        p->ex = p->ps->idle;
        p->ps->idle = NULL;
        TRY(exec_rewind(p->ex, &opt, err));
    } else {
        TRY(exec_open(&s->env, p->plan, &opt, &p->ex, err));
    }
    p->state = PORTAL_ACTIVE;
    return ST_OK;
}

/* Rows of a held cursor. The position is that of the current row, 0: before the first, count + 1: after the last. */
static Status run_held(Portal *p, bool backward, uint64_t count, RowSink *sink, uint64_t *rows, Error *err)
{
    uint64_t total = tuple_store_count(p->held);
    TupleSlot *slot = slot_new(&p->arena, p->held_desc);
    bool more = true;
    TRY_MEM(slot, err);
    TRY(sink->start(sink, p->held_desc, err));
    for (*rows = 0; more && (!count || *rows < count);) {
        if (backward ? p->position <= 1 : p->position >= total) {
            p->position = backward ? 0 : total + 1;
            break;
        }
        p->position += backward ? (uint64_t)-1 : 1;
        TRY(tuple_store_get(p->held, p->position - 1, slot, err));
        TRY(sink->row(sink, slot, &more, err));
        ++*rows;
    }
    p->at_end = p->position > total;
    return sink->finish(sink, err);
}

Status portal_run(Session *s, Portal *p, bool backward, uint64_t count, RowSink *sink, uint64_t *rows, Error *err)
{
    bool at_end = false;
    *rows = 0;
    if (p->held && !p->ex) return run_held(p, backward, count, sink, rows, err);
    if (p->state == PORTAL_NEW) TRY(portal_start(s, p, err));
    if (p->snapshot && s->env.snapshot != p->snapshot) {
        block_drop_snapshot(s);
        s->env.snapshot = snapshot_ref(p->snapshot);
    }
    if (exec_result_desc(p->ex)) TRY(sink->start(sink, exec_result_desc(p->ex), err));
    Status st = exec_run(p->ex, backward, count, sink, rows, &at_end, err);
    if (failed(st)) {
        p->state = PORTAL_FAILED;
        return st;
    }
    p->at_end = at_end;
    if (at_end && !p->is_cursor) p->state = PORTAL_DONE;
    return ST_OK;
}

/* ---- a sink that fills a TupleStore ---- */

typedef struct StoreSink { RowSink base; TupleStore *store; } StoreSink;
static Status store_start(RowSink *base, const TupleDesc *desc, Error *err) { return ST_OK; }
static Status store_finish(RowSink *base, Error *err) { return ST_OK; }
static Status store_row(RowSink *base, TupleSlot *slot, bool *more, Error *err)
{
    *more = true;
    TRY(slot_decode_all(slot, err));
    return tuple_store_put(((StoreSink *)base)->store, slot, err);
}

/* WITH HOLD: all rows are stored when the transaction that made the cursor commits; position and rows already read stay. */
static Status hold(Session *s, Portal *p, Error *err)
{
    StoreSink sink = {{store_start, store_row, store_finish}, NULL};
    uint64_t rows, position = p->position;
    Status st;
    p->held_desc = tupledesc_copy(&p->arena, exec_result_desc(p->ex));
    TRY_MEM(p->held_desc, err);
    Execution *ex = NULL;
    bool at_end;
    /* From the start, under the cursor's own snapshot, so that the store holds every row and positions stay true. */
    ExecOptions opt = {.params = &p->params, .snapshot = p->snapshot};
    TRY(tuple_store_new(&s->env, p->held_desc, setting_int(s->env.settings, SET_work_mem) * 1024, &sink.store, err));
    TRY_GOTO(st, exec_open(&s->env, p->plan, &opt, &ex, err), done);
    TRY_GOTO(st, exec_run(ex, false, 0, &sink.base, &rows, &at_end, err), done);
done:
    st = first_error(st, exec_close(ex, err));
    st = first_error(st, exec_close(p->ex, err));
    p->ex = NULL;
    p->position = position;
    if (p->snapshot) snapshot_release(p->snapshot);
    p->snapshot = NULL;
    if (failed(st)) tuple_store_free(sink.store);
    else p->held = sink.store;
    return st;
}

Status portals_at_commit(Session *s, Error *err)
{
    size_t pos = 0;
    Slice key;
    void *value;
    if (!hashmap_count(s->portals)) return ST_OK;
    while (hashmap_next(s->portals, &pos, &key, &value)) {
        Portal *p = value;
        if (p->is_cursor && (p->cursor_options & CURSOR_HOLD) && p->ex) TRY(hold(s, p, err));
    }
    return ST_OK;
}

/* ---- SQL cursors ---- */

static Status copy_params(Portal *p, const ParamList *from, Error *err)
{
    if (!from || !from->n) return ST_OK;
    p->params.n = from->n;
    TRY_NEW_N(p->params.types, &p->arena, from->n, err);
    TRY_NEW_N(p->params.values, &p->arena, from->n, err);
    TRY_NEW_N(p->params.nulls, &p->arena, from->n, err);
    for (int i = 0; i < from->n; i++) {
        const TypeInfo *type = type_builtin(from->types[i]);
        p->params.types[i] = from->types[i];
        p->params.nulls[i] = from->nulls[i];
        if (!from->nulls[i]) TRY(datum_copy(&p->arena, from->values[i], type ? type->byval : false, type ? type->typlen : -1, &p->params.values[i], err));
    }
    return ST_OK;
}

static Status declare(Session *s, Portal *p, DeclareCursorStmt *stmt, const ParamList *params, Error *err)
{
    Query *query = node_copy(stmt->query, &p->arena);
    TRY_MEM(query, err);
    TRY(acl_check_query(&s->env, query, err));
    TRY(copy_params(p, params, err));
    TRY(plan_query(&s->env, query, &p->params, stmt->options, &p->arena, &p->plan, err));
    p->is_cursor = true;
    p->cursor_options = stmt->options;
    p->scrollable = !(stmt->options & CURSOR_NO_SCROLL) && !p->plan->rowMarks;
    return portal_start(s, p, err);
}

Status portal_declare(SessionEnv *env, DeclareCursorStmt *stmt, const ParamList *params, const char *sql, Error *err)
{
    Session *s = session_of(env);
    Portal *p;
    if (!(stmt->options & CURSOR_HOLD) && !block_in_explicit(env))
        return error_set(err, ERR_NO_ACTIVE_SQL_TRANSACTION, "DECLARE CURSOR can only be used in transaction blocks");
    TRY(portal_new(s, stmt->portalname, false, &p, err));
    p->sql = arena_strdup(&p->arena, sql);
    if (failed(declare(s, p, stmt, params, err))) {
        portal_close(s, p);
        return ST_FAILED;
    }
    return ST_OK;
}

/* A sink that counts only: MOVE, and the rows a FETCH steps over. */
static Status skip_row(RowSink *base, TupleSlot *slot, bool *more, Error *err)
{
    *more = true;
    return ST_OK;
}

static Status step(Session *s, Portal *p, bool backward, uint64_t count, RowSink *sink, uint64_t *rows, Error *err)
{
    bool held = p->held && !p->ex;
    if (backward && !p->scrollable) {
        error_set(err, ERR_OBJECT_NOT_IN_PREREQUISITE_STATE, "cursor can only scan forward");
        return error_hint(err, "Declare it with SCROLL option to enable backward scan.");
    }
    TRY(portal_run(s, p, backward, count, sink, rows, err));
    if (held) return ST_OK;
    if (backward) p->position = (!count || *rows < count) ? 0 : p->position - *rows;
    else p->position += *rows + (!count || *rows < count ? (p->at_end ? 1 : 0) : 0);
    return ST_OK;
}

/* One row at an absolute position (1 = first), or none; the cursor stands there afterwards. */
static Status fetch_at(Session *s, Portal *p, int64_t target, RowSink *sink, uint64_t *rows, Error *err)
{
    RowSink skip = {store_start, skip_row, store_finish};
    uint64_t moved;
    *rows = 0;
    if (target <= 0) {
        if (p->position > 0) TRY(step(s, p, true, 0, &skip, &moved, err));
        return ST_OK;
    }
    if ((uint64_t)target <= p->position) {
        uint64_t back = p->position - (uint64_t)target + 1;
        TRY(step(s, p, true, back, &skip, &moved, err));
    } else if ((uint64_t)target > p->position + 1) {
        TRY(step(s, p, false, (uint64_t)target - p->position - 1, &skip, &moved, err));
    }
    return step(s, p, false, 1, sink, rows, err);
}

static Status refetch_current(Session *s, Portal *p, RowSink *sink, uint64_t *rows, Error *err)
{
    RowSink skip = {store_start, skip_row, store_finish};
    uint64_t moved;
    *rows = 0;
    if (p->position == 0 || p->at_end) return ST_OK;
    TRY(step(s, p, true, 1, &skip, &moved, err));
    return step(s, p, false, 1, sink, rows, err);
}

static const TupleDesc *portal_desc(const Portal *p) { return p->held_desc ? p->held_desc : exec_result_desc(p->ex); }

static Status total_rows(Session *s, Portal *p, int64_t *out, Error *err)
{
    RowSink skip = {store_start, skip_row, store_finish};
    uint64_t moved;
    TRY(step(s, p, false, 0, &skip, &moved, err));
    *out = (int64_t)p->position - 1;
    return ST_OK;
}

static Status fetch(SessionEnv *env, const FetchStmt *stmt, RowSink *sink, uint64_t *rows, Error *err)
{
    Session *s = session_of(env);
    Portal *p = portal_find(s, stmt->portalname);
    RowSink skip = {store_start, skip_row, store_finish};
    int64_t n = stmt->howMany;
    int direction = stmt->direction;
    if (!p || !p->name[0]) return error_set(err, ERR_UNDEFINED_CURSOR, "cursor \"%s\" does not exist", stmt->portalname);
    if (stmt->ismove) sink = &skip;
    if (direction == 2) {
        if (n < 0) {
            int64_t total;
            TRY(total_rows(s, p, &total, err));
            n = total + 1 + n;
        }
        return fetch_at(s, p, n, sink, rows, err);
    }
    if (direction == 3) return n == 0 ? refetch_current(s, p, sink, rows, err) : fetch_at(s, p, (int64_t)p->position + n, sink, rows, err);
    if (n < 0) {
        direction = !direction;
        n = -n;
    }
    if (n == 0) return refetch_current(s, p, sink, rows, err);
    return step(s, p, direction == 1, n == INT64_MAX ? 0 : (uint64_t)n, sink, rows, err);
}

Status portal_fetch(SessionEnv *env, const FetchStmt *stmt, RowSink *sink, uint64_t *rows, Error *err)
{
    TRY(fetch(env, stmt, sink, rows, err));
    /* The row shape is told even when no row came. */
    return stmt->ismove ? ST_OK : sink->start(sink, portal_desc(portal_find(session_of(env), stmt->portalname)), err);
}

Status portal_close_named(SessionEnv *env, const char *name_or_null, Error *err)
{
    Session *s = session_of(env);
    if (!name_or_null) {
        portals_close_all(s, false, 0);
        return ST_OK;
    }
    Portal *p = portal_find(s, name_or_null);
    if (!p) return error_set(err, ERR_UNDEFINED_CURSOR, "cursor \"%s\" does not exist", name_or_null);
    portal_close(s, p);
    return ST_OK;
}
