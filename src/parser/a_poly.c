/* Polymorphic types: the actual types behind anyelement and its kin (manual 38.2.5). */
#include "parser/parse_state.h"

enum { FAMILY_NONE, FAMILY_ANY, FAMILY_COMPATIBLE };
typedef enum PolyShape { SHAPE_ELEMENT, SHAPE_ARRAY, SHAPE_RANGE, SHAPE_MULTIRANGE } PolyShape;

static const struct PolyType { Oid type; uint8_t family, shape; bool nonarray, is_enum; } poly_types[] = {
    {TYPE_anyelement, FAMILY_ANY, SHAPE_ELEMENT}, {TYPE_anyarray, FAMILY_ANY, SHAPE_ARRAY}, {TYPE_anynonarray, FAMILY_ANY, SHAPE_ELEMENT, true},
    {TYPE_anyenum, FAMILY_ANY, SHAPE_ELEMENT, false, true}, {TYPE_anyrange, FAMILY_ANY, SHAPE_RANGE}, {TYPE_anymultirange, FAMILY_ANY, SHAPE_MULTIRANGE},
    {TYPE_anycompatible, FAMILY_COMPATIBLE, SHAPE_ELEMENT}, {TYPE_anycompatiblearray, FAMILY_COMPATIBLE, SHAPE_ARRAY},
    {TYPE_anycompatiblenonarray, FAMILY_COMPATIBLE, SHAPE_ELEMENT, true}, {TYPE_anycompatiblerange, FAMILY_COMPATIBLE, SHAPE_RANGE},
    {TYPE_anycompatiblemultirange, FAMILY_COMPATIBLE, SHAPE_MULTIRANGE},
};

/* range, its subtype, its multirange: the built-in ones */
static const Oid ranges[][3] = {
    {TYPE_int4range, TYPE_int4, TYPE_int4multirange}, {TYPE_int8range, TYPE_int8, TYPE_int8multirange},
    {TYPE_numrange, TYPE_numeric, TYPE_nummultirange}, {TYPE_tsrange, TYPE_timestamp, TYPE_tsmultirange},
    {TYPE_tstzrange, TYPE_timestamptz, TYPE_tstzmultirange}, {TYPE_daterange, TYPE_date, TYPE_datemultirange},
};

static Oid range_fact(Oid key, int key_column, int column)
{
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
        if (ranges[i][key_column] == key) return ranges[i][column];
    return 0;
}

static const struct PolyType *poly(Oid type)
{
    for (size_t i = 0; i < sizeof poly_types / sizeof *poly_types; i++)
        if (poly_types[i].type == type) return &poly_types[i];
    return NULL;
}

bool is_polymorphic(Oid type) { return poly(type) != NULL; }

typedef struct Resolution {
    Oid shape[4];        /* types seen, by PolyShape */
    const char *declared[4];
    bool used, unknown, nonarray, is_enum;
    List *exprs;         /* compatible family: one Const per type, for the common type */
} Resolution;

static Status not_alike(ParseState *ps, const char *declared, Oid a, Oid b)
{
    error_set(ps->err, ERR_DATATYPE_MISMATCH, "arguments declared \"%s\" are not all alike", declared);
    return ps->err ? error_detail(ps->err, "%s versus %s", ps_type_name(ps, a), ps_type_name(ps, b)) : ST_FAILED;
}

static Status compatible_type(ParseState *ps, Resolution *r, Oid type)
{
    CaseTestExpr *e;
    PS_NEW(e, CaseTestExpr, ps);
    e->typeId = type;
    PS_APPEND(r->exprs, ps, e);
    return ST_OK;
}

static Status see(ParseState *ps, Resolution *r, const struct PolyType *p, Oid actual)
{
    r->used = true;
    r->nonarray |= p->nonarray;
    r->is_enum |= p->is_enum;
    if (actual == TYPE_unknown) { r->unknown = true; return ST_OK; }
    const char *name = type_builtin(p->type)->name;
    r->declared[p->shape] = name;
    if (p->shape != SHAPE_ELEMENT) actual = type_base_of(ps->env, actual, &(int32_t){-1});
    const TypeInfo *t = catalog_type(ps->env, actual);
    if (p->shape == SHAPE_ARRAY && (!t || (!t->is_array && actual != TYPE_anyarray)))
        return error_set(ps->err, ERR_DATATYPE_MISMATCH, "argument declared %s is not an array but type %s", name, ps_type_name(ps, actual));
    if (p->shape == SHAPE_RANGE && (!t || (t->typtype != 'r')))
        return error_set(ps->err, ERR_DATATYPE_MISMATCH, "argument declared %s is not a range type but type %s", name, ps_type_name(ps, actual));
    if (p->shape == SHAPE_MULTIRANGE && (!t || t->typtype != 'm'))
        return error_set(ps->err, ERR_DATATYPE_MISMATCH, "argument declared %s is not a multirange type but type %s", name, ps_type_name(ps, actual));
    if (p->family == FAMILY_COMPATIBLE && p->shape == SHAPE_ELEMENT) return compatible_type(ps, r, actual);
    if (p->family == FAMILY_COMPATIBLE && p->shape == SHAPE_ARRAY) return compatible_type(ps, r, t->elem);
    Oid *seen = &r->shape[p->shape];
    if (*seen && *seen != actual) return not_alike(ps, name, *seen, actual);
    *seen = actual;
    return ST_OK;
}

/* The element type that follows from an array or range, checked against what the others say. */
static Status element_from(ParseState *ps, Resolution *r, PolyShape shape, Oid elem)
{
    if (!r->shape[SHAPE_ELEMENT]) { r->shape[SHAPE_ELEMENT] = elem; return ST_OK; }
    if (r->shape[SHAPE_ELEMENT] == elem) return ST_OK;
    error_set(ps->err, ERR_DATATYPE_MISMATCH, "argument declared %s is not consistent with argument declared %s", r->declared[shape],
              r->declared[SHAPE_ELEMENT] ? r->declared[SHAPE_ELEMENT] : "anyelement");
    return ps->err ? error_detail(ps->err, "%s versus %s", ps_type_name(ps, r->shape[shape]), ps_type_name(ps, r->shape[SHAPE_ELEMENT])) : ST_FAILED;
}

static Status settle(ParseState *ps, Resolution *r, bool allow_poly)
{
    Oid *s = r->shape, elem;
    if (!r->used) return ST_OK;
    if (s[SHAPE_MULTIRANGE] && !s[SHAPE_RANGE]) s[SHAPE_RANGE] = range_fact(s[SHAPE_MULTIRANGE], 2, 0);
    if (s[SHAPE_RANGE] && (elem = range_fact(s[SHAPE_RANGE], 0, 1))) TRY(element_from(ps, r, SHAPE_RANGE, elem));
    if (s[SHAPE_ARRAY] && s[SHAPE_ARRAY] != TYPE_anyarray) TRY(element_from(ps, r, SHAPE_ARRAY, catalog_type(ps->env, s[SHAPE_ARRAY])->elem));
    if (r->exprs) TRY(select_common_type(ps, r->exprs, ps->err ? "function argument" : NULL, NULL, &s[SHAPE_ELEMENT]));
    if (r->exprs && !s[SHAPE_ELEMENT]) return ST_FAILED;
    if (!s[SHAPE_ELEMENT] && !s[SHAPE_ARRAY] && !allow_poly) {
        if (!r->unknown) return error_set(ps->err, ERR_DATATYPE_MISMATCH, "could not determine polymorphic type");
        return error_set(ps->err, ERR_DATATYPE_MISMATCH, "could not determine polymorphic type because input has type %s", "unknown");
    }
    if (s[SHAPE_ELEMENT] && !s[SHAPE_ARRAY]) s[SHAPE_ARRAY] = type_array_of(ps->env, s[SHAPE_ELEMENT]);
    if (r->exprs) s[SHAPE_ARRAY] = type_array_of(ps->env, s[SHAPE_ELEMENT]);
    if (s[SHAPE_RANGE] && !s[SHAPE_MULTIRANGE]) s[SHAPE_MULTIRANGE] = range_fact(s[SHAPE_RANGE], 0, 2);
    const TypeInfo *t = catalog_type(ps->env, s[SHAPE_ELEMENT]);
    if (r->nonarray && t && t->is_array)
        return error_set(ps->err, ERR_DATATYPE_MISMATCH, "type matched to anynonarray is an array type: %s", ps_type_name(ps, t->oid));
    if (r->is_enum && t && t->typtype != 'e')
        return error_set(ps->err, ERR_DATATYPE_MISMATCH, "type matched to anyenum is not an enum type: %s", ps_type_name(ps, t->oid));
    return ST_OK;
}

Status resolve_polymorphic(ParseState *ps, const Oid *actual, Oid *declared, int nargs, Oid *result, bool allow_poly)
{
    Resolution r[3] = {{.used = false}};
    for (int i = 0; i < nargs; i++) {
        const struct PolyType *p = poly(declared[i]);
        if (p) TRY(see(ps, &r[p->family], p, actual[i]));
    }
    TRY(settle(ps, &r[FAMILY_ANY], allow_poly));
    if (r[FAMILY_COMPATIBLE].used && !r[FAMILY_COMPATIBLE].exprs && r[FAMILY_COMPATIBLE].unknown) {
        r[FAMILY_COMPATIBLE].shape[SHAPE_ELEMENT] = TYPE_text; /* nothing but unknowns: text */
        r[FAMILY_COMPATIBLE].shape[SHAPE_ARRAY] = TYPE__text;
    }
    TRY(settle(ps, &r[FAMILY_COMPATIBLE], allow_poly));
    for (int i = 0; i < nargs; i++) {
        const struct PolyType *p = poly(declared[i]);
        if (p && r[p->family].shape[p->shape]) declared[i] = r[p->family].shape[p->shape];
    }
    const struct PolyType *p = poly(*result);
    if (!p) return ST_OK;
    Oid type = r[p->family].shape[p->shape];
    if (!type && !allow_poly && p->shape == SHAPE_ARRAY && r[p->family].shape[SHAPE_ELEMENT])
        return error_set(ps->err, ERR_UNDEFINED_OBJECT, "could not find array type for data type %s", ps_type_name(ps, r[p->family].shape[SHAPE_ELEMENT]));
    if (type) *result = type;
    return ST_OK;
}
