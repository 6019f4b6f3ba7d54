#include "storage/shim/run_reader.h"

#include <new>

#include <rocksdb/sst_file_reader.h>

#include "storage/shim/store.h"

struct ShimRun {
    explicit ShimRun(const rocksdb::Options &options) : reader(options) {}
    rocksdb::SstFileReader reader;
};

ShimRun *shim_run_open(const rocksdb_options_t *options, const char *path, ShimError *e)
{
    ShimRun *run = new (std::nothrow) ShimRun(options->rep);
    if (!run) {
        shim_fill(rocksdb::Status::MemoryLimit(), e);
        return nullptr;
    }
    rocksdb::Status st = run->reader.Open(path);
    if (st.ok()) return run;
    shim_fill(st, e);
    delete run;
    return nullptr;
}

void shim_run_close(ShimRun *run) { delete run; }

rocksdb_iterator_t *shim_run_iterator(ShimRun *run)
{
    rocksdb::ReadOptions options;
    options.fill_cache = false;
    options.readahead_size = 64 * 1024;
    rocksdb_iterator_t *it = new (std::nothrow) rocksdb_iterator_t;
    if (!it) return nullptr;
    it->rep = run->reader.NewIterator(options);
    if (it->rep) return it;
    delete it;
    return nullptr;
}
