/* Characteristics of the running transaction: SET TRANSACTION and the options of BEGIN. */
#include "commands/commands.h"

static const SettingChange local_change = {.source = SETSRC_SESSION, .is_local = true, .is_superuser = true};

static bool is_on(const char *value)
{
    return !strcmp(value, "on") || !strcmp(value, "true") || !strcmp(value, "t") || !strcmp(value, "1");
}

static Status set_isolation(SessionEnv *env, const char *value, Error *err)
{
    TxnOptions *opt = txn_options(env->txn);
    IsolationLevel level = !strcmp(value, "serializable")      ? ISO_SERIALIZABLE
                           : !strcmp(value, "repeatable read") ? ISO_REPEATABLE_READ
                                                               : ISO_READ_COMMITTED;
    if (level != opt->isolation && txn_has_snapshot(env->txn))
        return error_set(err, ERR_ACTIVE_SQL_TRANSACTION, "SET TRANSACTION ISOLATION LEVEL must be called before any query");
    TRY(setting_set(env->settings, "transaction_isolation", value, local_change, err));
    opt->isolation = level;
    return ST_OK;
}

Status transaction_set_mode(SessionEnv *env, const DefElem *item, Error *err)
{
    TxnOptions *opt = txn_options(env->txn);
    const char *value = IsA(item->arg, String) ? ((String *)item->arg)->sval : "on";
    bool on = is_on(value);
    if (!strcmp(item->defname, "transaction_isolation")) return set_isolation(env, value, err);
    if (!strcmp(item->defname, "transaction_read_only")) {
        if (!on && opt->read_only && txn_has_snapshot(env->txn))
            return error_set(err, ERR_ACTIVE_SQL_TRANSACTION, "transaction read-write mode must be set before any query");
        opt->read_only = on;
    } else if (!strcmp(item->defname, "transaction_deferrable")) {
        if (txn_has_snapshot(env->txn))
            return error_set(err, ERR_ACTIVE_SQL_TRANSACTION, "SET TRANSACTION [NOT] DEFERRABLE must be called before any query");
        opt->deferrable = on;
    }
    return setting_set(env->settings, item->defname, on ? "on" : "off", local_change, err);
}
