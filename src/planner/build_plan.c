/* Paths into plan nodes. Target lists carry plain Vars here; setrefs.c resolves them. A scan that is the inner side of a nested loop reads columns of
 * the outer row through PARAM_EXEC slots: they are collected in root->outer_params until a nested loop has the column on its left side. */
#include "planner/planner_internal.h"

void *plan_node_new(PlannerInfo *root, NodeTag tag, size_t size)
{
    Plan *p = node_new_(root->arena, tag, size);
    if (p) p->plan_node_id = root->glob->next_node_id++;
    return p;
}

void copy_plan_costs(Plan *to, const Plan *from)
{
    to->startup_cost = from->startup_cost;
    to->total_cost = from->total_cost;
    to->plan_rows = from->plan_rows;
    to->plan_width = from->plan_width;
}

static void set_costs(Plan *plan, const Path *path)
{
    plan->startup_cost = path->startup;
    plan->total_cost = path->total;
    plan->plan_rows = path->rows;
    plan->plan_width = (int)path->rel->width;
}

static Status build(PlannerInfo *root, Path *path, Plan **out, Error *err);

/* ---- outer references as parameters ---- */

typedef struct OuterArg { PlannerInfo *root; const Bitset *own; Status st; Error *err; } OuterArg;

static Status outer_var_param(PlannerInfo *root, Var *v, Node **out, Error *err)
{
    Param *p;
    for (int i = 0; i < root->nouter_params; i++)
        if (node_equal(root->outer_params[i].item, v)) {
            TRY_NODE(p, Param, root->arena, err);
            *p = (Param){.tag = T_Param, .paramkind = PARAM_EXEC, .paramid = root->outer_params[i].param_id, .paramtype = v->vartype,
                         .paramtypmod = v->vartypmod, .paramcollid = v->varcollid, .location = -1};
            *out = (Node *)p;
            return ST_OK;
        }
    TRY(make_param_exec(root, v->vartype, v->vartypmod, v->varcollid, &p, err));
    if (root->nouter_params == root->outer_params_cap) {
        int cap = root->outer_params_cap ? root->outer_params_cap * 2 : 8;
        PlanParam *bigger;
        TRY_NEW_N(bigger, root->arena, cap, err);
        if (root->nouter_params) memcpy(bigger, root->outer_params, (size_t)root->nouter_params * sizeof *bigger);
        root->outer_params = bigger;
        root->outer_params_cap = cap;
    }
    root->outer_params[root->nouter_params++] = (PlanParam){node_copy(v, root->arena), p->paramid};
    *out = (Node *)p;
    return ST_OK;
}

static Node *outer_mutator(Node *node, void *varg)
{
    OuterArg *arg = varg;
    Node *out = node;
    if (!node || failed(arg->st)) return node;
    if (IsA(node, Var)) {
        Var *v = (Var *)node;
        if (v->varno > 0 && !bitset_has(arg->own, v->varno)) arg->st = outer_var_param(arg->root, v, &out, arg->err);
        return out;
    }
    return node_mutate(node, outer_mutator, arg, arg->root->arena);
}

static Status with_outer_params(PlannerInfo *root, const Bitset *own, Node **expr, Error *err)
{
    OuterArg arg = {root, own, ST_OK, err};
    *expr = outer_mutator(*expr, &arg);
    return arg.st;
}

static Status take_lateral(PlannerInfo *root, RelOptInfo *rel, Error *err)
{
    for (int i = 0; i < rel->nlateral_params; i++) {
        PlanParam *bigger;
        TRY_NEW_N(bigger, root->arena, root->nouter_params + 1, err);
        if (root->nouter_params) memcpy(bigger, root->outer_params, (size_t)root->nouter_params * sizeof *bigger);
        bigger[root->nouter_params++] = rel->lateral_params[i];
        root->outer_params = bigger;
        root->outer_params_cap = root->nouter_params;
    }
    return ST_OK;
}

/* ---- scans ---- */

static Status rel_target_list(PlannerInfo *root, RelOptInfo *rel, List **out, Error *err)
{
    *out = NULL;
    LIST_EACH(Var *, v, rel->vars) {
        TargetEntry *te = make_target_entry(root->arena, (Expr *)v, list_len(*out) + 1, NULL, false);
        TRY_MEM(te, err);
        TRY_APPEND(*out, root->arena, te, err);
    }
    return ST_OK;
}

static Status copy_quals(PlannerInfo *root, RelOptInfo *rel, List *quals, List *except, List **out, Error *err)
{
    *out = NULL;
    LIST_EACH(Node *, q, quals) {
        bool skip = false;
        LIST_EACH(Node *, e, except) skip = skip || e == q;
        if (skip) continue;
        Node *copy = q;
        TRY(with_outer_params(root, rel->relids, &copy, err));
        TRY_APPEND(*out, root->arena, copy, err);
    }
    return ST_OK;
}

static Status build_index_quals(PlannerInfo *root, RelOptInfo *rel, Path *path, List **out, Error *err)
{
    *out = NULL;
    LIST_EACH(IndexQual *, q, path->index_quals) {
        IndexQual *copy;
        TRY_NODE(copy, IndexQual, root->arena, err);
        *copy = *q;
        if (copy->value) TRY(with_outer_params(root, rel->relids, (Node **)&copy->value, err));
        TRY_APPEND(*out, root->arena, copy, err);
    }
    return ST_OK;
}

static Status build_index_scan(PlannerInfo *root, Path *path, Plan **out, Error *err)
{
    RelOptInfo *rel = path->rel;
    List *quals, *index_quals, *original;
    TRY(copy_quals(root, rel, rel->quals, path->index_clauses, &quals, err));
    TRY(build_index_quals(root, rel, path, &index_quals, err));
    TRY(copy_quals(root, rel, path->index_clauses, NULL, &original, err));
    if (path->index_only) {
        IndexOnlyScan *s = make_plan(IndexOnlyScan, root);
        TRY_MEM(s, err);
        s->scanrelid = rel->rti;
        s->indexid = path->index->oid;
        s->indexqual = index_quals;
        s->indexqualorig = original;
        s->direction = path->backward ? SCAN_REVERSE : SCAN_FORWARD;
        s->qual = quals;
        *out = (Plan *)s;
        return ST_OK;
    }
    IndexScan *s = make_plan(IndexScan, root);
    TRY_MEM(s, err);
    s->scanrelid = rel->rti;
    s->indexid = path->index->oid;
    s->indexqual = index_quals;
    s->indexqualorig = original;
    s->direction = path->backward ? SCAN_REVERSE : SCAN_FORWARD;
    s->unique_lookup = path->unique_lookup;
    s->clustered = path->index->clustered_key;
    s->qual = quals;
    *out = (Plan *)s;
    return ST_OK;
}

static Status build_virtual(PlannerInfo *root, Path *path, Plan **out, Error *err)
{
    VirtualScanPlan *s = make_plan(VirtualScanPlan, root);
    List *all = list_concat(list_copy(path->param_quals, root->arena), path->rel->quals, root->arena);
    TRY_MEM(s, err);
    s->scanrelid = path->rel->rti;
    s->keyattnums = path->key_attnums;
    LIST_EACH(Node *, v, path->key_values) {
        Node *copy = v;
        TRY(with_outer_params(root, path->rel->relids, &copy, err));
        TRY_APPEND(s->keyvalues, root->arena, copy, err);
    }
    *out = (Plan *)s;
    return copy_quals(root, path->rel, all, NULL, &s->qual, err); /* the keys are hints: every clause is checked */
}

static Status build_function(PlannerInfo *root, Path *path, Plan **out, Error *err)
{
    FunctionScan *s = make_plan(FunctionScan, root);
    TRY_MEM(s, err);
    s->scanrelid = path->rel->rti;
    s->functions = path->rel->rte->functions;
    s->funcordinality = path->rel->rte->funcordinality;
    if (path->rel->lateral_relids) TRY(with_outer_params(root, NULL, (Node **)&s->functions, err));
    *out = (Plan *)s;
    return copy_quals(root, path->rel, path->rel->quals, NULL, &s->qual, err);
}

static Status build_values(PlannerInfo *root, Path *path, Plan **out, Error *err)
{
    ValuesScan *s = make_plan(ValuesScan, root);
    TRY_MEM(s, err);
    s->scanrelid = path->rel->rti;
    s->values_lists = path->rel->rte->values_lists;
    if (path->rel->lateral_relids) TRY(with_outer_params(root, NULL, (Node **)&s->values_lists, err));
    *out = (Plan *)s;
    return copy_quals(root, path->rel, path->rel->quals, NULL, &s->qual, err);
}

static Status build_subquery(PlannerInfo *root, Path *path, Plan **out, Error *err)
{
    SubqueryScan *s = make_plan(SubqueryScan, root);
    TRY_MEM(s, err);
    s->scanrelid = path->rel->rti;
    s->subplan = (Node *)path->subplan;
    TRY(take_lateral(root, path->rel, err));
    *out = (Plan *)s;
    return copy_quals(root, path->rel, path->rel->quals, NULL, &s->qual, err);
}

static Status find_cte(PlannerInfo *root, RangeTblEntry *rte, int *plan_id, int *param, Error *err)
{
    PlannerInfo *owner = root;
    for (int i = 0; i < rte->ctelevelsup && owner; i++) owner = owner->parent;
    for (int i = 0; owner && i < list_len(owner->parse->cteList) && i < owner->cte_plan_ids.n; i++) {
        CommonTableExpr *cte = list_at(owner->parse->cteList, i);
        if (strcmp(cte->ctename, rte->ctename)) continue;
        *plan_id = (int)owner->cte_plan_ids.v[i];
        *param = (int)owner->cte_params.v[i];
        return ST_OK;
    }
    return error_set(err, ERR_INTERNAL_ERROR, "could not find CTE \"%s\"", rte->ctename);
}

static Status build_cte(PlannerInfo *root, Path *path, Plan **out, Error *err)
{
    CteScan *s = make_plan(CteScan, root);
    TRY_MEM(s, err);
    s->scanrelid = path->rel->rti;
    TRY(find_cte(root, path->rel->rte, &s->ctePlanId, &s->cteParam, err));
    *out = (Plan *)s;
    return copy_quals(root, path->rel, path->rel->quals, NULL, &s->qual, err);
}

static Status build_worktable(PlannerInfo *root, Path *path, Plan **out, Error *err)
{
    WorkTableScan *s = make_plan(WorkTableScan, root);
    PlannerInfo *r = root;
    TRY_MEM(s, err);
    while (r && r->wt_param < 0) r = r->parent;
    s->scanrelid = path->rel->rti;
    s->wtParam = r ? r->wt_param : -1;
    *out = (Plan *)s;
    return copy_quals(root, path->rel, path->rel->quals, NULL, &s->qual, err);
}

static Status build_seqscan(PlannerInfo *root, Path *path, Plan **out, Error *err)
{
    SeqScan *s = make_plan(SeqScan, root);
    TRY_MEM(s, err);
    s->scanrelid = path->rel->rti;
    *out = (Plan *)s;
    return copy_quals(root, path->rel, path->rel->quals, NULL, &s->qual, err);
}

/* A filter over a path, or the one row of an empty FROM. Conditions without columns are tested once. */
static Status build_result(PlannerInfo *root, Path *path, Plan **out, Error *err)
{
    Result *r = make_plan(Result, root);
    List *once = NULL;
    TRY_MEM(r, err);
    *out = (Plan *)r;
    if (!path->outer) return copy_quals(root, path->rel, path->rel->quals, NULL, &r->qual, err);
    Plan *input;
    TRY(build(root, path->outer, &input, err));
    r->lefttree = (Node *)input;
    r->targetlist = input->targetlist;
    LIST_EACH(Node *, q, path->filter_clauses) {
        Node *copy = q;
        TRY(with_outer_params(root, path->rel->relids, &copy, err));
        if (bitset_is_empty(pull_varnos(q, 0, root->arena)) && !expr_contains_volatile(root->env, q)) TRY_APPEND(once, root->arena, copy, err);
        else TRY_APPEND(r->qual, root->arena, copy, err);
    }
    r->resconstantqual = (Node *)once;
    return ST_OK;
}

/* ---- joins ---- */

static Status join_target_list(PlannerInfo *root, Plan *left, Plan *right, JoinType type, List **out, Error *err)
{
    *out = NULL;
    LIST_EACH(TargetEntry *, te, left->targetlist) {
        TargetEntry *copy = make_target_entry(root->arena, te->expr, list_len(*out) + 1, te->resname, false);
        TRY_MEM(copy, err);
        TRY_APPEND(*out, root->arena, copy, err);
    }
    if (type == JOIN_SEMI || type == JOIN_ANTI) return ST_OK;
    LIST_EACH(TargetEntry *, te, right->targetlist) {
        TargetEntry *copy = make_target_entry(root->arena, te->expr, list_len(*out) + 1, te->resname, false);
        TRY_MEM(copy, err);
        TRY_APPEND(*out, root->arena, copy, err);
    }
    return ST_OK;
}

static Status join_quals(PlannerInfo *root, Path *path, List *except, List **joinqual, List **qual, Error *err)
{
    TRY(copy_quals(root, path->rel, path->join_clauses, except, joinqual, err));
    return copy_quals(root, path->rel, path->filter_clauses, NULL, qual, err);
}

/* Parameters whose columns the left side has become this nested loop's. */
static Status claim_params(PlannerInfo *root, Path *path, Plan *left, int from, List **out, Error *err)
{
    int kept = 0;
    *out = NULL;
    for (int i = 0; i < root->nouter_params; i++) {
        PlanParam *pp = &root->outer_params[i];
        Var *v = (Var *)pp->item;
        if (!IsA(v, Var) || !bitset_has(path->outer->rel->relids, v->varno)) {
            root->outer_params[kept++] = *pp;
            continue;
        }
        NestLoopParam *np;
        TRY_NODE(np, NestLoopParam, root->arena, err);
        np->paramno = pp->param_id;
        np->paramval = node_copy(v, root->arena);
        TRY_MEM(np->paramval, err);
        TRY_APPEND(*out, root->arena, np, err);
    }
    root->nouter_params = kept;
    return ST_OK;
}

static Status build_nestloop(PlannerInfo *root, Path *path, Plan **out, Error *err)
{
    NestLoop *j = make_plan(NestLoop, root);
    Plan *left, *right;
    TRY_MEM(j, err);
    TRY(build(root, path->outer, &left, err));
    TRY(build(root, path->inner, &right, err));
    TRY(claim_params(root, path, left, 0, &j->nestParams, err));
    j->jointype = path->jointype;
    j->inner_unique = path->inner_unique;
    j->lefttree = (Node *)left;
    j->righttree = (Node *)right;
    TRY(join_quals(root, path, NULL, &j->joinqual, &j->qual, err));
    TRY(join_target_list(root, left, right, path->jointype, &j->targetlist, err));
    *out = (Plan *)j;
    return ST_OK;
}

/* OUTER op INNER, whichever way it was written. */
static Status orient(PlannerInfo *root, OpExpr *clause, const Bitset *outer, OpExpr **out, Error *err)
{
    OpExpr *copy = node_copy(clause, root->arena);
    TRY_MEM(copy, err);
    *out = copy;
    if (bitset_is_subset(pull_varnos(list_first(copy->args), 0, root->arena), outer)) return ST_OK;
    const OperatorInfo *op = operator_by_oid(root->env, copy->opno), *commuted = op ? operator_by_oid(root->env, op->commutator) : NULL;
    if (!commuted) return error_set(err, ERR_INTERNAL_ERROR, "operator %u has no commutator", copy->opno);
    void *t = copy->args->items[0];
    copy->args->items[0] = copy->args->items[1];
    copy->args->items[1] = t;
    copy->opno = commuted->oid;
    copy->opfuncid = commuted->proc;
    return ST_OK;
}

static Status build_hashjoin(PlannerInfo *root, Path *path, Plan **out, Error *err)
{
    HashJoin *j = make_plan(HashJoin, root);
    Hash *h;
    Plan *left, *right;
    TRY_MEM(j, err);
    TRY(build(root, path->outer, &left, err));
    TRY(build(root, path->inner, &right, err));
    h = make_plan(Hash, root);
    TRY_MEM(h, err);
    copy_plan_costs((Plan *)h, right);
    h->startup_cost = right->total_cost;
    h->lefttree = (Node *)right;
    h->targetlist = right->targetlist;
    LIST_EACH(OpExpr *, c, path->hash_clauses) {
        OpExpr *o;
        TRY(orient(root, c, path->outer->rel->relids, &o, err));
        TRY_APPEND(j->hashclauses, root->arena, o, err);
        if (!intarray_push(&j->hashoperators, root->arena, o->opno)) return error_out_of_memory(err, 8);
        TRY_APPEND(j->outerkeys, root->arena, list_at(o->args, 0), err);
        TRY_APPEND(j->innerkeys, root->arena, list_at(o->args, 1), err);
    }
    h->hashkeys = j->innerkeys;
    j->jointype = path->jointype;
    j->inner_unique = path->inner_unique;
    j->lefttree = (Node *)left;
    j->righttree = (Node *)h;
    TRY(join_quals(root, path, path->hash_clauses, &j->joinqual, &j->qual, err));
    TRY(join_target_list(root, left, right, path->jointype, &j->targetlist, err));
    *out = (Plan *)j;
    return ST_OK;
}

static Status build_mergejoin(PlannerInfo *root, Path *path, Plan **out, Error *err)
{
    MergeJoin *j = make_plan(MergeJoin, root);
    Plan *left, *right;
    TRY_MEM(j, err);
    TRY(build(root, path->outer, &left, err));
    TRY(build(root, path->inner, &right, err));
    LIST_EACH(OpExpr *, c, path->hash_clauses) {
        OpExpr *o;
        TRY(orient(root, c, path->outer->rel->relids, &o, err));
        TRY_APPEND(j->mergeclauses, root->arena, o, err);
        if (!intarray_push(&j->mergedescending, root->arena, 0) || !intarray_push(&j->mergenullsfirst, root->arena, 0)) return error_out_of_memory(err, 8);
    }
    j->jointype = path->jointype;
    j->inner_unique = path->inner_unique;
    j->lefttree = (Node *)left;
    j->righttree = (Node *)right;
    TRY(join_quals(root, path, path->hash_clauses, &j->joinqual, &j->qual, err));
    TRY(join_target_list(root, left, right, path->jointype, &j->targetlist, err));
    *out = (Plan *)j;
    return ST_OK;
}

static Status build_material(PlannerInfo *root, Path *path, Plan **out, Error *err)
{
    Material *m = make_plan(Material, root);
    Plan *input;
    TRY_MEM(m, err);
    TRY(build(root, path->outer, &input, err));
    m->lefttree = (Node *)input;
    m->targetlist = input->targetlist;
    *out = (Plan *)m;
    return ST_OK;
}

static Status build_sort(PlannerInfo *root, Path *path, Plan **out, Error *err)
{
    Plan *input;
    TRY(build(root, path->outer, &input, err));
    return add_sort(root, input, &path->keys, 0, out, err);
}

static Status build(PlannerInfo *root, Path *path, Plan **out, Error *err)
{
    typedef Status (*Builder)(PlannerInfo *, Path *, Plan **, Error *);
    static const Builder builders[] = {
        [PATH_RESULT] = build_result, [PATH_SEQSCAN] = build_seqscan, [PATH_INDEX] = build_index_scan, [PATH_VIRTUAL] = build_virtual,
        [PATH_FUNCTION] = build_function, [PATH_VALUES] = build_values, [PATH_SUBQUERY] = build_subquery, [PATH_CTE] = build_cte,
        [PATH_WORKTABLE] = build_worktable, [PATH_NESTLOOP] = build_nestloop, [PATH_HASHJOIN] = build_hashjoin, [PATH_MERGEJOIN] = build_mergejoin,
        [PATH_SORT] = build_sort, [PATH_MATERIAL] = build_material,
    };
    TRY(stack_check(err));
    TRY(builders[path->kind](root, path, out, err));
    if (path->rel->rti && !path->outer) TRY(rel_target_list(root, path->rel, &(*out)->targetlist, err));
    set_costs(*out, path);
    return ST_OK;
}

/* ---- projection and sorting on top ---- */

static bool can_project(const Plan *p)
{
    switch (nodeTag(p)) {
    case T_Hash:
    case T_Material:
    case T_Memoize:
    case T_Sort:
    case T_Unique:
    case T_SetOp:
    case T_LockRows:
    case T_Limit:
    case T_ModifyTable:
    case T_Append:
    case T_MergeAppend:
    case T_RecursiveUnion:
    case T_ProjectSet: return false;
    default: return true;
    }
}

static bool same_exprs(List *a, List *b)
{
    if (list_len(a) != list_len(b)) return false;
    for (int i = 0; i < list_len(a); i++)
        if (!node_equal(((TargetEntry *)list_at(a, i))->expr, ((TargetEntry *)list_at(b, i))->expr)) return false;
    return true;
}

/* ---- set-returning functions: a ProjectSet computes those at the top of its columns; others it computes first, as columns of their own ---- */

static bool is_srf(const Node *n) { return (IsA(n, FuncExpr) && ((const FuncExpr *)n)->funcretset) || (IsA(n, OpExpr) && ((const OpExpr *)n)->opretset); }

typedef struct SrfArg { PlannerInfo *root; List *available, *innermost; bool pending; } SrfArg;

/* Collects set-returning calls that the input does not deliver yet and whose arguments contain none. */
static bool srf_walker(Node *node, void *varg)
{
    SrfArg *arg = varg;
    if (!node || (is_srf(node) && tlist_find(arg->available, node))) return false;
    if (is_srf(node)) {
        SrfArg inner = {arg->root, arg->available, NULL, false};
        arg->pending = true;
        node_walk(node, srf_walker, &inner);
        if (inner.pending) arg->innermost = list_concat(arg->innermost, inner.innermost, arg->root->arena);
        else if (!tlist_find(arg->innermost, node)) arg->innermost = list_append(arg->innermost, arg->root->arena, make_target_entry(arg->root->arena, node, 0, NULL, false));
        return false;
    }
    return node_walk(node, srf_walker, arg);
}

/* True if every pending call of the list stands at the top of its column. */
static bool only_top_level(PlannerInfo *root, List *tlist, List *available)
{
    LIST_EACH(TargetEntry *, te, tlist) {
        SrfArg arg = {root, available, NULL, false};
        if (is_srf(te->expr) && !tlist_find(available, te->expr)) node_walk(te->expr, srf_walker, &arg);
        else srf_walker(te->expr, &arg);
        if (arg.pending) return false;
    }
    return true;
}

static Status project_inner_sets(PlannerInfo *root, Plan *input, List *tlist, Plan **out, Error *err)
{
    SrfArg arg = {root, input->targetlist, NULL, false};
    List *lower = NULL;
    srf_walker((Node *)tlist, &arg);
    LIST_EACH(TargetEntry *, te, input->targetlist) {
        TargetEntry *copy = make_target_entry(root->arena, te->expr, list_len(lower) + 1, te->resname, false);
        TRY_MEM(copy, err);
        copy->ressortgroupref = te->ressortgroupref;
        TRY_APPEND(lower, root->arena, copy, err);
    }
    LIST_EACH(TargetEntry *, te, arg.innermost) {
        te->resno = list_len(lower) + 1;
        TRY_APPEND(lower, root->arena, te, err);
    }
    ProjectSet *ps = make_plan(ProjectSet, root);
    TRY_MEM(ps, err);
    copy_plan_costs((Plan *)ps, input);
    ps->plan_rows *= 10;
    ps->lefttree = (Node *)input;
    ps->targetlist = lower;
    *out = (Plan *)ps;
    return ST_OK;
}

static bool sets_pending(PlannerInfo *root, List *tlist, List *available)
{
    SrfArg arg = {root, available, NULL, false};
    srf_walker((Node *)tlist, &arg);
    return arg.pending;
}

Status add_projection(PlannerInfo *root, Plan *input, List *tlist, Plan **out, Error *err)
{
    while (sets_pending(root, tlist, input->targetlist) && !only_top_level(root, tlist, input->targetlist))
        TRY(project_inner_sets(root, input, tlist, &input, err));
    if (sets_pending(root, tlist, input->targetlist)) {
        ProjectSet *ps = make_plan(ProjectSet, root);
        TRY_MEM(ps, err);
        copy_plan_costs((Plan *)ps, input);
        ps->plan_rows *= 10;
        ps->lefttree = (Node *)input;
        ps->targetlist = tlist;
        *out = (Plan *)ps;
        return ST_OK;
    }
    if (can_project(input) || same_exprs(input->targetlist, tlist)) {
        input->targetlist = tlist;
        *out = input;
        return ST_OK;
    }
    Result *r = make_plan(Result, root);
    TRY_MEM(r, err);
    copy_plan_costs((Plan *)r, input);
    r->lefttree = (Node *)input;
    r->targetlist = tlist;
    *out = (Plan *)r;
    return ST_OK;
}

static Status sort_column(PlannerInfo *root, Plan *input, const PathKey *key, int *position, Error *err)
{
    LIST_EACH(TargetEntry *, te, input->targetlist)
        if (node_equal(te->expr, key->expr)) {
            *position = te->resno;
            return ST_OK;
        }
    LIST_EACH(TargetEntry *, te, input->targetlist)
        if (exprs_equivalent(root, te->expr, key->expr) && expr_type(te->expr) == expr_type(key->expr)) {
            *position = te->resno;
            return ST_OK;
        }
    TargetEntry *te = make_target_entry(root->arena, key->expr, list_len(input->targetlist) + 1, NULL, true);
    TRY_MEM(te, err);
    input->targetlist = list_copy(input->targetlist, root->arena);
    TRY_APPEND(input->targetlist, root->arena, te, err);
    *position = te->resno;
    return ST_OK;
}

static Status sort_node(PlannerInfo *root, Plan *input, double limit, Sort **out, Error *err)
{
    double startup, run;
    Sort *s = make_plan(Sort, root);
    TRY_MEM(s, err);
    s->lefttree = (Node *)input;
    copy_plan_costs((Plan *)s, input);
    cost_sort_of(root, input->plan_rows, input->plan_width, limit, &startup, &run);
    s->startup_cost = input->total_cost + startup;
    s->total_cost = s->startup_cost + run;
    s->bound = limit > 0 && limit < 1e9 ? (int64_t)limit : 0;
    *out = s;
    return ST_OK;
}

static Status push_column(PlannerInfo *root, Sort *s, int position, Oid op, Oid collation, bool nulls_first, Error *err)
{
    for (int i = 0; i < s->numCols; i++)
        if (s->sortColIdx.v[i] == position) return ST_OK;
    if (!intarray_push(&s->sortColIdx, root->arena, position) || !intarray_push(&s->sortOperators, root->arena, op) ||
        !intarray_push(&s->collations, root->arena, collation) || !intarray_push(&s->nullsFirst, root->arena, nulls_first))
        return error_out_of_memory(err, 32);
    s->numCols++;
    return ST_OK;
}

Status add_sort(PlannerInfo *root, Plan *input, const PathKeys *keys, double limit, Plan **out, Error *err)
{
    Sort *s;
    TRY(sort_node(root, input, limit, &s, err));
    for (int i = 0; i < keys->n; i++) {
        int position;
        const PathKey *k = &keys->k[i];
        Oid type = expr_type(k->expr);
        Oid op = k->descending ? type_greater_operator(root->env, type) : type_less_operator(root->env, type);
        if (!op) return error_set(err, ERR_UNDEFINED_FUNCTION, "could not identify an ordering operator for type %s", format_type_text(root->env, type, -1, root->arena));
        TRY(sort_column(root, input, k, &position, err));
        TRY(push_column(root, s, position, op, k->collation, k->nulls_first, err));
    }
    s->targetlist = input->targetlist;
    *out = (Plan *)s;
    return ST_OK;
}

Status sort_plan_by_clauses(PlannerInfo *root, Plan *input, List *clauses, List *tlist, int presorted, double limit, Plan **out, Error *err)
{
    Sort *s;
    TRY(sort_node(root, input, limit, &s, err));
    LIST_EACH(SortGroupClause *, sc, clauses) {
        int position;
        Node *expr = sortclause_expr(sc, tlist);
        if (!expr) return error_set(err, ERR_INTERNAL_ERROR, "ORDER/GROUP BY expression not found in target list");
        if (!sc->sortop) {
            error_set(err, ERR_UNDEFINED_FUNCTION, "could not identify an ordering operator for type %s", format_type_text(root->env, expr_type(expr), -1, root->arena));
            return error_hint(err, "Use an explicit ordering operator or modify the query.");
        }
        TargetEntry *te = tlist_by_sortref(input->targetlist, sc->tleSortGroupRef);
        if (te && node_equal(te->expr, expr)) {
            position = te->resno;
        } else {
            PathKey key = {expr, false, sc->nulls_first, expr_collation(expr)};
            TRY(sort_column(root, input, &key, &position, err));
        }
        TRY(push_column(root, s, position, sc->sortop, expr_collation(expr), sc->nulls_first, err));
    }
    s->targetlist = input->targetlist;
    *out = (Plan *)s;
    return ST_OK;
}

Status build_plan(PlannerInfo *root, Path *path, List *exact_tlist, Plan **out, Error *err)
{
    TRY(build(root, path, out, err));
    if (!exact_tlist) return ST_OK;
    return add_projection(root, *out, exact_tlist, out, err);
}
