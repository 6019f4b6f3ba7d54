/* Making and copying values. */
#include "types/datum.h"

Datum varlena_new(Arena *arena, const void *data, size_t n, uint8_t **body)
{
    if (n > VARLENA_MAX) return 0;
    uint8_t *p = arena_alloc(arena, varlena_size(n));
    if (!p) return 0;
    uint8_t *to = varlena_put_header(p, n);
    if (data && n) memcpy(to, data, n);
    if (body) *body = to;
    return datum_ptr(p);
}

char *varlena_to_cstr(Arena *arena, Datum d)
{
    Slice s = varlena_slice(d);
    return arena_strndup(arena, s.data, s.len);
}

STATUS datum_copy(Arena *arena, Datum d, bool byval, int typlen, Datum *out, Error *err)
{
    if (byval) {
        *out = d;
        return ST_OK;
    }
    void *copy = arena_memdup(arena, datum_bytes(d), datum_size(d, false, typlen));
    TRY_MEM(copy, err);
    *out = datum_ptr(copy);
    return ST_OK;
}
