/* Selectivities: what fraction of rows a clause keeps, from ANALYZE's statistics where there are any. Manual 70.1. */
#include "planner/planner_internal.h"

#include <math.h>

static const double DEFAULT_EQ = 0.005, DEFAULT_RANGE = 0.3333333333333333, DEFAULT_MATCH = 0.01, DEFAULT_UNKNOWN = 0.5;

typedef struct VarStats {
    Var *var;
    RelOptInfo *rel;
    const ColumnStats *stats;
    double distinct;
    bool unique;
} VarStats;

static double clamp(double s) { return s < 0 ? 0 : s > 1 ? 1 : s; }

static bool column_is_unique(const Relation *rel, int attnum)
{
    for (int i = 0; i < rel->nindexes; i++)
        if (rel->indexes[i].unique && rel->indexes[i].nkeyatts == 1 && rel->indexes[i].attnums[0] == attnum && !rel->indexes[i].predicate) return true;
    return false;
}

static double distinct_values(const VarStats *vs)
{
    double tuples = vs->rel->tuples;
    if (vs->unique) return tuples;
    if (vs->stats && vs->stats->distinct > 0) return vs->stats->distinct < tuples ? vs->stats->distinct : tuples;
    if (vs->stats && vs->stats->distinct < 0) return -vs->stats->distinct * tuples;
    if (vs->var->vartype == TYPE_bool) return 2;
    return tuples < 200 ? tuples : 200;
}

static bool examine(PlannerInfo *root, Node *n, VarStats *out)
{
    n = strip_relabel(n);
    if (!IsA(n, Var)) return false;
    Var *v = (Var *)n;
    if (v->varlevelsup || v->varno <= 0 || v->varno > root->nrels || !root->rels || !root->rels[v->varno - 1]) return false;
    *out = (VarStats){.var = v, .rel = root->rels[v->varno - 1]};
    if (out->rel->rel && v->varattno > 0) {
        out->stats = relation_column_stats(root->env, out->rel->rel, (int16_t)v->varattno);
        out->unique = column_is_unique(out->rel->rel, v->varattno);
    }
    out->distinct = distinct_values(out);
    if (out->distinct < 1) out->distinct = 1;
    return true;
}

double estimate_distinct(PlannerInfo *root, Node *expr, double input_rows)
{
    VarStats vs;
    if (examine(root, expr, &vs)) return vs.distinct < input_rows ? vs.distinct : input_rows;
    if (IsA(expr, Const)) return 1;
    return input_rows < 200 ? input_rows : 200;
}

double estimate_groups(PlannerInfo *root, List *exprs, double input_rows)
{
    double groups = 1;
    LIST_EACH(Node *, e, exprs) groups *= estimate_distinct(root, e, input_rows);
    if (list_len(exprs) > 1 && groups > input_rows / 10 && input_rows > 100) groups = groups < input_rows ? groups : input_rows / 2;
    return groups < 1 ? 1 : groups > input_rows ? input_rows : groups;
}

static const TypeInfo *var_type(PlannerInfo *root, const VarStats *vs) { return catalog_type(root->env, vs->var->vartype); }

/* Values of different types are not compared with the statistics. */
static bool comparable(PlannerInfo *root, const VarStats *vs, const Const *c)
{
    const TypeInfo *type = var_type(root, vs);
    return vs->stats && type && type->compare && c->consttype == vs->var->vartype && !c->constisnull;
}

static double eq_const(PlannerInfo *root, const VarStats *vs, const Const *c)
{
    double common = 0;
    if (c->constisnull) return 0;
    if (vs->unique) return 1 / vs->rel->tuples;
    if (!comparable(root, vs, c)) return vs->stats ? (1 - vs->stats->null_fraction) / vs->distinct : vs->distinct < 200 ? 1 / vs->distinct : DEFAULT_EQ;
    const TypeInfo *type = var_type(root, vs);
    for (int i = 0; i < vs->stats->n_common; i++) {
        if (type->compare(type, vs->stats->common_values[i], c->constvalue) == 0) return vs->stats->common_freqs[i];
        common += vs->stats->common_freqs[i];
    }
    double others = vs->distinct - vs->stats->n_common;
    return clamp((1 - common - vs->stats->null_fraction) / (others < 1 ? 1 : others));
}

static double eq_unknown(const VarStats *vs)
{
    if (vs->unique) return 1 / vs->rel->tuples;
    if (!vs->stats && vs->distinct >= 200) return DEFAULT_EQ;
    return (vs->stats ? 1 - vs->stats->null_fraction : 1) / vs->distinct;
}

static double eq_join(const VarStats *a, const VarStats *b)
{
    double d = a->distinct > b->distinct ? a->distinct : b->distinct;
    double nulls = (a->stats ? 1 - a->stats->null_fraction : 1) * (b->stats ? 1 - b->stats->null_fraction : 1);
    return nulls / (d < 1 ? 1 : d);
}

/* Where a by-value number lies between two bounds, for interpolation inside a histogram bucket; 0.5 for other types. */
static double position(const TypeInfo *type, Datum v, Datum lo, Datum hi)
{
    double a, b, x;
    if (!type->byval) return 0.5;
    if (type->oid == TYPE_float8) a = datum_get_f8(lo), b = datum_get_f8(hi), x = datum_get_f8(v);
    else if (type->oid == TYPE_float4) a = datum_get_f4(lo), b = datum_get_f4(hi), x = datum_get_f4(v);
    else a = (double)datum_get_i64(lo), b = (double)datum_get_i64(hi), x = (double)datum_get_i64(v);
    return b > a ? clamp((x - a) / (b - a)) : 0.5;
}

/* Fraction of non-null values below the constant. */
static double fraction_below(PlannerInfo *root, const VarStats *vs, const Const *c)
{
    const TypeInfo *type = var_type(root, vs);
    const ColumnStats *st = vs->stats;
    double common = 0, below = 0, histogram = DEFAULT_RANGE;
    for (int i = 0; i < st->n_common; i++) {
        common += st->common_freqs[i];
        if (type->compare(type, st->common_values[i], c->constvalue) < 0) below += st->common_freqs[i];
    }
    if (st->n_histogram > 1) {
        int lo = 0, hi = st->n_histogram - 1;
        if (type->compare(type, c->constvalue, st->histogram[0]) <= 0) histogram = 0;
        else if (type->compare(type, c->constvalue, st->histogram[hi]) >= 0) histogram = 1;
        else {
            while (hi - lo > 1) {
                int mid = (lo + hi) / 2;
                if (type->compare(type, st->histogram[mid], c->constvalue) <= 0) lo = mid;
                else hi = mid;
            }
            histogram = (lo + position(type, c->constvalue, st->histogram[lo], st->histogram[hi])) / (st->n_histogram - 1);
        }
    } else if (st->n_common) {
        histogram = 0.5;
    }
    return clamp(below + histogram * (1 - common - st->null_fraction));
}

static double range_selectivity(PlannerInfo *root, const VarStats *vs, Node *other, int strategy)
{
    if (!IsA(other, Const) || !comparable(root, vs, (Const *)other)) return DEFAULT_RANGE;
    double below = fraction_below(root, vs, (Const *)other);
    double s = strategy <= 2 ? below : 1 - (vs->stats->null_fraction) - below;
    double least = 1 / vs->rel->tuples;
    return s < least ? least : clamp(s);
}

/* Names of pattern operators: ~~ ~~* ~ ~* and their negations. */
static double pattern_selectivity(const char *name)
{
    double s = DEFAULT_MATCH;
    return name[0] == '!' ? 1 - s : s;
}

static double opexpr_selectivity(PlannerInfo *root, OpExpr *op)
{
    if (list_len(op->args) != 2) return DEFAULT_UNKNOWN;
    Node *l = list_at(op->args, 0), *r = list_at(op->args, 1);
    int strategy = operator_btree_strategy(op->opno);
    const OperatorInfo *info = operator_by_oid(root->env, op->opno);
    VarStats a, b;
    bool la = examine(root, l, &a), rb = examine(root, r, &b);
    if (info && !strcmp(info->name, "<>")) {
        OpExpr eq = *op;
        eq.opno = info->negator;
        return info->negator ? clamp(1 - opexpr_selectivity(root, &eq)) : 1 - DEFAULT_EQ;
    }
    if (strategy == 3) {
        if (la && rb) return a.rel == b.rel ? DEFAULT_EQ : eq_join(&a, &b);
        if (!la && !rb) return bitset_is_empty(pull_varnos((Node *)op, 0, root->arena)) ? DEFAULT_UNKNOWN : DEFAULT_EQ;
        VarStats *vs = la ? &a : &b;
        Node *other = strip_relabel(la ? r : l);
        return IsA(other, Const) ? eq_const(root, vs, (Const *)other) : eq_unknown(vs);
    }
    if (strategy) {
        if (la && !rb) return range_selectivity(root, &a, strip_relabel(r), strategy);
        if (rb && !la) return range_selectivity(root, &b, strip_relabel(l), 6 - strategy);
        return DEFAULT_RANGE;
    }
    return info && strchr("~!", info->name[0]) && strchr(info->name, '~') ? pattern_selectivity(info->name) : DEFAULT_UNKNOWN;
}

static int array_elements(Node *array)
{
    if (IsA(array, ArrayExpr)) return list_len(((ArrayExpr *)array)->elements);
    if (IsA(array, Const) && !((Const *)array)->constisnull) {
        size_t bytes = varlena_slice(((Const *)array)->constvalue).len;
        return bytes > 24 ? (int)((bytes - 20) / 6) + 1 : 1;
    }
    return 10;
}

static double scalar_array_selectivity(PlannerInfo *root, ScalarArrayOpExpr *sa)
{
    VarStats vs;
    int n = array_elements(list_at(sa->args, 1));
    double one = DEFAULT_EQ;
    const OperatorInfo *info = operator_by_oid(root->env, sa->opno);
    if (examine(root, list_at(sa->args, 0), &vs)) one = eq_unknown(&vs);
    if (info && !strcmp(info->name, "<>")) return clamp(pow(1 - one, n));
    return sa->use_or ? clamp(one * n) : clamp(pow(one, n));
}

static double null_selectivity(PlannerInfo *root, NullTest *nt)
{
    VarStats vs;
    double nulls = 0.005;
    if (examine(root, nt->arg, &vs)) {
        const Attribute *att = vs.rel->rel && vs.var->varattno > 0 ? &vs.rel->rel->desc->atts[vs.var->varattno - 1] : NULL;
        nulls = att && att->not_null ? 0 : vs.stats ? vs.stats->null_fraction : nulls;
    }
    return nt->nulltesttype == IS_NULL ? nulls : 1 - nulls;
}

static double bool_selectivity(PlannerInfo *root, BoolExpr *be, const RelOptInfo *rel)
{
    double s = be->boolop == AND_EXPR ? 1 : 0;
    if (be->boolop == NOT_EXPR) return 1 - clause_selectivity(root, list_first(be->args), rel);
    LIST_EACH(Node *, arg, be->args) {
        double one = clause_selectivity(root, arg, rel);
        s = be->boolop == AND_EXPR ? s * one : s + one - s * one;
    }
    return clamp(s);
}

static double boolvar_selectivity(PlannerInfo *root, Node *var)
{
    VarStats vs;
    if (!examine(root, var, &vs) || !vs.stats) return 0.5;
    Const c = {.tag = T_Const, .consttype = TYPE_bool, .constbyval = true, .constvalue = 1};
    return eq_const(root, &vs, &c);
}

double clause_selectivity(PlannerInfo *root, Node *clause, const RelOptInfo *one_rel)
{
    switch (nodeTag(clause)) {
    case T_Const: return !((Const *)clause)->constisnull && datum_get_bool(((Const *)clause)->constvalue) ? 1 : 0;
    case T_OpExpr: return opexpr_selectivity(root, (OpExpr *)clause);
    case T_BoolExpr: return bool_selectivity(root, (BoolExpr *)clause, one_rel);
    case T_NullTest: return null_selectivity(root, (NullTest *)clause);
    case T_ScalarArrayOpExpr: return scalar_array_selectivity(root, (ScalarArrayOpExpr *)clause);
    case T_DistinctExpr: return 1 - DEFAULT_EQ;
    case T_BooleanTest: return 0.5;
    case T_Var: return boolvar_selectivity(root, clause);
    case T_List: return clauselist_selectivity(root, (List *)clause, one_rel);
    default: return DEFAULT_UNKNOWN;
    }
}

/* A pair x > a AND x < b is one range: with independent thirds PostgreSQL uses 0.005 as the fallback. */
static bool is_range_on(PlannerInfo *root, Node *clause, Node **var, int *direction)
{
    if (!IsA(clause, OpExpr) || list_len(((OpExpr *)clause)->args) != 2) return false;
    int strategy = operator_btree_strategy(((OpExpr *)clause)->opno);
    if (!strategy || strategy == 3) return false;
    Node *l = strip_relabel(list_at(((OpExpr *)clause)->args, 0)), *r = strip_relabel(list_at(((OpExpr *)clause)->args, 1));
    if (IsA(l, Var) && !IsA(r, Var)) *var = l, *direction = strategy > 3 ? 1 : -1;
    else if (IsA(r, Var) && !IsA(l, Var)) *var = r, *direction = strategy > 3 ? -1 : 1;
    else return false;
    return true;
}

double clauselist_selectivity(PlannerInfo *root, List *clauses, const RelOptInfo *one_rel)
{
    double s = 1;
    bool paired[64] = {false};
    for (int i = 0; i < list_len(clauses); i++) {
        Node *ci = list_at(clauses, i), *vi, *vk;
        int di, dk;
        if (i < 64 && paired[i]) continue;
        double si = clause_selectivity(root, ci, one_rel);
        if (is_range_on(root, ci, &vi, &di))
            for (int k = i + 1; k < list_len(clauses) && k < 64; k++)
                if (!paired[k] && is_range_on(root, list_at(clauses, k), &vk, &dk) && dk == -di && node_equal(vi, vk)) {
                    double sk = clause_selectivity(root, list_at(clauses, k), one_rel);
                    bool guess = si == DEFAULT_RANGE && sk == DEFAULT_RANGE;
                    paired[k] = true;
                    si = guess ? DEFAULT_EQ : si + sk - 1 > 0.0000001 ? si + sk - 1 : DEFAULT_EQ;
                    break;
                }
        s *= si;
    }
    return clamp(s);
}

int expr_width(SessionEnv *env, Node *expr)
{
    const TypeInfo *type = catalog_type(env, expr_type(expr));
    int32_t typmod = expr_typmod(expr);
    if (!type) return 32;
    if (type->typlen > 0) return type->typlen;
    if ((type->oid == TYPE_bpchar || type->oid == TYPE_varchar) && typmod > 4) return typmod - 4 < 1000 ? typmod : 512;
    return type->oid == TYPE_name ? 64 : 32;
}
