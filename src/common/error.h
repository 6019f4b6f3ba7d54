/* Error: SQLSTATE plus PostgreSQL's message fields (manual 55.8 "Error and Notice Message Fields").
 *
 * The first error wins: error_set on an Error that already holds one is ignored, so a clean-up path never hides the reason.
 * Strings are owned by the Error (heap; error_clear frees them). An Error may live on the stack: `Error err = ERROR_INIT;`.
 * All functions tolerate err == NULL (the error is dropped; only for paths that cannot report). */
#ifndef HELIOS_COMMON_ERROR_H
#define HELIOS_COMMON_ERROR_H

#include <stddef.h>
#include <stdint.h>

#include "common/status.h"

/* SqlState and ERR_UNDEFINED_TABLE and so on: one enumerator for each row of errcodes.def. */
#include "common/errcodes.h"

typedef enum Severity {
    SEV_DEBUG, SEV_LOG, SEV_INFO, SEV_NOTICE, SEV_WARNING, SEV_ERROR, SEV_FATAL, SEV_PANIC
} Severity;

typedef struct Error {
    SqlState code; /* 0: no error */
    Severity severity;
    int position;          /* 1-based character position in the statement's text, 0: none */
    int internal_position; /* same within internal_query */
    char *message, *detail, *hint, *context, *internal_query;
    char *schema, *table, *column, *datatype, *constraint;
    const char *file, *routine; /* static strings: where it was raised */
    int line;
} Error;

#define ERROR_INIT ((Error){0})

static inline bool error_is_set(const Error *err) { return err && err->code != 0; }

/* Raises: sets code and message unless an error is there already; always returns ST_FAILED, so that
 *     return error_set(err, ERR_DIVISION_BY_ZERO, "division by zero");
 * is the idiom. The severity is SEV_ERROR. */
#define error_set(err, code, ...) FAILING(error_set_at((err), (code), __FILE__, __LINE__, __func__, __VA_ARGS__))
/* Tells the compiler too that the result is ST_FAILED, so that it does not suspect results to be used uninitialised. */
#define FAILING(call) ({ (void)(call); ST_FAILED; })
Status error_set_at(Error *err, SqlState code, const char *file, int line, const char *routine, const char *fmt, ...)
    PRINTF_LIKE(6, 7);

/* Adorn the error that is set (no-ops without one, or where the field is set already). Each returns ST_FAILED. */
Status error_detail(Error *err, const char *fmt, ...) PRINTF_LIKE(2, 3);
Status error_hint(Error *err, const char *fmt, ...) PRINTF_LIKE(2, 3);
Status error_position(Error *err, int position);                     /* 1-based; <= 0 ignored */
Status error_context(Error *err, const char *fmt, ...) PRINTF_LIKE(2, 3); /* appends a line, innermost first */
Status error_names(Error *err, const char *schema, const char *table, const char *column, const char *datatype,
                   const char *constraint); /* any may be NULL */

/* 53200 in static memory: raising it allocates nothing. */
Status error_out_of_memory(Error *err, size_t wanted_bytes);
/* 54001 "stack depth limit exceeded" with PostgreSQL's hint. */
Status error_stack_depth(Error *err);
/* 0A000. */
Status error_unsupported(Error *err, const char *what);

#define error_detail(...) FAILING(error_detail(__VA_ARGS__))
#define error_hint(...) FAILING(error_hint(__VA_ARGS__))
#define error_position(err, position) FAILING(error_position(err, position))
#define error_context(...) FAILING(error_context(__VA_ARGS__))
#define error_names(...) FAILING(error_names(__VA_ARGS__))
#define error_out_of_memory(err, bytes) FAILING(error_out_of_memory(err, bytes))
#define error_stack_depth(err) FAILING(error_stack_depth(err))
#define error_unsupported(err, what) FAILING(error_unsupported(err, what))

void error_clear(Error *err);              /* frees; the Error is as ERROR_INIT afterwards */
void error_move(Error *dst, Error *src);   /* dst (cleared first) takes over src's fields; src becomes ERROR_INIT */
void error_copy(Error *dst, const Error *src);

void sqlstate_text(SqlState code, char out[6]);      /* "42P01" */
SqlState sqlstate_parse(const char text[5]);
const char *sqlstate_condition_name(SqlState code);  /* "undefined_table", or NULL */
const char *severity_text(Severity sev);             /* "ERROR", ... */

#endif
