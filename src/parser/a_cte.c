/* WITH (manual 7.8). */
#include "parser/parse_state.h"

/* Does a raw tree name a table `name`, unqualified? Looks at every message below by its description, so no kind of statement is forgotten. A WITH
 * inside that defines the same name hides it; that case is left to the order in which items are found. */
static bool refers_to(const ProtobufCMessage *m, const char *name)
{
    if (!m || failed(stack_check(NULL))) return false;
    if (m->descriptor == &pg_query__range_var__descriptor) {
        const PgQuery__RangeVar *rv = (const PgQuery__RangeVar *)m;
        return !pb_text(rv->schemaname) && !strcmp(rv->relname, name);
    }
    for (unsigned i = 0; i < m->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *f = &m->descriptor->fields[i];
        const char *base = (const char *)m;
        if (f->type != PROTOBUF_C_TYPE_MESSAGE) continue;
        if (f->label == PROTOBUF_C_LABEL_REPEATED) {
            size_t n = *(const size_t *)(base + f->quantifier_offset);
            ProtobufCMessage *const *items = *(ProtobufCMessage *const *const *)(base + f->offset);
            for (size_t k = 0; k < n; k++)
                if (refers_to(items[k], name)) return true;
        } else {
            bool oneof = f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF;
            if (oneof && *(const uint32_t *)(base + f->quantifier_offset) != f->id) continue;
            if (refers_to(*(ProtobufCMessage *const *)(base + f->offset), name)) return true;
        }
    }
    return false;
}

static Status set_columns(ParseState *ps, CommonTableExpr *cte, const PgQuery__CommonTableExpr *raw)
{
    const Query *q = (const Query *)cte->ctequery;
    const List *tl = q->commandType == CMD_SELECT ? q->targetList : q->returningList;
    int i = 0;
    cte->ctecolnames = NULL;
    cte->ctecoltypes = cte->ctecoltypmods = cte->ctecolcollations = (IntArray){0};
    LIST_EACH(TargetEntry *, te, tl) {
        String *s;
        if (te->resjunk) continue;
        PS_NEW(s, String, ps);
        s->sval = i < list_len(cte->aliascolnames) ? ((String *)list_at(cte->aliascolnames, i))->sval : te->resname;
        PS_APPEND(cte->ctecolnames, ps, s);
        PS_INT(&cte->ctecoltypes, ps, expr_type(te->expr));
        PS_INT(&cte->ctecoltypmods, ps, expr_typmod(te->expr));
        PS_INT(&cte->ctecolcollations, ps, expr_collation(te->expr));
        i++;
    }
    if (list_len(cte->aliascolnames) > i)
        return PS_ERROR(ps, raw->location, ERR_INVALID_COLUMN_REFERENCE, "WITH query \"%s\" has %d columns available but %d columns specified", cte->ctename, i,
                        list_len(cte->aliascolnames));
    return ST_OK;
}

/* References of a recursive term to its own name: one, and not where an outer join, EXCEPT or a subquery would need all rows at once. */
typedef struct SelfRefs { const char *name; int count, location; const char *where; } SelfRefs;

static void find_self(const ProtobufCMessage *m, SelfRefs *s, const char *where);

static void find_self_below(const ProtobufCMessage *m, SelfRefs *s, const char *where)
{
    for (unsigned i = 0; i < m->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *f = &m->descriptor->fields[i];
        const char *base = (const char *)m;
        if (f->type != PROTOBUF_C_TYPE_MESSAGE) continue;
        if (f->label == PROTOBUF_C_LABEL_REPEATED) {
            size_t n = *(const size_t *)(base + f->quantifier_offset);
            ProtobufCMessage *const *items = *(ProtobufCMessage *const *const *)(base + f->offset);
            for (size_t k = 0; k < n; k++) find_self(items[k], s, where);
        } else if (!(f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) || *(const uint32_t *)(base + f->quantifier_offset) == f->id) {
            find_self(*(ProtobufCMessage *const *)(base + f->offset), s, where);
        }
    }
}

static void find_self(const ProtobufCMessage *m, SelfRefs *s, const char *where)
{
    if (!m || failed(stack_check(NULL))) return;
    if (m->descriptor == &pg_query__range_var__descriptor) {
        const PgQuery__RangeVar *rv = (const PgQuery__RangeVar *)m;
        if (pb_text(rv->schemaname) || strcmp(rv->relname, s->name)) return;
        s->count++;
        if (s->where || (s->count > 1 && s->location >= 0 && !where)) return;
        if (where || s->count == 2) s->location = rv->location;
        s->where = where;
        return;
    }
    if (m->descriptor == &pg_query__sub_link__descriptor && !where) where = "within a subquery";
    if (m->descriptor == &pg_query__join_expr__descriptor && !where) {
        const PgQuery__JoinExpr *j = (const PgQuery__JoinExpr *)m;
        static const char outer[] = "within an outer join";
        bool full = j->jointype == PG_QUERY__JOIN_TYPE__JOIN_FULL;
        find_self(&j->larg->base, s, full || j->jointype == PG_QUERY__JOIN_TYPE__JOIN_RIGHT ? outer : NULL);
        find_self(&j->rarg->base, s, full || j->jointype == PG_QUERY__JOIN_TYPE__JOIN_LEFT ? outer : NULL);
        if (j->quals) find_self(&j->quals->base, s, NULL);
        return;
    }
    if (m->descriptor == &pg_query__select_stmt__descriptor && !where) {
        const PgQuery__SelectStmt *q = (const PgQuery__SelectStmt *)m;
        if (q->op == PG_QUERY__SET_OPERATION__SETOP_EXCEPT) {
            find_self(&q->larg->base, s, NULL);
            find_self(&q->rarg->base, s, "within EXCEPT");
            return;
        }
    }
    find_self_below(m, s, where);
}

static Status check_recursive_shape(ParseState *ps, const PgQuery__CommonTableExpr *raw)
{
    const PgQuery__SelectStmt *s = PB_IS(raw->ctequery, SELECT_STMT) ? raw->ctequery->select_stmt : NULL;
    if (!s) return PS_ERROR(ps, raw->location, ERR_INVALID_RECURSION, "recursive query \"%s\" must not contain data-modifying statements", raw->ctename);
    if (s->op != PG_QUERY__SET_OPERATION__SETOP_UNION)
        return PS_ERROR(ps, raw->location, ERR_INVALID_RECURSION, "recursive query \"%s\" does not have the form non-recursive-term UNION [ALL] recursive-term",
                        raw->ctename);
    if (s->n_sort_clause) return PS_ERROR(ps, pb_location(s->sort_clause[0]), ERR_FEATURE_NOT_SUPPORTED, "ORDER BY in a recursive query is not implemented");
    if (s->limit_offset) return PS_ERROR(ps, pb_location(s->limit_offset), ERR_FEATURE_NOT_SUPPORTED, "OFFSET in a recursive query is not implemented");
    if (s->limit_count) return PS_ERROR(ps, pb_location(s->limit_count), ERR_FEATURE_NOT_SUPPORTED, "LIMIT in a recursive query is not implemented");
    if (s->n_locking_clause) return error_set(ps->err, ERR_FEATURE_NOT_SUPPORTED, "FOR UPDATE/SHARE in a recursive query is not implemented");
    if (refers_to(&s->larg->base, raw->ctename))
        return PS_ERROR(ps, raw->location, ERR_INVALID_RECURSION, "recursive reference to query \"%s\" must not appear within its non-recursive term", raw->ctename);
    SelfRefs refs = {raw->ctename, 0, -1, NULL};
    find_self(&s->rarg->base, &refs, NULL);
    if (refs.where || refs.count > 1)
        return PS_ERROR(ps, refs.location, ERR_INVALID_RECURSION, "recursive reference to query \"%s\" must not appear %s", raw->ctename,
                        refs.where ? refs.where : "more than once");
    if (raw->search_clause || raw->cycle_clause) return PS_ERROR(ps, raw->location, ERR_FEATURE_NOT_SUPPORTED, "SEARCH and CYCLE clauses are not supported");
    return ST_OK;
}

static Status check_recursive_result(ParseState *ps, CommonTableExpr *cte, const PgQuery__CommonTableExpr *raw)
{
    const Query *q = (const Query *)cte->ctequery;
    int i = 0;
    LIST_EACH(TargetEntry *, te, q->targetList) {
        if (te->resjunk || i >= cte->ctecoltypes.n) continue;
        Oid was = (Oid)cte->ctecoltypes.v[i], is = expr_type(te->expr);
        int32_t wast = (int32_t)cte->ctecoltypmods.v[i], ist = expr_typmod(te->expr);
        i++;
        if (was == is && wast == ist) continue;
        PS_ERROR(ps, expr_location(te->expr), ERR_DATATYPE_MISMATCH, "recursive query \"%s\" column %d has type %s in non-recursive term but type %s overall",
                 cte->ctename, i, format_type_text(ps->env, was, wast, ps->arena), format_type_text(ps->env, is, ist, ps->arena));
        return error_hint(ps->err, "Cast the output of the non-recursive term to the correct type.");
    }
    return ST_OK;
}

static Status analyze_cte(ParseState *ps, CommonTableExpr *cte, const PgQuery__CommonTableExpr *raw)
{
    Query *q;
    bool select = PB_IS(raw->ctequery, SELECT_STMT);
    if (!select && ps->parent)
        return PS_ERROR(ps, raw->location, ERR_FEATURE_NOT_SUPPORTED, "WITH clause containing a data-modifying statement must be at the top level");
    if (cte->cterecursive) TRY(check_recursive_shape(ps, raw));
    TRY(analyze_sub_statement(ps, raw->ctequery, cte, NULL, true, &q));
    q->canSetTag = false;
    if (q->commandType != CMD_SELECT) ps->has_modifying_cte = true;
    cte->ctequery = (Node *)q;
    if (cte->cterecursive) TRY(check_recursive_result(ps, cte, raw));
    return set_columns(ps, cte, raw);
}

static Status new_cte(ParseState *ps, const PgQuery__CommonTableExpr *raw, CommonTableExpr **out)
{
    PS_NEW(*out, CommonTableExpr, ps);
    (*out)->ctematerialized = (CTEMaterialize)(raw->ctematerialized - 1);
    (*out)->location = raw->location;
    TRY(ps_string(ps, raw->ctename, &(*out)->ctename));
    return ps_string_list(ps, raw->aliascolnames, raw->n_aliascolnames, &(*out)->aliascolnames);
}

/* RECURSIVE: items may refer forward, so they are analysed in an order in which what an item needs comes first. */
static Status recursive_order(ParseState *ps, const PgQuery__WithClause *with, int *order)
{
    int n = (int)with->n_ctes, done = 0;
    bool *placed;
    TRY_NEW_N(placed, ps->arena, n, ps->err);
    while (done < n) {
        int chosen = -1;
        for (int i = 0; i < n && chosen < 0; i++) {
            if (placed[i]) continue;
            bool ready = true;
            for (int k = 0; k < n && ready; k++)
                ready = k == i || placed[k] || !refers_to(&with->ctes[i]->common_table_expr->ctequery->base, with->ctes[k]->common_table_expr->ctename);
            if (ready) chosen = i;
        }
        if (chosen < 0) {
            for (int i = 0; i < n; i++)
                if (!placed[i])
                    return PS_ERROR(ps, with->ctes[i]->common_table_expr->location, ERR_FEATURE_NOT_SUPPORTED,
                                    "mutual recursion between WITH items is not implemented");
        }
        placed[chosen] = true;
        order[done++] = chosen;
    }
    return ST_OK;
}

Status transform_with(ParseState *ps, const PgQuery__WithClause *with, Query *q)
{
    int *order, n = (int)with->n_ctes;
    CommonTableExpr **ctes;
    TRY_NEW_N(order, ps->arena, n, ps->err);
    TRY_NEW_N(ctes, ps->arena, n, ps->err);
    for (int i = 0; i < n; i++) {
        const PgQuery__CommonTableExpr *raw = with->ctes[i]->common_table_expr;
        order[i] = i;
        for (int k = 0; k < i; k++)
            if (!strcmp(with->ctes[k]->common_table_expr->ctename, raw->ctename))
                return PS_ERROR(ps, raw->location, ERR_DUPLICATE_ALIAS, "WITH query name \"%s\" specified more than once", raw->ctename);
        TRY(new_cte(ps, raw, &ctes[i]));
        if (with->recursive) ctes[i]->cterecursive = refers_to(&raw->ctequery->base, raw->ctename);
        if (!with->recursive) PS_PUSH(&ps->future_ctes, ps, with->ctes[i]->common_table_expr);
    }
    q->hasRecursive = with->recursive;
    if (with->recursive) TRY(recursive_order(ps, with, order));
    for (int i = 0; i < n; i++) {
        CommonTableExpr *cte = ctes[order[i]];
        if (cte->cterecursive) PS_PUSH(&ps->ctes, ps, cte); /* visible to itself */
        TRY(analyze_cte(ps, cte, with->ctes[order[i]]->common_table_expr));
        if (!cte->cterecursive) PS_PUSH(&ps->ctes, ps, cte);
        if (!with->recursive) { /* the first of the future ones has come */
            for (int k = 1; k < ps->future_ctes.len; k++) ps->future_ctes.v[k - 1] = ps->future_ctes.v[k];
            ps->future_ctes.len--;
        }
    }
    for (int i = 0; i < n; i++) PS_APPEND(q->cteList, ps, ctes[i]);
    q->hasModifyingCTE = ps->has_modifying_cte;
    return ST_OK;
}
