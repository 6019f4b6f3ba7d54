/* From the first byte to ReadyForQuery: SSLRequest and GSSENCRequest, protocol version, parameters, role, database (manual 55.2.1). */
#include "server/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "catalog/cat_write.h"

static Status fatal(Error *err)
{
    if (err->severity < SEV_FATAL) err->severity = SEV_FATAL;
    return ST_FAILED;
}

static const char *option(const StartupMsg *msg, const char *name)
{
    for (int i = 0; i < msg->noptions; i++)
        if (!strcmp(msg->options[i].name, name)) return msg->options[i].value;
    return NULL;
}

void session_detach(Session *s)
{
    if (!s->odb) return;
    cat_session_free(&s->env);
    server_database_release(s->server, s->odb);
    s->odb = NULL;
    s->env.db = NULL;
    s->env.catalog = NULL;
}

Status session_attach(Session *s, Oid database, const char *name, Error *err)
{
    TRY(server_database_open(s->server, database, &s->odb, err));
    s->env.db = s->odb->db;
    s->env.catalog = s->odb->catalog;
    s->env.database_oid = database;
    snprintf(s->database_name, sizeof s->database_name, "%s", name);
    s->env.database_name = s->database_name;
    return cat_session_new(&s->env, err);
}

/* One setting of the start-up packet; unknown names are errors as in PostgreSQL. */
static Status apply_setting(Session *s, const char *name, const char *value, Error *err)
{
    SettingChange how = {.source = SETSRC_CLIENT, .is_superuser = s->env.is_superuser};
    return setting_set(s->env.settings, name, value, how, err);
}

/* options=-c name=value --name=value, backslash escapes blanks. */
static Status apply_options(Session *s, const char *text, Error *err)
{
    char *copy = arena_strdup(&s->statement, text), *in = copy, *out, *word;
    TRY_MEM(copy, err);
    bool expect_c = false;
    while (*in) {
        while (*in == ' ' || *in == '\t' || *in == '\n') in++;
        if (!*in) break;
        for (word = out = in; *in && *in != ' ' && *in != '\t' && *in != '\n'; in++) {
            if (*in == '\\' && in[1]) in++;
            *out++ = *in;
        }
        if (*in) in++;
        *out = 0;
        if (!strcmp(word, "-c")) {
            expect_c = true;
            continue;
        }
        char *assignment = expect_c ? word : !strncmp(word, "-c", 2) || !strncmp(word, "--", 2) ? word + 2 : NULL;
        char *equals = assignment ? strchr(assignment, '=') : NULL;
        if (!equals) {
            error_set(err, ERR_SYNTAX_ERROR, "invalid command-line argument for server process: %s", word);
            return error_hint(err, "Try \"-c name=value\".");
        }
        *equals = 0;
        for (char *p = assignment; *p; p++)
            if (*p == '-') *p = '_';
        TRY(apply_setting(s, assignment, equals + 1, err));
        expect_c = false;
    }
    return ST_OK;
}

static Status apply_parameters(Session *s, const StartupMsg *msg, Error *err)
{
    const char *options = option(msg, "options");
    if (options) TRY(apply_options(s, options, err));
    for (int i = 0; i < msg->noptions; i++) {
        const StartupOption *o = &msg->options[i];
        if (!strcmp(o->name, "user") || !strcmp(o->name, "database") || !strcmp(o->name, "options") || !strcmp(o->name, "replication")) continue;
        TRY(apply_setting(s, o->name, o->value, err));
    }
    return ST_OK;
}

/* The last few places are for superusers, so that somebody can always look what is going on. */
static Status check_reserved(Session *s, Error *err)
{
    mutex_lock(&s->server->mutex);
    bool full = s->server->nsessions > s->server->options.max_connections;
    mutex_unlock(&s->server->mutex);
    if (full && !s->env.is_superuser)
        return error_set(err, ERR_TOO_MANY_CONNECTIONS, "remaining connection slots are reserved for non-replication superuser connections");
    return ST_OK;
}

static Status load_role(Session *s, const char *user, Error *err)
{
    Datum key = cat_name_key(&s->statement, user);
    const void *row;
    TRY(cat_get(&s->env, REL_pg_authid, IDX_authid_rolname, 1, &key, &s->statement, &row, err));
    const Form_pg_authid *role = row;
    if (!role) return error_set(err, ERR_INVALID_AUTHORIZATION_SPECIFICATION, "role \"%s\" does not exist", user);
    if (!role->rolcanlogin) return error_set(err, ERR_INVALID_AUTHORIZATION_SPECIFICATION, "role \"%s\" is not permitted to log in", user);
    s->env.session_user = s->env.current_user = role->oid;
    s->env.is_superuser = role->rolsuper;
    return ST_OK;
}

static bool may_create_database(Session *s, const char *user)
{
    Error err = ERROR_INIT;
    Datum key = cat_name_key(&s->statement, user);
    const void *row = NULL;
    bool may = !failed(cat_get(&s->env, REL_pg_authid, IDX_authid_rolname, 1, &key, &s->statement, &row, &err)) && row &&
               (((const Form_pg_authid *)row)->rolsuper || ((const Form_pg_authid *)row)->rolcreatedb);
    error_clear(&err);
    return may && setting_bool(s->env.settings, SET_auto_create_database);
}

static Status find_database(Session *s, const char *name, const Form_pg_database **out, Error *err)
{
    Datum key = cat_name_key(&s->statement, name);
    const void *row;
    TRY(cat_get(&s->env, REL_pg_database, IDX_database_datname, 1, &key, &s->statement, &row, err));
    *out = row;
    return ST_OK;
}

static Status create_database(Session *s, const char *name, Error *err)
{
    const char *sql = arena_printf(&s->statement, "CREATE DATABASE %s", quote_identifier(&s->statement, name));
    TRY_MEM(sql, err);
    Status st = s->env.hooks->run_sql(&s->env, sql, 0, NULL, NULL, NULL, NULL, NULL, NULL, err);
    if (!failed(st)) log_event(SEV_LOG, "database \"%s\" created on first connection", name);
    return st;
}

/* Role and database are looked up in the catalog of template1, which every cluster has; then the session moves to its own database. */
static Status choose_database(Session *s, const char *user, const char *dbname, Oid *out, Error *err)
{
    const Form_pg_database *row;
    TRY(block_start_statement(s, err));
    TRY(load_role(s, user, err));
    TRY(check_reserved(s, err));
    TRY(find_database(s, dbname, &row, err));
    if (!row && may_create_database(s, user)) {
        TRY(create_database(s, dbname, err));
        TRY(block_finish_statement(s, err));
        TRY(block_start_statement(s, err));
        TRY(find_database(s, dbname, &row, err));
    }
    if (!row) return error_set(err, ERR_UNDEFINED_DATABASE, "database \"%s\" does not exist", dbname);
    if (!row->datallowconn)
        return error_set(err, ERR_OBJECT_NOT_IN_PREREQUISITE_STATE, "database \"%s\" is not currently accepting connections", dbname);
    *out = row->oid;
    return block_finish_statement(s, err);
}

/* ALTER ROLE / DATABASE ... SET, least specific first. */
static Status apply_stored(Session *s, Oid database, Oid role, SettingSource source, Error *err)
{
    Datum keys[2] = {datum_oid(database), datum_oid(role)};
    const void *row;
    TRY(cat_get(&s->env, REL_pg_db_role_setting, IDX_db_role_setting, 2, keys, &s->statement, &row, err));
    if (!row) return ST_OK;
    const Form_pg_db_role_setting *setting = row;
    int n;
    const char *const *items;
    TRY(cat_get_texts(&s->statement, setting->setconfig, &items, &n, err));
    for (int i = 0; i < n; i++) {
        char *name = arena_strdup(&s->statement, items[i]), *eq = name ? strchr(name, '=') : NULL;
        if (!eq) continue;
        *eq = 0;
        SettingChange how = {.source = source, .is_superuser = true};
        TRY(setting_set(s->env.settings, name, eq + 1, how, err));
    }
    return ST_OK;
}

static Status session_defaults(Session *s, const StartupMsg *msg, Error *err)
{
    SettingChange internal = {.source = SETSRC_DEFAULT, .is_superuser = true};
    TRY(block_start_statement(s, err));
    TRY(apply_stored(s, 0, 0, SETSRC_DATABASE, err));
    TRY(apply_stored(s, s->env.database_oid, 0, SETSRC_DATABASE, err));
    TRY(apply_stored(s, 0, s->env.session_user, SETSRC_ROLE, err));
    TRY(apply_stored(s, s->env.database_oid, s->env.session_user, SETSRC_ROLE, err));
    TRY(apply_parameters(s, msg, err));
    TRY(setting_set(s->env.settings, "is_superuser", s->env.is_superuser ? "on" : "off", internal, err));
    TRY(setting_set(s->env.settings, "session_authorization", s->user_name, internal, err));
    session_env_refresh(&s->env);
    return block_finish_statement(s, err);
}

static void report_change(void *arg, const char *name, const char *value)
{
    Session *s = arg;
    if (s->authenticated) backend_parameter_status(&s->io, name, value);
    if (!strcmp(name, "application_name")) {
        mutex_lock(&s->activity_mutex);
        snprintf(s->application_name, sizeof s->application_name, "%s", value);
        mutex_unlock(&s->activity_mutex);
    }
}

static Status report_all(Session *s, Error *err)
{
    for (int i = 0; i < setting_count(); i++) {
        const SettingInfo *info = setting_info(i);
        const char *value;
        if (!info->report) continue;
        TRY(setting_show(s->env.settings, info->name, false, &s->statement, &value, err));
        backend_parameter_status(&s->io, info->name, value);
        if (!strcmp(info->name, "application_name")) snprintf(s->application_name, sizeof s->application_name, "%s", value);
    }
    return ST_OK;
}

static Status admit(Session *s, const StartupMsg *msg, Error *err)
{
    const char *user = option(msg, "user"), *dbname = option(msg, "database");
    const char *replication = option(msg, "replication");
    Oid database;
    if (!user || !user[0]) return error_set(err, ERR_INVALID_AUTHORIZATION_SPECIFICATION, "no PostgreSQL user name specified in startup packet");
    if (replication && strcmp(replication, "false") && strcmp(replication, "off") && strcmp(replication, "0"))
        return error_unsupported(err, "replication connections");
    if (!dbname || !dbname[0]) dbname = user;
    snprintf(s->user_name, sizeof s->user_name, "%.63s", user);
    TRY(session_attach(s, 1, "template1", err));
    TRY(choose_database(s, user, dbname, &database, err));
    if (database != 1) {
        session_detach(s);
        char name[64];
        snprintf(name, sizeof name, "%.63s", dbname);
        TRY(session_attach(s, database, name, err));
    }
    TRY(session_defaults(s, msg, err));
    return ST_OK;
}

static Status welcome(Session *s, const StartupMsg *msg, Error *err)
{
    backend_auth_ok(&s->io);
    TRY(report_all(s, err));
    backend_key_data(&s->io, s->pid, slice_of(s->secret, sizeof s->secret));
    s->authenticated = true;
    settings_on_report(s->env.settings, report_change, s);
    log_set_session(s->pid, s->user_name, s->database_name);
    return ST_OK;
}

/* SSLRequest and GSSENCRequest may each come once before the real packet; both are answered N. */
static Status read_request(Session *s, StartupMsg *msg, bool *eof, Error *err)
{
    for (int tries = 0; tries < 3; tries++) {
        Slice body;
        TRY(wire_read_startup(&s->io, STARTUP_MAX_BYTES, &body, eof, err));
        if (*eof) return ST_OK;
        /* The packet's strings are used after the buffer moved on. */
        void *copy = arena_memdup(&s->statement, body.data, body.len);
        TRY_MEM(copy, err);
        TRY(frontend_startup(slice_of(copy, body.len), &s->statement, msg, err));
        if (msg->code != STARTUP_SSL && msg->code != STARTUP_GSSENC) return ST_OK;
        strbuf_char(&s->io.out, 'N');
        TRY(wire_flush(&s->io, err));
    }
    return error_set(err, ERR_PROTOCOL_VIOLATION, "too many encryption requests");
}

static Status check_version(Session *s, const StartupMsg *msg, Error *err)
{
    if (msg->code >> 16 != PROTOCOL_MAJOR)
        return error_set(err, ERR_FEATURE_NOT_SUPPORTED, "unsupported frontend protocol %d.%d: server supports 3.0 to 3.0", msg->code >> 16,
                         msg->code & 0xffff);
    if ((msg->code & 0xffff) > PROTOCOL_MINOR_SUPPORTED || msg->nunrecognized)
        backend_negotiate_version(&s->io, PROTOCOL_MINOR_SUPPORTED, msg->nunrecognized, msg->unrecognized);
    return ST_OK;
}

static Status check_capacity(Session *s, Error *err)
{
    mutex_lock(&s->server->mutex);
    bool full = s->server->nsessions > s->server->options.max_connections + s->server->options.superuser_reserved;
    bool draining = atomic_load(&s->server->draining);
    mutex_unlock(&s->server->mutex);
    if (draining) return error_set(err, ERR_CANNOT_CONNECT_NOW, "the database system is shutting down");
    if (full) return error_set(err, ERR_TOO_MANY_CONNECTIONS, "sorry, too many clients already");
    return ST_OK;
}

Status session_startup(Session *s, bool *go, Error *err)
{
    StartupMsg msg;
    bool eof;
    *go = false;
    Status st = read_request(s, &msg, &eof, err);
    if (!failed(st) && eof) return ST_OK;
    if (!failed(st) && msg.code == STARTUP_CANCEL) {
        registry_cancel(s->server, msg.cancel_pid, msg.cancel_key);
        return ST_OK;
    }
    if (!failed(st)) st = check_version(s, &msg, err);
    if (!failed(st)) st = check_capacity(s, err);
    if (!failed(st)) st = admit(s, &msg, err);
    if (!failed(st)) st = welcome(s, &msg, err);
    if (failed(st)) return fatal(err);
    arena_reset(&s->statement);
    *go = true;
    return ST_OK;
}
