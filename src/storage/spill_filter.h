/* A growing Bloom filter of the keys that a transaction has in scratch: most look-ups of new keys end here, in memory. */
#ifndef HELIOS_STORAGE_SPILL_FILTER_H
#define HELIOS_STORAGE_SPILL_FILTER_H

#include "common/mem.h"

enum { FILTER_PARTS = 4 };

typedef struct SpillFilter {
    MemAccount *account;
    uint64_t *bits[FILTER_PARTS]; /* each four times the one before */
    uint32_t mask[FILTER_PARTS];  /* 64-bit words - 1 */
    uint64_t room;                /* keys that the newest part still takes */
    int parts;
    bool blind;                   /* no memory for a filter: everything may be there */
} SpillFilter;

void spill_filter_add(SpillFilter *f, uint64_t hash);
bool spill_filter_maybe(const SpillFilter *f, uint64_t hash);
void spill_filter_free(SpillFilter *f);

#endif
