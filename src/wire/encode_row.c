/* DataRow messages: each column's output function writes straight into the connection's buffer. */
#include "wire/backend_msgs.h"

typedef struct ColumnEncoder {
    const TypeInfo *type;
    TypeOutputFn write; /* TypeSendFn has the same shape */
} ColumnEncoder;

struct RowEncoder {
    int ncolumns;
    ColumnEncoder columns[];
};

static Status column_encoder(IoContext *io, const Attribute *att, bool binary, ColumnEncoder *out, Error *err)
{
    out->type = type_lookup(io, att->type);
    if (!out->type) return error_set(err, ERR_INTERNAL_ERROR, "cache lookup failed for type %u", att->type);
    out->write = binary ? out->type->send : out->type->output;
    if (!out->write)
        return error_set(err, ERR_UNDEFINED_FUNCTION, "no %s output function available for type %s", binary ? "binary" : "text", out->type->name);
    return ST_OK;
}

Status row_encoder_new(Arena *arena, IoContext *io, const TupleDesc *desc, int nformats, const int16_t *formats, RowEncoder **out, Error *err)
{
    RowEncoder *enc = arena_zalloc(arena, sizeof *enc + (size_t)desc->natts * sizeof(ColumnEncoder));
    TRY_MEM(enc, err);
    enc->ncolumns = desc->natts;
    for (int i = 0; i < desc->natts; i++)
        TRY(column_encoder(io, &desc->atts[i], nformats && formats[nformats == 1 ? 0 : i] == 1, &enc->columns[i], err));
    *out = enc;
    return ST_OK;
}

static Status encode_column(const ColumnEncoder *c, IoContext *ioc, Datum value, StrBuf *sb, Error *err)
{
    size_t at = sb->len;
    put_u32(sb, 0);
    TRY(c->write(ioc, c->type, value, sb, err));
    patch_u32(sb, at, (uint32_t)(sb->len - at - 4));
    return ST_OK;
}

Status row_encode_data(RowEncoder *enc, IoContext *ioc, TupleSlot *slot, WireIo *io, Error *err)
{
    StrBuf *sb = &io->out;
    size_t start = sb->len, at = msg_begin(sb, 'D');
    TRY(slot_decode(slot, enc->ncolumns, err));
    put_u16(sb, (uint16_t)enc->ncolumns);
    for (int i = 0; i < enc->ncolumns; i++) {
        if (slot->nulls[i]) {
            put_u32(sb, UINT32_MAX);
        } else if (failed(encode_column(&enc->columns[i], ioc, slot->values[i], sb, err))) {
            sb->len = start; /* no half message reaches the client */
            return ST_FAILED;
        }
    }
    msg_end(sb, at);
    return wire_flush_if_full(io, err);
}
