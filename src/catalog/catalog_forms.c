/* The generic road between catalog forms (C structs) and rows of Datums. Everything is driven by catalog_forms.def;
 * the field tables hold offsets only, so they need no relocation. */
#include "catalog/catalog_forms.h"

#include <assert.h>

#include "catalog/cat_array.h"

static const CatField fields[] = {
#define CATALOG_BEGIN(rel, oid)
#define CATFIELD(rel, col, kind) {offsetof(Form_##rel, col), CATKIND_##kind},
#define CATALOG_END(rel, oid)
#include "catalog/catalog_forms.def"
};

enum { /* position of each catalog's first field in `fields` */
#define CATALOG_BEGIN(rel, oid) FIRST_##rel, FIRST_REST_##rel = FIRST_##rel - 1,
#define CATFIELD(rel, col, kind) FIRST_##rel##_##col,
#define CATALOG_END(rel, oid)
#include "catalog/catalog_forms.def"
};

static const CatForm forms[] = {
#define CATALOG_BEGIN(rel, oid) {oid, NATTS_##rel, FIRST_##rel, sizeof(Form_##rel)},
#define CATFIELD(rel, col, kind)
#define CATALOG_END(rel, oid)
#include "catalog/catalog_forms.def"
};
enum { NFORMS = sizeof forms / sizeof forms[0] };

#define CATALOG_BEGIN(rel, oid)                                        \
    static_assert(sizeof(Form_##rel) <= sizeof(AnyForm), #rel);        \
    static_assert((int)NATTS_##rel <= CATALOG_MAX_NATTS, #rel);
#define CATFIELD(rel, col, kind)
#define CATALOG_END(rel, oid)
#include "catalog/catalog_forms.def"

const CatForm *catform_find(Oid relid)
{
    for (int i = 0; i < NFORMS; i++)
        if (forms[i].relid == relid) return &forms[i];
    return NULL;
}

const CatForm *catform_at(int i) { return i < NFORMS ? &forms[i] : NULL; }

const CatField *catform_fields(const CatForm *cf) { return &fields[cf->first_field]; }

static STATUS text_value(const char *s, Arena *arena, Datum *value, bool *null, Error *err)
{
    *null = s == NULL;
    *value = 0;
    if (!s) return ST_OK;
    *value = varlena_cstr(arena, s);
    return *value ? ST_OK : error_out_of_memory(err, strlen(s));
}

static STATUS vector_value(Datum made, Datum *value, Error *err)
{
    *value = made;
    return made ? ST_OK : error_out_of_memory(err, 0);
}

static STATUS field_to_value(CatKind kind, const void *p, Arena *arena, Datum *value, bool *null, Error *err)
{
    *null = false;
    switch (kind) {
    case CATKIND_OID: *value = datum_oid(*(const Oid *)p); break;
    case CATKIND_BOOL: *value = datum_bool(*(const bool *)p); break;
    case CATKIND_CHAR: *value = (Datum)(uint8_t)*(const char *)p; break;
    case CATKIND_INT2: *value = datum_i16(*(const int16_t *)p); break;
    case CATKIND_INT4: *value = datum_i32(*(const int32_t *)p); break;
    case CATKIND_INT8: *value = datum_i64(*(const int64_t *)p); break;
    case CATKIND_FLOAT4: *value = datum_f4(*(const float *)p); break;
    case CATKIND_NAME:
    case CATKIND_TEXT: return text_value(*(const char *const *)p, arena, value, null, err);
    case CATKIND_TIME:
        *value = datum_i64(((const CatTime *)p)->us);
        *null = !((const CatTime *)p)->set;
        break;
    case CATKIND_OIDVEC: {
        const OidVec *v = p;
        return vector_value(cat_oid_vector(arena, v->v, v->n), value, err);
    }
    case CATKIND_INT2VEC: {
        const Int2Vec *v = p;
        return vector_value(cat_int2_vector(arena, v->v, v->n), value, err);
    }
    case CATKIND_ARRAY:
        *value = *(const Datum *)p;
        *null = *value == 0;
        break;
    }
    return ST_OK;
}

STATUS catform_to_values(const CatForm *cf, const void *form, Arena *arena, Datum *values, bool *nulls, Error *err)
{
    const CatField *f = catform_fields(cf);
    for (int i = 0; i < cf->natts; i++)
        TRY(field_to_value((CatKind)f[i].kind, (const char *)form + f[i].offset, arena, &values[i], &nulls[i], err));
    return ST_OK;
}

static STATUS value_to_field(CatKind kind, Datum value, bool null, Arena *arena, void *p, Error *err)
{
    switch (kind) {
    case CATKIND_OID: *(Oid *)p = null ? 0 : datum_get_oid(value); break;
    case CATKIND_BOOL: *(bool *)p = !null && datum_get_bool(value); break;
    case CATKIND_CHAR: *(char *)p = null ? 0 : (char)value; break;
    case CATKIND_INT2: *(int16_t *)p = null ? 0 : datum_get_i16(value); break;
    case CATKIND_INT4: *(int32_t *)p = null ? 0 : datum_get_i32(value); break;
    case CATKIND_INT8: *(int64_t *)p = null ? 0 : datum_get_i64(value); break;
    case CATKIND_FLOAT4: *(float *)p = null ? 0 : datum_get_f4(value); break;
    case CATKIND_NAME:
    case CATKIND_TEXT:
        *(const char **)p = NULL;
        if (null) break;
        *(const char **)p = varlena_to_cstr(arena, value);
        TRY_MEM(*(const char **)p, err);
        break;
    case CATKIND_TIME: *(CatTime *)p = (CatTime){null ? 0 : datum_get_i64(value), !null}; break;
    case CATKIND_OIDVEC: {
        OidVec *v = p;
        *v = (OidVec){0};
        return null ? ST_OK : cat_get_oids(arena, value, &v->v, &v->n, err);
    }
    case CATKIND_INT2VEC: {
        Int2Vec *v = p;
        *v = (Int2Vec){0};
        return null ? ST_OK : cat_get_int2s(arena, value, &v->v, &v->n, err);
    }
    case CATKIND_ARRAY: *(Datum *)p = null ? 0 : value; break;
    }
    return ST_OK;
}

STATUS catform_from_values(const CatForm *cf, const Datum *values, const bool *nulls, Arena *arena, void *form, Error *err)
{
    const CatField *f = catform_fields(cf);
    for (int i = 0; i < cf->natts; i++)
        TRY(value_to_field((CatKind)f[i].kind, values[i], nulls[i], arena, (char *)form + f[i].offset, err));
    return ST_OK;
}

bool catform_field_equals(const CatForm *cf, const void *form, int attnum, Datum key)
{
    const CatField *f = catform_fields(cf) + attnum - 1;
    const void *p = (const char *)form + f->offset;
    switch ((CatKind)f->kind) {
    case CATKIND_OID: return *(const Oid *)p == datum_get_oid(key);
    case CATKIND_BOOL: return *(const bool *)p == datum_get_bool(key);
    case CATKIND_CHAR: return *(const char *)p == (char)key;
    case CATKIND_INT2: return *(const int16_t *)p == datum_get_i16(key);
    case CATKIND_INT4: return *(const int32_t *)p == datum_get_i32(key);
    case CATKIND_INT8: return *(const int64_t *)p == datum_get_i64(key);
    case CATKIND_FLOAT4: return *(const float *)p == datum_get_f4(key);
    case CATKIND_TIME: return ((const CatTime *)p)->set && ((const CatTime *)p)->us == datum_get_i64(key);
    case CATKIND_NAME:
    case CATKIND_TEXT: {
        const char *s = *(const char *const *)p;
        return s && slice_equal(slice_cstr(s), varlena_slice(key));
    }
    case CATKIND_OIDVEC: return cat_oid_vector_equals(key, ((const OidVec *)p)->v, ((const OidVec *)p)->n);
    case CATKIND_INT2VEC:
    case CATKIND_ARRAY: return false; /* no index has such a column */
    }
    return false;
}
