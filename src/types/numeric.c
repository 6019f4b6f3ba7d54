/* Numeric: stored form, text, comparison, addition, multiplication, rounding. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/hash.h"
#include "types/numeric.h"
#include "types/numeric_internal.h"

#define HEAD_SHORT 0x8000u
#define HEAD_SPECIAL 0xC000u
#define HEAD_NEG 0x4000u
#define SHORT_NEG 0x2000u

/* A stored value's fields, digits unread. */
typedef struct View { NumericKind kind; bool neg; int weight, dscale, n; const uint8_t *d; } View;

static inline uint16_t get16(const uint8_t *p) { uint16_t v; memcpy(&v, p, 2); return v; }

static View view_of(Datum v)
{
    Slice s = varlena_slice(v);
    View w = {0};
    if (s.len < 2) return w;
    unsigned head = get16(s.data);
    size_t skip = 2;
    if ((head & 0xC000u) == HEAD_SPECIAL) {
        w.kind = (NumericKind)(head & 3);
        return w;
    }
    if ((head & 0xC000u) == HEAD_SHORT) {
        w.neg = head & SHORT_NEG;
        w.dscale = head >> 7 & 63;
        w.weight = (int)((head & 127) ^ 64) - 64;
    } else if (s.len >= 4) {
        w.neg = head & HEAD_NEG;
        w.dscale = head & 0x3FFF;
        w.weight = (int16_t)get16(s.data + 2);
        skip = 4;
    }
    w.n = (int)((s.len - skip) / 2);
    w.d = s.data + skip;
    return w;
}

STATUS numeric_overflow(Error *err) { return error_set(err, ERR_NUMERIC_VALUE_OUT_OF_RANGE, "value overflows numeric format"); }

STATUS numeric_room(Numeric *v, int n, Arena *arena, Error *err)
{
    v->d = n <= NUMERIC_SMALL ? v->small : arena_alloc(arena, (size_t)n * sizeof v->d[0]);
    TRY_MEM(v->d, err);
    return ST_OK;
}

STATUS numeric_read(Datum v, Arena *arena, Numeric *out, Error *err)
{
    View w = view_of(v);
    out->kind = w.kind;
    out->neg = w.neg;
    out->weight = w.weight;
    out->dscale = w.dscale;
    out->n = w.n;
    TRY(numeric_room(out, w.n, arena, err));
    if (w.n) memcpy(out->d, w.d, (size_t)w.n * 2);
    return ST_OK;
}

void numeric_strip(Numeric *v)
{
    int lead = 0;
    while (lead < v->n && v->d[lead] == 0) lead++;
    v->d += lead;
    v->n -= lead;
    v->weight -= lead;
    while (v->n > 0 && v->d[v->n - 1] == 0) v->n--;
    if (v->n == 0) {
        v->weight = 0;
        v->neg = false;
    }
}

STATUS numeric_make(const Numeric *v, Arena *arena, Datum *out, Error *err)
{
    uint8_t *body;
    uint16_t head, weight;
    if (unlikely(v->kind != NUMERIC_FINITE)) {
        head = (uint16_t)(HEAD_SPECIAL | v->kind);
        *out = varlena_new(arena, &head, 2, NULL);
        TRY_MEM(*out, err);
        return ST_OK;
    }
    const int16_t *d = v->d;
    int n = v->n, w = v->weight;
    while (n > 0 && d[0] == 0) d++, n--, w--;
    while (n > 0 && d[n - 1] == 0) n--;
    bool neg = v->neg && n > 0;
    if (n == 0) w = 0;
    if (unlikely(w > NUMERIC_WEIGHT_MAX || w < -NUMERIC_WEIGHT_MAX - 1 || v->dscale > NUMERIC_DSCALE_MAX)) return numeric_overflow(err);
    bool is_short = v->dscale < 64 && w >= -64 && w < 64;
    size_t skip = is_short ? 2 : 4;
    *out = varlena_new(arena, NULL, skip + (size_t)n * 2, &body);
    TRY_MEM(*out, err);
    if (is_short) {
        head = (uint16_t)(HEAD_SHORT | (neg ? SHORT_NEG : 0) | (unsigned)v->dscale << 7 | (unsigned)(w & 127));
    } else {
        head = (uint16_t)((neg ? HEAD_NEG : 0) | (unsigned)v->dscale);
        weight = (uint16_t)w;
        memcpy(body + 2, &weight, 2);
    }
    memcpy(body, &head, 2);
    if (n) memcpy(body + skip, d, (size_t)n * 2);
    return ST_OK;
}

STATUS numeric_assign(Numeric *dst, const Numeric *src, Arena *arena, Error *err)
{
    dst->kind = src->kind;
    dst->neg = src->neg;
    dst->weight = src->weight;
    dst->dscale = src->dscale;
    dst->n = src->n;
    TRY(numeric_room(dst, src->n, arena, err));
    if (src->n) memmove(dst->d, src->d, (size_t)src->n * sizeof dst->d[0]);
    return ST_OK;
}

void numeric_set_zero(Numeric *v, int dscale)
{
    v->kind = NUMERIC_FINITE;
    v->neg = false;
    v->weight = v->n = 0;
    v->dscale = dscale;
    v->d = v->small;
}

void numeric_set_special(Numeric *v, NumericKind kind)
{
    numeric_set_zero(v, 0);
    v->kind = kind;
}

static void set_u128(Numeric *v, unsigned __int128 x, bool neg)
{
    int16_t rev[12];
    int n = 0;
    numeric_set_zero(v, 0);
    v->neg = neg;
    while (x > UINT64_MAX) {
        rev[n++] = (int16_t)(x % 10000);
        x /= 10000;
    }
    for (uint64_t y = (uint64_t)x; y; y /= 10000) rev[n++] = (int16_t)(y % 10000);
    v->weight = n - 1;
    v->n = n;
    for (int i = 0; i < n; i++) v->d[i] = rev[n - 1 - i];
    numeric_strip(v);
}

void numeric_set_i128(Numeric *v, __int128 x) { set_u128(v, x < 0 ? -(unsigned __int128)x : (unsigned __int128)x, x < 0); }
void numeric_set_i64(Numeric *v, int64_t x) { numeric_set_i128(v, x); }

static STATUS set_float(Numeric *v, double x, int digits, Arena *arena, Error *err)
{
    char buf[64];
    bool ok;
    if (isnan(x) || isinf(x)) {
        numeric_set_special(v, isnan(x) ? NUMERIC_NAN : x > 0 ? NUMERIC_PINF : NUMERIC_NINF);
        return ST_OK;
    }
    snprintf(buf, sizeof buf, "%.*g", digits, x);
    return numeric_parse(slice_cstr(buf), arena, v, &ok, err);
}

STATUS numeric_set_f8(Numeric *v, double x, Arena *arena, Error *err) { return set_float(v, x, 15, arena, err); }
STATUS numeric_set_f4(Numeric *v, float x, Arena *arena, Error *err) { return set_float(v, x, 6, arena, err); }

Datum numeric_from_i64(Arena *arena, int64_t x)
{
    Numeric v;
    Datum out;
    numeric_set_i64(&v, x);
    return failed(numeric_make(&v, arena, &out, NULL)) ? 0 : out;
}

/* ---- text ---- */

static bool word_is(Slice s, const char *w)
{
    if (s.len != strlen(w)) return false;
    for (size_t i = 0; i < s.len; i++)
        if ((s.data[i] | 32) != (uint8_t)w[i]) return false;
    return true;
}

static bool parse_special(Slice s, Numeric *out)
{
    bool sign = s.len && (s.data[0] == '+' || s.data[0] == '-');
    Slice w = sign ? slice_of(s.data + 1, s.len - 1) : s;
    if (!sign && word_is(s, "nan")) {
        numeric_set_special(out, NUMERIC_NAN);
        return true;
    }
    if (!word_is(w, "infinity") && !word_is(w, "inf")) return false;
    numeric_set_special(out, sign && s.data[0] == '-' ? NUMERIC_NINF : NUMERIC_PINF);
    return true;
}

STATUS numeric_parse(Slice s, Arena *arena, Numeric *out, bool *ok, Error *err)
{
    size_t i = 0, first, ndec = 0;
    long before = 0, after = 0, exponent = 0;
    bool neg = false, dot = false;
    *ok = true;
    if (i < s.len && (s.data[i] == '+' || s.data[i] == '-')) neg = s.data[i++] == '-';
    first = i;
    for (; i < s.len; i++) {
        uint8_t c = s.data[i];
        if (c >= '0' && c <= '9') {
            ndec++;
            if (dot) after++;
            else before++;
        } else if (c == '.' && !dot) {
            dot = true;
        } else {
            break;
        }
    }
    size_t end = i;
    if (ndec == 0) {
        *ok = parse_special(s, out);
        return ST_OK;
    }
    if (i < s.len && (s.data[i] == 'e' || s.data[i] == 'E')) {
        bool eneg = false;
        i++;
        if (i < s.len && (s.data[i] == '+' || s.data[i] == '-')) eneg = s.data[i++] == '-';
        size_t start = i;
        for (; i < s.len && s.data[i] >= '0' && s.data[i] <= '9'; i++)
            if (exponent < INT32_MAX) exponent = exponent * 10 + (s.data[i] - '0');
        if (i == start) *ok = false;
        if (*ok && exponent >= INT32_MAX / 2) return numeric_overflow(err);
        if (eneg) exponent = -exponent;
    }
    if (i != s.len || !*ok) {
        *ok = false;
        return ST_OK;
    }
    /* decimal position: value = 0.DDDD * 10^(before + exponent); align to groups of four */
    long point = before + exponent;
    long groups_before = point > 0 ? (point + 3) / 4 : -(-point / 4);
    long pad = groups_before * 4 - point; /* zero decimals in front of the first digit: 0..3 */
    long n = (long)(ndec + (size_t)pad + 3) / 4;
    numeric_set_zero(out, 0);
    if (n > 200000000) return numeric_overflow(err);
    TRY(numeric_room(out, (int)n, arena, err));
    memset(out->d, 0, (size_t)n * 2);
    static const int16_t unit[4] = {1000, 100, 10, 1};
    long pos = pad;
    for (size_t k = first; k < end; k++) {
        if (s.data[k] == '.') continue;
        out->d[pos >> 2] = (int16_t)(out->d[pos >> 2] + unit[pos & 3] * (s.data[k] - '0'));
        pos++;
    }
    out->n = (int)n;
    out->neg = neg;
    out->weight = (int)groups_before - 1;
    long dscale = after - exponent;
    out->dscale = dscale < 0 ? 0 : dscale > INT32_MAX / 2 ? INT32_MAX / 2 : (int)dscale;
    numeric_strip(out);
    if (out->dscale > NUMERIC_DSCALE_MAX || out->weight > NUMERIC_WEIGHT_MAX) return numeric_overflow(err);
    return ST_OK;
}

static void put4(char *p, int d)
{
    p[0] = (char)('0' + d / 1000);
    p[1] = (char)('0' + d / 100 % 10);
    p[2] = (char)('0' + d / 10 % 10);
    p[3] = (char)('0' + d % 10);
}

void numeric_print(const Numeric *v, StrBuf *out)
{
    static const char *const names[] = {"", "-Infinity", "Infinity", "NaN"};
    char g[4];
    if (v->kind != NUMERIC_FINITE) {
        strbuf_str(out, names[v->kind]);
        return;
    }
    if (v->neg) strbuf_char(out, '-');
    if (v->weight < 0 || v->n == 0) strbuf_char(out, '0');
    for (int i = 0; i <= v->weight && v->n; i++) {
        put4(g, i < v->n ? v->d[i] : 0);
        int skip = 0;
        if (i == 0)
            while (skip < 3 && g[skip] == '0') skip++;
        strbuf_append(out, g + skip, (size_t)(4 - skip));
    }
    if (v->dscale <= 0) return;
    strbuf_char(out, '.');
    int left = v->dscale;
    for (int i = v->weight + 1; left > 0; i++) {
        if (v->n == 0) i = 0;
        if (i < 0 || i >= v->n || v->n == 0) {
            int zeros = i < 0 ? (-i) * 4 : left; /* a run of zeros before the first or after the last digit */
            if (zeros > left) zeros = left;
            strbuf_fill(out, '0', (size_t)zeros);
            left -= zeros;
            if (i < 0) i = -1;
            continue;
        }
        put4(g, v->d[i]);
        strbuf_append(out, g, (size_t)(left < 4 ? left : 4));
        left -= 4;
    }
}

void numeric_print_datum(Datum v, StrBuf *out)
{
    View w = view_of(v);
    Numeric n = {.kind = w.kind, .neg = w.neg, .weight = w.weight, .dscale = w.dscale, .n = w.n};
    n.d = n.small;
    if (w.n <= NUMERIC_SMALL) {
        if (w.n) memcpy(n.small, w.d, (size_t)w.n * 2);
        numeric_print(&n, out);
        return;
    }
    n.d = malloc((size_t)w.n * 2);
    if (!n.d) {
        out->oom = true;
        return;
    }
    memcpy(n.d, w.d, (size_t)w.n * 2);
    numeric_print(&n, out);
    free(n.d);
}

/* ---- comparison, hash, keys ---- */

static int kind_rank(NumericKind k) { return k == NUMERIC_NINF ? 0 : k == NUMERIC_FINITE ? 1 : k == NUMERIC_PINF ? 2 : 3; }

static int cmp_abs(const int16_t *a, int an, int aw, const int16_t *b, int bn, int bw)
{
    if (an == 0 || bn == 0) return (an > 0) - (bn > 0);
    if (aw != bw) return aw < bw ? -1 : 1;
    for (int i = 0; i < an && i < bn; i++)
        if (a[i] != b[i]) return a[i] < b[i] ? -1 : 1;
    return (an > bn) - (an < bn);
}

int numeric_cmp(const Numeric *a, const Numeric *b)
{
    if (a->kind != NUMERIC_FINITE || b->kind != NUMERIC_FINITE) {
        int x = kind_rank(a->kind), y = kind_rank(b->kind);
        return (x > y) - (x < y);
    }
    bool an = a->neg && a->n, bn = b->neg && b->n;
    if (an != bn) return an ? -1 : 1;
    int c = cmp_abs(a->d, a->n, a->weight, b->d, b->n, b->weight);
    return an ? -c : c;
}

int numeric_cmp_datum(Datum da, Datum db)
{
    View a = view_of(da), b = view_of(db);
    if (a.kind != NUMERIC_FINITE || b.kind != NUMERIC_FINITE) {
        int x = kind_rank(a.kind), y = kind_rank(b.kind);
        return (x > y) - (x < y);
    }
    if (a.neg != b.neg) return a.neg ? -1 : 1;
    int c = 0;
    if (a.n == 0 || b.n == 0) c = (a.n > 0) - (b.n > 0);
    else if (a.weight != b.weight) c = a.weight < b.weight ? -1 : 1;
    else {
        for (int i = 0; !c && i < a.n && i < b.n; i++) {
            int x = get16(a.d + 2 * i), y = get16(b.d + 2 * i);
            c = (x > y) - (x < y);
        }
        if (!c) c = (a.n > b.n) - (a.n < b.n);
    }
    return a.neg ? -c : c;
}

uint64_t numeric_hash_datum(Datum v)
{
    View w = view_of(v);
    if (w.kind != NUMERIC_FINITE) return hash_u64((uint64_t)w.kind);
    if (w.n == 0) return hash_u64(99);
    return hash_combine(hash_bytes(w.d, (size_t)w.n * 2), hash_u64((uint64_t)(int64_t)w.weight * 2 + w.neg));
}

void numeric_key_bytes_append(Datum v, StrBuf *out)
{
    static const char special[] = {0, 0x10, 0x50, 0x60};
    View w = view_of(v);
    if (w.kind != NUMERIC_FINITE || w.n == 0) {
        strbuf_char(out, w.kind != NUMERIC_FINITE ? special[w.kind] : 0x30);
        return;
    }
    /* weight (biased), each digit + 1, a zero at the end; all inverted for negative numbers */
    uint8_t flip = w.neg ? 0xff : 0;
    unsigned bias = (unsigned)(w.weight + 0x8000);
    strbuf_char(out, w.neg ? 0x20 : 0x40);
    strbuf_char(out, (char)((bias >> 8) ^ flip));
    strbuf_char(out, (char)(bias ^ flip));
    for (int i = 0; i <= w.n; i++) {
        unsigned d = i < w.n ? get16(w.d + 2 * i) + 1u : 0;
        strbuf_char(out, (char)((d >> 8) ^ flip));
        strbuf_char(out, (char)(d ^ flip));
    }
}

bool numeric_is_zero(const Numeric *v) { return v->kind == NUMERIC_FINITE && v->n == 0; }
bool numeric_is_integral(const Numeric *v) { return v->kind == NUMERIC_FINITE && (v->n == 0 || v->n <= v->weight + 1); }

/* ---- addition ---- */

static inline int digit_at(const Numeric *v, int pos) /* digit of 10000^pos */
{
    int i = v->weight - pos;
    return i >= 0 && i < v->n ? v->d[i] : 0;
}

static int max_int(int a, int b) { return a > b ? a : b; }

/* |a| + |b| (sub false) or |a| - |b| where |a| >= |b|. */
static STATUS combine_abs(const Numeric *a, const Numeric *b, bool sub, bool neg, Arena *arena, Numeric *out, Error *err)
{
    int dscale = max_int(a->dscale, b->dscale);
    int hi = a->n ? a->weight : INT32_MIN, lo = a->n ? a->weight - a->n + 1 : INT32_MAX;
    if (b->n) {
        hi = max_int(hi, b->weight);
        if (b->weight - b->n + 1 < lo) lo = b->weight - b->n + 1;
    }
    if (!a->n && !b->n) {
        numeric_set_zero(out, dscale);
        return ST_OK;
    }
    int n = hi - lo + 2, carry = 0;
    TRY(numeric_room(out, n, arena, err));
    for (int pos = lo, i = n - 1; i > 0; i--, pos++) {
        int x = digit_at(a, pos), y = digit_at(b, pos);
        int s = sub ? x - y - carry : x + y + carry;
        carry = sub ? s < 0 : s >= 10000;
        out->d[i] = (int16_t)(sub ? s + (carry ? 10000 : 0) : s - (carry ? 10000 : 0));
    }
    out->d[0] = (int16_t)(sub ? 0 : carry);
    out->kind = NUMERIC_FINITE;
    out->neg = neg;
    out->n = n;
    out->weight = hi + 1;
    out->dscale = dscale;
    numeric_strip(out);
    return ST_OK;
}

static STATUS add_signed(const Numeric *a, const Numeric *b, bool bneg, Arena *arena, Numeric *out, Error *err)
{
    if (a->neg == bneg) return combine_abs(a, b, false, a->neg, arena, out, err);
    if (cmp_abs(a->d, a->n, a->weight, b->d, b->n, b->weight) >= 0) return combine_abs(a, b, true, a->neg, arena, out, err);
    return combine_abs(b, a, true, bneg, arena, out, err);
}

static NumericKind negate_kind(NumericKind k) { return k == NUMERIC_PINF ? NUMERIC_NINF : k == NUMERIC_NINF ? NUMERIC_PINF : k; }

static STATUS add_or_sub(const Numeric *a, const Numeric *b, bool sub, Arena *arena, Numeric *out, Error *err)
{
    if (likely(a->kind == NUMERIC_FINITE && b->kind == NUMERIC_FINITE)) return add_signed(a, b, b->neg != sub, arena, out, err);
    NumericKind x = a->kind, y = sub ? negate_kind(b->kind) : b->kind;
    if (x == NUMERIC_NAN || y == NUMERIC_NAN || (x != NUMERIC_FINITE && y != NUMERIC_FINITE && x != y))
        numeric_set_special(out, NUMERIC_NAN);
    else
        numeric_set_special(out, x != NUMERIC_FINITE ? x : y);
    return ST_OK;
}

STATUS numeric_add(const Numeric *a, const Numeric *b, Arena *arena, Numeric *out, Error *err)
{
    return add_or_sub(a, b, false, arena, out, err);
}

STATUS numeric_sub(const Numeric *a, const Numeric *b, Arena *arena, Numeric *out, Error *err)
{
    return add_or_sub(a, b, true, arena, out, err);
}

/* ---- multiplication ---- */

static int sign_of(const Numeric *v)
{
    if (v->kind != NUMERIC_FINITE) return v->kind == NUMERIC_NINF ? -1 : 1;
    return v->n == 0 ? 0 : v->neg ? -1 : 1;
}

static STATUS mul_special(const Numeric *a, const Numeric *b, Numeric *out)
{
    int s = sign_of(a) * sign_of(b);
    bool nan = a->kind == NUMERIC_NAN || b->kind == NUMERIC_NAN || s == 0;
    numeric_set_special(out, nan ? NUMERIC_NAN : s > 0 ? NUMERIC_PINF : NUMERIC_NINF);
    return ST_OK;
}

STATUS numeric_mul(const Numeric *a, const Numeric *b, Arena *arena, Numeric *out, Error *err)
{
    uint64_t small[48], *acc = small;
    if (unlikely(a->kind != NUMERIC_FINITE || b->kind != NUMERIC_FINITE)) return mul_special(a, b, out);
    int dscale = a->dscale + b->dscale, n = a->n + b->n;
    if (a->n == 0 || b->n == 0) {
        numeric_set_zero(out, dscale > NUMERIC_DSCALE_MAX ? NUMERIC_DSCALE_MAX : dscale);
        return ST_OK;
    }
    if (n > 48) acc = arena_alloc(arena, (size_t)n * sizeof acc[0]);
    TRY_MEM(acc, err);
    memset(acc, 0, (size_t)n * sizeof acc[0]);
    for (int i = 0; i < a->n; i++) {
        uint64_t x = (uint64_t)a->d[i];
        for (int j = 0; j < b->n; j++) acc[i + j + 1] += x * (uint64_t)b->d[j];
    }
    bool neg = a->neg != b->neg;
    int weight = a->weight + b->weight + 1;
    TRY(numeric_room(out, n, arena, err)); /* out may be a or b: their digits are read by now */
    uint64_t carry = 0;
    for (int i = n - 1; i >= 0; i--) {
        uint64_t s = acc[i] + carry;
        carry = s / 10000;
        out->d[i] = (int16_t)(s - carry * 10000);
    }
    out->kind = NUMERIC_FINITE;
    out->neg = neg;
    out->weight = weight;
    out->n = n;
    out->dscale = dscale;
    numeric_strip(out);
    if (out->dscale > NUMERIC_DSCALE_MAX) numeric_round(out, NUMERIC_DSCALE_MAX);
    return ST_OK;
}

/* ---- rounding ---- */

static const int pow10_small[] = {1, 10, 100, 1000, 10000};

static void cut(Numeric *v, int rscale, bool round)
{
    if (v->kind != NUMERIC_FINITE) return;
    v->dscale = rscale < 0 ? 0 : rscale;
    if (v->n == 0) return;
    long keep = ((long)v->weight + 1) * 4 + rscale; /* decimals kept, counted from the first digit group's start */
    if (keep < 0) {
        numeric_set_zero(v, v->dscale);
        return;
    }
    if (keep >= (long)v->n * 4) return;
    int group = (int)(keep / 4), part = (int)(keep % 4);
    int unit = pow10_small[4 - part];
    int dropped = part ? v->d[group] % unit : v->d[group];
    bool up = round && dropped * 2 >= unit;
    v->n = group + (part ? 1 : 0);
    if (part) v->d[group] = (int16_t)(v->d[group] - dropped);
    int i = v->n - 1, add = part ? unit : 1;
    for (; up && i >= 0; i--, add = 1) {
        v->d[i] = (int16_t)(v->d[i] + add);
        if (v->d[i] < 10000) break;
        v->d[i] = (int16_t)(v->d[i] - 10000);
    }
    if (up && i < 0) { /* a carry out of the first digit: all kept digits are zero now */
        v->d[0] = 1;
        v->n = 1;
        v->weight++;
    }
    numeric_strip(v);
}

void numeric_round(Numeric *v, int rscale) { cut(v, rscale, true); }
void numeric_trunc(Numeric *v, int rscale) { cut(v, rscale, false); }

static STATUS to_integral(const Numeric *a, bool up, Arena *arena, Numeric *out, Error *err)
{
    Numeric one, t;
    TRY(numeric_assign(&t, a, arena, err));
    if (a->kind == NUMERIC_FINITE) {
        numeric_trunc(&t, 0);
        if (a->n && a->neg != up && cmp_abs(t.d, t.n, t.weight, a->d, a->n, a->weight) != 0) {
            numeric_set_i64(&one, up ? 1 : -1);
            return numeric_add(&t, &one, arena, out, err);
        }
    }
    return numeric_assign(out, &t, arena, err);
}

STATUS numeric_ceil(const Numeric *a, Arena *arena, Numeric *out, Error *err) { return to_integral(a, true, arena, out, err); }
STATUS numeric_floor(const Numeric *a, Arena *arena, Numeric *out, Error *err) { return to_integral(a, false, arena, out, err); }

/* ---- conversions ---- */

bool numeric_to_i128(const Numeric *v, __int128 *out)
{
    __int128 x = 0;
    if (v->kind != NUMERIC_FINITE) return false;
    if (v->n && v->weight > 9) return false;
    for (int i = 0; i <= v->weight && v->n; i++)
        if (__builtin_mul_overflow(x, (__int128)10000, &x) || __builtin_add_overflow(x, (__int128)(i < v->n ? v->d[i] : 0), &x)) return false;
    if (v->n && v->weight >= -1) {
        int next = v->weight + 1 < v->n ? v->d[v->weight + 1] : 0;
        x += next >= 5000;
    }
    *out = v->neg ? -x : x;
    return true;
}

bool numeric_to_i64(const Numeric *v, int64_t *out)
{
    __int128 x;
    if (!numeric_to_i128(v, &x) || x < INT64_MIN || x > INT64_MAX) return false;
    *out = (int64_t)x;
    return true;
}

double numeric_to_f8(const Numeric *v)
{
    StrBuf sb;
    if (v->kind != NUMERIC_FINITE) return v->kind == NUMERIC_NAN ? NAN : v->kind == NUMERIC_PINF ? INFINITY : -INFINITY;
    if (v->n <= 4 && v->weight <= 3 && v->weight - v->n + 1 >= -5) { /* both parts exact in a double: one rounding */
        uint64_t m = 0;
        int e = v->weight - v->n + 1;
        for (int i = 0; i < v->n; i++) m = m * 10000 + (uint64_t)v->d[i];
        if (m < (1ull << 53)) {
            double x = (double)m;
            static const double p[] = {1, 1e4, 1e8, 1e12, 1e16, 1e20};
            x = e >= 0 ? x * p[e] : x / p[-e];
            return v->neg ? -x : x;
        }
    }
    strbuf_init_heap(&sb, NULL);
    numeric_print(v, &sb);
    double x = strtod(strbuf_cstr(&sb), NULL);
    strbuf_free(&sb);
    return x;
}

static STATUS field_overflow(int precision, int scale, bool infinite, Error *err)
{
    int digits = precision - scale;
    error_set(err, ERR_NUMERIC_VALUE_OUT_OF_RANGE, "numeric field overflow");
    if (infinite) return error_detail(err, "A field with precision %d, scale %d cannot hold an infinite value.", precision, scale);
    return error_detail(err, "A field with precision %d, scale %d must round to an absolute value less than %s%d.", precision, scale,
                        digits ? "10^" : "", digits ? digits : 1);
}

STATUS numeric_apply_typmod(Numeric *v, int32_t typmod, Error *err)
{
    if (typmod < 4 || v->kind == NUMERIC_NAN) return ST_OK;
    int precision = numeric_typmod_precision(typmod), scale = numeric_typmod_scale(typmod);
    if (v->kind != NUMERIC_FINITE) return field_overflow(precision, scale, true, err);
    numeric_round(v, scale);
    if (v->n == 0) return ST_OK;
    int digits = (v->weight + 1) * 4;
    for (int lead = v->d[0]; lead < 1000; lead *= 10) digits--;
    return digits > precision - scale ? field_overflow(precision, scale, false, err) : ST_OK;
}

STATUS numeric_coerce(Arena *arena, Datum in, int32_t typmod, Datum *out, Error *err)
{
    Numeric v;
    *out = in;
    if (typmod < 4) return ST_OK;
    View w = view_of(in);
    int precision = numeric_typmod_precision(typmod), scale = numeric_typmod_scale(typmod);
    if (w.kind == NUMERIC_FINITE && w.dscale == scale && (w.weight + 1) * 4 <= precision - scale) return ST_OK;
    TRY(numeric_read(in, arena, &v, err));
    TRY(numeric_apply_typmod(&v, typmod, err));
    return numeric_make(&v, arena, out, err);
}
