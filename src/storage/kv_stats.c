/* Range estimates of Kv. */
#include "storage/kv_stats.h"

#include "storage/kv_internal.h"
#include "storage/shim/range_stats.h"

void kv_range_sizes(Kv *kv, Slice begin, Slice end, uint64_t *file_bytes, uint64_t *memtable_entries)
{
    ShimRangeStats s;
    shim_range_stats(kv->db, shim_slice(begin), shim_slice(end), false, &s);
    *file_bytes = s.file_bytes;
    *memtable_entries = s.memtable_entries;
}

double kv_range_entry_bytes(Kv *kv, Slice begin, Slice end)
{
    ShimRangeStats s;
    shim_range_stats(kv->db, shim_slice(begin), shim_slice(end), true, &s);
    return s.entries ? (double)s.entries_bytes / (double)s.entries : 0;
}
