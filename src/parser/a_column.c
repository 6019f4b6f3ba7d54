/* Column references, fields of rows, "value" of a domain. */
#include "parser/parse_state.h"

static Status check_place(ParseState *ps, int location)
{
    if (ps->place == PLACE_COLUMN_DEFAULT || ps->place == PLACE_FUNCTION_DEFAULT)
        return PS_ERROR(ps, location, ERR_FEATURE_NOT_SUPPORTED, "cannot use column reference in DEFAULT expression");
    if (ps->place == PLACE_PARTITION_BOUND)
        return PS_ERROR(ps, location, ERR_FEATURE_NOT_SUPPORTED, "cannot use column reference in partition bound expression");
    return ST_OK;
}

static Status bare_name(ParseState *ps, const char *name, int location, Node **out)
{
    NsItem *item;
    int levels_up;
    if (ps->place == PLACE_DOMAIN_CHECK && !strcmp(name, "value")) {
        CoerceToDomainValue *v;
        PS_NEW(v, CoerceToDomainValue, ps);
        *v = (CoerceToDomainValue){.tag = T_CoerceToDomainValue, .typeId = ps->value_type, .typeMod = ps->value_typmod,
                                   .collation = ps_collation(ps, ps->value_type), .location = location};
        *out = (Node *)v;
        return ST_OK;
    }
    TRY(ns_unqualified_column(ps, name, location, false, out));
    if (*out) return ST_OK;
    TRY(ns_find_relation(ps, NULL, name, location, &item, &levels_up));
    if (item) return ns_whole_row(ps, item, levels_up, location, out);
    return ps_missing_column(ps, NULL, name, location);
}

/* row.f meaning f(row), where such a function exists. */
static Status function_of_row(ParseState *ps, Node *row, const PbNode *name, int location, Node **out)
{
    static const PgQuery__FuncCall plain = PG_QUERY__FUNC_CALL__INIT;
    Oid type = expr_type(row);
    FuncMatch m;
    FuncOutcome outcome;
    List *args = NULL;
    *out = NULL;
    if (type == TYPE_unknown) return ST_OK;
    TRY(pick_function(ps, NULL, pb_string(name), 1, &type, NULL, false, false, &m, &outcome));
    if (outcome != FUNC_FOUND) return ST_OK;
    PS_APPEND(args, ps, row);
    return transform_func_of_args(ps, (PbNode *[]){(PbNode *)(uintptr_t)name}, 1, args, NULL, &plain, location, false, out);
}

static Status qualified_name(ParseState *ps, const char *schema, const char *rel, const PbNode *column, int location, Node **out)
{
    NsItem *item;
    int levels_up;
    TRY(ns_find_relation(ps, schema, rel, location, &item, &levels_up));
    if (!item) return ps_missing_relation(ps, schema, rel, location);
    if (PB_IS(column, A_STAR)) return ns_whole_row(ps, item, levels_up, location, out);
    TRY(ns_column(ps, item, levels_up, pb_string(column), location, out));
    if (*out) return ST_OK;
    Node *row;
    TRY(ns_whole_row(ps, item, levels_up, location, &row));
    TRY(function_of_row(ps, row, column, location, out));
    if (*out) return ST_OK;
    return ps_missing_column(ps, rel, pb_string(column), location);
}

Status transform_column_ref(ParseState *ps, const PgQuery__ColumnRef *c, Node **out)
{
    PbNode **f = c->fields;
    *out = NULL;
    TRY(check_place(ps, c->location));
    if (PB_IS(f[0], A_STAR)) return PS_ERROR(ps, c->location, ERR_SYNTAX_ERROR, "invalid use of \"*\"");
    switch (c->n_fields) {
    case 1: return bare_name(ps, pb_string(f[0]), c->location, out);
    case 2: return qualified_name(ps, NULL, pb_string(f[0]), f[1], c->location, out);
    case 3: return qualified_name(ps, pb_string(f[0]), pb_string(f[1]), f[2], c->location, out);
    case 4:
        if (strcmp(pb_string(f[0]), ps->env->database_name ? ps->env->database_name : ""))
            return PS_ERROR(ps, c->location, ERR_FEATURE_NOT_SUPPORTED, "cross-database references are not implemented: %s", ps_dotted(ps, f, c->n_fields));
        return qualified_name(ps, pb_string(f[1]), pb_string(f[2]), f[3], c->location, out);
    default:
        return PS_ERROR(ps, c->location, ERR_SYNTAX_ERROR, "improper qualified name (too many dotted names): %s", ps_dotted(ps, f, c->n_fields));
    }
}

/* The columns of a range table entry's row, for whole-row references of type record. */
static Status rte_shape(ParseState *ps, RangeTblEntry *rte, TupleDesc **out)
{
    int n = list_len(rte->eref->colnames);
    const TypeInfo *type;
    *out = NULL;
    if (rte->rtekind == RTE_JOIN) return ST_OK;
    if (rte->rtekind == RTE_RELATION) { /* a system catalog, which has no row type of its own here */
        const Relation *rel;
        TRY(relation_open(ps->env, rte->relid, LOCK_NONE, &rel, ps->err));
        TRY_MEM(*out = tupledesc_copy(ps->arena, rel->desc), ps->err);
        return ST_OK;
    }
    TRY_MEM(*out = tupledesc_new(ps->arena, n), ps->err);
    (*out)->row_type = TYPE_record;
    int i = 0;
    if (rte->rtekind == RTE_SUBQUERY) {
        LIST_EACH(TargetEntry *, te, rte->subquery->targetList) {
            if (te->resjunk || i >= n) continue;
            TRY(ps_type(ps, expr_type(te->expr), &type));
            attribute_set(&(*out)->atts[i], ((String *)list_at(rte->eref->colnames, i))->sval, type, expr_typmod(te->expr));
            i++;
        }
        return ST_OK;
    }
    for (i = 0; i < n; i++) {
        Oid oid = i < rte->coltypes.n ? (Oid)rte->coltypes.v[i] : TYPE_unknown;
        TRY(ps_type(ps, oid ? oid : TYPE_unknown, &type));
        attribute_set(&(*out)->atts[i], ((String *)list_at(rte->eref->colnames, i))->sval, type, i < rte->coltypmods.n ? (int32_t)rte->coltypmods.v[i] : -1);
    }
    return ST_OK;
}

static Status row_expr_shape(ParseState *ps, const RowExpr *row, TupleDesc **out)
{
    const TypeInfo *type;
    TRY_MEM(*out = tupledesc_new(ps->arena, list_len(row->args)), ps->err);
    (*out)->row_type = TYPE_record;
    for (int i = 0; i < list_len(row->args); i++) {
        const Node *arg = list_at(row->args, i);
        const char *name = i < list_len(row->colnames) ? ((String *)list_at(row->colnames, i))->sval : arena_printf(ps->arena, "f%d", i + 1);
        TRY(ps_type(ps, expr_type(arg), &type));
        attribute_set(&(*out)->atts[i], name, type, expr_typmod(arg));
    }
    return ST_OK;
}

Status row_shape(ParseState *ps, const Node *expr, TupleDesc **out)
{
    *out = NULL;
    TRY(stack_check(ps->err));
    if (IsA(expr, RowExpr) && ((const RowExpr *)expr)->row_typeid == TYPE_record) return row_expr_shape(ps, (const RowExpr *)expr, out);
    if (IsA(expr, Var) && expr_type(expr) == TYPE_record) {
        const Var *v = (const Var *)expr;
        RangeTblEntry *rte = ps_rte(ps, v->varno, v->varlevelsup);
        if (v->varattno == 0) return rte_shape(ps, rte, out);
        if (rte->rtekind == RTE_SUBQUERY && v->varattno > 0 && v->varattno <= list_len(rte->subquery->targetList)) {
            ParseState inner = ps_child(ps);
            inner.rtable = rte->subquery->rtable;
            const Node *e = ((TargetEntry *)list_at(rte->subquery->targetList, v->varattno - 1))->expr;
            return row_shape(&inner, e, out);
        }
        return ST_OK;
    }
    return function_row_shape(ps, expr, out);
}

Status select_field(ParseState *ps, Node *row, const char *name, int location, Node **out)
{
    TupleDesc *desc;
    FieldSelect *f;
    *out = NULL;
    if (IsA(row, Var) && ((Var *)row)->varattno == 0) { /* of a whole-row reference: the column itself */
        const Var *v = (const Var *)row;
        ParseState *level = ps;
        for (int i = 0; i < v->varlevelsup; i++) level = level->parent;
        for (int i = 0; i < level->ns.len; i++) {
            NsItem *item = level->ns.v[i];
            if (item->rtindex == v->varno) return ns_column(ps, item, v->varlevelsup, name, location, out);
        }
    }
    TRY(row_shape(ps, row, &desc));
    for (int i = 0; desc && i < desc->natts; i++) {
        const Attribute *a = &desc->atts[i];
        if (a->dropped || strcmp(a->name, name)) continue;
        if (IsA(row, RowExpr) && i < list_len(((RowExpr *)row)->args) && ((RowExpr *)row)->row_typeid == TYPE_record) {
            *out = list_at(((RowExpr *)row)->args, i);
            return ST_OK;
        }
        PS_NEW(f, FieldSelect, ps);
        *f = (FieldSelect){.tag = T_FieldSelect, .arg = row, .fieldnum = i + 1, .resulttype = a->type, .resulttypmod = a->typmod, .resultcollid = a->collation};
        *out = (Node *)f;
        return ST_OK;
    }
    return ST_OK;
}

static Status no_field(ParseState *ps, Node *row, const char *name, int location)
{
    Oid type = expr_type(row);
    const TypeInfo *t = catalog_type(ps->env, type_base_of(ps->env, type, &(int32_t){-1}));
    if (IsA(row, Var) && ((Var *)row)->varattno == 0) {
        const Var *v = (const Var *)row;
        return PS_ERROR(ps, location, ERR_UNDEFINED_COLUMN, "column %s.%s does not exist", ps_rte(ps, v->varno, v->varlevelsup)->eref->aliasname, name);
    }
    if (type == TYPE_record) return PS_ERROR(ps, location, ERR_UNDEFINED_COLUMN, "could not identify column \"%s\" in record data type", name);
    if (t && t->typtype == 'c')
        return PS_ERROR(ps, location, ERR_UNDEFINED_COLUMN, "column \"%s\" not found in data type %s", name, ps_type_name(ps, type));
    return PS_ERROR(ps, location, ERR_WRONG_OBJECT_TYPE, "column notation .%s applied to type %s, which is not a composite type", name, ps_type_name(ps, type));
}

Status transform_indirection(ParseState *ps, Node *base, PbNode **items, size_t n, int location, Node **out)
{
    PgQuery__AIndices *subscripts[16];
    int ns = 0;
    for (size_t i = 0; i < n; i++) {
        if (PB_IS(items[i], A_INDICES)) {
            if (ns == 6) return error_set(ps->err, ERR_PROGRAM_LIMIT_EXCEEDED, "number of array dimensions (%d) exceeds the maximum allowed (%d)", 7, 6);
            subscripts[ns++] = items[i]->a_indices;
            continue;
        }
        if (PB_IS(items[i], A_STAR)) return PS_ERROR(ps, location, ERR_FEATURE_NOT_SUPPORTED, "row expansion via \"*\" is not supported here");
        if (ns) TRY(make_subscript(ps, base, expr_type(base), expr_typmod(base), subscripts, ns, NULL, location, &base));
        ns = 0;
        Node *field;
        TRY(select_field(ps, base, pb_string(items[i]), location, &field));
        if (!field) TRY(function_of_row(ps, base, items[i], location, &field));
        if (!field) return no_field(ps, base, pb_string(items[i]), location);
        base = field;
    }
    if (ns) TRY(make_subscript(ps, base, expr_type(base), expr_typmod(base), subscripts, ns, NULL, location, &base));
    *out = base;
    return ST_OK;
}
