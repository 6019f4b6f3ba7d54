/* Notes of rows whose key was changed: who waited for the old key follows the row to the new one (READ COMMITTED).
 *
 * A note is kept while some transaction runs whose first read may be older than the move (owner.read_floor). The table is bounded;
 * when it overflows the oldest half goes, and whoever might have needed one of those gets 40001 instead of a wrong answer. */
#include <stdlib.h>

#include "storage/txn_internal.h"

enum { MOVES_MAX = 4096 };

typedef struct MoveNote {
    struct MoveNote *next; /* oldest first */
    uint64_t from, sequence;
    uint32_t len;
    uint8_t to[];
} MoveNote;

struct Moves {
    Mutex mutex; /* leaf */
    MoveNote *head, **tail;
    int count;
    uint64_t lost_before; /* notes up to this sequence may be missing */
};

static struct Moves *moves_get(TxnState *s)
{
    mutex_lock(&s->implicit_mutex);
    if (!s->moves && (s->moves = calloc(1, sizeof *s->moves)) != NULL) {
        mutex_init(&s->moves->mutex);
        s->moves->tail = &s->moves->head;
    }
    struct Moves *m = s->moves;
    mutex_unlock(&s->implicit_mutex);
    return m;
}

static void drop_head(TxnState *s, struct Moves *m)
{
    MoveNote *n = m->head;
    m->head = n->next;
    if (!m->head) m->tail = &m->head;
    m->count--;
    mem_free(database_account(s->db), n, sizeof *n + n->len);
}

/* The oldest sequence that any running transaction of the database may have read at. */
static uint64_t oldest_read(TxnState *s, const LockOwner *self)
{
    LockManager *lm = self->manager;
    uint64_t oldest = UINT64_MAX;
    mutex_lock(&lm->owners_mutex);
    for (LockOwner *o = lm->owners; o; o = o->next) {
        if (o == self || atomic_load(&o->database) != s->db->oid) continue;
        uint64_t floor = atomic_load(&o->read_floor);
        if (floor && floor < oldest) oldest = floor;
    }
    mutex_unlock(&lm->owners_mutex);
    return oldest;
}

void moves_publish(Txn *t, uint64_t sequence)
{
    struct Moves *m = moves_get(t->state);
    uint64_t oldest = oldest_read(t->state, t->owner);
    if (!m) return;
    mutex_lock(&m->mutex);
    while (m->head && m->head->sequence <= oldest) drop_head(t->state, m);
    while (m->count + t->nmoves > MOVES_MAX && m->head) {
        if (m->head->sequence > m->lost_before) m->lost_before = m->head->sequence;
        drop_head(t->state, m);
    }
    for (int i = 0; i < t->nmoves && oldest != UINT64_MAX; i++) {
        MoveEntry *e = &t->moves[i];
        MoveNote *n = m->count < MOVES_MAX ? mem_alloc(database_account(t->db), sizeof *n + e->len) : NULL;
        if (!n) {
            m->lost_before = sequence;
            break;
        }
        *n = (MoveNote){.from = e->from, .sequence = sequence, .len = e->len};
        memcpy(n->to, e->to, e->len);
        *m->tail = n;
        m->tail = &n->next;
        m->count++;
    }
    mutex_unlock(&m->mutex);
}

STATUS moves_find(TxnState *s, uint64_t hash, uint64_t since, Arena *arena, Slice *row_key, bool *found,
                  bool *lost, Error *err)
{
    *found = *lost = false;
    mutex_lock(&s->implicit_mutex);
    struct Moves *m = s->moves;
    mutex_unlock(&s->implicit_mutex);
    if (!m) return ST_OK;
    Status st = ST_OK;
    mutex_lock(&m->mutex);
    const MoveNote *hit = NULL;
    for (const MoveNote *n = m->head; n; n = n->next)
        if (n->from == hash && n->sequence > since) hit = n; /* the newest */
    if (hit) {
        uint8_t *p = arena_memdup(arena, hit->to, hit->len);
        *found = p != NULL;
        *row_key = slice_of(p, hit->len);
        if (!p) st = error_out_of_memory(err, hit->len);
    } else {
        *lost = m->lost_before > since;
    }
    mutex_unlock(&m->mutex);
    return st;
}

void moves_free(TxnState *s)
{
    struct Moves *m = s->moves;
    if (!m) return;
    while (m->head) drop_head(s, m);
    mutex_destroy(&m->mutex);
    free(m);
    s->moves = NULL;
}
