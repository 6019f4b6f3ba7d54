/* Tuple stores, sorts and temporary files, in memory and past it. */
#include <criterion/criterion.h>

#include "executor/row_sort.h"
#include "executor/spill_file.h"

#define OK(call)                                                                                    \
    do {                                                                                            \
        Error ok_err_ = ERROR_INIT, *err = &ok_err_;                                                \
        if (failed(call)) cr_assert_fail("%s: %s", #call, ok_err_.message ? ok_err_.message : "?"); \
    } while (0)

static MemAccount account;
static SessionEnv env;
static Arena arena;
static TupleDesc *desc;
static TupleSlot *in, *out;

static void setup(void)
{
    mem_account_init(&account, NULL, "test", 0);
    env = (SessionEnv){.account = &account};
    arena_init(&arena, NULL, 0);
    desc = tupledesc_new(&arena, 2);
    attribute_set(&desc->atts[0], "n", type_builtin(TYPE_int4), -1);
    attribute_set(&desc->atts[1], "t", type_builtin(TYPE_text), -1);
    in = slot_new(&arena, desc);
    out = slot_new(&arena, desc);
}

static void teardown(void)
{
    arena_destroy(&arena);
    cr_assert_eq((long)account.used, 0, "%ld bytes are still charged", (long)account.used);
}

TestSuite(stores, .init = setup, .fini = teardown);

static void fill(int32_t n, Arena *row)
{
    char text[64];
    arena_reset(row);
    snprintf(text, sizeof text, "row %d of a table", n);
    in->values[0] = datum_i32(n);
    in->nulls[0] = n % 17 == 5;
    in->values[1] = varlena_cstr(row, text);
    in->nulls[1] = n % 13 == 3;
    slot_store_virtual(in);
}

static void check(int32_t n)
{
    Arena row;
    arena_init(&row, NULL, 0);
    fill(n, &row);
    cr_assert(!out->empty);
    cr_assert_eq(out->nulls[0], in->nulls[0]);
    if (!out->nulls[0]) cr_assert_eq(datum_get_i32(out->values[0]), n);
    cr_assert_eq(out->nulls[1], in->nulls[1]);
    if (!out->nulls[1]) cr_assert(slice_equal(varlena_slice(out->values[1]), varlena_slice(in->values[1])));
    arena_destroy(&row);
}

static void store_round_trip(int64_t memory)
{
    TupleStore *ts;
    Arena row;
    arena_init(&row, NULL, 0);
    OK(tuple_store_new(&env, desc, memory, &ts, err));
    for (int i = 0; i < 5000; i++) {
        fill(i, &row);
        OK(tuple_store_put(ts, in, err));
        if (i % 1000 == 999) { /* reading between writes */
            OK(tuple_store_get(ts, (uint64_t)i / 2, out, err));
            check(i / 2);
        }
    }
    cr_assert_eq(tuple_store_count(ts), 5000);
    for (int i = 0; i < 5000; i++) {
        OK(tuple_store_get(ts, (uint64_t)i, out, err));
        check(i);
    }
    for (int i = 4999; i >= 0; i -= 37) {
        OK(tuple_store_get(ts, (uint64_t)i, out, err));
        check(i);
    }
    OK(tuple_store_get(ts, 5000, out, err));
    cr_assert(out->empty);
    tuple_store_clear(ts);
    cr_assert_eq(tuple_store_count(ts), 0);
    fill(7, &row);
    OK(tuple_store_put(ts, in, err));
    OK(tuple_store_get(ts, 0, out, err));
    check(7);
    tuple_store_free(ts);
    arena_destroy(&row);
}

Test(stores, rows_in_memory) { store_round_trip(64 << 20); }
Test(stores, rows_in_a_file) { store_round_trip(16 << 10); }

static void sort_round_trip(int n, int64_t memory, int64_t bound, bool descending, bool nulls_first, const char *method)
{
    ExecState es = {.env = &env, .account = &account};
    SortKey keys[2] = {{.attno = 0, .type = type_builtin(TYPE_int4), .descending = descending, .nulls_first = nulls_first},
                       {.attno = 1, .type = type_builtin(TYPE_text)}};
    RowSort *s;
    Arena row;
    int expected = bound && bound < n ? (int)bound : n, seen = 0, nulls = 0;
    arena_init(&row, NULL, 0);
    arena_init(&es.arena, &account, 0);
    OK(row_sort_new(&es, desc, 2, keys, memory, bound, &s, err));
    uint32_t x = 12345;
    for (int i = 0; i < n; i++) {
        x = x * 1103515245u + 12345;
        fill((int32_t)(x >> 4) % 100000, &row);
        OK(row_sort_put(s, in, err));
    }
    OK(row_sort_finish(s, err));
    cr_assert_str_eq(row_sort_method(s), method);
    for (int pass = 0; pass < 2; pass++) {
        int32_t last = 0;
        bool have = false;
        seen = nulls = 0;
        for (;;) {
            OK(row_sort_next(s, out, err));
            if (out->empty) break;
            seen++;
            if (out->nulls[0]) {
                nulls++;
                if (nulls_first) cr_assert(!have);
                continue;
            }
            int32_t v = datum_get_i32(out->values[0]);
            if (!nulls_first) cr_assert_eq(nulls, 0);
            if (have) cr_assert(descending ? v <= last : v >= last, "%d after %d", v, last);
            last = v;
            have = true;
        }
        cr_assert_eq(seen, expected);
        OK(row_sort_rewind(s, err));
    }
    row_sort_free(s);
    arena_destroy(&es.arena);
    arena_destroy(&row);
}

Test(stores, sort_in_memory) { sort_round_trip(20000, 64 << 20, 0, false, false, "quicksort"); }
Test(stores, sort_descending) { sort_round_trip(20000, 64 << 20, 0, true, true, "quicksort"); }
Test(stores, sort_few) { for (int n = 0; n < 60; n++) sort_round_trip(n, 64 << 20, 0, false, false, "quicksort"); }
Test(stores, sort_in_runs) { sort_round_trip(30000, 100 << 10, 0, false, true, "external merge"); }
Test(stores, sort_top) { sort_round_trip(20000, 64 << 20, 25, false, false, "top-N heapsort"); }
Test(stores, sort_top_too_large) /* the heap does not fit: runs after all, which hold every row */
{
    ExecState es = {.env = &env, .account = &account};
    SortKey key = {.attno = 0, .type = type_builtin(TYPE_int4)};
    RowSort *s;
    Arena row;
    arena_init(&row, NULL, 0);
    arena_init(&es.arena, &account, 0);
    OK(row_sort_new(&es, desc, 1, &key, 64 << 10, 50000, &s, err));
    for (int i = 0; i < 20000; i++) {
        fill(i * 7919 % 20000, &row);
        OK(row_sort_put(s, in, err));
    }
    OK(row_sort_finish(s, err));
    int n = 0;
    for (;;) {
        OK(row_sort_next(s, out, err));
        if (out->empty) break;
        n++;
    }
    cr_assert_eq(n, 20000);
    row_sort_free(s);
    arena_destroy(&es.arena);
    arena_destroy(&row);
}

Test(stores, spill_file)
{
    SpillFile *f;
    Arena row;
    arena_init(&row, NULL, 0);
    OK(spill_open(&env, &account, &f, err));
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 3000; i++) {
            uint64_t head = (uint64_t)i;
            fill(i, &row);
            uint8_t *tuple = arena_alloc(&row, mintuple_size(in));
            mintuple_write(in, tuple);
            OK(spill_put_row(f, &head, sizeof head, tuple, err));
        }
        OK(spill_seek(f, 0, err));
        const uint8_t *tuple;
        uint32_t size;
        uint64_t head;
        int n = 0;
        for (;; n++) {
            OK(spill_get_row(f, &head, sizeof head, &tuple, &size, err));
            if (!tuple) break;
            cr_assert_eq(head, (uint64_t)(n % 3000));
            OK(mintuple_read(tuple, size, out, err));
            check(n % 3000);
        }
        cr_assert_eq(n, 3000 * (round + 1));
    }
    spill_close(f);
    arena_destroy(&row);
}
