/* From an expression tree to a program: one function per kind of node, chosen by a table of tags.
 *
 * Each compile function emits the steps that leave the node's value in the cell it is given. */
#include "common/thread.h"
#include "expr/expr_internal.h"

STATUS emit(Compiler *c, ExprOp op, Datum *v, bool *n, ExprStep **out)
{
    ExprProgram *p = c->prog;
    if (p->nsteps == p->cap) {
        int cap = p->cap ? p->cap * 2 : 8;
        ExprStep *steps;
        TRY_NEW_N(steps, c->arena, cap, c->err);
        if (p->nsteps) memcpy(steps, p->steps, (size_t)p->nsteps * sizeof *steps);
        p->steps = steps;
        p->cap = cap;
    }
    ExprStep *s = &p->steps[p->nsteps++];
    *s = (ExprStep){.op = (uint16_t)op, .v = v, .n = n};
    if (out) *out = s;
    return ST_OK;
}

STATUS value_array(Compiler *c, ValueArray *a, int n)
{
    a->n = n;
    TRY_NEW_N(a->v, c->arena, n ? n : 1, c->err);
    TRY_NEW_N(a->nulls, c->arena, n ? n : 1, c->err);
    return ST_OK;
}

STATUS compile_list(Compiler *c, const List *args, ValueArray *a)
{
    TRY(value_array(c, a, list_len(args)));
    for (int i = 0; i < a->n; i++) TRY(compile_expr(c, list_at(args, i), &a->v[i], &a->nulls[i]));
    return ST_OK;
}

STATUS compiler_type(Compiler *c, Oid oid, const TypeInfo **out)
{
    if ((*out = type_builtin(oid))) return ST_OK;
    c->prog->session_objects = true;
    return type_require(c->env, oid, out, c->err);
}

/* ---- leaves ---- */

static STATUS compile_var(Compiler *c, const Node *node, Datum *v, bool *n)
{
    const Var *var = (const Var *)node;
    ExprStep *s;
    ExprOp op = var->varattno < 0    ? OP_SYSVAR
                : var->varattno == 0 ? OP_WHOLEROW
                : var->varno == INNER_VAR ? OP_VAR_INNER
                : var->varno == OUTER_VAR ? OP_VAR_OUTER
                                          : OP_VAR_SCAN;
    TRY(emit(c, op, v, n, &s));
    s->d.var.attno = var->varattno > 0 ? var->varattno - 1 : var->varattno;
    s->d.var.type = var->vartype;
    s->d.var.which = var->varno == INNER_VAR ? 1 : var->varno == OUTER_VAR ? 2 : 0;
    return ST_OK;
}

static STATUS compile_const(Compiler *c, const Node *node, Datum *v, bool *n)
{
    const Const *k = (const Const *)node;
    ExprStep *s;
    TRY(emit(c, OP_CONST, v, n, &s));
    s->d.constant = (Cell){.v = k->constisnull ? 0 : k->constvalue, .n = k->constisnull};
    return ST_OK;
}

static STATUS compile_param(Compiler *c, const Node *node, Datum *v, bool *n)
{
    const Param *p = (const Param *)node;
    ExprStep *s;
    TRY(emit(c, p->paramkind == PARAM_EXTERN ? OP_PARAM_EXTERN : OP_PARAM_EXEC, v, n, &s));
    s->d.param.id = p->paramid;
    s->d.param.type = p->paramtype;
    return ST_OK;
}

static STATUS compile_context_value(Compiler *c, const Node *node, Datum *v, bool *n)
{
    ExprStep *s;
    if (!c->case_cell || IsA(node, CoerceToDomainValue)) return emit(c, OP_CONTEXT_VALUE, v, n, NULL);
    TRY(emit(c, OP_COPY_CELL, v, n, &s));
    s->d.cell.v = &c->case_cell->v;
    s->d.cell.n = &c->case_cell->n;
    return ST_OK;
}

static STATUS compile_aggref(Compiler *c, const Node *node, Datum *v, bool *n)
{
    ExprStep *s;
    int no = IsA(node, Aggref) ? ((const Aggref *)node)->aggno : ((const WindowFunc *)node)->winno;
    if (no < 0) return error_set(c->err, ERR_INTERNAL_ERROR, "aggregate or window function found outside of its plan node");
    TRY(emit(c, OP_AGGREF, v, n, &s));
    s->d.var.attno = no;
    return ST_OK;
}

static STATUS compile_grouping(Compiler *c, const Node *node, Datum *v, bool *n)
{
    ExprStep *s;
    TRY(emit(c, OP_GROUPING, v, n, &s));
    s->d.grouping.refs = &((const GroupingFunc *)node)->refs;
    return ST_OK;
}

static STATUS compile_sql_value(Compiler *c, const Node *node, Datum *v, bool *n)
{
    ExprStep *s;
    TRY(emit(c, OP_SQLVALUE, v, n, &s));
    s->d.sqlvalue = (const SQLValueFunction *)node;
    return ST_OK;
}

static STATUS compile_next_value(Compiler *c, const Node *node, Datum *v, bool *n)
{
    ExprStep *s;
    TRY(emit(c, OP_NEXT_VALUE, v, n, &s));
    s->d.nextval.seq = ((const NextValueExpr *)node)->seqid;
    s->d.nextval.type = ((const NextValueExpr *)node)->typeId;
    return ST_OK;
}

static STATUS compile_current_of(Compiler *c, const Node *node, Datum *v, bool *n)
{
    ExprStep *s;
    TRY(emit(c, OP_CURRENT_OF, v, n, &s));
    s->d.current_of = (const CurrentOfExpr *)node;
    return ST_OK;
}

static STATUS compile_sub_plan(Compiler *c, const Node *node, Datum *v, bool *n)
{
    ExprStep *s;
    TRY(emit(c, OP_SUBPLAN, v, n, &s));
    s->d.subplan = (const SubPlan *)node;
    return ST_OK;
}

/* ---- calls ---- */

static STATUS compile_func(Compiler *c, const Node *node, Datum *v, bool *n)
{
    const FuncExpr *f = (const FuncExpr *)node;
    if (f->funcretset) return error_set(c->err, ERR_FEATURE_NOT_SUPPORTED, "set-valued function called in context that cannot accept a set");
    return compile_call(c, f->funcid, f->inputcollid, f->funcresulttype, f->args, f->funcvariadic, v, n);
}

static STATUS operator_function(Compiler *c, Oid opno, Oid opfuncid, Oid *out)
{
    *out = opfuncid;
    if (opfuncid) return ST_OK;
    const OperatorInfo *op = operator_by_oid(c->env, opno);
    if (!op) return error_set(c->err, ERR_INTERNAL_ERROR, "cache lookup failed for operator %u", opno);
    *out = op->proc;
    return ST_OK;
}

static STATUS compile_op(Compiler *c, const Node *node, Datum *v, bool *n)
{
    const OpExpr *o = (const OpExpr *)node;
    Oid proc;
    if (o->opretset) return error_set(c->err, ERR_FEATURE_NOT_SUPPORTED, "set-valued function called in context that cannot accept a set");
    TRY(operator_function(c, o->opno, o->opfuncid, &proc));
    return compile_call(c, proc, o->inputcollid, o->opresulttype, o->args, false, v, n);
}

static STATUS compile_distinct(Compiler *c, const Node *node, Datum *v, bool *n)
{
    const DistinctExpr *o = (const DistinctExpr *)node;
    ExprStep *s;
    BuiltinFn fn;
    CallFrame *cf;
    bool strict;
    Oid proc;
    TRY(operator_function(c, o->opno, o->opfuncid, &proc));
    TRY(make_frame(c, proc, o->inputcollid, TYPE_bool, 2, o->args, &fn, &strict, &cf));
    for (int i = 0; i < 2; i++) TRY(compile_expr(c, list_at(o->args, i), &cf->args[i], &cf->nulls[i]));
    TRY(emit(c, OP_DISTINCT, v, n, &s));
    s->d.call.fn = fn;
    s->d.call.cf = cf;
    return ST_OK;
}

static STATUS compile_nullif(Compiler *c, const Node *node, Datum *v, bool *n)
{
    const NullIfExpr *o = (const NullIfExpr *)node;
    ExprStep *s;
    BuiltinFn fn;
    CallFrame *cf;
    bool strict;
    Oid proc;
    TRY(operator_function(c, o->opno, o->opfuncid, &proc));
    TRY(make_frame(c, proc, o->inputcollid, TYPE_bool, 2, o->args, &fn, &strict, &cf));
    for (int i = 0; i < 2; i++) TRY(compile_expr(c, list_at(o->args, i), &cf->args[i], &cf->nulls[i]));
    TRY(emit(c, OP_NULLIF, v, n, &s));
    s->d.call.fn = fn;
    s->d.call.cf = cf;
    return ST_OK;
}

/* ---- logic ---- */

static STATUS compile_bool(Compiler *c, const Node *node, Datum *v, bool *n)
{
    const BoolExpr *b = (const BoolExpr *)node;
    int nargs = list_len(b->args), first = c->prog->nsteps;
    bool *any_null;
    if (b->boolop == NOT_EXPR) {
        TRY(compile_expr(c, list_first(b->args), v, n));
        return emit(c, OP_NOT, v, n, NULL);
    }
    if (nargs == 1) return compile_expr(c, list_first(b->args), v, n);
    TRY_NEW(any_null, c->arena, c->err);
    int *jumps;
    TRY_NEW_N(jumps, c->arena, nargs, c->err);
    ExprOp base = b->boolop == AND_EXPR ? OP_AND_FIRST : OP_OR_FIRST;
    for (int i = 0; i < nargs; i++) {
        ExprStep *s;
        TRY(compile_expr(c, list_at(b->args, i), v, n));
        jumps[i] = c->prog->nsteps;
        TRY(emit(c, (ExprOp)(base + (i == 0 ? 0 : i < nargs - 1 ? 1 : 2)), v, n, &s));
        s->d.jump.any_null = any_null;
    }
    for (int i = 0; i < nargs; i++) c->prog->steps[jumps[i]].d.jump.target = c->prog->nsteps;
    (void)first;
    return ST_OK;
}

static STATUS emit_jump(Compiler *c, ExprOp op, Datum *v, bool *n, int *at)
{
    *at = c->prog->nsteps;
    return emit(c, op, v, n, NULL);
}
static void land_jump(Compiler *c, int at) { c->prog->steps[at].d.jump.target = c->prog->nsteps; }

static STATUS compile_case(Compiler *c, const Node *node, Datum *v, bool *n)
{
    const CaseExpr *e = (const CaseExpr *)node;
    Cell *saved = c->case_cell, *test, *cond;
    int nwhens = list_len(e->args), *done;
    TRY_NEW(cond, c->arena, c->err);
    TRY_NEW_N(done, c->arena, nwhens + 1, c->err);
    if (e->arg) {
        TRY_NEW(test, c->arena, c->err);
        TRY(compile_expr(c, e->arg, &test->v, &test->n));
    } else {
        test = saved;
    }
    for (int i = 0; i < nwhens; i++) {
        const CaseWhen *w = list_at(e->args, i);
        int next;
        c->case_cell = test;
        TRY(compile_expr(c, w->expr, &cond->v, &cond->n));
        c->case_cell = saved;
        TRY(emit_jump(c, OP_JUMP_IF_NOT_TRUE, &cond->v, &cond->n, &next));
        TRY(compile_expr(c, w->result, v, n));
        TRY(emit_jump(c, OP_JUMP, v, n, &done[i]));
        land_jump(c, next);
    }
    if (e->defresult) {
        TRY(compile_expr(c, e->defresult, v, n));
    } else {
        ExprStep *s;
        TRY(emit(c, OP_CONST, v, n, &s));
        s->d.constant = (Cell){.n = true};
    }
    for (int i = 0; i < nwhens; i++) land_jump(c, done[i]);
    return ST_OK;
}

static STATUS compile_coalesce(Compiler *c, const Node *node, Datum *v, bool *n)
{
    const CoalesceExpr *e = (const CoalesceExpr *)node;
    int nargs = list_len(e->args), *done;
    TRY_NEW_N(done, c->arena, nargs + 1, c->err);
    for (int i = 0; i < nargs; i++) {
        TRY(compile_expr(c, list_at(e->args, i), v, n));
        TRY(emit_jump(c, OP_JUMP_IF_NOT_NULL, v, n, &done[i]));
    }
    for (int i = 0; i < nargs; i++) land_jump(c, done[i]);
    return ST_OK;
}

static STATUS compile_min_max(Compiler *c, const Node *node, Datum *v, bool *n)
{
    const MinMaxExpr *e = (const MinMaxExpr *)node;
    MinMaxData *d;
    ExprStep *s;
    TRY_NEW(d, c->arena, c->err);
    d->greatest = e->op == IS_GREATEST;
    TRY(compiler_type(c, e->minmaxtype, &d->type));
    if (!d->type->compare)
        return error_set(c->err, ERR_UNDEFINED_FUNCTION, "could not identify a comparison function for type %s",
                         format_type_text(c->env, e->minmaxtype, -1, c->arena));
    TRY(compile_list(c, e->args, &d->in));
    TRY(emit(c, OP_MINMAX, v, n, &s));
    s->d.data = d;
    return ST_OK;
}

static STATUS compile_null_test(Compiler *c, const Node *node, Datum *v, bool *n)
{
    const NullTest *t = (const NullTest *)node;
    ExprStep *s;
    TRY(compile_expr(c, t->arg, v, n));
    if (!t->argisrow) return emit(c, t->nulltesttype == IS_NULL ? OP_ISNULL : OP_ISNOTNULL, v, n, NULL);
    const TypeInfo *type;
    TRY(compiler_type(c, expr_type(t->arg), &type));
    TRY(emit(c, t->nulltesttype == IS_NULL ? OP_ROW_ISNULL : OP_ROW_ISNOTNULL, v, n, &s));
    s->d.data = (void *)type;
    return ST_OK;
}

static STATUS compile_bool_test(Compiler *c, const Node *node, Datum *v, bool *n)
{
    const BooleanTest *t = (const BooleanTest *)node;
    ExprStep *s;
    TRY(compile_expr(c, t->arg, v, n));
    TRY(emit(c, OP_BOOLTEST, v, n, &s));
    s->d.booltest.kind = t->booltesttype;
    return ST_OK;
}

/* ---- casts ---- */

static STATUS compile_relabel(Compiler *c, const Node *node, Datum *v, bool *n) { return compile_expr(c, ((const RelabelType *)node)->arg, v, n); }
static STATUS compile_collate(Compiler *c, const Node *node, Datum *v, bool *n) { return compile_expr(c, ((const CollateExpr *)node)->arg, v, n); }

static STATUS compile_io_coerce(Compiler *c, const Node *node, Datum *v, bool *n)
{
    const CoerceViaIO *e = (const CoerceViaIO *)node;
    IoCoerceData *d;
    ExprStep *s;
    TRY_NEW(d, c->arena, c->err);
    TRY(compiler_type(c, expr_type(e->arg), &d->from));
    TRY(compiler_type(c, e->resulttype, &d->to));
    TRY(compile_expr(c, e->arg, v, n));
    TRY(emit(c, OP_IO_COERCE, v, n, &s));
    s->d.data = d;
    return ST_OK;
}

static STATUS compile_target_entry(Compiler *c, const Node *node, Datum *v, bool *n) { return compile_expr(c, ((const TargetEntry *)node)->expr, v, n); }

static STATUS compile_misplaced(Compiler *c, const Node *node, Datum *v, bool *n)
{
    return error_set(c->err, ERR_INTERNAL_ERROR, "expression node %s was not replaced before execution", node_tag_name(nodeTag(node)));
}

#define WRAP(name, T, fn) \
    static STATUS name(Compiler *c, const Node *node, Datum *v, bool *n) { return fn(c, (const T *)node, v, n); }
WRAP(compile_array_op_, ScalarArrayOpExpr, compile_array_op)
WRAP(compile_array_, ArrayExpr, compile_array)
WRAP(compile_array_coerce_, ArrayCoerceExpr, compile_array_coerce)
WRAP(compile_subscript_, SubscriptingRef, compile_subscript)
WRAP(compile_row_, RowExpr, compile_row)
WRAP(compile_row_compare_, RowCompareExpr, compile_row_compare)
WRAP(compile_field_select_, FieldSelect, compile_field_select)
WRAP(compile_field_store_, FieldStore, compile_field_store)
WRAP(compile_convert_row_, ConvertRowtypeExpr, compile_convert_row)
WRAP(compile_domain_, CoerceToDomain, compile_domain)

typedef Status (*CompileFn)(Compiler *c, const Node *node, Datum *v, bool *n);
static const CompileFn compile_table[T_COUNT] = {
    [T_Var] = compile_var, [T_Const] = compile_const, [T_Param] = compile_param, [T_Aggref] = compile_aggref,
    [T_WindowFunc] = compile_aggref, [T_GroupingFunc] = compile_grouping, [T_SubscriptingRef] = compile_subscript_,
    [T_FuncExpr] = compile_func, [T_OpExpr] = compile_op, [T_DistinctExpr] = compile_distinct, [T_NullIfExpr] = compile_nullif,
    [T_ScalarArrayOpExpr] = compile_array_op_, [T_BoolExpr] = compile_bool, [T_SubPlan] = compile_sub_plan,
    [T_SubLink] = compile_misplaced, [T_FieldSelect] = compile_field_select_, [T_FieldStore] = compile_field_store_,
    [T_RelabelType] = compile_relabel, [T_CoerceViaIO] = compile_io_coerce, [T_ArrayCoerceExpr] = compile_array_coerce_,
    [T_ConvertRowtypeExpr] = compile_convert_row_, [T_CollateExpr] = compile_collate, [T_CaseExpr] = compile_case,
    [T_CaseTestExpr] = compile_context_value, [T_CoerceToDomainValue] = compile_context_value, [T_ArrayExpr] = compile_array_,
    [T_RowExpr] = compile_row_, [T_RowCompareExpr] = compile_row_compare_, [T_CoalesceExpr] = compile_coalesce,
    [T_MinMaxExpr] = compile_min_max, [T_SQLValueFunction] = compile_sql_value, [T_NullTest] = compile_null_test,
    [T_BooleanTest] = compile_bool_test, [T_CoerceToDomain] = compile_domain_, [T_SetToDefault] = compile_misplaced,
    [T_NextValueExpr] = compile_next_value, [T_CurrentOfExpr] = compile_current_of, [T_TargetEntry] = compile_target_entry,
};

STATUS compile_expr(Compiler *c, const Node *node, Datum *v, bool *n)
{
    TRY(stack_check(c->err));
    CompileFn fn = node && nodeTag(node) < T_COUNT ? compile_table[nodeTag(node)] : NULL;
    if (!fn) return error_set(c->err, ERR_INTERNAL_ERROR, "unrecognized node type: %d", node ? (int)nodeTag(node) : 0);
    return fn(c, node, v, n);
}

/* ---- entry points ---- */

static STATUS begin(SessionEnv *env, Arena *arena, Compiler *c, Error *err)
{
    *c = (Compiler){.env = env, .arena = arena, .err = err};
    TRY_NEW(c->prog, arena, err);
    return ST_OK;
}

STATUS expr_compile(SessionEnv *env, const Expr *expr, Arena *arena, ExprProgram **out, Error *err)
{
    Compiler c;
    TRY(begin(env, arena, &c, err));
    TRY(compile_expr(&c, expr, &c.prog->result.v, &c.prog->result.n));
    TRY(emit(&c, OP_DONE, NULL, NULL, NULL));
    *out = c.prog;
    return ST_OK;
}

STATUS expr_compile_qual(SessionEnv *env, const List *quals, Arena *arena, ExprProgram **out, Error *err)
{
    Compiler c;
    *out = NULL;
    if (!list_len(quals)) return ST_OK;
    TRY(begin(env, arena, &c, err));
    for (int i = 0; i < list_len(quals); i++) {
        TRY(compile_expr(&c, list_at(quals, i), &c.prog->result.v, &c.prog->result.n));
        TRY(emit(&c, OP_QUAL, &c.prog->result.v, &c.prog->result.n, NULL));
    }
    TRY(emit(&c, OP_DONE, NULL, NULL, NULL));
    for (int i = 0; i < c.prog->nsteps; i++)
        if (c.prog->steps[i].op == OP_QUAL) c.prog->steps[i].d.jump.target = c.prog->nsteps - 1;
    *out = c.prog;
    return ST_OK;
}

typedef struct LastVars { int last[3]; } LastVars;
static bool last_vars(Node *node, void *arg)
{
    LastVars *lv = arg;
    if (IsA(node, Var)) {
        const Var *var = (const Var *)node;
        int which = var->varno == INNER_VAR ? 1 : var->varno == OUTER_VAR ? 2 : 0;
        if (var->varattno > lv->last[which]) lv->last[which] = var->varattno;
        return false;
    }
    return node_walk(node, last_vars, arg);
}

STATUS expr_compile_projection(SessionEnv *env, const List *targetlist, Arena *arena, ExprProgram **out, Error *err)
{
    Compiler c;
    LastVars lv = {{0}};
    ExprStep *s;
    TRY(begin(env, arena, &c, err));
    /* Every attribute is going to be wanted: decode each slot once, as far as needed. */
    for (int i = 0; i < list_len(targetlist); i++) (void)last_vars(list_at(targetlist, i), &lv);
    for (int w = 0; w < 3; w++) {
        if (!lv.last[w]) continue;
        TRY(emit(&c, (ExprOp)(OP_FETCH_SCAN + w), NULL, NULL, &s));
        s->d.var.attno = lv.last[w];
    }
    for (int i = 0; i < list_len(targetlist); i++) {
        const TargetEntry *te = list_at(targetlist, i);
        const Var *var = (const Var *)te->expr;
        int resno = i;
        if (IsA(te->expr, Var) && var->varattno > 0) {
            int which = var->varno == INNER_VAR ? 1 : var->varno == OUTER_VAR ? 2 : 0;
            TRY(emit(&c, (ExprOp)(OP_ASSIGN_SCAN + which), NULL, NULL, &s));
            s->d.var.attno = var->varattno - 1;
        } else {
            TRY(compile_expr(&c, te->expr, &c.prog->result.v, &c.prog->result.n));
            TRY(emit(&c, OP_ASSIGN_RESULT, &c.prog->result.v, &c.prog->result.n, &s));
        }
        s->d.var.resno = resno;
    }
    TRY(emit(&c, OP_DONE, NULL, NULL, NULL));
    *out = c.prog;
    return ST_OK;
}
