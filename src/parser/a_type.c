/* Type names (manual chapter 8): names, modifiers, arrays, %TYPE. */
#include <stdio.h>
#include <stdlib.h>

#include "parser/parse_state.h"

static const char *dotted(const List *names, Arena *arena)
{
    StrBuf sb;
    strbuf_init(&sb, arena);
    LIST_EACH(String *, s, names) {
        if (sb.len) strbuf_char(&sb, '.');
        strbuf_str(&sb, s->sval);
    }
    return strbuf_cstr(&sb);
}

/* What the text of a TypeName looks like in messages: "a.b[]", "t.c%TYPE". */
static const char *type_name_text(const TypeName *tn, Arena *arena)
{
    if (!tn->names) return "?";
    const char *name = dotted(tn->names, arena);
    if (tn->pct_type) return arena_printf(arena, "%s%%TYPE", name);
    return tn->array_dims ? arena_printf(arena, "%s[]", name) : name;
}

static Status column_type(SessionEnv *env, const TypeName *tn, bool missing_ok, Arena *arena, Oid *oid, int32_t *typmod, Error *err)
{
    int n = list_len(tn->names);
    const char *part[4] = {NULL};
    if (n < 2) return error_set(err, ERR_SYNTAX_ERROR, "improper %%TYPE reference (too few dotted names): %s", dotted(tn->names, arena));
    if (n > 4) return error_set(err, ERR_SYNTAX_ERROR, "improper %%TYPE reference (too many dotted names): %s", dotted(tn->names, arena));
    for (int i = 0; i < n; i++) part[4 - n + i] = ((String *)list_at(tn->names, i))->sval;
    Oid relid;
    const Relation *rel;
    TRY(lookup_relation(env, part[0], part[1], part[2], missing_ok, &relid, err));
    *oid = 0;
    if (!relid) return ST_OK;
    TRY(relation_open(env, relid, LOCK_ACCESS_SHARE, &rel, err));
    int attno = relation_find_column(rel, part[3]);
    if (attno <= 0) return missing_ok ? ST_OK : error_set(err, ERR_UNDEFINED_COLUMN, "column \"%s\" of relation \"%s\" does not exist", part[3], part[2]);
    *oid = rel->desc->atts[attno - 1].type;
    *typmod = rel->desc->atts[attno - 1].typmod;
    return ST_OK;
}

static Status apply_modifiers(SessionEnv *env, const TypeName *tn, Oid oid, Arena *arena, int32_t *typmod, Error *err)
{
    const TypeInfo *type;
    const char **args;
    int n = list_len(tn->typmods);
    *typmod = tn->typemod;
    if (n == 0) return ST_OK;
    TRY(type_require(env, oid, &type, err));
    if (type->is_array && type->elem && !type->typmod_in) TRY(type_require(env, type->elem, &type, err));
    if (!type->typmod_in) return error_set(err, ERR_SYNTAX_ERROR, "type modifier is not allowed for type \"%s\"", type_name_text(tn, arena));
    TRY_NEW_N(args, arena, n, err);
    for (int i = 0; i < n; i++) {
        const String *s = list_at(tn->typmods, i);
        if (!s) return error_set(err, ERR_SYNTAX_ERROR, "type modifiers must be simple constants or identifiers");
        args[i] = s->sval;
    }
    return type->typmod_in(arena, args, n, typmod, err);
}

static Status type_name_lookup(SessionEnv *env, const TypeName *tn, bool missing_ok, Arena *arena, Oid *oid, int32_t *typmod, Error *err)
{
    int n = list_len(tn->names);
    *typmod = -1;
    *oid = tn->typeOid;
    if (tn->pct_type) {
        TRY(column_type(env, tn, missing_ok, arena, oid, typmod, err));
    } else if (!*oid) {
        if (n < 1 || n > 3) return error_set(err, ERR_SYNTAX_ERROR, "improper qualified name (too many dotted names): %s", dotted(tn->names, arena));
        const char *name = ((String *)list_at(tn->names, n - 1))->sval, *schema = n >= 2 ? ((String *)list_at(tn->names, n - 2))->sval : NULL;
        if (n == 3 && strcmp(((String *)list_first(tn->names))->sval, env->database_name ? env->database_name : ""))
            return error_set(err, ERR_FEATURE_NOT_SUPPORTED, "cross-database references are not implemented: %s", dotted(tn->names, arena));
        Oid nsp;
        if (schema) TRY(lookup_namespace(env, schema, missing_ok, &nsp, err));
        TRY(lookup_type(env, schema, name, true, oid, err));
    }
    if (*oid && !tn->pct_type) TRY(apply_modifiers(env, tn, *oid, arena, typmod, err));
    if (*oid && tn->array_dims) {
        const TypeInfo *t = catalog_type(env, *oid);
        if (!t || !t->is_array) *oid = type_array_of(env, *oid); /* int[][] is int[] */
    }
    if (*oid || missing_ok) return ST_OK;
    return error_set(err, ERR_UNDEFINED_OBJECT, "type \"%s\" does not exist", type_name_text(tn, arena));
}

Status resolve_type_name(SessionEnv *env, const TypeName *tn, bool missing_ok, Oid *oid, int32_t *typmod, Error *err)
{
    Arena scratch;
    int32_t ignore;
    arena_init(&scratch, env->account, 0);
    Status st = type_name_lookup(env, tn, missing_ok, &scratch, oid, typmod ? typmod : &ignore, err);
    arena_destroy(&scratch);
    return st;
}

/* Modifiers as text; NULL entries for anything but a constant or a name. */
static Status modifier_text(ParseState *ps, const PbNode *n, String **out)
{
    const PgQuery__AConst *c = PB_IS(n, A_CONST) ? n->a_const : NULL;
    const PgQuery__ColumnRef *r = PB_IS(n, COLUMN_REF) ? n->column_ref : NULL;
    const char *text = NULL;
    *out = NULL;
    if (c && c->val_case == PG_QUERY__A__CONST__VAL_IVAL) text = arena_printf(ps->arena, "%d", c->ival->ival);
    else if (c && c->val_case == PG_QUERY__A__CONST__VAL_FVAL) text = c->fval->fval;
    else if (c && c->val_case == PG_QUERY__A__CONST__VAL_SVAL) text = c->sval->sval;
    else if (r && r->n_fields == 1 && PB_IS(r->fields[0], STRING)) text = pb_string(r->fields[0]);
    if (!text) return ST_OK;
    PS_NEW(*out, String, ps);
    (*out)->sval = arena_strdup(ps->arena, text);
    TRY_MEM((*out)->sval, ps->err);
    return ST_OK;
}

Status ps_type_name_node(ParseState *ps, const PgQuery__TypeName *tn, TypeName **out)
{
    *out = NULL;
    if (!tn) return ST_OK;
    PS_NEW(*out, TypeName, ps);
    TypeName *t = *out;
    t->typeOid = tn->type_oid;
    t->setof = tn->setof;
    t->pct_type = tn->pct_type;
    t->typemod = tn->typemod;
    t->array_dims = (int)tn->n_array_bounds;
    t->location = tn->location;
    for (size_t i = 0; i < tn->n_typmods; i++) {
        String *s;
        TRY(modifier_text(ps, tn->typmods[i], &s));
        PS_APPEND(t->typmods, ps, s);
    }
    return ps_string_list(ps, tn->names, tn->n_names, &t->names);
}

Status ps_resolve_type(ParseState *ps, const PgQuery__TypeName *tn, Oid *oid, int32_t *typmod)
{
    TypeName *t;
    int32_t ignore;
    TRY(ps_type_name_node(ps, tn, &t));
    TRY_AT(ps, tn->location, type_name_lookup(ps->env, t, false, ps->arena, oid, typmod ? typmod : &ignore, ps->err));
    return ST_OK;
}

Status ps_resolve_collation(ParseState *ps, PbNode **names, size_t n, int location, Oid *out)
{
    const char *schema, *name;
    TRY(ps_name_list(ps, names, n, &schema, &name));
    TRY_AT(ps, location, lookup_collation(ps->env, schema, name, false, out, ps->err));
    return ST_OK;
}

Status parse_type_text(SessionEnv *env, const char *text, Oid *oid, int32_t *typmod, Error *err)
{
    Arena arena;
    RawStatement *raw;
    int n = 0;
    Error inner = ERROR_INIT;
    arena_init(&arena, env->account, 0);
    const char *sql = arena_printf(&arena, "SELECT NULL::%s", text);
    Status st = sql ? raw_parse_text(sql, &arena, &raw, &n, &inner) : error_out_of_memory(err, 0);
    const PbNode *target = NULL;
    if (!failed(st) && n == 1 && PB_IS((const PbNode *)raw[0].pb, SELECT_STMT)) {
        const PgQuery__SelectStmt *s = ((const PbNode *)raw[0].pb)->select_stmt;
        if (s->n_target_list == 1 && !s->n_from_clause && !s->where_clause && !s->sort_clause && PB_IS(s->target_list[0], RES_TARGET) &&
            !pb_text(s->target_list[0]->res_target->name))
            target = s->target_list[0]->res_target->val;
    }
    if (PB_IS(target, TYPE_CAST) && PB_IS(target->type_cast->arg, A_CONST) && !target->type_cast->type_name->setof) {
        ParseState ps = ps_top(env, NULL, NULL, &arena, err);
        st = ps_resolve_type(&ps, target->type_cast->type_name, oid, typmod);
    } else if (error_is_set(&inner) && inner.code == ERR_SYNTAX_ERROR) {
        st = error_set(err, inner.code, "%s", inner.message);
        if (st == ST_FAILED) error_context(err, "invalid type name \"%s\"", text);
    } else if (error_is_set(&inner)) {
        error_move(err, &inner);
        st = ST_FAILED;
    } else {
        st = error_set(err, ERR_SYNTAX_ERROR, "invalid type name \"%s\"", text);
    }
    error_clear(&inner);
    arena_destroy(&arena);
    return st;
}
