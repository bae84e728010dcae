#include "runner/backlog.h"

#include "test.h"

TEST(frames_come_out_in_order_and_whole)
{
    struct backlog b = BACKLOG_INIT;
    struct frame f = {7, 1, STR("first")}, g = {8, 2, STR_EMPTY}, out;
    CHECK(!backlog_pop(&b, &out));
    CHECK(backlog_push(&b, &f) == ERR_OK);
    CHECK(backlog_push(&b, &g) == ERR_OK);
    CHECK(backlog_pop(&b, &out) && out.kind == 7 && out.req == 1);
    CHECK(str_eq(out.payload, STR("first")));
    CHECK(backlog_push(&b, &f) == ERR_OK);
    CHECK(backlog_pop(&b, &out) && out.kind == 8 && out.payload.n == 0);
    CHECK(backlog_pop(&b, &out) && out.kind == 7);
    CHECK(!backlog_pop(&b, &out));
    backlog_done(&b);
}

TEST(it_is_full_before_a_frame_could_not_fit)
{
    struct backlog b = BACKLOG_INIT;
    CLEANUP(buf_done) struct buf big = BUF_INIT(FRAME_MAX);
    struct frame out;
    CHECK(buf_reserve(&big, FRAME_MAX) == ERR_OK);
    memset(big.data, 'x', FRAME_MAX);
    struct frame f = {1, 1, {big.data, FRAME_MAX}};
    int n = 0;
    for (; backlog_has_room(&b); n++)
        CHECK(backlog_push(&b, &f) == ERR_OK);
    CHECK(n >= 2);
    CHECK(backlog_pop(&b, &out) && out.payload.n == FRAME_MAX);
    backlog_done(&b);
}

static bool push_one(void)
{
    struct backlog b = BACKLOG_INIT;
    struct frame f = {7, 1, STR("x")}, out;
    bool ok = backlog_push(&b, &f) == ERR_OK;
    CHECK(backlog_pop(&b, &out) == ok);
    backlog_done(&b);
    return ok;
}

TEST(without_memory_a_frame_is_refused_whole)
{
    TEST_OOM(push_one());
}
