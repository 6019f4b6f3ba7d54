/* UPDATE and DELETE. Target entries of an UPDATE carry the attribute number as resno. */
#include "parser/parse_state.h"

/* (a, b) = (SELECT x, y ...): column colno of the subquery, as a scalar subquery over it. */
static Status multi_subquery(ParseState *ps, const PgQuery__MultiAssignRef *m, Node **out)
{
    const PgQuery__SubLink *raw = m->source->sub_link;
    ParseState mid = ps_child(ps);
    Query *inner, *q;
    NsItem *item;
    PgQuery__Alias alias = PG_QUERY__ALIAS__INIT;
    List *vars = NULL, *names = NULL;
    SubLink *s;
    TRY(analyze_sub_statement(&mid, raw->subselect, NULL, NULL, true, &inner));
    alias.aliasname = (char *)(uintptr_t)"unnamed_subquery";
    TRY(rte_subquery(&mid, inner, &alias, false, true, raw->location, &item));
    if (item->ncols != m->ncolumns)
        return PS_ERROR(ps, raw->location, ERR_SYNTAX_ERROR, "number of columns does not match number of values");
    TRY(ps_add_item(&mid, item, true, true, true));
    TRY(ns_expand(&mid, item, 0, -1, &vars, &names));
    PS_NEW(q, Query, ps);
    q->commandType = CMD_SELECT;
    q->canSetTag = true;
    TargetEntry *te = make_target_entry(ps->arena, list_at(vars, m->colno - 1), 1, ((String *)list_at(names, m->colno - 1))->sval, false);
    TRY_MEM(te, ps->err);
    PS_APPEND(q->targetList, ps, te);
    TRY(finish_query(&mid, q, NULL));
    PS_NEW(s, SubLink, ps);
    *s = (SubLink){.tag = T_SubLink, .subLinkType = EXPR_SUBLINK, .subselect = (Node *)q, .resulttype = expr_type(te->expr),
                   .location = expr_location(((TargetEntry *)list_at(inner->targetList, m->colno - 1))->expr)};
    ps->has_sublinks = true;
    *out = (Node *)s;
    return ST_OK;
}

static Status source_value(ParseState *ps, const PbNode *raw, Node **out)
{
    if (!PB_IS(raw, MULTI_ASSIGN_REF)) return transform_expr(ps, raw, PLACE_UPDATE_SOURCE, out);
    const PgQuery__MultiAssignRef *m = raw->multi_assign_ref;
    if (PB_IS(m->source, ROW_EXPR)) {
        const PgQuery__RowExpr *row = m->source->row_expr;
        if ((int)row->n_args != m->ncolumns) return PS_ERROR(ps, row->location, ERR_SYNTAX_ERROR, "number of columns does not match number of values");
        return transform_expr(ps, row->args[m->colno - 1], PLACE_UPDATE_SOURCE, out);
    }
    if (PB_IS(m->source, SUB_LINK) && m->source->sub_link->sub_link_type == PG_QUERY__SUB_LINK_TYPE__EXPR_SUBLINK) return multi_subquery(ps, m, out);
    return PS_ERROR(ps, pb_location(m->source), ERR_FEATURE_NOT_SUPPORTED, "source for a multiple-column UPDATE item must be a sub-SELECT or ROW() expression");
}

static Status resolve_default(ParseState *ps, int attno, Node **expr)
{
    const ColumnInfo *ci = &ps->target_rel->columns[attno - 1];
    const char *name = ps->target_rel->desc->atts[attno - 1].name;
    bool is_default = IsA(*expr, SetToDefault);
    if (!is_default && (ci->identity == 'a' || ci->generated)) {
        error_set(ps->err, ERR_GENERATED_ALWAYS, "column \"%s\" can only be updated to DEFAULT", name);
        return error_detail(ps->err, ci->generated ? "Column \"%s\" is a generated column." : "Column \"%s\" is an identity column defined as GENERATED ALWAYS.", name);
    }
    if (!is_default) return ST_OK;
    TRY(column_default(ps, ps->target_rel, attno, expr));
    return *expr ? ST_OK : null_for_column(ps, &ps->target_rel->desc->atts[attno - 1], expr);
}

/* SET a[1] = x, a[2] = y: the second assignment works on the result of the first. */
static Status combine(ParseState *ps, TargetEntry *old, Node *later)
{
    Node *n = later;
    while (IsA(n, CoerceToDomain)) n = ((CoerceToDomain *)n)->arg;
    Node **base = IsA(n, SubscriptingRef) && ((SubscriptingRef *)n)->refassgnexpr ? &((SubscriptingRef *)n)->refexpr
        : IsA(n, FieldStore) ? &((FieldStore *)n)->arg : NULL;
    Node *e = old->expr;
    bool partial = (IsA(e, SubscriptingRef) && ((SubscriptingRef *)e)->refassgnexpr) || IsA(e, FieldStore) || IsA(e, CoerceToDomain);
    if (!base || !partial) return error_set(ps->err, ERR_SYNTAX_ERROR, "multiple assignments to same column \"%s\"", old->resname);
    *base = old->expr;
    old->expr = later;
    return ST_OK;
}

Status transform_update_targets(ParseState *ps, PbNode **items, size_t n, List **out)
{
    const Relation *rel = ps->target_rel;
    *out = NULL;
    for (size_t i = 0; i < n; i++) {
        const PgQuery__ResTarget *r = items[i]->res_target;
        Node *e;
        TargetEntry *te = NULL;
        int attno = relation_find_column(rel, r->name);
        TRY(source_value(ps, r->val, &e));
        if (attno == 0) return PS_ERROR(ps, r->location, ERR_UNDEFINED_COLUMN, "column \"%s\" of relation \"%s\" does not exist", r->name, rel->name);
        if (attno < 0) return PS_ERROR(ps, r->location, ERR_FEATURE_NOT_SUPPORTED, "cannot assign to system column \"%s\"", r->name);
        TRY(transform_assigned(ps, e, PLACE_UPDATE_TARGET, r->name, attno, r->indirection, r->n_indirection, r->location, &e));
        TRY(resolve_default(ps, attno, &e));
        RangeTblEntry *rte = ps->target->rte;
        TRY_MEM(rte->updatedCols = bitset_add(rte->updatedCols, ps->arena, attno + 8), ps->err);
        LIST_EACH(TargetEntry *, seen, *out)
            if (seen->resno == attno) te = seen;
        if (te) {
            TRY(combine(ps, te, e));
            continue;
        }
        char *name = arena_strdup(ps->arena, r->name);
        TRY_MEM(name, ps->err);
        te = make_target_entry(ps->arena, e, attno, name, false);
        TRY_MEM(te, ps->err);
        PS_APPEND(*out, ps, te);
    }
    return ST_OK;
}

/* While FROM/USING is analysed, the target is visible but may not be referred to. */
static Status from_beside_target(ParseState *ps, PbNode **items, size_t n)
{
    ps->target->lateral_only = true;
    ps->target->lateral_ok = false;
    TRY(transform_from(ps, items, n));
    ps->target->lateral_only = false;
    ps->target->lateral_ok = true;
    return ST_OK;
}

Status transform_update(ParseState *ps, const PgQuery__UpdateStmt *s, Query **out)
{
    Query *q;
    Node *where;
    PS_NEW(q, Query, ps);
    q->commandType = CMD_UPDATE;
    q->canSetTag = true;
    if (s->with_clause) TRY(transform_with(ps, s->with_clause, q));
    TRY(set_target_relation(ps, s->relation, 4, true));
    q->resultRelation = ps->target->rtindex;
    TRY(from_beside_target(ps, s->from_clause, s->n_from_clause));
    TRY(transform_where(ps, s->where_clause, PLACE_WHERE, "WHERE", &where));
    TRY(transform_returning(ps, s->returning_list, s->n_returning_list, &q->returningList));
    TRY(transform_update_targets(ps, s->target_list, s->n_target_list, &q->targetList));
    *out = q;
    return finish_query(ps, q, where);
}

Status transform_delete(ParseState *ps, const PgQuery__DeleteStmt *s, Query **out)
{
    Query *q;
    Node *where;
    PS_NEW(q, Query, ps);
    q->commandType = CMD_DELETE;
    q->canSetTag = true;
    if (s->with_clause) TRY(transform_with(ps, s->with_clause, q));
    TRY(set_target_relation(ps, s->relation, 8, true));
    q->resultRelation = ps->target->rtindex;
    TRY(from_beside_target(ps, s->using_clause, s->n_using_clause));
    TRY(transform_where(ps, s->where_clause, PLACE_WHERE, "WHERE", &where));
    TRY(transform_returning(ps, s->returning_list, s->n_returning_list, &q->returningList));
    *out = q;
    return finish_query(ps, q, where);
}
