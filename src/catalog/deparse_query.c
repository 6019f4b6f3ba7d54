/* Queries to SQL text, laid out as PostgreSQL lays out view definitions. */
#include <string.h>

#include "catalog/deparse_internal.h"

/* ---- names of range table entries ---- */
static bool name_taken(const NameLevel *level, int n, const char *name)
{
    for (const NameLevel *l = level; l; l = l->outer) {
        int count = l == level ? n : l->query ? list_len(l->query->rtable) : 0;
        for (int i = 0; i < count; i++)
            if (l->rte_names[i] && !strcmp(l->rte_names[i], name)) return true;
    }
    return false;
}

static const char *wanted_name(Deparser *d, const RangeTblEntry *rte)
{
    if (rte->alias) return rte->alias->aliasname;
    if (rte->rtekind == RTE_RELATION) {
        const char *name = relation_name_of(d->env, rte->relid, d->arena);
        if (name) return name;
    }
    if (rte->rtekind == RTE_JOIN) return NULL; /* an unnamed join's columns are those of its sides */
    return rte->eref ? rte->eref->aliasname : NULL;
}

static bool name_entries(Deparser *d, NameLevel *level)
{
    int n = list_len(level->query->rtable);
    level->rte_names = arena_zalloc(d->arena, (size_t)(n ? n : 1) * sizeof *level->rte_names);
    for (int i = 0; level->rte_names && i < n; i++) {
        const char *want = wanted_name(d, list_at(level->query->rtable, i)), *name = want;
        for (int k = 1; name && name_taken(level, i, name); k++) name = arena_printf(d->arena, "%s_%d", want, k);
        level->rte_names[i] = name;
    }
    return level->rte_names != NULL;
}

/* ---- sorting, grouping, windows ---- */
static const TargetEntry *tle_by_ref(const List *tlist, int ref)
{
    LIST_EACH(const TargetEntry *, tle, tlist)
        if (tle->ressortgroupref == ref) return tle;
    return NULL;
}

static const Node *put_group_item(Deparser *d, int ref, const List *tlist, bool force_colno)
{
    const TargetEntry *tle = tle_by_ref(tlist, ref);
    if (!tle) return NULL;
    if (force_colno) {
        strbuf_printf(d->buf, "%d", tle->resno);
    } else if (IsA(tle->expr, Const)) {
        put_const(d, (const Const *)tle->expr, 1); /* or it would be read as a column number */
    } else {
        bool paren = !IsA(tle->expr, Var) && (d->pretty || looks_like_function(tle->expr));
        if (paren) strbuf_char(d->buf, '(');
        put_expr(d, tle->expr, true);
        if (paren) strbuf_char(d->buf, ')');
    }
    return tle->expr;
}

void put_sort_clause(Deparser *d, const List *clauses, const List *tlist, bool force_colno)
{
    for (int i = 0; i < list_len(clauses); i++) {
        const SortGroupClause *sc = list_at(clauses, i);
        if (i) put(d, ", ");
        const Node *expr = put_group_item(d, sc->tleSortGroupRef, tlist, force_colno);
        Oid type = expr ? expr_type(expr) : 0;
        if (sc->sortop == type_less_operator(d->env, type) || !sc->sortop) {
            if (sc->nulls_first) put(d, " NULLS FIRST");
        } else if (sc->sortop == type_greater_operator(d->env, type)) {
            put(d, " DESC");
            if (!sc->nulls_first) put(d, " NULLS LAST");
        } else {
            put(d, " USING ");
            put_operator(d, sc->sortop);
            put(d, sc->nulls_first ? " NULLS FIRST" : " NULLS LAST");
        }
    }
}

static void put_frame_bound(Deparser *d, int options, bool end, const Node *offset)
{
    static const struct { int start, end; const char *text; } bounds[] = {
        {FRAME_START_UNBOUNDED_PRECEDING, FRAME_END_UNBOUNDED_PRECEDING, "UNBOUNDED PRECEDING"},
        {FRAME_START_UNBOUNDED_FOLLOWING, FRAME_END_UNBOUNDED_FOLLOWING, "UNBOUNDED FOLLOWING"},
        {FRAME_START_CURRENT_ROW, FRAME_END_CURRENT_ROW, "CURRENT ROW"},
        {FRAME_START_OFFSET_PRECEDING, FRAME_END_OFFSET_PRECEDING, " PRECEDING"},
        {FRAME_START_OFFSET_FOLLOWING, FRAME_END_OFFSET_FOLLOWING, " FOLLOWING"}};
    for (size_t i = 0; i < sizeof bounds / sizeof bounds[0]; i++) {
        if (!(options & (end ? bounds[i].end : bounds[i].start))) continue;
        if (bounds[i].text[0] == ' ') put_expr(d, offset, false);
        put(d, bounds[i].text);
    }
}

static void put_frame(Deparser *d, const WindowClause *wc)
{
    int o = wc->frameOptions;
    if (!(o & FRAME_NONDEFAULT)) return;
    put(d, o & FRAME_RANGE ? "RANGE " : o & FRAME_ROWS ? "ROWS " : "GROUPS ");
    if (o & FRAME_BETWEEN) put(d, "BETWEEN ");
    put_frame_bound(d, o, false, wc->startOffset);
    if (o & FRAME_BETWEEN) {
        put(d, " AND ");
        put_frame_bound(d, o, true, wc->endOffset);
    }
    if (o & FRAME_EXCLUDE_CURRENT_ROW) put(d, " EXCLUDE CURRENT ROW");
    if (o & FRAME_EXCLUDE_GROUP) put(d, " EXCLUDE GROUP");
    if (o & FRAME_EXCLUDE_TIES) put(d, " EXCLUDE TIES");
}

void put_window_spec(Deparser *d, const WindowClause *wc, const List *tlist)
{
    const char *gap = "";
    strbuf_char(d->buf, '(');
    if (wc->refname) {
        put_ident(d, wc->refname);
        gap = " ";
    }
    if (wc->partitionClause && !wc->refname) {
        put(d, gap);
        put(d, "PARTITION BY ");
        for (int i = 0; i < wc->partitionClause->len; i++) {
            if (i) put(d, ", ");
            put_group_item(d, ((const SortGroupClause *)list_at(wc->partitionClause, i))->tleSortGroupRef, tlist, false);
        }
        gap = " ";
    }
    if (wc->orderClause) {
        put(d, gap);
        put(d, "ORDER BY ");
        put_sort_clause(d, wc->orderClause, tlist, false);
        gap = " ";
    }
    if (wc->frameOptions & FRAME_NONDEFAULT) {
        put(d, gap);
        put_frame(d, wc);
    }
    strbuf_char(d->buf, ')');
}

static void put_grouping_set(Deparser *d, const GroupingSet *g, const List *tlist, bool nested)
{
    static const char *const words[] = {"", "", "ROLLUP(", "CUBE(", "GROUPING SETS ("};
    if (g->kind == GROUPING_SET_EMPTY) {
        put(d, "()");
        return;
    }
    if (g->kind == GROUPING_SET_SIMPLE) {
        bool paren = g->refs.n != 1 || !nested;
        if (paren) strbuf_char(d->buf, '(');
        for (int i = 0; i < g->refs.n; i++) {
            if (i) put(d, ", ");
            put_group_item(d, (int)g->refs.v[i], tlist, false);
        }
        if (paren) strbuf_char(d->buf, ')');
        return;
    }
    put(d, words[g->kind]);
    for (int i = 0; i < list_len(g->content); i++) {
        if (i) put(d, ", ");
        put_grouping_set(d, list_at(g->content, i), tlist, g->kind != GROUPING_SET_SETS);
    }
    strbuf_char(d->buf, ')');
}

/* ---- target list: one column a line, after the first ---- */
static void put_target_columns(Deparser *d, const List *tlist, bool names_visible, const char *const *names, int nnames)
{
    const char *sep = " ";
    int column = 0;
    StrBuf *outer = d->buf;
    for (int i = 0; i < list_len(tlist); i++) {
        const TargetEntry *tle = list_at(tlist, i);
        StrBuf item;
        if (tle->resjunk) continue;
        put(d, sep);
        sep = ", ";
        column++;
        strbuf_init(&item, d->arena);
        d->buf = &item;
        const char *implied = names_visible ? NULL : "?column?";
        const char *wanted = column <= nnames ? names[column - 1] : tle->resname;
        if (IsA(tle->expr, Var)) {
            const Var *v = (const Var *)tle->expr;
            implied = put_var(d, v, 0);
            if (v->varattno == 0) { /* a whole row: t.* alone would be all its columns */
                put(d, "::");
                put_type(d, v->vartype, v->vartypmod);
            }
        } else {
            put_expr(d, tle->expr, true);
        }
        if (wanted && (!implied || strcmp(implied, wanted))) {
            put(d, " AS ");
            put_ident(d, wanted);
        }
        d->buf = outer;
        bool breaks = item.len && item.data[0] == '\n';
        if (breaks) while (outer->len && outer->data[outer->len - 1] == ' ') outer->data[--outer->len] = 0;
        else if (column > 1) put_keyword(d, "", -INDENT_STD, INDENT_STD, INDENT_VAR);
        strbuf_append(outer, strbuf_cstr(&item), item.len);
    }
}

/* ---- FROM ---- */
static void put_from_item(Deparser *d, const Query *q, const Node *item);

static void put_column_list(Deparser *d, const Alias *alias)
{
    for (int i = 0; i < list_len(alias->colnames); i++) {
        put(d, i ? ", " : "(");
        put_ident(d, ((const String *)list_at(alias->colnames, i))->sval);
    }
    if (list_len(alias->colnames)) strbuf_char(d->buf, ')');
}

static void put_function_columns(Deparser *d, const RangeTblEntry *rte, const RangeTblFunction *f)
{
    strbuf_char(d->buf, '(');
    for (int i = 0; i < f->funccoltypes.n; i++) {
        if (i) put(d, ", ");
        const List *names = f->funccolnames ? f->funccolnames : rte->eref->colnames;
        put_ident(d, ((const String *)list_at(names, i))->sval);
        strbuf_char(d->buf, ' ');
        put_type(d, (Oid)f->funccoltypes.v[i], i < f->funccoltypmods.n ? (int32_t)f->funccoltypmods.v[i] : -1);
    }
    strbuf_char(d->buf, ')');
}

static void put_functions(Deparser *d, const RangeTblEntry *rte)
{
    const RangeTblFunction *first = list_first(rte->functions);
    if (list_len(rte->functions) == 1) {
        put_function_call(d, first->funcexpr);
    } else {
        put(d, "ROWS FROM(");
        for (int i = 0; i < rte->functions->len; i++) {
            const RangeTblFunction *f = list_at(rte->functions, i);
            if (i) put(d, ", ");
            put_function_call(d, f->funcexpr);
            if (f->funccolnames) {
                put(d, " AS ");
                put_function_columns(d, rte, f);
            }
        }
        strbuf_char(d->buf, ')');
    }
    if (rte->funcordinality) put(d, " WITH ORDINALITY");
}

static void put_values(Deparser *d, const List *rows)
{
    put(d, "VALUES ");
    for (int i = 0; i < list_len(rows); i++) {
        const List *row = list_at(rows, i);
        put(d, i ? ", (" : "(");
        for (int k = 0; k < list_len(row); k++) {
            if (k) strbuf_char(d->buf, ',');
            put_expr(d, list_at(row, k), false);
        }
        strbuf_char(d->buf, ')');
    }
}

static const char *relation_text(Deparser *d, Oid oid)
{
    const char *name = deparse_relation_name(d->env, oid, false, d->arena);
    return name ? name : "?";
}

static void put_rte(Deparser *d, const RangeTblEntry *rte, const char *name)
{
    bool alias = rte->alias != NULL, columns = false;
    const char *plain = NULL; /* what the entry is called without an alias */
    if (rte->lateral) put(d, "LATERAL ");
    switch (rte->rtekind) {
    case RTE_RELATION:
        if (!rte->inh && rte->relkind != 'v') put(d, "ONLY ");
        put(d, relation_text(d, rte->relid));
        plain = relation_name_of(d->env, rte->relid, d->arena);
        columns = rte->alias && rte->alias->colnames;
        break;
    case RTE_SUBQUERY:
        strbuf_char(d->buf, '(');
        put_query(d, rte->subquery, true);
        strbuf_char(d->buf, ')');
        columns = rte->alias && rte->alias->colnames;
        break;
    case RTE_FUNCTION: put_functions(d, rte); break;
    case RTE_VALUES:
        strbuf_char(d->buf, '(');
        put_values(d, rte->values_lists);
        strbuf_char(d->buf, ')');
        break;
    case RTE_CTE:
        put_ident(d, rte->ctename);
        plain = rte->ctename;
        columns = rte->alias && rte->alias->colnames;
        break;
    default: break;
    }
    bool always = rte->rtekind == RTE_FUNCTION || rte->rtekind == RTE_VALUES;
    if (!alias && !always && !(plain && name && strcmp(plain, name))) return;
    const RangeTblFunction *f = rte->rtekind == RTE_FUNCTION ? list_first(rte->functions) : NULL;
    bool definitions = f && list_len(rte->functions) == 1 && f->funccolnames;
    put(d, definitions ? " AS " : " ");
    put_ident(d, name);
    if (definitions) put_function_columns(d, rte, f);
    else if (always && rte->eref) put_column_list(d, rte->eref);
    else if (columns) put_column_list(d, rte->alias);
}

static void put_join(Deparser *d, const Query *q, const JoinExpr *j)
{
    static const char *const words[] = {" JOIN ", " LEFT JOIN ", " FULL JOIN ", " RIGHT JOIN "};
    bool paren = !d->pretty || j->alias;
    bool right_paren = d->pretty && IsA(j->rarg, JoinExpr) && !((const JoinExpr *)j->rarg)->alias;
    bool cross = j->jointype == JOIN_INNER && !j->quals && !j->usingClause;
    if (paren) strbuf_char(d->buf, '(');
    put_from_item(d, q, j->larg);
    put_keyword(d, cross ? " CROSS JOIN " : words[j->jointype <= JOIN_RIGHT ? j->jointype : 0], -INDENT_STD, INDENT_STD, INDENT_JOIN);
    if (right_paren) strbuf_char(d->buf, '(');
    put_from_item(d, q, j->rarg);
    if (right_paren) strbuf_char(d->buf, ')');
    if (j->usingClause) {
        put(d, " USING (");
        for (int i = 0; i < j->usingClause->len; i++) {
            if (i) put(d, ", ");
            put_ident(d, ((const String *)list_at(j->usingClause, i))->sval);
        }
        strbuf_char(d->buf, ')');
    } else if (j->quals) {
        put(d, " ON ");
        if (!d->pretty) strbuf_char(d->buf, '(');
        put_expr(d, j->quals, false);
        if (!d->pretty) strbuf_char(d->buf, ')');
    } else if (!cross) {
        put(d, " ON TRUE");
    }
    if (paren) strbuf_char(d->buf, ')');
    if (!j->alias) return;
    strbuf_char(d->buf, ' ');
    put_ident(d, j->alias->aliasname);
    put_column_list(d, j->alias);
}

static void put_from_item(Deparser *d, const Query *q, const Node *item)
{
    if (IsA(item, JoinExpr)) {
        put_join(d, q, (const JoinExpr *)item);
    } else if (IsA(item, RangeTblRef)) {
        int i = ((const RangeTblRef *)item)->rtindex;
        if (i >= 1 && i <= list_len(q->rtable)) put_rte(d, list_at(q->rtable, i - 1), d->level->rte_names[i - 1]);
    }
}

static void put_from(Deparser *d, const Query *q)
{
    const List *from = q->jointree ? q->jointree->fromlist : NULL;
    bool first = true;
    StrBuf *outer = d->buf;
    for (int i = 0; i < list_len(from); i++) {
        const Node *item = list_at(from, i);
        if (IsA(item, RangeTblRef)) {
            const RangeTblEntry *rte = list_at(q->rtable, ((const RangeTblRef *)item)->rtindex - 1);
            if (rte->rtekind == RTE_RESULT) continue;
        }
        if (first) {
            put_keyword(d, " FROM ", -INDENT_STD, INDENT_STD, 2);
            put_from_item(d, q, item);
            first = false;
            continue;
        }
        StrBuf text;
        put(d, ", ");
        strbuf_init(&text, d->arena);
        d->buf = &text;
        put_from_item(d, q, item);
        d->buf = outer;
        if (text.len && text.data[0] == '\n') while (outer->len && outer->data[outer->len - 1] == ' ') outer->data[--outer->len] = 0;
        else put_keyword(d, "", -INDENT_STD, INDENT_STD, INDENT_VAR);
        strbuf_append(outer, strbuf_cstr(&text), text.len);
    }
}

/* ---- SELECT ---- */
/* SELECT * FROM (VALUES ...) whose target list is just the columns is printed as VALUES. */
static const RangeTblEntry *simple_values(const Query *q)
{
    const RangeTblEntry *values = NULL;
    int vars = 0;
    LIST_EACH(const RangeTblEntry *, rte, q->rtable) {
        if (rte->rtekind != RTE_VALUES || values) return NULL;
        values = rte;
    }
    if (!values || values->alias || (q->jointree && q->jointree->quals)) return NULL;
    LIST_EACH(const TargetEntry *, tle, q->targetList) {
        if (tle->resjunk || !IsA(tle->expr, Var)) return NULL;
        vars++;
    }
    return vars == list_len(values->values_lists ? list_first(values->values_lists) : NULL) ? values : NULL;
}

static void put_group_by(Deparser *d, const Query *q)
{
    put_keyword(d, " GROUP BY ", -INDENT_STD, INDENT_STD, 1);
    if (q->groupDistinct) put(d, "DISTINCT ");
    if (q->groupingSets) {
        for (int i = 0; i < q->groupingSets->len; i++) {
            if (i) put(d, ", ");
            put_grouping_set(d, list_at(q->groupingSets, i), q->targetList, true);
        }
        return;
    }
    for (int i = 0; i < list_len(q->groupClause); i++) {
        if (i) put(d, ", ");
        put_group_item(d, ((const SortGroupClause *)list_at(q->groupClause, i))->tleSortGroupRef, q->targetList, false);
    }
}

static void put_named_windows(Deparser *d, const Query *q)
{
    const char *sep = NULL;
    LIST_EACH(const WindowClause *, wc, q->windowClause) {
        if (!wc->name) continue;
        if (sep) put(d, sep);
        else put_keyword(d, " WINDOW ", -INDENT_STD, INDENT_STD, 1);
        put_ident(d, wc->name);
        put(d, " AS ");
        put_window_spec(d, wc, q->targetList);
        sep = ", ";
    }
}

static void put_distinct(Deparser *d, const Query *q)
{
    if (!q->distinctClause) return;
    put(d, " DISTINCT");
    if (!q->hasDistinctOn) return;
    put(d, " ON (");
    for (int i = 0; i < q->distinctClause->len; i++) {
        if (i) put(d, ", ");
        put_group_item(d, ((const SortGroupClause *)list_at(q->distinctClause, i))->tleSortGroupRef, q->targetList, false);
    }
    strbuf_char(d->buf, ')');
}

static void put_basic_select(Deparser *d, const Query *q, bool names_visible, const char *const *names, int nnames)
{
    const RangeTblEntry *values = simple_values(q);
    d->indent += INDENT_STD;
    strbuf_char(d->buf, ' ');
    if (values) {
        put_values(d, values->values_lists);
        return;
    }
    put(d, "SELECT");
    put_distinct(d, q);
    put_target_columns(d, q->targetList, names_visible, names, nnames);
    put_from(d, q);
    if (q->jointree && q->jointree->quals) {
        put_keyword(d, " WHERE ", -INDENT_STD, INDENT_STD, 1);
        put_expr(d, q->jointree->quals, false);
    }
    if (q->groupClause || q->groupingSets) put_group_by(d, q);
    if (q->havingQual) {
        put_keyword(d, " HAVING ", -INDENT_STD, INDENT_STD, 0);
        put_expr(d, q->havingQual, false);
    }
    put_named_windows(d, q);
}

/* ---- set operations ---- */
static bool setop_side_needs_paren(const Query *q) { return q->cteList || q->sortClause || q->rowMarks || q->limitOffset || q->limitCount; }

static void put_setop(Deparser *d, const Query *q, const Node *node, bool names_visible, const char *const *names, int nnames)
{
    static const char *const words[] = {"", "UNION ", "INTERSECT ", "EXCEPT "};
    if (IsA(node, RangeTblRef)) {
        const RangeTblEntry *rte = list_at(q->rtable, ((const RangeTblRef *)node)->rtindex - 1);
        bool paren = setop_side_needs_paren(rte->subquery);
        if (paren) strbuf_char(d->buf, '(');
        d->names = names; /* of the whole statement: all sides name their columns as the result does */
        d->nnames = nnames;
        put_query(d, rte->subquery, names_visible);
        if (paren) strbuf_char(d->buf, ')');
        return;
    }
    const SetOperationStmt *op = (const SetOperationStmt *)node;
    const SetOperationStmt *left = IsA(op->larg, SetOperationStmt) ? (const SetOperationStmt *)op->larg : NULL;
    bool paren = left && (left->op != op->op || left->all != op->all);
    int sub = paren ? INDENT_STD : 0;
    if (paren) {
        strbuf_char(d->buf, '(');
        put_keyword(d, "", sub, 0, 0);
    }
    put_setop(d, q, op->larg, names_visible, names, nnames);
    put_keyword(d, paren ? ") " : "", -sub, 0, 0);
    put(d, words[op->op]);
    if (op->all) put(d, "ALL ");
    paren = IsA(op->rarg, SetOperationStmt);
    sub = paren ? INDENT_STD : 0;
    if (paren) strbuf_char(d->buf, '(');
    put_keyword(d, "", sub, 0, 0);
    put_setop(d, q, op->rarg, false, names, nnames);
    d->indent -= sub;
    if (paren) put_keyword(d, ")", 0, 0, 0);
}

/* ---- the whole ---- */
static void put_with(Deparser *d, const Query *q)
{
    if (!q->cteList) return;
    d->indent += INDENT_STD;
    put(d, q->hasRecursive ? " WITH RECURSIVE " : " WITH ");
    for (int i = 0; i < q->cteList->len; i++) {
        const CommonTableExpr *cte = list_at(q->cteList, i);
        if (i) put(d, ", ");
        put_ident(d, cte->ctename);
        for (int k = 0; k < list_len(cte->aliascolnames); k++) {
            put(d, k ? ", " : "(");
            put_ident(d, ((const String *)list_at(cte->aliascolnames, k))->sval);
        }
        if (cte->aliascolnames) strbuf_char(d->buf, ')');
        put(d, " AS ");
        if (cte->ctematerialized != CTE_DEFAULT) put(d, cte->ctematerialized == CTE_ALWAYS ? "MATERIALIZED " : "NOT MATERIALIZED ");
        strbuf_char(d->buf, '(');
        put_keyword(d, "", 0, 0, 0);
        put_query(d, (const Query *)cte->ctequery, true);
        put_keyword(d, "", 0, 0, 0);
        strbuf_char(d->buf, ')');
    }
    d->indent -= INDENT_STD;
    put_keyword(d, "", 0, 0, 0);
}

static void put_limit(Deparser *d, const Query *q)
{
    if (q->limitOffset) {
        put_keyword(d, " OFFSET ", -INDENT_STD, INDENT_STD, 0);
        put_expr(d, q->limitOffset, false);
    }
    if (!q->limitCount) return;
    if (q->limitOption == LIMIT_OPTION_WITH_TIES) {
        put_keyword(d, " FETCH FIRST ", -INDENT_STD, INDENT_STD, 0);
        strbuf_char(d->buf, '(');
        put_expr(d, q->limitCount, false);
        put(d, ") ROWS WITH TIES");
        return;
    }
    put_keyword(d, " LIMIT ", -INDENT_STD, INDENT_STD, 0);
    if (IsA(q->limitCount, Const) && ((const Const *)q->limitCount)->constisnull) put(d, "ALL");
    else put_expr(d, q->limitCount, false);
}

static void put_row_marks(Deparser *d, const Query *q)
{
    static const char *const words[] = {"", " FOR KEY SHARE", " FOR SHARE", " FOR NO KEY UPDATE", " FOR UPDATE"};
    LIST_EACH(const RowMarkClause *, rm, q->rowMarks) {
        if (rm->pushedDown) continue;
        put_keyword(d, words[rm->strength], -INDENT_STD, INDENT_STD, 0);
        put(d, " OF ");
        put_ident(d, d->level->rte_names[rm->rti - 1]);
        if (rm->waitPolicy == LWP_ERROR) put(d, " NOWAIT");
        if (rm->waitPolicy == LWP_SKIP) put(d, " SKIP LOCKED");
    }
}

static void put_select(Deparser *d, const Query *q, bool names_visible)
{
    const char *const *names = d->names;
    int nnames = names ? d->nnames : 0;
    d->names = NULL;
    put_with(d, q);
    if (q->setOperations) {
        put_setop(d, q, q->setOperations, names_visible, names, nnames);
    } else {
        put_basic_select(d, q, names_visible, names, nnames);
    }
    if (q->sortClause) {
        put_keyword(d, " ORDER BY ", -INDENT_STD, INDENT_STD, 1);
        put_sort_clause(d, q->sortClause, q->targetList, q->setOperations != NULL);
    }
    put_limit(d, q);
    put_row_marks(d, q);
}

void put_query(Deparser *d, const Query *q, bool names_visible)
{
    NameLevel level = {.query = q, .outer = d->level};
    Deparser saved = *d;
    if (failed(d->status)) return;
    if (failed(stack_check(d->err)) || q->commandType != CMD_SELECT) {
        d->status = error_set(d->err, ERR_FEATURE_NOT_SUPPORTED, "cannot print a query of this kind");
        return;
    }
    if (!name_entries(d, &level)) {
        d->status = error_out_of_memory(d->err, 0);
        return;
    }
    d->level = &level;
    d->var_prefix = true;
    d->windows = q->windowClause;
    d->window_tlist = q->targetList;
    put_select(d, q, names_visible);
    saved.status = d->status;
    saved.names = NULL;
    *d = saved;
}

STATUS deparse_query_named(SessionEnv *env, const Query *query, const char *const *names, int nnames, bool pretty, Arena *arena,
                           const char **out, Error *err)
{
    StrBuf sb;
    strbuf_init(&sb, arena);
    Deparser d = {.env = env, .arena = arena, .buf = &sb, .pretty = pretty, .names = names, .nnames = nnames, .err = err};
    put_query(&d, query, true);
    TRY(d.status);
    TRY(strbuf_check(&sb, err));
    *out = strbuf_cstr(&sb);
    return ST_OK;
}

STATUS deparse_query(SessionEnv *env, const Query *query, bool pretty, Arena *arena, const char **out, Error *err)
{
    int n = 0;
    const char **names;
    TRY_NEW_N(names, arena, list_len(query->targetList) + 1, err);
    LIST_EACH(const TargetEntry *, tle, query->targetList)
        if (!tle->resjunk) names[n++] = tle->resname;
    return deparse_query_named(env, query, names, n, pretty, arena, out, err);
}
