#include "storage/shim/faults.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

#include "storage/shim/log_format.h"

namespace helios {

using rocksdb::IOStatus;

IOStatus io_error_of(int error, const std::string &context)
{
    std::string text = context + ": " + strerror(error);
    if (error == ENOSPC || error == EDQUOT) return IOStatus::NoSpace(text);
    if (error == ENOENT) return IOStatus::PathNotFound(text);
    return IOStatus::IOError(text);
}

static const char *const op_names[kFaultOpCount] = {"write", "sync", "read", "create", "rename", "delete"};

bool Faults::parse(const char *spec)
{
    std::lock_guard<std::mutex> hold(mutex_);
    for (Rule &r : rules_) r = Rule{};
    space_left_ = -1;
    only_.clear();
    bool any = false, ok = true;
    std::string s = spec ? spec : "";
    for (size_t at = 0; at < s.size() && ok;) {
        size_t end = s.find(';', at);
        std::string item = s.substr(at, end == std::string::npos ? std::string::npos : end - at);
        at = end == std::string::npos ? s.size() : end + 1;
        if (item.empty()) continue;
        size_t eq = item.find('=');
        if (eq == std::string::npos) return false;
        std::string name = item.substr(0, eq), value = item.substr(eq + 1);
        any = true;
        if (name == "space") { space_left_ = atoll(value.c_str()); continue; }
        if (name == "only") { only_ = value; continue; }
        size_t mark = name.find('@');
        int64_t count = mark == std::string::npos ? 1 : atoll(name.c_str() + mark + 1);
        if (mark != std::string::npos) name.resize(mark);
        ok = false;
        for (int op = 0; op < kFaultOpCount; op++) {
            if (name != op_names[op]) continue;
            rules_[op] = Rule{count, value == "enospc" ? ENOSPC : EIO};
            ok = true;
        }
    }
    armed_ = any || crashed_;
    return ok;
}

IOStatus Faults::check(FaultOp op, const std::string &path, uint64_t bytes)
{
    if (!armed()) return IOStatus::OK();
    if (crashed_ && op != kFaultRead) return IOStatus::IOError("simulated crash");
    std::lock_guard<std::mutex> hold(mutex_);
    if (!only_.empty() && (path.size() < only_.size() || path.compare(path.size() - only_.size(), only_.size(), only_) != 0)) {
        return IOStatus::OK();
    }
    if (op == kFaultWrite && space_left_ >= 0) {
        if (static_cast<int64_t>(bytes) > space_left_) return io_error_of(ENOSPC, path);
        space_left_ -= static_cast<int64_t>(bytes);
    }
    Rule &r = rules_[op];
    if (r.countdown > 0 && --r.countdown == 0) return io_error_of(r.error, path);
    return IOStatus::OK();
}

void Faults::note_written(const std::string &path, uint64_t synced, uint64_t written)
{
    if (!tracking_ || crashed_) return;
    std::lock_guard<std::mutex> hold(mutex_);
    files_[path] = Extent{synced, written};
}

void Faults::forget(const std::string &path)
{
    if (!tracking_ || crashed_) return;
    std::lock_guard<std::mutex> hold(mutex_);
    files_.erase(path);
}

void Faults::renamed(const std::string &from, const std::string &to)
{
    if (!tracking_ || crashed_) return;
    std::lock_guard<std::mutex> hold(mutex_);
    auto it = files_.find(from);
    if (it == files_.end()) return;
    files_[to] = it->second;
    files_.erase(from);
}

// Log pages are written whole, so what can be lost is a page's bytes after `synced`.
static void tear_log(int fd, uint64_t synced, uint64_t written, uint32_t *seed)
{
    std::vector<char> zero(kLogPage, 0);
    for (uint64_t at = synced; at < written;) {
        uint64_t end = (at / kLogPage + 1) * kLogPage;
        if (end > written) end = written;
        if (rand_r(seed) % 2 && pwrite(fd, zero.data(), end - at, static_cast<off_t>(at)) < 0) return;
        at = end;
    }
}

void Faults::tear(uint32_t seed)
{
    std::lock_guard<std::mutex> hold(mutex_);
    for (auto &f : files_) {
        uint64_t number, synced = f.second.synced, written = f.second.written;
        if (written <= synced) continue;
        int fd = open(f.first.c_str(), O_RDWR | O_CLOEXEC);
        if (fd < 0) continue;
        if (log_file_number(f.first, &number)) {
            tear_log(fd, synced, written, &seed);
        } else {
            uint64_t keep = synced + static_cast<uint64_t>(rand_r(&seed)) % (written - synced + 1);
            if (ftruncate(fd, static_cast<off_t>(keep)) != 0) abort();
        }
        close(fd);
    }
}

}  // namespace helios
