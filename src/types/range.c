/* The bytes, order and canonical form of ranges and multiranges. */
#include "types/range.h"

#include <stdlib.h>

#include "common/hash.h"
#include "types/flat_value.h"
#include "types/types_internal.h"

STATUS range_read(const TypeInfo *range, Datum v, Range *out, Error *err)
{
    const TypeInfo *sub = range_subtype(range);
    Slice s = varlena_slice(v);
    *out = (Range){.empty = true, .lower.lower = true};
    if (s.len < 1) goto corrupt;
    uint8_t flags = s.data[0];
    const uint8_t *p = s.data + 1, *end = s.data + s.len;
    out->empty = flags & RANGE_EMPTY;
    if (out->empty) return ST_OK;
    out->lower.infinite = flags & RANGE_LOWER_INF;
    out->lower.inclusive = flags & RANGE_LOWER_INC;
    out->upper.infinite = flags & RANGE_UPPER_INF;
    out->upper.inclusive = flags & RANGE_UPPER_INC;
    for (int i = 0; i < 2; i++) {
        RangeBound *b = i ? &out->upper : &out->lower;
        if (b->infinite) continue;
        size_t n = flat_length(p, end, sub->typlen);
        if (!n) goto corrupt;
        b->value = flat_read(p, sub->byval, sub->typlen, sub->oid);
        p += n;
    }
    return ST_OK;
corrupt:
    return error_set(err, ERR_DATA_CORRUPTED, "a stored range is malformed");
}

int range_compare_bounds(const TypeInfo *sub, const RangeBound *a, const RangeBound *b)
{
    if (a->infinite && b->infinite) return a->lower == b->lower ? 0 : a->lower ? -1 : 1;
    if (a->infinite) return a->lower ? -1 : 1;
    if (b->infinite) return b->lower ? 1 : -1;
    int c = sub->compare(sub, a->value, b->value);
    if (c || (a->inclusive && b->inclusive)) return c;
    /* equal values: an exclusive lower bound is just above the value, an exclusive upper one just below */
    int x = a->inclusive ? 0 : a->lower ? 1 : -1, y = b->inclusive ? 0 : b->lower ? 1 : -1;
    return (x > y) - (x < y);
}

/* The next value of a discrete type. False: there is none. */
static bool successor(const TypeInfo *sub, Datum v, Datum *out)
{
    switch (sub->oid) {
    case TYPE_int4: *out = datum_i32((int32_t)((uint32_t)datum_get_i32(v) + 1)); return datum_get_i32(v) != INT32_MAX;
    case TYPE_date: *out = datum_i32((int32_t)((uint32_t)datum_get_i32(v) + 1)); return datum_get_i32(v) < INT32_MAX - 1;
    default: *out = v + 1; return datum_get_i64(v) != INT64_MAX;
    }
}

static bool is_discrete(const TypeInfo *sub) { return sub->oid == TYPE_int4 || sub->oid == TYPE_int8 || sub->oid == TYPE_date; }

static bool infinite_date(const TypeInfo *sub, Datum v)
{
    return sub->oid == TYPE_date && (datum_get_i32(v) == DATE_INFINITY || datum_get_i32(v) == DATE_NEG_INFINITY);
}

static Status no_successor(const TypeInfo *sub, Error *err)
{
    if (sub->oid == TYPE_date) return error_set(err, ERR_DATETIME_FIELD_OVERFLOW, "date out of range");
    return error_set(err, ERR_NUMERIC_VALUE_OUT_OF_RANGE, "%s out of range", type_display_name(sub));
}

static STATUS canonical(const TypeInfo *sub, Range *r, Error *err)
{
    RangeBound *low = &r->lower, *high = &r->upper;
    if (!low->infinite && !low->inclusive && !infinite_date(sub, low->value)) {
        if (!successor(sub, low->value, &low->value)) return no_successor(sub, err);
        low->inclusive = true;
    }
    if (!high->infinite && high->inclusive && !infinite_date(sub, high->value)) {
        if (!successor(sub, high->value, &high->value)) return no_successor(sub, err);
        high->inclusive = false;
    }
    return ST_OK;
}

/* Bounds that leave no room: the range is empty. Bounds in the wrong order: 22000. */
static STATUS settle(const TypeInfo *sub, Range *r, bool check_order, Error *err)
{
    if (r->empty) return ST_OK;
    if (r->lower.infinite) r->lower.inclusive = false;
    if (r->upper.infinite) r->upper.inclusive = false;
    if (r->lower.infinite || r->upper.infinite) return ST_OK;
    int c = sub->compare(sub, r->lower.value, r->upper.value);
    if (c > 0 && check_order)
        return error_set(err, ERR_DATA_EXCEPTION, "range lower bound must be less than or equal to range upper bound");
    r->empty = c > 0 || (c == 0 && !(r->lower.inclusive && r->upper.inclusive));
    return ST_OK;
}

STATUS range_make(Arena *arena, const TypeInfo *range, Range r, Datum *out, Error *err)
{
    const TypeInfo *sub = range_subtype(range);
    r.lower.lower = true;
    r.upper.lower = false;
    TRY(settle(sub, &r, true, err));
    if (!r.empty && is_discrete(sub)) {
        TRY(canonical(sub, &r, err));
        TRY(settle(sub, &r, false, err));
    }
    if (r.empty) return make_varlena(arena, &(uint8_t){RANGE_EMPTY}, 1, NULL, out, err);
    size_t n = 1;
    if (!r.lower.infinite) n += flat_size(r.lower.value, sub->byval, sub->typlen);
    if (!r.upper.infinite) n += flat_size(r.upper.value, sub->byval, sub->typlen);
    uint8_t *p;
    TRY(make_varlena(arena, NULL, n, &p, out, err));
    *p++ = (uint8_t)((r.lower.infinite ? RANGE_LOWER_INF : 0) | (r.lower.inclusive ? RANGE_LOWER_INC : 0) |
                     (r.upper.infinite ? RANGE_UPPER_INF : 0) | (r.upper.inclusive ? RANGE_UPPER_INC : 0));
    if (!r.lower.infinite) p = flat_write(p, r.lower.value, sub->byval, sub->typlen);
    if (!r.upper.infinite) flat_write(p, r.upper.value, sub->byval, sub->typlen);
    return ST_OK;
}

/* Empty ranges first, then by lower, then by upper bound. */
static int compare_ranges(const TypeInfo *sub, const Range *a, const Range *b)
{
    if (a->empty || b->empty) return (int)b->empty - (int)a->empty;
    int c = range_compare_bounds(sub, &a->lower, &b->lower);
    return c ? c : range_compare_bounds(sub, &a->upper, &b->upper);
}

int range_compare(const TypeInfo *type, Datum a, Datum b)
{
    Range x, y;
    if (failed(range_read(type, a, &x, NULL)) || failed(range_read(type, b, &y, NULL))) return 0;
    return compare_ranges(range_subtype(type), &x, &y);
}

static uint64_t hash_bound(const TypeInfo *sub, const RangeBound *b)
{
    return hash_combine((uint64_t)b->infinite << 1 | b->inclusive, b->infinite || !sub->hash ? 0 : sub->hash(sub, b->value));
}

static uint64_t hash_range(const TypeInfo *sub, const Range *r)
{
    return r->empty ? 1 : hash_combine(hash_bound(sub, &r->lower), hash_bound(sub, &r->upper));
}

uint64_t range_hash(const TypeInfo *type, Datum v)
{
    Range r;
    return failed(range_read(type, v, &r, NULL)) ? 0 : hash_range(range_subtype(type), &r);
}

/* ---- multiranges ---- */

STATUS multirange_read(Arena *arena, const TypeInfo *multirange, Datum v, Range **ranges, int *n, Error *err)
{
    Slice s = varlena_slice(v);
    uint32_t count = 0;
    if (s.len >= 4) memcpy(&count, s.data, 4);
    if (s.len < 4 || count > s.len) return error_set(err, ERR_DATA_CORRUPTED, "a stored multirange is malformed");
    const uint8_t *p = s.data + 4, *end = s.data + s.len;
    TRY_NEW_N(*ranges, arena, count, err);
    for (*n = 0; *n < (int)count; ++*n) {
        size_t len = flat_length(p, end, -1);
        if (!len) return error_set(err, ERR_DATA_CORRUPTED, "a stored multirange is malformed");
        TRY(range_read(multirange->elem_info, datum_ptr(p), &(*ranges)[*n], err));
        p += len;
    }
    return ST_OK;
}

/* Does b start inside of a or right behind it? Both sorted, neither empty. */
static bool touches(const TypeInfo *sub, const Range *a, const Range *b)
{
    if (a->upper.infinite || b->lower.infinite) return true;
    int c = sub->compare(sub, b->lower.value, a->upper.value);
    return c < 0 || (c == 0 && (b->lower.inclusive || a->upper.inclusive));
}

/* Ranges are few: insertion keeps them sorted without a comparison context. */
static int insert_sorted(const TypeInfo *sub, Range *sorted, int n, const Range *r)
{
    int at = n;
    while (at > 0 && compare_ranges(sub, r, &sorted[at - 1]) < 0) at--;
    memmove(sorted + at + 1, sorted + at, (size_t)(n - at) * sizeof *sorted);
    sorted[at] = *r;
    return n + 1;
}

STATUS multirange_make(Arena *arena, const TypeInfo *multirange, Range *ranges, int n, Datum *out, Error *err)
{
    const TypeInfo *range = multirange->elem_info, *sub = range_subtype(range);
    Range *sorted;
    Datum *parts;
    int kept = 0, merged = 0;
    size_t bytes = 4;
    TRY_NEW_N(sorted, arena, n + 1, err);
    TRY_NEW_N(parts, arena, n + 1, err);
    for (int i = 0; i < n; i++)
        if (!ranges[i].empty) kept = insert_sorted(sub, sorted, kept, &ranges[i]);
    for (int i = 0; i < kept; i++) {
        Range *last = merged ? &sorted[merged - 1] : NULL;
        if (!last || !touches(sub, last, &sorted[i])) sorted[merged++] = sorted[i];
        else if (range_compare_bounds(sub, &sorted[i].upper, &last->upper) > 0) last->upper = sorted[i].upper;
    }
    for (int i = 0; i < merged; i++) {
        TRY(range_make(arena, range, sorted[i], &parts[i], err));
        bytes += varlena_total(datum_bytes(parts[i]));
    }
    uint8_t *p;
    uint32_t count = (uint32_t)merged;
    TRY(make_varlena(arena, NULL, bytes, &p, out, err));
    memcpy(p, &count, 4);
    p += 4;
    for (int i = 0; i < merged; i++) p = flat_write(p, parts[i], false, -1);
    return ST_OK;
}

int multirange_compare(const TypeInfo *type, Datum a, Datum b)
{
    Slice x = varlena_slice(a), y = varlena_slice(b);
    uint32_t nx, ny;
    memcpy(&nx, x.data, 4);
    memcpy(&ny, y.data, 4);
    const uint8_t *p = x.data + 4, *q = y.data + 4;
    for (uint32_t i = 0; i < nx && i < ny; i++) {
        int c = range_compare(type->elem_info, datum_ptr(p), datum_ptr(q));
        if (c) return c;
        p += varlena_total(p);
        q += varlena_total(q);
    }
    return (nx > ny) - (nx < ny);
}

uint64_t multirange_hash(const TypeInfo *type, Datum v)
{
    Slice s = varlena_slice(v);
    uint64_t h = 11;
    for (const uint8_t *p = s.data + 4, *end = s.data + s.len; p < end; p += varlena_total(p))
        h = h * 31 + range_hash(type->elem_info, datum_ptr(p));
    return h;
}
