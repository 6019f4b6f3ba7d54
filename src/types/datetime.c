/* Dates and times: calendar arithmetic, conversions between values and broken-down times, interval order. */
#include <math.h>

#include "common/hash.h"
#include "types/datetime.h"

const char *const datetime_months[12] = {"January", "February", "March", "April", "May", "June", "July", "August", "September",
                                         "October", "November", "December"};
const char *const datetime_days[7] = {"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};

#define EPOCH_SHIFT 730425 /* 0000-03-01 to 2000-01-01 in days */

int64_t date_from_civil(int64_t y, int m, int d)
{
    y -= m <= 2;
    int64_t era = (y >= 0 ? y : y - 399) / 400, yoe = y - era * 400;
    int64_t doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - EPOCH_SHIFT;
}

void date_to_civil(int64_t days, int64_t *year, int *month, int *day)
{
    int64_t z = days + EPOCH_SHIFT, era = (z >= 0 ? z : z - 146096) / 146097, doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365, doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;
    *day = (int)(doy - (153 * mp + 2) / 5 + 1);
    *month = (int)(mp < 10 ? mp + 3 : mp - 9);
    *year = yoe + era * 400 + (*month <= 2);
}

int date_dow(int64_t days) { return (int)(((days + 6) % 7 + 7) % 7); } /* 2000-01-01 was a Saturday */

int days_in_month(int64_t y, int m)
{
    static const uint8_t len[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return len[m - 1] + (m == 2 && ((y % 4 == 0 && y % 100 != 0) || y % 400 == 0));
}

int date_doy(int64_t days)
{
    int64_t y;
    int m, d;
    date_to_civil(days, &y, &m, &d);
    return (int)(days - date_from_civil(y, 1, 1)) + 1;
}

int date_isoweek(int64_t days, int64_t *isoyear)
{
    /* the ISO year is that of the week's Thursday */
    int64_t thursday = days - (date_dow(days) + 6) % 7 + 3, y;
    int m, d;
    date_to_civil(thursday, &y, &m, &d);
    if (isoyear) *isoyear = y;
    return (int)((thursday - date_from_civil(y, 1, 1)) / 7) + 1;
}

void timestamp_to_datetime(int64_t ts, DateTime *out)
{
    int64_t days = ts / USECS_PER_DAY, t = ts % USECS_PER_DAY;
    if (t < 0) t += USECS_PER_DAY, days--;
    date_to_civil(days, &out->year, &out->month, &out->day);
    out->usec = (int)(t % USECS_PER_SEC);
    int s = (int)(t / USECS_PER_SEC);
    out->hour = s / 3600;
    out->min = s / 60 % 60;
    out->sec = s % 60;
}

static int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b < 0); }
static int64_t unix_seconds(int64_t ts) { return floor_div(ts, USECS_PER_SEC) + POSTGRES_EPOCH_UNIX_S; }

void timestamptz_to_datetime(int64_t ts, const TimeZone *tz, DateTime *out, ZoneOffset *zone)
{
    ZoneOffset z = timezone_at(tz, unix_seconds(ts));
    if (zone) *zone = z;
    timestamp_to_datetime(ts + z.seconds_east * USECS_PER_SEC, out);
}

bool datetime_to_timestamp(const DateTime *dt, int64_t *out)
{
    int64_t days = date_from_civil(dt->year, dt->month, dt->day);
    if (days < DATE_MIN || days > 200000000) return false;
    __int128 t = (__int128)days * USECS_PER_DAY + ((dt->hour * 60LL + dt->min) * 60 + dt->sec) * USECS_PER_SEC + dt->usec;
    if (!TIMESTAMP_IN_RANGE(t)) return false;
    *out = (int64_t)t;
    return true;
}

bool timestamp_to_timestamptz(int64_t ts, const TimeZone *tz, int64_t *out)
{
    *out = ts;
    if (!TIMESTAMP_IS_FINITE(ts)) return true;
    *out = ts - timezone_at_local(tz, unix_seconds(ts)).seconds_east * USECS_PER_SEC;
    return TIMESTAMP_IN_RANGE(*out);
}

int64_t timestamptz_to_timestamp(int64_t ts, const TimeZone *tz)
{
    if (!TIMESTAMP_IS_FINITE(ts)) return ts;
    return ts + timezone_at(tz, unix_seconds(ts)).seconds_east * USECS_PER_SEC;
}

bool datetime_to_timestamptz(const DateTime *dt, const TimeZone *tz, int64_t *out)
{
    int64_t ts;
    return datetime_to_timestamp(dt, &ts) && timestamp_to_timestamptz(ts, tz, out);
}

STATUS timestamp_out_of_range(Error *err) { return error_set(err, ERR_DATETIME_VALUE_OUT_OF_RANGE, "timestamp out of range"); }
STATUS interval_out_of_range(Error *err) { return error_set(err, ERR_DATETIME_VALUE_OUT_OF_RANGE, "interval out of range"); }

/* ---- intervals and timetz by reference ---- */

Interval interval_get(Datum d)
{
    Interval iv;
    memcpy(&iv, datum_bytes(d), sizeof iv);
    return iv;
}

Datum interval_new(Arena *arena, const Interval *iv) { return datum_ptr(arena_memdup(arena, iv, sizeof *iv)); }

TimeTz timetz_get(Datum d)
{
    TimeTz t = {0};
    memcpy(&t.time, datum_bytes(d), 8);
    memcpy(&t.zone, datum_bytes(d) + 8, 4);
    return t;
}

Datum timetz_new(Arena *arena, const TimeTz *t)
{
    uint8_t *p = arena_alloc(arena, 12);
    if (!p) return 0;
    memcpy(p, &t->time, 8);
    memcpy(p + 8, &t->zone, 4);
    return datum_ptr(p);
}

__int128 interval_span(const Interval *iv)
{
    return (__int128)iv->time + ((__int128)iv->month * 30 + iv->day) * USECS_PER_DAY;
}

int interval_cmp(const Interval *a, const Interval *b)
{
    __int128 x = interval_span(a), y = interval_span(b);
    return (x > y) - (x < y);
}

uint64_t interval_hash_value(const Interval *iv)
{
    __int128 x = interval_span(iv);
    return hash_combine(hash_u64((uint64_t)x), (uint64_t)(x >> 64));
}

int timetz_cmp(const TimeTz *a, const TimeTz *b)
{
    int64_t x = a->time + a->zone * USECS_PER_SEC, y = b->time + b->zone * USECS_PER_SEC;
    if (x != y) return x < y ? -1 : 1;
    return (a->zone > b->zone) - (a->zone < b->zone);
}

/* ---- modifiers ---- */

static const int64_t unit_of_precision[] = {1000000, 100000, 10000, 1000, 100, 10, 1};

static int64_t round_to(int64_t v, int precision)
{
    if (precision < 0 || precision >= 6) return v;
    int64_t unit = unit_of_precision[precision], half = unit / 2;
    return v >= 0 ? (v + half) / unit * unit : -((-v + half) / unit * unit);
}

int64_t time_round(int64_t time, int32_t typmod) { return typmod < 0 ? time : round_to(time, typmod); }

STATUS timestamp_round(int64_t *ts, int32_t typmod, Error *err)
{
    if (typmod < 0 || typmod >= 6 || !TIMESTAMP_IS_FINITE(*ts)) return ST_OK;
    *ts = round_to(*ts, typmod);
    return TIMESTAMP_IN_RANGE(*ts) ? ST_OK : timestamp_out_of_range(err);
}

STATUS interval_apply_typmod(Interval *iv, int32_t typmod, Error *err)
{
    if (typmod < 0) return ST_OK;
    int range = interval_typmod_range(typmod), precision = interval_typmod_precision(typmod);
    enum { Y = INTERVAL_MASK(INTERVAL_BIT_YEAR), MO = INTERVAL_MASK(INTERVAL_BIT_MONTH), D = INTERVAL_MASK(INTERVAL_BIT_DAY),
           H = INTERVAL_MASK(INTERVAL_BIT_HOUR), MI = INTERVAL_MASK(INTERVAL_BIT_MINUTE), S = INTERVAL_MASK(INTERVAL_BIT_SECOND) };
    if (range != INTERVAL_FULL_RANGE) {
        /* the smallest unit that is kept; everything below is cut off */
        if (range == Y) iv->month = iv->month / 12 * 12;
        if (range == Y || range == MO || range == (Y | MO)) iv->day = 0, iv->time = 0;
        else if (range == D) iv->time = 0;
        else if (range == H || range == (D | H)) iv->time = iv->time / USECS_PER_HOUR * USECS_PER_HOUR;
        else if (range == MI || range == (D | H | MI) || range == (H | MI)) iv->time = iv->time / USECS_PER_MINUTE * USECS_PER_MINUTE;
    }
    if (precision != INTERVAL_FULL_PRECISION) {
        if (precision > 6) return error_set(err, ERR_INVALID_PARAMETER_VALUE, "interval(%d) precision must be between 0 and 6", precision);
        iv->time = round_to(iv->time, precision);
    }
    return ST_OK;
}
