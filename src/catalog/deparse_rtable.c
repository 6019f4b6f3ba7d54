/* Expressions over a whole range table, as EXPLAIN shows them. */
#include "catalog/deparse_internal.h"

Status deparse_expr_rtable(SessionEnv *env, const Node *expr, const List *rtable, bool prefix, Arena *arena, const char **out, Error *err)
{
    StrBuf buf;
    Query query = {.tag = T_Query, .rtable = (List *)rtable};
    const char **names;
    int i = 0;
    TRY_NEW_N(names, arena, list_len(rtable) + 1, err);
    LIST_EACH(RangeTblEntry *, rte, rtable) names[i++] = rte->eref ? rte->eref->aliasname : NULL;
    NameLevel level = {.query = &query, .rte_names = names};
    strbuf_init(&buf, arena);
    Deparser d = {.env = env, .arena = arena, .buf = &buf, .level = &level, .var_prefix = prefix, .status = ST_OK, .err = err};
    put_expr(&d, expr, true);
    TRY(d.status);
    TRY(strbuf_check(&buf, err));
    *out = strbuf_cstr(&buf);
    return ST_OK;
}
