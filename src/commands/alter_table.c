/* ALTER TABLE (and VIEW, INDEX, SEQUENCE ... where the grammar makes an AlterTableStmt of them). Subcommands run in passes, as PostgreSQL orders them. */
#include "commands/alter_internal.h"

STATUS alter_keep_order(AlterTable *at, Error *err)
{
    const Relation *now;
    TRY(relation_try_open(at->env, at->relation, LOCK_NONE, &now, err));
    if (!now || at->rel->def.nkey == 0 || now->def.nkey != 0) return ST_OK;
    return ddl_rewrite(at->env, at->rel, NULL, at->arena, err);
}

/* ---- constraints ---- */
static STATUS add_constraint(AlterTable *at, const AlterTableCmd *cmd, Error *err)
{
    const ConstraintDefinition *c = (const ConstraintDefinition *)cmd->def;
    switch (c->contype) {
    case CONSTR_CHECK: return ddl_add_check(at->env, at->relation, c, NULL, true, at->arena, err);
    case CONSTR_PRIMARY:
    case CONSTR_UNIQUE:
        if (c->indexname) return ddl_add_key_using_index(at->env, at->relation, c, at->arena, err);
        return ddl_add_key(at->env, at->relation, c, at->call->sql, false, at->arena, err);
    case CONSTR_FOREIGN: return ddl_add_foreign_key(at->env, at->relation, c, true, at->arena, err);
    default: return error_set(err, ERR_FEATURE_NOT_SUPPORTED, "exclusion constraints are not supported");
    }
}

static STATUS add_index_constraint(AlterTable *at, const AlterTableCmd *cmd, Error *err)
{
    return add_constraint(at, cmd, err);
}

static STATUS named_constraint(AlterTable *at, const char *name, const Form_pg_constraint **out, Error *err)
{
    TRY(ddl_constraint_by_name(at->env, at->relation, name, at->arena, out, err));
    if (*out) return ST_OK;
    return error_set(err, ERR_UNDEFINED_OBJECT, "constraint \"%s\" of relation \"%s\" does not exist", name, at->rel->name);
}

static STATUS drop_constraint(AlterTable *at, const AlterTableCmd *cmd, Error *err)
{
    const Form_pg_constraint *c;
    TRY(ddl_constraint_by_name(at->env, at->relation, cmd->name, at->arena, &c, err));
    if (!c && cmd->missing_ok) {
        session_notice(at->env, SEV_NOTICE, 0, NULL, NULL, "constraint \"%s\" of relation \"%s\" does not exist, skipping", cmd->name, at->rel->name);
        return ST_OK;
    }
    if (!c) return error_set(err, ERR_UNDEFINED_OBJECT, "constraint \"%s\" of relation \"%s\" does not exist", cmd->name, at->rel->name);
    TRY(ddl_drop_one(at->env, address(REL_pg_constraint, c->oid, 0), cmd->behavior, err));
    return alter_keep_order(at, err);
}

static STATUS validate_constraint(AlterTable *at, const AlterTableCmd *cmd, Error *err)
{
    const Form_pg_constraint *c;
    TRY(named_constraint(at, cmd->name, &c, err));
    if (c->contype != 'f' && c->contype != 'c')
        return error_set(err, ERR_WRONG_OBJECT_TYPE, "constraint \"%s\" of relation \"%s\" is not a foreign key or check constraint", cmd->name, at->rel->name);
    if (c->convalidated) return ST_OK;
    const ConstraintInfo *info = ddl_find_constraint(at->rel, c->oid);
    if (info) TRY(constraint_validate(at->env, at->rel, info, err));
    Form_pg_constraint f = *c;
    f.convalidated = true;
    return cat_update(at->env, REL_pg_constraint, &f, err);
}

static STATUS alter_constraint(AlterTable *at, const AlterTableCmd *cmd, Error *err)
{
    const ConstraintDefinition *def = (const ConstraintDefinition *)cmd->def;
    const Form_pg_constraint *c;
    TRY(named_constraint(at, def->conname, &c, err));
    if (c->contype != 'f')
        return error_set(err, ERR_WRONG_OBJECT_TYPE, "constraint \"%s\" of relation \"%s\" is not a foreign key constraint", def->conname, at->rel->name);
    Form_pg_constraint f = *c;
    f.condeferrable = def->deferrable;
    f.condeferred = def->initdeferred;
    return cat_update(at->env, REL_pg_constraint, &f, err);
}

/* ---- the relation as a whole ---- */
static STATUS change_owner(AlterTable *at, const AlterTableCmd *cmd, Error *err)
{
    Oid role;
    TRY(ddl_role(at->env, cmd->newowner, &role, err));
    return ddl_change_owner(at->env, address(REL_pg_class, at->relation, 0), role, at->arena, err);
}

static STATUS rel_options(AlterTable *at, const AlterTableCmd *cmd, Error *err)
{
    Form_pg_class cls;
    TRY(ddl_class(at->env, at->relation, at->arena, &cls, err));
    TRY(ddl_reloptions(cls.reloptions, (const List *)cmd->def, cmd->subtype == AT_RESET_REL_OPTIONS, at->arena, &cls.reloptions, err));
    return cat_update(at->env, REL_pg_class, &cls, err);
}

static STATUS set_persistence(AlterTable *at, Oid relation, char persistence, Error *err)
{
    Form_pg_class cls;
    TRY(ddl_class(at->env, relation, at->arena, &cls, err));
    cls.relpersistence = persistence;
    return cat_update(at->env, REL_pg_class, &cls, err);
}

static STATUS logged(AlterTable *at, const AlterTableCmd *cmd, Error *err)
{
    char to = cmd->subtype == AT_SET_LOGGED ? 'p' : 'u';
    if (at->rel->persistence == 't')
        return error_set(err, ERR_INVALID_TABLE_DEFINITION, "cannot change logged status of table \"%s\" because it is temporary", at->rel->name);
    TRY(set_persistence(at, at->relation, to, err));
    for (int i = 0; i < at->rel->nindexes; i++) TRY(set_persistence(at, at->rel->indexes[i].oid, to, err));
    return ST_OK;
}

static STATUS set_tablespace(AlterTable *at UNUSED, const AlterTableCmd *cmd, Error *err)
{
    if (!strcmp(cmd->name, "pg_default")) return ST_OK;
    return error_set(err, ERR_UNDEFINED_OBJECT, "tablespace \"%s\" does not exist", cmd->name);
}

static STATUS cluster_on(AlterTable *at, const AlterTableCmd *cmd, Error *err)
{
    Oid index = cmd->subtype == AT_CLUSTER_ON ? lookup_relname_in(at->env, cmd->name, at->rel->namespace_oid) : 0;
    if (cmd->subtype == AT_CLUSTER_ON && !relation_index(at->rel, index))
        return error_set(err, ERR_UNDEFINED_OBJECT, "index \"%s\" for table \"%s\" does not exist", cmd->name, at->rel->name);
    for (int i = 0; i < at->rel->nindexes; i++) {
        const void *form;
        TRY(cat_get_by_oid(at->env, REL_pg_index, IDX_index_indexrelid, at->rel->indexes[i].oid, at->arena, &form, err));
        if (!form) continue;
        Form_pg_index f = *(const Form_pg_index *)form;
        bool want = f.indexrelid == index;
        if (f.indisclustered == want) continue;
        f.indisclustered = want;
        TRY(cat_update(at->env, REL_pg_index, &f, err));
    }
    return ST_OK;
}

static STATUS replica_identity(AlterTable *at, const AlterTableCmd *cmd, Error *err)
{
    Form_pg_class cls;
    const char *kind = IsA(cmd->def, String) ? ((const String *)cmd->def)->sval : "d";
    TRY(ddl_class(at->env, at->relation, at->arena, &cls, err));
    cls.relreplident = kind[0];
    return cat_update(at->env, REL_pg_class, &cls, err);
}

static STATUS trigger_state(AlterTable *at, const AlterTableCmd *cmd, Error *err)
{
    static const struct { int subtype; char state; } states[] = {
        {AT_ENABLE_TRIGGER, 'O'}, {AT_ENABLE_ALWAYS_TRIGGER, 'A'}, {AT_ENABLE_REPLICA_TRIGGER, 'R'}, {AT_DISABLE_TRIGGER, 'D'},
        {AT_ENABLE_TRIGGER_ALL, 'O'}, {AT_DISABLE_TRIGGER_ALL, 'D'}, {AT_ENABLE_TRIGGER_USER, 'O'}, {AT_DISABLE_TRIGGER_USER, 'D'}};
    char state = 'O';
    bool found = false;
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++)
        if (states[i].subtype == cmd->subtype) state = states[i].state;
    for (int i = 0; i < at->rel->ntriggers; i++) {
        const void *form;
        if (cmd->name && strcmp(cmd->name, at->rel->triggers[i].name)) continue;
        found = true;
        TRY(cat_get_by_oid(at->env, REL_pg_trigger, IDX_trigger_oid, at->rel->triggers[i].oid, at->arena, &form, err));
        if (!form) continue;
        Form_pg_trigger f = *(const Form_pg_trigger *)form;
        f.tgenabled = state;
        TRY(cat_update(at->env, REL_pg_trigger, &f, err));
    }
    if (cmd->name && !found)
        return error_set(err, ERR_UNDEFINED_OBJECT, "trigger \"%s\" for table \"%s\" does not exist", cmd->name, at->rel->name);
    return ST_OK;
}

static STATUS row_security(AlterTable *at, const AlterTableCmd *cmd, Error *err)
{
    if (cmd->subtype == AT_DISABLE_ROW_SECURITY || cmd->subtype == AT_NO_FORCE_ROW_SECURITY) return ST_OK;
    (void)at;
    return error_unsupported(err, "row-level security");
}

static STATUS inheritance(AlterTable *at UNUSED, const AlterTableCmd *cmd UNUSED, Error *err) { return error_unsupported(err, "table inheritance"); }
static STATUS partitions(AlterTable *at UNUSED, const AlterTableCmd *cmd UNUSED, Error *err) { return error_set(err, ERR_FEATURE_NOT_SUPPORTED, "partitioned tables are not supported"); }

/* Each subcommand: its function, the relations it is for, and what messages call it. */
static const struct { AlterFn run; const char *kinds, *name; } subcommands[] = {
    [AT_ADD_COLUMN] = {alter_add_column, "rc", "ADD COLUMN"},
    [AT_ADD_COLUMN_IF_NOT_EXISTS] = {alter_add_column, "rc", "ADD COLUMN"},
    [AT_COLUMN_DEFAULT] = {alter_column_default, "rv", "ALTER COLUMN ... SET DEFAULT"},
    [AT_DROP_NOT_NULL] = {alter_not_null, "r", "ALTER COLUMN ... DROP NOT NULL"},
    [AT_SET_NOT_NULL] = {alter_not_null, "r", "ALTER COLUMN ... SET NOT NULL"},
    [AT_DROP_EXPRESSION] = {alter_drop_expression, "r", "ALTER COLUMN ... DROP EXPRESSION"},
    [AT_SET_STATISTICS] = {alter_column_setting, "rmi", "ALTER COLUMN ... SET STATISTICS"},
    [AT_SET_OPTIONS] = {alter_column_setting, "rm", "ALTER COLUMN ... SET"},
    [AT_RESET_OPTIONS] = {alter_column_setting, "rm", "ALTER COLUMN ... RESET"},
    [AT_SET_STORAGE] = {alter_column_setting, "rm", "ALTER COLUMN ... SET STORAGE"},
    [AT_SET_COMPRESSION] = {alter_column_setting, "rm", "ALTER COLUMN ... SET COMPRESSION"},
    [AT_DROP_COLUMN] = {alter_drop_column, "rc", "DROP COLUMN"},
    [AT_ADD_CONSTRAINT] = {add_constraint, "r", "ADD CONSTRAINT"},
    [AT_ADD_INDEX_CONSTRAINT] = {add_index_constraint, "r", "ADD CONSTRAINT USING INDEX"},
    [AT_ALTER_CONSTRAINT] = {alter_constraint, "r", "ALTER CONSTRAINT"},
    [AT_VALIDATE_CONSTRAINT] = {validate_constraint, "r", "VALIDATE CONSTRAINT"},
    [AT_DROP_CONSTRAINT] = {drop_constraint, "r", "DROP CONSTRAINT"},
    [AT_ALTER_COLUMN_TYPE] = {alter_column_type, "rc", "ALTER COLUMN ... SET DATA TYPE"},
    [AT_CHANGE_OWNER] = {change_owner, "rvmSci", "OWNER TO"},
    [AT_CLUSTER_ON] = {cluster_on, "rm", "CLUSTER ON"},
    [AT_DROP_CLUSTER] = {cluster_on, "rm", "SET WITHOUT CLUSTER"},
    [AT_SET_LOGGED] = {logged, "r", "SET LOGGED"},
    [AT_SET_UNLOGGED] = {logged, "r", "SET UNLOGGED"},
    [AT_SET_TABLESPACE] = {set_tablespace, "rmi", "SET TABLESPACE"},
    [AT_SET_REL_OPTIONS] = {rel_options, "rmvi", "SET"},
    [AT_RESET_REL_OPTIONS] = {rel_options, "rmvi", "RESET"},
    [AT_ENABLE_TRIGGER] = {trigger_state, "r", "ENABLE TRIGGER"},
    [AT_ENABLE_ALWAYS_TRIGGER] = {trigger_state, "r", "ENABLE ALWAYS TRIGGER"},
    [AT_ENABLE_REPLICA_TRIGGER] = {trigger_state, "r", "ENABLE REPLICA TRIGGER"},
    [AT_DISABLE_TRIGGER] = {trigger_state, "r", "DISABLE TRIGGER"},
    [AT_ENABLE_TRIGGER_ALL] = {trigger_state, "r", "ENABLE TRIGGER ALL"},
    [AT_DISABLE_TRIGGER_ALL] = {trigger_state, "r", "DISABLE TRIGGER ALL"},
    [AT_ENABLE_TRIGGER_USER] = {trigger_state, "r", "ENABLE TRIGGER USER"},
    [AT_DISABLE_TRIGGER_USER] = {trigger_state, "r", "DISABLE TRIGGER USER"},
    [AT_ADD_INHERIT] = {inheritance, "r", "INHERIT"},
    [AT_DROP_INHERIT] = {inheritance, "r", "NO INHERIT"},
    [AT_REPLICA_IDENTITY] = {replica_identity, "rm", "REPLICA IDENTITY"},
    [AT_ENABLE_ROW_SECURITY] = {row_security, "r", "ENABLE ROW SECURITY"},
    [AT_DISABLE_ROW_SECURITY] = {row_security, "r", "DISABLE ROW SECURITY"},
    [AT_FORCE_ROW_SECURITY] = {row_security, "r", "FORCE ROW SECURITY"},
    [AT_NO_FORCE_ROW_SECURITY] = {row_security, "r", "NO FORCE ROW SECURITY"},
    [AT_ADD_IDENTITY] = {alter_identity, "r", "ALTER COLUMN ... ADD IDENTITY"},
    [AT_SET_IDENTITY] = {alter_identity, "r", "ALTER COLUMN ... SET"},
    [AT_DROP_IDENTITY] = {alter_identity, "r", "ALTER COLUMN ... DROP IDENTITY"},
    [AT_ATTACH_PARTITION] = {partitions, "rp", "ATTACH PARTITION"},
    [AT_DETACH_PARTITION] = {partitions, "rp", "DETACH PARTITION"},
    [AT_OTHER] = {NULL, "", ""}};

/* PostgreSQL's order of work: what is dropped first, then types, new columns, attributes, keys, other constraints, the rest. */
enum { PASS_DROP, PASS_TYPE, PASS_ADD_COLUMN, PASS_COLUMN, PASS_KEY, PASS_CONSTRAINT, PASS_OTHER, PASSES };

static int pass_of(const AlterTableCmd *cmd)
{
    switch (cmd->subtype) {
    case AT_DROP_COLUMN: case AT_DROP_CONSTRAINT: case AT_DROP_NOT_NULL: case AT_DROP_IDENTITY: case AT_DROP_EXPRESSION: case AT_DROP_INHERIT: return PASS_DROP;
    case AT_ALTER_COLUMN_TYPE: return PASS_TYPE;
    case AT_ADD_COLUMN: case AT_ADD_COLUMN_IF_NOT_EXISTS: return PASS_ADD_COLUMN;
    case AT_SET_NOT_NULL: case AT_SET_IDENTITY: return PASS_COLUMN;
    case AT_COLUMN_DEFAULT: return cmd->def ? PASS_CONSTRAINT : PASS_DROP;
    case AT_ADD_IDENTITY: return PASS_CONSTRAINT;
    case AT_ADD_INDEX_CONSTRAINT: return PASS_KEY;
    case AT_ADD_CONSTRAINT: {
        int kind = ((const ConstraintDefinition *)cmd->def)->contype;
        return kind == CONSTR_PRIMARY || kind == CONSTR_UNIQUE ? PASS_KEY : PASS_CONSTRAINT;
    }
    default: return PASS_OTHER;
    }
}

static STATUS wrong_kind(const AlterTable *at, const AlterTableCmd *cmd, Error *err)
{
    const char *name = cmd->subtype == AT_COLUMN_DEFAULT && !cmd->def ? "ALTER COLUMN ... DROP DEFAULT" : subcommands[cmd->subtype].name;
    error_set(err, ERR_WRONG_OBJECT_TYPE, "ALTER action %s cannot be performed on relation \"%s\"", name, at->rel->name);
    return error_detail(err, "This operation is not supported for %s.", relkind_words(at->rel->relkind));
}

static LockMode lock_for(const List *cmds)
{
    LockMode mode = LOCK_NONE;
    LIST_EACH(AlterTableCmd *, cmd, cmds) {
        LockMode m = LOCK_ACCESS_EXCLUSIVE;
        switch (cmd->subtype) {
        case AT_SET_STATISTICS: case AT_SET_OPTIONS: case AT_RESET_OPTIONS: case AT_VALIDATE_CONSTRAINT: case AT_SET_REL_OPTIONS:
        case AT_RESET_REL_OPTIONS: case AT_CLUSTER_ON: case AT_DROP_CLUSTER: m = LOCK_SHARE_UPDATE_EXCLUSIVE; break;
        case AT_ADD_CONSTRAINT:
            if (((const ConstraintDefinition *)cmd->def)->contype == CONSTR_FOREIGN) m = LOCK_SHARE_ROW_EXCLUSIVE;
            break;
        default: break;
        }
        if (m > mode) mode = m;
    }
    return mode;
}

static STATUS check_kind(const AlterTableStmt *stmt, const Relation *rel, Error *err)
{
    const struct { char objtype; const char *kinds, *article; } want[] = {{'i', "i", "an index"}, {'v', "v", "a view"}, {'S', "S", "a sequence"},
                                                                         {'m', "m", "a materialized view"}, {'c', "c", "a composite type"},
                                                                         {'f', "f", "a foreign table"}};
    for (size_t i = 0; i < sizeof want / sizeof want[0]; i++)
        if (want[i].objtype == stmt->objtype && !strchr(want[i].kinds, rel->relkind))
            return error_set(err, ERR_WRONG_OBJECT_TYPE, "\"%s\" is not %s", rel->name, want[i].article);
    if (stmt->objtype == 'r' && rel->relkind == RELKIND_COMPOSITE) {
        error_set(err, ERR_WRONG_OBJECT_TYPE, "\"%s\" is a composite type", rel->name);
        return error_hint(err, "Use ALTER TYPE instead.");
    }
    return ST_OK;
}

static STATUS run_subcommand(AlterTable *at, const AlterTableCmd *cmd, Error *err)
{
    if (cmd->subtype < 0 || cmd->subtype > AT_OTHER || !subcommands[cmd->subtype].run) return error_unsupported(err, "this form of ALTER TABLE");
    TRY(relation_open(at->env, at->relation, LOCK_NONE, &at->rel, err));
    if (!strchr(subcommands[cmd->subtype].kinds, at->rel->relkind)) return wrong_kind(at, cmd, err);
    return subcommands[cmd->subtype].run(at, cmd, err);
}

STATUS cmd_AlterTableStmt(CommandCall *call, AlterTableStmt *stmt, Error *err)
{
    AlterTable at = {.call = call, .env = call->env, .arena = call->arena};
    TRY(rangevar_relation(call->env, stmt->relation, lock_for(stmt->cmds), stmt->missing_ok, &at.rel, err));
    if (!at.rel) {
        session_notice(call->env, SEV_NOTICE, 0, NULL, NULL, "relation \"%s\" does not exist, skipping", stmt->relation->relname);
        return ST_OK;
    }
    TRY(check_kind(stmt, at.rel, err));
    TRY(ddl_check_owner(call->env, at.rel, err));
    at.relation = at.rel->oid;
    for (int pass = 0; pass < PASSES; pass++)
        LIST_EACH(AlterTableCmd *, cmd, stmt->cmds)
            if (pass_of(cmd) == pass) TRY(run_subcommand(&at, cmd, err));
    return ST_OK;
}
