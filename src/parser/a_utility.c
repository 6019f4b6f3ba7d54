/* Utility statements: raw tree to utility_nodes.def, one function each. */
#include "parser/parse_state.h"
Status transform_utility(ParseState *ps, const PbNode *stmt, Node **out)
{
    return error_set(ps->err, ERR_FEATURE_NOT_SUPPORTED, "statement is not supported");
}
