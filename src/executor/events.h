/* What a modification leaves for the end of its statement: foreign keys that did not hold yet, referential actions, deferrable unique
 * constraints. Deferred ones move on to the transaction (deferred.c). All of them look at the newest state when they are fired, so that it does not
 * matter if the change that queued them was undone. */
#ifndef HELIOS_EXECUTOR_EVENTS_H
#define HELIOS_EXECUTOR_EVENTS_H

#include "executor/executor.h"

typedef struct EventQueue EventQueue;
struct RowTarget;

typedef enum EventKind {
    EVENT_FK_CHECK,      /* a referencing row: does its parent exist? */
    EVENT_FK_ACTION,     /* a parent went away or changed: act on, or look for, referencing rows */
    EVENT_UNIQUE         /* a deferrable unique index: is the key there once? */
} EventKind;

typedef struct Event {
    EventKind kind;
    Oid relation, constraint; /* FK_ACTION: relation is the parent; UNIQUE: constraint is the index */
    bool is_delete, has_new;
    Slice row_key;            /* FK_CHECK */
    int n;
    Datum *values, *new_values; /* key values */
    bool *nulls, *new_nulls;
    const TypeInfo *const *types; /* of values, for copying */
    struct Event *next;
} Event;

STATUS events_new(SessionEnv *env, EventQueue **out, Error *err);
void events_free(EventQueue *q);  /* NULL is fine */
void events_clear(EventQueue *q); /* NULL is fine */
/* Copies the event. deferred: it waits for COMMIT. */
STATUS events_add(EventQueue *q, const Event *event, bool deferred, Error *err);
/* Until nothing is left: firing may queue more. */
STATUS events_fire(EventQueue *q, Error *err);
/* A target for rows of another table, kept for the queue's life until events_clear. Locks the relation ROW EXCLUSIVE. */
STATUS events_target(EventQueue *q, Oid relation, struct RowTarget **out, Error *err);
SessionEnv *events_env(const EventQueue *q);
Arena *events_scratch(EventQueue *q); /* reset before each event is fired */

/* deferred.c: is this constraint deferred now? */
bool constraint_is_deferred(SessionEnv *env, Oid constraint, bool deferrable, bool initially);
STATUS deferred_add(SessionEnv *env, const Event *event, Error *err);
STATUS event_fire(EventQueue *q, const Event *event, Error *err);
STATUS event_copy(const Event *from, Arena *arena, Event **out, Error *err);

#endif
