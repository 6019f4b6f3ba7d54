/* Descriptors of the system relations, and the scans that deliver their rows. A catalog table's rows are the built-in ones and the store's;
 * some views have a C producer (sys_producers.c); the other views are SQL (sys_views.def), analysed when first opened. */
#include <assert.h>

#include "catalog/acl.h"
#include "catalog/cat_access.h"
#include "catalog/catalog_internal.h"
#include "catalog/sys_producers.h"

static const struct { const char *schema, *name, *sql; } views[] = {
#define SYSVIEW(schema, name, sql) {schema, name, sql},
#include "catalog/sys_views.def"
};

static const char *view_sql(const SysRel *sys)
{
    for (size_t i = 0; i < sizeof views / sizeof views[0]; i++)
        if ((views[i].schema[0] == 'i') == sys->is_info_schema && !strcmp(views[i].name, sys->name)) return views[i].sql;
    return NULL;
}

const char *system_view_sql(Oid view)
{
    SysRel sys;
    return sysrel_find(view, &sys) ? view_sql(&sys) : NULL;
}

/* information_schema's domains show as their base types in descriptors, as PostgreSQL's RowDescription does. */
static Oid base_of_domain(Oid type, int32_t *typmod)
{
    AnyForm buf = {{0}};
    Form_pg_type *t = (Form_pg_type *)&buf;
    if (type < 13000 || !builtin_form(REL_pg_type, ATT_pg_type_oid, type, NULL, &buf) || t->typtype != 'd') return type;
    *typmod = t->typtypmod;
    return t->typbasetype;
}

static STATUS system_columns(Relation *r, const SysRel *sys, Arena *arena, Error *err)
{
    r->desc = tupledesc_new(arena, sys->natts);
    TRY_MEM(r->desc, err);
    TRY_NEW_N(r->columns, arena, sys->natts, err);
    for (int i = 0; i < sys->natts; i++) {
        SysCol c;
        syscol_get(sys, i, &c);
        int32_t typmod = c.typmod;
        Oid type = base_of_domain(c.type, &typmod);
        const TypeInfo *ti = sys_column_type(type);
        attribute_set(&r->desc->atts[i], c.name, ti, typmod);
        r->desc->atts[i].collation = c.collation;
        r->desc->atts[i].not_null = c.not_null;
        r->desc->atts[i].origin_table = sys->oid;
        r->desc->atts[i].origin_attnum = (int16_t)(i + 1);
    }
    return ST_OK;
}

/* The first column of each index is one that a key makes cheap. */
static STATUS virtual_keys(Relation *r, Arena *arena, Error *err)
{
    const CatTable *ct;
    int16_t *keys;
    if (!catform_find(r->oid)) return ST_OK;
    TRY(cat_table(r->oid, &ct, err));
    TRY_NEW_N(keys, arena, ct->nindexes * 2 + 1, err);
    for (int i = 0; i < ct->nindexes; i++) {
        for (int k = 0; k < 2 && k < ct->indexes[i].nkey; k++) {
            bool seen = false;
            for (int j = 0; j < r->virtual_nkeys; j++) seen |= keys[j] == ct->indexes[i].attnums[k];
            /* a second column counts only where the first is unselective or always given with it */
            if (!seen && k == 0) keys[r->virtual_nkeys++] = ct->indexes[i].attnums[k];
        }
    }
    r->virtual_keys = keys;
    return ST_OK;
}

/* A view that needs something this server lacks still has columns to look at; scanning it is what fails (producer_open). */
static STATUS analyse_view(SessionEnv *env, Relation *r, const char *sql, Arena *arena, Error *err)
{
    Error why = ERROR_INIT;
    if (env->hooks && env->hooks->analyze_query) {
        if (!failed(env->hooks->analyze_query(env, sql, arena, &r->view, &why))) return ST_OK;
        if (why.code != ERR_FEATURE_NOT_SUPPORTED) {
            error_move(err, &why);
            return ST_FAILED;
        }
    }
    error_clear(&why);
    r->view = NULL;
    r->is_virtual = true;
    return ST_OK;
}

STATUS build_system_relation(SessionEnv *env, Entry *entry, const SysRel *sys, Error *err)
{
    Arena *arena = &entry->arena;
    Relation *r;
    TRY_NEW(r, arena, err);
    r->oid = sys->oid;
    r->name = sys->name;
    r->namespace_oid = sys->is_info_schema ? INFORMATION_SCHEMA_NAMESPACE : PG_CATALOG_NAMESPACE;
    r->relkind = sys->relkind;
    r->persistence = 'p';
    r->owner = BOOTSTRAP_SUPERUSER;
    r->row_type = sys->reltype;
    r->is_shared = sys->is_shared;
    r->reltuples = -1;
    r->version = 1; /* never changes */
    TRY(system_columns(r, sys, arena, err));
    const char *sql = sys->relkind == 'v' ? view_sql(sys) : NULL;
    r->is_virtual = !sql;
    TRY(virtual_keys(r, arena, err));
    if (sql) TRY(analyse_view(env, r, sql, arena, err));
    entry->object = r;
    return ST_OK;
}

/* ---- virtual scans ---- */
struct VirtualScan {
    SessionEnv *env;
    const Relation *rel;
    Arena arena;       /* of the scan */
    Arena row;         /* of one row */
    CatScan *cat;      /* catalog tables */
    const CatForm *cf;
    ArenaMark mark;
    Producer *producer; /* views with C rows */
    bool empty;        /* a key is null: nothing equals it */
};

/* The index whose leading columns are bound by most keys. */
static Oid choose_index(const CatTable *ct, const VirtualKey *keys, int nkeys, Datum *values, int *n)
{
    Oid best = 0;
    *n = 0;
    for (int i = 0; i < ct->nindexes; i++) {
        const CatIndex *ix = &ct->indexes[i];
        Datum v[4];
        int bound = 0;
        for (; bound < ix->nkey; bound++) {
            int k = 0;
            while (k < nkeys && keys[k].attnum != ix->attnums[bound]) k++;
            if (k == nkeys) break;
            v[bound] = keys[k].value;
        }
        if (bound <= *n) continue;
        *n = bound;
        best = ix->oid;
        memcpy(values, v, sizeof v[0] * (size_t)bound);
    }
    return best;
}

static STATUS open_catalog_scan(VirtualScan *vs, const Snapshot *snap, const VirtualKey *keys, int nkeys, Error *err)
{
    const CatTable *ct;
    Datum values[4];
    int n;
    TRY(cat_table(vs->rel->oid, &ct, err));
    Oid index = choose_index(ct, keys, nkeys, values, &n);
    const CatIndex *ix = index ? cat_table_index(ct, index) : NULL;
    for (int i = 0; i < n; i++) /* the executor's values may not outlive the call */
        TRY(datum_copy(&vs->arena, values[i], ix->def.columns[i].type->byval, ix->def.columns[i].type->typlen, &values[i], err));
    vs->cf = ct->cf;
    TRY(cat_scan_open_at(vs->env, vs->rel->oid, index, n, values, snap, false, &vs->arena, &vs->cat, err));
    vs->mark = arena_mark(&vs->arena);
    return ST_OK;
}

STATUS virtual_scan_open(SessionEnv *env, const Relation *rel, const Snapshot *snap, const VirtualKey *keys, int nkeys, VirtualScan **out,
                         Error *err)
{
    VirtualScan *vs = mem_alloc(env->account, sizeof *vs);
    if (!vs) return error_out_of_memory(err, sizeof *vs);
    *vs = (VirtualScan){.env = env, .rel = rel};
    arena_init(&vs->arena, env->account, 1024);
    arena_init(&vs->row, env->account, 1024);
    Status st;
    for (int i = 0; i < nkeys; i++) vs->empty |= keys[i].isnull;
    if (vs->empty) st = ST_OK;
    else if (catform_find(rel->oid)) st = open_catalog_scan(vs, snap, keys, nkeys, err);
    else st = producer_open(env, rel, keys, nkeys, &vs->arena, &vs->producer, err);
    if (failed(st)) {
        virtual_scan_close(vs);
        return st;
    }
    *out = vs;
    return ST_OK;
}

STATUS virtual_scan_next(VirtualScan *vs, TupleSlot *slot, Error *err)
{
    TRY(INTERRUPT_CHECK(vs->env->interrupt, err));
    arena_reset(&vs->row);
    slot_clear(slot);
    if (vs->empty) return ST_OK;
    if (vs->producer) {
        bool more;
        TRY(producer_next(vs->producer, &vs->row, slot->values, slot->nulls, &more, err));
        if (!more) return ST_OK;
    } else {
        const void *form;
        Datum values[CATALOG_MAX_NATTS];
        bool nulls[CATALOG_MAX_NATTS];
        arena_release(&vs->arena, vs->mark);
        TRY(cat_scan_next(vs->cat, &form, err));
        if (!form) return ST_OK;
        TRY(catform_to_values(vs->cf, form, &vs->row, values, nulls, err));
        int n = slot->desc->natts;
        for (int i = 0; i < n; i++) /* roles by name, as clients expect them */
            if (slot->desc->atts[i].type == TYPE__aclitem && !nulls[i]) TRY(acl_for_display(vs->env, &vs->row, values[i], &values[i], err));
        assert(n <= vs->cf->natts);
        memcpy(slot->values, values, (size_t)n * sizeof values[0]);
        memcpy(slot->nulls, nulls, (size_t)n * sizeof nulls[0]);
    }
    slot_store_virtual(slot);
    slot->table_oid = vs->rel->oid;
    return ST_OK;
}

void virtual_scan_close(VirtualScan *vs)
{
    if (!vs) return;
    SessionEnv *env = vs->env;
    cat_scan_close(vs->cat);
    if (vs->producer) producer_close(vs->producer);
    arena_destroy(&vs->row);
    arena_destroy(&vs->arena);
    mem_free(env->account, vs, sizeof *vs);
}

/* Typical numbers of rows; a key of an index's first column finds a few. */
double virtual_scan_rows(const Relation *rel, const int16_t *keys, int nkeys)
{
    const BuiltinTable *bt = builtin_table(rel->oid);
    double all = (bt ? bt->count() : 0) + 100;
    const CatTable *ct;
    if (!nkeys || !catform_find(rel->oid) || failed(cat_table(rel->oid, &ct, NULL))) return all;
    double rows = all;
    for (int i = 0; i < ct->nindexes; i++) {
        const CatIndex *ix = &ct->indexes[i];
        int bound = 0;
        for (; bound < ix->nkey; bound++) {
            int k = 0;
            while (k < nkeys && keys[k] != ix->attnums[bound]) k++;
            if (k == nkeys) break;
        }
        double est = bound == 0 ? all : bound == ix->nkey && ix->def.unique ? 1 : 10;
        if (est < rows) rows = est;
    }
    return rows;
}
