/* Building a relation's descriptor from its catalog rows. */
#include <assert.h>
#include <stdlib.h>

#include "catalog/catalog_internal.h"

typedef struct Builder {
    SessionEnv *env;
    Arena *arena; /* of the descriptor */
    Arena tmp;    /* of the rows read */
    Relation *rel;
    const Form_pg_class *cls;
    ColumnDef *cols;
} Builder;

typedef STATUS (*RowFn)(Builder *b, const void *form, void *arg, Error *err);

/* Calls fn for each row of catalog whose index starts with the key(s). */
static STATUS each_row(Builder *b, Oid catalog, Oid index, int nkeys, const Datum *keys, RowFn fn, void *arg, Error *err)
{
    CatScan *scan = NULL;
    const void *form;
    Status st = cat_scan_open(b->env, catalog, index, nkeys, keys, &b->tmp, &scan, err);
    while (!failed(st)) {
        st = cat_scan_next(scan, &form, err);
        if (failed(st) || !form) break;
        st = fn(b, form, arg, err);
    }
    cat_scan_close(scan);
    return st;
}

static STATUS read_expr(Builder *b, const char *text, Node **out, Error *err)
{
    *out = NULL;
    return text ? node_read(slice_cstr(text), b->arena, out, err) : ST_OK;
}

static STATUS keep_string(Builder *b, const char *s, const char **out, Error *err)
{
    *out = arena_strdup(b->arena, s);
    return s && !*out ? error_out_of_memory(err, 0) : ST_OK;
}

static StorePlace place_of(const Form_pg_class *c)
{
    return c->relpersistence == 't' ? STORE_TEMP : c->relisshared ? STORE_GLOBAL : STORE_DATABASE;
}

/* ---- columns ---- */

/* A dropped column's type may be gone; its bytes in old rows are skipped as those of a type with the same shape. */
static const TypeInfo *stand_in_type(const Form_pg_attribute *f)
{
    static const struct { int16_t len; Oid type; } shapes[] = {
        {1, TYPE_bool}, {2, TYPE_int2}, {4, TYPE_int4}, {8, TYPE_int8}, {12, TYPE_timetz}, {16, TYPE_uuid}};
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++)
        if (shapes[i].len == f->attlen) return type_builtin(shapes[i].type);
    return type_builtin(TYPE_text);
}

static STATUS add_column(Builder *b, const void *form, void *arg UNUSED, Error *err)
{
    const Form_pg_attribute *f = form;
    const TypeInfo *type = NULL;
    if (f->attnum < 1 || f->attnum > b->rel->desc->natts) return ST_OK;
    Attribute *a = &b->rel->desc->atts[f->attnum - 1];
    ColumnDef *col = &b->cols[f->attnum - 1];
    ColumnInfo *info = &b->rel->columns[f->attnum - 1];
    const char *name;
    TRY(keep_string(b, f->attname, &name, err));
    if (f->attisdropped) type = stand_in_type(f);
    else TRY(type_require(b->env, f->atttypid, &type, err));
    attribute_set(a, name, type, f->atttypmod);
    if (f->attisdropped) a->type = 0;
    a->collation = f->attcollation;
    a->not_null = f->attnotnull;
    a->dropped = f->attisdropped;
    a->origin_table = b->rel->oid;
    a->origin_attnum = f->attnum;
    info->identity = f->attidentity;
    info->generated = f->attgenerated;
    info->has_default = f->atthasdef;
    col->type = type;
    col->dropped = f->attisdropped;
    if (f->atthasmissing) {
        col->has_missing = true;
        col->missing_null = !f->attmissingval;
        if (f->attmissingval) TRY(cat_array_first(b->arena, f->attmissingval, type, &col->missing, err));
    }
    return ST_OK;
}

static STATUS add_default(Builder *b, const void *form, void *arg UNUSED, Error *err)
{
    const Form_pg_attrdef *f = form;
    if (f->adnum < 1 || f->adnum > b->rel->desc->natts) return ST_OK;
    b->rel->columns[f->adnum - 1].has_default = true;
    return read_expr(b, f->adbin, &b->rel->columns[f->adnum - 1].default_expr, err);
}

static STATUS build_columns(Builder *b, Error *err)
{
    int n = b->cls->relnatts;
    Datum key = datum_oid(b->rel->oid);
    b->rel->desc = tupledesc_new(b->arena, n);
    TRY_MEM(b->rel->desc, err);
    b->rel->desc->row_type = b->cls->reltype;
    TRY_NEW_N(b->rel->columns, b->arena, n ? n : 1, err);
    TRY_NEW_N(b->cols, b->arena, n ? n : 1, err);
    TRY(each_row(b, REL_pg_attribute, IDX_attribute_relid_attnum, 1, &key, add_column, NULL, err));
    for (int i = 0; i < n; i++)
        if (!b->cols[i].type) return error_set(err, ERR_INTERNAL_ERROR, "pg_attribute catalog is missing attribute(s) for relation OID %u", b->rel->oid);
    return each_row(b, REL_pg_attrdef, IDX_attrdef_adrelid_adnum, 1, &key, add_default, NULL, err);
}

/* ---- indexes ---- */
static STATUS build_index_columns(Builder *b, const Form_pg_index *f, IndexInfo *ix, Error *err)
{
    int n = f->indkey.n, nexpr = 0;
    CatScan *scan = NULL;
    const void *form;
    Datum key = datum_oid(f->indexrelid);
    TupleDesc *desc = tupledesc_new(b->arena, n);
    ColumnDef *cols;
    TRY_MEM(desc, err);
    TRY_NEW_N(cols, b->arena, n, err);
    Status st = cat_scan_open(b->env, REL_pg_attribute, IDX_attribute_relid_attnum, 1, &key, &b->tmp, &scan, err);
    while (!failed(st)) {
        const TypeInfo *type = NULL;
        const char *name;
        st = cat_scan_next(scan, &form, err);
        if (failed(st) || !form) break;
        const Form_pg_attribute *a = form;
        if (a->attnum < 1 || a->attnum > n) continue;
        TRY_GOTO(st, type_require(b->env, a->atttypid, &type, err), done);
        TRY_GOTO(st, keep_string(b, a->attname, &name, err), done);
        attribute_set(&desc->atts[a->attnum - 1], name, type, a->atttypmod);
        desc->atts[a->attnum - 1].collation = a->attcollation;
        cols[a->attnum - 1].type = type;
    }
done:
    cat_scan_close(scan);
    TRY(st);
    for (int i = 0; i < n; i++) {
        nexpr += f->indkey.v[i] == 0;
        if (!cols[i].type) return error_set(err, ERR_INTERNAL_ERROR, "pg_attribute catalog is missing attribute(s) for relation OID %u", ix->oid);
    }
    ix->def.desc = desc;
    ix->def.columns = cols;
    ix->def.ncolumns = n;
    if (!nexpr) return ST_OK;
    TRY_NEW_N(ix->exprs, b->arena, nexpr, err);
    Node *list;
    TRY(read_expr(b, f->indexprs, &list, err));
    if (!list || nodeTag(list) != T_List || ((List *)list)->len < nexpr) {
        if (nexpr == 1 && list && nodeTag(list) != T_List) {
            ix->exprs[0] = list;
            return ST_OK;
        }
        return error_set(err, ERR_DATA_CORRUPTED, "too few entries in indexprs list of index %u", ix->oid);
    }
    for (int i = 0; i < nexpr; i++) ix->exprs[i] = list_at((List *)list, i);
    return ST_OK;
}

static STATUS add_index(Builder *b, const void *form, void *arg UNUSED, Error *err)
{
    const Form_pg_index *f = form;
    const void *cls_form;
    if (!f->indislive) return ST_OK;
    TRY(cat_get_by_oid(b->env, REL_pg_class, IDX_class_oid, f->indexrelid, &b->tmp, &cls_form, err));
    if (!cls_form) return error_set(err, ERR_INTERNAL_ERROR, "cache lookup failed for relation %u", f->indexrelid);
    const Form_pg_class *c = cls_form;
    IndexInfo *ix = &b->rel->indexes[b->rel->nindexes];
    *ix = (IndexInfo){.oid = f->indexrelid, .namespace_oid = c->relnamespace, .am = c->relam, .nkeyatts = f->indnkeyatts,
                      .unique = f->indisunique, .primary = f->indisprimary, .valid = f->indisvalid, .ready = f->indisready,
                      .immediate = f->indimmediate, .clustered_key = f->indisprimary && !c->relfilenode};
    TRY(keep_string(b, c->relname, &ix->name, err));
    TRY(build_index_columns(b, f, ix, err));
    int n = f->indkey.n;
    ix->attnums = arena_memdup(b->arena, f->indkey.v, (size_t)n * sizeof(int16_t));
    ix->options = arena_memdup(b->arena, f->indoption.v, (size_t)f->indoption.n * sizeof(int16_t));
    ix->opclasses = arena_memdup(b->arena, f->indclass.v, (size_t)f->indclass.n * sizeof(Oid));
    ix->collations = arena_memdup(b->arena, f->indcollation.v, (size_t)f->indcollation.n * sizeof(Oid));
    TRY_MEM(ix->attnums, err);
    TRY_MEM(ix->options, err);
    TRY_MEM(ix->opclasses, err);
    TRY_MEM(ix->collations, err);
    TRY(read_expr(b, f->indpred, &ix->predicate, err));
    KeyPart *key;
    TRY_NEW_N(key, b->arena, n, err);
    for (int i = 0; i < f->indnkeyatts; i++) {
        int16_t option = i < f->indoption.n ? f->indoption.v[i] : 0;
        key[i] = (KeyPart){.column = i, .descending = option & 1, .nulls_first = (option & 2) != 0, .type = ix->def.columns[i].type};
    }
    ix->def.storage_id = ix->clustered_key ? b->cls->relfilenode : c->relfilenode;
    ix->def.relid = ix->oid;
    ix->def.table = &b->rel->def;
    ix->def.nkey = f->indnkeyatts;
    ix->def.key = key;
    ix->def.unique = f->indisunique;
    ix->def.nulls_not_distinct = f->indnullsnotdistinct;
    ix->def.deferrable = !f->indimmediate;
    ix->def.complete_at = (uint64_t)f->x_complete_at;
    if (ix->clustered_key) { /* the table is ordered by these columns themselves */
        KeyPart *table_key = arena_memdup(b->arena, key, (size_t)n * sizeof *key);
        TRY_MEM(table_key, err);
        for (int i = 0; i < n; i++) table_key[i].column = f->indkey.v[i] - 1;
        b->rel->def.nkey = f->indnkeyatts;
        b->rel->def.key = table_key;
    }
    b->rel->nindexes++;
    return ST_OK;
}

static STATUS count_row(Builder *b UNUSED, const void *form UNUSED, void *arg, Error *err UNUSED)
{
    ++*(int *)arg;
    return ST_OK;
}

static int compare_indexes(const void *a, const void *b) /* by oid; the primary key keeps its place, planners do not care */
{
    const IndexInfo *x = a, *y = b;
    return x->oid < y->oid ? -1 : x->oid > y->oid;
}

static STATUS build_indexes(Builder *b, Error *err)
{
    Datum key = datum_oid(b->rel->oid);
    int n = 0;
    TRY(each_row(b, REL_pg_index, IDX_index_indrelid, 1, &key, count_row, &n, err));
    if (!n) return ST_OK;
    TRY_NEW_N(b->rel->indexes, b->arena, n, err);
    TRY(each_row(b, REL_pg_index, IDX_index_indrelid, 1, &key, add_index, NULL, err));
    qsort(b->rel->indexes, (size_t)b->rel->nindexes, sizeof *b->rel->indexes, compare_indexes);
    return ST_OK;
}

/* ---- constraints ---- */
static STATUS fill_constraint(Builder *b, const Form_pg_constraint *f, ConstraintInfo *c, Error *err)
{
    int nref = 0;
    *c = (ConstraintInfo){.oid = f->oid, .contype = f->contype, .deferrable = f->condeferrable, .deferred = f->condeferred,
                          .validated = f->convalidated, .no_inherit = f->connoinherit, .index = f->conindid,
                          .ref_relation = f->confrelid, .match = f->confmatchtype, .on_update = f->confupdtype,
                          .on_delete = f->confdeltype};
    TRY(keep_string(b, f->conname, &c->name, err));
    if (f->conkey) TRY(cat_get_int2s(b->arena, f->conkey, &c->keys, &c->nkeys, err));
    if (f->confkey) TRY(cat_get_int2s(b->arena, f->confkey, &c->ref_keys, &nref, err));
    if (f->confdelsetcols) TRY(cat_get_int2s(b->arena, f->confdelsetcols, &c->set_cols, &c->n_set_cols, err));
    return f->contype == 'c' ? read_expr(b, f->conbin, &c->expr, err) : ST_OK;
}

static STATUS add_constraint(Builder *b, const void *form, void *arg UNUSED, Error *err)
{
    return fill_constraint(b, form, &b->rel->constraints[b->rel->nconstraints++], err);
}

static int compare_constraints(const void *a, const void *b) /* checks run in the order of their names */
{
    return strcmp(((const ConstraintInfo *)a)->name, ((const ConstraintInfo *)b)->name);
}

static STATUS build_constraints(Builder *b, Error *err)
{
    Datum key = datum_oid(b->rel->oid);
    int n = 0;
    TRY(each_row(b, REL_pg_constraint, IDX_constraint_conrelid_contypid_conname, 1, &key, count_row, &n, err));
    if (!n) return ST_OK;
    TRY_NEW_N(b->rel->constraints, b->arena, n, err);
    TRY(each_row(b, REL_pg_constraint, IDX_constraint_conrelid_contypid_conname, 1, &key, add_constraint, NULL, err));
    qsort(b->rel->constraints, (size_t)b->rel->nconstraints, sizeof *b->rel->constraints, compare_constraints);
    return ST_OK;
}

/* ---- what depends on this relation: foreign keys that point here, sequences that its columns own ---- */
static STATUS add_dependent(Builder *b, const void *form, void *arg, Error *err)
{
    const Form_pg_depend *d = form;
    PtrVec *keys = arg;
    const void *f;
    if (d->classid == REL_pg_constraint) {
        TRY(cat_get_by_oid(b->env, REL_pg_constraint, IDX_constraint_oid, d->objid, &b->tmp, &f, err));
        const Form_pg_constraint *c = f;
        if (!c || c->contype != 'f' || c->confrelid != b->rel->oid) return ST_OK;
        for (int i = 0; i < keys->len; i++)
            if (((const ConstraintInfo *)keys->v[i])->oid == c->oid) return ST_OK;
        ConstraintInfo *ci;
        TRY_NEW(ci, b->arena, err);
        TRY(fill_constraint(b, c, ci, err));
        ci->oid = c->oid;
        if (!ptrvec_push(keys, b->arena, ci)) return error_out_of_memory(err, 0);
        Oid *owner = (Oid *)arena_alloc(b->arena, sizeof *owner);
        TRY_MEM(owner, err);
        *owner = c->conrelid;
        if (!ptrvec_push(keys, b->arena, owner)) return error_out_of_memory(err, 0);
        return ST_OK;
    }
    if (d->classid != REL_pg_class || d->refobjsubid < 1 || d->refobjsubid > b->rel->desc->natts) return ST_OK;
    if (d->deptype != 'a' && d->deptype != 'i') return ST_OK;
    TRY(cat_get_by_oid(b->env, REL_pg_class, IDX_class_oid, d->objid, &b->tmp, &f, err));
    if (f && ((const Form_pg_class *)f)->relkind == 'S') b->rel->columns[d->refobjsubid - 1].owned_sequence = d->objid;
    return ST_OK;
}

static STATUS build_dependents(Builder *b, Error *err)
{
    Datum keys[2] = {datum_oid(REL_pg_class), datum_oid(b->rel->oid)};
    PtrVec found = {0}; /* pairs: constraint, pointer to the referencing relation's oid */
    TRY(each_row(b, REL_pg_depend, IDX_depend_reference, 2, keys, add_dependent, &found, err));
    if (!found.len) return ST_OK;
    b->rel->nreferencing = found.len / 2;
    TRY_NEW_N(b->rel->referencing, b->arena, b->rel->nreferencing, err);
    for (int i = 0; i < b->rel->nreferencing; i++) {
        b->rel->referencing[i].constraint = found.v[2 * i];
        b->rel->referencing[i].relation = *(const Oid *)found.v[2 * i + 1];
    }
    return ST_OK;
}

/* ---- triggers ---- */
static STATUS add_trigger(Builder *b, const void *form, void *arg UNUSED, Error *err)
{
    const Form_pg_trigger *f = form;
    TriggerInfo *t = &b->rel->triggers[b->rel->ntriggers++];
    *t = (TriggerInfo){.oid = f->oid, .function = f->tgfoid, .type = f->tgtype, .enabled = f->tgenabled, .internal = f->tgisinternal,
                       .deferrable = f->tgdeferrable, .deferred = f->tginitdeferred, .constraint = f->tgconstraint,
                       .nargs = f->tgnargs, .ncols = f->tgattr.n};
    TRY(keep_string(b, f->tgname, &t->name, err));
    TRY(read_expr(b, f->tgqual, &t->when, err));
    t->cols = f->tgattr.n ? arena_memdup(b->arena, f->tgattr.v, (size_t)f->tgattr.n * sizeof(int16_t)) : NULL;
    TRY(keep_string(b, f->tgoldtable, &t->old_table, err));
    TRY(keep_string(b, f->tgnewtable, &t->new_table, err));
    if (!f->tgnargs || !f->tgargs) return ST_OK;
    TRY_NEW_N(t->args, b->arena, f->tgnargs, err); /* a bytea of zero-terminated strings */
    Slice bytes = varlena_slice(f->tgargs);
    const char *p = (const char *)bytes.data, *end = p + bytes.len;
    for (int i = 0; i < f->tgnargs && p < end; i++) {
        size_t len = strnlen(p, (size_t)(end - p));
        t->args[i] = arena_strndup(b->arena, p, len);
        TRY_MEM(t->args[i], err);
        p += len + 1;
    }
    return ST_OK;
}

static int compare_triggers(const void *a, const void *b)
{
    return strcmp(((const TriggerInfo *)a)->name, ((const TriggerInfo *)b)->name);
}

static STATUS build_triggers(Builder *b, Error *err)
{
    Datum key = datum_oid(b->rel->oid);
    int n = 0;
    if (!b->cls->relhastriggers) return ST_OK;
    TRY(each_row(b, REL_pg_trigger, IDX_trigger_tgrelid_tgname, 1, &key, count_row, &n, err));
    if (!n) return ST_OK;
    TRY_NEW_N(b->rel->triggers, b->arena, n, err);
    TRY(each_row(b, REL_pg_trigger, IDX_trigger_tgrelid_tgname, 1, &key, add_trigger, NULL, err));
    qsort(b->rel->triggers, (size_t)b->rel->ntriggers, sizeof *b->rel->triggers, compare_triggers);
    return ST_OK;
}

/* ---- inheritance ---- */
static STATUS add_parent(Builder *b, const void *form, void *arg, Error *err)
{
    return intvec_push(arg, &b->tmp, ((const Form_pg_inherits *)form)->inhparent) ? ST_OK : error_out_of_memory(err, 0);
}

static STATUS add_child(Builder *b, const void *form, void *arg, Error *err)
{
    return intvec_push(arg, &b->tmp, ((const Form_pg_inherits *)form)->inhrelid) ? ST_OK : error_out_of_memory(err, 0);
}

static STATUS keep_oids(Builder *b, const IntVec *iv, Oid **out, int *n, Error *err)
{
    *n = iv->len;
    if (!iv->len) return ST_OK;
    TRY_NEW_N(*out, b->arena, iv->len, err);
    for (int i = 0; i < iv->len; i++) (*out)[i] = (Oid)iv->v[i];
    return ST_OK;
}

static STATUS build_inheritance(Builder *b, Error *err)
{
    Datum key = datum_oid(b->rel->oid);
    IntVec parents = {0}, children = {0};
    TRY(each_row(b, REL_pg_inherits, IDX_inherits_relid_seqno, 1, &key, add_parent, &parents, err));
    if (b->cls->relhassubclass) TRY(each_row(b, REL_pg_inherits, IDX_inherits_parent, 1, &key, add_child, &children, err));
    TRY(keep_oids(b, &parents, &b->rel->parents, &b->rel->nparents, err));
    return keep_oids(b, &children, &b->rel->children, &b->rel->nchildren, err);
}

/* ---- the other kinds ---- */
static STATUS build_sequence(Builder *b, Error *err)
{
    const void *form;
    TRY(cat_get_by_oid(b->env, REL_pg_sequence, IDX_sequence_seqrelid, b->rel->oid, &b->tmp, &form, err));
    const Form_pg_sequence *f = form;
    if (!f) return error_set(err, ERR_INTERNAL_ERROR, "cache lookup failed for sequence %u", b->rel->oid);
    b->rel->sequence = (SequenceDef){.storage_id = b->cls->relfilenode, .place = place_of(b->cls), .relid = b->rel->oid,
                                     .start = f->seqstart, .increment = f->seqincrement, .min = f->seqmin, .max = f->seqmax,
                                     .cache = f->seqcache, .cycle = f->seqcycle};
    return ST_OK;
}

static STATUS build_view(Builder *b, Error *err)
{
    Datum keys[2] = {datum_oid(b->rel->oid), cat_name_key(&b->tmp, "_RETURN")};
    const void *form;
    Node *node = NULL;
    TRY(cat_get(b->env, REL_pg_rewrite, IDX_rewrite_rel_rulename, 2, keys, &b->tmp, &form, err));
    if (!form) return ST_OK; /* a view being created */
    TRY(read_expr(b, ((const Form_pg_rewrite *)form)->ev_action, &node, err));
    if (node && nodeTag(node) == T_List && list_len((List *)node)) node = list_first((List *)node);
    b->rel->view = (Query *)node;
    return ST_OK;
}

static STATUS build_kind(Builder *b, Error *err)
{
    switch (b->rel->relkind) {
    case RELKIND_SEQUENCE: return build_sequence(b, err);
    case RELKIND_VIEW: return build_view(b, err);
    case RELKIND_MATVIEW: TRY(build_view(b, err)); break;
    case RELKIND_TABLE: case RELKIND_PARTITIONED: break;
    default: return ST_OK;
    }
    b->rel->def = (TableDef){.storage_id = b->cls->relfilenode, .place = place_of(b->cls), .relid = b->rel->oid, .desc = b->rel->desc,
                             .ncolumns = b->rel->desc->natts, .columns = b->cols};
    TRY(build_indexes(b, err));
    TRY(build_constraints(b, err));
    TRY(build_dependents(b, err));
    return build_inheritance(b, err);
}

static STATUS build_user_relation(Builder *b, Entry *entry, Error *err)
{
    const void *form;
    TRY(cat_get_by_oid(b->env, REL_pg_class, IDX_class_oid, (Oid)entry->key, &b->tmp, &form, err));
    if (!form) return ST_OK;
    const Form_pg_class *c = b->cls = form;
    Relation *r;
    TRY_NEW(r, b->arena, err);
    b->rel = r;
    r->oid = c->oid;
    r->namespace_oid = c->relnamespace;
    r->relkind = c->relkind;
    r->persistence = c->relpersistence;
    r->owner = c->relowner;
    r->row_type = c->reltype;
    r->is_shared = c->relisshared;
    r->row_security = c->relrowsecurity;
    r->force_row_security = c->relforcerowsecurity;
    r->is_partition = c->relispartition;
    r->reltuples = (double)c->reltuples;
    r->relpages = c->relpages;
    r->version = entry->version;
    TRY(keep_string(b, c->relname, &r->name, err));
    TRY(build_columns(b, err));
    TRY(build_kind(b, err));
    TRY(build_triggers(b, err));
    entry->object = r;
    return ST_OK;
}

STATUS build_relation(SessionEnv *env, Entry *entry, Error *err)
{
    SysRel sys;
    if (entry->key < FIRST_NORMAL_OID && sysrel_find((Oid)entry->key, &sys)) return build_system_relation(env, entry, &sys, err);
    Builder b = {.env = env, .arena = &entry->arena};
    arena_init(&b.tmp, env->account, 0);
    Status st = build_user_relation(&b, entry, err);
    arena_destroy(&b.tmp);
    return st;
}

/* ---- the public side ---- */
STATUS relation_try_open(SessionEnv *env, Oid oid, LockMode lock, const Relation **out, Error *err)
{
    SysRel sys;
    bool builtin = oid < FIRST_NORMAL_OID && sysrel_find(oid, &sys); /* nobody changes these: no lock is needed */
    if (lock != LOCK_NONE && !builtin) {
        LockTag tag = {.kind = LOCKTAG_RELATION, .database = env->database_oid, .a = oid};
        bool granted;
        TRY(lock_acquire(env->locks, tag, lock, LOCK_WAIT, false, NULL, &granted, err));
    }
    Entry *e;
    TRY(cache_get(env, ENTRY_RELATION, ENTRY_KEY(oid), builtin, build_relation, &e, err));
    *out = e->object;
    return ST_OK;
}

STATUS relation_open(SessionEnv *env, Oid oid, LockMode lock, const Relation **out, Error *err)
{
    TRY(relation_try_open(env, oid, lock, out, err));
    if (!*out) return error_set(err, ERR_UNDEFINED_TABLE, "relation with OID %u does not exist", oid);
    return ST_OK;
}

const IndexInfo *relation_index(const Relation *rel, Oid index_oid)
{
    for (int i = 0; i < rel->nindexes; i++)
        if (rel->indexes[i].oid == index_oid) return &rel->indexes[i];
    return NULL;
}

const IndexInfo *relation_primary_key(const Relation *rel)
{
    for (int i = 0; i < rel->nindexes; i++)
        if (rel->indexes[i].primary) return &rel->indexes[i];
    return NULL;
}

int relation_find_column(const Relation *rel, const char *name)
{
    for (int i = 0; i < rel->desc->natts; i++)
        if (!rel->desc->atts[i].dropped && !strcmp(rel->desc->atts[i].name, name)) return i + 1;
    if (rel->relkind == RELKIND_VIEW || rel->relkind == RELKIND_COMPOSITE) return 0;
    const SysAttr *sys = sysattr_by_name(name);
    return sys ? sys->attnum : 0;
}
