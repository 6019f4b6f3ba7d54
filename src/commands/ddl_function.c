/* Functions, procedures, triggers, extensions: what of them this server does. Functions are those that are built in. */
#include "commands/ddl_internal.h"

STATUS cmd_CreateFunctionStmt(CommandCall *call UNUSED, CreateFunctionStmt *stmt, Error *err)
{
    return error_set(err, ERR_FEATURE_NOT_SUPPORTED, "CREATE %s is not supported", stmt->is_procedure ? "PROCEDURE" : "FUNCTION");
}

STATUS cmd_DoStmt(CommandCall *call UNUSED, DoStmt *stmt UNUSED, Error *err) { return error_set(err, ERR_FEATURE_NOT_SUPPORTED, "DO is not supported"); }

STATUS cmd_CallStmt(CommandCall *call UNUSED, CallStmt *stmt UNUSED, Error *err)
{
    return error_set(err, ERR_FEATURE_NOT_SUPPORTED, "CALL is not supported");
}

STATUS cmd_CreateTrigStmt(CommandCall *call UNUSED, CreateTrigStmt *stmt UNUSED, Error *err)
{
    return error_set(err, ERR_FEATURE_NOT_SUPPORTED, "CREATE TRIGGER is not supported");
}

STATUS cmd_CreateExtensionStmt(CommandCall *call, CreateExtensionStmt *stmt, Error *err)
{
    const void *form;
    Datum key = cat_name_key(call->arena, stmt->extname);
    TRY_MEM((void *)key, err);
    TRY(cat_get(call->env, REL_pg_extension, IDX_extension_name, 1, &key, call->arena, &form, err));
    if (form && stmt->if_not_exists) {
        session_notice(call->env, SEV_NOTICE, ERR_DUPLICATE_OBJECT, NULL, NULL, "extension \"%s\" already exists, skipping", stmt->extname);
        return ST_OK;
    }
    if (form) return error_set(err, ERR_DUPLICATE_OBJECT, "extension \"%s\" already exists", stmt->extname);
    error_set(err, ERR_FEATURE_NOT_SUPPORTED, "extension \"%s\" is not available", stmt->extname);
    return error_hint(err, "The extension must first be installed on the system where PostgreSQL is running.");
}
