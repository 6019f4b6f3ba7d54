/* HashJoin: all join types, in one pass while the inner side fits, in batches through temporary files otherwise.
 *
 * A row belongs to batch (hash >> 32) & (nbatch - 1). When the table outgrows its share the number of batches doubles and the rows of later
 * batches move to files; outer rows of later batches follow. Since bits are only added, a row's batch never becomes an earlier one. */
#include "executor/exec_state.h"
#include "executor/spill_file.h"

enum { MAX_BATCHES = 1 << 14 };

typedef struct HashTuple {
    struct HashTuple *next;
    uint64_t hash;
    bool matched;
    uint8_t tuple[];
} HashTuple;

typedef enum Phase { BUILD, NEXT_OUTER, SCAN_BUCKET, UNMATCHED_INNER, NEXT_BATCH, DONE } Phase;

typedef struct KeySource { int att; ExprProgram *prog; } KeySource; /* att >= 0: a plain column */

typedef struct HashJoinState {
    PlanState ps;
    JoinType type;
    bool single, keep_outer, keep_inner;
    int nkeys;
    EqualKey *keys;           /* a: outer, b: inner */
    KeySource *outer_keys, *inner_keys;
    bool plain_inner;         /* all inner keys are columns: compared without evaluating the clauses */
    Datum *outer_values;
    bool *outer_nulls;
    ExprProgram *clauses, *joinqual;
    ExprContext hash_ec;      /* inner keys: outer = the Hash's input row */
    Phase phase;
    Arena table_arena;
    HashTuple **buckets;
    size_t mask, ntuples;
    uint64_t total_inner;
    int nbatch, batch;
    bool may_grow, built;
    SpillFile **inner_files, **outer_files;
    TupleSlot *inner_slot, *outer_slot, *null_inner, *null_outer;
    TupleSlot *outer;
    uint64_t outer_hash;
    bool outer_matched;
    HashTuple *cursor;
    size_t bucket;            /* UNMATCHED_INNER */
    StrBuf scratch;
} HashJoinState;

static inline int batch_of(const HashJoinState *s, uint64_t hash) { return (int)(hash >> 32) & (s->nbatch - 1); }

/* ---- keys ---- */

static STATUS init_keys(ExecState *es, const List *exprs, KeySource **out, bool *plain, Error *err)
{
    TRY_NEW_N(*out, &es->arena, list_len(exprs) + 1, err);
    *plain = true;
    for (int i = 0; i < list_len(exprs); i++) {
        const Var *v = list_at(exprs, i);
        (*out)[i].att = IsA(v, Var) && v->varno == OUTER_VAR && v->varattno > 0 ? v->varattno - 1 : -1;
        if ((*out)[i].att >= 0) continue;
        *plain = false;
        TRY(exec_compile(es, (const Expr *)v, &(*out)[i].prog, err));
    }
    return ST_OK;
}

/* ec->outer: the row. *any_null: it can have no partner. */
static STATUS hash_keys(HashJoinState *s, const KeySource *src, ExprContext *ec, bool inner, uint64_t *hash, bool *any_null, Error *err)
{
    uint64_t h = 0;
    *any_null = false;
    for (int i = 0; i < s->nkeys; i++) {
        Datum v;
        bool n;
        if (src[i].att >= 0) {
            TRY(slot_decode(ec->outer, src[i].att + 1, err));
            v = ec->outer->values[src[i].att];
            n = ec->outer->nulls[src[i].att];
        } else {
            TRY(expr_eval(src[i].prog, ec, &v, &n, err));
        }
        if (!inner) {
            s->outer_values[i] = v;
            s->outer_nulls[i] = n;
        }
        *any_null |= n;
        h = hash_combine(h, n ? 0 : inner ? equal_key_hash_b(&s->keys[i], v) : equal_key_hash_a(&s->keys[i], v));
    }
    *hash = hash_u64(h);
    return ST_OK;
}

/* ---- the table ---- */

static int64_t table_bytes(const HashJoinState *s) { return (int64_t)s->table_arena.total_bytes + (int64_t)((s->mask + 1) * sizeof *s->buckets); }

static STATUS buckets_resize(HashJoinState *s, size_t size, Error *err)
{
    MemAccount *a = s->ps.es->account;
    HashTuple **grown = mem_alloc(a, size * sizeof *grown);
    if (!grown) return error_out_of_memory(err, size * sizeof *grown);
    memset(grown, 0, size * sizeof *grown);
    for (size_t i = 0; s->buckets && i <= s->mask; i++)
        for (HashTuple *t = s->buckets[i], *next; t; t = next) {
            next = t->next;
            t->next = grown[t->hash & (size - 1)];
            grown[t->hash & (size - 1)] = t;
        }
    if (s->buckets) mem_free(a, s->buckets, (s->mask + 1) * sizeof *s->buckets);
    s->buckets = grown;
    s->mask = size - 1;
    return ST_OK;
}

static void table_drop(HashJoinState *s)
{
    if (s->buckets) mem_free(s->ps.es->account, s->buckets, (s->mask + 1) * sizeof *s->buckets);
    s->buckets = NULL;
    s->mask = s->ntuples = 0;
    arena_destroy(&s->table_arena);
    arena_init(&s->table_arena, s->ps.es->account, 4096);
}

static STATUS spill_tuple(HashJoinState *s, SpillFile **files, int batch, uint64_t hash, const uint8_t *tuple, Error *err)
{
    if (!files[batch]) TRY(spill_open(s->ps.es->env, s->ps.es->account, &files[batch], err));
    return spill_put_row(files[batch], &hash, sizeof hash, tuple, err);
}

static STATUS grow_files(HashJoinState *s, SpillFile ***files, int from, int to, Error *err)
{
    SpillFile **grown;
    TRY_NEW_N(grown, &s->ps.es->arena, to, err);
    if (*files) memcpy(grown, *files, (size_t)from * sizeof *grown);
    *files = grown;
    return ST_OK;
}

/* Twice as many batches: rows that are now of later ones leave the table. */
static STATUS more_batches(HashJoinState *s, Error *err)
{
    int old = s->nbatch, now = old == 1 ? 4 : old * 2;
    size_t moved = 0, kept = 0;
    if (now > MAX_BATCHES) {
        s->may_grow = false;
        return ST_OK;
    }
    TRY(grow_files(s, &s->inner_files, old == 1 ? 0 : old, now, err));
    TRY(grow_files(s, &s->outer_files, old == 1 ? 0 : old, now, err));
    s->nbatch = now;
    Arena old_arena = s->table_arena;
    arena_init(&s->table_arena, s->ps.es->account, 65536);
    Status st = ST_OK;
    for (size_t i = 0; i <= s->mask && !failed(st); i++) {
        HashTuple *t = s->buckets[i], *next;
        s->buckets[i] = NULL;
        for (; t && !failed(st); t = next) {
            int b = batch_of(s, t->hash);
            uint32_t n;
            next = t->next;
            memcpy(&n, t->tuple, 4);
            if (b != s->batch) {
                st = spill_tuple(s, s->inner_files, b, t->hash, t->tuple, err);
                moved++;
                continue;
            }
            HashTuple *copy = arena_memdup(&s->table_arena, t, sizeof *t + n);
            if (!copy) {
                st = error_out_of_memory(err, n);
                break;
            }
            copy->next = s->buckets[i];
            s->buckets[i] = copy;
            kept++;
        }
    }
    arena_destroy(&old_arena);
    TRY(st);
    s->ntuples = kept;
    if (!moved || !kept) s->may_grow = moved > 0; /* all of one hash: more batches would not help */
    return ST_OK;
}

static STATUS table_add(HashJoinState *s, uint64_t hash, const uint8_t *tuple, Error *err)
{
    uint32_t n;
    memcpy(&n, tuple, 4);
    if (batch_of(s, hash) != s->batch) return spill_tuple(s, s->inner_files, batch_of(s, hash), hash, tuple, err);
    bool tight = table_bytes(s) + n > s->ps.es->hash_mem || (s->ntuples > 1000 && mem_available(s->ps.es->account) < 512 * 1024);
    if (tight && s->may_grow && s->ntuples) {
        TRY(more_batches(s, err));
        if (batch_of(s, hash) != s->batch) return spill_tuple(s, s->inner_files, batch_of(s, hash), hash, tuple, err);
    }
    if (!s->buckets || s->ntuples > s->mask) TRY(buckets_resize(s, s->buckets ? (s->mask + 1) * 2 : 1024, err));
    HashTuple *t = arena_alloc(&s->table_arena, sizeof *t + n);
    if (!t) return error_out_of_memory(err, n);
    t->hash = hash;
    t->matched = false;
    memcpy(t->tuple, tuple, n);
    t->next = s->buckets[hash & s->mask];
    s->buckets[hash & s->mask] = t;
    s->ntuples++;
    return ST_OK;
}

static STATUS flat_row(HashJoinState *s, TupleSlot *row, const uint8_t **out, Error *err)
{
    TRY(slot_decode_all(row, err));
    size_t n = mintuple_size(row);
    strbuf_reset(&s->scratch);
    if (!strbuf_reserve(&s->scratch, n)) return error_out_of_memory(err, n);
    mintuple_write(row, (uint8_t *)s->scratch.data);
    *out = (const uint8_t *)s->scratch.data;
    return ST_OK;
}

static STATUS build(HashJoinState *s, Error *err)
{
    PlanState *hash = s->ps.right;
    table_drop(s);
    TRY(buckets_resize(s, 1024, err));
    s->nbatch = 1;
    s->batch = 0;
    s->may_grow = true;
    s->total_inner = 0;
    for (;;) {
        TupleSlot *row;
        uint64_t h;
        bool any_null;
        const uint8_t *tuple;
        TRY(EXEC_INTERRUPT(s->ps.es, err));
        TRY(plan_next(hash, &row, err));
        if (!row) break;
        plan_reset_tuple(&s->ps);
        s->hash_ec.outer = row;
        TRY(hash_keys(s, s->inner_keys, &s->hash_ec, true, &h, &any_null, err));
        if (any_null && !s->keep_inner) continue;
        s->total_inner++;
        TRY(flat_row(s, row, &tuple, err));
        TRY(table_add(s, h, tuple, err));
    }
    if (hash->instr) {
        hash->instr->batches = s->nbatch;
        hash->instr->memory_bytes = table_bytes(s);
    }
    s->built = true;
    return ST_OK;
}

/* ---- joining ---- */

static STATUS emit_row(HashJoinState *s, TupleSlot *outer, TupleSlot *inner, TupleSlot **out, Error *err)
{
    PlanState *ps = &s->ps;
    bool pass;
    *out = NULL;
    ps->ec.outer = outer;
    ps->ec.inner = inner;
    TRY(expr_qual(ps->qual, &ps->ec, &pass, err));
    if (pass) return plan_project(ps, NULL, out, err);
    if (ps->instr) ps->instr->removed_by_filter++;
    return ST_OK;
}

/* The next outer row of this batch; *have false at its end. */
static STATUS next_outer(HashJoinState *s, bool *have, bool *any_null, Error *err)
{
    PlanState *ps = &s->ps;
    for (;;) {
        const uint8_t *tuple;
        uint32_t size;
        TRY(EXEC_INTERRUPT(ps->es, err));
        if (s->batch == 0) {
            TRY(plan_next(ps->left, &s->outer, err));
            *have = s->outer != NULL;
            if (!*have) return ST_OK;
        } else {
            SpillFile *f = s->outer_files[s->batch];
            *have = false;
            if (!f) return ST_OK;
            uint64_t h;
            TRY(spill_get_row(f, &h, sizeof h, &tuple, &size, err));
            *have = tuple != NULL;
            if (!tuple) return ST_OK;
            TRY(mintuple_read(tuple, size, s->outer_slot, err));
            s->outer = s->outer_slot;
        }
        plan_reset_tuple(ps);
        ps->ec.outer = s->outer;
        TRY(hash_keys(s, s->outer_keys, &ps->ec, false, &s->outer_hash, any_null, err));
        if (*any_null && !s->keep_outer) continue;
        int b = batch_of(s, s->outer_hash);
        if (*any_null || b == s->batch) return ST_OK;
        TRY(flat_row(s, s->outer, &tuple, err));
        TRY(spill_tuple(s, s->outer_files, b, s->outer_hash, tuple, err));
    }
}

static STATUS keys_match(HashJoinState *s, bool *match, Error *err)
{
    *match = true;
    if (!s->plain_inner) return expr_qual(s->clauses, &s->ps.ec, match, err);
    for (int i = 0; i < s->nkeys && *match; i++) {
        int att = s->inner_keys[i].att;
        *match = !s->inner_slot->nulls[att] && !s->outer_nulls[i] && equal_key_equal(&s->keys[i], s->outer_values[i], s->inner_slot->values[att]);
    }
    return ST_OK;
}

static STATUS scan_bucket(HashJoinState *s, TupleSlot **out, Error *err)
{
    PlanState *ps = &s->ps;
    *out = NULL;
    while (s->cursor) {
        HashTuple *t = s->cursor;
        uint32_t n;
        bool pass;
        s->cursor = t->next;
        if (t->hash != s->outer_hash) continue;
        memcpy(&n, t->tuple, 4);
        TRY(mintuple_read(t->tuple, n, s->inner_slot, err));
        ps->ec.inner = s->inner_slot;
        TRY(keys_match(s, &pass, err));
        if (!pass) continue;
        TRY(expr_qual(s->joinqual, &ps->ec, &pass, err));
        if (!pass) {
            if (ps->instr) ps->instr->removed_by_join++;
            continue;
        }
        s->outer_matched = true;
        t->matched = true;
        if (s->type == JOIN_ANTI) break;
        if (s->single && !s->keep_inner) s->cursor = NULL;
        TRY(emit_row(s, s->outer, s->inner_slot, out, err));
        if (*out) return ST_OK;
        plan_reset_tuple(ps);
    }
    s->cursor = NULL;
    s->phase = NEXT_OUTER;
    if (s->outer_matched || !s->keep_outer) return ST_OK;
    return emit_row(s, s->outer, s->null_inner, out, err);
}

static STATUS unmatched_inner(HashJoinState *s, TupleSlot **out, Error *err)
{
    *out = NULL;
    for (;;) {
        while (!s->cursor && s->bucket <= s->mask) s->cursor = s->buckets[s->bucket++];
        HashTuple *t = s->cursor;
        uint32_t n;
        if (!t) break;
        s->cursor = t->next;
        if (t->matched) continue;
        memcpy(&n, t->tuple, 4);
        plan_reset_tuple(&s->ps);
        TRY(mintuple_read(t->tuple, n, s->inner_slot, err));
        TRY(emit_row(s, s->null_outer, s->inner_slot, out, err));
        if (*out) return ST_OK;
    }
    s->phase = NEXT_BATCH;
    return ST_OK;
}

static STATUS next_batch(HashJoinState *s, Error *err)
{
    const uint8_t *tuple;
    uint32_t size;
    if (s->batch > 0 && s->nbatch > 1) { /* files of the finished batch */
        spill_close(s->outer_files[s->batch]);
        s->outer_files[s->batch] = NULL;
    }
    for (s->batch++; s->batch < s->nbatch; s->batch++)
        if (s->inner_files[s->batch] || (s->outer_files[s->batch] && s->keep_outer)) break;
    if (s->batch >= s->nbatch) {
        s->phase = DONE;
        return ST_OK;
    }
    table_drop(s);
    s->built = false; /* what is in memory is no longer the whole */
    s->may_grow = true;
    TRY(buckets_resize(s, 1024, err));
    SpillFile *f = s->inner_files[s->batch];
    if (f) {
        TRY(spill_seek(f, 0, err));
        for (;;) {
            uint64_t h;
            TRY(EXEC_INTERRUPT(s->ps.es, err));
            TRY(spill_get_row(f, &h, sizeof h, &tuple, &size, err));
            if (!tuple) break;
            TRY(table_add(s, h, tuple, err));
        }
        spill_close(f);
        s->inner_files[s->batch] = NULL;
    }
    if (s->outer_files[s->batch]) TRY(spill_seek(s->outer_files[s->batch], 0, err));
    s->phase = NEXT_OUTER;
    return ST_OK;
}

static Status hashjoin_next(PlanState *ps, TupleSlot **out, Error *err)
{
    HashJoinState *s = (HashJoinState *)ps;
    bool have, any_null;
    *out = NULL;
    for (;;) {
        switch (s->phase) {
        case BUILD:
            TRY(build(s, err));
            s->phase = s->total_inner || s->keep_outer ? NEXT_OUTER : DONE;
            break;
        case NEXT_OUTER:
            TRY(next_outer(s, &have, &any_null, err));
            if (!have) {
                s->phase = s->keep_inner ? UNMATCHED_INNER : NEXT_BATCH;
                s->bucket = 0;
                s->cursor = NULL;
                break;
            }
            s->outer_matched = false;
            s->cursor = any_null ? NULL : s->buckets[s->outer_hash & s->mask];
            s->phase = SCAN_BUCKET;
            break;
        case SCAN_BUCKET:
            TRY(scan_bucket(s, out, err));
            if (*out) return ST_OK;
            break;
        case UNMATCHED_INNER:
            TRY(unmatched_inner(s, out, err));
            if (*out) return ST_OK;
            break;
        case NEXT_BATCH: TRY(next_batch(s, err)); break;
        case DONE: return ST_OK;
        }
    }
}

static void close_files(HashJoinState *s)
{
    for (int i = 0; s->inner_files && i < s->nbatch; i++) {
        spill_close(s->inner_files[i]);
        spill_close(s->outer_files[i]);
    }
    s->inner_files = s->outer_files = NULL;
}

static Status hashjoin_rescan(PlanState *ps, const Bitset *changed, Error *err)
{
    HashJoinState *s = (HashJoinState *)ps;
    bool reuse = s->built && s->nbatch == 1 && !plan_depends_on(ps->right, changed);
    TRY(plan_rescan(ps->left, changed, err));
    s->cursor = NULL;
    if (reuse) {
        for (size_t i = 0; s->keep_inner && i <= s->mask; i++)
            for (HashTuple *t = s->buckets[i]; t; t = t->next) t->matched = false;
        s->phase = s->total_inner || s->keep_outer ? NEXT_OUTER : DONE;
        s->batch = 0;
        return ST_OK;
    }
    close_files(s);
    table_drop(s);
    s->built = false;
    s->phase = BUILD;
    return plan_rescan(ps->right, changed, err);
}

static void hashjoin_end(PlanState *ps)
{
    HashJoinState *s = (HashJoinState *)ps;
    close_files(s);
    table_drop(s);
    arena_destroy(&s->table_arena);
    strbuf_free(&s->scratch);
}

static const PlanOps hashjoin_ops = {hashjoin_next, hashjoin_rescan, hashjoin_end};

static STATUS null_row(ExecState *es, const TupleDesc *desc, TupleSlot **out, Error *err)
{
    *out = slot_new(&es->arena, desc);
    TRY_MEM(*out, err);
    memset((*out)->nulls, true, (size_t)desc->natts);
    slot_store_virtual(*out);
    return ST_OK;
}

STATUS hashjoin_init(ExecState *es, const Plan *plan, PlanState **out, Error *err)
{
    const HashJoin *node = (const HashJoin *)plan;
    bool plain_outer;
    TRY(plan_state_new(es, plan, &hashjoin_ops, sizeof(HashJoinState), out, err));
    HashJoinState *s = (HashJoinState *)*out;
    PlanState *ps = *out;
    s->type = node->jointype;
    s->single = node->inner_unique || s->type == JOIN_SEMI;
    s->keep_outer = s->type == JOIN_LEFT || s->type == JOIN_FULL || s->type == JOIN_ANTI;
    s->keep_inner = s->type == JOIN_RIGHT || s->type == JOIN_FULL;
    s->nbatch = 1;
    arena_init(&s->table_arena, es->account, 4096);
    strbuf_init_heap(&s->scratch, es->account);
    TRY(plan_init(es, plan->lefttree, &ps->left, err));
    TRY(plan_init(es, plan->righttree, &ps->right, err));
    s->nkeys = node->hashoperators.n;
    TRY_NEW_N(s->keys, &es->arena, s->nkeys + 1, err);
    TRY_NEW_N(s->outer_values, &es->arena, s->nkeys + 1, err);
    TRY_NEW_N(s->outer_nulls, &es->arena, s->nkeys + 1, err);
    for (int i = 0; i < s->nkeys; i++) {
        TRY(equal_key_init(es->env, 0, 0, (Oid)node->hashoperators.v[i], 0, &s->keys[i], err));
        TRY(exec_settle_type(es, expr_type(list_at(node->outerkeys, i)), &s->keys[i].type_a, err));
        TRY(exec_settle_type(es, expr_type(list_at(node->innerkeys, i)), &s->keys[i].type_b, err));
    }
    TRY(init_keys(es, node->outerkeys, &s->outer_keys, &plain_outer, err));
    TRY(init_keys(es, node->innerkeys, &s->inner_keys, &s->plain_inner, err));
    TRY(exec_compile_qual(es, node->hashclauses, &s->clauses, err));
    TRY(exec_compile_qual(es, node->joinqual, &s->joinqual, err));
    s->hash_ec = ps->ec;
    s->inner_slot = slot_new(&es->arena, ps->right->desc);
    s->outer_slot = slot_new(&es->arena, ps->left->desc);
    if (!s->inner_slot || !s->outer_slot) return error_out_of_memory(err, 0);
    TRY(null_row(es, ps->right->desc, &s->null_inner, err));
    TRY(null_row(es, ps->left->desc, &s->null_outer, err));
    return plan_init_projection(ps, NULL, 0, err);
}
