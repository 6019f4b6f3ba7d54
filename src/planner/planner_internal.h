/* Planner's own structures. One PlannerInfo per query level; RelOptInfo per base relation or join of some; Path: one way to produce it.
 *
 * Join problem of a level: a list of units (base relations, or rigid composites such as a FULL JOIN), quals that filter, and special joins (LEFT,
 * SEMI, ANTI) whose right side is a unit joined as soon as the relations its condition names are there. Expressions keep plain Vars until
 * setrefs.c turns them into references to child columns. */
#ifndef HELIOS_PLANNER_INTERNAL_H
#define HELIOS_PLANNER_INTERNAL_H

#include "parser/analyze.h"
#include "planner/planner.h"

typedef struct PlannerGlobal {
    SessionEnv *env;
    Arena *arena;
    const ParamList *params;
    List *subplans;            /* Plan of each, finished */
    List *subroots;            /* PlannerInfo is not a node: parallel pointers in a List of void * */
    List *final_rtable;
    List *row_marks;
    IntArray result_relations;
    IntArray rel_oids, rel_versions;
    IntArray param_types;      /* PARAM_EXEC slots */
    bool has_modifying_cte, transient;
    int next_node_id;
} PlannerGlobal;

/* An outer Var (or aggregate) that a subquery of this level reads through a PARAM_EXEC. */
typedef struct PlanParam { Node *item; int param_id; } PlanParam;

typedef struct PathKey { /* sort order by one expression */
    Expr *expr;
    bool descending, nulls_first;
    Oid collation;
} PathKey;
typedef struct PathKeys { int n; PathKey *k; } PathKeys;

typedef enum PathKind {
    PATH_RESULT, PATH_SEQSCAN, PATH_INDEX, PATH_VIRTUAL, PATH_FUNCTION, PATH_VALUES, PATH_SUBQUERY, PATH_CTE, PATH_WORKTABLE, PATH_NESTLOOP,
    PATH_HASHJOIN, PATH_MERGEJOIN, PATH_SORT, PATH_MATERIAL, PATH_UNIQUE
} PathKind;

struct RelOptInfo;
typedef struct Path {
    PathKind kind;
    struct RelOptInfo *rel;
    double startup, total, rows;
    PathKeys keys;
    Bitset *required_outer;    /* relations whose columns it needs as nestloop parameters */
    List *param_quals;         /* clauses enforced below because of that */
    /* index */
    const IndexInfo *index;
    bool index_only, backward, unique_lookup;
    List *index_quals;         /* IndexQual nodes, values over Vars of other relations */
    List *index_clauses;       /* what they came from */
    /* virtual */
    IntArray key_attnums;
    List *key_values;
    /* joins; sort and material use outer */
    struct Path *outer, *inner;
    JoinType jointype;
    List *join_clauses;        /* all clauses applied at this join that decide matching */
    List *filter_clauses;      /* applied after it (outer joins) */
    List *hash_clauses;        /* subset used for hashing or merging */
    PathKeys merge_outer, merge_inner; /* orders of both inputs; sorts are added where needed */
    bool inner_unique;
    /* subquery */
    Plan *subplan;
} Path;

typedef struct RelOptInfo {
    Bitset *relids;
    int rti;                   /* base relation, 0 for joins */
    double rows, width;
    Path **paths;
    int npaths, paths_cap;
    Path *cheapest_total;      /* unparameterised */
    /* base relations */
    RangeTblEntry *rte;
    const Relation *rel;
    double tuples, bytes;
    List *quals;               /* restriction clauses of just this relation */
    List *join_clauses;        /* clauses that name this and other relations: for parameterised index paths */
    Bitset *attrs_needed;      /* attnum + 8 */
    List *vars;                /* the Vars behind attrs_needed */
    Bitset *lateral_relids;    /* must be joined below these */
    struct PlannerInfo *subroot;
    PlanParam *lateral_params; /* what a LATERAL subquery reads of its neighbours */
    int nlateral_params;
} RelOptInfo;

typedef struct JoinUnit {      /* an item of a join problem */
    RelOptInfo *rel;
    JoinType jointype;         /* JOIN_INNER: a plain item; LEFT, SEMI, ANTI: right side of a special join */
    Bitset *needs;             /* special: left relations that must be present */
    List *on_quals;            /* special: condition */
} JoinUnit;

typedef struct JoinProblem {
    JoinUnit *units;
    int nunits, cap;
    List *quals;               /* clauses over several units (single-relation ones went down) */
    Bitset *nullable;          /* relations inside right sides of LEFT joins of this problem */
} JoinProblem;

typedef struct PlannerInfo {
    PlannerGlobal *glob;
    SessionEnv *env;
    Arena *arena;
    struct PlannerInfo *parent;
    Query *parse;
    RelOptInfo **rels;         /* by rti; NULL where not a base relation */
    int nrels;
    PlanParam *plan_params;
    int nplan_params, plan_params_cap;
    List *init_plans;
    PlanParam *outer_params;   /* while plans are built: Vars of outer rows that inner plans read, not yet claimed by a nested loop */
    int nouter_params, outer_params_cap;
    PathKeys query_keys;       /* order wanted of the join result */
    double limit_tuples;       /* -1: unknown or none */
    double tuple_fraction;     /* 0: all; < 1 fraction; else count */
    bool has_recursion;
    bool uses_outer;           /* reads something of an enclosing query level */
    int wt_param;              /* worktable of the recursive CTE being planned; -1 */
    Plan *non_recursive;       /* for its row estimate */
    IntArray cte_plan_ids, cte_params; /* per cteList position; 0: inlined */
    List *equivalences;        /* Lists of expressions known equal */
    List *aggs;                /* distinct Aggrefs, aggno order */
} PlannerInfo;

/* ---- planner.c ---- */
STATUS subquery_planner(PlannerGlobal *glob, PlannerInfo *parent, Query *parse, double tuple_fraction, PlannerInfo **root_out, Plan **out, Error *err);
STATUS make_param_exec(PlannerInfo *root, Oid type, int32_t typmod, Oid collation, Param **out, Error *err);
STATUS depend_on_relation(PlannerGlobal *glob, RangeTblEntry *rte, Error *err);
STATUS sublink_to_subplan(PlannerInfo *root, SubLink *sl, bool is_top_qual, Node **out, Error *err);

/* ---- prep_*.c ---- */
STATUS expand_views(PlannerInfo *root, Error *err);
STATUS plan_ctes(PlannerInfo *root, Error *err);
STATUS pull_up_sublinks(PlannerInfo *root, Error *err);
STATUS pull_up_subqueries(PlannerInfo *root, Error *err);
STATUS preprocess_query_expressions(PlannerInfo *root, Error *err);
STATUS preprocess_expression(PlannerInfo *root, Node *expr, bool is_qual, Node **out, Error *err);
Bitset *tree_relids(PlannerInfo *root, Node *tree); /* base relations of a join tree */
STATUS reduce_outer_joins(PlannerInfo *root, Error *err);
/* Moves Vars that refer to relations of a query level: varno += offset for Vars of `level`; and levels of outer references. */
STATUS offset_vars(Node *node, int offset, int level, Error *err);
STATUS increment_levels(Node *node, int delta, int min_level, Error *err);
/* Replaces Vars of varno (at level) by the matching target list expressions. */
STATUS replace_vars(PlannerInfo *root, Node *node, int varno, List *targetlist, Node **out, Error *err);
Bitset *pull_varnos(Node *node, int level, Arena *arena);
bool contains_outer_vars(Node *node, int level); /* Vars of that level or above */
List *pull_vars_and_aggs(Node *node, List *into, bool aggs, bool windows, Arena *arena); /* leaves: Var, Aggref, WindowFunc, GroupingFunc */
bool has_sublinks(Node *node);
bool contains_srf(Node *node);
bool contains_aggs(Node *node);

/* ---- rels.c: base relations and the join problem ---- */
STATUS build_base_rels(PlannerInfo *root, Error *err);
STATUS plan_join_tree(PlannerInfo *root, RelOptInfo **out, Error *err);
STATUS add_path(PlannerInfo *root, RelOptInfo *rel, Path *path, Error *err);
Path *new_path(PlannerInfo *root, PathKind kind, RelOptInfo *rel);
STATUS note_needed_vars(PlannerInfo *root, Node *expr, Error *err);

/* ---- base_paths.c ---- */
STATUS make_base_paths(PlannerInfo *root, RelOptInfo *rel, Error *err);
/* ---- join_paths.c ---- */
STATUS make_join_paths(PlannerInfo *root, RelOptInfo *joinrel, RelOptInfo *left, RelOptInfo *right, JoinType type, List *on_quals, List *filters, Error *err);
STATUS search_join_order(PlannerInfo *root, JoinProblem *jp, RelOptInfo **out, Error *err);

/* ---- selectivity.c ---- */
double clause_selectivity(PlannerInfo *root, Node *clause, const RelOptInfo *one_rel);
double clauselist_selectivity(PlannerInfo *root, List *clauses, const RelOptInfo *one_rel);
double estimate_distinct(PlannerInfo *root, Node *expr, double input_rows);
double estimate_groups(PlannerInfo *root, List *exprs, double input_rows);
int expr_width(SessionEnv *env, Node *expr);

/* ---- cost.c ---- */
extern const double COST_FETCH, COST_SEEK, COST_INDEX_ENTRY;
double qual_cost(PlannerInfo *root, List *quals);     /* per tuple */
void cost_seqscan(PlannerInfo *root, Path *p);
void cost_sort_of(PlannerInfo *root, double rows, double width, double limit, double *startup, double *run);
double work_mem_bytes(PlannerInfo *root);

/* ---- path keys ---- */
STATUS make_path_keys(PlannerInfo *root, List *sort_clauses, List *targetlist, PathKeys *out, Error *err);
bool keys_contained(PlannerInfo *root, const PathKeys *wanted, const PathKeys *have);
bool exprs_equivalent(PlannerInfo *root, Node *a, Node *b);
Node *strip_relabel(Node *n);

/* ---- build_plan.c ---- */
enum { PLAN_EXACT_TLIST = 1, PLAN_SMALL_TLIST = 2 };
STATUS build_plan(PlannerInfo *root, Path *path, List *exact_tlist /* NULL: what is needed */, Plan **out, Error *err);
void *plan_node_new(PlannerInfo *root, NodeTag tag, size_t size);
#define make_plan(T, root) ((T *)plan_node_new((root), T_##T, sizeof(T)))
void copy_plan_costs(Plan *to, const Plan *from);
STATUS add_sort(PlannerInfo *root, Plan *input, const PathKeys *keys, double limit, Plan **out, Error *err);
STATUS add_projection(PlannerInfo *root, Plan *input, List *tlist, Plan **out, Error *err);
STATUS sort_plan_by_clauses(PlannerInfo *root, Plan *input, List *clauses, List *tlist, int presorted, double limit, Plan **out, Error *err);

/* ---- upper.c ---- */
STATUS plan_grouping(PlannerInfo *root, double tuple_fraction, Plan **out, Error *err);
STATUS plan_set_operations(PlannerInfo *root, Plan **out, Error *err);
STATUS plan_order_limit(PlannerInfo *root, Plan *plan, List *tlist, bool sorted, Plan **out, Error *err);
STATUS plan_modify(PlannerInfo *root, Plan *plan, Plan **out, Error *err);
STATUS expand_modify_tlist(PlannerInfo *root, Error *err);
STATUS add_returning_columns(PlannerInfo *root, Error *err);
STATUS add_row_marks(PlannerInfo *root, Error *err);

/* ---- setrefs.c ---- */
STATUS set_plan_references(PlannerInfo *root, Plan *plan, Error *err);
STATUS compute_ext_params(PlannerGlobal *glob, Plan *plan, Error *err);
TargetEntry *tlist_find(List *tlist, const Node *expr);
TargetEntry *tlist_by_sortref(List *tlist, int ref);
Node *sortclause_expr(const SortGroupClause *sc, List *tlist);

#endif
