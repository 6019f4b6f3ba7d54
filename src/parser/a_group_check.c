/* Columns of a grouped query must be grouped, aggregated, or depend on a grouped primary key (manual 7.2.3). */
#include "parser/parse_state.h"

typedef struct Check {
    ParseState *ps;
    Query *q;
    List *groups;       /* TargetEntries of GROUP BY */
    bool only_vars;     /* all of them are plain columns */
    IntArray common;    /* with GROUPING SETS: refs that every set groups by */
    int depth;
    IntArray dependent; /* range table indexes whose primary key is grouped */
    bool failed;
} Check;

static bool is_group_column(const Check *c, const Var *v, bool in_all_sets)
{
    LIST_EACH(TargetEntry *, te, c->groups) {
        const Var *g = (const Var *)te->expr;
        if (in_all_sets && c->q->groupingSets && !intarray_has(&c->common, te->ressortgroupref)) continue;
        if (IsA(g, Var) && g->varno == v->varno && g->varattno == v->varattno && g->varlevelsup == 0) return true;
    }
    return false;
}

static bool primary_key_grouped(Check *c, const RangeTblEntry *rte, int varno)
{
    const Relation *rel;
    if (rte->rtekind != RTE_RELATION) return false;
    if (intarray_has(&c->dependent, varno)) return true;
    if (failed(relation_open(c->ps->env, rte->relid, LOCK_NONE, &rel, c->ps->err))) return false;
    for (int i = 0; i < rel->nconstraints; i++) {
        const ConstraintInfo *con = &rel->constraints[i];
        bool all = con->contype == 'p' && !con->deferrable && con->nkeys > 0;
        for (int k = 0; all && k < con->nkeys; k++) {
            Var v = {.tag = T_Var, .varno = varno, .varattno = con->keys[k]};
            all = is_group_column(c, &v, true);
        }
        if (!all) continue;
        (void)intarray_push(&c->dependent, c->ps->arena, varno);
        return true;
    }
    Var oid = {.tag = T_Var, .varno = varno, .varattno = 1}; /* the key of every system catalog that begins with it; they have no constraints here */
    bool catalog = rel->oid < FIRST_NORMAL_OID && rel->relkind == RELKIND_TABLE && !strcmp(rel->desc->atts[0].name, "oid");
    if (!catalog || !is_group_column(c, &oid, true)) return false;
    (void)intarray_push(&c->dependent, c->ps->arena, varno);
    return true;
}

static bool ungrouped(Check *c, const Var *v)
{
    const RangeTblEntry *rte = list_at(c->q->rtable, v->varno - 1);
    ParseState *ps = c->ps;
    const char *column = "???";
    if (is_group_column(c, v, false) || primary_key_grouped(c, rte, v->varno)) return false;
    if (v->varattno > 0 && v->varattno <= list_len(rte->eref->colnames)) column = ((String *)list_at(rte->eref->colnames, v->varattno - 1))->sval;
    if (v->varattno == 0) column = "*";
    if (v->varattno == ATTNUM_CTID) column = "ctid";
    if (v->varattno == ATTNUM_TABLEOID) column = "tableoid";
    if (v->varattno == ATTNUM_XMIN) column = "xmin";
    if (c->depth == 0)
        PS_ERROR(ps, v->location, ERR_GROUPING_ERROR, "column \"%s.%s\" must appear in the GROUP BY clause or be used in an aggregate function",
                 rte->eref->aliasname, column);
    else
        PS_ERROR(ps, v->location, ERR_GROUPING_ERROR, "subquery uses ungrouped column \"%s.%s\" from outer query", rte->eref->aliasname, column);
    return c->failed = true;
}

static bool finish_grouping(Check *c, GroupingFunc *g)
{
    g->refs = (IntArray){0};
    LIST_EACH(Node *, e, g->args) {
        int ref = 0;
        LIST_EACH(TargetEntry *, te, c->groups)
            if (!ref && node_equal(te->expr, e)) ref = te->ressortgroupref;
        if (!ref) {
            PS_ERROR(c->ps, expr_location(e), ERR_GROUPING_ERROR, "arguments to GROUPING must be grouping expressions of the associated query level");
            return c->failed = true;
        }
        (void)intarray_push(&g->refs, c->ps->arena, ref);
    }
    return false;
}

static bool check_walker(Node *n, void *arg)
{
    Check *c = arg;
    if (IsA(n, Const) || IsA(n, Param)) return false;
    if (IsA(n, Aggref)) {
        Aggref *a = (Aggref *)n;
        if (a->agglevelsup == c->depth) return a->aggdirectargs && node_walk((Node *)a->aggdirectargs, check_walker, arg);
        if (a->agglevelsup > c->depth) return false;
    }
    if (IsA(n, GroupingFunc)) {
        GroupingFunc *g = (GroupingFunc *)n;
        if (g->agglevelsup == c->depth) return finish_grouping(c, g);
        if (g->agglevelsup > c->depth) return false;
    }
    if (!c->only_vars && c->depth == 0)
        LIST_EACH(TargetEntry *, te, c->groups)
            if (node_equal(n, te->expr)) return false;
    if (IsA(n, Var)) return ((Var *)n)->varlevelsup == c->depth && ungrouped(c, (Var *)n);
    if (IsA(n, Query)) {
        c->depth++;
        bool stop = query_walk((Query *)n, check_walker, arg);
        c->depth--;
        return stop;
    }
    return node_walk(n, check_walker, arg);
}

/* What every set that comes out of this item groups by. */
static void common_refs(const GroupingSet *g, Arena *arena, IntArray *out)
{
    if (g->kind == GROUPING_SET_SIMPLE)
        for (int i = 0; i < g->refs.n; i++) (void)intarray_push(out, arena, g->refs.v[i]);
    if (g->kind != GROUPING_SET_SETS || failed(stack_check(NULL))) return;
    IntArray first = {0};
    for (int k = 0; k < list_len(g->content); k++) {
        IntArray here = {0}, both = {0};
        common_refs(list_at(g->content, k), arena, &here);
        for (int i = 0; k && i < first.n; i++)
            if (intarray_has(&here, first.v[i])) (void)intarray_push(&both, arena, first.v[i]);
        first = k ? both : here;
    }
    for (int i = 0; i < first.n; i++) (void)intarray_push(out, arena, first.v[i]);
}

Status check_aggregates(ParseState *ps, Query *q)
{
    Check c = {.ps = ps, .q = q, .only_vars = true};
    LIST_EACH(RangeTblEntry *, rte, q->rtable)
        if (q->hasAggs && rte->rtekind == RTE_CTE && rte->self_reference)
            return PS_ERROR(ps, locate_aggregate((Node *)q->targetList, 0), ERR_INVALID_RECURSION,
                            "aggregate functions are not allowed in a recursive query's recursive term");
    LIST_EACH(SortGroupClause *, s, q->groupClause) {
        TargetEntry *te = sort_ref_target(s->tleSortGroupRef, q->targetList);
        if (contains_aggs_of_level(te->expr, 0))
            return PS_ERROR(ps, locate_aggregate(te->expr, 0), ERR_GROUPING_ERROR, "aggregate functions are not allowed in GROUP BY");
        PS_APPEND(c.groups, ps, te);
        c.only_vars &= IsA(te->expr, Var);
    }
    LIST_EACH(GroupingSet *, g, q->groupingSets) common_refs(g, ps->arena, &c.common);
    node_walk((Node *)q->targetList, check_walker, &c);
    if (!c.failed && q->havingQual) check_walker(q->havingQual, &c);
    return c.failed || error_is_set(ps->err) ? ST_FAILED : ST_OK;
}
