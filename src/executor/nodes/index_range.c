/* Ranges of an index; see index_range.h. A condition that can match nothing (x = NULL, x > 5 AND x < 3 is left to the store) gives no range. */
#include "executor/nodes/index_range.h"

#include <stdlib.h>

#include "types/array.h"

enum { STRATEGY_LT = 1, STRATEGY_LE, STRATEGY_EQ, STRATEGY_GE, STRATEGY_GT, STRATEGY_IS_NULL, STRATEGY_IS_NOT_NULL, STRATEGY_ANY };

typedef struct RangeQual {
    int keyno, strategy;
    ExprProgram *value;
    const TypeInfo *type;  /* of the value; of the array's elements for ANY */
} RangeQual;

typedef struct KeyBound { bool set, inclusive; Datum v; } KeyBound;

typedef struct KeyState {
    bool equal;            /* fixed by = or = ANY or IS NULL */
    int n, at;             /* its values, in scan order; the one in use */
    Datum *values;
    bool is_null;          /* IS NULL */
    KeyBound low, high;    /* in value order, not index order */
    bool not_null;
} KeyState;

struct IndexRange {
    ExecState *es;
    int nquals, nkey, prefix;
    RangeQual *quals;
    const KeyPart *key;
    KeyState *keys;
    Datum *low_values, *high_values;
    bool *low_nulls, *high_nulls;
    bool backward, impossible, finished, full_key;
    Arena arena;           /* comparison values: until the next begin */
};

STATUS index_range_init(ExecState *es, const List *indexqual, const KeyPart *key, int nkey, bool backward, IndexRange **out, Error *err)
{
    IndexRange *r;
    TRY_NEW(r, &es->arena, err);
    r->es = es;
    arena_init(&r->arena, es->account, 512);
    r->key = key;
    r->nkey = nkey;
    r->backward = backward;
    r->nquals = list_len(indexqual);
    TRY_NEW_N(r->quals, &es->arena, r->nquals + 1, err);
    TRY_NEW_N(r->keys, &es->arena, nkey + 1, err);
    TRY_NEW_N(r->low_values, &es->arena, nkey + 1, err);
    TRY_NEW_N(r->high_values, &es->arena, nkey + 1, err);
    TRY_NEW_N(r->low_nulls, &es->arena, nkey + 1, err);
    TRY_NEW_N(r->high_nulls, &es->arena, nkey + 1, err);
    for (int i = 0; i < r->nquals; i++) {
        const IndexQual *q = list_at(indexqual, i);
        RangeQual *rq = &r->quals[i];
        rq->keyno = q->keyno;
        rq->strategy = q->strategy;
        if (q->keyno < 0 || q->keyno >= nkey) return error_set(err, ERR_INTERNAL_ERROR, "index qualification on column %d of %d", q->keyno, nkey);
        if (!q->value) continue;
        TRY(exec_type(es, expr_type(q->value), &rq->type, err));
        if (q->strategy == STRATEGY_ANY && rq->type->elem) TRY(exec_type(es, rq->type->elem, &rq->type, err));
        TRY(exec_compile(es, q->value, &rq->value, err));
    }
    *out = r;
    return ST_OK;
}

/* ---- values of another integer width than the column's ---- */

typedef enum Fit { FITS, TOO_LOW, TOO_HIGH } Fit;

static Fit fit_value(const TypeInfo *column, Datum v)
{
    int64_t x = (int64_t)v, lo, hi;
    switch (column->key) {
    case KEYENC_I16: lo = INT16_MIN, hi = INT16_MAX; break;
    case KEYENC_I32: lo = INT32_MIN, hi = INT32_MAX; break;
    case KEYENC_U32: lo = 0, hi = UINT32_MAX; break;
    default: return FITS;
    }
    return x < lo ? TOO_LOW : x > hi ? TOO_HIGH : FITS;
}

static int compare_values(const TypeInfo *t, Datum a, Datum b)
{
    SortKey k = {.type = t};
    return sort_key_compare(&k, a, false, b, false);
}

static int compare_for_sort(const void *a, const void *b, void *type) { return compare_values(type, *(const Datum *)a, *(const Datum *)b); }

/* The value of a float column compared with another width, and the like: brought to the column's own form. */
static Datum convert(const TypeInfo *column, const TypeInfo *type, Datum v)
{
    if (column->key == KEYENC_F8 && type->key == KEYENC_F4) return datum_f8(datum_get_f4(v));
    return v;
}

static void narrow_low(KeyState *k, const TypeInfo *t, Datum v, bool inclusive)
{
    int c = k->low.set ? compare_values(t, v, k->low.v) : 1;
    if (c > 0 || (c == 0 && !inclusive)) k->low = (KeyBound){true, inclusive, v};
}
static void narrow_high(KeyState *k, const TypeInfo *t, Datum v, bool inclusive)
{
    int c = k->high.set ? compare_values(t, v, k->high.v) : -1;
    if (c < 0 || (c == 0 && !inclusive)) k->high = (KeyBound){true, inclusive, v};
}

static STATUS set_equal(IndexRange *r, KeyState *k, const TypeInfo *t, Datum *values, int n, Error *err)
{
    if (!k->equal || k->is_null) {
        if (k->is_null) r->impossible = true;
        k->equal = true;
        k->values = values;
        k->n = n;
        return ST_OK;
    }
    int kept = 0; /* both lists are sorted: intersect */
    for (int i = 0, j = 0; i < k->n && j < n;) {
        int c = compare_values(t, k->values[i], values[j]);
        if (c == 0) k->values[kept++] = values[j];
        if (c <= 0) i++;
        if (c >= 0) j++;
    }
    k->n = kept;
    return ST_OK;
}

static STATUS apply_any(IndexRange *r, KeyState *k, const RangeQual *q, const TypeInfo *column, Datum array, Arena *arena, Error *err)
{
    ArrayView view;
    ArrayIter it;
    Datum v, *values;
    bool isnull;
    int n = 0, unique = 0;
    TRY(array_open(array, &view, err));
    TRY_NEW_N(values, arena, view.nitems + 1, err);
    array_iter_init(&it, &view, q->type);
    while (array_next(&it, &v, &isnull))
        if (!isnull && fit_value(column, v) == FITS) values[n++] = convert(column, q->type, v);
    qsort_r(values, (size_t)n, sizeof *values, compare_for_sort, (void *)column);
    for (int i = 0; i < n; i++)
        if (!unique || compare_values(column, values[unique - 1], values[i]) != 0) values[unique++] = values[i];
    return set_equal(r, k, column, values, unique, err);
}

static STATUS apply_qual(IndexRange *r, const RangeQual *q, ExprContext *ec, Error *err)
{
    KeyState *k = &r->keys[q->keyno];
    const TypeInfo *column = r->key[q->keyno].type;
    Datum v, *one;
    bool isnull;
    if (q->strategy == STRATEGY_IS_NULL) {
        if (k->equal || k->low.set || k->high.set || k->not_null) r->impossible = true;
        k->equal = k->is_null = true;
        k->n = 1;
        return ST_OK;
    }
    if (q->strategy == STRATEGY_IS_NOT_NULL) {
        k->not_null = true;
        if (k->is_null) r->impossible = true;
        return ST_OK;
    }
    TRY(expr_eval(q->value, ec, &v, &isnull, err));
    if (isnull || k->is_null) {
        r->impossible = true;
        return ST_OK;
    }
    if (q->strategy == STRATEGY_ANY) return apply_any(r, k, q, column, v, ec->tuple_arena, err);
    Fit fit = q->type->byval ? fit_value(column, v) : FITS;
    v = convert(column, q->type, v);
    switch (q->strategy) {
    case STRATEGY_EQ:
        if (fit != FITS) {
            r->impossible = true;
            return ST_OK;
        }
        TRY_NEW(one, ec->tuple_arena, err);
        *one = v;
        return set_equal(r, k, column, one, 1, err);
    case STRATEGY_LT: case STRATEGY_LE:
        if (fit == TOO_LOW) r->impossible = true;
        if (fit == FITS) narrow_high(k, column, v, q->strategy == STRATEGY_LE);
        else k->not_null = true;
        return ST_OK;
    default:
        if (fit == TOO_HIGH) r->impossible = true;
        if (fit == FITS) narrow_low(k, column, v, q->strategy == STRATEGY_GE);
        else k->not_null = true;
        return ST_OK;
    }
}

/* Values that a range on the same column excludes. */
static void filter_equal(KeyState *k, const TypeInfo *t)
{
    int kept = 0;
    for (int i = 0; i < k->n; i++) {
        int lo = k->low.set ? compare_values(t, k->values[i], k->low.v) : 1;
        int hi = k->high.set ? compare_values(t, k->values[i], k->high.v) : -1;
        if ((lo > 0 || (lo == 0 && k->low.inclusive)) && (hi < 0 || (hi == 0 && k->high.inclusive))) k->values[kept++] = k->values[i];
    }
    k->n = kept;
}

STATUS index_range_begin(IndexRange *r, ExprContext *ec, Error *err)
{
    r->impossible = r->finished = false;
    memset(r->keys, 0, sizeof *r->keys * (size_t)r->nkey);
    if (r->arena.blocks) arena_reset(&r->arena);
    Arena *saved = ec->tuple_arena;
    Status st = ST_OK;
    ec->tuple_arena = &r->arena;
    for (int i = 0; i < r->nquals && !failed(st); i++) st = apply_qual(r, &r->quals[i], ec, err);
    ec->tuple_arena = saved;
    TRY(st);
    r->full_key = true;
    for (r->prefix = 0; r->prefix < r->nkey && r->keys[r->prefix].equal; r->prefix++) {
        KeyState *k = &r->keys[r->prefix];
        if (k->is_null) r->full_key = false;
        else if (k->low.set || k->high.set) filter_equal(k, r->key[r->prefix].type);
        if (!k->n) r->impossible = true;
        if ((r->key[r->prefix].descending != r->backward) && k->n > 1) /* index order: largest first */
            for (int a = 0, b = k->n - 1; a < b; a++, b--) {
                Datum t = k->values[a];
                k->values[a] = k->values[b];
                k->values[b] = t;
            }
    }
    if (r->prefix < r->nkey) r->full_key = false;
    r->finished = r->impossible;
    return ST_OK;
}

void index_range_end(IndexRange *r)
{
    if (r) arena_destroy(&r->arena);
}

bool index_range_is_full_key(const IndexRange *r) { return r->full_key; }

static bool advance(IndexRange *r)
{
    for (int i = r->prefix - 1; i >= 0; i--) {
        if (++r->keys[i].at < r->keys[i].n) return true;
        r->keys[i].at = 0;
    }
    return false;
}

bool index_range_next(IndexRange *r, ScanRange *out)
{
    int n = r->prefix;
    if (r->finished) return false;
    memset(out, 0, sizeof *out);
    for (int i = 0; i < n; i++) {
        const KeyState *k = &r->keys[i];
        r->low_nulls[i] = r->high_nulls[i] = k->is_null;
        r->low_values[i] = r->high_values[i] = k->is_null ? 0 : k->values[k->at];
    }
    out->low = (ScanBound){.n = n, .values = r->low_values, .nulls = r->low_nulls, .inclusive = true};
    out->high = (ScanBound){.n = n, .values = r->high_values, .nulls = r->high_nulls, .inclusive = true};
    if (n < r->nkey) {
        const KeyState *k = &r->keys[n];
        const KeyPart *part = &r->key[n];
        KeyBound first = part->descending ? k->high : k->low, last = part->descending ? k->low : k->high;
        if (first.set) {
            out->low.n = n + 1;
            out->low.inclusive = first.inclusive;
            r->low_values[n] = first.v;
            r->low_nulls[n] = false;
        }
        if (last.set) {
            out->high.n = n + 1;
            out->high.inclusive = last.inclusive;
            r->high_values[n] = last.v;
            r->high_nulls[n] = false;
        }
        if (first.set || last.set || k->not_null) { /* nulls stand at one end: stop short of them where no bound does */
            ScanBound *end = part->nulls_first ? &out->low : &out->high;
            bool *nulls = part->nulls_first ? r->low_nulls : r->high_nulls;
            if (end->n == n) {
                end->n = n + 1;
                end->inclusive = false;
                nulls[n] = true;
            }
        }
    }
    r->finished = !advance(r);
    return true;
}
