/* Inside of the executor: the state tree that runs beside a read-only plan tree.
 *
 * A PlanState is the state of one plan node. Rows travel in slots owned by the node that returns them, valid until that node is asked again
 * (or rescanned). By-reference values that a node computes live in its tuple arena, which it resets when it is asked for the next row. */
#ifndef HELIOS_EXECUTOR_EXEC_STATE_H
#define HELIOS_EXECUTOR_EXEC_STATE_H

#include "common/hash.h"
#include "executor/executor.h"

typedef struct PlanState PlanState;
typedef struct Execution ExecState;
typedef struct SubPlanState SubPlanState;
typedef struct EventQueue EventQueue;

typedef struct PlanOps {
    STATUS (*next)(PlanState *ps, TupleSlot **out, Error *err); /* *out = NULL: end of input */
    /* To the beginning. changed: PARAM_EXEC slots with new values (NULL: none); NULL ops: children are rescanned. */
    STATUS (*rescan)(PlanState *ps, const Bitset *changed, Error *err);
    void (*end)(PlanState *ps); /* frees what is not in arenas; children are ended by the caller. May be NULL */
} PlanOps;

struct PlanState {
    Status (*next)(PlanState *ps, TupleSlot **out, Error *err);
    const PlanOps *ops;
    const Plan *plan;
    ExecState *es;
    PlanState *left, *right;
    PlanState **children;      /* Append and the like; nchildren */
    int nchildren;
    const TupleDesc *desc;     /* of the target list */
    TupleSlot *result;         /* projected rows; NULL if input slots are passed on */
    ExprProgram *qual, *proj;
    ExprContext ec;
    Arena tuple_arena;
    int64_t bound;             /* only so many rows will be fetched (LIMIT above); 0: unknown */
    NodeInstrument *instr;
    bool running;              /* instrument: rows were asked for since the last rescan */
    const Bitset *params;      /* PARAM_EXEC slots used below; valid if params_known */
    bool params_known;
};

/* The newest version of one row stands in for a relation while quals and target lists are evaluated again (READ COMMITTED). */
typedef struct EpqSource { int rti; TupleSlot *slot; bool returned; } EpqSource;
typedef struct Epq { int nsources; EpqSource *sources; } Epq;

struct Execution {
    SessionEnv *env;
    const PlannedStmt *stmt;
    Arena arena;               /* lifetime of the execution's state tree */
    MemAccount *account;
    const ParamList *params;
    Snapshot *snapshot;
    bool own_snapshot;
    ParamExec *exec_params;
    const Relation **relations; /* by range table index - 1, opened on demand */
    SubPlanState **subplans;    /* plan_id - 1 */
    PlanState *root;
    TupleDesc *result_desc;
    TupleSlot *visible;         /* junk-free view of the root's rows; NULL: none needed */
    bool instrument, timing, scrollable;
    NodeInstrument **instruments; /* by plan_node_id */
    int ninstruments;
    bool rewind_all;            /* a rescan in which everything counts as changed */
    bool finished, begun;
    const Epq *epq;
    ExecState *epq_parent;      /* the execution this one re-checks rows for; NULL: an ordinary one */
    EventQueue *events;         /* what waits for the end of the statement; NULL for reads */
    int64_t work_mem, hash_mem; /* bytes */
    uint64_t processed;         /* rows affected by the top ModifyTable */
    TupleStore *scroll;         /* scrollable: rows seen so far */
    uint64_t scroll_pos;
    uint64_t generation;        /* catalog_generation when opened */
    bool transient;             /* some program holds descriptors of this statement only */
    int depth;
};

typedef STATUS (*PlanInitFn)(ExecState *es, const Plan *plan, PlanState **out, Error *err);

/* ---- exec_nodes.c ---- */
STATUS plan_init(ExecState *es, const Node *plan, PlanState **out, Error *err); /* NULL plan: *out = NULL */
void plan_end(PlanState *ps);                                                   /* NULL is fine */
STATUS plan_rescan(PlanState *ps, const Bitset *changed, Error *err);           /* NULL is fine */
bool plan_depends_on(PlanState *ps, const Bitset *changed);
/* A state of `bytes` with ec, tuple arena and ops set up. */
STATUS plan_state_new(ExecState *es, const Plan *plan, const PlanOps *ops, size_t bytes, PlanState **out, Error *err);
/* desc, result, proj, qual. input: shape of the slot that Vars of varno `varno` read; when the target list is just its columns in order, rows
 * are passed on as they are (proj and result NULL). input NULL: always project. */
STATUS plan_init_projection(PlanState *ps, const TupleDesc *input, int varno, Error *err);
STATUS exec_compile(ExecState *es, const Expr *expr, ExprProgram **out, Error *err);
STATUS exec_compile_qual(ExecState *es, const List *quals, ExprProgram **out, Error *err);
STATUS exec_compile_projection(ExecState *es, const List *tlist, ExprProgram **out, Error *err);
STATUS exec_tlist_desc(SessionEnv *env, const List *tlist, bool skip_junk, Arena *arena, TupleDesc **out, Error *err);
STATUS exec_relation(ExecState *es, int rti, const Relation **out, Error *err);
bool plan_reads_columns(const Plan *scan); /* does a scan's target list or qual look at any column? */
STATUS exec_type(ExecState *es, Oid oid, const TypeInfo **out, Error *err);

static inline STATUS plan_next(PlanState *ps, TupleSlot **out, Error *err) { return ps->next(ps, out, err); }
static inline void plan_reset_tuple(PlanState *ps)
{
    if (ps->tuple_arena.blocks) arena_reset(&ps->tuple_arena);
}
/* The row as this node returns it: projected, or the input itself. ec's slots are set. */
static inline STATUS plan_project(PlanState *ps, TupleSlot *input, TupleSlot **out, Error *err)
{
    if (!ps->proj) {
        *out = input;
        return ST_OK;
    }
    *out = ps->result;
    return expr_project(ps->proj, &ps->ec, ps->result, err);
}
#define EXEC_INTERRUPT(es, err) INTERRUPT_CHECK((es)->env->interrupt, (err))

/* The stand-in row of relation rti under EPQ: true if there is one (then *slot is it, or NULL after it was returned). */
bool epq_source(ExecState *es, int rti, TupleSlot **slot);
void epq_rewind_source(ExecState *es, int rti);

/* epq.c: runs a plan again with given rows standing in for relations; *out NULL: they no longer qualify. The state is kept for the next time. */
typedef struct EpqState EpqState;
STATUS epq_run(ExecState *es, EpqState **state, const Node *plan, int nsources, const int *rtis, TupleSlot *const *slots, TupleSlot **out, Error *err);
void epq_end(EpqState *state); /* NULL is fine */

/* ---- keys ---- */
STATUS exec_sort_keys(ExecState *es, const TupleDesc *desc, int n, const IntArray *cols, const IntArray *ops, const IntArray *colls,
                      const IntArray *nulls_first, SortKey **out, Error *err);
STATUS exec_equal_keys(ExecState *es, const TupleDesc *desc, const IntArray *cols, const IntArray *ops, const IntArray *colls, EqualKey **out,
                       Error *err);
/* Are two rows equal in these columns (nulls equal each other)? Both decoded as far as needed. */
STATUS exec_rows_equal(const EqualKey *keys, int n, TupleSlot *a, TupleSlot *b, bool *equal, Error *err);
STATUS exec_rows_hash(const EqualKey *keys, int n, TupleSlot *slot, uint64_t *out, Error *err);
/* A SortKey/EqualKey over a pseudo-type (anyarray, record, anyenum) takes the column's own type. */
STATUS exec_settle_type(ExecState *es, Oid actual, const TypeInfo **type, Error *err);

/* ---- subplan.c ---- */
extern const ExprCallbacks exec_expr_callbacks;
STATUS subplans_init(ExecState *es, Error *err);
STATUS init_plans_register(ExecState *es, const List *init_plans, Error *err); /* marks the slots as pending */
STATUS init_plans_rescan(ExecState *es, const List *init_plans, const Bitset **changed, Arena *arena, Error *err);
STATUS subplan_state(ExecState *es, int plan_id, SubPlanState **out, Error *err);
STATUS subplan_plan_state(SubPlanState *sps, PlanState **out, Error *err);
void subplans_end(ExecState *es);
STATUS subplans_finish_modifying(ExecState *es, Error *err); /* data-modifying WITH runs to its end */
/* A shared CTE: rows of the subplan, materialised on demand. */
STATUS cte_fetch(SubPlanState *sps, uint64_t index, TupleSlot *slot, Error *err); /* slot->empty past the end */
const TupleDesc *cte_desc(SubPlanState *sps, Error *err);
bool plan_uses_params(ExecState *es, const Node *plan, const Bitset *changed);

/* ---- instrument.c ---- */
STATUS instrument_attach(PlanState *ps, Error *err);

/* ---- modify: events.c ---- */
STATUS events_fire(EventQueue *q, Error *err);

/* ---- initialisers, one per node file ---- */
#define EXEC_NODES(N)                                                                                                                        \
    N(Result, result) N(ProjectSet, project_set) N(SeqScan, seqscan) N(IndexScan, indexscan) N(IndexOnlyScan, indexonlyscan)                 \
    N(VirtualScanPlan, virtual_scan) N(FunctionScan, functionscan) N(ValuesScan, valuesscan) N(SubqueryScan, subqueryscan)                   \
    N(CteScan, ctescan) N(WorkTableScan, worktablescan) N(RecursiveUnion, recursive_union) N(NestLoop, nestloop) N(HashJoin, hashjoin)       \
    N(Hash, hash) N(MergeJoin, mergejoin) N(Material, material) N(Memoize, memoize) N(Sort, sort) N(Group, group) N(Agg, agg)                \
    N(WindowAgg, window_agg) N(Unique, unique) N(SetOp, setop) N(Append, append) N(MergeAppend, merge_append) N(Limit, limit)                \
    N(LockRows, lockrows) N(ModifyTable, modify_table)
#define EXEC_DECLARE(T, name) STATUS name##_init(ExecState *es, const Plan *plan, PlanState **out, Error *err);
EXEC_NODES(EXEC_DECLARE)
#undef EXEC_DECLARE

#endif
