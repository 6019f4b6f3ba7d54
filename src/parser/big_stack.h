/* Runs a function on one of two shared 8 MB stacks: libpg_query and the unpacking of its tree recurse without asking. Waits when both are in
 * use. The callback must not take locks that a waiter may hold, and must not block. */
#ifndef HELIOS_PARSER_BIG_STACK_H
#define HELIOS_PARSER_BIG_STACK_H

#include "common/error.h"

#define BIG_STACK_BYTES ((size_t)8 << 20)

STATUS big_stack_call(void (*fn)(void *arg), void *arg, Error *err);

#endif
