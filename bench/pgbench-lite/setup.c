#include "setup.h"

#include "client.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK = 65536, LINE_MAX_BYTES = 160 };

static const char create_tables[] =
    "DROP TABLE IF EXISTS pgbench_accounts, pgbench_branches, pgbench_history, pgbench_tellers;"
    "CREATE TABLE pgbench_history (tid int, bid int, aid int, delta int, mtime timestamp, filler char(22));"
    "CREATE TABLE pgbench_tellers (tid int NOT NULL, bid int, tbalance int, filler char(84));"
    "CREATE TABLE pgbench_accounts (aid int NOT NULL, bid int, abalance int, filler char(84));"
    "CREATE TABLE pgbench_branches (bid int NOT NULL, bbalance int, filler char(88))";

static const char create_keys[] = "ALTER TABLE pgbench_branches ADD PRIMARY KEY (bid);"
                                  "ALTER TABLE pgbench_tellers ADD PRIMARY KEY (tid);"
                                  "ALTER TABLE pgbench_accounts ADD PRIMARY KEY (aid)";

/* How the rows of a table are made: rows per unit of scale, and the text of row number n. */
typedef struct Filling {
    const char *copy;
    int64_t per_scale;
    int (*line)(char *out, size_t size, int64_t n);
} Filling;

static int branch_line(char *out, size_t size, int64_t n) { return snprintf(out, size, "%" PRId64 "\t0\t\\N\n", n); }

static int teller_line(char *out, size_t size, int64_t n)
{
    return snprintf(out, size, "%" PRId64 "\t%" PRId64 "\t0\t\\N\n", n, (n - 1) / 10 + 1);
}

static int account_line(char *out, size_t size, int64_t n)
{
    return snprintf(out, size, "%" PRId64 "\t%" PRId64 "\t0\t\n", n, (n - 1) / 100000 + 1);
}

static const Filling fillings[] = {
    {"COPY pgbench_branches FROM STDIN", 1, branch_line},
    {"COPY pgbench_tellers FROM STDIN", 10, teller_line},
    {"COPY pgbench_accounts FROM STDIN", 100000, account_line},
};

bool setup_execute(PGconn *conn, const char *sql, bool silent)
{
    PGresult *r = PQexec(conn, sql);
    bool ok = PQresultStatus(r) == PGRES_COMMAND_OK || PQresultStatus(r) == PGRES_TUPLES_OK;
    PQclear(r);
    if (!ok && !silent) fprintf(stderr, "pgbench-lite: \"%s\": %s", sql, PQerrorMessage(conn));
    return ok;
}

static bool end_copy(PGconn *conn, const char *copy)
{
    bool ok = PQputCopyEnd(conn, NULL) == 1;
    PGresult *r;
    while ((r = PQgetResult(conn)) != NULL) {
        ok = ok && PQresultStatus(r) == PGRES_COMMAND_OK;
        PQclear(r);
    }
    if (!ok) fprintf(stderr, "pgbench-lite: \"%s\": %s", copy, PQerrorMessage(conn));
    return ok;
}

static void show_filling(const Options *o, int64_t done, int64_t total, bool last)
{
    if (!o->quiet && o->progress_s != 0 && total >= 100000)
        fprintf(stderr, "\r%" PRId64 " of %" PRId64 " rows (%.0f %%)%s", done, total,
                100.0 * (double)done / (double)total, last ? "\n" : "");
}

static bool fill_table(PGconn *conn, const Options *o, const Filling *f)
{
    char chunk[CHUNK];
    int64_t total = f->per_scale * o->scale;
    PGresult *r = PQexec(conn, f->copy);
    bool ready = PQresultStatus(r) == PGRES_COPY_IN;
    PQclear(r);
    if (!ready) {
        fprintf(stderr, "pgbench-lite: \"%s\": %s", f->copy, PQerrorMessage(conn));
        return false;
    }
    size_t used = 0;
    uint64_t shown = now_ns();
    for (int64_t n = 1; n <= total; n++) {
        used += (size_t)f->line(chunk + used, sizeof(chunk) - used, n);
        if (used + LINE_MAX_BYTES < sizeof(chunk) && n < total) continue;
        if (PQputCopyData(conn, chunk, (int)used) != 1) break; /* end_copy reports it */
        used = 0;
        if (now_ns() - shown > 500000000u) {
            show_filling(o, n, total, false);
            shown = now_ns();
        }
    }
    show_filling(o, total, total, true);
    return end_copy(conn, f->copy);
}

static bool fill_all(PGconn *conn, const Options *o)
{
    if (!setup_execute(conn, "BEGIN", false)) return false;
    for (size_t i = 0; i < sizeof(fillings) / sizeof(fillings[0]); i++) {
        if (!fill_table(conn, o, &fillings[i])) return false;
    }
    return setup_execute(conn, "COMMIT", false);
}

static void say(const Options *o, const char *text)
{
    if (!o->quiet) fprintf(stderr, "%s\n", text);
}

static void ignore_notice(void *arg, const PGresult *result)
{
    (void)arg;
    (void)result;
}

bool setup_initialize(const Options *options)
{
    Options o = *options;
    if (o.scale == 0) o.scale = 1;
    PGconn *conn = connect_server(&o);
    if (!conn) return false;
    PQsetNoticeReceiver(conn, ignore_notice, NULL);
    uint64_t start = now_ns();
    say(&o, "creating tables");
    bool ok = setup_execute(conn, create_tables, false);
    if (ok) {
        say(&o, "loading data");
        ok = fill_all(conn, &o);
    }
    uint64_t loaded = now_ns();
    if (ok) {
        say(&o, "adding primary keys");
        ok = setup_execute(conn, create_keys, false);
    }
    uint64_t keyed = now_ns();
    if (ok) {
        say(&o, "vacuum and analyze");
        ok = setup_execute(conn, "VACUUM ANALYZE", false);
    }
    PQfinish(conn);
    if (ok)
        printf("scale %d: loaded in %.2f s, keys in %.2f s, vacuum in %.2f s\n", o.scale,
               (double)(loaded - start) / 1e9, (double)(keyed - loaded) / 1e9, (double)(now_ns() - keyed) / 1e9);
    return ok;
}

int setup_find_scale(PGconn *conn)
{
    PGresult *r = PQexec(conn, "SELECT count(*) FROM pgbench_branches");
    int scale = PQresultStatus(r) == PGRES_TUPLES_OK ? atoi(PQgetvalue(r, 0, 0)) : 1;
    PQclear(r);
    return scale > 0 ? scale : 1;
}
