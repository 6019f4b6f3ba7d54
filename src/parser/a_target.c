/* Target lists: star expansion, column names, origins of columns; assignment targets of INSERT and UPDATE. */
#include "parser/parse_state.h"

/* The name of a column without AS: 2 a good name, 1 a weak one (a cast's type), 0 none. */
static int figure_name(ParseState *ps, const PbNode *n, const char **name)
{
    if (!n || failed(stack_check(NULL))) return 0;
    switch (n->node_case) {
    case PG_QUERY__NODE__NODE_COLUMN_REF:
        for (size_t i = n->column_ref->n_fields; i-- > 0;)
            if (PB_IS(n->column_ref->fields[i], STRING)) { *name = pb_string(n->column_ref->fields[i]); return 2; }
        return 0;
    case PG_QUERY__NODE__NODE_A_INDIRECTION:
        for (size_t i = n->a_indirection->n_indirection; i-- > 0;)
            if (PB_IS(n->a_indirection->indirection[i], STRING)) { *name = pb_string(n->a_indirection->indirection[i]); return 2; }
        return figure_name(ps, n->a_indirection->arg, name);
    case PG_QUERY__NODE__NODE_FUNC_CALL: *name = pb_string(n->func_call->funcname[n->func_call->n_funcname - 1]); return 2;
    case PG_QUERY__NODE__NODE_A_EXPR:
        if (n->a_expr->kind != PG_QUERY__A__EXPR__KIND__AEXPR_NULLIF) return 0;
        *name = "nullif";
        return 2;
    case PG_QUERY__NODE__NODE_TYPE_CAST: {
        const PgQuery__TypeName *t = n->type_cast->type_name;
        int strength = figure_name(ps, n->type_cast->arg, name);
        if (strength > 1 || !t || t->n_names == 0) return strength;
        *name = pb_string(t->names[t->n_names - 1]);
        return 1;
    }
    case PG_QUERY__NODE__NODE_COLLATE_CLAUSE: return figure_name(ps, n->collate_clause->arg, name);
    case PG_QUERY__NODE__NODE_GROUPING_FUNC: *name = "grouping"; return 2;
    case PG_QUERY__NODE__NODE_SUB_LINK:
        switch (n->sub_link->sub_link_type) {
        case PG_QUERY__SUB_LINK_TYPE__EXISTS_SUBLINK: *name = "exists"; return 2;
        case PG_QUERY__SUB_LINK_TYPE__ARRAY_SUBLINK: *name = "array"; return 2;
        case PG_QUERY__SUB_LINK_TYPE__EXPR_SUBLINK: /* its column's name, which only the analysed query knows */
            for (int i = 0; i + 1 < ps->sublinks.len; i += 2) {
                const Query *q = ps->sublinks.v[i + 1];
                if (ps->sublinks.v[i] != n->sub_link->subselect || !q->targetList) continue;
                *name = ((TargetEntry *)list_first(q->targetList))->resname;
                return *name ? 2 : 0;
            }
            return 0;
        default: return 0;
        }
    case PG_QUERY__NODE__NODE_CASE_EXPR: {
        int strength = figure_name(ps, n->case_expr->defresult, name);
        if (strength > 1) return strength;
        *name = "case";
        return 1;
    }
    case PG_QUERY__NODE__NODE_A_ARRAY_EXPR: *name = "array"; return 2;
    case PG_QUERY__NODE__NODE_ROW_EXPR: *name = "row"; return 2;
    case PG_QUERY__NODE__NODE_COALESCE_EXPR: *name = "coalesce"; return 2;
    case PG_QUERY__NODE__NODE_MIN_MAX_EXPR: *name = n->min_max_expr->op == PG_QUERY__MIN_MAX_OP__IS_GREATEST ? "greatest" : "least"; return 2;
    case PG_QUERY__NODE__NODE_SQLVALUE_FUNCTION: {
        static const char *const names[] = {"?", "current_date", "current_time", "current_time", "current_timestamp", "current_timestamp", "localtime",
            "localtime", "localtimestamp", "localtimestamp", "current_role", "current_user", "user", "session_user", "current_catalog", "current_schema"};
        *name = names[n->sqlvalue_function->op];
        return 2;
    }
    default: return 0;
    }
}

const char *figure_column_name(ParseState *ps, const PbNode *raw)
{
    const char *name = NULL;
    figure_name(ps, raw, &name);
    return name ? name : "?column?";
}

Status transform_target_entry(ParseState *ps, const PbNode *raw, Node *expr, ExprPlace place, const char *name, bool resjunk, TargetEntry **out)
{
    if (!expr) TRY(transform_expr(ps, raw, place, &expr));
    if (!name && !resjunk) name = figure_column_name(ps, raw);
    char *copy = name ? arena_strdup(ps->arena, name) : NULL;
    if (name) TRY_MEM(copy, ps->err);
    *out = make_target_entry(ps->arena, expr, ps->next_resno++, copy, resjunk);
    TRY_MEM(*out, ps->err);
    return ST_OK;
}

static Status add_columns(ParseState *ps, List *vars, List *names, List **out)
{
    for (int i = 0; i < list_len(vars); i++) {
        TargetEntry *te = make_target_entry(ps->arena, list_at(vars, i), ps->next_resno++, ((String *)list_at(names, i))->sval, false);
        TRY_MEM(te, ps->err);
        PS_APPEND(*out, ps, te);
    }
    return ST_OK;
}

static Status all_columns(ParseState *ps, int location, List **vars, List **names)
{
    bool found = false;
    for (int i = 0; i < ps->ns.len; i++) {
        NsItem *item = ps->ns.v[i];
        if (!item->cols_visible) continue;
        found = true;
        TRY(ns_expand(ps, item, 0, location, vars, names));
    }
    return found ? ST_OK : PS_ERROR(ps, location, ERR_SYNTAX_ERROR, "SELECT * with no tables specified is not valid");
}

/* rel.* */
static Status relation_columns(ParseState *ps, const PgQuery__ColumnRef *c, List **vars, List **names)
{
    size_t n = c->n_fields;
    const char *schema = n >= 3 ? pb_string(c->fields[n - 3]) : NULL, *rel = pb_string(c->fields[n - 2]);
    NsItem *item;
    int levels_up;
    if (n > 4) return PS_ERROR(ps, c->location, ERR_SYNTAX_ERROR, "improper qualified name (too many dotted names): %s", ps_dotted(ps, c->fields, n));
    if (n == 4 && strcmp(pb_string(c->fields[0]), ps->env->database_name ? ps->env->database_name : ""))
        return PS_ERROR(ps, c->location, ERR_FEATURE_NOT_SUPPORTED, "cross-database references are not implemented: %s", ps_dotted(ps, c->fields, n));
    TRY(ns_find_relation(ps, schema, rel, c->location, &item, &levels_up));
    if (!item) return ps_missing_relation(ps, schema, rel, c->location);
    return ns_expand(ps, item, levels_up, c->location, vars, names);
}

/* (row).* */
static Status row_columns(ParseState *ps, const PgQuery__AIndirection *ind, ExprPlace place, List **vars, List **names)
{
    Node *row;
    TupleDesc *desc;
    int location = pb_location(ind->arg);
    TRY(transform_expr(ps, ind->arg, place, &row));
    TRY(transform_indirection(ps, row, ind->indirection, ind->n_indirection - 1, location, &row));
    TRY(row_shape(ps, row, &desc));
    if (!desc)
        return PS_ERROR(ps, location, ERR_WRONG_OBJECT_TYPE, "type %s is not composite", ps_type_name(ps, expr_type(row)));
    for (int i = 0; i < desc->natts; i++) {
        Node *field, *copy = i ? node_copy(row, ps->arena) : row;
        String *s;
        TRY_MEM(copy, ps->err);
        if (desc->atts[i].dropped) continue;
        TRY(select_field(ps, copy, desc->atts[i].name, location, &field));
        PS_NEW(s, String, ps);
        TRY_MEM(s->sval = arena_strdup(ps->arena, desc->atts[i].name), ps->err);
        PS_APPEND(*vars, ps, field);
        PS_APPEND(*names, ps, s);
    }
    return ST_OK;
}

/* Is it a star, and what does it expand to? */
static Status expand_star(ParseState *ps, const PbNode *raw, ExprPlace place, bool *star, List **vars, List **names)
{
    *star = false;
    if (PB_IS(raw, COLUMN_REF)) {
        const PgQuery__ColumnRef *c = raw->column_ref;
        if (!PB_IS(c->fields[c->n_fields - 1], A_STAR)) return ST_OK;
        *star = true;
        return c->n_fields == 1 ? all_columns(ps, c->location, vars, names) : relation_columns(ps, c, vars, names);
    }
    if (!PB_IS(raw, A_INDIRECTION)) return ST_OK;
    const PgQuery__AIndirection *ind = raw->a_indirection;
    if (!PB_IS(ind->indirection[ind->n_indirection - 1], A_STAR)) return ST_OK;
    *star = true;
    return row_columns(ps, ind, place, vars, names);
}

Status transform_target_list(ParseState *ps, PbNode **items, size_t n, ExprPlace place, List **out)
{
    *out = NULL;
    for (size_t i = 0; i < n; i++) {
        const PgQuery__ResTarget *r = items[i]->res_target;
        List *vars = NULL, *names = NULL;
        TargetEntry *te;
        bool star = false;
        if (place != PLACE_UPDATE_SOURCE) TRY(expand_star(ps, r->val, place, &star, &vars, &names));
        if (star) {
            TRY(add_columns(ps, vars, names, out));
            continue;
        }
        TRY(transform_target_entry(ps, r->val, NULL, place, pb_text(r->name), false, &te));
        PS_APPEND(*out, ps, te);
    }
    return ST_OK;
}

Status transform_exprs(ParseState *ps, PbNode **raws, size_t n, ExprPlace place, List **out)
{
    *out = NULL;
    for (size_t i = 0; i < n; i++) {
        List *vars = NULL, *names = NULL;
        bool star;
        Node *e;
        TRY(expand_star(ps, raws[i], place, &star, &vars, &names));
        if (star) {
            LIST_EACH(Node *, v, vars) PS_APPEND(*out, ps, v);
            continue;
        }
        TRY(transform_expr(ps, raws[i], place, &e));
        PS_APPEND(*out, ps, e);
    }
    return ST_OK;
}

/* Which table column an output column shows, if it is one. */
static void mark_origin(ParseState *ps, TargetEntry *te, const Var *var, int levels_up)
{
    if (!IsA(var, Var) || failed(stack_check(NULL))) return;
    ParseState *level = ps;
    levels_up += var->varlevelsup;
    for (int i = 0; i < levels_up && level; i++) level = level->parent;
    if (!level || var->varno < 1 || var->varno > list_len(level->rtable)) return;
    const RangeTblEntry *rte = list_at(level->rtable, var->varno - 1);
    if (rte->rtekind == RTE_RELATION && var->varattno > 0) {
        te->resorigtbl = rte->relid;
        te->resorigcol = var->varattno;
    } else if (rte->rtekind == RTE_SUBQUERY && var->varattno > 0 && var->varattno <= list_len(rte->subquery->targetList)) {
        const TargetEntry *inner = list_at(rte->subquery->targetList, var->varattno - 1);
        te->resorigtbl = inner->resorigtbl;
        te->resorigcol = inner->resorigcol;
    } else if (rte->rtekind == RTE_JOIN && var->varattno > 0) {
        mark_origin(ps, te, list_at(rte->joinaliasvars, var->varattno - 1), levels_up);
    } else if (rte->rtekind == RTE_CTE && var->varattno > 0 && !rte->self_reference) {
        int up;
        const CommonTableExpr *cte = ps_find_cte(level, rte->ctename, &up);
        const Query *q = cte && IsA(cte->ctequery, Query) ? (const Query *)cte->ctequery : NULL;
        const List *tl = !q ? NULL : q->commandType == CMD_SELECT ? q->targetList : q->returningList;
        if (var->varattno > list_len(tl)) return;
        te->resorigtbl = ((TargetEntry *)list_at(tl, var->varattno - 1))->resorigtbl;
        te->resorigcol = ((TargetEntry *)list_at(tl, var->varattno - 1))->resorigcol;
    }
}

void mark_target_origins(ParseState *ps, List *tlist)
{
    LIST_EACH(TargetEntry *, te, tlist)
        if (!te->resjunk) mark_origin(ps, te, (const Var *)te->expr, 0);
}

Status resolve_target_unknowns(ParseState *ps, List *tlist)
{
    LIST_EACH(TargetEntry *, te, tlist) TRY(resolve_unknown_column(ps, te));
    return ST_OK;
}

/* Assignment ------------------------------------------------------------------------------------------------------------------------- */

static Status assign_field(ParseState *ps, Node *base, Oid type, int32_t typmod, const char *column, PbNode **ind, size_t n, Node *value, int location, Node **out);

static Status assign_into(ParseState *ps, Node *base, Oid type, int32_t typmod, const char *column, PbNode **ind, size_t n, Node *value, int location,
                          Node **out)
{
    PgQuery__AIndices *idx[6];
    size_t k = 0;
    TRY(stack_check(ps->err));
    if (n == 0) return coerce_assign(ps, value, column, type, typmod, location, out);
    if (!PB_IS(ind[0], A_INDICES)) return assign_field(ps, base, type, typmod, column, ind, n, value, location, out);
    while (k < n && k < 6 && PB_IS(ind[k], A_INDICES)) { idx[k] = ind[k]->a_indices; k++; }
    int32_t base_typmod = typmod;
    Oid container = type_base_of(ps->env, type, &base_typmod);
    const TypeInfo *t = catalog_type(ps->env, container);
    bool slice = false;
    for (size_t i = 0; i < k; i++) slice |= idx[i]->is_slice;
    if (!t || !t->is_array)
        return PS_ERROR(ps, location, ERR_DATATYPE_MISMATCH, "cannot subscript type %s because it does not support subscripting", ps_type_name(ps, type));
    Node *inner = NULL, *stored;
    if (k < n) TRY(make_subscript(ps, base, container, base_typmod, idx, (int)k, NULL, location, &inner));
    TRY(assign_into(ps, inner, slice ? container : t->elem, base_typmod, column, ind + k, n - k, value, location, &stored));
    TRY(make_subscript(ps, base, container, base_typmod, idx, (int)k, stored, location, out));
    if (container == type) return ST_OK;
    return coerce_type(ps, *out, container, type, typmod, COERCION_ASSIGNMENT, COERCE_IMPLICIT_CAST, location, out);
}

static Status assign_field(ParseState *ps, Node *base, Oid type, int32_t typmod, const char *column, PbNode **ind, size_t n, Node *value, int location,
                           Node **out)
{
    const char *field = pb_string(ind[0]);
    if (PB_IS(ind[0], A_STAR)) return PS_ERROR(ps, location, ERR_FEATURE_NOT_SUPPORTED, "row expansion via \"*\" is not supported here");
    Oid composite = type_base_of(ps->env, type, &typmod);
    const TupleDesc *desc = type_row_desc(ps->env, composite, ps->arena);
    int at = -1;
    if (!desc)
        return PS_ERROR(ps, location, ERR_DATATYPE_MISMATCH, "cannot assign to field \"%s\" of column \"%s\" because its type %s is not a composite type",
                        field, column, ps_type_name(ps, type));
    for (int i = 0; i < desc->natts; i++)
        if (!desc->atts[i].dropped && !strcmp(desc->atts[i].name, field)) at = i;
    if (at < 0)
        return PS_ERROR(ps, location, ERR_UNDEFINED_COLUMN, "cannot assign to field \"%s\" of column \"%s\" because there is no such column in data type %s",
                        field, column, ps_type_name(ps, type));
    Node *inner = NULL, *stored;
    if (n > 1) TRY(select_field(ps, base, field, location, &inner));
    TRY(assign_into(ps, inner, desc->atts[at].type, desc->atts[at].typmod, column, ind + 1, n - 1, value, location, &stored));
    FieldStore *f;
    PS_NEW(f, FieldStore, ps);
    f->arg = base;
    f->resulttype = composite;
    PS_APPEND(f->newvals, ps, stored);
    PS_INT(&f->fieldnums, ps, at + 1);
    *out = (Node *)f;
    if (composite == type) return ST_OK;
    return coerce_type(ps, *out, composite, type, typmod, COERCION_ASSIGNMENT, COERCE_IMPLICIT_CAST, location, out);
}

/* `expr` as it is to be stored in column attno of the target, behind subscripts and fields if there are any. DEFAULT stays SetToDefault. */
Status transform_assigned(ParseState *ps, Node *expr, ExprPlace place, const char *column, int attno, PbNode **ind, size_t n, int location, Node **out)
{
    ExprPlace before = ps->place;
    const Attribute *att = &ps->target_rel->desc->atts[attno - 1];
    Node *base;
    if (IsA(expr, SetToDefault)) {
        SetToDefault *d = (SetToDefault *)expr;
        d->typeId = att->type;
        d->typeMod = att->typmod;
        d->collation = att->collation;
        *out = expr;
        if (n == 0) return ST_OK;
        return PS_ERROR(ps, location, ERR_FEATURE_NOT_SUPPORTED, PB_IS(ind[0], A_INDICES) ? "cannot set an array element to DEFAULT" : "cannot set a subfield to DEFAULT");
    }
    if (n == 0) return coerce_assign(ps, expr, column, att->type, att->typmod, location, out);
    ps->place = place;
    Status st;
    if (ps->is_insert) {
        const TypeInfo *t;
        st = ps_type(ps, att->type, &t);
        base = failed(st) ? NULL : (Node *)make_const(ps->arena, t, att->typmod, 0, true);
        if (!failed(st) && !base) st = error_out_of_memory(ps->err, sizeof(Const));
    } else {
        st = ns_column(ps, ps->target, 0, column, location, &base);
    }
    if (!failed(st)) st = assign_into(ps, base, att->type, att->typmod, column, ind, n, expr, location, out);
    ps->place = before;
    return st;
}
