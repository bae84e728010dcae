/* Tasks and reviews over HTTP, as a client sees them [TASK-1..12]. */
#include "work/work_web.h"

#include "fake/work_rig.h"
#include "net/httpc_sync.h"
#include "sys/clock.h"
#include "test.h"

#define SQUARE                                                                 \
    "{\"prompt\":\"Write f(x) that returns x squared\",\"entry\":\"f\","       \
    "\"tests\":[\"assert f(3) == 9\"]"

static void has(const struct buf *b, const char *text)
{
    if (!str_has(buf_str(b), str_c(text)))
        print_error("not there: %s\nin: %.*s\n", text, STR_ARG(buf_str(b)));
    CHECK(str_has(buf_str(b), str_c(text)));
}

static void stream(struct work_rig *r)
{
    CLEANUP(buf_done) struct buf out = BUF_INIT(1 << 20);
    struct str rest, line;
    struct why w;
    unsigned seq = 0;

    CHECK(work_rig_stream(r, "POST", "/v1/tasks", SQUARE "}", &out, &w)
          == ERR_OK);
    has(&out, "task.created {\"seq\":1,");
    has(&out, "attempt.delta ");
    has(&out, "\"verdict\":\"verified\"");
    rest = buf_str(&out);
    while (str_line(&rest, &line)) { /* stored events without a gap */
        struct str name = str_cut(&line, ' ');
        char want[32];
        enum event_id e = EVENT_COUNT;

        CHECK(event_parse(name, &e));
        if (!event_is_stored(e))
            continue;
        (void)snprintf(want, sizeof(want), "{\"seq\":%u,", ++seq);
        CHECK(str_starts(line, str_c(want)));
    }
    CHECK(seq == 9);
}

TEST(a_stream_has_every_event_of_a_task_and_ends)
{
    work_rig_run(stream, NULL, 0, NULL);
}

static void replay(struct work_rig *r)
{
    CLEANUP(buf_done) struct buf out = BUF_INIT(1 << 20);
    char id[ID_MAX], path[128];
    struct why w;

    work_rig_make(r, SQUARE ",\"stream\":false}", id);
    work_rig_wait(r, id, &out);
    has(&out, "\"verdict\":\"verified\"");
    has(&out, "\"validation\":\"syntax, compile, tests\"");
    has(&out, "\"model\":\"small\"");
    has(&out, "\"code\":\"def f(x):");
    (void)snprintf(path, sizeof(path), "/v1/tasks/%s/events?after=7", id);
    CHECK(work_rig_stream(r, "GET", path, "", &out, &w) == ERR_OK);
    CHECK(str_starts(buf_str(&out), STR("check.result {\"seq\":8,")));
    (void)snprintf(path, sizeof(path), "/v1/tasks/%s/events?after=99", id);
    CHECK(work_rig_stream(r, "GET", path, "", &out, &w) == ERR_OK);
    CHECK(out.len == 0);
    CHECK(work_rig_call(r, "GET", "/v1/tasks?limit=1", "", &out, &w) == ERR_OK);
    has(&out, id);
    has(&out, "\"has_more\":false");
}

TEST(a_finished_task_can_be_read_and_its_events_replayed)
{
    work_rig_run(replay, NULL, 0, NULL);
}

static void idempotent(struct work_rig *r)
{
    CLEANUP(buf_done) struct buf out = BUF_INIT(1 << 20);
    char a[ID_MAX], b[ID_MAX];
    struct why w;

    work_rig_make(r, SQUARE ",\"stream\":false,\"idempotency_key\":\"k\"}", a);
    work_rig_make(r, SQUARE ",\"stream\":false,\"idempotency_key\":\"k\"}", b);
    assert_string_equal(a, b);
    work_rig_wait(r, a, &out);
    CHECK(atomic_load(&r->asked) == 1);
    CHECK(work_rig_call(r, "POST", "/v1/tasks",
                        "{\"prompt\":\"another\",\"idempotency_key\":\"k\"}",
                        &out, &w)
          == ERR_EXISTS);
    CHECK(strstr(w.msg, a) != NULL);
}

TEST(the_same_idempotency_key_gives_the_same_task)
{
    work_rig_run(idempotent, NULL, 0, NULL);
}

static void cancel(struct work_rig *r)
{
    CLEANUP(buf_done) struct buf out = BUF_INIT(1 << 20);
    char id[ID_MAX], path[128];
    struct why w;

    atomic_store(&r->hold, true);
    work_rig_make(r, SQUARE ",\"stream\":false}", id);
    while (atomic_load(&r->asked) == 0)
        clock_sleep_ms(1);
    (void)snprintf(path, sizeof(path), "/v1/tasks/%s/cancel", id);
    CHECK(work_rig_call(r, "POST", path, "{}", &out, &w) == ERR_OK);
    work_rig_wait(r, id, &out);
    has(&out, "\"verdict\":\"cancelled\"");
    atomic_store(&r->hold, false);
    CHECK(work_rig_call(r, "POST", path, "{}", &out, &w) == ERR_OK);
    has(&out, "\"verdict\":\"cancelled\"");
}

TEST(a_task_is_cancelled_while_its_model_thinks)
{
    work_rig_run(cancel, NULL, 0, NULL);
}

static void bounded(struct work_rig *r)
{
    CLEANUP(buf_done) struct buf out = BUF_INIT(1 << 20);
    char ids[3][ID_MAX];
    struct why w;

    atomic_store(&r->hold, true);
    work_rig_make(r, SQUARE ",\"stream\":false}", ids[0]);
    while (atomic_load(&r->asked) == 0) /* one runs, two may wait */
        clock_sleep_ms(1);
    work_rig_make(r, SQUARE ",\"stream\":false}", ids[1]);
    work_rig_make(r, SQUARE ",\"stream\":false}", ids[2]);
    CHECK(work_rig_call(r, "POST", "/v1/tasks", SQUARE "}", &out, &w)
          == ERR_BUSY);
    atomic_store(&r->hold, false);
    for (int i = 0; i < 3; i++) {
        work_rig_wait(r, ids[i], &out);
        has(&out, "\"verdict\":\"verified\"");
    }
}

TEST(more_tasks_than_may_wait_are_refused)
{
    work_rig_run(bounded, NULL, 0, NULL);
}

static enum err leave(void *ctx, struct str event, struct str data)
{
    (void)ctx;
    (void)data;
    return str_eq(event, STR("attempt.started")) ? ERR_CANCELLED : ERR_OK;
}

static void left(struct work_rig *r)
{
    CLEANUP(buf_done) struct buf out = BUF_INIT(1 << 20);
    struct why w = WHY_INIT;

    atomic_store(&r->hold, true);
    CHECK(client_stream(&r->client, STR("POST"), STR("/v1/tasks"),
                        STR(SQUARE "}"), leave, NULL, &w)
          == ERR_CANCELLED);
    clock_sleep_ms(50);
    atomic_store(&r->hold, false);
    for (int i = 0; i < 1000 && !str_has(buf_str(&out), STR("verified")); i++) {
        clock_sleep_ms(10);
        CHECK(work_rig_call(r, "GET", "/v1/tasks", "", &out, &w) == ERR_OK);
    }
    has(&out, "\"verdict\":\"verified\"");
    atomic_store(&r->hold, true);
    CHECK(client_stream(&r->client, STR("POST"), STR("/v1/tasks"),
                        STR(SQUARE ",\"cancel_on_disconnect\":true}"), leave,
                        NULL, &w)
          == ERR_CANCELLED);
    for (int i = 0; i < 1000 && !str_has(buf_str(&out), STR("cancelled"));
         i++) {
        clock_sleep_ms(10);
        CHECK(work_rig_call(r, "GET", "/v1/tasks", "", &out, &w) == ERR_OK);
    }
    has(&out, "\"verdict\":\"cancelled\"");
    atomic_store(&r->hold, false);
}

TEST(a_client_that_leaves_ends_its_task_only_when_it_asked_for_that)
{
    work_rig_run(left, NULL, 0, NULL);
}

static void review(struct work_rig *r)
{
    CLEANUP(buf_done) struct buf out = BUF_INIT(1 << 20);
    char id[ID_MAX], path[128];
    struct why w;

    work_rig_make(r, SQUARE ",\"type\":\"critical\",\"stream\":false}", id);
    work_rig_wait(r, id, &out);
    has(&out, "\"verdict\":\"unproved\"");
    CHECK(work_rig_call(r, "GET", "/v1/reviews", "", &out, &w) == ERR_OK);
    has(&out, id);
    (void)snprintf(path, sizeof(path), "/v1/reviews/%s", id);
    CHECK(work_rig_call(r, "POST", path, "{\"action\":\"bless\"}", &out, &w)
          == ERR_PARSE);
    CHECK(work_rig_call(r, "POST", path, "{\"action\":\"edit\"}", &out, &w)
          == ERR_PARSE);
    CHECK(work_rig_call(r, "POST", path,
                        "{\"action\":\"approve\",\"note\":\"read it\"}", &out,
                        &w)
          == ERR_OK);
    has(&out, "\"verdict\":\"verified\""); /* tests and a person */
    CHECK(work_rig_call(r, "POST", path, "{\"action\":\"reject\"}", &out, &w)
          == ERR_EXISTS);
    CHECK(work_rig_call(r, "GET", "/v1/reviews", "", &out, &w) == ERR_OK);
    has(&out, "\"data\":[]");
}

TEST(a_person_decides_once_on_what_waits)
{
    work_rig_run(review, NULL, 0, NULL);
}

static void edited(struct work_rig *r)
{
    CLEANUP(buf_done) struct buf out = BUF_INIT(1 << 20);
    char id[ID_MAX], path[128];
    struct why w;

    r->answer = "I do not know.";
    work_rig_make(r, SQUARE ",\"stream\":false}", id);
    work_rig_wait(r, id, &out);
    has(&out, "\"verdict\":\"failed\"");
    (void)snprintf(path, sizeof(path), "/v1/reviews/%s", id);
    CHECK(work_rig_call(r, "POST", path, "{\"action\":\"approve\"}", &out, &w)
          == ERR_PARSE); /* there is nothing to approve */
    CHECK(work_rig_call(r, "POST", path,
                        "{\"action\":\"edit\",\"code\":\"def f(x): return 9\"}",
                        &out, &w)
          == ERR_OK);
    has(&out, "\"verdict\":\"edited\"");
    has(&out, "\"code\":\"def f(x): return 9\"");
}

TEST(a_person_may_bring_code_of_their_own)
{
    work_rig_run(edited, NULL, 0, NULL);
}

static void wrong(struct work_rig *r)
{
    static const struct {
        const char *method, *path, *body;
        enum err e;
    } calls[] = {
        {"POST", "/v1/tasks", "{", ERR_PARSE},
        {"POST", "/v1/tasks", "{\"prompt\":5}", ERR_PARSE},
        {"GET", "/v1/nothing", "", ERR_NOTFOUND},
        {"DELETE", "/v1/tasks", "", ERR_METHOD},
        {"GET", "/v1/tasks/x", "", ERR_NOTFOUND},
        {"GET", "/v1/tasks/task_01hqzw5x8k3m9v2t7r4n6p8s0a", "", ERR_NOTFOUND},
        {"POST", "/v1/tasks/task_01hqzw5x8k3m9v2t7r4n6p8s0a/cancel", "{}",
         ERR_NOTFOUND},
        {"POST", "/v1/reviews/task_01hqzw5x8k3m9v2t7r4n6p8s0a",
         "{\"action\":\"skip\"}", ERR_NOTFOUND},
        {"GET", "/v1/tasks?limit=x", "", ERR_PARSE},
        {"GET", "/v1/tasks?limit=201", "", ERR_PARSE},
        {"GET", "/v1/tasks?limt=3", "", ERR_PARSE},
    };
    CLEANUP(buf_done) struct buf out = BUF_INIT(1 << 20);
    struct why w;

    for (size_t i = 0; i < COUNTOF(calls); i++) {
        enum err e = work_rig_call(r, calls[i].method, calls[i].path,
                                   calls[i].body, &out, &w);

        if (e != calls[i].e)
            print_error("%s %s: %s %s\n", calls[i].method, calls[i].path,
                        err_name(e), w.msg);
        CHECK(e == calls[i].e);
        CHECK(w.msg[0] != '\0');
    }
}

static void raw(struct work_rig *r, const char *method, const char *path,
                struct buf *out, int *status)
{
    CLEANUP(buf_done) struct buf url = BUF_INIT(1000);

    buf_clear(out);
    CHECK(buf_printf(&url, "http://work%s", path) == ERR_OK);
    CHECK(httpc_sync_get(&(struct httpc_request){.method = str_c(method),
                                                 .url = buf_str(&url),
                                                 .unix_path = str_c(r->socket),
                                                 .body = STR("{}")},
                         out, NULL, status, NULL)
          == ERR_OK);
}

static void shapes(struct work_rig *r)
{
    CLEANUP(buf_done) struct buf out = BUF_INIT(1 << 20);
    int status = 0;

    raw(r, "GET", "/v1/tasks/task_01hqzw5x8k3m9v2t7r4n6p8s0a", &out, &status);
    CHECK(status == 404);
    has(&out, "\"type\":\"invalid_request_error\",\"param\":null,"
              "\"code\":\"not_found\"}}");
    raw(r, "DELETE", "/v1/tasks", &out, &status);
    CHECK(status == 405);
    has(&out, "\"code\":\"method_not_allowed\"");
    raw(r, "POST", "/v1/tasks", &out, &status);
    CHECK(status == 400);
    has(&out, "\"type\":\"invalid_request_error\",\"param\":null,"
              "\"code\":null}}");
}

TEST(errors_have_the_types_and_codes_of_the_gateway)
{
    work_rig_run(shapes, NULL, 0, NULL);
}

static void queries(struct work_rig *r)
{
    static const char *const calls[][3] = {
        {"GET", "/v1/tasks?limt=3", "limt"},
        {"GET", "/v1/tasks?limit=3&after=1", "after"},
        {"GET", "/v1/tasks/x?a", "a"},
        {"GET", "/v1/tasks/x/events?limit=1", "limit"},
        {"POST", "/v1/tasks?stream=1", "stream"},
        {"POST", "/v1/tasks/x/cancel?now=1", "now"},
        {"GET", "/v1/reviews?limit=1", "limit"},
        {"POST", "/v1/reviews/x?b=1", "b"},
    };
    CLEANUP(buf_done) struct buf out = BUF_INIT(1 << 20);
    char want[100];
    int status = 0;

    for (size_t i = 0; i < COUNTOF(calls); i++) {
        raw(r, calls[i][0], calls[i][1], &out, &status);
        (void)snprintf(want, sizeof(want),
                       "\"param\":\"%s\",\"code\":\"unknown_parameter\"",
                       calls[i][2]);
        CHECK(status == 400);
        has(&out, want);
    }
    has(&out, "Unknown parameter: 'b'. POST /v1/reviews/* takes none.");
    raw(r, "GET", "/v1/tasks?limit=3&before=", &out, &status);
    CHECK(status == 200);
}

TEST(a_parameter_that_a_route_does_not_take_is_refused_by_name) /* [TASK-13] */
{
    work_rig_run(queries, NULL, 0, NULL);
}

TEST(wrong_requests_are_refused_with_words)
{
    work_rig_run(wrong, NULL, 0, NULL);
}

static enum err slow_reader(void *ctx, struct str event, struct str data)
{
    struct buf *names = ctx;

    (void)data;
    clock_sleep_ms(3);
    return buf_printf(names, "%.*s\n", STR_ARG(event));
}

/* An answer far over what may wait for a client. */
static void slow(struct work_rig *r)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT(1 << 20);
    CLEANUP(buf_done) struct buf names = BUF_INIT(1 << 20);
    struct why w = WHY_INIT;

    while (text.len < 900000)
        CHECK(buf_add_c(&text, "all work and no play makes jack a dull boy\n")
              == ERR_OK);
    CHECK(buf_add_c(&text, "```python\ndef f(x):\n    return x * x\n```\n")
          == ERR_OK);
    r->answer = text.data;
    CHECK(client_stream(&r->client, STR("POST"), STR("/v1/tasks"),
                        STR(SQUARE "}"), slow_reader, &names, &w)
          == ERR_OK);
    has(&names, "attempt.answer\n");
    has(&names, "task.done\n");
}

TEST(an_answer_larger_than_the_queue_reaches_a_slow_client_whole)
{
    work_rig_run(slow, NULL, 0, NULL);
}
