/* Errors, fault points, threads and the stack guard. */
#include <criterion/criterion.h>

#include "common/fault_point.h"
#include "common/thread.h"

Test(error, first_one_wins)
{
    Error err = ERROR_INIT;
    cr_assert_eq(error_set(&err, ERR_DIVISION_BY_ZERO, "division by %s", "zero"), ST_FAILED);
    error_set(&err, ERR_INTERNAL_ERROR, "later");
    error_detail(&err, "d%d", 1);
    error_detail(&err, "d2");
    error_hint(&err, "h");
    error_position(&err, 7);
    error_context(&err, "inner");
    error_context(&err, "outer");
    error_names(&err, "public", "t", NULL, NULL, "t_pkey");
    cr_assert_eq(err.code, ERR_DIVISION_BY_ZERO);
    cr_assert_str_eq(err.message, "division by zero");
    cr_assert_str_eq(err.detail, "d1");
    cr_assert_str_eq(err.context, "inner\nouter");
    cr_assert_str_eq(err.constraint, "t_pkey");
    Error copy = ERROR_INIT, moved = ERROR_INIT;
    error_copy(&copy, &err);
    error_move(&moved, &err);
    cr_assert_not(error_is_set(&err));
    cr_assert_str_eq(copy.message, moved.message);
    error_clear(&copy);
    error_clear(&moved);
    error_set(NULL, ERR_INTERNAL_ERROR, "dropped");
}

Test(error, out_of_memory_allocates_nothing)
{
    Error err = ERROR_INIT, copy = ERROR_INIT;
    error_out_of_memory(&err, 1 << 20);
    error_copy(&copy, &err);
    cr_assert_eq(err.code, ERR_OUT_OF_MEMORY);
    cr_assert_str_eq(err.message, "out of memory");
    error_clear(&err);
    error_clear(&copy);
}

Test(error, sqlstates_have_text_and_names)
{
    char text[6];
    sqlstate_text(ERR_UNDEFINED_TABLE, text);
    cr_assert_str_eq(text, "42P01");
    cr_assert_eq(sqlstate_parse("42P01"), (SqlState)ERR_UNDEFINED_TABLE);
    cr_assert_str_eq(sqlstate_condition_name(ERR_UNDEFINED_TABLE), "undefined_table");
    cr_assert_null(sqlstate_condition_name(sqlstate_parse("ZZZZZ")));
}

Test(fault_point, fires_at_the_nth_pass)
{
    Error err = ERROR_INIT;
    cr_assert_eq(FAULT_POINT("x", &err), ST_OK);
    cr_assert_eq(fault_points_arm("x=error@2; y=error@1+", &err), ST_OK);
    cr_assert_eq(FAULT_POINT("x", &err), ST_OK);
    cr_assert_eq(FAULT_POINT("x", &err), ST_FAILED);
    cr_assert_eq(err.code, ERR_IO_ERROR);
    error_clear(&err);
    cr_assert_eq(FAULT_POINT("x", &err), ST_OK);
    for (int i = 0; i < 3; i++) cr_assert_eq(FAULT_POINT("y", NULL), ST_FAILED);
    cr_assert_eq(fault_points_arm("x=explode", &err), ST_FAILED);
    cr_assert_eq(err.code, ERR_INVALID_PARAMETER_VALUE);
    error_clear(&err);
    cr_assert_eq(fault_points_arm("", &err), ST_OK);
    cr_assert_not(fault_points_armed);
}

static int depth_reached;

static __attribute__((noinline)) Status recurse(int depth, Error *err)
{
    volatile char frame[256];
    frame[0] = (char)depth;
    depth_reached = depth;
    TRY(stack_check(err));
    Status st = recurse(depth + 1, err);
    frame[1] = frame[0];
    return st;
}

static void *run_recursion(void *arg)
{
    Status st = recurse(0, arg);
    (void)st;
    return NULL;
}

Test(thread, stack_check_stops_recursion)
{
    Error err = ERROR_INIT;
    pthread_t t;
    cr_assert_eq(thread_start(&t, "recursion", 256 * 1024, false, run_recursion, &err, &err), ST_OK);
    pthread_join(t, NULL);
    cr_assert_eq(err.code, ERR_STATEMENT_TOO_COMPLEX);
    cr_assert_str_eq(err.message, "stack depth limit exceeded");
    cr_assert_gt(depth_reached, 100);
    error_clear(&err);
    cr_assert_eq(recurse(0, &err), ST_FAILED); /* the main thread too */
    error_clear(&err);
}

Test(thread, timed_wait_times_out)
{
    Mutex m;
    Cond c;
    mutex_init(&m);
    cond_init(&c);
    mutex_lock(&m);
    int64_t start = clock_monotonic_ns();
    cr_assert_not(cond_wait_until(&c, &m, start + 20000000));
    cr_assert_geq(clock_monotonic_ns() - start, 20000000);
    mutex_unlock(&m);
    cond_destroy(&c);
    mutex_destroy(&m);
}
