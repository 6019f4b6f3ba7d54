/* Foreign keys: looking for the parent of a row, and acting on (or looking for) the rows that reference one.
 *
 * A check is made at once; when it holds, the parent is locked FOR KEY SHARE and nothing needs to be remembered. When it does not, it is made again
 * at the end of the statement, or of the transaction if the constraint is deferred. */
#include "catalog/name_lookup.h"
#include "executor/row_target.h"

/* ---- values across the two sides ---- */

static bool is_integer(const TypeInfo *t) { return t->byval && (t->key == KEYENC_I16 || t->key == KEYENC_I32 || t->key == KEYENC_I64); }
static bool is_text(const TypeInfo *t) { return t->oid == TYPE_text || t->oid == TYPE_varchar || t->oid == TYPE_name; }

/* *fits false: no value of `to` is equal to it. */
static STATUS convert_value(SessionEnv *env, const TypeInfo *from, const TypeInfo *to, Arena *arena, Datum *v, bool *fits, Error *err)
{
    *fits = true;
    if (from->oid == to->oid || (is_text(from) && is_text(to))) return ST_OK;
    if (is_integer(from) && is_integer(to)) {
        int64_t x = (int64_t)*v;
        *fits = to->key == KEYENC_I64 || (to->key == KEYENC_I32 ? x == (int32_t)x : x == (int16_t)x);
        return ST_OK;
    }
    const CastInfo *cast = cast_find(env, from->oid, to->oid);
    if (!cast || (cast->method == 'f' && !cast->func)) return error_set(err, ERR_INTERNAL_ERROR, "no conversion from %s to %s for a foreign key", from->name, to->name);
    if (cast->method == 'b') return ST_OK;
    if (cast->method == 'f') {
        bool arg_null = false, isnull;
        Oid arg_type = from->oid;
        Datum out;
        TRY(call_function(env, cast->func, INVALID_OID, to->oid, 1, &arg_type, v, &arg_null, arena, &out, &isnull, err));
        *v = out;
        *fits = !isnull;
        return ST_OK;
    }
    IoContext io = session_io(env, arena);
    StrBuf sb;
    strbuf_init(&sb, arena);
    TRY(type_output(&io, from, *v, &sb, err));
    return type_input(&io, to, strbuf_slice(&sb), -1, v, err);
}

static STATUS column_type(SessionEnv *env, const Relation *rel, int16_t attnum, const TypeInfo **out, Error *err)
{
    Oid oid = type_base_of(env, rel->desc->atts[attnum - 1].type, NULL);
    if ((*out = type_builtin(oid))) return ST_OK;
    return type_require(env, oid, out, err);
}

/* ---- the parent ---- */

/* key: values of the constraint's columns, of the types `types`. lock: FOR KEY SHARE. */
static STATUS find_parent(SessionEnv *env, const Relation *parent, const ConstraintInfo *c, const Datum *key, const TypeInfo *const *types, bool lock,
                          Arena *arena, bool *found, Error *err)
{
    const IndexInfo *ix = relation_index(parent, c->index);
    Datum *values;
    *found = false;
    if (!ix) return error_set(err, ERR_INTERNAL_ERROR, "index %u of foreign key \"%s\" is gone", c->index, c->name);
    TRY_NEW_N(values, arena, c->nkeys, err);
    for (int i = 0; i < c->nkeys; i++) {
        int k = 0;
        const TypeInfo *to;
        bool fits;
        while (k < c->nkeys && c->ref_keys[k] != ix->attnums[i]) k++;
        if (k == c->nkeys) return error_set(err, ERR_INTERNAL_ERROR, "index of foreign key \"%s\" does not match it", c->name);
        values[i] = key[k];
        TRY(column_type(env, parent, ix->attnums[i], &to, err));
        TRY(convert_value(env, types[k], to, arena, &values[i], &fits, err));
        if (!fits) return ST_OK;
    }
    TupleSlot *slot = slot_new(arena, parent->desc), *newest = slot_new(arena, parent->desc);
    if (!slot || !newest) return error_out_of_memory(err, 0);
    for (;;) {
        RowLockOutcome outcome;
        TRY(INTERRUPT_CHECK(env->interrupt, err));
        if (ix->clustered_key) TRY(table_get(env->txn, SNAPSHOT_LATEST, &parent->def, values, slot, arena, err));
        else TRY(index_get(env->txn, SNAPSHOT_LATEST, &ix->def, values, slot, arena, err));
        if (slot->empty) return ST_OK;
        if (!lock) break;
        TRY(row_lock(env->txn, &parent->def, slot, ROW_KEY_SHARE, LOCK_WAIT, newest, arena, &outcome, err));
        if (outcome == ROWLOCK_OK) break;
        /* It changed before it was locked: its key may be another now. */
    }
    *found = true;
    return ST_OK;
}

typedef enum KeyNulls { KEY_COMPLETE, KEY_ABSENT, KEY_MIXED } KeyNulls;

static STATUS read_key(SessionEnv *env, const Relation *child, const ConstraintInfo *c, TupleSlot *row, Arena *arena, Datum **key, const TypeInfo ***types,
                       KeyNulls *state, Error *err)
{
    int nulls = 0;
    TRY_NEW_N(*key, arena, c->nkeys, err);
    TRY_NEW_N(*types, arena, c->nkeys, err);
    for (int i = 0; i < c->nkeys; i++) {
        int att = c->keys[i] - 1;
        TRY(slot_decode(row, att + 1, err));
        (*key)[i] = row->values[att];
        nulls += row->nulls[att];
        TRY(column_type(env, child, c->keys[i], &(*types)[i], err));
    }
    *state = !nulls ? KEY_COMPLETE : nulls == c->nkeys || c->match != 'f' ? KEY_ABSENT : KEY_MIXED;
    return ST_OK;
}

static Status name_fields(SessionEnv *env, const Relation *child, const ConstraintInfo *c, Arena *arena, Error *err)
{
    return error_names(err, namespace_name_of(env, child->namespace_oid, arena), child->name, NULL, NULL, c->name);
}

static STATUS raise_mixed(SessionEnv *env, const Relation *child, const ConstraintInfo *c, Arena *arena, Error *err)
{
    error_set(err, ERR_FOREIGN_KEY_VIOLATION, "insert or update on table \"%s\" violates foreign key constraint \"%s\"", child->name, c->name);
    error_detail(err, "MATCH FULL does not allow mixing of null and nonnull key values.");
    return name_fields(env, child, c, arena, err);
}

static STATUS raise_no_parent(SessionEnv *env, const Relation *child, const Relation *parent, const ConstraintInfo *c, const Datum *key, Arena *arena, Error *err)
{
    const char *text;
    Oid *types;
    TRY_NEW_N(types, arena, c->nkeys, err);
    for (int i = 0; i < c->nkeys; i++) types[i] = child->desc->atts[c->keys[i] - 1].type;
    TRY(key_description(env, child, NULL, c->nkeys, c->keys, key, NULL, types, arena, &text, err));
    error_set(err, ERR_FOREIGN_KEY_VIOLATION, "insert or update on table \"%s\" violates foreign key constraint \"%s\"", child->name, c->name);
    error_detail(err, "Key %s is not present in table \"%s\".", text, parent->name);
    return name_fields(env, child, c, arena, err);
}

static STATUS raise_referenced(SessionEnv *env, const Relation *child, const Relation *parent, const ConstraintInfo *c, const Datum *key, Arena *arena, Error *err)
{
    const char *text;
    Oid *types;
    TRY_NEW_N(types, arena, c->nkeys, err);
    for (int i = 0; i < c->nkeys; i++) types[i] = parent->desc->atts[c->ref_keys[i] - 1].type;
    TRY(key_description(env, parent, NULL, c->nkeys, c->ref_keys, key, NULL, types, arena, &text, err));
    error_set(err, ERR_FOREIGN_KEY_VIOLATION, "update or delete on table \"%s\" violates foreign key constraint \"%s\" on table \"%s\"", parent->name, c->name,
              child->name);
    error_detail(err, "Key %s is still referenced from table \"%s\".", text, child->name);
    return name_fields(env, child, c, arena, err);
}

static bool keys_changed(const int16_t *keys, int n, const Bitset *changed)
{
    for (int i = 0; i < n; i++)
        if (bitset_has(changed, keys[i])) return true;
    return false;
}

STATUS fk_row_added(RowTarget *t, TupleSlot *row, const Bitset *changed, Error *err)
{
    for (int i = 0; i < t->rel->nconstraints; i++) {
        const ConstraintInfo *c = &t->rel->constraints[i];
        const Relation *parent;
        const TypeInfo **types;
        Datum *key;
        KeyNulls state;
        bool found;
        if (c->contype != 'f' || (changed && !t->has_generated && !keys_changed(c->keys, c->nkeys, changed))) continue;
        TRY(read_key(t->env, t->rel, c, row, &t->tuple_arena, &key, &types, &state, err));
        if (state == KEY_ABSENT) continue;
        if (state == KEY_MIXED) return raise_mixed(t->env, t->rel, c, &t->tuple_arena, err);
        TRY(relation_open(t->env, c->ref_relation, LOCK_ROW_SHARE, &parent, err));
        TRY(find_parent(t->env, parent, c, key, types, true, &t->tuple_arena, &found, err));
        if (found) continue;
        Event e = {.kind = EVENT_FK_CHECK, .relation = t->rel->oid, .constraint = c->oid, .row_key = row->key};
        TRY(events_add(t->events, &e, constraint_is_deferred(t->env, c->oid, c->deferrable, c->deferred), err));
    }
    return ST_OK;
}

STATUS fk_validate_row(RowTarget *t, const ConstraintInfo *c, TupleSlot *row, Error *err)
{
    const Relation *parent;
    const TypeInfo **types;
    Datum *key;
    KeyNulls state;
    bool found;
    TRY(read_key(t->env, t->rel, c, row, &t->tuple_arena, &key, &types, &state, err));
    if (state == KEY_ABSENT) return ST_OK;
    if (state == KEY_MIXED) return raise_mixed(t->env, t->rel, c, &t->tuple_arena, err);
    TRY(relation_open(t->env, c->ref_relation, LOCK_ROW_SHARE, &parent, err));
    TRY(find_parent(t->env, parent, c, key, types, false, &t->tuple_arena, &found, err));
    return found ? ST_OK : raise_no_parent(t->env, t->rel, parent, c, key, &t->tuple_arena, err);
}

STATUS fk_check_again(EventQueue *q, Oid relation, Oid constraint, Slice row_key, Error *err)
{
    SessionEnv *env = events_env(q);
    Arena *arena = events_scratch(q);
    const Relation *child, *parent;
    const ConstraintInfo *c = NULL;
    const TypeInfo **types;
    Datum *key;
    KeyNulls state;
    bool found;
    TRY(relation_try_open(env, relation, LOCK_ROW_SHARE, &child, err));
    for (int i = 0; child && i < child->nconstraints; i++)
        if (child->constraints[i].oid == constraint) c = &child->constraints[i];
    if (!c) return ST_OK; /* dropped meanwhile */
    TupleSlot *row = slot_new(arena, child->desc);
    TRY_MEM(row, err);
    TRY(table_fetch(env->txn, SNAPSHOT_LATEST, &child->def, row_key, row, arena, err));
    if (row->empty) return ST_OK;
    TRY(read_key(env, child, c, row, arena, &key, &types, &state, err));
    if (state != KEY_COMPLETE) return ST_OK;
    TRY(relation_open(env, c->ref_relation, LOCK_ROW_SHARE, &parent, err));
    TRY(find_parent(env, parent, c, key, types, true, arena, &found, err));
    return found ? ST_OK : raise_no_parent(env, child, parent, c, key, arena, err);
}

/* ---- the children ---- */

typedef struct ChildScan {
    SessionEnv *env;
    const Relation *child;
    const ConstraintInfo *c;
    Scan *scan;
    Snapshot *snap;
    TupleSlot *slot;
    Datum *key;              /* in the child's types, constraint order */
    const TypeInfo **types;
    bool none;               /* no child value can be equal */
} ChildScan;

/* An index (or the table's own key, index NULL) that begins with the constraint's columns in some order. */
static bool index_serves(const int16_t *attnums, int n, const ConstraintInfo *c)
{
    if (n < c->nkeys) return false;
    for (int i = 0; i < c->nkeys; i++) {
        int k = 0;
        while (k < c->nkeys && c->keys[k] != attnums[i]) k++;
        if (k == c->nkeys) return false;
    }
    return true;
}

static STATUS child_scan_open(ChildScan *s, SessionEnv *env, const Relation *child, const ConstraintInfo *c, const Datum *key,
                              const TypeInfo *const *types, Arena *arena, Error *err)
{
    *s = (ChildScan){.env = env, .child = child, .c = c};
    TRY_NEW_N(s->key, arena, c->nkeys, err);
    TRY_NEW_N(s->types, arena, c->nkeys, err);
    for (int i = 0; i < c->nkeys; i++) {
        bool fits;
        s->key[i] = key[i];
        TRY(column_type(env, child, c->keys[i], &s->types[i], err));
        TRY(convert_value(env, types[i], s->types[i], arena, &s->key[i], &fits, err));
        if (!fits) s->none = true;
    }
    if (s->none) return ST_OK;
    s->slot = slot_new(arena, child->desc);
    TRY_MEM(s->slot, err);
    TRY(snapshot_take_fresh(env->txn, &s->snap, err));
    for (int i = 0; i < child->nindexes; i++) {
        const IndexInfo *ix = &child->indexes[i];
        Datum *prefix;
        if (ix->predicate || !ix->valid || !index_serves(ix->attnums, ix->nkeyatts, c)) continue;
        TRY_NEW_N(prefix, arena, c->nkeys, err);
        for (int k = 0; k < c->nkeys; k++)
            for (int j = 0; j < c->nkeys; j++)
                if (c->keys[j] == ix->attnums[k]) prefix[k] = s->key[j];
        ScanBound bound = {.n = c->nkeys, .values = prefix, .inclusive = true};
        ScanRange range = {bound, bound, false};
        if (ix->clustered_key) return table_scan_open(env->txn, s->snap, &child->def, &range, 0, &s->scan, err);
        return index_scan_open(env->txn, s->snap, &ix->def, &range, 0, &s->scan, err);
    }
    return table_scan_open(env->txn, s->snap, &child->def, NULL, 0, &s->scan, err);
}

static STATUS child_scan_next(ChildScan *s, bool *found, Error *err)
{
    *found = false;
    if (s->none) return ST_OK;
    for (;;) {
        bool equal = true;
        TRY(INTERRUPT_CHECK(s->env->interrupt, err));
        TRY(scan_next(s->scan, s->slot, err));
        if (s->slot->empty) return ST_OK;
        for (int i = 0; i < s->c->nkeys && equal; i++) {
            int att = s->c->keys[i] - 1;
            SortKey k = {.type = s->types[i]};
            TRY(slot_decode(s->slot, att + 1, err));
            equal = !s->slot->nulls[att] && sort_key_compare(&k, s->slot->values[att], false, s->key[i], false) == 0;
        }
        *found = equal;
        if (equal) return ST_OK;
    }
}

static void child_scan_close(ChildScan *s)
{
    scan_close(s->scan);
    snapshot_release(s->snap);
}

static STATUS has_children(SessionEnv *env, const Relation *child, const ConstraintInfo *c, const Datum *key, const TypeInfo *const *types, Arena *arena,
                           bool *found, Error *err)
{
    ChildScan s;
    Status st = child_scan_open(&s, env, child, c, key, types, arena, err);
    if (!failed(st)) st = child_scan_next(&s, found, err);
    child_scan_close(&s);
    return st;
}

static STATUS parent_types(SessionEnv *env, const Relation *parent, const ConstraintInfo *c, Arena *arena, const TypeInfo ***out, Error *err)
{
    TRY_NEW_N(*out, arena, c->nkeys, err);
    for (int i = 0; i < c->nkeys; i++) TRY(column_type(env, parent, c->ref_keys[i], &(*out)[i], err));
    return ST_OK;
}

STATUS fk_row_removed(RowTarget *t, TupleSlot *old, TupleSlot *now, const Bitset *changed, Error *err)
{
    Arena *arena = &t->tuple_arena;
    for (int i = 0; i < t->rel->nreferencing; i++) {
        const ConstraintInfo *c = t->rel->referencing[i].constraint;
        const TypeInfo **types;
        Datum *key, *new_key;
        bool *new_nulls, any_null = false, same = now != NULL, found;
        const Relation *child;
        if (now && !keys_changed(c->ref_keys, c->nkeys, changed)) continue;
        TRY(parent_types(t->env, t->rel, c, arena, &types, err));
        TRY_NEW_N(key, arena, c->nkeys, err);
        TRY_NEW_N(new_key, arena, c->nkeys, err);
        TRY_NEW_N(new_nulls, arena, c->nkeys, err);
        for (int k = 0; k < c->nkeys; k++) {
            int att = c->ref_keys[k] - 1;
            SortKey sk = {.type = types[k]};
            TRY(slot_decode(old, att + 1, err));
            key[k] = old->values[att];
            any_null |= old->nulls[att];
            if (!now) continue;
            new_key[k] = now->values[att];
            new_nulls[k] = now->nulls[att];
            same &= sort_key_compare(&sk, old->values[att], old->nulls[att], now->values[att], now->nulls[att]) == 0;
        }
        if (any_null || same) continue;
        char action = now ? c->on_update : c->on_delete;
        bool deferred = false;
        if (action == 'a' || action == 'r') {
            TRY(relation_open(t->env, t->rel->referencing[i].relation, LOCK_ROW_SHARE, &child, err));
            TRY(has_children(t->env, child, c, key, types, arena, &found, err));
            if (!found) continue;
            if (action == 'r') return raise_referenced(t->env, child, t->rel, c, key, arena, err);
            deferred = constraint_is_deferred(t->env, c->oid, c->deferrable, c->deferred);
        }
        Event e = {.kind = EVENT_FK_ACTION, .relation = t->rel->oid, .constraint = c->oid, .is_delete = now == NULL, .has_new = now != NULL, .n = c->nkeys,
                   .values = key, .new_values = new_key, .new_nulls = new_nulls, .types = types};
        TRY(events_add(t->events, &e, deferred, err));
    }
    return ST_OK;
}

/* ---- actions ---- */

/* One referencing row: deleted, or its key columns changed. */
static STATUS act_on_child(RowTarget *t, const ConstraintInfo *c, TupleSlot *row, char action, bool is_delete, const Datum *new_key, const bool *new_nulls,
                           const TypeInfo *const *parent_types, Error *err)
{
    Arena *arena = &t->tuple_arena;
    TupleSlot *newest = slot_new(arena, t->rel->desc), *updated;
    Bitset *changed = NULL;
    RowLockOutcome outcome;
    TRY_MEM(newest, err);
    int n = action != 'c' && is_delete && c->n_set_cols ? c->n_set_cols : c->nkeys;
    const int16_t *cols = n == c->nkeys ? c->keys : c->set_cols;
    for (int i = 0; i < n; i++) {
        changed = bitset_add(changed, arena, cols[i]);
        TRY_MEM(changed, err);
    }
    bool removing = action == 'c' && is_delete;
    TRY(row_lock(t->env->txn, &t->rel->def, row, removing ? ROW_UPDATE : row_target_strength(t, changed), LOCK_WAIT, newest, arena, &outcome, err));
    if (outcome == ROWLOCK_DELETED) return ST_OK;
    TupleSlot *old = outcome == ROWLOCK_UPDATED ? newest : row;
    if (removing) return row_target_delete(t, old, err);
    updated = slot_new(arena, t->rel->desc);
    TRY_MEM(updated, err);
    TRY(slot_copy(updated, old, arena, err));
    for (int i = 0; i < n; i++) {
        int att = cols[i] - 1;
        updated->values[att] = 0;
        updated->nulls[att] = true;
        if (action == 'c') {
            const TypeInfo *to;
            bool fits;
            updated->nulls[att] = new_nulls[i];
            if (new_nulls[i]) continue;
            updated->values[att] = new_key[i];
            TRY(column_type(t->env, t->rel, cols[i], &to, err));
            TRY(convert_value(t->env, parent_types[i], to, arena, &updated->values[att], &fits, err));
            if (!fits) return error_set(err, ERR_NUMERIC_VALUE_OUT_OF_RANGE, "%s out of range", format_type_text(t->env, to->oid, -1, arena));
        } else if (action == 'd' && t->rel->columns[att].default_expr && !t->rel->columns[att].generated) {
            ExprProgram *prog;
            t->ec.scan = updated;
            TRY(expr_compile(t->env, t->rel->columns[att].default_expr, arena, &prog, err));
            TRY(expr_eval(prog, &t->ec, &updated->values[att], &updated->nulls[att], err));
        }
    }
    return row_target_update(t, old, updated, changed, err);
}

static const ConstraintInfo *find_referencing(const Relation *parent, Oid constraint, Oid *child)
{
    for (int i = 0; i < parent->nreferencing; i++)
        if (parent->referencing[i].constraint->oid == constraint) {
            *child = parent->referencing[i].relation;
            return parent->referencing[i].constraint;
        }
    return NULL;
}

STATUS fk_act(EventQueue *q, Oid parent_oid, Oid constraint, bool is_delete, const Datum *old_key, const Datum *new_key, const bool *new_nulls, Error *err)
{
    SessionEnv *env = events_env(q);
    Arena *arena = events_scratch(q);
    const Relation *parent, *child;
    const TypeInfo **types;
    Oid child_oid = INVALID_OID;
    bool found;
    TRY(relation_try_open(env, parent_oid, LOCK_ROW_SHARE, &parent, err));
    const ConstraintInfo *c = parent ? find_referencing(parent, constraint, &child_oid) : NULL;
    if (!c) return ST_OK;
    TRY(parent_types(env, parent, c, arena, &types, err));
    char action = is_delete ? c->on_delete : c->on_update;
    if (action == 'a' || action == 'r') {
        TRY(relation_open(env, child_oid, LOCK_ROW_SHARE, &child, err));
        TRY(find_parent(env, parent, c, old_key, types, false, arena, &found, err));
        if (found) return ST_OK; /* somebody has the key again */
        TRY(has_children(env, child, c, old_key, types, arena, &found, err));
        return found ? raise_referenced(env, child, parent, c, old_key, arena, err) : ST_OK;
    }
    RowTarget *t;
    ChildScan s = {0};
    TRY(events_target(q, child_oid, &t, err));
    Status st = child_scan_open(&s, env, t->rel, c, old_key, types, arena, err);
    while (!failed(st)) {
        st = child_scan_next(&s, &found, err);
        if (failed(st) || !found) break;
        row_target_begin(t);
        st = act_on_child(t, c, s.slot, action, is_delete, new_key, new_nulls, types, err);
    }
    child_scan_close(&s);
    return st;
}
