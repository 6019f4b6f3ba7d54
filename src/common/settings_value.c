/* Values of settings: text -> value with units and bounds, and back. Messages are PostgreSQL's. */
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "common/settings_internal.h"

typedef struct Unit {
    const char *name;
    double size; /* bytes, or milliseconds */
} Unit;

/* Largest first. */
static const Unit memory_units[] = {{"TB", 1099511627776.0}, {"GB", 1073741824.0}, {"MB", 1048576.0}, {"kB", 1024.0}, {"B", 1.0}};
static const Unit time_units[] = {{"d", 86400000.0}, {"h", 3600000.0}, {"min", 60000.0}, {"s", 1000.0}, {"ms", 1.0}, {"us", 0.001}};
#define MEMORY_HINT "Valid units for this parameter are \"B\", \"kB\", \"MB\", \"GB\", and \"TB\"."
#define TIME_HINT "Valid units for this parameter are \"us\", \"ms\", \"s\", \"min\", \"h\", and \"d\"."

typedef struct UnitFamily {
    const Unit *units;
    int n;
    double base; /* size of the setting's own unit */
    const char *hint;
} UnitFamily;

static bool unit_family(const SettingInfo *info, UnitFamily *out)
{
    if (!info->unit) return false;
    if (strcmp(info->unit, "8kB") == 0) {
        *out = (UnitFamily){memory_units, 5, 8192.0, MEMORY_HINT};
        return true;
    }
    for (int i = 0; i < 6; i++) {
        if (strcmp(time_units[i].name, info->unit) == 0) {
            *out = (UnitFamily){time_units, 6, time_units[i].size, TIME_HINT};
            return true;
        }
        if (i < 5 && strcmp(memory_units[i].name, info->unit) == 0) {
            *out = (UnitFamily){memory_units, 5, memory_units[i].size, MEMORY_HINT};
            return true;
        }
    }
    return false;
}

Status setting_invalid(const SettingInfo *info, const char *value, Error *err)
{
    return error_set(err, ERR_INVALID_PARAMETER_VALUE, "invalid value for parameter \"%s\": \"%s\"", info->name, value);
}

static bool prefix_of(const char *s, size_t len, const char *word, size_t at_least)
{
    return len >= at_least && len <= strlen(word) && strncasecmp(s, word, len) == 0;
}

/* Spellings of a Boolean: unique prefixes of true, false, yes, no, on, off; 1 and 0. */
static bool parse_bool(const char *s, bool *out)
{
    size_t n = strlen(s);
    bool yes = prefix_of(s, n, "true", 1) || prefix_of(s, n, "yes", 1) || prefix_of(s, n, "on", 2) || strcmp(s, "1") == 0;
    bool no = prefix_of(s, n, "false", 1) || prefix_of(s, n, "no", 1) || prefix_of(s, n, "off", 2) || strcmp(s, "0") == 0;
    *out = yes;
    return yes || no;
}

/* Scales *v by the unit after the number; fractions are rounded to the next smaller unit, as PostgreSQL does. */
static bool apply_unit(const SettingInfo *info, const char *unit, size_t len, double *v, const char **hint)
{
    UnitFamily f;
    if (!unit_family(info, &f)) return false;
    for (int i = 0; i < f.n; i++) {
        if (strlen(f.units[i].name) != len || strncmp(f.units[i].name, unit, len)) continue;
        double scaled = *v * (f.units[i].size / f.base);
        if (i + 1 < f.n) {
            double small = f.units[i + 1].size / f.base;
            scaled = rint(scaled / small) * small;
        }
        *v = scaled;
        return true;
    }
    *hint = f.hint;
    return false;
}

/* A number, blanks, and perhaps a unit. Integers may be hexadecimal or octal. */
static bool parse_number(const SettingInfo *info, const char *s, bool integer, double *out, const char **hint)
{
    char *end;
    errno = 0;
    if (integer) {
        *out = (double)strtol(s, &end, 0);
        if (*end == '.' || *end == 'e' || *end == 'E' || errno == ERANGE) {
            errno = 0;
            *out = strtod(s, &end);
        }
    } else {
        *out = strtod(s, &end);
    }
    if (end == s || errno == ERANGE || isnan(*out)) return false;
    while (isspace((unsigned char)*end)) end++;
    if (*end) {
        size_t len = strcspn(end, " \t\n\r\f\v");
        if (end[len + strspn(end + len, " \t\n\r\f\v")] || !apply_unit(info, end, len, out, hint)) return false;
    }
    return true;
}

static STATUS bad_number(const SettingInfo *info, const char *value, const char *hint, Error *err)
{
    setting_invalid(info, value, err);
    return hint ? error_hint(err, "%s", hint) : ST_FAILED;
}

static STATUS parse_int(const SettingInfo *info, const char *value, int64_t *out, Error *err)
{
    const char *hint = NULL;
    double v;
    if (!parse_number(info, value, true, &v, &hint)) return bad_number(info, value, hint, err);
    v = rint(v);
    if (v > INT_MAX || v < INT_MIN) return bad_number(info, value, "Value exceeds integer range.", err);
    int64_t n = (int64_t)v, min = info->min ? atoll(info->min) : INT_MIN, max = info->max ? atoll(info->max) : INT_MAX;
    if (n < min || n > max)
        return error_set(err, ERR_INVALID_PARAMETER_VALUE, "%d%s%s is outside the valid range for parameter \"%s\" (%d .. %d)",
                         (int)n, info->unit ? " " : "", info->unit ? info->unit : "", info->name, (int)min, (int)max);
    *out = n;
    return ST_OK;
}

static STATUS parse_real(const SettingInfo *info, const char *value, double *out, Error *err)
{
    const char *hint = NULL;
    if (!parse_number(info, value, false, out, &hint)) return bad_number(info, value, hint, err);
    double min = info->min ? atof(info->min) : -HUGE_VAL, max = info->max ? atof(info->max) : HUGE_VAL;
    if (*out < min || *out > max)
        return error_set(err, ERR_INVALID_PARAMETER_VALUE, "%g%s%s is outside the valid range for parameter \"%s\" (%g .. %g)",
                         *out, info->unit ? " " : "", info->unit ? info->unit : "", info->name, min, max);
    return ST_OK;
}

static int enum_index(const char *values, const char *word, size_t len)
{
    int i = 0;
    for (const char *p = values;; i++) {
        size_t n = strcspn(p, ",");
        if (n == len && strncasecmp(p, word, len) == 0) return i;
        p += n;
        if (!*p++) return -1;
    }
}

/* Spellings that PostgreSQL takes but does not list: other Booleans where on and off are listed, and old names. */
static const char *enum_alias(const SettingInfo *info, const char *value)
{
    static const char *const yes[] = {"true", "yes", "1"}, *const no[] = {"false", "no", "0"};
    static const struct { const char *setting, *alias, *word; } old[] = {
        {"client_min_messages", "debug", "debug2"}, {"log_min_messages", "debug", "debug2"},
        {"log_min_error_statement", "debug", "debug2"}, {"wal_level", "archive", "replica"}, {"wal_level", "hot_standby", "replica"},
    };
    for (size_t i = 0; i < sizeof old / sizeof *old; i++)
        if (strcmp(old[i].setting, info->name) == 0 && strcasecmp(old[i].alias, value) == 0) return old[i].word;
    if (enum_index(info->enum_values, "on", 2) < 0 || enum_index(info->enum_values, "off", 3) < 0) return value;
    for (int i = 0; i < 3; i++) {
        if (strcasecmp(value, yes[i]) == 0) return "on";
        if (strcasecmp(value, no[i]) == 0) return "off";
    }
    return value;
}

static STATUS parse_enum(const SettingInfo *info, const char *value, int64_t *out, Error *err)
{
    const char *word = enum_alias(info, value);
    int at = enum_index(info->enum_values, word, strlen(word));
    if (at >= 0) {
        *out = at;
        return ST_OK;
    }
    setting_invalid(info, value, err);
    char list[512];
    size_t n = 0;
    for (const char *p = info->enum_values; *p && n < sizeof list - 2; p++) {
        list[n++] = *p;
        if (*p == ',') list[n++] = ' ';
    }
    list[n] = 0;
    return error_hint(err, "Available values: %s.", list);
}

STATUS setting_parse_unchecked(const SettingInfo *info, const char *value, SettingValue *out, Error *err)
{
    bool b;
    switch (info->type) {
    case SETTING_BOOL:
        if (!parse_bool(value, &b))
            return error_set(err, ERR_INVALID_PARAMETER_VALUE, "parameter \"%s\" requires a Boolean value", info->name);
        out->i = b;
        return ST_OK;
    case SETTING_INT: return parse_int(info, value, &out->i, err);
    case SETTING_REAL: return parse_real(info, value, &out->r, err);
    case SETTING_ENUM: return parse_enum(info, value, &out->i, err);
    case SETTING_STRING: break;
    }
    return ST_OK;
}

STATUS setting_parse(const SettingInfo *info, const char *value, Arena *arena, SettingValue *out, const char **text, Error *err)
{
    SettingCheckFn check = setting_check_of(info->name);
    TRY(setting_parse_unchecked(info, value, out, err));
    *text = value;
    if (check && failed(check(value, arena, text, err))) return setting_invalid(info, value, err);
    return ST_OK;
}

const char *setting_enum_text(const SettingInfo *info, int64_t index, Arena *arena)
{
    const char *p = info->enum_values;
    for (; index > 0; index--) p += strcspn(p, ",") + 1;
    return arena_strndup(arena, p, strcspn(p, ","));
}

static const char *format_int(const SettingInfo *info, int64_t v, bool units, Arena *arena)
{
    static const char *const octal[] = {"data_directory_mode", "log_file_mode", "unix_socket_permissions"};
    for (int i = 0; i < 3; i++)
        if (strcmp(octal[i], info->name) == 0) return arena_printf(arena, "%04o", (unsigned)v);
    UnitFamily f;
    if (units && v > 0 && unit_family(info, &f)) {
        double total = (double)v * f.base;
        for (int i = 0; i < f.n; i++)
            if (f.units[i].size <= f.base * 1.0000001 ? true : fmod(total, f.units[i].size) == 0)
                return arena_printf(arena, "%lld%s", (long long)rint(total / f.units[i].size), f.units[i].name);
    }
    return arena_printf(arena, "%lld", (long long)v);
}

static const char *format_real(const SettingInfo *info, double v, bool units, Arena *arena)
{
    UnitFamily f;
    if (units && v > 0 && unit_family(info, &f)) {
        for (int i = 0; i < f.n; i++) {
            double scaled = v * f.base / f.units[i].size;
            if (i == f.n - 1 || (scaled > 0 && fabs(rint(scaled) / scaled - 1.0) <= 1e-8))
                return arena_printf(arena, "%g%s", scaled, f.units[i].name);
        }
    }
    return arena_printf(arena, "%g", v);
}

const char *setting_format(const SettingInfo *info, SettingValue value, bool units, Arena *arena)
{
    switch (info->type) {
    case SETTING_BOOL: return value.i ? "on" : "off";
    case SETTING_INT: return format_int(info, value.i, units, arena);
    case SETTING_REAL: return format_real(info, value.r, units, arena);
    case SETTING_ENUM: return setting_enum_text(info, value.i, arena);
    case SETTING_STRING: break;
    }
    const char *s = value.s ? value.s->text : "";
    return strcmp(info->name, "archive_command") == 0 && !*s ? "(disabled)" : s;
}
