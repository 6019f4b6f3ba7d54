/* Table constraints: CHECK, PRIMARY KEY, UNIQUE, NOT NULL. Foreign keys are in ddl_foreign_key.c. */
#include "commands/ddl_internal.h"

const ConstraintInfo *ddl_find_constraint(const Relation *rel, Oid oid)
{
    for (int i = 0; i < rel->nconstraints; i++)
        if (rel->constraints[i].oid == oid) return &rel->constraints[i];
    return NULL;
}

/* ---- CHECK ---- */
typedef struct Columns { int n; int16_t v[MAX_COLUMNS]; const Relation *rel; bool generated; } Columns;

static bool collect_columns(Node *node, void *arg)
{
    Columns *c = arg;
    if (!node) return false;
    if (IsA(node, Var)) {
        int att = ((Var *)node)->varattno;
        for (int i = 0; i < c->n; i++)
            if (c->v[i] == att) return false;
        if (att > 0 && c->n < MAX_COLUMNS) c->v[c->n++] = (int16_t)att;
        return false;
    }
    return node_walk(node, collect_columns, arg);
}

static STATUS check_name(SessionEnv *env, const Relation *rel, const ConstraintDefinition *def, const Columns *cols, Arena *arena, const char **out,
                         Error *err)
{
    const Form_pg_constraint *old;
    if (!def->conname)
        return ddl_choose_constraint_name(env, rel->name, cols->n == 1 ? rel->desc->atts[cols->v[0] - 1].name : NULL, "check", rel->namespace_oid, arena,
                                          out, err);
    *out = def->conname;
    TRY(ddl_constraint_by_name(env, rel->oid, def->conname, arena, &old, err));
    if (old) return error_set(err, ERR_DUPLICATE_OBJECT, "constraint \"%s\" for relation \"%s\" already exists", def->conname, rel->name);
    return ST_OK;
}

static STATUS bump_checks(SessionEnv *env, Oid relation, Arena *arena, Error *err)
{
    Form_pg_class cls;
    TRY(ddl_class(env, relation, arena, &cls, err));
    cls.relchecks++;
    return cat_update(env, REL_pg_class, &cls, err);
}

STATUS ddl_add_check(SessionEnv *env, Oid relation, const ConstraintDefinition *def, const char *sql, bool validate, Arena *arena, Error *err)
{
    const Relation *rel;
    Node *expr;
    Form_pg_constraint f;
    Columns *cols;
    TRY_NEW(cols, arena, err);
    TRY(relation_open(env, relation, LOCK_NONE, &rel, err));
    ExprScope scope = {.rel = rel, .sql = sql};
    TRY(analyze_expression(env, def->raw_expr, EXPR_KIND_CHECK_CONSTRAINT, &scope, arena, &expr, err));
    int location = expr_location(expr);
    if (failed(coerce_to_boolean(env, expr, "CHECK", arena, &expr, err))) return ddl_at(sql, location, err);
    collect_columns(expr, cols);
    cat_constraint_defaults(&f);
    TRY(cat_new_oid(env, &f.oid, err));
    TRY(check_name(env, rel, def, cols, arena, &f.conname, err));
    f.connamespace = rel->namespace_oid;
    f.contype = 'c';
    f.conrelid = relation;
    f.convalidated = !def->skip_validation || !validate;
    f.connoinherit = def->is_no_inherit;
    if (cols->n) {
        f.conkey = cat_int2_array(arena, cols->v, cols->n);
        TRY_MEM((void *)f.conkey, err);
    }
    TRY(ddl_node_text(expr, arena, &f.conbin, err));
    TRY(cat_insert(env, REL_pg_constraint, &f, err));
    TRY(bump_checks(env, relation, arena, err));
    ObjectAddress me = address(REL_pg_constraint, f.oid, 0);
    if (cols->n) for (int i = 0; i < cols->n; i++) TRY(depend_add(env, me, address(REL_pg_class, relation, cols->v[i]), DEPEND_AUTO, err));
    else TRY(depend_add(env, me, address(REL_pg_class, relation, 0), DEPEND_AUTO, err));
    TRY(depend_add_expr(env, me, expr, 0, DEPEND_NORMAL, DEPEND_NORMAL, err));
    if (!validate || def->skip_validation) return ST_OK;
    TRY(relation_open(env, relation, LOCK_NONE, &rel, err));
    const ConstraintInfo *info = ddl_find_constraint(rel, f.oid);
    return info ? constraint_validate(env, rel, info, err) : ST_OK;
}

/* ---- NOT NULL ---- */
typedef struct NullSearch { int attnum; bool found; } NullSearch;

static STATUS look_for_null(void *arg, TupleSlot *slot, Arena *row_arena UNUSED, Error *err)
{
    NullSearch *s = arg;
    if (s->found) return ST_OK;
    TRY(slot_decode(slot, s->attnum, err));
    s->found = slot->nulls[s->attnum - 1];
    return ST_OK;
}

STATUS ddl_set_not_null(SessionEnv *env, Oid relation, int attnum, bool on, Arena *arena, Error *err)
{
    const Relation *rel;
    Form_pg_attribute att;
    TRY(relation_open(env, relation, LOCK_NONE, &rel, err));
    if (rel->desc->atts[attnum - 1].not_null == on) return ST_OK;
    if (on) {
        NullSearch s = {.attnum = attnum};
        TRY(ddl_each_row(env, rel, look_for_null, &s, err));
        if (s.found) {
            const char *column = rel->desc->atts[attnum - 1].name;
            error_set(err, ERR_NOT_NULL_VIOLATION, "column \"%s\" of relation \"%s\" contains null values", column, rel->name);
            return error_names(err, namespace_name_of(env, rel->namespace_oid, arena), rel->name, column, NULL, NULL);
        }
    }
    TRY(ddl_attribute(env, relation, attnum, arena, &att, err));
    att.attnotnull = on;
    return cat_update(env, REL_pg_attribute, &att, err);
}

/* ---- PRIMARY KEY and UNIQUE ---- */
static STATUS key_column(SessionEnv *env, const Relation *rel, const char *name, Oid am, IndexSpec *spec, int at, Error *err)
{
    int attnum = relation_find_column(rel, name);
    if (attnum == 0) return error_set(err, ERR_UNDEFINED_COLUMN, "column \"%s\" named in key does not exist", name);
    if (attnum < 0) return error_set(err, ERR_FEATURE_NOT_SUPPORTED, "index creation on system columns is not supported");
    for (int i = 0; i < at && at < spec->nkeys; i++)
        if (spec->cols[i].attnum == attnum)
            return error_set(err, ERR_DUPLICATE_COLUMN, "column \"%s\" appears twice in %s constraint", name, spec->primary ? "primary key" : "unique");
    return ddl_index_column(env, rel, attnum, am, &spec->cols[at], err);
}

static STATUS key_spec(SessionEnv *env, const Relation *rel, const ConstraintDefinition *def, Arena *arena, IndexSpec *spec, Error *err)
{
    spec->am = BTREE_AM;
    spec->name = def->conname;
    spec->primary = def->contype == CONSTR_PRIMARY;
    spec->unique = spec->is_constraint = true;
    spec->deferrable = def->deferrable;
    spec->initdeferred = def->initdeferred;
    spec->nulls_not_distinct = def->nulls_not_distinct;
    TRY(ddl_reloptions(0, def->options, false, arena, &spec->reloptions, err));
    if (list_len(def->keys) + list_len(def->including) > MAX_INDEX_COLUMNS)
        return error_set(err, ERR_TOO_MANY_COLUMNS, "cannot use more than %d columns in an index", MAX_INDEX_COLUMNS);
    spec->nkeys = list_len(def->keys);
    LIST_EACH(String *, s, def->keys) TRY(key_column(env, rel, s->sval, BTREE_AM, spec, spec->ncols++, err));
    LIST_EACH(String *, s, def->including) TRY(key_column(env, rel, s->sval, 0, spec, spec->ncols++, err));
    return ST_OK;
}

/* checked_later: the rows are copied afterwards, which finds nulls by itself. */
static STATUS not_null_keys(SessionEnv *env, const Relation *rel, const IndexSpec *spec, bool checked_later, Arena *arena, Error *err)
{
    for (int i = 0; i < spec->nkeys; i++) {
        int attnum = spec->cols[i].attnum;
        if (rel->desc->atts[attnum - 1].not_null) continue;
        if (!checked_later) {
            TRY(ddl_set_not_null(env, rel->oid, attnum, true, arena, err));
            continue;
        }
        Form_pg_attribute att;
        TRY(ddl_attribute(env, rel->oid, attnum, arena, &att, err));
        att.attnotnull = true;
        TRY(cat_update(env, REL_pg_attribute, &att, err));
    }
    return ST_OK;
}

STATUS ddl_add_key(SessionEnv *env, Oid relation, const ConstraintDefinition *def, const char *sql, bool table_is_new, Arena *arena, Error *err)
{
    const Relation *rel;
    IndexSpec *spec;
    Oid index;
    TRY_NEW(spec, arena, err);
    TRY(relation_open(env, relation, LOCK_NONE, &rel, err));
    if (def->contype == CONSTR_PRIMARY && relation_primary_key(rel))
        return error_set(err, ERR_INVALID_TABLE_DEFINITION, "multiple primary keys for table \"%s\" are not allowed", rel->name);
    if (failed(key_spec(env, rel, def, arena, spec, err))) {
        bool at_key = err && (err->code == ERR_DUPLICATE_COLUMN || err->code == ERR_UNDEFINED_COLUMN);
        return at_key ? ddl_at(sql, def->location, err) : ST_FAILED;
    }
    spec->table_is_new = table_is_new;
    if (spec->primary) {
        TRY(not_null_keys(env, rel, spec, table_is_new || ddl_can_cluster(env, rel, spec), arena, err));
        TRY(relation_open(env, relation, LOCK_NONE, &rel, err));
    }
    return ddl_create_index(env, rel, spec, arena, &index, err);
}

/* ADD CONSTRAINT ... USING INDEX: the index is taken over as it is, under the constraint's name. */
STATUS ddl_add_key_using_index(SessionEnv *env, Oid relation, const ConstraintDefinition *def, Arena *arena, Error *err)
{
    const Relation *rel;
    ConstraintDefinition copy = *def;
    TRY(relation_open(env, relation, LOCK_NONE, &rel, err));
    Oid index = lookup_relname_in(env, def->indexname, rel->namespace_oid);
    if (!index) return error_set(err, ERR_UNDEFINED_OBJECT, "index \"%s\" does not exist", def->indexname);
    const IndexInfo *ix = relation_index(rel, index);
    if (!ix) return error_set(err, ERR_WRONG_OBJECT_TYPE, "index \"%s\" does not belong to table \"%s\"", def->indexname, rel->name);
    if (!ix->unique) {
        error_set(err, ERR_WRONG_OBJECT_TYPE, "\"%s\" is not a unique index", def->indexname);
        return error_detail(err, "Cannot create a primary key or unique constraint using such an index.");
    }
    if (ix->exprs || ix->predicate) {
        error_set(err, ERR_WRONG_OBJECT_TYPE, "index \"%s\" contains expressions", def->indexname);
        return error_detail(err, "Cannot create a primary key or unique constraint using such an index.");
    }
    copy.indexname = NULL;
    if (!copy.conname) copy.conname = arena_strdup(arena, ix->name);
    for (int i = 0; i < ix->def.ncolumns; i++) {
        String *s = ddl_string(arena, rel->desc->atts[ix->attnums[i] - 1].name);
        TRY_MEM(s, err);
        if (i < ix->nkeyatts) TRY_APPEND(copy.keys, arena, s, err);
        else TRY_APPEND(copy.including, arena, s, err);
    }
    if (strcmp(copy.conname, def->indexname))
        session_notice(env, SEV_NOTICE, 0, NULL, NULL, "ALTER TABLE / ADD CONSTRAINT USING INDEX will rename index \"%s\" to \"%s\"", def->indexname,
                       copy.conname);
    TRY(ddl_drop_one(env, address(REL_pg_class, index, 0), DROP_RESTRICT, err));
    return ddl_add_key(env, relation, &copy, NULL, false, arena, err);
}
