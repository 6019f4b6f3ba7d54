/* to_char of numbers and to_number: templates of 9 0 . D , G S MI PL SG PR RN TH V EEEE L FM. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "functions/fn.h"

typedef enum Key { N_9, N_0, N_DEC, N_D, N_COMMA, N_G, N_L, N_S, N_MI, N_PL, N_SG, N_PR, N_RN, N_rn, N_TH, N_th, N_V, N_EEEE, N_FM, N_B, N_C, N_CHAR } Key;
static const struct { const char *name; uint8_t key; } keys[] = {
    {"EEEE", N_EEEE}, {"eeee", N_EEEE}, {"FM", N_FM}, {"fm", N_FM}, {"MI", N_MI}, {"mi", N_MI}, {"PL", N_PL}, {"pl", N_PL}, {"PR", N_PR}, {"pr", N_PR},
    {"RN", N_RN}, {"rn", N_rn}, {"SG", N_SG}, {"sg", N_SG}, {"TH", N_TH}, {"th", N_th}, {"9", N_9}, {"0", N_0}, {".", N_DEC}, {",", N_COMMA},
    {"D", N_D}, {"d", N_D}, {"G", N_G}, {"g", N_G}, {"L", N_L}, {"l", N_L}, {"S", N_S}, {"s", N_S}, {"V", N_V}, {"v", N_V}, {"B", N_B}, {"b", N_B},
    {"C", N_C}, {"c", N_C}};

typedef struct Item { uint8_t key; uint8_t len; const uint8_t *text; } Item;
typedef struct Template {
    Item *items;
    int n;
    int pre, post, multi, zero_start, zero_end, pre_lsign, lsign; /* lsign: -1 in front, 1 behind */
    bool decimal, zero, fill, bracket, minus, plus, has_s, roman, v, eeee;
} Template;

static bool bad(CallFrame *cf, const char *what)
{
    error_set(cf->err, ERR_SYNTAX_ERROR, "%s", what);
    return false;
}

static bool note_key(CallFrame *cf, Template *t, Key k)
{
    if (t->eeee && k != N_EEEE) return bad(cf, "\"EEEE\" must be the last pattern used");
    switch (k) {
    case N_9:
        if (t->bracket) return bad(cf, "\"9\" must be ahead of \"PR\"");
        if (t->v) t->multi++;
        else if (t->decimal) t->post++;
        else t->pre++;
        break;
    case N_0:
        if (t->bracket) return bad(cf, "\"0\" must be ahead of \"PR\"");
        if (!t->zero && !t->decimal) {
            t->zero = true;
            t->zero_start = t->pre + 1;
        }
        if (t->decimal) t->post++;
        else t->pre++;
        t->zero_end = t->pre + t->post;
        break;
    case N_D: case N_DEC:
        if (t->decimal) return bad(cf, "multiple decimal points");
        if (t->v) return bad(cf, "cannot use \"V\" and decimal point together");
        t->decimal = true;
        break;
    case N_FM: t->fill = true; break;
    case N_S:
        if (t->has_s) return bad(cf, "cannot use \"S\" twice");
        if (t->plus || t->minus || t->bracket) return bad(cf, "cannot use \"S\" and \"PL\"/\"MI\"/\"SG\"/\"PR\" together");
        t->has_s = true;
        t->lsign = t->decimal ? 1 : -1;
        if (!t->decimal) t->pre_lsign = t->pre;
        break;
    case N_MI: if (t->has_s) return bad(cf, "cannot use \"S\" and \"MI\" together"); t->minus = true; break;
    case N_PL: if (t->has_s) return bad(cf, "cannot use \"S\" and \"PL\" together"); t->plus = true; break;
    case N_SG: if (t->has_s) return bad(cf, "cannot use \"S\" and \"SG\" together"); t->plus = t->minus = true; break;
    case N_PR:
        if (t->has_s || t->plus || t->minus) return bad(cf, "cannot use \"PR\" and \"S\"/\"PL\"/\"MI\"/\"SG\" together");
        t->bracket = true;
        break;
    case N_RN: case N_rn: t->roman = true; break;
    case N_V:
        if (t->decimal) return bad(cf, "cannot use \"V\" and decimal point together");
        t->v = true;
        break;
    case N_EEEE:
        if (t->eeee) return bad(cf, "cannot use \"EEEE\" twice");
        if (t->fill || t->has_s || t->bracket || t->minus || t->plus || t->roman || t->v) {
            bad(cf, "\"EEEE\" is incompatible with other formats");
            error_detail(cf->err, "\"EEEE\" may only be used together with digit and decimal point patterns.");
            return false;
        }
        t->eeee = true;
        break;
    default: break;
    }
    return true;
}

static bool parse_template(CallFrame *cf, Slice f, Template *t)
{
    *t = (Template){.items = arena_alloc(cf->arena, (f.len + 1) * sizeof(Item))};
    if (!t->items) {
        fn_oom(cf);
        return false;
    }
    for (size_t i = 0; i < f.len;) {
        Key k = N_CHAR;
        size_t len = (size_t)utf8_char_len(f.data[i]);
        if (f.data[i] == '"') { /* literal text */
            for (i++; i < f.len && f.data[i] != '"';) {
                if (f.data[i] == '\\' && i + 1 < f.len) i++;
                size_t n = (size_t)utf8_char_len(f.data[i]);
                t->items[t->n++] = (Item){N_CHAR, (uint8_t)n, f.data + i};
                i += n;
            }
            i++;
            continue;
        }
        if (f.data[i] == '\\' && i + 1 < f.len && f.data[i + 1] == '"') {
            t->items[t->n++] = (Item){N_CHAR, 1, f.data + i + 1};
            i += 2;
            continue;
        }
        for (size_t j = 0; j < sizeof keys / sizeof keys[0]; j++)
            if (slice_has_prefix(slice_of(f.data + i, f.len - i), slice_cstr(keys[j].name))) {
                k = keys[j].key;
                len = strlen(keys[j].name);
                break;
            }
        if (!note_key(cf, t, k)) return false;
        t->items[t->n++] = (Item){(uint8_t)k, (uint8_t)len, f.data + i};
        i += len;
    }
    return true;
}

static const char *ordinal(const char *digits, size_t n, bool upper)
{
    static const char *const th[2][4] = {{"th", "st", "nd", "rd"}, {"TH", "ST", "ND", "RD"}};
    int last = n ? digits[n - 1] - '0' : 0, teen = n > 1 && digits[n - 2] == '1';
    return th[upper][!teen && last >= 1 && last <= 3 ? last : 0];
}

static void roman(CallFrame *cf, int n, char out[16])
{
    static const struct { int v; const char *s; } r[] = {{1000, "M"}, {900, "CM"}, {500, "D"}, {400, "CD"}, {100, "C"}, {90, "XC"}, {50, "L"},
                                                          {40, "XL"}, {10, "X"}, {9, "IX"}, {5, "V"}, {4, "IV"}, {1, "I"}};
    out[0] = 0;
    if (n < 1 || n > 3999) {
        memset(out, '#', 15);
        out[15] = 0;
        return;
    }
    for (int i = 0; i < 13; i++)
        for (; n >= r[i].v; n -= r[i].v) strcat(out, r[i].s);
}

/* The number being laid out: digits with an optional point, without sign. */
typedef struct Layout {
    const Template *t;
    StrBuf *out;
    const char *number, *p, *last; /* last: the last digit that counts in fill mode, or NULL */
    char sign;
    bool sign_written, in_number, bracket;
    int lsign, pre_spaces, count, cur;
} Layout;

static bool before_point(const Layout *l) { return !l->t->zero && l->p == l->number && *l->number == '0' && l->t->post != 0; }

static void digit(Layout *l, Key k)
{
    const Template *t = l->t;
    l->in_number = false;
    if (!l->sign_written && (l->cur >= l->pre_spaces || (t->zero && t->zero_start == l->cur)) && (!before_point(l) || (l->last && *l->last == '.'))) {
        if (t->has_s) {
            if (l->lsign == -1) strbuf_char(l->out, l->sign), l->sign_written = true;
        } else if (l->bracket) {
            strbuf_char(l->out, l->sign == '+' ? ' ' : '<');
            l->sign_written = true;
        } else {
            if (l->sign == '-') strbuf_char(l->out, '-');
            else if (!t->fill) strbuf_char(l->out, ' ');
            l->sign_written = true;
        }
    }
    if (l->cur < l->pre_spaces && (t->zero_start > l->cur || !t->zero)) {
        if (!t->fill) strbuf_char(l->out, ' ');
    } else if (t->zero && l->cur < l->pre_spaces && t->zero_start <= l->cur) {
        strbuf_char(l->out, '0');
        l->in_number = true;
    } else {
        if (*l->p == '.') {
            if (!l->last || *l->last != '.' || t->fill) strbuf_char(l->out, '.');
        } else if (l->last && l->p > l->last && k != N_0) {
            /* a trailing zero that fill mode drops */
        } else if (before_point(l)) {
            if (!t->fill) strbuf_char(l->out, ' ');
            else if (l->last && *l->last == '.') strbuf_char(l->out, '0');
        } else if (*l->p) {
            strbuf_char(l->out, *l->p);
            l->in_number = true;
        }
        if (*l->p) l->p++;
    }
    int end = l->count + (l->pre_spaces ? 1 : 0) + (t->decimal ? 1 : 0);
    if (l->last && l->last == l->p) end = l->cur;
    if (l->cur + 1 == end) {
        if (l->sign_written && l->bracket) strbuf_char(l->out, l->sign == '+' ? ' ' : '>');
        else if (t->has_s && l->lsign == 1) strbuf_char(l->out, l->sign);
    }
    l->cur++;
}

static Datum lay_out(CallFrame *cf, Template *t, char sign, const char *number, int pre_spaces, const char *roman_text)
{
    StrBuf sb;
    bool in_digits = false;
    strbuf_init(&sb, cf->arena);
    Layout l = {.t = t, .out = &sb, .number = number, .p = number, .sign = sign, .bracket = t->bracket, .lsign = t->lsign, .pre_spaces = pre_spaces,
                .count = t->post + t->pre - 1};
    if (t->plus || t->minus) {
        l.sign_written = !(t->plus && !t->minus);
    } else {
        if (sign != '-' && t->fill) l.bracket = false;
        l.sign_written = sign == '+' && t->fill && !t->has_s;
        if (l.lsign == -1 && t->pre == t->pre_lsign) l.lsign = 1;
    }
    if (t->plus && !t->minus) l.sign_written = false;
    if (t->zero_start) t->zero_start--; /* a position from here on, no count */
    if (t->fill && t->decimal) {
        const char *dot = strchr(number, '.');
        if (dot) {
            l.last = dot;
            for (const char *p = dot; *p; p++)
                if (*p != '0') l.last = p;
        }
        if (l.last && t->zero_end > pre_spaces) {
            int pos = (int)strlen(number) - 1;
            if (t->zero_end - pre_spaces < pos) pos = t->zero_end - pre_spaces;
            if (l.last < number + pos) l.last = number + pos;
        }
    }
    if (!l.sign_written && pre_spaces == 0) l.count++;
    for (int i = 0; i < t->n; i++) {
        const Item *it = &t->items[i];
        switch ((Key)it->key) {
        case N_9: case N_0: case N_DEC: case N_D:
            if (roman_text) break;
            digit(&l, (Key)it->key);
            in_digits = l.in_number;
            break;
        case N_COMMA: case N_G:
            if (in_digits) strbuf_char(&sb, ',');
            else if (!t->fill) strbuf_char(&sb, ' ');
            break;
        case N_L: strbuf_char(&sb, ' '); break;
        case N_RN: case N_rn:
            if (!roman_text) break;
            if (it->key == N_rn) {
                char low[16];
                for (int k = 0; k < 16; k++) low[k] = (char)tolower((unsigned char)roman_text[k]);
                strbuf_printf(&sb, t->fill ? "%s" : "%15s", low);
            } else {
                strbuf_printf(&sb, t->fill ? "%s" : "%15s", roman_text);
            }
            break;
        case N_TH: case N_th: {
            if (roman_text || *number == '#' || sign == '-' || t->decimal) break;
            strbuf_str(&sb, ordinal(number, strlen(number), it->key == N_TH));
            break;
        }
        case N_MI: if (sign == '-') strbuf_char(&sb, '-'); else if (!t->fill) strbuf_char(&sb, ' '); break;
        case N_PL: if (sign == '+') strbuf_char(&sb, '+'); else if (!t->fill) strbuf_char(&sb, ' '); break;
        case N_SG: strbuf_char(&sb, sign); break;
        case N_CHAR: strbuf_append(&sb, it->text, it->len); break;
        default: break;
        }
    }
    return fn_return_buf(cf, &sb);
}

/* text: the rounded number with sign, post decimals. */
static Datum number_to_char(CallFrame *cf, Template *t, const char *text)
{
    char sign = *text == '-' ? '-' : '+';
    const char *num = text + (*text == '-');
    const char *dot = strchr(num, '.');
    int pre = dot ? (int)(dot - num) : (int)strlen(num), spaces = 0;
    if (t->pre > pre) {
        spaces = t->pre - pre;
    } else if (pre > t->pre) {
        char *over = arena_alloc(cf->arena, (size_t)(t->pre + t->post + 2));
        FTRY_MEM(over);
        memset(over, '#', (size_t)(t->pre + t->post + 1));
        over[t->pre + t->post + 1] = 0;
        over[t->pre] = '.';
        num = over;
    }
    return lay_out(cf, t, sign, num, spaces, NULL);
}

static Datum scientific(CallFrame *cf, const char *text)
{
    /* a blank for the missing minus, as in 1.23e+04 -> " 1.23e+04" */
    return call_return_cstr(cf, *text == '-' ? text : arena_printf(cf->arena, " %s", text));
}

/* d.ddde+XX with `post` decimals. */
static char *numeric_sci(CallFrame *cf, const Numeric *v, int post)
{
    Numeric m;
    StrBuf sb;
    int exp = 0;
    strbuf_init(&sb, cf->arena);
    if (failed(numeric_assign(&m, v, cf->arena, cf->err))) return NULL;
    for (int round = 0; round < 2; round++) {
        if (m.n) {
            exp = m.weight * 4;
            for (int d = m.d[0]; d >= 10; d /= 10) exp++;
        }
        numeric_round(&m, post - exp); /* may carry into another digit: then once more */
    }
    bool neg = m.neg;
    m.neg = false;
    /* digits of m: as an integer of post + 1 digits */
    StrBuf digits;
    strbuf_init(&digits, cf->arena);
    for (int i = 0; i < m.n; i++) strbuf_printf(&digits, i ? "%04d" : "%d", m.d[i]);
    strbuf_fill(&digits, '0', (size_t)post + 2);
    const char *d = strbuf_cstr(&digits);
    strbuf_printf(&sb, "%s%c", neg ? "-" : "", m.n ? d[0] : '0');
    if (post > 0) strbuf_printf(&sb, ".%.*s", post, d + (m.n ? 1 : 0));
    strbuf_printf(&sb, "e%c%02d", exp < 0 ? '-' : '+', exp < 0 ? -exp : exp);
    return sb.oom ? (fn_oom(cf), NULL) : sb.data;
}

static Datum special_text(CallFrame *cf, Template *t, NumericKind kind, bool eeee)
{
    if (eeee) { /* a field of # */
        StrBuf sb;
        strbuf_init(&sb, cf->arena);
        strbuf_char(&sb, ' ');
        strbuf_fill(&sb, '#', (size_t)(t->pre + t->post + 6));
        sb.data[t->pre + 1] = '.';
        return fn_return_buf(cf, &sb);
    }
    return number_to_char(cf, t, kind == NUMERIC_NAN ? "NaN" : kind == NUMERIC_PINF ? "Infinity" : "-Infinity");
}

static Datum numeric_format(CallFrame *cf, const Numeric *in, Slice fmt)
{
    Template t;
    Numeric v, scale, r;
    StrBuf sb;
    if (!parse_template(cf, fmt, &t)) return 0;
    FTRY(numeric_assign(&v, in, cf->arena, cf->err));
    if (t.roman) {
        char text[16];
        int64_t n = 0;
        if (!numeric_to_i64(&v, &n)) n = 0;
        roman(cf, n > 4000 || n < 0 ? 0 : (int)n, text);
        return lay_out(cf, &t, '+', text, 0, text);
    }
    if (v.kind != NUMERIC_FINITE) return special_text(cf, &t, v.kind, t.eeee);
    if (t.eeee) {
        char *s = numeric_sci(cf, &v, t.post);
        return s ? scientific(cf, s) : 0;
    }
    if (t.v) {
        Numeric ten, power;
        numeric_set_i64(&ten, 10);
        numeric_set_i64(&power, t.multi);
        FTRY(numeric_power(&ten, &power, cf->arena, &scale, cf->err));
        FTRY(numeric_mul(&v, &scale, cf->arena, &r, cf->err));
        FTRY(numeric_assign(&v, &r, cf->arena, cf->err));
        t.pre += t.multi;
    }
    numeric_round(&v, t.post);
    strbuf_init(&sb, cf->arena);
    numeric_print(&v, &sb);
    FTRY(strbuf_check(&sb, cf->err));
    return number_to_char(cf, &t, strbuf_cstr(&sb));
}

FN(numeric_to_char) { Numeric v; return fn_arg_numeric(cf, 0, &v) ? numeric_format(cf, &v, ARG_TEXT(1)) : 0; }
FN(int4_to_char) { Numeric v; numeric_set_i64(&v, ARG_I32(0)); return numeric_format(cf, &v, ARG_TEXT(1)); }
FN(int8_to_char) { Numeric v; numeric_set_i64(&v, ARG_I64(0)); return numeric_format(cf, &v, ARG_TEXT(1)); }

static Datum float_format(CallFrame *cf, double d, int max_digits)
{
    Template t;
    char text[512];
    if (!parse_template(cf, ARG_TEXT(1), &t)) return 0;
    if (t.roman) {
        roman(cf, isnan(d) || d > 3999.4 || d < 0.5 ? 0 : (int)rint(d), text);
        return lay_out(cf, &t, '+', text, 0, text);
    }
    if (isnan(d) || isinf(d)) return special_text(cf, &t, isnan(d) ? NUMERIC_NAN : d > 0 ? NUMERIC_PINF : NUMERIC_NINF, t.eeee);
    if (t.eeee) {
        snprintf(text, sizeof text, "%.*e", t.post, d);
        return scientific(cf, text);
    }
    if (t.v) {
        d *= pow(10, t.multi);
        t.pre += t.multi;
    }
    int pre = snprintf(text, sizeof text, "%.0f", fabs(d));
    if (pre >= max_digits) t.post = 0;
    else if (pre + t.post > max_digits) t.post = max_digits - pre;
    snprintf(text, sizeof text, "%.*f", t.post, d);
    return number_to_char(cf, &t, text);
}
FN(float4_to_char) { return float_format(cf, ARG_F4(0), 6); }
FN(float8_to_char) { return float_format(cf, ARG_F8(0), 15); }

FN(numeric_to_number)
{
    Template t;
    Slice s = ARG_TEXT(0);
    StrBuf sb;
    Numeric v, scale, r;
    bool neg = false, dot = false, ok;
    int pre = 0, post = 0;
    if (!parse_template(cf, ARG_TEXT(1), &t)) return 0;
    if (t.roman) return CALL_ERROR(cf, ERR_FEATURE_NOT_SUPPORTED, "\"RN\" not supported for input");
    if (t.eeee) return CALL_ERROR(cf, ERR_FEATURE_NOT_SUPPORTED, "\"EEEE\" not supported for input");
    if (!s.len || !t.n) RETURN_NULL();
    strbuf_init(&sb, cf->arena);
    for (size_t i = 0; i < s.len; i++) {
        uint8_t c = s.data[i];
        if (c >= '0' && c <= '9') {
            if (dot ? post >= t.post : pre >= t.pre + t.multi) continue;
            if (dot) post++;
            else pre++;
            strbuf_char(&sb, (char)c);
        } else if (c == '.' && !dot && t.decimal) {
            dot = true;
            strbuf_char(&sb, '.');
        } else if (c == '-' || (c == '<' && t.bracket)) {
            neg = true;
        }
    }
    FTRY(strbuf_check(&sb, cf->err));
    FTRY(numeric_parse(strbuf_slice(&sb), cf->arena, &v, &ok, cf->err));
    if (!ok || !sb.len) return CALL_ERROR(cf, ERR_INVALID_TEXT_REPRESENTATION, "invalid input syntax for type numeric: \"%s\"", neg ? "-" : " ");
    v.neg = neg && v.n;
    if (t.v) {
        Numeric ten, power;
        numeric_set_i64(&ten, 10);
        numeric_set_i64(&power, -t.multi);
        FTRY(numeric_power(&ten, &power, cf->arena, &scale, cf->err));
        FTRY(numeric_mul(&v, &scale, cf->arena, &r, cf->err));
        return fn_return_numeric(cf, &r);
    }
    return fn_return_numeric(cf, &v);
}
