/* record and composite types. Input needs the columns, which only the catalog knows: record_parse is for its types. */
#include <stdlib.h>

#include "common/thread.h"
#include "types/flat_value.h"
#include "types/record.h"
#include "types/types_internal.h"

#define COLUMN_BYTES 5
#define SHAPE_BYVAL 0x80

static size_t bitmap_bytes(int natts) { return (size_t)(natts + 7) / 8; }

STATUS record_open(Datum record, RecordView *out, Error *err)
{
    Slice s = varlena_slice(record);
    uint16_t natts = 0;
    if (s.len >= 6) memcpy(&natts, s.data + 4, 2);
    if (s.len < 6 || s.len < 6 + (size_t)natts * COLUMN_BYTES + bitmap_bytes(natts))
        return error_set(err, ERR_DATA_CORRUPTED, "a stored record is malformed");
    memcpy(&out->row_type, s.data, 4);
    out->natts = natts;
    out->columns = s.data + 6;
    out->nulls = out->columns + (size_t)natts * COLUMN_BYTES;
    out->data = out->nulls + bitmap_bytes(natts);
    out->end = s.data + s.len;
    return ST_OK;
}

void record_iter_init(RecordIter *it, const RecordView *view) { *it = (RecordIter){.view = view, .p = view->data}; }

bool record_next(RecordIter *it, RecordColumn *out)
{
    const RecordView *v = it->view;
    if (it->i >= v->natts) return false;
    int i = it->i++;
    const uint8_t *col = v->columns + (size_t)i * COLUMN_BYTES;
    *out = (RecordColumn){.byval = col[4] & SHAPE_BYVAL, .is_null = v->nulls[i / 8] >> i % 8 & 1};
    memcpy(&out->type, col, 4);
    out->typlen = col[4] & ~SHAPE_BYVAL ? col[4] & ~SHAPE_BYVAL : -1;
    if (out->is_null) return true;
    size_t n = flat_length(it->p, v->end, out->typlen);
    if (unlikely(n == 0)) return false;
    out->value = flat_read(it->p, out->byval, out->typlen, out->type);
    it->p += n;
    return true;
}

void record_column(const RecordView *view, int i, RecordColumn *out)
{
    RecordIter it;
    record_iter_init(&it, view);
    do {
        if (record_next(&it, out)) continue;
        *out = (RecordColumn){.is_null = true};
        return;
    } while (i-- > 0);
}

STATUS record_make(Arena *arena, const TupleDesc *desc, const Datum *values, const bool *nulls, Datum *out, Error *err)
{
    int natts = desc->natts;
    size_t bytes = 6 + (size_t)natts * COLUMN_BYTES + bitmap_bytes(natts);
    for (int i = 0; i < natts; i++)
        if (!nulls[i] && !desc->atts[i].dropped) bytes += flat_size(values[i], desc->atts[i].byval, desc->atts[i].typlen);
    uint8_t *p;
    TRY(make_varlena(arena, NULL, bytes, &p, out, err));
    Oid row_type = desc->row_type ? desc->row_type : TYPE_record;
    uint16_t n = (uint16_t)natts;
    memcpy(p, &row_type, 4);
    memcpy(p + 4, &n, 2);
    uint8_t *col = p + 6, *bitmap = col + (size_t)natts * COLUMN_BYTES;
    p = bitmap + bitmap_bytes(natts);
    memset(bitmap, 0, bitmap_bytes(natts));
    for (int i = 0; i < natts; i++, col += COLUMN_BYTES) {
        const Attribute *att = &desc->atts[i];
        memcpy(col, &att->type, 4);
        col[4] = (uint8_t)((att->typlen > 0 ? att->typlen : 0) | (att->byval ? SHAPE_BYVAL : 0));
        if (nulls[i] || att->dropped) bitmap[i / 8] |= (uint8_t)(1 << i % 8);
        else p = flat_write(p, values[i], att->byval, att->typlen);
    }
    return ST_OK;
}

/* ---- output ---- */

static bool needs_quotes(Slice s)
{
    if (s.len == 0) return true;
    for (size_t i = 0; i < s.len; i++) {
        uint8_t c = s.data[i];
        if (c == '"' || c == '\\' || c == '(' || c == ')' || c == ',' || is_space(c)) return true;
    }
    return false;
}

static STATUS column_type(IoContext *io, Oid oid, const TypeInfo **out, Error *err)
{
    *out = type_lookup(io, oid);
    return *out ? ST_OK : error_set(err, ERR_UNDEFINED_OBJECT, "type with OID %u does not exist", oid);
}

static void put_field(StrBuf *out, Slice s)
{
    if (!needs_quotes(s)) {
        strbuf_append(out, s.data, s.len);
        return;
    }
    strbuf_char(out, '"');
    for (size_t i = 0; i < s.len; i++) {
        if (s.data[i] == '"' || s.data[i] == '\\') strbuf_char(out, (char)s.data[i]);
        strbuf_char(out, (char)s.data[i]);
    }
    strbuf_char(out, '"');
}

STATUS record_out(IoContext *io, const TypeInfo *type, Datum value, StrBuf *out, Error *err)
{
    RecordView v;
    RecordIter it;
    RecordColumn col;
    StrBuf tmp;
    const TypeInfo *t;
    TRY(stack_check(err));
    TRY(record_open(value, &v, err));
    strbuf_init(&tmp, io->arena);
    strbuf_char(out, '(');
    record_iter_init(&it, &v);
    for (int i = 0; record_next(&it, &col); i++) {
        if (i) strbuf_char(out, ',');
        if (col.is_null) continue;
        TRY(column_type(io, col.type, &t, err));
        strbuf_reset(&tmp);
        TRY(type_output(io, t, col.value, &tmp, err));
        TRY(strbuf_check(&tmp, err));
        put_field(out, strbuf_slice(&tmp));
    }
    strbuf_char(out, ')');
    return ST_OK;
}

STATUS record_send(IoContext *io, const TypeInfo *type, Datum value, StrBuf *out, Error *err)
{
    RecordView v;
    RecordIter it;
    RecordColumn col;
    const TypeInfo *t;
    TRY(stack_check(err));
    TRY(record_open(value, &v, err));
    put_be32(out, (uint32_t)v.natts);
    record_iter_init(&it, &v);
    while (record_next(&it, &col)) {
        put_be32(out, col.type);
        size_t at = out->len;
        put_be32(out, UINT32_MAX);
        if (col.is_null) continue;
        TRY(column_type(io, col.type, &t, err));
        TRY(type_send(io, t, col.value, out, err));
        TRY(strbuf_check(out, err));
        uint32_t len = __builtin_bswap32((uint32_t)(out->len - at - 4));
        memcpy(out->data + at, &len, 4);
    }
    return ST_OK;
}

/* ---- input ---- */

static Status anonymous(Error *err)
{
    return error_set(err, ERR_FEATURE_NOT_SUPPORTED, "input of anonymous composite types is not implemented");
}

STATUS record_in(IoContext *io, const TypeInfo *type, Slice text, int32_t typmod, Datum *out, Error *err) { return anonymous(err); }
STATUS record_recv(IoContext *io, const TypeInfo *type, Slice bytes, int32_t typmod, Datum *out, Error *err) { return anonymous(err); }

static Status malformed(Slice text, const char *detail, Error *err)
{
    error_set(err, ERR_INVALID_TEXT_REPRESENTATION, "malformed record literal: \"%.*s\"", (int)text.len, (const char *)text.data);
    return error_detail(err, "%s", detail);
}

/* One field at *pp, unquoted into buf; *null if there was nothing at all. */
static STATUS read_field(Slice text, const uint8_t **pp, StrBuf *buf, bool *null, Error *err)
{
    const uint8_t *p = *pp, *end = text.data + text.len;
    bool in_quotes = false;
    strbuf_reset(buf);
    *null = p < end && (*p == ',' || *p == ')');
    while (p < end && (in_quotes || (*p != ',' && *p != ')'))) {
        uint8_t c = *p++;
        if (c == '\\') {
            if (p == end) break;
            strbuf_char(buf, (char)*p++);
        } else if (c == '"') {
            if (in_quotes && p < end && *p == '"') strbuf_char(buf, (char)*p++);
            else in_quotes = !in_quotes;
        } else {
            strbuf_char(buf, (char)c);
        }
    }
    if (p >= end) return malformed(text, "Unexpected end of input.", err);
    *pp = p;
    return strbuf_check(buf, err);
}

STATUS record_parse(IoContext *io, const TupleDesc *desc, Slice text, Datum *out, Error *err)
{
    const uint8_t *p = text.data, *end = p + text.len;
    Datum *values;
    bool *nulls, first = true;
    StrBuf buf;
    TRY(stack_check(err));
    TRY_NEW_N(values, io->arena, desc->natts, err);
    TRY_NEW_N(nulls, io->arena, desc->natts, err);
    strbuf_init(&buf, io->arena);
    while (p < end && is_space(*p)) p++;
    if (p == end || *p++ != '(') return malformed(text, "Missing left parenthesis.", err);
    for (int i = 0; i < desc->natts; i++) {
        const Attribute *att = &desc->atts[i];
        const TypeInfo *t;
        nulls[i] = true;
        if (att->dropped) continue;
        if (!first) {
            if (p == end || *p != ',') return malformed(text, "Too few columns.", err);
            p++;
        }
        first = false;
        TRY(read_field(text, &p, &buf, &nulls[i], err));
        if (nulls[i]) continue;
        TRY(column_type(io, att->type, &t, err));
        TRY(type_input(io, t, strbuf_slice(&buf), att->typmod, &values[i], err));
    }
    if (p == end || *p++ != ')') return malformed(text, "Too many columns.", err);
    while (p < end && is_space(*p)) p++;
    if (p != end) return malformed(text, "Junk after right parenthesis.", err);
    return record_make(io->arena, desc, values, nulls, out, err);
}

static Status short_message(Error *err) { return error_set(err, ERR_PROTOCOL_VIOLATION, "insufficient data left in message"); }

static STATUS recv_column(IoContext *io, const Attribute *att, int number, const uint8_t **pp, const uint8_t *end, Datum *value,
                          bool *null, Error *err)
{
    const TypeInfo *t;
    if (end - *pp < 8) return short_message(err);
    Oid oid = get_be32(*pp);
    uint32_t len = get_be32(*pp + 4);
    *pp += 8;
    if (oid != att->type)
        return error_set(err, ERR_DATATYPE_MISMATCH, "binary data has type %u instead of expected %u in record column %d", oid, att->type,
                         number);
    *null = len == UINT32_MAX;
    if (*null) return ST_OK;
    if (len > (size_t)(end - *pp)) return short_message(err);
    TRY(column_type(io, att->type, &t, err));
    TRY(type_recv(io, t, slice_of(*pp, len), att->typmod, value, err));
    *pp += len;
    return ST_OK;
}

STATUS record_parse_binary(IoContext *io, const TupleDesc *desc, Slice bytes, Datum *out, Error *err)
{
    const uint8_t *p = bytes.data, *end = p + bytes.len;
    Datum *values;
    bool *nulls;
    int live = 0, number = 0;
    TRY(stack_check(err));
    TRY_NEW_N(values, io->arena, desc->natts, err);
    TRY_NEW_N(nulls, io->arena, desc->natts, err);
    for (int i = 0; i < desc->natts; i++) live += !desc->atts[i].dropped;
    if (end - p < 4) return short_message(err);
    int sent = (int)get_be32(p);
    p += 4;
    if (sent != live) return error_set(err, ERR_DATATYPE_MISMATCH, "wrong number of columns: %d, expected %d", sent, live);
    for (int i = 0; i < desc->natts; i++) {
        nulls[i] = true;
        if (!desc->atts[i].dropped) TRY(recv_column(io, &desc->atts[i], ++number, &p, end, &values[i], &nulls[i], err));
    }
    if (p != end) return error_set(err, ERR_INVALID_BINARY_REPRESENTATION, "incorrect binary data format");
    return record_make(io->arena, desc, values, nulls, out, err);
}

/* ---- order and hash, column by column; a null is above all values ---- */

static int compare_column(const RecordColumn *a, const RecordColumn *b)
{
    if (a->is_null || b->is_null) return (int)a->is_null - (int)b->is_null;
    const TypeInfo *t = type_builtin(a->type);
    if (a->type != b->type) return a->type < b->type ? -1 : 1; /* refused when the comparison was analysed */
    if (t && t->compare) return t->compare(t, a->value, b->value);
    if (a->byval) return (a->value > b->value) - (a->value < b->value);
    return slice_compare(slice_of(datum_bytes(a->value), datum_size(a->value, false, a->typlen)),
                         slice_of(datum_bytes(b->value), datum_size(b->value, false, b->typlen)));
}

int record_compare(const TypeInfo *type, Datum a, Datum b)
{
    RecordView va, vb;
    RecordIter ia, ib;
    RecordColumn x, y;
    if (failed(record_open(a, &va, NULL)) || failed(record_open(b, &vb, NULL))) return 0;
    record_iter_init(&ia, &va);
    record_iter_init(&ib, &vb);
    while (record_next(&ia, &x) && record_next(&ib, &y)) {
        int c = compare_column(&x, &y);
        if (c) return c < 0 ? -1 : 1;
    }
    return (va.natts > vb.natts) - (va.natts < vb.natts);
}

uint64_t record_hash(const TypeInfo *type, Datum v)
{
    RecordView view;
    RecordIter it;
    RecordColumn x;
    uint64_t h = 7;
    if (failed(record_open(v, &view, NULL))) return 0;
    record_iter_init(&it, &view);
    while (record_next(&it, &x)) {
        const TypeInfo *t = type_builtin(x.type);
        h = h * 31 + (x.is_null || !t || !t->hash ? 0 : t->hash(t, x.value));
    }
    return h;
}
