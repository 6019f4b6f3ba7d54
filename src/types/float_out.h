/* Shortest decimal digits that read back as the same float, as PostgreSQL prints with extra_float_digits > 0. */
#ifndef HELIOS_TYPES_FLOAT_OUT_H
#define HELIOS_TYPES_FLOAT_OUT_H

#include <stddef.h>

#define FLOAT_TEXT_MAX 32

/* Write text without a terminating zero; return its length. NaN, Infinity, -Infinity as words. */
size_t float8_shortest(double v, char out[FLOAT_TEXT_MAX]);
size_t float4_shortest(float v, char out[FLOAT_TEXT_MAX]);

#endif
