/* Recording dependencies (pg_depend): single ones, and all that an expression or query names. */
#include <stdlib.h>

#include "catalog/catalog_internal.h"

static bool is_pinned(ObjectAddress o) { return o.objid < FIRST_NORMAL_OID && !(o.classid == REL_pg_namespace && o.objid == PG_PUBLIC_NAMESPACE); }

STATUS depend_add(SessionEnv *env, ObjectAddress depender, ObjectAddress on, DependType type, Error *err)
{
    if (is_pinned(on)) return ST_OK;
    Form_pg_depend f = {depender.classid, depender.objid, depender.subid, on.classid, on.objid, on.subid, (char)type};
    TRY(cat_insert(env, REL_pg_depend, &f, err));
    /* A foreign key or owned sequence is part of the descriptor of the relation it hangs on. */
    if (on.classid == REL_pg_class && (depender.classid == REL_pg_class || depender.classid == REL_pg_constraint))
        return cat_invalidate_relation(env, on.objid, err);
    return ST_OK;
}

/* ---- collecting ---- */
typedef struct Collector {
    SessionEnv *env;
    Arena arena;
    ObjectAddress *found;
    int n, cap;
    const Query *levels[64]; /* innermost last */
    int depth;
    Oid self;                /* relation of Var(varno 1) outside any query; 0 */
    bool failed;
    bool too_deep;
} Collector;

static void collect(Collector *c, Oid classid, Oid objid, int subid)
{
    ObjectAddress o = {classid, objid, subid};
    if (!objid || is_pinned(o) || c->failed) return;
    if (c->n == c->cap) {
        int cap = c->cap ? c->cap * 2 : 32;
        ObjectAddress *p = arena_alloc(&c->arena, (size_t)cap * sizeof *p);
        if (!p) {
            c->failed = true;
            return;
        }
        if (c->n) memcpy(p, c->found, (size_t)c->n * sizeof *p);
        c->found = p;
        c->cap = cap;
    }
    c->found[c->n++] = o;
}

static bool collect_node(Node *node, void *arg);

static void collect_var(Collector *c, const Var *v)
{
    if (!c->depth) {
        if (c->self && v->varno == 1) collect(c, REL_pg_class, c->self, v->varattno > 0 ? v->varattno : 0);
        return;
    }
    int level = c->depth - 1 - v->varlevelsup;
    if (level < 0) return;
    const Query *q = c->levels[level];
    if (v->varno < 1 || v->varno > list_len(q->rtable)) return;
    const RangeTblEntry *rte = list_at(q->rtable, v->varno - 1);
    if (rte->rtekind == RTE_RELATION) {
        collect(c, REL_pg_class, rte->relid, v->varattno > 0 ? v->varattno : 0);
    } else if (rte->rtekind == RTE_JOIN && v->varattno > 0 && v->varattno <= list_len(rte->joinaliasvars)) {
        int saved = c->depth; /* the alias expression lives at the join's own level */
        c->depth = level + 1;
        collect_node(list_at(rte->joinaliasvars, v->varattno - 1), c);
        c->depth = saved;
    }
}

/* regclass constants and the like name objects too: nextval('s'::regclass). */
static void collect_const(Collector *c, const Const *k)
{
    static const struct { Oid type, classid; } regs[] = {
        {TYPE_regclass, REL_pg_class}, {TYPE_regtype, REL_pg_type}, {TYPE_regproc, REL_pg_proc}, {TYPE_regprocedure, REL_pg_proc},
        {TYPE_regoper, REL_pg_operator}, {TYPE_regoperator, REL_pg_operator}, {TYPE_regnamespace, REL_pg_namespace},
        {TYPE_regcollation, REL_pg_collation}};
    collect(c, REL_pg_type, k->consttype, 0);
    collect(c, REL_pg_collation, k->constcollid, 0);
    for (size_t i = 0; i < sizeof regs / sizeof regs[0] && !k->constisnull; i++)
        if (regs[i].type == k->consttype) collect(c, regs[i].classid, datum_get_oid(k->constvalue), 0);
}

/* The query without its joins' lists of all columns: only what is really used counts. */
static bool without_join_columns(Collector *c, const Query *q, Query *out)
{
    *out = *q;
    out->rtable = list_copy(q->rtable, &c->arena);
    if (q->rtable && !out->rtable) return false;
    for (int i = 0; i < list_len(out->rtable); i++) {
        RangeTblEntry *rte = out->rtable->items[i];
        if (rte->rtekind != RTE_JOIN) continue;
        RangeTblEntry *copy = arena_memdup(&c->arena, rte, sizeof *rte);
        if (!copy) return false;
        copy->joinaliasvars = NULL;
        out->rtable->items[i] = copy;
    }
    return true;
}

static bool collect_query(Collector *c, Query *q)
{
    if (c->depth == 64) {
        c->too_deep = c->failed = true;
        return true;
    }
    c->levels[c->depth++] = q;
    LIST_EACH(RangeTblEntry *, rte, q->rtable) {
        if (rte->rtekind == RTE_RELATION) collect(c, REL_pg_class, rte->relid, 0);
        LIST_EACH(RangeTblFunction *, fn, rte->functions)
            for (int i = 0; i < fn->funccoltypes.n; i++) collect(c, REL_pg_type, (Oid)fn->funccoltypes.v[i], 0);
    }
    LIST_EACH(SortGroupClause *, sc, q->sortClause) collect(c, REL_pg_operator, sc->sortop, 0);
    LIST_EACH(SortGroupClause *, gc, q->groupClause) collect(c, REL_pg_operator, gc->eqop, 0);
    Query used;
    if (without_join_columns(c, q, &used)) query_walk(&used, collect_node, c);
    else c->failed = true;
    c->depth--;
    return c->failed;
}

static bool collect_node(Node *node, void *arg)
{
    Collector *c = arg;
    if (!node || c->failed) return c->failed;
    switch (nodeTag(node)) {
    case T_Query: return collect_query(c, (Query *)node);
    case T_Var: collect_var(c, (Var *)node); return false;
    case T_Const: collect_const(c, (Const *)node); return false;
    case T_FuncExpr: collect(c, REL_pg_proc, ((FuncExpr *)node)->funcid, 0); break;
    case T_Aggref: collect(c, REL_pg_proc, ((Aggref *)node)->aggfnoid, 0); break;
    case T_WindowFunc: collect(c, REL_pg_proc, ((WindowFunc *)node)->winfnoid, 0); break;
    case T_OpExpr: collect(c, REL_pg_operator, ((OpExpr *)node)->opno, 0); break;
    case T_DistinctExpr: collect(c, REL_pg_operator, ((DistinctExpr *)node)->opno, 0); break;
    case T_NullIfExpr: collect(c, REL_pg_operator, ((NullIfExpr *)node)->opno, 0); break;
    case T_ScalarArrayOpExpr: collect(c, REL_pg_operator, ((ScalarArrayOpExpr *)node)->opno, 0); break;
    case T_RelabelType: collect(c, REL_pg_type, ((RelabelType *)node)->resulttype, 0); break;
    case T_CoerceViaIO: collect(c, REL_pg_type, ((CoerceViaIO *)node)->resulttype, 0); break;
    case T_ArrayCoerceExpr: collect(c, REL_pg_type, ((ArrayCoerceExpr *)node)->resulttype, 0); break;
    case T_CoerceToDomain: collect(c, REL_pg_type, ((CoerceToDomain *)node)->resulttype, 0); break;
    case T_RowExpr: collect(c, REL_pg_type, ((RowExpr *)node)->row_typeid, 0); break;
    case T_CollateExpr: collect(c, REL_pg_collation, ((CollateExpr *)node)->collOid, 0); break;
    case T_NextValueExpr: collect(c, REL_pg_class, ((NextValueExpr *)node)->seqid, 0); break;
    default: break;
    }
    return node_walk(node, collect_node, arg);
}

static int compare_addresses(const void *a, const void *b)
{
    const ObjectAddress *x = a, *y = b;
    if (x->classid != y->classid) return x->classid < y->classid ? -1 : 1;
    if (x->objid != y->objid) return x->objid < y->objid ? -1 : 1;
    return x->subid < y->subid ? -1 : x->subid > y->subid;
}

/* One row for each object; a whole relation is left out where its columns are named. */
static STATUS record(Collector *c, ObjectAddress depender, DependType type, DependType self_type, Error *err)
{
    if (c->too_deep) return error_stack_depth(err);
    if (c->failed) return error_out_of_memory(err, 0);
    if (!c->n) return ST_OK;
    qsort(c->found, (size_t)c->n, sizeof *c->found, compare_addresses);
    for (int i = 0; i < c->n; i++) {
        ObjectAddress o = c->found[i];
        if (i + 1 < c->n && !compare_addresses(&o, &c->found[i + 1])) continue;
        int next = i + 1;
        if (o.subid == 0 && next < c->n && c->found[next].classid == o.classid && c->found[next].objid == o.objid) continue;
        if (o.classid == depender.classid && o.objid == depender.objid) continue;
        TRY(depend_add(c->env, depender, o, o.classid == REL_pg_class && o.objid == c->self ? self_type : type, err));
    }
    return ST_OK;
}

STATUS depend_add_expr(SessionEnv *env, ObjectAddress depender, const Node *expr, Oid self, DependType type, DependType self_type, Error *err)
{
    Collector c = {.env = env, .self = self};
    arena_init(&c.arena, env->account, 0);
    collect_node((Node *)expr, &c);
    Status st = record(&c, depender, type, self_type, err);
    arena_destroy(&c.arena);
    return st;
}

STATUS depend_add_query(SessionEnv *env, ObjectAddress depender, const Query *query, DependType type, Error *err)
{
    return depend_add_expr(env, depender, (const Node *)query, 0, type, type, err);
}

STATUS depend_remove(SessionEnv *env, ObjectAddress depender, Error *err)
{
    Datum keys[3] = {datum_oid(depender.classid), datum_oid(depender.objid), datum_i32(depender.subid)};
    return cat_delete(env, REL_pg_depend, IDX_depend_depender, depender.subid ? 3 : 2, keys, NULL, err);
}

STATUS depend_change(SessionEnv *env, ObjectAddress depender, Oid old_classid, Oid old_objid, Oid new_objid, Error *err)
{
    Arena tmp;
    CatScan *scan = NULL;
    const void *form;
    Datum keys[2] = {datum_oid(depender.classid), datum_oid(depender.objid)};
    bool had = false;
    char type = 'n';
    arena_init(&tmp, env->account, 0);
    Status st = cat_scan_open(env, REL_pg_depend, IDX_depend_depender, 2, keys, &tmp, &scan, err);
    while (!failed(st)) {
        st = cat_scan_next(scan, &form, err);
        if (failed(st) || !form) break;
        const Form_pg_depend *d = form;
        if (d->refclassid != old_classid || d->refobjid != old_objid) continue;
        had = true;
        type = d->deptype;
        st = cat_scan_delete(scan, err);
    }
    cat_scan_close(scan);
    arena_destroy(&tmp);
    TRY(st);
    /* A pinned object has no row to change: the new one gets its first. */
    if (!had && old_objid >= FIRST_NORMAL_OID) return ST_OK;
    return depend_add(env, depender, (ObjectAddress){old_classid, new_objid, 0}, (DependType)type, err);
}
