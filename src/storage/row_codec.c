/* Rows of tables: encoding, heads, and slots that decode lazily. Index entries are in index_codec.c; the bytes in row_codec.h. */
#include "storage/row_codec_internal.h"

#include "types/flat_value.h"

enum { HEAD_NULLS = 0x40, NCOLUMNS_WIDE = 255 };

/* ---- Encoding. */

bool row_key_has_column(const KeyPart *key, int nkey, int column)
{
    for (int i = 0; i < nkey; i++) {
        if (key[i].column == column) return key_part_reversible(&key[i]);
    }
    return false;
}

static inline int bytes_of(uint64_t v) { return v ? (71 - __builtin_clzll(v)) / 8 : 0; }

static void append_head(StrBuf *out, uint64_t xid, uint64_t stamp, bool has_null, int ncolumns)
{
    uint8_t buf[20], *p = buf + 1;
    uint64_t delta = stamp - xid;
    int stamp_bytes = bytes_of(stamp), delta_bytes = bytes_of(delta);
    if (stamp_bytes == 0) stamp_bytes = 1;
    if (delta_bytes > 7) delta_bytes = 7; /* cannot be: both come from one counter */
    buf[0] = (uint8_t)((stamp_bytes - 1) | delta_bytes << 3 | (has_null ? HEAD_NULLS : 0));
    memcpy(p, &stamp, 8);
    p += stamp_bytes;
    memcpy(p, &delta, 8);
    p += delta_bytes;
    if (ncolumns < NCOLUMNS_WIDE) {
        *p++ = (uint8_t)ncolumns;
    } else {
        *p++ = NCOLUMNS_WIDE;
        *p++ = (uint8_t)ncolumns;
        *p++ = (uint8_t)(ncolumns >> 8);
    }
    strbuf_append(out, buf, (size_t)(p - buf));
}

void row_append_bitmap(StrBuf *out, int n, const bool *nulls, const ColumnDef *columns)
{
    for (int i = 0; i < n; i += 8) {
        uint8_t byte = 0;
        for (int k = i; k < n && k < i + 8; k++) {
            if (nulls[k] || columns[k].dropped) byte |= (uint8_t)(1 << (k - i));
        }
        strbuf_char(out, (char)byte);
    }
}

void row_append_value(StrBuf *out, const TypeInfo *type, Datum v)
{
    if (type->byval) {
        strbuf_append(out, &v, (size_t)type->typlen);
    } else if (type->typlen > 0) {
        strbuf_append(out, datum_bytes(v), (size_t)type->typlen);
    } else {
        uint8_t head[4];
        Slice s = varlena_slice(v);
        uint8_t *end = varlena_put_header(head, s.len);
        strbuf_append(out, head, (size_t)(end - head));
        strbuf_append(out, s.data, s.len);
    }
}

STATUS row_encode(const TableDef *def, uint64_t xid, uint64_t stamp, const Datum *values, const bool *nulls, StrBuf *out, Error *err)
{
    bool has_null = false;
    for (int i = 0; i < def->ncolumns; i++) has_null |= nulls[i] | def->columns[i].dropped;
    append_head(out, xid, stamp, has_null, def->ncolumns);
    if (has_null) row_append_bitmap(out, def->ncolumns, nulls, def->columns);
    for (int i = 0; i < def->ncolumns; i++) {
        const ColumnDef *col = &def->columns[i];
        if (nulls[i] || col->dropped || row_key_has_column(def->key, def->nkey, i)) continue;
        row_append_value(out, col->type, values[i]);
    }
    return strbuf_check(out, err);
}

STATUS row_key_encode(const TableDef *def, const Datum *values, const bool *nulls, StrBuf *out, Error *err)
{
    Datum v[KEY_PARTS_MAX];
    bool n[KEY_PARTS_MAX];
    uint8_t id[4];
    assert(def->nkey > 0 && def->nkey <= KEY_PARTS_MAX);
    for (int i = 0; i < def->nkey; i++) {
        v[i] = values[def->key[i].column];
        n[i] = nulls && nulls[def->key[i].column];
    }
    key_put_u32(id, def->storage_id);
    strbuf_append(out, id, 4);
    return key_encode(def->key, def->nkey, v, n, out, err);
}

/* ---- Heads. */

typedef struct RowHead {
    uint64_t stamp, delta;
    int ncolumns;
    const uint8_t *bitmap; /* NULL: no nulls */
    const uint8_t *columns;
} RowHead;

static inline uint64_t load_le(const uint8_t *p, int n, const uint8_t *end)
{
    uint64_t v = 0;
    if (likely(end - p >= 8)) {
        memcpy(&v, p, 8);
        return n == 8 ? v : v & ((1ull << (8 * n)) - 1);
    }
    for (int i = 0; i < n; i++) v |= (uint64_t)p[i] << (8 * i);
    return v;
}

static inline bool read_head(Slice row, RowHead *h)
{
    const uint8_t *p = row.data, *end = row.data + row.len;
    if (unlikely(row.len < 3)) return false;
    uint8_t head = *p++;
    int stamp_bytes = (head & 7) + 1, delta_bytes = head >> 3 & 7;
    if (unlikely(end - p < stamp_bytes + delta_bytes + 1)) return false;
    h->stamp = load_le(p, stamp_bytes, end);
    p += stamp_bytes;
    h->delta = load_le(p, delta_bytes, end);
    p += delta_bytes;
    h->ncolumns = *p++;
    if (unlikely(h->ncolumns == NCOLUMNS_WIDE)) {
        if (end - p < 2) return false;
        h->ncolumns = p[0] | p[1] << 8;
        p += 2;
    }
    h->bitmap = NULL;
    if (head & HEAD_NULLS) {
        h->bitmap = p;
        if (end - p < (h->ncolumns + 7) / 8) return false;
        p += (h->ncolumns + 7) / 8;
    }
    h->columns = p;
    return true;
}

uint64_t row_stamp(Slice value)
{
    RowHead h;
    return read_head(value, &h) ? h.stamp : 0;
}

uint64_t row_xid(Slice value)
{
    RowHead h;
    return read_head(value, &h) ? h.stamp - h.delta : 0;
}

/* ---- Decoding. */

static Status malformed_row(Error *err)
{
    return error_set(err, ERR_DATA_CORRUPTED, "malformed row");
}

static ColumnForm form_of(const TypeInfo *type)
{
    if (!type->byval) return type->typlen > 0 ? FORM_FIXED : FORM_VARLENA;
    switch (type->typlen) {
    case 1: return FORM_U8;
    case 2: return FORM_I16;
    case 4: return type->key == KEYENC_U32 || type->key == KEYENC_F4 || flat_unsigned(type->oid) ? FORM_U32 : FORM_I32;
    default: return FORM_U64;
    }
}

STATUS row_codec_make(Arena *arena, int ncolumns, const ColumnDef *columns, int nkey, const KeyPart *key, RowCodec **out, Error *err)
{
    RowCodec *rc = arena_alloc(arena, sizeof *rc + sizeof(ColumnPlan) * (size_t)ncolumns);
    TRY_MEM(rc, err);
    memset(rc, 0, sizeof *rc);
    rc->arena = arena;
    rc->columns = columns;
    rc->ncolumns = ncolumns;
    rc->key = key;
    rc->nkey = nkey;
    for (int i = 0; i < ncolumns; i++) {
        ColumnPlan *plan = &rc->plan[i];
        plan->dropped = columns[i].dropped;
        plan->form = columns[i].dropped && !columns[i].type ? FORM_VARLENA : form_of(columns[i].type);
        plan->length = columns[i].type ? columns[i].type->typlen : -1;
        if (row_key_has_column(key, nkey, i)) {
            plan->form = FORM_KEY;
            rc->from_key = true;
        } else {
            rc->stored = true;
        }
    }
    *out = rc;
    return ST_OK;
}

STATUS row_codec_table(Arena *arena, const TableDef *def, RowCodec **out, Error *err)
{
    TRY(row_codec_make(arena, def->ncolumns, def->columns, def->nkey, def->key, out, err));
    (*out)->table = def;
    return ST_OK;
}

STATUS row_decode_key(RowCodec *rc, Slice key, TupleSlot *slot, Error *err)
{
    Datum v[KEY_PARTS_MAX];
    bool n[KEY_PARTS_MAX];
    size_t room = key_decode_room(rc->nkey, key);
    if (rc->nkey == 1 && key.len == 5 && rc->key[0].type->key == KEYENC_I32 && key.data[0] == 1 && !rc->key[0].descending) {
        slot->values[rc->key[0].column] = datum_i32((int32_t)(key_get_u32(key.data + 1) ^ 1u << 31)); /* pgbench's and most tables' */
        slot->nulls[rc->key[0].column] = false;
        return ST_OK;
    }
    if (room > rc->room_bytes) {
        rc->room_bytes = room < 64 ? 64 : room * 2;
        rc->room = arena_alloc(rc->arena, rc->room_bytes);
        TRY_MEM(rc->room, err);
    }
    TRY(key_decode_into(rc->key, rc->nkey, key, rc->room, v, n, NULL, err));
    for (int i = 0; i < rc->nkey; i++) {
        int column = rc->key[i].column;
        if (column < 0 || column >= rc->ncolumns || rc->plan[column].form != FORM_KEY) continue;
        slot->values[column] = v[i];
        slot->nulls[column] = n[i];
    }
    return ST_OK;
}

/* One stored value at *at; false: it does not fit. */
static inline bool read_value(const ColumnPlan *plan, const uint8_t **at, const uint8_t *end, Datum *out)
{
    const uint8_t *p = *at;
    size_t room = (size_t)(end - p), n;
    int32_t i32;
    uint32_t u32;
    int16_t i16;
    switch (plan->form) {
    case FORM_I32:
        if (unlikely(room < 4)) return false;
        memcpy(&i32, p, 4);
        *out = datum_i32(i32);
        *at = p + 4;
        return true;
    case FORM_VARLENA:
        if (unlikely(room < 1 || (!(p[0] & 1) && room < 4))) return false;
        n = varlena_total(p);
        if (unlikely(n > room)) return false;
        *out = datum_ptr(p);
        *at = p + n;
        return true;
    case FORM_U64:
        if (unlikely(room < 8)) return false;
        memcpy(out, p, 8);
        *at = p + 8;
        return true;
    case FORM_U32:
        if (unlikely(room < 4)) return false;
        memcpy(&u32, p, 4);
        *out = u32;
        *at = p + 4;
        return true;
    case FORM_I16:
        if (unlikely(room < 2)) return false;
        memcpy(&i16, p, 2);
        *out = datum_i16(i16);
        *at = p + 2;
        return true;
    case FORM_U8:
        if (unlikely(room < 1)) return false;
        *out = *p;
        *at = p + 1;
        return true;
    default: /* FORM_FIXED */
        if (unlikely(room < (size_t)plan->length)) return false;
        *out = datum_ptr(p);
        *at = p + plan->length;
        return true;
    }
}

/* Attributes that the row has not: it is older than they are. */
static void take_missing(const RowCodec *rc, TupleSlot *slot, int i)
{
    const ColumnDef *col = &rc->columns[i];
    bool value = col->has_missing && !col->missing_null && !col->dropped;
    slot->values[i] = value ? col->missing : 0;
    slot->nulls[i] = !value;
}

STATUS row_decode_columns(const RowCodec *rc, TupleSlot *slot, int upto, int ncolumns, const uint8_t *bitmap, const uint8_t *p, Error *err)
{
    const uint8_t *end = slot->row.data + slot->row.len;
    Datum *values = slot->values;
    bool *nulls = slot->nulls;
    int i = slot->nvalid, have = upto < ncolumns ? upto : ncolumns;
    for (; i < have; i++) {
        const ColumnPlan *plan = &rc->plan[i];
        if (plan->form == FORM_KEY) continue;
        if (bitmap && (bitmap[i >> 3] >> (i & 7) & 1)) {
            nulls[i] = true;
            values[i] = 0;
            continue;
        }
        if (unlikely(!read_value(plan, &p, end, &values[i]))) return malformed_row(err);
        nulls[i] = plan->dropped;
    }
    for (; i < upto; i++) {
        if (rc->plan[i].form != FORM_KEY) take_missing(rc, slot, i);
    }
    slot->decode_pos = (size_t)(p - slot->row.data);
    slot->nvalid = upto;
    return ST_OK;
}

static STATUS table_decode(TupleSlot *slot, int upto, Error *err)
{
    RowCodec *rc = (RowCodec *)slot->codec;
    RowHead h;
    if (upto > rc->ncolumns) upto = rc->ncolumns;
    if (unlikely(!read_head(slot->row, &h))) return malformed_row(err);
    const uint8_t *p = h.columns;
    if (slot->nvalid == 0) {
        if (rc->from_key) TRY(row_decode_key(rc, slot->key, slot, err));
    } else {
        p = slot->row.data + slot->decode_pos;
    }
    return row_decode_columns(rc, slot, upto, h.ncolumns, h.bitmap, p, err);
}

static const SlotOps table_ops = {table_decode};

STATUS row_attach(TupleSlot *slot, RowCodec *rc, Slice key, Slice value, Error *err)
{
    RowHead h;
    if (unlikely(!read_head(value, &h))) return malformed_row(err);
    slot->nvalid = 0;
    slot->empty = false;
    slot->ops = &table_ops;
    slot->codec = rc;
    slot->key = key;
    slot->row = value;
    slot->stamp = h.stamp;
    slot->xmin = h.stamp - h.delta;
    slot->table_oid = rc->table->relid;
    slot->decode_pos = 0;
    return ST_OK;
}
