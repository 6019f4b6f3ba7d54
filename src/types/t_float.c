/* real and double precision. */
#define _GNU_SOURCE
#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/hash.h"
#include "types/float_out.h"
#include "types/types_internal.h"

/* Up to 15 digits with a small exponent are exact in one multiplication or division: most numbers people write. */
static bool parse_simple(Slice s, double *out)
{
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    const uint8_t *p = s.data, *end = p + s.len;
    bool negative = p < end && *p == '-';
    if (p < end && (*p == '-' || *p == '+')) p++;
    uint64_t digits = 0;
    int n = 0, scale = 0;
    for (bool point = false; p < end; p++) {
        if (*p == '.' && !point) {
            point = true;
            continue;
        }
        if (*p < '0' || *p > '9' || ++n > 15) return false;
        digits = digits * 10 + (uint64_t)(*p - '0');
        scale += point;
    }
    if (n == 0) return false;
    double v = (double)digits / powers[scale];
    *out = negative ? -v : v;
    return true;
}

static Status float_range(Error *err, const char *type, const char *text, const char *end)
{
    return error_set(err, ERR_NUMERIC_VALUE_OUT_OF_RANGE, "\"%.*s\" is out of range for type %s", (int)(end - text), text, type);
}

/* The C library's reading, with PostgreSQL's checks. is_real: round once, to float. */
static STATUS parse_float(Slice text, bool is_real, double *out, Error *err)
{
    const char *type = is_real ? "real" : "double precision";
    Slice s = trim_spaces(text);
    if (!is_real && parse_simple(s, out)) return ST_OK;
    char small[64], *buf = small, *end;
    if (s.len == 0 || memchr(s.data, 0, s.len)) return type_bad_syntax(err, type, text);
    if (s.len >= sizeof small && !(buf = malloc(s.len + 1))) return error_out_of_memory(err, s.len);
    memcpy(buf, s.data, s.len);
    buf[s.len] = 0;
    errno = 0;
    *out = is_real ? (double)strtof(buf, &end) : strtod(buf, &end);
    Status st = ST_OK;
    bool range = errno == ERANGE && (*out == 0 || isinf(*out)); /* denormals set ERANGE too and are fine */
    if (range) st = float_range(err, type, buf, end);
    else if (end == buf || *end) st = type_bad_syntax(err, type, text);
    if (buf != small) free(buf);
    return st;
}

STATUS float8_in(IoContext *io, const TypeInfo *type, Slice text, int32_t typmod, Datum *out, Error *err)
{
    double v = 0;
    TRY(parse_float(text, false, &v, err));
    *out = datum_f8(v);
    return ST_OK;
}

STATUS float4_in(IoContext *io, const TypeInfo *type, Slice text, int32_t typmod, Datum *out, Error *err)
{
    double v = 0;
    TRY(parse_float(text, true, &v, err));
    *out = datum_f4((float)v);
    return ST_OK;
}

/* extra_float_digits <= 0: so many significant digits, not necessarily enough to read the value back. */
static void put_rounded(StrBuf *out, double v, int digits)
{
    if (isnan(v)) strbuf_str(out, "NaN");
    else if (isinf(v)) strbuf_str(out, v < 0 ? "-Infinity" : "Infinity");
    else strbuf_printf(out, "%.*g", digits < 1 ? 1 : digits, v);
}

STATUS float8_out(IoContext *io, const TypeInfo *type, Datum value, StrBuf *out, Error *err)
{
    if (io->format && io->format->extra_float_digits <= 0) {
        put_rounded(out, datum_get_f8(value), DBL_DIG + io->format->extra_float_digits);
        return ST_OK;
    }
    char *p = out_room(out, FLOAT_TEXT_MAX);
    if (p) out_done(out, p + float8_shortest(datum_get_f8(value), p));
    return ST_OK;
}

STATUS float4_out(IoContext *io, const TypeInfo *type, Datum value, StrBuf *out, Error *err)
{
    if (io->format && io->format->extra_float_digits <= 0) {
        put_rounded(out, datum_get_f4(value), FLT_DIG + io->format->extra_float_digits);
        return ST_OK;
    }
    char *p = out_room(out, FLOAT_TEXT_MAX);
    if (p) out_done(out, p + float4_shortest(datum_get_f4(value), p));
    return ST_OK;
}

STATUS float8_recv(IoContext *io, const TypeInfo *type, Slice bytes, int32_t typmod, Datum *out, Error *err)
{
    return int8_recv(io, type, bytes, typmod, out, err);
}

STATUS float8_send(IoContext *io, const TypeInfo *type, Datum value, StrBuf *out, Error *err)
{
    put_be64(out, value);
    return ST_OK;
}

STATUS float4_recv(IoContext *io, const TypeInfo *type, Slice bytes, int32_t typmod, Datum *out, Error *err)
{
    return oid_recv(io, type, bytes, typmod, out, err);
}

STATUS float4_send(IoContext *io, const TypeInfo *type, Datum value, StrBuf *out, Error *err)
{
    put_be32(out, (uint32_t)value);
    return ST_OK;
}

/* NaN equals itself and is above all others; the zeros are equal. */
static int compare_doubles(double x, double y)
{
    if (isnan(x) || isnan(y)) return (int)isnan(x) - (int)isnan(y);
    return (x > y) - (x < y);
}

int float8_compare(const TypeInfo *type, Datum a, Datum b) { return compare_doubles(datum_get_f8(a), datum_get_f8(b)); }
int float4_compare(const TypeInfo *type, Datum a, Datum b) { return compare_doubles(datum_get_f4(a), datum_get_f4(b)); }

/* A real hashes as the double of the same value, for hash joins across the two. */
static uint64_t hash_double(double v)
{
    if (v == 0) return hash_u64(0); /* -0 too */
    if (isnan(v)) return hash_u64(0x7ff8000000000000ull);
    return hash_u64(datum_f8(v));
}

uint64_t float8_hash(const TypeInfo *type, Datum v) { return hash_double(datum_get_f8(v)); }
uint64_t float4_hash(const TypeInfo *type, Datum v) { return hash_double(datum_get_f4(v)); }
