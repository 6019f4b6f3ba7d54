#include "storage/shim/file_layer.h"

#include <cerrno>
#include <vector>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "storage/shim/log_file.h"
#include "storage/shim/log_format.h"

namespace helios {

using rocksdb::FileOptions;
using rocksdb::FSRandomAccessFile;
using rocksdb::FSSequentialFile;
using rocksdb::FSWritableFile;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

namespace {

// Any other file than a log, when faults may be armed: asks Faults first and tracks what is durable.
class FaultyFile : public rocksdb::FSWritableFileWrapper {
  public:
    FaultyFile(Faults *faults, const std::string &path, std::unique_ptr<FSWritableFile> target)
        : FSWritableFileWrapper(target.get()), faults_(faults), path_(path), owned_(std::move(target)) {}
    IOStatus Append(const Slice &data, const IOOptions &o, IODebugContext *d) override
    {
        IOStatus st = faults_->check(kFaultWrite, path_, data.size());
        if (st.ok()) st = target()->Append(data, o, d);
        if (st.ok()) faults_->note_written(path_, synced_, written_ += data.size());
        return st;
    }
    IOStatus Append(const Slice &data, const IOOptions &o, const rocksdb::DataVerificationInfo &, IODebugContext *d) override
    {
        return Append(data, o, d);
    }
    IOStatus Sync(const IOOptions &o, IODebugContext *d) override
    {
        IOStatus st = faults_->check(kFaultSync, path_, 0);
        if (st.ok()) st = target()->Sync(o, d);
        if (st.ok()) faults_->note_written(path_, synced_ = written_, written_);
        return st;
    }
    IOStatus Fsync(const IOOptions &o, IODebugContext *d) override { return Sync(o, d); }
    IOStatus RangeSync(uint64_t, uint64_t, const IOOptions &, IODebugContext *) override { return IOStatus::OK(); }

  private:
    Faults *faults_;
    std::string path_;
    std::unique_ptr<FSWritableFile> owned_;
    uint64_t written_ = 0, synced_ = 0;
};

class FaultyReads : public rocksdb::FSRandomAccessFileWrapper {
  public:
    FaultyReads(Faults *faults, const std::string &path, std::unique_ptr<FSRandomAccessFile> target)
        : FSRandomAccessFileWrapper(target.get()), faults_(faults), path_(path), owned_(std::move(target)) {}
    IOStatus Read(uint64_t at, size_t n, const IOOptions &o, Slice *result, char *scratch, IODebugContext *d) const override
    {
        IOStatus st = faults_->check(kFaultRead, path_, n);
        return st.ok() ? target()->Read(at, n, o, result, scratch, d) : st;
    }
    IOStatus MultiRead(rocksdb::FSReadRequest *reqs, size_t n, const IOOptions &o, IODebugContext *d) override
    {
        IOStatus st = faults_->check(kFaultRead, path_, n);
        return st.ok() ? target()->MultiRead(reqs, n, o, d) : st;
    }

  private:
    Faults *faults_;
    std::string path_;
    std::unique_ptr<FSRandomAccessFile> owned_;
};

// What recovery gets when it wants to cut the preallocated end off an old log: there is nothing to cut.
class InertFile : public FSWritableFile {
  public:
    using FSWritableFile::Append;
    IOStatus Append(const Slice &, const IOOptions &, IODebugContext *) override { return IOStatus::NotSupported("log files are not reopened"); }
    IOStatus Close(const IOOptions &, IODebugContext *) override { return IOStatus::OK(); }
    IOStatus Flush(const IOOptions &, IODebugContext *) override { return IOStatus::OK(); }
    IOStatus Sync(const IOOptions &, IODebugContext *) override { return IOStatus::OK(); }
};

std::string directory_of(const std::string &path)
{
    size_t slash = path.rfind('/');
    return slash == std::string::npos ? "." : path.substr(0, slash);
}

}  // namespace

FileLayer::FileLayer(const std::shared_ptr<rocksdb::FileSystem> &base, const FileLayerOptions &opt) : FileSystemWrapper(base), opt_(opt)
{
    faults_.set_tracking(opt.faults);
    if (opt_.spare_dir.empty()) return;
    mkdir(opt_.spare_dir.c_str(), 0700);
    DIR *d = opendir(opt_.spare_dir.c_str());
    if (!d) return;
    while (struct dirent *e = readdir(d)) {
        std::string name = e->d_name;
        if (name.size() < 7 || name.compare(0, 6, "spare-") != 0) continue;
        std::string path = opt_.spare_dir + "/" + name;
        uint64_t n = strtoull(name.c_str() + 6, nullptr, 10);
        if (n >= next_spare_) next_spare_ = n + 1;
        struct stat sb;
        if (static_cast<int>(spares_.size()) < opt_.spare_max && stat(path.c_str(), &sb) == 0) {
            spares_[path] = static_cast<uint64_t>(sb.st_size) / kLogPage * kLogPage;
        } else {
            unlink(path.c_str());
        }
    }
    closedir(d);
    tell_spares();
}

std::shared_ptr<LogRoom> FileLayer::room(const std::string &dir)
{
    std::lock_guard<std::mutex> hold(mutex_);
    std::shared_ptr<LogRoom> &r = rooms_[dir];
    if (!r) r = std::make_shared<LogRoom>();
    return r;
}

// What the log's own headers and page ends add, generously.
static int64_t with_overhead(uint64_t bytes)
{
    return static_cast<int64_t>(bytes + bytes / 256 + 512);
}

// Prepared: the present log for all writes under way, and a spare that could take them if the log is changed just now.
IOStatus FileLayer::begin_write(LogRoom *room, uint64_t bytes)
{
    constexpr int64_t kMargin = 64 << 10;
    if (!opt_.preallocate) return IOStatus::OK();
    int64_t want = room->in_flight.fetch_add(with_overhead(bytes)) + with_overhead(bytes) + kMargin;
    bool spares = !opt_.spare_dir.empty();
    if (room->prepared.load(std::memory_order_relaxed) >= want && (!spares || spare_bytes_.load(std::memory_order_relaxed) >= want)) {
        return IOStatus::OK();
    }
    IOStatus st;
    {
        std::lock_guard<std::mutex> hold(room->mutex);
        if (room->active) st = room->active->ensure(static_cast<uint64_t>(want));
    }
    if (st.ok() && spares) st = ensure_spare(static_cast<uint64_t>(want));
    if (!st.ok()) end_write(room, bytes);
    return st;
}

void FileLayer::end_write(LogRoom *room, uint64_t bytes)
{
    if (opt_.preallocate) room->in_flight.fetch_sub(with_overhead(bytes));
}

// mutex_ held.
void FileLayer::tell_spares()
{
    uint64_t longest = 0;
    for (const auto &s : spares_) longest = s.second > longest ? s.second : longest;
    spare_bytes_.store(static_cast<int64_t>(longest), std::memory_order_relaxed);
}

// A spare that is too short is taken out while it grows, so that no log is made of it meanwhile.
IOStatus FileLayer::ensure_spare(uint64_t bytes)
{
    std::lock_guard<std::mutex> one(growing_);
    std::string path;
    uint64_t have = 0;
    {
        std::lock_guard<std::mutex> hold(mutex_);
        for (const auto &s : spares_) {
            if (s.second >= bytes) return IOStatus::OK();
            if (s.second > have) path = s.first, have = s.second;
        }
        if (path.empty()) path = opt_.spare_dir + "/spare-" + std::to_string(next_spare_++);
        spares_.erase(path);
        tell_spares();
    }
    int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) return io_error_of(errno, path);
    uint64_t end = (bytes + kLogExtend - 1) / kLogExtend * kLogExtend;
    IOStatus st = write_zeros(faults_, path, fd, have, end);
    if (!st.ok() && ftruncate(fd, static_cast<off_t>(have)) != 0) have = 0; // give back what did not suffice
    close(fd);
    if (!st.ok() && have == 0) unlink(path.c_str());
    std::lock_guard<std::mutex> hold(mutex_);
    if (st.ok() || have > 0) spares_[path] = st.ok() ? end : have;
    tell_spares();
    return st;
}

void FileLayer::log_opened(const std::shared_ptr<LogCore> &log)
{
    {
        std::lock_guard<std::mutex> hold(mutex_);
        logs_.insert(log);
    }
    std::lock_guard<std::mutex> hold(log->room()->mutex);
    log->room()->active = log;
}

void FileLayer::log_closed(const std::shared_ptr<LogCore> &log)
{
    {
        std::lock_guard<std::mutex> hold(mutex_);
        logs_.erase(log);
    }
    std::lock_guard<std::mutex> hold(log->room()->mutex);
    if (log->room()->active == log) log->room()->active.reset();
}

// A newer log must never hold what follows a hole in an older one, so the older ones are durable before it exists. (They
// may be closed meanwhile by whoever purges files; the copied references keep them.)
IOStatus FileLayer::sync_logs(const std::string &dir)
{
    std::vector<std::shared_ptr<LogCore>> older;
    {
        std::lock_guard<std::mutex> hold(mutex_);
        for (const std::shared_ptr<LogCore> &w : logs_) {
            if (directory_of(w->path()) == dir) older.push_back(w);
        }
    }
    for (const std::shared_ptr<LogCore> &w : older) {
        IOStatus st = w->sync();
        if (!st.ok()) return st;
    }
    return IOStatus::OK();
}

// The longest one.
bool FileLayer::take_spare(const std::string &path)
{
    std::lock_guard<std::mutex> hold(mutex_);
    bool taken = false;
    while (!taken && !spares_.empty()) {
        auto longest = spares_.begin();
        for (auto it = spares_.begin(); it != spares_.end(); ++it) {
            if (it->second > longest->second) longest = it;
        }
        taken = rename(longest->first.c_str(), path.c_str()) == 0;
        spares_.erase(longest);
    }
    tell_spares();
    return taken;
}

// Clears the first page durably before the file becomes a spare: a log whose header was never written is an empty one.
bool FileLayer::keep_spare(const std::string &path)
{
    struct stat sb;
    if (opt_.spare_dir.empty() || !opt_.preallocate || faults_.crashed() || stat(path.c_str(), &sb) != 0) return false;
    uint64_t size = static_cast<uint64_t>(sb.st_size);
    if (size < kLogExtend || size > opt_.spare_bytes_max || size % kLogPage != 0) return false;
    std::string spare, shorter;
    {
        std::lock_guard<std::mutex> hold(mutex_);
        for (const auto &s : spares_) {
            if (s.second < size && (shorter.empty() || s.second < spares_[shorter])) shorter = s.first;
        }
        if (static_cast<int>(spares_.size()) < opt_.spare_max) shorter.clear();
        else if (shorter.empty()) return false;
        spares_.erase(shorter);
        tell_spares();
        spare = opt_.spare_dir + "/spare-" + std::to_string(next_spare_++);
    }
    if (!shorter.empty()) unlink(shorter.c_str());
    int fd = open(path.c_str(), O_WRONLY | O_CLOEXEC);
    if (fd < 0) return false;
    static const char zero[kLogPage] = {0};
    bool ok = pwrite(fd, zero, sizeof zero, 0) == static_cast<ssize_t>(sizeof zero) && fdatasync(fd) == 0;
    close(fd);
    if (!ok || rename(path.c_str(), spare.c_str()) != 0) return false;
    std::lock_guard<std::mutex> hold(mutex_);
    spares_[spare] = size;
    tell_spares();
    return true;
}

IOStatus FileLayer::NewSequentialFile(const std::string &f, const FileOptions &o, std::unique_ptr<FSSequentialFile> *r, IODebugContext *d)
{
    uint64_t number;
    if (!log_file_number(f, &number)) return target()->NewSequentialFile(f, o, r, d);
    std::unique_ptr<LogReader> reader;
    IOStatus st = LogReader::open(this, f, number, &reader);
    if (st.ok()) *r = std::move(reader);
    return st;
}

IOStatus FileLayer::NewRandomAccessFile(const std::string &f, const FileOptions &o, std::unique_ptr<FSRandomAccessFile> *r, IODebugContext *d)
{
    IOStatus st = target()->NewRandomAccessFile(f, o, r, d);
    if (st.ok() && opt_.faults) r->reset(new FaultyReads(&faults_, f, std::move(*r)));
    return st;
}

IOStatus FileLayer::NewWritableFile(const std::string &f, const FileOptions &o, std::unique_ptr<FSWritableFile> *r, IODebugContext *d)
{
    uint64_t number;
    IOStatus st = faults_.check(kFaultCreate, f, 0);
    if (!st.ok()) return st;
    if (!log_file_number(f, &number)) {
        st = target()->NewWritableFile(f, o, r, d);
        if (st.ok() && opt_.faults) r->reset(new FaultyFile(&faults_, f, std::move(*r)));
        return st;
    }
    st = sync_logs(directory_of(f));
    if (!st.ok()) return st;
    bool reused = take_spare(f);
    int fd = open(f.c_str(), reused ? O_RDWR | O_CLOEXEC : O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) return io_error_of(errno, f);
    struct stat sb;
    uint64_t initialised = reused && fstat(fd, &sb) == 0 ? static_cast<uint64_t>(sb.st_size) : 0;
    r->reset(new LogWriter(this, std::make_shared<LogCore>(this, room(directory_of(f)), f, number, fd, initialised)));
    return IOStatus::OK();
}

IOStatus FileLayer::ReopenWritableFile(const std::string &f, const FileOptions &o, std::unique_ptr<FSWritableFile> *r, IODebugContext *d)
{
    uint64_t number;
    if (!log_file_number(f, &number)) return target()->ReopenWritableFile(f, o, r, d);
    r->reset(new InertFile());
    return IOStatus::OK();
}

IOStatus FileLayer::DeleteFile(const std::string &f, const IOOptions &o, IODebugContext *d)
{
    uint64_t number;
    IOStatus st = faults_.check(kFaultDelete, f, 0);
    if (!st.ok()) return st;
    faults_.forget(f);
    if (log_file_number(f, &number) && keep_spare(f)) return IOStatus::OK();
    return target()->DeleteFile(f, o, d);
}

IOStatus FileLayer::RenameFile(const std::string &s, const std::string &t, const IOOptions &o, IODebugContext *d)
{
    IOStatus st = faults_.check(kFaultRename, t, 0);
    if (st.ok()) st = target()->RenameFile(s, t, o, d);
    if (st.ok()) faults_.renamed(s, t);
    return st;
}

IOStatus FileLayer::LinkFile(const std::string &s, const std::string &t, const IOOptions &o, IODebugContext *d)
{
    uint64_t number;
    if (log_file_number(s, &number)) return IOStatus::NotSupported("log files are not linked"); /* so a checkpoint copies them */
    IOStatus st = faults_.check(kFaultCreate, t, 0);
    return st.ok() ? target()->LinkFile(s, t, o, d) : st;
}

IOStatus FileLayer::GetFileSize(const std::string &f, const IOOptions &o, uint64_t *size, IODebugContext *d)
{
    uint64_t number;
    if (log_file_number(f, &number)) return log_logical_size(this, f, number, size);
    return target()->GetFileSize(f, o, size, d);
}

IOStatus FileLayer::Truncate(const std::string &f, size_t size, const IOOptions &o, IODebugContext *d)
{
    uint64_t number;
    if (log_file_number(f, &number)) return IOStatus::OK();
    return target()->Truncate(f, size, o, d);
}

}  // namespace helios
