/*
 * pool_in.h - the inside of the pool, shared by pool.c (queue and plans) and
 * pool_run.c (runners and answers); nobody else includes this.
 */
#ifndef GATEWAY_POOL_IN_H
#define GATEWAY_POOL_IN_H

#include "gateway/governor.h"
#include "gateway/pool.h"

/* One model: its slot, its queue's length, its estimate. */
struct pool_place {
    struct slot slot;
    struct estimate estimate; /* at the wished context */
    bool probed;
    uint32_t waiting;
    bool blocked; /* in this round of the pump */
};

struct pool_list {
    struct infer *first, *last;
};

struct pool {
    struct loop *loop;
    struct registry *registry;
    struct estimate_store *estimates;
    struct pool_opts opts;
    struct governor governor;
    struct pool_place *places[PLANNER_MODELS_MAX];
    size_t count;
    struct pool_list waiting; /* by arrival */
    struct pool_list running;
    size_t n_waiting;
    uint32_t next_req, next_runner;
    struct task pump;
    struct timer again; /* what waits is looked at again */
    struct timer sweep;
    struct infer *preloads; /* of pinned models */
    size_t n_preloads;
    bool draining;
    void (*on_drained)(void *ctx);
    void *drained_ctx;
    struct planner_model views[PLANNER_MODELS_MAX];
};

extern const struct slot_events pool_slot_events;

/* pool.c */
void pool_wake(struct pool *p); /* the pump runs in the next round */
void pool_list_add(struct pool_list *l, struct infer *q);
void pool_list_drop(struct pool_list *l, struct infer *q);
/* Back into the queue, at the place of its arrival. */
void pool_requeue(struct pool *p, struct infer *q);
/* Ends it, wherever it is, and tells it. */
void pool_end(struct pool *p, struct infer *q, const struct infer_end *end);
struct planner_state pool_state(struct pool *p);

/* pool_run.c */
NODISCARD enum err pool_begin_load(struct pool *p, size_t model,
                                   const struct planner_plan *plan,
                                   struct why *why);
void pool_evict(struct pool *p, size_t model, const char *reason);
/* Sends it to its runner. ERR_AGAIN: the channel is full. */
NODISCARD enum err pool_dispatch(struct pool *p, struct infer *q);
/* Takes it off the runner's books. */
void pool_release(struct pool *p, struct infer *q);
void pool_look_up(struct pool *p, struct pool_place *at);

#endif
