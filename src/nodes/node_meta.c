/* The node table, made from the rows of the .def files. */
#include "nodes/node_meta.h"

#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>

#pragma GCC diagnostic ignored "-Wtype-limits"
#ifndef __clang__
#pragma GCC diagnostic ignored "-Wbool-compare"
#endif

#define SIGN_SCALAR(ctype) ((ctype)-1 < (ctype)1)
#define SIGN_REAL(ctype) 0
#define SIGN_STR(ctype) 0
#define SIGN_NODE(ctype) 0
#define SIGN_INTS(ctype) 0
#define SIGN_SET(ctype) 0
#define SIGN_DATUM(ctype) 0
#define SIGN_SKIP(ctype) 0
#define IS_BOOL(ctype) _Generic((ctype *)0, bool *: 1, default: 0)

#define NODE_BEGIN(T)                          \
    static const NodeMeta *meta_##T(void)      \
    {                                          \
        typedef T Self UNUSED;                 \
        static const FieldMeta fields[] = {
#define FIELD(kind, ctype, name) {FK_##kind, sizeof(ctype), SIGN_##kind(ctype), IS_BOOL(ctype), offsetof(Self, name), #name, #ctype},
#define NODE_END(T)                                                                              \
            {0}};                                                                                \
        static const NodeMeta meta = {#T, sizeof(T), sizeof fields / sizeof *fields - 1, fields}; \
        return &meta;                                                                            \
    }
#include "nodes/all_nodes.def"
#undef NODE_BEGIN
#undef FIELD
#undef NODE_END

static const NodeMeta *(*const metas[])(void) = {
#define NODE_BEGIN(T) [T_##T] = meta_##T,
#define FIELD(kind, ctype, name)
#define NODE_END(T)
#include "nodes/all_nodes.def"
#undef NODE_BEGIN
#undef FIELD
#undef NODE_END
};

const NodeMeta *node_meta(NodeTag tag)
{
    return (unsigned)tag < T_COUNT && metas[tag] ? metas[tag]() : NULL;
}

const char *node_tag_name(NodeTag tag)
{
    const NodeMeta *m = node_meta(tag);
    return m ? m->name : tag == T_List ? "List" : "Invalid";
}

static uint16_t by_name[T_COUNT];
static int by_name_len;
static pthread_once_t by_name_once = PTHREAD_ONCE_INIT;

static int name_order(const void *a, const void *b)
{
    return strcmp(node_tag_name(*(const uint16_t *)a), node_tag_name(*(const uint16_t *)b));
}

static void sort_names(void)
{
    for (int t = 0; t < T_COUNT; t++)
        if (metas[t]) by_name[by_name_len++] = (uint16_t)t;
    qsort(by_name, (size_t)by_name_len, sizeof *by_name, name_order);
}

NodeTag node_tag_by_name(const char *name, size_t len)
{
    pthread_once(&by_name_once, sort_names);
    for (int lo = 0, hi = by_name_len; lo < hi;) {
        int mid = (lo + hi) / 2;
        const char *at = node_tag_name(by_name[mid]);
        int c = strncmp(name, at, len);
        if (c == 0 && at[len]) c = -1;
        if (c == 0) return by_name[mid];
        if (c < 0) hi = mid;
        else lo = mid + 1;
    }
    return T_Invalid;
}

int64_t field_scalar(const void *node, const FieldMeta *f)
{
    const void *p = field_at(node, f);
    switch (f->size) {
    case 1: return f->is_signed ? *(const int8_t *)p : *(const uint8_t *)p;
    case 2: return f->is_signed ? *(const int16_t *)p : *(const uint16_t *)p;
    case 4: return f->is_signed ? *(const int32_t *)p : (int64_t)*(const uint32_t *)p;
    default: return *(const int64_t *)p;
    }
}

void field_set_scalar(void *node, const FieldMeta *f, int64_t v)
{
    void *p = field_at(node, f);
    switch (f->size) {
    case 1: *(uint8_t *)p = f->is_bool ? v != 0 : (uint8_t)v; break;
    case 2: *(uint16_t *)p = (uint16_t)v; break;
    case 4: *(uint32_t *)p = (uint32_t)v; break;
    default: *(int64_t *)p = v; break;
    }
}
