/* Window definitions and their clauses (manual 4.2.8, 7.2.5). */
#include "parser/parse_state.h"

static const PgQuery__WindowDef *window_at(ParseState *ps, int i) { return ps->windows.v[i]; }

Status transform_window_func(ParseState *ps, WindowFunc *wf, const PgQuery__WindowDef *def)
{
    if (ps->place >= PLACE_WINDOW_PARTITION && ps->place <= PLACE_WINDOW_FRAME_GROUPS)
        return PS_ERROR(ps, wf->location, ERR_WINDOWING_ERROR, "window functions are not allowed in window definitions");
    if (!place_allows(ps->place, 'W'))
        return PS_ERROR(ps, wf->location, ERR_WINDOWING_ERROR, "window functions are not allowed in %s", place_name(ps->place));
    if (contains_windows((Node *)wf->args) || contains_windows(wf->aggfilter))
        return PS_ERROR(ps, wf->location, ERR_WINDOWING_ERROR, "window function calls cannot be nested");
    ps->has_windows = true;
    if (pb_text(def->name)) { /* OVER w */
        for (int i = 0; i < ps->windows.len; i++) {
            if (!pb_text(window_at(ps, i)->name) || strcmp(window_at(ps, i)->name, def->name)) continue;
            wf->winref = i + 1;
            return ST_OK;
        }
        return PS_ERROR(ps, def->location, ERR_UNDEFINED_OBJECT, "window \"%s\" does not exist", def->name);
    }
    for (int i = 0; i < ps->windows.len; i++) { /* the same definition again shares the window */
        if (pb_text(window_at(ps, i)->name) || !pb_equal(&window_at(ps, i)->base, &def->base)) continue;
        wf->winref = i + 1;
        return ST_OK;
    }
    PS_PUSH(&ps->windows, ps, (void *)(uintptr_t)def);
    wf->winref = ps->windows.len;
    return ST_OK;
}

static WindowClause *find_clause(const List *clauses, const char *name)
{
    LIST_EACH(WindowClause *, w, clauses)
        if (w->name && !strcmp(w->name, name)) return w;
    return NULL;
}

static Status frame_offset(ParseState *ps, const PbNode *raw, int options, Node **out)
{
    Node *e;
    *out = NULL;
    if (!raw) return ST_OK;
    /* the bits of the raw tree are PostgreSQL's, and ours are the same */
    ExprPlace place = options & FRAME_ROWS ? PLACE_WINDOW_FRAME_ROWS : options & FRAME_RANGE ? PLACE_WINDOW_FRAME_RANGE : PLACE_WINDOW_FRAME_GROUPS;
    const char *word = options & FRAME_ROWS ? "ROWS" : options & FRAME_RANGE ? "RANGE" : "GROUPS";
    TRY(transform_expr(ps, raw, place, &e));
    if (!(options & FRAME_RANGE)) TRY(coerce_bigint(ps, e, word, &e)); /* RANGE: range_support knows the type */
    if (contains_vars_of_level(e, 0))
        return PS_ERROR(ps, expr_location(e), ERR_INVALID_COLUMN_REFERENCE, "argument of %s must not contain variables", word);
    *out = e;
    return ST_OK;
}

/* RANGE offsets need in_range support of the ordering column's type; found by name of the built-in ones. */
static Status range_support(ParseState *ps, WindowClause *wc, List *tlist, const PgQuery__WindowDef *def)
{
    static const struct { Oid column, offset; const char *func; } support[] = {
        {TYPE_int2, TYPE_int8, "in_range"}, {TYPE_int4, TYPE_int8, "in_range"}, {TYPE_int8, TYPE_int8, "in_range"},
        {TYPE_float4, TYPE_float8, "in_range"}, {TYPE_float8, TYPE_float8, "in_range"}, {TYPE_numeric, TYPE_numeric, "in_range"},
        {TYPE_date, TYPE_interval, "in_range"}, {TYPE_timestamp, TYPE_interval, "in_range"}, {TYPE_timestamptz, TYPE_interval, "in_range"},
        {TYPE_time, TYPE_interval, "in_range"}, {TYPE_timetz, TYPE_interval, "in_range"}, {TYPE_interval, TYPE_interval, "in_range"}};
    int location = def->location;
    if (list_len(wc->orderClause) != 1)
        return PS_ERROR(ps, location, ERR_WINDOWING_ERROR, "RANGE with offset PRECEDING/FOLLOWING requires exactly one ORDER BY column");
    const SortGroupClause *s = list_first(wc->orderClause);
    const Node *col = sort_ref_target(s->tleSortGroupRef, tlist)->expr;
    Oid type = type_base_of(ps->env, expr_type(col), &(int32_t){-1});
    for (size_t i = 0; i < sizeof support / sizeof *support; i++) {
        if (support[i].column != type) continue;
        Oid offset = support[i].offset, given = expr_type(wc->startOffset ? wc->startOffset : wc->endOffset);
        bool small = offset == TYPE_int8 && (!wc->startOffset || !wc->endOffset || expr_type(wc->endOffset) == given);
        if (small && given == TYPE_unknown) offset = type;
        else if (small && (given == TYPE_int2 || given == TYPE_int4)) offset = given;
        Oid types[] = {type, type, offset, TYPE_bool, TYPE_bool};
        FuncMatch m;
        FuncOutcome outcome;
        TRY(pick_function(ps, "pg_catalog", support[i].func, 5, types, NULL, false, false, &m, &outcome));
        if (outcome == FUNC_FOUND && !m.proc->implemented) { /* the one for bigint offsets does for all */
            types[2] = offset = support[i].offset;
            TRY(pick_function(ps, "pg_catalog", support[i].func, 5, types, NULL, false, false, &m, &outcome));
        }
        if (outcome != FUNC_FOUND) break;
        Node **offsets[] = {&wc->startOffset, &wc->endOffset};
        for (int k = 0; k < 2; k++) {
            if (!*offsets[k]) continue;
            Node *raw = *offsets[k], *as;
            TRY(coerce_to(ps, raw, offset, -1, COERCION_IMPLICIT, COERCE_IMPLICIT_CAST, -1, &as));
            if (!as) {
                PS_ERROR(ps, expr_location(raw), ERR_FEATURE_NOT_SUPPORTED, "RANGE with offset PRECEDING/FOLLOWING is not supported for column type %s and offset type %s",
                         ps_type_name(ps, type), ps_type_name(ps, expr_type(raw)));
                return error_hint(ps->err, "Cast the offset value to an appropriate type.");
            }
            *offsets[k] = as;
        }
        wc->startInRangeFunc = wc->startOffset ? m.proc->oid : 0;
        wc->endInRangeFunc = wc->endOffset ? m.proc->oid : 0;
        wc->inRangeColl = expr_collation(col);
        wc->inRangeAsc = operator_btree_strategy(s->sortop) == 1;
        wc->inRangeNullsFirst = s->nulls_first;
        return ST_OK;
    }
    return PS_ERROR(ps, expr_location(wc->startOffset ? wc->startOffset : wc->endOffset), ERR_FEATURE_NOT_SUPPORTED,
                    "RANGE with offset PRECEDING/FOLLOWING is not supported for column type %s", ps_type_name(ps, type));
}

static Status inherit_window(ParseState *ps, const PgQuery__WindowDef *def, const List *clauses, WindowClause *wc)
{
    const WindowClause *ref = find_clause(clauses, def->refname);
    const char *name = def->refname;
    if (!ref) return PS_ERROR(ps, def->location, ERR_UNDEFINED_OBJECT, "window \"%s\" does not exist", name);
    TRY(ps_string(ps, name, &wc->refname));
    if (def->n_partition_clause) return PS_ERROR(ps, def->location, ERR_WINDOWING_ERROR, "cannot override PARTITION BY clause of window \"%s\"", name);
    wc->partitionClause = ref->partitionClause;
    if (wc->orderClause && ref->orderClause) return PS_ERROR(ps, def->location, ERR_WINDOWING_ERROR, "cannot override ORDER BY clause of window \"%s\"", name);
    if (!wc->orderClause) wc->orderClause = ref->orderClause;
    if (ref->frameOptions & FRAME_NONDEFAULT) {
        bool plain = def->n_order_clause == 0 && !(def->frame_options & FRAME_NONDEFAULT);
        PS_ERROR(ps, def->location, ERR_WINDOWING_ERROR, "cannot copy window \"%s\" because it has a frame clause", name);
        return plain ? error_hint(ps->err, "Omit the parentheses in this OVER clause.") : ST_FAILED;
    }
    return ST_OK;
}

Status transform_windows(ParseState *ps, List **tlist, List **out)
{
    *out = NULL;
    for (int i = 0; i < ps->windows.len; i++) {
        const PgQuery__WindowDef *def = window_at(ps, i);
        WindowClause *wc;
        List *order = NULL;
        if (pb_text(def->name) && find_clause(*out, def->name))
            return PS_ERROR(ps, def->location, ERR_WINDOWING_ERROR, "window \"%s\" is already defined", def->name);
        PS_NEW(wc, WindowClause, ps);
        TRY(ps_string(ps, def->name, &wc->name));
        TRY(transform_sort(ps, def->order_clause, def->n_order_clause, tlist, PLACE_WINDOW_ORDER, true, &order));
        wc->orderClause = order;
        ExprPlace place = PLACE_WINDOW_PARTITION;
        for (size_t p = 0; p < def->n_partition_clause; p++) {
            TargetEntry *te;
            Node *e;
            TRY(transform_expr(ps, def->partition_clause[p], place, &e));
            te = NULL;
            LIST_EACH(TargetEntry *, t, *tlist)
                if (!te && node_equal(t->expr, e)) te = t;
            if (!te) {
                TRY(transform_target_entry(ps, def->partition_clause[p], e, place, NULL, true, &te));
                PS_APPEND(*tlist, ps, te);
            }
            TRY(add_target_to_group(ps, te, wc->partitionClause, *tlist, pb_location(def->partition_clause[p]), &wc->partitionClause));
        }
        wc->frameOptions = def->frame_options;
        if (pb_text(def->refname)) TRY(inherit_window(ps, def, *out, wc));
        wc->winref = i + 1;
        if ((wc->frameOptions & FRAME_GROUPS) && !wc->orderClause)
            return PS_ERROR(ps, def->location, ERR_WINDOWING_ERROR, "GROUPS mode requires an ORDER BY clause");
        TRY(frame_offset(ps, def->start_offset, wc->frameOptions, &wc->startOffset));
        TRY(frame_offset(ps, def->end_offset, wc->frameOptions, &wc->endOffset));
        if ((wc->frameOptions & FRAME_RANGE) && (wc->startOffset || wc->endOffset)) TRY(range_support(ps, wc, *tlist, def));
        PS_APPEND(*out, ps, wc);
    }
    return ST_OK;
}
