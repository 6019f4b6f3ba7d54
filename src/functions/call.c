/* Finding the code of built-in functions, and calling them by OID. */
#include <assert.h>
#include <pthread.h>

#include "catalog/cat_builtin.h"
#include "functions/fn.h"
#include "functions/regexp.h"
#include "types/record.h"

/* Sorted by name (func_table.def is): no relocations in a fixed-address program, no private memory. */
static const struct { const char *name; BuiltinFn fn; } by_source[] = {
#define FUNC(name) {#name, fn_##name},
#define FUNC_OID(oid, name)
#include "functions/func_table.def"
#undef FUNC
#undef FUNC_OID
};
static const struct { Oid oid; BuiltinFn fn; } by_oid[] = {
#define FUNC(name)
#define FUNC_OID(oid, name) {oid, fn_##name},
#include "functions/func_table.def"
#undef FUNC
#undef FUNC_OID
};
enum { NFUNCS = sizeof by_source / sizeof by_source[0], NOIDS = sizeof by_oid / sizeof by_oid[0], NPROCS_MAX = 4096 };

static uint16_t code_of[NPROCS_MAX]; /* by index in pg_proc: 0 none, n: by_source[n - 1], NFUNCS + n: by_oid, then the generic ones */
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* ---- input and output functions of every type, by signature ---- */

static Datum type_in_call(CallFrame *cf)
{
    Datum out = 0;
    Slice text = ARG_TEXT(0);
    FTRY(fn_input(cf, cf->proc ? cf->proc->result : cf->result_type, text, cf->nargs > 2 ? ARG_I32(2) : -1, &out));
    return out;
}

static Datum type_out_call(CallFrame *cf)
{
    StrBuf sb;
    strbuf_init(&sb, cf->arena);
    Oid type = cf->arg_types ? cf->arg_types[0] : cf->proc->args[0];
    FTRY(fn_output(cf, type, cf->args[0], &sb));
    return fn_return_buf(cf, &sb);
}

static Datum type_send_call(CallFrame *cf)
{
    StrBuf sb;
    strbuf_init(&sb, cf->arena);
    const TypeInfo *type = fn_type(cf, cf->arg_types ? cf->arg_types[0] : cf->proc->args[0]);
    IoContext io = fn_io(cf);
    if (!type) return 0;
    FTRY(type_send(&io, type, cf->args[0], &sb, cf->err));
    return fn_return_buf(cf, &sb);
}

static Datum internal_only(CallFrame *cf)
{
    return CALL_ERROR(cf, ERR_FEATURE_NOT_SUPPORTED, "function %s cannot be called directly", cf->proc ? cf->proc->name : "of an internal kind");
}

static const BuiltinFn generic[] = {type_in_call, type_out_call, type_send_call, internal_only};
enum { GENERIC_IN, GENERIC_OUT, GENERIC_SEND, GENERIC_INTERNAL };

static bool ends_with(const char *s, const char *end)
{
    size_t n = strlen(s), k = strlen(end);
    return n >= k && !strcmp(s + n - k, end);
}

static int generic_kind(const BuiltinProc *p)
{
    Oid args[8] = {0};
    int n = p->nargs <= 8 ? parse_oid_list(p->argtypes, args, 8) : 0;
    if (p->kind == 'w' || p->kind == 'a') return -1;
    if (n >= 1 && args[0] == TYPE_cstring && ends_with(p->src, "in")) return GENERIC_IN;
    if (n == 1 && p->rettype == TYPE_cstring && ends_with(p->src, "out")) return GENERIC_OUT;
    if (n == 1 && p->rettype == TYPE_bytea && ends_with(p->src, "send")) return GENERIC_SEND;
    if (n >= 1 && (args[0] == TYPE_internal || p->rettype == TYPE_internal) && (ends_with(p->src, "recv") || ends_with(p->src, "sel") ||
        ends_with(p->src, "sortsupport") || ends_with(p->src, "_support") || ends_with(p->src, "handler")))
        return GENERIC_INTERNAL;
    if ((n == 1 && (p->rettype == TYPE_cstring || args[0] == TYPE__cstring)) && strstr(p->src, "typmod")) return GENERIC_INTERNAL;
    if (ends_with(p->src, "typanalyze") || ends_with(p->src, "handler")) return GENERIC_INTERNAL;
    return -1;
}

static int find_source(const char *src)
{
    int lo = 0, hi = NFUNCS - 1;
    while (lo <= hi) {
        int mid = (lo + hi) / 2, c = strcmp(src, by_source[mid].name);
        if (c == 0) return mid;
        if (c < 0) hi = mid - 1;
        else lo = mid + 1;
    }
    return -1;
}

static void fill_code(void)
{
    int n = builtin_proc_count();
    assert(n <= NPROCS_MAX);
    for (int i = 0; i < n; i++) {
        BuiltinProc p;
        builtin_proc_get(i, &p);
        int k = p.kind == 'a' || p.lang == 's' ? -1 : find_source(p.src);
        if (k >= 0) {
            code_of[i] = (uint16_t)(k + 1);
            continue;
        }
        for (int j = 0; j < NOIDS; j++)
            if (by_oid[j].oid == p.oid) code_of[i] = (uint16_t)(NFUNCS + j + 1);
        if (!code_of[i] && (k = generic_kind(&p)) >= 0) code_of[i] = (uint16_t)(NFUNCS + NOIDS + k + 1);
    }
}

BuiltinFn builtin_function(Oid proc)
{
    pthread_once(&once, fill_code);
    int i = builtin_proc_index(proc);
    unsigned code = i < 0 ? 0 : code_of[i];
    if (!code) return NULL;
    if (--code < NFUNCS) return by_source[code].fn;
    code -= NFUNCS;
    return code < (unsigned)NOIDS ? by_oid[code].fn : generic[code - (unsigned)NOIDS];
}

BuiltinFn builtin_function_by_source(const char *src)
{
    int i = find_source(src);
    return i < 0 ? NULL : by_source[i].fn;
}

/* ---- which rows have code ---- */

static const struct { uint16_t proc, trans, final; } aggregates[] = {
#define PGAGGREGATE(fn, kind, ndirect, trans, final, ...) {fn, trans, final},
#include "catalog/pg_aggregate.def"
};

static bool has_code(Oid proc)
{
    int lo = 0, hi = (int)(sizeof aggregates / sizeof aggregates[0]) - 1; /* sorted by proc */
    while (lo <= hi) {
        int mid = (lo + hi) / 2;
        if (aggregates[mid].proc == proc)
            return builtin_function(aggregates[mid].trans) && (!aggregates[mid].final || builtin_function(aggregates[mid].final));
        if (aggregates[mid].proc < proc) lo = mid + 1;
        else hi = mid - 1;
    }
    return builtin_function(proc) != NULL;
}

void functions_register(void)
{
    pthread_once(&once, fill_code);
    regexp_prepare();
    numeric_prepare();
    catalog_set_builtin_code(has_code);
    datetime_register_settings();
}

/* ---- direct calls ---- */

STATUS call_function(SessionEnv *env, Oid proc, Oid collation, Oid result_type, int nargs, const Oid *arg_types, Datum *args, bool *nulls,
                     Arena *arena, Datum *result, bool *isnull, Error *err)
{
    const ProcInfo *info = env && env->cat ? proc_by_oid(env, proc) : NULL;
    BuiltinFn fn = builtin_function(proc);
    Error local = ERROR_INIT;
    bool strict = true;
    *isnull = true;
    *result = 0;
    if (info) {
        strict = info->strict;
    } else {
        int i = builtin_proc_index(proc);
        BuiltinProc p;
        if (i < 0) return error_set(err, ERR_INTERNAL_ERROR, "cache lookup failed for function %u", proc);
        builtin_proc_get(i, &p);
        strict = p.strict;
    }
    for (int i = 0; strict && i < nargs; i++)
        if (nulls && nulls[i]) return ST_OK;
    bool none[FUNC_MAX_ARGS] = {0};
    CallFrame cf = {.args = args, .nulls = nulls ? nulls : none, .nargs = nargs, .arena = arena, .err = err ? err : &local, .env = env,
                    .collation = collation, .result_type = result_type, .arg_types = arg_types, .proc = info, .site_arena = arena};
    if (!fn && info && info->language == 'i') fn = builtin_function_by_source(info->source);
    if (fn) {
        *result = fn(&cf);
        *isnull = cf.isnull;
        Status st = cf.err->code ? ST_FAILED : ST_OK;
        error_clear(&local);
        return st;
    }
    if (!info || info->language == 'i' || !env->hooks || !env->hooks->call_routine)
        return error_set(err, ERR_FEATURE_NOT_SUPPORTED, "function %s is not supported", info ? info->name : "of this kind");
    return env->hooks->call_routine(env, proc, nargs, args, nulls ? nulls : none, arena, result, isnull, err);
}

/* ---- what all functions use ---- */

Datum fn_oom(CallFrame *cf)
{
    error_out_of_memory(cf->err, 0);
    return 0;
}

Datum call_return_text(CallFrame *cf, Slice s)
{
    if (s.len > VARLENA_MAX) return CALL_ERROR(cf, ERR_PROGRAM_LIMIT_EXCEEDED, "requested length too large");
    Datum d = varlena_from_slice(cf->arena, s);
    return d ? d : fn_oom(cf);
}

Datum call_return_cstr(CallFrame *cf, const char *s)
{
    if (!s) return fn_oom(cf);
    return call_return_text(cf, slice_cstr(s));
}

Datum fn_return_buf(CallFrame *cf, const StrBuf *sb)
{
    FTRY(strbuf_check(sb, cf->err));
    return call_return_text(cf, strbuf_slice(sb));
}

/* A polymorphic OUT parameter's type, from the first argument. */
static Oid actual_type(CallFrame *cf, Oid type)
{
    bool elem = type == TYPE_anyelement || type == TYPE_anycompatible, array = type == TYPE_anyarray || type == TYPE_anycompatiblearray;
    if ((!elem && !array) || !cf->nargs || !cf->arg_types) return type;
    const TypeInfo *t = fn_type(cf, cf->arg_types[0]);
    if (!t) return type;
    return t->is_array ? (elem ? t->elem : t->oid) : (elem ? t->oid : t->array);
}

/* The row as a value: its shape are the function's OUT parameters. */
static Datum make_row(CallFrame *cf, int n, const Datum *v, const bool *nulls)
{
    const ProcInfo *p = cf->proc;
    Datum out = 0;
    int at = 0;
    TupleDesc *desc = tupledesc_new(cf->arena, n);
    FTRY_MEM(desc);
    desc->row_type = TYPE_record;
    for (int i = 0; p && i < p->nall && at < n; i++) {
        if (p->modes[i] != 'o' && p->modes[i] != 'b' && p->modes[i] != 't') continue;
        const TypeInfo *t = fn_type(cf, actual_type(cf, p->all_args[i]));
        if (!t) return 0;
        attribute_set(&desc->atts[at++], p->names ? p->names[i] : "", t, -1);
    }
    if (at < n) return CALL_ERROR(cf, ERR_INTERNAL_ERROR, "function has no row type of %d columns", n);
    FTRY(record_make(cf->arena, desc, v, nulls, &out, cf->err));
    return out;
}

Datum fn_return_row(CallFrame *cf, int n, const Datum *v, const bool *nulls)
{
    static const bool none[32];
    if (!nulls) nulls = none;
    if (!fn_ok(cf)) return 0;
    if (cf->set && cf->set->ncols >= n) {
        memcpy(cf->set->cols, v, (size_t)n * sizeof *v);
        memcpy(cf->set->nulls, nulls, (size_t)n);
        return 0;
    }
    Datum row = make_row(cf, n, v, nulls);
    if (cf->set && cf->set->ncols) {
        cf->set->cols[0] = row;
        cf->set->nulls[0] = false;
    }
    return row;
}

const FormatOptions *fn_format(CallFrame *cf)
{
    static const FormatOptions plain = {.extra_float_digits = 1};
    return cf->env ? &cf->env->format : &plain;
}

IoContext fn_io(CallFrame *cf)
{
    if (cf->env) return session_io(cf->env, cf->arena);
    return (IoContext){.format = fn_format(cf), .arena = cf->arena};
}

const TypeInfo *fn_type(CallFrame *cf, Oid type)
{
    IoContext io = fn_io(cf);
    const TypeInfo *t = type_lookup(&io, type);
    if (!t) error_set(cf->err, ERR_INTERNAL_ERROR, "cache lookup failed for type %u", type);
    return t;
}

Datum fn_return_numeric(CallFrame *cf, const Numeric *v)
{
    Datum d = 0;
    FTRY(numeric_make(v, cf->arena, &d, cf->err));
    return d;
}

Datum fn_return_interval(CallFrame *cf, const Interval *iv)
{
    Datum d = interval_new(cf->arena, iv);
    return d ? d : fn_oom(cf);
}

bool fn_arg_numeric(CallFrame *cf, int i, Numeric *out) { return !failed(numeric_read(cf->args[i], cf->arena, out, cf->err)); }

char *fn_arg_cstr(CallFrame *cf, int i)
{
    char *s = varlena_to_cstr(cf->arena, cf->args[i]);
    if (!s) fn_oom(cf);
    return s;
}

STATUS fn_output(CallFrame *cf, Oid type, Datum value, StrBuf *out)
{
    IoContext io = fn_io(cf);
    const TypeInfo *t = fn_type(cf, type);
    return t ? type_output(&io, t, value, out, cf->err) : ST_FAILED;
}

STATUS fn_input(CallFrame *cf, Oid type, Slice text, int32_t typmod, Datum *out)
{
    IoContext io = fn_io(cf);
    const TypeInfo *t = fn_type(cf, type);
    return t ? type_input(&io, t, text, typmod, out, cf->err) : ST_FAILED;
}
