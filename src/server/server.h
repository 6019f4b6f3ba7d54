/* Server: one process, one cluster, its listeners and sessions. Internal to src/server.
 *
 * Lock order: server.mutex -> session.activity_mutex. Neither is held while anything below this floor is called, except database_acquire
 * and catalog_open, which happen under server.databases_mutex (so that a database is opened once). */
#ifndef HELIOS_SERVER_SERVER_H
#define HELIOS_SERVER_SERVER_H

#include "catalog/catalog.h"
#include "common/log.h"
#include "common/metrics.h"

typedef struct ServerOptions {
    const char *data_dir, *host, *socket_dir;
    int port;
    int max_connections, superuser_reserved;
    int64_t memory_limit_bytes;
    bool insecure;
    bool quiet;
} ServerOptions;

struct Session;
typedef struct OpenDatabase {
    Oid oid;
    Database *db;
    Catalog *catalog;
    int refs;
    struct OpenDatabase *next;
} OpenDatabase;

typedef struct Server {
    ServerOptions options;
    Cluster *cluster;
    SettingSet *defaults;          /* what sessions start from */
    MemAccount sessions_account;
    Mutex mutex;                   /* sessions, nsessions, next_pid */
    Cond sessions_changed;
    struct Session *sessions;
    _Atomic int nsessions;         /* written under mutex */
    int next_pid;
    Mutex databases_mutex;
    OpenDatabase *databases;
    int listen_fds[4], nlisten, port;
    int wake_pipe[2];              /* signals -> listener */
    char socket_path[108];
    _Atomic bool draining, stop_now;
    Cond timer_wake;               /* with mutex: an earlier deadline was set */
    _Atomic int64_t next_deadline; /* monotonic ns of the earliest session deadline; INT64_MAX: none */
    int64_t started_at;            /* timestamptz */
} Server;

STATUS server_open(const ServerOptions *opt, Server *out, Error *err);  /* cluster, bootstrap if new, sockets */
STATUS server_run(Server *server, Error *err);                          /* until a signal; drains; closes */

/* Reference to an open database and its catalog; opened if needed. */
STATUS server_database_open(Server *server, Oid oid, OpenDatabase **out, Error *err);
void server_database_release(Server *server, OpenDatabase *odb);
STATUS server_database_evict(Server *server, Oid oid, Error *err); /* DROP DATABASE: closes an unreferenced one */

/* listener.c */
STATUS listener_open(Server *server, Error *err);
void listener_accept_loop(Server *server); /* returns when a signal asked to stop */
void listener_close(Server *server);
void server_signals_install(Server *server);

/* timers.c: one thread that raises statement and idle timeouts. */
STATUS timers_start(Server *server, Error *err);
void timers_stop(Server *server);

/* Seconds since 2000 in microseconds, now. */
int64_t timestamp_now(void);

#endif
