/* UNION, INTERSECT, EXCEPT: each leaf is a subquery in the range table; columns are brought to common types (manual 7.4, 10.5). */
#include "parser/parse_state.h"

typedef struct SetTree { Node *node; List *columns; } SetTree; /* columns: TargetEntries of the leaf, or dummies with the merged types */

static bool is_leaf(const PgQuery__SelectStmt *s, bool top)
{
    if (s->op <= PG_QUERY__SET_OPERATION__SETOP_NONE) return true;
    return !top && (s->n_sort_clause || s->limit_offset || s->limit_count || s->n_locking_clause || s->with_clause);
}

static const char *op_word(SetOperation op) { return op == SETOP_UNION ? "UNION" : op == SETOP_INTERSECT ? "INTERSECT" : "EXCEPT"; }

static bool outer_walker(Node *n, void *arg)
{
    return contains_vars_of_level(n, 1) && (*(Node **)arg = n, true);
}

static Status leaf(ParseState *ps, const PgQuery__SelectStmt *s, SetTree *out)
{
    Query *q;
    NsItem *item;
    RangeTblRef *ref;
    PgQuery__Alias alias = PG_QUERY__ALIAS__INIT;
    PbNode stmt = PG_QUERY__NODE__INIT;
    Node *found = NULL;
    stmt.node_case = PG_QUERY__NODE__NODE_SELECT_STMT;
    stmt.select_stmt = (PgQuery__SelectStmt *)(uintptr_t)s;
    TRY(analyze_sub_statement(ps, &stmt, NULL, NULL, false, &q));
    if (ps->ns.len > 0 && query_walk(q, outer_walker, &found))
        return PS_ERROR(ps, expr_location(found), ERR_INVALID_COLUMN_REFERENCE,
                        "UNION/INTERSECT/EXCEPT member statement cannot refer to other relations of same query level");
    TRY_MEM(alias.aliasname = arena_printf(ps->arena, "*SELECT* %d", list_len(ps->rtable) + 1), ps->err);
    TRY(rte_subquery(ps, q, &alias, false, false, -1, &item));
    PS_NEW(ref, RangeTblRef, ps);
    ref->rtindex = item->rtindex;
    out->node = (Node *)ref;
    out->columns = NULL;
    LIST_EACH(TargetEntry *, te, q->targetList)
        if (!te->resjunk) PS_APPEND(out->columns, ps, te);
    return ST_OK;
}

/* One output column from the two sides' ones. Unknown literals of a leaf are converted in place. */
static Status merge_column(ParseState *ps, SetOperationStmt *s, TargetEntry *l, TargetEntry *r, const char *context, bool recursive, TargetEntry **out)
{
    List *both = NULL;
    Node *best;
    Oid type, collation;
    PS_APPEND(both, ps, l->expr);
    PS_APPEND(both, ps, r->expr);
    TRY(select_common_type(ps, both, context, &best, &type));
    TargetEntry *side[] = {l, r};
    for (int i = 0; i < 2; i++) {
        Node *e = side[i]->expr;
        if (expr_type(e) != TYPE_unknown) TRY(coerce_to_common(ps, e, type, context, &e)); /* only to check that it can be */
        else if (IsA(e, Const) || IsA(e, Param)) TRY(coerce_to_common(ps, e, type, context, &side[i]->expr));
        both->items[i] = side[i]->expr;
    }
    int32_t typmod = select_common_typmod(both, type);
    TRY(common_collation(ps, both, s->op == SETOP_UNION && s->all, &collation));
    PS_INT(&s->colTypes, ps, type);
    PS_INT(&s->colTypmods, ps, typmod);
    PS_INT(&s->colCollations, ps, ps_collation(ps, type) ? collation : 0);
    if (!(s->op == SETOP_UNION && s->all)) {
        SortGroupClause *g;
        Oid lt, eq, gt;
        bool hashable;
        TRY_AT(ps, expr_location(best), sort_operators(ps, type, false, false, &lt, &eq, &gt, &hashable));
        PS_NEW(g, SortGroupClause, ps);
        *g = (SortGroupClause){.tag = T_SortGroupClause, .eqop = eq, .sortop = lt, .hashable = hashable};
        PS_APPEND(s->groupClauses, ps, g);
    }
    SetToDefault *dummy;
    PS_NEW(dummy, SetToDefault, ps);
    *dummy = (SetToDefault){.tag = T_SetToDefault, .typeId = type, .typeMod = typmod, .collation = collation, .location = expr_location(best)};
    *out = make_target_entry(ps->arena, (Node *)dummy, 0, l->resname, false);
    TRY_MEM(*out, ps->err);
    return ST_OK;
}

/* The non-recursive term decides the columns of a recursive WITH item before the recursive term is analysed. */
static Status set_recursive_columns(ParseState *ps, const List *columns)
{
    CommonTableExpr *cte = ps->parent_cte;
    int i = 0;
    cte->ctecolnames = NULL;
    cte->ctecoltypes = cte->ctecoltypmods = cte->ctecolcollations = (IntArray){0};
    LIST_EACH(TargetEntry *, te, columns) {
        String *s;
        Oid type = expr_type(te->expr);
        PS_NEW(s, String, ps);
        s->sval = i < list_len(cte->aliascolnames) ? ((String *)list_at(cte->aliascolnames, i))->sval : te->resname;
        PS_APPEND(cte->ctecolnames, ps, s);
        PS_INT(&cte->ctecoltypes, ps, type == TYPE_unknown ? TYPE_text : type);
        PS_INT(&cte->ctecoltypmods, ps, expr_typmod(te->expr));
        PS_INT(&cte->ctecolcollations, ps, type == TYPE_unknown ? DEFAULT_COLLATION : expr_collation(te->expr));
        i++;
    }
    return ST_OK;
}

static Status set_tree(ParseState *ps, const PgQuery__SelectStmt *s, bool top, SetTree *out)
{
    SetTree l, r;
    SetOperationStmt *so;
    TRY(stack_check(ps->err));
    if (s->into_clause) return PS_ERROR(ps, s->into_clause->rel->location, ERR_SYNTAX_ERROR, "INTO is only allowed on first SELECT of UNION/INTERSECT/EXCEPT");
    if (s->n_locking_clause)
        return error_set(ps->err, ERR_FEATURE_NOT_SUPPORTED, "%s is not allowed with UNION/INTERSECT/EXCEPT", "FOR UPDATE");
    if (is_leaf(s, top)) return leaf(ps, s, out);
    bool recursive = top && ps->parent_cte && ps->parent_cte->cterecursive;
    PS_NEW(so, SetOperationStmt, ps);
    so->op = (SetOperation)(s->op - 1);
    so->all = s->all;
    const char *context = op_word(so->op);
    TRY(set_tree(ps, s->larg, false, &l));
    if (recursive) TRY(set_recursive_columns(ps, l.columns));
    TRY(set_tree(ps, s->rarg, false, &r));
    so->larg = l.node;
    so->rarg = r.node;
    if (list_len(l.columns) != list_len(r.columns)) {
        int at = r.columns ? expr_location(((TargetEntry *)list_first(r.columns))->expr) : -1;
        return PS_ERROR(ps, at, ERR_SYNTAX_ERROR, "each %s query must have the same number of columns", context);
    }
    out->columns = NULL;
    for (int i = 0; i < list_len(l.columns); i++) {
        TargetEntry *te;
        TRY(merge_column(ps, so, list_at(l.columns, i), list_at(r.columns, i), context, recursive, &te));
        PS_APPEND(out->columns, ps, te);
    }
    out->node = (Node *)so;
    return ST_OK;
}

/* The top query's target list: columns of the leftmost leaf, with the merged types. Names for ORDER BY, but no relation to qualify them with. */
static Status output_columns(ParseState *ps, Query *q, const SetOperationStmt *so, int leftmost, const List *names, NsItem **scope)
{
    NsItem *item;
    RangeTblEntry *rte;
    TRY_NEW(item, ps->arena, ps->err);
    TRY_NEW_N(item->cols, ps->arena, so->colTypes.n + 1, ps->err);
    PS_NEW(rte, RangeTblEntry, ps); /* stands for the result in name look-up only; never in the range table */
    rte->rtekind = RTE_JOIN;
    PS_NEW(rte->eref, Alias, ps);
    rte->eref->aliasname = (char *)(uintptr_t)"unnamed_join";
    item->rte = rte;
    item->ncols = so->colTypes.n;
    for (int i = 0; i < so->colTypes.n; i++) {
        Var *v = make_var(ps->arena, leftmost, i + 1, (Oid)so->colTypes.v[i], (int32_t)so->colTypmods.v[i], (Oid)so->colCollations.v[i], 0);
        TRY_MEM(v, ps->err);
        TargetEntry *leaf_te = list_at(names, i);
        v->location = expr_location(leaf_te->expr);
        TargetEntry *te = make_target_entry(ps->arena, (Node *)v, ps->next_resno++, leaf_te->resname, false);
        TRY_MEM(te, ps->err);
        PS_APPEND(q->targetList, ps, te);
        item->cols[i] = (NsColumn){te->resname, leftmost, i + 1, v->vartype, v->vartypmod, v->varcollid};
    }
    *scope = item;
    return ST_OK;
}

Status transform_set_operation(ParseState *ps, const PgQuery__SelectStmt *s, Query **out)
{
    Query *q;
    SetTree tree;
    NsItem *scope;
    const PgQuery__SelectStmt *first = s->larg;
    PS_NEW(q, Query, ps);
    q->commandType = CMD_SELECT;
    q->canSetTag = true;
    while (first && first->op > PG_QUERY__SET_OPERATION__SETOP_NONE) first = first->larg;
    if (first && first->into_clause)
        return PS_ERROR(ps, first->into_clause->rel->location, ERR_SYNTAX_ERROR, "SELECT ... INTO is not allowed here");
    if (s->n_locking_clause)
        return error_set(ps->err, ERR_FEATURE_NOT_SUPPORTED, "%s is not allowed with UNION/INTERSECT/EXCEPT",
                         (const char *[]){"", "", "FOR KEY SHARE", "FOR SHARE", "FOR NO KEY UPDATE", "FOR UPDATE"}[s->locking_clause[0]->locking_clause->strength]);
    if (s->with_clause) TRY(transform_with(ps, s->with_clause, q));
    TRY(set_tree(ps, s, true, &tree));
    SetOperationStmt *so = (SetOperationStmt *)tree.node;
    q->setOperations = tree.node;
    Node *n = so->larg;
    while (IsA(n, SetOperationStmt)) n = ((SetOperationStmt *)n)->larg;
    int leftmost = ((RangeTblRef *)n)->rtindex;
    Query *lq = ((RangeTblEntry *)list_at(ps->rtable, leftmost - 1))->subquery;
    TRY(output_columns(ps, q, so, leftmost, lq->targetList, &scope));
    PtrVec saved = ps->ns;
    ps->ns = (PtrVec){0};
    scope->cols_visible = true;
    scope->lateral_ok = true;
    PS_PUSH(&ps->ns, ps, scope);
    int before = list_len(q->targetList);
    TRY(transform_sort(ps, s->sort_clause, s->n_sort_clause, &q->targetList, PLACE_ORDER_BY, false, &q->sortClause));
    ps->ns = saved;
    if (list_len(q->targetList) != before) {
        PS_ERROR(ps, expr_location(((TargetEntry *)list_at(q->targetList, before))->expr), ERR_FEATURE_NOT_SUPPORTED, "invalid UNION/INTERSECT/EXCEPT ORDER BY clause");
        error_detail(ps->err, "Only result column names can be used, not expressions or functions.");
        return error_hint(ps->err, "Add the expression/function to every SELECT, or move the UNION into a FROM clause.");
    }
    bool ties = s->limit_option == PG_QUERY__LIMIT_OPTION__LIMIT_OPTION_WITH_TIES;
    q->limitOption = ties ? LIMIT_OPTION_WITH_TIES : LIMIT_OPTION_COUNT;
    TRY(transform_limit(ps, s->limit_offset, PLACE_OFFSET, "OFFSET", false, &q->limitOffset));
    TRY(transform_limit(ps, s->limit_count, PLACE_LIMIT, ties ? "FETCH" : "LIMIT", ties, &q->limitCount));
    if (IsA(q->limitCount, Const) && ((Const *)q->limitCount)->constisnull) q->limitCount = NULL;
    *out = q;
    return finish_query(ps, q, NULL);
}
