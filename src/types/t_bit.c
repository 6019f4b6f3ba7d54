/* bit(n) and bit varying(n): a varlena of i32 number of bits, then the bits, first one highest, rest of the last byte zero. */
#include <stdlib.h>

#include "common/hash.h"
#include "types/types_internal.h"

#define BITS_MAX ((int64_t)VARLENA_MAX - 64)
#define LENGTH_MAX 83886080 /* bits that a declaration may ask for */

static int32_t bit_count(Slice s)
{
    int32_t n = 0;
    memcpy(&n, s.data, 4);
    return n;
}

static STATUS make_bits(Arena *arena, int32_t n, uint8_t **bits, Datum *out, Error *err)
{
    uint8_t *body;
    size_t bytes = ((size_t)n + 7) / 8;
    TRY(make_varlena(arena, NULL, 4 + bytes, &body, out, err));
    memcpy(body, &n, 4);
    *bits = memset(body + 4, 0, bytes);
    return ST_OK;
}

/* bit: exactly n; bit varying: at most n. typmod <= 0: no limit. */
static STATUS check_length(const TypeInfo *type, int64_t n, int32_t typmod, Error *err)
{
    if (n > BITS_MAX) return error_set(err, ERR_PROGRAM_LIMIT_EXCEEDED, "bit string length exceeds the maximum allowed (%d)", (int)BITS_MAX);
    if (typmod <= 0) return ST_OK;
    if (type->oid == TYPE_bit && n != typmod)
        return error_set(err, ERR_STRING_DATA_LENGTH_MISMATCH, "bit string length %d does not match type bit(%d)", (int)n, typmod);
    if (type->oid == TYPE_varbit && n > typmod)
        return error_set(err, ERR_STRING_DATA_RIGHT_TRUNCATION, "bit string too long for type bit varying(%d)", typmod);
    return ST_OK;
}

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9') return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "0101", "b0101" or "x1f". */
STATUS bit_in(IoContext *io, const TypeInfo *type, Slice text, int32_t typmod, Datum *out, Error *err)
{
    bool hex = text.len && (text.data[0] | 0x20) == 'x', marked = hex || (text.len && (text.data[0] | 0x20) == 'b');
    Slice s = marked ? slice_of(text.data + 1, text.len - 1) : text;
    int64_t n = (int64_t)s.len * (hex ? 4 : 1);
    uint8_t *bits;
    TRY(check_length(type, n, typmod, err));
    TRY(make_bits(io->arena, (int32_t)n, &bits, out, err));
    for (size_t i = 0; i < s.len; i++) {
        uint8_t c = s.data[i];
        int v = hex ? hex_digit(c) : c == '0' ? 0 : c == '1' ? 1 : -1;
        if (v < 0)
            return error_set(err, ERR_INVALID_TEXT_REPRESENTATION, "\"%c\" is not a valid %s digit", c, hex ? "hexadecimal" : "binary");
        if (hex) bits[i / 2] |= (uint8_t)(v << (i % 2 ? 0 : 4));
        else bits[i / 8] |= (uint8_t)(v << (7 - i % 8));
    }
    return ST_OK;
}

STATUS bit_out(IoContext *io, const TypeInfo *type, Datum value, StrBuf *out, Error *err)
{
    Slice s = varlena_slice(value);
    int32_t n = bit_count(s);
    char *p = out_room(out, (size_t)n);
    if (!p) return error_out_of_memory(err, (size_t)n);
    for (int32_t i = 0; i < n; i++) *p++ = s.data[4 + i / 8] >> (7 - i % 8) & 1 ? '1' : '0';
    out_done(out, p);
    return ST_OK;
}

STATUS bit_recv(IoContext *io, const TypeInfo *type, Slice bytes, int32_t typmod, Datum *out, Error *err)
{
    uint8_t *bits;
    if (bytes.len < 4) return recv_exactly(bytes, 4, err);
    int32_t n = (int32_t)get_be32(bytes.data);
    if (n < 0) return error_set(err, ERR_INVALID_BINARY_REPRESENTATION, "invalid length in external bit string");
    TRY(check_length(type, n, typmod, err));
    TRY(recv_exactly(bytes, 4 + ((size_t)n + 7) / 8, err));
    TRY(make_bits(io->arena, n, &bits, out, err));
    memcpy(bits, bytes.data + 4, bytes.len - 4);
    if (n % 8) bits[n / 8] &= (uint8_t)(0xFF << (8 - n % 8));
    return ST_OK;
}

STATUS bit_send(IoContext *io, const TypeInfo *type, Datum value, StrBuf *out, Error *err)
{
    Slice s = varlena_slice(value);
    put_be32(out, (uint32_t)bit_count(s));
    strbuf_append(out, s.data + 4, s.len - 4);
    return ST_OK;
}

/* The bytes first, then the length. */
int bit_compare(const TypeInfo *type, Datum a, Datum b)
{
    Slice x = varlena_slice(a), y = varlena_slice(b);
    int c = slice_compare(slice_of(x.data + 4, x.len - 4), slice_of(y.data + 4, y.len - 4));
    if (!c) c = (bit_count(x) > bit_count(y)) - (bit_count(x) < bit_count(y));
    return (c > 0) - (c < 0);
}

uint64_t bit_hash(const TypeInfo *type, Datum v)
{
    Slice s = varlena_slice(v);
    return hash_bytes(s.data, s.len);
}

STATUS bit_key_bytes(const TypeInfo *type, Datum v, StrBuf *out, Error *err)
{
    Slice s = varlena_slice(v);
    for (size_t i = 4; i < s.len; i++) { /* self-delimiting bytes, so that the length orders after them */
        strbuf_char(out, (char)s.data[i]);
        if (s.data[i] == 0) strbuf_char(out, (char)0xFF);
    }
    strbuf_append(out, "\0\1", 2);
    put_be32(out, (uint32_t)bit_count(s));
    return strbuf_check(out, err);
}

static STATUS length_typmod(const char *name, const char **args, int nargs, int32_t *out, Error *err)
{
    if (nargs != 1) return error_set(err, ERR_INVALID_PARAMETER_VALUE, "invalid type modifier");
    long n = strtol(args[0], NULL, 10);
    if (n < 1) return error_set(err, ERR_INVALID_PARAMETER_VALUE, "length for type %s must be at least 1", name);
    if (n > LENGTH_MAX) return error_set(err, ERR_INVALID_PARAMETER_VALUE, "length for type %s cannot exceed %d", name, LENGTH_MAX);
    *out = (int32_t)n;
    return ST_OK;
}

STATUS bit_typmod_in(Arena *arena, const char **args, int nargs, int32_t *out, Error *err)
{
    return length_typmod("bit", args, nargs, out, err);
}

STATUS varbit_typmod_in(Arena *arena, const char **args, int nargs, int32_t *out, Error *err)
{
    return length_typmod("varbit", args, nargs, out, err);
}

void bit_typmod_out(int32_t typmod, StrBuf *out)
{
    if (typmod >= 0) strbuf_printf(out, "(%d)", typmod);
}
