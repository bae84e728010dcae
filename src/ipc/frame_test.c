#include "ipc/frame.h"

#include "test.h"

/* "abc" in kind 7 for request 0x01020304, then an empty frame of kind 1. */
#define TWO "\3\0\0\0\7\4\3\2\1abc\0\0\0\0\1\0\0\0\0"

TEST(a_head_has_length_kind_and_request_in_little_endian)
{
    unsigned char head[FRAME_HEAD];

    frame_head(7, 0x01020304, 3, head); /* [IPC-1] */
    CHECK(memcmp(head, TWO, FRAME_HEAD) == 0);
}

/* Pushes pieces of `step` bytes and writes down what came out. */
static void run(struct str in, size_t step, struct buf *seen)
{
    struct frame_parser p;
    struct frame f;

    frame_init(&p, 100);
    while (in.n > 0) {
        struct str piece = str_sub(in, 0, step);
        size_t used = 0;
        enum err e = frame_push(&p, piece, &used, &f);

        CHECK(used <= piece.n && (e == ERR_OK || used == piece.n));
        CHECK(e == ERR_OK || e == ERR_AGAIN);
        if (e == ERR_OK)
            CHECK(buf_printf(seen, "%u %u %.*s|", f.kind, f.req,
                             STR_ARG(f.payload))
                  == ERR_OK);
        in = str_sub(in, used, SIZE_MAX);
    }
    CHECK(!frame_partial(&p));
    frame_done(&p);
}

TEST(frames_are_the_same_however_the_bytes_are_cut)
{
    for (size_t step = 1; step <= sizeof(TWO) - 1; step++) {
        CLEANUP(buf_done) struct buf seen = BUF_INIT(1000);

        run(STR(TWO TWO), step, &seen);
        CHECK(str_eq(buf_str(&seen), STR("7 16909060 abc|1 0 |"
                                         "7 16909060 abc|1 0 |")));
    }
}

TEST(a_payload_over_the_limit_is_refused_for_good)
{
    struct frame_parser p;
    struct frame f;
    size_t used = 0;

    frame_init(&p, 2); /* [IPC-4] */
    CHECK(frame_push(&p, STR("\3\0\0\0\7\0\0\0"), &used, &f) == ERR_AGAIN);
    CHECK(frame_push(&p, STR("\0"), &used, &f) == ERR_PROTOCOL);
    CHECK(frame_push(&p, STR(TWO), &used, &f) == ERR_PROTOCOL);
    frame_done(&p);
    frame_done(NULL);
}

TEST(a_promised_length_costs_no_memory)
{
    struct frame_parser p;
    struct frame f;
    size_t used = 0;

    frame_init(&p, FRAME_MAX);
    CHECK(frame_push(&p, STR("\0\0\0\1\7\0\0\0\0x"), &used, &f) == ERR_AGAIN);
    CHECK(p.need == 16U << 20 && p.body.cap < 1000);
    CHECK(frame_partial(&p));
    frame_done(&p);
}

static bool push_all(void)
{
    struct frame_parser p;
    struct frame f;
    struct str in = STR(TWO);
    size_t frames = 0;

    frame_init(&p, 100);
    for (int tries = 0; in.n > 0 && tries < 10; tries++) {
        size_t used = 0;
        enum err e = frame_push(&p, in, &used, &f);

        if (e == ERR_OK)
            frames++;
        in = str_sub(in, used, SIZE_MAX);
    }
    frame_done(&p);
    return frames == 2; /* also when memory failed once: the call is redone */
}

TEST(a_push_without_memory_can_be_made_again)
{
    CHECK(push_all());
    TEST_OOM(push_all());
    (void)mem_fault_arm(1, false);
    CHECK(push_all());
}
