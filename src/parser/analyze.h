/* Analysis of single expressions for commands: defaults, CHECK, index expressions, USING, WHERE of COPY, EXECUTE's arguments. */
#ifndef HELIOS_PARSER_ANALYZE_H
#define HELIOS_PARSER_ANALYZE_H

#include "parser/parser.h"

typedef enum ExprKind {
    EXPR_KIND_OTHER, EXPR_KIND_CHECK_CONSTRAINT, EXPR_KIND_DOMAIN_CHECK, EXPR_KIND_COLUMN_DEFAULT, EXPR_KIND_FUNCTION_DEFAULT, EXPR_KIND_INDEX_EXPRESSION,
    EXPR_KIND_INDEX_PREDICATE, EXPR_KIND_ALTER_COL_TRANSFORM, EXPR_KIND_EXECUTE_PARAMETER, EXPR_KIND_TRIGGER_WHEN, EXPR_KIND_COPY_WHERE,
    EXPR_KIND_GENERATED_COLUMN, EXPR_KIND_POLICY, EXPR_KIND_CALL_ARGUMENT, EXPR_KIND_PARTITION_BOUND
} ExprKind;

/* The columns an expression may name: rel's (Var varno 1; NULL: none), plus extra named values for domains (VALUE) by kind. desc may stand in
 * for a relation that is being created. The result has type as is; coerce with coerce_assignment etc. */
typedef struct ExprScope {
    const Relation *rel;
    const char *relname;      /* qualifying name; rel's by default */
    const TupleDesc *desc;    /* used when rel is NULL */
    const char *sql;          /* source text for positions */
    Oid value_type;           /* DOMAIN_CHECK: type of VALUE */
    int32_t value_typmod;
    ParamTypes *params;       /* may be NULL */
} ExprScope;
STATUS analyze_expression(SessionEnv *env, const RawExpr *raw, ExprKind kind, const ExprScope *scope, Arena *arena, Node **out, Error *err);
/* Same for a text (stored or typed): parses `SELECT <text>` inside. */
STATUS analyze_expression_text(SessionEnv *env, const char *text, ExprKind kind, const ExprScope *scope, Arena *arena, Node **out, Error *err);

typedef enum CoercionContext { COERCION_IMPLICIT, COERCION_ASSIGNMENT, COERCION_EXPLICIT } CoercionContext;
/* NULL result without error: no such conversion (the caller words the error). */
STATUS coerce_to_target(SessionEnv *env, Node *expr, Oid target, int32_t typmod, CoercionContext ctx, CoercionForm form, Arena *arena, Node **out, Error *err);
/* coerce_to_target or 42804 `column "x" is of type integer but expression is of type text` with hint. */
STATUS coerce_for_column(SessionEnv *env, Node *expr, const char *column, Oid target, int32_t typmod, Arena *arena, Node **out, Error *err);
STATUS coerce_to_boolean(SessionEnv *env, Node *expr, const char *construct, Arena *arena, Node **out, Error *err);

/* A TypeName's OID and typmod; 42704 `type "x" does not exist`. */
STATUS resolve_type_name(SessionEnv *env, const TypeName *tn, bool missing_ok, Oid *oid, int32_t *typmod, Error *err);
STATUS parse_type_text(SessionEnv *env, const char *text, Oid *oid, int32_t *typmod, Error *err); /* 'int4', 'numeric(10,2)[]' */
/* The function that a name with exactly these argument types denotes (ALTER/DROP FUNCTION, triggers). */
STATUS lookup_function(SessionEnv *env, const List *names, const List *argtypes /* TypeNames or NULL: any */, bool missing_ok, Oid *out, Error *err);
STATUS rangevar_relation(SessionEnv *env, const RangeVar *rv, LockMode lock, bool missing_ok, const Relation **out, Error *err);
/* A PREPARE's inner statement. */
STATUS analyze_prepared(SessionEnv *env, const RawExpr *raw, const char *sql, ParamTypes *params, Arena *arena, Query **out, Error *err);
/* Binary operator on two analysed expressions, as the user would write it: for foreign keys, IN lists, USING. */
STATUS make_operator(SessionEnv *env, const char *name, Node *left, Node *right, int location, Arena *arena, Node **out, Error *err);

#endif
