/* Analysis' own state and the functions its files share. One ParseState per query level; everything is made in ps->arena, errors go to ps->err.
 *
 * Shapes and order follow the manual's description of the analysed tree (52.2, chapter 10 "Type Conversion"). Strings of the raw tree and of catalog
 * descriptors are copied: the Query outlives both. */
#ifndef HELIOS_PARSER_PARSE_STATE_H
#define HELIOS_PARSER_PARSE_STATE_H

#include <pg_query/pg_query.pb-c.h>

#include "common/thread.h"
#include "parser/analyze.h"
#include "parser/parse_text.h"

typedef PgQuery__Node PbNode;
#define PB_IS(n, CASE) ((n) && (n)->node_case == PG_QUERY__NODE__NODE_##CASE)

/* Where an expression stands: decides what it may contain and how messages call it (expr_places.def). */
typedef enum ExprPlace {
#define PLACE(id, name, flags) PLACE_##id,
#include "parser/expr_places.def"
#undef PLACE
    PLACE_COUNT
} ExprPlace;

typedef struct NsColumn { /* dropped columns have name NULL */
    const char *name;
    int varno, attno;         /* what a reference becomes: for a join's columns, those of the joined relation where possible */
    Oid type;
    int32_t typmod;
    Oid collation;
} NsColumn;

typedef struct NsItem {
    RangeTblEntry *rte;
    int rtindex;
    const char *name;         /* what qualified names say; NULL: an unnamed join */
    int ncols;
    NsColumn *cols;
    bool rel_visible, cols_visible, lateral_only, lateral_ok;
    bool explicit_alias;
} NsItem;

typedef struct PendingWindow { const PgQuery__WindowDef *def; WindowClause *clause; } PendingWindow;

typedef struct ParseState ParseState;
struct ParseState {
    ParseState *parent;
    SessionEnv *env;
    Arena *arena;
    Error *err;
    const char *sql;
    ParamTypes *params;
    List *rtable, *joinlist;
    PtrVec ns;                /* NsItem * */
    PtrVec ctes;              /* CommonTableExpr *: visible WITH items of this level */
    PtrVec future_ctes;       /* PgQuery__CommonTableExpr *: named later in the same WITH */
    CommonTableExpr *parent_cte; /* the WITH item whose query this is */
    ExprPlace place;
    int next_resno;
    bool lateral_active;
    bool has_aggs, has_windows, has_srfs, has_sublinks, has_modifying_cte;
    bool is_insert;
    bool resolve_unknowns;    /* output columns of type unknown become text */
    NsItem *target;           /* INSERT/UPDATE/DELETE */
    const Relation *target_rel;
    PtrVec windows;           /* PgQuery__WindowDef *: WINDOW clause, then those written in OVER */
    PtrVec locking;           /* PgQuery__LockingClause * of enclosing queries that lock a subquery being analysed */
    const PgQuery__LockingClause *locked_from_parent;
    Oid value_type;           /* DOMAIN_CHECK */
    int32_t value_typmod;
    const Node *last_srf;
    PtrVec sublinks;          /* pairs: raw subquery of an expression, its Query */
};

ParseState ps_child(ParseState *parent);
ParseState ps_top(SessionEnv *env, const char *sql, ParamTypes *params, Arena *arena, Error *err);

/* Raises with a position; returns ST_FAILED. */
#define PS_ERROR(ps, location, code, ...) \
    (error_set((ps)->err, (code), __VA_ARGS__), parser_error_position((ps)->err, (ps)->sql, (location)))
/* Gives an error that a lower floor raised a position. */
#define TRY_AT(ps, location, call)                                                                       \
    do {                                                                                                 \
        if (failed(call)) return parser_error_position((ps)->err, (ps)->sql, (location));                \
    } while (0)
#define PS_NEW(ptr, T, ps) TRY_NODE(ptr, T, (ps)->arena, (ps)->err)
#define PS_APPEND(list, ps, item) TRY_APPEND(list, (ps)->arena, (item), (ps)->err)
#define PS_PUSH(vec, ps, item)                                                                           \
    do {                                                                                                 \
        if (!ptrvec_push((vec), (ps)->arena, (item))) return error_out_of_memory((ps)->err, 0);          \
    } while (0)
#define PS_INT(ints, ps, v)                                                                              \
    do {                                                                                                 \
        if (!intarray_push((ints), (ps)->arena, (v))) return error_out_of_memory((ps)->err, 0);          \
    } while (0)

static inline const char *pb_text(const char *s) { return s && *s ? s : NULL; }
bool pb_equal(const ProtobufCMessage *a, const ProtobufCMessage *b); /* of raw trees, locations apart */
const char *pb_string(const PbNode *n); /* of a String node, else "" */
STATUS ps_string(ParseState *ps, const char *s, char **out);           /* copy; "" and NULL give NULL */
STATUS ps_string_list(ParseState *ps, PbNode **items, size_t n, List **out); /* String nodes; other nodes as their text */
STATUS ps_name_list(ParseState *ps, PbNode **names, size_t n, const char **schema, const char **name); /* [db.][schema.]name */
const char *ps_dotted(ParseState *ps, PbNode **names, size_t n);       /* "a.b" for messages */
int pb_location(const PbNode *n);                                      /* leftmost byte of a raw expression; -1 */
const char *ps_type_name(ParseState *ps, Oid type);                    /* for messages */
STATUS ps_type(ParseState *ps, Oid oid, const TypeInfo **out);
Oid ps_collation(ParseState *ps, Oid type);                            /* a type's collation */

/* scope.c: the range table and names in it */
STATUS ps_add_rte(ParseState *ps, RangeTblEntry *rte, int *rtindex);
STATUS ns_item_from_rte(ParseState *ps, RangeTblEntry *rte, int rtindex, NsItem **out); /* columns from eref and type arrays */
STATUS rte_relation(ParseState *ps, const Relation *rel, const PgQuery__Alias *alias, bool inh, bool in_from, LockMode lock, NsItem **out);
STATUS rte_subquery(ParseState *ps, Query *query, const PgQuery__Alias *alias, bool lateral, bool in_from, int location, NsItem **out);
STATUS rte_values(ParseState *ps, List *rows, const PgQuery__Alias *alias, bool lateral, bool in_from, NsItem **out);
STATUS rte_cte(ParseState *ps, CommonTableExpr *cte, int levels_up, const PgQuery__RangeVar *rv, NsItem **out);
STATUS ps_make_alias(ParseState *ps, const PgQuery__Alias *pb, Alias **out);
STATUS ps_alias_columns(ParseState *ps, Alias *eref, const Alias *alias, List *names, const char *what); /* names -> eref, renamed by alias */
STATUS ps_add_item(ParseState *ps, NsItem *item, bool to_joinlist, bool rel_visible, bool cols_visible);
STATUS ps_check_conflicts(ParseState *ps, const PtrVec *left, const PtrVec *right);
STATUS ps_open_table(ParseState *ps, const PgQuery__RangeVar *rv, LockMode lock, const Relation **out);
CommonTableExpr *ps_find_cte(ParseState *ps, const char *name, int *levels_up);
bool ps_is_future_cte(ParseState *ps, const char *name);
STATUS ns_find_relation(ParseState *ps, const char *schema, const char *name, int location, NsItem **out, int *levels_up);
STATUS ns_column(ParseState *ps, NsItem *item, int levels_up, const char *name, int location, Node **out); /* NULL: none */
STATUS ns_unqualified_column(ParseState *ps, const char *name, int location, bool local_only, Node **out);
STATUS ns_var(ParseState *ps, NsItem *item, int col, int levels_up, int location, Node **out); /* col from 0 */
STATUS ns_whole_row(ParseState *ps, NsItem *item, int levels_up, int location, Node **out);
STATUS ns_expand(ParseState *ps, NsItem *item, int levels_up, int location, List **vars, List **names);
STATUS ps_missing_relation(ParseState *ps, const char *schema, const char *name, int location);
STATUS ps_missing_column(ParseState *ps, const char *rel, const char *column, int location);
void ps_mark_select(ParseState *ps, RangeTblEntry *rte, int attno);
RangeTblEntry *ps_rte(ParseState *ps, int varno, int levels_up);

/* a_type.c */
STATUS ps_resolve_type(ParseState *ps, const PgQuery__TypeName *tn, Oid *oid, int32_t *typmod);
STATUS ps_type_name_node(ParseState *ps, const PgQuery__TypeName *tn, TypeName **out);
STATUS ps_resolve_collation(ParseState *ps, PbNode **names, size_t n, int location, Oid *out);

/* a_expr.c */
STATUS transform_expr(ParseState *ps, const PbNode *raw, ExprPlace place, Node **out);
STATUS transform_expr_here(ParseState *ps, const PbNode *raw, Node **out); /* ps->place stays */
STATUS transform_exprs(ParseState *ps, PbNode **raws, size_t n, ExprPlace place, List **out);
STATUS transform_column_ref(ParseState *ps, const PgQuery__ColumnRef *cref, Node **out);
STATUS transform_const(ParseState *ps, const PgQuery__AConst *c, Node **out);
STATUS transform_indirection(ParseState *ps, Node *base, PbNode **items, size_t n, int location, Node **out);
STATUS transform_sublink(ParseState *ps, const PgQuery__SubLink *sl, Node **out);
STATUS transform_case(ParseState *ps, const PgQuery__CaseExpr *c, Node **out);
STATUS transform_array(ParseState *ps, const PgQuery__AArrayExpr *a, Oid array_type, Oid elem_type, int32_t typmod, Node **out);
STATUS transform_type_cast(ParseState *ps, const PgQuery__TypeCast *tc, Node **out);
STATUS transform_in(ParseState *ps, const PgQuery__AExpr *a, Node **out);
STATUS transform_between(ParseState *ps, const PgQuery__AExpr *a, Node **out);
STATUS transform_row(ParseState *ps, const PgQuery__RowExpr *r, bool allow_default, Node **out);
STATUS transform_coalesce(ParseState *ps, const PgQuery__CoalesceExpr *c, Node **out);
STATUS transform_minmax(ParseState *ps, const PgQuery__MinMaxExpr *m, Node **out);
STATUS transform_value_function(ParseState *ps, const PgQuery__SQLValueFunction *v, Node **out);
STATUS transform_boolean_test(ParseState *ps, const PgQuery__BooleanTest *t, Node **out);
STATUS transform_param(ParseState *ps, const PgQuery__ParamRef *p, Node **out);
STATUS make_row_compare(ParseState *ps, const char *schema, const char *op, List *left, List *right, int location, Node **out);
STATUS make_row_distinct(ParseState *ps, List *left, List *right, int location, Node **out);
STATUS make_subscript(ParseState *ps, Node *base, Oid container, int32_t typmod, PgQuery__AIndices **idx, int n, Node *assign, int location, Node **out);
STATUS select_field(ParseState *ps, Node *row, const char *name, int location, Node **out); /* NULL: no such column */
STATUS row_shape(ParseState *ps, const Node *expr, TupleDesc **out); /* columns of a composite or record expression; NULL: unknown */
const char *place_name(ExprPlace place);
bool place_allows(ExprPlace place, char what); /* one of the flags of expr_places.def */

/* a_oper.c */
STATUS make_op(ParseState *ps, const char *schema, const char *name, Node *left, Node *right, int location, Node **out);
STATUS make_scalar_array_op(ParseState *ps, const char *schema, const char *name, bool use_or, Node *left, Node *right, int location, Node **out);
STATUS make_distinct_op(ParseState *ps, Node *left, Node *right, int location, Node **out);
STATUS sort_operators(ParseState *ps, Oid type, bool need_lt, bool need_gt, Oid *lt, Oid *eq, Oid *gt, bool *hashable);
STATUS find_operator(ParseState *ps, const char *schema, const char *name, Oid left, Oid right, int location, bool missing_ok, const OperatorInfo **out);

/* a_func.c, a_func_pick.c */
STATUS transform_func_call(ParseState *ps, const PgQuery__FuncCall *fc, Node **out);
STATUS transform_func_of_args(ParseState *ps, PbNode **names, size_t n, List *args, List *argnames, const PgQuery__FuncCall *fc, int location,
                              bool is_call, Node **out);
STATUS function_row_shape(ParseState *ps, const Node *call, TupleDesc **out); /* NULL: scalar, or record without OUT columns */
typedef struct FuncMatch {
    const ProcInfo *proc;
    Oid args[FUNC_MAX_ARGS];  /* declared types for each actual argument (variadic ones expanded) */
    int nargs;                /* with defaults */
    int ndefaults;            /* how many of them are to be filled in */
    int argmap[FUNC_MAX_ARGS]; /* named calls: actual i goes to position argmap[i] */
    bool named;
    int nvariadic;            /* trailing actual arguments that make one array; 0: none */
} FuncMatch;
typedef enum FuncOutcome { FUNC_NONE, FUNC_FOUND, FUNC_AMBIGUOUS, FUNC_COERCION } FuncOutcome;
STATUS pick_function(ParseState *ps, const char *schema, const char *name, int nargs, const Oid *types, List *argnames, bool variadic_call,
                     bool include_procedures, FuncMatch *match, FuncOutcome *outcome);
int pick_candidate(ParseState *ps, int nargs, const Oid *input, int ncand, const Oid *const *cand, int *chosen); /* ties left; manual 10.3 step 4 */
STATUS resolve_polymorphic(ParseState *ps, const Oid *actual, Oid *declared, int nargs, Oid *result, bool allow_poly);
const char *ps_func_signature(ParseState *ps, const char *schema, const char *name, int nargs, const Oid *types, List *argnames);

/* a_coerce.c */
bool can_coerce(ParseState *ps, int n, const Oid *input, const Oid *target, CoercionContext ctx);
bool is_binary_coercible(ParseState *ps, Oid from, Oid to);
bool is_polymorphic(Oid type);
typedef enum CoercionPath { PATH_NONE, PATH_FUNC, PATH_RELABEL, PATH_ARRAY, PATH_IO } CoercionPath;
CoercionPath find_path(ParseState *ps, Oid target, Oid source, CoercionContext ctx, Oid *func);
STATUS coerce_type(ParseState *ps, Node *node, Oid input, Oid target, int32_t typmod, CoercionContext ctx, CoercionForm form, int location, Node **out);
STATUS coerce_to(ParseState *ps, Node *node, Oid target, int32_t typmod, CoercionContext ctx, CoercionForm form, int location, Node **out); /* NULL: no path */
STATUS coerce_typmod(ParseState *ps, Node *node, Oid target, int32_t typmod, CoercionContext ctx, CoercionForm form, int location, Node **out);
STATUS coerce_boolean(ParseState *ps, Node *node, const char *construct, Node **out);
STATUS coerce_bigint(ParseState *ps, Node *node, const char *construct, Node **out);
STATUS coerce_assign(ParseState *ps, Node *node, const char *column, Oid target, int32_t typmod, int location, Node **out);
STATUS select_common_type(ParseState *ps, const List *exprs, const char *context, Node **which, Oid *out); /* context NULL: 0 instead of an error */
int32_t select_common_typmod(const List *exprs, Oid type);
STATUS coerce_to_common(ParseState *ps, Node *node, Oid target, const char *context, Node **out);
STATUS check_comparable_collation(ParseState *ps, const char *what);
STATUS resolve_unknown_column(ParseState *ps, TargetEntry *te);

/* a_collate.c: collations of every node, after analysis of a query or expression */
STATUS assign_collations(ParseState *ps, Node *expr);
STATUS assign_query_collations(ParseState *ps, Query *q);
STATUS common_collation(ParseState *ps, const List *exprs, bool none_ok, Oid *out);

/* a_target.c */
STATUS transform_target_list(ParseState *ps, PbNode **items, size_t n, ExprPlace place, List **out);
STATUS transform_target_entry(ParseState *ps, const PbNode *raw, Node *expr, ExprPlace place, const char *name, bool resjunk, TargetEntry **out);
const char *figure_column_name(ParseState *ps, const PbNode *raw); /* raw was analysed before */
void mark_target_origins(ParseState *ps, List *tlist);
STATUS resolve_target_unknowns(ParseState *ps, List *tlist);
STATUS transform_assigned(ParseState *ps, Node *expr, ExprPlace place, const char *column, int attno, PbNode **indirection, size_t n, int location, Node **out);

/* a_clause.c, a_window.c */
STATUS transform_where(ParseState *ps, const PbNode *raw, ExprPlace place, const char *construct, Node **out);
STATUS transform_limit(ParseState *ps, const PbNode *raw, ExprPlace place, const char *construct, bool with_ties, Node **out);
STATUS transform_sort(ParseState *ps, PbNode **items, size_t n, List **tlist, ExprPlace place, bool sql99, List **out);
STATUS transform_group(ParseState *ps, PbNode **items, size_t n, List **tlist, List *sort, bool sql99, List **sets, List **out);
STATUS transform_distinct(ParseState *ps, List **tlist, List *sort, bool is_agg, List **out);
STATUS transform_distinct_on(ParseState *ps, PbNode **items, size_t n, List **tlist, List *sort, List **out);
STATUS add_target_to_sort(ParseState *ps, TargetEntry *te, List *sort, List *tlist, const PgQuery__SortBy *by, List **out);
STATUS add_target_to_group(ParseState *ps, TargetEntry *te, List *group, List *tlist, int location, List **out);
int assign_sort_ref(TargetEntry *te, List *tlist);
TargetEntry *sort_ref_target(int ref, const List *tlist);
STATUS transform_windows(ParseState *ps, List **tlist, List **out);

/* a_agg.c, a_group_check.c */
STATUS transform_aggregate(ParseState *ps, Aggref *agg, List *args, PbNode **order, size_t norder, bool distinct, int location);
STATUS transform_window_func(ParseState *ps, WindowFunc *wf, const PgQuery__WindowDef *def);
STATUS transform_grouping(ParseState *ps, const PgQuery__GroupingFunc *g, Node **out);
STATUS check_aggregates(ParseState *ps, Query *q);
bool contains_aggs_of_level(const Node *n, int level);
bool contains_windows(const Node *n);
bool contains_vars_of_level(const Node *n, int level);
bool contains_sublinks(const Node *n);
int locate_aggregate(const Node *n, int level);

/* a_from.c */
STATUS transform_from(ParseState *ps, PbNode **items, size_t n);
STATUS set_target_relation(ParseState *ps, const PgQuery__RangeVar *rv, int required_perms, bool also_source);

/* a_cte.c */
STATUS transform_with(ParseState *ps, const PgQuery__WithClause *with, Query *q);

/* a_select.c, a_setop.c, a_insert.c, a_update.c */
STATUS transform_stmt(ParseState *ps, const PbNode *stmt, Query **out);
STATUS transform_select(ParseState *ps, const PgQuery__SelectStmt *s, Query **out);
STATUS transform_values_clause(ParseState *ps, const PgQuery__SelectStmt *s, Query **out);
STATUS transform_set_operation(ParseState *ps, const PgQuery__SelectStmt *s, Query **out);
STATUS transform_locking(ParseState *ps, Query *q, const PgQuery__LockingClause *lc, bool pushed_down);
STATUS transform_insert(ParseState *ps, const PgQuery__InsertStmt *s, Query **out);
STATUS transform_update(ParseState *ps, const PgQuery__UpdateStmt *s, Query **out);
STATUS transform_delete(ParseState *ps, const PgQuery__DeleteStmt *s, Query **out);
STATUS transform_update_targets(ParseState *ps, PbNode **items, size_t n, List **out);
STATUS transform_returning(ParseState *ps, PbNode **items, size_t n, List **out);
STATUS finish_query(ParseState *ps, Query *q, Node *where);
STATUS analyze_sub_statement(ParseState *parent, const PbNode *stmt, CommonTableExpr *cte, const PgQuery__LockingClause *locked, bool resolve_unknowns, Query **out);
STATUS column_default(ParseState *ps, const Relation *rel, int attno, Node **out); /* NULL: none */
STATUS null_for_column(ParseState *ps, const Attribute *att, Node **out);

/* a_utility*.c */
STATUS transform_utility(ParseState *ps, const PbNode *stmt, Node **out);
STATUS ps_range_var(ParseState *ps, const PgQuery__RangeVar *rv, RangeVar **out);
STATUS ps_range_vars(ParseState *ps, PbNode **items, size_t n, List **out);
STATUS ps_raw_expr(ParseState *ps, const PbNode *n, RawExpr **out); /* NULL in, NULL out */
STATUS ps_def_elems(ParseState *ps, PbNode **items, size_t n, List **out);
STATUS ps_role_spec(ParseState *ps, const PgQuery__RoleSpec *rs, RoleSpec **out);
STATUS ps_role_specs(ParseState *ps, PbNode **items, size_t n, List **out);
STATUS ps_column_def(ParseState *ps, const PgQuery__ColumnDef *cd, ColumnDefinition **out);
STATUS ps_constraint(ParseState *ps, const PgQuery__Constraint *c, ConstraintDefinition **out);
STATUS ps_object(ParseState *ps, const PbNode *n, Node **out); /* a name of any object: List of Strings, TypeName, ObjectWithArgs, String */
STATUS ps_type_names(ParseState *ps, PbNode **items, size_t n, List **out);
STATUS ps_index_elems(ParseState *ps, PbNode **items, size_t n, List **out);
STATUS ps_variable_set(ParseState *ps, const PgQuery__VariableSetStmt *s, VariableSetStmt **out);
int object_kind(PgQuery__ObjectType t);

/* params.c */
STATUS param_type(ParseState *ps, int number, int location, Oid *out); /* UNKNOWN while not inferred */
STATUS param_coerce(ParseState *ps, Param *param, Oid target, int32_t typmod, int location, Node **out);
STATUS check_params(ParseState *ps, Query *q);

#endif
