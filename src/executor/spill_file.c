/* Temporary files; see spill_file.h. One buffer a file, used for writing and then for reading. */
#include "executor/spill_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/fault_point.h"
#include "common/metrics.h"

enum { SPILL_BUFFER = 32 * 1024 };

struct SpillFile {
    int fd;
    MemAccount *account;
    uint8_t *buffer;       /* SPILL_BUFFER bytes */
    size_t used, pos;      /* writing: used bytes wait; reading: pos of used are consumed */
    uint64_t size, offset; /* bytes in all; file offset of the buffer's end when reading */
    bool reading;
    uint8_t *row;          /* of spill_get_row */
    size_t row_cap;
};

static Status io_error(Error *err, const char *what)
{
    int e = errno;
    if (e == ENOSPC || e == EDQUOT) return error_set(err, ERR_DISK_FULL, "could not %s temporary file: %s", what, strerror(e));
    return error_set(err, ERR_IO_ERROR, "could not %s temporary file: %s", what, strerror(e));
}

static int open_temporary(SessionEnv *env)
{
    char path[512];
    const char *dir = env && env->cluster ? cluster_data_dir(env->cluster) : NULL;
    if (dir) {
        snprintf(path, sizeof path, "%s/tmp", dir);
        if (mkdir(path, 0700) && errno != EEXIST) return -1;
    } else {
        snprintf(path, sizeof path, "/tmp");
    }
    int fd = open(path, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT)) return fd;
    size_t n = strlen(path); /* a file system without O_TMPFILE */
    snprintf(path + n, sizeof path - n, "/spill.XXXXXX");
    fd = mkostemp(path, O_CLOEXEC);
    if (fd >= 0) unlink(path);
    return fd;
}

STATUS spill_open(SessionEnv *env, MemAccount *account, SpillFile **out, Error *err)
{
    *out = NULL;
    TRY(FAULT_POINT("spill_open", err));
    SpillFile *f = mem_alloc(account, sizeof *f);
    if (!f) return error_out_of_memory(err, sizeof *f);
    *f = (SpillFile){.fd = -1, .account = account};
    f->buffer = mem_alloc(account, SPILL_BUFFER);
    if (!f->buffer) {
        spill_close(f);
        return error_out_of_memory(err, SPILL_BUFFER);
    }
    f->fd = open_temporary(env);
    if (f->fd < 0) {
        Status st = io_error(err, "create");
        spill_close(f);
        return st;
    }
    *out = f;
    return ST_OK;
}

void spill_close(SpillFile *f)
{
    if (!f) return;
    if (f->fd >= 0) close(f->fd);
    mem_free(f->account, f->buffer, f->buffer ? SPILL_BUFFER : 0);
    mem_free(f->account, f->row, f->row_cap);
    mem_free(f->account, f, sizeof *f);
}

static STATUS write_out(SpillFile *f, const uint8_t *p, size_t n, Error *err)
{
    metric_add(METRIC_temp_bytes_total, (int64_t)n);
    TRY(FAULT_POINT("spill_write", err));
    while (n) {
        ssize_t w = pwrite(f->fd, p, n, (off_t)f->offset);
        if (w < 0 && errno == EINTR) continue;
        if (w <= 0) return io_error(err, "write to");
        p += w;
        n -= (size_t)w;
        f->offset += (uint64_t)w;
    }
    return ST_OK;
}

static STATUS flush(SpillFile *f, Error *err)
{
    if (f->reading || !f->used) return ST_OK;
    TRY(write_out(f, f->buffer, f->used, err));
    f->used = 0;
    return ST_OK;
}

STATUS spill_write(SpillFile *f, const void *p, size_t n, Error *err)
{
    if (unlikely(f->reading)) { /* back to the end */
        f->reading = false;
        f->used = f->pos = 0;
        f->offset = f->size;
    }
    f->size += n;
    if (f->used + n > SPILL_BUFFER) TRY(flush(f, err));
    if (n > SPILL_BUFFER) return write_out(f, p, n, err);
    memcpy(f->buffer + f->used, p, n);
    f->used += n;
    return ST_OK;
}

STATUS spill_seek(SpillFile *f, uint64_t at, Error *err)
{
    TRY(flush(f, err));
    if (f->reading && at <= f->offset && at + f->used >= f->offset) { /* within the buffer */
        f->pos = (size_t)(at + f->used - f->offset);
        return ST_OK;
    }
    f->reading = true;
    f->used = f->pos = 0;
    f->offset = at;
    return ST_OK;
}

STATUS spill_read(SpillFile *f, void *p, size_t n, bool *eof, Error *err)
{
    uint8_t *to = p;
    *eof = false;
    while (n) {
        if (f->pos == f->used) {
            ssize_t r = pread(f->fd, f->buffer, SPILL_BUFFER, (off_t)f->offset);
            if (r < 0 && errno == EINTR) continue;
            if (r < 0) return io_error(err, "read from");
            if (r == 0) {
                *eof = to == p;
                return *eof ? ST_OK : error_set(err, ERR_DATA_CORRUPTED, "temporary file is too short");
            }
            f->used = (size_t)r;
            f->pos = 0;
            f->offset += (uint64_t)r;
        }
        size_t k = f->used - f->pos < n ? f->used - f->pos : n;
        memcpy(to, f->buffer + f->pos, k);
        to += k;
        n -= k;
        f->pos += k;
    }
    return ST_OK;
}

uint64_t spill_size(const SpillFile *f) { return f->size; }
uint64_t spill_tell(const SpillFile *f) { return f->reading ? f->offset - (f->used - f->pos) : f->size; }

STATUS spill_put_row(SpillFile *f, const void *head, size_t nhead, const uint8_t *tuple, Error *err)
{
    uint32_t total;
    memcpy(&total, tuple, 4);
    if (nhead) TRY(spill_write(f, head, nhead, err));
    return spill_write(f, tuple, total, err);
}

STATUS spill_get_row(SpillFile *f, void *head, size_t nhead, const uint8_t **tuple, uint32_t *size, Error *err)
{
    bool eof;
    uint32_t total;
    *tuple = NULL;
    if (nhead) {
        TRY(spill_read(f, head, nhead, &eof, err));
        if (eof) return ST_OK;
    }
    TRY(spill_read(f, &total, 4, &eof, err));
    if (eof) return nhead ? error_set(err, ERR_DATA_CORRUPTED, "temporary file is too short") : ST_OK;
    if (total < 4 || total > VARLENA_MAX * 2) return error_set(err, ERR_DATA_CORRUPTED, "temporary file is malformed");
    if (total > f->row_cap) {
        size_t cap = total < 1024 ? 1024 : (size_t)total + total / 2;
        uint8_t *grown = mem_realloc(f->account, f->row, f->row_cap, cap);
        if (!grown) return error_out_of_memory(err, cap);
        f->row = grown;
        f->row_cap = cap;
    }
    memcpy(f->row, &total, 4);
    if (total > 4) TRY(spill_read(f, f->row + 4, total - 4, &eof, err));
    *tuple = f->row;
    *size = total;
    return ST_OK;
}
