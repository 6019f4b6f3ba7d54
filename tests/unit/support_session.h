/* A temporary cluster, a session on it, and SQL text run through parser, planner and executor; rows come back as text. For unit tests of the floors
 * from the parser up. Utility statements go to support_utility if a test sets it. */
#ifndef SUPPORT_SESSION_H
#define SUPPORT_SESSION_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "catalog/cat_write.h"
#include "executor/executor.h"

typedef struct Support {
    char dir[64];
    Cluster *cluster;
    Database *db;
    Catalog *catalog;
    SessionEnv env;
    Interrupt interrupt;
    MemAccount account;
    Arena arena;       /* session */
    Arena stmt;        /* of the last statement: its result text too */
    MemAccount *exec_account; /* of executions; NULL: the session's */
    bool in_block;     /* BEGIN was run: statements share one transaction */
} Support;

static Status (*support_utility)(Support *s, Query *q, const char *sql, StrBuf *out, Error *err);

static void support_notice(SessionEnv *env, const Error *notice) { (void)env, (void)notice; }
static const SessionHooks support_hooks = {.notice = support_notice};

static inline void support_die(const char *what, Error *err)
{
    fprintf(stderr, "%s: %s\n", what, err->message ? err->message : "?");
    abort();
}
#define SUPPORT_OK(call)                                        \
    do {                                                        \
        Error so_err_ = ERROR_INIT, *err = &so_err_;            \
        if (failed(call)) support_die(#call, &so_err_);         \
    } while (0)

static inline void support_begin(Support *s)
{
    TxnOptions opt = {.isolation = ISO_READ_COMMITTED, .account = &s->account};
    if (!s->env.txn) SUPPORT_OK(txn_begin(s->db, s->env.locks, &opt, &s->env.txn, err));
}

static inline Status support_end(Support *s, Status st, Error *err)
{
    if (!failed(st)) st = deferred_fire_all(&s->env, err);
    if (failed(st)) {
        txn_rollback(s->env.txn);
    } else {
        st = txn_commit(s->env.txn, err);
    }
    deferred_forget(&s->env);
    s->env.txn = NULL;
    catalog_statement_end(&s->env);
    return st;
}

static inline void support_session_init(Support *s, int pid)
{
    interrupt_init(&s->interrupt);
    mem_account_init(&s->account, NULL, "unit test", 0);
    arena_init(&s->arena, &s->account, 0);
    arena_init(&s->stmt, &s->account, 0);
    s->env = (SessionEnv){.cluster = s->cluster, .db = s->db, .database_oid = 5, .database_name = "postgres", .catalog = s->catalog,
                          .settings = settings_new(NULL, &s->account), .interrupt = &s->interrupt, .account = &s->account, .arena = &s->arena,
                          .session_user = 10, .current_user = 10, .is_superuser = true, .pid = pid, .hooks = &support_hooks};
    SUPPORT_OK(lock_owner_new(s->cluster, pid, &s->interrupt, &s->env.locks, err));
    SUPPORT_OK(cat_session_new(&s->env, err));
    session_env_refresh(&s->env);
}

static inline void support_open(Support *s)
{
    functions_register();
    *s = (Support){0};
    snprintf(s->dir, sizeof s->dir, "/tmp/helios-unit-XXXXXX");
    if (!mkdtemp(s->dir)) abort();
    ClusterOptions opt = {.data_dir = s->dir, .memory_limit_bytes = 64 << 20, .max_sessions = 10};
    SUPPORT_OK(cluster_open(&opt, &s->cluster, err));
    SUPPORT_OK(catalog_bootstrap_cluster(s->cluster, "postgres", err));
    SUPPORT_OK(database_acquire(s->cluster, 5, false, &s->db, err));
    SUPPORT_OK(catalog_open(s->cluster, s->db, &s->catalog, err));
    support_session_init(s, 1);
}

/* One more session on the cluster of `first`; close it before that one. */
static inline void support_open_more(const Support *first, Support *s, int pid)
{
    *s = (Support){.cluster = first->cluster, .db = first->db, .catalog = first->catalog};
    support_session_init(s, pid);
}

static inline void support_session_close(Support *s)
{
    if (s->env.txn) txn_rollback(s->env.txn);
    s->env.txn = NULL;
    catalog_statement_end(&s->env);
    cat_session_free(&s->env);
    lock_owner_free(s->env.locks);
    settings_free(s->env.settings);
    arena_destroy(&s->stmt);
    arena_destroy(&s->arena);
    interrupt_destroy(&s->interrupt);
}

static inline void support_close(Support *s)
{
    char cmd[100];
    support_session_close(s);
    catalog_close(s->catalog);
    database_release(s->db);
    SUPPORT_OK(cluster_close(s->cluster, err));
    snprintf(cmd, sizeof cmd, "rm -rf %s", s->dir);
    if (system(cmd)) abort();
}

/* A table of int4 columns named in `columns` ("a b c") in schema public, in a transaction of its own. */
static inline void support_table(Support *s, const char *name, const char *columns)
{
    Form_pg_class c;
    char copy[200], *save = NULL;
    support_begin(s);
    cat_class_defaults(&c);
    SUPPORT_OK(cat_new_oid(&s->env, &c.oid, err));
    SUPPORT_OK(cat_new_storage_id(&s->env, &c.relfilenode, err));
    c.relname = name;
    c.relnamespace = 2200;
    c.relowner = 10;
    c.relam = HEAP_AM;
    c.relkind = 'r';
    snprintf(copy, sizeof copy, "%s", columns);
    for (char *p = strtok_r(copy, " ", &save); p; p = strtok_r(NULL, " ", &save)) {
        Form_pg_attribute a;
        cat_attribute_defaults(&a);
        a.attrelid = c.oid;
        a.attname = p;
        a.atttypid = TYPE_int4;
        a.attlen = 4;
        a.attbyval = true;
        a.attalign = 'i';
        a.attstorage = 'p';
        a.attnum = ++c.relnatts;
        SUPPORT_OK(cat_insert(&s->env, REL_pg_attribute, &a, err));
    }
    SUPPORT_OK(cat_insert(&s->env, REL_pg_class, &c, err));
    SUPPORT_OK(support_end(s, ST_OK, err));
}

/* Rows as "a|b;c|d", nulls as "~". */
typedef struct SupportSink { RowSink sink; Support *s; StrBuf *out; } SupportSink;
static inline Status support_row(RowSink *sink, TupleSlot *slot, bool *more, Error *err)
{
    SupportSink *ss = (SupportSink *)sink;
    TRY(slot_decode_all(slot, err));
    if (ss->out->len) strbuf_char(ss->out, ';');
    for (int i = 0; i < slot->desc->natts; i++) {
        IoContext io = session_io(&ss->s->env, &ss->s->stmt);
        if (i) strbuf_char(ss->out, '|');
        if (slot->nulls[i]) {
            strbuf_char(ss->out, '~');
            continue;
        }
        const TypeInfo *t = catalog_type(&ss->s->env, slot->desc->atts[i].type);
        TRY(type_output(&io, t, slot->values[i], ss->out, err));
    }
    return ST_OK;
}

static inline Status support_run_query(Support *s, Query *q, const char *sql, StrBuf *out, uint64_t *rows, Error *err)
{
    PlannedStmt *plan;
    Execution *ex = NULL;
    Snapshot *snap = NULL;
    bool end;
    SupportSink sink = {.sink = {.row = support_row}, .s = s, .out = out};
    if (q->commandType == CMD_UTILITY) return support_utility ? support_utility(s, q, sql, out, err) : error_unsupported(err, "utility statements");
    Status st = snapshot_take(s->env.txn, &snap, err);
    s->env.snapshot = snap;
    if (!failed(st)) st = plan_query(&s->env, q, NULL, 0, &s->stmt, &plan, err);
    ExecOptions opt = {.snapshot = snap, .account = s->exec_account};
    if (!failed(st) && getenv("SUPPORT_DUMP")) { /* for whoever debugs a plan */
        StrBuf dump;
        strbuf_init(&dump, &s->stmt);
        st = plan_dump(plan, &dump, err);
        fprintf(stderr, "%s\n", strbuf_cstr(&dump));
    }
    if (!failed(st)) st = exec_open(&s->env, plan, &opt, &ex, err);
    if (!failed(st)) st = exec_run(ex, false, 0, &sink.sink, rows, &end, err);
    st = first_error(st, exec_close(ex, err));
    s->env.snapshot = NULL;
    snapshot_release(snap);
    return st;
}

/* Runs all statements of sql. The last one's rows, or its count as "#n" where it returns none; in s->stmt until the next call. */
static inline Status support_sql(Support *s, const char *sql, const char **out, Error *err)
{
    RawStatement *raw;
    int n;
    StrBuf sb;
    arena_reset(&s->stmt);
    support_begin(s);
    Status st = raw_parse(&s->env, sql, &s->stmt, &raw, &n, err);
    strbuf_init(&sb, &s->stmt);
    for (int i = 0; i < n && !failed(st); i++) {
        ParamTypes params = {.arena = &s->stmt};
        Query *q;
        uint64_t rows = 0;
        strbuf_reset(&sb);
        if (sb.data) sb.data[0] = 0;
        st = analyze_statement(&s->env, &raw[i], sql, &params, &s->stmt, &q, err);
        bool returns = !failed(st) && (q->commandType == CMD_SELECT || q->returningList);
        if (!failed(st)) st = support_run_query(s, q, sql, &sb, &rows, err);
        if (!failed(st) && !returns && q->commandType != CMD_UTILITY) strbuf_printf(&sb, "#%llu", (unsigned long long)rows);
    }
    if (!s->in_block || failed(st)) st = support_end(s, st, err);
    *out = strbuf_cstr(&sb);
    return st;
}

/* The result, or "SQLSTATE message [| detail]". */
static inline const char *support_text(Support *s, const char *sql)
{
    Error err = ERROR_INIT;
    const char *out = "";
    char state[6];
    if (failed(support_sql(s, sql, &out, &err))) {
        sqlstate_text(err.code, state);
        out = err.detail ? arena_printf(&s->stmt, "%s %s | %s", state, err.message, err.detail) : arena_printf(&s->stmt, "%s %s", state, err.message);
    }
    error_clear(&err);
    return out;
}

#endif
