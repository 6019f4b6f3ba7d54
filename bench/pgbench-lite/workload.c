#include "workload.h"

#include <string.h>

#define SQL0(text)                                                                                                     \
    {                                                                                                                  \
        STEP_SQL, text, 0, { 0 }                                                                                       \
    }
#define SQL1(text, a)                                                                                                  \
    {                                                                                                                  \
        STEP_SQL, text, 1, { a }                                                                                       \
    }
#define SQL2(text, a, b)                                                                                               \
    {                                                                                                                  \
        STEP_SQL, text, 2, { a, b }                                                                                    \
    }
#define SQL4(text, a, b, c, d)                                                                                         \
    {                                                                                                                  \
        STEP_SQL, text, 4, { a, b, c, d }                                                                              \
    }

#define ADD_TO_ACCOUNT SQL2("UPDATE pgbench_accounts SET abalance = abalance + $1 WHERE aid = $2", VAR_DELTA, VAR_AID)
#define READ_ACCOUNT   SQL1("SELECT abalance FROM pgbench_accounts WHERE aid = $1", VAR_AID)
#define ADD_HISTORY                                                                                                    \
    SQL4("INSERT INTO pgbench_history (tid, bid, aid, delta, mtime) VALUES ($1, $2, $3, $4, CURRENT_TIMESTAMP)",       \
         VAR_TID, VAR_BID, VAR_AID, VAR_DELTA)

static const Step tpcb_like[] = {
    SQL0("BEGIN"),
    ADD_TO_ACCOUNT,
    READ_ACCOUNT,
    SQL2("UPDATE pgbench_tellers SET tbalance = tbalance + $1 WHERE tid = $2", VAR_DELTA, VAR_TID),
    SQL2("UPDATE pgbench_branches SET bbalance = bbalance + $1 WHERE bid = $2", VAR_DELTA, VAR_BID),
    ADD_HISTORY,
    SQL0("END"),
};

static const Step simple_update[] = {SQL0("BEGIN"), ADD_TO_ACCOUNT, READ_ACCOUNT, ADD_HISTORY, SQL0("END")};

static const Step select_only[] = {READ_ACCOUNT};

static const Step bulk_copy[] = {
    {STEP_COPY_IN, "COPY pgbench_lite_copy (id, grp, amount, note) FROM STDIN", 0, {0}},
};

static const Step range_scan[] = {
    SQL2("SELECT aid, bid, abalance, filler FROM pgbench_accounts WHERE aid BETWEEN $1 AND $2", VAR_LOW, VAR_HIGH),
};

static const Step aggregate[] = {
    SQL0("SELECT count(*) FROM pgbench_accounts"),
    SQL0("SELECT sum(abalance), min(abalance), max(abalance) FROM pgbench_accounts"),
    SQL0("SELECT bid, count(*), sum(abalance) FROM pgbench_accounts GROUP BY bid"),
    SQL0("SELECT count(*) FROM pgbench_accounts WHERE abalance % 7 = 3"),
};

static const Step user_query[] = {SQL0(NULL)};

#define COPY_SETUP                                                                                                     \
    "DROP TABLE IF EXISTS pgbench_lite_copy;"                                                                          \
    "CREATE TABLE pgbench_lite_copy (id bigint PRIMARY KEY, grp integer NOT NULL, amount double precision, "           \
    "note text)"
#define STEPS(a) a, (int)(sizeof(a) / sizeof((a)[0]))

const Workload workloads[] = {
    {"tpcb-like", "pgbench's default: three updates, a select, an insert (default)", STEPS(tpcb_like), 0, 100, NULL},
    {"simple-update", "one update, a select, an insert", STEPS(simple_update), 0, 100, NULL},
    {"select-only", "one account by primary key", STEPS(select_only), 0, 100, NULL},
    {"bulk-copy", "COPY --rows rows into a table with a primary key", STEPS(bulk_copy), 0, 10000, COPY_SETUP},
    {"range-scan", "--rows neighbouring accounts by primary key", STEPS(range_scan), 0, 100, NULL},
    {"aggregate", "count, sum/min/max, group by, filtered count over all accounts", STEPS(aggregate), 1, 100, NULL},
    {"query", "the statement given by --query", STEPS(user_query), 0, 100, NULL},
};
const int workload_count = (int)(sizeof(workloads) / sizeof(workloads[0]));

const Workload *workload_find(const char *name)
{
    for (int i = 0; i < workload_count; i++) {
        if (strcmp(workloads[i].name, name) == 0) return &workloads[i];
    }
    return NULL;
}

/* splitmix64 */
uint64_t random_next(uint64_t *state)
{
    uint64_t z = (*state += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static int64_t between(uint64_t *state, int64_t low, int64_t high)
{
    return low + (int64_t)(random_next(state) % (uint64_t)(high - low + 1));
}

void workload_draw(uint64_t *random_state, int scale, int64_t range_rows, int64_t values[VARIABLE_COUNT])
{
    int64_t accounts = 100000 * (int64_t)scale;
    if (range_rows > accounts) range_rows = accounts;
    values[VAR_AID] = between(random_state, 1, accounts);
    values[VAR_BID] = between(random_state, 1, scale);
    values[VAR_TID] = between(random_state, 1, 10 * (int64_t)scale);
    values[VAR_DELTA] = between(random_state, -5000, 5000);
    values[VAR_LOW] = between(random_state, 1, accounts - range_rows + 1);
    values[VAR_HIGH] = values[VAR_LOW] + range_rows - 1;
}
