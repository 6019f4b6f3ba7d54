/* to_char of dates, times and intervals; to_date and to_timestamp. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "functions/fn.h"

typedef enum Key {
    D_AD_DOTS, D_AM_DOTS, D_AD, D_AM, D_CC, D_DAY, D_DDD, D_DD, D_DY, D_D, D_FF, D_FX, D_HH24, D_HH12, D_IDDD, D_ID, D_IW, D_IYYY, D_IYY, D_IY, D_I,
    D_J, D_MI, D_MM, D_MONTH, D_MON, D_MS, D_OF, D_Q, D_RM, D_SSSS, D_SS, D_TZH, D_TZM, D_TZ, D_US, D_WW, D_W, D_Y_YYY, D_YYYY, D_YYY, D_YY, D_Y, D_CHAR
} Key;
/* Upper case; those with `mixed` also exist capitalised. Each name also in lower case. Longer names first. */
static const struct { const char *name; uint8_t key, arg; bool mixed; } keys[] = {
    {"A.D.", D_AD_DOTS, 0, 0}, {"A.M.", D_AM_DOTS, 0, 0}, {"B.C.", D_AD_DOTS, 0, 0}, {"P.M.", D_AM_DOTS, 0, 0}, {"Y,YYY", D_Y_YYY, 0, 0},
    {"AD", D_AD, 0, 0}, {"AM", D_AM, 0, 0}, {"BC", D_AD, 0, 0}, {"PM", D_AM, 0, 0}, {"CC", D_CC, 0, 0}, {"DAY", D_DAY, 0, 1}, {"DDD", D_DDD, 0, 0},
    {"DD", D_DD, 0, 0}, {"DY", D_DY, 0, 1}, {"D", D_D, 0, 0}, {"FF1", D_FF, 1, 0}, {"FF2", D_FF, 2, 0}, {"FF3", D_FF, 3, 0}, {"FF4", D_FF, 4, 0},
    {"FF5", D_FF, 5, 0}, {"FF6", D_FF, 6, 0}, {"FX", D_FX, 0, 0}, {"HH24", D_HH24, 0, 0}, {"HH12", D_HH12, 0, 0}, {"HH", D_HH12, 0, 0},
    {"IDDD", D_IDDD, 0, 0}, {"ID", D_ID, 0, 0}, {"IW", D_IW, 0, 0}, {"IYYY", D_IYYY, 0, 0}, {"IYY", D_IYY, 0, 0}, {"IY", D_IY, 0, 0}, {"I", D_I, 0, 0},
    {"J", D_J, 0, 0}, {"MI", D_MI, 0, 0}, {"MM", D_MM, 0, 0}, {"MONTH", D_MONTH, 0, 1}, {"MON", D_MON, 0, 1}, {"MS", D_MS, 0, 0}, {"OF", D_OF, 0, 0},
    {"Q", D_Q, 0, 0}, {"RM", D_RM, 0, 0}, {"SSSSS", D_SSSS, 0, 0}, {"SSSS", D_SSSS, 0, 0}, {"SS", D_SS, 0, 0}, {"TZH", D_TZH, 0, 0},
    {"TZM", D_TZM, 0, 0}, {"TZ", D_TZ, 0, 0}, {"US", D_US, 0, 0}, {"WW", D_WW, 0, 0}, {"W", D_W, 0, 0}, {"YYYY", D_YYYY, 0, 0}, {"YYY", D_YYY, 0, 0},
    {"YY", D_YY, 0, 0}, {"Y", D_Y, 0, 0}};

enum { CASE_UPPER, CASE_MIXED, CASE_LOWER };
typedef struct Item {
    uint8_t key, arg, letter_case, len;
    bool fm, tm, th_upper, th_lower, separator, space;
    const uint8_t *text; /* the field as written, or the literal character */
} Item;
typedef struct Template { Item *items; int n; } Template;

static bool match_key(Slice rest, const char *name, bool mixed, int *letter_case)
{
    size_t n = strlen(name);
    if (rest.len < n) return false;
    bool up = true, low = true, mix = mixed;
    for (size_t i = 0; i < n; i++) {
        char c = (char)rest.data[i];
        up = up && c == name[i];
        low = low && c == (char)tolower((unsigned char)name[i]);
        mix = mix && c == (i ? (char)tolower((unsigned char)name[i]) : name[i]);
    }
    *letter_case = up ? CASE_UPPER : mix ? CASE_MIXED : CASE_LOWER;
    return up || low || mix;
}

static bool is_separator(uint8_t c) { return c > 0x20 && c < 0x7f && !isalnum(c); }

static bool parse_template(CallFrame *cf, Slice f, Template *t)
{
    *t = (Template){.items = arena_zalloc(cf->arena, (f.len + 1) * sizeof(Item))};
    if (!t->items) {
        fn_oom(cf);
        return false;
    }
    for (size_t i = 0; i < f.len;) {
        Item it = {.key = D_CHAR};
        size_t start = i;
        for (;;) { /* prefixes */
            if (slice_has_prefix(slice_of(f.data + i, f.len - i), slice_cstr("FM")) || slice_has_prefix(slice_of(f.data + i, f.len - i), slice_cstr("fm")))
                it.fm = true;
            else if (slice_has_prefix(slice_of(f.data + i, f.len - i), slice_cstr("TM")) || slice_has_prefix(slice_of(f.data + i, f.len - i), slice_cstr("tm")))
                it.tm = true;
            else
                break;
            i += 2;
        }
        Slice rest = slice_of(f.data + i, f.len - i);
        for (size_t k = 0; rest.len && k < sizeof keys / sizeof keys[0]; k++) {
            int letter_case;
            if (!match_key(rest, keys[k].name, keys[k].mixed, &letter_case)) continue;
            it.key = keys[k].key;
            it.arg = keys[k].arg;
            it.letter_case = (uint8_t)letter_case;
            it.text = rest.data;
            it.len = (uint8_t)strlen(keys[k].name);
            i += it.len;
            break;
        }
        if (it.key != D_CHAR) {
            Slice suffix = slice_of(f.data + i, f.len - i);
            if (slice_has_prefix(suffix, slice_cstr("TH"))) it.th_upper = true, i += 2;
            else if (slice_has_prefix(suffix, slice_cstr("th"))) it.th_lower = true, i += 2;
            t->items[t->n++] = it;
            continue;
        }
        if (i > start) continue; /* a prefix alone */
        if (f.data[i] == '"') {
            for (i++; i < f.len && f.data[i] != '"';) {
                if (f.data[i] == '\\' && i + 1 < f.len) i++;
                size_t n = (size_t)utf8_char_len(f.data[i]);
                t->items[t->n++] = (Item){.key = D_CHAR, .text = f.data + i, .len = (uint8_t)n};
                i += n;
            }
            i++;
            continue;
        }
        if (f.data[i] == '\\' && i + 1 < f.len && f.data[i + 1] == '"') i++;
        it.text = f.data + i;
        it.len = (uint8_t)utf8_char_len(f.data[i]);
        it.separator = is_separator(f.data[i]);
        it.space = isspace(f.data[i]);
        t->items[t->n++] = it;
        i += it.len;
    }
    return true;
}

/* ---- output ---- */
typedef struct Moment {
    DateTime dt;
    int64_t days;
    int yday;
    bool is_interval, has_zone;
    int east;
    const char *abbrev;
} Moment;

static void put_number(StrBuf *sb, const Item *it, int64_t v, int width)
{
    size_t at = sb->len;
    bool wider = v < 0 && (it->key == D_HH24 || it->key == D_HH12 || it->key == D_MI || it->key == D_SS || it->key == D_YYYY || it->key == D_CC);
    strbuf_printf(sb, "%0*lld", it->fm ? 0 : wider ? width + 1 : width, (long long)v);
    if (!it->th_upper && !it->th_lower) return;
    static const char *const th[2][4] = {{"th", "st", "nd", "rd"}, {"TH", "ST", "ND", "RD"}};
    const char *d = sb->data + at;
    size_t n = sb->len - at;
    int last = d[n - 1] - '0', teen = n > 1 && d[n - 2] == '1';
    strbuf_str(sb, th[it->th_upper][!teen && last >= 1 && last <= 3 ? last : 0]);
}

static void put_name(StrBuf *sb, const Item *it, const char *name, size_t n, int width)
{
    size_t at = sb->len;
    strbuf_append(sb, name, n);
    for (size_t i = at; i < sb->len; i++) {
        if (it->letter_case == CASE_UPPER) sb->data[i] = (char)toupper((unsigned char)sb->data[i]);
        else if (it->letter_case == CASE_LOWER) sb->data[i] = (char)tolower((unsigned char)sb->data[i]);
    }
    if (!it->fm && !it->tm && (size_t)width > n) strbuf_fill(sb, ' ', (size_t)width - n);
}

static const char *const romans[12] = {"I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII"};

static bool interval_refuses(CallFrame *cf, const Moment *m)
{
    if (!m->is_interval) return false;
    error_set(cf->err, ERR_INVALID_DATETIME_FORMAT, "invalid format specification for an interval value");
    error_hint(cf->err, "Intervals are not tied to specific calendar dates.");
    return true;
}

static bool put_item(CallFrame *cf, StrBuf *sb, const Item *it, const Moment *m)
{
    const DateTime *d = &m->dt;
    int64_t year = m->is_interval ? d->year : d->year <= 0 ? 1 - d->year : d->year, iso = 0, v;
    bool pm = ((d->hour % 24) + 24) % 24 >= 12, bc = d->year <= 0;
    switch ((Key)it->key) {
    case D_CHAR: strbuf_append(sb, it->text, it->len); break;
    case D_FX: break;
    case D_AM_DOTS: put_name(sb, it, pm ? "P.M." : "A.M.", 4, 0); break;
    case D_AM: put_name(sb, it, pm ? "PM" : "AM", 2, 0); break;
    case D_AD_DOTS: if (interval_refuses(cf, m)) return false; put_name(sb, it, bc ? "B.C." : "A.D.", 4, 0); break;
    case D_AD: if (interval_refuses(cf, m)) return false; put_name(sb, it, bc ? "BC" : "AD", 2, 0); break;
    case D_HH12: put_number(sb, it, d->hour % 12 == 0 ? 12 : d->hour % 12, 2); break;
    case D_HH24: put_number(sb, it, d->hour, 2); break;
    case D_MI: put_number(sb, it, d->min, 2); break;
    case D_SS: put_number(sb, it, d->sec, 2); break;
    case D_MS: case D_US: case D_FF: {
        int digits = it->key == D_MS ? 3 : it->key == D_US ? 6 : it->arg, unit = 1;
        for (int i = digits; i < 6; i++) unit *= 10;
        Item wide = *it;
        wide.fm = false;
        put_number(sb, &wide, d->usec / unit, digits);
        break;
    }
    case D_SSSS: put_number(sb, it, d->hour * 3600LL + d->min * 60 + d->sec, 0); break;
    case D_TZ:
        if (interval_refuses(cf, m)) return false;
        if (m->abbrev) put_name(sb, it, m->abbrev, strlen(m->abbrev), 0);
        break;
    case D_TZH: if (interval_refuses(cf, m)) return false; strbuf_printf(sb, "%c%02d", m->east < 0 ? '-' : '+', abs(m->east) / 3600); break;
    case D_TZM: if (interval_refuses(cf, m)) return false; strbuf_printf(sb, "%02d", abs(m->east) % 3600 / 60); break;
    case D_OF:
        if (interval_refuses(cf, m)) return false;
        strbuf_printf(sb, "%c%0*d", m->east < 0 ? '-' : '+', it->fm ? 0 : 2, abs(m->east) / 3600);
        if (m->east % 3600) strbuf_printf(sb, ":%02d", abs(m->east) % 3600 / 60);
        break;
    case D_MONTH:
        if (interval_refuses(cf, m)) return false;
        if (d->month) put_name(sb, it, datetime_months[d->month - 1], strlen(datetime_months[d->month - 1]), 9);
        break;
    case D_MON: if (interval_refuses(cf, m)) return false; if (d->month) put_name(sb, it, datetime_months[d->month - 1], 3, 0); break;
    case D_MM: put_number(sb, it, d->month, 2); break;
    case D_DAY: {
        if (interval_refuses(cf, m)) return false;
        const char *name = datetime_days[date_dow(m->days)];
        put_name(sb, it, name, strlen(name), 9);
        break;
    }
    case D_DY: if (interval_refuses(cf, m)) return false; put_name(sb, it, datetime_days[date_dow(m->days)], 3, 0); break;
    case D_DDD: put_number(sb, it, m->yday, 3); break;
    case D_IDDD: v = date_isoweek(m->days, &iso); put_number(sb, it, (v - 1) * 7 + (date_dow(m->days) + 6) % 7 + 1, 3); break;
    case D_DD: put_number(sb, it, d->day, 2); break;
    case D_D: if (interval_refuses(cf, m)) return false; put_number(sb, it, date_dow(m->days) + 1, 0); break;
    case D_ID: if (interval_refuses(cf, m)) return false; put_number(sb, it, date_dow(m->days) ? date_dow(m->days) : 7, 0); break;
    case D_WW: put_number(sb, it, (m->yday - 1) / 7 + 1, 2); break;
    case D_IW: put_number(sb, it, date_isoweek(m->days, NULL), 2); break;
    case D_Q: if (d->month) put_number(sb, it, (d->month - 1) / 3 + 1, 0); break;
    case D_CC:
        v = m->is_interval ? d->year / 100 : d->year > 0 ? (d->year - 1) / 100 + 1 : d->year / 100 - 1;
        put_number(sb, it, v, v <= 99 && v >= -99 ? 2 : 0);
        break;
    case D_Y_YYY: strbuf_printf(sb, "%lld,%03lld", (long long)(year / 1000), (long long)(year % 1000)); break;
    case D_YYYY: put_number(sb, it, year, 4); break;
    case D_YYY: put_number(sb, it, year % 1000, 3); break;
    case D_YY: put_number(sb, it, year % 100, 2); break;
    case D_Y: put_number(sb, it, year % 10, 1); break;
    case D_IYYY: case D_IYY: case D_IY: case D_I:
        date_isoweek(m->days, &iso);
        if (iso <= 0) iso = 1 - iso;
        v = it->key == D_IYYY ? iso : it->key == D_IYY ? iso % 1000 : it->key == D_IY ? iso % 100 : iso % 10;
        put_number(sb, it, v, it->key == D_IYYY ? 4 : it->key == D_IYY ? 3 : it->key == D_IY ? 2 : 1);
        break;
    case D_RM: {
        if (!d->month && m->is_interval && !d->year) break;
        const char *r = romans[d->month > 0 ? d->month - 1 : (d->month % 12 + 11) % 12];
        put_name(sb, it, r, strlen(r), 4);
        break;
    }
    case D_W: put_number(sb, it, (d->day - 1) / 7 + 1, 0); break;
    case D_J: put_number(sb, it, m->days + POSTGRES_EPOCH_JDATE, 0); break;
    }
    return true;
}

static Datum print_moment(CallFrame *cf, const Moment *m)
{
    Template t;
    StrBuf sb;
    strbuf_init(&sb, cf->arena);
    if (!ARG_TEXT(1).len) RETURN_NULL();
    if (!parse_template(cf, ARG_TEXT(1), &t)) return 0;
    for (int i = 0; i < t.n; i++)
        if (!put_item(cf, &sb, &t.items[i], m)) return 0;
    return fn_return_buf(cf, &sb);
}

FN(timestamp_to_char)
{
    int64_t ts = ARG_I64(0);
    Moment m = {0};
    if (!TIMESTAMP_IS_FINITE(ts)) RETURN_NULL();
    timestamp_to_datetime(ts, &m.dt);
    m.days = date_from_civil(m.dt.year, m.dt.month, m.dt.day);
    m.yday = date_doy(m.days);
    return print_moment(cf, &m);
}
FN(timestamptz_to_char)
{
    int64_t ts = ARG_I64(0);
    Moment m = {.has_zone = true};
    ZoneOffset z;
    if (!TIMESTAMP_IS_FINITE(ts)) RETURN_NULL();
    timestamptz_to_datetime(ts, fn_format(cf)->timezone, &m.dt, &z);
    m.days = date_from_civil(m.dt.year, m.dt.month, m.dt.day);
    m.yday = date_doy(m.days);
    m.east = z.seconds_east;
    m.abbrev = z.abbrev;
    return print_moment(cf, &m);
}
FN(interval_to_char)
{
    Interval iv = interval_get(cf->args[0]);
    Moment m = {.is_interval = true};
    m.dt.year = iv.month / 12;
    m.dt.month = iv.month % 12;
    m.dt.day = iv.day;
    m.dt.hour = (int)(iv.time / USECS_PER_HOUR);
    m.dt.min = (int)(iv.time / USECS_PER_MINUTE % 60);
    m.dt.sec = (int)(iv.time / USECS_PER_SEC % 60);
    m.dt.usec = (int)(iv.time % USECS_PER_SEC);
    m.yday = (int)((m.dt.year * 12 + m.dt.month) * 30 + m.dt.day);
    return print_moment(cf, &m);
}

/* ---- input ---- */
typedef struct Reader {
    CallFrame *cf;
    const char *p;
    int64_t year, j, cc, value[D_CHAR]; /* value: of fields read */
    bool have[D_CHAR], bc, pm, am, hh12, fx;
    int year_digits, ms_us, zone_sign;
    bool has_zone;
} Reader;

static bool read_error(CallFrame *cf, const char *value, size_t n, const Item *it, const char *detail)
{
    error_set(cf->err, ERR_INVALID_DATETIME_FORMAT, "invalid value \"%.*s\" for \"%.*s\"", (int)n, value, it->len, (const char *)it->text);
    if (detail) error_detail(cf->err, "%s", detail);
    return false;
}

static bool read_int(Reader *r, const Item *it, const Item *next, int width, int64_t *out, int *used)
{
    while (isspace((unsigned char)*r->p)) r->p++;
    const char *start = r->p;
    /* digits run together need the width; before a separator or the end a number may be of any length */
    bool open = it->fm || !next || next->separator || next->space || (next->key == D_CHAR && !isdigit(next->text[0]));
    char buf[24];
    size_t n = 0;
    if ((*r->p == '-' || *r->p == '+') && open) buf[n++] = *r->p++;
    size_t digits = 0;
    while (isdigit((unsigned char)*r->p) && n < sizeof buf - 1 && (open ? digits < 18 : digits < (size_t)width)) buf[n++] = *r->p++, digits++;
    buf[n] = 0;
    if (!digits) {
        size_t rest = strlen(start);
        if (!rest) {
            r->p = start;
            return false; /* the text ends: fields that are missing stay unset */
        }
        size_t show = rest < (size_t)width ? rest : (size_t)width;
        return read_error(r->cf, start, show, it, "Value must be an integer.");
    }
    *out = strtoll(buf, NULL, 10);
    *used = (int)digits;
    return true;
}

static int match_name(const char *p, const char *const *names, int n, int len, size_t *used)
{
    for (int i = 0; i < n; i++) {
        size_t k = len ? (size_t)len : strlen(names[i]);
        if (!strncasecmp(p, names[i], k)) {
            *used = k;
            return i;
        }
    }
    return -1;
}

static int width_of(const Item *it)
{
    switch ((Key)it->key) {
    case D_YYYY: case D_IYYY: return 4;
    case D_YYY: case D_IYY: case D_MS: case D_DDD: case D_IDDD: return 3;
    case D_US: return 6;
    case D_FF: return it->arg;
    case D_SSSS: return 5;
    case D_J: return 7;
    case D_Y: case D_I: case D_D: case D_ID: case D_Q: case D_W: return 1;
    default: return 2;
    }
}

static bool store(Reader *r, const Item *it, int64_t v)
{
    if (r->have[it->key] && r->value[it->key] != v) {
        error_set(r->cf->err, ERR_INVALID_DATETIME_FORMAT, "conflicting values for \"%.*s\" field in formatting string", it->len, (const char *)it->text);
        error_detail(r->cf->err, "This value contradicts a previous setting for the same field type.");
        return false;
    }
    r->have[it->key] = true;
    r->value[it->key] = v;
    return true;
}

static bool read_item(Reader *r, const Item *it, const Item *next)
{
    static const char *const am[] = {"A.M.", "P.M.", "AM", "PM"}, *const ad[] = {"A.D.", "B.C.", "AD", "BC"};
    size_t used = 0;
    int64_t v = 0;
    int digits = 0, i;
    Key key = (Key)it->key;
    switch (key) {
    case D_FX: r->fx = true; return true;
    case D_AM: case D_AM_DOTS: case D_AD: case D_AD_DOTS: case D_MONTH: case D_MON: case D_DAY: case D_DY: case D_RM:
        while (isspace((unsigned char)*r->p)) r->p++;
        if (!*r->p) return true;
        break;
    case D_TZ: case D_OF:
        error_set(r->cf->err, ERR_FEATURE_NOT_SUPPORTED, "formatting field \"%.*s\" is only supported in to_char", it->len, (const char *)it->text);
        return false;
    default: break;
    }
    switch (key) {
    case D_AM: case D_AM_DOTS:
        if ((i = match_name(r->p, am, 4, 0, &used)) < 0) return read_error(r->cf, r->p, strlen(r->p) < 4 ? strlen(r->p) : (size_t)it->len, it, "The given value did not match any of the allowed values for this field.");
        r->pm = i & 1;
        r->am = !(i & 1);
        r->hh12 = true;
        break;
    case D_AD: case D_AD_DOTS:
        if ((i = match_name(r->p, ad, 4, 0, &used)) < 0) return read_error(r->cf, r->p, (size_t)it->len, it, "The given value did not match any of the allowed values for this field.");
        r->bc = i & 1;
        break;
    case D_MONTH: case D_MON:
        i = match_name(r->p, datetime_months, 12, key == D_MONTH ? 0 : 3, &used);
        if (i < 0 && key == D_MONTH) i = -1;
        if (i < 0) return read_error(r->cf, r->p, strcspn(r->p, " "), it, "The given value did not match any of the allowed values for this field.");
        if (!store(r, &(Item){.key = D_MM, .text = it->text, .len = it->len}, i + 1)) return false;
        break;
    case D_DAY: case D_DY:
        i = match_name(r->p, datetime_days, 7, key == D_DAY ? 0 : 3, &used);
        if (i < 0) return read_error(r->cf, r->p, strcspn(r->p, " "), it, "The given value did not match any of the allowed values for this field.");
        break;
    case D_RM: {
        int best = -1;
        for (i = 0; i < 12; i++)
            if (!strncasecmp(r->p, romans[i], strlen(romans[i])) && (best < 0 || strlen(romans[i]) > strlen(romans[best]))) best = i;
        if (best < 0) return read_error(r->cf, r->p, strcspn(r->p, " "), it, "The given value did not match any of the allowed values for this field.");
        used = strlen(romans[best]);
        if (!store(r, &(Item){.key = D_MM, .text = it->text, .len = it->len}, best + 1)) return false;
        break;
    }
    case D_TZH:
        r->zone_sign = *r->p == '-' ? -1 : 1;
        if (*r->p == '-' || *r->p == '+' || *r->p == ' ') r->p++;
        if (!read_int(r, it, next, 2, &v, &digits)) return fn_ok(r->cf);
        r->has_zone = true;
        return store(r, it, v);
    case D_Y_YYY: {
        int a, b, n = 0;
        if (sscanf(r->p, "%d,%03d%n", &a, &b, &n) < 2) return read_error(r->cf, r->p, strcspn(r->p, " "), it, NULL);
        used = (size_t)n;
        r->year_digits = 4;
        if (!store(r, &(Item){.key = D_YYYY, .text = it->text, .len = it->len}, a * 1000 + b)) return false;
        break;
    }
    case D_MS: case D_US: case D_FF: {
        const char *before = r->p;
        while (isspace((unsigned char)*before)) before++;
        Item fixed = *it;
        if (!read_int(r, &fixed, next, width_of(it), &v, &digits)) return fn_ok(r->cf);
        if (digits > 6 || (key == D_MS && digits > 3)) return read_error(r->cf, before, (size_t)digits, it, "Value is out of range."), false;
        for (; digits < 6; digits++) v *= 10;
        return store(r, &(Item){.key = D_US, .text = it->text, .len = it->len}, v);
    }
    case D_YYYY: case D_YYY: case D_YY: case D_Y: case D_IYYY: case D_IYY: case D_IY: case D_I:
        if (!read_int(r, it, next, width_of(it), &v, &digits)) return fn_ok(r->cf);
        if (digits < 4 && key != D_YYYY && key != D_IYYY) {
            /* partial years are those nearest to 2020 */
            if (v < 70) v += 2000;
            else if (v < 100) v += 1900;
            else if (v < 520) v += 2000;
            else if (v < 1000) v += 1000;
        }
        r->year_digits = digits;
        return store(r, &(Item){.key = key >= D_IYYY && key <= D_I ? D_IYYY : D_YYYY, .text = it->text, .len = it->len}, v);
    default:
        if (key == D_HH12) r->hh12 = true;
        if (!read_int(r, it, next, width_of(it), &v, &digits)) return fn_ok(r->cf);
        if (key == D_HH12 || key == D_HH24) return store(r, &(Item){.key = D_HH24, .text = it->text, .len = it->len}, v);
        if (!store(r, it, v)) return false;
        break;
    }
    r->p += used;
    if (it->th_upper || it->th_lower) r->p += strlen(r->p) < 2 ? strlen(r->p) : 2;
    return true;
}

/* Separators and blanks of the template stand for any of them in the text. */
static void skip_literal(Reader *r, const Item *it)
{
    if (!*r->p) return;
    if (r->fx) {
        r->p += utf8_char_len((uint8_t)*r->p);
    } else if (it->separator || it->space) {
        while (isspace((unsigned char)*r->p)) r->p++;
        if (is_separator((uint8_t)*r->p) && *r->p != '-' && *r->p != '+') r->p++;
        else if (is_separator((uint8_t)*r->p) && it->separator) r->p++;
    } else {
        while (isspace((unsigned char)*r->p)) r->p++;
        if (*r->p && (uint8_t)*r->p == it->text[0]) r->p += it->len;
        else if (*r->p && !isdigit((unsigned char)*r->p)) r->p += utf8_char_len((uint8_t)*r->p);
        else if (*r->p) r->p++;
    }
}

static bool read_overflow(CallFrame *cf)
{
    Slice s = ARG_TEXT(0);
    error_set(cf->err, ERR_DATETIME_FIELD_OVERFLOW, "date/time field value out of range: \"%.*s\"", (int)s.len, (const char *)s.data);
    return false;
}

static bool assemble(Reader *r, DateTime *dt)
{
    CallFrame *cf = r->cf;
    int64_t *v = r->value;
    *dt = (DateTime){0, 1, 1, 0, 0, 0, 0};
    if (r->have[D_SSSS]) {
        dt->hour = (int)(v[D_SSSS] / 3600);
        dt->min = (int)(v[D_SSSS] / 60 % 60);
        dt->sec = (int)(v[D_SSSS] % 60);
    }
    if (r->have[D_SS]) dt->sec = (int)v[D_SS];
    if (r->have[D_MI]) dt->min = (int)v[D_MI];
    if (r->have[D_HH24]) dt->hour = (int)v[D_HH24];
    if (r->have[D_US]) dt->usec = (int)v[D_US];
    if (r->hh12 && r->have[D_HH24]) {
        if (dt->hour < 1 || dt->hour > 12) {
            error_set(cf->err, ERR_INVALID_DATETIME_FORMAT, "hour \"%d\" is invalid for the 12-hour clock", dt->hour);
            error_hint(cf->err, "Use the 24-hour clock, or give an hour between 1 and 12.");
            return false;
        }
        if (r->pm && dt->hour < 12) dt->hour += 12;
        else if (!r->pm && dt->hour == 12) dt->hour = 0;
    }
    bool have_year = r->have[D_YYYY];
    if (have_year) {
        dt->year = v[D_YYYY];
        if (r->have[D_CC] && r->year_digits <= 2) {
            int64_t cc = r->bc ? -v[D_CC] : v[D_CC];
            dt->year = dt->year % 100;
            dt->year += dt->year ? (cc - 1) * 100 : cc * 100;
        } else if (r->bc && dt->year > 0) {
            dt->year = 1 - dt->year;
        } else if (dt->year < 0) {
            dt->year++;
        }
    } else if (r->have[D_CC]) {
        dt->year = (r->bc ? -v[D_CC] : v[D_CC]) * 100 - 99;
        have_year = true;
    }
    if (r->have[D_J]) {
        date_to_civil(v[D_J] - POSTGRES_EPOCH_JDATE, &dt->year, &dt->month, &dt->day);
        have_year = true;
    }
    if (r->have[D_IYYY]) {
        int64_t jan4 = date_from_civil(v[D_IYYY], 1, 4), monday = jan4 - (date_dow(jan4) + 6) % 7;
        int64_t day = monday;
        if (r->have[D_IDDD]) day = monday + v[D_IDDD] - 1;
        else if (r->have[D_IW]) day = monday + (v[D_IW] - 1) * 7 + (r->have[D_ID] ? v[D_ID] - 1 : 0);
        date_to_civil(day, &dt->year, &dt->month, &dt->day);
        have_year = true;
    }
    if (r->have[D_WW] && !r->have[D_MM]) v[D_DDD] = (v[D_WW] - 1) * 7 + 1, r->have[D_DDD] = true;
    if (r->have[D_W] && !r->have[D_DD]) v[D_DD] = (v[D_W] - 1) * 7 + 1, r->have[D_DD] = true;
    if (r->have[D_MM]) dt->month = (int)v[D_MM];
    if (r->have[D_DD]) dt->day = (int)v[D_DD];
    if (r->have[D_DDD] && !(r->have[D_MM] && r->have[D_DD])) {
        if (!have_year && !r->have[D_YYYY]) {
            error_set(cf->err, ERR_INVALID_DATETIME_FORMAT, "cannot calculate day of year without year information");
            return false;
        }
        if (v[D_DDD] < 1 || v[D_DDD] > 366) return read_overflow(cf);
        date_to_civil(date_from_civil(dt->year, 1, 1) + v[D_DDD] - 1, &dt->year, &dt->month, &dt->day);
    }
    if (dt->month < 1 || dt->month > 12 || dt->day < 1 || dt->day > days_in_month(dt->year, dt->month) || dt->year > 5874897 || dt->year < -4713)
        return read_overflow(cf);
    if (dt->hour < 0 || dt->hour >= 24 || dt->min < 0 || dt->min >= 60 || dt->sec < 0 || dt->sec >= 60) return read_overflow(cf);
    return true;
}

static bool read_moment(CallFrame *cf, DateTime *dt, Reader *r)
{
    Template t;
    *r = (Reader){.cf = cf, .p = fn_arg_cstr(cf, 0)};
    if (!r->p || !parse_template(cf, ARG_TEXT(1), &t)) return false;
    while (!r->fx && isspace((unsigned char)*r->p)) r->p++;
    for (int i = 0; i < t.n && *r->p; i++) {
        if (t.items[i].key == D_CHAR) skip_literal(r, &t.items[i]);
        else if (!read_item(r, &t.items[i], i + 1 < t.n ? &t.items[i + 1] : NULL)) return false;
    }
    return assemble(r, dt);
}

FN(to_timestamp)
{
    DateTime dt;
    Reader r;
    int64_t ts;
    if (!read_moment(cf, &dt, &r)) return 0;
    if (r.has_zone) {
        int64_t east = r.zone_sign * (r.value[D_TZH] * 3600 + (r.have[D_TZM] ? r.value[D_TZM] * 60 : 0));
        if (!datetime_to_timestamp(&dt, &ts)) return CALL_ERROR(cf, ERR_DATETIME_VALUE_OUT_OF_RANGE, "timestamp out of range");
        return datum_i64(ts - east * USECS_PER_SEC);
    }
    if (!datetime_to_timestamptz(&dt, fn_format(cf)->timezone, &ts)) return CALL_ERROR(cf, ERR_DATETIME_VALUE_OUT_OF_RANGE, "timestamp out of range");
    return datum_i64(ts);
}
FN(to_date)
{
    DateTime dt;
    Reader r;
    if (!read_moment(cf, &dt, &r)) return 0;
    int64_t days = date_from_civil(dt.year, dt.month, dt.day);
    if (!DATE_IN_RANGE(days)) return CALL_ERROR(cf, ERR_DATETIME_VALUE_OUT_OF_RANGE, "date out of range: \"%s\"", fn_arg_cstr(cf, 0));
    return datum_i32((int32_t)days);
}
