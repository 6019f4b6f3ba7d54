/* Looking into json and jsonb: fields, elements, paths, keys, lengths, types. The json ones walk over the text, so that what they return
 * is the text as it was written. */
#include "functions/fn_json.h"

/* ---- walking over text that the type's input has checked ---- */
static const uint8_t *skip_space(const uint8_t *p, const uint8_t *end)
{
    while (p < end && (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r')) p++;
    return p;
}
static const uint8_t *skip_string(const uint8_t *p, const uint8_t *end)
{
    for (p++; p < end && *p != '"'; p++)
        if (*p == '\\') p++;
    return p < end ? p + 1 : end;
}
static const uint8_t *skip_value(const uint8_t *p, const uint8_t *end)
{
    int depth = 0;
    do {
        if (p >= end) return end;
        if (*p == '"') {
            p = skip_string(p, end);
        } else if (*p == '{' || *p == '[') {
            depth++;
            p++;
        } else if (*p == '}' || *p == ']') {
            depth--;
            p++;
        } else if (depth == 0) {
            while (p < end && !strchr(",}] \t\n\r:", *p)) p++;
        } else {
            p++;
        }
    } while (depth > 0);
    return p;
}

void json_walk(Slice s, JsonWalk *w)
{
    w->end = s.data + s.len;
    w->p = skip_space(s.data, w->end);
    w->is_object = w->p < w->end && *w->p == '{';
    w->is_array = w->p < w->end && *w->p == '[';
    if (w->is_object || w->is_array) w->p++;
}

bool json_walk_next(JsonWalk *w, Slice *key, Slice *value)
{
    if (!w->is_object && !w->is_array) return false;
    const uint8_t *p = skip_space(w->p, w->end);
    if (p < w->end && *p == ',') p = skip_space(p + 1, w->end);
    if (p >= w->end || *p == ']' || *p == '}') return false;
    if (w->is_object) {
        const uint8_t *start = p;
        p = skip_string(p, w->end);
        *key = slice_of(start, (size_t)(p - start));
        p = skip_space(p, w->end);
        p = skip_space(p + 1, w->end); /* the colon */
    }
    const uint8_t *start = p;
    p = skip_value(p, w->end);
    *value = slice_of(start, (size_t)(p - start));
    w->p = p;
    return true;
}

typedef struct Plain { Slice text; Arena *arena; } Plain;
static Status take_scalar(void *arg, JsonScalar kind, Slice text, Error *err)
{
    Plain *p = arg;
    p->text = slice_of(arena_memdup(p->arena, text.data, text.len ? text.len : 1), text.len);
    return p->text.data ? ST_OK : error_out_of_memory(err, text.len);
}
STATUS json_plain(CallFrame *cf, Slice v, Slice *out)
{
    static const JsonEvents events = {.scalar = take_scalar};
    Plain p = {.arena = cf->arena};
    *out = v;
    if (!v.len || v.data[0] != '"') return ST_OK;
    TRY(json_parse(cf->arena, v, &events, &p, cf->err));
    *out = p.text;
    return ST_OK;
}

static Datum give_json(CallFrame *cf, Slice v, bool as_text)
{
    if (!as_text) return call_return_text(cf, v);
    if (json_is_null(v)) RETURN_NULL();
    Slice plain;
    FTRY(json_plain(cf, v, &plain));
    return call_return_text(cf, plain);
}
static bool find_key(CallFrame *cf, Slice object, Slice key, Slice *out)
{
    JsonWalk w;
    Slice k, v, plain;
    bool found = false;
    json_walk(object, &w);
    if (!w.is_object) return false;
    while (json_walk_next(&w, &k, &v)) {
        if (failed(json_plain(cf, k, &plain))) return false;
        if (slice_equal(plain, key)) {
            *out = v;
            found = true;
        }
    }
    return found;
}
static int count_members(Slice s)
{
    JsonWalk w;
    Slice k, v;
    int n = 0;
    for (json_walk(s, &w); json_walk_next(&w, &k, &v);) n++;
    return n;
}
static bool find_element(Slice array, int64_t i, Slice *out)
{
    JsonWalk w;
    Slice k;
    json_walk(array, &w);
    if (!w.is_array) return false;
    if (i < 0 && (i += count_members(array)) < 0) return false;
    for (int64_t at = 0; json_walk_next(&w, &k, out); at++)
        if (at == i) return true;
    return false;
}
static Datum json_field(CallFrame *cf, bool as_text) { Slice v; if (!find_key(cf, ARG_TEXT(0), ARG_TEXT(1), &v)) RETURN_NULL(); return give_json(cf, v, as_text); }
static Datum json_elem(CallFrame *cf, bool as_text) { Slice v; if (!find_element(ARG_TEXT(0), ARG_I32(1), &v)) RETURN_NULL(); return give_json(cf, v, as_text); }
FN(json_object_field) { return json_field(cf, false); }
FN(json_object_field_text) { return json_field(cf, true); }
FN(json_array_element) { return json_elem(cf, false); }
FN(json_array_element_text) { return json_elem(cf, true); }

/* A path step as an index; false: no integer. */
static bool index_of(Slice s, int64_t *out)
{
    bool neg = s.len && s.data[0] == '-';
    size_t i = neg;
    *out = 0;
    if (i == s.len || s.len > 11) return false;
    for (; i < s.len; i++) {
        if (s.data[i] < '0' || s.data[i] > '9') return false;
        *out = *out * 10 + (s.data[i] - '0');
    }
    if (neg) *out = -*out;
    return *out >= INT32_MIN && *out <= INT32_MAX;
}
static bool path_of(CallFrame *cf, int arg, Datum **v, int *n)
{
    bool *nulls;
    if (failed(array_deconstruct(cf->arena, cf->args[arg], type_builtin(TYPE_text), v, &nulls, n, cf->err))) return false;
    for (int i = 0; i < *n; i++)
        if (nulls[i]) {
            cf->isnull = true;
            return false;
        }
    return true;
}
static Datum json_path(CallFrame *cf, bool as_text)
{
    Datum *path;
    int n;
    int64_t at;
    Slice v = ARG_TEXT(0);
    if (!path_of(cf, 1, &path, &n)) return 0;
    while (v.len && (*v.data == ' ' || *v.data == '\n' || *v.data == '\t' || *v.data == '\r')) v = slice_of(v.data + 1, v.len - 1);
    for (int i = 0; i < n; i++) {
        JsonWalk w;
        Slice step = varlena_slice(path[i]);
        json_walk(v, &w);
        bool ok = w.is_object ? find_key(cf, v, step, &v) : w.is_array && index_of(step, &at) && find_element(v, at, &v);
        if (!ok) RETURN_NULL();
    }
    return give_json(cf, v, as_text);
}
FN(json_extract_path) { return json_path(cf, false); }
FN(json_extract_path_text) { return json_path(cf, true); }

static const char *json_kind(Slice s)
{
    const uint8_t *p = skip_space(s.data, s.data + s.len);
    switch (p < s.data + s.len ? *p : 0) {
    case '{': return "object";
    case '[': return "array";
    case '"': return "string";
    case 't': case 'f': return "boolean";
    case 'n': return "null";
    default: return "number";
    }
}
FN(json_typeof) { return call_return_cstr(cf, json_kind(ARG_TEXT(0))); }
FN(json_array_length)
{
    const char *k = json_kind(ARG_TEXT(0));
    if (*k == 'o') return CALL_ERROR(cf, ERR_INVALID_PARAMETER_VALUE, "cannot get array length of a non-array");
    if (*k != 'a') return CALL_ERROR(cf, ERR_INVALID_PARAMETER_VALUE, "cannot get array length of a scalar");
    return datum_i32(count_members(ARG_TEXT(0)));
}

/* ---- sets over json ---- */
typedef struct WalkState { JsonWalk w; } WalkState;
static WalkState *walk_state(CallFrame *cf, bool object, const char *fn)
{
    WalkState *s = cf->site_state;
    Datum copy;
    if (s) return s;
    s = fn_site_alloc(cf, sizeof *s);
    if (!s) {
        fn_oom(cf);
        return NULL;
    }
    if (failed(datum_copy(cf->site_arena ? cf->site_arena : cf->arena, cf->args[0], false, -1, &copy, cf->err))) return NULL;
    json_walk(varlena_slice(copy), &s->w);
    if (object ? !s->w.is_object : !s->w.is_array) {
        bool scalar = !s->w.is_object && !s->w.is_array;
        if (!strcmp(fn, "json_object_keys")) error_set(cf->err, ERR_INVALID_PARAMETER_VALUE, "cannot call %s on %s", fn, scalar ? "a scalar" : "an array");
        else if (object) error_set(cf->err, ERR_INVALID_PARAMETER_VALUE, scalar ? "cannot deconstruct a scalar" : "cannot deconstruct an array as an object");
        else error_set(cf->err, ERR_INVALID_PARAMETER_VALUE, scalar ? "cannot call %s on a scalar" : "cannot call %s on a non-array", fn);
        return NULL;
    }
    return cf->site_state = s;
}
static Datum json_rows(CallFrame *cf, bool object, bool keys_only, bool as_text, const char *fn)
{
    Slice k, v, plain;
    WalkState *s = walk_state(cf, object, fn);
    if (!s) return 0;
    if (!json_walk_next(&s->w, &k, &v)) {
        cf->set->done = true;
        return 0;
    }
    if (!object) return give_json(cf, v, as_text);
    FTRY(json_plain(cf, k, &plain));
    Datum key = call_return_text(cf, plain);
    if (keys_only) return key;
    Datum value = give_json(cf, v, as_text);
    bool null = cf->isnull;
    cf->isnull = false;
    return fn_return_row(cf, 2, (Datum[]){key, value}, (bool[]){false, null});
}
FN(json_array_elements) { return json_rows(cf, false, false, false, "json_array_elements"); }
FN(json_array_elements_text) { return json_rows(cf, false, false, true, "json_array_elements_text"); }
FN(json_each) { return json_rows(cf, true, false, false, "json_each"); }
FN(json_each_text) { return json_rows(cf, true, false, true, "json_each_text"); }
FN(json_object_keys) { return json_rows(cf, true, true, false, "json_object_keys"); }

/* ---- jsonb ---- */
static bool root_of(CallFrame *cf, int arg, JsonbNode *out) { return !failed(jsonb_root(cf->args[arg], out, cf->err)); }
static Datum give_node(CallFrame *cf, JsonbNode n, bool as_text)
{
    StrBuf sb;
    Datum d = 0;
    if (!as_text) {
        FTRY(jsonb_from_node(cf->arena, n, &d, cf->err));
        return d;
    }
    if (jsonb_kind(n) == JSONB_NULL) RETURN_NULL();
    if (jsonb_kind(n) == JSONB_STRING) return call_return_text(cf, jsonb_string(n));
    strbuf_init(&sb, cf->arena);
    FTRY(jsonb_put_text(n, &sb, -1, cf->err));
    return fn_return_buf(cf, &sb);
}
static Datum jsonb_get(CallFrame *cf, bool by_index, bool as_text)
{
    JsonbNode n, v;
    if (!root_of(cf, 0, &n)) return 0;
    bool ok = by_index ? jsonb_kind(n) == JSONB_ARRAY && jsonb_element(n, ARG_I32(1), &v) : jsonb_find(n, ARG_TEXT(1), &v);
    if (!ok) RETURN_NULL();
    return give_node(cf, v, as_text);
}
FN(jsonb_object_field) { return jsonb_get(cf, false, false); }
FN(jsonb_object_field_text) { return jsonb_get(cf, false, true); }
FN(jsonb_array_element) { return jsonb_get(cf, true, false); }
FN(jsonb_array_element_text) { return jsonb_get(cf, true, true); }
static Datum jsonb_path(CallFrame *cf, bool as_text)
{
    JsonbNode n;
    Datum *path;
    int count;
    int64_t at;
    if (!root_of(cf, 0, &n) || !path_of(cf, 1, &path, &count)) return 0;
    for (int i = 0; i < count; i++) {
        Slice step = varlena_slice(path[i]);
        bool ok = jsonb_kind(n) == JSONB_OBJECT ? jsonb_find(n, step, &n) : jsonb_kind(n) == JSONB_ARRAY && index_of(step, &at) && jsonb_element(n, at, &n);
        if (!ok) RETURN_NULL();
    }
    return give_node(cf, n, as_text);
}
FN(jsonb_extract_path) { return jsonb_path(cf, false); }
FN(jsonb_extract_path_text) { return jsonb_path(cf, true); }
FN(jsonb_typeof) { JsonbNode n; return root_of(cf, 0, &n) ? call_return_cstr(cf, jsonb_kind_name(n)) : 0; }
FN(jsonb_array_length)
{
    JsonbNode n;
    if (!root_of(cf, 0, &n)) return 0;
    if (!jsonb_is_container(n)) return CALL_ERROR(cf, ERR_INVALID_PARAMETER_VALUE, "cannot get array length of a scalar");
    if (jsonb_kind(n) == JSONB_OBJECT) return CALL_ERROR(cf, ERR_INVALID_PARAMETER_VALUE, "cannot get array length of a non-array");
    return datum_i32((int32_t)jsonb_count(n));
}
FN(jsonb_pretty)
{
    JsonbNode n;
    StrBuf sb;
    if (!root_of(cf, 0, &n)) return 0;
    strbuf_init(&sb, cf->arena);
    FTRY(jsonb_put_text(n, &sb, 0, cf->err));
    return fn_return_buf(cf, &sb);
}

typedef struct NodeState { JsonbNode n; uint32_t next; } NodeState;
static Datum jsonb_rows(CallFrame *cf, bool object, bool keys_only, bool as_text, const char *fn)
{
    NodeState *s = cf->site_state;
    if (!s) {
        Datum copy;
        s = fn_site_alloc(cf, sizeof *s);
        FTRY_MEM(s);
        FTRY(datum_copy(cf->site_arena ? cf->site_arena : cf->arena, cf->args[0], false, -1, &copy, cf->err));
        FTRY(jsonb_root(copy, &s->n, cf->err));
        JsonbKind k = jsonb_kind(s->n);
        if (k != (object ? JSONB_OBJECT : JSONB_ARRAY)) {
            if (keys_only) return CALL_ERROR(cf, ERR_INVALID_PARAMETER_VALUE, "cannot call %s on %s", fn, k == JSONB_ARRAY ? "an array" : "a scalar");
            if (object) return CALL_ERROR(cf, ERR_INVALID_PARAMETER_VALUE, "cannot call %s on a non-object", fn);
            return CALL_ERROR(cf, ERR_INVALID_PARAMETER_VALUE, k == JSONB_OBJECT ? "cannot extract elements from an object" : "cannot extract elements from a scalar");
        }
        cf->site_state = s;
    }
    if (s->next >= jsonb_count(s->n)) {
        cf->set->done = true;
        return 0;
    }
    uint32_t i = s->next++;
    if (!object) return give_node(cf, jsonb_item(s->n, i), as_text);
    Datum key = call_return_text(cf, jsonb_key(s->n, i));
    if (keys_only) return key;
    Datum value = give_node(cf, jsonb_item(s->n, i), as_text);
    bool null = cf->isnull;
    cf->isnull = false;
    return fn_return_row(cf, 2, (Datum[]){key, value}, (bool[]){false, null});
}
FN(jsonb_array_elements) { return jsonb_rows(cf, false, false, false, "jsonb_array_elements"); }
FN(jsonb_array_elements_text) { return jsonb_rows(cf, false, false, true, "jsonb_array_elements_text"); }
FN(jsonb_each) { return jsonb_rows(cf, true, false, false, "jsonb_each"); }
FN(jsonb_each_text) { return jsonb_rows(cf, true, false, true, "jsonb_each_text"); }
FN(jsonb_object_keys) { return jsonb_rows(cf, true, true, false, "jsonb_object_keys"); }

/* ---- comparison, containment, existence ---- */
static int cmp_jsonb(CallFrame *cf)
{
    JsonbNode a, b;
    return root_of(cf, 0, &a) && root_of(cf, 1, &b) ? jsonb_compare_nodes(a, b) : 0;
}
FN_COMPARE_U(jsonb, cmp_jsonb(cf))
FN(jsonb_cmp) { return datum_i32(cmp_jsonb(cf)); }
FN(jsonb_contains) { JsonbNode a, b; return root_of(cf, 0, &a) && root_of(cf, 1, &b) ? datum_bool(jsonb_contains(a, b)) : 0; }
FN(jsonb_contained) { JsonbNode a, b; return root_of(cf, 0, &a) && root_of(cf, 1, &b) ? datum_bool(jsonb_contains(b, a)) : 0; }
static bool exists(JsonbNode n, Slice key)
{
    JsonbNode v;
    if (jsonb_kind(n) == JSONB_OBJECT) return jsonb_find(n, key, &v);
    if (jsonb_kind(n) == JSONB_STRING) return slice_equal(jsonb_string(n), key);
    for (uint32_t i = 0; jsonb_kind(n) == JSONB_ARRAY && i < jsonb_count(n); i++)
        if (jsonb_kind(v = jsonb_item(n, i)) == JSONB_STRING && slice_equal(jsonb_string(v), key)) return true;
    return false;
}
FN(jsonb_exists) { JsonbNode n; return root_of(cf, 0, &n) ? datum_bool(exists(n, ARG_TEXT(1))) : 0; }
static Datum exists_many(CallFrame *cf, bool all)
{
    JsonbNode n;
    Datum *keys;
    bool *nulls;
    int count;
    if (!root_of(cf, 0, &n)) return 0;
    FTRY(array_deconstruct(cf->arena, cf->args[1], type_builtin(TYPE_text), &keys, &nulls, &count, cf->err));
    for (int i = 0; i < count; i++)
        if (!nulls[i] && exists(n, varlena_slice(keys[i])) != all) return datum_bool(!all);
    return datum_bool(all);
}
FN(jsonb_exists_any) { return exists_many(cf, false); }
FN(jsonb_exists_all) { return exists_many(cf, true); }

/* ---- casts ---- */
static bool scalar_for(CallFrame *cf, JsonbKind want, const char *type, JsonbNode *n)
{
    if (!root_of(cf, 0, n)) return false;
    JsonbKind k = jsonb_kind(*n);
    if (k == want || (want == JSONB_TRUE && k == JSONB_FALSE)) return true;
    const char *what = k == JSONB_OBJECT ? "object" : k == JSONB_ARRAY ? "array" : k == JSONB_NULL ? "null" : k == JSONB_STRING ? "string" : k == JSONB_NUMBER ? "numeric" : "boolean";
    error_set(cf->err, ERR_INVALID_PARAMETER_VALUE, "cannot cast jsonb %s to type %s", what, type);
    return false;
}
FN(jsonb_bool) { JsonbNode n; return scalar_for(cf, JSONB_TRUE, "boolean", &n) ? datum_bool(jsonb_kind(n) == JSONB_TRUE) : 0; }
static Datum number_as(CallFrame *cf, const char *type, BuiltinFn fn)
{
    JsonbNode n;
    Datum copy = 0;
    if (!scalar_for(cf, JSONB_NUMBER, type, &n)) return 0;
    FTRY(datum_copy(cf->arena, jsonb_number(n), false, -1, &copy, cf->err));
    if (!fn) return copy;
    CallFrame inner = *cf;
    inner.args = &copy;
    return fn(&inner);
}
FN(jsonb_numeric) { return number_as(cf, "numeric", NULL); }
FN(jsonb_int2) { return number_as(cf, "smallint", fn_numeric_int2); }
FN(jsonb_int4) { return number_as(cf, "integer", fn_numeric_int4); }
FN(jsonb_int8) { return number_as(cf, "bigint", fn_numeric_int8); }
FN(jsonb_float4) { return number_as(cf, "real", fn_numeric_float4); }
FN(jsonb_float8) { return number_as(cf, "double precision", fn_numeric_float8); }
