/* EXPLAIN [ANALYZE]: options, running, and the two output formats (text and JSON). What each node shows is explain_node.c. Manual 14.1. */
#include "commands/explain_internal.h"

#include <stdio.h>

#include "catalog/acl.h"
#include "parser/parse_text.h"

static Status parse_option(ExplainState *es, const DefElem *item, Error *err)
{
    const struct { const char *name; bool *flag; } flags[] = {{"analyze", &es->analyze}, {"verbose", &es->verbose}, {"costs", &es->costs},
        {"buffers", &es->buffers}, {"wal", &es->wal}, {"settings", &es->settings}, {"timing", &es->timing}, {"summary", &es->summary}};
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        if (!strcmp(item->defname, flags[i].name)) {
            es->timing_set = es->timing_set || flags[i].flag == &es->timing;
            es->summary_set = es->summary_set || flags[i].flag == &es->summary;
            return def_bool(item, flags[i].flag, err);
        }
    if (strcmp(item->defname, "format")) return error_set(err, ERR_SYNTAX_ERROR, "unrecognized EXPLAIN option \"%s\"", item->defname);
    const char *value = def_string(item);
    if (value && !strcasecmp(value, "text")) es->json = false;
    else if (value && !strcasecmp(value, "json")) es->json = true;
    else if (value && (!strcasecmp(value, "xml") || !strcasecmp(value, "yaml"))) return error_unsupported(err, "EXPLAIN in this format");
    else return error_set(err, ERR_INVALID_PARAMETER_VALUE, "unrecognized value for EXPLAIN option \"format\": \"%s\"", value ? value : "");
    return ST_OK;
}

static Status parse_options(ExplainState *es, const List *options, const char *sql, Error *err)
{
    es->costs = true;
    LIST_EACH(DefElem *, item, options)
        if (failed(parse_option(es, item, err))) return parser_error_position(err, sql, item->location);
    if (es->wal && !es->analyze) return error_set(err, ERR_INVALID_PARAMETER_VALUE, "EXPLAIN option WAL requires ANALYZE");
    if (es->timing && !es->analyze) return error_set(err, ERR_INVALID_PARAMETER_VALUE, "EXPLAIN option TIMING requires ANALYZE");
    if (!es->timing_set) es->timing = es->analyze;
    if (!es->summary_set) es->summary = es->analyze;
    return ST_OK;
}

/* ---- output primitives ---- */

void explain_open(ExplainState *es, const char *label, bool object)
{
    if (!es->json) return;
    if (es->depth >= 0 && es->need_comma[es->depth]) strbuf_char(&es->out, ',');
    if (es->depth >= 0) es->need_comma[es->depth] = true;
    if (es->out.len) strbuf_char(&es->out, '\n');
    strbuf_fill(&es->out, ' ', (size_t)(es->depth + 1) * 2);
    if (label) strbuf_printf(&es->out, "\"%s\": ", label);
    strbuf_char(&es->out, object ? '{' : '[');
    if (es->depth + 1 < EXPLAIN_MAX_DEPTH) es->depth++;
    es->need_comma[es->depth] = false;
    es->is_object[es->depth] = object;
}

void explain_close(ExplainState *es)
{
    if (!es->json) return;
    strbuf_char(&es->out, '\n');
    strbuf_fill(&es->out, ' ', (size_t)es->depth * 2);
    strbuf_char(&es->out, es->is_object[es->depth] ? '}' : ']');
    es->depth--;
}

static void json_label(ExplainState *es, const char *label)
{
    if (es->need_comma[es->depth]) strbuf_char(&es->out, ',');
    es->need_comma[es->depth] = true;
    strbuf_char(&es->out, '\n');
    strbuf_fill(&es->out, ' ', (size_t)(es->depth + 1) * 2);
    if (label) strbuf_printf(&es->out, "\"%s\": ", label);
}

static void json_string(ExplainState *es, const char *s)
{
    strbuf_char(&es->out, '"');
    for (; *s; s++) {
        if (*s == '"' || *s == '\\') strbuf_printf(&es->out, "\\%c", *s);
        else if (*s == '\n') strbuf_str(&es->out, "\\n");
        else if ((unsigned char)*s < 0x20) strbuf_printf(&es->out, "\\u%04x", *s);
        else strbuf_char(&es->out, *s);
    }
    strbuf_char(&es->out, '"');
}

void explain_text(ExplainState *es, const char *label, const char *value)
{
    if (es->json) {
        json_label(es, label);
        json_string(es, value);
        return;
    }
    strbuf_fill(&es->out, ' ', (size_t)es->indent * 2);
    strbuf_printf(&es->out, "%s: %s\n", label, value);
}

void explain_number(ExplainState *es, const char *label, const char *unit, double value, int digits)
{
    if (es->json) {
        json_label(es, label);
        strbuf_printf(&es->out, "%.*f", digits, value);
        return;
    }
    strbuf_fill(&es->out, ' ', (size_t)es->indent * 2);
    strbuf_printf(&es->out, "%s: %.*f%s%s\n", label, digits, value, unit ? " " : "", unit ? unit : "");
}

void explain_bool(ExplainState *es, const char *label, bool value)
{
    if (!es->json) return;
    json_label(es, label);
    strbuf_str(&es->out, value ? "true" : "false");
}

void explain_list(ExplainState *es, const char *label, const char *const *items, int n)
{
    if (es->json) {
        json_label(es, label);
        strbuf_char(&es->out, '[');
        for (int i = 0; i < n; i++) {
            if (i) strbuf_str(&es->out, ", ");
            json_string(es, items[i]);
        }
        strbuf_char(&es->out, ']');
        return;
    }
    strbuf_fill(&es->out, ' ', (size_t)es->indent * 2);
    strbuf_printf(&es->out, "%s: ", label);
    for (int i = 0; i < n; i++) strbuf_printf(&es->out, "%s%s", i ? ", " : "", items[i]);
    strbuf_char(&es->out, '\n');
}

/* ---- running ---- */

static Status discard_start(RowSink *sink, const TupleDesc *desc, Error *err) { return ST_OK; }
static Status discard_row(RowSink *sink, TupleSlot *slot, bool *more, Error *err)
{
    *more = true;
    return slot_decode_all(slot, err);
}
static Status discard_finish(RowSink *sink, Error *err) { return ST_OK; }

static double since_ms(int64_t start) { return (double)(clock_monotonic_ns() - start) / 1e6; }

static Status execute(ExplainState *es, const PlannedStmt *plan, const ParamList *params, Error *err)
{
    RowSink sink = {discard_start, discard_row, discard_finish};
    ExecOptions opt = {.params = params, .snapshot = es->env->snapshot, .instrument = es->analyze, .instrument_timing = es->timing};
    uint64_t rows;
    bool at_end;
    int64_t start = clock_monotonic_ns();
    TRY(exec_open(es->env, plan, &opt, &es->execution, err));
    if (!es->analyze) return ST_OK;
    TRY(exec_run(es->execution, false, 0, &sink, &rows, &at_end, err));
    es->execution_ms = since_ms(start);
    return ST_OK;
}

static Status send_lines(CommandCall *call, ExplainState *es, Error *err)
{
    TupleDesc *desc;
    bool more;
    char *p, *end;
    Query wrapper = {.tag = T_Query, .utilityStmt = (Node *)es->stmt};
    TRY(strbuf_check(&es->out, err));
    TRY(utility_result_desc(call->env, &wrapper, call->arena, &desc, err));
    TupleSlot *slot = slot_new(call->arena, desc);
    TRY_MEM(slot, err);
    TRY(call->sink->start(call->sink, desc, err));
    for (p = es->out.data; p && *p; p = end) {
        end = es->json ? p + strlen(p) : strchr(p, '\n');
        if (!end) end = p + strlen(p);
        slot->values[0] = varlena_new(call->arena, p, (size_t)(end - p), NULL);
        TRY_MEM(slot->values[0], err);
        slot->nulls[0] = false;
        slot_store_virtual(slot);
        TRY(call->sink->row(call->sink, slot, &more, err));
        if (*end == '\n') end++;
    }
    return call->sink->finish(call->sink, err);
}

static void show_summary(ExplainState *es)
{
    if (es->summary) explain_number(es, "Planning Time", "ms", es->planning_ms, 3);
    if (es->analyze && es->summary) explain_number(es, "Execution Time", "ms", es->execution_ms, 3);
}

static Status explain_plan(CommandCall *call, ExplainState *es, const PlannedStmt *plan, const ParamList *params, Error *err)
{
    Status st;
    es->plan = plan;
    strbuf_init(&es->out, call->arena);
    es->depth = -1;
    TRY_GOTO(st, execute(es, plan, params, err), done);
    explain_open(es, NULL, false);
    explain_open(es, NULL, true);
    TRY_GOTO(st, explain_node(es, (const Plan *)plan->planTree, NULL, err), done);
    es->indent = 0;
    show_summary(es);
    explain_close(es);
    explain_close(es);
done:
    st = first_error(st, exec_close(es->execution, err));
    es->execution = NULL;
    return failed(st) ? st : send_lines(call, es, err);
}

static Status explain_utility(CommandCall *call, ExplainState *es, Node *stmt, Error *err)
{
    if (IsA(stmt, ExecuteStmt)) {
        PlannedStmt *plan;
        ParamList params = {0};
        TRY(command_hooks->explain_execute(call->env, (ExecuteStmt *)stmt, call->sql, call->arena, &plan, &params, err));
        return explain_plan(call, es, plan, &params, err);
    }
    Query *inner = IsA(stmt, DeclareCursorStmt) ? ((DeclareCursorStmt *)stmt)->query : IsA(stmt, CreateTableAsStmt) ? ((CreateTableAsStmt *)stmt)->query : NULL;
    if (inner) {
        PlannedStmt *plan;
        if (es->analyze && IsA(stmt, CreateTableAsStmt)) return error_unsupported(err, "EXPLAIN ANALYZE of CREATE TABLE AS");
        TRY(plan_query(call->env, inner, call->params, 0, call->arena, &plan, err));
        return explain_plan(call, es, plan, call->params, err);
    }
    strbuf_init(&es->out, call->arena);
    strbuf_str(&es->out, "Utility statements have no plan structure\n");
    return send_lines(call, es, err);
}

Status cmd_ExplainStmt(CommandCall *call, ExplainStmt *stmt, Error *err)
{
    ExplainState es = {.env = call->env, .arena = call->arena, .stmt = stmt};
    PlannedStmt *plan;
    TRY(parse_options(&es, stmt->options, call->sql, err));
    if (stmt->query->commandType == CMD_UTILITY) return explain_utility(call, &es, stmt->query->utilityStmt, err);
    TRY(acl_check_query(call->env, stmt->query, err));
    int64_t start = clock_monotonic_ns();
    TRY(plan_query(call->env, stmt->query, call->params, 0, call->arena, &plan, err));
    es.planning_ms = since_ms(start);
    return explain_plan(call, &es, plan, call->params, err);
}
