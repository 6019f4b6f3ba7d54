/* Timeouts: one thread that looks at the sessions' deadlines and raises the interrupt each one asked for. It sleeps until the earliest. */
#include "server/session.h"

static pthread_t timer_thread;
static bool timer_running;

void session_arm_deadline(Session *s, int64_t ms, uint32_t bit)
{
    int64_t at = ms > 0 ? clock_monotonic_ns() + ms * 1000000 : 0;
    if (!at && !atomic_load_explicit(&s->deadline, memory_order_relaxed)) return;
    mutex_lock(&s->server->mutex);
    s->deadline_bit = bit;
    atomic_store(&s->deadline, at);
    if (at && at < atomic_load(&s->server->next_deadline)) {
        atomic_store(&s->server->next_deadline, at);
        cond_signal(&s->server->timer_wake);
    }
    mutex_unlock(&s->server->mutex);
}

static int64_t fire_due(Server *server, int64_t now)
{
    int64_t next = INT64_MAX;
    for (Session *s = server->sessions; s; s = s->next) {
        int64_t at = atomic_load(&s->deadline);
        if (!at) continue;
        if (at <= now) {
            atomic_store(&s->deadline, 0);
            interrupt_raise(&s->interrupt, s->deadline_bit);
        } else if (at < next) {
            next = at;
        }
    }
    return next;
}

static void *timer_main(void *arg)
{
    Server *server = arg;
    mutex_lock(&server->mutex);
    while (!atomic_load(&server->stop_now)) {
        int64_t next = fire_due(server, clock_monotonic_ns());
        atomic_store(&server->next_deadline, next);
        if (next == INT64_MAX) cond_wait(&server->timer_wake, &server->mutex);
        else cond_wait_until(&server->timer_wake, &server->mutex, next);
    }
    mutex_unlock(&server->mutex);
    return NULL;
}

Status timers_start(Server *server, Error *err)
{
    atomic_store(&server->next_deadline, INT64_MAX);
    TRY(thread_start(&timer_thread, "timers", 64 * 1024, false, timer_main, server, err));
    timer_running = true;
    return ST_OK;
}

void timers_stop(Server *server)
{
    if (!timer_running) return;
    mutex_lock(&server->mutex);
    atomic_store(&server->stop_now, true);
    cond_signal(&server->timer_wake);
    mutex_unlock(&server->mutex);
    pthread_join(timer_thread, NULL);
    timer_running = false;
}
