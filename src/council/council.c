/*
 * council.c - one sitting: a call to the gateway whose chunks become events of
 * ours. Everything is on the loop: a slow client stops the gateway's stream
 * (ERR_AGAIN, httpc_resume), a client that leaves ends it.
 */
#include "council/council.h"

#include "base/mem.h"
#include "data/json.h"
#include "data/jsonw.h"
#include "data/sse.h"

enum {
    BODY_MAX = 2 << 20,
    CHUNK_MAX = 1 << 20, /* one event of the gateway */
    OUT_MAX = 4 << 20,
    ERROR_MAX = 64 << 10,
    STALL_MS = 600000,
    /* The head goes out after this at the latest, also when the gateway has
     * none yet (it loads a model): who passes us on may take silence for a
     * hang. A refusal that comes later is an event. */
    PATIENCE_MS = 5000
};

struct sitting {
    struct work_web *web;
    struct http_ref ref;
    struct httpc_call *call; /* NULL: over */
    struct buf body;
    struct sse sse;
    struct buf out; /* events for the client, from out_at on */
    size_t out_at;
    struct buf error; /* body of the gateway's refusal */
    int status;       /* of the gateway */
    uint64_t prompt_tokens, cached_tokens, completion_tokens, from_ms;
    unsigned done; /* roles that have ended */
    struct timer patience;
    bool begun, ends;
};

static unsigned sittings; /* now; on the loop's thread only */

static void sitting_free(struct sitting *s)
{
    if (s->call != NULL)
        httpc_cancel(TAKE(s->call));
    timer_stop(&s->patience);
    buf_done(&s->body);
    sse_done(&s->sse);
    buf_done(&s->out);
    buf_done(&s->error);
    mem_free(s);
    sittings--;
}

/* ---- to the client ------------------------------------------------------------------ */

/* ERR_OK: all is out; the sitting may be gone when it ends. ERR_AGAIN: the
 * client is slow. */
static enum err flush(struct sitting *s)
{
    enum { SLICE = 64 << 10 };

    while (s->out_at < s->out.len) {
        struct str slice = str_sub(buf_str(&s->out), s->out_at, SLICE);

        TRY(http_stream_write(s->web->server, s->ref, slice));
        s->out_at += slice.n;
    }
    buf_clear(&s->out);
    s->out_at = 0;
    if (s->ends) {
        (void)http_stream_end(s->web->server, s->ref);
        sitting_free(s);
    }
    return ERR_OK;
}

static void abort_stream(struct sitting *s)
{
    http_stream_abort(s->web->server, s->ref);
    sitting_free(s);
}

static void on_drain(void *ctx, struct http_ref ref)
{
    struct sitting *s = ctx;
    struct httpc_call *call = s->call;
    enum err e = flush(s);

    (void)ref;
    if (e == ERR_OK && call != NULL)
        httpc_resume(call);
    else if (e != ERR_OK && e != ERR_AGAIN && e != ERR_EOF)
        abort_stream(s);
}

static void on_abort(void *ctx, struct http_ref ref)
{
    (void)ref;
    sitting_free(ctx);
}

static enum err emit(struct sitting *s, const char *event,
                     const struct buf *data)
{
    return sse_add_data(&s->out, event, buf_str(data));
}

/* ---- from the gateway ---------------------------------------------------------------- */

static enum err on_choice(struct sitting *s, struct json choice)
{
    CLEANUP(buf_done) struct buf data = BUF_INIT(CHUNK_MAX * 2);
    struct str text = json_str(json_get(json_get(choice, "delta"), "content"));
    struct str finish = json_str(json_get(choice, "finish_reason"));
    struct jsonw w = JSONW_INIT(&data);
    uint64_t index = 0;

    TRY(json_get_u64(choice, "index", 0, ROLE_COUNT - 1, &index, NULL));
    if (text.n != 0) {
        jsonw_obj(&w);
        jsonw_key_cstr(&w, "role", role_name((enum role)index));
        jsonw_key_str(&w, "text", text);
        jsonw_obj_end(&w);
        TRY(jsonw_end(&w));
        TRY(emit(s, "role.delta", &data));
    }
    if (finish.n == 0)
        return ERR_OK;
    buf_clear(&data);
    w = JSONW_INIT(&data);
    s->done++;
    jsonw_obj(&w);
    jsonw_key_cstr(&w, "role", role_name((enum role)index));
    jsonw_key_str(&w, "finish", finish);
    jsonw_obj_end(&w);
    TRY(jsonw_end(&w));
    return emit(s, "role.done", &data);
}

static enum err on_usage(struct sitting *s, struct json usage)
{
    struct json details = json_get(usage, "prompt_tokens_details");

    TRY(json_opt_u64(usage, "prompt_tokens", 0, UINT32_MAX, &s->prompt_tokens,
                     NULL));
    TRY(json_opt_u64(usage, "completion_tokens", 0, UINT32_MAX,
                     &s->completion_tokens, NULL));
    if (json_type(details) == JSON_OBJECT)
        TRY(json_opt_u64(details, "cached_tokens", 0, UINT32_MAX,
                         &s->cached_tokens, NULL));
    return ERR_OK;
}

static enum err add_error(struct sitting *s, enum err e, const struct why *w)
{
    CLEANUP(buf_done) struct buf data = BUF_INIT(4096);

    TRY(work_web_error_json(e, w, &data));
    return emit(s, "error", &data);
}

static enum err on_chunk(struct sitting *s, struct str data)
{
    CLEANUP(json_done) struct json_doc doc = JSON_DOC_INIT;
    struct json_iter it;
    struct json v, item;
    struct str key;

    if (str_eq(data, STR("[DONE]")))
        return ERR_OK;
    TRY(json_parse(&doc, data, NULL, NULL));
    v = json_root(&doc);
    if (json_type(json_get(v, "error")) == JSON_OBJECT) {
        struct why why = WHY_INIT;

        (void)FAIL(
            &why, ERR_RUNNER, "%.*s",
            STR_ARG(json_str(json_get(json_get(v, "error"), "message"))));
        return add_error(s, ERR_RUNNER, &why);
    }
    if (json_type(json_get(v, "usage")) == JSON_OBJECT)
        TRY(on_usage(s, json_get(v, "usage")));
    for (it = json_iter(json_get(v, "choices")); json_next(&it, &key, &item);)
        TRY(on_choice(s, item));
    return ERR_OK;
}

static enum err begin(struct sitting *s)
{
    const struct http_answer a = {
        .status = 200, .type = STR("text/event-stream; charset=utf-8")};

    s->begun = true;
    timer_stop(&s->patience);
    return http_stream_begin(s->web->server, s->ref, &a);
}

static void on_patience(void *ctx)
{
    struct sitting *s = ctx;
    enum err e = begin(s);

    if (e == ERR_OK)
        e = buf_add(&s->out, STR(": the gateway has not answered yet\n\n"));
    if (e == ERR_OK)
        e = flush(s);
    if (e != ERR_OK && e != ERR_AGAIN && e != ERR_EOF)
        abort_stream(s);
}

static void on_head(void *ctx, const struct httpc_answer *a)
{
    struct sitting *s = ctx;

    s->status = a->status;
}

static enum err on_data(void *ctx, struct str bytes)
{
    struct sitting *s = ctx;

    if (s->status != 200)
        return buf_add(&s->error, str_sub(bytes, 0, ERROR_MAX - s->error.len));
    if (s->out.len != 0)
        return ERR_AGAIN; /* on_drain resumes */
    if (!s->begun)
        TRY(begin(s));
    for (;;) {
        struct sse_event ev;
        bool got = false;
        enum err e;

        TRY(sse_next(&s->sse, &bytes, &ev, &got, NULL));
        if (got) {
            TRY(on_chunk(s, ev.data));
            continue;
        }
        e = flush(s);
        return e == ERR_AGAIN ? ERR_OK : e; /* these bytes are taken */
    }
}

/* ---- the end -------------------------------------------------------------------------- */

static enum err add_done(struct sitting *s)
{
    CLEANUP(buf_done) struct buf data = BUF_INIT(4096);
    struct jsonw w = JSONW_INIT(&data);

    jsonw_obj(&w);
    jsonw_key_u64(&w, "roles", ROLE_COUNT);
    jsonw_key_u64(&w, "prompt_tokens", s->prompt_tokens);
    jsonw_key_u64(&w, "cached_tokens", s->cached_tokens);
    jsonw_key_u64(&w, "completion_tokens", s->completion_tokens);
    jsonw_key_u64(&w, "ms", loop_now(s->web->loop) - s->from_ms);
    jsonw_obj_end(&w);
    TRY(jsonw_end(&w));
    return emit(s, "council.done", &data);
}

/* The gateway refused: its words, its status. */
static void refuse(struct sitting *s, enum err e, const struct why *why)
{
    const struct http_answer a = {.status = s->status,
                                  .type = STR("application/json")};

    if (e == ERR_OK
        && http_respond(s->web->server, s->ref, &a, buf_str(&s->error))
               == ERR_OK) {
        sitting_free(s);
        return;
    }
    work_web_error(s->web, s->ref, e != ERR_OK ? ERR_AGAIN : ERR_PROTOCOL, why);
    sitting_free(s);
}

static void on_done(void *ctx, enum err e, const struct why *why)
{
    struct sitting *s = ctx;

    s->call = NULL;
    if (!s->begun) {
        refuse(s, e, why);
        return;
    }
    if (e == ERR_OK && s->status != 200) /* too late for its status */
        e = emit(s, "error", &s->error);
    else if (e == ERR_OK && s->done == ROLE_COUNT)
        e = add_done(s);
    else
        e = add_error(s, e != ERR_OK ? e : ERR_EOF, why);
    s->ends = true;
    if (e == ERR_OK)
        e = flush(s);
    if (e != ERR_OK && e != ERR_AGAIN && e != ERR_EOF)
        abort_stream(s);
}

/* ---- the beginning --------------------------------------------------------------------- */

/* The strongest model of the chain, unless another is named. */
static struct str default_model(const struct work_web *web)
{
    struct str list = web->options->tasks_tiers, name = STR_EMPTY;

    while (list.n != 0) {
        struct str next = str_trim(str_cut(&list, ','));

        name = next.n != 0 ? next : name;
    }
    return name;
}

static enum err read_question(struct work_web *web, struct json v,
                              struct council_question *q, struct why *w)
{
    *q = (struct council_question){STR_EMPTY, STR_EMPTY, default_model(web)};
    TRY(json_get_str(v, "question", &q->question, w));
    TRY(json_opt_str(v, "code", &q->code, w));
    TRY(json_opt_str(v, "model", &q->model, w));
    if (str_trim(q->question).n == 0)
        return json_fail(json_get(v, "question"), ERR_PARSE, w, "is empty");
    if (q->question.n > COUNCIL_QUESTION_MAX)
        return json_fail(json_get(v, "question"), ERR_LIMIT, w,
                         "is longer than %d bytes", COUNCIL_QUESTION_MAX);
    if (q->code.n > COUNCIL_CODE_MAX)
        return json_fail(json_get(v, "code"), ERR_LIMIT, w,
                         "is longer than %d bytes", COUNCIL_CODE_MAX);
    return ERR_OK;
}

static enum err start(struct sitting *s, struct why *w)
{
    static const struct http1_field json[] = {
        {{"content-type", 12}, {"application/json", 16}}};
    static const struct httpc_events events = {on_head, on_data, on_done};
    struct httpc_request rq = {.method = STR("POST"),
                               .url = STR("http://hearth/v1/chat/completions"),
                               .unix_path = str_c(s->web->gateway_socket),
                               .fields = json,
                               .field_count = COUNTOF(json),
                               .body = buf_str(&s->body),
                               .stall_ms = STALL_MS};

    return httpc_start(s->web->client, &rq, &events, s, &s->call, w);
}

static enum err sit(struct work_web *web, struct http_req *req, struct str arg,
                    struct why *w)
{
    static const struct http_events events = {.on_drain = on_drain,
                                              .on_abort = on_abort};
    CLEANUP(json_done) struct json_doc doc = JSON_DOC_INIT;
    struct council_question q;
    struct sitting *s;
    enum err e;

    (void)arg;
    if (sittings >= COUNCIL_MAX)
        return FAIL(w, ERR_BUSY, "%d councils sit already", COUNCIL_MAX);
    TRY(json_parse(&doc, req->body, NULL, w));
    TRY(read_question(web, json_root(&doc), &q, w));
    s = mem_zalloc(sizeof(*s));
    if (s == NULL)
        return FAIL(w, ERR_NOMEM, "no memory for a council");
    *s = (struct sitting){.web = web,
                          .ref = req->ref,
                          .body = BUF_INIT(BODY_MAX),
                          .out = BUF_INIT(OUT_MAX),
                          .error = BUF_INIT(ERROR_MAX),
                          .from_ms = loop_now(web->loop)};
    sittings++;
    timer_init(&s->patience, on_patience, s);
    sse_init(&s->sse, CHUNK_MAX);
    e = council_body(&q, &s->body);
    if (e == ERR_OK)
        e = start(s, w);
    if (e != ERR_OK) {
        sitting_free(s);
        return e;
    }
    http_follow(req, &events, s);
    loop_timer_start(web->loop, &s->patience,
                     web->patience_ms != 0 ? web->patience_ms : PATIENCE_MS);
    return ERR_OK;
}

const struct work_route council_routes[COUNCIL_ROUTES] = {
    {"POST", "/v1/council", BODY_MAX, sit},
};
