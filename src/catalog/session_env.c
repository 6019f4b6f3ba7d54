/* What a session knows of itself in decoded form. */
#define _GNU_SOURCE
#include "catalog/session_env.h"

#include <stdio.h>
#include <string.h>

#include "types/timezone.h"

static void decode_datestyle(const char *s, FormatOptions *f)
{
    static const char *const formats[] = {"ISO", "SQL", "Postgres", "German"};
    for (int i = 0; i < 4; i++)
        if (!strncasecmp(s, formats[i], strlen(formats[i]))) f->datestyle = (DateStyleFormat)i;
    f->dateorder = strcasestr(s, "DMY") ? DATEORDER_DMY : strcasestr(s, "YMD") ? DATEORDER_YMD : DATEORDER_MDY;
}

void session_env_refresh(SessionEnv *env)
{
    uint64_t generation = setting_generation(env->settings);
    env->format.now_us = env->txn_start;
    if (env->format_generation == generation) return;
    env->format_generation = generation;
    FormatOptions *f = &env->format;
    decode_datestyle(setting_string(env->settings, SET_datestyle), f);
    const char *interval = setting_string(env->settings, SET_intervalstyle);
    f->intervalstyle = !strcmp(interval, "postgres_verbose") ? INTERVALSTYLE_VERBOSE : !strcmp(interval, "sql_standard") ? INTERVALSTYLE_SQL
                       : !strcmp(interval, "iso_8601")       ? INTERVALSTYLE_ISO     : INTERVALSTYLE_POSTGRES;
    f->timezone = timezone_find(slice_cstr(setting_string(env->settings, SET_timezone)));
    if (!f->timezone) f->timezone = timezone_utc();
    f->extra_float_digits = (int)setting_int(env->settings, SET_extra_float_digits);
    f->bytea_escape = !strcmp(setting_string(env->settings, SET_bytea_output), "escape");
}

void session_notice(SessionEnv *env, Severity sev, SqlState code, const char *detail, const char *hint, const char *fmt, ...)
{
    if (!env->hooks || !env->hooks->notice) return;
    Arena tmp;
    Error e = ERROR_INIT;
    va_list ap;
    arena_init(&tmp, env->account, 0);
    va_start(ap, fmt);
    const char *text = arena_vprintf(&tmp, fmt, ap);
    va_end(ap);
    (void)error_set_at(&e, ERR_WARNING, __FILE__, __LINE__, __func__, "%s", text ? text : fmt);
    arena_destroy(&tmp);
    if (detail) error_detail(&e, "%s", detail);
    if (hint) error_hint(&e, "%s", hint);
    e.severity = sev;
    e.code = code; /* 00000 counts as "no error", so it goes in last */
    env->hooks->notice(env, &e);
    e.code = ERR_WARNING;
    error_clear(&e);
}
