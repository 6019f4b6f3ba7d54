/* Subqueries of expressions, and the shared results of WITH.
 *
 * An InitPlan runs once, when the first of its slots is asked for, and again after a rescan that changes what it depends on. A correlated
 * SubPlan gets its parameters from the outer row and is rescanned for each. x IN (uncorrelated) may build a hash table once. */
#include "executor/exec_state.h"
#include "types/array.h"
#include "types/record.h"

typedef struct HashEntry { uint64_t hash; struct HashEntry *next; Datum *values; bool *nulls; } HashEntry;

struct SubPlanState {
    ExecState *es;
    const Plan *plan;
    const SubPlan *sp;          /* of the expression that uses it; NULL for a CTE's plan */
    PlanState *ps;              /* made on first use */
    Arena arena;                /* results: until the next run */
    ExprProgram **args;         /* correlated: parParam values */
    ExprProgram *test;
    bool args_ready;
    Bitset *changed;            /* parParam slots, and what else changed since the last run */
    const Bitset *params;       /* every slot the plan reads; with the stamps that the last run saw */
    uint64_t *seen;
    /* hashed */
    bool hashed_ready, hash_valid, has_nulls;
    int ncols;
    ExprProgram **lefts;
    EqualKey *keys;             /* a: left side, b: the subquery's column */
    HashEntry **table, *null_rows;
    size_t mask, nrows;
    /* CTE */
    TupleStore *store;
    bool store_done;
    TupleSlot *cte_slot;
};

STATUS subplans_init(ExecState *es, Error *err)
{
    TRY_NEW_N(es->subplans, &es->arena, list_len(es->stmt->subplans) + 1, err);
    return ST_OK;
}

STATUS subplan_state(ExecState *es, int plan_id, SubPlanState **out, Error *err)
{
    if (plan_id < 1 || plan_id > list_len(es->stmt->subplans)) return error_set(err, ERR_INTERNAL_ERROR, "subplan %d does not exist", plan_id);
    if (!es->subplans[plan_id - 1]) {
        SubPlanState *s;
        TRY_NEW(s, &es->arena, err);
        s->es = es;
        s->plan = list_at(es->stmt->subplans, plan_id - 1);
        arena_init(&s->arena, es->account, 0);
        es->subplans[plan_id - 1] = s;
    }
    *out = es->subplans[plan_id - 1];
    return ST_OK;
}

STATUS subplan_plan_state(SubPlanState *s, PlanState **out, Error *err)
{
    if (!s->ps) TRY(plan_init(s->es, (const Node *)s->plan, &s->ps, err));
    *out = s->ps;
    return ST_OK;
}

void subplans_end(ExecState *es)
{
    for (int i = 0; es->subplans && i < list_len(es->stmt->subplans); i++) {
        SubPlanState *s = es->subplans[i];
        if (!s) continue;
        plan_end(s->ps);
        tuple_store_free(s->store);
        arena_destroy(&s->arena);
        es->subplans[i] = NULL;
    }
}

/* ---- InitPlans ---- */

STATUS init_plans_register(ExecState *es, const List *init_plans, Error *err)
{
    for (int i = 0; i < list_len(init_plans); i++) {
        const SubPlan *sp = list_at(init_plans, i);
        SubPlanState *s;
        TRY(subplan_state(es, sp->plan_id, &s, err));
        s->sp = sp;
        if (sp->subLinkType == CTE_SUBLINK) continue;
        for (int k = 0; k < sp->setParam.n; k++) es->exec_params[sp->setParam.v[k]].pending = s;
    }
    return ST_OK;
}

/* Which slots that the plan reads have changed since its last run? A slot may be set far from here: by an outer query's SubPlan, by a nested loop,
 * by an InitPlan. Fills s->changed; true if there is any. */
static bool note_changes(SubPlanState *s)
{
    bool any = false;
    memset(s->changed->words, 0, (size_t)s->changed->nwords * sizeof *s->changed->words);
    for (int slot = -1; (slot = bitset_next(s->params, slot)) >= 0;) {
        uint64_t now = s->es->exec_params[slot].stamp;
        if (s->seen[slot] == now) continue;
        s->seen[slot] = now;
        s->changed->words[slot / 64] |= 1ull << slot % 64;
        any = true;
    }
    return any;
}

static void cte_forget(SubPlanState *s)
{
    if (s->store) tuple_store_clear(s->store);
    s->store_done = false;
}

STATUS init_plans_rescan(ExecState *es, const List *init_plans, const Bitset **changed, Arena *arena, Error *err)
{
    for (int i = 0; i < list_len(init_plans); i++) {
        const SubPlan *sp = list_at(init_plans, i);
        SubPlanState *s;
        TRY(subplan_state(es, sp->plan_id, &s, err));
        if (!plan_uses_params(es, (const Node *)s->plan, *changed)) continue;
        if (sp->subLinkType == CTE_SUBLINK) {
            cte_forget(s);
            if (s->ps) TRY(plan_rescan(s->ps, *changed, err));
        }
        Bitset *more = bitset_copy(*changed, arena);
        for (int k = 0; k < sp->setParam.n; k++) {
            if (sp->subLinkType != CTE_SUBLINK) es->exec_params[sp->setParam.v[k]].pending = s;
            es->exec_params[sp->setParam.v[k]].stamp++;
            more = bitset_add(more, arena, (int)sp->setParam.v[k]);
            TRY_MEM(more, err);
        }
        if (more) *changed = more;
    }
    return ST_OK;
}

static STATUS copy_value(SubPlanState *s, const TupleDesc *desc, TupleSlot *row, int col, Datum *v, bool *n, Error *err)
{
    TRY(slot_decode(row, col + 1, err));
    *n = row->nulls[col];
    *v = 0;
    if (*n) return ST_OK;
    return datum_copy(&s->arena, row->values[col], desc->atts[col].byval, desc->atts[col].typlen, v, err);
}

static STATUS too_many_rows(Error *err)
{
    return error_set(err, ERR_CARDINALITY_VIOLATION, "more than one row returned by a subquery used as an expression");
}

/* ARRAY(subquery): an array of the first column. */
static STATUS collect_array(SubPlanState *s, PlanState *ps, Arena *arena, Datum *v, bool *n, Error *err)
{
    const TypeInfo *elem;
    ArrayBuilder b;
    TRY(exec_type(s->es, ps->desc->atts[0].type, &elem, err));
    array_builder_init(&b, arena, elem);
    for (;;) {
        TupleSlot *row;
        TRY(EXEC_INTERRUPT(s->es, err));
        TRY(plan_next(ps, &row, err));
        if (!row) break;
        TRY(slot_decode(row, 1, err));
        TRY(array_builder_add(&b, row->values[0], row->nulls[0], err));
    }
    *n = false;
    return array_builder_finish(&b, arena, v, err);
}

/* The first row's columns into slots; a second row is an error. */
static STATUS single_row(SubPlanState *s, PlanState *ps, const IntArray *slots, Error *err)
{
    TupleSlot *row;
    TRY(plan_next(ps, &row, err));
    for (int k = 0; k < slots->n; k++) {
        ParamExec *p = &s->es->exec_params[slots->v[k]];
        if (row && k < ps->desc->natts) TRY(copy_value(s, ps->desc, row, k, &p->value, &p->isnull, err));
        else p->value = 0, p->isnull = true;
        p->pending = NULL;
        p->stamp++;
    }
    if (!row) return ST_OK;
    TRY(plan_next(ps, &row, err));
    return row ? too_many_rows(err) : ST_OK;
}

static STATUS run_init_plan(SubPlanState *s, Error *err)
{
    const SubPlan *sp = s->sp;
    PlanState *ps;
    TupleSlot *row;
    bool again = s->ps != NULL;
    ParamExec *p = sp->setParam.n ? &s->es->exec_params[sp->setParam.v[0]] : NULL;
    TRY(stack_check(err));
    TRY(subplan_plan_state(s, &ps, err));
    if (again) {
        bool saved = s->es->rewind_all;
        s->es->rewind_all = true;
        Status st = plan_rescan(ps, NULL, err);
        s->es->rewind_all = saved;
        TRY(st);
    }
    arena_reset(&s->arena);
    switch (sp->subLinkType) {
    case EXISTS_SUBLINK:
        TRY(plan_next(ps, &row, err));
        p->value = row != NULL;
        p->isnull = false;
        break;
    case ARRAY_SUBLINK: TRY(collect_array(s, ps, &s->arena, &p->value, &p->isnull, err)); break;
    default: return single_row(s, ps, &sp->setParam, err);
    }
    p->pending = NULL;
    p->stamp++;
    return ST_OK;
}

static Status init_param(ExprContext *ec, int slot, Error *err)
{
    ExecState *es = ec->exec_state;
    SubPlanState *s = ec->exec_params[slot].pending;
    /* Under EPQ the slots are copies: the value is computed in the main execution's and taken over. */
    if (es->exec_params[slot].pending) {
        Status st = run_init_plan(s, err);
        if (failed(st)) return st;
    }
    if (ec->exec_params == es->exec_params && s->es->exec_params == es->exec_params) return ST_OK;
    for (int k = 0; k < s->sp->setParam.n; k++) ec->exec_params[s->sp->setParam.v[k]] = s->es->exec_params[s->sp->setParam.v[k]];
    return ST_OK;
}

/* ---- SubPlans ---- */

static STATUS prepare(SubPlanState *s, const SubPlan *sp, Error *err)
{
    ExecState *es = s->es;
    if (s->args_ready && s->sp == sp) return ST_OK;
    int nslots = es->stmt->nParamExec;
    s->sp = sp;
    TRY_NEW_N(s->args, &es->arena, sp->parParam.n + 1, err);
    for (int i = 0; i < sp->parParam.n; i++) TRY(exec_compile(es, list_at(sp->args, i), &s->args[i], err));
    s->changed = bitset_add(NULL, &es->arena, nslots); /* room for every slot */
    TRY_MEM(s->changed, err);
    TRY_NEW_N(s->seen, &es->arena, nslots + 1, err);
    s->params = s->plan->extParam; /* not what its own nested loops set */
    if (sp->testexpr && nodeTag(sp->testexpr) == T_List) TRY(exec_compile_qual(es, (const List *)sp->testexpr, &s->test, err));
    else TRY(exec_compile(es, sp->testexpr, &s->test, err));
    s->args_ready = true;
    return ST_OK;
}

/* Parameters from the outer row; then to the beginning. */
static STATUS start_run(SubPlanState *s, ExprContext *ec, PlanState **out, Error *err)
{
    bool first = s->ps == NULL;
    for (int i = 0; i < s->sp->parParam.n; i++) {
        ParamExec *p = &ec->exec_params[s->sp->parParam.v[i]];
        TRY(expr_eval(s->args[i], ec, &p->value, &p->isnull, err));
        p->pending = NULL;
        p->stamp++;
    }
    (void)note_changes(s);
    TRY(subplan_plan_state(s, out, err));
    return first ? ST_OK : plan_rescan(*out, s->changed, err);
}

/* x op ANY/ALL (SELECT ...), row by row. */
static STATUS any_all(SubPlanState *s, ExprContext *ec, PlanState *ps, Datum *v, bool *n, Error *err)
{
    bool any = s->sp->subLinkType == ANY_SUBLINK, saw_null = false;
    *v = !any;
    *n = false;
    for (;;) {
        TupleSlot *row;
        Datum r;
        bool rnull;
        TRY(EXEC_INTERRUPT(s->es, err));
        TRY(plan_next(ps, &row, err));
        if (!row) break;
        for (int i = 0; i < s->sp->paramIds.n; i++) {
            ParamExec *p = &ec->exec_params[s->sp->paramIds.v[i]];
            TRY(slot_decode(row, i + 1, err));
            p->value = row->values[i];
            p->isnull = row->nulls[i];
            p->pending = NULL;
        }
        TRY(expr_eval(s->test, ec, &r, &rnull, err));
        if (rnull) {
            saw_null = true;
        } else if ((r != 0) == any) {
            *v = any;
            return ST_OK;
        }
    }
    if (saw_null) *n = true, *v = 0;
    return ST_OK;
}

static STATUS expr_value(SubPlanState *s, ExprContext *ec, PlanState *ps, Datum *v, bool *n, Error *err)
{
    TupleSlot *row;
    arena_reset(&s->arena);
    TRY(plan_next(ps, &row, err));
    *v = 0;
    *n = true;
    if (!row) return ST_OK;
    TRY(slot_decode(row, 1, err));
    *n = row->nulls[0];
    if (!*n) TRY(datum_copy(ec->tuple_arena, row->values[0], ps->desc->atts[0].byval, ps->desc->atts[0].typlen, v, err));
    TRY(plan_next(ps, &row, err));
    return row ? too_many_rows(err) : ST_OK;
}

/* (a, b) < (SELECT x, y): the test over one row. */
static STATUS row_compare(SubPlanState *s, ExprContext *ec, PlanState *ps, Datum *v, bool *n, Error *err)
{
    TRY(single_row(s, ps, &s->sp->paramIds, err));
    return expr_eval(s->test, ec, v, n, err);
}

/* ---- hashed IN ---- */

static STATUS hashed_prepare(SubPlanState *s, Error *err)
{
    ExecState *es = s->es;
    const Node *test = s->sp->testexpr;
    List one = {.tag = T_List, .len = 1, .cap = 1, .items = (void *[]){(void *)test}};
    const List *clauses = nodeTag(test) == T_List ? (const List *)test : IsA(test, BoolExpr) ? ((const BoolExpr *)test)->args : &one;
    s->ncols = list_len(clauses);
    TRY_NEW_N(s->lefts, &es->arena, s->ncols + 1, err);
    TRY_NEW_N(s->keys, &es->arena, s->ncols + 1, err);
    for (int i = 0; i < s->ncols; i++) {
        const OpExpr *op = list_at(clauses, i);
        if (!IsA(op, OpExpr) || list_len(op->args) != 2) return error_set(err, ERR_INTERNAL_ERROR, "unexpected condition of a hashed subplan");
        TRY(exec_compile(es, list_first(op->args), &s->lefts[i], err));
        TRY(equal_key_init(es->env, i, i, op->opno, op->inputcollid, &s->keys[i], err));
        TRY(exec_settle_type(es, expr_type(list_first(op->args)), &s->keys[i].type_a, err));
        TRY(exec_settle_type(es, expr_type(list_at(op->args, 1)), &s->keys[i].type_b, err));
    }
    s->hashed_ready = true;
    return ST_OK;
}

static STATUS hash_grow(SubPlanState *s, Error *err)
{
    size_t size = s->table ? (s->mask + 1) * 2 : 64;
    HashEntry **grown;
    TRY_NEW_N(grown, &s->arena, size, err);
    for (size_t i = 0; s->table && i <= s->mask; i++)
        for (HashEntry *e = s->table[i], *next; e; e = next) {
            next = e->next;
            e->next = grown[e->hash & (size - 1)];
            grown[e->hash & (size - 1)] = e;
        }
    s->table = grown;
    s->mask = size - 1;
    return ST_OK;
}

static STATUS hash_build(SubPlanState *s, Error *err)
{
    PlanState *ps;
    bool again = s->ps != NULL;
    TRY(subplan_plan_state(s, &ps, err));
    if (again) TRY(plan_rescan(ps, s->changed, err));
    arena_reset(&s->arena);
    s->table = NULL;
    s->null_rows = NULL;
    s->nrows = 0;
    TRY(hash_grow(s, err));
    for (;;) {
        TupleSlot *row;
        HashEntry *e;
        bool has_null = false;
        TRY(EXEC_INTERRUPT(s->es, err));
        TRY(plan_next(ps, &row, err));
        if (!row) break;
        TRY_NEW(e, &s->arena, err);
        TRY_NEW_N(e->values, &s->arena, s->ncols, err);
        TRY_NEW_N(e->nulls, &s->arena, s->ncols, err);
        for (int i = 0; i < s->ncols; i++) {
            TRY(copy_value(s, ps->desc, row, i, &e->values[i], &e->nulls[i], err));
            has_null |= e->nulls[i];
            e->hash = hash_combine(e->hash, e->nulls[i] ? 0 : equal_key_hash_b(&s->keys[i], e->values[i]));
        }
        HashEntry **head = has_null ? &s->null_rows : &s->table[e->hash & s->mask];
        e->next = *head;
        *head = e;
        if (++s->nrows > s->mask) TRY(hash_grow(s, err));
    }
    s->hash_valid = true;
    (void)note_changes(s); /* InitPlans that ran while building are no change */
    return ST_OK;
}

/* 1: equal, 0: not, -1: unknown. */
static int compare_entry(const SubPlanState *s, const HashEntry *e, const Datum *v, const bool *n)
{
    bool unknown = false;
    for (int i = 0; i < s->ncols; i++) {
        if (n[i] || e->nulls[i]) unknown = true;
        else if (!equal_key_equal(&s->keys[i], v[i], e->values[i])) return 0;
    }
    return unknown ? -1 : 1;
}

static STATUS hashed_in(SubPlanState *s, ExprContext *ec, Datum *v, bool *n, Error *err)
{
    Datum *values;
    bool *nulls, any_null = false, unknown = false;
    uint64_t hash = 0;
    if (!s->hashed_ready) TRY(hashed_prepare(s, err));
    if (note_changes(s) || !s->hash_valid) {
        s->hash_valid = false;
        TRY(hash_build(s, err));
    }
    *v = false;
    *n = false;
    if (!s->nrows) return ST_OK;
    TRY_NEW_N(values, ec->tuple_arena, s->ncols, err);
    TRY_NEW_N(nulls, ec->tuple_arena, s->ncols, err);
    for (int i = 0; i < s->ncols; i++) {
        TRY(expr_eval(s->lefts[i], ec, &values[i], &nulls[i], err));
        any_null |= nulls[i];
        hash = hash_combine(hash, nulls[i] ? 0 : equal_key_hash_a(&s->keys[i], values[i]));
    }
    if (!any_null)
        for (const HashEntry *e = s->table[hash & s->mask]; e; e = e->next)
            if (e->hash == hash && compare_entry(s, e, values, nulls) == 1) {
                *v = true;
                return ST_OK;
            }
    for (const HashEntry *e = s->null_rows; e && !unknown; e = e->next) unknown = compare_entry(s, e, values, nulls) == -1;
    for (size_t i = 0; any_null && !unknown && i <= s->mask; i++)
        for (const HashEntry *e = s->table[i]; e && !unknown; e = e->next) unknown = compare_entry(s, e, values, nulls) == -1;
    *n = unknown && !s->sp->unknownEqFalse;
    return ST_OK;
}

static Status sub_plan(ExprContext *ec, const SubPlan *sp, void *site, Datum *v, bool *n, Error *err)
{
    ExecState *es = ec->exec_state;
    SubPlanState *s;
    PlanState *ps;
    TupleSlot *row;
    TRY(stack_check(err));
    TRY(subplan_state(es, sp->plan_id, &s, err));
    TRY(prepare(s, sp, err));
    if (sp->useHashTable) return hashed_in(s, ec, v, n, err);
    TRY(start_run(s, ec, &ps, err));
    switch (sp->subLinkType) {
    case EXISTS_SUBLINK:
        TRY(plan_next(ps, &row, err));
        *v = row != NULL;
        *n = false;
        return ST_OK;
    case ANY_SUBLINK: case ALL_SUBLINK: return any_all(s, ec, ps, v, n, err);
    case ARRAY_SUBLINK: return collect_array(s, ps, ec->tuple_arena, v, n, err);
    case ROWCOMPARE_SUBLINK: return row_compare(s, ec, ps, v, n, err);
    case MULTIEXPR_SUBLINK: /* UPDATE ... SET (a, b) = (SELECT ...): its columns are read as parameters */
        arena_reset(&s->arena);
        TRY(single_row(s, ps, &sp->setParam, err));
        *v = 0;
        *n = true;
        return ST_OK;
    default: return expr_value(s, ec, ps, v, n, err);
    }
}

static Status current_of(ExprContext *ec, const CurrentOfExpr *co, Datum *v, bool *n, Error *err)
{
    return error_unsupported(err, "WHERE CURRENT OF");
}

const ExprCallbacks exec_expr_callbacks = {init_param, sub_plan, current_of};

/* ---- WITH ---- */

const TupleDesc *cte_desc(SubPlanState *s, Error *err)
{
    PlanState *ps;
    return failed(subplan_plan_state(s, &ps, err)) ? NULL : ps->desc;
}

STATUS cte_fetch(SubPlanState *s, uint64_t index, TupleSlot *slot, Error *err)
{
    PlanState *ps;
    TRY(subplan_plan_state(s, &ps, err));
    if (!s->store) TRY(tuple_store_new(s->es->env, ps->desc, s->es->work_mem, &s->store, err));
    while (!s->store_done && tuple_store_count(s->store) <= index) {
        TupleSlot *row;
        TRY(EXEC_INTERRUPT(s->es, err));
        TRY(plan_next(ps, &row, err));
        if (row) TRY(tuple_store_put(s->store, row, err));
        else s->store_done = true;
    }
    return tuple_store_get(s->store, index, slot, err);
}

STATUS subplans_finish_modifying(ExecState *es, Error *err)
{
    for (int i = 0; i < list_len(es->stmt->subplans); i++) {
        SubPlanState *s;
        PlanState *ps;
        if (!IsA(list_at(es->stmt->subplans, i), ModifyTable)) continue;
        TRY(subplan_state(es, i + 1, &s, err));
        TRY(subplan_plan_state(s, &ps, err));
        for (TupleSlot *row = (TupleSlot *)1; row && !s->store_done;) TRY(plan_next(ps, &row, err));
        s->store_done = true;
    }
    return ST_OK;
}
