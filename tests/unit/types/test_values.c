/* Properties of values: round trips of random values, orders, hashes, key bytes, lengths, pseudo-types, names. */
#include "types/io_support.h"

#include <math.h>

#include "types/text.h"

TestSuite(values, .init = io_setup, .fini = io_teardown);

static uint64_t rnd(void)
{
    static uint64_t x = 88172645463325252ull;
    x ^= x << 13;
    x ^= x >> 7;
    return x ^= x << 17;
}

/* text -> value -> binary -> value, unchanged all the way. */
static void round_trip(const char *type, Datum d)
{
    const TypeInfo *t = type_named(type);
    const char *text = out(type, d);
    StrBuf wire;
    Datum a = in(type, text), b;
    strbuf_init(&wire, &io_arena);
    cr_assert_eq(type_send(&io, t, d, &wire, &io_err), ST_OK);
    cr_assert_eq(type_recv(&io, t, strbuf_slice(&wire), -1, &b, &io_err), ST_OK);
    cr_assert_eq(t->compare(t, d, a), 0, "%s %s", type, text);
    cr_assert_eq(t->compare(t, d, b), 0, "%s %s", type, text);
    cr_assert_eq(t->hash(t, d), t->hash(t, a));
    cr_assert_str_eq(out(type, b), text);
}

Test(values, random_round_trips)
{
    for (int i = 0; i < 3000; i++) {
        uint64_t r = rnd() >> (rnd() % 64);
        double f8;
        float f4;
        uint32_t r4 = (uint32_t)rnd();
        round_trip("int2", datum_i16((int16_t)r));
        round_trip("int4", datum_i32((int32_t)r));
        round_trip("int8", datum_i64((int64_t)(rnd() & 1 ? r : ~r)));
        round_trip("oid", datum_oid((Oid)r));
        round_trip("tid", r & 0xFFFFFFFFFFFFull);
        round_trip("xid8", r);
        r = rnd();
        memcpy(&f8, &r, 8);
        memcpy(&f4, &r4, 4);
        round_trip("float8", datum_f8(f8));
        round_trip("float4", datum_f4(f4));
        uint8_t bytes[16];
        for (int k = 0; k < 16; k++) bytes[k] = (uint8_t)rnd();
        round_trip("uuid", datum_ptr(bytes));
        round_trip("bytea", varlena_new(&io_arena, bytes, rnd() % 17, NULL));
        if (i % 100 == 0) arena_reset(&io_arena);
    }
}

Test(values, order_of_numbers)
{
    cr_assert_eq(compare("int4", "-1", "1"), -1);
    cr_assert_eq(compare("oid", "4294967295", "1"), 1);
    cr_assert_eq(compare("float8", "NaN", "Infinity"), 1);
    cr_assert_eq(compare("float8", "NaN", "NaN"), 0);
    cr_assert_eq(compare("float8", "-0", "0"), 0);
    const TypeInfo *f8 = type_named("float8"), *f4 = type_named("float4"), *i4 = type_named("int4"), *i8 = type_named("int8");
    cr_assert_eq(f8->hash(f8, datum_f8(-0.0)), f8->hash(f8, datum_f8(0.0)));
    cr_assert_eq(f8->hash(f8, datum_f8(1.5)), f4->hash(f4, datum_f4(1.5f)));
    cr_assert_eq(i4->hash(i4, datum_i32(-5)), i8->hash(i8, datum_i64(-5)));
}

Test(values, extra_float_digits)
{
    io_format.extra_float_digits = 0;
    cr_assert_str_eq(out("float8", datum_f8(0.1 + 0.2)), "0.3");
    cr_assert_str_eq(out("float4", datum_f4(1.2345678f)), "1.23457");
    io_format.extra_float_digits = -20;
    cr_assert_str_eq(out("float8", datum_f8(123.0)), "1e+02");
    io_format.extra_float_digits = 1;
    cr_assert_str_eq(out("float8", datum_f8(0.1 + 0.2)), "0.30000000000000004");
}

Test(values, character_lengths)
{
    cr_assert_str_eq(out("varchar", in_mod("varchar", "abc  ", 3 + 4)), "abc");
    cr_assert_str_eq(out("varchar", in_mod("varchar", "äöü", 3 + 4)), "äöü");
    cr_assert_str_eq(out("bpchar", in_mod("bpchar", "ä", 3 + 4)), "ä  ");
    cr_assert_str_eq(out("bpchar", in_mod("bpchar", "abc   ", 3 + 4)), "abc");
    fails_mod("varchar", "abcd", 3 + 4, "22001", "value too long for type character varying(3)", NULL);
    fails_mod("bpchar", "äöüß", 3 + 4, "22001", "value too long for type character(3)", NULL);
    cr_assert_eq(compare("bpchar", "a", "a   "), 0);
    cr_assert_eq(compare("text", "a", "a "), -1);
    Datum d;
    cr_assert_eq(varchar_apply(&io_arena, slice_cstr("abcdef"), 3 + 4, true, &d, &io_err), ST_OK);
    cr_assert_str_eq(out("text", d), "abc");
    int32_t typmod;
    const char *ten[] = {"10"}, *zero[] = {"0"}, *huge[] = {"10485761"};
    cr_assert_eq(type_named("varchar")->typmod_in(&io_arena, ten, 1, &typmod, &io_err), ST_OK);
    cr_assert_eq(typmod, 14);
    cr_assert_eq(type_named("varchar")->typmod_in(&io_arena, zero, 1, &typmod, &io_err), ST_FAILED);
    cr_assert_str_eq(io_err.message, "length for type varchar must be at least 1");
    error_clear(&io_err);
    cr_assert_eq(type_named("bpchar")->typmod_in(&io_arena, huge, 1, &typmod, &io_err), ST_FAILED);
    cr_assert_str_eq(io_err.message, "length for type char cannot exceed 10485760");
}

Test(values, bytea_escape_output)
{
    io_format.bytea_escape = true;
    cr_assert_str_eq(out("bytea", in("bytea", "a\\\\b\\000\\377")), "a\\\\b\\000\\377");
    io_format.bytea_escape = false;
}

static void recv_fails(const char *type, const char *bytes, size_t n, const char *state, const char *message)
{
    Datum d;
    char code[6];
    error_clear(&io_err);
    cr_assert_eq(type_recv(&io, type_named(type), slice_of(bytes, n), -1, &d, &io_err), ST_FAILED);
    sqlstate_text(io_err.code, code);
    cr_assert_str_eq(io_err.message, message);
    cr_assert_str_eq(code, state);
}

Test(values, malformed_binary)
{
    recv_fails("int4", "abc", 3, "08P01", "insufficient data left in message");
    recv_fails("int4", "abcde", 5, "22P03", "incorrect binary data format");
    recv_fails("text", "a\xff", 2, "22021", "invalid byte sequence for encoding \"UTF8\": 0xff");
    recv_fails("text", "a\0b", 3, "22021", "invalid byte sequence for encoding \"UTF8\": 0x00");
    recv_fails("text", "\xe4\xf6\xfc", 3, "22021", "invalid byte sequence for encoding \"UTF8\": 0xe4 0xf6 0xfc");
    recv_fails("json", "{", 1, "22P02", "invalid input syntax for type json");
    recv_fails("_int4", "\0\0\0\7\0\0\0\0\0\0\0\27", 12, "54000", "number of array dimensions (7) exceeds the maximum allowed (6)");
    recv_fails("_int4", "\0\0\0\1\0\0\0\0\0\0\0\31\0\0\0\1\0\0\0\1", 20, "42804",
               "binary data has array element type 25 (text) instead of expected 23 (integer)");
    recv_fails("_int4", "\0\0\0\1\0\0\0\0\0\0\0\27\0\0\0\1\0\0\0\1\0\0\0\5abcde", 29, "22P03", "improper binary format in array element 1");
    recv_fails("_int4", "\0\0\0\1\0\0\0\0\0\0\0\27\7\0\0\1\0\0\0\1", 20, "08P01", "insufficient data left in message");
    recv_fails("_int4", "\0\0\0\2\0\0\0\0\0\0\0\27\7\377\377\377\0\0\0\1\0\0\0\5\0\0\0\1", 28, "54000",
               "array size exceeds the maximum allowed (134217727)");
}

Test(values, pseudo_and_missing_types)
{
    fails("anyelement", "x", "0A000", "cannot accept a value of type anyelement", NULL);
    fails("record", "(1)", "0A000", "input of anonymous composite types is not implemented", NULL);
    fails("pg_node_tree", "x", "0A000", "cannot accept a value of type pg_node_tree", NULL);
    cr_assert_str_eq(out("void", in("void", "anything")), "");
}

Test(values, aclitem_is_its_text)
{
    gives("aclitem", "postgres=arwdDxt/postgres", "postgres=arwdDxt/postgres");
    gives("_aclitem", "{postgres=arwdDxt/postgres,=r/postgres}", "{postgres=arwdDxt/postgres,=r/postgres}");
    fails("aclitem", "x", "22P02", "missing \"=\" sign", NULL);
}

static void formats(const char *type, int32_t typmod, const char *want)
{
    StrBuf sb;
    strbuf_init(&sb, &io_arena);
    type_format_builtin(type_named(type), typmod, true, &sb);
    cr_assert_str_eq(strbuf_cstr(&sb), want);
}

Test(values, names_of_types)
{
    formats("int4", -1, "integer");
    formats("_int4", -1, "integer[]");
    formats("varchar", 14, "character varying(10)");
    formats("varchar", -1, "character varying");
    formats("bpchar", 14, "character(10)");
    formats("bpchar", -1, "bpchar");
    formats("_bpchar", 14, "character(10)[]");
    formats("char", -1, "\"char\"");
    formats("int2vector", -1, "int2vector");
    formats("timestamptz", -1, "timestamp with time zone");
    formats("float4", -1, "real");
    cr_assert_str_eq(type_display_name(type_named("timestamp")), "timestamp without time zone");
    for (int i = 0; i < type_builtin_count(); i++) {
        const TypeInfo *t = type_builtin_at(i);
        cr_assert_eq(type_builtin(t->oid), t);
        cr_assert_eq(type_builtin_by_name(t->name), t);
        if (t->name[0] == '_') cr_assert_eq(type_builtin(t->elem)->array, t->oid);
    }
    cr_assert_null(type_builtin(99999));
    cr_assert_null(type_builtin(1));
    cr_assert_null(type_builtin_by_name("nothing"));
}

static Status fake_reg_in(void *session, Oid reg, Slice text, Oid *o, Error *err)
{
    if (!slice_equal(text, slice_cstr("pg_class"))) return error_set(err, ERR_UNDEFINED_TABLE, "relation does not exist");
    *o = 1259;
    return ST_OK;
}

static Status fake_reg_out(void *session, Oid reg, Oid v, StrBuf *sb, Error *err)
{
    strbuf_str(sb, "pg_class");
    return ST_OK;
}

Test(values, reg_types_ask_the_hooks)
{
    TypeHooks hooks = {.reg_in = fake_reg_in, .reg_out = fake_reg_out};
    cr_assert_str_eq(out("regclass", in("regclass", "1259")), "1259");
    io.hooks = &hooks;
    cr_assert_eq(datum_get_oid(in("regclass", "pg_class")), 1259);
    cr_assert_str_eq(out("regclass", datum_oid(1259)), "pg_class");
    cr_assert_str_eq(out("regclass", datum_oid(0)), "-");
    fails("regclass", "nope", "42P01", "relation does not exist", NULL);
    io.hooks = NULL;
}

/* The sign of memcmp over key bytes is the sign of compare. */
static void keys_follow_order(const char *type, const char *const *texts, int n)
{
    const TypeInfo *t = type_named(type);
    for (int i = 0; i < n; i++) {
        for (int k = 0; k < n; k++) {
            StrBuf a, b;
            Datum x = in(type, texts[i]), y = in(type, texts[k]);
            strbuf_init(&a, &io_arena);
            strbuf_init(&b, &io_arena);
            cr_assert_eq(t->key_bytes(t, x, &a, &io_err), ST_OK);
            cr_assert_eq(t->key_bytes(t, y, &b, &io_err), ST_OK);
            int by_key = slice_compare(strbuf_slice(&a), strbuf_slice(&b)), by_value = t->compare(t, x, y);
            cr_assert_eq((by_key > 0) - (by_key < 0), by_value, "%s %s %s", type, texts[i], texts[k]);
        }
    }
}

Test(values, array_keys_follow_array_order)
{
    static const char *const ints[] = {"{}", "{1}", "{-1}", "{1,2}", "{1,NULL}", "{NULL}", "{2}", "{{1},{2}}", "[0:1]={1,2}", "{{1,2}}", "{1,2,3}", "{-2147483648}"};
    static const char *const texts[] = {"{}", "{\"\"}", "{a}", "{ab}", "{a,b}", "{b}", "{NULL}", "{a,NULL}", "{\"a \"}"};
    static const char *const floats[] = {"{NaN}", "{-Infinity}", "{0}", "{-0}", "{1.5}", "{-1.5}", "{Infinity}", "{1e-300}"};
    keys_follow_order("_int4", ints, 12);
    keys_follow_order("_text", texts, 9);
    keys_follow_order("_float8", floats, 8);
}

Test(values, custom_keys_follow_order)
{
    static const char *const inets[] = {"10.0.0.0/8", "10.5.0.0/8", "10.1.0.0/16", "10.0.0.0/16", "10.0.0.1", "10.0.0.1/31", "::1", "::/0", "0.0.0.0/0", "255.255.255.255"};
    static const char *const bits[] = {"", "0", "1", "00", "01", "10", "0000000000000001", "00000000", "000000000", "11111111", "111111110"};
    static const char *const numbers[] = {"0", "-1", "1", "1.5", "100", "-100", "NaN", "Infinity", "-Infinity", "0.001", "99999999999999999999", "1e-20", "10000"};
    keys_follow_order("inet", inets, 10);
    keys_follow_order("varbit", bits, 11);
    keys_follow_order("numeric", numbers, 13);
}

Test(values, ranges_in_binary_and_in_order)
{
    gives("int4range", "(1,5]", "[2,6)");
    gives("int4range", "empty", "empty");
    gives("numrange", "(,1.50]", "(,1.50]");
    gives("tsrange", "[2024-01-01,)", "[\"2024-01-01 00:00:00\",)");
    gives("int4multirange", "{[5,6),[1,3),[2,4)}", "{[1,4),[5,6)}");
    gives("_int4range", "{\"[1,2)\",empty}", "{\"[1,2)\",empty}");
    static const char *const sorted[] = {"empty", "(,1)", "(,)", "[1,2)", "[1,3)", "[1,)", "(1.0,2)", "[2,3)", "[2,3]", "(2,3)"};
    for (int i = 0; i < 10; i++)
        for (int k = 0; k < 10; k++) cr_assert_eq(compare("numrange", sorted[i], sorted[k]), (i > k) - (i < k), "%s %s", sorted[i], sorted[k]);
    gives("inet", "10.1.2.3/24", "10.1.2.3/24");
    gives("cidr", "2001:db8::/32", "2001:db8::/32");
    gives("macaddr8", "08:00:2b:01:02:03", "08:00:2b:ff:fe:01:02:03");
    gives("varbit", "10110011101", "10110011101");
    gives("pg_lsn", "16/B374D848", "16/B374D848");
    gives("money", "-$1,234.50", "-$1,234.50");
    gives("jsonb", "{\"a\": [1, 2.50, \"x\"]}", "{\"a\": [1, 2.50, \"x\"]}");
    gives("oidvector", "1 2 3", "1 2 3");
    gives("int2vector", "", "");
    gives("_text", "{a,NULL,\"b c\"}", "{a,NULL,\"b c\"}");
    gives("_numeric", "{1.5,NaN}", "{1.5,NaN}");
}
