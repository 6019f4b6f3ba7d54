/* interval arithmetic; timestamp +- interval; age, justify, zones, construction. */
#include <math.h>

#include "functions/fn.h"

static Datum ts_range(CallFrame *cf) { return CALL_ERROR(cf, ERR_DATETIME_VALUE_OUT_OF_RANGE, "timestamp out of range"); }
static Datum iv_range(CallFrame *cf) { return CALL_ERROR(cf, ERR_DATETIME_VALUE_OUT_OF_RANGE, "interval out of range"); }

/* ---- interval and interval ---- */
static bool iv_add(const Interval *a, const Interval *b, Interval *r)
{
    return !__builtin_add_overflow(a->month, b->month, &r->month) && !__builtin_add_overflow(a->day, b->day, &r->day) &&
           !__builtin_add_overflow(a->time, b->time, &r->time);
}
static bool iv_neg(const Interval *a, Interval *r)
{
    if (a->time == INT64_MIN || a->day == INT32_MIN || a->month == INT32_MIN) return false;
    *r = (Interval){-a->time, -a->day, -a->month};
    return true;
}
FN(interval_pl)
{
    Interval a = interval_get(cf->args[0]), b = interval_get(cf->args[1]), r;
    return iv_add(&a, &b, &r) ? fn_return_interval(cf, &r) : iv_range(cf);
}
FN(interval_mi)
{
    Interval a = interval_get(cf->args[0]), b = interval_get(cf->args[1]), r;
    bool ok = !__builtin_sub_overflow(a.month, b.month, &r.month) && !__builtin_sub_overflow(a.day, b.day, &r.day) &&
              !__builtin_sub_overflow(a.time, b.time, &r.time);
    return ok ? fn_return_interval(cf, &r) : iv_range(cf);
}
FN(interval_um)
{
    Interval a = interval_get(cf->args[0]), r;
    return iv_neg(&a, &r) ? fn_return_interval(cf, &r) : iv_range(cf);
}

/* Rounded to microseconds, so that tiny errors of the division do not cascade. */
static double tsround(double x) { return rint(x * 1000000.0) / 1000000.0; }

static Datum iv_scale(CallFrame *cf, const Interval *iv, double factor, bool divide)
{
    Interval r;
    double m = divide ? iv->month / factor : iv->month * factor, d = divide ? iv->day / factor : iv->day * factor;
    if (isnan(m) || m > INT32_MAX || m < INT32_MIN || isnan(d) || d > INT32_MAX || d < INT32_MIN) return iv_range(cf);
    r.month = (int32_t)m;
    r.day = (int32_t)d;
    /* what is left of the months goes into days of a 30-day month, what is left of the days into seconds */
    double month_days = tsround((m - r.month) * 30);
    double sec = (d - r.day) + month_days - (int)month_days;
    sec = tsround(sec * 86400.0);
    if (fabs(sec) >= 86400) {
        r.day += (int)(sec / 86400);
        sec -= (int)(sec / 86400) * 86400.0;
    }
    r.day += (int32_t)month_days;
    double t = rint((divide ? (double)iv->time / factor : (double)iv->time * factor) + sec * (double)USECS_PER_SEC);
    if (isnan(t) || !(t >= -9223372036854775808.0 && t < 9223372036854775808.0)) return iv_range(cf);
    r.time = (int64_t)t;
    return fn_return_interval(cf, &r);
}
FN(interval_mul) { Interval a = interval_get(cf->args[0]); return iv_scale(cf, &a, ARG_F8(1), false); }
FN(mul_d_interval) { Interval a = interval_get(cf->args[1]); return iv_scale(cf, &a, ARG_F8(0), false); }
FN(interval_div)
{
    Interval a = interval_get(cf->args[0]);
    if (ARG_F8(1) == 0) return CALL_ERROR(cf, ERR_DIVISION_BY_ZERO, "division by zero");
    return iv_scale(cf, &a, ARG_F8(1), true);
}
FN(interval_finite) { return datum_bool(true); }
FN(interval_scale)
{
    Interval a = interval_get(cf->args[0]);
    FTRY(interval_apply_typmod(&a, ARG_I32(1), cf->err));
    return fn_return_interval(cf, &a);
}

/* ---- justify ---- */
static bool justify_hours(Interval *r)
{
    int64_t days = r->time / USECS_PER_DAY;
    r->time -= days * USECS_PER_DAY;
    if (days > INT32_MAX || days < INT32_MIN || __builtin_add_overflow(r->day, (int32_t)days, &r->day)) return false;
    if (r->day > 0 && r->time < 0) r->time += USECS_PER_DAY, r->day--;
    else if (r->day < 0 && r->time > 0) r->time -= USECS_PER_DAY, r->day++;
    return true;
}
static bool justify_days(Interval *r)
{
    int32_t months = r->day / 30;
    r->day -= months * 30;
    if (__builtin_add_overflow(r->month, months, &r->month)) return false;
    if (r->month > 0 && r->day < 0) r->day += 30, r->month--;
    else if (r->month < 0 && r->day > 0) r->day -= 30, r->month++;
    return true;
}
FN(interval_justify_hours) { Interval r = interval_get(cf->args[0]); return justify_hours(&r) ? fn_return_interval(cf, &r) : iv_range(cf); }
FN(interval_justify_days) { Interval r = interval_get(cf->args[0]); return justify_days(&r) ? fn_return_interval(cf, &r) : iv_range(cf); }
FN(interval_justify_interval)
{
    Interval r = interval_get(cf->args[0]);
    if ((r.day > 0 && r.time > 0) || (r.day < 0 && r.time < 0)) {
        int32_t months = r.day / 30;
        r.day -= months * 30;
        if (__builtin_add_overflow(r.month, months, &r.month)) return iv_range(cf);
    }
    int64_t days = r.time / USECS_PER_DAY;
    r.time -= days * USECS_PER_DAY;
    if (days > INT32_MAX || days < INT32_MIN || __builtin_add_overflow(r.day, (int32_t)days, &r.day)) return iv_range(cf);
    int32_t months = r.day / 30;
    r.day -= months * 30;
    if (__builtin_add_overflow(r.month, months, &r.month)) return iv_range(cf);
    if (r.month > 0 && (r.day < 0 || (r.day == 0 && r.time < 0))) r.day += 30, r.month--;
    else if (r.month < 0 && (r.day > 0 || (r.day == 0 && r.time > 0))) r.day -= 30, r.month++;
    if (r.day > 0 && r.time < 0) r.time += USECS_PER_DAY, r.day--;
    else if (r.day < 0 && r.time > 0) r.time -= USECS_PER_DAY, r.day++;
    return fn_return_interval(cf, &r);
}

FN(make_interval)
{
    double secs = ARG_F8(6);
    if (isinf(secs) || isnan(secs)) return iv_range(cf);
    int64_t years = ARG_I32(0), months = ARG_I32(1), weeks = ARG_I32(2), days = ARG_I32(3), hours = ARG_I32(4), mins = ARG_I32(5);
    int64_t m = years * 12 + months, d = weeks * 7 + days;
    double t = rint(secs * (double)USECS_PER_SEC);
    if (m != (int32_t)m || d != (int32_t)d || !(fabs(t) < 9e18)) return iv_range(cf);
    int64_t us;
    if (__builtin_add_overflow(hours * USECS_PER_HOUR, mins * USECS_PER_MINUTE, &us) || __builtin_add_overflow(us, (int64_t)t, &us)) return iv_range(cf);
    return fn_return_interval(cf, &(Interval){us, (int32_t)d, (int32_t)m});
}

/* ---- timestamp and interval ---- */
static bool add_months(DateTime *dt, int32_t months)
{
    int64_t m = dt->year * 12 + dt->month - 1 + months;
    dt->year = m >= 0 ? m / 12 : -((11 - m) / 12);
    dt->month = (int)(m - dt->year * 12) + 1;
    int last = days_in_month(dt->year, dt->month);
    if (dt->day > last) dt->day = last;
    return true;
}

static bool add_days(DateTime *dt, int64_t n)
{
    int64_t d = date_from_civil(dt->year, dt->month, dt->day) + n;
    if (d < DATE_MIN || d > 200000000) return false;
    date_to_civil(d, &dt->year, &dt->month, &dt->day);
    return true;
}

/* tz NULL: without time zone. Months, then days on the local calendar, then the time. */
static bool ts_plus(int64_t ts, const Interval *iv, bool zoned, const TimeZone *tz, int64_t *out)
{
    DateTime dt;
    *out = ts;
    if (!TIMESTAMP_IS_FINITE(ts)) return true;
    if (iv->month || iv->day) {
        if (zoned) timestamptz_to_datetime(ts, tz, &dt, NULL);
        else timestamp_to_datetime(ts, &dt);
        if (iv->month && !add_months(&dt, iv->month)) return false;
        if (iv->day && !add_days(&dt, iv->day)) return false;
        if (!(zoned ? datetime_to_timestamptz(&dt, tz, &ts) : datetime_to_timestamp(&dt, &ts))) return false;
    }
    return !__builtin_add_overflow(ts, iv->time, out) && TIMESTAMP_IN_RANGE(*out);
}
static Datum ts_plus_call(CallFrame *cf, int64_t ts, Interval iv, bool zoned, bool minus)
{
    int64_t r;
    Interval n = iv;
    if (minus && !iv_neg(&iv, &n)) return iv_range(cf);
    return ts_plus(ts, &n, zoned, fn_format(cf)->timezone, &r) ? datum_i64(r) : ts_range(cf);
}
FN(timestamp_pl_interval) { return ts_plus_call(cf, ARG_I64(0), interval_get(cf->args[1]), false, false); }
FN(timestamp_mi_interval) { return ts_plus_call(cf, ARG_I64(0), interval_get(cf->args[1]), false, true); }
FN(timestamptz_pl_interval) { return ts_plus_call(cf, ARG_I64(0), interval_get(cf->args[1]), true, false); }
FN(timestamptz_mi_interval) { return ts_plus_call(cf, ARG_I64(0), interval_get(cf->args[1]), true, true); }
FN(sql_interval_pl_timestamp) { return ts_plus_call(cf, ARG_I64(1), interval_get(cf->args[0]), false, false); }
FN(sql_interval_pl_timestamptz) { return ts_plus_call(cf, ARG_I64(1), interval_get(cf->args[0]), true, false); }
static Datum date_plus(CallFrame *cf, int32_t d, Interval iv, bool minus)
{
    int64_t ts;
    if (!fn_date_to_timestamp(cf, d, &ts)) return 0;
    return ts_plus_call(cf, ts, iv, false, minus);
}
FN(date_pl_interval) { return date_plus(cf, ARG_I32(0), interval_get(cf->args[1]), false); }
FN(date_mi_interval) { return date_plus(cf, ARG_I32(0), interval_get(cf->args[1]), true); }
FN(sql_interval_pl_date) { return date_plus(cf, ARG_I32(1), interval_get(cf->args[0]), false); }

FN(timestamp_mi)
{
    int64_t a = ARG_I64(0), b = ARG_I64(1);
    Interval r = {0};
    if (!TIMESTAMP_IS_FINITE(a) || !TIMESTAMP_IS_FINITE(b)) return CALL_ERROR(cf, ERR_DATETIME_VALUE_OUT_OF_RANGE, "cannot subtract infinite timestamps");
    if (__builtin_sub_overflow(a, b, &r.time)) return iv_range(cf);
    justify_hours(&r);
    return fn_return_interval(cf, &r);
}
FN(timestamp_finite) { return datum_bool(TIMESTAMP_IS_FINITE(ARG_I64(0))); }
FN(timestamp_scale) { int64_t t = ARG_I64(0); FTRY(timestamp_round(&t, ARG_I32(1), cf->err)); return datum_i64(t); }
FN(timestamptz_scale) { int64_t t = ARG_I64(0); FTRY(timestamp_round(&t, ARG_I32(1), cf->err)); return datum_i64(t); }

/* ---- RANGE frames ---- */
static Datum in_range_ts(CallFrame *cf, int64_t val, int64_t base, bool zoned)
{
    Interval off = interval_get(cf->args[2]), neg;
    int64_t sum;
    if (interval_span(&off) < 0) return CALL_ERROR(cf, ERR_INVALID_PRECEDING_OR_FOLLOWING_SIZE, "invalid preceding or following size in window function");
    if (!iv_neg(&off, &neg)) return iv_range(cf);
    if (!ts_plus(base, ARG_BOOL(3) ? &neg : &off, zoned, fn_format(cf)->timezone, &sum)) return ts_range(cf);
    return datum_bool(ARG_BOOL(4) ? val <= sum : val >= sum);
}
FN(in_range_timestamp_interval) { return in_range_ts(cf, ARG_I64(0), ARG_I64(1), false); }
FN(in_range_timestamptz_interval) { return in_range_ts(cf, ARG_I64(0), ARG_I64(1), true); }
FN(in_range_date_interval)
{
    int64_t t[2];
    for (int i = 0; i < 2; i++)
        if (!fn_date_to_timestamp(cf, ARG_I32(i), &t[i])) return 0;
    return in_range_ts(cf, t[0], t[1], false);
}
FN(in_range_interval_interval)
{
    Interval v = interval_get(cf->args[0]), b = interval_get(cf->args[1]), o = interval_get(cf->args[2]);
    if (interval_span(&o) < 0) return CALL_ERROR(cf, ERR_INVALID_PRECEDING_OR_FOLLOWING_SIZE, "invalid preceding or following size in window function");
    __int128 sum = ARG_BOOL(3) ? interval_span(&b) - interval_span(&o) : interval_span(&b) + interval_span(&o);
    return datum_bool(ARG_BOOL(4) ? interval_span(&v) <= sum : interval_span(&v) >= sum);
}

/* ---- age ---- */
static Datum age(CallFrame *cf, int64_t a, int64_t b, bool zoned)
{
    DateTime x, y;
    if (!TIMESTAMP_IS_FINITE(a) || !TIMESTAMP_IS_FINITE(b)) return ts_range(cf);
    const TimeZone *tz = fn_format(cf)->timezone;
    if (zoned) timestamptz_to_datetime(a, tz, &x, NULL), timestamptz_to_datetime(b, tz, &y, NULL);
    else timestamp_to_datetime(a, &x), timestamp_to_datetime(b, &y);
    int64_t us = (((x.hour - y.hour) * 60LL + (x.min - y.min)) * 60 + (x.sec - y.sec)) * USECS_PER_SEC + (x.usec - y.usec);
    int64_t day = x.day - y.day, mon = x.month - y.month, year = x.year - y.year;
    bool neg = a < b;
    if (neg) us = -us, day = -day, mon = -mon, year = -year;
    while (us < 0) us += USECS_PER_DAY, day--;
    while (day < 0) {
        day += neg ? days_in_month(x.year, x.month) : days_in_month(y.year, y.month);
        mon--;
    }
    while (mon < 0) mon += 12, year--;
    if (neg) us = -us, day = -day, mon = -mon, year = -year;
    return fn_return_interval(cf, &(Interval){us, (int32_t)day, (int32_t)(year * 12 + mon)});
}
FN(timestamp_age) { return age(cf, ARG_I64(0), ARG_I64(1), false); }
FN(timestamptz_age) { return age(cf, ARG_I64(0), ARG_I64(1), true); }
static int64_t today(CallFrame *cf)
{
    int64_t t = timestamptz_to_timestamp(cf->env ? cf->env->txn_start : fn_format(cf)->now_us, fn_format(cf)->timezone);
    return (t / USECS_PER_DAY - (t % USECS_PER_DAY < 0)) * USECS_PER_DAY;
}
FN(sql_age_timestamp) { return age(cf, today(cf), ARG_I64(0), false); }
FN(sql_age_timestamptz)
{
    int64_t t;
    if (!timestamp_to_timestamptz(today(cf), fn_format(cf)->timezone, &t)) return ts_range(cf);
    return age(cf, t, ARG_I64(0), true);
}

/* ---- zones ---- */
FN(timestamp_timestamptz) { int64_t t; return timestamp_to_timestamptz(ARG_I64(0), fn_format(cf)->timezone, &t) ? datum_i64(t) : ts_range(cf); }
FN(timestamptz_timestamp) { return datum_i64(timestamptz_to_timestamp(ARG_I64(0), fn_format(cf)->timezone)); }

static Datum shift(CallFrame *cf, int64_t t, int64_t seconds)
{
    if (!TIMESTAMP_IS_FINITE(t)) return datum_i64(t);
    if (__builtin_add_overflow(t, seconds * USECS_PER_SEC, &t)) return ts_range(cf);
    return TIMESTAMP_IN_RANGE(t) ? datum_i64(t) : ts_range(cf);
}
static int64_t unix_of(int64_t t) { return t / USECS_PER_SEC + POSTGRES_EPOCH_UNIX_S; }
static bool zone_arg(CallFrame *cf, const TimeZone **tz, int *east, int64_t at, bool local)
{
    bool dynamic;
    ZoneOffset z;
    if (failed(timezone_argument(ARG_TEXT(0), tz, east, &dynamic, cf->err))) return false;
    if (dynamic) {
        int64_t u = unix_of(at);
        if (local) u -= timezone_at_local(*tz, u).seconds_east;
        *east = timezone_abbrev_in_zone(*tz, ARG_TEXT(0), u, &z) ? z.seconds_east : timezone_at(*tz, u).seconds_east;
        *tz = NULL;
    }
    return true;
}
FN(timestamp_zone) /* timestamp AT TIME ZONE x: timestamptz */
{
    const TimeZone *tz;
    int east;
    int64_t t = ARG_I64(1);
    if (!TIMESTAMP_IS_FINITE(t)) return datum_i64(t);
    if (!zone_arg(cf, &tz, &east, t, true)) return 0;
    if (!tz) return shift(cf, t, -east);
    return timestamp_to_timestamptz(t, tz, &t) ? datum_i64(t) : ts_range(cf);
}
FN(timestamptz_zone)
{
    const TimeZone *tz;
    int east;
    int64_t t = ARG_I64(1);
    if (!TIMESTAMP_IS_FINITE(t)) return datum_i64(t);
    if (!zone_arg(cf, &tz, &east, t, false)) return 0;
    return tz ? datum_i64(timestamptz_to_timestamp(t, tz)) : shift(cf, t, east);
}
static bool zone_interval(CallFrame *cf, int64_t *seconds)
{
    Interval iv = interval_get(cf->args[0]);
    StrBuf sb;
    *seconds = iv.time / USECS_PER_SEC;
    if (!iv.month && !iv.day) return true;
    strbuf_init(&sb, cf->arena);
    interval_print(fn_format(cf), &iv, &sb);
    error_set(cf->err, ERR_INVALID_PARAMETER_VALUE, "interval time zone \"%s\" must not include months or days", strbuf_cstr(&sb));
    return false;
}
FN(timestamp_izone) { int64_t s; return zone_interval(cf, &s) ? shift(cf, ARG_I64(1), -s) : 0; }
FN(timestamptz_izone) { int64_t s; return zone_interval(cf, &s) ? shift(cf, ARG_I64(1), s) : 0; }

FN(float8_timestamptz)
{
    double s = ARG_F8(0);
    if (isnan(s)) return CALL_ERROR(cf, ERR_DATETIME_VALUE_OUT_OF_RANGE, "timestamp cannot be NaN");
    if (isinf(s)) return datum_i64(s > 0 ? TIMESTAMP_INFINITY : TIMESTAMP_NEG_INFINITY);
    double t = rint((s - (double)POSTGRES_EPOCH_UNIX_S) * 1e6);
    if (!(t >= (double)TIMESTAMP_MIN && t < (double)TIMESTAMP_END)) return CALL_ERROR(cf, ERR_DATETIME_VALUE_OUT_OF_RANGE, "timestamp out of range: \"%g\"", s);
    return datum_i64((int64_t)t);
}

/* ---- OVERLAPS: (s1, e1) and (s2, e2), each end possibly null, SQL's three-valued answer ---- */
typedef struct Span { int64_t v[2]; bool null[2]; } Span;
static Datum overlaps(CallFrame *cf, Span a, Span b)
{
    Span s[2] = {a, b};
    for (int i = 0; i < 2; i++) {
        if (s[i].null[0] && s[i].null[1]) RETURN_NULL();
        if (s[i].null[0] || (!s[i].null[1] && s[i].v[0] > s[i].v[1])) { /* the one that is known, or the smaller, first */
            int64_t v = s[i].v[0];
            bool n = s[i].null[0];
            s[i].v[0] = s[i].v[1], s[i].null[0] = s[i].null[1];
            s[i].v[1] = v, s[i].null[1] = n;
        }
    }
    if (s[0].v[0] == s[1].v[0]) {
        if (s[0].null[1] || s[1].null[1]) RETURN_NULL();
        return datum_bool(true);
    }
    int first = s[0].v[0] < s[1].v[0] ? 0 : 1;
    if (s[first].null[1]) RETURN_NULL();
    if (s[1 - first].v[0] < s[first].v[1]) return datum_bool(true);
    if (s[1 - first].null[1]) RETURN_NULL();
    return datum_bool(false);
}
static Span span(CallFrame *cf, int i, bool is_interval, bool zoned, bool time)
{
    Span s = {{0, 0}, {cf->nulls[i], cf->nulls[i + 1]}};
    if (!s.null[0]) s.v[0] = ARG_I64(i);
    if (s.null[1]) return s;
    if (!is_interval) {
        s.v[1] = ARG_I64(i + 1);
    } else if (s.null[0]) {
        s.null[1] = true;
    } else {
        Interval iv = interval_get(cf->args[i + 1]);
        if (time) s.v[1] = ((s.v[0] + iv.time) % USECS_PER_DAY + USECS_PER_DAY) % USECS_PER_DAY;
        else if (!ts_plus(s.v[0], &iv, zoned, fn_format(cf)->timezone, &s.v[1])) ts_range(cf);
    }
    return s;
}
#define OVERLAPS(name, i1, i2, zoned, time)                                                \
    FN(name)                                                                               \
    {                                                                                      \
        Span a = span(cf, 0, i1, zoned, time), b = span(cf, 2, i2, zoned, time);           \
        return fn_ok(cf) ? overlaps(cf, a, b) : 0;                                         \
    }
OVERLAPS(overlaps_timestamp, false, false, false, false)
OVERLAPS(overlaps_time, false, false, false, true)
OVERLAPS(sql_overlaps_tz_ii, true, true, true, false)
OVERLAPS(sql_overlaps_tz_ti, false, true, true, false)
OVERLAPS(sql_overlaps_tz_it, true, false, true, false)
OVERLAPS(sql_overlaps_ts_ii, true, true, false, false)
OVERLAPS(sql_overlaps_ts_ti, false, true, false, false)
OVERLAPS(sql_overlaps_ts_it, true, false, false, false)
OVERLAPS(sql_overlaps_time_ii, true, true, false, true)
OVERLAPS(sql_overlaps_time_ti, false, true, false, true)
OVERLAPS(sql_overlaps_time_it, true, false, false, true)
FN(overlaps_timetz)
{
    Span s[2];
    for (int i = 0; i < 4; i++) {
        s[i / 2].null[i % 2] = cf->nulls[i];
        if (cf->nulls[i]) continue;
        TimeTz z = timetz_get(cf->args[i]);
        s[i / 2].v[i % 2] = z.time + z.zone * USECS_PER_SEC;
    }
    return overlaps(cf, s[0], s[1]);
}
