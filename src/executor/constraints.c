/* NOT NULL and CHECK, unique violations; PostgreSQL's messages, details and error fields. Validation of constraints over existing rows. */
#include "catalog/deparse.h"
#include "catalog/name_lookup.h"
#include "executor/row_target.h"

STATUS constraints_prepare(RowTarget *t, Error *err)
{
    TRY_NEW_N(t->checks, t->arena, t->rel->nconstraints + 1, err);
    for (int i = 0; i < t->rel->nconstraints; i++) {
        const ConstraintInfo *c = &t->rel->constraints[i];
        if (c->contype != 'c' || !c->expr) continue;
        TRY(expr_compile(t->env, c->expr, t->arena, &t->checks[i], err));
        t->transient |= expr_is_transient(t->checks[i]);
        t->has_checks = true;
    }
    return ST_OK;
}

/* A value as text; at most `limit` bytes (whole characters) and "..." if limit > 0. */
static STATUS append_value(SessionEnv *env, Oid type_oid, Datum v, bool isnull, size_t limit, Arena *arena, StrBuf *out, Error *err)
{
    if (isnull) {
        strbuf_str(out, "null");
        return ST_OK;
    }
    const TypeInfo *type = type_builtin(type_oid);
    if (!type) TRY(type_require(env, type_oid, &type, err));
    IoContext io = session_io(env, arena);
    size_t at = out->len;
    TRY(type_output(&io, type, v, out, err));
    if (limit && out->len - at > limit) {
        size_t n = limit;
        while (n && ((uint8_t)out->data[at + n] & 0xc0) == 0x80) n--;
        out->len = at + n;
        strbuf_str(out, "...");
    }
    return ST_OK;
}

STATUS row_description(SessionEnv *env, TupleSlot *row, Arena *arena, const char **out, Error *err)
{
    StrBuf sb;
    bool first = true;
    strbuf_init(&sb, arena);
    strbuf_char(&sb, '(');
    TRY(slot_decode_all(row, err));
    for (int i = 0; i < row->desc->natts; i++) {
        if (row->desc->atts[i].dropped) continue;
        if (!first) strbuf_str(&sb, ", ");
        first = false;
        TRY(append_value(env, row->desc->atts[i].type, row->values[i], row->nulls[i], 64, arena, &sb, err));
    }
    strbuf_char(&sb, ')');
    TRY(strbuf_check(&sb, err));
    *out = strbuf_cstr(&sb);
    return ST_OK;
}

STATUS key_description(SessionEnv *env, const Relation *rel, const IndexInfo *index, int n, const int16_t *attnums, const Datum *values, const bool *nulls,
                       const Oid *types, Arena *arena, const char **out, Error *err)
{
    StrBuf sb;
    strbuf_init(&sb, arena);
    strbuf_char(&sb, '(');
    for (int i = 0; i < n; i++) {
        if (i) strbuf_str(&sb, ", ");
        const char *text = NULL;
        if (attnums[i] > 0) text = rel->desc->atts[attnums[i] - 1].name;
        else TRY(deparse_indexdef(env, index->oid, i + 1, true, arena, &text, err));
        strbuf_str(&sb, text ? text : "?");
    }
    strbuf_str(&sb, ")=(");
    for (int i = 0; i < n; i++) {
        if (i) strbuf_str(&sb, ", ");
        TRY(append_value(env, types[i], values[i], nulls && nulls[i], 0, arena, &sb, err));
    }
    strbuf_char(&sb, ')');
    TRY(strbuf_check(&sb, err));
    *out = strbuf_cstr(&sb);
    return ST_OK;
}

static Status name_fields(SessionEnv *env, const Relation *rel, const char *column, const char *constraint, Arena *arena, Error *err)
{
    return error_names(err, namespace_name_of(env, rel->namespace_oid, arena), rel->name, column, NULL, constraint);
}

static STATUS raise_not_null(RowTarget *t, TupleSlot *row, int i, Error *err)
{
    const char *text;
    TRY(row_description(t->env, row, &t->tuple_arena, &text, err));
    error_set(err, ERR_NOT_NULL_VIOLATION, "null value in column \"%s\" of relation \"%s\" violates not-null constraint", t->rel->desc->atts[i].name,
              t->rel->name);
    error_detail(err, "Failing row contains %s.", text);
    return name_fields(t->env, t->rel, t->rel->desc->atts[i].name, NULL, &t->tuple_arena, err);
}

static STATUS raise_check(RowTarget *t, TupleSlot *row, const ConstraintInfo *c, Error *err)
{
    const char *text;
    TRY(row_description(t->env, row, &t->tuple_arena, &text, err));
    error_set(err, ERR_CHECK_VIOLATION, "new row for relation \"%s\" violates check constraint \"%s\"", t->rel->name, c->name);
    error_detail(err, "Failing row contains %s.", text);
    return name_fields(t->env, t->rel, NULL, c->name, &t->tuple_arena, err);
}

STATUS constraints_check(RowTarget *t, TupleSlot *row, Error *err)
{
    const TupleDesc *desc = t->rel->desc;
    for (int i = 0; i < desc->natts; i++)
        if (desc->atts[i].not_null && row->nulls[i] && !desc->atts[i].dropped) return raise_not_null(t, row, i, err);
    if (!t->has_checks) return ST_OK;
    t->ec.scan = row;
    for (int i = 0; i < t->rel->nconstraints; i++) {
        Datum v;
        bool isnull;
        if (!t->checks[i]) continue;
        TRY(expr_eval(t->checks[i], &t->ec, &v, &isnull, err));
        if (!isnull && !v) return raise_check(t, row, &t->rel->constraints[i], err);
    }
    return ST_OK;
}

STATUS raise_duplicate(RowTarget *t, const IndexInfo *index, TupleSlot *row, Error *err)
{
    Oid types[64];
    Datum values[64];
    bool nulls[64];
    const char *text;
    if (!index) return error_set(err, ERR_UNIQUE_VIOLATION, "duplicate key value violates the key of \"%s\"", t->rel->name);
    int n = index->nkeyatts < 64 ? index->nkeyatts : 64, nth = 0;
    t->ec.scan = row;
    for (int i = 0; i < n; i++) {
        int att = index->attnums[i] - 1;
        if (att >= 0) {
            TRY(slot_decode(row, att + 1, err));
            values[i] = row->values[att];
            nulls[i] = row->nulls[att];
            types[i] = t->rel->desc->atts[att].type;
            continue;
        }
        ExprProgram *prog;
        types[i] = expr_type(index->exprs[nth]);
        TRY(expr_compile(t->env, index->exprs[nth++], &t->tuple_arena, &prog, err));
        TRY(expr_eval(prog, &t->ec, &values[i], &nulls[i], err));
    }
    TRY(key_description(t->env, t->rel, index, n, index->attnums, values, nulls, types, &t->tuple_arena, &text, err));
    error_set(err, ERR_UNIQUE_VIOLATION, "duplicate key value violates unique constraint \"%s\"", index->name);
    error_detail(err, "Key %s already exists.", text);
    return name_fields(t->env, t->rel, NULL, index->name, &t->tuple_arena, err);
}

/* ---- over existing rows ---- */

static STATUS validate_row(RowTarget *t, const ConstraintInfo *c, int at, TupleSlot *row, Error *err)
{
    Datum v;
    bool isnull;
    t->ec.scan = row;
    TRY(expr_eval(t->checks[at], &t->ec, &v, &isnull, err));
    if (isnull || v) return ST_OK;
    error_set(err, ERR_CHECK_VIOLATION, "check constraint \"%s\" of relation \"%s\" is violated by some row", c->name, t->rel->name);
    return name_fields(t->env, t->rel, NULL, c->name, &t->tuple_arena, err);
}

static STATUS validate_not_null(RowTarget *t, const ConstraintInfo *c, TupleSlot *row, Error *err)
{
    for (int i = 0; i < c->nkeys; i++) {
        int att = c->keys[i] - 1;
        TRY(slot_decode(row, att + 1, err));
        if (!row->nulls[att]) continue;
        const char *column = t->rel->desc->atts[att].name;
        error_set(err, ERR_NOT_NULL_VIOLATION, "column \"%s\" of relation \"%s\" contains null values", column, t->rel->name);
        return name_fields(t->env, t->rel, column, NULL, &t->tuple_arena, err);
    }
    return ST_OK;
}

STATUS constraint_validate(SessionEnv *env, const Relation *rel, const ConstraintInfo *c, Error *err)
{
    Arena arena;
    RowTarget *t = NULL;
    EventQueue *q = NULL;
    Scan *scan = NULL;
    Snapshot *snap = NULL;
    TupleSlot *slot;
    int at = -1;
    Status st = ST_OK;
    arena_init(&arena, env->account, 0);
    TRY_GOTO(st, events_new(env, &q, err), done);
    TRY_GOTO(st, row_target_new(env, rel, q, &arena, env->account, &t, err), done);
    if (c->contype == 'c') { /* it may not be part of the descriptor yet */
        for (int i = 0; i < rel->nconstraints; i++)
            if (rel->constraints[i].oid == c->oid && t->checks[i]) at = i;
        if (at < 0) {
            at = 0;
            TRY_GOTO(st, expr_compile(env, c->expr, &arena, &t->checks[0], err), done);
        }
    }
    slot = slot_new(&arena, rel->desc);
    if (!slot) {
        st = error_out_of_memory(err, 0);
        goto done;
    }
    TRY_GOTO(st, snapshot_take_fresh(env->txn, &snap, err), done);
    TRY_GOTO(st, table_scan_open(env->txn, snap, &rel->def, NULL, 0, &scan, err), done);
    for (;;) {
        TRY_GOTO(st, INTERRUPT_CHECK(env->interrupt, err), done);
        TRY_GOTO(st, scan_next(scan, slot, err), done);
        if (slot->empty) break;
        row_target_begin(t);
        if (c->contype == 'c') TRY_GOTO(st, validate_row(t, c, at, slot, err), done);
        else if (c->contype == 'f') TRY_GOTO(st, fk_validate_row(t, c, slot, err), done);
        else TRY_GOTO(st, validate_not_null(t, c, slot, err), done);
    }
done:
    scan_close(scan);
    snapshot_release(snap);
    row_target_end(t);
    events_free(q);
    arena_destroy(&arena);
    return st;
}
