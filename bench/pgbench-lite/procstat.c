#include "procstat.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

enum { MAX_PROCESSES = 8192 };

typedef struct ProcessEntry {
    pid_t pid;
    pid_t parent;
    int threads;
    uint64_t ticks;
    bool member;
} ProcessEntry;

/* Finds the socket inode that listens (state 0A) on the port in one of the kernel's socket tables. */
static unsigned long listening_inode(const char *table, int port)
{
    FILE *f = fopen(table, "r");
    if (!f) return 0;
    char line[512];
    unsigned long found = 0;
    while (!found && fgets(line, sizeof(line), f)) {
        unsigned local_port, state;
        unsigned long inode;
        char local[64];
        if (sscanf(line, " %*d: %63[0-9A-Fa-f]:%x %*[0-9A-Fa-f]:%*x %x %*s %*s %*s %*s %*s %lu", local, &local_port,
                   &state, &inode) == 4 &&
            state == 0x0A && (int)local_port == port)
            found = inode;
    }
    fclose(f);
    return found;
}

static bool process_has_socket(const char *pid, unsigned long inode)
{
    char path[320], link[64], wanted[64];
    snprintf(path, sizeof(path), "/proc/%s/fd", pid);
    DIR *dir = opendir(path);
    if (!dir) return false;
    snprintf(wanted, sizeof(wanted), "socket:[%lu]", inode);
    bool found = false;
    const struct dirent *e;
    while (!found && (e = readdir(dir)) != NULL) {
        char entry[640];
        snprintf(entry, sizeof(entry), "%s/%s", path, e->d_name);
        ssize_t n = readlink(entry, link, sizeof(link) - 1);
        if (n > 0) {
            link[n] = '\0';
            found = strcmp(link, wanted) == 0;
        }
    }
    closedir(dir);
    return found;
}

pid_t procstat_find_listener(int port)
{
    unsigned long inode = listening_inode("/proc/net/tcp", port);
    if (!inode) inode = listening_inode("/proc/net/tcp6", port);
    DIR *proc = inode ? opendir("/proc") : NULL;
    if (!proc) return 0;
    pid_t best = 0;
    const struct dirent *e;
    while ((e = readdir(proc)) != NULL) {
        if (!isdigit((unsigned char)e->d_name[0]) || !process_has_socket(e->d_name, inode)) continue;
        pid_t pid = (pid_t)atol(e->d_name);
        if (!best || pid < best) best = pid;
    }
    closedir(proc);
    return best;
}

static bool read_stat(const char *pid, ProcessEntry *out)
{
    char path[320], text[1024];
    snprintf(path, sizeof(path), "/proc/%s/stat", pid);
    FILE *f = fopen(path, "r");
    if (!f) return false;
    size_t n = fread(text, 1, sizeof(text) - 1, f);
    fclose(f);
    text[n] = '\0';
    const char *after_name = strrchr(text, ')'); /* the name may hold spaces and parentheses */
    int parent, threads;
    unsigned long user, system;
    long child_user, child_system;
    if (!after_name || sscanf(after_name + 1, " %*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %ld %ld %*d %*d %d",
                              &parent, &user, &system, &child_user, &child_system, &threads) != 6)
        return false;
    *out = (ProcessEntry){.pid = (pid_t)atol(pid),
                          .parent = parent,
                          .threads = threads,
                          .ticks = user + system + (uint64_t)child_user + (uint64_t)child_system};
    return true;
}

/* Adds the "Name:  N" values of a /proc file to the counters whose names match. */
static bool add_fields(pid_t pid, const char *file, const char *const *names, uint64_t *const *counters, int count)
{
    char path[64], line[256];
    snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
    FILE *f = fopen(path, "r");
    if (!f) return false;
    while (fgets(line, sizeof(line), f)) {
        for (int i = 0; i < count; i++) {
            size_t length = strlen(names[i]);
            if (strncmp(line, names[i], length) == 0 && line[length] == ':')
                *counters[i] += strtoull(line + length + 1, NULL, 10);
        }
    }
    fclose(f);
    return true;
}

static int list_processes(ProcessEntry *list)
{
    DIR *proc = opendir("/proc");
    if (!proc) return 0;
    int count = 0;
    const struct dirent *e;
    while (count < MAX_PROCESSES && (e = readdir(proc)) != NULL) {
        if (isdigit((unsigned char)e->d_name[0]) && read_stat(e->d_name, &list[count])) count++;
    }
    closedir(proc);
    return count;
}

/* Marks root and, until nothing new is found, everything whose parent is marked. */
static void mark_tree(ProcessEntry *list, int count, pid_t root)
{
    bool grew = true;
    while (grew) {
        grew = false;
        for (int i = 0; i < count; i++) {
            if (list[i].member) continue;
            bool member = list[i].pid == root;
            for (int j = 0; j < count && !member; j++)
                member = list[j].member && list[j].pid == list[i].parent;
            list[i].member = member;
            grew = grew || member;
        }
    }
}

bool procstat_read(pid_t root, ServerUsage *out)
{
    static const char *const memory_names[] = {"Pss", "Rss", "Anonymous"};
    static const char *const io_names[] = {"write_bytes"};
    memset(out, 0, sizeof(*out));
    ProcessEntry *list = root > 0 ? malloc(sizeof(*list) * MAX_PROCESSES) : NULL;
    if (!list) return false;
    int count = list_processes(list);
    mark_tree(list, count, root);
    uint64_t *const memory[] = {&out->pss_kb, &out->rss_kb, &out->anonymous_kb};
    uint64_t *const io[] = {&out->write_bytes};
    uint64_t ticks = 0;
    bool readable = false;
    for (int i = 0; i < count; i++) {
        if (!list[i].member) continue;
        out->processes++;
        out->threads += list[i].threads;
        ticks += list[i].ticks;
        readable = add_fields(list[i].pid, "smaps_rollup", memory_names, memory, 3) || readable;
        add_fields(list[i].pid, "io", io_names, io, 1);
    }
    free(list);
    out->cpu_ms = ticks * 1000 / (uint64_t)sysconf(_SC_CLK_TCK);
    return readable;
}

bool procstat_device_written(const char *path, uint64_t *bytes)
{
    enum { SECTOR_BYTES = 512 };
    struct stat st;
    char stat_path[64];
    if (stat(path, &st) != 0) return false;
    snprintf(stat_path, sizeof(stat_path), "/sys/dev/block/%u:%u/stat", major(st.st_dev), minor(st.st_dev));
    FILE *f = fopen(stat_path, "r");
    if (!f) return false;
    unsigned long long sectors;
    bool ok = fscanf(f, "%*u %*u %*u %*u %*u %*u %llu", &sectors) == 1;
    fclose(f);
    *bytes = ok ? sectors * SECTOR_BYTES : 0;
    return ok;
}
