/* Changing jsonb: ||, -, #-, jsonb_set, jsonb_insert, strip_nulls. */
#include <stdlib.h>

#include "functions/fn_json.h"

static bool root_of(CallFrame *cf, int arg, JsonbNode *out) { return !failed(jsonb_root(cf->args[arg], out, cf->err)); }
static Datum finish(CallFrame *cf, JsonbBuilder *b)
{
    Datum d = 0;
    FTRY(jsonb_finish(b, &d, cf->err));
    return d;
}

static STATUS add_members(JsonbBuilder *b, JsonbNode n, Error *err)
{
    for (uint32_t i = 0; i < jsonb_count(n); i++) {
        if (jsonb_kind(n) == JSONB_OBJECT) TRY(jsonb_add_key(b, jsonb_key(n, i), err));
        TRY(jsonb_add_node(b, jsonb_item(n, i), err));
    }
    return ST_OK;
}

FN(jsonb_concat)
{
    JsonbNode a, c;
    JsonbBuilder b;
    if (!root_of(cf, 0, &a) || !root_of(cf, 1, &c)) return 0;
    bool objects = jsonb_kind(a) == JSONB_OBJECT && jsonb_kind(c) == JSONB_OBJECT;
    jsonb_builder_init(&b, cf->arena);
    FTRY(jsonb_begin(&b, objects ? JSONB_OBJECT : JSONB_ARRAY, cf->err));
    for (int i = 0; i < 2; i++) {
        JsonbNode n = i ? c : a;
        if (objects || jsonb_kind(n) == JSONB_ARRAY) FTRY(add_members(&b, n, cf->err));
        else FTRY(jsonb_add_node(&b, n, cf->err));
    }
    FTRY(jsonb_end(&b, cf->err));
    return finish(cf, &b);
}

/* ---- deleting ---- */
typedef bool (*DropFn)(JsonbNode n, uint32_t i, const void *arg);
static Datum without(CallFrame *cf, JsonbNode n, DropFn drop, const void *arg)
{
    JsonbBuilder b;
    jsonb_builder_init(&b, cf->arena);
    FTRY(jsonb_begin(&b, jsonb_kind(n), cf->err));
    for (uint32_t i = 0; i < jsonb_count(n); i++) {
        if (drop(n, i, arg)) continue;
        if (jsonb_kind(n) == JSONB_OBJECT) FTRY(jsonb_add_key(&b, jsonb_key(n, i), cf->err));
        FTRY(jsonb_add_node(&b, jsonb_item(n, i), cf->err));
    }
    FTRY(jsonb_end(&b, cf->err));
    return finish(cf, &b);
}
static bool named(JsonbNode n, uint32_t i, const void *arg)
{
    Slice key = *(const Slice *)arg;
    if (jsonb_kind(n) == JSONB_OBJECT) return slice_equal(jsonb_key(n, i), key);
    JsonbNode v = jsonb_item(n, i);
    return jsonb_kind(v) == JSONB_STRING && slice_equal(jsonb_string(v), key);
}
FN(jsonb_delete)
{
    JsonbNode n;
    Slice key = ARG_TEXT(1);
    if (!root_of(cf, 0, &n)) return 0;
    if (!jsonb_is_container(n)) return CALL_ERROR(cf, ERR_INVALID_PARAMETER_VALUE, "cannot delete from scalar");
    return without(cf, n, named, &key);
}
typedef struct Keys { Datum *v; bool *nulls; int n; } Keys;
static bool one_of(JsonbNode n, uint32_t i, const void *arg)
{
    const Keys *k = arg;
    for (int j = 0; j < k->n; j++) {
        Slice key = k->nulls[j] ? slice_of("", 0) : varlena_slice(k->v[j]);
        if (!k->nulls[j] && named(n, i, &key)) return true;
    }
    return false;
}
FN(jsonb_delete_array)
{
    JsonbNode n;
    Keys k;
    if (!root_of(cf, 0, &n)) return 0;
    if (!jsonb_is_container(n)) return CALL_ERROR(cf, ERR_INVALID_PARAMETER_VALUE, "cannot delete from scalar");
    FTRY(array_deconstruct(cf->arena, cf->args[1], type_builtin(TYPE_text), &k.v, &k.nulls, &k.n, cf->err));
    return without(cf, n, one_of, &k);
}
static bool at_index(JsonbNode n, uint32_t i, const void *arg) { return i == *(const int64_t *)arg; }
FN(jsonb_delete_idx)
{
    JsonbNode n;
    int64_t i = ARG_I32(1);
    if (!root_of(cf, 0, &n)) return 0;
    if (!jsonb_is_container(n)) return CALL_ERROR(cf, ERR_INVALID_PARAMETER_VALUE, "cannot delete from scalar");
    if (jsonb_kind(n) == JSONB_OBJECT) return CALL_ERROR(cf, ERR_INVALID_PARAMETER_VALUE, "cannot delete from object using integer index");
    if (i < 0) i += jsonb_count(n);
    return without(cf, n, at_index, &i);
}

/* ---- along a path ---- */
typedef enum Change { CHANGE_SET, CHANGE_INSERT, CHANGE_DELETE } Change;
typedef struct Edit { CallFrame *cf; JsonbBuilder b; Datum *path; int n; JsonbNode value; Change how; bool create, after; } Edit;

static bool step_index(Edit *e, int level, int64_t *out)
{
    char *s = varlena_to_cstr(e->cf->arena, e->path[level]), *end;
    *out = s ? strtoll(s, &end, 10) : 0;
    if (s && end != s && !*end) return true;
    error_set(e->cf->err, ERR_INVALID_TEXT_REPRESENTATION, "path element at position %d is not an integer: \"%s\"", level + 1, s ? s : "");
    return false;
}

static STATUS edit(Edit *e, JsonbNode n, int level);

/* The member the path's step names: at its last step the change happens, before that it is gone into. */
static STATUS edit_member(Edit *e, JsonbNode old, int level, const Slice *key)
{
    Error *err = e->cf->err;
    bool last = level == e->n - 1;
    if (last && e->how == CHANGE_DELETE) return ST_OK;
    if (last && e->how == CHANGE_INSERT && key) {
        error_set(err, ERR_INVALID_PARAMETER_VALUE, "cannot replace existing key");
        return error_hint(err, "Try using the function jsonb_set to replace key value.");
    }
    if (last && e->how == CHANGE_INSERT && !e->after) TRY(jsonb_add_node(&e->b, e->value, err));
    if (key) TRY(jsonb_add_key(&e->b, *key, err));
    if (!last) return edit(e, old, level + 1);
    TRY(jsonb_add_node(&e->b, e->how == CHANGE_SET ? e->value : old, err));
    return e->how == CHANGE_INSERT && e->after ? jsonb_add_node(&e->b, e->value, err) : ST_OK;
}

static STATUS edit_object(Edit *e, JsonbNode n, int level)
{
    Slice step = varlena_slice(e->path[level]);
    bool found = false;
    for (uint32_t i = 0; i < jsonb_count(n); i++) {
        Slice key = jsonb_key(n, i);
        if (slice_equal(key, step)) {
            found = true;
            TRY(edit_member(e, jsonb_item(n, i), level, &key));
        } else {
            TRY(jsonb_add_key(&e->b, key, e->cf->err));
            TRY(jsonb_add_node(&e->b, jsonb_item(n, i), e->cf->err));
        }
    }
    if (found || level != e->n - 1 || e->how == CHANGE_DELETE || (e->how == CHANGE_SET && !e->create)) return ST_OK;
    TRY(jsonb_add_key(&e->b, step, e->cf->err));
    return jsonb_add_node(&e->b, e->value, e->cf->err);
}

static STATUS edit_array(Edit *e, JsonbNode n, int level)
{
    int64_t at, count = jsonb_count(n);
    bool last = level == e->n - 1, add = last && ((e->how == CHANGE_SET && e->create) || e->how == CHANGE_INSERT);
    if (!step_index(e, level, &at)) return ST_FAILED;
    if (at < 0) at += count;
    if (at < 0 && add) TRY(jsonb_add_node(&e->b, e->value, e->cf->err));
    for (int64_t i = 0; i < count; i++) {
        if (i == at) TRY(edit_member(e, jsonb_item(n, (uint32_t)i), level, NULL));
        else TRY(jsonb_add_node(&e->b, jsonb_item(n, (uint32_t)i), e->cf->err));
    }
    return at >= count && add ? jsonb_add_node(&e->b, e->value, e->cf->err) : ST_OK;
}

static STATUS edit(Edit *e, JsonbNode n, int level)
{
    if (!jsonb_is_container(n)) return jsonb_add_node(&e->b, n, e->cf->err);
    TRY(jsonb_begin(&e->b, jsonb_kind(n), e->cf->err));
    TRY(jsonb_kind(n) == JSONB_OBJECT ? edit_object(e, n, level) : edit_array(e, n, level));
    return jsonb_end(&e->b, e->cf->err);
}

static Datum change(CallFrame *cf, Change how, bool create, bool after, const char *scalar_error)
{
    JsonbNode n;
    bool *nulls;
    Edit e = {.cf = cf, .how = how, .create = create, .after = after};
    if (!root_of(cf, 0, &n)) return 0;
    if (!jsonb_is_container(n)) return CALL_ERROR(cf, ERR_INVALID_PARAMETER_VALUE, "%s", scalar_error);
    FTRY(array_deconstruct(cf->arena, cf->args[1], type_builtin(TYPE_text), &e.path, &nulls, &e.n, cf->err));
    for (int i = 0; i < e.n; i++)
        if (nulls[i]) return CALL_ERROR(cf, ERR_NULL_VALUE_NOT_ALLOWED, "path element at position %d is null", i + 1);
    if (e.n == 0 || (jsonb_count(n) == 0 && !create && how != CHANGE_INSERT)) return cf->args[0];
    if (how != CHANGE_DELETE && !root_of(cf, 2, &e.value)) return 0;
    jsonb_builder_init(&e.b, cf->arena);
    FTRY(edit(&e, n, 0));
    return finish(cf, &e.b);
}
FN(jsonb_set) { return change(cf, CHANGE_SET, ARG_BOOL(3), false, "cannot set path in scalar"); }
FN(jsonb_insert) { return change(cf, CHANGE_INSERT, true, ARG_BOOL(3), "cannot set path in scalar"); }
FN(jsonb_delete_path) { return change(cf, CHANGE_DELETE, false, false, "cannot delete path in scalar"); }

/* ---- strip_nulls ---- */
static STATUS strip(JsonbBuilder *b, JsonbNode n, Error *err)
{
    if (!jsonb_is_container(n)) return jsonb_add_node(b, n, err);
    TRY(jsonb_begin(b, jsonb_kind(n), err));
    for (uint32_t i = 0; i < jsonb_count(n); i++) {
        JsonbNode v = jsonb_item(n, i);
        if (jsonb_kind(n) == JSONB_OBJECT) {
            if (jsonb_kind(v) == JSONB_NULL) continue;
            TRY(jsonb_add_key(b, jsonb_key(n, i), err));
        }
        TRY(strip(b, v, err));
    }
    return jsonb_end(b, err);
}
FN(jsonb_strip_nulls)
{
    JsonbNode n;
    JsonbBuilder b;
    if (!root_of(cf, 0, &n)) return 0;
    if (!jsonb_is_container(n)) return cf->args[0];
    jsonb_builder_init(&b, cf->arena);
    FTRY(strip(&b, n, cf->err));
    return finish(cf, &b);
}
static void strip_text(Slice s, StrBuf *out)
{
    JsonWalk w;
    Slice k, v;
    bool any = false;
    json_walk(s, &w);
    if (!w.is_object && !w.is_array) {
        strbuf_append(out, s.data, s.len);
        return;
    }
    strbuf_char(out, w.is_object ? '{' : '[');
    while (json_walk_next(&w, &k, &v)) {
        if (w.is_object && json_is_null(v)) continue;
        if (any) strbuf_char(out, ',');
        any = true;
        if (w.is_object) {
            strbuf_append(out, k.data, k.len);
            strbuf_char(out, ':');
        }
        strip_text(v, out);
    }
    strbuf_char(out, w.is_object ? '}' : ']');
}
FN(json_strip_nulls)
{
    StrBuf sb;
    strbuf_init(&sb, cf->arena);
    strip_text(ARG_TEXT(0), &sb);
    return fn_return_buf(cf, &sb);
}
