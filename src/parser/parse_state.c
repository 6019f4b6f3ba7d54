/* Small things that every part of analysis needs. */
#include "parser/parse_state.h"

ParseState ps_top(SessionEnv *env, const char *sql, ParamTypes *params, Arena *arena, Error *err)
{
    return (ParseState){.env = env, .arena = arena, .err = err, .sql = sql, .params = params, .next_resno = 1, .resolve_unknowns = true};
}

ParseState ps_child(ParseState *parent)
{
    ParseState ps = ps_top(parent->env, parent->sql, parent->params, parent->arena, parent->err);
    ps.parent = parent;
    return ps;
}

const char *pb_string(const PbNode *n) { return PB_IS(n, STRING) ? n->string->sval : ""; }

Status ps_string(ParseState *ps, const char *s, char **out)
{
    *out = NULL;
    if (!s || !*s) return ST_OK;
    TRY_MEM(*out = arena_strdup(ps->arena, s), ps->err);
    return ST_OK;
}

/* The text of a constant in a list of options or values. */
static const char *value_text(ParseState *ps, const PbNode *n)
{
    if (!n) return NULL;
    if (PB_IS(n, A_CONST)) {
        const PgQuery__AConst *c = n->a_const;
        switch (c->val_case) {
        case PG_QUERY__A__CONST__VAL_IVAL: return arena_printf(ps->arena, "%d", c->ival->ival);
        case PG_QUERY__A__CONST__VAL_FVAL: return c->fval->fval;
        case PG_QUERY__A__CONST__VAL_BOOLVAL: return c->boolval->boolval ? "true" : "false";
        case PG_QUERY__A__CONST__VAL_SVAL: return c->sval->sval;
        case PG_QUERY__A__CONST__VAL_BSVAL: return c->bsval->bsval;
        default: return NULL;
        }
    }
    switch (n->node_case) {
    case PG_QUERY__NODE__NODE_STRING: return n->string->sval;
    case PG_QUERY__NODE__NODE_INTEGER: return arena_printf(ps->arena, "%d", n->integer->ival);
    case PG_QUERY__NODE__NODE_FLOAT: return n->float_->fval;
    case PG_QUERY__NODE__NODE_BOOLEAN: return n->boolean->boolval ? "true" : "false";
    case PG_QUERY__NODE__NODE_A_STAR: return "*";
    default: return "";
    }
}

Status ps_string_list(ParseState *ps, PbNode **items, size_t n, List **out)
{
    *out = NULL;
    for (size_t i = 0; i < n; i++) {
        String *s;
        const char *text = value_text(ps, items[i]);
        PS_NEW(s, String, ps);
        s->sval = arena_strdup(ps->arena, text ? text : "");
        TRY_MEM(s->sval, ps->err);
        PS_APPEND(*out, ps, s);
    }
    return ST_OK;
}

const char *ps_dotted(ParseState *ps, PbNode **names, size_t n)
{
    StrBuf sb;
    strbuf_init(&sb, ps->arena);
    for (size_t i = 0; i < n; i++) {
        if (i) strbuf_char(&sb, '.');
        strbuf_str(&sb, PB_IS(names[i], A_STAR) ? "*" : pb_string(names[i]));
    }
    return strbuf_cstr(&sb);
}

Status ps_name_list(ParseState *ps, PbNode **names, size_t n, const char **schema, const char **name)
{
    *schema = n >= 2 ? pb_string(names[n - 2]) : NULL;
    *name = n >= 1 ? pb_string(names[n - 1]) : "";
    if (n == 3 && strcmp(pb_string(names[0]), ps->env->database_name ? ps->env->database_name : ""))
        return error_set(ps->err, ERR_FEATURE_NOT_SUPPORTED, "cross-database references are not implemented: %s", ps_dotted(ps, names, n));
    if (n > 3) return error_set(ps->err, ERR_SYNTAX_ERROR, "improper qualified name (too many dotted names): %s", ps_dotted(ps, names, n));
    return ST_OK;
}

const char *ps_type_name(ParseState *ps, Oid type)
{
    const char *s = format_type_text(ps->env, type, -1, ps->arena);
    return s ? s : "???";
}

Status ps_type(ParseState *ps, Oid oid, const TypeInfo **out) { return type_require(ps->env, oid, out, ps->err); }

Oid ps_collation(ParseState *ps, Oid type)
{
    const TypeInfo *t = catalog_type(ps->env, type);
    return t ? t->collation : 0;
}

static int leftmost(int a, int b) { return a < 0 ? b : b < 0 ? a : a < b ? a : b; }

static int first_location(PbNode **items, size_t n)
{
    int loc = -1;
    for (size_t i = 0; i < n && loc < 0; i++) loc = pb_location(items[i]);
    return loc;
}

int pb_location(const PbNode *n)
{
    if (!n || failed(stack_check(NULL))) return -1;
    switch (n->node_case) {
    case PG_QUERY__NODE__NODE_COLUMN_REF: return n->column_ref->location;
    case PG_QUERY__NODE__NODE_PARAM_REF: return n->param_ref->location;
    case PG_QUERY__NODE__NODE_A_CONST: return n->a_const->location;
    case PG_QUERY__NODE__NODE_FUNC_CALL: return leftmost(n->func_call->location, first_location(n->func_call->args, n->func_call->n_args));
    case PG_QUERY__NODE__NODE_A_EXPR: return leftmost(n->a_expr->location, pb_location(n->a_expr->lexpr));
    case PG_QUERY__NODE__NODE_A_ARRAY_EXPR: return n->a_array_expr->location;
    case PG_QUERY__NODE__NODE_RES_TARGET: return n->res_target->location;
    case PG_QUERY__NODE__NODE_MULTI_ASSIGN_REF: return pb_location(n->multi_assign_ref->source);
    case PG_QUERY__NODE__NODE_TYPE_CAST:
        return leftmost(pb_location(n->type_cast->arg), leftmost(n->type_cast->location, n->type_cast->type_name ? n->type_cast->type_name->location : -1));
    case PG_QUERY__NODE__NODE_COLLATE_CLAUSE: return leftmost(pb_location(n->collate_clause->arg), n->collate_clause->location);
    case PG_QUERY__NODE__NODE_SORT_BY: return pb_location(n->sort_by->node);
    case PG_QUERY__NODE__NODE_WINDOW_DEF: return n->window_def->location;
    case PG_QUERY__NODE__NODE_BOOL_EXPR: return leftmost(n->bool_expr->location, first_location(n->bool_expr->args, n->bool_expr->n_args));
    case PG_QUERY__NODE__NODE_SUB_LINK: return leftmost(pb_location(n->sub_link->testexpr), n->sub_link->location);
    case PG_QUERY__NODE__NODE_CASE_EXPR: return n->case_expr->location;
    case PG_QUERY__NODE__NODE_ROW_EXPR: return n->row_expr->location;
    case PG_QUERY__NODE__NODE_COALESCE_EXPR: return n->coalesce_expr->location;
    case PG_QUERY__NODE__NODE_MIN_MAX_EXPR: return n->min_max_expr->location;
    case PG_QUERY__NODE__NODE_SQLVALUE_FUNCTION: return n->sqlvalue_function->location;
    case PG_QUERY__NODE__NODE_NULL_TEST: return leftmost(n->null_test->location, pb_location(n->null_test->arg));
    case PG_QUERY__NODE__NODE_BOOLEAN_TEST: return leftmost(n->boolean_test->location, pb_location(n->boolean_test->arg));
    case PG_QUERY__NODE__NODE_SET_TO_DEFAULT: return n->set_to_default->location;
    case PG_QUERY__NODE__NODE_NAMED_ARG_EXPR: return leftmost(n->named_arg_expr->location, pb_location(n->named_arg_expr->arg));
    case PG_QUERY__NODE__NODE_GROUPING_FUNC: return n->grouping_func->location;
    case PG_QUERY__NODE__NODE_GROUPING_SET: return n->grouping_set->location;
    case PG_QUERY__NODE__NODE_A_INDIRECTION: return pb_location(n->a_indirection->arg);
    case PG_QUERY__NODE__NODE_COLUMN_DEF: return n->column_def->location;
    case PG_QUERY__NODE__NODE_RANGE_VAR: return n->range_var->location;
    case PG_QUERY__NODE__NODE_LIST: return first_location(n->list->items, n->list->n_items);
    case PG_QUERY__NODE__NODE_SELECT_STMT: /* VALUES or the first target */
        if (n->select_stmt->n_values_lists) return first_location(n->select_stmt->values_lists, n->select_stmt->n_values_lists);
        return first_location(n->select_stmt->target_list, n->select_stmt->n_target_list);
    default: return -1;
    }
}

static bool scalar_equal(const char *a, const char *b, const ProtobufCFieldDescriptor *f)
{
    switch (f->type) {
    case PROTOBUF_C_TYPE_STRING: return !strcmp(*(char *const *)(a + f->offset), *(char *const *)(b + f->offset));
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_UINT64: return *(const int64_t *)(a + f->offset) == *(const int64_t *)(b + f->offset);
    default: return *(const int32_t *)(a + f->offset) == *(const int32_t *)(b + f->offset); /* enums, booleans, 32-bit numbers */
    }
}

static bool field_equal(const char *a, const char *b, const ProtobufCFieldDescriptor *f)
{
    if (f->label == PROTOBUF_C_LABEL_REPEATED) {
        size_t n = *(const size_t *)(a + f->quantifier_offset);
        if (n != *(const size_t *)(b + f->quantifier_offset)) return false;
        if (f->type != PROTOBUF_C_TYPE_MESSAGE) return n == 0;
        ProtobufCMessage *const *x = *(ProtobufCMessage *const *const *)(a + f->offset), *const *y = *(ProtobufCMessage *const *const *)(b + f->offset);
        for (size_t i = 0; i < n; i++)
            if (!pb_equal(x[i], y[i])) return false;
        return true;
    }
    if (f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) {
        uint32_t which = *(const uint32_t *)(a + f->quantifier_offset);
        if (which != *(const uint32_t *)(b + f->quantifier_offset)) return false;
        if (which != f->id) return true;
    }
    if (f->type == PROTOBUF_C_TYPE_MESSAGE)
        return pb_equal(*(ProtobufCMessage *const *)(a + f->offset), *(ProtobufCMessage *const *)(b + f->offset));
    return scalar_equal(a, b, f);
}

bool pb_equal(const ProtobufCMessage *a, const ProtobufCMessage *b)
{
    if (!a || !b) return a == b;
    if (a->descriptor != b->descriptor || failed(stack_check(NULL))) return false;
    for (unsigned i = 0; i < a->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *f = &a->descriptor->fields[i];
        if (strcmp(f->name, "location") && !field_equal((const char *)a, (const char *)b, f)) return false;
    }
    return true;
}
