/* Writing one row: generated columns, constraints, the table, its indexes, its foreign keys; in that order. */
#include "executor/row_target.h"

typedef struct ColumnWalk { Bitset *set; Arena *arena; bool oom; } ColumnWalk;

static bool column_walker(Node *node, void *arg)
{
    ColumnWalk *w = arg;
    if (!node) return false;
    if (IsA(node, Var)) {
        Bitset *now = bitset_add(w->set, w->arena, ((Var *)node)->varattno > 0 ? ((Var *)node)->varattno : 0);
        if (!now) w->oom = true;
        else w->set = now;
        return false;
    }
    return node_walk(node, column_walker, arg);
}

static STATUS compile(RowTarget *t, const Expr *expr, ExprProgram **out, Error *err)
{
    TRY(expr_compile(t->env, expr, t->arena, out, err));
    t->transient |= expr_is_transient(*out);
    return ST_OK;
}

static STATUS index_target(RowTarget *t, const IndexInfo *info, IndexTarget *out, Error *err)
{
    ColumnWalk w = {.arena = t->arena};
    int n = info->def.ncolumns, nth = 0;
    *out = (IndexTarget){.info = info};
    TRY_NEW_N(out->exprs, t->arena, n + 1, err);
    TRY_NEW_N(out->values, t->arena, n + 1, err);
    TRY_NEW_N(out->old_values, t->arena, n + 1, err);
    TRY_NEW_N(out->nulls, t->arena, n + 1, err);
    TRY_NEW_N(out->old_nulls, t->arena, n + 1, err);
    for (int i = 0; i < n; i++) {
        if (info->attnums[i] > 0) {
            w.set = bitset_add(w.set, t->arena, info->attnums[i]);
            TRY_MEM(w.set, err);
            continue;
        }
        (void)column_walker(info->exprs[nth], &w);
        TRY(compile(t, info->exprs[nth++], &out->exprs[i], err));
    }
    if (info->predicate) {
        (void)column_walker(info->predicate, &w);
        TRY(compile(t, info->predicate, &out->predicate, err));
    }
    if (w.oom) return error_out_of_memory(err, 0);
    out->columns = w.set;
    return ST_OK;
}

/* Key columns: of the table's own key and of every unique index; their change blocks FOR KEY SHARE. */
static STATUS find_key_columns(RowTarget *t, Error *err)
{
    Bitset *set = NULL;
    for (int i = 0; i < t->rel->nindexes; i++) {
        const IndexInfo *ix = &t->rel->indexes[i];
        if (!ix->unique || ix->predicate) continue;
        for (int k = 0; k < ix->nkeyatts; k++) {
            if (ix->attnums[k] <= 0) continue;
            set = bitset_add(set, t->arena, ix->attnums[k]);
            TRY_MEM(set, err);
        }
    }
    t->key_columns = set;
    return ST_OK;
}

STATUS row_target_new(SessionEnv *env, const Relation *rel, EventQueue *events, Arena *arena, MemAccount *account, RowTarget **out, Error *err)
{
    RowTarget *t;
    TRY_NEW(t, arena, err);
    t->env = env;
    t->arena = arena;
    t->account = account;
    t->rel = rel;
    t->events = events;
    arena_init(&t->tuple_arena, account, 1024);
    *out = t;
    t->ec = (ExprContext){.tuple_arena = &t->tuple_arena, .query_arena = arena, .env = env};
    for (int i = 0; i < rel->ntriggers; i++)
        if (!rel->triggers[i].internal && rel->triggers[i].enabled != 'D') return error_unsupported(err, "modifying a table that has triggers");
    TRY(row_codec_table(arena, &rel->def, &t->codec, err));
    TRY_NEW_N(t->indexes, arena, rel->nindexes + 1, err);
    for (int i = 0; i < rel->nindexes; i++) {
        if (rel->indexes[i].clustered_key || !rel->indexes[i].ready) continue;
        TRY(index_target(t, &rel->indexes[i], &t->indexes[t->nindexes++], err));
    }
    TRY_NEW_N(t->generated, arena, rel->desc->natts + 1, err);
    for (int i = 0; i < rel->desc->natts; i++) {
        if (!rel->columns[i].generated || !rel->columns[i].default_expr) continue;
        TRY(compile(t, rel->columns[i].default_expr, &t->generated[i], err));
        t->has_generated = true;
    }
    TRY(find_key_columns(t, err));
    return constraints_prepare(t, err);
}

void row_target_end(RowTarget *t)
{
    if (t) arena_destroy(&t->tuple_arena);
}

RowLockStrength row_target_strength(const RowTarget *t, const Bitset *changed)
{
    return bitset_overlaps(changed, t->key_columns) ? ROW_UPDATE : ROW_NO_KEY_UPDATE;
}

static STATUS compute_generated(RowTarget *t, TupleSlot *row, Error *err)
{
    if (!t->has_generated) return ST_OK;
    t->ec.scan = row;
    for (int i = 0; i < t->rel->desc->natts; i++)
        if (t->generated[i]) TRY(expr_eval(t->generated[i], &t->ec, &row->values[i], &row->nulls[i], err));
    return ST_OK;
}

STATUS index_values(RowTarget *t, IndexTarget *ix, TupleSlot *row, Datum *values, bool *nulls, bool *applies, Error *err)
{
    t->ec.scan = row;
    TRY(expr_qual(ix->predicate, &t->ec, applies, err));
    for (int i = 0; *applies && i < ix->info->def.ncolumns; i++) {
        int att = ix->info->attnums[i] - 1;
        if (att < 0) {
            TRY(expr_eval(ix->exprs[i], &t->ec, &values[i], &nulls[i], err));
            continue;
        }
        TRY(slot_decode(row, att + 1, err));
        values[i] = row->values[att];
        nulls[i] = row->nulls[att];
    }
    return ST_OK;
}

static Oid index_constraint(const Relation *rel, Oid index)
{
    for (int i = 0; i < rel->nconstraints; i++)
        if (rel->constraints[i].index == index && (rel->constraints[i].contype == 'p' || rel->constraints[i].contype == 'u')) return rel->constraints[i].oid;
    return INVALID_OID;
}

/* A deferrable unique constraint: the key may be there twice until the check. */
static STATUS queue_unique(RowTarget *t, const IndexTarget *ix, Error *err)
{
    const IndexInfo *info = ix->info;
    int count;
    TRY(index_count_equal(t->env->txn, &info->def, ix->values, ix->nulls, &count, err));
    if (count < 2) return ST_OK;
    Oid con = index_constraint(t->rel, info->oid);
    bool initially = false;
    for (int i = 0; i < t->rel->nconstraints; i++)
        if (t->rel->constraints[i].oid == con) initially = t->rel->constraints[i].deferred;
    const TypeInfo **types;
    TRY_NEW_N(types, &t->tuple_arena, info->def.ncolumns, err);
    for (int i = 0; i < info->def.ncolumns; i++) types[i] = info->def.columns[i].type;
    Event e = {.kind = EVENT_UNIQUE, .relation = t->rel->oid, .constraint = info->oid, .n = info->def.ncolumns, .values = ix->values,
               .nulls = ix->nulls, .types = types};
    return events_add(t->events, &e, constraint_is_deferred(t->env, con, true, initially), err);
}

static STATUS add_entry(RowTarget *t, IndexTarget *ix, TupleSlot *row, Conflict *conflict, Error *err)
{
    WriteOutcome outcome;
    Slice other = {0};
    bool deferrable = ix->info->def.deferrable;
    TRY(index_insert(t->env->txn, &ix->info->def, ix->values, ix->nulls, row->key, !deferrable, &t->tuple_arena, &outcome, &other, err));
    if (outcome == WRITE_DUPLICATE) {
        if (!conflict) return raise_duplicate(t, ix->info, row, err);
        *conflict = (Conflict){ix->info, other};
        return ST_OK;
    }
    return deferrable && ix->info->def.unique ? queue_unique(t, ix, err) : ST_OK;
}

STATUS row_target_insert(RowTarget *t, TupleSlot *row, Conflict *conflict, Error *err)
{
    WriteOutcome outcome;
    TRY(compute_generated(t, row, err));
    TRY(constraints_check(t, row, err));
    row->table_oid = t->rel->oid;
    TRY(table_insert(t->env->txn, &t->rel->def, row, &t->tuple_arena, &outcome, err));
    if (outcome == WRITE_DUPLICATE) {
        const IndexInfo *pk = NULL;
        for (int i = 0; i < t->rel->nindexes; i++)
            if (t->rel->indexes[i].clustered_key) pk = &t->rel->indexes[i];
        if (!conflict) return raise_duplicate(t, pk, row, err);
        *conflict = (Conflict){pk, row->key};
        return ST_OK;
    }
    for (int i = 0; i < t->nindexes; i++) {
        bool applies;
        IndexTarget *ix = &t->indexes[i];
        TRY(index_values(t, ix, row, ix->values, ix->nulls, &applies, err));
        if (applies) TRY(add_entry(t, ix, row, conflict, err));
        if (conflict && conflict->index) return ST_OK;
    }
    return fk_row_added(t, row, NULL, err);
}

static bool same_entry(const IndexTarget *ix)
{
    const IndexDef *def = &ix->info->def;
    for (int i = 0; i < def->ncolumns; i++) {
        const TypeInfo *type = def->columns[i].type;
        if (ix->nulls[i] != ix->old_nulls[i]) return false;
        if (ix->nulls[i]) continue;
        if (type->byval) {
            if (ix->values[i] != ix->old_values[i]) return false;
            continue;
        }
        size_t a = datum_size(ix->values[i], false, type->typlen), b = datum_size(ix->old_values[i], false, type->typlen);
        if (a != b || memcmp(datum_bytes(ix->values[i]), datum_bytes(ix->old_values[i]), a)) return false;
    }
    return true;
}

static STATUS update_index(RowTarget *t, IndexTarget *ix, TupleSlot *old, TupleSlot *row, bool moved, Error *err)
{
    bool had, has;
    TRY(index_values(t, ix, old, ix->old_values, ix->old_nulls, &had, err));
    TRY(index_values(t, ix, row, ix->values, ix->nulls, &has, err));
    if (had && has && !moved && same_entry(ix)) return ST_OK;
    if (had) TRY(index_delete(t->env->txn, &ix->info->def, ix->old_values, ix->old_nulls, old->key, err));
    return has ? add_entry(t, ix, row, NULL, err) : ST_OK;
}

STATUS row_target_update(RowTarget *t, TupleSlot *old, TupleSlot *row, const Bitset *changed, Error *err)
{
    WriteOutcome outcome;
    TRY(compute_generated(t, row, err));
    TRY(constraints_check(t, row, err));
    row->table_oid = t->rel->oid;
    TRY(table_update(t->env->txn, &t->rel->def, old, row, &t->tuple_arena, &outcome, err));
    if (outcome == WRITE_DUPLICATE) {
        for (int i = 0; i < t->rel->nindexes; i++)
            if (t->rel->indexes[i].clustered_key) return raise_duplicate(t, &t->rel->indexes[i], row, err);
        return raise_duplicate(t, NULL, row, err);
    }
    bool moved = !slice_equal(old->key, row->key);
    for (int i = 0; i < t->nindexes; i++) {
        IndexTarget *ix = &t->indexes[i];
        if (moved || t->has_generated || bitset_has(ix->columns, 0) || bitset_overlaps(ix->columns, changed))
            TRY(update_index(t, ix, old, row, moved, err));
    }
    TRY(fk_row_added(t, row, changed, err));
    return fk_row_removed(t, old, row, changed, err);
}

STATUS row_target_delete(RowTarget *t, TupleSlot *old, Error *err)
{
    for (int i = 0; i < t->nindexes; i++) {
        IndexTarget *ix = &t->indexes[i];
        bool applies;
        TRY(index_values(t, ix, old, ix->old_values, ix->old_nulls, &applies, err));
        if (applies) TRY(index_delete(t->env->txn, &ix->info->def, ix->old_values, ix->old_nulls, old->key, err));
    }
    TRY(table_delete(t->env->txn, &t->rel->def, old, err));
    return fk_row_removed(t, old, NULL, NULL, err);
}
