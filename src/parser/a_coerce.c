/* Conversions: which exist (manual 10.1, 10.4), and the nodes that do them. */
#include "parser/parse_state.h"

static char category_of(ParseState *ps, Oid type, bool *preferred)
{
    const TypeInfo *t = catalog_type(ps->env, type);
    if (preferred) *preferred = t && t->preferred;
    return t ? t->category : 'X';
}

static Oid element_of(ParseState *ps, Oid type)
{
    const TypeInfo *t = catalog_type(ps->env, type);
    return t && t->is_array ? t->elem : 0;
}

static bool is_composite(ParseState *ps, Oid type)
{
    const TypeInfo *t = catalog_type(ps->env, type_base_of(ps->env, type, &(int32_t){-1}));
    return t && t->typtype == 'c';
}

bool is_binary_coercible(ParseState *ps, Oid from, Oid to)
{
    if (from == to || to == TYPE_any || to == TYPE_anyelement || to == TYPE_anycompatible) return true;
    from = type_base_of(ps->env, from, &(int32_t){-1});
    if (from == to) return true;
    const TypeInfo *t = catalog_type(ps->env, from);
    if (!t) return false;
    if (to == TYPE_anyarray || to == TYPE_anycompatiblearray) return t->is_array;
    if (to == TYPE_anynonarray || to == TYPE_anycompatiblenonarray) return !t->is_array;
    if (to == TYPE_anyenum) return t->typtype == 'e';
    if (to == TYPE_anyrange || to == TYPE_anycompatiblerange) return t->typtype == 'r';
    if (to == TYPE_record) return t->typtype == 'c';
    const CastInfo *c = cast_find(ps->env, from, to);
    return c && c->method == 'b' && c->context == 'i';
}

static bool context_allows(char needed, CoercionContext ctx)
{
    return needed == 'i' || (needed == 'a' && ctx >= COERCION_ASSIGNMENT) || ctx >= COERCION_EXPLICIT;
}

CoercionPath find_path(ParseState *ps, Oid target, Oid source, CoercionContext ctx, Oid *func)
{
    *func = 0;
    source = type_base_of(ps->env, source, &(int32_t){-1});
    target = type_base_of(ps->env, target, &(int32_t){-1});
    if (source == target) return PATH_RELABEL;
    const CastInfo *c = cast_find(ps->env, source, target);
    if (c) {
        if (!context_allows(c->context, ctx)) return PATH_NONE;
        if (c->method == 'i') return PATH_IO;
        if (c->method == 'b') return PATH_RELABEL;
        *func = c->func;
        return PATH_FUNC;
    }
    Oid te = element_of(ps, target), se = element_of(ps, source), ignore;
    if (te && se && target != TYPE_oidvector && target != TYPE_int2vector) {
        CoercionPath p = find_path(ps, te, se, ctx, &ignore);
        if (p != PATH_NONE) return p == PATH_IO ? PATH_IO : PATH_ARRAY;
    }
    if (ctx >= COERCION_ASSIGNMENT && category_of(ps, target, NULL) == 'S') return PATH_IO;
    if (ctx >= COERCION_EXPLICIT && category_of(ps, source, NULL) == 'S') return PATH_IO;
    return PATH_NONE;
}

bool can_coerce(ParseState *ps, int n, const Oid *input, const Oid *target, CoercionContext ctx)
{
    bool generic = false;
    Oid func;
    for (int i = 0; i < n; i++) {
        Oid from = input[i], to = target[i];
        if (from == to || to == TYPE_any) continue;
        if (is_polymorphic(to)) { generic = true; continue; }
        if (from == TYPE_unknown) continue;
        if (find_path(ps, to, from, ctx, &func) != PATH_NONE) continue;
        if (from == TYPE_record && is_composite(ps, to)) continue;
        if (to == TYPE_record && is_composite(ps, from)) continue;
        if (from == TYPE__record && element_of(ps, to) && is_composite(ps, element_of(ps, to))) continue;
        if (to == TYPE__record && element_of(ps, from) && is_composite(ps, element_of(ps, from))) continue;
        return false;
    }
    if (!generic) return true;
    Oid declared[FUNC_MAX_ARGS], result = 0;
    ParseState quiet = *ps;
    quiet.err = NULL;
    if (n > FUNC_MAX_ARGS) return false;
    memcpy(declared, target, (size_t)n * sizeof *declared);
    return !failed(resolve_polymorphic(&quiet, input, declared, n, &result, true));
}

static Status to_domain(ParseState *ps, Node *arg, Oid base, int32_t base_typmod, Oid domain, CoercionContext ctx, CoercionForm form, int location,
                        Node **out)
{
    CoerceToDomain *d;
    *out = arg;
    if (base == domain) return ST_OK;
    TRY(coerce_typmod(ps, arg, base, base_typmod, ctx, form, location, &arg));
    PS_NEW(d, CoerceToDomain, ps);
    *d = (CoerceToDomain){.tag = T_CoerceToDomain, .arg = arg, .resulttype = domain, .resulttypmod = -1, .resultcollid = ps_collation(ps, domain),
                          .coercionformat = form, .location = location};
    *out = (Node *)d;
    return ST_OK;
}

static Status relabel(ParseState *ps, Node *arg, Oid type, int32_t typmod, CoercionForm form, int location, Node **out)
{
    if (IsA(arg, Const) && form != COERCE_EXPLICIT_CALL) {
        Const *c = node_copy(arg, ps->arena);
        TRY_MEM(c, ps->err);
        c->consttype = type;
        c->consttypmod = typmod;
        c->constcollid = ps_collation(ps, type);
        if (c->location < 0) c->location = location;
        *out = (Node *)c;
        return ST_OK;
    }
    RelabelType *r;
    PS_NEW(r, RelabelType, ps);
    *r = (RelabelType){.tag = T_RelabelType, .arg = arg, .resulttype = type, .resulttypmod = typmod, .resultcollid = ps_collation(ps, type),
                       .relabelformat = form, .location = location};
    *out = (Node *)r;
    return ST_OK;
}

static Status make_int_const(ParseState *ps, Oid type, int64_t v, Node **out)
{
    Const *c = make_const(ps->arena, type_builtin(type), -1, type == TYPE_bool ? datum_bool(v != 0) : datum_i32((int32_t)v), false);
    TRY_MEM(c, ps->err);
    *out = (Node *)c;
    return ST_OK;
}

static Status build_function(ParseState *ps, Oid func, Node *arg, Oid result, int32_t typmod, CoercionContext ctx, CoercionForm form, int location,
                             Node **out)
{
    const ProcInfo *p = proc_by_oid(ps->env, func);
    FuncExpr *f;
    Node *extra;
    if (!p) return error_set(ps->err, ERR_INTERNAL_ERROR, "cache lookup failed for function %u", func);
    PS_NEW(f, FuncExpr, ps);
    *f = (FuncExpr){.tag = T_FuncExpr, .funcid = func, .funcresulttype = result, .funcretset = p->retset, .funcformat = form,
                    .funccollid = ps_collation(ps, result), .location = location};
    PS_APPEND(f->args, ps, arg);
    if (p->nargs >= 2) {
        TRY(make_int_const(ps, TYPE_int4, typmod, &extra));
        PS_APPEND(f->args, ps, extra);
    }
    if (p->nargs == 3) {
        TRY(make_int_const(ps, TYPE_bool, ctx == COERCION_EXPLICIT, &extra));
        PS_APPEND(f->args, ps, extra);
    }
    *out = (Node *)f;
    return ST_OK;
}

static Status build_array(ParseState *ps, Node *arg, Oid target, int32_t typmod, CoercionContext ctx, CoercionForm form, int location, Node **out)
{
    ArrayCoerceExpr *a;
    CaseTestExpr *test;
    Node *elem;
    Oid source = type_base_of(ps->env, expr_type(arg), &(int32_t){-1});
    PS_NEW(test, CaseTestExpr, ps);
    test->typeId = element_of(ps, source);
    test->typeMod = expr_typmod(arg);
    test->collation = ps_collation(ps, test->typeId);
    TRY(coerce_to(ps, (Node *)test, element_of(ps, target), typmod, ctx, form, location, &elem));
    if (!elem) return error_set(ps->err, ERR_INTERNAL_ERROR, "failed to coerce array element type as expected");
    PS_NEW(a, ArrayCoerceExpr, ps);
    *a = (ArrayCoerceExpr){.tag = T_ArrayCoerceExpr, .arg = arg, .elemexpr = elem, .resulttype = target, .resulttypmod = expr_typmod(elem),
                           .resultcollid = ps_collation(ps, target), .coerceformat = form, .location = location};
    *out = (Node *)a;
    return ST_OK;
}

static Status build_io(ParseState *ps, Node *arg, Oid target, CoercionForm form, int location, Node **out)
{
    CoerceViaIO *c;
    PS_NEW(c, CoerceViaIO, ps);
    *c = (CoerceViaIO){.tag = T_CoerceViaIO, .arg = arg, .resulttype = target, .resultcollid = ps_collation(ps, target), .coerceformat = form,
                       .location = location};
    *out = (Node *)c;
    return ST_OK;
}

static Status build_path(ParseState *ps, CoercionPath path, Oid func, Node *arg, Oid target, int32_t typmod, CoercionContext ctx, CoercionForm form,
                         int location, Node **out)
{
    if (path == PATH_FUNC) return build_function(ps, func, arg, target, typmod, ctx, form, location, out);
    if (path == PATH_ARRAY) return build_array(ps, arg, target, typmod, ctx, form, location, out);
    return build_io(ps, arg, target, form, location, out);
}

/* A literal of unknown type becomes one of the target type now, so that a bad one is an error with its position. */
static Status coerce_literal(ParseState *ps, Const *con, Oid target, int32_t typmod, CoercionContext ctx, CoercionForm form, int location, Node **out)
{
    int32_t base_typmod = typmod;
    Oid base = type_base_of(ps->env, target, &base_typmod);
    const TypeInfo *type;
    Const *c;
    TRY(ps_type(ps, base, &type));
    c = make_const(ps->arena, type, base == TYPE_interval ? base_typmod : -1, 0, con->constisnull);
    TRY_MEM(c, ps->err);
    c->location = con->location;
    if (!con->constisnull) {
        session_env_refresh(ps->env);
        IoContext io = session_io(ps->env, ps->arena);
        TRY_AT(ps, con->location, type_input(&io, type, varlena_slice(con->constvalue), c->consttypmod, &c->constvalue, ps->err));
        /* 'now' and 'today' as text must not be frozen into a stored expression; the literal is evaluated once, as in PostgreSQL */
    }
    if (base == target) {
        *out = (Node *)c;
        return ST_OK;
    }
    return to_domain(ps, (Node *)c, base, base_typmod, target, ctx, form, location, out);
}

static Status row_to_composite(ParseState *ps, Node *node, Oid target, CoercionContext ctx, CoercionForm form, int location, Node **out)
{
    RowExpr *in = (RowExpr *)node, *row;
    int32_t typmod = -1;
    Oid base = type_base_of(ps->env, target, &typmod);
    const TupleDesc *desc = type_row_desc(ps->env, base, ps->arena);
    int given = 0;
    if (!IsA(node, RowExpr) || !desc)
        return PS_ERROR(ps, location, ERR_CANNOT_COERCE, "cannot cast type %s to %s", ps_type_name(ps, TYPE_record), ps_type_name(ps, target));
    PS_NEW(row, RowExpr, ps);
    *row = (RowExpr){.tag = T_RowExpr, .row_typeid = base, .row_format = form, .location = location};
    for (int i = 0; i < desc->natts; i++) {
        const Attribute *a = &desc->atts[i];
        Node *item;
        if (a->dropped) {
            TRY(null_for_column(ps, a, &item));
        } else {
            if (given >= list_len(in->args)) {
                PS_ERROR(ps, location, ERR_CANNOT_COERCE, "cannot cast type %s to %s", ps_type_name(ps, TYPE_record), ps_type_name(ps, target));
                return error_detail(ps->err, "Input has too few columns.");
            }
            Node *arg = list_at(in->args, given++);
            TRY(coerce_to(ps, arg, a->type, a->typmod, ctx, COERCE_IMPLICIT_CAST, -1, &item));
            if (!item) {
                PS_ERROR(ps, expr_location(arg), ERR_CANNOT_COERCE, "cannot cast type %s to %s", ps_type_name(ps, TYPE_record), ps_type_name(ps, target));
                return error_detail(ps->err, "Cannot cast type %s to %s in column %d.", ps_type_name(ps, expr_type(arg)), ps_type_name(ps, a->type), given);
            }
        }
        PS_APPEND(row->args, ps, item);
    }
    if (given < list_len(in->args)) {
        PS_ERROR(ps, location, ERR_CANNOT_COERCE, "cannot cast type %s to %s", ps_type_name(ps, TYPE_record), ps_type_name(ps, target));
        return error_detail(ps->err, "Input has too many columns.");
    }
    return to_domain(ps, (Node *)row, base, typmod, target, ctx, form, location, out);
}

Status coerce_type(ParseState *ps, Node *node, Oid input, Oid target, int32_t typmod, CoercionContext ctx, CoercionForm form, int location, Node **out)
{
    Oid func;
    *out = node;
    TRY(stack_check(ps->err));
    if (input == target || target == TYPE_any || (is_polymorphic(target) && input != TYPE_unknown)) return ST_OK;
    if (is_polymorphic(target) && target != TYPE_anyarray) return ST_OK;
    if (input == TYPE_unknown && IsA(node, Const)) return coerce_literal(ps, (Const *)node, target, typmod, ctx, form, location, out);
    if (input == TYPE_unknown && IsA(node, Param)) {
        TRY(param_coerce(ps, (Param *)node, target, typmod, location, out));
        if (*out != node || expr_type(node) == target) return ST_OK;
    }
    if (IsA(node, CollateExpr)) {
        CollateExpr *old = (CollateExpr *)node, *c;
        PS_NEW(c, CollateExpr, ps);
        *c = *old;
        TRY(coerce_type(ps, old->arg, input, target, typmod, ctx, form, location, &c->arg));
        *out = ps_collation(ps, target) ? (Node *)c : c->arg;
        return ST_OK;
    }
    CoercionPath path = find_path(ps, target, input, ctx, &func);
    if (path != PATH_NONE) {
        int32_t base_typmod = typmod;
        Oid base = type_base_of(ps->env, target, &base_typmod);
        if (path == PATH_RELABEL) {
            TRY(to_domain(ps, node, base, base_typmod, target, ctx, form, location, out));
            return *out == node ? relabel(ps, node, target, -1, form, location, out) : ST_OK;
        }
        TRY(build_path(ps, path, func, node, base, base_typmod, ctx, form, location, out));
        return base == target ? ST_OK : to_domain(ps, *out, base, base_typmod, target, ctx, form, location, out);
    }
    if (input == TYPE_record && is_composite(ps, target)) return row_to_composite(ps, node, target, ctx, form, location, out);
    if (target == TYPE_record || target == TYPE__record) return ST_OK;
    if (input == TYPE_unknown) return build_io(ps, node, target, form, location, out); /* an unknown that is no literal: a subquery's column */
    return error_set(ps->err, ERR_INTERNAL_ERROR, "failed to find conversion function from %s to %s", ps_type_name(ps, input), ps_type_name(ps, target));
}

Status coerce_typmod(ParseState *ps, Node *node, Oid target, int32_t typmod, CoercionContext ctx, CoercionForm form, int location, Node **out)
{
    *out = node;
    if (typmod < 0 || typmod == expr_typmod(node)) return ST_OK;
    Oid elem = element_of(ps, target);
    const CastInfo *c = cast_find(ps->env, elem ? elem : target, elem ? elem : target);
    if (!c || !c->func) return relabel(ps, node, target, typmod, form, location, out);
    if (elem) return build_array(ps, node, target, typmod, ctx, form, location, out);
    return build_function(ps, c->func, node, target, typmod, ctx, form, location, out);
}

Status coerce_to(ParseState *ps, Node *node, Oid target, int32_t typmod, CoercionContext ctx, CoercionForm form, int location, Node **out)
{
    Oid input = expr_type(node);
    Node *inner = node;
    *out = NULL;
    if (!can_coerce(ps, 1, &input, &target, ctx)) return ST_OK;
    while (IsA(inner, CollateExpr)) inner = ((CollateExpr *)inner)->arg;
    Node *result;
    TRY(coerce_type(ps, inner, input, target, typmod, ctx, form, location, &result));
    TRY(coerce_typmod(ps, result, target, typmod, ctx, form, location, &result));
    if (inner != node && ps_collation(ps, target)) {
        CollateExpr *c;
        PS_NEW(c, CollateExpr, ps);
        *c = *(CollateExpr *)node;
        c->arg = result;
        result = (Node *)c;
    }
    *out = result;
    return ST_OK;
}

static bool returns_set(const Node *n)
{
    return (IsA(n, FuncExpr) && ((const FuncExpr *)n)->funcretset) || (IsA(n, OpExpr) && ((const OpExpr *)n)->opretset);
}

static Status coerce_specific(ParseState *ps, Node *node, Oid target, const char *construct, Node **out)
{
    Oid input = expr_type(node);
    *out = node;
    if (input != target) {
        TRY(coerce_to(ps, node, target, -1, COERCION_ASSIGNMENT, COERCE_IMPLICIT_CAST, -1, out));
        if (!*out)
            return PS_ERROR(ps, expr_location(node), ERR_DATATYPE_MISMATCH, "argument of %s must be type %s, not type %s", construct,
                            ps_type_name(ps, target), ps_type_name(ps, input));
    }
    if (returns_set(*out)) return PS_ERROR(ps, expr_location(*out), ERR_DATATYPE_MISMATCH, "argument of %s must not return a set", construct);
    return ST_OK;
}

Status coerce_boolean(ParseState *ps, Node *node, const char *construct, Node **out) { return coerce_specific(ps, node, TYPE_bool, construct, out); }
Status coerce_bigint(ParseState *ps, Node *node, const char *construct, Node **out) { return coerce_specific(ps, node, TYPE_int8, construct, out); }

Status coerce_assign(ParseState *ps, Node *node, const char *column, Oid target, int32_t typmod, int location, Node **out)
{
    Oid input = expr_type(node);
    TRY(coerce_to(ps, node, target, typmod, COERCION_ASSIGNMENT, COERCE_IMPLICIT_CAST, -1, out));
    if (*out) return ST_OK;
    int at = expr_location(node);
    PS_ERROR(ps, at >= 0 ? at : location, ERR_DATATYPE_MISMATCH, "column \"%s\" is of type %s but expression is of type %s", column,
             ps_type_name(ps, target), ps_type_name(ps, input));
    return error_hint(ps->err, "You will need to rewrite or cast the expression.");
}

/* Common types (manual 10.5) --------------------------------------------------------------------------------------------------------- */

Status select_common_type(ParseState *ps, const List *exprs, const char *context, Node **which, Oid *out)
{
    Node *best = list_first(exprs);
    Oid type = expr_type(best);
    bool preferred, same = type != TYPE_unknown;
    for (int i = 1; same && i < exprs->len; i++) same = expr_type(list_at(exprs, i)) == type;
    *out = type;
    if (which) *which = best;
    if (same) return ST_OK;
    type = type_base_of(ps->env, type, &(int32_t){-1});
    char category = category_of(ps, type, &preferred);
    for (int i = 1; i < exprs->len; i++) {
        Node *next = list_at(exprs, i);
        bool npreferred;
        Oid ntype = type_base_of(ps->env, expr_type(next), &(int32_t){-1});
        if (ntype == TYPE_unknown || ntype == type) continue;
        char ncategory = category_of(ps, ntype, &npreferred);
        if (type != TYPE_unknown && ncategory != category) {
            *out = 0;
            if (!context) return ST_OK;
            return PS_ERROR(ps, expr_location(next), ERR_DATATYPE_MISMATCH, "%s types %s and %s cannot be matched", context, ps_type_name(ps, type),
                            ps_type_name(ps, ntype));
        }
        if (type == TYPE_unknown || (!preferred && can_coerce(ps, 1, &type, &ntype, COERCION_IMPLICIT) && !can_coerce(ps, 1, &ntype, &type, COERCION_IMPLICIT))) {
            best = next;
            type = ntype;
            category = ncategory;
            preferred = npreferred;
        }
    }
    *out = type == TYPE_unknown ? TYPE_text : type;
    if (which) *which = best;
    return ST_OK;
}

int32_t select_common_typmod(const List *exprs, Oid type)
{
    int32_t typmod = -1;
    bool first = true;
    LIST_EACH(Node *, e, exprs) {
        if (expr_type(e) != type) return -1;
        if (!first && expr_typmod(e) != typmod) return -1;
        typmod = expr_typmod(e);
        first = false;
    }
    return typmod;
}

Status coerce_to_common(ParseState *ps, Node *node, Oid target, const char *context, Node **out)
{
    Oid input = expr_type(node);
    *out = node;
    if (input == target) return ST_OK;
    if (can_coerce(ps, 1, &input, &target, COERCION_IMPLICIT))
        return coerce_type(ps, node, input, target, -1, COERCION_IMPLICIT, COERCE_IMPLICIT_CAST, -1, out);
    return PS_ERROR(ps, expr_location(node), ERR_CANNOT_COERCE, "%s could not convert type %s to %s", context, ps_type_name(ps, input),
                    ps_type_name(ps, target));
}

Status resolve_unknown_column(ParseState *ps, TargetEntry *te)
{
    if (expr_type(te->expr) != TYPE_unknown) return ST_OK;
    return coerce_type(ps, te->expr, TYPE_unknown, TYPE_text, -1, COERCION_IMPLICIT, COERCE_IMPLICIT_CAST, -1, &te->expr);
}
