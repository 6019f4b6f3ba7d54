/* READ COMMITTED: a row that was changed by somebody else between being read and being locked is evaluated again in its newest version. The plan
 * below runs once more in states of its own, where the changed relation consists of that one row. */
#include "executor/exec_state.h"

enum { EPQ_MAX = 64 };

struct EpqState {
    ExecState es;
    Epq epq;
    EpqSource sources[EPQ_MAX];
    PlanState *root;
};

static STATUS build(ExecState *parent, EpqState **out, const Node *plan, int n, const int *rtis, Error *err)
{
    EpqState *s;
    TRY_NEW(s, &parent->arena, err);
    s->es = *parent;
    s->es.epq = &s->epq;
    s->es.epq_parent = parent->epq_parent ? parent->epq_parent : parent;
    s->es.instrument = false;
    s->es.root = NULL;
    arena_init(&s->es.arena, parent->account, 2048);
    s->epq.sources = s->sources;
    s->epq.nsources = n;
    for (int i = 0; i < n; i++) s->sources[i].rti = rtis[i];
    int nparams = parent->stmt->nParamExec;
    TRY_NEW_N(s->es.exec_params, &s->es.arena, nparams + 1, err);
    memcpy(s->es.exec_params, parent->exec_params, (size_t)nparams * sizeof *parent->exec_params);
    TRY(subplans_init(&s->es, err));
    *out = s; /* epq_end finds what a failing plan_init left */
    return plan_init(&s->es, plan, &s->root, err);
}

STATUS epq_run(ExecState *es, EpqState **state, const Node *plan, int n, const int *rtis, TupleSlot *const *slots, TupleSlot **out, Error *err)
{
    bool fresh = *state == NULL;
    if (n > EPQ_MAX) return error_set(err, ERR_INTERNAL_ERROR, "too many relations to check again");
    if (fresh) TRY(build(es, state, plan, n, rtis, err));
    EpqState *s = *state;
    s->es.params = es->params;
    s->es.snapshot = es->snapshot;
    for (int i = 0; i < n; i++) s->sources[i] = (EpqSource){rtis[i], slots[i], false};
    if (!fresh) {
        memcpy(s->es.exec_params, es->exec_params, (size_t)es->stmt->nParamExec * sizeof *es->exec_params);
        s->es.rewind_all = true;
        Status st = plan_rescan(s->root, NULL, err);
        s->es.rewind_all = false;
        TRY(st);
    }
    return plan_next(s->root, out, err);
}

void epq_end(EpqState *s)
{
    if (!s) return;
    plan_end(s->root);
    subplans_end(&s->es);
    arena_destroy(&s->es.arena);
}
