/* Names: which relation and column of which query level a name means (manual 7.2.1, and 4.2.1 for ambiguity). */
#include "parser/parse_state.h"

static bool columns_visible(ParseState *ps, const NsItem *item)
{
    return item->cols_visible && !(item->lateral_only && !ps->lateral_active);
}

/* A LATERAL reference to the wrong side of an outer join. */
static Status check_lateral_ok(ParseState *ps, const NsItem *item, int location)
{
    if (!item->lateral_only || item->lateral_ok) return ST_OK;
    const char *name = item->name ? item->name : item->rte->eref->aliasname;
    PS_ERROR(ps, location, ERR_INVALID_COLUMN_REFERENCE, "invalid reference to FROM-clause entry for table \"%s\"", name);
    if (item->rte == (ps->target ? ps->target->rte : NULL))
        return error_hint(ps->err, "There is an entry for table \"%s\", but it cannot be referenced from this part of the query.", name);
    return error_detail(ps->err, "The combining JOIN type must be INNER or LEFT for a LATERAL reference.");
}

RangeTblEntry *ps_rte(ParseState *ps, int varno, int levels_up)
{
    while (levels_up-- > 0) ps = ps->parent;
    return list_at(ps->rtable, varno - 1);
}

void ps_mark_select(ParseState *ps, RangeTblEntry *rte, int attno)
{
    if (rte->rtekind != RTE_RELATION) return;
    rte->requiredPerms |= 2;
    if (attno + 8 >= 0) rte->selectedCols = bitset_add(rte->selectedCols, ps->arena, attno + 8);
}

/* Relations ------------------------------------------------------------------------------------------------------------------------ */

static Status find_by_name(ParseState *ps, const char *name, int location, NsItem **out)
{
    *out = NULL;
    for (int i = 0; i < ps->ns.len; i++) {
        NsItem *item = ps->ns.v[i];
        if (!item->rel_visible || !item->name || (item->lateral_only && !ps->lateral_active) || strcmp(item->name, name)) continue;
        if (*out) return PS_ERROR(ps, location, ERR_AMBIGUOUS_ALIAS, "table reference \"%s\" is ambiguous", name);
        TRY(check_lateral_ok(ps, item, location));
        *out = item;
    }
    return ST_OK;
}

static Status find_by_oid(ParseState *ps, Oid relid, int location, NsItem **out)
{
    *out = NULL;
    for (int i = 0; i < ps->ns.len; i++) {
        NsItem *item = ps->ns.v[i];
        if (!item->rel_visible || (item->lateral_only && !ps->lateral_active)) continue;
        if (item->rte->rtekind != RTE_RELATION || item->rte->relid != relid || item->rte->alias) continue;
        if (*out) return PS_ERROR(ps, location, ERR_AMBIGUOUS_ALIAS, "table reference %u is ambiguous", relid);
        TRY(check_lateral_ok(ps, item, location));
        *out = item;
    }
    return ST_OK;
}

Status ns_find_relation(ParseState *ps, const char *schema, const char *name, int location, NsItem **out, int *levels_up)
{
    Oid relid = 0, nsp = 0;
    *out = NULL;
    if (schema) {
        TRY(lookup_namespace(ps->env, schema, true, &nsp, ps->err));
        if (!nsp || !(relid = lookup_relname_in(ps->env, name, nsp))) return ST_OK;
    }
    for (*levels_up = 0; ps; ps = ps->parent, ++*levels_up) {
        if (relid) TRY(find_by_oid(ps, relid, location, out));
        else TRY(find_by_name(ps, name, location, out));
        if (*out) break;
    }
    return ST_OK;
}

/* Is there a relation of that name anywhere, visible or not? For the hint of 42P01. */
static RangeTblEntry *find_invisible(ParseState *ps, Oid relid, const char *name)
{
    for (; ps; ps = ps->parent)
        LIST_EACH(RangeTblEntry *, rte, ps->rtable) {
            if (rte->rtekind == RTE_JOIN && !rte->alias) continue;
            if (relid) {
                if (rte->rtekind == RTE_RELATION && rte->relid == relid) return rte;
                continue;
            }
            if (rte->eref && !strcmp(rte->eref->aliasname, name)) return rte;
            if (rte->rtekind == RTE_RELATION && rte->alias && strcmp(rte->alias->aliasname, name)) {
                const Relation *rel;
                Error ignore = ERROR_INIT;
                if (!failed(relation_try_open(ps->env, rte->relid, LOCK_NONE, &rel, &ignore)) && rel && !strcmp(rel->name, name)) return rte;
                error_clear(&ignore);
            }
        }
    return NULL;
}

Status ps_missing_relation(ParseState *ps, const char *schema, const char *name, int location)
{
    Oid nsp = 0, relid = 0;
    if (schema) TRY(lookup_namespace(ps->env, schema, true, &nsp, ps->err));
    if (nsp) relid = lookup_relname_in(ps->env, name, nsp);
    RangeTblEntry *rte = schema && !relid ? NULL : find_invisible(ps, relid, name);
    if (!rte) {
        return PS_ERROR(ps, location, ERR_UNDEFINED_TABLE, "missing FROM-clause entry for table \"%s\"", name);
    }
    PS_ERROR(ps, location, ERR_UNDEFINED_TABLE, "invalid reference to FROM-clause entry for table \"%s\"", name);
    const char *alias = rte->eref->aliasname;
    if (strcmp(alias, name)) return error_hint(ps->err, "Perhaps you meant to reference the table alias \"%s\".", alias);
    return error_hint(ps->err, "There is an entry for table \"%s\", but it cannot be referenced from this part of the query.", alias);
}

/* Columns -------------------------------------------------------------------------------------------------------------------------- */

static const struct SystemColumn { const char *name; int attno; Oid type; } system_columns[] = {
    {"tableoid", ATTNUM_TABLEOID, TYPE_oid}, {"cmax", ATTNUM_CMAX, TYPE_cid}, {"xmax", ATTNUM_XMAX, TYPE_xid},
    {"cmin", ATTNUM_CMIN, TYPE_cid}, {"xmin", ATTNUM_XMIN, TYPE_xid}, {"ctid", ATTNUM_CTID, TYPE_tid},
};

static Status make_scope_var(ParseState *ps, int varno, int attno, Oid type, int32_t typmod, Oid collation, int levels_up, int location, Node **out)
{
    Var *v = make_var(ps->arena, varno, attno, type, typmod, collation, levels_up);
    TRY_MEM(v, ps->err);
    v->location = location;
    *out = (Node *)v;
    ps_mark_select(ps, ps_rte(ps, varno, levels_up), attno);
    return ST_OK;
}

Status ns_var(ParseState *ps, NsItem *item, int col, int levels_up, int location, Node **out)
{
    const NsColumn *c = &item->cols[col];
    return make_scope_var(ps, c->varno, c->attno, c->type, c->typmod, c->collation, levels_up, location, out);
}

static Status system_column(ParseState *ps, NsItem *item, int levels_up, const char *name, int location, Node **out)
{
    if (item->rte->rtekind != RTE_RELATION || item->rte->relkind == RELKIND_VIEW || item->rte->relkind == RELKIND_COMPOSITE) return ST_OK;
    for (size_t i = 0; i < sizeof system_columns / sizeof *system_columns; i++) {
        const struct SystemColumn *s = &system_columns[i];
        if (strcmp(s->name, name)) continue;
        bool only_tableoid = ps->place == PLACE_CHECK || ps->place == PLACE_GENERATED_COLUMN;
        if (only_tableoid && s->attno != ATTNUM_TABLEOID)
            return PS_ERROR(ps, location, ERR_INVALID_COLUMN_REFERENCE,
                            ps->place == PLACE_CHECK ? "system column \"%s\" reference in check constraint is invalid"
                                                     : "cannot use system column \"%s\" in column generation expression", name);
        return make_scope_var(ps, item->rtindex, s->attno, s->type, -1, 0, levels_up, location, out);
    }
    return ST_OK;
}

Status ns_column(ParseState *ps, NsItem *item, int levels_up, const char *name, int location, Node **out)
{
    int found = -1;
    *out = NULL;
    for (int i = 0; i < item->ncols; i++) {
        if (!item->cols[i].name || strcmp(item->cols[i].name, name)) continue;
        if (found >= 0) return PS_ERROR(ps, location, ERR_AMBIGUOUS_COLUMN, "column reference \"%s\" is ambiguous", name);
        found = i;
    }
    if (found >= 0) return ns_var(ps, item, found, levels_up, location, out);
    return system_column(ps, item, levels_up, name, location, out);
}

Status ns_unqualified_column(ParseState *ps, const char *name, int location, bool local_only, Node **out)
{
    int levels_up = 0;
    *out = NULL;
    for (ParseState *level = ps; level; level = level->parent, levels_up++) {
        for (int i = 0; i < level->ns.len; i++) {
            NsItem *item = level->ns.v[i];
            Node *here;
            if (!columns_visible(level, item)) continue;
            TRY(ns_column(ps, item, levels_up, name, location, &here));
            if (!here) continue;
            if (*out) return PS_ERROR(ps, location, ERR_AMBIGUOUS_COLUMN, "column reference \"%s\" is ambiguous", name);
            TRY(check_lateral_ok(level, item, location));
            *out = here;
        }
        if (*out || local_only) break;
    }
    return ST_OK;
}

Status ns_whole_row(ParseState *ps, NsItem *item, int levels_up, int location, Node **out)
{
    const RangeTblEntry *rte = item->rte;
    Oid type = TYPE_record;
    if (rte->rtekind == RTE_RELATION) {
        const Relation *rel;
        TRY(relation_open(ps->env, rte->relid, LOCK_NONE, &rel, ps->err));
        if (rel->row_type && catalog_type(ps->env, rel->row_type)) type = rel->row_type;
    } else if (rte->rtekind == RTE_FUNCTION && list_len(rte->functions) == 1 && !rte->funcordinality) {
        const RangeTblFunction *f = list_first(rte->functions);
        const TypeInfo *t = catalog_type(ps->env, expr_type(f->funcexpr));
        if (t && t->typtype == 'c') type = t->oid;
        else if (t && t->oid != TYPE_record && item->ncols == 1) return ns_var(ps, item, 0, levels_up, location, out); /* a scalar's whole row is itself */
    }
    if (rte->rtekind == RTE_JOIN) { /* no row to point at: build one from its columns */
        RowExpr *row;
        List *vars = NULL, *names = NULL;
        TRY(ns_expand(ps, item, levels_up, location, &vars, &names));
        PS_NEW(row, RowExpr, ps);
        *row = (RowExpr){.tag = T_RowExpr, .args = vars, .row_typeid = TYPE_record, .row_format = COERCE_IMPLICIT_CAST, .colnames = names, .location = location};
        *out = (Node *)row;
        return ST_OK;
    }
    return make_scope_var(ps, item->rtindex, 0, type, -1, 0, levels_up, location, out);
}

Status ns_expand(ParseState *ps, NsItem *item, int levels_up, int location, List **vars, List **names)
{
    for (int i = 0; i < item->ncols; i++) {
        Node *var;
        String *name;
        if (!item->cols[i].name) continue;
        TRY(ns_var(ps, item, i, levels_up, location, &var));
        PS_APPEND(*vars, ps, var);
        if (!names) continue;
        PS_NEW(name, String, ps);
        name->sval = (char *)(uintptr_t)item->cols[i].name;
        PS_APPEND(*names, ps, name);
    }
    return ST_OK;
}

/* Levenshtein distance, at most `max`. */
static int distance(const char *a, const char *b, int max)
{
    int row[64], la = (int)strlen(a), lb = (int)strlen(b);
    if (la > 63 || lb > 63) return max;
    for (int j = 0; j <= lb; j++) row[j] = j;
    for (int i = 1; i <= la; i++) {
        int diag = row[0];
        row[0] = i;
        for (int j = 1; j <= lb; j++) {
            int best = diag + (a[i - 1] != b[j - 1]);
            if (row[j] + 1 < best) best = row[j] + 1;
            if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
            diag = row[j];
            row[j] = best;
        }
    }
    return row[lb] < max ? row[lb] : max;
}

typedef struct Guess { int best; const RangeTblEntry *rte[2]; const char *col[2]; const RangeTblEntry *exact; int nexact; } Guess;

static void guess_in(Guess *g, const RangeTblEntry *rte, const char *rel, const char *column)
{
    int penalty = 0;
    if (rte->rtekind == RTE_JOIN || !rte->eref) return; /* a join's columns are found at its members */
    if (rel) penalty = distance(rel, rte->eref->aliasname, 4);
    if (penalty > 3) return;
    LIST_EACH(String *, s, rte->eref->colnames) {
        if (!s->sval || !*s->sval) continue;
        if (!strcmp(s->sval, column)) { g->exact = rte; g->nexact++; }
        int d = distance(column, s->sval, 4);
        if (d > (int)strlen(column) / 2 || (d += penalty) > 3) continue;
        if (d < g->best) { g->best = d; g->rte[0] = rte; g->col[0] = s->sval; g->rte[1] = NULL; }
        else if (d == g->best && !g->rte[1]) { g->rte[1] = rte; g->col[1] = s->sval; }
        else if (d == g->best) g->rte[0] = NULL; /* three or more: say nothing */
    }
}

Status ps_missing_column(ParseState *ps, const char *rel, const char *column, int location)
{
    Guess g = {.best = 4};
    for (ParseState *level = ps; level; level = level->parent)
        LIST_EACH(RangeTblEntry *, rte, level->rtable) guess_in(&g, rte, rel, column);
    if (rel) PS_ERROR(ps, location, ERR_UNDEFINED_COLUMN, "column %s.%s does not exist", rel, column);
    else PS_ERROR(ps, location, ERR_UNDEFINED_COLUMN, "column \"%s\" does not exist", column);
    if (g.nexact == 1 && !rel)
        return error_hint(ps->err, "There is a column named \"%s\" in table \"%s\", but it cannot be referenced from this part of the query.", column,
                          g.exact->eref->aliasname);
    if (!g.rte[0]) return ST_FAILED;
    if (!g.rte[1]) return error_hint(ps->err, "Perhaps you meant to reference the column \"%s.%s\".", g.rte[0]->eref->aliasname, g.col[0]);
    return error_hint(ps->err, "Perhaps you meant to reference the column \"%s.%s\" or the column \"%s.%s\".", g.rte[0]->eref->aliasname, g.col[0],
                      g.rte[1]->eref->aliasname, g.col[1]);
}
