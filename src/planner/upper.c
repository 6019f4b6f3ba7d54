/* What stands above the joins of a query level: grouping and aggregates, window functions, DISTINCT, ORDER BY, row locks, LIMIT.
 *
 * Each step's input target list holds whole expressions that the step sorts or groups by (with their sort reference) and, for everything else, the
 * leaves (Vars, and above grouping also Aggrefs, above windows WindowFuncs) from which the final expressions are computed. */
#include "planner/planner_internal.h"

/* ---- target lists of steps ---- */

TargetEntry *tlist_find(List *tlist, const Node *expr)
{
    LIST_EACH(TargetEntry *, te, tlist)
        if (node_equal(te->expr, expr)) return te;
    return NULL;
}

static Status add_entry(PlannerInfo *root, List **tlist, Node *expr, int sortref, Error *err)
{
    TargetEntry *te;
    if (!sortref && tlist_find(*tlist, expr)) return ST_OK;
    te = make_target_entry(root->arena, expr, list_len(*tlist) + 1, NULL, false);
    TRY_MEM(te, err);
    te->ressortgroupref = sortref;
    TRY_APPEND(*tlist, root->arena, te, err);
    return ST_OK;
}

static Status add_sort_exprs(PlannerInfo *root, List **tlist, List *clauses, Error *err)
{
    LIST_EACH(SortGroupClause *, sc, clauses) {
        Node *expr = sortclause_expr(sc, root->parse->targetList);
        if (!expr) return error_set(err, ERR_INTERNAL_ERROR, "ORDER/GROUP BY expression not found in target list");
        if (!tlist_by_sortref(*tlist, sc->tleSortGroupRef)) TRY(add_entry(root, tlist, expr, sc->tleSortGroupRef, err));
    }
    return ST_OK;
}

static Status add_leaves(PlannerInfo *root, List **tlist, Node *expr, bool aggs, bool windows, Error *err)
{
    /* An expression the list has whole needs no leaves. */
    if (IsA(expr, TargetEntry)) expr = ((TargetEntry *)expr)->expr;
    if (tlist_find(*tlist, expr)) return ST_OK;
    if (IsA(expr, List)) {
        LIST_EACH(Node *, item, (List *)expr) TRY(add_leaves(root, tlist, item, aggs, windows, err));
        return ST_OK;
    }
    LIST_EACH(Node *, leaf, pull_vars_and_aggs(expr, NULL, aggs, windows, root->arena)) TRY(add_entry(root, tlist, leaf, 0, err));
    return ST_OK;
}

static bool is_postponed(PlannerInfo *root, Node *expr) { return contains_srf(expr) || expr_contains_volatile(root->env, expr); }

/* With ORDER BY, set-returning and volatile columns are computed after the sort (unless it sorts by them). */
static bool must_postpone(PlannerInfo *root)
{
    Query *q = root->parse;
    bool any = false;
    if (!q->sortClause || q->distinctClause) return false;
    LIST_EACH(TargetEntry *, te, q->targetList) any = any || (!te->ressortgroupref && is_postponed(root, te->expr));
    LIST_EACH(SortGroupClause *, sc, q->sortClause) {
        Node *e = sortclause_expr(sc, q->targetList);
        if (e && contains_srf(e)) return false;
    }
    return any;
}

/* ---- choosing the join path ---- */

static double path_cost(const Path *p, double fraction, double rows)
{
    if (fraction <= 0) return p->total;
    double f = fraction < 1 ? fraction : rows > 0 ? fraction / rows : 1;
    if (f > 1) f = 1;
    return p->startup + (p->total - p->startup) * f;
}

static Status choose_path(PlannerInfo *root, RelOptInfo *rel, double fraction, Path **out, bool *ordered, Error *err)
{
    Path *best = rel->cheapest_total, *sorted = NULL;
    double startup, run;
    if (!best) return error_set(err, ERR_INTERNAL_ERROR, "no plan without outer parameters could be found");
    for (int i = 0; i < rel->npaths; i++) {
        Path *p = rel->paths[i];
        if (p->required_outer) continue;
        if (!root->query_keys.n && path_cost(p, fraction, rel->rows) < path_cost(best, fraction, rel->rows)) best = p;
        if (root->query_keys.n && keys_contained(root, &root->query_keys, &p->keys) &&
            (!sorted || path_cost(p, fraction, rel->rows) < path_cost(sorted, fraction, rel->rows)))
            sorted = p;
    }
    *out = best;
    *ordered = false;
    if (!root->query_keys.n) return ST_OK;
    cost_sort_of(root, rel->rows, rel->width, root->limit_tuples, &startup, &run);
    double with_sort = best->total + startup + (fraction > 0 ? 0 : run);
    if (sorted && path_cost(sorted, fraction, rel->rows) <= with_sort) {
        *out = sorted;
        *ordered = true;
    }
    return ST_OK;
}

static Status result_without_from(PlannerInfo *root, List *tlist, Plan **out, Error *err)
{
    Result *r = make_plan(Result, root);
    TRY_MEM(r, err);
    r->resconstantqual = root->parse->jointree ? root->parse->jointree->quals : NULL;
    r->total_cost = 0.01;
    r->plan_rows = 1;
    *out = (Plan *)r;
    return add_projection(root, (Plan *)r, tlist, out, err);
}

/* The joins, delivering tlist; *ordered: in the order of root->query_keys. */
static Status plan_input(PlannerInfo *root, List *tlist, double fraction, Plan **out, bool *ordered, Error *err)
{
    RelOptInfo *rel;
    Path *path;
    *ordered = false;
    if (!root->parse->jointree || !root->parse->jointree->fromlist) return result_without_from(root, tlist, out, err);
    TRY(plan_join_tree(root, &rel, err));
    TRY(choose_path(root, rel, fraction, &path, ordered, err));
    return build_plan(root, path, tlist, out, err);
}

/* ---- aggregates ---- */

typedef struct AggArg { PlannerInfo *root; bool ordered; Status st; Error *err; } AggArg;

static bool number_aggs(Node *node, void *varg)
{
    AggArg *arg = varg;
    if (!node) return false;
    if (IsA(node, Aggref)) {
        Aggref *agg = (Aggref *)node;
        agg->aggno = -1;
        LIST_EACH(Aggref *, have, arg->root->aggs) {
            agg->aggno = have->aggno;
            if (node_equal(have, agg) && !expr_contains_volatile(arg->root->env, node)) return false;
        }
        agg->aggno = list_len(arg->root->aggs);
        arg->root->aggs = list_append(arg->root->aggs, arg->root->arena, agg);
        if (agg->aggdistinct || agg->aggorder) arg->ordered = true;
        return false;
    }
    return node_walk(node, number_aggs, arg);
}

static bool all_hashable(PlannerInfo *root, List *clauses)
{
    LIST_EACH(SortGroupClause *, sc, clauses) {
        Node *e = sortclause_expr(sc, root->parse->targetList);
        const TypeInfo *t = e ? catalog_type(root->env, expr_type(e)) : NULL;
        if (!sc->hashable || !t || !t->hash) return false;
    }
    return true;
}

static List *clause_exprs(PlannerInfo *root, List *clauses)
{
    List *out = NULL;
    LIST_EACH(SortGroupClause *, sc, clauses) out = list_append(out, root->arena, sortclause_expr(sc, root->parse->targetList));
    return out;
}

static Status group_columns(PlannerInfo *root, List *clauses, Plan *input, IntArray *cols, IntArray *ops, IntArray *collations, Error *err)
{
    LIST_EACH(SortGroupClause *, sc, clauses) {
        TargetEntry *te = tlist_by_sortref(input->targetlist, sc->tleSortGroupRef);
        if (!te) return error_set(err, ERR_INTERNAL_ERROR, "GROUP BY expression not found in target list");
        if (!intarray_push(cols, root->arena, te->resno) || !intarray_push(ops, root->arena, sc->eqop) ||
            (collations && !intarray_push(collations, root->arena, expr_collation(te->expr))))
            return error_out_of_memory(err, 24);
    }
    return ST_OK;
}

/* ROLLUP, CUBE and GROUPING SETS expanded to plain sets of positions among the group columns (manual 7.2.4). */
static Status expand_set(PlannerInfo *root, GroupingSet *gs, List **out, Error *err);

static Status set_of_refs(PlannerInfo *root, const IntArray *refs, List **out, Error *err)
{
    GroupingSet *plain;
    TRY_NODE(plain, GroupingSet, root->arena, err);
    plain->kind = GROUPING_SET_SIMPLE;
    for (int i = 0; i < refs->n; i++)
        if (!intarray_has(&plain->refs, refs->v[i]) && !intarray_push(&plain->refs, root->arena, refs->v[i])) return error_out_of_memory(err, 8);
    TRY_APPEND(*out, root->arena, plain, err);
    return ST_OK;
}

static Status cube_or_rollup(PlannerInfo *root, GroupingSet *gs, List **out, Error *err)
{
    int n = list_len(gs->content);
    bool cube = gs->kind == GROUPING_SET_CUBE;
    if (cube && n > 12) return error_set(err, ERR_TOO_MANY_COLUMNS, "CUBE is limited to 12 elements");
    for (int k = 0; k < (cube ? 1 << n : n + 1); k++) {
        unsigned mask = cube ? (unsigned)((1 << n) - 1 - k) : (1u << (n - k)) - 1;
        IntArray refs = {0};
        for (int i = 0; i < n; i++) {
            if (!(mask & (1u << i))) continue;
            GroupingSet *item = list_at(gs->content, i);
            for (int r = 0; r < item->refs.n; r++)
                if (!intarray_push(&refs, root->arena, item->refs.v[r])) return error_out_of_memory(err, 8);
        }
        TRY(set_of_refs(root, &refs, out, err));
    }
    return ST_OK;
}

static Status expand_set(PlannerInfo *root, GroupingSet *gs, List **out, Error *err)
{
    IntArray none = {0};
    switch (gs->kind) {
    case GROUPING_SET_EMPTY: return set_of_refs(root, &none, out, err);
    case GROUPING_SET_SIMPLE: return set_of_refs(root, &gs->refs, out, err);
    case GROUPING_SET_SETS:
        LIST_EACH(GroupingSet *, item, gs->content) TRY(expand_set(root, item, out, err));
        return ST_OK;
    default: return cube_or_rollup(root, gs, out, err);
    }
}

/* Several items in GROUP BY multiply. */
static Status expand_grouping_sets(PlannerInfo *root, List **out, Error *err)
{
    List *product = NULL;
    IntArray none = {0};
    TRY(set_of_refs(root, &none, &product, err));
    LIST_EACH(GroupingSet *, gs, root->parse->groupingSets) {
        List *sets = NULL, *next = NULL;
        TRY(expand_set(root, gs, &sets, err));
        LIST_EACH(GroupingSet *, a, product)
            LIST_EACH(GroupingSet *, b, sets) {
                IntArray refs = {0};
                for (int i = 0; i < a->refs.n; i++) if (!intarray_push(&refs, root->arena, a->refs.v[i])) return error_out_of_memory(err, 8);
                for (int i = 0; i < b->refs.n; i++) if (!intarray_push(&refs, root->arena, b->refs.v[i])) return error_out_of_memory(err, 8);
                TRY(set_of_refs(root, &refs, &next, err));
            }
        product = next;
    }
    *out = product;
    return ST_OK;
}

/* Sort references to positions (0-based) among the group columns. */
static Status sets_to_positions(PlannerInfo *root, List *sets, Error *err)
{
    LIST_EACH(GroupingSet *, gs, sets)
        for (int i = 0; i < gs->refs.n; i++) {
            int at = 0, found = -1;
            LIST_EACH(SortGroupClause *, sc, root->parse->groupClause) {
                if (sc->tleSortGroupRef == gs->refs.v[i]) found = at;
                at++;
            }
            if (found < 0) return error_set(err, ERR_INTERNAL_ERROR, "grouping set names an unknown column");
            gs->refs.v[i] = found;
        }
    return ST_OK;
}

static Status agg_node(PlannerInfo *root, Plan *input, AggStrategy strategy, List *tlist, double groups, Agg **out, Error *err)
{
    Agg *agg = make_plan(Agg, root);
    TRY_MEM(agg, err);
    agg->aggstrategy = strategy;
    agg->lefttree = (Node *)input;
    agg->targetlist = tlist;
    agg->qual = (List *)root->parse->havingQual;
    agg->aggs = root->aggs;
    agg->numGroups = groups;
    TRY(group_columns(root, root->parse->groupClause, input, &agg->grpColIdx, &agg->grpOperators, &agg->grpCollations, err));
    agg->plan_width = input->plan_width;
    agg->plan_rows = groups * clauselist_selectivity(root, agg->qual, NULL);
    if (agg->plan_rows < 1) agg->plan_rows = 1;
    agg->total_cost = input->total_cost + input->plan_rows * 0.0025 * (1 + list_len(root->aggs) + list_len(root->parse->groupClause)) + groups * 0.01;
    agg->startup_cost = strategy == AGG_SORTED ? input->startup_cost : agg->total_cost - groups * 0.01;
    *out = agg;
    return ST_OK;
}

static Status plan_aggregation(PlannerInfo *root, List *tlist, double fraction, Plan **out, bool *ordered, Error *err)
{
    Query *q = root->parse;
    List *input_tlist = NULL;
    Plan *input;
    Agg *agg;
    AggArg arg = {root, false, ST_OK, err};
    bool presorted, hashable = all_hashable(root, q->groupClause);
    number_aggs((Node *)q->targetList, &arg);
    number_aggs(q->havingQual, &arg);
    TRY(add_sort_exprs(root, &input_tlist, q->groupClause, err));
    LIST_EACH(TargetEntry *, te, q->targetList) TRY(add_leaves(root, &input_tlist, te->expr, false, false, err));
    TRY(add_leaves(root, &input_tlist, q->havingQual ? q->havingQual : (Node *)root->aggs, false, false, err));
    TRY(plan_input(root, input_tlist, 0, &input, &presorted, err));
    double groups = q->groupClause ? estimate_groups(root, clause_exprs(root, q->groupClause), input->plan_rows) : 1;
    AggStrategy strategy = AGG_PLAIN;
    if (q->groupClause || q->groupingSets) {
        bool hash = hashable && !arg.ordered && (setting_bool(root->env->settings, SET_enable_hashagg) || !q->groupClause);
        strategy = presorted && !q->groupingSets ? AGG_SORTED : hash || (q->groupingSets && hashable) ? AGG_HASHED : AGG_SORTED;
        /* An order that ORDER BY wants anyway, for many groups, is worth sorting for once. */
        if (strategy == AGG_SORTED && !presorted && q->groupClause) TRY(sort_plan_by_clauses(root, input, q->groupClause, q->targetList, 0, 0, &input, err));
    }
    TRY(agg_node(root, input, strategy, tlist, groups, &agg, err));
    if (q->groupingSets) {
        TRY(expand_grouping_sets(root, &agg->groupingSets, err));
        TRY(sets_to_positions(root, agg->groupingSets, err));
    }
    *ordered = strategy == AGG_SORTED && !q->groupingSets;
    *out = (Plan *)agg;
    return ST_OK;
}

/* ---- window functions ---- */

typedef struct WindowArg { PlannerInfo *root; int winref; List *funcs; } WindowArg;

static bool collect_windows(Node *node, void *varg)
{
    WindowArg *arg = varg;
    if (!node) return false;
    if (IsA(node, WindowFunc) && ((WindowFunc *)node)->winref == arg->winref) {
        WindowFunc *wf = (WindowFunc *)node;
        LIST_EACH(WindowFunc *, have, arg->funcs) {
            wf->winno = have->winno;
            if (node_equal(have, wf)) return false;
        }
        wf->winno = list_len(arg->funcs);
        arg->funcs = list_append(arg->funcs, arg->root->arena, wf);
        return false;
    }
    return node_walk(node, collect_windows, arg);
}

static Status window_columns(PlannerInfo *root, List *clauses, Plan *input, IntArray *cols, IntArray *ops, Error *err)
{
    return group_columns(root, clauses, input, cols, ops, NULL, err);
}

static Status plan_one_window(PlannerInfo *root, WindowClause *wc, List *funcs, List *tlist, Plan *input, Plan **out, Error *err)
{
    List *order = list_concat(list_copy(wc->partitionClause, root->arena), wc->orderClause, root->arena);
    WindowAgg *w = make_plan(WindowAgg, root);
    TRY_MEM(w, err);
    if (order) TRY(sort_plan_by_clauses(root, input, order, root->parse->targetList, 0, 0, &input, err));
    w->winref = wc->winref;
    w->lefttree = (Node *)input;
    w->targetlist = tlist;
    TRY(window_columns(root, wc->partitionClause, input, &w->partColIdx, &w->partOperators, err));
    TRY(window_columns(root, wc->orderClause, input, &w->ordColIdx, &w->ordOperators, err));
    w->frameOptions = wc->frameOptions;
    w->startOffset = wc->startOffset;
    w->endOffset = wc->endOffset;
    w->startInRangeFunc = wc->startInRangeFunc;
    w->endInRangeFunc = wc->endInRangeFunc;
    w->inRangeColl = wc->inRangeColl;
    w->inRangeAsc = wc->inRangeAsc;
    w->inRangeNullsFirst = wc->inRangeNullsFirst;
    w->funcs = funcs;
    copy_plan_costs((Plan *)w, input);
    w->total_cost += input->plan_rows * 0.02 * list_len(funcs);
    *out = (Plan *)w;
    return ST_OK;
}

static Status window_input_tlist(PlannerInfo *root, bool aggs, List **out, Error *err)
{
    Query *q = root->parse;
    *out = NULL;
    LIST_EACH(WindowClause *, wc, q->windowClause) {
        TRY(add_sort_exprs(root, out, wc->partitionClause, err));
        TRY(add_sort_exprs(root, out, wc->orderClause, err));
    }
    TRY(add_sort_exprs(root, out, aggs ? q->groupClause : NULL, err));
    LIST_EACH(TargetEntry *, te, q->targetList) TRY(add_leaves(root, out, te->expr, aggs, false, err));
    return ST_OK;
}

static Status plan_windows(PlannerInfo *root, Plan *input, Plan **out, Error *err)
{
    List *tlist = input->targetlist;
    *out = input;
    LIST_EACH(WindowClause *, wc, root->parse->windowClause) {
        WindowArg arg = {root, wc->winref, NULL};
        collect_windows((Node *)root->parse->targetList, &arg);
        if (!arg.funcs) continue;
        tlist = list_copy(tlist, root->arena);
        /* Entries of the input keep their sort references: later windows sort by them. */
        LIST_EACH(WindowFunc *, wf, arg.funcs) TRY(add_entry(root, &tlist, (Node *)wf, 0, err));
        TRY(plan_one_window(root, wc, arg.funcs, tlist, *out, out, err));
    }
    return ST_OK;
}

/* ---- DISTINCT, ORDER BY, LIMIT ---- */

static Status plan_distinct(PlannerInfo *root, Plan *input, List *tlist, bool *sorted, Plan **out, Error *err)
{
    Query *q = root->parse;
    double groups = estimate_groups(root, clause_exprs(root, q->distinctClause), input->plan_rows);
    if (!q->hasDistinctOn && !q->sortClause && all_hashable(root, q->distinctClause) && setting_bool(root->env->settings, SET_enable_hashagg) && !*sorted) {
        Agg *agg = make_plan(Agg, root);
        TRY_MEM(agg, err);
        agg->aggstrategy = AGG_HASHED;
        agg->lefttree = (Node *)input;
        agg->targetlist = tlist;
        agg->numGroups = groups;
        TRY(group_columns(root, q->distinctClause, input, &agg->grpColIdx, &agg->grpOperators, &agg->grpCollations, err));
        copy_plan_costs((Plan *)agg, input);
        agg->plan_rows = groups;
        agg->total_cost = agg->startup_cost = input->total_cost + input->plan_rows * 0.01;
        *out = (Plan *)agg;
        return ST_OK;
    }
    if (!*sorted) {
        List *order = list_copy(q->sortClause, root->arena);
        LIST_EACH(SortGroupClause *, sc, q->distinctClause) {
            bool have = false;
            LIST_EACH(SortGroupClause *, o, order) have = have || o->tleSortGroupRef == sc->tleSortGroupRef;
            if (!have) TRY_APPEND(order, root->arena, sc, err);
        }
        TRY(sort_plan_by_clauses(root, input, order, tlist, 0, 0, &input, err));
    }
    *sorted = true;
    Unique *u = make_plan(Unique, root);
    TRY_MEM(u, err);
    u->lefttree = (Node *)input;
    u->targetlist = input->targetlist;
    TRY(group_columns(root, q->distinctClause, input, &u->uniqColIdx, &u->uniqOperators, NULL, err));
    copy_plan_costs((Plan *)u, input);
    u->plan_rows = groups;
    *out = (Plan *)u;
    return ST_OK;
}

static Status plan_lock_rows(PlannerInfo *root, Plan *input, Plan **out, Error *err)
{
    List *marks = NULL;
    LIST_EACH(RowMarkClause *, rm, root->parse->rowMarks) {
        PlanRowMark *mark;
        bool found = false;
        LIST_EACH(TargetEntry *, te, input->targetlist) {
            Var *v = (Var *)te->expr;
            if (!IsA(te->expr, Var) || v->varno != rm->rti || v->varattno != ATTNUM_ROWID) continue;
            TRY_NODE(mark, PlanRowMark, root->arena, err);
            *mark = (PlanRowMark){.tag = T_PlanRowMark, .rti = rm->rti, .strength = rm->strength, .waitPolicy = rm->waitPolicy, .rowid_resno = te->resno};
            TRY_APPEND(marks, root->arena, mark, err);
            found = true;
            break;
        }
        if (!found) continue;
    }
    *out = input;
    if (!marks) return ST_OK;
    LockRows *lr = make_plan(LockRows, root);
    TRY_MEM(lr, err);
    lr->lefttree = (Node *)input;
    lr->targetlist = input->targetlist;
    lr->rowMarks = marks;
    copy_plan_costs((Plan *)lr, input);
    *out = (Plan *)lr;
    return ST_OK;
}

static Status plan_limit(PlannerInfo *root, Plan *input, Plan **out, Error *err)
{
    Query *q = root->parse;
    Limit *l = make_plan(Limit, root);
    TRY_MEM(l, err);
    l->lefttree = (Node *)input;
    l->targetlist = input->targetlist;
    l->limitOffset = q->limitOffset;
    l->limitCount = q->limitCount;
    l->limitOption = q->limitOption;
    if (q->limitOption == LIMIT_OPTION_WITH_TIES)
        TRY(group_columns(root, q->sortClause, input, &l->uniqColIdx, &l->uniqOperators, NULL, err));
    copy_plan_costs((Plan *)l, input);
    if (root->limit_tuples > 0 && root->limit_tuples < input->plan_rows) {
        l->total_cost = input->startup_cost + (input->total_cost - input->startup_cost) * root->limit_tuples / input->plan_rows;
        l->plan_rows = root->limit_tuples;
    }
    *out = (Plan *)l;
    return ST_OK;
}

/* plan delivers tlist (or, with postponed columns, what they are made of). sorted: already in the order of sortClause. */
Status plan_order_limit(PlannerInfo *root, Plan *plan, List *tlist, bool sorted, Plan **out, Error *err)
{
    Query *q = root->parse;
    bool postpone = plan->targetlist != tlist && must_postpone(root);
    *out = plan;
    if (q->distinctClause) TRY(plan_distinct(root, *out, tlist, &sorted, out, err));
    if (q->sortClause && !sorted)
        TRY(sort_plan_by_clauses(root, *out, q->sortClause, q->targetList, 0, q->limitOption == LIMIT_OPTION_WITH_TIES ? 0 : root->limit_tuples, out, err));
    if (postpone) TRY(add_projection(root, *out, tlist, out, err));
    if (q->rowMarks) TRY(plan_lock_rows(root, *out, out, err));
    if (q->limitCount || q->limitOffset) TRY(plan_limit(root, *out, out, err));
    return ST_OK;
}

/* The list delivered below ORDER BY when some columns wait until after it. */
static Status sort_input_tlist(PlannerInfo *root, bool aggs, bool windows, List **out, Error *err)
{
    *out = NULL;
    TRY(add_sort_exprs(root, out, root->parse->sortClause, err));
    LIST_EACH(TargetEntry *, te, root->parse->targetList) {
        if (is_postponed(root, te->expr)) TRY(add_leaves(root, out, te->expr, aggs, windows, err));
        else TRY(add_entry(root, out, te->expr, te->ressortgroupref && !tlist_by_sortref(*out, te->ressortgroupref) ? te->ressortgroupref : 0, err));
    }
    return ST_OK;
}

static Status wanted_order(PlannerInfo *root, bool grouped, Error *err)
{
    Query *q = root->parse;
    List *clauses = grouped ? (q->groupingSets ? NULL : q->groupClause) : NULL;
    if (!grouped && q->hasWindowFuncs && q->windowClause) return ST_OK;
    if (!grouped) clauses = q->distinctClause && !q->hasDistinctOn && !q->sortClause ? NULL : q->sortClause;
    if (!grouped && q->distinctClause && q->sortClause) clauses = NULL; /* sorted explicitly by plan_distinct */
    return clauses ? make_path_keys(root, clauses, q->targetList, &root->query_keys, err) : ST_OK;
}

/* An ORDER BY after sorted grouping is satisfied when it asks for a prefix of the same columns in the same directions. */
static bool grouping_gives_order(List *sort, List *group)
{
    if (list_len(sort) > list_len(group)) return false;
    for (int i = 0; i < list_len(sort); i++) {
        SortGroupClause *s = list_at(sort, i), *g = list_at(group, i);
        if (s->tleSortGroupRef != g->tleSortGroupRef || s->sortop != g->sortop || s->nulls_first != g->nulls_first) return false;
    }
    return true;
}

Status plan_grouping(PlannerInfo *root, double tuple_fraction, Plan **out, Error *err)
{
    Query *q = root->parse;
    bool grouped = q->hasAggs || q->groupClause || q->groupingSets || q->havingQual, windows = q->hasWindowFuncs, ordered = false;
    bool postpone = must_postpone(root);
    List *tlist = q->targetList, *lower = tlist, *window_input = NULL;
    Plan *plan;
    if (q->jointree && q->jointree->fromlist) TRY(build_base_rels(root, err));
    TRY(wanted_order(root, grouped, err));
    if (postpone) TRY(sort_input_tlist(root, grouped, windows, &lower, err));
    if (windows) TRY(window_input_tlist(root, grouped, &window_input, err));
    List *first = windows ? window_input : lower;
    bool blocking = q->distinctClause || windows || grouped;
    if (grouped) TRY(plan_aggregation(root, first, tuple_fraction, &plan, &ordered, err));
    else TRY(plan_input(root, first, blocking ? 0 : tuple_fraction, &plan, &ordered, err));
    if (grouped) ordered = ordered && grouping_gives_order(q->sortClause, q->groupClause) && !windows;
    if (windows) {
        TRY(plan_windows(root, plan, &plan, err));
        TRY(add_projection(root, plan, lower, &plan, err));
        ordered = false;
    }
    if (grouped && contains_srf((Node *)lower) && IsA(plan, Agg)) {
        /* Set-returning functions over aggregates: aggregate first, then expand. */
        List *leaves = NULL;
        TRY(add_sort_exprs(root, &leaves, q->groupClause, err));
        LIST_EACH(TargetEntry *, te, lower) TRY(add_leaves(root, &leaves, te->expr, true, false, err));
        plan->targetlist = leaves;
        TRY(add_projection(root, plan, lower, &plan, err));
    }
    return plan_order_limit(root, plan, tlist, ordered && q->sortClause != NULL, out, err);
}
