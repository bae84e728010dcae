#include "work/worklog.h"

#include "data/json.h"
#include "fake/scratch.h"
#include "test.h"

static int64_t now = 1000;
static int64_t tick(void)
{
    return now += 10;
}

#define A "task_01hqzw5x8k3m9v2t7r4n6p8s0a"
#define B "task_01hqzw5x8k3m9v2t7r4n6p8s0b"

static void fresh(struct worklog *l)
{
    now = 1000;
    CHECK(worklog_open(l, STR("sqlite::memory:"), tick, NULL) == ERR_OK);
}

static enum err create(struct worklog *l, const char *id, const char *idem,
                       struct id *taken)
{
    const struct worklog_new n = {.id = str_c(id),
                                  .spec = STR("{\"prompt\":\"p\"}"),
                                  .prompt = STR("p"),
                                  .language = STR("python"),
                                  .idem = str_c(idem),
                                  .created = STR("{\"prompt\":\"p\"}")};

    return worklog_create(l, &n, taken, NULL);
}

static enum err append(struct worklog *l, struct progress *p, enum event_id e,
                       const char *members)
{
    return worklog_append(l, STR(A), p, e, str_c(members), NULL, NULL);
}

#define CLASSIFIED                                                             \
    "{\"type\":\"quick\",\"complexity\":2,\"required\":[\"syntax\"],"          \
    "\"person\":true,\"if_passed\":\"unproved\",\"tiers\":[\"m\"],"            \
    "\"attempts\":1}"
#define DONE "{\"verdict\":\"unproved\",\"reason\":\"why not\"}"

/* A task with a few events, waiting for a review. */
static void reviewed(struct worklog *l, struct progress *p)
{
    struct id taken;

    CHECK(create(l, A, "", &taken) == ERR_OK);
    progress_init(p);
    CHECK(worklog_progress(l, STR(A), p, NULL) == ERR_OK);
    CHECK(append(l, p, EVENT_TASK_CLASSIFIED, CLASSIFIED) == ERR_OK);
    CHECK(append(l, p, EVENT_TIER_STARTED, "{\"model\":\"m\"}") == ERR_OK);
    CHECK(append(l, p, EVENT_ATTEMPT_STARTED, "{\"attempt\":1}") == ERR_OK);
    CHECK(append(l, p, EVENT_ATTEMPT_ANSWER,
                 "{\"code\":\"x\",\"tokens_in\":7,\"tokens_out\":3}")
          == ERR_OK);
    CHECK(append(l, p, EVENT_CHECK_RESULT,
                 "{\"check\":\"syntax\",\"passed\":true}")
          == ERR_OK);
    CHECK(append(l, p, EVENT_TASK_REVIEW, "{\"reason\":\"look\"}") == ERR_OK);
    CHECK(append(l, p, EVENT_TASK_DONE, DONE) == ERR_OK);
}

TEST(folding_what_is_stored_gives_the_same_progress)
{
    struct worklog l;
    struct progress p, again;

    fresh(&l);
    reviewed(&l, &p);
    progress_init(&again);
    CHECK(worklog_progress(&l, STR(A), &again, NULL) == ERR_OK);
    CHECK(p.seq == 8 && again.seq == 8);
    CHECK(again.is_done && again.in_review && again.attempts == 1);
    CHECK(again.tokens_in == 7 && again.tokens_out == 3);
    CHECK(str_eq(buf_str(&again.code), STR("x")));
    CHECK(progress_next(&again).step == STEP_NONE);
    progress_done(&p);
    progress_done(&again);
    worklog_close(&l);
}

TEST(the_row_of_the_log_follows_the_events)
{
    CLEANUP(buf_done) struct buf json = BUF_INIT(1 << 16);
    struct worklog l;
    struct progress p;

    fresh(&l);
    reviewed(&l, &p);
    CHECK(worklog_task_json(&l, STR(A), true, &json, NULL) == ERR_OK);
    CHECK(str_has(buf_str(&json),
                  STR("\"state\":\"done\",\"type\":\"quick\",\"complexity\":2,"
                      "\"model\":\"m\",\"checker\":null,\"verdict\":"
                      "\"unproved\",\"reason\":\"why not\",\"attempts\":1,"
                      "\"escalations\":0,\"validation\":\"syntax\",\"ms\":70,"
                      "\"tokens_in\":7,\"tokens_out\":3,\"cost\":0")));
    CHECK(str_has(buf_str(&json), STR("{\"event\":\"task.done\",\"data\":{"
                                      "\"seq\":8,\"task\":\"" A "\"")));
    progress_done(&p);
    worklog_close(&l);
}

TEST(an_idempotency_key_belongs_to_one_task)
{
    struct worklog l;
    struct id taken = {""};

    fresh(&l);
    CHECK(create(&l, A, "k", &taken) == ERR_OK);
    CHECK(create(&l, B, "k", &taken) == ERR_EXISTS);
    assert_string_equal(taken.text, A);
    CHECK(create(&l, B, "", &taken) == ERR_OK);
    worklog_close(&l);
}

static enum err count(void *ctx, struct str id)
{
    (void)id;
    (*(unsigned *)ctx)++;
    return ERR_OK;
}

TEST(tasks_without_a_verdict_are_unfinished)
{
    struct worklog l;
    struct progress p;
    struct id taken;
    unsigned n = 0;

    fresh(&l);
    reviewed(&l, &p);
    CHECK(create(&l, B, "", &taken) == ERR_OK);
    CHECK(worklog_unfinished(&l, count, &n, NULL) == ERR_OK);
    CHECK(n == 1);
    progress_done(&p);
    worklog_close(&l);
}

TEST(an_event_with_a_taken_number_is_refused)
{
    struct worklog l;
    struct progress p;
    struct id taken;

    fresh(&l);
    CHECK(create(&l, A, "", &taken) == ERR_OK);
    progress_init(&p); /* thinks that nothing is stored */
    CHECK(append(&l, &p, EVENT_TASK_CLASSIFIED, CLASSIFIED) == ERR_EXISTS);
    CHECK(worklog_progress(&l, STR(A), &p, NULL) == ERR_OK);
    CHECK(append(&l, &p, EVENT_TASK_CLASSIFIED, CLASSIFIED) == ERR_OK);
    progress_done(&p);
    worklog_close(&l);
}

TEST(an_event_that_does_not_fold_is_not_stored)
{
    struct worklog l;
    struct progress p, again;
    struct id taken;

    fresh(&l);
    CHECK(create(&l, A, "", &taken) == ERR_OK);
    progress_init(&p);
    CHECK(worklog_progress(&l, STR(A), &p, NULL) == ERR_OK);
    CHECK(append(&l, &p, EVENT_TASK_CLASSIFIED, "{\"type\":\"odd\"}")
          == ERR_PARSE);
    progress_init(&again);
    CHECK(worklog_progress(&l, STR(A), &again, NULL) == ERR_OK);
    CHECK(again.seq == 1);
    progress_done(&p);
    progress_done(&again);
    worklog_close(&l);
}

TEST(a_review_is_open_until_it_is_decided)
{
    CLEANUP(buf_done) struct buf json = BUF_INIT(1 << 16);
    struct worklog l;
    struct progress p;

    fresh(&l);
    reviewed(&l, &p);
    CHECK(worklog_reviews_json(&l, &json, NULL) == ERR_OK);
    CHECK(str_has(buf_str(&json), STR("\"task\":\"" A "\"")));
    CHECK(str_has(buf_str(&json), STR("\"reason\":\"look\"")));
    CHECK(append(&l, &p, EVENT_REVIEW_DECIDED,
                 "{\"action\":\"approve\",\"verdict\":\"approved\"}")
          == ERR_OK);
    CHECK(p.verdict == VERDICT_APPROVED && p.is_decided);
    buf_clear(&json);
    CHECK(worklog_reviews_json(&l, &json, NULL) == ERR_OK);
    CHECK(str_eq(buf_str(&json), STR("{\"object\":\"list\",\"data\":[]}")));
    CHECK(append(&l, &p, EVENT_REVIEW_DECIDED,
                 "{\"action\":\"skip\",\"verdict\":\"skipped\"}")
          == ERR_EXISTS);
    progress_done(&p);
    worklog_close(&l);
}

TEST(lists_are_newest_first_and_continue_before_an_id)
{
    CLEANUP(buf_done) struct buf json = BUF_INIT(1 << 16);
    struct worklog l;
    struct id taken;
    struct str text;

    fresh(&l);
    CHECK(create(&l, A, "", &taken) == ERR_OK);
    CHECK(create(&l, B, "", &taken) == ERR_OK);
    CHECK(worklog_list_json(&l, 1, STR_EMPTY, &json, NULL) == ERR_OK);
    text = buf_str(&json);
    CHECK(str_has(text, STR(B)) && !str_has(text, STR(A)));
    CHECK(str_has(text, STR("\"has_more\":true")));
    buf_clear(&json);
    CHECK(worklog_list_json(&l, 1, STR(B), &json, NULL) == ERR_OK);
    text = buf_str(&json);
    CHECK(str_has(text, STR(A)) && str_has(text, STR("\"has_more\":false")));
    worklog_close(&l);
}

TEST(members_stand_after_the_common_ones)
{
    CLEANUP(buf_done) struct buf out = BUF_INIT(100);

    CHECK(worklog_event_json(3, STR("t"), 5, STR("{}"), &out) == ERR_OK);
    assert_string_equal(out.data, "{\"seq\":3,\"task\":\"t\",\"at\":5}");
    buf_clear(&out);
    CHECK(worklog_event_json(3, STR("t"), 5, STR("{\"a\":1}"), &out) == ERR_OK);
    assert_string_equal(out.data,
                        "{\"seq\":3,\"task\":\"t\",\"at\":5,\"a\":1}");
}

TEST(a_task_that_is_not_there_is_told)
{
    CLEANUP(buf_done) struct buf out = BUF_INIT(1 << 16);
    struct worklog l;
    struct progress p;

    fresh(&l);
    progress_init(&p);
    CHECK(worklog_progress(&l, STR(A), &p, NULL) == ERR_NOTFOUND);
    CHECK(worklog_spec(&l, STR(A), &out, NULL) == ERR_NOTFOUND);
    CHECK(worklog_task_json(&l, STR(A), true, &out, NULL) == ERR_NOTFOUND);
    CHECK(out.len == 0);
    progress_done(&p);
    worklog_close(&l);
}

/* A step of a task while the disk's memory runs out at each point. */
static bool steps(void)
{
    struct worklog l = {.db = NULL};
    struct progress p;
    struct id taken;
    bool ok;

    progress_init(&p);
    ok = worklog_open(&l, STR("sqlite::memory:"), tick, NULL) == ERR_OK
         && create(&l, A, "", &taken) == ERR_OK
         && worklog_progress(&l, STR(A), &p, NULL) == ERR_OK
         && append(&l, &p, EVENT_TASK_CLASSIFIED, CLASSIFIED) == ERR_OK;
    progress_done(&p);
    worklog_close(&l);
    return ok;
}

TEST(every_allocation_may_fail)
{
    TEST_OOM(steps());
}
