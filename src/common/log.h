/* The server's log: one line an event on stderr, text or JSON, with time, level, pid-like session id, and message.
 * Never log secrets: passwords, SCRAM material, bind values (unless log_queries asks for statements). Thread-safe. */
#ifndef HELIOS_COMMON_LOG_H
#define HELIOS_COMMON_LOG_H

#include "common/error.h"

typedef enum LogFormat { LOG_TEXT, LOG_JSON } LogFormat;

void log_configure(LogFormat format, Severity at_least);
void log_set_session(int pid, const char *user, const char *database); /* thread-local; strings are copied; NULL clears */
void log_event(Severity sev, const char *fmt, ...) PRINTF_LIKE(2, 3);
void log_error(const Error *err, const char *statement_or_null);

#endif
