/* Which function a call means (manual 10.3): candidates by name, exact match, then the steps of preference. */
#include "parser/parse_state.h"

typedef struct Candidate { FuncMatch m; } Candidate;

/* Named notation: maps arguments to parameters. False: this candidate does not fit. */
static bool match_named(const ProcInfo *p, int nargs, const List *argnames, FuncMatch *m)
{
    int npos = nargs - list_len(argnames), nparams = p->nargs;
    bool given[FUNC_MAX_ARGS] = {false};
    if (!p->names) return false;
    for (int i = 0; i < npos; i++) { m->argmap[i] = i; given[i] = true; }
    for (int i = 0; i < list_len(argnames); i++) {
        const char *want = ((const String *)list_at(argnames, i))->sval;
        int at = -1, in = 0, total = p->nall ? p->nall : p->nargs;
        for (int j = 0; j < total; j++) {
            bool input = !p->nall || p->modes[j] == 'i' || p->modes[j] == 'b' || p->modes[j] == 'v';
            if (!input) continue;
            if (p->names[j] && !strcmp(p->names[j], want)) { at = in; break; }
            in++;
        }
        if (at < 0 || given[at]) return false;
        m->argmap[npos + i] = at;
        given[at] = true;
    }
    for (int i = 0; i < nparams; i++)
        if (!given[i] && i < nparams - p->ndefaults) return false;
    m->named = true;
    return true;
}

static bool match_candidate(const ProcInfo *p, int nargs, const List *argnames, bool expand_variadic, FuncMatch *m)
{
    *m = (FuncMatch){.proc = p, .nargs = p->nargs};
    bool variadic = p->variadic && expand_variadic && !argnames && nargs >= p->nargs;
    if (p->nargs > FUNC_MAX_ARGS || nargs > FUNC_MAX_ARGS) return false;
    if (!variadic) {
        if (nargs > p->nargs || nargs + p->ndefaults < p->nargs) return false;
        m->ndefaults = p->nargs - nargs;
        if (argnames && !match_named(p, nargs, argnames, m)) return false;
    } else {
        m->nargs = nargs;
        m->nvariadic = nargs - p->nargs + 1;
    }
    for (int i = 0; i < p->nargs; i++) m->args[i] = p->args[i];
    if (m->named) /* declared types in the order of the actual arguments */
        for (int i = 0; i < nargs; i++) m->args[i] = p->args[m->argmap[i]];
    if (variadic)
        for (int i = p->nargs - 1; i < nargs; i++) m->args[i] = p->variadic;
    return true;
}

static bool same_types(const FuncMatch *m, int nargs, const Oid *types)
{
    return !memcmp(m->args, types, (size_t)nargs * sizeof *types);
}

/* Of candidates with the same argument types the one without VARIADIC expansion, with fewer defaults, and earlier in the search path wins. */
static void drop_shadowed(Candidate *c, int *n, int nargs)
{
    int kept = 0;
    for (int i = 0; i < *n; i++) {
        bool shadowed = false;
        for (int j = 0; j < kept && !shadowed; j++) {
            if (!same_types(&c[j].m, nargs, c[i].m.args)) continue;
            bool better = (c[j].m.nvariadic && !c[i].m.nvariadic) || (!c[j].m.nvariadic == !c[i].m.nvariadic && c[i].m.ndefaults < c[j].m.ndefaults);
            if (better && c[i].m.proc->namespace_oid == c[j].m.proc->namespace_oid) c[j] = c[i];
            shadowed = true;
        }
        if (!shadowed) c[kept++] = c[i];
    }
    *n = kept;
}

static char category(ParseState *ps, Oid type, bool *preferred)
{
    const TypeInfo *t = catalog_type(ps->env, type);
    *preferred = t && t->preferred;
    return t ? t->category : 'X';
}

static bool prefers(ParseState *ps, char input_category, Oid type)
{
    bool p;
    return (category(ps, type, &p) == input_category || input_category == 'X') && p;
}

/* Keeps those of `alive` that score best. */
static int keep_best(const int *score, bool *alive, int ncand)
{
    int best = -1, left = 0;
    for (int i = 0; i < ncand; i++)
        if (alive[i] && score[i] > best) best = score[i];
    for (int i = 0; i < ncand; i++) {
        alive[i] = alive[i] && score[i] == best;
        left += alive[i];
    }
    return left;
}

/* Step 4.e: a category for each unknown argument that all candidates can agree on. */
static int by_unknown_categories(ParseState *ps, int nargs, const Oid *input, int ncand, const Oid *const *cand, bool *alive)
{
    char slot_category[FUNC_MAX_ARGS];
    bool slot_preferred[FUNC_MAX_ARGS], resolved = true;
    for (int a = 0; a < nargs && resolved; a++) {
        bool conflict = false, have = false;
        slot_preferred[a] = false;
        slot_category[a] = 'X';
        if (input[a] != TYPE_unknown) continue;
        for (int i = 0; i < ncand; i++) {
            bool pref;
            if (!alive[i]) continue;
            char c = category(ps, cand[i][a], &pref);
            if (have && c == slot_category[a]) {
                slot_preferred[a] |= pref;
            } else if (!have || c == 'S') { /* strings always win */
                slot_category[a] = c;
                slot_preferred[a] = pref;
                have = true;
            } else if (slot_category[a] != 'S') {
                conflict = true;
            }
        }
        conflict = conflict && slot_category[a] != 'S';
        resolved = !conflict;
    }
    int left = 0;
    bool next[ncand > 0 ? ncand : 1];
    for (int i = 0; i < ncand; i++) {
        next[i] = alive[i] && resolved;
        for (int a = 0; a < nargs && next[i]; a++) {
            bool pref;
            if (input[a] != TYPE_unknown) continue;
            char c = category(ps, cand[i][a], &pref);
            if (c != slot_category[a] || (slot_preferred[a] && !pref)) next[i] = false;
        }
        left += next[i];
    }
    if (left > 0) memcpy(alive, next, (size_t)ncand * sizeof *alive);
    for (int i = left = 0; i < ncand; i++) left += alive[i];
    return left;
}

/* Step 4.f: if all known arguments have one type, assume that the unknown ones have it too. */
static int by_known_type(ParseState *ps, int nargs, const Oid *input, int ncand, const Oid *const *cand, int *chosen, const bool *alive)
{
    Oid known = 0, guess[FUNC_MAX_ARGS];
    int fits = 0;
    for (int a = 0; a < nargs; a++) {
        if (input[a] == TYPE_unknown) continue;
        Oid base = type_base_of(ps->env, input[a], &(int32_t){-1});
        if (known && known != base) return 0;
        known = base;
    }
    if (!known) return 0;
    for (int a = 0; a < nargs; a++) guess[a] = known;
    for (int i = 0; i < ncand; i++) {
        if (!alive[i] || !can_coerce(ps, nargs, guess, cand[i], COERCION_IMPLICIT)) continue;
        *chosen = i;
        fits++;
    }
    return fits == 1;
}

static int first_alive(const bool *alive, int ncand)
{
    for (int i = 0; i < ncand; i++)
        if (alive[i]) return i;
    return -1;
}

/* Returns 1 with *chosen, or how many are left, or 0. */
int pick_candidate(ParseState *ps, int nargs, const Oid *input, int ncand, const Oid *const *cand, int *chosen)
{
    Oid base[FUNC_MAX_ARGS];
    char categories[FUNC_MAX_ARGS];
    int unknowns = 0, left = ncand;
    bool alive[ncand > 0 ? ncand : 1];
    int score[ncand > 0 ? ncand : 1];
    for (int a = 0; a < nargs; a++) {
        bool p;
        base[a] = input[a] == TYPE_unknown ? TYPE_unknown : type_base_of(ps->env, input[a], &(int32_t){-1});
        categories[a] = category(ps, base[a], &p);
        unknowns += base[a] == TYPE_unknown;
    }
    for (int i = 0; i < ncand; i++) {
        alive[i] = true;
        score[i] = 0;
        for (int a = 0; a < nargs; a++) score[i] += base[a] != TYPE_unknown && cand[i][a] == base[a];
    }
    if ((left = keep_best(score, alive, ncand)) == 1) return *chosen = first_alive(alive, ncand), 1;
    for (int i = 0; i < ncand; i++) {
        score[i] = 0;
        for (int a = 0; a < nargs; a++)
            score[i] += base[a] != TYPE_unknown && (cand[i][a] == base[a] || prefers(ps, categories[a], cand[i][a]));
    }
    if ((left = keep_best(score, alive, ncand)) == 1) return *chosen = first_alive(alive, ncand), 1;
    if (unknowns == 0) return left;
    if ((left = by_unknown_categories(ps, nargs, base, ncand, cand, alive)) == 1) return *chosen = first_alive(alive, ncand), 1;
    if (unknowns < nargs && by_known_type(ps, nargs, base, ncand, cand, chosen, alive)) return 1;
    return left;
}

Status pick_function(ParseState *ps, const char *schema, const char *name, int nargs, const Oid *types, List *argnames, bool variadic_call,
                     bool include_procedures, FuncMatch *match, FuncOutcome *outcome)
{
    const ProcInfo **procs;
    Candidate *c;
    const Oid **cand;
    int n, ncand = 0, nfit = 0, chosen = -1;
    *outcome = FUNC_NONE;
    TRY(proc_candidates(ps->env, schema, name, ps->arena, &procs, &n, ps->err));
    TRY_NEW_N(c, ps->arena, n ? n : 1, ps->err);
    for (int i = 0; i < n; i++) {
        bool fits = match_candidate(procs[i], nargs, argnames, !variadic_call, &c[ncand].m);
        if (fits && (!variadic_call || (procs[i]->variadic && c[ncand].m.ndefaults == 0) || procs[i]->variadic == 0)) ncand++;
    }
    drop_shadowed(c, &ncand, nargs);
    for (int i = 0; i < ncand; i++)
        if (same_types(&c[i].m, nargs, types)) {
            *match = c[i].m;
            *outcome = FUNC_FOUND;
            return ST_OK;
        }
    TRY_NEW_N(cand, ps->arena, ncand ? ncand : 1, ps->err);
    for (int i = 0; i < ncand; i++) {
        if (!can_coerce(ps, nargs, types, c[i].m.args, COERCION_IMPLICIT)) continue;
        c[nfit] = c[i];
        cand[nfit] = c[nfit].m.args;
        nfit++;
    }
    if (nfit == 0) return ST_OK;
    int left = nfit == 1 ? (chosen = 0, 1) : pick_candidate(ps, nargs, types, nfit, cand, &chosen);
    if (left == 1) *match = c[chosen].m;
    *outcome = left == 1 ? FUNC_FOUND : left ? FUNC_AMBIGUOUS : FUNC_NONE;
    return ST_OK;
}
