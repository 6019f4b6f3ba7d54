#include "worker.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Fills the poll set with the clients that are not over; returns how many. */
static int fill_poll_set(const Worker *w, struct pollfd *set, int *owners)
{
    int n = 0;
    for (int i = 0; i < w->count; i++) {
        const Client *c = &w->clients[i];
        if (client_is_over(c)) continue;
        short events = POLLIN;
        if (c->want_write || c->state == CLIENT_COPYING) events |= POLLOUT;
        set[n] = (struct pollfd){.fd = PQsocket(c->conn), .events = events};
        owners[n++] = i;
    }
    return n;
}

void *worker_main(void *arg)
{
    Worker *w = arg;
    struct pollfd *set = calloc((size_t)w->count, sizeof(*set));
    int *owners = calloc((size_t)w->count, sizeof(*owners));
    if (!set || !owners) {
        fputs("pgbench-lite: out of memory\n", stderr);
        exit(1);
    }
    for (int i = 0; i < w->count; i++)
        client_advance(&w->clients[i]);
    int active;
    while ((active = fill_poll_set(w, set, owners)) > 0) {
        int ready = poll(set, (nfds_t)active, 100);
        if (ready < 0 && errno != EINTR) break;
        for (int i = 0; i < active && ready > 0; i++) {
            if (set[i].revents) client_advance(&w->clients[owners[i]]);
        }
    }
    w->ended_ns = now_ns();
    free(set);
    free(owners);
    atomic_store(&w->over, true);
    return NULL;
}
