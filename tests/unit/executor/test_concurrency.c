/* READ COMMITTED: a writer that waited for another one works on the row's newest version. */
#include <criterion/criterion.h>

#include "support_session.h"

static Support a, b;

static void setup(void)
{
    support_open(&a);
    support_open_more(&a, &b, 2);
    support_table(&a, "t", "k v");
    support_table(&a, "u", "k w");
    cr_assert_str_eq(support_text(&a, "insert into t values (1, 1), (2, 2), (3, 3)"), "#3");
    cr_assert_str_eq(support_text(&a, "insert into u values (1, 100), (2, 200)"), "#2");
}
static void teardown(void)
{
    support_session_close(&b);
    support_close(&a);
}
TestSuite(concurrency, .init = setup, .fini = teardown);

typedef struct Job { const char *sql; char result[400]; } Job;

static void *run_b(void *arg)
{
    Job *job = arg;
    snprintf(job->result, sizeof job->result, "%s", support_text(&b, job->sql));
    return NULL;
}

/* a runs `first` and stays open; b's statement has to wait for it; a commits. */
static void contend(const char *first, const char *second, const char *expected)
{
    Job job = {.sql = second};
    pthread_t thread;
    a.in_block = true;
    cr_assert_neq(support_text(&a, first)[0], 0);
    SUPPORT_OK(thread_start(&thread, "b", 1 << 20, false, run_b, &job, err));
    usleep(200 * 1000);
    cr_assert_eq(job.result[0], 0, "it did not wait: %s", job.result);
    a.in_block = false;
    SUPPORT_OK(support_end(&a, ST_OK, err));
    pthread_join(thread, NULL);
    cr_assert_str_eq(job.result, expected);
}

Test(concurrency, update_sees_the_newest_row)
{
    contend("update t set v = v + 10 where k = 1", "update t set v = v + 100 where k = 1 returning *", "1|111");
}
Test(concurrency, update_of_a_row_that_no_longer_qualifies) { contend("update t set v = 50 where k = 1", "update t set v = 0 where v = 1 returning *", ""); }
Test(concurrency, update_of_a_deleted_row) { contend("delete from t where k = 1", "update t set v = 0 where k < 3 returning k", "2"); }
Test(concurrency, delete_sees_the_newest_row) { contend("update t set v = 77 where k = 2", "delete from t where v in (2, 77) returning *", "2|77"); }
Test(concurrency, joined_update)
{
    contend("update t set v = v + 1 where k = 2", "update t set v = v + w from u where u.k = t.k and t.k = 2 returning t.v, w", "203|200");
}
Test(concurrency, for_update)
{
    contend("update t set v = 99 where k = 3", "select k, v + 1 from t where k = 3 for update", "3|100");
    contend("update t set v = 5 where k = 1", "select * from t where v = 1 for update", "");
}
Test(concurrency, for_update_of_a_join)
{
    contend("update u set w = 999 where k = 1", "select t.k, w from t join u on t.k = u.k where t.k = 1 for update", "1|999");
}
Test(concurrency, skip_locked)
{
    a.in_block = true;
    cr_assert_str_eq(support_text(&a, "select k from t where k = 1 for update"), "1");
    cr_assert_str_eq(support_text(&b, "select k from t order by k for update skip locked"), "2;3");
    cr_assert_str_eq(support_text(&b, "select k from t for update nowait"), "55P03 could not obtain lock on row in relation \"t\"");
    a.in_block = false;
    SUPPORT_OK(support_end(&a, ST_OK, err));
}
