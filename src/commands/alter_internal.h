/* ALTER TABLE: one function per kind of subcommand. */
#ifndef HELIOS_COMMANDS_ALTER_INTERNAL_H
#define HELIOS_COMMANDS_ALTER_INTERNAL_H

#include "commands/ddl_internal.h"

typedef struct AlterTable {
    CommandCall *call;
    SessionEnv *env;
    Arena *arena;
    Oid relation;
    const Relation *rel; /* as it is before the subcommand */
} AlterTable;
typedef STATUS (*AlterFn)(AlterTable *at, const AlterTableCmd *cmd, Error *err);

STATUS alter_add_column(AlterTable *at, const AlterTableCmd *cmd, Error *err);
STATUS alter_drop_column(AlterTable *at, const AlterTableCmd *cmd, Error *err);
STATUS alter_column_default(AlterTable *at, const AlterTableCmd *cmd, Error *err);
STATUS alter_column_type(AlterTable *at, const AlterTableCmd *cmd, Error *err);
STATUS alter_not_null(AlterTable *at, const AlterTableCmd *cmd, Error *err);
STATUS alter_identity(AlterTable *at, const AlterTableCmd *cmd, Error *err);
STATUS alter_drop_expression(AlterTable *at, const AlterTableCmd *cmd, Error *err);
STATUS alter_column_setting(AlterTable *at, const AlterTableCmd *cmd, Error *err);
/* After something was dropped: a table that lost the key its rows were ordered by is rewritten. */
STATUS alter_keep_order(AlterTable *at, Error *err);

#endif
