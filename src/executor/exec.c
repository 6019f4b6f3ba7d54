/* An execution from open to close: the state tree, the sink, the visible columns, rewinding for the next run. */
#include "executor/events.h"
#include "executor/exec_state.h"

static int64_t clamp_share(int64_t wanted, int64_t room)
{
    int64_t least = 64 * 1024;
    return wanted <= room ? wanted : room < least ? least : room;
}

static void options_apply(ExecState *es, const ExecOptions *opt)
{
    es->params = opt->params;
    es->snapshot = opt->snapshot ? snapshot_ref(opt->snapshot) : NULL;
    es->instrument = opt->instrument;
    es->timing = opt->instrument_timing;
    es->scrollable = opt->scrollable;
    es->account = opt->account ? opt->account : es->env->account;
    es->work_mem = es->env->settings ? setting_int(es->env->settings, SET_work_mem) * 1024 : 4 << 20;
    double mult = es->env->settings ? setting_real(es->env->settings, SET_hash_mem_multiplier) : 2.0;
    es->hash_mem = (int64_t)((double)es->work_mem * (mult < 1 ? 1 : mult));
    /* A node may not plan with more than what the budget still has for all of them: it spills earlier then. */
    int64_t room = mem_available(es->account);
    es->work_mem = clamp_share(es->work_mem, room / 4);
    es->hash_mem = clamp_share(es->hash_mem, room / 3);
}

static uint64_t generation_now(SessionEnv *env) { return env->catalog ? catalog_generation(env) : 0; }

static bool visible_differs(const List *tlist)
{
    for (int i = 0; i < list_len(tlist); i++)
        if (((TargetEntry *)list_at(tlist, i))->resjunk) return true;
    return false;
}

static const List *result_tlist(const PlannedStmt *stmt)
{
    const Node *top = stmt->planTree;
    if (!top) return NULL;
    if (IsA(top, ModifyTable)) return ((const ModifyTable *)top)->returningList;
    return ((const Plan *)top)->targetlist;
}

static bool returns_rows(const PlannedStmt *stmt)
{
    if (!stmt->planTree) return false;
    return IsA(stmt->planTree, ModifyTable) ? list_len(((const ModifyTable *)stmt->planTree)->returningList) > 0 : true;
}

STATUS plan_result_desc(SessionEnv *env, const PlannedStmt *stmt, Arena *arena, TupleDesc **out, Error *err)
{
    *out = NULL;
    if (!returns_rows(stmt)) return ST_OK;
    return exec_tlist_desc(env, result_tlist(stmt), true, arena, out, err);
}

STATUS query_result_desc(SessionEnv *env, const Query *query, Arena *arena, TupleDesc **out, Error *err)
{
    *out = NULL;
    if (query->commandType == CMD_SELECT) return exec_tlist_desc(env, query->targetList, true, arena, out, err);
    if (query->commandType == CMD_UTILITY || !query->returningList) return ST_OK;
    return exec_tlist_desc(env, query->returningList, true, arena, out, err);
}

/* Everything that hangs in es->arena. */
static STATUS build(ExecState *es, Error *err)
{
    const PlannedStmt *stmt = es->stmt;
    es->generation = generation_now(es->env);
    es->transient = false;
    TRY_NEW_N(es->exec_params, &es->arena, stmt->nParamExec ? stmt->nParamExec : 1, err);
    TRY_NEW_N(es->relations, &es->arena, list_len(stmt->rtable) + 1, err);
    TRY(subplans_init(es, err));
    if (!stmt->readOnly) TRY(events_new(es->env, &es->events, err));
    if (returns_rows(stmt)) TRY(exec_tlist_desc(es->env, result_tlist(stmt), true, &es->arena, &es->result_desc, err));
    if (es->result_desc && visible_differs(result_tlist(stmt))) {
        es->visible = slot_new(&es->arena, es->result_desc);
        TRY_MEM(es->visible, err);
    }
    return plan_init(es, stmt->planTree, &es->root, err);
}

/* The opposite of build: keeps es itself. */
static void demolish(ExecState *es)
{
    plan_end(es->root);
    subplans_end(es);
    events_free(es->events);
    tuple_store_free(es->scroll);
    es->root = NULL;
    es->events = NULL;
    es->scroll = NULL;
    es->result_desc = NULL;
    es->visible = NULL;
    es->subplans = NULL;
    es->instruments = NULL;
    es->ninstruments = 0;
}

STATUS exec_open(SessionEnv *env, const PlannedStmt *stmt, const ExecOptions *opt, Execution **out, Error *err)
{
    *out = NULL;
    ExecState *es = mem_alloc(opt->account ? opt->account : env->account, sizeof *es);
    if (!es) return error_out_of_memory(err, sizeof *es);
    memset(es, 0, sizeof *es);
    es->env = env;
    es->stmt = stmt;
    options_apply(es, opt);
    arena_init(&es->arena, es->account, 4096);
    Status st = build(es, err);
    if (failed(st)) {
        (void)first_error(st, exec_close(es, NULL));
        return st;
    }
    *out = es;
    return ST_OK;
}

STATUS exec_close(Execution *es, Error *err)
{
    if (!es) return ST_OK;
    MemAccount *account = es->account;
    demolish(es);
    snapshot_release(es->snapshot);
    arena_destroy(&es->arena);
    mem_free(account, es, sizeof *es);
    return ST_OK;
}

STATUS exec_suspend(Execution *es, Error *err)
{
    /* A rescan in which everything changed closes cursors and drops stored rows. */
    es->rewind_all = true;
    es->params = NULL;
    Status st = plan_rescan(es->root, NULL, err);
    es->rewind_all = false;
    subplans_end(es);
    events_clear(es->events);
    tuple_store_free(es->scroll);
    es->scroll = NULL;
    snapshot_release(es->snapshot);
    es->snapshot = NULL;
    es->finished = true;
    return st;
}

static bool relations_same(ExecState *es)
{
    for (int i = 0; i < list_len(es->stmt->rtable); i++) {
        const Relation *rel;
        const RangeTblEntry *rte = list_at(es->stmt->rtable, i);
        if (!es->relations[i]) continue;
        if (failed(relation_try_open(es->env, rte->relid, LOCK_NONE, &rel, NULL)) || rel != es->relations[i]) return false;
    }
    return true;
}

STATUS exec_rewind(Execution *es, const ExecOptions *opt, Error *err)
{
    snapshot_release(es->snapshot);
    bool same = !es->transient && es->generation == generation_now(es->env) && relations_same(es) && es->instrument == opt->instrument &&
                (!opt->account || opt->account == es->account);
    options_apply(es, opt);
    es->finished = es->begun = false;
    es->processed = 0;
    es->scroll_pos = 0;
    if (!same || list_len(es->stmt->subplans)) {
        demolish(es);
        arena_reset(&es->arena);
        return build(es, err);
    }
    events_clear(es->events);
    es->rewind_all = true;
    Status st = plan_rescan(es->root, NULL, err);
    es->rewind_all = false;
    return st;
}

const TupleDesc *exec_result_desc(const Execution *es) { return es->result_desc; }

/* The row without junk columns. The visible ones come first in a target list; where they do not, they are picked. */
static STATUS visible_row(ExecState *es, TupleSlot *row, TupleSlot **out, Error *err)
{
    TupleSlot *v = es->visible;
    const List *tlist = result_tlist(es->stmt);
    int n = 0;
    *out = row;
    if (!v) return ST_OK;
    TRY(slot_decode_all(row, err));
    for (int i = 0; i < list_len(tlist); i++) {
        if (((TargetEntry *)list_at(tlist, i))->resjunk) continue;
        v->values[n] = row->values[i];
        v->nulls[n++] = row->nulls[i];
    }
    slot_store_virtual(v);
    *out = v;
    return ST_OK;
}

/* End of the statement: data-modifying WITH runs out, then what waited for the end. */
static STATUS finish(ExecState *es, Error *err)
{
    if (es->finished) return ST_OK;
    es->finished = true;
    if (es->stmt->hasModifyingCTE) TRY(subplans_finish_modifying(es, err));
    return es->events ? events_fire(es->events, err) : ST_OK;
}

static STATUS scroll_fill(ExecState *es, uint64_t upto, Error *err)
{
    while (!es->finished && tuple_store_count(es->scroll) < upto) {
        TupleSlot *row;
        TRY(plan_next(es->root, &row, err));
        if (!row) return finish(es, err);
        TRY(visible_row(es, row, &row, err));
        TRY(tuple_store_put(es->scroll, row, err));
    }
    return ST_OK;
}

/* A scrollable cursor reads through a store. scroll_pos: rows before the present position, which stands on row scroll_pos (from 1);
 * 0: before the first; count + 1: after the last. */
static STATUS run_scroll(ExecState *es, bool backward, uint64_t count, RowSink *sink, uint64_t *rows, bool *at_end, Error *err)
{
    bool more = true;
    TupleSlot *slot = slot_new(&es->arena, es->result_desc);
    TRY_MEM(slot, err);
    if (!es->scroll) TRY(tuple_store_new(es->env, es->result_desc, es->work_mem, &es->scroll, err));
    while (more && (count == 0 || *rows < count)) {
        uint64_t want;
        TRY(EXEC_INTERRUPT(es, err));
        if (backward) {
            if (es->scroll_pos <= 1) {
                es->scroll_pos = 0;
                *at_end = true;
                break;
            }
            want = --es->scroll_pos;
        } else {
            TRY(scroll_fill(es, es->scroll_pos + 1, err));
            if (es->scroll_pos >= tuple_store_count(es->scroll)) {
                es->scroll_pos = tuple_store_count(es->scroll) + 1;
                *at_end = true;
                break;
            }
            want = ++es->scroll_pos;
        }
        TRY(tuple_store_get(es->scroll, want - 1, slot, err));
        if (slot->empty) break;
        if (sink) TRY(sink->row(sink, slot, &more, err));
        ++*rows;
    }
    return ST_OK;
}

STATUS exec_run(Execution *es, bool backward, uint64_t count, RowSink *sink, uint64_t *rows, bool *at_end, Error *err)
{
    bool more = true;
    uint64_t n = 0;
    *rows = 0;
    *at_end = false;
    if (sink && sink->start && !es->begun && es->result_desc) TRY(sink->start(sink, es->result_desc, err));
    es->begun = true;
    if (es->scrollable && es->result_desc) return run_scroll(es, backward, count, sink, rows, at_end, err);
    if (backward) {
        error_set(err, ERR_OBJECT_NOT_IN_PREREQUISITE_STATE, "cursor can only scan forward");
        return error_hint(err, "Declare it with SCROLL option to enable backward scan.");
    }
    while (more && !es->finished && (count == 0 || n < count)) {
        TupleSlot *row;
        TRY(plan_next(es->root, &row, err));
        if (!row) {
            TRY(finish(es, err));
            break;
        }
        n++;
        if (!es->result_desc) continue;
        TRY(visible_row(es, row, &row, err));
        if (sink) TRY(sink->row(sink, row, &more, err));
    }
    *at_end = es->finished;
    *rows = es->result_desc ? n : es->processed;
    return ST_OK;
}
