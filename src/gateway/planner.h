/*
 * planner.h - decides which model is loaded, who waits, and who is refused.
 *
 * Pure: state in, plan out; no clock, no memory, no side effect. So it can be
 * simulated (planner_test.c does, 100,000 steps at a time) and asked "what
 * would happen if" (GET /admin/explain). The pool keeps the state and carries
 * plans out.
 *
 * The rules:
 *  1. Reserved bytes never pass the budget. What a model needs is reserved
 *     from the first step of its load to the end of its process.
 *  2. A busy or pinned model is never evicted. Victims are idle; least
 *     recently used first, and no more of them than needed.
 *  3. The oldest request has the first claim. A request never overtakes an
 *     older one of its own model; a load never overtakes an older one.
 *  4. Requests for a loaded model may overtake an older request whose model
 *     is not loaded, which saves swaps, but only for `turn_ms` after that one
 *     came. From then on the models that it needs out of the way take nothing
 *     younger; they drain and are evicted. A model just loaded is left alone
 *     for `turn_ms`, so models that do not fit together swap at most once per
 *     turn.
 *  5. A context is cut down (never below ctx_min) only when the full one could
 *     not fit even with everything evicted that may be.
 *  6. What can never fit is refused at once, with the numbers.
 *  7. No more than loaded_max models are loaded at a time; the same victims
 *     make room.
 */
#ifndef GATEWAY_PLANNER_H
#define GATEWAY_PLANNER_H

#include "base/err.h"

enum planner_residency {
    PLANNER_ABSENT,
    PLANNER_LOADING, /* from spawn to ready; takes no request yet */
    PLANNER_READY,
    PLANNER_LEAVING, /* told to stop; its bytes are still taken */
};

#define PLANNER_NEVER   UINT64_MAX /* a time that has not come */
#define PLANNER_SOON_MS 1000       /* a back-off that is worth waiting for */

struct planner_model {
    const char *name; /* for reasons */
    enum planner_residency at;
    uint64_t reserved_bytes; /* 0 when absent */
    /* A load at n tokens of context takes fixed_bytes + n * ctx_bytes. */
    uint64_t fixed_bytes, ctx_bytes;
    uint32_t ctx, ctx_min;  /* wished; smallest acceptable (= ctx: fixed) */
    uint32_t slots, in_use; /* sequences: at most, and now */
    uint32_t active;        /* requests being answered */
    bool pinned;
    uint64_t used_ms;    /* when the last request came or ended */
    uint64_t ready_ms;   /* when it became ready */
    uint64_t ttl_ms;     /* 0: no limit */
    uint64_t waiting_ms; /* arrival of its oldest waiting request, or NEVER */
    uint64_t retry_ms;   /* after a failed load: not before; else 0 */
};

struct planner_state {
    uint64_t now_ms;
    uint64_t budget_bytes;
    /* What the system can still give, beside what is reserved: MemAvailable
     * less the reserve. UINT64_MAX when unknown. */
    uint64_t headroom_bytes;
    uint64_t turn_ms;
    size_t loaded_max; /* processes at a time */
    const struct planner_model *models;
    size_t count; /* at most PLANNER_MODELS_MAX */
};

struct planner_request {
    size_t model; /* index in models */
    uint64_t arrived_ms;
    uint32_t slots; /* sequences that it will take */
};

enum planner_verdict {
    PLANNER_ADMIT,  /* the model is ready: send it */
    PLANNER_LOAD,   /* start the load now */
    PLANNER_EVICT,  /* unload `victims`, then ask again */
    PLANNER_SHRINK, /* as LOAD or (with victims) EVICT, at the smaller n_ctx */
    PLANNER_WAIT,
    PLANNER_REFUSE,
};

enum { PLANNER_VICTIMS_MAX = 64, PLANNER_MODELS_MAX = 1024 };

struct planner_plan {
    enum planner_verdict verdict;
    uint32_t n_ctx;      /* of LOAD, EVICT, SHRINK */
    uint64_t need_bytes; /* at n_ctx */
    uint64_t free_bytes; /* now, before any eviction */
    size_t victims[PLANNER_VICTIMS_MAX];
    size_t victim_count;
    enum err code;           /* of REFUSE */
    uint64_t retry_after_ms; /* of REFUSE; 0: trying again is pointless */
    char reason[300];
};

void planner_place(const struct planner_state *s,
                   const struct planner_request *rq, struct planner_plan *out);

/* Which idle models to unload without being asked: their time is up, or more
 * is reserved than the budget (which can shrink). EVICT or WAIT. */
void planner_sweep(const struct planner_state *s, struct planner_plan *out);

/* When planner_sweep should be asked again for reasons of time, or NEVER. */
uint64_t planner_next_sweep(const struct planner_state *s);

const char *planner_verdict_name(enum planner_verdict v); /* "admit"... */

#endif
