/* regclass and its family: OIDs that are written as names. Names are the catalog's to know: it answers through the hooks. */
#include "types/types_internal.h"

static bool all_digits(Slice s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.data[i] < '0' || s.data[i] > '9') return false;
    return s.len > 0;
}

/* "-" is no object, digits are the OID itself, everything else a name. */
STATUS reg_in(IoContext *io, const TypeInfo *type, Slice text, int32_t typmod, Datum *out, Error *err)
{
    if (text.len == 1 && text.data[0] == '-') {
        *out = datum_oid(INVALID_OID);
        return ST_OK;
    }
    if (all_digits(text)) return oid_in(io, type, text, typmod, out, err);
    if (!io->hooks || !io->hooks->reg_in) return type_bad_syntax(err, type->name, text);
    Oid oid = INVALID_OID;
    TRY(io->hooks->reg_in(io->session, type->oid, text, &oid, err));
    *out = datum_oid(oid);
    return ST_OK;
}

STATUS reg_out(IoContext *io, const TypeInfo *type, Datum value, StrBuf *out, Error *err)
{
    Oid oid = datum_get_oid(value);
    if (oid == INVALID_OID) {
        strbuf_str(out, type->oid == TYPE_regoper || type->oid == TYPE_regoperator ? "0" : "-");
        return ST_OK;
    }
    if (io->hooks && io->hooks->reg_out) return io->hooks->reg_out(io->session, type->oid, oid, out, err);
    put_uint64(out, oid);
    return ST_OK;
}
