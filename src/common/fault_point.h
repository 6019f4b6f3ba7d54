/* Fault points: named places where a test makes an operation fail, or the process die.
 *
 *     TRY(FAULT_POINT("commit_after_write", err));
 *
 * Armed by the environment HELIOS_FAULT="name=error@3;name2=kill@1" (fail at the 3rd pass, SIGKILL at the first) or by the
 * superuser-only setting `helios.fault`. An unarmed point costs one relaxed load. */
#ifndef HELIOS_COMMON_FAULT_POINT_H
#define HELIOS_COMMON_FAULT_POINT_H

#include <stdatomic.h>

#include "common/error.h"

extern _Atomic bool fault_points_armed;
STATUS fault_point_hit(const char *name, Error *err); /* raises 58030 when the armed action is `error` */
STATUS fault_points_arm(const char *spec, Error *err);

#define FAULT_POINT(name, err) \
    (unlikely(atomic_load_explicit(&fault_points_armed, memory_order_relaxed)) ? fault_point_hit((name), (err)) : ST_OK)

#endif
