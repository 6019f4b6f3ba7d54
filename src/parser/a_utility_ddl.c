/* Utility statements about relations, schemas and databases. */
#include "parser/utility_internal.h"

static char first_char(const char *s) { return s && *s ? *s : 0; }

/* Constraints and columns -------------------------------------------------------------------------------------------------------------- */

Status ps_constraint(ParseState *ps, const PgQuery__Constraint *c, ConstraintDefinition **out)
{
    ConstraintDefinition *d;
    PS_NEW(d, ConstraintDefinition, ps);
    *out = d;
    d->contype = (int)c->contype - 1;
    d->deferrable = c->deferrable;
    d->initdeferred = c->initdeferred;
    d->is_no_inherit = c->is_no_inherit;
    d->nulls_not_distinct = c->nulls_not_distinct;
    d->generated_when = first_char(c->generated_when);
    d->fk_matchtype = first_char(c->fk_matchtype);
    d->fk_upd_action = first_char(c->fk_upd_action);
    d->fk_del_action = first_char(c->fk_del_action);
    d->skip_validation = c->skip_validation;
    d->location = c->location;
    TRY(ps_string(ps, c->conname, &d->conname));
    TRY(ps_string(ps, c->indexname, &d->indexname));
    TRY(ps_string(ps, c->indexspace, &d->indexspace));
    TRY(ps_raw_expr(ps, c->raw_expr, &d->raw_expr));
    TRY(ps_string_list(ps, c->keys, c->n_keys, &d->keys));
    TRY(ps_string_list(ps, c->including, c->n_including, &d->including));
    TRY(ps_def_elems(ps, c->options, c->n_options, &d->options));
    TRY(ps_range_var(ps, c->pktable, &d->pktable));
    TRY(ps_string_list(ps, c->fk_attrs, c->n_fk_attrs, &d->fk_attrs));
    TRY(ps_string_list(ps, c->pk_attrs, c->n_pk_attrs, &d->pk_attrs));
    return ps_string_list(ps, c->fk_del_set_cols, c->n_fk_del_set_cols, &d->fk_del_set_cols);
}

/* DEFERRABLE, INITIALLY ... after a column constraint are nodes of their own: they belong to the constraint before them. */
static Status constraint_attribute(ParseState *ps, const PgQuery__Constraint *c, ConstraintDefinition *last)
{
    static const char *const words[] = {"DEFERRABLE", "NOT DEFERRABLE", "INITIALLY DEFERRED", "INITIALLY IMMEDIATE"};
    int which = (int)c->contype - (int)PG_QUERY__CONSTR_TYPE__CONSTR_ATTR_DEFERRABLE;
    if (!last || (last->contype != CONSTR_PRIMARY && last->contype != CONSTR_UNIQUE && last->contype != CONSTR_EXCLUSION && last->contype != CONSTR_FOREIGN))
        return PS_ERROR(ps, c->location, ERR_SYNTAX_ERROR, "misplaced %s clause", words[which]);
    if (which == 0) last->deferrable = true;
    if (which == 2) last->deferrable = last->initdeferred = true;
    if (which == 1 && last->initdeferred)
        return PS_ERROR(ps, c->location, ERR_SYNTAX_ERROR, "constraint declared INITIALLY DEFERRED must be DEFERRABLE");
    return ST_OK;
}

Status ps_column_def(ParseState *ps, const PgQuery__ColumnDef *cd, ColumnDefinition **out)
{
    ColumnDefinition *d;
    ConstraintDefinition *last = NULL;
    PS_NEW(d, ColumnDefinition, ps);
    *out = d;
    d->location = cd->location;
    TRY(ps_string(ps, cd->colname, &d->colname));
    TRY(ps_type_name_node(ps, cd->type_name, &d->typeName));
    TRY(ps_string(ps, cd->compression, &d->compression));
    TRY(ps_string(ps, cd->storage, &d->storage));
    if (cd->coll_clause) TRY(ps_string_list(ps, cd->coll_clause->collname, cd->coll_clause->n_collname, &d->collation));
    for (size_t i = 0; i < cd->n_constraints; i++) {
        const PgQuery__Constraint *c = cd->constraints[i]->constraint;
        if (c->contype >= PG_QUERY__CONSTR_TYPE__CONSTR_ATTR_DEFERRABLE) {
            TRY(constraint_attribute(ps, c, last));
            continue;
        }
        TRY(ps_constraint(ps, c, &last));
        PS_APPEND(d->constraints, ps, last);
    }
    if (!cd->raw_default) return ST_OK; /* USING of ALTER COLUMN TYPE */
    PS_NEW(last, ConstraintDefinition, ps);
    last->contype = CONSTR_DEFAULT;
    TRY(ps_raw_expr(ps, cd->raw_default, &last->raw_expr));
    PS_APPEND(d->constraints, ps, last);
    return ST_OK;
}

static Status table_like(ParseState *ps, const PgQuery__TableLikeClause *t, Node **out)
{
    UTIL_NEW(l, TableLikeClause, ps, out);
    l->options = t->options;
    return ps_range_var(ps, t->relation, &l->relation);
}

static Status table_element(ParseState *ps, const PbNode *n, Node **out)
{
    if (PB_IS(n, COLUMN_DEF)) return ps_column_def(ps, n->column_def, (ColumnDefinition **)out);
    if (PB_IS(n, CONSTRAINT)) return ps_constraint(ps, n->constraint, (ConstraintDefinition **)out);
    if (PB_IS(n, TABLE_LIKE_CLAUSE)) return table_like(ps, n->table_like_clause, out);
    return error_set(ps->err, ERR_FEATURE_NOT_SUPPORTED, "this kind of table element is not supported");
}

Status util_create_table(ParseState *ps, const PbNode *stmt, Node **out)
{
    const PgQuery__CreateStmt *s = stmt->create_stmt;
    UTIL_NEW(c, CreateStmt, ps, out);
    c->oncommit = s->oncommit ? (int)s->oncommit - 1 : 0;
    c->if_not_exists = s->if_not_exists;
    TRY(ps_range_var(ps, s->relation, &c->relation));
    for (size_t i = 0; i < s->n_table_elts; i++) {
        Node *e;
        TRY(table_element(ps, s->table_elts[i], &e));
        PS_APPEND(c->tableElts, ps, e);
    }
    TRY(ps_range_vars(ps, s->inh_relations, s->n_inh_relations, &c->inhRelations));
    TRY(util_raw(ps, s->partspec, -1, &c->partspec));
    TRY(util_raw(ps, s->partbound, -1, &c->partbound));
    TRY(ps_type_name_node(ps, s->of_typename, &c->ofTypename));
    TRY(ps_def_elems(ps, s->options, s->n_options, &c->options));
    TRY(ps_string(ps, s->tablespacename, &c->tablespacename));
    return ps_string(ps, s->access_method, &c->accessMethod);
}

/* ALTER TABLE ---------------------------------------------------------------------------------------------------------------------------- */

#define AT(pg, ours) [PG_QUERY__ALTER_TABLE_TYPE__AT_##pg] = AT_##ours + 1
static const uint8_t alter_kinds[] = {
    AT(AddColumn, ADD_COLUMN), AT(ColumnDefault, COLUMN_DEFAULT), AT(DropNotNull, DROP_NOT_NULL), AT(SetNotNull, SET_NOT_NULL),
    AT(DropExpression, DROP_EXPRESSION), AT(SetStatistics, SET_STATISTICS), AT(SetOptions, SET_OPTIONS), AT(ResetOptions, RESET_OPTIONS),
    AT(SetStorage, SET_STORAGE), AT(SetCompression, SET_COMPRESSION), AT(DropColumn, DROP_COLUMN), AT(AddConstraint, ADD_CONSTRAINT),
    AT(AddIndexConstraint, ADD_INDEX_CONSTRAINT), AT(AlterConstraint, ALTER_CONSTRAINT), AT(ValidateConstraint, VALIDATE_CONSTRAINT),
    AT(DropConstraint, DROP_CONSTRAINT), AT(AlterColumnType, ALTER_COLUMN_TYPE), AT(ChangeOwner, CHANGE_OWNER), AT(ClusterOn, CLUSTER_ON),
    AT(DropCluster, DROP_CLUSTER), AT(SetLogged, SET_LOGGED), AT(SetUnLogged, SET_UNLOGGED), AT(SetTableSpace, SET_TABLESPACE),
    AT(SetRelOptions, SET_REL_OPTIONS), AT(ResetRelOptions, RESET_REL_OPTIONS), AT(EnableTrig, ENABLE_TRIGGER), AT(EnableAlwaysTrig, ENABLE_ALWAYS_TRIGGER),
    AT(EnableReplicaTrig, ENABLE_REPLICA_TRIGGER), AT(DisableTrig, DISABLE_TRIGGER), AT(EnableTrigAll, ENABLE_TRIGGER_ALL),
    AT(DisableTrigAll, DISABLE_TRIGGER_ALL), AT(EnableTrigUser, ENABLE_TRIGGER_USER), AT(DisableTrigUser, DISABLE_TRIGGER_USER),
    AT(AddInherit, ADD_INHERIT), AT(DropInherit, DROP_INHERIT), AT(ReplicaIdentity, REPLICA_IDENTITY), AT(EnableRowSecurity, ENABLE_ROW_SECURITY),
    AT(DisableRowSecurity, DISABLE_ROW_SECURITY), AT(ForceRowSecurity, FORCE_ROW_SECURITY), AT(NoForceRowSecurity, NO_FORCE_ROW_SECURITY),
    AT(AddIdentity, ADD_IDENTITY), AT(SetIdentity, SET_IDENTITY), AT(DropIdentity, DROP_IDENTITY), AT(AttachPartition, ATTACH_PARTITION),
    AT(DetachPartition, DETACH_PARTITION)};

static Status alter_definition(ParseState *ps, const PgQuery__AlterTableCmd *raw, AlterTableCmd *c)
{
    const PbNode *d = raw->def;
    List *list = NULL;
    if (!d || d->node_case == PG_QUERY__NODE__NODE__NOT_SET) return ST_OK;
    if (c->subtype == AT_COLUMN_DEFAULT) return ps_raw_expr(ps, d, (RawExpr **)&c->def);
    switch (d->node_case) {
    case PG_QUERY__NODE__NODE_COLUMN_DEF:
    case PG_QUERY__NODE__NODE_CONSTRAINT: return table_element(ps, d, &c->def);
    case PG_QUERY__NODE__NODE_LIST:
        TRY(ps_def_elems(ps, d->list->items, d->list->n_items, &list));
        c->def = (Node *)list;
        return ST_OK;
    case PG_QUERY__NODE__NODE_REPLICA_IDENTITY_STMT:
        TRY(ps_string(ps, d->replica_identity_stmt->name, &c->name));
        return util_string(ps, d->replica_identity_stmt->identity_type, (String **)&c->def);
    case PG_QUERY__NODE__NODE_PARTITION_CMD: return ps_range_var(ps, d->partition_cmd->name, (RangeVar **)&c->def);
    case PG_QUERY__NODE__NODE_STRING: return util_string(ps, d->string->sval, (String **)&c->def);
    default: return ps_object(ps, d, &c->def);
    }
}

static char relation_char(PgQuery__ObjectType t)
{
    switch (t) {
    case PG_QUERY__OBJECT_TYPE__OBJECT_INDEX: return 'i';
    case PG_QUERY__OBJECT_TYPE__OBJECT_VIEW: return 'v';
    case PG_QUERY__OBJECT_TYPE__OBJECT_SEQUENCE: return 'S';
    case PG_QUERY__OBJECT_TYPE__OBJECT_MATVIEW: return 'm';
    case PG_QUERY__OBJECT_TYPE__OBJECT_FOREIGN_TABLE: return 'f';
    case PG_QUERY__OBJECT_TYPE__OBJECT_TYPE: return 'c';
    default: return 'r';
    }
}

Status util_alter_table(ParseState *ps, const PbNode *stmt, Node **out)
{
    const PgQuery__AlterTableStmt *s = stmt->alter_table_stmt;
    UTIL_NEW(a, AlterTableStmt, ps, out);
    a->objtype = relation_char(s->objtype);
    a->missing_ok = s->missing_ok;
    TRY(ps_range_var(ps, s->relation, &a->relation));
    for (size_t i = 0; i < s->n_cmds; i++) {
        const PgQuery__AlterTableCmd *raw = s->cmds[i]->alter_table_cmd;
        AlterTableCmd *c;
        PS_NEW(c, AlterTableCmd, ps);
        size_t kind = (size_t)raw->subtype;
        c->subtype = kind < sizeof alter_kinds && alter_kinds[kind] ? alter_kinds[kind] - 1 : AT_OTHER;
        if (c->subtype == AT_ADD_COLUMN && raw->missing_ok) c->subtype = AT_ADD_COLUMN_IF_NOT_EXISTS;
        c->num = raw->num;
        c->missing_ok = raw->missing_ok;
        c->behavior = raw->behavior == PG_QUERY__DROP_BEHAVIOR__DROP_CASCADE ? DROP_CASCADE : DROP_RESTRICT;
        TRY(ps_string(ps, raw->name, &c->name));
        TRY(ps_role_spec(ps, raw->newowner, &c->newowner));
        TRY(alter_definition(ps, raw, c));
        PS_APPEND(a->cmds, ps, c);
    }
    return ST_OK;
}

/* Indexes, sequences, the rest ----------------------------------------------------------------------------------------------------------- */

Status ps_index_elems(ParseState *ps, PbNode **items, size_t n, List **out)
{
    *out = NULL;
    for (size_t i = 0; i < n; i++) {
        const PgQuery__IndexElem *raw = items[i]->index_elem;
        IndexElem *e;
        PS_NEW(e, IndexElem, ps);
        e->ordering = raw->ordering ? (int)raw->ordering - 1 : 0;
        e->nulls_ordering = raw->nulls_ordering ? (int)raw->nulls_ordering - 1 : 0;
        TRY(ps_string(ps, raw->name, &e->name));
        TRY(ps_string(ps, raw->indexcolname, &e->indexcolname));
        TRY(ps_raw_expr(ps, raw->expr, &e->expr));
        TRY(ps_string_list(ps, raw->collation, raw->n_collation, &e->collation));
        TRY(ps_string_list(ps, raw->opclass, raw->n_opclass, &e->opclass));
        PS_APPEND(*out, ps, e);
    }
    return ST_OK;
}

Status util_create_index(ParseState *ps, const PbNode *stmt, Node **out)
{
    const PgQuery__IndexStmt *s = stmt->index_stmt;
    UTIL_NEW(x, IndexStmt, ps, out);
    x->unique = s->unique;
    x->nulls_not_distinct = s->nulls_not_distinct;
    x->primary = s->primary;
    x->isconstraint = s->isconstraint;
    x->deferrable = s->deferrable;
    x->initdeferred = s->initdeferred;
    x->concurrent = s->concurrent;
    x->if_not_exists = s->if_not_exists;
    TRY(ps_string(ps, s->idxname, &x->idxname));
    TRY(ps_range_var(ps, s->relation, &x->relation));
    TRY(ps_string(ps, s->access_method, &x->accessMethod));
    TRY(ps_string(ps, s->table_space, &x->tableSpace));
    TRY(ps_index_elems(ps, s->index_params, s->n_index_params, &x->indexParams));
    TRY(ps_index_elems(ps, s->index_including_params, s->n_index_including_params, &x->indexIncludingParams));
    TRY(ps_def_elems(ps, s->options, s->n_options, &x->options));
    return ps_raw_expr(ps, s->where_clause, &x->whereClause);
}

static DropBehavior behavior(PgQuery__DropBehavior b) { return b == PG_QUERY__DROP_BEHAVIOR__DROP_CASCADE ? DROP_CASCADE : DROP_RESTRICT; }

Status util_truncate(ParseState *ps, const PbNode *stmt, Node **out)
{
    UTIL_NEW(t, TruncateStmt, ps, out);
    t->restart_seqs = stmt->truncate_stmt->restart_seqs;
    t->behavior = behavior(stmt->truncate_stmt->behavior);
    return ps_range_vars(ps, stmt->truncate_stmt->relations, stmt->truncate_stmt->n_relations, &t->relations);
}

Status util_create_sequence(ParseState *ps, const PbNode *stmt, Node **out)
{
    const PgQuery__CreateSeqStmt *s = stmt->create_seq_stmt;
    UTIL_NEW(c, CreateSeqStmt, ps, out);
    c->for_identity = s->for_identity;
    c->if_not_exists = s->if_not_exists;
    TRY(ps_range_var(ps, s->sequence, &c->sequence));
    return ps_def_elems(ps, s->options, s->n_options, &c->options);
}

Status util_alter_sequence(ParseState *ps, const PbNode *stmt, Node **out)
{
    const PgQuery__AlterSeqStmt *s = stmt->alter_seq_stmt;
    UTIL_NEW(a, AlterSeqStmt, ps, out);
    a->missing_ok = s->missing_ok;
    TRY(ps_range_var(ps, s->sequence, &a->sequence));
    return ps_def_elems(ps, s->options, s->n_options, &a->options);
}

Status util_create_schema(ParseState *ps, const PbNode *stmt, Node **out)
{
    const PgQuery__CreateSchemaStmt *s = stmt->create_schema_stmt;
    UTIL_NEW(c, CreateSchemaStmt, ps, out);
    c->if_not_exists = s->if_not_exists;
    TRY(ps_string(ps, s->schemaname, &c->schemaname));
    TRY(ps_role_spec(ps, s->authrole, &c->authrole));
    for (size_t i = 0; i < s->n_schema_elts; i++) {
        Node *e;
        /* A view may read tables that the same statement creates: it is analysed when its turn comes. */
        if (s->schema_elts[i]->node_case == PG_QUERY__NODE__NODE_VIEW_STMT) TRY(util_raw(ps, s->schema_elts[i], -1, &e));
        else TRY(transform_utility(ps, s->schema_elts[i], &e));
        PS_APPEND(c->schemaElts, ps, e);
    }
    return ST_OK;
}

Status util_create_database(ParseState *ps, const PbNode *stmt, Node **out)
{
    UTIL_NEW(c, CreateDatabaseStmt, ps, out);
    TRY(ps_string(ps, stmt->createdb_stmt->dbname, &c->dbname));
    return ps_def_elems(ps, stmt->createdb_stmt->options, stmt->createdb_stmt->n_options, &c->options);
}

Status util_drop_database(ParseState *ps, const PbNode *stmt, Node **out)
{
    UTIL_NEW(d, DropDatabaseStmt, ps, out);
    d->missing_ok = stmt->dropdb_stmt->missing_ok;
    TRY(ps_string(ps, stmt->dropdb_stmt->dbname, &d->dbname));
    return ps_def_elems(ps, stmt->dropdb_stmt->options, stmt->dropdb_stmt->n_options, &d->options);
}

Status util_alter_database(ParseState *ps, const PbNode *stmt, Node **out)
{
    UTIL_NEW(a, AlterDatabaseStmt, ps, out);
    TRY(ps_string(ps, stmt->alter_database_stmt->dbname, &a->dbname));
    return ps_def_elems(ps, stmt->alter_database_stmt->options, stmt->alter_database_stmt->n_options, &a->options);
}

Status util_refresh_matview(ParseState *ps, const PbNode *stmt, Node **out)
{
    UTIL_NEW(r, RefreshMatViewStmt, ps, out);
    r->concurrent = stmt->refresh_mat_view_stmt->concurrent;
    r->skipData = stmt->refresh_mat_view_stmt->skip_data;
    return ps_range_var(ps, stmt->refresh_mat_view_stmt->relation, &r->relation);
}

Status util_lock(ParseState *ps, const PbNode *stmt, Node **out)
{
    UTIL_NEW(l, LockStmt, ps, out);
    l->mode = stmt->lock_stmt->mode;
    l->nowait = stmt->lock_stmt->nowait;
    return ps_range_vars(ps, stmt->lock_stmt->relations, stmt->lock_stmt->n_relations, &l->relations);
}

Status util_vacuum(ParseState *ps, const PbNode *stmt, Node **out)
{
    const PgQuery__VacuumStmt *s = stmt->vacuum_stmt;
    UTIL_NEW(v, VacuumStmt, ps, out);
    v->is_vacuumcmd = s->is_vacuumcmd;
    TRY(ps_def_elems(ps, s->options, s->n_options, &v->options));
    for (size_t i = 0; i < s->n_rels; i++) {
        VacuumRelation *r;
        PS_NEW(r, VacuumRelation, ps);
        TRY(ps_range_var(ps, s->rels[i]->vacuum_relation->relation, &r->relation));
        TRY(ps_string_list(ps, s->rels[i]->vacuum_relation->va_cols, s->rels[i]->vacuum_relation->n_va_cols, &r->va_cols));
        PS_APPEND(v->rels, ps, r);
    }
    return ST_OK;
}

Status util_reindex(ParseState *ps, const PbNode *stmt, Node **out)
{
    const PgQuery__ReindexStmt *s = stmt->reindex_stmt;
    UTIL_NEW(r, ReindexStmt, ps, out);
    r->kind = (int)s->kind - 1;
    TRY(ps_range_var(ps, s->relation, &r->relation));
    TRY(ps_string(ps, s->name, &r->name));
    return ps_def_elems(ps, s->params, s->n_params, &r->params);
}

Status util_cluster(ParseState *ps, const PbNode *stmt, Node **out)
{
    UTIL_NEW(c, ClusterStmt, ps, out);
    TRY(ps_range_var(ps, stmt->cluster_stmt->relation, &c->relation));
    return ps_string(ps, stmt->cluster_stmt->indexname, &c->indexname);
}

Status util_checkpoint(ParseState *ps, const PbNode *stmt, Node **out)
{
    UTIL_NEW(c, CheckPointStmt, ps, out);
    (void)c;
    return ST_OK;
}

Status util_discard(ParseState *ps, const PbNode *stmt, Node **out)
{
    UTIL_NEW(d, DiscardStmt, ps, out);
    d->target = (int)stmt->discard_stmt->target - 1;
    return ST_OK;
}

Status util_listen(ParseState *ps, const PbNode *stmt, Node **out)
{
    UTIL_NEW(l, ListenStmt, ps, out);
    return ps_string(ps, stmt->listen_stmt->conditionname, &l->conditionname);
}

Status util_unlisten(ParseState *ps, const PbNode *stmt, Node **out)
{
    UTIL_NEW(u, UnlistenStmt, ps, out);
    return ps_string(ps, stmt->unlisten_stmt->conditionname, &u->conditionname);
}

Status util_notify(ParseState *ps, const PbNode *stmt, Node **out)
{
    UTIL_NEW(n, NotifyStmt, ps, out);
    TRY(ps_string(ps, stmt->notify_stmt->conditionname, &n->conditionname));
    return ps_string(ps, stmt->notify_stmt->payload, &n->payload);
}
