/*
 * check.h - runs one check of an attempt.
 *
 * What fails about the candidate is a result (`passed` false, `evidence` one
 * line that the next attempt is shown). What fails about us (no sandbox, no
 * interpreter, disk full) is an error: the model is not to blame and the task
 * must not go on as if it were.
 *
 * Candidates run in a sandbox of their own and can only answer calls; what is
 * expected of them stays outside of it (harness_python.py has the reasons).
 * Thread: any; blocks.
 */
#ifndef WORK_CHECK_H
#define WORK_CHECK_H

#include "base/buf.h"
#include "work/words.h"
#include "work/workdir.h"

enum { CHECK_OUTPUT_MAX = 4096, CHECK_EVIDENCE_MAX = 1024 };

struct check_job {
    enum lang lang;
    struct str code;  /* empty: the answer had none */
    struct str tests; /* may be empty */
    struct str entry; /* may be empty */
    struct workdir *workdir;
    unsigned time_ms; /* of this check */
    int cancel_fd;    /* readable: stop with ERR_CANCELLED; -1: none */
};

struct check_result {
    bool passed;
    uint64_t us;
    unsigned tests;      /* that were run */
    struct buf evidence; /* one line, empty when passed */
    struct buf output;   /* the end of what the candidate printed */
};
#define CHECK_RESULT_INIT                                                      \
    ((struct check_result){.evidence = BUF_INIT(CHECK_EVIDENCE_MAX),           \
                           .output = BUF_INIT(CHECK_OUTPUT_MAX)})

/* `out` must be fresh. ERR_SANDBOX, ERR_UNSUPPORTED (a program is missing),
 * ERR_SYNTAX (the task's own tests are wrong), ERR_CANCELLED, ERR_IO... */
NODISCARD enum err check_run(enum check_id check, const struct check_job *job,
                             struct check_result *out, struct why *w);
void check_result_done(struct check_result *r);

/* The program that runs this language; ERR_UNSUPPORTED says what to install. */
NODISCARD enum err check_tools(enum lang lang, struct why *w);

#endif
