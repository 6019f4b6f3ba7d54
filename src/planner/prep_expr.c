/* Expressions made ready for planning: join aliases resolved, outer references turned into parameters, sublinks planned, constants folded. */
#include "planner/planner_internal.h"

/* ---- join aliases ---- */

typedef struct AliasArg { PlannerInfo *root; int level; Status st; Error *err; } AliasArg;

static Node *alias_mutator(Node *node, void *varg);

static void alias_in_query(Query *q, AliasArg *arg)
{
#define APPLY(field) ((field) = (void *)alias_mutator((Node *)(field), arg))
    APPLY(q->targetList);
    APPLY(q->returningList);
    APPLY(q->jointree);
    APPLY(q->havingQual);
    APPLY(q->limitOffset);
    APPLY(q->limitCount);
    APPLY(q->windowClause);
    LIST_EACH(RangeTblEntry *, rte, q->rtable) {
        APPLY(rte->functions);
        APPLY(rte->values_lists);
        if (arg->level > 0) APPLY(rte->joinaliasvars);
        if (rte->rtekind == RTE_SUBQUERY && rte->subquery) alias_mutator((Node *)rte->subquery, arg);
    }
    LIST_EACH(CommonTableExpr *, cte, q->cteList) alias_mutator(cte->ctequery, arg);
#undef APPLY
}

static Node *alias_row(AliasArg *arg, RangeTblEntry *rte, Var *v)
{
    RowExpr *row = node_new(RowExpr, arg->root->arena);
    if (!row) return (Node *)v;
    row->row_typeid = TYPE_record;
    row->row_format = COERCE_IMPLICIT_CAST;
    LIST_EACH(Node *, col, rte->joinaliasvars) row->args = list_append(row->args, arg->root->arena, alias_mutator(node_copy(col, arg->root->arena), arg));
    row->colnames = rte->eref ? rte->eref->colnames : NULL;
    return (Node *)row;
}

static Node *alias_mutator(Node *node, void *varg)
{
    AliasArg *arg = varg;
    if (!node) return NULL;
    if (IsA(node, Var)) {
        Var *v = (Var *)node;
        if (v->varlevelsup != arg->level || v->varno <= 0 || v->varno > list_len(arg->root->parse->rtable)) return node;
        RangeTblEntry *rte = list_at(arg->root->parse->rtable, v->varno - 1);
        if (rte->rtekind != RTE_JOIN) return node;
        if (v->varattno == 0) return alias_row(arg, rte, v);
        if (v->varattno < 0 || v->varattno > list_len(rte->joinaliasvars)) {
            arg->st = error_set(arg->err, ERR_INTERNAL_ERROR, "join alias column %d out of range", v->varattno);
            return node;
        }
        Node *expr = node_copy(list_at(rte->joinaliasvars, v->varattno - 1), arg->root->arena);
        int level = arg->level;
        if (level) arg->st = first_error(arg->st, increment_levels(expr, level, 0, arg->err));
        return alias_mutator(expr, arg); /* an alias may name another join */
    }
    if (IsA(node, Query)) {
        if (failed(stack_check(arg->err))) {
            arg->st = ST_FAILED;
            return node;
        }
        arg->level++;
        alias_in_query((Query *)node, arg);
        arg->level--;
        return node;
    }
    return node_mutate(node, alias_mutator, arg, arg->root->arena);
}

/* ---- outer references and sublinks ---- */

typedef struct PrepArg { PlannerInfo *root; bool top_qual; Status st; Error *err; } PrepArg;

static PlannerInfo *ancestor(PlannerInfo *root, int levels)
{
    for (PlannerInfo *r = root; levels > 0 && r; levels--) {
        r->uses_outer = true;
        r = r->parent;
        root = r;
    }
    return root;
}

/* The parameter that stands for `item` (a Var or aggregate of level `up` above) inside this level. */
static Status outer_param(PlannerInfo *root, Node *item, int up, Node **out, Error *err)
{
    PlannerInfo *owner = ancestor(root, up);
    Param *p;
    if (!owner) return error_set(err, ERR_INTERNAL_ERROR, "reference to a query level that does not exist");
    Node *local = node_copy(item, root->arena);
    TRY_MEM(local, err);
    TRY(increment_levels(local, -up, up, err));
    for (int i = 0; i < owner->nplan_params; i++)
        if (node_equal(owner->plan_params[i].item, local)) {
            TRY_NODE(p, Param, root->arena, err);
            p->paramkind = PARAM_EXEC;
            p->paramid = owner->plan_params[i].param_id;
            p->paramtype = expr_type(local);
            p->paramtypmod = expr_typmod(local);
            p->paramcollid = expr_collation(local);
            *out = (Node *)p;
            return ST_OK;
        }
    TRY(make_param_exec(root, expr_type(local), expr_typmod(local), expr_collation(local), &p, err));
    if (owner->nplan_params == owner->plan_params_cap) {
        int cap = owner->plan_params_cap ? owner->plan_params_cap * 2 : 8;
        PlanParam *bigger;
        TRY_NEW_N(bigger, root->arena, cap, err);
        if (owner->nplan_params) memcpy(bigger, owner->plan_params, (size_t)owner->nplan_params * sizeof *bigger);
        owner->plan_params = bigger;
        owner->plan_params_cap = cap;
    }
    owner->plan_params[owner->nplan_params++] = (PlanParam){local, p->paramid};
    *out = (Node *)p;
    return ST_OK;
}

static Node *prep_mutator(Node *node, void *varg)
{
    PrepArg *arg = varg;
    PlannerInfo *root = arg->root;
    Node *out = node;
    bool top = arg->top_qual;
    if (!node || failed(arg->st)) return node;
    if (IsA(node, Var)) {
        if (((Var *)node)->varlevelsup > 0) arg->st = outer_param(root, node, ((Var *)node)->varlevelsup, &out, arg->err);
        return out;
    }
    if (IsA(node, Aggref) && ((Aggref *)node)->agglevelsup > 0) {
        arg->st = outer_param(root, node, ((Aggref *)node)->agglevelsup, &out, arg->err);
        return out;
    }
    if (IsA(node, GroupingFunc) && ((GroupingFunc *)node)->agglevelsup > 0) {
        arg->st = outer_param(root, node, ((GroupingFunc *)node)->agglevelsup, &out, arg->err);
        return out;
    }
    if (IsA(node, SubLink)) {
        SubLink *sl = (SubLink *)node;
        arg->top_qual = false;
        /* Its placeholders for the subquery's columns are bound first: they are numbered as the parameters that outer columns become. */
        arg->st = sublink_to_subplan(root, sl, top, &out, arg->err);
        if (!failed(arg->st) && IsA(out, SubPlan) && ((SubPlan *)out)->testexpr)
            ((SubPlan *)out)->testexpr = prep_mutator(((SubPlan *)out)->testexpr, arg);
        return out;
    }
    arg->top_qual = top && IsA(node, BoolExpr) && ((BoolExpr *)node)->boolop == AND_EXPR;
    out = node_mutate(node, prep_mutator, arg, root->arena);
    arg->top_qual = top;
    return out;
}

Status preprocess_expression(PlannerInfo *root, Node *expr, bool is_qual, Node **out, Error *err)
{
    *out = expr;
    if (!expr) return ST_OK;
    AliasArg alias = {root, 0, ST_OK, err};
    *out = alias_mutator(*out, &alias);
    TRY(alias.st);
    PrepArg prep = {root, is_qual, ST_OK, err};
    *out = prep_mutator(*out, &prep);
    TRY(prep.st);
    TRY_MEM(*out, err);
    return expr_fold(root->env, *out, root->glob->params, false, root->arena, out, err);
}

/* Quals become implicit-AND lists; a constant TRUE disappears. */
static Status preprocess_qual(PlannerInfo *root, Node **qual, Error *err)
{
    Node *folded;
    List *kept = NULL;
    if (!*qual || IsA(*qual, List)) return ST_OK;
    TRY(preprocess_expression(root, *qual, true, &folded, err));
    LIST_EACH(Node *, clause, make_and_list(root->arena, folded)) {
        if (IsA(clause, Const) && !((Const *)clause)->constisnull && datum_get_bool(((Const *)clause)->constvalue)) continue;
        TRY_APPEND(kept, root->arena, clause, err);
    }
    *qual = (Node *)kept;
    return ST_OK;
}

static Status quals_of_tree(PlannerInfo *root, Node *tree, Error *err)
{
    TRY(stack_check(err));
    if (IsA(tree, FromExpr)) {
        LIST_EACH(Node *, item, ((FromExpr *)tree)->fromlist) TRY(quals_of_tree(root, item, err));
        return preprocess_qual(root, &((FromExpr *)tree)->quals, err);
    }
    if (IsA(tree, JoinExpr)) {
        JoinExpr *j = (JoinExpr *)tree;
        TRY(quals_of_tree(root, j->larg, err));
        TRY(quals_of_tree(root, j->rarg, err));
        return preprocess_qual(root, &j->quals, err);
    }
    return ST_OK;
}

static Status in_list(PlannerInfo *root, List *list, Error *err)
{
    for (int i = 0; i < list_len(list); i++) {
        Node *n = list->items[i];
        if (IsA(n, TargetEntry)) {
            TargetEntry *te = (TargetEntry *)n;
            TRY(preprocess_expression(root, te->expr, false, (Node **)&te->expr, err));
        } else if (IsA(n, List)) {
            TRY(in_list(root, (List *)n, err));
        } else {
            TRY(preprocess_expression(root, n, false, (Node **)&list->items[i], err));
        }
    }
    return ST_OK;
}

static Status rte_expressions(PlannerInfo *root, Error *err)
{
    LIST_EACH(RangeTblEntry *, rte, root->parse->rtable) {
        if (rte->rtekind == RTE_FUNCTION) {
            LIST_EACH(RangeTblFunction *, f, rte->functions) TRY(preprocess_expression(root, f->funcexpr, false, &f->funcexpr, err));
        } else if (rte->rtekind == RTE_VALUES) {
            TRY(in_list(root, rte->values_lists, err));
        } else if (rte->rtekind == RTE_SUBQUERY && rte->subquery && rte->lateral) {
            AliasArg alias = {root, 0, ST_OK, err};
            alias_mutator((Node *)rte->subquery, &alias);
            TRY(alias.st);
        }
    }
    return ST_OK;
}

static Status on_conflict_expressions(PlannerInfo *root, OnConflictExpr *oc, Error *err)
{
    if (!oc) return ST_OK;
    TRY(in_list(root, oc->arbiterElems, err));
    TRY(preprocess_expression(root, oc->arbiterWhere, true, &oc->arbiterWhere, err));
    TRY(in_list(root, oc->onConflictSet, err));
    return preprocess_expression(root, oc->onConflictWhere, true, &oc->onConflictWhere, err);
}

Status preprocess_query_expressions(PlannerInfo *root, Error *err)
{
    Query *q = root->parse;
    TRY(rte_expressions(root, err));
    TRY(in_list(root, q->targetList, err));
    TRY(in_list(root, q->returningList, err));
    if (q->jointree) TRY(quals_of_tree(root, (Node *)q->jointree, err));
    if (q->havingQual) q->hasAggs = true; /* HAVING makes one group, even when it folds away */
    TRY(preprocess_qual(root, &q->havingQual, err));
    LIST_EACH(WindowClause *, wc, q->windowClause) {
        TRY(preprocess_expression(root, wc->startOffset, false, &wc->startOffset, err));
        TRY(preprocess_expression(root, wc->endOffset, false, &wc->endOffset, err));
    }
    TRY(preprocess_expression(root, q->limitOffset, false, &q->limitOffset, err));
    TRY(preprocess_expression(root, q->limitCount, false, &q->limitCount, err));
    TRY(on_conflict_expressions(root, q->onConflict, err));
    return q->jointree ? reduce_outer_joins(root, err) : ST_OK;
}

/* ---- outer joins that cannot produce null-extended rows in the end are inner joins ---- */

static void quals_strict_rels(PlannerInfo *root, List *quals, Bitset *candidates, Bitset **out)
{
    LIST_EACH(Node *, clause, quals)
        for (int r = bitset_next(candidates, -1); r >= 0; r = bitset_next(candidates, r)) {
            Bitset *one = bitset_add(NULL, root->arena, r);
            if (expr_is_strict_for(root->env, clause, one)) *out = bitset_add(*out, root->arena, r);
        }
}

Bitset *tree_relids(PlannerInfo *root, Node *tree)
{
    Bitset *out = NULL;
    if (IsA(tree, RangeTblRef)) return bitset_add(NULL, root->arena, ((RangeTblRef *)tree)->rtindex);
    if (IsA(tree, FromExpr)) {
        LIST_EACH(Node *, item, ((FromExpr *)tree)->fromlist) out = bitset_union(out, tree_relids(root, item), root->arena);
        return out;
    }
    return bitset_union(tree_relids(root, ((JoinExpr *)tree)->larg), tree_relids(root, ((JoinExpr *)tree)->rarg), root->arena);
}

static Status reduce_tree(PlannerInfo *root, Node *tree, Bitset *nonnull, Error *err)
{
    TRY(stack_check(err));
    if (IsA(tree, FromExpr)) {
        FromExpr *f = (FromExpr *)tree;
        quals_strict_rels(root, (List *)f->quals, tree_relids(root, tree), &nonnull);
        LIST_EACH(Node *, item, f->fromlist) TRY(reduce_tree(root, item, nonnull, err));
        return ST_OK;
    }
    if (!IsA(tree, JoinExpr)) return ST_OK;
    JoinExpr *j = (JoinExpr *)tree;
    Bitset *left = tree_relids(root, j->larg), *right = tree_relids(root, j->rarg), *inside = NULL;
    bool left_nonnull = bitset_overlaps(nonnull, left), right_nonnull = bitset_overlaps(nonnull, right);
    if (j->jointype == JOIN_FULL) j->jointype = left_nonnull ? (right_nonnull ? JOIN_INNER : JOIN_LEFT) : right_nonnull ? JOIN_RIGHT : JOIN_FULL;
    if ((j->jointype == JOIN_LEFT && right_nonnull) || (j->jointype == JOIN_RIGHT && left_nonnull)) j->jointype = JOIN_INNER;
    if (j->jointype == JOIN_RIGHT) {
        Node *t = j->larg;
        j->larg = j->rarg;
        j->rarg = t;
        j->jointype = JOIN_LEFT;
    }
    if (j->jointype == JOIN_INNER || j->jointype == JOIN_SEMI) {
        quals_strict_rels(root, (List *)j->quals, bitset_union(left, right, root->arena), &nonnull);
        TRY(reduce_tree(root, j->larg, nonnull, err));
        return reduce_tree(root, j->rarg, nonnull, err);
    }
    if (j->jointype == JOIN_FULL) {
        TRY(reduce_tree(root, j->larg, NULL, err));
        return reduce_tree(root, j->rarg, NULL, err);
    }
    /* LEFT, ANTI: what holds above holds for the left side; inside the right side only the join's own condition counts. */
    quals_strict_rels(root, (List *)j->quals, tree_relids(root, j->rarg), &inside);
    TRY(reduce_tree(root, j->larg, nonnull, err));
    return reduce_tree(root, j->rarg, inside, err);
}

Status reduce_outer_joins(PlannerInfo *root, Error *err) { return reduce_tree(root, (Node *)root->parse->jointree, NULL, err); }
