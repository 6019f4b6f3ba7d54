/* Kv: one RocksDB instance behind our own words. The only users of this header are the other files of src/storage; the only
 * users of RocksDB itself are kv*.c and shim/.
 *
 * Thread-safety: a Kv may be shared; a KvCursor, KvBatch or KvFile belongs to one thread at a time.
 * Errors: full disk 53100, I/O error 58030, corruption XX001, memory 53200. After a failed write or sync of the log the Kv is
 * closed for writing (58030 with a hint) until cluster recovery reopened it; reads go on where the store allows. */
#ifndef HELIOS_STORAGE_KV_H
#define HELIOS_STORAGE_KV_H

#include "common/arena.h"

typedef struct KvEnv KvEnv; /* shared: block cache, write-buffer manager, background pool, file layer */
typedef struct Kv Kv;
typedef struct KvSnapshot KvSnapshot; /* a sequence number kept alive */
typedef struct KvCursor KvCursor;
typedef struct KvBatch KvBatch;
typedef struct KvFile KvFile; /* a table file being written */

typedef struct KvEnvOptions {
    int64_t block_cache_bytes, memtable_bytes; /* for all instances together */
    bool preallocate_log;
    const char *spare_dir;  /* where log files wait to be used again (same file system as the instances); NULL: deleted */
    const char *fault_spec; /* not NULL: file-layer faults may be armed (tests); "" for none yet */
} KvEnvOptions;
STATUS kv_env_open(const KvEnvOptions *opt, KvEnv **out, Error *err);
void kv_env_close(KvEnv *env);
int64_t kv_env_memory(const KvEnv *env);    /* bytes in cache and memtables now */
int64_t kv_env_memtables(const KvEnv *env); /* bytes in memtables now */
/* Faults, for an env opened with a fault_spec. spec: items separated by ';', "" clears:
 *   write|sync|read|create|rename|delete@N=eio|enospc   the N-th such operation from now on fails, once
 *   space=BYTES                                         writes past so many bytes fail with a full disk
 *   only=SUFFIX                                         counts only files ending so (".log", ".sst")
 * kv_env_crash: from now on nothing reaches the files; after the instances are closed, kv_env_tear (with kv_env_close to follow)
 * takes away, by seed, some of what was written but not synced, as a power cut would. */
bool kv_env_faults(KvEnv *env, const char *spec);
void kv_env_crash(KvEnv *env);
void kv_env_tear(KvEnv *env, uint32_t seed);

typedef enum KvKind { KV_DURABLE, KV_SCRATCH /* no log, emptied at open */ } KvKind;
STATUS kv_open(KvEnv *env, const char *dir, KvKind kind, bool create, Kv **out, Error *err);
STATUS kv_close(Kv *kv, Error *err); /* NULL is fine. No cursor, snapshot or file may be left */
/* Removes an instance that is not open. */
void kv_destroy(KvEnv *env, const char *dir);
/* A consistent copy in a new directory (table files hard-linked). */
STATUS kv_checkpoint(Kv *kv, const char *dir, Error *err);
bool kv_failed(const Kv *kv); /* a sync failed: closed for writing until reopened */

/* A value read: bytes pinned in the block cache or copied; release before the next use of the same struct. */
typedef struct KvValue { Slice bytes; void *pin; } KvValue;
void kv_value_release(KvValue *v);
STATUS kv_get(Kv *kv, const KvSnapshot *at, Slice key, KvValue *out, bool *found, Error *err); /* at NULL: latest */
/* n keys in ascending order; found[i] tells. */
STATUS kv_multi_get(Kv *kv, const KvSnapshot *at, const Slice *keys, int n, KvValue *out, bool *found, Error *err);

KvSnapshot *kv_snapshot(Kv *kv); /* 0.1 us; NULL: out of memory */
void kv_snapshot_release(Kv *kv, KvSnapshot *snap);
uint64_t kv_snapshot_sequence(const KvSnapshot *snap);
uint64_t kv_latest_sequence(const Kv *kv);

/* Cursor over [lower, upper) (upper.data NULL: open end) as of `at` (NULL: of the moment of opening). */
STATUS kv_cursor_open(Kv *kv, const KvSnapshot *at, Slice lower, Slice upper, bool fill_cache, KvCursor **out, Error *err);
void kv_cursor_close(KvCursor *c);
void kv_cursor_seek(KvCursor *c, Slice key);       /* first key >= key; empty slice: first of all */
void kv_cursor_seek_back(KvCursor *c, Slice key);  /* last key <= key; empty slice: last of all */
void kv_cursor_next(KvCursor *c);
void kv_cursor_prev(KvCursor *c);
bool kv_cursor_valid(const KvCursor *c);           /* false at the end or on error */
Slice kv_cursor_key(const KvCursor *c);            /* views, valid until the cursor moves */
Slice kv_cursor_value(const KvCursor *c);
STATUS kv_cursor_error(const KvCursor *c, Error *err);
/* Copies up to max_rows rows, at most `bytes` bytes, from the cursor's position on, forward or backward, into buf as
 * [u32 klen][u32 vlen][key][value]...; *rows_out = 0 at the end. The cursor then stands on the first row not copied. If even the
 * first row does not fit, *rows_out = 0 and *used_out is the size it needs (> bytes; at the end *used_out is 0). */
STATUS kv_cursor_batch(KvCursor *c, bool backward, uint8_t *buf, size_t bytes, int max_rows, int *rows_out, size_t *used_out, Error *err);
/* Bytes of internal deletions stepped over since opening: for the gap notes of DESIGN "Garbage". */
uint64_t kv_cursor_skipped(const KvCursor *c);

KvBatch *kv_batch_new(void);
void kv_batch_free(KvBatch *b);
void kv_batch_clear(KvBatch *b);
void kv_batch_put(KvBatch *b, Slice key, Slice value);
void kv_batch_delete(KvBatch *b, Slice key);
void kv_batch_delete_range(KvBatch *b, Slice begin, Slice end);
size_t kv_batch_bytes(const KvBatch *b);
int kv_batch_count(const KvBatch *b);
Slice kv_batch_data(const KvBatch *b);   /* serialised; a view until the batch changes */
KvBatch *kv_batch_from_data(Slice data); /* NULL: out of memory */
/* Atomic. sync: durable when it returns (group commit with whoever writes at the same time). */
STATUS kv_write(Kv *kv, KvBatch *b, bool sync, Error *err);
STATUS kv_sync_log(Kv *kv, Error *err);
STATUS kv_flush(Kv *kv, Error *err);

/* Table files. Keys strictly ascending. Ingestion of all files (disjoint ranges) is one atomic, durable step; the files are
 * moved. The log must be synced by the caller before, as DESIGN's spill protocol says. */
STATUS kv_file_create(Kv *kv, const char *path, KvFile **out, Error *err);
STATUS kv_file_put(KvFile *f, Slice key, Slice value, Error *err);
STATUS kv_file_delete(KvFile *f, Slice key, Error *err);
uint64_t kv_file_bytes(const KvFile *f);
STATUS kv_file_finish(KvFile *f, uint64_t *entries, Error *err); /* frees f in any case */
void kv_file_abandon(KvFile *f);                                 /* frees f, removes the file */
STATUS kv_ingest(Kv *kv, const char *const *paths, int n, Error *err);

/* Space. Deletes whole files inside [begin, end); remains by key or by range tombstone. */
STATUS kv_drop_range(Kv *kv, Slice begin, Slice end, Error *err);
STATUS kv_compact_range(Kv *kv, Slice begin, Slice end, Error *err);
void kv_cancel_compactions(Kv *kv);                      /* for good: kv_compact_range and kv_drop_range end soon, with 57P03 */
uint64_t kv_range_bytes(Kv *kv, Slice begin, Slice end); /* approximate, memtables included */
uint64_t kv_total_bytes(Kv *kv);                         /* live files */
bool kv_property_int(Kv *kv, const char *name, uint64_t *out);
const char *kv_dir(const Kv *kv);

#endif
