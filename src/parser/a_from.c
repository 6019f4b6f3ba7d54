/* FROM: tables, subqueries, functions, joins (manual 7.2.1). */
#include "parser/parse_state.h"

static Status from_item(ParseState *ps, const PbNode *n, Node **out, NsItem **top, PtrVec *ns);

static Status table_ref(ParseState *ps, const PgQuery__RangeVar *rv, NsItem **out)
{
    const Relation *rel;
    int levels_up;
    CommonTableExpr *cte = pb_text(rv->schemaname) ? NULL : ps_find_cte(ps, rv->relname, &levels_up);
    if (cte) return rte_cte(ps, cte, levels_up, rv, out);
    LockMode lock = LOCK_ACCESS_SHARE; /* FOR UPDATE: the stronger one at once, as an upgrade could deadlock */
    const char *name = rv->alias ? rv->alias->aliasname : rv->relname;
    if (ps->locked_from_parent && ps->locked_from_parent->n_locked_rels == 0) lock = LOCK_ROW_SHARE;
    for (int i = 0; i < ps->locking.len; i++) {
        const PgQuery__LockingClause *lc = ps->locking.v[i];
        if (lc->n_locked_rels == 0) lock = LOCK_ROW_SHARE;
        for (size_t k = 0; k < lc->n_locked_rels; k++)
            if (!strcmp(lc->locked_rels[k]->range_var->relname, name)) lock = LOCK_ROW_SHARE;
    }
    TRY(ps_open_table(ps, rv, lock, &rel));
    TRY_AT(ps, rv->location, rte_relation(ps, rel, rv->alias, rv->inh, true, lock, out));
    return ST_OK;
}

static const PgQuery__LockingClause *locks_subquery(ParseState *ps, const PgQuery__Alias *alias)
{
    for (int i = 0; i < ps->locking.len; i++) {
        const PgQuery__LockingClause *lc = ps->locking.v[i];
        if (lc->n_locked_rels == 0) return lc;
        for (size_t k = 0; alias && k < lc->n_locked_rels; k++)
            if (!strcmp(lc->locked_rels[k]->range_var->relname, alias->aliasname)) {
                return lc;
            }
    }
    return ps->locked_from_parent;
}

static Status subselect(ParseState *ps, const PgQuery__RangeSubselect *r, NsItem **out)
{
    Query *q;
    ExprPlace place = ps->place;
    ps->place = PLACE_FROM_SUBSELECT;
    ps->lateral_active = r->lateral;
    Status st = analyze_sub_statement(ps, r->subquery, NULL, locks_subquery(ps, r->alias), true, &q);
    ps->lateral_active = false;
    ps->place = place;
    TRY(st);
    if (q->commandType != CMD_SELECT) return error_set(ps->err, ERR_INTERNAL_ERROR, "unexpected non-SELECT command in subquery in FROM");
    return rte_subquery(ps, q, r->alias, r->lateral, true, -1, out);
}

/* Functions -------------------------------------------------------------------------------------------------------------------------- */

typedef struct FuncColumns { List *names; IntArray types, typmods, collations; } FuncColumns;

static Status add_column(ParseState *ps, FuncColumns *fc, const char *name, Oid type, int32_t typmod, Oid collation)
{
    String *s;
    PS_NEW(s, String, ps);
    TRY_MEM(s->sval = arena_strdup(ps->arena, name), ps->err);
    PS_APPEND(fc->names, ps, s);
    PS_INT(&fc->types, ps, type);
    PS_INT(&fc->typmods, ps, typmod);
    PS_INT(&fc->collations, ps, collation);
    return ST_OK;
}

/* f(...) AS (a int, b text) */
static Status declared_columns(ParseState *ps, PbNode **defs, size_t n, RangeTblFunction *rf, FuncColumns *fc)
{
    for (size_t i = 0; i < n; i++) {
        const PgQuery__ColumnDef *cd = defs[i]->column_def;
        Oid type, collation;
        int32_t typmod;
        TRY(ps_resolve_type(ps, cd->type_name, &type, &typmod));
        if (cd->type_name->setof)
            return PS_ERROR(ps, cd->location, ERR_INVALID_TABLE_DEFINITION, "column \"%s\" cannot be declared SETOF", cd->colname);
        collation = ps_collation(ps, type);
        if (cd->coll_clause)
            TRY(ps_resolve_collation(ps, cd->coll_clause->collname, cd->coll_clause->n_collname, cd->coll_clause->location, &collation));
        TRY(add_column(ps, fc, cd->colname, type, typmod, collation));
        PS_INT(&rf->funccoltypes, ps, type);
        PS_INT(&rf->funccoltypmods, ps, typmod);
        PS_INT(&rf->funccolcollations, ps, collation);
    }
    return ps_string_list(ps, NULL, 0, &rf->funccolnames);
}

static Status one_function(ParseState *ps, const PbNode *raw, PbNode **defs, size_t ndefs, const char *alias, bool only, FuncColumns *fc, RangeTblFunction **out)
{
    RangeTblFunction *rf;
    TupleDesc *desc;
    int before = list_len(fc->names), location = pb_location(raw);
    PS_NEW(rf, RangeTblFunction, ps);
    ps->last_srf = NULL;
    TRY(transform_expr(ps, raw, PLACE_FROM_FUNCTION, &rf->funcexpr));
    TRY(assign_collations(ps, rf->funcexpr));
    Oid type = expr_type(rf->funcexpr);
    TRY(function_row_shape(ps, rf->funcexpr, &desc));
    bool anonymous = type == TYPE_record && !desc;
    if (ndefs && !anonymous)
        return PS_ERROR(ps, pb_location(defs[0]), ERR_SYNTAX_ERROR, desc && type == TYPE_record
                            ? "a column definition list is redundant for a function with OUT parameters"
                            : desc ? "a column definition list is redundant for a function returning a named composite type"
                                   : "a column definition list is only allowed for functions returning \"record\"");
    if (anonymous && !ndefs)
        return PS_ERROR(ps, location, ERR_SYNTAX_ERROR, "a column definition list is required for functions returning \"record\"");
    if (ndefs) {
        TRY(declared_columns(ps, defs, ndefs, rf, fc));
        for (int i = before; i < list_len(fc->names); i++) PS_APPEND(rf->funccolnames, ps, list_at(fc->names, i));
    } else if (desc) {
        for (int i = 0; type == TYPE_record && i < desc->natts; i++) { /* OUT parameters: the executor takes the row's shape from here */
            PS_INT(&rf->funccoltypes, ps, desc->atts[i].type);
            PS_INT(&rf->funccoltypmods, ps, desc->atts[i].typmod);
            PS_INT(&rf->funccolcollations, ps, desc->atts[i].collation);
        }
        for (int i = 0; i < desc->natts; i++)
            TRY(add_column(ps, fc, desc->atts[i].dropped ? "" : desc->atts[i].name, desc->atts[i].type, desc->atts[i].typmod, desc->atts[i].collation));
    } else {
        const char *name = figure_column_name(ps, raw);
        if (IsA(rf->funcexpr, FuncExpr)) { /* a single OUT parameter names the column; otherwise the alias does */
            const ProcInfo *p = proc_by_oid(ps->env, ((FuncExpr *)rf->funcexpr)->funcid);
            for (int i = 0; p && p->names && i < p->nall; i++)
                if ((p->modes[i] == 'o' || p->modes[i] == 'b' || p->modes[i] == 't') && p->names[i] && *p->names[i]) { name = p->names[i]; alias = NULL; }
        }
        if (only && alias) name = alias;
        TRY(add_column(ps, fc, name, type, expr_typmod(rf->funcexpr), expr_collation(rf->funcexpr)));
    }
    rf->funccolcount = list_len(fc->names) - before;
    *out = rf;
    return ST_OK;
}

static bool unnest_of_many(const PbNode *n)
{
    if (!PB_IS(n, FUNC_CALL)) return false;
    const PgQuery__FuncCall *f = n->func_call;
    return f->n_funcname == 1 && !strcmp(pb_string(f->funcname[0]), "unnest") && f->n_args > 1 && !f->n_agg_order && !f->agg_filter && !f->over &&
        !f->agg_star && !f->agg_distinct && !f->func_variadic;
}

static Status rte_function(ParseState *ps, const PgQuery__RangeFunction *r, List *functions, FuncColumns *fc, NsItem **out)
{
    RangeTblEntry *rte;
    int rtindex;
    PS_NEW(rte, RangeTblEntry, ps);
    rte->rtekind = RTE_FUNCTION;
    rte->functions = functions;
    rte->funcordinality = r->ordinality;
    rte->inFromCl = true;
    rte->lateral = r->lateral || contains_vars_of_level((Node *)functions, 0);
    if (r->ordinality) TRY(add_column(ps, fc, "ordinality", TYPE_int8, -1, 0));
    TRY(ps_make_alias(ps, r->alias, &rte->alias));
    PS_NEW(rte->eref, Alias, ps);
    const PbNode *first = r->functions[0]->list->items[0];
    const char *name = rte->alias ? rte->alias->aliasname : figure_column_name(ps, first);
    TRY_MEM(rte->eref->aliasname = arena_strdup(ps->arena, name), ps->err);
    TRY_AT(ps, pb_location(first), ps_alias_columns(ps, rte->eref, rte->alias, fc->names, "table"));
    rte->coltypes = fc->types;
    rte->coltypmods = fc->typmods;
    rte->colcollations = fc->collations;
    TRY(ps_add_rte(ps, rte, &rtindex));
    return ns_item_from_rte(ps, rte, rtindex, out);
}

static Status range_function(ParseState *ps, const PgQuery__RangeFunction *r, NsItem **out)
{
    List *functions = NULL;
    FuncColumns fc = {0};
    RangeTblFunction *rf;
    const char *alias = r->alias ? r->alias->aliasname : NULL;
    bool only = r->n_functions == 1;
    ps->lateral_active = true;
    for (size_t i = 0; i < r->n_functions; i++) {
        const PgQuery__List *pair = r->functions[i]->list;
        const PbNode *raw = pair->items[0];
        PbNode **defs = r->coldeflist;
        size_t ndefs = r->n_coldeflist;
        if (ndefs && r->is_rowsfrom && r->n_functions > 1) {
            PS_ERROR(ps, pb_location(defs[0]), ERR_SYNTAX_ERROR, "ROWS FROM() with multiple functions cannot have a column definition list");
            return error_hint(ps->err, "Put a separate column definition list for each function inside ROWS FROM().");
        }
        if (ndefs && r->ordinality) {
            PS_ERROR(ps, pb_location(defs[0]), ERR_SYNTAX_ERROR, "WITH ORDINALITY cannot be used with a column definition list");
            return error_hint(ps->err, "Put the column definition list inside ROWS FROM().");
        }
        if (pair->n_items > 1 && PB_IS(pair->items[1], LIST)) {
            defs = pair->items[1]->list->items;
            ndefs = pair->items[1]->list->n_items;
        }
        if (unnest_of_many(raw)) { /* unnest(a, b) is ROWS FROM (unnest(a), unnest(b)) */
            only = false;
            for (size_t a = 0; a < raw->func_call->n_args; a++) {
                PgQuery__FuncCall *call = arena_memdup(ps->arena, raw->func_call, sizeof *call);
                PbNode *node = arena_memdup(ps->arena, raw, sizeof *node);
                if (!call || !node) return error_out_of_memory(ps->err, sizeof *call);
                call->args = &raw->func_call->args[a];
                call->n_args = 1;
                node->func_call = call;
                TRY(one_function(ps, node, NULL, 0, NULL, false, &fc, &rf));
                PS_APPEND(functions, ps, rf);
            }
            continue;
        }
        TRY(one_function(ps, raw, defs, ndefs, alias, only && !r->is_rowsfrom ? true : only, &fc, &rf));
        PS_APPEND(functions, ps, rf);
    }
    ps->lateral_active = false;
    return rte_function(ps, r, functions, &fc, out);
}

/* Joins ------------------------------------------------------------------------------------------------------------------------------ */

typedef struct JoinCols { List *names, *vars; IntArray left, right; NsColumn *cols; int n; } JoinCols;

static int column_index(const NsItem *item, const char *name, bool *twice)
{
    int found = -1;
    *twice = false;
    for (int i = 0; i < item->ncols; i++) {
        if (!item->cols[i].name || strcmp(item->cols[i].name, name)) continue;
        *twice |= found >= 0;
        if (found < 0) found = i;
    }
    return found;
}

static Status natural_columns(ParseState *ps, const NsItem *l, const NsItem *r, List **out)
{
    bool twice;
    *out = NULL;
    for (int i = 0; i < l->ncols; i++) {
        if (!l->cols[i].name || column_index(r, l->cols[i].name, &twice) < 0) continue;
        String *s;
        PS_NEW(s, String, ps);
        s->sval = (char *)(uintptr_t)l->cols[i].name;
        PS_APPEND(*out, ps, s);
    }
    return ST_OK;
}

static Status using_index(ParseState *ps, const NsItem *item, const char *name, const char *side, int *out)
{
    bool twice;
    *out = column_index(item, name, &twice);
    if (twice) return error_set(ps->err, ERR_AMBIGUOUS_COLUMN, "common column name \"%s\" appears more than once in %s table", name, side);
    if (*out < 0) return error_set(ps->err, ERR_UNDEFINED_COLUMN, "column \"%s\" specified in USING clause does not exist in %s table", name, side);
    return ST_OK;
}

static Status plain_var(ParseState *ps, NsItem *item, int col, Node **out)
{
    const NsColumn *c = &item->cols[col];
    Var *v = make_var(ps->arena, c->varno, c->attno, c->type, c->typmod, c->collation, 0);
    TRY_MEM(v, ps->err);
    *out = (Node *)v;
    return ST_OK;
}

/* The merged column of USING: the side that is not null-extended, or COALESCE for FULL. */
static Status merge_column(ParseState *ps, JoinType jt, Node *l, Node *r, Node **out)
{
    List *both = NULL;
    Oid type;
    int32_t typmod = -1;
    Node *nodes[2] = {l, r};
    PS_APPEND(both, ps, l);
    PS_APPEND(both, ps, r);
    TRY(select_common_type(ps, both, "JOIN/USING", NULL, &type));
    typmod = select_common_typmod(both, type);
    for (int i = 0; i < 2; i++) {
        if (expr_type(nodes[i]) != type)
            TRY(coerce_type(ps, nodes[i], expr_type(nodes[i]), type, typmod, COERCION_IMPLICIT, COERCE_IMPLICIT_CAST, -1, &nodes[i]));
        else if (expr_typmod(nodes[i]) != typmod) {
            RelabelType *rl;
            PS_NEW(rl, RelabelType, ps);
            *rl = (RelabelType){.tag = T_RelabelType, .arg = nodes[i], .resulttype = type, .resulttypmod = typmod, .resultcollid = ps_collation(ps, type),
                                .relabelformat = COERCE_IMPLICIT_CAST, .location = -1};
            nodes[i] = (Node *)rl;
        }
    }
    if (jt == JOIN_RIGHT) { *out = nodes[1]; return ST_OK; }
    if (jt == JOIN_INNER) { *out = IsA(nodes[0], Var) || !IsA(nodes[1], Var) ? nodes[0] : nodes[1]; return ST_OK; }
    if (jt != JOIN_FULL) { *out = nodes[0]; return ST_OK; }
    CoalesceExpr *c;
    PS_NEW(c, CoalesceExpr, ps);
    *c = (CoalesceExpr){.tag = T_CoalesceExpr, .coalescetype = type, .coalescecollid = ps_collation(ps, type), .location = -1};
    PS_APPEND(c->args, ps, nodes[0]);
    PS_APPEND(c->args, ps, nodes[1]);
    *out = (Node *)c;
    return ST_OK;
}

static Status join_column(ParseState *ps, JoinCols *j, const char *name, Node *var, int left, int right)
{
    String *s;
    PS_NEW(s, String, ps);
    s->sval = (char *)(uintptr_t)(name ? name : "");
    PS_APPEND(j->names, ps, s);
    PS_APPEND(j->vars, ps, var);
    PS_INT(&j->left, ps, left);
    PS_INT(&j->right, ps, right);
    const Var *v = (const Var *)var;
    j->cols[j->n++] = (NsColumn){name, IsA(v, Var) ? v->varno : 0, IsA(v, Var) ? v->varattno : 0, expr_type(var), expr_typmod(var), expr_collation(var)};
    return ST_OK;
}

static Status join_using(ParseState *ps, JoinType jt, NsItem *l, NsItem *r, List *names, JoinCols *j, bool *lused, bool *rused, Node **quals)
{
    List *tests = NULL;
    LIST_EACH(String *, s, names) {
        int li, ri;
        Node *lv, *rv, *lm, *rm, *test, *merged;
        LIST_EACH(String *, seen, j->names)
            if (!strcmp(seen->sval, s->sval)) return error_set(ps->err, ERR_DUPLICATE_COLUMN, "column name \"%s\" appears more than once in USING clause", s->sval);
        TRY(using_index(ps, l, s->sval, "left", &li));
        TRY(using_index(ps, r, s->sval, "right", &ri));
        TRY(plain_var(ps, l, li, &lv));
        TRY(plain_var(ps, r, ri, &rv));
        ps_mark_select(ps, ps_rte(ps, l->cols[li].varno, 0), l->cols[li].attno);
        ps_mark_select(ps, ps_rte(ps, r->cols[ri].varno, 0), r->cols[ri].attno);
        TRY(plain_var(ps, l, li, &lm));
        TRY(plain_var(ps, r, ri, &rm));
        TRY(merge_column(ps, jt, lm, rm, &merged));
        TRY(make_op(ps, NULL, "=", lv, rv, -1, &test));
        TRY(coerce_boolean(ps, test, "JOIN/ON", &test));
        PS_APPEND(tests, ps, test);
        TRY(join_column(ps, j, s->sval, merged, li + 1, ri + 1));
        lused[li] = rused[ri] = true;
    }
    if (list_len(tests) == 1) { *quals = list_first(tests); return ST_OK; }
    if (!tests) return ST_OK;
    BoolExpr *b;
    PS_NEW(b, BoolExpr, ps);
    *b = (BoolExpr){.tag = T_BoolExpr, .boolop = AND_EXPR, .args = tests, .location = -1};
    *quals = (Node *)b;
    return ST_OK;
}

static Status other_columns(ParseState *ps, NsItem *item, const bool *used, bool left, JoinCols *j)
{
    for (int i = 0; i < item->ncols; i++) {
        Node *v;
        if (used[i] || !item->cols[i].name) continue;
        TRY(plain_var(ps, item, i, &v));
        TRY(join_column(ps, j, item->cols[i].name, v, left ? i + 1 : 0, left ? 0 : i + 1));
    }
    return ST_OK;
}

/* ON sees both sides and nothing else of this FROM. */
static Status join_on(ParseState *ps, const PbNode *raw, PtrVec *both, Node **out)
{
    PtrVec saved = ps->ns;
    for (int i = 0; i < both->len; i++) {
        NsItem *item = both->v[i];
        item->lateral_only = false;
        item->lateral_ok = true;
    }
    ps->ns = *both;
    Status st = transform_where(ps, raw, PLACE_JOIN_ON, "JOIN/ON", out);
    ps->ns = saved;
    return st;
}

static Status rte_join(ParseState *ps, const PgQuery__JoinExpr *raw, JoinType jt, JoinCols *j, int nmerged, NsItem **out)
{
    RangeTblEntry *rte;
    int rtindex;
    PS_NEW(rte, RangeTblEntry, ps);
    rte->rtekind = RTE_JOIN;
    rte->jointype = jt;
    rte->joinmergedcols = nmerged;
    rte->joinaliasvars = j->vars;
    rte->joinleftcols = j->left;
    rte->joinrightcols = j->right;
    rte->inFromCl = true;
    TRY(ps_make_alias(ps, raw->alias, &rte->alias));
    PS_NEW(rte->eref, Alias, ps);
    TRY_MEM(rte->eref->aliasname = arena_strdup(ps->arena, rte->alias ? rte->alias->aliasname : "unnamed_join"), ps->err);
    if (rte->alias && list_len(rte->alias->colnames) > list_len(j->names))
        return error_set(ps->err, ERR_SYNTAX_ERROR, "column alias list for \"%s\" has too many entries", rte->alias->aliasname);
    TRY(ps_alias_columns(ps, rte->eref, rte->alias, j->names, "join expression"));
    TRY(ps_add_rte(ps, rte, &rtindex));
    TRY(ns_item_from_rte(ps, rte, rtindex, out));
    NsItem *item = *out;
    if (!rte->alias) item->name = NULL;
    for (int i = 0; i < item->ncols; i++) {
        const char *name = item->cols[i].name;
        item->cols[i] = j->cols[i];
        item->cols[i].name = name;
        if (item->cols[i].varno) continue; /* a merged column that is no plain column of one side */
        item->cols[i].varno = rtindex;
        item->cols[i].attno = i + 1;
    }
    return ST_OK;
}

static Status using_alias(ParseState *ps, const PgQuery__Alias *alias, const NsItem *join, int nmerged, PtrVec *ns)
{
    if (!alias) return ST_OK;
    NsItem *item;
    TRY_MEM(item = arena_memdup(ps->arena, join, sizeof *item), ps->err);
    TRY_MEM(item->name = arena_strdup(ps->arena, alias->aliasname), ps->err);
    for (int i = 0; i < ns->len; i++) {
        const NsItem *other = ns->v[i];
        if (other->rel_visible && other->name && !strcmp(other->name, item->name))
            return error_set(ps->err, ERR_DUPLICATE_ALIAS, "table name \"%s\" specified more than once", item->name);
    }
    item->ncols = nmerged;
    item->rel_visible = true;
    item->cols_visible = false;
    item->lateral_only = false;
    item->lateral_ok = true;
    PS_PUSH(ns, ps, item);
    return ST_OK;
}

static Status transform_join(ParseState *ps, const PgQuery__JoinExpr *raw, Node **out, NsItem **top, PtrVec *ns)
{
    JoinExpr *j;
    NsItem *l, *r;
    PtrVec lns = {0}, rns = {0}, both = {0}, outer = ps->ns;
    JoinCols cols = {0};
    bool *lused, *rused;
    TRY(stack_check(ps->err));
    PS_NEW(j, JoinExpr, ps);
    j->jointype = (JoinType)(raw->jointype - 1);
    j->isNatural = raw->is_natural;
    TRY(from_item(ps, raw->larg, &j->larg, &l, &lns));
    bool lateral_ok = j->jointype == JOIN_INNER || j->jointype == JOIN_LEFT;
    ps->ns = (PtrVec){0}; /* the right side may refer to the left one laterally */
    for (int i = 0; i < outer.len; i++) PS_PUSH(&ps->ns, ps, outer.v[i]);
    for (int i = 0; i < lns.len; i++) {
        NsItem *item = lns.v[i];
        item->lateral_only = true;
        item->lateral_ok = lateral_ok;
        PS_PUSH(&ps->ns, ps, item);
    }
    Status st = from_item(ps, raw->rarg, &j->rarg, &r, &rns);
    ps->ns = outer;
    TRY(st);
    TRY(ps_check_conflicts(ps, &lns, &rns));
    for (int i = 0; i < lns.len; i++) PS_PUSH(&both, ps, lns.v[i]);
    for (int i = 0; i < rns.len; i++) PS_PUSH(&both, ps, rns.v[i]);
    if (raw->is_natural) TRY(natural_columns(ps, l, r, &j->usingClause));
    else TRY(ps_string_list(ps, raw->using_clause, raw->n_using_clause, &j->usingClause));
    TRY_NEW_N(lused, ps->arena, l->ncols + 1, ps->err);
    TRY_NEW_N(rused, ps->arena, r->ncols + 1, ps->err);
    TRY_NEW_N(cols.cols, ps->arena, l->ncols + r->ncols + 1, ps->err);
    if (j->usingClause) TRY(join_using(ps, j->jointype, l, r, j->usingClause, &cols, lused, rused, &j->quals));
    else if (raw->quals) TRY(join_on(ps, raw->quals, &both, &j->quals));
    int nmerged = cols.n;
    TRY(other_columns(ps, l, lused, true, &cols));
    TRY(other_columns(ps, r, rused, false, &cols));
    TRY(rte_join(ps, raw, j->jointype, &cols, nmerged, top));
    TRY(ps_make_alias(ps, raw->alias, &j->alias));
    j->rtindex = (*top)->rtindex;
    *out = (Node *)j;
    if (!raw->alias) /* names inside stay visible, columns are seen through the join */
        for (int i = 0; i < both.len; i++) {
            NsItem *item = both.v[i];
            item->cols_visible = false;
            PS_PUSH(ns, ps, item);
        }
    TRY(using_alias(ps, raw->join_using_alias, *top, nmerged, ns));
    (*top)->rel_visible = raw->alias != NULL;
    (*top)->cols_visible = true;
    (*top)->lateral_only = false;
    (*top)->lateral_ok = true;
    PS_PUSH(ns, ps, *top);
    return ST_OK;
}

static Status from_item(ParseState *ps, const PbNode *n, Node **out, NsItem **top, PtrVec *ns)
{
    RangeTblRef *ref;
    switch (n->node_case) {
    case PG_QUERY__NODE__NODE_RANGE_VAR: TRY(table_ref(ps, n->range_var, top)); break;
    case PG_QUERY__NODE__NODE_RANGE_SUBSELECT: TRY(subselect(ps, n->range_subselect, top)); break;
    case PG_QUERY__NODE__NODE_RANGE_FUNCTION: TRY(range_function(ps, n->range_function, top)); break;
    case PG_QUERY__NODE__NODE_JOIN_EXPR: return transform_join(ps, n->join_expr, out, top, ns);
    case PG_QUERY__NODE__NODE_RANGE_TABLE_SAMPLE:
        return PS_ERROR(ps, n->range_table_sample->location, ERR_FEATURE_NOT_SUPPORTED, "TABLESAMPLE is not supported");
    case PG_QUERY__NODE__NODE_RANGE_TABLE_FUNC:
        return PS_ERROR(ps, n->range_table_func->location, ERR_FEATURE_NOT_SUPPORTED, "XMLTABLE is not supported");
    default: return error_set(ps->err, ERR_FEATURE_NOT_SUPPORTED, "this kind of FROM item is not supported");
    }
    PS_NEW(ref, RangeTblRef, ps);
    ref->rtindex = (*top)->rtindex;
    *out = (Node *)ref;
    PS_PUSH(ns, ps, *top);
    return ST_OK;
}

Status transform_from(ParseState *ps, PbNode **items, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        Node *node;
        NsItem *top;
        PtrVec ns = {0};
        TRY(from_item(ps, items[i], &node, &top, &ns));
        TRY(ps_check_conflicts(ps, &ps->ns, &ns));
        for (int k = 0; k < ns.len; k++) { /* until FROM is complete, the others see these only laterally */
            NsItem *item = ns.v[k];
            item->lateral_only = true;
            item->lateral_ok = true;
            PS_PUSH(&ps->ns, ps, item);
        }
        PS_APPEND(ps->joinlist, ps, node);
    }
    for (int k = 0; k < ps->ns.len; k++) {
        NsItem *item = ps->ns.v[k];
        item->lateral_only = false;
        item->lateral_ok = true;
    }
    return ST_OK;
}

/* Only tables can be changed; views are not automatically updatable here. */
static Status check_changeable(ParseState *ps, const Relation *rel)
{
    switch (rel->relkind) {
    case RELKIND_TABLE:
    case RELKIND_PARTITIONED:
        if (rel->is_virtual) return error_set(ps->err, ERR_FEATURE_NOT_SUPPORTED, "changing system catalog \"%s\" is not supported", rel->name);
        return ST_OK;
    case RELKIND_SEQUENCE: return error_set(ps->err, ERR_WRONG_OBJECT_TYPE, "cannot change sequence \"%s\"", rel->name);
    case RELKIND_MATVIEW: return error_set(ps->err, ERR_WRONG_OBJECT_TYPE, "cannot change materialized view \"%s\"", rel->name);
    case RELKIND_VIEW: return error_set(ps->err, ERR_FEATURE_NOT_SUPPORTED, "changing view \"%s\" is not supported", rel->name);
    default: return error_set(ps->err, ERR_WRONG_OBJECT_TYPE, "cannot change relation \"%s\"", rel->name);
    }
}

Status set_target_relation(ParseState *ps, const PgQuery__RangeVar *rv, int required_perms, bool also_source)
{
    const Relation *rel;
    TRY(ps_open_table(ps, rv, LOCK_ROW_EXCLUSIVE, &rel));
    TRY(check_changeable(ps, rel));
    TRY(rte_relation(ps, rel, rv->alias, rv->inh, false, LOCK_ROW_EXCLUSIVE, &ps->target));
    ps->target->rte->requiredPerms = required_perms;
    ps->target_rel = rel;
    return also_source ? ps_add_item(ps, ps->target, true, true, true) : ST_OK;
}
