/* Prototypes of the functions that types_impl.def names. A new type: DECLARE_IO and perhaps DECLARE_ORDER here, one row there. */
#ifndef HELIOS_TYPES_IMPL_H
#define HELIOS_TYPES_IMPL_H

#include "types/type.h"

#define DECLARE_IN(fn) STATUS fn(IoContext *io, const TypeInfo *type, Slice text, int32_t typmod, Datum *out, Error *err);
#define DECLARE_OUT(fn) STATUS fn(IoContext *io, const TypeInfo *type, Datum value, StrBuf *out, Error *err);
#define DECLARE_IO(p) DECLARE_IN(p##_in) DECLARE_OUT(p##_out) DECLARE_IN(p##_recv) DECLARE_OUT(p##_send)
#define DECLARE_ORDER(p) int p##_compare(const TypeInfo *type, Datum a, Datum b); uint64_t p##_hash(const TypeInfo *type, Datum v);
#define DECLARE_TYPMOD(p)                                                                            \
    STATUS p##_typmod_in(Arena *arena, const char **args, int nargs, int32_t *out, Error *err);      \
    void p##_typmod_out(int32_t typmod, StrBuf *out);
#define DECLARE_KEY(p) STATUS p##_key_bytes(const TypeInfo *type, Datum v, StrBuf *out, Error *err);

DECLARE_IO(bool) DECLARE_ORDER(bool)
DECLARE_IO(char) DECLARE_ORDER(char)
DECLARE_IO(int2) DECLARE_ORDER(int2)
DECLARE_IO(int4) DECLARE_ORDER(int4)
DECLARE_IO(int8) DECLARE_ORDER(int8)
DECLARE_IO(float4) DECLARE_ORDER(float4)
DECLARE_IO(float8) DECLARE_ORDER(float8)
DECLARE_IN(oid_in) DECLARE_OUT(oid_out) DECLARE_IN(oid_recv) DECLARE_ORDER(oid)
DECLARE_IN(xid_in) DECLARE_IN(xid8_in) DECLARE_OUT(xid8_out) DECLARE_ORDER(xid8)
DECLARE_IO(tid)
DECLARE_IN(reg_in) DECLARE_OUT(reg_out)
DECLARE_IO(text) DECLARE_ORDER(text)
DECLARE_IN(varchar_in) DECLARE_IN(varchar_recv) DECLARE_TYPMOD(varchar)
DECLARE_IN(bpchar_in) DECLARE_IN(bpchar_recv) DECLARE_ORDER(bpchar) DECLARE_TYPMOD(bpchar)
DECLARE_IN(name_in) DECLARE_IN(name_recv)
DECLARE_IO(bytea)
DECLARE_IO(uuid) DECLARE_ORDER(uuid)
DECLARE_IN(json_in) DECLARE_IN(json_recv)
DECLARE_IO(jsonb) DECLARE_ORDER(jsonb)
DECLARE_IO(array) DECLARE_ORDER(array)
DECLARE_KEY(array)
DECLARE_IO(int2vector) DECLARE_IO(oidvector)
DECLARE_IO(record) DECLARE_ORDER(record)
DECLARE_IO(void)
DECLARE_IN(aclitem_in)
DECLARE_IO(range) DECLARE_ORDER(range)
DECLARE_IO(multirange) DECLARE_ORDER(multirange)
DECLARE_IO(inet) DECLARE_ORDER(inet) DECLARE_KEY(inet)
DECLARE_IN(macaddr_in) DECLARE_IN(macaddr8_in) DECLARE_OUT(macaddr_out) DECLARE_IN(macaddr_recv)
DECLARE_IO(bit) DECLARE_ORDER(bit) DECLARE_KEY(bit) DECLARE_TYPMOD(bit)
STATUS varbit_typmod_in(Arena *arena, const char **args, int nargs, int32_t *out, Error *err);
DECLARE_IN(pg_lsn_in) DECLARE_OUT(pg_lsn_out) DECLARE_IN(money_in) DECLARE_OUT(money_out)

DECLARE_IO(numeric) DECLARE_ORDER(numeric) DECLARE_TYPMOD(numeric) DECLARE_KEY(numeric)
DECLARE_IO(date) DECLARE_ORDER(date)
DECLARE_IO(time) DECLARE_ORDER(time) DECLARE_TYPMOD(time)
DECLARE_IO(timetz) DECLARE_ORDER(timetz) DECLARE_TYPMOD(timetz)
DECLARE_IO(timestamp) DECLARE_ORDER(timestamp) DECLARE_TYPMOD(timestamp)
DECLARE_IO(timestamptz) DECLARE_ORDER(timestamptz) DECLARE_TYPMOD(timestamptz)
DECLARE_IO(interval) DECLARE_ORDER(interval) DECLARE_TYPMOD(interval)

#endif
