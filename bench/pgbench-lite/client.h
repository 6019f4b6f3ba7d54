/* One connection as a state machine that never blocks: poll its socket, then call client_advance. */
#ifndef PGBENCH_LITE_CLIENT_H
#define PGBENCH_LITE_CLIENT_H

#include "histogram.h"
#include "options.h"
#include "workload.h"

#include <libpq-fe.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* What all clients of a run share. Written before the threads start; the counters while they run. */
typedef struct Run {
    const Options *options;
    const Workload *workload;
    int scale;
    atomic_bool stop;          /* set at the deadline: finish the transaction at hand, begin none */
    atomic_uint_fast64_t done; /* transactions committed */
    atomic_uint_fast64_t failed;
    atomic_uint_fast64_t latency_ns; /* summed over the done ones */
    atomic_int_fast64_t next_row;    /* for unique keys of COPY rows */
    atomic_int messages_left;        /* error messages still to be shown */
} Run;

typedef enum ClientState {
    CLIENT_IDLE,         /* between transactions */
    CLIENT_WAITING,      /* for the results of a step */
    CLIENT_COPYING,      /* rows are being sent */
    CLIENT_ROLLING_BACK, /* a step failed */
    CLIENT_FINISHED,
    CLIENT_LOST, /* the connection is gone */
} ClientState;

typedef struct Client {
    Run *run;
    PGconn *conn;
    Histogram *latencies; /* the thread's, not shared */
    ClientState state;
    int step;
    bool failed; /* the current transaction */
    bool want_write;
    uint64_t random_state;
    int64_t variables[VARIABLE_COUNT];
    uint64_t started_ns;
    int64_t transactions; /* finished ones, failed included */
    uint64_t rows;
    int64_t copy_next;
    int64_t copy_end;
} Client;

uint64_t now_ns(void);
/* Connects and prepares what the mode wants prepared. False after a message. */
bool client_open(Client *c, Run *run, int number, Histogram *latencies);
/* Does all that can be done without waiting. */
void client_advance(Client *c);
bool client_is_over(const Client *c);
/* Opens a plain connection from the options; NULL after a message. */
PGconn *connect_server(const Options *o);

#endif
