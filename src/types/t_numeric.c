/* The type numeric: text and binary forms, modifiers, order. */
#include <stdlib.h>

#include "types/numeric.h"
#include "types/numeric_internal.h"

static bool is_space(uint8_t c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

STATUS numeric_in(IoContext *io, const TypeInfo *type, Slice text, int32_t typmod, Datum *out, Error *err)
{
    Numeric v;
    bool ok;
    Slice s = text;
    while (s.len && is_space(s.data[0])) s = slice_of(s.data + 1, s.len - 1);
    while (s.len && is_space(s.data[s.len - 1])) s.len--;
    TRY(numeric_parse(s, io->arena, &v, &ok, err));
    if (!ok)
        return error_set(err, ERR_INVALID_TEXT_REPRESENTATION, "invalid input syntax for type numeric: \"%.*s\"", (int)text.len,
                         (const char *)text.data);
    TRY(numeric_apply_typmod(&v, typmod, err));
    return numeric_make(&v, io->arena, out, err);
}

STATUS numeric_out(IoContext *io, const TypeInfo *type, Datum value, StrBuf *out, Error *err)
{
    numeric_print_datum(value, out);
    return strbuf_check(out, err);
}

/* ---- binary: ndigits, weight, sign, dscale, digits; 16 bits each, big-endian ---- */
#define SIGN_NEG 0x4000
static const uint16_t special_sign[] = {0, 0xF000, 0xD000, 0xC000};

static uint16_t be16(const uint8_t *p) { return (uint16_t)(p[0] << 8 | p[1]); }
static void put16(StrBuf *out, unsigned v)
{
    char b[2] = {(char)(v >> 8), (char)v};
    strbuf_append(out, b, 2);
}

static STATUS bad_binary(const char *what, Error *err)
{
    return error_set(err, ERR_INVALID_BINARY_REPRESENTATION, "invalid %s in external \"numeric\" value", what);
}

STATUS numeric_recv(IoContext *io, const TypeInfo *type, Slice bytes, int32_t typmod, Datum *out, Error *err)
{
    Numeric v;
    if (bytes.len < 8) return error_set(err, ERR_PROTOCOL_VIOLATION, "insufficient data left in message");
    int n = be16(bytes.data);
    unsigned sign = be16(bytes.data + 4), dscale = be16(bytes.data + 6);
    numeric_set_zero(&v, (int)dscale);
    if (sign == special_sign[NUMERIC_NAN]) v.kind = NUMERIC_NAN;
    else if (sign == special_sign[NUMERIC_PINF]) v.kind = NUMERIC_PINF;
    else if (sign == special_sign[NUMERIC_NINF]) v.kind = NUMERIC_NINF;
    else if (sign != 0 && sign != SIGN_NEG) return bad_binary("sign", err);
    if (dscale > NUMERIC_DSCALE_MAX) return bad_binary("scale", err);
    if (bytes.len < 8 + (size_t)n * 2) return error_set(err, ERR_PROTOCOL_VIOLATION, "insufficient data left in message");
    if (bytes.len > 8 + (size_t)n * 2) return bad_binary("length", err);
    TRY(numeric_room(&v, n, io->arena, err));
    for (int i = 0; i < n; i++) {
        unsigned d = be16(bytes.data + 8 + 2 * i);
        if (d > 9999) return bad_binary("digit", err);
        v.d[i] = (int16_t)d;
    }
    v.n = v.kind == NUMERIC_FINITE ? n : 0;
    v.neg = sign == SIGN_NEG;
    v.weight = (int16_t)be16(bytes.data + 2);
    numeric_strip(&v);
    numeric_trunc(&v, v.dscale); /* digits beyond the display scale are dropped, as PostgreSQL does */
    TRY(numeric_apply_typmod(&v, typmod, err));
    return numeric_make(&v, io->arena, out, err);
}

STATUS numeric_send(IoContext *io, const TypeInfo *type, Datum value, StrBuf *out, Error *err)
{
    Numeric v;
    TRY(numeric_read(value, io->arena, &v, err));
    bool finite = v.kind == NUMERIC_FINITE;
    put16(out, (unsigned)(finite ? v.n : 0));
    put16(out, (unsigned)(finite ? v.weight : 0));
    put16(out, finite ? (v.neg ? SIGN_NEG : 0) : special_sign[v.kind]);
    put16(out, finite ? (unsigned)v.dscale : v.kind == NUMERIC_NAN ? 0 : 0x20 /* as PostgreSQL's infinities say */);
    for (int i = 0; finite && i < v.n; i++) put16(out, (unsigned)v.d[i]);
    return strbuf_check(out, err);
}

int numeric_compare(const TypeInfo *type, Datum a, Datum b) { return numeric_cmp_datum(a, b); }
uint64_t numeric_hash(const TypeInfo *type, Datum v) { return numeric_hash_datum(v); }

STATUS numeric_key_bytes(const TypeInfo *type, Datum v, StrBuf *out, Error *err)
{
    numeric_key_bytes_append(v, out);
    return strbuf_check(out, err);
}

STATUS numeric_typmod_in(Arena *arena, const char **args, int nargs, int32_t *out, Error *err)
{
    if (nargs < 1 || nargs > 2) return error_set(err, ERR_INVALID_PARAMETER_VALUE, "invalid NUMERIC type modifier");
    int precision = atoi(args[0]), scale = nargs == 2 ? atoi(args[1]) : 0;
    if (precision < 1 || precision > NUMERIC_MAX_PRECISION)
        return error_set(err, ERR_INVALID_PARAMETER_VALUE, "NUMERIC precision %d must be between 1 and %d", precision, NUMERIC_MAX_PRECISION);
    if (scale < -1000 || scale > 1000)
        return error_set(err, ERR_INVALID_PARAMETER_VALUE, "NUMERIC scale %d must be between %d and %d", scale, -1000, 1000);
    *out = (int32_t)((uint32_t)precision << 16 | ((uint32_t)scale & 0x7ff)) + 4;
    return ST_OK;
}

void numeric_typmod_out(int32_t typmod, StrBuf *out)
{
    if (typmod >= 4) strbuf_printf(out, "(%d,%d)", numeric_typmod_precision(typmod), numeric_typmod_scale(typmod));
}
