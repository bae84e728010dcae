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

static enum err collect(void *ctx, struct str event, struct str data)
{
    struct buf *out = ctx;

    return buf_printf(out, "%.*s=%.*s;", STR_ARG(event), STR_ARG(data));
}

static enum err call(const char *answer, struct buf *out, struct why *why)
{
    struct canned s;
    struct client c;
    enum err e;

    assert_int_equal(httpc_sync_global(why), ERR_OK);
    canned_start(&s, answer);
    c = client_unix(str_c(s.path), NULL);
    e = client_call(&c, STR("POST"), STR("/x"), STR("{\"a\":1}"), out, why);
    canned_stop(&s);
    assert_non_null(strstr(s.got, "POST /x HTTP/1.1\r\n"));
    assert_non_null(strstr(s.got, "application/json"));
    return e;
}

static enum err stream(const char *answer, client_event_fn *fn, struct buf *out,
                       struct why *why)
{
    struct canned s;
    struct client c;
    enum err e;

    assert_int_equal(httpc_sync_global(why), ERR_OK);
    canned_start(&s, answer);
    c = client_unix(str_c(s.path), NULL);
    e = client_stream(&c, STR("GET"), STR("/e"), STR_EMPTY, fn, out, why);
    canned_stop(&s);
    return e;
}

TEST(an_answer_is_added_to_the_buffer)
{
    CLEANUP(buf_done) struct buf out = BUF_INIT(100);
    struct why why = WHY_INIT;

    assert_int_equal(buf_add(&out, STR("<")), ERR_OK);
    assert_int_equal(
        call("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", &out, &why),
        ERR_OK);
    assert_string_equal(out.data, "<hi");
}

TEST(an_error_status_fails_with_the_servers_words_and_leaves_the_buffer)
{
    CLEANUP(buf_done) struct buf out = BUF_INIT(1000);
    struct why why = WHY_INIT;

    assert_int_equal(buf_add(&out, STR("kept")), ERR_OK);
    assert_int_equal(
        call("HTTP/1.1 404 Not Found\r\n\r\n"
             "{\"error\":{\"message\":\"no model 'x'\",\"code\":null}}",
             &out, &why),
        ERR_NOTFOUND);
    assert_int_equal(out.len, 4);
}

TEST(an_error_status_carries_the_message_of_the_error_object)
{
    CLEANUP(buf_done) struct buf out = BUF_INIT(1000);
    struct why why = WHY_INIT;

    assert_int_equal(call("HTTP/1.1 429 Too Many\r\n\r\n"
                          "{\"error\":{\"message\":\"256 wait already\"}}",
                          &out, &why),
                     ERR_BUSY);
    assert_string_equal(why.msg, "256 wait already");
}

TEST(an_error_without_a_body_still_says_its_status)
{
    CLEANUP(buf_done) struct buf out = BUF_INIT(1000);
    struct why why = WHY_INIT;

    assert_int_equal(
        call("HTTP/1.1 502 Bad\r\nContent-Length: 0\r\n\r\n", &out, &why),
        ERR_EOF);
    assert_non_null(strstr(why.msg, "502"));
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

TEST(events_of_a_stream_come_one_by_one)
{
    CLEANUP(buf_done) struct buf out = BUF_INIT(1000);
    struct why why = WHY_INIT;

    assert_int_equal(
        stream("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
               "event: a\ndata: 1\n\ndata: 2\n\n",
               collect, &out, &why),
        ERR_OK);
    assert_string_equal(out.data, "a=1;message=2;");
}

TEST(a_stream_cut_in_mid_event_is_told_from_its_end)
{
    CLEANUP(buf_done) struct buf out = BUF_INIT(1000);
    struct why why = WHY_INIT;

    assert_int_equal(
        stream("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
               "data: 1\n\ndata: 2",
               collect, &out, &why),
        ERR_EOF);
    assert_string_equal(out.data, "message=1;");
}

TEST(an_error_status_of_a_stream_is_not_read_as_events)
{
    CLEANUP(buf_done) struct buf out = BUF_INIT(1000);
    struct why why = WHY_INIT;

    assert_int_equal(stream("HTTP/1.1 503 Busy\r\n\r\n"
                            "{\"error\":{\"message\":\"not ready\"}}\n",
                            collect, &out, &why),
                     ERR_NOMEM);
    assert_string_equal(why.msg, "not ready");
    assert_int_equal(out.len, 0);
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
    CLEANUP(buf_done) struct buf out = BUF_INIT(1000);
    struct why why = WHY_INIT;

    assert_int_equal(stream("HTTP/1.1 200 OK\r\n\r\ndata: 1\n\ndata: 2\n\n",
                            refuse, &out, &why),
                     ERR_CANCELLED);
}
