/* Counters of a database: one 64-bit counter for transaction ids and version stamps, one for OIDs, one for storage ids.
 *
 * Each is reserved on disk in blocks, synced before the first number of a block is given out; the next block is reserved by
 * whoever passes the middle of the present one, so that nobody waits. A crash skips the rest of a block; a clean close
 * writes the exact values. Numbers are never given twice. All calls are thread-safe. */
#ifndef HELIOS_STORAGE_COUNTERS_INTERNAL_H
#define HELIOS_STORAGE_COUNTERS_INTERNAL_H

#include <stdatomic.h>

#include "storage/cluster.h"
#include "storage/kv.h"

typedef struct Counter {
    _Atomic uint64_t next;     /* the number the next call gets */
    _Atomic uint64_t limit;    /* numbers below are reserved on disk */
    _Atomic uint64_t low_mark; /* passing it starts the next reservation */
} Counter;

typedef enum CounterId { COUNTER_STAMP, COUNTER_OID, COUNTER_STORAGE, COUNTER_COUNT } CounterId;

typedef struct Counters {
    Kv *kv;
    Mutex mutex; /* reservation; leaf lock, held over the write */
    Counter c[COUNTER_COUNT];
} Counters;

STATUS counters_open(Counters *cs, Kv *kv, Error *err);
STATUS counters_close(Counters *cs, Error *err); /* writes the exact values (unsynced: only numbers would be skipped) */
STATUS counter_reserve(Counters *cs, CounterId id, uint64_t through, Error *err);
/* The next n numbers: *first .. *first + n - 1. */
static inline STATUS counter_take(Counters *cs, CounterId id, uint64_t n, uint64_t *first, Error *err)
{
    Counter *c = &cs->c[id];
    uint64_t v = atomic_fetch_add_explicit(&c->next, n, memory_order_relaxed);
    *first = v;
    if (likely(v + n <= atomic_load_explicit(&c->low_mark, memory_order_acquire))) return ST_OK;
    return counter_reserve(cs, id, v + n, err);
}

/* A transaction id or version stamp of db (both come from the one counter, so a stamp is greater than its writer's xid). */
STATUS stamp_next(Database *db, uint64_t *out, Error *err);
STATUS stamp_take(Database *db, uint64_t n, uint64_t *first, Error *err);
uint64_t stamp_peek(const Database *db); /* the next one: every stamp given so far is smaller */

#endif
