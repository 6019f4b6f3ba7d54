/* oid, xid, cid, xid8, tid: unsigned counters and row addresses. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>

#include "common/hash.h"
#include "types/types_internal.h"

/* strtoul on a bounded text: copies at most 40 characters, more cannot be a number in range. */
static bool copy_number(Slice text, char buf[48])
{
    if (text.len >= 48) return false;
    memcpy(buf, text.data, text.len);
    buf[text.len] = 0;
    return strlen(buf) == text.len;
}

/* As strtoul reads it: a minus sign counts down from 2^32. */
static STATUS parse_oid(Slice text, Oid *out, Error *err)
{
    char buf[48], *end;
    Slice trimmed = trim_spaces(text);
    if (!trimmed.len || !copy_number(trimmed, buf)) return type_bad_syntax(err, "oid", text);
    errno = 0;
    unsigned long v = strtoul(buf, &end, 10);
    if (end == buf) return type_bad_syntax(err, "oid", text);
    if (errno == ERANGE) return type_out_of_range(err, "oid", text);
    if (*end) return type_bad_syntax(err, "oid", text);
    *out = (Oid)v;
    if (v != (unsigned long)*out && (long)v != (long)(int32_t)*out) return type_out_of_range(err, "oid", text);
    return ST_OK;
}

STATUS oid_in(IoContext *io, const TypeInfo *type, Slice text, int32_t typmod, Datum *out, Error *err)
{
    Oid v;
    TRY(parse_oid(text, &v, err));
    *out = datum_oid(v);
    return ST_OK;
}

/* PostgreSQL 15 takes what it can read and no errors. */
STATUS xid_in(IoContext *io, const TypeInfo *type, Slice text, int32_t typmod, Datum *out, Error *err)
{
    char buf[48];
    *out = datum_oid(copy_number(text, buf) ? (Oid)strtoul(buf, NULL, 0) : 0);
    return ST_OK;
}

STATUS xid8_in(IoContext *io, const TypeInfo *type, Slice text, int32_t typmod, Datum *out, Error *err)
{
    char buf[48];
    *out = copy_number(text, buf) ? strtoull(buf, NULL, 0) : 0;
    return ST_OK;
}

STATUS oid_out(IoContext *io, const TypeInfo *type, Datum value, StrBuf *out, Error *err)
{
    put_uint64(out, datum_get_oid(value));
    return ST_OK;
}

STATUS xid8_out(IoContext *io, const TypeInfo *type, Datum value, StrBuf *out, Error *err)
{
    put_uint64(out, value);
    return ST_OK;
}

STATUS oid_recv(IoContext *io, const TypeInfo *type, Slice bytes, int32_t typmod, Datum *out, Error *err)
{
    TRY(recv_exactly(bytes, 4, err));
    *out = datum_oid(get_be32(bytes.data));
    return ST_OK;
}

int oid_compare(const TypeInfo *type, Datum a, Datum b)
{
    Oid x = datum_get_oid(a), y = datum_get_oid(b);
    return (x > y) - (x < y);
}

int xid8_compare(const TypeInfo *type, Datum a, Datum b) { return (a > b) - (a < b); }

/* Not sign-extended: as an int8 of the same value hashes. */
uint64_t oid_hash(const TypeInfo *type, Datum v) { return hash_u64(datum_get_oid(v)); }
uint64_t xid8_hash(const TypeInfo *type, Datum v) { return hash_u64(v); }

/* "(block,offset)" */
STATUS tid_in(IoContext *io, const TypeInfo *type, Slice text, int32_t typmod, Datum *out, Error *err)
{
    char buf[48], *end;
    if (!copy_number(text, buf)) return type_bad_syntax(err, "tid", text);
    char *p = buf;
    while (is_space((uint8_t)*p)) p++;
    if (*p++ != '(') return type_bad_syntax(err, "tid", text);
    errno = 0;
    unsigned long block = strtoul(p, &end, 10); /* no digits count as zero */
    if (errno || *end != ',' || (block > UINT32_MAX && (long)block != (long)(int32_t)block)) return type_bad_syntax(err, "tid", text);
    unsigned long offset = strtoul(end + 1, &end, 10);
    if (errno || *end != ')' || offset > UINT16_MAX) return type_bad_syntax(err, "tid", text);
    *out = (Datum)(uint32_t)block << 16 | offset;
    return ST_OK;
}

STATUS tid_out(IoContext *io, const TypeInfo *type, Datum value, StrBuf *out, Error *err)
{
    strbuf_char(out, '(');
    put_uint64(out, value >> 16);
    strbuf_char(out, ',');
    put_uint64(out, value & 0xFFFF);
    strbuf_char(out, ')');
    return ST_OK;
}

STATUS tid_recv(IoContext *io, const TypeInfo *type, Slice bytes, int32_t typmod, Datum *out, Error *err)
{
    TRY(recv_exactly(bytes, 6, err));
    *out = (Datum)get_be32(bytes.data) << 16 | get_be16(bytes.data + 4);
    return ST_OK;
}

STATUS tid_send(IoContext *io, const TypeInfo *type, Datum value, StrBuf *out, Error *err)
{
    put_be32(out, (uint32_t)(value >> 16));
    put_be16(out, (uint16_t)value);
    return ST_OK;
}
