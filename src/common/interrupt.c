/* Interrupts: pending bits, and the error each of them raises. */
#include "common/interrupt.h"

void interrupt_init(Interrupt *in)
{
    atomic_init(&in->pending, 0);
    mutex_init(&in->mutex);
    in->wake = NULL;
    in->wake_arg = NULL;
}

void interrupt_destroy(Interrupt *in) { mutex_destroy(&in->mutex); }

void interrupt_raise(Interrupt *in, uint32_t bits)
{
    atomic_fetch_or(&in->pending, bits);
    mutex_lock(&in->mutex);
    if (in->wake) in->wake(in->wake_arg);
    mutex_unlock(&in->mutex);
}

void interrupt_set_waker(Interrupt *in, void (*wake)(void *), void *arg)
{
    mutex_lock(&in->mutex);
    in->wake = wake;
    in->wake_arg = arg;
    mutex_unlock(&in->mutex);
}

/* Most severe first. A session that has to end stays marked: every further check fails too. */
static const struct InterruptError {
    uint32_t bit;
    bool fatal;
    SqlState code;
    const char *message;
} errors[] = {
    {INTERRUPT_TERMINATE, true, ERR_ADMIN_SHUTDOWN, "terminating connection due to administrator command"},
    {INTERRUPT_IDLE_IN_TXN, true, ERR_IDLE_IN_TRANSACTION_SESSION_TIMEOUT, "terminating connection due to idle-in-transaction timeout"},
    {INTERRUPT_IDLE_SESSION, true, ERR_IDLE_SESSION_TIMEOUT, "terminating connection due to idle-session timeout"},
    {INTERRUPT_CANCEL, false, ERR_QUERY_CANCELED, "canceling statement due to user request"},
    {INTERRUPT_STATEMENT_TIMEOUT, false, ERR_QUERY_CANCELED, "canceling statement due to statement timeout"},
};

STATUS interrupt_raise_error(Interrupt *in, Error *err)
{
    uint32_t pending = atomic_load(&in->pending);
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        const struct InterruptError *e = &errors[i];
        if (!(pending & e->bit)) continue;
        if (!(e->bit & INTERRUPT_TERMINATE)) atomic_fetch_and(&in->pending, ~e->bit);
        bool first = !error_is_set(err);
        (void)!error_set(err, e->code, "%s", e->message);
        if (err && first && e->fatal) err->severity = SEV_FATAL;
        return ST_FAILED;
    }
    return ST_OK;
}
