/* uuid: sixteen bytes, by reference. */
#include "common/hash.h"
#include "types/types_internal.h"

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9') return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* 32 digits, a hyphen allowed after each group of four, braces around the whole. */
static bool parse_uuid(Slice s, uint8_t out[16])
{
    const uint8_t *p = s.data, *end = p + s.len;
    bool braces = p < end && *p == '{';
    if (braces) p++;
    for (int i = 0; i < 16; i++) {
        if (end - p < 2) return false;
        int high = hex_digit(p[0]), low = hex_digit(p[1]);
        if (high < 0 || low < 0) return false;
        out[i] = (uint8_t)(high << 4 | low);
        p += 2;
        if (p < end && *p == '-' && i % 2 == 1 && i < 15) p++;
    }
    if (braces && (p == end || *p++ != '}')) return false;
    return p == end;
}

STATUS uuid_in(IoContext *io, const TypeInfo *type, Slice text, int32_t typmod, Datum *out, Error *err)
{
    uint8_t *u = arena_alloc(io->arena, 16);
    TRY_MEM(u, err);
    if (!parse_uuid(text, u)) return type_bad_syntax(err, "uuid", text);
    *out = datum_ptr(u);
    return ST_OK;
}

STATUS uuid_out(IoContext *io, const TypeInfo *type, Datum value, StrBuf *out, Error *err)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *u = datum_bytes(value);
    char *p = out_room(out, 36);
    if (!p) return error_out_of_memory(err, 36);
    for (int i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) *p++ = '-';
        *p++ = digits[u[i] >> 4];
        *p++ = digits[u[i] & 15];
    }
    out_done(out, p);
    return ST_OK;
}

STATUS uuid_recv(IoContext *io, const TypeInfo *type, Slice bytes, int32_t typmod, Datum *out, Error *err)
{
    TRY(recv_exactly(bytes, 16, err));
    uint8_t *u = arena_memdup(io->arena, bytes.data, 16);
    TRY_MEM(u, err);
    *out = datum_ptr(u);
    return ST_OK;
}

STATUS uuid_send(IoContext *io, const TypeInfo *type, Datum value, StrBuf *out, Error *err)
{
    strbuf_append(out, datum_bytes(value), 16);
    return ST_OK;
}

int uuid_compare(const TypeInfo *type, Datum a, Datum b)
{
    int c = memcmp(datum_bytes(a), datum_bytes(b), 16);
    return (c > 0) - (c < 0);
}

uint64_t uuid_hash(const TypeInfo *type, Datum v) { return hash_bytes(datum_bytes(v), 16); }
