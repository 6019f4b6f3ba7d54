/* bytea: hex ("\x0aff") and escape ("a\\b\000") formats. */
#include "types/types_internal.h"
#include "types/utf8.h"

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9') return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Pairs of digits; blanks only between pairs. */
static STATUS hex_in(IoContext *io, Slice s, Datum *out, Error *err)
{
    uint8_t *to = arena_alloc(io->arena, s.len / 2 + 1);
    size_t n = 0;
    TRY_MEM(to, err);
    for (size_t i = 0; i < s.len;) {
        uint8_t c = s.data[i];
        if (c == ' ' || c == '\n' || c == '\t' || c == '\r') {
            i++;
            continue;
        }
        int high = hex_digit(c);
        if (high >= 0 && i + 1 >= s.len)
            return error_set(err, ERR_INVALID_PARAMETER_VALUE, "invalid hexadecimal data: odd number of digits");
        size_t bad = high < 0 ? i : i + 1;
        int low = high < 0 ? -1 : hex_digit(s.data[i + 1]);
        if (low < 0) {
            int len = utf8_char_len(s.data[bad]);
            if (bad + (size_t)len > s.len) len = 1;
            return error_set(err, ERR_INVALID_PARAMETER_VALUE, "invalid hexadecimal digit: \"%.*s\"", len, (const char *)s.data + bad);
        }
        to[n++] = (uint8_t)(high << 4 | low);
        i += 2;
    }
    return make_varlena(io->arena, to, n, NULL, out, err);
}

static bool octal(const uint8_t *p, const uint8_t *end)
{
    return end - p >= 3 && p[0] >= '0' && p[0] <= '3' && p[1] >= '0' && p[1] <= '7' && p[2] >= '0' && p[2] <= '7';
}

STATUS bytea_in(IoContext *io, const TypeInfo *type, Slice text, int32_t typmod, Datum *out, Error *err)
{
    if (text.len >= 2 && text.data[0] == '\\' && text.data[1] == 'x')
        return hex_in(io, slice_of(text.data + 2, text.len - 2), out, err);
    uint8_t *to = arena_alloc(io->arena, text.len + 1);
    size_t n = 0;
    TRY_MEM(to, err);
    const uint8_t *p = text.data, *end = p + text.len;
    while (p < end) {
        if (*p != '\\') {
            to[n++] = *p++;
        } else if (end - p >= 2 && p[1] == '\\') {
            to[n++] = '\\';
            p += 2;
        } else if (octal(p + 1, end)) {
            to[n++] = (uint8_t)((p[1] - '0') << 6 | (p[2] - '0') << 3 | (p[3] - '0'));
            p += 4;
        } else {
            return error_set(err, ERR_INVALID_TEXT_REPRESENTATION, "invalid input syntax for type bytea");
        }
    }
    return make_varlena(io->arena, to, n, NULL, out, err);
}

static void escape_out(Slice s, StrBuf *out)
{
    for (size_t i = 0; i < s.len; i++) {
        uint8_t c = s.data[i];
        if (c == '\\') strbuf_append(out, "\\\\", 2);
        else if (c < 0x20 || c > 0x7e) strbuf_printf(out, "\\%03o", c);
        else strbuf_char(out, (char)c);
    }
}

STATUS bytea_out(IoContext *io, const TypeInfo *type, Datum value, StrBuf *out, Error *err)
{
    static const char digits[] = "0123456789abcdef";
    Slice s = varlena_slice(value);
    if (io->format && io->format->bytea_escape) {
        escape_out(s, out);
        return ST_OK;
    }
    char *p = out_room(out, 2 + 2 * s.len);
    if (!p) return error_out_of_memory(err, 2 * s.len);
    *p++ = '\\';
    *p++ = 'x';
    for (size_t i = 0; i < s.len; i++) {
        *p++ = digits[s.data[i] >> 4];
        *p++ = digits[s.data[i] & 15];
    }
    out_done(out, p);
    return ST_OK;
}

STATUS bytea_recv(IoContext *io, const TypeInfo *type, Slice bytes, int32_t typmod, Datum *out, Error *err)
{
    return make_varlena(io->arena, bytes.data, bytes.len, NULL, out, err);
}

STATUS bytea_send(IoContext *io, const TypeInfo *type, Datum value, StrBuf *out, Error *err)
{
    Slice s = varlena_slice(value);
    strbuf_append(out, s.data, s.len);
    return ST_OK;
}
