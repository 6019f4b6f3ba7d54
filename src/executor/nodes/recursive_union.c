/* RecursiveUnion: WITH RECURSIVE. The left side's rows are the first round; the right side runs over each round's rows until a round is
 * empty. UNION (not ALL) leaves out rows seen before. */
#include "executor/nodes/work_table.h"

typedef struct SeenRow { uint64_t hash; struct SeenRow *next; uint8_t tuple[]; } SeenRow;

typedef struct RecursiveState {
    PlanState ps;
    WorkTable table;
    TupleStore *next_rows;   /* being made */
    Bitset *changed;         /* the work table's slot */
    bool recursing;
    int nkeys;
    EqualKey *keys;
    SeenRow **seen;
    size_t mask, nseen;
    Arena seen_arena;
    TupleSlot *seen_slot;
} RecursiveState;

static STATUS seen_grow(RecursiveState *s, Error *err)
{
    size_t size = s->seen ? (s->mask + 1) * 2 : 64;
    SeenRow **grown;
    TRY_NEW_N(grown, &s->seen_arena, size, err);
    for (size_t i = 0; s->seen && i <= s->mask; i++)
        for (SeenRow *r = s->seen[i], *next; r; r = next) {
            next = r->next;
            r->next = grown[r->hash & (size - 1)];
            grown[r->hash & (size - 1)] = r;
        }
    s->seen = grown;
    s->mask = size - 1;
    return ST_OK;
}

static STATUS is_new(RecursiveState *s, TupleSlot *row, bool *fresh, Error *err)
{
    uint64_t hash;
    *fresh = true;
    if (!s->nkeys) return ST_OK;
    TRY(slot_decode_all(row, err));
    TRY(exec_rows_hash(s->keys, s->nkeys, row, &hash, err));
    if (!s->seen || s->nseen > s->mask) TRY(seen_grow(s, err));
    for (SeenRow *r = s->seen[hash & s->mask]; r; r = r->next) {
        bool equal;
        uint32_t n;
        if (r->hash != hash) continue;
        memcpy(&n, r->tuple, 4);
        TRY(mintuple_read(r->tuple, n, s->seen_slot, err));
        TRY(exec_rows_equal(s->keys, s->nkeys, s->seen_slot, row, &equal, err));
        if (equal) {
            *fresh = false;
            return ST_OK;
        }
    }
    SeenRow *r = arena_alloc(&s->seen_arena, sizeof *r + mintuple_size(row));
    TRY_MEM(r, err);
    mintuple_write(row, r->tuple);
    r->hash = hash;
    r->next = s->seen[hash & s->mask];
    s->seen[hash & s->mask] = r;
    s->nseen++;
    return ST_OK;
}

static Status recursive_union_next(PlanState *ps, TupleSlot **out, Error *err)
{
    RecursiveState *s = (RecursiveState *)ps;
    for (;;) {
        TupleSlot *row;
        bool fresh;
        *out = NULL;
        TRY(EXEC_INTERRUPT(ps->es, err));
        TRY(plan_next(s->recursing ? ps->right : ps->left, &row, err));
        if (row) {
            TRY(is_new(s, row, &fresh, err));
            if (!fresh) continue;
            TRY(tuple_store_put(s->next_rows, row, err));
            *out = row;
            return ST_OK;
        }
        if (!tuple_store_count(s->next_rows)) return ST_OK;
        TupleStore *old = s->table.rows;
        s->table.rows = s->next_rows;
        s->next_rows = old;
        tuple_store_clear(old);
        s->recursing = true;
        TRY(plan_rescan(ps->right, s->changed, err));
    }
}

static Status recursive_union_rescan(PlanState *ps, const Bitset *changed, Error *err)
{
    RecursiveState *s = (RecursiveState *)ps;
    tuple_store_clear(s->table.rows);
    tuple_store_clear(s->next_rows);
    s->recursing = false;
    s->seen = NULL;
    s->nseen = s->mask = 0;
    arena_reset(&s->seen_arena);
    TRY(plan_rescan(ps->left, changed, err));
    return plan_rescan(ps->right, changed, err);
}

static void recursive_union_end(PlanState *ps)
{
    RecursiveState *s = (RecursiveState *)ps;
    tuple_store_free(s->table.rows);
    tuple_store_free(s->next_rows);
    arena_destroy(&s->seen_arena);
}

static const PlanOps recursive_union_ops = {recursive_union_next, recursive_union_rescan, recursive_union_end};

STATUS recursive_union_init(ExecState *es, const Plan *plan, PlanState **out, Error *err)
{
    const RecursiveUnion *node = (const RecursiveUnion *)plan;
    TRY(plan_state_new(es, plan, &recursive_union_ops, sizeof(RecursiveState), out, err));
    RecursiveState *s = (RecursiveState *)*out;
    PlanState *ps = *out;
    arena_init(&s->seen_arena, es->account, 0);
    TRY(plan_init(es, plan->lefttree, &ps->left, err));
    ps->desc = ps->left->desc;
    s->table.desc = ps->desc;
    TRY(tuple_store_new(es->env, ps->desc, es->work_mem / 2, &s->table.rows, err));
    TRY(tuple_store_new(es->env, ps->desc, es->work_mem / 2, &s->next_rows, err));
    es->exec_params[node->wtParam] = (ParamExec){.value = datum_ptr(&s->table)};
    s->changed = bitset_add(NULL, &es->arena, node->wtParam);
    TRY_MEM(s->changed, err);
    s->nkeys = node->numCols;
    if (s->nkeys) TRY(exec_equal_keys(es, ps->desc, &node->dupColIdx, &node->dupOperators, NULL, &s->keys, err));
    s->seen_slot = slot_new(&es->arena, ps->desc);
    TRY_MEM(s->seen_slot, err);
    return plan_init(es, plan->righttree, &ps->right, err);
}
