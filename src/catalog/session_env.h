/* SessionEnv: what every floor from the catalog up needs to know of the session it works for. Made by server/session, passed down in
 * every call that may need it; nobody keeps it beyond the session. One thread at a time. */
#ifndef HELIOS_CATALOG_SESSION_ENV_H
#define HELIOS_CATALOG_SESSION_ENV_H

#include "common/settings.h"
#include "storage/txn.h"
#include "types/tuple.h"

struct Catalog;    /* one per open database: shared cache (catalog.h) */
struct CatSession; /* this session's private part: own DDL, search path cache, temporary schema */
struct Query;
struct SessionEnv;

/* A session as pg_stat_activity shows it. Strings are valid during the callback. */
typedef struct SessionActivity {
    int pid;
    Oid database, user;
    const char *database_name, *user_name, *application_name, *client_addr; /* NULL: Unix socket */
    int client_port;
    const char *state; /* "active", "idle", "idle in transaction", "idle in transaction (aborted)" */
    const char *query;
    const char *wait_event_type, *wait_event; /* NULL: not waiting */
    int64_t backend_start, xact_start, query_start, state_change; /* timestamptz; 0: null */
    uint64_t xid;                                                  /* 0: none */
} SessionActivity;

/* Rows of a nested statement, for SQL functions, system views and commands that run SQL. slot is borrowed during the call. */
typedef STATUS (*RowCallback)(void *arg, TupleSlot *slot, Error *err);

/* What lower floors need from upper ones. All members are set by the server; unit tests may leave some NULL. */
typedef struct SessionHooks {
    void (*notice)(struct SessionEnv *env, const Error *notice); /* filtered by client_min_messages, sent at once */
    /* Parses and analyses one SELECT (for system views defined in SQL); the tree is in `arena`. */
    STATUS (*analyze_query)(struct SessionEnv *env, const char *sql, Arena *arena, struct Query **out, Error *err);
    /* Runs one statement under the current transaction and a fresh snapshot that sees own writes. params may be NULL. */
    STATUS (*run_sql)(struct SessionEnv *env, const char *sql, int nparams, const Oid *types, const Datum *values, const bool *nulls,
                      RowCallback row, void *arg, uint64_t *processed, Error *err);
    void (*each_session)(struct SessionEnv *env, void (*fn)(void *arg, const SessionActivity *), void *arg);
    bool (*signal_session)(struct SessionEnv *env, int pid, uint32_t interrupt_bits); /* false: no such pid */
    STATUS (*notify)(struct SessionEnv *env, const char *channel, const char *payload, Error *err); /* queued until commit */
    /* Calls a function of a language other than internal/SQL-inlined: plpgsql and SQL bodies. Used by functions/call. */
    STATUS (*call_routine)(struct SessionEnv *env, Oid proc, int nargs, const Datum *args, const bool *nulls, Arena *arena, Datum *result,
                           bool *result_null, Error *err);
} SessionHooks;

typedef struct SessionEnv {
    Cluster *cluster;
    Database *db;
    Oid database_oid;
    const char *database_name;
    struct Catalog *catalog;
    struct CatSession *cat;
    SettingSet *settings;
    LockOwner *locks;
    Interrupt *interrupt;
    MemAccount *account;         /* the session's; statements hang below it */
    Arena *arena;                /* session lifetime */
    Oid session_user, current_user; /* roles; current_user changes by SET ROLE and SECURITY DEFINER */
    bool is_superuser;           /* of current_user */
    int pid;
    int64_t backend_start, txn_start, stmt_start; /* timestamptz values: now(), statement_timestamp() */
    const char *client_addr;     /* NULL: Unix socket */
    int client_port, server_port;
    FormatOptions format;        /* decoded from settings; session_env_refresh keeps it true */
    uint64_t format_generation;

    Txn *txn;                    /* of the running statement; never NULL while one runs */
    Snapshot *snapshot;          /* the active snapshot, or NULL between statements */

    const SessionHooks *hooks;
    const TypeHooks *type_hooks; /* the catalog's: for IoContext */
    void *server;                /* the server's own Session */
    void *seq_state;             /* functions/fn_seq: currval and lastval per session */
    void *random_state;          /* functions: setseed */
    void *command_state;         /* commands: what ON COMMIT has to do */
    void *deferred;              /* executor/deferred: constraints that wait for COMMIT */
} SessionEnv;

/* Re-decodes format if settings changed since. Cheap when nothing did. */
void session_env_refresh(SessionEnv *env);
/* An IoContext for type input and output in this session. */
static inline IoContext session_io(SessionEnv *env, Arena *arena)
{
    return (IoContext){.format = &env->format, .arena = arena, .session = env, .hooks = env->type_hooks};
}
/* Sends a NOTICE/WARNING/INFO if the client wants that level; formats like printf. */
void session_notice(SessionEnv *env, Severity sev, SqlState code, const char *detail, const char *hint, const char *fmt, ...) PRINTF_LIKE(6, 7);

#endif
