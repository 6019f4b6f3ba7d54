/* Messages from the client (manual 55.7), parsed into structs. Strings and slices are borrowed from the message body. */
#ifndef HELIOS_WIRE_FRONTEND_MSGS_H
#define HELIOS_WIRE_FRONTEND_MSGS_H

#include "common/arena.h"
#include "types/datum.h"
#include "wire/msg_reader.h"

enum {
    STARTUP_CANCEL = 80877102, STARTUP_SSL = 80877103, STARTUP_GSSENC = 80877104,
    PROTOCOL_MAJOR = 3, PROTOCOL_MINOR_SUPPORTED = 0, STARTUP_MAX_BYTES = 10000
};

typedef struct StartupOption { const char *name, *value; } StartupOption;
typedef struct StartupMsg {
    int32_t code;                      /* protocol version or one of STARTUP_ */
    int32_t cancel_pid;                /* CancelRequest */
    Slice cancel_key;
    int noptions;
    const StartupOption *options;      /* in arena; user, database, options, ... */
    int nunrecognized;                 /* _pq_. names, to be listed in NegotiateProtocolVersion */
    const char **unrecognized;
} StartupMsg;
STATUS frontend_startup(Slice body, Arena *arena, StartupMsg *out, Error *err);

typedef struct ParseMsg { const char *name, *query; int ntypes; Oid *types; } ParseMsg;
STATUS frontend_parse(Slice body, Arena *arena, ParseMsg *out, Error *err);

typedef struct BindMsg {
    const char *portal, *statement;
    int nformats; int16_t *formats;          /* parameters */
    int nparams; Slice *params; bool *nulls;
    int nresult_formats; int16_t *result_formats;
} BindMsg;
STATUS frontend_bind(Slice body, Arena *arena, BindMsg *out, Error *err);

typedef struct NamedMsg { char kind; const char *name; } NamedMsg; /* Describe, Close: kind 'S' or 'P' */
STATUS frontend_named(Slice body, NamedMsg *out, Error *err);

typedef struct ExecuteMsg { const char *portal; int32_t max_rows; } ExecuteMsg;
STATUS frontend_execute(Slice body, ExecuteMsg *out, Error *err);

STATUS frontend_query(Slice body, const char **sql, Error *err);

#endif
