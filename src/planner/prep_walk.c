/* Small walks over expressions: which relations, levels, aggregates they name; moving and replacing Vars. */
#include "planner/planner_internal.h"

Node *strip_relabel(Node *n)
{
    while (IsA(n, RelabelType)) n = ((RelabelType *)n)->arg;
    return n;
}

/* ---- varnos ---- */

typedef struct VarnosArg { int level; Bitset *set; Arena *arena; } VarnosArg;

static bool varnos_walker(Node *node, void *varg)
{
    VarnosArg *arg = varg;
    if (!node) return false;
    if (IsA(node, Var)) {
        Var *v = (Var *)node;
        if (v->varlevelsup == arg->level && v->varno > 0) arg->set = bitset_add(arg->set, arg->arena, v->varno);
        return false;
    }
    if (IsA(node, CurrentOfExpr)) {
        if (arg->level == 0) arg->set = bitset_add(arg->set, arg->arena, ((CurrentOfExpr *)node)->cvarno);
        return false;
    }
    if (IsA(node, Query)) {
        arg->level++;
        bool r = query_walk((Query *)node, varnos_walker, arg);
        arg->level--;
        return r;
    }
    return node_walk(node, varnos_walker, arg);
}

Bitset *pull_varnos(Node *node, int level, Arena *arena)
{
    VarnosArg arg = {level, NULL, arena};
    varnos_walker(node, &arg);
    return arg.set;
}

/* ---- references to outer levels ---- */

static bool outer_walker(Node *node, void *varg)
{
    int *level = varg;
    if (!node) return false;
    if (IsA(node, Var)) return ((Var *)node)->varlevelsup >= *level;
    if (IsA(node, Aggref) && ((Aggref *)node)->agglevelsup >= *level) return true;
    if (IsA(node, Query)) {
        ++*level;
        bool r = query_walk((Query *)node, outer_walker, level);
        LIST_EACH(RangeTblEntry *, rte, ((Query *)node)->rtable)
            r = r || (rte->rtekind == RTE_CTE && rte->ctelevelsup >= *level);
        --*level;
        return r;
    }
    return node_walk(node, outer_walker, level);
}

bool contains_outer_vars(Node *node, int level)
{
    if (IsA(node, Query)) level--; /* the walker enters the Query and counts a level for it */
    return outer_walker(node, &level);
}

typedef struct OffsetArg { int offset, level; } OffsetArg;

static bool offset_walker(Node *node, void *varg)
{
    OffsetArg *arg = varg;
    if (!node) return false;
    if (IsA(node, Var)) {
        Var *v = (Var *)node;
        if (v->varlevelsup == arg->level && v->varno > 0) {
            v->varno += arg->offset;
            if (v->varnosyn > 0) v->varnosyn += arg->offset;
        }
        return false;
    }
    if (IsA(node, CurrentOfExpr)) {
        if (arg->level == 0) ((CurrentOfExpr *)node)->cvarno += arg->offset;
        return false;
    }
    if (IsA(node, RangeTblRef)) {
        if (arg->level == 0) ((RangeTblRef *)node)->rtindex += arg->offset;
        return false;
    }
    if (IsA(node, JoinExpr) && arg->level == 0 && ((JoinExpr *)node)->rtindex) ((JoinExpr *)node)->rtindex += arg->offset;
    if (IsA(node, Query)) {
        arg->level++;
        query_walk((Query *)node, offset_walker, arg);
        arg->level--;
        return false;
    }
    return node_walk(node, offset_walker, arg);
}

Status offset_vars(Node *node, int offset, int level, Error *err)
{
    OffsetArg arg = {offset, level};
    offset_walker(node, &arg);
    return ST_OK;
}

typedef struct LevelsArg { int delta, min_level; } LevelsArg;

static bool levels_walker(Node *node, void *varg)
{
    LevelsArg *arg = varg;
    if (!node) return false;
    if (IsA(node, Var)) {
        if (((Var *)node)->varlevelsup >= arg->min_level) ((Var *)node)->varlevelsup += arg->delta;
        return false;
    }
    if (IsA(node, Aggref) && ((Aggref *)node)->agglevelsup >= arg->min_level) ((Aggref *)node)->agglevelsup += arg->delta;
    if (IsA(node, GroupingFunc) && ((GroupingFunc *)node)->agglevelsup >= arg->min_level) ((GroupingFunc *)node)->agglevelsup += arg->delta;
    if (IsA(node, Query)) {
        Query *q = (Query *)node;
        arg->min_level++;
        LIST_EACH(RangeTblEntry *, rte, q->rtable)
            if (rte->rtekind == RTE_CTE && rte->ctelevelsup >= arg->min_level) rte->ctelevelsup += arg->delta;
        query_walk(q, levels_walker, arg);
        arg->min_level--;
        return false;
    }
    return node_walk(node, levels_walker, arg);
}

Status increment_levels(Node *node, int delta, int min_level, Error *err)
{
    LevelsArg arg = {delta, min_level};
    if (IsA(node, Query)) arg.min_level--;
    levels_walker(node, &arg);
    return ST_OK;
}

/* ---- leaves ---- */

typedef struct LeavesArg { List *into; bool aggs, windows, oom; Arena *arena; } LeavesArg;

static void add_leaf(LeavesArg *arg, Node *node)
{
    LIST_EACH(Node *, have, arg->into)
        if (node_equal(have, node)) return;
    List *l = list_append(arg->into, arg->arena, node);
    if (l) arg->into = l;
    else arg->oom = true;
}

static bool leaves_walker(Node *node, void *varg)
{
    LeavesArg *arg = varg;
    if (!node) return false;
    if (IsA(node, Var)) {
        if (((Var *)node)->varlevelsup == 0) add_leaf(arg, node);
        return false;
    }
    if ((IsA(node, Aggref) || IsA(node, GroupingFunc)) && arg->aggs) {
        add_leaf(arg, node);
        return false;
    }
    if (IsA(node, WindowFunc) && arg->windows) {
        add_leaf(arg, node);
        return false;
    }
    return node_walk(node, leaves_walker, arg);
}

List *pull_vars_and_aggs(Node *node, List *into, bool aggs, bool windows, Arena *arena)
{
    LeavesArg arg = {into, aggs, windows, false, arena};
    leaves_walker(node, &arg);
    return arg.into;
}

/* ---- containment ---- */

static bool tag_walker(Node *node, void *varg)
{
    NodeTag tag = *(NodeTag *)varg;
    if (!node) return false;
    if (nodeTag(node) == tag) return true;
    return node_walk(node, tag_walker, varg);
}

bool has_sublinks(Node *node)
{
    NodeTag tag = T_SubLink;
    return tag_walker(node, &tag);
}

bool contains_aggs(Node *node)
{
    NodeTag tag = T_Aggref;
    return tag_walker(node, &tag);
}

static bool srf_walker(Node *node, void *arg)
{
    if (!node) return false;
    if (IsA(node, FuncExpr) && ((FuncExpr *)node)->funcretset) return true;
    if (IsA(node, OpExpr) && ((OpExpr *)node)->opretset) return true;
    return node_walk(node, srf_walker, arg);
}

bool contains_srf(Node *node) { return srf_walker(node, NULL); }

/* ---- replacing the columns of a pulled-up subquery ---- */

typedef struct ReplaceArg { PlannerInfo *root; int varno, level; List *tlist; Status st; Error *err; } ReplaceArg;

static Node *whole_row(ReplaceArg *arg, Var *v)
{
    RowExpr *row = node_new(RowExpr, arg->root->arena);
    if (!row) return NULL;
    row->row_typeid = v->vartype;
    row->row_format = COERCE_IMPLICIT_CAST;
    row->location = -1;
    LIST_EACH(TargetEntry *, te, arg->tlist) {
        if (te->resjunk) continue;
        row->args = list_append(row->args, arg->root->arena, node_copy(te->expr, arg->root->arena));
        String *name = node_new(String, arg->root->arena);
        if (name) name->sval = te->resname;
        row->colnames = list_append(row->colnames, arg->root->arena, name);
    }
    return (Node *)row;
}

static void mutate_query(Query *q, ReplaceArg *arg);

static Node *replace_mutator(Node *node, void *varg)
{
    ReplaceArg *arg = varg;
    if (!node) return NULL;
    if (IsA(node, Var)) {
        Var *v = (Var *)node;
        if (v->varno != arg->varno || v->varlevelsup != arg->level) return node;
        Node *expr = NULL;
        if (v->varattno == 0) expr = whole_row(arg, v);
        LIST_EACH(TargetEntry *, te, arg->tlist)
            if (te->resno == v->varattno && !te->resjunk) expr = node_copy(te->expr, arg->root->arena);
        if (!expr) {
            arg->st = error_set(arg->err, ERR_INTERNAL_ERROR, "could not find attribute %d in subquery target list", v->varattno);
            return node;
        }
        if (arg->level) arg->st = first_error(arg->st, increment_levels(expr, arg->level, 0, arg->err));
        return expr;
    }
    if (IsA(node, Query)) {
        arg->level++; /* changed in place: the trees belong to this planning */
        mutate_query((Query *)node, arg);
        arg->level--;
        return node;
    }
    return node_mutate(node, replace_mutator, arg, arg->root->arena);
}

/* Applies fn to every expression of a query level in place. */
static void mutate_query(Query *q, ReplaceArg *arg)
{
#define APPLY(field) ((field) = (void *)replace_mutator((Node *)(field), arg))
    APPLY(q->targetList);
    APPLY(q->returningList);
    APPLY(q->jointree);
    APPLY(q->havingQual);
    APPLY(q->limitOffset);
    APPLY(q->limitCount);
    APPLY(q->windowClause);
    if (q->onConflict) {
        APPLY(q->onConflict->arbiterElems);
        APPLY(q->onConflict->arbiterWhere);
        APPLY(q->onConflict->onConflictSet);
        APPLY(q->onConflict->onConflictWhere);
    }
    LIST_EACH(RangeTblEntry *, rte, q->rtable) {
        APPLY(rte->joinaliasvars);
        APPLY(rte->functions);
        APPLY(rte->values_lists);
        if (rte->rtekind == RTE_SUBQUERY && rte->subquery) replace_mutator((Node *)rte->subquery, arg);
    }
    LIST_EACH(CommonTableExpr *, cte, q->cteList) if (IsA(cte->ctequery, Query)) replace_mutator(cte->ctequery, arg);
#undef APPLY
}

Status replace_vars(PlannerInfo *root, Node *node, int varno, List *targetlist, Node **out, Error *err)
{
    ReplaceArg arg = {root, varno, 0, targetlist, ST_OK, err};
    TRY(stack_check(err));
    *out = node;
    if (node == (Node *)root->parse) mutate_query((Query *)node, &arg);
    else *out = replace_mutator(node, &arg);
    return arg.st;
}
