/* Expressions as flat programs: compiled once per plan (or per execution for custom plans), run per row with computed goto.
 *
 * All look-ups and type decisions happen at compile time; strictness is the interpreter's business, not the functions'. A program is bound
 * to an ExprContext at run time, so that one compiled plan may be executed by several sessions. Recursion depth while compiling: 54001. */
#ifndef HELIOS_EXPR_EXPR_H
#define HELIOS_EXPR_EXPR_H

#include "functions/call.h"
#include "nodes/nodes.h"

typedef struct ExprProgram ExprProgram;

/* A PARAM_EXEC slot. An InitPlan or correlated SubPlan is run by `eval` when its value is first asked for. */
typedef struct ParamExec {
    Datum value;
    bool isnull;
    void *pending; /* executor's InitPlan state still to be run; NULL: value is valid */
    uint64_t stamp; /* executor: counts changes, so that results that depend on the slot know when they are stale */
} ParamExec;

typedef struct ParamList { /* $1.. of a statement */
    int n;
    Oid *types;
    Datum *values;
    bool *nulls;
} ParamList;

struct ExprContext;
/* What expressions need from the executor. */
typedef struct ExprCallbacks {
    STATUS (*init_param)(struct ExprContext *ec, int slot, Error *err);            /* run the pending InitPlan of a slot */
    STATUS (*sub_plan)(struct ExprContext *ec, const SubPlan *sp, void *site, Datum *value, bool *isnull, Error *err);
    STATUS (*current_of)(struct ExprContext *ec, const CurrentOfExpr *co, Datum *value, bool *isnull, Error *err);
} ExprCallbacks;

typedef struct ExprContext {
    TupleSlot *scan, *inner, *outer; /* what Vars read: varno of a relation -> scan, INNER_VAR, OUTER_VAR; INDEX_VAR -> scan */
    const ParamList *params;
    ParamExec *exec_params;
    const Datum *agg_values;         /* Aggref by aggno, WindowFunc by winno */
    const bool *agg_nulls;
    Datum case_value;                /* CaseTestExpr, domain VALUE */
    bool case_null;
    uint64_t grouping;               /* GROUPING(): bit i set: group column i is not in the current set */
    Arena *tuple_arena;              /* results; the caller resets it per row */
    Arena *query_arena;              /* call sites' state: lifetime of the execution */
    SessionEnv *env;
    const ExprCallbacks *callbacks;
    void *exec_state;                /* the executor's */
} ExprContext;

/* env is used for look-ups only. desc-independent: Vars are read from slots by attribute number. The program lives in `arena`. */
STATUS expr_compile(SessionEnv *env, const Expr *expr, Arena *arena, ExprProgram **out, Error *err);
/* Implicit-AND list as one boolean program, short-circuit; NULL list -> *out = NULL (always true). */
STATUS expr_compile_qual(SessionEnv *env, const List *quals, Arena *arena, ExprProgram **out, Error *err);
/* All entries of a target list into slot->values/nulls. Junk entries included. */
STATUS expr_compile_projection(SessionEnv *env, const List *targetlist, Arena *arena, ExprProgram **out, Error *err);

STATUS expr_eval(ExprProgram *prog, ExprContext *ec, Datum *value, bool *isnull, Error *err);
STATUS expr_qual(ExprProgram *prog, ExprContext *ec, bool *pass, Error *err);      /* NULL counts as false; prog NULL: true */
STATUS expr_project(ExprProgram *prog, ExprContext *ec, TupleSlot *out, Error *err); /* stores a virtual row */

/* Set-returning function call: evaluates the arguments once, then one row per expr_srf_next. */
typedef struct ExprSet ExprSet;
STATUS expr_set_open(SessionEnv *env, const Expr *call /* FuncExpr or OpExpr with retset */, Arena *arena, ExprSet **out, Error *err);
STATUS expr_set_rewind(ExprSet *set, ExprContext *ec, Error *err);                  /* (re-)evaluates arguments */
/* cols/nulls: ncols of the expected row (1 for scalar sets). */
STATUS expr_set_next(ExprSet *set, ExprContext *ec, const TupleDesc *expected, Datum *cols, bool *nulls, bool *done, Error *err);

void expr_set_close(ExprSet *set); /* frees the running set's own memory; NULL is fine */
/* Does the program hold descriptors that live only until the end of the statement (user-defined types and functions)? NULL: no. */
bool expr_is_transient(const ExprProgram *prog);

/* A frame for calling a function by hand, again and again (transition functions, triggers of expressions): the code, and whether it is strict.
 * The caller sets cf->err, arena (and agg_arena) and args before each call, and checks cf->err->code after it. 0A000 if there is no code. */
STATUS expr_call_frame(SessionEnv *env, Oid proc, Oid collation, Oid result_type, int nargs, const Oid *arg_types, Arena *arena, BuiltinFn *fn,
                       bool *strict, CallFrame **out, Error *err);

/* Constant folding: evaluates immutable (and with estimate: stable) sub-expressions, simplifies AND/OR/CASE/COALESCE with constants, inlines
 * known parameters (params may be NULL). Errors of evaluation (division by zero) leave the expression unfolded where PostgreSQL raises only at
 * run time, and are raised where it raises at plan time. */
STATUS expr_fold(SessionEnv *env, Node *expr, const ParamList *params, bool estimate, Arena *arena, Node **out, Error *err);
bool expr_contains_volatile(SessionEnv *env, const Node *expr);
bool expr_contains_mutable(SessionEnv *env, const Node *expr);
bool expr_contains_subplan(const Node *expr);
bool expr_is_strict_for(SessionEnv *env, const Node *expr, const Bitset *relids); /* null Vars of relids make it null or false */
double expr_cost(SessionEnv *env, const Node *expr); /* in cpu_operator_cost units per evaluation */

/* Fast comparisons for sort, hash, merge, group: resolved once. */
typedef struct SortKey {
    int attno;                 /* 0-based in the slot */
    bool descending, nulls_first;
    const TypeInfo *type;      /* compare/hash through it when the operator is the type's default */
    Oid compare_proc;          /* otherwise btree support function 1 */
    Oid collation;
} SortKey;
STATUS sort_key_init(SessionEnv *env, int attno, Oid sort_operator, Oid collation, bool nulls_first, SortKey *out, Error *err);
int sort_key_compare(const SortKey *key, Datum a, bool anull, Datum b, bool bnull);
typedef struct EqualKey { int attno_a, attno_b; const TypeInfo *type_a, *type_b; Oid eq_proc; Oid collation; bool same_type; } EqualKey;
STATUS equal_key_init(SessionEnv *env, int attno_a, int attno_b, Oid equality_operator, Oid collation, EqualKey *out, Error *err);
bool equal_key_equal(const EqualKey *key, Datum a, Datum b);   /* both non-null; cross-type integers/floats handled */
uint64_t equal_key_hash_a(const EqualKey *key, Datum a);       /* compatible hashes of both sides */
uint64_t equal_key_hash_b(const EqualKey *key, Datum b);

#endif
