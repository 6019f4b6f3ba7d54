/* Inside of settings: the table of known names, and values. Only for settings*.c. */
#ifndef HELIOS_COMMON_SETTINGS_INTERNAL_H
#define HELIOS_COMMON_SETTINGS_INTERNAL_H

#include "common/settings.h"

/* A refcounted text; one thread. */
typedef struct SettingText {
    int refs; /* < 0: static, shared by all threads */
    char text[];
} SettingText;

typedef union SettingValue {
    int64_t i;      /* bool, int, enum (index in enum_values) */
    double r;
    SettingText *s; /* string; NULL only while out of memory */
} SettingValue;

/* settings_table.c: the joined table, sorted by name. */
int setting_of_id(SettingId id);                 /* index of a settings.def row */
int setting_id_of(int index);                    /* SettingId of a table row, or -1 */
SettingValue setting_default(int index);         /* boot value, or ours where it differs */
const char *setting_enum_static(SettingId id, int64_t value); /* the word; static */
SettingCheckFn setting_check_of(const char *name);

/* settings_value.c. Parsing raises PostgreSQL's errors; strings come back in *text (in arena), not in *out. */
STATUS setting_parse(const SettingInfo *info, const char *value, Arena *arena, SettingValue *out, const char **text, Error *err);
STATUS setting_parse_unchecked(const SettingInfo *info, const char *value, SettingValue *out, Error *err);
/* What SHOW prints (units) or pg_settings.setting (no units). Strings are borrowed from the value. NULL: out of memory. */
const char *setting_format(const SettingInfo *info, SettingValue value, bool units, Arena *arena);
const char *setting_enum_text(const SettingInfo *info, int64_t index, Arena *arena);
Status setting_invalid(const SettingInfo *info, const char *value, Error *err); /* 22023 invalid value for parameter */

/* settings_check.c: checks that need nothing but this floor. NULL: none. */
SettingCheckFn setting_builtin_check(const char *name);
const char *setting_system_timezone(void); /* TZ, else /etc/localtime, else UTC; static */

#endif
