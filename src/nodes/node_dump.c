/* Text form. {Tag :field value ...} with fields that are zero left out; (a b) a list, <> NULL, "..." a string, [1 2] numbers or a set,
 * and for a Const's value #hex bytes or a decimal. */
#include <inttypes.h>

#include "common/thread.h"
#include "nodes/node_meta.h"

static void dump_string(const char *s, StrBuf *out)
{
    strbuf_char(out, '"');
    for (; *s; s++) {
        if (*s == '"' || *s == '\\') strbuf_char(out, '\\');
        strbuf_char(out, *s);
    }
    strbuf_char(out, '"');
}

static void dump_datum(const Const *c, StrBuf *out)
{
    if (c->constbyval) {
        strbuf_printf(out, "%" PRId64, (int64_t)c->constvalue);
        return;
    }
    const uint8_t *p = datum_bytes(c->constvalue);
    size_t n = datum_size(c->constvalue, false, c->constlen);
    strbuf_char(out, '#');
    for (size_t i = 0; i < n; i++) {
        strbuf_char(out, "0123456789abcdef"[p[i] >> 4]);
        strbuf_char(out, "0123456789abcdef"[p[i] & 15]);
    }
}

static void dump_ints(const IntArray *a, StrBuf *out)
{
    strbuf_char(out, '[');
    for (int i = 0; i < a->n; i++) strbuf_printf(out, "%s%" PRId64, i ? " " : "", a->v[i]);
    strbuf_char(out, ']');
}

static void dump_set(const Bitset *set, StrBuf *out)
{
    strbuf_char(out, '[');
    const char *gap = "";
    for (int m = bitset_next(set, -1); m >= 0; m = bitset_next(set, m)) {
        strbuf_printf(out, "%s%d", gap, m);
        gap = " ";
    }
    strbuf_char(out, ']');
}

static bool field_is_default(const void *node, const FieldMeta *f)
{
    switch ((FieldKind)f->kind) {
    case FK_SCALAR: return field_scalar(node, f) == 0;
    case FK_REAL: return *(double *)field_at(node, f) == 0;
    case FK_INTS: return ((IntArray *)field_at(node, f))->n == 0;
    case FK_SET: return bitset_is_empty(field_ptr(node, f));
    case FK_DATUM: return ((const Const *)node)->constisnull;
    case FK_SKIP: return true;
    default: return field_ptr(node, f) == NULL;
    }
}

static Status dump_field(const void *node, const FieldMeta *f, StrBuf *out, Error *err)
{
    if (field_is_default(node, f)) return ST_OK;
    strbuf_printf(out, " :%s ", f->name);
    switch ((FieldKind)f->kind) {
    case FK_SCALAR: strbuf_printf(out, "%" PRId64, field_scalar(node, f)); break;
    case FK_REAL: strbuf_printf(out, "%.17g", *(double *)field_at(node, f)); break;
    case FK_STR: dump_string(field_ptr(node, f), out); break;
    case FK_NODE: return node_dump(field_ptr(node, f), out, err);
    case FK_INTS: dump_ints(field_at(node, f), out); break;
    case FK_SET: dump_set(field_ptr(node, f), out); break;
    case FK_DATUM: dump_datum(node, out); break;
    case FK_SKIP: break;
    }
    return ST_OK;
}

Status node_dump(const void *node, StrBuf *out, Error *err)
{
    if (!node) {
        strbuf_str(out, "<>");
        return strbuf_check(out, err);
    }
    TRY(stack_check(err));
    if (IsA(node, List)) {
        const List *list = node;
        strbuf_char(out, '(');
        for (int i = 0; i < list->len; i++) {
            if (i) strbuf_char(out, ' ');
            TRY(node_dump(list->items[i], out, err));
        }
        strbuf_char(out, ')');
        return strbuf_check(out, err);
    }
    const NodeMeta *m = node_meta(nodeTag(node));
    strbuf_printf(out, "{%s", m->name);
    for (int i = 0; i < m->nfields; i++) TRY(dump_field(node, &m->fields[i], out, err));
    strbuf_char(out, '}');
    return strbuf_check(out, err);
}
