/* One aggregate of a query: its arguments, its transition and final functions, and the state of one group. Used by Agg and WindowAgg. */
#ifndef HELIOS_EXECUTOR_AGG_CALL_H
#define HELIOS_EXECUTOR_AGG_CALL_H

#include "executor/exec_state.h"
#include "executor/row_sort.h"

/* Aggregates that need no call per row. */
typedef enum AggFast {
    AGG_GENERAL, AGG_COUNT_STAR, AGG_COUNT, AGG_SUM_INT, /* of int2/int4, to int8 */ AGG_AVG_INT, AGG_SUM_INT8, AGG_AVG_INT8, AGG_MIN_INT,
    AGG_MAX_INT, AGG_SUM_FLOAT8, AGG_MIN_FLOAT8, AGG_MAX_FLOAT8
} AggFast;

typedef struct AggValue {
    __int128 sum;          /* AGG_SUM_INT8, AGG_AVG_* */
    Datum v;               /* state; AVG: unused */
    union {
        int64_t count;
        struct { uint8_t *buf; } own; /* general: where a by-reference state is kept */
    } u;
    RowSort *sort;         /* DISTINCT, ORDER BY: rows collected so far */
    uint32_t cap;          /* of u.own.buf */
    bool isnull, started;
} AggValue;

typedef struct AggArg {
    int att;               /* >= 0: attribute of the outer slot, read directly */
    ExprProgram *prog;
} AggArg;

typedef struct AggCall {
    ExecState *es;
    AggFast fast;
    int nargs;             /* aggregated arguments that the transition function takes */
    int ncols;             /* with those that only feed ORDER BY */
    AggArg *args;
    ExprProgram *filter;
    BuiltinFn trans, final;
    bool trans_strict, final_strict;
    CallFrame *trans_frame, *final_frame;
    const TypeInfo *state_type, *result_type;
    Datum initial;
    bool initial_null;
    int ndirect, nfinal;
    ExprProgram **direct;
    /* DISTINCT and ORDER BY */
    bool sorted;
    TupleDesc *sort_desc;
    TupleSlot *sort_slot, *sort_prev;
    Arena prev_arena;
    SortKey *sort_keys;
    int nsort_keys, ndistinct;
    EqualKey *distinct_keys;
} AggCall;

typedef struct AggSpec {
    Oid fn, state_type, result_type, collation;
    const List *args;      /* TargetEntries or plain expressions */
    const List *order, *distinct, *direct;
    const Expr *filter;
    IntArray arg_types;    /* direct and aggregated */
    char kind;
    bool star;
} AggSpec;

STATUS agg_call_init(ExecState *es, const AggSpec *spec, AggCall *out, Error *err);
STATUS agg_call_init_ref(ExecState *es, const Aggref *ref, AggCall *out, Error *err);
/* A new group. States live in `arena`. */
STATUS agg_start(AggCall *a, AggValue *v, Arena *arena, Error *err);
/* One input row: ec->outer. Results of calls go to ec->tuple_arena first. */
STATUS agg_advance(AggCall *a, AggValue *v, Arena *arena, ExprContext *ec, Error *err);
/* The group's result, in ec->tuple_arena or in the state. */
STATUS agg_finish(AggCall *a, AggValue *v, Arena *arena, ExprContext *ec, Datum *out, bool *isnull, Error *err);
void agg_release(AggCall *a, AggValue *v); /* memory of a group outside of its arena */
void agg_call_end(AggCall *a);

#endif
