/* Subqueries in expressions (manual 9.23). */
#include "parser/parse_state.h"

static Status check_place(ParseState *ps, int location)
{
    if (!place_allows(ps->place, 'Q')) return ST_OK;
    const char *plural = place_name(ps->place);
    size_t n = strlen(plural);
    return PS_ERROR(ps, location, ERR_FEATURE_NOT_SUPPORTED, "cannot use subquery in %.*s", (int)(plural[n - 1] == 's' ? n - 1 : n), plural);
}

static int live_columns(const Query *q)
{
    int n = 0;
    LIST_EACH(TargetEntry *, te, q->targetList) n += !te->resjunk;
    return n;
}

/* One Param for each column of the subquery, numbered from 1. */
static Status column_params(ParseState *ps, const Query *q, List **out)
{
    int n = 0;
    *out = NULL;
    LIST_EACH(TargetEntry *, te, q->targetList) {
        Param *p;
        if (te->resjunk) continue;
        PS_NEW(p, Param, ps);
        *p = (Param){.tag = T_Param, .paramkind = PARAM_EXEC, .paramid = ++n, .paramtype = expr_type(te->expr), .paramtypmod = expr_typmod(te->expr),
                     .paramcollid = expr_collation(te->expr), .location = -1};
        PS_APPEND(*out, ps, p);
    }
    return ST_OK;
}

static Status compare_columns(ParseState *ps, const PgQuery__SubLink *raw, SubLink *s, const Query *q)
{
    Node *left;
    List *largs = NULL, *rargs;
    const char *schema = NULL, *op = "=";
    if (raw->n_oper_name) TRY(ps_name_list(ps, raw->oper_name, raw->n_oper_name, &schema, &op));
    TRY(ps_string_list(ps, raw->oper_name, raw->n_oper_name, &s->operName));
    TRY(transform_expr_here(ps, raw->testexpr, &left));
    if (IsA(left, RowExpr)) largs = ((RowExpr *)left)->args;
    else PS_APPEND(largs, ps, left);
    TRY(column_params(ps, q, &rargs));
    if (list_len(largs) < list_len(rargs)) return PS_ERROR(ps, raw->location, ERR_SYNTAX_ERROR, "subquery has too many columns");
    if (list_len(largs) > list_len(rargs)) return PS_ERROR(ps, raw->location, ERR_SYNTAX_ERROR, "subquery has too few columns");
    return make_row_compare(ps, schema, op, largs, rargs, raw->location, &s->testexpr);
}

Status transform_sublink(ParseState *ps, const PgQuery__SubLink *raw, Node **out)
{
    SubLink *s;
    Query *q;
    TRY(check_place(ps, raw->location));
    PS_NEW(s, SubLink, ps);
    s->subLinkType = (SubLinkType)(raw->sub_link_type - 1);
    s->subLinkId = raw->sub_link_id;
    s->location = raw->location;
    ps->has_sublinks = true;
    TRY(analyze_sub_statement(ps, raw->subselect, NULL, NULL, true, &q));
    s->subselect = (Node *)q;
    PS_PUSH(&ps->sublinks, ps, raw->subselect);
    PS_PUSH(&ps->sublinks, ps, q);
    s->resulttype = TYPE_bool;
    *out = (Node *)s;
    if (s->subLinkType == EXISTS_SUBLINK) return ST_OK;
    if (s->subLinkType == EXPR_SUBLINK || s->subLinkType == ARRAY_SUBLINK) {
        if (live_columns(q) != 1) return PS_ERROR(ps, raw->location, ERR_SYNTAX_ERROR, "subquery must return only one column");
        Oid type = expr_type(((TargetEntry *)list_first(q->targetList))->expr);
        s->resulttype = type;
        if (s->subLinkType == EXPR_SUBLINK) return ST_OK;
        const TypeInfo *t = catalog_type(ps->env, type);
        s->resulttype = t && t->is_array ? type : type_array_of(ps->env, type);
        if (s->resulttype) return ST_OK;
        return PS_ERROR(ps, raw->location, ERR_UNDEFINED_OBJECT, "could not find array type for data type %s", ps_type_name(ps, type));
    }
    if (s->subLinkType == MULTIEXPR_SUBLINK) {
        s->resulttype = TYPE_record;
        return ST_OK;
    }
    return compare_columns(ps, raw, s, q);
}
