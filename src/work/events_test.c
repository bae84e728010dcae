#include "work/events.h"

#include "test.h"

TEST(every_event_has_a_name_of_its_own_that_leads_back)
{
    for (int i = 0; i < EVENT_COUNT; i++) {
        const char *name = event_name((enum event_id)i);
        enum event_id back = EVENT_COUNT;

        CHECK(event_parse(str_c(name), &back) && (int)back == i);
    }
}

TEST(what_is_no_event_is_refused)
{
    enum event_id e = EVENT_TASK_DONE;

    CHECK(!event_parse(STR("task.don"), &e) && !event_parse(STR_EMPTY, &e));
    CHECK(e == EVENT_TASK_DONE);
    CHECK(strcmp(event_name(EVENT_COUNT), "?") == 0);
    CHECK(!event_is_stored(EVENT_COUNT));
}

TEST(the_verdict_is_stored_and_the_view_of_an_answer_is_not)
{
    CHECK(event_is_stored(EVENT_TASK_DONE));
    CHECK(!event_is_stored(EVENT_ATTEMPT_DELTA));
}

TEST(the_documentation_names_every_event)
{
    struct buf out CLEANUP(buf_done) = BUF_INIT(100000);

    CHECK(event_doc(&out) == ERR_OK);
    for (int i = 0; i < EVENT_COUNT; i++)
        CHECK(str_has(buf_str(&out), str_c(event_name((enum event_id)i))));
    CHECK(str_has(buf_str(&out), STR("`attempt.delta` (not stored)")));
}
