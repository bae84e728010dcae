/*
 * pool.h - the models of this machine as one service: takes questions
 * (infer.h), has them placed by the planner, loads and unloads runners
 * (slot.h), and brings the answers back.
 *
 * What it promises:
 *  - at most `queue_max` questions wait for one model; more are ERR_BUSY
 *  - nobody waits longer than `queue_wait_ms`
 *  - a failed load is answered to all who wait for it and is not tried again
 *    before its back-off; a request never waits for a loop of loads
 *  - when a runner dies, a question whose answer had not begun is asked once
 *    more on a fresh runner; the others end with ERR_RUNNER
 * Loop's thread.
 */
#ifndef GATEWAY_POOL_H
#define GATEWAY_POOL_H

#include "gateway/infer.h"
#include "gateway/planner.h"
#include "gateway/slot.h"

struct pool;

struct pool_opts {
    uint64_t budget_bytes, reserve_bytes; /* budget 0: automatic */
    uint32_t context_min;
    uint32_t queue_max;     /* questions waiting for one model */
    uint64_t queue_wait_ms; /* the longest wait */
    uint64_t turn_ms;       /* planner.h */
    unsigned load_stall_ms;
    bool use_mmap, unconfined;
    const char *kv_dir; /* borrowed for the pool's life */
    /* Sends to the supervisor. */
    enum err (*ask)(void *ctx, enum msg_kind kind, const void *msg);
    /* Counting; may be NULL. */
    void (*on_load)(void *ctx, enum err e, uint64_t load_ms);
    void (*on_unload)(void *ctx, const char *reason);
    void *ctx;
};

/* `registry` and `estimates` are borrowed and must outlive it. */
NODISCARD enum err pool_new(struct loop *l, struct registry *registry,
                            struct estimate_store *estimates,
                            const struct pool_opts *opts, struct pool **out,
                            struct why *why);
/* Ends without telling anybody; runners die with their channels. */
void pool_free(struct pool *p);

/* Gives slots to models that the registry learnt of since. */
NODISCARD enum err pool_extend(struct pool *p, struct why *why);

/* Puts the question into the queue. Failures: ERR_BUSY, ERR_SHUTDOWN, or the
 * model's problem; `*retry_after_ms` is set then. */
NODISCARD enum err pool_submit(struct pool *p, struct infer *q,
                               uint64_t *retry_after_ms, struct why *why);
/* Not wanted any more; no event follows. Ended already: nothing. */
void pool_cancel(struct pool *p, struct infer *q);
/* The reader is slow (true) or takes more again. */
void pool_hold(struct pool *p, struct infer *q, bool hold);

/* Unloads. ERR_BUSY while it answers, unless `force`: its requests end with
 * ERR_RUNNER then. Absent already: ERR_OK. */
NODISCARD enum err pool_unload(struct pool *p, size_t model, bool force,
                               struct why *why);

/* What would happen to a request for this model now. */
void pool_explain(struct pool *p, size_t model, uint32_t slots,
                  struct planner_plan *out);

/* Takes nothing new; what runs may finish; then `fn`, once. */
void pool_drain(struct pool *p, void (*fn)(void *ctx), void *ctx);

/* Ends every question with ERR_SHUTDOWN, now. */
void pool_abandon(struct pool *p);

/* Messages of the supervisor; `fd` came with it, or is -1, and is taken. */
NODISCARD enum err pool_on_super(struct pool *p, const struct frame *f, int fd,
                                 struct why *why);

/* Loads all pinned models, now that there is a supervisor. */
void pool_start(struct pool *p);

/* ---- for people --------------------------------------------------------- */
struct pool_memory {
    uint64_t budget_bytes, reserved_bytes, resident_bytes, headroom_bytes;
};
struct pool_memory pool_memory(struct pool *p);

struct pool_model {
    const struct slot *slot;
    struct estimate estimate;
    enum estimate_source source;
    uint32_t waiting;
};
size_t pool_count(const struct pool *p);
struct pool_model pool_model(const struct pool *p, size_t model);
size_t pool_waiting(const struct pool *p);
uint64_t pool_now(const struct pool *p); /* the loop's milliseconds */

/* Asks loaded runners for fresh numbers; they come into slot->stats. */
void pool_ask_stats(struct pool *p);

#endif
