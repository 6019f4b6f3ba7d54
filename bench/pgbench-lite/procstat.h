/* What the kernel knows of the server under test: the memory and the disk writes of its process tree (Linux /proc). */
#ifndef PGBENCH_LITE_PROCSTAT_H
#define PGBENCH_LITE_PROCSTAT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

typedef struct ServerUsage {
    int processes; /* how many processes the tree has now */
    int threads;
    uint64_t pss_kb;       /* shared pages divided among those that map them, so a sum counts each page once */
    uint64_t rss_kb;       /* summed too, so shared memory counts once per process */
    uint64_t anonymous_kb; /* private anonymous memory */
    uint64_t
        write_bytes; /* what its processes dirtied, exited children included; whole folios, so often far too much */
    uint64_t cpu_ms; /* user + system, exited children included */
} ServerUsage;

/* The process that listens on the TCP port of this machine, the eldest if several share it; 0 when none is found. */
pid_t procstat_find_listener(int port);
/* Sums the tree below root. False (and *out zeroed) when /proc does not let us read it. */
bool procstat_read(pid_t root, ServerUsage *out);
/* Bytes written so far to the block device that holds path, by anybody. False when the kernel does not say. */
bool procstat_device_written(const char *path, uint64_t *bytes);

#endif
