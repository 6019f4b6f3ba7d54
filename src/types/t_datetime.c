/* The types date, time, timetz, timestamp, timestamptz, interval: text and binary forms, order, modifiers; and their settings. */
#include <stdlib.h>
#include <strings.h>

#include "common/hash.h"
#include "types/datetime.h"
#include "types/types_internal.h"

/* ---- date ---- */

STATUS date_in(IoContext *io, const TypeInfo *type, Slice text, int32_t typmod, Datum *out, Error *err)
{
    int32_t d;
    TRY(datetime_parse_date(io->format, text, &d, err));
    *out = datum_i32(d);
    return ST_OK;
}

STATUS date_out(IoContext *io, const TypeInfo *type, Datum value, StrBuf *out, Error *err)
{
    datetime_print_date(io->format, datum_get_i32(value), out);
    return strbuf_check(out, err);
}

STATUS date_recv(IoContext *io, const TypeInfo *type, Slice bytes, int32_t typmod, Datum *out, Error *err)
{
    TRY(recv_exactly(bytes, 4, err));
    int32_t d = (int32_t)get_be32(bytes.data);
    if (DATE_IS_FINITE(d) && !DATE_IN_RANGE(d)) return error_set(err, ERR_DATETIME_VALUE_OUT_OF_RANGE, "date out of range");
    *out = datum_i32(d);
    return ST_OK;
}

STATUS date_send(IoContext *io, const TypeInfo *type, Datum value, StrBuf *out, Error *err)
{
    put_be32(out, (uint32_t)datum_get_i32(value));
    return strbuf_check(out, err);
}

int date_compare(const TypeInfo *type, Datum a, Datum b)
{
    int32_t x = datum_get_i32(a), y = datum_get_i32(b);
    return (x > y) - (x < y);
}

uint64_t date_hash(const TypeInfo *type, Datum v) { return hash_u64((uint64_t)datum_get_i32(v)); }

/* ---- time, timestamp, timestamptz: 64 bits by value ---- */

static int compare_i64(Datum a, Datum b)
{
    int64_t x = datum_get_i64(a), y = datum_get_i64(b);
    return (x > y) - (x < y);
}

static STATUS recv_i64(Slice bytes, int64_t *out, Error *err)
{
    TRY(recv_exactly(bytes, 8, err));
    *out = (int64_t)get_be64(bytes.data);
    return ST_OK;
}

STATUS time_in(IoContext *io, const TypeInfo *type, Slice text, int32_t typmod, Datum *out, Error *err)
{
    int64_t t;
    TRY(datetime_parse_time(io->format, text, &t, err));
    *out = datum_i64(time_round(t, typmod));
    return ST_OK;
}

STATUS time_out(IoContext *io, const TypeInfo *type, Datum value, StrBuf *out, Error *err)
{
    datetime_print_time(datum_get_i64(value), out);
    return strbuf_check(out, err);
}

STATUS time_recv(IoContext *io, const TypeInfo *type, Slice bytes, int32_t typmod, Datum *out, Error *err)
{
    int64_t t;
    TRY(recv_i64(bytes, &t, err));
    if (t < 0 || t > USECS_PER_DAY) return error_set(err, ERR_DATETIME_VALUE_OUT_OF_RANGE, "time out of range");
    *out = datum_i64(time_round(t, typmod));
    return ST_OK;
}

STATUS time_send(IoContext *io, const TypeInfo *type, Datum value, StrBuf *out, Error *err)
{
    put_be64(out, value);
    return strbuf_check(out, err);
}

int time_compare(const TypeInfo *type, Datum a, Datum b) { return compare_i64(a, b); }
uint64_t time_hash(const TypeInfo *type, Datum v) { return hash_u64(v); }

STATUS timestamp_in(IoContext *io, const TypeInfo *type, Slice text, int32_t typmod, Datum *out, Error *err)
{
    int64_t t;
    TRY(datetime_parse_timestamp(io->format, text, &t, err));
    TRY(timestamp_round(&t, typmod, err));
    *out = datum_i64(t);
    return ST_OK;
}

STATUS timestamp_out(IoContext *io, const TypeInfo *type, Datum value, StrBuf *out, Error *err)
{
    datetime_print_timestamp(io->format, datum_get_i64(value), out);
    return strbuf_check(out, err);
}

STATUS timestamp_recv(IoContext *io, const TypeInfo *type, Slice bytes, int32_t typmod, Datum *out, Error *err)
{
    int64_t t;
    TRY(recv_i64(bytes, &t, err));
    if (TIMESTAMP_IS_FINITE(t) && !TIMESTAMP_IN_RANGE(t)) return timestamp_out_of_range(err);
    TRY(timestamp_round(&t, typmod, err));
    *out = datum_i64(t);
    return ST_OK;
}

STATUS timestamp_send(IoContext *io, const TypeInfo *type, Datum value, StrBuf *out, Error *err)
{
    put_be64(out, value);
    return strbuf_check(out, err);
}

int timestamp_compare(const TypeInfo *type, Datum a, Datum b) { return compare_i64(a, b); }
uint64_t timestamp_hash(const TypeInfo *type, Datum v) { return hash_u64(v); }

STATUS timestamptz_in(IoContext *io, const TypeInfo *type, Slice text, int32_t typmod, Datum *out, Error *err)
{
    int64_t t;
    TRY(datetime_parse_timestamptz(io->format, text, &t, err));
    TRY(timestamp_round(&t, typmod, err));
    *out = datum_i64(t);
    return ST_OK;
}

STATUS timestamptz_out(IoContext *io, const TypeInfo *type, Datum value, StrBuf *out, Error *err)
{
    datetime_print_timestamptz(io->format, datum_get_i64(value), out);
    return strbuf_check(out, err);
}

STATUS timestamptz_recv(IoContext *io, const TypeInfo *type, Slice bytes, int32_t typmod, Datum *out, Error *err)
{
    return timestamp_recv(io, type, bytes, typmod, out, err);
}

STATUS timestamptz_send(IoContext *io, const TypeInfo *type, Datum value, StrBuf *out, Error *err)
{
    return timestamp_send(io, type, value, out, err);
}

int timestamptz_compare(const TypeInfo *type, Datum a, Datum b) { return compare_i64(a, b); }
uint64_t timestamptz_hash(const TypeInfo *type, Datum v) { return hash_u64(v); }

/* ---- timetz ---- */

STATUS timetz_in(IoContext *io, const TypeInfo *type, Slice text, int32_t typmod, Datum *out, Error *err)
{
    TimeTz t = {0};
    TRY(datetime_parse_timetz(io->format, text, &t, err));
    t.time = time_round(t.time, typmod);
    TRY_MEM(*out = timetz_new(io->arena, &t), err);
    return ST_OK;
}

STATUS timetz_out(IoContext *io, const TypeInfo *type, Datum value, StrBuf *out, Error *err)
{
    TimeTz t = timetz_get(value);
    datetime_print_timetz(&t, out);
    return strbuf_check(out, err);
}

STATUS timetz_recv(IoContext *io, const TypeInfo *type, Slice bytes, int32_t typmod, Datum *out, Error *err)
{
    TRY(recv_exactly(bytes, 12, err));
    TimeTz t = {(int64_t)get_be64(bytes.data), (int32_t)get_be32(bytes.data + 8)};
    if (t.time < 0 || t.time > USECS_PER_DAY) return error_set(err, ERR_DATETIME_VALUE_OUT_OF_RANGE, "time out of range");
    if (t.zone <= -16 * 3600 || t.zone >= 16 * 3600)
        return error_set(err, ERR_INVALID_TIME_ZONE_DISPLACEMENT_VALUE, "time zone displacement out of range");
    t.time = time_round(t.time, typmod);
    TRY_MEM(*out = timetz_new(io->arena, &t), err);
    return ST_OK;
}

STATUS timetz_send(IoContext *io, const TypeInfo *type, Datum value, StrBuf *out, Error *err)
{
    TimeTz t = timetz_get(value);
    put_be64(out, (uint64_t)t.time);
    put_be32(out, (uint32_t)t.zone);
    return strbuf_check(out, err);
}

int timetz_compare(const TypeInfo *type, Datum a, Datum b)
{
    TimeTz x = timetz_get(a), y = timetz_get(b);
    return timetz_cmp(&x, &y);
}

uint64_t timetz_hash(const TypeInfo *type, Datum v)
{
    TimeTz t = timetz_get(v);
    return hash_combine(hash_u64((uint64_t)t.time), hash_u64((uint64_t)t.zone));
}

/* ---- interval ---- */

STATUS interval_in(IoContext *io, const TypeInfo *type, Slice text, int32_t typmod, Datum *out, Error *err)
{
    Interval iv;
    TRY(interval_parse(io->format, text, typmod, &iv, err));
    TRY_MEM(*out = interval_new(io->arena, &iv), err);
    return ST_OK;
}

STATUS interval_out(IoContext *io, const TypeInfo *type, Datum value, StrBuf *out, Error *err)
{
    Interval iv = interval_get(value);
    interval_print(io->format, &iv, out);
    return strbuf_check(out, err);
}

STATUS interval_recv(IoContext *io, const TypeInfo *type, Slice bytes, int32_t typmod, Datum *out, Error *err)
{
    TRY(recv_exactly(bytes, 16, err));
    Interval iv = {(int64_t)get_be64(bytes.data), (int32_t)get_be32(bytes.data + 8), (int32_t)get_be32(bytes.data + 12)};
    TRY(interval_apply_typmod(&iv, typmod, err));
    TRY_MEM(*out = interval_new(io->arena, &iv), err);
    return ST_OK;
}

STATUS interval_send(IoContext *io, const TypeInfo *type, Datum value, StrBuf *out, Error *err)
{
    Interval iv = interval_get(value);
    put_be64(out, (uint64_t)iv.time);
    put_be32(out, (uint32_t)iv.day);
    put_be32(out, (uint32_t)iv.month);
    return strbuf_check(out, err);
}

int interval_compare(const TypeInfo *type, Datum a, Datum b)
{
    Interval x = interval_get(a), y = interval_get(b);
    return interval_cmp(&x, &y);
}

uint64_t interval_hash(const TypeInfo *type, Datum v)
{
    Interval iv = interval_get(v);
    return interval_hash_value(&iv);
}

/* ---- modifiers ---- */

static STATUS precision_in(const char *what, const char *suffix, const char **args, int nargs, int32_t *out, Error *err)
{
    if (nargs != 1) return error_set(err, ERR_INVALID_PARAMETER_VALUE, "invalid type modifier");
    int p = atoi(args[0]);
    if (p < 0) return error_set(err, ERR_INVALID_PARAMETER_VALUE, "%s(%d)%s precision must not be negative", what, p, suffix);
    *out = p > 6 ? 6 : p;
    return ST_OK;
}

static const char with_zone[] = " WITH TIME ZONE";
STATUS time_typmod_in(Arena *arena, const char **args, int nargs, int32_t *out, Error *err) { return precision_in("TIME", "", args, nargs, out, err); }
STATUS timetz_typmod_in(Arena *arena, const char **args, int nargs, int32_t *out, Error *err) { return precision_in("TIME", with_zone, args, nargs, out, err); }
STATUS timestamp_typmod_in(Arena *arena, const char **args, int nargs, int32_t *out, Error *err) { return precision_in("TIMESTAMP", "", args, nargs, out, err); }
STATUS timestamptz_typmod_in(Arena *arena, const char **args, int nargs, int32_t *out, Error *err) { return precision_in("TIMESTAMP", with_zone, args, nargs, out, err); }

static void precision_out(int32_t typmod, const char *suffix, StrBuf *out)
{
    if (typmod >= 0) strbuf_printf(out, "(%d)%s", typmod, suffix);
    else strbuf_str(out, suffix);
}

void time_typmod_out(int32_t typmod, StrBuf *out) { precision_out(typmod, " without time zone", out); }
void timetz_typmod_out(int32_t typmod, StrBuf *out) { precision_out(typmod, " with time zone", out); }
void timestamp_typmod_out(int32_t typmod, StrBuf *out) { precision_out(typmod, " without time zone", out); }
void timestamptz_typmod_out(int32_t typmod, StrBuf *out) { precision_out(typmod, " with time zone", out); }

enum { Y = INTERVAL_MASK(INTERVAL_BIT_YEAR), MO = INTERVAL_MASK(INTERVAL_BIT_MONTH), D = INTERVAL_MASK(INTERVAL_BIT_DAY),
       H = INTERVAL_MASK(INTERVAL_BIT_HOUR), MI = INTERVAL_MASK(INTERVAL_BIT_MINUTE), S = INTERVAL_MASK(INTERVAL_BIT_SECOND) };
static const struct { int range; char name[20]; } ranges[] = {
    {Y, " year"}, {MO, " month"}, {D, " day"}, {H, " hour"}, {MI, " minute"}, {S, " second"}, {Y | MO, " year to month"},
    {D | H, " day to hour"}, {D | H | MI, " day to minute"}, {D | H | MI | S, " day to second"}, {H | MI, " hour to minute"},
    {H | MI | S, " hour to second"}, {MI | S, " minute to second"}, {INTERVAL_FULL_RANGE, ""}};

/* args: the range as a number (the grammar's bits), then perhaps the precision. */
STATUS interval_typmod_in(Arena *arena, const char **args, int nargs, int32_t *out, Error *err)
{
    int range = nargs > 0 ? atoi(args[0]) : 0, precision = nargs > 1 ? atoi(args[1]) : INTERVAL_FULL_PRECISION;
    bool known = false;
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) known |= ranges[i].range == range;
    if (!known || nargs < 1 || nargs > 2) return error_set(err, ERR_INVALID_PARAMETER_VALUE, "invalid INTERVAL type modifier");
    if (nargs == 1) {
        *out = range == INTERVAL_FULL_RANGE ? -1 : (int32_t)(INTERVAL_FULL_PRECISION | range << 16);
        return ST_OK;
    }
    if (precision < 0) return error_set(err, ERR_INVALID_PARAMETER_VALUE, "INTERVAL(%d) precision must not be negative", precision);
    *out = (precision > 6 ? 6 : precision) | range << 16;
    return ST_OK;
}

void interval_typmod_out(int32_t typmod, StrBuf *out)
{
    if (typmod < 0) return;
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++)
        if (ranges[i].range == interval_typmod_range(typmod)) strbuf_str(out, ranges[i].name);
    if (interval_typmod_precision(typmod) != INTERVAL_FULL_PRECISION) strbuf_printf(out, "(%d)", interval_typmod_precision(typmod));
}

/* ---- settings ---- */

static bool prefix_is(const char *word, const char *p, size_t n) { return !strncasecmp(word, p, n); }

static bool parse_datestyle(const char *value, DateStyleFormat *style, DateOrder *order, bool *both)
{
    bool have_style = false, have_order = false;
    for (const char *p = value; *p;) {
        while (*p == ' ' || *p == ',' || *p == '"') p++;
        size_t n = strcspn(p, " ,\"");
        DateStyleFormat s = *style;
        DateOrder o = *order;
        bool is_style = true;
        if (n == 0) break;
        if (n == 3 && prefix_is(p, "iso", 3)) s = DATESTYLE_ISO;
        else if (n == 3 && prefix_is(p, "sql", 3)) s = DATESTYLE_SQL;
        else if (n >= 8 && prefix_is(p, "postgres", 8)) s = DATESTYLE_POSTGRES;
        else if (n == 6 && prefix_is(p, "german", 6)) s = DATESTYLE_GERMAN;
        else is_style = false;
        if (is_style) {
            if (have_style && s != *style) *both = true;
            if (s == DATESTYLE_GERMAN && !have_order) *order = DATEORDER_DMY;
            *style = s;
            have_style = true;
        } else {
            if (n == 3 && prefix_is(p, "ymd", 3)) o = DATEORDER_YMD;
            else if ((n == 3 && prefix_is(p, "dmy", 3)) || (n >= 4 && prefix_is(p, "euro", 4))) o = DATEORDER_DMY;
            else if ((n == 3 && prefix_is(p, "mdy", 3)) || (n == 2 && prefix_is(p, "us", 2)) || (n >= 7 && prefix_is(p, "noneuro", 7)))
                o = DATEORDER_MDY;
            else if (n == 7 && prefix_is(p, "default", 7)) *style = DATESTYLE_ISO, o = DATEORDER_MDY;
            else return false;
            if (have_order && o != *order) *both = true;
            *order = o;
            have_order = true;
        }
        p += n;
    }
    return true;
}

static STATUS check_datestyle(const char *value, Arena *arena, const char **normalised, Error *err)
{
    static const char *const styles[] = {"ISO", "SQL", "Postgres", "German"}, *const orders[] = {"MDY", "DMY", "YMD"};
    DateStyleFormat style = DATESTYLE_ISO;
    DateOrder order = DATEORDER_MDY;
    bool both = false;
    if (!parse_datestyle(value, &style, &order, &both) || both) {
        error_set(err, ERR_INVALID_PARAMETER_VALUE, "invalid value for parameter \"DateStyle\": \"%s\"", value);
        return both ? error_detail(err, "Conflicting \"datestyle\" specifications.") : error_detail(err, "Unrecognized key word: \"%s\".", value);
    }
    TRY_MEM(*normalised = arena_printf(arena, "%s, %s", styles[style], orders[order]), err);
    return ST_OK;
}

const TimeZone *timezone_setting(const char *value)
{
    static const FormatOptions iso;
    char *end;
    while (*value == ' ') value++;
    if (!strncasecmp(value, "interval", 8)) { /* INTERVAL '-08:00' HOUR TO MINUTE */
        Interval iv;
        const char *open = strchr(value, '\''), *close = open ? strchr(open + 1, '\'') : NULL;
        if (!close || failed(interval_parse(&iso, slice_of(open + 1, (size_t)(close - open - 1)), -1, &iv, NULL)) || iv.month || iv.day) return NULL;
        return timezone_fixed((int)(iv.time / USECS_PER_SEC));
    }
    double hours = strtod(value, &end);
    if (end != value && !*end) return hours > -168 && hours < 168 ? timezone_fixed((int)(hours * 3600)) : NULL;
    return timezone_find(slice_cstr(value));
}

static STATUS check_timezone(const char *value, Arena *arena, const char **normalised, Error *err)
{
    const TimeZone *tz = timezone_setting(value);
    if (!tz) return error_set(err, ERR_INVALID_PARAMETER_VALUE, "invalid value for parameter \"TimeZone\": \"%s\"", value);
    TRY_MEM(*normalised = arena_strdup(arena, timezone_name(tz)), err);
    return ST_OK;
}

void datetime_register_settings(void)
{
    setting_register_check("DateStyle", check_datestyle);
    setting_register_check("TimeZone", check_timezone);
    setting_register_check("log_timezone", check_timezone);
}

void format_options_decode(const SettingSet *set, FormatOptions *out)
{
    static const char *const styles[] = {"postgres", "postgres_verbose", "sql_standard", "iso_8601"};
    static const IntervalStyle values[] = {INTERVALSTYLE_POSTGRES, INTERVALSTYLE_VERBOSE, INTERVALSTYLE_SQL, INTERVALSTYLE_ISO};
    bool both = false;
    out->datestyle = DATESTYLE_ISO;
    out->dateorder = DATEORDER_MDY;
    parse_datestyle(setting_string(set, SET_datestyle), &out->datestyle, &out->dateorder, &both);
    out->intervalstyle = INTERVALSTYLE_POSTGRES;
    for (int i = 0; i < 4; i++)
        if (!strcasecmp(setting_string(set, SET_intervalstyle), styles[i])) out->intervalstyle = values[i];
    out->timezone = timezone_setting(setting_string(set, SET_timezone));
    out->extra_float_digits = (int)setting_int(set, SET_extra_float_digits);
    out->bytea_escape = !strcasecmp(setting_string(set, SET_bytea_output), "escape");
}
