/* Answers: heads, framing, streams, references. */
#include "net/http.h"

#include <unistd.h>

#include "fake/http_rig.h"
#include "test.h"

static void answers(const struct server_opts *opts, const char *in,
                    const char *want)
{
    struct buf out = BUF_INIT(1 << 20);
    struct http_rig r;

    http_rig_start(&r, opts);
    http_rig_talk(&r, str_c(in), &out);
    if (!str_eq(buf_str(&out), str_c(want)))
        print_error("got:\n%s\n", out.data);
    CHECK(str_eq(buf_str(&out), str_c(want)));
    buf_done(&out);
    http_rig_stop(&r);
}

#define OK(n)                                                                  \
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: " #n "\r\n"
#define CLOSE "Connection: close\r\n"

TEST(an_answer_has_its_length_and_says_when_it_is_the_last)
{
    answers(NULL,
            "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi"
            "POST /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
            "Content-Length: 1\r\n\r\nx",
            OK(2) "\r\nhi" OK(1) CLOSE "\r\nx<EOF>");
}

TEST(head_gets_the_head_of_get)
{
    answers(NULL, "HEAD /head HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
            OK(37) CLOSE "\r\n<EOF>");
}

TEST(http_1_0_closes_unless_asked)
{
    answers(NULL, "GET /echo HTTP/1.0\r\n\r\n", OK(0) CLOSE "\r\n<EOF>");
    answers(NULL,
            "GET /echo HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
            "GET /nope HTTP/1.0\r\n\r\n",
            OK(0) "Connection: keep-alive\r\n\r\n"
                  "HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\n"
                  "Content-Length: 12\r\n" CLOSE "\r\nnothing here<EOF>");
}

static int64_t one_day(void)
{
    return 784111777;
}

TEST(the_date_is_written_as_rfc_9110_says)
{
    struct server_opts opts = SERVER_OPTS_DEFAULT;

    opts.unix_seconds = one_day;
    answers(&opts, "GET /echo HTTP/1.0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
            "Content-Type: text/plain\r\nContent-Length: 0\r\n" CLOSE
            "\r\n<EOF>");
}

/* One client whose request is held. */
struct waiting {
    struct http_rig rig;
    struct buf out;
    int fd;
};

static void ask(struct waiting *w, const char *in, const struct server_opts *o)
{
    w->out = BUF_INIT(8 << 20);
    http_rig_start(&w->rig, o);
    w->fd = http_rig_connect(&w->rig);
    http_rig_send(&w->rig, w->fd, str_c(in));
    for (int i = 0; i < 100 && w->rig.ref.gen == 0; i++)
        http_rig_turn(&w->rig);
    CHECK(http_get(w->rig.server, w->rig.ref) != NULL);
}

static void done(struct waiting *w)
{
    (void)close(w->fd);
    buf_done(&w->out);
    http_rig_stop(&w->rig);
}

static bool reads(struct waiting *w, const char *end)
{
    return http_rig_read(&w->rig, w->fd, &w->out, end);
}

TEST(a_stream_goes_out_piece_by_piece_as_chunks)
{
    struct waiting w;

    ask(&w, "GET /stream HTTP/1.1\r\nHost: a\r\n\r\n", NULL);
    CHECK(reads(&w, "\r\n\r\n"));
    CHECK(str_eq(buf_str(&w.out),
                 STR("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                     "Cache-Control: no-store\r\n"
                     "Transfer-Encoding: chunked\r\n\r\n")));
    buf_clear(&w.out);
    CHECK(http_stream_write(w.rig.server, w.rig.ref, STR("data: 1\n\n"))
          == ERR_OK);
    CHECK(reads(&w, "9\r\ndata: 1\n\n\r\n"));
    CHECK(http_stream_write(w.rig.server, w.rig.ref, STR_EMPTY) == ERR_OK);
    CHECK(http_stream_end(w.rig.server, w.rig.ref) == ERR_OK);
    CHECK(http_stream_end(w.rig.server, w.rig.ref) == ERR_EOF);
    buf_clear(&w.out);
    CHECK(reads(&w, "0\r\n\r\n"));
    /* The connection is good for another one. */
    http_rig_send(&w.rig, w.fd, STR("GET /echo HTTP/1.1\r\nHost: a\r\n\r\n"));
    CHECK(reads(&w, "200 OK"));
    CHECK(w.rig.aborts == 0);
    done(&w);
}

TEST(an_old_client_gets_a_stream_that_ends_with_the_connection)
{
    struct waiting w;

    ask(&w, "GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", NULL);
    CHECK(http_stream_write(w.rig.server, w.rig.ref, STR("all")) == ERR_OK);
    CHECK(http_stream_end(w.rig.server, w.rig.ref) == ERR_OK);
    CHECK(reads(&w, NULL));
    CHECK(str_ends(buf_str(&w.out), STR(CLOSE "\r\nall<EOF>")));
    done(&w);
}

TEST(an_answer_to_head_swallows_the_stream)
{
    struct waiting w;

    ask(&w, "HEAD /stream HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        NULL);
    CHECK(http_stream_write(w.rig.server, w.rig.ref, STR("no")) == ERR_OK);
    CHECK(http_stream_end(w.rig.server, w.rig.ref) == ERR_OK);
    CHECK(reads(&w, NULL));
    CHECK(str_ends(buf_str(&w.out), STR(CLOSE "\r\n<EOF>")));
    done(&w);
}

TEST(an_announced_length_is_kept_or_the_answer_is_cut)
{
    struct http1_field length = {STR("Content-Length"), STR("4")};
    struct http_answer a = {200, STR(""), &length, 1};
    struct waiting w;

    ask(&w, "GET /hold HTTP/1.1\r\nHost: a\r\n\r\n", NULL);
    CHECK(http_stream_begin(w.rig.server, w.rig.ref, &a) == ERR_OK);
    CHECK(http_stream_write(w.rig.server, w.rig.ref, STR("12345"))
          == ERR_LIMIT);
    CHECK(http_stream_write(w.rig.server, w.rig.ref, STR("123")) == ERR_OK);
    CHECK(http_stream_end(w.rig.server, w.rig.ref) == ERR_RANGE);
    (void)reads(&w, NULL);
    CHECK(str_has(buf_str(&w.out), STR("Content-Length: 4\r\n\r\n")));
    CHECK(str_ends(buf_str(&w.out), STR("<RST>")));
    CHECK(w.rig.aborts == 0);
    done(&w);
}

TEST(a_field_that_lies_is_refused_and_the_request_still_waits)
{
    const struct http1_field bad[] = {
        {STR("X"), STR("a\r\nSet-Cookie: b")},
        {STR("Content-Length"), STR("3")},
        {STR("transfer-encoding"), STR("chunked")},
        {STR("Connection"), STR("close")},
        {STR("a b"), STR("c")}};
    struct waiting w;

    ask(&w, "GET /hold HTTP/1.1\r\nHost: a\r\n\r\n", NULL);
    for (size_t i = 0; i < COUNTOF(bad); i++) {
        struct http_answer a = {200, STR("text/plain"), &bad[i], 1};

        CHECK(http_respond(w.rig.server, w.rig.ref, &a, STR("abc"))
              == ERR_RANGE);
    }
    CHECK(http_respond(w.rig.server, w.rig.ref,
                       &(struct http_answer){.status = 204}, STR("abc"))
          == ERR_RANGE);
    CHECK(http_respond(w.rig.server, w.rig.ref,
                       &(struct http_answer){.status = 204}, STR_EMPTY)
          == ERR_OK);
    CHECK(reads(&w, "\r\n\r\n"));
    CHECK(str_eq(buf_str(&w.out), STR("HTTP/1.1 204 No Content\r\n\r\n")));
    done(&w);
}

TEST(a_late_answer_is_harmless)
{
    struct http_answer a = {.status = 200};
    struct waiting w;

    ask(&w, "GET /hold HTTP/1.1\r\nHost: a\r\n\r\n", NULL);
    CHECK(close(w.fd) == 0);
    CHECK(http_rig_until(&w.rig, &w.rig.aborts, 1));
    CHECK(http_respond(w.rig.server, w.rig.ref, &a, STR("late")) == ERR_EOF);
    CHECK(http_stream_begin(w.rig.server, w.rig.ref, &a) == ERR_EOF);
    CHECK(http_stream_write(w.rig.server, w.rig.ref, STR("x")) == ERR_EOF);
    CHECK(http_respond(w.rig.server, (struct http_ref){0, 0}, &a, STR(""))
          == ERR_EOF);
    CHECK(
        http_respond(w.rig.server, (struct http_ref){1u << 30, 1}, &a, STR(""))
        == ERR_EOF);
    w.fd = http_rig_connect(&w.rig);
    done(&w);
}

TEST(an_answer_over_the_ceiling_is_refused_and_the_request_still_waits)
{
    struct server_opts opts = SERVER_OPTS_DEFAULT;
    struct http_answer a = {.status = 200};
    struct waiting w;

    opts.answer_max = 3;
    ask(&w, "GET /hold HTTP/1.1\r\nHost: a\r\n\r\n", &opts);
    CHECK(http_respond(w.rig.server, w.rig.ref, &a, STR("1234")) == ERR_LIMIT);
    CHECK(http_respond(w.rig.server, w.rig.ref, &a, STR("123")) == ERR_OK);
    CHECK(reads(&w, "\r\n\r\n123"));
    done(&w);
}

TEST(a_peer_has_a_name)
{
    struct http_peer peer;
    struct waiting w;

    ask(&w, "GET /hold HTTP/1.1\r\nHost: a\r\n\r\n", NULL);
    CHECK(http_peer(http_get(w.rig.server, w.rig.ref), &peer) == ERR_OK);
    CHECK(!peer.is_unix && strcmp(peer.ip, "127.0.0.1") == 0);
    CHECK(strncmp(peer.text, "127.0.0.1:", 10) == 0 && peer.uid == -1);
    done(&w);
}

TEST(giving_up_a_request_cuts_it_without_on_abort)
{
    struct waiting w;

    ask(&w, "GET /stream HTTP/1.1\r\nHost: a\r\n\r\n", NULL);
    http_stream_abort(w.rig.server, w.rig.ref);
    (void)reads(&w, NULL);
    CHECK(!str_has(buf_str(&w.out), STR("0\r\n\r\n")));
    http_rig_turn(&w.rig);
    CHECK(w.rig.aborts == 0 && server_stats(w.rig.server)->active == 0);
    done(&w);
}

TEST(a_big_answer_arrives_whole_through_a_full_socket)
{
    enum { SIZE = 6 << 20 };
    struct http_answer a = {.status = 200};
    struct waiting w;
    char *big = mem_zalloc(SIZE);

    CHECK(big != NULL);
    memset(big, 'b', SIZE);
    ask(&w, "GET /hold HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", NULL);
    CHECK(http_respond(w.rig.server, w.rig.ref, &a, (struct str){big, SIZE})
          == ERR_OK);
    CHECK(reads(&w, NULL));
    CHECK(str_ends(buf_str(&w.out), STR("bbb<EOF>")));
    CHECK(w.out.len > SIZE);
    mem_free(big);
    done(&w);
}
