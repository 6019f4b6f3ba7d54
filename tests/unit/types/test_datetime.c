/* Dates, times and intervals against PostgreSQL 15's answers (cases/datetime.txt, written by gen_datetime.py). */
#include <criterion/criterion.h>
#include <stdio.h>
#include <strings.h>

#include "types/datetime.h"

static DateStyleFormat style_of(const char *s)
{
    return s[0] == 'I' ? DATESTYLE_ISO : s[0] == 'S' ? DATESTYLE_SQL : s[0] == 'P' ? DATESTYLE_POSTGRES : DATESTYLE_GERMAN;
}
static DateOrder order_of(const char *s)
{
    const char *o = strchr(s, ' ') + 1;
    return o[0] == 'M' ? DATEORDER_MDY : o[0] == 'D' ? DATEORDER_DMY : DATEORDER_YMD;
}
static IntervalStyle interval_style_of(const char *s)
{
    return !strcmp(s, "postgres") ? INTERVALSTYLE_POSTGRES : s[0] == 'p' ? INTERVALSTYLE_VERBOSE : s[0] == 's' ? INTERVALSTYLE_SQL : INTERVALSTYLE_ISO;
}

static Status convert(const char *type, const FormatOptions *f, Slice text, StrBuf *sb, Error *err)
{
    int32_t d;
    int64_t t;
    TimeTz tz;
    Interval iv;
    if (!strcmp(type, "date")) {
        TRY(datetime_parse_date(f, text, &d, err));
        datetime_print_date(f, d, sb);
    } else if (!strcmp(type, "time")) {
        TRY(datetime_parse_time(f, text, &t, err));
        datetime_print_time(t, sb);
    } else if (!strcmp(type, "timetz")) {
        TRY(datetime_parse_timetz(f, text, &tz, err));
        datetime_print_timetz(&tz, sb);
    } else if (!strcmp(type, "timestamp")) {
        TRY(datetime_parse_timestamp(f, text, &t, err));
        datetime_print_timestamp(f, t, sb);
    } else if (!strcmp(type, "timestamptz")) {
        TRY(datetime_parse_timestamptz(f, text, &t, err));
        datetime_print_timestamptz(f, t, sb);
    } else {
        TRY(interval_parse(f, text, -1, &iv, err));
        interval_print(f, &iv, sb);
    }
    return ST_OK;
}

Test(datetime, answers_of_postgresql)
{
    char path[512], line[2000];
    int all = 0, bad = 0;
    snprintf(path, sizeof path, "%.*s/cases/datetime.txt", (int)(strrchr(__FILE__, '/') - __FILE__), __FILE__);
    FILE *f = fopen(path, "r");
    cr_assert(f);
    while (fgets(line, sizeof line, f)) {
        char *part[6], *save = line;
        line[strcspn(line, "\n")] = 0;
        for (int i = 0; i < 6; i++) part[i] = i < 5 ? strsep(&save, "|") : save;
        if (!part[5]) continue;
        FormatOptions fmt = {.datestyle = style_of(part[1]), .dateorder = order_of(part[1]), .intervalstyle = interval_style_of(part[2]),
                             .timezone = timezone_find(slice_cstr(part[3])), .now_us = 8e14};
        Arena arena;
        StrBuf sb;
        Error err = ERROR_INIT;
        arena_init(&arena, NULL, 0);
        strbuf_init(&sb, &arena);
        if (failed(convert(part[0], &fmt, slice_cstr(part[4]), &sb, &err))) {
            char state[6];
            sqlstate_text(err.code, state);
            strbuf_reset(&sb);
            strbuf_printf(&sb, "ERROR %s %s", state, err.message);
        }
        if (strcmp(strbuf_cstr(&sb), part[5]) && bad++ < 80)
            fprintf(stderr, "%s '%s' (%s, %s, %s) = %s, PostgreSQL: %s\n", part[0], part[4], part[1], part[2], part[3], strbuf_cstr(&sb), part[5]);
        all++;
        error_clear(&err);
        arena_destroy(&arena);
    }
    fclose(f);
    cr_assert(all > 500);
    cr_expect(bad == 0, "%d of %d differ", bad, all);
}

Test(datetime, calendar_round_trip)
{
    for (int64_t d = -2451545; d < 800000; d += 97) {
        int64_t y;
        int m, day;
        date_to_civil(d, &y, &m, &day);
        cr_assert_eq(date_from_civil(y, m, day), d);
        cr_assert(day >= 1 && day <= days_in_month(y, m));
    }
    int64_t iso;
    cr_expect_eq(date_isoweek(date_from_civil(2005, 1, 1), &iso), 53);
    cr_expect_eq(iso, 2004);
    cr_expect_eq(date_doy(date_from_civil(2004, 12, 31)), 366);
    cr_expect_eq(date_dow(date_from_civil(2026, 11, 21)), 6);
}

Test(datetime, zones)
{
    const TimeZone *ny = timezone_find(slice_cstr("america/new_york"));
    cr_assert(ny);
    cr_expect_str_eq(timezone_name(ny), "America/New_York");
    cr_expect_eq(timezone_at(ny, 1720000000).seconds_east, -4 * 3600);
    cr_expect_str_eq(timezone_at(ny, 1720000000).abbrev, "EDT");
    cr_expect_eq(timezone_at(ny, 4102444800 + 180 * 86400).seconds_east, -4 * 3600); /* by the rule at the file's end */
    cr_expect_eq(timezone_at(ny, 4102444800).seconds_east, -5 * 3600);
    cr_expect(timezone_find(slice_cstr("Nowhere/Land")) == NULL);
    cr_expect(timezone_find(slice_cstr("../../etc/passwd")) == NULL);
    cr_expect_str_eq(timezone_name(timezone_setting("-7")), "<-07>+07");
}
