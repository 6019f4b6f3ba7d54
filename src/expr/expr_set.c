/* Set-returning calls: the arguments are evaluated once, then one row a call. A call that returns no set gives exactly one row. */
#include "expr/expr_internal.h"
#include "types/record.h"

struct ExprSet {
    const Expr *call;
    BuiltinFn fn;          /* NULL: not a set: `single` gives its one row */
    CallFrame *cf;
    bool strict, finished;
    Arena site;            /* the running set's state */
    SetResult set;
    ExprProgram *args;     /* frames and cells of the arguments */
    ExprProgram *single;
    Oid result_type;
};

static void set_parts(const Expr *call, Oid *proc, Oid *collation, Oid *result, List **args, bool *retset, bool *variadic)
{
    *variadic = false;
    if (IsA(call, FuncExpr)) {
        const FuncExpr *f = (const FuncExpr *)call;
        *proc = f->funcid, *collation = f->inputcollid, *result = f->funcresulttype, *args = f->args, *retset = f->funcretset;
        *variadic = f->funcvariadic;
    } else if (IsA(call, OpExpr)) {
        const OpExpr *o = (const OpExpr *)call;
        *proc = o->opfuncid, *collation = o->inputcollid, *result = o->opresulttype, *args = o->args, *retset = o->opretset;
    } else {
        *retset = false;
    }
}

STATUS expr_set_open(SessionEnv *env, const Expr *call, Arena *arena, ExprSet **out, Error *err)
{
    ExprSet *s;
    Oid proc = 0, collation = 0, result = 0;
    List *args = NULL;
    bool retset, variadic;
    TRY_NEW(s, arena, err);
    s->call = call;
    s->result_type = expr_type(call);
    set_parts(call, &proc, &collation, &result, &args, &retset, &variadic);
    *out = s;
    arena_init(&s->site, arena->account, 0);
    if (!retset) return expr_compile(env, call, arena, &s->single, err);

    Compiler c = {.env = env, .arena = arena, .err = err};
    TRY_NEW(c.prog, arena, err);
    TRY(make_frame(&c, proc, collation, result, list_len(args), args, &s->fn, &s->strict, &s->cf));
    s->cf->variadic_array = variadic;
    for (int i = 0; i < list_len(args); i++) TRY(compile_expr(&c, list_at(args, i), &s->cf->args[i], &s->cf->nulls[i]));
    TRY(emit(&c, OP_DONE, NULL, NULL, NULL));
    s->args = c.prog;
    return ST_OK;
}

void expr_set_close(ExprSet *s)
{
    if (s) arena_destroy(&s->site);
}

STATUS expr_set_rewind(ExprSet *s, ExprContext *ec, Error *err)
{
    s->finished = false;
    if (!s->fn) return ST_OK;
    arena_reset(&s->site);
    /* The set reads its arguments again and again: they live as long as the set. */
    Arena *saved = ec->tuple_arena;
    ec->tuple_arena = &s->site;
    Status st = run_program(s->args, ec, NULL, err);
    ec->tuple_arena = saved;
    if (failed(st)) return st;
    s->cf->site_arena = &s->site;
    s->cf->site_state = NULL;
    for (int i = 0; s->strict && i < s->cf->nargs; i++)
        if (s->cf->nulls[i]) s->finished = true;
    for (int i = 0; i < s->cf->nargs; i++) { /* by-reference arguments may point into a row that goes away */
        const TypeInfo *t = type_builtin(s->cf->arg_types[i]);
        if (s->cf->nulls[i]) continue;
        if (!t) TRY(type_require(ec->env, s->cf->arg_types[i], &t, err));
        TRY(datum_copy(&s->site, s->cf->args[i], t->byval, t->typlen, &s->cf->args[i], err));
    }
    return ST_OK;
}

/* A composite value as the columns of the expected row. */
static STATUS spread_record(Datum v, bool isnull, const TupleDesc *expected, Datum *cols, bool *nulls, Error *err)
{
    RecordView view;
    RecordIter it;
    RecordColumn col;
    for (int i = 0; i < expected->natts; i++) cols[i] = 0, nulls[i] = true;
    if (isnull) return ST_OK;
    TRY(record_open(v, &view, err));
    record_iter_init(&it, &view);
    for (int i = 0; i < expected->natts && record_next(&it, &col); i++) {
        nulls[i] = col.is_null;
        if (!col.is_null) cols[i] = col.value;
    }
    return ST_OK;
}

static bool wants_spread(const ExprSet *s, ExprContext *ec, const TupleDesc *expected)
{
    if (s->result_type == TYPE_record) return true;
    if (expected->natts == 1 && expected->atts[0].type == s->result_type) return false;
    if (type_builtin(s->result_type)) return false;
    const TypeInfo *t = catalog_type(ec->env, s->result_type);
    return t && t->typtype == 'c';
}

static STATUS single_row(ExprSet *s, ExprContext *ec, const TupleDesc *expected, Datum *cols, bool *nulls, bool *done, Error *err)
{
    Datum v;
    bool isnull;
    *done = s->finished;
    if (s->finished) return ST_OK;
    s->finished = true;
    TRY(expr_eval(s->single, ec, &v, &isnull, err));
    if (wants_spread(s, ec, expected)) return spread_record(v, isnull, expected, cols, nulls, err);
    cols[0] = v;
    nulls[0] = isnull;
    return ST_OK;
}

STATUS expr_set_next(ExprSet *s, ExprContext *ec, const TupleDesc *expected, Datum *cols, bool *nulls, bool *done, Error *err)
{
    if (!s->fn) return single_row(s, ec, expected, cols, nulls, done, err);
    *done = true;
    if (s->finished) return ST_OK;
    CallFrame *cf = s->cf;
    bool row = wants_spread(s, ec, expected);
    s->set = (SetResult){.ncols = row || expected->natts > 1 ? expected->natts : 0, .cols = cols, .nulls = nulls, .desc = expected};
    cf->set = &s->set;
    cf->isnull = false;
    cf->arena = ec->tuple_arena;
    cf->site_arena = &s->site;
    cf->err = err;
    cf->env = ec->env;
    Datum v = s->fn(cf);
    if (unlikely(err->code)) return ST_FAILED;
    if (s->set.done) {
        s->finished = true;
        return ST_OK;
    }
    *done = false;
    if (!s->set.ncols) {
        cols[0] = v;
        nulls[0] = cf->isnull;
    }
    return ST_OK;
}
