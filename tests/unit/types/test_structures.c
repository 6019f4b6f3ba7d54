/* Arrays, records, slots, flat rows, UTF-8 and the JSON parser, as other floors use them. */
#include "types/io_support.h"

#include "types/array.h"
#include "types/jsonb.h"
#include "types/record.h"
#include "types/utf8.h"

TestSuite(structures, .init = io_setup, .fini = io_teardown);

Test(structures, varlena_headers)
{
    for (size_t n = 0; n < 400; n++) {
        uint8_t *body;
        Datum d = varlena_new(&io_arena, NULL, n, &body);
        memset(body, 7, n);
        cr_assert_eq(varlena_slice(d).len, n);
        cr_assert_eq(varlena_total(datum_bytes(d)), varlena_size(n));
    }
    cr_assert_eq(varlena_new(&io_arena, NULL, VARLENA_MAX + 1, NULL), 0);
    cr_assert_str_eq(varlena_to_cstr(&io_arena, varlena_cstr(&io_arena, "abc")), "abc");
}

Test(structures, arrays_are_built_and_read)
{
    const TypeInfo *text = type_named("text"), *int4 = type_named("int4");
    ArrayBuilder b;
    ArrayView v;
    Datum d, *values, x;
    bool *nulls, null;
    int n;
    array_builder_init(&b, &io_arena, text);
    for (int i = 0; i < 50; i++) {
        char s[20];
        snprintf(s, sizeof s, "item %d", i);
        cr_assert_eq(array_builder_add(&b, varlena_cstr(&io_arena, s), i % 7 == 3, &io_err), ST_OK);
    }
    cr_assert_eq(array_builder_finish(&b, &io_arena, &d, &io_err), ST_OK);
    cr_assert_eq(array_deconstruct(&io_arena, d, text, &values, &nulls, &n, &io_err), ST_OK);
    cr_assert_eq(n, 50);
    cr_assert(nulls[3] && !nulls[4]);
    cr_assert_str_eq(out("text", values[49]), "item 49");
    cr_assert_eq(array_subscript(d, text, 1, (int32_t[]){50}, &x, &null, &io_err), ST_OK);
    cr_assert_not(null);
    cr_assert_str_eq(out("text", x), "item 49");
    d = in("_int4", "[0:1][5:7]={{1,2,3},{4,5,6}}");
    cr_assert_eq(array_open(d, &v, &io_err), ST_OK);
    cr_assert(v.ndim == 2 && v.dims[1] == 3 && v.lbounds[1] == 5 && v.nitems == 6 && v.elem == TYPE_int4);
    cr_assert_eq(array_subscript(d, int4, 2, (int32_t[]){1, 6}, &x, &null, &io_err), ST_OK);
    cr_assert_eq(datum_get_i32(x), 5);
    cr_assert_eq(array_subscript(d, int4, 2, (int32_t[]){2, 6}, &x, &null, &io_err), ST_OK);
    cr_assert(null);
    cr_assert_eq(array_subscript(d, int4, 1, (int32_t[]){1}, &x, &null, &io_err), ST_OK);
    cr_assert(null);
    cr_assert_eq(array_make_1d(&io_arena, int4, 0, NULL, NULL, &d, &io_err), ST_OK);
    cr_assert_str_eq(out("_int4", d), "{}");
    cr_assert_eq(array_open(varlena_new(&io_arena, "\7\0\0\0\0\0\0\0", 8, NULL), &v, &io_err), ST_FAILED);
    cr_assert_eq(io_err.code, ERR_DATA_CORRUPTED);
}

Test(structures, array_order)
{
    cr_assert_eq(compare("_int4", "{1,2}", "{1,3}"), -1);
    cr_assert_eq(compare("_int4", "{1,2}", "{1}"), 1);
    cr_assert_eq(compare("_int4", "{NULL}", "{1}"), 1);
    cr_assert_eq(compare("_int4", "{NULL}", "{NULL}"), 0);
    cr_assert_eq(compare("_int4", "{{1,2}}", "{1,2}"), 1);
    cr_assert_eq(compare("_int4", "[2:3]={1,2}", "{1,2}"), 1);
    cr_assert_eq(compare("_text", "{b}", "{ab}"), 1);
}

static TupleDesc *sample_desc(void)
{
    static const char *const types[] = {"int4", "text", "bool", "float8", "uuid", "int2", "oid", "_int4"};
    TupleDesc *desc = tupledesc_new(&io_arena, 8);
    for (int i = 0; i < 8; i++) attribute_set(&desc->atts[i], types[i], type_named(types[i]), -1);
    return desc;
}

static void fill_sample(TupleSlot *slot)
{
    static const char *const texts[] = {"-7", "some, \"text\"", "t", "1.5", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "-2", "4294967295", "{1,NULL}"};
    for (int i = 0; i < 8; i++) {
        slot->nulls[i] = false;
        slot->values[i] = in(slot->desc->atts[i].name, texts[i]);
    }
    slot->nulls[3] = true;
    slot_store_virtual(slot);
}

static void same_rows(TupleSlot *a, TupleSlot *b)
{
    for (int i = 0; i < a->desc->natts; i++) {
        const TypeInfo *t = type_builtin(a->desc->atts[i].type);
        cr_assert_eq(a->nulls[i], b->nulls[i]);
        if (!a->nulls[i]) cr_assert_eq(t->compare(t, a->values[i], b->values[i]), 0, "%s", t->name);
        if (!a->nulls[i] && t->byval) cr_assert_eq(a->values[i], b->values[i], "%s", t->name);
    }
}

Test(structures, flat_rows)
{
    TupleDesc *desc = tupledesc_copy(&io_arena, sample_desc());
    TupleSlot *a = slot_new(&io_arena, desc), *b = slot_new(&io_arena, desc), *c = slot_new(&io_arena, desc);
    cr_assert(a->empty);
    fill_sample(a);
    size_t n = mintuple_size(a);
    uint8_t *bytes = malloc(n);
    mintuple_write(a, bytes);
    cr_assert_eq(mintuple_read(bytes, n, b, &io_err), ST_OK);
    same_rows(a, b);
    cr_assert_eq(slot_copy(c, b, &io_arena, &io_err), ST_OK);
    cr_assert_eq(slot_materialize(b, &io_arena, &io_err), ST_OK);
    memset(bytes + 4, 0xAA, n - 4);
    same_rows(a, b);
    same_rows(a, c);
    mintuple_write(a, bytes);
    for (size_t cut = 0; cut < n; cut++) { /* cut anywhere: refused, never read past the end */
        uint8_t *part = malloc(cut + 1);
        memcpy(part, bytes, cut);
        uint32_t total = (uint32_t)cut;
        if (cut >= 4) memcpy(part, &total, 4);
        error_clear(&io_err);
        cr_assert_eq(mintuple_read(part, cut, b, &io_err), ST_FAILED);
        cr_assert_eq(io_err.code, ERR_DATA_CORRUPTED);
        free(part);
    }
    free(bytes);
    slot_clear(a);
    cr_assert(a->empty && a->nvalid == 0);
}

Test(structures, records)
{
    TupleDesc *desc = sample_desc();
    TupleSlot *slot = slot_new(&io_arena, desc);
    Datum rec, again;
    RecordView v;
    RecordColumn col;
    const char *text = "(-7,\"some, \"\"text\"\"\",t,,a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11,-2,4294967295,\"{1,NULL}\")";
    fill_sample(slot);
    cr_assert_eq(record_make(&io_arena, desc, slot->values, slot->nulls, &rec, &io_err), ST_OK);
    cr_assert_str_eq(out("record", rec), text);
    cr_assert_eq(record_parse(&io, desc, slice_cstr(text), &again, &io_err), ST_OK, "%s", io_err.message);
    const TypeInfo *t = type_named("record");
    cr_assert_eq(t->compare(t, rec, again), 0);
    cr_assert_eq(t->hash(t, rec), t->hash(t, again));
    StrBuf wire;
    strbuf_init(&wire, &io_arena);
    cr_assert_eq(type_send(&io, t, rec, &wire, &io_err), ST_OK);
    cr_assert_eq(record_parse_binary(&io, desc, strbuf_slice(&wire), &again, &io_err), ST_OK, "%s", io_err.message);
    cr_assert_eq(t->compare(t, rec, again), 0);
    cr_assert_eq(record_open(rec, &v, &io_err), ST_OK);
    record_column(&v, 5, &col);
    cr_assert(col.type == TYPE_int2 && datum_get_i16(col.value) == -2 && !col.is_null);
    record_column(&v, 3, &col);
    cr_assert(col.is_null);
    record_column(&v, 8, &col);
    cr_assert(col.is_null);
}

Test(structures, malformed_records)
{
    static const char *const cases[][2] = {
        {"1,2", "Missing left parenthesis."}, {"(1)", "Too few columns."}, {"(1,a,t,1)x", "Too few columns."},
        {"(1,a,t,1,,1,1,{},9)", "Too many columns."}, {"(1,a,t,1,,1,1,{}) x", "Junk after right parenthesis."},
        {"(1,a", "Unexpected end of input."}, {"(\"1", "Unexpected end of input."}};
    Datum d;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        error_clear(&io_err);
        cr_assert_eq(record_parse(&io, sample_desc(), slice_cstr(cases[i][0]), &d, &io_err), ST_FAILED);
        cr_assert_str_eq(io_err.detail, cases[i][1], "%s: %s", cases[i][0], io_err.detail);
        cr_assert_eq(io_err.code, ERR_INVALID_TEXT_REPRESENTATION);
    }
}

Test(structures, utf8)
{
    static const char *const bad[] = {"\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\x80", "\xe2\x82", "\xff", "\xf8\x88\x80\x80\x80", "abcdefgh\xc3"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) cr_assert_not(utf8_is_valid(slice_cstr(bad[i])), "%zu", i);
    Slice s = slice_cstr("aä€😀 and more ASCII behind it");
    cr_assert(utf8_is_valid(s) && !utf8_is_ascii(s));
    cr_assert_eq(utf8_count(s), 4 + strlen(" and more ASCII behind it"));
    cr_assert_eq(utf8_offset(s, 3), 1 + 2 + 3);
    cr_assert_eq(utf8_clip(s, 5), 3);
    for (uint32_t cp = 1; cp < 0x110000; cp += cp < 0x3000 ? 1 : 97) {
        if (cp >= 0xD800 && cp <= 0xDFFF) continue;
        uint8_t b[4];
        int n = utf8_encode(cp, b), len;
        cr_assert(utf8_is_valid(slice_of(b, (size_t)n)));
        cr_assert_eq(utf8_decode(b, &len), cp);
        cr_assert_eq(len, n);
    }
    cr_assert_not(utf8_is_valid(slice_of("abcdefg\0", 8)));
}

static Status on_key(void *arg, Slice key, Error *err)
{
    strbuf_printf(arg, "k:%.*s ", (int)key.len, (const char *)key.data);
    return ST_OK;
}

static Status on_scalar(void *arg, JsonScalar kind, Slice text, Error *err)
{
    strbuf_printf(arg, "%d:%.*s ", kind, (int)text.len, (const char *)text.data);
    return ST_OK;
}

Test(structures, json_events)
{
    JsonEvents events = {.key = on_key, .scalar = on_scalar};
    StrBuf sb;
    strbuf_init(&sb, &io_arena);
    Slice text = slice_cstr("{\"a\\u00e9\": [1, \"x\\ny\", true, null], \"b\": \"\\ud83d\\ude00\"}");
    cr_assert_eq(json_parse(&io_arena, text, &events, &sb, &io_err), ST_OK);
    cr_assert_str_eq(strbuf_cstr(&sb), "k:aé 3:1 4:x\ny 2:true 0:null k:b 4:😀 ");
    static const char *const bad[][2] = {{"\"\\u0000\"", "\\u0000 cannot be converted to text."},
                                         {"\"\\ud800x\"", "Unicode low surrogate must follow a high surrogate."},
                                         {"\"\\ude00\"", "Unicode low surrogate must follow a high surrogate."},
                                         {"\"\\ud800\\ud800\"", "Unicode high surrogate must not follow a high surrogate."}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        error_clear(&io_err);
        cr_assert_eq(json_parse(&io_arena, slice_cstr(bad[i][0]), &events, &sb, &io_err), ST_FAILED);
        cr_assert_str_eq(io_err.detail, bad[i][1]);
    }
    error_clear(&io_err);
    char *deep = malloc(1000001);
    memset(deep, '[', 1000000);
    deep[1000000] = 0;
    cr_assert_eq(json_parse(&io_arena, slice_cstr(deep), NULL, NULL, &io_err), ST_FAILED);
    cr_assert_eq(io_err.code, ERR_STATEMENT_TOO_COMPLEX);
    free(deep);
    strbuf_reset(&sb);
    json_put_string(&sb, slice_cstr("a\"b\\c\n\1"));
    cr_assert_str_eq(strbuf_cstr(&sb), "\"a\\\"b\\\\c\\n\\u0001\"");
}

static JsonbNode jsonb(const char *text)
{
    JsonbNode n;
    cr_assert_eq(jsonb_root(in("jsonb", text), &n, &io_err), ST_OK);
    return n;
}

Test(structures, jsonb_order)
{
    static const char *const sorted[] = {"[]", "null", "\"a\"", "\"b\"", "-5", "1", "false", "true", "[null]", "[\"a\"]", "[1]", "[[]]", "[{}]", "[1, 2]",
                                         "{}", "{\"a\": 1}", "{\"a\": 2}", "{\"aa\": 1}", "{\"b\": 1}", "{\"a\": 1, \"b\": 2}"};
    int n = (int)(sizeof sorted / sizeof *sorted);
    for (int i = 0; i < n; i++)
        for (int k = 0; k < n; k++) cr_assert_eq(compare("jsonb", sorted[i], sorted[k]), (i > k) - (i < k), "%s %s", sorted[i], sorted[k]);
    const TypeInfo *t = type_named("jsonb");
    cr_assert_eq(t->hash(t, in("jsonb", "{\"a\":1.0,\"b\":[2]}")), t->hash(t, in("jsonb", "{\"b\":[2.00],\"a\":1}")));
}

Test(structures, jsonb_access_and_containment)
{
    JsonbNode n = jsonb("{\"b\": {\"c\": [10, \"x\", null]}, \"a\": 1, \"long key\": true, \"a\": 2}"), b, c, x;
    cr_assert_eq(jsonb_count(n), 3);
    cr_assert(jsonb_find(n, slice_cstr("b"), &b) && jsonb_find(b, slice_cstr("c"), &c) && !jsonb_find(n, slice_cstr("zz"), &x));
    cr_assert(jsonb_element(c, -2, &x) && slice_equal(jsonb_string(x), slice_cstr("x")) && !jsonb_element(c, 3, &x));
    cr_assert(jsonb_find(n, slice_cstr("a"), &x));
    cr_assert_str_eq(out("numeric", jsonb_number(x)), "2");
    static const struct { const char *a, *b; bool yes; } cases[] = {
        {"{\"a\":1,\"b\":2}", "{\"a\":1}", true}, {"{\"a\":1}", "{\"a\":2}", false}, {"[1,2,3]", "[3,1,1]", true}, {"[1,[2,3]]", "[[2]]", true},
        {"[1,[2,3]]", "[2]", false}, {"[\"x\"]", "\"x\"", true}, {"\"x\"", "[\"x\"]", false}, {"{\"a\":{\"b\":1,\"c\":2}}", "{\"a\":{\"c\":2}}", true},
        {"{\"a\":[1,2]}", "{\"a\":1}", false}, {"[]", "{}", false}, {"{}", "{}", true}, {"[1]", "[]", true}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_assert_eq(jsonb_contains(jsonb(cases[i].a), jsonb(cases[i].b)), cases[i].yes, "%s @> %s", cases[i].a, cases[i].b);
}

Test(structures, jsonb_builder)
{
    JsonbBuilder b;
    Datum d;
    StrBuf sb;
    jsonb_builder_init(&b, &io_arena);
    cr_assert(!failed(jsonb_begin(&b, JSONB_OBJECT, &io_err)) && !failed(jsonb_add_key(&b, slice_cstr("k"), &io_err)));
    cr_assert(!failed(jsonb_begin(&b, JSONB_ARRAY, &io_err)) && !failed(jsonb_add_node(&b, jsonb("{\"z\":[1]}"), &io_err)));
    cr_assert(!failed(jsonb_add_bool(&b, true, &io_err)) && !failed(jsonb_end(&b, &io_err)));
    cr_assert(!failed(jsonb_add_key(&b, slice_cstr("e"), &io_err)) && !failed(jsonb_begin(&b, JSONB_OBJECT, &io_err)) && !failed(jsonb_end(&b, &io_err)));
    cr_assert(!failed(jsonb_end(&b, &io_err)) && !failed(jsonb_finish(&b, &d, &io_err)));
    cr_assert_str_eq(out("jsonb", d), "{\"e\": {}, \"k\": [{\"z\": [1]}, true]}");
    strbuf_init(&sb, &io_arena);
    JsonbNode root;
    cr_assert(!failed(jsonb_root(d, &root, &io_err)) && !failed(jsonb_put_text(root, &sb, 0, &io_err)));
    cr_assert_str_eq(strbuf_cstr(&sb), "{\n    \"e\": {\n    },\n    \"k\": [\n        {\n            \"z\": [\n                1\n            ]\n        },\n        true\n    ]\n}");
    cr_assert_eq(jsonb_add_number(&b, in("numeric", "NaN"), &io_err), ST_FAILED);
    cr_assert_str_eq(io_err.message, "cannot convert NaN to jsonb");
}
