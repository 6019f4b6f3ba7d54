/* void and aclitem. */
#include "types/types_internal.h"

STATUS void_in(IoContext *io, const TypeInfo *type, Slice text, int32_t typmod, Datum *out, Error *err)
{
    *out = 0;
    return ST_OK;
}

STATUS void_out(IoContext *io, const TypeInfo *type, Datum value, StrBuf *out, Error *err) { return ST_OK; }

STATUS void_recv(IoContext *io, const TypeInfo *type, Slice bytes, int32_t typmod, Datum *out, Error *err)
{
    *out = 0;
    return ST_OK;
}

STATUS void_send(IoContext *io, const TypeInfo *type, Datum value, StrBuf *out, Error *err) { return ST_OK; }

/* grantee=privileges/grantor, kept as its text. Whether the roles exist is the catalog's to ask. */
STATUS aclitem_in(IoContext *io, const TypeInfo *type, Slice text, int32_t typmod, Datum *out, Error *err)
{
    Slice s = trim_spaces(text);
    size_t i = 0;
    for (bool quoted = false; i < s.len && (quoted || s.data[i] != '='); i++)
        if (s.data[i] == '"') quoted = !quoted;
    if (i == s.len) {
        error_set(err, ERR_INVALID_TEXT_REPRESENTATION, "missing \"=\" sign");
        return ST_FAILED;
    }
    for (i++; i < s.len && s.data[i] != '/'; i++)
        if (s.data[i] == 0 || !strchr("arwdDxtXUCTcsA*", s.data[i])) {
            error_set(err, ERR_INVALID_TEXT_REPRESENTATION, "invalid mode character: must be one of \"%s\"", "arwdDxtXUCTcsA");
            return ST_FAILED;
        }
    return make_varlena(io->arena, s.data, s.len, NULL, out, err);
}
