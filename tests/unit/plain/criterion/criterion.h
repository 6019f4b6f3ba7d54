/* The little of Criterion that our unit tests use, in one process: for thread sanitizer builds, where Criterion's own process
 * isolation cannot run. One argument: only tests whose name contains it. */
#ifndef PLAIN_CRITERION_H
#define PLAIN_CRITERION_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct PlainTest {
    const char *name;
    void (*fn)(void);
    struct PlainTest *next;
} PlainTest;
static PlainTest *plain_tests;

#define Test(suite, name, ...)                                                       \
    static void suite##_##name(void);                                                \
    __attribute__((constructor)) static void suite##_##name##_add(void)              \
    {                                                                                \
        static PlainTest t = {#suite "::" #name, suite##_##name, NULL};              \
        t.next = plain_tests;                                                        \
        plain_tests = &t;                                                            \
    }                                                                                \
    static void suite##_##name(void)

#define PLAIN_FAIL(...) (fprintf(stderr, "%s:%d: ", __FILE__, __LINE__), fprintf(stderr, "" __VA_ARGS__), fputc('\n', stderr), abort())
#define cr_assert(c, ...) ((c) ? (void)0 : (fprintf(stderr, "%s is false\n", #c), PLAIN_FAIL(__VA_ARGS__)))
#define cr_assert_eq(a, b, ...) cr_assert((a) == (b), __VA_ARGS__)
#define cr_assert_null(a, ...) cr_assert((a) == NULL, __VA_ARGS__)
#define cr_assert_str_eq(a, b, ...) cr_assert(!strcmp((a), (b)), __VA_ARGS__)
#define cr_assert_fail(...) PLAIN_FAIL(__VA_ARGS__)

int main(int argc, char **argv)
{
    int n = 0;
    for (PlainTest *t = plain_tests; t; t = t->next) {
        if (argc > 1 && !strstr(t->name, argv[1])) continue;
        fprintf(stderr, "%s\n", t->name);
        t->fn();
        n++;
    }
    fprintf(stderr, "%d tests passed\n", n);
    return 0;
}

#endif
