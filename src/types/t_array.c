/* Arrays as text and in binary. The text form follows array_in/array_out of PostgreSQL 15, with its error details. */
#include <stdlib.h>
#include <strings.h>

#include "common/list.h"
#include "common/thread.h"
#include "types/array.h"
#include "types/types_internal.h"

/* ---- text input: structure first, then the elements ---- */

typedef struct Item {
    Slice text; /* unquoted, unescaped, trimmed */
    bool plain; /* no quote and no backslash: NULL is a null */
} Item;

typedef enum State { /* what came last */
    NOTHING, LEVEL_START, ELEM, QUOTED, QUOTED_END, LEVEL_END, ELEM_DELIM, LEVEL_DELIM
} State;
#define IN(s) (1u << (s))

typedef struct Parser {
    Arena *arena;
    Slice whole; /* what messages quote: from the braces on while inside of them */
    const uint8_t *p, *end;
    char delim;
    State state;
    int level, ndim;
    int32_t dims[ARRAY_MAX_DIMS]; /* items of the first sub-array closed at each level; -1: none yet */
    int32_t count[ARRAY_MAX_DIMS]; /* items so far of the open sub-array */
    int leaf_level; /* level of the elements; 0: none seen */
    PtrVec items;
    uint8_t *text; /* room for the unescaped elements, as long as the whole */
    size_t text_used;
    Error *err;
} Parser;

static Status malformed(const Parser *ps)
{
    return error_set(ps->err, ERR_INVALID_TEXT_REPRESENTATION, "malformed array literal: \"%.*s\"", (int)ps->whole.len,
                     (const char *)ps->whole.data);
}

static Status bad(const Parser *ps, const char *detail)
{
    malformed(ps);
    return error_detail(ps->err, "%s", detail);
}

static Status unexpected_char(const Parser *ps, char c)
{
    malformed(ps);
    return error_detail(ps->err, "Unexpected \"%c\" character.", c);
}

#define MISMATCH "Multidimensional arrays must have sub-arrays with matching dimensions."
#define SPECIFIED_MISMATCH "Specified array dimensions do not match array contents."
#define ENDED "Unexpected end of input."

static Status too_many_dims(int ndim, Error *err)
{
    return error_set(err, ERR_PROGRAM_LIMIT_EXCEEDED, "number of array dimensions (%d) exceeds the maximum allowed (%d)", ndim,
                     ARRAY_MAX_DIMS);
}

static STATUS open_level(Parser *ps)
{
    if (!(IN(ps->state) & (IN(NOTHING) | IN(LEVEL_START) | IN(LEVEL_DELIM)))) return unexpected_char(ps, '{');
    if (ps->level >= ARRAY_MAX_DIMS) return too_many_dims(ps->level + 1, ps->err);
    ps->count[ps->level++] = 0;
    if (ps->ndim < ps->level) ps->ndim = ps->level;
    ps->state = LEVEL_START;
    ps->p++;
    return ST_OK;
}

static STATUS close_level(Parser *ps)
{
    bool empty = ps->level == 1 && ps->state == LEVEL_START;
    if (!(IN(ps->state) & (IN(ELEM) | IN(QUOTED_END) | IN(LEVEL_END))) && !empty) return unexpected_char(ps, '}');
    int level = --ps->level;
    if (ps->dims[level] >= 0 && ps->dims[level] != ps->count[level]) return bad(ps, MISMATCH);
    ps->dims[level] = ps->count[level];
    if (level > 0) ps->count[level - 1]++;
    ps->state = LEVEL_END;
    ps->p++;
    return ST_OK;
}

static STATUS delimiter(Parser *ps)
{
    if (!(IN(ps->state) & (IN(ELEM) | IN(QUOTED_END) | IN(LEVEL_END)))) return unexpected_char(ps, ps->delim);
    ps->state = ps->state == LEVEL_END ? LEVEL_DELIM : ELEM_DELIM;
    ps->p++;
    return ST_OK;
}

static STATUS add_item(Parser *ps, Slice text, bool plain)
{
    Item *item = arena_alloc(ps->arena, sizeof *item);
    if (!item || !ptrvec_push(&ps->items, ps->arena, item)) return error_out_of_memory(ps->err, sizeof *item);
    *item = (Item){text, plain};
    ps->count[ps->level - 1]++;
    if (ps->leaf_level && ps->leaf_level != ps->level) return bad(ps, MISMATCH);
    ps->leaf_level = ps->level;
    return ST_OK;
}

/* An element: to the next delimiter or brace outside of quotes. */
static STATUS element(Parser *ps)
{
    unsigned before = IN(LEVEL_START) | IN(ELEM_DELIM);
    if (!(IN(ps->state) & before)) return *ps->p == '\\' ? unexpected_char(ps, '\\') : bad(ps, "Unexpected array element.");
    uint8_t *text = ps->text + ps->text_used;
    size_t n = 0, keep = 0; /* keep: length up to the last character that is not a trimmed blank */
    bool plain = true, in_quotes = false;
    ps->state = ELEM;
    for (;; ps->p++) {
        if (ps->p == ps->end) return bad(ps, ENDED);
        uint8_t c = *ps->p;
        if (c == '\\') {
            if (ps->state == QUOTED_END) return unexpected_char(ps, '\\');
            if (ps->p + 1 == ps->end) return bad(ps, ENDED);
            text[n++] = *++ps->p;
            keep = n;
            plain = false;
        } else if (c == '"') {
            if (!in_quotes && (keep > 0 || ps->state == QUOTED_END)) return bad(ps, "Unexpected array element.");
            in_quotes = !in_quotes;
            plain = false;
            ps->state = in_quotes ? QUOTED : QUOTED_END;
        } else if (in_quotes) {
            text[n++] = c;
            keep = n;
        } else if (c == (uint8_t)ps->delim || c == '}') {
            break;
        } else if (c == '{') {
            return unexpected_char(ps, '{');
        } else if (is_space(c)) {
            if (n > 0) text[n++] = c;
        } else {
            if (ps->state == QUOTED_END) return bad(ps, "Unexpected array element.");
            text[n++] = c;
            keep = n;
        }
    }
    ps->text_used += n;
    return add_item(ps, slice_of(text, keep), plain);
}

static STATUS parse_braces(Parser *ps)
{
    do {
        if (ps->p == ps->end) return bad(ps, ENDED);
        uint8_t c = *ps->p;
        if (c == '{') TRY(open_level(ps));
        else if (c == '}') TRY(close_level(ps));
        else if (c == (uint8_t)ps->delim) TRY(delimiter(ps));
        else if (is_space(c)) ps->p++;
        else TRY(element(ps));
    } while (ps->level > 0);
    while (ps->p < ps->end && is_space(*ps->p)) ps->p++;
    if (ps->p != ps->end) return bad(ps, "Junk after closing right brace.");
    if (ps->items.len == 0) ps->ndim = 0;
    else if (ps->leaf_level != ps->ndim) return bad(ps, MISMATCH);
    return ST_OK;
}

/* An integer as atoi reads it; false if there is no character of one. */
static bool bound(Parser *ps, int32_t *out)
{
    char buf[16];
    size_t n = 0;
    const uint8_t *start = ps->p;
    for (; ps->p < ps->end && ((*ps->p >= '0' && *ps->p <= '9') || *ps->p == '-' || *ps->p == '+'); ps->p++)
        if (n + 1 < sizeof buf) buf[n++] = (char)*ps->p;
    buf[n] = 0;
    *out = (int32_t)strtol(buf, NULL, 10);
    return ps->p > start;
}

static void skip_spaces(Parser *ps)
{
    while (ps->p < ps->end && is_space(*ps->p)) ps->p++;
}

static Status missing_after_dims(const Parser *ps, const char *what)
{
    malformed(ps);
    return error_detail(ps->err, "Missing \"%s\" after array dimensions.", what);
}

/* "[2:4][3]=": *ndim stays 0 without. */
static STATUS parse_dimensions(Parser *ps, int *ndim, int32_t *dims, int32_t *lbounds)
{
    for (*ndim = 0;; ++*ndim) {
        skip_spaces(ps);
        if (ps->p == ps->end || *ps->p != '[') break;
        ps->p++;
        int32_t low, high;
        if (*ndim >= ARRAY_MAX_DIMS) return too_many_dims(*ndim + 1, ps->err);
        if (!bound(ps, &high)) return bad(ps, "\"[\" must introduce explicitly-specified array dimensions.");
        low = 1;
        if (ps->p < ps->end && *ps->p == ':') {
            low = high;
            ps->p++;
            if (!bound(ps, &high)) return bad(ps, "Missing array dimension value.");
        }
        if (ps->p == ps->end || *ps->p != ']') return missing_after_dims(ps, "]");
        ps->p++;
        if (high < low) return error_set(ps->err, ERR_ARRAY_SUBSCRIPT_ERROR, "upper bound cannot be less than lower bound");
        dims[*ndim] = (int32_t)((int64_t)high - low + 1);
        lbounds[*ndim] = low;
    }
    if (*ndim == 0) return ST_OK;
    if (ps->p == ps->end || *ps->p != '=') return missing_after_dims(ps, "=");
    ps->p++;
    skip_spaces(ps);
    return ST_OK;
}

static STATUS parse_array(Parser *ps, int32_t *lbounds)
{
    int given;
    int32_t dims[ARRAY_MAX_DIMS];
    for (int i = 0; i < ARRAY_MAX_DIMS; i++) ps->dims[i] = -1, lbounds[i] = 1;
    TRY(parse_dimensions(ps, &given, dims, lbounds));
    if (ps->p == ps->end || *ps->p != '{')
        return bad(ps, given ? "Array contents must start with \"{\"." : "Array value must start with \"{\" or dimension information.");
    Slice whole = ps->whole;
    ps->whole = slice_of(ps->p, (size_t)(ps->end - ps->p));
    TRY(parse_braces(ps));
    if (!given) return ST_OK;
    ps->whole = whole;
    if (given != ps->ndim) return bad(ps, SPECIFIED_MISMATCH);
    for (int i = 0; i < given; i++)
        if (dims[i] != ps->dims[i]) return bad(ps, SPECIFIED_MISMATCH);
    return ST_OK;
}

STATUS array_in(IoContext *io, const TypeInfo *type, Slice text, int32_t typmod, Datum *out, Error *err)
{
    const TypeInfo *elem = array_elem_type(io, type, NULL);
    if (!elem) return error_set(err, ERR_UNDEFINED_OBJECT, "type with OID %u does not exist", type->elem);
    Parser ps = {.arena = io->arena, .whole = text, .p = text.data, .end = text.data + text.len, .delim = elem->delim, .err = err};
    int32_t lbounds[ARRAY_MAX_DIMS];
    int n;
    TRY(stack_check(err));
    ps.text = arena_alloc(io->arena, text.len + 1);
    TRY_MEM(ps.text, err);
    TRY(parse_array(&ps, lbounds));
    TRY(array_count_items(ps.ndim, ps.dims, lbounds, &n, err));
    Datum *values;
    bool *nulls;
    TRY_NEW_N(values, io->arena, n, err);
    TRY_NEW_N(nulls, io->arena, n, err);
    for (int i = 0; i < n; i++) {
        const Item *item = ps.items.v[i];
        nulls[i] = item->plain && item->text.len == 4 && strncasecmp((const char *)item->text.data, "null", 4) == 0;
        if (!nulls[i]) TRY(type_input(io, elem, item->text, typmod, &values[i], err));
    }
    return array_make(io->arena, elem, ps.ndim, ps.dims, lbounds, values, nulls, out, err);
}

/* ---- text output ---- */

static bool needs_quotes(Slice s, char delim)
{
    if (s.len == 0 || (s.len == 4 && strncasecmp((const char *)s.data, "null", 4) == 0)) return true;
    for (size_t i = 0; i < s.len; i++) {
        uint8_t c = s.data[i];
        if (c == '"' || c == '\\' || c == '{' || c == '}' || c == (uint8_t)delim || is_space(c)) return true;
    }
    return false;
}

static void put_quoted(StrBuf *out, Slice s)
{
    strbuf_char(out, '"');
    for (size_t i = 0; i < s.len; i++) {
        if (s.data[i] == '"' || s.data[i] == '\\') strbuf_char(out, '\\');
        strbuf_char(out, (char)s.data[i]);
    }
    strbuf_char(out, '"');
}

static STATUS put_element(IoContext *io, const TypeInfo *elem, Datum value, StrBuf *tmp, StrBuf *out, Error *err)
{
    if (elem->category == 'N' && elem->byval && elem->collation == 0 && elem->output != reg_out)
        return elem->output(io, elem, value, out, err); /* numbers never need quotes */
    strbuf_reset(tmp);
    TRY(type_output(io, elem, value, tmp, err));
    TRY(strbuf_check(tmp, err));
    Slice s = strbuf_slice(tmp);
    if (needs_quotes(s, elem->delim)) put_quoted(out, s);
    else strbuf_append(out, s.data, s.len);
    return ST_OK;
}

static void put_bounds(const ArrayView *v, StrBuf *out)
{
    bool plain = true;
    for (int i = 0; i < v->ndim; i++) plain = plain && v->lbounds[i] == 1;
    if (plain) return;
    for (int i = 0; i < v->ndim; i++) strbuf_printf(out, "[%d:%d]", v->lbounds[i], v->lbounds[i] + v->dims[i] - 1);
    strbuf_char(out, '=');
}

STATUS array_out(IoContext *io, const TypeInfo *type, Datum value, StrBuf *out, Error *err)
{
    ArrayView v;
    ArrayIter it;
    StrBuf tmp;
    Datum x;
    bool null;
    int32_t at[ARRAY_MAX_DIMS] = {0};
    TRY(stack_check(err));
    TRY(array_open(value, &v, err));
    if (v.nitems == 0) {
        strbuf_str(out, "{}");
        return ST_OK;
    }
    const TypeInfo *elem = array_elem_type(io, type, &v);
    if (!elem) return error_set(err, ERR_UNDEFINED_OBJECT, "type with OID %u does not exist", v.elem);
    strbuf_init(&tmp, io->arena);
    put_bounds(&v, out);
    strbuf_fill(out, '{', (size_t)v.ndim);
    array_iter_init(&it, &v, elem);
    for (int i = 0; array_next(&it, &x, &null); i++) {
        if (i > 0) { /* carry to the outer dimensions: close and open as many braces */
            int d = v.ndim - 1;
            while (d >= 0 && ++at[d] == v.dims[d]) at[d--] = 0;
            size_t closed = (size_t)(v.ndim - 1 - d);
            strbuf_fill(out, '}', closed);
            strbuf_char(out, elem->delim);
            strbuf_fill(out, '{', closed);
        }
        if (null) strbuf_append(out, "NULL", 4);
        else TRY(put_element(io, elem, x, &tmp, out, err));
    }
    strbuf_fill(out, '}', (size_t)v.ndim);
    return ST_OK;
}

/* ---- binary ---- */

STATUS array_send(IoContext *io, const TypeInfo *type, Datum value, StrBuf *out, Error *err)
{
    ArrayView v;
    ArrayIter it;
    Datum x;
    bool null;
    TRY(stack_check(err));
    TRY(array_open(value, &v, err));
    const TypeInfo *elem = array_elem_type(io, type, &v);
    if (!elem) return error_set(err, ERR_UNDEFINED_OBJECT, "type with OID %u does not exist", v.elem);
    put_be32(out, (uint32_t)v.ndim);
    put_be32(out, v.nulls != NULL);
    put_be32(out, v.elem);
    for (int i = 0; i < v.ndim; i++) {
        put_be32(out, (uint32_t)v.dims[i]);
        put_be32(out, (uint32_t)v.lbounds[i]);
    }
    array_iter_init(&it, &v, elem);
    while (array_next(&it, &x, &null)) {
        size_t at = out->len;
        put_be32(out, UINT32_MAX);
        if (null) continue;
        TRY(type_send(io, elem, x, out, err));
        TRY(strbuf_check(out, err));
        uint32_t len = __builtin_bswap32((uint32_t)(out->len - at - 4));
        memcpy(out->data + at, &len, 4);
    }
    return ST_OK;
}

typedef struct Reader {
    const uint8_t *p, *end;
} Reader;

static STATUS read_u32(Reader *r, uint32_t *out, Error *err)
{
    if (r->end - r->p < 4) return error_set(err, ERR_PROTOCOL_VIOLATION, "insufficient data left in message");
    *out = get_be32(r->p);
    r->p += 4;
    return ST_OK;
}

static STATUS recv_head(Reader *r, const TypeInfo *elem, int *ndim, int32_t *dims, int32_t *lbounds, Error *err)
{
    uint32_t n, flags, oid, v;
    TRY(read_u32(r, &n, err));
    if ((int32_t)n < 0) return error_set(err, ERR_INVALID_BINARY_REPRESENTATION, "invalid number of dimensions: %d", (int)n);
    if (n > ARRAY_MAX_DIMS) return too_many_dims((int)n, err);
    TRY(read_u32(r, &flags, err));
    if (flags > 1) return error_set(err, ERR_INVALID_BINARY_REPRESENTATION, "invalid array flags");
    TRY(read_u32(r, &oid, err));
    if (oid != elem->oid) {
        const TypeInfo *sent = type_builtin(oid);
        return error_set(err, ERR_DATATYPE_MISMATCH, "binary data has array element type %u (%s) instead of expected %u (%s)", oid,
                         sent ? type_display_name(sent) : "???", elem->oid, type_display_name(elem));
    }
    *ndim = (int)n;
    for (int i = 0; i < *ndim; i++) {
        TRY(read_u32(r, &v, err));
        dims[i] = (int32_t)v;
        TRY(read_u32(r, &v, err));
        lbounds[i] = (int32_t)v;
    }
    return ST_OK;
}

static STATUS recv_element(IoContext *io, Reader *r, const TypeInfo *elem, int32_t typmod, int i, Datum *value, bool *null, Error *err)
{
    uint32_t len;
    TRY(read_u32(r, &len, err));
    *null = len == UINT32_MAX;
    if (*null) return ST_OK;
    if (len > (size_t)(r->end - r->p)) return error_set(err, ERR_INVALID_BINARY_REPRESENTATION, "insufficient data left in message");
    Slice s = slice_of(r->p, len);
    r->p += len;
    Error inner = ERROR_INIT;
    Status st = type_recv(io, elem, s, typmod, value, &inner);
    if (failed(st) && inner.code == ERR_INVALID_BINARY_REPRESENTATION && strcmp(inner.message, "incorrect binary data format") == 0) {
        error_clear(&inner);
        return error_set(err, ERR_INVALID_BINARY_REPRESENTATION, "improper binary format in array element %d", i + 1);
    }
    if (failed(st) && !error_is_set(err)) {
        if (err) *err = inner;
        else error_clear(&inner);
    }
    return st;
}

STATUS array_recv(IoContext *io, const TypeInfo *type, Slice bytes, int32_t typmod, Datum *out, Error *err)
{
    const TypeInfo *elem = array_elem_type(io, type, NULL);
    Reader r = {bytes.data, bytes.data + bytes.len};
    int32_t dims[ARRAY_MAX_DIMS], lbounds[ARRAY_MAX_DIMS];
    int ndim, n;
    TRY(stack_check(err));
    if (!elem) return error_set(err, ERR_UNDEFINED_OBJECT, "type with OID %u does not exist", type->elem);
    TRY(recv_head(&r, elem, &ndim, dims, lbounds, err));
    TRY(array_count_items(ndim, dims, lbounds, &n, err));
    if ((size_t)n > (size_t)(r.end - r.p) / 4) return error_set(err, ERR_PROTOCOL_VIOLATION, "insufficient data left in message");
    Datum *values;
    bool *nulls;
    TRY_NEW_N(values, io->arena, n, err);
    TRY_NEW_N(nulls, io->arena, n, err);
    for (int i = 0; i < n; i++) TRY(recv_element(io, &r, elem, typmod, i, &values[i], &nulls[i], err));
    if (r.p != r.end) return error_set(err, ERR_INVALID_BINARY_REPRESENTATION, "incorrect binary data format");
    return array_make(io->arena, elem, ndim, dims, lbounds, values, nulls, out, err);
}
