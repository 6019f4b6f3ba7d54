/* How many entries a key range has, about: from the properties of its table files and the memtables. */
#ifndef HELIOS_STORAGE_RANGE_STATS_H
#define HELIOS_STORAGE_RANGE_STATS_H

#include "storage/shim/shim.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ShimRangeStats {
    uint64_t file_bytes;              /* of the range, in files */
    uint64_t entries, entries_bytes;  /* of the files that overlap it, whole: their ratio is what an entry takes */
    uint64_t memtable_entries, memtable_bytes;
} ShimRangeStats;
/* detail: the files' properties too (opens each of them). */
void shim_range_stats(rocksdb_t *db, ShimSlice begin, ShimSlice end, bool detail, ShimRangeStats *out);

#ifdef __cplusplus
}
#endif
#endif
