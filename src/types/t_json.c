/* json: checked text, kept as it was written. */
#include "types/json.h"

#include "types/types_internal.h"
#include "types/utf8.h"

STATUS json_in(IoContext *io, const TypeInfo *type, Slice text, int32_t typmod, Datum *out, Error *err)
{
    TRY(json_parse(io->arena, text, NULL, NULL, err));
    return make_varlena(io->arena, text.data, text.len, NULL, out, err);
}

STATUS json_recv(IoContext *io, const TypeInfo *type, Slice bytes, int32_t typmod, Datum *out, Error *err)
{
    TRY(utf8_validate(bytes, err));
    return json_in(io, type, bytes, typmod, out, err);
}
