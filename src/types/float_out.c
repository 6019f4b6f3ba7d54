/* Float to shortest decimal, by R. Giulietti's Schubfach method ("The Schubfach way to render doubles", 2020).
 *
 * A float c * 2^q is read back from every decimal inside its rounding interval. With k = floor(log10(2^q)) there is a decimal of
 * the form s * 10^k or s * 10^(k+1) in it, and scaling the interval's ends by 10^-k, in 128-bit arithmetic rounded to odd, is
 * exact enough to find it. PostgreSQL does not use the ends of the interval themselves, so they count as outside here. */
#include "types/float_out.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

typedef struct Pow10 { uint64_t high, low; } Pow10;
static const Pow10 pow10_table[] = {
#define POW10(k, high, low) {high, low},
#include "types/float_pow10.def"
#undef POW10
};
#define POW10_MIN (-292)

typedef struct Decimal { uint64_t digits; int exponent; } Decimal; /* digits * 10^exponent */

static int floor_log2_pow10(int e) { return (e * 1741647) >> 19; }
static int floor_log10_pow2(int e) { return (e * 1262611) >> 22; }
static int floor_log10_three_quarters_pow2(int e) { return (e * 1262611 - 524031) >> 22; }

/* High word of g * x / 2^64, its lowest bit set if anything was cut off. */
static uint64_t scale_odd64(Pow10 g, uint64_t x)
{
    unsigned __int128 low = (unsigned __int128)g.low * x;
    unsigned __int128 sum = (unsigned __int128)g.high * x + (uint64_t)(low >> 64);
    return (uint64_t)(sum >> 64) | ((uint64_t)sum > 1);
}

/* The same for a 64-bit power and a 32-bit factor. */
static uint64_t scale_odd32(uint64_t g, uint64_t x)
{
    unsigned __int128 p = (unsigned __int128)g * x;
    return (uint32_t)(p >> 64) | ((uint32_t)(p >> 32) > 1);
}

/* Choose among the decimals near vb (four times the value, scaled): first with one digit less, then the nearest. */
static Decimal choose(uint64_t vbl, uint64_t vb, uint64_t vbr, int k)
{
    uint64_t lower = vbl + 1, upper = vbr - 1, s = vb / 4;
    if (s >= 10) {
        uint64_t sp = s / 10;
        bool low_in = lower <= 40 * sp, high_in = upper >= 40 * sp + 40;
        if (low_in != high_in) return (Decimal){sp + high_in, k + 1};
    }
    bool low_in = lower <= 4 * s, high_in = upper >= 4 * s + 4;
    if (low_in != high_in) return (Decimal){s + high_in, k};
    uint64_t mid = 4 * s + 2;
    bool up = vb > mid || (vb == mid && (s & 1));
    return (Decimal){s + up, k};
}

/* c * 2^q; closer_below: c is a power of two, so the next smaller float is only half as far. */
static Decimal shortest(uint64_t c, int q, bool closer_below, bool is_double)
{
    int k = closer_below ? floor_log10_three_quarters_pow2(q) : floor_log10_pow2(q);
    int h = q + floor_log2_pow10(-k) + 1;
    Pow10 g = pow10_table[-k - POW10_MIN];
    uint64_t l = (4 * c - 2 + closer_below) << h, m = (4 * c) << h, r = (4 * c + 2) << h;
    if (is_double) return choose(scale_odd64(g, l), scale_odd64(g, m), scale_odd64(g, r), k);
    uint64_t g1 = g.high + (g.low != 0);
    return choose(scale_odd32(g1, l), scale_odd32(g1, m), scale_odd32(g1, r), k);
}

static int count_digits(uint64_t v)
{
    int n = 1;
    for (; v >= 10; v /= 10) n++;
    return n;
}

/* "1.5", "0.00012", "1e+20": plain while the decimal exponent is in [-4, plain_below). */
static size_t format_decimal(Decimal d, int plain_below, char *out)
{
    while (d.digits % 10 == 0) d.digits /= 10, d.exponent++;
    char digits[20], *p = out;
    int n = count_digits(d.digits), exp10 = d.exponent + n - 1;
    for (int i = n - 1; i >= 0; i--, d.digits /= 10) digits[i] = (char)('0' + d.digits % 10);
    if (exp10 >= -4 && exp10 < plain_below) {
        if (exp10 < 0) {
            memcpy(p, "0.000", 5);
            p += 1 - exp10;
            memcpy(p, digits, (size_t)n);
            return (size_t)(p + n - out);
        }
        int whole = exp10 + 1, here = whole < n ? whole : n;
        memcpy(p, digits, (size_t)here);
        p += here;
        for (int i = n; i < whole; i++) *p++ = '0';
        if (n > whole) {
            *p++ = '.';
            memcpy(p, digits + whole, (size_t)(n - whole));
            p += n - whole;
        }
        return (size_t)(p - out);
    }
    *p++ = digits[0];
    if (n > 1) {
        *p++ = '.';
        memcpy(p, digits + 1, (size_t)(n - 1));
        p += n - 1;
    }
    *p++ = 'e';
    *p++ = exp10 < 0 ? '-' : '+';
    int e = exp10 < 0 ? -exp10 : exp10;
    if (e >= 100) *p++ = (char)('0' + e / 100);
    *p++ = (char)('0' + e / 10 % 10);
    *p++ = (char)('0' + e % 10);
    return (size_t)(p - out);
}

static size_t word(const char *s, char *out)
{
    memcpy(out, s, strlen(s));
    return strlen(s);
}

size_t float8_shortest(double v, char out[FLOAT_TEXT_MAX])
{
    uint64_t bits;
    memcpy(&bits, &v, 8);
    if (isnan(v)) return word("NaN", out);
    size_t sign = bits >> 63;
    if (sign) out[0] = '-';
    if (isinf(v)) return sign + word("Infinity", out + sign);
    uint64_t fraction = bits & ((1ull << 52) - 1);
    int exponent = (int)(bits >> 52 & 0x7FF);
    if (!fraction && !exponent) return sign + word("0", out + sign);
    uint64_t c = exponent ? fraction | 1ull << 52 : fraction;
    int q = exponent ? exponent - 1075 : -1074;
    /* integers up to 2^53 are their own digits */
    if (q <= 0 && q >= -52 && !(c & ((1ull << -q) - 1))) return sign + format_decimal((Decimal){c >> -q, 0}, 15, out + sign);
    return sign + format_decimal(shortest(c, q, fraction == 0 && exponent > 1, true), 15, out + sign);
}

size_t float4_shortest(float v, char out[FLOAT_TEXT_MAX])
{
    uint32_t bits;
    memcpy(&bits, &v, 4);
    if (isnan(v)) return word("NaN", out);
    size_t sign = bits >> 31;
    if (sign) out[0] = '-';
    if (isinf(v)) return sign + word("Infinity", out + sign);
    uint32_t fraction = bits & ((1u << 23) - 1);
    int exponent = (int)(bits >> 23 & 0xFF);
    if (!fraction && !exponent) return sign + word("0", out + sign);
    uint64_t c = exponent ? fraction | 1u << 23 : fraction;
    int q = exponent ? exponent - 150 : -149;
    if (q <= 0 && q >= -23 && !(c & ((1u << -q) - 1))) return sign + format_decimal((Decimal){c >> -q, 0}, 6, out + sign);
    return sign + format_decimal(shortest(c, q, fraction == 0 && exponent > 1, false), 6, out + sign);
}
