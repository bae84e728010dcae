#include "net/relay.h"

#include "base/mem.h"

enum {
    URL_MAX = 16384,
    UP_MAX = 256 << 10, /* of a streamed body, not yet with the upstream */
    UP_PAUSE = 64 << 10 /* the client waits from here on */
};

struct relay {
    struct server *server;
    struct http_ref ref;
    struct httpc_call *call;
    struct buf body; /* collected: sent from here */
    struct buf up;   /* streamed: what came and did not go yet */
    struct str (*on_fail)(void *ctx, enum err e, const struct why *why,
                          struct buf *body);
    void (*on_over)(void *ctx, int status, enum err e);
    void *ctx;
    enum err begin; /* of the answer, when it could not begin */
    int status;     /* sent to the client */
    bool has_begun, up_ended, up_waits;
};

/* ---- fields ---- */

static bool is_one_of(struct str name, const struct str *set, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (str_eq_nocase(name, set[i]))
            return true;
    return false;
}

/* RFC 9110 7.6.1, and what Connection names. */
static bool is_hop_by_hop(const struct http1_head *h, struct str name)
{
    static const struct str names[] = {{"connection", 10},
                                       {"keep-alive", 10},
                                       {"te", 2},
                                       {"trailer", 7},
                                       {"upgrade", 7},
                                       {"transfer-encoding", 17},
                                       {"proxy-connection", 16},
                                       {"proxy-authenticate", 18},
                                       {"proxy-authorization", 19},
                                       {"proxy-authentication-info", 25}};

    return is_one_of(name, names, COUNTOF(names))
           || http1_has_token(h, STR("connection"), name);
}

/* What the client library writes itself. */
static bool is_rewritten(struct str name)
{
    static const struct str names[] = {
        {"host", 4}, {"content-length", 14}, {"expect", 6}};

    return is_one_of(name, names, COUNTOF(names));
}

static bool is_replaced(const struct relay_target *t, struct str name)
{
    for (size_t i = 0; i < t->extra_count; i++)
        if (str_eq_nocase(t->extra[i].name, name))
            return true;
    return is_one_of(name, t->drop, t->drop_count);
}

/* `out` has room for all of them. */
static size_t request_fields(const struct http1_head *h,
                             const struct relay_target *t,
                             struct http1_field *out)
{
    size_t n = 0;

    for (size_t i = 0; i < h->field_count; i++) {
        struct str name = h->fields[i].name;

        if (!is_hop_by_hop(h, name) && !is_rewritten(name)
            && !is_replaced(t, name))
            out[n++] = h->fields[i];
    }
    for (size_t i = 0; i < t->extra_count; i++)
        out[n++] = t->extra[i];
    return n;
}

/* ---- the end ---- */

static void relay_free(struct relay *r)
{
    buf_done(&r->body);
    buf_done(&r->up);
    mem_free(r);
}

static void over(struct relay *r, enum err e)
{
    if (r->on_over != NULL)
        r->on_over(r->ctx, r->status, e);
    relay_free(r);
}

static int status_of(enum err e)
{
    switch (e) {
    case ERR_TIMEOUT:
        return 504;
    case ERR_IO: /* nobody listens, or it just went */
    case ERR_NOMEM:
        return 503;
    default:
        return 502;
    }
}

/* The upstream failed before its head came. */
static void say_failed(struct relay *r, enum err e, const struct why *why)
{
    struct http_answer a = {.status = status_of(e),
                            .type = STR("text/plain; charset=utf-8")};
    struct buf body = BUF_INIT(UP_MAX);
    enum err put = ERR_OK;

    if (r->on_fail != NULL)
        a.type = r->on_fail(r->ctx, e, why, &body);
    else
        put = buf_printf(&body, "%s\n", err_why(why));
    if (put == ERR_OK)
        put = http_respond(r->server, r->ref, &a, buf_str(&body));
    if (put == ERR_OK)
        r->status = a.status;
    else
        http_stream_abort(r->server, r->ref);
    buf_done(&body);
}

/* ---- from the upstream to the client ---- */

static void on_head(void *ctx, const struct httpc_answer *up)
{
    struct relay *r = ctx;
    struct http1_head h = {.fields = up->fields,
                           .field_count = up->field_count};
    struct http1_field *fields =
        mem_calloc(MAX(up->field_count, (size_t)1), sizeof(*fields));
    struct http_answer a = {.status = up->status, .fields = fields};

    if (fields == NULL) {
        r->begin = ERR_NOMEM;
        return;
    }
    for (size_t i = 0; i < up->field_count; i++)
        if (!is_hop_by_hop(&h, up->fields[i].name))
            fields[a.field_count++] = up->fields[i];
    r->begin = http_stream_begin(r->server, r->ref, &a);
    if (r->begin == ERR_OK) {
        r->has_begun = true;
        r->status = up->status;
    }
    mem_free(fields);
}

static enum err on_data(void *ctx, struct str bytes)
{
    struct relay *r = ctx;

    return r->has_begun ? http_stream_write(r->server, r->ref, bytes)
                        : r->begin;
}

static void on_done(void *ctx, enum err e, const struct why *why)
{
    struct relay *r = ctx;
    struct why ours = WHY_INIT;

    r->call = NULL;
    if (!r->has_begun && r->begin != ERR_OK) {
        e = FAIL(&ours, r->begin == ERR_RANGE ? ERR_PROTOCOL : r->begin,
                 "the upstream's answer cannot be passed on");
        why = &ours;
    }
    if (!r->has_begun)
        say_failed(r, e, why);
    else if (e != ERR_OK)
        http_stream_abort(r->server, r->ref);
    else
        e = http_stream_end(r->server, r->ref);
    over(r, e);
}

/* ---- from the client to the upstream ---- */

static enum err on_need(void *ctx, char *dst, size_t cap, size_t *n)
{
    struct relay *r = ctx;

    if (r->up.len == 0 && !r->up_ended) {
        r->up_waits = true;
        return ERR_AGAIN;
    }
    *n = MIN(cap, r->up.len);
    if (*n != 0)
        memcpy(dst, r->up.data, *n);
    buf_drop(&r->up, *n);
    if (r->up.len < UP_PAUSE)
        http_body_resume(r->server, r->ref);
    return ERR_OK;
}

static void up_moves(struct relay *r)
{
    if (r->up_waits && r->call != NULL)
        httpc_resume(r->call);
    r->up_waits = false;
}

static void on_body(void *ctx, struct http_ref ref, struct str piece)
{
    struct relay *r = ctx;

    if (buf_add(&r->up, piece) != ERR_OK) {
        /* No memory: the upstream must not take half a body for a whole. */
        httpc_cancel(TAKE(r->call));
        say_failed(r, ERR_NOMEM, &WHY_INIT);
        over(r, ERR_NOMEM);
        return;
    }
    if (r->up.len >= UP_PAUSE)
        http_body_pause(r->server, ref);
    up_moves(r);
}

static void on_body_end(void *ctx, struct http_ref ref)
{
    struct relay *r = ctx;

    (void)ref;
    r->up_ended = true;
    up_moves(r);
}

static void on_drain(void *ctx, struct http_ref ref)
{
    struct relay *r = ctx;

    (void)ref;
    if (r->call != NULL)
        httpc_resume(r->call);
}

static void on_abort(void *ctx, struct http_ref ref)
{
    struct relay *r = ctx;

    (void)ref;
    if (r->call != NULL)
        httpc_cancel(r->call);
    over(r, ERR_CANCELLED);
}

/* ---- the start ---- */

static enum err begin_call(struct relay *r, struct http_req *req,
                           const struct relay_target *t,
                           struct http1_field *fields, struct why *why)
{
    static const struct httpc_events events = {on_head, on_data, on_done};
    const struct http1_head *h = req->head;
    struct buf url = BUF_INIT(URL_MAX);
    struct httpc_request rq = {.method = h->method,
                               .unix_path = t->unix_path,
                               .fields = fields,
                               .connect_ms = t->connect_ms,
                               .stall_ms = t->stall_ms,
                               .head_ms = t->head_ms,
                               .answer_max = UINT64_MAX};
    enum err e;

    e = buf_printf(&url, "%.*s%.*s%s%.*s", STR_ARG(t->base_url),
                   STR_ARG(h->path), h->query.n != 0 ? "?" : "",
                   STR_ARG(h->query));
    if (e != ERR_OK)
        return FAIL(why, e, "the upstream URL: %s", err_text(e));
    rq.url = buf_str(&url);
    rq.field_count = request_fields(h, t, fields);
    if (req->is_streamed && (h->chunked || h->length != 0)) {
        rq.on_need = on_need;
        rq.has_body_length = !h->chunked;
        rq.body_length = h->length;
    } else {
        http_take_body(req, &r->body);
        rq.body = buf_str(&r->body);
    }
    e = httpc_start(t->client, &rq, &events, r, &r->call, why);
    buf_done(&url);
    return e;
}

enum err relay_start(struct http_req *req, const struct relay_target *t,
                     struct why *why)
{
    static const struct http_events events = {on_body, on_body_end, on_drain,
                                              on_abort};
    struct relay *r = mem_zalloc(sizeof(*r));
    struct http1_field *fields = mem_calloc(
        req->head->field_count + t->extra_count + 1, sizeof(*fields));
    enum err e = ERR_NOMEM;

    if (r != NULL && fields != NULL) {
        r->server = req->server;
        r->ref = req->ref;
        r->up = BUF_INIT(UP_MAX);
        r->on_fail = t->on_fail;
        r->on_over = t->on_over;
        r->ctx = t->ctx;
        e = begin_call(r, req, t, fields, why);
    } else {
        e = FAIL(why, ERR_NOMEM, "no memory to pass the request on");
    }
    mem_free(fields);
    if (e == ERR_OK)
        http_follow(req, &events, r);
    else if (r != NULL)
        relay_free(r);
    return e;
}
