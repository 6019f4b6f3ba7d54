/* PostgreSQL's advanced regular expressions on PCRE2: translation of the syntax, and a small cache of compiled expressions per thread.
 *
 * As in PostgreSQL the longest of several alternatives is taken, unless the expression has a lazy quantifier. */
#ifndef HELIOS_FUNCTIONS_REGEXP_H
#define HELIOS_FUNCTIONS_REGEXP_H

#include "common/strbuf.h"

enum { RE_ICASE = 1, RE_NEWLINE_DOT = 2, RE_NEWLINE_ANCHOR = 4, RE_EXPANDED = 8, RE_LITERAL = 16 };

typedef struct Regexp Regexp;
/* At program start: thread keys are few, and libraries use them up as threads come and go. */
void regexp_prepare(void);
/* From the cache or compiled; valid until the next regexp_get of this thread. 2201B "invalid regular expression: ...". */
STATUS regexp_get(Slice pattern, int flags, const Regexp **out, Error *err);
int regexp_groups(const Regexp *re);
/* Match from byte `start`; pairs: 2 * (groups + 1) byte offsets, SIZE_MAX for groups that took no part. *hit: found. */
STATUS regexp_match(const Regexp *re, Slice subject, size_t start, bool *hit, const size_t **pairs, Error *err);
/* An ARE as PCRE2 syntax; embedded options and directors change *flags. Exposed for its test. */
bool regexp_translate(Slice pattern, int *flags, StrBuf *out);

#endif
