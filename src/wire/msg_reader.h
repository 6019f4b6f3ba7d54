/* MsgReader: a bounds-checked cursor over one message body. Nobody does pointer arithmetic on input; every read can fail (08P01). */
#ifndef HELIOS_WIRE_MSG_READER_H
#define HELIOS_WIRE_MSG_READER_H

#include "common/error.h"
#include "common/slice.h"

typedef struct MsgReader { Slice rest; } MsgReader;

static inline MsgReader msg_reader(Slice body) { return (MsgReader){body}; }
STATUS msg_read_bytes(MsgReader *r, size_t n, Slice *out, Error *err); /* borrowed */
STATUS msg_read_u8(MsgReader *r, uint8_t *out, Error *err);
STATUS msg_read_i16(MsgReader *r, int16_t *out, Error *err);
STATUS msg_read_i32(MsgReader *r, int32_t *out, Error *err);
STATUS msg_read_cstring(MsgReader *r, const char **out, Error *err);   /* borrowed, terminated inside the message */
STATUS msg_read_end(MsgReader *r, Error *err);                         /* nothing may be left */

#endif
