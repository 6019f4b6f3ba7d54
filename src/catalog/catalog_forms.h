/* Rows of the system catalogs as C structs: Form_pg_class, Form_pg_attribute ... one for each CATALOG_BEGIN of
 * catalog_forms.def, with the columns' own names, and the generic code that turns them into Datums and back.
 *
 * A form borrows its strings and vectors. Nullable scalars have their own "none": a NULL pointer for NAME and TEXT,
 * v == NULL with n == 0 and `is_null` for vectors, set == false for TIME, 0 for ARRAY. */
#ifndef HELIOS_CATALOG_FORMS_H
#define HELIOS_CATALOG_FORMS_H

#include "types/tuple.h"

typedef struct OidVec { int n; const Oid *v; } OidVec;
typedef struct Int2Vec { int n; const int16_t *v; } Int2Vec;
typedef struct CatTime { int64_t us; bool set; } CatTime; /* timestamptz, or null */

#define CATTYPE_OID Oid
#define CATTYPE_NAME const char *
#define CATTYPE_TEXT const char *
#define CATTYPE_BOOL bool
#define CATTYPE_CHAR char
#define CATTYPE_INT2 int16_t
#define CATTYPE_INT4 int32_t
#define CATTYPE_INT8 int64_t
#define CATTYPE_FLOAT4 float
#define CATTYPE_TIME CatTime
#define CATTYPE_OIDVEC OidVec
#define CATTYPE_INT2VEC Int2Vec
#define CATTYPE_ARRAY Datum

#define CATALOG_BEGIN(rel, oid) typedef struct Form_##rel {
#define CATFIELD(rel, col, kind) CATTYPE_##kind col;
#define CATALOG_END(rel, oid) } Form_##rel;
#include "catalog/catalog_forms.def"

/* Relation OIDs: REL_pg_class == 1259 ... */
enum {
#define CATALOG_BEGIN(rel, oid) REL_##rel = oid,
#define CATFIELD(rel, col, kind)
#define CATALOG_END(rel, oid)
#include "catalog/catalog_forms.def"
};

/* Attribute numbers: ATT_pg_class_relname == 2 ..., NATTS_pg_class. */
#define CATALOG_BEGIN(rel, oid) enum { ATT0_##rel = 0,
#define CATFIELD(rel, col, kind) ATT_##rel##_##col,
#define CATALOG_END(rel, oid) ATTEND_##rel, NATTS_##rel = ATTEND_##rel - 1 };
#include "catalog/catalog_forms.def"

#define CATALOG_MAX_NATTS 40
/* Large enough and aligned for any form. */
typedef union AnyForm { uint64_t words[80]; void *align; } AnyForm;

typedef enum CatKind {
    CATKIND_OID, CATKIND_NAME, CATKIND_TEXT, CATKIND_BOOL, CATKIND_CHAR, CATKIND_INT2, CATKIND_INT4, CATKIND_INT8,
    CATKIND_FLOAT4, CATKIND_TIME, CATKIND_OIDVEC, CATKIND_INT2VEC, CATKIND_ARRAY
} CatKind;

typedef struct CatField { uint16_t offset; uint8_t kind; } CatField;
typedef struct CatForm {  /* the shape of one catalog's form */
    Oid relid;
    uint16_t natts, first_field, form_bytes;
} CatForm;

/* NULL if relid is no catalog table. */
const CatForm *catform_find(Oid relid);
const CatForm *catform_at(int i); /* NULL past the end; sorted by relation name */
const CatField *catform_fields(const CatForm *cf);

/* Form -> Datums in arena (values and nulls of cf->natts). */
STATUS catform_to_values(const CatForm *cf, const void *form, Arena *arena, Datum *values, bool *nulls, Error *err);
/* Datums -> form; strings and vectors are copied into arena, ARRAY Datums are borrowed. */
STATUS catform_from_values(const CatForm *cf, const Datum *values, const bool *nulls, Arena *arena, void *form, Error *err);
/* Does field `attnum` of the form equal `key` (a Datum of the column's type)? Nothing is allocated. */
bool catform_field_equals(const CatForm *cf, const void *form, int attnum, Datum key);

#endif
