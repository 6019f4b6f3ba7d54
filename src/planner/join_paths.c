/* Ways to join two relations, and the order in which to join the units of a problem: dynamic programming over subsets, greedy past a dozen. */
#include "planner/planner_internal.h"

/* ---- clauses of one join ---- */

static bool splits(PlannerInfo *root, Node *clause, const RelOptInfo *left, const RelOptInfo *right, Node **l, Node **r)
{
    if (!IsA(clause, OpExpr) || list_len(((OpExpr *)clause)->args) != 2) return false;
    Node *a = list_at(((OpExpr *)clause)->args, 0), *b = list_at(((OpExpr *)clause)->args, 1);
    Bitset *ra = pull_varnos(a, 0, root->arena), *rb = pull_varnos(b, 0, root->arena);
    if (bitset_is_empty(ra) || bitset_is_empty(rb)) return false;
    if (bitset_is_subset(ra, left->relids) && bitset_is_subset(rb, right->relids)) {
        *l = a;
        *r = b;
        return true;
    }
    if (bitset_is_subset(rb, left->relids) && bitset_is_subset(ra, right->relids)) {
        *l = b;
        *r = a;
        return true;
    }
    return false;
}

/* Equalities of one equivalence class say the same thing: one of them counts. */
static double join_selectivity(PlannerInfo *root, List *clauses)
{
    double s = 1;
    List *counted = NULL, *rest = NULL;
    LIST_EACH(Node *, c, clauses) {
        bool again = false;
        if (IsA(c, OpExpr) && operator_btree_strategy(((OpExpr *)c)->opno) == 3 && list_len(((OpExpr *)c)->args) == 2) {
            Node *a = list_first(((OpExpr *)c)->args);
            LIST_EACH(OpExpr *, other, counted) again = again || exprs_equivalent(root, a, list_first(other->args));
            if (!again) counted = list_append(counted, root->arena, c);
            if (!again) s *= clause_selectivity(root, c, NULL);
        } else {
            rest = list_append(rest, root->arena, c);
        }
    }
    return s * clauselist_selectivity(root, rest, NULL);
}

static double join_rows(PlannerInfo *root, const RelOptInfo *l, const RelOptInfo *r, JoinType type, List *on, List *filters)
{
    double pairs = l->rows * r->rows * join_selectivity(root, on), rows = pairs;
    double matched = pairs < l->rows ? pairs : l->rows;
    if (type == JOIN_LEFT) rows = pairs > l->rows ? pairs : l->rows;
    if (type == JOIN_FULL) rows = pairs > l->rows + r->rows ? pairs : l->rows + r->rows;
    if (type == JOIN_SEMI) rows = matched;
    if (type == JOIN_ANTI) rows = l->rows - matched;
    rows *= clauselist_selectivity(root, filters, NULL);
    return rows < 1 ? 1 : rows;
}

static bool right_is_unique(PlannerInfo *root, const RelOptInfo *left, const RelOptInfo *right, List *on)
{
    Node *l, *r;
    if (!right->rti || !right->rel) return false;
    for (int i = 0; i < right->rel->nindexes; i++) {
        const IndexInfo *ix = &right->rel->indexes[i];
        bool all = ix->unique && !ix->predicate && ix->immediate;
        for (int c = 0; all && c < ix->nkeyatts; c++) {
            bool found = false;
            LIST_EACH(Node *, clause, on)
                if (splits(root, clause, left, right, &l, &r) && operator_btree_strategy(((OpExpr *)clause)->opno) == 3 && IsA(strip_relabel(r), Var) &&
                    ix->attnums[c] && ((Var *)strip_relabel(r))->varattno == ix->attnums[c])
                    found = true;
            all = found;
        }
        if (all) return true;
    }
    return false;
}

/* ---- the three ways ---- */

typedef struct JoinArgs {
    RelOptInfo *join, *left, *right;
    JoinType type;
    List *on, *filters;
    bool inner_unique;
} JoinArgs;

static Path *join_path(PlannerInfo *root, PathKind kind, const JoinArgs *a, Path *outer, Path *inner)
{
    Path *p = new_path(root, kind, a->join);
    if (!p) return NULL;
    p->outer = outer;
    p->inner = inner;
    p->jointype = a->type;
    p->join_clauses = a->on;
    p->filter_clauses = a->filters;
    p->inner_unique = a->inner_unique;
    p->required_outer = bitset_union(outer->required_outer, bitset_difference(inner->required_outer, a->left->relids, root->arena), root->arena);
    return p;
}

static Path *material(PlannerInfo *root, Path *input)
{
    Path *p = new_path(root, PATH_MATERIAL, input->rel);
    if (!p) return NULL;
    p->outer = input;
    p->rows = input->rows;
    p->startup = input->startup;
    p->total = input->total + input->rows * 0.004;
    p->keys = input->keys;
    return p;
}

static double rescan_cost(const Path *p)
{
    if (p->kind == PATH_MATERIAL) return p->rows * 0.0025;
    return p->total;
}

static Status try_nestloop(PlannerInfo *root, const JoinArgs *a, Path *outer, Path *inner, Error *err)
{
    if (!bitset_is_subset(inner->required_outer, bitset_union(a->left->relids, outer->required_outer, root->arena))) return ST_OK;
    Path *p = join_path(root, PATH_NESTLOOP, a, outer, inner);
    TRY_MEM(p, err);
    List *remaining = NULL;
    LIST_EACH(Node *, c, a->on) {
        bool below = false;
        LIST_EACH(Node *, q, inner->param_quals) below = below || q == c;
        if (!below) TRY_APPEND(remaining, root->arena, c, err);
    }
    p->join_clauses = remaining;
    double early = a->type == JOIN_SEMI || a->type == JOIN_ANTI || a->inner_unique ? 0.6 : 1; /* stops at the first match */
    double loops = outer->rows < 1 ? 1 : outer->rows;
    p->startup = outer->startup + inner->startup;
    p->total = outer->total + inner->total + (loops - 1) * rescan_cost(inner) * (inner->required_outer ? 1 : early);
    p->total += loops * inner->rows * early * (0.01 + qual_cost(root, remaining)) + p->rows * 0.01;
    p->keys = outer->keys;
    if (!setting_bool(root->env->settings, SET_enable_nestloop)) p->startup += 1e10, p->total += 1e10;
    return add_path(root, a->join, p, err);
}

static Status nestloops(PlannerInfo *root, const JoinArgs *a, Error *err)
{
    for (int o = 0; o < a->left->npaths; o++) {
        Path *outer = a->left->paths[o];
        bool useful = outer == a->left->cheapest_total || (outer->keys.n && root->query_keys.n) || !a->left->cheapest_total;
        if (!useful || bitset_overlaps(outer->required_outer, a->right->relids)) continue;
        for (int i = 0; i < a->right->npaths; i++) {
            Path *inner = a->right->paths[i];
            if (inner->required_outer || inner == a->right->cheapest_total) TRY(try_nestloop(root, a, outer, inner, err));
        }
        if (a->right->cheapest_total && setting_bool(root->env->settings, SET_enable_material)) {
            Path *m = material(root, a->right->cheapest_total);
            TRY_MEM(m, err);
            TRY(try_nestloop(root, a, outer, m, err));
        }
    }
    return ST_OK;
}

static Status hash_clauses(PlannerInfo *root, const JoinArgs *a, List **out, Error *err)
{
    Node *l, *r;
    *out = NULL;
    LIST_EACH(Node *, c, a->on) {
        if (!splits(root, c, a->left, a->right, &l, &r) || expr_contains_volatile(root->env, c) || expr_contains_subplan(c)) continue;
        const OperatorInfo *op = operator_by_oid(root->env, ((OpExpr *)c)->opno);
        const TypeInfo *t = catalog_type(root->env, expr_type(l));
        if (op && op->can_hash && t && t->hash) TRY_APPEND(*out, root->arena, c, err);
    }
    return ST_OK;
}

static Status try_hash(PlannerInfo *root, const JoinArgs *a, Error *err)
{
    List *clauses;
    Path *outer = a->left->cheapest_total, *inner = a->right->cheapest_total;
    if (!outer || !inner) return ST_OK;
    TRY(hash_clauses(root, a, &clauses, err));
    if (!clauses) return ST_OK;
    Path *p = join_path(root, PATH_HASHJOIN, a, outer, inner);
    TRY_MEM(p, err);
    p->hash_clauses = clauses;
    double op = setting_real(root->env->settings, SET_cpu_operator_cost), keys = list_len(clauses);
    double bytes = inner->rows * (inner->rel->width + 32);
    p->startup = outer->startup + inner->total + inner->rows * (op * keys + 0.008);
    p->total = p->startup + (outer->total - outer->startup) + outer->rows * (op * keys + 0.004) + p->rows * (0.01 + qual_cost(root, a->filters));
    p->total += (join_rows(root, a->left, a->right, JOIN_INNER, clauses, NULL)) * qual_cost(root, list_len(a->on) > list_len(clauses) ? a->on : NULL);
    double budget = work_mem_bytes(root) * setting_real(root->env->settings, SET_hash_mem_multiplier);
    if (bytes > budget) p->total += (bytes + outer->rows * (outer->rel->width + 32)) / 8192 * 2;
    if (!setting_bool(root->env->settings, SET_enable_hashjoin)) p->startup += 1e10, p->total += 1e10;
    return add_path(root, a->join, p, err);
}

/* Cheapest path in that order, else the cheapest with a sort on top. */
static Status sorted_input(PlannerInfo *root, RelOptInfo *rel, const PathKeys *keys, Path **out, Error *err)
{
    Path *best = NULL;
    double startup, run;
    for (int i = 0; i < rel->npaths; i++)
        if (!rel->paths[i]->required_outer && keys_contained(root, keys, &rel->paths[i]->keys) && (!best || rel->paths[i]->total < best->total)) best = rel->paths[i];
    Path *base = rel->cheapest_total;
    cost_sort_of(root, base->rows, rel->width, 0, &startup, &run);
    if (best && best->total <= base->total + startup + run) {
        *out = best;
        return ST_OK;
    }
    Path *p = new_path(root, PATH_SORT, rel);
    TRY_MEM(p, err);
    p->outer = base;
    p->rows = base->rows;
    p->keys = *keys;
    p->startup = base->total + startup;
    p->total = p->startup + run;
    *out = p;
    return ST_OK;
}

static Status try_merge(PlannerInfo *root, const JoinArgs *a, Error *err)
{
    List *clauses = NULL;
    Node *l, *r;
    PathKeys lk = {0}, rk = {0};
    Path *outer, *inner;
    if (!a->left->cheapest_total || !a->right->cheapest_total || !setting_bool(root->env->settings, SET_enable_mergejoin)) return ST_OK;
    TRY_NEW_N(lk.k, root->arena, list_len(a->on) + 1, err);
    TRY_NEW_N(rk.k, root->arena, list_len(a->on) + 1, err);
    LIST_EACH(Node *, c, a->on) {
        if (!splits(root, c, a->left, a->right, &l, &r) || expr_contains_volatile(root->env, c) || expr_contains_subplan(c)) continue;
        if (operator_btree_strategy(((OpExpr *)c)->opno) != 3 || expr_type(l) != expr_type(r)) continue;
        TRY_APPEND(clauses, root->arena, c, err);
        lk.k[lk.n++] = (PathKey){l, false, false, expr_collation(l)};
        rk.k[rk.n++] = (PathKey){r, false, false, expr_collation(r)};
    }
    if (!clauses || (a->type == JOIN_FULL && list_len(clauses) != list_len(a->on))) return ST_OK;
    TRY(sorted_input(root, a->left, &lk, &outer, err));
    TRY(sorted_input(root, a->right, &rk, &inner, err));
    Path *p = join_path(root, PATH_MERGEJOIN, a, outer, inner);
    TRY_MEM(p, err);
    p->hash_clauses = clauses;
    p->merge_outer = lk;
    p->merge_inner = rk;
    p->keys = a->type == JOIN_FULL ? (PathKeys){0} : outer->keys;
    p->startup = outer->startup + inner->startup;
    p->total = outer->total + inner->total + (outer->rows + inner->rows) * 0.006 * lk.n + p->rows * (0.01 + qual_cost(root, a->filters));
    return add_path(root, a->join, p, err);
}

static Status try_all(PlannerInfo *root, const JoinArgs *a, Error *err)
{
    if (a->type != JOIN_FULL && a->type != JOIN_RIGHT) TRY(nestloops(root, a, err));
    TRY(try_hash(root, a, err));
    if (a->type != JOIN_RIGHT) TRY(try_merge(root, a, err));
    return ST_OK;
}

Status make_join_paths(PlannerInfo *root, RelOptInfo *join, RelOptInfo *left, RelOptInfo *right, JoinType type, List *on, List *filters, Error *err)
{
    JoinArgs a = {join, left, right, type, on, filters, right_is_unique(root, left, right, on)};
    if (!join->rows) join->rows = join_rows(root, left, right, type, on, filters);
    TRY(try_all(root, &a, err));
    if (type == JOIN_LEFT) { /* hash the preserved side instead */
        JoinArgs swapped = {join, right, left, JOIN_RIGHT, on, filters, false};
        TRY(try_all(root, &swapped, err));
    }
    if (type == JOIN_FULL && !join->npaths)
        return error_set(err, ERR_FEATURE_NOT_SUPPORTED, "FULL JOIN is only supported with merge-joinable or hash-joinable join conditions");
    return ST_OK;
}

/* ---- join order ---- */

typedef struct JoinState { RelOptInfo *rel; bool lone_special; } JoinState;

typedef struct Search {
    PlannerInfo *root;
    JoinProblem *jp;
    Bitset **qual_relids;
    int nquals;
} Search;

static bool qual_applies(const Search *s, int q, const Bitset *all, const Bitset *left, bool left_done, const Bitset *right, bool right_done)
{
    const Bitset *names = s->qual_relids[q];
    if (bitset_is_empty(names) || !bitset_is_subset(names, all)) return false;
    return !(left_done && bitset_is_subset(names, left)) && !(right_done && bitset_is_subset(names, right));
}

/* Is a state one whose own clauses were applied already? Lone units applied none here. */
static bool clauses_done(const Search *s, const RelOptInfo *rel)
{
    for (int i = 0; i < s->jp->nunits; i++)
        if (s->jp->units[i].rel == rel) return false;
    return true;
}

static Status applicable(Search *s, const RelOptInfo *l, const RelOptInfo *r, Bitset *all, List **out, Error *err)
{
    *out = NULL;
    for (int q = 0; q < s->nquals; q++)
        if (qual_applies(s, q, all, l->relids, clauses_done(s, l), r->relids, clauses_done(s, r)))
            TRY_APPEND(*out, s->root->arena, list_at(s->jp->quals, q), err);
    return ST_OK;
}

static JoinUnit *unit_of(Search *s, const RelOptInfo *rel)
{
    for (int i = 0; i < s->jp->nunits; i++)
        if (s->jp->units[i].rel == rel) return &s->jp->units[i];
    return NULL;
}

static bool lateral_satisfied(Search *s, const RelOptInfo *right, const RelOptInfo *left)
{
    return !right->lateral_relids || bitset_is_subset(right->lateral_relids, left->relids);
}

/* May left and right be joined in this order at all? */
static bool legal(Search *s, const RelOptInfo *l, const RelOptInfo *r)
{
    JoinUnit *lu = unit_of(s, l), *ru = unit_of(s, r);
    if (lu && lu->jointype != JOIN_INNER) return false;
    if (l->lateral_relids) return false;
    if (ru && ru->jointype != JOIN_INNER) return bitset_is_subset(ru->needs, l->relids);
    return lateral_satisfied(s, r, l);
}

static Status join_pair(Search *s, RelOptInfo *l, RelOptInfo *r, RelOptInfo *join, Error *err)
{
    JoinUnit *ru = unit_of(s, r);
    List *clauses;
    TRY(applicable(s, l, r, join->relids, &clauses, err));
    if (ru && ru->jointype != JOIN_INNER) return make_join_paths(s->root, join, l, r, ru->jointype, ru->on_quals, clauses, err);
    return make_join_paths(s->root, join, l, r, JOIN_INNER, clauses, NULL, err);
}

static Status new_join_rel(Search *s, const RelOptInfo *l, const RelOptInfo *r, RelOptInfo **out, Error *err)
{
    TRY_NEW(*out, s->root->arena, err);
    (*out)->relids = bitset_union(l->relids, r->relids, s->root->arena);
    TRY_MEM((*out)->relids, err);
    (*out)->width = l->width + r->width;
    return ST_OK;
}

static bool connected(Search *s, const RelOptInfo *l, const RelOptInfo *r)
{
    JoinUnit *lu = unit_of(s, l), *ru = unit_of(s, r);
    if ((ru && ru->jointype != JOIN_INNER) || (lu && lu->jointype != JOIN_INNER)) return true;
    if (l->lateral_relids || r->lateral_relids) return true;
    for (int q = 0; q < s->nquals; q++)
        if (bitset_overlaps(s->qual_relids[q], l->relids) && bitset_overlaps(s->qual_relids[q], r->relids)) return true;
    return false;
}

static Status subset_paths(Search *s, RelOptInfo **states, unsigned mask, bool products, Error *err)
{
    for (unsigned sub = (mask - 1) & mask; sub; sub = (sub - 1) & mask) {
        RelOptInfo *l = states[sub], *r = states[mask ^ sub];
        if (!l || !r || !legal(s, l, r) || (!products && !connected(s, l, r))) continue;
        if (!states[mask]) TRY(new_join_rel(s, l, r, &states[mask], err));
        TRY(join_pair(s, l, r, states[mask], err));
    }
    if (states[mask] && !states[mask]->npaths) states[mask] = NULL;
    return ST_OK;
}

static Status dynamic_search(Search *s, RelOptInfo **out, Error *err)
{
    int n = s->jp->nunits;
    unsigned full = (1u << n) - 1;
    RelOptInfo **states;
    TRY_NEW_N(states, s->root->arena, (size_t)full + 1, err);
    for (int i = 0; i < n; i++) states[1u << i] = s->jp->units[i].rel;
    for (int size = 2; size <= n; size++)
        for (unsigned mask = 1; mask <= full; mask++) {
            if (__builtin_popcount(mask) != size) continue;
            TRY(INTERRUPT_CHECK(s->root->env->interrupt, err));
            TRY(subset_paths(s, states, mask, false, err));
        }
    /* No way without a Cartesian product: allow them, smallest subsets first. */
    if (!states[full])
        for (int size = 2; size <= n; size++)
            for (unsigned mask = 1; mask <= full; mask++)
                if (__builtin_popcount(mask) == size && !states[mask]) TRY(subset_paths(s, states, mask, true, err));
    *out = states[full];
    return ST_OK;
}

/* Many units: join the pair with the fewest rows again and again, connected pairs first. */
static Status greedy_step(Search *s, RelOptInfo **live, int *n, bool products, bool *progress, Error *err)
{
    RelOptInfo *best = NULL;
    int bi = 0, bk = 0;
    *progress = false;
    for (int i = 0; i < *n; i++)
        for (int k = 0; k < *n; k++) {
            RelOptInfo *join;
            if (i == k || !legal(s, live[i], live[k]) || (!products && !connected(s, live[i], live[k]))) continue;
            TRY(new_join_rel(s, live[i], live[k], &join, err));
            TRY(join_pair(s, live[i], live[k], join, err));
            if (!join->npaths || !join->cheapest_total) continue;
            if (best && (join->rows > best->rows || (join->rows == best->rows && join->cheapest_total->total >= best->cheapest_total->total))) continue;
            best = join;
            bi = i;
            bk = k;
        }
    if (!best) return ST_OK;
    live[bi] = best;
    live[bk] = live[*n - 1];
    --*n;
    *progress = true;
    return ST_OK;
}

static Status greedy_search(Search *s, RelOptInfo **out, Error *err)
{
    int n = s->jp->nunits;
    RelOptInfo **live;
    TRY_NEW_N(live, s->root->arena, n, err);
    for (int i = 0; i < n; i++) live[i] = s->jp->units[i].rel;
    while (n > 1) {
        bool progress;
        TRY(INTERRUPT_CHECK(s->root->env->interrupt, err));
        TRY(greedy_step(s, live, &n, false, &progress, err));
        if (!progress) TRY(greedy_step(s, live, &n, true, &progress, err));
        if (!progress) break;
    }
    *out = n == 1 ? live[0] : NULL;
    return ST_OK;
}

/* Clauses that no join applied: constants, and those of a single unit that could not go down. A filter on top of every path. */
static Status apply_leftovers(Search *s, RelOptInfo **rel, Error *err)
{
    List *left = NULL;
    bool single = s->jp->nunits == 1;
    for (int q = 0; q < s->nquals; q++)
        if (bitset_is_empty(s->qual_relids[q]) || single) TRY_APPEND(left, s->root->arena, list_at(s->jp->quals, q), err);
    if (!left) return ST_OK;
    RelOptInfo *out;
    TRY_NEW(out, s->root->arena, err);
    out->relids = (*rel)->relids;
    out->width = (*rel)->width;
    out->rows = (*rel)->rows * clauselist_selectivity(s->root, left, NULL);
    out->lateral_relids = (*rel)->lateral_relids;
    if (out->rows < 1) out->rows = 1;
    for (int i = 0; i < (*rel)->npaths; i++) {
        Path *in = (*rel)->paths[i], *p = new_path(s->root, PATH_RESULT, out);
        TRY_MEM(p, err);
        p->outer = in;
        p->filter_clauses = left;
        p->startup = in->startup;
        p->total = in->total + in->rows * qual_cost(s->root, left);
        p->keys = in->keys;
        p->required_outer = in->required_outer;
        TRY(add_path(s->root, out, p, err));
    }
    *rel = out;
    return ST_OK;
}

Status search_join_order(PlannerInfo *root, JoinProblem *jp, RelOptInfo **out, Error *err)
{
    Search s = {.root = root, .jp = jp, .nquals = list_len(jp->quals)};
    TRY_NEW_N(s.qual_relids, root->arena, s.nquals + 1, err);
    for (int q = 0; q < s.nquals; q++) s.qual_relids[q] = pull_varnos(list_at(jp->quals, q), 0, root->arena);
    if (jp->nunits == 1) *out = jp->units[0].rel;
    else if (jp->nunits <= 9) TRY(dynamic_search(&s, out, err));
    else TRY(greedy_search(&s, out, err));
    if (!*out) return error_set(err, ERR_INTERNAL_ERROR, "failed to build any %d-way joins", jp->nunits);
    return apply_leftovers(&s, out, err);
}
