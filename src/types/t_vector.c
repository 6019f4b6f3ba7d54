/* int2vector and oidvector: "1 2 3", arrays of one dimension from 0, without nulls. */
#include "types/array.h"
#include "types/types_internal.h"

static STATUS make_vector(Arena *arena, Oid elem_oid, int n, const Datum *values, Datum *out, Error *err)
{
    int32_t dim = n, low = 0;
    if (n > 0) return array_make(arena, type_builtin(elem_oid), 1, &dim, &low, values, NULL, out, err);
    uint8_t head[16] = {1}; /* empty, but with its one dimension, as PostgreSQL's */
    memcpy(head + 4, &elem_oid, 4);
    return make_varlena(arena, head, sizeof head, NULL, out, err);
}

static STATUS vector_in(IoContext *io, Oid elem_oid, TypeInputFn in, Slice text, Datum *out, Error *err)
{
    Datum *values;
    int n = 0;
    TRY_NEW_N(values, io->arena, text.len / 2 + 1, err);
    for (const uint8_t *p = text.data, *end = p + text.len;;) {
        while (p < end && is_space(*p)) p++;
        const uint8_t *start = p;
        while (p < end && !is_space(*p)) p++;
        if (p == start) break;
        TRY(in(io, type_builtin(elem_oid), slice_of(start, (size_t)(p - start)), -1, &values[n++], err));
    }
    return make_vector(io->arena, elem_oid, n, values, out, err);
}

static STATUS vector_out(Datum value, bool is_oid, StrBuf *out, Error *err)
{
    ArrayView v;
    ArrayIter it;
    Datum x;
    bool null;
    TRY(array_open(value, &v, err));
    array_iter_init(&it, &v, type_builtin(v.elem));
    for (int i = 0; array_next(&it, &x, &null); i++) {
        if (i) strbuf_char(out, ' ');
        put_int64(out, is_oid ? (int64_t)datum_get_oid(x) : datum_get_i16(x));
    }
    return ST_OK;
}

/* In binary they are arrays, which must have their shape. */
static STATUS vector_recv(IoContext *io, const TypeInfo *type, Slice bytes, Datum *out, Error *err)
{
    ArrayView v;
    TRY(array_recv(io, type, bytes, -1, out, err));
    TRY(array_open(*out, &v, err));
    if (v.nulls || v.ndim > 1 || (v.ndim == 1 && v.lbounds[0] != 0))
        return error_set(err, ERR_INVALID_BINARY_REPRESENTATION, "invalid %s data", type->name);
    return v.nitems ? ST_OK : make_vector(io->arena, type->elem, 0, NULL, out, err);
}

STATUS int2vector_in(IoContext *io, const TypeInfo *type, Slice text, int32_t typmod, Datum *out, Error *err)
{
    return vector_in(io, TYPE_int2, int2_in, text, out, err);
}

STATUS int2vector_out(IoContext *io, const TypeInfo *type, Datum value, StrBuf *out, Error *err)
{
    return vector_out(value, false, out, err);
}

STATUS int2vector_recv(IoContext *io, const TypeInfo *type, Slice bytes, int32_t typmod, Datum *out, Error *err)
{
    return vector_recv(io, type, bytes, out, err);
}

STATUS int2vector_send(IoContext *io, const TypeInfo *type, Datum value, StrBuf *out, Error *err)
{
    return array_send(io, type, value, out, err);
}

STATUS oidvector_in(IoContext *io, const TypeInfo *type, Slice text, int32_t typmod, Datum *out, Error *err)
{
    return vector_in(io, TYPE_oid, oid_in, text, out, err);
}

STATUS oidvector_out(IoContext *io, const TypeInfo *type, Datum value, StrBuf *out, Error *err)
{
    return vector_out(value, true, out, err);
}

STATUS oidvector_recv(IoContext *io, const TypeInfo *type, Slice bytes, int32_t typmod, Datum *out, Error *err)
{
    return vector_recv(io, type, bytes, out, err);
}

STATUS oidvector_send(IoContext *io, const TypeInfo *type, Datum value, StrBuf *out, Error *err)
{
    return array_send(io, type, value, out, err);
}
