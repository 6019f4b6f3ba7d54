/* The list of sessions: cancel requests, pg_stat_activity, pg_terminate_backend. */
#include "server/session.h"

static Session *find(Server *server, int pid)
{
    for (Session *s = server->sessions; s; s = s->next)
        if (s->pid == pid) return s;
    return NULL;
}

/* Constant time in the key's bytes: a wrong key must not be guessable byte by byte. */
static bool key_matches(const Session *s, Slice key)
{
    uint8_t diff = 0;
    if (key.len != sizeof s->secret) return false;
    for (size_t i = 0; i < sizeof s->secret; i++) diff |= (uint8_t)(s->secret[i] ^ key.data[i]);
    return diff == 0;
}

bool registry_cancel(Server *server, int pid, Slice key)
{
    bool done = false;
    mutex_lock(&server->mutex);
    Session *s = find(server, pid);
    if (s && key_matches(s, key)) {
        interrupt_raise(&s->interrupt, INTERRUPT_CANCEL);
        done = true;
    }
    mutex_unlock(&server->mutex);
    return done;
}

bool registry_signal(SessionEnv *env, int pid, uint32_t bits)
{
    Server *server = session_of(env)->server;
    mutex_lock(&server->mutex);
    Session *s = find(server, pid);
    if (s) interrupt_raise(&s->interrupt, bits);
    mutex_unlock(&server->mutex);
    return s != NULL;
}

static void report(Session *s, void (*fn)(void *, const SessionActivity *), void *arg)
{
    mutex_lock(&s->activity_mutex);
    SessionActivity a = {
        .pid = s->pid, .database = s->env.database_oid, .user = s->env.session_user, .database_name = s->database_name,
        .user_name = s->user_name, .application_name = s->application_name, .client_addr = s->env.client_addr,
        .client_port = s->is_unix ? -1 : s->env.client_port, .state = s->state, .query = s->query,
        .wait_event_type = strcmp(s->state, "active") ? "Client" : NULL, .wait_event = strcmp(s->state, "active") ? "ClientRead" : NULL,
        .backend_start = s->env.backend_start, .xact_start = s->xact_start, .query_start = s->query_start, .state_change = s->state_change,
    };
    fn(arg, &a);
    mutex_unlock(&s->activity_mutex);
}

void registry_each(SessionEnv *env, void (*fn)(void *arg, const SessionActivity *), void *arg)
{
    Server *server = session_of(env)->server;
    mutex_lock(&server->mutex);
    for (Session *s = server->sessions; s; s = s->next)
        if (s->authenticated) report(s, fn, arg);
    mutex_unlock(&server->mutex);
}

int registry_sessions_on(SessionEnv *env, Oid database)
{
    Session *self = session_of(env);
    int n = 0;
    mutex_lock(&self->server->mutex);
    for (Session *s = self->server->sessions; s; s = s->next) n += s != self && s->authenticated && s->env.database_oid == database;
    mutex_unlock(&self->server->mutex);
    return n;
}
