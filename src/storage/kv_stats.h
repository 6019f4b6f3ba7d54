/* Estimates of what a key range holds. */
#ifndef HELIOS_STORAGE_KV_STATS_H
#define HELIOS_STORAGE_KV_STATS_H

#include "storage/kv.h"

/* Bytes in files and entries in memtables: cheap. */
void kv_range_sizes(Kv *kv, Slice begin, Slice end, uint64_t *file_bytes, uint64_t *memtable_entries);
/* What an entry of the range takes in files, from the files' properties; 0: no files. Opens each of them: remember the result. */
double kv_range_entry_bytes(Kv *kv, Slice begin, Slice end);

#endif
