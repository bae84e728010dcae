/*
 * check_c.h - compile, load and tests of a candidate in C.
 *
 * A test is `assert(call == value);` or `assert(strcmp(call, "text") == 0);`.
 * Two programs are made of it: one holds the candidate and prints what the
 * calls give, the other holds only the values and prints those; the two prints
 * are compared here. So the candidate's process is never told what is
 * expected of it. Other forms of a test are refused: a program that contains
 * both the tests and the candidate can print whatever the candidate likes.
 * Thread: any; blocks.
 */
#ifndef WORK_CHECK_C_H
#define WORK_CHECK_C_H

#include "work/check.h"

NODISCARD enum err check_c_compile(const struct check_job *job,
                                   struct check_result *out, struct why *w);
NODISCARD enum err check_c_load(const struct check_job *job,
                                struct check_result *out, struct why *w);
NODISCARD enum err check_c_tests(const struct check_job *job,
                                 struct check_result *out, struct why *w);

#endif
