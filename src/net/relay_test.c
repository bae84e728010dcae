/* client -> front (relay) -> back (an http_rig), all on one loop. */
#include "net/relay.h"

#include <sys/socket.h>
#include <unistd.h>

#include "fake/http_rig.h"
#include "test.h"

struct pair {
    struct http_rig back, front; /* front.server is replaced by ours */
    struct server *server;
    struct httpc *client;
    struct buf base, out;
    struct relay_target target;
    bool is_streamed;
    int overs, status, fd;
    enum err e;
};

static struct str on_fail(void *ctx, enum err e, const struct why *why,
                          struct buf *body)
{
    (void)ctx;
    CHECK(buf_printf(body, "failed: %s: %s", err_name(e), err_why(why))
          == ERR_OK);
    return STR("text/x-test");
}

static void on_over(void *ctx, int status, enum err e)
{
    struct pair *p = ctx;

    p->overs++;
    p->status = status;
    p->e = e;
}

static void on_head(void *ctx, struct http_req *req, struct http_plan *plan)
{
    struct pair *p = ctx;

    (void)req;
    *plan = (struct http_plan){64 << 20, p->is_streamed};
}

static void on_request(void *ctx, struct http_req *req)
{
    struct pair *p = ctx;

    CHECK(relay_start(req, &p->target, NULL) == ERR_OK);
}

static void begin(struct pair *p)
{
    struct server_opts opts = SERVER_OPTS_DEFAULT;
    struct server_handler h = {p, on_head, on_request, NULL};

    *p = (struct pair){.base = BUF_INIT(100), .out = BUF_INIT(64 << 20)};
    http_rig_start(&p->back, NULL);
    p->front = (struct http_rig){.loop = p->back.loop};
    CHECK(server_new(p->back.loop, &opts, &h, &p->server, NULL) == ERR_OK);
    CHECK(
        server_listen_tcp(p->server, "127.0.0.1", 0, &p->front.port, NULL, NULL)
        == ERR_OK);
    CHECK(httpc_new(p->back.loop, &p->client, NULL) == ERR_OK);
    CHECK(buf_printf(&p->base, "http://127.0.0.1:%u", p->back.port) == ERR_OK);
    p->target = (struct relay_target){.client = p->client,
                                      .base_url = buf_str(&p->base),
                                      .on_fail = on_fail,
                                      .on_over = on_over,
                                      .ctx = p};
    p->fd = http_rig_connect(&p->front);
}

static void end(struct pair *p)
{
    if (p->fd >= 0)
        (void)close(p->fd);
    p->fd = -1;
    for (int i = 0; i < 100 && server_stats(p->server)->active != 0; i++)
        http_rig_turn(&p->back);
    httpc_free(p->client);
    server_free(p->server);
    buf_done(&p->base);
    buf_done(&p->out);
    http_rig_stop(&p->back);
}

static void send_c(struct pair *p, const char *bytes)
{
    http_rig_send(&p->back, p->fd, str_c(bytes));
}

static bool reads(struct pair *p, const char *until)
{
    return http_rig_read(&p->back, p->fd, &p->out, until);
}

static void until_held(struct pair *p)
{
    for (int i = 0; i < 200 && p->back.ref.gen == 0; i++)
        http_rig_turn(&p->back);
    CHECK(p->back.ref.gen != 0);
}

TEST(a_request_passes_through_without_its_hop_by_hop_fields)
{
    struct http1_field extra[] = {{STR("X-Key"), STR("ours")}};
    struct str drop[] = {STR("authorization")};
    struct pair p;

    begin(&p);
    p.target.extra = extra;
    p.target.extra_count = 1;
    p.target.drop = drop;
    p.target.drop_count = 1;
    send_c(&p, "POST /head?a=b HTTP/1.1\r\nHost: front\r\nX-Key: theirs\r\n"
               "Connection: keep-alive, X-Hop\r\nX-Hop: 1\r\nTE: trailers\r\n"
               "Authorization: secret\r\nAccept: x/y\r\n"
               "Content-Length: 4\r\n\r\nbody");
    CHECK(reads(&p, "\nbody"));
    CHECK(str_has(buf_str(&p.out), STR("\r\n\r\nPOST /head?a=b\nHost: 127")));
    CHECK(str_has(buf_str(&p.out), STR("\nAccept: x/y\nX-Key: ours\n")));
    CHECK(!str_has(buf_str(&p.out), STR("theirs")));
    CHECK(!str_has(buf_str(&p.out), STR("X-Hop")));
    CHECK(!str_has(buf_str(&p.out), STR("TE:")));
    CHECK(!str_has(buf_str(&p.out), STR("secret")));
    CHECK(http_rig_until(&p.back, &p.overs, 1));
    CHECK(p.status == 200 && p.e == ERR_OK);
    end(&p);
}

TEST(an_error_of_the_upstream_is_passed_on_as_it_is)
{
    struct pair p;

    begin(&p);
    send_c(&p, "GET /nope HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK(reads(&p, "nothing here"));
    CHECK(str_starts(buf_str(&p.out), STR("HTTP/1.1 404 Not Found\r\n")));
    CHECK(str_has(buf_str(&p.out), STR("Content-Length: 12\r\n")));
    end(&p);
}

TEST(an_event_passes_as_soon_as_it_comes)
{
    struct pair p;

    begin(&p);
    send_c(&p, "GET /stream HTTP/1.1\r\nHost: a\r\n\r\n");
    until_held(&p);
    CHECK(http_stream_write(p.back.server, p.back.ref, STR("data: 1\n\n"))
          == ERR_OK);
    CHECK(reads(&p, "9\r\ndata: 1\n\n\r\n"));
    CHECK(http_stream_end(p.back.server, p.back.ref) == ERR_OK);
    CHECK(reads(&p, "0\r\n\r\n"));
    CHECK(http_rig_until(&p.back, &p.overs, 1));
    CHECK(p.status == 200 && p.e == ERR_OK);
    end(&p);
}

TEST(a_client_that_leaves_cancels_the_upstream)
{
    struct pair p;

    begin(&p);
    send_c(&p, "GET /stream HTTP/1.1\r\nHost: a\r\n\r\n");
    until_held(&p);
    CHECK(close(p.fd) == 0);
    p.fd = -1;
    CHECK(http_rig_until(&p.back, &p.back.aborts, 1));
    CHECK(p.overs == 1 && p.e == ERR_CANCELLED);
    end(&p);
}

TEST(a_client_that_leaves_before_the_head_cancels_too)
{
    struct pair p;

    begin(&p);
    send_c(&p, "GET /hold HTTP/1.1\r\nHost: a\r\n\r\n");
    until_held(&p);
    CHECK(close(p.fd) == 0);
    p.fd = -1;
    CHECK(http_rig_until(&p.back, &p.back.aborts, 1));
    CHECK(p.overs == 1 && p.status == 0 && p.e == ERR_CANCELLED);
    end(&p);
}

TEST(an_upstream_that_breaks_cuts_the_answer)
{
    struct pair p;

    begin(&p);
    send_c(&p, "GET /stream HTTP/1.1\r\nHost: a\r\n\r\n");
    until_held(&p);
    CHECK(http_stream_write(p.back.server, p.back.ref, STR("half")) == ERR_OK);
    CHECK(reads(&p, "half"));
    http_stream_abort(p.back.server, p.back.ref);
    CHECK(reads(&p, NULL));
    CHECK(!str_has(buf_str(&p.out), STR("\r\n0\r\n\r\n")));
    CHECK(p.overs == 1 && p.e != ERR_OK);
    end(&p);
}

TEST(an_upstream_that_is_not_there_becomes_503)
{
    struct pair p;

    begin(&p);
    p.target.unix_path = STR("/nonexistent/socket");
    send_c(&p, "GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK(reads(&p, "failed: IO"));
    CHECK(str_starts(buf_str(&p.out), STR("HTTP/1.1 503 Service Unavailable\r\n"
                                          "Content-Type: text/x-test\r\n")));
    CHECK(p.overs == 1 && p.status == 503 && p.e == ERR_IO);
    end(&p);
}

TEST(an_upstream_that_is_silent_becomes_504)
{
    struct pair p;

    begin(&p);
    p.target.stall_ms = 40;
    send_c(&p, "GET /hold HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK(reads(&p, "failed: TIMEOUT"));
    CHECK(str_starts(buf_str(&p.out), STR("HTTP/1.1 504 Gateway Timeout\r\n")));
    CHECK(p.status == 504);
    end(&p);
}

TEST(an_upstream_that_does_not_begin_to_answer_becomes_504)
{
    struct pair p;

    begin(&p);
    p.target.head_ms = 40;
    p.target.stall_ms = 3600 * 1000;
    send_c(&p, "GET /hold HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK(reads(&p, "failed: TIMEOUT"));
    CHECK(p.status == 504);
    end(&p);
}

TEST(a_slow_client_stops_the_upstream_and_loses_nothing)
{
    static char block[100000];
    struct pair p;
    size_t sent = 0, body;

    begin(&p);
    send_c(&p, "GET /stream HTTP/1.1\r\nHost: a\r\n\r\n");
    until_held(&p);
    memset(block, 'z', sizeof(block));
    for (int idle = 0; idle < 20;) { /* the client reads nothing */
        enum err e = http_stream_write(p.back.server, p.back.ref,
                                       (struct str){block, sizeof(block)});

        sent += e == ERR_OK ? sizeof(block) : 0;
        idle += e != ERR_OK;
        http_rig_turn(&p.back);
    }
    CHECK(sent < (48u << 20));
    while (http_stream_queued(p.back.server, p.back.ref) != 0) {
        (void)http_rig_read(&p.back, p.fd, &p.out, "");
        http_rig_turn(&p.back);
    }
    CHECK(http_stream_end(p.back.server, p.back.ref) == ERR_OK);
    CHECK(reads(&p, "\r\n0\r\n\r\n"));
    body = 0;
    for (size_t i = 0; i < p.out.len; i++)
        body += p.out.data[i] == 'z';
    CHECK(body == sent);
    end(&p);
}

static void streams_up(const char *head, bool is_chunked)
{
    static char block[1 << 20];
    struct pair p;

    begin(&p);
    p.is_streamed = true;
    send_c(&p, head);
    memset(block, 'u', sizeof(block));
    for (int i = 0; i < 3; i++) {
        if (is_chunked)
            send_c(&p, "100000\r\n");
        http_rig_send(&p.back, p.fd, (struct str){block, sizeof(block)});
        if (is_chunked)
            send_c(&p, "\r\n");
    }
    if (is_chunked)
        send_c(&p, "0\r\n\r\n");
    CHECK(reads(&p, "took it"));
    CHECK(p.back.body_bytes == 3 << 20);
    end(&p);
}

TEST(a_streamed_body_goes_up_as_it_comes)
{
    streams_up("POST /up HTTP/1.1\r\nHost: a\r\nContent-Length: 3145728\r\n"
               "\r\n",
               false);
    streams_up("POST /up HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
               "\r\n",
               true);
}

TEST(a_slow_upstream_stops_the_clients_body)
{
    static char block[1 << 20];
    struct pair p;
    size_t sent = 0;

    begin(&p);
    p.is_streamed = true;
    send_c(&p, "POST /slow HTTP/1.1\r\nHost: a\r\n"
               "Content-Length: 67108864\r\n\r\n");
    until_held(&p);
    for (int idle = 0; idle < 40;) {
        ssize_t n = send(p.fd, block, sizeof(block), MSG_NOSIGNAL);

        sent += n > 0 ? (size_t)n : 0;
        idle += n <= 0;
        http_rig_turn(&p.back);
    }
    CHECK(sent < (40u << 20)); /* sockets' buffers, not ours */
    CHECK(close(p.fd) == 0);
    p.fd = -1;
    for (int i = 0; i < 2000 && p.overs == 0; i++) {
        http_body_resume(p.back.server, p.back.ref);
        http_rig_turn(&p.back);
    }
    CHECK(p.overs == 1);
    end(&p);
}
