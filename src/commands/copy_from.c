/* COPY ... FROM: rows from the client or a file into a table. */
#include "commands/copy_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "catalog/acl.h"

typedef struct CopyFrom {
    CommandCall *call;
    const CopyOptions *opt;
    const Relation *rel;
    int ncols, *attnums;
    const TypeInfo **types;     /* per COPY column */
    CopyField *fields;
    CopyParser parser;
    RowWriter *writer;
    TupleSlot *slot;
    Arena row_arena;
    IoContext io;
    ExprContext ec;
    ExprProgram **defaults;     /* per table column; NULL: none or given by the data */
    ExprProgram *where;
    const char *column;         /* being converted, for error context */
    uint64_t rows;
} CopyFrom;

/* ---- sources ---- */

static Status read_client(CopySource *src, Slice *chunk, Error *err) { return command_hooks->copy_in_read(src->env, chunk, err); }

static Status read_file(CopySource *src, Slice *chunk, Error *err)
{
    static __thread uint8_t buffer[65536];
    size_t n = fread(buffer, 1, sizeof buffer, src->file);
    if (!n && ferror((FILE *)src->file)) return error_set(err, ERR_IO_ERROR, "could not read from COPY file: %s", strerror(errno));
    *chunk = slice_of(buffer, n);
    return INTERRUPT_CHECK(src->env->interrupt, err);
}

/* ---- set-up ---- */

static Status prepare_defaults(CopyFrom *cf, Error *err)
{
    TRY_NEW_N(cf->defaults, cf->call->arena, cf->rel->desc->natts + 1, err);
    for (int i = 0; i < cf->rel->desc->natts; i++) {
        bool given = false;
        for (int c = 0; c < cf->ncols; c++) given = given || cf->attnums[c] == i + 1;
        if (given || !cf->rel->columns[i].default_expr || cf->rel->columns[i].generated) continue;
        TRY(expr_compile(cf->call->env, cf->rel->columns[i].default_expr, cf->call->arena, &cf->defaults[i], err));
    }
    return ST_OK;
}

static Status prepare_where(CopyFrom *cf, const CopyStmt *stmt, Error *err)
{
    Node *expr;
    if (!stmt->whereClause) return ST_OK;
    ExprScope scope = {.rel = cf->rel, .sql = cf->call->sql};
    TRY(analyze_expression(cf->call->env, stmt->whereClause, EXPR_KIND_COPY_WHERE, &scope, cf->call->arena, &expr, err));
    TRY(coerce_to_boolean(cf->call->env, expr, "WHERE", cf->call->arena, &expr, err));
    return expr_compile_qual(cf->call->env, make_and_list(cf->call->arena, expr), cf->call->arena, &cf->where, err);
}

static Status prepare(CopyFrom *cf, const CopyStmt *stmt, Error *err)
{
    Arena *arena = cf->call->arena;
    TRY(copy_columns(cf->call, cf->rel, stmt, &cf->attnums, &cf->ncols, err));
    TRY_NEW_N(cf->types, arena, cf->ncols + 1, err);
    TRY_NEW_N(cf->fields, arena, cf->ncols + 1, err);
    for (int i = 0; i < cf->ncols; i++) TRY(type_require(cf->call->env, cf->rel->desc->atts[cf->attnums[i] - 1].type, &cf->types[i], err));
    cf->slot = slot_new(arena, cf->rel->desc);
    TRY_MEM(cf->slot, err);
    cf->ec = (ExprContext){.scan = cf->slot, .tuple_arena = &cf->row_arena, .query_arena = arena, .env = cf->call->env};
    TRY(prepare_defaults(cf, err));
    return prepare_where(cf, stmt, err);
}

static Status check_target(CopyFrom *cf, Error *err)
{
    const Relation *rel = cf->rel;
    static const struct { char relkind; const char *what; } refused[] = {{'v', "view"}, {'m', "materialized view"}, {'S', "sequence"}, {'f', "foreign table"}};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        if (rel->relkind == refused[i].relkind) {
            error_set(err, ERR_WRONG_OBJECT_TYPE, "cannot copy to %s \"%s\"", refused[i].what, rel->name);
            return rel->relkind == 'v' ? error_hint(err, "To enable copying to a view, provide an INSTEAD OF INSERT trigger.") : ST_FAILED;
        }
    if (rel->relkind != RELKIND_TABLE) return error_set(err, ERR_WRONG_OBJECT_TYPE, "cannot copy to non-table relation \"%s\"", rel->name);
    if (rel->is_virtual) return error_set(err, ERR_INSUFFICIENT_PRIVILEGE, "permission denied: \"%s\" is a system catalog", rel->name);
    if (txn_options(cf->call->env->txn)->read_only) return error_set(err, ERR_READ_ONLY_SQL_TRANSACTION, "cannot execute COPY FROM in a read-only transaction");
    return ST_OK;
}

/* ---- one row ---- */

static Status add_context(CopyFrom *cf, const CopyField *field, Error *err)
{
    const char *name = cf->rel->name;
    uint64_t line = cf->parser.line;
    if (!error_is_set(err)) return ST_FAILED;
    if (cf->opt->format == COPY_BINARY) {
        if (cf->column) return error_context(err, "COPY %s, line %" PRIu64 ", column %s", name, line, cf->column);
        return error_context(err, "COPY %s, line %" PRIu64, name, line);
    }
    /* Rows are written behind the line being read there: PostgreSQL does not show its text. */
    if (err->code == ERR_UNIQUE_VIOLATION || err->code == ERR_FOREIGN_KEY_VIOLATION) return error_context(err, "COPY %s, line %" PRIu64, name, line);
    int shown = (int)(field ? field->text.len : cf->parser.current.len);
    const char *dots = shown > 100 ? "..." : "";
    if (shown > 100) shown = 100;
    if (cf->column && field && field->is_null) return error_context(err, "COPY %s, line %" PRIu64 ", column %s: null input", name, line, cf->column);
    if (cf->column && field)
        return error_context(err, "COPY %s, line %" PRIu64 ", column %s: \"%.*s%s\"", name, line, cf->column, shown, (const char *)field->text.data, dots);
    return error_context(err, "COPY %s, line %" PRIu64 ": \"%.*s%s\"", name, line, shown, (const char *)cf->parser.current.data, dots);
}

static Status text_column(CopyFrom *cf, int i, Error *err)
{
    int at = cf->attnums[i] - 1;
    CopyField *f = &cf->fields[i];
    const Attribute *att = &cf->rel->desc->atts[at];
    if (cf->opt->format == COPY_CSV) {
        if (f->is_null && copy_column_in(cf->opt->force_not_null, att->name)) f->is_null = false;
        else if (f->quoted && copy_column_in(cf->opt->force_null, att->name) && f->text.len == cf->opt->null_len &&
                 !memcmp(f->text.data, cf->opt->null_print, f->text.len))
            f->is_null = true;
    }
    cf->slot->nulls[at] = f->is_null;
    if (f->is_null) return ST_OK;
    cf->column = att->name;
    if (failed(type_input(&cf->io, cf->types[i], f->text, att->typmod, &cf->slot->values[at], err))) return add_context(cf, f, err);
    cf->column = NULL;
    return ST_OK;
}

static Status text_row(CopyFrom *cf, bool *end, Error *err)
{
    int n;
    if (failed(copy_next_line(&cf->parser, cf->fields, cf->ncols, &n, end, err))) return add_context(cf, NULL, err);
    if (*end) return ST_OK;
    if (n > cf->ncols && !(cf->ncols == 0 && n == 1 && cf->parser.current.len == 0)) {
        error_set(err, ERR_BAD_COPY_FILE_FORMAT, "extra data after last expected column");
        return add_context(cf, NULL, err);
    }
    if (n < cf->ncols) {
        error_set(err, ERR_BAD_COPY_FILE_FORMAT, "missing data for column \"%s\"", cf->rel->desc->atts[cf->attnums[n] - 1].name);
        return add_context(cf, NULL, err);
    }
    for (int i = 0; i < cf->ncols; i++) TRY(text_column(cf, i, err));
    return ST_OK;
}

static uint32_t be32(const uint8_t *p) { return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3]; }

static Status bad_binary(CopyFrom *cf, Error *err, const char *what)
{
    error_set(err, ERR_BAD_COPY_FILE_FORMAT, "%s", what);
    return add_context(cf, NULL, err);
}

static Status binary_row(CopyFrom *cf, bool *end, Error *err)
{
    Slice s;
    cf->parser.line++;
    TRY(copy_read_bytes(&cf->parser, 2, &s, end, err));
    if (*end) return ST_OK;
    int n = (int16_t)(s.data[0] << 8 | s.data[1]);
    if (n == -1) {
        TRY(copy_read_bytes(&cf->parser, 1, &s, end, err));
        if (!*end) return bad_binary(cf, err, "received copy data after EOF marker");
        return ST_OK;
    }
    if (n != cf->ncols) return bad_binary(cf, err, "row field count does not match the table's");
    for (int i = 0; i < cf->ncols; i++) {
        int at = cf->attnums[i] - 1;
        const Attribute *att = &cf->rel->desc->atts[at];
        bool eof;
        TRY(copy_read_bytes(&cf->parser, 4, &s, &eof, err));
        if (eof) return bad_binary(cf, err, "unexpected EOF in COPY data");
        int32_t len = (int32_t)be32(s.data);
        cf->slot->nulls[at] = len == -1;
        if (len == -1) continue;
        if (len < 0) return bad_binary(cf, err, "invalid field size");
        TRY(copy_read_bytes(&cf->parser, (size_t)len, &s, &eof, err));
        if (eof && len) return bad_binary(cf, err, "unexpected EOF in COPY data");
        void *copy = arena_memdup(&cf->row_arena, s.data, (size_t)len); /* the value may borrow it */
        if (len) TRY_MEM(copy, err);
        cf->column = att->name;
        if (failed(type_recv(&cf->io, cf->types[i], slice_of(copy, (size_t)len), att->typmod, &cf->slot->values[at], err))) return add_context(cf, NULL, err);
        cf->column = NULL;
    }
    return ST_OK;
}

static Status binary_header(CopyFrom *cf, Error *err)
{
    Slice s;
    bool end;
    TRY(copy_read_bytes(&cf->parser, sizeof COPY_SIGNATURE, &s, &end, err));
    if (end || memcmp(s.data, COPY_SIGNATURE, sizeof COPY_SIGNATURE)) return error_set(err, ERR_BAD_COPY_FILE_FORMAT, "COPY file signature not recognized");
    TRY(copy_read_bytes(&cf->parser, 4, &s, &end, err));
    if (end) return error_set(err, ERR_BAD_COPY_FILE_FORMAT, "invalid COPY file header (missing flags)");
    if (be32(s.data) >> 16 & ~1u) return error_set(err, ERR_BAD_COPY_FILE_FORMAT, "unrecognized critical flags in COPY file header");
    TRY(copy_read_bytes(&cf->parser, 4, &s, &end, err));
    if (end || (int32_t)be32(s.data) < 0) return error_set(err, ERR_BAD_COPY_FILE_FORMAT, "invalid COPY file header (missing length)");
    uint32_t extension = be32(s.data);
    return extension ? copy_read_bytes(&cf->parser, extension, &s, &end, err) : ST_OK;
}

static Status check_header(CopyFrom *cf, int n, Error *err)
{
    if (n != cf->ncols) {
        error_set(err, ERR_BAD_COPY_FILE_FORMAT, "wrong number of fields in header line: got %d, expected %d", n, cf->ncols);
        return add_context(cf, NULL, err);
    }
    for (int i = 0; i < cf->ncols; i++) {
        const char *want = cf->rel->desc->atts[cf->attnums[i] - 1].name;
        Slice got = cf->fields[i].text;
        if (cf->fields[i].is_null) {
            error_set(err, ERR_BAD_COPY_FILE_FORMAT, "column name mismatch in header line field %d: got null value (\"%s\"), expected \"%s\"", i + 1,
                      cf->opt->null_print, want);
            return add_context(cf, NULL, err);
        }
        if (!slice_equal(got, slice_cstr(want))) {
            error_set(err, ERR_BAD_COPY_FILE_FORMAT, "column name mismatch in header line field %d: got \"%.*s\", expected \"%s\"", i + 1, (int)got.len,
                      (const char *)got.data, want);
            return add_context(cf, NULL, err);
        }
    }
    return ST_OK;
}

static Status start_data(CopyFrom *cf, Error *err)
{
    int n;
    bool end;
    if (cf->opt->format == COPY_BINARY) return binary_header(cf, err);
    if (cf->opt->header == HEADER_NONE) return ST_OK;
    TRY(copy_next_line(&cf->parser, cf->fields, cf->ncols, &n, &end, err));
    return cf->opt->header == HEADER_MATCH && !end ? check_header(cf, n, err) : ST_OK;
}

static Status fill_defaults(CopyFrom *cf, Error *err)
{
    for (int i = 0; i < cf->rel->desc->natts; i++)
        if (cf->defaults[i]) TRY(expr_eval(cf->defaults[i], &cf->ec, &cf->slot->values[i], &cf->slot->nulls[i], err));
    return ST_OK;
}

static Status insert_row(CopyFrom *cf, Error *err)
{
    bool pass = true;
    slot_store_virtual(cf->slot);
    TRY(fill_defaults(cf, err));
    if (cf->where) TRY(expr_qual(cf->where, &cf->ec, &pass, err));
    if (!pass) return ST_OK;
    if (failed(row_writer_insert(cf->writer, cf->slot, err))) return add_context(cf, NULL, err);
    cf->rows++;
    return ST_OK;
}

static Status all_rows(CopyFrom *cf, Error *err)
{
    bool end = false;
    TRY(start_data(cf, err));
    for (;;) {
        arena_reset(&cf->row_arena);
        memset(cf->slot->nulls, 1, (size_t)cf->rel->desc->natts);
        TRY(cf->opt->format == COPY_BINARY ? binary_row(cf, &end, err) : text_row(cf, &end, err));
        if (end) return ST_OK;
        TRY(insert_row(cf, err));
        TRY(INTERRUPT_CHECK(cf->call->env->interrupt, err));
    }
}

static Status run(CopyFrom *cf, CopyStmt *stmt, CopySource *source, Error *err)
{
    Status st;
    arena_init(&cf->row_arena, cf->call->env->account, 4096);
    copy_parser_init(&cf->parser, source, cf->opt, cf->call->env->account);
    TRY_GOTO(st, prepare(cf, stmt, err), done);
    TRY_GOTO(st, row_writer_open(cf->call->env, cf->rel, cf->call->env->account, &cf->writer, err), done);
    if (!stmt->filename) TRY_GOTO(st, command_hooks->copy_in_begin(cf->call->env, cf->ncols, cf->opt->format == COPY_BINARY, err), done);
    st = all_rows(cf, err);
done:
    if (cf->writer) st = first_error(st, row_writer_close(cf->writer, err));
    copy_parser_free(&cf->parser);
    arena_destroy(&cf->row_arena);
    return st;
}

Status copy_from(CommandCall *call, CopyStmt *stmt, const CopyOptions *opt, uint64_t *rows, Error *err)
{
    CopySource source = {.read = stmt->filename ? read_file : read_client, .env = call->env};
    CopyFrom cf = {.call = call, .opt = opt};
    TRY(rangevar_relation(call->env, stmt->relation, LOCK_ROW_EXCLUSIVE, false, &cf.rel, err));
    TRY(check_target(&cf, err));
    TRY(acl_check_relation(call->env, cf.rel->oid, ACL_INSERT, false, err));
    cf.io = session_io(call->env, &cf.row_arena);
    if (stmt->filename) {
        source.file = fopen(stmt->filename, "r");
        if (!source.file) {
            error_set(err, errno == ENOENT ? ERR_UNDEFINED_FILE : ERR_IO_ERROR, "could not open file \"%s\" for reading: %s", stmt->filename, strerror(errno));
            return error_hint(err, "COPY FROM instructs the PostgreSQL server process to read a file. You may want a client-side facility such as psql's \\copy.");
        }
    }
    Status st = run(&cf, stmt, &source, err);
    if (source.file) fclose(source.file);
    *rows = cf.rows;
    return st;
}
