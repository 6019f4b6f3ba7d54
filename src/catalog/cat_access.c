/* Reading and writing catalog rows: built-in ones joined with those of the store. */
#include <assert.h>
#include <stdlib.h>

#include "catalog/cat_access.h"
#include "catalog/catalog_internal.h"

enum { MAX_KEYS = 4 };

struct CatScan {
    SessionEnv *env;
    const CatTable *ct;
    const CatIndex *index; /* NULL: whole catalog */
    int nkeys;
    Datum keys[MAX_KEYS];
    int16_t attnums[MAX_KEYS];
    Arena *arena;
    const Snapshot *snap;
    const BuiltinTable *builtin;
    BuiltinRange range;
    int next_builtin;
    bool show_all;         /* functions without code too */
    bool from_builtin;
    bool point;            /* all columns of a unique index are given: at most one row */
    Scan *scan;            /* of the store; NULL until the built-in rows are through, or when it cannot have such rows */
    bool store_done;
    TupleSlot *slot;
};

Datum cat_name_key(Arena *arena, const char *name) { return varlena_cstr(arena, name); }

/* Columns that hold OIDs of built-in objects (below 16384) in built-in rows only: the store need not be asked for them. */
static const struct { Oid catalog; int16_t att; } builtin_keys[] = {
    {REL_pg_class, ATT_pg_class_oid}, {REL_pg_attribute, ATT_pg_attribute_attrelid}, {REL_pg_type, ATT_pg_type_oid},
    {REL_pg_proc, ATT_pg_proc_oid}, {REL_pg_operator, ATT_pg_operator_oid}, {REL_pg_index, ATT_pg_index_indrelid},
    {REL_pg_index, ATT_pg_index_indexrelid}, {REL_pg_attrdef, ATT_pg_attrdef_adrelid}, {REL_pg_rewrite, ATT_pg_rewrite_ev_class},
    {REL_pg_trigger, ATT_pg_trigger_tgrelid}, {REL_pg_statistic, ATT_pg_statistic_starelid}, {REL_pg_inherits, ATT_pg_inherits_inhrelid},
    {REL_pg_inherits, ATT_pg_inherits_inhparent}, {REL_pg_opclass, ATT_pg_opclass_oid}, {REL_pg_am, ATT_pg_am_oid},
    {REL_pg_collation, ATT_pg_collation_oid}, {REL_pg_language, ATT_pg_language_oid}, {REL_pg_aggregate, ATT_pg_aggregate_aggfnoid},
    {REL_pg_tablespace, ATT_pg_tablespace_oid}, {REL_pg_sequence, ATT_pg_sequence_seqrelid}, {REL_pg_policy, ATT_pg_policy_polrelid},
};

static bool only_builtin_rows(const CatScan *s)
{
    if (!s->nkeys || datum_get_oid(s->keys[0]) >= FIRST_NORMAL_OID) return false;
    for (size_t i = 0; i < sizeof builtin_keys / sizeof builtin_keys[0]; i++)
        if (builtin_keys[i].catalog == s->ct->cf->relid && builtin_keys[i].att == s->attnums[0]) return true;
    return false;
}

static STATUS scan_start(CatScan *s, Error *err)
{
    s->builtin = builtin_table(s->ct->cf->relid);
    if (s->builtin) s->range = s->nkeys ? builtin_lookup(s->builtin, s->attnums[0], s->keys[0]) : builtin_all(s->builtin);
    s->point = s->index && s->index->def.unique && s->nkeys == s->index->nkey;
    s->store_done = only_builtin_rows(s);
    s->slot = slot_new(s->arena, s->ct->desc);
    TRY_MEM(s->slot, err);
    return ST_OK;
}

STATUS cat_scan_open_at(SessionEnv *env, Oid catalog, Oid index, int nkeys, const Datum *keys, const Snapshot *snap, bool show_all,
                        Arena *arena, CatScan **out, Error *err)
{
    CatScan *s;
    TRY_NEW(s, arena, err);
    TRY(cat_table(catalog, &s->ct, err));
    s->env = env;
    s->arena = arena;
    s->snap = snap;
    s->show_all = show_all;
    if (index) {
        s->index = cat_table_index(s->ct, index);
        if (!s->index) return error_set(err, ERR_INTERNAL_ERROR, "index %u does not belong to %s", index, s->ct->name);
        if (nkeys > s->index->nkey) nkeys = s->index->nkey;
    }
    assert(nkeys <= MAX_KEYS && (index || nkeys == 0));
    s->nkeys = nkeys;
    for (int i = 0; i < nkeys; i++) {
        s->keys[i] = keys[i];
        s->attnums[i] = s->index->attnums[i];
    }
    TRY(scan_start(s, err));
    *out = s;
    return ST_OK;
}

STATUS cat_scan_open(SessionEnv *env, Oid catalog, Oid index, int nkeys, const Datum *keys, Arena *arena, CatScan **out, Error *err)
{
    return cat_scan_open_at(env, catalog, index, nkeys, keys, SNAPSHOT_LATEST, true, arena, out, err);
}

STATUS cat_scan_open_stored(SessionEnv *env, Oid catalog, Oid index, int nkeys, const Datum *keys, Arena *arena, CatScan **out, Error *err)
{
    TRY(cat_scan_open(env, catalog, index, nkeys, keys, arena, out, err));
    (*out)->builtin = NULL;
    return ST_OK;
}

void cat_scan_close(CatScan *s)
{
    if (s && s->scan) scan_close(s->scan);
    if (s) s->scan = NULL;
}

bool cat_scan_is_builtin(const CatScan *s) { return s->from_builtin; }

/* Some built-in tables have holes: a function without description, an index without constraint. */
static bool builtin_row_counts(const CatScan *s, const void *form)
{
    switch (s->ct->cf->relid) {
    case REL_pg_description: return ((const Form_pg_description *)form)->description != NULL;
    case REL_pg_constraint: return ((const Form_pg_constraint *)form)->contype != 0;
    case REL_pg_proc: return s->show_all || proc_has_code(((const Form_pg_proc *)form)->oid);
    default: return true;
    }
}

static STATUS next_builtin(CatScan *s, const void **form, Error *err)
{
    const CatForm *cf = s->ct->cf;
    AnyForm buf;
    while (s->builtin && s->next_builtin < s->range.n) {
        bool match = true;
        memset(&buf, 0, cf->form_bytes);
        ArenaMark mark = arena_mark(s->arena);
        if (!s->builtin->fill(builtin_row(s->range, s->next_builtin++), s->arena, &buf)) return error_out_of_memory(err, 0);
        for (int k = 0; match && k < s->nkeys; k++) match = catform_field_equals(cf, &buf, s->attnums[k], s->keys[k]);
        if (match && builtin_row_counts(s, &buf)) {
            *form = arena_memdup(s->arena, &buf, cf->form_bytes);
            TRY_MEM(*form, err);
            return ST_OK;
        }
        arena_release(s->arena, mark);
    }
    *form = NULL;
    return ST_OK;
}

static STATUS open_store(CatScan *s, Error *err)
{
    ScanBound bound = {.n = s->nkeys, .values = s->keys, .inclusive = true};
    ScanRange range = {.low = bound, .high = bound};
    const ScanRange *r = s->nkeys ? &range : NULL;
    if (!s->index || s->index->clustered) return table_scan_open(s->env->txn, s->snap, &s->ct->def, r, 0, &s->scan, err);
    return index_scan_open(s->env->txn, s->snap, &s->index->def, r, 0, &s->scan, err);
}

static STATUS slot_to_form(const CatTable *ct, TupleSlot *slot, Arena *arena, const void **form, Error *err)
{
    void *f = arena_zalloc(arena, ct->cf->form_bytes);
    TRY_MEM(f, err);
    TRY(slot_decode_all(slot, err));
    TRY(catform_from_values(ct->cf, slot->values, slot->nulls, arena, f, err));
    const CatField *fields = catform_fields(ct->cf);
    for (int i = 0; i < ct->cf->natts; i++) { /* arrays were borrowed from the slot */
        if (fields[i].kind != CATKIND_ARRAY) continue;
        Datum *d = (Datum *)((char *)f + fields[i].offset);
        if (*d) TRY(datum_copy(arena, *d, false, -1, d, err));
    }
    *form = f;
    return ST_OK;
}

/* The one row of a unique key: no iterator. */
static STATUS get_stored(CatScan *s, const void **form, Error *err)
{
    *form = NULL;
    s->store_done = true;
    TRY(s->index->clustered ? table_get(s->env->txn, s->snap, &s->ct->def, s->keys, s->slot, s->arena, err)
                            : index_get(s->env->txn, s->snap, &s->index->def, s->keys, s->slot, s->arena, err));
    return s->slot->empty ? ST_OK : slot_to_form(s->ct, s->slot, s->arena, form, err);
}

STATUS cat_scan_next(CatScan *s, const void **form, Error *err)
{
    *form = NULL;
    s->from_builtin = false;
    if (!s->scan) {
        TRY(next_builtin(s, form, err));
        s->from_builtin = *form != NULL;
        if (*form) {
            s->store_done |= s->point;
            return ST_OK;
        }
        if (s->store_done) return ST_OK;
        if (s->point) return get_stored(s, form, err);
        TRY(open_store(s, err));
    }
    TRY(scan_next(s->scan, s->slot, err));
    if (s->slot->empty) {
        s->store_done = true;
        s->builtin = NULL;
        cat_scan_close(s);
        return ST_OK;
    }
    return slot_to_form(s->ct, s->slot, s->arena, form, err);
}

/* ---- single rows ---- */
STATUS cat_get(SessionEnv *env, Oid catalog, Oid index, int nkeys, const Datum *keys, Arena *arena, const void **form, Error *err)
{
    CatScan *s = NULL;
    TRY(cat_scan_open(env, catalog, index, nkeys, keys, arena, &s, err));
    Status st = cat_scan_next(s, form, err);
    cat_scan_close(s);
    return st;
}

STATUS cat_get_by_oid(SessionEnv *env, Oid catalog, Oid index, Oid oid, Arena *arena, const void **form, Error *err)
{
    Datum key = datum_oid(oid);
    return cat_get(env, catalog, index, 1, &key, arena, form, err);
}

/* ---- writing ---- */
STATUS cat_new_oid(SessionEnv *env, Oid *out, Error *err) { return database_new_oid(env->cluster, env->db, out, err); }
STATUS cat_new_shared_oid(SessionEnv *env, Oid *out, Error *err) { return database_new_oid(env->cluster, NULL, out, err); }

STATUS cat_new_storage_id(SessionEnv *env, Oid *out, Error *err)
{
    uint32_t id;
    TRY(database_new_storage_id(env->db, &id, err));
    *out = id;
    return ST_OK;
}

static STATUS form_to_slot(const CatTable *ct, const void *form, Arena *arena, TupleSlot **out, Error *err)
{
    TupleSlot *slot = slot_new(arena, ct->desc);
    TRY_MEM(slot, err);
    TRY(catform_to_values(ct->cf, form, arena, slot->values, slot->nulls, err));
    slot_store_virtual(slot);
    slot->table_oid = ct->cf->relid;
    *out = slot;
    return ST_OK;
}

static void index_values(const CatIndex *ix, const TupleSlot *row, Datum *values, bool *nulls)
{
    for (int i = 0; i < ix->nkey; i++) {
        values[i] = row->values[ix->attnums[i] - 1];
        nulls[i] = row->nulls[ix->attnums[i] - 1];
    }
}

static STATUS duplicate_error(const CatTable *ct, const char *index, Error *err)
{
    error_set(err, ERR_UNIQUE_VIOLATION, "duplicate key value violates unique constraint \"%s\"", index);
    return error_names(err, "pg_catalog", ct->name, NULL, NULL, index);
}

STATUS cat_raw_insert(Txn *txn, Oid catalog, const void *form, Arena *arena, Error *err)
{
    const CatTable *ct;
    TupleSlot *slot;
    WriteOutcome outcome;
    TRY(cat_table(catalog, &ct, err));
    TRY(form_to_slot(ct, form, arena, &slot, err));
    TRY(table_insert(txn, &ct->def, slot, arena, &outcome, err));
    if (outcome == WRITE_DUPLICATE) return duplicate_error(ct, ct->pkey ? ct->pkey->name : ct->name, err);
    for (int i = 0; i < ct->nindexes; i++) {
        const CatIndex *ix = &ct->indexes[i];
        Datum values[MAX_KEYS];
        bool nulls[MAX_KEYS];
        Slice conflict;
        if (ix->clustered) continue;
        index_values(ix, slot, values, nulls);
        TRY(index_insert(txn, &ix->def, values, nulls, slot->key, true, arena, &outcome, &conflict, err));
        if (outcome == WRITE_DUPLICATE) return duplicate_error(ct, ix->name, err);
    }
    return ST_OK;
}

STATUS cat_insert(SessionEnv *env, Oid catalog, const void *form, Error *err)
{
    Arena tmp;
    arena_init(&tmp, env->account, 0);
    Status st = cat_raw_insert(env->txn, catalog, form, &tmp, err);
    if (!failed(st)) st = cache_note_write(env, catalog, NULL, form, err);
    arena_destroy(&tmp);
    return st;
}

static STATUS lock_row(Txn *txn, const CatTable *ct, TupleSlot *seen, Arena *arena, Error *err)
{
    TupleSlot *newest = slot_new(arena, ct->desc);
    RowLockOutcome outcome;
    TRY_MEM(newest, err);
    TRY(row_lock(txn, &ct->def, seen, ROW_UPDATE, LOCK_WAIT, newest, arena, &outcome, err));
    if (outcome == ROWLOCK_UPDATED) return error_set(err, ERR_INTERNAL_ERROR, "tuple concurrently updated");
    if (outcome != ROWLOCK_OK) return error_set(err, ERR_INTERNAL_ERROR, "tuple concurrently deleted");
    return ST_OK;
}

static bool same_index_values(const CatIndex *ix, const TupleSlot *a, const TupleSlot *b)
{
    for (int i = 0; i < ix->nkey; i++) {
        int c = ix->attnums[i] - 1;
        const TypeInfo *t = ix->def.columns[i].type;
        if (a->nulls[c] != b->nulls[c]) return false;
        if (!a->nulls[c] && (!t->compare || t->compare(t, a->values[c], b->values[c]) != 0)) return false;
    }
    return true;
}

static STATUS update_row(Txn *txn, const CatTable *ct, TupleSlot *old, const void *form, Arena *arena, Error *err)
{
    TupleSlot *row;
    WriteOutcome outcome;
    TRY(form_to_slot(ct, form, arena, &row, err));
    TRY(slot_materialize(old, arena, err));
    TRY(lock_row(txn, ct, old, arena, err));
    TRY(table_update(txn, &ct->def, old, row, arena, &outcome, err));
    if (outcome == WRITE_DUPLICATE) return duplicate_error(ct, ct->pkey ? ct->pkey->name : ct->name, err);
    bool moved = !slice_equal(old->key, row->key);
    for (int i = 0; i < ct->nindexes; i++) {
        const CatIndex *ix = &ct->indexes[i];
        Datum values[MAX_KEYS];
        bool nulls[MAX_KEYS];
        Slice conflict;
        if (ix->clustered || (!moved && same_index_values(ix, old, row))) continue;
        index_values(ix, old, values, nulls);
        TRY(index_delete(txn, &ix->def, values, nulls, old->key, err));
        index_values(ix, row, values, nulls);
        TRY(index_insert(txn, &ix->def, values, nulls, row->key, true, arena, &outcome, &conflict, err));
        if (outcome == WRITE_DUPLICATE) return duplicate_error(ct, ix->name, err);
    }
    return ST_OK;
}

static STATUS delete_row(Txn *txn, const CatTable *ct, TupleSlot *old, Arena *arena, Error *err)
{
    TRY(slot_materialize(old, arena, err));
    TRY(lock_row(txn, ct, old, arena, err));
    for (int i = 0; i < ct->nindexes; i++) {
        const CatIndex *ix = &ct->indexes[i];
        Datum values[MAX_KEYS];
        bool nulls[MAX_KEYS];
        if (ix->clustered) continue;
        index_values(ix, old, values, nulls);
        TRY(index_delete(txn, &ix->def, values, nulls, old->key, err));
    }
    return table_delete(txn, &ct->def, old, err);
}

static STATUS builtin_is_fixed(const CatTable *ct, Error *err)
{
    return error_set(err, ERR_FEATURE_NOT_SUPPORTED, "cannot change a built-in row of %s", ct->name);
}

STATUS cat_scan_update(CatScan *s, const void *form, Error *err)
{
    const void *old;
    TupleSlot copy = *s->slot;
    if (s->from_builtin) return builtin_is_fixed(s->ct, err);
    TRY(slot_to_form(s->ct, s->slot, s->arena, &old, err));
    TRY(update_row(s->env->txn, s->ct, s->slot, form, s->arena, err));
    (void)copy;
    return cache_note_write(s->env, s->ct->cf->relid, old, form, err);
}

STATUS cat_scan_delete(CatScan *s, Error *err)
{
    const void *old;
    if (s->from_builtin) return builtin_is_fixed(s->ct, err);
    TRY(slot_to_form(s->ct, s->slot, s->arena, &old, err));
    TRY(delete_row(s->env->txn, s->ct, s->slot, s->arena, err));
    return cache_note_write(s->env, s->ct->cf->relid, old, NULL, err);
}

static Datum form_key(const CatTable *ct, const void *form, int att)
{
    const CatField *f = catform_fields(ct->cf) + att - 1;
    const void *p = (const char *)form + f->offset;
    switch ((CatKind)f->kind) {
    case CATKIND_OID: return datum_oid(*(const Oid *)p);
    case CATKIND_BOOL: return datum_bool(*(const bool *)p);
    case CATKIND_INT2: return datum_i16(*(const int16_t *)p);
    case CATKIND_INT4: return datum_i32(*(const int32_t *)p);
    default: assert(!"kind of a catalog's primary key"); return 0;
    }
}

static STATUS update_by_key(SessionEnv *env, const CatTable *ct, const void *form, Arena *arena, Error *err)
{
    Datum keys[MAX_KEYS];
    const void *old;
    TupleSlot *slot = slot_new(arena, ct->desc);
    TRY_MEM(slot, err);
    if (!ct->pkey) return error_set(err, ERR_INTERNAL_ERROR, "catalog %s has no primary key", ct->name);
    for (int i = 0; i < ct->pkey->nkey; i++) keys[i] = form_key(ct, form, ct->pkey->attnums[i]);
    TRY(table_get(env->txn, SNAPSHOT_LATEST, &ct->def, keys, slot, arena, err));
    if (slot->empty && datum_get_oid(keys[0]) < FIRST_NORMAL_OID) return builtin_is_fixed(ct, err);
    if (slot->empty) return error_set(err, ERR_INTERNAL_ERROR, "cache lookup failed for a row of %s", ct->name);
    TRY(slot_to_form(ct, slot, arena, &old, err));
    TRY(update_row(env->txn, ct, slot, form, arena, err));
    return cache_note_write(env, ct->cf->relid, old, form, err);
}

STATUS cat_update(SessionEnv *env, Oid catalog, const void *form, Error *err)
{
    const CatTable *ct;
    Arena tmp;
    TRY(cat_table(catalog, &ct, err));
    arena_init(&tmp, env->account, 0);
    Status st = update_by_key(env, ct, form, &tmp, err);
    arena_destroy(&tmp);
    return st;
}

STATUS cat_delete(SessionEnv *env, Oid catalog, Oid index, int nkeys, const Datum *keys, int *n, Error *err)
{
    Arena tmp;
    CatScan *s = NULL;
    const void *form;
    int count = 0;
    arena_init(&tmp, env->account, 0);
    Status st = cat_scan_open(env, catalog, index, nkeys, keys, &tmp, &s, err);
    while (!failed(st)) {
        st = cat_scan_next(s, &form, err);
        if (failed(st) || !form) break;
        if (cat_scan_is_builtin(s)) continue;
        st = cat_scan_delete(s, err);
        count++;
    }
    cat_scan_close(s);
    arena_destroy(&tmp);
    if (n) *n = count;
    return st;
}

STATUS cat_drop_storage(SessionEnv *env, const Form_pg_class *cls, Error *err)
{
    if (!cls->relfilenode) return ST_OK;
    StorePlace place = cls->relpersistence == 't' ? STORE_TEMP : cls->relisshared ? STORE_GLOBAL : STORE_DATABASE;
    return txn_drop_storage(env->txn, place, cls->relfilenode, err);
}

/* ---- defaults of new rows ---- */
void cat_class_defaults(Form_pg_class *f)
{
    *f = (Form_pg_class){.reltuples = -1, .relpersistence = 'p', .relispopulated = true, .relreplident = 'd'};
}

void cat_attribute_defaults(Form_pg_attribute *f)
{
    *f = (Form_pg_attribute){.attstattarget = -1, .attcacheoff = -1, .atttypmod = -1, .attislocal = true};
}

void cat_type_defaults(Form_pg_type *f)
{
    *f = (Form_pg_type){.typlen = -1, .typtype = 'b', .typcategory = 'U', .typisdefined = true, .typdelim = ',', .typalign = 'i',
                        .typstorage = 'x', .typtypmod = -1};
}

void cat_constraint_defaults(Form_pg_constraint *f)
{
    *f = (Form_pg_constraint){.convalidated = true, .conislocal = true, .confupdtype = ' ', .confdeltype = ' ', .confmatchtype = ' '};
}

void cat_index_defaults(Form_pg_index *f)
{
    *f = (Form_pg_index){.indimmediate = true, .indisvalid = true, .indisready = true, .indislive = true};
}

void cat_proc_defaults(Form_pg_proc *f)
{
    *f = (Form_pg_proc){.procost = 100, .prokind = 'f', .provolatile = 'v', .proparallel = 'u'};
}

/* ---- comments ---- */
STATUS cat_set_comment(SessionEnv *env, Oid classid, Oid objid, int subid, const char *text, Error *err)
{
    bool shared = classid == REL_pg_database || classid == REL_pg_authid || classid == REL_pg_tablespace;
    Datum keys[3] = {datum_oid(objid), datum_oid(classid), datum_i32(subid)};
    if (shared) {
        Form_pg_shdescription f = {objid, classid, text};
        TRY(cat_delete(env, REL_pg_shdescription, IDX_shdescription_o_c, 2, keys, NULL, err));
        return text && *text ? cat_insert(env, REL_pg_shdescription, &f, err) : ST_OK;
    }
    Form_pg_description f = {objid, classid, subid, text};
    TRY(cat_delete(env, REL_pg_description, IDX_description_o_c_o, 3, keys, NULL, err));
    return text && *text ? cat_insert(env, REL_pg_description, &f, err) : ST_OK;
}

const char *cat_comment(SessionEnv *env, Oid classid, Oid objid, int subid, Arena *arena)
{
    bool shared = classid == REL_pg_database || classid == REL_pg_authid || classid == REL_pg_tablespace;
    Datum keys[3] = {datum_oid(objid), datum_oid(classid), datum_i32(subid)};
    const void *form = NULL;
    Status st = shared ? cat_get(env, REL_pg_shdescription, IDX_shdescription_o_c, 2, keys, arena, &form, NULL)
                       : cat_get(env, REL_pg_description, IDX_description_o_c_o, 3, keys, arena, &form, NULL);
    if (failed(st) || !form) return NULL;
    return shared ? ((const Form_pg_shdescription *)form)->description : ((const Form_pg_description *)form)->description;
}
