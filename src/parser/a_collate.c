/* Collations (manual 24.2.2): explicit wins, else the one implicit that is not the default. All collations here order by bytes, so what matters is
 * which OID a node reports and that two different explicit ones are an error. */
#include "parser/parse_state.h"

typedef enum Strength { COLL_NONE, COLL_IMPLICIT, COLL_CONFLICT, COLL_EXPLICIT } Strength;
typedef struct Derived { Oid collation; Strength strength; int location; } Derived;
typedef struct Collector { ParseState *ps; Derived all; bool failed; } Collector;

static bool collect(Node *n, void *arg);

static bool merge(Collector *c, Derived d)
{
    Derived *a = &c->all;
    if (d.strength > a->strength) { *a = d; return false; }
    if (d.strength < a->strength || d.collation == a->collation || d.strength == COLL_NONE) return false;
    if (d.strength == COLL_IMPLICIT) {
        if (a->collation == DEFAULT_COLLATION) *a = d;
        else if (d.collation != DEFAULT_COLLATION) *a = (Derived){0, COLL_CONFLICT, d.location};
        return false;
    }
    if (d.strength != COLL_EXPLICIT) return false;
    const char *x = collation_name_of(c->ps->env, a->collation, c->ps->arena), *y = collation_name_of(c->ps->env, d.collation, c->ps->arena);
    PS_ERROR(c->ps, d.location, ERR_COLLATION_MISMATCH, "collation mismatch between explicit collations \"%s\" and \"%s\"", x ? x : "?", y ? y : "?");
    return c->failed = true;
}

/* A child whose collation does not reach its parent. */
static bool apart(Collector *c, Node *n)
{
    Collector own = {.ps = c->ps};
    if (!n) return false;
    if (n->tag == T_List) {
        LIST_EACH(Node *, item, (List *)n)
            if (apart(c, item)) return true;
        return false;
    }
    collect(n, &own);
    return c->failed = c->failed || own.failed;
}

static void set_input(Node *n, Oid coll)
{
    switch (n->tag) {
    case T_Aggref: ((Aggref *)n)->inputcollid = coll; break;
    case T_WindowFunc: ((WindowFunc *)n)->inputcollid = coll; break;
    case T_FuncExpr: ((FuncExpr *)n)->inputcollid = coll; break;
    case T_OpExpr: ((OpExpr *)n)->inputcollid = coll; break;
    case T_DistinctExpr: ((DistinctExpr *)n)->inputcollid = coll; break;
    case T_NullIfExpr: ((NullIfExpr *)n)->inputcollid = coll; break;
    case T_ScalarArrayOpExpr: ((ScalarArrayOpExpr *)n)->inputcollid = coll; break;
    case T_MinMaxExpr: ((MinMaxExpr *)n)->inputcollid = coll; break;
    default: break;
    }
}

static void set_result(Node *n, Oid coll)
{
    switch (n->tag) {
    case T_Aggref: ((Aggref *)n)->aggcollid = coll; break;
    case T_WindowFunc: ((WindowFunc *)n)->wincollid = coll; break;
    case T_FuncExpr: ((FuncExpr *)n)->funccollid = coll; break;
    case T_OpExpr: ((OpExpr *)n)->opcollid = coll; break;
    case T_NullIfExpr: ((NullIfExpr *)n)->opcollid = coll; break;
    case T_MinMaxExpr: ((MinMaxExpr *)n)->minmaxcollid = coll; break;
    case T_CaseExpr: ((CaseExpr *)n)->casecollid = coll; break;
    case T_CoalesceExpr: ((CoalesceExpr *)n)->coalescecollid = coll; break;
    case T_ArrayExpr: ((ArrayExpr *)n)->array_collid = coll; break;
    case T_SubscriptingRef: ((SubscriptingRef *)n)->refcollid = coll; break;
    case T_RelabelType: ((RelabelType *)n)->resultcollid = coll; break;
    case T_CoerceViaIO: ((CoerceViaIO *)n)->resultcollid = coll; break;
    case T_ArrayCoerceExpr: ((ArrayCoerceExpr *)n)->resultcollid = coll; break;
    case T_CoerceToDomain: ((CoerceToDomain *)n)->resultcollid = coll; break;
    default: break;
    }
}

static bool children(Collector *own, Node *n)
{
    switch (n->tag) {
    case T_CaseExpr: {
        CaseExpr *c = (CaseExpr *)n;
        if (apart(own, c->arg)) return true;
        LIST_EACH(CaseWhen *, w, c->args)
            if (apart(own, w->expr) || collect(w->result, own)) return true;
        return c->defresult && collect(c->defresult, own);
    }
    case T_Aggref: {
        Aggref *a = (Aggref *)n;
        if (apart(own, a->aggfilter)) return true;
        if (a->aggkind == 'n') {
            LIST_EACH(TargetEntry *, te, a->args)
                if (te->resjunk ? apart(own, te->expr) : collect(te->expr, own)) return true;
            return false;
        }
        if (node_walk((Node *)a->aggdirectargs, collect, own)) return true;
        return node_walk((Node *)a->args, collect, own);
    }
    case T_WindowFunc: return apart(own, ((WindowFunc *)n)->aggfilter) || node_walk((Node *)((WindowFunc *)n)->args, collect, own);
    case T_SubscriptingRef: {
        SubscriptingRef *s = (SubscriptingRef *)n;
        return apart(own, (Node *)s->refupperindexpr) || apart(own, (Node *)s->reflowerindexpr) || (s->refassgnexpr && apart(own, s->refassgnexpr)) ||
            (s->refexpr && collect(s->refexpr, own));
    }
    case T_ArrayCoerceExpr: return collect(((ArrayCoerceExpr *)n)->arg, own);
    default: return node_walk(n, collect, own);
    }
}

static bool collect(Node *n, void *arg)
{
    Collector *parent = arg, own = {.ps = parent->ps};
    int location = expr_location(n);
    if (failed(stack_check(parent->ps->err))) return parent->failed = true;
    switch (n->tag) {
    case T_Query: return false; /* done when it was analysed */
    case T_Var: case T_Const: case T_Param: case T_CaseTestExpr: case T_CoerceToDomainValue: case T_SetToDefault: case T_SQLValueFunction: {
        Oid coll = expr_collation(n);
        return merge(parent, (Derived){coll, coll ? COLL_IMPLICIT : COLL_NONE, location});
    }
    case T_CollateExpr:
        if (apart(parent, ((CollateExpr *)n)->arg)) return true;
        return merge(parent, (Derived){((CollateExpr *)n)->collOid, COLL_EXPLICIT, ((CollateExpr *)n)->location});
    case T_RowExpr: case T_RowCompareExpr: case T_FieldStore: case T_FromExpr: case T_JoinExpr: case T_OnConflictExpr: case T_BoolExpr:
    case T_NullTest: case T_BooleanTest: case T_SetOperationStmt: case T_GroupingFunc: {
        Collector each;
        (void)each;
        if (n->tag == T_SetOperationStmt) return false;
        own.all = (Derived){0};
        if (n->tag == T_RowExpr) return apart(parent, (Node *)((RowExpr *)n)->args);
        if (n->tag == T_RowCompareExpr) return apart(parent, (Node *)((RowCompareExpr *)n)->largs) || apart(parent, (Node *)((RowCompareExpr *)n)->rargs);
        if (n->tag == T_BoolExpr) return apart(parent, (Node *)((BoolExpr *)n)->args);
        if (n->tag == T_FromExpr) return apart(parent, (Node *)((FromExpr *)n)->fromlist) || apart(parent, ((FromExpr *)n)->quals);
        if (n->tag == T_JoinExpr)
            return apart(parent, ((JoinExpr *)n)->larg) || apart(parent, ((JoinExpr *)n)->rarg) || apart(parent, ((JoinExpr *)n)->quals);
        if (n->tag == T_OnConflictExpr)
            return apart(parent, (Node *)((OnConflictExpr *)n)->onConflictSet) || apart(parent, ((OnConflictExpr *)n)->onConflictWhere);
        node_walk(n, collect, &own);
        return parent->failed = parent->failed || own.failed;
    }
    case T_SubLink: {
        SubLink *s = (SubLink *)n;
        if (s->testexpr && apart(parent, s->testexpr)) return true;
        Oid coll = expr_collation(n);
        return merge(parent, (Derived){coll, coll ? COLL_IMPLICIT : COLL_NONE, location});
    }
    case T_TargetEntry: return collect(((TargetEntry *)n)->expr, arg);
    default: break;
    }
    if (children(&own, n) || own.failed) return parent->failed = true;
    set_input(n, own.all.collation);
    Oid type_coll = ps_collation(own.ps, expr_type(n));
    if (!type_coll) {
        set_result(n, 0);
        return false;
    }
    bool resets = n->tag == T_CoerceViaIO || (own.all.strength == COLL_NONE);
    if (n->tag == T_FieldSelect) return merge(parent, (Derived){expr_collation(n), COLL_IMPLICIT, location});
    Derived d = resets ? (Derived){type_coll, COLL_IMPLICIT, location} : own.all;
    if (n->tag == T_CoerceToDomain && d.strength != COLL_EXPLICIT) d.collation = type_coll;
    set_result(n, d.collation ? d.collation : DEFAULT_COLLATION);
    return merge(parent, d);
}

Status assign_collations(ParseState *ps, Node *expr)
{
    Collector c = {.ps = ps};
    apart(&c, expr);
    return c.failed ? ST_FAILED : ST_OK;
}

Status common_collation(ParseState *ps, const List *exprs, bool none_ok, Oid *out)
{
    Collector c = {.ps = ps};
    LIST_EACH(Node *, e, exprs)
        if (collect(e, &c)) return ST_FAILED;
    *out = c.all.collation;
    return ST_OK;
}

Status assign_query_collations(ParseState *ps, Query *q)
{
    Node *parts[] = {(Node *)q->targetList, (Node *)q->jointree, (Node *)q->onConflict, (Node *)q->returningList, q->havingQual, q->limitOffset, q->limitCount};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) TRY(assign_collations(ps, parts[i]));
    LIST_EACH(WindowClause *, w, q->windowClause) {
        TRY(assign_collations(ps, w->startOffset));
        TRY(assign_collations(ps, w->endOffset));
    }
    return ST_OK;
}
