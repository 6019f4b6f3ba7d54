/* Catalog rows: reading and writing them as typed C structs (catalog_forms.h), object ids, dependencies and dropping.
 *
 * Every write goes through the session's transaction and tells the caches by itself: a row of pg_class, pg_attribute, pg_index,
 * pg_constraint, pg_attrdef, pg_rewrite, pg_trigger, pg_inherits, pg_sequence, pg_statistic or pg_policy changes the descriptor of the
 * relation(s) it names; updates and deletions of types, functions, operators, casts ... empty the caches. The session sees its own
 * changes at once, others when the transaction has committed. The caller holds the locks that PostgreSQL would hold. */
#ifndef HELIOS_CATALOG_CAT_WRITE_H
#define HELIOS_CATALOG_CAT_WRITE_H

#include "catalog/catalog.h"
#include "catalog/catalog_forms.h"

/* Index OIDs to look up by: CATIDX_... = 2662 pg_class_oid_index etc. are in sys_indexes.def; those used most: */
enum {
    IDX_class_oid = 2662, IDX_class_relname_nsp = 2663, IDX_attribute_relid_attnum = 2659, IDX_attribute_relid_attnam = 2658,
    IDX_type_oid = 2703, IDX_type_typname_nsp = 2704, IDX_namespace_oid = 2685, IDX_namespace_nspname = 2684,
    IDX_index_indrelid = 2678, IDX_index_indexrelid = 2679, IDX_constraint_conrelid_contypid_conname = 2665,
    IDX_constraint_oid = 2667, IDX_constraint_contypid = 2666, IDX_constraint_conname_nsp = 2664,
    IDX_attrdef_adrelid_adnum = 2656, IDX_attrdef_oid = 2657, IDX_proc_oid = 2690, IDX_proc_proname_args_nsp = 2691,
    IDX_depend_depender = 2673, IDX_depend_reference = 2674, IDX_description_o_c_o = 2675, IDX_sequence_seqrelid = 5002,
    IDX_rewrite_oid = 2692, IDX_rewrite_rel_rulename = 2693, IDX_trigger_tgrelid_tgname = 2701, IDX_trigger_oid = 2702,
    IDX_inherits_relid_seqno = 2680, IDX_inherits_parent = 2187, IDX_enum_oid = 3502, IDX_enum_typid_label = 3503,
    IDX_enum_typid_sortorder = 3534, IDX_database_datname = 2671, IDX_database_oid = 2672, IDX_authid_rolname = 2676,
    IDX_authid_oid = 2677, IDX_auth_members_role_member = 2694, IDX_auth_members_member_role = 2695,
    IDX_db_role_setting = 2965, IDX_statistic_relid_att_inh = 2696, IDX_opclass_am_name_nsp = 2686, IDX_opclass_oid = 2687,
    IDX_operator_oid = 2688, IDX_operator_oprname_l_r_n = 2689, IDX_cast_source_target = 2661, IDX_collation_oid = 3085,
    IDX_collation_name_enc_nsp = 3164, IDX_shdescription_o_c = 2397, IDX_policy_polrelid_polname = 3258,
    IDX_extension_name = 3081, IDX_aggregate_fnoid = 2650, IDX_amop_fam_strat = 2653, IDX_language_name = 2681, IDX_am_name = 2651,
    IDX_default_acl_role_nsp_obj = 827, IDX_amproc_fam_proc = 2655, IDX_tablespace_spcname = 2698
};

/* ---- reading: built-in rows and the store's, newest committed state plus own writes ---- */
typedef struct CatScan CatScan;
/* Equality on the first nkeys columns of a catalog index; index 0 with nkeys 0: the whole catalog. The scan's memory is in arena;
 * cat_scan_close must be called. NAME keys are varlenas: cat_name_key. */
STATUS cat_scan_open(SessionEnv *env, Oid catalog, Oid index, int nkeys, const Datum *keys, Arena *arena, CatScan **out, Error *err);
/* *form (of the catalog's Form_ type, in arena) or NULL at the end. Each form stays valid as long as arena. */
STATUS cat_scan_next(CatScan *scan, const void **form, Error *err);
bool cat_scan_is_builtin(const CatScan *scan);        /* the row just returned: it cannot be changed (42501) */
STATUS cat_scan_delete(CatScan *scan, Error *err);    /* the row just returned */
STATUS cat_scan_update(CatScan *scan, const void *form, Error *err);
void cat_scan_close(CatScan *scan);                   /* NULL is fine */
Datum cat_name_key(Arena *arena, const char *name);

/* One row by a unique index; *form NULL if none. form is in arena. */
STATUS cat_get(SessionEnv *env, Oid catalog, Oid index, int nkeys, const Datum *keys, Arena *arena, const void **form, Error *err);
STATUS cat_get_by_oid(SessionEnv *env, Oid catalog, Oid index, Oid oid, Arena *arena, const void **form, Error *err);

/* ---- writing ---- */
STATUS cat_new_oid(SessionEnv *env, Oid *out, Error *err);         /* for an object of this database */
STATUS cat_new_shared_oid(SessionEnv *env, Oid *out, Error *err);  /* databases, roles */
STATUS cat_new_storage_id(SessionEnv *env, Oid *out, Error *err);  /* pg_class.relfilenode is the storage id */
/* 23505 "duplicate key value violates unique constraint" of the catalog's unique index. */
STATUS cat_insert(SessionEnv *env, Oid catalog, const void *form, Error *err);
/* The row with the same primary key. XX000 "tuple concurrently updated" / "... deleted". */
STATUS cat_update(SessionEnv *env, Oid catalog, const void *form, Error *err);
/* Deletes all stored rows with that key prefix; *n (may be NULL) how many. */
STATUS cat_delete(SessionEnv *env, Oid catalog, Oid index, int nkeys, const Datum *keys, int *n, Error *err);
/* Marks a relation's descriptor as changed (rarely needed: writes do it). */
STATUS cat_invalidate_relation(SessionEnv *env, Oid relation, Error *err);

/* Forms of a new relation's rows with PostgreSQL's defaults filled in. */
void cat_class_defaults(Form_pg_class *f);
void cat_attribute_defaults(Form_pg_attribute *f);
void cat_type_defaults(Form_pg_type *f);
void cat_constraint_defaults(Form_pg_constraint *f);
void cat_index_defaults(Form_pg_index *f);
void cat_proc_defaults(Form_pg_proc *f);

/* Arrays for form fields of kind ARRAY; 0 when out of memory. */
#include "catalog/cat_array.h"

/* ---- comments ---- */
STATUS cat_set_comment(SessionEnv *env, Oid classid, Oid objid, int subid, const char *text_or_null, Error *err);
const char *cat_comment(SessionEnv *env, Oid classid, Oid objid, int subid, Arena *arena); /* NULL: none */

/* ---- dependencies ---- */
typedef struct ObjectAddress { Oid classid, objid; int32_t subid; } ObjectAddress;
typedef enum DependType { DEPEND_NORMAL = 'n', DEPEND_AUTO = 'a', DEPEND_INTERNAL = 'i', DEPEND_EXTENSION = 'e' } DependType;
/* Nothing is recorded when `on` is a built-in (pinned) object. */
STATUS depend_add(SessionEnv *env, ObjectAddress depender, ObjectAddress on, DependType type, Error *err);
/* On everything an expression or query names: functions, operators, types, collations, relations, columns. self: a relation whose columns
 * are recorded with self_type (AUTO for defaults and checks of that table). rtable: NULL for an expression over Var(varno 1) of self. */
STATUS depend_add_expr(SessionEnv *env, ObjectAddress depender, const Node *expr, Oid self, DependType type, DependType self_type, Error *err);
STATUS depend_add_query(SessionEnv *env, ObjectAddress depender, const Query *query, DependType type, Error *err);
STATUS depend_remove(SessionEnv *env, ObjectAddress depender, Error *err); /* all it depends on; subid 0: all of its subobjects too */
STATUS depend_change(SessionEnv *env, ObjectAddress depender, Oid old_classid, Oid old_objid, Oid new_objid, Error *err);

/* Drops the objects and what depends on them: 2BP01 with PostgreSQL's detail lines under RESTRICT, a NOTICE under CASCADE. Removes their
 * catalog rows, comments, dependencies and storage. Locks: the caller has locked what it named; dependents are locked here
 * (relations ACCESS EXCLUSIVE). */
STATUS drop_objects(SessionEnv *env, const ObjectAddress *objects, int n, DropBehavior behavior, Error *err);
/* Drops everything in this session's temporary schema, without notices: at the end of a session (in a transaction of its own) and for
 * DISCARD TEMP. Nothing to do without one. */
STATUS cat_drop_temp_objects(SessionEnv *env, Error *err);
/* "table t", "column a of table t", "view v", "constraint c on table t", "default value for column a of table t" ... */
const char *object_description(SessionEnv *env, ObjectAddress object, Arena *arena);

/* ---- transaction ends ---- */
/* Where DDL gives a relation a new storage (TRUNCATE, rewrite): the old storage joins the drop list with the commit. */
STATUS cat_drop_storage(SessionEnv *env, const Form_pg_class *cls, Error *err);

#endif
