/* $n: given types, or types inferred from use (as PostgreSQL's variable parameters). A parameter of type unknown takes the type it is first
 * coerced to; a second, different one is 42P08. */
#include "parser/parse_state.h"

static Status grow(ParseState *ps, int number)
{
    ParamTypes *p = ps->params;
    if (number > p->cap) {
        int cap = p->cap ? p->cap : 4;
        while (cap < number) cap *= 2;
        Oid *types = arena_zalloc(p->arena, (size_t)cap * sizeof *types);
        TRY_MEM(types, ps->err);
        if (p->n) memcpy(types, p->types, (size_t)p->n * sizeof *types);
        p->types = types;
        p->cap = cap;
    }
    for (; p->n < number; p->n++) p->types[p->n] = 0;
    return ST_OK;
}

Status param_type(ParseState *ps, int number, int location, Oid *out)
{
    ParamTypes *p = ps->params;
    if (number <= 0 || number > 65535 || !p || (!p->variable && number > p->n))
        return PS_ERROR(ps, location, ERR_UNDEFINED_PARAMETER, "there is no parameter $%d", number);
    if (number > p->n) TRY(grow(ps, number));
    *out = p->types[number - 1] ? p->types[number - 1] : TYPE_unknown;
    if (*out == TYPE_unknown && !p->variable) return PS_ERROR(ps, location, ERR_UNDEFINED_PARAMETER, "there is no parameter $%d", number);
    return ST_OK;
}

Status transform_param(ParseState *ps, const PgQuery__ParamRef *ref, Node **out)
{
    Param *p;
    Oid type;
    TRY(param_type(ps, ref->number, ref->location, &type));
    PS_NEW(p, Param, ps);
    *p = (Param){.tag = T_Param, .paramkind = PARAM_EXTERN, .paramid = ref->number, .paramtype = type, .paramtypmod = -1,
                 .paramcollid = ps_collation(ps, type), .location = ref->location};
    *out = (Node *)p;
    return ST_OK;
}

Status param_coerce(ParseState *ps, Param *param, Oid target, int32_t typmod, int location, Node **out)
{
    ParamTypes *p = ps->params;
    *out = (Node *)param;
    if (param->paramkind != PARAM_EXTERN || !p || !p->variable || param->paramid > p->n) return ST_OK;
    Oid *slot = &p->types[param->paramid - 1];
    if (*slot == 0 || *slot == TYPE_unknown) {
        *slot = target;
    } else if (*slot != target) {
        PS_ERROR(ps, param->location, ERR_AMBIGUOUS_PARAMETER, "inconsistent types deduced for parameter $%d", param->paramid);
        return error_detail(ps->err, "%s versus %s", ps_type_name(ps, *slot), ps_type_name(ps, target));
    }
    param->paramtype = target;
    param->paramtypmod = -1;
    param->paramcollid = ps_collation(ps, target);
    if (location >= 0 && (param->location < 0 || location < param->location)) param->location = location;
    return ST_OK;
}

/* After analysis: every $n of type unknown that stayed so takes the type it got elsewhere, and one without any is 42P18. */
static bool check_param(Node *n, void *arg)
{
    ParseState *ps = arg;
    if (IsA(n, Query)) return query_walk((Query *)n, check_param, arg);
    if (IsA(n, Param) && ((Param *)n)->paramkind == PARAM_EXTERN) {
        Param *p = (Param *)n;
        Oid known = p->paramid <= ps->params->n ? ps->params->types[p->paramid - 1] : 0;
        if (p->paramtype != known && known != 0 && known != TYPE_unknown) {
            PS_ERROR(ps, p->location, ERR_AMBIGUOUS_PARAMETER, "could not determine data type of parameter $%d", p->paramid);
            return true;
        }
        return false;
    }
    return node_walk(n, check_param, arg);
}

Status check_params(ParseState *ps, Query *q)
{
    if (!ps->params || !ps->params->variable || ps->params->n == 0) return ST_OK;
    query_walk(q, check_param, ps);
    if (error_is_set(ps->err)) return ST_FAILED;
    for (int i = 0; i < ps->params->n; i++)
        if (ps->params->types[i] == 0 || ps->params->types[i] == TYPE_unknown)
            return error_set(ps->err, ERR_INDETERMINATE_DATATYPE, "could not determine data type of parameter $%d", i + 1);
    return ST_OK;
}
