/* The result of a run, as text for people and as JSON for programs. */
#ifndef PGBENCH_LITE_REPORT_H
#define PGBENCH_LITE_REPORT_H

#include "histogram.h"
#include "options.h"
#include "procstat.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct RunResult {
    const Options *options;
    char server_version[80];
    int scale;
    double connect_s; /* opening and preparing all clients */
    double elapsed_s; /* first send to last answer */
    uint64_t transactions;
    uint64_t failed;
    int clients_lost;
    uint64_t rows;
    Histogram latencies;
    bool has_usage;     /* the server's processes could be read */
    ServerUsage before; /* before the clients connected */
    ServerUsage after;  /* after the run (and its checkpoint), clients still connected */
    uint64_t pss_peak_kb;
    bool has_device;         /* the device's counters were read */
    uint64_t device_written; /* bytes, during the run and its checkpoints */
} RunResult;

void report_text(const RunResult *r);
/* Writes to the path, "-" being standard output. False after a message. */
bool report_json(const RunResult *r, const char *path);

#endif
