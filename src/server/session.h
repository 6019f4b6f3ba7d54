/* Session: one connection, one thread, one transaction at a time. Internal to src/server. */
#ifndef HELIOS_SERVER_SESSION_H
#define HELIOS_SERVER_SESSION_H

#include "commands/commands.h"
#include "catalog/acl.h"
#include "common/hash.h"
#include "parser/analyze.h"
#include "server/server.h"
#include "wire/backend_msgs.h"
#include "wire/frontend_msgs.h"

/* Transaction block states (manual 55.2.2.1: ReadyForQuery's I, T, E). */
typedef enum BlockState {
    BLOCK_NONE,      /* no transaction */
    BLOCK_IMPLICIT,  /* one made by a statement, ended with it (or at Sync, or at the end of a multi-statement query) */
    BLOCK_EXPLICIT,  /* BEGIN */
    BLOCK_ABORTED    /* an error inside BEGIN: only its end or ROLLBACK TO is accepted */
} BlockState;

typedef struct Savepoint {
    char *name;             /* heap */
    int level;              /* storage's */
    size_t settings_mark;
    uint64_t portal_serial; /* portals made later die with a rollback to it */
} Savepoint;

typedef struct PreparedStatement PreparedStatement;
typedef struct Portal Portal;

typedef struct Session {
    Server *server;
    struct Session *next, *prev; /* under server->mutex */
    SessionEnv env;
    OpenDatabase *odb;
    WireIo io;
    Interrupt interrupt;
    MemAccount account;
    Arena arena;                 /* session lifetime */
    Arena statement;             /* reset for each simple statement or message */
    int pid;
    uint8_t secret[4];
    char user_name[64], database_name[64];
    bool is_unix, authenticated;

    BlockState block;
    size_t txn_settings_mark;
    Savepoint *savepoints;       /* heap array */
    int nsavepoints, savepoints_cap;
    bool skip_until_sync;        /* extended protocol: an error happened */
    bool in_extended;            /* answering extended-protocol messages */
    bool multi_statement;        /* simple query of several statements: BEGIN-like implicit block */

    HashMap *prepared;           /* by name; "" is the unnamed one */
    HashMap *portals;
    HashMap *parsed;             /* unnamed statements by text and parameter types, to be parsed once */
    HashMap *plans;              /* simple queries' plans by normalised text */
    int nplans;
    uint64_t portal_serial;

    bool copy_in_active;
    int64_t settings_seen;       /* generation for lock timeouts */

    Mutex activity_mutex;        /* guards the following, read by pg_stat_activity */
    const char *state;
    char query[1024];
    int64_t query_start, state_change, xact_start;
    char application_name[64];
    _Atomic int64_t deadline;    /* monotonic ns; 0: none */
    uint32_t deadline_bit;       /* which INTERRUPT_ to raise */
} Session;

#define session_of(env) ((Session *)(env)->server)

/* session.c */
void *session_thread(void *arg);          /* takes the Session over */
void session_thread_refused(Session *s); /* no thread could be had: says 53300 and frees it */
STATUS session_create(Server *server, int fd, bool is_unix, const char *addr, int port, Session **out, Error *err);
void session_set_state(Session *s, const char *state, const char *query_or_null);
void session_send_error(Session *s, Error *err); /* logs, sends, counts; clears err */
void session_arm_deadline(Session *s, int64_t ms, uint32_t bit); /* ms 0: disarm */

/* startup.c: from the first byte to ReadyForQuery. *go false: the connection is done (cancel request, refusal). */
STATUS session_startup(Session *s, bool *go, Error *err);
STATUS session_attach(Session *s, Oid database, const char *name, Error *err);
void session_detach(Session *s);

/* txn_block.c: the transaction state machine. */
STATUS block_start_statement(Session *s, Error *err);  /* a transaction exists afterwards; statement time and snapshot-free state set */
STATUS block_finish_statement(Session *s, Error *err); /* commits an implicit transaction */
void block_fail(Session *s);                           /* after any error: rolls back what must be */
STATUS block_snapshot(Session *s, Error *err);         /* env.snapshot: the statement's */
void block_drop_snapshot(Session *s);
STATUS block_command(SessionEnv *env, const TransactionStmt *stmt, const char **tag, Error *err);
bool block_in_explicit(SessionEnv *env);
char block_status(const Session *s);
void block_end_session(Session *s);

/* query.c: the simple protocol. */
void simple_query(Session *s, const char *sql);
/* Runs one analysed statement to a sink. The tag is written to `tag` (64 bytes). */
STATUS run_query_tree(Session *s, Query *query, const char *sql, const ParamList *params, RowSink *sink, char *tag, Error *err);
STATUS check_aborted(Session *s, const RawStatement *raw, Error *err);
void command_tag(CmdType type, uint64_t rows, char *tag);

/* plan_cache.c: plans of repeated simple queries, found again by normalised text. *done: answered; otherwise nothing has happened. */
STATUS plan_cache_run(Session *s, const char *sql, bool *done, Error *err);
void plan_cache_clear(Session *s);

/* sinks.c */
typedef struct ClientSink {
    RowSink base;
    Session *session;
    Arena *arena;
    bool describe;            /* send RowDescription at start (simple protocol) */
    int nformats;
    const int16_t *formats;
    RowEncoder *encoder;
    IoContext ioc;
    Arena row_arena;
} ClientSink;
void client_sink_init(ClientSink *sink, Session *s, Arena *arena, bool describe, int nformats, const int16_t *formats);
void client_sink_destroy(ClientSink *sink);

/* prepared.c */
struct PreparedStatement {
    char *name, *sql;         /* in arena */
    const char *shown;        /* PREPARE: its whole text, for pg_prepared_statements; NULL: sql */
    Arena arena;              /* statement, its analysed tree, generic plan */
    RawStatement *raw;        /* NULL: empty query */
    const char *tag;
    Query *query;             /* analysed, kept unplanned */
    ParamTypes params;
    TupleDesc *result;        /* NULL: returns no rows */
    PlannedStmt *generic;     /* cached plan, in plan_arena */
    Arena plan_arena;
    Execution *idle;          /* a finished execution of `generic`, ready to be rewound */
    uint64_t generation;      /* catalog's when analysed */
    uint64_t settings_generation;
    int refs;                 /* the session's map and portals */
    int custom_runs;
    int64_t generic_runs;
    double custom_cost;
    bool from_sql;            /* PREPARE */
    int64_t prepared_at;
};
STATUS prepared_create(Session *s, const char *name, const char *sql, int ntypes, const Oid *types, PreparedStatement **out, Error *err);
/* Not entered under its name: the caller owns the reference. */
STATUS prepared_build(Session *s, const char *sql, int ntypes, const Oid *types, PreparedStatement **out, Error *err);
STATUS prepared_from_raw(Session *s, const PrepareStmt *stmt, const char *sql, Error *err);
STATUS prepared_find(Session *s, const char *name, PreparedStatement **out, Error *err);
STATUS prepared_revalidate(Session *s, PreparedStatement *ps, Error *err); /* after DDL: analyse anew; 0A000 if the result changed */
/* The plan to run with these parameters: the generic one, or a custom one in arena. *cached: it is ps->generic. */
STATUS prepared_plan(Session *s, PreparedStatement *ps, const ParamList *params, Arena *arena, PlannedStmt **out, bool *cached, Error *err);
void prepared_unref(PreparedStatement *ps);
void parsed_clear(Session *s);
void prepared_drop(Session *s, const char *name_or_null);

/* portal.c */
typedef enum PortalState { PORTAL_NEW, PORTAL_ACTIVE, PORTAL_DONE, PORTAL_FAILED } PortalState;
struct Portal {
    char *name;
    Arena arena;
    PreparedStatement *ps;    /* extended protocol; NULL for DECLARE CURSOR */
    PlannedStmt *plan;
    bool plan_cached;
    ParamList params;
    int nformats;
    int16_t *formats;
    Execution *ex;
    Snapshot *snapshot;
    PortalState state;
    uint64_t serial, position; /* rows delivered so far: "current row" of cursors */
    int cursor_options;
    bool is_cursor, scrollable, at_end;
    TupleStore *held;         /* WITH HOLD after its transaction, or utility output read in portions */
    TupleDesc *held_desc;
    char tag[64];
    const char *sql;
    int64_t created_at;
};
STATUS portal_new(Session *s, const char *name, bool replace, Portal **out, Error *err); /* 42P03 if the name is taken */
Portal *portal_find(Session *s, const char *name);
void portal_close(Session *s, Portal *p);
void portals_close_all(Session *s, bool keep_held, uint64_t newer_than);
STATUS portals_at_commit(Session *s, Error *err);         /* WITH HOLD cursors are stored */
STATUS portal_start(Session *s, Portal *p, Error *err);
/* count 0: all. */
STATUS portal_run(Session *s, Portal *p, bool backward, uint64_t count, RowSink *sink, uint64_t *rows, Error *err);
STATUS portal_declare(SessionEnv *env, DeclareCursorStmt *stmt, const ParamList *params, const char *sql, Error *err);
STATUS portal_fetch(SessionEnv *env, const FetchStmt *stmt, RowSink *sink, uint64_t *rows, Error *err);
STATUS portal_close_named(SessionEnv *env, const char *name_or_null, Error *err);

/* extended.c: one message of the extended protocol. */
void extended_message(Session *s, char type, Slice body);
void extended_sync(Session *s);

/* registry.c */
bool registry_cancel(Server *server, int pid, Slice key);
bool registry_signal(SessionEnv *env, int pid, uint32_t bits);
void registry_each(SessionEnv *env, void (*fn)(void *arg, const SessionActivity *), void *arg);
int registry_sessions_on(SessionEnv *env, Oid database);

/* views.c: pg_cursors, pg_prepared_statements */
void server_views_register(void);

/* hooks.c */
void server_hooks_install(void);
const SessionHooks *server_session_hooks(void);

/* copy_stream.c */
STATUS copy_in_begin(SessionEnv *env, int ncolumns, bool binary, Error *err);
STATUS copy_in_read(SessionEnv *env, Slice *chunk, Error *err);
STATUS copy_out_begin(SessionEnv *env, int ncolumns, bool binary, Error *err);
STATUS copy_out_row(SessionEnv *env, Slice row, Error *err);
STATUS copy_out_end(SessionEnv *env, Error *err);

#endif
