/* Numeric: PostgreSQL's exact decimal numbers, digits in base 10000.
 *
 * Stored form (the varlena's bytes, little-endian): a 16-bit head, then the digits (16 bits each, most significant first, no
 * leading or trailing zero digit; zero has none). Head: bits 15-14 = 10 short: bit 13 sign, 12-7 display scale, 6-0 weight
 * (two's complement); 00/01 long positive/negative: bits 13-0 display scale, a 16-bit weight follows; 11 special: NaN, infinities.
 * The value is sum of digit[i] * 10000^(weight - i).
 *
 * Working form: Numeric below. Results of an operation live in the arena given; operands are not changed. A Numeric whose digits lie in
 * `small` may not be copied by assignment: use numeric_assign. Errors: 22003 "value overflows numeric format", 22012, 53200. */
#ifndef HELIOS_TYPES_NUMERIC_H
#define HELIOS_TYPES_NUMERIC_H

#include "types/type.h"

#define NUMERIC_MAX_PRECISION 1000
#define NUMERIC_MIN_SIG_DIGITS 16
#define NUMERIC_DSCALE_MAX 0x3FFF
#define NUMERIC_WEIGHT_MAX 0x7FFF
#define NUMERIC_SMALL 24

typedef enum NumericKind { NUMERIC_FINITE, NUMERIC_NINF, NUMERIC_PINF, NUMERIC_NAN } NumericKind;
typedef struct Numeric {
    NumericKind kind;
    bool neg;
    int32_t weight, dscale, n;
    int16_t *d;
    int16_t small[NUMERIC_SMALL];
} Numeric;

void numeric_prepare(void); /* at program start: takes the thread key that frees MPFR's caches */
STATUS numeric_read(Datum v, Arena *arena, Numeric *out, Error *err);
STATUS numeric_make(const Numeric *v, Arena *arena, Datum *out, Error *err); /* checks weight and scale */
STATUS numeric_assign(Numeric *dst, const Numeric *src, Arena *arena, Error *err);
void numeric_set_zero(Numeric *v, int dscale);
void numeric_set_special(Numeric *v, NumericKind kind);
void numeric_set_i64(Numeric *v, int64_t x);
void numeric_set_i128(Numeric *v, __int128 x);
STATUS numeric_set_f8(Numeric *v, double x, Arena *arena, Error *err);  /* 15 significant digits, as PostgreSQL casts */
STATUS numeric_set_f4(Numeric *v, float x, Arena *arena, Error *err);   /* 6 */

/* *ok = false: no number. Text already trimmed; errors are overflows only. Also "NaN", "Infinity", "-inf". */
STATUS numeric_parse(Slice text, Arena *arena, Numeric *out, bool *ok, Error *err);
void numeric_print(const Numeric *v, StrBuf *out);
void numeric_print_datum(Datum v, StrBuf *out);

int numeric_cmp(const Numeric *a, const Numeric *b); /* NaN is equal to itself and greater than all */
int numeric_cmp_datum(Datum a, Datum b);
uint64_t numeric_hash_datum(Datum v);
/* Memcomparable bytes, prefix-free. */
void numeric_key_bytes_append(Datum v, StrBuf *out);
bool numeric_is_zero(const Numeric *v);
bool numeric_is_integral(const Numeric *v);

STATUS numeric_add(const Numeric *a, const Numeric *b, Arena *arena, Numeric *out, Error *err);
STATUS numeric_sub(const Numeric *a, const Numeric *b, Arena *arena, Numeric *out, Error *err);
STATUS numeric_mul(const Numeric *a, const Numeric *b, Arena *arena, Numeric *out, Error *err);
STATUS numeric_div(const Numeric *a, const Numeric *b, Arena *arena, Numeric *out, Error *err);
STATUS numeric_div_scale(const Numeric *a, const Numeric *b, int rscale, bool round, Arena *arena, Numeric *out, Error *err); /* finite */
int numeric_select_div_scale(const Numeric *a, const Numeric *b);
STATUS numeric_div_trunc(const Numeric *a, const Numeric *b, Arena *arena, Numeric *out, Error *err);
STATUS numeric_mod(const Numeric *a, const Numeric *b, Arena *arena, Numeric *out, Error *err);
STATUS numeric_sqrt(const Numeric *a, Arena *arena, Numeric *out, Error *err);
STATUS numeric_sqrt_scale(const Numeric *a, int rscale, Arena *arena, Numeric *out, Error *err);
STATUS numeric_ln(const Numeric *a, Arena *arena, Numeric *out, Error *err);
STATUS numeric_exp(const Numeric *a, Arena *arena, Numeric *out, Error *err);
STATUS numeric_log(const Numeric *base, const Numeric *a, Arena *arena, Numeric *out, Error *err);
STATUS numeric_power(const Numeric *a, const Numeric *b, Arena *arena, Numeric *out, Error *err);
STATUS numeric_factorial(int n, Arena *arena, Numeric *out, Error *err); /* 0 <= n, at most some ten thousand */
STATUS numeric_gcd(const Numeric *a, const Numeric *b, Arena *arena, Numeric *out, Error *err);

/* In place. Half away from zero; dscale becomes rscale (which may be negative: then 0). */
void numeric_round(Numeric *v, int rscale);
void numeric_trunc(Numeric *v, int rscale);
STATUS numeric_ceil(const Numeric *a, Arena *arena, Numeric *out, Error *err);
STATUS numeric_floor(const Numeric *a, Arena *arena, Numeric *out, Error *err);

/* Rounded; false: out of range (or not finite). */
bool numeric_to_i64(const Numeric *v, int64_t *out);
bool numeric_to_i128(const Numeric *v, __int128 *out);
double numeric_to_f8(const Numeric *v);
/* precision and scale of a typmod >= 0; 22003 "numeric field overflow". In place. */
STATUS numeric_apply_typmod(Numeric *v, int32_t typmod, Error *err);
static inline int numeric_typmod_precision(int32_t typmod) { return (typmod - 4) >> 16 & 0xffff; }
static inline int numeric_typmod_scale(int32_t typmod) { return (((typmod - 4) & 0x7ff) ^ 1024) - 1024; }
/* Cast of a stored value to numeric(p,s): returns the same Datum when nothing changes. */
STATUS numeric_coerce(Arena *arena, Datum in, int32_t typmod, Datum *out, Error *err);
Datum numeric_from_i64(Arena *arena, int64_t x); /* 0: out of memory */
STATUS numeric_overflow(Error *err);

/* The type's functions (type.h). */
STATUS numeric_in(IoContext *io, const TypeInfo *type, Slice text, int32_t typmod, Datum *out, Error *err);
STATUS numeric_out(IoContext *io, const TypeInfo *type, Datum value, StrBuf *out, Error *err);
STATUS numeric_recv(IoContext *io, const TypeInfo *type, Slice bytes, int32_t typmod, Datum *out, Error *err);
STATUS numeric_send(IoContext *io, const TypeInfo *type, Datum value, StrBuf *out, Error *err);
int numeric_compare(const TypeInfo *type, Datum a, Datum b);
uint64_t numeric_hash(const TypeInfo *type, Datum v);
STATUS numeric_key_bytes(const TypeInfo *type, Datum v, StrBuf *out, Error *err);
STATUS numeric_typmod_in(Arena *arena, const char **args, int nargs, int32_t *out, Error *err);
void numeric_typmod_out(int32_t typmod, StrBuf *out);

#endif
