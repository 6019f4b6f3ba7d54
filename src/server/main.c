/* helios-nano: the command line. Subcommands are rows of a table. */
#include "server/config_file.h"
#include "server/server.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#ifndef HELIOS_VERSION
#define HELIOS_VERSION "0.1.0"
#endif

static int usage(FILE *to)
{
    fputs("HeliosDB Nano: a small database server that PostgreSQL's clients cannot tell from PostgreSQL 15.\n"
          "\n"
          "Usage: helios-nano [serve] [options]\n"
          "\n"
          "  --config FILE       heliosdb.toml; the command line wins over it\n"
          "  --data-dir DIR      where the data lives (default ./data; created if missing)\n"
          "  --host H            address to listen on (default 127.0.0.1)\n"
          "  --port P            TCP port (default 5432; 0 picks a free one)\n"
          "  --socket-dir DIR    directory of the Unix socket (default /tmp; empty: none)\n"
          "  --max-connections N (default 100)\n"
          "  --memory-limit-mb N the server's whole memory budget (default 64)\n"
          "  --insecure          allow listening beyond loopback without authentication\n"
          "  --log-format text|json\n"
          "  --help, --version\n"
          "\n"
          "Then:  psql -h 127.0.0.1 -U postgres\n"
          "Stop:  SIGTERM (waits for running statements), again to stop at once\n",
          to);
    return to == stderr ? 2 : 0;
}

typedef struct Option {
    const char *name;
    enum { OPT_STRING, OPT_INT, OPT_FLAG } kind;
    void *target;
    int min, max;
} Option;

static int bad(const char *what, const char *arg)
{
    fprintf(stderr, "helios-nano: %s: %s\nTry \"helios-nano --help\".\n", what, arg);
    return 2;
}

static int set_option(const Option *o, const char *value)
{
    char *end;
    long n;
    switch (o->kind) {
    case OPT_STRING: *(const char **)o->target = value; return 0;
    case OPT_FLAG: *(bool *)o->target = true; return 0;
    case OPT_INT:
        n = strtol(value, &end, 10);
        if (!*value || *end || n < o->min || n > o->max) return bad("value out of range", value);
        *(int *)o->target = (int)n;
        return 0;
    }
    return 2;
}

/* Accepts --name value and --name=value. */
static int parse_options(int argc, char **argv, const Option *options, int n)
{
    for (int i = 0; i < argc; i++) {
        const char *arg = argv[i], *eq = strchr(arg, '=');
        size_t len = eq ? (size_t)(eq - arg) : strlen(arg);
        const Option *found = NULL;
        for (int k = 0; k < n; k++)
            if (strlen(options[k].name) == len && !strncmp(options[k].name, arg, len)) found = &options[k];
        if (!found) return bad("unknown option", arg);
        if (found->kind != OPT_FLAG && !eq && i + 1 >= argc) return bad("missing value for option", arg);
        int rc = set_option(found, found->kind == OPT_FLAG ? "" : eq ? eq + 1 : argv[++i]);
        if (rc) return rc;
    }
    return 0;
}

static int report(Error *err)
{
    fprintf(stderr, "helios-nano: %s\n", err->message ? err->message : "out of memory");
    if (err->detail) fprintf(stderr, "  %s\n", err->detail);
    if (err->hint) fprintf(stderr, "  Hint: %s\n", err->hint);
    error_clear(err);
    return 1;
}

static int serve(int argc, char **argv)
{
    static Server server;
    ServerOptions opt = {.data_dir = "./data", .host = "127.0.0.1", .socket_dir = "/tmp", .port = 5432, .max_connections = 100, .superuser_reserved = 3};
    static Arena arena; /* the file's strings live as long as the process */
    int memory_mb = 64;
    const char *log_format = "text", *config = NULL;
    const ConfigKey keys[] = {
        {"server", "host", CONFIG_STRING, &opt.host, 0, 0},
        {"server", "port", CONFIG_INT, &opt.port, 0, 65535},
        {"server", "socket_dir", CONFIG_STRING, &opt.socket_dir, 0, 0},
        {"server.limits", "max_connections", CONFIG_INT, &opt.max_connections, 1, 10000},
        {"database", "data_dir", CONFIG_STRING, &opt.data_dir, 0, 0},
        {"database", "memory_limit_mb", CONFIG_INT, &memory_mb, 16, 1 << 20},
        {"monitoring", "log_format", CONFIG_STRING, &log_format, 0, 0},
    };
    const Option options[] = {
        {"--data-dir", OPT_STRING, &opt.data_dir, 0, 0},         {"--host", OPT_STRING, &opt.host, 0, 0},
        {"--port", OPT_INT, &opt.port, 0, 65535},                {"--socket-dir", OPT_STRING, &opt.socket_dir, 0, 0},
        {"--max-connections", OPT_INT, &opt.max_connections, 1, 10000}, {"--memory-limit-mb", OPT_INT, &memory_mb, 16, 1 << 20},
        {"--config", OPT_STRING, &config, 0, 0},
        {"--insecure", OPT_FLAG, &opt.insecure, 0, 0},           {"--log-format", OPT_STRING, &log_format, 0, 0},
    };
    Error err = ERROR_INIT;
    int rc = parse_options(argc, argv, options, sizeof options / sizeof *options);
    if (rc) return rc;
    if (config) {
        arena_init(&arena, NULL, 0);
        if (failed(config_file_read(config, keys, sizeof keys / sizeof *keys, &arena, &err))) return report(&err);
        rc = parse_options(argc, argv, options, sizeof options / sizeof *options);
        if (rc) return rc;
    }
    if (strcmp(log_format, "text") && strcmp(log_format, "json")) return bad("unknown log format", log_format);
    log_configure(!strcmp(log_format, "json") ? LOG_JSON : LOG_TEXT, SEV_INFO);
    opt.memory_limit_bytes = (int64_t)memory_mb << 20;
    if (failed(server_open(&opt, &server, &err))) return report(&err);
    if (failed(server_run(&server, &err))) return report(&err);
    return 0;
}

/* Every open database may use up to 192 files, every connection one more. */
static void raise_file_limit(void)
{
    struct rlimit lim;
    if (getrlimit(RLIMIT_NOFILE, &lim) || lim.rlim_cur >= 65536) return;
    lim.rlim_cur = lim.rlim_max < 65536 ? lim.rlim_max : 65536;
    if (setrlimit(RLIMIT_NOFILE, &lim)) return; /* what there is has to do */
}

int main(int argc, char **argv)
{
    /* Few malloc arenas: each keeps its own holes. Big blocks go back to the system. */
    mallopt(M_ARENA_MAX, 2);
    mallopt(M_TRIM_THRESHOLD, 256 * 1024);
    mallopt(M_MMAP_THRESHOLD, 64 * 1024);
    raise_file_limit();
    const char *first = argc > 1 ? argv[1] : "serve";
    if (!strcmp(first, "--help") || !strcmp(first, "-h") || !strcmp(first, "help")) return usage(stdout);
    if (!strcmp(first, "--version") || !strcmp(first, "-V")) {
        puts("helios-nano " HELIOS_VERSION " (PostgreSQL 15 compatible)");
        return 0;
    }
    if (!strcmp(first, "serve")) return serve(argc - 2, argv + 2);
    if (first[0] == '-') return serve(argc - 1, argv + 1);
    return bad("unknown command", first);
}
