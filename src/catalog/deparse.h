/* Deparser: node trees and catalog rows back to SQL text, as PostgreSQL prints it. All results are in `arena`. */
#ifndef HELIOS_CATALOG_DEPARSE_H
#define HELIOS_CATALOG_DEPARSE_H

#include "catalog/catalog.h"

/* An expression over Var(varno 1) of `relation` (0: none). */
STATUS deparse_expr(SessionEnv *env, const Node *expr, Oid relation, bool pretty, Arena *arena, const char **out, Error *err);
/* An expression over a range table (EXPLAIN); prefix: columns as table.column. Params print as $n. */
STATUS deparse_expr_rtable(SessionEnv *env, const Node *expr, const List *rtable, bool prefix, Arena *arena, const char **out, Error *err);
/* A query as pg_get_viewdef prints it. wrap: 0 puts each column on a line of its own. */
STATUS deparse_query(SessionEnv *env, const Query *query, bool pretty, Arena *arena, const char **out, Error *err);
/* Stored text of a pg_node_tree column (adbin, conbin, indexprs, indpred ...). *out NULL if it cannot be read. */
STATUS deparse_node_text(SessionEnv *env, const char *node_text, Oid relation, bool pretty, Arena *arena, const char **out, Error *err);

/* *out NULL when the object does not exist (SQL null). */
STATUS deparse_viewdef(SessionEnv *env, Oid view, bool pretty, Arena *arena, const char **out, Error *err);
/* column 0: the whole CREATE INDEX; else that column's text. */
STATUS deparse_indexdef(SessionEnv *env, Oid index, int column, bool pretty, Arena *arena, const char **out, Error *err);
STATUS deparse_constraintdef(SessionEnv *env, Oid constraint, bool pretty, Arena *arena, const char **out, Error *err);
STATUS deparse_functiondef(SessionEnv *env, Oid proc, Arena *arena, const char **out, Error *err);
STATUS deparse_function_arguments(SessionEnv *env, Oid proc, bool with_defaults, bool identity, Arena *arena, const char **out, Error *err);
STATUS deparse_function_result(SessionEnv *env, Oid proc, Arena *arena, const char **out, Error *err);
STATUS deparse_triggerdef(SessionEnv *env, Oid trigger, bool pretty, Arena *arena, const char **out, Error *err);

/* CREATE RULE of a pg_rewrite row; views have "_RETURN". */
STATUS deparse_ruledef(SessionEnv *env, Oid rule, bool pretty, Arena *arena, const char **out, Error *err);

const char *deparse_relation_name(SessionEnv *env, Oid oid, bool force_schema, Arena *arena); /* quoted, qualified if not visible */
const char *deparse_proc_name(SessionEnv *env, Oid oid, Arena *arena);
const char *quote_literal_text(Arena *arena, const char *s); /* 'it''s', E'back\\slash' */

#endif
