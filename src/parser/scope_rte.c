/* Making range table entries and the names they bring into scope. */
#include <stdio.h>

#include "parser/parse_state.h"

Status ps_add_rte(ParseState *ps, RangeTblEntry *rte, int *rtindex)
{
    PS_APPEND(ps->rtable, ps, rte);
    *rtindex = ps->rtable->len;
    return ST_OK;
}

Status ps_make_alias(ParseState *ps, const PgQuery__Alias *pb, Alias **out)
{
    *out = NULL;
    if (!pb) return ST_OK;
    PS_NEW(*out, Alias, ps);
    TRY(ps_string(ps, pb->aliasname, &(*out)->aliasname));
    return ps_string_list(ps, pb->colnames, pb->n_colnames, &(*out)->colnames);
}

Status ps_alias_columns(ParseState *ps, Alias *eref, const Alias *alias, List *names, const char *what)
{
    int given = alias ? list_len(alias->colnames) : 0, live = 0, used = 0;
    LIST_EACH(String *, s, names) live += s->sval && *s->sval;
    if (given > live)
        return error_set(ps->err, ERR_INVALID_COLUMN_REFERENCE, "%s \"%s\" has %d columns available but %d columns specified", what, eref->aliasname, live, given);
    LIST_EACH(String *, s, names) {
        bool dropped = !s->sval || !*s->sval;
        PS_APPEND(eref->colnames, ps, !dropped && used < given ? list_at(alias->colnames, used) : s);
        used += !dropped;
    }
    return ST_OK;
}

static Status new_eref(ParseState *ps, RangeTblEntry *rte, const char *name)
{
    PS_NEW(rte->eref, Alias, ps);
    return ps_string(ps, rte->alias && rte->alias->aliasname ? rte->alias->aliasname : name, &rte->eref->aliasname);
}

static Status add_name(ParseState *ps, List **names, const char *name)
{
    String *s;
    PS_NEW(s, String, ps);
    s->sval = arena_strdup(ps->arena, name ? name : "");
    TRY_MEM(s->sval, ps->err);
    PS_APPEND(*names, ps, s);
    return ST_OK;
}

static Status new_item(ParseState *ps, RangeTblEntry *rte, int rtindex, int ncols, NsItem **out)
{
    NsItem *item;
    TRY_NEW(item, ps->arena, ps->err);
    TRY_NEW_N(item->cols, ps->arena, ncols ? ncols : 1, ps->err);
    item->rte = rte;
    item->rtindex = rtindex;
    item->ncols = ncols;
    item->name = rte->eref->aliasname;
    item->rel_visible = item->cols_visible = true;
    *out = item;
    return ST_OK;
}

Status ns_item_from_rte(ParseState *ps, RangeTblEntry *rte, int rtindex, NsItem **out)
{
    int n = list_len(rte->eref->colnames);
    TRY(new_item(ps, rte, rtindex, n, out));
    for (int i = 0; i < n; i++) {
        String *s = list_at(rte->eref->colnames, i);
        bool dropped = !s->sval || !*s->sval;
        (*out)->cols[i] = (NsColumn){dropped ? NULL : s->sval, rtindex, i + 1, i < rte->coltypes.n ? (Oid)rte->coltypes.v[i] : 0,
            i < rte->coltypmods.n ? (int32_t)rte->coltypmods.v[i] : -1, i < rte->colcollations.n ? (Oid)rte->colcollations.v[i] : 0};
    }
    return ST_OK;
}

Status rte_relation(ParseState *ps, const Relation *rel, const PgQuery__Alias *alias, bool inh, bool in_from, LockMode lock, NsItem **out)
{
    RangeTblEntry *rte;
    List *names = NULL;
    int rtindex;
    PS_NEW(rte, RangeTblEntry, ps);
    rte->rtekind = RTE_RELATION;
    rte->relid = rel->oid;
    rte->relkind = rel->relkind;
    rte->rellockmode = lock;
    rte->relversion = rel->version;
    rte->inh = inh;
    rte->inFromCl = in_from;
    rte->requiredPerms = 2;
    TRY(ps_make_alias(ps, alias, &rte->alias));
    TRY(new_eref(ps, rte, rel->name));
    for (int i = 0; i < rel->desc->natts; i++) TRY(add_name(ps, &names, rel->desc->atts[i].dropped ? "" : rel->desc->atts[i].name));
    TRY(ps_alias_columns(ps, rte->eref, rte->alias, names, "table"));
    TRY(ps_add_rte(ps, rte, &rtindex));
    TRY(ns_item_from_rte(ps, rte, rtindex, out));
    for (int i = 0; i < rel->desc->natts; i++) {
        const Attribute *a = &rel->desc->atts[i];
        (*out)->cols[i].type = a->type;
        (*out)->cols[i].typmod = a->typmod;
        (*out)->cols[i].collation = a->collation;
    }
    return ST_OK;
}

Status rte_subquery(ParseState *ps, Query *query, const PgQuery__Alias *alias, bool lateral, bool in_from, int location, NsItem **out)
{
    RangeTblEntry *rte;
    List *names = NULL;
    int rtindex, i = 0;
    PS_NEW(rte, RangeTblEntry, ps);
    rte->rtekind = RTE_SUBQUERY;
    rte->subquery = query;
    rte->lateral = lateral;
    rte->inFromCl = in_from;
    TRY(ps_make_alias(ps, alias, &rte->alias));
    TRY(new_eref(ps, rte, "unnamed_subquery"));
    LIST_EACH(TargetEntry *, te, query->targetList)
        if (!te->resjunk) TRY(add_name(ps, &names, te->resname));
    TRY_AT(ps, location, ps_alias_columns(ps, rte->eref, rte->alias, names, "table"));
    TRY(ps_add_rte(ps, rte, &rtindex));
    TRY(ns_item_from_rte(ps, rte, rtindex, out));
    LIST_EACH(TargetEntry *, te, query->targetList) {
        if (te->resjunk) continue;
        NsColumn *c = &(*out)->cols[i++];
        c->type = expr_type(te->expr);
        c->typmod = expr_typmod(te->expr);
        c->collation = expr_collation(te->expr);
        if (!c->name) c->name = "?column?";
    }
    return ST_OK;
}

Status rte_values(ParseState *ps, List *rows, const PgQuery__Alias *alias, bool lateral, bool in_from, NsItem **out)
{
    RangeTblEntry *rte;
    List *names = NULL, *first = list_first(rows);
    int rtindex, n = list_len(first);
    PS_NEW(rte, RangeTblEntry, ps);
    rte->rtekind = RTE_VALUES;
    rte->values_lists = rows;
    rte->lateral = lateral;
    rte->inFromCl = in_from;
    TRY(ps_make_alias(ps, alias, &rte->alias));
    TRY(new_eref(ps, rte, "*VALUES*"));
    for (int i = 0; i < n; i++) {
        char name[24];
        const Node *e = list_at(first, i);
        snprintf(name, sizeof name, "column%d", i + 1);
        TRY(add_name(ps, &names, name));
        PS_INT(&rte->coltypes, ps, expr_type(e));
        PS_INT(&rte->coltypmods, ps, expr_typmod(e));
        PS_INT(&rte->colcollations, ps, expr_collation(e));
    }
    TRY(ps_alias_columns(ps, rte->eref, rte->alias, names, "VALUES lists"));
    TRY(ps_add_rte(ps, rte, &rtindex));
    return ns_item_from_rte(ps, rte, rtindex, out);
}

Status rte_cte(ParseState *ps, CommonTableExpr *cte, int levels_up, const PgQuery__RangeVar *rv, NsItem **out)
{
    RangeTblEntry *rte;
    int rtindex;
    PS_NEW(rte, RangeTblEntry, ps);
    rte->rtekind = RTE_CTE;
    rte->ctename = cte->ctename;
    rte->ctelevelsup = levels_up;
    rte->inFromCl = true;
    rte->self_reference = !IsA(cte->ctequery, Query);
    if (!rte->self_reference) {
        const Query *q = (const Query *)cte->ctequery;
        cte->cterefcount++;
        if (q->commandType != CMD_SELECT && !q->returningList)
            return PS_ERROR(ps, rv->location, ERR_FEATURE_NOT_SUPPORTED, "WITH query \"%s\" does not have a RETURNING clause", cte->ctename);
    }
    TRY(ps_make_alias(ps, rv->alias, &rte->alias));
    TRY(new_eref(ps, rte, cte->ctename));
    TRY_AT(ps, rv->location, ps_alias_columns(ps, rte->eref, rte->alias, cte->ctecolnames, "table"));
    rte->coltypes = cte->ctecoltypes;
    rte->coltypmods = cte->ctecoltypmods;
    rte->colcollations = cte->ctecolcollations;
    TRY(ps_add_rte(ps, rte, &rtindex));
    return ns_item_from_rte(ps, rte, rtindex, out);
}

/* Scope ---------------------------------------------------------------------------------------------------------------------------- */

Status ps_add_item(ParseState *ps, NsItem *item, bool to_joinlist, bool rel_visible, bool cols_visible)
{
    if (to_joinlist) {
        RangeTblRef *ref;
        PS_NEW(ref, RangeTblRef, ps);
        ref->rtindex = item->rtindex;
        PS_APPEND(ps->joinlist, ps, ref);
    }
    if (!rel_visible && !cols_visible) return ST_OK;
    item->rel_visible = rel_visible;
    item->cols_visible = cols_visible;
    item->lateral_only = false;
    item->lateral_ok = true;
    PS_PUSH(&ps->ns, ps, item);
    return ST_OK;
}

/* Two relations of one name in one FROM are refused, unless they are different tables without aliases. */
Status ps_check_conflicts(ParseState *ps, const PtrVec *left, const PtrVec *right)
{
    for (int i = 0; i < left->len; i++)
        for (int j = 0; j < right->len; j++) {
            const NsItem *a = left->v[i], *b = right->v[j];
            if (!a->rel_visible || !b->rel_visible || !a->name || !b->name || strcmp(a->name, b->name)) continue;
            if (a->rte->rtekind == RTE_RELATION && !a->rte->alias && b->rte->rtekind == RTE_RELATION && !b->rte->alias && a->rte->relid != b->rte->relid)
                continue;
            return error_set(ps->err, ERR_DUPLICATE_ALIAS, "table name \"%s\" specified more than once", a->name);
        }
    return ST_OK;
}

CommonTableExpr *ps_find_cte(ParseState *ps, const char *name, int *levels_up)
{
    for (*levels_up = 0; ps; ps = ps->parent, ++*levels_up)
        for (int i = 0; i < ps->ctes.len; i++) {
            CommonTableExpr *cte = ps->ctes.v[i];
            if (!strcmp(cte->ctename, name)) return cte;
        }
    return NULL;
}

bool ps_is_future_cte(ParseState *ps, const char *name)
{
    for (; ps; ps = ps->parent)
        for (int i = 0; i < ps->future_ctes.len; i++)
            if (!strcmp(((PgQuery__CommonTableExpr *)ps->future_ctes.v[i])->ctename, name)) return true;
    return false;
}

Status ps_open_table(ParseState *ps, const PgQuery__RangeVar *rv, LockMode lock, const Relation **out)
{
    Oid oid;
    const char *schema = pb_text(rv->schemaname);
    TRY_AT(ps, rv->location, lookup_relation(ps->env, pb_text(rv->catalogname), schema, rv->relname, true, &oid, ps->err));
    if (!oid) {
        if (schema) return PS_ERROR(ps, rv->location, ERR_UNDEFINED_TABLE, "relation \"%s.%s\" does not exist", schema, rv->relname);
        PS_ERROR(ps, rv->location, ERR_UNDEFINED_TABLE, "relation \"%s\" does not exist", rv->relname);
        if (!ps_is_future_cte(ps, rv->relname)) return ST_FAILED;
        error_detail(ps->err, "There is a WITH item named \"%s\", but it cannot be referenced from this part of the query.", rv->relname);
        return error_hint(ps->err, "Use WITH RECURSIVE, or re-order the WITH items to remove forward references.");
    }
    TRY_AT(ps, rv->location, relation_open(ps->env, oid, lock, out, ps->err));
    char kind = (*out)->relkind;
    if (kind != RELKIND_INDEX && kind != RELKIND_COMPOSITE && kind != 'I') return ST_OK;
    PS_ERROR(ps, rv->location, ERR_WRONG_OBJECT_TYPE, "cannot open relation \"%s\"", (*out)->name);
    return error_detail(ps->err, kind == RELKIND_COMPOSITE ? "This operation is not supported for composite types."
                                                           : "This operation is not supported for indexes.");
}
