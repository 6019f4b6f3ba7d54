/* What can be said of an expression without running it: volatility, strictness, cost. */
#include "common/thread.h"
#include "expr/expr_internal.h"

static char proc_volatility(SessionEnv *env, Oid proc)
{
    if (expr_inline_op(proc) >= 0) return 'i';
    const ProcInfo *p = proc_by_oid(env, proc);
    return p ? p->volatility : 'v';
}

static bool proc_strict(SessionEnv *env, Oid proc)
{
    if (expr_inline_op(proc) >= 0) return true;
    const ProcInfo *p = proc_by_oid(env, proc);
    return p && p->strict;
}

static Oid op_proc(SessionEnv *env, Oid opno, Oid opfuncid)
{
    if (opfuncid) return opfuncid;
    const OperatorInfo *op = operator_by_oid(env, opno);
    return op ? op->proc : INVALID_OID;
}

/* The function a node calls, or 0. */
static Oid called_proc(SessionEnv *env, const Node *node)
{
    switch (nodeTag(node)) {
    case T_FuncExpr: return ((const FuncExpr *)node)->funcid;
    case T_OpExpr: return op_proc(env, ((const OpExpr *)node)->opno, ((const OpExpr *)node)->opfuncid);
    case T_DistinctExpr: return op_proc(env, ((const DistinctExpr *)node)->opno, ((const DistinctExpr *)node)->opfuncid);
    case T_NullIfExpr: return op_proc(env, ((const NullIfExpr *)node)->opno, ((const NullIfExpr *)node)->opfuncid);
    case T_ScalarArrayOpExpr: return op_proc(env, ((const ScalarArrayOpExpr *)node)->opno, ((const ScalarArrayOpExpr *)node)->opfuncid);
    default: return INVALID_OID;
    }
}

/* Types whose text forms depend on nothing but the value. */
static bool io_immutable(Oid type)
{
    switch (type) {
    case TYPE_bool: case TYPE_int2: case TYPE_int4: case TYPE_int8: case TYPE_float4: case TYPE_float8: case TYPE_numeric:
    case TYPE_text: case TYPE_varchar: case TYPE_bpchar: case TYPE_name: case TYPE_uuid: case TYPE_oid: case TYPE_char:
    case TYPE_cstring: case TYPE_unknown: case TYPE_json: case TYPE_jsonb: return true;
    default: return false;
    }
}

typedef struct VolatileWalk { SessionEnv *env; bool stable_counts; } VolatileWalk;

static bool volatile_walker(Node *node, void *arg)
{
    VolatileWalk *w = arg;
    if (!node) return false;
    Oid proc = called_proc(w->env, node);
    if (proc) {
        char vol = proc_volatility(w->env, proc);
        if (vol == 'v' || (w->stable_counts && vol == 's')) return true;
    }
    switch (nodeTag(node)) {
    case T_NextValueExpr: case T_CurrentOfExpr: return true;
    case T_SQLValueFunction: if (w->stable_counts) return true; break;
    case T_CoerceViaIO: {
        const CoerceViaIO *e = (const CoerceViaIO *)node;
        if (w->stable_counts && (!io_immutable(e->resulttype) || !io_immutable(expr_type(e->arg)))) return true;
        break;
    }
    case T_CoerceToDomain: if (w->stable_counts) return true; break;
    case T_Query: return query_walk((Query *)node, volatile_walker, arg);
    default: break;
    }
    return node_walk(node, volatile_walker, arg);
}

bool expr_contains_volatile(SessionEnv *env, const Node *expr)
{
    VolatileWalk w = {env, false};
    return expr && volatile_walker((Node *)expr, &w);
}

bool expr_contains_mutable(SessionEnv *env, const Node *expr)
{
    VolatileWalk w = {env, true};
    return expr && volatile_walker((Node *)expr, &w);
}

static bool subplan_walker(Node *node, void *arg)
{
    if (!node) return false;
    if (IsA(node, SubPlan) || IsA(node, SubLink)) return true;
    return node_walk(node, subplan_walker, arg);
}
bool expr_contains_subplan(const Node *expr) { return expr && subplan_walker((Node *)expr, NULL); }

/* ---- strictness ---- */

static bool strict_for(SessionEnv *env, const Node *node, const Bitset *relids, bool null_only);

static bool any_strict(SessionEnv *env, const List *args, const Bitset *relids)
{
    for (int i = 0; i < list_len(args); i++)
        if (strict_for(env, list_at(args, i), relids, true)) return true;
    return false;
}

static bool bool_strict(SessionEnv *env, const BoolExpr *b, const Bitset *relids, bool null_only)
{
    if (b->boolop == NOT_EXPR) return strict_for(env, list_first(b->args), relids, true);
    bool any = b->boolop == AND_EXPR && !null_only;
    for (int i = 0; i < list_len(b->args); i++) {
        bool s = strict_for(env, list_at(b->args, i), relids, null_only);
        if (s == any) return any;
    }
    return !any;
}

/* null_only: must become null; otherwise null or false will do. */
static bool strict_for(SessionEnv *env, const Node *node, const Bitset *relids, bool null_only)
{
    if (!node || failed(stack_check(NULL))) return false;
    switch (nodeTag(node)) {
    case T_Var: {
        const Var *v = (const Var *)node;
        return v->varlevelsup == 0 && v->varattno > 0 && bitset_has(relids, v->varno);
    }
    case T_FuncExpr: {
        const FuncExpr *f = (const FuncExpr *)node;
        return !f->funcretset && proc_strict(env, f->funcid) && any_strict(env, f->args, relids);
    }
    case T_OpExpr: {
        const OpExpr *o = (const OpExpr *)node;
        return !o->opretset && proc_strict(env, called_proc(env, node)) && any_strict(env, o->args, relids);
    }
    case T_ScalarArrayOpExpr: {
        const ScalarArrayOpExpr *s = (const ScalarArrayOpExpr *)node;
        if (null_only || !s->use_or || !proc_strict(env, called_proc(env, node))) return false;
        return any_strict(env, s->args, relids);
    }
    case T_BoolExpr: return bool_strict(env, (const BoolExpr *)node, relids, null_only);
    case T_RelabelType: return strict_for(env, ((const RelabelType *)node)->arg, relids, null_only);
    case T_CollateExpr: return strict_for(env, ((const CollateExpr *)node)->arg, relids, null_only);
    case T_CoerceViaIO: return strict_for(env, ((const CoerceViaIO *)node)->arg, relids, true);
    case T_ArrayCoerceExpr: return strict_for(env, ((const ArrayCoerceExpr *)node)->arg, relids, true);
    case T_NullTest: {
        const NullTest *t = (const NullTest *)node;
        return !null_only && !t->argisrow && t->nulltesttype == IS_NOT_NULL && strict_for(env, t->arg, relids, true);
    }
    case T_BooleanTest: {
        const BooleanTest *t = (const BooleanTest *)node;
        bool false_on_null = t->booltesttype == IS_TRUE || t->booltesttype == IS_FALSE || t->booltesttype == IS_NOT_UNKNOWN;
        return !null_only && false_on_null && strict_for(env, t->arg, relids, true);
    }
    default: return false;
    }
}

bool expr_is_strict_for(SessionEnv *env, const Node *expr, const Bitset *relids) { return strict_for(env, expr, relids, false); }

/* ---- cost ---- */

typedef struct CostWalk { SessionEnv *env; double cost; } CostWalk;

static double list_estimate(const Node *array)
{
    if (IsA(array, ArrayExpr)) return list_len(((const ArrayExpr *)array)->elements);
    return 10;
}

static bool cost_walker(Node *node, void *arg)
{
    CostWalk *w = arg;
    if (!node) return false;
    Oid proc = called_proc(w->env, node);
    if (proc) {
        double cost = 1;
        if (expr_inline_op(proc) < 0) {
            const ProcInfo *p = proc_by_oid(w->env, proc);
            if (p) cost = p->cost;
        }
        if (IsA(node, ScalarArrayOpExpr)) cost *= 0.5 * list_estimate(list_at(((ScalarArrayOpExpr *)node)->args, 1));
        w->cost += cost;
    }
    switch (nodeTag(node)) {
    case T_SubPlan: w->cost += ((SubPlan *)node)->per_call_cost / 0.0025; return false;
    case T_CoerceViaIO: w->cost += 2; break;
    case T_ArrayCoerceExpr: w->cost += 10; break;
    case T_RowCompareExpr: w->cost += list_len(((RowCompareExpr *)node)->largs); break;
    case T_SubscriptingRef: case T_MinMaxExpr: w->cost += 1; break;
    case T_Aggref: case T_WindowFunc: case T_Query: return false;
    default: break;
    }
    return node_walk(node, cost_walker, arg);
}

double expr_cost(SessionEnv *env, const Node *expr)
{
    CostWalk w = {env, 0};
    if (expr) (void)cost_walker((Node *)expr, &w);
    return w.cost;
}
