/* Hashing and the byte-string map: open addressing, linear probing, tombstones (so that iteration may remove). */
#define _GNU_SOURCE
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "common/hash.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

static uint64_t seed;

/* Runs before main, so that no hash is ever computed with two seeds. */
__attribute__((constructor)) static void make_seed(void)
{
    if (getrandom(&seed, sizeof seed, GRND_NONBLOCK) != sizeof seed) {
        struct timespec ts;
        clock_gettime(CLOCK_REALTIME, &ts);
        seed = (uint64_t)ts.tv_nsec * 0x9e3779b97f4a7c15ull ^ (uint64_t)ts.tv_sec;
    }
}

uint64_t hash_bytes(const void *p, size_t n) { return XXH3_64bits_withSeed(p, n, seed); }

uint64_t hash_u64(uint64_t x)
{
    x ^= seed;
    x = (x ^ x >> 33) * 0xff51afd7ed558ccdull;
    x = (x ^ x >> 33) * 0xc4ceb9fe1a85ec53ull;
    return x ^ x >> 33;
}

typedef struct MapSlot {
    uint64_t hash;
    uint8_t *key; /* NULL: never used */
    size_t len;
    void *value;  /* NULL with a key: a tombstone (its key is freed already and points at `tomb`) */
} MapSlot;

struct HashMap {
    MemAccount *account;
    MapSlot *slots;
    size_t nslots; /* power of two, or 0 */
    size_t live, used; /* used counts tombstones too */
};

static uint8_t tomb;

HashMap *hashmap_new(MemAccount *account)
{
    HashMap *map = mem_alloc(account, sizeof *map);
    if (map) *map = (HashMap){.account = account};
    return map;
}

static void free_key(HashMap *map, MapSlot *s)
{
    if (s->key && s->key != &tomb) mem_free(map->account, s->key, s->len + 1);
}

void hashmap_free(HashMap *map)
{
    if (!map) return;
    for (size_t i = 0; i < map->nslots; i++) free_key(map, &map->slots[i]);
    mem_free(map->account, map->slots, map->nslots * sizeof(MapSlot));
    mem_free(map->account, map, sizeof *map);
}

static MapSlot *find(const HashMap *map, Slice key, uint64_t hash)
{
    if (!map->nslots) return NULL;
    for (size_t i = hash & (map->nslots - 1);; i = (i + 1) & (map->nslots - 1)) {
        MapSlot *s = &map->slots[i];
        if (!s->key) return NULL;
        if (s->hash == hash && s->value && slice_equal(slice_of(s->key, s->len), key)) return s;
    }
}

void *hashmap_get(const HashMap *map, Slice key)
{
    MapSlot *s = find(map, key, hash_bytes(key.data, key.len));
    return s ? s->value : NULL;
}

static MapSlot *free_slot(MapSlot *slots, size_t nslots, uint64_t hash)
{
    size_t i = hash & (nslots - 1);
    while (slots[i].key) i = (i + 1) & (nslots - 1);
    return &slots[i];
}

static bool rehash(HashMap *map)
{
    size_t n = 16;
    while (n < map->live * 3) n *= 2;
    MapSlot *slots = mem_alloc(map->account, n * sizeof *slots);
    if (!slots) return false;
    memset(slots, 0, n * sizeof *slots);
    for (size_t i = 0; i < map->nslots; i++)
        if (map->slots[i].value) *free_slot(slots, n, map->slots[i].hash) = map->slots[i];
    mem_free(map->account, map->slots, map->nslots * sizeof *slots);
    map->slots = slots;
    map->nslots = n;
    map->used = map->live;
    return true;
}

bool hashmap_put(HashMap *map, Slice key, void *value)
{
    assert(value);
    uint64_t hash = hash_bytes(key.data, key.len);
    MapSlot *s = find(map, key, hash);
    if (s) {
        s->value = value;
        return true;
    }
    if ((map->used + 1) * 4 > map->nslots * 3 && !rehash(map)) return false;
    uint8_t *copy = mem_alloc(map->account, key.len + 1);
    if (!copy) return false;
    if (key.len) memcpy(copy, key.data, key.len);
    *free_slot(map->slots, map->nslots, hash) = (MapSlot){hash, copy, key.len, value};
    map->live++;
    map->used++;
    return true;
}

void *hashmap_remove(HashMap *map, Slice key)
{
    MapSlot *s = find(map, key, hash_bytes(key.data, key.len));
    if (!s) return NULL;
    void *value = s->value;
    free_key(map, s);
    s->key = &tomb;
    s->value = NULL;
    map->live--;
    return value;
}

size_t hashmap_count(const HashMap *map) { return map->live; }

bool hashmap_next(const HashMap *map, size_t *pos, Slice *key, void **value)
{
    for (; *pos < map->nslots; ++*pos) {
        MapSlot *s = &map->slots[*pos];
        if (!s->value) continue;
        if (key) *key = slice_of(s->key, s->len);
        if (value) *value = s->value;
        ++*pos;
        return true;
    }
    return false;
}
