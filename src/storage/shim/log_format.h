// The bytes of a log file: a header, then frames. A frame is what RocksDB appended in one go (a group of commits).
//
//   header  magic(8) epoch(8) check(8)               check over magic, epoch and the file's number
//   frame   length(4) check(4) synced(8) payload     check over epoch, the frame's offset, length, synced and payload
//
// A log file is used again for a later log without being cleared: frames of an earlier life have another epoch and fail their
// check. `synced` is the offset that was known durable when the frame was written. At recovery a log ends at its first frame
// that does not check: zeroed, torn or stale. If a later frame checks and says that the bad one had been synced, acknowledged
// commits are damaged and the file is reported as corrupt instead.
#pragma once
#include <cstdint>
#include <cstring>
#include <string>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace helios {

constexpr uint64_t kLogMagic = 0x31474f4c4f4e414eull;
constexpr size_t kLogPage = 4096, kLogHeaderBytes = 24, kFrameHeaderBytes = 16;
constexpr size_t kFramePayloadMax = 4u << 20;
constexpr uint64_t kLogExtend = 512u << 10;  // a log file grows by so much at a time

struct LogHeader {
    uint64_t magic, epoch, check;
};
struct FrameHeader {
    uint32_t length, check;
    uint64_t synced;
};
static_assert(sizeof(LogHeader) == kLogHeaderBytes && sizeof(FrameHeader) == kFrameHeaderBytes, "on-disk format");

inline uint64_t log_header_check(uint64_t epoch, uint64_t number)
{
    uint64_t v[3] = {kLogMagic, epoch, number};
    return XXH3_64bits(v, sizeof v);
}

inline uint32_t frame_check(uint64_t epoch, uint64_t offset, const FrameHeader &h, const void *payload)
{
    uint64_t seed[4] = {epoch, offset, h.length, h.synced};
    uint64_t x = XXH3_64bits_withSeed(payload, h.length, XXH3_64bits(seed, sizeof seed));
    return static_cast<uint32_t>(x ^ (x >> 32));
}

// "DIR/000123.log" -> 123; false for any other file.
inline bool log_file_number(const std::string &path, uint64_t *number)
{
    size_t slash = path.rfind('/'), start = slash == std::string::npos ? 0 : slash + 1;
    if (path.size() < start + 5 || path.compare(path.size() - 4, 4, ".log") != 0) return false;
    uint64_t n = 0;
    for (size_t i = start; i < path.size() - 4; i++) {
        if (path[i] < '0' || path[i] > '9') return false;
        n = n * 10 + static_cast<uint64_t>(path[i] - '0');
    }
    *number = n;
    return true;
}

}  // namespace helios
