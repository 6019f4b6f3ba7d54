/* Column definitions: types, constraints written beside the column, defaults. */
#include "commands/ddl_internal.h"

enum { PROC_nextval = 1574 };

static Oid serial_type(const TypeName *tn)
{
    static const struct { const char *name; Oid type; } serials[] = {{"serial", TYPE_int4}, {"serial4", TYPE_int4}, {"bigserial", TYPE_int8},
                                                                     {"serial8", TYPE_int8}, {"smallserial", TYPE_int2}, {"serial2", TYPE_int2}};
    if (!tn || list_len(tn->names) != 1 || tn->typeOid) return 0;
    for (size_t i = 0; i < sizeof serials / sizeof serials[0]; i++)
        if (!strcmp(((String *)list_first(tn->names))->sval, serials[i].name)) return serials[i].type;
    return 0;
}

static STATUS column_collation(SessionEnv *env, const List *names, Oid type, Oid *out, Error *err)
{
    const TypeInfo *info;
    TRY(type_require(env, type, &info, err));
    *out = info->collation;
    if (!names) return ST_OK;
    const char *schema, *name;
    if (!info->collation) {
        Arena tmp;
        arena_init(&tmp, env->account, 0);
        error_set(err, ERR_DATATYPE_MISMATCH, "collations are not supported by type %s", format_type_text(env, type, -1, &tmp));
        arena_destroy(&tmp);
        return ST_FAILED;
    }
    TRY(ddl_split_name((const Node *)names, &schema, &name, err));
    return lookup_collation(env, schema, name, false, out, err);
}

/* What one column says of itself, to find contradictions. */
typedef struct Seen { bool nullness, is_null, has_default, generated, identity; } Seen;

static STATUS twice(const char *what, const NewColumn *col, const char *relname, Error *err)
{
    return error_set(err, ERR_SYNTAX_ERROR, "%s for column \"%s\" of table \"%s\"", what, col->name, relname);
}

static STATUS keep_table_constraint(const ConstraintDefinition *c, const char *colname, bool own_keys, List **list, Arena *arena, Error *err)
{
    ConstraintDefinition *copy;
    TRY_NODE(copy, ConstraintDefinition, arena, err);
    *copy = *c;
    String *name = ddl_string(arena, colname);
    TRY_MEM(name, err);
    if (own_keys) {
        copy->keys = NULL;
        TRY_APPEND(copy->keys, arena, name, err);
    } else if (c->contype == CONSTR_FOREIGN && !copy->fk_attrs) {
        TRY_APPEND(copy->fk_attrs, arena, name, err);
    }
    TRY_APPEND(*list, arena, copy, err);
    return ST_OK;
}

static STATUS column_constraint(const ConstraintDefinition *c, const char *relname, NewColumn *col, Seen *seen, TableParts *parts, Arena *arena,
                                Error *err)
{
    switch (c->contype) {
    case CONSTR_NULL:
    case CONSTR_NOTNULL:
        if (seen->nullness && seen->is_null != (c->contype == CONSTR_NULL)) return twice("conflicting NULL/NOT NULL declarations", col, relname, err);
        seen->nullness = true;
        seen->is_null = c->contype == CONSTR_NULL;
        col->not_null = !seen->is_null;
        return ST_OK;
    case CONSTR_DEFAULT:
        if (seen->has_default) return twice("multiple default values specified", col, relname, err);
        seen->has_default = true;
        col->raw_default = c->raw_expr;
        return ST_OK;
    case CONSTR_IDENTITY:
        if (seen->identity) return twice("multiple identity specifications", col, relname, err);
        if (seen->nullness && seen->is_null) return twice("conflicting NULL/NOT NULL declarations", col, relname, err);
        seen->identity = true;
        seen->nullness = true;
        col->identity = c->generated_when;
        col->identity_options = c->options;
        col->not_null = true;
        return ST_OK;
    case CONSTR_GENERATED:
        if (seen->generated) return twice("multiple generation clauses specified", col, relname, err);
        seen->generated = true;
        col->generated = 's';
        col->raw_default = c->raw_expr;
        return ST_OK;
    case CONSTR_CHECK: return keep_table_constraint(c, col->name, false, &parts->checks, arena, err);
    case CONSTR_PRIMARY:
        if (seen->nullness && seen->is_null) return twice("conflicting NULL/NOT NULL declarations", col, relname, err);
        seen->nullness = col->not_null = true;
        return keep_table_constraint(c, col->name, true, &parts->keys, arena, err);
    case CONSTR_UNIQUE: return keep_table_constraint(c, col->name, true, &parts->keys, arena, err);
    case CONSTR_FOREIGN: return keep_table_constraint(c, col->name, false, &parts->foreign, arena, err);
    default: return error_set(err, ERR_FEATURE_NOT_SUPPORTED, "exclusion constraints are not supported");
    }
}

static STATUS check_combinations(const NewColumn *col, const Seen *seen, const char *relname, Error *err)
{
    if (seen->has_default && seen->identity) return twice("both default and identity specified", col, relname, err);
    if (seen->has_default && seen->generated) return twice("both default and generation expression specified", col, relname, err);
    if (seen->identity && seen->generated) return twice("both identity and generation expression specified", col, relname, err);
    if (seen->identity && col->type != TYPE_int2 && col->type != TYPE_int4 && col->type != TYPE_int8)
        return error_set(err, ERR_INVALID_PARAMETER_VALUE, "identity column type must be smallint, integer, or bigint");
    return ST_OK;
}

STATUS ddl_column_definition(SessionEnv *env, const ColumnDefinition *def, const char *relname, const char *sql, Arena *arena, NewColumn *out,
                             TableParts *parts, Error *err)
{
    Seen seen = {0};
    *out = (NewColumn){.name = def->colname, .typmod = -1, .location = def->location};
    out->serial_type = serial_type(def->typeName);
    if (out->serial_type) {
        if (def->typeName->array_dims) {
            error_set(err, ERR_FEATURE_NOT_SUPPORTED, "array of serial is not implemented");
            return ddl_at(sql, def->typeName->location, err);
        }
        out->type = out->serial_type;
        seen.nullness = seen.has_default = out->not_null = true;
    } else {
        if (failed(resolve_type_name(env, def->typeName, false, &out->type, &out->typmod, err))) return ddl_at(sql, def->typeName->location, err);
        if (def->typeName->setof)
            return error_set(err, ERR_INVALID_TABLE_DEFINITION, "column \"%s\" cannot be declared SETOF", def->colname);
        out->ndims = def->typeName->array_dims;
    }
    TRY(column_collation(env, def->collation, out->type, &out->collation, err));
    if (def->compression) out->compression = !strcmp(def->compression, "lz4") ? 'l' : !strcmp(def->compression, "pglz") ? 'p' : 0;
    LIST_EACH(ConstraintDefinition *, c, def->constraints) {
        Status st = column_constraint(c, relname, out, &seen, parts, arena, err);
        if (!failed(st)) st = check_combinations(out, &seen, relname, err);
        if (failed(st)) return ddl_at(sql, c->location, err);
    }
    return ST_OK;
}

/* ---- defaults ---- */
static STATUS wrong_default_type(SessionEnv *env, const NewColumn *col, const Node *expr, Arena *arena, Error *err)
{
    error_set(err, ERR_DATATYPE_MISMATCH, "column \"%s\" is of type %s but %s expression is of type %s", col->name,
              format_type_text(env, col->type, -1, arena), col->generated ? "generation" : "default", format_type_text(env, expr_type(expr), -1, arena));
    return error_hint(err, "You will need to rewrite or cast the expression.");
}

typedef struct GeneratedRefs { const Relation *rel; const char *bad; int location; } GeneratedRefs;

static bool find_generated_ref(Node *node, void *arg)
{
    GeneratedRefs *g = arg;
    if (!node) return false;
    if (IsA(node, Var)) {
        int att = ((Var *)node)->varattno;
        if (att > 0 && att <= g->rel->desc->natts && g->rel->columns[att - 1].generated) {
            g->bad = g->rel->desc->atts[att - 1].name;
            g->location = ((Var *)node)->location;
        }
        return g->bad != NULL;
    }
    return node_walk(node, find_generated_ref, arg);
}

static STATUS check_generated(SessionEnv *env, const Relation *rel, const char *sql, Node *expr, Error *err)
{
    GeneratedRefs g = {.rel = rel};
    if (expr_contains_mutable(env, expr))
        return error_set(err, ERR_INVALID_OBJECT_DEFINITION, "generation expression is not immutable");
    if (find_generated_ref(expr, &g)) {
        error_set(err, ERR_INVALID_OBJECT_DEFINITION, "cannot use generated column \"%s\" in column generation expression", g.bad);
        error_detail(err, "A generated column cannot reference another generated column.");
        return ddl_at(sql, g.location, err);
    }
    return ST_OK;
}

STATUS ddl_cook_default(SessionEnv *env, const Relation *rel, const NewColumn *col, const char *sql, Arena *arena, Node **out, Error *err)
{
    Node *expr = col->cooked_default;
    if (!expr) {
        ExprScope scope = {.rel = rel, .sql = sql};
        TRY(analyze_expression(env, col->raw_default, col->generated ? EXPR_KIND_GENERATED_COLUMN : EXPR_KIND_COLUMN_DEFAULT, &scope, arena, &expr, err));
        if (col->generated) TRY(check_generated(env, rel, sql, expr, err));
    }
    if (failed(coerce_to_target(env, expr, col->type, col->typmod, COERCION_ASSIGNMENT, COERCE_IMPLICIT_CAST, arena, out, err)))
        return ddl_at(sql, expr_location(expr), err);
    return *out ? ST_OK : wrong_default_type(env, col, expr, arena, err);
}

STATUS ddl_remove_default(SessionEnv *env, Oid relation, int attnum, Error *err)
{
    Arena tmp;
    const void *form = NULL;
    Datum keys[2] = {datum_oid(relation), datum_i16((int16_t)attnum)};
    arena_init(&tmp, env->account, 0);
    Status st = cat_get(env, REL_pg_attrdef, IDX_attrdef_adrelid_adnum, 2, keys, &tmp, &form, err);
    if (!failed(st) && form) {
        ObjectAddress def = address(REL_pg_attrdef, ((const Form_pg_attrdef *)form)->oid, 0);
        st = depend_remove(env, def, err); /* a generation expression is an internal part of its column */
        if (!failed(st)) st = ddl_drop_one(env, def, DROP_RESTRICT, err);
    }
    arena_destroy(&tmp);
    return st;
}

STATUS ddl_store_default(SessionEnv *env, Oid relation, int attnum, Node *expr, char generated, Arena *arena, Error *err)
{
    Form_pg_attrdef f = {.adrelid = relation, .adnum = (int16_t)attnum};
    Form_pg_attribute att;
    TRY(cat_new_oid(env, &f.oid, err));
    TRY(ddl_node_text(expr, arena, &f.adbin, err));
    TRY(cat_insert(env, REL_pg_attrdef, &f, err));
    TRY(ddl_attribute(env, relation, attnum, arena, &att, err));
    att.atthasdef = true;
    att.attgenerated = generated;
    TRY(cat_update(env, REL_pg_attribute, &att, err));
    ObjectAddress me = address(REL_pg_attrdef, f.oid, 0), column = address(REL_pg_class, relation, attnum);
    TRY(depend_add(env, me, column, generated ? DEPEND_INTERNAL : DEPEND_AUTO, err)); /* what a generated column is made of takes the column along */
    return depend_add_expr(env, me, expr, relation, DEPEND_NORMAL, DEPEND_NORMAL, err);
}

STATUS ddl_nextval_expr(SessionEnv *env, Oid sequence, Arena *arena, Node **out, Error *err)
{
    const TypeInfo *regclass;
    FuncExpr *call;
    TRY(type_require(env, TYPE_regclass, &regclass, err));
    Const *seq = make_const(arena, regclass, -1, datum_oid(sequence), false);
    TRY_MEM(seq, err);
    seq->location = -1;
    TRY_NODE(call, FuncExpr, arena, err);
    call->funcid = PROC_nextval;
    call->funcresulttype = TYPE_int8;
    call->funcformat = COERCE_EXPLICIT_CALL;
    call->location = -1;
    TRY_APPEND(call->args, arena, seq, err);
    *out = (Node *)call;
    return ST_OK;
}
