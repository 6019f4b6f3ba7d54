/* pg_lsn and money: eight bytes by value. */
#include "types/types_internal.h"

/* "16/B374D848": two hexadecimal halves. */
STATUS pg_lsn_in(IoContext *io, const TypeInfo *type, Slice text, int32_t typmod, Datum *out, Error *err)
{
    uint64_t half[2] = {0, 0};
    size_t i = 0;
    for (int k = 0; k < 2; k++) {
        size_t start = i;
        for (; i < text.len; i++) {
            uint8_t c = text.data[i], l = c | 0x20;
            int v = c >= '0' && c <= '9' ? c - '0' : l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
            if (v < 0) break;
            half[k] = half[k] << 4 | (uint64_t)v;
        }
        if (i == start || i - start > 8) return type_bad_syntax(err, "pg_lsn", text);
        if (k == 0 && (i == text.len || text.data[i++] != '/')) return type_bad_syntax(err, "pg_lsn", text);
    }
    if (i != text.len) return type_bad_syntax(err, "pg_lsn", text);
    *out = half[0] << 32 | half[1];
    return ST_OK;
}

STATUS pg_lsn_out(IoContext *io, const TypeInfo *type, Datum value, StrBuf *out, Error *err)
{
    strbuf_printf(out, "%X/%X", (unsigned)(value >> 32), (unsigned)value);
    return ST_OK;
}

/* ---- money: cents, in the C locale: $1,234.50 ---- */

/* Sign or parentheses, $, digits with commas, up to two decimals (a third one rounds). */
static bool parse_money(Slice s, __int128 *cents)
{
    bool negative = false, parens = false, point = false;
    int decimals = 0, round = 0;
    *cents = 0;
    while (s.len && (s.data[0] == '$' || s.data[0] == '-' || s.data[0] == '+' || s.data[0] == '(' || is_space(s.data[0]))) {
        if (s.data[0] == '-') negative = true;
        if (s.data[0] == '(') negative = parens = true;
        s.data++, s.len--;
    }
    for (; s.len; s.data++, s.len--) {
        uint8_t c = s.data[0];
        if (c == ',' && !point) continue;
        if (c == '.' && !point) {
            point = true;
            continue;
        }
        if (c < '0' || c > '9') break;
        if (point && decimals == 2) {
            if (!round) round = c >= '5' ? 1 : -1;
            continue;
        }
        decimals += point;
        *cents = *cents * 10 + (c - '0');
        if (*cents > (__int128)INT64_MAX * 1000) return true; /* out of range is seen by the caller */
    }
    for (; decimals < 2; decimals++) *cents *= 10;
    *cents += round > 0;
    if (negative) *cents = -*cents;
    while (s.len && (is_space(s.data[0]) || s.data[0] == '$' || (s.data[0] == ')' && parens))) s.data++, s.len--;
    if (s.len == 1 && s.data[0] == '-') {
        *cents = -*cents;
        s.len = 0;
    }
    return s.len == 0; /* PostgreSQL reads nothing as zero */
}

STATUS money_in(IoContext *io, const TypeInfo *type, Slice text, int32_t typmod, Datum *out, Error *err)
{
    __int128 cents;
    if (!parse_money(text, &cents)) return type_bad_syntax(err, "money", text);
    if (cents > INT64_MAX || cents < INT64_MIN) return type_out_of_range(err, "money", text);
    *out = datum_i64((int64_t)cents);
    return ST_OK;
}

STATUS money_out(IoContext *io, const TypeInfo *type, Datum value, StrBuf *out, Error *err)
{
    int64_t v = datum_get_i64(value);
    uint64_t u = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
    char buf[40], *p = buf + sizeof buf;
    *--p = (char)('0' + u % 10);
    *--p = (char)('0' + u / 10 % 10);
    *--p = '.';
    u /= 100;
    for (int n = 0; n == 0 || u; n++, u /= 10) {
        if (n && n % 3 == 0) *--p = ',';
        *--p = (char)('0' + u % 10);
    }
    strbuf_str(out, v < 0 ? "-$" : "$");
    strbuf_append(out, p, (size_t)(buf + sizeof buf - p));
    return ST_OK;
}
