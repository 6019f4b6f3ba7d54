/* CREATE INDEX, and the indexes behind PRIMARY KEY and UNIQUE constraints.
 *
 * The primary key of a table is the order its rows are kept in: its pg_class row has no storage of its own (relfilenode 0). A deferrable one
 * is an ordinary unique index. */
#include "commands/ddl_internal.h"

/* ---- columns ---- */
static STATUS default_opclass(SessionEnv *env, Oid am, IndexColumn *col, Error *err)
{
    Oid base = type_base_of(env, col->type, NULL);
    col->opclass = type_default_opclass(env, base ? base : col->type, am == HASH_AM ? HASH_AM : BTREE_AM);
    const TypeInfo *type = catalog_type(env, base ? base : col->type);
    if (col->opclass && type && type->key != KEYENC_NONE) return ST_OK;
    Arena tmp;
    arena_init(&tmp, env->account, 0);
    error_set(err, ERR_UNDEFINED_OBJECT, "data type %s has no default operator class for access method \"%s\"",
              format_type_text(env, col->type, -1, &tmp), am == HASH_AM ? "hash" : "btree");
    arena_destroy(&tmp);
    return error_hint(err, "You must specify an operator class for the index or define a default operator class for the data type.");
}

STATUS ddl_index_column(SessionEnv *env, const Relation *rel, int attnum, Oid am, IndexColumn *out, Error *err)
{
    const Attribute *a = &rel->desc->atts[attnum - 1];
    *out = (IndexColumn){.attnum = attnum, .name = a->name, .type = a->type, .typmod = a->typmod, .collation = a->collation};
    return am ? default_opclass(env, am, out, err) : ST_OK;
}

static bool name_taken(const IndexSpec *spec, int upto, const char *name)
{
    for (int i = 0; i < upto; i++)
        if (spec->cols[i].name && !strcmp(spec->cols[i].name, name)) return true;
    return false;
}

/* Index columns have names of their own: a, a1, expr ... */
static STATUS column_names(IndexSpec *spec, Arena *arena, Error *err)
{
    for (int i = 0; i < spec->ncols; i++) {
        const char *base = spec->cols[i].name ? spec->cols[i].name : "expr", *name = base;
        for (int k = 1; name_taken(spec, i, name); k++) {
            name = ddl_object_name(arena, arena_printf(arena, "%s%d", base, k), NULL, NULL);
            TRY_MEM(name, err);
        }
        spec->cols[i].name = name;
    }
    return ST_OK;
}

static STATUS choose_name(SessionEnv *env, const Relation *rel, IndexSpec *spec, Arena *arena, Error *err)
{
    StrBuf cols;
    if (spec->primary) return ddl_choose_relation_name(env, rel->name, NULL, "pkey", rel->namespace_oid, true, arena, &spec->name, err);
    strbuf_init(&cols, arena);
    for (int i = 0; i < spec->ncols && cols.len < NAME_BYTES; i++) strbuf_printf(&cols, "%s%s", i ? "_" : "", spec->cols[i].name);
    TRY(strbuf_check(&cols, err));
    return ddl_choose_relation_name(env, rel->name, strbuf_cstr(&cols), spec->is_constraint ? "key" : "idx", rel->namespace_oid, spec->is_constraint,
                                    arena, &spec->name, err);
}

/* ---- rows ---- */
static STATUS insert_index_class(SessionEnv *env, const Relation *rel, const IndexSpec *spec, Oid index, bool clustered, Error *err)
{
    Form_pg_class f;
    cat_class_defaults(&f);
    f.oid = index;
    f.relname = spec->name;
    f.relnamespace = rel->namespace_oid;
    f.relowner = rel->owner;
    f.relam = spec->am;
    f.relkind = 'i';
    f.relpersistence = rel->persistence;
    f.relnatts = (int16_t)spec->ncols;
    f.relreplident = 'n';
    f.reltuples = 0;
    f.reloptions = spec->reloptions;
    if (!clustered) TRY(cat_new_storage_id(env, &f.relfilenode, err));
    return cat_insert(env, REL_pg_class, &f, err);
}

static STATUS insert_pg_index(SessionEnv *env, const Relation *rel, const IndexSpec *spec, Oid index, uint64_t complete_at, Arena *arena, Error *err)
{
    Form_pg_index f;
    int16_t keys[MAX_INDEX_COLUMNS], options[MAX_INDEX_COLUMNS];
    Oid collations[MAX_INDEX_COLUMNS], classes[MAX_INDEX_COLUMNS];
    List *exprs = NULL;
    for (int i = 0; i < spec->ncols; i++) {
        keys[i] = (int16_t)spec->cols[i].attnum;
        if (!keys[i]) TRY_APPEND(exprs, arena, spec->cols[i].expr, err);
        options[i] = spec->cols[i].options;
        collations[i] = spec->cols[i].collation;
        classes[i] = spec->cols[i].opclass;
    }
    cat_index_defaults(&f);
    f.indexrelid = index;
    f.indrelid = rel->oid;
    f.indnatts = (int16_t)spec->ncols;
    f.indnkeyatts = (int16_t)spec->nkeys;
    f.indisunique = spec->unique;
    f.indnullsnotdistinct = spec->nulls_not_distinct;
    f.indisprimary = spec->primary;
    f.indimmediate = !spec->deferrable;
    f.indkey = (Int2Vec){spec->ncols, keys};
    f.indcollation = (OidVec){spec->nkeys, collations};
    f.indclass = (OidVec){spec->nkeys, classes};
    f.indoption = (Int2Vec){spec->nkeys, options};
    f.x_complete_at = (int64_t)complete_at;
    if (exprs) TRY(ddl_node_text(exprs, arena, &f.indexprs, err));
    if (spec->predicate) TRY(ddl_node_text(spec->predicate, arena, &f.indpred, err));
    return cat_insert(env, REL_pg_index, &f, err);
}

static STATUS insert_key_constraint(SessionEnv *env, const Relation *rel, const IndexSpec *spec, Oid index, Arena *arena, Error *err)
{
    Form_pg_constraint f;
    const Form_pg_constraint *old;
    int16_t keys[MAX_INDEX_COLUMNS];
    TRY(ddl_constraint_by_name(env, rel->oid, spec->name, arena, &old, err));
    if (old) return error_set(err, ERR_DUPLICATE_OBJECT, "constraint \"%s\" for relation \"%s\" already exists", spec->name, rel->name);
    for (int i = 0; i < spec->nkeys; i++) keys[i] = (int16_t)spec->cols[i].attnum;
    cat_constraint_defaults(&f);
    TRY(cat_new_oid(env, &f.oid, err));
    f.conname = spec->name;
    f.connamespace = rel->namespace_oid;
    f.contype = spec->primary ? 'p' : 'u';
    f.condeferrable = spec->deferrable;
    f.condeferred = spec->initdeferred;
    f.conrelid = rel->oid;
    f.conindid = index;
    f.connoinherit = true;
    f.conkey = cat_int2_array(arena, keys, spec->nkeys);
    TRY_MEM((void *)f.conkey, err);
    TRY(cat_insert(env, REL_pg_constraint, &f, err));
    ObjectAddress me = address(REL_pg_constraint, f.oid, 0);
    for (int i = 0; i < spec->ncols; i++) TRY(depend_add(env, me, address(REL_pg_class, rel->oid, spec->cols[i].attnum), DEPEND_AUTO, err));
    return depend_add(env, address(REL_pg_class, index, 0), me, DEPEND_INTERNAL, err);
}

static STATUS index_dependencies(SessionEnv *env, const Relation *rel, const IndexSpec *spec, Oid index, Error *err)
{
    ObjectAddress me = address(REL_pg_class, index, 0);
    bool any = false;
    for (int i = 0; i < spec->ncols; i++) {
        const IndexColumn *c = &spec->cols[i];
        if (c->attnum && !spec->is_constraint) TRY(depend_add(env, me, address(REL_pg_class, rel->oid, c->attnum), DEPEND_AUTO, err));
        any = any || c->attnum;
        if (c->expr) TRY(depend_add_expr(env, me, c->expr, rel->oid, DEPEND_NORMAL, DEPEND_AUTO, err));
        if (c->opclass) TRY(depend_add(env, me, address(REL_pg_opclass, c->opclass, 0), DEPEND_NORMAL, err));
    }
    if (spec->predicate) TRY(depend_add_expr(env, me, spec->predicate, rel->oid, DEPEND_NORMAL, DEPEND_AUTO, err));
    return any ? ST_OK : depend_add(env, me, address(REL_pg_class, rel->oid, 0), DEPEND_AUTO, err);
}

STATUS ddl_set_has_index(SessionEnv *env, Oid relation, Arena *arena, Error *err)
{
    Form_pg_class cls;
    TRY(ddl_class(env, relation, arena, &cls, err));
    if (cls.relhasindex) return ST_OK;
    cls.relhasindex = true;
    return cat_update(env, REL_pg_class, &cls, err);
}

/* Rows may be kept in this key's order if every column can be a key and none is an expression. */
bool ddl_can_cluster(SessionEnv *env, const Relation *rel, const IndexSpec *spec)
{
    if (!spec->primary || spec->deferrable || rel->relkind != RELKIND_TABLE) return false;
    for (int i = 0; i < spec->nkeys; i++) {
        const TypeInfo *t = catalog_type(env, spec->cols[i].type);
        if (!t || t->key == KEYENC_NONE || spec->cols[i].options) return false;
    }
    return true;
}

static STATUS current_sequence(SessionEnv *env, uint64_t *out, Error *err)
{
    Snapshot *snap;
    TRY(snapshot_take_fresh(env->txn, &snap, err));
    *out = snapshot_sequence(snap);
    snapshot_release(snap);
    return ST_OK;
}

/* Snapshots older than the commit do not find the entries. Its sequence is not known before, so the row says the last one seen, and says it as late
 * as can be: a build may take long. */
typedef struct Completion { SessionEnv *env; Oid index; } Completion;

static STATUS note_completion(const Completion *c, Arena *arena, Error *err)
{
    const void *form;
    uint64_t now;
    TRY(cat_get_by_oid(c->env, REL_pg_index, IDX_index_indexrelid, c->index, arena, &form, err));
    if (!form) return ST_OK;
    Form_pg_index f = *(const Form_pg_index *)form;
    TRY(current_sequence(c->env, &now, err));
    f.x_complete_at = (int64_t)now;
    return cat_update(c->env, REL_pg_index, &f, err);
}

static Status before_commit(void *arg, Txn *txn, TxnEvent event, int level UNUSED, Error *err)
{
    const Completion *c = arg;
    Arena arena;
    if (event != TXN_PRE_COMMIT) return ST_OK;
    Txn *outer = c->env->txn; /* the session may have let go of it already */
    c->env->txn = txn;
    arena_init(&arena, c->env->account, 0);
    Status st = note_completion(c, &arena, err);
    arena_destroy(&arena);
    c->env->txn = outer;
    return st;
}

static STATUS complete_at_commit(SessionEnv *env, Oid index, Error *err)
{
    Completion *c = arena_alloc(env->arena, sizeof *c); /* small; lives with the session */
    TRY_MEM(c, err);
    *c = (Completion){env, index};
    return txn_on_event(env->txn, before_commit, c, err);
}

STATUS ddl_create_index(SessionEnv *env, const Relation *rel, IndexSpec *spec, Arena *arena, Oid *index, Error *err)
{
    bool clustered = ddl_can_cluster(env, rel, spec);
    uint64_t complete_at = 0;
    TRY(column_names(spec, arena, err));
    if (!spec->name) TRY(choose_name(env, rel, spec, arena, err));
    else TRY(ddl_check_relation_name_free(env, spec->name, rel->namespace_oid, err));
    TRY(cat_new_oid(env, index, err));
    if (!spec->table_is_new && !clustered) TRY(current_sequence(env, &complete_at, err));
    TRY(insert_index_class(env, rel, spec, *index, clustered, err));
    for (int i = 0; i < spec->ncols; i++) {
        NewColumn col = {.name = spec->cols[i].name, .type = spec->cols[i].type, .typmod = spec->cols[i].typmod, .collation = spec->cols[i].collation};
        TRY(ddl_insert_attribute(env, *index, RELKIND_INDEX, i + 1, &col, arena, err));
    }
    TRY(insert_pg_index(env, rel, spec, *index, complete_at, arena, err));
    if (spec->is_constraint) TRY(insert_key_constraint(env, rel, spec, *index, arena, err));
    TRY(index_dependencies(env, rel, spec, *index, err));
    TRY(ddl_set_has_index(env, rel->oid, arena, err));
    if (spec->table_is_new) return ST_OK;
    if (clustered) return ddl_rewrite(env, rel, NULL, arena, err);
    const Relation *now;
    TRY(relation_open(env, rel->oid, LOCK_NONE, &now, err));
    const IndexInfo *ix = relation_index(now, *index);
    if (!ix) return error_set(err, ERR_INTERNAL_ERROR, "index %u is not visible", *index);
    TRY(ddl_build_index(env, now, ix, arena, err));
    return complete_at_commit(env, *index, err);
}

/* ---- the statement ---- */
static STATUS access_method(const char *name, bool unique, Oid *am, Error *err)
{
    static const char *const known[] = {"gin", "gist", "spgist", "brin"};
    *am = BTREE_AM;
    if (!name || !strcmp(name, "btree")) return ST_OK;
    if (!strcmp(name, "hash")) {
        *am = HASH_AM;
        if (unique) return error_set(err, ERR_FEATURE_NOT_SUPPORTED, "access method \"hash\" does not support unique indexes");
        return ST_OK;
    }
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (!strcmp(name, known[i])) return error_set(err, ERR_FEATURE_NOT_SUPPORTED, "index access method \"%s\" is not supported", name);
    return error_set(err, ERR_UNDEFINED_OBJECT, "access method \"%s\" does not exist", name);
}

/* The name an expression gives its index column: that of the function it calls. */
static const char *expression_name(SessionEnv *env, const Node *e)
{
    const ProcInfo *p;
    switch (nodeTag(e)) {
    case T_FuncExpr: {
        const FuncExpr *f = (const FuncExpr *)e;
        if (f->funcformat != COERCE_EXPLICIT_CALL) return list_len(f->args) ? expression_name(env, list_first(f->args)) : NULL;
        p = proc_by_oid(env, f->funcid);
        return p ? p->name : NULL;
    }
    case T_CoalesceExpr: return "coalesce";
    case T_CaseExpr: return "case";
    case T_RelabelType: return expression_name(env, (const Node *)((const RelabelType *)e)->arg);
    case T_CoerceViaIO: return expression_name(env, (const Node *)((const CoerceViaIO *)e)->arg);
    default: return NULL;
    }
}

static STATUS expression_column(CommandCall *call, const Relation *rel, const IndexElem *elem, IndexColumn *col, Error *err)
{
    SessionEnv *env = call->env;
    Node *expr;
    ExprScope scope = {.rel = rel, .sql = call->sql};
    TRY(analyze_expression(env, elem->expr, EXPR_KIND_INDEX_EXPRESSION, &scope, call->arena, &expr, err));
    if (IsA(expr, Var) && ((Var *)expr)->varattno > 0) return ddl_index_column(env, rel, ((Var *)expr)->varattno, 0, col, err);
    if (expr_contains_mutable(env, expr))
        return error_set(err, ERR_INVALID_OBJECT_DEFINITION, "functions in index expression must be marked IMMUTABLE");
    *col = (IndexColumn){.expr = expr, .type = expr_type(expr), .typmod = expr_typmod(expr), .collation = expr_collation(expr)};
    col->name = elem->indexcolname ? elem->indexcolname : expression_name(env, expr);
    return ST_OK;
}

static STATUS index_elem(CommandCall *call, const Relation *rel, const IndexElem *elem, Oid am, IndexColumn *col, Error *err)
{
    SessionEnv *env = call->env;
    const char *schema, *name;
    if (elem->name) {
        int attnum = relation_find_column(rel, elem->name);
        if (!attnum) return error_set(err, ERR_UNDEFINED_COLUMN, "column \"%s\" does not exist", elem->name);
        if (attnum < 0) return error_set(err, ERR_FEATURE_NOT_SUPPORTED, "index creation on system columns is not supported");
        TRY(ddl_index_column(env, rel, attnum, 0, col, err));
    } else {
        TRY(expression_column(call, rel, elem, col, err));
    }
    if (elem->indexcolname && elem->expr) col->name = elem->indexcolname;
    if (!am) return ST_OK; /* INCLUDE */
    if (elem->collation) {
        TRY(ddl_split_name((const Node *)elem->collation, &schema, &name, err));
        TRY(lookup_collation(env, schema, name, false, &col->collation, err));
    }
    if (elem->opclass) {
        TRY(ddl_split_name((const Node *)elem->opclass, &schema, &name, err));
        TRY(lookup_opclass(env, am, schema, name, false, &col->opclass, err));
    } else {
        TRY(default_opclass(env, am, col, err));
    }
    bool desc = elem->ordering == 2, nulls_first = elem->nulls_ordering ? elem->nulls_ordering == 1 : desc;
    col->options = (int16_t)((desc ? 1 : 0) | (nulls_first ? 2 : 0));
    return ST_OK;
}

static STATUS index_spec(CommandCall *call, const Relation *rel, const IndexStmt *stmt, IndexSpec *spec, Error *err)
{
    TRY(access_method(stmt->accessMethod, stmt->unique, &spec->am, err));
    spec->name = stmt->idxname;
    spec->unique = stmt->unique || stmt->primary;
    spec->primary = stmt->primary;
    spec->is_constraint = stmt->isconstraint;
    spec->nulls_not_distinct = stmt->nulls_not_distinct;
    spec->deferrable = stmt->deferrable;
    spec->initdeferred = stmt->initdeferred;
    TRY(ddl_reloptions(0, stmt->options, false, call->arena, &spec->reloptions, err));
    spec->nkeys = list_len(stmt->indexParams);
    if (spec->nkeys + list_len(stmt->indexIncludingParams) > MAX_INDEX_COLUMNS)
        return error_set(err, ERR_TOO_MANY_COLUMNS, "cannot use more than %d columns in an index", MAX_INDEX_COLUMNS);
    LIST_EACH(IndexElem *, elem, stmt->indexParams) TRY(index_elem(call, rel, elem, spec->am, &spec->cols[spec->ncols++], err));
    LIST_EACH(IndexElem *, elem, stmt->indexIncludingParams) {
        if (elem->expr) return error_set(err, ERR_FEATURE_NOT_SUPPORTED, "expressions are not supported in included columns");
        TRY(index_elem(call, rel, elem, 0, &spec->cols[spec->ncols++], err));
    }
    if (!stmt->whereClause) return ST_OK;
    ExprScope scope = {.rel = rel, .sql = call->sql};
    TRY(analyze_expression(call->env, stmt->whereClause, EXPR_KIND_INDEX_PREDICATE, &scope, call->arena, &spec->predicate, err));
    TRY(coerce_to_boolean(call->env, spec->predicate, "WHERE", call->arena, &spec->predicate, err));
    if (expr_contains_mutable(call->env, spec->predicate))
        return error_set(err, ERR_INVALID_OBJECT_DEFINITION, "functions in index predicate must be marked IMMUTABLE");
    return ST_OK;
}

STATUS cmd_IndexStmt(CommandCall *call, IndexStmt *stmt, Error *err)
{
    SessionEnv *env = call->env;
    const Relation *rel;
    IndexSpec *spec;
    Oid index;
    TRY(rangevar_relation(env, stmt->relation, LOCK_SHARE, false, &rel, err));
    if (rel->relkind != RELKIND_TABLE && rel->relkind != RELKIND_MATVIEW) {
        error_set(err, ERR_WRONG_OBJECT_TYPE, "cannot create index on relation \"%s\"", rel->name);
        return error_detail(err, "This operation is not supported for %s.", relkind_words(rel->relkind));
    }
    TRY(ddl_check_owner(env, rel, err));
    TRY(acl_check_object(env, REL_pg_namespace, rel->namespace_oid, ACL_CREATE, err));
    if (stmt->if_not_exists && stmt->idxname && lookup_relname_in(env, stmt->idxname, rel->namespace_oid)) {
        session_notice(env, SEV_NOTICE, ERR_DUPLICATE_TABLE, NULL, NULL, "relation \"%s\" already exists, skipping", stmt->idxname);
        return ST_OK;
    }
    TRY_NEW(spec, call->arena, err);
    TRY(index_spec(call, rel, stmt, spec, err));
    return ddl_create_index(env, rel, spec, call->arena, &index, err);
}
