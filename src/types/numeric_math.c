/* Numeric: division, remainder, roots, logarithms, powers.
 *
 * Quotients that fit 128 bits are computed there, larger ones by GMP. Transcendental functions are computed by MPFR with spare digits
 * and rounded to the display scale that PostgreSQL chooses for the result. */
#include <gmp.h>
#include <math.h>
#include <mpfr.h>
#include <pthread.h>
#include <stdlib.h>

#include "types/numeric.h"
#include "types/numeric_internal.h"

#define MAX_DISPLAY_SCALE NUMERIC_MAX_PRECISION
#define MAX_RESULT_SCALE (NUMERIC_MAX_PRECISION * 2)

static int clamp(int v, int lo, int hi) { return v < lo ? lo : v > hi ? hi : v; }
static int max_int(int a, int b) { return a > b ? a : b; }

static STATUS divide_by_zero(Error *err) { return error_set(err, ERR_DIVISION_BY_ZERO, "division by zero"); }

/* ---- integers of digits ---- */

/* The digits as one integer times 10000^shift (shift >= 0). */
static STATUS to_mpz(const Numeric *v, long shift, mpz_t z, Error *err)
{
    size_t len = ((size_t)v->n + (size_t)shift) * 4;
    char *s = malloc(len + 2);
    TRY_MEM(s, err);
    memset(s, '0', len + 1);
    for (int i = 0; i < v->n; i++) {
        int d = v->d[i];
        s[4 * i] = (char)('0' + d / 1000);
        s[4 * i + 1] = (char)('0' + d / 100 % 10);
        s[4 * i + 2] = (char)('0' + d / 10 % 10);
        s[4 * i + 3] = (char)('0' + d % 10);
    }
    s[len ? len : 1] = 0;
    mpz_init_set_str(z, s, 10);
    free(s);
    return ST_OK;
}

/* out = z * 10000^exp, dscale set by the caller. */
static STATUS from_mpz(const mpz_t z, long exp, bool neg, Arena *arena, Numeric *out, Error *err)
{
    size_t len = mpz_sizeinbase(z, 10);
    char *s = malloc(len + 2);
    TRY_MEM(s, err);
    mpz_get_str(s, 10, z);
    len = strlen(s);
    int n = (int)((len + 3) / 4);
    numeric_set_zero(out, 0);
    Status st = numeric_room(out, n, arena, err);
    if (!failed(st)) {
        size_t pos = 0, first = len - (size_t)(n - 1) * 4;
        for (int i = 0; i < n; i++) {
            size_t take = i == 0 ? first : 4;
            int d = 0;
            for (size_t k = 0; k < take; k++) d = d * 10 + (s[pos++] - '0');
            out->d[i] = (int16_t)d;
        }
        out->n = n;
        out->neg = neg;
        long weight = exp + n - 1;
        out->weight = weight > INT32_MAX / 8 ? INT32_MAX / 8 : weight < -(INT32_MAX / 8) ? -(INT32_MAX / 8) : (int)weight;
        numeric_strip(out);
    }
    free(s);
    return st;
}

static unsigned __int128 to_u128(const Numeric *v, int shift)
{
    unsigned __int128 x = 0;
    for (int i = 0; i < v->n + shift; i++) x = x * 10000 + (unsigned)(i < v->n ? v->d[i] : 0);
    return x;
}

static void from_u128(unsigned __int128 x, int exp, bool neg, Numeric *out)
{
    int16_t rev[12];
    int n = 0;
    for (; x > UINT64_MAX; x /= 10000) rev[n++] = (int16_t)(x % 10000);
    for (uint64_t y = (uint64_t)x; y; y /= 10000) rev[n++] = (int16_t)(y % 10000);
    numeric_set_zero(out, 0);
    for (int i = 0; i < n; i++) out->d[i] = rev[n - 1 - i];
    out->n = n;
    out->neg = neg;
    out->weight = exp + n - 1;
    numeric_strip(out);
}

/* ---- division ---- */

int numeric_select_div_scale(const Numeric *a, const Numeric *b)
{
    int w1 = a->n ? a->weight : 0, w2 = b->n ? b->weight : 0;
    int f1 = a->n ? a->d[0] : 0, f2 = b->n ? b->d[0] : 0;
    int qweight = w1 - w2 - (f1 <= f2);
    int rscale = NUMERIC_MIN_SIG_DIGITS - qweight * 4;
    rscale = max_int(max_int(rscale, a->dscale), max_int(b->dscale, 0));
    return rscale > MAX_DISPLAY_SCALE ? MAX_DISPLAY_SCALE : rscale;
}

STATUS numeric_div_scale(const Numeric *a, const Numeric *b, int rscale, bool round, Arena *arena, Numeric *out, Error *err)
{
    mpz_t x, y;
    if (b->n == 0) return divide_by_zero(err);
    bool neg = a->neg != b->neg;
    if (a->n == 0) {
        numeric_set_zero(out, max_int(rscale, 0));
        return ST_OK;
    }
    /* the quotient to one decimal more than asked for: rounding half away needs no more */
    int groups = rscale >= 0 ? (rscale + 4) / 4 : 0;
    int ea = a->weight - a->n + 1, eb = b->weight - b->n + 1;
    int shift = groups + ea - eb, shift_b = 0;
    if (shift < 0) shift_b = -shift, shift = 0;
    int exp = ea - eb - shift + shift_b;
    if (a->n + shift <= 9 && b->n + shift_b <= 9) {
        from_u128(to_u128(a, shift) / to_u128(b, shift_b), exp, neg, out);
    } else {
        TRY(to_mpz(a, shift, x, err));
        Status st = to_mpz(b, shift_b, y, err);
        if (!failed(st)) {
            mpz_tdiv_q(x, x, y);
            st = from_mpz(x, exp, neg, arena, out, err);
            mpz_clear(y);
        }
        mpz_clear(x);
        TRY(st);
    }
    if (round) numeric_round(out, rscale);
    else numeric_trunc(out, rscale);
    return ST_OK;
}

static int sign_of(const Numeric *v)
{
    if (v->kind != NUMERIC_FINITE) return v->kind == NUMERIC_NINF ? -1 : 1;
    return v->n == 0 ? 0 : v->neg ? -1 : 1;
}

/* One operand is NaN or infinite. */
static STATUS div_special(const Numeric *a, const Numeric *b, int dscale, Numeric *out, Error *err)
{
    if (a->kind == NUMERIC_NAN || b->kind == NUMERIC_NAN) {
        numeric_set_special(out, NUMERIC_NAN);
    } else if (a->kind != NUMERIC_FINITE) {
        if (b->kind == NUMERIC_FINITE && b->n == 0) return divide_by_zero(err);
        int s = sign_of(a) * sign_of(b);
        numeric_set_special(out, b->kind != NUMERIC_FINITE ? NUMERIC_NAN : s > 0 ? NUMERIC_PINF : NUMERIC_NINF);
    } else {
        numeric_set_zero(out, dscale);
    }
    return ST_OK;
}

STATUS numeric_div(const Numeric *a, const Numeric *b, Arena *arena, Numeric *out, Error *err)
{
    if (unlikely(a->kind != NUMERIC_FINITE || b->kind != NUMERIC_FINITE)) return div_special(a, b, 0, out, err);
    return numeric_div_scale(a, b, numeric_select_div_scale(a, b), true, arena, out, err);
}

STATUS numeric_div_trunc(const Numeric *a, const Numeric *b, Arena *arena, Numeric *out, Error *err)
{
    if (a->kind != NUMERIC_FINITE || b->kind != NUMERIC_FINITE) return div_special(a, b, 0, out, err);
    return numeric_div_scale(a, b, 0, false, arena, out, err);
}

STATUS numeric_mod(const Numeric *a, const Numeric *b, Arena *arena, Numeric *out, Error *err)
{
    mpz_t x, y;
    if (a->kind != NUMERIC_FINITE || b->kind != NUMERIC_FINITE) {
        if (a->kind == NUMERIC_NAN || b->kind == NUMERIC_NAN) numeric_set_special(out, NUMERIC_NAN);
        else if (b->kind == NUMERIC_FINITE && b->n == 0) return divide_by_zero(err);
        else if (a->kind != NUMERIC_FINITE) numeric_set_special(out, NUMERIC_NAN);
        else return numeric_assign(out, a, arena, err);
        return ST_OK;
    }
    if (b->n == 0) return divide_by_zero(err);
    int dscale = max_int(a->dscale, b->dscale);
    bool neg = a->neg;
    if (a->n == 0) {
        numeric_set_zero(out, dscale);
        return ST_OK;
    }
    int ea = a->weight - a->n + 1, eb = b->weight - b->n + 1, e = ea < eb ? ea : eb;
    if (a->n + ea - e <= 9 && b->n + eb - e <= 9) {
        from_u128(to_u128(a, ea - e) % to_u128(b, eb - e), e, neg, out);
    } else {
        TRY(to_mpz(a, ea - e, x, err));
        Status st = to_mpz(b, eb - e, y, err);
        if (!failed(st)) {
            mpz_tdiv_r(x, x, y);
            st = from_mpz(x, e, neg, arena, out, err);
            mpz_clear(y);
        }
        mpz_clear(x);
        TRY(st);
    }
    out->dscale = dscale;
    return ST_OK;
}

STATUS numeric_gcd(const Numeric *a, const Numeric *b, Arena *arena, Numeric *out, Error *err)
{
    mpz_t x, y;
    int dscale = max_int(a->dscale, b->dscale);
    if (a->kind != NUMERIC_FINITE || b->kind != NUMERIC_FINITE) {
        numeric_set_special(out, NUMERIC_NAN);
        return ST_OK;
    }
    int ea = a->n ? a->weight - a->n + 1 : 0, eb = b->n ? b->weight - b->n + 1 : 0, e = ea < eb ? ea : eb;
    if (!a->n) ea = e;
    if (!b->n) eb = e;
    TRY(to_mpz(a, ea - e, x, err));
    Status st = to_mpz(b, eb - e, y, err);
    if (!failed(st)) {
        mpz_gcd(x, x, y);
        st = from_mpz(x, e, false, arena, out, err);
        mpz_clear(y);
    }
    mpz_clear(x);
    TRY(st);
    out->dscale = dscale;
    return ST_OK;
}

/* ---- square root ---- */

STATUS numeric_sqrt_scale(const Numeric *a, int rscale, Arena *arena, Numeric *out, Error *err)
{
    mpz_t x;
    if (a->n == 0) {
        numeric_set_zero(out, max_int(rscale, 0));
        return ST_OK;
    }
    /* sqrt(m * 10000^e) with e even = isqrt(m) * 10000^(e/2), with enough groups for rscale + 1 decimals */
    int groups = rscale >= 0 ? (rscale + 5) / 4 : 1;
    int e = a->weight - a->n + 1, shift = e + 2 * groups;
    if (shift < 0) shift = (e & 1);
    TRY(to_mpz(a, shift, x, err));
    mpz_sqrt(x, x);
    Status st = from_mpz(x, (e - shift) / 2, false, arena, out, err);
    mpz_clear(x);
    TRY(st);
    numeric_round(out, rscale);
    return ST_OK;
}

STATUS numeric_sqrt(const Numeric *a, Arena *arena, Numeric *out, Error *err)
{
    if (a->kind == NUMERIC_NINF || (a->kind == NUMERIC_FINITE && a->neg && a->n))
        return error_set(err, ERR_INVALID_ARGUMENT_FOR_POWER_FUNCTION, "cannot take square root of a negative number");
    if (a->kind != NUMERIC_FINITE) return numeric_assign(out, a, arena, err);
    int weight = a->n ? a->weight : 0;
    int sweight = (weight + 1) * 4 / 2 - 1;
    int rscale = clamp(max_int(NUMERIC_MIN_SIG_DIGITS - sweight, a->dscale), 0, MAX_DISPLAY_SCALE);
    return numeric_sqrt_scale(a, rscale, arena, out, err);
}

/* ---- MPFR ---- */

/* MPFR keeps constants in every thread that used it: freed when the thread ends. */
static pthread_key_t cache_key;
static pthread_once_t cache_once = PTHREAD_ONCE_INIT;
static void free_cache(void *arg UNUSED) { mpfr_free_cache(); }
static bool have_key;
static void make_key(void) { have_key = pthread_key_create(&cache_key, free_cache) == 0; }
void numeric_prepare(void) { pthread_once(&cache_once, make_key); }
static void note_thread(void)
{
    numeric_prepare();
    if (have_key && !pthread_getspecific(cache_key)) pthread_setspecific(cache_key, &cache_key);
}

static STATUS to_mpfr(const Numeric *v, mpfr_t f, mpfr_prec_t bits, Error *err)
{
    StrBuf sb;
    note_thread();
    strbuf_init_heap(&sb, NULL);
    if (v->neg) strbuf_char(&sb, '-');
    if (v->n == 0) strbuf_char(&sb, '0');
    for (int i = 0; i < v->n; i++) strbuf_printf(&sb, "%04d", v->d[i]);
    if (v->n) strbuf_printf(&sb, "e%d", (v->weight - v->n + 1) * 4);
    Status st = strbuf_check(&sb, err);
    if (!failed(st)) {
        mpfr_init2(f, bits);
        mpfr_set_str(f, strbuf_cstr(&sb), 10, MPFR_RNDN);
    }
    strbuf_free(&sb);
    return st;
}

/* Rounded half away from zero at rscale decimals. Clears f. */
static STATUS from_mpfr(mpfr_t f, int rscale, Arena *arena, Numeric *out, Error *err)
{
    char *text = NULL;
    bool ok;
    int n = mpfr_asprintf(&text, "%.*Rf", rscale + 8, f);
    mpfr_clear(f);
    if (n < 0 || !text) return error_out_of_memory(err, 0);
    Status st = numeric_parse(slice_of(text, (size_t)n), arena, out, &ok, err);
    mpfr_free_str(text);
    TRY(st);
    numeric_round(out, rscale);
    return ST_OK;
}

static mpfr_prec_t bits_for(long decimals)
{
    if (decimals < 32) decimals = 32;
    return (mpfr_prec_t)((double)decimals * 3.3219280949 + 64);
}

/* Decimal weight of ln(v). */
static int ln_weight(const Numeric *v, Arena *arena)
{
    Numeric one, x, lo, hi;
    bool ok;
    if (v->neg || v->n == 0) return 0;
    if (failed(numeric_parse(slice_cstr("0.9"), arena, &lo, &ok, NULL)) || failed(numeric_parse(slice_cstr("1.1"), arena, &hi, &ok, NULL)))
        return 0;
    if (numeric_cmp(v, &lo) >= 0 && numeric_cmp(v, &hi) <= 0) {
        numeric_set_i64(&one, 1);
        if (failed(numeric_sub(v, &one, arena, &x, NULL)) || x.n == 0) return 0;
        return x.weight * 4 + (int)log10(x.d[0]);
    }
    int digits = v->d[0], dweight = v->weight * 4;
    if (v->n > 1) {
        digits = digits * 10000 + v->d[1];
        dweight -= 4;
    }
    double l = fabs(log((double)digits) + dweight * 2.302585092994046);
    return (int)log10(l);
}

static STATUS check_log_argument(const Numeric *a, Error *err)
{
    if (a->kind == NUMERIC_NINF || (a->kind == NUMERIC_FINITE && a->n && a->neg))
        return error_set(err, ERR_INVALID_ARGUMENT_FOR_LOG, "cannot take logarithm of a negative number");
    if (numeric_is_zero(a)) return error_set(err, ERR_INVALID_ARGUMENT_FOR_LOG, "cannot take logarithm of zero");
    return ST_OK;
}

static long decimals_of(const Numeric *v) { return (long)v->n * 4; }

STATUS numeric_ln(const Numeric *a, Arena *arena, Numeric *out, Error *err)
{
    mpfr_t f;
    if (a->kind == NUMERIC_NAN) return numeric_assign(out, a, arena, err);
    TRY(check_log_argument(a, err));
    if (a->kind != NUMERIC_FINITE) return numeric_assign(out, a, arena, err);
    int rscale = clamp(max_int(NUMERIC_MIN_SIG_DIGITS - ln_weight(a, arena), a->dscale), 0, MAX_DISPLAY_SCALE);
    TRY(to_mpfr(a, f, bits_for(decimals_of(a) + rscale + 24), err));
    mpfr_log(f, f, MPFR_RNDN);
    return from_mpfr(f, rscale, arena, out, err);
}

STATUS numeric_exp(const Numeric *a, Arena *arena, Numeric *out, Error *err)
{
    mpfr_t f;
    if (a->kind == NUMERIC_NINF) {
        numeric_set_zero(out, 0);
        return ST_OK;
    }
    if (a->kind != NUMERIC_FINITE) return numeric_assign(out, a, arena, err);
    double x = numeric_to_f8(a), val = x * 0.434294481903252;
    val = val < -MAX_RESULT_SCALE ? -MAX_RESULT_SCALE : val > MAX_RESULT_SCALE ? MAX_RESULT_SCALE : val;
    int rscale = clamp(max_int(NUMERIC_MIN_SIG_DIGITS - (int)val, a->dscale), 0, MAX_DISPLAY_SCALE);
    if (fabs(x) >= MAX_RESULT_SCALE * 3) {
        if (x > 0) return numeric_overflow(err);
        numeric_set_zero(out, rscale);
        return ST_OK;
    }
    TRY(to_mpfr(a, f, bits_for(decimals_of(a) + rscale + (long)fabs(val) + 32), err));
    mpfr_exp(f, f, MPFR_RNDN);
    return from_mpfr(f, rscale, arena, out, err);
}

STATUS numeric_log(const Numeric *base, const Numeric *a, Arena *arena, Numeric *out, Error *err)
{
    mpfr_t f, g;
    if (base->kind == NUMERIC_NAN || a->kind == NUMERIC_NAN) {
        numeric_set_special(out, NUMERIC_NAN);
        return ST_OK;
    }
    TRY(check_log_argument(base, err));
    TRY(check_log_argument(a, err));
    if (base->kind != NUMERIC_FINITE) {
        if (a->kind != NUMERIC_FINITE) numeric_set_special(out, NUMERIC_NAN);
        else numeric_set_zero(out, 0);
        return ST_OK;
    }
    if (a->kind != NUMERIC_FINITE) return numeric_assign(out, a, arena, err);
    int rscale = NUMERIC_MIN_SIG_DIGITS - (ln_weight(a, arena) - ln_weight(base, arena));
    rscale = clamp(max_int(max_int(rscale, base->dscale), a->dscale), 0, MAX_DISPLAY_SCALE);
    mpfr_prec_t bits = bits_for(decimals_of(a) + decimals_of(base) + rscale + 32);
    TRY(to_mpfr(a, f, bits, err));
    if (failed(to_mpfr(base, g, bits, err))) {
        mpfr_clear(f);
        return ST_FAILED;
    }
    mpfr_log(f, f, MPFR_RNDN);
    mpfr_log(g, g, MPFR_RNDN);
    bool zero = mpfr_zero_p(g);
    if (!zero) mpfr_div(f, f, g, MPFR_RNDN);
    mpfr_clear(g);
    if (zero) {
        mpfr_clear(f);
        return divide_by_zero(err);
    }
    return from_mpfr(f, rscale, arena, out, err);
}

/* ---- power ---- */

static STATUS power_int(const Numeric *base, int exp, Arena *arena, Numeric *out, Error *err)
{
    Numeric one;
    mpfr_t f;
    int rscale = clamp(max_int(NUMERIC_MIN_SIG_DIGITS, base->dscale), 0, MAX_DISPLAY_SCALE);
    numeric_set_i64(&one, 1);
    if (exp == 0) {
        numeric_set_i64(out, 1);
        out->dscale = rscale;
        return ST_OK;
    }
    if (exp == 1) {
        TRY(numeric_assign(out, base, arena, err));
        numeric_round(out, rscale);
        return ST_OK;
    }
    if (exp == -1) return numeric_div_scale(&one, base, rscale, true, arena, out, err);
    if (exp == 2) {
        TRY(numeric_mul(base, base, arena, out, err));
        numeric_round(out, rscale);
        return ST_OK;
    }
    if (base->n == 0) {
        if (exp < 0) return divide_by_zero(err);
        numeric_set_zero(out, rscale);
        return ST_OK;
    }
    double lead = base->d[0] + (base->n > 1 ? base->d[1] / 10000.0 : 0) + (base->n > 2 ? base->d[2] / 1e8 : 0);
    double f10 = exp * (log10(lead) + base->weight * 4.0);
    if (f10 > 131072.0 + 8) return numeric_overflow(err);
    if (f10 + 1 < -rscale) {
        numeric_set_zero(out, rscale);
        return ST_OK;
    }
    long digits = rscale + (f10 > 0 ? (long)f10 : 0) + 40;
    TRY(to_mpfr(base, f, bits_for(max_int((int)decimals_of(base), (int)digits)), err));
    mpfr_pow_si(f, f, exp, MPFR_RNDN);
    return from_mpfr(f, rscale, arena, out, err);
}

/* One of the two is NaN or infinite (IEEE rules, as PostgreSQL applies them). */
static STATUS power_special(const Numeric *a, const Numeric *b, Arena *arena, Numeric *out, Error *err)
{
    Numeric one;
    numeric_set_i64(&one, 1);
    if (a->kind == NUMERIC_NAN || b->kind == NUMERIC_NAN) {
        if ((a->kind == NUMERIC_FINITE && numeric_cmp(a, &one) == 0) || numeric_is_zero(b)) return numeric_assign(out, &one, arena, err);
        numeric_set_special(out, NUMERIC_NAN);
        return ST_OK;
    }
    int sa = sign_of(a), sb = sign_of(b);
    if (sa == 0 && sb < 0) return error_set(err, ERR_INVALID_ARGUMENT_FOR_POWER_FUNCTION, "zero raised to a negative power is undefined");
    if (sa < 0 && b->kind == NUMERIC_FINITE && !numeric_is_integral(b))
        return error_set(err, ERR_INVALID_ARGUMENT_FOR_POWER_FUNCTION, "a negative number raised to a non-integer power yields a complex result");
    if (a->kind == NUMERIC_FINITE && numeric_cmp(a, &one) == 0) return numeric_assign(out, &one, arena, err);
    if (sb == 0) return numeric_assign(out, &one, arena, err);
    if (sa == 0) {
        numeric_set_zero(out, 0);
        return ST_OK;
    }
    if (b->kind != NUMERIC_FINITE) {
        Numeric m;
        bool up;
        if (a->kind == NUMERIC_FINITE) {
            TRY(numeric_assign(&m, a, arena, err));
            m.neg = false;
            int c = numeric_cmp(&m, &one);
            if (c == 0) return numeric_assign(out, &one, arena, err);
            up = (c > 0) == (sb > 0);
        } else {
            up = sb > 0;
        }
        if (up) numeric_set_special(out, NUMERIC_PINF);
        else numeric_set_zero(out, 0);
        return ST_OK;
    }
    if (a->kind == NUMERIC_PINF || a->kind == NUMERIC_NINF) {
        if (sb < 0) {
            numeric_set_zero(out, 0);
            return ST_OK;
        }
        bool odd = b->n && b->weight + 1 == b->n && (b->d[b->n - 1] & 1);
        numeric_set_special(out, a->kind == NUMERIC_NINF && odd ? NUMERIC_NINF : NUMERIC_PINF);
    }
    return ST_OK;
}

STATUS numeric_power(const Numeric *a, const Numeric *b, Arena *arena, Numeric *out, Error *err)
{
    mpfr_t f, g;
    int64_t e;
    if (a->kind != NUMERIC_FINITE || b->kind != NUMERIC_FINITE) return power_special(a, b, arena, out, err);
    if (a->n == 0 && b->neg && b->n)
        return error_set(err, ERR_INVALID_ARGUMENT_FOR_POWER_FUNCTION, "zero raised to a negative power is undefined");
    bool integral = numeric_is_integral(b);
    if (a->neg && !integral)
        return error_set(err, ERR_INVALID_ARGUMENT_FOR_POWER_FUNCTION, "a negative number raised to a non-integer power yields a complex result");
    if (integral && numeric_to_i64(b, &e) && e >= INT32_MIN && e <= INT32_MAX) return power_int(a, (int)e, arena, out, err);
    if (a->n == 0) {
        numeric_set_zero(out, NUMERIC_MIN_SIG_DIGITS);
        return ST_OK;
    }
    Numeric base;
    TRY(numeric_assign(&base, a, arena, err));
    bool odd = b->n && b->weight + 1 == b->n && (b->d[b->n - 1] & 1);
    bool neg = base.neg && odd;
    base.neg = false;
    double lead = base.d[0] + (base.n > 1 ? base.d[1] / 10000.0 : 0) + (base.n > 2 ? base.d[2] / 1e8 : 0);
    double val = numeric_to_f8(b) * (log(lead) + base.weight * 4 * 2.302585092994046);
    if (fabs(val) > MAX_RESULT_SCALE * 3.01) {
        if (val > 0) return numeric_overflow(err);
        numeric_set_zero(out, MAX_DISPLAY_SCALE);
        return ST_OK;
    }
    val *= 0.434294481903252;
    int rscale = NUMERIC_MIN_SIG_DIGITS - (int)val;
    rscale = clamp(max_int(max_int(rscale, a->dscale), b->dscale), 0, MAX_DISPLAY_SCALE);
    mpfr_prec_t bits = bits_for(decimals_of(a) + decimals_of(b) + rscale + (long)fabs(val) + 40);
    TRY(to_mpfr(&base, f, bits, err));
    if (failed(to_mpfr(b, g, bits, err))) {
        mpfr_clear(f);
        return ST_FAILED;
    }
    mpfr_pow(f, f, g, MPFR_RNDN);
    mpfr_clear(g);
    TRY(from_mpfr(f, rscale, arena, out, err));
    if (out->n) out->neg = neg;
    return ST_OK;
}

STATUS numeric_factorial(int n, Arena *arena, Numeric *out, Error *err)
{
    mpz_t x;
    mpz_init(x);
    mpz_fac_ui(x, (unsigned long)n);
    Status st = from_mpz(x, 0, false, arena, out, err);
    mpz_clear(x);
    return st;
}
