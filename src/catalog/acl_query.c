/* May the current user run this query? PostgreSQL's rules: the relation's privilege, or for SELECT, INSERT and UPDATE that of each column
 * used; what a view reads is checked as the view's owner. */
#include "catalog/acl.h"
#include "common/thread.h"

typedef struct QueryCheck { SessionEnv *env; Oid user; Error *err; Status status; } QueryCheck;

static Status check_query(QueryCheck *c, Query *q, Oid user);

enum { COLUMN_SHIFT = 8 }; /* column sets hold attnum + 8 */

static bool all_columns(SessionEnv *env, const Relation *rel, Oid user, uint32_t want)
{
    for (int i = 1; i <= rel->desc->natts; i++)
        if (!rel->desc->atts[i - 1].dropped && acl_column(env, rel->oid, i, user, want) != want) return false;
    return true;
}

static bool any_column(SessionEnv *env, const Relation *rel, Oid user, uint32_t want)
{
    for (int i = 1; i <= rel->desc->natts; i++)
        if (!rel->desc->atts[i - 1].dropped && acl_column(env, rel->oid, i, user, want) == want) return true;
    return false;
}

static bool columns_allowed(SessionEnv *env, const Relation *rel, Oid user, uint32_t want, const Bitset *columns)
{
    if (bitset_is_empty(columns)) return any_column(env, rel, user, want); /* SELECT count(*), INSERT DEFAULT VALUES */
    for (int m = bitset_next(columns, -1); m >= 0; m = bitset_next(columns, m)) {
        int attnum = m - COLUMN_SHIFT;
        if (attnum == 0 ? !all_columns(env, rel, user, want) : acl_column(env, rel->oid, attnum, user, want) != want) return false;
    }
    return true;
}

static Status check_entry(QueryCheck *c, const RangeTblEntry *rte, Oid user)
{
    const Relation *rel;
    uint32_t want = (uint32_t)rte->requiredPerms;
    Oid who = rte->checkAsUser ? rte->checkAsUser : user;
    if (!want || role_is_superuser(c->env, who)) return ST_OK;
    TRY(relation_open(c->env, rte->relid, LOCK_NONE, &rel, c->err));
    uint32_t lacking = want & ~acl_relation(c->env, rte->relid, who, want);
    bool ok = !(lacking & ~(uint32_t)(ACL_SELECT | ACL_INSERT | ACL_UPDATE));
    if (ok && (lacking & ACL_SELECT)) ok = columns_allowed(c->env, rel, who, ACL_SELECT, rte->selectedCols);
    if (ok && (lacking & ACL_INSERT)) ok = columns_allowed(c->env, rel, who, ACL_INSERT, rte->insertedCols);
    if (ok && (lacking & ACL_UPDATE)) ok = columns_allowed(c->env, rel, who, ACL_UPDATE, rte->updatedCols);
    if (ok) return ST_OK;
    return acl_denied(c->env, RELATION_pg_class, rte->relid, c->err);
}

static bool check_node(Node *node, void *arg)
{
    QueryCheck *c = arg;
    if (!node || failed(c->status)) return failed(c->status);
    if (nodeTag(node) == T_Query) {
        c->status = check_query(c, (Query *)node, c->user);
        return failed(c->status);
    }
    return node_walk(node, check_node, arg);
}

static Status check_query(QueryCheck *c, Query *q, Oid user)
{
    TRY(stack_check(c->err));
    LIST_EACH(const RangeTblEntry *, rte, q->rtable) {
        if (rte->rtekind != RTE_RELATION && !rte->from_view) continue;
        TRY(check_entry(c, rte, user));
        const Relation *rel;
        if (rte->rtekind != RTE_RELATION || rte->relkind != RELKIND_VIEW || rte->relid < FIRST_NORMAL_OID) continue; /* system views see all */
        TRY(relation_open(c->env, rte->relid, LOCK_NONE, &rel, c->err));
        if (rel->view) TRY(check_query(c, rel->view, rel->owner));
    }
    Oid saved = c->user;
    c->user = user;
    query_walk(q, check_node, c);
    c->user = saved;
    return c->status;
}

STATUS acl_check_query(SessionEnv *env, const Query *query, Error *err)
{
    QueryCheck c = {.env = env, .user = env->current_user, .err = err};
    if (env->is_superuser || query->commandType == CMD_UTILITY) return ST_OK;
    return check_query(&c, (Query *)query, env->current_user);
}
