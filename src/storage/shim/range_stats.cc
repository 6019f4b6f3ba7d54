#include "storage/shim/range_stats.h"

#include <rocksdb/table_properties.h>

#include "storage/shim/store.h"

void shim_range_stats(rocksdb_t *db, ShimSlice begin, ShimSlice end, bool detail, ShimRangeStats *out)
{
    *out = ShimRangeStats{};
    rocksdb::DB *rep = db->rep;
    rocksdb::Range range(rocksdb::Slice(begin.data, begin.len), rocksdb::Slice(end.data, end.len));
    rocksdb::SizeApproximationOptions options;
    options.include_files = true;
    options.include_memtables = false;
    rep->GetApproximateSizes(options, rep->DefaultColumnFamily(), &range, 1, &out->file_bytes);
    rep->GetApproximateMemTableStats(range, &out->memtable_entries, &out->memtable_bytes);
    if (!detail) return;
    rocksdb::TablePropertiesCollection files;
    if (!rep->GetPropertiesOfTablesInRange(rep->DefaultColumnFamily(), &range, 1, &files).ok()) return;
    for (const auto &file : files) {
        const rocksdb::TableProperties &p = *file.second;
        uint64_t gone = 2 * p.num_deletions; // a deletion and what it deletes
        out->entries += p.num_entries > gone ? p.num_entries - gone : 0;
        out->entries_bytes += p.data_size + p.index_size + p.filter_size;
    }
}
