/* COPY: options, column lists, permissions; the directions are copy_from.c and copy_to.c. */
#include "commands/copy_internal.h"

#include <inttypes.h>
#include <stdio.h>

#include "parser/parse_text.h"

const char COPY_SIGNATURE[11] = {'P', 'G', 'C', 'O', 'P', 'Y', '\n', '\377', '\r', '\n', '\0'};

typedef struct Seen { bool format, freeze, delimiter, null, header, quote, escape, force_quote, force_not_null, force_null, encoding; } Seen;

static Status once(bool *seen, Error *err)
{
    if (*seen) return error_set(err, ERR_SYNTAX_ERROR, "conflicting or redundant options");
    *seen = true;
    return ST_OK;
}

static Status header_option(const DefElem *item, CopyOptions *o, Error *err)
{
    const char *s = def_string(item);
    bool on;
    if (s && !strcasecmp(s, "match")) {
        o->header = HEADER_MATCH;
        return ST_OK;
    }
    Error inner = ERROR_INIT;
    if (failed(def_bool(item, &on, &inner))) {
        error_clear(&inner);
        return error_set(err, ERR_SYNTAX_ERROR, "%s requires a Boolean value or \"match\"", item->defname);
    }
    o->header = on ? HEADER_TRUE : HEADER_NONE;
    return ST_OK;
}

static Status format_option(const DefElem *item, CopyOptions *o, Error *err)
{
    const char *s = def_string(item);
    if (s && !strcmp(s, "text")) o->format = COPY_TEXT;
    else if (s && !strcmp(s, "csv")) o->format = COPY_CSV;
    else if (s && !strcmp(s, "binary")) o->format = COPY_BINARY;
    else return error_set(err, ERR_INVALID_PARAMETER_VALUE, "COPY format \"%s\" not recognized", s ? s : "");
    return ST_OK;
}

/* `*` or a list of column names. */
static Status force_option(const DefElem *item, const List **list, bool *all, Error *err)
{
    if (item->arg && IsA(item->arg, List)) *list = (const List *)item->arg;
    else if (all && def_string(item) && !strcmp(def_string(item), "*")) *all = true;
    else return error_set(err, ERR_INVALID_PARAMETER_VALUE, "argument to option \"%s\" must be a list of column names", item->defname);
    return ST_OK;
}

static Status encoding_option(const DefElem *item, Error *err)
{
    const char *s = def_string(item);
    if (s && (!strcasecmp(s, "utf8") || !strcasecmp(s, "utf-8") || !strcasecmp(s, "unicode") || !strcasecmp(s, "sql_ascii"))) return ST_OK;
    return error_unsupported(err, "COPY in an encoding other than UTF8");
}

static Status one_option(const DefElem *item, CopyOptions *o, Seen *seen, const char **delim, const char **quote, const char **escape, Error *err)
{
    const char *name = item->defname;
    if (!strcmp(name, "format")) { TRY(once(&seen->format, err)); return format_option(item, o, err); }
    if (!strcmp(name, "freeze")) { TRY(once(&seen->freeze, err)); return def_bool(item, &o->freeze, err); }
    if (!strcmp(name, "delimiter")) { TRY(once(&seen->delimiter, err)); *delim = def_string(item); return ST_OK; }
    if (!strcmp(name, "null")) { TRY(once(&seen->null, err)); o->null_print = def_string(item); return ST_OK; }
    if (!strcmp(name, "header")) { TRY(once(&seen->header, err)); return header_option(item, o, err); }
    if (!strcmp(name, "quote")) { TRY(once(&seen->quote, err)); *quote = def_string(item); return ST_OK; }
    if (!strcmp(name, "escape")) { TRY(once(&seen->escape, err)); *escape = def_string(item); return ST_OK; }
    if (!strcmp(name, "force_quote")) { TRY(once(&seen->force_quote, err)); return force_option(item, &o->force_quote, &o->force_quote_all, err); }
    if (!strcmp(name, "force_not_null")) { TRY(once(&seen->force_not_null, err)); return force_option(item, &o->force_not_null, NULL, err); }
    if (!strcmp(name, "force_null")) { TRY(once(&seen->force_null, err)); return force_option(item, &o->force_null, NULL, err); }
    if (!strcmp(name, "encoding")) { TRY(once(&seen->encoding, err)); return encoding_option(item, err); }
    return error_set(err, ERR_SYNTAX_ERROR, "option \"%s\" not recognized", name);
}

static Status need_csv(bool used, const CopyOptions *o, const char *what, Error *err)
{
    if (used && o->format != COPY_CSV) return error_set(err, ERR_FEATURE_NOT_SUPPORTED, "COPY %s available only in CSV mode", what);
    return ST_OK;
}

static Status check_combination(const CopyStmt *stmt, CopyOptions *o, const Seen *seen, const char *delim, const char *quote, const char *escape, Error *err)
{
    if (o->format == COPY_BINARY && delim) return error_set(err, ERR_SYNTAX_ERROR, "cannot specify DELIMITER in BINARY mode");
    if (o->format == COPY_BINARY && seen->null) return error_set(err, ERR_SYNTAX_ERROR, "cannot specify NULL in BINARY mode");
    if (o->format == COPY_BINARY && o->header) return error_set(err, ERR_FEATURE_NOT_SUPPORTED, "cannot specify HEADER in BINARY mode");
    if (delim && strlen(delim) != 1) return error_set(err, ERR_FEATURE_NOT_SUPPORTED, "COPY delimiter must be a single one-byte character");
    if (delim && (*delim == '\n' || *delim == '\r'))
        return error_set(err, ERR_INVALID_PARAMETER_VALUE, "COPY delimiter cannot be newline or carriage return");
    if (strpbrk(o->null_print, "\r\n"))
        return error_set(err, ERR_INVALID_PARAMETER_VALUE, "COPY null representation cannot use newline or carriage return");
    if (o->format != COPY_CSV && delim && strchr("\\.abcdefghijklmnopqrstuvwxyz0123456789", *delim))
        return error_set(err, ERR_INVALID_PARAMETER_VALUE, "COPY delimiter cannot be \"%s\"", delim);
    TRY(need_csv(quote != NULL, o, "quote", err));
    TRY(need_csv(escape != NULL, o, "escape", err));
    TRY(need_csv(seen->force_quote, o, "force quote", err));
    TRY(need_csv(seen->force_not_null, o, "force not null", err));
    TRY(need_csv(seen->force_null, o, "force null", err));
    if (quote && strlen(quote) != 1) return error_set(err, ERR_FEATURE_NOT_SUPPORTED, "COPY quote must be a single one-byte character");
    if (escape && strlen(escape) != 1) return error_set(err, ERR_FEATURE_NOT_SUPPORTED, "COPY escape must be a single one-byte character");
    if (o->format == COPY_CSV && o->delim == o->quote) return error_set(err, ERR_INVALID_PARAMETER_VALUE, "COPY delimiter and quote must be different");
    if (seen->force_quote && stmt->is_from) return error_set(err, ERR_FEATURE_NOT_SUPPORTED, "COPY force quote only available using COPY TO");
    if (seen->force_not_null && !stmt->is_from) return error_set(err, ERR_FEATURE_NOT_SUPPORTED, "COPY force not null only available using COPY FROM");
    if (seen->force_null && !stmt->is_from) return error_set(err, ERR_FEATURE_NOT_SUPPORTED, "COPY force null only available using COPY FROM");
    if (o->format != COPY_BINARY && strchr(o->null_print, o->delim))
        return error_set(err, ERR_FEATURE_NOT_SUPPORTED, "COPY delimiter must not appear in the NULL specification");
    if (o->format == COPY_CSV && strchr(o->null_print, o->quote))
        return error_set(err, ERR_FEATURE_NOT_SUPPORTED, "CSV quote character must not appear in the NULL specification");
    if (o->header == HEADER_MATCH && !stmt->is_from) return error_set(err, ERR_INVALID_PARAMETER_VALUE, "cannot use \"%s\" with HEADER in COPY TO", "match");
    return ST_OK;
}

Status copy_options(CommandCall *call, const CopyStmt *stmt, CopyOptions *o, Error *err)
{
    Seen seen = {0};
    const char *delim = NULL, *quote = NULL, *escape = NULL;
    memset(o, 0, sizeof *o);
    LIST_EACH(DefElem *, item, stmt->options)
        if (failed(one_option(item, o, &seen, &delim, &quote, &escape, err))) return parser_error_position(err, call->sql, item->location);
    if (!o->null_print) o->null_print = o->format == COPY_CSV ? "" : "\\N";
    o->delim = delim && *delim ? *delim : o->format == COPY_CSV ? ',' : '\t';
    o->quote = quote && *quote ? *quote : '"';
    o->escape = escape && *escape ? *escape : o->quote;
    o->null_len = strlen(o->null_print);
    return check_combination(stmt, o, &seen, delim, quote, escape, err);
}

bool copy_column_in(const List *names, const char *column)
{
    LIST_EACH(String *, s, names)
        if (!strcmp(s->sval, column)) return true;
    return false;
}

Status copy_columns(CommandCall *call, const Relation *rel, const CopyStmt *stmt, int **attnums, int *n, Error *err)
{
    *n = 0;
    TRY_NEW_N(*attnums, call->arena, rel->desc->natts + list_len(stmt->attlist) + 1, err);
    for (int i = 0; !stmt->attlist && i < rel->desc->natts; i++)
        if (!rel->desc->atts[i].dropped && !rel->columns[i].generated) (*attnums)[(*n)++] = i + 1;
    LIST_EACH(String *, name, stmt->attlist) {
        int attnum = relation_find_column(rel, name->sval);
        if (attnum <= 0) return error_set(err, ERR_UNDEFINED_COLUMN, "column \"%s\" of relation \"%s\" does not exist", name->sval, rel->name);
        if (rel->columns[attnum - 1].generated) {
            error_set(err, ERR_INVALID_COLUMN_REFERENCE, "column \"%s\" is a generated column", name->sval);
            return error_detail(err, "Generated columns cannot be used in COPY.");
        }
        for (int i = 0; i < *n; i++)
            if ((*attnums)[i] == attnum) return error_set(err, ERR_DUPLICATE_COLUMN, "column \"%s\" specified more than once", name->sval);
        (*attnums)[(*n)++] = attnum;
    }
    return ST_OK;
}

Status cmd_CopyStmt(CommandCall *call, CopyStmt *stmt, Error *err)
{
    CopyOptions opt;
    uint64_t rows = 0;
    if (stmt->is_program) return error_unsupported(err, "COPY to or from a program");
    if (stmt->filename && !call->env->is_superuser) {
        error_set(err, ERR_INSUFFICIENT_PRIVILEGE, "must be superuser or have privileges of the pg_%s_server_files role to COPY %s a file",
                  stmt->is_from ? "read" : "write", stmt->is_from ? "from" : "to");
        return error_hint(err, "Anyone can COPY to stdout or from stdin. psql's \\copy command also works for anyone.");
    }
    TRY(copy_options(call, stmt, &opt, err));
    TRY(stmt->is_from ? copy_from(call, stmt, &opt, &rows, err) : copy_to(call, stmt, &opt, &rows, err));
    snprintf(call->tag, 64, "COPY %" PRIu64, rows);
    return ST_OK;
}
