/* Sort orders as lists of expressions. */
#include "planner/planner_internal.h"

TargetEntry *tlist_by_sortref(List *tlist, int ref)
{
    LIST_EACH(TargetEntry *, te, tlist)
        if (te->ressortgroupref == ref) return te;
    return NULL;
}

Node *sortclause_expr(const SortGroupClause *sc, List *tlist)
{
    TargetEntry *te = tlist_by_sortref(tlist, sc->tleSortGroupRef);
    return te ? te->expr : NULL;
}

Status make_path_keys(PlannerInfo *root, List *sort_clauses, List *targetlist, PathKeys *out, Error *err)
{
    out->n = 0;
    TRY_NEW_N(out->k, root->arena, list_len(sort_clauses) + 1, err);
    LIST_EACH(SortGroupClause *, sc, sort_clauses) {
        Node *expr = sortclause_expr(sc, targetlist);
        if (!expr || !sc->sortop) {
            out->n = 0;
            return ST_OK;
        }
        const OperatorInfo *op = operator_by_oid(root->env, sc->sortop);
        bool descending = operator_btree_strategy(sc->sortop) == 5 || (op && !strcmp(op->name, ">"));
        out->k[out->n++] = (PathKey){expr, descending, sc->nulls_first, expr_collation(expr)};
    }
    return ST_OK;
}

/* An expression equal to a constant orders nothing. */
static bool is_constant(PlannerInfo *root, Node *e)
{
    if (IsA(e, Const) || IsA(e, Param)) return true;
    e = strip_relabel(e);
    LIST_EACH(List *, cls, root->equivalences) {
        bool member = false, constant = false;
        LIST_EACH(Node *, m, cls) {
            member = member || node_equal(m, e);
            constant = constant || IsA(m, Const) || IsA(m, Param);
        }
        if (member && constant) return true;
    }
    return false;
}

bool keys_contained(PlannerInfo *root, const PathKeys *wanted, const PathKeys *have)
{
    int h = 0;
    for (int w = 0; w < wanted->n; w++) {
        const PathKey *want = &wanted->k[w];
        bool repeated = false;
        if (is_constant(root, want->expr)) continue;
        for (int i = 0; i < w; i++) repeated = repeated || exprs_equivalent(root, wanted->k[i].expr, want->expr);
        if (repeated) continue;
        while (h < have->n && is_constant(root, have->k[h].expr)) h++;
        if (h >= have->n) return false;
        const PathKey *k = &have->k[h++];
        if (k->descending != want->descending || k->nulls_first != want->nulls_first || !exprs_equivalent(root, want->expr, k->expr)) return false;
    }
    return true;
}
