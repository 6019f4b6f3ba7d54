/* Commands that the connection itself carries out: transactions, cursors, prepared statements, LISTEN; and DISCARD. */
#include "commands/command_internal.h"

#include <inttypes.h>
#include <stdio.h>

Status cmd_TransactionStmt(CommandCall *call, TransactionStmt *stmt, Error *err)
{
    const char *tag = call->tag;
    TRY(command_hooks->transaction(call->env, stmt, &tag, err));
    if (tag != call->tag) snprintf(call->tag, 64, "%s", tag);
    return ST_OK;
}

Status cmd_PrepareStmt(CommandCall *call, PrepareStmt *stmt, Error *err) { return command_hooks->prepare(call->env, stmt, call->sql, err); }

Status cmd_ExecuteStmt(CommandCall *call, ExecuteStmt *stmt, Error *err)
{
    const char *tag = NULL;
    uint64_t rows = 0;
    TRY(command_hooks->execute(call->env, stmt, call->sql, call->sink, &tag, &rows, err));
    snprintf(call->tag, 64, "%s", tag);
    return ST_OK;
}

Status cmd_DeallocateStmt(CommandCall *call, DeallocateStmt *stmt, Error *err) { return command_hooks->deallocate(call->env, stmt->name, err); }

Status cmd_DeclareCursorStmt(CommandCall *call, DeclareCursorStmt *stmt, Error *err)
{
    if ((stmt->options & CURSOR_SCROLL) && (stmt->options & CURSOR_NO_SCROLL))
        return error_set(err, ERR_INVALID_CURSOR_DEFINITION, "cannot specify both %s and %s", "SCROLL", "NO SCROLL");
    return command_hooks->declare_cursor(call->env, stmt, call->params, call->sql, err);
}

Status cmd_FetchStmt(CommandCall *call, FetchStmt *stmt, Error *err)
{
    uint64_t rows = 0;
    TRY(command_hooks->fetch(call->env, stmt, call->sink, &rows, err));
    snprintf(call->tag, 64, "%s %" PRIu64, stmt->ismove ? "MOVE" : "FETCH", rows);
    return ST_OK;
}

Status cmd_ClosePortalStmt(CommandCall *call, ClosePortalStmt *stmt, Error *err) { return command_hooks->close_portal(call->env, stmt->portalname, err); }

Status cmd_ListenStmt(CommandCall *call, ListenStmt *stmt, Error *err) { return command_hooks->listen(call->env, stmt->conditionname, true, err); }
Status cmd_UnlistenStmt(CommandCall *call, UnlistenStmt *stmt, Error *err) { return command_hooks->listen(call->env, stmt->conditionname, false, err); }

Status cmd_NotifyStmt(CommandCall *call, NotifyStmt *stmt, Error *err)
{
    return call->env->hooks->notify(call->env, stmt->conditionname, stmt->payload ? stmt->payload : "", err);
}

Status cmd_DiscardStmt(CommandCall *call, DiscardStmt *stmt, Error *err)
{
    if (stmt->target == 0) {
        settings_reset_all(call->env->settings);
        lock_release_session_advisory(call->env->locks);
        TRY(command_hooks->listen(call->env, NULL, false, err));
    }
    return command_hooks->discard(call->env, stmt->target, err);
}
