/* The last pass: Vars and whole expressions above the scans become references to the columns of the child plan (OUTER_VAR, INNER_VAR), range table
 * indexes move to the statement's one range table, and every node learns which PARAM_EXEC slots it reads from outside. */
#include "planner/planner_internal.h"

typedef struct FixArg {
    PlannerInfo *root;
    List *outer, *inner; /* child target lists; NULL: none */
    int scan_varno;      /* Vars of this relation stay (moved by offset); 0: none */
    int scan_varno2;
    int offset;
    Status st;
    Error *err;
} FixArg;

static TargetEntry *find_var(List *tlist, const Var *v)
{
    LIST_EACH(TargetEntry *, te, tlist) {
        const Var *t = (const Var *)te->expr;
        if (IsA(te->expr, Var) && t->varno == v->varno && t->varattno == v->varattno) return te;
    }
    return NULL;
}

static Node *child_var(FixArg *arg, int which, const TargetEntry *te, const Node *orig)
{
    Var *v = make_var(arg->root->arena, which, te->resno, expr_type(orig), expr_typmod(orig), expr_collation(orig), 0);
    if (!v) {
        arg->st = error_out_of_memory(arg->err, sizeof *v);
        return (Node *)orig;
    }
    if (IsA(orig, Var)) {
        v->varnosyn = ((const Var *)orig)->varno > 0 ? ((const Var *)orig)->varno + arg->offset : ((const Var *)orig)->varno;
        v->varattnosyn = ((const Var *)orig)->varattno;
    }
    return (Node *)v;
}

static Node *fix_mutator(Node *node, void *varg)
{
    FixArg *arg = varg;
    if (!node || failed(arg->st)) return node;
    if (IsA(node, Var)) {
        const Var *v = (const Var *)node;
        TargetEntry *te;
        if (v->varno < 0) return node; /* resolved already */
        if (v->varno > 0 && (v->varno == arg->scan_varno || v->varno == arg->scan_varno2)) {
            Var *copy = node_copy(v, arg->root->arena);
            if (!copy) return node;
            copy->varno += arg->offset;
            copy->varnosyn = copy->varno;
            copy->varattnosyn = copy->varattno;
            return (Node *)copy;
        }
        if ((te = find_var(arg->outer, v))) return child_var(arg, OUTER_VAR, te, node);
        if ((te = find_var(arg->inner, v))) return child_var(arg, INNER_VAR, te, node);
        arg->st = error_set(arg->err, ERR_INTERNAL_ERROR, "variable %d.%d not found in subplan target list", v->varno, v->varattno);
        return node;
    }
    if (!IsA(node, Const) && !IsA(node, Param) && !IsA(node, List) && !IsA(node, TargetEntry) && !IsA(node, CaseTestExpr)) {
        TargetEntry *te = tlist_find(arg->outer, node);
        if (te) return child_var(arg, OUTER_VAR, te, node);
        te = tlist_find(arg->inner, node);
        if (te) return child_var(arg, INNER_VAR, te, node);
    }
    if (IsA(node, CurrentOfExpr)) {
        CurrentOfExpr *copy = node_copy(node, arg->root->arena);
        if (copy) copy->cvarno += arg->offset;
        return copy ? (Node *)copy : node;
    }
    return node_mutate(node, fix_mutator, arg, arg->root->arena);
}

static Status fix(FixArg *arg, void *field)
{
    Node **p = field;
    *p = fix_mutator(*p, arg);
    return arg->st;
}

/* A fresh list of fresh entries: several nodes may share one list. */
static Status fix_tlist(FixArg *arg, List **tlist)
{
    List *out = NULL;
    LIST_EACH(TargetEntry *, te, *tlist) {
        TargetEntry *copy;
        TRY_NODE(copy, TargetEntry, arg->root->arena, arg->err);
        *copy = *te;
        TRY(fix(arg, &copy->expr));
        TRY_APPEND(out, arg->root->arena, copy, arg->err);
    }
    *tlist = out;
    return ST_OK;
}

static List *tlist_of(Node *plan) { return plan ? ((Plan *)plan)->targetlist : NULL; }

static Status set_refs(PlannerInfo *root, Plan *plan, int offset, Error *err);

static Status fix_common(FixArg *arg, Plan *plan)
{
    TRY(fix_tlist(arg, &plan->targetlist));
    return fix(arg, &plan->qual);
}

/* Nodes that hand their child's rows on unchanged. */
static Status pass_through(FixArg *arg, Plan *plan)
{
    List *out = NULL;
    List *child = tlist_of(plan->lefttree);
    int i = 0;
    LIST_EACH(TargetEntry *, te, plan->targetlist) {
        TargetEntry *copy, *from = i < list_len(child) ? list_at(child, i) : te;
        TRY_NODE(copy, TargetEntry, arg->root->arena, arg->err);
        *copy = *te;
        copy->expr = child_var(arg, OUTER_VAR, &(TargetEntry){.tag = T_TargetEntry, .resno = i + 1}, from->expr);
        TRY(arg->st);
        TRY_APPEND(out, arg->root->arena, copy, arg->err);
        i++;
    }
    plan->targetlist = out;
    return ST_OK;
}

static Status fix_scan(FixArg *arg, Plan *plan, int *scanrelid)
{
    arg->scan_varno = *scanrelid;
    arg->outer = arg->inner = NULL;
    TRY(fix_common(arg, plan));
    *scanrelid += arg->offset;
    return ST_OK;
}

/* Index-only scans read the index's columns. */
static Node *index_var_mutator(Node *node, void *varg)
{
    struct { FixArg *fix; const IndexInfo *ix; int varno; } *arg = varg;
    if (!node) return NULL;
    if (IsA(node, Var) && ((Var *)node)->varno == arg->varno) {
        Var *v = node_copy(node, arg->fix->root->arena);
        if (!v) return node;
        for (int i = 0; i < arg->ix->def.ncolumns; i++)
            if (arg->ix->attnums[i] == v->varattno) {
                v->varnosyn = v->varno + arg->fix->offset;
                v->varattnosyn = v->varattno;
                v->varno = INDEX_VAR;
                v->varattno = i + 1;
                return (Node *)v;
            }
        return node;
    }
    return node_mutate(node, index_var_mutator, varg, arg->fix->root->arena);
}

static Status fix_index_only(FixArg *arg, IndexOnlyScan *s)
{
    RelOptInfo *rel = arg->root->rels[s->scanrelid - 1];
    struct { FixArg *fix; const IndexInfo *ix; int varno; } ia = {arg, relation_index(rel->rel, s->indexid), s->scanrelid};
    arg->scan_varno = s->scanrelid;
    List *tlist = NULL;
    LIST_EACH(TargetEntry *, te, s->targetlist) {
        TargetEntry *copy;
        TRY_NODE(copy, TargetEntry, arg->root->arena, arg->err);
        *copy = *te;
        copy->expr = index_var_mutator(te->expr, &ia);
        TRY_APPEND(tlist, arg->root->arena, copy, arg->err);
    }
    s->targetlist = tlist;
    s->qual = (List *)index_var_mutator((Node *)s->qual, &ia);
    TRY(fix(arg, &s->indexqual));
    TRY(fix(arg, &s->indexqualorig));
    TRY(fix_common(arg, (Plan *)s));
    s->scanrelid += arg->offset;
    return ST_OK;
}

static Status fix_subquery_scan(PlannerInfo *root, FixArg *arg, SubqueryScan *s, Error *err)
{
    /* The subplan was finished when it was planned: its range table is part of the statement's already. */
    return fix_scan(arg, (Plan *)s, &s->scanrelid);
}

static Status fix_join(FixArg *arg, Plan *plan)
{
    arg->outer = tlist_of(plan->lefttree);
    arg->inner = tlist_of(plan->righttree);
    if (IsA(plan, NestLoop)) {
        NestLoop *j = (NestLoop *)plan;
        TRY(fix(arg, &j->joinqual));
        FixArg left = *arg;
        left.inner = NULL;
        LIST_EACH(NestLoopParam *, np, j->nestParams) TRY(fix(&left, &np->paramval));
    } else if (IsA(plan, HashJoin)) {
        HashJoin *j = (HashJoin *)plan;
        TRY(fix(arg, &j->joinqual));
        TRY(fix(arg, &j->hashclauses));
        TRY(fix(arg, &j->outerkeys));
        FixArg hashed = *arg; /* keys of the Hash read its own input */
        Hash *h = (Hash *)plan->righttree;
        hashed.outer = tlist_of(h->lefttree);
        hashed.inner = NULL;
        TRY(fix(&hashed, &j->innerkeys));
        h->hashkeys = j->innerkeys;
    } else {
        MergeJoin *j = (MergeJoin *)plan;
        TRY(fix(arg, &j->joinqual));
        TRY(fix(arg, &j->mergeclauses));
    }
    return fix_common(arg, plan);
}

static Status fix_upper(FixArg *arg, Plan *plan)
{
    arg->outer = tlist_of(plan->lefttree);
    if (IsA(plan, Agg)) TRY(fix(arg, &((Agg *)plan)->aggs));
    if (IsA(plan, WindowAgg)) {
        WindowAgg *w = (WindowAgg *)plan;
        TRY(fix(arg, &w->funcs));
        TRY(fix(arg, &w->startOffset));
        TRY(fix(arg, &w->endOffset));
    }
    if (IsA(plan, Result)) TRY(fix(arg, &((Result *)plan)->resconstantqual));
    return fix_common(arg, plan);
}

static Status fix_append(PlannerInfo *root, FixArg *arg, Plan *plan, List *children, int offset, Error *err)
{
    if (children) plan->lefttree = list_first(children);
    Status st = pass_through(arg, plan);
    plan->lefttree = NULL;
    LIST_EACH(Plan *, child, children) TRY(first_error(st, set_refs(root, child, offset, err)));
    return st;
}

static Status fix_modify(FixArg *arg, ModifyTable *mt, int offset)
{
    FixArg returning = *arg;
    returning.outer = tlist_of(mt->lefttree);
    returning.scan_varno = mt->resultRelation;
    TRY(fix_tlist(&returning, &mt->returningList));
    mt->targetlist = mt->returningList;
    FixArg conflict = *arg;
    conflict.scan_varno = mt->resultRelation;
    conflict.scan_varno2 = mt->exclRelRTI;
    TRY(fix_tlist(&conflict, &mt->onConflictSet));
    TRY(fix(&conflict, &mt->onConflictWhere));
    TRY(fix(&conflict, &mt->epqQuals));
    mt->resultRelation += offset;
    if (mt->exclRelRTI) mt->exclRelRTI += offset;
    if (!intarray_push(&arg->root->glob->result_relations, arg->root->arena, mt->resultRelation)) return error_out_of_memory(arg->err, 8);
    return ST_OK;
}

static Status fix_marks(PlannerInfo *root, LockRows *lr, int offset, Error *err)
{
    LIST_EACH(PlanRowMark *, m, lr->rowMarks) {
        m->rti += offset;
        TRY_APPEND(root->glob->row_marks, root->arena, m, err);
    }
    return ST_OK;
}

static Status set_node_refs(PlannerInfo *root, Plan *plan, int offset, Error *err)
{
    FixArg arg = {.root = root, .offset = offset, .st = ST_OK, .err = err};
    switch (nodeTag(plan)) {
    case T_SeqScan: return fix_scan(&arg, plan, &((SeqScan *)plan)->scanrelid);
    case T_IndexScan: {
        IndexScan *s = (IndexScan *)plan;
        arg.scan_varno = s->scanrelid;
        TRY(fix(&arg, &s->indexqual));
        TRY(fix(&arg, &s->indexqualorig));
        return fix_scan(&arg, plan, &s->scanrelid);
    }
    case T_IndexOnlyScan: return fix_index_only(&arg, (IndexOnlyScan *)plan);
    case T_VirtualScanPlan:
        arg.scan_varno = ((VirtualScanPlan *)plan)->scanrelid;
        TRY(fix(&arg, &((VirtualScanPlan *)plan)->keyvalues));
        return fix_scan(&arg, plan, &((VirtualScanPlan *)plan)->scanrelid);
    case T_FunctionScan: return fix_scan(&arg, plan, &((FunctionScan *)plan)->scanrelid);
    case T_ValuesScan: return fix_scan(&arg, plan, &((ValuesScan *)plan)->scanrelid);
    case T_CteScan: return fix_scan(&arg, plan, &((CteScan *)plan)->scanrelid);
    case T_WorkTableScan: return fix_scan(&arg, plan, &((WorkTableScan *)plan)->scanrelid);
    case T_SubqueryScan: return fix_subquery_scan(root, &arg, (SubqueryScan *)plan, err);
    case T_NestLoop:
    case T_HashJoin:
    case T_MergeJoin: return fix_join(&arg, plan);
    case T_Append: return fix_append(root, &arg, plan, ((Append *)plan)->appendplans, offset, err);
    case T_LockRows:
        TRY(fix_marks(root, (LockRows *)plan, offset, err));
        return pass_through(&arg, plan);
    case T_Limit:
        TRY(fix(&arg, &((Limit *)plan)->limitOffset));
        TRY(fix(&arg, &((Limit *)plan)->limitCount));
        return pass_through(&arg, plan);
    case T_Hash:
    case T_Material:
    case T_Memoize:
    case T_Sort:
    case T_Unique:
    case T_SetOp:
    case T_RecursiveUnion: return pass_through(&arg, plan);
    case T_ModifyTable: return fix_modify(&arg, (ModifyTable *)plan, offset);
    default: return fix_upper(&arg, plan);
    }
}

/* A node is resolved against its children's target lists while those still hold the original expressions: parents first. */
static Status set_refs(PlannerInfo *root, Plan *plan, int offset, Error *err)
{
    if (!plan) return ST_OK;
    TRY(stack_check(err));
    TRY(set_node_refs(root, plan, offset, err));
    if (IsA(plan, Append)) return ST_OK;
    TRY(set_refs(root, (Plan *)plan->lefttree, offset, err));
    return set_refs(root, (Plan *)plan->righttree, offset, err);
}

Status set_plan_references(PlannerInfo *root, Plan *plan, Error *err)
{
    PlannerGlobal *glob = root->glob;
    int offset = list_len(glob->final_rtable);
    LIST_EACH(RangeTblEntry *, rte, root->parse->rtable) {
        RangeTblEntry *flat;
        TRY_NODE(flat, RangeTblEntry, root->arena, err);
        *flat = *rte;
        flat->subquery = NULL;
        flat->joinaliasvars = NULL;
        flat->functions = NULL;
        flat->values_lists = NULL;
        TRY_APPEND(glob->final_rtable, root->arena, flat, err);
    }
    LIST_EACH(SubPlan *, sp, root->init_plans) {
        FixArg arg = {.root = root, .offset = offset, .err = err};
        TRY(fix(&arg, &sp->args));
    }
    return set_refs(root, plan, offset, err);
}

/* ---- parameters read from outside ---- */

typedef struct ParamArg { PlannerGlobal *glob; Bitset *used; Status st; Error *err; } ParamArg;

static bool param_walker(Node *node, void *varg)
{
    ParamArg *arg = varg;
    if (!node) return false;
    if (IsA(node, Param)) {
        if (((Param *)node)->paramkind == PARAM_EXEC) arg->used = bitset_add(arg->used, arg->glob->arena, ((Param *)node)->paramid);
        return false;
    }
    if (IsA(node, SubPlan)) {
        SubPlan *sp = (SubPlan *)node;
        Plan *sub = sp->plan_id > 0 && sp->plan_id <= list_len(arg->glob->subplans) ? list_at(arg->glob->subplans, sp->plan_id - 1) : NULL;
        if (sub) {
            arg->st = first_error(arg->st, compute_ext_params(arg->glob, sub, arg->err));
            Bitset *outside = bitset_copy(sub->extParam, arg->glob->arena);
            for (int i = 0; i < sp->parParam.n; i++) {
                Bitset *one = bitset_add(NULL, arg->glob->arena, (int)sp->parParam.v[i]);
                outside = bitset_difference(outside, one, arg->glob->arena);
            }
            arg->used = bitset_union(arg->used, outside, arg->glob->arena);
        }
    }
    return node_walk(node, param_walker, arg);
}

static Status child_params(PlannerGlobal *glob, Node *child, Bitset **used, Error *err)
{
    if (!child) return ST_OK;
    TRY(compute_ext_params(glob, (Plan *)child, err));
    *used = bitset_union(*used, ((Plan *)child)->extParam, glob->arena);
    return ST_OK;
}

/* Everything in the node but its children, which the generic walker would enter too: they are taken out for the moment. */
static Status own_params(PlannerGlobal *glob, Plan *plan, Bitset **used, Error *err)
{
    Node *left = plan->lefttree, *right = plan->righttree;
    List *append = IsA(plan, Append) ? ((Append *)plan)->appendplans : NULL;
    ParamArg arg = {glob, NULL, ST_OK, err};
    Node *sub = IsA(plan, SubqueryScan) ? ((SubqueryScan *)plan)->subplan : NULL;
    plan->lefttree = plan->righttree = NULL;
    if (append) ((Append *)plan)->appendplans = NULL;
    if (sub) ((SubqueryScan *)plan)->subplan = NULL;
    node_walk((Node *)plan, param_walker, &arg);
    plan->lefttree = left;
    plan->righttree = right;
    if (append) ((Append *)plan)->appendplans = append;
    if (sub) ((SubqueryScan *)plan)->subplan = sub;
    *used = bitset_union(*used, arg.used, glob->arena);
    TRY(arg.st);
    LIST_EACH(Node *, child, append) TRY(child_params(glob, child, used, err));
    return child_params(glob, sub, used, err);
}

Status compute_ext_params(PlannerGlobal *glob, Plan *plan, Error *err)
{
    Bitset *used = NULL, *own = NULL;
    TRY(stack_check(err));
    TRY(child_params(glob, plan->righttree, &used, err));
    if (IsA(plan, NestLoop))
        LIST_EACH(NestLoopParam *, np, ((NestLoop *)plan)->nestParams) own = bitset_add(own, glob->arena, np->paramno);
    used = bitset_difference(used, own, glob->arena);
    TRY(child_params(glob, plan->lefttree, &used, err));
    TRY(own_params(glob, plan, &used, err));
    if (IsA(plan, CteScan)) used = bitset_add(used, glob->arena, ((CteScan *)plan)->cteParam);
    if (IsA(plan, WorkTableScan)) used = bitset_add(used, glob->arena, ((WorkTableScan *)plan)->wtParam);
    own = NULL;
    if (IsA(plan, RecursiveUnion)) own = bitset_add(own, glob->arena, ((RecursiveUnion *)plan)->wtParam);
    LIST_EACH(SubPlan *, sp, plan->initPlan)
        for (int i = 0; i < sp->setParam.n; i++) own = bitset_add(own, glob->arena, (int)sp->setParam.v[i]);
    plan->extParam = bitset_difference(used, own, glob->arena);
    return ST_OK;
}
