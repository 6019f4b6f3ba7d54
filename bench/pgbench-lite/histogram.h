/* Latency histogram: log-linear buckets over nanoseconds, at most 1.6 % wide, so percentiles need no samples kept. */
#ifndef PGBENCH_LITE_HISTOGRAM_H
#define PGBENCH_LITE_HISTOGRAM_H

#include <stdint.h>

enum {
    HISTOGRAM_SUB_BITS = 6, /* 64 buckets within each power of two */
    HISTOGRAM_SUB_COUNT = 1 << HISTOGRAM_SUB_BITS,
    HISTOGRAM_BUCKETS = (44 - HISTOGRAM_SUB_BITS) << HISTOGRAM_SUB_BITS, /* up to 2^43 ns, two hours */
};

typedef struct Histogram {
    uint64_t count;
    uint64_t min_ns;
    uint64_t max_ns;
    double sum_ns;
    double sum_squares;
    uint64_t buckets[HISTOGRAM_BUCKETS];
} Histogram;

void histogram_reset(Histogram *h);
void histogram_add(Histogram *h, uint64_t ns);
/* Adds everything of from to into. */
void histogram_merge(Histogram *into, const Histogram *from);
/* The latency that the given share (0..1) of the samples does not exceed; 0 when there are none. */
uint64_t histogram_quantile(const Histogram *h, double share);
double histogram_mean(const Histogram *h);
double histogram_stddev(const Histogram *h);

#endif
