/* Driver threads: each polls the sockets of its share of the clients. */
#ifndef PGBENCH_LITE_WORKER_H
#define PGBENCH_LITE_WORKER_H

#include "client.h"

#include <pthread.h>
#include <stdatomic.h>

typedef struct Worker {
    Client *clients; /* its share of the run's array */
    int count;
    Histogram latencies;
    uint64_t ended_ns; /* when the last client was over */
    atomic_bool over;
    pthread_t thread;
} Worker;

/* Thread body: drives the worker's clients until each is over. */
void *worker_main(void *arg);

#endif
