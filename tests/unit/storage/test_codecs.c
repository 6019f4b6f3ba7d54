/* Key, row and index entry codecs: order and round-trip properties over random values. */
#include "storage_test.h"

static uint64_t seed = 88172645463325252ull;
static uint64_t rnd(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    return seed ^= seed << 17;
}

static const TypeInfo *const all_types[] = {&t_bool, &t_char, &t_int2, &t_int4, &t_int8, &t_oid, &t_float4, &t_float8, &t_text, &t_bpchar,
                                            &t_uuid, &t_interval, &t_timetz};
enum { NTYPES = sizeof all_types / sizeof all_types[0] };

/* Small ranges and extremes, so that equal and neighbouring values occur. */
static int64_t rnd_int(void)
{
    static const int64_t special[] = {0, 1, -1, INT16_MAX, INT16_MIN, INT32_MAX, INT32_MIN, INT64_MAX, INT64_MIN, 255, 256};
    switch (rnd() % 3) {
    case 0: return special[rnd() % 11];
    case 1: return (int64_t)(rnd() % 10) - 5;
    default: return (int64_t)rnd();
    }
}

static double rnd_double(void)
{
    static const double special[] = {0.0, -0.0, 1.0, -1.0, 1e300, -1e300, 1e-300, __builtin_inf(), -__builtin_inf(), __builtin_nan("")};
    return rnd() % 2 ? special[rnd() % 10] : (double)rnd_int() / 7;
}

static Datum rnd_text(Arena *arena, bool blanks)
{
    static const char alphabet[] = {0, 1, 'a', 'b', (char)0xff, (char)0xfe, ' '};
    uint8_t buf[200];
    size_t n = rnd() % 8 ? rnd() % 5 : rnd() % 200;
    for (size_t i = 0; i < n; i++) buf[i] = (uint8_t)(blanks ? "ab  "[rnd() % 4] : alphabet[rnd() % 7]);
    return varlena_new(arena, buf, n, NULL);
}

static Datum rnd_value(Arena *arena, const TypeInfo *t)
{
    uint8_t *bytes;
    Interval iv;
    TimeTz tz;
    switch (t->key) {
    case KEYENC_BOOL: return rnd() & 1;
    case KEYENC_U8: return rnd() & 255;
    case KEYENC_I16: return datum_i16((int16_t)rnd_int());
    case KEYENC_I32: return datum_i32((int32_t)rnd_int());
    case KEYENC_U32: return (uint32_t)rnd_int();
    case KEYENC_I64: return datum_i64(rnd_int());
    case KEYENC_F4: return datum_f4((float)rnd_double());
    case KEYENC_F8: return datum_f8(rnd_double());
    case KEYENC_BYTES: return rnd_text(arena, false);
    case KEYENC_BPCHAR: return rnd_text(arena, true);
    case KEYENC_FIXED16:
        bytes = arena_zalloc(arena, 16);
        for (int i = 0; i < 16; i++) bytes[i] = (uint8_t)(rnd() % 3 ? rnd() & 1 : rnd());
        return datum_ptr(bytes);
    case KEYENC_INTERVAL:
        iv = (Interval){rnd() % 2 ? 0 : (int64_t)(rnd() % 3) * 86400000000LL, (int32_t)(rnd() % 61) - 30, (int32_t)(rnd() % 5) - 2};
        return datum_ptr(arena_memdup(arena, &iv, sizeof iv));
    default:
        tz = (TimeTz){(int64_t)(rnd() % 5) * 3600000000LL, (int32_t)(rnd() % 5) * 3600 - 7200};
        bytes = arena_zalloc(arena, 12);
        memcpy(bytes, &tz.time, 8);
        memcpy(bytes + 8, &tz.zone, 4);
        return datum_ptr(bytes);
    }
}

static int cmp_f8(double a, double b)
{
    if (a != a || b != b) return (a != a) - (b != b);
    return (a > b) - (a < b);
}

static Slice trimmed(Datum d)
{
    Slice s = varlena_slice(d);
    while (s.len && s.data[s.len - 1] == ' ') s.len--;
    return s;
}

static int sign(int x) { return (x > 0) - (x < 0); }

static __int128 interval_us(Datum d)
{
    Interval iv;
    memcpy(&iv, datum_bytes(d), 16);
    return (__int128)iv.time + ((__int128)iv.month * 30 + iv.day) * 86400000000LL;
}

static int cmp_timetz(Datum a, Datum b)
{
    int64_t at, bt;
    int32_t az, bz;
    memcpy(&at, datum_bytes(a), 8);
    memcpy(&bt, datum_bytes(b), 8);
    memcpy(&az, datum_bytes(a) + 8, 4);
    memcpy(&bz, datum_bytes(b) + 8, 4);
    int64_t au = at + az * 1000000LL, bu = bt + bz * 1000000LL;
    return au != bu ? (au > bu) - (au < bu) : (az > bz) - (az < bz);
}

static int cmp_value(const TypeInfo *t, Datum a, Datum b)
{
    switch (t->key) {
    case KEYENC_BOOL: case KEYENC_U8: case KEYENC_U32: return (a > b) - (a < b);
    case KEYENC_I16: case KEYENC_I32: case KEYENC_I64: return ((int64_t)a > (int64_t)b) - ((int64_t)a < (int64_t)b);
    case KEYENC_F4: return cmp_f8(datum_get_f4(a), datum_get_f4(b));
    case KEYENC_F8: return cmp_f8(datum_get_f8(a), datum_get_f8(b));
    case KEYENC_BYTES: return sign(slice_compare(varlena_slice(a), varlena_slice(b)));
    case KEYENC_BPCHAR: return sign(slice_compare(trimmed(a), trimmed(b)));
    case KEYENC_FIXED16: return sign(memcmp(datum_bytes(a), datum_bytes(b), 16));
    case KEYENC_INTERVAL: return (interval_us(a) > interval_us(b)) - (interval_us(a) < interval_us(b));
    default: return cmp_timetz(a, b);
    }
}

static bool same_bits(const TypeInfo *t, Datum a, Datum b)
{
    if (t->byval) return t->typlen == 8 ? a == b : !memcmp(&a, &b, (size_t)t->typlen);
    return t->typlen > 0 ? !memcmp(datum_bytes(a), datum_bytes(b), (size_t)t->typlen) : slice_equal(varlena_slice(a), varlena_slice(b));
}

typedef struct Part { Datum v; bool null; } Part;

static int cmp_parts(const KeyPart *parts, int n, const Datum *a, const bool *an, const Datum *b, const bool *bn)
{
    for (int i = 0; i < n; i++) {
        int c;
        if (an[i] || bn[i]) c = an[i] && bn[i] ? 0 : (an[i] == parts[i].nulls_first ? -1 : 1);
        else c = cmp_value(parts[i].type, a[i], b[i]) * (parts[i].descending ? -1 : 1);
        if (c) return c;
    }
    return 0;
}

static void rnd_parts(KeyPart *parts, int n)
{
    for (int i = 0; i < n; i++) parts[i] = (KeyPart){i, rnd() & 1, rnd() & 1, all_types[rnd() % NTYPES]};
}

Test(codecs, key_order)
{
    Arena arena;
    arena_init(&arena, NULL, 0);
    for (int round = 0; round < 20000; round++) {
        int n = 1 + (int)(rnd() % 3);
        KeyPart parts[3];
        Datum a[3], b[3];
        bool an[3], bn[3];
        StrBuf ka, kb;
        rnd_parts(parts, n);
        for (int i = 0; i < n; i++) {
            a[i] = rnd_value(&arena, parts[i].type);
            b[i] = rnd() % 3 ? rnd_value(&arena, parts[i].type) : a[i];
            an[i] = rnd() % 8 == 0;
            bn[i] = rnd() % 3 ? rnd() % 8 == 0 : an[i];
        }
        strbuf_init(&ka, &arena);
        strbuf_init(&kb, &arena);
        OK(key_encode(parts, n, a, an, &ka, err));
        OK(key_encode(parts, n, b, bn, &kb, err));
        int want = cmp_parts(parts, n, a, an, b, bn), got = sign(slice_compare(strbuf_slice(&ka), strbuf_slice(&kb)));
        cr_assert_eq(want, got, "round %d type %s: want %d, got %d", round, parts[0].type->name, want, got);
        size_t used, all = 0;
        for (int i = 0; i < n; i++) {
            OK(key_skip(&parts[i], slice_of(ka.data + all, ka.len - all), &used, err));
            all += used;
        }
        cr_assert_eq(all, ka.len);
        Datum back[3];
        bool nulls[3];
        strbuf_append(&ka, "rest", 4);
        OK(key_decode(parts, n, strbuf_slice(&ka), &arena, back, nulls, &used, err));
        cr_assert_eq(used, all);
        for (int i = 0; i < n; i++) {
            cr_assert_eq(nulls[i], an[i]);
            if (!an[i] && key_part_reversible(&parts[i])) cr_assert(same_bits(parts[i].type, a[i], back[i]), "%s", parts[i].type->name);
        }
        arena_reset(&arena);
    }
    arena_destroy(&arena);
}

Test(codecs, malformed_keys_are_refused)
{
    Arena arena;
    arena_init(&arena, NULL, 0);
    for (int round = 0; round < 20000; round++) {
        KeyPart parts[3];
        uint8_t junk[24];
        Datum v[3];
        bool n[3];
        size_t used;
        Error e = ERROR_INIT;
        rnd_parts(parts, 3);
        for (size_t i = 0; i < sizeof junk; i++) junk[i] = (uint8_t)(rnd() % 4 ? rnd() % 3 : rnd());
        uint8_t *exact = malloc(rnd() % 24 + 1); /* so that a sanitizer sees every byte too many */
        size_t len = rnd() % 24 + 1;
        free(exact);
        exact = malloc(len);
        memcpy(exact, junk, len);
        if (!failed(key_decode(parts, 3, slice_of(exact, len), &arena, v, n, &used, &e))) cr_assert_leq(used, len);
        error_clear(&e);
        free(exact);
        arena_reset(&arena);
    }
    arena_destroy(&arena);
}

Test(codecs, key_too_long)
{
    Arena arena;
    StrBuf out;
    arena_init(&arena, NULL, 0);
    strbuf_init(&out, &arena);
    uint8_t *body;
    Datum v = varlena_new(&arena, NULL, 3000, &body);
    memset(body, 'x', 3000);
    KeyPart part = {0, false, false, &t_text};
    OK(key_encode(&part, 1, &v, NULL, &out, err)); /* compresses well */
    for (int i = 0; i < 3000; i++) body[i] = (uint8_t)rnd();
    FAILS(key_encode(&part, 1, &v, NULL, &out, err), ERR_PROGRAM_LIMIT_EXCEEDED);
    arena_destroy(&arena);
}

/* ---- Rows. */

enum { MAXCOLS = 300 };
typedef struct Shape {
    TableDef def;
    TupleDesc desc;
    ColumnDef columns[MAXCOLS];
    Attribute atts[MAXCOLS];
    KeyPart key[4];
} Shape;

static void shape_make(Shape *s, int ncolumns, int nkey)
{
    memset(s, 0, sizeof *s);
    for (int i = 0; i < ncolumns; i++) {
        s->columns[i].type = all_types[rnd() % NTYPES];
        s->atts[i] = (Attribute){.type = s->columns[i].type->oid, .typlen = s->columns[i].type->typlen, .byval = s->columns[i].type->byval};
    }
    for (int i = 0; i < nkey; i++) {
        int c = (i * 7 + 3) % ncolumns;
        s->key[i] = (KeyPart){c, rnd() & 1, false, s->columns[c].type};
    }
    s->desc = (TupleDesc){ncolumns, s->atts, 0};
    s->def = (TableDef){.storage_id = 77, .relid = 88, .desc = &s->desc, .ncolumns = ncolumns, .columns = s->columns, .nkey = nkey, .key = s->key};
}

static bool in_key(const Shape *s, int column)
{
    for (int i = 0; i < s->def.nkey; i++) {
        if (s->key[i].column == column) return true;
    }
    return false;
}

static void rnd_row(Arena *arena, const Shape *s, Datum *values, bool *nulls)
{
    int density = (int)(rnd() % 3);
    for (int i = 0; i < s->def.ncolumns; i++) {
        nulls[i] = density && !in_key(s, i) && rnd() % 4 < (uint64_t)density;
        values[i] = rnd_value(arena, s->columns[i].type);
    }
}

static void check_slot(TupleSlot *slot, const Shape *s, const Datum *values, const bool *nulls, int n)
{
    for (int i = 0; i < n; i++) {
        cr_assert_eq(slot->nulls[i], nulls[i], "column %d", i);
        if (!nulls[i]) cr_assert(same_bits(s->columns[i].type, slot->values[i], values[i]), "column %d %s", i, s->columns[i].type->name);
    }
}

Test(codecs, rows_round_trip)
{
    Arena arena;
    static Shape s;
    static Datum values[MAXCOLS];
    static bool nulls[MAXCOLS];
    arena_init(&arena, NULL, 0);
    for (int round = 0; round < 4000; round++) {
        int ncolumns = rnd() % 50 == 0 ? 300 : 1 + (int)(rnd() % 20);
        shape_make(&s, ncolumns, ncolumns >= 4 ? (int)(rnd() % 3) : 0);
        rnd_row(&arena, &s, values, nulls);
        StrBuf key, value;
        strbuf_init(&key, &arena);
        strbuf_init(&value, &arena);
        uint64_t xid = rnd() >> (rnd() % 64), stamp = xid + (rnd() % 2 ? rnd() % 1000 : rnd() >> 10);
        if (stamp == 0 || stamp < xid) continue;
        if (s.def.nkey) OK(row_key_encode(&s.def, values, nulls, &key, err));
        OK(row_encode(&s.def, xid, stamp, values, nulls, &value, err));
        cr_assert_eq(row_stamp(strbuf_slice(&value)), stamp);
        cr_assert_eq(row_xid(strbuf_slice(&value)), xid);
        RowCodec *rc;
        TupleSlot *slot = slot_new(&arena, &s.desc);
        OK(row_codec_table(&arena, &s.def, &rc, err));
        /* exact copies, so that a sanitizer sees reads past the end */
        uint8_t *kb = malloc(key.len + 1), *vb = malloc(value.len);
        if (key.len) memcpy(kb, key.data, key.len);
        memcpy(vb, value.data, value.len);
        OK(row_attach(slot, rc, slice_of(kb + 4, key.len ? key.len - 4 : 0), slice_of(vb, value.len), err));
        int upto = 1 + (int)(rnd() % (uint64_t)ncolumns);
        OK(slot_decode(slot, upto, err));
        check_slot(slot, &s, values, nulls, upto);
        OK(slot_decode_all(slot, err));
        check_slot(slot, &s, values, nulls, ncolumns);
        /* Every truncation is an error or a shorter value, never a read outside. */
        size_t cut = rnd() % value.len;
        uint8_t *short_copy = malloc(cut + 1);
        memcpy(short_copy, vb, cut);
        Error e = ERROR_INIT;
        if (!failed(row_attach(slot, rc, slice_of(kb + 4, key.len ? key.len - 4 : 0), slice_of(short_copy, cut), &e))) {
            Status ignored = slot_decode_all(slot, &e);
            (void)ignored;
        }
        error_clear(&e);
        free(short_copy);
        free(kb);
        free(vb);
        arena_reset(&arena);
    }
    arena_destroy(&arena);
}

Test(codecs, added_and_dropped_columns)
{
    Arena arena;
    static Shape s, t;
    Datum values[8];
    bool nulls[8] = {0};
    arena_init(&arena, NULL, 0);
    shape_make(&s, 3, 0);
    for (int i = 0; i < 3; i++) s.columns[i].type = &t_int4;
    for (int i = 0; i < 3; i++) values[i] = datum_i32(i + 10);
    StrBuf value;
    strbuf_init(&value, &arena);
    OK(row_encode(&s.def, 5, 6, values, nulls, &value, err));
    /* Then column 1 was dropped, and three columns added: a constant default, a null default, none. */
    shape_make(&t, 6, 0);
    for (int i = 0; i < 6; i++) t.columns[i].type = &t_int4;
    t.columns[1].dropped = true;
    t.columns[3].has_missing = true;
    t.columns[3].missing = datum_i32(-7);
    t.columns[4].has_missing = t.columns[4].missing_null = true;
    RowCodec *rc;
    TupleSlot *slot = slot_new(&arena, &t.desc);
    OK(row_codec_table(&arena, &t.def, &rc, err));
    OK(row_attach(slot, rc, slice_of(NULL, 0), strbuf_slice(&value), err));
    OK(slot_decode_all(slot, err));
    bool want[6] = {false, true, false, false, true, true};
    for (int i = 0; i < 6; i++) cr_assert_eq(slot->nulls[i], want[i], "column %d", i);
    cr_assert_eq(datum_get_i32(slot->values[0]), 10);
    cr_assert_eq(datum_get_i32(slot->values[2]), 12);
    cr_assert_eq(datum_get_i32(slot->values[3]), -7);
    /* A row written now has no bytes for the dropped one. */
    StrBuf newer;
    strbuf_init(&newer, &arena);
    bool no_nulls[8] = {0};
    for (int i = 0; i < 6; i++) values[i] = datum_i32(i + 20);
    OK(row_encode(&t.def, 5, 6, values, no_nulls, &newer, err));
    OK(row_attach(slot, rc, slice_of(NULL, 0), strbuf_slice(&newer), err));
    OK(slot_decode_all(slot, err));
    for (int i = 0; i < 6; i++) {
        cr_assert_eq(slot->nulls[i], i == 1);
        if (i != 1) cr_assert_eq(datum_get_i32(slot->values[i]), i + 20);
    }
    arena_destroy(&arena);
}

/* ---- Index entries. */

Test(codecs, index_entries_round_trip)
{
    Arena arena;
    static Shape s;
    Datum values[8];
    bool nulls[8];
    arena_init(&arena, NULL, 0);
    for (int round = 0; round < 8000; round++) {
        int ncolumns = 1 + (int)(rnd() % 4), nkey = 1 + (int)(rnd() % (uint64_t)ncolumns);
        shape_make(&s, ncolumns, 0);
        for (int i = 0; i < nkey; i++) s.key[i] = (KeyPart){i, rnd() & 1, rnd() & 1, s.columns[i].type};
        IndexDef def = {.storage_id = 99, .table = &s.def, .desc = &s.desc, .ncolumns = ncolumns, .columns = s.columns, .nkey = nkey, .key = s.key,
                        .unique = rnd() & 1, .nulls_not_distinct = rnd() & 1, .deferrable = rnd() % 4 == 0};
        for (int i = 0; i < ncolumns; i++) {
            nulls[i] = rnd() % 4 == 0;
            values[i] = rnd_value(&arena, s.columns[i].type);
        }
        uint8_t row_key[200];
        size_t row_key_len = 1 + rnd() % (rnd() % 8 ? 10 : 190);
        for (size_t i = 0; i < row_key_len; i++) row_key[i] = (uint8_t)rnd();
        StrBuf key, value, columns;
        strbuf_init(&key, &arena);
        strbuf_init(&value, &arena);
        strbuf_init(&columns, &arena);
        OK(index_entry_encode(&def, values, nulls, slice_of(row_key, row_key_len), &key, &value, err));
        OK(index_key_encode(&def, values, nulls, &columns, err));
        cr_assert(slice_has_prefix(strbuf_slice(&key), strbuf_slice(&columns)));
        cr_assert_eq(key.len > columns.len, index_entry_has_row_key(&def, nulls));
        Slice found, stored_key = slice_of(key.data + 4, key.len - 4);
        OK(index_entry_row_key(&def, stored_key, strbuf_slice(&value), &found, err));
        cr_assert(slice_equal(found, slice_of(row_key, row_key_len)));
        RowCodec *rc;
        TupleSlot *slot = slot_new(&arena, &s.desc);
        OK(row_codec_index(&arena, &def, &rc, err));
        OK(index_attach(slot, rc, stored_key, strbuf_slice(&value), err));
        cr_assert(slice_equal(slot->key, slice_of(row_key, row_key_len)));
        OK(slot_decode(slot, 1, err));
        OK(slot_decode_all(slot, err));
        check_slot(slot, &s, values, nulls, ncolumns);
        cr_assert(index_entry_same(&def, values, nulls, slot->values, slot->nulls));
        arena_reset(&arena);
    }
    arena_destroy(&arena);
}
