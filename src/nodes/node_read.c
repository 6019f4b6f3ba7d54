/* The reader of node_dump's text. Trusts nothing: unknown tags and fields, wrong node types in typed fields and values that do not fit
 * their Const are XX000. */
#include <errno.h>
#include <stdlib.h>

#include "common/thread.h"
#include "nodes/node_meta.h"

typedef struct Reader {
    const char *p, *end;
    Arena *arena;
    Error *err;
} Reader;

static Status read_node(Reader *r, Node **out);

static Status malformed(Reader *r, const char *what)
{
    return error_set(r->err, ERR_INTERNAL_ERROR, "malformed node text: %s", what);
}

static void skip_blanks(Reader *r)
{
    while (r->p < r->end && (*r->p == ' ' || *r->p == '\n' || *r->p == '\t')) r->p++;
}

static bool accept(Reader *r, char c)
{
    skip_blanks(r);
    if (r->p >= r->end || *r->p != c) return false;
    r->p++;
    return true;
}

/* A run of characters up to a blank or a bracket. */
static Slice read_word(Reader *r)
{
    skip_blanks(r);
    const char *start = r->p;
    while (r->p < r->end && !strchr(" \n\t{}()[]:\"", *r->p)) r->p++;
    return slice_of(start, (size_t)(r->p - start));
}

static Status read_number(Reader *r, int64_t *out)
{
    char buf[32], *stop;
    Slice w = read_word(r);
    if (w.len == 0 || w.len >= sizeof buf) return malformed(r, "number expected");
    memcpy(buf, w.data, w.len);
    buf[w.len] = 0;
    errno = 0;
    *out = strtoll(buf, &stop, 10);
    return *stop || errno ? malformed(r, "bad number") : ST_OK;
}

static Status read_real(Reader *r, double *out)
{
    char buf[64], *stop;
    Slice w = read_word(r);
    if (w.len == 0 || w.len >= sizeof buf) return malformed(r, "number expected");
    memcpy(buf, w.data, w.len);
    buf[w.len] = 0;
    *out = strtod(buf, &stop);
    return *stop ? malformed(r, "bad number") : ST_OK;
}

static Status read_string(Reader *r, char **out)
{
    if (!accept(r, '"')) return malformed(r, "string expected");
    const char *start = r->p;
    size_t n = 0;
    while (r->p < r->end && *r->p != '"') {
        if (*r->p == '\\') r->p++;
        r->p++;
        n++;
    }
    if (r->p >= r->end) return malformed(r, "unterminated string");
    char *s = *out = arena_alloc(r->arena, n + 1);
    TRY_MEM(s, r->err);
    for (const char *p = start; p < r->p; p++) {
        if (*p == '\\') p++;
        *s++ = *p;
    }
    *s = 0;
    r->p++;
    return ST_OK;
}

static Status read_ints(Reader *r, IntArray *out)
{
    int64_t v;
    if (!accept(r, '[')) return malformed(r, "'[' expected");
    while (!accept(r, ']')) {
        TRY(read_number(r, &v));
        if (!intarray_push(out, r->arena, v)) return error_out_of_memory(r->err, sizeof v);
    }
    return ST_OK;
}

static Status read_set(Reader *r, Bitset **out)
{
    IntArray ints = {0};
    TRY(read_ints(r, &ints));
    for (int i = 0; i < ints.n; i++) {
        if (ints.v[i] < 0 || ints.v[i] > 1 << 20) return malformed(r, "set member out of range");
        *out = bitset_add(*out, r->arena, (int)ints.v[i]);
        TRY_MEM(*out, r->err);
    }
    return ST_OK;
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static Status read_datum(Reader *r, Const *c)
{
    int64_t v;
    if (c->constbyval) {
        TRY(read_number(r, &v));
        c->constvalue = (Datum)v;
        return ST_OK;
    }
    Slice w = read_word(r);
    size_t n = w.len / 2;
    if (w.len < 3 || w.len % 2 == 0 || w.data[0] != '#') return malformed(r, "bad value");
    uint8_t *bytes = arena_zalloc(r->arena, n < 16 ? 16 : n);
    TRY_MEM(bytes, r->err);
    for (size_t i = 0; i < n; i++) {
        int hi = hex_digit((char)w.data[1 + 2 * i]), lo = hex_digit((char)w.data[2 + 2 * i]);
        if (hi < 0 || lo < 0) return malformed(r, "bad value");
        bytes[i] = (uint8_t)(hi << 4 | lo);
    }
    c->constvalue = datum_ptr(bytes);
    return datum_size(c->constvalue, false, c->constlen) == n ? ST_OK : malformed(r, "value of wrong length");
}

/* Does the node fit a field declared as `ctype`? */
static bool fits(const Node *n, const char *ctype)
{
    if (!n || !strcmp(ctype, "Node *") || !strcmp(ctype, "Expr *")) return true;
    const char *name = node_tag_name(n->tag);
    size_t len = strlen(name);
    return !strncmp(ctype, name, len) && !strcmp(ctype + len, " *");
}

static Status read_field(Reader *r, void *node, const FieldMeta *f)
{
    int64_t v;
    switch ((FieldKind)f->kind) {
    case FK_SCALAR:
        TRY(read_number(r, &v));
        field_set_scalar(node, f, v);
        return ST_OK;
    case FK_REAL: return read_real(r, field_at(node, f));
    case FK_STR: return read_string(r, field_at(node, f));
    case FK_NODE:
        TRY(read_node(r, field_at(node, f)));
        return fits(field_ptr(node, f), f->ctype) ? ST_OK : malformed(r, "node of wrong type");
    case FK_INTS: return read_ints(r, field_at(node, f));
    case FK_SET: return read_set(r, field_at(node, f));
    case FK_DATUM: return read_datum(r, node);
    case FK_SKIP: break;
    }
    return malformed(r, "unexpected field");
}

/* Dumped fields come in the order of the rows, so the search goes on where the last one ended. */
static const FieldMeta *find_field(const NodeMeta *m, Slice name, int *next)
{
    for (int n = 0; n < m->nfields; n++) {
        int i = (*next + n) % m->nfields;
        if (strlen(m->fields[i].name) == name.len && !memcmp(m->fields[i].name, name.data, name.len)) {
            *next = i + 1;
            return &m->fields[i];
        }
    }
    return NULL;
}

static Status read_struct(Reader *r, Node **out)
{
    Slice name = read_word(r);
    NodeTag tag = node_tag_by_name((const char *)name.data, name.len);
    const NodeMeta *m = node_meta(tag);
    if (!m) return malformed(r, "unknown node");
    Node *node = *out = node_new_(r->arena, tag, m->size);
    TRY_MEM(node, r->err);
    for (int i = 0; i < m->nfields; i++)
        if (m->fields[i].kind == FK_SKIP && !strcmp(m->fields[i].name, "location")) *(int *)field_at(node, &m->fields[i]) = -1;
    int next = 0;
    while (!accept(r, '}')) {
        if (!accept(r, ':')) return malformed(r, "':' expected");
        const FieldMeta *f = find_field(m, read_word(r), &next);
        if (!f) return malformed(r, "unknown field");
        TRY(read_field(r, node, f));
    }
    if (tag == T_Const && !((Const *)node)->constisnull && !((Const *)node)->constbyval && !((Const *)node)->constvalue)
        return malformed(r, "value missing");
    return ST_OK;
}

static Status read_list(Reader *r, Node **out)
{
    List *list = node_new_(r->arena, T_List, sizeof(List));
    TRY_MEM(list, r->err);
    *out = (Node *)list;
    while (!accept(r, ')')) {
        Node *item;
        TRY(read_node(r, &item));
        TRY_APPEND(list, r->arena, item, r->err);
    }
    return ST_OK;
}

static Status read_node(Reader *r, Node **out)
{
    TRY(stack_check(r->err));
    *out = NULL;
    if (accept(r, '{')) return read_struct(r, out);
    if (accept(r, '(')) return read_list(r, out);
    if (accept(r, '<') && accept(r, '>')) return ST_OK;
    return malformed(r, "node expected");
}

Status node_read(Slice text, Arena *arena, Node **out, Error *err)
{
    Reader r = {(const char *)text.data, (const char *)text.data + text.len, arena, err};
    TRY(read_node(&r, out));
    skip_blanks(&r);
    return r.p == r.end ? ST_OK : malformed(&r, "trailing text");
}
