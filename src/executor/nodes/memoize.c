/* Memoize: remembers the rows that its child returned for each set of parameter values (inner side of a nested loop). When its memory is used up
 * everything is forgotten and remembering begins anew. */
#include "executor/exec_state.h"

typedef struct CachedRow { struct CachedRow *next; uint8_t tuple[]; } CachedRow;

typedef struct CacheEntry {
    struct CacheEntry *next;
    uint64_t hash;
    bool complete;
    Datum *values;
    bool *nulls;
    CachedRow *first, **last;
} CacheEntry;

typedef struct MemoizeState {
    PlanState ps;
    int nkeys;
    ExprProgram **exprs;
    EqualKey *keys;
    Datum *values;
    bool *nulls;
    Arena arena;
    CacheEntry **buckets;
    size_t mask;
    CacheEntry *entry;     /* being filled or read; NULL: passing through */
    CachedRow *cursor;
    TupleSlot *slot;
    bool begun, reading, child_ready, done;
} MemoizeState;

static STATUS reset_cache(MemoizeState *s, Error *err)
{
    arena_reset(&s->arena);
    s->mask = 1023;
    TRY_NEW_N(s->buckets, &s->arena, s->mask + 1, err);
    return ST_OK;
}

static STATUS look_up(MemoizeState *s, Error *err)
{
    uint64_t h = 0;
    plan_reset_tuple(&s->ps);
    for (int i = 0; i < s->nkeys; i++) {
        TRY(expr_eval(s->exprs[i], &s->ps.ec, &s->values[i], &s->nulls[i], err));
        h = hash_combine(h, s->nulls[i] ? 0 : equal_key_hash_a(&s->keys[i], s->values[i]));
    }
    h = hash_u64(h);
    if (!s->buckets || (int64_t)s->arena.total_bytes > s->ps.es->hash_mem) TRY(reset_cache(s, err));
    for (CacheEntry *e = s->buckets[h & s->mask]; e; e = e->next) {
        bool same = e->hash == h && e->complete;
        for (int i = 0; i < s->nkeys && same; i++)
            same = e->nulls[i] == s->nulls[i] && (e->nulls[i] || equal_key_equal(&s->keys[i], e->values[i], s->values[i]));
        if (!same) continue;
        s->entry = e;
        s->cursor = e->first;
        s->reading = true;
        return ST_OK;
    }
    CacheEntry *e;
    TRY_NEW(e, &s->arena, err);
    TRY_NEW_N(e->values, &s->arena, s->nkeys + 1, err);
    TRY_NEW_N(e->nulls, &s->arena, s->nkeys + 1, err);
    e->hash = h;
    e->last = &e->first;
    for (int i = 0; i < s->nkeys; i++) {
        const TypeInfo *t = s->keys[i].type_a;
        e->nulls[i] = s->nulls[i];
        if (!e->nulls[i]) TRY(datum_copy(&s->arena, s->values[i], t->byval, t->typlen, &e->values[i], err));
    }
    e->next = s->buckets[h & s->mask];
    s->buckets[h & s->mask] = e;
    s->entry = e;
    s->reading = false;
    return ST_OK;
}

static STATUS remember(MemoizeState *s, TupleSlot *row, Error *err)
{
    if (!s->entry) return ST_OK;
    if ((int64_t)s->arena.total_bytes > s->ps.es->hash_mem) { /* this set alone is too large */
        s->entry = NULL;
        return ST_OK;
    }
    TRY(slot_decode_all(row, err));
    CachedRow *r = arena_alloc(&s->arena, sizeof *r + mintuple_size(row));
    TRY_MEM(r, err);
    mintuple_write(row, r->tuple);
    r->next = NULL;
    *s->entry->last = r;
    s->entry->last = &r->next;
    return ST_OK;
}

static Status memoize_next(PlanState *ps, TupleSlot **out, Error *err)
{
    MemoizeState *s = (MemoizeState *)ps;
    TupleSlot *row;
    *out = NULL;
    if (!s->begun) {
        TRY(look_up(s, err));
        s->begun = true;
        s->done = false;
        if (!s->reading && !s->child_ready) {
            bool saved = ps->es->rewind_all;
            ps->es->rewind_all = true;
            Status st = plan_rescan(ps->left, NULL, err);
            ps->es->rewind_all = saved;
            TRY(st);
        }
        s->child_ready = false;
    }
    if (s->reading) {
        uint32_t n;
        if (!s->cursor) return ST_OK;
        memcpy(&n, s->cursor->tuple, 4);
        TRY(mintuple_read(s->cursor->tuple, n, s->slot, err));
        s->cursor = s->cursor->next;
        *out = s->slot;
        return ST_OK;
    }
    if (s->done) return ST_OK;
    TRY(plan_next(ps->left, &row, err));
    if (!row) {
        if (s->entry) s->entry->complete = true;
        s->done = true;
        return ST_OK;
    }
    TRY(remember(s, row, err));
    *out = row;
    return ST_OK;
}

static Status memoize_rescan(PlanState *ps, const Bitset *changed, Error *err)
{
    MemoizeState *s = (MemoizeState *)ps;
    Bitset *others = bitset_copy(changed, &ps->tuple_arena);
    s->begun = s->reading = false;
    s->entry = NULL;
    /* Something else than the parameters in the key changed: what is remembered no longer holds. */
    for (int i = 0; others && i < s->nkeys; i++) {
        const Param *p = list_at(((const Memoize *)ps->plan)->param_exprs, i);
        if (IsA(p, Param)) others = bitset_difference(others, bitset_add(NULL, &ps->tuple_arena, p->paramid), &ps->tuple_arena);
    }
    if (plan_depends_on(ps->left, others)) TRY(reset_cache(s, err));
    s->child_ready = false;
    return ST_OK;
}

static void memoize_end(PlanState *ps) { arena_destroy(&((MemoizeState *)ps)->arena); }

static const PlanOps memoize_ops = {memoize_next, memoize_rescan, memoize_end};

STATUS memoize_init(ExecState *es, const Plan *plan, PlanState **out, Error *err)
{
    const Memoize *node = (const Memoize *)plan;
    TRY(plan_state_new(es, plan, &memoize_ops, sizeof(MemoizeState), out, err));
    MemoizeState *s = (MemoizeState *)*out;
    arena_init(&s->arena, es->account, 0);
    TRY(plan_init(es, plan->lefttree, &s->ps.left, err));
    s->ps.desc = s->ps.left->desc;
    int n = s->nkeys = list_len(node->param_exprs);
    TRY_NEW_N(s->exprs, &es->arena, n + 1, err);
    TRY_NEW_N(s->keys, &es->arena, n + 1, err);
    TRY_NEW_N(s->values, &es->arena, n + 1, err);
    TRY_NEW_N(s->nulls, &es->arena, n + 1, err);
    for (int i = 0; i < n; i++) {
        const Node *e = list_at(node->param_exprs, i);
        TRY(exec_compile(es, e, &s->exprs[i], err));
        TRY(equal_key_init(es->env, 0, 0, (Oid)node->hashOperators.v[i], 0, &s->keys[i], err));
        TRY(exec_settle_type(es, expr_type(e), &s->keys[i].type_a, err));
        s->keys[i].type_b = s->keys[i].type_a;
    }
    s->slot = slot_new(&es->arena, s->ps.desc);
    TRY_MEM(s->slot, err);
    return ST_OK;
}
