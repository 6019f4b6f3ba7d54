/* Flat values: a Datum as bytes in a row, array or record, and back. Shared by mintuple, arrays and records.
 *
 * By value: typlen little-endian bytes; fixed length by reference: typlen bytes; varlena: as it is. No padding anywhere. */
#ifndef HELIOS_TYPES_FLAT_VALUE_H
#define HELIOS_TYPES_FLAT_VALUE_H

#include "types/datum.h"

static inline size_t flat_size(Datum d, bool byval, int typlen)
{
    return typlen > 0 ? (size_t)typlen : varlena_total(datum_bytes(d));
}

static inline uint8_t *flat_write(uint8_t *p, Datum d, bool byval, int typlen)
{
    size_t n = flat_size(d, byval, typlen);
    memcpy(p, byval ? (const void *)&d : (const void *)datum_bytes(d), n);
    return p + n;
}

/* Bytes that the flat value at p takes, or 0 if it does not fit into [p, end). */
static inline size_t flat_length(const uint8_t *p, const uint8_t *end, int typlen)
{
    size_t room = (size_t)(end - p);
    if (typlen > 0) return (size_t)typlen <= room ? (size_t)typlen : 0;
    if (room < 1 || (!(p[0] & 1) && room < 4)) return 0;
    size_t n = varlena_total(p);
    return n <= room ? n : 0;
}

/* Four-byte types without a sign; all others are sign-extended, as datum_i32 makes them. */
static inline bool flat_unsigned(Oid type)
{
    switch (type) {
    case TYPE_int2: case TYPE_int4: case TYPE_date: return false;
    case TYPE_oid: case TYPE_xid: case TYPE_cid: case TYPE_float4: case TYPE_regproc: case TYPE_regprocedure: case TYPE_regoper:
    case TYPE_regoperator: case TYPE_regclass: case TYPE_regtype: case TYPE_regrole: case TYPE_regnamespace:
    case TYPE_regcollation: case TYPE_regconfig: case TYPE_regdictionary: return true;
    default: return false;
    }
}

static inline Datum flat_read(const uint8_t *p, bool byval, int typlen, Oid type)
{
    if (!byval) return datum_ptr(p);
    switch (typlen) {
    case 1: return *p;
    case 2: { int16_t v; memcpy(&v, p, 2); return datum_i16(v); }
    case 4: { int32_t v; memcpy(&v, p, 4); return flat_unsigned(type) ? datum_oid((Oid)v) : datum_i32(v); }
    default: { Datum v; memcpy(&v, p, 8); return v; }
    }
}

#endif
