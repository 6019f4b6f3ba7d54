/* Costs, in units of about a microsecond / 10 so that a sequentially read row costs what PostgreSQL's cpu_tuple_cost says (0.01). Measured on the
 * store: a row of a scan 0.16 us, a point look-up 2-3 us, opening a cursor and seeking 3-5 us (DESIGN section 3). */
#include "planner/planner_internal.h"

#include <math.h>

const double COST_FETCH = 0.12;       /* one row by MultiGet out of an index entry */
const double COST_SEEK = 0.30;        /* opening or moving a cursor */
const double COST_INDEX_ENTRY = 0.012;

double work_mem_bytes(PlannerInfo *root) { return (double)setting_int(root->env->settings, SET_work_mem) * 1024; }

double qual_cost(PlannerInfo *root, List *quals)
{
    double cost = 0, op = setting_real(root->env->settings, SET_cpu_operator_cost);
    LIST_EACH(Node *, q, quals) cost += expr_cost(root->env, q) * op;
    return cost;
}

void cost_seqscan(PlannerInfo *root, Path *p)
{
    RelOptInfo *rel = p->rel;
    double tuple = setting_real(root->env->settings, SET_cpu_tuple_cost), page = setting_real(root->env->settings, SET_seq_page_cost);
    p->startup = COST_SEEK;
    p->total = p->startup + rel->tuples * (tuple + qual_cost(root, rel->quals)) + rel->bytes / 65536 * page;
    if (!setting_bool(root->env->settings, SET_enable_seqscan)) p->startup += 1e10, p->total += 1e10;
}

/* Comparison sort; past work_mem every row is written and read once more per merge pass. A bound keeps a heap of that size. */
void cost_sort_of(PlannerInfo *root, double rows, double width, double limit, double *startup, double *run)
{
    double compare = 2 * setting_real(root->env->settings, SET_cpu_operator_cost), n = rows < 2 ? 2 : rows;
    double bytes = rows * (width + 24);
    *startup = compare * n * log2(n);
    if (limit > 0 && limit < rows) *startup = compare * n * log2(2 * (limit < 2 ? 2 : limit));
    else if (bytes > work_mem_bytes(root)) *startup += bytes / 8192 * 2 * setting_real(root->env->settings, SET_seq_page_cost);
    *run = setting_real(root->env->settings, SET_cpu_operator_cost) * rows;
}

/* A table's size is looked up in the store (it samples keys), so what was found is believed for a while; a small table less long. */
typedef struct SizeEstimate {
    const Database *db;
    uint32_t storage_id;
    double rows;
    int64_t until; /* monotonic ns */
} SizeEstimate;

enum { SIZE_ESTIMATES = 32 };
static __thread SizeEstimate size_estimates[SIZE_ESTIMATES];

static double estimate_rows(SessionEnv *env, const Relation *rel)
{
    double rows = 0, bytes = 0;
    Error ignored = ERROR_INIT;
    SizeEstimate *slot = &size_estimates[rel->def.storage_id % SIZE_ESTIMATES];
    int64_t now = clock_monotonic_ns();
    if (slot->db == env->db && slot->storage_id == rel->def.storage_id && now < slot->until) return slot->rows;
    if (!env->txn || failed(table_estimate(env->txn, &rel->def, &rows, &bytes, &ignored))) rows = rel->reltuples > 0 ? rel->reltuples : 1000;
    error_clear(&ignored);
    *slot = (SizeEstimate){env->db, rel->def.storage_id, rows, now + (rows < 1000 ? 200 : 3000) * (int64_t)1000000};
    return rows;
}

double planner_relation_rows(SessionEnv *env, const Relation *rel)
{
    if (rel->is_virtual) return virtual_scan_rows(rel, NULL, 0);
    double rows = estimate_rows(env, rel);
    return rows < 1 ? 1 : rows;
}
