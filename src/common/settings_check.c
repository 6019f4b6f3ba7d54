/* Checks of single settings that need nothing from upper floors, and the system's time zone. */
#define _GNU_SOURCE
#include <limits.h>
#include <locale.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

#include "common/fault_point.h"
#include "common/settings_internal.h"
#include "common/strbuf.h"

/* PostgreSQL compares encoding names by their letters and digits alone. */
static void squeeze(const char *s, char *out, size_t room)
{
    size_t n = 0;
    for (; *s && n + 1 < room; s++) {
        char c = *s >= 'A' && *s <= 'Z' ? (char)(*s + 32) : *s;
        if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) out[n++] = c;
    }
    out[n] = 0;
}

static STATUS check_client_encoding(const char *value, Arena *arena, const char **normalised, Error *err)
{
    static const struct { const char *key, *name; } known[] = {
        {"utf8", "UTF8"}, {"unicode", "UTF8"}, {"sqlascii", "SQL_ASCII"}, {"latin1", "LATIN1"}, {"iso88591", "LATIN1"},
        {"latin2", "LATIN2"}, {"iso88592", "LATIN2"}, {"latin9", "LATIN9"}, {"iso885915", "LATIN9"}, {"win1250", "WIN1250"},
        {"win1251", "WIN1251"}, {"win1252", "WIN1252"}, {"win866", "WIN866"}, {"koi8r", "KOI8R"}, {"eucjp", "EUC_JP"},
        {"euckr", "EUC_KR"}, {"euccn", "EUC_CN"}, {"sjis", "SJIS"}, {"gbk", "GBK"}, {"big5", "BIG5"}, {"gb18030", "GB18030"},
    };
    char key[32];
    squeeze(value, key, sizeof key);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strcmp(known[i].key, key)) continue;
        *normalised = known[i].name;
        if (i < 3) return ST_OK;
        error_set(err, ERR_FEATURE_NOT_SUPPORTED, "invalid value for parameter \"client_encoding\": \"%s\"", value);
        return error_detail(err, "Conversion between %s and UTF8 is not supported.", known[i].name);
    }
    return ST_FAILED;
}

/* The system decides which locales there are, as in PostgreSQL. */
static STATUS check_locale(const char *value, Arena *arena, const char **normalised, Error *err)
{
    locale_t loc = newlocale(LC_ALL_MASK, value, (locale_t)0);
    if (!loc) return ST_FAILED;
    freelocale(loc);
    return ST_OK;
}

/* A name shown to others: 63 bytes, printable ASCII. */
static STATUS check_application_name(const char *value, Arena *arena, const char **normalised, Error *err)
{
    char *copy = arena_strndup(arena, value, strnlen(value, 63));
    TRY_MEM(copy, err);
    for (char *p = copy; *p; p++)
        if ((unsigned char)*p < 32 || (unsigned char)*p > 126) *p = '?';
    *normalised = copy;
    return ST_OK;
}

static STATUS check_fault(const char *value, Arena *arena, const char **normalised, Error *err)
{
    return fault_points_arm(value, err);
}

SettingCheckFn setting_builtin_check(const char *name)
{
    static const struct { const char *name; SettingCheckFn fn; } builtin[] = {
        {"client_encoding", check_client_encoding}, {"application_name", check_application_name},
        {"cluster_name", check_application_name}, {"lc_messages", check_locale}, {"lc_monetary", check_locale},
        {"lc_numeric", check_locale}, {"lc_time", check_locale}, {"helios.fault", check_fault},
    };
    for (size_t i = 0; i < sizeof builtin / sizeof *builtin; i++)
        if (strcmp(builtin[i].name, name) == 0) return builtin[i].fn;
    return NULL;
}

const char *setting_system_timezone(void)
{
    static char name[128];
    char path[PATH_MAX];
    const char *tz = getenv("TZ"), *found = NULL;
    if (tz && *tz == ':') tz++;
    if (tz && *tz && *tz != '/') {
        found = tz;
    } else {
        ssize_t n = readlink("/etc/localtime", path, sizeof path - 1);
        path[n > 0 ? n : 0] = 0;
        found = strstr(path, "zoneinfo/");
        found = found ? found + strlen("zoneinfo/") : "UTC";
    }
    if (strlen(found) >= sizeof name || !*found) found = "UTC";
    strcpy(name, found);
    return name;
}
