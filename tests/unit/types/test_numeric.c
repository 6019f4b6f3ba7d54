/* Numeric against PostgreSQL 15's answers (cases/numeric.txt, written by gen_numeric.py), and properties of the stored form. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "types/numeric.h"

static const char *data_path(void)
{
    static char path[512];
    snprintf(path, sizeof path, "%.*s/cases/numeric.txt", (int)(strrchr(__FILE__, '/') - __FILE__), __FILE__);
    return path;
}

static void parse(Arena *arena, const char *s, Numeric *out)
{
    Error err = ERROR_INIT;
    Datum d;
    cr_assert(!failed(numeric_in(&(IoContext){.arena = arena}, NULL, slice_cstr(s), -1, &d, &err)), "%s: %s", s, err.message);
    cr_assert(!failed(numeric_read(d, arena, out, &err)));
}

typedef Status (*Op2)(const Numeric *, const Numeric *, Arena *, Numeric *, Error *);
typedef Status (*Op1)(const Numeric *, Arena *, Numeric *, Error *);
static const struct { const char *name; Op2 fn; } ops2[] = {
    {"add", numeric_add}, {"sub", numeric_sub}, {"mul", numeric_mul}, {"div", numeric_div}, {"mod", numeric_mod},
    {"divtrunc", numeric_div_trunc}, {"log", numeric_log}, {"power", numeric_power}, {"gcd", numeric_gcd}};
static const struct { const char *name; Op1 fn; } ops1[] = {
    {"sqrt", numeric_sqrt}, {"ln", numeric_ln}, {"exp", numeric_exp}, {"ceil", numeric_ceil}, {"floor", numeric_floor}};

static Status run(Arena *arena, const char *op, const char *a, const char *b, StrBuf *sb, Error *err)
{
    Numeric x, y, r;
    int64_t i;
    Datum d;
    parse(arena, a, &x);
    if (*b) parse(arena, b, &y);
    numeric_set_zero(&r, 0);
    if (!strcmp(op, "cmp")) {
        strbuf_printf(sb, "%d", numeric_cmp(&x, &y));
        return ST_OK;
    }
    if (!strcmp(op, "float8")) {
        double f = numeric_to_f8(&x);
        if (f == (double)(long)f && f < 1e15 && f > -1e15) strbuf_printf(sb, "%ld", (long)f);
        else strbuf_printf(sb, "%.17g", f);
        return ST_OK;
    }
    if (!strcmp(op, "int8")) {
        if (x.kind != NUMERIC_FINITE) return error_set(err, ERR_FEATURE_NOT_SUPPORTED, "cannot convert %s to bigint", x.kind == NUMERIC_NAN ? "NaN" : "infinity");
        if (!numeric_to_i64(&x, &i)) return error_set(err, ERR_NUMERIC_VALUE_OUT_OF_RANGE, "bigint out of range");
        strbuf_printf(sb, "%ld", i);
        return ST_OK;
    }
    if (!strcmp(op, "send")) {
        StrBuf raw;
        strbuf_init(&raw, arena);
        TRY(numeric_make(&x, arena, &d, err));
        TRY(numeric_send(&(IoContext){.arena = arena}, NULL, d, &raw, err));
        strbuf_str(sb, "\\x");
        for (size_t k = 0; k < raw.len; k++) strbuf_printf(sb, "%02x", (unsigned char)raw.data[k]);
        TRY(numeric_recv(&(IoContext){.arena = arena}, NULL, strbuf_slice(&raw), -1, &d, err));
        TRY(numeric_read(d, arena, &y, err));
        cr_assert(numeric_cmp(&x, &y) == 0);
        return ST_OK;
    }
    Status st = ST_OK;
    for (size_t k = 0; k < sizeof ops2 / sizeof ops2[0]; k++)
        if (!strcmp(op, ops2[k].name)) TRY(ops2[k].fn(&x, &y, arena, &r, err));
    for (size_t k = 0; k < sizeof ops1 / sizeof ops1[0]; k++)
        if (!strcmp(op, ops1[k].name)) TRY(ops1[k].fn(&x, arena, &r, err));
    bool unary = !strcmp(op, "out") || !strncmp(op, "round", 5) || !strncmp(op, "trunc", 5);
    if (unary) TRY(numeric_assign(&r, &x, arena, err));
    if (!strcmp(op, "round2")) numeric_round(&r, 2);
    if (!strcmp(op, "roundm2")) numeric_round(&r, -2);
    if (!strcmp(op, "trunc3")) numeric_trunc(&r, 3);
    TRY(numeric_make(&r, arena, &d, err));
    numeric_print_datum(d, sb);
    return st;
}

Test(numeric, answers_of_postgresql)
{
    FILE *f = fopen(data_path(), "r");
    char line[20000];
    int bad = 0, all = 0;
    cr_assert(f);
    while (fgets(line, sizeof line, f)) {
        Arena arena;
        StrBuf sb;
        Error err = ERROR_INIT;
        line[strcspn(line, "\n")] = 0;
        char *op = line, *a = strchr(op, '|'), *b = a ? strchr(a + 1, '|') : NULL, *want = b ? strchr(b + 1, '|') : NULL;
        if (!want) continue;
        *a++ = *b++ = *want++ = 0;
        arena_init(&arena, NULL, 0);
        strbuf_init(&sb, &arena);
        if (failed(run(&arena, op, a, b, &sb, &err))) {
            char state[6];
            sqlstate_text(err.code, state);
            strbuf_reset(&sb);
            strbuf_printf(&sb, "ERROR %s %s", state, err.message);
        }
        bool same = !strcmp(strbuf_cstr(&sb), want);
        if (!strcmp(op, "float8")) same = strtod(strbuf_cstr(&sb), NULL) == strtod(want, NULL) || !strcmp(want, "NaN");
        if (!same && bad++ < 40) fprintf(stderr, "%s(%s, %s) = %s, PostgreSQL: %s\n", op, a, b, strbuf_cstr(&sb), want);
        all++;
        error_clear(&err);
        arena_destroy(&arena);
    }
    fclose(f);
    cr_assert(all > 500);
    cr_expect(bad == 0, "%d of %d differ", bad, all);
}

Test(numeric, keys_sort_like_values)
{
    static const char *const v[] = {"-Infinity", "-1e20", "-10001", "-10000", "-1.5", "-1", "-0.5", "-0.00001", "0", "0.00001", "0.5",
                                    "1", "1.0001", "1.5", "9999", "10000", "10000.0001", "1e20", "Infinity", "NaN"};
    Arena arena;
    StrBuf keys[20];
    Error err = ERROR_INIT;
    arena_init(&arena, NULL, 0);
    for (int i = 0; i < 20; i++) {
        Datum d;
        strbuf_init(&keys[i], &arena);
        cr_assert(!failed(numeric_in(&(IoContext){.arena = &arena}, NULL, slice_cstr(v[i]), -1, &d, &err)));
        cr_assert(!failed(numeric_key_bytes(NULL, d, &keys[i], &err)));
        if (i) cr_expect(slice_compare(strbuf_slice(&keys[i - 1]), strbuf_slice(&keys[i])) < 0, "%s < %s", v[i - 1], v[i]);
    }
    arena_destroy(&arena);
}

Test(numeric, modifiers)
{
    Arena arena;
    Error err = ERROR_INIT;
    Datum d;
    int32_t typmod;
    StrBuf sb;
    arena_init(&arena, NULL, 0);
    strbuf_init(&sb, &arena);
    cr_assert(!failed(numeric_typmod_in(&arena, (const char *[]){"4", "2"}, 2, &typmod, &err)));
    cr_assert_eq(typmod, 262150);
    IoContext io = {.arena = &arena};
    cr_assert(!failed(numeric_in(&io, NULL, slice_cstr("12.345"), typmod, &d, &err)));
    numeric_print_datum(d, &sb);
    cr_expect_str_eq(strbuf_cstr(&sb), "12.35");
    cr_assert(failed(numeric_in(&io, NULL, slice_cstr("99.995"), typmod, &d, &err)));
    cr_expect_str_eq(err.detail, "A field with precision 4, scale 2 must round to an absolute value less than 10^2.");
    error_clear(&err);
    cr_assert(failed(numeric_in(&io, NULL, slice_cstr("1.2.3"), -1, &d, &err)));
    cr_expect_str_eq(err.message, "invalid input syntax for type numeric: \"1.2.3\"");
    error_clear(&err);
    arena_destroy(&arena);
}
