/* Aggregate calls: their query level, their arguments, where they may stand (manual 4.2.7). */
#include "parser/parse_state.h"

typedef struct LevelWalk {
    int depth;          /* subqueries entered so far */
    int min_var, min_agg; /* smallest level, relative to the starting query; -1: none */
    int agg_location;
    bool window;
    int srf_location, window_location;
    bool srf;
} LevelWalk;

static bool level_walker(Node *n, void *arg)
{
    LevelWalk *w = arg;
    int level = -1;
    if (IsA(n, Var)) level = ((Var *)n)->varlevelsup - w->depth;
    if (level >= 0 && (w->min_var < 0 || level < w->min_var)) w->min_var = level;
    int agg = IsA(n, Aggref) ? ((Aggref *)n)->agglevelsup - w->depth : IsA(n, GroupingFunc) ? ((GroupingFunc *)n)->agglevelsup - w->depth : -1;
    if (agg >= 0 && (w->min_agg < 0 || agg < w->min_agg)) {
        w->min_agg = agg;
        w->agg_location = IsA(n, Aggref) ? ((Aggref *)n)->location : ((GroupingFunc *)n)->location;
    }
    if (w->depth == 0 && IsA(n, WindowFunc)) {
        w->window = true;
        w->window_location = ((WindowFunc *)n)->location;
    }
    if (w->depth == 0 && ((IsA(n, FuncExpr) && ((FuncExpr *)n)->funcretset) || (IsA(n, OpExpr) && ((OpExpr *)n)->opretset))) {
        w->srf = true;
        w->srf_location = expr_location(n);
    }
    if (IsA(n, Query)) {
        w->depth++;
        bool stop = query_walk((Query *)n, level_walker, arg);
        w->depth--;
        return stop;
    }
    return node_walk(n, level_walker, arg);
}

static LevelWalk levels_in(const Node *n)
{
    LevelWalk w = {.min_var = -1, .min_agg = -1, .agg_location = -1, .srf_location = -1};
    if (n) {
        if (n->tag == T_List) node_walk((Node *)(uintptr_t)n, level_walker, &w);
        else level_walker((Node *)(uintptr_t)n, &w);
    }
    return w;
}

static Status forbidden_here(ParseState *ps, ExprPlace place, const char *what, int location)
{
    if (place_allows(place, 'A')) return ST_OK;
    if (place == PLACE_FROM_SUBSELECT)
        return PS_ERROR(ps, location, ERR_GROUPING_ERROR, "%s are not allowed in FROM clause of their own query level", what);
    return PS_ERROR(ps, location, ERR_GROUPING_ERROR, "%s are not allowed in %s", what, place_name(place));
}

/* The level whose aggregate this is: that of its nearest columns. */
static Status settle_level(ParseState *ps, const char *what, LevelWalk args, LevelWalk filter, int location, int *levels_up)
{
    int level = args.min_var;
    if (filter.min_var >= 0 && (level < 0 || filter.min_var < level)) level = filter.min_var;
    int agg = args.min_agg;
    if (filter.min_agg >= 0 && (agg < 0 || filter.min_agg < agg)) agg = filter.min_agg;
    if (level < 0) level = agg >= 0 ? agg : 0;
    else if (agg >= 0 && agg < level) level = agg;
    if (agg == level && agg >= 0)
        return PS_ERROR(ps, args.min_agg == agg ? args.agg_location : filter.agg_location, ERR_GROUPING_ERROR, "aggregate function calls cannot be nested");
    if (args.srf) {
        PS_ERROR(ps, args.srf_location, ERR_FEATURE_NOT_SUPPORTED, "aggregate function calls cannot contain set-returning function calls");
        return error_hint(ps->err, "You might be able to move the set-returning function into a LATERAL FROM item.");
    }
    if (args.window || filter.window)
        return PS_ERROR(ps, args.window ? args.window_location : filter.window_location, ERR_GROUPING_ERROR, "aggregate function calls cannot contain window function calls");
    ParseState *owner = ps;
    for (int i = 0; i < level && owner->parent; i++) owner = owner->parent;
    owner->has_aggs = true;
    *levels_up = level;
    return forbidden_here(ps, owner->place, what, location);
}

static Status aggregated_args(ParseState *ps, Aggref *agg, List *args, int first, PbNode **order, size_t norder, bool distinct)
{
    int resno = ps->next_resno;
    List *tlist = NULL, *sort = NULL;
    ps->next_resno = 1;
    for (int i = first; i < list_len(args); i++) {
        TargetEntry *te = make_target_entry(ps->arena, list_at(args, i), ps->next_resno++, NULL, false);
        TRY_MEM(te, ps->err);
        PS_APPEND(tlist, ps, te);
    }
    if (agg->aggkind != 'n') {
        for (size_t i = 0; i < norder; i++) TRY(add_target_to_sort(ps, list_at(tlist, (int)i), sort, tlist, order[i]->sort_by, &sort));
    } else {
        TRY(transform_sort(ps, order, norder, &tlist, PLACE_ORDER_BY, true, &sort));
    }
    if (distinct) {
        TRY(transform_distinct(ps, &tlist, sort, true, &agg->aggdistinct));
        LIST_EACH(SortGroupClause *, s, agg->aggdistinct) {
            if (s->sortop) continue;
            const Node *e = sort_ref_target(s->tleSortGroupRef, tlist)->expr;
            PS_ERROR(ps, expr_location(e), ERR_UNDEFINED_FUNCTION, "could not identify an ordering operator for type %s", ps_type_name(ps, expr_type(e)));
            return error_detail(ps->err, "Aggregates with DISTINCT must be able to sort their inputs.");
        }
    }
    agg->args = tlist;
    agg->aggorder = sort;
    ps->next_resno = resno;
    return ST_OK;
}

Status transform_aggregate(ParseState *ps, Aggref *agg, List *args, PbNode **order, size_t norder, bool distinct, int location)
{
    int ndirect = agg->aggkind == 'n' ? 0 : list_len(args) - (int)norder;
    if (ndirect < 0) ndirect = 0;
    for (int i = 0; i < list_len(args); i++) PS_INT(&agg->aggargtypes, ps, expr_type(list_at(args, i)));
    for (int i = 0; i < ndirect; i++) PS_APPEND(agg->aggdirectargs, ps, list_at(args, i));
    LevelWalk w = levels_in((Node *)args);
    TRY(aggregated_args(ps, agg, args, ndirect, order, norder, distinct));
    LevelWalk all = levels_in((Node *)agg->args);
    if (all.min_var >= 0 && (w.min_var < 0 || all.min_var < w.min_var)) w.min_var = all.min_var;
    return settle_level(ps, "aggregate functions", w, levels_in(agg->aggfilter), location, &agg->agglevelsup);
}

Status transform_grouping(ParseState *ps, const PgQuery__GroupingFunc *raw, Node **out)
{
    GroupingFunc *g;
    PS_NEW(g, GroupingFunc, ps);
    g->location = raw->location;
    if (raw->n_args > 31) return PS_ERROR(ps, raw->location, ERR_TOO_MANY_ARGUMENTS, "GROUPING must have fewer than 32 arguments");
    for (size_t i = 0; i < raw->n_args; i++) {
        Node *e;
        TRY(transform_expr_here(ps, raw->args[i], &e));
        PS_APPEND(g->args, ps, e);
    }
    *out = (Node *)g;
    return settle_level(ps, "grouping operations", levels_in((Node *)g->args), levels_in(NULL), raw->location, &g->agglevelsup);
}

/* Questions ------------------------------------------------------------------------------------------------------------------------- */

typedef struct Question { int level, depth, location; NodeTag tag; } Question;

static bool question_walker(Node *n, void *arg)
{
    Question *q = arg;
    int level = IsA(n, Var) ? ((Var *)n)->varlevelsup : IsA(n, Aggref) ? ((Aggref *)n)->agglevelsup : IsA(n, GroupingFunc) ? ((GroupingFunc *)n)->agglevelsup : 0;
    bool kind = n->tag == q->tag || (q->tag == T_Aggref && n->tag == T_GroupingFunc) || (q->tag == T_Var && n->tag == T_CurrentOfExpr);
    if (kind && (q->tag == T_WindowFunc ? q->depth == 0 : level == q->level + q->depth)) {
        q->location = expr_location(n);
        return true;
    }
    if (q->tag == T_SubLink && n->tag == T_SubLink) return true;
    if (IsA(n, Query)) {
        q->depth++;
        bool stop = query_walk((Query *)n, question_walker, arg);
        q->depth--;
        return stop;
    }
    return node_walk(n, question_walker, arg);
}

static bool ask(const Node *n, NodeTag tag, int level, int *location)
{
    Question q = {level, 0, -1, tag};
    bool yes = n && (n->tag == T_List ? node_walk((Node *)(uintptr_t)n, question_walker, &q) : question_walker((Node *)(uintptr_t)n, &q));
    if (location) *location = q.location;
    return yes;
}

bool contains_aggs_of_level(const Node *n, int level) { return ask(n, T_Aggref, level, NULL); }
bool contains_windows(const Node *n) { return ask(n, T_WindowFunc, 0, NULL); }
bool contains_vars_of_level(const Node *n, int level) { return ask(n, T_Var, level, NULL); }
bool contains_sublinks(const Node *n) { return ask(n, T_SubLink, 0, NULL); }

int locate_aggregate(const Node *n, int level)
{
    int location = -1;
    ask(n, T_Aggref, level, &location);
    return location;
}
