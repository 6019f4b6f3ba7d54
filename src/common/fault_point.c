/* Armed fault points: a short list under a mutex, looked at only while something is armed. */
#define _GNU_SOURCE
#include "common/fault_point.h"

#include <ctype.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/thread.h"

#define FAULTS_MAX 16

typedef struct Fault {
    char name[48];
    bool kill;      /* SIGKILL, otherwise an error */
    bool from_then; /* "@3+": at the 3rd pass and every later one */
    long at, passes;
} Fault;

_Atomic bool fault_points_armed;
static Mutex faults_mutex = PTHREAD_MUTEX_INITIALIZER;
static Fault faults[FAULTS_MAX];
static int nfaults;

/* One "name=action[@n[+]]". */
static bool parse_fault(const char *s, size_t len, Fault *out)
{
    char text[96], action[16];
    if (len >= sizeof text) return false;
    memcpy(text, s, len);
    text[len] = 0;
    *out = (Fault){.at = 1};
    int end = 0;
    if (sscanf(text, " %47[a-zA-Z0-9_.-]=%15[a-z]%n", out->name, action, &end) != 2) return false;
    const char *p = text + end;
    if (*p == '@') {
        char *num_end;
        out->at = strtol(p + 1, &num_end, 10);
        if (num_end == p + 1 || out->at < 1) return false;
        p = num_end;
        if (*p == '+') out->from_then = true, p++;
    }
    while (isspace((unsigned char)*p)) p++;
    out->kill = strcmp(action, "kill") == 0;
    return *p == 0 && (out->kill || strcmp(action, "error") == 0);
}

STATUS fault_points_arm(const char *spec, Error *err)
{
    Fault parsed[FAULTS_MAX];
    int n = 0;
    for (const char *p = spec ? spec : ""; *p;) {
        size_t len = strcspn(p, ";");
        if (len > strspn(p, " ;") || (len && p[0] != ' ')) {
            if (n == FAULTS_MAX || !parse_fault(p, len, &parsed[n]))
                return error_set(err, ERR_INVALID_PARAMETER_VALUE, "invalid fault point: \"%.*s\"", (int)len, p);
            n++;
        }
        p += len;
        if (*p) p++;
    }
    mutex_lock(&faults_mutex);
    memcpy(faults, parsed, (size_t)n * sizeof *parsed);
    nfaults = n;
    atomic_store(&fault_points_armed, n > 0);
    mutex_unlock(&faults_mutex);
    return ST_OK;
}

STATUS fault_point_hit(const char *name, Error *err)
{
    bool hit = false, die = false;
    mutex_lock(&faults_mutex);
    for (int i = 0; i < nfaults; i++) {
        Fault *f = &faults[i];
        if (strcmp(f->name, name)) continue;
        f->passes++;
        if (f->passes != f->at && !(f->from_then && f->passes > f->at)) continue;
        hit = true;
        die = die || f->kill;
    }
    mutex_unlock(&faults_mutex);
    if (die) raise(SIGKILL);
    return hit ? error_set(err, ERR_IO_ERROR, "fault point \"%s\" reached", name) : ST_OK;
}

__attribute__((constructor)) static void arm_from_environment(void)
{
    const char *spec = getenv("HELIOS_FAULT");
    Error err = ERROR_INIT;
    if (spec && failed(fault_points_arm(spec, &err))) fprintf(stderr, "HELIOS_FAULT: %s\n", err.message);
    error_clear(&err);
}
