#define _GNU_SOURCE
#include "storage/data_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "storage/cluster_internal.h"

enum { RESERVE_BYTES = 2 << 20 };
#define VERSION_TEXT "HeliosDB Nano data directory, format 1\n"

static Status os_error(Error *err, const char *what, const char *path)
{
    int code = errno;
    return error_set(err, code == ENOSPC || code == EDQUOT ? ERR_DISK_FULL : ERR_IO_ERROR, "could not %s \"%s\": %s", what, path, strerror(code));
}

static STATUS sync_directory(const char *path, Error *err)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return os_error(err, "open directory", path);
    Status st = fsync(fd) == 0 ? ST_OK : os_error(err, "sync directory", path);
    close(fd);
    return st;
}

static STATUS make_directory(const char *path, Error *err)
{
    if (mkdir(path, 0700) == 0 || errno == EEXIST) return ST_OK;
    return os_error(err, "create directory", path);
}

/* Missing parents are made too, as initdb does. */
static STATUS make_path(const char *path, Error *err)
{
    char part[DATA_PATH_MAX];
    size_t n = strlen(path);
    if (n == 0 || n >= sizeof part - 64) return error_set(err, ERR_INVALID_PARAMETER_VALUE, "invalid data directory \"%s\"", path);
    for (size_t i = 1; i <= n; i++) {
        if (i < n && path[i] != '/') continue;
        memcpy(part, path, i);
        part[i] = 0;
        TRY(make_directory(part, err));
    }
    return ST_OK;
}

static STATUS check_version(const char *dir, Error *err)
{
    char path[DATA_PATH_MAX], text[128] = "";
    snprintf(path, sizeof path, "%s/VERSION", dir);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) return os_error(err, "open file", path);
    ssize_t n = read(fd, text, sizeof text - 1);
    Status st = ST_OK;
    if (n < 0) st = os_error(err, "read file", path);
    else if (n == 0 && (write(fd, VERSION_TEXT, sizeof VERSION_TEXT - 1) != (ssize_t)sizeof VERSION_TEXT - 1 || fsync(fd) != 0)) {
        st = os_error(err, "write file", path);
    } else if (n > 0 && strcmp(text, VERSION_TEXT) != 0) {
        st = error_set(err, ERR_OBJECT_NOT_IN_PREREQUISITE_STATE, "database files in \"%s\" are incompatible with this server", dir);
    }
    close(fd);
    return st;
}

STATUS data_dir_prepare(const char *dir, Error *err)
{
    static const char *const folders[] = {"global", "base", "scratch", "tmp", "spare"};
    char path[DATA_PATH_MAX];
    TRY(make_path(dir, err));
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, folders[i]);
        TRY(make_directory(path, err));
    }
    return check_version(dir, err);
}

STATUS data_dir_lock(const char *dir, int *fd, Error *err)
{
    char path[DATA_PATH_MAX];
    snprintf(path, sizeof path, "%s/LOCK", dir);
    *fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (*fd < 0) return os_error(err, "open lock file", path);
    if (flock(*fd, LOCK_EX | LOCK_NB) == 0) return ST_OK;
    error_set(err, ERR_LOCK_FILE_EXISTS, "lock file \"%s\" is held by another server", path);
    return error_hint(err, "Is another server running in data directory \"%s\"?", dir);
}

static bool has_suffix(const char *s, const char *suffix)
{
    size_t n = strlen(s), m = strlen(suffix);
    return n >= m && !strcmp(s + n - m, suffix);
}

/* Removes the entries of a directory: all, or those with one of two suffixes. */
static STATUS remove_entries(const char *path, const char *suffix, const char *or_suffix, Error *err)
{
    char child[DATA_PATH_MAX];
    Status st = ST_OK;
    DIR *d = opendir(path);
    if (!d) return errno == ENOENT ? ST_OK : os_error(err, "open directory", path);
    for (struct dirent *e; !failed(st) && (e = readdir(d));) {
        if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..")) continue;
        if (suffix && !has_suffix(e->d_name, suffix) && !has_suffix(e->d_name, or_suffix)) continue;
        snprintf(child, sizeof child, "%.2000s/%.255s", path, e->d_name);
        st = data_dir_remove(child, err);
    }
    closedir(d);
    return st;
}

STATUS data_dir_remove(const char *path, Error *err)
{
    if (unlink(path) == 0 || errno == ENOENT) return ST_OK;
    if (errno != EISDIR && errno != EPERM) return os_error(err, "remove file", path);
    TRY(remove_entries(path, NULL, NULL, err));
    return rmdir(path) == 0 || errno == ENOENT ? ST_OK : os_error(err, "remove directory", path);
}

static void make_reserve(const char *path)
{
    static const char zero[64 << 10] = {0};
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) return;
    bool ok = true;
    for (int i = 0; ok && i < RESERVE_BYTES / (int)sizeof zero; i++) ok = write(fd, zero, sizeof zero) == (ssize_t)sizeof zero;
    close(fd);
    if (!ok) unlink(path);
}

/* On a full disk recovery needs a little room for files of its own before it can remove what is not needed any more. DIR/reserve keeps
 * that room; it goes, with the log files that wait for use, when a start finds the disk full, and a later start makes it again. */
static STATUS care_for_space(const char *dir, Error *err)
{
    char path[DATA_PATH_MAX];
    struct statvfs vfs;
    if (statvfs(dir, &vfs) != 0) return ST_OK;
    snprintf(path, sizeof path, "%s/reserve", dir);
    if ((uint64_t)vfs.f_bavail * vfs.f_frsize >= 2 * RESERVE_BYTES) {
        make_reserve(path);
        return ST_OK;
    }
    unlink(path);
    snprintf(path, sizeof path, "%s/spare", dir);
    return remove_entries(path, NULL, NULL, err);
}

STATUS data_dir_clean(const char *dir, Error *err)
{
    char path[DATA_PATH_MAX];
    snprintf(path, sizeof path, "%s/tmp", dir);
    TRY(remove_entries(path, NULL, NULL, err));
    snprintf(path, sizeof path, "%s/scratch", dir);
    TRY(remove_entries(path, NULL, NULL, err));
    snprintf(path, sizeof path, "%s/base", dir);
    TRY(remove_entries(path, ".tmp", ".drop", err));
    return care_for_space(dir, err);
}

STATUS data_dir_rename(const char *from, const char *to, bool missing_ok, Error *err)
{
    char parent[DATA_PATH_MAX];
    if (rename(from, to) != 0) return missing_ok && errno == ENOENT ? ST_OK : os_error(err, "rename file", from);
    snprintf(parent, sizeof parent, "%s", to);
    char *slash = strrchr(parent, '/');
    if (slash) *slash = 0;
    return sync_directory(parent, err);
}

/* ---- Format record of an instance. */

static STATUS holds_relations(Kv *kv, bool *out, Error *err)
{
    static const uint8_t first[4] = {0, 0, 0, 1};
    KvCursor *c = NULL;
    TRY(kv_cursor_open(kv, NULL, slice_of(first, 4), slice_of(NULL, 0), true, &c, err));
    kv_cursor_seek(c, slice_of(first, 4));
    *out = kv_cursor_valid(c);
    Status st = kv_cursor_error(c, err);
    kv_cursor_close(c);
    return st;
}

STATUS store_format_check(Kv *kv, bool *is_new, Error *err)
{
    static const uint8_t key[5] = {0, 0, 0, 0, META_FORMAT};
    uint8_t format = STORE_FORMAT;
    KvValue v;
    bool found, used;
    TRY(kv_get(kv, NULL, slice_of(key, 5), &v, &found, err));
    bool good = !found || (v.bytes.len == 1 && v.bytes.data[0] == STORE_FORMAT);
    kv_value_release(&v);
    if (!good) return error_set(err, ERR_OBJECT_NOT_IN_PREREQUISITE_STATE, "\"%s\" has a format this server does not know", kv_dir(kv));
    TRY(holds_relations(kv, &used, err));
    *is_new = !used;
    if (found) return ST_OK;
    KvBatch *b = kv_batch_new();
    if (!b) return error_out_of_memory(err, 0);
    kv_batch_put(b, slice_of(key, 5), slice_of(&format, 1));
    Status st = kv_write(kv, b, true, err);
    kv_batch_free(b);
    return st;
}
