/* Deferred constraints: what waits for COMMIT, and SET CONSTRAINTS. One state a session, in env->deferred, made on first use and emptied at the
 * end of the transaction. Savepoints need nothing: a check looks at the newest state, whatever became of the change that asked for it. */
#include "common/list.h"
#include "executor/events.h"

typedef struct Deferred {
    EventQueue *queue;       /* used for firing */
    Arena arena;
    Event *first, **last;
    bool all_set, all_deferred;
    IntVec deferred, immediate; /* constraints named by SET CONSTRAINTS since */
} Deferred;

static STATUS deferred_state(SessionEnv *env, Deferred **out, Error *err)
{
    if (!env->deferred) {
        Deferred *d = mem_alloc(env->account, sizeof *d);
        if (!d) return error_out_of_memory(err, sizeof *d);
        *d = (Deferred){0};
        arena_init(&d->arena, env->account, 0);
        d->last = &d->first;
        env->deferred = d;
    }
    *out = env->deferred;
    return ST_OK;
}

void deferred_forget(SessionEnv *env)
{
    Deferred *d = env->deferred;
    if (!d) return;
    events_free(d->queue);
    arena_destroy(&d->arena);
    mem_free(env->account, d, sizeof *d);
    env->deferred = NULL;
}

bool constraint_is_deferred(SessionEnv *env, Oid constraint, bool deferrable, bool initially)
{
    const Deferred *d = env->deferred;
    if (!deferrable) return false;
    if (!d) return initially;
    if (intvec_contains(&d->deferred, constraint)) return true;
    if (intvec_contains(&d->immediate, constraint)) return false;
    return d->all_set ? d->all_deferred : initially;
}

STATUS deferred_add(SessionEnv *env, const Event *event, Error *err)
{
    Deferred *d;
    Event *e;
    TRY(deferred_state(env, &d, err));
    TRY(event_copy(event, &d->arena, &e, err));
    *d->last = e;
    d->last = &e->next;
    return ST_OK;
}

/* Fires what `pick` accepts (NULL: everything); the rest keeps waiting. */
static STATUS fire(SessionEnv *env, Deferred *d, const List *only, Error *err)
{
    if (!d->queue) TRY(events_new(env, &d->queue, err));
    for (Event **link = &d->first; *link;) {
        Event *e = *link;
        bool now = only == NULL;
        for (int i = 0; i < list_len(only) && !now; i++) now = datum_get_oid(((const Const *)list_at(only, i))->constvalue) == e->constraint;
        if (!now) {
            link = &e->next;
            continue;
        }
        TRY(event_fire(d->queue, e, err));
        TRY(events_fire(d->queue, err));
        *link = e->next;
        if (!*link) d->last = link;
    }
    events_clear(d->queue);
    return ST_OK;
}

STATUS deferred_fire_all(SessionEnv *env, Error *err)
{
    Deferred *d = env->deferred;
    if (!d) return ST_OK;
    if (d->first) TRY(fire(env, d, NULL, err));
    deferred_forget(env);
    return ST_OK;
}

STATUS deferred_set(SessionEnv *env, const List *oids, bool deferred, Error *err)
{
    Deferred *d;
    TRY(deferred_state(env, &d, err));
    if (!oids) {
        d->all_set = true;
        d->all_deferred = deferred;
        d->deferred = d->immediate = (IntVec){0};
    }
    for (int i = 0; i < list_len(oids); i++) {
        int64_t oid = datum_get_oid(((const Const *)list_at(oids, i))->constvalue);
        IntVec *to = deferred ? &d->deferred : &d->immediate, *from = deferred ? &d->immediate : &d->deferred;
        for (int k = 0; k < from->len; k++)
            if (from->v[k] == oid) from->v[k] = from->v[--from->len];
        if (!intvec_contains(to, oid) && !intvec_push(to, &d->arena, oid)) return error_out_of_memory(err, 8);
    }
    return deferred || !d->first ? ST_OK : fire(env, d, oids, err);
}
