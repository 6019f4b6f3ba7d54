/* A session's life: made by the listener, run on its own thread, its main loop, its end. */
#include "server/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "types/utf8.h"

void session_set_state(Session *s, const char *state, const char *query_or_null)
{
    mutex_lock(&s->activity_mutex);
    s->state = state;
    s->state_change = timestamp_now();
    if (query_or_null) {
        size_t n = strnlen(query_or_null, sizeof s->query - 1);
        memcpy(s->query, query_or_null, n);
        s->query[n] = 0;
        s->query_start = s->state_change;
    }
    mutex_unlock(&s->activity_mutex);
}

void session_send_error(Session *s, Error *err)
{
    metric_add(METRIC_errors_total, 1);
    if (s->env.db && database_failed(s->env.db) && err->severity < SEV_FATAL) err->severity = SEV_FATAL; /* it recovers when all have left */
    if (err->severity >= SEV_FATAL || err->code == ERR_INTERNAL_ERROR || err->code == ERR_DATA_CORRUPTED || err->code == ERR_IO_ERROR)
        log_error(err, NULL);
    if (err->severity >= SEV_FATAL) s->io.broken |= err->code == ERR_CONNECTION_FAILURE;
    backend_error(&s->io, err);
    if (err->severity >= SEV_FATAL) atomic_fetch_or(&s->interrupt.pending, INTERRUPT_TERMINATE);
    error_clear(err);
}

/* An idle session waits in recv: ending the reading side makes it return, and the loop then sees the pending interrupt. */
static void wake_idle(void *arg)
{
    Session *s = arg;
    uint32_t bits = atomic_load(&s->interrupt.pending);
    if (bits & ~(uint32_t)(INTERRUPT_CANCEL | INTERRUPT_STATEMENT_TIMEOUT)) shutdown(s->io.fd, SHUT_RD);
}

/* Gives back everything the session holds of the server, while it is still in the list: shutting down waits for the list to be empty before it closes
 * the databases. From here on nobody is told of it. */
static void session_release(Session *s)
{
    mutex_lock(&s->server->mutex);
    s->authenticated = false;
    mutex_unlock(&s->server->mutex);
    block_end_session(s);
    if (s->prepared) prepared_drop(s, NULL);
    plan_cache_clear(s);
    parsed_clear(s);
    portals_close_all(s, false, 0);
    hashmap_free(s->prepared);
    hashmap_free(s->portals);
    hashmap_free(s->plans);
    hashmap_free(s->parsed);
    session_detach(s);
    if (s->env.locks) lock_owner_free(s->env.locks);
    settings_free(s->env.settings);
    wire_io_destroy(&s->io);
    arena_destroy(&s->statement);
    arena_destroy(&s->arena);
}

static void unlink_session(Session *s)
{
    Server *server = s->server;
    mutex_lock(&server->mutex);
    if (s->prev) s->prev->next = s->next;
    else server->sessions = s->next;
    if (s->next) s->next->prev = s->prev;
    server->nsessions--;
    cond_broadcast(&server->sessions_changed);
    mutex_unlock(&server->mutex);
    metric_add(METRIC_connections, -1);
}

/* Out of the list, and gone. */
static void session_end(Session *s)
{
    session_release(s);
    unlink_session(s);
    interrupt_destroy(&s->interrupt);
    mutex_destroy(&s->activity_mutex);
    free(s);
}

static void link_session(Session *s)
{
    Server *server = s->server;
    mutex_lock(&server->mutex);
    s->pid = ++server->next_pid;
    s->next = server->sessions;
    if (s->next) s->next->prev = s;
    server->sessions = s;
    server->nsessions++;
    mutex_unlock(&server->mutex);
    metric_add(METRIC_connections, 1);
    metric_add(METRIC_connections_total, 1);
}

static Status fill(Session *s, const char *addr, int port, Error *err)
{
    SessionEnv *env = &s->env;
    s->prepared = hashmap_new(&s->account);
    s->portals = hashmap_new(&s->account);
    s->plans = hashmap_new(&s->account);
    s->parsed = hashmap_new(&s->account);
    env->settings = settings_new(s->server->defaults, &s->account);
    if (!s->prepared || !s->portals || !s->plans || !s->parsed || !env->settings) return error_out_of_memory(err, 0);
    env->cluster = s->server->cluster;
    env->interrupt = &s->interrupt;
    env->account = &s->account;
    env->arena = &s->arena;
    env->pid = s->pid;
    env->backend_start = timestamp_now();
    env->client_addr = addr ? arena_strdup(&s->arena, addr) : NULL;
    env->client_port = port;
    env->server_port = s->server->port;
    env->hooks = server_session_hooks();
    env->server = s;
    if (getrandom(s->secret, sizeof s->secret, 0) != sizeof s->secret) return error_set(err, ERR_INTERNAL_ERROR, "could not generate random cancel key");
    return lock_owner_new(env->cluster, s->pid, &s->interrupt, &env->locks, err);
}

Status session_create(Server *server, int fd, bool is_unix, const char *addr, int port, Session **out, Error *err)
{
    Session *s = calloc(1, sizeof *s);
    TRY_MEM(s, err);
    s->server = server;
    s->is_unix = is_unix;
    s->state = "starting";
    mem_account_init(&s->account, &server->sessions_account, "session", 0);
    arena_init(&s->arena, &s->account, 0);
    arena_init(&s->statement, &s->account, 2048);
    interrupt_init(&s->interrupt);
    mutex_init(&s->activity_mutex);
    wire_io_init(&s->io, fd, &s->account, &s->interrupt);
    link_session(s);
    if (failed(fill(s, addr, port, err))) {
        session_end(s);
        return ST_FAILED;
    }
    *out = s;
    return ST_OK;
}

/* What an interrupt that ends the session says to the client. */
static void say_goodbye(Session *s)
{
    Error err = ERROR_INIT;
    if (!failed(interrupt_raise_error(&s->interrupt, &err))) return;
    if (err.severity >= SEV_FATAL) session_send_error(s, &err);
    error_clear(&err);
    if (failed(wire_flush(&s->io, &err))) error_clear(&err);
}

static void finish_cycle(Session *s)
{
    backend_ready(&s->io, block_status(s));
    const char *state = s->block == BLOCK_EXPLICIT ? "idle in transaction" : s->block == BLOCK_ABORTED ? "idle in transaction (aborted)" : "idle";
    session_set_state(s, state, NULL);
    int64_t idle = setting_int(s->env.settings, s->block == BLOCK_NONE ? SET_idle_session_timeout : SET_idle_in_transaction_session_timeout);
    session_arm_deadline(s, idle, s->block == BLOCK_NONE ? INTERRUPT_IDLE_SESSION : INTERRUPT_IDLE_IN_TXN);
    /* A cancel request that came too late must not hit the next statement. */
    atomic_fetch_and(&s->interrupt.pending, ~(uint32_t)(INTERRUPT_CANCEL | INTERRUPT_STATEMENT_TIMEOUT));
}

static Status unexpected(Session *s, char type)
{
    Error err = ERROR_INIT;
    error_set(&err, ERR_PROTOCOL_VIOLATION, "invalid frontend message type %d", (unsigned char)type);
    err.severity = SEV_FATAL;
    session_send_error(s, &err);
    return ST_FAILED;
}

static Status function_call_unsupported(Session *s)
{
    Error err = ERROR_INIT;
    (void)!error_unsupported(&err, "the function call protocol message");
    block_fail(s);
    session_send_error(s, &err);
    finish_cycle(s);
    return ST_OK;
}

/* One message. Failed: the session ends. */
static Status handle(Session *s, char type, Slice body, bool *end)
{
    Error err = ERROR_INIT;
    const char *sql;
    switch (type) {
    case 'Q':
        if (failed(frontend_query(body, &sql, &err)) || failed(utf8_validate(slice_cstr(sql), &err))) {
            block_fail(s);
            session_send_error(s, &err);
            finish_cycle(s);
            return ST_OK;
        }
        simple_query(s, sql);
        finish_cycle(s);
        return ST_OK;
    case 'P':
    case 'B':
    case 'D':
    case 'E':
    case 'C': extended_message(s, type, body); return ST_OK;
    case 'S':
        extended_sync(s);
        finish_cycle(s);
        return ST_OK;
    case 'H': return wire_flush(&s->io, NULL);
    case 'F': return function_call_unsupported(s);
    case 'd':
    case 'c':
    case 'f': return ST_OK; /* the rest of a COPY that failed */
    case 'X': *end = true; return ST_OK;
    default: return unexpected(s, type);
    }
}

/* Answers wait while more of a pipeline is already here (what is left of a failed COPY too); they go out when the input is dry. */
static Status answer(Session *s, char type)
{
    Error err = ERROR_INIT;
    Status st = ST_OK;
    if (s->io.out.len && (!wire_input_buffered(&s->io) && strchr("SQHFdcf", type))) st = wire_flush(&s->io, &err);
    error_clear(&err);
    return st;
}

static void main_loop(Session *s)
{
    Error err = ERROR_INIT;
    bool eof = false, end = false;
    finish_cycle(s);
    if (failed(wire_flush(&s->io, &err))) goto done;
    while (!end) {
        char type;
        Slice body;
        interrupt_set_waker(&s->interrupt, wake_idle, s);
        wake_idle(s);
        Status st = wire_read_message(&s->io, WIRE_MESSAGE_MAX, &type, &body, &eof, &err);
        interrupt_set_waker(&s->interrupt, NULL, NULL);
        if (failed(st)) {
            session_send_error(s, &err);
            if (failed(wire_flush(&s->io, &err))) break;
            break;
        }
        if (eof) break;
        if (atomic_load_explicit(&s->deadline, memory_order_relaxed)) session_arm_deadline(s, 0, 0);
        if (failed(handle(s, type, body, &end)) || failed(answer(s, type))) break;
        if (s->io.broken) break;
    }
    if (atomic_load(&s->interrupt.pending)) say_goodbye(s);
    if (s->io.out.len && failed(wire_flush(&s->io, &err))) goto done;
done:
    error_clear(&err);
}

void *session_thread(void *arg)
{
    Session *s = arg;
    Error err = ERROR_INIT;
    bool go = false;
    log_set_session(s->pid, NULL, NULL);
    if (failed(session_startup(s, &go, &err))) {
        block_fail(s);
        session_send_error(s, &err);
        if (failed(wire_flush(&s->io, &err))) error_clear(&err);
    } else if (go) {
        main_loop(s);
    }
    metric_add(METRIC_bytes_received_total, (int64_t)s->io.bytes_in);
    metric_add(METRIC_bytes_sent_total, (int64_t)s->io.bytes_out);
    session_end(s);
    return NULL;
}

void session_thread_refused(Session *s)
{
    Error err = ERROR_INIT;
    error_set(&err, ERR_TOO_MANY_CONNECTIONS, "sorry, too many clients already");
    err.severity = SEV_FATAL;
    session_send_error(s, &err);
    if (failed(wire_flush(&s->io, &err))) error_clear(&err);
    session_end(s);
}
