/* Sorter: an external sort of key/value pairs by key, in bounded memory: sorted runs in temporary files, merged at the end. */
#ifndef HELIOS_STORAGE_SORTER_H
#define HELIOS_STORAGE_SORTER_H

#include "storage/cluster.h"

typedef struct Sorter Sorter;

STATUS sorter_new(Database *db, MemAccount *account, size_t memory_bytes, Sorter **out, Error *err);
void sorter_free(Sorter *s); /* NULL is fine; removes its files */
STATUS sorter_add(Sorter *s, Slice key, Slice value, Error *err);
/* After the last add: pairs in key order, equal keys in the order they were added. *found false at the end. Views until the next call. */
STATUS sorter_next(Sorter *s, bool *found, Slice *key, Slice *value, Error *err);
uint64_t sorter_bytes(const Sorter *s); /* of all pairs added */

#endif
