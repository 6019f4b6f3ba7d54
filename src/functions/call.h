/* The calling convention of built-in functions, and the table that finds them.
 *
 * A function is one line in func_table.def and one C function: Datum fn_name(CallFrame *cf). It reads cf->args, makes its result in
 * cf->arena, sets *cf->err (error_set) on failure: the interpreter checks cf->err->code once after each call. NULLs: a strict function
 * is never called with a null argument; any function may set cf->isnull = true.
 *
 * Facts (signature, volatility, strictness) come from pg_proc.def; func_table.def joins prosrc -> C function:
 *     FUNC(int4pl)            // prosrc "int4pl" is implemented by Datum fn_int4pl(CallFrame *)
 * so overloads that share a prosrc share the code. A pg_proc row without a line is shown nowhere and resolved never. */
#ifndef HELIOS_FUNCTIONS_CALL_H
#define HELIOS_FUNCTIONS_CALL_H

#include "catalog/catalog.h"

#define FUNC_MAX_ARGS 100

/* A set-returning function is called again and again: it sets done = true (result ignored) when there are no more rows. Its state lives
 * in cf->site_arena, pointed to by cf->site_state (NULL at the first call of a new set). Row results (OUT arguments, RETURNS TABLE) go
 * into cols/nulls and the return value is ignored. */
typedef struct SetResult {
    bool done;
    int ncols;           /* of the expected row; 0: scalar result */
    Datum *cols;
    bool *nulls;
    const TupleDesc *desc; /* expected row, e.g. from a column definition list */
} SetResult;

typedef struct CallFrame {
    Datum *args;
    bool *nulls;           /* nargs each */
    int nargs;
    bool isnull;           /* result */
    Arena *arena;          /* results and scratch: tuple lifetime */
    Error *err;
    SessionEnv *env;
    Oid collation;
    Oid result_type;       /* actual, for polymorphic functions */
    const Oid *arg_types;  /* actual */
    const struct ProcInfo *proc;
    Arena *site_arena;     /* lives as long as this call site (statement); for caches: compiled regexps, set state */
    void *site_state;      /* the function's own cache, NULL at first */
    SetResult *set;        /* set-returning call, else NULL */
    Arena *agg_arena;      /* transition functions: lifetime of the group; else NULL */
    bool variadic_array;   /* called with VARIADIC keyword: last argument is an array */
    struct WindowApi *window; /* window functions (functions/window.h), else NULL */
} CallFrame;

typedef Datum (*BuiltinFn)(CallFrame *cf);

#define ARG_BOOL(i) datum_get_bool(cf->args[i])
#define ARG_I16(i) datum_get_i16(cf->args[i])
#define ARG_I32(i) datum_get_i32(cf->args[i])
#define ARG_I64(i) datum_get_i64(cf->args[i])
#define ARG_F4(i) datum_get_f4(cf->args[i])
#define ARG_F8(i) datum_get_f8(cf->args[i])
#define ARG_OID(i) datum_get_oid(cf->args[i])
#define ARG_TEXT(i) varlena_slice(cf->args[i])
#define RETURN_NULL() do { cf->isnull = true; return 0; } while (0)
/* A text result; raises 53200 when out of memory. */
Datum call_return_text(CallFrame *cf, Slice s);
Datum call_return_cstr(CallFrame *cf, const char *s);
/* Raises and returns 0: return CALL_ERROR(cf, ERR_DIVISION_BY_ZERO, "division by zero"); */
#define CALL_ERROR(cf, code, ...) (error_set((cf)->err, (code), __VA_ARGS__), (Datum)0)

/* Code of a built-in by pg_proc OID or by prosrc. NULL: not implemented. Constant time, no allocation. */
BuiltinFn builtin_function(Oid proc_oid);
BuiltinFn builtin_function_by_source(const char *prosrc);

/* The constant tables, for the catalog's readers (pg_proc, pg_operator, pg_cast, pg_aggregate). Rows of functions that have no code are
 * skipped by the catalog. This floor registers them with the catalog at start (functions_register), since the catalog is below. */
void functions_register(void);

/* Direct call by OID with values (defaults, casts, sort support): looks up, handles strict, sets *isnull. */
STATUS call_function(SessionEnv *env, Oid proc, Oid collation, Oid result_type, int nargs, const Oid *arg_types, Datum *args, bool *nulls,
                     Arena *arena, Datum *result, bool *isnull, Error *err);

#endif
