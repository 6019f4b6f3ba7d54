/* Agg: plain (one group), sorted (groups arrive together) and hashed (with grouping sets, and spilling).
 *
 * A hashed aggregation that reaches its share of memory makes no new groups: rows of unknown groups go to partition files by their hash, and
 * each file is aggregated on its own when the table has been returned, with the next bits of the hash. */
#include "executor/agg_call.h"
#include "executor/spill_file.h"

enum { PARTITION_BITS = 4, PARTITIONS = 1 << PARTITION_BITS, MAX_LEVEL = 12 };

typedef struct AggGroup {
    uint64_t hash;
    int set;               /* grouping set */
    Datum *columns;        /* nneeded values of the group's first row */
    bool *nulls;
    AggValue values[];     /* naggs */
} AggGroup;

typedef struct Partition { SpillFile *file; int level; struct Partition *next; } Partition;

typedef struct AggState {
    PlanState ps;
    AggStrategy strategy;
    int naggs, ngroup, nneeded, nsets;
    AggCall *calls;
    int *group_atts;       /* 0-based input columns */
    int *needed;           /* input columns that output reads: group columns first */
    uint64_t *set_masks;   /* per grouping set: bit i set: group column i is NOT in it */
    uint64_t *set_bits;    /* same, as GROUPING() numbers them */
    EqualKey *keys;
    TupleSlot *group_slot; /* shape of the input: the group's columns, as output reads them */
    Arena group_arena;     /* states: of the group (sorted), of all groups (hashed) */
    Datum *results;
    bool *result_nulls;
    bool all_fast;
    int max_att;           /* fast: attributes to decode */
    /* plain, sorted */
    AggValue *values;
    TupleSlot *pending;    /* sorted: first row of the next group */
    Arena pending_arena;
    bool have_pending, done, started;
    /* hashed */
    AggGroup **table;
    size_t mask, ngroups, at;
    bool filled, spilling;
    SpillFile *parts[PARTITIONS];
    int level;
    Partition *todo;
    TupleSlot *spill_slot;
    StrBuf scratch;
} AggState;

/* ---- output ---- */

static STATUS output(AggState *s, AggValue *values, bool *pass, TupleSlot **out, Error *err)
{
    PlanState *ps = &s->ps;
    for (int i = 0; i < s->naggs; i++) {
        TRY(agg_finish(&s->calls[i], &values[i], &s->group_arena, &ps->ec, &s->results[i], &s->result_nulls[i], err));
        agg_release(&s->calls[i], &values[i]);
    }
    ps->ec.outer = s->group_slot;
    TRY(expr_qual(ps->qual, &ps->ec, pass, err));
    if (*pass) return plan_project(ps, s->group_slot, out, err);
    if (ps->instr) ps->instr->removed_by_filter++;
    return ST_OK;
}

/* ---- plain ---- */

/* All aggregates fast: a tight loop over the input. */
static STATUS plain_fast(AggState *s, Error *err)
{
    PlanState *ps = &s->ps;
    bool count_only = true;
    for (int i = 0; i < s->naggs; i++) count_only &= s->calls[i].fast == AGG_COUNT_STAR && !s->calls[i].filter;
    for (;;) {
        TupleSlot *row;
        TRY(plan_next(ps->left, &row, err));
        if (!row) return ST_OK;
        if (count_only) {
            for (int i = 0; i < s->naggs; i++) s->values[i].u.count++;
            continue;
        }
        ps->ec.outer = row;
        if (s->max_att) TRY(slot_decode(row, s->max_att, err));
        plan_reset_tuple(ps);
        for (int i = 0; i < s->naggs; i++) TRY(agg_advance(&s->calls[i], &s->values[i], &s->group_arena, &ps->ec, err));
    }
}

static STATUS plain_all(AggState *s, Error *err)
{
    PlanState *ps = &s->ps;
    if (s->all_fast) return plain_fast(s, err);
    for (;;) {
        TupleSlot *row;
        TRY(EXEC_INTERRUPT(ps->es, err));
        TRY(plan_next(ps->left, &row, err));
        if (!row) return ST_OK;
        ps->ec.outer = row;
        plan_reset_tuple(ps);
        for (int i = 0; i < s->naggs; i++) TRY(agg_advance(&s->calls[i], &s->values[i], &s->group_arena, &ps->ec, err));
    }
}

static STATUS start_values(AggState *s, AggValue *values, Error *err)
{
    for (int i = 0; i < s->naggs; i++) TRY(agg_start(&s->calls[i], &values[i], &s->group_arena, err));
    return ST_OK;
}

static STATUS plain_next(AggState *s, TupleSlot **out, Error *err)
{
    bool pass;
    *out = NULL;
    if (s->done) return ST_OK;
    s->done = true;
    arena_reset(&s->group_arena);
    TRY(start_values(s, s->values, err));
    TRY(plain_all(s, err));
    plan_reset_tuple(&s->ps);
    memset(s->group_slot->nulls, true, (size_t)s->group_slot->desc->natts);
    slot_store_virtual(s->group_slot);
    return output(s, s->values, &pass, out, err);
}

/* ---- sorted ---- */

static STATUS sorted_next(AggState *s, TupleSlot **out, Error *err)
{
    PlanState *ps = &s->ps;
    *out = NULL;
    while (!*out && !s->done) {
        bool pass, equal = true;
        TupleSlot *row;
        if (!s->have_pending) {
            TRY(plan_next(ps->left, &row, err));
            if (!row) {
                s->done = true;
                return ST_OK;
            }
            arena_reset(&s->pending_arena);
            TRY(slot_copy(s->pending, row, &s->pending_arena, err));
        }
        arena_reset(&s->group_arena);
        TRY(slot_copy(s->group_slot, s->pending, &s->group_arena, err));
        s->have_pending = false;
        TRY(start_values(s, s->values, err));
        for (row = s->group_slot;;) {
            ps->ec.outer = row;
            plan_reset_tuple(ps);
            for (int i = 0; i < s->naggs; i++) TRY(agg_advance(&s->calls[i], &s->values[i], &s->group_arena, &ps->ec, err));
            TRY(EXEC_INTERRUPT(ps->es, err));
            TRY(plan_next(ps->left, &row, err));
            if (!row) {
                s->done = true;
                break;
            }
            TRY(exec_rows_equal(s->keys, s->ngroup, s->group_slot, row, &equal, err));
            if (equal) continue;
            arena_reset(&s->pending_arena);
            TRY(slot_copy(s->pending, row, &s->pending_arena, err));
            s->have_pending = true;
            break;
        }
        plan_reset_tuple(ps);
        TRY(output(s, s->values, &pass, out, err));
    }
    return ST_OK;
}

/* ---- hashed ---- */

static int64_t table_bytes(const AggState *s) { return (int64_t)s->group_arena.total_bytes + (s->table ? (int64_t)((s->mask + 1) * sizeof *s->table) : 0); }

static STATUS table_grow(AggState *s, Error *err)
{
    size_t size = s->table ? (s->mask + 1) * 2 : 256;
    AggGroup **grown = mem_alloc(s->ps.es->account, size * sizeof *grown);
    if (!grown) return error_out_of_memory(err, size * sizeof *grown);
    memset(grown, 0, size * sizeof *grown);
    for (size_t i = 0; s->table && i <= s->mask; i++) {
        AggGroup *g = s->table[i];
        if (!g) continue;
        size_t h = g->hash & (size - 1);
        while (grown[h]) h = (h + 1) & (size - 1);
        grown[h] = g;
    }
    if (s->table) mem_free(s->ps.es->account, s->table, (s->mask + 1) * sizeof *s->table);
    s->table = grown;
    s->mask = size - 1;
    return ST_OK;
}

static void table_clear(AggState *s)
{
    for (size_t i = 0; s->table && i <= s->mask; i++) {
        if (!s->table[i]) continue;
        for (int k = 0; k < s->naggs; k++) agg_release(&s->calls[k], &s->table[i]->values[k]);
    }
    if (s->table) mem_free(s->ps.es->account, s->table, (s->mask + 1) * sizeof *s->table);
    s->table = NULL;
    s->mask = s->ngroups = s->at = 0;
    arena_reset(&s->group_arena);
}

static bool in_set(const AggState *s, int set, int group_col) { return !(s->set_masks[set] >> group_col & 1); }

static STATUS hash_row(AggState *s, TupleSlot *row, int set, uint64_t *out, Error *err)
{
    uint64_t h = (uint64_t)set;
    for (int i = 0; i < s->ngroup; i++) {
        int att = s->group_atts[i];
        if (!in_set(s, set, i)) continue;
        if (unlikely(row->nvalid <= att)) TRY(slot_decode(row, att + 1, err));
        h = hash_combine(h, row->nulls[att] ? 0 : equal_key_hash_a(&s->keys[i], row->values[att]));
    }
    *out = hash_u64(h);
    return ST_OK;
}

static bool group_matches(const AggState *s, const AggGroup *g, TupleSlot *row, int set, uint64_t hash)
{
    if (g->hash != hash || g->set != set) return false;
    for (int i = 0; i < s->ngroup; i++) {
        int att = s->group_atts[i];
        if (!in_set(s, set, i)) continue;
        if (g->nulls[i] != row->nulls[att]) return false;
        if (!g->nulls[i] && !equal_key_equal(&s->keys[i], g->columns[i], row->values[att])) return false;
    }
    return true;
}

static STATUS new_group(AggState *s, TupleSlot *row, int set, uint64_t hash, AggGroup **out, Error *err)
{
    Arena *arena = &s->group_arena;
    AggGroup *g = arena_zalloc(arena, sizeof *g + (size_t)s->naggs * sizeof *g->values);
    TRY_MEM(g, err);
    g->hash = hash;
    g->set = set;
    TRY_NEW_N(g->columns, arena, s->nneeded + 1, err);
    TRY_NEW_N(g->nulls, arena, s->nneeded + 1, err);
    for (int i = 0; i < s->nneeded; i++) {
        int att = s->needed[i];
        const Attribute *a = &s->ps.left->desc->atts[att];
        bool absent = !row || (i < s->ngroup && !in_set(s, set, i));
        if (!absent) TRY(slot_decode(row, att + 1, err));
        g->nulls[i] = absent || row->nulls[att];
        if (!g->nulls[i]) TRY(datum_copy(arena, row->values[att], a->byval, a->typlen, &g->columns[i], err));
    }
    TRY(start_values(s, g->values, err));
    *out = g;
    return ST_OK;
}

static STATUS spill_row(AggState *s, TupleSlot *row, int set, uint64_t hash, Error *err)
{
    struct { uint64_t hash; int32_t set; int32_t zero; } head = {hash, set, 0};
    int p = (int)(hash >> (60 - PARTITION_BITS * s->level)) & (PARTITIONS - 1);
    if (!s->parts[p]) TRY(spill_open(s->ps.es->env, s->ps.es->account, &s->parts[p], err));
    TRY(slot_decode_all(row, err));
    size_t n = mintuple_size(row);
    strbuf_reset(&s->scratch);
    if (!strbuf_reserve(&s->scratch, n)) return error_out_of_memory(err, n);
    mintuple_write(row, (uint8_t *)s->scratch.data);
    return spill_put_row(s->parts[p], &head, sizeof head, (uint8_t *)s->scratch.data, err);
}

/* *out NULL: the row was spilled. */
static STATUS find_group(AggState *s, TupleSlot *row, int set, uint64_t hash, AggGroup **out, Error *err)
{
    *out = NULL;
    if (s->ngroups * 4 >= (s->table ? (s->mask + 1) * 3 : 0)) TRY(table_grow(s, err));
    size_t h = hash & s->mask;
    for (; s->table[h]; h = (h + 1) & s->mask)
        if (group_matches(s, s->table[h], row, set, hash)) {
            *out = s->table[h];
            return ST_OK;
        }
    if (!s->spilling && s->ngroups && s->level < MAX_LEVEL &&
        (table_bytes(s) > s->ps.es->hash_mem || mem_available(s->ps.es->account) < 256 * 1024))
        s->spilling = true;
    if (s->spilling) return spill_row(s, row, set, hash, err);
    TRY(new_group(s, row, set, hash, out, err));
    s->table[h] = *out;
    s->ngroups++;
    return ST_OK;
}

static STATUS absorb(AggState *s, TupleSlot *row, int set, uint64_t hash, Error *err)
{
    AggGroup *g;
    TRY(find_group(s, row, set, hash, &g, err));
    if (!g) return ST_OK;
    s->ps.ec.outer = row;
    for (int i = 0; i < s->naggs; i++) TRY(agg_advance(&s->calls[i], &g->values[i], &s->group_arena, &s->ps.ec, err));
    return ST_OK;
}

/* What was spilled at this level becomes work for later. */
static STATUS queue_partitions(AggState *s, Error *err)
{
    for (int p = 0; p < PARTITIONS; p++) {
        if (!s->parts[p]) continue;
        Partition *part;
        TRY_NEW(part, &s->ps.es->arena, err);
        *part = (Partition){s->parts[p], s->level + 1, s->todo};
        s->todo = part;
        s->parts[p] = NULL;
        if (s->ps.instr) {
            s->ps.instr->disk_bytes += (int64_t)spill_size(part->file);
            s->ps.instr->batches++;
        }
    }
    s->spilling = false;
    return ST_OK;
}

static STATUS fill_from_input(AggState *s, Error *err)
{
    PlanState *ps = &s->ps;
    TRY(table_grow(s, err));
    for (int set = 0; set < s->nsets; set++) { /* the empty set has its row even without input */
        AggGroup *g;
        uint64_t hash = hash_u64((uint64_t)set);
        if (s->set_masks[set] != (s->ngroup ? (~0ull >> (64 - s->ngroup)) : 0)) continue;
        TRY(new_group(s, NULL, set, hash, &g, err));
        size_t h = hash & s->mask;
        while (s->table[h]) h = (h + 1) & s->mask;
        s->table[h] = g;
        s->ngroups++;
    }
    for (;;) {
        TupleSlot *row;
        TRY(EXEC_INTERRUPT(ps->es, err));
        TRY(plan_next(ps->left, &row, err));
        if (!row) break;
        plan_reset_tuple(ps);
        int nsets = s->nsets ? s->nsets : 1;
        for (int set = 0; set < nsets; set++) {
            uint64_t hash;
            TRY(hash_row(s, row, set, &hash, err));
            TRY(absorb(s, row, set, hash, err));
        }
    }
    if (ps->instr) {
        ps->instr->memory_bytes = table_bytes(s);
        ps->instr->batches = 1;
    }
    s->filled = true;
    return queue_partitions(s, err);
}

static STATUS fill_from_partition(AggState *s, Partition *part, Error *err)
{
    s->level = part->level;
    TRY(spill_seek(part->file, 0, err));
    for (;;) {
        struct { uint64_t hash; int32_t set; int32_t zero; } head;
        const uint8_t *tuple;
        uint32_t size;
        TRY(EXEC_INTERRUPT(s->ps.es, err));
        TRY(spill_get_row(part->file, &head, sizeof head, &tuple, &size, err));
        if (!tuple) break;
        TRY(mintuple_read(tuple, size, s->spill_slot, err));
        plan_reset_tuple(&s->ps);
        TRY(absorb(s, s->spill_slot, head.set, head.hash, err));
    }
    spill_close(part->file);
    part->file = NULL;
    return queue_partitions(s, err);
}

static void load_group(AggState *s, const AggGroup *g)
{
    TupleSlot *slot = s->group_slot;
    for (int i = 0; i < s->nneeded; i++) {
        slot->values[s->needed[i]] = g->columns[i];
        slot->nulls[s->needed[i]] = g->nulls[i];
    }
    slot_store_virtual(slot);
    s->ps.ec.grouping = s->nsets ? s->set_bits[g->set] : 0;
}

static STATUS hashed_next(AggState *s, TupleSlot **out, Error *err)
{
    *out = NULL;
    if (!s->filled) TRY(fill_from_input(s, err));
    for (;;) {
        for (; s->table && s->at <= s->mask; s->at++) {
            AggGroup *g = s->table[s->at];
            bool pass;
            if (!g) continue;
            plan_reset_tuple(&s->ps);
            load_group(s, g);
            TRY(output(s, g->values, &pass, out, err));
            if (!pass) continue;
            s->at++;
            return ST_OK;
        }
        if (!s->todo) return ST_OK;
        Partition *part = s->todo;
        table_clear(s);
        Status st = fill_from_partition(s, part, err);
        /* queue_partitions put deeper ones in front: unlink this one wherever it is */
        Partition **link = &s->todo;
        while (*link != part) link = &(*link)->next;
        *link = part->next;
        spill_close(part->file);
        TRY(st);
    }
}

/* ---- the node ---- */

static Status agg_next(PlanState *ps, TupleSlot **out, Error *err)
{
    AggState *s = (AggState *)ps;
    if (s->nsets || s->strategy == AGG_HASHED) return hashed_next(s, out, err);
    return s->strategy == AGG_SORTED ? sorted_next(s, out, err) : plain_next(s, out, err);
}

static void forget(AggState *s)
{
    if (s->values)
        for (int i = 0; i < s->naggs; i++) agg_release(&s->calls[i], &s->values[i]);
    table_clear(s);
    for (int p = 0; p < PARTITIONS; p++) {
        spill_close(s->parts[p]);
        s->parts[p] = NULL;
    }
    for (; s->todo; s->todo = s->todo->next) spill_close(s->todo->file);
    s->filled = s->done = s->have_pending = s->spilling = false;
    s->level = 0;
}

static Status agg_rescan(PlanState *ps, const Bitset *changed, Error *err)
{
    AggState *s = (AggState *)ps;
    forget(s);
    return plan_rescan(ps->left, changed, err);
}

static void agg_end(PlanState *ps)
{
    AggState *s = (AggState *)ps;
    if (s->group_slot) forget(s);
    for (int i = 0; i < s->naggs; i++) agg_call_end(&s->calls[i]);
    arena_destroy(&s->group_arena);
    arena_destroy(&s->pending_arena);
    strbuf_free(&s->scratch);
}

static const PlanOps agg_ops = {agg_next, agg_rescan, agg_end};

/* Input columns that output reads outside of aggregates. */
typedef struct NeedWalk { Bitset *set; Arena *arena; bool oom; } NeedWalk;
static bool need_walker(Node *node, void *arg)
{
    NeedWalk *w = arg;
    if (!node || IsA(node, Aggref)) return false;
    if (IsA(node, Var) && ((Var *)node)->varno == OUTER_VAR && ((Var *)node)->varattno > 0) {
        Bitset *now = bitset_add(w->set, w->arena, ((Var *)node)->varattno - 1);
        if (!now) w->oom = true;
        else w->set = now;
    }
    return node_walk(node, need_walker, arg);
}

static STATUS init_needed(AggState *s, Error *err)
{
    ExecState *es = s->ps.es;
    NeedWalk w = {.arena = &es->arena};
    for (int i = 0; i < list_len(s->ps.plan->targetlist); i++) (void)need_walker(list_at(s->ps.plan->targetlist, i), &w);
    for (int i = 0; i < list_len(s->ps.plan->qual); i++) (void)need_walker(list_at(s->ps.plan->qual, i), &w);
    if (w.oom) return error_out_of_memory(err, 0);
    TRY_NEW_N(s->needed, &es->arena, s->ngroup + bitset_count(w.set) + 1, err);
    for (int i = 0; i < s->ngroup; i++) s->needed[s->nneeded++] = s->group_atts[i];
    for (int att = -1; (att = bitset_next(w.set, att)) >= 0;) {
        bool have = false;
        for (int i = 0; i < s->ngroup; i++) have |= s->group_atts[i] == att;
        if (!have) s->needed[s->nneeded++] = att;
    }
    return ST_OK;
}

static STATUS init_sets(AggState *s, const Agg *node, Error *err)
{
    ExecState *es = s->ps.es;
    s->nsets = list_len(node->groupingSets);
    TRY_NEW_N(s->set_masks, &es->arena, s->nsets + 1, err);
    TRY_NEW_N(s->set_bits, &es->arena, s->nsets + 1, err);
    if (s->nsets && s->ngroup > 63) return error_set(err, ERR_TOO_MANY_COLUMNS, "too many grouping columns");
    for (int k = 0; k < s->nsets; k++) {
        const GroupingSet *gs = list_at(node->groupingSets, k);
        uint64_t mask = s->ngroup ? ~0ull >> (64 - s->ngroup) : 0;
        for (int i = 0; i < gs->refs.n; i++) mask &= ~(1ull << gs->refs.v[i]);
        s->set_masks[k] = mask;
        /* GROUPING() names columns by their sort references. */
        for (int i = 0; i < s->ngroup; i++) {
            const List *input = ((const Plan *)node->lefttree)->targetlist;
            int ref = s->group_atts[i] < list_len(input) ? ((const TargetEntry *)list_at(input, s->group_atts[i]))->ressortgroupref : 0;
            if (mask >> i & 1) s->set_bits[k] |= 1ull << (ref & 63);
        }
    }
    return ST_OK;
}

STATUS agg_init(ExecState *es, const Plan *plan, PlanState **out, Error *err)
{
    const Agg *node = (const Agg *)plan;
    TRY(plan_state_new(es, plan, &agg_ops, sizeof(AggState), out, err));
    AggState *s = (AggState *)*out;
    PlanState *ps = *out;
    s->strategy = node->aggstrategy;
    arena_init(&s->group_arena, es->account, 0);
    arena_init(&s->pending_arena, es->account, 0);
    strbuf_init_heap(&s->scratch, es->account);
    TRY(plan_init(es, plan->lefttree, &ps->left, err));
    s->ngroup = node->grpColIdx.n;
    TRY_NEW_N(s->group_atts, &es->arena, s->ngroup + 1, err);
    for (int i = 0; i < s->ngroup; i++) s->group_atts[i] = (int)node->grpColIdx.v[i] - 1;
    TRY(exec_equal_keys(es, ps->left->desc, &node->grpColIdx, &node->grpOperators, &node->grpCollations, &s->keys, err));
    TRY(init_sets(s, node, err));
    int n = list_len(node->aggs);
    TRY_NEW_N(s->calls, &es->arena, n + 1, err);
    s->all_fast = true;
    for (int i = 0; i < n; i++) {
        TRY(agg_call_init_ref(es, list_at(node->aggs, i), &s->calls[i], err));
        s->naggs = i + 1;
        s->all_fast &= s->calls[i].fast != AGG_GENERAL;
        for (int k = 0; k < s->calls[i].nargs; k++)
            if (s->calls[i].args[k].att + 1 > s->max_att) s->max_att = s->calls[i].args[k].att + 1;
    }
    TRY_NEW_N(s->values, &es->arena, n + 1, err);
    TRY_NEW_N(s->results, &es->arena, n + 1, err);
    TRY_NEW_N(s->result_nulls, &es->arena, n + 1, err);
    ps->ec.agg_values = s->results;
    ps->ec.agg_nulls = s->result_nulls;
    s->pending = slot_new(&es->arena, ps->left->desc);
    TRY_MEM(s->pending, err);
    s->spill_slot = slot_new(&es->arena, ps->left->desc);
    TRY_MEM(s->spill_slot, err);
    TRY(init_needed(s, err));
    s->group_slot = slot_new(&es->arena, ps->left->desc);
    TRY_MEM(s->group_slot, err);
    memset(s->group_slot->nulls, true, (size_t)ps->left->desc->natts);
    return plan_init_projection(ps, NULL, 0, err);
}
