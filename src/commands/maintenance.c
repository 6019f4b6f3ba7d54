/* VACUUM, REINDEX, CLUSTER, CHECKPOINT. The store drops old versions by itself while it flushes and compacts, so VACUUM has little left to do: it
 * brings the counts in pg_class up to date (and ANALYZE's statistics, if asked); FULL writes the table anew. */
#include "commands/maintenance.h"

/* ---- which tables ---- */
STATUS maintenance_may(SessionEnv *env, const Relation *rel, const char *verb, bool *may, Error *err)
{
    *may = true;
    if (rel->relkind != RELKIND_TABLE && rel->relkind != RELKIND_MATVIEW && !(rel->oid < FIRST_NORMAL_OID && rel->relkind == 'r')) {
        session_notice(env, SEV_WARNING, ERR_WARNING, NULL, NULL, "skipping \"%s\" --- cannot %s non-tables or special system tables", rel->name, verb);
        *may = false;
        return ST_OK;
    }
    if (env->is_superuser || role_has_privs_of(env, env->current_user, rel->owner)) return ST_OK;
    Error ignored = ERROR_INIT;
    bool db_owner = !failed(owner_check(env, REL_pg_database, env->database_oid, &ignored));
    error_clear(&ignored);
    if (db_owner && !rel->is_shared) return ST_OK;
    session_notice(env, SEV_WARNING, ERR_WARNING, NULL, NULL, "skipping \"%s\" --- only table or database owner can %s it", rel->name, verb);
    *may = false;
    (void)err;
    return ST_OK;
}

STATUS maintenance_all_tables(SessionEnv *env, Oid nsp, IntVec *out, Arena *arena, Error *err)
{
    CatScan *scan = NULL;
    const void *form;
    Status st = cat_scan_open(env, REL_pg_class, 0, 0, NULL, arena, &scan, err);
    while (!failed(st)) {
        st = cat_scan_next(scan, &form, err);
        if (failed(st) || !form) break;
        const Form_pg_class *c = form;
        if (c->oid < FIRST_NORMAL_OID || (c->relkind != 'r' && c->relkind != 'm') || (nsp && c->relnamespace != nsp)) continue;
        if (c->relpersistence == 't' && c->relnamespace != temp_namespace_of(env)) continue;
        if (!env->is_superuser && !role_has_privs_of(env, env->current_user, c->relowner)) continue;
        if (!intvec_push(out, arena, c->oid)) st = error_out_of_memory(err, 0);
    }
    cat_scan_close(scan);
    return st;
}

/* ---- counts in pg_class ---- */
static STATUS set_counts(SessionEnv *env, Oid relation, double rows, uint64_t bytes, Arena *arena, Error *err)
{
    Form_pg_class cls;
    int32_t pages = (int32_t)((bytes + 8191) / 8192);
    TRY(ddl_class(env, relation, arena, &cls, err));
    if (cls.relpages == pages && cls.reltuples == (float)rows) return ST_OK;
    cls.relpages = pages;
    cls.reltuples = (float)rows;
    return cat_update(env, REL_pg_class, &cls, err);
}

STATUS maintenance_update_counts(SessionEnv *env, const Relation *rel, double rows, Arena *arena, Error *err)
{
    double estimate, bytes;
    if (rel->oid < FIRST_NORMAL_OID) return ST_OK;
    TRY(table_estimate(env->txn, &rel->def, &estimate, &bytes, err));
    if (rows < 0) rows = estimate;
    TRY(set_counts(env, rel->oid, rows, (uint64_t)(bytes > 0 ? bytes : 0), arena, err));
    for (int i = 0; i < rel->nindexes; i++) {
        const IndexInfo *ix = &rel->indexes[i];
        uint64_t size = storage_bytes(env->db, rel->def.place, ix->def.storage_id);
        if (!ix->predicate) TRY(set_counts(env, ix->oid, rows, size, arena, err));
    }
    return ST_OK;
}

/* ---- VACUUM and ANALYZE ---- */
typedef struct VacuumOptions { bool vacuum, analyze, full, verbose; } VacuumOptions;

static STATUS vacuum_options(const char *sql, const VacuumStmt *stmt, VacuumOptions *o, Error *err)
{
    static const char *const ignored[] = {"freeze", "skip_locked", "disable_page_skipping", "index_cleanup", "process_toast", "truncate", "parallel"};
    *o = (VacuumOptions){.vacuum = stmt->is_vacuumcmd, .analyze = !stmt->is_vacuumcmd};
    LIST_EACH(DefElem *, item, stmt->options) {
        bool known = false;
        if (!strcmp(item->defname, "verbose")) TRY(def_bool(item, &o->verbose, err));
        else if (stmt->is_vacuumcmd && !strcmp(item->defname, "analyze")) TRY(def_bool(item, &o->analyze, err));
        else if (stmt->is_vacuumcmd && !strcmp(item->defname, "full")) TRY(def_bool(item, &o->full, err));
        else {
            for (size_t i = 0; i < sizeof ignored / sizeof ignored[0]; i++) known = known || !strcmp(item->defname, ignored[i]);
            if (known) continue;
            error_set(err, ERR_SYNTAX_ERROR, "unrecognized %s option \"%s\"", stmt->is_vacuumcmd ? "VACUUM" : "ANALYZE", item->defname);
            return ddl_at(sql, item->location, err);
        }
    }
    return ST_OK;
}

static STATUS vacuum_one(CommandCall *call, Oid oid, const VacuumOptions *o, const List *columns, Error *err)
{
    SessionEnv *env = call->env;
    const Relation *rel;
    bool may;
    Arena tmp;
    TRY(relation_try_open(env, oid, o->full ? LOCK_ACCESS_EXCLUSIVE : LOCK_SHARE_UPDATE_EXCLUSIVE, &rel, err));
    if (!rel) return ST_OK;
    TRY(maintenance_may(env, rel, o->vacuum ? "vacuum" : "analyze", &may, err));
    if (!may || oid < FIRST_NORMAL_OID) return ST_OK;
    arena_init(&tmp, env->account, 0);
    Status st = ST_OK;
    if (o->verbose)
        session_notice(env, SEV_INFO, 0, NULL, NULL, "%s \"%s.%s.%s\"", o->vacuum ? "vacuuming" : "analyzing", env->database_name,
                       namespace_name_of(env, rel->namespace_oid, &tmp), rel->name);
    if (o->full) st = ddl_rewrite(env, rel, NULL, &tmp, err);
    if (!failed(st) && o->full) st = relation_open(env, oid, LOCK_NONE, &rel, err);
    if (!failed(st) && o->analyze) st = analyze_relation(env, rel, columns, o->verbose, &tmp, err);
    else if (!failed(st)) st = maintenance_update_counts(env, rel, -1, &tmp, err);
    arena_destroy(&tmp);
    return st;
}

static STATUS vacuum_named(CommandCall *call, const VacuumRelation *vr, const VacuumOptions *o, Error *err)
{
    const Relation *rel;
    TRY(rangevar_relation(call->env, vr->relation, LOCK_NONE, false, &rel, err));
    if (vr->va_cols && !o->analyze)
        return error_set(err, ERR_FEATURE_NOT_SUPPORTED, "ANALYZE option must be specified when a column list is provided");
    return vacuum_one(call, rel->oid, o, vr->va_cols, err);
}

STATUS cmd_VacuumStmt(CommandCall *call, VacuumStmt *stmt, Error *err)
{
    VacuumOptions o;
    IntVec oids = {0};
    TRY(vacuum_options(call->sql, stmt, &o, err));
    LIST_EACH(VacuumRelation *, vr, stmt->rels) TRY(vacuum_named(call, vr, &o, err));
    if (stmt->rels) return ST_OK;
    TRY(maintenance_all_tables(call->env, 0, &oids, call->arena, err));
    for (int i = 0; i < oids.len; i++) TRY(vacuum_one(call, (Oid)oids.v[i], &o, NULL, err));
    return ST_OK;
}

/* ---- REINDEX ---- */
static STATUS reindex(SessionEnv *env, const Relation *rel, Oid only, Arena *arena, Error *err)
{
    for (int i = 0; i < rel->nindexes; i++) {
        Form_pg_class cls;
        const Relation *now;
        Oid index = rel->indexes[i].oid;
        if ((only && index != only) || rel->indexes[i].clustered_key) continue; /* the table's own order needs no rebuilding */
        TRY(ddl_class(env, index, arena, &cls, err));
        TRY(cat_drop_storage(env, &cls, err));
        TRY(cat_new_storage_id(env, &cls.relfilenode, err));
        TRY(cat_update(env, REL_pg_class, &cls, err));
        TRY(cat_invalidate_relation(env, rel->oid, err));
        TRY(relation_open(env, rel->oid, LOCK_NONE, &now, err));
        TRY(ddl_build_index(env, now, relation_index(now, index), arena, err));
    }
    return ST_OK;
}

static STATUS reindex_index(CommandCall *call, const RangeVar *rv, Error *err)
{
    SessionEnv *env = call->env;
    Oid index;
    const void *form;
    const Relation *rel;
    TRY(lookup_relation(env, rv->catalogname, rv->schemaname, rv->relname, false, &index, err));
    TRY(cat_get_by_oid(env, REL_pg_index, IDX_index_indexrelid, index, call->arena, &form, err));
    if (!form) return error_set(err, ERR_WRONG_OBJECT_TYPE, "\"%s\" is not an index", rv->relname);
    TRY(relation_open(env, ((const Form_pg_index *)form)->indrelid, LOCK_ACCESS_EXCLUSIVE, &rel, err));
    if (rel->oid < FIRST_NORMAL_OID) return ST_OK;
    TRY(ddl_check_owner(env, rel, err));
    return reindex(env, rel, index, call->arena, err);
}

STATUS cmd_ReindexStmt(CommandCall *call, ReindexStmt *stmt, Error *err)
{
    SessionEnv *env = call->env;
    const Relation *rel;
    IntVec oids = {0};
    Oid nsp = 0;
    if (stmt->kind == 0) return reindex_index(call, stmt->relation, err);
    if (stmt->kind == 1) {
        TRY(rangevar_relation(env, stmt->relation, LOCK_ACCESS_EXCLUSIVE, false, &rel, err));
        if (!strchr("rmp", rel->relkind)) return error_set(err, ERR_WRONG_OBJECT_TYPE, "\"%s\" is not a table or materialized view", rel->name);
        if (rel->oid < FIRST_NORMAL_OID) return ST_OK;
        TRY(ddl_check_owner(env, rel, err));
        if (!rel->nindexes) session_notice(env, SEV_NOTICE, 0, NULL, NULL, "table \"%s\" has no indexes to reindex", rel->name);
        return reindex(env, rel, 0, call->arena, err);
    }
    if (stmt->kind == 2) TRY(lookup_namespace(env, stmt->name, false, &nsp, err));
    if (stmt->kind == 4 && stmt->name && strcmp(stmt->name, env->database_name))
        return error_set(err, ERR_FEATURE_NOT_SUPPORTED, "can only reindex the currently open database");
    if (stmt->kind == 3) return ST_OK;
    TRY(maintenance_all_tables(env, nsp, &oids, call->arena, err));
    for (int i = 0; i < oids.len; i++) {
        TRY(relation_try_open(env, (Oid)oids.v[i], LOCK_ACCESS_EXCLUSIVE, &rel, err));
        if (rel) TRY(reindex(env, rel, 0, call->arena, err));
    }
    return ST_OK;
}

/* ---- CLUSTER: rows are in the order of the primary key already; the choice is only remembered ---- */
static STATUS mark_clustered(SessionEnv *env, const Relation *rel, const IndexInfo *chosen, Arena *arena, Error *err)
{
    for (int i = 0; i < rel->nindexes; i++) {
        const void *form;
        TRY(cat_get_by_oid(env, REL_pg_index, IDX_index_indexrelid, rel->indexes[i].oid, arena, &form, err));
        if (!form) continue;
        Form_pg_index f = *(const Form_pg_index *)form;
        if (f.indisclustered == (&rel->indexes[i] == chosen)) continue;
        f.indisclustered = &rel->indexes[i] == chosen;
        TRY(cat_update(env, REL_pg_index, &f, err));
    }
    return ST_OK;
}

STATUS cmd_ClusterStmt(CommandCall *call, ClusterStmt *stmt, Error *err)
{
    SessionEnv *env = call->env;
    const Relation *rel;
    const IndexInfo *chosen = NULL;
    if (!stmt->relation) return ST_OK;
    TRY(ddl_open_owned(env, stmt->relation, LOCK_ACCESS_EXCLUSIVE, "rm", "a table", false, &rel, err));
    for (int i = 0; i < rel->nindexes; i++) {
        const void *form;
        if (stmt->indexname && !strcmp(rel->indexes[i].name, stmt->indexname)) chosen = &rel->indexes[i];
        if (stmt->indexname) continue;
        TRY(cat_get_by_oid(env, REL_pg_index, IDX_index_indexrelid, rel->indexes[i].oid, call->arena, &form, err));
        if (form && ((const Form_pg_index *)form)->indisclustered) chosen = &rel->indexes[i];
    }
    if (chosen) return mark_clustered(env, rel, chosen, call->arena, err);
    if (stmt->indexname) return error_set(err, ERR_UNDEFINED_OBJECT, "index \"%s\" for table \"%s\" does not exist", stmt->indexname, rel->name);
    return error_set(err, ERR_UNDEFINED_OBJECT, "there is no previously clustered index for table \"%s\"", rel->name);
}

STATUS cmd_CheckPointStmt(CommandCall *call, CheckPointStmt *stmt UNUSED, Error *err)
{
    enum { PG_CHECKPOINT_ROLE = 4544 };
    if (call->env->is_superuser || role_has_privs_of(call->env, call->env->current_user, PG_CHECKPOINT_ROLE)) return ST_OK;
    return error_set(err, ERR_INSUFFICIENT_PRIVILEGE, "must be superuser or have privileges of pg_checkpoint to do CHECKPOINT");
}
