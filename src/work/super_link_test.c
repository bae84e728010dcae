#include "work/super_link.h"

#include "ipc/msg.h"
#include "sys/clock.h"
#include "sys/fd.h"
#include "test.h"

struct seen {
    struct loop *loop;
    unsigned stops, gones;
    uint32_t drain_ms;
};

static void on_stop(void *ctx, uint32_t drain_ms)
{
    struct seen *s = ctx;

    s->stops++;
    s->drain_ms = drain_ms;
}

static void on_gone(void *ctx)
{
    ((struct seen *)ctx)->gones++;
}

struct ends {
    struct seen seen;
    struct super_link link;
    struct chan super; /* the supervisor's end */
};

static void ends_open(struct ends *e)
{
    int pair[2];

    *e = (struct ends){.link = {.on_stop = on_stop, .on_gone = on_gone}};
    e->link.ctx = &e->seen;
    CHECK(loop_new(&e->seen.loop, NULL) == ERR_OK);
    CHECK(fd_socketpair(pair, NULL) == ERR_OK);
    CHECK(chan_init(&e->super, pair[0], CHAN_QUEUE_MAX) == ERR_OK);
    CHECK(super_link_open(&e->link, e->seen.loop, pair[1], "1.2", NULL)
          == ERR_OK);
}

static void ends_done(struct ends *e)
{
    super_link_close(&e->link);
    chan_done(&e->super);
    loop_free(e->seen.loop);
}

static struct frame next(struct ends *e)
{
    struct frame f = {0};

    for (int i = 0; i < 200; i++) {
        enum err got = chan_recv(&e->super, &f);

        if (got == ERR_OK)
            return f;
        CHECK(got == ERR_AGAIN);
        loop_run_once(e->seen.loop, 5);
    }
    test_fail(__FILE__, __LINE__, "no frame came");
}

TEST(it_says_hello_and_up)
{
    struct ends e;
    struct msg_hello hello;
    struct msg_up up;
    struct frame f;

    ends_open(&e);
    f = next(&e);
    CHECK(f.kind == MSG_HELLO);
    CHECK(msg_hello_get(f.payload, &hello, NULL) == ERR_OK);
    CHECK(hello.version == MSG_VERSION);
    CHECK(str_eq(hello.role, STR("orchestrator")));
    CHECK(str_eq(hello.build, STR("1.2")));
    CHECK(super_link_up(&e.link, "somewhere", NULL) == ERR_OK);
    f = next(&e);
    CHECK(f.kind == MSG_UP);
    CHECK(msg_up_get(f.payload, &up, NULL) == ERR_OK);
    CHECK(str_eq(up.address, STR("somewhere")));
    ends_done(&e);
}

TEST(it_hears_stop)
{
    CLEANUP(buf_done) struct buf b = BUF_INIT(100);
    const struct msg_stop stop = {1234};
    struct ends e;

    ends_open(&e);
    CHECK(msg_stop_put(&b, &stop) == ERR_OK);
    CHECK(chan_send(&e.super, MSG_STOP, 0, buf_str(&b), -1) == ERR_OK);
    for (int i = 0; i < 200 && e.seen.stops == 0; i++)
        loop_run_once(e.seen.loop, 5);
    CHECK(e.seen.stops == 1 && e.seen.drain_ms == 1234);
    CHECK(e.seen.gones == 0);
    ends_done(&e);
}

TEST(it_answers_a_ping) /* [IPC-15] */
{
    CLEANUP(buf_done) struct buf b = BUF_INIT(100);
    const struct msg_ping ping = {77};
    struct msg_pong pong;
    struct frame f;
    struct ends e;

    ends_open(&e);
    CHECK(next(&e).kind == MSG_HELLO);
    CHECK(msg_ping_put(&b, &ping) == ERR_OK);
    CHECK(chan_send(&e.super, MSG_PING, 0, buf_str(&b), -1) == ERR_OK);
    f = next(&e);
    CHECK(f.kind == MSG_PONG);
    CHECK(msg_pong_get(f.payload, &pong, NULL) == ERR_OK);
    CHECK(pong.number == 77);
    CHECK(e.seen.stops == 0 && e.seen.gones == 0);
    ends_done(&e);
}

TEST(it_notices_once_that_the_supervisor_is_gone)
{
    struct ends e;

    ends_open(&e);
    chan_done(&e.super);
    for (int i = 0; i < 50; i++)
        loop_run_once(e.seen.loop, 2);
    CHECK(e.seen.gones == 1);
    ends_done(&e);
}

TEST(an_unknown_message_is_passed_over)
{
    struct ends e;

    ends_open(&e);
    CHECK(chan_send(&e.super, 250, 0, STR("odd"), -1) == ERR_OK);
    CHECK(chan_send(&e.super, MSG_STOP, 0, STR("x"), -1) == ERR_OK);
    for (int i = 0; i < 20; i++)
        loop_run_once(e.seen.loop, 2);
    CHECK(e.seen.stops == 0 && e.seen.gones == 0);
    ends_done(&e);
}
