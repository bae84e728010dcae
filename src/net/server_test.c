#include "net/server.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fake/http_rig.h"
#include "net/sock.h"
#include "sys/sys.h"
#include "test.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"
#define POST      "POST /echo HTTP/1.1\r\nHost: a\r\n"
#define CHUNKED   POST "Transfer-Encoding: chunked\r\n\r\n"

/* The first status in `out`, and "EOF" or "RST". */
static bool ends_as(struct buf *out, const char *status)
{
    return str_starts(str_sub(buf_str(out), 9, SIZE_MAX), str_c(status))
           && str_ends(buf_str(out), STR("<EOF>"));
}

TEST(hostile_requests_get_their_status_and_the_connection_ends)
{
    static const struct {
        const char *in, *status;
        enum http1_no no;
    } rows[] = {
        {POST "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n"
              "0\r\n\r\n" GET("/smuggled"),
         "400", HTTP1_NO_FRAMING},
        {POST "Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcde", "400",
         HTTP1_NO_FRAMING},
        {POST "Content-Length: +4\r\n\r\nabcd", "400", HTTP1_NO_FRAMING},
        {POST "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", "501",
         HTTP1_NO_CODING},
        {CHUNKED "0x3\r\nabc\r\n0\r\n\r\n", "400", HTTP1_NO_FRAMING},
        {CHUNKED "fffffffffffffffff1\r\nabc\r\n", "400", HTTP1_NO_FRAMING},
        {"GET /echo HTTP/1.1\r\nHost : a\r\n\r\n", "400", HTTP1_NO_SYNTAX},
        {"GET /echo HTTP/1.1\r\n\r\n", "400", HTTP1_NO_HOST},
        {"GET /echo HTTP/1.1\nHost: a\n\n", "400", HTTP1_NO_SYNTAX},
        {"GET /echo HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n", "400",
         HTTP1_NO_SYNTAX},
        {"\x16\x03\x01\x02\x01\x01\x01\xfc\x03\x03", "400", HTTP1_NO_SYNTAX},
        {"FROB / HTTP/1.1\r\nHost: a\r\n\r\n", "501", HTTP1_NO_METHOD},
        {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "505", HTTP1_NO_VERSION},
        {POST "Expect: tea\r\nContent-Length: 1\r\n\r\nx", "417",
         HTTP1_NO_EXPECT},
        {POST "Content-Length: 9999999\r\n\r\n", "413", HTTP1_NO_BODY_SIZE},
        {"POST /tiny HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
         "9\r\n123456789\r\n9\r\n123456789\r\n0\r\n\r\n",
         "413", HTTP1_NO_BODY_SIZE},
    };
    struct http_rig r;

    http_rig_start(&r, NULL);
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        struct buf out = BUF_INIT(1 << 20);

        http_rig_talk(&r, str_c(rows[i].in), &out);
        if (!ends_as(&out, rows[i].status))
            print_error("row %zu: %s\n", i, out.data);
        CHECK(ends_as(&out, rows[i].status));
        CHECK(str_has(buf_str(&out), STR("Connection: close\r\n")));
        CHECK(server_stats(r.server)->refused[rows[i].no] != 0);
        buf_done(&out);
    }
    CHECK(r.trace.len == 0); /* no handler saw any of it */
    CHECK(server_stats(r.server)->active == 0);
    http_rig_stop(&r);
}

/* A server and what one client, connected to it, has read. */
struct visit {
    struct http_rig r;
    struct buf out;
    int fd;
};

static void visit_begin(struct visit *v, const struct server_opts *opts)
{
    http_rig_start(&v->r, opts);
    v->out = BUF_INIT(1 << 20);
    v->fd = http_rig_connect(&v->r);
}

static void visit_end(struct visit *v)
{
    (void)close(v->fd);
    buf_done(&v->out);
    http_rig_stop(&v->r);
}

static void is_refused(struct str in, const char *status)
{
    CLEANUP(buf_done) struct buf out = BUF_INIT(1 << 20);
    struct http_rig r;

    http_rig_start(&r, NULL);
    http_rig_talk(&r, in, &out);
    CHECK(ends_as(&out, status));
    http_rig_stop(&r);
}

static void refuses_long(const char *before, size_t fill, const char *status)
{
    CLEANUP(buf_done) struct buf in = BUF_INIT(1 << 20);

    CHECK(buf_add_c(&in, before) == ERR_OK);
    for (size_t i = 0; i < fill; i++)
        CHECK(buf_add_byte(&in, 'a') == ERR_OK);
    is_refused(buf_str(&in), status);
}

TEST(heads_and_urls_over_their_limits_are_refused)
{
    CLEANUP(buf_done) struct buf in = BUF_INIT(1 << 20);

    refuses_long("GET /", 65536, "414");
    refuses_long("GET / HTTP/1.1\r\nHost: a\r\nX: ", 65536, "431");
    CHECK(buf_add_c(&in, "GET / HTTP/1.1\r\nHost: a\r\n") == ERR_OK);
    for (int i = 0; i < 1000; i++)
        CHECK(buf_printf(&in, "X%d: 1\r\n", i) == ERR_OK);
    CHECK(buf_add_c(&in, "\r\n") == ERR_OK);
    is_refused(buf_str(&in), "431");
}

TEST(a_nul_in_a_field_is_refused)
{
    is_refused(STR("GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n"), "400");
}

TEST(a_gigabyte_is_refused_before_it_comes)
{
    struct visit v;

    visit_begin(&v, NULL);
    http_rig_send(&v.r, v.fd,
                  STR(POST "Content-Length: 1073741824\r\n"
                           "Expect: 100-continue\r\n\r\n"));
    CHECK(http_rig_read(&v.r, v.fd, &v.out, "413 Content Too Large"));
    CHECK(!str_has(buf_str(&v.out), STR("100 Continue")));
    CHECK(server_stats(v.r.server)->bytes_in < 1000);
    visit_end(&v);
}

TEST(a_body_that_streams_past_its_limit_is_stopped)
{
    static char block[1 << 16];
    struct server_opts opts = SERVER_OPTS_DEFAULT;
    struct visit v;

    opts.linger_ms = 200;
    visit_begin(&v, &opts);
    http_rig_send(&v.r, v.fd, STR(CHUNKED));
    memset(block, 'x', sizeof(block));
    for (int i = 0; i < 100 && v.r.server != NULL; i++) {
        http_rig_send(&v.r, v.fd, STR("10000\r\n"));
        http_rig_send(&v.r, v.fd, (struct str){block, sizeof(block)});
        http_rig_send(&v.r, v.fd, STR("\r\n"));
        if (server_stats(v.r.server)->refused[HTTP1_NO_BODY_SIZE] != 0)
            break;
    }
    CHECK(http_rig_read(&v.r, v.fd, &v.out, "413 Content Too Large"));
    CHECK(server_stats(v.r.server)->bytes_in < (2 << 20));
    visit_end(&v);
}

TEST(a_client_that_expects_it_is_told_to_continue)
{
    struct visit v;

    visit_begin(&v, NULL);
    http_rig_send(&v.r, v.fd,
                  STR(POST "Content-Length: 3\r\n"
                           "Expect: 100-continue\r\n\r\n"));
    CHECK(http_rig_read(&v.r, v.fd, &v.out, "HTTP/1.1 100 Continue\r\n\r\n"));
    CHECK(v.r.trace.len == 0);
    http_rig_send(&v.r, v.fd, STR("abc"));
    CHECK(http_rig_read(&v.r, v.fd, &v.out, "\r\n\r\nabc"));
    visit_end(&v);
}

TEST(an_early_answer_keeps_the_connection_only_without_a_body)
{
    struct buf out = BUF_INIT(1 << 16);
    struct http_rig r;

    http_rig_start(&r, NULL);
    http_rig_talk(
        &r,
        STR(GET("/early") "POST /early HTTP/1.1\r\nHost: a\r\n"
                          "Content-Length: 5\r\n\r\nabcde" GET("/never")),
        &out);
    CHECK(str_find(buf_str(&out), STR("who?HTTP/1.1 401")) != SIZE_MAX);
    CHECK(str_ends(buf_str(&out), STR("Connection: close\r\n\r\nwho?<EOF>")));
    CHECK(r.trace.len == 0);
    buf_done(&out);
    http_rig_stop(&r);
}

TEST(one_client_too_many_is_told_503)
{
    struct server_opts opts = SERVER_OPTS_DEFAULT;
    struct buf out = BUF_INIT(1 << 16);
    struct http_rig r;
    int fd[3];

    opts.conns_max = 2;
    http_rig_start(&r, &opts);
    for (int i = 0; i < 3; i++) {
        fd[i] = http_rig_connect(&r);
        http_rig_send(&r, fd[i], STR("GET /"));
    }
    CHECK(http_rig_read(&r, fd[2], &out, NULL));
    CHECK(ends_as(&out, "503"));
    CHECK(server_stats(r.server)->refused[HTTP1_NO_FULL] == 1);
    buf_clear(&out);
    http_rig_send(&r, fd[1], STR("echo HTTP/1.1\r\nHost: a\r\n\r\n"));
    CHECK(http_rig_read(&r, fd[1], &out, "200 OK"));
    for (int i = 0; i < 3; i++)
        (void)close(fd[i]);
    buf_done(&out);
    http_rig_stop(&r);
}

static void mark(void *ctx)
{
    *(int *)ctx += 1;
}

TEST(a_drain_lets_the_running_finish_and_turns_the_rest_away)
{
    struct http_answer a = {.status = 200};
    struct buf out = BUF_INIT(1 << 16);
    struct http_rig r;
    int drained = 0, idle, busy;

    http_rig_start(&r, NULL);
    idle = http_rig_connect(&r);
    http_rig_send(&r, idle, STR(GET("/echo")));
    CHECK(http_rig_read(&r, idle, &out, "200 OK"));
    busy = http_rig_connect(&r);
    http_rig_send(&r, busy, STR(GET("/hold")));
    while (r.ref.gen == 0)
        http_rig_turn(&r);
    server_drain(r.server, 60000, mark, &drained);
    CHECK(http_rig_read(&r, idle, &out, NULL)); /* the idle one is closed */
    CHECK(drained == 0);
    buf_clear(&out);
    CHECK(http_respond(r.server, r.ref, &a, STR("done")) == ERR_OK);
    CHECK(http_rig_read(&r, busy, &out, NULL));
    CHECK(str_ends(buf_str(&out), STR("Connection: close\r\n\r\ndone<EOF>")));
    (void)close(idle);
    (void)close(busy);
    CHECK(http_rig_until(&r, &drained, 1));
    CHECK(r.aborts == 0);
    buf_done(&out);
    http_rig_stop(&r);
}

TEST(a_drain_cuts_what_is_not_done_by_its_deadline)
{
    struct visit v;
    int drained = 0;

    visit_begin(&v, NULL);
    http_rig_send(&v.r, v.fd, STR(GET("/stream")));
    while (v.r.ref.gen == 0)
        http_rig_turn(&v.r);
    server_drain(v.r.server, 20, mark, &drained);
    CHECK(http_rig_until(&v.r, &drained, 1));
    CHECK(v.r.aborts == 1);
    visit_end(&v);
}

TEST(accepting_goes_on_after_descriptors_ran_out)
{
    struct visit v;

    visit_begin(&v, NULL);
    (void)sys_fault_arm(1, EMFILE);
    while (server_stats(v.r.server)->accept_errors == 0)
        http_rig_turn(&v.r);
    (void)sys_fault_arm(0, 0);
    http_rig_send(&v.r, v.fd, STR(GET("/echo")));
    CHECK(http_rig_read(&v.r, v.fd, &v.out, "200 OK"));
    visit_end(&v);
}

static enum err listen_unix(struct http_rig *r, const char *path)
{
    struct why why = WHY_INIT;

    return server_listen_unix(r->server, path, 0600, NULL, &why);
}

TEST(a_unix_socket_has_its_mode_and_gives_way_only_when_dead)
{
    char dir[] = "/tmp/hearth-test-XXXXXX", path[64];
    struct http_rig a, b;
    struct stat st;
    int dead = -1;

    CHECK(mkdtemp(dir) != NULL);
    (void)snprintf(path, sizeof(path), "%s/s", dir);
    http_rig_start(&a, NULL);
    http_rig_start(&b, NULL);
    CHECK(sock_listen_unix(path, 0666, &dead, NULL) == ERR_OK);
    CHECK(listen_unix(&a, path) == ERR_EXISTS); /* somebody listens */
    sock_close(dead);
    CHECK(listen_unix(&a, path) == ERR_OK);
    CHECK(stat(path, &st) == 0 && (st.st_mode & 0777) == 0600);
    CHECK(listen_unix(&b, path) == ERR_EXISTS);
    http_rig_stop(&a);
    CHECK(stat(path, &st) != 0); /* removed */
    CHECK(mkdir(path, 0700) == 0);
    CHECK(listen_unix(&b, path) == ERR_EXISTS); /* not a socket */
    CHECK(rmdir(path) == 0 && rmdir(dir) == 0);
    http_rig_stop(&b);
}

TEST(addresses_that_cannot_be_listened_on_are_refused_with_words)
{
    struct why why = WHY_INIT;
    struct http_rig r;
    unsigned port;

    http_rig_start(&r, NULL);
    CHECK(server_listen_tcp(r.server, "localhost", 0, &port, NULL, &why)
          == ERR_RANGE);
    CHECK(server_listen_tcp(r.server, "127.0.0.1", 70000, &port, NULL, &why)
          == ERR_RANGE);
    CHECK(server_listen_tcp(r.server, "127.0.0.1", r.port, &port, NULL, &why)
          == ERR_EXISTS);
    CHECK(strstr(why.msg, "127.0.0.1 port") != NULL);
    http_rig_stop(&r);
}

static void on_request(void *ctx, struct http_req *req)
{
    struct http_answer a = {.status = 200};

    (void)ctx;
    if (http_respond(req->server, req->ref, &a, req->body) != ERR_OK)
        http_stream_abort(req->server, req->ref);
}

/* Server, listener, connection, request and answer, with the nth allocation
 * failing. The client itself allocates nothing. */
static bool serves(void)
{
    struct server_opts opts = SERVER_OPTS_DEFAULT;
    struct server_handler h = {.on_request = on_request};
    struct http_rig r = {0};
    char in[400] = "";
    size_t got = 0;
    bool ok =
        loop_new(&r.loop, NULL) == ERR_OK
        && server_new(r.loop, &opts, &h, &r.server, NULL) == ERR_OK
        && server_listen_tcp(r.server, "127.0.0.1", 0, &r.port, NULL, NULL)
               == ERR_OK;

    if (ok) {
        int fd = http_rig_connect(&r);

        http_rig_send(&r, fd, STR(POST "Content-Length: 3\r\n\r\nabc"));
        for (int i = 0; i < 20 && strstr(in, "abc") == NULL; i++) {
            ssize_t n = recv(fd, in + got, sizeof(in) - 1 - got, 0);

            got += n > 0 ? (size_t)n : 0;
            if (n == 0)
                break;
            loop_run_once(r.loop, 1);
        }
        ok = strstr(in, "200 OK") != NULL && strstr(in, "abc") != NULL;
        (void)close(fd);
    }
    server_free(r.server);
    loop_free(r.loop);
    return ok;
}

TEST(every_allocation_may_fail)
{
    TEST_OOM(serves());
}
