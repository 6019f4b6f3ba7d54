/* Length-limited character types: applying varchar(n) and character(n). Typmod is n + 4, as in pg_attribute. */
#ifndef HELIOS_TYPES_TEXT_H
#define HELIOS_TYPES_TEXT_H

#include "types/datum.h"

/* Text as varchar(n) / char(n), in arena. Too long: an explicit cast cuts, otherwise 22001, but for surplus blanks. */
STATUS varchar_apply(Arena *arena, Slice s, int32_t typmod, bool explicit_cast, Datum *out, Error *err);
STATUS bpchar_apply(Arena *arena, Slice s, int32_t typmod, bool explicit_cast, Datum *out, Error *err);
/* At most 63 bytes of whole characters. */
STATUS name_make(Arena *arena, Slice s, Datum *out, Error *err);
/* Without the blanks at its end: how char(n) compares and converts to text. */
static inline Slice bpchar_trim(Slice s)
{
    while (s.len && s.data[s.len - 1] == ' ') s.len--;
    return s;
}

#endif
