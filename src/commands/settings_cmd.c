/* SET, RESET, SHOW, SET TRANSACTION, ALTER ROLE / DATABASE ... SET (manual 20.1). */
#include "commands/command_internal.h"

#include "catalog/cat_write.h"

enum { SET_VALUE, SET_DEFAULT, SET_CURRENT, SET_MULTI, SET_RESET, SET_RESET_ALL };

/* Several values are a list: SET search_path = a, b; each is quoted where a name needs it. */
static Status joined_value(CommandCall *call, const VariableSetStmt *stmt, const char **out, Error *err)
{
    StrBuf sb;
    bool list = list_len(stmt->args) > 1 || !strcasecmp(stmt->name, "search_path");
    strbuf_init(&sb, call->arena);
    LIST_EACH(String *, arg, stmt->args) {
        if (sb.len) strbuf_str(&sb, ", ");
        strbuf_str(&sb, list ? quote_identifier(call->arena, arg->sval) : arg->sval);
    }
    TRY(strbuf_check(&sb, err));
    *out = strbuf_cstr(&sb);
    return ST_OK;
}

static Status set_multi(CommandCall *call, const VariableSetStmt *stmt, Error *err)
{
    SettingChange session = {.source = SETSRC_SESSION, .is_superuser = call->env->is_superuser};
    bool characteristics = !strcmp(stmt->name, "SESSION CHARACTERISTICS");
    if (!characteristics && !command_hooks->in_transaction_block(call->env)) {
        session_notice(call->env, SEV_WARNING, ERR_NO_ACTIVE_SQL_TRANSACTION, NULL, NULL, "SET TRANSACTION can only be used in transaction blocks");
    }
    LIST_EACH(DefElem *, item, stmt->args) {
        if (!characteristics) {
            TRY(transaction_set_mode(call->env, item, err));
            continue;
        }
        const char *name = arena_printf(call->arena, "default_%s", item->defname);
        TRY_MEM(name, err);
        TRY(setting_set(call->env->settings, name, def_string(item), session, err));
    }
    return ST_OK;
}

/* role, session_authorization change who we are. */
static Status set_identity(CommandCall *call, const char *name, const char *value, Error *err)
{
    SessionEnv *env = call->env;
    Oid role = env->session_user;
    bool none = !value || !strcmp(value, "none") || !strcmp(value, "default");
    if (!none) TRY(lookup_role(env, value, false, &role, err));
    const void *form;
    TRY(cat_get_by_oid(env, REL_pg_authid, IDX_authid_oid, role, call->arena, &form, err));
    if (!form) return error_set(err, ERR_UNDEFINED_OBJECT, "role with OID %u does not exist", role);
    if (!strcmp(name, "session_authorization") && !none) env->session_user = role;
    env->current_user = role;
    env->is_superuser = ((const Form_pg_authid *)form)->rolsuper;
    SettingChange internal = {.source = SETSRC_DEFAULT, .is_superuser = true};
    return setting_set(env->settings, "is_superuser", env->is_superuser ? "on" : "off", internal, err);
}

static bool is_transaction_setting(const char *name) { return !strncasecmp(name, "transaction_", 12) && strcasecmp(name, "transaction_timeout"); }

static Status set_one(CommandCall *call, const VariableSetStmt *stmt, const char *value, Error *err)
{
    SettingChange how = {.source = SETSRC_SESSION, .is_local = stmt->is_local, .is_superuser = call->env->is_superuser};
    if (stmt->is_local && !command_hooks->in_transaction_block(call->env))
        session_notice(call->env, SEV_WARNING, ERR_NO_ACTIVE_SQL_TRANSACTION, NULL, NULL, "SET LOCAL can only be used in transaction blocks");
    if (is_transaction_setting(stmt->name) && value) {
        String text = {.tag = T_String, .sval = (char *)value};
        DefElem item = {.tag = T_DefElem, .defname = stmt->name, .arg = (Node *)&text};
        return transaction_set_mode(call->env, &item, err);
    }
    if (!strcasecmp(stmt->name, "role") || !strcasecmp(stmt->name, "session_authorization")) {
        TRY(set_identity(call, stmt->name, value, err));
        how.is_superuser = true;
    }
    return setting_set(call->env->settings, stmt->name, value, how, err);
}

Status cmd_VariableSetStmt(CommandCall *call, VariableSetStmt *stmt, Error *err)
{
    const char *value = NULL;
    switch (stmt->kind) {
    case SET_MULTI: return set_multi(call, stmt, err);
    case SET_RESET_ALL: settings_reset_all(call->env->settings); break;
    case SET_CURRENT: return setting_show(call->env->settings, stmt->name, false, call->arena, &value, err);
    case SET_VALUE: TRY(joined_value(call, stmt, &value, err)); /* fallthrough */
    default: TRY(set_one(call, stmt, value, err));
    }
    session_env_refresh(call->env);
    return ST_OK;
}

/* ---- SHOW ---- */

static const char *shown_name(const char *name)
{
    int i = setting_find(name);
    return i >= 0 ? setting_info(i)->name : name;
}

static Status show_all_desc(Arena *arena, TupleDesc **out, Error *err)
{
    static const char *const names[] = {"name", "setting", "description"};
    *out = tupledesc_new(arena, 3);
    TRY_MEM(*out, err);
    for (int i = 0; i < 3; i++) attribute_set(&(*out)->atts[i], names[i], type_builtin(TYPE_text), -1);
    return ST_OK;
}

static Status show_all(CommandCall *call, Error *err)
{
    TupleDesc *desc;
    bool more;
    TRY(show_all_desc(call->arena, &desc, err));
    TupleSlot *slot = slot_new(call->arena, desc);
    TRY_MEM(slot, err);
    TRY(call->sink->start(call->sink, desc, err));
    for (int i = 0; i < setting_count(); i++) {
        const SettingInfo *info = setting_info(i);
        const char *value;
        if (info->hidden) continue;
        TRY(setting_show(call->env->settings, info->name, false, call->arena, &value, err));
        const char *cells[3] = {info->name, value, info->short_desc ? info->short_desc : ""};
        for (int c = 0; c < 3; c++) {
            slot->values[c] = varlena_cstr(call->arena, cells[c]);
            TRY_MEM(slot->values[c], err);
            slot->nulls[c] = false;
        }
        slot_store_virtual(slot);
        TRY(call->sink->row(call->sink, slot, &more, err));
    }
    return call->sink->finish(call->sink, err);
}

Status cmd_VariableShowStmt(CommandCall *call, VariableShowStmt *stmt, Error *err)
{
    const char *value;
    if (!strcasecmp(stmt->name, "all")) return show_all(call, err);
    TRY(setting_show(call->env->settings, stmt->name, false, call->arena, &value, err));
    return send_text_row(call, shown_name(stmt->name), value, err);
}

/* ---- ALTER ROLE / DATABASE ... SET ---- */

static Status stored_items(CommandCall *call, const Form_pg_db_role_setting *row, const VariableSetStmt *set, const char *value, Datum *out, int *n, Error *err)
{
    const char *const *old = NULL;
    int nold = 0;
    const char **items;
    size_t len = set->name ? strlen(set->name) : 0;
    if (row) TRY(cat_get_texts(call->arena, row->setconfig, &old, &nold, err));
    TRY_NEW_N(items, call->arena, nold + 1, err);
    *n = 0;
    for (int i = 0; i < nold; i++)
        if (strncasecmp(old[i], set->name, len) || old[i][len] != '=') items[(*n)++] = old[i];
    if (value) {
        items[*n] = arena_printf(call->arena, "%s=%s", set->name, value);
        TRY_MEM(items[*n], err);
        ++*n;
    }
    *out = cat_text_array(call->arena, items, *n);
    TRY_MEM(*out, err);
    return ST_OK;
}

Status cmd_AlterSettingStmt(CommandCall *call, AlterSettingStmt *stmt, Error *err)
{
    SessionEnv *env = call->env;
    VariableSetStmt *set = stmt->setstmt;
    Oid role = 0, database = 0;
    const char *value = NULL;
    const void *row;
    int n = 0;
    if (stmt->target == 2) return error_unsupported(err, "ALTER SYSTEM");
    if (!env->is_superuser) return error_set(err, ERR_INSUFFICIENT_PRIVILEGE, "permission denied");
    if (stmt->role && stmt->role->rolename) TRY(lookup_role(env, stmt->role->rolename, false, &role, err));
    else if (stmt->role) role = env->current_user;
    if (stmt->database) TRY(lookup_database(env, stmt->database, false, &database, err));
    if (set->kind == SET_VALUE) TRY(joined_value(call, set, &value, err));
    if (set->kind == SET_CURRENT) TRY(setting_show(env->settings, set->name, false, call->arena, &value, err));
    if (value) {
        SettingChange check = {.source = SETSRC_ROLE, .is_superuser = true, .check_only = true};
        TRY(setting_set(env->settings, set->name, value, check, err));
    }
    Datum keys[2] = {datum_oid(database), datum_oid(role)};
    TRY(cat_get(env, REL_pg_db_role_setting, IDX_db_role_setting, 2, keys, call->arena, &row, err));
    Form_pg_db_role_setting form = {.setdatabase = database, .setrole = role};
    if (set->kind != SET_RESET_ALL) TRY(stored_items(call, row, set, value, &form.setconfig, &n, err));
    TRY(cat_delete(env, REL_pg_db_role_setting, IDX_db_role_setting, 2, keys, NULL, err));
    return n ? cat_insert(env, REL_pg_db_role_setting, &form, err) : ST_OK;
}

/* ---- shapes for Describe ---- */

static Status one_column(Arena *arena, const char *name, Oid type, TupleDesc **out, Error *err)
{
    *out = tupledesc_new(arena, 1);
    TRY_MEM(*out, err);
    attribute_set(&(*out)->atts[0], name, type_builtin(type), -1);
    return ST_OK;
}

static Oid explain_type(const ExplainStmt *stmt)
{
    LIST_EACH(DefElem *, item, stmt->options) {
        const char *value = def_string(item);
        if (strcmp(item->defname, "format") || !value) continue;
        if (!strcasecmp(value, "json")) return TYPE_json;
        if (!strcasecmp(value, "xml")) return TYPE_xml;
    }
    return TYPE_text;
}

Status utility_result_desc(SessionEnv *env, const Query *query, Arena *arena, TupleDesc **out, Error *err)
{
    const Node *stmt = query->utilityStmt;
    *out = NULL;
    if (IsA(stmt, VariableShowStmt)) {
        const char *name = ((const VariableShowStmt *)stmt)->name;
        const char *unused;
        if (!strcasecmp(name, "all")) return show_all_desc(arena, out, err);
        TRY(setting_show(env->settings, name, false, arena, &unused, err)); /* an unknown name is an error before any answer */
        return one_column(arena, shown_name(name), TYPE_text, out, err);
    }
    if (IsA(stmt, ExplainStmt)) return one_column(arena, "QUERY PLAN", explain_type((const ExplainStmt *)stmt), out, err);
    if (IsA(stmt, FetchStmt) && !((const FetchStmt *)stmt)->ismove && command_hooks->portal_desc)
        return command_hooks->portal_desc(env, ((const FetchStmt *)stmt)->portalname, arena, out, err);
    if (IsA(stmt, ExecuteStmt) && command_hooks->prepared_desc)
        return command_hooks->prepared_desc(env, ((const ExecuteStmt *)stmt)->name, arena, out, err);
    return ST_OK;
}
