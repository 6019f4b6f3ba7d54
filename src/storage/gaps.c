/* Gap notes.
 *
 * A gap is a range in which a scan found nothing but deletions. It may be jumped over once no write into it can have been missed:
 *   noted  -> (every commit that began before the note has ended: they may not have seen it)  -> ready, from sequence r on
 *   ready  -> (a scan at r or later found the range empty again)                              -> valid for snapshots from there on
 * Commits that began after the note look at the table before they write and take away the gaps that they put a key into. So each
 * commit publishes a ticket (LockOwner.commit_ticket) before it looks, and withdraws it after its write. */
#include "storage/gaps.h"

#include <stdlib.h>

enum { GAPS_MAX = 32, GAP_KEY_MAX = 256 };

typedef struct Gap {
    uint8_t begin[GAP_KEY_MAX], end[GAP_KEY_MAX];
    uint16_t begin_len, end_len; /* end_len 0: free */
    uint64_t ticket;
    uint64_t ready_at;  /* 0: not yet */
    uint64_t valid_from; /* 0: not yet */
} Gap;

struct Gaps {
    Mutex mutex; /* leaf, but for manager.owners_mutex */
    unsigned turn; /* the next to be replaced */
    Gap gap[GAPS_MAX];
};

static Slice gap_begin(const Gap *g) { return slice_of(g->begin, g->begin_len); }
static Slice gap_end(const Gap *g) { return slice_of(g->end, g->end_len); }
static bool gap_has(const Gap *g, Slice key) { return slice_compare(gap_begin(g), key) <= 0 && slice_compare(key, gap_end(g)) < 0; }

void gaps_free(struct Gaps *gaps)
{
    if (!gaps) return;
    mutex_destroy(&gaps->mutex);
    free(gaps);
}

static struct Gaps *gaps_get(TxnState *s)
{
    mutex_lock(&s->implicit_mutex);
    if (!s->gaps && (s->gaps = calloc(1, sizeof *s->gaps)) != NULL) mutex_init(&s->gaps->mutex);
    struct Gaps *g = s->gaps;
    mutex_unlock(&s->implicit_mutex);
    return g;
}

static void gap_remove(TxnState *s, Gap *g)
{
    g->end_len = 0;
    atomic_fetch_sub(&s->gap_count, 1);
}

/* ---- Commits. */

static void remove_written(Txn *t, struct Gaps *gaps)
{
    for (int i = 0; i < GAPS_MAX; i++) {
        Gap *g = &gaps->gap[i];
        bool hit = t->spill != NULL;
        if (!g->end_len) continue;
        for (const OverlayNode *n = overlay_seek(&t->ov, STORE_DATABASE, gap_begin(g)); n && !hit; n = overlay_next(n)) {
            if (slice_compare(overlay_key(n), gap_end(g)) >= 0) break;
            hit = !(n->newest->flags & OV_DELETE);
        }
        if (hit) gap_remove(t->state, g);
    }
}

void gaps_before_commit(Txn *t, bool *ticket)
{
    TxnState *s = t->state;
    atomic_store(&t->owner->commit_ticket, atomic_load(&s->gap_ticket) + 1);
    *ticket = true;
    if (likely(atomic_load(&s->gap_count) == 0)) return;
    struct Gaps *gaps = gaps_get(s);
    if (!gaps) return;
    mutex_lock(&gaps->mutex);
    remove_written(t, gaps);
    mutex_unlock(&gaps->mutex);
}

void gaps_after_commit(Txn *t) { atomic_store(&t->owner->commit_ticket, 0); }

/* ---- Scans. */

static bool earlier_commits_done(const Txn *t, uint64_t ticket)
{
    LockManager *m = t->owner->manager;
    bool done = true;
    mutex_lock(&m->owners_mutex);
    for (LockOwner *o = m->owners; o && done; o = o->next) {
        uint64_t v = atomic_load(&o->commit_ticket);
        if (v && v <= ticket && atomic_load(&o->database) == database_oid(t->db)) done = false;
    }
    mutex_unlock(&m->owners_mutex);
    return done;
}

static void merge_neighbours(TxnState *s, struct Gaps *gaps, Gap *g)
{
    for (int i = 0; i < GAPS_MAX; i++) {
        Gap *o = &gaps->gap[i];
        if (o == g || !o->end_len || !o->valid_from || !slice_equal(gap_end(o), gap_begin(g))) continue;
        memcpy(g->begin, o->begin, o->begin_len);
        g->begin_len = o->begin_len;
        if (o->valid_from > g->valid_from) g->valid_from = o->valid_from;
        gap_remove(s, o);
    }
}

/* The range [after, before) was empty at sequence: does that make a noted gap a step better? */
static bool confirm(Txn *t, struct Gaps *gaps, uint64_t sequence, Slice after, Slice before)
{
    bool known = false;
    for (int i = 0; i < GAPS_MAX; i++) {
        Gap *g = &gaps->gap[i];
        if (!g->end_len || slice_compare(after, gap_begin(g)) > 0 || slice_compare(gap_end(g), before) > 0) continue;
        known = true;
        if (g->valid_from) continue;
        if (!g->ready_at) {
            if (earlier_commits_done(t, g->ticket)) g->ready_at = kv_latest_sequence(t->db->kv);
        } else if (sequence >= g->ready_at) {
            g->valid_from = sequence;
            merge_neighbours(t->state, gaps, g);
        }
    }
    return known;
}

void gaps_note(Txn *t, uint64_t sequence, Slice after, Slice before)
{
    TxnState *s = t->state;
    struct Gaps *gaps = gaps_get(s);
    if (!gaps || after.len > GAP_KEY_MAX || before.len > GAP_KEY_MAX || before.len == 0 || slice_compare(after, before) >= 0) return;
    mutex_lock(&gaps->mutex);
    if (!confirm(t, gaps, sequence, after, before)) {
        Gap *g = &gaps->gap[gaps->turn++ % GAPS_MAX];
        if (g->end_len) gap_remove(s, g);
        *g = (Gap){.begin_len = (uint16_t)after.len, .end_len = (uint16_t)before.len};
        memcpy(g->begin, after.data, after.len);
        memcpy(g->end, before.data, before.len);
        atomic_fetch_add(&s->gap_count, 1);
        g->ticket = atomic_fetch_add(&s->gap_ticket, 1) + 1; /* after the count: who sees this ticket sees the gap */
    }
    mutex_unlock(&gaps->mutex);
}

bool gaps_jump(Txn *t, uint64_t sequence, Slice key, StrBuf *out)
{
    TxnState *s = t->state;
    bool jumped = false;
    if (likely(atomic_load_explicit(&s->gap_count, memory_order_relaxed) == 0)) return false;
    struct Gaps *gaps = gaps_get(s);
    if (!gaps) return false;
    mutex_lock(&gaps->mutex);
    for (int i = 0; i < GAPS_MAX; i++) {
        const Gap *g = &gaps->gap[i];
        if (!g->end_len || !g->valid_from || g->valid_from > sequence || !gap_has(g, key)) continue;
        strbuf_reset(out);
        strbuf_append(out, g->end, g->end_len);
        if (out->oom) break;
        jumped = true;
        key = strbuf_slice(out);
        i = -1; /* gaps may follow one another: begin again */
    }
    mutex_unlock(&gaps->mutex);
    return jumped;
}
