/* Function calls: plain functions, aggregates, window functions, casts and columns written as calls (manual 4.2.6 to 4.2.8, 4.3). */
#include "parser/parse_state.h"

const char *ps_func_signature(ParseState *ps, const char *schema, const char *name, int nargs, const Oid *types, List *argnames)
{
    StrBuf sb;
    strbuf_init(&sb, ps->arena);
    if (schema) strbuf_printf(&sb, "%s.", schema);
    strbuf_printf(&sb, "%s(", name);
    for (int i = 0; i < nargs; i++) {
        int named = i - (nargs - list_len(argnames));
        if (i) strbuf_str(&sb, ", ");
        if (named >= 0) strbuf_printf(&sb, "%s => ", ((String *)list_at(argnames, named))->sval);
        strbuf_str(&sb, ps_type_name(ps, types[i]));
    }
    strbuf_char(&sb, ')');
    return strbuf_cstr(&sb);
}

/* A call as seen by the steps below. */
typedef struct Call {
    const char *schema, *name;
    const PgQuery__FuncCall *fc; /* NULL: CALL or internal */
    List *args, *argnames;
    Oid types[FUNC_MAX_ARGS];
    int nargs, location;
    Node *filter;
    bool variadic, star, distinct, within;
    size_t norder;
    const PgQuery__WindowDef *over;
} Call;

static Status no_such_function(ParseState *ps, const Call *c, FuncOutcome outcome)
{
    const char *sig = ps_func_signature(ps, c->schema, c->name, c->nargs, c->types, c->argnames);
    const char *kind = c->fc ? "function" : "procedure";
    if (outcome == FUNC_AMBIGUOUS) {
        PS_ERROR(ps, c->location, ERR_AMBIGUOUS_FUNCTION, "%s %s is not unique", kind, sig);
        return error_hint(ps->err, "Could not choose a best candidate %s. You might need to add explicit type casts.", kind);
    }
    PS_ERROR(ps, c->location, ERR_UNDEFINED_FUNCTION, "%s %s does not exist", kind, sig);
    if (c->norder > 1 && !c->within)
        return error_hint(ps->err, "No aggregate function matches the given name and argument types. Perhaps you misplaced ORDER BY; ORDER BY must "
                                   "appear after all regular arguments of the aggregate.");
    return error_hint(ps->err, "No %s matches the given name and argument types. You might need to add explicit type casts.", kind);
}

/* typename(x) as a cast, where no function of that name fits exactly. */
static Status try_cast(ParseState *ps, const Call *c, Node **out)
{
    Oid type, func, source = c->types[0];
    *out = NULL;
    if (c->nargs != 1 || c->argnames || c->variadic || c->star || c->distinct || c->norder || c->over || c->filter) return ST_OK;
    TRY(lookup_type(ps->env, c->schema, c->name, true, &type, ps->err));
    const TypeInfo *t = type ? catalog_type(ps->env, type) : NULL, *s = catalog_type(ps->env, source);
    if (!t || t->typtype == 'c' || t->typtype == 'p') return ST_OK;
    if (source != TYPE_unknown) {
        CoercionPath path = find_path(ps, type, source, COERCION_EXPLICIT, &func);
        bool row = source == TYPE_record || (s && s->typtype == 'c');
        if (path != PATH_RELABEL && !(path == PATH_IO && !(row && t->category == 'S'))) return ST_OK;
    }
    return coerce_type(ps, list_first(c->args), source, type, -1, COERCION_EXPLICIT, COERCE_EXPLICIT_CALL, c->location, out);
}

static Status default_exprs(ParseState *ps, const ProcInfo *p, List **out)
{
    *out = NULL;
    if (p->defaults) {
        for (int i = 0; i < p->ndefaults; i++) {
            Node *n = node_copy(p->defaults[i], ps->arena);
            TRY_MEM(n, ps->err);
            PS_APPEND(*out, ps, n);
        }
        return ST_OK;
    }
    RawStatement *raw;
    int n;
    const char *sql = arena_printf(ps->arena, "SELECT %s", p->defaults_text ? p->defaults_text : "");
    TRY_MEM(sql, ps->err);
    TRY(raw_parse_text(sql, ps->arena, &raw, &n, ps->err));
    ParseState inner = ps_top(ps->env, NULL, NULL, ps->arena, ps->err);
    const PgQuery__SelectStmt *s = ((const PbNode *)raw[0].pb)->select_stmt;
    for (size_t i = 0; i < s->n_target_list; i++) {
        Node *e;
        TRY(transform_expr(&inner, s->target_list[i]->res_target->val, PLACE_FUNCTION_DEFAULT, &e));
        PS_APPEND(*out, ps, e);
    }
    return ST_OK;
}

/* Puts the arguments in the order of the parameters and fills in the defaults. */
static Status add_defaults(ParseState *ps, const FuncMatch *m, List **args, int *nargs)
{
    const ProcInfo *p = m->proc;
    List *defaults = NULL, *all = NULL;
    if (!m->named && m->ndefaults == 0) return ST_OK;
    if (m->ndefaults) TRY(default_exprs(ps, p, &defaults));
    for (int i = 0; i < p->nargs; i++) {
        Node *arg = NULL;
        for (int a = 0; a < *nargs; a++)
            if ((m->named ? m->argmap[a] : a) == i) arg = list_at(*args, a);
        int d = i - (p->nargs - p->ndefaults) ;
        if (!arg && d >= 0 && d < list_len(defaults)) arg = list_at(defaults, d);
        if (!arg) return error_set(ps->err, ERR_INTERNAL_ERROR, "function %u lacks a default for argument %d", p->oid, i + 1);
        while (IsA(arg, NamedArgExpr)) arg = ((NamedArgExpr *)arg)->arg;
        PS_APPEND(all, ps, arg);
    }
    *args = all;
    *nargs = p->nargs;
    return ST_OK;
}

/* Trailing arguments of a VARIADIC parameter become one array. */
static Status pack_variadic(ParseState *ps, const FuncMatch *m, List **args, int nargs)
{
    int first = nargs - m->nvariadic;
    List *kept = NULL;
    ArrayExpr *a;
    for (int i = 0; i < first; i++) PS_APPEND(kept, ps, list_at(*args, i));
    PS_NEW(a, ArrayExpr, ps);
    for (int i = first; i < nargs; i++) PS_APPEND(a->elements, ps, list_at(*args, i));
    a->element_typeid = expr_type(list_first(a->elements));
    a->array_typeid = type_array_of(ps->env, a->element_typeid);
    a->array_collid = ps_collation(ps, a->array_typeid);
    a->location = expr_location((Node *)a->elements);
    if (!a->array_typeid)
        return PS_ERROR(ps, a->location, ERR_UNDEFINED_OBJECT, "could not find array type for data type %s", ps_type_name(ps, a->element_typeid));
    PS_APPEND(kept, ps, a);
    *args = kept;
    return ST_OK;
}

static const char *not_aggregate(const Call *c)
{
    if (c->star) return "%s(*) specified, but %s is not an aggregate function";
    if (c->distinct) return "DISTINCT specified, but %s is not an aggregate function";
    if (c->within) return "WITHIN GROUP specified, but %s is not an aggregate function";
    if (c->norder) return "ORDER BY specified, but %s is not an aggregate function";
    if (c->filter) return "FILTER specified, but %s is not an aggregate function";
    return NULL;
}

#pragma GCC diagnostic ignored "-Wformat-nonliteral"
static Status check_kind(ParseState *ps, const Call *c, const ProcInfo *p)
{
    bool agg = p->kind == 'a', window = p->kind == 'w';
    const char *why = agg ? NULL : not_aggregate(c);
    if (!c->fc && p->kind != 'p') {
        PS_ERROR(ps, c->location, ERR_WRONG_OBJECT_TYPE, "%s is not a procedure", ps_func_signature(ps, c->schema, c->name, c->nargs, c->types, c->argnames));
        return error_hint(ps->err, "To call a function, use SELECT.");
    }
    if (c->fc && p->kind == 'p') {
        PS_ERROR(ps, c->location, ERR_WRONG_OBJECT_TYPE, "%s is a procedure", ps_func_signature(ps, c->schema, c->name, c->nargs, c->types, c->argnames));
        return error_hint(ps->err, "To call a procedure, use CALL.");
    }
    if (why && !(window && (c->filter || c->distinct)))
        return c->star ? PS_ERROR(ps, c->location, ERR_WRONG_OBJECT_TYPE, "%s(*) specified, but %s is not an aggregate function", c->name, c->name)
                       : PS_ERROR(ps, c->location, ERR_WRONG_OBJECT_TYPE, why, c->name);
    if (c->over && !agg && !window)
        return PS_ERROR(ps, c->location, ERR_WRONG_OBJECT_TYPE, "OVER specified, but %s is not a window function nor an aggregate function", c->name);
    if (window && !c->over) return PS_ERROR(ps, c->location, ERR_WRONG_OBJECT_TYPE, "window function %s requires an OVER clause", c->name);
    if (window && c->within) return PS_ERROR(ps, c->location, ERR_WRONG_OBJECT_TYPE, "window function %s cannot have WITHIN GROUP", c->name);
    if (c->over && p->retset) return PS_ERROR(ps, c->location, ERR_INVALID_FUNCTION_DEFINITION, "window functions cannot return sets");
    return ST_OK;
}

static Status check_ordered_set(ParseState *ps, const Call *c, const AggregateInfo *ai)
{
    if (ai->kind == 'n') {
        if (c->within) return PS_ERROR(ps, c->location, ERR_WRONG_OBJECT_TYPE, "%s is not an ordered-set aggregate, so it cannot have WITHIN GROUP", c->name);
        return ST_OK;
    }
    if (!c->within) return PS_ERROR(ps, c->location, ERR_WRONG_OBJECT_TYPE, "WITHIN GROUP is required for ordered-set aggregate %s", c->name);
    if (c->over) return PS_ERROR(ps, c->location, ERR_FEATURE_NOT_SUPPORTED, "OVER is not supported for ordered-set aggregate %s", c->name);
    if (c->distinct) return PS_ERROR(ps, c->location, ERR_WRONG_OBJECT_TYPE, "cannot use DISTINCT with WITHIN GROUP");
    return ST_OK;
}

static Status make_aggregate(ParseState *ps, const Call *c, const FuncMatch *m, List *args, int nargs, Oid result, Node **out)
{
    const ProcInfo *p = m->proc;
    const AggregateInfo *ai = aggregate_by_proc(ps->env, p->oid);
    Aggref *a;
    if (!ai) return error_set(ps->err, ERR_INTERNAL_ERROR, "cache lookup failed for aggregate %u", p->oid);
    TRY(check_ordered_set(ps, c, ai));
    if (nargs == 0 && !c->star && !c->within)
        return PS_ERROR(ps, c->location, ERR_WRONG_OBJECT_TYPE, "%s(*) must be used to call a parameterless aggregate function", c->name);
    if (p->retset) return PS_ERROR(ps, c->location, ERR_INVALID_FUNCTION_DEFINITION, "aggregates cannot return sets");
    if (c->argnames) return PS_ERROR(ps, c->location, ERR_FEATURE_NOT_SUPPORTED, "aggregates cannot use named arguments");
    PS_NEW(a, Aggref, ps);
    a->aggfnoid = p->oid;
    a->aggtype = result;
    a->aggcollid = ps_collation(ps, result);
    a->aggfilter = c->filter;
    a->aggstar = c->star;
    a->aggvariadic = c->variadic || m->nvariadic;
    a->aggkind = ai->kind;
    a->aggno = -1;
    a->location = c->location;
    a->aggtranstype = ai->trans_type;
    if (is_polymorphic(ai->trans_type)) {
        Oid declared[FUNC_MAX_ARGS], actual[FUNC_MAX_ARGS];
        for (int i = 0; i < p->nargs && i < list_len(args); i++) {
            declared[i] = p->args[i];
            actual[i] = expr_type(list_at(args, i));
        }
        TRY(resolve_polymorphic(ps, actual, declared, p->nargs < list_len(args) ? p->nargs : list_len(args), &a->aggtranstype, false));
    }
    TRY(transform_aggregate(ps, a, args, c->fc ? c->fc->agg_order : NULL, c->norder, c->distinct, c->location));
    *out = (Node *)a;
    return ST_OK;
}

static Status make_window_call(ParseState *ps, const Call *c, const FuncMatch *m, List *args, int nargs, Oid result, Node **out)
{
    WindowFunc *w;
    bool agg = m->proc->kind == 'a';
    if (agg) {
        const AggregateInfo *ai = aggregate_by_proc(ps->env, m->proc->oid);
        if (ai) TRY(check_ordered_set(ps, c, ai));
    }
    if (c->distinct) return PS_ERROR(ps, c->location, ERR_FEATURE_NOT_SUPPORTED, "DISTINCT is not implemented for window functions");
    if (agg && nargs == 0 && !c->star)
        return PS_ERROR(ps, c->location, ERR_WRONG_OBJECT_TYPE, "%s(*) must be used to call a parameterless aggregate function", c->name);
    if (c->norder) return PS_ERROR(ps, c->location, ERR_FEATURE_NOT_SUPPORTED, "aggregate ORDER BY is not implemented for window functions");
    if (!agg && c->filter)
        return PS_ERROR(ps, c->location, ERR_FEATURE_NOT_SUPPORTED, "FILTER is not implemented for non-aggregate window functions");
    PS_NEW(w, WindowFunc, ps);
    *w = (WindowFunc){.tag = T_WindowFunc, .winfnoid = m->proc->oid, .wintype = result, .wincollid = ps_collation(ps, result), .args = args,
                      .aggfilter = c->filter, .winstar = c->star, .winagg = agg, .winno = -1, .location = c->location};
    TRY(transform_window_func(ps, w, c->over));
    *out = (Node *)w;
    return ST_OK;
}

static Status check_set_returning(ParseState *ps, const Call *c, const Node *before)
{
    if (ps->place == PLACE_FROM_FUNCTION) {
        if (ps->last_srf != before)
            return PS_ERROR(ps, expr_location(ps->last_srf), ERR_FEATURE_NOT_SUPPORTED, "set-returning functions must appear at top level of FROM");
        return ST_OK;
    }
    if (place_allows(ps->place, 'S')) { ps->has_srfs = true; return ST_OK; }
    return PS_ERROR(ps, c->location, ERR_FEATURE_NOT_SUPPORTED, "set-returning functions are not allowed in %s", place_name(ps->place));
}

static Status make_call(ParseState *ps, const Call *c, const FuncMatch *m, List *args, Oid result, const Node *last_srf, Node **out)
{
    FuncExpr *f;
    if (m->proc->retset) TRY(check_set_returning(ps, c, last_srf));
    PS_NEW(f, FuncExpr, ps);
    *f = (FuncExpr){.tag = T_FuncExpr, .funcid = m->proc->oid, .funcresulttype = result, .funcretset = m->proc->retset,
                    .funcvariadic = c->variadic || m->nvariadic, .funcformat = COERCE_EXPLICIT_CALL, .funccollid = ps_collation(ps, result),
                    .args = args, .location = c->location};
    if (c->fc && c->fc->funcformat == PG_QUERY__COERCION_FORM__COERCE_SQL_SYNTAX) f->funcformat = COERCE_SQL_SYNTAX;
    if (m->proc->retset) ps->last_srf = (Node *)f;
    *out = (Node *)f;
    return ST_OK;
}

static Status find_callee(ParseState *ps, Call *c, FuncMatch *m, Node **cast)
{
    FuncOutcome outcome;
    *cast = NULL;
    TRY_AT(ps, c->location, pick_function(ps, c->schema, c->name, c->nargs, c->types, c->argnames, c->variadic, !c->fc, m, &outcome));
    bool exact = outcome == FUNC_FOUND && m->ndefaults == 0 && !m->nvariadic && !memcmp(m->args, c->types, (size_t)c->nargs * sizeof *c->types);
    if (!exact && c->fc) {
        TRY(try_cast(ps, c, cast));
        if (*cast) return ST_OK;
    }
    if (outcome == FUNC_FOUND) return ST_OK;
    if (c->nargs == 1 && !c->schema && c->fc && !c->star && !c->distinct && !c->norder && !c->over && !c->filter) { /* column(row) */
        TRY(select_field(ps, list_first(c->args), c->name, c->location, cast));
        if (*cast) return ST_OK;
    }
    return no_such_function(ps, c, outcome);
}

static Status resolve_call(ParseState *ps, Call *c, const Node *last_srf, Node **out)
{
    FuncMatch m;
    List *args = NULL;
    int nargs = c->nargs;
    TRY(find_callee(ps, c, &m, out));
    if (*out) return ST_OK;
    const ProcInfo *p = m.proc;
    TRY(check_kind(ps, c, p));
    if (!p->implemented)
        return PS_ERROR(ps, c->location, ERR_FEATURE_NOT_SUPPORTED, "function %s is not supported",
                        ps_func_signature(ps, c->schema, c->name, c->nargs, c->types, c->argnames));
    LIST_EACH(Node *, a, c->args) PS_APPEND(args, ps, IsA(a, NamedArgExpr) ? ((NamedArgExpr *)a)->arg : a);
    if (c->argnames || m.ndefaults) { /* to the order of the parameters; then the declared types are the function's own */
        TRY(add_defaults(ps, &m, &args, &nargs));
        for (int i = 0; i < nargs; i++) m.args[i] = p->args[i];
    }
    Oid actual[FUNC_MAX_ARGS], result = p->result;
    for (int i = 0; i < nargs; i++) actual[i] = expr_type(list_at(args, i));
    TRY_AT(ps, c->location, resolve_polymorphic(ps, actual, m.args, nargs, &result, false));
    for (int i = 0; i < nargs; i++)
        TRY(coerce_type(ps, args->items[i], actual[i], m.args[i], -1, COERCION_IMPLICIT, COERCE_IMPLICIT_CAST, -1, (Node **)&args->items[i]));
    if (m.nvariadic && p->variadic != TYPE_any) TRY(pack_variadic(ps, &m, &args, nargs));
    if (c->variadic && p->variadic == TYPE_any) {
        const TypeInfo *t = catalog_type(ps->env, type_base_of(ps->env, expr_type(list_last(args)), &(int32_t){-1}));
        if (!t || !t->is_array) return PS_ERROR(ps, expr_location(list_last(args)), ERR_DATATYPE_MISMATCH, "VARIADIC argument must be an array");
    }
    if (m.nvariadic && p->variadic == TYPE_any) m.nvariadic = 0;
    if (c->over) return make_window_call(ps, c, &m, args, nargs, result, out);
    if (p->kind == 'a') return make_aggregate(ps, c, &m, args, nargs, result, out);
    return make_call(ps, c, &m, args, result, last_srf, out);
}

Status transform_func_of_args(ParseState *ps, PbNode **names, size_t n, List *args, List *argnames, const PgQuery__FuncCall *fc, int location,
                              bool is_call, Node **out)
{
    Call c = {.fc = is_call ? NULL : fc, .args = args, .argnames = argnames, .nargs = list_len(args), .location = location};
    const Node *last_srf = ps->last_srf;
    TRY_AT(ps, location, ps_name_list(ps, names, n, &c.schema, &c.name));
    if (c.nargs > FUNC_MAX_ARGS)
        return PS_ERROR(ps, location, ERR_TOO_MANY_ARGUMENTS, "cannot pass more than %d arguments to a function", FUNC_MAX_ARGS);
    for (int i = 0; i < c.nargs; i++) c.types[i] = expr_type(list_at(args, i));
    if (fc) c.variadic = fc->func_variadic;
    return resolve_call(ps, &c, last_srf, out);
}

static Status collect_args(ParseState *ps, const PgQuery__FuncCall *fc, Call *c)
{
    size_t extra = fc->agg_within_group ? fc->n_agg_order : 0;
    for (size_t i = 0; i < fc->n_args + extra; i++) {
        const PbNode *raw = i < fc->n_args ? fc->args[i] : fc->agg_order[i - fc->n_args]->sort_by->node;
        const char *name = PB_IS(raw, NAMED_ARG_EXPR) ? raw->named_arg_expr->name : NULL;
        Node *arg;
        if (name) {
            String *s;
            LIST_EACH(String *, seen, c->argnames)
                if (!strcmp(seen->sval, name))
                    return PS_ERROR(ps, raw->named_arg_expr->location, ERR_SYNTAX_ERROR, "argument name \"%s\" used more than once", name);
            PS_NEW(s, String, ps);
            s->sval = (char *)(uintptr_t)name;
            PS_APPEND(c->argnames, ps, s);
            raw = raw->named_arg_expr->arg;
        } else if (c->argnames && i < fc->n_args) {
            return PS_ERROR(ps, pb_location(raw), ERR_SYNTAX_ERROR, "positional argument cannot follow named argument");
        }
        if (i < fc->n_args) TRY(transform_expr_here(ps, raw, &arg));
        else TRY(transform_expr(ps, raw, PLACE_ORDER_BY, &arg));
        PS_APPEND(c->args, ps, arg);
    }
    return ST_OK;
}

/* pgJDBC declares the OUT parameters of {? = call f(...)} as void: they are not arguments. */
static void drop_void_params(Call *c)
{
    int kept = 0;
    if (!c->args || c->argnames) return;
    for (int i = 0; i < c->args->len; i++) {
        const Param *p = list_at(c->args, i);
        if (!IsA(p, Param) || p->paramkind != PARAM_EXTERN || p->paramtype != TYPE_void) c->args->items[kept++] = c->args->items[i];
    }
    c->args->len = kept;
}

Status transform_func_call(ParseState *ps, const PgQuery__FuncCall *fc, Node **out)
{
    Call c = {.fc = fc, .location = fc->location, .variadic = fc->func_variadic, .star = fc->agg_star, .distinct = fc->agg_distinct,
              .within = fc->agg_within_group, .norder = fc->n_agg_order, .over = fc->over};
    const Node *last_srf = ps->last_srf;
    TRY_AT(ps, fc->location, ps_name_list(ps, fc->funcname, fc->n_funcname, &c.schema, &c.name));
    TRY(collect_args(ps, fc, &c));
    drop_void_params(&c);
    c.nargs = list_len(c.args);
    if (c.nargs > FUNC_MAX_ARGS)
        return PS_ERROR(ps, fc->location, ERR_TOO_MANY_ARGUMENTS, "cannot pass more than %d arguments to a function", FUNC_MAX_ARGS);
    for (int i = 0; i < c.nargs; i++) c.types[i] = expr_type(list_at(c.args, i));
    if (fc->agg_filter) TRY(transform_where(ps, fc->agg_filter, PLACE_FILTER, "FILTER", &c.filter));
    return resolve_call(ps, &c, last_srf, out);
}

/* Columns of a row-returning call: a composite type's, or the OUT parameters. */
Status function_row_shape(ParseState *ps, const Node *call, TupleDesc **out)
{
    Oid type = expr_type(call);
    const TypeInfo *t = catalog_type(ps->env, type_base_of(ps->env, type, &(int32_t){-1}));
    *out = NULL;
    if (t && t->typtype == 'c') {
        *out = type_row_desc(ps->env, t->oid, ps->arena);
        return ST_OK;
    }
    const FuncExpr *f = (const FuncExpr *)call;
    if (type != TYPE_record || !IsA(call, FuncExpr)) return ST_OK;
    const ProcInfo *p = proc_by_oid(ps->env, f->funcid);
    int n = 0, at = 0;
    if (!p || !p->nall) return ST_OK;
    for (int i = 0; i < p->nall; i++) n += p->modes[i] == 'o' || p->modes[i] == 'b' || p->modes[i] == 't';
    if (n == 0) return ST_OK;
    *out = tupledesc_new(ps->arena, n);
    TRY_MEM(*out, ps->err);
    (*out)->row_type = TYPE_record;
    for (int i = 0; i < p->nall; i++) {
        Oid declared[FUNC_MAX_ARGS], actual[FUNC_MAX_ARGS], result = p->all_args[i];
        const TypeInfo *ct;
        if (p->modes[i] != 'o' && p->modes[i] != 'b' && p->modes[i] != 't') continue;
        for (int a = 0; a < p->nargs && a < list_len(f->args); a++) {
            declared[a] = p->args[a];
            actual[a] = expr_type(list_at(f->args, a));
        }
        if (is_polymorphic(result)) TRY(resolve_polymorphic(ps, actual, declared, list_len(f->args) < p->nargs ? list_len(f->args) : p->nargs, &result, false));
        TRY(ps_type(ps, result, &ct));
        const char *name = p->names && p->names[i] && *p->names[i] ? p->names[i] : arena_printf(ps->arena, "column%d", at + 1);
        attribute_set(&(*out)->atts[at++], arena_strdup(ps->arena, name), ct, -1);
    }
    return ST_OK;
}
