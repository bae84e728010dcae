#include "base/err.h"

#include <errno.h>

#include "base/str.h"
#include "test.h"

TEST(every_code_has_a_name_a_text_and_statuses)
{
    for (enum err e = ERR_OK; e < ERR_COUNT; e++) {
        CHECK(err_name(e)[0] != '\0' && err_text(e)[0] != '\0');
        CHECK(err_http(e) >= 200 && err_http(e) <= 599);
        CHECK(err_exit(e) >= 0 && err_exit(e) <= 130);
    }
    CHECK(strcmp(err_name(ERR_NOMODEL), "NOMODEL") == 0);
    CHECK(err_http(ERR_NOMODEL) == 404 && !err_retryable(ERR_NOMODEL));
    CHECK(err_retryable(ERR_NOMEM) && err_http(ERR_OK) == 200);
}

TEST(a_value_from_elsewhere_is_unknown_and_not_a_crash)
{
    enum err wild = (enum err)(ERR_COUNT + 7);

    CHECK(strcmp(err_name(wild), "UNKNOWN") == 0);
    CHECK(err_http(wild) == 500 && err_exit(wild) == 70);
    CHECK(!err_retryable(wild) && err_text(wild)[0] != '\0');
}

TEST(a_failure_is_described_where_it_happened)
{
    struct why w = WHY_INIT;

    CHECK(FAIL(&w, ERR_RANGE, "n is %d", 7) == ERR_RANGE);
    CHECK(w.code == ERR_RANGE && w.sys == 0);
    CHECK(strcmp(w.msg, "n is 7") == 0);
    CHECK(str_has(str_c(w.where), STR("err_test.c:")));
    CHECK(FAIL(NULL, ERR_RANGE, "n is %d", 7) == ERR_RANGE);
}

TEST(the_reason_of_the_system_is_appended)
{
    struct why w = WHY_INIT;

    errno = ENOENT;
    CHECK(FAIL_SYS(&w, ERR_IO, "open x") == ERR_IO);
    CHECK(w.sys == ENOENT);
    CHECK(strcmp(w.msg, "open x: No such file or directory") == 0);
}

TEST(a_message_that_is_too_long_is_cut)
{
    static char text[1000];
    struct why w = WHY_INIT;

    memset(text, 'x', sizeof(text) - 1);
    errno = ENOENT;
    CHECK(FAIL_SYS(&w, ERR_IO, "%s", text) == ERR_IO);
    CHECK(strlen(w.msg) == sizeof(w.msg) - 1);
}

TEST(without_a_message_the_code_speaks)
{
    struct why w = WHY_INIT;

    w.code = ERR_TIMEOUT;
    CHECK(strcmp(err_why(&w), err_text(ERR_TIMEOUT)) == 0);
    (void)FAIL(&w, ERR_IO, "no");
    CHECK(strcmp(err_why(&w), "no") == 0);
}

static enum err forward(enum err e, int *reached)
{
    TRY(e);
    *reached = 1;
    return ERR_OK;
}

TEST(try_returns_failures_and_goes_on_after_success)
{
    int reached = 0;

    CHECK(forward(ERR_EOF, &reached) == ERR_EOF && reached == 0);
    CHECK(forward(ERR_OK, &reached) == ERR_OK && reached == 1);
}
