/* PtrVec / IntVec: growing arrays in an arena. A zeroed one is empty. */
#ifndef HELIOS_COMMON_LIST_H
#define HELIOS_COMMON_LIST_H

#include "common/arena.h"

typedef struct PtrVec { void **v; int len, cap; } PtrVec;
typedef struct IntVec { int64_t *v; int len, cap; } IntVec;

bool ptrvec_push(PtrVec *pv, Arena *arena, void *item);   /* false: out of memory */
bool intvec_push(IntVec *iv, Arena *arena, int64_t item);
bool intvec_contains(const IntVec *iv, int64_t item);

#endif
