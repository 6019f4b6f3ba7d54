/* Built-in catalog rows: constant tables in the program (facts from the .def files) that scans of the system catalogs see
 * before the rows of the store. Nothing here is private memory except small order arrays, made on first use and kept.
 *
 * Thread-safe. A row is produced as a catalog form; its strings are static, its vectors and arrays live in the arena. */
#ifndef HELIOS_CATALOG_CAT_BUILTIN_H
#define HELIOS_CATALOG_CAT_BUILTIN_H

#include "catalog/catalog.h"
#include "catalog/catalog_forms.h"

/* The rows of one catalog. Floors above add theirs with builtin_register at start (pg_proc and so on). */
typedef struct BuiltinTable {
    Oid relid;
    int (*count)(void);
    /* Fills the zeroed form with row i (0-based). false: out of memory. */
    bool (*fill)(int i, Arena *arena, void *form);
    int sort_att; /* rows ascend by this oid-like attribute; 0: no order */
} BuiltinTable;

const BuiltinTable *builtin_table(Oid relid); /* NULL: this catalog has no built-in rows */

/* Candidates for "attribute att equals key": rows order[first .. first + n) if order, else rows first .. first + n. All rows
 * with that key are among them; others may be too. */
typedef struct BuiltinRange { const uint16_t *order; int first, n; } BuiltinRange;
BuiltinRange builtin_lookup(const BuiltinTable *bt, int att, Datum key);
BuiltinRange builtin_all(const BuiltinTable *bt);
static inline int builtin_row(BuiltinRange r, int i) { return r.order ? r.order[r.first + i] : r.first + i; }

/* The one built-in row of relid whose `att` is the oid `key`. false: none. */
bool builtin_form(Oid relid, int att, Oid key, Arena *arena, void *form);

/* Direct access to the facts that descriptors of system relations are made of. */
typedef struct SysRel {
    Oid oid, reltype;
    const char *name;
    bool is_info_schema, is_shared;
    char relkind;
    int natts, first_col;
} SysRel;
typedef struct SysCol {
    const char *name;
    Oid type, collation;
    int32_t typmod;
    bool not_null;
} SysCol;
typedef struct SysIndex {
    Oid oid, table, constraint;
    const char *name, *keys, *opclasses, *collations; /* "1 2" */
    bool unique, primary;
} SysIndex;
int sysrel_count(void);
void sysrel_get(int i, SysRel *out);              /* sorted by oid */
bool sysrel_find(Oid oid, SysRel *out);
bool sysrel_by_name(bool info_schema, const char *name, SysRel *out);
void syscol_get(const SysRel *rel, int i, SysCol *out); /* i: 0 .. natts-1 */
/* A column's type as it is kept here: row types of catalogs (pg_statistic[]) are not, such columns count as text[] and stay null. */
static inline const TypeInfo *sys_column_type(Oid type)
{
    const TypeInfo *t = type_builtin(type);
    return t ? t : type_builtin(TYPE__text);
}
int sysindex_count(void);
void sysindex_get(int i, SysIndex *out);          /* sorted by oid */
bool sysindex_find(Oid oid, SysIndex *out);
int parse_oid_list(const char *text, Oid *out, int max); /* "1 2 3"; how many */

/* pg_proc's built-in rows without a detour through forms: for overload resolution. Strings are static. */
typedef struct BuiltinProc {
    Oid oid, variadic, rettype;
    const char *name, *argtypes, *allargtypes, *argmodes, *argnames, *argdefaults, *src, *description; /* "" if none */
    char lang, kind, volatility, parallel; /* lang: i internal, s sql, c C */
    int nargs, ndefaults, cost, rows;
    bool secdef, leakproof, strict, retset;
} BuiltinProc;
int builtin_proc_count(void);
void builtin_proc_get(int i, BuiltinProc *out); /* sorted by oid */
const char *builtin_proc_name(int i);
int builtin_proc_index(Oid oid);                /* -1: none */
Oid builtin_proc_oid(const char *name);         /* the first of that name, 0 if none; for I/O functions */
static inline Oid builtin_proc_namespace(Oid proc) { return proc >= 13208 && proc < 13220 ? 13207 : PG_CATALOG_NAMESPACE; }
Oid builtin_lang_oid(char lang);
int builtin_operator_count(void);
void builtin_operator_get(int i, Form_pg_operator *out);

/* System attributes every table has. */
typedef struct SysAttr { int attnum; const char *name; Oid type; int16_t len; } SysAttr;
const SysAttr *sysattr_by_num(int attnum); /* -6 .. -1 */
const SysAttr *sysattr_by_name(const char *name);

#define INFORMATION_SCHEMA_NAMESPACE 13207
#define DEFAULT_TABLESPACE 1663
#define GLOBAL_TABLESPACE 1664

#endif
