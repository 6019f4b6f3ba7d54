// The inside of ShimEnv and of the C API's handles, for the files of this folder.
#pragma once
#include <memory>

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/write_batch.h>
#include <rocksdb/write_buffer_manager.h>

#include "storage/shim/file_layer.h"
#include "storage/shim/shim.h"

// As db/c.cc defines them; layouts_agree() in store.cc checks.
struct rocksdb_t { rocksdb::DB *rep; };
struct rocksdb_options_t { rocksdb::Options rep; };
struct rocksdb_iterator_t { rocksdb::Iterator *rep; };
struct rocksdb_snapshot_t { const rocksdb::Snapshot *rep; };
struct rocksdb_writebatch_t { rocksdb::WriteBatch rep; };

struct ShimEnv {
    std::shared_ptr<helios::FileLayer> files;
    std::unique_ptr<rocksdb::Env> env;
    std::shared_ptr<rocksdb::Cache> cache;
    std::shared_ptr<rocksdb::WriteBufferManager> write_buffers;
    std::shared_ptr<rocksdb::TableFactory> table;
    std::shared_ptr<rocksdb::Logger> silent;
    int64_t memtable_bytes;
};

ShimCode shim_fill(const rocksdb::Status &st, ShimError *e);
