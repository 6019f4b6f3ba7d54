/* Regular expressions: what other functions use of fn_regexp.c. */
#ifndef HELIOS_FUNCTIONS_FN_REGEXP_H
#define HELIOS_FUNCTIONS_FN_REGEXP_H

#include "functions/fn.h"

/* substring(s from pattern): the first group, or the whole match; null if there is none. */
Datum regexp_substring(CallFrame *cf, Slice s, Slice pattern);

#endif
