/* What the files of utility statements share: one function per row of utility_table.def, and the parts that statements have in common. */
#ifndef HELIOS_PARSER_UTILITY_INTERNAL_H
#define HELIOS_PARSER_UTILITY_INTERNAL_H

#include "parser/parse_state.h"

#define UTILITY(node, name) STATUS util_##name(ParseState *ps, const PbNode *stmt, Node **out);
#include "parser/utility_table.def"
#undef UTILITY

/* A new node of type T as *out, and `var` to fill it. */
#define UTIL_NEW(var, T, ps, out) \
    T *var;                       \
    PS_NEW(var, T, ps);           \
    *(out) = (Node *)(var)

STATUS util_string(ParseState *ps, const char *s, String **out);
STATUS util_raw(ParseState *ps, const void *pb, int location, Node **out); /* RawExpr of any part of the raw tree; NULL in, NULL out */
STATUS util_nodes(ParseState *ps, PbNode **items, size_t n, List **out); /* ps_object of each */
STATUS util_query(ParseState *ps, const PbNode *stmt, Query **out);      /* analysed in this scope */

#endif
