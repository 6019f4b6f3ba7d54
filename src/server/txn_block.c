/* The transaction state machine of a session: implicit transactions, BEGIN blocks, savepoints, aborted blocks.
 *
 * An error inside a block rolls back at once what it must (to the innermost savepoint if there is one, else everything), so that nothing
 * is held while the client thinks; the block then only remembers that it is aborted. Manual 13.2 and the SQL command pages. */
#include "server/session.h"

#include <stdlib.h>

/* transaction_isolation's enum order is PostgreSQL's: serializable, repeatable read, read committed, read uncommitted. */
static IsolationLevel isolation_of(const char *name)
{
    if (!strcmp(name, "serializable")) return ISO_SERIALIZABLE;
    if (!strcmp(name, "repeatable read")) return ISO_REPEATABLE_READ;
    return ISO_READ_COMMITTED;
}

static void load_options(Session *s, TxnOptions *opt)
{
    SettingSet *set = s->env.settings;
    opt->isolation = isolation_of(setting_string(set, SET_default_transaction_isolation));
    opt->read_only = setting_bool(set, SET_default_transaction_read_only);
    opt->deferrable = setting_bool(set, SET_default_transaction_deferrable);
    opt->sync_commit = strcmp(setting_string(set, SET_synchronous_commit), "off") != 0;
    opt->account = &s->account;
}

/* The transaction_* settings show the running transaction's own values. */
static Status show_options(Session *s, Error *err)
{
    static const SettingChange how = {.source = SETSRC_SESSION, .is_local = true, .is_superuser = true};
    SettingSet *set = s->env.settings;
    const char *iso = setting_string(set, SET_default_transaction_isolation);
    if (strcmp(iso, setting_string(set, SET_transaction_isolation))) TRY(setting_set(set, "transaction_isolation", iso, how, err));
    if (setting_bool(set, SET_default_transaction_read_only) != setting_bool(set, SET_transaction_read_only))
        TRY(setting_set(set, "transaction_read_only", setting_bool(set, SET_default_transaction_read_only) ? "on" : "off", how, err));
    if (setting_bool(set, SET_default_transaction_deferrable) != setting_bool(set, SET_transaction_deferrable))
        TRY(setting_set(set, "transaction_deferrable", setting_bool(set, SET_default_transaction_deferrable) ? "on" : "off", how, err));
    return ST_OK;
}

static Status begin_transaction(Session *s, Error *err)
{
    TxnOptions opt = {0};
    load_options(s, &opt);
    s->env.txn_start = s->env.stmt_start;
    s->env.format.now_us = s->env.txn_start;
    s->xact_start = s->env.txn_start;
    s->txn_settings_mark = setting_mark(s->env.settings);
    TRY(txn_begin(s->env.db, s->env.locks, &opt, &s->env.txn, err));
    return show_options(s, err);
}

static void apply_timeouts(Session *s)
{
    int64_t generation = (int64_t)setting_generation(s->env.settings);
    if (generation == s->settings_seen) return;
    s->settings_seen = generation;
    lock_owner_set_timeouts(s->env.locks, setting_int(s->env.settings, SET_lock_timeout), setting_int(s->env.settings, SET_deadlock_timeout));
    session_env_refresh(&s->env);
}

Status block_start_statement(Session *s, Error *err)
{
    s->env.stmt_start = timestamp_now();
    apply_timeouts(s);
    if (s->env.txn || s->block == BLOCK_ABORTED) return ST_OK;
    TRY(begin_transaction(s, err));
    if (s->block == BLOCK_NONE) s->block = BLOCK_IMPLICIT;
    return ST_OK;
}

static void forget_savepoints(Session *s, int keep)
{
    while (s->nsavepoints > keep) free(s->savepoints[--s->nsavepoints].name);
}

void block_drop_snapshot(Session *s)
{
    if (s->env.snapshot) snapshot_release(s->env.snapshot);
    s->env.snapshot = NULL;
}

Status block_snapshot(Session *s, Error *err)
{
    block_drop_snapshot(s);
    return snapshot_take(s->env.txn, &s->env.snapshot, err);
}

static void after_end(Session *s)
{
    forget_savepoints(s, 0);
    s->block = BLOCK_NONE;
    s->xact_start = 0;
}

static void rollback_transaction(Session *s);

static Status commit_transaction(Session *s, Error *err)
{
    Txn *txn;
    Status st = s->env.txn ? deferred_fire_all(&s->env, err) : ST_OK;
    if (!failed(st) && s->env.txn) st = commands_before_commit(&s->env, err);
    if (!failed(st)) st = portals_at_commit(s, err);
    block_drop_snapshot(s);
    if (failed(st)) { /* the transaction is over all the same */
        rollback_transaction(s);
        after_end(s);
        return st;
    }
    portals_close_all(s, true, 0);
    txn = s->env.txn;
    s->env.txn = NULL;
    if (txn) st = txn_commit(txn, err);
    if (failed(st)) {
        setting_rollback_to(s->env.settings, s->txn_settings_mark);
        deferred_forget(&s->env);
        metric_add(METRIC_rollbacks_total, 1);
    } else {
        setting_commit(s->env.settings);
        metric_add(METRIC_commits_total, 1);
    }
    after_end(s);
    return st;
}

static void rollback_transaction(Session *s)
{
    block_drop_snapshot(s);
    portals_close_all(s, true, 0);
    deferred_forget(&s->env);
    if (s->env.txn) metric_add(METRIC_rollbacks_total, 1);
    txn_rollback(s->env.txn);
    s->env.txn = NULL;
    setting_rollback_to(s->env.settings, s->txn_settings_mark);
    forget_savepoints(s, 0);
}

Status block_finish_statement(Session *s, Error *err)
{
    block_drop_snapshot(s);
    catalog_statement_end(&s->env);
    return s->block == BLOCK_IMPLICIT ? commit_transaction(s, err) : ST_OK;
}

void block_fail(Session *s)
{
    Error ignored = ERROR_INIT;
    block_drop_snapshot(s);
    if (s->block == BLOCK_IMPLICIT || s->block == BLOCK_NONE) {
        rollback_transaction(s);
        after_end(s);
    } else if (s->block == BLOCK_EXPLICIT) {
        s->block = BLOCK_ABORTED;
        if (s->nsavepoints) {
            Savepoint *sp = &s->savepoints[s->nsavepoints - 1];
            portals_close_all(s, true, sp->portal_serial);
            setting_rollback_to(s->env.settings, sp->settings_mark);
            if (failed(txn_rollback_to(s->env.txn, sp->level, &ignored))) rollback_transaction(s);
        } else {
            rollback_transaction(s);
        }
    }
    error_clear(&ignored);
    catalog_statement_end(&s->env);
}

char block_status(const Session *s) { return s->block == BLOCK_EXPLICIT ? 'T' : s->block == BLOCK_ABORTED ? 'E' : 'I'; }

bool block_in_explicit(SessionEnv *env)
{
    Session *s = session_of(env);
    return s->block == BLOCK_EXPLICIT || s->multi_statement;
}

void block_end_session(Session *s)
{
    rollback_transaction(s);
    after_end(s);
    free(s->savepoints);
    s->savepoints = NULL;
}

/* ---- the commands ---- */

static void warn(Session *s, SqlState code, const char *message)
{
    session_notice(&s->env, SEV_WARNING, code, NULL, NULL, "%s", message);
}

static Status do_begin(Session *s, const TransactionStmt *stmt, Error *err)
{
    if (s->block == BLOCK_EXPLICIT) warn(s, ERR_ACTIVE_SQL_TRANSACTION, "there is already a transaction in progress");
    s->block = BLOCK_EXPLICIT;
    LIST_EACH(DefElem *, item, stmt->options) TRY(transaction_set_mode(&s->env, item, err));
    return ST_OK;
}

/* AND CHAIN: a new transaction with the same characteristics. */
static Status chain(Session *s, const TxnOptions *was, Error *err)
{
    TRY(begin_transaction(s, err));
    TxnOptions *opt = txn_options(s->env.txn);
    opt->isolation = was->isolation;
    opt->read_only = was->read_only;
    opt->deferrable = was->deferrable;
    s->block = BLOCK_EXPLICIT;
    return ST_OK;
}

static Status do_end(Session *s, const TransactionStmt *stmt, bool commit, const char **tag, Error *err)
{
    TxnOptions was = {.isolation = ISO_READ_COMMITTED};
    if (s->env.txn) was = *txn_options(s->env.txn);
    if (s->block == BLOCK_IMPLICIT && !s->multi_statement) {
        if (stmt->chain)
            return error_set(err, ERR_NO_ACTIVE_SQL_TRANSACTION, "%s AND CHAIN can only be used in transaction blocks", commit ? "COMMIT" : "ROLLBACK");
    }
    if (s->block == BLOCK_IMPLICIT) warn(s, ERR_NO_ACTIVE_SQL_TRANSACTION, "there is no transaction in progress");
    if (s->block == BLOCK_ABORTED) commit = false;
    if (commit) {
        TRY(commit_transaction(s, err));
    } else {
        rollback_transaction(s);
        after_end(s);
        *tag = "ROLLBACK";
    }
    return stmt->chain ? chain(s, &was, err) : ST_OK;
}

static Status do_savepoint(Session *s, const char *name, Error *err)
{
    if (s->block != BLOCK_EXPLICIT && !s->multi_statement)
        return error_set(err, ERR_NO_ACTIVE_SQL_TRANSACTION, "SAVEPOINT can only be used in transaction blocks");
    if (s->nsavepoints == s->savepoints_cap) {
        int cap = s->savepoints_cap ? s->savepoints_cap * 2 : 8;
        Savepoint *bigger = realloc(s->savepoints, (size_t)cap * sizeof *bigger);
        TRY_MEM(bigger, err);
        s->savepoints = bigger;
        s->savepoints_cap = cap;
    }
    Savepoint sp = {.name = strdup(name), .settings_mark = setting_mark(s->env.settings), .portal_serial = s->portal_serial};
    TRY_MEM(sp.name, err);
    if (failed(txn_savepoint(s->env.txn, &sp.level, err))) {
        free(sp.name);
        return ST_FAILED;
    }
    s->savepoints[s->nsavepoints++] = sp;
    return ST_OK;
}

static Status find_savepoint(Session *s, const char *verb, const char *name, int *out, Error *err)
{
    if (s->block != BLOCK_EXPLICIT && s->block != BLOCK_ABORTED && !s->multi_statement)
        return error_set(err, ERR_NO_ACTIVE_SQL_TRANSACTION, "%s can only be used in transaction blocks", verb);
    for (int i = s->nsavepoints - 1; i >= 0; i--)
        if (!strcmp(s->savepoints[i].name, name)) {
            *out = i;
            return ST_OK;
        }
    return error_set(err, ERR_S_E_INVALID_SPECIFICATION, "savepoint \"%s\" does not exist", name);
}

static Status do_release(Session *s, const char *name, Error *err)
{
    int i;
    TRY(find_savepoint(s, "RELEASE SAVEPOINT", name, &i, err));
    txn_release_savepoint(s->env.txn, s->savepoints[i].level);
    forget_savepoints(s, i);
    return ST_OK;
}

static Status do_rollback_to(Session *s, const char *name, Error *err)
{
    int i;
    TRY(find_savepoint(s, "ROLLBACK TO SAVEPOINT", name, &i, err));
    Savepoint *sp = &s->savepoints[i];
    block_drop_snapshot(s);
    portals_close_all(s, true, sp->portal_serial);
    setting_rollback_to(s->env.settings, sp->settings_mark);
    TRY(txn_rollback_to(s->env.txn, sp->level, err));
    forget_savepoints(s, i + 1);
    if (s->block == BLOCK_ABORTED) s->block = BLOCK_EXPLICIT;
    return ST_OK;
}

Status block_command(SessionEnv *env, const TransactionStmt *stmt, const char **tag, Error *err)
{
    Session *s = session_of(env);
    switch ((TransactionKind)stmt->kind) {
    case TRANS_BEGIN:
    case TRANS_START: return do_begin(s, stmt, err);
    case TRANS_COMMIT: return do_end(s, stmt, true, tag, err);
    case TRANS_ROLLBACK: return do_end(s, stmt, false, tag, err);
    case TRANS_SAVEPOINT: return do_savepoint(s, stmt->savepoint_name, err);
    case TRANS_RELEASE: return do_release(s, stmt->savepoint_name, err);
    case TRANS_ROLLBACK_TO: return do_rollback_to(s, stmt->savepoint_name, err);
    case TRANS_PREPARE:
    case TRANS_COMMIT_PREPARED:
    case TRANS_ROLLBACK_PREPARED: break;
    }
    error_set(err, ERR_OBJECT_NOT_IN_PREREQUISITE_STATE, "prepared transactions are disabled");
    return error_hint(err, "Set max_prepared_transactions to a nonzero value.");
}
