/* date_part, EXTRACT, date_trunc, date_bin. */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>

#include "functions/fn.h"

typedef enum Part {
    P_NONE, P_MICRO, P_MILLI, P_SECOND, P_MINUTE, P_HOUR, P_DAY, P_WEEK, P_MONTH, P_QUARTER, P_YEAR, P_DECADE, P_CENTURY, P_MILLENNIUM, P_JULIAN,
    P_ISOYEAR, P_DOW, P_ISODOW, P_DOY, P_TIMEZONE, P_TIMEZONE_HOUR, P_TIMEZONE_MINUTE, P_EPOCH
} Part;
static const struct { char name[12]; uint8_t part; } parts[] = { /* sorted; 10 characters count */
    {"c", P_CENTURY}, {"cent", P_CENTURY}, {"centuries", P_CENTURY}, {"century", P_CENTURY}, {"d", P_DAY}, {"day", P_DAY}, {"days", P_DAY},
    {"dec", P_DECADE}, {"decade", P_DECADE}, {"decades", P_DECADE}, {"decs", P_DECADE}, {"dow", P_DOW}, {"doy", P_DOY}, {"epoch", P_EPOCH},
    {"h", P_HOUR}, {"hour", P_HOUR}, {"hours", P_HOUR}, {"hr", P_HOUR}, {"hrs", P_HOUR}, {"isodow", P_ISODOW}, {"isoyear", P_ISOYEAR},
    {"j", P_JULIAN}, {"jd", P_JULIAN}, {"julian", P_JULIAN}, {"m", P_MINUTE}, {"microsecon", P_MICRO}, {"mil", P_MILLENNIUM},
    {"millennia", P_MILLENNIUM}, {"millennium", P_MILLENNIUM}, {"millisecon", P_MILLI}, {"mils", P_MILLENNIUM}, {"min", P_MINUTE},
    {"mins", P_MINUTE}, {"minute", P_MINUTE}, {"minutes", P_MINUTE}, {"mon", P_MONTH}, {"mons", P_MONTH}, {"month", P_MONTH},
    {"months", P_MONTH}, {"ms", P_MILLI}, {"msec", P_MILLI}, {"msecs", P_MILLI}, {"qtr", P_QUARTER}, {"quarter", P_QUARTER}, {"s", P_SECOND},
    {"sec", P_SECOND}, {"second", P_SECOND}, {"seconds", P_SECOND}, {"secs", P_SECOND}, {"timezone", P_TIMEZONE},
    {"timezone_h", P_TIMEZONE_HOUR}, {"timezone_m", P_TIMEZONE_MINUTE}, {"us", P_MICRO}, {"usec", P_MICRO}, {"usecs", P_MICRO}, {"w", P_WEEK},
    {"week", P_WEEK}, {"weeks", P_WEEK}, {"y", P_YEAR}, {"year", P_YEAR}, {"years", P_YEAR}, {"yr", P_YEAR}, {"yrs", P_YEAR}};

static int cmp_part(const void *k, const void *row) { return strncmp(k, row, 10); }

/* The argument in lower case. */
static Part part_arg(CallFrame *cf, char **text)
{
    char *s = fn_arg_cstr(cf, 0);
    if (!s) return P_NONE;
    for (char *p = s; *p; p++) *p = (char)tolower((unsigned char)*p);
    *text = s;
    const void *hit = bsearch(s, parts, sizeof parts / sizeof parts[0], sizeof parts[0], cmp_part);
    return hit ? (Part)((const uint8_t *)hit)[12] : P_NONE;
}

static Datum bad_unit(CallFrame *cf, const char *unit, bool known, const char *type)
{
    if (!fn_ok(cf)) return 0;
    if (known) return CALL_ERROR(cf, ERR_FEATURE_NOT_SUPPORTED, "unit \"%s\" not supported for type %s", unit, type);
    return CALL_ERROR(cf, ERR_INVALID_PARAMETER_VALUE, "unit \"%s\" not recognized for type %s", unit, type);
}

/* A result as numeric with a fixed number of decimals (EXTRACT) or float8 (date_part): value = n / 10^scale. */
static Datum give(CallFrame *cf, bool numeric, __int128 n, int scale)
{
    static const double p10[] = {1, 10, 100, 1e3, 1e4, 1e5, 1e6};
    if (!numeric) return datum_f8((double)n / p10[scale]);
    Numeric v, d, r;
    numeric_set_i128(&v, n);
    if (!scale) return fn_return_numeric(cf, &v);
    numeric_set_i64(&d, (int64_t)p10[scale]);
    FTRY(numeric_div_scale(&v, &d, scale, true, cf->arena, &r, cf->err));
    return fn_return_numeric(cf, &r);
}

static Datum clock_part(CallFrame *cf, bool num, Part p, int hour, int min, int sec, int usec)
{
    switch (p) {
    case P_MICRO: return give(cf, num, (__int128)sec * 1000000 + usec, 0);
    case P_MILLI: return give(cf, num, (__int128)sec * 1000000 + usec, 3);
    case P_SECOND: return give(cf, num, (__int128)sec * 1000000 + usec, 6);
    case P_MINUTE: return give(cf, num, min, 0);
    default: return give(cf, num, hour, 0);
    }
}

static int64_t century(int64_t y) { return y > 0 ? (y + 99) / 100 : -((99 - (y - 1)) / 100); }
static int64_t millennium(int64_t y) { return y > 0 ? (y + 999) / 1000 : -((999 - (y - 1)) / 1000); }
static int64_t decade(int64_t y) { return y >= 0 ? y / 10 : -((8 - (y - 1)) / 10); }

static bool date_part_value(Part p, int64_t days, const DateTime *dt, int64_t *out)
{
    switch (p) {
    case P_DAY: *out = dt->day; break;
    case P_MONTH: *out = dt->month; break;
    case P_QUARTER: *out = (dt->month - 1) / 3 + 1; break;
    case P_WEEK: *out = date_isoweek(days, NULL); break;
    case P_YEAR: *out = dt->year > 0 ? dt->year : dt->year - 1; break;
    case P_DECADE: *out = decade(dt->year); break;
    case P_CENTURY: *out = century(dt->year); break;
    case P_MILLENNIUM: *out = millennium(dt->year); break;
    case P_ISOYEAR:
        date_isoweek(days, out);
        if (*out <= 0) --*out;
        break;
    case P_DOW: *out = date_dow(days); break;
    case P_ISODOW: *out = date_dow(days) ? date_dow(days) : 7; break;
    case P_DOY: *out = date_doy(days); break;
    default: return false;
    }
    return true;
}

/* Infinite dates and timestamps: parts that grow without end are infinite, the cyclic ones null. */
static Datum infinite_part(CallFrame *cf, bool num, Part p, bool positive, const char *unit, const char *type)
{
    Numeric v;
    switch (p) {
    case P_YEAR: case P_DECADE: case P_CENTURY: case P_MILLENNIUM: case P_JULIAN: case P_ISOYEAR: case P_EPOCH:
        if (!num) return datum_f8(positive ? INFINITY : -INFINITY);
        numeric_set_special(&v, positive ? NUMERIC_PINF : NUMERIC_NINF);
        return fn_return_numeric(cf, &v);
    case P_NONE: return bad_unit(cf, unit, false, type);
    default: RETURN_NULL();
    }
}

static Datum stamp_part(CallFrame *cf, bool num, bool zoned)
{
    const char *type = zoned ? "timestamp with time zone" : "timestamp without time zone";
    char *unit = NULL;
    Part p = part_arg(cf, &unit);
    int64_t ts = ARG_I64(1), v;
    DateTime dt;
    ZoneOffset z = {0};
    if (!fn_ok(cf)) return 0;
    if (!TIMESTAMP_IS_FINITE(ts)) return infinite_part(cf, num, p, ts > 0, unit, type);
    if (zoned) timestamptz_to_datetime(ts, fn_format(cf)->timezone, &dt, &z);
    else timestamp_to_datetime(ts, &dt);
    int64_t days = date_from_civil(dt.year, dt.month, dt.day);
    if (p >= P_MICRO && p <= P_HOUR) return clock_part(cf, num, p, dt.hour, dt.min, dt.sec, dt.usec);
    if (date_part_value(p, days, &dt, &v)) return give(cf, num, v, 0);
    if (p == P_EPOCH) return give(cf, num, (__int128)ts + (__int128)POSTGRES_EPOCH_UNIX_S * USECS_PER_SEC, 6);
    if (p == P_JULIAN) {
        __int128 us = ((dt.hour * 60LL + dt.min) * 60 + dt.sec) * USECS_PER_SEC + dt.usec;
        if (!num) return datum_f8((double)(days + POSTGRES_EPOCH_JDATE) + (double)us / (double)USECS_PER_DAY);
        Numeric a, b, q, r;
        numeric_set_i128(&a, us);
        numeric_set_i64(&b, USECS_PER_DAY);
        FTRY(numeric_div(&a, &b, cf->arena, &q, cf->err));
        numeric_set_i64(&a, days + POSTGRES_EPOCH_JDATE);
        FTRY(numeric_add(&a, &q, cf->arena, &r, cf->err));
        return fn_return_numeric(cf, &r);
    }
    if (zoned && p == P_TIMEZONE) return give(cf, num, z.seconds_east, 0);
    if (zoned && p == P_TIMEZONE_HOUR) return give(cf, num, z.seconds_east / 3600, 0);
    if (zoned && p == P_TIMEZONE_MINUTE) return give(cf, num, z.seconds_east / 60 % 60, 0);
    return bad_unit(cf, unit, p != P_NONE, type);
}
FN(timestamp_part) { return stamp_part(cf, false, false); }
FN(timestamptz_part) { return stamp_part(cf, false, true); }
FN(extract_timestamp) { return stamp_part(cf, true, false); }
FN(extract_timestamptz) { return stamp_part(cf, true, true); }

FN(extract_date)
{
    char *unit = NULL;
    Part p = part_arg(cf, &unit);
    int32_t d = ARG_I32(1);
    int64_t v;
    DateTime dt = {0};
    if (!fn_ok(cf)) return 0;
    if (!DATE_IS_FINITE(d)) {
        if (p >= P_MICRO && p <= P_HOUR) return bad_unit(cf, unit, true, "date");
        return infinite_part(cf, true, p, d > 0, unit, "date");
    }
    date_to_civil(d, &dt.year, &dt.month, &dt.day);
    if (date_part_value(p, d, &dt, &v)) return give(cf, true, v, 0);
    if (p == P_EPOCH) return give(cf, true, (d + POSTGRES_EPOCH_UNIX_S / SECS_PER_DAY) * SECS_PER_DAY, 0);
    if (p == P_JULIAN) return give(cf, true, d + POSTGRES_EPOCH_JDATE, 0);
    return bad_unit(cf, unit, p != P_NONE, "date");
}
FN(sql_date_part_date)
{
    int64_t ts;
    if (!fn_date_to_timestamp(cf, ARG_I32(1), &ts)) return 0;
    Datum args[2] = {cf->args[0], datum_i64(ts)};
    CallFrame inner = *cf;
    inner.args = args;
    Datum r = stamp_part(&inner, false, false);
    cf->isnull = inner.isnull;
    return r;
}

static Datum time_part_of(CallFrame *cf, bool num, bool zoned)
{
    const char *type = zoned ? "time with time zone" : "time without time zone";
    char *unit = NULL;
    Part p = part_arg(cf, &unit);
    TimeTz z = {0};
    if (!fn_ok(cf)) return 0;
    if (zoned) z = timetz_get(cf->args[1]);
    else z.time = ARG_I64(1);
    int64_t s = z.time / USECS_PER_SEC;
    if (p >= P_MICRO && p <= P_HOUR) return clock_part(cf, num, p, (int)(s / 3600), (int)(s / 60 % 60), (int)(s % 60), (int)(z.time % USECS_PER_SEC));
    if (p == P_EPOCH) return give(cf, num, z.time + z.zone * USECS_PER_SEC, 6);
    if (zoned && p == P_TIMEZONE) return give(cf, num, -z.zone, 0);
    if (zoned && p == P_TIMEZONE_HOUR) return give(cf, num, -z.zone / 3600, 0);
    if (zoned && p == P_TIMEZONE_MINUTE) return give(cf, num, -z.zone / 60 % 60, 0);
    return bad_unit(cf, unit, p != P_NONE, type);
}
FN(time_part) { return time_part_of(cf, false, false); }
FN(timetz_part) { return time_part_of(cf, false, true); }
FN(extract_time) { return time_part_of(cf, true, false); }
FN(extract_timetz) { return time_part_of(cf, true, true); }

static Datum interval_part_of(CallFrame *cf, bool num)
{
    char *unit = NULL;
    Part p = part_arg(cf, &unit);
    if (!fn_ok(cf)) return 0;
    Interval iv = interval_get(cf->args[1]);
    int64_t year = iv.month / 12, us = iv.time % USECS_PER_MINUTE;
    switch (p) {
    case P_MICRO: return give(cf, num, us, 0);
    case P_MILLI: return give(cf, num, us, 3);
    case P_SECOND: return give(cf, num, us, 6);
    case P_MINUTE: return give(cf, num, iv.time / USECS_PER_MINUTE % 60, 0);
    case P_HOUR: return give(cf, num, iv.time / USECS_PER_HOUR, 0);
    case P_DAY: return give(cf, num, iv.day, 0);
    case P_MONTH: return give(cf, num, iv.month % 12, 0);
    case P_QUARTER: return give(cf, num, iv.month % 12 / 3 + 1, 0);
    case P_YEAR: return give(cf, num, year, 0);
    case P_DECADE: return give(cf, num, year / 10, 0);
    case P_CENTURY: return give(cf, num, year / 100, 0);
    case P_MILLENNIUM: return give(cf, num, year / 1000, 0);
    case P_EPOCH: {
        /* a year has 365.25 days, a month of the rest 30 */
        __int128 secs = (__int128)year * 31557600 + (__int128)(iv.month % 12) * 30 * SECS_PER_DAY + (__int128)iv.day * SECS_PER_DAY;
        return give(cf, num, secs * USECS_PER_SEC + iv.time, 6);
    }
    default: return bad_unit(cf, unit, p != P_NONE, "interval");
    }
}
FN(interval_part) { return interval_part_of(cf, false); }
FN(extract_interval) { return interval_part_of(cf, true); }

/* ---- date_trunc ---- */
static bool trunc_fields(Part p, DateTime *dt, bool *date_changed)
{
    int64_t y = dt->year, days;
    *date_changed = p >= P_DAY;
    switch (p) {
    case P_MILLENNIUM: dt->year = y > 0 ? (y + 999) / 1000 * 1000 - 999 : -((999 - (y - 1)) / 1000) * 1000 + 1; dt->month = dt->day = 1; break;
    case P_CENTURY: dt->year = y > 0 ? (y + 99) / 100 * 100 - 99 : -((99 - (y - 1)) / 100) * 100 + 1; dt->month = dt->day = 1; break;
    case P_DECADE: dt->year = y > 0 ? y / 10 * 10 : -((8 - (y - 1)) / 10) * 10; dt->month = dt->day = 1; break;
    case P_YEAR: dt->month = dt->day = 1; break;
    case P_QUARTER: dt->month = (dt->month - 1) / 3 * 3 + 1; dt->day = 1; break;
    case P_MONTH: dt->day = 1; break;
    case P_WEEK:
        days = date_from_civil(y, dt->month, dt->day);
        date_to_civil(days - (date_dow(days) + 6) % 7, &dt->year, &dt->month, &dt->day);
        break;
    case P_DAY: break;
    case P_HOUR: dt->min = dt->sec = dt->usec = 0; return true;
    case P_MINUTE: dt->sec = dt->usec = 0; return true;
    case P_SECOND: dt->usec = 0; return true;
    case P_MILLI: dt->usec = dt->usec / 1000 * 1000; return true;
    case P_MICRO: return true;
    default: return false;
    }
    dt->hour = dt->min = dt->sec = dt->usec = 0;
    return true;
}

static Datum trunc_stamp(CallFrame *cf, bool zoned, const TimeZone *tz)
{
    char *unit = NULL;
    Part p = part_arg(cf, &unit);
    int64_t ts = ARG_I64(1);
    DateTime dt;
    ZoneOffset z;
    bool date_changed;
    if (!fn_ok(cf)) return 0;
    const char *type = zoned ? "timestamp with time zone" : "timestamp without time zone";
    if (!TIMESTAMP_IS_FINITE(ts)) {
        DateTime any = {2000, 1, 1, 0, 0, 0, 0};
        return trunc_fields(p, &any, &date_changed) ? datum_i64(ts) : bad_unit(cf, unit, p != P_NONE, type);
    }
    if (zoned) timestamptz_to_datetime(ts, tz, &dt, &z);
    else timestamp_to_datetime(ts, &dt);
    if (!trunc_fields(p, &dt, &date_changed)) return bad_unit(cf, unit, p != P_NONE, type);
    bool ok;
    if (zoned && !date_changed) { /* within the hour: keep the offset, so that an ambiguous hour stays what it is */
        ok = datetime_to_timestamp(&dt, &ts);
        ts -= z.seconds_east * USECS_PER_SEC;
    } else {
        ok = zoned ? datetime_to_timestamptz(&dt, tz, &ts) : datetime_to_timestamp(&dt, &ts);
    }
    return ok ? datum_i64(ts) : CALL_ERROR(cf, ERR_DATETIME_VALUE_OUT_OF_RANGE, "timestamp out of range");
}
FN(timestamp_trunc) { return trunc_stamp(cf, false, NULL); }
FN(timestamptz_trunc) { return trunc_stamp(cf, true, fn_format(cf)->timezone); }
FN(timestamptz_trunc_zone)
{
    const TimeZone *tz;
    int east;
    bool dynamic;
    FTRY(timezone_argument(ARG_TEXT(2), &tz, &east, &dynamic, cf->err));
    return trunc_stamp(cf, true, tz ? tz : timezone_fixed(east));
}

FN(interval_trunc)
{
    char *unit = NULL;
    Part p = part_arg(cf, &unit);
    if (!fn_ok(cf)) return 0;
    Interval iv = interval_get(cf->args[1]);
    int64_t step = 1;
    switch (p) {
    case P_MILLENNIUM: iv.month = iv.month / 12000 * 12000; iv.day = 0; iv.time = 0; break;
    case P_CENTURY: iv.month = iv.month / 1200 * 1200; iv.day = 0; iv.time = 0; break;
    case P_DECADE: iv.month = iv.month / 120 * 120; iv.day = 0; iv.time = 0; break;
    case P_YEAR: iv.month = iv.month / 12 * 12; iv.day = 0; iv.time = 0; break;
    case P_QUARTER: iv.month = iv.month / 3 * 3; iv.day = 0; iv.time = 0; break;
    case P_MONTH: iv.day = 0; iv.time = 0; break;
    case P_DAY: iv.time = 0; break;
    case P_HOUR: step = USECS_PER_HOUR; break;
    case P_MINUTE: step = USECS_PER_MINUTE; break;
    case P_SECOND: step = USECS_PER_SEC; break;
    case P_MILLI: step = 1000; break;
    case P_MICRO: break;
    default:
        bad_unit(cf, unit, p != P_NONE, "interval");
        if (p == P_WEEK) error_detail(cf->err, "Months usually have fractional weeks.");
        return 0;
    }
    iv.time = iv.time / step * step;
    return fn_return_interval(cf, &iv);
}

static Datum bin(CallFrame *cf)
{
    Interval stride = interval_get(cf->args[0]);
    int64_t ts = ARG_I64(1), origin = ARG_I64(2), step, diff;
    if (!TIMESTAMP_IS_FINITE(ts)) return datum_i64(ts);
    if (!TIMESTAMP_IS_FINITE(origin)) return CALL_ERROR(cf, ERR_DATETIME_VALUE_OUT_OF_RANGE, "origin out of range");
    if (stride.month)
        return CALL_ERROR(cf, ERR_FEATURE_NOT_SUPPORTED, "timestamps cannot be binned into intervals containing months or years");
    if (__builtin_mul_overflow((int64_t)stride.day, USECS_PER_DAY, &step) || __builtin_add_overflow(step, stride.time, &step))
        return CALL_ERROR(cf, ERR_DATETIME_VALUE_OUT_OF_RANGE, "interval out of range");
    if (step <= 0) return CALL_ERROR(cf, ERR_DATETIME_VALUE_OUT_OF_RANGE, "stride must be greater than zero");
    if (__builtin_sub_overflow(ts, origin, &diff)) return CALL_ERROR(cf, ERR_DATETIME_VALUE_OUT_OF_RANGE, "interval out of range");
    int64_t rest = diff % step;
    int64_t r = ts - rest;
    if (rest < 0) r -= step;
    return TIMESTAMP_IN_RANGE(r) ? datum_i64(r) : CALL_ERROR(cf, ERR_DATETIME_VALUE_OUT_OF_RANGE, "timestamp out of range");
}
FN(timestamp_bin) { return bin(cf); }
FN(timestamptz_bin) { return bin(cf); }
