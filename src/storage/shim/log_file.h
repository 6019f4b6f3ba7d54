// Writer and reader of log files (log_format.h).
#pragma once
#include <atomic>
#include <mutex>
#include <string>
#include <vector>

#include <rocksdb/file_system.h>

#include "storage/shim/file_layer.h"

namespace helios {

// A log being written. Shared: whoever makes the next log of the directory may sync this one while it is being closed.
class LogCore {
  public:
    // fd: of a new or used file, `initialised` bytes of which are on disk already.
    LogCore(FileLayer *layer, const std::shared_ptr<LogRoom> &room, const std::string &path, uint64_t number, int fd, uint64_t initialised);
    ~LogCore();
    rocksdb::IOStatus append(const rocksdb::Slice &data);
    rocksdb::IOStatus sync();
    rocksdb::IOStatus ensure(uint64_t bytes); // so many more bytes of frames will find the file prepared
    const std::shared_ptr<LogRoom> &room() const { return room_; }
    uint64_t logical() const { return logical_; }
    const std::string &path() const { return path_; }

  private:
    rocksdb::IOStatus write_frame(const char *data, size_t n);
    rocksdb::IOStatus write_all(const char *p, size_t n, uint64_t at);
    rocksdb::IOStatus extend(uint64_t from, uint64_t end);
    void tell_room();

    FileLayer *layer_;
    std::shared_ptr<LogRoom> room_;
    std::string path_;
    int fd_;
    uint64_t epoch_;
    std::mutex mutex_;           // all below
    std::vector<char> staging_;  // the page being filled, from its start; grows for a larger frame
    uint64_t end_ = 0;           // where the next frame goes
    uint64_t synced_ = 0;
    uint64_t initialised_;       // bytes of the file that have been written once
    std::atomic<uint64_t> logical_{0};  // payload bytes
    bool append_failed_ = false; // no more frames; what is there may still be synced
    bool sync_failed_ = false;   // what the kernel dropped cannot be written again: no later sync may succeed
};

class LogWriter : public rocksdb::FSWritableFile {
  public:
    LogWriter(FileLayer *layer, std::shared_ptr<LogCore> core) : layer_(layer), core_(std::move(core)) { layer_->log_opened(core_); }
    ~LogWriter() override { layer_->log_closed(core_); }
    using rocksdb::FSWritableFile::Append;
    rocksdb::IOStatus Append(const rocksdb::Slice &data, const rocksdb::IOOptions &, rocksdb::IODebugContext *) override
    {
        return core_->append(data);
    }
    rocksdb::IOStatus Close(const rocksdb::IOOptions &, rocksdb::IODebugContext *) override
    {
        layer_->log_closed(core_);
        return rocksdb::IOStatus::OK();
    }
    rocksdb::IOStatus Flush(const rocksdb::IOOptions &, rocksdb::IODebugContext *) override { return rocksdb::IOStatus::OK(); }
    rocksdb::IOStatus Sync(const rocksdb::IOOptions &, rocksdb::IODebugContext *) override { return core_->sync(); }
    bool IsSyncThreadSafe() const override { return true; }
    uint64_t GetFileSize(const rocksdb::IOOptions &, rocksdb::IODebugContext *) override { return core_->logical(); }
    void PrepareWrite(size_t, size_t, const rocksdb::IOOptions &, rocksdb::IODebugContext *) override {}

  private:
    FileLayer *layer_;
    std::shared_ptr<LogCore> core_;
};

class LogReader : public rocksdb::FSSequentialFile {
  public:
    static rocksdb::IOStatus open(FileLayer *layer, const std::string &path, uint64_t number, std::unique_ptr<LogReader> *out);
    ~LogReader() override;
    rocksdb::IOStatus Read(size_t n, const rocksdb::IOOptions &, rocksdb::Slice *result, char *scratch,
                           rocksdb::IODebugContext *) override;
    rocksdb::IOStatus Skip(uint64_t n) override;

  private:
    LogReader(const std::string &path, int fd) : path_(path), fd_(fd) {}
    rocksdb::IOStatus next_frame();
    rocksdb::IOStatus check_tail(uint64_t bad);

    std::string path_;
    int fd_;
    uint64_t epoch_ = 0, file_bytes_ = 0, at_ = 0;
    std::vector<char> payload_;
    size_t used_ = 0;
    bool end_ = false;
};

rocksdb::IOStatus write_zeros(Faults &faults, const std::string &path, int fd, uint64_t from, uint64_t end);
// Payload bytes of a whole log file, walked frame by frame.
rocksdb::IOStatus log_logical_size(FileLayer *layer, const std::string &path, uint64_t number, uint64_t *size);

}  // namespace helios
