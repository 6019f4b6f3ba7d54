/* bytea, encodings, digests, UUIDs. */
#define _DEFAULT_SOURCE
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/md5.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

#include "functions/fn.h"

FN(byteaoctetlen) { return datum_i32((int32_t)ARG_TEXT(0).len); }
FN(byteacat) { return fn_textcat(cf); }

static Datum copy_bytes(CallFrame *cf, uint8_t **body)
{
    Slice s = ARG_TEXT(0);
    Datum d = varlena_new(cf->arena, NULL, s.len, body);
    if (!d) return fn_oom(cf);
    memcpy(*body, s.data, s.len);
    return d;
}
static bool index_ok(CallFrame *cf, int64_t i, int64_t n)
{
    if (i >= 0 && i < n) return true;
    error_set(cf->err, ERR_ARRAY_SUBSCRIPT_ERROR, "index %lld out of valid range, 0..%lld", (long long)i, (long long)n - 1);
    return false;
}
FN(byteaGetByte) { Slice s = ARG_TEXT(0); return index_ok(cf, ARG_I32(1), (int64_t)s.len) ? datum_i32(s.data[ARG_I32(1)]) : 0; }
FN(byteaSetByte)
{
    uint8_t *p;
    if (!index_ok(cf, ARG_I32(1), (int64_t)ARG_TEXT(0).len)) return 0;
    Datum d = copy_bytes(cf, &p);
    if (d) p[ARG_I32(1)] = (uint8_t)ARG_I32(2);
    return d;
}
FN(byteaGetBit)
{
    Slice s = ARG_TEXT(0);
    int64_t i = ARG_I64(1);
    return index_ok(cf, i, (int64_t)s.len * 8) ? datum_i32(s.data[i / 8] >> (i % 8) & 1) : 0;
}
FN(byteaSetBit)
{
    uint8_t *p;
    int64_t i = ARG_I64(1);
    int bit = ARG_I32(2);
    if (!index_ok(cf, i, (int64_t)ARG_TEXT(0).len * 8)) return 0;
    if (bit != 0 && bit != 1) return CALL_ERROR(cf, ERR_INVALID_PARAMETER_VALUE, "new bit must be 0 or 1");
    Datum d = copy_bytes(cf, &p);
    if (d) p[i / 8] = (uint8_t)((p[i / 8] & ~(1 << i % 8)) | bit << i % 8);
    return d;
}
FN(bytea_bit_count)
{
    Slice s = ARG_TEXT(0);
    int64_t n = 0;
    for (size_t i = 0; i < s.len; i++) n += __builtin_popcount(s.data[i]);
    return datum_i64(n);
}

/* ---- hex ---- */
static const char hex[] = "0123456789abcdef";
static void put_hex(StrBuf *sb, Slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        strbuf_char(sb, hex[s.data[i] >> 4]);
        strbuf_char(sb, hex[s.data[i] & 15]);
    }
}
static int hex_value(uint8_t c)
{
    if (c >= '0' && c <= '9') return c - '0';
    c |= 32;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}
static bool skip_space(uint8_t c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }
static bool from_hex(CallFrame *cf, Slice s, StrBuf *sb)
{
    for (size_t i = 0; i < s.len;) {
        if (skip_space(s.data[i])) {
            i++;
            continue;
        }
        int a = hex_value(s.data[i]);
        if (a < 0) {
            error_set(cf->err, ERR_INVALID_PARAMETER_VALUE, "invalid hexadecimal digit: \"%.*s\"", utf8_char_len(s.data[i]), (const char *)s.data + i);
            return false;
        }
        if (++i >= s.len) {
            error_set(cf->err, ERR_INVALID_PARAMETER_VALUE, "invalid hexadecimal data: odd number of digits");
            return false;
        }
        int b = hex_value(s.data[i]);
        if (b < 0) {
            error_set(cf->err, ERR_INVALID_PARAMETER_VALUE, "invalid hexadecimal digit: \"%.*s\"", utf8_char_len(s.data[i]), (const char *)s.data + i);
            return false;
        }
        i++;
        strbuf_char(sb, (char)(a << 4 | b));
    }
    return true;
}

/* ---- base64, lines of 76 ---- */
static const char b64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static void put_base64(StrBuf *sb, Slice s)
{
    int column = 0;
    for (size_t i = 0; i < s.len; i += 3) {
        unsigned n = (unsigned)(s.len - i < 3 ? s.len - i : 3);
        unsigned v = (unsigned)s.data[i] << 16 | (n > 1 ? (unsigned)s.data[i + 1] << 8 : 0) | (n > 2 ? s.data[i + 2] : 0);
        char q[4] = {b64[v >> 18], b64[v >> 12 & 63], n > 1 ? b64[v >> 6 & 63] : '=', n > 2 ? b64[v & 63] : '='};
        if (column == 76) {
            strbuf_char(sb, '\n');
            column = 0;
        }
        strbuf_append(sb, q, 4);
        column += 4;
    }
}
static bool from_base64(CallFrame *cf, Slice s, StrBuf *sb)
{
    unsigned v = 0;
    int pos = 0, end = 0;
    for (size_t i = 0; i < s.len; i++) {
        uint8_t c = s.data[i];
        if (skip_space(c)) continue;
        unsigned b = 0;
        if (c == '=') {
            if (!end) {
                if (pos == 2) end = 1;
                else if (pos == 3) end = 2;
                else {
                    error_set(cf->err, ERR_INVALID_PARAMETER_VALUE, "unexpected \"=\" while decoding base64 sequence");
                    return false;
                }
            }
        } else {
            const char *p = memchr(b64, c, 64);
            if (!p) {
                error_set(cf->err, ERR_INVALID_PARAMETER_VALUE, "invalid symbol \"%.*s\" found while decoding base64 sequence", utf8_char_len(c), (const char *)s.data + i);
                return false;
            }
            b = (unsigned)(p - b64);
        }
        v = v << 6 | b;
        if (++pos == 4) {
            strbuf_char(sb, (char)(v >> 16));
            if (end == 0 || end > 1) strbuf_char(sb, (char)(v >> 8));
            if (end == 0 || end > 2) strbuf_char(sb, (char)v);
            v = 0;
            pos = 0;
        }
    }
    if (pos) {
        error_set(cf->err, ERR_INVALID_PARAMETER_VALUE, "invalid base64 end sequence");
        error_hint(cf->err, "Input data is missing padding, is truncated, or is otherwise corrupted.");
        return false;
    }
    return true;
}

static void put_escape(StrBuf *sb, Slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        uint8_t c = s.data[i];
        if (c == 0 || c >= 0x80) strbuf_printf(sb, "\\%03o", c);
        else if (c == '\\') strbuf_str(sb, "\\\\");
        else strbuf_char(sb, (char)c);
    }
}
static bool from_escape(CallFrame *cf, Slice s, StrBuf *sb)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.data[i] != '\\') {
            strbuf_char(sb, (char)s.data[i]);
        } else if (i + 3 < s.len && s.data[i + 1] >= '0' && s.data[i + 1] <= '3' && s.data[i + 2] >= '0' && s.data[i + 2] <= '7' &&
                   s.data[i + 3] >= '0' && s.data[i + 3] <= '7') {
            strbuf_char(sb, (char)((s.data[i + 1] - '0') << 6 | (s.data[i + 2] - '0') << 3 | (s.data[i + 3] - '0')));
            i += 3;
        } else if (i + 1 < s.len && s.data[i + 1] == '\\') {
            strbuf_char(sb, '\\');
            i++;
        } else {
            error_set(cf->err, ERR_INVALID_TEXT_REPRESENTATION, "invalid input syntax for type %s", "bytea");
            return false;
        }
    }
    return true;
}
static int format_of(CallFrame *cf)
{
    static const char *const names[] = {"hex", "base64", "escape"};
    Slice s = ARG_TEXT(1);
    for (int i = 0; i < 3; i++)
        if (s.len == strlen(names[i]) && !strncasecmp(names[i], (const char *)s.data, s.len)) return i;
    error_set(cf->err, ERR_INVALID_PARAMETER_VALUE, "unrecognized encoding: \"%.*s\"", (int)s.len, (const char *)s.data);
    return -1;
}
FN(binary_encode)
{
    static void (*const put[])(StrBuf *, Slice) = {put_hex, put_base64, put_escape};
    StrBuf sb;
    int f = format_of(cf);
    if (f < 0) return 0;
    strbuf_init(&sb, cf->arena);
    put[f](&sb, ARG_TEXT(0));
    return fn_return_buf(cf, &sb);
}
FN(binary_decode)
{
    static bool (*const get[])(CallFrame *, Slice, StrBuf *) = {from_hex, from_base64, from_escape};
    StrBuf sb;
    int f = format_of(cf);
    if (f < 0) return 0;
    strbuf_init(&sb, cf->arena);
    return get[f](cf, ARG_TEXT(0), &sb) ? fn_return_buf(cf, &sb) : 0;
}

/* ---- character sets: the server's is UTF8, others are refused ---- */
static bool utf8_name(CallFrame *cf, int arg)
{
    Slice s = ARG_TEXT(arg);
    char n[16];
    size_t k = 0;
    for (size_t i = 0; i < s.len && k < sizeof n - 1; i++)
        if (s.data[i] != '-' && s.data[i] != '_') n[k++] = (char)s.data[i];
    n[k] = 0;
    if (!strcasecmp(n, "utf8") || !strcasecmp(n, "unicode")) return true;
    error_set(cf->err, ERR_FEATURE_NOT_SUPPORTED, "conversion between encoding \"%.*s\" and \"UTF8\" is not supported", (int)s.len, (const char *)s.data);
    return false;
}
FN(pg_convert_to) { return utf8_name(cf, 1) ? cf->args[0] : 0; }
FN(pg_convert_from)
{
    if (!utf8_name(cf, 1)) return 0;
    FTRY(utf8_validate(ARG_TEXT(0), cf->err));
    return cf->args[0];
}
FN(pg_convert)
{
    if (!utf8_name(cf, 1) || !utf8_name(cf, 2)) return 0;
    FTRY(utf8_validate(ARG_TEXT(0), cf->err));
    return cf->args[0];
}

/* ---- digests: libcrypto's plain code, which needs neither its providers nor thread keys ---- */
FN(md5_text)
{
    uint8_t out[MD5_DIGEST_LENGTH];
    Slice s = ARG_TEXT(0);
    MD5_CTX c;
    StrBuf sb;
    MD5_Init(&c);
    MD5_Update(&c, s.data, s.len);
    MD5_Final(out, &c);
    strbuf_init(&sb, cf->arena);
    put_hex(&sb, slice_of(out, sizeof out));
    return fn_return_buf(cf, &sb);
}
FN(md5_bytea) { return fn_md5_text(cf); }
#define SHA(name, bits, ctx)                                        \
    FN(name)                                                        \
    {                                                               \
        uint8_t out[SHA##bits##_DIGEST_LENGTH];                     \
        Slice s = ARG_TEXT(0);                                      \
        ctx c;                                                      \
        SHA##bits##_Init(&c);                                       \
        SHA##bits##_Update(&c, s.data, s.len);                      \
        SHA##bits##_Final(out, &c);                                 \
        return call_return_text(cf, slice_of(out, sizeof out));     \
    }
SHA(sha224_bytea, 224, SHA256_CTX)
SHA(sha256_bytea, 256, SHA256_CTX)
SHA(sha384_bytea, 384, SHA512_CTX)
SHA(sha512_bytea, 512, SHA512_CTX)

FN(gen_random_uuid)
{
    uint8_t *u = arena_alloc(cf->arena, 16);
    FTRY_MEM(u);
    if (getentropy(u, 16) != 0) return CALL_ERROR(cf, ERR_INTERNAL_ERROR, "could not generate random values");
    u[6] = (uint8_t)((u[6] & 0x0f) | 0x40);
    u[8] = (uint8_t)((u[8] & 0x3f) | 0x80);
    return datum_ptr(u);
}
