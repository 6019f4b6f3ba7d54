/* ERR_<NAME> for each row of errcodes.def. Included by error.h, which defines SQLSTATE. */
#ifndef HELIOS_COMMON_ERRCODES_H
#define HELIOS_COMMON_ERRCODES_H

enum {
#define ERRCODE(name, a, b, c, d, e, cls, condition) ERR_##name = (int)SQLSTATE(a, b, c, d, e),
#include "common/errcodes.def"
#undef ERRCODE
};

#endif
