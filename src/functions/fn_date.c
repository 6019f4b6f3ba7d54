/* date, time, timetz: arithmetic, conversion, construction. */
#include <math.h>

#include "common/thread.h"
#include "functions/fn.h"

static Datum date_range(CallFrame *cf) { return CALL_ERROR(cf, ERR_DATETIME_VALUE_OUT_OF_RANGE, "date out of range"); }
static Datum ts_range(CallFrame *cf) { return CALL_ERROR(cf, ERR_DATETIME_VALUE_OUT_OF_RANGE, "timestamp out of range"); }

/* ---- date ---- */
static Datum date_add(CallFrame *cf, int32_t d, int64_t n)
{
    if (!DATE_IS_FINITE(d)) return datum_i32(d);
    int64_t r = d + n;
    return DATE_IN_RANGE(r) ? datum_i32((int32_t)r) : date_range(cf);
}
FN(date_pli) { return date_add(cf, ARG_I32(0), ARG_I32(1)); }
FN(date_mii) { return date_add(cf, ARG_I32(0), -(int64_t)ARG_I32(1)); }
FN(sql_integer_pl_date) { return date_add(cf, ARG_I32(1), ARG_I32(0)); }
FN(date_mi)
{
    int32_t a = ARG_I32(0), b = ARG_I32(1);
    if (!DATE_IS_FINITE(a) || !DATE_IS_FINITE(b)) return CALL_ERROR(cf, ERR_DATETIME_VALUE_OUT_OF_RANGE, "cannot subtract infinite dates");
    return datum_i32(a - b);
}
FN(date_finite) { return datum_bool(DATE_IS_FINITE(ARG_I32(0))); }

bool fn_date_to_timestamp(CallFrame *cf, int32_t d, int64_t *out)
{
    if (!DATE_IS_FINITE(d)) {
        *out = d > 0 ? TIMESTAMP_INFINITY : TIMESTAMP_NEG_INFINITY;
        return true;
    }
    if (d >= TIMESTAMP_END / USECS_PER_DAY) {
        error_set(cf->err, ERR_DATETIME_VALUE_OUT_OF_RANGE, "date out of range for timestamp");
        return false;
    }
    *out = d * USECS_PER_DAY;
    return true;
}
FN(date_timestamp) { int64_t t; return fn_date_to_timestamp(cf, ARG_I32(0), &t) ? datum_i64(t) : 0; }
FN(date_timestamptz)
{
    int64_t t;
    if (!fn_date_to_timestamp(cf, ARG_I32(0), &t)) return 0;
    return timestamp_to_timestamptz(t, fn_format(cf)->timezone, &t) ? datum_i64(t)
                                                                    : CALL_ERROR(cf, ERR_DATETIME_VALUE_OUT_OF_RANGE, "date out of range for timestamp");
}
static Datum ts_date(int64_t t)
{
    if (!TIMESTAMP_IS_FINITE(t)) return datum_i32(t > 0 ? DATE_INFINITY : DATE_NEG_INFINITY);
    return datum_i32((int32_t)(t / USECS_PER_DAY - (t % USECS_PER_DAY < 0)));
}
FN(timestamp_date) { return ts_date(ARG_I64(0)); }
FN(timestamptz_date) { return ts_date(timestamptz_to_timestamp(ARG_I64(0), fn_format(cf)->timezone)); }

/* ---- joining date and time ---- */
static Datum join(CallFrame *cf, int32_t d, int64_t time, int zone)
{
    int64_t t;
    if (!fn_date_to_timestamp(cf, d, &t)) return 0;
    if (TIMESTAMP_IS_FINITE(t)) {
        t += time + zone * USECS_PER_SEC;
        if (!TIMESTAMP_IN_RANGE(t)) return ts_range(cf);
    }
    return datum_i64(t);
}
FN(datetime_timestamp) { return join(cf, ARG_I32(0), ARG_I64(1), 0); }
FN(datetimetz_timestamptz) { TimeTz z = timetz_get(cf->args[1]); return join(cf, ARG_I32(0), z.time, z.zone); }
FN(sql_timedate_pl) { return join(cf, ARG_I32(1), ARG_I64(0), 0); }
FN(sql_timetzdate_pl) { TimeTz z = timetz_get(cf->args[0]); return join(cf, ARG_I32(1), z.time, z.zone); }
FN(sql_timestamptz_date_time)
{
    Datum d = join(cf, ARG_I32(0), ARG_I64(1), 0);
    int64_t t;
    if (!fn_ok(cf)) return 0;
    return timestamp_to_timestamptz(datum_get_i64(d), fn_format(cf)->timezone, &t) ? datum_i64(t) : ts_range(cf);
}

/* ---- time ---- */
static int64_t wrap_day(int64_t t)
{
    t %= USECS_PER_DAY;
    return t < 0 ? t + USECS_PER_DAY : t;
}
static int64_t interval_time_of(CallFrame *cf, int i) { return interval_get(cf->args[i]).time % USECS_PER_DAY; }
FN(time_pl_interval) { return datum_i64(wrap_day(ARG_I64(0) + interval_time_of(cf, 1))); }
FN(time_mi_interval) { return datum_i64(wrap_day(ARG_I64(0) - interval_time_of(cf, 1))); }
FN(sql_interval_pl_time) { return datum_i64(wrap_day(ARG_I64(1) + interval_time_of(cf, 0))); }
FN(time_mi_time) { return fn_return_interval(cf, &(Interval){.time = ARG_I64(0) - ARG_I64(1)}); }
FN(time_interval) { return fn_return_interval(cf, &(Interval){.time = ARG_I64(0)}); }
FN(interval_time) { return datum_i64(wrap_day(interval_get(cf->args[0]).time)); }
FN(time_scale) { return datum_i64(time_round(ARG_I64(0), ARG_I32(1))); }
FN(timestamp_time)
{
    int64_t t = ARG_I64(0);
    if (!TIMESTAMP_IS_FINITE(t)) RETURN_NULL();
    return datum_i64(wrap_day(t));
}
FN(timestamptz_time)
{
    int64_t t = ARG_I64(0);
    if (!TIMESTAMP_IS_FINITE(t)) RETURN_NULL();
    return datum_i64(wrap_day(timestamptz_to_timestamp(t, fn_format(cf)->timezone)));
}

/* ---- timetz ---- */
static Datum return_timetz(CallFrame *cf, int64_t time, int zone)
{
    Datum d = timetz_new(cf->arena, &(TimeTz){time, zone});
    return d ? d : fn_oom(cf);
}
FN(timetz_pl_interval) { TimeTz z = timetz_get(cf->args[0]); return return_timetz(cf, wrap_day(z.time + interval_time_of(cf, 1)), z.zone); }
FN(timetz_mi_interval) { TimeTz z = timetz_get(cf->args[0]); return return_timetz(cf, wrap_day(z.time - interval_time_of(cf, 1)), z.zone); }
FN(sql_interval_pl_timetz) { TimeTz z = timetz_get(cf->args[1]); return return_timetz(cf, wrap_day(z.time + interval_time_of(cf, 0)), z.zone); }
FN(timetz_time) { return datum_i64(timetz_get(cf->args[0]).time); }
FN(timetz_scale) { TimeTz z = timetz_get(cf->args[0]); return return_timetz(cf, time_round(z.time, ARG_I32(1)), z.zone); }
static int zone_now(CallFrame *cf, const TimeZone *tz)
{
    return -timezone_at(tz, fn_format(cf)->now_us / USECS_PER_SEC + POSTGRES_EPOCH_UNIX_S).seconds_east;
}
FN(time_timetz)
{
    /* the session zone's offset today at that time */
    const FormatOptions *f = fn_format(cf);
    DateTime now;
    timestamptz_to_datetime(f->now_us, f->timezone, &now, NULL);
    int64_t local = date_from_civil(now.year, now.month, now.day) * SECS_PER_DAY + ARG_I64(0) / USECS_PER_SEC + POSTGRES_EPOCH_UNIX_S;
    return return_timetz(cf, ARG_I64(0), -timezone_at_local(f->timezone, local).seconds_east);
}
FN(timestamptz_timetz)
{
    int64_t t = ARG_I64(0);
    DateTime dt;
    ZoneOffset z;
    if (!TIMESTAMP_IS_FINITE(t)) RETURN_NULL();
    timestamptz_to_datetime(t, fn_format(cf)->timezone, &dt, &z);
    return return_timetz(cf, wrap_day(t + z.seconds_east * USECS_PER_SEC), -z.seconds_east);
}
static Datum timetz_shift(CallFrame *cf, const TimeTz *z, int zone)
{
    return return_timetz(cf, wrap_day(z->time + (z->zone - zone) * USECS_PER_SEC), zone);
}
FN(timetz_zone)
{
    const TimeZone *tz;
    int east;
    bool dynamic;
    TimeTz z = timetz_get(cf->args[1]);
    FTRY(timezone_argument(ARG_TEXT(0), &tz, &east, &dynamic, cf->err));
    return timetz_shift(cf, &z, tz ? zone_now(cf, tz) : -east);
}
static Datum zone_interval_error(CallFrame *cf, const Interval *iv)
{
    StrBuf sb;
    strbuf_init(&sb, cf->arena);
    interval_print(fn_format(cf), iv, &sb);
    return CALL_ERROR(cf, ERR_INVALID_PARAMETER_VALUE, "interval time zone \"%s\" must not include months or days", strbuf_cstr(&sb));
}
FN(timetz_izone)
{
    Interval iv = interval_get(cf->args[0]);
    TimeTz z = timetz_get(cf->args[1]);
    if (iv.month || iv.day) return zone_interval_error(cf, &iv);
    return timetz_shift(cf, &z, -(int)(iv.time / USECS_PER_SEC));
}

/* ---- construction ---- */
FN(make_date)
{
    int64_t y = ARG_I32(0);
    int m = ARG_I32(1), d = ARG_I32(2);
    bool bad = y == 0 || y < -4713 || y > 5874897 || m < 1 || m > 12 || d < 1;
    int64_t year = y < 0 ? y + 1 : y;
    if (bad || d > days_in_month(year, m))
        return CALL_ERROR(cf, ERR_DATETIME_FIELD_OVERFLOW, "date field value out of range: %d-%02d-%02d", ARG_I32(0), m, d);
    int64_t days = date_from_civil(year, m, d);
    if (!DATE_IN_RANGE(days)) return CALL_ERROR(cf, ERR_DATETIME_VALUE_OUT_OF_RANGE, "date out of range: %d-%02d-%02d", ARG_I32(0), m, d);
    return datum_i32((int32_t)days);
}
static bool make_clock(int h, int m, double s, int64_t *out)
{
    if (h < 0 || h > 24 || m < 0 || m > 59 || isnan(s) || s < 0 || s > 60 || (h == 24 && (m || s > 0))) return false;
    *out = (h * 60 + m) * USECS_PER_MINUTE + (int64_t)rint(s * (double)USECS_PER_SEC);
    return true;
}
FN(make_time)
{
    int64_t t;
    if (!make_clock(ARG_I32(0), ARG_I32(1), ARG_F8(2), &t))
        return CALL_ERROR(cf, ERR_DATETIME_FIELD_OVERFLOW, "time field value out of range: %d:%02d:%02g", ARG_I32(0), ARG_I32(1), ARG_F8(2));
    return datum_i64(t);
}
static bool make_ts(CallFrame *cf, int64_t *out)
{
    int64_t y = ARG_I32(0), clock;
    int m = ARG_I32(1), d = ARG_I32(2);
    int64_t year = y < 0 ? y + 1 : y;
    if (y == 0 || m < 1 || m > 12 || d < 1 || d > days_in_month(year, m)) {
        error_set(cf->err, ERR_DATETIME_FIELD_OVERFLOW, "date field value out of range: %d-%02d-%02d", ARG_I32(0), m, d);
        return false;
    }
    if (!make_clock(ARG_I32(3), ARG_I32(4), ARG_F8(5), &clock)) {
        error_set(cf->err, ERR_DATETIME_FIELD_OVERFLOW, "time field value out of range: %d:%02d:%02g", ARG_I32(3), ARG_I32(4), ARG_F8(5));
        return false;
    }
    __int128 t = (__int128)date_from_civil(year, m, d) * USECS_PER_DAY + clock;
    if (!TIMESTAMP_IN_RANGE(t)) {
        error_set(cf->err, ERR_DATETIME_VALUE_OUT_OF_RANGE, "timestamp out of range: %d-%02d-%02d %d:%02d:%02g", ARG_I32(0), m, d, ARG_I32(3), ARG_I32(4), ARG_F8(5));
        return false;
    }
    *out = (int64_t)t;
    return true;
}
FN(make_timestamp) { int64_t t; return make_ts(cf, &t) ? datum_i64(t) : 0; }
FN(make_timestamptz)
{
    int64_t t;
    if (!make_ts(cf, &t)) return 0;
    return timestamp_to_timestamptz(t, fn_format(cf)->timezone, &t) ? datum_i64(t) : ts_range(cf);
}
FN(make_timestamptz_at_timezone)
{
    int64_t t;
    const TimeZone *tz = NULL;
    int east = 0;
    bool dynamic;
    Slice z = ARG_TEXT(6);
    if (!make_ts(cf, &t)) return 0;
    if (z.len && (z.data[0] == '+' || z.data[0] == '-')) {
        char *text = fn_arg_cstr(cf, 6);
        tz = text ? timezone_setting(arena_printf(cf->arena, "INTERVAL '%s'", strchr(text, ':') ? text : arena_printf(cf->arena, "%s:00", text))) : NULL;
        if (!tz) return CALL_ERROR(cf, ERR_INVALID_PARAMETER_VALUE, "invalid input syntax for type numeric time zone: \"%s\"", text ? text : "");
    } else {
        FTRY(timezone_argument(z, &tz, &east, &dynamic, cf->err));
    }
    if (tz) return timestamp_to_timestamptz(t, tz, &t) ? datum_i64(t) : ts_range(cf);
    t -= east * USECS_PER_SEC;
    return TIMESTAMP_IN_RANGE(t) ? datum_i64(t) : ts_range(cf);
}

/* ---- now ---- */
static int64_t wall_now(void) { return unix_us_to_timestamp(clock_wall_us()); }
FN(now) { return datum_i64(cf->env ? cf->env->txn_start : wall_now()); }
FN(statement_timestamp) { return datum_i64(cf->env ? cf->env->stmt_start : wall_now()); }
FN(clock_timestamp) { return datum_i64(wall_now()); }
FN(timeofday)
{
    DateTime dt;
    ZoneOffset z;
    int64_t t = wall_now();
    timestamptz_to_datetime(t, fn_format(cf)->timezone, &dt, &z);
    int dow = date_dow(date_from_civil(dt.year, dt.month, dt.day));
    return call_return_cstr(cf, arena_printf(cf->arena, "%.3s %.3s %02d %02d:%02d:%02d.%06d %04d %s", datetime_days[dow], datetime_months[dt.month - 1],
                                             dt.day, dt.hour, dt.min, dt.sec, dt.usec, (int)dt.year, z.abbrev));
}
