/* WindowAgg: one window clause over sorted input. A partition is read whole into a store (which spills); then each row is returned with the values
 * of its functions. Frames only ever move forward within a partition, so their ends are two positions that advance with the row; an aggregate whose
 * frame start stays where it is takes in new rows only. */
#include "executor/agg_call.h"
#include "functions/window.h"

typedef struct WindowCall {
    struct WindowState *owner;
    const WindowFunc *func;
    bool is_agg;
    /* aggregates */
    AggCall agg;
    AggValue value;
    Arena agg_arena, result_arena;
    int64_t agg_start, agg_upto;        /* rows taken in; agg_start -1: none yet */
    int64_t result_start, result_end;   /* frame that `result` belongs to; -1: none */
    Datum result;
    bool result_null;
    const TypeInfo *type;
    /* window functions */
    WindowApi api;
    BuiltinFn fn;
    CallFrame *cf;
    ExprProgram **args;
} WindowCall;

typedef struct WindowState {
    PlanState ps;
    const WindowAgg *node;
    int ncalls, npart, nord, options;
    WindowCall *calls;
    EqualKey *part_keys, *ord_keys;
    TupleStore *rows;
    TupleSlot *first, *next_first;      /* of this partition (for comparing); of the next one */
    Arena first_arena, next_arena, partition_arena;
    TupleSlot *current, *peek, *peek2, *arg_slot;
    int64_t n, pos;
    bool in_partition, have_next, input_done, begun;
    int64_t frame_start, frame_end;     /* of the current row: [start, end) */
    int64_t group_start, group_end;     /* peers of the current row */
    int64_t *groups, ngroups, group_no; /* GROUPS mode: first rows of the peer groups */
    ExprProgram *start_expr, *end_expr;
    Datum start_offset, end_offset;
    int64_t start_rows, end_rows;
    BuiltinFn start_in_range, end_in_range;
    CallFrame *start_frame, *end_frame;
    Datum *results;
    bool *result_nulls;
} WindowState;

/* ---- partitions ---- */

static STATUS fetch(WindowState *s, int64_t pos, TupleSlot *slot, Error *err) { return tuple_store_get(s->rows, (uint64_t)pos, slot, err); }

static STATUS peers(WindowState *s, int64_t a, int64_t b, bool *out, Error *err)
{
    *out = true;
    if (!s->nord || a == b) return ST_OK;
    TRY(fetch(s, a, s->peek, err));
    /* The two rows may share the store's read buffer: the first is compared as a copy. */
    Arena scratch;
    arena_init(&scratch, s->ps.es->account, 512);
    Status st = slot_copy(s->peek2, s->peek, &scratch, err);
    if (!failed(st)) st = fetch(s, b, s->peek, err);
    if (!failed(st)) st = exec_rows_equal(s->ord_keys, s->nord, s->peek2, s->peek, out, err);
    arena_destroy(&scratch);
    return st;
}

static STATUS find_groups(WindowState *s, Error *err)
{
    TRY_NEW_N(s->groups, &s->partition_arena, s->n + 1, err);
    s->ngroups = 0;
    for (int64_t i = 0; i < s->n; i++) {
        bool same = false;
        TRY(EXEC_INTERRUPT(s->ps.es, err));
        if (i) TRY(peers(s, i - 1, i, &same, err));
        if (!same) s->groups[s->ngroups++] = i;
    }
    s->groups[s->ngroups] = s->n;
    s->group_no = 0;
    return ST_OK;
}

static STATUS load_partition(WindowState *s, Error *err)
{
    PlanState *ps = &s->ps;
    TupleSlot *row;
    tuple_store_clear(s->rows);
    arena_reset(&s->partition_arena);
    s->in_partition = false;
    if (!s->have_next) {
        if (s->input_done) return ST_OK;
        TRY(plan_next(ps->left, &row, err));
        if (!row) {
            s->input_done = true;
            return ST_OK;
        }
        arena_reset(&s->next_arena);
        TRY(slot_copy(s->next_first, row, &s->next_arena, err));
    }
    arena_reset(&s->first_arena);
    TRY(slot_copy(s->first, s->next_first, &s->first_arena, err));
    s->have_next = false;
    TRY(tuple_store_put(s->rows, s->first, err));
    for (;;) {
        bool same;
        TRY(EXEC_INTERRUPT(ps->es, err));
        TRY(plan_next(ps->left, &row, err));
        if (!row) {
            s->input_done = true;
            break;
        }
        TRY(exec_rows_equal(s->part_keys, s->npart, s->first, row, &same, err));
        if (!same) {
            arena_reset(&s->next_arena);
            TRY(slot_copy(s->next_first, row, &s->next_arena, err));
            s->have_next = true;
            break;
        }
        TRY(tuple_store_put(s->rows, row, err));
    }
    s->n = (int64_t)tuple_store_count(s->rows);
    s->pos = -1;
    s->frame_start = s->frame_end = s->group_start = s->group_end = 0;
    s->in_partition = true;
    for (int i = 0; i < s->ncalls; i++) {
        WindowCall *c = &s->calls[i];
        c->agg_start = c->result_start = -1;
        c->api.state = NULL;
    }
    return s->options & FRAME_GROUPS ? find_groups(s, err) : ST_OK;
}

/* ---- frames ---- */

static STATUS order_value(WindowState *s, int64_t pos, Arena *arena, Datum *v, bool *isnull, Error *err)
{
    int att = (int)s->node->ordColIdx.v[0] - 1;
    const Attribute *a = &s->ps.left->desc->atts[att];
    TRY(fetch(s, pos, s->peek, err));
    *isnull = s->peek->nulls[att];
    *v = 0;
    return *isnull ? ST_OK : datum_copy(arena, s->peek->values[att], a->byval, a->typlen, v, err);
}

static STATUS in_range(WindowState *s, bool end, Datum v, Datum base, bool preceding, bool less, bool *out, Error *err)
{
    CallFrame *cf = end ? s->end_frame : s->start_frame;
    if (!s->node->inRangeAsc) preceding = !preceding, less = !less;
    cf->args[0] = v;
    cf->args[1] = base;
    cf->args[2] = end ? s->end_offset : s->start_offset;
    cf->args[3] = preceding;
    cf->args[4] = less;
    memset(cf->nulls, 0, 5);
    cf->arena = &s->ps.tuple_arena;
    cf->err = err;
    cf->isnull = false;
    *out = (end ? s->end_in_range : s->start_in_range)(cf) != 0;
    return unlikely(err->code) ? ST_FAILED : ST_OK;
}

/* RANGE with an offset: moves a frame end forward to where it belongs for the current row. */
static STATUS advance_range(WindowState *s, bool end, bool preceding, int64_t *pos, Error *err)
{
    Datum base, v;
    bool base_null, v_null, nulls_first = s->node->inRangeNullsFirst, within;
    TRY(order_value(s, s->pos, &s->ps.tuple_arena, &base, &base_null, err));
    for (; *pos < s->n; ++*pos) {
        TRY(EXEC_INTERRUPT(s->ps.es, err));
        TRY(order_value(s, *pos, &s->ps.tuple_arena, &v, &v_null, err));
        if (v_null || base_null) { /* nulls are peers of each other and of nothing else */
            bool stop = end ? (nulls_first ? !v_null && base_null : v_null && !base_null) : (nulls_first ? !v_null || base_null : v_null || !base_null);
            if (stop) return ST_OK;
            continue;
        }
        TRY(in_range(s, end, v, base, preceding, end, &within, err));
        if (within != end) return ST_OK; /* start: the first within; end: the first beyond */
    }
    return ST_OK;
}

static int64_t clamp(int64_t v, int64_t lo, int64_t hi) { return v < lo ? lo : v > hi ? hi : v; }
static int64_t add_sat(int64_t a, int64_t b)
{
    int64_t r;
    return __builtin_add_overflow(a, b, &r) ? (b > 0 ? INT64_MAX : INT64_MIN) : r;
}

static STATUS frame_starts(WindowState *s, Error *err)
{
    int o = s->options;
    if (o & FRAME_START_UNBOUNDED_PRECEDING) s->frame_start = 0;
    else if (o & FRAME_START_CURRENT_ROW) s->frame_start = o & FRAME_ROWS ? s->pos : s->group_start;
    else if (o & (FRAME_START_OFFSET_PRECEDING | FRAME_START_OFFSET_FOLLOWING)) {
        bool preceding = o & FRAME_START_OFFSET_PRECEDING;
        int64_t d = preceding ? -s->start_rows : s->start_rows;
        if (o & FRAME_ROWS) s->frame_start = clamp(add_sat(s->pos, d), 0, s->n);
        else if (o & FRAME_GROUPS) s->frame_start = s->groups[clamp(add_sat(s->group_no, d), 0, s->ngroups)];
        else TRY(advance_range(s, false, preceding, &s->frame_start, err));
    }
    return ST_OK;
}

static STATUS frame_ends(WindowState *s, Error *err)
{
    int o = s->options;
    if (o & FRAME_END_UNBOUNDED_FOLLOWING) s->frame_end = s->n;
    else if (o & FRAME_END_CURRENT_ROW) s->frame_end = o & FRAME_ROWS ? s->pos + 1 : s->group_end;
    else if (o & (FRAME_END_OFFSET_PRECEDING | FRAME_END_OFFSET_FOLLOWING)) {
        bool preceding = o & FRAME_END_OFFSET_PRECEDING;
        int64_t d = preceding ? -s->end_rows : s->end_rows;
        if (o & FRAME_ROWS) s->frame_end = clamp(add_sat(add_sat(s->pos, d), 1), 0, s->n);
        else if (o & FRAME_GROUPS) s->frame_end = s->groups[clamp(add_sat(add_sat(s->group_no, d), 1), 0, s->ngroups)];
        else TRY(advance_range(s, true, preceding, &s->frame_end, err));
    }
    if (s->frame_end < s->frame_start) s->frame_end = s->frame_start;
    return ST_OK;
}

/* Peers of the current row; found once a group. */
static STATUS find_peers(WindowState *s, Error *err)
{
    if (s->pos < s->group_end && s->pos > 0) return ST_OK;
    s->group_start = s->pos;
    if (s->options & FRAME_GROUPS) {
        while (s->groups[s->group_no + 1] <= s->pos) s->group_no++;
        s->group_end = s->groups[s->group_no + 1];
        return ST_OK;
    }
    if (!s->nord) {
        s->group_end = s->n;
        return ST_OK;
    }
    for (s->group_end = s->pos + 1; s->group_end < s->n; s->group_end++) {
        bool same;
        TRY(EXEC_INTERRUPT(s->ps.es, err));
        TRY(peers(s, s->group_end - 1, s->group_end, &same, err));
        if (!same) break;
    }
    return ST_OK;
}

static bool needs_peers(const WindowState *s)
{
    bool rows_only = s->options & FRAME_ROWS;
    return !rows_only || (s->options & (FRAME_EXCLUDE_GROUP | FRAME_EXCLUDE_TIES));
}

static bool excluded(const WindowState *s, int64_t pos)
{
    int o = s->options;
    if (o & FRAME_EXCLUDE_CURRENT_ROW) return pos == s->pos;
    bool peer = pos >= s->group_start && pos < s->group_end;
    if (o & FRAME_EXCLUDE_GROUP) return peer;
    if (o & FRAME_EXCLUDE_TIES) return peer && pos != s->pos;
    return false;
}

static bool any_exclusion(const WindowState *s) { return s->options & (FRAME_EXCLUDE_CURRENT_ROW | FRAME_EXCLUDE_GROUP | FRAME_EXCLUDE_TIES); }

/* ---- what window functions ask for ---- */

static Status api_row_count(WindowApi *w, int64_t *out, Error *err)
{
    *out = ((WindowCall *)w->node)->owner->n;
    return ST_OK;
}

static Status api_is_peer(WindowApi *w, int64_t a, int64_t b, bool *out, Error *err)
{
    WindowState *s = ((WindowCall *)w->node)->owner;
    *out = false;
    if (a < 0 || b < 0 || a >= s->n || b >= s->n) return ST_OK;
    return peers(s, a, b, out, err);
}

static Status api_arg_at(WindowApi *w, int argno, int64_t pos, Datum *value, bool *isnull, bool *inside, Error *err)
{
    WindowCall *c = w->node;
    WindowState *s = c->owner;
    *inside = pos >= 0 && pos < s->n;
    *isnull = true;
    *value = 0;
    if (!*inside) return ST_OK;
    TupleSlot *saved = s->ps.ec.outer;
    TRY(fetch(s, pos, s->arg_slot, err));
    s->ps.ec.outer = s->arg_slot;
    Status st = expr_eval(c->args[argno], &s->ps.ec, value, isnull, err);
    s->ps.ec.outer = saved;
    if (failed(st) || *isnull) return st;
    /* The value may point into the store's read buffer. */
    Oid type = expr_type(list_at(c->func->args, argno));
    const TypeInfo *t;
    TRY(exec_type(s->ps.es, type, &t, err));
    return t->byval ? ST_OK : datum_copy(&s->ps.tuple_arena, *value, false, t->typlen, value, err);
}

static Status api_frame_row(WindowApi *w, int64_t k, bool from_end, int64_t *pos, Error *err)
{
    WindowState *s = ((WindowCall *)w->node)->owner;
    *pos = -1;
    if (!any_exclusion(s)) {
        int64_t at = from_end ? s->frame_end - 1 - k : s->frame_start + k;
        if (at >= s->frame_start && at < s->frame_end) *pos = at;
        return ST_OK;
    }
    for (int64_t i = 0; i < s->frame_end - s->frame_start; i++) {
        int64_t at = from_end ? s->frame_end - 1 - i : s->frame_start + i;
        if (excluded(s, at)) continue;
        if (k-- == 0) {
            *pos = at;
            return ST_OK;
        }
    }
    return ST_OK;
}

/* ---- values of the current row ---- */

static STATUS take_in(WindowState *s, WindowCall *c, int64_t from, int64_t to, bool skip, Error *err)
{
    for (int64_t i = from; i < to; i++) {
        TRY(EXEC_INTERRUPT(s->ps.es, err));
        if (skip && excluded(s, i)) continue;
        TRY(fetch(s, i, s->arg_slot, err));
        s->ps.ec.outer = s->arg_slot;
        TRY(agg_advance(&c->agg, &c->value, &c->agg_arena, &s->ps.ec, err));
    }
    return ST_OK;
}

static STATUS aggregate(WindowState *s, WindowCall *c, Error *err)
{
    bool skip = any_exclusion(s);
    if (!skip && c->result_start == s->frame_start && c->result_end == s->frame_end) return ST_OK;
    bool extend = !skip && c->agg_start == s->frame_start && c->agg_upto <= s->frame_end && c->agg_start >= 0;
    if (!extend) {
        agg_release(&c->agg, &c->value);
        arena_reset(&c->agg_arena);
        TRY(agg_start(&c->agg, &c->value, &c->agg_arena, err));
        c->agg_upto = s->frame_start;
    }
    TRY(take_in(s, c, c->agg_upto, s->frame_end, skip, err));
    c->agg_start = s->frame_start;
    c->agg_upto = s->frame_end;
    Datum v;
    TRY(agg_finish(&c->agg, &c->value, &c->agg_arena, &s->ps.ec, &v, &c->result_null, err));
    arena_reset(&c->result_arena);
    c->result = 0;
    if (!c->result_null) TRY(datum_copy(&c->result_arena, v, c->type->byval, c->type->typlen, &c->result, err));
    c->result_start = s->frame_start;
    c->result_end = s->frame_end;
    return ST_OK;
}

static STATUS evaluate(WindowState *s, WindowCall *c, Datum *v, bool *isnull, Error *err)
{
    if (c->is_agg) {
        TRY(aggregate(s, c, err));
        *v = c->result;
        *isnull = c->result_null;
        return ST_OK;
    }
    CallFrame *cf = c->cf;
    c->api.current = s->pos;
    c->api.partition_arena = &s->partition_arena;
    cf->window = &c->api;
    cf->arena = &s->ps.tuple_arena;
    cf->err = err;
    cf->isnull = false;
    *v = c->fn(cf);
    *isnull = cf->isnull;
    return unlikely(err->code) ? ST_FAILED : ST_OK;
}

static STATUS offset_value(WindowState *s, ExprProgram *prog, bool end, Datum *out, int64_t *rows, Error *err)
{
    bool isnull;
    Oid type = expr_type(end ? s->node->endOffset : s->node->startOffset);
    const char *what = end ? "ending" : "starting";
    if (!prog) return ST_OK;
    TRY(expr_eval(prog, &s->ps.ec, out, &isnull, err));
    if (isnull) return error_set(err, ERR_NULL_VALUE_NOT_ALLOWED, "frame %s offset must not be null", what);
    const TypeInfo *t;
    TRY(exec_type(s->ps.es, type, &t, err));
    TRY(datum_copy(&s->ps.es->arena, *out, t->byval, t->typlen, out, err));
    if (s->options & FRAME_RANGE) return ST_OK; /* in_range looks at its sign itself */
    *rows = datum_get_i64(*out);
    if (*rows < 0) return error_set(err, ERR_INVALID_PRECEDING_OR_FOLLOWING_SIZE, "frame %s offset must not be negative", what);
    return ST_OK;
}

static Status window_agg_next(PlanState *ps, TupleSlot **out, Error *err)
{
    WindowState *s = (WindowState *)ps;
    *out = NULL;
    if (!s->begun) {
        TRY(offset_value(s, s->start_expr, false, &s->start_offset, &s->start_rows, err));
        TRY(offset_value(s, s->end_expr, true, &s->end_offset, &s->end_rows, err));
        s->begun = true;
    }
    for (;;) {
        bool pass;
        TRY(EXEC_INTERRUPT(ps->es, err));
        if (!s->in_partition || s->pos + 1 >= s->n) {
            TRY(load_partition(s, err));
            if (!s->in_partition) return ST_OK;
        }
        s->pos++;
        plan_reset_tuple(ps);
        if (needs_peers(s)) TRY(find_peers(s, err));
        TRY(frame_starts(s, err));
        TRY(frame_ends(s, err));
        TRY(fetch(s, s->pos, s->peek, err));
        TRY(slot_copy(s->current, s->peek, &ps->tuple_arena, err));
        for (int i = 0; i < s->ncalls; i++) {
            ps->ec.outer = s->current;
            TRY(evaluate(s, &s->calls[i], &s->results[i], &s->result_nulls[i], err));
        }
        ps->ec.outer = s->current;
        TRY(expr_qual(ps->qual, &ps->ec, &pass, err));
        if (pass) return plan_project(ps, s->current, out, err);
        if (ps->instr) ps->instr->removed_by_filter++;
    }
}

static Status window_agg_rescan(PlanState *ps, const Bitset *changed, Error *err)
{
    WindowState *s = (WindowState *)ps;
    s->in_partition = s->have_next = s->input_done = s->begun = false;
    tuple_store_clear(s->rows);
    return plan_rescan(ps->left, changed, err);
}

static void window_agg_end(PlanState *ps)
{
    WindowState *s = (WindowState *)ps;
    for (int i = 0; i < s->ncalls; i++) {
        WindowCall *c = &s->calls[i];
        if (c->is_agg) {
            agg_release(&c->agg, &c->value);
            agg_call_end(&c->agg);
        }
        arena_destroy(&c->agg_arena);
        arena_destroy(&c->result_arena);
    }
    tuple_store_free(s->rows);
    arena_destroy(&s->first_arena);
    arena_destroy(&s->next_arena);
    arena_destroy(&s->partition_arena);
}

static const PlanOps window_agg_ops = {window_agg_next, window_agg_rescan, window_agg_end};

static STATUS init_call(WindowState *s, const WindowFunc *f, WindowCall *c, Error *err)
{
    ExecState *es = s->ps.es;
    c->owner = s;
    c->func = f;
    arena_init(&c->agg_arena, es->account, 0);
    arena_init(&c->result_arena, es->account, 256);
    const ProcInfo *proc = proc_by_oid(es->env, f->winfnoid);
    if (!proc) return error_set(err, ERR_INTERNAL_ERROR, "cache lookup failed for function %u", f->winfnoid);
    c->is_agg = proc->kind == 'a';
    TRY(exec_type(es, f->wintype, &c->type, err));
    IntArray types = {0};
    for (int i = 0; i < list_len(f->args); i++)
        if (!intarray_push(&types, &es->arena, expr_type(list_at(f->args, i)))) return error_out_of_memory(err, 8);
    if (c->is_agg) {
        AggSpec spec = {.fn = f->winfnoid, .result_type = f->wintype, .collation = f->inputcollid, .args = f->args, .filter = f->aggfilter,
                        .arg_types = types, .kind = 'n', .star = f->winstar};
        const AggregateInfo *info = aggregate_by_proc(es->env, f->winfnoid);
        const TypeInfo *state = info ? type_builtin(info->trans_type) : NULL;
        /* A polymorphic state is of the arguments' type (array_agg and the like keep theirs internally). */
        if (state && state->typtype == 'p' && state->oid != TYPE_internal && types.n) {
            spec.state_type = state->oid == TYPE_anyarray ? type_array_of(es->env, (Oid)types.v[0]) : (Oid)types.v[0];
            if (state->oid == TYPE_anyarray && type_builtin((Oid)types.v[0]) && type_builtin((Oid)types.v[0])->is_array) spec.state_type = (Oid)types.v[0];
        }
        return agg_call_init(es, &spec, &c->agg, err);
    }
    Oid arg_types[FUNC_MAX_ARGS];
    bool strict;
    for (int i = 0; i < types.n; i++) arg_types[i] = (Oid)types.v[i];
    TRY(expr_call_frame(es->env, f->winfnoid, f->inputcollid, f->wintype, types.n, arg_types, &es->arena, &c->fn, &strict, &c->cf, err));
    TRY_NEW_N(c->args, &es->arena, types.n + 1, err);
    for (int i = 0; i < types.n; i++) TRY(exec_compile(es, list_at(f->args, i), &c->args[i], err));
    c->api = (WindowApi){.node = c, .nargs = types.n, .row_count = api_row_count, .is_peer = api_is_peer, .arg_at = api_arg_at, .frame_row = api_frame_row};
    return ST_OK;
}

static STATUS init_in_range(WindowState *s, Oid proc, const Node *offset, BuiltinFn *fn, CallFrame **cf, Error *err)
{
    bool strict;
    if (!proc || !offset) return ST_OK;
    Oid column = s->ps.left->desc->atts[s->node->ordColIdx.v[0] - 1].type;
    Oid types[5] = {column, column, expr_type(offset), TYPE_bool, TYPE_bool};
    return expr_call_frame(s->ps.es->env, proc, s->node->inRangeColl, TYPE_bool, 5, types, &s->ps.es->arena, fn, &strict, cf, err);
}

STATUS window_agg_init(ExecState *es, const Plan *plan, PlanState **out, Error *err)
{
    const WindowAgg *node = (const WindowAgg *)plan;
    TRY(plan_state_new(es, plan, &window_agg_ops, sizeof(WindowState), out, err));
    WindowState *s = (WindowState *)*out;
    PlanState *ps = *out;
    s->node = node;
    s->options = node->frameOptions;
    if (!(s->options & (FRAME_RANGE | FRAME_ROWS | FRAME_GROUPS)))
        s->options |= FRAME_RANGE | FRAME_START_UNBOUNDED_PRECEDING | FRAME_END_CURRENT_ROW;
    arena_init(&s->first_arena, es->account, 0);
    arena_init(&s->next_arena, es->account, 0);
    arena_init(&s->partition_arena, es->account, 0);
    TRY(plan_init(es, plan->lefttree, &ps->left, err));
    const TupleDesc *desc = ps->left->desc;
    s->npart = node->partColIdx.n;
    s->nord = node->ordColIdx.n;
    TRY(exec_equal_keys(es, desc, &node->partColIdx, &node->partOperators, NULL, &s->part_keys, err));
    TRY(exec_equal_keys(es, desc, &node->ordColIdx, &node->ordOperators, NULL, &s->ord_keys, err));
    TRY(tuple_store_new(es->env, desc, es->work_mem, &s->rows, err));
    TupleSlot **slots[] = {&s->first, &s->next_first, &s->current, &s->peek, &s->peek2, &s->arg_slot};
    for (size_t i = 0; i < sizeof slots / sizeof *slots; i++) {
        *slots[i] = slot_new(&es->arena, desc);
        TRY_MEM(*slots[i], err);
    }
    int n = list_len(node->funcs);
    TRY_NEW_N(s->calls, &es->arena, n + 1, err);
    TRY_NEW_N(s->results, &es->arena, n + 1, err);
    TRY_NEW_N(s->result_nulls, &es->arena, n + 1, err);
    for (int i = 0; i < n; i++) {
        s->ncalls = i + 1;
        TRY(init_call(s, list_at(node->funcs, i), &s->calls[i], err));
    }
    ps->ec.agg_values = s->results;
    ps->ec.agg_nulls = s->result_nulls;
    TRY(exec_compile(es, node->startOffset, &s->start_expr, err));
    TRY(exec_compile(es, node->endOffset, &s->end_expr, err));
    TRY(init_in_range(s, node->startInRangeFunc, node->startOffset, &s->start_in_range, &s->start_frame, err));
    TRY(init_in_range(s, node->endInRangeFunc, node->endOffset, &s->end_in_range, &s->end_frame, err));
    return plan_init_projection(ps, NULL, 0, err);
}
