/* WHERE, LIMIT, ORDER BY, GROUP BY, DISTINCT (manual 7.2 to 7.6). */
#include "parser/parse_state.h"

Status transform_where(ParseState *ps, const PbNode *raw, ExprPlace place, const char *construct, Node **out)
{
    *out = NULL;
    if (!raw) return ST_OK;
    TRY(transform_expr(ps, raw, place, out));
    return coerce_boolean(ps, *out, construct, out);
}

Status transform_limit(ParseState *ps, const PbNode *raw, ExprPlace place, const char *construct, bool with_ties, Node **out)
{
    *out = NULL;
    if (!raw) return ST_OK;
    TRY(transform_expr(ps, raw, place, out));
    TRY(coerce_bigint(ps, *out, construct, out));
    if (contains_vars_of_level(*out, 0))
        return PS_ERROR(ps, expr_location(*out), ERR_INVALID_COLUMN_REFERENCE, "argument of %s must not contain variables", construct);
    if (with_ties && PB_IS(raw, A_CONST) && raw->a_const->isnull)
        return error_set(ps->err, ERR_INVALID_ROW_COUNT_IN_LIMIT_CLAUSE, "row count cannot be null in FETCH FIRST ... WITH TIES clause");
    return ST_OK;
}

int assign_sort_ref(TargetEntry *te, List *tlist)
{
    int max = 0;
    if (te->ressortgroupref) return te->ressortgroupref;
    LIST_EACH(TargetEntry *, t, tlist)
        if (t->ressortgroupref > max) max = t->ressortgroupref;
    return te->ressortgroupref = max + 1;
}

TargetEntry *sort_ref_target(int ref, const List *tlist)
{
    LIST_EACH(TargetEntry *, te, tlist)
        if (te->ressortgroupref == ref) return te;
    return NULL;
}

static bool in_sort_list(const TargetEntry *te, Oid sortop, const List *sort)
{
    LIST_EACH(SortGroupClause *, s, sort)
        if (te->ressortgroupref && s->tleSortGroupRef == te->ressortgroupref && (!sortop || s->sortop == sortop)) return true;
    return false;
}

/* A target entry equal to the expression, or a new resjunk one. */
static Status by_expression(ParseState *ps, const PbNode *raw, List **tlist, ExprPlace place, TargetEntry **out)
{
    Node *expr;
    TRY(transform_expr(ps, raw, place, &expr));
    LIST_EACH(TargetEntry *, te, *tlist) {
        Node *bare = te->expr; /* implicit casts on the target's side do not count */
        while (!node_equal(expr, bare) && ((IsA(bare, RelabelType) && ((RelabelType *)bare)->relabelformat == COERCE_IMPLICIT_CAST)))
            bare = ((RelabelType *)bare)->arg;
        if (node_equal(expr, bare)) {
            *out = te;
            return ST_OK;
        }
    }
    TRY(transform_target_entry(ps, raw, expr, place, NULL, true, out));
    PS_APPEND(*tlist, ps, *out);
    return ST_OK;
}

/* SQL92: an output column's name or number first. For GROUP BY an input column of that name goes before the output column. */
static Status by_name_or_number(ParseState *ps, const PbNode *raw, List **tlist, ExprPlace place, TargetEntry **out)
{
    *out = NULL;
    if (PB_IS(raw, COLUMN_REF) && raw->column_ref->n_fields == 1 && PB_IS(raw->column_ref->fields[0], STRING)) {
        const char *name = pb_string(raw->column_ref->fields[0]);
        int location = raw->column_ref->location;
        Node *input = NULL;
        if (place == PLACE_GROUP_BY) TRY(ns_unqualified_column(ps, name, location, true, &input));
        if (!input) {
            LIST_EACH(TargetEntry *, te, *tlist) {
                if (te->resjunk || !te->resname || strcmp(te->resname, name)) continue;
                if (*out && !node_equal((*out)->expr, te->expr))
                    return PS_ERROR(ps, location, ERR_AMBIGUOUS_COLUMN, "%s \"%s\" is ambiguous", place_name(place), name);
                if (!*out) *out = te;
            }
            if (*out) return ST_OK;
        }
    }
    if (PB_IS(raw, A_CONST)) {
        const PgQuery__AConst *c = raw->a_const;
        if (c->val_case != PG_QUERY__A__CONST__VAL_IVAL)
            return PS_ERROR(ps, c->location, ERR_SYNTAX_ERROR, "non-integer constant in %s", place_name(place));
        int at = 0;
        LIST_EACH(TargetEntry *, te, *tlist) {
            if (te->resjunk || ++at != c->ival->ival) continue;
            *out = te;
            return ST_OK;
        }
        return PS_ERROR(ps, c->location, ERR_INVALID_COLUMN_REFERENCE, "%s position %d is not in select list", place_name(place), c->ival->ival);
    }
    return by_expression(ps, raw, tlist, place, out);
}

static Status new_clause(ParseState *ps, TargetEntry *te, List *tlist, Oid sortop, Oid eqop, bool nulls_first, bool hashable, List **list)
{
    SortGroupClause *s;
    PS_NEW(s, SortGroupClause, ps);
    *s = (SortGroupClause){.tag = T_SortGroupClause, .tleSortGroupRef = assign_sort_ref(te, tlist), .eqop = eqop, .sortop = sortop,
                           .nulls_first = nulls_first, .hashable = hashable};
    PS_APPEND(*list, ps, s);
    return ST_OK;
}

Status add_target_to_sort(ParseState *ps, TargetEntry *te, List *sort, List *tlist, const PgQuery__SortBy *by, List **out)
{
    Oid lt, eq, gt, sortop, type;
    bool hashable, reverse = false;
    int location = by && by->location >= 0 && by->n_use_op ? by->location : expr_location(te->expr);
    *out = sort;
    TRY(resolve_unknown_column(ps, te));
    type = expr_type(te->expr);
    if (by && by->sortby_dir == PG_QUERY__SORT_BY_DIR__SORTBY_USING) {
        const OperatorInfo *op;
        const char *schema, *name;
        TRY(ps_name_list(ps, by->use_op, by->n_use_op, &schema, &name));
        TRY(find_operator(ps, schema, name, type, type, location, false, &op));
        int strategy = operator_btree_strategy(op->oid);
        if (strategy != 1 && strategy != 5) {
            PS_ERROR(ps, location, ERR_WRONG_OBJECT_TYPE, "operator %s is not a valid ordering operator", name);
            return error_hint(ps->err, "Ordering operators must be \"<\" or \">\" members of btree operator families.");
        }
        TRY_AT(ps, location, sort_operators(ps, type, false, false, &lt, &eq, &gt, &hashable));
        sortop = op->oid;
        reverse = strategy == 5;
    } else {
        reverse = by && by->sortby_dir == PG_QUERY__SORT_BY_DIR__SORTBY_DESC;
        TRY_AT(ps, location, sort_operators(ps, type, !reverse, reverse, &lt, &eq, &gt, &hashable));
        sortop = reverse ? gt : lt;
    }
    if (in_sort_list(te, sortop, sort)) return ST_OK;
    bool nulls_first = reverse;
    if (by && by->sortby_nulls == PG_QUERY__SORT_BY_NULLS__SORTBY_NULLS_FIRST) nulls_first = true;
    if (by && by->sortby_nulls == PG_QUERY__SORT_BY_NULLS__SORTBY_NULLS_LAST) nulls_first = false;
    return new_clause(ps, te, tlist, sortop, eq, nulls_first, hashable, out);
}

Status add_target_to_group(ParseState *ps, TargetEntry *te, List *group, List *tlist, int location, List **out)
{
    Oid lt, eq, gt;
    bool hashable;
    *out = group;
    TRY(resolve_unknown_column(ps, te));
    if (in_sort_list(te, 0, group)) return ST_OK;
    TRY_AT(ps, location, sort_operators(ps, expr_type(te->expr), false, false, &lt, &eq, &gt, &hashable));
    return new_clause(ps, te, tlist, lt, eq, false, hashable, out);
}

Status transform_sort(ParseState *ps, PbNode **items, size_t n, List **tlist, ExprPlace place, bool sql99, List **out)
{
    *out = NULL;
    for (size_t i = 0; i < n; i++) {
        const PgQuery__SortBy *by = items[i]->sort_by;
        TargetEntry *te;
        if (sql99) TRY(by_expression(ps, by->node, tlist, place, &te));
        else TRY(by_name_or_number(ps, by->node, tlist, place, &te));
        TRY(add_target_to_sort(ps, te, *out, *tlist, by, out));
    }
    return ST_OK;
}

/* GROUP BY --------------------------------------------------------------------------------------------------------------------------- */

typedef struct Grouping { ParseState *ps; List **tlist, *sort, *clauses; bool sql99; } Grouping;

static Status group_item(Grouping *g, const PbNode *raw, int *ref)
{
    ParseState *ps = g->ps;
    TargetEntry *te;
    if (g->sql99) TRY(by_expression(ps, raw, g->tlist, PLACE_GROUP_BY, &te));
    else TRY(by_name_or_number(ps, raw, g->tlist, PLACE_GROUP_BY, &te));
    *ref = te->ressortgroupref;
    if (in_sort_list(te, 0, g->clauses)) return ST_OK;
    LIST_EACH(SortGroupClause *, s, g->sort) /* the order that ORDER BY wants, so that one sort does for both */
        if (te->ressortgroupref && s->tleSortGroupRef == te->ressortgroupref) {
            SortGroupClause *copy = node_copy(s, ps->arena);
            TRY_MEM(copy, ps->err);
            PS_APPEND(g->clauses, ps, copy);
            return ST_OK;
        }
    TRY(add_target_to_group(ps, te, g->clauses, *g->tlist, pb_location(raw), &g->clauses));
    *ref = te->ressortgroupref;
    return ST_OK;
}

static bool is_row(const PbNode *n) /* (a, b): an implicit row groups by its parts */
{
    return PB_IS(n, ROW_EXPR) && n->row_expr->row_format == PG_QUERY__COERCION_FORM__COERCE_IMPLICIT_CAST;
}

static Status new_set(ParseState *ps, GroupingSetKind kind, int location, GroupingSet **out)
{
    PS_NEW(*out, GroupingSet, ps);
    (*out)->kind = kind;
    (*out)->location = location;
    return ST_OK;
}

/* The refs of an expression or a list of expressions. */
static Status group_refs(Grouping *g, const PbNode *raw, IntArray *refs)
{
    TRY(stack_check(g->ps->err));
    if (is_row(raw)) {
        for (size_t i = 0; i < raw->row_expr->n_args; i++) TRY(group_refs(g, raw->row_expr->args[i], refs));
        return ST_OK;
    }
    int ref;
    TRY(group_item(g, raw, &ref));
    if (!intarray_has(refs, ref)) PS_INT(refs, g->ps, ref);
    return ST_OK;
}

static Status grouping_set(Grouping *g, const PbNode *raw, GroupingSet **out)
{
    ParseState *ps = g->ps;
    TRY(stack_check(ps->err));
    if (!PB_IS(raw, GROUPING_SET)) {
        TRY(new_set(ps, GROUPING_SET_SIMPLE, pb_location(raw), out));
        return group_refs(g, raw, &(*out)->refs);
    }
    const PgQuery__GroupingSet *gs = raw->grouping_set;
    TRY(new_set(ps, (GroupingSetKind)(gs->kind - 1), gs->location, out));
    if (gs->kind == PG_QUERY__GROUPING_SET_KIND__GROUPING_SET_CUBE && gs->n_content > 12)
        return PS_ERROR(ps, gs->location, ERR_TOO_MANY_COLUMNS, "CUBE is limited to 12 elements");
    for (size_t i = 0; i < gs->n_content; i++) {
        GroupingSet *item;
        TRY(grouping_set(g, gs->content[i], &item));
        PS_APPEND((*out)->content, ps, item);
    }
    return ST_OK;
}

Status transform_group(ParseState *ps, PbNode **items, size_t n, List **tlist, List *sort, bool sql99, List **sets, List **out)
{
    Grouping g = {ps, tlist, sort, NULL, sql99};
    bool any_set = false;
    *sets = NULL;
    for (size_t i = 0; i < n; i++) any_set |= PB_IS(items[i], GROUPING_SET);
    for (size_t i = 0; i < n; i++) {
        if (any_set) {
            GroupingSet *set;
            TRY(grouping_set(&g, items[i], &set));
            PS_APPEND(*sets, ps, set);
        } else {
            IntArray refs = {0};
            TRY(group_refs(&g, items[i], &refs));
        }
    }
    *out = g.clauses;
    return ST_OK;
}

/* DISTINCT --------------------------------------------------------------------------------------------------------------------------- */

Status transform_distinct(ParseState *ps, List **tlist, List *sort, bool is_agg, List **out)
{
    *out = NULL;
    LIST_EACH(SortGroupClause *, s, sort) {
        TargetEntry *te = sort_ref_target(s->tleSortGroupRef, *tlist);
        if (te->resjunk)
            return PS_ERROR(ps, expr_location(te->expr), ERR_INVALID_COLUMN_REFERENCE,
                            is_agg ? "in an aggregate with DISTINCT, ORDER BY expressions must appear in argument list"
                                   : "for SELECT DISTINCT, ORDER BY expressions must appear in select list");
        SortGroupClause *copy = node_copy(s, ps->arena);
        TRY_MEM(copy, ps->err);
        PS_APPEND(*out, ps, copy);
    }
    LIST_EACH(TargetEntry *, te, *tlist)
        if (!te->resjunk) TRY(add_target_to_group(ps, te, *out, *tlist, expr_location(te->expr), out));
    if (*out) return ST_OK;
    return error_set(ps->err, ERR_SYNTAX_ERROR, is_agg ? "an aggregate with DISTINCT must have at least one argument" : "SELECT DISTINCT must have at least one column");
}

Status transform_distinct_on(ParseState *ps, PbNode **items, size_t n, List **tlist, List *sort, List **out)
{
    IntArray refs = {0};
    bool skipped = false;
    *out = NULL;
    for (size_t i = 0; i < n; i++) {
        TargetEntry *te;
        TRY(by_name_or_number(ps, items[i], tlist, PLACE_DISTINCT_ON, &te));
        PS_INT(&refs, ps, assign_sort_ref(te, *tlist));
    }
    LIST_EACH(SortGroupClause *, s, sort) {
        if (!intarray_has(&refs, s->tleSortGroupRef)) { skipped = true; continue; }
        if (skipped)
            return PS_ERROR(ps, expr_location(sort_ref_target(s->tleSortGroupRef, *tlist)->expr), ERR_INVALID_COLUMN_REFERENCE,
                            "SELECT DISTINCT ON expressions must match initial ORDER BY expressions");
        SortGroupClause *copy = node_copy(s, ps->arena);
        TRY_MEM(copy, ps->err);
        PS_APPEND(*out, ps, copy);
    }
    for (int i = 0; i < refs.n; i++) {
        TargetEntry *te = sort_ref_target((int)refs.v[i], *tlist);
        if (in_sort_list(te, 0, *out)) continue;
        if (skipped)
            return PS_ERROR(ps, pb_location(items[i]), ERR_INVALID_COLUMN_REFERENCE, "SELECT DISTINCT ON expressions must match initial ORDER BY expressions");
        TRY(add_target_to_group(ps, te, *out, *tlist, pb_location(items[i]), out));
    }
    return ST_OK;
}
