/* Dispatch of utility statements over command_table.def. */
#include "commands/command_internal.h"

#include <stdio.h>
#include <stdlib.h>

typedef Status (*CommandFn)(CommandCall *call, void *stmt, Error *err);

typedef struct CommandInfo {
    const char *tag;
    unsigned flags;
    CommandFn run;
} CommandInfo;

/* Each command has its node's own type in its signature; the table calls through one shape. */
#define COMMAND(Node, tag, flags) \
    static Status run_##Node(CommandCall *call, void *stmt, Error *err) { return cmd_##Node(call, stmt, err); }
#include "commands/command_table.def"
#undef COMMAND

static const CommandInfo command_info[T_COUNT] = {
#define COMMAND(Node, tag, flags) [T_##Node] = {tag, flags, run_##Node},
#include "commands/command_table.def"
#undef COMMAND
};

const CommandHooks *command_hooks;
void commands_set_hooks(const CommandHooks *hooks) { command_hooks = hooks; }

const char *object_kind_name(int kind)
{
    static const char *const names[] = {
        [OBJ_AGGREGATE] = "AGGREGATE", [OBJ_ATTRIBUTE] = "TYPE", [OBJ_CAST] = "CAST", [OBJ_COLUMN] = "TABLE", [OBJ_COLLATION] = "COLLATION",
        [OBJ_CONVERSION] = "CONVERSION", [OBJ_DATABASE] = "DATABASE", [OBJ_DEFAULT_ACL] = "DEFAULT PRIVILEGES", [OBJ_DOMAIN] = "DOMAIN",
        [OBJ_DOMCONSTRAINT] = "DOMAIN", [OBJ_EVENT_TRIGGER] = "EVENT TRIGGER", [OBJ_EXTENSION] = "EXTENSION", [OBJ_FOREIGN_TABLE] = "FOREIGN TABLE",
        [OBJ_FUNCTION] = "FUNCTION", [OBJ_INDEX] = "INDEX", [OBJ_LANGUAGE] = "LANGUAGE", [OBJ_MATVIEW] = "MATERIALIZED VIEW", [OBJ_OPCLASS] = "OPERATOR CLASS",
        [OBJ_OPERATOR] = "OPERATOR", [OBJ_OPFAMILY] = "OPERATOR FAMILY", [OBJ_POLICY] = "POLICY", [OBJ_PROCEDURE] = "PROCEDURE",
        [OBJ_PUBLICATION] = "PUBLICATION", [OBJ_ROLE] = "ROLE", [OBJ_ROUTINE] = "ROUTINE", [OBJ_RULE] = "RULE", [OBJ_SCHEMA] = "SCHEMA",
        [OBJ_SEQUENCE] = "SEQUENCE", [OBJ_STATISTIC] = "STATISTICS", [OBJ_SUBSCRIPTION] = "SUBSCRIPTION", [OBJ_TABCONSTRAINT] = "TABLE",
        [OBJ_TABLE] = "TABLE", [OBJ_TABLESPACE] = "TABLESPACE", [OBJ_TRIGGER] = "TRIGGER", [OBJ_TSCONFIG] = "TEXT SEARCH CONFIGURATION",
        [OBJ_TYPE] = "TYPE", [OBJ_VIEW] = "VIEW", [OBJ_OTHER] = "OBJECT"};
    return kind >= 0 && kind <= OBJ_OTHER && names[kind] ? names[kind] : "OBJECT";
}

static const char *alter_kind(char objtype)
{
    switch (objtype) {
    case 'i': return "ALTER INDEX";
    case 'v': return "ALTER VIEW";
    case 'S': return "ALTER SEQUENCE";
    case 'm': return "ALTER MATERIALIZED VIEW";
    case 'f': return "ALTER FOREIGN TABLE";
    case 'c': return "ALTER TYPE";
    default: return "ALTER TABLE";
    }
}

static const char *with_kind(const char *verb, int kind)
{
    static __thread char text[64];
    snprintf(text, sizeof text, "%s %s", verb, object_kind_name(kind));
    return text;
}

static const char *transaction_tag(int kind)
{
    static const char *const tags[] = {[TRANS_BEGIN] = "BEGIN", [TRANS_START] = "START TRANSACTION", [TRANS_COMMIT] = "COMMIT",
        [TRANS_ROLLBACK] = "ROLLBACK", [TRANS_SAVEPOINT] = "SAVEPOINT", [TRANS_RELEASE] = "RELEASE", [TRANS_ROLLBACK_TO] = "ROLLBACK",
        [TRANS_PREPARE] = "PREPARE TRANSACTION", [TRANS_COMMIT_PREPARED] = "COMMIT PREPARED", [TRANS_ROLLBACK_PREPARED] = "ROLLBACK PREPARED"};
    return tags[kind];
}

const char *utility_tag(const Node *stmt)
{
    switch (nodeTag(stmt)) {
    case T_DropStmt: return with_kind("DROP", ((const DropStmt *)stmt)->removeType);
    case T_AlterTableStmt: return alter_kind(((const AlterTableStmt *)stmt)->objtype);
    case T_RenameStmt: {
        const RenameStmt *r = (const RenameStmt *)stmt;
        return with_kind("ALTER", r->renameType == OBJ_COLUMN ? r->relationType : r->renameType);
    }
    case T_AlterObjectSchemaStmt: return with_kind("ALTER", ((const AlterObjectSchemaStmt *)stmt)->objectType);
    case T_AlterOwnerStmt: return with_kind("ALTER", ((const AlterOwnerStmt *)stmt)->objectType);
    case T_TransactionStmt: return transaction_tag(((const TransactionStmt *)stmt)->kind);
    case T_VacuumStmt: return ((const VacuumStmt *)stmt)->is_vacuumcmd ? "VACUUM" : "ANALYZE";
    case T_FetchStmt: return ((const FetchStmt *)stmt)->ismove ? "MOVE" : "FETCH";
    case T_GrantStmt: return ((const GrantStmt *)stmt)->is_grant ? "GRANT" : "REVOKE";
    case T_GrantRoleStmt: return ((const GrantRoleStmt *)stmt)->is_grant ? "GRANT ROLE" : "REVOKE ROLE";
    case T_DropOwnedStmt: return ((const DropOwnedStmt *)stmt)->newrole ? "REASSIGN OWNED" : "DROP OWNED";
    case T_CreateTableAsStmt: {
        const CreateTableAsStmt *c = (const CreateTableAsStmt *)stmt;
        return c->relkind == 'm' ? "CREATE MATERIALIZED VIEW" : c->is_select_into ? "SELECT INTO" : "CREATE TABLE AS";
    }
    case T_CreateFunctionStmt: return ((const CreateFunctionStmt *)stmt)->is_procedure ? "CREATE PROCEDURE" : "CREATE FUNCTION";
    case T_DeallocateStmt: return ((const DeallocateStmt *)stmt)->name ? "DEALLOCATE" : "DEALLOCATE ALL";
    case T_ClosePortalStmt: return ((const ClosePortalStmt *)stmt)->portalname ? "CLOSE CURSOR" : "CLOSE CURSOR ALL";
    case T_VariableSetStmt: return ((const VariableSetStmt *)stmt)->kind >= 4 ? "RESET" : "SET";
    case T_DiscardStmt: {
        static const char *const tags[] = {"DISCARD ALL", "DISCARD PLANS", "DISCARD SEQUENCES", "DISCARD TEMP"};
        return tags[((const DiscardStmt *)stmt)->target & 3];
    }
    case T_AlterSettingStmt: {
        static const char *const tags[] = {"ALTER ROLE", "ALTER DATABASE", "ALTER SYSTEM"};
        return tags[((const AlterSettingStmt *)stmt)->target];
    }
    case T_UnsupportedStmt: return ((const UnsupportedStmt *)stmt)->what;
    default: return command_info[nodeTag(stmt)].tag ? command_info[nodeTag(stmt)].tag : "???";
    }
}

bool utility_allowed_read_only(const Node *stmt)
{
    if (IsA(stmt, CopyStmt)) return !((const CopyStmt *)stmt)->is_from;
    return command_info[nodeTag(stmt)].flags & CMD_READ_ONLY_OK;
}

bool utility_needs_snapshot(const Node *stmt) { return command_info[nodeTag(stmt)].flags & CMD_SNAPSHOT; }

bool utility_prohibits_block(const Node *stmt)
{
    if (IsA(stmt, VacuumStmt)) return ((const VacuumStmt *)stmt)->is_vacuumcmd;
    if (IsA(stmt, IndexStmt)) return ((const IndexStmt *)stmt)->concurrent;
    if (IsA(stmt, DropStmt)) return ((const DropStmt *)stmt)->concurrent;
    if (IsA(stmt, DiscardStmt)) return ((const DiscardStmt *)stmt)->target == 0;
    return command_info[nodeTag(stmt)].flags & CMD_NO_BLOCK;
}

Status run_utility(SessionEnv *env, Query *query, const char *sql, const ParamList *params, RowSink *sink, CommandResult *out, Error *err)
{
    Arena arena;
    Node *stmt = query->utilityStmt;
    const CommandInfo *info = &command_info[nodeTag(stmt)];
    if (!info->run) return error_set(err, ERR_INTERNAL_ERROR, "unrecognized utility statement %s", node_tag_name(nodeTag(stmt)));
    TRY(stack_check(err));
    snprintf(out->tag, sizeof out->tag, "%s", utility_tag(stmt));
    arena_init(&arena, env->account, 0);
    CommandCall call = {env, sql, &arena, params, sink, out->tag};
    Status st = info->run(&call, stmt, err);
    arena_destroy(&arena);
    return st;
}

/* ---- shared by commands ---- */

const char *def_string(const DefElem *item)
{
    if (IsA(item->arg, String)) return ((const String *)item->arg)->sval;
    if (IsA(item->arg, TypeName)) {
        const TypeName *tn = (const TypeName *)item->arg;
        return tn->names ? ((const String *)list_last(tn->names))->sval : NULL;
    }
    return NULL;
}

Status def_bool(const DefElem *item, bool *out, Error *err)
{
    static const struct { const char *word; bool value; } words[] = {{"true", true}, {"false", false}, {"on", true}, {"off", false}, {"1", true}, {"0", false}};
    const char *s = def_string(item);
    *out = true;
    if (!item->arg) return ST_OK;
    for (size_t i = 0; s && i < sizeof words / sizeof *words; i++)
        if (!strcasecmp(s, words[i].word)) {
            *out = words[i].value;
            return ST_OK;
        }
    return error_set(err, ERR_SYNTAX_ERROR, "%s requires a Boolean value", item->defname);
}

Status def_int(const DefElem *item, int64_t *out, Error *err)
{
    const char *s = def_string(item);
    char *end;
    if (!s) return error_set(err, ERR_SYNTAX_ERROR, "%s requires a numeric value", item->defname);
    *out = strtoll(s, &end, 10);
    if (!*s || *end) return error_set(err, ERR_SYNTAX_ERROR, "%s requires a numeric value", item->defname);
    return ST_OK;
}

static Status text_desc(Arena *arena, const char *column, Oid type, TupleDesc **out, Error *err)
{
    *out = tupledesc_new(arena, 1);
    TRY_MEM(*out, err);
    attribute_set(&(*out)->atts[0], column, type_builtin(type), -1);
    return ST_OK;
}

Status send_text_row(CommandCall *call, const char *column, const char *value, Error *err)
{
    TupleDesc *desc;
    bool more;
    TRY(text_desc(call->arena, column, TYPE_text, &desc, err));
    TupleSlot *slot = slot_new(call->arena, desc);
    TRY_MEM(slot, err);
    TRY(call->sink->start(call->sink, desc, err));
    slot->values[0] = varlena_cstr(call->arena, value);
    TRY_MEM(slot->values[0], err);
    slot->nulls[0] = false;
    slot_store_virtual(slot);
    TRY(call->sink->row(call->sink, slot, &more, err));
    return call->sink->finish(call->sink, err);
}

Status cmd_UnsupportedStmt(CommandCall *call, UnsupportedStmt *stmt, Error *err) { return error_unsupported(err, stmt->what); }
