/* The first rows of a new cluster and of a new database. All else is built in. */
#include "catalog/acl.h"
#include "catalog/cat_access.h"
#include "catalog/catalog_internal.h"
#include "catalog/name_lookup.h"

enum { TEMPLATE1 = 1, TEMPLATE0 = 4, POSTGRES_DB = 5, PLPGSQL_EXTENSION = 13559 };

static const Form_pg_authid roles[] = {
#define PGAUTHID(id, name, super, inherit, createrole, createdb, login, replication, bypassrls, connlimit)                       \
    {.oid = id, .rolname = name, .rolsuper = super, .rolinherit = inherit, .rolcreaterole = createrole, .rolcreatedb = createdb, \
     .rolcanlogin = login, .rolreplication = replication, .rolbypassrls = bypassrls, .rolconnlimit = connlimit},
#include "catalog/pg_authid.def"
};
static const Form_pg_auth_members members[] = {
#define PGAUTHMEMBER(role, member, grantor, admin) {role, member, grantor, admin},
#include "catalog/pg_authid.def"
};

typedef STATUS (*FillFn)(Txn *txn, Arena *arena, const void *arg, Error *err);

/* Runs fill in a transaction of its own on the database. */
static STATUS in_transaction(Cluster *cluster, Database *db, FillFn fill, const void *arg, Error *err)
{
    LockOwner *owner = NULL;
    Txn *txn = NULL;
    Arena arena;
    TxnOptions opt = {.isolation = ISO_READ_COMMITTED, .sync_commit = true, .account = cluster_account(cluster)};
    arena_init(&arena, cluster_account(cluster), 0);
    Status st = lock_owner_new(cluster, 0, NULL, &owner, err);
    if (!failed(st)) st = txn_begin(db, owner, &opt, &txn, err);
    if (!failed(st)) st = fill(txn, &arena, arg, err);
    if (!failed(st)) {
        st = txn_commit(txn, err);
        txn = NULL;
    }
    txn_rollback(txn);
    if (owner) lock_owner_free(owner);
    arena_destroy(&arena);
    return st;
}

static STATUS fill_database(Txn *txn, Arena *arena, const void *arg UNUSED, Error *err)
{
    enum { DATABASE_OWNER_ROLE = 6171 };
    Form_pg_namespace public = {PG_PUBLIC_NAMESPACE, "public", DATABASE_OWNER_ROLE, cat_acl_public(arena, DATABASE_OWNER_ROLE, "UC", "U")};
    Form_pg_extension plpgsql = {.oid = PLPGSQL_EXTENSION, .extname = "plpgsql", .extowner = BOOTSTRAP_SUPERUSER,
                                 .extnamespace = PG_CATALOG_NAMESPACE, .extversion = "1.0"};
    TRY_MEM(public.nspacl, err);
    TRY(cat_raw_insert(txn, REL_pg_namespace, &public, arena, err));
    return cat_raw_insert(txn, REL_pg_extension, &plpgsql, arena, err);
}

STATUS catalog_bootstrap_database(Cluster *cluster, Oid oid, Error *err)
{
    Database *db;
    TRY(database_acquire(cluster, oid, true, &db, err));
    Status st = in_transaction(cluster, db, fill_database, NULL, err);
    database_release(db);
    return st;
}

static STATUS add_database(Txn *txn, Arena *arena, Oid oid, const char *name, bool is_template, bool allow_connections, Error *err)
{
    Form_pg_database f = {.oid = oid, .datname = name, .datdba = BOOTSTRAP_SUPERUSER, .encoding = 6 /* UTF8 */, .datlocprovider = 'c',
                          .datistemplate = is_template, .datallowconn = allow_connections, .datconnlimit = -1, .datfrozenxid = 716,
                          .datminmxid = 1, .dattablespace = DEFAULT_TABLESPACE, .datcollate = "C.UTF-8", .datctype = "C.UTF-8"};
    if (is_template) {
        AclItem items[2] = {{0, BOOTSTRAP_SUPERUSER, ACL_CONNECT}, {BOOTSTRAP_SUPERUSER, BOOTSTRAP_SUPERUSER, ACL_ALL_DATABASE}};
        f.datacl = acl_make(arena, items, 2);
        TRY_MEM(f.datacl, err);
    }
    return cat_raw_insert(txn, REL_pg_database, &f, arena, err);
}

static STATUS fill_cluster(Txn *txn, Arena *arena, const void *arg, Error *err)
{
    const char *superuser = arg;
    for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++) {
        Form_pg_authid f = roles[i];
        if (f.oid == BOOTSTRAP_SUPERUSER && superuser) f.rolname = superuser;
        TRY(cat_raw_insert(txn, REL_pg_authid, &f, arena, err));
    }
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) TRY(cat_raw_insert(txn, REL_pg_auth_members, &members[i], arena, err));
    TRY(add_database(txn, arena, TEMPLATE1, "template1", true, true, err));
    TRY(add_database(txn, arena, TEMPLATE0, "template0", true, false, err));
    return add_database(txn, arena, POSTGRES_DB, "postgres", false, true, err);
}

/* The databases first: the rows that name them come last, so a crash in between only means to begin again. */
STATUS catalog_bootstrap_cluster(Cluster *cluster, const char *superuser, Error *err)
{
    static const Oid databases[] = {TEMPLATE1, TEMPLATE0, POSTGRES_DB};
    Database *db;
    for (int i = 0; i < 3; i++) TRY(catalog_bootstrap_database(cluster, databases[i], err));
    TRY(database_acquire(cluster, POSTGRES_DB, false, &db, err));
    Status st = in_transaction(cluster, db, fill_cluster, superuser, err);
    database_release(db);
    return st;
}

/* ---- the session's temporary schema ---- */
STATUS ensure_temp_namespace(SessionEnv *env, Oid *out, Error *err)
{
    Form_pg_namespace f = {.nspowner = BOOTSTRAP_SUPERUSER};
    Arena tmp;
    *out = env->cat->temp_namespace;
    if (*out) return ST_OK;
    arena_init(&tmp, env->account, 0);
    f.nspname = arena_printf(&tmp, "pg_temp_%d", env->pid);
    Datum key = f.nspname ? cat_name_key(&tmp, f.nspname) : 0;
    const void *form = NULL;
    Status st = key ? cat_get(env, REL_pg_namespace, IDX_namespace_nspname, 1, &key, &tmp, &form, err) : error_out_of_memory(err, 0);
    if (!failed(st) && form) f.oid = ((const Form_pg_namespace *)form)->oid; /* left by an earlier session of that number */
    if (!failed(st) && !form) {
        st = cat_new_oid(env, &f.oid, err);
        if (!failed(st)) st = cat_insert(env, REL_pg_namespace, &f, err);
    }
    arena_destroy(&tmp);
    if (failed(st)) return st;
    set_temp_namespace(env, f.oid, form == NULL);
    *out = f.oid;
    /* What a session of that number left behind (a crash; its data is gone already). */
    return form ? cat_drop_temp_objects(env, err) : ST_OK;
}
