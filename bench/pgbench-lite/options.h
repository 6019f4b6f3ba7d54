/* The command line of pgbench-lite. */
#ifndef PGBENCH_LITE_OPTIONS_H
#define PGBENCH_LITE_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

typedef enum QueryMode { MODE_SIMPLE, MODE_EXTENDED, MODE_PREPARED } QueryMode;

typedef struct Options {
    const char *host;
    const char *port;
    const char *user;
    const char *database;
    bool initialize; /* create and fill the tables, then stop */
    bool checkpoint; /* CHECKPOINT before the run and after it, its writes counted */
    bool quiet;
    bool keep_going; /* a failed transaction is not a failed run */
    int scale;       /* 0: ask the database */
    int clients;
    int threads;
    int duration_s;
    int64_t transactions; /* per client; 0: run for the duration */
    int progress_s;
    QueryMode mode;
    const char *workload;
    const char *query; /* the statement of workload "query" */
    int64_t rows;      /* rows per COPY, or per range scan */
    int64_t seed;
    int server_pid;        /* 0: find it by the port */
    const char *json_path; /* "-": standard output instead of the text */
    const char *label;
    const char *disk_path; /* count what is written to the device that holds it */
} Options;

/* Reads argv. Returns 0 to go on, 1 when help or version was printed, 2 after a message about wrong usage. */
int options_parse(Options *o, int argc, char **argv);
const char *query_mode_name(QueryMode mode);

#endif
