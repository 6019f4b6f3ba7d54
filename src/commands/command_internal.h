/* How a utility statement's function is called. One function per node tag: STATUS cmd_<Node>(CommandCall *, <Node> *, Error *). */
#ifndef HELIOS_COMMANDS_COMMAND_INTERNAL_H
#define HELIOS_COMMANDS_COMMAND_INTERNAL_H

#include "commands/commands.h"
#include "parser/analyze.h"

typedef struct CommandCall {
    SessionEnv *env;
    const char *sql;          /* source text, for positions */
    Arena *arena;             /* statement lifetime */
    const ParamList *params;  /* $n of an extended-protocol utility statement; may be NULL */
    RowSink *sink;            /* for commands that return rows */
    char *tag;                /* 64 bytes, preset with the table's tag */
} CommandCall;

enum { CMD_READ_ONLY_OK = 1, CMD_SNAPSHOT = 2, CMD_NO_BLOCK = 4 };

#define COMMAND(Node, tag, flags) STATUS cmd_##Node(CommandCall *call, Node *stmt, Error *err);
#include "commands/command_table.def"
#undef COMMAND

extern const CommandHooks *command_hooks; /* the server's */

/* "TABLE", "INDEX" ... of an ObjectKind: for DROP, ALTER, COMMENT tags and messages. */
const char *object_kind_name(int kind);
/* Option helpers for DefElem lists. */
STATUS def_bool(const DefElem *item, bool *out, Error *err);      /* 42601 `x requires a Boolean value` */
const char *def_string(const DefElem *item);                       /* NULL without argument */
STATUS def_int(const DefElem *item, int64_t *out, Error *err);     /* 42601 `x requires a numeric value` */

/* A one-column text result (SHOW). */
STATUS send_text_row(CommandCall *call, const char *column, const char *value, Error *err);

#endif
