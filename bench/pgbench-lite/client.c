#include "client.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { STATEMENT_MAX = 8192, COPY_CHUNK = 32768 };

uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

PGconn *connect_server(const Options *o)
{
    const char *keys[] = {"host", "port", "user", "dbname", "application_name", NULL};
    const char *values[] = {o->host, o->port, o->user, o->database, "pgbench-lite", NULL};
    PGconn *conn = PQconnectdbParams(keys, values, 1);
    if (PQstatus(conn) == CONNECTION_OK) return conn;
    fprintf(stderr, "pgbench-lite: %s", PQerrorMessage(conn));
    PQfinish(conn);
    return NULL;
}

static const char *step_sql(const Client *c, int step)
{
    const char *sql = c->run->workload->steps[step].sql;
    return sql ? sql : c->run->options->query;
}

static void complain(Client *c, const char *message)
{
    if (!c->run->options->quiet && atomic_fetch_sub(&c->run->messages_left, 1) > 0)
        fprintf(stderr, "pgbench-lite: %s", message);
}

static bool prepare_steps(Client *c)
{
    for (int i = 0; i < c->run->workload->step_count; i++) {
        const Step *s = &c->run->workload->steps[i];
        if (s->kind != STEP_SQL) continue;
        char name[16];
        snprintf(name, sizeof(name), "step%d", i);
        PGresult *r = PQprepare(c->conn, name, step_sql(c, i), s->param_count, NULL);
        bool ok = PQresultStatus(r) == PGRES_COMMAND_OK;
        PQclear(r);
        if (!ok) {
            fprintf(stderr, "pgbench-lite: cannot prepare \"%s\": %s", step_sql(c, i), PQerrorMessage(c->conn));
            return false;
        }
    }
    return true;
}

static void ignore_notice(void *arg, const PGresult *result)
{
    (void)arg;
    (void)result;
}

bool client_open(Client *c, Run *run, int number, Histogram *latencies)
{
    *c = (Client){.run = run,
                  .latencies = latencies,
                  .state = CLIENT_IDLE,
                  .random_state = (uint64_t)run->options->seed * 1000003u + (uint64_t)number * 7919u};
    c->conn = connect_server(run->options);
    if (!c->conn) return false;
    PQsetNoticeReceiver(c->conn, ignore_notice, NULL);
    if (run->options->mode == MODE_PREPARED && !prepare_steps(c)) return false;
    return PQsetnonblocking(c->conn, 1) == 0;
}

bool client_is_over(const Client *c) { return c->state == CLIENT_FINISHED || c->state == CLIENT_LOST; }

/* The simple protocol has no parameters: writes the numbers into the text. */
static void interpolate(const Client *c, const Step *s, const char *sql, char *out, size_t size)
{
    size_t used = 0;
    for (const char *p = sql; *p && used + 24 < size; p++) {
        int index = p[0] == '$' && p[1] >= '1' && p[1] <= '9' ? p[1] - '1' : -1;
        if (index >= 0 && index < s->param_count) {
            used += (size_t)snprintf(out + used, size - used, "%" PRId64, c->variables[s->params[index]]);
            p++;
        } else {
            out[used++] = *p;
        }
    }
    out[used] = '\0';
}

static int send_with_parameters(Client *c, const Step *s)
{
    char text[STEP_PARAMS_MAX][24];
    const char *values[STEP_PARAMS_MAX] = {NULL};
    for (int i = 0; i < s->param_count; i++) {
        snprintf(text[i], sizeof(text[i]), "%" PRId64, c->variables[s->params[i]]);
        values[i] = text[i];
    }
    if (c->run->options->mode == MODE_EXTENDED)
        return PQsendQueryParams(c->conn, step_sql(c, c->step), s->param_count, NULL, values, NULL, NULL, 0);
    char name[16];
    snprintf(name, sizeof(name), "step%d", c->step);
    return PQsendQueryPrepared(c->conn, name, s->param_count, values, NULL, NULL, 0);
}

static int send_simple(Client *c, const Step *s)
{
    char sql[STATEMENT_MAX];
    if (s->param_count == 0) return PQsendQuery(c->conn, step_sql(c, c->step));
    interpolate(c, s, step_sql(c, c->step), sql, sizeof(sql));
    return PQsendQuery(c->conn, sql);
}

static void lose(Client *c)
{
    complain(c, PQerrorMessage(c->conn));
    c->state = CLIENT_LOST;
    c->want_write = false;
    if (PQstatus(c->conn) != CONNECTION_BAD) complain(c, "client stops\n");
}

static void flush_output(Client *c)
{
    int pending = PQflush(c->conn);
    if (pending < 0)
        lose(c);
    else
        c->want_write = pending > 0;
}

static void send_step(Client *c)
{
    const Step *s = &c->run->workload->steps[c->step];
    bool simple = c->run->options->mode == MODE_SIMPLE || s->kind == STEP_COPY_IN;
    int ok = simple ? send_simple(c, s) : send_with_parameters(c, s);
    if (!ok) {
        lose(c);
        return;
    }
    c->state = CLIENT_WAITING;
    flush_output(c);
}

static bool may_begin(const Client *c)
{
    const Options *o = c->run->options;
    if (atomic_load_explicit(&c->run->stop, memory_order_relaxed)) return false;
    return o->transactions == 0 || c->transactions < o->transactions;
}

static void begin_transaction(Client *c)
{
    const Workload *w = c->run->workload;
    workload_draw(&c->random_state, c->run->scale, c->run->options->rows, c->variables);
    c->step = w->one_of ? (int)(c->transactions % w->step_count) : 0;
    c->failed = false;
    c->started_ns = now_ns();
    send_step(c);
}

static void end_transaction(Client *c)
{
    uint64_t took = now_ns() - c->started_ns;
    c->transactions++;
    c->state = CLIENT_IDLE;
    if (c->failed) {
        atomic_fetch_add_explicit(&c->run->failed, 1, memory_order_relaxed);
        return;
    }
    histogram_add(c->latencies, took);
    atomic_fetch_add_explicit(&c->run->done, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&c->run->latency_ns, took, memory_order_relaxed);
}

/* All results of a step are read: go on to the next, or end the transaction. */
static void finish_step(Client *c)
{
    const Workload *w = c->run->workload;
    if (c->failed && c->state != CLIENT_ROLLING_BACK && PQtransactionStatus(c->conn) != PQTRANS_IDLE) {
        c->state = CLIENT_ROLLING_BACK;
        if (!PQsendQuery(c->conn, "ROLLBACK"))
            lose(c);
        else
            flush_output(c);
        return;
    }
    if (c->failed || w->one_of || ++c->step == w->step_count)
        end_transaction(c);
    else
        send_step(c);
}

static size_t format_copy_rows(Client *c, char *buffer, size_t size)
{
    size_t used = 0;
    while (c->copy_next < c->copy_end && used + 160 < size) {
        int64_t id = c->copy_next++;
        used += (size_t)snprintf(buffer + used, size - used,
                                 "%" PRId64 "\t%" PRId64 "\t%" PRId64 ".25\trow %" PRId64
                                 " of a bulk load by pgbench-lite, some text to fill it\n",
                                 id, id % 1000, id * 3 % 100000, id);
    }
    return used;
}

/* Sends rows until the socket is full. libpq keeps what it could not send, so the chunk is never lost. */
static void copy_more(Client *c)
{
    char buffer[COPY_CHUNK];
    while (c->state == CLIENT_COPYING && !c->want_write) {
        if (c->copy_next == c->copy_end) {
            if (PQputCopyEnd(c->conn, NULL) < 0) {
                lose(c);
                return;
            }
            c->state = CLIENT_WAITING;
            flush_output(c);
            return;
        }
        size_t length = format_copy_rows(c, buffer, sizeof(buffer));
        int put = PQputCopyData(c->conn, buffer, (int)length);
        if (put < 0) {
            c->state = CLIENT_WAITING; /* the server ended the COPY: its error is the next result */
            return;
        }
        flush_output(c);
    }
}

static void take_result(Client *c, PGresult *r)
{
    switch (PQresultStatus(r)) {
    case PGRES_COMMAND_OK: break;
    case PGRES_TUPLES_OK: c->rows += (uint64_t)PQntuples(r); break;
    case PGRES_COPY_IN:
        c->copy_next = atomic_fetch_add(&c->run->next_row, c->run->options->rows);
        c->copy_end = c->copy_next + c->run->options->rows;
        c->rows += (uint64_t)c->run->options->rows;
        c->state = CLIENT_COPYING;
        break;
    default:
        complain(c, PQresultErrorMessage(r));
        c->failed = true;
        break;
    }
    PQclear(r);
}

/* Reads results while there are any whole ones. */
static void read_results(Client *c)
{
    while ((c->state == CLIENT_WAITING || c->state == CLIENT_ROLLING_BACK) && !c->want_write && !PQisBusy(c->conn)) {
        PGresult *r = PQgetResult(c->conn);
        if (r)
            take_result(c, r);
        else if (PQstatus(c->conn) == CONNECTION_BAD)
            lose(c);
        else
            finish_step(c);
        if (c->state == CLIENT_IDLE && may_begin(c)) begin_transaction(c);
    }
}

void client_advance(Client *c)
{
    if (client_is_over(c)) return;
    if (c->want_write) flush_output(c);
    if (c->state == CLIENT_IDLE && may_begin(c))
        begin_transaction(c);
    else if (c->state == CLIENT_WAITING || c->state == CLIENT_ROLLING_BACK || c->state == CLIENT_COPYING) {
        if (!PQconsumeInput(c->conn)) {
            lose(c);
            return;
        }
    }
    read_results(c);
    if (c->state == CLIENT_COPYING) {
        copy_more(c);
        read_results(c);
    }
    if (c->state == CLIENT_IDLE && !may_begin(c)) c->state = CLIENT_FINISHED;
}
