#include "common/metrics.h"

const MetricInfo metric_info[METRIC_COUNT] = {
#define METRIC(id, name, kind, unit, help) [METRIC_##id] = {name, kind, unit, help},
#include "common/metrics.def"
#undef METRIC
};

_Atomic int64_t metric_values[METRIC_COUNT];
