/* Overlay: the writes of one transaction that nobody else sees yet, ordered by place and key.
 *
 * Each write is an entry with a sequence number (the overlay's own count of writes) and a link to the entry of the same key that it
 * covers. A reader with limit L sees the newest entry whose number is below L; a savepoint is a number to undo to. Memory comes
 * from one arena: undoing releases what was allocated since, a spill resets it. One thread at a time. */
#ifndef HELIOS_STORAGE_OVERLAY_H
#define HELIOS_STORAGE_OVERLAY_H

#include "storage/cluster.h"

enum { OVERLAY_LEVELS = 12, OVERLAY_PLACES = 3 };

enum {
    OV_DELETE = 1,   /* the key is gone */
    OV_NEW = 2,      /* the store has no such key: a deletion need not be written */
    OV_KEY = 4,      /* locks out FOR KEY SHARE too: inserted, deleted, or its key changed */
    OV_ROW = 8,      /* a row of a table: others compare versions after locking it */
    OV_STORED = OV_DELETE | OV_NEW
};

typedef struct OverlayNode OverlayNode;
typedef struct OverlayEntry {
    struct OverlayEntry *older; /* of the same key */
    struct OverlayEntry *undo;  /* the write before this one, whatever its key */
    OverlayNode *node;
    uint64_t seq;
    uint32_t len;
    uint8_t flags;
    uint8_t data[];
} OverlayEntry;

struct OverlayNode {
    OverlayEntry *newest; /* never NULL while linked */
    OverlayNode *prev;    /* NULL: the first */
    uint32_t klen;
    uint8_t levels;
    OverlayNode *next[];  /* `levels` of them, then the key */
};

typedef struct OverlayList {
    OverlayNode *head[OVERLAY_LEVELS], *last[OVERLAY_LEVELS]; /* last: appending in key order searches nothing */
    OverlayNode *tail;
    int levels;
} OverlayList;

typedef struct Overlay {
    Arena arena;
    OverlayList list[OVERLAY_PLACES];
    OverlayEntry *newest;   /* head of the undo list */
    uint64_t next_seq;      /* never goes back; starts at 1 */
    uint64_t entries, nodes;
    uint64_t epoch;         /* changes when nodes were removed: held node pointers are void */
    uint64_t random;
} Overlay;

void overlay_init(Overlay *ov, MemAccount *account);
void overlay_destroy(Overlay *ov);
void overlay_clear(Overlay *ov); /* forgets all entries; numbers go on, one arena block is kept */
static inline bool overlay_is_empty(const Overlay *ov) { return ov->newest == NULL; }
static inline size_t overlay_bytes(const Overlay *ov) { return ov->arena.total_bytes; }

/* false: out of memory, nothing changed. */
bool overlay_put(Overlay *ov, StorePlace place, Slice key, uint8_t flags, Slice value);
const OverlayEntry *overlay_get(const Overlay *ov, StorePlace place, Slice key, uint64_t limit); /* NULL: none below limit */

/* Undoes all entries with seq >= since. mark: arena_mark taken when `since` was the next number, or NULL if the overlay was cleared
 * in between (then the memory comes back with the next clear). */
void overlay_undo(Overlay *ov, uint64_t since, const ArenaMark *mark);

/* Walking. A node may have no entry below a limit: overlay_visible gives NULL then. Nodes stay valid while epoch is the same. */
OverlayNode *overlay_seek(const Overlay *ov, StorePlace place, Slice key);      /* first with key >= key */
OverlayNode *overlay_seek_back(const Overlay *ov, StorePlace place, Slice key); /* last with key <= key */
static inline OverlayNode *overlay_first(const Overlay *ov, StorePlace place) { return ov->list[place].head[0]; }
static inline OverlayNode *overlay_last(const Overlay *ov, StorePlace place) { return ov->list[place].tail; }
static inline OverlayNode *overlay_next(const OverlayNode *n) { return n->next[0]; }
static inline OverlayNode *overlay_prev(const OverlayNode *n) { return n->prev; }
static inline Slice overlay_key(const OverlayNode *n) { return slice_of(&n->next[n->levels], n->klen); }
static inline const OverlayEntry *overlay_visible(const OverlayNode *n, uint64_t limit)
{
    const OverlayEntry *e = n->newest;
    while (e && e->seq >= limit) e = e->older;
    return e;
}
static inline Slice overlay_value(const OverlayEntry *e) { return slice_of(e->data, e->len); }

#endif
