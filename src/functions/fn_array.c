/* Arrays: dimensions, building, searching, set operations, conversion from and to text. */
#define _GNU_SOURCE
#include <stdlib.h>

#include "functions/fn.h"

static bool open_arg(CallFrame *cf, int i, ArrayView *v) { return !failed(array_open(cf->args[i], v, cf->err)); }
static Oid elem_of_arg(CallFrame *cf, int i)
{
    const TypeInfo *t = cf->arg_types ? fn_type(cf, cf->arg_types[i]) : NULL;
    return t ? t->elem : 0;
}
static bool same(const TypeInfo *t, Datum a, Datum b) { return t->compare && t->compare(t, a, b) == 0; }
static const TypeInfo *comparable(CallFrame *cf, Oid type)
{
    const TypeInfo *t = fn_type(cf, type);
    if (t && !t->compare) {
        error_set(cf->err, ERR_UNDEFINED_FUNCTION, "could not identify an equality operator for type %s", t->name);
        return NULL;
    }
    return t;
}

/* ---- shape ---- */
FN(array_ndims) { ArrayView v; if (!open_arg(cf, 0, &v)) return 0; if (!v.ndim) RETURN_NULL(); return datum_i32(v.ndim); }
FN(array_dims)
{
    ArrayView v;
    StrBuf sb;
    strbuf_init(&sb, cf->arena);
    if (!open_arg(cf, 0, &v)) return 0;
    if (!v.ndim) RETURN_NULL();
    for (int i = 0; i < v.ndim; i++) strbuf_printf(&sb, "[%d:%d]", v.lbounds[i], v.lbounds[i] + v.dims[i] - 1);
    return fn_return_buf(cf, &sb);
}
static Datum bound(CallFrame *cf, int what)
{
    ArrayView v;
    if (!open_arg(cf, 0, &v)) return 0;
    int dim = ARG_I32(1);
    if (dim < 1 || dim > v.ndim) RETURN_NULL();
    int lb = v.lbounds[dim - 1], n = v.dims[dim - 1];
    return datum_i32(what == 0 ? lb : what == 1 ? lb + n - 1 : n);
}
FN(array_lower) { return bound(cf, 0); }
FN(array_upper) { return bound(cf, 1); }
FN(array_length) { return bound(cf, 2); }
FN(array_cardinality) { ArrayView v; return open_arg(cf, 0, &v) ? datum_i32(v.nitems) : 0; }

/* ---- building ---- */
typedef struct Items { Datum *v; bool *nulls; int n; ArrayView view; const TypeInfo *elem; } Items;
static bool items_of(CallFrame *cf, int arg, Items *out)
{
    *out = (Items){0};
    if (cf->nulls[arg]) {
        out->view.elem = elem_of_arg(cf, arg);
    } else if (!open_arg(cf, arg, &out->view)) {
        return false;
    }
    Oid elem = out->view.elem ? out->view.elem : elem_of_arg(cf, arg);
    if (!(out->elem = fn_type(cf, elem))) return false;
    if (cf->nulls[arg]) return true;
    return !failed(array_deconstruct(cf->arena, cf->args[arg], out->elem, &out->v, &out->nulls, &out->n, cf->err));
}

static Datum make(CallFrame *cf, const TypeInfo *elem, int ndim, const int32_t *dims, const int32_t *lb, const Datum *v, const bool *nulls)
{
    Datum out = 0;
    FTRY(array_make(cf->arena, elem, ndim, dims, lb, v, nulls, &out, cf->err));
    return out;
}

static Datum push(CallFrame *cf, int array_arg, int elem_arg, bool front)
{
    Items it;
    if (!items_of(cf, array_arg, &it)) return 0;
    if (it.view.ndim > 1) return CALL_ERROR(cf, ERR_DATA_EXCEPTION, "argument must be empty or one-dimensional array");
    int32_t n = it.n + 1, lb = it.view.ndim ? it.view.lbounds[0] : 1;
    Datum *v = arena_alloc(cf->arena, (size_t)n * sizeof *v);
    bool *nulls = arena_alloc(cf->arena, (size_t)n);
    FTRY_MEM(v);
    FTRY_MEM(nulls);
    if (it.n) {
        memcpy(v + front, it.v, (size_t)it.n * sizeof *v);
        memcpy(nulls + front, it.nulls, (size_t)it.n);
    }
    v[front ? 0 : n - 1] = cf->args[elem_arg];
    nulls[front ? 0 : n - 1] = cf->nulls[elem_arg];
    return make(cf, it.elem, 1, &n, &lb, v, nulls);
}
FN(array_append) { return push(cf, 0, 1, false); }
FN(array_prepend) { return push(cf, 1, 0, true); }

FN(array_cat)
{
    Items a, b;
    if (cf->nulls[0] || cf->nulls[1]) {
        if (cf->nulls[0] && cf->nulls[1]) RETURN_NULL();
        return cf->args[cf->nulls[0] ? 1 : 0];
    }
    if (!items_of(cf, 0, &a) || !items_of(cf, 1, &b)) return 0;
    if (!a.view.ndim) return cf->args[1];
    if (!b.view.ndim) return cf->args[0];
    int na = a.view.ndim, nb = b.view.ndim;
    int32_t dims[ARRAY_MAX_DIMS], lb[ARRAY_MAX_DIMS];
    const Items *big = na >= nb ? &a : &b;
    int ndim = big->view.ndim;
    memcpy(dims, big->view.dims, sizeof dims);
    memcpy(lb, na >= nb ? a.view.lbounds : b.view.lbounds, sizeof lb);
    bool ok = na == nb || na == nb + 1 || nb == na + 1;
    if (!ok) {
        error_set(cf->err, ERR_ARRAY_SUBSCRIPT_ERROR, "cannot concatenate incompatible arrays");
        error_detail(cf->err, "Arrays of %d and %d dimensions are not compatible for concatenation.", na, nb);
        return 0;
    }
    if (na == nb) {
        dims[0] = a.view.dims[0] + b.view.dims[0];
        for (int i = 1; i < na; i++) ok &= a.view.dims[i] == b.view.dims[i] && a.view.lbounds[i] == b.view.lbounds[i];
    } else {
        const Items *small = na > nb ? &b : &a;
        dims[0]++;
        for (int i = 0; i < small->view.ndim; i++) ok &= small->view.dims[i] == dims[i + 1] && small->view.lbounds[i] == lb[i + 1];
    }
    if (!ok) {
        error_set(cf->err, ERR_ARRAY_SUBSCRIPT_ERROR, "cannot concatenate incompatible arrays");
        error_detail(cf->err, na == nb ? "Arrays with differing element dimensions are not compatible for concatenation."
                                       : "Arrays with differing dimensions are not compatible for concatenation.");
        return 0;
    }
    int n = a.n + b.n;
    Datum *v = arena_alloc(cf->arena, (size_t)n * sizeof *v + 1);
    bool *nulls = arena_alloc(cf->arena, (size_t)n + 1);
    FTRY_MEM(v);
    FTRY_MEM(nulls);
    memcpy(v, a.v, (size_t)a.n * sizeof *v);
    memcpy(v + a.n, b.v, (size_t)b.n * sizeof *v);
    memcpy(nulls, a.nulls, (size_t)a.n);
    memcpy(nulls + a.n, b.nulls, (size_t)b.n);
    return make(cf, a.elem, ndim, dims, lb, v, nulls);
}

static Datum fill(CallFrame *cf, bool with_lb)
{
    int32_t dims[ARRAY_MAX_DIMS] = {0}, lb[ARRAY_MAX_DIMS] = {1, 1, 1, 1, 1, 1};
    Items it;
    int ndim, n;
    if (cf->nulls[1] || (with_lb && cf->nulls[2])) return CALL_ERROR(cf, ERR_NULL_VALUE_NOT_ALLOWED, "dimension array or low bound array cannot be null");
    for (int arg = 1; arg <= 1 + with_lb; arg++) {
        if (!items_of(cf, arg, &it)) return 0;
        if (it.view.ndim > 1) return CALL_ERROR(cf, ERR_ARRAY_SUBSCRIPT_ERROR, "wrong number of array subscripts");
        if (it.n > ARRAY_MAX_DIMS)
            return CALL_ERROR(cf, ERR_PROGRAM_LIMIT_EXCEEDED, "number of array dimensions (%d) exceeds the maximum allowed (%d)", it.n, ARRAY_MAX_DIMS);
        if (arg == 1) ndim = it.n;
        else if (it.n != ndim) return CALL_ERROR(cf, ERR_ARRAY_SUBSCRIPT_ERROR, "wrong number of array subscripts");
        for (int i = 0; i < it.n; i++) {
            if (it.nulls[i]) return CALL_ERROR(cf, ERR_NULL_VALUE_NOT_ALLOWED, "dimension values cannot be null");
            (arg == 1 ? dims : lb)[i] = datum_get_i32(it.v[i]);
        }
    }
    const TypeInfo *elem = fn_type(cf, cf->arg_types[0]);
    if (!elem) return 0;
    FTRY(array_count_items(ndim, dims, lb, &n, cf->err));
    Datum *v = arena_alloc(cf->arena, (size_t)n * sizeof *v + 1);
    bool *nulls = arena_alloc(cf->arena, (size_t)n + 1);
    FTRY_MEM(v);
    FTRY_MEM(nulls);
    for (int i = 0; i < n; i++) v[i] = cf->args[0], nulls[i] = cf->nulls[0];
    return make(cf, elem, n ? ndim : 0, dims, lb, v, nulls);
}
FN(array_fill) { return fill(cf, false); }
FN(array_fill_with_lower_bounds) { return fill(cf, true); }

FN(trim_array)
{
    Items it;
    if (!items_of(cf, 0, &it)) return 0;
    int n = ARG_I32(1), len = it.view.ndim ? it.view.dims[0] : 0;
    if (n < 0 || n > len) return CALL_ERROR(cf, ERR_ARRAY_ELEMENT_ERROR, "number of elements to trim must be between 0 and %d", len);
    int32_t dims[ARRAY_MAX_DIMS];
    memcpy(dims, it.view.dims, sizeof dims);
    dims[0] = len - n;
    return make(cf, it.elem, dims[0] ? it.view.ndim : 0, dims, NULL, it.v, it.nulls);
}

/* ---- removing, replacing, finding ---- */
static Datum replace(CallFrame *cf, bool remove)
{
    Items it;
    if (cf->nulls[0]) RETURN_NULL();
    if (!items_of(cf, 0, &it)) return 0;
    if (!it.n) return cf->args[0];
    if (remove && it.view.ndim > 1) return CALL_ERROR(cf, ERR_FEATURE_NOT_SUPPORTED, "removing elements from multidimensional arrays is not supported");
    if (!comparable(cf, it.elem->oid)) return 0;
    int kept = 0;
    bool changed = false;
    for (int i = 0; i < it.n; i++) {
        bool hit = it.nulls[i] ? cf->nulls[1] : !cf->nulls[1] && same(it.elem, it.v[i], cf->args[1]);
        changed |= hit;
        if (hit && remove) continue;
        it.v[kept] = hit ? cf->args[2] : it.v[i];
        it.nulls[kept++] = hit ? cf->nulls[2] : it.nulls[i];
    }
    if (!changed) return cf->args[0];
    int32_t n = kept;
    return remove ? make(cf, it.elem, n ? 1 : 0, &n, it.view.lbounds, it.v, it.nulls)
                  : make(cf, it.elem, it.view.ndim, it.view.dims, it.view.lbounds, it.v, it.nulls);
}
FN(array_remove) { return replace(cf, true); }
FN(array_replace) { return replace(cf, false); }

static Datum position(CallFrame *cf, int start, bool all)
{
    Items it;
    ArrayBuilder found;
    Datum out = 0;
    if (cf->nulls[0]) RETURN_NULL();
    if (!items_of(cf, 0, &it)) return 0;
    if (it.view.ndim > 1) return CALL_ERROR(cf, ERR_FEATURE_NOT_SUPPORTED, "searching for elements in multidimensional arrays is not supported");
    if (!comparable(cf, it.elem->oid)) return 0;
    array_builder_init(&found, cf->arena, type_builtin(TYPE_int4));
    int lb = it.view.ndim ? it.view.lbounds[0] : 1;
    for (int i = 0; i < it.n; i++) {
        if (lb + i < start) continue;
        bool hit = it.nulls[i] ? cf->nulls[1] : !cf->nulls[1] && same(it.elem, it.v[i], cf->args[1]);
        if (!hit) continue;
        if (!all) return datum_i32(lb + i);
        FTRY(array_builder_add(&found, datum_i32(lb + i), false, cf->err));
    }
    if (!all) RETURN_NULL();
    FTRY(array_builder_finish(&found, cf->arena, &out, cf->err));
    return out;
}
FN(array_position) { return position(cf, INT32_MIN, false); }
FN(array_position_start)
{
    if (cf->nulls[2]) return CALL_ERROR(cf, ERR_NULL_VALUE_NOT_ALLOWED, "initial position must not be null");
    return position(cf, ARG_I32(2), false);
}
FN(array_positions) { return position(cf, INT32_MIN, true); }

/* ---- sets ---- */
static bool contains(const Items *a, const Items *b, bool all)
{
    for (int j = 0; j < b->n; j++) {
        bool hit = false;
        for (int i = 0; i < a->n && !hit && !b->nulls[j]; i++) hit = !a->nulls[i] && same(a->elem, a->v[i], b->v[j]);
        if (hit != all) return hit;
    }
    return all;
}
static Datum set_op(CallFrame *cf, int big, bool all)
{
    Items a, b;
    if (!items_of(cf, big, &a) || !items_of(cf, 1 - big, &b)) return 0;
    if (!comparable(cf, a.elem->oid)) return 0;
    return datum_bool(contains(&a, &b, all));
}
FN(arraycontains) { return set_op(cf, 0, true); }
FN(arraycontained) { return set_op(cf, 1, true); }
FN(arrayoverlap) { return set_op(cf, 0, false); }

/* ---- text ---- */
static Datum to_text(CallFrame *cf, const Slice *null_text)
{
    ArrayView v;
    ArrayIter it;
    Datum d;
    bool null, any = false;
    StrBuf sb;
    Slice sep = ARG_TEXT(1);
    strbuf_init(&sb, cf->arena);
    if (!open_arg(cf, 0, &v)) return 0;
    if (!v.nitems) return call_return_text(cf, slice_of("", 0));
    const TypeInfo *elem = fn_type(cf, v.elem);
    if (!elem) return 0;
    for (array_iter_init(&it, &v, elem); array_next(&it, &d, &null);) {
        if (null && !null_text) continue;
        if (any) strbuf_append(&sb, sep.data, sep.len);
        any = true;
        if (null) strbuf_append(&sb, null_text->data, null_text->len);
        else FTRY(fn_output(cf, v.elem, d, &sb));
    }
    return fn_return_buf(cf, &sb);
}
FN(array_to_text) { return to_text(cf, NULL); }
FN(array_to_text_null)
{
    if (cf->nulls[0] || cf->nulls[1]) RETURN_NULL();
    if (cf->nulls[2]) return to_text(cf, NULL);
    Slice s = ARG_TEXT(2);
    return to_text(cf, &s);
}

/* string_to_array, string_to_table: calls add for each field. sep NULL: every character. */
typedef struct Splitter { Slice rest, sep, null_text; bool no_sep, has_null, done; } Splitter;
static bool split_next(Splitter *s, Slice *out, bool *null)
{
    if (s->done || (s->no_sep && !s->rest.len)) return false;
    size_t n = s->rest.len, skip = n;
    if (s->no_sep) {
        n = skip = (size_t)utf8_char_len(s->rest.data[0]);
    } else {
        const uint8_t *p = s->sep.len ? memmem(s->rest.data, s->rest.len, s->sep.data, s->sep.len) : NULL;
        if (p) n = (size_t)(p - s->rest.data), skip = n + s->sep.len;
        else s->done = true;
    }
    *out = slice_of(s->rest.data, n);
    s->rest = slice_of(s->rest.data + skip, s->rest.len - skip);
    *null = s->has_null && slice_equal(*out, s->null_text);
    return true;
}
static void split_begin(CallFrame *cf, Splitter *s)
{
    *s = (Splitter){.rest = ARG_TEXT(0), .no_sep = cf->nulls[1]};
    if (!s->no_sep) s->sep = ARG_TEXT(1);
    if (cf->nargs > 2 && !cf->nulls[2]) s->has_null = true, s->null_text = ARG_TEXT(2);
    if (!s->rest.len) s->done = true;
}
static Datum string_to_array(CallFrame *cf)
{
    Splitter s;
    ArrayBuilder b;
    Slice part;
    bool null;
    Datum out = 0;
    if (cf->nulls[0]) RETURN_NULL();
    split_begin(cf, &s);
    array_builder_init(&b, cf->arena, type_builtin(TYPE_text));
    while (split_next(&s, &part, &null)) {
        Datum d = varlena_from_slice(cf->arena, part);
        FTRY_MEM(d);
        FTRY(array_builder_add(&b, d, null, cf->err));
    }
    FTRY(array_builder_finish(&b, cf->arena, &out, cf->err));
    return out;
}
FN(text_to_array) { return string_to_array(cf); }
FN(text_to_array_null) { return string_to_array(cf); }

typedef struct TableSplit { Splitter s; } TableSplit;
static Datum string_to_table(CallFrame *cf)
{
    TableSplit *t = cf->site_state;
    Slice part;
    bool null;
    if (!t) {
        t = cf->site_state = fn_site_alloc(cf, sizeof *t);
        FTRY_MEM(t);
        if (cf->nulls[0]) t->s.done = true;
        else {
            Datum copy[3] = {0};
            CallFrame inner = *cf;
            for (int i = 0; i < cf->nargs && i < 3; i++)
                if (!cf->nulls[i]) FTRY(datum_copy(cf->site_arena ? cf->site_arena : cf->arena, cf->args[i], false, -1, &copy[i], cf->err));
            inner.args = copy;
            split_begin(&inner, &t->s);
        }
    }
    if (!split_next(&t->s, &part, &null)) {
        cf->set->done = true;
        return 0;
    }
    if (null) RETURN_NULL();
    return call_return_text(cf, part);
}
FN(text_to_table) { return string_to_table(cf); }
FN(text_to_table_null) { return string_to_table(cf); }

/* ---- num_nulls ---- */
static Datum count_nulls(CallFrame *cf, bool count_null)
{
    int n = 0, total = cf->nargs;
    if (cf->variadic_array) {
        Items it;
        if (cf->nulls[0]) RETURN_NULL();
        if (!items_of(cf, 0, &it)) return 0;
        total = it.n;
        for (int i = 0; i < it.n; i++) n += it.nulls[i];
    } else {
        for (int i = 0; i < cf->nargs; i++) n += cf->nulls[i];
    }
    return datum_i32(count_null ? n : total - n);
}
FN(pg_num_nulls) { return count_nulls(cf, true); }
FN(pg_num_nonnulls) { return count_nulls(cf, false); }

/* ---- width_bucket over thresholds ---- */
FN(width_bucket_array)
{
    Items it;
    if (!items_of(cf, 1, &it)) return 0;
    if (it.view.ndim > 1) return CALL_ERROR(cf, ERR_ARRAY_SUBSCRIPT_ERROR, "thresholds must be one-dimensional array");
    if (!comparable(cf, it.elem->oid)) return 0;
    int lo = 0, hi = it.n;
    for (int i = 0; i < it.n; i++)
        if (it.nulls[i]) return CALL_ERROR(cf, ERR_NULL_VALUE_NOT_ALLOWED, "thresholds array must not contain NULLs");
    while (lo < hi) {
        int mid = (lo + hi) / 2;
        if (it.elem->compare(it.elem, cf->args[0], it.v[mid]) < 0) hi = mid;
        else lo = mid + 1;
    }
    return datum_i32(lo);
}
