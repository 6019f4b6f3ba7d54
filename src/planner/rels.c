/* Base relations of a query level and its join problem. See planner_internal.h for the model. */
#include "planner/planner_internal.h"

Path *new_path(PlannerInfo *root, PathKind kind, RelOptInfo *rel)
{
    Path *p = arena_zalloc(root->arena, sizeof *p);
    if (p) {
        p->kind = kind;
        p->rel = rel;
        p->rows = rel->rows;
    }
    return p;
}

/* Keeps a path unless another is no dearer, no less ordered and asks for no more parameters. */
static bool dominated(PlannerInfo *root, const Path *by, const Path *p)
{
    return by->total <= p->total * 1.0001 && by->startup <= p->startup * 1.01 + 1e-6 && keys_contained(root, &p->keys, &by->keys) &&
           bitset_is_subset(by->required_outer, p->required_outer);
}

Status add_path(PlannerInfo *root, RelOptInfo *rel, Path *path, Error *err)
{
    int kept = 0;
    TRY_MEM(path, err);
    for (int i = 0; i < rel->npaths; i++)
        if (dominated(root, rel->paths[i], path)) return ST_OK;
    for (int i = 0; i < rel->npaths; i++)
        if (!dominated(root, path, rel->paths[i])) rel->paths[kept++] = rel->paths[i];
    rel->npaths = kept;
    if (rel->npaths == rel->paths_cap) {
        int cap = rel->paths_cap ? rel->paths_cap * 2 : 4;
        Path **bigger;
        TRY_NEW_N(bigger, root->arena, cap, err);
        if (rel->npaths) memcpy(bigger, rel->paths, (size_t)rel->npaths * sizeof *bigger);
        rel->paths = bigger;
        rel->paths_cap = cap;
    }
    rel->paths[rel->npaths++] = path;
    rel->cheapest_total = NULL;
    for (int i = 0; i < rel->npaths; i++)
        if (!rel->paths[i]->required_outer && (!rel->cheapest_total || rel->paths[i]->total < rel->cheapest_total->total))
            rel->cheapest_total = rel->paths[i];
    return ST_OK;
}

/* ---- columns needed ---- */

static Status note_var(PlannerInfo *root, const Var *v, Error *err)
{
    RelOptInfo *rel = v->varno > 0 && v->varno <= root->nrels ? root->rels[v->varno - 1] : NULL;
    if (!rel || bitset_has(rel->attrs_needed, v->varattno + 8)) return ST_OK;
    rel->attrs_needed = bitset_add(rel->attrs_needed, root->arena, v->varattno + 8);
    TRY_MEM(rel->attrs_needed, err);
    Var *copy = node_copy(v, root->arena);
    TRY_MEM(copy, err);
    copy->varlevelsup = 0;
    TRY_APPEND(rel->vars, root->arena, copy, err);
    return ST_OK;
}

Status note_needed_vars(PlannerInfo *root, Node *expr, Error *err)
{
    LIST_EACH(Node *, leaf, pull_vars_and_aggs(expr, NULL, false, false, root->arena)) TRY(note_var(root, (Var *)leaf, err));
    return ST_OK;
}

static Status note_tree(PlannerInfo *root, Node *tree, Error *err)
{
    if (IsA(tree, FromExpr)) {
        LIST_EACH(Node *, item, ((FromExpr *)tree)->fromlist) TRY(note_tree(root, item, err));
        return note_needed_vars(root, ((FromExpr *)tree)->quals, err);
    }
    if (!IsA(tree, JoinExpr)) return ST_OK;
    TRY(note_tree(root, ((JoinExpr *)tree)->larg, err));
    TRY(note_tree(root, ((JoinExpr *)tree)->rarg, err));
    return note_needed_vars(root, ((JoinExpr *)tree)->quals, err);
}

/* ---- base relations ---- */

static Status open_table(PlannerInfo *root, RelOptInfo *r, Error *err)
{
    RangeTblEntry *rte = r->rte;
    TRY(relation_open(root->env, rte->relid, LOCK_NONE, &r->rel, err));
    rte->relversion = r->rel->version;
    TRY(depend_on_relation(root->glob, rte, err));
    if (r->rel->is_virtual) {
        r->tuples = virtual_scan_rows(r->rel, NULL, 0);
        r->bytes = r->tuples * 100;
    } else {
        r->tuples = planner_relation_rows(root->env, r->rel);
        r->bytes = r->tuples * 64;
    }
    if (r->tuples < 1) r->tuples = 1;
    return ST_OK;
}

static Status build_rel(PlannerInfo *root, int rti, Error *err)
{
    RelOptInfo *r;
    TRY_NEW(r, root->arena, err);
    r->relids = bitset_add(NULL, root->arena, rti);
    TRY_MEM(r->relids, err);
    r->rti = rti;
    r->rte = list_at(root->parse->rtable, rti - 1);
    r->tuples = 1;
    root->rels[rti - 1] = r;
    if (r->rte->rtekind == RTE_RELATION) TRY(open_table(root, r, err));
    return ST_OK;
}

static Status rels_of_tree(PlannerInfo *root, Node *tree, Error *err)
{
    TRY(stack_check(err));
    if (IsA(tree, RangeTblRef)) return build_rel(root, ((RangeTblRef *)tree)->rtindex, err);
    if (IsA(tree, FromExpr)) {
        LIST_EACH(Node *, item, ((FromExpr *)tree)->fromlist) TRY(rels_of_tree(root, item, err));
        return ST_OK;
    }
    TRY(rels_of_tree(root, ((JoinExpr *)tree)->larg, err));
    return rels_of_tree(root, ((JoinExpr *)tree)->rarg, err);
}

static Status lateral_references(PlannerInfo *root, RelOptInfo *r, Error *err)
{
    RangeTblEntry *rte = r->rte;
    Bitset *names = NULL;
    if (rte->rtekind == RTE_FUNCTION) {
        names = pull_varnos((Node *)rte->functions, 0, root->arena);
        TRY(note_needed_vars(root, (Node *)rte->functions, err));
    } else if (rte->rtekind == RTE_VALUES) {
        names = pull_varnos((Node *)rte->values_lists, 0, root->arena);
        TRY(note_needed_vars(root, (Node *)rte->values_lists, err));
    } else if (rte->rtekind == RTE_SUBQUERY && rte->lateral) {
        names = pull_varnos((Node *)rte->subquery, 0, root->arena); /* the walk counts the level of the Query it enters */
    }
    r->lateral_relids = names;
    return ST_OK;
}

/* A LATERAL subquery reads columns of its neighbours as parameters: they must be in the neighbours' output. */
typedef struct LateralArg { PlannerInfo *root; int level; Status st; Error *err; } LateralArg;

static bool lateral_var_walker(Node *node, void *varg)
{
    LateralArg *arg = varg;
    if (!node) return false;
    if (IsA(node, Var)) {
        if (((Var *)node)->varlevelsup == arg->level) arg->st = first_error(arg->st, note_var(arg->root, (Var *)node, arg->err));
        return false;
    }
    if (IsA(node, Query)) {
        arg->level++;
        query_walk((Query *)node, lateral_var_walker, arg);
        arg->level--;
        return false;
    }
    return node_walk(node, lateral_var_walker, arg);
}

Status build_base_rels(PlannerInfo *root, Error *err)
{
    Query *q = root->parse;
    root->nrels = list_len(q->rtable);
    TRY_NEW_N(root->rels, root->arena, root->nrels + 1, err);
    TRY(rels_of_tree(root, (Node *)q->jointree, err));
    TRY(note_needed_vars(root, (Node *)q->targetList, err));
    TRY(note_needed_vars(root, q->havingQual, err));
    TRY(note_needed_vars(root, (Node *)q->returningList, err));
    TRY(note_needed_vars(root, (Node *)q->windowClause, err));
    TRY(note_tree(root, (Node *)q->jointree, err));
    for (int i = 0; i < root->nrels; i++) {
        if (!root->rels[i]) continue;
        TRY(lateral_references(root, root->rels[i], err));
        LateralArg arg = {root, 0, ST_OK, err};
        if (root->rels[i]->rte->rtekind == RTE_SUBQUERY && root->rels[i]->rte->lateral)
            lateral_var_walker((Node *)root->rels[i]->rte->subquery, &arg);
        TRY(arg.st);
    }
    return ST_OK;
}

/* ---- equality classes: expressions known to be equal, for derived quals and for sort orders ---- */

static List *find_class(PlannerInfo *root, Node *e)
{
    LIST_EACH(List *, cls, root->equivalences)
        LIST_EACH(Node *, m, cls)
            if (node_equal(m, e)) return cls;
    return NULL;
}

static bool is_mergeable_equality(PlannerInfo *root, Node *clause, Node **a, Node **b)
{
    if (!IsA(clause, OpExpr) || list_len(((OpExpr *)clause)->args) != 2) return false;
    OpExpr *op = (OpExpr *)clause;
    if (operator_btree_strategy(op->opno) != 3) return false;
    *a = strip_relabel(list_at(op->args, 0));
    *b = strip_relabel(list_at(op->args, 1));
    return expr_type(*a) == expr_type(*b) && expr_type(list_at(op->args, 0)) == expr_type(list_at(op->args, 1));
}

static Status learn_equality(PlannerInfo *root, Node *clause, Error *err)
{
    Node *a, *b;
    if (!is_mergeable_equality(root, clause, &a, &b)) return ST_OK;
    if (expr_contains_volatile(root->env, clause) || expr_contains_subplan(clause)) return ST_OK;
    List *ca = find_class(root, a), *cb = find_class(root, b);
    if (ca && ca == cb) return ST_OK;
    if (ca && cb) {
        LIST_EACH(Node *, m, cb) TRY_APPEND(ca, root->arena, m, err);
        cb->len = 0;
        return ST_OK;
    }
    List *cls = ca ? ca : cb;
    if (!cls) {
        List *fresh = NULL;
        TRY_APPEND(fresh, root->arena, a, err);
        TRY_APPEND(fresh, root->arena, b, err);
        TRY_APPEND(root->equivalences, root->arena, fresh, err);
        return ST_OK;
    }
    TRY_APPEND(cls, root->arena, ca ? b : a, err);
    return ST_OK;
}

bool exprs_equivalent(PlannerInfo *root, Node *a, Node *b)
{
    a = strip_relabel(a);
    b = strip_relabel(b);
    if (node_equal(a, b)) return true;
    List *cls = find_class(root, a);
    return cls && cls == find_class(root, b);
}

static bool is_pseudo_constant(Node *n) { return IsA(n, Const) || IsA(n, Param); }

/* x = y and x = 5 give y = 5: restrictions reach every member of a class. */
static Status derive_constants(PlannerInfo *root, List **quals, Error *err)
{
    LIST_EACH(List *, cls, root->equivalences) {
        Node *constant = NULL;
        LIST_EACH(Node *, m, cls) if (is_pseudo_constant(m)) constant = m;
        if (!constant) continue;
        LIST_EACH(Node *, m, cls) {
            Node *clause;
            bool known = false;
            if (!IsA(m, Var) || m == constant) continue;
            TRY(make_operator(root->env, "=", node_copy(m, root->arena), node_copy(constant, root->arena), -1, root->arena, &clause, err));
            LIST_EACH(Node *, have, *quals) known = known || node_equal(have, clause);
            if (known || !IsA(clause, OpExpr)) continue;
            LIST_EACH(Node *, have, *quals) {
                Node *a, *b;
                if (is_mergeable_equality(root, have, &a, &b) && ((node_equal(a, m) && node_equal(b, constant)) || (node_equal(b, m) && node_equal(a, constant))))
                    known = true;
            }
            if (!known) TRY_APPEND(*quals, root->arena, clause, err);
        }
    }
    return ST_OK;
}

/* x = y and y = z give x = z, so that any join order finds a clause. */
static Status derive_joins(PlannerInfo *root, List **quals, Error *err)
{
    LIST_EACH(List *, cls, root->equivalences) {
        if (list_len(cls) < 3 || list_len(cls) > 8) continue;
        for (int i = 0; i < list_len(cls); i++)
            for (int k = i + 1; k < list_len(cls); k++) {
                Node *a = list_at(cls, i), *b = list_at(cls, k), *clause, *x, *y;
                bool known = false;
                if (!IsA(a, Var) || !IsA(b, Var) || ((Var *)a)->varno == ((Var *)b)->varno) continue;
                LIST_EACH(Node *, have, *quals)
                    known = known || (is_mergeable_equality(root, have, &x, &y) &&
                                      ((node_equal(x, a) && node_equal(y, b)) || (node_equal(x, b) && node_equal(y, a))));
                if (known) continue;
                TRY(make_operator(root->env, "=", node_copy(a, root->arena), node_copy(b, root->arena), -1, root->arena, &clause, err));
                if (IsA(clause, OpExpr)) TRY_APPEND(*quals, root->arena, clause, err);
            }
    }
    return ST_OK;
}

/* ---- the join problem ---- */

static Status solve(PlannerInfo *root, JoinProblem *jp, RelOptInfo **out, Error *err);
static Status collect(PlannerInfo *root, Node *tree, JoinProblem *jp, Error *err);

static Status add_unit(PlannerInfo *root, JoinProblem *jp, JoinUnit unit, Error *err)
{
    if (jp->nunits == jp->cap) {
        int cap = jp->cap ? jp->cap * 2 : 8;
        JoinUnit *bigger;
        TRY_NEW_N(bigger, root->arena, cap, err);
        if (jp->nunits) memcpy(bigger, jp->units, (size_t)jp->nunits * sizeof *bigger);
        jp->units = bigger;
        jp->cap = cap;
    }
    jp->units[jp->nunits++] = unit;
    return ST_OK;
}

static Bitset *problem_relids(PlannerInfo *root, const JoinProblem *jp)
{
    Bitset *all = NULL;
    for (int i = 0; i < jp->nunits; i++) all = bitset_union(all, jp->units[i].rel->relids, root->arena);
    return all;
}

static Status subtree(PlannerInfo *root, Node *tree, List *extra_quals, RelOptInfo **out, Error *err)
{
    JoinProblem jp = {0};
    TRY(collect(root, tree, &jp, err));
    jp.quals = list_concat(jp.quals, extra_quals, root->arena);
    return solve(root, &jp, out, err);
}

/* The right side of a LEFT/SEMI/ANTI join becomes a unit of its own; ON clauses that name only the right side filter it before. */
static Status collect_special(PlannerInfo *root, JoinExpr *j, JoinProblem *jp, Error *err)
{
    Bitset *right = tree_relids(root, j->rarg), *left;
    List *pushed = NULL, *on = NULL;
    JoinUnit unit = {.jointype = j->jointype};
    TRY(collect(root, j->larg, jp, err));
    left = problem_relids(root, jp);
    LIST_EACH(Node *, clause, (List *)j->quals) {
        Bitset *names = pull_varnos(clause, 0, root->arena);
        if (!bitset_is_empty(names) && bitset_is_subset(names, right) && !expr_contains_volatile(root->env, clause)) TRY_APPEND(pushed, root->arena, clause, err);
        else TRY_APPEND(on, root->arena, clause, err);
        unit.needs = bitset_union(unit.needs, bitset_intersect(names, left, root->arena), root->arena);
    }
    TRY(subtree(root, j->rarg, pushed, &unit.rel, err));
    for (int r = bitset_next(right, -1); r >= 0; r = bitset_next(right, r))
        if (root->rels[r - 1]) {
            Bitset *lateral = bitset_difference(root->rels[r - 1]->lateral_relids, right, root->arena);
            unit.needs = bitset_union(unit.needs, lateral, root->arena);
        }
    if (bitset_is_empty(unit.needs)) unit.needs = left;
    unit.on_quals = on;
    if (j->jointype == JOIN_LEFT) jp->nullable = bitset_union(jp->nullable, right, root->arena);
    return add_unit(root, jp, unit, err);
}

static Status collect_full(PlannerInfo *root, JoinExpr *j, JoinProblem *jp, Error *err)
{
    RelOptInfo *left, *right, *joined;
    JoinUnit unit = {.jointype = JOIN_INNER};
    TRY(subtree(root, j->larg, NULL, &left, err));
    TRY(subtree(root, j->rarg, NULL, &right, err));
    TRY_NEW(joined, root->arena, err);
    joined->relids = bitset_union(left->relids, right->relids, root->arena);
    joined->width = left->width + right->width;
    TRY(make_join_paths(root, joined, left, right, JOIN_FULL, (List *)j->quals, NULL, err));
    unit.rel = joined;
    return add_unit(root, jp, unit, err);
}

static Status collect(PlannerInfo *root, Node *tree, JoinProblem *jp, Error *err)
{
    TRY(stack_check(err));
    if (IsA(tree, RangeTblRef)) return add_unit(root, jp, (JoinUnit){.rel = root->rels[((RangeTblRef *)tree)->rtindex - 1]}, err);
    if (IsA(tree, FromExpr)) {
        LIST_EACH(Node *, item, ((FromExpr *)tree)->fromlist) TRY(collect(root, item, jp, err));
        jp->quals = list_concat(jp->quals, (List *)((FromExpr *)tree)->quals, root->arena);
        return ST_OK;
    }
    JoinExpr *j = (JoinExpr *)tree;
    if (j->jointype == JOIN_FULL) return collect_full(root, j, jp, err);
    if (j->jointype != JOIN_INNER) return collect_special(root, j, jp, err);
    TRY(collect(root, j->larg, jp, err));
    TRY(collect(root, j->rarg, jp, err));
    jp->quals = list_concat(jp->quals, (List *)j->quals, root->arena);
    return ST_OK;
}

/* Single-relation clauses go down to their relation, unless an outer join above it could still make it null. */
static Status distribute(PlannerInfo *root, JoinProblem *jp, Error *err)
{
    List *rest = NULL;
    LIST_EACH(Node *, clause, jp->quals) {
        Bitset *names = pull_varnos(clause, 0, root->arena);
        bool single = bitset_count(names) == 1 && !bitset_overlaps(names, jp->nullable);
        int rti = bitset_next(names, -1);
        RelOptInfo *rel = single ? root->rels[rti - 1] : NULL;
        bool is_unit = false;
        for (int i = 0; i < jp->nunits; i++) is_unit = is_unit || (rel && jp->units[i].rel == rel && jp->units[i].jointype == JOIN_INNER);
        if (is_unit) TRY_APPEND(rel->quals, root->arena, clause, err);
        else TRY_APPEND(rest, root->arena, clause, err);
    }
    jp->quals = rest;
    return ST_OK;
}

/* Clauses over several relations are offered to each for parameterised index scans. ON clauses of special joins serve the right side only. */
static Status offer_join_clauses(PlannerInfo *root, JoinProblem *jp, Error *err)
{
    for (int i = 0; i < jp->nunits; i++) {
        RelOptInfo *rel = jp->units[i].rel;
        if (!rel->rti) continue;
        List *source = jp->units[i].jointype == JOIN_INNER ? jp->quals : jp->units[i].on_quals;
        LIST_EACH(Node *, clause, source) {
            Bitset *names = pull_varnos(clause, 0, root->arena);
            if (bitset_has(names, rel->rti) && bitset_count(names) > 1 && !(jp->units[i].jointype == JOIN_INNER && bitset_overlaps(names, jp->nullable)))
                TRY_APPEND(rel->join_clauses, root->arena, clause, err);
        }
    }
    return ST_OK;
}

static Status solve(PlannerInfo *root, JoinProblem *jp, RelOptInfo **out, Error *err)
{
    List *outer_classes = root->equivalences;
    root->equivalences = NULL;
    LIST_EACH(Node *, clause, jp->quals)
        if (!bitset_overlaps(pull_varnos(clause, 0, root->arena), jp->nullable)) TRY(learn_equality(root, clause, err));
    TRY(derive_constants(root, &jp->quals, err));
    TRY(derive_joins(root, &jp->quals, err));
    TRY(distribute(root, jp, err));
    TRY(offer_join_clauses(root, jp, err));
    for (int i = 0; i < jp->nunits; i++)
        if (jp->units[i].rel->rti && !jp->units[i].rel->npaths) TRY(make_base_paths(root, jp->units[i].rel, err));
    TRY(search_join_order(root, jp, out, err));
    /* Equalities of an inner problem hold for its output only in part; keep the outermost level's for sort orders. */
    if (outer_classes) root->equivalences = outer_classes;
    return ST_OK;
}

Status plan_join_tree(PlannerInfo *root, RelOptInfo **out, Error *err)
{
    return subtree(root, (Node *)root->parse->jointree, NULL, out, err);
}
