/* Walkers and mutators. Lists are transparent: the callback sees their items. A tree too deep for the stack stops a walk as if the callback
 * had returned true, and makes a mutator give up with NULL; analysis refuses such trees (54001) long before. */
#include "common/thread.h"
#include "nodes/node_meta.h"

static bool walk_child(Node *child, NodeWalker fn, void *arg)
{
    if (!child) return false;
    if (child->tag != T_List) return fn(child, arg);
    LIST_EACH(Node *, item, (List *)child)
        if (walk_child(item, fn, arg)) return true;
    return false;
}

bool node_walk(Node *node, NodeWalker fn, void *arg)
{
    if (!node || node->tag == T_Query) return false;
    if (failed(stack_check(NULL))) return true;
    if (node->tag == T_List) return walk_child(node, fn, arg);
    const NodeMeta *m = node_meta(node->tag);
    for (int i = 0; i < m->nfields; i++)
        if (m->fields[i].kind == FK_NODE && walk_child(field_ptr(node, &m->fields[i]), fn, arg)) return true;
    return false;
}

static bool walk_rte(RangeTblEntry *rte, NodeWalker fn, void *arg)
{
    if (walk_child((Node *)rte->subquery, fn, arg)) return true;
    LIST_EACH(RangeTblFunction *, f, rte->functions)
        if (walk_child(f->funcexpr, fn, arg)) return true;
    return walk_child((Node *)rte->values_lists, fn, arg) || walk_child((Node *)rte->joinaliasvars, fn, arg);
}

bool query_walk(Query *q, NodeWalker fn, void *arg)
{
    if (failed(stack_check(NULL))) return true;
    Node *parts[] = {(Node *)q->targetList, (Node *)q->jointree, (Node *)q->onConflict, (Node *)q->returningList, q->havingQual,
                     q->limitOffset, q->limitCount, q->setOperations};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (walk_child(parts[i], fn, arg)) return true;
    LIST_EACH(WindowClause *, w, q->windowClause)
        if (walk_child(w->startOffset, fn, arg) || walk_child(w->endOffset, fn, arg)) return true;
    LIST_EACH(CommonTableExpr *, cte, q->cteList)
        if (walk_child(cte->ctequery, fn, arg)) return true;
    LIST_EACH(RangeTblEntry *, rte, q->rtable)
        if (walk_rte(rte, fn, arg)) return true;
    return false;
}

static Node *mutate_child(Node *child, NodeMutator fn, void *arg, Arena *arena);

static Node *mutate_list(List *list, NodeMutator fn, void *arg, Arena *arena)
{
    List *out = list;
    for (int i = 0; i < list->len; i++) {
        Node *item = list->items[i], *now = mutate_child(item, fn, arg, arena);
        if (item && !now) return NULL;
        if (now != item && out == list) {
            out = list_copy(list, arena);
            if (!out) return NULL;
        }
        if (out != list) out->items[i] = now;
    }
    return (Node *)out;
}

static Node *mutate_child(Node *child, NodeMutator fn, void *arg, Arena *arena)
{
    if (!child) return NULL;
    return child->tag == T_List ? mutate_list((List *)child, fn, arg, arena) : fn(child, arg);
}

static Node *mutate_fields(Node *node, NodeMutator fn, void *arg, Arena *arena)
{
    if (failed(stack_check(NULL))) return NULL;
    const NodeMeta *m = node_meta(node->tag);
    Node *out = node;
    for (int i = 0; i < m->nfields; i++) {
        const FieldMeta *f = &m->fields[i];
        if (f->kind != FK_NODE) continue;
        Node *child = field_ptr(node, f), *now = mutate_child(child, fn, arg, arena);
        if (child && !now) return NULL;
        if (now == child) continue;
        if (out == node) {
            out = arena_memdup(arena, node, m->size);
            if (!out) return NULL;
        }
        *(Node **)field_at(out, f) = now;
    }
    return out;
}

Node *node_mutate(Node *node, NodeMutator fn, void *arg, Arena *arena)
{
    if (!node || node->tag == T_Query) return node;
    if (node->tag == T_List) return mutate_list((List *)node, fn, arg, arena);
    return mutate_fields(node, fn, arg, arena);
}

Query *query_mutate(Query *query, NodeMutator fn, void *arg, Arena *arena)
{
    return (Query *)mutate_fields((Node *)query, fn, arg, arena);
}
