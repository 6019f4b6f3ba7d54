/* Settings against PostgreSQL 15's behaviour: parsing, showing, contexts, transactions. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "common/settings.h"

static SettingSet *set;
static Arena arena;
static Error err;

static void setup(void)
{
    arena_init(&arena, NULL, 0);
    set = settings_new(NULL, NULL);
}

static void teardown(void)
{
    settings_free(set);
    arena_destroy(&arena);
    error_clear(&err);
}

TestSuite(settings, .init = setup, .fini = teardown);

static Status assign(const char *name, const char *value)
{
    error_clear(&err);
    return setting_set(set, name, value, (SettingChange){.source = SETSRC_SESSION}, &err);
}

static const char *show(const char *name)
{
    const char *s = NULL;
    error_clear(&err);
    cr_assert_eq(setting_show(set, name, false, &arena, &s, &err), ST_OK);
    return s;
}

static void shows(const char *name, const char *value, const char *shown)
{
    cr_assert_eq(assign(name, value), ST_OK, "%s = %s: %s", name, value, err.message);
    cr_assert_str_eq(show(name), shown, "%s = %s: %s", name, value, show(name));
}

static void refuses(const char *name, const char *value, SqlState code, const char *message, const char *hint)
{
    cr_assert_eq(assign(name, value), ST_FAILED, "%s = %s", name, value);
    cr_assert_eq(err.code, code, "%s = %s: %s", name, value, err.message);
    cr_assert_str_eq(err.message, message);
    cr_assert(hint ? err.hint && strcmp(err.hint, hint) == 0 : !err.hint, "%s", err.hint);
}

Test(settings, defaults)
{
    cr_assert_str_eq(show("server_version"), "15.20 (HeliosDB Nano 0.1.0)");
    cr_assert_str_eq(show("SERVER_VERSION_NUM"), "150020");
    cr_assert_str_eq(show("server_encoding"), "UTF8");
    cr_assert_str_eq(show("integer_datetimes"), "on");
    cr_assert_str_eq(show("work_mem"), "1MB");
    cr_assert_str_eq(show("max_connections"), "100");
    cr_assert_str_eq(show("DateStyle"), "ISO, MDY");
    cr_assert_str_eq(show("transaction_isolation"), "read committed");
    cr_assert_str_eq(show("role"), "none");
    cr_assert_str_eq(show("archive_command"), "(disabled)");
    cr_assert_str_eq(show("unix_socket_permissions"), "0777");
    cr_assert_str_eq(show("auto_create_database"), "on");
    cr_assert(setting_bool(set, SET_auto_create_database));
    cr_assert_str_eq(setting_string(set, SET_search_path), "\"$user\", public");
    cr_assert_str_eq(setting_string(set, SET_bytea_output), "hex");
    for (int i = 1; i < setting_count(); i++)
        cr_assert_lt(strcasecmp(setting_info(i - 1)->name, setting_info(i)->name), 0);
}

Test(settings, units)
{
    shows("work_mem", "64MB", "64MB");
    shows("work_mem", "1025", "1025kB");
    shows("work_mem", "1.5MB", "1536kB");
    shows("work_mem", "0.1GB", "102MB");
    shows("statement_timeout", "5s", "5s");
    shows("statement_timeout", "1.5min", "90s");
    shows("statement_timeout", "10 s ", "10s");
    shows("statement_timeout", "0x10", "16ms");
    shows("statement_timeout", "0", "0");
    shows("vacuum_cost_delay", "5us", "5us");
    shows("vacuum_cost_delay", "0.5ms", "500us");
    shows("effective_cache_size", "3", "24kB");
    shows("random_page_cost", "1.23456789", "1.23457");
    shows("geqo_threshold", "12.6", "13");
    const char *raw;
    cr_assert_eq(assign("work_mem", "64MB"), ST_OK);
    cr_assert_eq(setting_raw(set, "work_mem", &arena, &raw, &err), ST_OK);
    cr_assert_str_eq(raw, "65536");
    cr_assert_eq(setting_int(set, SET_work_mem), 65536);
}

Test(settings, spellings)
{
    shows("enable_seqscan", "of", "off");
    shows("enable_seqscan", "Tr", "on");
    shows("enable_seqscan", "0", "off");
    shows("synchronous_commit", "true", "on");
    shows("synchronous_commit", "Remote_Apply", "remote_apply");
    shows("bytea_output", "ESCAPE", "escape");
    shows("client_min_messages", "debug", "debug2");
    shows("client_encoding", "unicode", "UTF8");
    shows("client_encoding", "utf-8", "UTF8");
    shows("application_name", "a\tb", "a?b");
    cr_assert_eq(assign("synchronous_commit", "off"), ST_OK);
    cr_assert_str_eq(setting_string(set, SET_synchronous_commit), "off");
}

Test(settings, messages)
{
    SqlState bad = ERR_INVALID_PARAMETER_VALUE;
    refuses("work_mem", "1xb", bad, "invalid value for parameter \"work_mem\": \"1xb\"",
            "Valid units for this parameter are \"B\", \"kB\", \"MB\", \"GB\", and \"TB\".");
    refuses("work_mem", "1", bad, "1 kB is outside the valid range for parameter \"work_mem\" (64 .. 2147483647)", NULL);
    refuses("work_mem", "2TB", bad, "invalid value for parameter \"work_mem\": \"2TB\"", "Value exceeds integer range.");
    refuses("enable_seqscan", "o", bad, "parameter \"enable_seqscan\" requires a Boolean value", NULL);
    refuses("client_min_messages", "foo", bad, "invalid value for parameter \"client_min_messages\": \"foo\"",
            "Available values: debug5, debug4, debug3, debug2, debug1, log, notice, warning, error.");
    refuses("statement_timeout", "5 xs", bad, "invalid value for parameter \"statement_timeout\": \"5 xs\"",
            "Valid units for this parameter are \"us\", \"ms\", \"s\", \"min\", \"h\", and \"d\".");
    refuses("random_page_cost", "-1", bad, "-1 is outside the valid range for parameter \"random_page_cost\" (0 .. 1.79769e+308)", NULL);
    refuses("random_page_cost", "nan", bad, "invalid value for parameter \"random_page_cost\": \"nan\"", NULL);
    refuses("geqo_threshold", "10kB", bad, "invalid value for parameter \"geqo_threshold\": \"10kB\"", NULL);
    refuses("lc_monetary", "foo", bad, "invalid value for parameter \"lc_monetary\": \"foo\"", NULL);
    refuses("client_encoding", "foo", bad, "invalid value for parameter \"client_encoding\": \"foo\"", NULL);
    refuses("foo", "1", ERR_UNDEFINED_OBJECT, "unrecognized configuration parameter \"foo\"", NULL);
    refuses("foo.bar-z", "1", ERR_INVALID_NAME, "invalid configuration parameter name \"foo.bar-z\"", NULL);
    SqlState now = ERR_CANT_CHANGE_RUNTIME_PARAM;
    refuses("max_connections", "5", now, "parameter \"max_connections\" cannot be changed without restarting the server", NULL);
    refuses("Server_Version", "5", now, "parameter \"server_version\" cannot be changed", NULL);
    refuses("autovacuum", "5", now, "parameter \"autovacuum\" cannot be changed now", NULL);
    refuses("ignore_system_indexes", "on", now, "parameter \"ignore_system_indexes\" cannot be set after connection start", NULL);
    refuses("log_statement", "all", ERR_INSUFFICIENT_PRIVILEGE, "permission denied to set parameter \"log_statement\"", NULL);
}

Test(settings, custom_names)
{
    const char *s;
    shows("foo.bar", "1", "1");
    shows("FOO.bar", "2", "2");
    cr_assert_eq(setting_show(set, "foo.other", true, &arena, &s, &err), ST_OK);
    cr_assert_null(s);
    cr_assert_eq(setting_show(set, "foo.other", false, &arena, &s, &err), ST_FAILED);
    cr_assert(settings_each_name(set, setting_count(), &s));
    cr_assert_str_eq(s, "foo.bar");
    cr_assert_not(settings_each_name(set, setting_count() + 1, &s));
}

Test(settings, transactions_undo_and_local)
{
    SettingChange local = {.source = SETSRC_SESSION, .is_local = true};
    shows("work_mem", "2MB", "2MB");
    setting_commit(set);
    shows("work_mem", "3MB", "3MB");
    setting_rollback_to(set, 0);
    cr_assert_str_eq(show("work_mem"), "2MB");
    /* SET, then SET LOCAL: the SET survives */
    shows("work_mem", "4MB", "4MB");
    cr_assert_eq(setting_set(set, "work_mem", "5MB", local, &err), ST_OK);
    cr_assert_eq(setting_int(set, SET_work_mem), 5120);
    setting_commit(set);
    cr_assert_eq(setting_int(set, SET_work_mem), 4096);
    /* SET LOCAL alone is gone; SET after it stays */
    cr_assert_eq(setting_set(set, "work_mem", "6MB", local, &err), ST_OK);
    setting_commit(set);
    cr_assert_str_eq(show("work_mem"), "4MB");
    cr_assert_eq(setting_set(set, "work_mem", "6MB", local, &err), ST_OK);
    shows("work_mem", "7MB", "7MB");
    setting_commit(set);
    cr_assert_str_eq(show("work_mem"), "7MB");
    /* savepoint */
    shows("search_path", "a", "a");
    size_t mark = setting_mark(set);
    shows("search_path", "b", "b");
    setting_rollback_to(set, mark);
    cr_assert_str_eq(setting_string(set, SET_search_path), "a");
    settings_reset_all(set);
    cr_assert_str_eq(setting_string(set, SET_search_path), "\"$user\", public");
    setting_rollback_to(set, 0);
    cr_assert_str_eq(setting_string(set, SET_search_path), "\"$user\", public");
    cr_assert_str_eq(show("work_mem"), "7MB");
}

Test(settings, sources_and_reset)
{
    SettingChange role = {.source = SETSRC_ROLE}, client = {.source = SETSRC_CLIENT}, own = {.source = SETSRC_DEFAULT};
    cr_assert_eq(setting_set(set, "work_mem", "9MB", client, &err), ST_OK);
    cr_assert_eq(setting_set(set, "work_mem", "8MB", role, &err), ST_OK); /* an earlier source than the client's: ignored */
    cr_assert_str_eq(show("work_mem"), "9MB");
    shows("work_mem", "1MB", "1MB");
    cr_assert_eq(setting_source(set, "work_mem"), SETSRC_SESSION);
    cr_assert_eq(assign("work_mem", NULL), ST_OK);
    cr_assert_str_eq(show("work_mem"), "9MB");
    cr_assert_eq(setting_source(set, "work_mem"), SETSRC_CLIENT);
    cr_assert_eq(setting_set(set, "is_superuser", "on", own, &err), ST_OK);
    cr_assert(setting_bool(set, SET_is_superuser));
    SettingSet *child = settings_new(set, NULL);
    cr_assert_eq(setting_int(child, SET_work_mem), 9216);
    settings_free(child);
}

static char last_report[200];
static void note(void *arg, const char *name, const char *value) { snprintf(last_report, sizeof last_report, "%s=%s", name, value); }

Test(settings, reports_changes)
{
    settings_on_report(set, note, NULL);
    uint64_t gen = setting_generation(set);
    cr_assert_eq(assign("application_name", "psql"), ST_OK);
    cr_assert_str_eq(last_report, "application_name=psql");
    cr_assert_neq(setting_generation(set), gen);
    last_report[0] = 0;
    cr_assert_eq(assign("application_name", "psql"), ST_OK);
    cr_assert_eq(assign("work_mem", "5MB"), ST_OK);
    cr_assert_str_eq(last_report, "");
    setting_rollback_to(set, 0);
    cr_assert_str_eq(last_report, "application_name=");
}

static Status check_style(const char *value, Arena *a, const char **normalised, Error *e)
{
    if (strcmp(value, "bad") == 0) return ST_FAILED;
    *normalised = "ISO, DMY";
    return ST_OK;
}

Test(settings, registered_checks_normalise)
{
    setting_register_check("datestyle", check_style);
    shows("datestyle", "dmy", "ISO, DMY");
    refuses("datestyle", "bad", ERR_INVALID_PARAMETER_VALUE, "invalid value for parameter \"DateStyle\": \"bad\"", NULL);
}
