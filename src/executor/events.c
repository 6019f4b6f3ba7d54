/* The queue of a statement. Events are copied into the queue's arena, fired first in, first out; firing may add more. */
#include "executor/events.h"

#include "executor/row_target.h"

enum { EVENTS_BEFORE_EARLY_FIRE = 10000 };

struct EventQueue {
    SessionEnv *env;
    Arena arena;          /* events */
    Arena scratch;        /* of the event being fired */
    Arena target_arena;   /* targets of referential actions */
    Event *first, **last;
    int count;
    RowTarget **targets;
    int ntargets, targets_cap;
    bool firing;
};

STATUS events_new(SessionEnv *env, EventQueue **out, Error *err)
{
    EventQueue *q = mem_alloc(env->account, sizeof *q);
    *out = NULL;
    if (!q) return error_out_of_memory(err, sizeof *q);
    *q = (EventQueue){.env = env};
    arena_init(&q->arena, env->account, 0);
    arena_init(&q->scratch, env->account, 0);
    arena_init(&q->target_arena, env->account, 0);
    q->last = &q->first;
    *out = q;
    return ST_OK;
}

void events_clear(EventQueue *q)
{
    if (!q) return;
    for (int i = 0; i < q->ntargets; i++) row_target_end(q->targets[i]);
    q->first = NULL;
    q->last = &q->first;
    q->count = q->ntargets = q->targets_cap = 0;
    q->targets = NULL;
    q->firing = false;
    if (q->arena.blocks) arena_reset(&q->arena);
    if (q->scratch.blocks) arena_reset(&q->scratch);
    if (q->target_arena.blocks) arena_reset(&q->target_arena);
}

void events_free(EventQueue *q)
{
    if (!q) return;
    events_clear(q);
    arena_destroy(&q->arena);
    arena_destroy(&q->scratch);
    arena_destroy(&q->target_arena);
    mem_free(q->env->account, q, sizeof *q);
}

SessionEnv *events_env(const EventQueue *q) { return q->env; }
Arena *events_scratch(EventQueue *q) { return &q->scratch; }

STATUS event_copy(const Event *from, Arena *arena, Event **out, Error *err)
{
    Event *e;
    TRY_NEW(e, arena, err);
    *e = *from;
    e->next = NULL;
    e->types = NULL;
    if (from->row_key.len) {
        e->row_key.data = arena_memdup(arena, from->row_key.data, from->row_key.len);
        TRY_MEM(e->row_key.data, err);
    }
    TRY_NEW_N(e->values, arena, from->n + 1, err);
    TRY_NEW_N(e->new_values, arena, from->n + 1, err);
    TRY_NEW_N(e->nulls, arena, from->n + 1, err);
    TRY_NEW_N(e->new_nulls, arena, from->n + 1, err);
    for (int i = 0; i < from->n; i++) {
        const TypeInfo *t = from->types[i];
        e->nulls[i] = from->nulls && from->nulls[i];
        e->new_nulls[i] = !from->has_new || (from->new_nulls && from->new_nulls[i]);
        if (!e->nulls[i]) TRY(datum_copy(arena, from->values[i], t->byval, t->typlen, &e->values[i], err));
        if (!e->new_nulls[i]) TRY(datum_copy(arena, from->new_values[i], t->byval, t->typlen, &e->new_values[i], err));
    }
    *out = e;
    return ST_OK;
}

STATUS events_add(EventQueue *q, const Event *event, bool deferred, Error *err)
{
    Event *e;
    if (deferred) return deferred_add(q->env, event, err);
    TRY(event_copy(event, &q->arena, &e, err));
    *q->last = e;
    q->last = &e->next;
    /* Actions on rows of a very large statement begin before its end, so that the queue stays small. */
    if (++q->count < EVENTS_BEFORE_EARLY_FIRE || q->firing || event->kind != EVENT_FK_ACTION) return ST_OK;
    return events_fire(q, err);
}

STATUS events_target(EventQueue *q, Oid relation, RowTarget **out, Error *err)
{
    const Relation *rel;
    for (int i = 0; i < q->ntargets; i++)
        if (q->targets[i]->rel->oid == relation) {
            *out = q->targets[i];
            return ST_OK;
        }
    TRY(relation_open(q->env, relation, LOCK_ROW_EXCLUSIVE, &rel, err));
    if (q->ntargets == q->targets_cap) {
        int cap = q->targets_cap ? q->targets_cap * 2 : 4;
        RowTarget **grown;
        TRY_NEW_N(grown, &q->target_arena, cap, err);
        if (q->ntargets) memcpy(grown, q->targets, (size_t)q->ntargets * sizeof *grown);
        q->targets = grown;
        q->targets_cap = cap;
    }
    TRY(row_target_new(q->env, rel, q, &q->target_arena, q->env->account, out, err));
    q->targets[q->ntargets++] = *out;
    return ST_OK;
}

static STATUS check_unique(EventQueue *q, const Event *e, Error *err)
{
    const Relation *rel;
    int count;
    TRY(relation_try_open(q->env, e->relation, LOCK_ROW_SHARE, &rel, err));
    const IndexInfo *ix = rel ? relation_index(rel, e->constraint) : NULL;
    if (!ix) return ST_OK;
    TRY(index_count_equal(q->env->txn, &ix->def, e->values, e->nulls, &count, err));
    if (count < 2) return ST_OK;
    RowTarget *t;
    TRY(events_target(q, e->relation, &t, err));
    TupleSlot *row = slot_new(&q->scratch, rel->desc); /* only the key columns are looked at */
    TRY_MEM(row, err);
    memset(row->nulls, true, (size_t)rel->desc->natts);
    for (int i = 0; i < ix->nkeyatts; i++) {
        if (ix->attnums[i] <= 0) continue;
        row->values[ix->attnums[i] - 1] = e->values[i];
        row->nulls[ix->attnums[i] - 1] = e->nulls[i];
    }
    slot_store_virtual(row);
    return raise_duplicate(t, ix, row, err);
}

STATUS event_fire(EventQueue *q, const Event *e, Error *err)
{
    arena_reset(&q->scratch);
    switch (e->kind) {
    case EVENT_FK_CHECK: return fk_check_again(q, e->relation, e->constraint, e->row_key, err);
    case EVENT_FK_ACTION: return fk_act(q, e->relation, e->constraint, e->is_delete, e->values, e->new_values, e->new_nulls, err);
    case EVENT_UNIQUE: return check_unique(q, e, err);
    }
    return ST_OK;
}

STATUS events_fire(EventQueue *q, Error *err)
{
    Status st = ST_OK;
    if (!q->first) return ST_OK;
    q->firing = true;
    while (q->first && !failed(st)) {
        Event *e = q->first;
        st = INTERRUPT_CHECK(q->env->interrupt, err);
        if (!failed(st)) st = event_fire(q, e, err);
        q->first = e->next;
        if (!q->first) q->last = &q->first;
    }
    q->firing = false;
    q->count = 0;
    if (!q->first) arena_reset(&q->arena);
    return st;
}
