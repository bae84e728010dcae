/*
 * scratch.h - a private directory for one test, and system calls that fail.
 *
 *     CLEANUP(scratch_done) struct scratch s = scratch_make();
 *     CHECK(fs_append(scratch_path(&s, "a"), STR("x"), NULL) == ERR_OK);
 */
#ifndef TESTS_FAKE_SCRATCH_H
#define TESTS_FAKE_SCRATCH_H

#include "base/str.h"

struct scratch {
    char dir[256];
    char paths[4][512]; /* the last four results of scratch_path */
    unsigned next;
};

struct scratch scratch_make(void); /* ends the program when it cannot */
void scratch_done(struct scratch *s);

/* <dir>/<name>; good until the fourth call after this one. */
const char *scratch_path(struct scratch *s, const char *name);
/* Writes a file below the directory, making its parents. */
void scratch_write(struct scratch *s, const char *name, struct str bytes);

/* Evaluates `ok_expr` again and again, failing system call 1, then 2, ... with
 * `sys` until a run needs no more. Each run must succeed or have met its
 * failure, and leave no heap block and no descriptor behind. */
#define TEST_SYS(sys, ok_expr)                                                 \
    for (unsigned nth_ = 1, ran_ = 1; ran_ != 0; nth_++) {                     \
        size_t base_ = mem_live();                                             \
        unsigned fds_ = scratch_open_fds();                                    \
        (void)sys_fault_arm(nth_, (sys));                                      \
        bool ok_ = (ok_expr);                                                  \
        unsigned used_ = sys_fault_arm(0, 0);                                  \
        CHECK(mem_live() == base_);                                            \
        CHECK(scratch_open_fds() == fds_);                                     \
        CHECK(ok_ || used_ >= nth_);                                           \
        ran_ = used_ >= nth_;                                                  \
    }
unsigned scratch_open_fds(void);

#endif
