/* Dates and times to text: DateStyle ISO, SQL, Postgres, German; IntervalStyle postgres, postgres_verbose, sql_standard, iso_8601. */
#include <stdio.h>
#include <stdlib.h>

#include "types/datetime.h"

static char *put_uint(char *p, int64_t v, int width)
{
    char buf[24];
    int n = 0;
    do {
        buf[n++] = (char)('0' + v % 10);
        v /= 10;
    } while (v);
    while (n < width) buf[n++] = '0';
    while (n) *p++ = buf[--n];
    return p;
}

/* ".123" without trailing zeros. */
static char *put_fraction(char *p, int usec)
{
    if (!usec) return p;
    *p++ = '.';
    p = put_uint(p, usec, 6);
    while (p[-1] == '0') p--;
    return p;
}

static char *put_clock(char *p, const DateTime *dt)
{
    p = put_uint(p, dt->hour, 2);
    *p++ = ':';
    p = put_uint(p, dt->min, 2);
    *p++ = ':';
    p = put_uint(p, dt->sec, 2);
    return put_fraction(p, dt->usec);
}

/* "+02", "-03:30"; ISO also for seconds. */
static char *put_offset(char *p, int east)
{
    int a = east < 0 ? -east : east;
    *p++ = east < 0 ? '-' : '+';
    p = put_uint(p, a / 3600, 2);
    if (a % 3600) {
        *p++ = ':';
        p = put_uint(p, a % 3600 / 60, 2);
    }
    if (a % 60) {
        *p++ = ':';
        p = put_uint(p, a % 60, 2);
    }
    return p;
}

static char *put_str(char *p, const char *s, size_t n)
{
    memcpy(p, s, n);
    return p + n;
}

static char *put_date(char *p, const FormatOptions *f, const DateTime *dt)
{
    int64_t year = dt->year > 0 ? dt->year : 1 - dt->year;
    int a = dt->month, b = dt->day;
    char sep = '-';
    if (f->datestyle == DATESTYLE_ISO) {
        p = put_uint(p, year, 4);
        *p++ = '-';
        p = put_uint(p, dt->month, 2);
        *p++ = '-';
        return put_uint(p, dt->day, 2);
    }
    if (f->datestyle == DATESTYLE_GERMAN) sep = '.', a = dt->day, b = dt->month;
    else {
        if (f->datestyle == DATESTYLE_SQL) sep = '/';
        if (f->dateorder == DATEORDER_DMY) a = dt->day, b = dt->month;
    }
    p = put_uint(p, a, 2);
    *p++ = sep;
    p = put_uint(p, b, 2);
    *p++ = sep;
    return put_uint(p, year, 4);
}

static void finish(StrBuf *out, char *buf, char *p, bool bc)
{
    if (bc) p = put_str(p, " BC", 3);
    strbuf_append(out, buf, (size_t)(p - buf));
}

void datetime_print_date(const FormatOptions *f, int32_t date, StrBuf *out)
{
    char buf[64];
    DateTime dt = {0};
    if (!DATE_IS_FINITE(date)) {
        strbuf_str(out, date > 0 ? "infinity" : "-infinity");
        return;
    }
    date_to_civil(date, &dt.year, &dt.month, &dt.day);
    finish(out, buf, put_date(buf, f, &dt), dt.year <= 0);
}

static void split_time(int64_t t, DateTime *dt)
{
    dt->usec = (int)(t % USECS_PER_SEC);
    t /= USECS_PER_SEC;
    dt->hour = (int)(t / 3600);
    dt->min = (int)(t / 60 % 60);
    dt->sec = (int)(t % 60);
}

void datetime_print_time(int64_t time, StrBuf *out)
{
    char buf[64];
    DateTime dt;
    split_time(time, &dt);
    finish(out, buf, put_clock(buf, &dt), false);
}

void datetime_print_timetz(const TimeTz *t, StrBuf *out)
{
    char buf[64];
    DateTime dt;
    split_time(t->time, &dt);
    finish(out, buf, put_offset(put_clock(buf, &dt), -t->zone), false);
}

/* zone NULL: a timestamp without time zone. */
static void print_datetime(const FormatOptions *f, const DateTime *dt, const ZoneOffset *zone, int64_t days, StrBuf *out)
{
    char buf[128], *p = buf;
    bool bc = dt->year <= 0;
    if (f->datestyle == DATESTYLE_POSTGRES) {
        p = put_str(p, datetime_days[date_dow(days)], 3);
        *p++ = ' ';
        const char *month = datetime_months[dt->month - 1];
        if (f->dateorder == DATEORDER_DMY) {
            p = put_uint(p, dt->day, 2);
            *p++ = ' ';
            p = put_str(p, month, 3);
        } else {
            p = put_str(p, month, 3);
            *p++ = ' ';
            p = put_uint(p, dt->day, 2);
        }
        *p++ = ' ';
        p = put_clock(p, dt);
        *p++ = ' ';
        p = put_uint(p, bc ? 1 - dt->year : dt->year, 4);
    } else {
        p = put_date(p, f, dt);
        *p++ = ' ';
        p = put_clock(p, dt);
    }
    if (zone && f->datestyle == DATESTYLE_ISO) {
        p = put_offset(p, zone->seconds_east);
    } else if (zone) {
        size_t n = zone->abbrev ? strlen(zone->abbrev) : 0;
        *p++ = ' ';
        if (n) p = put_str(p, zone->abbrev, n > 32 ? 32 : n);
        else p = put_offset(p, zone->seconds_east);
    }
    finish(out, buf, p, bc);
}

static int64_t day_of(const DateTime *dt) { return date_from_civil(dt->year, dt->month, dt->day); }

void datetime_print_timestamp(const FormatOptions *f, int64_t ts, StrBuf *out)
{
    DateTime dt;
    if (!TIMESTAMP_IS_FINITE(ts)) {
        strbuf_str(out, ts > 0 ? "infinity" : "-infinity");
        return;
    }
    timestamp_to_datetime(ts, &dt);
    print_datetime(f, &dt, NULL, day_of(&dt), out);
}

void datetime_print_timestamptz(const FormatOptions *f, int64_t ts, StrBuf *out)
{
    DateTime dt;
    ZoneOffset zone;
    if (!TIMESTAMP_IS_FINITE(ts)) {
        strbuf_str(out, ts > 0 ? "infinity" : "-infinity");
        return;
    }
    timestamptz_to_datetime(ts, f->timezone, &dt, &zone);
    print_datetime(f, &dt, &zone, day_of(&dt), out);
}

/* ---- intervals ---- */

typedef struct Parts { int64_t year, mon, day, hour, min, sec, usec; } Parts;

static Parts parts_of(const Interval *iv)
{
    int64_t t = iv->time;
    Parts p = {.year = iv->month / 12, .mon = iv->month % 12, .day = iv->day};
    p.hour = t / USECS_PER_HOUR;
    t %= USECS_PER_HOUR;
    p.min = t / USECS_PER_MINUTE;
    t %= USECS_PER_MINUTE;
    p.sec = t / USECS_PER_SEC;
    p.usec = t % USECS_PER_SEC;
    return p;
}

static void seconds_text(StrBuf *out, int64_t sec, int64_t usec, bool fill)
{
    char buf[48];
    strbuf_printf(out, fill ? "%02lld" : "%lld", (long long)llabs(sec));
    char *p = put_fraction(buf, (int)llabs(usec));
    strbuf_append(out, buf, (size_t)(p - buf));
}

typedef struct PgState { bool zero, before; } PgState;

static void pg_part(StrBuf *out, int64_t v, const char *unit, PgState *st)
{
    if (!v) return;
    strbuf_printf(out, "%s%s%lld %s%s", st->zero ? "" : " ", st->before && v > 0 ? "+" : "", (long long)v, unit, v != 1 ? "s" : "");
    st->before = v < 0;
    st->zero = false;
}

static void print_postgres(const Parts *p, StrBuf *out)
{
    PgState st = {true, false};
    pg_part(out, p->year, "year", &st);
    pg_part(out, p->mon, "mon", &st);
    pg_part(out, p->day, "day", &st);
    if (!st.zero && !p->hour && !p->min && !p->sec && !p->usec) return;
    bool minus = p->hour < 0 || p->min < 0 || p->sec < 0 || p->usec < 0;
    strbuf_printf(out, "%s%s%02lld:%02lld:", st.zero ? "" : " ", minus ? "-" : st.before ? "+" : "", (long long)llabs(p->hour),
                  (long long)llabs(p->min));
    seconds_text(out, p->sec, p->usec, true);
}

static void verbose_part(StrBuf *out, int64_t v, const char *unit, PgState *st)
{
    if (!v) return;
    if (st->zero) {
        st->before = v < 0;
        v = llabs(v);
    } else if (st->before) {
        v = -v;
    }
    strbuf_printf(out, " %lld %s%s", (long long)v, unit, v == 1 ? "" : "s");
    st->zero = false;
}

static void print_verbose(const Parts *p, StrBuf *out)
{
    PgState st = {true, false};
    strbuf_char(out, '@');
    verbose_part(out, p->year, "year", &st);
    verbose_part(out, p->mon, "mon", &st);
    verbose_part(out, p->day, "day", &st);
    verbose_part(out, p->hour, "hour", &st);
    verbose_part(out, p->min, "min", &st);
    if (p->sec || p->usec) {
        bool neg = p->sec < 0 || p->usec < 0;
        strbuf_char(out, ' ');
        if (st.zero) st.before = neg;
        else if (neg != st.before) strbuf_char(out, '-');
        seconds_text(out, p->sec, p->usec, false);
        strbuf_printf(out, " sec%s", llabs(p->sec) != 1 || p->usec ? "s" : "");
        st.zero = false;
    }
    if (st.zero) strbuf_str(out, " 0");
    if (st.before) strbuf_str(out, " ago");
}

static void iso_part(StrBuf *out, int64_t v, char unit)
{
    if (v) strbuf_printf(out, "%lld%c", (long long)v, unit);
}

static void print_iso(const Parts *p, StrBuf *out)
{
    if (!p->year && !p->mon && !p->day && !p->hour && !p->min && !p->sec && !p->usec) {
        strbuf_str(out, "PT0S");
        return;
    }
    strbuf_char(out, 'P');
    iso_part(out, p->year, 'Y');
    iso_part(out, p->mon, 'M');
    iso_part(out, p->day, 'D');
    if (p->hour || p->min || p->sec || p->usec) strbuf_char(out, 'T');
    iso_part(out, p->hour, 'H');
    iso_part(out, p->min, 'M');
    if (p->sec || p->usec) {
        if (p->sec < 0 || p->usec < 0) strbuf_char(out, '-');
        seconds_text(out, p->sec, p->usec, false);
        strbuf_char(out, 'S');
    }
}

static void print_sql(const Parts *in, StrBuf *out)
{
    Parts p = *in;
    bool neg = p.year < 0 || p.mon < 0 || p.day < 0 || p.hour < 0 || p.min < 0 || p.sec < 0 || p.usec < 0;
    bool pos = p.year > 0 || p.mon > 0 || p.day > 0 || p.hour > 0 || p.min > 0 || p.sec > 0 || p.usec > 0;
    bool ym = p.year || p.mon, dt = p.day || p.hour || p.min || p.sec || p.usec, day = p.day != 0;
    bool standard = !(neg && pos) && !(ym && dt);
    if (neg && standard) {
        strbuf_char(out, '-');
        p = (Parts){-p.year, -p.mon, -p.day, -p.hour, -p.min, -p.sec, -p.usec};
    }
    if (!neg && !pos) {
        strbuf_char(out, '0');
    } else if (!standard) {
        bool yneg = p.year < 0 || p.mon < 0, tneg = p.hour < 0 || p.min < 0 || p.sec < 0 || p.usec < 0;
        strbuf_printf(out, "%c%lld-%lld %c%lld %c%lld:%02lld:", yneg ? '-' : '+', (long long)llabs(p.year), (long long)llabs(p.mon),
                      p.day < 0 ? '-' : '+', (long long)llabs(p.day), tneg ? '-' : '+', (long long)llabs(p.hour), (long long)llabs(p.min));
        seconds_text(out, p.sec, p.usec, true);
    } else if (ym) {
        strbuf_printf(out, "%lld-%lld", (long long)p.year, (long long)p.mon);
    } else {
        if (day) strbuf_printf(out, "%lld ", (long long)p.day);
        strbuf_printf(out, "%lld:%02lld:", (long long)p.hour, (long long)p.min);
        seconds_text(out, p.sec, p.usec, true);
    }
}

void interval_print(const FormatOptions *f, const Interval *iv, StrBuf *out)
{
    static void (*const styles[])(const Parts *, StrBuf *) = {print_postgres, print_verbose, print_sql, print_iso};
    Parts p = parts_of(iv);
    styles[f->intervalstyle](&p, out);
}
