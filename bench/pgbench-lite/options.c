#include "options.h"

#include "workload.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const mode_names[] = {"simple", "extended", "prepared"};

const char *query_mode_name(QueryMode mode) { return mode_names[mode]; }

static void print_help(void)
{
    puts("pgbench-lite drives a PostgreSQL server (or anything that speaks its protocol) and reports what it saw:\n"
         "transactions a second, latency percentiles, the server's memory, and the bytes it wrote to disk.\n"
         "\n"
         "Usage: pgbench-lite -i [-s SCALE] [connection options] [DBNAME]\n"
         "       pgbench-lite [-w WORKLOAD] [options] [DBNAME]\n"
         "\n"
         "Set up\n"
         "  -i, --initialize       create and fill pgbench_branches, _tellers, _accounts and _history\n"
         "  -s, --scale=N          100,000 accounts times N (default 1; a run reads it from the tables)\n"
         "\n"
         "Run\n"
         "  -w, --workload=NAME    one of:");
    for (int i = 0; i < workload_count; i++)
        printf("                           %-14s %s\n", workloads[i].name, workloads[i].about);
    puts("  -q, --query=SQL        the statement of workload 'query' (implies it)\n"
         "  -M, --mode=MODE        simple, extended or prepared (default simple)\n"
         "  -c, --clients=N        connections (default 1)\n"
         "  -j, --threads=N        driver threads; each drives many clients (default 1)\n"
         "  -T, --time=SECONDS     how long to run (default 10)\n"
         "  -t, --transactions=N   run N transactions per client instead\n"
         "  -r, --rows=N           rows per COPY (default 10000) or per range scan (default 100)\n"
         "      --seed=N           start of the random sequence (default 1: runs repeat)\n"
         "      --checkpoint       CHECKPOINT before and after, so that delayed writes are counted\n"
         "      --keep-going       exit 0 although transactions failed\n"
         "\n"
         "Report\n"
         "  -P, --progress=N       a line to standard error every N seconds (default 1 on a terminal, else 0)\n"
         "      --json=FILE        write the result as JSON; '-' prints it instead of the text\n"
         "      --label=TEXT       a name to put into the result\n"
         "      --server-pid=PID   the server's process (default: who listens on the port, if it is on this machine)\n"
         "      --disk=PATH        count the writes to the device that holds PATH (the data directory), by sectors; "
         "else\n"
         "                         what the kernel charged to the server's processes, which is coarse\n"
         "      --quiet            no progress, no messages\n"
         "\n"
         "Connection\n"
         "  -h, --host=HOST        default 127.0.0.1 or $PGHOST\n"
         "  -p, --port=PORT        default 5432 or $PGPORT\n"
         "  -U, --username=NAME    default postgres or $PGUSER\n"
         "  -d, --dbname=NAME      default postgres or $PGDATABASE; a connection string works too\n"
         "      --help, --version\n"
         "\n"
         "Examples\n"
         "  pgbench-lite -i -s 10\n"
         "  pgbench-lite -w select-only -M prepared -c 8 -j 2 -T 30 -P 1\n"
         "  pgbench-lite -w bulk-copy -t 1 --rows 1000000\n"
         "  pgbench-lite -q 'SELECT sum(abalance) FROM pgbench_accounts' -t 5 --json=-\n"
         "\n"
         "A transaction that fails is rolled back and counted; a run with failures exits 1 unless --keep-going.");
}

enum {
    OPT_SEED = 256,
    OPT_CHECKPOINT,
    OPT_KEEP,
    OPT_JSON,
    OPT_LABEL,
    OPT_PID,
    OPT_DISK,
    OPT_QUIET,
    OPT_HELP,
    OPT_VERSION
};

static const struct option long_options[] = {
    {"initialize", no_argument, NULL, 'i'},
    {"scale", required_argument, NULL, 's'},
    {"workload", required_argument, NULL, 'w'},
    {"query", required_argument, NULL, 'q'},
    {"mode", required_argument, NULL, 'M'},
    {"protocol", required_argument, NULL, 'M'},
    {"clients", required_argument, NULL, 'c'},
    {"threads", required_argument, NULL, 'j'},
    {"time", required_argument, NULL, 'T'},
    {"transactions", required_argument, NULL, 't'},
    {"rows", required_argument, NULL, 'r'},
    {"seed", required_argument, NULL, OPT_SEED},
    {"checkpoint", no_argument, NULL, OPT_CHECKPOINT},
    {"keep-going", no_argument, NULL, OPT_KEEP},
    {"progress", required_argument, NULL, 'P'},
    {"json", required_argument, NULL, OPT_JSON},
    {"label", required_argument, NULL, OPT_LABEL},
    {"server-pid", required_argument, NULL, OPT_PID},
    {"disk", required_argument, NULL, OPT_DISK},
    {"quiet", no_argument, NULL, OPT_QUIET},
    {"host", required_argument, NULL, 'h'},
    {"port", required_argument, NULL, 'p'},
    {"username", required_argument, NULL, 'U'},
    {"dbname", required_argument, NULL, 'd'},
    {"help", no_argument, NULL, OPT_HELP},
    {"version", no_argument, NULL, OPT_VERSION},
    {NULL, 0, NULL, 0},
};

/* Reads a whole number between min and max into *out, or says what is wrong. */
static bool parse_number(const char *name, const char *text, int64_t min, int64_t max, int64_t *out)
{
    char *end;
    long long value = strtoll(text, &end, 10);
    if (*text == '\0' || *end != '\0' || value < min || value > max) {
        fprintf(stderr, "pgbench-lite: %s must be a whole number from %lld to %lld, not \"%s\"\n", name, (long long)min,
                (long long)max, text);
        return false;
    }
    *out = value;
    return true;
}

static bool parse_int(const char *name, const char *text, int min, int max, int *out)
{
    int64_t value;
    if (!parse_number(name, text, min, max, &value)) return false;
    *out = (int)value;
    return true;
}

static bool parse_mode(const char *text, QueryMode *out)
{
    for (int i = 0; i < 3; i++) {
        if (strcmp(text, mode_names[i]) == 0) {
            *out = (QueryMode)i;
            return true;
        }
    }
    fprintf(stderr, "pgbench-lite: mode must be simple, extended or prepared, not \"%s\"\n", text);
    return false;
}

static bool apply_option(Options *o, int c)
{
    switch (c) {
    case 'i': o->initialize = true; return true;
    case 's': return parse_int("scale", optarg, 1, 100000, &o->scale);
    case 'w': o->workload = optarg; return true;
    case 'q':
        o->query = optarg;
        o->workload = "query";
        return true;
    case 'M': return parse_mode(optarg, &o->mode);
    case 'c': return parse_int("clients", optarg, 1, 10000, &o->clients);
    case 'j': return parse_int("threads", optarg, 1, 1000, &o->threads);
    case 'T': return parse_int("time", optarg, 1, 10000000, &o->duration_s);
    case 't': return parse_number("transactions", optarg, 1, INT64_MAX, &o->transactions);
    case 'r': return parse_number("rows", optarg, 1, INT64_MAX, &o->rows);
    case 'P': return parse_int("progress", optarg, 0, 3600, &o->progress_s);
    case OPT_SEED: return parse_number("seed", optarg, 0, INT64_MAX, &o->seed);
    case OPT_PID: return parse_int("server-pid", optarg, 1, INT32_MAX, &o->server_pid);
    case OPT_CHECKPOINT: o->checkpoint = true; return true;
    case OPT_KEEP: o->keep_going = true; return true;
    case OPT_JSON: o->json_path = optarg; return true;
    case OPT_LABEL: o->label = optarg; return true;
    case OPT_DISK: o->disk_path = optarg; return true;
    case OPT_QUIET:
        o->quiet = true;
        o->progress_s = 0;
        return true;
    case 'h': o->host = optarg; return true;
    case 'p': o->port = optarg; return true;
    case 'U': o->user = optarg; return true;
    case 'd': o->database = optarg; return true;
    default: fputs("Try 'pgbench-lite --help'.\n", stderr); return false;
    }
}

static const char *environment_or(const char *name, const char *fallback)
{
    const char *value = getenv(name);
    return value && *value ? value : fallback;
}

static int check_options(Options *o)
{
    const Workload *w = workload_find(o->workload);
    if (!w) {
        fprintf(stderr, "pgbench-lite: there is no workload \"%s\"; --help lists them\n", o->workload);
        return 2;
    }
    if (strcmp(w->name, "query") == 0 && !o->query) {
        fputs("pgbench-lite: workload 'query' needs --query=SQL\n", stderr);
        return 2;
    }
    if (o->rows == 0) o->rows = w->default_rows;
    if (o->threads > o->clients) o->threads = o->clients;
    return 0;
}

int options_parse(Options *o, int argc, char **argv)
{
    *o = (Options){.host = environment_or("PGHOST", "127.0.0.1"),
                   .port = environment_or("PGPORT", "5432"),
                   .user = environment_or("PGUSER", "postgres"),
                   .database = environment_or("PGDATABASE", "postgres"),
                   .clients = 1,
                   .threads = 1,
                   .duration_s = 10,
                   .progress_s = -1,
                   .workload = "tpcb-like",
                   .seed = 1};
    int c;
    while ((c = getopt_long(argc, argv, "is:w:q:M:c:j:T:t:r:P:h:p:U:d:", long_options, NULL)) != -1) {
        if (c == OPT_HELP) {
            print_help();
            return 1;
        }
        if (c == OPT_VERSION) {
            puts("pgbench-lite (HeliosDB Nano) 1.0");
            return 1;
        }
        if (!apply_option(o, c)) return 2;
    }
    if (optind < argc) o->database = argv[optind++];
    if (optind < argc) {
        fprintf(stderr, "pgbench-lite: one argument too many: \"%s\"\n", argv[optind]);
        return 2;
    }
    return check_options(o);
}
