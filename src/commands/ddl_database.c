/* CREATE, DROP, ALTER DATABASE. A database is a directory: it is made before the transaction that names it commits (and removed if that does not
 * come to pass), and removed after the one that drops it has committed. */
#include <stdlib.h>
#include <strings.h>
#include <time.h>

#include "commands/ddl_internal.h"

typedef struct DatabaseOptions {
    const char *template_name, *encoding, *collate, *ctype;
    Oid owner;
    bool is_template, is_template_given, allow, allow_given, limit_given;
    int limit, encoding_at;
} DatabaseOptions;

static STATUS read_options(SessionEnv *env, const List *items, DatabaseOptions *o, Error *err)
{
    LIST_EACH(DefElem *, item, items) {
        const char *n = item->defname, *v = def_string(item);
        int64_t limit;
        if (!strcmp(n, "template")) o->template_name = v;
        else if (!strcmp(n, "encoding")) o->encoding = v, o->encoding_at = item->location;
        else if (!strcmp(n, "locale")) o->collate = o->ctype = v;
        else if (!strcmp(n, "lc_collate")) o->collate = v;
        else if (!strcmp(n, "lc_ctype")) o->ctype = v;
        else if (!strcmp(n, "owner")) {
            if (v) TRY(lookup_role(env, v, false, &o->owner, err));
        } else if (!strcmp(n, "is_template")) {
            TRY(def_bool(item, &o->is_template, err));
            o->is_template_given = true;
        } else if (!strcmp(n, "allow_connections")) {
            TRY(def_bool(item, &o->allow, err));
            o->allow_given = true;
        } else if (!strcmp(n, "connection_limit")) {
            TRY(def_int(item, &limit, err));
            if (limit < -1) return error_set(err, ERR_INVALID_PARAMETER_VALUE, "invalid connection limit: %d", (int)limit);
            o->limit = (int)limit;
            o->limit_given = true;
        } else if (!strcmp(n, "tablespace")) {
            if (v && strcmp(v, "pg_default")) return error_set(err, ERR_UNDEFINED_OBJECT, "tablespace \"%s\" does not exist", v);
        } else if (strcmp(n, "strategy") && strcmp(n, "locale_provider") && strcmp(n, "icu_locale") && strcmp(n, "collation_version") && strcmp(n, "oid")) {
            return error_set(err, ERR_SYNTAX_ERROR, "option \"%s\" not recognized", n);
        }
    }
    return ST_OK;
}

static STATUS check_encoding(const char *sql, const DatabaseOptions *o, Error *err)
{
    static const char *const utf8[] = {"UTF8", "UTF-8", "UNICODE", "6", "-1", "DEFAULT"};
    static const char *const others[] = {"SQL_ASCII", "EUC_JP", "EUC_CN", "EUC_KR", "EUC_TW", "EUC_JIS_2004", "LATIN1", "LATIN2", "LATIN3", "LATIN4",
        "LATIN5", "LATIN6", "LATIN7", "LATIN8", "LATIN9", "LATIN10", "ISO_8859_5", "ISO_8859_6", "ISO_8859_7", "ISO_8859_8", "KOI8R", "KOI8U",
        "MULE_INTERNAL", "WIN866", "WIN874", "WIN1250", "WIN1251", "WIN1252", "WIN1253", "WIN1254", "WIN1255", "WIN1256", "WIN1257", "WIN1258"};
    if (!o->encoding) return ST_OK;
    for (size_t i = 0; i < sizeof utf8 / sizeof utf8[0]; i++)
        if (!strcasecmp(o->encoding, utf8[i])) return ST_OK;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (!strcasecmp(o->encoding, others[i]))
            return error_set(err, ERR_FEATURE_NOT_SUPPORTED, "encoding \"%s\" is not supported: databases are UTF8", o->encoding);
    error_set(err, ERR_UNDEFINED_OBJECT, "%s is not a valid encoding name", o->encoding);
    return ddl_at(sql, o->encoding_at, err);
}

static STATUS may_create(SessionEnv *env, Arena *arena, Error *err)
{
    const void *form;
    if (env->is_superuser) return ST_OK;
    TRY(cat_get_by_oid(env, REL_pg_authid, IDX_authid_oid, env->current_user, arena, &form, err));
    if (form && ((const Form_pg_authid *)form)->rolcreatedb) return ST_OK;
    return error_set(err, ERR_INSUFFICIENT_PRIVILEGE, "permission denied to create database");
}

static STATUS in_use(int others, Error *err)
{
    return others == 1 ? error_detail(err, "There is 1 other session using the database.")
                       : error_detail(err, "There are %d other sessions using the database.", others);
}

/* ---- directories follow the transaction ---- */
typedef struct DirectoryEvent { Cluster *cluster; Oid oid; TxnEvent when; } DirectoryEvent;

static Status remove_directory(void *arg, Txn *txn UNUSED, TxnEvent event, int level UNUSED, Error *err UNUSED)
{
    DirectoryEvent *e = arg;
    Error ignored = ERROR_INIT;
    if (event != e->when) return ST_OK;
    Status st = database_destroy(e->cluster, e->oid, &ignored); /* what is left is an orphan directory, which harms nobody */
    error_clear(&ignored);
    (void)st;
    return ST_OK;
}

static STATUS remove_directory_when(SessionEnv *env, Oid oid, TxnEvent when, Error *err)
{
    DirectoryEvent *e = arena_alloc(env->arena, sizeof *e); /* outlives the statement; databases are few */
    TRY_MEM(e, err);
    *e = (DirectoryEvent){env->cluster, oid, when};
    return txn_on_event(env->txn, remove_directory, e, err);
}

/* ---- CREATE DATABASE ---- */
static STATUS open_template(SessionEnv *env, const char *name, Arena *arena, const Form_pg_database **out, Error *err)
{
    Oid oid;
    const void *form;
    TRY(lookup_database(env, name, true, &oid, err));
    if (!oid) return error_set(err, ERR_UNDEFINED_DATABASE, "template database \"%s\" does not exist", name);
    TRY(cat_get_by_oid(env, REL_pg_database, IDX_database_oid, oid, arena, &form, err));
    *out = form;
    if (!(*out)->datistemplate && !env->is_superuser && !role_has_privs_of(env, env->current_user, (*out)->datdba))
        return error_set(err, ERR_INSUFFICIENT_PRIVILEGE, "permission denied to copy database \"%s\"", name);
    if (oid == env->database_oid) return ST_OK; /* itself does not count */
    int others = command_hooks->sessions_on_database(env, oid);
    if (!others) return ST_OK;
    error_set(err, ERR_OBJECT_IN_USE, "source database \"%s\" is being accessed by other users", name);
    return in_use(others, err);
}

STATUS cmd_CreateDatabaseStmt(CommandCall *call, CreateDatabaseStmt *stmt, Error *err)
{
    SessionEnv *env = call->env;
    DatabaseOptions o = {.template_name = "template1", .owner = env->current_user, .allow = true, .limit = -1};
    const Form_pg_database *source;
    Oid taken, oid;
    TRY(read_options(env, stmt->options, &o, err));
    TRY(check_encoding(call->sql, &o, err));
    TRY(may_create(env, call->arena, err));
    TRY(ddl_check_can_become(env, o.owner, err));
    TRY(lookup_database(env, stmt->dbname, true, &taken, err));
    if (taken) return error_set(err, ERR_DUPLICATE_DATABASE, "database \"%s\" already exists", stmt->dbname);
    TRY(open_template(env, o.template_name ? o.template_name : "template1", call->arena, &source, err));
    TRY(cat_new_shared_oid(env, &oid, err));
    Form_pg_database f = *source;
    f.oid = oid;
    f.datname = stmt->dbname;
    f.datdba = o.owner;
    f.datistemplate = o.is_template;
    f.datallowconn = o.allow;
    f.datconnlimit = o.limit;
    f.datacl = 0;
    if (o.collate) f.datcollate = o.collate;
    if (o.ctype) f.datctype = o.ctype;
    TRY(remove_directory_when(env, oid, TXN_ABORTED, err));
    TRY(database_clone(env->cluster, source->oid, oid, err));
    return cat_insert(env, REL_pg_database, &f, err);
}

/* ---- DROP DATABASE ---- */
typedef struct Terminate { SessionEnv *env; Oid database; } Terminate;
static void terminate_session(void *arg, const SessionActivity *a)
{
    Terminate *t = arg;
    if (a->database == t->database && a->pid != t->env->pid) t->env->hooks->signal_session(t->env, a->pid, INTERRUPT_TERMINATE);
}

static STATUS end_sessions(SessionEnv *env, Oid database, Error *err)
{
    Terminate t = {env, database};
    struct timespec pause = {0, 20 * 1000 * 1000};
    env->hooks->each_session(env, terminate_session, &t);
    for (int i = 0; i < 250 && command_hooks->sessions_on_database(env, database); i++) {
        TRY(INTERRUPT_CHECK(env->interrupt, err));
        nanosleep(&pause, NULL);
    }
    return ST_OK;
}

static STATUS check_droppable(CommandCall *call, const DropDatabaseStmt *stmt, Oid oid, Error *err)
{
    SessionEnv *env = call->env;
    const void *form;
    bool force = false;
    TRY(owner_check(env, REL_pg_database, oid, err));
    TRY(cat_get_by_oid(env, REL_pg_database, IDX_database_oid, oid, call->arena, &form, err));
    if (form && ((const Form_pg_database *)form)->datistemplate) return error_set(err, ERR_WRONG_OBJECT_TYPE, "cannot drop a template database");
    if (oid == env->database_oid) return error_set(err, ERR_OBJECT_IN_USE, "cannot drop the currently open database");
    LIST_EACH(DefElem *, item, stmt->options) {
        if (strcmp(item->defname, "force")) return error_set(err, ERR_SYNTAX_ERROR, "unrecognized DROP DATABASE option \"%s\"", item->defname);
        force = true;
    }
    if (force) TRY(end_sessions(env, oid, err));
    int others = command_hooks->sessions_on_database(env, oid);
    if (!others) return ST_OK;
    error_set(err, ERR_OBJECT_IN_USE, "database \"%s\" is being accessed by other users", stmt->dbname);
    return in_use(others, err);
}

STATUS cmd_DropDatabaseStmt(CommandCall *call, DropDatabaseStmt *stmt, Error *err)
{
    SessionEnv *env = call->env;
    Oid oid;
    TRY(lookup_database(env, stmt->dbname, true, &oid, err));
    if (!oid && !stmt->missing_ok) return error_set(err, ERR_UNDEFINED_DATABASE, "database \"%s\" does not exist", stmt->dbname);
    if (!oid) {
        session_notice(env, SEV_NOTICE, 0, NULL, NULL, "database \"%s\" does not exist, skipping", stmt->dbname);
        return ST_OK;
    }
    TRY(check_droppable(call, stmt, oid, err));
    if (command_hooks->evict_database) TRY(command_hooks->evict_database(env, oid, err));
    Datum key = datum_oid(oid);
    TRY(cat_delete(env, REL_pg_database, IDX_database_oid, 1, &key, NULL, err));
    TRY(cat_delete(env, REL_pg_db_role_setting, IDX_db_role_setting, 1, &key, NULL, err));
    TRY(cat_set_comment(env, REL_pg_database, oid, 0, NULL, err));
    return remove_directory_when(env, oid, TXN_COMMITTED, err);
}

STATUS cmd_AlterDatabaseStmt(CommandCall *call, AlterDatabaseStmt *stmt, Error *err)
{
    SessionEnv *env = call->env;
    DatabaseOptions o = {.allow = true, .limit = -1};
    Oid oid;
    const void *form;
    TRY(read_options(env, stmt->options, &o, err));
    TRY(lookup_database(env, stmt->dbname, false, &oid, err));
    TRY(owner_check(env, REL_pg_database, oid, err));
    TRY(cat_get_by_oid(env, REL_pg_database, IDX_database_oid, oid, call->arena, &form, err));
    Form_pg_database f = *(const Form_pg_database *)form;
    if (o.allow_given && !o.allow && oid == env->database_oid)
        return error_set(err, ERR_INVALID_PARAMETER_VALUE, "cannot disallow connections for current database");
    if (o.allow_given) f.datallowconn = o.allow;
    if (o.is_template_given) f.datistemplate = o.is_template;
    if (o.limit_given) f.datconnlimit = o.limit;
    return cat_update(env, REL_pg_database, &f, err);
}
