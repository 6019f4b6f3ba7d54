/* SetOp: INTERSECT and EXCEPT [ALL] by counting equal rows of both inputs in a hash table. Past its share of memory, rows of unknown groups go to
 * partition files and are counted later, as in a hashed aggregation. */
#include "executor/exec_state.h"
#include "executor/spill_file.h"

enum { PARTITION_BITS = 4, PARTITIONS = 1 << PARTITION_BITS, MAX_LEVEL = 12 };

typedef struct Counted {
    struct Counted *next;
    uint64_t hash;
    int64_t left, right;
    uint8_t tuple[];
} Counted;

typedef struct Todo { SpillFile *file; int level; struct Todo *next; } Todo;

typedef struct SetOpState {
    PlanState ps;
    const SetOp *node;
    int nkeys;
    EqualKey *keys;
    Arena arena;
    Counted **buckets;
    size_t mask, n, bucket;
    Counted *cursor;
    int64_t repeat;          /* how often the present row is still to be returned */
    bool filled, spilling;
    int level;
    SpillFile *parts[PARTITIONS];
    Todo *todo;
    TupleSlot *slot, *other;
    StrBuf scratch;
} SetOpState;

static STATUS grow(SetOpState *s, Error *err)
{
    size_t size = s->buckets ? (s->mask + 1) * 2 : 256;
    MemAccount *a = s->ps.es->account;
    Counted **grown = mem_alloc(a, size * sizeof *grown);
    if (!grown) return error_out_of_memory(err, size * sizeof *grown);
    memset(grown, 0, size * sizeof *grown);
    for (size_t i = 0; s->buckets && i <= s->mask; i++)
        for (Counted *c = s->buckets[i], *next; c; c = next) {
            next = c->next;
            c->next = grown[c->hash & (size - 1)];
            grown[c->hash & (size - 1)] = c;
        }
    if (s->buckets) mem_free(a, s->buckets, (s->mask + 1) * sizeof *s->buckets);
    s->buckets = grown;
    s->mask = size - 1;
    return ST_OK;
}

static void drop_table(SetOpState *s)
{
    if (s->buckets) mem_free(s->ps.es->account, s->buckets, (s->mask + 1) * sizeof *s->buckets);
    s->buckets = NULL;
    s->mask = s->n = s->bucket = 0;
    s->cursor = NULL;
    s->repeat = 0;
    arena_reset(&s->arena);
}

static STATUS flat(SetOpState *s, TupleSlot *row, const uint8_t **out, size_t *n, Error *err)
{
    TRY(slot_decode_all(row, err));
    *n = mintuple_size(row);
    strbuf_reset(&s->scratch);
    if (!strbuf_reserve(&s->scratch, *n)) return error_out_of_memory(err, *n);
    mintuple_write(row, (uint8_t *)s->scratch.data);
    *out = (const uint8_t *)s->scratch.data;
    return ST_OK;
}

static STATUS count_row(SetOpState *s, TupleSlot *row, bool right, uint64_t hash, Error *err)
{
    const uint8_t *tuple;
    size_t n;
    if (!s->buckets || s->n > s->mask) TRY(grow(s, err));
    for (Counted *c = s->buckets[hash & s->mask]; c; c = c->next) {
        bool equal;
        uint32_t size;
        if (c->hash != hash) continue;
        memcpy(&size, c->tuple, 4);
        TRY(mintuple_read(c->tuple, size, s->other, err));
        TRY(exec_rows_equal(s->keys, s->nkeys, s->other, row, &equal, err));
        if (!equal) continue;
        if (right) c->right++;
        else c->left++;
        return ST_OK;
    }
    if (right && !s->spilling) return ST_OK; /* only the left side's rows are ever returned */
    if (!s->spilling && s->n && s->level < MAX_LEVEL && (int64_t)s->arena.total_bytes > s->ps.es->hash_mem) s->spilling = true;
    TRY(flat(s, row, &tuple, &n, err));
    if (s->spilling) {
        struct { uint64_t hash; uint64_t right; } head = {hash, right};
        int p = (int)(hash >> (60 - PARTITION_BITS * s->level)) & (PARTITIONS - 1);
        if (!s->parts[p]) TRY(spill_open(s->ps.es->env, s->ps.es->account, &s->parts[p], err));
        return spill_put_row(s->parts[p], &head, sizeof head, tuple, err);
    }
    Counted *c = arena_alloc(&s->arena, sizeof *c + n);
    TRY_MEM(c, err);
    *c = (Counted){.next = s->buckets[hash & s->mask], .hash = hash, .left = 1};
    memcpy(c->tuple, tuple, n);
    s->buckets[hash & s->mask] = c;
    s->n++;
    return ST_OK;
}

static STATUS queue_parts(SetOpState *s, Error *err)
{
    for (int p = 0; p < PARTITIONS; p++) {
        if (!s->parts[p]) continue;
        Todo *t;
        TRY_NEW(t, &s->ps.es->arena, err);
        *t = (Todo){s->parts[p], s->level + 1, s->todo};
        s->todo = t;
        s->parts[p] = NULL;
    }
    s->spilling = false;
    return ST_OK;
}

static STATUS fill(SetOpState *s, Error *err)
{
    for (int side = 0; side < 2; side++) {
        for (;;) {
            TupleSlot *row;
            uint64_t hash;
            TRY(EXEC_INTERRUPT(s->ps.es, err));
            TRY(plan_next(side ? s->ps.right : s->ps.left, &row, err));
            if (!row) break;
            TRY(slot_decode_all(row, err));
            TRY(exec_rows_hash(s->keys, s->nkeys, row, &hash, err));
            TRY(count_row(s, row, side == 1, hash_u64(hash), err));
        }
    }
    s->filled = true;
    return queue_parts(s, err);
}

static STATUS fill_part(SetOpState *s, Error *err)
{
    Todo *t = s->todo;
    s->todo = t->next;
    drop_table(s);
    s->level = t->level;
    Status st = spill_seek(t->file, 0, err);
    while (!failed(st)) {
        struct { uint64_t hash; uint64_t right; } head;
        const uint8_t *tuple;
        uint32_t size;
        st = EXEC_INTERRUPT(s->ps.es, err);
        if (!failed(st)) st = spill_get_row(t->file, &head, sizeof head, &tuple, &size, err);
        if (failed(st) || !tuple) break;
        st = mintuple_read(tuple, size, s->slot, err);
        if (!failed(st)) st = count_row(s, s->slot, head.right != 0, head.hash, err);
    }
    spill_close(t->file);
    TRY(st);
    return queue_parts(s, err);
}

static int64_t copies(const SetOpState *s, const Counted *c)
{
    if (s->node->op == SETOP_INTERSECT) {
        int64_t both = c->left < c->right ? c->left : c->right;
        return s->node->all ? both : both > 0;
    }
    if (s->node->all) return c->left > c->right ? c->left - c->right : 0;
    return c->right == 0;
}

static Status setop_next(PlanState *ps, TupleSlot **out, Error *err)
{
    SetOpState *s = (SetOpState *)ps;
    *out = NULL;
    if (!s->filled) TRY(fill(s, err));
    for (;;) {
        if (s->repeat > 0) {
            s->repeat--;
            *out = s->slot;
            return ST_OK;
        }
        while (!s->cursor && s->buckets && s->bucket <= s->mask) s->cursor = s->buckets[s->bucket++];
        if (!s->cursor) {
            if (!s->todo) return ST_OK;
            TRY(fill_part(s, err));
            continue;
        }
        Counted *c = s->cursor;
        uint32_t size;
        s->cursor = c->next;
        s->repeat = copies(s, c);
        memcpy(&size, c->tuple, 4);
        if (s->repeat) TRY(mintuple_read(c->tuple, size, s->slot, err));
    }
}

static void forget(SetOpState *s)
{
    drop_table(s);
    for (int p = 0; p < PARTITIONS; p++) {
        spill_close(s->parts[p]);
        s->parts[p] = NULL;
    }
    for (; s->todo; s->todo = s->todo->next) spill_close(s->todo->file);
    s->filled = s->spilling = false;
    s->level = 0;
}

static Status setop_rescan(PlanState *ps, const Bitset *changed, Error *err)
{
    forget((SetOpState *)ps);
    TRY(plan_rescan(ps->left, changed, err));
    return plan_rescan(ps->right, changed, err);
}

static void setop_end(PlanState *ps)
{
    SetOpState *s = (SetOpState *)ps;
    forget(s);
    arena_destroy(&s->arena);
    strbuf_free(&s->scratch);
}

static const PlanOps setop_ops = {setop_next, setop_rescan, setop_end};

STATUS setop_init(ExecState *es, const Plan *plan, PlanState **out, Error *err)
{
    const SetOp *node = (const SetOp *)plan;
    TRY(plan_state_new(es, plan, &setop_ops, sizeof(SetOpState), out, err));
    SetOpState *s = (SetOpState *)*out;
    s->node = node;
    arena_init(&s->arena, es->account, 0);
    strbuf_init_heap(&s->scratch, es->account);
    TRY(plan_init(es, plan->lefttree, &s->ps.left, err));
    TRY(plan_init(es, plan->righttree, &s->ps.right, err));
    s->ps.desc = s->ps.left->desc;
    s->nkeys = node->dupColIdx.n;
    s->slot = slot_new(&es->arena, s->ps.desc);
    s->other = slot_new(&es->arena, s->ps.desc);
    if (!s->slot || !s->other) return error_out_of_memory(err, 0);
    return exec_equal_keys(es, s->ps.desc, &node->dupColIdx, &node->dupOperators, NULL, &s->keys, err);
}
