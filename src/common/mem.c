/* Memory accounts: charging walks to the root and undoes itself where a limit refuses. */
#include "common/mem.h"

#include <assert.h>
#include <stdlib.h>

void mem_account_init(MemAccount *acct, MemAccount *parent, const char *name, int64_t limit_bytes)
{
    acct->parent = parent;
    acct->name = name;
    atomic_init(&acct->used, 0);
    atomic_init(&acct->peak, 0);
    acct->limit = limit_bytes;
}

static void note_peak(MemAccount *a, int64_t now)
{
    int64_t peak = atomic_load_explicit(&a->peak, memory_order_relaxed);
    while (now > peak &&
           !atomic_compare_exchange_weak_explicit(&a->peak, &peak, now, memory_order_relaxed, memory_order_relaxed)) {
    }
}

bool mem_charge(MemAccount *acct, size_t bytes)
{
    int64_t n = (int64_t)bytes;
    for (MemAccount *a = acct; a; a = a->parent) {
        int64_t now = atomic_fetch_add_explicit(&a->used, n, memory_order_relaxed) + n;
        if (a->limit > 0 && now > a->limit) {
            atomic_fetch_sub_explicit(&a->used, n, memory_order_relaxed);
            for (MemAccount *b = acct; b != a; b = b->parent) atomic_fetch_sub_explicit(&b->used, n, memory_order_relaxed);
            return false;
        }
        note_peak(a, now);
    }
    return true;
}

void mem_release(MemAccount *acct, size_t bytes)
{
    for (MemAccount *a = acct; a; a = a->parent) {
        int64_t before = atomic_fetch_sub_explicit(&a->used, (int64_t)bytes, memory_order_relaxed);
        assert(before >= (int64_t)bytes);
        (void)before;
    }
}

int64_t mem_available(const MemAccount *acct)
{
    int64_t room = INT64_MAX;
    for (const MemAccount *a = acct; a; a = a->parent) {
        if (a->limit <= 0) continue;
        int64_t here = a->limit - atomic_load_explicit(&a->used, memory_order_relaxed);
        if (here < 0) here = 0;
        if (here < room) room = here;
    }
    return room;
}

void *mem_alloc(MemAccount *acct, size_t bytes)
{
    if (!mem_charge(acct, bytes)) return NULL;
    void *p = malloc(bytes ? bytes : 1);
    if (!p) mem_release(acct, bytes);
    return p;
}

void *mem_realloc(MemAccount *acct, void *p, size_t old_bytes, size_t new_bytes)
{
    if (!p) return mem_alloc(acct, new_bytes);
    if (new_bytes > old_bytes && !mem_charge(acct, new_bytes - old_bytes)) return NULL;
    void *q = realloc(p, new_bytes ? new_bytes : 1);
    if (!q) {
        if (new_bytes > old_bytes) mem_release(acct, new_bytes - old_bytes);
        return NULL;
    }
    if (new_bytes < old_bytes) mem_release(acct, old_bytes - new_bytes);
    return q;
}

void mem_free(MemAccount *acct, void *p, size_t bytes)
{
    if (!p) return;
    free(p);
    mem_release(acct, bytes);
}
