/* The overlay is a skip list per place: nodes are keys, each with its chain of entries. */
#include "storage/overlay.h"

#include <assert.h>

void overlay_init(Overlay *ov, MemAccount *account)
{
    memset(ov, 0, sizeof *ov);
    arena_init(&ov->arena, account, 2048);
    ov->next_seq = 1;
    ov->random = 0x9e3779b97f4a7c15ull;
}

void overlay_destroy(Overlay *ov) { arena_destroy(&ov->arena); }

void overlay_clear(Overlay *ov)
{
    if (!ov->newest && !ov->nodes && !ov->arena.blocks) return;
    memset(ov->list, 0, sizeof ov->list);
    ov->newest = NULL;
    ov->entries = ov->nodes = 0;
    ov->epoch++;
    arena_reset(&ov->arena);
}

static int random_levels(Overlay *ov)
{
    ov->random ^= ov->random << 13;
    ov->random ^= ov->random >> 7;
    ov->random ^= ov->random << 17;
    uint64_t r = ov->random;
    int n = 1;
    while (n < OVERLAY_LEVELS && (r & 3) == 0) {
        n++;
        r >>= 2;
    }
    return n;
}

/* The last node with key < key (NULL: none), and per level the node after which `key` belongs (NULL: the head). */
static OverlayNode *search(const OverlayList *l, Slice key, OverlayNode **before)
{
    OverlayNode *at = NULL;
    for (int level = l->levels - 1; level >= 0; level--) {
        OverlayNode *n = at ? at->next[level] : l->head[level];
        while (n && slice_compare(overlay_key(n), key) < 0) {
            at = n;
            n = n->next[level];
        }
        if (before) before[level] = at;
    }
    return at;
}

static OverlayNode *after(const OverlayList *l, const OverlayNode *n) { return n ? n->next[0] : l->head[0]; }

static OverlayNode *find(const OverlayList *l, Slice key, OverlayNode **before)
{
    OverlayNode *n = after(l, search(l, key, before));
    return n && slice_equal(overlay_key(n), key) ? n : NULL;
}

static void link_node(OverlayList *l, OverlayNode *n, OverlayNode **before)
{
    for (int level = l->levels; level < n->levels; level++) before[level] = NULL;
    if (n->levels > l->levels) l->levels = n->levels;
    for (int level = 0; level < n->levels; level++) {
        OverlayNode **p = before[level] ? &before[level]->next[level] : &l->head[level];
        n->next[level] = *p;
        *p = n;
        if (!n->next[level]) l->last[level] = n;
    }
    n->prev = before[0];
    if (n->next[0]) n->next[0]->prev = n;
    else l->tail = n;
}

static void unlink_node(OverlayList *l, OverlayNode *n)
{
    OverlayNode *before[OVERLAY_LEVELS];
    (void)search(l, overlay_key(n), before);
    for (int level = 0; level < n->levels; level++) {
        OverlayNode **p = before[level] ? &before[level]->next[level] : &l->head[level];
        assert(*p == n);
        *p = n->next[level];
        if (l->last[level] == n) l->last[level] = before[level];
    }
    if (n->next[0]) n->next[0]->prev = n->prev;
    else l->tail = n->prev;
}

static OverlayNode *new_node(Overlay *ov, Slice key)
{
    int levels = random_levels(ov);
    OverlayNode *n = arena_alloc(&ov->arena, sizeof *n + (size_t)levels * sizeof n->next[0] + key.len);
    if (!n) return NULL;
    n->newest = NULL;
    n->klen = (uint32_t)key.len;
    n->levels = (uint8_t)levels;
    memcpy(&n->next[levels], key.data, key.len);
    return n;
}

bool overlay_put(Overlay *ov, StorePlace place, Slice key, uint8_t flags, Slice value)
{
    OverlayList *l = &ov->list[place];
    OverlayNode *before[OVERLAY_LEVELS], *n = NULL;
    bool append = !l->tail || slice_compare(overlay_key(l->tail), key) < 0;
    if (append) memcpy(before, l->last, sizeof before);
    else n = find(l, key, before);

    ArenaMark mark = arena_mark(&ov->arena);
    OverlayEntry *e = arena_alloc(&ov->arena, sizeof *e + value.len);
    OverlayNode *fresh = e && !n ? new_node(ov, key) : NULL;
    if (!e || (!n && !fresh)) {
        arena_release(&ov->arena, mark);
        return false;
    }
    if (fresh) {
        link_node(l, fresh, before);
        n = fresh;
        ov->nodes++;
    }
    *e = (OverlayEntry){.older = n->newest, .undo = ov->newest, .node = n, .seq = ov->next_seq++, .len = (uint32_t)value.len, .flags = flags};
    if (value.len) memcpy(e->data, value.data, value.len);
    n->newest = e;
    ov->newest = e;
    ov->entries++;
    return true;
}

const OverlayEntry *overlay_get(const Overlay *ov, StorePlace place, Slice key, uint64_t limit)
{
    const OverlayList *l = &ov->list[place];
    if (!l->tail) return NULL;
    const OverlayNode *n = find(l, key, NULL);
    return n ? overlay_visible(n, limit) : NULL;
}

static OverlayList *list_of(Overlay *ov, const OverlayNode *n)
{
    for (int i = 0; i < OVERLAY_PLACES; i++)
        if (ov->list[i].tail && find(&ov->list[i], overlay_key(n), NULL) == n) return &ov->list[i];
    assert(!"a node belongs to a list");
    return NULL;
}

void overlay_undo(Overlay *ov, uint64_t since, const ArenaMark *mark)
{
    bool any = false;
    while (ov->newest && ov->newest->seq >= since) {
        OverlayEntry *e = ov->newest;
        OverlayNode *n = e->node;
        ov->newest = e->undo;
        n->newest = e->older;
        ov->entries--;
        any = true;
        if (n->newest) continue;
        unlink_node(list_of(ov, n), n);
        ov->nodes--;
    }
    if (!any) return;
    ov->epoch++;
    if (mark) arena_release(&ov->arena, *mark);
}

OverlayNode *overlay_seek(const Overlay *ov, StorePlace place, Slice key)
{
    const OverlayList *l = &ov->list[place];
    return after(l, search(l, key, NULL));
}

OverlayNode *overlay_seek_back(const Overlay *ov, StorePlace place, Slice key)
{
    const OverlayList *l = &ov->list[place];
    OverlayNode *less = search(l, key, NULL), *n = after(l, less);
    return n && slice_equal(overlay_key(n), key) ? n : less;
}
