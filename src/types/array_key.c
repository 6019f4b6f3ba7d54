/* Memcomparable form of arrays: keys of array columns.
 *
 *   per element: 01 value | 02 for a null (above all values)      then 00, dimensions, lengths, lower bounds
 *
 * A value is self-delimiting and orders as its type does: numbers big-endian with the sign flipped, bytes with 00 written as 00 FF
 * and ended by 00 01. So the whole orders as array_compare does. */
#include <math.h>

#include "types/array.h"
#include "types/text.h"
#include "types/types_internal.h"

static void put_bytes(StrBuf *out, Slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        strbuf_char(out, (char)s.data[i]);
        if (s.data[i] == 0) strbuf_char(out, (char)0xFF);
    }
    strbuf_append(out, "\0\1", 2);
}

static void put_double(StrBuf *out, double v)
{
    uint64_t bits = isnan(v) ? 0x7ff8000000000000ull : v == 0 ? 0 : datum_f8(v);
    put_be64(out, bits >> 63 ? ~bits : bits | 1ull << 63);
}

static STATUS put_custom(const TypeInfo *t, Datum v, StrBuf *out, Error *err)
{
    StrBuf raw;
    if (!t->key_bytes) return error_unsupported(err, "an index on this data type");
    strbuf_init_heap(&raw, NULL);
    Status st = t->key_bytes(t, v, &raw, err);
    if (!failed(st)) put_bytes(out, strbuf_slice(&raw));
    st = first_error(st, strbuf_check(&raw, err));
    strbuf_free(&raw);
    return st;
}

/* The span of an interval in microseconds, months of 30 days: 16 bytes. */
static void put_interval(StrBuf *out, Datum v)
{
    Interval i;
    memcpy(&i, datum_bytes(v), sizeof i);
    __int128 us = (__int128)i.time + ((__int128)i.month * 30 + i.day) * 86400000000ll;
    unsigned __int128 flipped = (unsigned __int128)us ^ (unsigned __int128)1 << 127;
    put_be64(out, (uint64_t)(flipped >> 64));
    put_be64(out, (uint64_t)flipped);
}

static void put_timetz(StrBuf *out, Datum v)
{
    TimeTz t;
    memcpy(&t.time, datum_bytes(v), 8);
    memcpy(&t.zone, datum_bytes(v) + 8, 4);
    put_be64(out, (uint64_t)(t.time + t.zone * 1000000ll) ^ 1ull << 63);
    put_be32(out, (uint32_t)t.zone ^ 1u << 31);
}

static STATUS put_value(const TypeInfo *t, Datum v, StrBuf *out, Error *err)
{
    switch (t->key) {
    case KEYENC_BOOL: case KEYENC_U8: strbuf_char(out, (char)v); return ST_OK;
    case KEYENC_I16: put_be16(out, (uint16_t)v ^ 1u << 15); return ST_OK;
    case KEYENC_I32: put_be32(out, (uint32_t)v ^ 1u << 31); return ST_OK;
    case KEYENC_I64: put_be64(out, v ^ 1ull << 63); return ST_OK;
    case KEYENC_U32: put_be32(out, (uint32_t)v); return ST_OK;
    case KEYENC_F4: put_double(out, datum_get_f4(v)); return ST_OK;
    case KEYENC_F8: put_double(out, datum_get_f8(v)); return ST_OK;
    case KEYENC_BYTES: put_bytes(out, varlena_slice(v)); return ST_OK;
    case KEYENC_BPCHAR: put_bytes(out, bpchar_trim(varlena_slice(v))); return ST_OK;
    case KEYENC_FIXED16: strbuf_append(out, datum_bytes(v), 16); return ST_OK;
    case KEYENC_INTERVAL: put_interval(out, v); return ST_OK;
    case KEYENC_TIMETZ: put_timetz(out, v); return ST_OK;
    case KEYENC_NUMERIC: case KEYENC_ARRAY: case KEYENC_CUSTOM: return put_custom(t, v, out, err);
    case KEYENC_NONE: break;
    }
    return error_unsupported(err, "an index on this data type");
}

STATUS array_key_bytes(const TypeInfo *type, Datum array, StrBuf *out, Error *err)
{
    ArrayView v;
    ArrayIter it;
    Datum x;
    bool null;
    TRY(array_open(array, &v, err));
    const TypeInfo *elem = type->elem_info && type->elem_info->oid == v.elem ? type->elem_info : type_builtin(v.elem);
    if (!elem) return error_unsupported(err, "an index on this data type");
    array_iter_init(&it, &v, elem);
    while (array_next(&it, &x, &null)) {
        strbuf_char(out, null ? 2 : 1);
        if (!null) TRY(put_value(elem, x, out, err));
    }
    strbuf_char(out, 0);
    strbuf_char(out, (char)v.ndim);
    for (int i = 0; i < v.ndim; i++) put_be32(out, (uint32_t)v.dims[i]);
    for (int i = 0; i < v.ndim; i++) put_be32(out, (uint32_t)v.lbounds[i] ^ 1u << 31);
    return strbuf_check(out, err);
}
