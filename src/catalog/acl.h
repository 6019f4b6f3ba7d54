/* Privileges: access control lists and who may do what. grantee 0 is PUBLIC; the upper half of privs are the grant options.
 *
 * As a Datum an aclitem is text, "grantee=letters/grantor". In catalog rows the roles are written as "#oid", so that they survive a
 * renaming; acl_for_display turns such a list into one with names, which is what clients see. acl_items reads both. */
#ifndef HELIOS_CATALOG_ACL_H
#define HELIOS_CATALOG_ACL_H

#include "catalog/catalog.h"

enum {
    ACL_INSERT = 1, ACL_SELECT = 2, ACL_UPDATE = 4, ACL_DELETE = 8, ACL_TRUNCATE = 16, ACL_REFERENCES = 32, ACL_TRIGGER = 64,
    ACL_EXECUTE = 128, ACL_USAGE = 256, ACL_CREATE = 512, ACL_CREATE_TEMP = 1024, ACL_CONNECT = 2048, ACL_SET = 4096,
    ACL_ALTER_SYSTEM = 8192,
    ACL_ALL_RELATION = 127, ACL_ALL_SEQUENCE = ACL_USAGE | ACL_SELECT | ACL_UPDATE, ACL_ALL_DATABASE = ACL_CREATE | ACL_CREATE_TEMP | ACL_CONNECT,
    ACL_ALL_SCHEMA = ACL_USAGE | ACL_CREATE, ACL_ALL_COLUMN = ACL_INSERT | ACL_SELECT | ACL_UPDATE | ACL_REFERENCES
};
#define ACL_GRANT(privs) ((uint32_t)(privs) << 16)

typedef struct AclItem { Oid grantee, grantor; uint32_t privs; } AclItem;

/* Letters "arwdDxtXUCTc" of privilege bits, and back. */
const char *acl_letters(uint32_t privs, bool with_grant_stars, Arena *arena);
uint32_t acl_parse_letters(const char *letters);
uint32_t acl_privilege_by_name(const char *name, size_t len); /* "SELECT" any case; 0: none */
const char *acl_privilege_name(uint32_t one_bit);

/* What NULL means for a class: RELATION_pg_class with relkind, pg_proc, pg_namespace, pg_database, pg_type, pg_language. */
STATUS acl_default(Oid classid, char relkind, Oid owner, Arena *arena, Datum *out, Error *err);
/* The list for relacl, proacl, typacl or nspacl of an object about to be created, from pg_default_acl; objtype as there: r S f T n. 0: null. */
STATUS acl_new_object(SessionEnv *env, char objtype, Oid owner, Oid namespace_oid, Arena *arena, Datum *out, Error *err);
Datum acl_make(Arena *arena, const AclItem *items, int n); /* for a catalog row; 0: out of memory */
/* Built-in objects' lists: owner's and PUBLIC's privilege letters (NULL: none). 0: out of memory. */
Datum cat_acl_public(Arena *arena, Oid owner, const char *owner_letters, const char *public_letters);
STATUS acl_items(SessionEnv *env, Arena *arena, Datum acl, const AclItem **items, int *n, Error *err);
STATUS acl_for_display(SessionEnv *env, Arena *arena, Datum acl, Datum *out, Error *err);

/* Is `role` a member of (may act as) `of`? With inheritance only (USAGE), or any membership. Superusers are members of all. */
bool role_is_member(SessionEnv *env, Oid role, Oid of);
bool role_has_privs_of(SessionEnv *env, Oid role, Oid of);
bool role_is_superuser(SessionEnv *env, Oid role);
/* Bits of `want` that role holds on the object. Missing object: 0. */
uint32_t acl_relation(SessionEnv *env, Oid relation, Oid role, uint32_t want);
uint32_t acl_column(SessionEnv *env, Oid relation, int attnum, Oid role, uint32_t want); /* the table's or the column's grant */
uint32_t acl_object(SessionEnv *env, Oid classid, Oid objid, Oid role, uint32_t want);
/* 42501 `permission denied for table t`. any: one of the bits is enough. */
STATUS acl_check_relation(SessionEnv *env, Oid relation, uint32_t want, bool any, Error *err);
STATUS acl_check_object(SessionEnv *env, Oid classid, Oid objid, uint32_t want, Error *err);
/* 42501 `permission denied for <kind> <name>`; always fails. */
STATUS acl_denied(SessionEnv *env, Oid classid, Oid objid, Error *err);
/* Everything an analysed query reads and writes, table by table and column by column, views' contents as their owners. For whoever is about to
 * run it (privileges may have changed since it was planned). Nothing to do for superusers: one test. */
STATUS acl_check_query(SessionEnv *env, const Query *query, Error *err);
/* 42501 `must be owner of table t`. */
STATUS owner_check(SessionEnv *env, Oid classid, Oid objid, Error *err);

#endif
