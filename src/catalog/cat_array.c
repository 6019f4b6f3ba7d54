/* Arrays in catalog columns, over types/array.h. */
#include "catalog/cat_array.h"

#include "types/array.h"

/* int2vector and oidvector count from 0. */
static Datum build(Arena *arena, Oid elem, const Datum *values, int n, int32_t lbound)
{
    const int32_t dims[1] = {n}, lbounds[1] = {lbound};
    Datum out;
    Status st = array_make(arena, type_builtin(elem), n ? 1 : 0, dims, lbounds, values, NULL, &out, NULL);
    return failed(st) ? 0 : out;
}

Datum cat_array_build(Arena *arena, Oid elem, const Datum *values, int n) { return build(arena, elem, values, n, 1); }

#define BUILD(name, ctype, elem, lbound, conv)                                                  \
    Datum name(Arena *arena, const ctype *v, int n)                                             \
    {                                                                                           \
        Datum *values = arena_alloc(arena, (size_t)(n ? n : 1) * sizeof *values);               \
        if (!values) return 0;                                                                  \
        for (int i = 0; i < n; i++) values[i] = conv(v[i]);                                     \
        return build(arena, elem, values, n, lbound);                                           \
    }

static Datum char_datum(char c) { return (uint8_t)c; }

BUILD(cat_oid_array, Oid, TYPE_oid, 1, datum_oid)
BUILD(cat_int2_array, int16_t, TYPE_int2, 1, datum_i16)
BUILD(cat_char_array, char, TYPE_char, 1, char_datum)
BUILD(cat_float4_array, float, TYPE_float4, 1, datum_f4)
BUILD(cat_oid_vector, Oid, TYPE_oid, 0, datum_oid)
BUILD(cat_int2_vector, int16_t, TYPE_int2, 0, datum_i16)

Datum cat_text_array(Arena *arena, const char *const *v, int n)
{
    Datum *values = arena_alloc(arena, (size_t)(n ? n : 1) * sizeof *values);
    if (!values) return 0;
    for (int i = 0; i < n; i++)
        if (!(values[i] = varlena_cstr(arena, v[i]))) return 0;
    return build(arena, TYPE_text, values, n, 1);
}

STATUS cat_array_values(Arena *arena, Datum array, const Datum **values, int *n, Error *err)
{
    ArrayView view;
    Datum *v;
    bool *nulls;
    TRY(array_open(array, &view, err));
    const TypeInfo *elem = type_builtin(view.elem);
    if (!elem) return error_set(err, ERR_DATA_CORRUPTED, "array of unexpected type %u in a catalog", view.elem);
    TRY(array_deconstruct(arena, array, elem, &v, &nulls, n, err));
    *values = v;
    return ST_OK;
}

#define GET(name, ctype, conv)                                                                  \
    STATUS name(Arena *arena, Datum array, const ctype **v, int *n, Error *err)                 \
    {                                                                                           \
        const Datum *values;                                                                    \
        ctype *out;                                                                             \
        TRY(cat_array_values(arena, array, &values, n, err));                                   \
        TRY_NEW_N(out, arena, *n + 1, err);                                                     \
        for (int i = 0; i < *n; i++) out[i] = conv(values[i]);                                  \
        *v = out;                                                                               \
        return ST_OK;                                                                           \
    }

static char get_char(Datum d) { return (char)d; }

GET(cat_get_oids, Oid, datum_get_oid)
GET(cat_get_int2s, int16_t, datum_get_i16)
GET(cat_get_floats, float, datum_get_f4)
GET(cat_get_chars, char, get_char)

STATUS cat_get_texts(Arena *arena, Datum array, const char *const **v, int *n, Error *err)
{
    const Datum *values;
    const char **out;
    TRY(cat_array_values(arena, array, &values, n, err));
    TRY_NEW_N(out, arena, *n + 1, err);
    for (int i = 0; i < *n; i++) {
        out[i] = varlena_to_cstr(arena, values[i]);
        TRY_MEM(out[i], err);
    }
    *v = out;
    return ST_OK;
}

STATUS cat_array_first(Arena *arena, Datum array, const TypeInfo *elem, Datum *out, Error *err)
{
    ArrayView view;
    ArrayIter it;
    bool null = true;
    *out = 0;
    TRY(array_open(array, &view, err));
    array_iter_init(&it, &view, elem);
    if (!array_next(&it, out, &null) || null) return ST_OK;
    return datum_copy(arena, *out, elem->byval, elem->typlen, out, err);
}

bool cat_oid_vector_equals(Datum vector, const Oid *v, int n)
{
    ArrayView view;
    ArrayIter it;
    Datum value;
    bool null;
    if (failed(array_open(vector, &view, NULL)) || view.nitems != n) return false;
    array_iter_init(&it, &view, type_builtin(TYPE_oid));
    for (int i = 0; i < n; i++)
        if (!array_next(&it, &value, &null) || null || datum_get_oid(value) != v[i]) return false;
    return true;
}
