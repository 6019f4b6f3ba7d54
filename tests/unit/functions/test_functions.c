/* Built-in functions called by OID without a session: values and errors as PostgreSQL 15 gives them. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "catalog/cat_builtin.h"
#include "functions/fn.h"
#include "functions/regexp.h"

/* name(args) looked up in pg_proc by name and argument types. */
typedef struct Case { const char *name; Oid result; const char *want; struct { Oid type; const char *text; } arg[4]; } Case;

#define T(s) {TYPE_text, s}
#define I(s) {TYPE_int4, s}
#define L(s) {TYPE_int8, s}
#define N(s) {TYPE_numeric, s}
#define F(s) {TYPE_float8, s}
#define TS(s) {TYPE_timestamp, s}
#define IV(s) {TYPE_interval, s}
#define D(s) {TYPE_date, s}

static const Case cases[] = {
    {"int4pl", TYPE_int4, "3", {I("1"), I("2")}},
    {"int4pl", TYPE_int4, "22003 integer out of range", {I("2147483647"), I("1")}},
    {"int4div", TYPE_int4, "22012 division by zero", {I("1"), I("0")}},
    {"int8mul", TYPE_int8, "22003 bigint out of range", {L("9223372036854775807"), L("2")}},
    {"gcd", TYPE_int4, "6", {I("12"), I("18")}},
    {"numeric_div", TYPE_numeric, "0.33333333333333333333", {N("1"), N("3")}},
    {"numeric_power", TYPE_numeric, "1024.0000000000000000", {N("2"), N("10")}},
    {"round", TYPE_numeric, "-2.57", {N("-2.567"), I("2")}},
    {"dsqrt", TYPE_float8, "2201F cannot take square root of a negative number", {F("-1")}},
    {"sind", TYPE_float8, "0.5", {F("30")}},
    {"length", TYPE_int4, "5", {T("h\xc3\xa9llo")}},
    {"upper", TYPE_text, "H\xc3\x89LLO", {T("h\xc3\xa9llo")}},
    {"initcap", TYPE_text, "Hello World", {T("hello wORLD")}},
    {"lpad", TYPE_text, "xyxhi", {T("hi"), I("5"), T("xy")}},
    {"substr", TYPE_text, "ell", {T("hello"), I("2"), I("3")}},
    {"substr", TYPE_text, "22011 negative substring length not allowed", {T("hello"), I("2"), I("-1")}},
    {"split_part", TYPE_text, "c", {T("a,b,c"), T(","), I("-1")}},
    {"translate", TYPE_text, "a2x5", {T("12345"), T("143"), T("ax")}},
    {"textlike", TYPE_bool, "t", {T("aXbXc"), T("a%X%c")}},
    {"textlike", TYPE_bool, "22025 LIKE pattern must not end with escape character", {T("abc"), T("ab\\")}},
    {"texticlike", TYPE_bool, "t", {T("ABC"), T("a%")}},
    {"textregexeq", TYPE_bool, "t", {T("foo bar"), T("\\mbar\\M")}},
    {"textregexeq", TYPE_bool, "2201B invalid regular expression: parentheses () not balanced", {T("a"), T("(")}},
    {"regexp_replace", TYPE_text, "fooX\x61" "rY" "XazY", {T("foobarbaz"), T("b(..)"), T("X\\1Y"), T("g")}},
    {"regexp_match", TYPE__text, "{bar,beque}", {T("foobarbequebaz"), T("(bar)(beque)")}},
    {"regexp_split_to_array", TYPE__text, "{the,quick,brown}", {T("the quick brown"), T("\\s+")}},
    {"md5", TYPE_text, "900150983cd24fb0d6963f7d28e17f72", {T("abc")}},
    {"to_hex", TYPE_text, "ffffffff", {I("-1")}},
    {"date_pli", TYPE_date, "2020-02-01", {D("2020-01-31"), I("1")}},
    {"timestamp_pl_interval", TYPE_timestamp, "2020-02-29 10:00:00", {TS("2020-01-31 10:00"), IV("1 month")}},
    {"age", TYPE_interval, "2 mons 25 days", {TS("2020-03-15"), TS("2019-12-20 24:00")}},
    {"date_trunc", TYPE_timestamp, "2020-03-09 00:00:00", {T("week"), TS("2020-03-15 10:20")}},
    {"date_trunc", TYPE_timestamp, "22023 unit \"foo\" not recognized for type timestamp without time zone", {T("foo"), TS("2020-03-15")}},
    {"extract", TYPE_numeric, "30.500000", {T("second"), TS("2020-03-15 10:20:30.5")}},
    {"justify_interval", TYPE_interval, "29 days 23:00:00", {IV("1 mon -1 hour")}},
    {"to_char", TYPE_text, "Thursday , 05th March     2020", {TS("2020-03-05"), T("Day, DDth Month YYYY")}},
    {"to_char", TYPE_text, " 1,234,567", {I("1234567"), T("9,999,999")}},
    {"to_char", TYPE_text, "<125>", {N("-125"), T("999PR")}},
    {"to_char", TYPE_text, "0012", {I("12"), T("FM0000")}},
    {"to_date", TYPE_date, "2000-12-05", {T("05 Dec 2000"), T("DD Mon YYYY")}},
    {"to_number", TYPE_numeric, "-12454.8", {T("12,454.8-"), T("99G999D9S")}},
    {"string_to_array", TYPE__text, "{a,b,c}", {T("a,b,c"), T(",")}},
    {"pg_size_pretty", TYPE_text, "20 kB", {L("20480")}},
    {"pg_size_bytes", TYPE_int8, "10485760", {T("10 MB")}},
    {"make_date", TYPE_date, "22008 date field value out of range: 2013-13-01", {I("2013"), I("13"), I("1")}},
};

static Oid find_proc(const Case *c, int nargs)
{
    for (int i = 0; i < builtin_proc_count(); i++) {
        BuiltinProc p;
        Oid args[16];
        if (strcmp(builtin_proc_name(i), c->name)) continue;
        builtin_proc_get(i, &p);
        bool same = p.nargs == nargs && parse_oid_list(p.argtypes, args, 16) == nargs;
        for (int k = 0; same && k < nargs; k++) same = args[k] == c->arg[k].type;
        if (same) return p.oid;
    }
    return 0;
}

static void value_of(Arena *arena, Oid type, const char *text, Datum *out)
{
    static const FormatOptions format = {.extra_float_digits = 1};
    IoContext io = {.format = &format, .arena = arena};
    Error err = ERROR_INIT;
    cr_assert(!failed(type_input(&io, type_builtin(type), slice_cstr(text), -1, out, &err)), "%s: %s", text, err.message);
}

Test(functions, values_and_errors)
{
    functions_register();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const Case *c = &cases[i];
        static const FormatOptions format = {.extra_float_digits = 1};
        Arena arena;
        Error err = ERROR_INIT;
        StrBuf sb;
        Datum args[4], result;
        Oid types[4];
        bool isnull;
        int n = 0;
        arena_init(&arena, NULL, 0);
        strbuf_init(&sb, &arena);
        for (; n < 4 && c->arg[n].text; n++) {
            types[n] = c->arg[n].type;
            value_of(&arena, types[n], c->arg[n].text, &args[n]);
        }
        Oid proc = find_proc(c, n);
        cr_assert(proc, "%s is not in pg_proc", c->name);
        if (failed(call_function(NULL, proc, 100, c->result, n, types, args, NULL, &arena, &result, &isnull, &err))) {
            char state[6];
            sqlstate_text(err.code, state);
            strbuf_printf(&sb, "%s %s", state, err.message);
        } else if (isnull) {
            strbuf_str(&sb, "null");
        } else {
            IoContext io = {.format = &format, .arena = &arena};
            cr_assert(!failed(type_output(&io, type_builtin(c->result), result, &sb, &err)));
        }
        cr_expect_str_eq(strbuf_cstr(&sb), c->want, "%s(%s ...) = %s, expected %s", c->name, c->arg[0].text, strbuf_cstr(&sb), c->want);
        error_clear(&err);
        arena_destroy(&arena);
    }
}

Test(functions, table_is_sorted_and_known)
{
    static const char *const names[] = {
#define FUNC(name) #name,
#define FUNC_OID(oid, name)
#include "functions/func_table.def"
#undef FUNC
#undef FUNC_OID
    };
    size_t n = sizeof names / sizeof names[0];
    for (size_t i = 1; i < n; i++) cr_expect(strcmp(names[i - 1], names[i]) < 0, "%s before %s", names[i - 1], names[i]);
    for (size_t i = 0; i < n; i++) {
        bool known = !strncmp(names[i], "sql_", 4);
        for (int p = 0; p < builtin_proc_count() && !known; p++) {
            BuiltinProc b;
            builtin_proc_get(p, &b);
            known = !strcmp(b.src, names[i]);
        }
        cr_expect(known, "%s is no prosrc", names[i]);
        cr_expect(builtin_function_by_source(names[i]) != NULL);
    }
    cr_expect(builtin_function(177) == builtin_function_by_source("int4pl"));
    cr_expect(builtin_function(1) == NULL);
}

/* Runs a transition function over values and its final function. */
static const char *aggregate(Arena *arena, const char *trans, const char *final, Datum initial, bool null_initial, Oid type, const char *const *values, Oid result)
{
    static const FormatOptions format = {.extra_float_digits = 1};
    Error err = ERROR_INIT;
    Datum args[3] = {initial};
    bool nulls[3] = {null_initial, false, true};
    Oid types[3] = {TYPE_internal, type, TYPE_text};
    StrBuf sb;
    BuiltinFn fn = builtin_function_by_source(trans), fin = final ? builtin_function_by_source(final) : NULL;
    for (; *values; values++) {
        CallFrame cf = {.args = args, .nulls = nulls, .nargs = 2, .arena = arena, .err = &err, .arg_types = types, .agg_arena = arena, .site_arena = arena};
        nulls[1] = !**values;
        if (**values) value_of(arena, type, *values, &args[1]);
        args[0] = fn(&cf);
        nulls[0] = cf.isnull;
    }
    CallFrame cf = {.args = args, .nulls = nulls, .nargs = 1, .arena = arena, .err = &err, .arg_types = types};
    Datum d = fin ? fin(&cf) : args[0];
    cr_assert(!err.code, "%s", err.message);
    if (fin ? cf.isnull : nulls[0]) return "null";
    strbuf_init(&sb, arena);
    IoContext io = {.format = &format, .arena = arena};
    cr_assert(!failed(type_output(&io, type_builtin(result), d, &sb, &err)));
    return strbuf_cstr(&sb);
}

Test(functions, aggregates)
{
    static const char *const ints[] = {"1", "", "2", "3", "4", NULL}, *const none[] = {NULL},
                            *const nums[] = {"-1.5", "100000000000000000000.25", "-0.75", NULL}, *const neg[] = {"-10000.0001", "0.0001", "-99999999", NULL};
    Arena a;
    Datum pair;
    arena_init(&a, NULL, 0);
    value_of(&a, TYPE__int8, "{0,0}", &pair);
    cr_expect_str_eq(aggregate(&a, "int4_sum", NULL, 0, true, TYPE_int4, ints, TYPE_int8), "10");
    cr_expect_str_eq(aggregate(&a, "int4_avg_accum", "int8_avg", pair, false, TYPE_int4, (const char *const[]){"1", "2", "4", NULL}, TYPE_numeric), "2.3333333333333333");
    cr_expect_str_eq(aggregate(&a, "int8_avg_accum", "numeric_poly_sum", 0, true, TYPE_int8, ints, TYPE_numeric), "10");
    cr_expect_str_eq(aggregate(&a, "int4_accum", "numeric_poly_stddev_samp", 0, true, TYPE_int4, ints, TYPE_numeric), "1.2909944487358056");
    cr_expect_str_eq(aggregate(&a, "numeric_avg_accum", "numeric_sum", 0, true, TYPE_numeric, nums, TYPE_numeric), "99999999999999999998.00");
    cr_expect_str_eq(aggregate(&a, "numeric_avg_accum", "numeric_sum", 0, true, TYPE_numeric, neg, TYPE_numeric), "-100009999.0000");
    cr_expect_str_eq(aggregate(&a, "numeric_avg_accum", "numeric_avg", 0, true, TYPE_numeric, none, TYPE_numeric), "null");
    cr_expect_str_eq(aggregate(&a, "array_agg_transfn", "array_agg_finalfn", 0, true, TYPE_int4, ints, TYPE__int4), "{1,NULL,2,3,4}");
    cr_expect_str_eq(datum_get_i64(pair) ? "kept" : "", "kept");
    StrBuf sb;
    Error err = ERROR_INIT;
    strbuf_init(&sb, &a);
    IoContext io = {.format = &(FormatOptions){0}, .arena = &a};
    cr_assert(!failed(type_output(&io, type_builtin(TYPE__int8), pair, &sb, &err)));
    cr_expect_str_eq(strbuf_cstr(&sb), "{0,0}", "the initial value is never changed in place");
    arena_destroy(&a);
}

Test(functions, regexp_syntax)
{
    static const char *const pairs[][2] = {{"\\mfoo\\M", "\\b(?=\\w)foo\\b(?<=\\w)"}, {"a\\y", "a\\b"}, {"[[:alpha:]]\\Z", "[[:alpha:]]\\z"},
                                           {"***=a.b", "a\\.b"}, {"[]a]", "[\\]a]"}, {"\\u0041", "\\x{0041}"}};
    Arena a;
    arena_init(&a, NULL, 0);
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        StrBuf sb;
        int flags = 0;
        strbuf_init(&sb, &a);
        cr_expect(regexp_translate(slice_cstr(pairs[i][0]), &flags, &sb));
        cr_expect_str_eq(strbuf_cstr(&sb), pairs[i][1]);
    }
    arena_destroy(&a);
}
