/* Nodes: the trees that parser, planner, expr, executor, catalog and commands share.
 *
 * Each struct is described once, field by field, in a .def file (expr_nodes.def, query_nodes.def, utility_nodes.def, plan_nodes.def); this
 * header makes the structs from it and node_*.c make copy, equal, dump (text, stored in the catalog) and read from the same rows.
 * Shapes and names are PostgreSQL's where it has them, so its documentation and source are a guide to what a field means.
 *
 * All nodes live in an arena; trees are read-only once built, except by the phase that builds them. Lists are NULL when empty.
 *
 * Field kinds (the first column of a row):
 *   SCALAR  any integer, enum, bool, Oid up to 64 bits        REAL  double
 *   STR     char * (NULL allowed)                             NODE  pointer to a node or list (NULL allowed)
 *   INTS    IntArray (attribute numbers, OIDs, sort refs)     SET   Bitset * (relation ids)
 *   DATUM   a Const's value (by the type named in its fields)  SKIP  not copied deep, compared, dumped: caches, opaque pointers */
#ifndef HELIOS_NODES_NODES_H
#define HELIOS_NODES_NODES_H

#include "common/bitset.h"
#include "common/list.h"
#include "types/type.h"

typedef enum NodeTag {
    T_Invalid = 0,
    T_List,
#define NODE_BEGIN(T) T_##T,
#define FIELD(kind, ctype, name)
#define NODE_END(T)
#include "nodes/all_nodes.def"
#undef NODE_BEGIN
#undef FIELD
#undef NODE_END
    T_COUNT
} NodeTag;

typedef struct Node { NodeTag tag; } Node;
typedef Node Expr; /* any expression node */

/* A list of nodes. Strings in a list are String nodes; numbers go into IntArray fields instead. */
typedef struct List { NodeTag tag; int len, cap; void **items; } List;

typedef struct IntArray { int n; int64_t *v; } IntArray;

#include "nodes/node_enums.h"

#define NODE_BEGIN(T) typedef struct T T;
#define FIELD(kind, ctype, name)
#define NODE_END(T)
#include "nodes/all_nodes.def"
#undef NODE_BEGIN
#undef FIELD
#undef NODE_END

#define NODE_BEGIN(T) struct T { NodeTag tag;
#define FIELD(kind, ctype, name) ctype name;
#define NODE_END(T) };
#include "nodes/all_nodes.def"
#undef NODE_BEGIN
#undef FIELD
#undef NODE_END

#define nodeTag(n) (((const Node *)(n))->tag)
#define IsA(n, T) ((n) != NULL && nodeTag(n) == T_##T)

/* New zeroed node of type T in arena; raises 53200 and returns from the calling STATUS function. */
#define TRY_NODE(ptr, T, arena, err)                                     \
    do {                                                                 \
        (ptr) = arena_zalloc((arena), sizeof(T));                        \
        if (unlikely(!(ptr))) return error_out_of_memory((err), sizeof(T)); \
        (ptr)->tag = T_##T;                                              \
    } while (0)
/* Same as an expression; NULL when out of memory. */
void *node_new_(Arena *arena, NodeTag tag, size_t bytes);
#define node_new(T, arena) ((T *)node_new_((arena), T_##T, sizeof(T)))

/* Lists. list_append(NULL, ...) makes one; the result must be stored. NULL result: out of memory. */
List *list_append(List *list, Arena *arena, void *item);
List *list_prepend(List *list, Arena *arena, void *item);
List *list_concat(List *a, const List *b, Arena *arena);
List *list_copy(const List *list, Arena *arena); /* shallow */
static inline int list_len(const List *l) { return l ? l->len : 0; }
static inline void *list_at(const List *l, int i) { return l->items[i]; }
static inline void *list_last(const List *l) { return l->items[l->len - 1]; }
static inline void *list_first(const List *l) { return l->items[0]; }
#define TRY_APPEND(list, arena, item, err)                                \
    do {                                                                  \
        List *try_l_ = list_append((list), (arena), (item));              \
        if (unlikely(!try_l_)) return error_out_of_memory((err), sizeof(void *)); \
        (list) = try_l_;                                                  \
    } while (0)
/* for each item: LIST_EACH(RangeTblEntry *, rte, query->rtable) { ... } */
#define LIST_EACH(T, var, list)                                                                                  \
    for (List *var##_list = (List *)(list), **var##_once_p = &var##_list; var##_once_p; var##_once_p = NULL)      \
        for (int var##_i = 0, var##_once = 1; var##_i < list_len(var##_list); var##_i++, var##_once = 1)          \
            for (T var = (T)var##_list->items[var##_i]; var##_once; var##_once = 0)

/* Capacity is implied by n, so push only onto arrays that push (or node_copy) made. */
bool intarray_push(IntArray *a, Arena *arena, int64_t v);
bool intarray_has(const IntArray *a, int64_t v);

/* Deep copy; NULL: out of memory. Pass-by-reference Const values are copied too. */
void *node_copy(const void *node, Arena *arena);
/* Structural equality; source locations are ignored. */
bool node_equal(const void *a, const void *b);
/* Text form for the catalog and for debugging: {Var :varno 1 :varattno 2 ...}; and back. XX000 on malformed text; 54001 on depth. */
STATUS node_dump(const void *node, StrBuf *out, Error *err);
STATUS node_read(Slice text, Arena *arena, Node **out, Error *err);
const char *node_tag_name(NodeTag tag);

/* Generic walkers over every NODE field, children of lists included. The callback decides about descending: for a walker, true stops
 * the walk (and is the result); call node_walk from inside the callback to go on into a node's children. Query nodes are entered only
 * if the callback itself calls query_walk. Depth is bounded: err 54001. */
typedef bool (*NodeWalker)(Node *node, void *arg);
bool node_walk(Node *node, NodeWalker fn, void *arg);              /* applies fn to each child */
bool query_walk(Query *query, NodeWalker fn, void *arg);    /* to every expression and subquery of a Query, not the RTE structs */
/* Mutator: returns a node whose children were replaced by fn(child); copies what changes, shares the rest. NULL for a node that is not NULL:
 * out of memory (or fn gave NULL for a child). A Query comes back as it is; query_mutate enters it (every NODE field, so fn also gets the
 * RangeTblEntries, SortGroupClauses ...: pass those to node_mutate). */
typedef Node *(*NodeMutator)(Node *node, void *arg);
Node *node_mutate(Node *node, NodeMutator fn, void *arg, Arena *arena);
Query *query_mutate(Query *query, NodeMutator fn, void *arg, Arena *arena);

/* Facts of expressions. */
Oid expr_type(const Node *expr);
int32_t expr_typmod(const Node *expr);
Oid expr_collation(const Node *expr);
int expr_location(const Node *expr); /* byte offset in the source, -1 unknown */
Const *make_const(Arena *arena, const TypeInfo *type, int32_t typmod, Datum value, bool isnull);
Var *make_var(Arena *arena, int varno, int attno, Oid type, int32_t typmod, Oid collation, int levelsup);
TargetEntry *make_target_entry(Arena *arena, Expr *expr, int resno, const char *name, bool resjunk);
/* AND of two quals, flattening; either may be NULL. NULL result with both set: out of memory. */
Node *make_and(Arena *arena, Node *a, Node *b);
List *make_and_list(Arena *arena, Node *qual); /* implicit-AND list; NULL qual -> NULL */

#endif
