#include "gateway/line.h"

/* Small messages (CANCEL, PAUSE, STOP) must always find room, so large ones
 * leave this much of the queue to them. */
enum { LARGE = 64 << 10, AGAIN_MS = 20 };

bool line_is_open(const struct line *w)
{
    return w->watch != NULL && w->broken == ERR_OK;
}

static void on_broken_task(void *ctx)
{
    struct line *w = ctx;

    w->events->on_closed(w->ctx, w->broken);
}

static void set_broken(struct line *w, enum err e)
{
    if (w->broken != ERR_OK)
        return;
    w->broken = e;
    if (watch_set(w->watch, 0) != ERR_OK)
        watch_close(TAKE(w->watch));
    loop_post(w->loop, &w->task);
}

static void watch_as_needed(struct line *w)
{
    unsigned events = WATCH_READ;

    if (chan_wants_write(&w->chan))
        events |= WATCH_WRITE;
    if (watch_set(w->watch, events) != ERR_OK)
        set_broken(w, ERR_IO);
}

void line_drain(struct line *w)
{
    uint32_t closings = w->closings;
    struct frame f;

    while (line_is_open(w)) {
        enum err e = chan_recv(&w->chan, &f);

        if (e == ERR_AGAIN)
            return;
        if (e == ERR_NOMEM) { /* nothing is lost: try again in a moment */
            loop_timer_start(w->loop, &w->again, AGAIN_MS);
            return;
        }
        if (e != ERR_OK) {
            set_broken(w, e);
            return;
        }
        w->events->on_frame(w->ctx, &f);
        if (w->closings != closings)
            return; /* it closed us */
    }
}

static void on_again(void *ctx)
{
    line_drain(ctx);
}

static void on_watch(void *ctx, unsigned events)
{
    struct line *w = ctx;
    uint32_t closings = w->closings;

    if ((events & WATCH_WRITE) != 0) {
        enum err e = chan_flush(&w->chan);

        if (e != ERR_OK && e != ERR_AGAIN) {
            set_broken(w, e);
            return;
        }
    }
    if ((events & WATCH_READ) != 0)
        line_drain(w);
    if (w->closings != closings || w->broken != ERR_OK)
        return;
    watch_as_needed(w);
    if (w->was_full && chan_has_room(&w->chan)) {
        w->was_full = false;
        if (w->events->on_room != NULL)
            w->events->on_room(w->ctx);
    }
}

enum err line_open(struct line *w, struct loop *l, int fd,
                   const struct line_events *events, void *ctx, struct why *why)
{
    enum err e;

    w->loop = l;
    w->events = events;
    w->ctx = ctx;
    w->broken = ERR_OK;
    w->was_full = false;
    task_init(&w->task, on_broken_task, w);
    timer_init(&w->again, on_again, w);
    e = watch_open(l, fd, on_watch, w, &w->watch, why);
    if (e != ERR_OK)
        return e;
    e = chan_init(&w->chan, fd, CHAN_QUEUE_MAX);
    if (e == ERR_OK)
        e = watch_set(w->watch, WATCH_READ);
    if (e == ERR_OK)
        return e;
    watch_close(TAKE(w->watch));
    if (w->chan.inbox != NULL)
        w->chan.fd = -1; /* the caller still owns it */
    chan_done(&w->chan);
    return FAIL(why, e, "a channel: %s", err_text(e));
}

void line_close(struct line *w)
{
    if (w->chan.inbox == NULL)
        return;
    w->closings++;
    loop_cancel(w->loop, &w->task);
    timer_stop(&w->again);
    watch_close(TAKE(w->watch));
    chan_done(&w->chan);
}

enum err line_send_raw(struct line *w, enum msg_kind kind, uint32_t req,
                       struct str payload)
{
    enum err e;

    if (!line_is_open(w))
        return ERR_EOF;
    if (payload.n > FRAME_MAX)
        return ERR_LIMIT;
    if (payload.n > LARGE && !chan_has_room(&w->chan)) {
        w->was_full = true;
        return ERR_AGAIN;
    }
    e = chan_send(&w->chan, (uint8_t)kind, req, payload, -1);
    if (e == ERR_AGAIN)
        w->was_full = true;
    else if (e == ERR_EOF || e == ERR_IO)
        set_broken(w, e);
    else if (e == ERR_OK && chan_wants_write(&w->chan))
        watch_as_needed(w);
    return e;
}

enum err line_send(struct line *w, enum msg_kind kind, uint32_t req,
                   const void *msg)
{
    struct buf CLEANUP(buf_done) payload = BUF_INIT(FRAME_MAX);

    TRY(msg_put(&payload, kind, msg));
    return line_send_raw(w, kind, req, buf_str(&payload));
}

int line_take_fd(struct line *w)
{
    return chan_take_fd(&w->chan);
}
