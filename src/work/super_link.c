#include "work/super_link.h"

#include "ipc/msg.h"

enum { MESSAGE_MAX = 4096, QUEUE_MAX = 64 << 10 };

static void gone(struct super_link *k)
{
    watch_close(TAKE(k->watch));
    k->on_gone(k->ctx);
}

static enum err send(struct super_link *k, enum msg_kind kind, const void *m,
                     struct why *w)
{
    CLEANUP(buf_done) struct buf payload = BUF_INIT(MESSAGE_MAX);
    enum err e = msg_put(&payload, kind, m);

    if (e == ERR_OK)
        e = chan_send(&k->chan, (uint8_t)kind, 0, buf_str(&payload), -1);
    if (e == ERR_OK)
        e = watch_set(k->watch, WATCH_READ | WATCH_WRITE);
    return e == ERR_OK ? e : FAIL(w, e, "the supervisor does not listen");
}

static void on_frame(struct super_link *k, const struct frame *f)
{
    struct msg_stop stop;
    struct msg_ping ping;

    if (f->kind == MSG_STOP && msg_stop_get(f->payload, &stop, NULL) == ERR_OK)
        k->on_stop(k->ctx, stop.drain_ms);
    else if (f->kind == MSG_PING
             && msg_ping_get(f->payload, &ping, NULL) == ERR_OK)
        /* [IPC-15]; a queue that is full has a supervisor that reads nothing */
        IGNORE(send(k, MSG_PONG, &(struct msg_pong){ping.number}, NULL));
}

static void on_watch(void *ctx, unsigned events)
{
    struct super_link *k = ctx;
    struct frame f;
    enum err e = ERR_OK;

    if ((events & WATCH_WRITE) != 0)
        e = chan_flush(&k->chan);
    while (k->watch != NULL && (e = chan_recv(&k->chan, &f)) == ERR_OK)
        on_frame(k, &f);
    if (k->watch == NULL)
        return;
    if (e != ERR_AGAIN && e != ERR_NOMEM) {
        gone(k);
        return;
    }
    if (watch_set(k->watch,
                  WATCH_READ | (chan_wants_write(&k->chan) ? WATCH_WRITE : 0))
        != ERR_OK)
        gone(k);
}

enum err super_link_open(struct super_link *k, struct loop *l, int fd,
                         const char *build, struct why *w)
{
    const struct msg_hello hello = {MSG_VERSION, STR("orchestrator"),
                                    str_c(build)};
    enum err e = chan_init(&k->chan, fd, QUEUE_MAX);

    if (e != ERR_OK)
        return FAIL(w, e, "the channel to the supervisor: %s", err_text(e));
    e = watch_open(l, fd, on_watch, k, &k->watch, w);
    if (e == ERR_OK)
        e = send(k, MSG_HELLO, &hello, w);
    if (e != ERR_OK)
        super_link_close(k);
    return e;
}

enum err super_link_up(struct super_link *k, const char *address, struct why *w)
{
    const struct msg_up up = {str_c(address)};

    return send(k, MSG_UP, &up, w);
}

void super_link_close(struct super_link *k)
{
    if (k->watch != NULL)
        watch_close(TAKE(k->watch));
    chan_done(&k->chan);
}
