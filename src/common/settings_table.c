/* The table of all known settings: settings_pg.def and settings_own.def, merged and sorted by name at first use. */
#define _GNU_SOURCE
#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <strings.h>

#include "common/settings_internal.h"

typedef struct Row { /* a row of the .def files, words as pg_settings spells them */
    const char *name, *type, *unit, *context, *category, *short_desc, *extra_desc, *boot, *min, *max, *enum_values;
} Row;

static const Row rows[] = {
#define PGSETTING(...) {__VA_ARGS__},
#include "common/settings_pg.def"
#define PGSETTING(...) {__VA_ARGS__},
#include "common/settings_own.def"
};
#define NROWS ((int)(sizeof rows / sizeof *rows))

/* Defaults that differ from PostgreSQL's boot values: what initdb or start-up gives there, or what fits this server. */
static const struct { const char *name, *value; } our_defaults[] = {
    {"client_encoding", "UTF8"}, {"server_encoding", "UTF8"},
    {"server_version", "15.20 (HeliosDB Nano 0.1.0)"}, {"server_version_num", "150020"},
    {"lc_collate", "C.UTF-8"}, {"lc_ctype", "C.UTF-8"}, {"lc_messages", "C.UTF-8"}, {"lc_monetary", "C.UTF-8"},
    {"lc_numeric", "C.UTF-8"}, {"lc_time", "C.UTF-8"},
    {"default_text_search_config", "pg_catalog.english"}, {"timezone_abbreviations", "Default"},
    {"max_stack_depth", "2048"}, {"jit", "off"}, {"max_prepared_transactions", "64"},
    {"work_mem", "1024"}, {"huge_pages", "off"},
};

static const char *const reported[] = {
    "application_name", "client_encoding", "DateStyle", "default_transaction_read_only", "in_hot_standby", "integer_datetimes",
    "IntervalStyle", "is_superuser", "server_encoding", "server_version", "session_authorization",
    "standard_conforming_strings", "TimeZone",
};
static const char *const hidden[] = {"is_superuser", "role", "seed", "session_authorization", "helios.fault"};
static const char *const not_reset_by_all[] = {
    "is_superuser", "role", "seed", "session_authorization", "transaction_deferrable", "transaction_isolation",
    "transaction_read_only",
};

static SettingInfo infos[NROWS];
static int by_id[SET_COUNT];
static short id_of[NROWS];
static char *enum_words[SET_COUNT]; /* enum rows of settings.def: their words, one after the other, zero-terminated */
static SettingValue defaults[NROWS];
static pthread_once_t once = PTHREAD_ONCE_INIT;

#define IN_LIST(list, name) in_list(list, sizeof list / sizeof *list, name)
static bool in_list(const char *const *list, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(list[i], name) == 0) return true;
    return false;
}

static int word_index(const char *const *words, int n, const char *word)
{
    for (int i = 0; i < n; i++)
        if (strcmp(words[i], word) == 0) return i;
    assert(!"a word that the .def files do not use");
    return 0;
}

static SettingInfo info_of(const Row *row)
{
    static const char *const types[] = {"bool", "integer", "real", "string", "enum"};
    static const char *const contexts[] = {"internal", "postmaster", "sighup", "superuser-backend", "backend", "superuser", "user"};
    return (SettingInfo){
        .name = row->name, .unit = row->unit, .category = row->category, .short_desc = row->short_desc,
        .extra_desc = row->extra_desc, .boot_value = row->boot, .min = row->min, .max = row->max, .enum_values = row->enum_values,
        .type = (SettingType)word_index(types, 5, row->type), .context = (SettingContext)word_index(contexts, 7, row->context),
        .report = IN_LIST(reported, row->name), .hidden = IN_LIST(hidden, row->name),
        .no_reset_all = IN_LIST(not_reset_by_all, row->name),
    };
}

static int compare_infos(const void *a, const void *b)
{
    return strcasecmp(((const SettingInfo *)a)->name, ((const SettingInfo *)b)->name);
}

static int find_sorted(const char *name)
{
    SettingInfo key = {.name = name};
    SettingInfo *hit = bsearch(&key, infos, NROWS, sizeof *infos, compare_infos);
    return hit ? (int)(hit - infos) : -1;
}

/* Bounds do not hold for defaults: some are outside of them in PostgreSQL too. */
static void set_default(int at, const char *text)
{
    assert(at >= 0);
    SettingInfo *info = &infos[at], free_info = infos[at];
    if (info->type == SETTING_STRING) {
        size_t n = strlen(text) + 1;
        SettingText *t = malloc(sizeof *t + n);
        if (!t) abort(); /* before the first session: nothing could run */
        t->refs = -1;
        memcpy(t->text, text, n);
        free(defaults[at].s);
        defaults[at].s = t;
        return;
    }
    free_info.min = free_info.max = NULL;
    Status st = setting_parse_unchecked(&free_info, text, &defaults[at], NULL);
    assert(st == ST_OK);
    (void)st;
}

static void build(void)
{
    static const char *const names[] = {
#define SETTING(id, name) name,
#include "common/settings.def"
#undef SETTING
    };
    for (int i = 0; i < NROWS; i++) infos[i] = info_of(&rows[i]);
    qsort(infos, NROWS, sizeof *infos, compare_infos);
    for (int i = 0; i < NROWS; i++) {
        id_of[i] = -1;
        set_default(i, infos[i].boot_value ? infos[i].boot_value : "");
    }
    for (size_t i = 0; i < sizeof our_defaults / sizeof *our_defaults; i++)
        set_default(find_sorted(our_defaults[i].name), our_defaults[i].value);
    set_default(find_sorted("TimeZone"), setting_system_timezone());
    set_default(find_sorted("log_timezone"), setting_system_timezone());
    for (int id = 0; id < SET_COUNT; id++) {
        by_id[id] = find_sorted(names[id]);
        assert(by_id[id] >= 0); /* every row of settings.def is in one of the tables */
        id_of[by_id[id]] = (short)id;
        const char *words = infos[by_id[id]].enum_values;
        enum_words[id] = words ? strdup(words) : NULL;
        for (char *p = enum_words[id]; p && *p; p++)
            if (*p == ',') *p = 0;
    }
}

static void ready(void) { pthread_once(&once, build); }

int setting_count(void) { return NROWS; }

const SettingInfo *setting_info(int index)
{
    assert(index >= 0 && index < NROWS);
    ready();
    return &infos[index];
}

int setting_find(const char *name)
{
    ready();
    return find_sorted(name);
}

int setting_of_id(SettingId id)
{
    ready();
    return by_id[id];
}

int setting_id_of(int index)
{
    ready();
    return id_of[index];
}

const char *setting_enum_static(SettingId id, int64_t value)
{
    const char *p = enum_words[id];
    for (; value > 0; value--) p += strlen(p) + 1;
    return p;
}

SettingValue setting_default(int index)
{
    ready();
    return defaults[index];
}

/* Checks that upper floors register, before any thread runs. */
#define CHECKS_MAX 32
static struct { const char *name; SettingCheckFn fn; } checks[CHECKS_MAX];
static int nchecks;

void setting_register_check(const char *name, SettingCheckFn fn)
{
    int at = setting_find(name);
    assert(at >= 0);
    for (int i = 0; i < nchecks; i++) {
        if (checks[i].name != infos[at].name) continue;
        checks[i].fn = fn;
        return;
    }
    assert(nchecks < CHECKS_MAX);
    checks[nchecks].name = infos[at].name;
    checks[nchecks++].fn = fn;
}

SettingCheckFn setting_check_of(const char *name)
{
    for (int i = 0; i < nchecks; i++)
        if (strcmp(checks[i].name, name) == 0) return checks[i].fn;
    return setting_builtin_check(name);
}
