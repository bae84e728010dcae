/*
 * matrix.h - the escalation matrix: which models try, in which order, how
 * often, and what evidence a task of a kind needs before it counts as done.
 *
 * A plan is a value, written into the task's trace when the task is
 * classified: a task that is resumed keeps the plan it began with. The table
 * of needs stands in matrix.c as data; the chain of models comes from the
 * configuration. Pure. Thread: any.
 */
#ifndef WORK_MATRIX_H
#define WORK_MATRIX_H

#include "base/err.h"
#include "work/words.h"

enum {
    MATRIX_TIERS_MAX = 8,
    MATRIX_NAME_MAX = 64, /* bytes of a model's name with the NUL */
    MATRIX_ATTEMPTS_MAX = 10
};

struct matrix_need {
    bool checks[CHECK_COUNT];
    bool person;            /* goes to review even when all checks pass */
    enum verdict if_passed; /* what passing `checks` proves */
};

struct matrix_plan {
    char tiers[MATRIX_TIERS_MAX][MATRIX_NAME_MAX]; /* weakest first */
    size_t n_tiers;
    unsigned attempts; /* of one tier: the first, then retries */
    struct matrix_need need;
};

/* What a task of this kind has to show, with tests and without. */
struct matrix_need matrix_need(enum kind kind, bool has_tests);

/* `tiers`: names separated by commas. ERR_CONFIG when there is none, too
 * many, or a name is too long; ERR_RANGE for `attempts` outside 1..10. */
NODISCARD enum err matrix_chain(struct str tiers, unsigned attempts,
                                struct matrix_plan *out, struct why *w);

#endif
