/* COPY's bytes on the connection (manual 55.2.7). */
#include "server/session.h"

Status copy_in_begin(SessionEnv *env, int ncolumns, bool binary, Error *err)
{
    Session *s = session_of(env);
    backend_copy_response(&s->io, 'G', ncolumns, binary);
    s->copy_in_active = true;
    return wire_flush(&s->io, err);
}

static Status copy_failed(Session *s, Slice body, Error *err)
{
    const char *reason = "";
    MsgReader r = msg_reader(body);
    s->copy_in_active = false;
    TRY(msg_read_cstring(&r, &reason, err));
    return error_set(err, ERR_QUERY_CANCELED, "COPY from stdin failed: %s", reason);
}

Status copy_in_read(SessionEnv *env, Slice *chunk, Error *err)
{
    Session *s = session_of(env);
    while (s->copy_in_active) {
        char type;
        bool eof;
        TRY(wire_read_message(&s->io, WIRE_MESSAGE_MAX, &type, chunk, &eof, err));
        if (eof) {
            s->io.broken = true;
            return error_set(err, ERR_CONNECTION_FAILURE, "unexpected EOF on client connection with an open transaction");
        }
        TRY(INTERRUPT_CHECK(&s->interrupt, err));
        switch (type) {
        case 'd':
            if (chunk->len == 0) continue;
            return ST_OK;
        case 'c': s->copy_in_active = false; break;
        case 'f': return copy_failed(s, *chunk, err);
        case 'H':
        case 'S': continue; /* clients may send them at any time */
        default:
            s->copy_in_active = false;
            return error_set(err, ERR_PROTOCOL_VIOLATION, "unexpected message type 0x%02X during COPY from stdin", type);
        }
    }
    *chunk = slice_of(NULL, 0);
    return ST_OK;
}

Status copy_out_begin(SessionEnv *env, int ncolumns, bool binary, Error *err)
{
    backend_copy_response(&session_of(env)->io, 'H', ncolumns, binary);
    return ST_OK;
}

Status copy_out_row(SessionEnv *env, Slice row, Error *err)
{
    Session *s = session_of(env);
    backend_copy_data(&s->io, row);
    TRY(INTERRUPT_CHECK(&s->interrupt, err));
    return wire_flush_if_full(&s->io, err);
}

Status copy_out_end(SessionEnv *env, Error *err)
{
    backend_simple(&session_of(env)->io, 'c');
    return ST_OK;
}
