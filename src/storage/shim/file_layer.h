// The file layer under RocksDB: log files that are used again and checked frame by frame (log_format.h), and faults for tests.
#pragma once
#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include <rocksdb/file_system.h>

#include "storage/shim/faults.h"

namespace helios {

class LogCore;

// Room in the logs of one instance. A write that would not fit is refused with a full disk before RocksDB sees it: once an append to
// its log has failed, RocksDB needs a new log and a flush to go on, and asserts when its memtable happens to be empty then.
struct LogRoom {
    std::atomic<int64_t> prepared{0};   // bytes of the present log that are on disk and not used yet
    std::atomic<int64_t> in_flight{0};  // of writes that are under way
    std::mutex mutex;
    std::shared_ptr<LogCore> active;
};

struct FileLayerOptions {
    std::string spare_dir;  // where log files wait to be used again; empty: they are deleted
    int spare_max = 2;
    uint64_t spare_bytes_max = 64u << 20;
    bool preallocate = true;
    bool faults = false;    // wrap every file, so that faults reach it
};

class FileLayer : public rocksdb::FileSystemWrapper {
  public:
    FileLayer(const std::shared_ptr<rocksdb::FileSystem> &base, const FileLayerOptions &opt);
    static const char *kClassName() { return "HeliosFileLayer"; }
    const char *Name() const override { return kClassName(); }

    rocksdb::IOStatus NewSequentialFile(const std::string &f, const rocksdb::FileOptions &o,
                                        std::unique_ptr<rocksdb::FSSequentialFile> *r, rocksdb::IODebugContext *d) override;
    rocksdb::IOStatus NewRandomAccessFile(const std::string &f, const rocksdb::FileOptions &o,
                                          std::unique_ptr<rocksdb::FSRandomAccessFile> *r, rocksdb::IODebugContext *d) override;
    rocksdb::IOStatus NewWritableFile(const std::string &f, const rocksdb::FileOptions &o,
                                      std::unique_ptr<rocksdb::FSWritableFile> *r, rocksdb::IODebugContext *d) override;
    rocksdb::IOStatus ReopenWritableFile(const std::string &f, const rocksdb::FileOptions &o,
                                         std::unique_ptr<rocksdb::FSWritableFile> *r, rocksdb::IODebugContext *d) override;
    rocksdb::IOStatus DeleteFile(const std::string &f, const rocksdb::IOOptions &o, rocksdb::IODebugContext *d) override;
    rocksdb::IOStatus RenameFile(const std::string &s, const std::string &t, const rocksdb::IOOptions &o,
                                 rocksdb::IODebugContext *d) override;
    rocksdb::IOStatus LinkFile(const std::string &s, const std::string &t, const rocksdb::IOOptions &o,
                               rocksdb::IODebugContext *d) override;
    rocksdb::IOStatus GetFileSize(const std::string &f, const rocksdb::IOOptions &o, uint64_t *size,
                                  rocksdb::IODebugContext *d) override;
    rocksdb::IOStatus Truncate(const std::string &f, size_t size, const rocksdb::IOOptions &o, rocksdb::IODebugContext *d) override;

    Faults &faults() { return faults_; }
    const FileLayerOptions &options() const { return opt_; }
    rocksdb::IOStatus sync_logs(const std::string &dir); // every log open for writing in dir
    std::shared_ptr<LogRoom> room(const std::string &dir); // of the instance in dir
    // Around a write of so many bytes. After OK, end_write with the same number.
    rocksdb::IOStatus begin_write(LogRoom *room, uint64_t bytes);
    void end_write(LogRoom *room, uint64_t bytes);
    void log_opened(const std::shared_ptr<LogCore> &log);
    void log_closed(const std::shared_ptr<LogCore> &log);

  private:
    bool take_spare(const std::string &path);
    bool keep_spare(const std::string &path);
    rocksdb::IOStatus ensure_spare(uint64_t bytes);
    void tell_spares();

    FileLayerOptions opt_;
    Faults faults_;
    std::mutex mutex_;  // spares and logs_; leaf
    std::set<std::shared_ptr<LogCore>> logs_;
    std::map<std::string, std::shared_ptr<LogRoom>> rooms_;
    std::map<std::string, uint64_t> spares_;  // path -> length
    std::atomic<int64_t> spare_bytes_{0};     // of the longest, which the next log takes
    std::mutex growing_;                      // making or growing a spare; taken before mutex_
    uint64_t next_spare_ = 0;
};

}  // namespace helios
