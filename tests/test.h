/*
 * test.h - a unit test file is one program; its tests register themselves.
 *
 *     TEST(sse_line_over_the_limit_is_refused)
 *     {
 *         CHECK(sse_push(&s, bytes) == ERR_LIMIT);
 *     }
 *
 * The name is a sentence that says what holds; the test fails when that is
 * removed. cmocka's assert_* work as well as CHECK. A test that ends with more
 * live heap blocks than it began with fails. Run one by a part of its name:
 * `make unit T=sse_test ONLY=limit`.
 */
#ifndef TESTS_TEST_H
#define TESTS_TEST_H

/* cmocka.h needs these four before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"

struct test_case {
    const char *name;
    void (*fn)(void **state);
    struct test_case *next;
};

void test_register(struct test_case *t);
__attribute__((noreturn)) void test_fail(const char *file, int line,
                                         const char *what);

/* True under `make torture`: a campaign may then run for minutes. */
bool test_torture(void);

#define TEST(id)                                                               \
    static void test_##id(void **state);                                       \
    static struct test_case case_##id = {#id, test_##id, NULL};                \
    __attribute__((constructor)) static void reg_##id(void)                    \
    {                                                                          \
        test_register(&case_##id);                                             \
    }                                                                          \
    static void test_##id(__attribute__((unused)) void **state)

/* Ends the test when `c` is false. */
#define CHECK(c)                                                               \
    do {                                                                       \
        if (!(c))                                                              \
            test_fail(__FILE__, __LINE__, #c);                                 \
    } while (0)

/* Evaluates `ok_expr` again and again, failing allocation 1, then 2, ... until
 * a run needs no more. `ok_expr` is true when the work succeeded; each run must
 * either succeed or have met its failure, and leak nothing. */
#define TEST_OOM(ok_expr)                                                      \
    for (size_t nth_ = 1, ran_ = 1; ran_ != 0; nth_++) {                       \
        size_t base_ = mem_live();                                             \
        (void)mem_fault_arm(nth_, false);                                      \
        bool ok_ = (ok_expr);                                                  \
        size_t used_ = mem_fault_arm(0, false);                                \
        CHECK(mem_live() == base_);                                            \
        CHECK(ok_ || used_ >= nth_);                                           \
        ran_ = used_ >= nth_;                                                  \
    }

#endif
