/* Time zones: the system's tzdata (TZif files, RFC 8536), POSIX zone strings, and the abbreviations that input accepts.
 *
 * Zones are loaded on first use and kept for the life of the process (a few kB each). Thread-safe. Offsets are seconds east of UTC. */
#ifndef HELIOS_TYPES_TIMEZONE_H
#define HELIOS_TYPES_TIMEZONE_H

#include "types/type.h"

/* Case-insensitive name ("europe/berlin" is found as Europe/Berlin) or a POSIX string ("<+02>-2", "EST5EDT"). NULL: unknown. */
const TimeZone *timezone_find(Slice name);
const TimeZone *timezone_utc(void);
const char *timezone_name(const TimeZone *tz);
/* A zone at a fixed offset, named like PostgreSQL names them: "<+02>-02". NULL: out of range or out of memory. */
const TimeZone *timezone_fixed(int seconds_east);

typedef struct ZoneOffset {
    int seconds_east;
    bool is_dst;
    const char *abbrev;
} ZoneOffset;
ZoneOffset timezone_at(const TimeZone *tz, int64_t unix_seconds);
/* Offset for a local time (seconds since 1970 as if it were UTC). In a gap the offset before it, in an overlap the one after it. */
ZoneOffset timezone_at_local(const TimeZone *tz, int64_t local_seconds);

typedef struct ZoneAbbrev {
    int seconds_east;
    bool is_dst;
    const TimeZone *zone; /* dynamic: the zone in which the abbreviation is looked up; NULL: fixed */
} ZoneAbbrev;
bool timezone_abbrev(Slice name, ZoneAbbrev *out); /* "PST", any case */
/* Meaning of an abbreviation in a zone's history nearest to that time. false: the zone never used it. */
bool timezone_abbrev_in_zone(const TimeZone *tz, Slice abbrev, int64_t unix_seconds, ZoneOffset *out);
int timezone_abbrev_count(void);
const char *timezone_abbrev_at(int i, ZoneAbbrev *out);
/* Calls fn for every zone name of the system (pg_timezone_names). */
void timezone_each_name(void (*fn)(void *arg, const char *name), void *arg);

#endif
