/* Names to OIDs along search_path, and back. Errors are PostgreSQL's (42P01, 3F000, 42704, 42883 ...). */
#ifndef HELIOS_CATALOG_NAME_LOOKUP_H
#define HELIOS_CATALOG_NAME_LOOKUP_H

#include "catalog/catalog.h"

/* 0 with missing_ok when absent; else 42P01 `relation "a.b" does not exist`. catalog: the database part, checked (0A000). */
STATUS lookup_relation(SessionEnv *env, const char *database, const char *schema, const char *name, bool missing_ok, Oid *out, Error *err);
STATUS lookup_namespace(SessionEnv *env, const char *name, bool missing_ok, Oid *out, Error *err);
/* The schema for CREATE without a schema name: first valid of search_path (3F000 "no schema has been selected to create in"). */
STATUS lookup_creation_namespace(SessionEnv *env, const char *schema_or_null, bool temporary, Oid *out, Error *err);
STATUS lookup_type(SessionEnv *env, const char *schema, const char *name, bool missing_ok, Oid *out, Error *err); /* also "int4"-style aliases are the grammar's */
STATUS lookup_role(SessionEnv *env, const char *name, bool missing_ok, Oid *out, Error *err);
STATUS lookup_database(SessionEnv *env, const char *name, bool missing_ok, Oid *out, Error *err);
STATUS lookup_collation(SessionEnv *env, const char *schema, const char *name, bool missing_ok, Oid *out, Error *err);
STATUS lookup_opclass(SessionEnv *env, Oid am, const char *schema, const char *name, bool missing_ok, Oid *out, Error *err);
Oid lookup_relname_in(SessionEnv *env, const char *name, Oid namespace_oid); /* 0: none */

const char *relation_name_of(SessionEnv *env, Oid oid, Arena *arena);   /* NULL: none */
const char *namespace_name_of(SessionEnv *env, Oid oid, Arena *arena);
const char *role_name_of(SessionEnv *env, Oid oid, Arena *arena);
const char *database_name_of(SessionEnv *env, Oid oid, Arena *arena);
const char *collation_name_of(SessionEnv *env, Oid oid, Arena *arena);
bool relation_is_visible(SessionEnv *env, Oid oid);
bool type_is_visible(SessionEnv *env, Oid oid);
bool proc_is_visible(SessionEnv *env, Oid oid);
bool operator_is_visible(SessionEnv *env, Oid oid);
bool namespace_is_on_path(SessionEnv *env, Oid namespace_oid); /* for objects that nothing of the same name can hide */
/* This session's temporary schema: 0 until it has one; made (pg_temp_N) on first need. */
Oid temp_namespace_of(SessionEnv *env);
STATUS ensure_temp_namespace(SessionEnv *env, Oid *out, Error *err);
/* Effective search path: schemas' OIDs in order (pg_temp, pg_catalog implicit included if with_implicit). */
STATUS search_path_oids(SessionEnv *env, bool with_implicit, Arena *arena, const Oid **out, int *n, Error *err);

/* format_type for any type: "integer", "character varying(10)", "public.mood" when not visible. */
const char *format_type_text(SessionEnv *env, Oid type, int32_t typmod, Arena *arena);
const char *quote_identifier(Arena *arena, const char *name); /* quotes only if needed */

#endif
