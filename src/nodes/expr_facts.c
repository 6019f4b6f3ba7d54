/* Type, typmod, collation and place of an expression: one row per node type. */
#include <stddef.h>

#include "common/thread.h"
#include "nodes/nodes.h"

/* Where a node's location comes from: its own field only, or the leftmost of it and of its first argument(s). */
typedef enum LocationRule { LOC_OWN, LOC_ARG, LOC_ARGS } LocationRule;

typedef struct ExprFacts {
    Oid fixed_type;  /* type when it has no field */
    uint16_t type, typmod, collation, location, arg; /* offsets; 0: no such field */
    uint8_t rule;
} ExprFacts;

#define OF(T, field) offsetof(T, field)
static const ExprFacts facts[T_COUNT] = {
    [T_Var] = {0, OF(Var, vartype), OF(Var, vartypmod), OF(Var, varcollid), OF(Var, location)},
    [T_Const] = {0, OF(Const, consttype), OF(Const, consttypmod), OF(Const, constcollid), OF(Const, location)},
    [T_Param] = {0, OF(Param, paramtype), OF(Param, paramtypmod), OF(Param, paramcollid), OF(Param, location)},
    [T_Aggref] = {0, OF(Aggref, aggtype), 0, OF(Aggref, aggcollid), OF(Aggref, location)},
    [T_GroupingFunc] = {TYPE_int4, 0, 0, 0, OF(GroupingFunc, location)},
    [T_WindowFunc] = {0, OF(WindowFunc, wintype), 0, OF(WindowFunc, wincollid), OF(WindowFunc, location)},
    [T_SubscriptingRef] = {0, OF(SubscriptingRef, refrestype), OF(SubscriptingRef, reftypmod), OF(SubscriptingRef, refcollid), 0,
                           OF(SubscriptingRef, refexpr), LOC_ARG},
    [T_FuncExpr] = {0, OF(FuncExpr, funcresulttype), 0, OF(FuncExpr, funccollid), OF(FuncExpr, location), OF(FuncExpr, args), LOC_ARGS},
    [T_NamedArgExpr] = {0, 0, 0, 0, OF(NamedArgExpr, location), OF(NamedArgExpr, arg), LOC_ARG},
    [T_OpExpr] = {0, OF(OpExpr, opresulttype), 0, OF(OpExpr, opcollid), OF(OpExpr, location), OF(OpExpr, args), LOC_ARGS},
    [T_DistinctExpr] = {TYPE_bool, 0, 0, 0, OF(DistinctExpr, location), OF(DistinctExpr, args), LOC_ARGS},
    [T_NullIfExpr] = {0, OF(NullIfExpr, opresulttype), 0, OF(NullIfExpr, opcollid), OF(NullIfExpr, location), OF(NullIfExpr, args), LOC_ARGS},
    [T_ScalarArrayOpExpr] = {TYPE_bool, 0, 0, 0, OF(ScalarArrayOpExpr, location), OF(ScalarArrayOpExpr, args), LOC_ARGS},
    [T_BoolExpr] = {TYPE_bool, 0, 0, 0, OF(BoolExpr, location), OF(BoolExpr, args), LOC_ARGS},
    [T_SubLink] = {TYPE_bool, 0, 0, 0, OF(SubLink, location), OF(SubLink, testexpr), LOC_ARG},
    [T_SubPlan] = {TYPE_bool, 0, 0, 0, 0},
    [T_FieldSelect] = {0, OF(FieldSelect, resulttype), OF(FieldSelect, resulttypmod), OF(FieldSelect, resultcollid), 0,
                       OF(FieldSelect, arg), LOC_ARG},
    [T_FieldStore] = {0, OF(FieldStore, resulttype), 0, 0, 0, OF(FieldStore, arg), LOC_ARG},
    [T_RelabelType] = {0, OF(RelabelType, resulttype), OF(RelabelType, resulttypmod), OF(RelabelType, resultcollid),
                       OF(RelabelType, location), OF(RelabelType, arg), LOC_ARG},
    [T_CoerceViaIO] = {0, OF(CoerceViaIO, resulttype), 0, OF(CoerceViaIO, resultcollid), OF(CoerceViaIO, location),
                       OF(CoerceViaIO, arg), LOC_ARG},
    [T_ArrayCoerceExpr] = {0, OF(ArrayCoerceExpr, resulttype), OF(ArrayCoerceExpr, resulttypmod), OF(ArrayCoerceExpr, resultcollid),
                           OF(ArrayCoerceExpr, location), OF(ArrayCoerceExpr, arg), LOC_ARG},
    [T_ConvertRowtypeExpr] = {0, OF(ConvertRowtypeExpr, resulttype), 0, 0, OF(ConvertRowtypeExpr, location), OF(ConvertRowtypeExpr, arg), LOC_ARG},
    [T_CollateExpr] = {0, 0, 0, OF(CollateExpr, collOid), OF(CollateExpr, location), OF(CollateExpr, arg), LOC_ARG},
    [T_CaseExpr] = {0, OF(CaseExpr, casetype), 0, OF(CaseExpr, casecollid), OF(CaseExpr, location)},
    [T_CaseWhen] = {0, 0, 0, 0, OF(CaseWhen, location), OF(CaseWhen, result), LOC_OWN},
    [T_CaseTestExpr] = {0, OF(CaseTestExpr, typeId), OF(CaseTestExpr, typeMod), OF(CaseTestExpr, collation), 0},
    [T_ArrayExpr] = {0, OF(ArrayExpr, array_typeid), 0, OF(ArrayExpr, array_collid), OF(ArrayExpr, location)},
    [T_RowExpr] = {0, OF(RowExpr, row_typeid), 0, 0, OF(RowExpr, location)},
    [T_RowCompareExpr] = {TYPE_bool, 0, 0, 0, 0, OF(RowCompareExpr, largs), LOC_ARGS},
    [T_CoalesceExpr] = {0, OF(CoalesceExpr, coalescetype), 0, OF(CoalesceExpr, coalescecollid), OF(CoalesceExpr, location)},
    [T_MinMaxExpr] = {0, OF(MinMaxExpr, minmaxtype), 0, OF(MinMaxExpr, minmaxcollid), OF(MinMaxExpr, location)},
    [T_SQLValueFunction] = {0, OF(SQLValueFunction, type), OF(SQLValueFunction, typmod), 0, OF(SQLValueFunction, location)},
    [T_NullTest] = {TYPE_bool, 0, 0, 0, OF(NullTest, location), OF(NullTest, arg), LOC_ARG},
    [T_BooleanTest] = {TYPE_bool, 0, 0, 0, OF(BooleanTest, location), OF(BooleanTest, arg), LOC_ARG},
    [T_CoerceToDomain] = {0, OF(CoerceToDomain, resulttype), OF(CoerceToDomain, resulttypmod), OF(CoerceToDomain, resultcollid),
                          OF(CoerceToDomain, location), OF(CoerceToDomain, arg), LOC_ARG},
    [T_CoerceToDomainValue] = {0, OF(CoerceToDomainValue, typeId), OF(CoerceToDomainValue, typeMod), OF(CoerceToDomainValue, collation),
                               OF(CoerceToDomainValue, location)},
    [T_SetToDefault] = {0, OF(SetToDefault, typeId), OF(SetToDefault, typeMod), OF(SetToDefault, collation), OF(SetToDefault, location)},
    [T_NextValueExpr] = {0, OF(NextValueExpr, typeId), 0, 0, 0},
    [T_CurrentOfExpr] = {TYPE_bool, 0, 0, 0, 0},
    [T_TargetEntry] = {0, 0, 0, 0, 0, OF(TargetEntry, expr), LOC_ARG},
};

static const ExprFacts *facts_of(const Node *n) { return &facts[n->tag < T_COUNT ? n->tag : T_Invalid]; }
#define FIELD_AT(ctype, node, offset) (*(ctype const *)((const char *)(node) + (offset)))

/* The argument whose type is the node's own, for nodes without a type field. */
static const Node *transparent_arg(const Node *n)
{
    switch (n->tag) {
    case T_NamedArgExpr: return ((const NamedArgExpr *)n)->arg;
    case T_CollateExpr: return ((const CollateExpr *)n)->arg;
    case T_CaseWhen: return ((const CaseWhen *)n)->result;
    case T_TargetEntry: return ((const TargetEntry *)n)->expr;
    default: return NULL;
    }
}

Oid expr_type(const Node *n)
{
    while (n) {
        const ExprFacts *f = facts_of(n);
        const SubPlan *sp = (const SubPlan *)n;
        const TypeInfo *type;
        if (f->type) return FIELD_AT(Oid, n, f->type);
        if (n->tag == T_SubLink && ((const SubLink *)n)->resulttype) return ((const SubLink *)n)->resulttype;
        if (n->tag == T_SubPlan && sp->subLinkType == EXPR_SUBLINK) return sp->firstColType;
        if (n->tag == T_SubPlan && sp->subLinkType == MULTIEXPR_SUBLINK) return TYPE_record;
        if (n->tag == T_SubPlan && sp->subLinkType == ARRAY_SUBLINK)
            return (type = type_builtin(sp->firstColType)) && type->array ? type->array : sp->firstColType;
        if (f->fixed_type) return f->fixed_type;
        n = transparent_arg(n);
    }
    return INVALID_OID;
}

/* The typmod that all results of a CASE and the like share, else -1. */
static int32_t common_typmod(Oid type, const List *args, const Node *first)
{
    int32_t typmod = -1;
    bool seen = false;
    if (first) {
        if (expr_type(first) != type || (typmod = expr_typmod(first)) < 0) return -1;
        seen = true;
    }
    LIST_EACH(const Node *, arg, args) {
        const Node *e = IsA(arg, CaseWhen) ? ((const CaseWhen *)arg)->result : arg;
        if (expr_type(e) != type) return -1;
        int32_t t = expr_typmod(e);
        if (t < 0 || (seen && t != typmod)) return -1;
        typmod = t;
        seen = true;
    }
    return typmod;
}

/* A length coercion function carries its typmod as second argument. */
static int32_t function_typmod(const FuncExpr *f)
{
    if (f->funcformat != COERCE_EXPLICIT_CAST && f->funcformat != COERCE_IMPLICIT_CAST) return -1;
    if (list_len(f->args) < 2 || list_len(f->args) > 3) return -1;
    const Const *c = list_at(f->args, 1);
    return IsA(c, Const) && c->consttype == TYPE_int4 && !c->constisnull ? datum_get_i32(c->constvalue) : -1;
}

static int32_t subquery_typmod(const SubLink *s)
{
    const Query *q = (const Query *)s->subselect;
    if ((s->subLinkType != EXPR_SUBLINK && s->subLinkType != ARRAY_SUBLINK) || !IsA(q, Query) || !q->targetList) return -1;
    return expr_typmod(list_first(q->targetList));
}

int32_t expr_typmod(const Node *n)
{
    while (n) {
        const ExprFacts *f = facts_of(n);
        if (failed(stack_check(NULL))) return -1;
        if (f->typmod) return FIELD_AT(int32_t, n, f->typmod);
        switch (n->tag) {
        case T_FuncExpr: return function_typmod((const FuncExpr *)n);
        case T_NullIfExpr: return expr_typmod(list_first(((const NullIfExpr *)n)->args));
        case T_SubLink: return subquery_typmod((const SubLink *)n);
        case T_SubPlan: return ((const SubPlan *)n)->firstColTypmod;
        case T_CaseExpr:
            if (!((const CaseExpr *)n)->defresult) return -1;
            return common_typmod(((const CaseExpr *)n)->casetype, ((const CaseExpr *)n)->args, ((const CaseExpr *)n)->defresult);
        case T_CoalesceExpr: return common_typmod(((const CoalesceExpr *)n)->coalescetype, ((const CoalesceExpr *)n)->args, NULL);
        case T_MinMaxExpr: return common_typmod(((const MinMaxExpr *)n)->minmaxtype, ((const MinMaxExpr *)n)->args, NULL);
        default: break;
        }
        if (f->type) return -1;
        n = transparent_arg(n);
    }
    return -1;
}

Oid expr_collation(const Node *n)
{
    while (n) {
        const ExprFacts *f = facts_of(n);
        if (f->collation) return FIELD_AT(Oid, n, f->collation);
        if (n->tag == T_SQLValueFunction) return ((const SQLValueFunction *)n)->type == TYPE_name ? 950 : 0;
        if (n->tag == T_SubPlan) return ((const SubPlan *)n)->firstColCollation;
        if (n->tag == T_SubLink) {
            const SubLink *s = (const SubLink *)n;
            const Query *q = (const Query *)s->subselect;
            if ((s->subLinkType != EXPR_SUBLINK && s->subLinkType != ARRAY_SUBLINK) || !IsA(q, Query) || !q->targetList) return 0;
            n = list_first(q->targetList);
            continue;
        }
        if (f->type) return 0;
        n = transparent_arg(n);
    }
    return 0;
}

static int leftmost(int a, int b) { return a < 0 ? b : b < 0 ? a : a < b ? a : b; }

int expr_location(const Node *n)
{
    if (!n || failed(stack_check(NULL))) return -1;
    if (n->tag == T_List) {
        int loc = -1;
        LIST_EACH(const Node *, item, (const List *)n)
            if ((loc = expr_location(item)) >= 0) return loc;
        return loc;
    }
    const ExprFacts *f = facts_of(n);
    int own = f->location ? FIELD_AT(int, n, f->location) : -1;
    const Node *arg = f->rule != LOC_OWN && f->arg ? FIELD_AT(Node *, n, f->arg) : NULL;
    if (f->rule == LOC_ARGS) return leftmost(own, list_len((const List *)arg) ? expr_location(list_first((const List *)arg)) : -1);
    return arg ? leftmost(own, expr_location(arg)) : own;
}
