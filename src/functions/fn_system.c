/* The session and the server: names, settings, transactions, signals, sleeping, notifications. */
#include <stdio.h>
#include <stdlib.h>

#include "catalog/acl.h"
#include "catalog/name_lookup.h"
#include "common/thread.h"
#include "functions/fn.h"

static Datum name_result(CallFrame *cf, const char *s)
{
    if (!s) RETURN_NULL();
    return call_return_cstr(cf, s);
}

FN(pgsql_version)
{
    const char *v = NULL;
    if (cf->env && cf->env->settings) FTRY(setting_show(cf->env->settings, "server_version", true, cf->arena, &v, cf->err));
    size_t n = v ? strcspn(v, " ") : 0;
    return call_return_cstr(cf, arena_printf(cf->arena, "PostgreSQL %.*s (HeliosDB Nano) on %s, compiled by %s %s, %d-bit", v ? (int)n : 2, v ? v : "15",
#if defined(__x86_64__)
                                             "x86_64-pc-linux-gnu",
#elif defined(__aarch64__)
                                             "aarch64-unknown-linux-gnu",
#else
                                             "unknown-linux-gnu",
#endif
#ifdef __clang__
                                             "clang",
#else
                                             "gcc",
#endif
                                             __VERSION__, (int)sizeof(void *) * 8));
}
FN(current_database) { return name_result(cf, cf->env->database_name); }
FN(current_user) { return name_result(cf, role_name_of(cf->env, cf->env->current_user, cf->arena)); }
FN(session_user) { return name_result(cf, role_name_of(cf->env, cf->env->session_user, cf->arena)); }
FN(current_schema)
{
    const Oid *path;
    int n;
    FTRY(search_path_oids(cf->env, false, cf->arena, &path, &n, cf->err));
    return name_result(cf, n ? namespace_name_of(cf->env, path[0], cf->arena) : NULL);
}
FN(current_schemas)
{
    const Oid *path;
    int n;
    ArrayBuilder b;
    Datum out = 0;
    FTRY(search_path_oids(cf->env, ARG_BOOL(0), cf->arena, &path, &n, cf->err));
    array_builder_init(&b, cf->arena, type_builtin(TYPE_name));
    for (int i = 0; i < n; i++) {
        const char *name = namespace_name_of(cf->env, path[i], cf->arena);
        if (!name) continue;
        Datum d = varlena_cstr(cf->arena, name);
        FTRY_MEM(d);
        FTRY(array_builder_add(&b, d, false, cf->err));
    }
    FTRY(array_builder_finish(&b, cf->arena, &out, cf->err));
    return out;
}
FN(pg_backend_pid) { return datum_i32(cf->env->pid); }
FN(getdatabaseencoding) { return call_return_cstr(cf, "UTF8"); }
FN(pg_client_encoding) { return call_return_cstr(cf, "UTF8"); }
static const struct { int id; const char *name; } encodings[] = {
    {0, "SQL_ASCII"}, {1, "EUC_JP"}, {2, "EUC_CN"}, {3, "EUC_KR"}, {4, "EUC_TW"}, {5, "EUC_JIS_2004"}, {6, "UTF8"}, {7, "MULE_INTERNAL"},
    {8, "LATIN1"}, {9, "LATIN2"}, {10, "LATIN3"}, {11, "LATIN4"}, {12, "LATIN5"}, {13, "LATIN6"}, {14, "LATIN7"}, {15, "LATIN8"}, {16, "LATIN9"},
    {17, "LATIN10"}, {18, "WIN1256"}, {19, "WIN1258"}, {20, "WIN866"}, {21, "WIN874"}, {22, "KOI8R"}, {23, "WIN1251"}, {24, "WIN1252"},
    {25, "ISO_8859_5"}, {26, "ISO_8859_6"}, {27, "ISO_8859_7"}, {28, "ISO_8859_8"}, {29, "WIN1250"}, {30, "WIN1253"}, {31, "WIN1254"},
    {32, "WIN1255"}, {33, "WIN1257"}, {34, "KOI8U"}, {35, "SJIS"}, {36, "BIG5"}, {37, "GBK"}, {38, "UHC"}, {39, "GB18030"}, {40, "JOHAB"},
    {41, "SHIFT_JIS_2004"}};
FN(PG_encoding_to_char)
{
    for (size_t i = 0; i < sizeof encodings / sizeof encodings[0]; i++)
        if (encodings[i].id == ARG_I32(0)) return call_return_cstr(cf, encodings[i].name);
    return call_return_cstr(cf, "");
}
FN(PG_char_to_encoding)
{
    Slice s = ARG_TEXT(0);
    char up[32];
    size_t n = 0;
    for (size_t i = 0; i < s.len && n < sizeof up - 1; i++)
        if (s.data[i] != '-' && s.data[i] != '_') up[n++] = (char)(s.data[i] >= 'a' && s.data[i] <= 'z' ? s.data[i] - 32 : s.data[i]);
    up[n] = 0;
    for (size_t i = 0; i < sizeof encodings / sizeof encodings[0]; i++) {
        char e[32];
        size_t k = 0;
        for (const char *p = encodings[i].name; *p; p++)
            if (*p != '_') e[k++] = *p;
        e[k] = 0;
        if (!strcmp(e, up)) return datum_i32(encodings[i].id);
    }
    return datum_i32(!strcmp(up, "UNICODE") ? 6 : -1);
}
FN(pg_encoding_max_length_sql) { return ARG_I32(0) == 6 ? datum_i32(4) : datum_i32(1); }

/* ---- settings ---- */
static Datum show_setting(CallFrame *cf, bool missing_ok)
{
    const char *v = NULL;
    char *name = fn_arg_cstr(cf, 0);
    if (!name) return 0;
    FTRY(setting_show(cf->env->settings, name, missing_ok, cf->arena, &v, cf->err));
    return name_result(cf, v);
}
FN(show_config_by_name) { return show_setting(cf, false); }
FN(show_config_by_name_missing_ok) { return show_setting(cf, ARG_BOOL(1)); }
FN(set_config_by_name)
{
    const char *v = NULL;
    if (cf->nulls[0]) return CALL_ERROR(cf, ERR_NULL_VALUE_NOT_ALLOWED, "SET requires parameter name");
    char *name = fn_arg_cstr(cf, 0), *value = cf->nulls[1] ? NULL : fn_arg_cstr(cf, 1);
    bool local = !cf->nulls[2] && ARG_BOOL(2);
    if (!fn_ok(cf)) return 0;
    FTRY(setting_set(cf->env->settings, name, value, (SettingChange){.source = SETSRC_SESSION, .is_local = local, .is_superuser = cf->env->is_superuser}, cf->err));
    session_env_refresh(cf->env);
    FTRY(setting_show(cf->env->settings, name, false, cf->arena, &v, cf->err));
    return name_result(cf, v);
}
FN(pg_settings_get_flags)
{
    ArrayBuilder b;
    Datum out = 0;
    char *name = fn_arg_cstr(cf, 0);
    if (!name) return 0;
    if (setting_find(name) < 0) RETURN_NULL();
    array_builder_init(&b, cf->arena, type_builtin(TYPE_text));
    FTRY(array_builder_finish(&b, cf->arena, &out, cf->err));
    return out;
}

/* ---- transactions ---- */
FN(pg_current_xact_id) { return (Datum)txn_id(cf->env->txn); }
FN(pg_current_xact_id_if_assigned)
{
    uint64_t id = txn_id_if_assigned(cf->env->txn);
    if (!id) RETURN_NULL();
    return (Datum)id;
}
FN(pg_is_in_recovery) { return datum_bool(false); }
FN(pg_export_snapshot) { return CALL_ERROR(cf, ERR_FEATURE_NOT_SUPPORTED, "exporting snapshots is not supported"); }
FN(pg_postmaster_start_time)
{
    static int64_t start;
    if (!start) start = unix_us_to_timestamp(clock_wall_us());
    return datum_i64(cf->env && cf->env->backend_start && cf->env->backend_start < start ? (start = cf->env->backend_start) : start);
}
FN(pg_conf_load_time) { return fn_pg_postmaster_start_time(cf); }
FN(pg_trigger_depth) { return datum_i32(0); }
FN(pg_jit_available) { return datum_bool(false); }
FN(pg_current_logfile) { RETURN_NULL(); }
FN(pg_current_logfile_1arg) { RETURN_NULL(); }
FN(pg_last_xact_replay_timestamp) { RETURN_NULL(); }
FN(pg_reload_conf) { return datum_bool(true); }
FN(pg_rotate_logfile) { return datum_bool(false); }
FN(pg_rotate_logfile_v2) { return datum_bool(false); }
FN(xid_age) { return datum_i32((int32_t)((uint32_t)txn_id(cf->env->txn) - ARG_OID(0))); }
FN(mxid_age) { return datum_i32(0); }
FN(current_query)
{
    RETURN_NULL();
}

/* ---- temporary schema ---- */
FN(pg_my_temp_schema)
{
    const Oid *path;
    int n;
    FTRY(search_path_oids(cf->env, true, cf->arena, &path, &n, cf->err));
    for (int i = 0; i < n; i++) {
        const char *name = namespace_name_of(cf->env, path[i], cf->arena);
        if (name && !strncmp(name, "pg_temp_", 8)) return datum_oid(path[i]);
    }
    return datum_oid(0);
}
FN(pg_is_other_temp_schema)
{
    const char *name = namespace_name_of(cf->env, ARG_OID(0), cf->arena);
    if (!name || strncmp(name, "pg_temp_", 8)) return datum_bool(false);
    return datum_bool(datum_get_oid(fn_pg_my_temp_schema(cf)) != ARG_OID(0));
}

/* ---- the connection ---- */
FN(inet_client_port) { if (!cf->env->client_addr) RETURN_NULL(); return datum_i32(cf->env->client_port); }
FN(inet_server_port) { if (!cf->env->client_addr) RETURN_NULL(); return datum_i32(cf->env->server_port); }

static Datum signal(CallFrame *cf, uint32_t bits)
{
    bool ok = cf->env->hooks && cf->env->hooks->signal_session && cf->env->hooks->signal_session(cf->env, ARG_I32(0), bits);
    if (!ok) session_notice(cf->env, SEV_WARNING, ERR_WARNING, NULL, NULL, "PID %d is not a PostgreSQL server process", ARG_I32(0));
    return datum_bool(ok);
}
FN(pg_cancel_backend) { return signal(cf, INTERRUPT_CANCEL); }
FN(pg_terminate_backend) { return signal(cf, INTERRUPT_TERMINATE); }

FN(pg_notify)
{
    char *channel = cf->nulls[0] ? NULL : fn_arg_cstr(cf, 0), *payload = cf->nulls[1] ? NULL : fn_arg_cstr(cf, 1);
    if (!fn_ok(cf)) return 0;
    if (!channel || !*channel) return CALL_ERROR(cf, ERR_INVALID_PARAMETER_VALUE, "channel name cannot be empty");
    if (strlen(channel) >= 64) return CALL_ERROR(cf, ERR_INVALID_PARAMETER_VALUE, "channel name too long");
    if (payload && strlen(payload) >= 8000) return CALL_ERROR(cf, ERR_INVALID_PARAMETER_VALUE, "payload string too long");
    if (!cf->env->hooks || !cf->env->hooks->notify) return CALL_ERROR(cf, ERR_FEATURE_NOT_SUPPORTED, "notifications are not available here");
    FTRY(cf->env->hooks->notify(cf->env, channel, payload ? payload : "", cf->err));
    return 0;
}
FN(pg_notification_queue_usage) { return datum_f8(0); }

/* ---- sleeping: an interrupt ends it ---- */
typedef struct Sleeper { Mutex mutex; Cond cond; } Sleeper;
static void wake_sleeper(void *arg)
{
    Sleeper *s = arg;
    mutex_lock(&s->mutex);
    cond_broadcast(&s->cond);
    mutex_unlock(&s->mutex);
}
static Datum sleep_for(CallFrame *cf, double seconds)
{
    Sleeper s;
    Interrupt *in = fn_interrupt(cf);
    if (!(seconds > 0)) return 0;
    if (seconds > 1e9) seconds = 1e9;
    int64_t until = clock_monotonic_ns() + (int64_t)(seconds * 1e9);
    Status st = ST_OK;
    mutex_init(&s.mutex);
    cond_init(&s.cond);
    if (in) interrupt_set_waker(in, wake_sleeper, &s);
    mutex_lock(&s.mutex);
    while (!failed(st = INTERRUPT_CHECK(in, cf->err)))
        if (!cond_wait_until(&s.cond, &s.mutex, until)) break;
    mutex_unlock(&s.mutex);
    if (in) interrupt_set_waker(in, NULL, NULL);
    cond_destroy(&s.cond);
    mutex_destroy(&s.mutex);
    FTRY(st);
    return 0;
}
FN(pg_sleep) { return sleep_for(cf, ARG_F8(0)); }
FN(sql_pg_sleep_for)
{
    Interval iv = interval_get(cf->args[0]);
    return sleep_for(cf, (double)interval_span(&iv) / 1e6);
}
FN(sql_pg_sleep_until) { return sleep_for(cf, (double)(ARG_I64(0) - unix_us_to_timestamp(clock_wall_us())) / 1e6); }

/* ---- locks ---- */
FN(pg_blocking_pids)
{
    int pids[64];
    ArrayBuilder b;
    Datum out = 0;
    int n = lock_blockers(cf->env->cluster, ARG_I32(0), pids, 64);
    array_builder_init(&b, cf->arena, type_builtin(TYPE_int4));
    for (int i = 0; i < n; i++) FTRY(array_builder_add(&b, datum_i32(pids[i]), false, cf->err));
    FTRY(array_builder_finish(&b, cf->arena, &out, cf->err));
    return out;
}
FN(pg_safe_snapshot_blocking_pids)
{
    ArrayBuilder b;
    Datum out = 0;
    array_builder_init(&b, cf->arena, type_builtin(TYPE_int4));
    FTRY(array_builder_finish(&b, cf->arena, &out, cf->err));
    return out;
}

/* ---- time zones ---- */
typedef struct NameList { char **v; int n, cap, next; Arena *arena; bool oom; } NameList;
static void collect(void *arg, const char *name)
{
    NameList *l = arg;
    if (l->n == l->cap) {
        int cap = l->cap ? l->cap * 2 : 256;
        char **v = arena_alloc(l->arena, (size_t)cap * sizeof *v);
        if (!v) {
            l->oom = true;
            return;
        }
        if (l->n) memcpy(v, l->v, (size_t)l->n * sizeof *v);
        l->v = v;
        l->cap = cap;
    }
    l->v[l->n] = arena_strdup(l->arena, name);
    if (!l->v[l->n++]) l->oom = true;
}
static Datum zone_row(CallFrame *cf, const char *name, const char *abbrev, int east, bool dst)
{
    Datum c[4];
    int n = 0;
    if (name) c[n++] = call_return_cstr(cf, name);
    c[n++] = call_return_cstr(cf, abbrev);
    c[n++] = fn_return_interval(cf, &(Interval){.time = east * USECS_PER_SEC});
    c[n++] = datum_bool(dst);
    return fn_return_row(cf, n, c, NULL);
}
FN(pg_timezone_names)
{
    NameList *l = cf->site_state;
    if (!l) {
        l = cf->site_state = fn_site_alloc(cf, sizeof *l);
        FTRY_MEM(l);
        l->arena = cf->site_arena ? cf->site_arena : cf->arena;
        timezone_each_name(collect, l);
        if (l->oom) return fn_oom(cf);
    }
    for (; l->next < l->n; l->next++) {
        const TimeZone *tz = timezone_find(slice_cstr(l->v[l->next]));
        if (!tz) continue;
        ZoneOffset z = timezone_at(tz, fn_format(cf)->now_us / USECS_PER_SEC + POSTGRES_EPOCH_UNIX_S);
        return zone_row(cf, l->v[l->next++], z.abbrev ? z.abbrev : "", z.seconds_east, z.is_dst);
    }
    cf->set->done = true;
    return 0;
}
FN(pg_timezone_abbrevs)
{
    int i = (int)(uintptr_t)cf->site_state;
    ZoneAbbrev z;
    if (i >= timezone_abbrev_count()) {
        cf->set->done = true;
        return 0;
    }
    const char *name = timezone_abbrev_at(i, &z);
    if (z.zone) {
        ZoneOffset o;
        int64_t now = fn_format(cf)->now_us / USECS_PER_SEC + POSTGRES_EPOCH_UNIX_S;
        if (!timezone_abbrev_in_zone(z.zone, slice_cstr(name), now, &o)) o = timezone_at(z.zone, now);
        z.seconds_east = o.seconds_east;
        z.is_dst = o.is_dst;
    }
    cf->site_state = (void *)(uintptr_t)(i + 1);
    return zone_row(cf, NULL, name, z.seconds_east, z.is_dst);
}

/* ---- sets that are empty here ---- */
#define NO_ROWS(name) FN(name) { cf->set->done = true; return 0; }
NO_ROWS(pg_listening_channels)
NO_ROWS(pg_partition_tree)
NO_ROWS(pg_partition_ancestors)
NO_ROWS(pg_tablespace_databases)
NO_ROWS(pg_hba_file_rules)
NO_ROWS(pg_ident_file_mappings)
NO_ROWS(show_all_file_settings)
NO_ROWS(pg_prepared_xact)
NO_ROWS(pg_available_extension_versions)
NO_ROWS(pg_stat_get_progress_info)
NO_ROWS(pg_stat_get_wal_senders)
NO_ROWS(pg_stat_get_slru)
NO_ROWS(pg_get_publication_tables)
NO_ROWS(pg_get_replication_slots)
NO_ROWS(pg_show_replication_origin_status)
NO_ROWS(pg_get_shmem_allocations)
