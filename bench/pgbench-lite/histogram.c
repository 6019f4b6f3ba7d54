#include "histogram.h"

#include <math.h>
#include <string.h>

void histogram_reset(Histogram *h)
{
    memset(h, 0, sizeof(*h));
    h->min_ns = UINT64_MAX;
}

/* Values below 64 have a bucket each; above, the top six bits after the leading one choose it. */
static unsigned bucket_of(uint64_t ns)
{
    if (ns < HISTOGRAM_SUB_COUNT) return (unsigned)ns;
    unsigned top = 63U - (unsigned)__builtin_clzll(ns);
    unsigned shift = top - HISTOGRAM_SUB_BITS;
    unsigned index = ((shift + 1) << HISTOGRAM_SUB_BITS) + (unsigned)((ns >> shift) & (HISTOGRAM_SUB_COUNT - 1));
    return index < HISTOGRAM_BUCKETS ? index : HISTOGRAM_BUCKETS - 1;
}

static uint64_t bucket_upper(unsigned index)
{
    if (index < HISTOGRAM_SUB_COUNT) return index;
    unsigned shift = (index >> HISTOGRAM_SUB_BITS) - 1;
    uint64_t base = (uint64_t)HISTOGRAM_SUB_COUNT + (index & (HISTOGRAM_SUB_COUNT - 1));
    return ((base + 1) << shift) - 1;
}

void histogram_add(Histogram *h, uint64_t ns)
{
    h->count++;
    h->sum_ns += (double)ns;
    h->sum_squares += (double)ns * (double)ns;
    if (ns < h->min_ns) h->min_ns = ns;
    if (ns > h->max_ns) h->max_ns = ns;
    h->buckets[bucket_of(ns)]++;
}

void histogram_merge(Histogram *into, const Histogram *from)
{
    into->count += from->count;
    into->sum_ns += from->sum_ns;
    into->sum_squares += from->sum_squares;
    if (from->min_ns < into->min_ns) into->min_ns = from->min_ns;
    if (from->max_ns > into->max_ns) into->max_ns = from->max_ns;
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
        into->buckets[i] += from->buckets[i];
}

uint64_t histogram_quantile(const Histogram *h, double share)
{
    if (h->count == 0) return 0;
    uint64_t wanted = (uint64_t)ceil(share * (double)h->count);
    uint64_t seen = 0;
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += h->buckets[i];
        if (seen >= wanted && seen > 0) {
            uint64_t upper = bucket_upper(i);
            return upper < h->max_ns ? upper : h->max_ns;
        }
    }
    return h->max_ns;
}

double histogram_mean(const Histogram *h) { return h->count ? h->sum_ns / (double)h->count : 0.0; }

double histogram_stddev(const Histogram *h)
{
    if (h->count < 2) return 0.0;
    double mean = histogram_mean(h);
    double variance = h->sum_squares / (double)h->count - mean * mean;
    return variance > 0 ? sqrt(variance) : 0.0;
}
