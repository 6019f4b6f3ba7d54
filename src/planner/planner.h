/* Planner: Query to PlannedStmt. Views are expanded, subqueries pulled up or made semi-joins, constants folded, access paths and join order chosen
 * by cost from statistics. Ours; PostgreSQL's cost model and names are a guide. */
#ifndef HELIOS_PLANNER_PLANNER_H
#define HELIOS_PLANNER_PLANNER_H

#include "parser/parser.h"

/* params: values known at planning (custom plans); NULL for a generic plan. cursor_options: CURSOR_ bits. query is consumed (changed in place):
 * pass a copy if it is to be kept. The plan lives in arena. */
STATUS plan_query(SessionEnv *env, Query *query, const ParamList *params, int cursor_options, Arena *arena, PlannedStmt **out, Error *err);

/* EXPLAIN's own words for nodes are commands/explain.c; this dumps for debugging. */
STATUS plan_dump(const PlannedStmt *stmt, StrBuf *out, Error *err);

/* Is every relation the plan depends on still as it was, locked now in the needed modes? False: plan again. */
STATUS plan_still_valid(SessionEnv *env, const PlannedStmt *stmt, bool *valid, Error *err);

/* Selectivity and row estimates shared with EXPLAIN and ANALYZE. */
double planner_relation_rows(SessionEnv *env, const Relation *rel);

#endif
