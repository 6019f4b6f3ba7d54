/* The log: each event is one write(2) of one line, so lines of several threads never mix. */
#define _GNU_SOURCE
#include "common/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "common/strbuf.h"
#include "common/thread.h"

static _Atomic int log_format = LOG_TEXT;
static _Atomic int log_at_least = SEV_LOG;

static _Thread_local int session_pid;
static _Thread_local char session_user[64], session_database[64];

void log_configure(LogFormat format, Severity at_least)
{
    atomic_store(&log_format, format);
    atomic_store(&log_at_least, at_least);
}

void log_set_session(int pid, const char *user, const char *database)
{
    session_pid = pid;
    snprintf(session_user, sizeof session_user, "%s", user ? user : "");
    snprintf(session_database, sizeof session_database, "%s", database ? database : "");
}

static void json_string(StrBuf *sb, const char *s)
{
    strbuf_char(sb, '"');
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        if (c == '"' || c == '\\') strbuf_char(sb, '\\'), strbuf_char(sb, (char)c);
        else if (c == '\n') strbuf_str(sb, "\\n");
        else if (c < 0x20) strbuf_printf(sb, "\\u%04x", c);
        else strbuf_char(sb, (char)c);
    }
    strbuf_char(sb, '"');
}

static void json_field(StrBuf *sb, const char *name, const char *value)
{
    if (!value || !*value) return;
    strbuf_printf(sb, ",\"%s\":", name);
    json_string(sb, value);
}

static void put_time(StrBuf *sb, bool iso)
{
    int64_t us = clock_wall_us();
    time_t t = (time_t)(us / 1000000);
    struct tm tm;
    char day[32];
    gmtime_r(&t, &tm);
    strftime(day, sizeof day, iso ? "%Y-%m-%dT%H:%M:%S" : "%Y-%m-%d %H:%M:%S", &tm);
    strbuf_printf(sb, iso ? "%s.%03dZ" : "%s.%03d UTC", day, (int)(us / 1000 % 1000));
}

/* A new line inside a message is indented by a tab, as PostgreSQL's log does, so that an event stays recognisable. */
static void put_text(StrBuf *sb, const char *s)
{
    for (; *s; s++) {
        strbuf_char(sb, *s);
        if (*s == '\n') strbuf_char(sb, '\t');
    }
}

static void start_text_line(StrBuf *sb, const char *label)
{
    put_time(sb, false);
    strbuf_printf(sb, " [%d] ", session_pid ? session_pid : (int)getpid());
    if (session_user[0]) strbuf_printf(sb, "%s@%s ", session_user, session_database);
    strbuf_printf(sb, "%s:  ", label);
}

static void text_line(StrBuf *sb, const char *label, const char *message)
{
    if (!message || !*message) return;
    start_text_line(sb, label);
    put_text(sb, message);
    strbuf_char(sb, '\n');
}

static void emit(Severity sev, const Error *err, const char *message, const char *statement)
{
    char code[6] = "";
    StrBuf sb;
    strbuf_init_heap(&sb, NULL);
    if (err) sqlstate_text(err->code, code);
    if (atomic_load(&log_format) == LOG_JSON) {
        strbuf_str(&sb, "{\"time\":\"");
        put_time(&sb, true);
        strbuf_printf(&sb, "\",\"level\":\"%s\",\"session\":%d", severity_text(sev), session_pid);
        json_field(&sb, "user", session_user);
        json_field(&sb, "database", session_database);
        json_field(&sb, "sqlstate", code);
        json_field(&sb, "message", message);
        json_field(&sb, "detail", err ? err->detail : NULL);
        json_field(&sb, "hint", err ? err->hint : NULL);
        json_field(&sb, "context", err ? err->context : NULL);
        json_field(&sb, "statement", statement);
        strbuf_str(&sb, "}\n");
    } else {
        text_line(&sb, severity_text(sev), message);
        text_line(&sb, "DETAIL", err ? err->detail : NULL);
        text_line(&sb, "HINT", err ? err->hint : NULL);
        text_line(&sb, "CONTEXT", err ? err->context : NULL);
        text_line(&sb, "STATEMENT", statement);
    }
    ssize_t ignored = write(STDERR_FILENO, strbuf_cstr(&sb), sb.len);
    (void)ignored; /* nowhere to say that the log is gone */
    strbuf_free(&sb);
}

/* LOG events are wanted whenever errors are: for a server log PostgreSQL ranks LOG above ERROR. */
static bool wanted(Severity sev)
{
    int at_least = atomic_load(&log_at_least);
    return (int)sev >= at_least || (sev == SEV_LOG && at_least <= SEV_ERROR);
}

void log_event(Severity sev, const char *fmt, ...)
{
    if (!wanted(sev)) return;
    char *text = NULL;
    va_list ap;
    va_start(ap, fmt);
    int n = vasprintf(&text, fmt, ap);
    va_end(ap);
    emit(sev, NULL, n < 0 ? "out of memory" : text, NULL);
    if (n >= 0) free(text);
}

void log_error(const Error *err, const char *statement_or_null)
{
    if (error_is_set(err) && wanted(err->severity))
        emit(err->severity, err, err->message ? err->message : "missing error text", statement_or_null);
}
