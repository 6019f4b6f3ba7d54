/* What the fn_*.c files share. FN(int4pl) { ... } defines the code of every pg_proc row whose prosrc is "int4pl"; func_table.def lists it. */
#ifndef HELIOS_FUNCTIONS_FN_H
#define HELIOS_FUNCTIONS_FN_H

#include "functions/call.h"
#include "types/array.h"
#include "types/datetime.h"
#include "types/numeric.h"
#include "types/utf8.h"

#define FUNC(name) Datum fn_##name(CallFrame *cf);
#define FUNC_OID(oid, name)
#include "functions/func_table.def"
#undef FUNC
#undef FUNC_OID

#define FN(name) Datum fn_##name(CallFrame *cf)
/* In a function that returns Datum: end with a null datum once the error is in cf->err. */
#define FTRY(call) do { if (failed(call)) return 0; } while (0)
#define FTRY_MEM(p) do { if (unlikely(!(p))) return fn_oom(cf); } while (0)

Datum fn_oom(CallFrame *cf);
IoContext fn_io(CallFrame *cf);
const FormatOptions *fn_format(CallFrame *cf); /* the session's, or ISO and UTC without one */
/* A type that must exist: XX000 and NULL otherwise. */
const TypeInfo *fn_type(CallFrame *cf, Oid type);
Datum fn_return_buf(CallFrame *cf, const StrBuf *sb);       /* text of a buffer; its failure becomes 53200 */
Datum fn_return_numeric(CallFrame *cf, const Numeric *v);
Datum fn_return_interval(CallFrame *cf, const Interval *iv);
/* Midnight of a date; infinities pass. false: 22008 "date out of range for timestamp". */
bool fn_date_to_timestamp(CallFrame *cf, int32_t date, int64_t *out);
/* One row of a function with OUT parameters, a set's next row too. nulls NULL: none. At most 32 columns. */
Datum fn_return_row(CallFrame *cf, int n, const Datum *values, const bool *nulls);
bool fn_arg_numeric(CallFrame *cf, int i, Numeric *out);    /* false: error set */
char *fn_arg_cstr(CallFrame *cf, int i);                    /* zero-terminated copy in cf->arena; NULL: error set */
/* Appends the text form of a value of any type. */
STATUS fn_output(CallFrame *cf, Oid type, Datum value, StrBuf *out);
STATUS fn_input(CallFrame *cf, Oid type, Slice text, int32_t typmod, Datum *out);
static inline bool fn_ok(const CallFrame *cf) { return likely(cf->err->code == 0); }
static inline void *fn_site_alloc(CallFrame *cf, size_t n) { return arena_zalloc(cf->site_arena ? cf->site_arena : cf->arena, n); }
static inline Interrupt *fn_interrupt(CallFrame *cf) { return cf->env ? cf->env->interrupt : NULL; }

/* Six comparison functions over an int expression c of cf's two arguments. */
#define FN_COMPARE(eq, ne, lt, le, gt, ge, expr)   \
    FN(eq) { int c = (expr); return c == 0; }      \
    FN(ne) { int c = (expr); return c != 0; }      \
    FN(lt) { int c = (expr); return c < 0; }       \
    FN(le) { int c = (expr); return c <= 0; }      \
    FN(gt) { int c = (expr); return c > 0; }       \
    FN(ge) { int c = (expr); return c >= 0; }
#define FN_COMPARE_P(p, expr) FN_COMPARE(p##eq, p##ne, p##lt, p##le, p##gt, p##ge, expr)
#define FN_COMPARE_U(p, expr) FN_COMPARE(p##_eq, p##_ne, p##_lt, p##_le, p##_gt, p##_ge, expr)
#define CMP3(a, b) (((a) > (b)) - ((a) < (b)))

#endif
