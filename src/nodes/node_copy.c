/* Deep copy: a shallow copy of the struct, then the fields that point somewhere. */
#include <assert.h>

#include "common/thread.h"
#include "nodes/node_meta.h"

static List *copy_list(const List *list, Arena *arena)
{
    List *out = arena_memdup(arena, list, sizeof *list);
    if (!out) return NULL;
    out->cap = list->len > 0 ? list->len : 1;
    out->items = arena_alloc(arena, (size_t)out->cap * sizeof *out->items);
    if (!out->items) return NULL;
    for (int i = 0; i < list->len; i++) {
        out->items[i] = node_copy(list->items[i], arena);
        if (list->items[i] && !out->items[i]) return NULL;
    }
    return out;
}

/* Room for the powers of two that intarray_push implies. */
static bool copy_ints(IntArray *a, Arena *arena)
{
    size_t cap = 4;
    while (cap < (size_t)a->n) cap *= 2;
    int64_t *v = a->n ? arena_alloc(arena, cap * sizeof *v) : NULL;
    if (a->n && !v) return false;
    if (a->n) memcpy(v, a->v, (size_t)a->n * sizeof *v);
    a->v = v;
    return true;
}

static bool copy_field(void *node, const FieldMeta *f, Arena *arena)
{
    void **p = field_at(node, f);
    switch ((FieldKind)f->kind) {
    case FK_STR:
        if (!*p) return true;
        return (*p = arena_strdup(arena, *p)) != NULL;
    case FK_NODE:
        if (!*p) return true;
        return (*p = node_copy(*p, arena)) != NULL;
    case FK_INTS:
        return copy_ints((IntArray *)p, arena);
    case FK_SET:
        if (!*p) return true;
        if (bitset_is_empty(*p)) { *p = NULL; return true; }
        return (*p = bitset_copy(*p, arena)) != NULL;
    case FK_DATUM: {
        Const *c = node; /* the only node with a Datum */
        if (c->constisnull || c->constbyval) return true;
        const void *body = datum_bytes(c->constvalue);
        body = arena_memdup(arena, body, datum_size(c->constvalue, false, c->constlen));
        c->constvalue = datum_ptr(body);
        return body != NULL;
    }
    default:
        return true;
    }
}

void *node_copy(const void *node, Arena *arena)
{
    if (!node || failed(stack_check(NULL))) return NULL;
    if (IsA(node, List)) return copy_list(node, arena);
    const NodeMeta *m = node_meta(nodeTag(node));
    assert(m);
    void *out = arena_memdup(arena, node, m->size);
    if (!out) return NULL;
    for (int i = 0; i < m->nfields; i++)
        if (!copy_field(out, &m->fields[i], arena)) return NULL;
    return out;
}
