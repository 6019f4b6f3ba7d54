/* Memcomparable encodings.
 *
 *   part    marker(1) value          marker: null first 0 / not null 1 / null last 2; a null has no value bytes
 *   ints    big-endian, sign bit flipped                floats  IEEE bits, negative ones inverted, else sign flipped
 *   bytes   00 -> 00 FF, then 00 01 at the end          interval  microseconds as PostgreSQL compares them, 16 bytes
 *   timetz  UTC time (8), zone (4)                      numeric, array, custom  TypeInfo.key_bytes, as bytes
 *   descending: value bytes inverted (not the marker, which nulls_first orders)
 *
 * Every value is prefix-free, so keys compare column by column. Equal values have equal bytes: -0 is 0, all NaN are one (and the
 * greatest), blanks at the end of a char(n) do not count, 1.0 is 1.00; such types are not reversible. */
#include "storage/key_codec.h"

#include <lz4.h>

#include "storage/row_codec.h"

enum { KEY_BYTES_MAX = 2704, NULL_FIRST = 0, NOT_NULL = 1, NULL_LAST = 2 };

bool key_part_reversible(const KeyPart *part)
{
    switch (part->type->key) {
    case KEYENC_BOOL: case KEYENC_I16: case KEYENC_I32: case KEYENC_I64: case KEYENC_U32: case KEYENC_U8: case KEYENC_BYTES:
    case KEYENC_FIXED16:
        return true;
    default:
        return false;
    }
}

/* Value bytes of a fixed-size encoding; 0: variable. */
static size_t fixed_bytes(KeyEncoding enc)
{
    switch (enc) {
    case KEYENC_BOOL: case KEYENC_U8: return 1;
    case KEYENC_I16: return 2;
    case KEYENC_I32: case KEYENC_U32: case KEYENC_F4: return 4;
    case KEYENC_I64: case KEYENC_F8: return 8;
    case KEYENC_TIMETZ: return 12;
    case KEYENC_FIXED16: case KEYENC_INTERVAL: return 16;
    default: return 0;
    }
}

static uint64_t order_f8(double d)
{
    uint64_t u;
    if (d == 0) d = 0;
    memcpy(&u, &d, 8);
    if (d != d) u = 0x7ff8000000000000ull;
    return u >> 63 ? ~u : u | 1ull << 63;
}

static uint32_t order_f4(float f)
{
    uint32_t u;
    if (f == 0) f = 0;
    memcpy(&u, &f, 4);
    if (f != f) u = 0x7fc00000u;
    return u >> 31 ? ~u : u | 1u << 31;
}

static void put_interval(uint8_t *p, Datum v)
{
    Interval iv;
    memcpy(&iv, datum_bytes(v), sizeof iv);
    __int128 us = (__int128)iv.time + ((__int128)iv.month * 30 + iv.day) * 86400000000LL;
    key_put_u64(p, (uint64_t)(us >> 64) ^ 1ull << 63);
    key_put_u64(p + 8, (uint64_t)us);
}

static void put_timetz(uint8_t *p, Datum v)
{
    TimeTz t;
    memcpy(&t, datum_bytes(v), sizeof t);
    key_put_u64(p, (uint64_t)(t.time + (int64_t)t.zone * 1000000) ^ 1ull << 63);
    key_put_u32(p + 8, (uint32_t)t.zone ^ 1u << 31);
}

static void put_fixed(KeyEncoding enc, Datum v, uint8_t *p)
{
    uint16_t half;
    switch (enc) {
    case KEYENC_BOOL: *p = v != 0; break;
    case KEYENC_U8: *p = (uint8_t)v; break;
    case KEYENC_I16:
        half = __builtin_bswap16((uint16_t)(datum_get_i16(v) ^ 0x8000));
        memcpy(p, &half, 2);
        break;
    case KEYENC_I32: key_put_u32(p, (uint32_t)v ^ 1u << 31); break;
    case KEYENC_U32: key_put_u32(p, (uint32_t)v); break;
    case KEYENC_I64: key_put_u64(p, v ^ 1ull << 63); break;
    case KEYENC_F4: key_put_u32(p, order_f4(datum_get_f4(v))); break;
    case KEYENC_F8: key_put_u64(p, order_f8(datum_get_f8(v))); break;
    case KEYENC_FIXED16: memcpy(p, datum_bytes(v), 16); break;
    case KEYENC_INTERVAL: put_interval(p, v); break;
    default: put_timetz(p, v); break;
    }
}

static void invert(uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++) p[i] = (uint8_t)~p[i];
}

static void append_escaped(Slice s, StrBuf *out)
{
    const uint8_t *p = s.data, *end = s.len ? s.data + s.len : s.data;
    while (p < end) {
        const uint8_t *zero = memchr(p, 0, (size_t)(end - p));
        if (!zero) zero = end;
        strbuf_append(out, p, (size_t)(zero - p));
        if (zero < end) strbuf_append(out, "\x00\xff", 2);
        p = zero + 1;
    }
    strbuf_append(out, "\x00\x01", 2);
}

/* Types whose order has bytes of its own making: they are put behind the others as an escaped string. */
static STATUS append_custom(const TypeInfo *type, Datum v, StrBuf *out, Error *err)
{
    if (!type->key_bytes) return error_unsupported(err, "an index on this data type");
    StrBuf raw;
    strbuf_init_heap(&raw, NULL);
    Status st = type->key_bytes(type, v, &raw, err);
    if (!failed(st)) st = strbuf_check(&raw, err);
    if (!failed(st)) append_escaped(strbuf_slice(&raw), out);
    strbuf_free(&raw);
    return st;
}

static STATUS append_variable(const TypeInfo *type, Datum v, StrBuf *out, Error *err)
{
    if (type->key == KEYENC_BYTES) {
        append_escaped(varlena_slice(v), out);
        return ST_OK;
    }
    if (type->key == KEYENC_BPCHAR) {
        Slice s = varlena_slice(v);
        while (s.len && s.data[s.len - 1] == ' ') s.len--;
        append_escaped(s, out);
        return ST_OK;
    }
    return append_custom(type, v, out, err);
}

/* PostgreSQL compresses long values before it measures an index row, so a long but monotonous key is fine there and here. */
static bool fits_compressed(const char *key, size_t n)
{
    char room[KEY_BYTES_MAX];
    return n <= LZ4_MAX_INPUT_SIZE && LZ4_compress_default(key, room, (int)n, sizeof room) > 0;
}

STATUS key_encode(const KeyPart *parts, int n, const Datum *values, const bool *nulls, StrBuf *out, Error *err)
{
    size_t start = out->len;
    for (int i = 0; i < n; i++) {
        const KeyPart *part = &parts[i];
        if (nulls && nulls[i]) {
            strbuf_char(out, part->nulls_first ? NULL_FIRST : NULL_LAST);
            continue;
        }
        size_t fixed = fixed_bytes(part->type->key);
        if (likely(fixed)) {
            uint8_t buf[17];
            buf[0] = NOT_NULL;
            put_fixed(part->type->key, values[i], buf + 1);
            if (part->descending) invert(buf + 1, fixed);
            strbuf_append(out, buf, fixed + 1);
            continue;
        }
        strbuf_char(out, NOT_NULL);
        size_t at = out->len;
        TRY(append_variable(part->type, values[i], out, err));
        if (part->descending && !out->oom) invert((uint8_t *)out->data + at, out->len - at);
    }
    if (unlikely(out->len - start > KEY_BYTES_MAX) && !out->oom && !fits_compressed(out->data + start, out->len - start)) {
        error_set(err, ERR_PROGRAM_LIMIT_EXCEEDED, "index row size %zu exceeds btree version 4 maximum %d", out->len - start, KEY_BYTES_MAX);
        return error_hint(err, "Values larger than 1/3 of a buffer page cannot be indexed.\nConsider a function index of an MD5 hash of "
                               "the value, or use full text indexing.");
    }
    return strbuf_check(out, err);
}

static STATUS malformed(Error *err)
{
    return error_set(err, ERR_DATA_CORRUPTED, "malformed index key");
}

/* Length of an escaped string with its end mark, and of what it stands for. */
static bool scan_escaped(const uint8_t *p, size_t n, uint8_t flip, size_t *used, size_t *plain)
{
    size_t bytes = 0;
    for (size_t i = 0; i < n;) {
        const uint8_t *zero = memchr(p + i, flip, n - i);
        if (!zero) return false;
        bytes += (size_t)(zero - p) - i;
        i = (size_t)(zero - p) + 1;
        if (i == n) return false;
        uint8_t next = p[i++] ^ flip;
        if (next == 1) {
            *used = i;
            *plain = bytes;
            return true;
        }
        if (next != 0xff) return false;
        bytes++;
    }
    return false;
}

static void unescape(const uint8_t *p, size_t used, uint8_t flip, uint8_t *out)
{
    for (size_t i = 0; i < used - 2; i++) {
        *out++ = p[i] ^ flip;
        if (p[i] == flip) i++;
    }
}

STATUS key_skip(const KeyPart *part, Slice key, size_t *used, Error *err)
{
    size_t n, plain;
    if (key.len < 1) return malformed(err);
    if (key.data[0] != NOT_NULL) {
        *used = 1;
        return key.data[0] == (part->nulls_first ? NULL_FIRST : NULL_LAST) ? ST_OK : malformed(err);
    }
    size_t fixed = fixed_bytes(part->type->key);
    if (fixed) {
        *used = fixed + 1;
        return key.len > fixed ? ST_OK : malformed(err);
    }
    if (!scan_escaped(key.data + 1, key.len - 1, part->descending ? 0xff : 0, &n, &plain)) return malformed(err);
    *used = n + 1;
    return ST_OK;
}

/* *room: where by-reference values that cannot be borrowed from the key go; moved on. */
static Datum get_fixed(KeyEncoding enc, const uint8_t *in, bool descending, uint8_t **room)
{
    uint8_t buf[16];
    uint16_t half;
    const uint8_t *p = in;
    if (unlikely(descending)) {
        size_t n = fixed_bytes(enc);
        for (size_t i = 0; i < n; i++) buf[i] = (uint8_t)~in[i];
        p = buf;
    }
    switch (enc) {
    case KEYENC_I32: return datum_i32((int32_t)(key_get_u32(p) ^ 1u << 31));
    case KEYENC_I64: return key_get_u64(p) ^ 1ull << 63;
    case KEYENC_U32: return key_get_u32(p);
    case KEYENC_BOOL: case KEYENC_U8: return *p;
    case KEYENC_I16:
        memcpy(&half, p, 2);
        return datum_i16((int16_t)(__builtin_bswap16(half) ^ 0x8000));
    default: break;
    }
    if (p == in) return datum_ptr(in);
    uint8_t *to = *room;
    memcpy(to, p, 16);
    *room += 16;
    return datum_ptr(to);
}

STATUS key_decode_into(const KeyPart *parts, int n, Slice key, uint8_t *room, Datum *values, bool *nulls, size_t *used, Error *err)
{
    const uint8_t *p = key.data, *end = key.data + key.len;
    for (int i = 0; i < n; i++) {
        const KeyPart *part = &parts[i];
        if (p == end) return malformed(err);
        nulls[i] = *p != NOT_NULL;
        values[i] = 0;
        size_t fixed = fixed_bytes(part->type->key), bytes, plain;
        if (nulls[i]) {
            p++;
            continue;
        }
        if (!key_part_reversible(part)) {
            TRY(key_skip(part, slice_of(p, (size_t)(end - p)), &bytes, err));
            p += bytes;
            continue;
        }
        p++;
        if (likely(fixed)) {
            if ((size_t)(end - p) < fixed) return malformed(err);
            values[i] = get_fixed(part->type->key, p, part->descending, &room);
            p += fixed;
            continue;
        }
        uint8_t flip = part->descending ? 0xff : 0;
        if (!scan_escaped(p, (size_t)(end - p), flip, &bytes, &plain)) return malformed(err);
        values[i] = datum_ptr(room);
        uint8_t *body = varlena_put_header(room, plain);
        unescape(p, bytes, flip, body);
        room = body + plain;
        p += bytes;
    }
    if (used) *used = (size_t)(p - key.data);
    return ST_OK;
}

STATUS key_decode(const KeyPart *parts, int n, Slice key, Arena *arena, Datum *values, bool *nulls, size_t *used, Error *err)
{
    uint8_t *room = arena_alloc(arena, key_decode_room(n, key));
    TRY_MEM(room, err);
    return key_decode_into(parts, n, key, room, values, nulls, used, err);
}
