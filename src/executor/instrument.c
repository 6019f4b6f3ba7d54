/* EXPLAIN ANALYZE: a wrapper around a node's next that counts rows, loops and time. Nothing of it is in the way otherwise. */
#include "executor/exec_state.h"

static Status instrumented_next(PlanState *ps, TupleSlot **out, Error *err)
{
    NodeInstrument *in = ps->instr;
    int64_t start = ps->es->timing ? clock_monotonic_ns() : 0;
    bool first = !ps->running;
    if (first) in->loops++;
    ps->running = true;
    Status st = ps->ops->next(ps, out, err);
    if (ps->es->timing) {
        double ms = (double)(clock_monotonic_ns() - start) / 1e6;
        in->total_ms += ms;
        if (first) in->startup_ms += ms;
    }
    if (!failed(st) && *out) in->rows++;
    return st;
}

STATUS instrument_attach(PlanState *ps, Error *err)
{
    ExecState *es = ps->es;
    int id = ps->plan->plan_node_id;
    if (es->epq || id < 0) return ST_OK;
    if (id >= es->ninstruments) {
        int n = id + 16;
        NodeInstrument **grown;
        TRY_NEW_N(grown, &es->arena, n, err);
        if (es->ninstruments) memcpy(grown, es->instruments, (size_t)es->ninstruments * sizeof *grown);
        es->instruments = grown;
        es->ninstruments = n;
    }
    if (!es->instruments[id]) TRY_NEW(es->instruments[id], &es->arena, err);
    ps->instr = es->instruments[id];
    ps->next = instrumented_next;
    return ST_OK;
}

const NodeInstrument *exec_instrument(const Execution *ex, int plan_node_id)
{
    return plan_node_id >= 0 && plan_node_id < ex->ninstruments ? ex->instruments[plan_node_id] : NULL;
}
