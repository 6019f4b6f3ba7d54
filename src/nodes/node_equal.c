/* Structural equality. Empty and missing lists, sets and arrays are the same. */
#include "common/thread.h"
#include "nodes/node_meta.h"

static bool lists_equal(const List *a, const List *b)
{
    if (list_len(a) != list_len(b)) return false;
    for (int i = 0; i < list_len(a); i++)
        if (!node_equal(a->items[i], b->items[i])) return false;
    return true;
}

static bool ints_equal(const IntArray *a, const IntArray *b)
{
    return a->n == b->n && (a->n == 0 || !memcmp(a->v, b->v, (size_t)a->n * sizeof *a->v));
}

static bool consts_equal(const Const *a, const Const *b)
{
    if (a->constisnull || b->constisnull) return a->constisnull == b->constisnull;
    if (a->constbyval) return a->constvalue == b->constvalue;
    size_t n = datum_size(a->constvalue, false, a->constlen);
    if (a->constlen < 0) return slice_equal(varlena_slice(a->constvalue), varlena_slice(b->constvalue));
    return !memcmp(datum_bytes(a->constvalue), datum_bytes(b->constvalue), n);
}

static bool fields_equal(const void *a, const void *b, const FieldMeta *f)
{
    switch ((FieldKind)f->kind) {
    case FK_SCALAR: return field_scalar(a, f) == field_scalar(b, f);
    case FK_REAL: return *(double *)field_at(a, f) == *(double *)field_at(b, f);
    case FK_STR: {
        const char *x = field_ptr(a, f), *y = field_ptr(b, f);
        return x == y || (x && y && !strcmp(x, y));
    }
    case FK_NODE: return node_equal(field_ptr(a, f), field_ptr(b, f));
    case FK_INTS: return ints_equal(field_at(a, f), field_at(b, f));
    case FK_SET: return bitset_equal(field_ptr(a, f), field_ptr(b, f));
    case FK_DATUM: return consts_equal(a, b);
    case FK_SKIP: break;
    }
    return true;
}

static bool is_empty_list(const void *n)
{
    return !n || (IsA(n, List) && ((const List *)n)->len == 0);
}

bool node_equal(const void *a, const void *b)
{
    if (a == b) return true;
    if (!a || !b) return is_empty_list(a) && is_empty_list(b);
    if (nodeTag(a) != nodeTag(b) || failed(stack_check(NULL))) return false;
    if (IsA(a, List)) return lists_equal(a, b);
    const NodeMeta *m = node_meta(nodeTag(a));
    for (int i = 0; i < m->nfields; i++)
        if (!fields_equal(a, b, &m->fields[i])) return false;
    return true;
}
