/* INSERT. The target list that leaves here is complete: one entry per column of the table in order, defaults, identity values and nulls filled in. */
#include "parser/parse_state.h"

typedef struct InsertTarget { const char *name; int attno, location; PbNode **indirection; size_t nind; } InsertTarget;
typedef struct Targets { InsertTarget *v; int n; bool given; } Targets;

Status null_for_column(ParseState *ps, const Attribute *att, Node **out)
{
    int32_t typmod = att->typmod;
    Oid oid = att->dropped ? TYPE_int4 : att->type, base = type_base_of(ps->env, oid, &typmod);
    const TypeInfo *type;
    TRY(ps_type(ps, base, &type));
    Const *c = make_const(ps->arena, type, base == oid ? att->typmod : typmod, 0, true);
    TRY_MEM(c, ps->err);
    *out = (Node *)c;
    if (base == oid) return ST_OK;
    return coerce_type(ps, *out, base, oid, att->typmod, COERCION_IMPLICIT, COERCE_IMPLICIT_CAST, -1, out);
}

Status column_default(ParseState *ps, const Relation *rel, int attno, Node **out)
{
    const ColumnInfo *ci = &rel->columns[attno - 1];
    *out = NULL;
    if (ci->identity) {
        NextValueExpr *n;
        PS_NEW(n, NextValueExpr, ps);
        n->seqid = ci->owned_sequence;
        n->typeId = rel->desc->atts[attno - 1].type;
        *out = (Node *)n;
        return ST_OK;
    }
    if (!ci->default_expr || ci->generated) return ST_OK;
    TRY_MEM(*out = node_copy(ci->default_expr, ps->arena), ps->err);
    return ST_OK;
}

static Status default_or_null(ParseState *ps, int attno, Node **out)
{
    TRY(column_default(ps, ps->target_rel, attno, out));
    return *out ? ST_OK : null_for_column(ps, &ps->target_rel->desc->atts[attno - 1], out);
}

static Status target_columns(ParseState *ps, const PgQuery__InsertStmt *s, Targets *t)
{
    const Relation *rel = ps->target_rel;
    int max = s->n_cols ? (int)s->n_cols : rel->desc->natts;
    TRY_NEW_N(t->v, ps->arena, max + 1, ps->err);
    t->given = s->n_cols > 0;
    if (!t->given) {
        for (int i = 0; i < rel->desc->natts; i++)
            if (!rel->desc->atts[i].dropped) t->v[t->n++] = (InsertTarget){rel->desc->atts[i].name, i + 1, -1, NULL, 0};
        return ST_OK;
    }
    for (size_t i = 0; i < s->n_cols; i++) {
        const PgQuery__ResTarget *r = s->cols[i]->res_target;
        int attno = relation_find_column(rel, r->name);
        if (attno == 0) return PS_ERROR(ps, r->location, ERR_UNDEFINED_COLUMN, "column \"%s\" of relation \"%s\" does not exist", r->name, rel->name);
        if (attno < 0) return PS_ERROR(ps, r->location, ERR_FEATURE_NOT_SUPPORTED, "cannot assign to system column \"%s\"", r->name);
        for (int k = 0; k < t->n; k++) {
            bool whole = r->n_indirection == 0 || t->v[k].nind == 0;
            if (t->v[k].attno == attno && whole)
                return PS_ERROR(ps, r->location, ERR_DUPLICATE_COLUMN, "column \"%s\" specified more than once", r->name);
        }
        t->v[t->n++] = (InsertTarget){r->name, attno, r->location, r->indirection, r->n_indirection};
    }
    return ST_OK;
}

/* One row's expressions, coerced to the columns. */
static Status insert_row(ParseState *ps, const Targets *t, List *exprs, const char *what_place, List **out)
{
    int n = list_len(exprs);
    *out = NULL;
    if (n > t->n) return PS_ERROR(ps, expr_location(list_at(exprs, t->n)), ERR_SYNTAX_ERROR, "INSERT has more expressions than target columns");
    if (t->given && n < t->n) {
        PS_ERROR(ps, t->v[n].location, ERR_SYNTAX_ERROR, "INSERT has more target columns than expressions");
        const RowExpr *row = n == 1 ? list_first(exprs) : NULL;
        if (IsA(row, RowExpr) && list_len(row->args) == t->n)
            return error_hint(ps->err, "The insertion source is a row expression containing the same number of columns expected by the INSERT. Did you "
                                       "accidentally use extra parentheses?");
        return ST_FAILED;
    }
    for (int i = 0; i < n; i++) {
        Node *e;
        const InsertTarget *c = &t->v[i];
        int location = expr_location(list_at(exprs, i));
        TRY(transform_assigned(ps, list_at(exprs, i), PLACE_INSERT_TARGET, c->name, c->attno, c->indirection, c->nind, location >= 0 ? location : c->location, &e));
        PS_APPEND(*out, ps, e);
    }
    return ST_OK;
}

/* What an explicit value means for an identity or generated column. *use_default: the value is to be replaced. */
static Status check_override(ParseState *ps, OverridingKind over, int attno, bool is_default, bool *use_default)
{
    const ColumnInfo *ci = &ps->target_rel->columns[attno - 1];
    const char *name = ps->target_rel->desc->atts[attno - 1].name;
    *use_default = is_default;
    if (ci->identity && over == OVERRIDING_USER_VALUE) *use_default = true;
    if (*use_default) return ST_OK;
    if (ci->identity == 'a' && over != OVERRIDING_SYSTEM_VALUE) {
        error_set(ps->err, ERR_GENERATED_ALWAYS, "cannot insert a non-DEFAULT value into column \"%s\"", name);
        error_detail(ps->err, "Column \"%s\" is an identity column defined as GENERATED ALWAYS.", name);
        return error_hint(ps->err, "Use OVERRIDING SYSTEM VALUE to override.");
    }
    if (ci->generated) {
        error_set(ps->err, ERR_GENERATED_ALWAYS, "cannot insert a non-DEFAULT value into column \"%s\"", name);
        return error_detail(ps->err, "Column \"%s\" is a generated column.", name);
    }
    return ST_OK;
}

static Status resolve_row_defaults(ParseState *ps, OverridingKind over, const Targets *t, List *row)
{
    for (int i = 0; i < list_len(row); i++) {
        bool use_default;
        TRY(check_override(ps, over, t->v[i].attno, IsA(list_at(row, i), SetToDefault), &use_default));
        if (use_default) TRY(default_or_null(ps, t->v[i].attno, (Node **)&row->items[i]));
    }
    return ST_OK;
}

static Status source_select(ParseState *ps, const PgQuery__InsertStmt *s, List **exprs)
{
    Query *q;
    NsItem *item;
    PgQuery__Alias alias = PG_QUERY__ALIAS__INIT;
    alias.aliasname = (char *)(uintptr_t)"*SELECT*";
    ParseState sub = ps_child(ps);
    sub.resolve_unknowns = false;
    sub.ctes = (PtrVec){0};
    TRY(transform_stmt(&sub, s->select_stmt, &q));
    if (q->commandType != CMD_SELECT) return error_set(ps->err, ERR_INTERNAL_ERROR, "unexpected non-SELECT command in INSERT ... SELECT");
    TRY(rte_subquery(ps, q, &alias, false, false, -1, &item));
    TRY(ps_add_item(ps, item, true, false, false));
    int col = 0;
    LIST_EACH(TargetEntry *, te, q->targetList) {
        Node *e = te->expr;
        if (te->resjunk) continue;
        if (!((IsA(e, Const) || IsA(e, Param)) && expr_type(e) == TYPE_unknown)) {
            Var *v = make_var(ps->arena, item->rtindex, te->resno, expr_type(e), expr_typmod(e), expr_collation(e), 0);
            TRY_MEM(v, ps->err);
            v->location = expr_location(te->expr);
            e = (Node *)v;
        }
        col++;
        PS_APPEND(*exprs, ps, e);
    }
    return ST_OK;
}

static Status source_rows(ParseState *ps, const PgQuery__SelectStmt *values, const Targets *t, OverridingKind over, List **exprs)
{
    List *rows = NULL;
    NsItem *item;
    int width = -1;
    for (size_t i = 0; i < values->n_values_lists; i++) {
        const PgQuery__List *raw = values->values_lists[i]->list;
        List *row;
        TRY(transform_exprs(ps, raw->items, raw->n_items, PLACE_VALUES, &row));
        if (width < 0) width = list_len(row);
        if (list_len(row) != width)
            return PS_ERROR(ps, pb_location(values->values_lists[i]), ERR_SYNTAX_ERROR, "VALUES lists must all be the same length");
        TRY(insert_row(ps, t, row, "VALUES", &row));
        TRY(resolve_row_defaults(ps, over, t, row));
        TRY(assign_collations(ps, (Node *)row));
        PS_APPEND(rows, ps, row);
    }
    TRY(rte_values(ps, rows, NULL, false, true, &item));
    for (int c = 0; c < item->ncols; c++) { /* stored types are the columns'; defaults may lack the typmod */
        List *column = NULL;
        LIST_EACH(List *, r, rows) PS_APPEND(column, ps, list_at(r, c));
        item->cols[c].typmod = select_common_typmod(column, item->cols[c].type);
        item->rte->coltypmods.v[c] = item->cols[c].typmod;
    }
    TRY(ps_add_item(ps, item, true, false, false));
    return ns_expand(ps, item, 0, -1, exprs, NULL);
}

/* Assignments to parts of one column (a[1], a[2]) build on each other: the innermost base of `later` becomes `earlier`. */
static Status chain_assignment(ParseState *ps, Node *earlier, Node *later, const char *column, Node **out)
{
    Node *n = later;
    *out = later;
    for (;;) {
        while (IsA(n, CoerceToDomain)) n = ((CoerceToDomain *)n)->arg;
        Node **base = IsA(n, SubscriptingRef) && ((SubscriptingRef *)n)->refassgnexpr ? &((SubscriptingRef *)n)->refexpr
            : IsA(n, FieldStore) ? &((FieldStore *)n)->arg : NULL;
        if (!base || !(IsA(earlier, SubscriptingRef) || IsA(earlier, FieldStore) || IsA(earlier, CoerceToDomain)))
            return error_set(ps->err, ERR_SYNTAX_ERROR, "multiple assignments to same column \"%s\"", column);
        *base = earlier;
        return ST_OK;
    }
}

static Status full_target_list(ParseState *ps, Query *q, const Targets *t, List *exprs, OverridingKind over, bool checked)
{
    const TupleDesc *desc = ps->target_rel->desc;
    Node **value;
    TRY_NEW_N(value, ps->arena, desc->natts + 1, ps->err);
    for (int i = 0; i < list_len(exprs); i++) {
        Node *e = list_at(exprs, i);
        int attno = t->v[i].attno;
        bool use_default = false;
        if (!checked || ps->target_rel->columns[attno - 1].identity == 0) {
            if (!checked) TRY(check_override(ps, over, attno, IsA(e, SetToDefault), &use_default));
        }
        if (use_default) continue;
        if (value[attno - 1]) TRY(chain_assignment(ps, value[attno - 1], e, t->v[i].name, &e));
        value[attno - 1] = e;
        RangeTblEntry *rte = ps->target->rte;
        TRY_MEM(rte->insertedCols = bitset_add(rte->insertedCols, ps->arena, attno + 8), ps->err);
    }
    for (int i = 0; i < desc->natts; i++) {
        const Attribute *a = &desc->atts[i];
        if (!value[i] && a->dropped) TRY(null_for_column(ps, a, &value[i]));
        if (!value[i]) TRY(default_or_null(ps, i + 1, &value[i]));
        char *name = arena_strdup(ps->arena, a->name ? a->name : "");
        TRY_MEM(name, ps->err);
        TargetEntry *te = make_target_entry(ps->arena, value[i], i + 1, name, false);
        TRY_MEM(te, ps->err);
        PS_APPEND(q->targetList, ps, te);
    }
    return ST_OK;
}

Status transform_returning(ParseState *ps, PbNode **items, size_t n, List **out)
{
    int resno = ps->next_resno;
    *out = NULL;
    if (n == 0) return ST_OK;
    ps->next_resno = 1;
    TRY(transform_target_list(ps, items, n, PLACE_RETURNING, out));
    if (!*out) return PS_ERROR(ps, pb_location(items[0]), ERR_SYNTAX_ERROR, "RETURNING must have at least one column");
    mark_target_origins(ps, *out);
    if (ps->resolve_unknowns) TRY(resolve_target_unknowns(ps, *out));
    ps->next_resno = resno;
    return ST_OK;
}

/* ON CONFLICT ------------------------------------------------------------------------------------------------------------------------ */

static Status arbiter(ParseState *ps, const PgQuery__InferClause *inf, OnConflictExpr *oc)
{
    const Relation *rel = ps->target_rel;
    for (size_t i = 0; i < inf->n_index_elems; i++) {
        const PgQuery__IndexElem *ie = inf->index_elems[i]->index_elem;
        Node *e;
        if (ie->ordering > PG_QUERY__SORT_BY_DIR__SORTBY_DEFAULT)
            return PS_ERROR(ps, inf->location, ERR_INVALID_COLUMN_REFERENCE, "ASC/DESC is not allowed in ON CONFLICT clause");
        if (ie->nulls_ordering > PG_QUERY__SORT_BY_NULLS__SORTBY_NULLS_DEFAULT)
            return PS_ERROR(ps, inf->location, ERR_INVALID_COLUMN_REFERENCE, "NULLS FIRST/LAST is not allowed in ON CONFLICT clause");
        if (ie->expr) {
            TRY(transform_expr(ps, ie->expr, PLACE_INDEX_EXPRESSION, &e));
        } else {
            TRY(ns_unqualified_column(ps, ie->name, inf->location, true, &e));
            if (!e) return ps_missing_column(ps, NULL, ie->name, inf->location);
        }
        TRY(assign_collations(ps, e));
        PS_APPEND(oc->arbiterElems, ps, e);
    }
    TRY(transform_where(ps, inf->where_clause, PLACE_INDEX_PREDICATE, "WHERE", &oc->arbiterWhere));
    if (oc->arbiterWhere) TRY(assign_collations(ps, oc->arbiterWhere));
    if (!pb_text(inf->conname)) return ST_OK;
    for (int i = 0; i < rel->nconstraints; i++)
        if (!strcmp(rel->constraints[i].name, inf->conname)) oc->constraint = rel->constraints[i].oid;
    if (oc->constraint) return ST_OK;
    return error_set(ps->err, ERR_UNDEFINED_OBJECT, "constraint \"%s\" for table \"%s\" does not exist", inf->conname, rel->name);
}

static Status transform_on_conflict(ParseState *ps, const PgQuery__OnConflictClause *c, Query *q)
{
    OnConflictExpr *oc;
    PS_NEW(oc, OnConflictExpr, ps);
    q->onConflict = oc;
    oc->action = c->action == PG_QUERY__ON_CONFLICT_ACTION__ONCONFLICT_UPDATE ? ONCONFLICT_UPDATE : ONCONFLICT_NOTHING;
    if (oc->action == ONCONFLICT_UPDATE && !c->infer) {
        PS_ERROR(ps, c->location, ERR_SYNTAX_ERROR, "ON CONFLICT DO UPDATE requires inference specification or constraint name");
        return error_hint(ps->err, "For example, ON CONFLICT (column_name).");
    }
    PtrVec saved = ps->ns;
    ps->ns = (PtrVec){0};
    TRY(ps_add_item(ps, ps->target, false, true, true));
    if (c->infer) TRY(arbiter(ps, c->infer, oc));
    if (oc->action == ONCONFLICT_UPDATE) {
        NsItem *excluded;
        PgQuery__Alias alias = PG_QUERY__ALIAS__INIT;
        alias.aliasname = (char *)(uintptr_t)"excluded";
        TRY(rte_relation(ps, ps->target_rel, &alias, false, false, LOCK_ROW_EXCLUSIVE, &excluded));
        excluded->rte->relkind = RELKIND_COMPOSITE;
        excluded->rte->requiredPerms = 0;
        oc->exclRelIndex = excluded->rtindex;
        TRY(ps_add_item(ps, excluded, false, true, true));
        ps->is_insert = false;
        TRY(transform_update_targets(ps, c->target_list, c->n_target_list, &oc->onConflictSet));
        TRY(transform_where(ps, c->where_clause, PLACE_WHERE, "WHERE", &oc->onConflictWhere));
        ps->is_insert = true;
    }
    ps->ns = saved;
    return ST_OK;
}

Status transform_insert(ParseState *ps, const PgQuery__InsertStmt *s, Query **out)
{
    Query *q;
    Targets t = {0};
    List *exprs = NULL;
    bool update = s->on_conflict_clause && s->on_conflict_clause->action == PG_QUERY__ON_CONFLICT_ACTION__ONCONFLICT_UPDATE, checked = false;
    PS_NEW(q, Query, ps);
    q->commandType = CMD_INSERT;
    q->canSetTag = true;
    q->override = s->override ? (OverridingKind)(s->override - 1) : OVERRIDING_NOT_SET;
    ps->is_insert = true;
    if (s->with_clause) TRY(transform_with(ps, s->with_clause, q));
    TRY(set_target_relation(ps, s->relation, update ? 1 | 4 : 1, false));
    q->resultRelation = ps->target->rtindex;
    TRY(target_columns(ps, s, &t));
    const PgQuery__SelectStmt *v = s->select_stmt ? s->select_stmt->select_stmt : NULL;
    bool plain_values = v && v->n_values_lists && !v->n_sort_clause && !v->limit_offset && !v->limit_count && !v->n_locking_clause && !v->with_clause;
    if (plain_values && v->n_values_lists > 1) {
        TRY(source_rows(ps, v, &t, q->override, &exprs));
        checked = true;
    } else if (plain_values) {
        const PgQuery__List *row = v->values_lists[0]->list;
        TRY(transform_exprs(ps, row->items, row->n_items, PLACE_VALUES_SINGLE, &exprs));
        TRY(insert_row(ps, &t, exprs, "VALUES", &exprs));
    } else if (v) {
        TRY(source_select(ps, s, &exprs));
        TRY(insert_row(ps, &t, exprs, "SELECT", &exprs));
    }
    TRY(full_target_list(ps, q, &t, exprs, q->override, checked));
    if (s->on_conflict_clause) TRY(transform_on_conflict(ps, s->on_conflict_clause, q));
    if (s->n_returning_list) {
        ps->ns = (PtrVec){0};
        TRY(ps_add_item(ps, ps->target, false, true, true));
        TRY(transform_returning(ps, s->returning_list, s->n_returning_list, &q->returningList));
    }
    *out = q;
    return finish_query(ps, q, NULL);
}
