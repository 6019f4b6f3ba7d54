/* INSERT, UPDATE, DELETE on top of the plan that finds or makes the rows; and the junk columns they and FOR UPDATE need. */
#include "planner/planner_internal.h"

static Status add_rowid(PlannerInfo *root, int rti, Error *err)
{
    Query *q = root->parse;
    Var *v = make_var(root->arena, rti, ATTNUM_ROWID, TYPE_bytea, -1, 0, 0);
    TRY_MEM(v, err);
    TargetEntry *te = make_target_entry(root->arena, (Expr *)v, list_len(q->targetList) + 1, "rowid", true);
    TRY_MEM(te, err);
    TRY_APPEND(q->targetList, root->arena, te, err);
    return ST_OK;
}

Status add_row_marks(PlannerInfo *root, Error *err)
{
    LIST_EACH(RowMarkClause *, rm, root->parse->rowMarks) {
        RangeTblEntry *rte = list_at(root->parse->rtable, rm->rti - 1);
        if (rte->rtekind == RTE_RELATION && rm->rti != root->parse->resultRelation) TRY(add_rowid(root, rm->rti, err));
    }
    return ST_OK;
}

static Status null_column(PlannerInfo *root, const Attribute *att, Expr **out, Error *err)
{
    const TypeInfo *type = att->dropped ? type_builtin(TYPE_int4) : catalog_type(root->env, att->type);
    if (!type) return error_set(err, ERR_INTERNAL_ERROR, "cache lookup failed for type %u", att->type);
    *out = (Expr *)make_const(root->arena, type, att->dropped ? -1 : att->typmod, 0, true);
    TRY_MEM(*out, err);
    return ST_OK;
}

/* INSERT: one entry for every column, in order; what nobody gave is null. */
static Status expand_insert(PlannerInfo *root, const Relation *rel, Error *err)
{
    List *full = NULL;
    for (int i = 0; i < rel->desc->natts; i++) {
        const Attribute *att = &rel->desc->atts[i];
        Expr *expr = NULL;
        LIST_EACH(TargetEntry *, te, root->parse->targetList)
            if (te->resno == i + 1 && !te->resjunk) expr = te->expr;
        if (!expr) TRY(null_column(root, att, &expr, err));
        TargetEntry *te = make_target_entry(root->arena, expr, i + 1, (char *)att->name, false);
        TRY_MEM(te, err);
        TRY_APPEND(full, root->arena, te, err);
    }
    root->parse->targetList = full;
    return ST_OK;
}

Status expand_modify_tlist(PlannerInfo *root, Error *err)
{
    Query *q = root->parse;
    const Relation *rel;
    if (!q->resultRelation) return ST_OK;
    RangeTblEntry *rte = list_at(q->rtable, q->resultRelation - 1);
    TRY(relation_open(root->env, rte->relid, LOCK_NONE, &rel, err));
    rte->relversion = rel->version;
    TRY(depend_on_relation(root->glob, rte, err));
    if (q->commandType == CMD_INSERT) return expand_insert(root, rel, err);
    return add_rowid(root, q->resultRelation, err);
}

/* Columns of other relations that RETURNING names travel with the row. */
Status add_returning_columns(PlannerInfo *root, Error *err)
{
    Query *q = root->parse;
    if (!q->resultRelation || q->commandType == CMD_INSERT) return ST_OK;
    LIST_EACH(Node *, leaf, pull_vars_and_aggs((Node *)q->returningList, NULL, false, false, root->arena)) {
        if (((Var *)leaf)->varno == q->resultRelation || tlist_find(q->targetList, leaf)) continue;
        TargetEntry *te = make_target_entry(root->arena, leaf, list_len(q->targetList) + 1, NULL, true);
        TRY_MEM(te, err);
        TRY_APPEND(q->targetList, root->arena, te, err);
    }
    return ST_OK;
}

/* ---- ON CONFLICT's arbiter ---- */

static bool index_matches(PlannerInfo *root, const IndexInfo *ix, List *elems, int rti)
{
    int matched = 0;
    Error ignored = ERROR_INIT;
    if (!ix->unique || !ix->immediate || !ix->valid || ix->nkeyatts != list_len(elems)) return false;
    for (int i = 0, nth = 0; i < ix->nkeyatts; i++) {
        Node *expr = ix->attnums[i] ? NULL : node_copy(ix->exprs[nth++], root->arena);
        bool found = false;
        if (expr && failed(offset_vars(expr, rti - 1, 0, &ignored))) error_clear(&ignored);
        LIST_EACH(Node *, e, elems) {
            Node *plain = strip_relabel(e);
            found = found || (expr ? node_equal(expr, e) : IsA(plain, Var) && ((Var *)plain)->varattno == ix->attnums[i]);
        }
        matched += found;
    }
    return matched == ix->nkeyatts;
}

static bool predicate_matches(PlannerInfo *root, const IndexInfo *ix, Node *where, int rti)
{
    Error ignored = ERROR_INIT;
    if (!ix->predicate) return true;
    if (!where) return false;
    Node *pred = node_copy(ix->predicate, root->arena);
    bool all = pred && !failed(offset_vars(pred, rti - 1, 0, &ignored));
    error_clear(&ignored);
    List *have = make_and_list(root->arena, where);
    LIST_EACH(Node *, need, all ? make_and_list(root->arena, pred) : NULL) {
        bool found = false;
        LIST_EACH(Node *, h, have) found = found || node_equal(h, need);
        all = all && found;
    }
    return all;
}

static Status infer_arbiters(PlannerInfo *root, const Relation *rel, OnConflictExpr *oc, IntArray *out, Error *err)
{
    if (oc->constraint) {
        for (int i = 0; i < rel->nconstraints; i++)
            if (rel->constraints[i].oid == oc->constraint && !intarray_push(out, root->arena, rel->constraints[i].index)) return error_out_of_memory(err, 8);
        return ST_OK;
    }
    if (!oc->arbiterElems) return ST_OK; /* DO NOTHING on any of them */
    for (int i = 0; i < rel->nindexes; i++)
        if (index_matches(root, &rel->indexes[i], oc->arbiterElems, root->parse->resultRelation) &&
            predicate_matches(root, &rel->indexes[i], oc->arbiterWhere, root->parse->resultRelation) && !intarray_push(out, root->arena, rel->indexes[i].oid))
            return error_out_of_memory(err, 8);
    if (!out->n)
        return error_set(err, ERR_INVALID_COLUMN_REFERENCE, "there is no unique or exclusion constraint matching the ON CONFLICT specification");
    return ST_OK;
}

static Status plan_on_conflict(PlannerInfo *root, const Relation *rel, ModifyTable *mt, Error *err)
{
    OnConflictExpr *oc = root->parse->onConflict;
    if (!oc || oc->action == ONCONFLICT_NONE) return ST_OK;
    mt->onConflictAction = oc->action;
    TRY(infer_arbiters(root, rel, oc, &mt->arbiterIndexes, err));
    mt->onConflictSet = oc->onConflictSet;
    mt->onConflictWhere = oc->onConflictWhere;
    mt->exclRelRTI = oc->exclRelIndex;
    LIST_EACH(TargetEntry *, te, oc->onConflictSet)
        if (!intarray_push(&mt->onConflictCols, root->arena, te->resno)) return error_out_of_memory(err, 8);
    return ST_OK;
}

static void collect_quals(PlannerInfo *root, Node *tree, List **out)
{
    if (IsA(tree, FromExpr)) {
        LIST_EACH(Node *, item, ((FromExpr *)tree)->fromlist) collect_quals(root, item, out);
        *out = list_concat(*out, (List *)((FromExpr *)tree)->quals, root->arena);
    } else if (IsA(tree, JoinExpr)) {
        collect_quals(root, ((JoinExpr *)tree)->larg, out);
        collect_quals(root, ((JoinExpr *)tree)->rarg, out);
        if (((JoinExpr *)tree)->jointype == JOIN_INNER) *out = list_concat(*out, (List *)((JoinExpr *)tree)->quals, root->arena);
    }
}

/* Clauses that name the target relation only: they can be checked again on a newer version of the row alone. */
static Status epq_quals(PlannerInfo *root, ModifyTable *mt, Error *err)
{
    List *all = NULL;
    Bitset *target = bitset_add(NULL, root->arena, root->parse->resultRelation);
    collect_quals(root, (Node *)root->parse->jointree, &all);
    LIST_EACH(Node *, q, all) {
        Bitset *names = pull_varnos(q, 0, root->arena);
        if (bitset_has(names, root->parse->resultRelation)) {
            Node *copy = node_copy(q, root->arena);
            TRY_MEM(copy, err);
            if (bitset_is_subset(names, target)) TRY_APPEND(mt->epqQuals, root->arena, copy, err);
        }
    }
    return ST_OK;
}

static Status update_columns(PlannerInfo *root, Plan *input, ModifyTable *mt, Error *err)
{
    LIST_EACH(TargetEntry *, te, root->parse->targetList)
        if (!te->resjunk && !intarray_push(&mt->updateColnos, root->arena, te->resno)) return error_out_of_memory(err, 8);
    return ST_OK;
}

static Status find_rowid(PlannerInfo *root, Plan *input, ModifyTable *mt, Error *err)
{
    int position = 0;
    LIST_EACH(TargetEntry *, te, input->targetlist) {
        position++;
        Var *v = (Var *)te->expr;
        if (IsA(te->expr, Var) && v->varno == mt->resultRelation && v->varattno == ATTNUM_ROWID) mt->rowid_resno = position;
    }
    return mt->rowid_resno ? ST_OK : error_set(err, ERR_INTERNAL_ERROR, "row identity column not found");
}

Status plan_modify(PlannerInfo *root, Plan *input, Plan **out, Error *err)
{
    Query *q = root->parse;
    RangeTblEntry *rte = list_at(q->rtable, q->resultRelation - 1);
    const Relation *rel;
    ModifyTable *mt = make_plan(ModifyTable, root);
    TRY_MEM(mt, err);
    TRY(relation_open(root->env, rte->relid, LOCK_NONE, &rel, err));
    mt->operation = q->commandType;
    mt->canSetTag = q->canSetTag;
    mt->resultRelation = q->resultRelation;
    mt->lefttree = (Node *)input;
    mt->returningList = q->returningList;
    if (q->commandType == CMD_UPDATE) TRY(update_columns(root, input, mt, err));
    if (q->commandType != CMD_INSERT) {
        TRY(find_rowid(root, input, mt, err));
        TRY(epq_quals(root, mt, err));
    }
    /* Positions in the child's list count now, not attribute numbers. */
    int n = 0;
    LIST_EACH(TargetEntry *, te, input->targetlist) te->resno = ++n;
    TRY(plan_on_conflict(root, rel, mt, err));
    copy_plan_costs((Plan *)mt, input);
    mt->total_cost += input->plan_rows * 0.05;
    if (!q->returningList) mt->plan_rows = 0;
    mt->targetlist = q->returningList;
    *out = (Plan *)mt;
    return ST_OK;
}
