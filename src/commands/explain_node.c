/* What EXPLAIN shows of each plan node. Column references are followed down to the relation they come from before they are printed. */
#include "commands/explain_internal.h"

#include <stdio.h>

/* ---- names ---- */

typedef struct NodeName { const char *name, *operation; } NodeName;

static const char *join_word(JoinType t)
{
    static const char *const words[] = {[JOIN_INNER] = "", [JOIN_LEFT] = " Left", [JOIN_FULL] = " Full", [JOIN_RIGHT] = " Right",
                                        [JOIN_SEMI] = " Semi", [JOIN_ANTI] = " Anti"};
    return words[t];
}

static const char *node_name(const Plan *p, Arena *arena)
{
    switch (nodeTag(p)) {
    case T_Result: return "Result";
    case T_ProjectSet: return "ProjectSet";
    case T_SeqScan: return "Seq Scan";
    case T_IndexScan: return ((const IndexScan *)p)->direction == SCAN_REVERSE ? "Index Scan Backward" : "Index Scan";
    case T_IndexOnlyScan: return ((const IndexOnlyScan *)p)->direction == SCAN_REVERSE ? "Index Only Scan Backward" : "Index Only Scan";
    case T_VirtualScanPlan: return "Catalog Scan";
    case T_FunctionScan: return "Function Scan";
    case T_ValuesScan: return "Values Scan";
    case T_SubqueryScan: return "Subquery Scan";
    case T_CteScan: return "CTE Scan";
    case T_WorkTableScan: return "WorkTable Scan";
    case T_RecursiveUnion: return "Recursive Union";
    case T_NestLoop: {
        JoinType t = ((const NestLoop *)p)->jointype;
        return t == JOIN_INNER ? "Nested Loop" : arena_printf(arena, "Nested Loop%s Join", join_word(t));
    }
    case T_HashJoin: return arena_printf(arena, "Hash%s Join", join_word(((const HashJoin *)p)->jointype));
    case T_MergeJoin: return arena_printf(arena, "Merge%s Join", join_word(((const MergeJoin *)p)->jointype));
    case T_Hash: return "Hash";
    case T_Material: return "Materialize";
    case T_Memoize: return "Memoize";
    case T_Sort: return "Sort";
    case T_Group: return "Group";
    case T_Agg: {
        const Agg *a = (const Agg *)p;
        return a->aggstrategy == AGG_PLAIN ? "Aggregate" : a->aggstrategy == AGG_SORTED ? "GroupAggregate" : "HashAggregate";
    }
    case T_WindowAgg: return "WindowAgg";
    case T_Unique: return "Unique";
    case T_SetOp: {
        const SetOp *s = (const SetOp *)p;
        return arena_printf(arena, "HashSetOp %s%s", s->op == SETOP_INTERSECT ? "Intersect" : "Except", s->all ? " All" : "");
    }
    case T_Append: return "Append";
    case T_MergeAppend: return "Merge Append";
    case T_Limit: return "Limit";
    case T_LockRows: return "LockRows";
    case T_ModifyTable: {
        static const char *const ops[] = {[CMD_INSERT] = "Insert", [CMD_UPDATE] = "Update", [CMD_DELETE] = "Delete", [CMD_MERGE] = "Merge"};
        return ops[((const ModifyTable *)p)->operation];
    }
    default: return node_tag_name(nodeTag(p));
    }
}

static int scan_relid(const Plan *p)
{
    switch (nodeTag(p)) {
    case T_SeqScan: return ((const SeqScan *)p)->scanrelid;
    case T_IndexScan: return ((const IndexScan *)p)->scanrelid;
    case T_IndexOnlyScan: return ((const IndexOnlyScan *)p)->scanrelid;
    case T_VirtualScanPlan: return ((const VirtualScanPlan *)p)->scanrelid;
    case T_FunctionScan: return ((const FunctionScan *)p)->scanrelid;
    case T_ValuesScan: return ((const ValuesScan *)p)->scanrelid;
    case T_SubqueryScan: return ((const SubqueryScan *)p)->scanrelid;
    case T_CteScan: return ((const CteScan *)p)->scanrelid;
    case T_WorkTableScan: return ((const WorkTableScan *)p)->scanrelid;
    case T_ModifyTable: return ((const ModifyTable *)p)->resultRelation;
    default: return 0;
    }
}

static void put_target(ExplainState *es, const Plan *p, StrBuf *sb)
{
    int relid = scan_relid(p);
    RangeTblEntry *rte = relid > 0 ? list_at(es->plan->rtable, relid - 1) : NULL;
    Oid index = IsA(p, IndexScan) ? ((const IndexScan *)p)->indexid : IsA(p, IndexOnlyScan) ? ((const IndexOnlyScan *)p)->indexid : 0;
    if (index) strbuf_printf(sb, " using %s", quote_identifier(es->arena, relation_name_of(es->env, index, es->arena)));
    if (!rte) return;
    const char *alias = rte->eref ? rte->eref->aliasname : NULL;
    const char *name = rte->relid ? relation_name_of(es->env, rte->relid, es->arena) : rte->rtekind == RTE_CTE ? rte->ctename : NULL;
    if (IsA(p, FunctionScan) && alias) name = alias;
    strbuf_printf(sb, " on %s", quote_identifier(es->arena, name ? name : alias ? alias : "?"));
    if (name && alias && strcmp(name, alias)) strbuf_printf(sb, " %s", quote_identifier(es->arena, alias));
}

/* ---- expressions ---- */

typedef struct ResolveArg { ExplainState *es; const Plan *plan; int depth; } ResolveArg;

static const Plan *child_of(const Plan *p, int varno)
{
    if (IsA(p, Append)) return list_len(((const Append *)p)->appendplans) ? list_first(((const Append *)p)->appendplans) : NULL;
    return (const Plan *)(varno == INNER_VAR ? p->righttree : p->lefttree);
}

static Node *resolve(Node *node, void *varg)
{
    ResolveArg *arg = varg;
    if (!node || arg->depth > 100) return node;
    if (!IsA(node, Var)) return node_mutate(node, resolve, arg, arg->es->arena);
    Var *v = (Var *)node;
    if (v->varno == INDEX_VAR && v->varnosyn > 0) return (Node *)make_var(arg->es->arena, v->varnosyn, v->varattnosyn, v->vartype, v->vartypmod, v->varcollid, 0);
    if (v->varno >= 0) return node;
    const Plan *child = child_of(arg->plan, v->varno);
    if (!child || v->varattno < 1 || v->varattno > list_len(child->targetlist)) return node;
    ResolveArg below = {arg->es, child, arg->depth + 1};
    return resolve(((TargetEntry *)list_at(child->targetlist, v->varattno - 1))->expr, &below);
}

static Status expr_text(ExplainState *es, const Plan *plan, const Node *expr, const char **out, Error *err)
{
    ResolveArg arg = {es, plan, 0};
    Node *plain = resolve((Node *)expr, &arg);
    bool prefix = es->verbose || list_len(es->plan->rtable) > 1;
    if (plain && !failed(deparse_expr_rtable(es->env, plain, es->plan->rtable, prefix, es->arena, out, err))) return ST_OK;
    error_clear(err); /* an expression that has no SQL form (a row identity, a subplan's column) */
    *out = "?";
    return ST_OK;
}

static Status show_quals(ExplainState *es, const Plan *plan, const char *label, const List *quals, Error *err)
{
    const char *text;
    Node *all = NULL;
    if (!quals) return ST_OK;
    LIST_EACH(Node *, q, quals) all = make_and(es->arena, all, q);
    TRY(expr_text(es, plan, all, &text, err));
    if (text[0] != '(' && !IsA(all, Var)) text = arena_printf(es->arena, "(%s)", text);
    explain_text(es, label, text);
    return ST_OK;
}

static Status show_columns(ExplainState *es, const Plan *plan, const char *label, const IntArray *cols, const Sort *sort, Error *err)
{
    const char **items;
    const Plan *child = (const Plan *)plan->lefttree;
    TRY_NEW_N(items, es->arena, cols->n + 1, err);
    for (int i = 0; i < cols->n; i++) {
        TargetEntry *te = list_at(child->targetlist, (int)cols->v[i] - 1);
        TRY(expr_text(es, child, te->expr, &items[i], err));
        if (!sort) continue;
        const OperatorInfo *op = operator_by_oid(es->env, (Oid)sort->sortOperators.v[i]);
        bool desc = op && !strcmp(op->name, ">"), nulls_first = sort->nullsFirst.v[i];
        const char *suffix = desc ? (nulls_first ? " DESC" : " DESC NULLS LAST") : nulls_first ? " NULLS FIRST" : "";
        items[i] = arena_printf(es->arena, "%s%s", items[i], suffix);
    }
    explain_list(es, label, items, cols->n);
    return ST_OK;
}

static Status show_output(ExplainState *es, const Plan *plan, Error *err)
{
    const char **items;
    int n = 0;
    TRY_NEW_N(items, es->arena, list_len(plan->targetlist) + 1, err);
    LIST_EACH(TargetEntry *, te, plan->targetlist) TRY(expr_text(es, plan, te->expr, &items[n++], err));
    if (n) explain_list(es, "Output", items, n);
    return ST_OK;
}

/* ---- properties ---- */

static Status show_properties(ExplainState *es, const Plan *p, const NodeInstrument *in, Error *err)
{
    const char *filter = "Filter";
    switch (nodeTag(p)) {
    case T_IndexScan: TRY(show_quals(es, p, "Index Cond", ((const IndexScan *)p)->indexqualorig, err)); break;
    case T_IndexOnlyScan: TRY(show_quals(es, p, "Index Cond", ((const IndexOnlyScan *)p)->indexqualorig, err)); break;
    case T_NestLoop: TRY(show_quals(es, p, "Join Filter", ((const NestLoop *)p)->joinqual, err)); break;
    case T_HashJoin:
        TRY(show_quals(es, p, "Hash Cond", ((const HashJoin *)p)->hashclauses, err));
        TRY(show_quals(es, p, "Join Filter", ((const HashJoin *)p)->joinqual, err));
        break;
    case T_MergeJoin:
        TRY(show_quals(es, p, "Merge Cond", ((const MergeJoin *)p)->mergeclauses, err));
        TRY(show_quals(es, p, "Join Filter", ((const MergeJoin *)p)->joinqual, err));
        break;
    case T_Sort:
        TRY(show_columns(es, p, "Sort Key", &((const Sort *)p)->sortColIdx, (const Sort *)p, err));
        if (in && in->method) explain_text(es, "Sort Method", in->disk_bytes ? arena_printf(es->arena, "%s  Disk: %lldkB", in->method, (long long)in->disk_bytes / 1024)
                                                                            : arena_printf(es->arena, "%s  Memory: %lldkB", in->method, (long long)in->memory_bytes / 1024));
        break;
    case T_Agg:
        if (((const Agg *)p)->grpColIdx.n) TRY(show_columns(es, p, "Group Key", &((const Agg *)p)->grpColIdx, NULL, err));
        filter = "Filter";
        break;
    case T_Result: TRY(show_quals(es, p, "One-Time Filter", (const List *)((const Result *)p)->resconstantqual, err)); break;
    default: break;
    }
    TRY(show_quals(es, p, filter, p->qual, err));
    if (in && p->qual && (!es->json || in->loops) && in->removed_by_filter)
        explain_number(es, "Rows Removed by Filter", NULL, (double)in->removed_by_filter / (in->loops ? (double)in->loops : 1), 0);
    return ST_OK;
}

/* ---- one node ---- */

static void header_text(ExplainState *es, const Plan *p, const NodeInstrument *in, const char *name)
{
    StrBuf *sb = &es->out;
    if (es->indent) {
        strbuf_fill(sb, ' ', (size_t)es->indent * 2);
        strbuf_str(sb, "->  ");
        es->indent += 2;
    }
    strbuf_str(sb, name);
    put_target(es, p, sb);
    if (es->costs) strbuf_printf(sb, "  (cost=%.2f..%.2f rows=%.0f width=%d)", p->startup_cost, p->total_cost, p->plan_rows, p->plan_width);
    if (es->analyze && in && in->loops) {
        double loops = (double)in->loops;
        if (es->timing) strbuf_printf(sb, " (actual time=%.3f..%.3f rows=%.0f loops=%.0f)", in->startup_ms / loops, in->total_ms / loops, in->rows / loops, loops);
        else strbuf_printf(sb, " (actual rows=%.0f loops=%.0f)", in->rows / loops, loops);
    } else if (es->analyze) {
        strbuf_str(sb, " (never executed)");
    }
    strbuf_char(sb, '\n');
    es->indent++;
}

static void header_json(ExplainState *es, const Plan *p, const NodeInstrument *in, const char *name, const char *relationship)
{
    int relid = scan_relid(p);
    explain_text(es, "Node Type", IsA(p, ModifyTable) ? "ModifyTable" : name);
    if (relationship) explain_text(es, "Parent Relationship", relationship);
    explain_bool(es, "Parallel Aware", false);
    explain_bool(es, "Async Capable", false);
    if (relid > 0) {
        RangeTblEntry *rte = list_at(es->plan->rtable, relid - 1);
        const char *rel = rte->relid ? relation_name_of(es->env, rte->relid, es->arena) : NULL;
        if (rel) explain_text(es, "Relation Name", rel);
        if (rte->eref) explain_text(es, "Alias", rte->eref->aliasname);
    }
    if (es->costs) {
        explain_number(es, "Startup Cost", NULL, p->startup_cost, 2);
        explain_number(es, "Total Cost", NULL, p->total_cost, 2);
        explain_number(es, "Plan Rows", NULL, p->plan_rows, 0);
        explain_number(es, "Plan Width", NULL, p->plan_width, 0);
    }
    if (es->analyze && in) {
        double loops = in->loops ? (double)in->loops : 1;
        if (es->timing) {
            explain_number(es, "Actual Startup Time", NULL, in->startup_ms / loops, 3);
            explain_number(es, "Actual Total Time", NULL, in->total_ms / loops, 3);
        }
        explain_number(es, "Actual Rows", NULL, in->rows / loops, 0);
        explain_number(es, "Actual Loops", NULL, (double)in->loops, 0);
    }
}

typedef struct ChildArg { ExplainState *es; List *found; } ChildArg;

/* SubPlans inside a node's own expressions. */
static bool find_subplans(Node *node, void *varg)
{
    ChildArg *arg = varg;
    if (!node) return false;
    if (IsA(node, SubPlan)) arg->found = list_append(arg->found, arg->es->arena, node);
    return node_walk(node, find_subplans, arg);
}

static Status show_subplans(ExplainState *es, const List *subplans, const char *relationship, Error *err)
{
    int indent = es->indent;
    LIST_EACH(SubPlan *, sp, subplans) {
        if (sp->plan_id < 1 || sp->plan_id > list_len(es->plan->subplans)) continue;
        if (!es->json) {
            strbuf_fill(&es->out, ' ', (size_t)es->indent * 2);
            strbuf_printf(&es->out, "%s\n", sp->plan_name ? sp->plan_name : "SubPlan");
            es->indent++;
        }
        TRY(explain_node(es, list_at(es->plan->subplans, sp->plan_id - 1), relationship, err));
        es->indent = indent;
    }
    return ST_OK;
}

static Status show_child(ExplainState *es, const Node *child, const char *relationship, Error *err)
{
    int indent = es->indent;
    if (!child) return ST_OK;
    TRY(explain_node(es, (const Plan *)child, relationship, err));
    es->indent = indent;
    return ST_OK;
}

static Status show_children(ExplainState *es, const Plan *p, Error *err)
{
    ChildArg sub = {es, NULL};
    find_subplans((Node *)p->qual, &sub);
    find_subplans((Node *)p->targetlist, &sub);
    bool any = p->initPlan || sub.found || p->lefttree || p->righttree || IsA(p, Append) || IsA(p, SubqueryScan);
    if (!any) return ST_OK;
    explain_open(es, "Plans", false);
    TRY(show_subplans(es, p->initPlan, "InitPlan", err));
    TRY(show_child(es, p->lefttree, "Outer", err));
    TRY(show_child(es, p->righttree, "Inner", err));
    if (IsA(p, Append))
        LIST_EACH(Node *, child, ((const Append *)p)->appendplans) TRY(show_child(es, child, "Member", err));
    if (IsA(p, SubqueryScan)) TRY(show_child(es, ((const SubqueryScan *)p)->subplan, "Subquery", err));
    TRY(show_subplans(es, sub.found, "SubPlan", err));
    explain_close(es);
    return ST_OK;
}

Status explain_node(ExplainState *es, const Plan *p, const char *relationship, Error *err)
{
    const NodeInstrument *in = es->analyze ? exec_instrument(es->execution, p->plan_node_id) : NULL;
    const char *name = node_name(p, es->arena);
    TRY(stack_check(err));
    if (es->json) {
        explain_open(es, relationship ? NULL : "Plan", true);
        header_json(es, p, in, name, relationship);
    } else {
        header_text(es, p, in, name);
    }
    if (es->verbose) TRY(show_output(es, p, err));
    TRY(show_properties(es, p, in, err));
    TRY(show_children(es, p, err));
    explain_close(es);
    return ST_OK;
}
