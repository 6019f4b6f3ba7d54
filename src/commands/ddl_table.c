/* CREATE TABLE, its LIKE clause, and the filling of new tables from queries. */
#include <inttypes.h>
#include <stdio.h>

#include "commands/ddl_internal.h"
#include "planner/planner.h"

/* ---- LIKE ---- */
enum { LIKE_COMMENTS = 1, LIKE_COMPRESSION = 2, LIKE_CONSTRAINTS = 4, LIKE_DEFAULTS = 8, LIKE_GENERATED = 16, LIKE_IDENTITY = 32, LIKE_INDEXES = 64,
       LIKE_STATISTICS = 128, LIKE_STORAGE = 256 };

typedef struct ColumnList { NewColumn *v; int n, cap; } ColumnList;
typedef struct LikeUse { const Relation *rel; uint32_t options; int first; } LikeUse;

typedef struct TableBuild {
    CommandCall *call;
    SessionEnv *env;
    Arena *arena;
    const char *sql, *name;
    Oid nsp, owner, oid;
    char persistence;
    ColumnList cols;
    TableParts parts;
    LikeUse likes[16];
    int nlikes;
    Oid *sequences;          /* per column */
} TableBuild;

static STATUS push_column(TableBuild *b, NewColumn **out, Error *err)
{
    if (b->cols.n == b->cols.cap) {
        int cap = b->cols.cap ? b->cols.cap * 2 : 16;
        NewColumn *v;
        TRY_NEW_N(v, b->arena, cap, err);
        if (b->cols.n) memcpy(v, b->cols.v, (size_t)b->cols.n * sizeof *v);
        b->cols.v = v;
        b->cols.cap = cap;
    }
    *out = &b->cols.v[b->cols.n++];
    **out = (NewColumn){.typmod = -1};
    return ST_OK;
}

/* Identity options of a copied column: those of the original's sequence. */
static STATUS sequence_options(SessionEnv *env, Oid sequence, Arena *arena, const List **out, Error *err)
{
    const void *form;
    List *list = NULL;
    TRY(cat_get_by_oid(env, REL_pg_sequence, IDX_sequence_seqrelid, sequence, arena, &form, err));
    if (!form) return ST_OK;
    const Form_pg_sequence *f = form;
    const struct { const char *name; int64_t value; } items[] = {{"increment", f->seqincrement}, {"minvalue", f->seqmin}, {"maxvalue", f->seqmax},
                                                               {"start", f->seqstart}, {"cache", f->seqcache}};
    for (size_t i = 0; i < sizeof items / sizeof items[0]; i++) {
        DefElem *item;
        TRY_NODE(item, DefElem, arena, err);
        item->defname = (char *)items[i].name;
        item->arg = (Node *)ddl_string(arena, arena_printf(arena, "%" PRId64, items[i].value));
        TRY_MEM(item->arg, err);
        TRY_APPEND(list, arena, item, err);
    }
    *out = list;
    return ST_OK;
}

static STATUS like_columns(TableBuild *b, const LikeUse *like, Error *err)
{
    const Relation *rel = like->rel;
    for (int i = 0; i < rel->desc->natts; i++) {
        const Attribute *a = &rel->desc->atts[i];
        const ColumnInfo *info = rel->columns ? &rel->columns[i] : NULL;
        NewColumn *col;
        if (a->dropped) continue;
        TRY(push_column(b, &col, err));
        *col = (NewColumn){.name = a->name, .type = a->type, .typmod = a->typmod, .collation = a->collation, .not_null = a->not_null};
        if (!info) continue;
        bool generated = info->generated != 0;
        if (info->default_expr && (like->options & (generated ? LIKE_GENERATED : LIKE_DEFAULTS))) {
            col->cooked_default = info->default_expr;
            col->generated = info->generated;
        }
        if (info->identity && (like->options & LIKE_IDENTITY)) {
            col->identity = info->identity;
            if (info->owned_sequence) TRY(sequence_options(b->env, info->owned_sequence, b->arena, &col->identity_options, err));
        }
    }
    return ST_OK;
}

static STATUS add_like(TableBuild *b, const TableLikeClause *clause, Error *err)
{
    const Relation *rel;
    int location = clause->relation->location;
    if (failed(rangevar_relation(b->env, clause->relation, LOCK_ACCESS_SHARE, false, &rel, err))) return ddl_at(b->sql, location, err);
    if (!strchr("rvmcfp", rel->relkind)) {
        error_set(err, ERR_WRONG_OBJECT_TYPE, "relation \"%s\" is invalid in LIKE clause", rel->name);
        error_detail(err, "This operation is not supported for %s.", relkind_words(rel->relkind));
        return ddl_at(b->sql, location, err);
    }
    TRY(acl_check_relation(b->env, rel->oid, ACL_SELECT, false, err));
    if (b->nlikes == 16) return error_set(err, ERR_FEATURE_NOT_SUPPORTED, "more than 16 LIKE clauses are not supported");
    b->likes[b->nlikes] = (LikeUse){rel, clause->options, b->cols.n};
    return like_columns(b, &b->likes[b->nlikes++], err);
}

/* attnum in the new table of a column of the copied one */
static int like_attnum(const LikeUse *like, int attnum)
{
    int at = like->first;
    for (int i = 0; i < attnum - 1; i++) at += !like->rel->desc->atts[i].dropped;
    return at + 1;
}

typedef struct Remap { const LikeUse *like; Arena *arena; } Remap;
static Node *remap_vars(Node *node, void *arg)
{
    Remap *r = arg;
    if (!node) return NULL;
    if (IsA(node, Var)) {
        Var *v = node_copy(node, r->arena);
        if (v && v->varattno > 0) v->varattno = like_attnum(r->like, v->varattno);
        return (Node *)v;
    }
    return node_mutate(node, remap_vars, arg, r->arena);
}

static STATUS like_checks(TableBuild *b, const LikeUse *like, Error *err)
{
    Remap remap = {like, b->arena};
    for (int i = 0; i < like->rel->nconstraints; i++) {
        const ConstraintInfo *c = &like->rel->constraints[i];
        Form_pg_constraint f;
        int16_t keys[MAX_INDEX_COLUMNS];
        int n = c->nkeys < MAX_INDEX_COLUMNS ? c->nkeys : MAX_INDEX_COLUMNS;
        if (c->contype != 'c') continue;
        Node *expr = remap_vars(c->expr, &remap);
        TRY_MEM(expr, err);
        for (int k = 0; k < n; k++) keys[k] = (int16_t)like_attnum(like, c->keys[k]);
        cat_constraint_defaults(&f);
        TRY(cat_new_oid(b->env, &f.oid, err));
        f.conname = c->name;
        f.connamespace = b->nsp;
        f.contype = 'c';
        f.conrelid = b->oid;
        if (n) f.conkey = cat_int2_array(b->arena, keys, n);
        TRY(ddl_node_text(expr, b->arena, &f.conbin, err));
        TRY(cat_insert(b->env, REL_pg_constraint, &f, err));
        ObjectAddress me = address(REL_pg_constraint, f.oid, 0);
        for (int k = 0; k < n; k++) TRY(depend_add(b->env, me, address(REL_pg_class, b->oid, keys[k]), DEPEND_AUTO, err));
        Form_pg_class cls;
        TRY(ddl_class(b->env, b->oid, b->arena, &cls, err));
        cls.relchecks++;
        TRY(cat_update(b->env, REL_pg_class, &cls, err));
    }
    return ST_OK;
}

static STATUS like_indexes(TableBuild *b, const LikeUse *like, Error *err)
{
    Remap remap = {like, b->arena};
    for (int i = 0; i < like->rel->nindexes; i++) {
        const IndexInfo *ix = &like->rel->indexes[i];
        const Relation *rel;
        IndexSpec *spec;
        Oid index;
        int nexpr = 0;
        TRY_NEW(spec, b->arena, err);
        TRY(relation_open(b->env, b->oid, LOCK_NONE, &rel, err));
        *spec = (IndexSpec){.am = ix->am, .ncols = ix->def.ncolumns, .nkeys = ix->nkeyatts, .unique = ix->unique, .primary = ix->primary,
                            .deferrable = !ix->immediate, .nulls_not_distinct = ix->def.nulls_not_distinct, .table_is_new = true};
        for (int k = 0; k < like->rel->nconstraints; k++) {
            const ConstraintInfo *c = &like->rel->constraints[k];
            if (c->index != ix->oid || c->contype == 'f') continue;
            spec->is_constraint = true;
            spec->initdeferred = c->deferred;
        }
        Form_pg_class cls;
        TRY(ddl_class(b->env, ix->oid, b->arena, &cls, err));
        spec->reloptions = cls.reloptions;
        for (int k = 0; k < spec->ncols; k++) {
            const Attribute *a = &ix->def.desc->atts[k];
            spec->cols[k] = (IndexColumn){.name = a->name, .type = a->type, .typmod = a->typmod, .collation = a->collation};
            if (ix->attnums[k]) spec->cols[k].attnum = like_attnum(like, ix->attnums[k]);
            else spec->cols[k].expr = remap_vars(ix->exprs[nexpr++], &remap);
            if (k < ix->nkeyatts) {
                spec->cols[k].opclass = ix->opclasses[k];
                spec->cols[k].options = ix->options[k];
            }
        }
        if (ix->predicate) spec->predicate = remap_vars(ix->predicate, &remap);
        TRY(ddl_create_index(b->env, rel, spec, b->arena, &index, err));
    }
    return ST_OK;
}

static STATUS like_comments(TableBuild *b, const LikeUse *like, Error *err)
{
    for (int i = 0; i < like->rel->desc->natts; i++) {
        const char *text = like->rel->desc->atts[i].dropped ? NULL : cat_comment(b->env, REL_pg_class, like->rel->oid, i + 1, b->arena);
        if (text) TRY(cat_set_comment(b->env, REL_pg_class, b->oid, like_attnum(like, i + 1), text, err));
    }
    return ST_OK;
}

/* ---- the pieces of the statement ---- */
static STATUS read_elements(TableBuild *b, const List *elements, Error *err)
{
    LIST_EACH(Node *, elem, elements) {
        NewColumn *col;
        if (IsA(elem, ColumnDefinition)) {
            TRY(push_column(b, &col, err));
            TRY(ddl_column_definition(b->env, (ColumnDefinition *)elem, b->name, b->sql, b->arena, col, &b->parts, err));
        } else if (IsA(elem, TableLikeClause)) {
            TRY(add_like(b, (TableLikeClause *)elem, err));
        } else {
            ConstraintDefinition *c = (ConstraintDefinition *)elem;
            List **list = c->contype == CONSTR_CHECK ? &b->parts.checks : c->contype == CONSTR_FOREIGN ? &b->parts.foreign : &b->parts.keys;
            if (c->contype == CONSTR_EXCLUSION) return error_set(err, ERR_FEATURE_NOT_SUPPORTED, "exclusion constraints are not supported");
            TRY_APPEND(*list, b->arena, c, err);
        }
    }
    return ST_OK;
}

static STATUS make_sequences(TableBuild *b, Error *err)
{
    TRY_NEW_N(b->sequences, b->arena, b->cols.n + 1, err);
    for (int i = 0; i < b->cols.n; i++) {
        NewColumn *col = &b->cols.v[i];
        if (!col->serial_type && !col->identity) continue;
        TRY(ddl_column_sequence(b->env, b->nsp, b->persistence, b->owner, b->name, col, b->arena, &b->sequences[i], err));
    }
    return ST_OK;
}

static STATUS own_sequences(TableBuild *b, Error *err)
{
    for (int i = 0; i < b->cols.n; i++)
        if (b->sequences[i])
            TRY(ddl_own_sequence(b->env, b->sequences[i], b->oid, i + 1, b->cols.v[i].identity ? DEPEND_INTERNAL : DEPEND_AUTO, err));
    return ST_OK;
}

static STATUS store_defaults(TableBuild *b, Error *err)
{
    const Relation *rel;
    TRY(relation_open(b->env, b->oid, LOCK_NONE, &rel, err));
    for (int i = 0; i < b->cols.n; i++) {
        const NewColumn *col = &b->cols.v[i];
        Node *expr;
        if (!col->raw_default && !col->cooked_default) continue;
        TRY(ddl_cook_default(b->env, rel, col, b->sql, b->arena, &expr, err));
        if (!col->generated && IsA(expr, Const) && ((Const *)expr)->constisnull) continue; /* DEFAULT NULL is no default */
        TRY(ddl_store_default(b->env, b->oid, i + 1, expr, col->generated, b->arena, err));
    }
    return ST_OK;
}

static STATUS duplicate_check_names(const TableBuild *b, Error *err)
{
    LIST_EACH(ConstraintDefinition *, c, b->parts.checks)
        for (int j = 0; j < c_i; j++) {
            const ConstraintDefinition *other = list_at(b->parts.checks, j);
            if (c->conname && other->conname && !strcmp(c->conname, other->conname))
                return error_set(err, ERR_DUPLICATE_OBJECT, "check constraint \"%s\" already exists", c->conname);
        }
    return ST_OK;
}

static bool same_key(const ConstraintDefinition *a, const ConstraintDefinition *b)
{
    return node_equal(a->keys, b->keys) && node_equal(a->including, b->including) && a->deferrable == b->deferrable && a->initdeferred == b->initdeferred &&
           a->nulls_not_distinct == b->nulls_not_distinct;
}

/* The primary key first, then the others in order; a UNIQUE that repeats an earlier key is left out, as PostgreSQL does. */
static STATUS add_keys(TableBuild *b, Error *err)
{
    int primaries = 0;
    List *done = NULL;
    LIST_EACH(ConstraintDefinition *, c, b->parts.keys) {
        primaries += c->contype == CONSTR_PRIMARY;
        if (primaries < 2) continue;
        error_set(err, ERR_INVALID_TABLE_DEFINITION, "multiple primary keys for table \"%s\" are not allowed", b->name);
        return ddl_at(b->sql, c->location, err);
    }
    for (int pass = 0; pass < 2; pass++)
        LIST_EACH(ConstraintDefinition *, c, b->parts.keys) {
            bool repeated = false;
            if ((c->contype == CONSTR_PRIMARY) != (pass == 0)) continue;
            LIST_EACH(ConstraintDefinition *, old, done) repeated = repeated || (same_key(old, c) && (!c->conname || !old->conname));
            if (repeated) continue;
            TRY_APPEND(done, b->arena, c, err);
            TRY(ddl_add_key(b->env, b->oid, c, b->sql, true, b->arena, err));
        }
    return ST_OK;
}

static STATUS build_table(TableBuild *b, const CreateStmt *stmt, Error *err)
{
    NewRelation def = {.name = b->name, .namespace_oid = b->nsp, .owner = b->owner, .relkind = RELKIND_TABLE, .persistence = b->persistence};
    TRY(read_elements(b, stmt->tableElts, err));
    TRY(duplicate_check_names(b, err));
    TRY(ddl_reloptions(0, stmt->options, false, b->arena, &def.reloptions, err));
    TRY(ddl_check_relation_name_free(b->env, b->name, b->nsp, err));
    TRY(make_sequences(b, err));
    def.ncols = b->cols.n;
    def.cols = b->cols.v;
    TRY(ddl_create_relation(b->env, &def, b->arena, &b->oid, err));
    TRY(own_sequences(b, err));
    TRY(store_defaults(b, err));
    LIST_EACH(ConstraintDefinition *, c, b->parts.checks) TRY(ddl_add_check(b->env, b->oid, c, b->sql, false, b->arena, err));
    TRY(add_keys(b, err));
    for (int i = 0; i < b->nlikes; i++) {
        if (b->likes[i].options & LIKE_CONSTRAINTS) TRY(like_checks(b, &b->likes[i], err));
        if (b->likes[i].options & LIKE_INDEXES) TRY(like_indexes(b, &b->likes[i], err));
        if (b->likes[i].options & LIKE_COMMENTS) TRY(like_comments(b, &b->likes[i], err));
    }
    LIST_EACH(ConstraintDefinition *, c, b->parts.foreign) {
        ConstraintDefinition copy = *c;
        copy.skip_validation = false;
        TRY(ddl_add_foreign_key(b->env, b->oid, &copy, false, b->arena, err));
    }
    return ST_OK;
}

/* ---- ON COMMIT of temporary tables ---- */
typedef struct OnCommit { SessionEnv *env; Oid relation; bool drop; struct OnCommit *next; } OnCommit;

static STATUS empty_table(SessionEnv *env, const Relation *rel, Error *err)
{
    Arena tmp;
    arena_init(&tmp, env->account, 0);
    Status st = ddl_new_storage(env, rel, true, &tmp, err);
    arena_destroy(&tmp);
    return st;
}

static STATUS run_on_commit(OnCommit *oc, Error *err)
{
    const Relation *rel;
    if (!oc->relation) return ST_OK;
    TRY(relation_try_open(oc->env, oc->relation, LOCK_NONE, &rel, err));
    if (!rel) { /* dropped, or its creation was undone */
        oc->relation = 0;
        return ST_OK;
    }
    return oc->drop ? ddl_drop_one(oc->env, address(REL_pg_class, oc->relation, 0), DROP_CASCADE, err) : empty_table(oc->env, rel, err);
}

STATUS commands_before_commit(SessionEnv *env, Error *err)
{
    for (OnCommit *oc = env->command_state; oc; oc = oc->next) TRY(run_on_commit(oc, err));
    return ST_OK;
}

/* The transaction that makes the table, for which the session's list may come too late. */
static Status on_commit(void *arg, Txn *txn, TxnEvent event, int level UNUSED, Error *err)
{
    OnCommit *oc = arg;
    if (event != TXN_PRE_COMMIT) return ST_OK;
    Txn *outer = oc->env->txn; /* the session may have let go of it already */
    oc->env->txn = txn;
    Status st = run_on_commit(oc, err);
    oc->env->txn = outer;
    return st;
}

static STATUS register_on_commit(SessionEnv *env, Oid relation, int action, Error *err)
{
    if (action < 2) return ST_OK;
    OnCommit *oc = arena_alloc(env->arena, sizeof *oc); /* few and small: they live with the session */
    TRY_MEM(oc, err);
    *oc = (OnCommit){env, relation, action == 3, env->command_state};
    env->command_state = oc;
    return txn_on_event(env->txn, on_commit, oc, err);
}

static STATUS check_unsupported(const CreateStmt *stmt, Error *err)
{
    if (stmt->partspec || stmt->partbound) return error_set(err, ERR_FEATURE_NOT_SUPPORTED, "partitioned tables are not supported");
    if (stmt->inhRelations) return error_unsupported(err, "table inheritance");
    if (stmt->ofTypename) return error_set(err, ERR_FEATURE_NOT_SUPPORTED, "typed tables (CREATE TABLE ... OF) are not supported");
    if (stmt->accessMethod && strcmp(stmt->accessMethod, "heap"))
        return error_set(err, ERR_UNDEFINED_OBJECT, "access method \"%s\" does not exist", stmt->accessMethod);
    if (stmt->tablespacename && strcmp(stmt->tablespacename, "pg_default"))
        return error_set(err, ERR_UNDEFINED_OBJECT, "tablespace \"%s\" does not exist", stmt->tablespacename);
    if (stmt->oncommit >= 2 && stmt->relation->relpersistence != 't')
        return error_set(err, ERR_INVALID_TABLE_DEFINITION, "ON COMMIT can only be used on temporary tables");
    return ST_OK;
}

STATUS cmd_CreateStmt(CommandCall *call, CreateStmt *stmt, Error *err)
{
    SessionEnv *env = call->env;
    const RangeVar *rv = stmt->relation;
    TableBuild *b;
    TRY(check_unsupported(stmt, err));
    TRY_NEW(b, call->arena, err);
    *b = (TableBuild){.call = call, .env = env, .arena = call->arena, .sql = call->sql, .name = rv->relname, .owner = env->current_user};
    if (failed(ddl_creation_namespace(env, rv->catalogname, rv->schemaname, rv->relpersistence == 't', &b->nsp, err)))
        return err && err->code == ERR_INSUFFICIENT_PRIVILEGE ? ST_FAILED : ddl_at(call->sql, rv->location, err);
    b->persistence = b->nsp == temp_namespace_of(env) ? 't' : rv->relpersistence ? rv->relpersistence : 'p';
    if (stmt->if_not_exists && lookup_relname_in(env, b->name, b->nsp)) {
        session_notice(env, SEV_NOTICE, ERR_DUPLICATE_TABLE, NULL, NULL, "relation \"%s\" already exists, skipping", b->name);
        return ST_OK;
    }
    TRY(build_table(b, stmt, err));
    return register_on_commit(env, b->oid, stmt->oncommit, err);
}

/* ---- filling from a query ---- */
typedef struct FillSink { RowSink base; RowWriter *writer; TupleSlot *row; } FillSink;
static Status fill_start(RowSink *base UNUSED, const TupleDesc *desc UNUSED, Error *err UNUSED) { return ST_OK; }
static Status fill_finish(RowSink *base UNUSED, Error *err UNUSED) { return ST_OK; }
static Status fill_row(RowSink *base, TupleSlot *slot, bool *more, Error *err)
{
    FillSink *sink = (FillSink *)base;
    int n = sink->row->desc->natts;
    *more = true;
    TRY(slot_decode(slot, n, err));
    memcpy(sink->row->values, slot->values, (size_t)n * sizeof(Datum));
    memcpy(sink->row->nulls, slot->nulls, (size_t)n * sizeof(bool));
    slot_store_virtual(sink->row);
    return row_writer_insert(sink->writer, sink->row, err);
}

STATUS ddl_fill_from_query(SessionEnv *env, const Query *query, const ParamList *params, Oid relation, Arena *arena, uint64_t *rows, Error *err)
{
    const Relation *rel;
    PlannedStmt *plan;
    Snapshot *snap = NULL, *outer = env->snapshot;
    Execution *ex = NULL;
    FillSink sink = {.base = {fill_start, fill_row, fill_finish}};
    bool at_end;
    Query *copy = node_copy(query, arena); /* planning consumes it */
    TRY_MEM(copy, err);
    TRY(relation_open(env, relation, LOCK_NONE, &rel, err));
    sink.row = slot_new(arena, rel->desc);
    TRY_MEM(sink.row, err);
    TRY(plan_query(env, copy, params, 0, arena, &plan, err));
    TRY(row_writer_open(env, rel, env->account, &sink.writer, err));
    Status st = snapshot_take_fresh(env->txn, &snap, err);
    if (failed(st)) goto done;
    env->snapshot = snap;
    ExecOptions opt = {.params = params, .snapshot = snap};
    TRY_GOTO(st, exec_open(env, plan, &opt, &ex, err), done);
    st = exec_run(ex, false, 0, &sink.base, rows, &at_end, err);
done:
    st = first_error(st, exec_close(ex, err));
    env->snapshot = outer;
    snapshot_release(snap);
    return first_error(st, row_writer_close(sink.writer, err));
}
