/* Catalog: descriptors of relations, types, functions and operators, found by OID or by name, cached and invalidated; and the scan of
 * system catalogs and views. The writing side is cat_write.h, the deparser deparse.h, names name_lookup.h.
 *
 * Descriptors are immutable once published, refcounted by the caches: a pointer got here stays valid until the end of the statement
 * (the session pins what it has seen; catalog_unpin releases at statement end). A cached plan keeps a list of (oid, version) pairs and
 * asks catalog_version_ok before each run. Manual chapter 53. */
#ifndef HELIOS_CATALOG_CATALOG_H
#define HELIOS_CATALOG_CATALOG_H

#include "catalog/session_env.h"
#include "nodes/nodes.h"
#include "storage/sequence.h"
#include "storage/table.h"

typedef struct Catalog Catalog;
typedef struct CatSession CatSession;
typedef struct Relation Relation;

/* OIDs that PostgreSQL fixes. */
enum {
    PG_CATALOG_NAMESPACE = 11, PG_TOAST_NAMESPACE = 99, PG_PUBLIC_NAMESPACE = 2200,
    BOOTSTRAP_SUPERUSER = 10, DEFAULT_COLLATION = 100, C_COLLATION = 950, POSIX_COLLATION = 951,
    HEAP_AM = 2, BTREE_AM = 403, HASH_AM = 405, FIRST_NORMAL_OID = 16384,
    RELATION_pg_type = 1247, RELATION_pg_attribute = 1249, RELATION_pg_proc = 1255, RELATION_pg_class = 1259,
    RELATION_pg_authid = 1260, RELATION_pg_database = 1262, RELATION_pg_attrdef = 2604, RELATION_pg_cast = 2605,
    RELATION_pg_constraint = 2606, RELATION_pg_index = 2610, RELATION_pg_namespace = 2615, RELATION_pg_operator = 2617,
    RELATION_pg_rewrite = 2618, RELATION_pg_trigger = 2620, RELATION_pg_collation = 3456, RELATION_pg_enum = 3501,
    RELATION_pg_sequence = 2224, RELATION_pg_policy = 3256, RELATION_pg_opclass = 2616, RELATION_pg_am = 2601
};

enum { RELKIND_TABLE = 'r', RELKIND_INDEX = 'i', RELKIND_SEQUENCE = 'S', RELKIND_VIEW = 'v', RELKIND_MATVIEW = 'm',
       RELKIND_COMPOSITE = 'c', RELKIND_FOREIGN = 'f', RELKIND_PARTITIONED = 'p', RELKIND_TOAST = 't' };

typedef struct ConstraintInfo {
    Oid oid;
    const char *name;
    char contype;             /* c f p u t x */
    bool deferrable, deferred, validated, no_inherit;
    int nkeys;
    const int16_t *keys;      /* conkey: 1-based attnums */
    Oid index;                /* p, u; for f the referenced unique index */
    Oid ref_relation;         /* f */
    const int16_t *ref_keys;  /* confkey */
    char match, on_update, on_delete; /* confmatchtype s/f, confupdtype a r c n d */
    int n_set_cols;
    const int16_t *set_cols;  /* ON DELETE SET NULL (cols) */
    Node *expr;               /* c: boolean expression over Var(varno 1); NULL otherwise */
} ConstraintInfo;

typedef struct IndexInfo {
    Oid oid;
    const char *name;
    Oid namespace_oid, am;
    IndexDef def;
    int nkeyatts;
    const int16_t *attnums;   /* per index column: 1-based table column, 0 for an expression */
    Node **exprs;             /* the expressions in order of the zero attnums; over Var(varno 1) */
    Node *predicate;          /* partial index; NULL */
    const Oid *opclasses, *collations;
    const int16_t *options;   /* bit 0 DESC, bit 1 NULLS FIRST */
    bool unique, primary, valid, ready, immediate, clustered_key /* this is the table's own key: no separate entries exist */;
} IndexInfo;

typedef struct TriggerInfo {
    Oid oid;
    const char *name;
    Oid function;
    int16_t type;             /* pg_trigger.tgtype bits */
    char enabled;
    bool internal, deferrable, deferred;
    Oid constraint;
    Node *when;
    int nargs;
    const char **args;
    int ncols;
    const int16_t *cols;
    const char *old_table, *new_table;
} TriggerInfo;

/* Column facts beyond TupleDesc. */
typedef struct ColumnInfo {
    Node *default_expr;       /* cooked; also the generation expression */
    char identity;            /* 'a' 'd' or 0 */
    char generated;           /* 's' or 0 */
    Oid owned_sequence;       /* of a serial or identity column; 0 */
    bool has_default;
} ColumnInfo;

/* A system catalog or view whose rows come from C: executor node VirtualScan. */
typedef struct VirtualScan VirtualScan;
typedef struct VirtualKey { int16_t attnum; Datum value; bool isnull; } VirtualKey; /* column = value; a hint: extra rows are allowed */

struct Relation {
    Oid oid;
    const char *name;
    Oid namespace_oid;
    char relkind, persistence;  /* persistence: p u t */
    Oid owner, row_type;
    bool is_shared, is_virtual; /* virtual: scanned by virtual_scan_*, whatever the relkind says */
    bool row_security, force_row_security, is_partition;
    uint64_t version;           /* of this descriptor; changes with every DDL on it */
    TupleDesc *desc;            /* attnum i+1 at atts[i], dropped ones included */
    ColumnInfo *columns;
    TableDef def;               /* r m (and t): physical shape */
    SequenceDef sequence;       /* S */
    Query *view;                /* v m: analysed query; NULL otherwise. The rewriter copies it */
    int nindexes;
    IndexInfo *indexes;
    int nconstraints;
    ConstraintInfo *constraints;
    int nreferencing;           /* foreign keys of other tables that point here: f constraints, with `ref_relation` == oid */
    struct ReferencingKey { Oid relation; const ConstraintInfo *constraint; } *referencing;
    int ntriggers;
    TriggerInfo *triggers;
    int nparents, nchildren;    /* pg_inherits */
    Oid *parents, *children;
    double reltuples;           /* -1: never analysed */
    int32_t relpages;
    int virtual_nkeys;          /* virtual: columns for which a VirtualKey is an indexed look-up */
    const int16_t *virtual_keys;
};

/* One per open database. bootstrap: create and fill the catalog of a new database (template: "template1"-like built-in contents). */
STATUS catalog_open(Cluster *cluster, Database *db, Catalog **out, Error *err);
void catalog_close(Catalog *cat);
STATUS catalog_bootstrap_cluster(Cluster *cluster, const char *superuser, Error *err); /* global instance + database postgres, template1, template0 */
STATUS catalog_bootstrap_database(Cluster *cluster, Oid oid, Error *err);
STATUS cat_session_new(SessionEnv *env, Error *err);  /* sets env->cat, env->type_hooks */
/* Drops the session's temporary objects in a transaction of its own (env->txn must be NULL, env->locks alive), then its caches. */
void cat_session_free(SessionEnv *env);
void catalog_statement_end(SessionEnv *env);          /* unpin */

/* Locks (unless LOCK_NONE), then reads the descriptor. 42P01 `relation with OID %u does not exist`. */
STATUS relation_open(SessionEnv *env, Oid oid, LockMode lock, const Relation **out, Error *err);
STATUS relation_try_open(SessionEnv *env, Oid oid, LockMode lock, const Relation **out /* NULL: gone */, Error *err);
bool catalog_version_ok(SessionEnv *env, Oid relation, uint64_t version);
uint64_t catalog_generation(SessionEnv *env); /* changes with any DDL visible to this session; plans compare it first: one atomic load */
const IndexInfo *relation_index(const Relation *rel, Oid index_oid);
const IndexInfo *relation_primary_key(const Relation *rel);
int relation_find_column(const Relation *rel, const char *name); /* 1-based attnum; negative for system columns; 0: none */

STATUS virtual_scan_open(SessionEnv *env, const Relation *rel, const Snapshot *snap, const VirtualKey *keys, int nkeys, VirtualScan **out, Error *err);
STATUS virtual_scan_next(VirtualScan *scan, TupleSlot *slot, Error *err); /* slot->empty at the end; values valid until the next call */
void virtual_scan_close(VirtualScan *scan);
double virtual_scan_rows(const Relation *rel, const int16_t *keys, int nkeys); /* estimate */

/* Types, built-in and user-defined. NULL/0 when missing. */
const TypeInfo *catalog_type(SessionEnv *env, Oid oid);
STATUS type_require(SessionEnv *env, Oid oid, const TypeInfo **out, Error *err); /* XX000 cache look-up failed */
Oid type_array_of(SessionEnv *env, Oid elem);
Oid type_base_of(SessionEnv *env, Oid type, int32_t *typmod); /* through domains */
TupleDesc *type_row_desc(SessionEnv *env, Oid composite, Arena *arena);

/* Functions. A candidate list is what overload resolution chooses from (parser/a_func). */
typedef struct ProcInfo {
    Oid oid, namespace_oid;
    const char *name;
    Oid result;
    int nargs, ndefaults;
    const Oid *args;           /* input arguments */
    Oid variadic;              /* element type of a VARIADIC parameter, or 0 */
    int nall;                  /* OUT/INOUT/TABLE: all arguments; 0 if only inputs */
    const Oid *all_args;
    const char *modes;         /* nall characters i o b v t */
    const char **names;        /* nall or nargs; entries may be "" ; NULL */
    char kind;                 /* f a w p */
    bool strict, retset, security_definer, leakproof;
    char volatility, parallel;
    float cost, rows;
    char language;             /* 'i' internal, 's' sql, 'p' plpgsql */
    const char *source;        /* prosrc */
    Node **defaults;           /* ndefaults cooked expressions, or NULL and then defaults_text */
    const char *defaults_text;
    bool implemented;          /* an internal function that this server has code for; others answer 0A000 when called */
} ProcInfo;
/* Which built-in rows of pg_proc this server has code for: asked once a row, set at start by functions_register. Rows without code are
 * hidden from scans of pg_proc and marked !implemented. The rows themselves (facts of pg_proc.def) are this floor's. */
void catalog_set_builtin_code(bool (*has_code)(Oid proc));
const ProcInfo *proc_by_oid(SessionEnv *env, Oid oid);
/* All visible by search_path (schema NULL) or in that schema; built-in rows included. List in arena. */
STATUS proc_candidates(SessionEnv *env, const char *schema, const char *name, Arena *arena, const ProcInfo ***out, int *n, Error *err);

typedef struct OperatorInfo {
    Oid oid, namespace_oid, left, right, result, proc, commutator, negator, restrict_proc, join_proc;
    const char *name;
    bool can_merge, can_hash;
} OperatorInfo;
const OperatorInfo *operator_by_oid(SessionEnv *env, Oid oid);
STATUS operator_candidates(SessionEnv *env, const char *schema, const char *name, bool prefix, Arena *arena, const OperatorInfo ***out, int *n, Error *err);
/* btree strategy of an operator for an opfamily-compatible type: 1 < 2 <= 3 = 4 >= 5 >; 0: none. */
int operator_btree_strategy(Oid operator_oid);
/* Default btree operators for a type (through binary-compatible and array/enum/record polymorphic classes). 0: none. */
Oid type_equality_operator(SessionEnv *env, Oid type);
Oid type_less_operator(SessionEnv *env, Oid type);
Oid type_greater_operator(SessionEnv *env, Oid type);
Oid type_default_opclass(SessionEnv *env, Oid type, Oid am);

typedef struct CastInfo { Oid oid, source, target, func; char context /* e a i */, method /* f i b */; } CastInfo;
const CastInfo *cast_find(SessionEnv *env, Oid source, Oid target);

typedef struct AggregateInfo {
    Oid proc, transfn, finalfn, combinefn, sort_operator, trans_type;
    char kind; /* n o h */
    int ndirect;
    bool final_extra;
    const char *initial; /* NULL: null */
} AggregateInfo;
const AggregateInfo *aggregate_by_proc(SessionEnv *env, Oid proc);

/* Statistics of ANALYZE for one column (pg_statistic), or NULL. Valid to the end of the statement. */
typedef struct ColumnStats {
    float null_fraction, distinct; /* as stadistinct: > 0 count, < 0 minus the ratio */
    int32_t width;
    float correlation;
    int n_common;
    const Datum *common_values;
    const float *common_freqs;
    int n_histogram;
    const Datum *histogram;
} ColumnStats;
const ColumnStats *relation_column_stats(SessionEnv *env, const Relation *rel, int16_t attnum);

#endif
