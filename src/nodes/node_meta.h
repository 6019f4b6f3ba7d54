/* What the .def files say of each node, as data: copy, equal, dump, read, walk and mutate are loops over it. Internal to src/nodes. */
#ifndef HELIOS_NODES_NODE_META_H
#define HELIOS_NODES_NODE_META_H

#include "nodes/nodes.h"

typedef enum FieldKind { FK_SCALAR, FK_REAL, FK_STR, FK_NODE, FK_INTS, FK_SET, FK_DATUM, FK_SKIP } FieldKind;

typedef struct FieldMeta {
    uint8_t kind;       /* FieldKind */
    uint8_t size;
    bool is_signed, is_bool;
    uint16_t offset;
    const char *name, *ctype; /* ctype as written: "List *" */
} FieldMeta;

typedef struct NodeMeta {
    const char *name;
    size_t size;
    int nfields;
    const FieldMeta *fields;
} NodeMeta;

const NodeMeta *node_meta(NodeTag tag);               /* NULL: T_Invalid, T_List, out of range */
NodeTag node_tag_by_name(const char *name, size_t len); /* T_Invalid: none */

static inline void *field_at(const void *node, const FieldMeta *f) { return (char *)(uintptr_t)node + f->offset; }
static inline void *field_ptr(const void *node, const FieldMeta *f) { return *(void **)field_at(node, f); }
int64_t field_scalar(const void *node, const FieldMeta *f);
void field_set_scalar(void *node, const FieldMeta *f, int64_t v);

#endif
