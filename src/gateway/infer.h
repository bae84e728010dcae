/*
 * infer.h - one question to a model, from submission to its end.
 *
 * A dialect fills in the first part, hands it to pool_submit and hears of it
 * through `events`. The pool owns the second part. Exactly one on_end comes,
 * last, unless pool_cancel came first; then nothing comes any more. No event
 * comes from inside pool_submit or pool_cancel. Messages are borrowed during
 * the call. pool_cancel may be called from any event, but the struct must
 * outlive the event, except on_end. Loop's thread.
 */
#ifndef GATEWAY_INFER_H
#define GATEWAY_INFER_H

#include "base/buf.h"
#include "ipc/msg.h"

struct infer;

/* Why it ended; `why->code` is ERR_OK when every index is done. */
struct infer_end {
    const struct why *why;
    uint32_t n_prompt, n_ctx; /* when code is ERR_CONTEXT */
    uint64_t retry_after_ms;  /* 0: unknown, or trying again is pointless */
};

struct infer_events {
    void (*on_delta)(void *ctx, const struct msg_delta *m);
    void (*on_vector)(void *ctx, const struct msg_vector *m);
    void (*on_tokens)(void *ctx, const struct msg_tokens *m);
    void (*on_done)(void *ctx, const struct msg_done *m);
    /* With `keep`: the runner died in mid-answer and the question is asked
     * again; forget what was heard. */
    void (*on_again)(void *ctx);
    void (*on_end)(void *ctx, const struct infer_end *end);
};

struct infer {
    /* the dialect's */
    size_t model;       /* index in the registry */
    enum msg_kind kind; /* MSG_GENERATE, MSG_EMBED or MSG_COUNT */
    struct buf payload; /* encoded; released once the answer began, or, with
                           `keep`, at its end */
    bool keep;          /* may be asked again while on_again allows it */
    uint32_t slots;     /* sequences that it takes, at least 1 */
    const struct infer_events *events;
    void *ctx;

    /* the pool's */
    struct infer *prev, *next; /* in the queue or among the running */
    uint64_t arrived_ms;
    uint64_t sent_us; /* to the runner */
    uint32_t req;     /* request id on the runner's channel */
    uint32_t left;    /* choices not yet done; 0: unknown */
    bool queued, running;
    bool held;  /* its reader is slow: it takes no sequences */
    bool heard; /* something of the answer came: no second try */
    bool retried;
};

#endif
