/* Client messages. Every count is checked against what the body can hold before anything is allocated for it. */
#include "wire/frontend_msgs.h"

static Status startup_options(MsgReader *r, Arena *arena, StartupMsg *out, Error *err)
{
    size_t pairs = r->rest.len / 2 + 1; /* a pair takes at least two bytes */
    StartupOption *options;
    const char **unknown;
    TRY_NEW_N(options, arena, pairs, err);
    TRY_NEW_N(unknown, arena, pairs, err);
    out->options = options;
    out->unrecognized = unknown;
    for (;;) {
        StartupOption o;
        TRY(msg_read_cstring(r, &o.name, err));
        if (!o.name[0]) break;
        TRY(msg_read_cstring(r, &o.value, err));
        if (!strncmp(o.name, "_pq_.", 5)) unknown[out->nunrecognized++] = o.name;
        else options[out->noptions++] = o;
    }
    return msg_read_end(r, err);
}

Status frontend_startup(Slice body, Arena *arena, StartupMsg *out, Error *err)
{
    MsgReader r = msg_reader(body);
    memset(out, 0, sizeof *out);
    TRY(msg_read_i32(&r, &out->code, err));
    if (out->code == STARTUP_SSL || out->code == STARTUP_GSSENC) return ST_OK;
    if (out->code == STARTUP_CANCEL) {
        TRY(msg_read_i32(&r, &out->cancel_pid, err));
        return msg_read_bytes(&r, r.rest.len, &out->cancel_key, err);
    }
    if (out->code >> 16 != PROTOCOL_MAJOR) return ST_OK; /* the caller words the refusal */
    return startup_options(&r, arena, out, err);
}

Status frontend_parse(Slice body, Arena *arena, ParseMsg *out, Error *err)
{
    MsgReader r = msg_reader(body);
    int16_t n;
    memset(out, 0, sizeof *out);
    TRY(msg_read_cstring(&r, &out->name, err));
    TRY(msg_read_cstring(&r, &out->query, err));
    TRY(msg_read_i16(&r, &n, err));
    out->ntypes = (uint16_t)n;
    if ((size_t)out->ntypes * 4 != r.rest.len) return error_set(err, ERR_PROTOCOL_VIOLATION, "invalid message format");
    TRY_NEW_N(out->types, arena, out->ntypes + 1, err);
    for (int i = 0; i < out->ntypes; i++) {
        int32_t v;
        TRY(msg_read_i32(&r, &v, err));
        out->types[i] = (Oid)v;
    }
    return ST_OK;
}

static Status read_formats(MsgReader *r, Arena *arena, int *n, int16_t **formats, Error *err)
{
    int16_t count;
    TRY(msg_read_i16(r, &count, err));
    *n = (uint16_t)count;
    if ((size_t)*n * 2 > r->rest.len) return error_set(err, ERR_PROTOCOL_VIOLATION, "insufficient data left in message");
    if (!*n) return ST_OK;
    TRY_NEW_N(*formats, arena, *n, err);
    for (int i = 0; i < *n; i++) {
        TRY(msg_read_i16(r, &(*formats)[i], err));
        if ((*formats)[i] != 0 && (*formats)[i] != 1)
            return error_set(err, ERR_INVALID_PARAMETER_VALUE, "unsupported format code: %d", (*formats)[i]);
    }
    return ST_OK;
}

Status frontend_bind(Slice body, Arena *arena, BindMsg *out, Error *err)
{
    MsgReader r = msg_reader(body);
    int16_t n;
    memset(out, 0, sizeof *out);
    TRY(msg_read_cstring(&r, &out->portal, err));
    TRY(msg_read_cstring(&r, &out->statement, err));
    TRY(read_formats(&r, arena, &out->nformats, &out->formats, err));
    TRY(msg_read_i16(&r, &n, err));
    out->nparams = (uint16_t)n;
    if (out->nformats > 1 && out->nformats != out->nparams)
        return error_set(err, ERR_PROTOCOL_VIOLATION, "bind message has %d parameter formats but %d parameters", out->nformats, out->nparams);
    if ((size_t)out->nparams * 4 > r.rest.len) return error_set(err, ERR_PROTOCOL_VIOLATION, "insufficient data left in message");
    if (out->nparams) {
        TRY_NEW_N(out->params, arena, out->nparams, err);
        TRY_NEW_N(out->nulls, arena, out->nparams, err);
    }
    for (int i = 0; i < out->nparams; i++) {
        int32_t len;
        TRY(msg_read_i32(&r, &len, err));
        if (len < -1) return error_set(err, ERR_PROTOCOL_VIOLATION, "invalid message format");
        out->nulls[i] = len == -1;
        if (len >= 0) TRY(msg_read_bytes(&r, (size_t)len, &out->params[i], err));
    }
    TRY(read_formats(&r, arena, &out->nresult_formats, &out->result_formats, err));
    return msg_read_end(&r, err);
}

Status frontend_named(Slice body, NamedMsg *out, Error *err)
{
    MsgReader r = msg_reader(body);
    uint8_t kind;
    TRY(msg_read_u8(&r, &kind, err));
    out->kind = (char)kind;
    TRY(msg_read_cstring(&r, &out->name, err));
    return msg_read_end(&r, err);
}

Status frontend_execute(Slice body, ExecuteMsg *out, Error *err)
{
    MsgReader r = msg_reader(body);
    TRY(msg_read_cstring(&r, &out->portal, err));
    TRY(msg_read_i32(&r, &out->max_rows, err));
    return msg_read_end(&r, err);
}

Status frontend_query(Slice body, const char **sql, Error *err)
{
    MsgReader r = msg_reader(body);
    TRY(msg_read_cstring(&r, sql, err));
    return msg_read_end(&r, err);
}
