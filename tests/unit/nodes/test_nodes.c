/* Random trees of every node type through copy, equal, dump, read, walk and mutate. */
#include <criterion/criterion.h>

#include "common/thread.h"
#include "nodes/node_meta.h"

static uint64_t seed = 1;
static uint32_t rnd(uint32_t n) { seed = seed * 6364136223846793005ull + 1442695040888963407ull; return (uint32_t)(seed >> 33) % n; }

static Node *random_node(Arena *a, NodeTag tag, int depth);

static NodeTag random_tag(void)
{
    for (;;) {
        NodeTag t = (NodeTag)rnd(T_COUNT);
        if (node_meta(t)) return t;
    }
}

static NodeTag tag_for(const char *ctype)
{
    size_t len = strcspn(ctype, " ");
    if (!strncmp(ctype, "Node ", 5) || !strncmp(ctype, "Expr ", 5)) return random_tag();
    if (!strncmp(ctype, "List ", 5)) return T_List;
    NodeTag t = node_tag_by_name(ctype, len);
    cr_assert_neq(t, T_Invalid, "no node for field type %s", ctype);
    return t;
}

static List *random_list(Arena *a, int depth)
{
    List *l = NULL;
    for (int n = (int)rnd(4); n-- > 0;) l = list_append(l, a, rnd(8) ? random_node(a, rnd(6) ? random_tag() : T_List, depth - 1) : NULL);
    return l;
}

static void random_field(Arena *a, void *node, const FieldMeta *f, int depth)
{
    static const char *const words[] = {"", "a", "two words", "quote\"back\\slash", "{:(\xc3\xa9)}"};
    switch ((FieldKind)f->kind) {
    case FK_SCALAR: field_set_scalar(node, f, f->is_bool ? (int64_t)rnd(2) : (int64_t)rnd(100) - (f->is_signed ? 50 : 0)); break;
    case FK_REAL: *(double *)field_at(node, f) = rnd(1000) / 7.0; break;
    case FK_STR: *(char **)field_at(node, f) = rnd(3) ? arena_strdup(a, words[rnd(5)]) : NULL; break;
    case FK_NODE:
        if (depth <= 0) break;
        *(Node **)field_at(node, f) = rnd(2) ? random_node(a, tag_for(f->ctype), depth - 1) : NULL;
        break;
    case FK_INTS:
        for (int n = (int)rnd(12); n-- > 0;) intarray_push(field_at(node, f), a, (int64_t)rnd(1000) - 500);
        break;
    case FK_SET:
        for (int n = (int)rnd(5); n-- > 0;) *(Bitset **)field_at(node, f) = bitset_add(field_ptr(node, f), a, (int)rnd(200));
        break;
    case FK_DATUM: {
        Const *c = node;
        if (c->constisnull) break;
        c->constlen = rnd(2) ? -1 : 16;
        if (c->constbyval) c->constvalue = (Datum)rnd(1 << 20) * 123456789ull;
        else c->constvalue = c->constlen < 0 ? varlena_new(a, "some bytes, longer or shorter", rnd(29), NULL)
                                             : datum_ptr(arena_strdup(a, "0123456789abcdef"));
        break;
    }
    case FK_SKIP: break;
    }
}

static Node *random_node(Arena *a, NodeTag tag, int depth)
{
    if (tag == T_List) return (Node *)random_list(a, depth);
    const NodeMeta *m = node_meta(tag);
    Node *n = node_new_(a, tag, m->size);
    for (int i = 0; i < m->nfields; i++) random_field(a, n, &m->fields[i], depth);
    return n;
}

static Node *round_trip(Arena *a, const Node *n)
{
    StrBuf sb;
    Error err = ERROR_INIT;
    Node *back = NULL;
    strbuf_init(&sb, a);
    cr_assert_eq(node_dump(n, &sb, &err), ST_OK);
    cr_assert_eq(node_read(strbuf_slice(&sb), a, &back, &err), ST_OK, "%s in %s", err.message, sb.data);
    return back;
}

Test(nodes, every_type_round_trips)
{
    Arena a;
    arena_init(&a, NULL, 0);
    for (int round = 0; round < 6; round++)
        for (int t = 0; t < T_COUNT; t++) {
            if (!node_meta(t)) continue;
            ArenaMark mark = arena_mark(&a);
            Node *n = random_node(&a, t, 4), *copy = node_copy(n, &a), *back = round_trip(&a, n);
            cr_assert(copy && copy != n);
            cr_assert(node_equal(n, copy), "copy of %s differs", node_tag_name(t));
            cr_assert(node_equal(n, back), "dump of %s differs", node_tag_name(t));
            arena_release(&a, mark);
        }
    arena_destroy(&a);
}

Test(nodes, a_changed_field_makes_them_differ)
{
    Arena a;
    arena_init(&a, NULL, 0);
    for (int t = 0; t < T_COUNT; t++) {
        const NodeMeta *m = node_meta(t);
        for (int i = 0; m && i < m->nfields; i++) {
            if (m->fields[i].kind != FK_SCALAR || t == T_Const) continue; /* a Const of zeroes would have a value that is nowhere */
            Node *n = node_new_(&a, t, m->size), *copy = node_copy(n, &a);
            field_set_scalar(copy, &m->fields[i], 1);
            cr_assert(!node_equal(n, copy), "%s.%s is not compared", m->name, m->fields[i].name);
        }
    }
    arena_destroy(&a);
}

Test(nodes, malformed_text_is_an_error)
{
    static const char *const bad[] = {"", "{", "{Var", "{Nonsense}", "{Var :varno}", "{Var :varno 1x}", "{Var :nofield 1}", "(", "({Var}", "{Var}}",
        "{Const :constlen 16 :constvalue #00}", "{Const}", "{Query :jointree {Var}}", "{String :sval \"abc}", "{Const :constlen -1 :constvalue #0"};
    Arena a;
    arena_init(&a, NULL, 0);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        Error err = ERROR_INIT;
        Node *n;
        cr_assert_eq(node_read(slice_cstr(bad[i]), &a, &n, &err), ST_FAILED, "%s was accepted", bad[i]);
        error_clear(&err);
    }
    arena_destroy(&a);
}

Test(nodes, deep_text_is_54001)
{
    Arena a;
    StrBuf sb;
    Error err = ERROR_INIT;
    Node *n;
    arena_init(&a, NULL, 0);
    strbuf_init(&sb, &a);
    strbuf_fill(&sb, '(', 3000000);
    cr_assert_eq(node_read(strbuf_slice(&sb), &a, &n, &err), ST_FAILED);
    cr_assert_eq((int)err.code, ERR_STATEMENT_TOO_COMPLEX);
    error_clear(&err);
    arena_destroy(&a);
}

static bool count_vars(Node *n, void *arg)
{
    if (IsA(n, Var)) ++*(int *)arg;
    return node_walk(n, count_vars, arg);
}

typedef struct Shift { Arena *arena; int by; } Shift;
static Node *shift_vars(Node *n, void *arg)
{
    Shift *s = arg;
    if (!IsA(n, Var)) return node_mutate(n, shift_vars, arg, s->arena);
    Var *v = node_copy(n, s->arena);
    v->varno += s->by;
    return (Node *)v;
}

Test(nodes, walk_and_mutate)
{
    Arena a;
    arena_init(&a, NULL, 0);
    OpExpr *op = node_new(OpExpr, &a);
    Node *k = (Node *)node_new(BoolExpr, &a);
    op->args = list_append(list_append(NULL, &a, make_var(&a, 1, 1, TYPE_int4, -1, 0, 0)), &a, make_var(&a, 2, 1, TYPE_int4, -1, 0, 0));
    BoolExpr *b = (BoolExpr *)make_and(&a, (Node *)op, k);
    cr_assert_eq(list_len(b->args), 1); /* the empty AND is flattened away */
    int vars = 0;
    cr_assert(!count_vars((Node *)b, &vars));
    cr_assert_eq(vars, 2);
    Shift s = {&a, 5};
    BoolExpr *m = (BoolExpr *)shift_vars((Node *)b, &s);
    cr_assert_neq(m, b);
    OpExpr *op2 = list_first(m->args);
    cr_assert_eq(((Var *)list_at(op2->args, 1))->varno, 7);
    cr_assert_eq(((Var *)list_at(op->args, 1))->varno, 2);
    cr_assert_eq(node_mutate(k, shift_vars, &s, &a), k);
    cr_assert_eq(expr_type((Node *)op2), INVALID_OID);
    cr_assert_eq(expr_type((Node *)m), TYPE_bool);
    arena_destroy(&a);
}

Test(nodes, lists)
{
    Arena a;
    arena_init(&a, NULL, 0);
    List *l = NULL;
    for (intptr_t i = 0; i < 100; i++) l = list_append(l, &a, (void *)i);
    l = list_prepend(l, &a, (void *)-1);
    cr_assert_eq(list_len(l), 101);
    cr_assert_eq((intptr_t)list_first(l), -1);
    cr_assert_eq((intptr_t)list_last(l), 99);
    cr_assert_eq(list_len(list_concat(list_copy(l, &a), l, &a)), 202);
    cr_assert_eq(list_len(l), 101);
    arena_destroy(&a);
}
