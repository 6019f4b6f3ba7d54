/* Inside of the catalog floor: the shared and the session's cache. Lock order: Catalog.lock is a leaf; no storage call is made
 * under it. */
#ifndef HELIOS_CATALOG_CATALOG_INTERNAL_H
#define HELIOS_CATALOG_CATALOG_INTERNAL_H

#include "catalog/cat_table.h"
#include "catalog/cat_write.h"
#include "common/hash.h"
#include "common/list.h"

typedef enum EntryKind { ENTRY_RELATION, ENTRY_TYPE, ENTRY_PROC, ENTRY_OPERATOR, ENTRY_CAST, ENTRY_AGGREGATE, ENTRY_STATS, ENTRY_KINDS } EntryKind;

/* One cached descriptor. refs counts the shared map and each session that has it pinned; freed at zero. */
typedef struct Entry {
    Arena arena;
    _Atomic int refs;
    _Atomic bool stale;    /* invalidated: sessions drop it when they next look */
    bool shared;           /* was installed in the shared map */
    bool pinned_object;    /* built-in: never stale */
    EntryKind kind;
    uint64_t key;          /* oid, or source << 32 | target */
    uint64_t generation;   /* of the shared cache when it was read */
    uint64_t version;
    void *object;          /* NULL: known to be absent */
} Entry;

struct Catalog {
    Cluster *cluster;
    Database *db;
    Oid database_oid;
    Mutex lock;            /* guards entries */
    HashMap *entries[ENTRY_KINDS];
    Entry **kept;          /* see cache_keep_forever */
    int nkept, kept_capacity;
    _Atomic uint64_t generation;
    _Atomic uint64_t next_version;
    _Atomic int64_t entry_bytes;
    _Atomic uint64_t purges; /* how often everything was thrown out */
    MemAccount account;
};

typedef struct PinSlot { uint64_t key; Entry *entry; uint8_t kind; } PinSlot;

struct CatSession {
    SessionEnv *env;
    PinSlot *pins;         /* open addressing, power of two */
    int npins, pin_capacity;
    Entry **retired;       /* dropped from pins, freed at the end of the statement: pointers into them may be live */
    int nretired, retired_capacity;
    uint64_t private_generation, purges;
    Oid *dirty;            /* relations this transaction changed */
    int ndirty, dirty_capacity;
    bool dirty_all;        /* it changed other objects */
    bool dirty_new;        /* it added objects that caches may know as absent */
    bool event_registered;
    Oid temp_namespace;    /* pg_temp_N once made; 0 */
    bool temp_namespace_new; /* made by the running transaction: gone if that is undone */
    /* Names of roles for access lists, of this statement: every row of pg_class shows some. */
    struct { Oid role; char name[64]; } role_names[8];
    int nrole_names;
    /* Has the store any row of pg_proc [0], pg_operator [1]? Known while the generation is unchanged: most databases have none. */
    uint64_t rows_generation[2];
    bool has_rows[2];
    /* Effective search path, valid while its three inputs are unchanged. */
    uint64_t path_settings_generation, path_catalog_generation;
    Oid path_user;
    Oid *path;             /* heap */
    int npath;
    bool path_valid;
    bool path_adds_pg_catalog; /* path[0] (or [1] after pg_temp) is implicit */
    int path_implicit;     /* how many leading entries are implicit */
};

/* Makes the object of key into entry->arena; sets entry->object (NULL: absent). */
typedef STATUS (*EntryBuild)(SessionEnv *env, Entry *entry, Error *err);
/* Pinned until the end of the statement. *out NULL: the object does not exist. */
STATUS cache_get(SessionEnv *env, EntryKind kind, uint64_t key, bool builtin, EntryBuild build, Entry **out, Error *err);
bool cache_is_current(SessionEnv *env, EntryKind kind, uint64_t key, uint64_t version);

/* The entry's object lives until the database is closed (types: descriptors of relations point to them). */
void cache_keep_forever(Catalog *cat, Entry *e);
void set_temp_namespace(SessionEnv *env, Oid oid, bool is_new);

/* Called by cat_access after each write. old or new may be NULL. */
STATUS cache_note_write(SessionEnv *env, Oid catalog, const void *old_form, const void *new_form, Error *err);

STATUS build_relation(SessionEnv *env, Entry *entry, Error *err);        /* cat_relation.c */
STATUS build_system_relation(SessionEnv *env, Entry *entry, const SysRel *sys, Error *err); /* cat_system.c */

const char *system_view_sql(Oid view); /* NULL: not one of sys_views.def */
bool proc_has_code(Oid proc);
enum { FUNCTION_ARGS_MAX = 128 };
#define ENTRY_KEY(oid) ((uint64_t)(oid))

#endif
