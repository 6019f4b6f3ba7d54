/* Dropping objects and what depends on them, as PostgreSQL does: dependents first, newest first; what was reached only through automatic or
 * internal dependencies goes silently, the rest is an error (RESTRICT) or a NOTICE (CASCADE). */
#include <assert.h>
#include <stdlib.h>

#include "catalog/catalog_internal.h"

enum { ORIGINAL = 1, VIA_NORMAL = 2, VIA_AUTO = 4, VIA_INTERNAL = 8, COLUMN_OF_DROPPED = 16 };

typedef struct Target { ObjectAddress object, because; int flags; } Target;

typedef struct Dropper {
    SessionEnv *env;
    Arena arena;
    Target *targets; /* in the order in which they will be deleted */
    int n, cap;
    ObjectAddress stack[200];
    int depth;
} Dropper;

static bool same(ObjectAddress a, ObjectAddress b) { return a.classid == b.classid && a.objid == b.objid && a.subid == b.subid; }
/* A whole object covers its columns. */
static bool covers(ObjectAddress a, ObjectAddress b)
{
    return a.classid == b.classid && a.objid == b.objid && (a.subid == 0 || a.subid == b.subid);
}

static bool already_target(Dropper *d, ObjectAddress o, int flags)
{
    for (int i = 0; i < d->n; i++) {
        if (!covers(d->targets[i].object, o)) continue;
        d->targets[i].flags |= same(d->targets[i].object, o) ? flags : 0;
        return true;
    }
    return false;
}

static STATUS add_target(Dropper *d, ObjectAddress o, int flags, ObjectAddress because, Error *err)
{
    if (d->n == d->cap) {
        int cap = d->cap ? d->cap * 2 : 16;
        Target *p = arena_alloc(&d->arena, (size_t)cap * sizeof *p);
        TRY_MEM(p, err);
        if (d->n) memcpy(p, d->targets, (size_t)d->n * sizeof *p);
        d->targets = p;
        d->cap = cap;
    }
    d->targets[d->n++] = (Target){o, because, flags};
    return ST_OK;
}

static bool on_stack(const Dropper *d, ObjectAddress o)
{
    for (int i = 0; i < d->depth; i++)
        if (covers(d->stack[i], o)) return true;
    return false;
}

static STATUS lock_object(Dropper *d, ObjectAddress o, Error *err)
{
    bool granted;
    LockTag tag = {.kind = LOCKTAG_RELATION, .database = d->env->database_oid, .a = o.objid};
    if (o.classid != REL_pg_class || o.objid < FIRST_NORMAL_OID) return ST_OK;
    return lock_acquire(d->env->locks, tag, LOCK_ACCESS_EXCLUSIVE, LOCK_WAIT, false, NULL, &granted, err);
}

typedef struct Dependent { ObjectAddress object; int flags; } Dependent;

static int newest_first(const void *a, const void *b)
{
    const Dependent *x = a, *y = b;
    if (x->object.objid != y->object.objid) return x->object.objid > y->object.objid ? -1 : 1;
    if (x->object.classid != y->object.classid) return x->object.classid < y->object.classid ? -1 : 1;
    return x->object.subid < y->object.subid ? -1 : x->object.subid > y->object.subid;
}

/* The rows of pg_depend around an object, into the arena. */
static STATUS depend_rows(Dropper *d, Oid index, ObjectAddress o, const Form_pg_depend ***out, int *n, Error *err)
{
    CatScan *scan = NULL;
    const void *form;
    PtrVec rows = {0};
    Datum keys[3] = {datum_oid(o.classid), datum_oid(o.objid), datum_i32(o.subid)};
    Status st = cat_scan_open(d->env, REL_pg_depend, index, o.subid ? 3 : 2, keys, &d->arena, &scan, err);
    while (!failed(st)) {
        st = cat_scan_next(scan, &form, err);
        if (failed(st) || !form) break;
        if (!ptrvec_push(&rows, &d->arena, (void *)form)) st = error_out_of_memory(err, 0);
    }
    cat_scan_close(scan);
    *out = (const Form_pg_depend **)rows.v;
    *n = rows.len;
    return st;
}

static STATUS find_dependents(Dropper *d, ObjectAddress o, int flags, ObjectAddress because, Error *err);

/* An internal part cannot be dropped by itself: either its owner is on its way out too, or that is an error, or (when a dependency led
 * here) the owner goes instead. *done: nothing more to do for this object. */
static STATUS check_owner(Dropper *d, ObjectAddress o, int flags, ObjectAddress because, bool *done, Error *err)
{
    const Form_pg_depend **rows;
    int n;
    *done = false;
    TRY(depend_rows(d, IDX_depend_depender, o, &rows, &n, err));
    for (int i = 0; i < n; i++) {
        const Form_pg_depend *r = rows[i];
        ObjectAddress owner = {r->refclassid, r->refobjid, r->refobjsubid};
        if ((r->deptype != 'i' && r->deptype != 'e') || r->objsubid != o.subid || on_stack(d, owner) || already_target(d, owner, 0)) continue;
        if (r->deptype == 'e' && !(flags & ORIGINAL)) continue;
        if (flags & ORIGINAL) {
            error_set(err, ERR_DEPENDENT_OBJECTS_STILL_EXIST, "cannot drop %s because %s requires it",
                      object_description(d->env, o, &d->arena), object_description(d->env, owner, &d->arena));
            return error_hint(err, "You can drop %s instead.", object_description(d->env, owner, &d->arena));
        }
        *done = true;
        return find_dependents(d, owner, flags, because, err);
    }
    return ST_OK;
}

static STATUS collect_dependents(Dropper *d, ObjectAddress o, Dependent **out, int *n, Error *err)
{
    const Form_pg_depend **rows;
    int nrows;
    TRY(depend_rows(d, IDX_depend_reference, o, &rows, &nrows, err));
    TRY_NEW_N(*out, &d->arena, nrows ? nrows : 1, err);
    *n = 0;
    for (int i = 0; i < nrows; i++) {
        ObjectAddress dep = {rows[i]->classid, rows[i]->objid, rows[i]->objsubid};
        int flags = rows[i]->deptype == 'a' ? VIA_AUTO : rows[i]->deptype == 'i' ? VIA_INTERNAL : VIA_NORMAL;
        if (dep.classid == o.classid && dep.objid == o.objid && o.subid == 0) continue; /* a column of itself */
        (*out)[(*n)++] = (Dependent){dep, flags};
    }
    qsort(*out, (size_t)*n, sizeof **out, newest_first);
    return ST_OK;
}

static STATUS find_dependents(Dropper *d, ObjectAddress o, int flags, ObjectAddress because, Error *err)
{
    Dependent *deps;
    int n;
    bool done;
    if (on_stack(d, o) || already_target(d, o, flags)) return ST_OK;
    TRY(stack_check(err));
    if (d->depth == 200) return error_stack_depth(err);
    TRY(check_owner(d, o, flags, because, &done, err));
    if (done) return ST_OK;
    if (!(flags & ORIGINAL)) TRY(lock_object(d, o, err));
    d->stack[d->depth++] = o;
    TRY(collect_dependents(d, o, &deps, &n, err));
    for (int i = 0; i < n; i++) TRY(find_dependents(d, deps[i].object, deps[i].flags, o, err));
    d->depth--;
    return add_target(d, o, flags, because, err);
}

/* ---- reporting ---- */
static STATUS report(Dropper *d, const ObjectAddress *objects, int nobjects, DropBehavior behavior, Error *err)
{
    StrBuf lines;
    int count = 0;
    strbuf_init(&lines, &d->arena);
    for (int i = d->n - 1; i >= 0; i--) {
        const Target *t = &d->targets[i];
        if ((t->flags & ORIGINAL) || (t->flags & (VIA_AUTO | VIA_INTERNAL))) continue;
        const char *what = object_description(d->env, t->object, &d->arena);
        if (behavior == DROP_RESTRICT)
            strbuf_printf(&lines, "%s%s depends on %s", count ? "\n" : "", what, object_description(d->env, t->because, &d->arena));
        else
            strbuf_printf(&lines, "%sdrop cascades to %s", count ? "\n" : "", what);
        count++;
    }
    TRY(strbuf_check(&lines, err));
    if (!count) return ST_OK;
    if (behavior == DROP_CASCADE) {
        if (count == 1) session_notice(d->env, SEV_NOTICE, 0, NULL, NULL, "%s", strbuf_cstr(&lines));
        else session_notice(d->env, SEV_NOTICE, 0, strbuf_cstr(&lines), NULL, "drop cascades to %d other objects", count);
        return ST_OK;
    }
    if (nobjects == 1)
        error_set(err, ERR_DEPENDENT_OBJECTS_STILL_EXIST, "cannot drop %s because other objects depend on it",
                  object_description(d->env, objects[0], &d->arena));
    else
        error_set(err, ERR_DEPENDENT_OBJECTS_STILL_EXIST, "cannot drop desired object(s) because other objects depend on them");
    error_detail(err, "%s", strbuf_cstr(&lines));
    return error_hint(err, "Use DROP ... CASCADE to drop the dependent objects too.");
}

/* ---- deleting ---- */
static STATUS delete_rows(Dropper *d, Oid catalog, Oid index, Oid key, Error *err)
{
    Datum k = datum_oid(key);
    return cat_delete(d->env, catalog, index, 1, &k, NULL, err);
}

static STATUS drop_column(Dropper *d, Oid rel, int attnum, Error *err)
{
    Datum keys[2] = {datum_oid(rel), datum_i16((int16_t)attnum)};
    const void *form;
    TRY(cat_get(d->env, REL_pg_attribute, IDX_attribute_relid_attnum, 2, keys, &d->arena, &form, err));
    if (!form) return ST_OK;
    Form_pg_attribute f = *(const Form_pg_attribute *)form;
    f.attname = arena_printf(&d->arena, "........pg.dropped.%d........", attnum);
    TRY_MEM(f.attname, err);
    f.atttypid = 0;
    f.attisdropped = true;
    f.attnotnull = false;
    f.attstattarget = 0;
    f.attgenerated = f.attidentity = 0;
    f.atthasmissing = f.atthasdef = false;
    f.attmissingval = f.attacl = f.attoptions = 0;
    TRY(cat_update(d->env, REL_pg_attribute, &f, err));
    return cat_delete(d->env, REL_pg_statistic, IDX_statistic_relid_att_inh, 2, keys, NULL, err);
}

static STATUS refresh_has_index(Dropper *d, Oid table, Error *err)
{
    return cat_invalidate_relation(d->env, table, err);
}

static STATUS drop_relation(Dropper *d, Oid oid, Error *err)
{
    const void *form;
    TRY(cat_get_by_oid(d->env, REL_pg_class, IDX_class_oid, oid, &d->arena, &form, err));
    if (!form) return ST_OK;
    const Form_pg_class *c = form;
    TRY(cat_drop_storage(d->env, c, err));
    if (c->relkind == 'i' || c->relkind == 'I') {
        TRY(cat_get_by_oid(d->env, REL_pg_index, IDX_index_indexrelid, oid, &d->arena, &form, err));
        if (form) TRY(refresh_has_index(d, ((const Form_pg_index *)form)->indrelid, err));
        TRY(delete_rows(d, REL_pg_index, IDX_index_indexrelid, oid, err));
    }
    if (c->relkind == 'S') TRY(delete_rows(d, REL_pg_sequence, IDX_sequence_seqrelid, oid, err));
    TRY(delete_rows(d, REL_pg_inherits, IDX_inherits_relid_seqno, oid, err));
    TRY(delete_rows(d, REL_pg_statistic, IDX_statistic_relid_att_inh, oid, err));
    TRY(delete_rows(d, REL_pg_attribute, IDX_attribute_relid_attnum, oid, err));
    return delete_rows(d, REL_pg_class, IDX_class_oid, oid, err);
}

static STATUS drop_constraint(Dropper *d, Oid oid, Error *err)
{
    const void *form;
    TRY(cat_get_by_oid(d->env, REL_pg_constraint, IDX_constraint_oid, oid, &d->arena, &form, err));
    if (!form) return ST_OK;
    const Form_pg_constraint *c = form;
    if (c->contype == 'c' && c->conrelid) {
        TRY(cat_get_by_oid(d->env, REL_pg_class, IDX_class_oid, c->conrelid, &d->arena, &form, err));
        if (form && ((const Form_pg_class *)form)->relchecks > 0) {
            Form_pg_class cls = *(const Form_pg_class *)form;
            cls.relchecks--;
            TRY(cat_update(d->env, REL_pg_class, &cls, err));
        }
    }
    return delete_rows(d, REL_pg_constraint, IDX_constraint_oid, oid, err);
}

static STATUS drop_default(Dropper *d, Oid oid, Error *err)
{
    const void *form;
    TRY(cat_get_by_oid(d->env, REL_pg_attrdef, IDX_attrdef_oid, oid, &d->arena, &form, err));
    if (!form) return ST_OK;
    Datum keys[2] = {datum_oid(((const Form_pg_attrdef *)form)->adrelid), datum_i16(((const Form_pg_attrdef *)form)->adnum)};
    TRY(delete_rows(d, REL_pg_attrdef, IDX_attrdef_oid, oid, err));
    TRY(cat_get(d->env, REL_pg_attribute, IDX_attribute_relid_attnum, 2, keys, &d->arena, &form, err));
    if (!form || ((const Form_pg_attribute *)form)->attisdropped) return ST_OK;
    Form_pg_attribute a = *(const Form_pg_attribute *)form;
    a.atthasdef = false;
    a.attgenerated = 0;
    return cat_update(d->env, REL_pg_attribute, &a, err);
}

static STATUS drop_type(Dropper *d, Oid oid, Error *err)
{
    TRY(delete_rows(d, REL_pg_enum, IDX_enum_typid_label, oid, err));
    TRY(delete_rows(d, REL_pg_range, 3542 /* pg_range_rngtypid_index */, oid, err));
    return delete_rows(d, REL_pg_type, IDX_type_oid, oid, err);
}

static STATUS drop_proc(Dropper *d, Oid oid, Error *err)
{
    TRY(delete_rows(d, REL_pg_aggregate, IDX_aggregate_fnoid, oid, err));
    return delete_rows(d, REL_pg_proc, IDX_proc_oid, oid, err);
}

/* Objects that are one row. */
static const struct { Oid classid, index; } single_rows[] = {
    {REL_pg_namespace, IDX_namespace_oid}, {REL_pg_rewrite, IDX_rewrite_oid}, {REL_pg_trigger, IDX_trigger_oid}, {REL_pg_policy, 3257},
    {REL_pg_operator, IDX_operator_oid}, {REL_pg_cast, 2660}, {REL_pg_extension, 3080}, {REL_pg_collation, IDX_collation_oid},
    {REL_pg_language, 2682}, {REL_pg_opclass, IDX_opclass_oid}, {REL_pg_default_acl, 828}, {REL_pg_statistic_ext, 3380},
    {REL_pg_event_trigger, 3468}, {REL_pg_publication, 6110},
};

static STATUS delete_object(Dropper *d, ObjectAddress o, Error *err)
{
    switch (o.classid) {
    case REL_pg_class: return o.subid ? drop_column(d, o.objid, o.subid, err) : drop_relation(d, o.objid, err);
    case REL_pg_constraint: return drop_constraint(d, o.objid, err);
    case REL_pg_attrdef: return drop_default(d, o.objid, err);
    case REL_pg_type: return drop_type(d, o.objid, err);
    case REL_pg_proc: return drop_proc(d, o.objid, err);
    default: break;
    }
    for (size_t i = 0; i < sizeof single_rows / sizeof single_rows[0]; i++)
        if (single_rows[i].classid == o.classid) return delete_rows(d, o.classid, single_rows[i].index, o.objid, err);
    return error_set(err, ERR_FEATURE_NOT_SUPPORTED, "cannot drop %s: objects of this kind are not supported",
                     object_description(d->env, o, &d->arena));
}

static STATUS delete_comments(Dropper *d, ObjectAddress o, Error *err)
{
    Datum keys[3] = {datum_oid(o.objid), datum_oid(o.classid), datum_i32(o.subid)};
    return cat_delete(d->env, REL_pg_description, IDX_description_o_c_o, o.subid ? 3 : 2, keys, NULL, err);
}

static STATUS delete_targets(Dropper *d, Error *err)
{
    for (int i = 0; i < d->n; i++) {
        TRY(delete_object(d, d->targets[i].object, err));
        TRY(depend_remove(d->env, d->targets[i].object, err));
        TRY(delete_comments(d, d->targets[i].object, err));
    }
    return ST_OK;
}

static STATUS drop_all(Dropper *d, const ObjectAddress *objects, int n, DropBehavior behavior, Error *err)
{
    for (int i = 0; i < n; i++) {
        if (objects[i].objid < FIRST_NORMAL_OID && !(objects[i].classid == REL_pg_namespace && objects[i].objid == PG_PUBLIC_NAMESPACE))
            return error_set(err, ERR_DEPENDENT_OBJECTS_STILL_EXIST, "cannot drop %s because it is required by the database system",
                             object_description(d->env, objects[i], &d->arena));
        /* One that an earlier one already took with it becomes an original of its own, so that it is not reported. */
        if (already_target(d, objects[i], ORIGINAL)) continue;
        TRY(find_dependents(d, objects[i], ORIGINAL, objects[i], err));
    }
    TRY(report(d, objects, n, behavior, err));
    return delete_targets(d, err);
}

STATUS drop_objects(SessionEnv *env, const ObjectAddress *objects, int n, DropBehavior behavior, Error *err)
{
    Dropper *d = mem_alloc(env->account, sizeof *d);
    if (!d) return error_out_of_memory(err, sizeof *d);
    *d = (Dropper){.env = env};
    arena_init(&d->arena, env->account, 0);
    Status st = drop_all(d, objects, n, behavior, err);
    arena_destroy(&d->arena);
    mem_free(env->account, d, sizeof *d);
    return st;
}

/* What is in a schema depends on it; the schema itself stays for the next session of that number. */
static STATUS drop_contents(Dropper *d, Oid nsp, Error *err)
{
    ObjectAddress schema = {REL_pg_namespace, nsp, 0};
    Dependent *deps;
    int n;
    TRY(collect_dependents(d, schema, &deps, &n, err));
    d->stack[d->depth++] = schema;
    for (int i = 0; i < n; i++) TRY(find_dependents(d, deps[i].object, deps[i].flags, schema, err));
    d->depth--;
    return delete_targets(d, err);
}

STATUS cat_drop_temp_objects(SessionEnv *env, Error *err)
{
    Oid nsp = env->cat->temp_namespace;
    if (!nsp) return ST_OK;
    Dropper *d = mem_alloc(env->account, sizeof *d);
    if (!d) return error_out_of_memory(err, sizeof *d);
    *d = (Dropper){.env = env};
    arena_init(&d->arena, env->account, 0);
    Status st = drop_contents(d, nsp, err);
    arena_destroy(&d->arena);
    mem_free(env->account, d, sizeof *d);
    return st;
}
