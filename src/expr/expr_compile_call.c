/* Function calls: finding the code, making the frame, choosing the cheapest kind of step. */
#include "catalog/acl.h"
#include "expr/expr_internal.h"

static const struct { Oid proc; uint16_t op; } inline_ops[] = {
#define ROW(name, oid) {oid, OP_##name},
    EXPR_INLINE_COMPARE(ROW) EXPR_INLINE_ARITHMETIC(ROW)
#undef ROW
};

int expr_inline_op(Oid proc)
{
    for (size_t i = 0; i < sizeof inline_ops / sizeof *inline_ops; i++)
        if (inline_ops[i].proc == proc) return inline_ops[i].op;
    return -1;
}

/* A function in another language, behind the same calling convention. */
static Datum call_routine(CallFrame *cf)
{
    Datum result = 0;
    bool isnull = false;
    if (!cf->env->hooks || !cf->env->hooks->call_routine) return CALL_ERROR(cf, ERR_FEATURE_NOT_SUPPORTED, "function languages are not available here");
    Status st = cf->env->hooks->call_routine(cf->env, cf->proc->oid, cf->nargs, cf->args, cf->nulls, cf->arena, &result, &isnull, cf->err);
    if (failed(st)) return 0;
    cf->isnull = isnull;
    return result;
}

static STATUS find_code(Compiler *c, Oid proc, const ProcInfo **info, BuiltinFn *fn)
{
    *fn = builtin_function(proc);
    *info = proc_by_oid(c->env, proc);
    if (!*info) return error_set(c->err, ERR_INTERNAL_ERROR, "cache lookup failed for function %u", proc);
    if (proc >= FIRST_NORMAL_OID) {
        c->prog->session_objects = true;
        TRY(acl_check_object(c->env, RELATION_pg_proc, proc, ACL_EXECUTE, c->err));
    }
    if (!*fn && (*info)->language == 'i') *fn = builtin_function_by_source((*info)->source);
    if (!*fn && (*info)->language != 'i' && (*info)->language != 'c') *fn = call_routine;
    if (!*fn) {
        error_set(c->err, ERR_FEATURE_NOT_SUPPORTED, "function %s is not supported", (*info)->name);
        return ST_FAILED;
    }
    return ST_OK;
}

STATUS make_frame(Compiler *c, Oid proc, Oid collation, Oid result_type, int nargs, const List *args, BuiltinFn *fn, bool *strict,
                  CallFrame **out)
{
    const ProcInfo *info;
    CallFrame *cf;
    Oid *types;
    ExprProgram *p = c->prog;
    TRY(find_code(c, proc, &info, fn));
    *strict = info->strict;
    TRY_NEW(cf, c->arena, c->err);
    TRY_NEW_N(cf->args, c->arena, nargs ? nargs : 1, c->err);
    TRY_NEW_N(cf->nulls, c->arena, nargs ? nargs : 1, c->err);
    TRY_NEW_N(types, c->arena, nargs ? nargs : 1, c->err);
    for (int i = 0; i < nargs && i < list_len(args); i++) types[i] = expr_type(list_at(args, i));
    cf->nargs = nargs;
    cf->env = c->env;
    cf->collation = collation;
    cf->result_type = result_type;
    cf->arg_types = types;
    cf->proc = info;
    if (p->nframes == p->frames_cap) {
        int cap = p->frames_cap ? p->frames_cap * 2 : 4;
        CallFrame **frames;
        TRY_NEW_N(frames, c->arena, cap, c->err);
        if (p->nframes) memcpy(frames, p->frames, (size_t)p->nframes * sizeof *frames);
        p->frames = frames;
        p->frames_cap = cap;
    }
    p->frames[p->nframes++] = cf;
    *out = cf;
    return ST_OK;
}

static STATUS compile_inline(Compiler *c, ExprOp op, const List *args, Datum *v, bool *n)
{
    ValueArray a;
    ExprStep *s;
    TRY(compile_list(c, args, &a));
    TRY(emit(c, op, v, n, &s));
    s->d.bin.args = a.v;
    s->d.bin.nulls = a.nulls;
    return ST_OK;
}

STATUS compile_call(Compiler *c, Oid proc, Oid collation, Oid result_type, const List *args, bool variadic, Datum *v, bool *n)
{
    int nargs = list_len(args), op = nargs == 2 ? expr_inline_op(proc) : -1;
    BuiltinFn fn;
    CallFrame *cf;
    ExprStep *s;
    bool strict;
    if (op >= 0) return compile_inline(c, (ExprOp)op, args, v, n);
    TRY(make_frame(c, proc, collation, result_type, nargs, args, &fn, &strict, &cf));
    cf->variadic_array = variadic;
    for (int i = 0; i < nargs; i++) TRY(compile_expr(c, list_at(args, i), &cf->args[i], &cf->nulls[i]));
    ExprOp kind = !strict || nargs == 0 ? OP_CALL : nargs == 1 ? OP_CALL_STRICT1 : nargs == 2 ? OP_CALL_STRICT2 : OP_CALL_STRICT;
    TRY(emit(c, kind, v, n, &s));
    s->d.call.fn = fn;
    s->d.call.cf = cf;
    return ST_OK;
}

STATUS expr_call_frame(SessionEnv *env, Oid proc, Oid collation, Oid result_type, int nargs, const Oid *arg_types, Arena *arena, BuiltinFn *fn,
                       bool *strict, CallFrame **out, Error *err)
{
    ExprProgram prog = {0};
    Compiler c = {.env = env, .arena = arena, .prog = &prog, .err = err};
    TRY(make_frame(&c, proc, collation, result_type, nargs, NULL, fn, strict, out));
    if (nargs) memcpy((Oid *)(*out)->arg_types, arg_types, (size_t)nargs * sizeof *arg_types);
    (*out)->site_arena = arena;
    return ST_OK;
}
