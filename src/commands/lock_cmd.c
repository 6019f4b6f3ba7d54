/* LOCK TABLE and SET CONSTRAINTS. */
#include "commands/ddl_internal.h"

static uint32_t privileges_for(LockMode mode)
{
    if (mode == LOCK_ACCESS_SHARE) return ACL_SELECT | ACL_UPDATE | ACL_DELETE | ACL_TRUNCATE | ACL_INSERT;
    if (mode == LOCK_ROW_EXCLUSIVE) return ACL_INSERT | ACL_UPDATE | ACL_DELETE | ACL_TRUNCATE;
    return ACL_UPDATE | ACL_DELETE | ACL_TRUNCATE;
}

STATUS cmd_LockStmt(CommandCall *call, LockStmt *stmt, Error *err)
{
    SessionEnv *env = call->env;
    LockMode mode = (LockMode)stmt->mode;
    if (!command_hooks->in_transaction_block(env))
        return error_set(err, ERR_NO_ACTIVE_SQL_TRANSACTION, "LOCK TABLE can only be used in transaction blocks");
    LIST_EACH(RangeVar *, rv, stmt->relations) {
        const Relation *rel;
        bool granted;
        TRY(rangevar_relation(env, rv, LOCK_NONE, false, &rel, err));
        if (!strchr("rpvf", rel->relkind)) {
            error_set(err, ERR_WRONG_OBJECT_TYPE, "cannot lock relation \"%s\"", rel->name);
            return error_detail(err, "This operation is not supported for %s.", relkind_words(rel->relkind));
        }
        TRY(acl_check_relation(env, rel->oid, privileges_for(mode), true, err));
        LockTag tag = {.kind = LOCKTAG_RELATION, .database = env->database_oid, .a = rel->oid};
        TRY(lock_acquire(env->locks, tag, mode, stmt->nowait ? LOCK_NOWAIT : LOCK_WAIT, false, rel->name, &granted, err));
    }
    return ST_OK;
}

/* Constraints by name, anywhere on the search path. */
static STATUS find_constraints(CommandCall *call, const RangeVar *rv, List **out, Error *err)
{
    SessionEnv *env = call->env;
    CatScan *scan = NULL;
    const void *form;
    Datum key = cat_name_key(call->arena, rv->relname);
    Oid nsp = 0;
    int found = 0, usable = 0;
    TRY_MEM((void *)key, err);
    if (rv->schemaname) TRY(lookup_namespace(env, rv->schemaname, false, &nsp, err));
    Status st = cat_scan_open(env, REL_pg_constraint, IDX_constraint_conname_nsp, 1, &key, call->arena, &scan, err);
    while (!failed(st)) {
        st = cat_scan_next(scan, &form, err);
        if (failed(st) || !form) break;
        const Form_pg_constraint *c = form;
        if (nsp ? c->connamespace != nsp : !namespace_is_on_path(env, c->connamespace)) continue;
        found++;
        if (!c->condeferrable) continue;
        usable++;
        Const *oid = make_const(call->arena, type_builtin(TYPE_oid), -1, datum_oid(c->oid), false);
        List *list = oid ? list_append(*out, call->arena, oid) : NULL;
        if (!list) st = error_out_of_memory(err, 0);
        else *out = list;
    }
    cat_scan_close(scan);
    TRY(st);
    if (!found) return error_set(err, ERR_UNDEFINED_OBJECT, "constraint \"%s\" does not exist", rv->relname);
    if (!usable) return error_set(err, ERR_WRONG_OBJECT_TYPE, "constraint \"%s\" is not deferrable", rv->relname);
    return ST_OK;
}

STATUS cmd_ConstraintsSetStmt(CommandCall *call, ConstraintsSetStmt *stmt, Error *err)
{
    List *oids = NULL;
    if (!command_hooks->in_transaction_block(call->env))
        session_notice(call->env, SEV_WARNING, ERR_NO_ACTIVE_SQL_TRANSACTION, NULL, NULL, "SET CONSTRAINTS can only be used in transaction blocks");
    LIST_EACH(RangeVar *, rv, stmt->constraints) TRY(find_constraints(call, rv, &oids, err));
    return deferred_set(call->env, oids, stmt->deferred, err);
}
