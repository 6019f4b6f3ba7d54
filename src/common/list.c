/* Growing arrays in an arena: doubling, the old array stays behind. */
#include "common/list.h"

static void *grown(Arena *arena, const void *old, int len, int *cap, size_t item)
{
    int n = *cap ? *cap * 2 : 8;
    void *p = n <= *cap ? NULL : arena_alloc(arena, (size_t)n * item);
    if (!p) return NULL;
    if (len) memcpy(p, old, (size_t)len * item);
    *cap = n;
    return p;
}

bool ptrvec_push(PtrVec *pv, Arena *arena, void *item)
{
    if (pv->len == pv->cap) {
        void **v = grown(arena, pv->v, pv->len, &pv->cap, sizeof *v);
        if (!v) return false;
        pv->v = v;
    }
    pv->v[pv->len++] = item;
    return true;
}

bool intvec_push(IntVec *iv, Arena *arena, int64_t item)
{
    if (iv->len == iv->cap) {
        int64_t *v = grown(arena, iv->v, iv->len, &iv->cap, sizeof *v);
        if (!v) return false;
        iv->v = v;
    }
    iv->v[iv->len++] = item;
    return true;
}

bool intvec_contains(const IntVec *iv, int64_t item)
{
    for (int i = 0; i < iv->len; i++)
        if (iv->v[i] == item) return true;
    return false;
}
