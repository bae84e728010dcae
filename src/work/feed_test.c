#include "work/feed.h"

#include <pthread.h>

#include "base/buf.h"
#include "net/loop.h"
#include "test.h"

struct seen {
    struct buf text;
    size_t events, lost;
};

static void on_event(void *ctx, struct str task, enum event_id e,
                     struct str data)
{
    struct seen *s = ctx;

    s->events++;
    (void)!buf_printf(&s->text, "%.*s %s %.*s;", STR_ARG(task), event_name(e),
                      STR_ARG(data));
}

static void on_lost(void *ctx)
{
    ((struct seen *)ctx)->lost++;
}

struct rig {
    struct seen seen;
    struct loop *loop;
    struct feed *feed;
};

static void rig_init(struct rig *r)
{
    struct feed_handler h = {&r->seen, on_event, on_lost};

    r->seen.text = BUF_INIT(1 << 16);
    CHECK(loop_new(&r->loop, NULL) == ERR_OK);
    CHECK(feed_new(r->loop, &h, &r->feed, NULL) == ERR_OK);
}

static void rig_done(struct rig *r)
{
    feed_free(r->feed);
    loop_free(r->loop);
    buf_done(&r->seen.text);
}

static void *push_two(void *ctx)
{
    struct rig *r = ctx;

    feed_push(r->feed, STR("t1"), EVENT_TASK_CREATED, STR("{}"));
    feed_push(r->feed, STR("t2"), EVENT_TASK_DONE, STR("{\"a\":1}"));
    return NULL;
}

TEST(events_of_another_thread_come_in_order_on_the_loop)
{
    CLEANUP(rig_done) struct rig r = {0};
    pthread_t t;

    rig_init(&r);
    CHECK(pthread_create(&t, NULL, push_two, &r) == 0);
    CHECK(pthread_join(t, NULL) == 0);
    CHECK(r.seen.events == 0); /* never inside the call */
    loop_run_once(r.loop, 0);
    CHECK(str_eq(buf_str(&r.seen.text),
                 STR("t1 task.created {};t2 task.done {\"a\":1};")));
    CHECK(r.seen.lost == 0);
}

TEST(more_than_fits_is_dropped_and_said_once)
{
    CLEANUP(rig_done) struct rig r = {0};

    rig_init(&r);
    for (int i = 0; i < FEED_COUNT_MAX + 5; i++)
        feed_push(r.feed, STR("t"), EVENT_ATTEMPT_DELTA, STR("x"));
    loop_run_once(r.loop, 0);
    CHECK(r.seen.events == FEED_COUNT_MAX && r.seen.lost == 1);
    feed_push(r.feed, STR("t"), EVENT_ATTEMPT_DELTA, STR("x"));
    loop_run_once(r.loop, 0);
    CHECK(r.seen.events == FEED_COUNT_MAX + 1 && r.seen.lost == 1);
}

TEST(without_memory_an_event_is_lost_and_that_is_said)
{
    CLEANUP(rig_done) struct rig r = {0};

    rig_init(&r);
    (void)mem_fault_arm(1, false);
    feed_push(r.feed, STR("t"), EVENT_ATTEMPT_DELTA, STR("x"));
    (void)mem_fault_arm(0, false);
    loop_run_once(r.loop, 0);
    CHECK(r.seen.events == 0 && r.seen.lost == 1);
}

TEST(what_was_not_delivered_goes_with_the_feed)
{
    CLEANUP(rig_done) struct rig r = {0};

    rig_init(&r);
    (void)push_two(&r);
}
