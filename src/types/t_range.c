/* Ranges and multiranges as text and in binary. */
#include <strings.h>

#include "common/thread.h"
#include "types/range.h"
#include "types/types_internal.h"

/* ---- range text ---- */

typedef struct Cursor {
    const char *what; /* "range" or "multirange", for messages */
    Slice whole;
    const uint8_t *p, *end;
    Error *err;
} Cursor;

static Status malformed(const Cursor *c, const char *detail)
{
    error_set(c->err, ERR_INVALID_TEXT_REPRESENTATION, "malformed %s literal: \"%.*s\"", c->what, (int)c->whole.len,
              (const char *)c->whole.data);
    return error_detail(c->err, "%s", detail);
}

static void skip_spaces(Cursor *c)
{
    while (c->p < c->end && is_space(*c->p)) c->p++;
}

static bool word_is(const Cursor *c, const char *word)
{
    size_t n = strlen(word);
    return (size_t)(c->end - c->p) >= n && strncasecmp((const char *)c->p, word, n) == 0;
}

/* A bound's text up to a comma or closing bracket outside of quotes; nothing at all is infinite. */
static STATUS bound_text(Cursor *c, StrBuf *buf, bool *infinite)
{
    bool in_quotes = false;
    strbuf_reset(buf);
    *infinite = c->p < c->end && (*c->p == ',' || *c->p == ')' || *c->p == ']');
    if (*infinite) return ST_OK;
    for (;; ) {
        if (c->p == c->end) return malformed(c, "Unexpected end of input.");
        uint8_t ch = *c->p;
        if (!in_quotes && (ch == ',' || ch == ')' || ch == ']')) return strbuf_check(buf, c->err);
        c->p++;
        if (ch == '\\') {
            if (c->p == c->end) return malformed(c, "Unexpected end of input.");
            strbuf_char(buf, (char)*c->p++);
        } else if (ch == '"') {
            if (in_quotes && c->p < c->end && *c->p == '"') strbuf_char(buf, (char)*c->p++);
            else in_quotes = !in_quotes;
        } else {
            strbuf_char(buf, (char)ch);
        }
    }
}

static STATUS read_bound(IoContext *io, const TypeInfo *sub, Slice text, int32_t typmod, RangeBound *b, Error *err)
{
    return b->infinite ? ST_OK : type_input(io, sub, text, typmod, &b->value, err);
}

static STATUS parse_range(IoContext *io, const TypeInfo *type, Cursor *c, int32_t typmod, Datum *out)
{
    Range r = {.lower.lower = true};
    StrBuf low, high;
    strbuf_init(&low, io->arena);
    strbuf_init(&high, io->arena);
    if (c->p == c->end || (*c->p != '[' && *c->p != '(')) return malformed(c, "Missing left parenthesis or bracket.");
    r.lower.inclusive = *c->p++ == '[';
    TRY(bound_text(c, &low, &r.lower.infinite));
    if (*c->p != ',') return malformed(c, "Missing comma after lower bound.");
    c->p++;
    TRY(bound_text(c, &high, &r.upper.infinite));
    if (*c->p == ',') return malformed(c, "Too many commas.");
    r.upper.inclusive = *c->p++ == ']';
    TRY(read_bound(io, range_subtype(type), strbuf_slice(&low), typmod, &r.lower, c->err));
    TRY(read_bound(io, range_subtype(type), strbuf_slice(&high), typmod, &r.upper, c->err));
    return range_make(io->arena, type, r, out, c->err);
}

STATUS range_in(IoContext *io, const TypeInfo *type, Slice text, int32_t typmod, Datum *out, Error *err)
{
    Cursor c = {"range", text, text.data, text.data + text.len, err};
    TRY(stack_check(err));
    skip_spaces(&c);
    if (word_is(&c, "empty")) {
        c.p += 5;
        skip_spaces(&c);
        if (c.p != c.end) return malformed(&c, "Junk after \"empty\" key word.");
        return range_make(io->arena, type, (Range){.empty = true}, out, err);
    }
    TRY(parse_range(io, type, &c, typmod, out));
    skip_spaces(&c);
    return c.p == c.end ? ST_OK : malformed(&c, "Junk after right parenthesis or bracket.");
}

static bool needs_quotes(Slice s)
{
    if (s.len == 0) return true;
    for (size_t i = 0; i < s.len; i++)
        if (strchr("\"\\()[],", s.data[i]) || is_space(s.data[i])) return true;
    return false;
}

static STATUS put_bound(IoContext *io, const TypeInfo *sub, const RangeBound *b, StrBuf *out, Error *err)
{
    StrBuf tmp;
    if (b->infinite) return ST_OK;
    strbuf_init(&tmp, io->arena);
    TRY(type_output(io, sub, b->value, &tmp, err));
    TRY(strbuf_check(&tmp, err));
    Slice s = strbuf_slice(&tmp);
    if (!needs_quotes(s)) {
        strbuf_append(out, s.data, s.len);
        return ST_OK;
    }
    strbuf_char(out, '"');
    for (size_t i = 0; i < s.len; i++) {
        if (s.data[i] == '"' || s.data[i] == '\\') strbuf_char(out, (char)s.data[i]);
        strbuf_char(out, (char)s.data[i]);
    }
    strbuf_char(out, '"');
    return ST_OK;
}

STATUS range_out(IoContext *io, const TypeInfo *type, Datum value, StrBuf *out, Error *err)
{
    Range r;
    TRY(stack_check(err));
    TRY(range_read(type, value, &r, err));
    if (r.empty) {
        strbuf_str(out, "empty");
        return ST_OK;
    }
    strbuf_char(out, r.lower.inclusive ? '[' : '(');
    TRY(put_bound(io, range_subtype(type), &r.lower, out, err));
    strbuf_char(out, ',');
    TRY(put_bound(io, range_subtype(type), &r.upper, out, err));
    strbuf_char(out, r.upper.inclusive ? ']' : ')');
    return ST_OK;
}

/* ---- range, binary: flags, then each finite bound with its length ---- */

static Status short_message(Error *err) { return error_set(err, ERR_PROTOCOL_VIOLATION, "insufficient data left in message"); }

static STATUS recv_bound(IoContext *io, const TypeInfo *sub, const uint8_t **pp, const uint8_t *end, int32_t typmod, RangeBound *b, Error *err)
{
    if (b->infinite) return ST_OK;
    if (end - *pp < 4) return short_message(err);
    uint32_t n = get_be32(*pp);
    *pp += 4;
    if (n > (size_t)(end - *pp)) return short_message(err);
    TRY(type_recv(io, sub, slice_of(*pp, n), typmod, &b->value, err));
    *pp += n;
    return ST_OK;
}

STATUS range_recv(IoContext *io, const TypeInfo *type, Slice bytes, int32_t typmod, Datum *out, Error *err)
{
    const uint8_t *p = bytes.data, *end = p + bytes.len;
    TRY(stack_check(err));
    if (p == end) return short_message(err);
    uint8_t flags = *p++;
    Range r = {.empty = flags & RANGE_EMPTY,
               .lower = {.infinite = flags & RANGE_LOWER_INF, .inclusive = flags & RANGE_LOWER_INC, .lower = true},
               .upper = {.infinite = flags & RANGE_UPPER_INF, .inclusive = flags & RANGE_UPPER_INC}};
    if (!r.empty) {
        TRY(recv_bound(io, range_subtype(type), &p, end, typmod, &r.lower, err));
        TRY(recv_bound(io, range_subtype(type), &p, end, typmod, &r.upper, err));
    }
    if (p != end) return error_set(err, ERR_INVALID_BINARY_REPRESENTATION, "incorrect binary data format");
    return range_make(io->arena, type, r, out, err);
}

/* Appends a length word and what `send` writes for the value. */
static STATUS send_sized(IoContext *io, const TypeInfo *type, Datum v, StrBuf *out, Error *err)
{
    size_t at = out->len;
    put_be32(out, 0);
    TRY(type_send(io, type, v, out, err));
    TRY(strbuf_check(out, err));
    uint32_t n = __builtin_bswap32((uint32_t)(out->len - at - 4));
    memcpy(out->data + at, &n, 4);
    return ST_OK;
}

STATUS range_send(IoContext *io, const TypeInfo *type, Datum value, StrBuf *out, Error *err)
{
    Range r;
    TRY(range_read(type, value, &r, err));
    strbuf_char(out, (char)varlena_slice(value).data[0]);
    if (r.empty) return ST_OK;
    if (!r.lower.infinite) TRY(send_sized(io, range_subtype(type), r.lower.value, out, err));
    if (!r.upper.infinite) TRY(send_sized(io, range_subtype(type), r.upper.value, out, err));
    return ST_OK;
}

/* ---- multiranges ---- */

/* One range of "{[1,2),[3,4)}": its text ends at the bracket that closes it. */
static STATUS next_range(IoContext *io, const TypeInfo *range, Cursor *c, int32_t typmod, Range *out)
{
    Datum d;
    if (word_is(c, "empty")) {
        c->p += 5;
        *out = (Range){.empty = true};
        return ST_OK;
    }
    if (*c->p != '[' && *c->p != '(') return malformed(c, "Expected range start.");
    Cursor whole = *c;
    TRY(parse_range(io, range, &whole, typmod, &d));
    c->p = whole.p;
    return range_read(range, d, out, c->err);
}

STATUS multirange_in(IoContext *io, const TypeInfo *type, Slice text, int32_t typmod, Datum *out, Error *err)
{
    Cursor c = {"multirange", text, text.data, text.data + text.len, err};
    Range *ranges;
    int n = 0;
    TRY(stack_check(err));
    TRY_NEW_N(ranges, io->arena, text.len / 2 + 1, err);
    skip_spaces(&c);
    if (c.p == c.end || *c.p++ != '{') return malformed(&c, "Missing left brace.");
    skip_spaces(&c);
    while (c.p < c.end && (n > 0 || *c.p != '}')) {
        TRY(next_range(io, type->elem_info, &c, typmod, &ranges[n++]));
        skip_spaces(&c);
        if (c.p == c.end) break;
        if (*c.p == '}') break;
        if (*c.p++ != ',') return malformed(&c, "Expected comma or end of multirange.");
        skip_spaces(&c);
    }
    if (c.p == c.end) return malformed(&c, "Unexpected end of input.");
    c.p++;
    skip_spaces(&c);
    if (c.p != c.end) return malformed(&c, "Junk after closing right brace.");
    return multirange_make(io->arena, type, ranges, n, out, err);
}

STATUS multirange_out(IoContext *io, const TypeInfo *type, Datum value, StrBuf *out, Error *err)
{
    Slice s = varlena_slice(value);
    if (s.len < 4) return error_set(err, ERR_DATA_CORRUPTED, "a stored multirange is malformed");
    strbuf_char(out, '{');
    for (const uint8_t *p = s.data + 4, *end = s.data + s.len; p < end; p += varlena_total(p)) {
        if (p > s.data + 4) strbuf_char(out, ',');
        TRY(range_out(io, type->elem_info, datum_ptr(p), out, err));
    }
    strbuf_char(out, '}');
    return ST_OK;
}

STATUS multirange_recv(IoContext *io, const TypeInfo *type, Slice bytes, int32_t typmod, Datum *out, Error *err)
{
    const uint8_t *p = bytes.data, *end = p + bytes.len;
    Range *ranges;
    TRY(stack_check(err));
    if (end - p < 4) return short_message(err);
    uint32_t n = get_be32(p);
    p += 4;
    if (n > (size_t)(end - p) / 4) return short_message(err);
    TRY_NEW_N(ranges, io->arena, n, err);
    for (uint32_t i = 0; i < n; i++) {
        Datum d;
        if (end - p < 4 || get_be32(p) > (size_t)(end - p - 4)) return short_message(err);
        uint32_t len = get_be32(p);
        TRY(range_recv(io, type->elem_info, slice_of(p + 4, len), typmod, &d, err));
        TRY(range_read(type->elem_info, d, &ranges[i], err));
        p += 4 + len;
    }
    if (p != end) return error_set(err, ERR_INVALID_BINARY_REPRESENTATION, "incorrect binary data format");
    return multirange_make(io->arena, type, ranges, (int)n, out, err);
}

STATUS multirange_send(IoContext *io, const TypeInfo *type, Datum value, StrBuf *out, Error *err)
{
    Slice s = varlena_slice(value);
    uint32_t n;
    memcpy(&n, s.data, 4);
    put_be32(out, n);
    for (const uint8_t *p = s.data + 4, *end = s.data + s.len; p < end; p += varlena_total(p))
        TRY(send_sized(io, type->elem_info, datum_ptr(p), out, err));
    return ST_OK;
}
