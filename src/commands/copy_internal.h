/* COPY: options and the pieces shared by its two directions. Manual: SQL command COPY. */
#ifndef HELIOS_COMMANDS_COPY_INTERNAL_H
#define HELIOS_COMMANDS_COPY_INTERNAL_H

#include "commands/command_internal.h"

typedef enum CopyFormat { COPY_TEXT, COPY_CSV, COPY_BINARY } CopyFormat;
typedef enum CopyHeader { HEADER_NONE, HEADER_TRUE, HEADER_MATCH } CopyHeader;

typedef struct CopyOptions {
    CopyFormat format;
    CopyHeader header;
    char delim, quote, escape;
    const char *null_print;
    size_t null_len;
    bool freeze, force_quote_all;
    const List *force_quote, *force_not_null, *force_null; /* Strings */
} CopyOptions;
STATUS copy_options(CommandCall *call, const CopyStmt *stmt, CopyOptions *out, Error *err);

/* The columns of a COPY, in its order: 1-based attribute numbers. */
STATUS copy_columns(CommandCall *call, const Relation *rel, const CopyStmt *stmt, int **attnums, int *n, Error *err);
bool copy_column_in(const List *names, const char *column);

/* ---- lines of text and csv (copy_parse.c) ---- */
typedef struct CopySource {
    STATUS (*read)(struct CopySource *src, Slice *chunk, Error *err); /* len 0: end */
    void *arg;
    SessionEnv *env;
    void *file;
} CopySource;

typedef struct CopyField { Slice text; bool is_null, quoted; } CopyField;

typedef struct CopyParser {
    CopySource *source;
    const CopyOptions *opt;
    Slice chunk;            /* rest of the newest chunk */
    StrBuf carry;           /* a line that spans chunks */
    StrBuf scratch;         /* unescaped fields of the line */
    bool at_end;
    uint64_t line;          /* of the row being parsed, 1-based */
    Slice current;          /* its raw text, for error context */
} CopyParser;
void copy_parser_init(CopyParser *p, CopySource *source, const CopyOptions *opt, MemAccount *account);
void copy_parser_free(CopyParser *p);
/* Next line's fields, up to max; *n is the number found (may be max + 1: too many). *end at the end of data. Views valid until the next call. */
STATUS copy_next_line(CopyParser *p, CopyField *fields, int max, int *n, bool *end, Error *err);
/* Raw bytes for the binary format. *short_read: the data ended before n bytes (0 of them: clean end). */
STATUS copy_read_bytes(CopyParser *p, size_t n, Slice *out, bool *end, Error *err);

STATUS copy_from(CommandCall *call, CopyStmt *stmt, const CopyOptions *opt, uint64_t *rows, Error *err);
STATUS copy_to(CommandCall *call, CopyStmt *stmt, const CopyOptions *opt, uint64_t *rows, Error *err);

extern const char COPY_SIGNATURE[11];

#endif
