/* jsonb: access, order, containment, text. */
#include "types/jsonb.h"

#include "common/thread.h"
#include "types/numeric.h"
#include "types/types_internal.h"

static uint32_t u32_at(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, 4);
    return v;
}

STATUS jsonb_root(Datum jsonb, JsonbNode *out, Error *err)
{
    Slice s = varlena_slice(jsonb);
    if (s.len < 1 || s.data[0] > JSONB_OBJECT || (s.data[0] >= JSONB_ARRAY && s.len < 5))
        return error_set(err, ERR_DATA_CORRUPTED, "a stored jsonb value is malformed");
    *out = (JsonbNode){s.data, s.len};
    return ST_OK;
}

uint32_t jsonb_count(JsonbNode n) { return jsonb_is_container(n) ? u32_at(n.p + 1) : 0; }

/* Piece i of those whose ends are at `ends` and whose bytes start at `base`. */
static Slice piece(const uint8_t *ends, const uint8_t *base, uint32_t i)
{
    uint32_t from = i ? u32_at(ends + 4 * (size_t)(i - 1)) : 0;
    return slice_of(base + from, u32_at(ends + 4 * (size_t)i) - from);
}

Slice jsonb_key(JsonbNode n, uint32_t i)
{
    size_t count = jsonb_count(n);
    return piece(n.p + 5, n.p + 5 + 8 * count, i);
}

JsonbNode jsonb_item(JsonbNode n, uint32_t i)
{
    size_t count = jsonb_count(n);
    const uint8_t *ends = n.p + 5, *base = ends + 4 * count;
    if (jsonb_kind(n) == JSONB_OBJECT) { /* values follow the keys */
        uint32_t keys = u32_at(ends + 4 * (count - 1));
        ends = base;
        base += 4 * count + keys;
    }
    Slice s = piece(ends, base, i);
    return (JsonbNode){s.data, s.len};
}

static int compare_keys(Slice a, Slice b)
{
    if (a.len != b.len) return a.len < b.len ? -1 : 1;
    return a.len ? memcmp(a.data, b.data, a.len) : 0;
}

bool jsonb_find(JsonbNode object, Slice key, JsonbNode *out)
{
    if (jsonb_kind(object) != JSONB_OBJECT) return false;
    for (uint32_t low = 0, high = jsonb_count(object); low < high;) {
        uint32_t mid = low + (high - low) / 2;
        int c = compare_keys(key, jsonb_key(object, mid));
        if (c == 0) {
            *out = jsonb_item(object, mid);
            return true;
        }
        if (c < 0) high = mid;
        else low = mid + 1;
    }
    return false;
}

bool jsonb_element(JsonbNode array, int64_t i, JsonbNode *out)
{
    int64_t n = jsonb_count(array);
    if (jsonb_kind(array) != JSONB_ARRAY) return false;
    if (i < 0) i += n;
    if (i < 0 || i >= n) return false;
    *out = jsonb_item(array, (uint32_t)i);
    return true;
}

const char *jsonb_kind_name(JsonbNode n)
{
    static const char *const names[] = {"null", "string", "number", "boolean", "boolean", "array", "object"};
    return names[jsonb_kind(n)];
}

/* ---- order ---- */

/* null < string < number < boolean < array < object */
static int rank(JsonbNode n) { return jsonb_kind(n) == JSONB_TRUE ? JSONB_FALSE : (int)jsonb_kind(n); }
static int sign(int c) { return (c > 0) - (c < 0); }

static int compare_inner(JsonbNode a, JsonbNode b)
{
    if (rank(a) != rank(b)) return rank(a) < rank(b) ? -1 : 1;
    switch (jsonb_kind(a)) {
    case JSONB_NULL: return 0;
    case JSONB_STRING: return sign(slice_compare(jsonb_string(a), jsonb_string(b)));
    case JSONB_NUMBER: return numeric_cmp_datum(jsonb_number(a), jsonb_number(b));
    case JSONB_FALSE: case JSONB_TRUE: return (int)jsonb_kind(a) - (int)jsonb_kind(b);
    case JSONB_ARRAY: case JSONB_OBJECT: break;
    }
    uint32_t n = jsonb_count(a);
    if (n != jsonb_count(b)) return n < jsonb_count(b) ? -1 : 1;
    if (failed(stack_check(NULL))) return 0;
    for (uint32_t i = 0; i < n; i++) {
        int c = jsonb_kind(a) == JSONB_OBJECT ? sign(slice_compare(jsonb_key(a, i), jsonb_key(b, i))) : 0;
        if (!c) c = compare_inner(jsonb_item(a, i), jsonb_item(b, i));
        if (c) return c;
    }
    return 0;
}

/* At the top PostgreSQL sees a scalar as an array of one element, and compares lengths first. */
int jsonb_compare_nodes(JsonbNode a, JsonbNode b)
{
    bool scalar_a = !jsonb_is_container(a), scalar_b = !jsonb_is_container(b);
    if (scalar_a && jsonb_kind(b) == JSONB_ARRAY) return jsonb_count(b) == 0 ? 1 : -1;
    if (scalar_b && jsonb_kind(a) == JSONB_ARRAY) return jsonb_count(a) == 0 ? -1 : 1;
    return compare_inner(a, b);
}

bool jsonb_equal(JsonbNode a, JsonbNode b) { return compare_inner(a, b) == 0; }

/* ---- containment ---- */

static bool contains_inner(JsonbNode a, JsonbNode b);

static bool array_has(JsonbNode a, JsonbNode wanted)
{
    for (uint32_t i = 0; i < jsonb_count(a); i++) {
        JsonbNode item = jsonb_item(a, i);
        if (jsonb_is_container(wanted) ? rank(item) == rank(wanted) && contains_inner(item, wanted) : jsonb_equal(item, wanted)) return true;
    }
    return false;
}

static bool contains_inner(JsonbNode a, JsonbNode b)
{
    if (failed(stack_check(NULL)) || rank(a) != rank(b)) return false;
    if (!jsonb_is_container(b)) return jsonb_equal(a, b);
    for (uint32_t i = 0; i < jsonb_count(b); i++) {
        JsonbNode wanted = jsonb_item(b, i), found;
        if (jsonb_kind(b) == JSONB_ARRAY) {
            if (!array_has(a, wanted)) return false;
        } else if (!jsonb_find(a, jsonb_key(b, i), &found) || !contains_inner(found, wanted)) {
            return false;
        }
    }
    return true;
}

bool jsonb_contains(JsonbNode a, JsonbNode b)
{
    if (jsonb_kind(a) == JSONB_ARRAY && !jsonb_is_container(b)) return array_has(a, b); /* ["x"] @> "x", only here at the top */
    return contains_inner(a, b);
}

/* ---- text ---- */

static void new_line(StrBuf *out, int indent)
{
    strbuf_char(out, '\n');
    strbuf_fill(out, ' ', 4 * (size_t)indent);
}

static STATUS put_container(JsonbNode n, StrBuf *out, int indent, Error *err)
{
    bool object = jsonb_kind(n) == JSONB_OBJECT;
    uint32_t count = jsonb_count(n);
    TRY(stack_check(err));
    strbuf_char(out, object ? '{' : '[');
    for (uint32_t i = 0; i < count; i++) {
        if (i) strbuf_char(out, ',');
        if (indent >= 0) new_line(out, indent + 1);
        else if (i) strbuf_char(out, ' ');
        if (object) {
            json_put_string(out, jsonb_key(n, i));
            strbuf_append(out, ": ", 2);
        }
        TRY(jsonb_put_text(jsonb_item(n, i), out, indent >= 0 ? indent + 1 : -1, err));
    }
    if (indent >= 0) new_line(out, indent);
    strbuf_char(out, object ? '}' : ']');
    return ST_OK;
}

STATUS jsonb_put_text(JsonbNode n, StrBuf *out, int indent, Error *err)
{
    switch (jsonb_kind(n)) {
    case JSONB_NULL: strbuf_append(out, "null", 4); return ST_OK;
    case JSONB_FALSE: strbuf_append(out, "false", 5); return ST_OK;
    case JSONB_TRUE: strbuf_append(out, "true", 4); return ST_OK;
    case JSONB_STRING: json_put_string(out, jsonb_string(n)); return ST_OK;
    case JSONB_NUMBER: numeric_print_datum(jsonb_number(n), out); return ST_OK;
    case JSONB_ARRAY: case JSONB_OBJECT: break;
    }
    return put_container(n, out, indent, err);
}
