/* Dates and times: calendar arithmetic, the input parser, output in all DateStyles and IntervalStyles, modifiers.
 *
 * DateTime is a broken-down time; year is astronomical (1 BC is 0). Errors are PostgreSQL's: 22007 syntax, 22008 out of range,
 * 22009 zone displacement, 22015 interval field, 22023 unknown zone. */
#ifndef HELIOS_TYPES_DATETIME_H
#define HELIOS_TYPES_DATETIME_H

#include "common/settings.h"
#include "types/timezone.h"

#define USECS_PER_SEC 1000000LL
#define USECS_PER_MINUTE (60 * USECS_PER_SEC)
#define USECS_PER_HOUR (3600 * USECS_PER_SEC)
#define USECS_PER_DAY (86400 * USECS_PER_SEC)
#define SECS_PER_DAY 86400
#define POSTGRES_EPOCH_JDATE 2451545
#define DATE_MIN (-POSTGRES_EPOCH_JDATE)
#define DATE_END 2145031949 /* first day beyond the range */
#define TIMESTAMP_MIN (-211813488000000000LL)
#define TIMESTAMP_END 9223371331200000000LL
#define TIMESTAMP_IS_FINITE(t) ((t) != TIMESTAMP_INFINITY && (t) != TIMESTAMP_NEG_INFINITY)
#define DATE_IS_FINITE(d) ((d) != DATE_INFINITY && (d) != DATE_NEG_INFINITY)
#define TIMESTAMP_IN_RANGE(t) ((t) >= TIMESTAMP_MIN && (t) < TIMESTAMP_END)
#define DATE_IN_RANGE(d) ((d) >= DATE_MIN && (d) < DATE_END)

typedef struct DateTime {
    int64_t year;
    int month, day, hour, min, sec, usec;
} DateTime;

extern const char *const datetime_months[12], *const datetime_days[7]; /* "January", "Sunday" */

/* Days since 2000-01-01 (proleptic Gregorian) and back; any int values that fit. */
int64_t date_from_civil(int64_t year, int month, int day);
void date_to_civil(int64_t days, int64_t *year, int *month, int *day);
int date_dow(int64_t days);   /* 0 Sunday */
int date_isoweek(int64_t days, int64_t *isoyear);
int date_doy(int64_t days);
int days_in_month(int64_t year, int month);

/* Wall clock of a finite timestamp, of a timestamptz in tz (offset and abbreviation in *zone if not NULL). */
void timestamp_to_datetime(int64_t ts, DateTime *out);
void timestamptz_to_datetime(int64_t ts, const TimeZone *tz, DateTime *out, ZoneOffset *zone);
/* false: out of range. */
bool datetime_to_timestamp(const DateTime *dt, int64_t *out);
bool datetime_to_timestamptz(const DateTime *dt, const TimeZone *tz, int64_t *out);
/* timestamp <-> timestamptz in a zone; infinities pass. false: out of range. */
bool timestamp_to_timestamptz(int64_t ts, const TimeZone *tz, int64_t *out);
int64_t timestamptz_to_timestamp(int64_t ts, const TimeZone *tz);
static inline int64_t unix_us_to_timestamp(int64_t us) { return us - POSTGRES_EPOCH_UNIX_S * USECS_PER_SEC; }
STATUS timestamp_out_of_range(Error *err); /* 22008 "timestamp out of range" */
STATUS interval_out_of_range(Error *err);  /* 22008 "interval out of range" */

/* ---- text to values ---- */
/* typname: for messages. format gives DateOrder, zone and now. */
STATUS datetime_parse_date(const FormatOptions *f, Slice text, int32_t *out, Error *err);
STATUS datetime_parse_time(const FormatOptions *f, Slice text, int64_t *out, Error *err);
STATUS datetime_parse_timetz(const FormatOptions *f, Slice text, TimeTz *out, Error *err);
STATUS datetime_parse_timestamp(const FormatOptions *f, Slice text, int64_t *out, Error *err);
STATUS datetime_parse_timestamptz(const FormatOptions *f, Slice text, int64_t *out, Error *err);
STATUS interval_parse(const FormatOptions *f, Slice text, int32_t typmod, Interval *out, Error *err);
/* A zone argument (AT TIME ZONE, timezone()): an abbreviation (fixed: *zone NULL and *seconds_east), a dynamic abbreviation or a name.
 * 22023 time zone "x" not recognized. */
STATUS timezone_argument(Slice name, const TimeZone **zone, int *seconds_east, bool *dynamic_abbrev, Error *err);

/* ---- values to text ---- */
void datetime_print_date(const FormatOptions *f, int32_t date, StrBuf *out);
void datetime_print_time(int64_t time, StrBuf *out);
void datetime_print_timetz(const TimeTz *t, StrBuf *out);
void datetime_print_timestamp(const FormatOptions *f, int64_t ts, StrBuf *out);
void datetime_print_timestamptz(const FormatOptions *f, int64_t ts, StrBuf *out);
void interval_print(const FormatOptions *f, const Interval *iv, StrBuf *out);

/* ---- modifiers ---- */
int64_t time_round(int64_t time, int32_t typmod);                               /* time, timetz */
STATUS timestamp_round(int64_t *ts, int32_t typmod, Error *err);                /* timestamp, timestamptz */
STATUS interval_apply_typmod(Interval *iv, int32_t typmod, Error *err);
#define INTERVAL_FULL_RANGE 0x7FFF
#define INTERVAL_FULL_PRECISION 0xFFFF
#define INTERVAL_MASK(bit) (1 << (bit))
enum { INTERVAL_BIT_MONTH = 1, INTERVAL_BIT_YEAR = 2, INTERVAL_BIT_DAY = 3, INTERVAL_BIT_HOUR = 10, INTERVAL_BIT_MINUTE = 11, INTERVAL_BIT_SECOND = 12 };
static inline int interval_typmod_range(int32_t t) { return t < 0 ? INTERVAL_FULL_RANGE : t >> 16 & 0x7fff; }
static inline int interval_typmod_precision(int32_t t) { return t < 0 ? INTERVAL_FULL_PRECISION : t & 0xffff; }

/* ---- interval values ---- */
Interval interval_get(Datum d);
Datum interval_new(Arena *arena, const Interval *iv); /* 0: out of memory */
TimeTz timetz_get(Datum d);
Datum timetz_new(Arena *arena, const TimeTz *t);
int interval_cmp(const Interval *a, const Interval *b);
__int128 interval_span(const Interval *iv); /* comparable: months of 30 days, days of 24 hours; in microseconds */
uint64_t interval_hash_value(const Interval *iv);
int timetz_cmp(const TimeTz *a, const TimeTz *b);

/* ---- settings ---- */
void format_options_decode(const SettingSet *set, FormatOptions *out); /* now_us is left alone */
void datetime_register_settings(void); /* checks of DateStyle, TimeZone, IntervalStyle, timezone_abbreviations, log_timezone */
/* What SHOW TimeZone accepts: a name, "UTC", "-7", "INTERVAL '-08:00' HOUR TO MINUTE"; NULL: unknown. */
const TimeZone *timezone_setting(const char *value);

/* The types' functions (type.h). */
#define DATETIME_TYPE_FUNCTIONS(t)                                                                                       \
    STATUS t##_in(IoContext *io, const TypeInfo *type, Slice text, int32_t typmod, Datum *out, Error *err);             \
    STATUS t##_out(IoContext *io, const TypeInfo *type, Datum value, StrBuf *out, Error *err);                          \
    STATUS t##_recv(IoContext *io, const TypeInfo *type, Slice bytes, int32_t typmod, Datum *out, Error *err);          \
    STATUS t##_send(IoContext *io, const TypeInfo *type, Datum value, StrBuf *out, Error *err);                         \
    int t##_compare(const TypeInfo *type, Datum a, Datum b);                                                             \
    uint64_t t##_hash(const TypeInfo *type, Datum v);                                                                    \
    STATUS t##_typmod_in(Arena *arena, const char **args, int nargs, int32_t *out, Error *err);                         \
    void t##_typmod_out(int32_t typmod, StrBuf *out);
DATETIME_TYPE_FUNCTIONS(time)
DATETIME_TYPE_FUNCTIONS(timetz)
DATETIME_TYPE_FUNCTIONS(timestamp)
DATETIME_TYPE_FUNCTIONS(timestamptz)
DATETIME_TYPE_FUNCTIONS(interval)
STATUS date_in(IoContext *io, const TypeInfo *type, Slice text, int32_t typmod, Datum *out, Error *err);
STATUS date_out(IoContext *io, const TypeInfo *type, Datum value, StrBuf *out, Error *err);
STATUS date_recv(IoContext *io, const TypeInfo *type, Slice bytes, int32_t typmod, Datum *out, Error *err);
STATUS date_send(IoContext *io, const TypeInfo *type, Datum value, StrBuf *out, Error *err);
int date_compare(const TypeInfo *type, Datum a, Datum b);
uint64_t date_hash(const TypeInfo *type, Datum v);

#endif
