/* Running a program: one loop of labels, dispatched by computed goto.
 *
 * NULL logic is here and nowhere else: strict calls and inlined operators look at their arguments' null flags, functions are not called.
 * An error is seen once after each call, in the frame's Error. */
#include "expr/expr_internal.h"

/* Gives every call frame what belongs to this run. A new query arena means a new execution: functions' caches start afresh. */
static void bind(ExprProgram *p, ExprContext *ec, Error *err)
{
    bool fresh = p->bound_ec != ec;
    for (int i = 0; i < p->nframes; i++) {
        CallFrame *cf = p->frames[i];
        cf->arena = ec->tuple_arena;
        cf->err = err;
        cf->env = ec->env;
        if (fresh && cf->site_arena != ec->query_arena) {
            cf->site_arena = ec->query_arena;
            cf->site_state = NULL;
        }
    }
    p->bound_ec = ec;
    p->bound_err = err;
    p->bound_arena = ec->tuple_arena;
}

static STATUS bool_test(BoolTestType kind, Datum *v, bool *n)
{
    bool isnull = *n, is_true = !isnull && *v;
    bool r = false;
    switch (kind) {
    case IS_TRUE: r = is_true; break;
    case IS_NOT_TRUE: r = !is_true; break;
    case IS_FALSE: r = !isnull && !*v; break;
    case IS_NOT_FALSE: r = isnull || *v; break;
    case IS_UNKNOWN: r = isnull; break;
    case IS_NOT_UNKNOWN: r = !isnull; break;
    }
    *v = r;
    *n = false;
    return ST_OK;
}

static Status int_out_of_range(Error *err, const char *type) { return error_set(err, ERR_NUMERIC_VALUE_OUT_OF_RANGE, "%s out of range", type); }

static inline bool text_equal(Datum a, Datum b)
{
    Slice x = varlena_slice(a), y = varlena_slice(b);
    return x.len == y.len && !memcmp(x.data, y.data, x.len);
}

static Status float_result(double r, double a, double b, bool zero_ok, Error *err)
{
    if (__builtin_isinf(r) && !__builtin_isinf(a) && !__builtin_isinf(b))
        return error_set(err, ERR_NUMERIC_VALUE_OUT_OF_RANGE, "value out of range: overflow");
    if (r == 0 && !zero_ok) return error_set(err, ERR_NUMERIC_VALUE_OUT_OF_RANGE, "value out of range: underflow");
    return ST_OK;
}

/* PostgreSQL's order of floats: NaN equals NaN and is greater than all others. */
static inline int float_compare(double a, double b)
{
    if (likely(a == a && b == b)) return (a > b) - (a < b);
    return (a != a) - (b != b);
}

static STATUS param_extern(const ExprContext *ec, int id, Oid type, Datum *v, bool *n, Error *err)
{
    const ParamList *pl = ec->params;
    if (!pl || id < 1 || id > pl->n) return error_set(err, ERR_UNDEFINED_OBJECT, "no value found for parameter %d", id);
    if (type && pl->types && pl->types[id - 1] && pl->types[id - 1] != type && !type_builtin(type))
        return error_set(err, ERR_DATATYPE_MISMATCH, "type of parameter %d (%u) does not match that when preparing the plan (%u)", id,
                         pl->types[id - 1], type);
    *v = pl->values[id - 1];
    *n = pl->nulls ? pl->nulls[id - 1] : false;
    return ST_OK;
}

static STATUS grouping_value(const ExprContext *ec, const IntArray *refs, Datum *v, bool *n)
{
    int32_t bits = 0;
    for (int i = 0; i < refs->n; i++) bits = bits << 1 | (int32_t)(ec->grouping >> refs->v[i] & 1);
    *v = datum_i32(bits);
    *n = false;
    return ST_OK;
}

#define SLOT_OF(which) ((which) == 0 ? ec->scan : (which) == 1 ? ec->inner : ec->outer)
#define DISPATCH() goto *labels[ip->op]
#define NEXT() do { ip++; DISPATCH(); } while (0)
#define GOTO(target) do { ip = steps + (target); DISPATCH(); } while (0)
#define VAR_STEP(slot_) do {                                                              \
        TupleSlot *s_ = (slot_);                                                          \
        int a_ = ip->d.var.attno;                                                         \
        if (unlikely(s_->nvalid <= a_)) TRY(slot_decode(s_, a_ + 1, err));                \
        *ip->v = s_->values[a_];                                                          \
        *ip->n = s_->nulls[a_];                                                           \
    } while (0)
#define ASSIGN_STEP(slot_) do {                                                           \
        TupleSlot *s_ = (slot_);                                                          \
        out->values[ip->d.var.resno] = s_->values[ip->d.var.attno];                       \
        out->nulls[ip->d.var.resno] = s_->nulls[ip->d.var.attno];                         \
    } while (0)
#define CALL_STEP() do {                                                                  \
        CallFrame *cf_ = ip->d.call.cf;                                                   \
        cf_->isnull = false;                                                              \
        *ip->v = ip->d.call.fn(cf_);                                                      \
        *ip->n = cf_->isnull;                                                             \
        if (unlikely(err->code)) return ST_FAILED;                                        \
    } while (0)
/* An inlined strict binary operator: `code` computes from A and B. */
#define BINARY(code) do {                                                                 \
        if (unlikely(ip->d.bin.nulls[0] | ip->d.bin.nulls[1])) {                          \
            *ip->n = true;                                                                \
            *ip->v = 0;                                                                   \
        } else {                                                                          \
            Datum A = ip->d.bin.args[0], B = ip->d.bin.args[1];                           \
            (void)A, (void)B;                                                             \
            *ip->n = false;                                                               \
            code;                                                                         \
        }                                                                                 \
        NEXT();                                                                           \
    } while (0)
#define COMPARE(get_a, op, get_b) BINARY(*ip->v = get_a(A) op get_b(B))
#define ARITH(get_a, get_b, T, builtin, make, name)                                       \
    BINARY(T r_; if (unlikely(builtin((T)get_a(A), (T)get_b(B), &r_))) return int_out_of_range(err, name); *ip->v = make(r_))

STATUS run_program(ExprProgram *prog, ExprContext *ec, TupleSlot *out, Error *err)
{
    static const void *const labels[OP_COUNT] = {
#define STEP(name) &&do_##name,
#include "expr/expr_ops.def"
#undef STEP
    };
    const ExprStep *steps = prog->steps, *ip = steps;
    if (unlikely(prog->bound_ec != ec || prog->bound_err != err || prog->bound_arena != ec->tuple_arena)) bind(prog, ec, err);
    DISPATCH();

do_DONE: return ST_OK;
do_FETCH_SCAN: TRY(slot_decode(ec->scan, ip->d.var.attno, err)); NEXT();
do_FETCH_INNER: TRY(slot_decode(ec->inner, ip->d.var.attno, err)); NEXT();
do_FETCH_OUTER: TRY(slot_decode(ec->outer, ip->d.var.attno, err)); NEXT();
do_VAR_SCAN: VAR_STEP(ec->scan); NEXT();
do_VAR_INNER: VAR_STEP(ec->inner); NEXT();
do_VAR_OUTER: VAR_STEP(ec->outer); NEXT();
do_ASSIGN_SCAN: ASSIGN_STEP(ec->scan); NEXT();
do_ASSIGN_INNER: ASSIGN_STEP(ec->inner); NEXT();
do_ASSIGN_OUTER: ASSIGN_STEP(ec->outer); NEXT();
do_ASSIGN_RESULT:
    out->values[ip->d.var.resno] = *ip->v;
    out->nulls[ip->d.var.resno] = *ip->n;
    NEXT();
do_SYSVAR: TRY(step_system_column(SLOT_OF(ip->d.var.which), ip->d.var.attno, ec, ip->v, ip->n, err)); NEXT();
do_WHOLEROW: TRY(step_whole_row(SLOT_OF(ip->d.var.which), ip->d.var.type, ec, ip->v, ip->n, err)); NEXT();
do_CONST:
    *ip->v = ip->d.constant.v;
    *ip->n = ip->d.constant.n;
    NEXT();
do_PARAM_EXTERN: TRY(param_extern(ec, ip->d.param.id, ip->d.param.type, ip->v, ip->n, err)); NEXT();
do_PARAM_EXEC: {
    ParamExec *p = &ec->exec_params[ip->d.param.id];
    if (unlikely(p->pending != NULL)) TRY(ec->callbacks->init_param(ec, ip->d.param.id, err));
    *ip->v = p->value;
    *ip->n = p->isnull;
    NEXT();
}
do_CONTEXT_VALUE:
    *ip->v = ec->case_value;
    *ip->n = ec->case_null;
    NEXT();
do_COPY_CELL:
    *ip->v = *ip->d.cell.v;
    *ip->n = *ip->d.cell.n;
    NEXT();
do_CALL: CALL_STEP(); NEXT();
do_CALL_STRICT1:
    if (ip->d.call.cf->nulls[0]) goto null_result;
    CALL_STEP();
    NEXT();
do_CALL_STRICT2:
    if (ip->d.call.cf->nulls[0] | ip->d.call.cf->nulls[1]) goto null_result;
    CALL_STEP();
    NEXT();
do_CALL_STRICT: {
    const CallFrame *cf = ip->d.call.cf;
    for (int i = 0; i < cf->nargs; i++)
        if (cf->nulls[i]) goto null_result;
    CALL_STEP();
    NEXT();
}
null_result:
    *ip->n = true;
    *ip->v = 0;
    NEXT();
do_JUMP: GOTO(ip->d.jump.target);
do_JUMP_IF_NOT_TRUE:
    if (*ip->n || !*ip->v) GOTO(ip->d.jump.target);
    NEXT();
do_JUMP_IF_NOT_NULL:
    if (!*ip->n) GOTO(ip->d.jump.target);
    NEXT();
do_QUAL:
    if (*ip->n || !*ip->v) {
        *ip->n = false;
        *ip->v = 0;
        GOTO(ip->d.jump.target);
    }
    NEXT();
do_AND_FIRST: *ip->d.jump.any_null = false;
do_AND:
    if (*ip->n) *ip->d.jump.any_null = true;
    else if (!*ip->v) GOTO(ip->d.jump.target);
    NEXT();
do_AND_LAST:
    if (!*ip->n && *ip->v && *ip->d.jump.any_null) {
        *ip->n = true;
        *ip->v = 0;
    }
    NEXT();
do_OR_FIRST: *ip->d.jump.any_null = false;
do_OR:
    if (*ip->n) *ip->d.jump.any_null = true;
    else if (*ip->v) GOTO(ip->d.jump.target);
    NEXT();
do_OR_LAST:
    if (!*ip->n && !*ip->v && *ip->d.jump.any_null) *ip->n = true;
    NEXT();
do_NOT: *ip->v = !*ip->v; NEXT();
do_ISNULL:
    *ip->v = *ip->n;
    *ip->n = false;
    NEXT();
do_ISNOTNULL:
    *ip->v = !*ip->n;
    *ip->n = false;
    NEXT();
do_ROW_ISNULL:
do_ROW_ISNOTNULL: {
    bool r;
    TRY(step_row_null(*ip->v, *ip->n, ip->op == OP_ROW_ISNULL, ip->d.data, ec, &r, err));
    *ip->v = r;
    *ip->n = false;
    NEXT();
}
do_BOOLTEST: TRY(bool_test(ip->d.booltest.kind, ip->v, ip->n)); NEXT();
do_DISTINCT: {
    const CallFrame *cf = ip->d.call.cf;
    if (cf->nulls[0] | cf->nulls[1]) {
        *ip->v = cf->nulls[0] != cf->nulls[1];
        *ip->n = false;
        NEXT();
    }
    CALL_STEP();
    *ip->v = !*ip->v;
    NEXT();
}
do_NULLIF: {
    CallFrame *cf = ip->d.call.cf;
    bool equal = false;
    if (!cf->nulls[0] && !cf->nulls[1]) {
        cf->isnull = false;
        Datum r = ip->d.call.fn(cf);
        if (unlikely(err->code)) return ST_FAILED;
        equal = !cf->isnull && r;
    }
    *ip->v = equal ? 0 : cf->args[0];
    *ip->n = equal || cf->nulls[0];
    NEXT();
}
do_ARRAY_OP: TRY(step_array_op(ip->d.data, ip->v, ip->n, err)); NEXT();
do_HASHED_IN: TRY(step_hashed_in(ip->d.data, ec, ip->v, ip->n, err)); NEXT();
do_IO_COERCE:
    if (!*ip->n) TRY(step_io_coerce(ip->d.data, ec, ip->v, ip->n, err));
    NEXT();
do_ARRAY: TRY(step_array(ip->d.data, ec, ip->v, ip->n, err)); NEXT();
do_ARRAY_COERCE:
    if (!*ip->n) TRY(step_array_coerce(ip->d.data, ec, ip->v, ip->n, err));
    NEXT();
do_ROW: TRY(step_row(ip->d.data, ec, ip->v, ip->n, err)); NEXT();
do_ROWCOMPARE: {
    RowCompareData *d = ip->d.data;
    if (d->in.nulls[0] | d->in.nulls[1]) {
        *ip->n = true;
        *ip->v = 0;
        GOTO(d->done + 1);
    }
    int r;
    if (d->type) {
        r = d->type->compare(d->type, d->in.v[0], d->in.v[1]);
    } else { /* cross-type: not equal decides, then less than */
        CallFrame *cf = d->cf;
        cf->args[0] = d->in.v[0], cf->args[1] = d->in.v[1];
        cf->isnull = false;
        bool eq = d->fn(cf) != 0;
        if (unlikely(err->code)) return ST_FAILED;
        r = 0;
        if (!eq) {
            CallFrame *lf = d->lt_frame;
            lf->args[0] = d->in.v[0], lf->args[1] = d->in.v[1];
            lf->isnull = false;
            r = d->lt(lf) ? -1 : 1;
            if (unlikely(err->code)) return ST_FAILED;
        }
    }
    *d->result = r;
    if (r != 0) GOTO(d->done);
    NEXT();
}
do_ROWCOMPARE_FINAL: {
    int r = *(int32_t *)ip->d.cell.v;
    intptr_t strategy = (intptr_t)ip->d.cell.n;
    *ip->v = strategy == 1 ? r < 0 : strategy == 2 ? r <= 0 : strategy == 4 ? r >= 0 : r > 0;
    *ip->n = false;
    NEXT();
}
do_MINMAX: step_min_max(ip->d.data, ip->v, ip->n); NEXT();
do_SQLVALUE: TRY(step_sql_value(ip->d.sqlvalue, ec, ip->v, ip->n, err)); NEXT();
do_SUBSCRIPT_FETCH: TRY(step_subscript_fetch(ip->d.data, ec, ip->v, ip->n, err)); NEXT();
do_SUBSCRIPT_OLD: TRY(step_subscript_old(ip->d.data, ec, ip->v, ip->n, err)); NEXT();
do_SUBSCRIPT_ASSIGN: TRY(step_subscript_assign(ip->d.data, ec, ip->v, ip->n, err)); NEXT();
do_FIELD_SELECT:
    if (!*ip->n) TRY(step_field_select(ip->d.data, ec, ip->v, ip->n, err));
    NEXT();
do_FIELD_STORE: TRY(step_field_store(ip->d.data, ec, ip->v, ip->n, err)); NEXT();
do_CONVERT_ROW:
    if (!*ip->n) TRY(step_convert_row(ip->d.data, ec, ip->v, ip->n, err));
    NEXT();
do_DOMAIN_NOTNULL: TRY(step_domain_not_null(ip->d.data, *ip->n, err)); NEXT();
do_DOMAIN_CHECK: TRY(step_domain_check(ip->d.data, ec, ip->v, ip->n, err)); NEXT();
do_NEXT_VALUE: TRY(step_next_value(ip->d.nextval.seq, ip->d.nextval.type, ec, ip->v, ip->n, err)); NEXT();
do_CURRENT_OF: TRY(ec->callbacks->current_of(ec, ip->d.current_of, ip->v, ip->n, err)); NEXT();
do_AGGREF:
    *ip->v = ec->agg_values[ip->d.var.attno];
    *ip->n = ec->agg_nulls[ip->d.var.attno];
    NEXT();
do_GROUPING: TRY(grouping_value(ec, ip->d.grouping.refs, ip->v, ip->n)); NEXT();
do_SUBPLAN: TRY(ec->callbacks->sub_plan(ec, ip->d.subplan, (void *)ip, ip->v, ip->n, err)); NEXT();

do_int4eq: COMPARE(datum_get_i32, ==, datum_get_i32);
do_int4ne: COMPARE(datum_get_i32, !=, datum_get_i32);
do_int4lt: COMPARE(datum_get_i32, <, datum_get_i32);
do_int4le: COMPARE(datum_get_i32, <=, datum_get_i32);
do_int4gt: COMPARE(datum_get_i32, >, datum_get_i32);
do_int4ge: COMPARE(datum_get_i32, >=, datum_get_i32);
do_int8eq: COMPARE(datum_get_i64, ==, datum_get_i64);
do_int8ne: COMPARE(datum_get_i64, !=, datum_get_i64);
do_int8lt: COMPARE(datum_get_i64, <, datum_get_i64);
do_int8le: COMPARE(datum_get_i64, <=, datum_get_i64);
do_int8gt: COMPARE(datum_get_i64, >, datum_get_i64);
do_int8ge: COMPARE(datum_get_i64, >=, datum_get_i64);
do_int84eq: COMPARE(datum_get_i64, ==, datum_get_i32);
do_int84ne: COMPARE(datum_get_i64, !=, datum_get_i32);
do_int84lt: COMPARE(datum_get_i64, <, datum_get_i32);
do_int84le: COMPARE(datum_get_i64, <=, datum_get_i32);
do_int84gt: COMPARE(datum_get_i64, >, datum_get_i32);
do_int84ge: COMPARE(datum_get_i64, >=, datum_get_i32);
do_int48eq: COMPARE(datum_get_i32, ==, datum_get_i64);
do_int48ne: COMPARE(datum_get_i32, !=, datum_get_i64);
do_int48lt: COMPARE(datum_get_i32, <, datum_get_i64);
do_int48le: COMPARE(datum_get_i32, <=, datum_get_i64);
do_int48gt: COMPARE(datum_get_i32, >, datum_get_i64);
do_int48ge: COMPARE(datum_get_i32, >=, datum_get_i64);
do_int2eq: COMPARE(datum_get_i16, ==, datum_get_i16);
do_int24eq: COMPARE(datum_get_i16, ==, datum_get_i32);
do_int42eq: COMPARE(datum_get_i32, ==, datum_get_i16);
do_oideq: COMPARE(datum_get_oid, ==, datum_get_oid);
do_oidne: COMPARE(datum_get_oid, !=, datum_get_oid);
do_chareq: COMPARE((uint8_t), ==, (uint8_t));
do_charne: COMPARE((uint8_t), !=, (uint8_t));
do_booleq: COMPARE(datum_get_bool, ==, datum_get_bool);
do_date_eq: COMPARE(datum_get_i32, ==, datum_get_i32);
do_date_lt: COMPARE(datum_get_i32, <, datum_get_i32);
do_date_le: COMPARE(datum_get_i32, <=, datum_get_i32);
do_date_gt: COMPARE(datum_get_i32, >, datum_get_i32);
do_date_ge: COMPARE(datum_get_i32, >=, datum_get_i32);
do_date_ne: COMPARE(datum_get_i32, !=, datum_get_i32);
do_float8eq: BINARY(*ip->v = float_compare(datum_get_f8(A), datum_get_f8(B)) == 0);
do_float8ne: BINARY(*ip->v = float_compare(datum_get_f8(A), datum_get_f8(B)) != 0);
do_float8lt: BINARY(*ip->v = float_compare(datum_get_f8(A), datum_get_f8(B)) < 0);
do_float8le: BINARY(*ip->v = float_compare(datum_get_f8(A), datum_get_f8(B)) <= 0);
do_float8gt: BINARY(*ip->v = float_compare(datum_get_f8(A), datum_get_f8(B)) > 0);
do_float8ge: BINARY(*ip->v = float_compare(datum_get_f8(A), datum_get_f8(B)) >= 0);
do_texteq: BINARY(*ip->v = text_equal(A, B));
do_textne: BINARY(*ip->v = !text_equal(A, B));
do_text_lt: BINARY(*ip->v = slice_compare(varlena_slice(A), varlena_slice(B)) < 0);
do_text_le: BINARY(*ip->v = slice_compare(varlena_slice(A), varlena_slice(B)) <= 0);
do_text_gt: BINARY(*ip->v = slice_compare(varlena_slice(A), varlena_slice(B)) > 0);
do_text_ge: BINARY(*ip->v = slice_compare(varlena_slice(A), varlena_slice(B)) >= 0);
do_int4pl: ARITH(datum_get_i32, datum_get_i32, int32_t, __builtin_add_overflow, datum_i32, "integer");
do_int4mi: ARITH(datum_get_i32, datum_get_i32, int32_t, __builtin_sub_overflow, datum_i32, "integer");
do_int4mul: ARITH(datum_get_i32, datum_get_i32, int32_t, __builtin_mul_overflow, datum_i32, "integer");
do_int8pl: ARITH(datum_get_i64, datum_get_i64, int64_t, __builtin_add_overflow, datum_i64, "bigint");
do_int8mi: ARITH(datum_get_i64, datum_get_i64, int64_t, __builtin_sub_overflow, datum_i64, "bigint");
do_int8mul: ARITH(datum_get_i64, datum_get_i64, int64_t, __builtin_mul_overflow, datum_i64, "bigint");
do_int84pl: ARITH(datum_get_i64, datum_get_i32, int64_t, __builtin_add_overflow, datum_i64, "bigint");
do_int84mi: ARITH(datum_get_i64, datum_get_i32, int64_t, __builtin_sub_overflow, datum_i64, "bigint");
do_int48pl: ARITH(datum_get_i32, datum_get_i64, int64_t, __builtin_add_overflow, datum_i64, "bigint");
do_int48mi: ARITH(datum_get_i32, datum_get_i64, int64_t, __builtin_sub_overflow, datum_i64, "bigint");
do_float8pl: BINARY(double a = datum_get_f8(A); double b = datum_get_f8(B); double r = a + b; TRY(float_result(r, a, b, true, err)); *ip->v = datum_f8(r));
do_float8mi: BINARY(double a = datum_get_f8(A); double b = datum_get_f8(B); double r = a - b; TRY(float_result(r, a, b, true, err)); *ip->v = datum_f8(r));
do_float8mul:
    BINARY(double a = datum_get_f8(A); double b = datum_get_f8(B); double r = a * b; TRY(float_result(r, a, b, a == 0 || b == 0, err));
           *ip->v = datum_f8(r));
}

STATUS expr_eval(ExprProgram *prog, ExprContext *ec, Datum *value, bool *isnull, Error *err)
{
    TRY(run_program(prog, ec, NULL, err));
    *value = prog->result.v;
    *isnull = prog->result.n;
    return ST_OK;
}

STATUS expr_qual(ExprProgram *prog, ExprContext *ec, bool *pass, Error *err)
{
    *pass = true;
    if (!prog) return ST_OK;
    TRY(run_program(prog, ec, NULL, err));
    *pass = !prog->result.n && prog->result.v;
    return ST_OK;
}

STATUS expr_project(ExprProgram *prog, ExprContext *ec, TupleSlot *out, Error *err)
{
    TRY(run_program(prog, ec, out, err));
    slot_store_virtual(out);
    return ST_OK;
}

bool expr_is_transient(const ExprProgram *prog) { return prog && prog->session_objects; }
