/* MergeJoin: both inputs sorted by the join columns. The inner rows of one key are kept while outer rows of that key pass by. */
#include "executor/exec_state.h"

typedef struct MergeKey {
    ExprProgram *outer, *inner;
    int outer_att, inner_att;   /* >= 0: a plain column, read directly */
    const TypeInfo *outer_type, *inner_type;
    bool descending, nulls_first;
} MergeKey;

typedef enum Phase { NEXT_OUTER, SEEK, JOIN, FLUSH, DRAIN, DONE } Phase;

typedef struct MergeJoinState {
    PlanState ps;
    JoinType type;
    bool single, keep_outer, keep_inner;
    ExprProgram *joinqual;
    int nkeys;
    MergeKey *keys;
    Phase phase, after_flush;
    TupleSlot *outer, *inner;        /* rows at hand; inner: read, not yet in a group */
    bool inner_done, inner_started;
    Datum *ov, *iv, *gv;             /* keys of outer row, inner row, group */
    bool *on, *in, *gn;
    bool outer_null, inner_null, have_group, outer_matched;
    TupleStore *group;
    StrBuf matched;                  /* a byte a group row (RIGHT, FULL) */
    uint64_t at;
    TupleSlot *group_slot, *null_inner, *null_outer;
    Arena outer_arena, inner_arena, group_arena;
} MergeJoinState;

static int compare_mixed(const TypeInfo *a_type, const TypeInfo *b_type, Datum a, Datum b)
{
    SortKey k = {.type = a_type};
    if (a_type->key == KEYENC_F4 && b_type->key == KEYENC_F8) {
        k.type = b_type;
        a = datum_f8(datum_get_f4(a));
    } else if (a_type->key == KEYENC_F8 && b_type->key == KEYENC_F4) {
        b = datum_f8(datum_get_f4(b));
    }
    return sort_key_compare(&k, a, false, b, false);
}

static int compare_keys(const MergeJoinState *s, const Datum *a, const bool *an, const Datum *b, const bool *bn)
{
    for (int i = 0; i < s->nkeys; i++) {
        const MergeKey *k = &s->keys[i];
        int c;
        if (an[i] || bn[i]) {
            if (an[i] && bn[i]) continue;
            return (an[i] ? 1 : -1) * (k->nulls_first ? -1 : 1);
        }
        c = compare_mixed(k->outer_type, k->inner_type, a[i], b[i]);
        if (c) return k->descending ? -c : c;
    }
    return 0;
}

static STATUS eval_keys(MergeJoinState *s, bool inner, TupleSlot *row, Error *err)
{
    ExprContext *ec = &s->ps.ec;
    Arena *saved = ec->tuple_arena, *arena = inner ? &s->inner_arena : &s->outer_arena;
    Datum *v = inner ? s->iv : s->ov;
    bool *n = inner ? s->in : s->on, any = false;
    Status st = ST_OK;
    if (arena->blocks) arena_reset(arena);
    ec->tuple_arena = arena;
    if (inner) ec->inner = row;
    else ec->outer = row;
    for (int i = 0; i < s->nkeys && !failed(st); i++) {
        int att = inner ? s->keys[i].inner_att : s->keys[i].outer_att;
        if (att >= 0) {
            st = slot_decode(row, att + 1, err);
            if (failed(st)) break;
            v[i] = row->values[att];
            n[i] = row->nulls[att];
        } else {
            st = expr_eval(inner ? s->keys[i].inner : s->keys[i].outer, ec, &v[i], &n[i], err);
        }
        any |= n[i];
    }
    ec->tuple_arena = saved;
    if (inner) s->inner_null = any;
    else s->outer_null = any;
    return st;
}

static STATUS advance_inner(MergeJoinState *s, Error *err)
{
    s->inner_started = true;
    TRY(plan_next(s->ps.right, &s->inner, err));
    s->inner_done = s->inner == NULL;
    return s->inner ? eval_keys(s, true, s->inner, err) : ST_OK;
}

static STATUS emit_row(MergeJoinState *s, TupleSlot *outer, TupleSlot *inner, TupleSlot **out, Error *err)
{
    PlanState *ps = &s->ps;
    bool pass;
    *out = NULL;
    plan_reset_tuple(ps);
    ps->ec.outer = outer;
    ps->ec.inner = inner;
    TRY(expr_qual(ps->qual, &ps->ec, &pass, err));
    if (pass) return plan_project(ps, NULL, out, err);
    if (ps->instr) ps->instr->removed_by_filter++;
    return ST_OK;
}

/* All inner rows with the key of the one at hand become the group. */
static STATUS load_group(MergeJoinState *s, Error *err)
{
    tuple_store_clear(s->group);
    strbuf_reset(&s->matched);
    arena_reset(&s->group_arena);
    for (int i = 0; i < s->nkeys; i++) {
        const TypeInfo *t = s->keys[i].inner_type;
        s->gn[i] = s->in[i];
        if (!s->gn[i]) TRY(datum_copy(&s->group_arena, s->iv[i], t->byval, t->typlen, &s->gv[i], err));
    }
    do {
        TRY(EXEC_INTERRUPT(s->ps.es, err));
        TRY(tuple_store_put(s->group, s->inner, err));
        if (s->keep_inner) strbuf_char(&s->matched, 0);
        TRY(advance_inner(s, err));
        if (s->inner_done) break;
        bool same = !s->inner_null;
        for (int i = 0; i < s->nkeys && same; i++) same = compare_mixed(s->keys[i].inner_type, s->keys[i].inner_type, s->gv[i], s->iv[i]) == 0;
        if (!same) break;
    } while (true);
    s->have_group = true;
    return strbuf_check(&s->matched, err);
}

/* The outer row's place in the inner side: joins the group, or is alone. */
static STATUS seek(MergeJoinState *s, TupleSlot **out, Error *err)
{
    *out = NULL;
    if (s->have_group && !s->outer_null) {
        int c = compare_keys(s, s->ov, s->on, s->gv, s->gn);
        if (c == 0) {
            s->at = 0;
            s->phase = JOIN;
            return ST_OK;
        }
        if (c > 0) { /* nobody will want the group again */
            s->have_group = false;
            s->at = 0;
            s->after_flush = SEEK;
            s->phase = s->keep_inner ? FLUSH : SEEK;
            return ST_OK;
        }
    }
    if (!s->inner_started) TRY(advance_inner(s, err));
    while (!s->have_group && !s->outer_null && !s->inner_done) {
        int c = s->inner_null ? 1 : compare_keys(s, s->ov, s->on, s->iv, s->in);
        TRY(EXEC_INTERRUPT(s->ps.es, err));
        if (c == 0) return load_group(s, err); /* back to SEEK, which finds it */
        if (c < 0) break;
        TupleSlot *row = s->inner;
        if (s->keep_inner) {
            TRY(emit_row(s, s->null_outer, row, out, err));
            if (*out) { /* its values are in the result slot; but those passed by reference point into the row */
                TRY(slot_materialize(*out, &s->ps.tuple_arena, err));
                return advance_inner(s, err);
            }
        }
        TRY(advance_inner(s, err));
    }
    s->phase = NEXT_OUTER;
    return s->keep_outer ? emit_row(s, s->outer, s->null_inner, out, err) : ST_OK;
}

static STATUS join_group(MergeJoinState *s, TupleSlot **out, Error *err)
{
    PlanState *ps = &s->ps;
    *out = NULL;
    while (s->at < tuple_store_count(s->group)) {
        bool pass;
        uint64_t i = s->at++;
        TRY(tuple_store_get(s->group, i, s->group_slot, err));
        plan_reset_tuple(ps);
        ps->ec.outer = s->outer;
        ps->ec.inner = s->group_slot;
        TRY(expr_qual(s->joinqual, &ps->ec, &pass, err));
        if (!pass) {
            if (ps->instr) ps->instr->removed_by_join++;
            continue;
        }
        s->outer_matched = true;
        if (s->keep_inner) s->matched.data[i] = 1;
        if (s->type == JOIN_ANTI) break;
        if (s->single && !s->keep_inner) s->at = UINT64_MAX;
        TRY(emit_row(s, s->outer, s->group_slot, out, err));
        if (*out) return ST_OK;
    }
    s->phase = NEXT_OUTER;
    return s->keep_outer && !s->outer_matched ? emit_row(s, s->outer, s->null_inner, out, err) : ST_OK;
}

static STATUS flush_group(MergeJoinState *s, TupleSlot **out, Error *err)
{
    *out = NULL;
    while (s->at < tuple_store_count(s->group)) {
        uint64_t i = s->at++;
        if (s->matched.data[i]) continue;
        TRY(tuple_store_get(s->group, i, s->group_slot, err));
        TRY(emit_row(s, s->null_outer, s->group_slot, out, err));
        if (*out) return ST_OK;
    }
    s->phase = s->after_flush;
    return ST_OK;
}

static Status mergejoin_next(PlanState *ps, TupleSlot **out, Error *err)
{
    MergeJoinState *s = (MergeJoinState *)ps;
    *out = NULL;
    while (!*out) {
        TRY(EXEC_INTERRUPT(ps->es, err));
        switch (s->phase) {
        case NEXT_OUTER:
            TRY(plan_next(ps->left, &s->outer, err));
            if (!s->outer) {
                s->at = 0;
                s->after_flush = DRAIN;
                s->phase = !s->keep_inner ? DONE : s->have_group ? FLUSH : DRAIN;
                break;
            }
            TRY(eval_keys(s, false, s->outer, err));
            s->outer_matched = false;
            s->phase = SEEK;
            break;
        case SEEK: TRY(seek(s, out, err)); break;
        case JOIN: TRY(join_group(s, out, err)); break;
        case FLUSH: TRY(flush_group(s, out, err)); break;
        case DRAIN:
            /* the row read ahead, then the rest */
            if (!s->inner_started) TRY(advance_inner(s, err));
            if (s->inner_done) {
                s->phase = DONE;
                break;
            }
            TRY(emit_row(s, s->null_outer, s->inner, out, err));
            if (*out) TRY(slot_materialize(*out, &ps->tuple_arena, err));
            TRY(advance_inner(s, err));
            break;
        case DONE: return ST_OK;
        }
    }
    return ST_OK;
}

static Status mergejoin_rescan(PlanState *ps, const Bitset *changed, Error *err)
{
    MergeJoinState *s = (MergeJoinState *)ps;
    s->phase = NEXT_OUTER;
    s->inner_done = s->inner_started = s->have_group = false;
    s->inner = s->outer = NULL;
    if (s->group) tuple_store_clear(s->group);
    TRY(plan_rescan(ps->left, changed, err));
    return plan_rescan(ps->right, changed, err);
}

static void mergejoin_end(PlanState *ps)
{
    MergeJoinState *s = (MergeJoinState *)ps;
    tuple_store_free(s->group);
    strbuf_free(&s->matched);
    arena_destroy(&s->outer_arena);
    arena_destroy(&s->inner_arena);
    arena_destroy(&s->group_arena);
}

static const PlanOps mergejoin_ops = {mergejoin_next, mergejoin_rescan, mergejoin_end};

static bool reads_inner(Node *node, void *arg)
{
    if (IsA(node, Var)) return ((Var *)node)->varno == INNER_VAR;
    return node && node_walk(node, reads_inner, arg);
}

static int plain_column(const Node *e, int varno)
{
    const Var *v = (const Var *)e;
    return IsA(e, Var) && v->varno == varno && v->varattno > 0 ? v->varattno - 1 : -1;
}

static STATUS init_key(MergeJoinState *s, const MergeJoin *node, int i, Error *err)
{
    ExecState *es = s->ps.es;
    const OpExpr *op = list_at(node->mergeclauses, i);
    MergeKey *k = &s->keys[i];
    const Node *a = list_first(op->args), *b = list_at(op->args, 1);
    const OperatorInfo *info = operator_by_oid(es->env, op->opno);
    if (!info) return error_set(err, ERR_INTERNAL_ERROR, "cache lookup failed for operator %u", op->opno);
    bool swapped = reads_inner((Node *)a, NULL);
    TRY(exec_compile(es, swapped ? b : a, &k->outer, err));
    TRY(exec_compile(es, swapped ? a : b, &k->inner, err));
    k->outer_att = plain_column(swapped ? b : a, OUTER_VAR);
    k->inner_att = plain_column(swapped ? a : b, INNER_VAR);
    TRY(exec_type(es, swapped ? info->right : info->left, &k->outer_type, err));
    TRY(exec_type(es, swapped ? info->left : info->right, &k->inner_type, err));
    TRY(exec_settle_type(es, expr_type(swapped ? b : a), &k->outer_type, err));
    TRY(exec_settle_type(es, expr_type(swapped ? a : b), &k->inner_type, err));
    k->descending = i < node->mergedescending.n && node->mergedescending.v[i];
    k->nulls_first = i < node->mergenullsfirst.n && node->mergenullsfirst.v[i];
    return ST_OK;
}

STATUS mergejoin_init(ExecState *es, const Plan *plan, PlanState **out, Error *err)
{
    const MergeJoin *node = (const MergeJoin *)plan;
    TRY(plan_state_new(es, plan, &mergejoin_ops, sizeof(MergeJoinState), out, err));
    MergeJoinState *s = (MergeJoinState *)*out;
    PlanState *ps = *out;
    s->type = node->jointype;
    s->single = node->inner_unique || s->type == JOIN_SEMI;
    s->keep_outer = s->type == JOIN_LEFT || s->type == JOIN_FULL || s->type == JOIN_ANTI;
    s->keep_inner = s->type == JOIN_RIGHT || s->type == JOIN_FULL;
    strbuf_init_heap(&s->matched, es->account);
    arena_init(&s->outer_arena, es->account, 256);
    arena_init(&s->inner_arena, es->account, 256);
    arena_init(&s->group_arena, es->account, 256);
    TRY(plan_init(es, plan->lefttree, &ps->left, err));
    TRY(plan_init(es, plan->righttree, &ps->right, err));
    int n = s->nkeys = list_len(node->mergeclauses);
    TRY_NEW_N(s->keys, &es->arena, n + 1, err);
    Datum **values[] = {&s->ov, &s->iv, &s->gv};
    bool **nulls[] = {&s->on, &s->in, &s->gn};
    for (int i = 0; i < 3; i++) {
        TRY_NEW_N(*values[i], &es->arena, n + 1, err);
        TRY_NEW_N(*nulls[i], &es->arena, n + 1, err);
    }
    for (int i = 0; i < n; i++) TRY(init_key(s, node, i, err));
    TRY(tuple_store_new(es->env, ps->right->desc, es->work_mem, &s->group, err));
    TupleSlot **slots[] = {&s->group_slot, &s->null_inner, &s->null_outer};
    for (int i = 0; i < 3; i++) {
        const TupleDesc *desc = i < 2 ? ps->right->desc : ps->left->desc;
        *slots[i] = slot_new(&es->arena, desc);
        TRY_MEM(*slots[i], err);
        memset((*slots[i])->nulls, true, (size_t)desc->natts);
        slot_store_virtual(*slots[i]);
    }
    TRY(exec_compile_qual(es, node->joinqual, &s->joinqual, err));
    return plan_init_projection(ps, NULL, 0, err);
}
