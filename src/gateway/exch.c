#include "gateway/exch.h"

#include <inttypes.h>

#include "sys/clock.h"
#include "sys/log.h"

enum { ERROR_MAX = 8192, FIELDS_MAX = 12 };

/* What is said when there is no memory to say anything else. */
static const struct str no_memory = {
    "{\"error\":{\"message\":\"out of memory\",\"type\":\"server_error\","
    "\"param\":null,\"code\":null}}",
    sizeof("{\"error\":{\"message\":\"out of memory\",\"type\":"
           "\"server_error\",\"param\":null,\"code\":null}}")
        - 1};

/* A client's own id is kept when it cannot do harm in a log or a header. */
static bool is_good_id(struct str id)
{
    if (id.n == 0 || id.n >= EXCH_ID_MAX)
        return false;
    for (size_t i = 0; i < id.n; i++) {
        char c = id.p[i];

        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z')
              || (c >= 'A' && c <= 'Z') || c == '-' || c == '_' || c == '.'
              || c == ':'))
            return false;
    }
    return true;
}

void exch_begin(struct exch *x, struct gw *gw, struct http_req *req,
                const struct route *route)
{
    struct str id = http1_field(req->head, STR("x-request-id"));
    struct http_peer peer;

    *x = (struct exch){
        .gw = gw,
        .ref = req->ref,
        .route = route,
        .start_us = clock_us(),
        .origin = STR_EMPTY,
        .model = STR_EMPTY,
        .body_bytes = req->body.n,
    };
    if (!is_good_id(id) || !str_z(id, x->id, sizeof(x->id)))
        (void)snprintf(x->id, sizeof(x->id), "%s", gw_id("req").text);
    if (req->listener != gw->unix_socket
        && origin_check(&gw->rules, req->head, &x->origin, NULL) != ERR_OK)
        x->origin = STR_EMPTY;
    if (http_peer(req, &peer) == ERR_OK)
        (void)snprintf(x->peer, sizeof(x->peer), "%s",
                       peer.is_unix ? "unix" : peer.ip);
}

/* ---- fields ------------------------------------------------------------------- */

struct fields {
    struct http1_field list[FIELDS_MAX];
    size_t count;
    char ms[24], after[24], after_ms[24];
};

static void field(struct fields *f, struct str name, const char *value)
{
    assert(f->count < FIELDS_MAX);
    f->list[f->count++] = (struct http1_field){name, str_c(value)};
}

static void common_fields(struct exch *x, struct fields *f)
{
    (void)snprintf(f->ms, sizeof(f->ms), "%" PRIu64,
                   (clock_us() - x->start_us) / 1000);
    field(f, STR("X-Request-Id"), x->id);
    field(f, STR("OpenAI-Processing-Ms"), f->ms);
    field(f, STR("X-Content-Type-Options"), "nosniff");
    if (x->origin.n == 0)
        return;
    f->list[f->count++] =
        (struct http1_field){STR("Access-Control-Allow-Origin"), x->origin};
    field(f, STR("Access-Control-Expose-Headers"),
          "x-request-id, openai-processing-ms, retry-after, retry-after-ms");
    field(f, STR("Vary"), "Origin");
}

/* The official clients retry on 408, 409, 429 and from 500 on unless told not
 * to; we tell them when another try is pointless. */
static void retry_fields(struct fields *f, const struct oai_err *o)
{
    int status = oai_err_status(o);
    uint64_t ms = o->retry_after_ms;

    if (ms != 0) {
        (void)snprintf(f->after, sizeof(f->after), "%" PRIu64,
                       (ms + 999) / 1000);
        (void)snprintf(f->after_ms, sizeof(f->after_ms), "%" PRIu64, ms);
        field(f, STR("Retry-After"), f->after);
        field(f, STR("Retry-After-Ms"), f->after_ms);
    } else if (status == 409 || status >= 500) {
        field(f, STR("X-Should-Retry"), "false");
    }
}

/* ---- the end --------------------------------------------------------------------- */

static void note_tokens(struct exch *x)
{
    struct metrics *m = &x->gw->metrics;

    metrics_add(m, METRICS_prompt_tokens, x->prompt_tokens);
    metrics_add(m, METRICS_cached_tokens, x->cached_tokens);
    metrics_add(m, METRICS_completion_tokens, x->completion_tokens);
    if (x->first_us != 0)
        metrics_observe(m, METRICS_first_token,
                        (double)(x->first_us - x->start_us) / 1e6);
}

void exch_over(struct exch *x)
{
    uint64_t us = clock_us() - x->start_us;

    if (x->over)
        return;
    x->over = true;
    metrics_request(&x->gw->metrics, route_index(x->route), x->status);
    metrics_observe(&x->gw->metrics, METRICS_duration, (double)us / 1e6);
    note_tokens(x);
    if (!x->gw->options->log_access)
        return;
    LOG(INFO, GATEWAY, "request", LOG_S("id", x->id),
        LOG_S("route", x->route != NULL ? x->route->path : "none"),
        LOG_U("status", x->status), LOG_S("peer", x->peer),
        LOG_F("ms", (double)us / 1e3), LOG_U("body_bytes", x->body_bytes),
        LOG_STR("model", x->model), LOG_U("prompt_tokens", x->prompt_tokens),
        LOG_U("cached_tokens", x->cached_tokens),
        LOG_U("completion_tokens", x->completion_tokens),
        LOG_F("first_ms", x->first_us == 0
                              ? 0.0
                              : (double)(x->first_us - x->start_us) / 1e3));
}

void exch_gone(struct exch *x)
{
    metrics_add(&x->gw->metrics, METRICS_cancelled, 1);
    x->status = 499;
    exch_over(x);
}

static void send_all(struct exch *x, int status, struct str type,
                     struct fields *f, struct str body)
{
    struct http_answer a = {status, type, f->list, f->count};
    enum err e;

    x->status = status;
    e = http_respond(x->gw->server, x->ref, &a, body);
    if (e != ERR_OK && e != ERR_EOF) {
        /* What cannot be said whole is not said in part. */
        x->status = err_http(e);
        a = (struct http_answer){x->status, STR("application/json"), NULL, 0};
        if (http_respond(x->gw->server, x->ref, &a, no_memory) != ERR_OK)
            http_stream_abort(x->gw->server, x->ref);
    }
    exch_over(x);
}

void exch_answer(struct exch *x, int status, const char *type, struct str body)
{
    struct fields f = {.count = 0};

    common_fields(x, &f);
    send_all(x, status, str_c(type), &f, body);
}

void exch_json(struct exch *x, int status, enum err written,
               const struct buf *body)
{
    struct why why = WHY_INIT;

    if (written == ERR_OK) {
        exch_answer(x, status, "application/json", buf_str(body));
        return;
    }
    (void)FAIL(&why, written, "the answer could not be written: %s",
               err_text(written));
    exch_refuse_why(x, &why);
}

void exch_refuse(struct exch *x, const struct oai_err *o)
{
    struct buf CLEANUP(buf_done) body = BUF_INIT(ERROR_MAX);
    struct fields f = {.count = 0};
    struct str text;

    common_fields(x, &f);
    retry_fields(&f, o);
    text = oai_err_write(o, &body) == ERR_OK ? buf_str(&body) : no_memory;
    send_all(x, oai_err_status(o), STR("application/json"), &f, text);
}

void exch_refuse_why(struct exch *x, const struct why *why)
{
    struct oai_err o = OAI_ERR_INIT;

    oai_err_from(&o, why, NULL);
    exch_refuse(x, &o);
}

/* ---- streams ----------------------------------------------------------------------- */

enum err exch_stream_begin(struct exch *x)
{
    struct fields f = {.count = 0};
    struct http_answer a = {200, STR("text/event-stream"), NULL, 0};
    enum err e;

    common_fields(x, &f);
    field(&f, STR("Cache-Control"), "no-cache");
    field(&f, STR("X-Accel-Buffering"), "no");
    a.fields = f.list;
    a.field_count = f.count;
    e = http_stream_begin(x->gw->server, x->ref, &a);
    if (e == ERR_OK) {
        x->status = 200;
        x->streaming = true;
    }
    return e;
}

enum err exch_stream_write(struct exch *x, struct str bytes)
{
    return http_stream_write(x->gw->server, x->ref, bytes);
}

void exch_stream_end(struct exch *x)
{
    (void)http_stream_end(x->gw->server, x->ref);
    exch_over(x);
}

void exch_stream_fail(struct exch *x, const struct oai_err *o)
{
    struct buf CLEANUP(buf_done) text = BUF_INIT(ERROR_MAX);

    /* Clients throw on a data object with a true `error`, also under 200. */
    if (buf_add(&text, STR("data: ")) == ERR_OK
        && oai_err_write(o, &text) == ERR_OK
        && buf_add(&text, STR("\n\n")) == ERR_OK
        && exch_stream_write(x, buf_str(&text)) == ERR_OK) {
        x->status = oai_err_status(o);
        exch_stream_end(x);
        return;
    }
    http_stream_abort(x->gw->server, x->ref);
    x->status = oai_err_status(o);
    exch_over(x);
}
