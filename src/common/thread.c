/* pthread wrappers, clocks, and the stack guard.
 *
 * The bounds of the running stack are two thread-local pointers: thread_start fills them, running on a borrowed stack
 * swaps them, and any other thread asks the system at its first check. */
#define _GNU_SOURCE
#include "common/thread.h"

#include "common/arena.h"
#include <errno.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* What must stay free at a check: the callee's own frames plus calls into libraries, which do not check. */
#define STACK_MARGIN ((size_t)48 * 1024)

static _Thread_local char *stack_low;
static _Thread_local size_t stack_bytes_here;
static _Thread_local char *stack_limit; /* below it a check fails; NULL: not known yet */

static void must(int rc, const char *what)
{
    if (!rc) return;
    fprintf(stderr, "PANIC:  %s: %s\n", what, strerror(rc));
    abort();
}

void mutex_init(Mutex *m) { must(pthread_mutex_init(m, NULL), "mutex_init"); }
void mutex_destroy(Mutex *m) { must(pthread_mutex_destroy(m), "mutex_destroy"); }
void mutex_lock(Mutex *m) { must(pthread_mutex_lock(m), "mutex_lock"); }
void mutex_unlock(Mutex *m) { must(pthread_mutex_unlock(m), "mutex_unlock"); }

void cond_init(Cond *c)
{
    pthread_condattr_t attr;
    must(pthread_condattr_init(&attr), "condattr_init");
    must(pthread_condattr_setclock(&attr, CLOCK_MONOTONIC), "condattr_setclock");
    must(pthread_cond_init(c, &attr), "cond_init");
    pthread_condattr_destroy(&attr);
}

void cond_destroy(Cond *c) { must(pthread_cond_destroy(c), "cond_destroy"); }
void cond_wait(Cond *c, Mutex *m) { must(pthread_cond_wait(c, m), "cond_wait"); }
void cond_signal(Cond *c) { must(pthread_cond_signal(c), "cond_signal"); }
void cond_broadcast(Cond *c) { must(pthread_cond_broadcast(c), "cond_broadcast"); }

bool cond_wait_until(Cond *c, Mutex *m, int64_t deadline_ns)
{
    if (deadline_ns < 0) deadline_ns = 0;
    struct timespec ts = {.tv_sec = deadline_ns / 1000000000, .tv_nsec = deadline_ns % 1000000000};
    int rc = pthread_cond_timedwait(c, m, &ts);
    if (rc == ETIMEDOUT) return false;
    must(rc, "cond_timedwait");
    return true;
}

int64_t clock_monotonic_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

int64_t clock_wall_us(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

void stack_bounds_set(void *low, size_t bytes)
{
    stack_low = low;
    stack_bytes_here = bytes;
    stack_limit = (char *)low + (bytes > 4 * STACK_MARGIN ? STACK_MARGIN : bytes / 4);
}

static void find_own_bounds(void)
{
    pthread_attr_t attr;
    void *low = NULL;
    size_t bytes = 0;
    if (pthread_getattr_np(pthread_self(), &attr) == 0) {
        if (pthread_attr_getstack(&attr, &low, &bytes) != 0) low = NULL;
        pthread_attr_destroy(&attr);
    }
    if (!low || bytes == 0 || bytes > (size_t)1 << 32) { /* unknown or unlimited: count 1 MB from here */
        bytes = (size_t)1 << 20;
        low = (char *)__builtin_frame_address(0) - bytes;
    }
    stack_bounds_set(low, bytes);
}

void stack_bounds_get(void **low, size_t *bytes)
{
    if (!stack_limit) find_own_bounds();
    *low = stack_low;
    *bytes = stack_bytes_here;
}

STATUS stack_check(Error *err)
{
    char *here = __builtin_frame_address(0);
    if (unlikely(!stack_limit)) find_own_bounds();
    return likely(here > stack_limit) ? ST_OK : error_stack_depth(err);
}

typedef struct Start {
    void *(*fn)(void *);
    void *arg;
    char name[16];
} Start;

static void *trampoline(void *p)
{
    Start s = *(Start *)p;
    free(p);
    pthread_setname_np(pthread_self(), s.name);
    find_own_bounds();
    return s.fn(s.arg);
}

STATUS thread_start(pthread_t *out, const char *name, size_t stack_bytes, bool detached, void *(*fn)(void *), void *arg,
                    Error *err)
{
    Start *s = malloc(sizeof *s);
    TRY_MEM(s, err);
    s->fn = fn;
    s->arg = arg;
    snprintf(s->name, sizeof s->name, "%s", name);
    pthread_attr_t attr;
    pthread_t thread;
    long page = sysconf(_SC_PAGESIZE);
    size_t size = (stack_bytes + (size_t)page - 1) / (size_t)page * (size_t)page;
    if (size < 4 * STACK_MARGIN) size = 4 * STACK_MARGIN;
    must(pthread_attr_init(&attr), "attr_init");
    must(pthread_attr_setstacksize(&attr, size + (size_t)page), "attr_setstacksize");
    must(pthread_attr_setguardsize(&attr, (size_t)page), "attr_setguardsize");
    if (detached) must(pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED), "attr_setdetachstate");
    int rc = pthread_create(&thread, &attr, trampoline, s);
    pthread_attr_destroy(&attr);
    if (rc) {
        free(s);
        return error_set(err, ERR_INSUFFICIENT_RESOURCES, "could not start thread \"%s\": %s", name, strerror(rc));
    }
    if (out) *out = thread;
    return ST_OK;
}
