/* The inside of kv*.c. */
#ifndef HELIOS_STORAGE_KV_INTERNAL_H
#define HELIOS_STORAGE_KV_INTERNAL_H

#include <stdatomic.h>

#include "common/thread.h"
#include "storage/kv.h"
#include "storage/shim/shim.h"

struct KvEnv {
    ShimEnv *shim;
};

typedef enum KvState {
    KV_OPEN,
    KV_FULL,  /* the disk was full: reads go on, a write first tries to resume */
    KV_FAILED /* a log write or sync failed: reads go on, writes end until it is reopened */
} KvState;

struct Kv {
    KvEnv *env;
    rocksdb_t *db;
    ShimRoom *room;            /* of its log; NULL in scratch */
    char *dir;
    KvKind kind;
    _Atomic int state;
    Mutex mutex;               /* resuming */
    int64_t resumed_at_ns;
};

struct KvBatch {
    rocksdb_writebatch_t *batch;
};

struct KvSnapshot {
    const rocksdb_snapshot_t *snap;
};

static inline const rocksdb_snapshot_t *kv_at(const KvSnapshot *at) { return at ? at->snap : NULL; }
static inline ShimSlice shim_slice(Slice s) { return (ShimSlice){(const char *)s.data, s.len}; }

/* Raises what a failed call left in e; a write's failure also changes the instance's state. */
Status kv_raise(Kv *kv, const ShimError *e, Error *err);
Status kv_raise_write(Kv *kv, const ShimError *e, Error *err);
Status kv_check_writable(Kv *kv, Error *err);
/* For the C API's char *errptr results; frees text. */
Status kv_raise_text(Kv *kv, char *text, Error *err);

#endif
