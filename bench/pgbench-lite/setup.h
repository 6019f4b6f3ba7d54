/* Creating and filling the tables, and what is asked of the server around a run. */
#ifndef PGBENCH_LITE_SETUP_H
#define PGBENCH_LITE_SETUP_H

#include "options.h"

#include <libpq-fe.h>
#include <stdbool.h>

/* The tables and data of "pgbench -i", by COPY. False after a message. */
bool setup_initialize(const Options *o);
/* Runs one or more statements; false after a message unless silent. */
bool setup_execute(PGconn *conn, const char *sql, bool silent);
/* The scale of the tables that are there: the number of branches; 1 when there are none. */
int setup_find_scale(PGconn *conn);

#endif
