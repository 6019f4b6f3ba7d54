/* ALTER TABLE's subcommands on columns: adding, dropping, defaults, NOT NULL, identity. Changing the type is alter_type.c. */
#include <stdlib.h>
#include <strings.h>

#include "commands/alter_internal.h"
#include "types/array.h"

/* ---- ADD COLUMN ---- */
static STATUS add_attribute(AlterTable *at, const NewColumn *col, int attnum, Error *err)
{
    Form_pg_class cls;
    NewColumn plain = *col;
    plain.not_null = false; /* set once the rows have values */
    plain.generated = 0;
    TRY(ddl_insert_attribute(at->env, at->relation, at->rel->relkind, attnum, &plain, at->arena, err));
    TRY(ddl_class(at->env, at->relation, at->arena, &cls, err));
    cls.relnatts = (int16_t)attnum;
    return cat_update(at->env, REL_pg_class, &cls, err);
}

/* Rows that are there already take the value from the catalog. */
static STATUS store_missing(AlterTable *at, int attnum, Oid type, Node *expr, Error *err)
{
    Datum value;
    bool isnull;
    const TypeInfo *info;
    Form_pg_attribute att;
    TRY(ddl_eval(at->env, expr, at->arena, &value, &isnull, err));
    if (isnull) return ST_OK;
    TRY(type_require(at->env, type, &info, err));
    TRY(ddl_attribute(at->env, at->relation, attnum, at->arena, &att, err));
    TRY(array_make_1d(at->arena, info, 1, &value, NULL, &att.attmissingval, err));
    att.atthasmissing = true;
    return cat_update(at->env, REL_pg_attribute, &att, err);
}

static STATUS rewrite_with(AlterTable *at, int attnum, Node *expr, Error *err)
{
    Node **exprs;
    TRY_NEW_N(exprs, at->arena, attnum + 1, err);
    exprs[attnum - 1] = expr;
    return ddl_rewrite(at->env, at->rel, exprs, at->arena, err);
}

static bool has_domain_constraints(SessionEnv *env, Oid type)
{
    const TypeInfo *t = catalog_type(env, type);
    return t && t->typtype == 'd';
}

static STATUS new_column_values(AlterTable *at, NewColumn *col, int attnum, Oid sequence, Error *err)
{
    Node *expr = NULL;
    const Relation *now;
    if (col->raw_default || col->cooked_default) {
        TRY(relation_open(at->env, at->relation, LOCK_NONE, &now, err));
        TRY(ddl_cook_default(at->env, now, col, NULL, at->arena, &expr, err));
        bool null_default = !col->generated && IsA(expr, Const) && ((Const *)expr)->constisnull;
        if (!null_default) TRY(ddl_store_default(at->env, at->relation, attnum, expr, col->generated, at->arena, err));
        if (col->generated) return rewrite_with(at, attnum, NULL, err);
    } else if (col->identity) {
        TRY(ddl_nextval_expr(at->env, sequence, at->arena, &expr, err));
        TRY(coerce_for_column(at->env, expr, col->name, col->type, col->typmod, at->arena, &expr, err));
    } else if (has_domain_constraints(at->env, col->type)) { /* may refuse null */
        const TypeInfo *base = type_builtin(TYPE_text);
        Const *null = make_const(at->arena, base, -1, 0, true);
        TRY_MEM(null, err);
        null->consttype = TYPE_unknown;
        TRY(coerce_to_target(at->env, (Node *)null, col->type, col->typmod, COERCION_ASSIGNMENT, COERCE_IMPLICIT_CAST, at->arena, &expr, err));
        if (expr) return rewrite_with(at, attnum, expr, err);
    }
    if (!expr || at->rel->relkind == RELKIND_COMPOSITE) return ST_OK;
    if (expr_contains_volatile(at->env, expr)) return rewrite_with(at, attnum, expr, err);
    return store_missing(at, attnum, col->type, expr, err);
}

static STATUS column_constraints(AlterTable *at, const TableParts *parts, Error *err)
{
    LIST_EACH(ConstraintDefinition *, c, parts->checks) TRY(ddl_add_check(at->env, at->relation, c, NULL, true, at->arena, err));
    LIST_EACH(ConstraintDefinition *, c, parts->keys) TRY(ddl_add_key(at->env, at->relation, c, at->call->sql, false, at->arena, err));
    LIST_EACH(ConstraintDefinition *, c, parts->foreign) TRY(ddl_add_foreign_key(at->env, at->relation, c, true, at->arena, err));
    return ST_OK;
}

STATUS alter_add_column(AlterTable *at, const AlterTableCmd *cmd, Error *err)
{
    const ColumnDefinition *def = (const ColumnDefinition *)cmd->def;
    NewColumn col;
    TableParts parts = {0};
    Oid sequence = 0;
    int attnum = at->rel->desc->natts + 1, old = relation_find_column(at->rel, def->colname);
    if (old > 0 && (cmd->missing_ok || cmd->subtype == AT_ADD_COLUMN_IF_NOT_EXISTS)) {
        session_notice(at->env, SEV_NOTICE, ERR_DUPLICATE_COLUMN, NULL, NULL, "column \"%s\" of relation \"%s\" already exists, skipping", def->colname,
                       at->rel->name);
        return ST_OK;
    }
    if (old > 0) return error_set(err, ERR_DUPLICATE_COLUMN, "column \"%s\" of relation \"%s\" already exists", def->colname, at->rel->name);
    if (attnum > MAX_COLUMNS) return error_set(err, ERR_TOO_MANY_COLUMNS, "tables can have at most %d columns", MAX_COLUMNS);
    TRY(ddl_column_definition(at->env, def, at->rel->name, at->call->sql, at->arena, &col, &parts, err));
    TRY(ddl_check_column(at->env, &col, err));
    if (col.serial_type || col.identity)
        TRY(ddl_column_sequence(at->env, at->rel->namespace_oid, at->rel->persistence, at->rel->owner, at->rel->name, &col, at->arena, &sequence, err));
    TRY(add_attribute(at, &col, attnum, err));
    if (sequence) TRY(ddl_own_sequence(at->env, sequence, at->relation, attnum, col.identity ? DEPEND_INTERNAL : DEPEND_AUTO, err));
    TRY(new_column_values(at, &col, attnum, sequence, err));
    if (at->rel->relkind == RELKIND_COMPOSITE) return ST_OK;
    if (col.not_null) TRY(ddl_set_not_null(at->env, at->relation, attnum, true, at->arena, err));
    return column_constraints(at, &parts, err);
}

/* ---- DROP COLUMN ---- */
STATUS alter_drop_column(AlterTable *at, const AlterTableCmd *cmd, Error *err)
{
    int attnum = relation_find_column(at->rel, cmd->name);
    if (attnum == 0 && cmd->missing_ok) {
        session_notice(at->env, SEV_NOTICE, 0, NULL, NULL, "column \"%s\" of relation \"%s\" does not exist, skipping", cmd->name, at->rel->name);
        return ST_OK;
    }
    if (attnum == 0) return error_set(err, ERR_UNDEFINED_COLUMN, "column \"%s\" of relation \"%s\" does not exist", cmd->name, at->rel->name);
    if (attnum < 0) return error_set(err, ERR_FEATURE_NOT_SUPPORTED, "cannot drop system column \"%s\"", cmd->name);
    TRY(ddl_drop_one(at->env, address(REL_pg_class, at->relation, attnum), cmd->behavior, err));
    return alter_keep_order(at, err);
}

/* ---- defaults ---- */
static STATUS not_identity(const AlterTable *at, int attnum, const char *hint, Error *err)
{
    const ColumnInfo *info = &at->rel->columns[attnum - 1];
    const char *name = at->rel->desc->atts[attnum - 1].name;
    if (info->identity) {
        error_set(err, ERR_SYNTAX_ERROR, "column \"%s\" of relation \"%s\" is an identity column", name, at->rel->name);
        return hint ? error_hint(err, "%s", hint) : ST_FAILED;
    }
    return ST_OK;
}

STATUS alter_column_default(AlterTable *at, const AlterTableCmd *cmd, Error *err)
{
    int attnum;
    Node *expr;
    TRY(ddl_column(at->rel, cmd->name, &attnum, err));
    TRY(not_identity(at, attnum, cmd->def ? NULL : "Use ALTER TABLE ... ALTER COLUMN ... DROP IDENTITY instead.", err));
    if (at->rel->columns[attnum - 1].generated) {
        error_set(err, ERR_SYNTAX_ERROR, "column \"%s\" of relation \"%s\" is a generated column", cmd->name, at->rel->name);
        return cmd->def ? ST_FAILED : error_hint(err, "Use ALTER TABLE ... ALTER COLUMN ... DROP EXPRESSION instead.");
    }
    TRY(ddl_remove_default(at->env, at->relation, attnum, err));
    if (!cmd->def) return ST_OK;
    const Attribute *a = &at->rel->desc->atts[attnum - 1];
    NewColumn col = {.name = a->name, .type = a->type, .typmod = a->typmod, .collation = a->collation, .raw_default = (const RawExpr *)cmd->def};
    TRY(ddl_cook_default(at->env, at->rel, &col, NULL, at->arena, &expr, err));
    if (IsA(expr, Const) && ((Const *)expr)->constisnull) return ST_OK;
    return ddl_store_default(at->env, at->relation, attnum, expr, 0, at->arena, err);
}

STATUS alter_drop_expression(AlterTable *at, const AlterTableCmd *cmd, Error *err)
{
    int attnum;
    TRY(ddl_column(at->rel, cmd->name, &attnum, err));
    if (!at->rel->columns[attnum - 1].generated) {
        if (!cmd->missing_ok)
            return error_set(err, ERR_OBJECT_NOT_IN_PREREQUISITE_STATE, "column \"%s\" of relation \"%s\" is not a stored generated column", cmd->name,
                             at->rel->name);
        session_notice(at->env, SEV_NOTICE, 0, NULL, NULL, "column \"%s\" of relation \"%s\" is not a stored generated column, skipping", cmd->name,
                       at->rel->name);
        return ST_OK;
    }
    return ddl_remove_default(at->env, at->relation, attnum, err);
}

/* ---- NOT NULL ---- */
STATUS alter_not_null(AlterTable *at, const AlterTableCmd *cmd, Error *err)
{
    int attnum = relation_find_column(at->rel, cmd->name);
    if (attnum == 0) return error_set(err, ERR_UNDEFINED_COLUMN, "column \"%s\" of relation \"%s\" does not exist", cmd->name, at->rel->name);
    if (attnum < 0) return error_set(err, ERR_FEATURE_NOT_SUPPORTED, "cannot alter system column \"%s\"", cmd->name);
    if (cmd->subtype == AT_SET_NOT_NULL) return ddl_set_not_null(at->env, at->relation, attnum, true, at->arena, err);
    TRY(not_identity(at, attnum, NULL, err));
    const IndexInfo *pk = relation_primary_key(at->rel);
    for (int i = 0; pk && i < pk->nkeyatts; i++)
        if (pk->attnums[i] == attnum) return error_set(err, ERR_INVALID_TABLE_DEFINITION, "column \"%s\" is in a primary key", cmd->name);
    return ddl_set_not_null(at->env, at->relation, attnum, false, at->arena, err);
}

/* ---- identity ---- */
static STATUS set_identity(AlterTable *at, int attnum, char identity, Error *err)
{
    Form_pg_attribute att;
    TRY(ddl_attribute(at->env, at->relation, attnum, at->arena, &att, err));
    att.attidentity = identity;
    return cat_update(at->env, REL_pg_attribute, &att, err);
}

static STATUS add_identity(AlterTable *at, const AlterTableCmd *cmd, int attnum, Error *err)
{
    const ConstraintDefinition *def = (const ConstraintDefinition *)cmd->def;
    const Attribute *a = &at->rel->desc->atts[attnum - 1];
    if (IsA(cmd->def, ColumnDefinition)) def = list_first(((const ColumnDefinition *)cmd->def)->constraints);
    NewColumn col = {.name = a->name, .type = a->type, .typmod = -1, .identity = def->generated_when, .identity_options = def->options};
    Oid sequence;
    if (!a->not_null)
        return error_set(err, ERR_OBJECT_NOT_IN_PREREQUISITE_STATE, "column \"%s\" of relation \"%s\" must be declared NOT NULL before identity can be added",
                         a->name, at->rel->name);
    if (at->rel->columns[attnum - 1].identity)
        return error_set(err, ERR_OBJECT_NOT_IN_PREREQUISITE_STATE, "column \"%s\" of relation \"%s\" is already an identity column", a->name, at->rel->name);
    if (at->rel->columns[attnum - 1].has_default)
        return error_set(err, ERR_OBJECT_NOT_IN_PREREQUISITE_STATE, "column \"%s\" of relation \"%s\" already has a default value", a->name, at->rel->name);
    if (a->type != TYPE_int2 && a->type != TYPE_int4 && a->type != TYPE_int8)
        return error_set(err, ERR_INVALID_PARAMETER_VALUE, "identity column type must be smallint, integer, or bigint");
    TRY(ddl_column_sequence(at->env, at->rel->namespace_oid, at->rel->persistence, at->rel->owner, at->rel->name, &col, at->arena, &sequence, err));
    TRY(ddl_own_sequence(at->env, sequence, at->relation, attnum, DEPEND_INTERNAL, err));
    return set_identity(at, attnum, def->generated_when, err);
}

static STATUS change_identity(AlterTable *at, const AlterTableCmd *cmd, int attnum, Error *err)
{
    List *options = NULL;
    char identity = at->rel->columns[attnum - 1].identity;
    LIST_EACH(DefElem *, item, (const List *)cmd->def) {
        const char *v = def_string(item);
        if (strcmp(item->defname, "generated")) TRY_APPEND(options, at->arena, item, err);
        else if (v) identity = v[0] == 'a' || v[0] == 'd' ? v[0] : (char)atoi(v);
    }
    TRY(set_identity(at, attnum, identity, err));
    const Relation *seq;
    Oid sequence = at->rel->columns[attnum - 1].owned_sequence;
    if (!options || !sequence) return ST_OK;
    TRY(relation_open(at->env, sequence, LOCK_SHARE_ROW_EXCLUSIVE, &seq, err));
    return ddl_alter_sequence(at->env, seq, options, at->arena, err);
}

static STATUS drop_identity(AlterTable *at, int attnum, Error *err)
{
    Oid sequence = at->rel->columns[attnum - 1].owned_sequence;
    TRY(set_identity(at, attnum, 0, err));
    if (!sequence) return ST_OK;
    TRY(depend_remove(at->env, address(REL_pg_class, sequence, 0), err)); /* it is nobody's part any more */
    return ddl_drop_one(at->env, address(REL_pg_class, sequence, 0), DROP_RESTRICT, err);
}

STATUS alter_identity(AlterTable *at, const AlterTableCmd *cmd, Error *err)
{
    int attnum;
    TRY(ddl_column(at->rel, cmd->name, &attnum, err));
    if (cmd->subtype == AT_ADD_IDENTITY) return add_identity(at, cmd, attnum, err);
    if (!at->rel->columns[attnum - 1].identity) {
        if (cmd->subtype == AT_SET_IDENTITY || !cmd->missing_ok)
            return error_set(err, ERR_OBJECT_NOT_IN_PREREQUISITE_STATE, "column \"%s\" of relation \"%s\" is not an identity column", cmd->name, at->rel->name);
        session_notice(at->env, SEV_NOTICE, 0, NULL, NULL, "column \"%s\" of relation \"%s\" is not an identity column, skipping", cmd->name, at->rel->name);
        return ST_OK;
    }
    return cmd->subtype == AT_SET_IDENTITY ? change_identity(at, cmd, attnum, err) : drop_identity(at, attnum, err);
}

/* ---- statistics target, storage, options ---- */
static STATUS set_storage(AlterTable *at, const char *mode, Form_pg_attribute *att, Error *err)
{
    static const struct { const char *name; char code; } modes[] = {{"plain", 'p'}, {"external", 'e'}, {"extended", 'x'}, {"main", 'm'}};
    for (size_t i = 0; i < 4; i++) {
        if (strcasecmp(mode, modes[i].name)) continue;
        if (modes[i].code != 'p' && att->attlen >= 0)
            return error_set(err, ERR_FEATURE_NOT_SUPPORTED, "column data type %s can only have storage PLAIN",
                             format_type_text(at->env, att->atttypid, -1, at->arena));
        att->attstorage = modes[i].code;
        return ST_OK;
    }
    return error_set(err, ERR_INVALID_PARAMETER_VALUE, "invalid storage type \"%s\"", mode);
}

STATUS alter_column_setting(AlterTable *at, const AlterTableCmd *cmd, Error *err)
{
    int attnum = cmd->num;
    Form_pg_attribute att;
    if (cmd->name) TRY(ddl_column(at->rel, cmd->name, &attnum, err));
    TRY(ddl_attribute(at->env, at->relation, attnum, at->arena, &att, err));
    const char *value = IsA(cmd->def, String) ? ((const String *)cmd->def)->sval : NULL;
    switch (cmd->subtype) {
    case AT_SET_STATISTICS: {
        int n = value ? atoi(value) : -1;
        if (n < -1) return error_set(err, ERR_INVALID_PARAMETER_VALUE, "statistics target %d is too low", n);
        if (n > 10000) {
            session_notice(at->env, SEV_WARNING, ERR_INVALID_PARAMETER_VALUE, NULL, NULL, "lowering statistics target to %d", 10000);
            n = 10000;
        }
        att.attstattarget = n;
        break;
    }
    case AT_SET_STORAGE: TRY(set_storage(at, value ? value : "", &att, err)); break;
    case AT_SET_COMPRESSION: att.attcompression = value && !strcmp(value, "lz4") ? 'l' : value && !strcmp(value, "pglz") ? 'p' : 0; break;
    default: return error_set(err, ERR_FEATURE_NOT_SUPPORTED, "column options are not supported");
    }
    return cat_update(at->env, REL_pg_attribute, &att, err);
}
