/*
 * conn.c - the state machine of one client connection; its table is in
 * conn.h.
 *
 * Descriptors are watched directly rather than through libuv's streams: a
 * stream sees a client leave only while it reads, and it must stop reading
 * when a client pipelines. EPOLLRDHUP tells without reading.
 *
 * Whatever a handler calls may find the connection broken. It is then only
 * marked DEAD; on_abort and the memory's end come from a posted task, so that
 * no handler is called from inside its own call and `c` stays valid in every
 * frame of the stack.
 */
#include "net/conn.h"

#include "base/mem.h"
#include "net/sock.h"

/* ---- states, deadlines, what is watched ---- */

size_t conn_queued(const struct conn *c)
{
    return c->out.len - c->out_at;
}

/* The client is what the queue waits for. */
static bool is_stuck(const struct conn *c)
{
    return conn_queued(c) != 0 && !c->is_corked;
}

static unsigned deadline_of(const struct conn *c)
{
    const struct server_opts *o = &c->server->opts;

    switch (c->state) {
    case CONN_IDLE:
        return c->has_served ? o->idle_ms : o->head_ms;
    case CONN_HEAD:
        return o->head_ms;
    case CONN_BODY:
        return c->is_paused ? 0 : o->body_window_ms;
    case CONN_STREAMING:
    case CONN_WRITING:
        return is_stuck(c) ? o->write_stall_ms : 0;
    case CONN_LINGER:
        return o->linger_ms;
    case CONN_HANDLING:
    case CONN_DEAD:
        break;
    }
    return 0;
}

static void restart_deadline(struct conn *c)
{
    unsigned ms = deadline_of(c);

    if (ms != 0)
        loop_timer_start(c->server->loop, &c->deadline, ms);
    else
        timer_stop(&c->deadline);
}

static unsigned wanted_events(const struct conn *c)
{
    unsigned write = is_stuck(c) ? WATCH_WRITE : 0;

    switch (c->state) {
    case CONN_LINGER:
        return WATCH_READ | write;
    case CONN_IDLE:
    case CONN_HEAD:
    case CONN_BODY:
        if (c->state == CONN_BODY && c->is_paused)
            return WATCH_HANGUP | write;
        /* What is ahead comes first, in the next round. */
        return (c->ahead.len == 0 ? WATCH_READ : 0) | write;
    case CONN_HANDLING:
    case CONN_STREAMING:
        if (c->input_done && c->ahead.len < CONN_AHEAD_MAX)
            return WATCH_READ | write;
        return WATCH_HANGUP | write;
    case CONN_WRITING:
        return write;
    case CONN_DEAD:
        break;
    }
    return 0;
}

void conn_update(struct conn *c)
{
    if (c->state != CONN_DEAD
        && watch_set(c->watch, wanted_events(c)) != ERR_OK)
        conn_fail(c, false);
}

void conn_go(struct conn *c, enum conn_state state)
{
    c->state = state;
    restart_deadline(c);
    conn_update(c);
}

void conn_wake(struct conn *c)
{
    loop_post(c->server->loop, &c->task);
}

/* ---- the end ---- */

void conn_fail(struct conn *c, bool reset)
{
    if (c->state == CONN_DEAD)
        return;
    c->state = CONN_DEAD;
    timer_stop(&c->deadline);
    watch_close(TAKE(c->watch));
    if (reset)
        sock_reset(c->fd);
    else
        sock_close(c->fd);
    c->fd = -1;
    conn_wake(c);
}

void conn_release_input(struct conn *c)
{
    http1_free(TAKE(c->parser));
    buf_done(&c->body);
    c->req.head = NULL;
    c->req.body = STR_EMPTY;
}

void conn_end_request(struct conn *c)
{
    struct server_slot *slot = &c->server->slots[c->req.ref.slot];

    conn_release_input(c);
    if (!c->has_request)
        return;
    c->has_request = false;
    c->events = NULL;
    c->wants_drain = c->is_paused = false;
    arena_done(&c->req.arena);
    c->server->stats.busy--;
    slot->gen = slot->gen == UINT32_MAX ? 1 : slot->gen + 1;
}

/* Tells the handler, if it follows, that its request came to nothing. */
static void abort_request(struct conn *c)
{
    const struct http_events *events = c->events;
    void *ctx = c->events_ctx;
    struct http_ref ref = c->req.ref;

    if (!c->has_request)
        return;
    c->server->stats.aborted++;
    conn_end_request(c);
    if (events != NULL && events->on_abort != NULL)
        events->on_abort(ctx, ref);
}

void conn_free(struct conn *c)
{
    struct server *s = c->server;

    if (c->state != CONN_DEAD)
        conn_fail(c, false);
    loop_cancel(s->loop, &c->task);
    conn_end_request(c);
    buf_done(&c->ahead);
    buf_done(&c->out);
    server_forget(s, c);
    mem_free(c);
}

/* ---- sending ---- */

/* Appends the parts without their first `skip` bytes. There is room. */
static void queue(struct conn *c, const struct str *parts, size_t count,
                  size_t skip)
{
    for (size_t i = 0; i < count; i++) {
        size_t cut = MIN(skip, parts[i].n);
        struct str rest = str_sub(parts[i], cut, SIZE_MAX);

        skip -= cut;
        if (rest.n != 0)
            memcpy(c->out.data + c->out.len, rest.p, rest.n);
        buf_grew(&c->out, rest.n);
    }
}

enum err conn_send(struct conn *c, const struct str *parts, size_t count)
{
    size_t total = 0, sent = 0;
    bool was_empty = conn_queued(c) == 0;
    enum err e;

    for (size_t i = 0; i < count; i++)
        total += parts[i].n;
    if (was_empty && total != 0) {
        e = sock_send(c->fd, parts, count, &sent);
        if (e == ERR_IO) {
            conn_fail(c, false);
            return ERR_EOF;
        }
        c->server->stats.bytes_out += sent;
    }
    if (sent == total)
        return ERR_OK;
    e = buf_reserve(&c->out, total - sent);
    if (e != ERR_OK) {
        if (sent == 0)
            return e;
        conn_fail(c, true); /* half a message cannot be taken back */
        return ERR_EOF;
    }
    queue(c, parts, count, sent);
    if (was_empty)
        restart_deadline(c);
    conn_update(c);
    return c->state == CONN_DEAD ? ERR_EOF : ERR_OK;
}

enum err conn_put(struct conn *c, const struct str *parts, size_t count)
{
    size_t total = 0;

    for (size_t i = 0; i < count; i++)
        total += parts[i].n;
    if (is_stuck(c) || buf_reserve(&c->out, total) != ERR_OK)
        return conn_send(c, parts, count); /* may do without memory */
    queue(c, parts, count, 0);
    if (!c->is_corked)
        conn_wake(c);
    c->is_corked = true;
    return ERR_OK;
}

/* Sends what it can of the queue. False: the connection is DEAD. */
static bool send_queue(struct conn *c)
{
    struct str rest = {c->out.data + c->out_at, conn_queued(c)};
    size_t sent = 0;

    c->is_corked = false;
    if (sock_send(c->fd, &rest, 1, &sent) == ERR_IO) {
        conn_fail(c, false);
        return false;
    }
    c->server->stats.bytes_out += sent;
    c->out_at += sent;
    if (conn_queued(c) == 0) {
        buf_done(&c->out);
        c->out_at = 0;
    } else if (c->out_at >= HTTP_HIGH_WATER) {
        buf_drop(&c->out, c->out_at);
        c->out_at = 0;
    }
    return true;
}

void conn_flush(struct conn *c)
{
    if (!c->is_corked || c->state == CONN_DEAD || !send_queue(c)
        || !is_stuck(c))
        return;
    restart_deadline(c);
    conn_update(c);
}

/* All bytes of a complete answer are with the kernel. */
static void answered(struct conn *c)
{
    if (c->keep && c->input_done && !c->server->is_draining) {
        c->has_served = true;
        c->input_done = false;
        conn_go(c, CONN_IDLE);
        if (c->ahead.len != 0)
            conn_wake(c);
        return;
    }
    sock_shut_write(c->fd);
    conn_go(c, CONN_LINGER);
}

void conn_finish(struct conn *c)
{
    conn_end_request(c);
    conn_flush(c);
    if (c->state == CONN_DEAD)
        return;
    if (conn_queued(c) != 0)
        conn_go(c, CONN_WRITING);
    else
        answered(c);
}

static void on_writable(struct conn *c)
{
    const struct http_events *events = c->events;
    size_t before = conn_queued(c);

    if (!is_stuck(c) || !send_queue(c))
        return;
    if (conn_queued(c) != before)
        restart_deadline(c);
    if (c->state == CONN_WRITING && conn_queued(c) == 0) {
        answered(c);
        return;
    }
    conn_update(c);
    if (c->wants_drain && conn_queued(c) <= HTTP_LOW_WATER) {
        c->wants_drain = false;
        if (events != NULL && events->on_drain != NULL)
            events->on_drain(c->events_ctx, c->req.ref);
    }
}

/* ---- receiving ---- */

static void refuse(struct conn *c, enum http1_no no)
{
    if (c->has_request)
        abort_request(c);
    c->keep = false;
    http_refuse(c, no);
}

static bool begin_head(struct conn *c)
{
    c->is_head = c->is_old = false; /* for a refusal */
    conn_go(c, CONN_HEAD);
    if (http1_new(HTTP1_REQUEST, &c->server->opts.limits, &c->parser) == ERR_OK)
        return true;
    refuse(c, HTTP1_NO_NOMEM);
    return false;
}

static void send_continue(struct conn *c)
{
    struct str line = STR("HTTP/1.1 100 Continue\r\n\r\n");

    if (conn_send(c, &line, 1) == ERR_NOMEM)
        refuse(c, HTTP1_NO_NOMEM);
}

static bool has_body(const struct http1_head *h)
{
    return h->chunked || (h->has_length && h->length != 0);
}

static void begin_request(struct conn *c, const struct http1_head *h)
{
    struct server *s = c->server;

    c->req.ref.gen = s->slots[c->req.ref.slot].gen;
    c->req.arena = ARENA_INIT(s->opts.arena_max);
    c->req.head = h;
    c->req.body = STR_EMPTY;
    c->events = NULL;
    c->has_request = true;
    c->req.is_streamed = c->is_paused = c->wants_drain = false;
    c->input_done = !has_body(h);
    c->is_head = str_eq(h->method, STR("HEAD"));
    c->is_old = h->minor == 0;
    c->keep = h->keep_alive;
    s->stats.requests++;
    s->stats.busy++;
}

static bool is_reading(const struct conn *c)
{
    return c->state <= CONN_HEAD || (c->state == CONN_BODY && !c->is_paused);
}

static void on_head(struct conn *c, bool more_bytes)
{
    struct server *s = c->server;
    const struct http1_head *h = http1_head(c->parser);
    struct http_plan plan = {.body_max = s->opts.limits.body_bytes};

    begin_request(c, h);
    if (s->handler.on_head != NULL)
        s->handler.on_head(s->handler.ctx, &c->req, &plan);
    if (c->state != CONN_HEAD) /* answered, or gone */
        return;
    http1_body_limit(c->parser, plan.body_max);
    c->body = BUF_INIT((size_t)MIN(plan.body_max, (uint64_t)SIZE_MAX / 4));
    c->req.is_streamed = plan.stream;
    c->window_bytes = 0;
    conn_go(c, CONN_BODY);
    if (h->expect_continue && has_body(h) && !more_bytes
        && (!h->has_length || h->length <= plan.body_max))
        send_continue(c);
    if (c->state == CONN_BODY && c->req.is_streamed)
        s->handler.on_request(s->handler.ctx, &c->req);
}

static void on_body(struct conn *c, struct str piece)
{
    c->window_bytes += piece.n;
    if (!c->req.is_streamed) {
        if (buf_add(&c->body, piece) != ERR_OK)
            refuse(c, HTTP1_NO_NOMEM);
        return;
    }
    if (c->events != NULL && c->events->on_body != NULL)
        c->events->on_body(c->events_ctx, c->req.ref, piece);
}

static void on_message_end(struct conn *c)
{
    struct server *s = c->server;

    c->input_done = true;
    c->req.body = buf_str(&c->body);
    conn_go(c, CONN_HANDLING);
    if (c->state == CONN_DEAD)
        return;
    if (!c->req.is_streamed)
        s->handler.on_request(s->handler.ctx, &c->req);
    else if (c->events != NULL && c->events->on_body_end != NULL)
        c->events->on_body_end(c->events_ctx, c->req.ref);
}

/* Parses until the bytes are used up or a request must be handled first; the
 * rest waits in `ahead`. */
static void take_input(struct conn *c, struct str in)
{
    struct str piece = STR_EMPTY;
    bool again = c->state == CONN_BODY; /* the end may need no byte */
    size_t taken;

    while (is_reading(c) && (in.n != 0 || again)) {
        enum http1_event ev;

        if (c->state == CONN_IDLE && !begin_head(c))
            break;
        ev = http1_feed(c->parser, in, &taken, &piece);
        in = str_sub(in, taken, SIZE_MAX);
        again = ev == HTTP1_HEAD || ev == HTTP1_BODY;
        if (ev == HTTP1_HEAD)
            on_head(c, in.n != 0);
        else if (ev == HTTP1_BODY)
            on_body(c, piece);
        else if (ev == HTTP1_END)
            on_message_end(c);
        else if (ev == HTTP1_REFUSED)
            refuse(c, http1_refusal(c->parser));
    }
    /* Without a next request nobody will look at the rest. */
    if (in.n != 0 && (c->keep || c->state == CONN_BODY) && c->state != CONN_DEAD
        && buf_add(&c->ahead, in) != ERR_OK)
        conn_fail(c, true);
    conn_update(c);
}

static void take_ahead(struct conn *c)
{
    struct buf ahead = c->ahead;

    c->ahead = BUF_INIT(ahead.max);
    take_input(c, buf_str(&ahead));
    buf_done(&ahead);
}

static void on_readable(struct conn *c)
{
    struct server *s = c->server;
    bool waits = c->state == CONN_HANDLING || c->state == CONN_STREAMING;
    size_t got = 0;
    enum err e;

    /* Bytes that came earlier go first; the answer that made room for them
     * may have been given from the same event. */
    if (is_reading(c) && c->ahead.len != 0)
        return;
    e = sock_recv(c->fd, s->scratch, sizeof(s->scratch), &got);
    if (e == ERR_AGAIN)
        return;
    if (e != ERR_OK) {
        conn_fail(c, false);
        return;
    }
    s->stats.bytes_in += got;
    if (c->state == CONN_LINGER)
        return; /* thrown away */
    if (!waits) {
        take_input(c, (struct str){s->scratch, got});
    } else if (c->keep
               && buf_add(&c->ahead, (struct str){s->scratch, got}) != ERR_OK) {
        conn_fail(c, true);
    } else {
        conn_update(c);
    }
}

/* ---- what the loop calls ---- */

static void on_event(void *ctx, unsigned events)
{
    struct conn *c = ctx;

    if ((events & WATCH_WRITE) != 0)
        on_writable(c);
    if (c->state == CONN_DEAD)
        return;
    if ((events & WATCH_READ) != 0 && c->state != CONN_WRITING)
        on_readable(c);
    else if ((events & (WATCH_READ | WATCH_HANGUP)) != 0)
        conn_fail(c, false);
}

static void on_deadline(void *ctx)
{
    struct conn *c = ctx;
    struct server *s = c->server;

    switch (c->state) {
    case CONN_HEAD:
        refuse(c, HTTP1_NO_HEAD_TIMEOUT);
        break;
    case CONN_BODY:
        if (c->window_bytes < s->opts.body_window_bytes) {
            refuse(c, HTTP1_NO_BODY_TIMEOUT);
            break;
        }
        c->window_bytes = 0;
        restart_deadline(c);
        break;
    case CONN_STREAMING:
    case CONN_WRITING:
        s->stats.refused[HTTP1_NO_SLOW_READER]++;
        conn_fail(c, true);
        break;
    case CONN_IDLE:
        s->stats.refused[HTTP1_NO_IDLE]++;
        conn_fail(c, false);
        break;
    case CONN_LINGER:
    case CONN_HANDLING:
    case CONN_DEAD:
        conn_fail(c, false);
        break;
    }
}

/* What had to wait for the next round. */
static void on_work(void *ctx)
{
    struct conn *c = ctx;

    if (c->state == CONN_DEAD) {
        abort_request(c);
        conn_free(c);
        return;
    }
    conn_flush(c);
    if (is_reading(c))
        take_ahead(c);
}

struct conn *conn_new(struct server *s, int fd, int listener)
{
    struct conn *c = mem_zalloc(sizeof(*c));
    uint32_t slot = s->free_slot;

    assert(slot != UINT32_MAX);
    if (c == NULL) {
        sock_close(fd);
        return NULL;
    }
    c->server = s;
    c->fd = fd;
    c->ahead = BUF_INIT(CONN_READ_MAX + CONN_AHEAD_MAX);
    c->out = BUF_INIT(s->opts.answer_max + CONN_HEAD_OUT_MAX + HTTP_HIGH_WATER);
    c->req.server = s;
    c->req.listener = listener;
    c->req.ref.slot = slot;
    timer_init(&c->deadline, on_deadline, c);
    task_init(&c->task, on_work, c);
    if (watch_open(s->loop, fd, on_event, c, &c->watch, NULL) != ERR_OK) {
        sock_close(fd);
        mem_free(c);
        return NULL;
    }
    s->free_slot = s->slots[slot].next_free;
    s->slots[slot].conn = c;
    s->stats.active++;
    conn_go(c, CONN_IDLE);
    return c;
}

struct conn *conn_find(struct server *s, struct http_ref ref)
{
    struct conn *c;

    if (ref.slot >= s->slot_count || s->slots[ref.slot].gen != ref.gen)
        return NULL;
    c = s->slots[ref.slot].conn;
    return c != NULL && c->has_request ? c : NULL;
}
