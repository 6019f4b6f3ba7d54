/* Ways to read one base relation: sequential, by an index (with what restrictions and join clauses offer), by a catalog's keys, a function,
 * VALUES, a subquery, a CTE. */
#include "planner/planner_internal.h"

#include <math.h>

/* ---- matching clauses to key columns ---- */

static bool is_indexed_expr(PlannerInfo *root, const RelOptInfo *rel, const IndexInfo *ix, int column, Node *n)
{
    n = strip_relabel(n);
    if (ix->attnums[column]) return IsA(n, Var) && ((Var *)n)->varno == rel->rti && ((Var *)n)->varattno == ix->attnums[column] && !((Var *)n)->varlevelsup;
    int nth = 0;
    for (int i = 0; i < column; i++) nth += ix->attnums[i] == 0;
    Node *expr = node_copy(ix->exprs[nth], root->arena);
    Error ignored = ERROR_INIT;
    Status st = offset_vars(expr, rel->rti - 1, 0, &ignored);
    error_clear(&ignored);
    return !failed(st) && node_equal(strip_relabel(expr), n);
}

/* The comparison must be the order of the index: same type on both sides as the key column, or integers and such of another width that can be
 * converted without loss when the range is made. */
static bool key_type_matches(PlannerInfo *root, const IndexInfo *ix, int column, Node *value, int strategy)
{
    const TypeInfo *key = ix->def.key[column].type;
    Oid type = type_base_of(root->env, expr_type(value), NULL);
    if (type == key->oid) return true;
    bool texts = (key->oid == TYPE_text || key->oid == TYPE_varchar) && (type == TYPE_text || type == TYPE_varchar);
    bool ints = (key->oid == TYPE_int2 || key->oid == TYPE_int4 || key->oid == TYPE_int8) && (type == TYPE_int2 || type == TYPE_int4 || type == TYPE_int8);
    return texts || ints;
}

typedef struct KeyMatch { int strategy; Node *value; Node *clause; } KeyMatch;

static bool usable_value(PlannerInfo *root, RelOptInfo *rel, Node *value)
{
    return !bitset_has(pull_varnos(value, 0, root->arena), rel->rti) && !expr_contains_volatile(root->env, value) && !expr_contains_subplan(value);
}

static bool match_opexpr(PlannerInfo *root, RelOptInfo *rel, const IndexInfo *ix, int column, OpExpr *op, KeyMatch *m)
{
    if (list_len(op->args) != 2) return false;
    Node *l = list_at(op->args, 0), *r = list_at(op->args, 1);
    int strategy = operator_btree_strategy(op->opno);
    if (!strategy) return false;
    if (is_indexed_expr(root, rel, ix, column, l) && usable_value(root, rel, r)) {
        *m = (KeyMatch){strategy, r, (Node *)op};
    } else if (is_indexed_expr(root, rel, ix, column, r) && usable_value(root, rel, l)) {
        *m = (KeyMatch){6 - strategy, l, (Node *)op};
    } else {
        return false;
    }
    return key_type_matches(root, ix, column, m->value, m->strategy);
}

static bool match_clause(PlannerInfo *root, RelOptInfo *rel, const IndexInfo *ix, int column, Node *clause, KeyMatch *m)
{
    if (IsA(clause, OpExpr)) return match_opexpr(root, rel, ix, column, (OpExpr *)clause, m);
    if (IsA(clause, ScalarArrayOpExpr)) {
        ScalarArrayOpExpr *sa = (ScalarArrayOpExpr *)clause;
        if (!sa->use_or || operator_btree_strategy(sa->opno) != 3 || !is_indexed_expr(root, rel, ix, column, list_at(sa->args, 0))) return false;
        Node *array = list_at(sa->args, 1);
        const TypeInfo *at = catalog_type(root->env, expr_type(array));
        if (!usable_value(root, rel, array) || !at || at->elem != ix->def.key[column].type->oid) return false;
        *m = (KeyMatch){8, array, clause};
        return true;
    }
    if (IsA(clause, NullTest) && is_indexed_expr(root, rel, ix, column, ((NullTest *)clause)->arg)) {
        *m = (KeyMatch){((NullTest *)clause)->nulltesttype == IS_NULL ? 6 : 7, NULL, clause};
        return true;
    }
    if (IsA(clause, Var) && is_indexed_expr(root, rel, ix, column, clause)) { /* WHERE flag */
        Const *t = make_const(root->arena, type_builtin(TYPE_bool), -1, 1, false);
        *m = (KeyMatch){3, (Node *)t, clause};
        return t != NULL;
    }
    return false;
}

/* ---- index paths ---- */

static bool has_all_columns(const RelOptInfo *rel, const IndexInfo *ix)
{
    for (int a = bitset_next(rel->attrs_needed, -1); a >= 0; a = bitset_next(rel->attrs_needed, a)) {
        bool found = false;
        for (int i = 0; i < ix->def.ncolumns; i++) found = found || (ix->attnums[i] && ix->attnums[i] + 8 == a);
        if (!found) return false;
    }
    return true;
}

static Status index_keys(PlannerInfo *root, RelOptInfo *rel, const IndexInfo *ix, bool backward, PathKeys *out, Error *err)
{
    TRY_NEW_N(out->k, root->arena, ix->nkeyatts + 1, err);
    out->n = 0;
    for (int i = 0; i < ix->nkeyatts; i++) {
        int attno = ix->attnums[i];
        Node *expr;
        bool desc = (ix->options[i] & 1) != 0, first = (ix->options[i] & 2) != 0;
        if (attno) {
            const Attribute *a = &rel->rel->desc->atts[attno - 1];
            expr = (Node *)make_var(root->arena, rel->rti, attno, a->type, a->typmod, a->collation, 0);
        } else {
            int nth = 0;
            for (int k = 0; k < i; k++) nth += ix->attnums[k] == 0;
            expr = node_copy(ix->exprs[nth], root->arena);
            TRY(offset_vars(expr, rel->rti - 1, 0, err));
        }
        TRY_MEM(expr, err);
        out->k[out->n++] = (PathKey){expr, desc != backward, first != backward, ix->collations[i]};
    }
    return ST_OK;
}

/* A partial index serves when each of its conditions is literally among the query's. */
static bool predicate_implied(PlannerInfo *root, RelOptInfo *rel, const IndexInfo *ix)
{
    Error ignored = ERROR_INIT;
    if (!ix->predicate) return true;
    Node *pred = node_copy(ix->predicate, root->arena);
    bool ok = pred && !failed(offset_vars(pred, rel->rti - 1, 0, &ignored));
    error_clear(&ignored);
    LIST_EACH(Node *, need, ok ? make_and_list(root->arena, pred) : NULL) {
        bool found = false;
        LIST_EACH(Node *, have, rel->quals) found = found || node_equal(need, have);
        ok = ok && found;
    }
    return ok;
}

static Status add_index_qual(PlannerInfo *root, Path *p, int column, const KeyMatch *m, Error *err)
{
    IndexQual *q;
    TRY_NODE(q, IndexQual, root->arena, err);
    q->keyno = column;
    q->strategy = m->strategy;
    q->value = m->value;
    TRY_APPEND(p->index_quals, root->arena, q, err);
    TRY_APPEND(p->index_clauses, root->arena, m->clause, err);
    return ST_OK;
}

/* Takes for each key column in turn an equality (or = ANY, IS NULL), and for the first column without one the range clauses. */
static Status match_columns(PlannerInfo *root, RelOptInfo *rel, const IndexInfo *ix, List *clauses, Path *p, int *equal_prefix, int *lists, Error *err)
{
    *equal_prefix = *lists = 0;
    for (int col = 0; col < ix->nkeyatts; col++) {
        KeyMatch m, equal = {0};
        int ranges = 0;
        LIST_EACH(Node *, c, clauses) {
            if (!match_clause(root, rel, ix, col, c, &m)) continue;
            if (m.strategy == 3 || m.strategy == 6 || (m.strategy == 8 && *lists == 0)) {
                if (!equal.clause || (equal.strategy == 8 && m.strategy == 3)) equal = m;
            }
        }
        if (equal.clause) {
            *lists += equal.strategy == 8;
            TRY(add_index_qual(root, p, col, &equal, err));
            ++*equal_prefix;
            continue;
        }
        LIST_EACH(Node *, c, clauses)
            if (match_clause(root, rel, ix, col, c, &m) && m.strategy != 6 && m.strategy != 8 && m.strategy != 3) {
                TRY(add_index_qual(root, p, col, &m, err));
                ranges++;
            }
        break;
    }
    return ST_OK;
}

static bool all_plain_equalities(const Path *p, const IndexInfo *ix)
{
    bool seen[32] = {false};
    int n = 0;
    LIST_EACH(IndexQual *, q, p->index_quals)
        if (q->strategy == 3 && q->keyno < 32 && !seen[q->keyno]) seen[q->keyno] = true, n++;
    return n == ix->nkeyatts && n == list_len(p->index_quals);
}

static void cost_index(PlannerInfo *root, RelOptInfo *rel, Path *p, List *remaining, int lists)
{
    SettingSet *set = root->env->settings;
    double selected = clauselist_selectivity(root, p->index_clauses, rel) * rel->tuples;
    int seeks = 1;
    LIST_EACH(IndexQual *, q, p->index_quals)
        if (q->strategy == 8) seeks = (int)(selected < 1 ? 1 : selected > 1000 ? 1000 : selected);
    if (p->unique_lookup) selected = 1;
    if (selected < 1) selected = 1;
    bool fetch = !p->index->clustered_key && !p->index_only;
    double per_row = p->index->clustered_key ? setting_real(set, SET_cpu_tuple_cost) : COST_INDEX_ENTRY + (fetch ? COST_FETCH : 0);
    p->startup = p->unique_lookup ? 0 : COST_SEEK * 0.5;
    p->total = p->startup + (p->unique_lookup ? COST_FETCH * (fetch ? 2 : 1) : COST_SEEK * seeks) + selected * (per_row + qual_cost(root, remaining));
    if (!setting_bool(set, p->index_only ? SET_enable_indexonlyscan : SET_enable_indexscan)) p->startup += 1e10, p->total += 1e10;
}

static List *list_minus(PlannerInfo *root, List *all, List *remove)
{
    List *out = NULL;
    LIST_EACH(Node *, n, all) {
        bool found = false;
        LIST_EACH(Node *, r, remove) found = found || r == n;
        if (!found) out = list_append(out, root->arena, n);
    }
    return out;
}

static Status make_index_path(PlannerInfo *root, RelOptInfo *rel, const IndexInfo *ix, List *clauses, List *join_clauses, bool backward, Error *err)
{
    Path *p = new_path(root, PATH_INDEX, rel);
    int prefix, lists;
    List *all = list_concat(list_copy(clauses, root->arena), join_clauses, root->arena);
    TRY_MEM(p, err);
    p->index = ix;
    p->backward = backward;
    TRY(match_columns(root, rel, ix, all, p, &prefix, &lists, err));
    LIST_EACH(Node *, c, p->index_clauses)
        LIST_EACH(Node *, j, join_clauses) {
            if (c != j) continue;
            p->required_outer = bitset_union(p->required_outer, pull_varnos(c, 0, root->arena), root->arena);
            TRY_APPEND(p->param_quals, root->arena, c, err);
        }
    if (join_clauses && !p->param_quals) return ST_OK; /* nothing gained over the plain path */
    if (p->required_outer) {
        Bitset *self = bitset_add(NULL, root->arena, rel->rti);
        p->required_outer = bitset_difference(p->required_outer, self, root->arena);
    }
    p->unique_lookup = ix->unique && all_plain_equalities(p, ix);
    p->index_only = !ix->clustered_key && has_all_columns(rel, ix) && rel->attrs_needed;
    for (int i = 0; p->index_only && i < ix->def.ncolumns; i++) p->index_only = ix->attnums[i] != 0;
    if (lists == 0) TRY(index_keys(root, rel, ix, backward, &p->keys, err));
    /* Equality-bound leading columns are constant: the order of the rest is all that matters, which keys_contained knows through
     * equivalence; here they simply stay. */
    bool ordered_use = root->query_keys.n && keys_contained(root, &root->query_keys, &p->keys);
    if (!p->index_quals && !p->index_only && !ordered_use && !rel->npaths) return ST_OK;
    p->rows = rel->rows;
    if (p->param_quals) p->rows = rel->rows * clauselist_selectivity(root, p->param_quals, rel);
    if (p->rows < 1) p->rows = 1;
    cost_index(root, rel, p, list_minus(root, rel->quals, p->index_clauses), lists);
    return add_path(root, rel, p, err);
}

/* An index lacks row versions older than itself: a snapshot taken before it was complete must not use it. */
static bool complete_for(PlannerInfo *root, const IndexInfo *ix)
{
    return !ix->def.complete_at || !root->env->snapshot || snapshot_sequence(root->env->snapshot) >= ix->def.complete_at;
}

static Status index_paths(PlannerInfo *root, RelOptInfo *rel, Error *err)
{
    for (int i = 0; i < rel->rel->nindexes; i++) {
        const IndexInfo *ix = &rel->rel->indexes[i];
        if (!ix->valid || !complete_for(root, ix) || !predicate_implied(root, rel, ix) || ix->nkeyatts > 32) continue;
        TRY(make_index_path(root, rel, ix, rel->quals, NULL, false, err));
        if (root->query_keys.n) TRY(make_index_path(root, rel, ix, rel->quals, NULL, true, err));
        if (!rel->join_clauses) continue;
        TRY(make_index_path(root, rel, ix, rel->quals, rel->join_clauses, false, err));
        /* Clauses with one other relation at a time: usable with less to its left. */
        Bitset *others = NULL, *done = NULL;
        LIST_EACH(Node *, c, rel->join_clauses) others = bitset_union(others, pull_varnos(c, 0, root->arena), root->arena);
        for (int o = bitset_next(others, -1); o >= 0; o = bitset_next(others, o)) {
            List *some = NULL;
            if (o == rel->rti || bitset_has(done, o)) continue;
            LIST_EACH(Node *, c, rel->join_clauses) {
                Bitset *names = pull_varnos(c, 0, root->arena);
                if (bitset_has(names, o) && bitset_count(names) == 2) TRY_APPEND(some, root->arena, c, err);
            }
            if (some && list_len(some) < list_len(rel->join_clauses)) TRY(make_index_path(root, rel, ix, rel->quals, some, false, err));
        }
    }
    return ST_OK;
}

/* ---- system catalogs: column = value hints ---- */

static bool key_clause(PlannerInfo *root, RelOptInfo *rel, Node *clause, int16_t *attnum, Node **value)
{
    if (!IsA(clause, OpExpr) || list_len(((OpExpr *)clause)->args) != 2 || operator_btree_strategy(((OpExpr *)clause)->opno) != 3) return false;
    for (int side = 0; side < 2; side++) {
        Node *v = strip_relabel(list_at(((OpExpr *)clause)->args, side)), *other = list_at(((OpExpr *)clause)->args, 1 - side);
        if (!IsA(v, Var) || ((Var *)v)->varno != rel->rti || ((Var *)v)->varattno <= 0 || !usable_value(root, rel, other)) continue;
        Oid have = expr_type(other), want = ((Var *)v)->vartype;
        bool oidish = (want == TYPE_oid || want == TYPE_regproc) &&
                      (have == TYPE_oid || have == TYPE_regclass || have == TYPE_regtype || have == TYPE_regproc || have == TYPE_regnamespace || have == TYPE_regrole);
        bool textish = want == TYPE_name && (have == TYPE_name || have == TYPE_text);
        if (have != want && !oidish && !textish) continue;
        *attnum = (int16_t)((Var *)v)->varattno;
        *value = other;
        return true;
    }
    return false;
}

static Status virtual_path(PlannerInfo *root, RelOptInfo *rel, List *clauses, List *join_clauses, Error *err)
{
    Path *p = new_path(root, PATH_VIRTUAL, rel);
    int16_t attnum, keys[16];
    Node *value;
    TRY_MEM(p, err);
    List *all = list_concat(list_copy(join_clauses, root->arena), clauses, root->arena);
    LIST_EACH(Node *, c, all) {
        bool from_join = false;
        if (p->key_attnums.n >= 16 || !key_clause(root, rel, c, &attnum, &value) || intarray_has(&p->key_attnums, attnum)) continue;
        keys[p->key_attnums.n] = attnum;
        if (!intarray_push(&p->key_attnums, root->arena, attnum)) return error_out_of_memory(err, 8);
        TRY_APPEND(p->key_values, root->arena, value, err);
        LIST_EACH(Node *, j, join_clauses) from_join = from_join || j == c;
        if (!from_join) continue;
        p->required_outer = bitset_union(p->required_outer, pull_varnos(value, 0, root->arena), root->arena);
        TRY_APPEND(p->param_quals, root->arena, c, err);
    }
    if (join_clauses && !p->param_quals) return ST_OK;
    double rows = p->key_attnums.n ? virtual_scan_rows(rel->rel, keys, p->key_attnums.n) : rel->tuples;
    p->startup = 0.5;
    p->total = p->startup + rows * (0.05 + qual_cost(root, rel->quals));
    p->rows = p->param_quals ? (rows < rel->rows ? rows : rel->rows) : rel->rows;
    if (p->rows < 1) p->rows = 1;
    return add_path(root, rel, p, err);
}

static Status virtual_paths(PlannerInfo *root, RelOptInfo *rel, Error *err)
{
    TRY(virtual_path(root, rel, rel->quals, NULL, err));
    if (!rel->join_clauses) return ST_OK;
    TRY(virtual_path(root, rel, rel->quals, rel->join_clauses, err));
    LIST_EACH(Node *, c, rel->join_clauses) {
        List *one = NULL;
        if (list_len(rel->join_clauses) == 1) break;
        TRY_APPEND(one, root->arena, c, err);
        TRY(virtual_path(root, rel, rel->quals, one, err));
    }
    return ST_OK;
}

/* ---- everything else ---- */

static Status subquery_path(PlannerInfo *root, RelOptInfo *rel, Error *err)
{
    Plan *plan;
    PlannerInfo *sub;
    Path *p;
    PlanParam *saved = root->plan_params;
    int nsaved = root->nplan_params, cap = root->plan_params_cap;
    root->plan_params = NULL;
    root->nplan_params = root->plan_params_cap = 0;
    TRY(subquery_planner(root->glob, root, rel->rte->subquery, 0, &sub, &plan, err));
    rel->lateral_params = root->plan_params; /* references to this level can only be LATERAL ones */
    rel->nlateral_params = root->nplan_params;
    root->plan_params = saved;
    root->nplan_params = nsaved;
    root->plan_params_cap = cap;
    rel->subroot = sub;
    rel->tuples = plan->plan_rows < 1 ? 1 : plan->plan_rows;
    rel->rows = rel->tuples * clauselist_selectivity(root, rel->quals, rel);
    if (rel->rows < 1) rel->rows = 1;
    p = new_path(root, PATH_SUBQUERY, rel);
    TRY_MEM(p, err);
    p->subplan = plan;
    p->startup = plan->startup_cost;
    p->total = plan->total_cost + rel->tuples * (0.0025 + qual_cost(root, rel->quals));
    p->required_outer = rel->lateral_relids;
    return add_path(root, rel, p, err);
}

static Status simple_path(PlannerInfo *root, RelOptInfo *rel, PathKind kind, double per_row, Error *err)
{
    Path *p = new_path(root, kind, rel);
    TRY_MEM(p, err);
    p->total = p->startup + rel->tuples * (per_row + qual_cost(root, rel->quals));
    p->required_outer = rel->lateral_relids;
    return add_path(root, rel, p, err);
}

static double function_rows(PlannerInfo *root, RangeTblEntry *rte)
{
    double rows = 1;
    LIST_EACH(RangeTblFunction *, f, rte->functions) {
        double n = 1;
        if (IsA(f->funcexpr, FuncExpr) && ((FuncExpr *)f->funcexpr)->funcretset) {
            FuncExpr *call = (FuncExpr *)f->funcexpr;
            const ProcInfo *proc = proc_by_oid(root->env, call->funcid);
            n = proc && proc->rows > 0 ? proc->rows : 100;
            if (list_len(call->args) >= 2 && IsA(list_at(call->args, 0), Const) && IsA(list_at(call->args, 1), Const) && proc &&
                !strcmp(proc->name, "generate_series") && expr_type(list_at(call->args, 0)) != TYPE_numeric && type_builtin(expr_type(list_at(call->args, 0)))->byval &&
                list_len(call->args) == 2)
                n = (double)(datum_get_i64(((Const *)list_at(call->args, 1))->constvalue) - datum_get_i64(((Const *)list_at(call->args, 0))->constvalue)) + 1;
        }
        if (n > rows) rows = n;
    }
    return rows < 1 ? 1 : rows;
}

static double cte_rows(PlannerInfo *root, RangeTblEntry *rte)
{
    PlannerInfo *owner = root;
    for (int i = 0; i < rte->ctelevelsup && owner; i++) owner = owner->parent;
    for (int i = 0; owner && i < list_len(owner->parse->cteList); i++) {
        CommonTableExpr *cte = list_at(owner->parse->cteList, i);
        if (strcmp(cte->ctename, rte->ctename) || i >= owner->cte_plan_ids.n || !owner->cte_plan_ids.v[i]) continue;
        return ((Plan *)list_at(root->glob->subplans, (int)owner->cte_plan_ids.v[i] - 1))->plan_rows;
    }
    return 100;
}

static double rel_width(PlannerInfo *root, RelOptInfo *rel)
{
    double w = 8;
    for (int a = bitset_next(rel->attrs_needed, -1); a >= 0 && rel->rel; a = bitset_next(rel->attrs_needed, a)) {
        if (a <= 8 || a - 9 >= rel->rel->desc->natts) continue;
        const Attribute *att = &rel->rel->desc->atts[a - 9];
        w += att->typlen > 0 ? att->typlen : att->typmod > 4 && att->typmod < 1000 ? att->typmod : 32;
    }
    return rel->rel ? w : 32;
}

Status make_base_paths(PlannerInfo *root, RelOptInfo *rel, Error *err)
{
    RangeTblEntry *rte = rel->rte;
    rel->width = rel_width(root, rel);
    if (rte->rtekind == RTE_FUNCTION) rel->tuples = function_rows(root, rte);
    if (rte->rtekind == RTE_VALUES) rel->tuples = list_len(rte->values_lists);
    if (rte->rtekind == RTE_CTE) rel->tuples = rte->self_reference ? 100 : cte_rows(root, rte);
    rel->rows = rel->tuples * clauselist_selectivity(root, rel->quals, rel);
    if (rel->rows < 1) rel->rows = 1;
    switch (rte->rtekind) {
    case RTE_RELATION: break;
    case RTE_SUBQUERY: return subquery_path(root, rel, err);
    case RTE_FUNCTION: return simple_path(root, rel, PATH_FUNCTION, 0.01, err);
    case RTE_VALUES: return simple_path(root, rel, PATH_VALUES, 0.005, err);
    case RTE_CTE: return simple_path(root, rel, rte->self_reference ? PATH_WORKTABLE : PATH_CTE, 0.01, err);
    default: return simple_path(root, rel, PATH_RESULT, 0.01, err);
    }
    if (rel->rel->is_virtual) return virtual_paths(root, rel, err);
    Path *seq = new_path(root, PATH_SEQSCAN, rel);
    TRY_MEM(seq, err);
    cost_seqscan(root, seq);
    const IndexInfo *pk = relation_primary_key(rel->rel);
    if (pk && pk->clustered_key) TRY(index_keys(root, rel, pk, false, &seq->keys, err)); /* the table is stored in this order */
    TRY(add_path(root, rel, seq, err));
    return index_paths(root, rel, err);
}
