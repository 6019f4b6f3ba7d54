/* The server as a whole: opening the cluster, databases shared by sessions, running, draining. */
#include "server/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int64_t timestamp_now(void) { return clock_wall_us() - POSTGRES_EPOCH_UNIX_S * 1000000; }

static Status server_settings(Server *server, Error *err)
{
    static const SettingChange how = {.source = SETSRC_ARGV, .is_superuser = true};
    char text[32];
    server->defaults = settings_new(NULL, NULL);
    TRY_MEM(server->defaults, err);
    snprintf(text, sizeof text, "%d", server->options.max_connections);
    TRY(setting_set(server->defaults, "max_connections", text, how, err));
    snprintf(text, sizeof text, "%d", server->options.port);
    TRY(setting_set(server->defaults, "port", text, how, err));
    TRY(setting_set(server->defaults, "data_directory", server->options.data_dir, how, err));
    return setting_set(server->defaults, "listen_addresses", server->options.host, how, err);
}

Status server_open(const ServerOptions *opt, Server *server, Error *err)
{
    memset(server, 0, sizeof *server);
    server->options = *opt;
    server->next_pid = 1000;
    server->started_at = timestamp_now();
    mutex_init(&server->mutex);
    mutex_init(&server->databases_mutex);
    cond_init(&server->sessions_changed);
    cond_init(&server->timer_wake);
    server_hooks_install();
    TRY(server_settings(server, err));
    ClusterOptions cluster = {.data_dir = opt->data_dir, .memory_limit_bytes = opt->memory_limit_bytes, .preallocate_log = true,
                              .max_sessions = opt->max_connections + opt->superuser_reserved};
    TRY(cluster_open(&cluster, &server->cluster, err));
    mem_account_init(&server->sessions_account, cluster_account(server->cluster), "sessions", 0);
    if (cluster_is_new(server->cluster)) {
        log_event(SEV_LOG, "creating a new data directory in %s", opt->data_dir);
        TRY(catalog_bootstrap_cluster(server->cluster, "postgres", err));
    }
    server_signals_install(server);
    TRY(listener_open(server, err));
    return timers_start(server, err);
}

static OpenDatabase *find_open(Server *server, Oid oid)
{
    for (OpenDatabase *d = server->databases; d; d = d->next)
        if (d->oid == oid) return d;
    return NULL;
}

static Status open_database(Server *server, Oid oid, OpenDatabase **out, Error *err)
{
    OpenDatabase *odb = calloc(1, sizeof *odb);
    TRY_MEM(odb, err);
    odb->oid = oid;
    if (failed(database_acquire(server->cluster, oid, false, &odb->db, err))) goto fail;
    if (failed(catalog_open(server->cluster, odb->db, &odb->catalog, err))) {
        database_release(odb->db);
        goto fail;
    }
    odb->next = server->databases;
    server->databases = odb;
    *out = odb;
    return ST_OK;
fail:
    free(odb);
    return ST_FAILED;
}

Status server_database_open(Server *server, Oid oid, OpenDatabase **out, Error *err)
{
    Status st = ST_OK;
    mutex_lock(&server->databases_mutex);
    *out = find_open(server, oid);
    if (!*out) st = open_database(server, oid, out, err);
    if (!failed(st)) (*out)->refs++;
    mutex_unlock(&server->databases_mutex);
    return st;
}

static void close_database(OpenDatabase *odb)
{
    catalog_close(odb->catalog);
    database_release(odb->db);
    free(odb);
}

/* Unreferenced ones stay open, at most KEEP_OPEN of them: the next connection to the same database is quick. */
enum { KEEP_OPEN = 4 };

static void trim(Server *server)
{
    int idle = 0;
    for (OpenDatabase **at = &server->databases; *at;) {
        OpenDatabase *odb = *at;
        if (odb->refs || ++idle <= KEEP_OPEN) {
            at = &odb->next;
            continue;
        }
        *at = odb->next;
        close_database(odb);
    }
}

void server_database_release(Server *server, OpenDatabase *odb)
{
    mutex_lock(&server->databases_mutex);
    odb->refs--;
    trim(server);
    mutex_unlock(&server->databases_mutex);
}

Status server_database_evict(Server *server, Oid oid, Error *err)
{
    Status st = ST_OK;
    mutex_lock(&server->databases_mutex);
    for (OpenDatabase **at = &server->databases; *at; at = &(*at)->next) {
        OpenDatabase *odb = *at;
        if (odb->oid != oid) continue;
        if (odb->refs) {
            st = error_set(err, ERR_OBJECT_IN_USE, "database is being accessed by other users");
        } else {
            *at = odb->next;
            close_database(odb);
        }
        break;
    }
    mutex_unlock(&server->databases_mutex);
    return st;
}

/* First signal: no new connections, sessions end when their statement is done. Second: now. */
static void drain(Server *server)
{
    mutex_lock(&server->mutex);
    atomic_store(&server->draining, true);
    for (Session *s = server->sessions; s; s = s->next) interrupt_raise(&s->interrupt, INTERRUPT_TERMINATE);
    int64_t deadline = clock_monotonic_ns() + 10 * 1000000000LL;
    while (server->nsessions && !atomic_load(&server->stop_now) && clock_monotonic_ns() < deadline)
        cond_wait_until(&server->sessions_changed, &server->mutex, clock_monotonic_ns() + 100 * 1000000);
    bool quiet = server->nsessions == 0;
    mutex_unlock(&server->mutex);
    if (!quiet) {
        log_event(SEV_WARNING, "%d sessions did not end in time; stopping now", server->nsessions);
        _exit(1); /* the log is synced by every commit; the next start recovers */
    }
}

Status server_run(Server *server, Error *err)
{
    log_event(SEV_LOG, "listening on %s port %d", server->options.host, server->port);
    if (server->socket_path[0]) log_event(SEV_LOG, "listening on Unix socket \"%s\"", server->socket_path);
    log_event(SEV_LOG, "ready to accept connections");
    listener_accept_loop(server);
    log_event(SEV_LOG, "stopping: waiting for %d sessions", server->nsessions);
    listener_close(server);
    drain(server);
    timers_stop(server);
    while (server->databases) {
        OpenDatabase *odb = server->databases;
        server->databases = odb->next;
        close_database(odb);
    }
    Status st = cluster_close(server->cluster, err);
    settings_free(server->defaults);
    log_event(SEV_LOG, "stopped");
    return st;
}
