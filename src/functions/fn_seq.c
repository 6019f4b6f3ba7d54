/* Sequences: nextval, currval, lastval, setval and what describes them. */
#include "catalog/acl.h"
#include "catalog/cat_write.h"
#include "catalog/deparse.h"
#include "catalog/name_lookup.h"
#include "catalog/reg_types.h"
#include "functions/fn.h"

/* What this session has drawn (SessionEnv.seq_state): a list, newest user first. */
typedef struct SeqEntry {
    struct SeqEntry *next;
    Oid oid;
    uint32_t storage_id; /* after a RESTART or re-creation currval is gone */
    int64_t last;
} SeqEntry;
typedef struct SeqState { SeqEntry *entries; const SeqEntry *last_used; } SeqState;

static SeqState *state_of(CallFrame *cf)
{
    SessionEnv *env = cf->env;
    if (!env->seq_state) env->seq_state = arena_zalloc(env->arena, sizeof(SeqState));
    if (!env->seq_state) fn_oom(cf);
    return env->seq_state;
}

static SeqEntry *entry_of(CallFrame *cf, Oid oid, bool create)
{
    SeqState *s = state_of(cf);
    if (!s) return NULL;
    for (SeqEntry *e = s->entries; e; e = e->next)
        if (e->oid == oid) return e;
    if (!create) return NULL;
    SeqEntry *e = arena_zalloc(cf->env->arena, sizeof *e);
    if (!e) {
        fn_oom(cf);
        return NULL;
    }
    e->oid = oid;
    e->next = s->entries;
    s->entries = e;
    return e;
}

static bool open_sequence(CallFrame *cf, Oid oid, uint32_t privileges, const Relation **rel)
{
    if (failed(relation_open(cf->env, oid, LOCK_ROW_EXCLUSIVE, rel, cf->err))) return false;
    if ((*rel)->relkind != RELKIND_SEQUENCE) {
        error_set(cf->err, ERR_WRONG_OBJECT_TYPE, "\"%s\" is not a sequence", (*rel)->name);
        return false;
    }
    if (privileges && !cf->env->is_superuser && !(acl_relation(cf->env, oid, cf->env->current_user, privileges) & privileges)) {
        error_set(cf->err, ERR_INSUFFICIENT_PRIVILEGE, "permission denied for sequence %s", (*rel)->name);
        return false;
    }
    return true;
}

static bool writable(CallFrame *cf, const char *command, const Relation *rel)
{
    if (!txn_options(cf->env->txn)->read_only || rel->persistence == 't') return true;
    error_set(cf->err, ERR_READ_ONLY_SQL_TRANSACTION, "cannot execute %s in a read-only transaction", command);
    return false;
}

FN(nextval_oid)
{
    const Relation *rel;
    int64_t v;
    if (!open_sequence(cf, ARG_OID(0), ACL_USAGE | ACL_UPDATE, &rel) || !writable(cf, "nextval()", rel)) return 0;
    FTRY(sequence_next(cf->env->txn, &rel->sequence, rel->name, &v, cf->err));
    SeqEntry *e = entry_of(cf, rel->oid, true);
    if (!e) return 0;
    e->last = v;
    e->storage_id = rel->sequence.storage_id;
    state_of(cf)->last_used = e;
    return datum_i64(v);
}

FN(currval_oid)
{
    const Relation *rel;
    if (!open_sequence(cf, ARG_OID(0), ACL_SELECT | ACL_USAGE, &rel)) return 0;
    const SeqEntry *e = entry_of(cf, rel->oid, false);
    if (!e || !e->storage_id)
        return CALL_ERROR(cf, ERR_OBJECT_NOT_IN_PREREQUISITE_STATE, "currval of sequence \"%s\" is not yet defined in this session", rel->name);
    return datum_i64(e->last);
}

FN(lastval)
{
    const SeqState *s = state_of(cf);
    const Relation *rel;
    if (!s) return 0;
    if (s->last_used) FTRY(relation_try_open(cf->env, s->last_used->oid, LOCK_NONE, &rel, cf->err));
    if (!s->last_used || !rel) return CALL_ERROR(cf, ERR_OBJECT_NOT_IN_PREREQUISITE_STATE, "lastval is not yet defined in this session");
    return datum_i64(s->last_used->last);
}

static Datum setval(CallFrame *cf, bool is_called)
{
    const Relation *rel;
    int64_t v = ARG_I64(1);
    if (!open_sequence(cf, ARG_OID(0), ACL_UPDATE, &rel) || !writable(cf, "setval()", rel)) return 0;
    const SequenceDef *def = &rel->sequence;
    if (v < def->min || v > def->max)
        return CALL_ERROR(cf, ERR_NUMERIC_VALUE_OUT_OF_RANGE, "setval: value %lld is out of bounds for sequence \"%s\" (%lld..%lld)", (long long)v,
                          rel->name, (long long)def->min, (long long)def->max);
    FTRY(sequence_set(cf->env->txn, def, rel->name, v, is_called, cf->err));
    SeqEntry *e = entry_of(cf, rel->oid, true);
    if (!e) return 0;
    if (is_called) {
        e->last = v;
        e->storage_id = def->storage_id;
    }
    return datum_i64(v);
}
FN(setval_oid) { return setval(cf, true); }
FN(setval3_oid) { return setval(cf, ARG_BOOL(2)); }

/* pg_sequence_parameters(oid): start, minimum, maximum, increment, cycle, cache, type */
FN(pg_sequence_parameters)
{
    const Relation *rel;
    const void *form;
    if (!open_sequence(cf, ARG_OID(0), 0, &rel)) return 0;
    const SequenceDef *d = &rel->sequence;
    FTRY(cat_get_by_oid(cf->env, REL_pg_sequence, IDX_sequence_seqrelid, rel->oid, cf->arena, &form, cf->err));
    Oid type = form ? ((const Form_pg_sequence *)form)->seqtypid : TYPE_int8;
    Datum v[7] = {datum_i64(d->start), datum_i64(d->min), datum_i64(d->max), datum_i64(d->increment), datum_bool(d->cycle), datum_i64(d->cache), datum_oid(type)};
    return fn_return_row(cf, 7, v, NULL);
}

FN(pg_sequence_last_value)
{
    const Relation *rel;
    int64_t last, log;
    bool called;
    if (!open_sequence(cf, ARG_OID(0), 0, &rel)) return 0;
    FTRY(sequence_read(cf->env->txn, &rel->sequence, &last, &called, &log, cf->err));
    if (!called) RETURN_NULL();
    return datum_i64(last);
}

FN(pg_get_serial_sequence)
{
    Oid oid;
    const Relation *rel;
    FTRY(reg_input(cf->env, TYPE_regclass, ARG_TEXT(0), &oid, cf->err));
    FTRY(relation_open(cf->env, oid, LOCK_NONE, &rel, cf->err));
    char *column = fn_arg_cstr(cf, 1);
    if (!column) return 0;
    int att = relation_find_column(rel, column);
    if (!att) return CALL_ERROR(cf, ERR_UNDEFINED_COLUMN, "column \"%s\" of relation \"%s\" does not exist", column, rel->name);
    if (att < 1 || !rel->columns || !rel->columns[att - 1].owned_sequence) RETURN_NULL();
    return call_return_cstr(cf, deparse_relation_name(cf->env, rel->columns[att - 1].owned_sequence, true, cf->arena));
}
