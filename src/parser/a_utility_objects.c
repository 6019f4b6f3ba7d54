/* Utility statements about any kind of object, roles and privileges, types and routines. */
#include "parser/utility_internal.h"

#define KIND(pg, ours) [PG_QUERY__OBJECT_TYPE__OBJECT_##pg] = OBJ_##ours + 1
static const uint8_t object_kinds[] = {
    KIND(AGGREGATE, AGGREGATE), KIND(ATTRIBUTE, ATTRIBUTE), KIND(CAST, CAST), KIND(COLUMN, COLUMN), KIND(COLLATION, COLLATION),
    KIND(CONVERSION, CONVERSION), KIND(DATABASE, DATABASE), KIND(DEFACL, DEFAULT_ACL), KIND(DOMAIN, DOMAIN), KIND(DOMCONSTRAINT, DOMCONSTRAINT),
    KIND(EVENT_TRIGGER, EVENT_TRIGGER), KIND(EXTENSION, EXTENSION), KIND(FOREIGN_TABLE, FOREIGN_TABLE), KIND(FUNCTION, FUNCTION), KIND(INDEX, INDEX),
    KIND(LANGUAGE, LANGUAGE), KIND(MATVIEW, MATVIEW), KIND(OPCLASS, OPCLASS), KIND(OPERATOR, OPERATOR), KIND(OPFAMILY, OPFAMILY),
    KIND(POLICY, POLICY), KIND(PROCEDURE, PROCEDURE), KIND(PUBLICATION, PUBLICATION), KIND(ROLE, ROLE), KIND(ROUTINE, ROUTINE), KIND(RULE, RULE),
    KIND(SCHEMA, SCHEMA), KIND(SEQUENCE, SEQUENCE), KIND(STATISTIC_EXT, STATISTIC), KIND(SUBSCRIPTION, SUBSCRIPTION),
    KIND(TABCONSTRAINT, TABCONSTRAINT), KIND(TABLE, TABLE), KIND(TABLESPACE, TABLESPACE), KIND(TRIGGER, TRIGGER),
    KIND(TSCONFIGURATION, TSCONFIG), KIND(TYPE, TYPE), KIND(VIEW, VIEW)};

int object_kind(PgQuery__ObjectType t)
{
    return (size_t)t < sizeof object_kinds && object_kinds[t] ? object_kinds[t] - 1 : OBJ_OTHER;
}

static DropBehavior behavior(PgQuery__DropBehavior b) { return b == PG_QUERY__DROP_BEHAVIOR__DROP_CASCADE ? DROP_CASCADE : DROP_RESTRICT; }

Status util_drop(ParseState *ps, const PbNode *stmt, Node **out)
{
    const PgQuery__DropStmt *s = stmt->drop_stmt;
    UTIL_NEW(d, DropStmt, ps, out);
    d->removeType = object_kind(s->remove_type);
    d->behavior = behavior(s->behavior);
    d->missing_ok = s->missing_ok;
    d->concurrent = s->concurrent;
    return util_nodes(ps, s->objects, s->n_objects, &d->objects);
}

Status util_rename(ParseState *ps, const PbNode *stmt, Node **out)
{
    const PgQuery__RenameStmt *s = stmt->rename_stmt;
    UTIL_NEW(r, RenameStmt, ps, out);
    r->renameType = object_kind(s->rename_type);
    r->relationType = object_kind(s->relation_type);
    r->behavior = behavior(s->behavior);
    r->missing_ok = s->missing_ok;
    TRY(ps_range_var(ps, s->relation, &r->relation));
    TRY(ps_object(ps, s->object, &r->object));
    TRY(ps_string(ps, s->subname, &r->subname));
    return ps_string(ps, s->newname, &r->newname);
}

Status util_alter_schema(ParseState *ps, const PbNode *stmt, Node **out)
{
    const PgQuery__AlterObjectSchemaStmt *s = stmt->alter_object_schema_stmt;
    UTIL_NEW(a, AlterObjectSchemaStmt, ps, out);
    a->objectType = object_kind(s->object_type);
    a->missing_ok = s->missing_ok;
    TRY(ps_range_var(ps, s->relation, &a->relation));
    TRY(ps_object(ps, s->object, &a->object));
    return ps_string(ps, s->newschema, &a->newschema);
}

Status util_alter_owner(ParseState *ps, const PbNode *stmt, Node **out)
{
    const PgQuery__AlterOwnerStmt *s = stmt->alter_owner_stmt;
    UTIL_NEW(a, AlterOwnerStmt, ps, out);
    a->objectType = object_kind(s->object_type);
    TRY(ps_range_var(ps, s->relation, &a->relation));
    TRY(ps_object(ps, s->object, &a->object));
    return ps_role_spec(ps, s->newowner, &a->newowner);
}

Status util_comment(ParseState *ps, const PbNode *stmt, Node **out)
{
    UTIL_NEW(c, CommentStmt, ps, out);
    c->objtype = object_kind(stmt->comment_stmt->objtype);
    TRY(ps_object(ps, stmt->comment_stmt->object, &c->object));
    return ps_string(ps, stmt->comment_stmt->comment, &c->comment);
}

/* Roles and privileges ------------------------------------------------------------------------------------------------------------------- */

Status util_create_role(ParseState *ps, const PbNode *stmt, Node **out)
{
    UTIL_NEW(c, CreateRoleStmt, ps, out);
    c->stmt_type = (int)stmt->create_role_stmt->stmt_type - 1;
    TRY(ps_string(ps, stmt->create_role_stmt->role, &c->role));
    return ps_def_elems(ps, stmt->create_role_stmt->options, stmt->create_role_stmt->n_options, &c->options);
}

Status util_alter_role(ParseState *ps, const PbNode *stmt, Node **out)
{
    UTIL_NEW(a, AlterRoleStmt, ps, out);
    a->action = stmt->alter_role_stmt->action;
    TRY(ps_role_spec(ps, stmt->alter_role_stmt->role, &a->role));
    return ps_def_elems(ps, stmt->alter_role_stmt->options, stmt->alter_role_stmt->n_options, &a->options);
}

Status util_drop_role(ParseState *ps, const PbNode *stmt, Node **out)
{
    UTIL_NEW(d, DropRoleStmt, ps, out);
    d->missing_ok = stmt->drop_role_stmt->missing_ok;
    return ps_role_specs(ps, stmt->drop_role_stmt->roles, stmt->drop_role_stmt->n_roles, &d->roles);
}

static Status access_privs(ParseState *ps, PbNode **items, size_t n, List **out)
{
    *out = NULL;
    for (size_t i = 0; i < n; i++) {
        AccessPriv *a;
        PS_NEW(a, AccessPriv, ps);
        TRY(ps_string(ps, items[i]->access_priv->priv_name, &a->priv_name));
        TRY(ps_string_list(ps, items[i]->access_priv->cols, items[i]->access_priv->n_cols, &a->cols));
        PS_APPEND(*out, ps, a);
    }
    return ST_OK;
}

Status util_grant_role(ParseState *ps, const PbNode *stmt, Node **out)
{
    const PgQuery__GrantRoleStmt *s = stmt->grant_role_stmt;
    UTIL_NEW(g, GrantRoleStmt, ps, out);
    g->is_grant = s->is_grant;
    g->admin_opt = s->admin_opt;
    g->behavior = behavior(s->behavior);
    TRY(access_privs(ps, s->granted_roles, s->n_granted_roles, &g->granted_roles));
    TRY(ps_role_specs(ps, s->grantee_roles, s->n_grantee_roles, &g->grantee_roles));
    return ps_role_spec(ps, s->grantor, &g->grantor);
}

static Status grant(ParseState *ps, const PgQuery__GrantStmt *s, GrantStmt **out)
{
    *out = NULL;
    if (!s) return ST_OK;
    PS_NEW(*out, GrantStmt, ps);
    GrantStmt *g = *out;
    g->is_grant = s->is_grant;
    g->targtype = (int)s->targtype - 1;
    g->objtype = object_kind(s->objtype);
    g->grant_option = s->grant_option;
    g->behavior = behavior(s->behavior);
    TRY(util_nodes(ps, s->objects, s->n_objects, &g->objects));
    TRY(access_privs(ps, s->privileges, s->n_privileges, &g->privileges));
    TRY(ps_role_specs(ps, s->grantees, s->n_grantees, &g->grantees));
    return ps_role_spec(ps, s->grantor, &g->grantor);
}

Status util_grant(ParseState *ps, const PbNode *stmt, Node **out) { return grant(ps, stmt->grant_stmt, (GrantStmt **)out); }

Status util_default_privileges(ParseState *ps, const PbNode *stmt, Node **out)
{
    UTIL_NEW(a, AlterDefaultPrivilegesStmt, ps, out);
    TRY(ps_def_elems(ps, stmt->alter_default_privileges_stmt->options, stmt->alter_default_privileges_stmt->n_options, &a->options));
    return grant(ps, stmt->alter_default_privileges_stmt->action, &a->action);
}

Status util_drop_owned(ParseState *ps, const PbNode *stmt, Node **out)
{
    UTIL_NEW(d, DropOwnedStmt, ps, out);
    d->behavior = behavior(stmt->drop_owned_stmt->behavior);
    return ps_role_specs(ps, stmt->drop_owned_stmt->roles, stmt->drop_owned_stmt->n_roles, &d->roles);
}

Status util_reassign_owned(ParseState *ps, const PbNode *stmt, Node **out)
{
    UTIL_NEW(d, DropOwnedStmt, ps, out);
    TRY(ps_role_specs(ps, stmt->reassign_owned_stmt->roles, stmt->reassign_owned_stmt->n_roles, &d->roles));
    return ps_role_spec(ps, stmt->reassign_owned_stmt->newrole, &d->newrole);
}

/* Types and routines --------------------------------------------------------------------------------------------------------------------- */

Status util_create_enum(ParseState *ps, const PbNode *stmt, Node **out)
{
    UTIL_NEW(c, CreateEnumStmt, ps, out);
    TRY(ps_string_list(ps, stmt->create_enum_stmt->type_name, stmt->create_enum_stmt->n_type_name, &c->typeName));
    return ps_string_list(ps, stmt->create_enum_stmt->vals, stmt->create_enum_stmt->n_vals, &c->vals);
}

Status util_alter_enum(ParseState *ps, const PbNode *stmt, Node **out)
{
    const PgQuery__AlterEnumStmt *s = stmt->alter_enum_stmt;
    UTIL_NEW(a, AlterEnumStmt, ps, out);
    a->newValIsAfter = s->new_val_is_after;
    a->skipIfNewValExists = s->skip_if_new_val_exists;
    TRY(ps_string_list(ps, s->type_name, s->n_type_name, &a->typeName));
    TRY(ps_string(ps, s->old_val, &a->oldVal));
    TRY(ps_string(ps, s->new_val, &a->newVal));
    return ps_string(ps, s->new_val_neighbor, &a->newValNeighbor);
}

Status util_create_domain(ParseState *ps, const PbNode *stmt, Node **out)
{
    const PgQuery__CreateDomainStmt *s = stmt->create_domain_stmt;
    UTIL_NEW(c, CreateDomainStmt, ps, out);
    TRY(ps_string_list(ps, s->domainname, s->n_domainname, &c->domainname));
    TRY(ps_type_name_node(ps, s->type_name, &c->typeName));
    if (s->coll_clause) TRY(ps_string_list(ps, s->coll_clause->collname, s->coll_clause->n_collname, &c->collation));
    for (size_t i = 0; i < s->n_constraints; i++) {
        ConstraintDefinition *d;
        TRY(ps_constraint(ps, s->constraints[i]->constraint, &d));
        PS_APPEND(c->constraints, ps, d);
    }
    return ST_OK;
}

Status util_composite_type(ParseState *ps, const PbNode *stmt, Node **out)
{
    UTIL_NEW(c, CompositeTypeStmt, ps, out);
    for (size_t i = 0; i < stmt->composite_type_stmt->n_coldeflist; i++) {
        ColumnDefinition *d;
        TRY(ps_column_def(ps, stmt->composite_type_stmt->coldeflist[i]->column_def, &d));
        PS_APPEND(c->coldeflist, ps, d);
    }
    return ps_range_var(ps, stmt->composite_type_stmt->typevar, &c->typevar);
}

Status util_create_function(ParseState *ps, const PbNode *stmt, Node **out)
{
    static const char modes[] = {'i', 'i', 'o', 'b', 'v', 't', 'i'};
    const PgQuery__CreateFunctionStmt *s = stmt->create_function_stmt;
    UTIL_NEW(c, CreateFunctionStmt, ps, out);
    c->is_procedure = s->is_procedure;
    c->replace = s->replace;
    if (s->sql_body) return error_set(ps->err, ERR_FEATURE_NOT_SUPPORTED, "SQL-standard function bodies are not supported");
    TRY(ps_string_list(ps, s->funcname, s->n_funcname, &c->funcname));
    for (size_t i = 0; i < s->n_parameters; i++) {
        const PgQuery__FunctionParameter *raw = s->parameters[i]->function_parameter;
        FunctionParameter *p;
        PS_NEW(p, FunctionParameter, ps);
        p->mode = modes[raw->mode];
        TRY(ps_string(ps, raw->name, &p->name));
        TRY(ps_type_name_node(ps, raw->arg_type, &p->argType));
        TRY(ps_raw_expr(ps, raw->defexpr, &p->defexpr));
        PS_APPEND(c->parameters, ps, p);
    }
    TRY(ps_type_name_node(ps, s->return_type, &c->returnType));
    return ps_def_elems(ps, s->options, s->n_options, &c->options);
}

Status util_do_block(ParseState *ps, const PbNode *stmt, Node **out)
{
    UTIL_NEW(d, DoStmt, ps, out);
    return ps_def_elems(ps, stmt->do_stmt->args, stmt->do_stmt->n_args, &d->args);
}

Status util_create_trigger(ParseState *ps, const PbNode *stmt, Node **out)
{
    const PgQuery__CreateTrigStmt *s = stmt->create_trig_stmt;
    UTIL_NEW(t, CreateTrigStmt, ps, out);
    t->replace = s->replace;
    t->isconstraint = s->isconstraint;
    t->row = s->row;
    t->timing = s->timing;
    t->events = s->events;
    t->deferrable = s->deferrable;
    t->initdeferred = s->initdeferred;
    if (s->n_transition_rels) return error_set(ps->err, ERR_FEATURE_NOT_SUPPORTED, "transition tables of triggers are not supported");
    TRY(ps_string(ps, s->trigname, &t->trigname));
    TRY(ps_range_var(ps, s->relation, &t->relation));
    TRY(ps_string_list(ps, s->funcname, s->n_funcname, &t->funcname));
    TRY(ps_string_list(ps, s->args, s->n_args, &t->args));
    TRY(ps_string_list(ps, s->columns, s->n_columns, &t->columns));
    return ps_raw_expr(ps, s->when_clause, &t->whenClause);
}

Status util_create_extension(ParseState *ps, const PbNode *stmt, Node **out)
{
    UTIL_NEW(c, CreateExtensionStmt, ps, out);
    c->if_not_exists = stmt->create_extension_stmt->if_not_exists;
    TRY(ps_string(ps, stmt->create_extension_stmt->extname, &c->extname));
    return ps_def_elems(ps, stmt->create_extension_stmt->options, stmt->create_extension_stmt->n_options, &c->options);
}
