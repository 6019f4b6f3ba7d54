/* SqlState, and ERR_<NAME> for each row of errcodes.def. */
#ifndef HELIOS_COMMON_ERRCODES_H
#define HELIOS_COMMON_ERRCODES_H

#include <stdint.h>

/* SQLSTATE packed as five six-bit characters, as PostgreSQL packs it. */
typedef uint32_t SqlState;
#define SQLSTATE_CH(c) ((uint32_t)(((c) - '0') & 0x3F))
#define SQLSTATE(a, b, c, d, e)                                                                              \
    (SQLSTATE_CH(a) | SQLSTATE_CH(b) << 6 | SQLSTATE_CH(c) << 12 | SQLSTATE_CH(d) << 18 | SQLSTATE_CH(e) << 24)

enum {
#define ERRCODE(name, a, b, c, d, e, cls, condition) ERR_##name = (int)SQLSTATE(a, b, c, d, e),
#include "common/errcodes.def"
#undef ERRCODE
};

#endif
