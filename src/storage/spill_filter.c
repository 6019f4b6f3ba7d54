/* Each key sets four bits of one word (one cache line to look at); eight bits a key. A part that is full is followed by one four times as
 * large while the budget has plenty; otherwise it is overfilled, which only makes it say "maybe" more often. */
#include "storage/spill_filter.h"

#include <string.h>

enum { FIRST_WORDS = 16 * 1024 /* 128 KiB */, BITS_A_KEY = 8 };

static uint64_t pattern(uint64_t hash)
{
    return 1ull << (hash >> 40 & 63) | 1ull << (hash >> 46 & 63) | 1ull << (hash >> 52 & 63) | 1ull << (hash >> 58 & 63);
}

static void add_part(SpillFilter *f)
{
    size_t words = (size_t)FIRST_WORDS << (2 * f->parts), bytes = words * sizeof(uint64_t);
    if (f->parts == FILTER_PARTS || mem_available(f->account) < (int64_t)bytes * 4) return;
    uint64_t *bits = mem_alloc(f->account, bytes);
    if (!bits) return;
    memset(bits, 0, bytes);
    f->bits[f->parts] = bits;
    f->mask[f->parts++] = (uint32_t)words - 1;
    f->room = words * 64 / BITS_A_KEY;
}

void spill_filter_add(SpillFilter *f, uint64_t hash)
{
    if (f->blind) return;
    if (!f->room) add_part(f);
    if (!f->parts) {
        f->blind = true;
        return;
    }
    if (f->room) f->room--;
    f->bits[f->parts - 1][hash & f->mask[f->parts - 1]] |= pattern(hash);
}

bool spill_filter_maybe(const SpillFilter *f, uint64_t hash)
{
    uint64_t want = pattern(hash);
    if (f->blind) return true;
    for (int i = 0; i < f->parts; i++)
        if ((f->bits[i][hash & f->mask[i]] & want) == want) return true;
    return false;
}

void spill_filter_free(SpillFilter *f)
{
    for (int i = 0; i < f->parts; i++) mem_free(f->account, f->bits[i], ((size_t)f->mask[i] + 1) * sizeof(uint64_t));
    f->parts = 0;
}
