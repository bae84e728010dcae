/* The state machine: deadlines, disconnects, back-pressure, pipelining, and
 * every system call and allocation failing. */
#include "net/conn.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fake/http_rig.h"
#include "net/sock.h"
#include "sys/sys.h"
#include "test.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"

static size_t count(struct str s, const char *needle)
{
    size_t n = 0, at;

    while ((at = str_find(s, str_c(needle))) != SIZE_MAX) {
        n++;
        s = str_sub(s, at + strlen(needle), SIZE_MAX);
    }
    return n;
}

struct client {
    struct http_rig rig;
    struct buf out;
    int fd;
};

static void begin(struct client *c, const struct server_opts *opts)
{
    c->out = BUF_INIT(64 << 20);
    http_rig_start(&c->rig, opts);
    c->fd = http_rig_connect(&c->rig);
}

static void end(struct client *c)
{
    if (c->fd >= 0)
        (void)close(c->fd);
    buf_done(&c->out);
    http_rig_stop(&c->rig);
}

static void send_c(struct client *c, const char *bytes)
{
    http_rig_send(&c->rig, c->fd, str_c(bytes));
}

static bool reads(struct client *c, const char *until)
{
    return http_rig_read(&c->rig, c->fd, &c->out, until);
}

static void held(struct client *c, const char *bytes)
{
    send_c(c, bytes);
    for (int i = 0; i < 100 && c->rig.ref.gen == 0; i++)
        http_rig_turn(&c->rig);
    CHECK(c->rig.ref.gen != 0);
}

static uint64_t refused(struct client *c, enum http1_no no)
{
    return server_stats(c->rig.server)->refused[no];
}

/* ---- deadlines ---- */

TEST(a_head_that_drips_meets_its_absolute_deadline)
{
    struct server_opts opts = SERVER_OPTS_DEFAULT;
    struct client c;

    opts.head_ms = 60;
    begin(&c, &opts);
    send_c(&c, "GET / HTTP/1.1\r\nX: ");
    for (int i = 0; i < 300 && refused(&c, HTTP1_NO_HEAD_TIMEOUT) == 0; i++) {
        send_c(&c, "a");
        http_rig_turn(&c.rig); /* asleep for a while: nothing comes */
    }
    CHECK(refused(&c, HTTP1_NO_HEAD_TIMEOUT) == 1);
    CHECK(reads(&c, "408 Request Timeout"));
    end(&c);
}

TEST(a_silent_connection_is_closed)
{
    struct server_opts opts = SERVER_OPTS_DEFAULT;
    struct client c;

    opts.head_ms = opts.idle_ms = 30;
    begin(&c, &opts);
    CHECK(reads(&c, NULL));
    CHECK(str_eq(buf_str(&c.out), STR("<EOF>")));
    (void)close(c.fd);
    c.fd = http_rig_connect(&c.rig);
    send_c(&c, GET("/echo"));
    CHECK(reads(&c, NULL));
    CHECK(str_ends(buf_str(&c.out), STR("\r\n\r\n<EOF>")));
    CHECK(refused(&c, HTTP1_NO_IDLE) == 2);
    end(&c);
}

TEST(a_body_that_drips_is_refused_and_one_that_flows_is_not)
{
    struct server_opts opts = SERVER_OPTS_DEFAULT;
    struct client c;

    opts.body_window_ms = 50;
    opts.body_window_bytes = 100;
    begin(&c, &opts);
    send_c(&c, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 99\r\n\r\n");
    CHECK(reads(&c, "408 Request Timeout"));
    CHECK(refused(&c, HTTP1_NO_BODY_TIMEOUT) == 1);
    (void)close(c.fd);
    opts.body_window_bytes = 1;
    end(&c);
    begin(&c, &opts);
    send_c(&c, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 60\r\n\r\n");
    for (int i = 0; i < 60; i++)
        send_c(&c, "y"); /* longer than several windows */
    CHECK(reads(&c, "200 OK"));
    end(&c);
}

TEST(a_client_that_does_not_read_is_dropped)
{
    struct server_opts opts = SERVER_OPTS_DEFAULT;
    static char block[HTTP_HIGH_WATER];
    struct client c;

    opts.write_stall_ms = 50;
    begin(&c, &opts);
    held(&c, GET("/stream"));
    while (http_stream_write(c.rig.server, c.rig.ref,
                             (struct str){block, sizeof(block)})
           == ERR_OK)
        http_rig_turn(&c.rig);
    CHECK(http_rig_until(&c.rig, &c.rig.aborts, 1));
    CHECK(refused(&c, HTTP1_NO_SLOW_READER) == 1);
    end(&c);
}

/* ---- clients that leave ---- */

TEST(a_client_that_leaves_is_told_once_while_handling)
{
    struct client c;

    begin(&c, NULL);
    held(&c, GET("/hold"));
    CHECK(c.rig.aborts == 0);
    CHECK(close(c.fd) == 0);
    c.fd = -1;
    CHECK(http_rig_until(&c.rig, &c.rig.aborts, 1));
    for (int i = 0; i < 5; i++)
        http_rig_turn(&c.rig);
    CHECK(c.rig.aborts == 1 && server_stats(c.rig.server)->active == 0);
    CHECK(server_stats(c.rig.server)->busy == 0);
    end(&c);
}

TEST(a_client_that_leaves_an_idle_stream_is_told_once)
{
    struct client c;

    begin(&c, NULL);
    held(&c, GET("/stream"));
    CHECK(close(c.fd) == 0);
    c.fd = -1;
    CHECK(http_rig_until(&c.rig, &c.rig.aborts, 1));
    http_rig_turn(&c.rig);
    CHECK(c.rig.aborts == 1);
    end(&c);
}

TEST(a_client_that_filled_the_pipe_and_leaves_is_seen_too)
{
    static char ahead[100000];
    struct client c;

    begin(&c, NULL);
    held(&c, GET("/hold"));
    memset(ahead, 'x', sizeof(ahead));
    http_rig_send(&c.rig, c.fd, (struct str){ahead, sizeof(ahead)});
    http_rig_turn(&c.rig);
    /* Some of it waits in the kernel. */
    CHECK(server_stats(c.rig.server)->bytes_in < sizeof(ahead));
    CHECK(close(c.fd) == 0);
    c.fd = -1;
    CHECK(http_rig_until(&c.rig, &c.rig.aborts, 1));
    end(&c);
}

TEST(ending_a_broken_stream_takes_the_abort_away)
{
    static char large[HTTP_HIGH_WATER];
    struct client c;
    enum err e = ERR_OK;

    begin(&c, NULL);
    held(&c, GET("/stream"));
    CHECK(http_stream_write(c.rig.server, c.rig.ref, STR("x")) == ERR_OK);
    (void)sys_fault_arm(1, EPIPE);
    e = http_stream_write(c.rig.server, c.rig.ref,
                          (struct str){large, sizeof(large)});
    (void)sys_fault_arm(0, 0);
    CHECK(e == ERR_EOF);      /* no room to wait for the end of the round */
    CHECK(c.rig.aborts == 0); /* never inside the call */
    CHECK(http_stream_end(c.rig.server, c.rig.ref) == ERR_EOF);
    for (int i = 0; i < 5; i++)
        http_rig_turn(&c.rig);
    CHECK(c.rig.aborts == 0 && server_stats(c.rig.server)->active == 0);
    end(&c);
}

TEST(a_write_that_breaks_is_followed_by_the_abort)
{
    struct client c;

    begin(&c, NULL);
    held(&c, GET("/stream"));
    CHECK(http_stream_write(c.rig.server, c.rig.ref, STR("x")) == ERR_OK);
    (void)sys_fault_arm(1, ECONNRESET);
    http_rig_turn(&c.rig);
    (void)sys_fault_arm(0, 0);
    CHECK(http_rig_until(&c.rig, &c.rig.aborts, 1));
    end(&c);
}

TEST(an_end_that_breaks_says_so_and_no_abort_follows)
{
    struct client c;
    enum err e;

    begin(&c, NULL);
    held(&c, GET("/stream"));
    (void)sys_fault_arm(1, ECONNRESET);
    e = http_stream_end(c.rig.server, c.rig.ref);
    (void)sys_fault_arm(0, 0);
    CHECK(e == ERR_EOF);
    for (int i = 0; i < 5; i++)
        http_rig_turn(&c.rig);
    CHECK(c.rig.aborts == 0 && server_stats(c.rig.server)->active == 0);
    end(&c);
}

/* ---- one round, one packet ---- */

static ssize_t arrived(struct client *c, char *bytes, size_t cap)
{
    return recv(c->fd, bytes, cap, MSG_DONTWAIT);
}

TEST(what_a_stream_writes_in_one_round_leaves_when_it_ends)
{
    char bytes[1000];
    struct client c;

    begin(&c, NULL);
    held(&c, GET("/stream"));
    while (arrived(&c, bytes, sizeof(bytes)) <= 0) /* the head */
        http_rig_turn(&c.rig);
    CHECK(http_stream_write(c.rig.server, c.rig.ref, STR("a")) == ERR_OK);
    CHECK(http_stream_write(c.rig.server, c.rig.ref, STR("b")) == ERR_OK);
    CHECK(arrived(&c, bytes, sizeof(bytes)) == -1);
    (void)sys_fault_arm(2, EPIPE); /* a second call would break it */
    http_rig_turn(&c.rig);
    (void)sys_fault_arm(0, 0);
    CHECK(arrived(&c, bytes, sizeof(bytes)) == 12);
    CHECK(memcmp(bytes, "1\r\na\r\n1\r\nb\r\n", 12) == 0);
    CHECK(http_stream_queued(c.rig.server, c.rig.ref) == 0);
    /* The end waits for nothing. */
    CHECK(http_stream_write(c.rig.server, c.rig.ref, STR("c")) == ERR_OK);
    CHECK(http_stream_end(c.rig.server, c.rig.ref) == ERR_OK);
    CHECK(arrived(&c, bytes, sizeof(bytes)) == 11);
    CHECK(c.rig.aborts == 0);
    end(&c);
}

/* ---- back-pressure ---- */

TEST(a_stream_holds_a_bounded_queue_and_says_when_to_go_on)
{
    static char block[60000];
    struct client c;
    size_t written = 0;

    begin(&c, NULL);
    held(&c, GET("/stream"));
    memset(block, 'b', sizeof(block));
    while (http_stream_write(c.rig.server, c.rig.ref,
                             (struct str){block, sizeof(block)})
           == ERR_OK)
        written += sizeof(block);
    CHECK(written > HTTP_HIGH_WATER - sizeof(block));
    CHECK(http_stream_queued(c.rig.server, c.rig.ref) <= HTTP_HIGH_WATER + 16);
    for (int i = 0; i < 5; i++)
        http_rig_turn(&c.rig);
    CHECK(c.rig.drains == 0);
    while (c.rig.drains == 0) {
        char bytes[8192];

        (void)recv(c.fd, bytes, sizeof(bytes), 0);
        http_rig_turn(&c.rig);
    }
    CHECK(http_stream_queued(c.rig.server, c.rig.ref) <= HTTP_LOW_WATER);
    CHECK(http_stream_write(c.rig.server, c.rig.ref, STR("last")) == ERR_OK);
    CHECK(http_stream_end(c.rig.server, c.rig.ref) == ERR_OK);
    CHECK(reads(&c, "4\r\nlast\r\n0\r\n\r\n"));
    CHECK(c.rig.drains == 1);
    end(&c);
}

TEST(a_streamed_body_is_counted_and_never_collected)
{
    static char block[1 << 20];
    struct client c;

    begin(&c, NULL);
    send_c(&c, "POST /up HTTP/1.1\r\nHost: a\r\nContent-Length: 4194304\r\n"
               "\r\n");
    for (int i = 0; i < 4; i++)
        http_rig_send(&c.rig, c.fd, (struct str){block, sizeof(block)});
    CHECK(reads(&c, "took it"));
    CHECK(c.rig.body_bytes == 4194304 && c.rig.body_ends == 1);
    end(&c);
}

TEST(a_paused_body_waits_in_the_kernel)
{
    static char block[4 << 20];
    struct client c;
    ssize_t sent = 1;

    begin(&c, NULL);
    held(&c, "POST /slow HTTP/1.1\r\nHost: a\r\nContent-Length: 4194304\r\n"
             "\r\n");
    for (size_t at = 0; at < sizeof(block); at += (size_t)sent) {
        size_t before = c.rig.body_bytes;

        sent = send(c.fd, block + at, sizeof(block) - at, MSG_NOSIGNAL);
        sent = MAX(sent, (ssize_t)0);
        for (int i = 0; i < 3; i++)
            http_rig_turn(&c.rig);
        /* One piece at most for each time it was let go on. */
        CHECK(c.rig.body_bytes - before <= CONN_READ_MAX);
        http_body_resume(c.rig.server, c.rig.ref);
    }
    while (c.rig.body_ends == 0) {
        http_body_resume(c.rig.server, c.rig.ref);
        http_rig_turn(&c.rig);
    }
    CHECK(reads(&c, "took it"));
    CHECK(c.rig.body_bytes == 4194304);
    end(&c);
}

/* ---- pipelining ---- */

TEST(pipelined_requests_are_answered_one_by_one_in_order)
{
    struct http_answer a = {.status = 200};
    struct client c;

    begin(&c, NULL);
    held(&c, GET("/echo") GET("/hold") GET("/head") GET("/nope"));
    CHECK(reads(&c, "200 OK"));
    http_rig_turn(&c.rig);
    CHECK(str_eq(buf_str(&c.rig.trace), STR("/echo /hold ")));
    CHECK(http_respond(c.rig.server, c.rig.ref, &a, STR("held")) == ERR_OK);
    CHECK(str_eq(buf_str(&c.rig.trace), STR("/echo /hold "))); /* not inside */
    CHECK(reads(&c, "nothing here"));
    CHECK(str_eq(buf_str(&c.rig.trace), STR("/echo /hold /head /nope ")));
    CHECK(count(buf_str(&c.out), "200 OK") == 3);
    end(&c);
}

TEST(thousands_of_pipelined_requests_are_all_answered)
{
    struct buf in = BUF_INIT(1 << 20);
    struct client c;

    for (int i = 0; i < 5000; i++)
        CHECK(buf_add_c(&in, GET("/echo")) == ERR_OK);
    CHECK(buf_add_c(&in, "GET /head HTTP/1.1\r\nHost: a\r\n"
                         "Connection: close\r\n\r\n")
          == ERR_OK);
    begin(&c, NULL);
    for (size_t at = 0; at < in.len;) {
        ssize_t n = send(c.fd, in.data + at, in.len - at, MSG_NOSIGNAL);

        at += n > 0 ? (size_t)n : 0;
        http_rig_turn(&c.rig);
        (void)http_rig_read(&c.rig, c.fd, &c.out, "200 OK");
    }
    CHECK(reads(&c, NULL));
    CHECK(count(buf_str(&c.out), "200 OK") == 5001);
    buf_done(&in);
    end(&c);
}

TEST(every_byte_may_come_and_go_alone)
{
    struct client c;

    begin(&c, NULL);
    sock_fault_short(1);
    send_c(&c, "POST /echo HTTP/1.1\r\nHost: a\r\n"
               "Transfer-Encoding: chunked\r\n\r\n"
               "3;x=y\r\nabc\r\n1\r\nd\r\n0\r\n\r\n" GET("/stream"));
    for (int i = 0; i < 1000 && c.rig.ref.gen == 0; i++)
        http_rig_turn(&c.rig);
    CHECK(http_stream_write(c.rig.server, c.rig.ref, STR("piece")) == ERR_OK);
    CHECK(http_stream_end(c.rig.server, c.rig.ref) == ERR_OK);
    CHECK(reads(&c, "5\r\npiece\r\n0\r\n\r\n"));
    sock_fault_short(0);
    CHECK(str_starts(buf_str(&c.out),
                     STR("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
                         "Content-Length: 4\r\n\r\nabcdHTTP/1.1 200 OK\r\n")));
    end(&c);
}

/* ---- everything fails ---- */

/* A whole conversation; whatever fails, nothing may leak or hang. */
static bool talk(void)
{
    struct server_opts opts = SERVER_OPTS_DEFAULT;
    struct http_rig r;
    struct buf out = BUF_INIT(1 << 16);
    bool ok;
    int fd;

    opts.linger_ms = opts.idle_ms = 20;
    opts.conns_max = 4;
    http_rig_start(&r, &opts);
    fd = http_rig_connect(&r);
    http_rig_send(&r, fd,
                  STR("POST /echo HTTP/1.1\r\nHost: a\r\n"
                      "Content-Length: 3\r\nExpect: 100-continue\r\n\r\n"));
    http_rig_send(&r, fd, STR("abc" GET("/nope")));
    for (int i = 0; i < 40; i++) {
        char bytes[4096];
        ssize_t n = recv(fd, bytes, sizeof(bytes), 0);

        if (n > 0)
            CHECK(buf_add(&out, (struct str){bytes, (size_t)n}) == ERR_OK);
        if (n == 0 || str_has(buf_str(&out), STR("nothing here")))
            break;
        loop_run_once(r.loop, 1);
    }
    ok = str_ends(buf_str(&out), STR("nothing here"));
    (void)close(fd);
    buf_done(&out);
    http_rig_stop(&r);
    return ok;
}

TEST(every_system_call_of_a_conversation_may_fail)
{
    static const int errors[] = {ECONNRESET, EAGAIN, EINTR, EMFILE, ENOBUFS};

    for (size_t e = 0; e < COUNTOF(errors); e++) {
        for (unsigned nth = 4; nth < 30; nth++) { /* 1-3 open the listener */
            size_t live = mem_live();
            unsigned used;

            (void)sys_fault_arm(nth, errors[e]);
            (void)talk();
            used = sys_fault_arm(0, 0);
            CHECK(mem_live() == live);
            if (used < nth)
                break;
        }
    }
    CHECK(talk());
}
