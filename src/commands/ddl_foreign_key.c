/* Foreign keys. The executor checks them from ConstraintInfo: there are no trigger rows. */
#include "commands/ddl_internal.h"

typedef struct ForeignKey {
    const Relation *rel, *ref;
    int n, nset;
    int16_t keys[MAX_INDEX_COLUMNS], ref_keys[MAX_INDEX_COLUMNS], set_cols[MAX_INDEX_COLUMNS];
    Oid pf[MAX_INDEX_COLUMNS], pp[MAX_INDEX_COLUMNS], ff[MAX_INDEX_COLUMNS];
    Oid index;
    const char *name;
} ForeignKey;

static STATUS column_numbers(const Relation *rel, const List *names, int16_t *out, int *n, Error *err)
{
    *n = 0;
    LIST_EACH(String *, s, names) {
        int att = relation_find_column(rel, s->sval);
        if (!att) return error_set(err, ERR_UNDEFINED_COLUMN, "column \"%s\" referenced in foreign key constraint does not exist", s->sval);
        if (att < 0) return error_set(err, ERR_FEATURE_NOT_SUPPORTED, "system columns cannot be used in foreign keys");
        if (*n == MAX_INDEX_COLUMNS) return error_set(err, ERR_TOO_MANY_COLUMNS, "cannot have more than %d keys in a foreign key", MAX_INDEX_COLUMNS);
        out[(*n)++] = (int16_t)att;
    }
    return ST_OK;
}

/* Does the index's key consist of exactly these columns, in any order? */
static bool index_matches(const IndexInfo *ix, const int16_t *keys, int n)
{
    if (!ix->unique || !ix->valid || ix->predicate || ix->exprs || ix->nkeyatts != n) return false;
    for (int i = 0; i < n; i++) {
        bool found = false;
        for (int j = 0; j < n; j++) found = found || ix->attnums[j] == keys[i];
        if (!found) return false;
    }
    return true;
}

static STATUS referenced_key(const Relation *ref, const ConstraintDefinition *def, ForeignKey *fk, Error *err)
{
    int n;
    if (!def->pk_attrs) {
        const IndexInfo *pk = relation_primary_key(ref);
        if (!pk) return error_set(err, ERR_UNDEFINED_OBJECT, "there is no primary key for referenced table \"%s\"", ref->name);
        if (!pk->immediate)
            return error_set(err, ERR_OBJECT_NOT_IN_PREREQUISITE_STATE, "cannot use a deferrable primary key for referenced table \"%s\"", ref->name);
        n = pk->nkeyatts;
        memcpy(fk->ref_keys, pk->attnums, (size_t)n * sizeof(int16_t));
        fk->index = pk->oid;
    } else {
        const IndexInfo *match = NULL;
        TRY(column_numbers(ref, def->pk_attrs, fk->ref_keys, &n, err));
        for (int i = 0; i < n; i++)
            for (int j = 0; j < i; j++)
                if (fk->ref_keys[i] == fk->ref_keys[j])
                    return error_set(err, ERR_INVALID_FOREIGN_KEY, "foreign key referenced-columns list must not contain duplicates");
        if (n == fk->n) for (int i = 0; i < ref->nindexes && !(match && match->primary); i++)
            if (index_matches(&ref->indexes[i], fk->ref_keys, n) && (!match || ref->indexes[i].primary)) match = &ref->indexes[i];
        if (n == fk->n && !match)
            return error_set(err, ERR_INVALID_FOREIGN_KEY, "there is no unique constraint matching given keys for referenced table \"%s\"", ref->name);
        if (match && !match->immediate)
            return error_set(err, ERR_OBJECT_NOT_IN_PREREQUISITE_STATE, "cannot use a deferrable unique constraint for referenced table \"%s\"", ref->name);
        fk->index = match ? match->oid : 0;
    }
    if (n != fk->n) return error_set(err, ERR_INVALID_FOREIGN_KEY, "number of referencing and referenced columns for foreign key disagree");
    return ST_OK;
}

static STATUS equality(SessionEnv *env, const Relation *a, int attnum_a, const Relation *b, int attnum_b, Arena *arena, Oid *out, Error *err)
{
    const Attribute *x = &a->desc->atts[attnum_a - 1], *y = &b->desc->atts[attnum_b - 1];
    Var *left = make_var(arena, 1, attnum_a, x->type, x->typmod, x->collation, 0), *right = make_var(arena, 2, attnum_b, y->type, y->typmod, y->collation, 0);
    Node *op;
    Error local = ERROR_INIT;
    TRY_MEM(left, err);
    TRY_MEM(right, err);
    *out = 0;
    Status st = make_operator(env, "=", (Node *)left, (Node *)right, -1, arena, &op, &local);
    if (!failed(st) && IsA(op, OpExpr)) *out = ((OpExpr *)op)->opno;
    error_clear(&local);
    return ST_OK;
}

static STATUS key_operators(SessionEnv *env, ForeignKey *fk, Arena *arena, Error *err)
{
    for (int i = 0; i < fk->n; i++) {
        TRY(equality(env, fk->ref, fk->ref_keys[i], fk->rel, fk->keys[i], arena, &fk->pf[i], err));
        if (!fk->pf[i]) {
            const Attribute *x = &fk->rel->desc->atts[fk->keys[i] - 1], *y = &fk->ref->desc->atts[fk->ref_keys[i] - 1];
            error_set(err, ERR_DATATYPE_MISMATCH, "foreign key constraint \"%s\" cannot be implemented", fk->name);
            return error_detail(err, "Key columns \"%s\" and \"%s\" are of incompatible types: %s and %s.", x->name, y->name,
                                format_type_text(env, x->type, x->typmod, arena), format_type_text(env, y->type, y->typmod, arena));
        }
        fk->pp[i] = type_equality_operator(env, fk->ref->desc->atts[fk->ref_keys[i] - 1].type);
        fk->ff[i] = type_equality_operator(env, fk->rel->desc->atts[fk->keys[i] - 1].type);
        if (!fk->pp[i]) fk->pp[i] = fk->pf[i];
        if (!fk->ff[i]) fk->ff[i] = fk->pf[i];
    }
    return ST_OK;
}

static STATUS set_columns(const ConstraintDefinition *def, ForeignKey *fk, Error *err)
{
    TRY(column_numbers(fk->rel, def->fk_del_set_cols, fk->set_cols, &fk->nset, err));
    for (int i = 0; i < fk->nset; i++) {
        bool part = false;
        for (int j = 0; j < fk->n; j++) part = part || fk->keys[j] == fk->set_cols[i];
        if (!part)
            return error_set(err, ERR_INVALID_COLUMN_REFERENCE, "column \"%s\" referenced in ON DELETE SET action must be part of foreign key",
                             fk->rel->desc->atts[fk->set_cols[i] - 1].name);
    }
    return ST_OK;
}

static STATUS check_tables(SessionEnv *env, const ForeignKey *fk, Error *err)
{
    if (fk->ref->relkind != RELKIND_TABLE) return error_set(err, ERR_WRONG_OBJECT_TYPE, "referenced relation \"%s\" is not a table", fk->ref->name);
    if (fk->ref->oid < FIRST_NORMAL_OID)
        return error_set(err, ERR_INSUFFICIENT_PRIVILEGE, "permission denied: \"%s\" is a system catalog", fk->ref->name);
    if (fk->rel->persistence != fk->ref->persistence && !(fk->rel->persistence == 'u' && fk->ref->persistence == 'p'))
        return error_set(err, ERR_INVALID_TABLE_DEFINITION, "constraints on %s tables may reference only %s tables",
                         fk->rel->persistence == 't' ? "temporary" : fk->rel->persistence == 'u' ? "unlogged" : "permanent",
                         fk->rel->persistence == 't' ? "temporary" : fk->rel->persistence == 'u' ? "permanent or unlogged" : "permanent");
    return acl_check_relation(env, fk->ref->oid, ACL_REFERENCES, false, err);
}

/* t_a_b_fkey */
static STATUS choose_name(SessionEnv *env, const ConstraintDefinition *def, ForeignKey *fk, Arena *arena, Error *err)
{
    const Form_pg_constraint *old;
    if (def->conname) {
        fk->name = def->conname;
        TRY(ddl_constraint_by_name(env, fk->rel->oid, fk->name, arena, &old, err));
        if (old) return error_set(err, ERR_DUPLICATE_OBJECT, "constraint \"%s\" for relation \"%s\" already exists", fk->name, fk->rel->name);
        return ST_OK;
    }
    StrBuf cols;
    strbuf_init(&cols, arena);
    for (int i = 0; i < fk->n && cols.len < NAME_BYTES; i++) strbuf_printf(&cols, "%s%s", i ? "_" : "", fk->rel->desc->atts[fk->keys[i] - 1].name);
    TRY(strbuf_check(&cols, err));
    return ddl_choose_constraint_name(env, fk->rel->name, strbuf_cstr(&cols), "fkey", fk->rel->namespace_oid, arena, &fk->name, err);
}

static STATUS insert_constraint(SessionEnv *env, const ConstraintDefinition *def, const ForeignKey *fk, Arena *arena, Oid *oid, Error *err)
{
    Form_pg_constraint f;
    cat_constraint_defaults(&f);
    TRY(cat_new_oid(env, &f.oid, err));
    f.conname = fk->name;
    f.connamespace = fk->rel->namespace_oid;
    f.contype = 'f';
    f.condeferrable = def->deferrable;
    f.condeferred = def->initdeferred;
    f.convalidated = !def->skip_validation;
    f.conrelid = fk->rel->oid;
    f.conindid = fk->index;
    f.confrelid = fk->ref->oid;
    f.confupdtype = def->fk_upd_action ? def->fk_upd_action : 'a';
    f.confdeltype = def->fk_del_action ? def->fk_del_action : 'a';
    f.confmatchtype = def->fk_matchtype ? def->fk_matchtype : 's';
    f.connoinherit = true;
    f.conkey = cat_int2_array(arena, fk->keys, fk->n);
    f.confkey = cat_int2_array(arena, fk->ref_keys, fk->n);
    f.conpfeqop = cat_oid_array(arena, fk->pf, fk->n);
    f.conppeqop = cat_oid_array(arena, fk->pp, fk->n);
    f.conffeqop = cat_oid_array(arena, fk->ff, fk->n);
    if (!f.conkey || !f.confkey || !f.conpfeqop || !f.conppeqop || !f.conffeqop) return error_out_of_memory(err, 0);
    if (fk->nset) f.confdelsetcols = cat_int2_array(arena, fk->set_cols, fk->nset);
    TRY(cat_insert(env, REL_pg_constraint, &f, err));
    ObjectAddress me = address(REL_pg_constraint, f.oid, 0);
    for (int i = 0; i < fk->n; i++) {
        TRY(depend_add(env, me, address(REL_pg_class, fk->rel->oid, fk->keys[i]), DEPEND_AUTO, err));
        TRY(depend_add(env, me, address(REL_pg_class, fk->ref->oid, fk->ref_keys[i]), DEPEND_NORMAL, err));
    }
    *oid = f.oid;
    return depend_add(env, me, address(REL_pg_class, fk->index, 0), DEPEND_NORMAL, err);
}

/* psql asks for foreign keys only where relhastriggers is set. */
static STATUS set_has_triggers(SessionEnv *env, Oid relation, Arena *arena, Error *err)
{
    Form_pg_class cls;
    TRY(ddl_class(env, relation, arena, &cls, err));
    if (cls.relhastriggers) return ST_OK;
    cls.relhastriggers = true;
    return cat_update(env, REL_pg_class, &cls, err);
}

STATUS ddl_add_foreign_key(SessionEnv *env, Oid relation, const ConstraintDefinition *def, bool validate, Arena *arena, Error *err)
{
    ForeignKey *fk;
    Oid oid;
    TRY_NEW(fk, arena, err);
    TRY(relation_open(env, relation, LOCK_NONE, &fk->rel, err));
    TRY(rangevar_relation(env, def->pktable, LOCK_SHARE_ROW_EXCLUSIVE, false, &fk->ref, err));
    TRY(check_tables(env, fk, err));
    TRY(column_numbers(fk->rel, def->fk_attrs, fk->keys, &fk->n, err));
    TRY(referenced_key(fk->ref, def, fk, err));
    TRY(choose_name(env, def, fk, arena, err));
    TRY(key_operators(env, fk, arena, err));
    TRY(set_columns(def, fk, err));
    TRY(insert_constraint(env, def, fk, arena, &oid, err));
    TRY(set_has_triggers(env, relation, arena, err));
    TRY(set_has_triggers(env, fk->ref->oid, arena, err));
    if (!validate || def->skip_validation) return ST_OK;
    const Relation *now;
    TRY(relation_open(env, relation, LOCK_NONE, &now, err));
    const ConstraintInfo *info = ddl_find_constraint(now, oid);
    return info ? constraint_validate(env, now, info, err) : ST_OK;
}
