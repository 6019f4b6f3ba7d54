/* smallint, integer, bigint: the hot paths of most results. */
#include "types/types_internal.h"

#include "common/hash.h"

static const char pairs[] = "00010203040506070809101112131415161718192021222324252627282930313233343536373839404142434445464748"
                            "4950515253545556575859606162636465666768697071727374757677787980818283848586878889909192939495969798"
                            "99";
_Static_assert(sizeof pairs == 201, "two digits for each number below one hundred");

static char *write_u64(char *out, uint64_t v)
{
    char tmp[20], *p = tmp + sizeof tmp;
    while (v >= 100) {
        p -= 2;
        memcpy(p, pairs + 2 * (v % 100), 2);
        v /= 100;
    }
    if (v >= 10) {
        p -= 2;
        memcpy(p, pairs + 2 * v, 2);
    } else {
        *--p = (char)('0' + v);
    }
    size_t n = (size_t)(tmp + sizeof tmp - p);
    memcpy(out, p, n);
    return out + n;
}

void put_uint64(StrBuf *out, uint64_t v)
{
    char *p = out_room(out, 21);
    if (p) out_done(out, write_u64(p, v));
}

void put_int64(StrBuf *out, int64_t v)
{
    char *p = out_room(out, 21);
    if (!p) return;
    if (v < 0) *p++ = '-';
    out_done(out, write_u64(p, v < 0 ? 0 - (uint64_t)v : (uint64_t)v));
}

/* Digits with a sign and blanks around. Too many digits are out of range even before junk, as in PostgreSQL. */
static STATUS parse_int(Slice text, const char *type, uint64_t max, int64_t *out, Error *err)
{
    const uint8_t *p = text.data, *end = p + text.len;
    uint64_t v = 0;
    while (p < end && is_space(*p)) p++;
    bool negative = p < end && *p == '-';
    if (p < end && (*p == '-' || *p == '+')) p++;
    if (p == end || *p < '0' || *p > '9') return type_bad_syntax(err, type, text);
    uint64_t limit = max + negative;
    for (; p < end && *p >= '0' && *p <= '9'; p++) {
        uint64_t digit = (uint64_t)(*p - '0');
        if (unlikely(v > (limit - digit) / 10)) return type_out_of_range(err, type, text);
        v = v * 10 + digit;
    }
    while (p < end && is_space(*p)) p++;
    if (p != end) return type_bad_syntax(err, type, text);
    *out = negative ? (int64_t)(0 - v) : (int64_t)v;
    return ST_OK;
}

STATUS int2_in(IoContext *io, const TypeInfo *type, Slice text, int32_t typmod, Datum *out, Error *err)
{
    int64_t v;
    TRY(parse_int(text, "smallint", INT16_MAX, &v, err));
    *out = datum_i16((int16_t)v);
    return ST_OK;
}

STATUS int4_in(IoContext *io, const TypeInfo *type, Slice text, int32_t typmod, Datum *out, Error *err)
{
    int64_t v;
    TRY(parse_int(text, "integer", INT32_MAX, &v, err));
    *out = datum_i32((int32_t)v);
    return ST_OK;
}

STATUS int8_in(IoContext *io, const TypeInfo *type, Slice text, int32_t typmod, Datum *out, Error *err)
{
    int64_t v;
    TRY(parse_int(text, "bigint", INT64_MAX, &v, err));
    *out = datum_i64(v);
    return ST_OK;
}

STATUS int2_out(IoContext *io, const TypeInfo *type, Datum value, StrBuf *out, Error *err)
{
    put_int64(out, datum_get_i16(value));
    return ST_OK;
}

STATUS int4_out(IoContext *io, const TypeInfo *type, Datum value, StrBuf *out, Error *err)
{
    put_int64(out, datum_get_i32(value));
    return ST_OK;
}

STATUS int8_out(IoContext *io, const TypeInfo *type, Datum value, StrBuf *out, Error *err)
{
    put_int64(out, datum_get_i64(value));
    return ST_OK;
}

STATUS int2_recv(IoContext *io, const TypeInfo *type, Slice bytes, int32_t typmod, Datum *out, Error *err)
{
    TRY(recv_exactly(bytes, 2, err));
    *out = datum_i16((int16_t)get_be16(bytes.data));
    return ST_OK;
}

STATUS int4_recv(IoContext *io, const TypeInfo *type, Slice bytes, int32_t typmod, Datum *out, Error *err)
{
    TRY(recv_exactly(bytes, 4, err));
    *out = datum_i32((int32_t)get_be32(bytes.data));
    return ST_OK;
}

STATUS int8_recv(IoContext *io, const TypeInfo *type, Slice bytes, int32_t typmod, Datum *out, Error *err)
{
    TRY(recv_exactly(bytes, 8, err));
    *out = datum_i64((int64_t)get_be64(bytes.data));
    return ST_OK;
}

STATUS int2_send(IoContext *io, const TypeInfo *type, Datum value, StrBuf *out, Error *err)
{
    put_be16(out, (uint16_t)value);
    return ST_OK;
}

STATUS int4_send(IoContext *io, const TypeInfo *type, Datum value, StrBuf *out, Error *err)
{
    put_be32(out, (uint32_t)value);
    return ST_OK;
}

STATUS int8_send(IoContext *io, const TypeInfo *type, Datum value, StrBuf *out, Error *err)
{
    put_be64(out, value);
    return ST_OK;
}

int int2_compare(const TypeInfo *type, Datum a, Datum b)
{
    int16_t x = datum_get_i16(a), y = datum_get_i16(b);
    return (x > y) - (x < y);
}

int int4_compare(const TypeInfo *type, Datum a, Datum b)
{
    int32_t x = datum_get_i32(a), y = datum_get_i32(b);
    return (x > y) - (x < y);
}

int int8_compare(const TypeInfo *type, Datum a, Datum b)
{
    int64_t x = datum_get_i64(a), y = datum_get_i64(b);
    return (x > y) - (x < y);
}

/* Equal numbers hash alike whatever their width: a hash join may have an int4 on one side and an int8 on the other. */
uint64_t int2_hash(const TypeInfo *type, Datum v) { return hash_u64((uint64_t)(int64_t)datum_get_i16(v)); }
uint64_t int4_hash(const TypeInfo *type, Datum v) { return hash_u64((uint64_t)(int64_t)datum_get_i32(v)); }
uint64_t int8_hash(const TypeInfo *type, Datum v) { return hash_u64((uint64_t)datum_get_i64(v)); }
