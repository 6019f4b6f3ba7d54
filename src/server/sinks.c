/* ClientSink: result rows to the client, as DataRow messages. */
#include "server/session.h"

static Status sink_start(RowSink *base, const TupleDesc *desc, Error *err)
{
    ClientSink *sink = (ClientSink *)base;
    if (sink->encoder) return ST_OK; /* a FETCH announces its shape before the portal runs */
    sink->ioc = session_io(&sink->session->env, &sink->row_arena);
    TRY(row_encoder_new(sink->arena, &sink->ioc, desc, sink->nformats, sink->formats, &sink->encoder, err));
    if (sink->describe) backend_row_description(&sink->session->io, desc, sink->nformats, sink->formats);
    return ST_OK;
}

static Status sink_row(RowSink *base, TupleSlot *slot, bool *more, Error *err)
{
    ClientSink *sink = (ClientSink *)base;
    *more = true;
    arena_reset(&sink->row_arena);
    return row_encode_data(sink->encoder, &sink->ioc, slot, &sink->session->io, err);
}

static Status sink_finish(RowSink *base, Error *err) { return ST_OK; }

void client_sink_init(ClientSink *sink, Session *s, Arena *arena, bool describe, int nformats, const int16_t *formats)
{
    memset(sink, 0, sizeof *sink);
    sink->base = (RowSink){sink_start, sink_row, sink_finish};
    sink->session = s;
    sink->arena = arena;
    sink->describe = describe;
    sink->nformats = nformats;
    sink->formats = formats;
    arena_init(&sink->row_arena, &s->account, 0);
}

void client_sink_destroy(ClientSink *sink) { arena_destroy(&sink->row_arena); }
