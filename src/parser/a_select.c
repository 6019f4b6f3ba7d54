/* SELECT, VALUES as a query, FOR UPDATE (manual: SELECT). */
#include "parser/parse_state.h"

Status analyze_sub_statement(ParseState *parent, const PbNode *stmt, CommonTableExpr *cte, const PgQuery__LockingClause *locked, bool resolve_unknowns,
                             Query **out)
{
    ParseState ps = ps_child(parent);
    ps.parent_cte = cte;
    ps.locked_from_parent = locked;
    ps.resolve_unknowns = resolve_unknowns;
    return transform_stmt(&ps, stmt, out);
}

Status finish_query(ParseState *ps, Query *q, Node *where)
{
    q->rtable = ps->rtable;
    PS_NEW(q->jointree, FromExpr, ps);
    q->jointree->fromlist = ps->joinlist;
    q->jointree->quals = where;
    q->hasSubLinks = ps->has_sublinks;
    q->hasWindowFuncs = ps->has_windows;
    q->hasTargetSRFs = ps->has_srfs;
    q->hasAggs = ps->has_aggs;
    q->hasModifyingCTE = q->hasModifyingCTE || ps->has_modifying_cte;
    return assign_query_collations(ps, q);
}

static Status transform_distinct_clause(ParseState *ps, const PgQuery__SelectStmt *s, Query *q)
{
    if (s->n_distinct_clause == 0) return ST_OK;
    if (s->distinct_clause[0]->node_case == PG_QUERY__NODE__NODE__NOT_SET)
        return transform_distinct(ps, &q->targetList, q->sortClause, false, &q->distinctClause);
    q->hasDistinctOn = true;
    return transform_distinct_on(ps, s->distinct_clause, s->n_distinct_clause, &q->targetList, q->sortClause, &q->distinctClause);
}

static Status transform_limits(ParseState *ps, const PgQuery__SelectStmt *s, Query *q)
{
    bool ties = s->limit_option == PG_QUERY__LIMIT_OPTION__LIMIT_OPTION_WITH_TIES;
    q->limitOption = ties ? LIMIT_OPTION_WITH_TIES : LIMIT_OPTION_COUNT;
    TRY(transform_limit(ps, s->limit_offset, PLACE_OFFSET, "OFFSET", false, &q->limitOffset));
    TRY(transform_limit(ps, s->limit_count, PLACE_LIMIT, ties ? "FETCH" : "LIMIT", ties, &q->limitCount));
    /* LIMIT NULL and LIMIT ALL are no limit */
    if (IsA(q->limitCount, Const) && ((Const *)q->limitCount)->constisnull) q->limitCount = NULL;
    return ST_OK;
}

static Status transform_lockings(ParseState *ps, const PgQuery__SelectStmt *s, Query *q)
{
    for (size_t i = 0; i < s->n_locking_clause; i++) TRY(transform_locking(ps, q, s->locking_clause[i]->locking_clause, false));
    return ST_OK;
}

Status transform_select(ParseState *ps, const PgQuery__SelectStmt *s, Query **out)
{
    Query *q;
    Node *where;
    PS_NEW(q, Query, ps);
    q->commandType = CMD_SELECT;
    q->canSetTag = true;
    if (s->with_clause) TRY(transform_with(ps, s->with_clause, q));
    if (s->into_clause)
        return PS_ERROR(ps, s->into_clause->rel ? s->into_clause->rel->location : -1, ERR_SYNTAX_ERROR, "SELECT ... INTO is not allowed here");
    for (size_t i = 0; i < s->n_locking_clause; i++) PS_PUSH(&ps->locking, ps, s->locking_clause[i]->locking_clause);
    for (size_t i = 0; i < s->n_window_clause; i++) PS_PUSH(&ps->windows, ps, s->window_clause[i]->window_def);
    TRY(transform_from(ps, s->from_clause, s->n_from_clause));
    TRY(transform_target_list(ps, s->target_list, s->n_target_list, PLACE_SELECT_TARGET, &q->targetList));
    mark_target_origins(ps, q->targetList);
    TRY(transform_where(ps, s->where_clause, PLACE_WHERE, "WHERE", &where));
    TRY(transform_where(ps, s->having_clause, PLACE_HAVING, "HAVING", &q->havingQual));
    TRY(transform_sort(ps, s->sort_clause, s->n_sort_clause, &q->targetList, PLACE_ORDER_BY, false, &q->sortClause));
    TRY(transform_group(ps, s->group_clause, s->n_group_clause, &q->targetList, q->sortClause, false, &q->groupingSets, &q->groupClause));
    q->groupDistinct = s->group_distinct;
    TRY(transform_distinct_clause(ps, s, q));
    TRY(transform_limits(ps, s, q));
    TRY(transform_windows(ps, &q->targetList, &q->windowClause));
    if (ps->resolve_unknowns) TRY(resolve_target_unknowns(ps, q->targetList));
    TRY(finish_query(ps, q, where));
    TRY(transform_lockings(ps, s, q));
    if (q->hasAggs || q->groupClause || q->groupingSets || q->havingQual) TRY(check_aggregates(ps, q));
    *out = q;
    return ST_OK;
}

/* VALUES ----------------------------------------------------------------------------------------------------------------------------- */

static Status values_rows(ParseState *ps, const PgQuery__SelectStmt *s, List **rows)
{
    size_t width = 0;
    *rows = NULL;
    for (size_t i = 0; i < s->n_values_lists; i++) {
        const PgQuery__List *raw = s->values_lists[i]->list;
        List *row;
        for (size_t k = 0; k < raw->n_items; k++)
            if (PB_IS(raw->items[k], SET_TO_DEFAULT))
                return PS_ERROR(ps, pb_location(raw->items[k]), ERR_SYNTAX_ERROR, "DEFAULT is not allowed in this context");
        TRY(transform_exprs(ps, raw->items, raw->n_items, PLACE_VALUES, &row));
        if (i == 0) width = (size_t)list_len(row);
        if ((size_t)list_len(row) != width)
            return PS_ERROR(ps, pb_location(s->values_lists[i]), ERR_SYNTAX_ERROR, "VALUES lists must all be the same length");
        PS_APPEND(*rows, ps, row);
    }
    return ST_OK;
}

static Status unify_columns(ParseState *ps, List *rows)
{
    int width = list_len(list_first(rows));
    for (int c = 0; c < width; c++) {
        List *column = NULL;
        Oid type, common = 0;
        LIST_EACH(List *, row, rows) PS_APPEND(column, ps, list_at(row, c));
        TRY(select_common_type(ps, column, "VALUES", NULL, &type));
        for (int r = 0; r < rows->len; r++) {
            List *row = list_at(rows, r);
            TRY(coerce_to_common(ps, list_at(row, c), type, "VALUES", (Node **)&row->items[c]));
            column->items[r] = row->items[c];
        }
        (void)common;
    }
    return ST_OK;
}

Status transform_values_clause(ParseState *ps, const PgQuery__SelectStmt *s, Query **out)
{
    Query *q;
    List *rows, *vars = NULL, *names = NULL;
    NsItem *item;
    PS_NEW(q, Query, ps);
    q->commandType = CMD_SELECT;
    q->canSetTag = true;
    if (s->with_clause) TRY(transform_with(ps, s->with_clause, q));
    TRY(values_rows(ps, s, &rows));
    TRY(unify_columns(ps, rows));
    LIST_EACH(List *, row, rows) TRY(assign_collations(ps, (Node *)row));
    bool lateral = ps->parent && contains_vars_of_level((Node *)rows, 1);
    TRY(rte_values(ps, rows, NULL, lateral, true, &item));
    for (int c = 0; c < item->ncols; c++) { /* a typmod only if all rows have it */
        List *column = NULL;
        LIST_EACH(List *, row, rows) PS_APPEND(column, ps, list_at(row, c));
        item->cols[c].typmod = select_common_typmod(column, item->cols[c].type);
        item->rte->coltypmods.v[c] = item->cols[c].typmod;
    }
    TRY(ps_add_item(ps, item, true, true, true));
    TRY(ns_expand(ps, item, 0, -1, &vars, &names));
    for (int i = 0; i < list_len(vars); i++) {
        TargetEntry *te = make_target_entry(ps->arena, list_at(vars, i), ps->next_resno++, ((String *)list_at(names, i))->sval, false);
        TRY_MEM(te, ps->err);
        PS_APPEND(q->targetList, ps, te);
    }
    TRY(transform_sort(ps, s->sort_clause, s->n_sort_clause, &q->targetList, PLACE_ORDER_BY, false, &q->sortClause));
    TRY(transform_limits(ps, s, q));
    if (s->n_locking_clause) return error_set(ps->err, ERR_FEATURE_NOT_SUPPORTED, "SELECT FOR UPDATE/SHARE cannot be applied to VALUES");
    *out = q;
    return finish_query(ps, q, NULL);
}

/* FOR UPDATE and its kin ----------------------------------------------------------------------------------------------------------- */

static const char *lock_text(LockClauseStrength s)
{
    static const char *const names[] = {"FOR some", "FOR KEY SHARE", "FOR SHARE", "FOR NO KEY UPDATE", "FOR UPDATE"};
    return names[s];
}

static Status check_lockable(ParseState *ps, const Query *q, LockClauseStrength s)
{
    const char *why = q->setOperations ? "UNION/INTERSECT/EXCEPT" : q->distinctClause ? "DISTINCT clause"
        : q->groupClause || q->groupingSets ? "GROUP BY clause" : q->havingQual ? "HAVING clause" : q->hasAggs ? "aggregate functions"
        : q->hasWindowFuncs ? "window functions" : q->hasTargetSRFs ? "set-returning functions in the target list" : NULL;
    return why ? error_set(ps->err, ERR_FEATURE_NOT_SUPPORTED, "%s is not allowed with %s", lock_text(s), why) : ST_OK;
}

static Status add_mark(ParseState *ps, Query *q, int rti, LockClauseStrength s, LockWaitPolicy wait, bool pushed_down)
{
    RowMarkClause *m;
    q->hasForUpdate |= !pushed_down;
    LIST_EACH(RowMarkClause *, old, q->rowMarks) {
        if (old->rti != rti) continue;
        if (s > old->strength) old->strength = s;
        if (wait > old->waitPolicy) old->waitPolicy = wait;
        old->pushedDown = old->pushedDown && pushed_down;
        return ST_OK;
    }
    PS_NEW(m, RowMarkClause, ps);
    *m = (RowMarkClause){.tag = T_RowMarkClause, .rti = rti, .strength = s, .waitPolicy = wait, .pushedDown = pushed_down};
    PS_APPEND(q->rowMarks, ps, m);
    return ST_OK;
}

static Status lock_all(ParseState *ps, Query *q, LockClauseStrength s, LockWaitPolicy wait, bool pushed_down);

static Status lock_rte(ParseState *ps, Query *q, RangeTblEntry *rte, int rti, LockClauseStrength s, LockWaitPolicy wait, bool pushed_down)
{
    if (rte->rtekind == RTE_RELATION) {
        rte->requiredPerms |= 4;
        return add_mark(ps, q, rti, s, wait, pushed_down);
    }
    if (rte->rtekind != RTE_SUBQUERY) return ST_OK;
    TRY(add_mark(ps, q, rti, s, wait, pushed_down));
    return lock_all(ps, rte->subquery, s, wait, true);
}

static Status lock_all(ParseState *ps, Query *q, LockClauseStrength s, LockWaitPolicy wait, bool pushed_down)
{
    int rti = 0;
    TRY(stack_check(ps->err));
    TRY(check_lockable(ps, q, s));
    LIST_EACH(RangeTblEntry *, rte, q->rtable) {
        rti++;
        if (rte->inFromCl) TRY(lock_rte(ps, q, rte, rti, s, wait, pushed_down));
    }
    return ST_OK;
}

Status transform_locking(ParseState *ps, Query *q, const PgQuery__LockingClause *lc, bool pushed_down)
{
    LockClauseStrength s = (LockClauseStrength)(lc->strength - 1);
    LockWaitPolicy wait = (LockWaitPolicy)(lc->wait_policy - 1);
    if (lc->n_locked_rels == 0) return lock_all(ps, q, s, wait, pushed_down);
    TRY(check_lockable(ps, q, s));
    for (size_t i = 0; i < lc->n_locked_rels; i++) {
        const PgQuery__RangeVar *rv = lc->locked_rels[i]->range_var;
        bool found = false;
        int rti = 0;
        if (pb_text(rv->schemaname)) return PS_ERROR(ps, rv->location, ERR_SYNTAX_ERROR, "%s must specify unqualified relation names", lock_text(s));
        LIST_EACH(RangeTblEntry *, rte, q->rtable) {
            static const char *const kinds[] = {[RTE_JOIN] = "a join", [RTE_FUNCTION] = "a function", [RTE_VALUES] = "VALUES", [RTE_CTE] = "a WITH query"};
            rti++;
            if (!rte->inFromCl || found || strcmp(rte->eref->aliasname, rv->relname) || (rte->rtekind == RTE_JOIN && !rte->alias)) continue;
            if (rte->rtekind != RTE_RELATION && rte->rtekind != RTE_SUBQUERY)
                return PS_ERROR(ps, rv->location, ERR_FEATURE_NOT_SUPPORTED, "%s cannot be applied to %s", lock_text(s), kinds[rte->rtekind]);
            TRY(lock_rte(ps, q, rte, rti, s, wait, pushed_down));
            found = true;
        }
        if (!found)
            return PS_ERROR(ps, rv->location, ERR_UNDEFINED_TABLE, "relation \"%s\" in %s clause not found in FROM clause", rv->relname, lock_text(s));
    }
    return ST_OK;
}
