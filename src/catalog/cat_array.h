/* Arrays as catalog columns hold them: building and reading oid[], int2[], text[], "char"[], oidvector, int2vector, aclitem[]. */
#ifndef HELIOS_CATALOG_CAT_ARRAY_H
#define HELIOS_CATALOG_CAT_ARRAY_H

#include "types/type.h"

/* 0 when out of memory. oidvector and int2vector have lower bound 0, the others 1. */
Datum cat_oid_array(Arena *arena, const Oid *v, int n);
Datum cat_int2_array(Arena *arena, const int16_t *v, int n);
Datum cat_text_array(Arena *arena, const char *const *v, int n);
Datum cat_char_array(Arena *arena, const char *v, int n);
Datum cat_float4_array(Arena *arena, const float *v, int n);
Datum cat_oid_vector(Arena *arena, const Oid *v, int n);
Datum cat_int2_vector(Arena *arena, const int16_t *v, int n);

/* One-dimensional arrays of any type; values point into the array (by reference) or are the values. */
Datum cat_array_build(Arena *arena, Oid elem, const Datum *values, int n);
STATUS cat_array_values(Arena *arena, Datum array, const Datum **values, int *n, Error *err);

/* Copies out of any array of that element type; *n = 0 for an empty one. */
STATUS cat_get_oids(Arena *arena, Datum array, const Oid **v, int *n, Error *err);
STATUS cat_get_int2s(Arena *arena, Datum array, const int16_t **v, int *n, Error *err);
STATUS cat_get_texts(Arena *arena, Datum array, const char *const **v, int *n, Error *err);
STATUS cat_get_floats(Arena *arena, Datum array, const float **v, int *n, Error *err);
STATUS cat_get_chars(Arena *arena, Datum array, const char **v, int *n, Error *err);
/* First element of an array, copied into arena; 0 if empty or null. */
STATUS cat_array_first(Arena *arena, Datum array, const TypeInfo *elem, Datum *out, Error *err);
bool cat_oid_vector_equals(Datum vector, const Oid *v, int n);

#endif
