/* Datum: one value of any SQL type in 64 bits, and the in-memory shapes behind it.
 *
 * By-value types (bool, "char", int2/4/8, float4/8, oid and reg*, xid, cid, xid8, tid, date, time, timestamp, timestamptz) sit
 * in the Datum itself (read them with the getters below: the bits above a type's width mean nothing). tid is
 * block << 16 | offset, 8 bytes. All others are pointers:
 *   - fixed-length by reference: interval (16), uuid (16), timetz (12): plain structs, possibly unaligned in a row buffer;
 *   - variable length: a varlena (below). name, cstring and unknown are varlenas too, with text's layout, whatever
 *     pg_type.typlen says of them: one representation for all character types.
 * A Datum never owns: it is valid as long as the arena, row buffer or cursor it points into.
 *
 * varlena: first byte odd  -> length = byte >> 1 (0..127), data follows at +1;
 *          first byte even -> 32-bit little-endian word, length = word >> 1 (so < 2^31), data at +4.
 * No alignment is promised; there is no TOAST: values are whole. The limit is 1 GB - 1 as in PostgreSQL (54000). */
#ifndef HELIOS_TYPES_DATUM_H
#define HELIOS_TYPES_DATUM_H

#include "common/arena.h"

typedef uint32_t Oid;
#define INVALID_OID ((Oid)0)
typedef uint64_t Datum;

#define VARLENA_MAX ((size_t)0x3fffffff)

static inline Datum datum_ptr(const void *p) { return (Datum)(uintptr_t)p; }
static inline const uint8_t *datum_bytes(Datum d) { return (const uint8_t *)(uintptr_t)d; }
static inline Datum datum_bool(bool b) { return b; }
static inline bool datum_get_bool(Datum d) { return d != 0; }
static inline Datum datum_i16(int16_t v) { return (Datum)(int64_t)v; }
static inline Datum datum_i32(int32_t v) { return (Datum)(int64_t)v; }
static inline Datum datum_i64(int64_t v) { return (Datum)v; }
static inline Datum datum_oid(Oid v) { return v; }
static inline int16_t datum_get_i16(Datum d) { return (int16_t)d; }
static inline int32_t datum_get_i32(Datum d) { return (int32_t)d; }
static inline int64_t datum_get_i64(Datum d) { return (int64_t)d; }
static inline Oid datum_get_oid(Datum d) { return (Oid)d; }
static inline Datum datum_f8(double v) { Datum d; memcpy(&d, &v, 8); return d; }
static inline double datum_get_f8(Datum d) { double v; memcpy(&v, &d, 8); return v; }
static inline Datum datum_f4(float v) { uint32_t u; memcpy(&u, &v, 4); return u; }
static inline float datum_get_f4(Datum d) { uint32_t u = (uint32_t)d; float v; memcpy(&v, &u, 4); return v; }

static inline size_t varlena_len(const uint8_t *p)
{
    uint32_t w;
    if (p[0] & 1) return p[0] >> 1;
    memcpy(&w, p, 4);
    return w >> 1;
}
static inline size_t varlena_header(const uint8_t *p) { return p[0] & 1 ? 1 : 4; }
static inline size_t varlena_total(const uint8_t *p) { return varlena_header(p) + varlena_len(p); }
static inline Slice varlena_slice(Datum d)
{
    const uint8_t *p = datum_bytes(d);
    return slice_of(p + varlena_header(p), varlena_len(p));
}
/* Bytes that a varlena of n data bytes takes with its shortest header, and writing that header (returns where data goes). */
static inline size_t varlena_size(size_t n) { return n + (n < 128 ? 1 : 4); }
static inline uint8_t *varlena_put_header(uint8_t *p, size_t n)
{
    uint32_t w = (uint32_t)n << 1;
    if (n < 128) { p[0] = (uint8_t)(n << 1 | 1); return p + 1; }
    memcpy(p, &w, 4);
    return p + 4;
}
/* A new varlena in arena; data may be NULL (uninitialised; fill through *body). 0 if out of memory or n > VARLENA_MAX. */
Datum varlena_new(Arena *arena, const void *data, size_t n, uint8_t **body);
static inline Datum varlena_from_slice(Arena *arena, Slice s) { return varlena_new(arena, s.data, s.len, NULL); }
static inline Datum varlena_cstr(Arena *arena, const char *s) { return varlena_new(arena, s, strlen(s), NULL); }
char *varlena_to_cstr(Arena *arena, Datum d);

/* Deep copy into arena. typlen/byval as in the type table, where name/cstring/unknown count as -1. 0 + ERR on no memory. */
STATUS datum_copy(Arena *arena, Datum d, bool byval, int typlen, Datum *out, Error *err);
static inline size_t datum_size(Datum d, bool byval, int typlen)
{
    return byval ? 8 : typlen > 0 ? (size_t)typlen : varlena_total(datum_bytes(d));
}

/* OIDs of the built-in types: TYPE_int4 == 23 ... (from pg_type.def; array types are TYPE__int4 ...). */
#include "types/type_oids.h"

typedef struct Interval { int64_t time; int32_t day, month; } Interval; /* microseconds, days, months */
typedef struct TimeTz { int64_t time; int32_t zone; } TimeTz;           /* zone: seconds west of Greenwich */

/* date: days since 2000-01-01; timestamp(tz): microseconds since 2000-01-01 00:00 (UTC); PostgreSQL's infinities. */
#define DATE_INFINITY INT32_MAX
#define DATE_NEG_INFINITY INT32_MIN
#define TIMESTAMP_INFINITY INT64_MAX
#define TIMESTAMP_NEG_INFINITY INT64_MIN
#define POSTGRES_EPOCH_UNIX_S 946684800LL

#endif
