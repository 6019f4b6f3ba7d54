/* RowWriter: rows written outside of plans (COPY, commands). */
#include "executor/row_target.h"

struct RowWriter {
    SessionEnv *env;
    MemAccount *account;
    Arena arena;
    EventQueue *events;
    RowTarget *target;
};

STATUS row_writer_open(SessionEnv *env, const Relation *rel, MemAccount *account, RowWriter **out, Error *err)
{
    if (!account) account = env->account;
    RowWriter *w = mem_alloc(account, sizeof *w);
    *out = NULL;
    if (!w) return error_out_of_memory(err, sizeof *w);
    *w = (RowWriter){.env = env, .account = account};
    arena_init(&w->arena, account, 0);
    Status st = events_new(env, &w->events, err);
    if (!failed(st)) st = row_target_new(env, rel, w->events, &w->arena, account, &w->target, err);
    if (!failed(st)) {
        *out = w;
        return ST_OK;
    }
    row_target_end(w->target);
    events_free(w->events);
    arena_destroy(&w->arena);
    mem_free(account, w, sizeof *w);
    return st;
}

STATUS row_writer_insert(RowWriter *w, TupleSlot *row, Error *err)
{
    row_target_begin(w->target);
    return row_target_insert(w->target, row, NULL, err);
}

STATUS row_writer_close(RowWriter *w, Error *err)
{
    if (!w) return ST_OK;
    /* After an error there is nothing left to hold. */
    Status st = error_is_set(err) ? ST_OK : events_fire(w->events, err);
    row_target_end(w->target);
    events_free(w->events);
    arena_destroy(&w->arena);
    mem_free(w->account, w, sizeof *w);
    return st;
}
