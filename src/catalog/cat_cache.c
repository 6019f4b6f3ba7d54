/* The caches of descriptors.
 *
 * Shared (one a database): (kind, key) -> Entry. Private: what this session has pinned, plus what it built while its own transaction had
 * uncommitted DDL on it. The protocol of DESIGN section 4:
 *   - a descriptor is read after the relation lock is held, from the newest committed state, and is installed in the shared map only if no
 *     invalidation came in between (generation unchanged);
 *   - own DDL marks the relation dirty: until the transaction ends its descriptors are built privately;
 *   - after commit is visible and before locks are released, dirty relations are taken out of the shared map and marked stale. */
#include <assert.h>
#include <stdlib.h>

#include "catalog/catalog_internal.h"

enum { PINS_MAX = 64 /* kept from one statement to the next */, SHARED_BYTES_MAX = 2 << 20 };

STATUS catalog_open(Cluster *cluster, Database *db, Catalog **out, Error *err)
{
    Catalog *cat = calloc(1, sizeof *cat);
    if (!cat) return error_out_of_memory(err, sizeof *cat);
    cat->cluster = cluster;
    cat->db = db;
    cat->database_oid = database_oid(db);
    mutex_init(&cat->lock);
    mem_account_init(&cat->account, cluster_account(cluster), "catalog cache", 0);
    cat->generation = 1;
    for (int i = 0; i < ENTRY_KINDS; i++)
        if (!(cat->entries[i] = hashmap_new(&cat->account))) {
            catalog_close(cat);
            return error_out_of_memory(err, 0);
        }
    *out = cat;
    return ST_OK;
}

static void entry_unref(Entry *e)
{
    if (atomic_fetch_sub(&e->refs, 1) != 1) return;
    arena_destroy(&e->arena);
    free(e);
}

static void drop_all_shared(Catalog *cat) /* caller holds lock, or is alone */
{
    for (int i = 0; i < ENTRY_KINDS; i++) {
        size_t pos = 0;
        Slice key;
        void *value;
        if (!cat->entries[i]) continue;
        while (hashmap_next(cat->entries[i], &pos, &key, &value)) {
            Entry *e = value;
            if (!e->pinned_object) atomic_store(&e->stale, true);
            entry_unref(e);
        }
        hashmap_free(cat->entries[i]);
        cat->entries[i] = hashmap_new(&cat->account);
    }
    cat->entry_bytes = 0;
    atomic_fetch_add(&cat->purges, 1);
}

void catalog_close(Catalog *cat)
{
    if (!cat) return;
    drop_all_shared(cat);
    for (int i = 0; i < ENTRY_KINDS; i++) hashmap_free(cat->entries[i]);
    for (int i = 0; i < cat->nkept; i++) entry_unref(cat->kept[i]);
    free(cat->kept);
    mutex_destroy(&cat->lock);
    free(cat);
}

void cache_keep_forever(Catalog *cat, Entry *e)
{
    mutex_lock(&cat->lock);
    if (cat->nkept == cat->kept_capacity) {
        int cap = cat->kept_capacity ? cat->kept_capacity * 2 : 16;
        Entry **p = realloc(cat->kept, (size_t)cap * sizeof *p);
        if (p) {
            cat->kept = p;
            cat->kept_capacity = cap;
        }
    }
    atomic_fetch_add(&e->refs, 1);
    if (cat->nkept < cat->kept_capacity) cat->kept[cat->nkept++] = e; /* else it is only not freed at the end */
    mutex_unlock(&cat->lock);
}

/* ---- the session's pins ---- */
static uint32_t pin_hash(EntryKind kind, uint64_t key)
{
    uint64_t h = (key ^ ((uint64_t)kind << 61)) * 0x9E3779B97F4A7C15ull;
    return (uint32_t)(h >> 32);
}

static PinSlot *pin_find(CatSession *cs, EntryKind kind, uint64_t key)
{
    if (!cs->pin_capacity) return NULL;
    uint32_t mask = (uint32_t)cs->pin_capacity - 1;
    for (uint32_t i = pin_hash(kind, key) & mask;; i = (i + 1) & mask) {
        PinSlot *s = &cs->pins[i];
        if (!s->entry) return NULL;
        if (s->key == key && s->kind == kind) return s;
    }
}

static bool pin_grow(CatSession *cs)
{
    int old = cs->pin_capacity, cap = old ? old * 2 : 32;
    PinSlot *slots = calloc((size_t)cap, sizeof *slots), *from = cs->pins;
    if (!slots) return false;
    for (int i = 0; i < old; i++) {
        if (!from[i].entry) continue;
        uint32_t at = pin_hash(from[i].kind, from[i].key) & (uint32_t)(cap - 1);
        while (slots[at].entry) at = (at + 1) & (uint32_t)(cap - 1);
        slots[at] = from[i];
    }
    free(from);
    cs->pins = slots;
    cs->pin_capacity = cap;
    return true;
}

static bool retire(CatSession *cs, Entry *e)
{
    if (cs->nretired == cs->retired_capacity) {
        int cap = cs->retired_capacity ? cs->retired_capacity * 2 : 16;
        Entry **p = realloc(cs->retired, (size_t)cap * sizeof *p);
        if (!p) return false; /* leaks one reference: the entry outlives the session's interest, nothing dangles */
        cs->retired = p;
        cs->retired_capacity = cap;
    }
    cs->retired[cs->nretired++] = e;
    return true;
}

/* The session's reference passes to the table (replacing what was there). */
static STATUS pin_put(CatSession *cs, Entry *e, Error *err)
{
    PinSlot *s = pin_find(cs, e->kind, e->key);
    if (s) {
        retire(cs, s->entry);
        s->entry = e;
        return ST_OK;
    }
    if ((cs->npins + 1) * 4 > cs->pin_capacity * 3 && !pin_grow(cs)) {
        entry_unref(e);
        return error_out_of_memory(err, 0);
    }
    uint32_t mask = (uint32_t)cs->pin_capacity - 1, i = pin_hash(e->kind, e->key) & mask;
    while (cs->pins[i].entry) i = (i + 1) & mask;
    cs->pins[i] = (PinSlot){e->key, e, (uint8_t)e->kind};
    cs->npins++;
    return ST_OK;
}

static void unpin_all(CatSession *cs, bool at_statement_end)
{
    for (int i = 0; i < cs->pin_capacity; i++) {
        if (!cs->pins[i].entry) continue;
        if (at_statement_end) entry_unref(cs->pins[i].entry);
        else retire(cs, cs->pins[i].entry);
        cs->pins[i].entry = NULL;
    }
    cs->npins = 0;
}

void catalog_statement_end(SessionEnv *env)
{
    CatSession *cs = env->cat;
    if (!cs) return;
    for (int i = 0; i < cs->nretired; i++) entry_unref(cs->retired[i]);
    cs->nretired = 0;
    cs->nrole_names = 0;
    /* A full cache was emptied: let go too, or its memory would stay with us. */
    uint64_t purges = atomic_load_explicit(&env->catalog->purges, memory_order_relaxed);
    if (cs->npins > PINS_MAX || cs->purges != purges) unpin_all(cs, true);
    cs->purges = purges;
}

/* ---- reading through ---- */
static bool is_dirty(const CatSession *cs, EntryKind kind, uint64_t key)
{
    if (cs->dirty_all) return true;
    if (kind != ENTRY_RELATION && kind != ENTRY_STATS) return cs->dirty_new;
    for (int i = 0; i < cs->ndirty; i++)
        if (cs->dirty[i] == (Oid)key) return true;
    return false;
}

static bool entry_usable(SessionEnv *env, const Entry *e)
{
    if (e->pinned_object) return true;
    if (atomic_load_explicit(&e->stale, memory_order_acquire)) return false;
    /* One that was not shared has nobody to mark it stale; it is good while nothing at all changed. */
    return e->shared || e->generation == atomic_load(&env->catalog->generation);
}

static Entry *shared_find(Catalog *cat, EntryKind kind, uint64_t key)
{
    mutex_lock(&cat->lock);
    Entry *e = hashmap_get(cat->entries[kind], slice_of(&key, sizeof key));
    if (e) atomic_fetch_add(&e->refs, 1);
    mutex_unlock(&cat->lock);
    return e;
}

/* Takes a reference for the map if nothing changed since the entry was read. */
static void shared_install(Catalog *cat, Entry *e)
{
    mutex_lock(&cat->lock);
    bool same = e->pinned_object || atomic_load(&cat->generation) == e->generation;
    if (same && !hashmap_get(cat->entries[e->kind], slice_of(&e->key, sizeof e->key))) {
        if (cat->entry_bytes > SHARED_BYTES_MAX) drop_all_shared(cat);
        if (cat->entries[e->kind] && hashmap_put(cat->entries[e->kind], slice_of(&e->key, sizeof e->key), e)) {
            atomic_fetch_add(&e->refs, 1);
            e->shared = true;
            cat->entry_bytes += (int64_t)e->arena.total_bytes;
        }
    }
    mutex_unlock(&cat->lock);
}

STATUS cache_get(SessionEnv *env, EntryKind kind, uint64_t key, bool builtin, EntryBuild build, Entry **out, Error *err)
{
    CatSession *cs = env->cat;
    PinSlot *s = pin_find(cs, kind, key);
    if (likely(s && entry_usable(env, s->entry))) {
        *out = s->entry;
        return ST_OK;
    }
    bool dirty = !builtin && is_dirty(cs, kind, key);
    Entry *e = dirty ? NULL : shared_find(env->catalog, kind, key);
    if (e) {
        *out = e;
        return pin_put(cs, e, err);
    }
    e = calloc(1, sizeof *e);
    if (!e) return error_out_of_memory(err, sizeof *e);
    arena_init(&e->arena, &env->catalog->account, kind == ENTRY_RELATION ? 2048 : 512);
    e->refs = 1;
    e->kind = kind;
    e->key = key;
    e->pinned_object = builtin;
    e->generation = atomic_load(&env->catalog->generation);
    e->version = atomic_fetch_add(&env->catalog->next_version, 1) + 1;
    Status st = build(env, e, err);
    if (failed(st)) {
        entry_unref(e);
        return st;
    }
    if (!dirty && (e->object || builtin)) shared_install(env->catalog, e);
    *out = e;
    return pin_put(cs, e, err);
}

bool cache_is_current(SessionEnv *env, EntryKind kind, uint64_t key, uint64_t version)
{
    PinSlot *s = pin_find(env->cat, kind, key);
    if (s && entry_usable(env, s->entry)) return s->entry->version == version;
    if (is_dirty(env->cat, kind, key)) return false;
    Entry *e = shared_find(env->catalog, kind, key);
    bool same = e && e->version == version;
    if (e) entry_unref(e);
    return same;
}

bool catalog_version_ok(SessionEnv *env, Oid relation, uint64_t version)
{
    return cache_is_current(env, ENTRY_RELATION, relation, version);
}

uint64_t catalog_generation(SessionEnv *env)
{
    return atomic_load_explicit(&env->catalog->generation, memory_order_acquire) + env->cat->private_generation;
}

/* ---- invalidation ---- */
static void remove_shared(Catalog *cat, EntryKind kind, uint64_t key) /* caller holds lock */
{
    Entry *e = hashmap_remove(cat->entries[kind], slice_of(&key, sizeof key));
    if (!e) return;
    atomic_store_explicit(&e->stale, true, memory_order_release);
    cat->entry_bytes -= (int64_t)e->arena.total_bytes;
    entry_unref(e);
}

static void shared_invalidate(Catalog *cat, const CatSession *cs)
{
    mutex_lock(&cat->lock);
    atomic_fetch_add(&cat->generation, 1);
    if (cs->dirty_all) drop_all_shared(cat);
    for (int i = 0; i < cs->ndirty && !cs->dirty_all; i++) {
        remove_shared(cat, ENTRY_RELATION, ENTRY_KEY(cs->dirty[i]));
        remove_shared(cat, ENTRY_STATS, ENTRY_KEY(cs->dirty[i]));
    }
    mutex_unlock(&cat->lock);
}

/* Forget everything this session built or pinned that may show uncommitted DDL. */
static void forget_private(CatSession *cs)
{
    unpin_all(cs, false);
    cs->private_generation++;
    cs->path_valid = false;
}

static Status on_txn_event(void *arg, Txn *txn UNUSED, TxnEvent event, int level UNUSED, Error *err UNUSED)
{
    CatSession *cs = arg;
    /* A temporary schema made in what is undone is made again when it is needed; one made before it is found again by its name. */
    if ((event == TXN_ABORTED || event == TXN_ROLLED_BACK_TO) && cs->temp_namespace_new) cs->temp_namespace = 0;
    if (event == TXN_COMMITTED || event == TXN_ABORTED) cs->temp_namespace_new = false;
    switch (event) {
    case TXN_COMMITTED:
        shared_invalidate(cs->env->catalog, cs);
        /* fall through */
    case TXN_ABORTED:
        forget_private(cs);
        cs->ndirty = 0;
        cs->dirty_all = cs->dirty_new = cs->event_registered = false;
        break;
    case TXN_ROLLED_BACK_TO: forget_private(cs); break;
    case TXN_PRE_COMMIT:
    case TXN_RELEASED: break;
    }
    return ST_OK;
}

static STATUS register_event(SessionEnv *env, Error *err)
{
    CatSession *cs = env->cat;
    if (cs->event_registered) return ST_OK;
    TRY(txn_on_event(env->txn, on_txn_event, cs, err));
    cs->event_registered = true;
    return ST_OK;
}

/* The session's own pin gives way to an unusable one. Others may go on using the shared entry until we commit: it is left to them. */
static STATUS pin_forget(CatSession *cs, EntryKind kind, uint64_t key, Error *err)
{
    PinSlot *s = pin_find(cs, kind, key);
    if (!s) return ST_OK;
    Entry *tombstone = calloc(1, sizeof *tombstone);
    if (!tombstone) return error_out_of_memory(err, sizeof *tombstone);
    arena_init(&tombstone->arena, NULL, 0);
    tombstone->refs = 1;
    tombstone->kind = kind;
    tombstone->key = key;
    tombstone->stale = true;
    retire(cs, s->entry);
    s->entry = tombstone;
    return ST_OK;
}

STATUS cat_invalidate_relation(SessionEnv *env, Oid relation, Error *err)
{
    CatSession *cs = env->cat;
    TRY(register_event(env, err));
    cs->private_generation++;
    TRY(pin_forget(cs, ENTRY_RELATION, ENTRY_KEY(relation), err));
    TRY(pin_forget(cs, ENTRY_STATS, ENTRY_KEY(relation), err));
    for (int i = 0; i < cs->ndirty; i++)
        if (cs->dirty[i] == relation) return ST_OK;
    if (cs->ndirty == cs->dirty_capacity) {
        int cap = cs->dirty_capacity ? cs->dirty_capacity * 2 : 16;
        Oid *p = realloc(cs->dirty, (size_t)cap * sizeof *p);
        if (!p) return error_out_of_memory(err, 0);
        cs->dirty = p;
        cs->dirty_capacity = cap;
    }
    cs->dirty[cs->ndirty++] = relation;
    return ST_OK;
}

static STATUS invalidate_all(SessionEnv *env, Error *err)
{
    TRY(register_event(env, err));
    env->cat->dirty_all = true;
    forget_private(env->cat);
    return ST_OK;
}

static STATUS note_new(SessionEnv *env, Error *err)
{
    TRY(register_event(env, err));
    env->cat->dirty_new = true;
    env->cat->private_generation++;
    env->cat->path_valid = false;
    /* Absences that were cached must be looked up again. */
    for (int i = 0; i < env->cat->pin_capacity; i++) {
        Entry *e = env->cat->pins[i].entry;
        if (e && !e->object && !e->shared) atomic_store(&e->stale, true);
    }
    return ST_OK;
}

/* Which relation a catalog row belongs to: up to two columns name one. */
static const struct { Oid catalog; int16_t att, att2; } owners[] = {
    {REL_pg_class, ATT_pg_class_oid, 0},
    {REL_pg_attribute, ATT_pg_attribute_attrelid, 0},
    {REL_pg_index, ATT_pg_index_indrelid, ATT_pg_index_indexrelid},
    {REL_pg_constraint, ATT_pg_constraint_conrelid, ATT_pg_constraint_confrelid},
    {REL_pg_attrdef, ATT_pg_attrdef_adrelid, 0},
    {REL_pg_rewrite, ATT_pg_rewrite_ev_class, 0},
    {REL_pg_trigger, ATT_pg_trigger_tgrelid, 0},
    {REL_pg_inherits, ATT_pg_inherits_inhrelid, ATT_pg_inherits_inhparent},
    {REL_pg_sequence, ATT_pg_sequence_seqrelid, 0},
    {REL_pg_statistic, ATT_pg_statistic_starelid, 0},
    {REL_pg_policy, ATT_pg_policy_polrelid, 0},
};

/* Catalogs whose rows no descriptor is made of. */
static const Oid uncached[] = {REL_pg_depend, REL_pg_shdepend, REL_pg_description, REL_pg_shdescription, REL_pg_database,
                               REL_pg_db_role_setting, REL_pg_init_privs, REL_pg_default_acl, REL_pg_auth_members, REL_pg_authid};

static Oid form_oid(Oid catalog, const void *form, int att)
{
    const CatField *f = catform_fields(catform_find(catalog)) + att - 1;
    return *(const Oid *)((const char *)form + f->offset);
}

STATUS cache_note_write(SessionEnv *env, Oid catalog, const void *old_form, const void *new_form, Error *err)
{
    for (size_t i = 0; i < sizeof owners / sizeof owners[0]; i++) {
        if (owners[i].catalog != catalog) continue;
        const void *forms[2] = {old_form, new_form};
        for (int k = 0; k < 2; k++) {
            if (!forms[k]) continue;
            Oid rel = form_oid(catalog, forms[k], owners[i].att);
            Oid rel2 = owners[i].att2 ? form_oid(catalog, forms[k], owners[i].att2) : 0;
            if (rel) TRY(cat_invalidate_relation(env, rel, err));
            if (rel2) TRY(cat_invalidate_relation(env, rel2, err));
        }
        /* An index's or sequence's row is part of its table's descriptor too; pg_index and pg_depend rows name the table. */
        return ST_OK;
    }
    for (size_t i = 0; i < sizeof uncached / sizeof uncached[0]; i++)
        if (uncached[i] == catalog) return ST_OK;
    if (catalog == REL_pg_namespace) return note_new(env, err); /* search paths change, descriptors do not */
    if (catalog == REL_pg_type) { /* row types come and go with their relations */
        const Form_pg_type *t = old_form;
        if (t && (t->typtype == 'c' || t->typelem)) return note_new(env, err);
    }
    return old_form ? invalidate_all(env, err) : note_new(env, err);
}

/* ---- sessions ---- */
extern const TypeHooks catalog_type_hooks;

STATUS cat_session_new(SessionEnv *env, Error *err)
{
    CatSession *cs = calloc(1, sizeof *cs);
    if (!cs) return error_out_of_memory(err, sizeof *cs);
    cs->env = env;
    env->cat = cs;
    env->type_hooks = &catalog_type_hooks;
    return ST_OK;
}

/* Best effort: what stays behind goes when a session of the same number needs its temporary schema. */
static void drop_temporary(SessionEnv *env)
{
    TxnOptions opt = {.isolation = ISO_READ_COMMITTED, .sync_commit = false, .account = env->account};
    if (!env->cat->temp_namespace || env->txn || !env->locks || failed(txn_begin(env->db, env->locks, &opt, &env->txn, NULL))) return;
    Datum nsp = datum_oid(env->cat->temp_namespace);
    bool ok = !failed(cat_drop_temp_objects(env, NULL)) && !failed(cat_delete(env, REL_pg_namespace, IDX_namespace_oid, 1, &nsp, NULL, NULL));
    if (!ok) txn_rollback(env->txn);
    else (void)!txn_commit(env->txn, NULL);
    env->txn = NULL;
}

void cat_session_free(SessionEnv *env)
{
    CatSession *cs = env->cat;
    if (!cs) return;
    drop_temporary(env);
    catalog_statement_end(env);
    unpin_all(cs, true);
    free(cs->pins);
    free(cs->retired);
    free(cs->dirty);
    free(cs->path);
    free(cs);
    env->cat = NULL;
}
