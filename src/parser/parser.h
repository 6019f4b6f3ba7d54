/* Text to trees: the only user of libpg_query.
 *
 * raw_parse makes libpg_query's tree in the arena (its recursion runs on one of two shared 8 MB stacks; the tree's depth is measured without
 * recursion before anything walks it: 54001). Analysis turns one raw statement into a Query. Manual 52.3. */
#ifndef HELIOS_PARSER_PARSER_H
#define HELIOS_PARSER_PARSER_H

#include "catalog/name_lookup.h"
#include "expr/expr.h"
#include "nodes/utility.h"

typedef struct RawStatement {
    const void *pb;          /* parser's own tree, in the arena */
    int location, length;    /* bytes of the source text; length 0: to its end */
    const char *tag;         /* what kind: "SELECT", "INSERT", "BEGIN" ... for deciding before analysis */
    bool is_transaction_end; /* COMMIT, ROLLBACK, ROLLBACK TO, PREPARE TRANSACTION: allowed in an aborted transaction */
    bool needs_snapshot;     /* its analysis or planning looks at data */
    bool is_utility;
} RawStatement;

/* 42601 "syntax error at or near \"x\"" with position. The statements and everything they point at live in arena. */
STATUS raw_parse(SessionEnv *env, const char *sql, Arena *arena, RawStatement **out, int *n, Error *err);

/* Types of $n: given ones (0: to be inferred); analysis with `variable` infers the rest and may extend the array. */
typedef struct ParamTypes {
    int n, cap;
    Oid *types;
    bool variable;
    Arena *arena; /* for growth */
} ParamTypes;

/* Analyses one statement (locks relations it names in the mode it will need). sql: the whole source text, for error positions. */
STATUS analyze_statement(SessionEnv *env, const RawStatement *raw, const char *sql, ParamTypes *params, Arena *arena, Query **out, Error *err);

/* A normalised form of a statement's text with literals replaced by $n, for the plan cache of simple queries: false if the text has nothing to
 * gain or is not a single plain DML statement. literals: their source slices in order; a string's without its quotes, '' in it still doubled; a
 * number's with its sign. The text may hold literals that must stay (ORDER BY 1); *n may be 0. */
typedef struct Literal { Slice text; bool is_string, is_number; int location; } Literal;
bool normalize_statement(Slice sql, StrBuf *normalized, Literal *literals, int max, int *n);

#endif
