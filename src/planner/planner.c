/* Entry of the planner: query levels, subqueries in expressions, the finished PlannedStmt. */
#include "planner/planner_internal.h"

#include <stdio.h>

Status depend_on_relation(PlannerGlobal *glob, RangeTblEntry *rte, Error *err)
{
    for (int i = 0; i < glob->rel_oids.n; i++)
        if (glob->rel_oids.v[i] == rte->relid) return ST_OK;
    if (!intarray_push(&glob->rel_oids, glob->arena, rte->relid) || !intarray_push(&glob->rel_versions, glob->arena, (int64_t)rte->relversion))
        return error_out_of_memory(err, 16);
    return ST_OK;
}

Status make_param_exec(PlannerInfo *root, Oid type, int32_t typmod, Oid collation, Param **out, Error *err)
{
    PlannerGlobal *glob = root->glob;
    TRY_NODE(*out, Param, root->arena, err);
    (*out)->paramkind = PARAM_EXEC;
    (*out)->paramid = glob->param_types.n;
    (*out)->paramtype = type;
    (*out)->paramtypmod = typmod;
    (*out)->paramcollid = collation;
    (*out)->location = -1;
    if (!intarray_push(&glob->param_types, glob->arena, type)) return error_out_of_memory(err, 8);
    return ST_OK;
}

/* ---- SubLinks that stay expressions ---- */

typedef struct TestExprArg { PlannerInfo *root; Param **params; int n; Status st; Error *err; } TestExprArg;

static Node *test_expr_mutator(Node *node, void *varg)
{
    TestExprArg *arg = varg;
    if (!node) return NULL;
    if (IsA(node, Param) && ((Param *)node)->paramkind == PARAM_EXEC) {
        int id = ((Param *)node)->paramid;
        if (id >= 1 && id <= arg->n) return (Node *)arg->params[id - 1];
    }
    if (IsA(node, SubLink)) return node; /* planned already, or its own business */
    return node_mutate(node, test_expr_mutator, arg, arg->root->arena);
}

static TargetEntry *visible_column(Query *q, int n)
{
    LIST_EACH(TargetEntry *, te, q->targetList)
        if (!te->resjunk && --n == 0) return te;
    return NULL;
}

static int visible_columns(Query *q)
{
    int n = 0;
    LIST_EACH(TargetEntry *, te, q->targetList) n += !te->resjunk;
    return n;
}

/* Parameters that the subquery reads from this level become arguments of the SubPlan. */
static Status take_plan_params(PlannerInfo *root, SubPlan *sp, Error *err)
{
    for (int i = 0; i < root->nplan_params; i++) {
        if (!intarray_push(&sp->parParam, root->arena, root->plan_params[i].param_id)) return error_out_of_memory(err, 8);
        Node *arg;
        /* The argument itself may need planning at this level (an Aggref stays). */
        arg = root->plan_params[i].item;
        TRY_APPEND(sp->args, root->arena, arg, err);
    }
    root->nplan_params = 0;
    return ST_OK;
}

static bool test_is_hashable(SessionEnv *env, Node *test)
{
    if (IsA(test, BoolExpr) && ((BoolExpr *)test)->boolop == AND_EXPR) {
        LIST_EACH(Node *, n, ((BoolExpr *)test)->args)
            if (!test_is_hashable(env, n)) return false;
        return true;
    }
    if (!IsA(test, OpExpr) || list_len(((OpExpr *)test)->args) != 2) return false;
    const OperatorInfo *op = operator_by_oid(env, ((OpExpr *)test)->opno);
    Node *right = strip_relabel(list_at(((OpExpr *)test)->args, 1));
    return op && op->can_hash && IsA(right, Param);
}

static Status add_subplan(PlannerInfo *root, Plan *plan, SubPlan *sp, Error *err)
{
    TRY_APPEND(root->glob->subplans, root->glob->arena, plan, err);
    sp->plan_id = list_len(root->glob->subplans);
    sp->startup_cost = plan->startup_cost;
    sp->per_call_cost = plan->total_cost;
    return ST_OK;
}

static Status make_init_plan(PlannerInfo *root, SubLink *sl, Query *sub, SubPlan *sp, Node **out, Error *err)
{
    TargetEntry *first = visible_column(sub, 1);
    Oid type = TYPE_bool;
    Param *prm;
    int32_t typmod = -1;
    Oid collation = 0;
    if (sl->subLinkType == EXPR_SUBLINK) {
        type = expr_type(first->expr);
        typmod = expr_typmod(first->expr);
        collation = expr_collation(first->expr);
    } else if (sl->subLinkType == ARRAY_SUBLINK) {
        type = type_array_of(root->env, expr_type(first->expr));
        if (!type) type = expr_type(first->expr);
        collation = expr_collation(first->expr);
    }
    TRY(make_param_exec(root, type, typmod, collation, &prm, err));
    if (!intarray_push(&sp->setParam, root->arena, prm->paramid)) return error_out_of_memory(err, 8);
    TRY_APPEND(root->init_plans, root->arena, sp, err);
    sp->plan_name = arena_printf(root->arena, "InitPlan %d (returns $%d)", sp->plan_id, prm->paramid);
    *out = (Node *)prm;
    return ST_OK;
}

static Status bind_test_expr(PlannerInfo *root, SubLink *sl, Query *sub, SubPlan *sp, Error *err)
{
    int n = visible_columns(sub);
    Param **params;
    TRY_NEW_N(params, root->arena, n + 1, err);
    for (int i = 0; i < n; i++) {
        TargetEntry *te = visible_column(sub, i + 1);
        TRY(make_param_exec(root, expr_type(te->expr), expr_typmod(te->expr), expr_collation(te->expr), &params[i], err));
        if (!intarray_push(&sp->paramIds, root->arena, params[i]->paramid)) return error_out_of_memory(err, 8);
    }
    TestExprArg arg = {root, params, n, ST_OK, err};
    sp->testexpr = test_expr_mutator(sl->testexpr, &arg);
    TRY_MEM(sp->testexpr, err);
    return ST_OK;
}

Status sublink_to_subplan(PlannerInfo *root, SubLink *sl, bool is_top_qual, Node **out, Error *err)
{
    Query *sub = node_copy(sl->subselect, root->arena);
    Plan *plan;
    PlannerInfo *subroot;
    SubPlan *sp;
    double fraction = sl->subLinkType == EXISTS_SUBLINK ? 1 : (sl->subLinkType == ANY_SUBLINK || sl->subLinkType == ALL_SUBLINK) ? 0.5 : 0;
    TRY_MEM(sub, err);
    PlanParam *saved = root->plan_params;
    int nsaved = root->nplan_params, cap = root->plan_params_cap;
    root->plan_params = NULL;
    root->nplan_params = root->plan_params_cap = 0;
    if (sl->subLinkType == EXISTS_SUBLINK && !sub->hasAggs && !sub->groupClause && !sub->havingQual && !sub->setOperations && !sub->hasTargetSRFs &&
        sub->commandType == CMD_SELECT && !sub->groupingSets)
        sub->distinctClause = sub->sortClause = NULL; /* existence does not depend on them */
    TRY(subquery_planner(root->glob, root, sub, fraction, &subroot, &plan, err));
    TRY_NODE(sp, SubPlan, root->arena, err);
    sp->subLinkType = sl->subLinkType;
    TRY(add_subplan(root, plan, sp, err));
    TargetEntry *first = visible_column(subroot->parse, 1);
    if (first) {
        sp->firstColType = expr_type(first->expr);
        sp->firstColTypmod = expr_typmod(first->expr);
        sp->firstColCollation = expr_collation(first->expr);
    }
    bool correlated = root->nplan_params > 0;
    sp->plan_name = arena_printf(root->arena, "SubPlan %d", sp->plan_id);
    bool scalar = sl->subLinkType == EXPR_SUBLINK || sl->subLinkType == ARRAY_SUBLINK || sl->subLinkType == EXISTS_SUBLINK;
    Status st;
    if (!correlated && scalar && !subroot->uses_outer) {
        st = make_init_plan(root, sl, subroot->parse, sp, out, err);
    } else {
        *out = (Node *)sp;
        st = take_plan_params(root, sp, err);
        if (!failed(st) && sl->testexpr) st = bind_test_expr(root, sl, subroot->parse, sp, err);
        if (!failed(st) && sl->subLinkType == ANY_SUBLINK && !correlated) {
            double bytes = plan->plan_rows * (plan->plan_width + 32);
            sp->useHashTable = test_is_hashable(root->env, sp->testexpr) && bytes <= work_mem_bytes(root) * 2;
            sp->unknownEqFalse = is_top_qual;
            if (sp->useHashTable) sp->plan_name = arena_printf(root->arena, "SubPlan %d", sp->plan_id);
        }
    }
    root->plan_params = saved;
    root->nplan_params = nsaved;
    root->plan_params_cap = cap;
    return st;
}

/* ---- one query level ---- */

enum { MAX_TARGET_ENTRIES = 1664 };

static Status new_root(PlannerGlobal *glob, PlannerInfo *parent, Query *parse, PlannerInfo **out, Error *err)
{
    PlannerInfo *root;
    TRY_NEW(root, glob->arena, err);
    root->glob = glob;
    root->env = glob->env;
    root->arena = glob->arena;
    root->parent = parent;
    root->parse = parse;
    root->limit_tuples = -1;
    root->wt_param = -1;
    *out = root;
    return ST_OK;
}

/* A constant LIMIT bounds what is needed of the plan below it. */
static void set_limit(PlannerInfo *root)
{
    Query *q = root->parse;
    double limit = -1, offset = 0;
    if (IsA(q->limitCount, Const) && !((Const *)q->limitCount)->constisnull) limit = (double)datum_get_i64(((Const *)q->limitCount)->constvalue);
    else if (q->limitCount && !IsA(q->limitCount, Const)) limit = 100;
    if (IsA(q->limitOffset, Const) && !((Const *)q->limitOffset)->constisnull) offset = (double)datum_get_i64(((Const *)q->limitOffset)->constvalue);
    if (limit < 0) return;
    root->limit_tuples = limit + (offset > 0 ? offset : 0);
    if (root->limit_tuples < 1) root->limit_tuples = 1;
    if (root->tuple_fraction == 0 || root->tuple_fraction < 1 || root->tuple_fraction > root->limit_tuples) root->tuple_fraction = root->limit_tuples;
}

Status subquery_planner(PlannerGlobal *glob, PlannerInfo *parent, Query *parse, double tuple_fraction, PlannerInfo **root_out, Plan **out, Error *err)
{
    PlannerInfo *root;
    TRY(stack_check(err));
    TRY(INTERRUPT_CHECK(glob->env->interrupt, err));
    if (list_len(parse->targetList) > MAX_TARGET_ENTRIES)
        return error_set(err, ERR_TOO_MANY_COLUMNS, "target lists can have at most %d entries", MAX_TARGET_ENTRIES);
    TRY(new_root(glob, parent, parse, &root, err));
    root->tuple_fraction = tuple_fraction;
    *root_out = root;
    if (parent && parent->has_recursion) {
        root->has_recursion = true;
        root->wt_param = parent->wt_param;
        root->non_recursive = parent->non_recursive;
    }
    TRY(expand_views(root, err));
    TRY(plan_ctes(root, err));
    TRY(pull_up_sublinks(root, err));
    TRY(pull_up_subqueries(root, err));
    TRY(expand_modify_tlist(root, err));
    TRY(add_row_marks(root, err));
    TRY(preprocess_query_expressions(root, err));
    TRY(add_returning_columns(root, err));
    set_limit(root);
    if (parse->setOperations) TRY(plan_set_operations(root, out, err));
    else TRY(plan_grouping(root, root->tuple_fraction, out, err));
    if (parse->commandType != CMD_SELECT) TRY(plan_modify(root, *out, out, err));
    (*out)->initPlan = list_concat((*out)->initPlan, root->init_plans, root->arena);
    return set_plan_references(root, *out, err);
}

/* ---- the statement ---- */

static bool is_key_lookup(const Node *plan)
{
    if (IsA(plan, Result)) {
        const Result *r = (const Result *)plan;
        return !r->lefttree && !r->initPlan;
    }
    return IsA(plan, IndexScan) && ((const IndexScan *)plan)->unique_lookup && !((const Plan *)plan)->initPlan;
}

/* May it run without a snapshot: one look-up by full key, or rows made from nothing, and no subquery anywhere. */
static bool is_single_lookup(const PlannerGlobal *glob, const Plan *plan)
{
    if (glob->subplans || plan->initPlan) return false;
    if (IsA(plan, ModifyTable)) {
        const ModifyTable *mt = (const ModifyTable *)plan;
        return mt->onConflictAction == ONCONFLICT_NONE && is_key_lookup(plan->lefttree);
    }
    return IsA(plan, IndexScan) && is_key_lookup((const Node *)plan);
}

static Status plan_utility(PlannerGlobal *glob, Query *query, PlannedStmt *stmt, Error *err)
{
    stmt->utilityStmt = query->utilityStmt;
    stmt->canSetTag = query->canSetTag;
    return ST_OK;
}

static Status finish(PlannerGlobal *glob, Query *query, Plan *top, PlannedStmt *stmt, Error *err)
{
    stmt->canSetTag = query->canSetTag;
    stmt->hasReturning = query->returningList != NULL;
    stmt->hasModifyingCTE = glob->has_modifying_cte;
    stmt->transientPlan = glob->transient;
    stmt->planTree = (Node *)top;
    stmt->rtable = glob->final_rtable;
    stmt->resultRelations = glob->result_relations;
    stmt->subplans = glob->subplans;
    stmt->rowMarks = glob->row_marks;
    stmt->relationOids = glob->rel_oids;
    stmt->relationVersions = glob->rel_versions;
    stmt->nParamExec = glob->param_types.n;
    stmt->paramExecTypes = glob->param_types;
    stmt->readOnly = query->commandType == CMD_SELECT && !glob->has_modifying_cte && !glob->row_marks;
    stmt->singleLookup = is_single_lookup(glob, top);
    TRY(compute_ext_params(glob, top, err));
    LIST_EACH(Plan *, sub, glob->subplans) TRY(compute_ext_params(glob, sub, err));
    return ST_OK;
}

static Status plan_in(SessionEnv *env, Query *query, const ParamList *params, int cursor_options, Arena *scratch, PlannedStmt **out, Error *err)
{
    PlannerGlobal *glob;
    PlannedStmt *stmt;
    PlannerInfo *root;
    Plan *top;
    TRY_NEW(glob, scratch, err);
    TRY_NODE(stmt, PlannedStmt, scratch, err);
    glob->env = env;
    glob->arena = scratch;
    glob->params = cursor_options & CURSOR_GENERIC_PLAN ? NULL : params;
    stmt->commandType = query->commandType;
    *out = stmt;
    if (query->commandType == CMD_UTILITY) return plan_utility(glob, query, stmt, err);
    double fraction = cursor_options & CURSOR_FAST_PLAN ? setting_real(env->settings, SET_cursor_tuple_fraction) : 0;
    TRY(subquery_planner(glob, NULL, query, fraction, &root, &top, err));
    return finish(glob, query, top, stmt, err);
}

/* Planning a join of many relations tries thousands of paths: all of that lives in a scratch arena, and only the finished plan is copied out. */
Status plan_query(SessionEnv *env, Query *query, const ParamList *params, int cursor_options, Arena *arena, PlannedStmt **out, Error *err)
{
    Arena scratch;
    PlannedStmt *plan;
    arena_init(&scratch, env->account, 8192);
    Status st = plan_in(env, query, params, cursor_options, &scratch, &plan, err);
    if (!failed(st)) {
        *out = node_copy(plan, arena);
        if (!*out) st = error_out_of_memory(err, scratch.total_bytes);
    }
    arena_destroy(&scratch);
    return st;
}

Status plan_still_valid(SessionEnv *env, const PlannedStmt *stmt, bool *valid, Error *err)
{
    *valid = false;
    LIST_EACH(RangeTblEntry *, rte, stmt->rtable) {
        const Relation *rel;
        if (rte->rtekind != RTE_RELATION || !rte->relid) continue;
        TRY(relation_try_open(env, rte->relid, rte->rellockmode ? (LockMode)rte->rellockmode : LOCK_ACCESS_SHARE, &rel, err));
        if (!rel) return ST_OK;
    }
    for (int i = 0; i < stmt->relationOids.n; i++)
        if (!catalog_version_ok(env, (Oid)stmt->relationOids.v[i], (uint64_t)stmt->relationVersions.v[i])) return ST_OK;
    *valid = true;
    return ST_OK;
}

Status plan_dump(const PlannedStmt *stmt, StrBuf *out, Error *err) { return node_dump(stmt, out, err); }
