/* What evidence each kind of task needs, and chains of models. */
#include "work/matrix.h"

#include "test.h"

TEST(every_task_needs_syntax_and_compile_and_its_tests_if_it_has_any)
{
    for (int k = 0; k < KIND_COUNT; k++) {
        struct matrix_need with = matrix_need((enum kind)k, true);
        struct matrix_need without = matrix_need((enum kind)k, false);

        CHECK(with.checks[CHECK_SYNTAX] && with.checks[CHECK_COMPILE]);
        CHECK(with.checks[CHECK_TESTS]);
        CHECK(without.checks[CHECK_SYNTAX] && without.checks[CHECK_COMPILE]);
        CHECK(without.checks[CHECK_LOAD] && !without.checks[CHECK_TESTS]);
    }
}

TEST(complex_and_critical_tasks_go_to_a_person_whatever_passed)
{
    for (int k = 0; k < KIND_COUNT; k++)
        for (int tests = 0; tests < 2; tests++) {
            struct matrix_need n = matrix_need((enum kind)k, tests != 0);

            if (!kind_needs_person((enum kind)k))
                continue;
            CHECK(n.person && n.if_passed == VERDICT_UNPROVED);
        }
}

TEST(only_tests_make_a_task_verified)
{
    for (int k = 0; k < KIND_COUNT; k++)
        CHECK(matrix_need((enum kind)k, false).if_passed != VERDICT_VERIFIED);
    CHECK(matrix_need(KIND_QUICK, true).if_passed == VERDICT_VERIFIED);
    CHECK(matrix_need(KIND_STANDARD, true).if_passed == VERDICT_VERIFIED);
    CHECK(!matrix_need(KIND_QUICK, true).person);
    CHECK(!matrix_need(KIND_STANDARD, true).person);
}

TEST(without_tests_only_a_quick_edit_is_done_without_a_person)
{
    CHECK(!matrix_need(KIND_QUICK, false).person);
    CHECK(matrix_need(KIND_QUICK, false).if_passed == VERDICT_CHECKED);
    CHECK(matrix_need(KIND_STANDARD, false).person);
    CHECK(matrix_need(KIND_STANDARD, false).if_passed == VERDICT_UNPROVED);
}

TEST(a_kind_that_nobody_knows_proves_nothing)
{
    struct matrix_need n = matrix_need(KIND_COUNT, true);

    CHECK(n.person && n.if_passed == VERDICT_UNPROVED);
}

TEST(a_chain_is_read_in_its_order)
{
    struct matrix_plan p = {0};

    CHECK(matrix_chain(STR("tiny-1m, tiny-6m"), 2, &p, NULL) == ERR_OK);
    CHECK(p.n_tiers == 2 && p.attempts == 2);
    CHECK(strcmp(p.tiers[0], "tiny-1m") == 0);
    CHECK(strcmp(p.tiers[1], "tiny-6m") == 0);
    CHECK(matrix_chain(STR(" ,one ,,"), 1, &p, NULL) == ERR_OK);
    CHECK(p.n_tiers == 1 && strcmp(p.tiers[0], "one") == 0);
}

static void refused(const char *tiers, unsigned attempts, enum err want)
{
    struct matrix_plan p = {.n_tiers = 7};
    struct why w = WHY_INIT;

    CHECK(matrix_chain(str_c(tiers), attempts, &p, &w) == want);
    CHECK(w.code == want && w.msg[0] != '\0');
    CHECK(p.n_tiers == 7 && p.attempts == 0); /* changes on success only */
}

TEST(a_chain_without_models_is_refused)
{
    refused("", 2, ERR_CONFIG);
    refused(" , ,", 2, ERR_CONFIG);
}

TEST(a_chain_holds_eight_models_and_not_nine)
{
    struct matrix_plan p = {0};

    CHECK(matrix_chain(STR("a,b,c,d,e,f,g,h"), 2, &p, NULL) == ERR_OK);
    CHECK(p.n_tiers == MATRIX_TIERS_MAX && strcmp(p.tiers[7], "h") == 0);
    refused("a,b,c,d,e,f,g,h,i", 2, ERR_CONFIG);
}

TEST(the_name_of_a_model_fits_or_is_refused)
{
    char name[MATRIX_NAME_MAX + 1] = {0};
    struct matrix_plan p = {0};

    memset(name, 'm', MATRIX_NAME_MAX - 1);
    CHECK(matrix_chain(str_c(name), 2, &p, NULL) == ERR_OK);
    CHECK(strcmp(p.tiers[0], name) == 0);
    name[MATRIX_NAME_MAX - 1] = 'm';
    refused(name, 2, ERR_CONFIG);
}

TEST(attempts_are_one_to_ten)
{
    struct matrix_plan p = {0};

    refused("a", 0, ERR_RANGE);
    refused("a", MATRIX_ATTEMPTS_MAX + 1, ERR_RANGE);
    CHECK(matrix_chain(STR("a"), 1, &p, NULL) == ERR_OK && p.attempts == 1);
    CHECK(matrix_chain(STR("a"), MATRIX_ATTEMPTS_MAX, &p, NULL) == ERR_OK);
}
