/* Constructors and lists. */
#include "nodes/nodes.h"

void *node_new_(Arena *arena, NodeTag tag, size_t bytes)
{
    Node *n = arena_zalloc(arena, bytes);
    if (n) n->tag = tag;
    return n;
}

static List *list_with_room(List *list, Arena *arena, int more)
{
    if (!list) {
        list = node_new_(arena, T_List, sizeof(List));
        if (!list) return NULL;
    }
    int need = list->len + more;
    if (need > list->cap) {
        int cap = list->cap ? list->cap * 2 : 4;
        while (cap < need) cap *= 2;
        void **items = arena_alloc(arena, (size_t)cap * sizeof *items);
        if (!items) return NULL;
        if (list->len) memcpy(items, list->items, (size_t)list->len * sizeof *items);
        list->items = items;
        list->cap = cap;
    }
    return list;
}

List *list_append(List *list, Arena *arena, void *item)
{
    list = list_with_room(list, arena, 1);
    if (list) list->items[list->len++] = item;
    return list;
}

List *list_prepend(List *list, Arena *arena, void *item)
{
    list = list_with_room(list, arena, 1);
    if (!list) return NULL;
    memmove(list->items + 1, list->items, (size_t)list->len * sizeof *list->items);
    list->items[0] = item;
    list->len++;
    return list;
}

List *list_concat(List *a, const List *b, Arena *arena)
{
    if (list_len(b) == 0) return a;
    a = list_with_room(a, arena, b->len);
    if (!a) return NULL;
    memcpy(a->items + a->len, b->items, (size_t)b->len * sizeof *b->items);
    a->len += b->len;
    return a;
}

List *list_copy(const List *list, Arena *arena)
{
    return list_concat(NULL, list, arena);
}

/* Capacity is implied by n: powers of two from 4. */
bool intarray_push(IntArray *a, Arena *arena, int64_t v)
{
    if (a->n == 0 || (a->n >= 4 && (a->n & (a->n - 1)) == 0)) {
        int64_t *grown = arena_alloc(arena, (a->n ? (size_t)a->n * 2 : 4) * sizeof *grown);
        if (!grown) return false;
        if (a->n) memcpy(grown, a->v, (size_t)a->n * sizeof *grown);
        a->v = grown;
    }
    a->v[a->n++] = v;
    return true;
}

bool intarray_has(const IntArray *a, int64_t v)
{
    for (int i = 0; i < a->n; i++)
        if (a->v[i] == v) return true;
    return false;
}

Const *make_const(Arena *arena, const TypeInfo *type, int32_t typmod, Datum value, bool isnull)
{
    Const *c = node_new(Const, arena);
    if (!c) return NULL;
    c->consttype = type->oid;
    c->consttypmod = typmod;
    c->constcollid = type->collation;
    c->constlen = type->typlen;
    c->constbyval = type->byval;
    c->constisnull = isnull;
    c->constvalue = isnull ? 0 : value;
    c->location = -1;
    return c;
}

Var *make_var(Arena *arena, int varno, int attno, Oid type, int32_t typmod, Oid collation, int levelsup)
{
    Var *v = node_new(Var, arena);
    if (!v) return NULL;
    v->varno = v->varnosyn = varno;
    v->varattno = v->varattnosyn = attno;
    v->vartype = type;
    v->vartypmod = typmod;
    v->varcollid = collation;
    v->varlevelsup = levelsup;
    v->location = -1;
    return v;
}

TargetEntry *make_target_entry(Arena *arena, Expr *expr, int resno, const char *name, bool resjunk)
{
    TargetEntry *te = node_new(TargetEntry, arena);
    if (!te) return NULL;
    te->expr = expr;
    te->resno = resno;
    te->resname = (char *)(uintptr_t)name;
    te->resjunk = resjunk;
    return te;
}

static bool is_and(const Node *n)
{
    return IsA(n, BoolExpr) && ((const BoolExpr *)n)->boolop == AND_EXPR;
}

static List *and_args(List *into, Node *qual, Arena *arena)
{
    return is_and(qual) ? list_concat(into, ((BoolExpr *)qual)->args, arena) : list_append(into, arena, qual);
}

Node *make_and(Arena *arena, Node *a, Node *b)
{
    if (!a || !b) return a ? a : b;
    BoolExpr *and = node_new(BoolExpr, arena);
    if (!and) return NULL;
    and->boolop = AND_EXPR;
    and->location = -1;
    and->args = and_args(NULL, a, arena);
    if (and->args) and->args = and_args(and->args, b, arena);
    return and->args ? (Node *)and : NULL;
}

List *make_and_list(Arena *arena, Node *qual)
{
    if (!qual) return NULL;
    return IsA(qual, List) ? (List *)qual : and_args(NULL, qual, arena);
}
