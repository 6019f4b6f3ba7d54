/* Memory accounting: every arena, cache and table charges an account, accounts form a tree, each has a limit.
 *
 * server -> { sessions, locks, transactions, query work ... } -> one session -> one statement.
 * A charge walks to the root; past any limit on the way it is refused and undone, and the caller raises 53200 (or spills).
 * Counters are atomics: an account may be charged from several threads. */
#ifndef HELIOS_COMMON_MEM_H
#define HELIOS_COMMON_MEM_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct MemAccount {
    struct MemAccount *parent; /* NULL at the root */
    const char *name;          /* static */
    _Atomic int64_t used;      /* bytes */
    _Atomic int64_t peak;
    int64_t limit;             /* bytes; 0: only the parents' limits */
} MemAccount;

void mem_account_init(MemAccount *acct, MemAccount *parent, const char *name, int64_t limit_bytes);
bool mem_charge(MemAccount *acct, size_t bytes);  /* false: over a limit, nothing charged. acct may be NULL (true) */
void mem_release(MemAccount *acct, size_t bytes);
int64_t mem_available(const MemAccount *acct);    /* the smallest room on the way to the root */

/* malloc/realloc/free that charge. NULL past the limit or when the system has none. Sizes are the caller's to remember. */
void *mem_alloc(MemAccount *acct, size_t bytes);
void *mem_realloc(MemAccount *acct, void *p, size_t old_bytes, size_t new_bytes);
void mem_free(MemAccount *acct, void *p, size_t bytes);

#endif
