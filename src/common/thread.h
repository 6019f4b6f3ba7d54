/* Threads, mutexes and condition variables: pthread with errors made fatal (they are our bugs) and small stacks.
 * Clocks: monotonic for waiting and measuring, wall for now(). */
#ifndef HELIOS_COMMON_THREAD_H
#define HELIOS_COMMON_THREAD_H

#include <pthread.h>

#include "common/error.h"

typedef pthread_mutex_t Mutex;
typedef pthread_cond_t Cond; /* initialised on CLOCK_MONOTONIC */

void mutex_init(Mutex *m);
void mutex_destroy(Mutex *m);
void mutex_lock(Mutex *m);
void mutex_unlock(Mutex *m);
void cond_init(Cond *c);
void cond_destroy(Cond *c);
void cond_wait(Cond *c, Mutex *m);
bool cond_wait_until(Cond *c, Mutex *m, int64_t deadline_ns); /* monotonic; false: timed out */
void cond_signal(Cond *c);
void cond_broadcast(Cond *c);

int64_t clock_monotonic_ns(void);
int64_t clock_wall_us(void); /* microseconds since 1970-01-01 UTC */

/* Starts a detached or joinable thread with a stack of stack_bytes (guard page added). The stack bounds are recorded for
 * stack_check. The name shows in ps/gdb (15 characters). */
STATUS thread_start(pthread_t *out, const char *name, size_t stack_bytes, bool detached, void *(*fn)(void *), void *arg, Error *err);

/* 54001 if less than a safety margin of the calling thread's stack is left. Call at every recursion. */
STATUS stack_check(Error *err);
/* For a thread that thread_start did not make (main, library threads), and for running on a borrowed stack. */
void stack_bounds_set(void *low, size_t bytes);
void stack_bounds_get(void **low, size_t *bytes);

#endif
