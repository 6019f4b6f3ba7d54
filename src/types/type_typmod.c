/* Length coercion: a value that is of the type already, made to fit its modifier. */
#include "types/text.h"
#include "types/type.h"

/* Types whose input function applies the modifier take the way over text: rare (precision of SQL value functions, domains). */
static Status through_text(IoContext *io, const TypeInfo *type, Datum in, int32_t typmod, Datum *out, Error *err)
{
    StrBuf text;
    strbuf_init(&text, io->arena);
    TRY(type_output(io, type, in, &text, err));
    TRY(strbuf_check(&text, err));
    return type_input(io, type, strbuf_slice(&text), typmod, out, err);
}

Status type_apply_typmod(IoContext *io, const TypeInfo *type, Datum in, int32_t typmod, bool is_explicit, Datum *out, Error *err)
{
    *out = in;
    if (typmod < 0 || !type->typmod_in) return ST_OK;
    if (type->oid == TYPE_varchar) return varchar_apply(io->arena, varlena_slice(in), typmod, is_explicit, out, err);
    if (type->oid == TYPE_bpchar) return bpchar_apply(io->arena, varlena_slice(in), typmod, is_explicit, out, err);
    return through_text(io, type, in, typmod, out, err);
}
