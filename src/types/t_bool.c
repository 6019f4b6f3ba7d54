/* bool and "char": one byte each. */
#include <strings.h>

#include "common/hash.h"
#include "types/types_internal.h"

static bool is_prefix(Slice s, const char *word, size_t at_least)
{
    return s.len >= at_least && s.len <= strlen(word) && strncasecmp((const char *)s.data, word, s.len) == 0;
}

STATUS bool_in(IoContext *io, const TypeInfo *type, Slice text, int32_t typmod, Datum *out, Error *err)
{
    Slice s = trim_spaces(text);
    bool yes = is_prefix(s, "true", 1) || is_prefix(s, "yes", 1) || is_prefix(s, "on", 2) || (s.len == 1 && s.data[0] == '1');
    bool no = is_prefix(s, "false", 1) || is_prefix(s, "no", 1) || is_prefix(s, "off", 2) || (s.len == 1 && s.data[0] == '0');
    if (!yes && !no) return type_bad_syntax(err, "boolean", text);
    *out = datum_bool(yes);
    return ST_OK;
}

STATUS bool_out(IoContext *io, const TypeInfo *type, Datum value, StrBuf *out, Error *err)
{
    strbuf_char(out, datum_get_bool(value) ? 't' : 'f');
    return ST_OK;
}

STATUS bool_recv(IoContext *io, const TypeInfo *type, Slice bytes, int32_t typmod, Datum *out, Error *err)
{
    TRY(recv_exactly(bytes, 1, err));
    *out = datum_bool(bytes.data[0] != 0);
    return ST_OK;
}

STATUS bool_send(IoContext *io, const TypeInfo *type, Datum value, StrBuf *out, Error *err)
{
    strbuf_char(out, datum_get_bool(value));
    return ST_OK;
}

int bool_compare(const TypeInfo *type, Datum a, Datum b) { return (int)datum_get_bool(a) - (int)datum_get_bool(b); }
uint64_t bool_hash(const TypeInfo *type, Datum v) { return hash_u64(datum_get_bool(v)); }

/* The first byte of the text, zero for an empty one; "\ooo" is a byte by its octal number. */
STATUS char_in(IoContext *io, const TypeInfo *type, Slice text, int32_t typmod, Datum *out, Error *err)
{
    const uint8_t *p = text.data;
    bool octal = text.len == 4 && p[0] == '\\' && p[1] >= '0' && p[1] <= '7' && p[2] >= '0' && p[2] <= '7' && p[3] >= '0' && p[3] <= '7';
    *out = octal ? (uint8_t)((p[1] - '0') << 6 | (p[2] - '0') << 3 | (p[3] - '0')) : text.len ? p[0] : 0;
    return ST_OK;
}

/* A byte that is no ASCII would not be valid UTF-8 alone. */
STATUS char_out(IoContext *io, const TypeInfo *type, Datum value, StrBuf *out, Error *err)
{
    uint8_t c = (uint8_t)value;
    if (c >= 0x80) strbuf_printf(out, "\\%03o", c);
    else if (c) strbuf_char(out, (char)c);
    return ST_OK;
}

STATUS char_recv(IoContext *io, const TypeInfo *type, Slice bytes, int32_t typmod, Datum *out, Error *err)
{
    TRY(recv_exactly(bytes, 1, err));
    *out = bytes.data[0];
    return ST_OK;
}

STATUS char_send(IoContext *io, const TypeInfo *type, Datum value, StrBuf *out, Error *err)
{
    strbuf_char(out, (char)value);
    return ST_OK;
}

int char_compare(const TypeInfo *type, Datum a, Datum b) { return ((uint8_t)a > (uint8_t)b) - ((uint8_t)a < (uint8_t)b); }
uint64_t char_hash(const TypeInfo *type, Datum v) { return hash_u64((uint8_t)v); }
