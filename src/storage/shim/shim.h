/* What kv*.c needs of RocksDB and its C API does not have: file layer, write-buffer manager, error listener and resume, atomic
 * ingestion of many files, batched reads with structured errors. Everything else goes through rocksdb/c.h.
 *
 * The handles are the C API's own (rocksdb_t *, rocksdb_iterator_t * ...): store.h repeats their one-member structs as
 * c.cc of Debian's RocksDB 7.8 defines them, and shim_env_open checks that they agree. */
#ifndef HELIOS_STORAGE_SHIM_H
#define HELIOS_STORAGE_SHIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rocksdb/c.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum ShimCode {
    SHIM_OK, SHIM_NOT_FOUND, SHIM_CORRUPT, SHIM_IO, SHIM_NO_SPACE, SHIM_MEMORY, SHIM_BUSY, SHIM_SHUTDOWN, SHIM_OTHER
} ShimCode;
typedef struct ShimError { ShimCode code; char text[400]; } ShimError;

typedef struct ShimSlice { const char *data; size_t len; } ShimSlice;

typedef struct ShimEnv ShimEnv;
typedef struct ShimEnvOptions {
    int64_t cache_bytes, memtable_bytes;
    bool preallocate_log, faults;
    const char *spare_dir; /* may be NULL */
} ShimEnvOptions;
ShimEnv *shim_env_open(const ShimEnvOptions *opt, ShimError *e);
void shim_env_close(ShimEnv *env);
int64_t shim_env_memory(const ShimEnv *env);
int64_t shim_env_memtables(const ShimEnv *env);
bool shim_env_faults(ShimEnv *env, const char *spec);
void shim_env_crash(ShimEnv *env);
void shim_env_tear(ShimEnv *env, uint32_t seed);

typedef void (*ShimErrorFn)(void *arg, ShimCode code, const char *text); /* from background threads */
typedef struct ShimOpen {
    const char *dir;
    bool create, scratch;
    ShimErrorFn on_error;
    void *arg;
} ShimOpen;
/* Closed with rocksdb_close. */
rocksdb_t *shim_open(ShimEnv *env, const ShimOpen *how, ShimError *e);
void shim_destroy(ShimEnv *env, const char *dir); /* removes an instance's files */
/* Options of the instance, for a table file writer; freed with rocksdb_options_destroy. */
rocksdb_options_t *shim_file_options(ShimEnv *env, rocksdb_t *db);

ShimCode shim_get(rocksdb_t *db, const rocksdb_snapshot_t *at, ShimSlice key, void **pin, ShimSlice *value, ShimError *e);
void shim_pin_free(void *pin);
/* pins[i] NULL: not found. */
ShimCode shim_multi_get(rocksdb_t *db, const rocksdb_snapshot_t *at, size_t n, const ShimSlice *keys, void **pins, ShimSlice *values, ShimError *e);
/* room: of the instance's log; NULL: writes without log. SHIM_NO_SPACE may come before RocksDB was asked: *untouched then. */
typedef struct ShimRoom ShimRoom;
ShimRoom *shim_room_new(ShimEnv *env, const char *dir);
void shim_room_free(ShimRoom *room);
ShimCode shim_write(rocksdb_t *db, ShimRoom *room, rocksdb_writebatch_t *batch, bool sync, bool *untouched, ShimError *e);
/* Syncs what was appended to the log files of the instance in dir so far. Not through RocksDB: its SyncWAL must not meet a log that
 * another thread's write has just failed on (the library asserts that). */
ShimCode shim_sync_log(ShimEnv *env, const char *dir, ShimError *e);
ShimCode shim_flush(rocksdb_t *db, ShimError *e);
ShimCode shim_resume(rocksdb_t *db, ShimError *e);
ShimCode shim_ingest(rocksdb_t *db, const char *const *paths, size_t n, ShimError *e);
ShimCode shim_checkpoint(rocksdb_t *db, const char *dir, ShimError *e);
ShimCode shim_delete_files(rocksdb_t *db, ShimSlice begin, ShimSlice end, ShimError *e);
ShimCode shim_compact(rocksdb_t *db, ShimSlice begin, ShimSlice end, ShimError *e);
uint64_t shim_range_bytes(rocksdb_t *db, ShimSlice begin, ShimSlice end);

/* lower/upper must outlive the iterator. */
rocksdb_iterator_t *shim_iterator(rocksdb_t *db, const rocksdb_snapshot_t *at, const ShimSlice *lower, const ShimSlice *upper, bool fill_cache);
ShimCode shim_iterator_status(const rocksdb_iterator_t *it, ShimError *e);
/* Copies rows as kv_cursor_batch says; stops at an error too (look at the status then). *next: bytes the first row that did not
 * fit would need, 0 if there is none. */
int shim_iterator_batch(rocksdb_iterator_t *it, bool backward, uint8_t *buf, size_t bytes, int max_rows, size_t *used, size_t *next);
uint64_t shim_deletions_skipped(void); /* of the calling thread, since it began */
uint64_t shim_snapshot_sequence(const rocksdb_snapshot_t *snap);

#ifdef __cplusplus
}
#endif
#endif
