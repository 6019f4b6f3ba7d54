/* Settings (PostgreSQL's GUCs): one row each, generic parse / show / set / validate / stack code over the rows.
 *
 * Two tables: settings.def names those that some code here reads (each gets an id SET_xxx and a typed getter);
 * settings_pg.def lists every setting of PostgreSQL 15 with type, bounds, default and context, so that SET/SHOW/pg_settings
 * accept and check them all. settings.c joins the two by name (a row of settings.def may override the default).
 *
 * A SettingSet holds one session's values. Values set by SET are undone by rollback, SET LOCAL at the end of the
 * transaction, function SET clauses by setting_mark/restore: one undo stack does all of it. */
#ifndef HELIOS_COMMON_SETTINGS_H
#define HELIOS_COMMON_SETTINGS_H

#include "common/arena.h"

typedef enum SettingId {
#define SETTING(id, name) SET_##id,
#include "common/settings.def"
#undef SETTING
    SET_COUNT
} SettingId;

typedef enum SettingType { SETTING_BOOL, SETTING_INT, SETTING_REAL, SETTING_STRING, SETTING_ENUM } SettingType;
typedef enum SettingContext { /* PostgreSQL's GucContext: who may change it, and when */
    SETCTX_INTERNAL, SETCTX_POSTMASTER, SETCTX_SIGHUP, SETCTX_SU_BACKEND, SETCTX_BACKEND, SETCTX_SUSET, SETCTX_USERSET
} SettingContext;
typedef enum SettingSource { /* later ones win; shown in pg_settings.source */
    SETSRC_DEFAULT, SETSRC_FILE, SETSRC_ENV, SETSRC_ARGV, SETSRC_DATABASE, SETSRC_ROLE, SETSRC_CLIENT, SETSRC_SESSION
} SettingSource;

typedef struct SettingInfo { /* all static */
    const char *name;
    SettingType type;
    const char *unit; /* "kB", "8kB", "MB", "ms", "s", "min" or NULL */
    SettingContext context;
    const char *category, *short_desc, *extra_desc, *boot_value, *min, *max;
    const char *enum_values; /* "a,b,c" or NULL */
    bool report;             /* GUC_REPORT: a change is sent as ParameterStatus */
    bool hidden;             /* SHOW and SET know it, SHOW ALL and pg_settings leave it out */
    bool no_reset_all;       /* RESET ALL leaves it alone */
} SettingInfo;

typedef struct SettingSet SettingSet;

/* base: the values that RESET returns to are copied from it (NULL: the built-in defaults). NULL on out of memory. */
SettingSet *settings_new(const SettingSet *base, MemAccount *account);
void settings_free(SettingSet *set);

int setting_count(void);                          /* of all known names, settings_pg.def included */
const SettingInfo *setting_info(int index);       /* by index, sorted by name (case-insensitive) */
int setting_find(const char *name);               /* index, or -1; custom names ("a.b") are found per set only */

typedef struct SettingChange {
    SettingSource source;
    bool is_local;     /* SET LOCAL: undone at the end of the transaction */
    bool is_superuser; /* may the caller change SUSET ones */
    bool check_only;   /* validate, do not store */
} SettingChange;

/* source SETSRC_DEFAULT is the server's own voice: it may change any setting (also internal ones such as is_superuser), both the
 * value and the value that RESET returns to, outside of transactions. The other sources below SESSION set the reset value too,
 * unless a later source has set it already.
 * value NULL: RESET to the reset value. Errors: 42704 unknown name, 22023 bad value (with PostgreSQL's message, and hint of
 * enum values or units), 55P02/42501 not changeable now. Names are case-insensitive; "TimeZone", "DateStyle" keep their case in SHOW. */
STATUS setting_set(SettingSet *set, const char *name, const char *value, SettingChange how, Error *err);
/* The text SHOW prints (units applied); in `arena`. 42704 if unknown, unless missing_ok (then *out = NULL). */
STATUS setting_show(const SettingSet *set, const char *name, bool missing_ok, Arena *arena, const char **out, Error *err);
/* In base units without suffix, as in pg_settings.setting. */
STATUS setting_raw(const SettingSet *set, const char *name, Arena *arena, const char **out, Error *err);
SettingSource setting_source(const SettingSet *set, const char *name);
void settings_reset_all(SettingSet *set);
/* Iterates over custom ("placeholder") names too: i from 0; false at the end. */
bool settings_each_name(const SettingSet *set, int i, const char **name);

/* Typed getters for rows of settings.def: one array access. */
bool setting_bool(const SettingSet *set, SettingId id);
int64_t setting_int(const SettingSet *set, SettingId id); /* in the setting's base unit; enums: index in enum_values */
double setting_real(const SettingSet *set, SettingId id);
const char *setting_string(const SettingSet *set, SettingId id); /* borrowed until the next change; enums too */
uint64_t setting_generation(const SettingSet *set); /* changes whenever any value changes: for caches derived from settings */

/* Transaction ends and subtransactions. mark = depth of the undo stack. */
size_t setting_mark(const SettingSet *set);
void setting_rollback_to(SettingSet *set, size_t mark);       /* undo everything after mark */
void setting_commit(SettingSet *set);                         /* top-level commit: keep SET, undo SET LOCAL */

/* Called after each effective change of a `report` setting; and assign hooks of the server. */
typedef void (*SettingReportFn)(void *arg, const char *name, const char *value);
void settings_on_report(SettingSet *set, SettingReportFn fn, void *arg);

/* A validator may normalise: e.g. DateStyle "iso, dmy" -> "ISO, DMY", TimeZone known?, client_encoding canonical name.
 * Registered by floors above at start (types registers DateStyle, TimeZone, IntervalStyle). */
typedef STATUS (*SettingCheckFn)(const char *value, Arena *arena, const char **normalised, Error *err);
void setting_register_check(const char *name, SettingCheckFn fn);

#endif
