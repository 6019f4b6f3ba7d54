/* Adding many keys in ascending order: instead of one look-up each, the store is asked once for the next key it has; until then everything is
 * free, as long as nobody has committed anything since.
 *
 * That is told by the store's latest sequence: the caller holds the key's lock, so whoever had added this key before has released it, hence is visible,
 * hence has moved the sequence. A gap belongs to one transaction and is forgotten with it. */
#include "storage/cluster_internal.h"
#include "storage/row_codec.h"
#include "storage/txn_internal.h"

enum { WORTH_LEARNING = 8 }; /* a cursor costs about two look-ups */

static Slice low_key(const FreeGap *g) { return slice_of(g->low, g->low_len); }

static void remember(FreeGap *g, Slice key)
{
    memcpy(g->low, key.data, key.len);
    g->low_len = key.len;
}

bool free_gap_covers(Txn *t, StorePlace place, Slice key)
{
    FreeGap *g = &t->gap;
    Kv *kv;
    if (!g->known || g->xid != t->xid || g->place != place || key.len > FREE_GAP_KEY_MAX) return false;
    if (slice_compare(key, low_key(g)) <= 0 || slice_compare(key, slice_of(g->high, g->high_len)) >= 0) return false;
    if (failed(database_kv(t->db, place, &kv, NULL)) || kv_latest_sequence(kv) != g->sequence) {
        g->known = false;
        return false;
    }
    remember(g, key);
    return true;
}

/* The next key at or after this one, or the end of the storage id. */
static STATUS find_next(Txn *t, StorePlace place, Slice key, FreeGap *g, Error *err)
{
    uint8_t end[4];
    Kv *kv;
    KvCursor *c;
    TRY(database_kv(t->db, place, &kv, err));
    g->sequence = kv_latest_sequence(kv); /* before the cursor: what it sees is at least that new */
    key_put_u32(end, key_get_u32(key.data) + 1);
    TRY(kv_cursor_open(kv, NULL, key, slice_of(end, 4), false, &c, err));
    kv_cursor_seek(c, key);
    Slice next = kv_cursor_valid(c) ? kv_cursor_key(c) : slice_of(end, 4);
    g->known = next.len <= FREE_GAP_KEY_MAX;
    if (g->known) {
        memcpy(g->high, next.data, next.len);
        g->high_len = next.len;
    }
    Status st = kv_cursor_error(c, err);
    kv_cursor_close(c);
    return st;
}

STATUS free_gap_learn(Txn *t, StorePlace place, Slice key, Error *err)
{
    FreeGap *g = &t->gap;
    bool same = g->xid == t->xid && g->place == place && g->low_len && key.len >= 4 && !memcmp(g->low, key.data, 4);
    g->known = false;
    if (key.len > FREE_GAP_KEY_MAX || key.len < 4) return ST_OK;
    g->ascending = same && slice_compare(key, low_key(g)) > 0 ? g->ascending + 1 : 0;
    g->xid = t->xid;
    g->place = place;
    remember(g, key);
    if (g->ascending < WORTH_LEARNING) return ST_OK;
    g->ascending = 0; /* should the gap end at once, look-ups go on for a while */
    return find_next(t, place, key, g, err);
}
