#include "net/httpc.h"

#include "fake/http_rig.h"
#include "test.h"

struct job {
    struct http_rig rig;
    struct httpc *client;
    struct httpc_call *call;
    struct buf body, url;
    int heads, dones, status, refuse, cancel_at;
    size_t fed, feed;
    enum err e;
    struct why why;
};

static void on_head(void *ctx, const struct httpc_answer *a)
{
    struct job *j = ctx;

    j->heads++;
    j->status = a->status;
}

static enum err on_data(void *ctx, struct str bytes)
{
    struct job *j = ctx;

    if (j->refuse != 0)
        return ERR_AGAIN;
    CHECK(buf_add(&j->body, bytes) == ERR_OK);
    if (j->cancel_at != 0 && j->body.len >= (size_t)j->cancel_at)
        httpc_cancel(j->call);
    return ERR_OK;
}

static void on_done(void *ctx, enum err e, const struct why *why)
{
    struct job *j = ctx;

    j->dones++;
    j->e = e;
    j->why = *why;
    j->call = NULL;
}

static const struct httpc_events events = {on_head, on_data, on_done};

static void begin(struct job *j, const struct server_opts *opts)
{
    *j = (struct job){.body = BUF_INIT(64 << 20), .url = BUF_INIT(1000)};
    http_rig_start(&j->rig, opts);
    CHECK(httpc_new(j->rig.loop, &j->client, NULL) == ERR_OK);
}

static struct str url(struct job *j, const char *path)
{
    buf_clear(&j->url);
    CHECK(buf_printf(&j->url, "http://127.0.0.1:%u%s", j->rig.port, path)
          == ERR_OK);
    return buf_str(&j->url);
}

static void start(struct job *j, struct httpc_request rq)
{
    CHECK(httpc_start(j->client, &rq, &events, j, &j->call, NULL) == ERR_OK);
    CHECK(j->dones == 0);
}

static void end(struct job *j)
{
    httpc_free(j->client);
    buf_done(&j->body);
    buf_done(&j->url);
    http_rig_stop(&j->rig);
}

static void until_held(struct job *j)
{
    for (int i = 0; i < 200 && j->rig.ref.gen == 0; i++)
        http_rig_turn(&j->rig);
    CHECK(j->rig.ref.gen != 0);
}

TEST(an_answer_comes_whole_and_done_comes_once)
{
    struct job j;

    begin(&j, NULL);
    start(&j, (struct httpc_request){.method = STR("POST"),
                                     .url = url(&j, "/echo"),
                                     .body = STR("hello")});
    CHECK(http_rig_until(&j.rig, &j.dones, 1));
    CHECK(j.e == ERR_OK && j.heads == 1 && j.status == 200);
    CHECK(str_eq(buf_str(&j.body), STR("hello")));
    end(&j);
}

TEST(only_what_was_asked_for_is_sent)
{
    struct http1_field f[] = {{STR("X-One"), STR("1")},
                              {STR("X-Two"), STR("")}};
    struct job j;

    begin(&j, NULL);
    start(&j, (struct httpc_request){.method = STR("PUT"),
                                     .url = url(&j, "/head?q"),
                                     .fields = f,
                                     .field_count = 2,
                                     .body = STR("b")});
    CHECK(http_rig_until(&j.rig, &j.dones, 1));
    CHECK(str_starts(buf_str(&j.body), STR("PUT /head?q\nHost: 127.0.0.1:")));
    CHECK(str_ends(buf_str(&j.body),
                   STR("\nX-One: 1\nX-Two: \nContent-Length: 1\nb")));
    end(&j);
}

TEST(a_redirect_is_an_answer_and_other_protocols_are_refused)
{
    struct httpc_call *c = NULL;
    struct job j;
    struct httpc_request rq = {.method = STR("GET"),
                               .url = STR("file:///etc/passwd")};

    begin(&j, NULL);
    start(&j, rq);
    CHECK(http_rig_until(&j.rig, &j.dones, 1));
    CHECK(j.e == ERR_UNSUPPORTED && j.body.len == 0);
    rq.url = STR("http://a b/");
    CHECK(httpc_start(j.client, &rq, &events, &j, &c, &j.why) == ERR_OK);
    CHECK(http_rig_until(&j.rig, &j.dones, 2));
    CHECK(j.e == ERR_SYNTAX);
    rq.method = STR("GET / HTTP/1.1\r\nX");
    CHECK(httpc_start(j.client, &rq, &events, &j, &c, &j.why) == ERR_RANGE);
    end(&j);
}

TEST(nobody_listening_is_an_io_error_with_curls_words)
{
    struct job j;

    begin(&j, NULL);
    start(&j, (struct httpc_request){.method = STR("GET"),
                                     .url = STR("http://x/"),
                                     .unix_path = STR("/nonexistent/socket")});
    CHECK(http_rig_until(&j.rig, &j.dones, 1));
    CHECK(j.e == ERR_IO && j.heads == 0 && j.why.msg[0] != '\0');
    end(&j);
}

TEST(silence_is_a_timeout)
{
    struct job j;

    begin(&j, NULL);
    start(&j, (struct httpc_request){.method = STR("GET"),
                                     .url = url(&j, "/hold"),
                                     .stall_ms = 50});
    CHECK(http_rig_until(&j.rig, &j.dones, 1));
    CHECK(j.e == ERR_TIMEOUT);
    CHECK(http_rig_until(&j.rig, &j.rig.aborts, 1)); /* it was closed */
    end(&j);
}

TEST(silence_before_the_head_has_a_limit_of_its_own)
{
    struct job j;

    begin(&j, NULL);
    start(&j, (struct httpc_request){.method = STR("GET"),
                                     .url = url(&j, "/hold"),
                                     .head_ms = 50});
    CHECK(http_rig_until(&j.rig, &j.dones, 1));
    CHECK(j.e == ERR_TIMEOUT && j.heads == 0);
    CHECK(strcmp(j.why.msg, "no byte for 50 ms") == 0);
    end(&j);
}

TEST(a_stream_that_has_begun_is_not_under_the_limit_of_its_head)
{
    struct http_answer a = {.status = 200};
    struct job j;

    begin(&j, NULL);
    start(&j, (struct httpc_request){.method = STR("GET"),
                                     .url = url(&j, "/hold"),
                                     .head_ms = 300,
                                     .stall_ms = 60000});
    for (int i = 0; i < 200 && j.rig.ref.gen == 0; i++)
        http_rig_turn(&j.rig);
    CHECK(http_stream_begin(j.rig.server, j.rig.ref, &a) == ERR_OK);
    CHECK(http_rig_until(&j.rig, &j.heads, 1));
    for (uint64_t from = loop_now(j.rig.loop);
         loop_now(j.rig.loop) < from + 600;)
        http_rig_turn(&j.rig);
    CHECK(j.dones == 0);
    CHECK(http_stream_end(j.rig.server, j.rig.ref) == ERR_OK);
    CHECK(http_rig_until(&j.rig, &j.dones, 1));
    CHECK(j.e == ERR_OK);
    end(&j);
}

TEST(a_stream_that_drips_is_not_silent)
{
    struct job j;

    begin(&j, NULL);
    start(&j, (struct httpc_request){.method = STR("GET"),
                                     .url = url(&j, "/stream"),
                                     .stall_ms = 200});
    until_held(&j);
    for (int i = 0; i < 40; i++) {
        CHECK(http_stream_write(j.rig.server, j.rig.ref, STR("x")) == ERR_OK);
        for (int k = 0; k < 4; k++)
            http_rig_turn(&j.rig);
    }
    CHECK(http_stream_end(j.rig.server, j.rig.ref) == ERR_OK);
    CHECK(http_rig_until(&j.rig, &j.dones, 1));
    CHECK(j.e == ERR_OK && j.body.len == 40);
    end(&j);
}

TEST(a_stream_cut_short_is_told_from_a_whole_one)
{
    struct job j;

    begin(&j, NULL);
    start(&j, (struct httpc_request){.method = STR("GET"),
                                     .url = url(&j, "/stream")});
    until_held(&j);
    CHECK(http_stream_write(j.rig.server, j.rig.ref, STR("half")) == ERR_OK);
    while (j.body.len == 0)
        http_rig_turn(&j.rig);
    http_stream_abort(j.rig.server, j.rig.ref);
    CHECK(http_rig_until(&j.rig, &j.dones, 1));
    CHECK(j.e == ERR_EOF || j.e == ERR_IO);
    end(&j);
}

TEST(data_that_is_not_taken_comes_again_and_stops_the_sender)
{
    static char block[100000];
    struct job j;
    size_t sent = 0;
    uint64_t until;

    begin(&j, NULL);
    start(&j, (struct httpc_request){.method = STR("GET"),
                                     .url = url(&j, "/stream"),
                                     .stall_ms = 300});
    j.refuse = 1;
    until_held(&j);
    until = loop_now(j.rig.loop) + 600;
    memset(block, 'z', sizeof(block));
    for (int idle = 0; idle < 20 || loop_now(j.rig.loop) < until;) {
        enum err e = http_stream_write(j.rig.server, j.rig.ref,
                                       (struct str){block, sizeof(block)});

        CHECK(e == ERR_OK || e == ERR_AGAIN);
        sent += e == ERR_OK ? sizeof(block) : 0;
        idle += e != ERR_OK;
        http_rig_turn(&j.rig);
    }
    CHECK(j.body.len == 0 && j.dones == 0); /* paused is not silent */
    j.refuse = 0;
    httpc_resume(j.call);
    CHECK(j.body.len == 0); /* not inside the call */
    while (http_stream_queued(j.rig.server, j.rig.ref) != 0)
        http_rig_turn(&j.rig);
    CHECK(http_stream_end(j.rig.server, j.rig.ref) == ERR_OK);
    CHECK(http_rig_until(&j.rig, &j.dones, 1));
    CHECK(j.e == ERR_OK && j.body.len == sent);
    end(&j);
}

TEST(an_answer_over_the_limit_ends_the_call)
{
    struct job j;

    begin(&j, NULL);
    start(&j, (struct httpc_request){.method = STR("POST"),
                                     .url = url(&j, "/echo"),
                                     .body = STR("123456"),
                                     .answer_max = 5});
    CHECK(http_rig_until(&j.rig, &j.dones, 1));
    CHECK(j.e == ERR_LIMIT);
    end(&j);
}

TEST(a_cancelled_call_is_silent_and_closes)
{
    struct job j;

    begin(&j, NULL);
    start(&j, (struct httpc_request){.method = STR("GET"),
                                     .url = url(&j, "/stream")});
    until_held(&j);
    httpc_cancel(j.call);
    CHECK(http_rig_until(&j.rig, &j.rig.aborts, 1));
    CHECK(j.dones == 0);
    end(&j);
}

TEST(a_call_may_be_cancelled_from_its_own_event)
{
    struct job j;

    begin(&j, NULL);
    j.cancel_at = 3;
    start(&j, (struct httpc_request){.method = STR("GET"),
                                     .url = url(&j, "/stream")});
    until_held(&j);
    CHECK(http_stream_write(j.rig.server, j.rig.ref, STR("abc")) == ERR_OK);
    CHECK(http_rig_until(&j.rig, &j.rig.aborts, 1));
    CHECK(j.dones == 0 && j.body.len == 3);
    end(&j);
}

static enum err on_need(void *ctx, char *dst, size_t cap, size_t *n)
{
    struct job *j = ctx;

    if (j->refuse > 0) {
        j->refuse--;
        return ERR_AGAIN;
    }
    *n = MIN(cap, j->feed - j->fed);
    memset(dst, 'u', *n);
    j->fed += *n;
    j->refuse = 1; /* wait before the next piece */
    return ERR_OK;
}

TEST(a_body_may_be_fed_piece_by_piece)
{
    for (int chunked = 0; chunked < 2; chunked++) {
        struct job j;

        begin(&j, NULL);
        j.feed = 300000;
        start(&j, (struct httpc_request){.method = STR("POST"),
                                         .url = url(&j, "/up"),
                                         .on_need = on_need,
                                         .has_body_length = chunked == 0,
                                         .body_length = 300000});
        for (int i = 0; i < 2000 && j.dones == 0; i++) {
            http_rig_turn(&j.rig);
            j.refuse = 0;
            if (j.call != NULL)
                httpc_resume(j.call);
        }
        CHECK(j.e == ERR_OK && j.rig.body_bytes == 300000);
        end(&j);
    }
}

TEST(freeing_the_client_ends_its_calls_in_silence)
{
    struct job j;

    begin(&j, NULL);
    start(&j, (struct httpc_request){.method = STR("GET"),
                                     .url = url(&j, "/hold")});
    until_held(&j);
    end(&j);
    CHECK(j.dones == 0);
}
