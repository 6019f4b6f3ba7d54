/* Column statistics for the planner, from pg_statistic. All columns of a relation are one cache entry, dropped with its descriptor. */
#include "catalog/catalog_internal.h"
#include "types/array.h"

enum { STATISTIC_MCV = 1, STATISTIC_HISTOGRAM = 2, STATISTIC_CORRELATION = 3, NSLOTS = 5 };

typedef struct RelationStats { int n; const ColumnStats **columns; } RelationStats;

/* Values of an anyarray slot, copied: the row's memory goes away. */
static STATUS slot_values(SessionEnv *env, Datum array, Arena *arena, const Datum **out, int *n, Error *err)
{
    ArrayView view;
    const TypeInfo *elem;
    Datum *values;
    bool *nulls;
    *n = 0;
    if (!array) return ST_OK;
    TRY(array_open(array, &view, err));
    TRY(type_require(env, view.elem, &elem, err));
    TRY(array_deconstruct(arena, array, elem, &values, &nulls, n, err));
    for (int i = 0; i < *n; i++) TRY(datum_copy(arena, values[i], elem->byval, elem->typlen, &values[i], err));
    *out = values;
    return ST_OK;
}

static STATUS fill_stats(SessionEnv *env, const Form_pg_statistic *f, Arena *arena, ColumnStats *s, Error *err)
{
    const int16_t kinds[NSLOTS] = {f->stakind1, f->stakind2, f->stakind3, f->stakind4, f->stakind5};
    const Datum numbers[NSLOTS] = {f->stanumbers1, f->stanumbers2, f->stanumbers3, f->stanumbers4, f->stanumbers5};
    const Datum values[NSLOTS] = {f->stavalues1, f->stavalues2, f->stavalues3, f->stavalues4, f->stavalues5};
    s->null_fraction = f->stanullfrac;
    s->distinct = f->stadistinct;
    s->width = f->stawidth;
    for (int i = 0; i < NSLOTS; i++) {
        const float *freqs = NULL;
        int nfreqs = 0;
        if (numbers[i]) TRY(cat_get_floats(arena, numbers[i], &freqs, &nfreqs, err));
        if (kinds[i] == STATISTIC_MCV) {
            TRY(slot_values(env, values[i], arena, &s->common_values, &s->n_common, err));
            if (nfreqs < s->n_common) s->n_common = nfreqs;
            s->common_freqs = freqs;
        } else if (kinds[i] == STATISTIC_HISTOGRAM) {
            TRY(slot_values(env, values[i], arena, &s->histogram, &s->n_histogram, err));
        } else if (kinds[i] == STATISTIC_CORRELATION && nfreqs) {
            s->correlation = freqs[0];
        }
    }
    return ST_OK;
}

static STATUS read_stats(SessionEnv *env, Entry *e, RelationStats *rs, Arena *tmp, Error *err)
{
    CatScan *scan = NULL;
    const void *form;
    Datum key = datum_oid((Oid)e->key);
    Status st = cat_scan_open(env, REL_pg_statistic, IDX_statistic_relid_att_inh, 1, &key, tmp, &scan, err);
    while (!failed(st)) {
        st = cat_scan_next(scan, &form, err);
        if (failed(st) || !form) break;
        const Form_pg_statistic *f = form;
        if (f->stainherit || f->staattnum < 1 || f->staattnum > 1600) continue;
        if (f->staattnum > rs->n) { /* rows come in order of the attribute number */
            const ColumnStats **p = arena_zalloc(&e->arena, (size_t)(f->staattnum + 16) * sizeof *p);
            if (!p) {
                st = error_out_of_memory(err, 0);
                break;
            }
            if (rs->n) memcpy(p, rs->columns, (size_t)rs->n * sizeof *p);
            rs->columns = p;
            rs->n = f->staattnum + 16;
        }
        ColumnStats *s = arena_zalloc(&e->arena, sizeof *s);
        st = s ? fill_stats(env, f, &e->arena, s, err) : error_out_of_memory(err, sizeof *s);
        rs->columns[f->staattnum - 1] = s;
    }
    cat_scan_close(scan);
    return st;
}

static STATUS build_stats(SessionEnv *env, Entry *e, Error *err)
{
    Arena tmp;
    RelationStats *rs;
    TRY_NEW(rs, &e->arena, err);
    arena_init(&tmp, env->account, 0);
    Status st = read_stats(env, e, rs, &tmp, err);
    arena_destroy(&tmp);
    e->object = rs;
    return st;
}

const ColumnStats *relation_column_stats(SessionEnv *env, const Relation *rel, int16_t attnum)
{
    Entry *e;
    if (attnum < 1 || rel->oid < FIRST_NORMAL_OID) return NULL;
    if (failed(cache_get(env, ENTRY_STATS, ENTRY_KEY(rel->oid), false, build_stats, &e, NULL))) return NULL;
    const RelationStats *rs = e->object;
    return rs && attnum <= rs->n ? rs->columns[attnum - 1] : NULL;
}
