// File-layer faults for tests: fail the n-th operation of a kind, run out of space, lose or tear what was not synced.
#pragma once
#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>

#include <rocksdb/io_status.h>

namespace helios {

enum FaultOp { kFaultWrite, kFaultSync, kFaultRead, kFaultCreate, kFaultRename, kFaultDelete, kFaultOpCount };

class Faults {
  public:
    // "write@3=eio;sync@1=eio;create@1=enospc;space=1048576;only=.log" - see kv_env_faults in kv.h. "" clears everything.
    bool parse(const char *spec);
    bool armed() const { return armed_.load(std::memory_order_relaxed); }
    // Before an operation on path of `bytes` (for a write: that take new space): OK, or the error it shall end with.
    rocksdb::IOStatus check(FaultOp op, const std::string &path, uint64_t bytes);
    // After crash(): every writing operation fails, and at the end unsynced bytes are torn.
    void crash() { crashed_ = true; armed_ = true; }
    bool crashed() const { return crashed_; }
    // Tracks a file's durable and written length, for tear().
    void note_written(const std::string &path, uint64_t synced, uint64_t written);
    void forget(const std::string &path);
    void renamed(const std::string &from, const std::string &to);
    void set_tracking(bool on) { tracking_ = on; }
    bool tracking() const { return tracking_; }
    // Cuts every file somewhere (by seed) between its synced and its written length; log files keep their length and lose pages.
    void tear(uint32_t seed);

  private:
    struct Rule { int64_t countdown = 0; int error = 0; };
    struct Extent { uint64_t synced, written; };
    std::atomic<bool> armed_{false}, crashed_{false}, tracking_{false};
    std::mutex mutex_;
    Rule rules_[kFaultOpCount];
    int64_t space_left_ = -1; // bytes that may still be written; -1: no limit
    std::string only_;        // paths ending with this; "": all
    std::map<std::string, Extent> files_;
};

rocksdb::IOStatus io_error_of(int error, const std::string &context);

}  // namespace helios
