/*
 * matrix.c - the shipped matrix. The weaker the kind's own evidence, the less
 * its passing proves: without tests nothing above a quick edit is ever called
 * done by a machine, because a model that cannot solve a task writes code that
 * compiles just as well.
 */
#include "work/matrix.h"

static const struct {
    enum kind kind;
    bool tests; /* the task has tests */
    struct matrix_need need;
} needs[] = {
#define ON(c) [CHECK_##c] = true
    {KIND_QUICK,
     true,
     {{ON(SYNTAX), ON(COMPILE), ON(TESTS)}, false, VERDICT_VERIFIED}},
    {KIND_QUICK,
     false,
     {{ON(SYNTAX), ON(COMPILE), ON(LOAD)}, false, VERDICT_CHECKED}},
    {KIND_STANDARD,
     true,
     {{ON(SYNTAX), ON(COMPILE), ON(TESTS)}, false, VERDICT_VERIFIED}},
    {KIND_STANDARD,
     false,
     {{ON(SYNTAX), ON(COMPILE), ON(LOAD)}, true, VERDICT_UNPROVED}},
    {KIND_COMPLEX,
     true,
     {{ON(SYNTAX), ON(COMPILE), ON(TESTS)}, true, VERDICT_UNPROVED}},
    {KIND_COMPLEX,
     false,
     {{ON(SYNTAX), ON(COMPILE), ON(LOAD)}, true, VERDICT_UNPROVED}},
    {KIND_CRITICAL,
     true,
     {{ON(SYNTAX), ON(COMPILE), ON(TESTS)}, true, VERDICT_UNPROVED}},
    {KIND_CRITICAL,
     false,
     {{ON(SYNTAX), ON(COMPILE), ON(LOAD)}, true, VERDICT_UNPROVED}},
#undef ON
};

struct matrix_need matrix_need(enum kind kind, bool has_tests)
{
    for (size_t i = 0; i < COUNTOF(needs); i++)
        if (needs[i].kind == kind && needs[i].tests == has_tests)
            return needs[i].need;
    /* A kind without a row proves nothing by itself. */
    return (struct matrix_need){.person = true, .if_passed = VERDICT_UNPROVED};
}

enum err matrix_chain(struct str tiers, unsigned attempts,
                      struct matrix_plan *out, struct why *w)
{
    struct matrix_plan p = {.attempts = attempts};

    if (attempts == 0 || attempts > MATRIX_ATTEMPTS_MAX)
        return FAIL(w, ERR_RANGE, "attempts of a tier: 1 to %d",
                    MATRIX_ATTEMPTS_MAX);
    while (tiers.n != 0) {
        struct str name = str_trim(str_cut(&tiers, ','));

        if (name.n == 0)
            continue;
        if (p.n_tiers == MATRIX_TIERS_MAX)
            return FAIL(w, ERR_CONFIG, "a chain has at most %d tiers",
                        MATRIX_TIERS_MAX);
        if (!str_z(name, p.tiers[p.n_tiers], MATRIX_NAME_MAX))
            return FAIL(w, ERR_CONFIG,
                        "the name of a model in the chain is longer than %d "
                        "bytes",
                        MATRIX_NAME_MAX - 1);
        p.n_tiers++;
    }
    if (p.n_tiers == 0)
        return FAIL(w, ERR_CONFIG,
                    "the chain of models that try a task is empty");
    *out = p;
    return ERR_OK;
}
