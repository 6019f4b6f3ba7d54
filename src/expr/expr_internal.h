/* Inside of the expression floor: what a program is made of.
 *
 * A program is an array of steps. Each step leaves its result in a cell (value and null flag), and cells are where the next step
 * wants them: an argument array of a call, or the program's own result cell. Cells, argument arrays and call frames are allocated
 * once, while compiling, and are part of the program: a program serves one execution at a time. */
#ifndef HELIOS_EXPR_INTERNAL_H
#define HELIOS_EXPR_INTERNAL_H

#include "catalog/name_lookup.h"
#include "common/list.h"
#include "expr/expr.h"
#include "types/array.h"

typedef enum ExprOp {
#define STEP(name) OP_##name,
#include "expr/expr_ops.def"
#undef STEP
    OP_COUNT
} ExprOp;

typedef struct Cell { Datum v; bool n; } Cell;
typedef struct InList InList; /* expr_array_op.c: hashed constant array */

/* A set of values in parallel arrays. */
typedef struct ValueArray { int n; Datum *v; bool *nulls; } ValueArray;

typedef struct ArrayOpData {
    BuiltinFn fn;
    CallFrame *cf;        /* args[0]: scalar; args[1] is set per element */
    bool strict, any;
    const TypeInfo *elem;
    ValueArray in;        /* scalar and array */
    InList *list;         /* HASHED_IN */
} ArrayOpData;

typedef struct IoCoerceData { const TypeInfo *from, *to; Oid to_oid; } IoCoerceData;

typedef struct ArrayData {
    ValueArray in;
    const TypeInfo *elem;
    bool multidims;
} ArrayData;

typedef struct ArrayCoerceData {
    ExprProgram *elem_program;
    const TypeInfo *from, *to;
} ArrayCoerceData;

typedef struct RowData {
    ValueArray in;
    TupleDesc *desc;
} RowData;

typedef struct MinMaxData {
    ValueArray in;
    const TypeInfo *type;
    bool greatest;
} MinMaxData;

typedef struct RowCompareData {
    BuiltinFn fn;         /* comparison support of one column pair, or NULL: compare through type */
    CallFrame *cf;
    bool strict;
    BuiltinFn lt;         /* when the pair has no default order in common */
    CallFrame *lt_frame;
    const TypeInfo *type;
    ValueArray in;
    int done;             /* jump when decided */
    int32_t *result;
} RowCompareData;

typedef struct SubscriptData {
    const TypeInfo *array_type, *elem;
    int nupper;
    bool slice, assign;
    Datum *upper, *lower; /* int4 */
    bool *upper_null, *lower_null;
    bool *upper_given, *lower_given;
    Cell source;          /* value to assign */
    Cell array;           /* the container */
    Oid container;
} SubscriptData;

typedef struct FieldData {
    int fieldnum;
    const TypeInfo *type;
    TupleDesc *desc;      /* FieldStore: of the row */
    ValueArray in;        /* FieldStore: new values */
    const int64_t *fieldnums;
    int n;
    Oid row_type;
} FieldData;

typedef struct DomainData {
    const TypeInfo *type;
    ExprProgram *check;
    const char *constraint;
    const char *display_name;
} DomainData;

typedef struct ExprStep {
    uint16_t op;
    Datum *v;
    bool *n;
    union {
        struct { int attno, resno; Oid type; uint8_t which; } var; /* which: 0 scan, 1 inner, 2 outer */
        Cell constant;
        struct { int id; Oid type; } param;
        struct { const Datum *v; const bool *n; } cell;
        struct { BuiltinFn fn; CallFrame *cf; } call;
        struct { Datum *args; bool *nulls; } bin;
        struct { int target; bool *any_null; } jump;
        struct { BoolTestType kind; } booltest;
        const SQLValueFunction *sqlvalue;
        const SubPlan *subplan;
        const CurrentOfExpr *current_of;
        struct { const IntArray *refs; } grouping;
        struct { Oid seq; Oid type; } nextval;
        void *data;
    } d;
} ExprStep;

struct ExprProgram {
    ExprStep *steps;
    int nsteps, cap;
    Cell result;
    bool session_objects;      /* holds pointers to descriptors that live only as long as the statement */
    /* Binding to the context of the last run: frames get these before a call. */
    const ExprContext *bound_ec;
    Error *bound_err;
    Arena *bound_arena;
    CallFrame **frames;
    int nframes, frames_cap;
};

typedef struct Compiler {
    SessionEnv *env;
    Arena *arena;
    ExprProgram *prog;
    Error *err;
    Cell *case_cell;           /* where CaseTestExpr finds its value; NULL: ec->case_value */
    bool in_domain_check;
} Compiler;

/* Everything the compile_*.c files share. Result goes to *v, *n. */
STATUS compile_expr(Compiler *c, const Node *node, Datum *v, bool *n);
STATUS emit(Compiler *c, ExprOp op, Datum *v, bool *n, ExprStep **out);
STATUS value_array(Compiler *c, ValueArray *a, int n);
STATUS compile_list(Compiler *c, const List *args, ValueArray *a); /* allocates and compiles each item into its place */
/* A frame for calling proc; resolves the function: 0A000/42883 if there is no code. */
STATUS make_frame(Compiler *c, Oid proc, Oid collation, Oid result_type, int nargs, const List *args, BuiltinFn *fn, bool *strict,
                  CallFrame **out);
STATUS compiler_type(Compiler *c, Oid oid, const TypeInfo **out);

/* expr_compile_*.c */
STATUS compile_call(Compiler *c, Oid proc, Oid collation, Oid result_type, const List *args, bool variadic, Datum *v, bool *n);
STATUS compile_array_op(Compiler *c, const ScalarArrayOpExpr *op, Datum *v, bool *n);
STATUS compile_array(Compiler *c, const ArrayExpr *a, Datum *v, bool *n);
STATUS compile_array_coerce(Compiler *c, const ArrayCoerceExpr *a, Datum *v, bool *n);
STATUS compile_subscript(Compiler *c, const SubscriptingRef *s, Datum *v, bool *n);
STATUS compile_row(Compiler *c, const RowExpr *r, Datum *v, bool *n);
STATUS compile_row_compare(Compiler *c, const RowCompareExpr *r, Datum *v, bool *n);
STATUS compile_field_select(Compiler *c, const FieldSelect *f, Datum *v, bool *n);
STATUS compile_field_store(Compiler *c, const FieldStore *f, Datum *v, bool *n);
STATUS compile_convert_row(Compiler *c, const ConvertRowtypeExpr *r, Datum *v, bool *n);
STATUS compile_domain(Compiler *c, const CoerceToDomain *d, Datum *v, bool *n);
int expr_inline_op(Oid proc); /* an OP_, or -1 */

/* Slow steps, outside of the interpreter's loop. */
STATUS step_array_op(ArrayOpData *d, Datum *v, bool *n, Error *err);
STATUS step_hashed_in(ArrayOpData *d, ExprContext *ec, Datum *v, bool *n, Error *err);
STATUS step_io_coerce(IoCoerceData *d, ExprContext *ec, Datum *v, bool *n, Error *err);
STATUS step_array(ArrayData *d, ExprContext *ec, Datum *v, bool *n, Error *err);
STATUS step_array_coerce(ArrayCoerceData *d, ExprContext *ec, Datum *v, bool *n, Error *err);
STATUS step_subscript_fetch(SubscriptData *d, ExprContext *ec, Datum *v, bool *n, Error *err);
STATUS step_subscript_old(SubscriptData *d, ExprContext *ec, Datum *v, bool *n, Error *err);
STATUS step_subscript_assign(SubscriptData *d, ExprContext *ec, Datum *v, bool *n, Error *err);
STATUS step_row(RowData *d, ExprContext *ec, Datum *v, bool *n, Error *err);
STATUS step_row_null(Datum value, bool isnull, bool want_null, const TypeInfo *type, ExprContext *ec, bool *out, Error *err);
STATUS step_whole_row(TupleSlot *slot, Oid type, ExprContext *ec, Datum *v, bool *n, Error *err);
STATUS step_field_select(FieldData *d, ExprContext *ec, Datum *v, bool *n, Error *err);
STATUS step_field_store(FieldData *d, ExprContext *ec, Datum *v, bool *n, Error *err);
STATUS step_convert_row(FieldData *d, ExprContext *ec, Datum *v, bool *n, Error *err);
STATUS step_domain_check(DomainData *d, ExprContext *ec, Datum *v, bool *n, Error *err);
STATUS step_domain_not_null(DomainData *d, bool isnull, Error *err);
STATUS step_sql_value(const SQLValueFunction *f, ExprContext *ec, Datum *v, bool *n, Error *err);
STATUS step_next_value(Oid seq, Oid type, ExprContext *ec, Datum *v, bool *n, Error *err);
STATUS step_system_column(TupleSlot *slot, int attno, ExprContext *ec, Datum *v, bool *n, Error *err);
void step_min_max(MinMaxData *d, Datum *v, bool *n);
STATUS run_program(ExprProgram *prog, ExprContext *ec, TupleSlot *out, Error *err);

#endif
