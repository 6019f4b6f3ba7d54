/* LIKE, ILIKE, SIMILAR TO. */
#include <utf8proc.h>

#include "functions/fn.h"
#include "functions/fn_regexp.h"
#include "types/text.h"

typedef enum Like { LIKE_NO, LIKE_YES, LIKE_BAD_ESCAPE } Like;

static inline size_t step(const uint8_t *p, bool bytes) { return bytes ? 1 : (size_t)utf8_char_len(*p); }

/* Backtracks only to the last %: what an earlier one matched need not change. */
static Like like(Slice s, Slice p, bool bytes)
{
    size_t i = 0, j = 0, back_i = 0, back_j = 0;
    bool have_back = false;
    while (i < s.len || j < p.len) {
        if (j < p.len && p.data[j] == '%') {
            while (j < p.len && p.data[j] == '%') j++;
            if (j == p.len) return LIKE_YES;
            back_i = i;
            back_j = j;
            have_back = true;
            continue;
        }
        if (j < p.len && i < s.len) {
            if (p.data[j] == '_') {
                i += step(s.data + i, bytes);
                j++;
                continue;
            }
            size_t k = j;
            if (p.data[k] == '\\') {
                if (++k == p.len) return LIKE_BAD_ESCAPE;
            }
            if (p.data[k] == s.data[i]) {
                i++;
                j = k + 1;
                continue;
            }
        } else if (j == p.len - 1 && p.data[j] == '\\' && i >= s.len) {
            return LIKE_NO;
        }
        if (!have_back || back_i >= s.len) return LIKE_NO;
        back_i += step(s.data + back_i, bytes);
        i = back_i;
        j = back_j;
    }
    return LIKE_YES;
}

static Datum like_call(CallFrame *cf, Slice s, Slice p, bool bytes, bool negate)
{
    Like r = like(s, p, bytes);
    if (unlikely(r == LIKE_BAD_ESCAPE)) return CALL_ERROR(cf, ERR_INVALID_ESCAPE_SEQUENCE, "LIKE pattern must not end with escape character");
    return datum_bool((r == LIKE_YES) != negate);
}
FN(textlike) { return like_call(cf, ARG_TEXT(0), ARG_TEXT(1), false, false); }
FN(textnlike) { return like_call(cf, ARG_TEXT(0), ARG_TEXT(1), false, true); }
FN(namelike) { return like_call(cf, ARG_TEXT(0), ARG_TEXT(1), false, false); }
FN(namenlike) { return like_call(cf, ARG_TEXT(0), ARG_TEXT(1), false, true); }
FN(bytealike) { return like_call(cf, ARG_TEXT(0), ARG_TEXT(1), true, false); }
FN(byteanlike) { return like_call(cf, ARG_TEXT(0), ARG_TEXT(1), true, true); }

static bool lower_of(CallFrame *cf, Slice s, Slice *out)
{
    StrBuf sb;
    strbuf_init(&sb, cf->arena);
    strbuf_reserve(&sb, s.len + 1);
    for (size_t i = 0; i < s.len;) {
        uint8_t buf[4], c = s.data[i];
        int n = 1;
        if (c < 0x80) {
            strbuf_char(&sb, (char)(c >= 'A' && c <= 'Z' ? c + 32 : c));
        } else {
            uint32_t cp = utf8_decode(s.data + i, &n);
            strbuf_append(&sb, buf, (size_t)utf8_encode((uint32_t)utf8proc_tolower((utf8proc_int32_t)cp), buf));
        }
        i += (size_t)n;
    }
    *out = strbuf_slice(&sb);
    return !failed(strbuf_check(&sb, cf->err));
}
static Datum ilike(CallFrame *cf, bool negate)
{
    Slice s, p;
    if (!lower_of(cf, ARG_TEXT(0), &s) || !lower_of(cf, ARG_TEXT(1), &p)) return 0;
    return like_call(cf, s, p, false, negate);
}
FN(texticlike) { return ilike(cf, false); }
FN(texticnlike) { return ilike(cf, true); }
FN(nameiclike) { return ilike(cf, false); }
FN(nameicnlike) { return ilike(cf, true); }

static Datum like_escape(CallFrame *cf)
{
    Slice p = ARG_TEXT(0), e = ARG_TEXT(1);
    StrBuf sb;
    strbuf_init(&sb, cf->arena);
    if (e.len && (size_t)utf8_char_len(e.data[0]) != e.len) {
        error_set(cf->err, ERR_INVALID_ESCAPE_SEQUENCE, "invalid escape string");
        error_hint(cf->err, "Escape string must be empty or one character.");
        return 0;
    }
    for (size_t i = 0; i < p.len;) {
        if (e.len && i + e.len <= p.len && !memcmp(p.data + i, e.data, e.len)) {
            strbuf_char(&sb, '\\');
            i += e.len;
            if (i >= p.len) break;
            size_t n = (size_t)utf8_char_len(p.data[i]);
            strbuf_append(&sb, p.data + i, n);
            i += n;
        } else {
            if (p.data[i] == '\\') strbuf_char(&sb, '\\');
            strbuf_char(&sb, (char)p.data[i++]);
        }
    }
    return fn_return_buf(cf, &sb);
}
FN(like_escape) { return like_escape(cf); }
FN(like_escape_bytea) { return like_escape(cf); }

/* ---- SIMILAR TO: an SQL pattern as a regular expression ---- */
static bool similar(CallFrame *cf, Slice p, Slice e, StrBuf *sb)
{
    bool after_escape = false, in_class = false;
    int quotes = 0;
    if (e.len && (size_t)utf8_char_len(e.data[0]) != e.len) {
        error_set(cf->err, ERR_INVALID_ESCAPE_SEQUENCE, "invalid escape string");
        error_hint(cf->err, "Escape string must be empty or one character.");
        return false;
    }
    strbuf_str(sb, "^(?:");
    for (size_t i = 0; i < p.len; i++) {
        char c = (char)p.data[i];
        if (after_escape) {
            if (c == '"' && !in_class) { /* marks the part that substring() returns */
                if (quotes == 0) strbuf_str(sb, "){1,1}?(");
                else if (quotes == 1) strbuf_str(sb, "){1,1}(?:");
                else {
                    error_set(cf->err, ERR_INVALID_USE_OF_ESCAPE_CHARACTER,
                              "SQL regular expression may not contain more than two escape-double-quote separators");
                    return false;
                }
                quotes++;
            } else {
                strbuf_char(sb, '\\');
                strbuf_char(sb, c);
            }
            after_escape = false;
        } else if (e.len && i + e.len <= p.len && !memcmp(p.data + i, e.data, e.len)) {
            after_escape = true;
            i += e.len - 1;
        } else if (in_class) {
            if (c == '\\') strbuf_char(sb, '\\');
            strbuf_char(sb, c);
            if (c == ']') in_class = false;
        } else if (c == '[') {
            strbuf_char(sb, c);
            in_class = true;
        } else if (c == '%') {
            strbuf_str(sb, ".*");
        } else if (c == '_') {
            strbuf_char(sb, '.');
        } else if (c == '(') {
            strbuf_str(sb, "(?:");
        } else {
            if (strchr("\\.^$", c)) strbuf_char(sb, '\\');
            strbuf_char(sb, c);
        }
    }
    strbuf_str(sb, ")$");
    return true;
}
static Datum similar_call(CallFrame *cf, Slice escape)
{
    StrBuf sb;
    strbuf_init(&sb, cf->arena);
    return similar(cf, ARG_TEXT(0), escape, &sb) ? fn_return_buf(cf, &sb) : 0;
}
FN(similar_to_escape_1) { return similar_call(cf, slice_of("\\", 1)); }
FN(similar_to_escape_2) { return similar_call(cf, ARG_TEXT(1)); }
FN(similar_escape)
{
    if (cf->nulls[0]) RETURN_NULL();
    return similar_call(cf, cf->nulls[1] ? slice_of("\\", 1) : ARG_TEXT(1));
}
FN(sql_substring_similar) /* substring(text, pattern, escape) */
{
    StrBuf sb;
    strbuf_init(&sb, cf->arena);
    if (!similar(cf, ARG_TEXT(1), ARG_TEXT(2), &sb)) return 0;
    return regexp_substring(cf, ARG_TEXT(0), strbuf_slice(&sb));
}
