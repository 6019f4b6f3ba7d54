/* Interval input: PostgreSQL's verbose and SQL-standard forms, read from right to left because units follow their numbers, and ISO 8601. */
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "types/datetime_internal.h"

typedef struct UnitName { char name[12]; uint8_t kind, unit; } UnitName;
static const UnitName units[] = { /* sorted; 10 characters count */
    {"@", WORD_IGNORE, 0}, {"ago", WORD_AGO, 0}, {"c", WORD_UNIT, UNIT_CENTURY}, {"cent", WORD_UNIT, UNIT_CENTURY},
    {"centuries", WORD_UNIT, UNIT_CENTURY}, {"century", WORD_UNIT, UNIT_CENTURY}, {"d", WORD_UNIT, UNIT_DAY}, {"day", WORD_UNIT, UNIT_DAY},
    {"days", WORD_UNIT, UNIT_DAY}, {"dec", WORD_UNIT, UNIT_DECADE}, {"decade", WORD_UNIT, UNIT_DECADE}, {"decades", WORD_UNIT, UNIT_DECADE},
    {"decs", WORD_UNIT, UNIT_DECADE}, {"h", WORD_UNIT, UNIT_HOUR}, {"hour", WORD_UNIT, UNIT_HOUR}, {"hours", WORD_UNIT, UNIT_HOUR},
    {"hr", WORD_UNIT, UNIT_HOUR}, {"hrs", WORD_UNIT, UNIT_HOUR}, {"m", WORD_UNIT, UNIT_MINUTE}, {"microsecon", WORD_UNIT, UNIT_MICROSEC},
    {"mil", WORD_UNIT, UNIT_MILLENNIUM}, {"millennia", WORD_UNIT, UNIT_MILLENNIUM}, {"millennium", WORD_UNIT, UNIT_MILLENNIUM},
    {"millisecon", WORD_UNIT, UNIT_MILLISEC}, {"mils", WORD_UNIT, UNIT_MILLENNIUM}, {"min", WORD_UNIT, UNIT_MINUTE},
    {"mins", WORD_UNIT, UNIT_MINUTE}, {"minute", WORD_UNIT, UNIT_MINUTE}, {"minutes", WORD_UNIT, UNIT_MINUTE}, {"mon", WORD_UNIT, UNIT_MONTH},
    {"mons", WORD_UNIT, UNIT_MONTH}, {"month", WORD_UNIT, UNIT_MONTH}, {"months", WORD_UNIT, UNIT_MONTH}, {"ms", WORD_UNIT, UNIT_MILLISEC},
    {"msec", WORD_UNIT, UNIT_MILLISEC}, {"mseconds", WORD_UNIT, UNIT_MILLISEC}, {"msecs", WORD_UNIT, UNIT_MILLISEC},
{"s", WORD_UNIT, UNIT_SECOND}, {"sec", WORD_UNIT, UNIT_SECOND},
    {"second", WORD_UNIT, UNIT_SECOND}, {"seconds", WORD_UNIT, UNIT_SECOND}, {"secs", WORD_UNIT, UNIT_SECOND}, {"us", WORD_UNIT, UNIT_MICROSEC},
    {"usec", WORD_UNIT, UNIT_MICROSEC}, {"useconds", WORD_UNIT, UNIT_MICROSEC}, {"usecs", WORD_UNIT, UNIT_MICROSEC}, {"w", WORD_UNIT, UNIT_WEEK},
    {"week", WORD_UNIT, UNIT_WEEK}, {"weeks", WORD_UNIT, UNIT_WEEK}, {"y", WORD_UNIT, UNIT_YEAR}, {"year", WORD_UNIT, UNIT_YEAR},
    {"years", WORD_UNIT, UNIT_YEAR}, {"yr", WORD_UNIT, UNIT_YEAR}, {"yrs", WORD_UNIT, UNIT_YEAR}};

static int cmp_unit(const void *key, const void *row) { return strncmp(key, ((const UnitName *)row)->name, 10); }

WordKind interval_word(const char *word, int *value)
{
    const UnitName *u = bsearch(word, units, sizeof units / sizeof units[0], sizeof units[0], cmp_unit);
    if (!u) return WORD_UNKNOWN;
    *value = u->unit;
    return u->kind;
}

typedef struct Acc { int64_t usec, year; int32_t day, month; } Acc;

static bool add_usec(Acc *a, int64_t v, int64_t scale)
{
    int64_t p;
    return !__builtin_mul_overflow(v, scale, &p) && !__builtin_add_overflow(a->usec, p, &a->usec);
}
static bool add_usec_fraction(Acc *a, double frac, int64_t scale)
{
    if (frac == 0) return true;
    frac *= (double)scale;
    int64_t whole = (int64_t)frac;
    frac -= (double)whole;
    if (frac > 0.5) whole++;
    else if (frac < -0.5) whole--;
    return !__builtin_add_overflow(a->usec, whole, &a->usec);
}
static bool add_days(Acc *a, int64_t v, int scale)
{
    int32_t p;
    return v >= INT32_MIN && v <= INT32_MAX && !__builtin_mul_overflow((int32_t)v, scale, &p) && !__builtin_add_overflow(a->day, p, &a->day);
}
static bool add_day_fraction(Acc *a, double frac, int scale)
{
    if (frac == 0) return true;
    frac *= scale;
    int extra = (int)frac;
    return !__builtin_add_overflow(a->day, extra, &a->day) && add_usec_fraction(a, frac - extra, USECS_PER_DAY);
}
static bool add_months(Acc *a, int64_t v, int scale)
{
    int32_t p;
    return v >= INT32_MIN && v <= INT32_MAX && !__builtin_mul_overflow((int32_t)v, scale, &p) && !__builtin_add_overflow(a->month, p, &a->month);
}
static bool add_years(Acc *a, int64_t v, int scale)
{
    int64_t p;
    return !__builtin_mul_overflow(v, (int64_t)scale, &p) && !__builtin_add_overflow(a->year, p, &a->year) && a->year <= INT32_MAX && a->year >= INT32_MIN;
}
static bool add_year_fraction(Acc *a, double frac, int scale)
{
    int32_t extra = (int32_t)rint(frac * scale * 12);
    return !__builtin_add_overflow(a->month, extra, &a->month);
}

/* v + frac of a unit. */
static bool add_unit(Acc *a, int unit, int64_t v, double frac)
{
    switch (unit) {
    case UNIT_MICROSEC: return add_usec(a, v, 1) && add_usec_fraction(a, frac, 1);
    case UNIT_MILLISEC: return add_usec(a, v, 1000) && add_usec_fraction(a, frac, 1000);
    case UNIT_SECOND: return add_usec(a, v, USECS_PER_SEC) && add_usec_fraction(a, frac, USECS_PER_SEC);
    case UNIT_MINUTE: return add_usec(a, v, USECS_PER_MINUTE) && add_usec_fraction(a, frac, USECS_PER_MINUTE);
    case UNIT_HOUR: return add_usec(a, v, USECS_PER_HOUR) && add_usec_fraction(a, frac, USECS_PER_HOUR);
    case UNIT_DAY: return add_days(a, v, 1) && add_usec_fraction(a, frac, USECS_PER_DAY);
    case UNIT_WEEK: return add_days(a, v, 7) && add_day_fraction(a, frac, 7);
    case UNIT_MONTH: return add_months(a, v, 1) && add_day_fraction(a, frac, 30);
    case UNIT_QUARTER: return add_months(a, v, 3) && add_day_fraction(a, frac, 90);
    case UNIT_YEAR: return add_years(a, v, 1) && add_year_fraction(a, frac, 1);
    case UNIT_DECADE: return add_years(a, v, 10) && add_year_fraction(a, frac, 10);
    case UNIT_CENTURY: return add_years(a, v, 100) && add_year_fraction(a, frac, 100);
    case UNIT_MILLENNIUM: return add_years(a, v, 1000) && add_year_fraction(a, frac, 1000);
    default: return false;
    }
}

static bool scan_i64(const char *p, const char **end, int64_t *out)
{
    char *stop;
    errno = 0;
    *out = strtoll(p, &stop, 10);
    *end = stop;
    return errno == 0;
}

static bool fraction_value(const char *p, double *out)
{
    char *end;
    if (!p[1]) {
        *out = 0;
        return true;
    }
    if (!isdigit((unsigned char)p[1])) return false;
    errno = 0;
    *out = strtod(p, &end);
    return !*end && !errno;
}

/* hh:mm[:ss[.f]] or, for MINUTE TO SECOND and with a fraction, mm:ss[.f]. Unsigned text. */
static DtResult interval_clock(const char *s, int range, int64_t *usec)
{
    const char *p;
    int64_t h, m;
    int sec = 0, min, frac = 0;
    if (!scan_i64(s, &p, &h)) return DT_FIELD_OVERFLOW;
    if (*p != ':') return DT_BAD_FORMAT;
    if (!scan_int(p + 1, &p, &min)) return DT_FIELD_OVERFLOW;
    bool min_sec = range == (INTERVAL_MASK(INTERVAL_BIT_MINUTE) | INTERVAL_MASK(INTERVAL_BIT_SECOND));
    if (*p == '.' || (!*p && min_sec)) {
        if (*p && !scan_fraction(p, &frac)) return DT_BAD_FORMAT;
        if (h > INT32_MAX) return DT_FIELD_OVERFLOW;
        sec = min;
        min = (int)h;
        h = 0;
    } else if (*p == ':') {
        if (!scan_int(p + 1, &p, &sec)) return DT_FIELD_OVERFLOW;
        if (*p && (*p != '.' || !scan_fraction(p, &frac))) return DT_BAD_FORMAT;
    } else if (*p) {
        return DT_BAD_FORMAT;
    }
    if (h < 0 || min < 0 || min > 59 || sec < 0 || sec > 60) return DT_FIELD_OVERFLOW;
    if (__builtin_mul_overflow(h, USECS_PER_HOUR, &m)) return DT_FIELD_OVERFLOW;
    if (__builtin_add_overflow(m, min * USECS_PER_MINUTE + sec * USECS_PER_SEC + frac, usec)) return DT_FIELD_OVERFLOW;
    return DT_OK;
}

static int default_unit(int range)
{
    enum { Y = INTERVAL_MASK(INTERVAL_BIT_YEAR), MO = INTERVAL_MASK(INTERVAL_BIT_MONTH), D = INTERVAL_MASK(INTERVAL_BIT_DAY),
           H = INTERVAL_MASK(INTERVAL_BIT_HOUR), MI = INTERVAL_MASK(INTERVAL_BIT_MINUTE) };
    switch (range) {
    case Y: return UNIT_YEAR;
    case MO: case Y | MO: return UNIT_MONTH;
    case D: return UNIT_DAY;
    case H: case D | H: return UNIT_HOUR;
    case MI: case H | MI: case D | H | MI: return UNIT_MINUTE;
    default: return UNIT_SECOND;
    }
}

typedef struct Reader { Acc acc; unsigned have; int unit, range; bool ago, force_negative, unit_waits; } Reader;

static DtResult read_number(Reader *r, const char *s)
{
    const char *p;
    int64_t v;
    double frac = 0;
    if (r->unit == UNIT_NONE) r->unit = default_unit(r->range);
    if (!scan_i64(s, &p, &v)) return DT_FIELD_OVERFLOW;
    bool neg = *s == '-';
    if (*p == '-') { /* years-months */
        int months;
        if (!scan_int(p + 1, &p, &months) || months < 0 || months >= 12) return DT_FIELD_OVERFLOW;
        if (*p) return DT_BAD_FORMAT;
        r->unit = UNIT_MONTH;
        if (neg) months = -months;
        if (__builtin_mul_overflow(v, (int64_t)12, &v) || __builtin_add_overflow(v, (int64_t)months, &v)) return DT_FIELD_OVERFLOW;
    } else if (*p == '.') {
        if (!fraction_value(p, &frac)) return DT_BAD_FORMAT;
        if (neg) frac = -frac;
    } else if (*p) {
        return DT_BAD_FORMAT;
    }
    if (r->force_negative) {
        if (v > 0) v = -v;
        if (frac > 0) frac = -frac;
    }
    if (!add_unit(&r->acc, r->unit, v, frac)) return DT_FIELD_OVERFLOW;
    unsigned mask = 1u << r->unit;
    /* seconds, milliseconds and microseconds may stand together, but not twice each */
    if (r->have & mask) return DT_BAD_FORMAT;
    r->have |= mask;
    r->unit_waits = false;
    return DT_OK;
}

enum { CLOCK_MASK = 1u << UNIT_HOUR | 1u << UNIT_MINUTE | 1u << UNIT_SECOND | 1u << UNIT_MILLISEC | 1u << UNIT_MICROSEC };

static DtResult read_clock(Reader *r, const char *s, bool negative)
{
    int64_t us;
    DtResult res = interval_clock(s, r->range, &us);
    if (res) return res;
    if (r->have & CLOCK_MASK) return DT_BAD_FORMAT;
    if (negative || r->force_negative) us = -us;
    if (__builtin_add_overflow(r->acc.usec, us, &r->acc.usec)) return DT_FIELD_OVERFLOW;
    r->have |= CLOCK_MASK;
    r->unit = UNIT_DAY; /* '1 02:03': a number to the left is days */
    r->unit_waits = false;
    return DT_OK;
}

static DtResult read_field(Reader *r, FieldKind kind, const char *s)
{
    int v;
    switch (kind) {
    case FIELD_TIME: return read_clock(r, s, false);
    case FIELD_ZONE:
        if (strchr(s + 1, ':')) return read_clock(r, s + 1, *s == '-');
        return read_number(r, s);
    case FIELD_DATE: case FIELD_NUMBER: return read_number(r, s);
    default: break;
    }
    switch (interval_word(s, &v)) {
    case WORD_IGNORE: return DT_OK;
    case WORD_UNIT:
        if (r->unit_waits) return DT_BAD_FORMAT;
        r->unit = v;
        r->unit_waits = true;
        return DT_OK;
    case WORD_AGO:
        if (r->unit != UNIT_NONE || r->have) return DT_BAD_FORMAT; /* only at the end */
        r->ago = true;
        return DT_OK;
    default: return DT_BAD_FORMAT;
    }
}

static DtResult read_words(const FormatOptions *f, Slice text, Reader *r)
{
    Fields fields;
    DtResult res = fields_split(text, &fields);
    if (res) return res;
    if (fields.n == 0) return DT_BAD_FORMAT;
    if (f->intervalstyle == INTERVALSTYLE_SQL && fields.text[0][0] == '-') { /* one leading minus is for all, unless others have signs */
        bool more = false;
        for (int i = 1; i < fields.n; i++) more |= fields.text[i][0] == '-' || fields.text[i][0] == '+';
        r->force_negative = !more;
    }
    for (int i = fields.n - 1; i >= 0; i--)
        if ((res = read_field(r, fields.kind[i], fields.text[i]))) return res;
    return r->have && !r->unit_waits ? DT_OK : DT_BAD_FORMAT;
}

/* P1Y2M3DT4H5M6.7S, P0001-02-03T04:05:06, P1W */
static DtResult read_iso(const char *s, Reader *r)
{
    bool time = false;
    if (*s++ != 'P' || !*s) return DT_BAD_FORMAT;
    while (*s) {
        char *end;
        if (*s == 'T') {
            time = true;
            s++;
            r->have |= 1; /* "PT" is zero */
            continue;
        }
        if (!isdigit((unsigned char)*s) && *s != '-' && *s != '+' && *s != '.') return DT_BAD_FORMAT;
        const char *start = s;
        errno = 0;
        double d = strtod(s, &end);
        int64_t v = strtoll(s, NULL, 10);
        if (end == s || errno || fabs(d) > 9e18) return DT_FIELD_OVERFLOW;
        double frac = d - (double)v;
        s = end;
        char u = *s;
        if (u == '-' || (u == ':' && time) || !u || u == 'T') { /* the alternative form */
            int mo = 0, day = 0;
            if (!time) {
                if (r->have) return DT_BAD_FORMAT;
                const char *p = start;
                int64_t year;
                if (!u || u == 'T') {
                    size_t len = strspn(start, "0123456789");
                    if (len == 8) { /* YYYYMMDD */
                        if (!add_years(&r->acc, v / 10000, 1) || !add_months(&r->acc, v / 100 % 100, 1) || !add_days(&r->acc, v % 100, 1))
                            return DT_FIELD_OVERFLOW;
                    } else if (!add_unit(&r->acc, UNIT_YEAR, v, frac)) {
                        return DT_FIELD_OVERFLOW;
                    }
                } else {
                    if (!scan_i64(p, &p, &year) || *p != '-' || !scan_int(p + 1, &p, &mo)) return DT_BAD_FORMAT;
                    if (*p == '-' && !scan_int(p + 1, &p, &day)) return DT_BAD_FORMAT;
                    if (!add_years(&r->acc, year, 1) || !add_months(&r->acc, mo, 1) || !add_days(&r->acc, day, 1)) return DT_FIELD_OVERFLOW;
                    s = p;
                }
                r->have |= 1;
                if (*s && *s != 'T') return DT_BAD_FORMAT;
                continue;
            }
            int64_t us = 0;
            size_t len = strspn(start, "0123456789");
            if (u == ':') {
                bool neg = *start == '-';
                if (interval_clock(start + neg, INTERVAL_FULL_RANGE, &us)) return DT_BAD_FORMAT;
                if (neg) us = -us;
            } else if (len == 6) {
                us = (v / 10000) * USECS_PER_HOUR + (v / 100 % 100) * USECS_PER_MINUTE + (v % 100) * USECS_PER_SEC;
            } else {
                if (!add_unit(&r->acc, UNIT_HOUR, v, frac)) return DT_FIELD_OVERFLOW;
            }
            if (__builtin_add_overflow(r->acc.usec, us, &r->acc.usec)) return DT_FIELD_OVERFLOW;
            r->have |= 1;
            return DT_OK;
        }
        int unit = UNIT_NONE;
        if (time) unit = u == 'H' ? UNIT_HOUR : u == 'M' ? UNIT_MINUTE : u == 'S' ? UNIT_SECOND : UNIT_NONE;
        else unit = u == 'Y' ? UNIT_YEAR : u == 'M' ? UNIT_MONTH : u == 'W' ? UNIT_WEEK : u == 'D' ? UNIT_DAY : UNIT_NONE;
        if (unit == UNIT_NONE) return DT_BAD_FORMAT;
        s++;
        if (!add_unit(&r->acc, unit, v, frac)) return DT_FIELD_OVERFLOW;
        r->have |= 1u << unit;
    }
    return r->have ? DT_OK : DT_BAD_FORMAT;
}

STATUS interval_parse(const FormatOptions *f, Slice text, int32_t typmod, Interval *out, Error *err)
{
    Reader r = {.range = interval_typmod_range(typmod)};
    char iso[128];
    DtResult res = read_words(f, text, &r);
    if (res == DT_BAD_FORMAT && text.len && text.len < sizeof iso) {
        Slice t = text;
        while (t.len && isspace(t.data[0])) t.data++, t.len--;
        while (t.len && isspace(t.data[t.len - 1])) t.len--;
        memcpy(iso, t.data, t.len);
        iso[t.len] = 0;
        if (iso[0] == 'P') {
            r = (Reader){.range = r.range};
            res = read_iso(iso, &r);
        }
    }
    int64_t months = (int64_t)r.acc.month + r.acc.year * 12;
    if (!res && (months < INT32_MIN || months > INT32_MAX)) return interval_out_of_range(err);
    if (res == DT_FIELD_OVERFLOW) res = DT_INTERVAL_OVERFLOW;
    TRY(datetime_error(res, text, "interval", err));
    *out = (Interval){r.acc.usec, r.acc.day, (int32_t)months};
    if (r.ago) {
        if (out->time == INT64_MIN || out->day == INT32_MIN || out->month == INT32_MIN) return datetime_error(DT_INTERVAL_OVERFLOW, text, "interval", err);
        *out = (Interval){-out->time, -out->day, -out->month};
    }
    return interval_apply_typmod(out, typmod, err);
}
