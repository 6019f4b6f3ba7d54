/* The leaves of expressions: identifiers, types, operators, constants, columns; and the line breaks of the layout. */
#include <ctype.h>
#include <string.h>

#include "catalog/deparse_internal.h"

void put_ident(Deparser *d, const char *name) { put(d, name ? quote_identifier(d->arena, name) : "?"); }

static void strip_spaces(StrBuf *sb)
{
    while (sb->len && sb->data[sb->len - 1] == ' ') sb->data[--sb->len] = 0;
}

void put_keyword(Deparser *d, const char *s, int before, int after, int plus)
{
    d->indent += before;
    strip_spaces(d->buf);
    strbuf_char(d->buf, '\n');
    int spaces = d->indent < 0 ? 0 : d->indent;
    if (spaces > INDENT_LIMIT) spaces = INDENT_LIMIT + (spaces - INDENT_LIMIT) % INDENT_STD;
    strbuf_fill(d->buf, ' ', (size_t)(spaces + plus));
    put(d, s);
    d->indent += after;
    if (d->indent < 0) d->indent = 0;
}

void put_type(Deparser *d, Oid type, int32_t typmod)
{
    if (type == TYPE_bpchar && typmod < 0) put(d, "bpchar");
    else if (type == TYPE_bit && typmod < 0) put(d, "\"bit\"");
    else put(d, format_type_text(d->env, type, typmod, d->arena));
}

void put_operator(Deparser *d, Oid op)
{
    const OperatorInfo *o = operator_by_oid(d->env, op);
    if (!o) put(d, "???");
    else if (operator_is_visible(d->env, op)) put(d, o->name);
    else strbuf_printf(d->buf, "OPERATOR(%s.%s)", quote_identifier(d->arena, namespace_name_of(d->env, o->namespace_oid, d->arena)), o->name);
}

/* ---- constants ---- */
static void put_quoted(Deparser *d, const char *text) { put(d, quote_literal_text(d->arena, text)); }

static void put_collation(Deparser *d, Oid collation, Oid type)
{
    const TypeInfo *t = catalog_type(d->env, type);
    if (!collation || !t || collation == t->collation) return;
    put(d, " COLLATE ");
    const char *name = collation_name_of(d->env, collation, d->arena);
    put_ident(d, name);
}

/* A number that may stand as it is; others are quoted and labelled. Returns whether a label is needed. */
static bool put_const_text(Deparser *d, const Const *c, const char *text)
{
    switch (c->consttype) {
    case TYPE_int4:
        if (text[0] != '-') {
            put(d, text);
            return false;
        }
        strbuf_printf(d->buf, "'%s'", text);
        return true;
    case TYPE_numeric:
        if (isdigit((unsigned char)text[0]) && strcspn(text, "eE.") != strlen(text)) {
            put(d, text);
            return c->consttypmod >= 0;
        }
        strbuf_printf(d->buf, "'%s'", text);
        return true;
    case TYPE_bool: put(d, strcmp(text, "t") == 0 ? "true" : "false"); return false;
    case TYPE_bit: case TYPE_varbit: strbuf_printf(d->buf, "B'%s'", text); return true;
    case TYPE_unknown: put_quoted(d, text); return false;
    default: put_quoted(d, text); return true;
    }
}

void put_const(Deparser *d, const Const *c, int show_type)
{
    bool label;
    if (c->constisnull) {
        put(d, "NULL");
        label = show_type >= 0;
    } else {
        const TypeInfo *t = catalog_type(d->env, c->consttype);
        IoContext io = session_io(d->env, d->arena);
        StrBuf text;
        strbuf_init(&text, d->arena);
        if (!t || failed(type_output(&io, t, c->constvalue, &text, d->err))) {
            d->status = t ? ST_FAILED : error_set(d->err, ERR_INTERNAL_ERROR, "cache lookup failed for type %u", c->consttype);
            return;
        }
        label = put_const_text(d, c, strbuf_cstr(&text));
    }
    if (show_type < 0 || (!label && show_type == 0)) return;
    put(d, "::");
    put_type(d, c->consttype, c->consttypmod);
    put_collation(d, c->constcollid, c->consttype);
}

/* ---- columns ---- */
static const char *alias_column(const RangeTblEntry *rte, int attno)
{
    const Alias *a = rte->alias && attno <= list_len(rte->alias->colnames) ? rte->alias : rte->eref;
    if (!a || attno > list_len(a->colnames)) return NULL;
    return ((const String *)list_at(a->colnames, attno - 1))->sval;
}

static const char *rte_column(Deparser *d, const RangeTblEntry *rte, int attno)
{
    const Relation *rel;
    if (rte->rtekind != RTE_RELATION) return alias_column(rte, attno);
    if (rte->alias && attno <= list_len(rte->alias->colnames)) return alias_column(rte, attno);
    if (failed(relation_try_open(d->env, rte->relid, LOCK_NONE, &rel, d->err)) || !rel || attno > rel->desc->natts) return alias_column(rte, attno);
    return rel->desc->atts[attno - 1].name; /* the present name, whatever it was when the view was made */
}

static const char *put_column(Deparser *d, const char *prefix, const char *column)
{
    if (prefix && (d->var_prefix || !column)) {
        put_ident(d, prefix);
        strbuf_char(d->buf, '.');
    }
    if (column) put_ident(d, column);
    else strbuf_char(d->buf, '*');
    return column;
}

static const char *put_join_var(Deparser *d, const NameLevel *level, const RangeTblEntry *rte, const Var *v)
{
    const Node *alias = v->varattno > 0 && v->varattno <= list_len(rte->joinaliasvars) ? list_at(rte->joinaliasvars, v->varattno - 1) : NULL;
    if (IsA(alias, Var) && !rte->alias) {
        const NameLevel *saved = d->level;
        d->level = level;
        const char *name = put_var(d, (const Var *)alias, 0);
        d->level = saved;
        return name;
    }
    return put_column(d, rte->alias ? level->rte_names[v->varno - 1] : NULL, v->varattno ? alias_column(rte, v->varattno) : NULL);
}

const char *put_var(Deparser *d, const Var *v, int levels_up)
{
    const NameLevel *level = d->level;
    for (int up = v->varlevelsup + levels_up; up > 0 && level; up--) level = level->outer;
    if (!level) {
        put(d, "?");
        return NULL;
    }
    if (v->varattno < 0) {
        const SysAttr *sys = sysattr_by_num(v->varattno);
        return put_column(d, level->query ? level->rte_names[v->varno - 1] : NULL, sys ? sys->name : "?");
    }
    if (!level->query) {
        const Relation *rel = level->rel;
        const char *column = rel && v->varattno > 0 && v->varattno <= rel->desc->natts ? rel->desc->atts[v->varattno - 1].name : NULL;
        return put_column(d, rel ? rel->name : NULL, column);
    }
    if (v->varno < 1 || v->varno > list_len(level->query->rtable)) {
        put(d, "?");
        return NULL;
    }
    const RangeTblEntry *rte = list_at(level->query->rtable, v->varno - 1);
    if (rte->rtekind == RTE_JOIN) return put_join_var(d, level, rte, v);
    return put_column(d, level->rte_names[v->varno - 1], v->varattno ? rte_column(d, rte, v->varattno) : NULL);
}
