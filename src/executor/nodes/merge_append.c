/* MergeAppend: merges sorted children. */
#include "executor/exec_state.h"

typedef struct MergeAppendState {
    PlanState ps;
    int nkeys;
    SortKey *keys;
    TupleSlot **rows;   /* per child: its present row */
    int *heap, nheap;
    bool begun;
} MergeAppendState;

static STATUS row_before(MergeAppendState *s, int a, int b, bool *before, Error *err)
{
    TupleSlot *x = s->rows[a], *y = s->rows[b];
    for (int i = 0; i < s->nkeys; i++) {
        int att = s->keys[i].attno;
        TRY(slot_decode(x, att + 1, err));
        TRY(slot_decode(y, att + 1, err));
        int c = sort_key_compare(&s->keys[i], x->values[att], x->nulls[att], y->values[att], y->nulls[att]);
        if (c) {
            *before = c < 0;
            return ST_OK;
        }
    }
    *before = a < b;
    return ST_OK;
}

static STATUS sift(MergeAppendState *s, int i, Error *err)
{
    for (;;) {
        int c = 2 * i + 1;
        bool before;
        if (c >= s->nheap) return ST_OK;
        if (c + 1 < s->nheap) {
            TRY(row_before(s, s->heap[c + 1], s->heap[c], &before, err));
            c += before;
        }
        TRY(row_before(s, s->heap[c], s->heap[i], &before, err));
        if (!before) return ST_OK;
        int t = s->heap[i];
        s->heap[i] = s->heap[c];
        s->heap[c] = t;
        i = c;
    }
}

static Status merge_append_next(PlanState *ps, TupleSlot **out, Error *err)
{
    MergeAppendState *s = (MergeAppendState *)ps;
    *out = NULL;
    if (!s->begun) {
        s->nheap = 0;
        for (int i = 0; i < ps->nchildren; i++) {
            TRY(plan_next(ps->children[i], &s->rows[i], err));
            if (s->rows[i]) s->heap[s->nheap++] = i;
        }
        for (int i = s->nheap / 2; i-- > 0;) TRY(sift(s, i, err));
        s->begun = true;
    } else if (s->nheap) {
        int top = s->heap[0];
        TRY(plan_next(ps->children[top], &s->rows[top], err));
        if (!s->rows[top]) s->heap[0] = s->heap[--s->nheap];
        if (s->nheap) TRY(sift(s, 0, err));
    }
    if (s->nheap) *out = s->rows[s->heap[0]];
    return ST_OK;
}

static Status merge_append_rescan(PlanState *ps, const Bitset *changed, Error *err)
{
    ((MergeAppendState *)ps)->begun = false;
    for (int i = 0; i < ps->nchildren; i++) TRY(plan_rescan(ps->children[i], changed, err));
    return ST_OK;
}

static const PlanOps merge_append_ops = {merge_append_next, merge_append_rescan, NULL};

STATUS merge_append_init(ExecState *es, const Plan *plan, PlanState **out, Error *err)
{
    const MergeAppend *node = (const MergeAppend *)plan;
    TRY(plan_state_new(es, plan, &merge_append_ops, sizeof(MergeAppendState), out, err));
    MergeAppendState *s = (MergeAppendState *)*out;
    PlanState *ps = *out;
    int n = list_len(node->mergeplans);
    TupleDesc *desc;
    TRY_NEW_N(ps->children, &es->arena, n + 1, err);
    TRY_NEW_N(s->rows, &es->arena, n + 1, err);
    TRY_NEW_N(s->heap, &es->arena, n + 1, err);
    for (int i = 0; i < n; i++) {
        ps->nchildren = i + 1;
        TRY(plan_init(es, list_at(node->mergeplans, i), &ps->children[i], err));
    }
    TRY(exec_tlist_desc(es->env, plan->targetlist, false, &es->arena, &desc, err));
    ps->desc = desc;
    s->nkeys = node->numCols;
    return exec_sort_keys(es, desc, node->numCols, &node->sortColIdx, &node->sortOperators, NULL, &node->nullsFirst, &s->keys, err);
}
