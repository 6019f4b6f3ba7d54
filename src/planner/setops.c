/* UNION, INTERSECT, EXCEPT; and the two terms of WITH RECURSIVE. Every input is planned as a query of its own; its columns are referred to by position
 * (Var of varno 0), and the top query's target list gives the names. */
#include "planner/planner_internal.h"

static Status positional_tlist(PlannerInfo *root, const SetOperationStmt *op, List *names, List **out, Error *err)
{
    *out = NULL;
    for (int i = 0; i < op->colTypes.n; i++) {
        Var *v = make_var(root->arena, 0, i + 1, (Oid)op->colTypes.v[i], (int32_t)op->colTypmods.v[i],
                          i < op->colCollations.n ? (Oid)op->colCollations.v[i] : 0, 0);
        TargetEntry *name = i < list_len(names) ? list_at(names, i) : NULL;
        TargetEntry *te = v ? make_target_entry(root->arena, (Expr *)v, i + 1, name ? name->resname : NULL, false) : NULL;
        TRY_MEM(te, err);
        if (name) te->ressortgroupref = name->ressortgroupref;
        TRY_APPEND(*out, root->arena, te, err);
    }
    return ST_OK;
}

/* A leaf's columns, coerced to the operation's types where they differ. */
static Status leaf_plan(PlannerInfo *root, int rti, const SetOperationStmt *op, Plan **out, Error *err)
{
    RangeTblEntry *rte = list_at(root->parse->rtable, rti - 1);
    PlannerInfo *sub;
    Plan *plan;
    List *tlist = NULL;
    bool differs = false;
    int i = 0;
    TRY(subquery_planner(root->glob, root, rte->subquery, root->limit_tuples > 0 && op->all ? root->limit_tuples : 0, &sub, &plan, err));
    SubqueryScan *s = make_plan(SubqueryScan, root);
    TRY_MEM(s, err);
    s->scanrelid = rti;
    s->subplan = (Node *)plan;
    copy_plan_costs((Plan *)s, plan);
    LIST_EACH(TargetEntry *, te, rte->subquery->targetList) {
        Node *expr;
        if (te->resjunk || i >= op->colTypes.n) continue;
        Oid want = (Oid)op->colTypes.v[i];
        expr = (Node *)make_var(root->arena, rti, te->resno, expr_type(te->expr), expr_typmod(te->expr), expr_collation(te->expr), 0);
        TRY_MEM(expr, err);
        if (expr_type(te->expr) != want) {
            Node *coerced = NULL;
            differs = true;
            TRY(coerce_to_target(root->env, expr, want, -1, COERCION_IMPLICIT, COERCE_IMPLICIT_CAST, root->arena, &coerced, err));
            if (coerced) expr = coerced;
        }
        TargetEntry *col = make_target_entry(root->arena, expr, ++i, te->resname, false);
        TRY_MEM(col, err);
        TRY_APPEND(tlist, root->arena, col, err);
    }
    (void)differs;
    s->targetlist = tlist;
    *out = (Plan *)s;
    return ST_OK;
}

static Status plan_tree(PlannerInfo *root, Node *node, const SetOperationStmt *parent, Plan **out, Error *err);

static void sum_costs(Plan *to, List *inputs)
{
    LIST_EACH(Plan *, p, inputs) {
        to->total_cost += p->total_cost;
        to->plan_rows += p->plan_rows;
        if (p->plan_width > to->plan_width) to->plan_width = p->plan_width;
    }
}

/* The inputs of nested UNION ALLs (or of UNIONs under a UNION) form one Append. */
static Status union_inputs(PlannerInfo *root, Node *node, const SetOperationStmt *top, List **inputs, Error *err)
{
    TRY(stack_check(err));
    if (IsA(node, SetOperationStmt)) {
        SetOperationStmt *op = (SetOperationStmt *)node;
        bool same_types = op->colTypes.n == top->colTypes.n;
        for (int i = 0; same_types && i < op->colTypes.n; i++) same_types = op->colTypes.v[i] == top->colTypes.v[i];
        if (op->op == SETOP_UNION && (op->all || !top->all) && same_types && (op->all == top->all || !top->all)) {
            TRY(union_inputs(root, op->larg, top, inputs, err));
            return union_inputs(root, op->rarg, top, inputs, err);
        }
    }
    Plan *p;
    TRY(plan_tree(root, node, top, &p, err));
    TRY_APPEND(*inputs, root->arena, p, err);
    return ST_OK;
}

static Status all_columns(PlannerInfo *root, const SetOperationStmt *op, IntArray *cols, IntArray *ops, IntArray *collations, bool *hashable, Error *err)
{
    *hashable = true;
    for (int i = 0; i < op->colTypes.n; i++) {
        SortGroupClause *sc = i < list_len(op->groupClauses) ? list_at(op->groupClauses, i) : NULL;
        const TypeInfo *t = catalog_type(root->env, (Oid)op->colTypes.v[i]);
        Oid eq = sc ? sc->eqop : type_equality_operator(root->env, (Oid)op->colTypes.v[i]);
        if (!t || !t->hash || (sc && !sc->hashable)) *hashable = false;
        if (!intarray_push(cols, root->arena, i + 1) || !intarray_push(ops, root->arena, eq) ||
            (collations && !intarray_push(collations, root->arena, i < op->colCollations.n ? op->colCollations.v[i] : 0)))
            return error_out_of_memory(err, 24);
    }
    return ST_OK;
}

static Status make_unique(PlannerInfo *root, const SetOperationStmt *op, Plan *input, Plan **out, Error *err)
{
    bool hashable;
    Agg *agg = make_plan(Agg, root);
    TRY_MEM(agg, err);
    TRY(all_columns(root, op, &agg->grpColIdx, &agg->grpOperators, &agg->grpCollations, &hashable, err));
    copy_plan_costs((Plan *)agg, input);
    agg->aggstrategy = AGG_HASHED;
    agg->numGroups = agg->plan_rows = input->plan_rows;
    agg->total_cost = agg->startup_cost = input->total_cost + input->plan_rows * 0.015;
    agg->targetlist = input->targetlist;
    if (!hashable) {
        PathKeys keys = {0};
        TRY_NEW_N(keys.k, root->arena, op->colTypes.n + 1, err);
        LIST_EACH(TargetEntry *, te, input->targetlist) keys.k[keys.n++] = (PathKey){te->expr, false, false, expr_collation(te->expr)};
        TRY(add_sort(root, input, &keys, 0, &input, err));
        agg->aggstrategy = AGG_SORTED;
    }
    agg->lefttree = (Node *)input;
    *out = (Plan *)agg;
    return ST_OK;
}

static Status plan_union(PlannerInfo *root, SetOperationStmt *op, Plan **out, Error *err)
{
    Append *a = make_plan(Append, root);
    TRY_MEM(a, err);
    TRY(union_inputs(root, op->larg, op, &a->appendplans, err));
    TRY(union_inputs(root, op->rarg, op, &a->appendplans, err));
    TRY(positional_tlist(root, op, NULL, &a->targetlist, err));
    sum_costs((Plan *)a, a->appendplans);
    *out = (Plan *)a;
    return op->all ? ST_OK : make_unique(root, op, (Plan *)a, out, err);
}

static Status plan_setop(PlannerInfo *root, SetOperationStmt *op, Plan **out, Error *err)
{
    SetOp *so = make_plan(SetOp, root);
    Plan *left, *right;
    bool hashable;
    TRY_MEM(so, err);
    TRY(plan_tree(root, op->larg, op, &left, err));
    TRY(plan_tree(root, op->rarg, op, &right, err));
    so->op = op->op;
    so->all = op->all;
    so->lefttree = (Node *)left;
    so->righttree = (Node *)right;
    TRY(all_columns(root, op, &so->dupColIdx, &so->dupOperators, NULL, &hashable, err));
    if (!hashable) return error_set(err, ERR_FEATURE_NOT_SUPPORTED, "could not implement %s", op->op == SETOP_INTERSECT ? "INTERSECT" : "EXCEPT");
    TRY(positional_tlist(root, op, NULL, &so->targetlist, err));
    so->plan_rows = op->op == SETOP_INTERSECT && right->plan_rows < left->plan_rows ? right->plan_rows : left->plan_rows;
    so->plan_width = left->plan_width;
    so->startup_cost = so->total_cost = left->total_cost + right->total_cost + (left->plan_rows + right->plan_rows) * 0.015;
    *out = (Plan *)so;
    return ST_OK;
}

static Status plan_recursive_union(PlannerInfo *root, SetOperationStmt *op, Plan **out, Error *err)
{
    RecursiveUnion *ru = make_plan(RecursiveUnion, root);
    Plan *left, *right;
    bool hashable;
    TRY_MEM(ru, err);
    PlannerInfo *owner = root;
    while (owner->wt_param < 0 && owner->parent) owner = owner->parent;
    TRY(plan_tree(root, op->larg, op, &left, err));
    TRY(plan_tree(root, op->rarg, op, &right, err));
    ru->wtParam = owner->wt_param;
    ru->lefttree = (Node *)left;
    ru->righttree = (Node *)right;
    TRY(positional_tlist(root, op, NULL, &ru->targetlist, err));
    if (!op->all) {
        TRY(all_columns(root, op, &ru->dupColIdx, &ru->dupOperators, NULL, &hashable, err));
        if (!hashable) {
            error_set(err, ERR_FEATURE_NOT_SUPPORTED, "could not implement recursive UNION");
            return error_detail(err, "All column datatypes must be hashable.");
        }
        ru->numCols = ru->dupColIdx.n;
    }
    ru->plan_rows = left->plan_rows + 10 * right->plan_rows;
    ru->plan_width = left->plan_width;
    ru->total_cost = left->total_cost + 10 * right->total_cost;
    *out = (Plan *)ru;
    return ST_OK;
}

static Status plan_tree(PlannerInfo *root, Node *node, const SetOperationStmt *parent, Plan **out, Error *err)
{
    TRY(stack_check(err));
    if (IsA(node, RangeTblRef)) return leaf_plan(root, ((RangeTblRef *)node)->rtindex, parent, out, err);
    SetOperationStmt *op = (SetOperationStmt *)node;
    Plan *plan;
    TRY(op->op == SETOP_UNION ? plan_union(root, op, &plan, err) : plan_setop(root, op, &plan, err));
    /* Types may still differ from the enclosing operation's. */
    List *tlist = NULL;
    bool differs = false;
    for (int i = 0; i < op->colTypes.n && parent != op; i++) {
        Node *expr = (Node *)make_var(root->arena, 0, i + 1, (Oid)op->colTypes.v[i], (int32_t)op->colTypmods.v[i], (Oid)op->colCollations.v[i], 0);
        TRY_MEM(expr, err);
        if (op->colTypes.v[i] != parent->colTypes.v[i]) {
            Node *coerced = NULL;
            differs = true;
            TRY(coerce_to_target(root->env, expr, (Oid)parent->colTypes.v[i], -1, COERCION_IMPLICIT, COERCE_IMPLICIT_CAST, root->arena, &coerced, err));
            if (coerced) expr = coerced;
        }
        TargetEntry *te = make_target_entry(root->arena, expr, i + 1, NULL, false);
        TRY_MEM(te, err);
        TRY_APPEND(tlist, root->arena, te, err);
    }
    *out = plan;
    if (!differs) return ST_OK;
    Result *r = make_plan(Result, root);
    TRY_MEM(r, err);
    copy_plan_costs((Plan *)r, plan);
    r->lefttree = (Node *)plan;
    r->targetlist = tlist;
    *out = (Plan *)r;
    return ST_OK;
}

/* The recursive term refers to its own result: only the query that WITH RECURSIVE itself plans is the union of the two. */
static bool is_recursive_term(PlannerInfo *root, SetOperationStmt *op)
{
    if (!root->has_recursion || !root->parent || root->parent->wt_param < 0 || op->op != SETOP_UNION) return false;
    if (!IsA(op->rarg, RangeTblRef)) return false;
    LIST_EACH(CommonTableExpr *, cte, root->parent->parse->cteList)
        if (cte->cterecursive && cte->ctequery == (Node *)root->parse) return true;
    return false;
}

Status plan_set_operations(PlannerInfo *root, Plan **out, Error *err)
{
    SetOperationStmt *op = (SetOperationStmt *)root->parse->setOperations;
    List *tlist;
    Plan *plan;
    if (is_recursive_term(root, op)) TRY(plan_recursive_union(root, op, &plan, err));
    else TRY(op->op == SETOP_UNION ? plan_union(root, op, &plan, err) : plan_setop(root, op, &plan, err));
    /* From here on the query's columns are the operation's: sort clauses find them by reference. */
    TRY(positional_tlist(root, op, root->parse->targetList, &tlist, err));
    LIST_EACH(TargetEntry *, te, root->parse->targetList)
        if (te->resjunk) return error_set(err, ERR_FEATURE_NOT_SUPPORTED, "ORDER BY on a set operation must name its columns");
    plan->targetlist = tlist;
    root->parse->targetList = tlist;
    return plan_order_limit(root, plan, tlist, false, out, err);
}
