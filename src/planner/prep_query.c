/* Making a query simpler before planning: views and CTEs expanded, EXISTS and IN turned into joins, subqueries merged into their parent. */
#include "planner/planner_internal.h"

/* ---- views ---- */

static Status expand_view(PlannerInfo *root, RangeTblEntry *rte, Error *err)
{
    const Relation *rel;
    TRY(relation_open(root->env, rte->relid, LOCK_ACCESS_SHARE, &rel, err));
    if (!rel->view) return error_set(err, ERR_INTERNAL_ERROR, "view \"%s\" has no definition", rel->name);
    rte->subquery = node_copy(rel->view, root->arena);
    TRY_MEM(rte->subquery, err);
    TRY(depend_on_relation(root->glob, rte, err));
    /* The view's relations are locked as they are in the user's own query. */
    LIST_EACH(RangeTblEntry *, inner, rte->subquery->rtable) {
        const Relation *unused;
        if (inner->rtekind == RTE_RELATION) {
            TRY(relation_open(root->env, inner->relid, LOCK_ACCESS_SHARE, &unused, err));
            inner->relversion = unused->version;
        }
    }
    rte->rtekind = RTE_SUBQUERY;
    rte->from_view = true;
    return ST_OK;
}

Status expand_views(PlannerInfo *root, Error *err)
{
    int i = 0;
    LIST_EACH(RangeTblEntry *, rte, root->parse->rtable) {
        i++;
        if (rte->rtekind != RTE_RELATION) continue;
        if (rte->relkind == RELKIND_VIEW && i != root->parse->resultRelation) {
            const Relation *rel;
            TRY(relation_open(root->env, rte->relid, LOCK_ACCESS_SHARE, &rel, err));
            if (!rel->is_virtual) TRY(expand_view(root, rte, err));
        }
    }
    return ST_OK;
}

/* ---- CTEs ---- */

typedef struct CteRefArg { const char *name; int level; Query *replacement; PlannerInfo *root; Error *err; Status st; int found; } CteRefArg;

static void visit_rtes(Query *q, CteRefArg *arg)
{
    LIST_EACH(RangeTblEntry *, rte, q->rtable) {
        if (rte->rtekind != RTE_CTE || rte->ctelevelsup != arg->level || strcmp(rte->ctename, arg->name)) continue;
        arg->found++;
        if (!arg->replacement) continue;
        rte->rtekind = RTE_SUBQUERY;
        rte->subquery = node_copy(arg->replacement, arg->root->arena);
        if (arg->level > 0) arg->st = first_error(arg->st, increment_levels((Node *)rte->subquery, arg->level, 1, arg->err));
    }
}

static bool cte_ref_walker(Node *node, void *varg)
{
    CteRefArg *arg = varg;
    if (!node) return false;
    if (IsA(node, Query)) {
        Query *q = (Query *)node;
        arg->level++;
        visit_rtes(q, arg);
        query_walk(q, cte_ref_walker, arg);
        arg->level--;
        return false;
    }
    return node_walk(node, cte_ref_walker, arg);
}

/* Counts (or with a replacement: inlines) the references to a CTE of this level. */
static Status each_cte_reference(PlannerInfo *root, const char *name, Query *replacement, int *found, Error *err)
{
    CteRefArg arg = {.name = name, .level = -1, .replacement = replacement, .root = root, .err = err};
    cte_ref_walker((Node *)root->parse, &arg);
    if (found) *found = arg.found;
    return arg.st;
}

static bool can_inline(PlannerInfo *root, const CommonTableExpr *cte)
{
    Query *q = (Query *)cte->ctequery;
    if (cte->cterecursive || q->commandType != CMD_SELECT || q->rowMarks) return false;
    if (cte->ctematerialized == CTE_NEVER) return true;
    if (cte->ctematerialized == CTE_ALWAYS || cte->cterefcount != 1) return false;
    return !expr_contains_volatile(root->env, (Node *)q);
}

/* UNION [ALL] of a non-recursive and a recursive term. */
static Status plan_recursive(PlannerInfo *root, CommonTableExpr *cte, Plan **out, PlannerInfo **subroot, Error *err)
{
    Query *q = (Query *)cte->ctequery;
    SetOperationStmt *op = (SetOperationStmt *)q->setOperations;
    Param *wt;
    if (!op || op->op != SETOP_UNION || !IsA(op->larg, RangeTblRef) || !IsA(op->rarg, RangeTblRef))
        return error_set(err, ERR_FEATURE_NOT_SUPPORTED, "recursive query \"%s\" does not have the form non-recursive-term UNION [ALL] recursive-term",
                         cte->ctename);
    TRY(make_param_exec(root, TYPE_int8, -1, 0, &wt, err));
    bool had = root->has_recursion;
    int old = root->wt_param;
    root->has_recursion = true;
    root->wt_param = wt->paramid;
    Status st = subquery_planner(root->glob, root, q, 0, subroot, out, err);
    root->has_recursion = had;
    root->wt_param = old;
    return st;
}

static Status plan_cte(PlannerInfo *root, CommonTableExpr *cte, int *plan_id, int *param, Error *err)
{
    Plan *plan;
    PlannerInfo *subroot;
    Param *slot;
    SubPlan *sp;
    Query *q = (Query *)cte->ctequery;
    if (cte->cterecursive && q->setOperations) TRY(plan_recursive(root, cte, &plan, &subroot, err));
    else TRY(subquery_planner(root->glob, root, q, 0, &subroot, &plan, err));
    if (q->commandType != CMD_SELECT) root->glob->has_modifying_cte = true;
    TRY_APPEND(root->glob->subplans, root->glob->arena, plan, err);
    *plan_id = list_len(root->glob->subplans);
    TRY(make_param_exec(root, TYPE_int8, -1, 0, &slot, err));
    *param = slot->paramid;
    TRY_NODE(sp, SubPlan, root->arena, err);
    sp->subLinkType = CTE_SUBLINK;
    sp->plan_id = *plan_id;
    sp->plan_name = arena_printf(root->arena, "CTE %s", cte->ctename);
    if (!intarray_push(&sp->setParam, root->arena, slot->paramid)) return error_out_of_memory(err, 8);
    TRY_APPEND(root->init_plans, root->arena, sp, err);
    return ST_OK;
}

Status plan_ctes(PlannerInfo *root, Error *err)
{
    LIST_EACH(CommonTableExpr *, cte, root->parse->cteList) {
        int plan_id = 0, param = -1, refs = cte->cterefcount;
        Query *q = (Query *)cte->ctequery;
        if (q->commandType == CMD_SELECT && refs == 0 && !cte->cterecursive) {
            TRY(each_cte_reference(root, cte->ctename, NULL, &refs, err));
        }
        if (q->commandType == CMD_SELECT && refs == 0 && !cte->cterecursive) {
            /* never read: not run at all */
        } else if (can_inline(root, cte)) {
            TRY(each_cte_reference(root, cte->ctename, q, NULL, err));
        } else {
            TRY(plan_cte(root, cte, &plan_id, &param, err));
        }
        if (!intarray_push(&root->cte_plan_ids, root->arena, plan_id) || !intarray_push(&root->cte_params, root->arena, param))
            return error_out_of_memory(err, 16);
    }
    return ST_OK;
}

/* ---- EXISTS and IN in WHERE become semi- and anti-joins ---- */

static Status add_subquery_rte(PlannerInfo *root, Query *sub, const char *name, int *rti, Error *err)
{
    RangeTblEntry *rte;
    Alias *eref;
    TRY_NODE(rte, RangeTblEntry, root->arena, err);
    TRY_NODE(eref, Alias, root->arena, err);
    eref->aliasname = (char *)name;
    LIST_EACH(TargetEntry *, te, sub->targetList) {
        String *col;
        if (te->resjunk) continue;
        TRY_NODE(col, String, root->arena, err);
        col->sval = te->resname ? te->resname : "?column?";
        TRY_APPEND(eref->colnames, root->arena, col, err);
    }
    rte->rtekind = RTE_SUBQUERY;
    rte->subquery = sub;
    rte->eref = eref;
    TRY_APPEND(root->parse->rtable, root->arena, rte, err);
    *rti = list_len(root->parse->rtable);
    return ST_OK;
}

typedef struct ColumnArg { PlannerInfo *root; int rti; Query *sub; } ColumnArg;

static Node *param_to_var(Node *node, void *varg)
{
    ColumnArg *arg = varg;
    if (!node) return NULL;
    if (IsA(node, Param) && ((Param *)node)->paramkind == PARAM_EXEC) {
        Param *p = (Param *)node;
        return (Node *)make_var(arg->root->arena, arg->rti, p->paramid, p->paramtype, p->paramtypmod, p->paramcollid, 0);
    }
    if (IsA(node, SubLink)) return node;
    return node_mutate(node, param_to_var, arg, arg->root->arena);
}

static Status semi_join(PlannerInfo *root, Node **tree, Node *right, Node *quals, JoinType type, Error *err)
{
    JoinExpr *j;
    TRY_NODE(j, JoinExpr, root->arena, err);
    j->jointype = type;
    j->larg = *tree;
    j->rarg = right;
    j->quals = quals;
    *tree = (Node *)j;
    return ST_OK;
}

static Status convert_any(PlannerInfo *root, SubLink *sl, Node **tree, bool *done, Error *err)
{
    Query *sub = (Query *)sl->subselect;
    RangeTblRef *ref;
    int rti;
    if (sub->commandType != CMD_SELECT || contains_outer_vars((Node *)sub, 1) || has_sublinks(sl->testexpr)) return ST_OK;
    if (bitset_is_empty(pull_varnos(sl->testexpr, 0, root->arena)) || expr_contains_volatile(root->env, sl->testexpr)) return ST_OK;
    sub = node_copy(sub, root->arena);
    TRY_MEM(sub, err);
    TRY(add_subquery_rte(root, sub, "ANY_subquery", &rti, err));
    TRY_NODE(ref, RangeTblRef, root->arena, err);
    ref->rtindex = rti;
    ColumnArg arg = {root, rti, sub};
    Node *quals = param_to_var(sl->testexpr, &arg);
    TRY_MEM(quals, err);
    *done = true;
    return semi_join(root, tree, (Node *)ref, quals, JOIN_SEMI, err);
}

static bool exists_is_simple(Query *q)
{
    return q->commandType == CMD_SELECT && !q->setOperations && !q->hasAggs && !q->groupingSets && !q->groupClause && !q->hasWindowFuncs &&
           !q->hasTargetSRFs && !q->havingQual && !q->limitOffset && !q->rowMarks && !q->cteList && q->jointree->fromlist;
}

/* LIMIT of at least one row changes nothing about existence. */
static bool limit_is_harmless(Query *q)
{
    if (!q->limitCount) return true;
    if (!IsA(q->limitCount, Const)) return false;
    Const *c = (Const *)q->limitCount;
    return c->constisnull || datum_get_i64(c->constvalue) > 0;
}

static bool rtable_names_outer(Query *q)
{
    LIST_EACH(RangeTblEntry *, rte, q->rtable) {
        if (rte->rtekind == RTE_SUBQUERY && contains_outer_vars((Node *)rte->subquery, 2)) return true;
        if (rte->rtekind == RTE_FUNCTION && contains_outer_vars((Node *)rte->functions, 1)) return true;
        if (rte->rtekind == RTE_VALUES && contains_outer_vars((Node *)rte->values_lists, 1)) return true;
        if (rte->rtekind == RTE_CTE) return true;
    }
    return false;
}

static Status convert_exists(PlannerInfo *root, SubLink *sl, bool negated, Node **tree, bool *done, Error *err)
{
    Query *sub = (Query *)sl->subselect;
    int offset = list_len(root->parse->rtable);
    if (!exists_is_simple(sub) || !limit_is_harmless(sub) || rtable_names_outer(sub)) return ST_OK;
    /* Only the WHERE clause may look outside; and it must, else an InitPlan is better. */
    if (contains_outer_vars((Node *)sub->jointree->fromlist, 1) || !contains_outer_vars(sub->jointree->quals, 1)) return ST_OK;
    if (has_sublinks(sub->jointree->quals) || expr_contains_volatile(root->env, sub->jointree->quals)) return ST_OK;
    sub = node_copy(sub, root->arena);
    TRY_MEM(sub, err);
    Node *quals = sub->jointree->quals;
    sub->jointree->quals = NULL;
    TRY(offset_vars(quals, offset, 0, err));
    TRY(offset_vars((Node *)sub->jointree, offset, 0, err));
    TRY(increment_levels(quals, -1, 1, err));
    LIST_EACH(RangeTblEntry *, rte, sub->rtable) {
        TRY(offset_vars((Node *)rte->joinaliasvars, offset, 0, err));
        TRY(offset_vars((Node *)rte->functions, offset, 0, err));
        TRY(offset_vars((Node *)rte->values_lists, offset, 0, err));
        if (rte->rtekind == RTE_SUBQUERY) {
            TRY(offset_vars((Node *)rte->subquery, offset, 0, err));
        }
        TRY_APPEND(root->parse->rtable, root->arena, rte, err);
    }
    *done = true;
    Node *right = list_len(sub->jointree->fromlist) == 1 ? list_first(sub->jointree->fromlist) : (Node *)sub->jointree;
    return semi_join(root, tree, right, quals, negated ? JOIN_ANTI : JOIN_SEMI, err);
}

/* Takes what can become a join out of an AND tree; *qual is what remains. */
static Status sublinks_in_qual(PlannerInfo *root, Node **qual, Node **tree, Error *err)
{
    bool done = false;
    Node *n = *qual;
    if (!n) return ST_OK;
    if (IsA(n, List) || (IsA(n, BoolExpr) && ((BoolExpr *)n)->boolop == AND_EXPR)) {
        List *args = IsA(n, List) ? (List *)n : ((BoolExpr *)n)->args, *kept = NULL;
        LIST_EACH(Node *, arg, args) {
            TRY(sublinks_in_qual(root, &arg, tree, err));
            if (arg) TRY_APPEND(kept, root->arena, arg, err);
        }
        if (!kept) *qual = NULL;
        else if (list_len(kept) == 1) *qual = list_first(kept);
        else if (IsA(n, List)) *qual = (Node *)kept;
        else ((BoolExpr *)n)->args = kept;
        return ST_OK;
    }
    if (IsA(n, SubLink)) {
        SubLink *sl = (SubLink *)n;
        if (sl->subLinkType == ANY_SUBLINK) TRY(convert_any(root, sl, tree, &done, err));
        else if (sl->subLinkType == EXISTS_SUBLINK) TRY(convert_exists(root, sl, false, tree, &done, err));
    } else if (IsA(n, BoolExpr) && ((BoolExpr *)n)->boolop == NOT_EXPR) {
        Node *arg = list_first(((BoolExpr *)n)->args);
        if (IsA(arg, SubLink) && ((SubLink *)arg)->subLinkType == EXISTS_SUBLINK) TRY(convert_exists(root, (SubLink *)arg, true, tree, &done, err));
    }
    if (done) *qual = NULL;
    return ST_OK;
}

static Status sublinks_in_tree(PlannerInfo *root, Node **tree, Error *err)
{
    TRY(stack_check(err));
    if (IsA(*tree, JoinExpr)) {
        JoinExpr *j = (JoinExpr *)*tree;
        TRY(sublinks_in_tree(root, &j->larg, err));
        TRY(sublinks_in_tree(root, &j->rarg, err));
        if (j->jointype == JOIN_INNER) {
            Node *t = (Node *)j;
            TRY(sublinks_in_qual(root, &j->quals, &t, err));
            *tree = t;
        }
    }
    return ST_OK;
}

Status pull_up_sublinks(PlannerInfo *root, Error *err)
{
    FromExpr *from = root->parse->jointree;
    Node *tree;
    if (!root->parse->hasSubLinks || !from || !from->fromlist) return ST_OK;
    for (int i = 0; i < from->fromlist->len; i++) {
        Node *item = list_at(from->fromlist, i);
        TRY(sublinks_in_tree(root, &item, err));
        from->fromlist->items[i] = item;
    }
    if (!from->quals) return ST_OK;
    if (from->fromlist->len == 1) {
        tree = list_first(from->fromlist);
    } else {
        FromExpr *inner;
        TRY_NODE(inner, FromExpr, root->arena, err);
        inner->fromlist = from->fromlist;
        tree = (Node *)inner;
    }
    Node *before = tree;
    TRY(sublinks_in_qual(root, &from->quals, &tree, err));
    if (tree == before) return ST_OK;
    from->fromlist = NULL;
    TRY_APPEND(from->fromlist, root->arena, tree, err);
    return ST_OK;
}

/* ---- subqueries merged into the parent ---- */

static bool is_simple_subquery(PlannerInfo *root, RangeTblEntry *rte, bool nullable)
{
    Query *q = rte->subquery;
    if (q->commandType != CMD_SELECT || q->setOperations || q->hasAggs || q->hasWindowFuncs || q->hasTargetSRFs || q->groupClause || q->groupingSets ||
        q->havingQual || q->sortClause || q->distinctClause || q->limitOffset || q->limitCount || q->rowMarks || q->cteList || q->hasForUpdate)
        return false;
    if (!q->jointree->fromlist) return false;
    if (rte->lateral && contains_outer_vars((Node *)q, 1)) return false;
    LIST_EACH(TargetEntry *, te, q->targetList) {
        if (nullable && !IsA(te->expr, Var)) return false; /* would have to become null with its row */
        if (has_sublinks((Node *)te->expr) || expr_contains_volatile(root->env, (Node *)te->expr)) return false;
    }
    return true;
}

static Status pull_up_one(PlannerInfo *root, Node **tree, RangeTblEntry *rte, int rti, Error *err)
{
    Query *sub = rte->subquery;
    int offset = list_len(root->parse->rtable);
    Node *unused;
    /* Its own views and subqueries first, so that what moves up is as flat as it gets. */
    PlannerInfo inner = *root;
    inner.parent = root;
    inner.parse = sub;
    TRY(expand_views(&inner, err));
    TRY(pull_up_sublinks(&inner, err));
    TRY(pull_up_subqueries(&inner, err));
    TRY(offset_vars((Node *)sub->targetList, offset, 0, err));
    TRY(offset_vars((Node *)sub->jointree, offset, 0, err));
    TRY(increment_levels((Node *)sub->targetList, -1, 1, err));
    TRY(increment_levels((Node *)sub->jointree, -1, 1, err));
    LIST_EACH(RangeTblEntry *, r, sub->rtable) {
        TRY(offset_vars((Node *)r->joinaliasvars, offset, 0, err));
        TRY(offset_vars((Node *)r->functions, offset, 0, err));
        TRY(offset_vars((Node *)r->values_lists, offset, 0, err));
        TRY(increment_levels((Node *)r->joinaliasvars, -1, 1, err));
        TRY(increment_levels((Node *)r->functions, -1, 1, err));
        TRY(increment_levels((Node *)r->values_lists, -1, 1, err));
        if (r->rtekind == RTE_SUBQUERY && r->subquery) {
            TRY(offset_vars((Node *)r->subquery, offset, 0, err));
            TRY(increment_levels((Node *)r->subquery, -1, 2, err));
        }
        if (r->rtekind == RTE_CTE && r->ctelevelsup > 0) r->ctelevelsup--;
        TRY_APPEND(root->parse->rtable, root->arena, r, err);
    }
    if (sub->hasSubLinks) root->parse->hasSubLinks = true;
    TRY(replace_vars(root, (Node *)root->parse, rti, sub->targetList, &unused, err));
    *tree = list_len(sub->jointree->fromlist) == 1 && !sub->jointree->quals ? list_first(sub->jointree->fromlist) : (Node *)sub->jointree;
    return ST_OK;
}

/* One pull-up at a time: each replaces Vars all over the query, which may copy the join tree, so the walk starts again until nothing is left. */
static bool find_candidate(PlannerInfo *root, Node *tree, bool nullable, int *rti)
{
    if (IsA(tree, FromExpr)) {
        List *l = ((FromExpr *)tree)->fromlist;
        for (int i = 0; i < list_len(l); i++) {
            if (IsA(l->items[i], RangeTblRef)) {
                int r = ((RangeTblRef *)l->items[i])->rtindex;
                RangeTblEntry *rte = list_at(root->parse->rtable, r - 1);
                if (rte->rtekind == RTE_SUBQUERY && is_simple_subquery(root, rte, nullable)) {
                    *rti = r;
                    return true;
                }
            } else if (find_candidate(root, l->items[i], nullable, rti)) {
                return true;
            }
        }
        return false;
    }
    if (!IsA(tree, JoinExpr)) return false;
    JoinExpr *j = (JoinExpr *)tree;
    bool full = j->jointype == JOIN_FULL;
    Node **sides[2] = {&j->larg, &j->rarg};
    for (int k = 0; k < 2; k++) {
        bool null_side = nullable || full || (k == 0 ? j->jointype == JOIN_RIGHT : j->jointype == JOIN_LEFT || j->jointype == JOIN_ANTI);
        if (IsA(*sides[k], RangeTblRef)) {
            int r = ((RangeTblRef *)*sides[k])->rtindex;
            RangeTblEntry *rte = list_at(root->parse->rtable, r - 1);
            if (rte->rtekind == RTE_SUBQUERY && is_simple_subquery(root, rte, null_side)) {
                *rti = r;
                return true;
            }
        } else if (find_candidate(root, *sides[k], null_side, rti)) {
            return true;
        }
    }
    return false;
}

static bool replace_ref(Node *tree, int rti, Node *with)
{
    if (IsA(tree, FromExpr)) {
        List *l = ((FromExpr *)tree)->fromlist;
        for (int i = 0; i < list_len(l); i++) {
            if (IsA(l->items[i], RangeTblRef) && ((RangeTblRef *)l->items[i])->rtindex == rti) {
                l->items[i] = with;
                return true;
            }
            if (replace_ref(l->items[i], rti, with)) return true;
        }
        return false;
    }
    if (!IsA(tree, JoinExpr)) return false;
    JoinExpr *j = (JoinExpr *)tree;
    Node **sides[2] = {&j->larg, &j->rarg};
    for (int k = 0; k < 2; k++) {
        if (IsA(*sides[k], RangeTblRef) && ((RangeTblRef *)*sides[k])->rtindex == rti) {
            *sides[k] = with;
            return true;
        }
        if (replace_ref(*sides[k], rti, with)) return true;
    }
    return false;
}

Status pull_up_subqueries(PlannerInfo *root, Error *err)
{
    Node *with;
    int rti;
    if (!root->parse->jointree) return ST_OK;
    while (find_candidate(root, (Node *)root->parse->jointree, false, &rti)) {
        RangeTblEntry *rte = list_at(root->parse->rtable, rti - 1);
        TRY(pull_up_one(root, &with, rte, rti, err));
        if (!replace_ref((Node *)root->parse->jointree, rti, with)) return error_set(err, ERR_INTERNAL_ERROR, "subquery %d vanished from the join tree", rti);
        rte->subquery = NULL; /* merged: the entry only keeps its place */
        rte->rtekind = RTE_RESULT;
    }
    return ST_OK;
}
