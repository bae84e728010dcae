/*
 * governor.h - how much memory models may have, and what each would need: the
 * facts that the planner decides by.
 *
 * The budget is the configured one, or, by itself, what the machine (or its
 * cgroup) had free at start less the reserve. Beside it stands the headroom:
 * what is free right now less the reserve, so that a budget that was true in
 * the morning does not push other programs out in the evening.
 * Loop's thread; reads /proc at most five times a second.
 */
#ifndef GATEWAY_GOVERNOR_H
#define GATEWAY_GOVERNOR_H

#include "gateway/slot.h"

struct governor {
    uint64_t budget_bytes;
    uint64_t reserve_bytes;
    uint32_t context_min;
    bool use_mmap;
    uint64_t headroom_bytes; /* UINT64_MAX: unknown */
    uint64_t looked_ms;
};

/* `budget_bytes` 0: by itself. */
void governor_init(struct governor *g, uint64_t budget_bytes,
                   uint64_t reserve_bytes, uint64_t now_ms);

uint64_t governor_headroom(struct governor *g, uint64_t now_ms);

/* How this model is to be loaded, at `n_ctx` (0: as configured). */
struct estimate_shape governor_shape(const struct governor *g,
                                     const struct registry_model *m,
                                     uint32_t n_ctx);

/* Threads for it: as configured; else one for a tiny model, whose layers are
 * finished before a second thread wakes, or the usable cores. */
uint32_t governor_threads(const struct registry_model *m);

/* The planner's view of a slot whose need is estimated as `e`. The caller
 * fills in waiting_ms. */
void governor_view(const struct governor *g, const struct slot *s,
                   const struct estimate *e, struct planner_model *out);

#endif
