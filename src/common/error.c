/* Error: heap strings, first error wins; out of memory is a static text, so it can always be raised. */
#define _GNU_SOURCE
#include "common/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char oom_message[] = "out of memory";

static void free_text(char *s)
{
    if (s != oom_message) free(s);
}

static char *dup_text(const char *s)
{
    char *copy = s ? strdup(s) : NULL;
    return s && !copy ? oom_message : copy;
}

static char *format_text(const char *fmt, va_list ap)
{
    char *s = NULL;
    return vasprintf(&s, fmt, ap) < 0 ? oom_message : s;
}

Status error_set_at(Error *err, SqlState code, const char *file, int line, const char *routine, const char *fmt, ...)
{
    if (!err || err->code) return ST_FAILED;
    va_list ap;
    va_start(ap, fmt);
    err->message = format_text(fmt, ap);
    va_end(ap);
    err->code = code;
    err->severity = SEV_ERROR;
    err->file = file;
    err->line = line;
    err->routine = routine;
    return ST_FAILED;
}

Status (error_detail)(Error *err, const char *fmt, ...)
{
    if (!error_is_set(err) || err->detail) return ST_FAILED;
    va_list ap;
    va_start(ap, fmt);
    err->detail = format_text(fmt, ap);
    va_end(ap);
    return ST_FAILED;
}

Status (error_hint)(Error *err, const char *fmt, ...)
{
    if (!error_is_set(err) || err->hint) return ST_FAILED;
    va_list ap;
    va_start(ap, fmt);
    err->hint = format_text(fmt, ap);
    va_end(ap);
    return ST_FAILED;
}

Status (error_position)(Error *err, int position)
{
    if (error_is_set(err) && !err->position && position > 0) err->position = position;
    return ST_FAILED;
}

Status (error_context)(Error *err, const char *fmt, ...)
{
    if (!error_is_set(err)) return ST_FAILED;
    va_list ap;
    va_start(ap, fmt);
    char *line = format_text(fmt, ap), *both = NULL;
    va_end(ap);
    if (!err->context) {
        err->context = line;
        return ST_FAILED;
    }
    if (asprintf(&both, "%s\n%s", err->context, line) >= 0) {
        free_text(err->context);
        err->context = both;
    }
    free_text(line);
    return ST_FAILED;
}

static void name_once(char **field, const char *name)
{
    if (!*field && name) *field = dup_text(name);
}

Status (error_names)(Error *err, const char *schema, const char *table, const char *column, const char *datatype,
                   const char *constraint)
{
    if (!error_is_set(err)) return ST_FAILED;
    name_once(&err->schema, schema);
    name_once(&err->table, table);
    name_once(&err->column, column);
    name_once(&err->datatype, datatype);
    name_once(&err->constraint, constraint);
    return ST_FAILED;
}

Status (error_out_of_memory)(Error *err, size_t wanted_bytes)
{
    (void)wanted_bytes; /* for a debugger: a detail line would have to be allocated */
    if (err && !err->code)
        *err = (Error){.code = ERR_OUT_OF_MEMORY, .severity = SEV_ERROR, .message = oom_message, .file = __FILE__,
                       .line = __LINE__, .routine = __func__};
    return ST_FAILED;
}

Status (error_stack_depth)(Error *err)
{
    error_set(err, ERR_STATEMENT_TOO_COMPLEX, "stack depth limit exceeded");
    return error_hint(err, "Increase the configuration parameter \"max_stack_depth\" (currently 2048kB), "
                           "after ensuring the platform's stack depth limit is adequate.");
}

Status (error_unsupported)(Error *err, const char *what)
{
    return error_set(err, ERR_FEATURE_NOT_SUPPORTED, "%s is not supported", what);
}

void error_clear(Error *err)
{
    if (!err) return;
    char *texts[] = {err->message, err->detail, err->hint,   err->context,  err->internal_query,
                     err->schema,  err->table,  err->column, err->datatype, err->constraint};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) free_text(texts[i]);
    *err = ERROR_INIT;
}

void error_move(Error *dst, Error *src)
{
    if (dst == src) return;
    error_clear(dst);
    if (!dst) {
        error_clear(src);
        return;
    }
    *dst = *src;
    *src = ERROR_INIT;
}

void error_copy(Error *dst, const Error *src)
{
    if (!dst || dst == src) return;
    error_clear(dst);
    *dst = *src;
    dst->message = dup_text(src->message);
    dst->detail = dup_text(src->detail);
    dst->hint = dup_text(src->hint);
    dst->context = dup_text(src->context);
    dst->internal_query = dup_text(src->internal_query);
    dst->schema = dup_text(src->schema);
    dst->table = dup_text(src->table);
    dst->column = dup_text(src->column);
    dst->datatype = dup_text(src->datatype);
    dst->constraint = dup_text(src->constraint);
}

void sqlstate_text(SqlState code, char out[6])
{
    for (int i = 0; i < 5; i++) out[i] = (char)((code >> 6 * i & 0x3F) + '0');
    out[5] = 0;
}

SqlState sqlstate_parse(const char text[5]) { return SQLSTATE(text[0], text[1], text[2], text[3], text[4]); }

const char *sqlstate_condition_name(SqlState code)
{
    static const struct { SqlState code; const char *name; } names[] = {
#define ERRCODE(name, a, b, c, d, e, cls, condition) {SQLSTATE(a, b, c, d, e), condition},
#include "common/errcodes.def"
#undef ERRCODE
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].code == code && names[i].name) return names[i].name;
    return NULL;
}

const char *severity_text(Severity sev)
{
    static const char *const texts[] = {[SEV_DEBUG] = "DEBUG", [SEV_LOG] = "LOG", [SEV_INFO] = "INFO",
                                        [SEV_NOTICE] = "NOTICE", [SEV_WARNING] = "WARNING", [SEV_ERROR] = "ERROR",
                                        [SEV_FATAL] = "FATAL", [SEV_PANIC] = "PANIC"};
    return texts[sev];
}
