/* Time zones: loading TZif files, the POSIX rule at their end, look-up by UTC or local time. */
#include <ctype.h>
#include <dirent.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/stat.h>

#include "types/timezone.h"

#define ZONE_DIR "/usr/share/zoneinfo"
#define DAY 86400

typedef struct ZoneType { int32_t off; bool dst; uint8_t abbr; } ZoneType;
/* One end of daylight saving time: kind 'M' (month, week, weekday), 'J' (day 1..365 without Feb 29), 'D' (day 0..365). */
typedef struct PosixDate { char kind; int month, week, day; int32_t time; } PosixDate;
typedef struct PosixRule {
    bool valid, has_dst;
    char std[16], dst[16];
    int32_t std_off, dst_off;
    PosixDate start, end;
} PosixRule;

struct TimeZone {
    struct TimeZone *next;
    char name[96];
    int ntrans, ntypes;
    int64_t *trans;
    uint8_t *idx;
    ZoneType *types;
    char *abbrs;
    PosixRule rule;
};

static _Atomic(struct TimeZone *) zones; /* append only */

/* ---- calendar ---- */

static int64_t days_from_civil(int64_t y, int m, int d)
{
    y -= m <= 2;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t yoe = y - era * 400, doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static int64_t year_of(int64_t t)
{
    int64_t days = t / DAY - (t % DAY < 0) + 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097, doe = days - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365, doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    return yoe + era * 400 + ((5 * doy + 2) / 153 >= 10);
}

static bool leap(int64_t y) { return (y % 4 == 0 && y % 100 != 0) || y % 400 == 0; }

/* ---- POSIX strings: std offset [dst [offset] [,start[/time],end[/time]]] ---- */

static const char *posix_name(const char *p, char out[16])
{
    size_t n = 0;
    if (*p == '<') {
        for (p++; *p && *p != '>'; p++)
            if (n < 15) out[n++] = *p;
        if (*p++ != '>') return NULL;
    } else {
        for (; isalpha((unsigned char)*p); p++)
            if (n < 15) out[n++] = *p;
    }
    out[n] = 0;
    return n ? p : NULL;
}

static const char *posix_time(const char *p, int32_t *out)
{
    int sign = 1, part[3] = {0, 0, 0};
    if (*p == '+' || *p == '-') sign = *p++ == '-' ? -1 : 1;
    for (int i = 0; i < 3; i++) {
        if (!isdigit((unsigned char)*p)) return NULL;
        while (isdigit((unsigned char)*p) && part[i] < 1000) part[i] = part[i] * 10 + (*p++ - '0');
        if (*p != ':' || i == 2) break;
        p++;
    }
    if (part[0] > 167 || part[1] > 59 || part[2] > 59) return NULL;
    *out = sign * (part[0] * 3600 + part[1] * 60 + part[2]);
    return p;
}

static const char *posix_date(const char *p, PosixDate *d)
{
    int v[3] = {0, 0, 0}, n = 1;
    d->kind = *p == 'M' || *p == 'J' ? *p++ : 'D';
    if (d->kind == 'M') n = 3;
    for (int i = 0; i < n; i++) {
        if (i && *p++ != '.') return NULL;
        if (!isdigit((unsigned char)*p)) return NULL;
        while (isdigit((unsigned char)*p) && v[i] < 1000) v[i] = v[i] * 10 + (*p++ - '0');
    }
    if (d->kind == 'M') d->month = v[0], d->week = v[1], d->day = v[2];
    else d->day = v[0];
    d->time = 7200;
    return *p == '/' ? posix_time(p + 1, &d->time) : p;
}

static bool posix_parse(const char *p, PosixRule *r)
{
    int32_t off;
    memset(r, 0, sizeof *r);
    if (!(p = posix_name(p, r->std)) || !(p = posix_time(p, &off))) return false;
    r->std_off = -off;
    r->valid = true;
    if (!*p) return true;
    if (!(p = posix_name(p, r->dst))) return false;
    r->has_dst = true;
    r->dst_off = r->std_off + 3600;
    if (*p && *p != ',') {
        if (!(p = posix_time(p, &off))) return false;
        r->dst_off = -off;
    }
    if (!*p) p = ",M3.2.0,M11.1.0";
    if (*p++ != ',' || !(p = posix_date(p, &r->start)) || *p++ != ',' || !(p = posix_date(p, &r->end))) return false;
    return !*p;
}

/* Seconds since 1970, local wall clock, of a rule date in a year. */
static int64_t posix_local(const PosixDate *d, int64_t year)
{
    int64_t day;
    if (d->kind == 'M') {
        static const int len[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
        int64_t first = days_from_civil(year, d->month, 1);
        int dow = (int)(((first + 4) % 7 + 7) % 7), mday = (d->day - dow + 7) % 7 + (d->week - 1) * 7;
        int mlen = len[d->month - 1] + (d->month == 2 && leap(year));
        while (mday >= mlen) mday -= 7;
        day = first + mday;
    } else {
        day = days_from_civil(year, 1, 1) + (d->kind == 'J' ? d->day - 1 + (leap(year) && d->day >= 60) : d->day);
    }
    return day * DAY + d->time;
}

static ZoneOffset rule_at(const PosixRule *r, int64_t t)
{
    ZoneOffset std = {r->std_off, false, r->std}, dst = {r->dst_off, true, r->dst};
    if (!r->has_dst) return std;
    int64_t year = year_of(t + r->std_off);
    int64_t start = posix_local(&r->start, year) - r->std_off, end = posix_local(&r->end, year) - r->dst_off;
    bool in = start < end ? t >= start && t < end : !(t >= end && t < start);
    return in ? dst : std;
}

static bool rule_next(const PosixRule *r, int64_t t, int64_t *boundary)
{
    if (!r->has_dst) return false;
    int64_t year = year_of(t + r->std_off), best = INT64_MAX;
    for (int64_t y = year - 1; y <= year + 1; y++) {
        int64_t b[2] = {posix_local(&r->start, y) - r->std_off, posix_local(&r->end, y) - r->dst_off};
        for (int i = 0; i < 2; i++)
            if (b[i] > t && b[i] < best) best = b[i];
    }
    *boundary = best;
    return best != INT64_MAX;
}

/* ---- TZif ---- */

static int64_t be(const uint8_t *p, int n)
{
    int64_t v = p[0] & 0x80 ? -1 : 0;
    for (int i = 0; i < n; i++) v = (int64_t)((uint64_t)v << 8 | p[i]);
    return v;
}

typedef struct Header { int64_t isut, isstd, leap, time, type, chars; } Header;

static bool read_header(const uint8_t *p, size_t left, Header *h)
{
    if (left < 44 || memcmp(p, "TZif", 4) != 0) return false;
    *h = (Header){be(p + 20, 4), be(p + 24, 4), be(p + 28, 4), be(p + 32, 4), be(p + 36, 4), be(p + 40, 4)};
    return h->time >= 0 && h->time < 100000 && h->type > 0 && h->type < 256 && h->chars >= 0 && h->chars < 4096 && h->leap >= 0 &&
           h->leap < 10000;
}

static bool parse_tzif(const uint8_t *p, size_t n, struct TimeZone *tz)
{
    Header h;
    if (!read_header(p, n, &h) || p[4] < '2') return false;
    size_t skip = (size_t)(44 + h.time * 5 + h.type * 6 + h.chars + h.leap * 8 + h.isstd + h.isut);
    if (n < skip || !read_header(p + skip, n - skip, &h)) return false;
    p += skip + 44;
    n -= skip + 44;
    size_t body = (size_t)(h.time * 9 + h.type * 6 + h.chars + h.leap * 12 + h.isstd + h.isut);
    if (n < body) return false;
    tz->ntrans = (int)h.time;
    tz->ntypes = (int)h.type;
    tz->trans = malloc((size_t)h.time * 8 + 1);
    tz->idx = malloc((size_t)h.time + 1);
    tz->types = calloc((size_t)h.type, sizeof tz->types[0]);
    tz->abbrs = calloc(1, (size_t)h.chars + 1);
    if (!tz->trans || !tz->idx || !tz->types || !tz->abbrs) return false;
    for (int i = 0; i < tz->ntrans; i++) {
        tz->trans[i] = be(p + 8 * i, 8);
        tz->idx[i] = p[h.time * 8 + i];
        if (tz->idx[i] >= h.type) return false;
    }
    const uint8_t *t = p + h.time * 9;
    for (int i = 0; i < tz->ntypes; i++, t += 6) {
        tz->types[i] = (ZoneType){(int32_t)be(t, 4), t[4] != 0, t[5]};
        if (t[5] >= h.chars) return false;
    }
    memcpy(tz->abbrs, t, (size_t)h.chars);
    const char *footer = (const char *)p + body;
    size_t left = n - body;
    char rule[128];
    if (left > 2 && left < sizeof rule && footer[0] == '\n' && footer[left - 1] == '\n') {
        memcpy(rule, footer + 1, left - 2);
        rule[left - 2] = 0;
        posix_parse(rule, &tz->rule);
    }
    return true;
}

static bool load_file(const char *path, struct TimeZone *tz)
{
    struct stat st;
    FILE *f = fopen(path, "rb");
    bool ok = false;
    if (!f) return false;
    if (fstat(fileno(f), &st) == 0 && S_ISREG(st.st_mode) && st.st_size < 1 << 20) {
        uint8_t *buf = malloc((size_t)st.st_size + 1);
        size_t n = buf ? fread(buf, 1, (size_t)st.st_size, f) : 0;
        ok = buf && parse_tzif(buf, n, tz);
        free(buf);
    }
    fclose(f);
    return ok;
}

/* Finds `part` in dir without regard to case; appends the true spelling to path. */
static bool match_part(char *path, size_t cap, const char *part)
{
    DIR *dir = opendir(path);
    struct dirent *e;
    bool found = false;
    if (!dir) return false;
    while (!found && (e = readdir(dir)))
        if (!strcasecmp(e->d_name, part) && strlen(path) + strlen(e->d_name) + 2 < cap) {
            strcat(path, "/");
            strcat(path, e->d_name);
            found = true;
        }
    closedir(dir);
    return found;
}

static bool find_file(const char *name, char *path, size_t cap)
{
    char copy[96], *save = NULL;
    if (name[0] == '/' || strstr(name, "..") || strlen(name) >= sizeof copy) return false;
    strcpy(copy, name);
    snprintf(path, cap, "%s", ZONE_DIR);
    for (char *part = strtok_r(copy, "/", &save); part; part = strtok_r(NULL, "/", &save))
        if (!match_part(path, cap, part)) return false;
    return true;
}

static void zone_free(struct TimeZone *tz)
{
    if (!tz) return;
    free(tz->trans);
    free(tz->idx);
    free(tz->types);
    free(tz->abbrs);
    free(tz);
}

static const TimeZone *zone_cached(const char *name)
{
    for (struct TimeZone *z = atomic_load(&zones); z; z = z->next)
        if (!strcasecmp(z->name, name)) return z;
    return NULL;
}

static const TimeZone *zone_publish(struct TimeZone *tz)
{
    tz->next = atomic_load(&zones);
    while (!atomic_compare_exchange_weak(&zones, &tz->next, tz)) {}
    return tz;
}

const TimeZone *timezone_find(Slice name)
{
    char text[96], path[512];
    if (name.len == 0 || name.len >= sizeof text) return NULL;
    memcpy(text, name.data, name.len);
    text[name.len] = 0;
    if (strlen(text) != name.len) return NULL;
    const TimeZone *hit = zone_cached(text);
    if (hit) return hit;
    struct TimeZone *tz = calloc(1, sizeof *tz);
    if (!tz) return NULL;
    if (!strcasecmp(text, "UTC") || !strcasecmp(text, "GMT")) {
        char upper[4] = {(char)toupper(text[0]), (char)toupper(text[1]), (char)toupper(text[2]), 0};
        strcpy(tz->name, upper);
        tz->rule = (PosixRule){.valid = true};
        strcpy(tz->rule.std, upper);
        return zone_publish(tz);
    }
    if (find_file(text, path, sizeof path) && load_file(path, tz)) {
        snprintf(tz->name, sizeof tz->name, "%.90s", path + strlen(ZONE_DIR) + 1);
        return zone_publish(tz);
    }
    for (char *p = text; *p; p++) *p = text[0] == '<' ? *p : (char)toupper((unsigned char)*p);
    if (posix_parse(text, &tz->rule)) {
        strcpy(tz->name, text);
        return zone_publish(tz);
    }
    zone_free(tz);
    return NULL;
}

const TimeZone *timezone_utc(void) { return timezone_find(slice_cstr("UTC")); }
const char *timezone_name(const TimeZone *tz) { return tz ? tz->name : "UTC"; }

const TimeZone *timezone_fixed(int east)
{
    char part[24], name[64];
    int a = east < 0 ? -east : east;
    if (a > 167 * 3600) return NULL;
    int n = snprintf(part, sizeof part, "%02d", a / 3600);
    if (a % 3600) n += snprintf(part + n, sizeof part - (size_t)n, ":%02d", a % 3600 / 60);
    if (a % 60) snprintf(part + n, sizeof part - (size_t)n, ":%02d", a % 60);
    snprintf(name, sizeof name, "<%c%s>%c%s", east < 0 ? '-' : '+', part, east < 0 ? '+' : '-', part);
    return timezone_find(slice_cstr(name));
}

/* ---- look-up ---- */

static ZoneOffset of_type(const TimeZone *tz, int i)
{
    return (ZoneOffset){tz->types[i].off, tz->types[i].dst, tz->abbrs + tz->types[i].abbr};
}

/* Number of transitions at or before t. */
static int transitions_until(const TimeZone *tz, int64_t t)
{
    int lo = 0, hi = tz->ntrans;
    while (lo < hi) {
        int mid = (lo + hi) / 2;
        if (tz->trans[mid] <= t) lo = mid + 1;
        else hi = mid;
    }
    return lo;
}

ZoneOffset timezone_at(const TimeZone *tz, int64_t t)
{
    if (!tz) return (ZoneOffset){0, false, "UTC"};
    int n = tz->ntrans ? transitions_until(tz, t) : 0;
    if (n == tz->ntrans && tz->rule.valid) return rule_at(&tz->rule, t);
    return of_type(tz, n ? tz->idx[n - 1] : 0);
}

static bool next_transition(const TimeZone *tz, int64_t t, int64_t *boundary)
{
    int n = tz->ntrans ? transitions_until(tz, t) : 0;
    if (n < tz->ntrans) {
        *boundary = tz->trans[n];
        return true;
    }
    return tz->rule.valid && rule_next(&tz->rule, t, boundary);
}

ZoneOffset timezone_at_local(const TimeZone *tz, int64_t local)
{
    int64_t boundary;
    if (!tz) return (ZoneOffset){0, false, "UTC"};
    ZoneOffset before = timezone_at(tz, local - DAY);
    if (!next_transition(tz, local - DAY, &boundary)) return before;
    ZoneOffset after = timezone_at(tz, boundary);
    int64_t tb = local - before.seconds_east, ta = local - after.seconds_east;
    if (tb < boundary && ta < boundary) return before;
    if (tb > boundary && ta >= boundary) return after;
    return tb > ta ? before : after;
}

/* ---- abbreviations ---- */

static const struct { char name[8]; int32_t off; bool dst; char zone[32]; } abbrevs[] = {
#define TZABBREV(name, off, dst, zone) {name, off, dst, zone},
#include "types/timezone_abbrevs.def"
#undef TZABBREV
};
enum { NABBREVS = sizeof abbrevs / sizeof abbrevs[0] };

int timezone_abbrev_count(void) { return NABBREVS; }

const char *timezone_abbrev_at(int i, ZoneAbbrev *out)
{
    *out = (ZoneAbbrev){abbrevs[i].off, abbrevs[i].dst, abbrevs[i].zone[0] ? timezone_find(slice_cstr(abbrevs[i].zone)) : NULL};
    return abbrevs[i].name;
}

bool timezone_abbrev(Slice name, ZoneAbbrev *out)
{
    int lo = 0, hi = NABBREVS - 1;
    char up[8] = {0};
    if (name.len == 0 || name.len > 7) return false;
    for (size_t i = 0; i < name.len; i++) up[i] = (char)toupper(name.data[i]);
    while (lo <= hi) {
        int mid = (lo + hi) / 2, c = strcmp(up, abbrevs[mid].name);
        if (c == 0) {
            timezone_abbrev_at(mid, out);
            return true;
        }
        if (c < 0) hi = mid - 1;
        else lo = mid + 1;
    }
    return false;
}

static bool same_abbrev(const char *a, Slice b) { return strlen(a) == b.len && !strncasecmp(a, (const char *)b.data, b.len); }

bool timezone_abbrev_in_zone(const TimeZone *tz, Slice abbrev, int64_t t, ZoneOffset *out)
{
    *out = timezone_at(tz, t);
    if (same_abbrev(out->abbrev, abbrev)) return true;
    for (int i = (tz->ntrans ? transitions_until(tz, t) : 0) - 1; i >= 0; i--) { /* last use before */
        *out = of_type(tz, tz->idx[i]);
        if (same_abbrev(out->abbrev, abbrev)) return true;
    }
    for (int i = tz->ntrans ? transitions_until(tz, t) : 0; i < tz->ntrans; i++) { /* first use after */
        *out = of_type(tz, tz->idx[i]);
        if (same_abbrev(out->abbrev, abbrev)) return true;
    }
    const PosixRule *r = &tz->rule;
    if (r->valid && same_abbrev(r->std, abbrev)) *out = (ZoneOffset){r->std_off, false, r->std};
    else if (r->valid && r->has_dst && same_abbrev(r->dst, abbrev)) *out = (ZoneOffset){r->dst_off, true, r->dst};
    else return false;
    return true;
}

/* ---- names ---- */

static void each_in(const char *dir, const char *prefix, int depth, void (*fn)(void *, const char *), void *arg)
{
    char path[512], name[256];
    DIR *d = opendir(dir);
    struct dirent *e;
    if (!d) return;
    while ((e = readdir(d))) {
        struct stat st;
        if (e->d_name[0] == '.' || (!depth && (!strcmp(e->d_name, "posix") || !strcmp(e->d_name, "right")))) continue;
        snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
        snprintf(name, sizeof name, "%s%s", prefix, e->d_name);
        if (stat(path, &st) != 0) continue;
        if (S_ISDIR(st.st_mode) && depth < 4) {
            strcat(name, "/");
            each_in(path, name, depth + 1, fn, arg);
        } else if (S_ISREG(st.st_mode)) {
            FILE *f = fopen(path, "rb");
            char magic[4];
            if (f && fread(magic, 1, 4, f) == 4 && !memcmp(magic, "TZif", 4)) fn(arg, name);
            if (f) fclose(f);
        }
    }
    closedir(d);
}

void timezone_each_name(void (*fn)(void *arg, const char *name), void *arg) { each_in(ZONE_DIR, "", 0, fn, arg); }
