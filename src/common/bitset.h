/* Bitset: a set of small non-negative integers in an arena. NULL is the empty set. Value semantics: operations that change
 * return the set to use from now on (it may have moved); NULL from bitset_add means out of memory. */
#ifndef HELIOS_COMMON_BITSET_H
#define HELIOS_COMMON_BITSET_H

#include "common/arena.h"

typedef struct Bitset { int nwords; uint64_t words[]; } Bitset;

Bitset *bitset_add(Bitset *set, Arena *arena, int member);
Bitset *bitset_union(const Bitset *a, const Bitset *b, Arena *arena); /* a new set (NULL if both are empty) */
Bitset *bitset_intersect(const Bitset *a, const Bitset *b, Arena *arena);
Bitset *bitset_difference(const Bitset *a, const Bitset *b, Arena *arena);
Bitset *bitset_copy(const Bitset *a, Arena *arena);
bool bitset_has(const Bitset *set, int member);
bool bitset_is_subset(const Bitset *a, const Bitset *b);
bool bitset_overlaps(const Bitset *a, const Bitset *b);
bool bitset_equal(const Bitset *a, const Bitset *b);
bool bitset_is_empty(const Bitset *a);
int bitset_count(const Bitset *a);
int bitset_next(const Bitset *a, int prev); /* smallest member > prev, or -1; start with -1 */

#endif
