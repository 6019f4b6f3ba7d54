/* ALTER TABLE ... ALTER COLUMN ... TYPE: the catalog rows that mention the column's type follow, then the rows are written anew unless the stored
 * form of the values stays the same. Checks, index expressions and predicates are analysed again from their text. */
#include "catalog/deparse.h"
#include "commands/alter_internal.h"

typedef struct TypeChange {
    AlterTable *at;
    int attnum;
    const Attribute *old;
    Oid type, collation;
    int32_t typmod;
    int ndims;
    Node *transform; /* over the old row */
} TypeChange;

/* ---- what stands in the way ---- */
static STATUS used_by_view(TypeChange *tc, Error *err)
{
    CatScan *scan = NULL;
    const void *form;
    AlterTable *at = tc->at;
    Datum keys[3] = {datum_oid(REL_pg_class), datum_oid(at->relation), datum_i32(tc->attnum)};
    Status st = cat_scan_open(at->env, REL_pg_depend, IDX_depend_reference, 3, keys, at->arena, &scan, err);
    while (!failed(st)) {
        st = cat_scan_next(scan, &form, err);
        if (failed(st) || !form) break;
        const Form_pg_depend *d = form;
        ObjectAddress who = address(d->classid, d->objid, d->objsubid);
        if (d->classid == REL_pg_rewrite) {
            error_set(err, ERR_FEATURE_NOT_SUPPORTED, "cannot alter type of a column used by a view or rule");
        } else if (d->classid == REL_pg_attrdef) {
            const void *def;
            st = cat_get_by_oid(at->env, REL_pg_attrdef, IDX_attrdef_oid, d->objid, at->arena, &def, err);
            if (failed(st) || !def || ((const Form_pg_attrdef *)def)->adnum == tc->attnum) continue;
            error_set(err, ERR_SYNTAX_ERROR, "cannot alter type of a column used by a generated column");
            st = error_detail(err, "Column \"%s\" is used by generated column \"%s\".", tc->old->name,
                              at->rel->desc->atts[((const Form_pg_attrdef *)def)->adnum - 1].name);
            break;
        } else {
            continue;
        }
        st = error_detail(err, "%s depends on column \"%s\"", object_description(at->env, who, at->arena), tc->old->name);
        break;
    }
    cat_scan_close(scan);
    return st;
}

/* Columns elsewhere hold whole rows of this shape. */
static STATUS row_type_in_use(AlterTable *at, Error *err)
{
    CatScan *scan = NULL;
    const void *form;
    Datum keys[2] = {datum_oid(REL_pg_type), datum_oid(at->rel->row_type)};
    Status st = cat_scan_open(at->env, REL_pg_depend, IDX_depend_reference, 2, keys, at->arena, &scan, err);
    while (!failed(st)) {
        st = cat_scan_next(scan, &form, err);
        if (failed(st) || !form) break;
        const Form_pg_depend *d = form;
        const Relation *user;
        if (d->classid != REL_pg_class || d->objsubid <= 0) continue;
        TRY_GOTO(st, relation_try_open(at->env, d->objid, LOCK_NONE, &user, err), done);
        if (!user || (user->relkind != RELKIND_TABLE && user->relkind != RELKIND_MATVIEW)) continue;
        const char *column = user->desc->atts[d->objsubid - 1].name;
        if (at->rel->relkind == RELKIND_COMPOSITE)
            st = error_set(err, ERR_FEATURE_NOT_SUPPORTED, "cannot alter type \"%s\" because column \"%s.%s\" uses it", at->rel->name, user->name, column);
        else
            st = error_set(err, ERR_FEATURE_NOT_SUPPORTED, "cannot alter table \"%s\" because column \"%s.%s\" uses its row type", at->rel->name,
                           user->name, column);
    }
done:
    cat_scan_close(scan);
    return st;
}

/* ---- the new value ---- */
static STATUS cannot_cast(TypeChange *tc, bool using, Error *err)
{
    const char *type = format_type_text(tc->at->env, tc->type, -1, tc->at->arena);
    if (using) {
        error_set(err, ERR_DATATYPE_MISMATCH, "result of USING clause for column \"%s\" cannot be cast automatically to type %s", tc->old->name, type);
        return error_hint(err, "You might need to add an explicit cast.");
    }
    error_set(err, ERR_DATATYPE_MISMATCH, "column \"%s\" cannot be cast automatically to type %s", tc->old->name, type);
    return error_hint(err, "You might need to specify \"USING %s::%s\".", quote_identifier(tc->at->arena, tc->old->name),
                      format_type_text(tc->at->env, tc->type, tc->typmod, tc->at->arena));
}

static STATUS make_transform(TypeChange *tc, const RawExpr *using, Error *err)
{
    AlterTable *at = tc->at;
    Node *expr;
    if (using) {
        ExprScope scope = {.rel = at->rel, .sql = at->call->sql};
        TRY(analyze_expression(at->env, using, EXPR_KIND_ALTER_COL_TRANSFORM, &scope, at->arena, &expr, err));
    } else {
        expr = (Node *)make_var(at->arena, 1, tc->attnum, tc->old->type, tc->old->typmod, tc->old->collation, 0);
        TRY_MEM(expr, err);
    }
    TRY(coerce_to_target(at->env, expr, tc->type, tc->typmod, COERCION_ASSIGNMENT, COERCE_IMPLICIT_CAST, at->arena, &tc->transform, err));
    return tc->transform ? ST_OK : cannot_cast(tc, using != NULL, err);
}

/* Are the stored bytes, as row and as key, the same in both types? */
static bool same_bytes(const TypeChange *tc)
{
    const Node *e = tc->transform;
    const TypeInfo *a = catalog_type(tc->at->env, tc->old->type), *b = catalog_type(tc->at->env, tc->type);
    if (!tc->at->rel->def.columns || tc->at->rel->def.columns[tc->attnum - 1].has_missing) return false;
    if (IsA(e, RelabelType)) e = (const Node *)((const RelabelType *)e)->arg;
    return IsA(e, Var) && ((const Var *)e)->varattno == tc->attnum && a && b && a->typlen == b->typlen && a->byval == b->byval && a->key == b->key;
}

/* ---- defaults ---- */
static Node *strip_implicit(Node *e)
{
    for (;;) {
        if (IsA(e, RelabelType) && ((RelabelType *)e)->relabelformat == COERCE_IMPLICIT_CAST) e = (Node *)((RelabelType *)e)->arg;
        else if (IsA(e, CoerceViaIO) && ((CoerceViaIO *)e)->coerceformat == COERCE_IMPLICIT_CAST) e = (Node *)((CoerceViaIO *)e)->arg;
        else if (IsA(e, FuncExpr) && ((FuncExpr *)e)->funcformat == COERCE_IMPLICIT_CAST) e = list_first(((FuncExpr *)e)->args);
        else return e;
    }
}

static STATUS change_default(TypeChange *tc, Error *err)
{
    AlterTable *at = tc->at;
    const ColumnInfo *info = &at->rel->columns[tc->attnum - 1];
    Node *expr;
    if (!info->default_expr) return ST_OK;
    TRY(coerce_to_target(at->env, strip_implicit(info->default_expr), tc->type, tc->typmod, COERCION_ASSIGNMENT, COERCE_IMPLICIT_CAST, at->arena, &expr, err));
    if (!expr)
        return error_set(err, ERR_DATATYPE_MISMATCH, "%s for column \"%s\" cannot be cast automatically to type %s",
                         info->generated ? "generation expression" : "default", tc->old->name, format_type_text(at->env, tc->type, -1, at->arena));
    TRY(ddl_remove_default(at->env, at->relation, tc->attnum, err));
    return ddl_store_default(at->env, at->relation, tc->attnum, expr, info->generated, at->arena, err);
}

/* ---- the column's row ---- */
static STATUS change_attribute(TypeChange *tc, Error *err)
{
    AlterTable *at = tc->at;
    Form_pg_attribute att;
    const Form_pg_type *type;
    ObjectAddress me = address(REL_pg_class, at->relation, tc->attnum);
    Datum keys[2] = {datum_oid(at->relation), datum_i16((int16_t)tc->attnum)};
    TRY(ddl_attribute(at->env, at->relation, tc->attnum, at->arena, &att, err));
    TRY(ddl_type_form(at->env, tc->type, at->arena, &type, err));
    att.atttypid = tc->type;
    att.atttypmod = tc->typmod;
    att.attlen = type->typlen;
    att.attbyval = type->typbyval;
    att.attalign = type->typalign;
    att.attstorage = type->typstorage;
    att.attcollation = tc->collation;
    att.attndims = tc->ndims;
    att.atthasmissing = att.atthasmissing && same_bytes(tc);
    if (!att.atthasmissing) att.attmissingval = 0;
    TRY(cat_update(at->env, REL_pg_attribute, &att, err));
    TRY(cat_delete(at->env, REL_pg_statistic, IDX_statistic_relid_att_inh, 2, keys, NULL, err));
    TRY(depend_change(at->env, me, REL_pg_type, tc->old->type, tc->type, err));
    return ST_OK;
}

/* ---- indexes and checks ---- */
static STATUS again(AlterTable *at, const Relation *now, const char *text, ExprKind kind, Node **out, Error *err)
{
    ExprScope scope = {.rel = now, .sql = text};
    return analyze_expression_text(at->env, text, kind, &scope, at->arena, out, err);
}

static STATUS plain_index_column(TypeChange *tc, const IndexInfo *ix, int at_column, Form_pg_index *f, Oid *classes, Oid *collations, Error *err)
{
    AlterTable *at = tc->at;
    Form_pg_attribute att;
    IndexColumn col;
    const Relation *now;
    TRY(relation_open(at->env, at->relation, LOCK_NONE, &now, err));
    TRY(ddl_index_column(at->env, now, tc->attnum, at_column < ix->nkeyatts ? ix->am : 0, &col, err));
    TRY(ddl_attribute(at->env, ix->oid, at_column + 1, at->arena, &att, err));
    Form_pg_attribute table_att;
    TRY(ddl_attribute(at->env, at->relation, tc->attnum, at->arena, &table_att, err));
    att.atttypid = table_att.atttypid;
    att.atttypmod = table_att.atttypmod;
    att.attlen = table_att.attlen;
    att.attbyval = table_att.attbyval;
    att.attalign = table_att.attalign;
    att.attstorage = table_att.attstorage;
    att.attcollation = tc->collation;
    TRY(cat_update(at->env, REL_pg_attribute, &att, err));
    if (at_column < f->indclass.n) {
        classes[at_column] = col.opclass;
        collations[at_column] = tc->collation;
    }
    return ST_OK;
}

static STATUS change_index(TypeChange *tc, const IndexInfo *ix, Error *err)
{
    AlterTable *at = tc->at;
    const void *form;
    const Relation *now;
    Oid classes[MAX_INDEX_COLUMNS], collations[MAX_INDEX_COLUMNS];
    List *exprs = NULL;
    Node *expr;
    const char *text;
    int n = 0;
    TRY(cat_get_by_oid(at->env, REL_pg_index, IDX_index_indexrelid, ix->oid, at->arena, &form, err));
    if (!form) return ST_OK;
    Form_pg_index f = *(const Form_pg_index *)form;
    memcpy(classes, f.indclass.v, (size_t)f.indclass.n * sizeof(Oid));
    memcpy(collations, f.indcollation.v, (size_t)f.indcollation.n * sizeof(Oid));
    for (int i = 0; i < ix->def.ncolumns; i++)
        if (ix->attnums[i] == tc->attnum) TRY(plain_index_column(tc, ix, i, &f, classes, collations, err));
    TRY(relation_open(at->env, at->relation, LOCK_NONE, &now, err));
    for (int i = 0; i < ix->def.ncolumns; i++) {
        if (ix->attnums[i]) continue;
        TRY(deparse_expr(at->env, ix->exprs[n++], at->relation, false, at->arena, &text, err));
        TRY(again(at, now, text, EXPR_KIND_INDEX_EXPRESSION, &expr, err));
        TRY_APPEND(exprs, at->arena, expr, err);
    }
    if (exprs) TRY(ddl_node_text(exprs, at->arena, &f.indexprs, err));
    if (ix->predicate) {
        TRY(deparse_expr(at->env, ix->predicate, at->relation, false, at->arena, &text, err));
        TRY(again(at, now, text, EXPR_KIND_INDEX_PREDICATE, &expr, err));
        TRY(ddl_node_text(expr, at->arena, &f.indpred, err));
    }
    f.indclass.v = classes;
    f.indcollation.v = collations;
    return cat_update(at->env, REL_pg_index, &f, err);
}

static bool constraint_names(const ConstraintInfo *c, int attnum)
{
    for (int i = 0; i < c->nkeys; i++)
        if (c->keys[i] == attnum) return true;
    return false;
}

/* The texts are taken before anything changes; the old descriptor prints them with the old types. */
static STATUS change_checks(TypeChange *tc, const char *const *texts, Error *err)
{
    AlterTable *at = tc->at;
    const Relation *now;
    TRY(relation_open(at->env, at->relation, LOCK_NONE, &now, err));
    for (int i = 0; i < at->rel->nconstraints; i++) {
        const ConstraintInfo *c = &at->rel->constraints[i];
        const void *form;
        Node *expr;
        if (!texts[i]) continue;
        TRY(again(at, now, texts[i], EXPR_KIND_CHECK_CONSTRAINT, &expr, err));
        TRY(coerce_to_boolean(at->env, expr, "CHECK", at->arena, &expr, err));
        TRY(cat_get_by_oid(at->env, REL_pg_constraint, IDX_constraint_oid, c->oid, at->arena, &form, err));
        if (!form) continue;
        Form_pg_constraint f = *(const Form_pg_constraint *)form;
        TRY(ddl_node_text(expr, at->arena, &f.conbin, err));
        TRY(cat_update(at->env, REL_pg_constraint, &f, err));
    }
    return ST_OK;
}

static STATUS check_texts(TypeChange *tc, const char ***out, Error *err)
{
    AlterTable *at = tc->at;
    TRY_NEW_N(*out, at->arena, at->rel->nconstraints + 1, err);
    for (int i = 0; i < at->rel->nconstraints; i++) {
        const ConstraintInfo *c = &at->rel->constraints[i];
        if (c->contype == 'c' && c->expr && constraint_names(c, tc->attnum))
            TRY(deparse_expr(at->env, c->expr, at->relation, false, at->arena, &(*out)[i], err));
    }
    return ST_OK;
}

static STATUS copy_rows(TypeChange *tc, Error *err)
{
    AlterTable *at = tc->at;
    Node **exprs;
    TRY_NEW_N(exprs, at->arena, at->rel->desc->natts + 1, err);
    exprs[tc->attnum - 1] = tc->transform;
    return ddl_rewrite(at->env, at->rel, exprs, at->arena, err);
}

static STATUS resolve(TypeChange *tc, const ColumnDefinition *def, Error *err)
{
    AlterTable *at = tc->at;
    NewColumn col;
    ColumnDefinition plain = *def;
    TableParts parts = {0};
    plain.colname = (char *)tc->old->name;
    plain.constraints = NULL;
    TRY(ddl_column_definition(at->env, &plain, at->rel->name, at->call->sql, at->arena, &col, &parts, err));
    if (col.serial_type) return error_set(err, ERR_UNDEFINED_OBJECT, "type \"serial\" does not exist");
    TRY(ddl_check_column(at->env, &col, err));
    tc->type = col.type;
    tc->typmod = col.typmod;
    tc->collation = col.collation;
    tc->ndims = col.ndims;
    return ST_OK;
}

STATUS alter_column_type(AlterTable *at, const AlterTableCmd *cmd, Error *err)
{
    const ColumnDefinition *def = (const ColumnDefinition *)cmd->def;
    const RawExpr *using = NULL;
    const char **texts;
    TypeChange tc = {.at = at};
    TRY(ddl_column(at->rel, cmd->name, &tc.attnum, err));
    tc.old = &at->rel->desc->atts[tc.attnum - 1];
    LIST_EACH(ConstraintDefinition *, c, def->constraints)
        if (c->contype == CONSTR_DEFAULT) using = c->raw_expr;
    TRY(resolve(&tc, def, err));
    TRY(make_transform(&tc, using, err));
    TRY(used_by_view(&tc, err));
    TRY(row_type_in_use(at, err));
    TRY(check_texts(&tc, &texts, err));
    bool rewrite = !same_bytes(&tc) && at->rel->relkind == RELKIND_TABLE;
    TRY(change_attribute(&tc, err));
    TRY(change_default(&tc, err));
    if (at->rel->relkind != RELKIND_TABLE) return ST_OK;
    for (int i = 0; i < at->rel->nindexes; i++) TRY(change_index(&tc, &at->rel->indexes[i], err));
    TRY(change_checks(&tc, texts, err));
    return rewrite ? copy_rows(&tc, err) : ST_OK;
}
