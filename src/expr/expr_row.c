/* Rows as values: ROW(...), whole-row references, field access, row comparison, conversion between row types. */
#include "expr/expr_internal.h"
#include "types/record.h"

static STATUS compiler_row_desc(Compiler *c, Oid type, TupleDesc **out)
{
    c->prog->session_objects = true;
    *out = type_row_desc(c->env, type_base_of(c->env, type, NULL), c->arena);
    if (!*out) return error_set(c->err, ERR_INTERNAL_ERROR, "type %u is not composite", type);
    return ST_OK;
}

/* ---- ROW(...) ---- */

STATUS compile_row(Compiler *c, const RowExpr *r, Datum *v, bool *n)
{
    RowData *d;
    ExprStep *s;
    int given = list_len(r->args);
    TRY_NEW(d, c->arena, c->err);
    if (r->row_typeid == TYPE_record || r->row_typeid == INVALID_OID) {
        d->desc = tupledesc_new(c->arena, given);
        TRY_MEM(d->desc, c->err);
        d->desc->row_type = TYPE_record;
        for (int i = 0; i < given; i++) {
            const Node *arg = list_at(r->args, i);
            const TypeInfo *type;
            const char *name = i < list_len(r->colnames) ? ((const String *)list_at(r->colnames, i))->sval : arena_printf(c->arena, "f%d", i + 1);
            TRY(compiler_type(c, expr_type(arg), &type));
            attribute_set(&d->desc->atts[i], name, type, expr_typmod(arg));
        }
    } else {
        TRY(compiler_row_desc(c, r->row_typeid, &d->desc));
        if (given > d->desc->natts) return error_set(c->err, ERR_DATATYPE_MISMATCH, "ROW() column count does not match its type");
    }
    TRY(value_array(c, &d->in, d->desc->natts));
    for (int i = 0; i < d->in.n; i++) {
        d->in.nulls[i] = true;
        if (i < given) TRY(compile_expr(c, list_at(r->args, i), &d->in.v[i], &d->in.nulls[i]));
    }
    TRY(emit(c, OP_ROW, v, n, &s));
    s->d.data = d;
    return ST_OK;
}

STATUS step_row(RowData *d, ExprContext *ec, Datum *v, bool *n, Error *err)
{
    *n = false;
    return record_make(ec->tuple_arena, d->desc, d->in.v, d->in.nulls, v, err);
}

STATUS step_whole_row(TupleSlot *slot, Oid type, ExprContext *ec, Datum *v, bool *n, Error *err)
{
    TupleDesc desc = *slot->desc;
    *v = 0;
    *n = slot->empty;
    if (slot->empty) return ST_OK;
    TRY(slot_decode_all(slot, err));
    if (type) desc.row_type = type;
    return record_make(ec->tuple_arena, &desc, slot->values, slot->nulls, v, err);
}

/* ROW IS NULL: every column is null; IS NOT NULL: none is. Looks one level deep, as PostgreSQL does. */
STATUS step_row_null(Datum value, bool isnull, bool want_null, const TypeInfo *type, ExprContext *ec, bool *out, Error *err)
{
    RecordView view;
    RecordIter it;
    RecordColumn col;
    if (isnull) {
        *out = want_null;
        return ST_OK;
    }
    TRY(record_open(value, &view, err));
    record_iter_init(&it, &view);
    *out = true;
    while (record_next(&it, &col))
        if (col.is_null != want_null) *out = false;
    return ST_OK;
}

/* ---- fields ---- */

STATUS compile_field_select(Compiler *c, const FieldSelect *f, Datum *v, bool *n)
{
    FieldData *d;
    ExprStep *s;
    TRY_NEW(d, c->arena, c->err);
    d->fieldnum = f->fieldnum;
    TRY(compiler_type(c, f->resulttype, &d->type));
    TRY(compile_expr(c, f->arg, v, n));
    TRY(emit(c, OP_FIELD_SELECT, v, n, &s));
    s->d.data = d;
    return ST_OK;
}

STATUS step_field_select(FieldData *d, ExprContext *ec, Datum *v, bool *n, Error *err)
{
    RecordView view;
    RecordColumn col;
    TRY(record_open(*v, &view, err));
    if (d->fieldnum < 1) return error_set(err, ERR_INTERNAL_ERROR, "invalid attribute number %d", d->fieldnum);
    record_column(&view, d->fieldnum - 1, &col);
    if (!col.is_null && col.type != d->type->oid && (col.byval != d->type->byval || col.typlen != d->type->typlen))
        return error_set(err, ERR_DATATYPE_MISMATCH, "attribute %d has wrong type", d->fieldnum);
    *v = col.is_null ? 0 : col.value;
    *n = col.is_null;
    return ST_OK;
}

STATUS compile_field_store(Compiler *c, const FieldStore *f, Datum *v, bool *n)
{
    FieldData *d;
    ExprStep *s;
    TRY_NEW(d, c->arena, c->err);
    TRY(compiler_row_desc(c, f->resulttype, &d->desc));
    d->row_type = f->resulttype;
    d->n = f->fieldnums.n;
    d->fieldnums = f->fieldnums.v;
    TRY(compile_expr(c, f->arg, v, n));
    TRY(value_array(c, &d->in, d->n));
    /* A new value may refer to the field's old one (nested assignment): it is found where a CASE finds its test value. */
    for (int i = 0; i < d->n; i++) {
        Cell *old, *saved = c->case_cell;
        FieldData *sel;
        TRY_NEW(old, c->arena, c->err);
        TRY_NEW(sel, c->arena, c->err);
        ExprStep *copy;
        TRY(emit(c, OP_COPY_CELL, &old->v, &old->n, &copy));
        copy->d.cell.v = v;
        copy->d.cell.n = n;
        sel->fieldnum = (int)d->fieldnums[i];
        TRY(compiler_type(c, d->desc->atts[sel->fieldnum - 1].type, &sel->type));
        TRY(emit(c, OP_FIELD_SELECT, &old->v, &old->n, &s));
        s->d.data = sel;
        c->case_cell = old;
        TRY(compile_expr(c, list_at(f->newvals, i), &d->in.v[i], &d->in.nulls[i]));
        c->case_cell = saved;
    }
    TRY(emit(c, OP_FIELD_STORE, v, n, &s));
    s->d.data = d;
    return ST_OK;
}

static STATUS take_apart(Datum record, const TupleDesc *desc, Datum *values, bool *nulls, Error *err)
{
    RecordView view;
    RecordIter it;
    RecordColumn col;
    TRY(record_open(record, &view, err));
    record_iter_init(&it, &view);
    for (int i = 0; i < desc->natts; i++) {
        bool has = record_next(&it, &col);
        nulls[i] = !has || col.is_null;
        values[i] = nulls[i] ? 0 : col.value;
    }
    return ST_OK;
}

STATUS step_field_store(FieldData *d, ExprContext *ec, Datum *v, bool *n, Error *err)
{
    Datum *values;
    bool *nulls;
    TRY_NEW_N(values, ec->tuple_arena, d->desc->natts, err);
    TRY_NEW_N(nulls, ec->tuple_arena, d->desc->natts, err);
    if (*n) memset(nulls, true, (size_t)d->desc->natts);
    else TRY(take_apart(*v, d->desc, values, nulls, err));
    for (int i = 0; i < d->n; i++) {
        values[d->fieldnums[i] - 1] = d->in.v[i];
        nulls[d->fieldnums[i] - 1] = d->in.nulls[i];
    }
    *n = false;
    return record_make(ec->tuple_arena, d->desc, values, nulls, v, err);
}

/* ---- conversion of row types: columns by name ---- */

STATUS compile_convert_row(Compiler *c, const ConvertRowtypeExpr *r, Datum *v, bool *n)
{
    FieldData *d;
    ExprStep *s;
    TupleDesc *from;
    int64_t *map;
    TRY_NEW(d, c->arena, c->err);
    TRY(compiler_row_desc(c, expr_type(r->arg), &from));
    TRY(compiler_row_desc(c, r->resulttype, &d->desc));
    TRY_NEW_N(map, c->arena, d->desc->natts ? d->desc->natts : 1, c->err);
    for (int i = 0; i < d->desc->natts; i++) {
        map[i] = -1;
        for (int k = 0; k < from->natts; k++)
            if (!from->atts[k].dropped && !d->desc->atts[i].dropped && !strcmp(from->atts[k].name, d->desc->atts[i].name)) map[i] = k;
    }
    d->fieldnums = map;
    d->n = from->natts;
    TRY(compile_expr(c, r->arg, v, n));
    TRY(emit(c, OP_CONVERT_ROW, v, n, &s));
    s->d.data = d;
    return ST_OK;
}

STATUS step_convert_row(FieldData *d, ExprContext *ec, Datum *v, bool *n, Error *err)
{
    Datum *values;
    bool *nulls;
    RecordView view;
    RecordColumn col;
    TRY_NEW_N(values, ec->tuple_arena, d->desc->natts + 1, err);
    TRY_NEW_N(nulls, ec->tuple_arena, d->desc->natts + 1, err);
    TRY(record_open(*v, &view, err));
    for (int i = 0; i < d->desc->natts; i++) {
        nulls[i] = true;
        if (d->fieldnums[i] < 0) continue;
        record_column(&view, (int)d->fieldnums[i], &col);
        nulls[i] = col.is_null;
        values[i] = col.is_null ? 0 : col.value;
    }
    return record_make(ec->tuple_arena, d->desc, values, nulls, v, err);
}

/* ---- (a, b) < (c, d) ---- */

static STATUS compare_step(Compiler *c, const RowCompareExpr *r, int i, int32_t *result, Datum *v, bool *n, int *at)
{
    RowCompareData *d;
    ExprStep *s;
    const Node *left = list_at(r->largs, i), *right = list_at(r->rargs, i);
    const OperatorInfo *op = operator_by_oid(c->env, (Oid)r->opnos.v[i]);
    if (!op) return error_set(c->err, ERR_INTERNAL_ERROR, "cache lookup failed for operator %u", (Oid)r->opnos.v[i]);
    TRY_NEW(d, c->arena, c->err);
    d->result = result;
    TRY(value_array(c, &d->in, 2));
    TRY(compile_expr(c, left, &d->in.v[0], &d->in.nulls[0]));
    TRY(compile_expr(c, right, &d->in.v[1], &d->in.nulls[1]));
    if (op->left == op->right) {
        Oid type = expr_type(left);
        const TypeInfo *t;
        TRY(compiler_type(c, type_builtin(op->left) && type_builtin(op->left)->typtype != 'p' ? op->left : type, &t));
        d->type = t;
    } else { /* integers of two widths and the like: found by name in the same schema */
        const OperatorInfo **cand;
        int ncand;
        bool strict;
        List args = {.tag = T_List, .len = 2, .cap = 2, .items = (void *[]){(void *)left, (void *)right}};
        const char *names[2] = {"=", "<"};
        for (int k = 0; k < 2; k++) {
            Oid proc = INVALID_OID;
            TRY(operator_candidates(c->env, "pg_catalog", names[k], false, c->arena, &cand, &ncand, c->err));
            for (int j = 0; j < ncand; j++)
                if (cand[j]->left == op->left && cand[j]->right == op->right) proc = cand[j]->proc;
            if (!proc) return error_set(c->err, ERR_UNDEFINED_FUNCTION, "could not determine interpretation of row comparison operator %s", op->name);
            if (k == 0) TRY(make_frame(c, proc, INVALID_OID, TYPE_bool, 2, &args, &d->fn, &strict, &d->cf));
            else TRY(make_frame(c, proc, INVALID_OID, TYPE_bool, 2, &args, &d->lt, &strict, &d->lt_frame));
        }
    }
    *at = c->prog->nsteps;
    TRY(emit(c, OP_ROWCOMPARE, v, n, &s));
    s->d.data = d;
    return ST_OK;
}

STATUS compile_row_compare(Compiler *c, const RowCompareExpr *r, Datum *v, bool *n)
{
    int ncols = list_len(r->largs), *at;
    int32_t *result;
    ExprStep *s;
    TRY_NEW(result, c->arena, c->err);
    TRY_NEW_N(at, c->arena, ncols, c->err);
    for (int i = 0; i < ncols; i++) TRY(compare_step(c, r, i, result, v, n, &at[i]));
    int final = c->prog->nsteps;
    TRY(emit(c, OP_ROWCOMPARE_FINAL, v, n, &s));
    s->d.cell.v = (const Datum *)result;
    s->d.cell.n = (const bool *)(intptr_t)r->rctype;
    for (int i = 0; i < ncols; i++) ((RowCompareData *)c->prog->steps[at[i]].d.data)->done = final;
    return ST_OK;
}
