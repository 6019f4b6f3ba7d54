/* The reg* types: names to OIDs and back. */
#ifndef HELIOS_CATALOG_REG_TYPES_H
#define HELIOS_CATALOG_REG_TYPES_H

#include "catalog/catalog.h"

/* Also accepts a number, and "-" for 0. */
STATUS reg_input(SessionEnv *env, Oid regtype, Slice text, Oid *out, Error *err);
/* As reg_input, but 0 instead of an error for a name that does not exist (to_regclass ...). */
STATUS reg_input_or_zero(SessionEnv *env, Oid regtype, Slice text, Oid *out, Error *err);
STATUS reg_output(SessionEnv *env, Oid regtype, Oid value, StrBuf *out, Error *err);

/* A type's name as SQL writes it: "character varying(10)", "int4[]", "public.mood". typmod -1 without one. */
STATUS parse_type_name(SessionEnv *env, const char *text, bool missing_ok, Oid *type, int32_t *typmod, Error *err);
/* Splits "a"."B".c; 42602 "invalid name syntax". parts in arena. */
STATUS parse_qualified_name(const char *text, Arena *arena, const char **parts, int max, int *n, Error *err);

#endif
