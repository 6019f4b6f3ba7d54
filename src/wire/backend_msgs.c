/* Server messages. */
#include "wire/backend_msgs.h"

#include <stdio.h>

void backend_auth_ok(WireIo *io)
{
    size_t at = msg_begin(&io->out, 'R');
    put_u32(&io->out, 0);
    msg_end(&io->out, at);
}

void backend_parameter_status(WireIo *io, const char *name, const char *value)
{
    size_t at = msg_begin(&io->out, 'S');
    put_cstring(&io->out, name);
    put_cstring(&io->out, value);
    msg_end(&io->out, at);
}

void backend_key_data(WireIo *io, int32_t pid, Slice secret)
{
    size_t at = msg_begin(&io->out, 'K');
    put_u32(&io->out, (uint32_t)pid);
    strbuf_append(&io->out, secret.data, secret.len);
    msg_end(&io->out, at);
}

void backend_ready(WireIo *io, char txn_status)
{
    size_t at = msg_begin(&io->out, 'Z');
    strbuf_char(&io->out, txn_status);
    msg_end(&io->out, at);
}

void backend_negotiate_version(WireIo *io, int32_t minor, int n, const char *const *unrecognized)
{
    size_t at = msg_begin(&io->out, 'v');
    put_u32(&io->out, (uint32_t)minor);
    put_u32(&io->out, (uint32_t)n);
    for (int i = 0; i < n; i++) put_cstring(&io->out, unrecognized[i]);
    msg_end(&io->out, at);
}

void backend_simple(WireIo *io, char type) { msg_end(&io->out, msg_begin(&io->out, type)); }

void backend_command_complete(WireIo *io, const char *tag)
{
    size_t at = msg_begin(&io->out, 'C');
    put_cstring(&io->out, tag);
    msg_end(&io->out, at);
}

static void field(StrBuf *sb, char code, const char *value)
{
    if (!value) return;
    strbuf_char(sb, code);
    put_cstring(sb, value);
}

static void field_int(StrBuf *sb, char code, int value)
{
    char text[16];
    if (value <= 0) return;
    snprintf(text, sizeof text, "%d", value);
    field(sb, code, text);
}

static const char *base_name(const char *path)
{
    const char *slash = path ? strrchr(path, '/') : NULL;
    return slash ? slash + 1 : path;
}

static void report(WireIo *io, char type, const Error *err)
{
    char state[6];
    size_t at = msg_begin(&io->out, type);
    StrBuf *sb = &io->out;
    sqlstate_text(err->code, state);
    field(sb, 'S', severity_text(err->severity));
    field(sb, 'V', severity_text(err->severity));
    field(sb, 'C', state);
    field(sb, 'M', err->message ? err->message : "out of memory");
    field(sb, 'D', err->detail);
    field(sb, 'H', err->hint);
    field_int(sb, 'P', err->position);
    field_int(sb, 'p', err->internal_position);
    field(sb, 'q', err->internal_query);
    field(sb, 'W', err->context);
    field(sb, 's', err->schema);
    field(sb, 't', err->table);
    field(sb, 'c', err->column);
    field(sb, 'd', err->datatype);
    field(sb, 'n', err->constraint);
    field(sb, 'F', base_name(err->file));
    field_int(sb, 'L', err->line);
    field(sb, 'R', err->routine);
    strbuf_char(sb, 0);
    msg_end(sb, at);
}

void backend_error(WireIo *io, const Error *err) { report(io, 'E', err); }
void backend_notice(WireIo *io, const Error *notice) { report(io, 'N', notice); }

void backend_parameter_description(WireIo *io, int n, const Oid *types)
{
    size_t at = msg_begin(&io->out, 't');
    put_u16(&io->out, (uint16_t)n);
    for (int i = 0; i < n; i++) put_u32(&io->out, types[i]);
    msg_end(&io->out, at);
}

static int16_t format_of(int nformats, const int16_t *formats, int column)
{
    return nformats == 0 ? 0 : formats[nformats == 1 ? 0 : column];
}

void backend_row_description(WireIo *io, const TupleDesc *desc, int nformats, const int16_t *formats)
{
    size_t at = msg_begin(&io->out, 'T');
    put_u16(&io->out, (uint16_t)desc->natts);
    for (int i = 0; i < desc->natts; i++) {
        const Attribute *a = &desc->atts[i];
        const TypeInfo *type = type_builtin(a->type);
        put_cstring(&io->out, a->name ? a->name : "?column?");
        put_u32(&io->out, a->origin_table);
        put_u16(&io->out, (uint16_t)a->origin_attnum);
        put_u32(&io->out, a->type);
        put_u16(&io->out, (uint16_t)(type ? type->pg_typlen : a->typlen));
        put_u32(&io->out, (uint32_t)a->typmod);
        put_u16(&io->out, (uint16_t)format_of(nformats, formats, i));
    }
    msg_end(&io->out, at);
}

void backend_copy_response(WireIo *io, char type, int ncolumns, bool binary)
{
    size_t at = msg_begin(&io->out, type);
    strbuf_char(&io->out, binary);
    put_u16(&io->out, (uint16_t)ncolumns);
    for (int i = 0; i < ncolumns; i++) put_u16(&io->out, binary);
    msg_end(&io->out, at);
}

void backend_copy_data(WireIo *io, Slice data)
{
    size_t at = msg_begin(&io->out, 'd');
    strbuf_append(&io->out, data.data, data.len);
    msg_end(&io->out, at);
}

void backend_notification(WireIo *io, int32_t pid, const char *channel, const char *payload)
{
    size_t at = msg_begin(&io->out, 'A');
    put_u32(&io->out, (uint32_t)pid);
    put_cstring(&io->out, channel);
    put_cstring(&io->out, payload);
    msg_end(&io->out, at);
}
