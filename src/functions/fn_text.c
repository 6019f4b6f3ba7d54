/* text: length, case, trimming, padding, searching, replacing; char(n), varchar(n), name, "char". */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <utf8proc.h>

#include "functions/fn.h"
#include "types/text.h"

#define NEGATIVE_LENGTH "negative substring length not allowed"

FN(textlen) { return datum_i32((int32_t)utf8_count(ARG_TEXT(0))); }
FN(textoctetlen) { return datum_i32((int32_t)ARG_TEXT(0).len); }
FN(bpcharlen) { return datum_i32((int32_t)utf8_count(bpchar_trim(ARG_TEXT(0)))); }
FN(bpcharoctetlen) { return datum_i32((int32_t)ARG_TEXT(0).len); }
FN(sql_bit_length) { return datum_i32((int32_t)ARG_TEXT(0).len * 8); }
FN(length_in_encoding) { return datum_i32((int32_t)utf8_count(ARG_TEXT(0))); }

FN(textcat)
{
    Slice a = ARG_TEXT(0), b = ARG_TEXT(1);
    uint8_t *body;
    if (a.len + b.len > VARLENA_MAX) return CALL_ERROR(cf, ERR_PROGRAM_LIMIT_EXCEEDED, "requested length too large");
    Datum d = varlena_new(cf->arena, NULL, a.len + b.len, &body);
    if (!d) return fn_oom(cf);
    memcpy(body, a.data, a.len);
    memcpy(body + a.len, b.data, b.len);
    return d;
}

/* ---- case ---- */


static Datum map_case(CallFrame *cf, bool upper, bool initial)
{
    Slice s = ARG_TEXT(0);
    StrBuf sb;
    strbuf_init(&sb, cf->arena);
    bool fresh = true;
    strbuf_reserve(&sb, s.len + 8);
    for (size_t i = 0; i < s.len;) {
        uint8_t c = s.data[i];
        bool up = initial ? fresh : upper;
        if (c < 0x80) {
            bool lo = c >= 'a' && c <= 'z', hi = c >= 'A' && c <= 'Z';
            fresh = !(lo || hi || (c >= '0' && c <= '9'));
            strbuf_char(&sb, (char)(up && lo ? c - 32 : !up && hi ? c + 32 : c));
            i++;
            continue;
        }
        int n;
        uint8_t out[4];
        utf8proc_int32_t cp = (utf8proc_int32_t)utf8_decode(s.data + i, &n), m = up ? (cp == 0xDF ? cp : utf8proc_toupper(cp)) : utf8proc_tolower(cp);
        utf8proc_category_t cat = utf8proc_category(cp);
        fresh = !(cat >= UTF8PROC_CATEGORY_LU && cat <= UTF8PROC_CATEGORY_NO && cat != UTF8PROC_CATEGORY_MN);
        strbuf_append(&sb, out, (size_t)utf8_encode((uint32_t)m, out));
        i += (size_t)n;
    }
    return fn_return_buf(cf, &sb);
}
FN(upper) { return map_case(cf, true, false); }
FN(lower) { return map_case(cf, false, false); }
FN(initcap) { return map_case(cf, false, true); }

/* ---- trimming ---- */
static bool has_char(Slice set, const uint8_t *c, size_t n)
{
    for (size_t i = 0; i < set.len;) {
        size_t k = (size_t)utf8_char_len(set.data[i]);
        if (k == n && !memcmp(set.data + i, c, n)) return true;
        i += k;
    }
    return false;
}

static size_t last_char(Slice s) /* bytes of the last character */
{
    size_t n = 1;
    while (n < s.len && (s.data[s.len - n] & 0xC0) == 0x80) n++;
    return n;
}

static Datum trim(CallFrame *cf, bool left, bool right)
{
    Slice s = ARG_TEXT(0), set = cf->nargs > 1 ? ARG_TEXT(1) : slice_of(" ", 1);
    while (left && s.len) {
        size_t n = (size_t)utf8_char_len(s.data[0]);
        if (!has_char(set, s.data, n)) break;
        s = slice_of(s.data + n, s.len - n);
    }
    while (right && s.len) {
        size_t n = last_char(s);
        if (!has_char(set, s.data + s.len - n, n)) break;
        s.len -= n;
    }
    return call_return_text(cf, s);
}
FN(btrim) { return trim(cf, true, true); }
FN(btrim1) { return trim(cf, true, true); }
FN(ltrim) { return trim(cf, true, false); }
FN(ltrim1) { return trim(cf, true, false); }
FN(rtrim) { return trim(cf, false, true); }
FN(rtrim1) { return trim(cf, false, true); }

static Datum bytea_trim(CallFrame *cf, bool left, bool right)
{
    Slice s = ARG_TEXT(0), set = ARG_TEXT(1);
    while (left && s.len && set.len && memchr(set.data, s.data[0], set.len)) s = slice_of(s.data + 1, s.len - 1);
    while (right && s.len && set.len && memchr(set.data, s.data[s.len - 1], set.len)) s.len--;
    return call_return_text(cf, s);
}
FN(byteatrim) { return bytea_trim(cf, true, true); }
FN(bytealtrim) { return bytea_trim(cf, true, false); }
FN(byteartrim) { return bytea_trim(cf, false, true); }

/* ---- padding ---- */
static Datum pad(CallFrame *cf, bool left)
{
    Slice s = ARG_TEXT(0), fill = cf->nargs > 2 ? ARG_TEXT(2) : slice_of(" ", 1);
    int64_t want = ARG_I32(1) < 0 ? 0 : ARG_I32(1), have = (int64_t)utf8_count(s);
    if (have >= want || fill.len == 0) return call_return_text(cf, slice_of(s.data, utf8_offset(s, (size_t)want)));
    if ((uint64_t)(want - have) * 4 + s.len > VARLENA_MAX) return CALL_ERROR(cf, ERR_PROGRAM_LIMIT_EXCEEDED, "requested length too large");
    StrBuf sb;
    strbuf_init(&sb, cf->arena);
    if (!left) strbuf_append(&sb, s.data, s.len);
    for (size_t i = 0; have < want; have++) {
        size_t n = (size_t)utf8_char_len(fill.data[i]);
        strbuf_append(&sb, fill.data + i, n);
        i = i + n >= fill.len ? 0 : i + n;
    }
    if (left) strbuf_append(&sb, s.data, s.len);
    return fn_return_buf(cf, &sb);
}
FN(lpad) { return pad(cf, true); }
FN(rpad) { return pad(cf, false); }
FN(sql_lpad) { return pad(cf, true); }
FN(sql_rpad) { return pad(cf, false); }

/* ---- parts ---- */
/* Characters [start, start + length) counted from 1; length < 0: to the end. */
static Slice substring(Slice s, int64_t start, int64_t length, bool bytes)
{
    int64_t end = length < 0 ? INT64_MAX : start + length;
    if (start < 1) start = 1;
    if (end <= start) return slice_of(s.data, 0);
    size_t from = bytes ? ((size_t)(start - 1) < s.len ? (size_t)(start - 1) : s.len) : utf8_offset(s, (size_t)(start - 1));
    Slice rest = slice_of(s.data + from, s.len - from);
    if (length < 0) return rest;
    size_t n = (size_t)(end - start);
    rest.len = bytes ? (n < rest.len ? n : rest.len) : utf8_offset(rest, n);
    return rest;
}
static Datum substr_call(CallFrame *cf, bool bytes)
{
    int64_t len = cf->nargs > 2 ? ARG_I32(2) : -1;
    if (cf->nargs > 2 && len < 0) return CALL_ERROR(cf, ERR_SUBSTRING_ERROR, NEGATIVE_LENGTH);
    return call_return_text(cf, substring(ARG_TEXT(0), ARG_I32(1), len, bytes));
}
FN(text_substr) { return substr_call(cf, false); }
FN(text_substr_no_len) { return substr_call(cf, false); }
FN(bytea_substr) { return substr_call(cf, true); }
FN(bytea_substr_no_len) { return substr_call(cf, true); }

static Datum overlay(CallFrame *cf, bool bytes)
{
    Slice s = ARG_TEXT(0), with = ARG_TEXT(1);
    int64_t from = ARG_I32(2), len = cf->nargs > 3 ? ARG_I32(3) : bytes ? (int64_t)with.len : (int64_t)utf8_count(with);
    if (from <= 0) return CALL_ERROR(cf, ERR_SUBSTRING_ERROR, NEGATIVE_LENGTH);
    if (from + len > INT32_MAX) return CALL_ERROR(cf, ERR_NUMERIC_VALUE_OUT_OF_RANGE, "integer out of range");
    Slice head = substring(s, 1, from - 1, bytes), tail = substring(s, from + len, -1, bytes);
    StrBuf sb;
    strbuf_init(&sb, cf->arena);
    strbuf_append(&sb, head.data, head.len);
    strbuf_append(&sb, with.data, with.len);
    strbuf_append(&sb, tail.data, tail.len);
    return fn_return_buf(cf, &sb);
}
FN(textoverlay) { return overlay(cf, false); }
FN(textoverlay_no_len) { return overlay(cf, false); }
FN(byteaoverlay) { return overlay(cf, true); }
FN(byteaoverlay_no_len) { return overlay(cf, true); }

FN(text_left)
{
    Slice s = ARG_TEXT(0);
    int64_t n = ARG_I32(1);
    if (n < 0) n += (int64_t)utf8_count(s);
    return call_return_text(cf, slice_of(s.data, n <= 0 ? 0 : utf8_offset(s, (size_t)n)));
}
FN(text_right)
{
    Slice s = ARG_TEXT(0);
    int64_t n = ARG_I32(1), count = (int64_t)utf8_count(s), skip = n < 0 ? -n : count - n;
    size_t off = skip <= 0 ? 0 : utf8_offset(s, (size_t)skip);
    return call_return_text(cf, slice_of(s.data + off, s.len - off));
}
FN(text_reverse)
{
    Slice s = ARG_TEXT(0);
    uint8_t *body;
    Datum d = varlena_new(cf->arena, NULL, s.len, &body);
    if (!d) return fn_oom(cf);
    for (size_t i = 0; i < s.len;) {
        size_t n = (size_t)utf8_char_len(s.data[i]);
        memcpy(body + s.len - i - n, s.data + i, n);
        i += n;
    }
    return d;
}

static const uint8_t *find(Slice hay, Slice needle, size_t from)
{
    if (from > hay.len) return NULL;
    return needle.len ? memmem(hay.data + from, hay.len - from, needle.data, needle.len) : hay.data + from;
}
FN(textpos)
{
    Slice s = ARG_TEXT(0), n = ARG_TEXT(1);
    const uint8_t *p = find(s, n, 0);
    return datum_i32(p ? (int32_t)utf8_count(slice_of(s.data, (size_t)(p - s.data))) + 1 : 0);
}
FN(byteapos)
{
    Slice s = ARG_TEXT(0);
    const uint8_t *p = find(s, ARG_TEXT(1), 0);
    return datum_i32(p ? (int32_t)(p - s.data) + 1 : 0);
}
FN(text_starts_with) { return datum_bool(slice_has_prefix(ARG_TEXT(0), ARG_TEXT(1))); }

FN(replace_text)
{
    Slice s = ARG_TEXT(0), from = ARG_TEXT(1), to = ARG_TEXT(2);
    const uint8_t *p;
    if (!s.len || !from.len || !(p = find(s, from, 0))) return cf->args[0];
    StrBuf sb;
    strbuf_init(&sb, cf->arena);
    size_t at = 0;
    for (; p; p = find(s, from, at)) {
        strbuf_append(&sb, s.data + at, (size_t)(p - s.data) - at);
        strbuf_append(&sb, to.data, to.len);
        at = (size_t)(p - s.data) + from.len;
    }
    strbuf_append(&sb, s.data + at, s.len - at);
    return fn_return_buf(cf, &sb);
}

FN(repeat)
{
    Slice s = ARG_TEXT(0);
    int64_t n = ARG_I32(1) < 0 ? 0 : ARG_I32(1);
    uint8_t *body;
    if ((unsigned __int128)s.len * (uint64_t)n > VARLENA_MAX) return CALL_ERROR(cf, ERR_PROGRAM_LIMIT_EXCEEDED, "requested length too large");
    Datum d = varlena_new(cf->arena, NULL, s.len * (size_t)n, &body);
    if (!d) return fn_oom(cf);
    for (int64_t i = 0; s.len && i < n; i++) memcpy(body + (size_t)i * s.len, s.data, s.len);
    return d;
}

FN(translate)
{
    Slice s = ARG_TEXT(0), from = ARG_TEXT(1), to = ARG_TEXT(2);
    StrBuf sb;
    strbuf_init(&sb, cf->arena);
    for (size_t i = 0; i < s.len;) {
        size_t n = (size_t)utf8_char_len(s.data[i]), at = 0, pos = 0;
        bool hit = false;
        for (at = 0; at < from.len && !hit; pos++) {
            size_t k = (size_t)utf8_char_len(from.data[at]);
            hit = k == n && !memcmp(from.data + at, s.data + i, n);
            if (!hit) at += k;
            else break;
        }
        if (!hit) {
            strbuf_append(&sb, s.data + i, n);
        } else {
            size_t off = utf8_offset(to, pos);
            if (off < to.len) strbuf_append(&sb, to.data + off, (size_t)utf8_char_len(to.data[off]));
        }
        i += n;
    }
    return fn_return_buf(cf, &sb);
}

FN(split_part)
{
    Slice s = ARG_TEXT(0), sep = ARG_TEXT(1);
    int64_t field = ARG_I32(2);
    if (field == 0) return CALL_ERROR(cf, ERR_INVALID_PARAMETER_VALUE, "field position must not be zero");
    if (!s.len) return call_return_text(cf, s);
    if (!sep.len) return call_return_text(cf, field == 1 || field == -1 ? s : slice_of(s.data, 0));
    if (field < 0) { /* from the end */
        int64_t n = 1;
        size_t at = 0;
        for (const uint8_t *p; (p = find(s, sep, at)); n++) at = (size_t)(p - s.data) + sep.len;
        field += n + 1;
        if (field <= 0) return call_return_text(cf, slice_of(s.data, 0));
    }
    size_t at = 0;
    for (int64_t i = 1;; i++) {
        const uint8_t *p = find(s, sep, at);
        size_t end = p ? (size_t)(p - s.data) : s.len;
        if (i == field) return call_return_text(cf, slice_of(s.data + at, end - at));
        if (!p) return call_return_text(cf, slice_of(s.data, 0));
        at = end + sep.len;
    }
}

/* ---- characters ---- */
FN(ascii)
{
    Slice s = ARG_TEXT(0);
    int n;
    return datum_i32(s.len ? (int32_t)utf8_decode(s.data, &n) : 0);
}
FN(chr)
{
    int32_t c = ARG_I32(0);
    uint8_t out[4];
    if (c < 0) return CALL_ERROR(cf, ERR_INVALID_PARAMETER_VALUE, "character number must be positive");
    if (c == 0) return CALL_ERROR(cf, ERR_PROGRAM_LIMIT_EXCEEDED, "null character not permitted");
    if (c > 0x10FFFF) return CALL_ERROR(cf, ERR_PROGRAM_LIMIT_EXCEEDED, "requested character too large for encoding: %u", (unsigned)c);
    if (c >= 0xD800 && c <= 0xDFFF) return CALL_ERROR(cf, ERR_PROGRAM_LIMIT_EXCEEDED, "requested character not valid for encoding: %u", (unsigned)c);
    return call_return_text(cf, slice_of(out, (size_t)utf8_encode((uint32_t)c, out)));
}

/* ---- concat ---- */
static bool concat_values(CallFrame *cf, int first, Slice sep, StrBuf *sb)
{
    bool any = false;
    if (cf->variadic_array) {
        ArrayView v;
        ArrayIter it;
        Datum d;
        bool null;
        if (cf->nulls[first]) return true;
        if (failed(array_open(cf->args[first], &v, cf->err))) return false;
        const TypeInfo *elem = fn_type(cf, v.elem);
        if (!elem) return v.nitems == 0;
        for (array_iter_init(&it, &v, elem); array_next(&it, &d, &null);) {
            if (null) continue;
            if (any) strbuf_append(sb, sep.data, sep.len);
            any = true;
            if (failed(fn_output(cf, v.elem, d, sb))) return false;
        }
        return true;
    }
    for (int i = first; i < cf->nargs; i++) {
        if (cf->nulls[i]) continue;
        if (any) strbuf_append(sb, sep.data, sep.len);
        any = true;
        if (failed(fn_output(cf, cf->arg_types[i], cf->args[i], sb))) return false;
    }
    return true;
}
FN(text_concat)
{
    StrBuf sb;
    strbuf_init(&sb, cf->arena);
    if (cf->variadic_array && cf->nulls[0]) RETURN_NULL();
    return concat_values(cf, 0, slice_of("", 0), &sb) ? fn_return_buf(cf, &sb) : 0;
}
FN(text_concat_ws)
{
    StrBuf sb;
    strbuf_init(&sb, cf->arena);
    if (cf->nulls[0] || (cf->variadic_array && cf->nulls[1])) RETURN_NULL();
    return concat_values(cf, 1, ARG_TEXT(0), &sb) ? fn_return_buf(cf, &sb) : 0;
}
FN(sql_textanycat)
{
    StrBuf sb;
    strbuf_init(&sb, cf->arena);
    for (int i = 0; i < 2; i++) FTRY(fn_output(cf, cf->arg_types[i], cf->args[i], &sb));
    return fn_return_buf(cf, &sb);
}

/* ---- casts between the character types ---- */
FN(text_name) { Datum d = 0; FTRY(name_make(cf->arena, ARG_TEXT(0), &d, cf->err)); return d; }
FN(bpchar_name) { Datum d = 0; FTRY(name_make(cf->arena, bpchar_trim(ARG_TEXT(0)), &d, cf->err)); return d; }
FN(name_text) { return cf->args[0]; }
FN(name_bpchar) { return cf->args[0]; }
FN(char_text) { uint8_t c = (uint8_t)cf->args[0]; return call_return_text(cf, slice_of(&c, c ? 1 : 0)); }
FN(char_bpchar) { uint8_t c = (uint8_t)cf->args[0]; return call_return_text(cf, slice_of(&c, c ? 1 : 0)); }
FN(text_char) { Slice s = ARG_TEXT(0); return s.len ? s.data[0] : 0; }
FN(booltext) { return call_return_cstr(cf, ARG_BOOL(0) ? "true" : "false"); }
FN(varchar) { Datum d = 0; FTRY(varchar_apply(cf->arena, ARG_TEXT(0), ARG_I32(1), ARG_BOOL(2), &d, cf->err)); return d; }
FN(bpchar) { Datum d = 0; FTRY(bpchar_apply(cf->arena, ARG_TEXT(0), ARG_I32(1), ARG_BOOL(2), &d, cf->err)); return d; }
FN(nameconcatoid)
{
    Slice s = ARG_TEXT(0);
    Datum d = 0;
    char suffix[16];
    int n = snprintf(suffix, sizeof suffix, "_%u", ARG_OID(1));
    size_t keep = s.len + (size_t)n > 63 ? utf8_clip(s, 63 - (size_t)n) : s.len;
    char *text = arena_printf(cf->arena, "%.*s%s", (int)keep, (const char *)s.data, suffix);
    FTRY_MEM(text);
    FTRY(name_make(cf->arena, slice_cstr(text), &d, cf->err));
    return d;
}

/* ---- Unicode ---- */
static int form_of(CallFrame *cf, Slice name)
{
    static const struct { const char *name; int options; } forms[] = {
        {"NFC", UTF8PROC_COMPOSE}, {"NFD", UTF8PROC_DECOMPOSE}, {"NFKC", UTF8PROC_COMPOSE | UTF8PROC_COMPAT}, {"NFKD", UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT}};
    for (int i = 0; i < 4; i++)
        if (name.len == strlen(forms[i].name) && !strncasecmp(forms[i].name, (const char *)name.data, name.len)) return forms[i].options;
    error_set(cf->err, ERR_INVALID_PARAMETER_VALUE, "invalid normalization form: %.*s", (int)name.len, (const char *)name.data);
    return -1;
}
static Datum normalized(CallFrame *cf, bool test)
{
    Slice s = ARG_TEXT(0);
    utf8proc_uint8_t *out = NULL;
    int form = form_of(cf, ARG_TEXT(1));
    if (form < 0) return 0;
    utf8proc_ssize_t n = utf8proc_map(s.data, (utf8proc_ssize_t)s.len, &out, (utf8proc_option_t)(UTF8PROC_STABLE | form));
    if (n < 0) return fn_oom(cf);
    Datum d = test ? datum_bool(slice_equal(s, slice_of(out, (size_t)n))) : call_return_text(cf, slice_of(out, (size_t)n));
    free(out);
    return d;
}
FN(unicode_normalize_func) { return normalized(cf, false); }
FN(unicode_is_normalized) { return normalized(cf, true); }

static bool hex_digits(Slice s, size_t at, int n, uint32_t *out)
{
    *out = 0;
    if (at + (size_t)n > s.len) return false;
    for (int i = 0; i < n; i++) {
        uint8_t c = s.data[at + (size_t)i] | 32;
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')) && !(s.data[at + (size_t)i] >= '0' && s.data[at + (size_t)i] <= '9')) return false;
        c = s.data[at + (size_t)i];
        *out = *out * 16 + (uint32_t)(c <= '9' ? c - '0' : (c | 32) - 'a' + 10);
    }
    return true;
}
FN(unistr)
{
    Slice s = ARG_TEXT(0);
    StrBuf sb;
    uint32_t high = 0, cp;
    uint8_t out[4];
    strbuf_init(&sb, cf->arena);
    for (size_t i = 0; i < s.len;) {
        if (s.data[i] != '\\') {
            if (high) break;
            strbuf_char(&sb, (char)s.data[i++]);
            continue;
        }
        if (i + 1 < s.len && s.data[i + 1] == '\\') {
            strbuf_char(&sb, '\\');
            i += 2;
            continue;
        }
        size_t skip;
        uint8_t k = i + 1 < s.len ? s.data[i + 1] : 0;
        if (k == '+' && hex_digits(s, i + 2, 6, &cp)) skip = 8;
        else if (k == 'u' && hex_digits(s, i + 2, 4, &cp)) skip = 6;
        else if (k == 'U' && hex_digits(s, i + 2, 8, &cp)) skip = 10;
        else if (hex_digits(s, i + 1, 4, &cp)) skip = 5;
        else {
            error_set(cf->err, ERR_SYNTAX_ERROR, "invalid Unicode escape");
            error_hint(cf->err, "Unicode escapes must be \\XXXX, \\+XXXXXX, \\uXXXX, or \\UXXXXXXXX.");
            return 0;
        }
        i += skip;
        if (high) {
            if (cp < 0xDC00 || cp > 0xDFFF) break;
            cp = 0x10000 + ((high - 0xD800) << 10) + (cp - 0xDC00);
            high = 0;
        } else if (cp >= 0xD800 && cp <= 0xDBFF) {
            high = cp;
            continue;
        } else if (cp >= 0xDC00 && cp <= 0xDFFF) {
            high = 1;
            break;
        }
        if (cp > 0x10FFFF) return CALL_ERROR(cf, ERR_INVALID_PARAMETER_VALUE, "invalid Unicode code point: %04X", cp);
        strbuf_append(&sb, out, (size_t)utf8_encode(cp, out));
    }
    if (high) return CALL_ERROR(cf, ERR_SYNTAX_ERROR, "invalid Unicode surrogate pair");
    return fn_return_buf(cf, &sb);
}
