/* ANALYZE: column statistics from a sample of rows.
 *
 * All rows are passed once (an LSM tree has no pages to pick from) and a reservoir keeps up to 300 x target of them; columns then are sorted and
 * described as PostgreSQL describes them: null fraction, width, distinct values, most common values, histogram, correlation. */
#include <math.h>
#include <stdlib.h>

#include "commands/maintenance.h"
#include "types/array.h"

enum { ROWS_PER_TARGET = 300, WIDE_VALUE = 1024, SAMPLE_BYTES = 8 << 20, STATISTIC_MCV = 1, STATISTIC_HISTOGRAM = 2, STATISTIC_CORRELATION = 3 };

typedef struct SampleRow { uint64_t number; uint8_t *bytes; size_t size; } SampleRow;

typedef struct Sample {
    SessionEnv *env;
    SampleRow *rows;
    int n, target;
    size_t bytes, max_bytes;
    double seen;
    uint64_t random;
} Sample;

static uint64_t next_random(Sample *s)
{
    s->random ^= s->random << 13;
    s->random ^= s->random >> 7;
    s->random ^= s->random << 17;
    return s->random;
}

static void forget_row(Sample *s, int i)
{
    mem_free(s->env->account, s->rows[i].bytes, s->rows[i].size);
    s->bytes -= s->rows[i].size;
}

/* Wide rows: a smaller sample will do. */
static void halve(Sample *s)
{
    int keep = s->n / 2 > 100 ? s->n / 2 : s->n;
    while (s->n > keep) {
        int i = (int)(next_random(s) % (uint64_t)s->n);
        forget_row(s, i);
        s->rows[i] = s->rows[--s->n];
    }
    s->target = keep;
}

static STATUS sample_row(void *arg, TupleSlot *slot, Arena *row_arena UNUSED, Error *err)
{
    Sample *s = arg;
    int at = s->n;
    s->seen++;
    if (s->n >= s->target) {
        uint64_t pick = next_random(s) % (uint64_t)s->seen;
        if (pick >= (uint64_t)s->target) return ST_OK;
        at = (int)pick;
    }
    TRY(slot_decode_all(slot, err));
    size_t size = mintuple_size(slot);
    uint8_t *bytes = mem_alloc(s->env->account, size);
    if (!bytes) return error_out_of_memory(err, size);
    mintuple_write(slot, bytes);
    if (at < s->n) forget_row(s, at);
    else s->n++;
    s->rows[at] = (SampleRow){(uint64_t)s->seen, bytes, size};
    s->bytes += size;
    if (s->bytes > s->max_bytes) halve(s);
    return ST_OK;
}

static int by_number(const void *a, const void *b)
{
    const SampleRow *x = a, *y = b;
    return x->number < y->number ? -1 : x->number > y->number;
}

/* ---- one column ---- */
typedef struct Item { Datum value; int position; } Item;
typedef struct Common { int count, first; } Common;

typedef struct ColumnWork {
    SessionEnv *env;
    Arena *arena;
    const Attribute *att;
    const TypeInfo *type;
    Item *items;
    int n, nulls, wide, sample, target;
    double width, rows;
    Common *common;
    int ncommon, distinct, multiple;
    float null_fraction, stadistinct;
} ColumnWork;

static int compare_items(const void *a, const void *b, void *arg)
{
    const TypeInfo *type = arg;
    int c = type->compare(type, ((const Item *)a)->value, ((const Item *)b)->value);
    return c ? c : ((const Item *)a)->position - ((const Item *)b)->position;
}

static int more_common(const void *a, const void *b)
{
    const Common *x = a, *y = b;
    return x->count != y->count ? y->count - x->count : x->first - y->first;
}

static STATUS gather(ColumnWork *w, const Sample *s, const TupleDesc *desc, int column, Error *err)
{
    TupleSlot *slot = slot_new(w->arena, desc);
    TRY_MEM(slot, err);
    TRY_NEW_N(w->items, w->arena, s->n + 1, err);
    w->sample = s->n;
    for (int i = 0; i < s->n; i++) {
        TRY(mintuple_read(s->rows[i].bytes, s->rows[i].size, slot, err));
        if (slot->nulls[column]) {
            w->nulls++;
            continue;
        }
        size_t size = datum_size(slot->values[column], w->att->byval, w->att->typlen);
        w->width += w->att->byval ? w->att->typlen : (double)size;
        if (w->att->typlen < 0 && size > WIDE_VALUE) {
            w->wide++;
            continue;
        }
        w->items[w->n] = (Item){slot->values[column], w->n};
        w->n++;
    }
    return ST_OK;
}

/* Runs of equal values in the sorted items. */
static STATUS count_runs(ColumnWork *w, Error *err)
{
    TRY_NEW_N(w->common, w->arena, w->n / 2 + 1, err);
    for (int i = 0; i < w->n;) {
        int j = i + 1;
        while (j < w->n && w->type->compare(w->type, w->items[i].value, w->items[j].value) == 0) j++;
        w->distinct++;
        if (j - i > 1) {
            w->multiple++;
            w->common[w->ncommon++] = (Common){j - i, i};
        }
        i = j;
    }
    qsort(w->common, (size_t)w->ncommon, sizeof *w->common, more_common);
    return ST_OK;
}

/* How many distinct values the table has: the estimator of Haas and Stokes, as PostgreSQL uses it. */
static void estimate_distinct(ColumnWork *w)
{
    if (w->multiple == 0) {
        w->stadistinct = (float)(-1.0 * (1.0 - (double)w->null_fraction));
    } else if (w->wide == 0 && w->multiple == w->distinct) {
        w->stadistinct = (float)w->distinct;
    } else {
        double f1 = w->distinct - w->multiple + w->wide, d = f1 + w->multiple, n = w->sample - w->nulls;
        double total = w->rows * (1.0 - (double)w->null_fraction);
        double estimate = total > 0 ? n * d / (n - f1 + f1 * n / total) : 0;
        if (estimate < d) estimate = d;
        if (estimate > total) estimate = total;
        w->stadistinct = (float)floor(estimate + 0.5);
    }
    if ((double)w->stadistinct > 0.1 * w->rows) w->stadistinct = (float)(-((double)w->stadistinct / w->rows));
}

/* How many of the candidates are significantly more common than the rest. */
static int significant(const ColumnWork *w, int candidates)
{
    double n = w->sample, rows = w->rows, sum = 0;
    double distinct = w->stadistinct < 0 ? -(double)w->stadistinct * rows : (double)w->stadistinct;
    if (n >= rows || rows <= 1) return candidates;
    for (int i = 0; i < candidates - 1; i++) sum += w->common[i].count;
    while (candidates > 0) {
        double share = 1.0 - sum / n - (double)w->null_fraction, others = distinct - (candidates - 1), count = w->common[candidates - 1].count;
        if (share < 0) share = 0;
        if (share > 1) share = 1;
        if (others > 1) share /= others;
        double k = rows * count / n, variance = n * k * (rows - k) * (rows - n) / (rows * rows * (rows - 1));
        if (count > share * n + 2 * sqrt(variance > 0 ? variance : 0) + 0.5) break;
        candidates--;
        if (candidates > 0) sum -= w->common[candidates - 1].count;
    }
    return candidates;
}

static int choose_common(const ColumnWork *w)
{
    int n = w->ncommon < w->target ? w->ncommon : w->target;
    bool complete = w->ncommon == w->distinct && w->wide == 0 && w->stadistinct > 0 && w->ncommon <= w->target;
    return complete ? n : significant(w, n);
}

static STATUS common_slot(ColumnWork *w, int n, Form_pg_statistic *f, Error *err)
{
    Datum *values;
    float *freqs;
    if (!n) return ST_OK;
    TRY_NEW_N(values, w->arena, n, err);
    TRY_NEW_N(freqs, w->arena, n, err);
    for (int i = 0; i < n; i++) {
        values[i] = w->items[w->common[i].first].value;
        freqs[i] = (float)w->common[i].count / (float)w->sample;
    }
    f->stakind1 = STATISTIC_MCV;
    f->staop1 = type_equality_operator(w->env, w->att->type);
    f->stacoll1 = w->att->collation;
    f->stanumbers1 = cat_float4_array(w->arena, freqs, n);
    TRY_MEM((void *)f->stanumbers1, err);
    return array_make_1d(w->arena, w->type, n, values, NULL, &f->stavalues1, err);
}

/* Takes the most common values out of the sorted items. */
static int without_common(ColumnWork *w, int ncommon, Item *out)
{
    int n = 0;
    for (int i = 0; i < w->n;) {
        int skip = 0;
        for (int k = 0; k < ncommon && !skip; k++)
            if (w->common[k].first == i) skip = w->common[k].count;
        if (skip) i += skip;
        else out[n++] = w->items[i++];
    }
    return n;
}

static STATUS histogram_slot(ColumnWork *w, int ncommon, Form_pg_statistic *f, Error *err)
{
    int bins = w->distinct - ncommon;
    Item *rest;
    Datum *values;
    if (bins > w->target + 1) bins = w->target + 1;
    if (bins < 2) return ST_OK;
    TRY_NEW_N(rest, w->arena, w->n + 1, err);
    int n = without_common(w, ncommon, rest);
    TRY_NEW_N(values, w->arena, bins, err);
    for (int i = 0; i < bins; i++) values[i] = rest[(int64_t)i * (n - 1) / (bins - 1)].value;
    f->stakind2 = STATISTIC_HISTOGRAM;
    f->staop2 = type_less_operator(w->env, w->att->type);
    f->stacoll2 = w->att->collation;
    return array_make_1d(w->arena, w->type, bins, values, NULL, &f->stavalues2, err);
}

static STATUS correlation_slot(ColumnWork *w, Form_pg_statistic *f, Error *err)
{
    double n = w->n, xy = 0;
    if (w->n < 2) return ST_OK;
    for (int i = 0; i < w->n; i++) xy += (double)i * (double)w->items[i].position;
    double sum = (n - 1) * n / 2, squares = (n - 1) * n * (2 * n - 1) / 6;
    float r = (float)((n * xy - sum * sum) / (n * squares - sum * sum));
    f->stakind3 = STATISTIC_CORRELATION;
    f->staop3 = type_less_operator(w->env, w->att->type);
    f->stacoll3 = w->att->collation;
    f->stanumbers3 = cat_float4_array(w->arena, &r, 1);
    return f->stanumbers3 ? ST_OK : error_out_of_memory(err, 0);
}

static STATUS describe_column(ColumnWork *w, Form_pg_statistic *f, Error *err)
{
    int present = w->sample - w->nulls;
    w->null_fraction = w->sample ? (float)w->nulls / (float)w->sample : 0;
    f->stanullfrac = w->null_fraction;
    f->stawidth = present ? (int32_t)(w->width / present + 0.5) : 0;
    if (!present) {
        f->stadistinct = 0;
        return ST_OK;
    }
    if (!w->type->compare) return ST_OK;
    if (!w->n) { /* nothing but wide values: taken as all different */
        f->stadistinct = (float)(-1.0 * (1.0 - (double)w->null_fraction));
        return ST_OK;
    }
    qsort_r(w->items, (size_t)w->n, sizeof *w->items, compare_items, (void *)w->type);
    TRY(count_runs(w, err));
    estimate_distinct(w);
    f->stadistinct = w->stadistinct;
    int n = choose_common(w);
    TRY(common_slot(w, n, f, err));
    TRY(histogram_slot(w, n, f, err));
    return correlation_slot(w, f, err);
}

static STATUS analyze_column(const Sample *s, const Relation *rel, int column, int target, Error *err)
{
    SessionEnv *env = s->env;
    Form_pg_statistic f = {.starelid = rel->oid, .staattnum = (int16_t)(column + 1)};
    Datum keys[2] = {datum_oid(rel->oid), datum_i16((int16_t)(column + 1))};
    Arena arena;
    arena_init(&arena, env->account, 0);
    ColumnWork w = {.env = env, .arena = &arena, .att = &rel->desc->atts[column], .target = target, .rows = s->seen};
    Status st = type_require(env, w.att->type, &w.type, err);
    if (!failed(st)) st = gather(&w, s, rel->desc, column, err);
    if (!failed(st)) st = describe_column(&w, &f, err);
    if (!failed(st)) st = cat_delete(env, REL_pg_statistic, IDX_statistic_relid_att_inh, 2, keys, NULL, err);
    if (!failed(st)) st = cat_insert(env, REL_pg_statistic, &f, err);
    arena_destroy(&arena);
    return st;
}

/* ---- the relation ---- */
static STATUS wanted_columns(SessionEnv *env, const Relation *rel, const List *columns, int *targets, int *max, Arena *arena, Error *err)
{
    int general = (int)setting_int(env->settings, SET_default_statistics_target);
    *max = 0;
    LIST_EACH(String *, s, columns) {
        int att = relation_find_column(rel, s->sval);
        if (att <= 0) return error_set(err, ERR_UNDEFINED_COLUMN, "column \"%s\" of relation \"%s\" does not exist", s->sval, rel->name);
        for (int j = 0; j < s_i; j++)
            if (!strcmp(((String *)list_at(columns, j))->sval, s->sval))
                return error_set(err, ERR_DUPLICATE_COLUMN, "column \"%s\" of relation \"%s\" appears more than once", s->sval, rel->name);
        targets[att - 1] = general;
    }
    for (int i = 0; i < rel->desc->natts; i++) {
        Form_pg_attribute att;
        if (rel->desc->atts[i].dropped) {
            targets[i] = 0;
            continue;
        }
        if (!columns) targets[i] = general;
        if (!targets[i]) continue;
        TRY(ddl_attribute(env, rel->oid, i + 1, arena, &att, err));
        if (att.attstattarget >= 0) targets[i] = att.attstattarget;
        if (targets[i] > *max) *max = targets[i];
    }
    return ST_OK;
}

STATUS analyze_relation(SessionEnv *env, const Relation *rel, const List *columns, bool verbose, Arena *arena, Error *err)
{
    Sample s = {.env = env, .random = 0x9E3779B97F4A7C15ULL ^ rel->oid};
    int *targets, max;
    int64_t room = mem_available(env->account) / 4;
    TRY_NEW_N(targets, arena, rel->desc->natts + 1, err);
    TRY(wanted_columns(env, rel, columns, targets, &max, arena, err));
    s.target = max ? max * ROWS_PER_TARGET : 1;
    s.max_bytes = room < SAMPLE_BYTES ? (size_t)(room > 65536 ? room : 65536) : SAMPLE_BYTES;
    size_t array_bytes = (size_t)s.target * sizeof *s.rows;
    s.rows = mem_alloc(env->account, array_bytes);
    if (!s.rows) return error_out_of_memory(err, array_bytes);
    Status st = ddl_each_row(env, rel, sample_row, &s, err);
    if (!failed(st)) qsort(s.rows, (size_t)s.n, sizeof *s.rows, by_number);
    for (int i = 0; i < rel->desc->natts && !failed(st); i++)
        if (targets[i] && s.n) st = analyze_column(&s, rel, i, targets[i], err);
    if (verbose && !failed(st))
        session_notice(env, SEV_INFO, 0, NULL, NULL, "\"%s\": %.0f rows, %d rows in sample", rel->name, s.seen, s.n);
    for (int i = 0; i < s.n; i++) mem_free(env->account, s.rows[i].bytes, s.rows[i].size);
    mem_free(env->account, s.rows, array_bytes);
    return failed(st) ? st : maintenance_update_counts(env, rel, s.seen, arena, err);
}
