#include "storage/shim/log_file.h"

#include <cerrno>
#include <ctime>

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "storage/shim/log_format.h"

namespace helios {

using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

static uint64_t fresh_epoch()
{
    uint64_t e = 0;
    if (getrandom(&e, sizeof e, 0) != static_cast<ssize_t>(sizeof e)) {
        struct timespec ts;
        clock_gettime(CLOCK_REALTIME, &ts);
        e = static_cast<uint64_t>(ts.tv_sec) * 1000000007ull ^ static_cast<uint64_t>(ts.tv_nsec) << 20 ^ static_cast<uint64_t>(getpid());
    }
    return e | 1;
}

LogCore::LogCore(FileLayer *layer, const std::shared_ptr<LogRoom> &room, const std::string &path, uint64_t number, int fd,
                 uint64_t initialised)
    : layer_(layer), room_(room), path_(path), fd_(fd), epoch_(fresh_epoch()), initialised_(initialised)
{
    LogHeader h = {kLogMagic, epoch_, log_header_check(epoch_, number)};
    staging_.assign(kLogPage, 0);
    memcpy(staging_.data(), &h, sizeof h);
    end_ = sizeof h;
}

LogCore::~LogCore()
{
    close(fd_);
}

IOStatus LogCore::write_all(const char *p, size_t n, uint64_t at)
{
    IOStatus st = layer_->faults().check(kFaultWrite, path_, at + n > initialised_ ? n : 0);
    if (!st.ok()) return st;
    while (n > 0) {
        ssize_t w = pwrite(fd_, p, n, static_cast<off_t>(at));
        if (w < 0 && errno == EINTR) continue;
        if (w < 0) return io_error_of(errno, path_);
        p += w;
        at += static_cast<uint64_t>(w);
        n -= static_cast<size_t>(w);
    }
    return IOStatus::OK();
}

// Zeroes written once, so that later syncs of this life and the next find the file's length and blocks unchanged. Page by page: one
// large write would make the kernel cache the file in large folios, and each commit of one page would dirty a whole one.
IOStatus write_zeros(Faults &faults, const std::string &path, int fd, uint64_t from, uint64_t end)
{
    static const char zero[kLogPage] = {0};
    for (uint64_t at = from; at < end; at += kLogPage) {
        IOStatus st = faults.check(kFaultWrite, path, kLogPage);
        if (!st.ok()) return st;
        ssize_t n = pwrite(fd, zero, kLogPage, static_cast<off_t>(at));
        if (n < 0 && errno == EINTR) at -= kLogPage;
        else if (n != static_cast<ssize_t>(kLogPage)) return io_error_of(n < 0 ? errno : ENOSPC, path);
    }
    return IOStatus::OK();
}

// Prepares the file up to `end` and some way beyond; what lies between `initialised_` and `from` the caller writes itself.
IOStatus LogCore::extend(uint64_t from, uint64_t end)
{
    if (end <= initialised_) return IOStatus::OK();
    if (!layer_->options().preallocate) {
        initialised_ = end;
        return IOStatus::OK();
    }
    end = (end / kLogExtend + 1) * kLogExtend;
    IOStatus st = write_zeros(layer_->faults(), path_, fd_, from > initialised_ ? from : initialised_, end);
    if (st.ok()) initialised_ = end;
    return st;
}

void LogCore::tell_room()
{
    room_->prepared.store(static_cast<int64_t>(initialised_ - end_), std::memory_order_relaxed);
}

IOStatus LogCore::ensure(uint64_t bytes)
{
    std::lock_guard<std::mutex> hold(mutex_);
    if (append_failed_ || sync_failed_) return IOStatus::OK(); // the write itself will say so
    IOStatus st = extend(0, (end_ + bytes + kLogPage - 1) / kLogPage * kLogPage);
    tell_room();
    return st;
}

// Whole pages are written: from the start of the page being filled to the end of the frame's last page, zero after the frame.
IOStatus LogCore::write_frame(const char *data, size_t n)
{
    FrameHeader h = {static_cast<uint32_t>(n), 0, synced_};
    h.check = frame_check(epoch_, end_, h, data);
    uint64_t page = end_ / kLogPage * kLogPage;
    size_t in_page = static_cast<size_t>(end_ - page), frame = sizeof h + n;
    size_t total = (in_page + frame + kLogPage - 1) / kLogPage * kLogPage;
    if (staging_.size() < total) staging_.resize(total);
    memcpy(staging_.data() + in_page, &h, sizeof h);
    memcpy(staging_.data() + in_page + sizeof h, data, n);
    memset(staging_.data() + in_page + frame, 0, total - in_page - frame);
    IOStatus st = extend(page + total, page + total);
    if (st.ok() && total > kLogPage) st = write_all(staging_.data(), total - kLogPage, page); // the last page is written again soon:
    if (st.ok()) st = write_all(staging_.data() + total - kLogPage, kLogPage, page + total - kLogPage); // keep it in a folio of its own
    if (!st.ok()) {
        append_failed_ = true;
        return st;
    }
    end_ += frame;
    logical_ += n;
    tell_room();
    size_t last = static_cast<size_t>(end_ / kLogPage * kLogPage - page);
    if (last > 0) {
        size_t keep = static_cast<size_t>(end_ % kLogPage);
        memmove(staging_.data(), staging_.data() + last, keep);
        if (staging_.size() > 16 * kLogPage) {
            staging_.resize(kLogPage);
            staging_.shrink_to_fit();
        }
    }
    layer_->faults().note_written(path_, synced_, page + total);
    return st;
}

IOStatus LogCore::append(const Slice &data)
{
    std::lock_guard<std::mutex> hold(mutex_);
    if (append_failed_ || sync_failed_) return IOStatus::IOError(path_, "log file is closed after a failure");
    for (size_t at = 0; at < data.size();) {
        size_t n = data.size() - at < kFramePayloadMax ? data.size() - at : kFramePayloadMax;
        IOStatus st = write_frame(data.data() + at, n);
        if (!st.ok()) return st;
        at += n;
    }
    return IOStatus::OK();
}

IOStatus LogCore::sync()
{
    uint64_t through;
    {
        std::lock_guard<std::mutex> hold(mutex_);
        if (sync_failed_) return IOStatus::IOError(path_, "log file is closed after a failure");
        if (synced_ == end_) return IOStatus::OK();
        through = end_;
    }
    IOStatus st = layer_->faults().check(kFaultSync, path_, 0);
    if (st.ok() && fdatasync(fd_) != 0) st = io_error_of(errno == ENOSPC ? EIO : errno, path_);
    std::lock_guard<std::mutex> hold(mutex_);
    if (!st.ok()) {
        sync_failed_ = true;
        return st;
    }
    if (through > synced_) synced_ = through;
    layer_->faults().note_written(path_, synced_, (end_ + kLogPage - 1) / kLogPage * kLogPage);
    return st;
}

static ssize_t read_at(int fd, void *p, size_t n, uint64_t at)
{
    size_t got = 0;
    while (got < n) {
        ssize_t r = pread(fd, static_cast<char *>(p) + got, n - got, static_cast<off_t>(at + got));
        if (r < 0 && errno == EINTR) continue;
        if (r < 0) return -1;
        if (r == 0) break;
        got += static_cast<size_t>(r);
    }
    return static_cast<ssize_t>(got);
}

IOStatus LogReader::open(FileLayer *layer, const std::string &path, uint64_t number, std::unique_ptr<LogReader> *out)
{
    IOStatus st = layer->faults().check(kFaultRead, path, 0);
    if (!st.ok()) return st;
    int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return io_error_of(errno, path);
    std::unique_ptr<LogReader> r(new LogReader(path, fd));
    struct stat sb;
    LogHeader h = {0, 0, 0};
    if (fstat(fd, &sb) != 0) return io_error_of(errno, path);
    r->file_bytes_ = static_cast<uint64_t>(sb.st_size);
    ssize_t got = read_at(fd, &h, sizeof h, 0);
    if (got < 0) return io_error_of(errno, path);
    r->at_ = sizeof h;
    if (got < static_cast<ssize_t>(sizeof h) || (h.magic == 0 && h.epoch == 0 && h.check == 0)) {
        r->end_ = true; /* never written, or its first write never reached the disk */
    } else if (h.magic != kLogMagic || h.check != log_header_check(h.epoch, number)) {
        return IOStatus::Corruption(path, "log file header is damaged");
    }
    r->epoch_ = h.epoch;
    *out = std::move(r);
    return IOStatus::OK();
}

LogReader::~LogReader()
{
    close(fd_);
}

// Frame at `bad` does not check. Fine if nobody was told that it is durable.
IOStatus LogReader::check_tail(uint64_t bad)
{
    end_ = true;
    std::vector<char> rest(static_cast<size_t>(file_bytes_ - bad));
    ssize_t got = read_at(fd_, rest.data(), rest.size(), bad);
    if (got < 0) return io_error_of(errno, path_);
    for (size_t i = 1; i + sizeof(FrameHeader) < static_cast<size_t>(got); i++) {
        FrameHeader h;
        memcpy(&h, rest.data() + i, sizeof h);
        if (h.synced <= bad || h.synced > bad + i || h.length == 0 || h.length > static_cast<size_t>(got) - i - sizeof h) continue;
        if (h.check == frame_check(epoch_, bad + i, h, rest.data() + i + sizeof h)) {
            return IOStatus::Corruption(path_, "log file is damaged at offset " + std::to_string(bad) + ", before commits that were synced");
        }
    }
    return IOStatus::OK();
}

IOStatus LogReader::next_frame()
{
    payload_.clear();
    used_ = 0;
    if (end_) return IOStatus::OK();
    if (at_ + sizeof(FrameHeader) > file_bytes_) {
        end_ = true;
        return IOStatus::OK();
    }
    FrameHeader h;
    if (read_at(fd_, &h, sizeof h, at_) != static_cast<ssize_t>(sizeof h)) return io_error_of(errno, path_);
    if (h.length == 0 || h.length > kFramePayloadMax || h.length > file_bytes_ - at_ - sizeof h) return check_tail(at_);
    payload_.resize(h.length);
    if (read_at(fd_, payload_.data(), h.length, at_ + sizeof h) != static_cast<ssize_t>(h.length)) return io_error_of(errno, path_);
    if (h.check != frame_check(epoch_, at_, h, payload_.data())) {
        payload_.clear();
        return check_tail(at_);
    }
    at_ += sizeof h + h.length;
    return IOStatus::OK();
}

IOStatus LogReader::Read(size_t n, const IOOptions &, Slice *result, char *scratch, IODebugContext *)
{
    size_t got = 0;
    while (got < n) {
        if (used_ == payload_.size()) {
            IOStatus st = next_frame();
            if (!st.ok()) return st;
            if (end_ && payload_.empty()) break;
        }
        size_t take = payload_.size() - used_ < n - got ? payload_.size() - used_ : n - got;
        memcpy(scratch + got, payload_.data() + used_, take);
        used_ += take;
        got += take;
    }
    *result = Slice(scratch, got);
    return IOStatus::OK();
}

IOStatus LogReader::Skip(uint64_t n)
{
    while (n > 0) {
        if (used_ == payload_.size()) {
            IOStatus st = next_frame();
            if (!st.ok() || (end_ && payload_.empty())) return st;
        }
        uint64_t take = payload_.size() - used_ < n ? payload_.size() - used_ : n;
        used_ += static_cast<size_t>(take);
        n -= take;
    }
    return IOStatus::OK();
}

IOStatus log_logical_size(FileLayer *layer, const std::string &path, uint64_t number, uint64_t *size)
{
    std::unique_ptr<LogReader> r;
    IOStatus st = LogReader::open(layer, path, number, &r);
    std::vector<char> buf(64u << 10);
    *size = 0;
    while (st.ok()) {
        Slice got;
        st = r->Read(buf.size(), IOOptions(), &got, buf.data(), nullptr);
        if (got.empty()) break;
        *size += got.size();
    }
    return st;
}

}  // namespace helios
