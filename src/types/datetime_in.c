/* Date and time input. A text is split into fields; each field fills in some of year, month, day, hour, minute, second and zone, by its
 * shape, by DateOrder and by what is known already. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "types/datetime_internal.h"

/* ---- words ---- */

typedef struct Word { char name[12]; uint8_t kind; int8_t value; } Word;

static const Word words[] = { /* sorted */
    {"+infinity", WORD_SPECIAL, SPECIAL_INFINITY}, {"-infinity", WORD_SPECIAL, SPECIAL_NEG_INFINITY}, {"ad", WORD_ADBC, 0},
    {"allballs", WORD_SPECIAL, SPECIAL_ALLBALLS}, {"am", WORD_AMPM, 0}, {"apr", WORD_MONTH, 4}, {"april", WORD_MONTH, 4},
    {"at", WORD_IGNORE, 0}, {"aug", WORD_MONTH, 8}, {"august", WORD_MONTH, 8}, {"bc", WORD_ADBC, 1}, {"d", WORD_UNIT, UNIT_DAY},
    {"dec", WORD_MONTH, 12}, {"december", WORD_MONTH, 12}, {"dow", WORD_UNIT, UNIT_DOW}, {"doy", WORD_UNIT, UNIT_DOY}, {"dst", WORD_DSTMOD, 1},
    {"epoch", WORD_SPECIAL, SPECIAL_EPOCH}, {"feb", WORD_MONTH, 2}, {"february", WORD_MONTH, 2}, {"fri", WORD_DOW, 5}, {"friday", WORD_DOW, 5},
    {"h", WORD_UNIT, UNIT_HOUR}, {"infinity", WORD_SPECIAL, SPECIAL_INFINITY}, {"isodow", WORD_UNIT, UNIT_ISODOW},
    {"isoyear", WORD_UNIT, UNIT_ISOYEAR}, {"j", WORD_UNIT, UNIT_JULIAN}, {"jan", WORD_MONTH, 1}, {"january", WORD_MONTH, 1},
    {"jd", WORD_UNIT, UNIT_JULIAN}, {"jul", WORD_MONTH, 7}, {"julian", WORD_UNIT, UNIT_JULIAN}, {"july", WORD_MONTH, 7}, {"jun", WORD_MONTH, 6},
    {"june", WORD_MONTH, 6}, {"m", WORD_UNIT, UNIT_MONTH}, {"mar", WORD_MONTH, 3}, {"march", WORD_MONTH, 3}, {"may", WORD_MONTH, 5},
    {"mm", WORD_UNIT, UNIT_MINUTE}, {"mon", WORD_DOW, 1}, {"monday", WORD_DOW, 1}, {"nov", WORD_MONTH, 11}, {"november", WORD_MONTH, 11},
    {"now", WORD_SPECIAL, SPECIAL_NOW}, {"oct", WORD_MONTH, 10}, {"october", WORD_MONTH, 10}, {"on", WORD_IGNORE, 0}, {"pm", WORD_AMPM, 1},
    {"s", WORD_UNIT, UNIT_SECOND}, {"sat", WORD_DOW, 6}, {"saturday", WORD_DOW, 6}, {"sep", WORD_MONTH, 9}, {"sept", WORD_MONTH, 9},
    {"september", WORD_MONTH, 9}, {"sun", WORD_DOW, 0}, {"sunday", WORD_DOW, 0}, {"t", WORD_ISOTIME, 0}, {"thu", WORD_DOW, 4},
    {"thur", WORD_DOW, 4}, {"thurs", WORD_DOW, 4}, {"thursday", WORD_DOW, 4}, {"today", WORD_SPECIAL, SPECIAL_TODAY},
    {"tomorrow", WORD_SPECIAL, SPECIAL_TOMORROW}, {"tue", WORD_DOW, 2}, {"tues", WORD_DOW, 2}, {"tuesday", WORD_DOW, 2}, {"wed", WORD_DOW, 3},
    {"wednesday", WORD_DOW, 3}, {"weds", WORD_DOW, 3}, {"y", WORD_UNIT, UNIT_YEAR}, {"yesterday", WORD_SPECIAL, SPECIAL_YESTERDAY}};

static int cmp_word(const void *key, const void *row) { return strncmp(key, ((const Word *)row)->name, 10); }

WordKind datetime_word(const char *word, int *value)
{
    const Word *w = bsearch(word, words, sizeof words / sizeof words[0], sizeof words[0], cmp_word);
    if (!w) return WORD_UNKNOWN;
    *value = w->value;
    return w->kind;
}

/* ---- fields ---- */

typedef struct Splitter { const char *p, *end; char *out, *out_end; bool full; } Splitter;

static int peek(const Splitter *s) { return s->p < s->end ? (unsigned char)*s->p : 0; }
static void take(Splitter *s)
{
    if (s->out >= s->out_end - 1) s->full = true;
    else *s->out++ = (char)tolower((unsigned char)*s->p);
    s->p++;
}
static void take_digits(Splitter *s) { while (isdigit(peek(s))) take(s); }

static FieldKind split_number(Splitter *s)
{
    take_digits(s);
    int delim = peek(s);
    if (delim == ':') {
        while (isdigit(peek(s)) || peek(s) == ':' || peek(s) == '.') take(s);
        return FIELD_TIME;
    }
    if (delim != '-' && delim != '/' && delim != '.') return FIELD_NUMBER;
    take(s);
    if (isdigit(peek(s))) {
        FieldKind kind = delim == '.' ? FIELD_NUMBER : FIELD_DATE;
        take_digits(s);
        if (peek(s) == delim) {
            kind = FIELD_DATE;
            while (isdigit(peek(s)) || peek(s) == delim) take(s);
        }
        return kind;
    }
    while (isalnum(peek(s)) || peek(s) == delim) take(s);
    return FIELD_DATE;
}

static FieldKind split_word(Splitter *s, char *start)
{
    int value;
    while (isalpha(peek(s))) take(s);
    bool date = peek(s) == '-' || peek(s) == '/' || peek(s) == '.';
    if (!date && (peek(s) == '+' || isdigit(peek(s)))) {
        *s->out = 0;
        date = datetime_word(start, &value) == WORD_UNKNOWN;
    }
    if (!date) return FIELD_WORD;
    while (isalnum(peek(s)) || (peek(s) && strchr("+-/_.:", peek(s)))) take(s);
    return FIELD_DATE;
}

static bool split_one(Splitter *s, FieldKind *kind)
{
    char *start = s->out;
    int c = peek(s);
    if (isdigit(c)) {
        *kind = split_number(s);
    } else if (c == '.') {
        take(s);
        take_digits(s);
        *kind = FIELD_NUMBER;
    } else if (isalpha(c)) {
        *kind = split_word(s, start);
    } else if (c == '+' || c == '-') {
        take(s);
        while (isspace(peek(s))) s->p++;
        if (isdigit(peek(s))) {
            while (isdigit(peek(s)) || (peek(s) && strchr(":.-", peek(s)))) take(s);
            *kind = FIELD_ZONE;
        } else if (isalpha(peek(s))) {
            while (isalpha(peek(s))) take(s);
            *kind = FIELD_SPECIAL;
        } else {
            return false;
        }
    } else {
        return false;
    }
    return true;
}

DtResult fields_split(Slice text, Fields *f)
{
    Splitter s = {(const char *)text.data, (const char *)text.data + text.len, f->buf, f->buf + sizeof f->buf, false};
    f->n = 0;
    while (s.p < s.end) {
        int c = (unsigned char)*s.p;
        if (isspace(c)) {
            s.p++;
            continue;
        }
        if (ispunct(c) && c != '.' && c != '+' && c != '-') {
            s.p++;
            continue;
        }
        if (f->n == MAX_FIELDS) return DT_BAD_FORMAT;
        f->text[f->n] = s.out;
        if (!split_one(&s, &f->kind[f->n]) || s.full || s.out >= s.out_end - 1) return DT_BAD_FORMAT;
        *s.out++ = 0;
        f->n++;
    }
    return DT_OK;
}

bool scan_int(const char *p, const char **end, int *out)
{
    char *stop;
    errno = 0;
    long v = strtol(p, &stop, 10);
    *end = stop;
    *out = (int)v;
    return errno == 0 && v >= INT32_MIN && v <= INT32_MAX;
}

bool scan_fraction(const char *p, int *usec)
{
    char *end;
    errno = 0;
    if (*p != '.' ) return false;
    if (!p[1]) {
        *usec = 0;
        return true;
    }
    if (!isdigit((unsigned char)p[1])) return false;
    double frac = strtod(p, &end);
    if (*end || errno) return false;
    double us = frac * 1e6;
    *usec = (int)(us + 0.5);
    /* ties to even, as rint does */
    if (us + 0.5 == (double)*usec && (*usec & 1)) (*usec)--;
    return true;
}

STATUS datetime_error(DtResult r, Slice text, const char *typname, Error *err)
{
    int n = (int)text.len;
    const char *s = (const char *)text.data;
    switch (r) {
    case DT_OK: return ST_OK;
    case DT_FIELD_OVERFLOW: return error_set(err, ERR_DATETIME_FIELD_OVERFLOW, "date/time field value out of range: \"%.*s\"", n, s);
    case DT_MD_OVERFLOW:
        error_set(err, ERR_DATETIME_FIELD_OVERFLOW, "date/time field value out of range: \"%.*s\"", n, s);
        return error_hint(err, "Perhaps you need a different \"datestyle\" setting.");
    case DT_INTERVAL_OVERFLOW: return error_set(err, ERR_INTERVAL_FIELD_OVERFLOW, "interval field value out of range: \"%.*s\"", n, s);
    case DT_ZONE_OVERFLOW:
        return error_set(err, ERR_INVALID_TIME_ZONE_DISPLACEMENT_VALUE, "time zone displacement out of range: \"%.*s\"", n, s);
    case DT_BAD_ZONE: return error_set(err, ERR_INVALID_PARAMETER_VALUE, "time zone \"%.*s\" not recognized", n, s);
    case DT_BAD_FORMAT: break;
    }
    return error_set(err, ERR_INVALID_DATETIME_FORMAT, "invalid input syntax for type %s: \"%.*s\"", typname, n, s);
}

/* ---- decoding ---- */

enum { M_YEAR = 1, M_MONTH = 2, M_DAY = 4, M_DATE = 7, M_TIME = 8, M_ZONE = 16, M_DOY = 32, M_AMPM = 64, M_ADBC = 128, M_DOW = 256,
       M_SPECIAL = 512, M_ISOTIME = 1024, M_DSTMOD = 2048 };

typedef struct Decoder {
    const FormatOptions *f;
    bool time_only;        /* for time and timetz: the date is optional */
    unsigned have;
    DateTime dt;
    int yday;
    bool two_digits, text_month, bc, pm, am, julian;
    int special;           /* SPECIAL_xxx or -1 */
    int pending;           /* UNIT_xxx: the next number is that; -1: ISO time follows */
    int east;              /* zone */
    bool dst_mod, zone_is_dst;
    const TimeZone *zone;  /* named zone: resolved at the end */
    const TimeZone *abbrev_zone;
    const char *abbrev;
    char bad_zone[64];
    int32_t julian_day;
} Decoder;

static const TimeZone *find_zone(const char *name) { return timezone_find(slice_cstr(name)); }

static DtResult decode_clock(const char *s, DateTime *dt)
{
    const char *p;
    dt->sec = dt->usec = 0;
    if (!scan_int(s, &p, &dt->hour)) return DT_FIELD_OVERFLOW;
    if (*p != ':') return DT_BAD_FORMAT;
    if (!scan_int(p + 1, &p, &dt->min)) return DT_FIELD_OVERFLOW;
    if (*p == '.') { /* mm:ss.fff */
        if (!scan_fraction(p, &dt->usec)) return DT_BAD_FORMAT;
        dt->sec = dt->min;
        dt->min = dt->hour;
        dt->hour = 0;
    } else if (*p == ':') {
        if (!scan_int(p + 1, &p, &dt->sec)) return DT_FIELD_OVERFLOW;
        if (*p == '.') {
            if (!scan_fraction(p, &dt->usec)) return DT_BAD_FORMAT;
        } else if (*p) {
            return DT_BAD_FORMAT;
        }
    } else if (*p) {
        return DT_BAD_FORMAT;
    }
    if (dt->hour < 0 || dt->min < 0 || dt->min > 59 || dt->sec < 0 || dt->sec > 60 || dt->usec < 0) return DT_FIELD_OVERFLOW;
    return DT_OK;
}

static DtResult decode_offset(const char *s, int *east)
{
    const char *p;
    int h, m = 0, sec = 0;
    if (*s != '+' && *s != '-') return DT_BAD_FORMAT;
    if (!scan_int(s + 1, &p, &h)) return DT_ZONE_OVERFLOW;
    if (*p == ':') {
        if (!scan_int(p + 1, &p, &m)) return DT_ZONE_OVERFLOW;
        if (*p == ':' && !scan_int(p + 1, &p, &sec)) return DT_ZONE_OVERFLOW;
    } else if (!*p && strlen(s) > 3) {
        m = h % 100;
        h /= 100;
    }
    if (h < 0 || h > 15 || m < 0 || m > 59 || sec < 0 || sec > 59) return DT_ZONE_OVERFLOW;
    *east = (h * 60 + m) * 60 + sec;
    if (*s == '-') *east = -*east;
    return *p ? DT_BAD_FORMAT : DT_OK;
}

/* A run of digits that is a whole date (YYYYMMDD) or time (HHMMSS[.f]). */
static DtResult decode_run(Decoder *d, char *s, unsigned have, unsigned *mask)
{
    char *dot = strchr(s, '.');
    size_t len = strlen(s);
    if (dot) {
        if (!scan_fraction(dot, &d->dt.usec)) return DT_BAD_FORMAT;
        *dot = 0;
        len = strlen(s);
    } else if ((have & M_DATE) != M_DATE && len >= 6) {
        d->dt.day = atoi(s + len - 2);
        s[len - 2] = 0;
        d->dt.month = atoi(s + len - 4);
        s[len - 4] = 0;
        d->dt.year = atoi(s);
        if (len - 4 == 2) d->two_digits = true;
        *mask = M_DATE;
        return DT_OK;
    }
    if (!(have & M_TIME) && (len == 6 || len == 4)) {
        d->dt.sec = len == 6 ? atoi(s + 4) : 0;
        s[4] = 0;
        d->dt.min = atoi(s + 2);
        s[2] = 0;
        d->dt.hour = atoi(s);
        *mask = M_TIME;
        return DT_OK;
    }
    return DT_BAD_FORMAT;
}

static DtResult set_part(Decoder *d, unsigned which, int v, size_t len, unsigned *mask)
{
    *mask = which;
    if (which == M_YEAR) {
        d->dt.year = v;
        d->two_digits = len <= 2;
    } else if (which == M_MONTH) {
        d->dt.month = v;
    } else {
        d->dt.day = v;
    }
    return DT_OK;
}

/* One number: which part of the date is it? */
static DtResult decode_number(Decoder *d, char *s, unsigned have, unsigned *mask)
{
    const char *p;
    int v;
    size_t len = strlen(s);
    if (!scan_int(s, &p, &v)) return DT_FIELD_OVERFLOW;
    if (p == s) return DT_BAD_FORMAT;
    if (*p == '.') {
        if (p - s > 2) return decode_run(d, s, have | M_DATE, mask);
        if (!scan_fraction(p, &d->dt.usec)) return DT_BAD_FORMAT;
    } else if (*p) {
        return DT_BAD_FORMAT;
    }
    if (len == 3 && (have & M_DATE) == M_YEAR && v >= 1 && v <= 366) {
        d->yday = v;
        *mask = M_DOY | M_MONTH | M_DAY;
        return DT_OK;
    }
    bool ymd = d->f->dateorder == DATEORDER_YMD;
    switch (have & M_DATE) {
    case 0: return set_part(d, len >= 3 || ymd ? M_YEAR : d->f->dateorder == DATEORDER_DMY ? M_DAY : M_MONTH, v, len, mask);
    case M_YEAR: return set_part(d, M_MONTH, v, len, mask);
    case M_MONTH:
        if (d->text_month) return set_part(d, len >= 3 || ymd ? M_YEAR : M_DAY, v, len, mask);
        return set_part(d, M_DAY, v, len, mask);
    case M_YEAR | M_MONTH:
        if (d->text_month && len >= 3 && d->two_digits) { /* the first number was the day after all */
            *mask = M_DAY;
            d->dt.day = (int)d->dt.year;
            d->dt.year = v;
            d->two_digits = false;
            return DT_OK;
        }
        return set_part(d, M_DAY, v, len, mask);
    case M_DAY: return set_part(d, M_MONTH, v, len, mask);
    case M_MONTH | M_DAY: return set_part(d, M_YEAR, v, len, mask);
    case M_DATE: return decode_run(d, s, have, mask);
    default: return DT_BAD_FORMAT;
    }
}

/* 1999-01-08, 8-Jan-1999, 1/8/99 ... */
static DtResult decode_date(Decoder *d, char *s, unsigned *mask)
{
    char *part[3];
    int n = 0, value;
    unsigned have = 0, m;
    while (*s && n < 3) {
        while (*s && !isalnum((unsigned char)*s)) s++;
        if (!*s) return DT_BAD_FORMAT;
        part[n++] = s;
        if (isdigit((unsigned char)*s)) while (isdigit((unsigned char)*s)) s++;
        else while (isalpha((unsigned char)*s)) s++;
        if (*s) *s++ = 0;
    }
    for (int i = 0; i < n; i++) {
        if (!isalpha((unsigned char)part[i][0])) continue;
        WordKind k = datetime_word(part[i], &value);
        if (k == WORD_IGNORE) {
            part[i] = NULL;
            continue;
        }
        if (k != WORD_MONTH || (have & M_MONTH)) return DT_BAD_FORMAT;
        d->dt.month = value;
        d->text_month = true;
        have |= M_MONTH;
        part[i] = NULL;
    }
    for (int i = 0; i < n; i++) {
        if (!part[i]) continue;
        if (!*part[i]) return DT_BAD_FORMAT;
        DtResult r = decode_number(d, part[i], have, &m);
        if (r) return r;
        if (have & m) return DT_BAD_FORMAT;
        have |= m;
    }
    *mask = have;
    if (d->have & ~(unsigned)(M_DOY | M_ZONE)) return DT_BAD_FORMAT; /* nothing else may stand in front of a whole date */
    return (have & M_DATE) == M_DATE && !(have & M_TIME) ? DT_OK : DT_BAD_FORMAT;
}

static DtResult use_zone(Decoder *d, const char *name, unsigned *mask)
{
    d->zone = find_zone(name);
    if (!d->zone) {
        snprintf(d->bad_zone, sizeof d->bad_zone, "%.60s", name);
        return DT_BAD_ZONE;
    }
    *mask = M_ZONE;
    return DT_OK;
}

static DtResult field_date(Decoder *d, char *s, int i, const Fields *all, unsigned *mask)
{
    if (d->pending == UNIT_JULIAN) { /* J2452271-08 or J2452271T... : a whole day with a zone */
        const char *p;
        int v;
        if (!scan_int(s, &p, &v) || v < 0) return DT_FIELD_OVERFLOW;
        d->julian_day = v;
        d->julian = true;
        d->pending = UNIT_NONE;
        date_to_civil((int64_t)v - POSTGRES_EPOCH_JDATE, &d->dt.year, &d->dt.month, &d->dt.day);
        DtResult r = decode_offset(p, &d->east);
        *mask = M_DATE | M_TIME | M_ZONE;
        d->dt.hour = d->dt.min = d->dt.sec = d->dt.usec = 0;
        return r;
    }
    bool date_wanted = !d->time_only ? d->pending == UNIT_NONE && (d->have & (M_MONTH | M_DAY)) != (M_MONTH | M_DAY)
                                     : i == 0 && all->n >= 2 && (all->kind[all->n - 1] == FIELD_DATE || all->kind[1] == FIELD_TIME);
    if (date_wanted && !(d->time_only && !isdigit((unsigned char)*s) && (d->have & M_TIME))) return decode_date(d, s, mask);
    if (isdigit((unsigned char)*s) || d->pending != UNIT_NONE) { /* hhmmss-zz */
        if (d->pending == -1) d->pending = UNIT_NONE;
        else if (d->pending != UNIT_NONE) return DT_BAD_FORMAT;
        if (d->have & M_TIME) return DT_BAD_FORMAT;
        char *dash = strchr(s, '-');
        if (!dash) return DT_BAD_FORMAT;
        DtResult r = decode_offset(dash, &d->east);
        if (r) return r;
        *dash = 0;
        r = decode_run(d, s, d->have | (d->time_only ? M_DATE : 0), mask);
        *mask |= M_ZONE;
        return r;
    }
    return use_zone(d, s, mask);
}

/* A number after a unit letter: y2001m02d04, J2451187, T040506. */
static DtResult field_with_unit(Decoder *d, char *s, unsigned *mask)
{
    const char *p;
    int v, unit = d->pending;
    d->pending = UNIT_NONE;
    if (unit == -1) return decode_run(d, s, d->have | M_DATE, mask);
    if (!scan_int(s, &p, &v)) return DT_FIELD_OVERFLOW;
    if (*p == '.' && unit != UNIT_JULIAN && unit != UNIT_SECOND) return DT_BAD_FORMAT;
    if (*p && *p != '.') return DT_BAD_FORMAT;
    switch (unit) {
    case UNIT_YEAR: d->dt.year = v; *mask = M_YEAR; return DT_OK;
    case UNIT_MONTH:
        if ((d->have & M_MONTH) && (d->have & M_TIME)) {
            d->dt.min = v;
            *mask = 0;
        } else {
            d->dt.month = v;
            *mask = M_MONTH;
        }
        return DT_OK;
    case UNIT_DAY: d->dt.day = v; *mask = M_DAY; return DT_OK;
    case UNIT_HOUR: d->dt.hour = v; *mask = M_TIME; return DT_OK;
    case UNIT_MINUTE: d->dt.min = v; *mask = 0; return DT_OK;
    case UNIT_SECOND: d->dt.sec = v; *mask = 0; return *p == '.' && !scan_fraction(p, &d->dt.usec) ? DT_BAD_FORMAT : DT_OK;
    case UNIT_JULIAN: {
        if (v < 0) return DT_FIELD_OVERFLOW;
        d->julian = true;
        date_to_civil((int64_t)v - POSTGRES_EPOCH_JDATE, &d->dt.year, &d->dt.month, &d->dt.day);
        *mask = M_DATE;
        if (*p != '.') return DT_OK;
        int64_t us = (int64_t)(strtod(p, NULL) * (double)USECS_PER_DAY);
        d->dt.usec = (int)(us % USECS_PER_SEC);
        us /= USECS_PER_SEC;
        d->dt.hour = (int)(us / 3600);
        d->dt.min = (int)(us / 60 % 60);
        d->dt.sec = (int)(us % 60);
        *mask |= M_TIME;
        return DT_OK;
    }
    default: return DT_BAD_FORMAT;
    }
}

static DtResult field_number(Decoder *d, char *s, int i, const Fields *all, unsigned *mask)
{
    size_t len = strlen(s);
    char *dot = strchr(s, '.');
    if (d->pending != UNIT_NONE) return field_with_unit(d, s, mask);
    if (d->time_only) {
        if (dot && i == 0 && all->n >= 2 && all->kind[all->n - 1] == FIELD_DATE) return decode_date(d, s, mask);
        if (dot && len - strlen(dot) > 2) return decode_run(d, s, d->have | M_DATE, mask);
        if (!dot && len > 4) return decode_run(d, s, d->have | M_DATE, mask);
        if (!dot && len == 4) return decode_run(d, s, d->have | M_DATE, mask);
        return decode_number(d, s, d->have, mask);
    }
    if (dot && !(d->have & M_DATE)) return decode_date(d, s, mask);
    if (dot && len - strlen(dot) > 2) return decode_run(d, s, d->have, mask);
    if (len >= 6 && (!(d->have & M_DATE) || !(d->have & M_TIME))) return decode_run(d, s, d->have, mask);
    return decode_number(d, s, d->have, mask);
}

static DtResult field_word(Decoder *d, char *s, int i, const Fields *all, unsigned *mask)
{
    ZoneAbbrev z;
    int v = 0;
    WordKind k = datetime_word(s, &v);
    *mask = 0;
    if (timezone_abbrev(slice_cstr(s), &z)) {
        if (z.zone) {
            d->abbrev_zone = z.zone;
            d->abbrev = s;
        } else {
            d->east = z.seconds_east;
            d->zone_is_dst = z.is_dst;
        }
        *mask = M_ZONE;
        return DT_OK;
    }
    switch (k) {
    case WORD_IGNORE: return DT_OK;
    case WORD_SPECIAL:
        if (d->time_only && v != SPECIAL_NOW && v != SPECIAL_ALLBALLS) return DT_BAD_FORMAT;
        if (v == SPECIAL_ALLBALLS) {
            d->dt.hour = d->dt.min = d->dt.sec = d->dt.usec = d->east = 0;
            *mask = M_TIME | M_ZONE;
            return DT_OK;
        }
        d->special = v;
        *mask = v == SPECIAL_NOW ? M_DATE | M_TIME | M_ZONE | M_SPECIAL
                : v == SPECIAL_EPOCH || v == SPECIAL_INFINITY || v == SPECIAL_NEG_INFINITY ? M_SPECIAL : M_DATE | M_SPECIAL;
        return DT_OK;
    case WORD_MONTH:
        if (d->time_only) return DT_BAD_FORMAT;
        *mask = M_MONTH;
        if ((d->have & M_MONTH) && !d->text_month && !(d->have & M_DAY) && d->dt.month >= 1 && d->dt.month <= 31) {
            d->dt.day = d->dt.month; /* a number that was taken for the month */
            *mask = M_DAY;
        }
        d->text_month = true;
        d->dt.month = v;
        return DT_OK;
    case WORD_DSTMOD: /* "MET DST" */
        if (!(d->have & M_ZONE) || d->zone_is_dst) return DT_BAD_FORMAT;
        d->dst_mod = true;
        d->east += 3600;
        *mask = M_DSTMOD;
        return DT_OK;
    case WORD_AMPM:
        *mask = M_AMPM;
        d->pm = v == 1;
        d->am = v == 0;
        return DT_OK;
    case WORD_ADBC: *mask = M_ADBC; d->bc = v == 1; return DT_OK;
    case WORD_DOW: *mask = M_DOW; return DT_OK;
    case WORD_UNIT: d->pending = v; return DT_OK;
    case WORD_ISOTIME:
        if (!d->time_only && (d->have & M_DATE) != M_DATE) return DT_BAD_FORMAT;
        if (i >= all->n - 1 || (all->kind[i + 1] != FIELD_NUMBER && all->kind[i + 1] != FIELD_TIME && all->kind[i + 1] != FIELD_DATE))
            return DT_BAD_FORMAT;
        d->pending = -1;
        return DT_OK;
    default:
        if (find_zone(s)) return use_zone(d, s, mask);
        return DT_BAD_FORMAT;
    }
}

static DtResult one_field(Decoder *d, Fields *all, int i, unsigned *mask)
{
    char *s = all->text[i];
    DtResult r;
    switch (all->kind[i]) {
    case FIELD_DATE: return field_date(d, s, i, all, mask);
    case FIELD_TIME:
        if (d->pending == -1) d->pending = UNIT_NONE;
        else if (d->pending != UNIT_NONE) return DT_BAD_FORMAT;
        if ((r = decode_clock(s, &d->dt))) return r;
        *mask = M_TIME;
        if (d->dt.hour > 24 || (d->dt.hour == 24 && (d->dt.min || d->dt.sec || d->dt.usec))) return DT_FIELD_OVERFLOW;
        return DT_OK;
    case FIELD_ZONE: {
        int east;
        if ((r = decode_offset(s, &east))) return r;
        *mask = M_ZONE;
        if (d->zone) return DT_BAD_FORMAT;
        d->east = east;
        return DT_OK;
    }
    case FIELD_NUMBER: return field_number(d, s, i, all, mask);
    default: return field_word(d, s, i, all, mask);
    }
}

static DtResult check_date(Decoder *d)
{
    DateTime *t = &d->dt;
    if ((d->have & M_YEAR) && !d->julian) {
        if (d->bc) {
            if (t->year <= 0) return DT_FIELD_OVERFLOW;
            t->year = 1 - t->year;
        } else if (d->two_digits) {
            if (t->year < 0) return DT_FIELD_OVERFLOW;
            if (t->year < 70) t->year += 2000;
            else if (t->year < 100) t->year += 1900;
        } else if (t->year <= 0) {
            return DT_FIELD_OVERFLOW;
        }
    }
    if (d->have & M_DOY) {
        int64_t y;
        date_to_civil(date_from_civil(t->year, 1, 1) + d->yday - 1, &y, &t->month, &t->day);
        t->year = y;
        return DT_OK;
    }
    if ((d->have & M_MONTH) && (t->month < 1 || t->month > 12)) return DT_MD_OVERFLOW;
    if ((d->have & M_DAY) && (t->day < 1 || t->day > 31)) return DT_MD_OVERFLOW;
    if ((d->have & M_DATE) == M_DATE && t->day > days_in_month(t->year, t->month)) return DT_FIELD_OVERFLOW;
    return DT_OK;
}

static DtResult decode_all(Decoder *d, Fields *all)
{
    DtResult r;
    for (int i = 0; i < all->n; i++) {
        unsigned mask = 0;
        if ((r = one_field(d, all, i, &mask))) return r;
        if (mask & d->have & ~(unsigned)M_DOY) return DT_BAD_FORMAT;
        d->have |= mask;
    }
    if (d->pending != UNIT_NONE) return DT_BAD_FORMAT;
    if (all->n == 0) return DT_BAD_FORMAT;
    if (!(d->have & M_SPECIAL) && (r = check_date(d))) return r;
    if ((d->am || d->pm) && (d->dt.hour > 12)) return DT_FIELD_OVERFLOW;
    if (d->am && d->dt.hour == 12) d->dt.hour = 0;
    if (d->pm && d->dt.hour != 12) d->dt.hour += 12;
    if (d->have & M_SPECIAL) return DT_OK;
    if (d->time_only) {
        if (!(d->have & M_TIME)) return DT_BAD_FORMAT;
        const DateTime *t = &d->dt;
        if (t->hour < 0 || t->min < 0 || t->min > 59 || t->sec < 0 || t->sec > 60 || t->hour > 24 ||
            (t->hour == 24 && (t->min || t->sec || t->usec)) || t->usec > USECS_PER_SEC)
            return DT_FIELD_OVERFLOW;
        return DT_OK;
    }
    if ((d->have & M_DATE) != M_DATE) return DT_BAD_FORMAT;
    const DateTime *t = &d->dt;
    if ((d->have & M_TIME) && (t->min < 0 || t->min > 59 || t->sec > 60 || t->hour > 24 || (t->hour == 24 && (t->min || t->sec || t->usec))))
        return DT_FIELD_OVERFLOW;
    return DT_OK;
}

static STATUS decode(const FormatOptions *f, Slice text, const char *typname, bool time_only, Fields *fields, Decoder *d, Error *err)
{
    *d = (Decoder){.f = f, .time_only = time_only, .special = -1};
    DtResult r = fields_split(text, fields);
    if (!r) r = decode_all(d, fields);
    if (r == DT_BAD_ZONE) return error_set(err, ERR_INVALID_PARAMETER_VALUE, "time zone \"%s\" not recognized", d->bad_zone);
    return datetime_error(r, text, typname, err);
}

/* Seconds east for the decoded wall clock. */
static int zone_east(const Decoder *d, const TimeZone *session)
{
    int64_t local = date_from_civil(d->dt.year, d->dt.month, d->dt.day) * SECS_PER_DAY + POSTGRES_EPOCH_UNIX_S +
                    d->dt.hour * 3600 + d->dt.min * 60 + d->dt.sec;
    ZoneOffset z;
    if (d->abbrev_zone) {
        ZoneOffset guess = timezone_at_local(d->abbrev_zone, local);
        if (timezone_abbrev_in_zone(d->abbrev_zone, slice_cstr(d->abbrev), local - guess.seconds_east, &z)) return z.seconds_east;
        return guess.seconds_east;
    }
    if (d->zone) {
        z = timezone_at_local(d->zone, local);
        return z.seconds_east;
    }
    if (d->have & M_ZONE) return d->east;
    z = timezone_at_local(session, local);
    return z.seconds_east + (d->dst_mod ? d->east : 0);
}

/* Today's wall clock in the session's zone. */
static void now_fields(const FormatOptions *f, DateTime *out, ZoneOffset *zone) { timestamptz_to_datetime(f->now_us, f->timezone, out, zone); }

static void special_day(const FormatOptions *f, Decoder *d)
{
    DateTime now;
    now_fields(f, &now, NULL);
    int64_t day = date_from_civil(now.year, now.month, now.day) + (d->special == SPECIAL_TOMORROW) - (d->special == SPECIAL_YESTERDAY);
    date_to_civil(day, &d->dt.year, &d->dt.month, &d->dt.day);
}

STATUS datetime_parse_date(const FormatOptions *f, Slice text, int32_t *out, Error *err)
{
    Fields fields;
    Decoder d;
    TRY(decode(f, text, "date", false, &fields, &d, err));
    if (d.special == SPECIAL_INFINITY || d.special == SPECIAL_NEG_INFINITY) {
        *out = d.special == SPECIAL_INFINITY ? DATE_INFINITY : DATE_NEG_INFINITY;
        return ST_OK;
    }
    if (d.special == SPECIAL_EPOCH) d.dt = (DateTime){1970, 1, 1, 0, 0, 0, 0};
    else if (d.special >= 0) special_day(f, &d);
    int64_t days = d.dt.year > 6000000 || d.dt.year < -5000 ? DATE_END : date_from_civil(d.dt.year, d.dt.month, d.dt.day);
    if (!DATE_IN_RANGE(days))
        return error_set(err, ERR_DATETIME_VALUE_OUT_OF_RANGE, "date out of range: \"%.*s\"", (int)text.len, (const char *)text.data);
    *out = (int32_t)days;
    return ST_OK;
}

static int64_t clock_us(const DateTime *t) { return ((t->hour * 60LL + t->min) * 60 + t->sec) * USECS_PER_SEC + t->usec; }

STATUS datetime_parse_time(const FormatOptions *f, Slice text, int64_t *out, Error *err)
{
    Fields fields;
    Decoder d;
    TRY(decode(f, text, "time", true, &fields, &d, err));
    if (d.zone && !(d.have & M_DATE)) return datetime_error(DT_BAD_FORMAT, text, "time", err);
    if (d.special == SPECIAL_NOW) now_fields(f, &d.dt, NULL);
    *out = clock_us(&d.dt);
    return *out > USECS_PER_DAY ? datetime_error(DT_FIELD_OVERFLOW, text, "time", err) : ST_OK;
}

STATUS datetime_parse_timetz(const FormatOptions *f, Slice text, TimeTz *out, Error *err)
{
    static const char name[] = "time with time zone";
    Fields fields;
    Decoder d;
    ZoneOffset z;
    DateTime now;
    TRY(decode(f, text, name, true, &fields, &d, err));
    now_fields(f, &now, &z);
    if (d.special == SPECIAL_NOW) {
        out->time = clock_us(&now);
        out->zone = -z.seconds_east;
        return ST_OK;
    }
    if ((d.zone || d.abbrev_zone) && (d.have & M_DATE) != M_DATE) {
        if (d.zone && !d.abbrev_zone) {
            /* a named zone needs a date, unless its offset never changes */
            int64_t day = 0;
            ZoneOffset a = timezone_at(d.zone, f->now_us / USECS_PER_SEC + POSTGRES_EPOCH_UNIX_S + day);
            ZoneOffset b = timezone_at(d.zone, f->now_us / USECS_PER_SEC + POSTGRES_EPOCH_UNIX_S + 182 * SECS_PER_DAY);
            if (a.seconds_east != b.seconds_east) return datetime_error(DT_BAD_FORMAT, text, name, err);
        }
        d.dt.year = now.year, d.dt.month = now.month, d.dt.day = now.day;
    }
    if (!(d.have & M_DATE)) d.dt.year = now.year, d.dt.month = now.month, d.dt.day = now.day;
    out->time = clock_us(&d.dt);
    out->zone = -zone_east(&d, f->timezone);
    return out->time > USECS_PER_DAY ? datetime_error(DT_FIELD_OVERFLOW, text, name, err) : ST_OK;
}

static STATUS parse_timestamp(const FormatOptions *f, Slice text, bool with_zone, int64_t *out, Error *err)
{
    const char *name = with_zone ? "timestamp with time zone" : "timestamp";
    Fields fields;
    Decoder d;
    TRY(decode(f, text, name, false, &fields, &d, err));
    switch (d.special) {
    case SPECIAL_INFINITY: *out = TIMESTAMP_INFINITY; return ST_OK;
    case SPECIAL_NEG_INFINITY: *out = TIMESTAMP_NEG_INFINITY; return ST_OK;
    case SPECIAL_EPOCH: *out = -POSTGRES_EPOCH_UNIX_S * USECS_PER_SEC; return ST_OK;
    case SPECIAL_NOW: *out = with_zone ? f->now_us : timestamptz_to_timestamp(f->now_us, f->timezone); return ST_OK;
    case -1: break;
    default: special_day(f, &d);
    }
    DateTime t = d.dt;
    bool ok = t.year < 300000 && t.year > -5000 && date_from_civil(t.year, t.month, t.day) >= DATE_MIN - 2;
    if (ok) {
        __int128 us = (__int128)date_from_civil(t.year, t.month, t.day) * USECS_PER_DAY + clock_us(&t);
        if (with_zone) us -= zone_east(&d, f->timezone) * USECS_PER_SEC;
        ok = TIMESTAMP_IN_RANGE(us);
        *out = ok ? (int64_t)us : 0;
    }
    if (!ok)
        return error_set(err, ERR_DATETIME_VALUE_OUT_OF_RANGE, "timestamp out of range: \"%.*s\"", (int)text.len, (const char *)text.data);
    return ST_OK;
}

STATUS datetime_parse_timestamp(const FormatOptions *f, Slice text, int64_t *out, Error *err) { return parse_timestamp(f, text, false, out, err); }
STATUS datetime_parse_timestamptz(const FormatOptions *f, Slice text, int64_t *out, Error *err) { return parse_timestamp(f, text, true, out, err); }

STATUS timezone_argument(Slice name, const TimeZone **zone, int *east, bool *dynamic_abbrev, Error *err)
{
    ZoneAbbrev z;
    *zone = NULL;
    *dynamic_abbrev = false;
    if (timezone_abbrev(name, &z)) {
        *zone = z.zone;
        *east = z.seconds_east;
        *dynamic_abbrev = z.zone != NULL;
        return ST_OK;
    }
    *zone = timezone_find(name);
    if (*zone) return ST_OK;
    return error_set(err, ERR_INVALID_PARAMETER_VALUE, "time zone \"%.*s\" not recognized", (int)name.len, (const char *)name.data);
}
