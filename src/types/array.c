/* The bytes of arrays: building and walking. */
#include "types/array.h"

#include <assert.h>

#include "types/flat_value.h"
#include "types/types_internal.h"

#define FLAG_NULLS 1

static size_t bitmap_bytes(int nitems) { return ((size_t)nitems + 7) / 8; }

static Status too_many(Error *err)
{
    return error_set(err, ERR_PROGRAM_LIMIT_EXCEEDED, "array size exceeds the maximum allowed (%d)", ARRAY_MAX_ITEMS);
}

STATUS array_count_items(int ndim, const int32_t *dims, const int32_t *lbounds, int *out, Error *err)
{
    int64_t n = ndim > 0;
    for (int i = 0; i < ndim; i++) {
        if (dims[i] < 0) return too_many(err);
        n *= dims[i];
        if (n > ARRAY_MAX_ITEMS) return too_many(err);
    }
    for (int i = 0; i < ndim && lbounds; i++)
        if ((int64_t)lbounds[i] + dims[i] > INT32_MAX)
            return error_set(err, ERR_PROGRAM_LIMIT_EXCEEDED, "array lower bound is too large: %d", lbounds[i]);
    *out = (int)n;
    return ST_OK;
}

STATUS array_open(Datum array, ArrayView *out, Error *err)
{
    Slice s = varlena_slice(array);
    const uint8_t *p = s.data, *end = p + s.len;
    if (s.len < 8 || p[0] > ARRAY_MAX_DIMS || s.len < 8 + 8 * (size_t)p[0]) goto corrupt;
    out->ndim = p[0];
    bool has_nulls = p[1] & FLAG_NULLS;
    memcpy(&out->elem, p + 4, 4);
    p += 8;
    int64_t n = out->ndim > 0;
    for (int i = 0; i < out->ndim; i++, p += 8) {
        memcpy(&out->dims[i], p, 4);
        memcpy(&out->lbounds[i], p + 4, 4);
        if (out->dims[i] < 0 || (n *= out->dims[i]) > ARRAY_MAX_ITEMS) goto corrupt;
    }
    out->nitems = (int)n;
    out->nulls = has_nulls ? p : NULL;
    if (has_nulls) p += bitmap_bytes(out->nitems);
    if (p > end) goto corrupt;
    out->data = p;
    out->end = end;
    return ST_OK;
corrupt:
    return error_set(err, ERR_DATA_CORRUPTED, "a stored array is malformed");
}

void array_iter_init(ArrayIter *it, const ArrayView *view, const TypeInfo *elem)
{
    *it = (ArrayIter){.view = view, .p = view->data, .typlen = elem->typlen, .byval = elem->byval};
}

bool array_next(ArrayIter *it, Datum *value, bool *is_null)
{
    const ArrayView *v = it->view;
    if (it->i >= v->nitems) return false;
    int i = it->i++;
    *value = 0;
    *is_null = v->nulls && (v->nulls[i / 8] >> i % 8 & 1);
    if (*is_null) return true;
    size_t n = flat_length(it->p, v->end, it->typlen);
    if (unlikely(n == 0)) return false; /* cut short: array_open checked what comes before the elements */
    *value = flat_read(it->p, it->byval, it->typlen, v->elem);
    it->p += n;
    return true;
}

STATUS array_deconstruct(Arena *arena, Datum array, const TypeInfo *elem, Datum **values, bool **nulls, int *n, Error *err)
{
    ArrayView view;
    ArrayIter it;
    TRY(array_open(array, &view, err));
    TRY_NEW_N(*values, arena, view.nitems, err);
    TRY_NEW_N(*nulls, arena, view.nitems, err);
    array_iter_init(&it, &view, elem);
    for (*n = 0; array_next(&it, &(*values)[*n], &(*nulls)[*n]);) ++*n;
    return ST_OK;
}

STATUS array_subscript(Datum array, const TypeInfo *elem, int nsubs, const int32_t *subs, Datum *value, bool *is_null, Error *err)
{
    ArrayView view;
    ArrayIter it;
    TRY(array_open(array, &view, err));
    *is_null = true;
    *value = 0;
    if (nsubs != view.ndim || view.ndim == 0) return ST_OK;
    int64_t at = 0;
    for (int i = 0; i < nsubs; i++) {
        int64_t offset = (int64_t)subs[i] - view.lbounds[i];
        if (offset < 0 || offset >= view.dims[i]) return ST_OK;
        at = at * view.dims[i] + offset;
    }
    array_iter_init(&it, &view, elem);
    if (!view.nulls && elem->typlen > 0) { /* every element has one length: go there at once */
        it.p += at * elem->typlen;
        it.i = (int)at;
        array_next(&it, value, is_null);
        return ST_OK;
    }
    while (array_next(&it, value, is_null) && at-- > 0) {
    }
    return ST_OK;
}

static STATUS empty_array(Arena *arena, const TypeInfo *elem, Datum *out, Error *err)
{
    uint8_t head[8] = {0};
    memcpy(head + 4, &elem->oid, 4);
    return make_varlena(arena, head, sizeof head, NULL, out, err);
}

STATUS array_make(Arena *arena, const TypeInfo *elem, int ndim, const int32_t *dims, const int32_t *lbounds, const Datum *values,
                  const bool *nulls, Datum *out, Error *err)
{
    int n;
    TRY(array_count_items(ndim, dims, lbounds, &n, err));
    if (n == 0) return empty_array(arena, elem, out, err);
    bool has_nulls = false;
    size_t bytes = 8 + 8 * (size_t)ndim;
    for (int i = 0; i < n; i++) {
        if (nulls && nulls[i]) has_nulls = true;
        else bytes += flat_size(values[i], elem->byval, elem->typlen);
    }
    if (has_nulls) bytes += bitmap_bytes(n);
    uint8_t *p;
    TRY(make_varlena(arena, NULL, bytes, &p, out, err));
    memset(p, 0, 8);
    p[0] = (uint8_t)ndim;
    p[1] = has_nulls ? FLAG_NULLS : 0;
    memcpy(p + 4, &elem->oid, 4);
    p += 8;
    for (int i = 0; i < ndim; i++, p += 8) {
        int32_t low = lbounds ? lbounds[i] : 1;
        memcpy(p, &dims[i], 4);
        memcpy(p + 4, &low, 4);
    }
    uint8_t *bitmap = has_nulls ? p : NULL;
    if (bitmap) {
        memset(bitmap, 0, bitmap_bytes(n));
        p += bitmap_bytes(n);
    }
    for (int i = 0; i < n; i++) {
        if (nulls && nulls[i]) bitmap[i / 8] |= (uint8_t)(1 << i % 8);
        else p = flat_write(p, values[i], elem->byval, elem->typlen);
    }
    return ST_OK;
}

STATUS array_make_1d(Arena *arena, const TypeInfo *elem, int n, const Datum *values, const bool *nulls, Datum *out, Error *err)
{
    int32_t dim = n;
    return array_make(arena, elem, 1, &dim, NULL, values, nulls, out, err);
}

void array_builder_init(ArrayBuilder *b, Arena *arena, const TypeInfo *elem) { *b = (ArrayBuilder){.arena = arena, .elem = elem}; }

STATUS array_builder_add(ArrayBuilder *b, Datum value, bool is_null, Error *err)
{
    if (b->n == b->cap) {
        int cap = b->cap ? b->cap * 2 : 16;
        if (cap > ARRAY_MAX_ITEMS) return too_many(err);
        Datum *values = arena_alloc(b->arena, (size_t)cap * sizeof *values);
        bool *nulls = arena_alloc(b->arena, (size_t)cap * sizeof *nulls);
        if (!values || !nulls) return error_out_of_memory(err, (size_t)cap * sizeof *values);
        if (b->n) {
            memcpy(values, b->values, (size_t)b->n * sizeof *values);
            memcpy(nulls, b->nulls, (size_t)b->n * sizeof *nulls);
        }
        b->values = values;
        b->nulls = nulls;
        b->cap = cap;
    }
    if (!is_null) TRY(datum_copy(b->arena, value, b->elem->byval, b->elem->typlen, &value, err));
    b->values[b->n] = is_null ? 0 : value;
    b->nulls[b->n++] = is_null;
    return ST_OK;
}

STATUS array_builder_finish(const ArrayBuilder *b, Arena *arena, Datum *out, Error *err)
{
    return array_make_1d(arena, b->elem, b->n, b->values, b->nulls, out, err);
}

const TypeInfo *array_elem_type(IoContext *io, const TypeInfo *array_type, const ArrayView *view)
{
    const TypeInfo *elem = array_type->elem_info;
    Oid want = view ? view->elem : array_type->elem;
    return elem && (elem->oid == want || !view) ? elem : type_lookup(io, want);
}

/* ---- order and hash ---- */

/* Elements first (a null sorts after all others), then the number of items, dimensions, lengths, lower bounds. */
int array_compare(const TypeInfo *type, Datum a, Datum b)
{
    ArrayView va, vb;
    ArrayIter ia, ib;
    Datum x, y;
    bool nx, ny;
    if (failed(array_open(a, &va, NULL)) || failed(array_open(b, &vb, NULL))) return 0;
    const TypeInfo *elem = type->elem_info && type->elem_info->oid == va.elem ? type->elem_info : type_builtin(va.elem);
    assert(elem && elem->compare); /* whoever compares arrays has checked that their elements can be */
    array_iter_init(&ia, &va, elem);
    array_iter_init(&ib, &vb, elem);
    while (array_next(&ia, &x, &nx) && array_next(&ib, &y, &ny)) {
        int c = nx || ny ? (int)nx - (int)ny : elem->compare(elem, x, y);
        if (c) return c;
    }
    if (va.nitems != vb.nitems) return va.nitems < vb.nitems ? -1 : 1;
    if (va.ndim != vb.ndim) return va.ndim < vb.ndim ? -1 : 1;
    for (int i = 0; i < va.ndim; i++)
        if (va.dims[i] != vb.dims[i]) return va.dims[i] < vb.dims[i] ? -1 : 1;
    for (int i = 0; i < va.ndim; i++)
        if (va.lbounds[i] != vb.lbounds[i]) return va.lbounds[i] < vb.lbounds[i] ? -1 : 1;
    return 0;
}

uint64_t array_hash(const TypeInfo *type, Datum v)
{
    ArrayView view;
    ArrayIter it;
    Datum x;
    bool null;
    uint64_t h = 1;
    if (failed(array_open(v, &view, NULL))) return 0;
    const TypeInfo *elem = type->elem_info && type->elem_info->oid == view.elem ? type->elem_info : type_builtin(view.elem);
    assert(elem && elem->hash);
    array_iter_init(&it, &view, elem);
    while (array_next(&it, &x, &null)) h = h * 31 + (null ? 0 : elem->hash(elem, x));
    return h;
}
