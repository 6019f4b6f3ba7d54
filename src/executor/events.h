/* What a modification leaves for the end of its statement: foreign keys that did not hold yet, referential actions, deferrable unique
 * constraints, AFTER triggers. Deferred ones move on to the transaction (deferred.c). */
#ifndef HELIOS_EXECUTOR_EVENTS_H
#define HELIOS_EXECUTOR_EVENTS_H

#include "executor/executor.h"

typedef struct EventQueue EventQueue;

STATUS events_new(SessionEnv *env, EventQueue **out, Error *err);
void events_free(EventQueue *q); /* NULL is fine */
void events_clear(EventQueue *q); /* NULL is fine */
STATUS events_fire(EventQueue *q, Error *err);

#endif
