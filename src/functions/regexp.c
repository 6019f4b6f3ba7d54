/* Advanced regular expressions on PCRE2. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "functions/regexp.h"

#include <ctype.h>
#include <pcre2.h>
#include <pthread.h>
#include <stdlib.h>

#define CACHE_SIZE 32

struct Regexp {
    pcre2_code *code;
    pcre2_match_data *data;
    uint8_t *pattern;
    size_t len;
    int flags;
    bool longest; /* has alternatives and no lazy quantifier: the longest match has to be looked for */
    uint64_t used;
};

typedef struct Cache { Regexp slot[CACHE_SIZE]; uint64_t clock; pcre2_match_context *match; } Cache;

static pthread_key_t cache_key;
static pthread_once_t cache_once = PTHREAD_ONCE_INIT;

static void regexp_drop(Regexp *r)
{
    pcre2_match_data_free(r->data);
    pcre2_code_free(r->code);
    free(r->pattern);
    *r = (Regexp){0};
}
static void cache_free(void *arg)
{
    Cache *c = arg;
    for (int i = 0; i < CACHE_SIZE; i++) regexp_drop(&c->slot[i]);
    pcre2_match_context_free(c->match);
    free(c);
}
static bool have_key;
static void cache_init(void) { have_key = pthread_key_create(&cache_key, cache_free) == 0; }
void regexp_prepare(void) { pthread_once(&cache_once, cache_init); }

static Cache *cache_of_thread(void)
{
    regexp_prepare();
    Cache *c = have_key ? pthread_getspecific(cache_key) : NULL;
    if (c || !have_key) return c;
    c = calloc(1, sizeof *c);
    if (!c) return NULL;
    c->match = pcre2_match_context_create(NULL);
    if (c->match) {
        pcre2_set_match_limit(c->match, 20000000);
        pcre2_set_heap_limit(c->match, 16 * 1024);
    }
    if (pthread_setspecific(cache_key, c) != 0) {
        cache_free(c);
        return NULL;
    }
    return c;
}

/* ---- translation ---- */

static size_t hex_run(Slice p, size_t at, size_t max)
{
    size_t n = 0;
    while (n < max && at + n < p.len && isxdigit(p.data[at + n])) n++;
    return n;
}

/* After a backslash at p[*i - 1]; *i is left at the last byte used. */
static bool escape(Slice p, size_t *i, bool in_class, StrBuf *out)
{
    if (*i >= p.len) return false;
    uint8_t c = p.data[*i];
    size_t n;
    switch (c) {
    case 'm': if (!in_class) { strbuf_str(out, "\\b(?=\\w)"); return true; } break;
    case 'M': if (!in_class) { strbuf_str(out, "\\b(?<=\\w)"); return true; } break;
    case 'y': if (!in_class) { strbuf_str(out, "\\b"); return true; } break;
    case 'Y': if (!in_class) { strbuf_str(out, "\\B"); return true; } break;
    case 'A': if (!in_class) { strbuf_str(out, "\\A"); return true; } break;
    case 'Z': if (!in_class) { strbuf_str(out, "\\z"); return true; } break;
    case 'B': strbuf_str(out, "\\\\"); return true;
    case 'b': strbuf_str(out, "\\x08"); return true;
    case 'v': strbuf_str(out, "\\x0b"); return true;
    case 'u': case 'U': case 'x':
        n = hex_run(p, *i + 1, c == 'u' ? 4 : c == 'U' ? 8 : 255);
        if (n == 0 || (c == 'u' && n != 4) || (c == 'U' && n != 8)) return false;
        strbuf_printf(out, "\\x{%.*s}", (int)n, (const char *)p.data + *i + 1);
        *i += n;
        return true;
    case 'a': case 'e': case 'f': case 'n': case 'r': case 't': case 'd': case 's': case 'w': case 'D': case 'S': case 'W': case '0': case 'c':
        break;
    default:
        if (isalpha(c)) return false;
    }
    strbuf_char(out, '\\');
    strbuf_char(out, (char)c);
    if (c == 'c' && *i + 1 < p.len) strbuf_char(out, (char)p.data[++*i]);
    return true;
}

/* A bracket expression from p[*i] == '['; *i is left at its closing bracket. */
static bool bracket(Slice p, size_t *i, int flags, StrBuf *out)
{
    size_t k = *i + 1;
    strbuf_char(out, '[');
    if (k < p.len && p.data[k] == '^') {
        strbuf_char(out, '^');
        if (flags & RE_NEWLINE_DOT) strbuf_str(out, "\\n");
        k++;
    }
    for (bool first = true; k < p.len; k++, first = false) {
        uint8_t c = p.data[k];
        if (c == ']' && !first) {
            strbuf_char(out, ']');
            *i = k;
            return true;
        }
        if (c == '[' && k + 1 < p.len && (p.data[k + 1] == ':' || p.data[k + 1] == '.' || p.data[k + 1] == '=')) {
            uint8_t kind = p.data[k + 1];
            size_t end = k + 2;
            while (end + 1 < p.len && !(p.data[end] == kind && p.data[end + 1] == ']')) end++;
            if (end + 1 >= p.len) return false;
            if (kind == ':') strbuf_append(out, p.data + k, end + 2 - k);
            else { /* [.x.] and [=x=]: the character itself */
                if (end - k - 2 == 1 && ispunct(p.data[k + 2])) strbuf_char(out, '\\');
                strbuf_append(out, p.data + k + 2, end - k - 2);
            }
            k = end + 1;
            continue;
        }
        if (c == '\\') {
            k++;
            if (!escape(p, &k, true, out)) return false;
            continue;
        }
        if (c == '[' || (c == ']' && first)) strbuf_char(out, '\\');
        strbuf_char(out, (char)c);
    }
    return false;
}

static void set_option(int *flags, char c)
{
    switch (c) {
    case 'i': *flags |= RE_ICASE; break;
    case 'c': *flags &= ~RE_ICASE; break;
    case 'n': case 'm': *flags |= RE_NEWLINE_DOT | RE_NEWLINE_ANCHOR; break;
    case 'p': *flags = (*flags | RE_NEWLINE_DOT) & ~RE_NEWLINE_ANCHOR; break;
    case 'w': *flags = (*flags | RE_NEWLINE_ANCHOR) & ~RE_NEWLINE_DOT; break;
    case 's': *flags &= ~(RE_NEWLINE_DOT | RE_NEWLINE_ANCHOR); break;
    case 'x': *flags |= RE_EXPANDED; break;
    case 't': *flags &= ~RE_EXPANDED; break;
    case 'q': *flags |= RE_LITERAL; break;
    default: break;
    }
}

bool regexp_translate(Slice p, int *flags, StrBuf *out)
{
    if (slice_has_prefix(p, slice_cstr("***="))) {
        *flags |= RE_LITERAL;
        p = slice_of(p.data + 4, p.len - 4);
    } else if (slice_has_prefix(p, slice_cstr("***:"))) {
        p = slice_of(p.data + 4, p.len - 4);
    }
    if (!(*flags & RE_LITERAL) && p.len > 3 && p.data[0] == '(' && p.data[1] == '?' && isalpha(p.data[2])) {
        size_t k = 2;
        while (k < p.len && isalpha(p.data[k])) k++;
        if (k < p.len && p.data[k] == ')') {
            for (size_t j = 2; j < k; j++) set_option(flags, (char)p.data[j]);
            p = slice_of(p.data + k + 1, p.len - k - 1);
        }
    }
    if (*flags & RE_LITERAL) {
        for (size_t i = 0; i < p.len; i++) {
            if (p.data[i] < 0x80 && ispunct(p.data[i])) strbuf_char(out, '\\');
            strbuf_char(out, (char)p.data[i]);
        }
        return true;
    }
    for (size_t i = 0; i < p.len; i++) {
        uint8_t c = p.data[i];
        if (c == '\\') {
            i++;
            if (!escape(p, &i, false, out)) return false;
        } else if (c == '[') {
            if (slice_has_prefix(slice_of(p.data + i, p.len - i), slice_cstr("[[:<:]]"))) {
                strbuf_str(out, "\\b(?=\\w)");
                i += 6;
            } else if (slice_has_prefix(slice_of(p.data + i, p.len - i), slice_cstr("[[:>:]]"))) {
                strbuf_str(out, "\\b(?<=\\w)");
                i += 6;
            } else if (!bracket(p, &i, *flags, out)) {
                strbuf_str(out, "["); /* PCRE2 then says what is wrong */
                return true;
            }
        } else {
            strbuf_char(out, (char)c);
        }
    }
    return true;
}

/* ---- compiling ---- */

static STATUS bad_pattern(const char *why, Error *err) { return error_set(err, ERR_INVALID_REGULAR_EXPRESSION, "invalid regular expression: %s", why); }

static STATUS compile_error(int code, Error *err)
{
    static const struct { int code; const char *text; } known[] = {
        {106, "brackets [] not balanced"}, {114, "parentheses () not balanced"}, {122, "parentheses () not balanced"},
        {109, "quantifier operand invalid"}, {104, "invalid repetition count(s)"}, {105, "invalid repetition count(s)"},
        {108, "invalid character range"}, {150, "invalid character range"}, {115, "invalid backreference number"}, {130, "invalid character class"},
        {101, "invalid escape \\ sequence"}, {103, "invalid escape \\ sequence"}, {137, "invalid escape \\ sequence"}, {167, "invalid escape \\ sequence"},
        {120, "regular expression is too complex"}, {121, "out of memory"}};
    PCRE2_UCHAR text[160];
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (known[i].code == code) return bad_pattern(known[i].text, err);
    pcre2_get_error_message(code, text, sizeof text);
    return bad_pattern((const char *)text, err);
}

static bool wants_longest(Slice p)
{
    bool bar = false;
    for (size_t i = 0; i < p.len; i++) {
        if (p.data[i] == '\\') i++;
        else if (p.data[i] == '|') bar = true;
        else if (p.data[i] == '?' && i && strchr("*+?}", p.data[i - 1])) return false;
    }
    return bar;
}

static STATUS compile(Slice pattern, int flags, Regexp *r, Error *err)
{
    StrBuf sb;
    int code, f = flags;
    PCRE2_SIZE at;
    strbuf_init_heap(&sb, NULL);
    bool ok = regexp_translate(pattern, &f, &sb);
    if (sb.oom) {
        strbuf_free(&sb);
        return error_out_of_memory(err, 0);
    }
    if (!ok) {
        strbuf_free(&sb);
        return bad_pattern("invalid escape \\ sequence", err);
    }
    uint32_t opt = PCRE2_UTF | PCRE2_UCP | PCRE2_NO_UTF_CHECK | PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_BACKSLASH_C;
    if (f & RE_ICASE) opt |= PCRE2_CASELESS;
    if (!(f & RE_NEWLINE_DOT)) opt |= PCRE2_DOTALL;
    if (f & RE_NEWLINE_ANCHOR) opt |= PCRE2_MULTILINE;
    if (f & RE_EXPANDED) opt |= PCRE2_EXTENDED;
    r->code = pcre2_compile((PCRE2_SPTR)strbuf_cstr(&sb), sb.len, opt, &code, &at, NULL);
    strbuf_free(&sb);
    if (!r->code) return compile_error(code, err);
    r->data = pcre2_match_data_create_from_pattern(r->code, NULL);
    r->pattern = malloc(pattern.len + 1);
    if (!r->data || !r->pattern) {
        regexp_drop(r);
        return error_out_of_memory(err, 0);
    }
    memcpy(r->pattern, pattern.data, pattern.len);
    r->len = pattern.len;
    r->flags = flags;
    r->longest = wants_longest(pattern);
    return ST_OK;
}

STATUS regexp_get(Slice pattern, int flags, const Regexp **out, Error *err)
{
    Cache *c = cache_of_thread();
    TRY_MEM(c, err);
    int oldest = 0;
    for (int i = 0; i < CACHE_SIZE; i++) {
        Regexp *r = &c->slot[i];
        if (r->code && r->flags == flags && r->len == pattern.len && !memcmp(r->pattern, pattern.data, pattern.len)) {
            r->used = ++c->clock;
            *out = r;
            return ST_OK;
        }
        if (r->used < c->slot[oldest].used) oldest = i;
    }
    Regexp fresh = {0};
    TRY(compile(pattern, flags, &fresh, err));
    regexp_drop(&c->slot[oldest]);
    c->slot[oldest] = fresh;
    c->slot[oldest].used = ++c->clock;
    *out = &c->slot[oldest];
    return ST_OK;
}

int regexp_groups(const Regexp *re)
{
    uint32_t n = 0;
    pcre2_pattern_info(re->code, PCRE2_INFO_CAPTURECOUNT, &n);
    return (int)n;
}

/* PCRE2 takes the first alternative that matches. Its other engine knows all matches at a place, the longest first: where that is longer,
 * match again up to there, for the groups. */
static int extend_match(const Regexp *re, Slice s, int rc, pcre2_match_context *mc)
{
    int workspace[1000];
    const size_t *ov = pcre2_get_ovector_pointer(re->data);
    size_t from = ov[0], to = ov[1];
    pcre2_match_data *all = pcre2_match_data_create(1, NULL);
    if (!all) return rc;
    int n = pcre2_dfa_match(re->code, (PCRE2_SPTR)s.data, s.len, from, PCRE2_NO_UTF_CHECK | PCRE2_ANCHORED, all, mc, workspace, 1000);
    size_t longest = n >= 0 ? pcre2_get_ovector_pointer(all)[1] : to;
    pcre2_match_data_free(all);
    if (longest <= to) return rc;
    int again = pcre2_match(re->code, (PCRE2_SPTR)s.data, longest, from, PCRE2_NO_UTF_CHECK | PCRE2_ANCHORED | PCRE2_ENDANCHORED, re->data, mc);
    if (again >= 0) return again;
    return pcre2_match(re->code, (PCRE2_SPTR)s.data, s.len, from, PCRE2_NO_UTF_CHECK | PCRE2_ANCHORED, re->data, mc);
}

STATUS regexp_match(const Regexp *re, Slice s, size_t start, bool *hit, const size_t **pairs, Error *err)
{
    PCRE2_UCHAR text[160];
    Cache *c = cache_of_thread();
    TRY_MEM(c, err);
    int rc = pcre2_match(re->code, (PCRE2_SPTR)(s.len ? (const char *)s.data : ""), s.len, start, PCRE2_NO_UTF_CHECK, re->data, c->match);
    if (rc >= 0 && pairs && re->longest) rc = extend_match(re, s, rc, c->match);
    *hit = rc >= 0;
    if (pairs) *pairs = pcre2_get_ovector_pointer(re->data);
    if (rc >= 0 || rc == PCRE2_ERROR_NOMATCH) return ST_OK;
    pcre2_get_error_message(rc, text, sizeof text);
    return error_set(err, rc == PCRE2_ERROR_NOMEMORY ? ERR_OUT_OF_MEMORY : ERR_INVALID_REGULAR_EXPRESSION, "regular expression failed: %s", (const char *)text);
}
