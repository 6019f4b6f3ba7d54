/* Physical definitions of the catalogs, from sys_columns.def and sys_indexes.def. */
#include "catalog/cat_table.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_TABLES = 80 };
static CatTable *_Atomic tables[MAX_TABLES]; /* by position in catalog_forms.def */
static Mutex lock = PTHREAD_MUTEX_INITIALIZER;
static Arena arena; /* of all definitions; lives as long as the process. Guarded by lock */

static void fill_columns(CatTable *ct, const SysRel *rel, ColumnDef *cols)
{
    for (int i = 0; i < ct->cf->natts; i++) {
        SysCol c = {.name = "x_hidden", .type = TYPE_int8, .typmod = -1, .not_null = true};
        if (i < rel->natts) syscol_get(rel, i, &c);
        const TypeInfo *type = sys_column_type(c.type);
        Attribute *a = &ct->desc->atts[i];
        attribute_set(a, c.name, type, c.typmod);
        a->collation = c.collation;
        a->not_null = c.not_null;
        a->origin_table = rel->oid;
        a->origin_attnum = (int16_t)(i + 1);
        cols[i].type = type;
    }
}

static STATUS fill_index(CatTable *ct, const SysIndex *x, CatIndex *out, Error *err)
{
    Oid keys[16];
    int n = parse_oid_list(x->keys, keys, 16), nkey = 0;
    KeyPart *parts;
    ColumnDef *cols;
    TRY_NEW_N(parts, &arena, n, err);
    TRY_NEW_N(cols, &arena, n, err);
    *out = (CatIndex){.oid = x->oid, .name = x->name, .clustered = x->primary};
    out->def.desc = tupledesc_new(&arena, n);
    TRY_MEM(out->def.desc, err);
    for (int i = 0; i < n; i++) {
        int att = (int)keys[i];
        const ColumnDef *col = &ct->def.columns[att - 1];
        if (col->type->oid == TYPE_oidvector) {
            out->lossy = true;
            continue;
        }
        assert(nkey < 4);
        out->attnums[nkey] = (int16_t)att;
        parts[nkey] = (KeyPart){.column = x->primary ? att - 1 : nkey, .type = col->type};
        cols[nkey] = *col;
        out->def.desc->atts[nkey] = ct->desc->atts[att - 1];
        nkey++;
    }
    out->nkey = nkey;
    ((TupleDesc *)out->def.desc)->natts = nkey;
    out->def.storage_id = out->def.relid = x->oid;
    out->def.table = &ct->def;
    out->def.ncolumns = out->def.nkey = nkey;
    out->def.columns = cols;
    out->def.key = parts;
    out->def.unique = x->unique && !out->lossy;
    return ST_OK;
}

static STATUS make_table(const CatForm *cf, CatTable **out, Error *err)
{
    SysRel rel;
    CatTable *ct;
    ColumnDef *cols;
    if (!sysrel_find(cf->relid, &rel)) return error_set(err, ERR_INTERNAL_ERROR, "catalog %u is unknown", cf->relid);
    TRY_NEW(ct, &arena, err);
    ct->cf = cf;
    ct->name = rel.name;
    ct->shared = rel.is_shared;
    ct->desc = tupledesc_new(&arena, cf->natts);
    TRY_MEM(ct->desc, err);
    ct->desc->row_type = rel.reltype;
    TRY_NEW_N(cols, &arena, cf->natts, err);
    fill_columns(ct, &rel, cols);
    ct->def = (TableDef){.storage_id = rel.oid, .place = rel.is_shared ? STORE_GLOBAL : STORE_DATABASE, .relid = rel.oid,
                         .desc = ct->desc, .ncolumns = cf->natts, .columns = cols};
    for (int i = 0; i < sysindex_count(); i++) {
        SysIndex x;
        sysindex_get(i, &x);
        ct->nindexes += x.table == rel.oid;
    }
    TRY_NEW_N(ct->indexes, &arena, ct->nindexes ? ct->nindexes : 1, err);
    for (int i = 0, n = 0; i < sysindex_count(); i++) {
        SysIndex x;
        sysindex_get(i, &x);
        if (x.table != rel.oid) continue;
        CatIndex *ci = &ct->indexes[n++];
        TRY(fill_index(ct, &x, ci, err));
        if (!ci->clustered) continue;
        ct->pkey = ci;
        ct->def.nkey = ci->nkey;
        ct->def.key = ci->def.key;
    }
    *out = ct;
    return ST_OK;
}

STATUS cat_table(Oid relid, const CatTable **out, Error *err)
{
    const CatForm *cf = catform_find(relid);
    if (!cf) return error_set(err, ERR_INTERNAL_ERROR, "relation %u is no system catalog", relid);
    ptrdiff_t at = cf - catform_at(0);
    assert(at < MAX_TABLES);
    CatTable *ct = atomic_load_explicit(&tables[at], memory_order_acquire);
    Status st = ST_OK;
    if (likely(ct != NULL)) {
        *out = ct;
        return ST_OK;
    }
    mutex_lock(&lock);
    ct = tables[at];
    if (!ct) {
        st = make_table(cf, &ct, err);
        if (!failed(st)) atomic_store_explicit(&tables[at], ct, memory_order_release);
    }
    mutex_unlock(&lock);
    *out = ct;
    return st;
}

const CatIndex *cat_table_index(const CatTable *ct, Oid index)
{
    for (int i = 0; i < ct->nindexes; i++)
        if (ct->indexes[i].oid == index) return &ct->indexes[i];
    return NULL;
}
