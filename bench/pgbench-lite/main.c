/* pgbench-lite: see --help. main prepares a run, watches it, and hands the figures to the report. */
#include "client.h"
#include "options.h"
#include "procstat.h"
#include "report.h"
#include "setup.h"
#include "worker.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { ERROR_MESSAGES_SHOWN = 10, TICK_MS = 20 };

static volatile sig_atomic_t interrupted;

static void on_interrupt(int signal_number)
{
    (void)signal_number;
    interrupted = 1;
}

static void *must(void *memory)
{
    if (!memory) {
        fputs("pgbench-lite: out of memory\n", stderr);
        exit(1);
    }
    return memory;
}

/* Everything a run holds; one per process. */
typedef struct Driver {
    Options options;
    Run run;
    Client *clients;
    Worker *workers;
    PGconn *control; /* for set-up; closed before the clients come, as they may need every connection there is */
    pid_t server_pid;
    RunResult result;
    uint64_t device_before;
} Driver;

static pid_t find_server(const Driver *d)
{
    const Options *o = &d->options;
    if (o->server_pid) return o->server_pid;
    const char *host = PQhost(d->control);
    bool local = host && (host[0] == '/' || strcmp(host, "localhost") == 0 || strncmp(host, "127.", 4) == 0 ||
                          strcmp(host, "::1") == 0);
    return local ? procstat_find_listener(atoi(PQport(d->control))) : 0;
}

static bool prepare_run(Driver *d)
{
    Options *o = &d->options;
    d->control = connect_server(o);
    if (!d->control) return false;
    const Workload *w = workload_find(o->workload);
    if (w->before && (!setup_execute(d->control, "SET client_min_messages = warning", true) ||
                      !setup_execute(d->control, w->before, false)))
        return false;
    d->run.options = o;
    d->run.workload = w;
    d->run.scale = o->scale ? o->scale : setup_find_scale(d->control);
    atomic_store(&d->run.next_row, 1);
    atomic_store(&d->run.messages_left, ERROR_MESSAGES_SHOWN);
    if (o->checkpoint) setup_execute(d->control, "CHECKPOINT", false);
    d->server_pid = find_server(d);
    d->result.options = o;
    d->result.scale = d->run.scale;
    const char *version = PQparameterStatus(d->control, "server_version");
    snprintf(d->result.server_version, sizeof(d->result.server_version), "%s", version ? version : "unknown");
    d->result.has_usage = procstat_read(d->server_pid, &d->result.before);
    d->result.has_device = o->disk_path && procstat_device_written(o->disk_path, &d->device_before);
    PQfinish(d->control);
    d->control = NULL;
    return true;
}

/* Clients are dealt to the workers in turn-free, even shares. */
static bool open_clients(Driver *d)
{
    const Options *o = &d->options;
    uint64_t start = now_ns();
    d->clients = must(calloc((size_t)o->clients, sizeof(*d->clients)));
    d->workers = must(calloc((size_t)o->threads, sizeof(*d->workers)));
    int next = 0;
    for (int i = 0; i < o->threads; i++) {
        Worker *w = &d->workers[i];
        histogram_reset(&w->latencies);
        w->clients = &d->clients[next];
        w->count = (o->clients - next) / (o->threads - i);
        next += w->count;
        for (int j = 0; j < w->count; j++) {
            if (!client_open(&w->clients[j], &d->run, (int)(w->clients - d->clients) + j, &w->latencies)) return false;
        }
    }
    d->result.connect_s = (double)(now_ns() - start) / 1e9;
    return true;
}

static bool all_over(const Driver *d)
{
    for (int i = 0; i < d->options.threads; i++) {
        if (!atomic_load(&d->workers[i].over)) return false;
    }
    return true;
}

typedef struct Progress {
    uint64_t at_ns;
    uint64_t done;
    uint64_t latency_ns;
} Progress;

static void sample_memory(Driver *d, ServerUsage *usage)
{
    if (d->result.has_usage && procstat_read(d->server_pid, usage) && usage->pss_kb > d->result.pss_peak_kb)
        d->result.pss_peak_kb = usage->pss_kb;
}

static void print_progress(Driver *d, Progress *last, uint64_t start_ns)
{
    ServerUsage usage = {0};
    sample_memory(d, &usage);
    Progress now = {now_ns(), atomic_load(&d->run.done), atomic_load(&d->run.latency_ns)};
    double seconds = (double)(now.at_ns - last->at_ns) / 1e9;
    uint64_t done = now.done - last->done;
    fprintf(stderr, "%6.1f s  %10.1f tps  latency %8.3f ms", (double)(now.at_ns - start_ns) / 1e9,
            (double)done / seconds, done ? (double)(now.latency_ns - last->latency_ns) / (double)done / 1e6 : 0.0);
    uint64_t failed = atomic_load(&d->run.failed);
    if (failed) fprintf(stderr, "  %llu failed", (unsigned long long)failed);
    if (d->result.has_usage)
        fprintf(stderr, "  server %6.1f MB  written %8.1f MB", (double)usage.pss_kb / 1024,
                (double)(usage.write_bytes - d->result.before.write_bytes) / 1048576);
    fputc('\n', stderr);
    *last = now;
}

/* Sleeps in ticks until the workers are done; stops them at the deadline or at an interrupt. */
static void watch(Driver *d, uint64_t start_ns)
{
    const Options *o = &d->options;
    uint64_t deadline = start_ns + (uint64_t)o->duration_s * 1000000000u;
    Progress last = {.at_ns = start_ns};
    uint64_t memory_ns = start_ns;
    while (!all_over(d)) {
        struct timespec tick = {0, TICK_MS * 1000000L};
        nanosleep(&tick, NULL);
        uint64_t now = now_ns();
        if (interrupted || (o->transactions == 0 && now >= deadline)) atomic_store(&d->run.stop, true);
        if (o->progress_s > 0 && now - last.at_ns >= (uint64_t)o->progress_s * 1000000000u) {
            print_progress(d, &last, start_ns);
            memory_ns = now;
        } else if (now - memory_ns >= 2000000000u) {
            ServerUsage usage;
            sample_memory(d, &usage);
            memory_ns = now;
        }
    }
}

static void collect(Driver *d)
{
    RunResult *r = &d->result;
    histogram_reset(&r->latencies);
    for (int i = 0; i < d->options.threads; i++)
        histogram_merge(&r->latencies, &d->workers[i].latencies);
    r->transactions = atomic_load(&d->run.done);
    r->failed = atomic_load(&d->run.failed);
    for (int i = 0; i < d->options.clients; i++) {
        r->rows += d->clients[i].rows;
        r->clients_lost += d->clients[i].state == CLIENT_LOST;
    }
    if (d->options.checkpoint && r->clients_lost == 0) {
        PQsetnonblocking(d->clients[0].conn, 0);
        setup_execute(d->clients[0].conn, "CHECKPOINT", false);
    }
    uint64_t device_after;
    if (r->has_device && procstat_device_written(d->options.disk_path, &device_after))
        r->device_written = device_after - d->device_before;
    sample_memory(d, &r->after);
}

static void drive(Driver *d)
{
    uint64_t start = now_ns();
    for (int i = 0; i < d->options.threads; i++) {
        if (pthread_create(&d->workers[i].thread, NULL, worker_main, &d->workers[i]) != 0) {
            fputs("pgbench-lite: cannot start a thread\n", stderr);
            exit(1);
        }
    }
    watch(d, start);
    uint64_t end = start;
    for (int i = 0; i < d->options.threads; i++) {
        pthread_join(d->workers[i].thread, NULL);
        if (d->workers[i].ended_ns > end) end = d->workers[i].ended_ns;
    }
    d->result.elapsed_s = (double)(end - start) / 1e9;
    collect(d);
}

static int run_workload(Driver *d)
{
    if (!prepare_run(d) || !open_clients(d)) return 1;
    drive(d);
    bool text = !d->options.json_path || strcmp(d->options.json_path, "-") != 0;
    if (text) report_text(&d->result);
    bool written = !d->options.json_path || report_json(&d->result, d->options.json_path);
    for (int i = 0; i < d->options.clients; i++)
        PQfinish(d->clients[i].conn);
    free(d->clients);
    free(d->workers);
    bool good = d->result.failed == 0 && d->result.clients_lost == 0;
    return written && (good || d->options.keep_going) ? 0 : 1;
}

int main(int argc, char **argv)
{
    static Driver driver; /* large: the histograms */
    int parsed = options_parse(&driver.options, argc, argv);
    if (parsed) return parsed == 1 ? 0 : parsed;
    if (driver.options.progress_s < 0) driver.options.progress_s = isatty(STDERR_FILENO) ? 1 : 0;
    if (driver.options.initialize) return setup_initialize(&driver.options) ? 0 : 1;
    signal(SIGINT, on_interrupt);
    signal(SIGTERM, on_interrupt);
    signal(SIGPIPE, SIG_IGN);
    return run_workload(&driver);
}
