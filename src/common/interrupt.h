/* Interrupt: how a running statement learns that it shall stop (cancel request, statement_timeout, termination, shutdown).
 *
 * Anyone may raise bits from any thread; the session's own thread looks at them in its loops (INTERRUPT_CHECK, one relaxed
 * load) and in every wait. A waiter registers a wake function, so that raising an interrupt also ends its wait. */
#ifndef HELIOS_COMMON_INTERRUPT_H
#define HELIOS_COMMON_INTERRUPT_H

#include <stdatomic.h>

#include "common/thread.h"

enum {
    INTERRUPT_CANCEL = 1,            /* 57014 "canceling statement due to user request" */
    INTERRUPT_STATEMENT_TIMEOUT = 2, /* 57014 "canceling statement due to statement timeout" */
    INTERRUPT_TERMINATE = 4,         /* 57P01 "terminating connection due to administrator command" */
    INTERRUPT_IDLE_IN_TXN = 8,       /* 25P03 */
    INTERRUPT_IDLE_SESSION = 16      /* 57P05 */
};

typedef struct Interrupt {
    _Atomic uint32_t pending;
    Mutex mutex; /* guards wake */
    void (*wake)(void *arg);
    void *wake_arg;
} Interrupt;

void interrupt_init(Interrupt *in);
void interrupt_destroy(Interrupt *in);
void interrupt_raise(Interrupt *in, uint32_t bits);             /* any thread */
void interrupt_set_waker(Interrupt *in, void (*wake)(void *), void *arg); /* own thread; NULL ends the registration */
/* Raises the error for the most severe pending bit and clears it (TERMINATE stays). severity FATAL for TERMINATE etc. */
STATUS interrupt_raise_error(Interrupt *in, Error *err);

#define INTERRUPT_CHECK(in, err)                                                                       \
    ((in) && unlikely(atomic_load_explicit(&(in)->pending, memory_order_relaxed)) ? interrupt_raise_error((in), (err)) : ST_OK)

#endif
