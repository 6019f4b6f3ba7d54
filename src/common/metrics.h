/* Metrics: one row each in metrics.def, a process-wide array of atomics, exported by server/http as Prometheus text. */
#ifndef HELIOS_COMMON_METRICS_H
#define HELIOS_COMMON_METRICS_H

#include <stdatomic.h>
#include <stdint.h>

typedef enum MetricKind { METRIC_COUNTER, METRIC_GAUGE } MetricKind;
typedef enum MetricId {
#define METRIC(id, name, kind, unit, help) METRIC_##id,
#include "common/metrics.def"
#undef METRIC
    METRIC_COUNT
} MetricId;

typedef struct MetricInfo { const char *name; MetricKind kind; const char *unit, *help; } MetricInfo;
extern const MetricInfo metric_info[METRIC_COUNT];
extern _Atomic int64_t metric_values[METRIC_COUNT];

static inline void metric_add(MetricId id, int64_t n) { atomic_fetch_add_explicit(&metric_values[id], n, memory_order_relaxed); }
static inline void metric_set(MetricId id, int64_t n) { atomic_store_explicit(&metric_values[id], n, memory_order_relaxed); }

#endif
