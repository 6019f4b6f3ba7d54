/* Constant folding. A mutator works from the leaves up; a node whose inputs are all constant and whose code is immutable (or stable, for
 * estimates) is compiled and run on the spot. Errors of such a run are raised at once, as PostgreSQL raises them while planning; branches
 * that a constant condition rules out are dropped before they are looked at. */
#include "common/thread.h"
#include "expr/expr_internal.h"

typedef struct Fold {
    SessionEnv *env;
    const ParamList *params;
    bool estimate;
    Arena *arena;
    Error *err;
    Node *case_value; /* constant CASE argument; NULL: unknown */
    bool failed;
} Fold;

static Node *fold(Node *node, void *arg);

static Node *fold_failed(Fold *f, Error *err)
{
    f->failed = true;
    (void)err;
    return NULL;
}
static Node *fold_memory(Fold *f)
{
    (void)error_out_of_memory(f->err, 0);
    return fold_failed(f, f->err);
}

static bool is_const(const Node *n) { return IsA(n, Const); }
static bool is_null_const(const Node *n) { return IsA(n, Const) && ((const Const *)n)->constisnull; }
static bool is_true_const(const Node *n) { return IsA(n, Const) && !((const Const *)n)->constisnull && ((const Const *)n)->constvalue; }
static bool is_false_const(const Node *n) { return IsA(n, Const) && !((const Const *)n)->constisnull && !((const Const *)n)->constvalue; }

static Node *new_const(Fold *f, Oid type, int32_t typmod, Oid collation, Datum v, bool isnull)
{
    const TypeInfo *t = type_builtin(type);
    if (!t && failed(type_require(f->env, type, &t, f->err))) return fold_failed(f, f->err);
    Datum copy = 0;
    if (!isnull && failed(datum_copy(f->arena, v, t->byval, t->typlen, &copy, f->err))) return fold_failed(f, f->err);
    Const *c = make_const(f->arena, t, typmod, copy, isnull);
    if (!c) return fold_memory(f);
    c->constcollid = collation;
    return (Node *)c;
}
static Node *bool_const(Fold *f, bool v, bool isnull) { return new_const(f, TYPE_bool, -1, INVALID_OID, v, isnull); }

/* Runs a node over constants. */
static Node *evaluate(Fold *f, Node *node)
{
    Arena scratch;
    ExprProgram *prog;
    Datum v;
    bool isnull;
    Node *out = NULL;
    arena_init(&scratch, NULL, 512);
    ExprContext ec = {.tuple_arena = &scratch, .query_arena = &scratch, .env = f->env, .params = f->params};
    if (failed(expr_compile(f->env, node, &scratch, &prog, f->err)) || failed(expr_eval(prog, &ec, &v, &isnull, f->err))) {
        out = fold_failed(f, f->err);
    } else {
        out = new_const(f, expr_type(node), expr_typmod(node), expr_collation(node), v, isnull);
    }
    arena_destroy(&scratch);
    return out;
}

static bool all_const(const List *args)
{
    for (int i = 0; i < list_len(args); i++)
        if (!is_const(list_at(args, i))) return false;
    return true;
}
static bool any_null(const List *args)
{
    for (int i = 0; i < list_len(args); i++)
        if (is_null_const(list_at(args, i))) return true;
    return false;
}

/* A call whose arguments have been folded. */
static Node *fold_call(Fold *f, Node *node, Oid proc, const List *args, bool retset, bool strict_matters)
{
    bool inlined = expr_inline_op(proc) >= 0, strict = true, ok = true;
    if (retset) return node;
    if (!inlined) {
        if (!all_const(args) && !any_null(args)) return node;
        const ProcInfo *p = proc_by_oid(f->env, proc);
        if (!p || p->retset || p->kind != 'f') return node;
        strict = p->strict;
        ok = p->volatility == 'i' || (f->estimate && p->volatility == 's');
        if (p->result == TYPE_record || (!builtin_function(proc) && p->language != 'i')) ok = false;
    }
    if (strict_matters && strict && any_null(args)) return new_const(f, expr_type(node), expr_typmod(node), expr_collation(node), 0, true);
    return ok && all_const(args) ? evaluate(f, node) : node;
}

/* Folds AND/OR arguments in order; stops at one that decides. */
static Node *fold_bool(Fold *f, BoolExpr *b)
{
    if (b->boolop == NOT_EXPR) {
        Node *arg = fold(list_first(b->args), f);
        if (!arg) return NULL;
        if (is_const(arg)) return bool_const(f, !((Const *)arg)->constvalue, ((Const *)arg)->constisnull);
        if (IsA(arg, BoolExpr) && ((BoolExpr *)arg)->boolop == NOT_EXPR) return list_first(((BoolExpr *)arg)->args);
        if (arg == list_first(b->args)) return (Node *)b;
        BoolExpr *n = node_new(BoolExpr, f->arena);
        if (!n || !(n->args = list_append(NULL, f->arena, arg))) return fold_memory(f);
        n->boolop = NOT_EXPR;
        n->location = b->location;
        return (Node *)n;
    }
    bool is_and = b->boolop == AND_EXPR, saw_null = false, changed = false;
    List *kept = NULL;
    for (int i = 0; i < list_len(b->args); i++) {
        Node *old = list_at(b->args, i), *arg = fold(old, f);
        if (!arg) return NULL;
        changed |= arg != old;
        if (is_and ? is_false_const(arg) : is_true_const(arg)) return bool_const(f, !is_and, false);
        if (is_const(arg)) {
            saw_null |= is_null_const(arg);
            changed = true;
            continue;
        }
        bool same = IsA(arg, BoolExpr) && ((BoolExpr *)arg)->boolop == b->boolop;
        List *more = same ? list_concat(kept, ((BoolExpr *)arg)->args, f->arena) : list_append(kept, f->arena, arg);
        if (!more) return fold_memory(f);
        changed |= same;
        kept = more;
    }
    if (!changed) return (Node *)b;
    if (saw_null) {
        Node *null = bool_const(f, false, true);
        if (!null) return NULL;
        if (!list_len(kept)) return null;
        if (!(kept = list_append(kept, f->arena, null))) return fold_memory(f);
    }
    if (!list_len(kept)) return bool_const(f, is_and, false);
    if (list_len(kept) == 1) return list_first(kept);
    BoolExpr *n = node_new(BoolExpr, f->arena);
    if (!n) return fold_memory(f);
    n->boolop = b->boolop;
    n->args = kept;
    n->location = b->location;
    return (Node *)n;
}

static Node *fold_case(Fold *f, CaseExpr *e)
{
    Node *saved = f->case_value, *arg = NULL;
    List *whens = NULL;
    Node *defresult = NULL;
    bool decided = false;
    if (e->arg && !(arg = fold(e->arg, f))) return NULL;
    for (int i = 0; i < list_len(e->args) && !decided; i++) {
        CaseWhen *w = list_at(e->args, i);
        if (e->arg) f->case_value = is_const(arg) ? arg : NULL;
        Node *cond = fold(w->expr, f);
        f->case_value = saved;
        if (!cond) return NULL;
        if (is_const(cond) && !is_true_const(cond)) continue;
        Node *result = fold(w->result, f);
        if (!result) return NULL;
        if (is_true_const(cond)) {
            defresult = result;
            decided = true;
            break;
        }
        CaseWhen *n = node_new(CaseWhen, f->arena);
        if (!n) return fold_memory(f);
        n->expr = cond;
        n->result = result;
        n->location = w->location;
        if (!(whens = list_append(whens, f->arena, n))) return fold_memory(f);
    }
    if (!decided && e->defresult && !(defresult = fold(e->defresult, f))) return NULL;
    if (!list_len(whens)) return defresult ? defresult : new_const(f, e->casetype, -1, e->casecollid, 0, true);
    CaseExpr *n = node_new(CaseExpr, f->arena);
    if (!n) return fold_memory(f);
    *n = *e;
    n->arg = arg;
    n->args = whens;
    n->defresult = defresult;
    return (Node *)n;
}

static Node *fold_coalesce(Fold *f, CoalesceExpr *e)
{
    List *kept = NULL;
    for (int i = 0; i < list_len(e->args); i++) {
        Node *arg = fold(list_at(e->args, i), f);
        if (!arg) return NULL;
        if (is_null_const(arg)) continue;
        if (!(kept = list_append(kept, f->arena, arg))) return fold_memory(f);
        if (is_const(arg)) break;
    }
    if (!list_len(kept)) return new_const(f, e->coalescetype, -1, e->coalescecollid, 0, true);
    if (list_len(kept) == 1) return list_first(kept);
    CoalesceExpr *n = node_new(CoalesceExpr, f->arena);
    if (!n) return fold_memory(f);
    *n = *e;
    n->args = kept;
    return (Node *)n;
}

static Node *fold_param(Fold *f, Param *p)
{
    const ParamList *pl = f->params;
    if (p->paramkind != PARAM_EXTERN || !pl || p->paramid < 1 || p->paramid > pl->n || !pl->values) return (Node *)p;
    int i = p->paramid - 1;
    if (pl->types && pl->types[i] && pl->types[i] != p->paramtype) return (Node *)p;
    return new_const(f, p->paramtype, p->paramtypmod, p->paramcollid, pl->values[i], pl->nulls && pl->nulls[i]);
}

static Node *relabel_const(Fold *f, Const *c, Oid type, int32_t typmod, Oid collation)
{
    Const *n = node_new(Const, f->arena);
    if (!n) return fold_memory(f);
    *n = *c;
    n->consttype = type;
    n->consttypmod = typmod;
    n->constcollid = collation;
    return (Node *)n;
}

static Node *fold_null_test(Fold *f, NullTest *t)
{
    if (!is_const(t->arg) || t->argisrow) return (Node *)t;
    return bool_const(f, is_null_const(t->arg) == (t->nulltesttype == IS_NULL), false);
}

/* The node after its children were folded. */
static Node *fold_node(Fold *f, Node *node)
{
    switch (nodeTag(node)) {
    case T_FuncExpr: return fold_call(f, node, ((FuncExpr *)node)->funcid, ((FuncExpr *)node)->args, ((FuncExpr *)node)->funcretset, true);
    case T_OpExpr: return fold_call(f, node, ((OpExpr *)node)->opfuncid, ((OpExpr *)node)->args, ((OpExpr *)node)->opretset, true);
    case T_DistinctExpr: return fold_call(f, node, ((DistinctExpr *)node)->opfuncid, ((DistinctExpr *)node)->args, false, false);
    case T_NullIfExpr: return fold_call(f, node, ((NullIfExpr *)node)->opfuncid, ((NullIfExpr *)node)->args, false, false);
    case T_ScalarArrayOpExpr: return fold_call(f, node, ((ScalarArrayOpExpr *)node)->opfuncid, ((ScalarArrayOpExpr *)node)->args, false, false);
    case T_NullTest: return fold_null_test(f, (NullTest *)node);
    case T_BooleanTest: return is_const(((BooleanTest *)node)->arg) ? evaluate(f, node) : node;
    case T_MinMaxExpr: return all_const(((MinMaxExpr *)node)->args) ? evaluate(f, node) : node;
    case T_ArrayExpr: return all_const(((ArrayExpr *)node)->elements) ? evaluate(f, node) : node;
    case T_RelabelType: {
        RelabelType *r = (RelabelType *)node;
        return is_const(r->arg) ? relabel_const(f, (Const *)r->arg, r->resulttype, r->resulttypmod, r->resultcollid) : node;
    }
    case T_CollateExpr: {
        CollateExpr *r = (CollateExpr *)node;
        Const *c = (Const *)r->arg;
        return is_const(r->arg) ? relabel_const(f, c, c->consttype, c->consttypmod, r->collOid) : node;
    }
    case T_CoerceViaIO:
        if (!is_const(((CoerceViaIO *)node)->arg)) return node;
        return f->estimate || !expr_contains_mutable(f->env, node) ? evaluate(f, node) : node;
    case T_ArrayCoerceExpr:
        if (!is_const(((ArrayCoerceExpr *)node)->arg)) return node;
        return !(f->estimate ? expr_contains_volatile(f->env, node) : expr_contains_mutable(f->env, node)) ? evaluate(f, node) : node;
    case T_SubscriptingRef: {
        SubscriptingRef *s = (SubscriptingRef *)node;
        bool ok = !s->refassgnexpr && is_const(s->refexpr) && all_const(s->refupperindexpr) && all_const(s->reflowerindexpr);
        return ok ? evaluate(f, node) : node;
    }
    case T_FieldSelect: {
        FieldSelect *s = (FieldSelect *)node;
        if (!IsA(s->arg, RowExpr) || s->fieldnum < 1 || s->fieldnum > list_len(((RowExpr *)s->arg)->args)) return node;
        Node *field = list_at(((RowExpr *)s->arg)->args, s->fieldnum - 1);
        return expr_type(field) == s->resulttype ? field : node;
    }
    case T_SQLValueFunction: return f->estimate && f->env->cat ? evaluate(f, node) : node;
    default: return node;
    }
}

static Node *fold(Node *node, void *arg)
{
    Fold *f = arg;
    if (!node) return NULL;
    if (failed(stack_check(f->err))) return fold_failed(f, f->err);
    switch (nodeTag(node)) {
    case T_Const: case T_Var: case T_Aggref: case T_WindowFunc: case T_SubLink: case T_Query: break;
    case T_Param: return fold_param(f, (Param *)node);
    case T_BoolExpr: return fold_bool(f, (BoolExpr *)node);
    case T_CaseExpr: return fold_case(f, (CaseExpr *)node);
    case T_CoalesceExpr: return fold_coalesce(f, (CoalesceExpr *)node);
    case T_CaseTestExpr: return f->case_value ? f->case_value : node;
    case T_ArrayCoerceExpr: { /* its element expression has a CaseTestExpr of its own */
        Node *saved = f->case_value;
        f->case_value = NULL;
        Node *n = node_mutate(node, fold, f, f->arena);
        f->case_value = saved;
        return n && !f->failed ? fold_node(f, n) : NULL;
    }
    default: {
        Node *n = node_mutate(node, fold, f, f->arena);
        if (!n && !f->failed) return fold_memory(f);
        return n ? fold_node(f, n) : NULL;
    }
    }
    if (IsA(node, Aggref) || IsA(node, WindowFunc) || IsA(node, SubLink)) {
        Node *n = node_mutate(node, fold, f, f->arena);
        if (!n && !f->failed) return fold_memory(f);
        return n;
    }
    return node;
}

STATUS expr_fold(SessionEnv *env, Node *expr, const ParamList *params, bool estimate, Arena *arena, Node **out, Error *err)
{
    Error local = ERROR_INIT;
    Fold f = {.env = env, .params = params, .estimate = estimate, .arena = arena, .err = err ? err : &local};
    *out = expr;
    if (!expr) return ST_OK;
    Node *n = nodeTag(expr) == T_List ? node_mutate(expr, fold, &f, arena) : fold(expr, &f);
    error_clear(&local);
    if (!n) return error_is_set(err) ? ST_FAILED : error_out_of_memory(err, 0);
    *out = n;
    return ST_OK;
}
