/* ModifyTable: INSERT, UPDATE, DELETE of the rows its child makes or finds; ON CONFLICT; RETURNING. */
#include "executor/exec_state.h"
#include "executor/row_target.h"

typedef struct ModifyState {
    PlanState ps;
    const ModifyTable *node;
    const Relation *rel;
    RowTarget *target;
    TupleSlot *old, *newest, *row;
    Bitset *changed;           /* updateColnos */
    ExprProgram *returning;
    EpqState *epq;
    bool checked, done, mutable_unique; /* ON CONFLICT with unique indexes beside the table's own key */
    /* ON CONFLICT DO UPDATE */
    int nset;
    ExprProgram **set;
    ExprProgram *where;
    Bitset *set_columns;
    TupleSlot *existing;
} ModifyState;

static const char *verb(CmdType op) { return op == CMD_INSERT ? "INSERT" : op == CMD_UPDATE ? "UPDATE" : "DELETE"; }

static STATUS check_allowed(ModifyState *s, Error *err)
{
    s->checked = true;
    if (s->ps.es->env->txn && txn_options(s->ps.es->env->txn)->read_only && s->rel->persistence != 't')
        return error_set(err, ERR_READ_ONLY_SQL_TRANSACTION, "cannot execute %s in a read-only transaction", verb(s->node->operation));
    return ST_OK;
}

/* The affected row as RETURNING shows it; *out NULL without RETURNING. */
static STATUS affected(ModifyState *s, TupleSlot *row, TupleSlot *child, TupleSlot **out, Error *err)
{
    PlanState *ps = &s->ps;
    if (s->node->canSetTag) ps->es->processed++;
    *out = NULL;
    if (!s->returning) return ST_OK;
    plan_reset_tuple(ps);
    ps->ec.scan = row;
    ps->ec.outer = child;
    *out = ps->result;
    return expr_project(s->returning, &ps->ec, ps->result, err);
}

/* ---- UPDATE and DELETE ---- */

/* Locks the row that `child` names and makes s->old its newest version; under READ COMMITTED the child row may be computed again from it.
 * *child NULL: nothing to do. */
static STATUS lock_old(ModifyState *s, RowLockStrength strength, TupleSlot **child, Error *err)
{
    ExecState *es = s->ps.es;
    int att = s->node->rowid_resno - 1;
    RowLockOutcome outcome;
    TupleSlot *seen = *child, *row;
    Datum identity;
    *child = NULL;
    TRY(slot_decode(seen, att + 1, err));
    if (seen->nulls[att]) return ST_OK;
    /* The child may pass its input on: the identity is copied, since the row may be asked for again. */
    TRY(datum_copy(&s->target->tuple_arena, seen->values[att], false, -1, &identity, err));
    TRY(row_identity_read(identity, s->rel, s->target->codec, s->old, err));
    TRY(row_lock(es->env->txn, &s->rel->def, s->old, strength, LOCK_WAIT, s->newest, &s->target->tuple_arena, &outcome, err));
    if (outcome == ROWLOCK_OK) {
        *child = seen;
        return ST_OK;
    }
    /* Gone, or written by this very statement already: PostgreSQL passes over both. */
    if (outcome != ROWLOCK_UPDATED || s->newest->xmin == txn_id_if_assigned(es->env->txn)) return ST_OK;
    s->newest->table_oid = s->rel->oid;
    TRY(epq_run(es, &s->epq, s->node->lefttree, 1, &s->node->resultRelation, &s->newest, &row, err));
    if (!row) return ST_OK;
    TupleSlot *t = s->old;
    s->old = s->newest;
    s->newest = t;
    *child = row;
    return ST_OK;
}

static STATUS do_update(ModifyState *s, TupleSlot *child, TupleSlot **out, Error *err)
{
    const IntArray *cols = &s->node->updateColnos;
    TRY(lock_old(s, row_target_strength(s->target, s->changed), &child, err));
    *out = NULL;
    if (!child) return ST_OK;
    TRY(slot_decode_all(s->old, err));
    TRY(slot_decode(child, cols->n, err));
    TupleSlot *row = s->row;
    memcpy(row->values, s->old->values, (size_t)row->desc->natts * sizeof *row->values);
    memcpy(row->nulls, s->old->nulls, (size_t)row->desc->natts * sizeof *row->nulls);
    for (int i = 0; i < cols->n; i++) {
        row->values[cols->v[i] - 1] = child->values[i];
        row->nulls[cols->v[i] - 1] = child->nulls[i];
    }
    slot_store_virtual(row);
    TRY(row_target_update(s->target, s->old, row, s->changed, err));
    return affected(s, row, child, out, err);
}

static STATUS do_delete(ModifyState *s, TupleSlot *child, TupleSlot **out, Error *err)
{
    TRY(lock_old(s, ROW_UPDATE, &child, err));
    *out = NULL;
    if (!child) return ST_OK;
    TRY(row_target_delete(s->target, s->old, err));
    return affected(s, s->old, child, out, err);
}

/* ---- INSERT ---- */

static void load_new_row(ModifyState *s, TupleSlot *child)
{
    TupleSlot *row = s->row;
    int n = row->desc->natts;
    memcpy(row->values, child->values, (size_t)n * sizeof *row->values);
    memcpy(row->nulls, child->nulls, (size_t)n * sizeof *row->nulls);
    slot_store_virtual(row);
    row->key = slice_of(NULL, 0);
}

static bool is_arbiter(const ModifyState *s, const IndexInfo *ix)
{
    return ix && ix->unique && (!s->node->arbiterIndexes.n || intarray_has(&s->node->arbiterIndexes, ix->oid));
}

/* A row that has the new row's key in this unique index, read in its newest version. */
static STATUS probe(ModifyState *s, const IndexInfo *ix, IndexTarget *target, bool *found, Error *err)
{
    RowTarget *t = s->target;
    Txn *txn = s->ps.es->env->txn;
    *found = false;
    if (ix->clustered_key) {
        Datum *key;
        TRY_NEW_N(key, &t->tuple_arena, ix->nkeyatts, err);
        for (int i = 0; i < ix->nkeyatts; i++) {
            int att = s->rel->def.key[i].column;
            if (s->row->nulls[att]) return ST_OK; /* its 23502 comes from the insert */
            key[i] = s->row->values[att];
        }
        TRY(table_get(txn, SNAPSHOT_LATEST, &s->rel->def, key, s->existing, &t->tuple_arena, err));
    } else {
        bool applies;
        TRY(index_values(t, target, s->row, target->values, target->nulls, &applies, err));
        if (!applies) return ST_OK;
        for (int i = 0; i < ix->nkeyatts; i++)
            if (target->nulls[i]) return ST_OK;
        TRY(index_get(txn, SNAPSHOT_LATEST, &ix->def, target->values, s->existing, &t->tuple_arena, err));
    }
    *found = !s->existing->empty;
    return ST_OK;
}

static STATUS find_conflict(ModifyState *s, bool *found, Error *err)
{
    *found = false;
    for (int i = 0; i < s->rel->nindexes && !*found; i++) {
        const IndexInfo *ix = &s->rel->indexes[i];
        IndexTarget *target = NULL;
        if (!is_arbiter(s, ix) || ix->def.deferrable) continue;
        for (int k = 0; k < s->target->nindexes; k++)
            if (s->target->indexes[k].info == ix) target = &s->target->indexes[k];
        if (ix->clustered_key || target) TRY(probe(s, ix, target, found, err));
    }
    return ST_OK;
}

/* REPEATABLE READ may not act on a row that its snapshot does not see. */
static STATUS must_be_visible(ModifyState *s, Error *err)
{
    ExecState *es = s->ps.es;
    bool visible;
    if (txn_options(es->env->txn)->isolation < ISO_REPEATABLE_READ || s->existing->xmin == txn_id_if_assigned(es->env->txn)) return ST_OK;
    TRY(row_visible(es->env->txn, es->snapshot, &s->rel->def, s->existing->key, &visible, err));
    return visible ? ST_OK : error_set(err, ERR_T_R_SERIALIZATION_FAILURE, "could not serialize access due to concurrent update");
}

/* *again: the conflicting row changed or went away; look again. */
static STATUS conflict_update(ModifyState *s, TupleSlot *child, bool *again, TupleSlot **out, Error *err)
{
    ExecState *es = s->ps.es;
    ExprContext *ec = &s->ps.ec;
    RowLockOutcome outcome;
    bool pass, visible = true;
    *out = NULL;
    *again = false;
    TRY(row_lock(es->env->txn, &s->rel->def, s->existing, row_target_strength(s->target, s->set_columns), LOCK_WAIT, s->newest, &s->target->tuple_arena, &outcome, err));
    if (outcome != ROWLOCK_OK) {
        *again = true;
        return ST_OK;
    }
    if (s->existing->xmin == txn_id_if_assigned(es->env->txn) && es->snapshot)
        TRY(row_visible(es->env->txn, es->snapshot, &s->rel->def, s->existing->key, &visible, err));
    if (!visible) {
        error_set(err, ERR_CARDINALITY_VIOLATION, "ON CONFLICT DO UPDATE command cannot affect row a second time");
        return error_hint(err, "Ensure that no rows proposed for insertion within the same command have duplicate constrained values.");
    }
    TRY(must_be_visible(s, err));
    s->existing->table_oid = s->rel->oid;
    ec->scan = s->existing;
    ec->inner = s->row;
    plan_reset_tuple(&s->ps);
    TRY(expr_qual(s->where, ec, &pass, err));
    if (!pass) return ST_OK;
    TRY(slot_decode_all(s->existing, err));
    TupleSlot *row = slot_new(&s->target->tuple_arena, s->rel->desc);
    TRY_MEM(row, err);
    memcpy(row->values, s->existing->values, (size_t)row->desc->natts * sizeof *row->values);
    memcpy(row->nulls, s->existing->nulls, (size_t)row->desc->natts * sizeof *row->nulls);
    for (int i = 0; i < s->nset; i++) {
        int att = (int)s->node->onConflictCols.v[i] - 1;
        TRY(expr_eval(s->set[i], ec, &row->values[att], &row->nulls[att], err));
    }
    slot_store_virtual(row);
    TRY(row_target_update(s->target, s->existing, row, s->set_columns, err));
    if (s->node->canSetTag) es->processed++;
    if (!s->returning) return ST_OK;
    ec->scan = row;
    ec->outer = child;
    *out = s->ps.result;
    return expr_project(s->returning, ec, s->ps.result, err);
}

/* Tries to insert; a conflict found only now undoes what was written. */
static STATUS try_insert(ModifyState *s, Conflict *conflict, Error *err)
{
    Txn *txn = s->ps.es->env->txn;
    int level = 0;
    *conflict = (Conflict){0};
    if (s->mutable_unique) TRY(txn_savepoint(txn, &level, err));
    Status st = row_target_insert(s->target, s->row, conflict, err);
    if (!failed(st) && conflict->index && !is_arbiter(s, conflict->index)) st = raise_duplicate(s->target, conflict->index, s->row, err);
    if (!level) return st;
    if (!failed(st) && conflict->index) st = txn_rollback_to(txn, level, err);
    txn_release_savepoint(txn, level);
    return st;
}

static STATUS do_insert(ModifyState *s, TupleSlot *child, TupleSlot **out, Error *err)
{
    *out = NULL;
    TRY(slot_decode_all(child, err));
    load_new_row(s, child);
    if (s->node->onConflictAction == ONCONFLICT_NONE) {
        TRY(row_target_insert(s->target, s->row, NULL, err));
        return affected(s, s->row, child, out, err);
    }
    for (;;) {
        Conflict conflict;
        bool found, again = false;
        TRY(EXEC_INTERRUPT(s->ps.es, err));
        TRY(find_conflict(s, &found, err));
        if (found && s->node->onConflictAction == ONCONFLICT_NOTHING) return must_be_visible(s, err);
        if (found) {
            TRY(conflict_update(s, child, &again, out, err));
            if (!again) return ST_OK;
            continue;
        }
        TRY(try_insert(s, &conflict, err));
        if (!conflict.index) return affected(s, s->row, child, out, err);
        load_new_row(s, child);
    }
}

/* ---- the node ---- */

static Status modify_table_next(PlanState *ps, TupleSlot **out, Error *err)
{
    ModifyState *s = (ModifyState *)ps;
    *out = NULL;
    if (!s->checked) TRY(check_allowed(s, err));
    while (!s->done) {
        TupleSlot *child;
        TRY(EXEC_INTERRUPT(ps->es, err));
        TRY(plan_next(ps->left, &child, err));
        if (!child) {
            s->done = true;
            return ST_OK;
        }
        row_target_begin(s->target);
        switch (s->node->operation) {
        case CMD_INSERT: TRY(do_insert(s, child, out, err)); break;
        case CMD_UPDATE: TRY(do_update(s, child, out, err)); break;
        default: TRY(do_delete(s, child, out, err)); break;
        }
        if (*out) return ST_OK;
    }
    return ST_OK;
}

static Status modify_table_rescan(PlanState *ps, const Bitset *changed, Error *err)
{
    ModifyState *s = (ModifyState *)ps;
    if (!ps->es->rewind_all) return error_set(err, ERR_INTERNAL_ERROR, "a data-modifying node cannot be rescanned");
    s->done = s->checked = false;
    return plan_rescan(ps->left, changed, err);
}

static void modify_table_end(PlanState *ps)
{
    ModifyState *s = (ModifyState *)ps;
    row_target_end(s->target);
    epq_end(s->epq);
}

static const PlanOps modify_table_ops = {modify_table_next, modify_table_rescan, modify_table_end};

/* In ON CONFLICT's expressions "excluded" is the inner row. */
typedef struct ExcludedArg { int rti; Arena *arena; } ExcludedArg;
static Node *excluded_mutator(Node *node, void *varg)
{
    ExcludedArg *arg = varg;
    if (IsA(node, Var) && ((Var *)node)->varno == arg->rti) {
        Var *v = node_copy(node, arg->arena);
        if (v) v->varno = INNER_VAR;
        return (Node *)v;
    }
    return node_mutate(node, excluded_mutator, arg, arg->arena);
}

static STATUS init_conflict(ModifyState *s, Error *err)
{
    ExecState *es = s->ps.es;
    const ModifyTable *node = s->node;
    ExcludedArg arg = {node->exclRelRTI, &es->arena};
    s->existing = slot_new(&es->arena, s->rel->desc);
    TRY_MEM(s->existing, err);
    for (int i = 0; i < s->rel->nindexes; i++) s->mutable_unique |= s->rel->indexes[i].unique && !s->rel->indexes[i].clustered_key;
    if (node->onConflictAction != ONCONFLICT_UPDATE) return ST_OK;
    s->nset = list_len(node->onConflictSet);
    TRY_NEW_N(s->set, &es->arena, s->nset + 1, err);
    for (int i = 0; i < s->nset; i++) {
        Node *expr = excluded_mutator(((TargetEntry *)list_at(node->onConflictSet, i))->expr, &arg);
        TRY_MEM(expr, err);
        TRY(exec_compile(es, expr, &s->set[i], err));
        s->set_columns = bitset_add(s->set_columns, &es->arena, (int)node->onConflictCols.v[i]);
        TRY_MEM(s->set_columns, err);
    }
    if (!node->onConflictWhere) return ST_OK;
    Node *where = excluded_mutator(node->onConflictWhere, &arg);
    if (nodeTag(node->onConflictWhere) == T_List) where = node_mutate(node->onConflictWhere, excluded_mutator, &arg, &es->arena);
    TRY_MEM(where, err);
    return nodeTag(where) == T_List ? exec_compile_qual(es, (const List *)where, &s->where, err) : exec_compile(es, where, &s->where, err);
}

STATUS modify_table_init(ExecState *es, const Plan *plan, PlanState **out, Error *err)
{
    const ModifyTable *node = (const ModifyTable *)plan;
    TRY(plan_state_new(es, plan, &modify_table_ops, sizeof(ModifyState), out, err));
    ModifyState *s = (ModifyState *)*out;
    PlanState *ps = *out;
    s->node = node;
    TRY(exec_relation(es, node->resultRelation, &s->rel, err));
    if (s->rel->is_virtual || s->rel->oid < FIRST_NORMAL_OID)
        return error_set(err, ERR_INSUFFICIENT_PRIVILEGE, "permission denied: \"%s\" is a system catalog", s->rel->name);
    if (s->rel->relkind == RELKIND_VIEW)
        return error_set(err, ERR_OBJECT_NOT_IN_PREREQUISITE_STATE, node->operation == CMD_INSERT ? "cannot insert into view \"%s\"" :
                         node->operation == CMD_UPDATE ? "cannot update view \"%s\"" : "cannot delete from view \"%s\"", s->rel->name);
    if (s->rel->relkind != RELKIND_TABLE)
        return error_set(err, ERR_WRONG_OBJECT_TYPE, "cannot change %s \"%s\"",
                         s->rel->relkind == RELKIND_SEQUENCE ? "sequence" : s->rel->relkind == RELKIND_MATVIEW ? "materialized view" : "relation", s->rel->name);
    if (node->withCheckOptions) return error_unsupported(err, "WITH CHECK OPTION");
    if (!es->events) TRY(events_new(es->env, &es->events, err));
    TRY(row_target_new(es->env, s->rel, es->events, &es->arena, es->account, &s->target, err));
    es->transient |= s->target->transient;
    TRY(plan_init(es, plan->lefttree, &ps->left, err));
    s->row = slot_new(&es->arena, s->rel->desc);
    s->old = slot_new(&es->arena, s->rel->desc);
    s->newest = slot_new(&es->arena, s->rel->desc);
    if (!s->row || !s->old || !s->newest) return error_out_of_memory(err, 0);
    for (int i = 0; i < node->updateColnos.n; i++) {
        s->changed = bitset_add(s->changed, &es->arena, (int)node->updateColnos.v[i]);
        TRY_MEM(s->changed, err);
    }
    if (node->onConflictAction != ONCONFLICT_NONE) TRY(init_conflict(s, err));
    TupleDesc *desc;
    TRY(exec_tlist_desc(es->env, node->returningList, false, &es->arena, &desc, err));
    ps->desc = desc;
    if (!node->returningList) return ST_OK;
    ps->result = slot_new(&es->arena, desc);
    TRY_MEM(ps->result, err);
    return exec_compile_projection(es, node->returningList, &s->returning, err);
}
