/* Messages to the client (manual 55.7). Appended to io->out; nothing is sent until wire_flush. */
#ifndef HELIOS_WIRE_BACKEND_MSGS_H
#define HELIOS_WIRE_BACKEND_MSGS_H

#include "types/tuple.h"
#include "wire/msg_writer.h"
#include "wire/wire_io.h"

void backend_auth_ok(WireIo *io);
void backend_parameter_status(WireIo *io, const char *name, const char *value);
void backend_key_data(WireIo *io, int32_t pid, Slice secret);
void backend_ready(WireIo *io, char txn_status);  /* I, T, E */
void backend_negotiate_version(WireIo *io, int32_t minor, int n, const char *const *unrecognized);
void backend_simple(WireIo *io, char type);       /* a message without body: 1 2 3 n s I c */
void backend_command_complete(WireIo *io, const char *tag);
void backend_error(WireIo *io, const Error *err);  /* ErrorResponse, all fields that are set */
void backend_notice(WireIo *io, const Error *notice);
void backend_parameter_description(WireIo *io, int n, const Oid *types);
/* formats: 0, 1 (for all) or one per column. */
void backend_row_description(WireIo *io, const TupleDesc *desc, int nformats, const int16_t *formats);
void backend_copy_response(WireIo *io, char type /* G H W */, int ncolumns, bool binary);
void backend_copy_data(WireIo *io, Slice data);
void backend_notification(WireIo *io, int32_t pid, const char *channel, const char *payload);

/* DataRow encoding: made once per result from its descriptor and formats, then run per row. In arena. */
typedef struct RowEncoder RowEncoder;
STATUS row_encoder_new(Arena *arena, IoContext *io, const TupleDesc *desc, int nformats, const int16_t *formats, RowEncoder **out, Error *err);
STATUS row_encode_data(RowEncoder *enc, IoContext *ioc, TupleSlot *slot, WireIo *io, Error *err);

#endif
