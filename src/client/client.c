#include "client/client.h"

#include "data/json.h"
#include "data/sse.h"
#include "net/httpc_sync.h"

struct stream {
    struct sse sse;
    client_event_fn *on_event;
    void *ctx;
    struct why *why;
    bool stopped;     /* by on_event: its error is not the server's */
    struct why cause; /* what on_event said of it, if it said something */
    bool is_error;    /* the head said 400 or more: collect, do not parse */
    struct buf error; /* body of such an answer */
};

struct client client_unix(struct str unix_path, const atomic_bool *cancel)
{
    return (struct client){.unix_path = unix_path,
                           .base_url = STR("http://hearth"),
                           .cancel = cancel};
}

static enum err from_status(int status)
{
    /* The first code of err.def with this status is the closest in meaning. */
    for (int e = ERR_OK + 1; e < ERR_COUNT; e++)
        if (err_http((enum err)e) == status)
            return (enum err)e;
    return status >= 500 ? ERR_IO : ERR_PARSE;
}

static enum err refused(int status, struct str body, struct why *why)
{
    CLEANUP(json_done) struct json_doc doc = JSON_DOC_INIT;
    struct str text = STR_EMPTY;

    if (json_parse(&doc, body, NULL, NULL) == ERR_OK) {
        struct json error = json_get(json_root(&doc), "error");

        text = json_str(json_get(error, "message"));
        if (text.n == 0)
            text = json_str(error);
    }
    if (text.n == 0)
        return FAIL(why, from_status(status),
                    "the server answered with status %d", status);
    return FAIL(why, from_status(status), "%.*s", STR_ARG(text));
}

static enum err explain(const struct client *c, enum err e, struct why *why)
{
    if (e == ERR_IO && c->unix_path.n != 0)
        return FAIL(why, ERR_IO,
                    "hearth does not answer at %.*s; start it with "
                    "`hearth serve`",
                    STR_ARG(c->unix_path));
    return e;
}

static const struct http1_field json_field[] = {
    {.name = {"content-type", 12}, .value = {"application/json", 16}},
};

static enum err prepare(const struct client *c, struct str method,
                        struct str path, struct str body, struct buf *url,
                        struct httpc_request *rq)
{
    TRY(buf_add(url, c->base_url));
    TRY(buf_add(url, path));
    *rq = (struct httpc_request){.method = method,
                                 .url = buf_str(url),
                                 .unix_path = c->unix_path,
                                 .body = body,
                                 .stall_ms = 600000,
                                 .answer_max = CLIENT_ANSWER_MAX};
    if (body.n != 0) {
        rq->fields = json_field;
        rq->field_count = COUNTOF(json_field);
    }
    return ERR_OK;
}

enum err client_call(const struct client *c, struct str method, struct str path,
                     struct str body, struct buf *answer, struct why *why)
{
    CLEANUP(buf_done) struct buf url = BUF_INIT(8192);
    size_t before = answer->len;
    struct httpc_request rq;
    int status = 0;
    enum err e;

    TRY(prepare(c, method, path, body, &url, &rq));
    e = httpc_sync_get(&rq, answer, c->cancel, &status, why);
    if (e != ERR_OK)
        return explain(c, e, why);
    if (status >= 400) {
        e = refused(status, str_sub(buf_str(answer), before, SIZE_MAX), why);
        answer->len = before;
        return e;
    }
    return ERR_OK;
}

static enum err on_head(void *ctx, const struct httpc_answer *a)
{
    struct stream *s = ctx;

    s->is_error = a->status >= 400;
    return ERR_OK;
}

static enum err on_data(void *ctx, struct str bytes)
{
    struct stream *s = ctx;

    if (s->is_error)
        return buf_add(&s->error, bytes);
    for (;;) {
        struct sse_event ev;
        bool got;

        TRY(sse_next(&s->sse, &bytes, &ev, &got, s->why));
        if (!got)
            return ERR_OK;
        enum err e = s->on_event(s->ctx, ev.event, ev.data);
        if (e != ERR_OK) {
            s->stopped = true;
            if (s->why != NULL)
                s->cause = *s->why;
            return e;
        }
    }
}

static void stream_done(struct stream *s)
{
    sse_done(&s->sse);
    buf_done(&s->error);
}

enum err client_stream(const struct client *c, struct str method,
                       struct str path, struct str body,
                       client_event_fn *on_event, void *ctx, struct why *why)
{
    CLEANUP(buf_done) struct buf url = BUF_INIT(8192);
    CLEANUP(stream_done)
    struct stream s = {.on_event = on_event,
                       .ctx = ctx,
                       .why = why,
                       .error = BUF_INIT(1 << 20)};
    struct httpc_sync_events events = {on_head, on_data, &s};
    struct httpc_request rq;
    int status = 0;
    enum err e;

    sse_init(&s.sse, CLIENT_EVENT_MAX);
    TRY(prepare(c, method, path, body, &url, &rq));
    e = httpc_sync(&rq, &events, c->cancel, &status, why);
    if (s.stopped) {
        if (why != NULL && s.cause.code == e)
            *why = s.cause;
        return e;
    }
    if (e != ERR_OK)
        return explain(c, e, why);
    if (s.is_error)
        return refused(status, buf_str(&s.error), why);
    if (sse_pending(&s.sse))
        return FAIL(why, ERR_EOF, "the answer was cut off in mid-event");
    return ERR_OK;
}
