/* COPY ... TO: rows of a table or query to the client or a file. */
#include "commands/copy_internal.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "catalog/acl.h"

typedef struct CopyTo {
    RowSink base;
    CommandCall *call;
    const CopyOptions *opt;
    const CopyStmt *stmt;
    FILE *file;
    const TypeInfo **types;
    bool *force_quote;
    int ncols;
    StrBuf line, value;
    IoContext io;
    Arena row_arena;
    uint64_t rows;
} CopyTo;

static Status put_line(CopyTo *ct, Error *err)
{
    TRY(strbuf_check(&ct->line, err));
    if (!ct->file) return command_hooks->copy_out_row(ct->call->env, strbuf_slice(&ct->line), err);
    if (fwrite(ct->line.data, 1, ct->line.len, ct->file) != ct->line.len)
        return error_set(err, errno == ENOSPC ? ERR_DISK_FULL : ERR_IO_ERROR, "could not write to COPY file: %s", strerror(errno));
    return INTERRUPT_CHECK(ct->call->env->interrupt, err);
}

/* ---- formats ---- */

static void escape_text(StrBuf *out, Slice s, char delim)
{
    static const char codes[] = "\bb\ff\nn\rr\tt\vv";
    size_t start = 0;
    for (size_t i = 0; i < s.len; i++) {
        uint8_t c = s.data[i];
        if (c >= 0x20 && c != '\\' && c != (uint8_t)delim) continue;
        const char *code = NULL;
        for (const char *p = codes; *p; p += 2)
            if (*p == (char)c) code = p + 1;
        if (!code && c != '\\' && c != (uint8_t)delim) continue;
        strbuf_append(out, s.data + start, i - start);
        strbuf_char(out, '\\');
        strbuf_char(out, code && c != (uint8_t)delim ? *code : code ? *code : (char)c);
        start = i + 1;
    }
    strbuf_append(out, s.data + start, s.len - start);
}

static bool csv_needs_quotes(const CopyTo *ct, Slice s, bool single_column)
{
    const CopyOptions *o = ct->opt;
    if (s.len == o->null_len && !memcmp(s.data, o->null_print, s.len)) return true;
    if (single_column && s.len == 2 && !memcmp(s.data, "\\.", 2)) return true;
    for (size_t i = 0; i < s.len; i++) {
        char c = (char)s.data[i];
        if (c == o->delim || c == o->quote || c == '\n' || c == '\r') return true;
    }
    return false;
}

static void put_csv(CopyTo *ct, Slice s, bool force)
{
    const CopyOptions *o = ct->opt;
    if (!force && !csv_needs_quotes(ct, s, ct->ncols == 1)) {
        strbuf_append(&ct->line, s.data, s.len);
        return;
    }
    strbuf_char(&ct->line, o->quote);
    for (size_t i = 0; i < s.len; i++) {
        char c = (char)s.data[i];
        if (c == o->quote || c == o->escape) strbuf_char(&ct->line, o->escape);
        strbuf_char(&ct->line, c);
    }
    strbuf_char(&ct->line, o->quote);
}

static Status text_row(CopyTo *ct, TupleSlot *slot, Error *err)
{
    for (int i = 0; i < ct->ncols; i++) {
        if (i) strbuf_char(&ct->line, ct->opt->delim);
        if (slot->nulls[i]) {
            strbuf_append(&ct->line, ct->opt->null_print, ct->opt->null_len);
            continue;
        }
        strbuf_reset(&ct->value);
        TRY(type_output(&ct->io, ct->types[i], slot->values[i], &ct->value, err));
        TRY(strbuf_check(&ct->value, err));
        if (ct->opt->format == COPY_CSV) put_csv(ct, strbuf_slice(&ct->value), ct->force_quote[i]);
        else escape_text(&ct->line, strbuf_slice(&ct->value), ct->opt->delim);
    }
    strbuf_char(&ct->line, '\n');
    return ST_OK;
}

static void put_be(StrBuf *sb, uint32_t v, int bytes)
{
    for (int i = bytes - 1; i >= 0; i--) strbuf_char(sb, (char)(v >> (8 * i)));
}

static Status binary_row(CopyTo *ct, TupleSlot *slot, Error *err)
{
    put_be(&ct->line, (uint32_t)ct->ncols, 2);
    for (int i = 0; i < ct->ncols; i++) {
        if (slot->nulls[i]) {
            put_be(&ct->line, UINT32_MAX, 4);
            continue;
        }
        strbuf_reset(&ct->value);
        TRY(type_send(&ct->io, ct->types[i], slot->values[i], &ct->value, err));
        put_be(&ct->line, (uint32_t)ct->value.len, 4);
        strbuf_append(&ct->line, ct->value.data, ct->value.len);
    }
    return ST_OK;
}

/* ---- the sink ---- */

static Status header(CopyTo *ct, const TupleDesc *desc, Error *err)
{
    if (ct->opt->format == COPY_BINARY) {
        strbuf_append(&ct->line, COPY_SIGNATURE, sizeof COPY_SIGNATURE);
        put_be(&ct->line, 0, 4);
        put_be(&ct->line, 0, 4);
        return put_line(ct, err);
    }
    if (ct->opt->header == HEADER_NONE) return ST_OK;
    for (int i = 0; i < ct->ncols; i++) {
        if (i) strbuf_char(&ct->line, ct->opt->delim);
        if (ct->opt->format == COPY_CSV) put_csv(ct, slice_cstr(desc->atts[i].name), false);
        else escape_text(&ct->line, slice_cstr(desc->atts[i].name), ct->opt->delim);
    }
    strbuf_char(&ct->line, '\n');
    return put_line(ct, err);
}

static Status sink_start(RowSink *base, const TupleDesc *desc, Error *err)
{
    CopyTo *ct = (CopyTo *)base;
    if (ct->types) return ST_OK;
    ct->ncols = desc->natts;
    TRY_NEW_N(ct->types, ct->call->arena, desc->natts + 1, err);
    TRY_NEW_N(ct->force_quote, ct->call->arena, desc->natts + 1, err);
    for (int i = 0; i < desc->natts; i++) {
        TRY(type_require(ct->call->env, desc->atts[i].type, &ct->types[i], err));
        ct->force_quote[i] = ct->opt->force_quote_all || copy_column_in(ct->opt->force_quote, desc->atts[i].name);
    }
    if (!ct->file) TRY(command_hooks->copy_out_begin(ct->call->env, ct->ncols, ct->opt->format == COPY_BINARY, err));
    return header(ct, desc, err);
}

static Status sink_row(RowSink *base, TupleSlot *slot, bool *more, Error *err)
{
    CopyTo *ct = (CopyTo *)base;
    *more = true;
    arena_reset(&ct->row_arena);
    strbuf_reset(&ct->line);
    TRY(slot_decode(slot, ct->ncols, err));
    TRY(ct->opt->format == COPY_BINARY ? binary_row(ct, slot, err) : text_row(ct, slot, err));
    ct->rows++;
    return put_line(ct, err);
}

static Status sink_finish(RowSink *base, Error *err) { return ST_OK; }

static Status finish(CopyTo *ct, Error *err)
{
    if (ct->opt->format == COPY_BINARY) {
        strbuf_reset(&ct->line);
        put_be(&ct->line, 0xffff, 2);
        TRY(put_line(ct, err));
    }
    return ct->file ? ST_OK : command_hooks->copy_out_end(ct->call->env, err);
}

/* ---- what is copied ---- */

static Status check_source(const Relation *rel, Error *err)
{
    static const struct { char relkind; const char *what; bool hint; } refused[] = {
        {'v', "view", true}, {'m', "materialized view", true}, {'f', "foreign table", true}, {'S', "sequence", false}, {'p', "partitioned table", true}};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        if (rel->relkind != refused[i].relkind) continue;
        error_set(err, ERR_WRONG_OBJECT_TYPE, "cannot copy from %s \"%s\"", refused[i].what, rel->name);
        return refused[i].hint ? error_hint(err, "Try the COPY (SELECT ...) TO variant.") : ST_FAILED;
    }
    return ST_OK;
}

/* COPY table TO is SELECT of its columns. */
static Status table_query(CommandCall *call, CopyStmt *stmt, Query **out, Error *err)
{
    const Relation *rel;
    int *attnums, n;
    StrBuf sql;
    TRY(rangevar_relation(call->env, stmt->relation, LOCK_ACCESS_SHARE, false, &rel, err));
    TRY(check_source(rel, err));
    TRY(copy_columns(call, rel, stmt, &attnums, &n, err));
    strbuf_init(&sql, call->arena);
    strbuf_str(&sql, "SELECT ");
    for (int i = 0; i < n; i++) strbuf_printf(&sql, "%s%s", i ? ", " : "", quote_identifier(call->arena, rel->desc->atts[attnums[i] - 1].name));
    strbuf_printf(&sql, " FROM ONLY %s.%s", quote_identifier(call->arena, namespace_name_of(call->env, rel->namespace_oid, call->arena)),
                  quote_identifier(call->arena, rel->name));
    TRY(strbuf_check(&sql, err));
    return call->env->hooks->analyze_query(call->env, strbuf_cstr(&sql), call->arena, out, err);
}

static Status run(CopyTo *ct, Query *query, Error *err)
{
    PlannedStmt *plan;
    Execution *ex = NULL;
    uint64_t rows;
    bool at_end;
    Status st;
    TRY(acl_check_query(ct->call->env, query, err));
    TRY(plan_query(ct->call->env, query, ct->call->params, 0, ct->call->arena, &plan, err));
    ExecOptions opt = {.params = ct->call->params, .snapshot = ct->call->env->snapshot};
    TRY_GOTO(st, exec_open(ct->call->env, plan, &opt, &ex, err), done);
    const TupleDesc *desc = exec_result_desc(ex);
    if (!desc) {
        st = error_set(err, ERR_FEATURE_NOT_SUPPORTED, "COPY query must have a RETURNING clause");
        goto done;
    }
    TRY_GOTO(st, sink_start(&ct->base, desc, err), done);
    TRY_GOTO(st, exec_run(ex, false, 0, &ct->base, &rows, &at_end, err), done);
    st = finish(ct, err);
done:
    return first_error(st, exec_close(ex, err));
}

static Status open_file(CopyTo *ct, const char *name, Error *err)
{
    if (name[0] != '/') return error_set(err, ERR_INVALID_NAME, "relative path not allowed for COPY to file");
    mode_t old = umask(S_IWGRP | S_IWOTH);
    ct->file = fopen(name, "w");
    umask(old);
    if (ct->file) return ST_OK;
    error_set(err, ERR_IO_ERROR, "could not open file \"%s\" for writing: %s", name, strerror(errno));
    return error_hint(err, "COPY TO instructs the PostgreSQL server process to write a file. You may want a client-side facility such as psql's \\copy.");
}

Status copy_to(CommandCall *call, CopyStmt *stmt, const CopyOptions *opt, uint64_t *rows, Error *err)
{
    CopyTo ct = {.base = {sink_start, sink_row, sink_finish}, .call = call, .opt = opt, .stmt = stmt};
    Query *query = stmt->query;
    if (!query) TRY(table_query(call, stmt, &query, err));
    if (stmt->filename) TRY(open_file(&ct, stmt->filename, err));
    arena_init(&ct.row_arena, call->env->account, 0);
    strbuf_init_heap(&ct.line, call->env->account);
    strbuf_init_heap(&ct.value, call->env->account);
    ct.io = session_io(call->env, &ct.row_arena);
    Status st = run(&ct, query, err);
    strbuf_free(&ct.line);
    strbuf_free(&ct.value);
    arena_destroy(&ct.row_arena);
    if (ct.file && fclose(ct.file) && !failed(st)) st = error_set(err, ERR_IO_ERROR, "could not close file \"%s\": %s", stmt->filename, strerror(errno));
    *rows = ct.rows;
    return st;
}
