/* VACUUM and ANALYZE share what they work on. */
#ifndef HELIOS_COMMANDS_MAINTENANCE_H
#define HELIOS_COMMANDS_MAINTENANCE_H

#include "commands/ddl_internal.h"

/* May this user vacuum or analyze it? A WARNING if not. */
STATUS maintenance_may(SessionEnv *env, const Relation *rel, const char *verb, bool *may, Error *err);
/* Tables and materialized views of the user (of one schema, or 0: all). */
STATUS maintenance_all_tables(SessionEnv *env, Oid nsp, IntVec *out, Arena *arena, Error *err);
/* reltuples and relpages of the table and its indexes; rows < 0: estimated by the store. */
STATUS maintenance_update_counts(SessionEnv *env, const Relation *rel, double rows, Arena *arena, Error *err);
/* Samples the rows and stores statistics of the columns (NULL: all). */
STATUS analyze_relation(SessionEnv *env, const Relation *rel, const List *columns, bool verbose, Arena *arena, Error *err);

#endif
