#include "net/httpc_sync.h"

#include "net/httpc_curl.h"
#include "sys/clock.h"

enum { LOOK_MS = 100 }; /* how often at least *cancel is looked at */

struct state {
    const struct httpc_sync_events *events;
    uint64_t moved_us; /* when a byte last moved */
};

enum err httpc_sync_global(struct why *why)
{
    return httpc_curl_global(why);
}

static enum err on_head(void *ctx, const struct httpc_answer *a)
{
    struct state *s = ctx;

    return s->events->on_head != NULL ? s->events->on_head(s->events->ctx, a)
                                      : ERR_OK;
}

static enum err on_data(void *ctx, struct str bytes)
{
    struct state *s = ctx;
    enum err e = s->events->on_data(s->events->ctx, bytes);

    /* It may have blocked; that is not the server's silence. */
    s->moved_us = clock_us();
    return e;
}

static void on_moved(void *ctx)
{
    struct state *s = ctx;

    s->moved_us = clock_us();
}

static enum err drive(CURLM *m, struct httpc_wire *w, struct state *s,
                      unsigned stall_ms, const atomic_bool *cancel)
{
    int running = 1, left;
    CURLMsg *msg;

    while (curl_multi_perform(m, &running) == CURLM_OK && running != 0) {
        if (cancel != NULL && atomic_load(cancel))
            return w->fail = FAIL(&w->why, ERR_CANCELLED, "cancelled");
        if (clock_us() - s->moved_us > stall_ms * UINT64_C(1000))
            return w->fail = FAIL(&w->why, ERR_TIMEOUT, "no byte for %u ms",
                                  stall_ms);
        if (curl_multi_poll(m, NULL, 0, LOOK_MS, NULL) != CURLM_OK)
            break;
    }
    msg = curl_multi_info_read(m, &left);
    return httpc_curl_result(w, msg != NULL ? msg->data.result
                                            : CURLE_OUT_OF_MEMORY);
}

enum err httpc_sync(const struct httpc_request *rq,
                    const struct httpc_sync_events *events,
                    const atomic_bool *cancel, int *status, struct why *why)
{
    struct state s = {events, clock_us()};
    struct httpc_hooks hooks = {
        .head = on_head, .data = on_data, .progress = on_moved, .ctx = &s};
    struct httpc_wire w = {0};
    CURLM *m;
    enum err e;

    assert(rq->on_need == NULL);
    *status = 0;
    e = httpc_curl_init(&w, rq, &hooks, why);
    if (e != ERR_OK) {
        httpc_curl_done(&w);
        return e;
    }
    m = curl_multi_init();
    if (m == NULL || curl_multi_add_handle(m, w.easy) != CURLM_OK) {
        e = FAIL(why, ERR_NOMEM, "no memory for a request");
    } else {
        e = drive(m, &w, &s, httpc_curl_stall_ms(rq), cancel);
        if (e != ERR_OK && why != NULL)
            *why = w.why;
        *status = w.status;
        (void)curl_multi_remove_handle(m, w.easy);
    }
    httpc_curl_done(&w);
    if (m != NULL)
        (void)curl_multi_cleanup(m);
    return e;
}

static enum err collect(void *ctx, struct str bytes)
{
    return buf_add(ctx, bytes);
}

enum err httpc_sync_get(const struct httpc_request *rq, struct buf *body,
                        const atomic_bool *cancel, int *status, struct why *why)
{
    struct httpc_sync_events events = {.on_data = collect, .ctx = body};

    return httpc_sync(rq, &events, cancel, status, why);
}
