/* SQL values as JSON: to_json, row_to_json, json_build_*, json_agg and their jsonb twins. */
#include <math.h>
#include <stdio.h>

#include "common/thread.h"
#include "functions/fn_agg.h"
#include "functions/fn_json.h"
#include "types/record.h"

static void put_string(StrBuf *out, const StrBuf *text) { json_put_string(out, strbuf_slice(text)); }

/* ISO 8601 with T, and minutes in the offset. */
static void put_stamp(CallFrame *cf, Oid type, Datum v, StrBuf *out)
{
    FormatOptions iso = *fn_format(cf);
    StrBuf sb;
    iso.datestyle = DATESTYLE_ISO;
    strbuf_init(&sb, cf->arena);
    if (type == TYPE_date) datetime_print_date(&iso, datum_get_i32(v), &sb);
    else if (type == TYPE_timestamp) datetime_print_timestamp(&iso, datum_get_i64(v), &sb);
    else datetime_print_timestamptz(&iso, datum_get_i64(v), &sb);
    char *blank = sb.len ? strchr(sb.data, ' ') : NULL;
    bool finite = sb.len && sb.data[0] >= '0' && sb.data[0] <= '9';
    if (blank && type != TYPE_date && finite) *blank = 'T';
    if (type == TYPE_timestamptz && finite) {
        size_t n = sb.len;
        char tail[8] = "";
        if (n > 3 && !strcmp(sb.data + n - 3, " BC")) {
            strcpy(tail, " BC");
            sb.len = n -= 3;
        }
        if (n > 3 && (sb.data[n - 3] == '+' || sb.data[n - 3] == '-')) strbuf_str(&sb, ":00");
        strbuf_str(&sb, tail);
    }
    put_string(out, &sb);
}

static STATUS put_array(CallFrame *cf, Datum v, bool pretty, StrBuf *out)
{
    ArrayView view;
    ArrayIter it;
    Datum d;
    bool null;
    int count[ARRAY_MAX_DIMS] = {0};
    TRY(array_open(v, &view, cf->err));
    if (!view.nitems) {
        strbuf_str(out, "[]");
        return ST_OK;
    }
    const TypeInfo *elem = fn_type(cf, view.elem);
    if (!elem) return ST_FAILED;
    array_iter_init(&it, &view, elem);
    for (int dim = 0; dim < view.ndim; dim++) strbuf_char(out, '[');
    for (int i = 0; array_next(&it, &d, &null); i++) {
        if (i) {
            int closed = 0;
            for (int dim = view.ndim - 1; dim > 0 && ++count[dim] == view.dims[dim]; dim--) {
                count[dim] = 0;
                closed++;
            }
            for (int k = 0; k < closed; k++) strbuf_char(out, ']');
            strbuf_char(out, ',');
            if (pretty && closed >= view.ndim - 1) strbuf_str(out, "\n ");
            for (int k = 0; k < closed; k++) strbuf_char(out, '[');
        }
        TRY(json_put_value(cf, view.elem, d, null, false, out));
    }
    for (int dim = 0; dim < view.ndim; dim++) strbuf_char(out, ']');
    return ST_OK;
}

static STATUS put_row(CallFrame *cf, Oid type, Datum v, bool pretty, StrBuf *out)
{
    RecordView view;
    RecordIter it;
    RecordColumn col;
    TRY(record_open(v, &view, cf->err));
    Oid row = view.row_type && view.row_type != TYPE_record ? view.row_type : type;
    const TupleDesc *desc = row != TYPE_record && cf->env ? type_row_desc(cf->env, row, cf->arena) : NULL;
    bool any = false;
    strbuf_char(out, '{');
    record_iter_init(&it, &view);
    for (int i = 0; record_next(&it, &col); i++) {
        char name[16];
        snprintf(name, sizeof name, "f%d", i + 1);
        if (desc && i < desc->natts && desc->atts[i].dropped) continue;
        if (any) strbuf_str(out, pretty ? ",\n " : ",");
        any = true;
        json_put_string(out, slice_cstr(desc && i < desc->natts ? desc->atts[i].name : name));
        strbuf_char(out, ':');
        TRY(json_put_value(cf, col.type, col.value, col.is_null, false, out));
    }
    strbuf_char(out, '}');
    return ST_OK;
}

static bool is_number(Oid t)
{
    return t == TYPE_int2 || t == TYPE_int4 || t == TYPE_int8 || t == TYPE_float4 || t == TYPE_float8 || t == TYPE_numeric;
}

STATUS json_put_value(CallFrame *cf, Oid type, Datum v, bool isnull, bool pretty, StrBuf *out)
{
    StrBuf sb;
    TRY(stack_check(cf->err));
    if (isnull) {
        strbuf_str(out, "null");
        return ST_OK;
    }
    const TypeInfo *t = fn_type(cf, type);
    if (!t) return ST_FAILED;
    if (t->typtype == 'd' && t->base) return json_put_value(cf, t->base, v, false, pretty, out);
    if (type == TYPE_bool) {
        strbuf_str(out, v ? "true" : "false");
        return ST_OK;
    }
    if (type == TYPE_date || type == TYPE_timestamp || type == TYPE_timestamptz) {
        put_stamp(cf, type, v, out);
        return ST_OK;
    }
    if (t->is_array) return put_array(cf, v, pretty, out);
    if (t->typtype == 'c' || type == TYPE_record) return put_row(cf, type, v, pretty, out);
    strbuf_init(&sb, cf->arena);
    TRY(fn_output(cf, type, v, &sb));
    TRY(strbuf_check(&sb, cf->err));
    bool raw = type == TYPE_json || type == TYPE_jsonb;
    if (is_number(type)) { /* NaN and infinities are no JSON numbers */
        char c = sb.len ? sb.data[sb.data[0] == '-' ? 1 : 0] : 0;
        raw = c >= '0' && c <= '9';
    }
    if (raw) strbuf_append(out, sb.data, sb.len);
    else put_string(out, &sb);
    return strbuf_check(out, cf->err);
}

STATUS json_put_key(CallFrame *cf, Oid type, Datum v, StrBuf *out)
{
    StrBuf sb;
    const TypeInfo *t = fn_type(cf, type);
    if (!t) return ST_FAILED;
    if (t->is_array || t->typtype == 'c' || type == TYPE_record || type == TYPE_json || type == TYPE_jsonb)
        return error_set(cf->err, ERR_INVALID_PARAMETER_VALUE, "key value must be scalar, not array, composite, or json");
    strbuf_init(&sb, cf->arena);
    if (type == TYPE_date || type == TYPE_timestamp || type == TYPE_timestamptz) {
        put_stamp(cf, type, v, out);
        return ST_OK;
    }
    if (type == TYPE_bool) strbuf_str(&sb, v ? "true" : "false");
    else TRY(fn_output(cf, type, v, &sb));
    put_string(out, &sb);
    return strbuf_check(out, cf->err);
}

Datum json_to_jsonb(CallFrame *cf, const StrBuf *json)
{
    Datum d = 0;
    FTRY(strbuf_check(json, cf->err));
    FTRY(jsonb_from_text(cf->arena, strbuf_slice(json), &d, cf->err));
    return d;
}

/* ---- conversion ---- */
static Datum convert(CallFrame *cf, bool pretty, bool binary)
{
    StrBuf sb;
    strbuf_init(&sb, cf->arena);
    FTRY(json_put_value(cf, cf->arg_types[0], cf->args[0], false, pretty, &sb));
    return binary ? json_to_jsonb(cf, &sb) : fn_return_buf(cf, &sb);
}
FN(to_json) { return convert(cf, false, false); }
FN(to_jsonb) { return convert(cf, false, true); }
FN(row_to_json) { return convert(cf, false, false); }
FN(row_to_json_pretty) { return convert(cf, ARG_BOOL(1), false); }
FN(array_to_json) { return convert(cf, false, false); }
FN(array_to_json_pretty) { return convert(cf, ARG_BOOL(1), false); }

/* ---- json_build_object, json_build_array ---- */
typedef struct Args { int n; Datum *v; bool *nulls; const Oid *types; Oid type; } Args;
static bool arguments(CallFrame *cf, Args *a)
{
    ArrayView view;
    *a = (Args){.n = cf->nargs, .v = cf->args, .nulls = cf->nulls, .types = cf->arg_types};
    if (!cf->variadic_array) return true;
    *a = (Args){0};
    if (cf->nulls[0] || failed(array_open(cf->args[0], &view, cf->err))) {
        cf->isnull = true;
        return false;
    }
    if (!view.nitems) return true;
    const TypeInfo *elem = fn_type(cf, view.elem);
    a->type = view.elem;
    return elem && !failed(array_deconstruct(cf->arena, cf->args[0], elem, &a->v, &a->nulls, &a->n, cf->err));
}
static Oid type_at(const Args *a, int i) { return a->types ? a->types[i] : a->type; }

static Datum build_object(CallFrame *cf, const char *name, bool binary)
{
    Args a;
    StrBuf sb;
    strbuf_init(&sb, cf->arena);
    if (!arguments(cf, &a)) return 0;
    if (a.n % 2) {
        error_set(cf->err, ERR_INVALID_PARAMETER_VALUE, "argument list must have even number of elements");
        error_hint(cf->err, "The arguments of %s() must consist of alternating keys and values.", name);
        return 0;
    }
    strbuf_char(&sb, '{');
    for (int i = 0; i < a.n; i += 2) {
        if (i) strbuf_str(&sb, ", ");
        if (a.nulls[i]) {
            if (binary) return CALL_ERROR(cf, ERR_INVALID_PARAMETER_VALUE, "argument %d: key must not be null", i + 1);
            error_set(cf->err, ERR_INVALID_PARAMETER_VALUE, "argument %d cannot be null", i + 1);
            error_hint(cf->err, "Object keys should be text.");
            return 0;
        }
        FTRY(json_put_key(cf, type_at(&a, i), a.v[i], &sb));
        strbuf_str(&sb, " : ");
        FTRY(json_put_value(cf, type_at(&a, i + 1), a.v[i + 1], a.nulls[i + 1], false, &sb));
    }
    strbuf_char(&sb, '}');
    return binary ? json_to_jsonb(cf, &sb) : fn_return_buf(cf, &sb);
}
static Datum build_array(CallFrame *cf, bool binary)
{
    Args a;
    StrBuf sb;
    strbuf_init(&sb, cf->arena);
    if (!arguments(cf, &a)) return 0;
    strbuf_char(&sb, '[');
    for (int i = 0; i < a.n; i++) {
        if (i) strbuf_str(&sb, ", ");
        FTRY(json_put_value(cf, type_at(&a, i), a.v[i], a.nulls[i], false, &sb));
    }
    strbuf_char(&sb, ']');
    return binary ? json_to_jsonb(cf, &sb) : fn_return_buf(cf, &sb);
}
FN(json_build_object) { return build_object(cf, "json_build_object", false); }
FN(json_build_object_noargs) { return build_object(cf, "json_build_object", false); }
FN(jsonb_build_object) { return build_object(cf, "jsonb_build_object", true); }
FN(jsonb_build_object_noargs) { return build_object(cf, "jsonb_build_object", true); }
FN(json_build_array) { return build_array(cf, false); }
FN(json_build_array_noargs) { return build_array(cf, false); }
FN(jsonb_build_array) { return build_array(cf, true); }
FN(jsonb_build_array_noargs) { return build_array(cf, true); }

/* json_object('{k,v,k,v}'), json_object('{k,k}', '{v,v}') */
static Datum object_of_texts(CallFrame *cf, bool binary)
{
    Datum *k, *v = NULL;
    bool *kn, *vn = NULL;
    int n, m = 0;
    ArrayView view;
    StrBuf sb;
    strbuf_init(&sb, cf->arena);
    FTRY(array_open(cf->args[0], &view, cf->err));
    FTRY(array_deconstruct(cf->arena, cf->args[0], type_builtin(TYPE_text), &k, &kn, &n, cf->err));
    bool two = cf->nargs > 1;
    if (two) FTRY(array_deconstruct(cf->arena, cf->args[1], type_builtin(TYPE_text), &v, &vn, &m, cf->err));
    if (view.ndim > 2 || (two && view.ndim > 1)) return CALL_ERROR(cf, ERR_ARRAY_SUBSCRIPT_ERROR, "wrong number of array subscripts");
    if (!two && view.ndim == 2 && view.dims[1] != 2) return CALL_ERROR(cf, ERR_ARRAY_SUBSCRIPT_ERROR, "array must have two columns");
    if (!two && n % 2) return CALL_ERROR(cf, ERR_ARRAY_SUBSCRIPT_ERROR, "array must have even number of elements");
    if (two && n != m) return CALL_ERROR(cf, ERR_ARRAY_SUBSCRIPT_ERROR, "mismatched array dimensions");
    strbuf_char(&sb, '{');
    for (int i = 0; i < n; i += two ? 1 : 2) {
        if (kn[i]) return CALL_ERROR(cf, ERR_NULL_VALUE_NOT_ALLOWED, "null value not allowed for object key");
        bool null = two ? vn[i] : kn[i + 1];
        if (i) strbuf_str(&sb, ", ");
        json_put_string(&sb, varlena_slice(k[i]));
        strbuf_str(&sb, " : ");
        if (null) strbuf_str(&sb, "null");
        else json_put_string(&sb, varlena_slice(two ? v[i] : k[i + 1]));
    }
    strbuf_char(&sb, '}');
    return binary ? json_to_jsonb(cf, &sb) : fn_return_buf(cf, &sb);
}
FN(json_object) { return object_of_texts(cf, false); }
FN(json_object_two_arg) { return object_of_texts(cf, false); }
FN(jsonb_object) { return object_of_texts(cf, true); }
FN(jsonb_object_two_arg) { return object_of_texts(cf, true); }

/* ---- aggregates: the state is the text so far ---- */
static StrBuf *text_state(CallFrame *cf, const char *open)
{
    bool first = cf->nulls[0];
    StrBuf *sb = agg_state(cf, sizeof *sb);
    if (!sb) return NULL;
    if (first) {
        strbuf_init(sb, agg_arena_of(cf));
        strbuf_str(sb, open);
    }
    return sb;
}
static Datum agg_add(CallFrame *cf)
{
    bool first = cf->nulls[0];
    StrBuf *sb = text_state(cf, "[");
    if (!sb) return 0;
    const TypeInfo *t = fn_type(cf, cf->arg_types[1]);
    if (!t) return 0;
    if (!first) {
        strbuf_str(sb, ", ");
        if (!cf->nulls[1] && (t->is_array || t->typtype == 'c' || t->oid == TYPE_record)) strbuf_str(sb, "\n ");
    }
    FTRY(json_put_value(cf, cf->arg_types[1], cf->args[1], cf->nulls[1], false, sb));
    return datum_ptr(sb);
}
FN(json_agg_transfn) { return agg_add(cf); }
FN(jsonb_agg_transfn) { return agg_add(cf); }
static Datum object_agg_add(CallFrame *cf)
{
    bool first = cf->nulls[0];
    StrBuf *sb = text_state(cf, "{ ");
    if (!sb) return 0;
    if (cf->nulls[1]) return CALL_ERROR(cf, ERR_INVALID_PARAMETER_VALUE, "field name must not be null");
    if (!first) strbuf_str(sb, ", ");
    FTRY(json_put_key(cf, cf->arg_types[1], cf->args[1], sb));
    strbuf_str(sb, " : ");
    FTRY(json_put_value(cf, cf->arg_types[2], cf->args[2], cf->nulls[2], false, sb));
    return datum_ptr(sb);
}
FN(json_object_agg_transfn) { return object_agg_add(cf); }
FN(jsonb_object_agg_transfn) { return object_agg_add(cf); }
static Datum agg_finish(CallFrame *cf, const char *close, bool binary)
{
    StrBuf sb;
    if (cf->nulls[0]) RETURN_NULL();
    const StrBuf *state = (const StrBuf *)(uintptr_t)cf->args[0];
    strbuf_init(&sb, cf->arena);
    strbuf_append(&sb, state->data, state->len);
    strbuf_str(&sb, close);
    return binary ? json_to_jsonb(cf, &sb) : fn_return_buf(cf, &sb);
}
FN(json_agg_finalfn) { return agg_finish(cf, "]", false); }
FN(jsonb_agg_finalfn) { return agg_finish(cf, "]", true); }
FN(json_object_agg_finalfn) { return agg_finish(cf, " }", false); }
FN(jsonb_object_agg_finalfn) { return agg_finish(cf, " }", true); }
