/* EXPLAIN's state and output primitives, shared by explain.c and explain_node.c. */
#ifndef HELIOS_COMMANDS_EXPLAIN_INTERNAL_H
#define HELIOS_COMMANDS_EXPLAIN_INTERNAL_H

#include "commands/command_internal.h"

#include "catalog/deparse.h"

enum { EXPLAIN_MAX_DEPTH = 256 };

typedef struct ExplainState {
    SessionEnv *env;
    Arena *arena;
    ExplainStmt *stmt;
    bool analyze, verbose, costs, buffers, wal, settings, timing, summary, timing_set, summary_set, json;
    const PlannedStmt *plan;
    Execution *execution;
    double planning_ms, execution_ms;
    StrBuf out;
    int indent;                 /* text: half-columns of two blanks */
    int depth;                  /* JSON nesting */
    bool need_comma[EXPLAIN_MAX_DEPTH], is_object[EXPLAIN_MAX_DEPTH];
} ExplainState;

void explain_open(ExplainState *es, const char *label, bool object);
void explain_close(ExplainState *es);
void explain_text(ExplainState *es, const char *label, const char *value);
void explain_number(ExplainState *es, const char *label, const char *unit, double value, int digits);
void explain_bool(ExplainState *es, const char *label, bool value);
void explain_list(ExplainState *es, const char *label, const char *const *items, int n);

/* relationship: "Outer", "Inner", "InitPlan" ... NULL at the top. */
STATUS explain_node(ExplainState *es, const Plan *plan, const char *relationship, Error *err);

#endif
