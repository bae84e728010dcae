/*
 * test.c - main() of every unit test program: hands the registered tests to
 * cmocka, checks the heap after each, and ends with the line that
 * tools/check-summary counts: "tests: N passed, N failed".
 */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_TESTS = 1000 };

static struct test_case *first, **last = &first;
static size_t live_before;

void test_register(struct test_case *t)
{
    *last = t;
    last = &t->next;
}

void test_fail(const char *file, int line, const char *what)
{
    (void)mem_fault_arm(0, false);
    print_error("CHECK(%s)\n", what);
    _fail(file, line);
    abort(); /* _fail does not return; the compiler is not told */
}

bool test_torture(void)
{
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): tests read it before threads */
    return getenv("HEARTH_TORTURE") != NULL;
}

static int before(void **state)
{
    (void)state;
    live_before = mem_live();
    return 0;
}

static int after(void **state)
{
    (void)state;
    (void)mem_fault_arm(0, false);
    if (mem_live() == live_before)
        return 0;
    print_error("heap: %zu blocks before the test, %zu after\n", live_before,
                mem_live());
    return -1;
}

int main(int argc, char **argv)
{
    static struct CMUnitTest tests[MAX_TESTS];
    size_t n = 0;
    int failed;

    for (struct test_case *t = first; t != NULL; t = t->next) {
        if (argc > 1 && strstr(t->name, argv[1]) == NULL)
            continue;
        if (n == MAX_TESTS) {
            print_error("more than %d tests in one program\n", MAX_TESTS);
            return 1;
        }
        tests[n++] = (struct CMUnitTest){t->name, t->fn, before, after, NULL};
    }
    if (n == 0) {
        print_error("no test to run\n");
        return 1;
    }
    failed = _cmocka_run_group_tests(argv[0], tests, n, NULL, NULL);
    (void)printf("tests: %zu passed, %d failed\n",
                 n - (failed > 0 ? (size_t)failed : 0), failed);
    return failed != 0;
}
