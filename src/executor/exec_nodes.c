/* What all nodes share: making and ending states, rescans, projections, keys. Dispatch happens once, here. */
#include "common/thread.h"
#include "executor/exec_state.h"

static const PlanInitFn init_table[T_COUNT] = {
#define ROW(T, name) [T_##T] = name##_init,
    EXEC_NODES(ROW)
#undef ROW
};

STATUS plan_init(ExecState *es, const Node *node, PlanState **out, Error *err)
{
    *out = NULL;
    if (!node) return ST_OK;
    TRY(stack_check(err));
    PlanInitFn fn = nodeTag(node) < T_COUNT ? init_table[nodeTag(node)] : NULL;
    if (!fn) return error_set(err, ERR_INTERNAL_ERROR, "unrecognized plan node type: %d", (int)nodeTag(node));
    const Plan *plan = (const Plan *)node;
    if (plan->initPlan) TRY(init_plans_register(es, plan->initPlan, err));
    return fn(es, plan, out, err);
}

void plan_end(PlanState *ps)
{
    if (!ps) return;
    if (ps->ops->end) ps->ops->end(ps);
    plan_end(ps->left);
    plan_end(ps->right);
    for (int i = 0; i < ps->nchildren; i++) plan_end(ps->children[i]);
    arena_destroy(&ps->tuple_arena);
}

STATUS plan_state_new(ExecState *es, const Plan *plan, const PlanOps *ops, size_t bytes, PlanState **out, Error *err)
{
    PlanState *ps = arena_zalloc(&es->arena, bytes);
    if (!ps) return error_out_of_memory(err, bytes);
    ps->ops = ops;
    ps->next = ops->next;
    ps->plan = plan;
    ps->es = es;
    arena_init(&ps->tuple_arena, es->account, 512);
    ps->ec = (ExprContext){.params = es->params, .exec_params = es->exec_params, .tuple_arena = &ps->tuple_arena, .query_arena = &es->arena,
                           .env = es->env, .callbacks = &exec_expr_callbacks, .exec_state = es};
    *out = ps;
    return es->instrument ? instrument_attach(ps, err) : ST_OK;
}

/* ---- which parameters a subtree reads ---- */

typedef struct ParamWalk { ExecState *es; Bitset *set; bool oom; int depth; } ParamWalk;

static bool param_walker(Node *node, void *arg)
{
    ParamWalk *w = arg;
    int slot = -1;
    if (!node) return false;
    if (IsA(node, Param) && ((Param *)node)->paramkind == PARAM_EXEC) slot = ((Param *)node)->paramid;
    if (IsA(node, CteScan)) slot = ((CteScan *)node)->cteParam;
    if (IsA(node, WorkTableScan)) slot = ((WorkTableScan *)node)->wtParam;
    if (slot >= 0) {
        Bitset *now = bitset_add(w->set, &w->es->arena, slot);
        if (!now) w->oom = true;
        else w->set = now;
    }
    int plan_id = IsA(node, SubPlan) ? ((SubPlan *)node)->plan_id : IsA(node, CteScan) ? ((CteScan *)node)->ctePlanId : 0;
    if (plan_id > 0 && plan_id <= list_len(w->es->stmt->subplans) && w->depth < 64) {
        w->depth++;
        (void)param_walker(list_at(w->es->stmt->subplans, plan_id - 1), arg);
        w->depth--;
    }
    return node_walk(node, param_walker, arg);
}

static const Bitset *subtree_params(PlanState *ps)
{
    if (!ps->params_known) {
        ParamWalk w = {.es = ps->es};
        (void)param_walker((Node *)ps->plan, &w);
        ps->params = w.set;
        ps->params_known = !w.oom;
    }
    return ps->params;
}

bool plan_depends_on(PlanState *ps, const Bitset *changed)
{
    if (ps->es->rewind_all) return true;
    if (bitset_is_empty(changed)) return false;
    const Bitset *params = subtree_params(ps);
    return !ps->params_known || bitset_overlaps(params, changed);
}

bool plan_uses_params(ExecState *es, const Node *plan, const Bitset *changed)
{
    ParamWalk w = {.es = es};
    if (es->rewind_all) return true;
    if (bitset_is_empty(changed)) return false;
    (void)param_walker((Node *)plan, &w);
    return w.oom || bitset_overlaps(w.set, changed);
}

STATUS plan_rescan(PlanState *ps, const Bitset *changed, Error *err)
{
    if (!ps) return ST_OK;
    TRY(stack_check(err));
    ps->running = false;
    if (ps->plan->initPlan) TRY(init_plans_rescan(ps->es, ps->plan->initPlan, &changed, &ps->tuple_arena, err));
    ps->ec.params = ps->es->params;
    if (ps->ops->rescan) return ps->ops->rescan(ps, changed, err);
    TRY(plan_rescan(ps->left, changed, err));
    TRY(plan_rescan(ps->right, changed, err));
    for (int i = 0; i < ps->nchildren; i++) TRY(plan_rescan(ps->children[i], changed, err));
    return ST_OK;
}

/* ---- projection ---- */

STATUS exec_type(ExecState *es, Oid oid, const TypeInfo **out, Error *err)
{
    if ((*out = type_builtin(oid))) return ST_OK;
    es->transient = true;
    return type_require(es->env, oid, out, err);
}

STATUS exec_tlist_desc(SessionEnv *env, const List *tlist, bool skip_junk, Arena *arena, TupleDesc **out, Error *err)
{
    int n = 0;
    for (int i = 0; i < list_len(tlist); i++)
        if (!skip_junk || !((TargetEntry *)list_at(tlist, i))->resjunk) n++;
    TupleDesc *desc = tupledesc_new(arena, n);
    TRY_MEM(desc, err);
    n = 0;
    for (int i = 0; i < list_len(tlist); i++) {
        const TargetEntry *te = list_at(tlist, i);
        if (skip_junk && te->resjunk) continue;
        Oid type = expr_type(te->expr);
        const TypeInfo *ti = type_builtin(type);
        if (!ti) TRY(type_require(env, type, &ti, err));
        Attribute *att = &desc->atts[n++];
        attribute_set(att, te->resname ? te->resname : "?column?", ti, expr_typmod(te->expr));
        att->collation = expr_collation(te->expr);
        att->origin_table = te->resorigtbl;
        att->origin_attnum = (int16_t)te->resorigcol;
    }
    *out = desc;
    return ST_OK;
}

static bool identity_tlist(const List *tlist, const TupleDesc *input, int varno)
{
    if (!input || list_len(tlist) != input->natts || !input->natts) return false;
    for (int i = 0; i < input->natts; i++) {
        const Var *v = (const Var *)((TargetEntry *)list_at(tlist, i))->expr;
        if (!IsA(v, Var) || v->varno != varno || v->varattno != i + 1) return false;
    }
    return true;
}

STATUS exec_compile(ExecState *es, const Expr *expr, ExprProgram **out, Error *err)
{
    *out = NULL;
    if (!expr) return ST_OK;
    TRY(expr_compile(es->env, expr, &es->arena, out, err));
    es->transient |= expr_is_transient(*out);
    return ST_OK;
}

STATUS exec_compile_qual(ExecState *es, const List *quals, ExprProgram **out, Error *err)
{
    TRY(expr_compile_qual(es->env, quals, &es->arena, out, err));
    es->transient |= expr_is_transient(*out);
    return ST_OK;
}

STATUS exec_compile_projection(ExecState *es, const List *tlist, ExprProgram **out, Error *err)
{
    TRY(expr_compile_projection(es->env, tlist, &es->arena, out, err));
    es->transient |= expr_is_transient(*out);
    return ST_OK;
}

STATUS plan_init_projection(PlanState *ps, const TupleDesc *input, int varno, Error *err)
{
    ExecState *es = ps->es;
    TRY(exec_compile_qual(es, ps->plan->qual, &ps->qual, err));
    if (identity_tlist(ps->plan->targetlist, input, varno)) {
        ps->desc = input;
        return ST_OK;
    }
    TupleDesc *desc;
    TRY(exec_tlist_desc(es->env, ps->plan->targetlist, false, &es->arena, &desc, err));
    ps->desc = desc;
    ps->result = slot_new(&es->arena, desc);
    TRY_MEM(ps->result, err);
    return exec_compile_projection(es, ps->plan->targetlist, &ps->proj, err);
}

static bool var_walker(Node *node, void *arg) { return IsA(node, Var) || (node && node_walk(node, var_walker, arg)); }

bool plan_reads_columns(const Plan *scan)
{
    bool reads = false;
    for (int i = 0; i < list_len(scan->targetlist) && !reads; i++) reads = var_walker(list_at(scan->targetlist, i), NULL);
    for (int i = 0; i < list_len(scan->qual) && !reads; i++) reads = var_walker(list_at(scan->qual, i), NULL);
    return reads;
}

STATUS exec_relation(ExecState *es, int rti, const Relation **out, Error *err)
{
    if (rti < 1 || rti > list_len(es->stmt->rtable)) return error_set(err, ERR_INTERNAL_ERROR, "range table index %d is out of range", rti);
    if (!es->relations[rti - 1]) {
        const RangeTblEntry *rte = list_at(es->stmt->rtable, rti - 1);
        TRY(relation_open(es->env, rte->relid, LOCK_NONE, &es->relations[rti - 1], err));
    }
    *out = es->relations[rti - 1];
    return ST_OK;
}

/* ---- keys ---- */

STATUS exec_settle_type(ExecState *es, Oid actual, const TypeInfo **type, Error *err)
{
    if ((*type)->typtype != 'p' || actual == (*type)->oid || !actual) return ST_OK;
    return exec_type(es, actual, type, err);
}

STATUS exec_sort_keys(ExecState *es, const TupleDesc *desc, int n, const IntArray *cols, const IntArray *ops, const IntArray *colls,
                      const IntArray *nulls_first, SortKey **out, Error *err)
{
    SortKey *keys;
    TRY_NEW_N(keys, &es->arena, n ? n : 1, err);
    for (int i = 0; i < n; i++) {
        int attno = (int)cols->v[i] - 1;
        TRY(sort_key_init(es->env, attno, (Oid)ops->v[i], colls && i < colls->n ? (Oid)colls->v[i] : 0,
                          nulls_first && i < nulls_first->n ? nulls_first->v[i] != 0 : false, &keys[i], err));
        if (desc) TRY(exec_settle_type(es, desc->atts[attno].type, &keys[i].type, err));
    }
    *out = keys;
    return ST_OK;
}

STATUS exec_equal_keys(ExecState *es, const TupleDesc *desc, const IntArray *cols, const IntArray *ops, const IntArray *colls, EqualKey **out,
                       Error *err)
{
    EqualKey *keys;
    TRY_NEW_N(keys, &es->arena, cols->n ? cols->n : 1, err);
    for (int i = 0; i < cols->n; i++) {
        int attno = (int)cols->v[i] - 1;
        TRY(equal_key_init(es->env, attno, attno, (Oid)ops->v[i], colls && i < colls->n ? (Oid)colls->v[i] : 0, &keys[i], err));
        if (!desc) continue;
        TRY(exec_settle_type(es, desc->atts[attno].type, &keys[i].type_a, err));
        TRY(exec_settle_type(es, desc->atts[attno].type, &keys[i].type_b, err));
    }
    *out = keys;
    return ST_OK;
}

STATUS exec_rows_equal(const EqualKey *keys, int n, TupleSlot *a, TupleSlot *b, bool *equal, Error *err)
{
    *equal = false;
    for (int i = n - 1; i >= 0; i--) {
        int x = keys[i].attno_a, y = keys[i].attno_b;
        TRY(slot_decode(a, x + 1, err));
        TRY(slot_decode(b, y + 1, err));
        if (a->nulls[x] != b->nulls[y]) return ST_OK;
        if (!a->nulls[x] && !equal_key_equal(&keys[i], a->values[x], b->values[y])) return ST_OK;
    }
    *equal = true;
    return ST_OK;
}

STATUS exec_rows_hash(const EqualKey *keys, int n, TupleSlot *slot, uint64_t *out, Error *err)
{
    uint64_t h = 0;
    for (int i = 0; i < n; i++) {
        int x = keys[i].attno_a;
        TRY(slot_decode(slot, x + 1, err));
        h = hash_combine(h, slot->nulls[x] ? 0 : equal_key_hash_a(&keys[i], slot->values[x]));
    }
    *out = h;
    return ST_OK;
}

/* ---- EPQ ---- */

bool epq_source(ExecState *es, int rti, TupleSlot **slot)
{
    if (likely(!es->epq)) return false;
    for (int i = 0; i < es->epq->nsources; i++) {
        EpqSource *src = &es->epq->sources[i];
        if (src->rti != rti) continue;
        *slot = src->returned ? NULL : src->slot;
        src->returned = true;
        return true;
    }
    return false;
}

void epq_rewind_source(ExecState *es, int rti)
{
    if (likely(!es->epq)) return;
    for (int i = 0; i < es->epq->nsources; i++)
        if (es->epq->sources[i].rti == rti) es->epq->sources[i].returned = false;
}
