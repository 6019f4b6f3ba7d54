/* Bounds-checked reads in network byte order. */
#include "wire/msg_reader.h"

static Status insufficient(Error *err) { return error_set(err, ERR_PROTOCOL_VIOLATION, "insufficient data left in message"); }

Status msg_read_bytes(MsgReader *r, size_t n, Slice *out, Error *err)
{
    if (r->rest.len < n) return insufficient(err);
    *out = slice_of(r->rest.data, n);
    r->rest = slice_of(r->rest.data + n, r->rest.len - n);
    return ST_OK;
}

Status msg_read_u8(MsgReader *r, uint8_t *out, Error *err)
{
    Slice s;
    TRY(msg_read_bytes(r, 1, &s, err));
    *out = s.data[0];
    return ST_OK;
}

Status msg_read_i16(MsgReader *r, int16_t *out, Error *err)
{
    Slice s;
    TRY(msg_read_bytes(r, 2, &s, err));
    *out = (int16_t)(uint16_t)(s.data[0] << 8 | s.data[1]);
    return ST_OK;
}

Status msg_read_i32(MsgReader *r, int32_t *out, Error *err)
{
    Slice s;
    TRY(msg_read_bytes(r, 4, &s, err));
    *out = (int32_t)((uint32_t)s.data[0] << 24 | (uint32_t)s.data[1] << 16 | (uint32_t)s.data[2] << 8 | s.data[3]);
    return ST_OK;
}

Status msg_read_cstring(MsgReader *r, const char **out, Error *err)
{
    const uint8_t *end = r->rest.len ? memchr(r->rest.data, 0, r->rest.len) : NULL;
    Slice s;
    if (!end) return error_set(err, ERR_PROTOCOL_VIOLATION, "invalid string in message");
    *out = (const char *)r->rest.data;
    return msg_read_bytes(r, (size_t)(end - r->rest.data) + 1, &s, err);
}

Status msg_read_end(MsgReader *r, Error *err)
{
    if (r->rest.len) return error_set(err, ERR_PROTOCOL_VIOLATION, "invalid message format");
    return ST_OK;
}
