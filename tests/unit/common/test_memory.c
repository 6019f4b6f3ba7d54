/* Accounts, arenas, buffers, lists, sets, maps. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "common/bitset.h"
#include "common/hash.h"
#include "common/list.h"
#include "common/strbuf.h"

Test(mem, charges_walk_to_the_root_and_are_undone_when_refused)
{
    MemAccount root, child;
    mem_account_init(&root, NULL, "root", 1000);
    mem_account_init(&child, &root, "child", 0);
    cr_assert(mem_charge(&child, 800));
    cr_assert_not(mem_charge(&child, 300));
    cr_assert_eq(child.used, 800);
    cr_assert_eq(root.used, 800);
    cr_assert_eq(mem_available(&child), 200);
    mem_release(&child, 800);
    cr_assert_eq(root.used, 0);
    cr_assert_eq(root.peak, 800);
}

Test(arena, allocations_are_aligned_and_charged)
{
    MemAccount acct;
    Arena a;
    mem_account_init(&acct, NULL, "a", 0);
    arena_init(&a, &acct, 0);
    for (size_t n = 0; n < 3000; n++) {
        char *p = arena_alloc(&a, n);
        cr_assert_not_null(p);
        cr_assert_eq((uintptr_t)p % 16, 0);
        memset(p, 0xAB, n);
    }
    cr_assert_eq((size_t)acct.used, a.total_bytes);
    arena_reset(&a);
    cr_assert_leq(a.total_bytes, 8 * 1024);
    arena_destroy(&a);
    cr_assert_eq(acct.used, 0);
}

Test(arena, limit_gives_null_and_try_new_raises)
{
    MemAccount acct;
    Arena a;
    mem_account_init(&acct, NULL, "a", 4096);
    arena_init(&a, &acct, 0);
    cr_assert_null(arena_alloc(&a, 10000));
    cr_assert_null(arena_alloc(&a, SIZE_MAX - 3));
    cr_assert_not_null(arena_alloc(&a, 2000));
    arena_destroy(&a);
    cr_assert_eq(acct.used, 0);
}

Test(arena, mark_and_release_go_back)
{
    Arena a;
    arena_init(&a, NULL, 0);
    ArenaMark empty = arena_mark(&a);
    char *first = arena_strdup(&a, "first");
    ArenaMark m = arena_mark(&a);
    for (int i = 0; i < 100; i++) cr_assert_not_null(arena_alloc(&a, 500));
    arena_release(&a, m);
    cr_assert_str_eq(first, "first");
    char *again = arena_alloc(&a, 16);
    cr_assert_eq(again, m.next);
    arena_release(&a, empty);
    cr_assert_eq(a.total_bytes, 0);
    cr_assert_str_eq(arena_printf(&a, "%d-%s", 42, "x"), "42-x");
    arena_destroy(&a);
}

Test(strbuf, grows_and_stays_terminated)
{
    MemAccount acct;
    StrBuf heap, in_arena;
    Arena a;
    mem_account_init(&acct, NULL, "s", 0);
    arena_init(&a, NULL, 0);
    strbuf_init_heap(&heap, &acct);
    strbuf_init(&in_arena, &a);
    cr_assert_str_eq(strbuf_cstr(&heap), "");
    for (int i = 0; i < 1000; i++) {
        strbuf_printf(&heap, "%d,", i);
        strbuf_printf(&in_arena, "%d,", i);
    }
    cr_assert_eq(heap.len, strlen(heap.data));
    cr_assert_str_eq(heap.data, in_arena.data);
    strbuf_reset(&heap);
    strbuf_fill(&heap, 'x', 3);
    strbuf_char(&heap, 'y');
    cr_assert_str_eq(heap.data, "xxxy");
    strbuf_free(&heap);
    cr_assert_eq(acct.used, 0);
    arena_destroy(&a);
}

Test(strbuf, failure_is_sticky)
{
    MemAccount acct;
    StrBuf sb;
    Error err = ERROR_INIT;
    mem_account_init(&acct, NULL, "s", 200);
    strbuf_init_heap(&sb, &acct);
    for (int i = 0; i < 100; i++) strbuf_str(&sb, "0123456789");
    cr_assert(sb.oom);
    cr_assert_eq(strbuf_check(&sb, &err), ST_FAILED);
    cr_assert_eq(err.code, ERR_OUT_OF_MEMORY);
    error_clear(&err);
    strbuf_free(&sb);
}

Test(list, push_keeps_order)
{
    Arena a;
    PtrVec pv = {0};
    IntVec iv = {0};
    int x[100];
    arena_init(&a, NULL, 0);
    for (int i = 0; i < 100; i++) cr_assert(ptrvec_push(&pv, &a, &x[i]) && intvec_push(&iv, &a, i * 3));
    for (int i = 0; i < 100; i++) cr_assert(pv.v[i] == &x[i] && iv.v[i] == i * 3);
    cr_assert(intvec_contains(&iv, 297) && !intvec_contains(&iv, 298));
    arena_destroy(&a);
}

Test(bitset, against_a_plain_array)
{
    Arena a;
    arena_init(&a, NULL, 0);
    srand(7);
    for (int round = 0; round < 50; round++) {
        bool x[300] = {0}, y[300] = {0};
        Bitset *sx = NULL, *sy = NULL;
        for (int i = 0; i < 40; i++) {
            int m = rand() % 300, n = rand() % 150;
            x[m] = y[n] = true;
            sx = bitset_add(sx, &a, m);
            sy = bitset_add(sy, &a, n);
        }
        Bitset *u = bitset_union(sx, sy, &a), *in = bitset_intersect(sx, sy, &a), *d = bitset_difference(sx, sy, &a);
        int count = 0, next = -1;
        for (int i = 0; i < 300; i++) {
            cr_assert_eq(bitset_has(u, i), x[i] || y[i]);
            cr_assert_eq(bitset_has(in, i), x[i] && y[i]);
            cr_assert_eq(bitset_has(d, i), x[i] && !y[i]);
            if (!x[i]) continue;
            count++;
            next = bitset_next(sx, next);
            cr_assert_eq(next, i);
        }
        cr_assert_eq(bitset_next(sx, next), -1);
        cr_assert_eq(bitset_count(sx), count);
        cr_assert(bitset_is_subset(in, sx) && bitset_is_subset(sx, u) && bitset_equal(sx, bitset_copy(sx, &a)));
        cr_assert_eq(bitset_overlaps(sx, sy), !bitset_is_empty(in));
    }
    cr_assert(bitset_is_empty(NULL) && bitset_next(NULL, -1) == -1 && bitset_equal(NULL, NULL));
    arena_destroy(&a);
}

Test(hashmap, put_get_remove_iterate)
{
    MemAccount acct;
    mem_account_init(&acct, NULL, "m", 0);
    HashMap *map = hashmap_new(&acct);
    char key[16];
    static int values[1000];
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 1000; i++) {
            snprintf(key, sizeof key, "k%d", i);
            cr_assert(hashmap_put(map, slice_cstr(key), &values[i]));
        }
        cr_assert_eq(hashmap_count(map), 1000);
        for (int i = 0; i < 1000; i++) {
            snprintf(key, sizeof key, "k%d", i);
            cr_assert_eq(hashmap_get(map, slice_cstr(key)), &values[i]);
        }
        size_t pos = 0, seen = 0;
        Slice k;
        void *v;
        while (hashmap_next(map, &pos, &k, &v)) {
            seen++;
            cr_assert_eq(hashmap_remove(map, k), v);
        }
        cr_assert_eq(seen, 1000);
        cr_assert_eq(hashmap_count(map), 0);
    }
    cr_assert(hashmap_put(map, slice_of("", 0), &values[3]));
    cr_assert_eq(hashmap_get(map, slice_of(NULL, 0)), &values[3]);
    hashmap_free(map);
    cr_assert_eq(acct.used, 0);
}
