#include "ipc/chan.h"

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include "fake/scratch.h"
#include "sys/clock.h"
#include "sys/fd.h"
#include "sys/sys.h"
#include "test.h"

static void open_pair(struct chan *a, struct chan *b, size_t max)
{
    int pair[2];

    CHECK(fd_socketpair(pair, NULL) == ERR_OK);
    CHECK(chan_init(a, pair[0], max) == ERR_OK);
    CHECK(chan_init(b, pair[1], max) == ERR_OK);
}

static bool next_is(struct chan *c, uint8_t kind, uint32_t req, struct str want)
{
    struct frame f;

    return chan_recv(c, &f) == ERR_OK && f.kind == kind && f.req == req
           && str_eq(f.payload, want);
}

TEST(frames_arrive_in_order_and_both_ways)
{
    struct chan a, b;
    struct frame f;

    open_pair(&a, &b, 1000);
    CHECK(chan_send(&a, 1, 10, STR("one"), -1) == ERR_OK);
    CHECK(chan_send(&a, 2, 20, STR_EMPTY, -1) == ERR_OK);
    CHECK(chan_send(&b, 3, 30, STR("back"), -1) == ERR_OK);
    CHECK(next_is(&b, 1, 10, STR("one")) && next_is(&b, 2, 20, STR_EMPTY));
    CHECK(chan_recv(&b, &f) == ERR_AGAIN);
    CHECK(next_is(&a, 3, 30, STR("back")));
    chan_done(&a);
    CHECK(chan_recv(&b, &f) == ERR_EOF);
    CHECK(chan_recv(&b, &f) == ERR_EOF);
    chan_done(&b);
    chan_done(&b);
    chan_done(NULL);
}

TEST(frames_sent_before_the_end_are_still_read)
{
    struct chan a, b;
    struct frame f;

    open_pair(&a, &b, 1000);
    CHECK(chan_send(&a, 1, 0, STR("last words"), -1) == ERR_OK);
    chan_done(&a);
    CHECK(next_is(&b, 1, 0, STR("last words")));
    CHECK(chan_recv(&b, &f) == ERR_EOF);
    /* the frame is taken, and the next call tells */
    CHECK(chan_send(&b, 1, 0, STR("x"), -1) == ERR_OK);
    CHECK(chan_send(&b, 1, 0, STR("x"), -1) == ERR_EOF);
    CHECK(!chan_wants_write(&b));
    chan_done(&b);
}

TEST(a_frame_cut_by_the_end_is_a_broken_protocol)
{
    struct chan b;
    struct frame f;
    int pair[2];

    CHECK(fd_socketpair(pair, NULL) == ERR_OK);
    CHECK(chan_init(&b, pair[1], 1000) == ERR_OK);
    CHECK(fd_write_all(pair[0], STR("\5\0\0\0\1\0\0\0\0ab")) == ERR_OK);
    fd_close(pair[0]);
    CHECK(chan_recv(&b, &f) == ERR_PROTOCOL); /* [IPC-5] */
    CHECK(chan_recv(&b, &f) == ERR_PROTOCOL);
    chan_done(&b);
}

TEST(a_full_queue_says_so_and_loses_nothing)
{
    static char block[50000];
    struct chan a, b;
    struct frame f;
    size_t sent = 0, got = 0;
    enum err e;

    memset(block, 'x', sizeof(block));
    open_pair(&a, &b, 200000);
    while ((e = chan_send(&a, 1, (uint32_t)sent,
                          (struct str){block, sizeof(block)}, -1))
           == ERR_OK)
        sent++;
    CHECK(e == ERR_AGAIN && sent > 2 && chan_wants_write(&a));
    CHECK(!chan_has_room(&a) && chan_queued(&a) <= 200000);
    while (got < sent) {
        e = chan_recv(&b, &f);
        if (e == ERR_AGAIN) {
            enum err flushed = chan_flush(&a);

            CHECK(flushed == ERR_OK || flushed == ERR_AGAIN);
            continue;
        }
        CHECK(e == ERR_OK && f.req == got && f.payload.n == sizeof(block));
        got++;
    }
    CHECK(chan_queued(&a) == 0 && chan_has_room(&a));
    chan_done(&a);
    chan_done(&b);
}

TEST(a_frame_larger_than_the_queue_fits_when_it_is_empty)
{
    static char big[300000];
    struct chan a, b;
    struct frame f;
    enum err e;

    open_pair(&a, &b, 1000);
    CHECK(chan_send(&a, 1, 0, (struct str){big, sizeof(big)}, -1) == ERR_OK);
    CHECK(chan_send(&a, 1, 0, STR("x"), -1) == ERR_AGAIN);
    while ((e = chan_recv(&b, &f)) == ERR_AGAIN)
        (void)!chan_flush(&a);
    CHECK(e == ERR_OK && f.payload.n == sizeof(big));
    CHECK(chan_send(&a, 1, 0, (struct str){big, FRAME_MAX + 1}, -1)
          == ERR_LIMIT);
    chan_done(&a);
    chan_done(&b);
}

static int zero(void)
{
    int fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);

    CHECK(fd >= 0);
    return fd;
}

TEST(a_descriptor_comes_with_its_own_frame)
{
    unsigned before = scratch_open_fds();
    struct chan a, b;
    int fd;

    open_pair(&a, &b, 1000);
    CHECK(chan_send(&a, 1, 0, STR("plain"), -1) == ERR_OK);
    CHECK(chan_send(&a, 2, 0, STR("with"), zero()) == ERR_OK);
    CHECK(chan_send(&a, 3, 0, STR("plain"), -1) == ERR_OK);
    CHECK(chan_send(&a, 4, 0, STR("with"), zero()) == ERR_OK);
    CHECK(chan_send(&a, 5, 0, STR("with"), zero()) == ERR_OK);
    CHECK(next_is(&b, 1, 0, STR("plain")) && chan_take_fd(&b) == -1);
    CHECK(next_is(&b, 2, 0, STR("with")));
    fd = chan_take_fd(&b);
    CHECK(fd >= 0 && chan_take_fd(&b) == -1);
    fd_close(fd);
    CHECK(next_is(&b, 3, 0, STR("plain")) && chan_take_fd(&b) == -1);
    CHECK(next_is(&b, 4, 0, STR("with"))); /* not taken: closed */
    CHECK(next_is(&b, 5, 0, STR("with")));
    chan_done(&a);
    chan_done(&b);
    CHECK(scratch_open_fds() == before);
}

TEST(descriptors_keep_their_frames_behind_a_full_socket)
{
    static char big[400000];
    unsigned before = scratch_open_fds();
    struct chan a, b;
    struct frame f;
    unsigned got = 0, with = 0;

    open_pair(&a, &b, 4000000);
    for (unsigned i = 0; i < CHAN_FDS_MAX; i++) {
        CHECK(chan_send(&a, 1, i, (struct str){big, sizeof(big)}, -1)
              == ERR_OK);
        CHECK(chan_send(&a, 2, i, (struct str){big, (size_t)i * 9000}, zero())
              == ERR_OK);
    }
    /* no more than that may wait; the refused one stays ours */
    int extra = zero();
    CHECK(chan_send(&a, 2, 99, STR(""), extra) == ERR_AGAIN
          || a.n_out_fds <= CHAN_FDS_MAX);
    if (a.n_out_fds < CHAN_FDS_MAX)
        extra = -1;
    fd_close(extra);
    while (got < 2 * CHAN_FDS_MAX) {
        if (chan_recv(&b, &f) != ERR_OK) {
            (void)!chan_flush(&a);
            continue;
        }
        int fd = chan_take_fd(&b);

        CHECK((fd >= 0) == (f.kind == 2));
        with += fd >= 0 ? 1 : 0;
        fd_close(fd);
        got++;
    }
    CHECK(with == CHAN_FDS_MAX);
    chan_done(&a);
    chan_done(&b);
    CHECK(scratch_open_fds() == before);
}

TEST(descriptors_that_were_never_read_are_closed)
{
    unsigned before = scratch_open_fds();
    struct chan a, b;

    open_pair(&a, &b, 1000);
    CHECK(chan_send(&a, 1, 0, STR("x"), -1) == ERR_OK);
    CHECK(chan_send(&a, 1, 0, STR("y"), zero()) == ERR_OK);
    CHECK(next_is(&b, 1, 0, STR("x"))); /* read, not yet handed out */
    chan_done(&b);
    chan_done(&a);
    CHECK(scratch_open_fds() == before);
}

static void *answer(void *arg)
{
    struct chan *c = arg;
    struct frame f;

    if (chan_recv_wait(c, &f, CLOCK_NEVER) == ERR_OK)
        (void)!chan_send_wait(c, 9, f.req, f.payload, CLOCK_NEVER);
    return NULL;
}

TEST(blocking_calls_wait_for_each_other)
{
    static char big[2000000];
    struct chan a, b;
    struct frame f;
    pthread_t t;

    open_pair(&a, &b, CHAN_QUEUE_MAX);
    CHECK(chan_recv_wait(&a, &f, clock_us()) == ERR_TIMEOUT);
    CHECK(pthread_create(&t, NULL, answer, &b) == 0);
    CHECK(chan_send_wait(&a, 1, 5, (struct str){big, sizeof(big)}, CLOCK_NEVER)
          == ERR_OK);
    CHECK(chan_recv_wait(&a, &f, CLOCK_NEVER) == ERR_OK);
    CHECK(f.kind == 9 && f.req == 5 && f.payload.n == sizeof(big));
    CHECK(pthread_join(t, NULL) == 0);
    chan_done(&a);
    chan_done(&b);
}

static bool exchange(void)
{
    struct chan a = {.fd = -1}, b = {.fd = -1};
    struct frame f;
    int pair[2];
    bool ok;

    if (fd_socketpair(pair, NULL) != ERR_OK)
        return false;
    if (chan_init(&a, pair[0], 1000) != ERR_OK) {
        fd_close(pair[0]);
        fd_close(pair[1]);
        return false;
    }
    if (chan_init(&b, pair[1], 1000) != ERR_OK) {
        chan_done(&a);
        fd_close(pair[1]);
        return false;
    }
    int fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
    ok = chan_send(&a, 1, 2, STR("hello"), fd) == ERR_OK;
    if (!ok)
        fd_close(fd);
    ok = ok && chan_recv(&b, &f) == ERR_OK && str_eq(f.payload, STR("hello"));
    chan_done(&a);
    chan_done(&b);
    return ok;
}

TEST(failures_leak_neither_memory_nor_descriptors)
{
    TEST_OOM(exchange());
    TEST_SYS(EIO, exchange());
}
