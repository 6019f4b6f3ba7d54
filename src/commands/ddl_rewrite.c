/* Tables and indexes under new storage ids: building indexes, copying a table's rows into a new shape. */
#include "catalog/deparse.h"
#include "commands/ddl_internal.h"

/* ---- walking a table ---- */
STATUS ddl_each_row(SessionEnv *env, const Relation *rel, DdlRowFn fn, void *arg, Error *err)
{
    Snapshot *snap = NULL;
    Scan *scan = NULL;
    Arena arena, row_arena;
    Status st;
    arena_init(&arena, env->account, 0);
    arena_init(&row_arena, env->account, 0);
    TupleSlot *slot = slot_new(&arena, rel->desc);
    if (!slot) TRY_GOTO(st, error_out_of_memory(err, 0), done);
    TRY_GOTO(st, snapshot_take_fresh(env->txn, &snap, err), done);
    TRY_GOTO(st, table_scan_open(env->txn, snap, &rel->def, NULL, SCAN_NO_CACHE_FILL, &scan, err), done);
    for (;;) {
        TRY_GOTO(st, scan_next(scan, slot, err), done);
        if (slot->empty) break;
        TRY_GOTO(st, fn(arg, slot, &row_arena, err), done);
        arena_reset(&row_arena);
    }
done:
    scan_close(scan);
    snapshot_release(snap);
    arena_destroy(&row_arena);
    arena_destroy(&arena);
    return st;
}

/* ---- index entries ---- */
typedef struct IndexFill {
    SessionEnv *env;
    const Relation *rel;
    const IndexInfo *ix;
    Build *build;
    ExprProgram *exprs[MAX_INDEX_COLUMNS], *predicate;
    ExprContext ec;
    int max_attnum; /* columns to decode */
} IndexFill;

static STATUS fill_prepare(IndexFill *f, Arena *arena, Error *err)
{
    int n = 0;
    f->ec = (ExprContext){.query_arena = arena, .env = f->env};
    for (int i = 0; i < f->ix->def.ncolumns; i++) {
        if (f->ix->attnums[i]) {
            if (f->ix->attnums[i] > f->max_attnum) f->max_attnum = f->ix->attnums[i];
            continue;
        }
        TRY(expr_compile(f->env, f->ix->exprs[n++], arena, &f->exprs[i], err));
        f->max_attnum = f->rel->desc->natts;
    }
    if (!f->ix->predicate) return ST_OK;
    List *quals = make_and_list(arena, f->ix->predicate);
    TRY_MEM(quals, err);
    f->max_attnum = f->rel->desc->natts;
    return expr_compile_qual(f->env, quals, arena, &f->predicate, err);
}

static STATUS fill_row(void *arg, TupleSlot *slot, Arena *row_arena, Error *err)
{
    IndexFill *f = arg;
    Datum values[MAX_INDEX_COLUMNS];
    bool nulls[MAX_INDEX_COLUMNS], pass = true;
    TRY(slot_decode(slot, f->max_attnum, err));
    f->ec.scan = slot;
    f->ec.tuple_arena = row_arena;
    if (f->predicate) TRY(expr_qual(f->predicate, &f->ec, &pass, err));
    if (!pass) return ST_OK;
    for (int i = 0; i < f->ix->def.ncolumns; i++) {
        int att = f->ix->attnums[i];
        if (att) {
            values[i] = slot->values[att - 1];
            nulls[i] = slot->nulls[att - 1];
        } else {
            TRY(expr_eval(f->exprs[i], &f->ec, &values[i], &nulls[i], err));
        }
    }
    return index_build_add(f->build, values, nulls, slot->key, err);
}

/* 23505 with the key as PostgreSQL words it. */
static STATUS duplicate(SessionEnv *env, const Relation *rel, const IndexInfo *ix, const TupleSlot *slot, Arena *arena, Error *err)
{
    StrBuf names, values;
    IoContext io = session_io(env, arena);
    strbuf_init(&names, arena);
    strbuf_init(&values, arena);
    for (int i = 0; i < ix->nkeyatts; i++) {
        int at = ix->clustered_key ? ix->attnums[i] - 1 : i;
        const char *column = NULL;
        const TypeInfo *type = ix->def.columns[i].type;
        TRY(deparse_indexdef(env, ix->oid, i + 1, true, arena, &column, err));
        strbuf_printf(&names, "%s%s", i ? ", " : "", column ? column : "?");
        strbuf_str(&values, i ? ", " : "");
        if (slot->nulls[at]) strbuf_str(&values, "null");
        else TRY(type_output(&io, type, slot->values[at], &values, err));
    }
    error_set(err, ERR_UNIQUE_VIOLATION, "could not create unique index \"%s\"", ix->name);
    error_detail(err, "Key (%s)=(%s) is duplicated.", strbuf_cstr(&names), strbuf_cstr(&values));
    return error_names(err, namespace_name_of(env, rel->namespace_oid, arena), rel->name, NULL, NULL, ix->name);
}

static STATUS finish_build(SessionEnv *env, const Relation *rel, const IndexInfo *ix, Build *build, Arena *arena, Error *err)
{
    bool dup = false;
    TupleSlot *slot = ix ? slot_new(arena, ix->clustered_key ? rel->desc : ix->def.desc) : NULL;
    if (ix && !slot) {
        build_abandon(build);
        return error_out_of_memory(err, 0);
    }
    TRY(build_finish(build, &dup, slot, arena, err));
    return dup && ix ? duplicate(env, rel, ix, slot, arena, err) : ST_OK;
}

STATUS ddl_build_index(SessionEnv *env, const Relation *rel, const IndexInfo *ix, Arena *arena, Error *err)
{
    IndexFill *f;
    TRY_NEW(f, arena, err);
    *f = (IndexFill){.env = env, .rel = rel, .ix = ix};
    TRY(fill_prepare(f, arena, err));
    TRY(index_build_begin(env->txn, &ix->def, &f->build, err));
    Status st = ddl_each_row(env, rel, fill_row, f, err);
    if (failed(st)) {
        build_abandon(f->build);
        return st;
    }
    return finish_build(env, rel, ix, f->build, arena, err);
}

/* ---- new storage ---- */
static STATUS replace_storage(SessionEnv *env, Oid relation, Arena *arena, Error *err)
{
    Form_pg_class cls;
    TRY(ddl_class(env, relation, arena, &cls, err));
    if (!cls.relfilenode) return ST_OK;
    TRY(cat_drop_storage(env, &cls, err));
    TRY(cat_new_storage_id(env, &cls.relfilenode, err));
    return cat_update(env, REL_pg_class, &cls, err);
}

STATUS ddl_new_storage(SessionEnv *env, const Relation *rel, bool table, Arena *arena, Error *err)
{
    if (table) TRY(replace_storage(env, rel->oid, arena, err));
    for (int i = 0; i < rel->nindexes; i++) TRY(replace_storage(env, rel->indexes[i].oid, arena, err));
    return ST_OK;
}

/* ---- copying ---- */
typedef struct Copy {
    SessionEnv *env;
    const Relation *old, *now;
    Build *build;
    TupleSlot *row;
    int natts;
    ExprProgram **exprs, **generated, **checks;
    const ConstraintInfo **check_info;
    int nchecks;
    ExprContext ec;
} Copy;

static STATUS copy_prepare(Copy *c, Node *const *exprs, Arena *arena, Error *err)
{
    const Relation *now = c->now;
    c->natts = now->desc->natts;
    c->ec = (ExprContext){.query_arena = arena, .env = c->env};
    c->row = slot_new(arena, now->desc);
    TRY_MEM(c->row, err);
    TRY_NEW_N(c->exprs, arena, c->natts + 1, err);
    TRY_NEW_N(c->generated, arena, c->natts + 1, err);
    TRY_NEW_N(c->checks, arena, now->nconstraints + 1, err);
    TRY_NEW_N(c->check_info, arena, now->nconstraints + 1, err);
    for (int i = 0; i < c->natts; i++) {
        if (now->desc->atts[i].dropped) continue;
        if (exprs && exprs[i]) TRY(expr_compile(c->env, exprs[i], arena, &c->exprs[i], err));
        if (exprs && now->columns[i].generated && now->columns[i].default_expr)
            TRY(expr_compile(c->env, now->columns[i].default_expr, arena, &c->generated[i], err));
    }
    if (!exprs) return ST_OK;
    for (int i = 0; i < now->nconstraints; i++) {
        if (now->constraints[i].contype != 'c' || !now->constraints[i].validated) continue;
        c->check_info[c->nchecks] = &now->constraints[i];
        TRY(expr_compile(c->env, now->constraints[i].expr, arena, &c->checks[c->nchecks++], err));
    }
    return ST_OK;
}

static STATUS null_violation(Copy *c, int att, Arena *arena, Error *err)
{
    const char *column = c->now->desc->atts[att].name;
    error_set(err, ERR_NOT_NULL_VIOLATION, "column \"%s\" of relation \"%s\" contains null values", column, c->now->name);
    return error_names(err, namespace_name_of(c->env, c->now->namespace_oid, arena), c->now->name, column, NULL, NULL);
}

static STATUS check_row(Copy *c, Arena *row_arena, Error *err)
{
    for (int i = 0; i < c->nchecks; i++) {
        Datum value;
        bool isnull;
        TRY(expr_eval(c->checks[i], &c->ec, &value, &isnull, err));
        if (isnull || datum_get_bool(value)) continue;
        error_set(err, ERR_CHECK_VIOLATION, "check constraint \"%s\" of relation \"%s\" is violated by some row", c->check_info[i]->name, c->now->name);
        return error_names(err, namespace_name_of(c->env, c->now->namespace_oid, row_arena), c->now->name, NULL, NULL, c->check_info[i]->name);
    }
    return ST_OK;
}

static STATUS copy_row(void *arg, TupleSlot *slot, Arena *row_arena, Error *err)
{
    Copy *c = arg;
    TupleSlot *row = c->row;
    int old_natts = c->old->desc->natts;
    TRY(slot_decode_all(slot, err));
    c->ec.scan = slot;
    c->ec.tuple_arena = row_arena;
    for (int i = 0; i < c->natts; i++) {
        row->values[i] = 0;
        row->nulls[i] = true;
        if (c->exprs[i]) {
            TRY(expr_eval(c->exprs[i], &c->ec, &row->values[i], &row->nulls[i], err));
        } else if (i < old_natts && !c->now->desc->atts[i].dropped) {
            row->values[i] = slot->values[i];
            row->nulls[i] = slot->nulls[i];
        }
    }
    slot_store_virtual(row);
    c->ec.scan = row;
    for (int i = 0; i < c->natts; i++)
        if (c->generated[i]) TRY(expr_eval(c->generated[i], &c->ec, &row->values[i], &row->nulls[i], err));
    for (int i = 0; i < c->natts; i++)
        if (row->nulls[i] && c->now->desc->atts[i].not_null && !c->now->desc->atts[i].dropped) return null_violation(c, i, row_arena, err);
    TRY(check_row(c, row_arena, err));
    return table_build_add(c->build, row, err);
}

static const IndexInfo *clustered_index(const Relation *rel)
{
    for (int i = 0; i < rel->nindexes; i++)
        if (rel->indexes[i].clustered_key) return &rel->indexes[i];
    return NULL;
}

STATUS ddl_copy_rows(SessionEnv *env, const Relation *old, Node *const *exprs, Arena *arena, Error *err)
{
    Copy *c;
    TRY_NEW(c, arena, err);
    *c = (Copy){.env = env, .old = old};
    TRY(relation_open(env, old->oid, LOCK_NONE, &c->now, err));
    TRY(copy_prepare(c, exprs, arena, err));
    TRY(table_build_begin(env->txn, &c->now->def, &c->build, err));
    Status st = ddl_each_row(env, old, copy_row, c, err);
    if (failed(st)) {
        build_abandon(c->build);
        return st;
    }
    TRY(finish_build(env, c->now, clustered_index(c->now), c->build, arena, err));
    for (int i = 0; i < c->now->nindexes; i++)
        if (!c->now->indexes[i].clustered_key) TRY(ddl_build_index(env, c->now, &c->now->indexes[i], arena, err));
    return ST_OK;
}

/* The missing values of ADD COLUMN are in the rows now. */
static STATUS forget_missing(SessionEnv *env, const Relation *rel, Arena *arena, Error *err)
{
    for (int i = 0; i < rel->desc->natts; i++) {
        if (!rel->def.columns[i].has_missing) continue;
        Form_pg_attribute att;
        TRY(ddl_attribute(env, rel->oid, i + 1, arena, &att, err));
        att.atthasmissing = false;
        att.attmissingval = 0;
        TRY(cat_update(env, REL_pg_attribute, &att, err));
    }
    return ST_OK;
}

STATUS ddl_rewrite(SessionEnv *env, const Relation *old, Node *const *exprs, Arena *arena, Error *err)
{
    const Relation *now;
    TRY(relation_open(env, old->oid, LOCK_NONE, &now, err));
    TRY(ddl_new_storage(env, now, true, arena, err));
    TRY(forget_missing(env, now, arena, err));
    return ddl_copy_rows(env, old, exprs, arena, err);
}
