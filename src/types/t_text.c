/* text, varchar, bpchar, name: bytes in UTF-8. unknown, cstring and bytea share text's order and hash. */
#include "types/text.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/hash.h"
#include "types/types_internal.h"
#include "types/utf8.h"

#define NAME_MAX_BYTES 63
#define LENGTH_MAX 10485760 /* characters that varchar(n) and char(n) may declare */

STATUS text_in(IoContext *io, const TypeInfo *type, Slice text, int32_t typmod, Datum *out, Error *err)
{
    return make_varlena(io->arena, text.data, text.len, NULL, out, err);
}

STATUS text_out(IoContext *io, const TypeInfo *type, Datum value, StrBuf *out, Error *err)
{
    Slice s = varlena_slice(value);
    strbuf_append(out, s.data, s.len);
    return ST_OK;
}

STATUS text_recv(IoContext *io, const TypeInfo *type, Slice bytes, int32_t typmod, Datum *out, Error *err)
{
    TRY(utf8_validate(bytes, err));
    return text_in(io, type, bytes, typmod, out, err);
}

STATUS text_send(IoContext *io, const TypeInfo *type, Datum value, StrBuf *out, Error *err)
{
    return text_out(io, type, value, out, err);
}

int text_compare(const TypeInfo *type, Datum a, Datum b)
{
    int c = slice_compare(varlena_slice(a), varlena_slice(b));
    return (c > 0) - (c < 0);
}

uint64_t text_hash(const TypeInfo *type, Datum v)
{
    Slice s = varlena_slice(v);
    return hash_bytes(s.data, s.len);
}

/* ---- varchar ---- */

static bool only_blanks(const uint8_t *p, const uint8_t *end)
{
    while (p < end && *p == ' ') p++;
    return p == end;
}

/* Cuts *s to n characters. Without a cast only blanks may fall away. */
static STATUS limit_length(Slice *s, int32_t n, const char *type, bool cut, Error *err)
{
    if (s->len <= (size_t)n) return ST_OK; /* not more bytes than characters allowed */
    size_t keep = utf8_offset(*s, (size_t)n);
    if (keep < s->len && !cut && !only_blanks(s->data + keep, s->data + s->len))
        return error_set(err, ERR_STRING_DATA_RIGHT_TRUNCATION, "value too long for type %s(%d)", type, n);
    s->len = keep;
    return ST_OK;
}

STATUS varchar_apply(Arena *arena, Slice s, int32_t typmod, bool explicit_cast, Datum *out, Error *err)
{
    if (typmod >= 4) TRY(limit_length(&s, typmod - 4, "character varying", explicit_cast, err));
    return make_varlena(arena, s.data, s.len, NULL, out, err);
}

STATUS varchar_in(IoContext *io, const TypeInfo *type, Slice text, int32_t typmod, Datum *out, Error *err)
{
    return varchar_apply(io->arena, text, typmod, false, out, err);
}

STATUS varchar_recv(IoContext *io, const TypeInfo *type, Slice bytes, int32_t typmod, Datum *out, Error *err)
{
    TRY(utf8_validate(bytes, err));
    return varchar_apply(io->arena, bytes, typmod, false, out, err);
}

/* One length, 1 .. LENGTH_MAX; `name` as PostgreSQL's messages have it. */
static STATUS length_typmod(const char *name, const char **args, int nargs, int32_t *out, Error *err)
{
    if (nargs != 1) return error_set(err, ERR_INVALID_PARAMETER_VALUE, "invalid type modifier");
    char *end;
    long n = strtol(args[0], &end, 10);
    if (*end || end == args[0]) return error_set(err, ERR_INVALID_TEXT_REPRESENTATION, "invalid input syntax for type integer: \"%s\"", args[0]);
    if (n < 1) return error_set(err, ERR_INVALID_PARAMETER_VALUE, "length for type %s must be at least 1", name);
    if (n > LENGTH_MAX)
        return error_set(err, ERR_INVALID_PARAMETER_VALUE, "length for type %s cannot exceed %d", name, LENGTH_MAX);
    *out = (int32_t)n + 4;
    return ST_OK;
}

STATUS varchar_typmod_in(Arena *arena, const char **args, int nargs, int32_t *out, Error *err)
{
    return length_typmod("varchar", args, nargs, out, err);
}

void varchar_typmod_out(int32_t typmod, StrBuf *out)
{
    if (typmod > 4) strbuf_printf(out, "(%d)", typmod - 4);
}

/* ---- bpchar: blank-padded to its length; blanks at the end do not count when comparing ---- */

STATUS bpchar_apply(Arena *arena, Slice s, int32_t typmod, bool explicit_cast, Datum *out, Error *err)
{
    if (typmod < 4) return make_varlena(arena, s.data, s.len, NULL, out, err);
    int32_t n = typmod - 4;
    uint8_t *body;
    TRY(limit_length(&s, n, "character", explicit_cast, err));
    size_t chars = utf8_count(s), pad = (size_t)n > chars ? (size_t)n - chars : 0;
    TRY(make_varlena(arena, NULL, s.len + pad, &body, out, err));
    if (s.len) memcpy(body, s.data, s.len);
    memset(body + s.len, ' ', pad);
    return ST_OK;
}

STATUS bpchar_in(IoContext *io, const TypeInfo *type, Slice text, int32_t typmod, Datum *out, Error *err)
{
    return bpchar_apply(io->arena, text, typmod, false, out, err);
}

STATUS bpchar_recv(IoContext *io, const TypeInfo *type, Slice bytes, int32_t typmod, Datum *out, Error *err)
{
    TRY(utf8_validate(bytes, err));
    return bpchar_apply(io->arena, bytes, typmod, false, out, err);
}

int bpchar_compare(const TypeInfo *type, Datum a, Datum b)
{
    int c = slice_compare(bpchar_trim(varlena_slice(a)), bpchar_trim(varlena_slice(b)));
    return (c > 0) - (c < 0);
}

uint64_t bpchar_hash(const TypeInfo *type, Datum v)
{
    Slice s = bpchar_trim(varlena_slice(v));
    return hash_bytes(s.data, s.len);
}

STATUS bpchar_typmod_in(Arena *arena, const char **args, int nargs, int32_t *out, Error *err)
{
    return length_typmod("char", args, nargs, out, err);
}

void bpchar_typmod_out(int32_t typmod, StrBuf *out) { varchar_typmod_out(typmod, out); }

/* ---- name ---- */

STATUS name_make(Arena *arena, Slice s, Datum *out, Error *err)
{
    s.len = utf8_clip(s, NAME_MAX_BYTES);
    return make_varlena(arena, s.data, s.len, NULL, out, err);
}

STATUS name_in(IoContext *io, const TypeInfo *type, Slice text, int32_t typmod, Datum *out, Error *err)
{
    return name_make(io->arena, text, out, err);
}

STATUS name_recv(IoContext *io, const TypeInfo *type, Slice bytes, int32_t typmod, Datum *out, Error *err)
{
    TRY(utf8_validate(bytes, err));
    if (bytes.len > NAME_MAX_BYTES) {
        error_set(err, ERR_NAME_TOO_LONG, "identifier too long");
        return error_detail(err, "Identifier must be less than %d characters.", NAME_MAX_BYTES + 1);
    }
    return name_make(io->arena, bytes, out, err);
}
