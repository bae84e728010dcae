/*
 * forward.c - what belongs to the orchestrator (tasks, council, reviews) is
 * passed to its Unix socket as it comes, and its answer back (net/relay.h).
 * While it is down, serving goes on and these routes answer 503.
 */
#include "base/mem.h"
#include "gateway/exch.h"
#include "gateway/handlers.h"
#include "net/relay.h"

/* A task may think for long: it sends signs of life, and a client that leaves
 * ends it. But the orchestrator begins every answer at once: one that does not
 * hangs, and its supervisor sees to it [IPC-15]. */
enum { STALL_MS = 3600 * 1000, HEAD_MS = 10 * 1000 };

static struct str on_fail(void *ctx, enum err e, const struct why *why,
                          struct buf *body)
{
    struct oai_err o = OAI_ERR_INIT;

    (void)ctx;
    if (e == ERR_TIMEOUT)
        (void)oai_err_fail(&o, e, NULL, "orchestrator_timeout",
                           "the orchestrator did not begin to answer within "
                           "%d s: it hangs or has too much to do. It may have "
                           "taken the request: look before you send it again "
                           "(GET /v1/tasks), or send it with the same "
                           "idempotency key",
                           HEAD_MS / 1000);
    else
        (void)oai_err_fail(&o, ERR_AGAIN, NULL, "orchestrator_unavailable",
                           "the orchestrator does not answer (%s: %s)",
                           err_name(e), err_why(why));
    if (oai_err_write(&o, body) != ERR_OK)
        buf_clear(body);
    return STR("application/json");
}

static void on_over(void *ctx, int status, enum err e)
{
    struct exch *x = ctx;

    if (status == 0 || e == ERR_EOF) {
        exch_gone(x);
    } else {
        x->status = status;
        exch_over(x);
    }
    mem_free(x);
}

void forward_work(struct gw *gw, struct http_req *req,
                  const struct route *route, struct str arg)
{
    /* The client's key is the gateway's business. */
    static const struct str drop[] = {{"authorization", 13}, {"cookie", 6}};
    struct exch *x = mem_zalloc(sizeof(*x));
    struct http1_field extra[2];
    struct relay_target t = {
        .client = gw->httpc,
        .base_url = STR("http://work"),
        .unix_path = str_c(gw->work_socket),
        .extra = extra,
        .extra_count = COUNTOF(extra),
        .drop = drop,
        .drop_count = COUNTOF(drop),
        .stall_ms = STALL_MS,
        .head_ms = HEAD_MS,
        .on_fail = on_fail,
        .on_over = on_over,
        .ctx = x,
    };
    struct why why = WHY_INIT;

    (void)arg;
    if (x == NULL) {
        http_stream_abort(gw->server, req->ref);
        return;
    }
    exch_begin(x, gw, req, route);
    extra[0] = (struct http1_field){STR("X-Request-Id"), str_c(x->id)};
    extra[1] = (struct http1_field){STR("X-Hearth-Peer"), str_c(x->peer)};
    if (relay_start(req, &t, &why) == ERR_OK)
        return;
    exch_refuse_why(x, &why);
    mem_free(x);
}
