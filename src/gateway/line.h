/*
 * line.h - one of our channels (ipc/chan.h) on the gateway's loop.
 *
 * Frames come by on_frame, the end by on_closed, once; after that sends are
 * ERR_EOF. Neither is called from inside line_send. The owner may close the
 * line from inside both. Loop's thread.
 */
#ifndef GATEWAY_LINE_H
#define GATEWAY_LINE_H

#include "ipc/chan.h"
#include "ipc/msg.h"
#include "net/loop.h"

struct line_events {
    void (*on_frame)(void *ctx, const struct frame *f);
    /* ERR_EOF: the peer ended in order; else what broke. */
    void (*on_closed)(void *ctx, enum err e);
    /* The queue, once more than half full, has room again. May be NULL. */
    void (*on_room)(void *ctx);
};

struct line {
    struct chan chan;
    struct watch *watch;
    struct loop *loop;
    struct task task;   /* on_closed, out of the call that noticed */
    struct timer again; /* reading, after a lack of memory */
    const struct line_events *events;
    void *ctx;
    enum err broken;
    bool was_full;
    uint32_t closings; /* counts line_close: a callback may close us */
};

/* Owns `fd` from success on. `w` must be zeroed or closed and stay in place. */
NODISCARD enum err line_open(struct line *w, struct loop *l, int fd,
                             const struct line_events *events, void *ctx,
                             struct why *why);
void line_close(struct line *w); /* no event follows; closed or zeroed: fine */
bool line_is_open(const struct line *w);

/* Encodes and queues. ERR_AGAIN: no room for it now; ERR_EOF: closed or
 * broken; ERR_LIMIT: larger than a frame may be; ERR_NOMEM. */
NODISCARD enum err line_send(struct line *w, enum msg_kind kind, uint32_t req,
                             const void *msg);
/* The same with a payload that is encoded already. */
NODISCARD enum err line_send_raw(struct line *w, enum msg_kind kind,
                                 uint32_t req, struct str payload);

/* Hands out the frames that have come already. */
void line_drain(struct line *w);

/* A new descriptor beside the frame now in on_frame, or -1. */
int line_take_fd(struct line *w);

#endif
