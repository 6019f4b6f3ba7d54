/* What the commands that define objects share: names, checks, creating relations, constraints and indexes, rewriting tables.
 *
 * Everything is written through cat_write.h in the session's transaction; after a write a descriptor must be opened anew to see it. Old
 * descriptors stay readable until the end of the statement, which is what rewriting relies on. */
#ifndef HELIOS_COMMANDS_DDL_INTERNAL_H
#define HELIOS_COMMANDS_DDL_INTERNAL_H

#include "catalog/acl.h"
#include "catalog/cat_write.h"
#include "catalog/name_lookup.h"
#include "commands/command_internal.h"
#include "parser/analyze.h"

enum { NAME_BYTES = 63, MAX_COLUMNS = 1600, MAX_INDEX_COLUMNS = 32 };

/* ---- ddl_util.c ---- */
/* name1_name2_label cut to 63 bytes, the longer of the names first, never inside a character. name2 and label may be NULL. */
const char *ddl_object_name(Arena *arena, const char *name1, const char *name2, const char *label);
/* The first of name1_name2_label, ...label1, ...label2 that no relation of the schema has (nor, for constraints, any constraint). */
STATUS ddl_choose_relation_name(SessionEnv *env, const char *name1, const char *name2, const char *label, Oid nsp, bool is_constraint, Arena *arena,
                                const char **out, Error *err);
STATUS ddl_choose_constraint_name(SessionEnv *env, const char *name1, const char *name2, const char *label, Oid nsp, Arena *arena, const char **out,
                                  Error *err);
STATUS ddl_constraint_name_used(SessionEnv *env, const char *name, Oid nsp, bool *used, Error *err);
STATUS ddl_constraint_by_name(SessionEnv *env, Oid relation, const char *name, Arena *arena, const Form_pg_constraint **out, Error *err);
/* A List of Strings (a name with its schema) or a TypeName without modifiers. */
STATUS ddl_split_name(const Node *names, const char **schema, const char **name, Error *err);
STATUS ddl_role(SessionEnv *env, const RoleSpec *spec, Oid *out, Error *err); /* PUBLIC: 0 */
/* 42501 must be able to SET ROLE. */
STATUS ddl_check_can_become(SessionEnv *env, Oid role, Error *err);
/* The schema for a new object, with CREATE privilege checked. */
STATUS ddl_creation_namespace(SessionEnv *env, const char *database, const char *schema, bool temporary, Oid *out, Error *err);
/* Locked, of one of the kinds in `kinds` (42809 `"x" is not a table`), owned by the user, no system catalog. *out NULL only with missing_ok;
 * then the NOTICE is the caller's. what: "a table". */
STATUS ddl_open_owned(SessionEnv *env, const RangeVar *rv, LockMode lock, const char *kinds, const char *what, bool missing_ok, const Relation **out,
                      Error *err);
STATUS ddl_check_owner(SessionEnv *env, const Relation *rel, Error *err);
STATUS ddl_class(SessionEnv *env, Oid relation, Arena *arena, Form_pg_class *out, Error *err);
STATUS ddl_attribute(SessionEnv *env, Oid relation, int attnum, Arena *arena, Form_pg_attribute *out, Error *err);
STATUS ddl_type_form(SessionEnv *env, Oid type, Arena *arena, const Form_pg_type **out, Error *err);
STATUS ddl_node_text(const void *node, Arena *arena, const char **out, Error *err);
/* 42703 `column "x" of relation "t" does not exist`; system columns 0A000. */
STATUS ddl_column(const Relation *rel, const char *name, int *attnum, Error *err);
STATUS ddl_eval(SessionEnv *env, Node *expr, Arena *arena, Datum *value, bool *isnull, Error *err);
String *ddl_string(Arena *arena, const char *text);
/* WITH (...) of relations: text[] of name=value. reset: names to be taken out of old. Names we do not know: 22023. */
STATUS ddl_reloptions(Datum old, const List *items, bool reset, Arena *arena, Datum *out, Error *err);
static inline ObjectAddress address(Oid classid, Oid objid, int subid) { return (ObjectAddress){classid, objid, subid}; }
const char *relkind_word(char relkind);  /* "table", "view" ... */
const char *relkind_words(char relkind); /* "tables", "indexes" ... */
/* Gives the error that is set the place in the source text (unless it has one, or sql is NULL). Always ST_FAILED. */
Status ddl_at(const char *sql, int location, Error *err);

/* ---- ddl_relation.c ---- */
typedef struct NewColumn {
    const char *name;
    Oid type, collation;
    int32_t typmod;
    int ndims;
    bool not_null;
    char identity, generated, compression, storage; /* 0: none, default */
    const RawExpr *raw_default;   /* DEFAULT or GENERATED, still to be analysed */
    Node *cooked_default;         /* instead of raw_default */
    Oid serial_type;              /* a serial column: its integer type; the sequence is made with the table */
    const List *identity_options;
    int location;
} NewColumn;
typedef struct NewRelation {
    const char *name;
    Oid namespace_oid, owner;
    char relkind, persistence;
    bool unpopulated;             /* materialized view WITH NO DATA */
    int ncols;
    const NewColumn *cols;
    Datum reloptions;
} NewRelation;
/* Rows of pg_class, pg_attribute, pg_type, pg_depend. 42P07 if the name is taken. Storage: an id; nothing is written under it. */
STATUS ddl_create_relation(SessionEnv *env, const NewRelation *def, Arena *arena, Oid *out, Error *err);
STATUS ddl_check_relation_name_free(SessionEnv *env, const char *name, Oid nsp, Error *err);
STATUS ddl_insert_attribute(SessionEnv *env, Oid relation, char relkind, int attnum, const NewColumn *col, Arena *arena, Error *err);
STATUS ddl_check_column(SessionEnv *env, const NewColumn *col, Error *err);
/* A pg_type row and its array type's. form->oid 0: a new one. *array may be NULL. */
STATUS ddl_create_type(SessionEnv *env, Form_pg_type *form, bool with_array, Arena *arena, Error *err);

/* ---- ddl_column.c ---- */
typedef struct TableParts { /* constraints gathered from column and table elements, in order */
    List *checks;   /* ConstraintDefinitions */
    List *keys;     /* PRIMARY, UNIQUE */
    List *foreign;
} TableParts;
STATUS ddl_column_definition(SessionEnv *env, const ColumnDefinition *def, const char *relname, const char *sql, Arena *arena,
                             NewColumn *out, TableParts *parts, Error *err);
/* Analyses, coerces and stores the default (or generation expression) of one column. */
STATUS ddl_cook_default(SessionEnv *env, const Relation *rel, const NewColumn *col, const char *sql, Arena *arena, Node **out, Error *err);
STATUS ddl_store_default(SessionEnv *env, Oid relation, int attnum, Node *expr, char generated, Arena *arena, Error *err);
STATUS ddl_remove_default(SessionEnv *env, Oid relation, int attnum, Error *err);
/* nextval('seq'::regclass) as an expression. */
STATUS ddl_nextval_expr(SessionEnv *env, Oid sequence, Arena *arena, Node **out, Error *err);

/* ---- ddl_constraint.c ---- */
/* Each opens the relation as it is now. validate: existing rows are checked unless the constraint is NOT VALID. */
STATUS ddl_add_check(SessionEnv *env, Oid relation, const ConstraintDefinition *def, const char *sql, bool validate, Arena *arena, Error *err);
STATUS ddl_add_key(SessionEnv *env, Oid relation, const ConstraintDefinition *def, const char *sql, bool table_is_new, Arena *arena, Error *err);
STATUS ddl_add_key_using_index(SessionEnv *env, Oid relation, const ConstraintDefinition *def, Arena *arena, Error *err);
STATUS ddl_add_foreign_key(SessionEnv *env, Oid relation, const ConstraintDefinition *def, bool validate, Arena *arena, Error *err);
STATUS ddl_set_not_null(SessionEnv *env, Oid relation, int attnum, bool on, Arena *arena, Error *err);
const ConstraintInfo *ddl_find_constraint(const Relation *rel, Oid oid);

/* ---- ddl_index.c ---- */
typedef struct IndexColumn {
    int attnum;       /* 0: expr */
    Node *expr;
    const char *name;
    Oid type, collation, opclass;
    int32_t typmod;
    int16_t options;
} IndexColumn;
typedef struct IndexSpec {
    const char *name; /* NULL: chosen */
    Oid am;
    int ncols, nkeys;
    IndexColumn cols[MAX_INDEX_COLUMNS];
    Node *predicate;
    bool unique, primary, nulls_not_distinct, deferrable, initdeferred, is_constraint;
    Datum reloptions;
    bool table_is_new; /* it has no rows: nothing to build */
} IndexSpec;
STATUS ddl_index_column(SessionEnv *env, const Relation *rel, int attnum, Oid am, IndexColumn *out, Error *err);
STATUS ddl_create_index(SessionEnv *env, const Relation *rel, IndexSpec *spec, Arena *arena, Oid *index, Error *err);
/* Will the rows be kept in the order of this key? */
bool ddl_can_cluster(SessionEnv *env, const Relation *rel, const IndexSpec *spec);
STATUS ddl_set_has_index(SessionEnv *env, Oid relation, Arena *arena, Error *err);

/* ---- ddl_rewrite.c ---- */
/* Fills an index (not the table's own key) from the table's rows. 23505 with detail. */
STATUS ddl_build_index(SessionEnv *env, const Relation *rel, const IndexInfo *ix, Arena *arena, Error *err);
/* New storage ids for the table (when table) and its separate indexes; the old ones are dropped with the commit. */
STATUS ddl_new_storage(SessionEnv *env, const Relation *rel, bool table, Arena *arena, Error *err);
/* Copies the rows of `old` (a descriptor from before the catalog changes) into the relation as it is now, whose storage id is new: exprs[i], over
 * Var(varno 1) of the old row, gives attribute i + 1; NULL: the old value (or the default of a column that is new is the caller's to give).
 * Then builds all indexes. Checks NOT NULL (23502), CHECK constraints and keys. */
STATUS ddl_copy_rows(SessionEnv *env, const Relation *old, Node *const *exprs, Arena *arena, Error *err);
/* ddl_new_storage + ddl_copy_rows without changes of values. */
STATUS ddl_rewrite(SessionEnv *env, const Relation *old, Node *const *exprs, Arena *arena, Error *err);
/* Runs fn for each row of the table under a fresh snapshot; the arena given to fn is reset between rows. */
typedef STATUS (*DdlRowFn)(void *arg, TupleSlot *slot, Arena *row_arena, Error *err);
STATUS ddl_each_row(SessionEnv *env, const Relation *rel, DdlRowFn fn, void *arg, Error *err);

/* ---- ddl_sequence.c ---- */
STATUS ddl_create_sequence(SessionEnv *env, const char *name, Oid nsp, char persistence, Oid owner, const List *options, Oid type, bool for_identity,
                           Arena *arena, Oid *out, Error *err);
STATUS ddl_alter_sequence(SessionEnv *env, const Relation *seq, const List *options, Arena *arena, Error *err);
STATUS ddl_own_sequence(SessionEnv *env, Oid sequence, Oid table, int attnum, DependType type, Error *err);
STATUS ddl_restart_sequence(SessionEnv *env, Oid sequence, Arena *arena, Error *err); /* at its start value, in the transaction */
/* Makes the sequence of a serial or identity column (and the serial's default expression). */
STATUS ddl_column_sequence(SessionEnv *env, Oid nsp, char persistence, Oid owner, const char *table, NewColumn *col, Arena *arena, Oid *sequence, Error *err);

/* ---- ddl_table.c ---- */
STATUS ddl_like(SessionEnv *env, const TableLikeClause *like, const char *relname, NewColumn **cols, int *ncols, TableParts *parts, Arena *arena, Error *err);
/* Runs a query and inserts its rows. */
STATUS ddl_fill_from_query(SessionEnv *env, const Query *query, const ParamList *params, Oid relation, Arena *arena, uint64_t *rows, Error *err);

/* ---- alter_rename.c / alter_owner.c ---- */
STATUS ddl_change_owner(SessionEnv *env, ObjectAddress object, Oid owner, Arena *arena, Error *err);

/* ---- grant.c ---- */
/* The access list of a new object by ALTER DEFAULT PRIVILEGES (objtype r S f T n); 0: nothing was said, the built-in default. */
STATUS grant_default_acl(SessionEnv *env, Oid classid, char objtype, Oid owner, Oid nsp, Arena *arena, Datum *out, Error *err);
/* DROP OWNED: takes the role out of every access list of this database. */
STATUS grant_forget_role(CommandCall *call, Oid role, Error *err);

/* ---- drop.c ---- */
/* drop_objects; tables that lose the key their rows were ordered by are rewritten. (ddl_drop_one leaves that to its caller.) */
STATUS ddl_drop_many(SessionEnv *env, const ObjectAddress *objects, int n, DropBehavior behavior, Arena *arena, Error *err);
STATUS ddl_drop_one(SessionEnv *env, ObjectAddress object, DropBehavior behavior, Error *err);

#endif
