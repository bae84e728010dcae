#include "client/client.h"

#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "net/httpc_sync.h"
#include "test.h"

/* A server that takes one connection, keeps what it was sent and answers with
 * bytes given beforehand. */
struct canned {
    int listener;
    char path[64];
    const char *answer;
    char got[4096];
    pthread_t thread;
};

static void *serve(void *arg)
{
    struct canned *s = arg;
    int fd = accept(s->listener, NULL, NULL);
    size_t len = 0;
    ssize_t n;

    if (fd < 0)
        return NULL;
    do {
        n = read(fd, s->got + len, sizeof(s->got) - 1 - len);
        len += n > 0 ? (size_t)n : 0;
        s->got[len] = '\0';
    } while (n > 0 && strstr(s->got, "\r\n\r\n") == NULL);
    n = write(fd, s->answer, strlen(s->answer));
    (void)shutdown(fd, SHUT_WR);
    /* Let the client finish: a reset would swallow what it has not read. */
    while (n > 0 && read(fd, s->got + len, sizeof(s->got) - 1 - len) > 0)
        continue;
    (void)close(fd);
    return NULL;
}

static void canned_start(struct canned *s, const char *answer)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    char dir[] = "/tmp/hearth-client-XXXXXX";

    assert_non_null(mkdtemp(dir));
    (void)snprintf(s->path, sizeof(s->path), "%s/s", dir);
    (void)snprintf(a.sun_path, sizeof(a.sun_path), "%s", s->path);
    s->answer = answer;
    s->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(s->listener, (struct sockaddr *)&a, sizeof(a)), 0);
    assert_int_equal(listen(s->listener, 1), 0);
    assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

static void canned_stop(struct canned *s)
{
    char *slash;

    (void)pthread_join(s->thread, NULL);
    (void)close(s->listener);
    (void)unlink(s->path);
    slash = strrchr(s->path, '/');
    *slash = '\0';
    (void)rmdir(s->path);
}

/* What a client of `s` says to it, and what became of it. */
struct talk {
    struct canned s;
    struct client c;
    struct buf out;
    struct why why;
};

static void talk_open(struct talk *t, const char *answer)
{
    *t = (struct talk){.out = BUF_INIT(1000), .why = WHY_INIT};
    assert_int_equal(httpc_sync_global(&t->why), ERR_OK);
    assert_int_equal(buf_add(&t->out, STR("<")), ERR_OK);
    canned_start(&t->s, answer);
    t->c = client_unix(str_c(t->s.path), NULL);
}

/* Beside its code `e`, a call leaves `out` added to what was there before, and
 * words when it failed. */
static void talk_ends(struct talk *t, enum err e, enum err want,
                      const char *out, const char *words)
{
    canned_stop(&t->s);
    assert_int_equal(e, want);
    CHECK(str_starts(buf_str(&t->out), STR("<")));
    CHECK(str_eq(str_sub(buf_str(&t->out), 1, SIZE_MAX), str_c(out)));
    assert_string_equal(t->why.msg, words);
    buf_done(&t->out);
}

static void call_gives(const char *answer, enum err want, const char *out,
                       const char *words)
{
    struct talk t;
    enum err e;

    talk_open(&t, answer);
    e = client_call(&t.c, STR("POST"), STR("/x"), STR("{\"a\":1}"), &t.out,
                    &t.why);
    talk_ends(&t, e, want, out, words);
    assert_non_null(strstr(t.s.got, "POST /x HTTP/1.1\r\n"));
    assert_non_null(strstr(t.s.got, "application/json"));
}

static void stream_gives(const char *answer, client_event_fn *fn, enum err want,
                         const char *out, const char *words)
{
    struct talk t;
    enum err e;

    talk_open(&t, answer);
    e = client_stream(&t.c, STR("GET"), STR("/e"), STR_EMPTY, fn, &t.out,
                      &t.why);
    talk_ends(&t, e, want, out, words);
}

TEST(an_answer_is_added_to_the_buffer)
{
    call_gives("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", ERR_OK, "hi",
               "");
}

TEST(an_error_status_fails_with_the_servers_words_and_leaves_the_buffer)
{
    call_gives("HTTP/1.1 404 Not Found\r\n\r\n"
               "{\"error\":{\"message\":\"no model 'x'\",\"code\":null}}",
               ERR_NOTFOUND, "", "no model 'x'");
}

TEST(an_error_status_carries_the_message_of_the_error_object)
{
    call_gives("HTTP/1.1 429 Too Many\r\n\r\n"
               "{\"error\":{\"message\":\"256 wait already\"}}",
               ERR_BUSY, "", "256 wait already");
}

TEST(an_error_without_a_body_still_says_its_status)
{
    call_gives("HTTP/1.1 502 Bad\r\nContent-Length: 0\r\n\r\n", ERR_EOF, "",
               "the server answered with status 502");
}

TEST(nobody_listening_is_answered_with_how_to_start)
{
    CLEANUP(buf_done) struct buf out = BUF_INIT(1000);
    struct client c = client_unix(STR("/tmp/hearth-nobody/s"), NULL);
    struct why why = WHY_INIT;

    assert_int_equal(httpc_sync_global(&why), ERR_OK);
    assert_int_equal(
        client_call(&c, STR("GET"), STR("/"), STR_EMPTY, &out, &why), ERR_IO);
    assert_non_null(strstr(why.msg, "hearth serve"));
}

#define EVENTS "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"

static enum err collect(void *ctx, struct str event, struct str data)
{
    struct buf *out = ctx;

    return buf_printf(out, "%.*s=%.*s;", STR_ARG(event), STR_ARG(data));
}

TEST(events_of_a_stream_come_one_by_one)
{
    stream_gives(EVENTS "event: a\ndata: 1\n\ndata: 2\n\n", collect, ERR_OK,
                 "a=1;message=2;", "");
}

TEST(a_stream_cut_in_mid_event_is_told_from_its_end)
{
    stream_gives(EVENTS "data: 1\n\ndata: 2", collect, ERR_EOF, "message=1;",
                 "the answer was cut off in mid-event");
}

TEST(an_error_status_of_a_stream_is_not_read_as_events)
{
    stream_gives("HTTP/1.1 503 Busy\r\n\r\n"
                 "{\"error\":{\"message\":\"not ready\"}}\n",
                 collect, ERR_NOMEM, "", "not ready");
}

static enum err refuse(void *ctx, struct str event, struct str data)
{
    (void)ctx;
    (void)event;
    (void)data;
    return ERR_CANCELLED;
}

TEST(an_error_of_the_reader_ends_the_stream)
{
    stream_gives("HTTP/1.1 200 OK\r\n\r\ndata: 1\n\ndata: 2\n\n", refuse,
                 ERR_CANCELLED, "",
                 "the answer was not taken: cancelled by the client");
}

static enum err cannot_write(void *ctx, struct str event, struct str data)
{
    struct buf *out = ctx;

    (void)event;
    (void)data;
    return FAIL(&CONTAINER_OF(out, struct talk, out)->why, ERR_IO,
                "cannot write");
}

/* As when standard output is closed: hearth answered very well. */
TEST(a_reader_that_cannot_write_is_no_silent_server)
{
    stream_gives("HTTP/1.1 200 OK\r\n\r\ndata: 1\n\ndata: 2\n\n", cannot_write,
                 ERR_IO, "", "cannot write");
}
