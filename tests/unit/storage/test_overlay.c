/* The overlay against a model: every key's history as a plain array. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "storage/overlay.h"

enum { KEYS = 60, HISTORY = 40, DEPTH = 30 };

typedef struct Version { uint64_t seq; int value; /* -1: deleted */ } Version;
typedef struct Model { Version v[KEYS][HISTORY]; int n[KEYS]; } Model;

static uint64_t state;
static unsigned rnd(unsigned n)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (unsigned)((state * 0x2545f4914f6cdd1dull) >> 33) % n;
}

static Slice key_of(int k, char buf[16]) { return slice_of(buf, (size_t)snprintf(buf, 16, "key%04d", k)); }

static int model_get(const Model *m, int k, uint64_t limit, bool *found)
{
    *found = false;
    for (int i = m->n[k] - 1; i >= 0; i--)
        if (m->v[k][i].seq < limit) {
            *found = true;
            return m->v[k][i].value;
        }
    return -2;
}

static int entry_value(const OverlayEntry *e)
{
    int v;
    if (e->flags & OV_DELETE) return -1;
    memcpy(&v, e->data, sizeof v);
    return v;
}

static void compare(const Overlay *ov, const Model *m, uint64_t limit)
{
    char buf[16];
    bool found;
    for (int k = 0; k < KEYS; k++) {
        int want = model_get(m, k, limit, &found);
        const OverlayEntry *e = overlay_get(ov, STORE_DATABASE, key_of(k, buf), limit);
        cr_assert_eq(e != NULL, found, "key %d limit %lu", k, (unsigned long)limit);
        if (e) cr_assert_eq(entry_value(e), want);
    }
    int k = -1, walked = 0;
    for (const OverlayNode *n = overlay_first(ov, STORE_DATABASE), *prev = NULL; n; prev = n, n = overlay_next(n), walked++) {
        cr_assert_eq(overlay_prev(n), prev);
        do k++;
        while (k < KEYS && !m->n[k]);
        cr_assert(k < KEYS && slice_equal(overlay_key(n), key_of(k, buf)));
    }
    cr_assert_eq((uint64_t)walked, ov->nodes);
    int at = (int)rnd(KEYS), up = at, down = at;
    while (up < KEYS && !m->n[up]) up++;
    while (down >= 0 && !m->n[down]) down--;
    const OverlayNode *a = overlay_seek(ov, STORE_DATABASE, key_of(at, buf)), *b = overlay_seek_back(ov, STORE_DATABASE, key_of(at, buf));
    cr_assert_eq(a == NULL, up == KEYS);
    cr_assert_eq(b == NULL, down < 0);
    if (a) cr_assert(slice_equal(overlay_key(a), key_of(up, buf)));
    if (b) cr_assert(slice_equal(overlay_key(b), key_of(down, buf)));
}

static void model_undo(Model *m, uint64_t since)
{
    for (int k = 0; k < KEYS; k++)
        while (m->n[k] && m->v[k][m->n[k] - 1].seq >= since) m->n[k]--;
}

static void run(int rounds)
{
    Overlay ov;
    MemAccount account;
    Model *m = calloc(1, sizeof *m);
    struct { uint64_t seq; ArenaMark mark; } points[DEPTH];
    int npoints = 0;
    mem_account_init(&account, NULL, "test", 0);
    overlay_init(&ov, &account);
    for (int i = 0; i < rounds; i++) {
        char buf[16];
        int k = (int)rnd(KEYS), value = (int)rnd(1000);
        unsigned op = rnd(100);
        if (op < 80 && m->n[k] < HISTORY) {
            bool del = rnd(4) == 0;
            m->v[k][m->n[k]++] = (Version){ov.next_seq, del ? -1 : value};
            cr_assert(overlay_put(&ov, STORE_DATABASE, key_of(k, buf), del ? OV_DELETE : 0, slice_of(&value, del ? 0 : sizeof value)));
        } else if (op < 90 && npoints < DEPTH) {
            points[npoints].seq = ov.next_seq;
            points[npoints++].mark = arena_mark(&ov.arena);
        } else if (op < 97 && npoints) {
            npoints = (int)rnd((unsigned)npoints) + 1;
            overlay_undo(&ov, points[npoints - 1].seq, &points[npoints - 1].mark);
            model_undo(m, points[npoints - 1].seq);
        } else if (op == 99 && rnd(10) == 0) {
            overlay_clear(&ov);
            memset(m, 0, sizeof *m);
            npoints = 0;
        }
        if (i % 7 == 0) compare(&ov, m, rnd(3) ? UINT64_MAX : 1 + rnd((unsigned)ov.next_seq));
    }
    overlay_destroy(&ov);
    cr_assert_eq(account.used, 0);
    free(m);
}

Test(overlay, model)
{
    const char *given = getenv("TEST_SEED");
    state = given ? strtoull(given, NULL, 0) : (uint64_t)clock_wall_us();
    state |= 1;
    fprintf(stderr, "TEST_SEED=%llu\n", (unsigned long long)state);
    for (int i = 0; i < 20; i++) run(1500);
}

Test(overlay, places_are_apart)
{
    Overlay ov;
    overlay_init(&ov, NULL);
    cr_assert(overlay_put(&ov, STORE_DATABASE, slice_cstr("a"), 0, slice_cstr("1")));
    cr_assert(overlay_put(&ov, STORE_TEMP, slice_cstr("a"), 0, slice_cstr("2")));
    cr_assert_null(overlay_get(&ov, STORE_GLOBAL, slice_cstr("a"), UINT64_MAX));
    cr_assert_eq(overlay_get(&ov, STORE_TEMP, slice_cstr("a"), UINT64_MAX)->data[0], '2');
    overlay_undo(&ov, 2, NULL);
    cr_assert_null(overlay_get(&ov, STORE_TEMP, slice_cstr("a"), UINT64_MAX));
    cr_assert_eq(overlay_get(&ov, STORE_DATABASE, slice_cstr("a"), UINT64_MAX)->data[0], '1');
    overlay_destroy(&ov);
}

Test(overlay, refuses_past_the_limit)
{
    Overlay ov;
    MemAccount account;
    char big[4000] = {0};
    int n = 0;
    mem_account_init(&account, NULL, "test", 100000);
    overlay_init(&ov, &account);
    char key[16];
    while (n < 1000 && overlay_put(&ov, STORE_DATABASE, slice_of(key, (size_t)snprintf(key, 16, "%06d", n)), 0, slice_of(big, sizeof big))) n++;
    cr_assert(n > 5 && n < 30, "%d", n);
    cr_assert_eq(ov.entries, (uint64_t)n);
    overlay_destroy(&ov);
    cr_assert_eq(account.used, 0);
}
