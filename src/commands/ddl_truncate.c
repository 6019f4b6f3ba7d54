/* TRUNCATE: new storage ids; the old ones' files go after the commit. */
#include "commands/ddl_internal.h"

typedef struct Truncation { CommandCall *call; PtrVec rels; bool restart; } Truncation;

static bool listed(const Truncation *t, Oid oid)
{
    for (int i = 0; i < t->rels.len; i++)
        if (((const Relation *)t->rels.v[i])->oid == oid) return true;
    return false;
}

static STATUS add(Truncation *t, const Relation *rel, Error *err)
{
    SessionEnv *env = t->call->env;
    if (rel->relkind != RELKIND_TABLE) return error_set(err, ERR_WRONG_OBJECT_TYPE, "\"%s\" is not a table", rel->name);
    if (rel->oid < FIRST_NORMAL_OID) return error_set(err, ERR_INSUFFICIENT_PRIVILEGE, "permission denied: \"%s\" is a system catalog", rel->name);
    TRY(acl_check_relation(env, rel->oid, ACL_TRUNCATE, false, err));
    return ptrvec_push(&t->rels, t->call->arena, (void *)rel) ? ST_OK : error_out_of_memory(err, 0);
}

/* Tables with foreign keys to a listed one come along (CASCADE), or are in the way. */
static STATUS follow_references(Truncation *t, DropBehavior behavior, Error *err)
{
    SessionEnv *env = t->call->env;
    for (int i = 0; i < t->rels.len; i++) {
        const Relation *rel = t->rels.v[i], *other;
        for (int k = 0; k < rel->nreferencing; k++) {
            Oid oid = rel->referencing[k].relation;
            if (listed(t, oid)) continue;
            TRY(relation_open(env, oid, behavior == DROP_CASCADE ? LOCK_ACCESS_EXCLUSIVE : LOCK_NONE, &other, err));
            if (behavior == DROP_RESTRICT) {
                error_set(err, ERR_FEATURE_NOT_SUPPORTED, "cannot truncate a table referenced in a foreign key constraint");
                error_detail(err, "Table \"%s\" references \"%s\".", other->name, rel->name);
                return error_hint(err, "Truncate table \"%s\" at the same time, or use TRUNCATE ... CASCADE.", other->name);
            }
            session_notice(env, SEV_NOTICE, 0, NULL, NULL, "truncate cascades to table \"%s\"", other->name);
            TRY(add(t, other, err));
        }
    }
    return ST_OK;
}

static STATUS truncate_one(Truncation *t, const Relation *rel, Error *err)
{
    SessionEnv *env = t->call->env;
    Form_pg_class cls;
    TRY(ddl_new_storage(env, rel, true, t->call->arena, err));
    TRY(ddl_class(env, rel->oid, t->call->arena, &cls, err));
    if (cls.reltuples > 0 || cls.relpages > 0) {
        cls.reltuples = -1;
        cls.relpages = 0;
        TRY(cat_update(env, REL_pg_class, &cls, err));
    }
    if (!t->restart) return ST_OK;
    for (int i = 0; i < rel->desc->natts; i++)
        if (rel->columns[i].owned_sequence) TRY(ddl_restart_sequence(env, rel->columns[i].owned_sequence, t->call->arena, err));
    return ST_OK;
}

STATUS cmd_TruncateStmt(CommandCall *call, TruncateStmt *stmt, Error *err)
{
    Truncation t = {.call = call, .restart = stmt->restart_seqs};
    LIST_EACH(RangeVar *, rv, stmt->relations) {
        const Relation *rel;
        TRY(rangevar_relation(call->env, rv, LOCK_ACCESS_EXCLUSIVE, false, &rel, err));
        if (!listed(&t, rel->oid)) TRY(add(&t, rel, err));
    }
    TRY(follow_references(&t, stmt->behavior, err));
    for (int i = 0; i < t.rels.len; i++) TRY(truncate_one(&t, t.rels.v[i], err));
    return ST_OK;
}
