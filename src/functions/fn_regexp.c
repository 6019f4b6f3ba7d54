/* Regular expression operators and functions. */
#include "functions/fn_regexp.h"
#include "functions/regexp.h"

/* ---- flags ---- */
static bool parse_flags(CallFrame *cf, Slice opt, int *flags, bool *global)
{
    *flags = 0;
    *global = false;
    for (size_t i = 0; i < opt.len; i++) {
        switch (opt.data[i]) {
        case 'g': *global = true; break;
        case 'i': *flags |= RE_ICASE; break;
        case 'c': *flags &= ~RE_ICASE; break;
        case 'n': case 'm': *flags |= RE_NEWLINE_DOT | RE_NEWLINE_ANCHOR; break;
        case 'p': *flags |= RE_NEWLINE_DOT; *flags &= ~RE_NEWLINE_ANCHOR; break;
        case 'w': *flags &= ~RE_NEWLINE_DOT; *flags |= RE_NEWLINE_ANCHOR; break;
        case 's': *flags &= ~(RE_NEWLINE_DOT | RE_NEWLINE_ANCHOR); break;
        case 'x': *flags |= RE_EXPANDED; break;
        case 't': *flags &= ~RE_EXPANDED; break;
        case 'q': *flags |= RE_LITERAL; break;
        case 'b': case 'e': break;
        default:
            error_set(cf->err, ERR_INVALID_PARAMETER_VALUE, "invalid regular expression option: \"%.*s\"", utf8_char_len(opt.data[i]),
                      (const char *)opt.data + i);
            return false;
        }
    }
    return true;
}

static bool no_global(CallFrame *cf, bool global, const char *fn)
{
    if (!global) return true;
    error_set(cf->err, ERR_INVALID_PARAMETER_VALUE, "%s does not support the \"global\" option", fn);
    return false;
}

/* ---- operators ---- */
static Datum test(CallFrame *cf, int flags, bool negate)
{
    const Regexp *re;
    bool hit;
    FTRY(regexp_get(ARG_TEXT(1), flags, &re, cf->err));
    FTRY(regexp_match(re, ARG_TEXT(0), 0, &hit, NULL, cf->err));
    return datum_bool(hit != negate);
}
FN(textregexeq) { return test(cf, 0, false); }
FN(textregexne) { return test(cf, 0, true); }
FN(texticregexeq) { return test(cf, RE_ICASE, false); }
FN(texticregexne) { return test(cf, RE_ICASE, true); }
FN(nameregexeq) { return test(cf, 0, false); }
FN(nameregexne) { return test(cf, 0, true); }
FN(nameicregexeq) { return test(cf, RE_ICASE, false); }
FN(nameicregexne) { return test(cf, RE_ICASE, true); }
static Datum regexp_like(CallFrame *cf)
{
    int flags = 0;
    bool global = false;
    if (cf->nargs > 2 && !parse_flags(cf, ARG_TEXT(2), &flags, &global)) return 0;
    if (!no_global(cf, global, "regexp_like()")) return 0;
    return test(cf, flags, false);
}
FN(regexp_like) { return regexp_like(cf); }
FN(regexp_like_no_flags) { return regexp_like(cf); }

static inline Slice part(Slice s, const size_t *pairs, int group)
{
    return slice_of(s.data + pairs[2 * group], pairs[2 * group + 1] - pairs[2 * group]);
}
static inline bool took_part(const size_t *pairs, int group) { return pairs[2 * group] != SIZE_MAX; }
/* Where to look next: behind the match, one character further if it was empty. > s.len: nowhere. */
static size_t next_start(Slice s, const size_t *pairs)
{
    size_t end = pairs[1];
    if (pairs[0] != end) return end;
    return end < s.len ? end + (size_t)utf8_char_len(s.data[end]) : s.len + 1;
}

Datum regexp_substring(CallFrame *cf, Slice s, Slice pattern)
{
    const Regexp *re;
    const size_t *m;
    bool hit;
    FTRY(regexp_get(pattern, 0, &re, cf->err));
    FTRY(regexp_match(re, s, 0, &hit, &m, cf->err));
    if (!hit) RETURN_NULL();
    int group = regexp_groups(re) > 0 ? 1 : 0;
    if (!took_part(m, group)) RETURN_NULL();
    return call_return_text(cf, part(s, m, group));
}
FN(textregexsubstr) { return regexp_substring(cf, ARG_TEXT(0), ARG_TEXT(1)); }

/* ---- replace ---- */
static void add_replacement(StrBuf *sb, Slice rep, Slice s, const size_t *m, int groups)
{
    for (size_t i = 0; i < rep.len; i++) {
        uint8_t c = rep.data[i];
        if (c != '\\' || i + 1 >= rep.len) {
            strbuf_char(sb, (char)c);
            continue;
        }
        uint8_t d = rep.data[++i];
        if (d >= '1' && d <= '9') {
            int g = d - '0';
            if (g <= groups && took_part(m, g)) strbuf_append(sb, part(s, m, g).data, part(s, m, g).len);
        } else if (d == '&') {
            strbuf_append(sb, part(s, m, 0).data, part(s, m, 0).len);
        } else if (d == '\\') {
            strbuf_char(sb, '\\');
        } else {
            strbuf_char(sb, '\\');
            strbuf_char(sb, (char)d);
        }
    }
}

/* n: which match is replaced; 0: all. */
static Datum replace(CallFrame *cf, int flags, size_t start, int64_t n)
{
    Slice s = ARG_TEXT(0), rep = ARG_TEXT(2);
    const Regexp *re;
    const size_t *m;
    bool hit;
    StrBuf sb;
    strbuf_init(&sb, cf->arena);
    FTRY(regexp_get(ARG_TEXT(1), flags, &re, cf->err));
    int groups = regexp_groups(re);
    size_t copied = 0, at = start;
    for (int64_t count = 1; at <= s.len; count++) {
        FTRY(INTERRUPT_CHECK(fn_interrupt(cf), cf->err));
        FTRY(regexp_match(re, s, at, &hit, &m, cf->err));
        if (!hit) break;
        if (n == 0 || count == n) {
            strbuf_append(&sb, s.data + copied, m[0] - copied);
            add_replacement(&sb, rep, s, m, groups);
            copied = m[1];
            if (n) break;
        }
        at = next_start(s, m);
    }
    strbuf_append(&sb, s.data + copied, s.len - copied);
    return fn_return_buf(cf, &sb);
}
FN(textregexreplace_noopt) { return replace(cf, 0, 0, 1); }
FN(textregexreplace)
{
    int flags;
    bool global;
    Slice opt = ARG_TEXT(3);
    if (opt.len && opt.data[0] >= '0' && opt.data[0] <= '9') {
        error_set(cf->err, ERR_INVALID_PARAMETER_VALUE, "invalid regular expression option: \"%.*s\"", utf8_char_len(opt.data[0]), (const char *)opt.data);
        error_hint(cf->err, "If you meant to use regexp_replace() with a start parameter, cast the fourth argument to integer explicitly.");
        return 0;
    }
    if (!parse_flags(cf, opt, &flags, &global)) return 0;
    return replace(cf, flags, 0, global ? 0 : 1);
}
static bool positive(CallFrame *cf, int arg, int least, const char *name, int *out)
{
    *out = ARG_I32(arg);
    if (*out >= least) return true;
    error_set(cf->err, ERR_INVALID_PARAMETER_VALUE, "invalid value for parameter \"%s\": %d", name, *out);
    return false;
}
static size_t start_offset(Slice s, int start) /* 1-based characters; past the end: s.len + 1 */
{
    size_t off = utf8_offset(s, (size_t)start - 1);
    return off >= s.len && utf8_count(s) < (size_t)start - 1 ? s.len + 1 : off;
}
static Datum replace_extended(CallFrame *cf)
{
    int start, n = 1, flags = 0;
    bool global = false;
    if (!positive(cf, 3, 1, "start", &start)) return 0;
    if (cf->nargs > 4 && !positive(cf, 4, 0, "n", &n)) return 0;
    if (cf->nargs > 5 && !parse_flags(cf, ARG_TEXT(5), &flags, &global)) return 0;
    if (cf->nargs <= 4) n = global ? 0 : 1;
    return replace(cf, flags, start_offset(ARG_TEXT(0), start), n);
}
FN(textregexreplace_extended) { return replace_extended(cf); }
FN(textregexreplace_extended_no_n) { return replace_extended(cf); }
FN(textregexreplace_extended_no_flags) { return replace_extended(cf); }

/* ---- matches as arrays ---- */
static Datum groups_array(CallFrame *cf, Slice s, const Regexp *re, const size_t *m)
{
    ArrayBuilder b;
    Datum out = 0;
    int n = regexp_groups(re);
    array_builder_init(&b, cf->arena, type_builtin(TYPE_text));
    for (int g = n ? 1 : 0; g <= n; g++) {
        bool null = !took_part(m, g);
        Datum d = null ? 0 : varlena_from_slice(cf->arena, part(s, m, g));
        if (!null && !d) return fn_oom(cf);
        FTRY(array_builder_add(&b, d, null, cf->err));
    }
    FTRY(array_builder_finish(&b, cf->arena, &out, cf->err));
    return out;
}
static Datum match_once(CallFrame *cf)
{
    int flags = 0;
    bool global = false, hit;
    const Regexp *re;
    const size_t *m;
    if (cf->nargs > 2 && !parse_flags(cf, ARG_TEXT(2), &flags, &global)) return 0;
    if (global) {
        no_global(cf, true, "regexp_match()");
        error_hint(cf->err, "Use the regexp_matches function instead.");
        return 0;
    }
    FTRY(regexp_get(ARG_TEXT(1), flags, &re, cf->err));
    FTRY(regexp_match(re, ARG_TEXT(0), 0, &hit, &m, cf->err));
    if (!hit) RETURN_NULL();
    return groups_array(cf, ARG_TEXT(0), re, m);
}
FN(regexp_match) { return match_once(cf); }
FN(regexp_match_no_flags) { return match_once(cf); }

typedef struct MatchState { Slice s, pattern; int flags; bool global, over; size_t at, copied; } MatchState;
static MatchState *match_state(CallFrame *cf, const char *split_name)
{
    MatchState *st = cf->site_state;
    Datum copy[2];
    if (st) return st;
    st = fn_site_alloc(cf, sizeof *st);
    if (!st) {
        fn_oom(cf);
        return NULL;
    }
    Arena *site = cf->site_arena ? cf->site_arena : cf->arena;
    for (int i = 0; i < 2; i++)
        if (failed(datum_copy(site, cf->args[i], false, -1, &copy[i], cf->err))) return NULL;
    st->s = varlena_slice(copy[0]);
    st->pattern = varlena_slice(copy[1]);
    if (cf->nargs > 2 && !parse_flags(cf, ARG_TEXT(2), &st->flags, &st->global)) return NULL;
    if (split_name && !no_global(cf, st->global, split_name)) return NULL;
    cf->site_state = st;
    return st;
}
static Datum matches(CallFrame *cf)
{
    MatchState *st = match_state(cf, NULL);
    const Regexp *re;
    const size_t *m;
    bool hit = false;
    if (!st) return 0;
    if (!st->over && st->at <= st->s.len) {
        FTRY(regexp_get(st->pattern, st->flags, &re, cf->err));
        FTRY(regexp_match(re, st->s, st->at, &hit, &m, cf->err));
    }
    if (!hit) {
        cf->set->done = true;
        return 0;
    }
    st->at = next_start(st->s, m);
    st->over = !st->global;
    return groups_array(cf, st->s, re, m);
}
FN(regexp_matches) { return matches(cf); }
FN(regexp_matches_no_flags) { return matches(cf); }

/* ---- split: an empty match at the start, at the end or right behind the last match does not split ---- */
static bool split_next(CallFrame *cf, MatchState *st, Slice *out)
{
    const Regexp *re;
    const size_t *m;
    bool hit = false;
    if (st->over) return false;
    while (st->at <= st->s.len) {
        if (failed(regexp_get(st->pattern, st->flags, &re, cf->err)) || failed(regexp_match(re, st->s, st->at, &hit, &m, cf->err))) return false;
        if (!hit) break;
        st->at = next_start(st->s, m);
        if (m[0] == m[1] && (m[0] == st->copied || m[0] >= st->s.len)) continue;
        *out = slice_of(st->s.data + st->copied, m[0] - st->copied);
        st->copied = m[1];
        return true;
    }
    st->over = true;
    *out = slice_of(st->s.data + st->copied, st->s.len - st->copied);
    return true;
}
static Datum split_array(CallFrame *cf)
{
    MatchState st = {.s = ARG_TEXT(0), .pattern = ARG_TEXT(1)};
    ArrayBuilder b;
    Slice s;
    Datum out = 0;
    if (cf->nargs > 2 && !parse_flags(cf, ARG_TEXT(2), &st.flags, &st.global)) return 0;
    if (!no_global(cf, st.global, "regexp_split_to_array()")) return 0;
    array_builder_init(&b, cf->arena, type_builtin(TYPE_text));
    while (split_next(cf, &st, &s)) {
        Datum d = varlena_from_slice(cf->arena, s);
        FTRY_MEM(d);
        FTRY(array_builder_add(&b, d, false, cf->err));
    }
    if (!fn_ok(cf)) return 0;
    FTRY(array_builder_finish(&b, cf->arena, &out, cf->err));
    return out;
}
FN(regexp_split_to_array) { return split_array(cf); }
FN(regexp_split_to_array_no_flags) { return split_array(cf); }
static Datum split_table(CallFrame *cf)
{
    MatchState *st = match_state(cf, "regexp_split_to_table()");
    Slice s;
    if (!st) return 0;
    if (!split_next(cf, st, &s)) {
        cf->set->done = true;
        return 0;
    }
    return call_return_text(cf, s);
}
FN(regexp_split_to_table) { return split_table(cf); }
FN(regexp_split_to_table_no_flags) { return split_table(cf); }

/* ---- count, instr, substr ---- */
static Datum count(CallFrame *cf)
{
    int start = 1, flags = 0;
    bool global = false, hit;
    const Regexp *re;
    const size_t *m;
    Slice s = ARG_TEXT(0);
    int32_t n = 0;
    if (cf->nargs > 2 && !positive(cf, 2, 1, "start", &start)) return 0;
    if (cf->nargs > 3 && !parse_flags(cf, ARG_TEXT(3), &flags, &global)) return 0;
    if (!no_global(cf, global, "regexp_count()")) return 0;
    FTRY(regexp_get(ARG_TEXT(1), flags, &re, cf->err));
    for (size_t at = start_offset(s, start); at <= s.len; at = next_start(s, m), n++) {
        FTRY(regexp_match(re, s, at, &hit, &m, cf->err));
        if (!hit) break;
    }
    return datum_i32(n);
}
FN(regexp_count) { return count(cf); }
FN(regexp_count_no_start) { return count(cf); }
FN(regexp_count_no_flags) { return count(cf); }

/* The n-th match from start; its group's offsets. false: none (or error). */
static bool nth(CallFrame *cf, int flags, int start, int n, int group, size_t *from, size_t *to)
{
    const Regexp *re;
    const size_t *m;
    bool hit;
    Slice s = ARG_TEXT(0);
    if (failed(regexp_get(ARG_TEXT(1), flags, &re, cf->err))) return false;
    if (group > regexp_groups(re)) return false;
    for (size_t at = start_offset(s, start); at <= s.len; at = next_start(s, m)) {
        if (failed(regexp_match(re, s, at, &hit, &m, cf->err)) || !hit) return false;
        if (--n) continue;
        if (!took_part(m, group)) return false;
        *from = m[2 * group];
        *to = m[2 * group + 1];
        return true;
    }
    return false;
}
static Datum instr(CallFrame *cf)
{
    int start = 1, n = 1, end = 0, flags = 0, group = 0;
    bool global = false;
    size_t from, to;
    if (cf->nargs > 2 && !positive(cf, 2, 1, "start", &start)) return 0;
    if (cf->nargs > 3 && !positive(cf, 3, 1, "n", &n)) return 0;
    if (cf->nargs > 4 && (!positive(cf, 4, 0, "endoption", &end))) return 0;
    if (end > 1) return CALL_ERROR(cf, ERR_INVALID_PARAMETER_VALUE, "invalid value for parameter \"%s\": %d", "endoption", end);
    if (cf->nargs > 5 && !parse_flags(cf, ARG_TEXT(5), &flags, &global)) return 0;
    if (cf->nargs > 6 && !positive(cf, 6, 0, "subexpr", &group)) return 0;
    if (!no_global(cf, global, "regexp_instr()")) return 0;
    if (!nth(cf, flags, start, n, group, &from, &to)) return datum_i32(0);
    return datum_i32((int32_t)utf8_count(slice_of(ARG_TEXT(0).data, end ? to : from)) + 1);
}
FN(regexp_instr) { return instr(cf); }
FN(regexp_instr_no_start) { return instr(cf); }
FN(regexp_instr_no_n) { return instr(cf); }
FN(regexp_instr_no_endoption) { return instr(cf); }
FN(regexp_instr_no_flags) { return instr(cf); }
FN(regexp_instr_no_subexpr) { return instr(cf); }
static Datum substr(CallFrame *cf)
{
    int start = 1, n = 1, flags = 0, group = 0;
    bool global = false;
    size_t from, to;
    if (cf->nargs > 2 && !positive(cf, 2, 1, "start", &start)) return 0;
    if (cf->nargs > 3 && !positive(cf, 3, 1, "n", &n)) return 0;
    if (cf->nargs > 4 && !parse_flags(cf, ARG_TEXT(4), &flags, &global)) return 0;
    if (cf->nargs > 5 && !positive(cf, 5, 0, "subexpr", &group)) return 0;
    if (!no_global(cf, global, "regexp_substr()")) return 0;
    if (!nth(cf, flags, start, n, group, &from, &to)) RETURN_NULL();
    return call_return_text(cf, slice_of(ARG_TEXT(0).data + from, to - from));
}
FN(regexp_substr) { return substr(cf); }
FN(regexp_substr_no_start) { return substr(cf); }
FN(regexp_substr_no_n) { return substr(cf); }
FN(regexp_substr_no_flags) { return substr(cf); }
FN(regexp_substr_no_subexpr) { return substr(cf); }
