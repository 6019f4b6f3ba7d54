/* Hashing (xxHash, seeded once a process) and a small open-addressing map from 64-bit or byte-string keys to pointers. */
#ifndef HELIOS_COMMON_HASH_H
#define HELIOS_COMMON_HASH_H

#include "common/arena.h"

uint64_t hash_bytes(const void *p, size_t n);
uint64_t hash_u64(uint64_t x);
static inline uint64_t hash_combine(uint64_t a, uint64_t b) { return a ^ (b + 0x9e3779b97f4a7c15ull + (a << 6) + (a >> 2)); }

/* Map from Slice keys (copied into the map) to void *. Heap, charged to an account; not thread-safe. */
typedef struct HashMap HashMap;
HashMap *hashmap_new(MemAccount *account);         /* NULL: out of memory */
void hashmap_free(HashMap *map);                   /* NULL is fine; values are not touched */
void *hashmap_get(const HashMap *map, Slice key);  /* NULL: absent */
bool hashmap_put(HashMap *map, Slice key, void *value); /* replaces; false: out of memory. value != NULL */
void *hashmap_remove(HashMap *map, Slice key);     /* the value that was there */
size_t hashmap_count(const HashMap *map);
/* Iterates in no order; *pos starts at 0. Nothing may be added meanwhile; removing the current entry is fine. */
bool hashmap_next(const HashMap *map, size_t *pos, Slice *key, void **value);

#endif
