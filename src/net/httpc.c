/*
 * httpc.c - libcurl's multi interface driven by our loop.
 *
 * curl asks for descriptors to be watched and for one timer; both call back
 * into curl_multi_socket_action. curl must not be entered again from one of
 * its own callbacks, and an event must not come from inside the call that
 * caused it: so starting, resuming and (from inside an event) cancelling are
 * left to a task of the call.
 */
#include "net/httpc.h"

#include "base/mem.h"
#include "net/httpc_curl.h"

struct httpc {
    struct loop *loop;
    CURLM *multi;
    struct timer alarm;
    struct httpc_call *calls;
    unsigned depth; /* inside curl */
};

struct httpc_call {
    struct httpc_call *next, **link;
    struct httpc *client;
    struct httpc_wire wire;
    const struct httpc_events *events;
    enum err (*need)(void *ctx, char *dst, size_t cap, size_t *n);
    void *ctx;
    struct timer stall;
    struct task task;
    unsigned stall_ms, head_ms;
    bool is_added, is_cancelled, has_head;
};

static void reap(struct httpc *h);

/* ---- one call ---- */

static void destroy(struct httpc_call *c)
{
    struct httpc *h = c->client;

    timer_stop(&c->stall);
    loop_cancel(h->loop, &c->task);
    *c->link = c->next;
    if (c->next != NULL)
        c->next->link = c->link;
    h->depth++;
    if (c->is_added)
        (void)curl_multi_remove_handle(h->multi, c->wire.easy);
    httpc_curl_done(&c->wire);
    h->depth--;
    mem_free(c);
}

static void finish(struct httpc_call *c, CURLcode code)
{
    const struct httpc_events *events = c->events;
    enum err e = httpc_curl_result(&c->wire, code);
    struct why why = c->wire.why;
    bool is_cancelled = c->is_cancelled;
    void *ctx = c->ctx;

    destroy(c);
    if (!is_cancelled)
        events->on_done(ctx, e, &why);
}

static unsigned patience_ms(const struct httpc_call *c)
{
    return c->has_head ? c->stall_ms : c->head_ms;
}

static void on_stall(void *ctx)
{
    struct httpc_call *c = ctx;

    c->wire.fail =
        FAIL(&c->wire.why, ERR_TIMEOUT, "no byte for %u ms", patience_ms(c));
    finish(c, CURLE_OPERATION_TIMEDOUT);
}

static void watch_stall(struct httpc_call *c)
{
    if (c->wire.is_paused || c->is_cancelled)
        timer_stop(&c->stall);
    else
        loop_timer_start(c->client->loop, &c->stall, patience_ms(c));
}

static void on_task(void *ctx)
{
    struct httpc_call *c = ctx;
    struct httpc *h = c->client;
    CURLMcode m;

    if (c->is_cancelled) {
        destroy(c);
        return;
    }
    h->depth++;
    if (!c->is_added) {
        m = curl_multi_add_handle(h->multi, c->wire.easy);
        c->is_added = m == CURLM_OK;
    } else if (c->wire.is_paused) {
        c->wire.is_paused = false;
        (void)curl_easy_pause(c->wire.easy, CURLPAUSE_CONT);
    }
    h->depth--;
    if (!c->is_added) {
        finish(c, CURLE_OUT_OF_MEMORY);
        return;
    }
    watch_stall(c);
    reap(h);
}

static enum err on_head(void *ctx, const struct httpc_answer *a)
{
    struct httpc_call *c = ctx;

    c->has_head = true;
    watch_stall(c);
    if (c->events->on_head != NULL && !c->is_cancelled)
        c->events->on_head(c->ctx, a);
    return c->is_cancelled ? ERR_CANCELLED : ERR_OK;
}

static enum err on_data(void *ctx, struct str bytes)
{
    struct httpc_call *c = ctx;
    enum err e =
        c->is_cancelled ? ERR_CANCELLED : c->events->on_data(c->ctx, bytes);

    if (e == ERR_AGAIN)
        timer_stop(&c->stall);
    return c->is_cancelled ? ERR_CANCELLED : e;
}

static void on_moved(void *ctx)
{
    watch_stall(ctx);
}

static enum err on_need(void *ctx, char *dst, size_t cap, size_t *n)
{
    struct httpc_call *c = ctx;
    enum err e = c->is_cancelled ? ERR_CANCELLED : c->need(c->ctx, dst, cap, n);

    if (e == ERR_AGAIN)
        timer_stop(&c->stall);
    return c->is_cancelled ? ERR_CANCELLED : e;
}

void httpc_resume(struct httpc_call *c)
{
    loop_post(c->client->loop, &c->task);
}

void httpc_cancel(struct httpc_call *c)
{
    c->is_cancelled = true;
    if (c->client->depth != 0)
        loop_post(c->client->loop, &c->task);
    else
        destroy(c);
}

enum err httpc_start(struct httpc *h, const struct httpc_request *rq,
                     const struct httpc_events *events, void *ctx,
                     struct httpc_call **out, struct why *why)
{
    struct httpc_call *c = mem_zalloc(sizeof(*c));
    enum err e;

    if (c == NULL)
        return FAIL(why, ERR_NOMEM, "no memory for a request");
    c->client = h;
    c->events = events;
    c->ctx = ctx;
    c->need = rq->on_need;
    c->stall_ms = httpc_curl_stall_ms(rq);
    c->head_ms = rq->head_ms != 0 ? rq->head_ms : c->stall_ms;
    timer_init(&c->stall, on_stall, c);
    task_init(&c->task, on_task, c);
    e = httpc_curl_init(&c->wire, rq,
                        &(struct httpc_hooks){.head = on_head,
                                              .data = on_data,
                                              .need = on_need,
                                              .progress = on_moved,
                                              .ctx = c},
                        why);
    if (e != ERR_OK) {
        httpc_curl_done(&c->wire);
        mem_free(c);
        return e;
    }
    c->next = h->calls;
    c->link = &h->calls;
    if (c->next != NULL)
        c->next->link = &c->next;
    h->calls = c;
    loop_post(h->loop, &c->task);
    *out = c;
    return ERR_OK;
}

/* ---- curl and the loop ---- */

/* Hands finished transfers to their owners. */
static void reap(struct httpc *h)
{
    CURLMsg *m;
    int left;

    while ((m = curl_multi_info_read(h->multi, &left)) != NULL) {
        CURLcode code = m->data.result;
        struct httpc_call *c = NULL;

        if (m->msg != CURLMSG_DONE)
            continue;
        for (c = h->calls; c != NULL && c->wire.easy != m->easy_handle;)
            c = c->next;
        if (c != NULL)
            finish(c, code);
    }
}

static void act(struct httpc *h, curl_socket_t s, int flags)
{
    int running;

    h->depth++;
    (void)curl_multi_socket_action(h->multi, s, flags, &running);
    h->depth--;
    reap(h);
}

struct socket_watch {
    struct httpc *client;
    struct watch *watch;
    curl_socket_t fd;
};

static void on_socket(void *ctx, unsigned events)
{
    struct socket_watch *sw = ctx;
    int flags = 0;

    flags |= (events & WATCH_READ) != 0 ? CURL_CSELECT_IN : 0;
    flags |= (events & WATCH_WRITE) != 0 ? CURL_CSELECT_OUT : 0;
    act(sw->client, sw->fd, flags);
}

static struct socket_watch *new_socket_watch(struct httpc *h, curl_socket_t s)
{
    struct socket_watch *sw = mem_zalloc(sizeof(*sw));

    if (sw == NULL)
        return NULL;
    sw->client = h;
    sw->fd = s;
    if (watch_open(h->loop, s, on_socket, sw, &sw->watch, NULL) != ERR_OK) {
        mem_free(sw);
        return NULL;
    }
    (void)curl_multi_assign(h->multi, s, sw);
    return sw;
}

/* CURLMOPT_SOCKETFUNCTION. Without memory to watch a descriptor the call runs
 * into its stall deadline. */
static int watch_socket(CURL *easy, curl_socket_t s, int what, void *ctx,
                        void *mine)
{
    struct httpc *h = ctx;
    struct socket_watch *sw = mine;
    unsigned events = 0;

    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (sw != NULL)
            watch_close(sw->watch);
        mem_free(sw);
        (void)curl_multi_assign(h->multi, s, NULL);
        return 0;
    }
    if (sw == NULL)
        sw = new_socket_watch(h, s);
    events |= (what & CURL_POLL_IN) != 0 ? WATCH_READ : 0;
    events |= (what & CURL_POLL_OUT) != 0 ? WATCH_WRITE : 0;
    return sw != NULL && watch_set(sw->watch, events) == ERR_OK ? 0 : -1;
}

static void on_alarm(void *ctx)
{
    act(ctx, CURL_SOCKET_TIMEOUT, 0);
}

static int set_alarm(CURLM *multi, long ms, void *ctx)
{
    struct httpc *h = ctx;

    (void)multi;
    if (ms < 0)
        timer_stop(&h->alarm);
    else
        loop_timer_start(h->loop, &h->alarm, (uint64_t)ms);
    return 0;
}

enum err httpc_new(struct loop *l, struct httpc **out, struct why *why)
{
    struct httpc *h;

    TRY(httpc_curl_global(why));
    h = mem_zalloc(sizeof(*h));
    if (h != NULL)
        h->multi = curl_multi_init();
    if (h == NULL || h->multi == NULL) {
        mem_free(h);
        return FAIL(why, ERR_NOMEM, "no memory for an HTTP client");
    }
    h->loop = l;
    timer_init(&h->alarm, on_alarm, h);
    (void)curl_multi_setopt(h->multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
    (void)curl_multi_setopt(h->multi, CURLMOPT_SOCKETDATA, h);
    (void)curl_multi_setopt(h->multi, CURLMOPT_TIMERFUNCTION, set_alarm);
    (void)curl_multi_setopt(h->multi, CURLMOPT_TIMERDATA, h);
    *out = h;
    return ERR_OK;
}

void httpc_free(struct httpc *h)
{
    if (h == NULL)
        return;
    assert(h->depth == 0);
    while (h->calls != NULL)
        destroy(h->calls);
    (void)curl_multi_cleanup(h->multi);
    timer_stop(&h->alarm);
    mem_free(h);
}
