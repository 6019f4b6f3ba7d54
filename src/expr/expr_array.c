/* Arrays in expressions: ARRAY[...], casts element by element, subscripts and slices, assignment to elements, x op ANY/ALL (array). */
#include "common/hash.h"
#include "expr/expr_internal.h"

/* ---- ARRAY[...] ---- */

STATUS compile_array(Compiler *c, const ArrayExpr *a, Datum *v, bool *n)
{
    ArrayData *d;
    ExprStep *s;
    TRY_NEW(d, c->arena, c->err);
    TRY(compiler_type(c, a->element_typeid, &d->elem));
    d->multidims = a->multidims;
    TRY(compile_list(c, a->elements, &d->in));
    TRY(emit(c, OP_ARRAY, v, n, &s));
    s->d.data = d;
    return ST_OK;
}

static STATUS sub_array_mismatch(Error *err)
{
    return error_set(err, ERR_ARRAY_SUBSCRIPT_ERROR, "multidimensional arrays must have array expressions with matching dimensions");
}

/* Elements are arrays of equal dimensions: one more dimension in front. */
static STATUS stack_arrays(ArrayData *d, Arena *arena, Datum *v, Error *err)
{
    ArrayView first = {0};
    int32_t dims[ARRAY_MAX_DIMS] = {0}, lbounds[ARRAY_MAX_DIMS];
    Datum *values = NULL;
    bool *nulls = NULL;
    int total = 0, outer = 0;
    bool empty_seen = false;
    for (int i = 0; i < d->in.n; i++) {
        ArrayView view;
        if (d->in.nulls[i]) {
            empty_seen = true;
            continue;
        }
        TRY(array_open(d->in.v[i], &view, err));
        if (!view.ndim) {
            empty_seen = true;
            continue;
        }
        if (!outer) {
            first = view;
            if (view.ndim + 1 > ARRAY_MAX_DIMS)
                return error_set(err, ERR_PROGRAM_LIMIT_EXCEEDED, "number of array dimensions (%d) exceeds the maximum allowed (%d)", view.ndim + 1, ARRAY_MAX_DIMS);
            TRY_NEW_N(values, arena, (size_t)view.nitems * d->in.n, err);
            TRY_NEW_N(nulls, arena, (size_t)view.nitems * d->in.n, err);
        } else if (view.ndim != first.ndim || memcmp(view.dims, first.dims, sizeof(int32_t) * view.ndim) ||
                   memcmp(view.lbounds, first.lbounds, sizeof(int32_t) * view.ndim)) {
            return sub_array_mismatch(err);
        }
        ArrayIter it;
        array_iter_init(&it, &view, d->elem);
        while (array_next(&it, &values[total], &nulls[total])) total++;
        outer++;
    }
    if (outer && empty_seen) return sub_array_mismatch(err);
    if (!outer) return array_make(arena, d->elem, 0, NULL, NULL, NULL, NULL, v, err);
    dims[0] = outer, lbounds[0] = 1;
    memcpy(dims + 1, first.dims, sizeof(int32_t) * first.ndim);
    memcpy(lbounds + 1, first.lbounds, sizeof(int32_t) * first.ndim);
    return array_make(arena, d->elem, first.ndim + 1, dims, lbounds, values, nulls, v, err);
}

STATUS step_array(ArrayData *d, ExprContext *ec, Datum *v, bool *n, Error *err)
{
    *n = false;
    if (d->multidims) return stack_arrays(d, ec->tuple_arena, v, err);
    return array_make_1d(ec->tuple_arena, d->elem, d->in.n, d->in.v, d->in.nulls, v, err);
}

/* ---- casts ---- */

STATUS compile_array_coerce(Compiler *c, const ArrayCoerceExpr *a, Datum *v, bool *n)
{
    ArrayCoerceData *d;
    const TypeInfo *from, *to;
    ExprStep *s;
    TRY_NEW(d, c->arena, c->err);
    TRY(compiler_type(c, type_base_of(c->env, expr_type(a->arg), NULL), &from));
    TRY(compiler_type(c, a->resulttype, &to));
    TRY(compiler_type(c, from->elem, &d->from));
    TRY(compiler_type(c, to->elem, &d->to));
    TRY(expr_compile(c->env, a->elemexpr, c->arena, &d->elem_program, c->err));
    c->prog->session_objects |= d->elem_program->session_objects;
    TRY(compile_expr(c, a->arg, v, n));
    TRY(emit(c, OP_ARRAY_COERCE, v, n, &s));
    s->d.data = d;
    return ST_OK;
}

STATUS step_array_coerce(ArrayCoerceData *d, ExprContext *ec, Datum *v, bool *n, Error *err)
{
    ArrayView view;
    Datum *values;
    bool *nulls;
    int count;
    TRY(array_open(*v, &view, err));
    TRY(array_deconstruct(ec->tuple_arena, *v, d->from, &values, &nulls, &count, err));
    Datum saved = ec->case_value;
    bool saved_null = ec->case_null;
    Status st = ST_OK;
    for (int i = 0; i < count && !failed(st); i++) {
        ec->case_value = values[i];
        ec->case_null = nulls[i];
        st = expr_eval(d->elem_program, ec, &values[i], &nulls[i], err);
    }
    ec->case_value = saved;
    ec->case_null = saved_null;
    TRY(st);
    return array_make(ec->tuple_arena, d->to, view.ndim, view.dims, view.lbounds, values, nulls, v, err);
}

/* ---- subscripts ---- */

static STATUS compile_bounds(Compiler *c, const List *exprs, int n, Datum **v, bool **nulls, bool **given)
{
    TRY_NEW_N(*v, c->arena, n ? n : 1, c->err);
    TRY_NEW_N(*nulls, c->arena, n ? n : 1, c->err);
    TRY_NEW_N(*given, c->arena, n ? n : 1, c->err);
    for (int i = 0; i < list_len(exprs); i++) {
        if (!list_at(exprs, i)) continue;
        (*given)[i] = true;
        TRY(compile_expr(c, list_at(exprs, i), &(*v)[i], &(*nulls)[i]));
    }
    return ST_OK;
}

STATUS compile_subscript(Compiler *c, const SubscriptingRef *r, Datum *v, bool *n)
{
    SubscriptData *d;
    ExprStep *s;
    TRY_NEW(d, c->arena, c->err);
    TRY(compiler_type(c, r->refcontainertype, &d->array_type));
    if (d->array_type->base) TRY(compiler_type(c, type_base_of(c->env, r->refcontainertype, NULL), &d->array_type));
    if (!d->array_type->is_array)
        return error_set(c->err, ERR_FEATURE_NOT_SUPPORTED, "subscripting of type %s is not supported", d->array_type->name);
    TRY(compiler_type(c, d->array_type->elem, &d->elem));
    d->nupper = list_len(r->refupperindexpr);
    if (d->nupper > ARRAY_MAX_DIMS)
        return error_set(c->err, ERR_PROGRAM_LIMIT_EXCEEDED, "number of array dimensions (%d) exceeds the maximum allowed (%d)", d->nupper, ARRAY_MAX_DIMS);
    d->slice = list_len(r->reflowerindexpr) > 0;
    d->assign = r->refassgnexpr != NULL;
    TRY(compile_expr(c, r->refexpr, &d->array.v, &d->array.n));
    TRY(compile_bounds(c, r->refupperindexpr, d->nupper, &d->upper, &d->upper_null, &d->upper_given));
    TRY(compile_bounds(c, r->reflowerindexpr, d->nupper, &d->lower, &d->lower_null, &d->lower_given));
    if (!d->assign) {
        TRY(emit(c, OP_SUBSCRIPT_FETCH, v, n, &s));
        s->d.data = d;
        return ST_OK;
    }
    /* A nested assignment (a[1].f := x) finds the element's old value where a CASE would find its test value. */
    Cell *old, *saved = c->case_cell;
    TRY_NEW(old, c->arena, c->err);
    TRY(emit(c, OP_SUBSCRIPT_OLD, &old->v, &old->n, &s));
    s->d.data = d;
    c->case_cell = old;
    TRY(compile_expr(c, r->refassgnexpr, &d->source.v, &d->source.n));
    c->case_cell = saved;
    TRY(emit(c, OP_SUBSCRIPT_ASSIGN, v, n, &s));
    s->d.data = d;
    return ST_OK;
}

static void subscripts(const SubscriptData *d, int32_t *subs, bool *any_null)
{
    *any_null = false;
    for (int i = 0; i < d->nupper; i++) {
        subs[i] = datum_get_i32(d->upper[i]);
        if (d->upper_null[i]) *any_null = true;
    }
}

/* array[l1:u1, ...]: the intersection with what is there, renumbered from 1. */
static STATUS fetch_slice(SubscriptData *d, ExprContext *ec, Datum *v, Error *err)
{
    ArrayView view;
    int32_t low[ARRAY_MAX_DIMS], dims[ARRAY_MAX_DIMS], pos[ARRAY_MAX_DIMS] = {0};
    Datum *values, *picked;
    bool *nulls, *picked_null;
    int count, total = 1;
    TRY(array_open(d->array.v, &view, err));
    if (!view.ndim || view.ndim < d->nupper) return array_make(ec->tuple_arena, d->elem, 0, NULL, NULL, NULL, NULL, v, err);
    for (int i = 0; i < view.ndim; i++) {
        int64_t lo = view.lbounds[i], hi = lo + view.dims[i] - 1;
        if (i < d->nupper) {
            if (d->lower_given[i] && datum_get_i32(d->lower[i]) > lo) lo = datum_get_i32(d->lower[i]);
            if (d->upper_given[i] && datum_get_i32(d->upper[i]) < hi) hi = datum_get_i32(d->upper[i]);
        }
        if (lo > hi) return array_make(ec->tuple_arena, d->elem, 0, NULL, NULL, NULL, NULL, v, err);
        low[i] = (int32_t)(lo - view.lbounds[i]);
        dims[i] = (int32_t)(hi - lo + 1);
        total *= dims[i];
    }
    TRY(array_deconstruct(ec->tuple_arena, d->array.v, d->elem, &values, &nulls, &count, err));
    TRY_NEW_N(picked, ec->tuple_arena, total, err);
    TRY_NEW_N(picked_null, ec->tuple_arena, total, err);
    for (int k = 0; k < total; k++) {
        int64_t at = 0;
        for (int i = 0; i < view.ndim; i++) at = at * view.dims[i] + low[i] + pos[i];
        picked[k] = values[at];
        picked_null[k] = nulls[at];
        for (int i = view.ndim - 1; i >= 0 && ++pos[i] == dims[i]; i--) pos[i] = 0;
    }
    return array_make(ec->tuple_arena, d->elem, view.ndim, dims, NULL, picked, picked_null, v, err);
}

STATUS step_subscript_fetch(SubscriptData *d, ExprContext *ec, Datum *v, bool *n, Error *err)
{
    int32_t subs[ARRAY_MAX_DIMS];
    bool any_null;
    *v = 0;
    *n = true;
    if (d->array.n) return ST_OK;
    if (d->slice) {
        for (int i = 0; i < d->nupper; i++)
            if ((d->upper_given[i] && d->upper_null[i]) || (d->lower_given[i] && d->lower_null[i])) return ST_OK;
        *n = false;
        return fetch_slice(d, ec, v, err);
    }
    subscripts(d, subs, &any_null);
    if (any_null) return ST_OK;
    return array_subscript(d->array.v, d->elem, d->nupper, subs, v, n, err);
}

STATUS step_subscript_old(SubscriptData *d, ExprContext *ec, Datum *v, bool *n, Error *err)
{
    bool assign = d->assign;
    if (d->slice) {
        *v = 0;
        *n = true;
        return ST_OK;
    }
    d->assign = false;
    Status st = step_subscript_fetch(d, ec, v, n, err);
    d->assign = assign;
    return st;
}

static STATUS null_subscript(Error *err) { return error_set(err, ERR_NULL_VALUE_NOT_ALLOWED, "array subscript in assignment must not be null"); }
static STATUS out_of_range(Error *err) { return error_set(err, ERR_ARRAY_SUBSCRIPT_ERROR, "array subscript out of range"); }

/* The box [low, low+dims) of the result, in the old array's coordinates; one-dimensional arrays grow. */
typedef struct Target { int ndim; int32_t dims[ARRAY_MAX_DIMS], lbounds[ARRAY_MAX_DIMS]; int32_t from[ARRAY_MAX_DIMS], to[ARRAY_MAX_DIMS]; } Target;

static STATUS plan_assignment(const SubscriptData *d, const ArrayView *view, Target *t, Error *err)
{
    t->ndim = view->ndim ? view->ndim : d->nupper;
    if (view->ndim && view->ndim != d->nupper && !(d->slice && d->nupper < view->ndim))
        return error_set(err, ERR_ARRAY_SUBSCRIPT_ERROR, "wrong number of array subscripts");
    for (int i = 0; i < t->ndim; i++) {
        bool has = i < d->nupper;
        int32_t lo0 = view->ndim ? view->lbounds[i] : 1, hi0 = view->ndim ? view->lbounds[i] + view->dims[i] - 1 : 0;
        if (has && ((d->upper_given[i] && d->upper_null[i]) || (d->slice && d->lower_given[i] && d->lower_null[i]))) return null_subscript(err);
        int32_t hi = has && d->upper_given[i] ? datum_get_i32(d->upper[i]) : hi0;
        int32_t lo = !d->slice ? hi : has && d->lower_given[i] ? datum_get_i32(d->lower[i]) : lo0;
        if (lo > hi) return error_set(err, ERR_ARRAY_SUBSCRIPT_ERROR, "upper bound cannot be less than lower bound");
        t->from[i] = lo;
        t->to[i] = hi;
        t->lbounds[i] = lo0;
        t->dims[i] = hi0 - lo0 + 1;
        if (!view->ndim) {
            t->lbounds[i] = lo;
            t->dims[i] = hi - lo + 1;
        } else if (t->ndim == 1) {
            int64_t low = lo < lo0 ? lo : lo0, high = hi > hi0 ? hi : hi0;
            t->lbounds[i] = (int32_t)low;
            if (high - low + 1 > ARRAY_MAX_ITEMS) return error_set(err, ERR_PROGRAM_LIMIT_EXCEEDED, "array size exceeds the maximum allowed (%d)", ARRAY_MAX_ITEMS);
            t->dims[i] = (int32_t)(high - low + 1);
        } else if (lo < lo0 || hi > hi0) {
            return out_of_range(err);
        }
    }
    return ST_OK;
}

STATUS step_subscript_assign(SubscriptData *d, ExprContext *ec, Datum *v, bool *n, Error *err)
{
    Arena *arena = ec->tuple_arena;
    ArrayView view = {0};
    Target t;
    Datum *old = NULL, *now, *src = NULL;
    bool *old_null = NULL, *now_null, *src_null = NULL;
    int nold = 0, nsrc = 0, total, at = 0;
    int32_t pos[ARRAY_MAX_DIMS];
    *n = false;
    if (d->slice && d->source.n) { /* assigning a null slice changes nothing */
        *v = d->array.v;
        *n = d->array.n;
        return ST_OK;
    }
    if (!d->array.n) {
        TRY(array_open(d->array.v, &view, err));
        TRY(array_deconstruct(arena, d->array.v, d->elem, &old, &old_null, &nold, err));
    }
    TRY(plan_assignment(d, &view, &t, err));
    if (d->slice) TRY(array_deconstruct(arena, d->source.v, d->elem, &src, &src_null, &nsrc, err));
    TRY(array_count_items(t.ndim, t.dims, t.lbounds, &total, err));
    TRY_NEW_N(now, arena, total ? total : 1, err);
    TRY_NEW_N(now_null, arena, total ? total : 1, err);
    memcpy(pos, t.lbounds, sizeof pos);
    for (int k = 0; k < total; k++) {
        bool inside = true, in_old = view.ndim > 0;
        int64_t from = 0;
        for (int i = 0; i < t.ndim; i++) {
            inside &= pos[i] >= t.from[i] && pos[i] <= t.to[i];
            if (!view.ndim) continue;
            in_old &= pos[i] >= view.lbounds[i] && pos[i] < view.lbounds[i] + view.dims[i];
            from = from * view.dims[i] + (pos[i] - view.lbounds[i]);
        }
        now_null[k] = true;
        if (inside && !d->slice) {
            now[k] = d->source.v;
            now_null[k] = d->source.n;
        } else if (inside) {
            if (at >= nsrc) return error_set(err, ERR_ARRAY_SUBSCRIPT_ERROR, "source array too small");
            now[k] = src[at];
            now_null[k] = src_null[at++];
        } else if (in_old) {
            now[k] = old[from];
            now_null[k] = old_null[from];
        }
        for (int i = t.ndim - 1; i >= 0 && ++pos[i] == t.lbounds[i] + t.dims[i]; i--) pos[i] = t.lbounds[i];
    }
    return array_make(arena, d->elem, t.ndim, t.dims, t.lbounds, now, now_null, v, err);
}

/* ---- x op ANY/ALL (array) ---- */

struct InList {
    uint64_t mask;
    Datum *values;
    uint8_t *used;
    bool has_null;
    const TypeInfo *type;
};

static STATUS in_list_build(Compiler *c, ArrayOpData *d, Datum array, InList **out)
{
    ArrayView view;
    ArrayIter it;
    Datum v;
    bool isnull;
    InList *l;
    TRY(array_open(array, &view, c->err));
    TRY_NEW(l, c->arena, c->err);
    uint64_t size = 16;
    while (size < (uint64_t)view.nitems * 2) size *= 2;
    l->mask = size - 1;
    l->type = d->elem;
    TRY_NEW_N(l->values, c->arena, size, c->err);
    TRY_NEW_N(l->used, c->arena, size, c->err);
    array_iter_init(&it, &view, d->elem);
    while (array_next(&it, &v, &isnull)) {
        if (isnull) {
            l->has_null = true;
            continue;
        }
        uint64_t h = d->elem->hash(d->elem, v) & l->mask;
        while (l->used[h] && d->elem->compare(d->elem, l->values[h], v) != 0) h = (h + 1) & l->mask;
        l->used[h] = 1;
        l->values[h] = v;
    }
    *out = l;
    return ST_OK;
}

static bool same_kind(Oid a, Oid b)
{
    bool text_a = a == TYPE_text || a == TYPE_varchar || a == TYPE_name, text_b = b == TYPE_text || b == TYPE_varchar || b == TYPE_name;
    return a == b || (text_a && text_b);
}

/* A constant list of an equality over one type is hashed once; below that a walk is cheaper. */
static bool hashable_list(Compiler *c, const ScalarArrayOpExpr *op, const ArrayOpData *d)
{
    const Const *array = list_at(op->args, 1);
    ArrayView view;
    if (!op->use_or || !IsA(array, Const) || array->constisnull || !d->elem->hash || !d->elem->compare) return false;
    if (operator_btree_strategy(op->opno) != 3 || !same_kind(expr_type(list_first(op->args)), d->elem->oid)) return false;
    return !failed(array_open(array->constvalue, &view, NULL)) && view.nitems >= 5;
}

STATUS compile_array_op(Compiler *c, const ScalarArrayOpExpr *op, Datum *v, bool *n)
{
    ArrayOpData *d;
    ExprStep *s;
    const TypeInfo *array_type;
    const Node *array = list_at(op->args, 1);
    Oid proc = op->opfuncid;
    TRY_NEW(d, c->arena, c->err);
    TRY(compiler_type(c, type_base_of(c->env, expr_type(array), NULL), &array_type));
    TRY(compiler_type(c, array_type->elem, &d->elem));
    d->any = op->use_or;
    if (!proc) {
        const OperatorInfo *info = operator_by_oid(c->env, op->opno);
        if (!info) return error_set(c->err, ERR_INTERNAL_ERROR, "cache lookup failed for operator %u", op->opno);
        proc = info->proc;
    }
    TRY(compile_list(c, op->args, &d->in));
    if (hashable_list(c, op, d)) {
        TRY(in_list_build(c, d, ((const Const *)array)->constvalue, &d->list));
        TRY(emit(c, OP_HASHED_IN, v, n, &s));
    } else {
        TRY(make_frame(c, proc, op->inputcollid, TYPE_bool, 2, op->args, &d->fn, &d->strict, &d->cf));
        ((Oid *)d->cf->arg_types)[1] = d->elem->oid;
        TRY(emit(c, OP_ARRAY_OP, v, n, &s));
    }
    s->d.data = d;
    return ST_OK;
}

STATUS step_hashed_in(ArrayOpData *d, ExprContext *ec, Datum *v, bool *n, Error *err)
{
    const InList *l = d->list;
    *n = d->in.nulls[0];
    if (*n) {
        *v = 0;
        return ST_OK;
    }
    Datum x = d->in.v[0];
    uint64_t h = l->type->hash(l->type, x) & l->mask;
    while (l->used[h]) {
        if (l->type->compare(l->type, l->values[h], x) == 0) {
            *v = true;
            return ST_OK;
        }
        h = (h + 1) & l->mask;
    }
    *v = false;
    *n = l->has_null;
    return ST_OK;
}

STATUS step_array_op(ArrayOpData *d, Datum *v, bool *n, Error *err)
{
    ArrayView view;
    ArrayIter it;
    Datum item;
    bool item_null, saw_null = false;
    CallFrame *cf = d->cf;
    *v = 0;
    *n = d->in.nulls[1];
    if (*n) return ST_OK;
    TRY(array_open(d->in.v[1], &view, err));
    *v = !d->any;
    if (!view.nitems) return ST_OK;
    if (d->in.nulls[0] && d->strict) {
        *n = true;
        *v = 0;
        return ST_OK;
    }
    array_iter_init(&it, &view, d->elem);
    while (array_next(&it, &item, &item_null)) {
        if (item_null && d->strict) {
            saw_null = true;
            continue;
        }
        cf->args[0] = d->in.v[0], cf->nulls[0] = d->in.nulls[0];
        cf->args[1] = item, cf->nulls[1] = item_null;
        cf->isnull = false;
        bool r = d->fn(cf) != 0;
        if (unlikely(err->code)) return ST_FAILED;
        if (cf->isnull) {
            saw_null = true;
        } else if (r == d->any) {
            *v = d->any;
            return ST_OK;
        }
    }
    if (saw_null) {
        *n = true;
        *v = 0;
    }
    return ST_OK;
}
