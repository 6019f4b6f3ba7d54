/* Sets of small integers as words of 64 members. Empty results are NULL wherever a new set is made. */
#include "common/bitset.h"

#include <assert.h>

static int words_of(const Bitset *s) { return s ? s->nwords : 0; }
static uint64_t word_at(const Bitset *s, int i) { return s && i < s->nwords ? s->words[i] : 0; }

static Bitset *new_set(Arena *arena, int nwords)
{
    Bitset *s = arena_zalloc(arena, sizeof *s + (size_t)nwords * sizeof s->words[0]);
    if (s) s->nwords = nwords;
    return s;
}

Bitset *bitset_add(Bitset *set, Arena *arena, int member)
{
    assert(member >= 0);
    int word = member / 64;
    if (word >= words_of(set)) {
        Bitset *bigger = new_set(arena, word + 1);
        if (!bigger) return NULL;
        if (set) memcpy(bigger->words, set->words, (size_t)set->nwords * sizeof set->words[0]);
        set = bigger;
    }
    set->words[word] |= 1ull << (member % 64);
    return set;
}

Bitset *bitset_union(const Bitset *a, const Bitset *b, Arena *arena)
{
    int n = words_of(a) > words_of(b) ? words_of(a) : words_of(b);
    if (bitset_is_empty(a) && bitset_is_empty(b)) return NULL;
    Bitset *s = new_set(arena, n);
    for (int i = 0; s && i < n; i++) s->words[i] = word_at(a, i) | word_at(b, i);
    return s;
}

Bitset *bitset_intersect(const Bitset *a, const Bitset *b, Arena *arena)
{
    int n = words_of(a) < words_of(b) ? words_of(a) : words_of(b);
    if (!bitset_overlaps(a, b)) return NULL;
    Bitset *s = new_set(arena, n);
    for (int i = 0; s && i < n; i++) s->words[i] = a->words[i] & b->words[i];
    return s;
}

Bitset *bitset_difference(const Bitset *a, const Bitset *b, Arena *arena)
{
    int n = words_of(a);
    if (bitset_is_subset(a, b)) return NULL;
    Bitset *s = new_set(arena, n);
    for (int i = 0; s && i < n; i++) s->words[i] = a->words[i] & ~word_at(b, i);
    return s;
}

Bitset *bitset_copy(const Bitset *a, Arena *arena) { return bitset_union(a, NULL, arena); }

bool bitset_has(const Bitset *set, int member)
{
    return member >= 0 && (word_at(set, member / 64) >> (member % 64) & 1);
}

bool bitset_is_subset(const Bitset *a, const Bitset *b)
{
    for (int i = 0; i < words_of(a); i++)
        if (a->words[i] & ~word_at(b, i)) return false;
    return true;
}

bool bitset_overlaps(const Bitset *a, const Bitset *b)
{
    for (int i = 0; i < words_of(a); i++)
        if (a->words[i] & word_at(b, i)) return true;
    return false;
}

bool bitset_equal(const Bitset *a, const Bitset *b) { return bitset_is_subset(a, b) && bitset_is_subset(b, a); }

bool bitset_is_empty(const Bitset *a)
{
    for (int i = 0; i < words_of(a); i++)
        if (a->words[i]) return false;
    return true;
}

int bitset_count(const Bitset *a)
{
    int n = 0;
    for (int i = 0; i < words_of(a); i++) n += __builtin_popcountll(a->words[i]);
    return n;
}

int bitset_next(const Bitset *a, int prev)
{
    int member = prev + 1;
    for (int i = member / 64; i < words_of(a); i++) {
        uint64_t w = a->words[i];
        if (i == member / 64) w &= ~0ull << (member % 64);
        if (w) return i * 64 + __builtin_ctzll(w);
    }
    return -1;
}
