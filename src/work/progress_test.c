/* The way of a task, replayed from its events. */
#include "work/progress.h"

#include "test.h"

#define CLASSIFIED                                                             \
    "\"type\":\"standard\",\"complexity\":4,\"required\":[\"syntax\","         \
    "\"compile\",\"tests\"],\"person\":false,\"if_passed\":\"verified\","      \
    "\"tiers\":[\"small\",\"large\"],\"attempts\":2,\"entry\":\"f\","          \
    "\"test_text\":\"assert f(2) == 4\\n\""
#define PASSED(check) "\"check\":\"" check "\",\"passed\":true"
#define FAILED(check, why)                                                     \
    "\"check\":\"" check "\",\"passed\":false,\"evidence\":\"" why "\""
#define ANSWER "\"attempt\":1,\"code\":\"def f(n): return n\\n\""

struct event {
    enum event_id id;
    const char *members;
};

static enum err fold(struct progress *p, enum event_id id, const char *members)
{
    char json[2000];
    struct why w = WHY_INIT;
    enum err e;

    CHECK(snprintf(json, sizeof(json), "{\"seq\":%u%s%s}", (unsigned)p->seq + 1,
                   members[0] != '\0' ? "," : "", members)
          < (int)sizeof(json));
    e = progress_fold(p, id, str_c(json), &w);
    CHECK(e != ERR_OK || w.msg[0] == '\0');
    return e;
}

static void take(struct progress *p, enum event_id id, const char *members)
{
    uint64_t before = p->seq;

    CHECK(fold(p, id, members) == ERR_OK);
    CHECK(p->seq == before + 1);
}

static enum step next(const struct progress *p)
{
    return progress_next(p).step;
}

static bool next_check(const struct progress *p, enum check_id c)
{
    struct progress_step s = progress_next(p);

    return s.step == STEP_CHECK && s.check == c;
}

static bool next_attempt(const struct progress *p, unsigned n)
{
    struct progress_step s = progress_next(p);

    return s.step == STEP_ATTEMPT && s.attempt == n;
}

static bool next_end(const struct progress *p, enum verdict v)
{
    struct progress_step s = progress_next(p);

    return s.step == STEP_END && s.verdict == v;
}

static void classified(struct progress *p, const char *members)
{
    progress_init(p);
    take(p, EVENT_TASK_CREATED, "\"at\":1700000000000");
    take(p, EVENT_TASK_CLASSIFIED, members);
}

static void attempt(struct progress *p, unsigned n)
{
    char members[100];

    (void)snprintf(members, sizeof(members), "\"attempt\":%u", n);
    take(p, EVENT_ATTEMPT_STARTED, members);
}

/* The first model's first attempt is under way. */
static void attempting(struct progress *p, const char *classification)
{
    classified(p, classification);
    take(p, EVENT_TIER_STARTED, "");
    attempt(p, 1);
}

static void answered(struct progress *p, const char *classification)
{
    attempting(p, classification);
    take(p, EVENT_ATTEMPT_ANSWER, ANSWER);
}

/* One attempt that fails its syntax check. */
static void fail_attempt(struct progress *p, unsigned n)
{
    CHECK(next_attempt(p, n));
    attempt(p, n);
    take(p, EVENT_ATTEMPT_ANSWER, ANSWER);
    CHECK(next_check(p, CHECK_SYNTAX));
    take(p, EVENT_CHECK_RESULT, FAILED("syntax", "line 1"));
    CHECK(next(p) == STEP_FAIL);
    take(p, EVENT_ATTEMPT_FAILED, "");
}

static void fail_tier(struct progress *p)
{
    CHECK(next(p) == STEP_TIER);
    take(p, EVENT_TIER_STARTED, "");
    fail_attempt(p, 1);
    fail_attempt(p, 2);
    CHECK(next(p) == STEP_ESCALATE);
    take(p, EVENT_TIER_ESCALATED, "\"reason\":\"no good\"");
}

/* ---- the way that ends well ------------------------------------------------------ */

TEST(a_task_that_passes_ends_with_what_its_checks_prove)
{
    CLEANUP(progress_done) struct progress p = {0};

    progress_init(&p);
    CHECK(next(&p) == STEP_CLASSIFY);
    take(&p, EVENT_TASK_CREATED, "\"at\":1700000000000");
    CHECK(p.created_ms == 1700000000000 && next(&p) == STEP_CLASSIFY);
    take(&p, EVENT_TASK_CLASSIFIED, CLASSIFIED);
    CHECK(next(&p) == STEP_TIER && strcmp(progress_model(&p), "small") == 0);
    CHECK(progress_worker(&p)[0] == '\0');
    take(&p, EVENT_TIER_STARTED, "\"tier\":1,\"model\":\"small\"");
    CHECK(next_attempt(&p, 1));
    attempt(&p, 1);
    CHECK(strcmp(progress_worker(&p), "small") == 0);
    take(&p, EVENT_ATTEMPT_ANSWER, ANSWER ",\"tokens_in\":7,\"tokens_out\":3");
    CHECK(next_check(&p, CHECK_SYNTAX));
    take(&p, EVENT_CHECK_RESULT, PASSED("syntax"));
    CHECK(next_check(&p, CHECK_COMPILE));
    take(&p, EVENT_CHECK_RESULT, PASSED("compile"));
    CHECK(next_check(&p, CHECK_TESTS)); /* load is not required */
    take(&p, EVENT_CHECK_RESULT, PASSED("tests"));
    CHECK(next_end(&p, VERDICT_VERIFIED));
    take(&p, EVENT_TASK_DONE, "\"verdict\":\"verified\"");
    CHECK(next(&p) == STEP_NONE && p.is_done && !p.is_decided);
    CHECK(p.verdict == VERDICT_VERIFIED && p.attempts == 1);
    CHECK(p.escalations == 0 && p.tokens_in == 7 && p.tokens_out == 3);
    CHECK(str_eq(buf_str(&p.code), STR("def f(n): return n\n")));
}

TEST(the_classification_is_kept_as_it_was_written)
{
    CLEANUP(progress_done) struct progress p = {0};

    classified(&p, CLASSIFIED);
    CHECK(p.is_classified && p.kind == KIND_STANDARD && p.complexity == 4);
    CHECK(strcmp(p.entry, "f") == 0 && p.plan.attempts == 2);
    CHECK(str_eq(buf_str(&p.tests), STR("assert f(2) == 4\n")));
    CHECK(p.plan.n_tiers == 2 && strcmp(p.plan.tiers[1], "large") == 0);
    CHECK(p.plan.need.checks[CHECK_TESTS] && !p.plan.need.checks[CHECK_LOAD]);
    CHECK(!p.plan.need.person && p.plan.need.if_passed == VERDICT_VERIFIED);
}

/* ---- retries and escalation -------------------------------------------------------- */

TEST(a_failed_attempt_is_followed_by_one_with_its_code_and_evidence)
{
    CLEANUP(progress_done) struct progress p = {0};

    answered(&p, CLASSIFIED);
    take(&p, EVENT_CHECK_RESULT, PASSED("syntax"));
    take(&p, EVENT_CHECK_RESULT, FAILED("compile", "f(2) gave 2"));
    CHECK(next(&p) == STEP_FAIL && p.failed_check == CHECK_COMPILE);
    take(&p, EVENT_ATTEMPT_FAILED, "");
    CHECK(next_attempt(&p, 2));
    CHECK(str_eq(buf_str(&p.evidence), STR("f(2) gave 2")));
    CHECK(p.code.len != 0);
    attempt(&p, 2);
    CHECK(str_eq(buf_str(&p.evidence), STR("f(2) gave 2")));
    take(&p, EVENT_ATTEMPT_ANSWER, "\"code\":\"def f(n): return 4\\n\"");
    CHECK(next_check(&p, CHECK_SYNTAX)); /* from the first check again */
    CHECK(str_eq(buf_str(&p.code), STR("def f(n): return 4\n")));
}

TEST(after_its_attempts_the_next_model_starts_from_the_task_alone)
{
    CLEANUP(progress_done) struct progress p = {0};

    classified(&p, CLASSIFIED);
    fail_tier(&p);
    CHECK(next(&p) == STEP_TIER && strcmp(progress_model(&p), "large") == 0);
    CHECK(strcmp(progress_worker(&p), "small") == 0);
    CHECK(p.attempts == 2 && p.escalations == 1);
    CHECK(strcmp(p.reason, "no good") == 0);
    take(&p, EVENT_TIER_STARTED, "");
    CHECK(p.evidence.len == 0 && p.code.len == 0);
    CHECK(next_attempt(&p, 1));
    attempt(&p, 1);
    CHECK(strcmp(progress_worker(&p), "large") == 0 && p.attempts == 3);
}

TEST(after_the_last_model_a_person_is_asked_and_the_task_has_failed)
{
    CLEANUP(progress_done) struct progress p = {0};

    classified(&p, CLASSIFIED);
    fail_tier(&p);
    fail_tier(&p);
    CHECK(progress_model(&p)[0] == '\0');
    CHECK(strcmp(progress_worker(&p), "large") == 0);
    CHECK(p.attempts == 4 && p.escalations == 1); /* to a person: none */
    CHECK(next(&p) == STEP_REVIEW);
    take(&p, EVENT_TASK_REVIEW, "\"reason\":\"all failed\"");
    CHECK(strcmp(p.reason, "all failed") == 0);
    CHECK(next_end(&p, VERDICT_FAILED));
}

TEST(a_task_that_no_model_was_asked_about_ends_in_error)
{
    CLEANUP(progress_done) struct progress p = {0};

    classified(&p, CLASSIFIED);
    for (int i = 0; i < 2; i++) {
        take(&p, EVENT_TIER_STARTED, "");
        take(&p, EVENT_TIER_ESCALATED, "\"reason\":\"no such model\"");
    }
    take(&p, EVENT_TASK_REVIEW, "\"reason\":\"nobody there\"");
    CHECK(next_end(&p, VERDICT_ERROR));
}

/* ---- people -------------------------------------------------------------------------- */

#define PERSON                                                                 \
    "\"type\":\"critical\",\"complexity\":9,\"required\":[\"syntax\"],"        \
    "\"person\":true,\"if_passed\":\"unproved\",\"tiers\":[\"small\"],"        \
    "\"attempts\":1"

TEST(a_task_that_needs_a_person_goes_to_review_after_all_checks_passed)
{
    CLEANUP(progress_done) struct progress p = {0};

    answered(&p, PERSON);
    take(&p, EVENT_CHECK_RESULT, PASSED("syntax"));
    CHECK(next(&p) == STEP_REVIEW);
    take(&p, EVENT_TASK_REVIEW, "\"reason\":\"critical\"");
    CHECK(next_end(&p, VERDICT_UNPROVED));
    take(&p, EVENT_TASK_DONE, "\"verdict\":\"unproved\"");
    CHECK(next(&p) == STEP_NONE && !p.is_decided);
    take(&p, EVENT_REVIEW_DECIDED,
         "\"action\":\"edit\",\"verdict\":\"edited\",\"code\":\"x = 1\\n\"");
    CHECK(p.is_decided && p.verdict == VERDICT_EDITED);
    CHECK(str_eq(buf_str(&p.code), STR("x = 1\n")));
    CHECK(next(&p) == STEP_NONE);
}

TEST(a_decision_without_code_leaves_the_code)
{
    CLEANUP(progress_done) struct progress p = {0};

    answered(&p, PERSON);
    take(&p, EVENT_TASK_DONE, "\"verdict\":\"unproved\"");
    take(&p, EVENT_REVIEW_DECIDED, "\"verdict\":\"approved\"");
    CHECK(str_eq(buf_str(&p.code), STR("def f(n): return n\n")));
    CHECK(p.verdict == VERDICT_APPROVED);
}

TEST(a_cancelled_task_is_over_wherever_it_stood)
{
    CLEANUP(progress_done) struct progress p = {0};

    attempting(&p, CLASSIFIED);
    take(&p, EVENT_TASK_DONE, "\"verdict\":\"cancelled\"");
    CHECK(next(&p) == STEP_NONE && p.verdict == VERDICT_CANCELLED);
}

/* ---- resume ----------------------------------------------------------------------------- */

TEST(an_answer_in_flight_is_asked_for_again_as_the_same_attempt)
{
    CLEANUP(progress_done) struct progress p = {0};

    classified(&p, CLASSIFIED);
    take(&p, EVENT_TIER_STARTED, "");
    fail_attempt(&p, 1);
    attempt(&p, 2);
    take(&p, EVENT_TASK_RESUMED, "\"after\":\"attempt.started\"");
    CHECK(next_attempt(&p, 2) && p.attempts == 2);
    attempt(&p, 2);
    CHECK(p.attempts == 2);
    CHECK(str_eq(buf_str(&p.evidence), STR("line 1")));
}

TEST(a_check_in_flight_runs_again_and_those_that_passed_do_not)
{
    CLEANUP(progress_done) struct progress p = {0};

    answered(&p, CLASSIFIED);
    take(&p, EVENT_CHECK_RESULT, PASSED("syntax"));
    take(&p, EVENT_CHECK_STARTED, "\"check\":\"compile\"");
    take(&p, EVENT_TASK_RESUMED, "");
    CHECK(next_check(&p, CHECK_COMPILE));
}

static const struct event story[] = {
    {EVENT_TASK_CREATED, "\"at\":5"},
    {EVENT_TASK_CLASSIFIED, CLASSIFIED},
    {EVENT_TIER_STARTED, ""},
    {EVENT_ATTEMPT_STARTED, "\"attempt\":1"},
    {EVENT_ATTEMPT_ANSWER, ANSWER},
    {EVENT_CHECK_RESULT, FAILED("syntax", "bad")},
    {EVENT_ATTEMPT_FAILED, ""},
    {EVENT_ATTEMPT_STARTED, "\"attempt\":2"},
    {EVENT_ATTEMPT_ANSWER, ANSWER ",\"repeats\":true"},
    {EVENT_CHECK_RESULT, FAILED("syntax", "bad again")},
    {EVENT_ATTEMPT_FAILED, ""},
    {EVENT_TIER_ESCALATED, "\"reason\":\"r\""},
    {EVENT_TIER_STARTED, ""},
    {EVENT_ATTEMPT_STARTED, "\"attempt\":1"},
    {EVENT_ATTEMPT_ANSWER, ANSWER},
    {EVENT_CHECK_RESULT, PASSED("syntax")},
    {EVENT_CHECK_RESULT, PASSED("compile")},
    {EVENT_CHECK_RESULT, PASSED("tests")},
    {EVENT_TASK_DONE, "\"verdict\":\"verified\""},
};

static const enum step steps[] = {
    /* what has to be done after 0, 1, ... events of the story */
    STEP_CLASSIFY, STEP_CLASSIFY, STEP_TIER,    STEP_ATTEMPT, STEP_ATTEMPT,
    STEP_CHECK,    STEP_FAIL,     STEP_ATTEMPT, STEP_ATTEMPT, STEP_CHECK,
    STEP_FAIL,     STEP_ESCALATE, STEP_TIER,    STEP_ATTEMPT, STEP_ATTEMPT,
    STEP_CHECK,    STEP_CHECK,    STEP_CHECK,   STEP_END,     STEP_NONE,
};

TEST(a_task_cut_off_after_any_event_goes_on_the_same_way)
{
    CHECK(COUNTOF(steps) == COUNTOF(story) + 1);
    for (size_t cut = 0; cut <= COUNTOF(story); cut++) {
        CLEANUP(progress_done) struct progress p = {0};

        progress_init(&p);
        for (size_t i = 0; i < cut; i++)
            take(&p, story[i].id, story[i].members);
        CHECK(p.seq == cut && next(&p) == steps[cut]);
        if (cut > 0)
            take(&p, EVENT_TASK_RESUMED, "");
        CHECK(next(&p) == steps[cut]); /* being resumed changes nothing */
    }
}

TEST(a_repeated_answer_is_known_until_the_next_model)
{
    CLEANUP(progress_done) struct progress p = {0};

    progress_init(&p);
    for (size_t i = 0; i < 13; i++) {
        take(&p, story[i].id, story[i].members);
        CHECK(p.repeats == (i >= 8 && i < 12));
    }
}

static bool replay(void)
{
    CLEANUP(progress_done) struct progress p = {0};
    enum err e = ERR_OK;

    progress_init(&p);
    for (size_t i = 0; i < COUNTOF(story) && e == ERR_OK; i++)
        e = fold(&p, story[i].id, story[i].members);
    CHECK(e == ERR_OK || e == ERR_NOMEM);
    return e == ERR_OK && next(&p) == STEP_NONE;
}

TEST(replaying_survives_the_failure_of_any_allocation)
{
    TEST_OOM(replay());
}

/* ---- damage ------------------------------------------------------------------------------- */

static void damaged(enum event_id id, const char *json)
{
    CLEANUP(progress_done) struct progress p = {0};
    struct why w = WHY_INIT;
    enum err e;

    classified(&p, CLASSIFIED);
    e = progress_fold(&p, id, str_c(json), &w);
    if (e == ERR_OK)
        print_error("taken: %s %s\n", event_name(id), json);
    CHECK(e != ERR_OK && w.code == e && w.msg[0] != '\0');
    CHECK(p.seq == 2);
}

TEST(an_event_that_is_no_json_object_with_a_number_is_refused)
{
    static const char *const wrong[] = {
        "",
        "{",
        "null",
        "[]",
        "3",
        "{}",
        "{\"seq\":0}",
        "{\"seq\":-1}",
        "{\"seq\":\"3\"}",
        "{\"seq\":3} x",
        "{\"seq\":1.5}",
    };

    for (size_t i = 0; i < COUNTOF(wrong); i++) {
        damaged(EVENT_TIER_STARTED, wrong[i]);
        damaged(EVENT_TASK_RESUMED, wrong[i]);
    }
    damaged(EVENT_COUNT, "{\"seq\":3}");
    damaged((enum event_id)1000, "{\"seq\":3}");
}

TEST(members_of_a_wrong_type_or_value_are_refused)
{
    damaged(EVENT_ATTEMPT_STARTED, "{\"seq\":3}");
    damaged(EVENT_ATTEMPT_STARTED, "{\"seq\":3,\"attempt\":0}");
    damaged(EVENT_ATTEMPT_STARTED, "{\"seq\":3,\"attempt\":11}");
    damaged(EVENT_ATTEMPT_ANSWER, "{\"seq\":3,\"code\":7}");
    damaged(EVENT_ATTEMPT_ANSWER, "{\"seq\":3,\"repeats\":1}");
    damaged(EVENT_ATTEMPT_ANSWER, "{\"seq\":3,\"tokens_in\":-1}");
    damaged(EVENT_CHECK_RESULT, "{\"seq\":3,\"passed\":true}");
    damaged(EVENT_CHECK_RESULT, "{\"seq\":3,\"check\":\"syntax\"}");
    damaged(EVENT_CHECK_RESULT, "{\"seq\":3,\"check\":\"spell\","
                                "\"passed\":true}");
    damaged(EVENT_TASK_DONE, "{\"seq\":3}");
    damaged(EVENT_TASK_DONE, "{\"seq\":3,\"verdict\":\"great\"}");
    damaged(EVENT_REVIEW_DECIDED, "{\"seq\":3,\"verdict\":\"\"}");
    damaged(EVENT_TASK_REVIEW, "{\"seq\":3,\"reason\":[]}");
    damaged(EVENT_TIER_ESCALATED, "{\"seq\":3,\"reason\":1}");
}

/* CLASSIFIED with one part of it replaced. */
static void damaged_class(const char *part, const char *by)
{
    static const char whole[] = "{\"seq\":3," CLASSIFIED "}";
    CLEANUP(buf_done) struct buf b = BUF_INIT(4000);
    size_t at = str_find(str_c(whole), str_c(part));

    CHECK(at != SIZE_MAX);
    CHECK(buf_add(&b, str_sub(str_c(whole), 0, at)) == ERR_OK);
    CHECK(buf_add_c(&b, by) == ERR_OK);
    CHECK(buf_add_c(&b, whole + at + strlen(part)) == ERR_OK);
    damaged(EVENT_TASK_CLASSIFIED, b.data);
}

TEST(a_plan_that_we_do_not_know_is_refused)
{
    damaged_class("\"standard\"", "\"huge\"");
    damaged_class("\"complexity\":4", "\"complexity\":11");
    damaged_class("\"compile\"", "\"spell\"");
    damaged_class("\"compile\"", "7");
    damaged_class("\"person\":false", "\"person\":0");
    damaged_class("\"person\":false,", "");
    damaged_class("\"verified\"", "\"great\"");
    damaged_class("\"attempts\":2", "\"attempts\":0");
    damaged_class("\"attempts\":2", "\"attempts\":11");
    damaged_class("[\"small\",\"large\"]", "\"small\"");
    damaged_class("[\"small\",\"large\"]",
                  "[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\"]");
    damaged_class("\"small\"",
                  "\"a name that is far too long to be the name of "
                  "a model in any chain\"");
}

TEST(a_plan_with_a_model_that_has_no_name_is_refused)
{
    damaged_class("\"small\"", "7");
    damaged_class("\"small\"", "\"\"");
}

TEST(more_escalations_than_models_do_no_harm)
{
    CLEANUP(progress_done) struct progress p = {0};

    classified(&p, CLASSIFIED);
    for (int i = 0; i < 20; i++) {
        take(&p, EVENT_TIER_ESCALATED, "");
        attempt(&p, 1);
        CHECK(progress_model(&p) != NULL && progress_worker(&p) != NULL);
    }
    CHECK(progress_model(&p)[0] == '\0');
}

TEST(events_before_the_classification_do_no_harm)
{
    CLEANUP(progress_done) struct progress p = {0};

    progress_init(&p);
    take(&p, EVENT_TIER_STARTED, "");
    attempt(&p, 1);
    CHECK(progress_worker(&p)[0] == '\0' && progress_model(&p)[0] == '\0');
    CHECK(next(&p) == STEP_CLASSIFY);
}
