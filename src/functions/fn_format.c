/* Quoting and format(). */
#include <stdlib.h>

#include "catalog/deparse.h"
#include "catalog/name_lookup.h"
#include "functions/fn.h"

static Datum quote_ident_of(CallFrame *cf, Slice s)
{
    char *text = arena_strndup(cf->arena, s.data, s.len);
    FTRY_MEM(text);
    return call_return_cstr(cf, quote_identifier(cf->arena, text));
}
static Datum quote_literal_of(CallFrame *cf, Slice s)
{
    char *text = arena_strndup(cf->arena, s.data, s.len);
    FTRY_MEM(text);
    return call_return_cstr(cf, quote_literal_text(cf->arena, text));
}
FN(quote_ident) { return quote_ident_of(cf, ARG_TEXT(0)); }
FN(quote_literal) { return quote_literal_of(cf, ARG_TEXT(0)); }
FN(quote_nullable) { return cf->nulls[0] ? call_return_cstr(cf, "NULL") : quote_literal_of(cf, ARG_TEXT(0)); }
static Datum quote_any(CallFrame *cf)
{
    StrBuf sb;
    strbuf_init(&sb, cf->arena);
    FTRY(fn_output(cf, cf->arg_types[0], cf->args[0], &sb));
    return quote_literal_of(cf, strbuf_slice(&sb));
}
FN(sql_quote_literal) { return quote_any(cf); }
FN(sql_quote_nullable) { return cf->nulls[0] ? call_return_cstr(cf, "NULL") : quote_any(cf); }

/* ---- format(fmt, ...): %[n$][-][width]{s,I,L,%} ---- */
typedef struct Args { CallFrame *cf; int n, next; Datum *v; bool *nulls; Oid elem; } Args;

static bool arg_text(Args *a, int i, StrBuf *sb, bool *null)
{
    CallFrame *cf = a->cf;
    if (i < 1 || i > a->n) {
        error_set(cf->err, ERR_INVALID_PARAMETER_VALUE, "too few arguments for format()");
        return false;
    }
    Datum v = a->v ? a->v[i - 1] : cf->args[i];
    *null = a->v ? a->nulls[i - 1] : cf->nulls[i];
    return *null || !failed(fn_output(cf, a->elem ? a->elem : cf->arg_types[i], v, sb));
}

static bool number(Slice f, size_t *i, int *out, CallFrame *cf)
{
    bool any = false;
    int64_t v = 0;
    while (*i < f.len && f.data[*i] >= '0' && f.data[*i] <= '9') {
        v = v * 10 + (f.data[(*i)++] - '0');
        any = true;
        if (v > INT32_MAX) {
            error_set(cf->err, ERR_NUMERIC_VALUE_OUT_OF_RANGE, "number is out of range");
            return false;
        }
    }
    *out = (int)v;
    return any;
}

static bool width_arg(Args *a, int i, int *width)
{
    StrBuf sb;
    bool null;
    strbuf_init(&sb, a->cf->arena);
    if (!arg_text(a, i, &sb, &null)) return false;
    *width = null ? 0 : atoi(strbuf_cstr(&sb));
    return true;
}

static bool one_spec(Args *a, Slice f, size_t *i, StrBuf *out)
{
    CallFrame *cf = a->cf;
    int argpos = 0, width = 0, n, widthpos = -1;
    bool left = false, null = false;
    StrBuf sb;
    if (number(f, i, &n, cf)) {
        if (*i < f.len && f.data[*i] == '$') {
            argpos = n;
            ++*i;
            if (n == 0) {
                error_set(cf->err, ERR_INVALID_PARAMETER_VALUE, "format specifies argument 0, but arguments are numbered from 1");
                return false;
            }
        } else {
            width = n;
        }
    }
    if (!fn_ok(cf)) return false;
    while (*i < f.len && f.data[*i] == '-') left = true, ++*i;
    if (*i < f.len && f.data[*i] == '*') {
        ++*i;
        widthpos = 0;
        if (number(f, i, &n, cf)) {
            if (*i >= f.len || f.data[*i] != '$') {
                error_set(cf->err, ERR_INVALID_PARAMETER_VALUE, "width argument position must be ended by \"$\"");
                return false;
            }
            ++*i;
            widthpos = n;
            if (n == 0) {
                error_set(cf->err, ERR_INVALID_PARAMETER_VALUE, "format specifies argument 0, but arguments are numbered from 1");
                return false;
            }
        }
    } else if (number(f, i, &n, cf)) {
        width = n;
    }
    if (!fn_ok(cf)) return false;
    if (*i >= f.len) {
        error_set(cf->err, ERR_INVALID_PARAMETER_VALUE, "unterminated format() type specifier");
        error_hint(cf->err, "For a single \"%%\" use \"%%%%\".");
        return false;
    }
    uint8_t type = f.data[*i];
    if (type != 's' && type != 'I' && type != 'L') {
        error_set(cf->err, ERR_INVALID_PARAMETER_VALUE, "unrecognized format() type specifier \"%.*s\"", utf8_char_len(type), (const char *)f.data + *i);
        error_hint(cf->err, "For a single \"%%\" use \"%%%%\".");
        return false;
    }
    ++*i;
    if (widthpos >= 0) {
        if (widthpos == 0) widthpos = ++a->next;
        else a->next = widthpos;
        if (!width_arg(a, widthpos, &width)) return false;
        if (width < 0) left = true, width = -width;
    }
    if (argpos) a->next = argpos;
    else argpos = ++a->next;
    strbuf_init(&sb, cf->arena);
    if (!arg_text(a, argpos, &sb, &null)) return false;
    Slice s = strbuf_slice(&sb);
    if (type == 'I') {
        if (null) {
            error_set(cf->err, ERR_NULL_VALUE_NOT_ALLOWED, "null values cannot be formatted as an SQL identifier");
            return false;
        }
        s = slice_cstr(quote_identifier(cf->arena, strbuf_cstr(&sb)));
    } else if (type == 'L') {
        s = null ? slice_cstr("NULL") : slice_cstr(quote_literal_text(cf->arena, strbuf_cstr(&sb)));
    }
    size_t len = utf8_count(s), pad = (size_t)width > len ? (size_t)width - len : 0;
    if (!left) strbuf_fill(out, ' ', pad);
    strbuf_append(out, s.data, s.len);
    if (left) strbuf_fill(out, ' ', pad);
    return true;
}

static Datum format(CallFrame *cf)
{
    StrBuf out;
    Args a = {.cf = cf, .n = cf->nargs - 1};
    if (cf->nulls[0]) RETURN_NULL();
    if (cf->variadic_array && cf->nargs == 2) {
        ArrayView v;
        a.n = 0;
        if (!cf->nulls[1]) {
            FTRY(array_open(cf->args[1], &v, cf->err));
            const TypeInfo *elem = v.nitems ? fn_type(cf, v.elem) : NULL;
            if (v.nitems && !elem) return 0;
            if (elem) FTRY(array_deconstruct(cf->arena, cf->args[1], elem, &a.v, &a.nulls, &a.n, cf->err));
            a.elem = v.elem;
        }
        if (!a.v) a.n = 0;
    }
    Slice f = ARG_TEXT(0);
    strbuf_init(&out, cf->arena);
    for (size_t i = 0; i < f.len;) {
        if (f.data[i] != '%') {
            strbuf_char(&out, (char)f.data[i++]);
            continue;
        }
        if (++i >= f.len) {
            error_set(cf->err, ERR_INVALID_PARAMETER_VALUE, "unterminated format() type specifier");
            error_hint(cf->err, "For a single \"%%\" use \"%%%%\".");
            return 0;
        }
        if (f.data[i] == '%') {
            strbuf_char(&out, '%');
            i++;
        } else if (!one_spec(&a, f, &i, &out)) {
            return 0;
        }
    }
    return fn_return_buf(cf, &out);
}
FN(text_format) { return format(cf); }
FN(text_format_nv) { return format(cf); }

/* ---- parse_ident('"A".b') ---- */
FN(parse_ident)
{
    Slice s = ARG_TEXT(0);
    bool strict = cf->nargs < 2 || ARG_BOOL(1), after_dot = false;
    ArrayBuilder b;
    Datum out = 0;
    size_t i = 0;
    array_builder_init(&b, cf->arena, type_builtin(TYPE_text));
    while (i < s.len && s.data[i] == ' ') i++;
    for (;;) {
        StrBuf part;
        strbuf_init(&part, cf->arena);
        bool missing = true;
        if (i < s.len && s.data[i] == '"') {
            bool closed = false;
            for (i++; i < s.len; i++) {
                if (s.data[i] == '"') {
                    if (i + 1 < s.len && s.data[i + 1] == '"') i++;
                    else {
                        closed = true;
                        i++;
                        break;
                    }
                }
                strbuf_char(&part, (char)s.data[i]);
            }
            missing = false;
            if (!closed || !part.len) {
                error_set(cf->err, ERR_INVALID_PARAMETER_VALUE, "string is not a valid identifier: \"%.*s\"", (int)s.len, (const char *)s.data);
                error_detail(cf->err, closed ? "Quoted identifier must not be empty." : "String has unclosed double quotes.");
                return 0;
            }
        } else {
            while (i < s.len && (s.data[i] >= 0x80 || s.data[i] == '_' || (s.data[i] | 32) >= 'a' ? (s.data[i] >= 0x80 || s.data[i] == '_' || ((s.data[i] | 32) >= 'a' && (s.data[i] | 32) <= 'z')) : part.len && ((s.data[i] >= '0' && s.data[i] <= '9') || s.data[i] == '$'))) {
                uint8_t c = s.data[i++];
                strbuf_char(&part, (char)(c >= 'A' && c <= 'Z' ? c + 32 : c));
                missing = false;
            }
        }
        if (missing) {
            error_set(cf->err, ERR_INVALID_PARAMETER_VALUE, "string is not a valid identifier: \"%.*s\"", (int)s.len, (const char *)s.data);
            if (i < s.len && s.data[i] == '.') error_detail(cf->err, "No valid identifier before \".\".");
            else if (after_dot) error_detail(cf->err, "No valid identifier after \".\".");
            return 0;
        }
        Datum d = varlena_from_slice(cf->arena, strbuf_slice(&part));
        FTRY_MEM(d);
        FTRY(array_builder_add(&b, d, false, cf->err));
        while (i < s.len && s.data[i] == ' ') i++;
        if (i < s.len && s.data[i] == '.') {
            after_dot = true;
            i++;
            while (i < s.len && s.data[i] == ' ') i++;
            continue;
        }
        if (i < s.len && strict) {
            error_set(cf->err, ERR_INVALID_PARAMETER_VALUE, "string is not a valid identifier: \"%.*s\"", (int)s.len, (const char *)s.data);
            return 0;
        }
        break;
    }
    FTRY(array_builder_finish(&b, cf->arena, &out, cf->err));
    return out;
}
