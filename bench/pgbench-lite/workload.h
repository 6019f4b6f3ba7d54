/* What a transaction of each workload consists of. A new workload is one row in workload.c. */
#ifndef PGBENCH_LITE_WORKLOAD_H
#define PGBENCH_LITE_WORKLOAD_H

#include <stdint.h>

/* The random variables a statement may refer to. */
typedef enum Variable { VAR_AID, VAR_BID, VAR_TID, VAR_DELTA, VAR_LOW, VAR_HIGH, VARIABLE_COUNT } Variable;

enum { STEP_PARAMS_MAX = 4 };

typedef enum StepKind { STEP_SQL, STEP_COPY_IN } StepKind;

typedef struct Step {
    StepKind kind;
    const char *sql; /* NULL: the user's --query */
    int param_count;
    Variable params[STEP_PARAMS_MAX]; /* $1 is params[0] */
} Step;

typedef struct Workload {
    const char *name;
    const char *about;
    const Step *steps;
    int step_count;
    int one_of; /* nonzero: a transaction is one of the steps, in turn, not all of them */
    int64_t default_rows;
    const char *before; /* run once before the clients start, or NULL */
} Workload;

extern const Workload workloads[];
extern const int workload_count;

const Workload *workload_find(const char *name);
/* Draws the variables of one transaction. */
void workload_draw(uint64_t *random_state, int scale, int64_t range_rows, int64_t values[VARIABLE_COUNT]);
uint64_t random_next(uint64_t *state);

#endif
