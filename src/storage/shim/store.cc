#include "storage/shim/store.h"

#include <cstdio>
#include <vector>

#include <rocksdb/convenience.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/listener.h>
#include <rocksdb/perf_context.h>
#include <rocksdb/table.h>
#include <rocksdb/utilities/checkpoint.h>
#include <rocksdb/utilities/table_properties_collectors.h>

using namespace helios;
using rocksdb::DB;
using rocksdb::Options;
using rocksdb::Slice;
using rocksdb::Status;

namespace {

class Listener : public rocksdb::EventListener {
  public:
    Listener(ShimErrorFn fn, void *arg) : fn_(fn), arg_(arg) {}
    void OnBackgroundError(rocksdb::BackgroundErrorReason, Status *st) override
    {
        ShimError e;
        shim_fill(*st, &e);
        if (fn_) fn_(arg_, e.code, e.text);
    }
    /* The next writer looks for room itself and resumes (kv.c): sooner than a poll every few seconds would. */
    void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason, Status, bool *auto_recovery) override { *auto_recovery = false; }

  private:
    ShimErrorFn fn_;
    void *arg_;
};

// RocksDB's own LOG file is not kept: what matters arrives as statuses and through the listener, and on a full disk its writer asserts.
class SilentLogger : public rocksdb::Logger {
  public:
    SilentLogger() : Logger(rocksdb::FATAL_LEVEL) {}
    using rocksdb::Logger::Logv;
    void Logv(const char *, va_list) override {}
};

Slice in(ShimSlice s) { return Slice(s.data, s.len); }

}  // namespace

ShimCode shim_fill(const Status &st, ShimError *e)
{
    ShimCode code = SHIM_OTHER;
    if (st.ok()) code = SHIM_OK;
    else if (st.IsNotFound()) code = SHIM_NOT_FOUND;
    else if (st.IsNoSpace()) code = SHIM_NO_SPACE;
    else if (st.IsCorruption()) code = SHIM_CORRUPT;
    else if (st.IsMemoryLimit()) code = SHIM_MEMORY;
    else if (st.IsIOError() || st.IsPathNotFound()) code = SHIM_IO;
    else if (st.IsBusy() || st.IsTryAgain() || st.IsIncomplete()) code = SHIM_BUSY;
    else if (st.IsShutdownInProgress()) code = SHIM_SHUTDOWN;
    e->code = code;
    if (code == SHIM_OK) e->text[0] = 0;
    else snprintf(e->text, sizeof e->text, "%s", st.ToString().c_str());
    return code;
}

// The C API's structs must be what store.h says: a value set through one side is read through the other.
static bool layouts_agree()
{
    rocksdb_options_t *o = rocksdb_options_create();
    rocksdb_options_set_max_open_files(o, 4711);
    rocksdb_options_set_delete_obsolete_files_period_micros(o, 1234567);
    bool ok = o->rep.max_open_files == 4711 && o->rep.delete_obsolete_files_period_micros == 1234567;
    rocksdb_options_destroy(o);
    rocksdb_writebatch_t *b = rocksdb_writebatch_create();
    rocksdb_writebatch_put(b, "k", 1, "v", 1);
    ok = ok && b->rep.Count() == 1;
    rocksdb_writebatch_destroy(b);
    return ok;
}

ShimEnv *shim_env_open(const ShimEnvOptions *opt, ShimError *e)
{
    if (!layouts_agree()) {
        shim_fill(Status::NotSupported("this build was made for another version of RocksDB"), e);
        return nullptr;
    }
    ShimEnv *env = new ShimEnv;
    FileLayerOptions fo;
    fo.spare_dir = opt->spare_dir ? opt->spare_dir : "";
    fo.preallocate = opt->preallocate_log;
    fo.faults = opt->faults;
    fo.spare_bytes_max = static_cast<uint64_t>(opt->memtable_bytes) * 3;
    env->files = std::make_shared<FileLayer>(rocksdb::FileSystem::Default(), fo);
    env->env = rocksdb::NewCompositeEnv(env->files);
    env->env->SetBackgroundThreads(1, rocksdb::Env::LOW);
    env->env->SetBackgroundThreads(1, rocksdb::Env::HIGH);
    env->silent = std::make_shared<SilentLogger>();
    rocksdb::LRUCacheOptions co;
    co.capacity = static_cast<size_t>(opt->cache_bytes);
    co.num_shard_bits = 2;
    co.strict_capacity_limit = false; /* a scan must not fail because others pin blocks */
    co.high_pri_pool_ratio = 0.3;
    env->cache = rocksdb::NewLRUCache(co);
    env->write_buffers = std::make_shared<rocksdb::WriteBufferManager>(static_cast<size_t>(opt->memtable_bytes));
    env->memtable_bytes = opt->memtable_bytes;

    rocksdb::BlockBasedTableOptions t;
    t.block_cache = env->cache;
    t.block_size = 4096;
    t.format_version = 5;
    t.cache_index_and_filter_blocks = true;
    t.cache_index_and_filter_blocks_with_high_priority = true;
    t.pin_top_level_index_and_filter = true;
    t.index_type = rocksdb::BlockBasedTableOptions::kTwoLevelIndexSearch;
    t.partition_filters = true;
    t.metadata_block_size = 4096;
    t.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
    t.whole_key_filtering = true;
    t.checksum = rocksdb::kXXH3;
    t.max_auto_readahead_size = 64 << 10;
    t.initial_auto_readahead_size = 8 << 10;
    env->table.reset(rocksdb::NewBlockBasedTableFactory(t));
    return env;
}

void shim_env_close(ShimEnv *env)
{
    delete env;
}

int64_t shim_env_memory(const ShimEnv *env)
{
    return static_cast<int64_t>(env->cache->GetUsage() + env->write_buffers->memory_usage());
}

int64_t shim_env_memtables(const ShimEnv *env)
{
    return static_cast<int64_t>(env->write_buffers->memory_usage());
}

bool shim_env_faults(ShimEnv *env, const char *spec)
{
    return env->files->faults().parse(spec);
}

void shim_env_crash(ShimEnv *env)
{
    env->files->faults().crash();
}

void shim_env_tear(ShimEnv *env, uint32_t seed)
{
    env->files->faults().tear(seed);
}

static Options make_options(ShimEnv *env, bool create, bool scratch)
{
    Options o;
    o.env = env->env.get();
    o.create_if_missing = create;
    o.error_if_exists = false;
    o.table_factory = env->table;
    o.write_buffer_manager = env->write_buffers;
    o.write_buffer_size = static_cast<size_t>(env->memtable_bytes);
    o.arena_block_size = 256 << 10; /* the size from which the server has malloc map memory: it goes back with the memtable */
    o.max_write_buffer_number = 4;
    o.max_background_jobs = 2;
    o.max_subcompactions = 1;
    o.compression = rocksdb::kLZ4Compression;
    o.num_levels = 6;
    o.level_compaction_dynamic_level_bytes = true;
    o.target_file_size_base = 16 << 20;
    o.max_bytes_for_level_base = 48 << 20;
    o.level0_file_num_compaction_trigger = 4;
    o.level0_slowdown_writes_trigger = 24;
    o.level0_stop_writes_trigger = 40;
    o.compaction_readahead_size = 64 << 10;
    o.bytes_per_sync = 1 << 20;
    o.max_open_files = 192;
    o.max_file_opening_threads = 1;
    o.skip_stats_update_on_db_open = true;
    o.skip_checking_sst_file_sizes_on_db_open = true;
    o.paranoid_checks = true;
    o.max_bgerror_resume_count = 0;
    o.stats_dump_period_sec = 0;
    o.stats_persist_period_sec = 0;
    o.info_log = env->silent;
    o.info_log_level = rocksdb::FATAL_LEVEL;
    o.max_manifest_file_size = 512 << 10;
    o.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
    o.avoid_flush_during_recovery = true;
    o.avoid_flush_during_shutdown = scratch;
    o.allow_fallocate = false;
    o.enable_pipelined_write = false;
    o.allow_concurrent_memtable_write = false;    /* the group's leader inserts for all: fewer wake-ups, measured faster at 8 and 32 */
    o.enable_write_thread_adaptive_yield = false; /* waiting writers sleep: the processor is the executor's */
    o.memtable_whole_key_filtering = false;
    /* A file in which half of some thousand neighbouring entries are deletions is compacted soon: queues, bulk deletes. */
    o.table_properties_collector_factories.push_back(rocksdb::NewCompactOnDeletionCollectorFactory(4096, 2048));
    if (scratch) {
        o.bottommost_compression = rocksdb::kLZ4Compression;
        o.level0_file_num_compaction_trigger = 8;
    }
    return o;
}

rocksdb_t *shim_open(ShimEnv *env, const ShimOpen *how, ShimError *e)
{
    Options o = make_options(env, how->create, how->scratch);
    o.listeners.push_back(std::make_shared<Listener>(how->on_error, how->arg));
    DB *db = nullptr;
    Status st = DB::Open(o, how->dir, &db);
    if (shim_fill(st, e) != SHIM_OK) return nullptr;
    rocksdb_t *out = new rocksdb_t;
    out->rep = db;
    return out;
}

void shim_destroy(ShimEnv *env, const char *dir)
{
    rocksdb::DestroyDB(dir, make_options(env, false, true)).PermitUncheckedError();
}

rocksdb_options_t *shim_file_options(ShimEnv *env, rocksdb_t *db)
{
    rocksdb_options_t *o = new rocksdb_options_t;
    o->rep = make_options(env, false, false);
    (void)db;
    return o;
}

ShimCode shim_get(rocksdb_t *db, const rocksdb_snapshot_t *at, ShimSlice key, void **pin, ShimSlice *value, ShimError *e)
{
    rocksdb::ReadOptions ro;
    if (at) ro.snapshot = at->rep;
    rocksdb::PinnableSlice *p = new rocksdb::PinnableSlice;
    Status st = db->rep->Get(ro, db->rep->DefaultColumnFamily(), in(key), p);
    if (!st.ok()) {
        delete p;
        *pin = nullptr;
        return st.IsNotFound() ? SHIM_NOT_FOUND : shim_fill(st, e);
    }
    *pin = p;
    *value = ShimSlice{p->data(), p->size()};
    return SHIM_OK;
}

void shim_pin_free(void *pin)
{
    delete static_cast<rocksdb::PinnableSlice *>(pin);
}

ShimCode shim_multi_get(rocksdb_t *db, const rocksdb_snapshot_t *at, size_t n, const ShimSlice *keys, void **pins, ShimSlice *values, ShimError *e)
{
    rocksdb::ReadOptions ro;
    if (at) ro.snapshot = at->rep;
    std::vector<Slice> k(n);
    std::vector<rocksdb::PinnableSlice> v(n);
    std::vector<Status> st(n);
    for (size_t i = 0; i < n; i++) {
        k[i] = in(keys[i]);
        pins[i] = nullptr;
    }
    db->rep->MultiGet(ro, db->rep->DefaultColumnFamily(), n, k.data(), v.data(), st.data(), true);
    for (size_t i = 0; i < n; i++) {
        if (st[i].IsNotFound()) continue;
        if (!st[i].ok()) return shim_fill(st[i], e); /* the caller frees the pins it has */
        rocksdb::PinnableSlice *p = new rocksdb::PinnableSlice(std::move(v[i]));
        pins[i] = p;
        values[i] = ShimSlice{p->data(), p->size()};
    }
    return SHIM_OK;
}

struct ShimRoom {
    std::shared_ptr<FileLayer> files;
    std::shared_ptr<LogRoom> room;
};

ShimRoom *shim_room_new(ShimEnv *env, const char *dir)
{
    return new ShimRoom{env->files, env->files->room(dir)};
}

void shim_room_free(ShimRoom *room)
{
    delete room;
}

ShimCode shim_write(rocksdb_t *db, ShimRoom *room, rocksdb_writebatch_t *batch, bool sync, bool *untouched, ShimError *e)
{
    rocksdb::WriteOptions wo;
    wo.sync = sync && room;
    wo.disableWAL = !room;
    uint64_t bytes = batch->rep.GetDataSize();
    *untouched = false;
    if (room) {
        rocksdb::IOStatus io = room->files->begin_write(room->room.get(), bytes);
        *untouched = !io.ok();
        if (!io.ok()) return shim_fill(io, e);
    }
    Status st = db->rep->Write(wo, &batch->rep);
    if (room) room->files->end_write(room->room.get(), bytes);
    return st.ok() ? SHIM_OK : shim_fill(st, e);
}

ShimCode shim_sync_log(ShimEnv *env, const char *dir, ShimError *e)
{
    return shim_fill(env->files->sync_logs(dir), e);
}

ShimCode shim_flush(rocksdb_t *db, ShimError *e)
{
    rocksdb::FlushOptions fo;
    fo.wait = true;
    fo.allow_write_stall = true;
    return shim_fill(db->rep->Flush(fo), e);
}

ShimCode shim_resume(rocksdb_t *db, ShimError *e)
{
    return shim_fill(db->rep->Resume(), e);
}

ShimCode shim_ingest(rocksdb_t *db, const char *const *paths, size_t n, ShimError *e)
{
    rocksdb::IngestExternalFileOptions io;
    io.move_files = true;
    io.failed_move_fall_back_to_copy = true;
    io.snapshot_consistency = true;
    io.allow_global_seqno = true;
    io.allow_blocking_flush = true;
    io.write_global_seqno = false;
    std::vector<std::string> files(paths, paths + n);
    return shim_fill(db->rep->IngestExternalFile(files, io), e);
}

ShimCode shim_checkpoint(rocksdb_t *db, const char *dir, ShimError *e)
{
    rocksdb::Checkpoint *cp = nullptr;
    Status st = rocksdb::Checkpoint::Create(db->rep, &cp);
    if (st.ok()) st = cp->CreateCheckpoint(dir, 0);
    delete cp;
    return shim_fill(st, e);
}

ShimCode shim_delete_files(rocksdb_t *db, ShimSlice begin, ShimSlice end, ShimError *e)
{
    Slice b = in(begin), u = in(end);
    return shim_fill(rocksdb::DeleteFilesInRange(db->rep, db->rep->DefaultColumnFamily(), &b, &u, false), e);
}

ShimCode shim_compact(rocksdb_t *db, ShimSlice begin, ShimSlice end, ShimError *e)
{
    rocksdb::CompactRangeOptions co;
    co.exclusive_manual_compaction = false;
    co.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForceOptimized;
    Slice b = in(begin), u = in(end);
    return shim_fill(db->rep->CompactRange(co, begin.data ? &b : nullptr, end.data ? &u : nullptr), e);
}

uint64_t shim_range_bytes(rocksdb_t *db, ShimSlice begin, ShimSlice end)
{
    rocksdb::Range r(in(begin), in(end));
    rocksdb::SizeApproximationOptions so;
    so.include_memtables = true;
    so.files_size_error_margin = 0.1;
    uint64_t bytes = 0;
    return db->rep->GetApproximateSizes(so, db->rep->DefaultColumnFamily(), &r, 1, &bytes).ok() ? bytes : 0;
}

// ReadOptions keeps pointers to the bounds, so the bounds' Slices live beside the iterator: ShimSlice has Slice's layout.
static_assert(sizeof(ShimSlice) == sizeof(Slice), "ShimSlice must look like rocksdb::Slice");

rocksdb_iterator_t *shim_iterator(rocksdb_t *db, const rocksdb_snapshot_t *at, const ShimSlice *lower, const ShimSlice *upper, bool fill_cache)
{
    rocksdb::ReadOptions ro;
    if (at) ro.snapshot = at->rep;
    ro.fill_cache = fill_cache;
    ro.total_order_seek = true;
    if (lower->data) ro.iterate_lower_bound = reinterpret_cast<const Slice *>(lower);
    if (upper->data) ro.iterate_upper_bound = reinterpret_cast<const Slice *>(upper);
    rocksdb_iterator_t *it = new rocksdb_iterator_t;
    it->rep = db->rep->NewIterator(ro);
    return it;
}

ShimCode shim_iterator_status(const rocksdb_iterator_t *it, ShimError *e)
{
    Status st = it->rep->status();
    return st.ok() ? SHIM_OK : shim_fill(st, e);
}

int shim_iterator_batch(rocksdb_iterator_t *handle, bool backward, uint8_t *buf, size_t bytes, int max_rows, size_t *used, size_t *next)
{
    rocksdb::Iterator *it = handle->rep;
    size_t at = 0;
    int rows = 0;
    *next = 0;
    while (rows < max_rows && it->Valid()) {
        Slice k = it->key(), v = it->value();
        uint32_t len[2] = {static_cast<uint32_t>(k.size()), static_cast<uint32_t>(v.size())};
        size_t need = sizeof len + k.size() + v.size();
        if (need > bytes - at) {
            *next = need;
            break;
        }
        memcpy(buf + at, len, sizeof len);
        memcpy(buf + at + sizeof len, k.data(), k.size());
        memcpy(buf + at + sizeof len + k.size(), v.data(), v.size());
        at += need;
        rows++;
        if (backward) it->Prev();
        else it->Next();
    }
    *used = at;
    return rows;
}

uint64_t shim_deletions_skipped(void)
{
    return rocksdb::get_perf_context()->internal_delete_skipped_count;
}

uint64_t shim_snapshot_sequence(const rocksdb_snapshot_t *snap)
{
    return snap->rep->GetSequenceNumber();
}
