/* Operators: resolution (manual 10.2) and the nodes that use them. */
#include "parser/parse_state.h"

static const char *op_signature(ParseState *ps, const char *schema, const char *name, Oid left, Oid right)
{
    const char *op = schema ? arena_printf(ps->arena, "%s.%s", schema, name) : name;
    if (!left) return arena_printf(ps->arena, "%s %s", op, ps_type_name(ps, right));
    return arena_printf(ps->arena, "%s %s %s", ps_type_name(ps, left), op, ps_type_name(ps, right));
}

static Status op_error(ParseState *ps, FuncOutcome outcome, const char *schema, const char *name, Oid left, Oid right, int location)
{
    const char *sig = op_signature(ps, schema, name, left, right);
    if (outcome == FUNC_AMBIGUOUS) {
        PS_ERROR(ps, location, ERR_AMBIGUOUS_FUNCTION, "operator is not unique: %s", sig);
        return error_hint(ps->err, "Could not choose a best candidate operator. You might need to add explicit type casts.");
    }
    PS_ERROR(ps, location, ERR_UNDEFINED_FUNCTION, "operator does not exist: %s", sig);
    if (!left || !right) return error_hint(ps->err, "No operator matches the given name and argument type. You might need to add an explicit type cast.");
    return error_hint(ps->err, "No operator matches the given name and argument types. You might need to add explicit type casts.");
}

/* The first candidate with exactly these types: earlier schemas come first. */
static const OperatorInfo *exact(const OperatorInfo **ops, int n, Oid left, Oid right)
{
    for (int i = 0; i < n; i++)
        if (ops[i]->left == left && ops[i]->right == right) return ops[i];
    return NULL;
}

static Status choose(ParseState *ps, const OperatorInfo **ops, int n, Oid left, Oid right, const OperatorInfo **out, FuncOutcome *outcome)
{
    Oid input[2] = {left ? left : right, right};
    const Oid **cand;
    Oid (*types)[2];
    int nargs = left ? 2 : 1, ncand = 0, chosen = -1, *index;
    *outcome = FUNC_NONE;
    TRY_NEW_N(cand, ps->arena, n ? n : 1, ps->err);
    TRY_NEW_N(types, ps->arena, n ? n : 1, ps->err);
    TRY_NEW_N(index, ps->arena, n ? n : 1, ps->err);
    for (int i = 0; i < n; i++) {
        types[ncand][0] = left ? ops[i]->left : ops[i]->right;
        types[ncand][1] = ops[i]->right;
        if (!can_coerce(ps, nargs, input, types[ncand], COERCION_IMPLICIT)) continue;
        cand[ncand] = types[ncand];
        index[ncand++] = i;
    }
    if (ncand == 0) return ST_OK;
    if (ncand > 1) ncand = pick_candidate(ps, nargs, input, ncand, cand, &chosen);
    else chosen = 0;
    *outcome = ncand == 1 ? FUNC_FOUND : ncand ? FUNC_AMBIGUOUS : FUNC_NONE;
    if (*outcome == FUNC_FOUND) *out = ops[index[chosen]];
    return ST_OK;
}

Status find_operator(ParseState *ps, const char *schema, const char *name, Oid left, Oid right, int location, bool missing_ok, const OperatorInfo **out)
{
    const OperatorInfo **ops;
    int n;
    FuncOutcome outcome = FUNC_NONE;
    TRY_AT(ps, location, operator_candidates(ps->env, schema, name, left == 0, ps->arena, &ops, &n, ps->err));
    Oid l = left, r = right;
    if (left) { /* an unknown literal is first tried with the other side's type */
        if (l == TYPE_unknown && r != TYPE_unknown) l = r;
        else if (r == TYPE_unknown && l != TYPE_unknown) r = l;
    }
    *out = exact(ops, n, l, r);
    if (!*out && left && (l != left || r != right)) { /* ... and with the base type behind a domain */
        Oid base = type_base_of(ps->env, l, &(int32_t){-1});
        if (base != l) *out = exact(ops, n, base, base);
    }
    if (!*out) TRY(choose(ps, ops, n, left, right, out, &outcome));
    return *out || missing_ok ? ST_OK : op_error(ps, outcome, schema, name, left, right, location);
}

/* Coerces the operands to what the operator declares and finds its real result type. */
static Status apply_operator(ParseState *ps, const OperatorInfo *op, Node *left, Node *right, int location, List **args, Oid *result)
{
    Oid actual[2] = {left ? expr_type(left) : expr_type(right), expr_type(right)}, declared[2] = {left ? op->left : op->right, op->right};
    Node *in[2] = {left ? left : right, right};
    int n = left ? 2 : 1;
    *args = NULL;
    *result = op->result;
    TRY_AT(ps, location, resolve_polymorphic(ps, actual, declared, n, result, false));
    for (int i = 0; i < n; i++) {
        TRY(coerce_type(ps, in[i], expr_type(in[i]), declared[i], -1, COERCION_IMPLICIT, COERCE_IMPLICIT_CAST, -1, &in[i]));
        PS_APPEND(*args, ps, in[i]);
    }
    return ST_OK;
}

Status make_op(ParseState *ps, const char *schema, const char *name, Node *left, Node *right, int location, Node **out)
{
    const OperatorInfo *op;
    OpExpr *e;
    TRY(find_operator(ps, schema, name, left ? expr_type(left) : 0, expr_type(right), location, false, &op));
    const ProcInfo *proc = proc_by_oid(ps->env, op->proc);
    if (!proc) {
        PS_ERROR(ps, location, ERR_UNDEFINED_FUNCTION, "operator is only a shell: %s", op_signature(ps, schema, name, op->left, op->right));
        return ST_FAILED;
    }
    PS_NEW(e, OpExpr, ps);
    e->opno = op->oid;
    e->opfuncid = op->proc;
    e->opretset = proc->retset;
    e->location = location;
    TRY(apply_operator(ps, op, left, right, location, &e->args, &e->opresulttype));
    e->opcollid = ps_collation(ps, e->opresulttype);
    if (e->opretset) {
        ps->has_srfs = true;
        ps->last_srf = (Node *)e;
    }
    *out = (Node *)e;
    return ST_OK;
}

Status make_distinct_op(ParseState *ps, Node *left, Node *right, int location, Node **out)
{
    Node *op;
    DistinctExpr *d;
    TRY(make_op(ps, NULL, "=", left, right, location, &op));
    OpExpr *e = (OpExpr *)op;
    if (e->opresulttype != TYPE_bool) return PS_ERROR(ps, location, ERR_DATATYPE_MISMATCH, "IS DISTINCT FROM requires = operator to yield boolean");
    PS_NEW(d, DistinctExpr, ps);
    *d = (DistinctExpr){.tag = T_DistinctExpr, .opno = e->opno, .opfuncid = e->opfuncid, .inputcollid = e->inputcollid, .args = e->args, .location = location};
    *out = (Node *)d;
    return ST_OK;
}

Status make_scalar_array_op(ParseState *ps, const char *schema, const char *name, bool use_or, Node *left, Node *right, int location, Node **out)
{
    Oid ltype = expr_type(left), atype = expr_type(right), rtype = TYPE_unknown, result;
    const OperatorInfo *op;
    if (atype != TYPE_unknown) {
        const TypeInfo *t = catalog_type(ps->env, type_base_of(ps->env, atype, &(int32_t){-1}));
        if (!t || !t->is_array) return PS_ERROR(ps, location, ERR_WRONG_OBJECT_TYPE, "op ANY/ALL (array) requires array on right side");
        rtype = t->elem;
    }
    TRY(find_operator(ps, schema, name, ltype, rtype, location, false, &op));
    Oid actual[2] = {ltype, rtype}, declared[2] = {op->left, op->right};
    result = op->result;
    TRY_AT(ps, location, resolve_polymorphic(ps, actual, declared, 2, &result, false));
    if (result != TYPE_bool) return PS_ERROR(ps, location, ERR_WRONG_OBJECT_TYPE, "op ANY/ALL (array) requires operator to yield boolean");
    Oid array = is_polymorphic(declared[1]) ? atype : type_array_of(ps->env, declared[1]);
    if (!array) return PS_ERROR(ps, location, ERR_UNDEFINED_OBJECT, "could not find array type for data type %s", ps_type_name(ps, declared[1]));
    TRY(coerce_type(ps, left, ltype, declared[0], -1, COERCION_IMPLICIT, COERCE_IMPLICIT_CAST, -1, &left));
    TRY(coerce_type(ps, right, atype, array, -1, COERCION_IMPLICIT, COERCE_IMPLICIT_CAST, -1, &right));
    ScalarArrayOpExpr *e;
    PS_NEW(e, ScalarArrayOpExpr, ps);
    *e = (ScalarArrayOpExpr){.tag = T_ScalarArrayOpExpr, .opno = op->oid, .opfuncid = op->proc, .use_or = use_or, .location = location};
    PS_APPEND(e->args, ps, left);
    PS_APPEND(e->args, ps, right);
    *out = (Node *)e;
    return ST_OK;
}

Status sort_operators(ParseState *ps, Oid type, bool need_lt, bool need_gt, Oid *lt, Oid *eq, Oid *gt, bool *hashable)
{
    *lt = type_less_operator(ps->env, type);
    *eq = type_equality_operator(ps->env, type);
    *gt = type_greater_operator(ps->env, type);
    const TypeInfo *array = catalog_type(ps->env, type_base_of(ps->env, type, &(int32_t){-1}));
    if (array && array->is_array) { /* an array can do what its elements can */
        if (!type_less_operator(ps->env, array->elem)) *lt = *gt = 0;
    }
    if ((need_lt && !*lt) || (need_gt && !*gt)) {
        error_set(ps->err, ERR_UNDEFINED_FUNCTION, "could not identify an ordering operator for type %s", ps_type_name(ps, type));
        return error_hint(ps->err, "Use an explicit ordering operator or modify the query.");
    }
    if (!*eq) return error_set(ps->err, ERR_UNDEFINED_FUNCTION, "could not identify an equality operator for type %s", ps_type_name(ps, type));
    const OperatorInfo *op = operator_by_oid(ps->env, *eq);
    const TypeInfo *t = catalog_type(ps->env, type_base_of(ps->env, type, &(int32_t){-1}));
    *hashable = op && op->can_hash && t && (t->hash || t->is_array || t->typtype == 'e');
    return ST_OK;
}

Status make_operator(SessionEnv *env, const char *name, Node *left, Node *right, int location, Arena *arena, Node **out, Error *err)
{
    ParseState ps = ps_top(env, NULL, NULL, arena, err);
    TRY(make_op(&ps, NULL, name, left, right, location, out));
    return assign_collations(&ps, *out);
}
