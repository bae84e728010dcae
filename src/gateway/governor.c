#include "gateway/governor.h"

#include "sys/machine.h"

enum { LOOK_MS = 200 };
#define TINY_BYTES (UINT64_C(64) << 20)

/* What could be given out now: of the machine, and of the cgroup. */
static uint64_t available(void)
{
    struct machine_memory m;

    if (machine_memory(&m, NULL) != ERR_OK)
        return UINT64_MAX;
    if (m.limit_bytes == MACHINE_NO_LIMIT)
        return m.available_bytes;
    return MIN(m.available_bytes,
               m.limit_bytes > m.used_bytes ? m.limit_bytes - m.used_bytes : 0);
}

static uint64_t less(uint64_t a, uint64_t b)
{
    if (a == UINT64_MAX)
        return a;
    return a > b ? a - b : 0;
}

void governor_init(struct governor *g, uint64_t budget_bytes,
                   uint64_t reserve_bytes, uint64_t now_ms)
{
    g->reserve_bytes = reserve_bytes;
    g->headroom_bytes = less(available(), reserve_bytes);
    g->looked_ms = now_ms;
    g->budget_bytes = budget_bytes != 0 ? budget_bytes : g->headroom_bytes;
}

uint64_t governor_headroom(struct governor *g, uint64_t now_ms)
{
    if (now_ms >= g->looked_ms + LOOK_MS) {
        g->headroom_bytes = less(available(), g->reserve_bytes);
        g->looked_ms = now_ms;
    }
    return g->headroom_bytes;
}

struct estimate_shape governor_shape(const struct governor *g,
                                     const struct registry_model *m,
                                     uint32_t n_ctx)
{
    return (struct estimate_shape){
        .n_ctx = n_ctx != 0 ? n_ctx : registry_context(m),
        .n_seq = m->want.parallel,
        .use_mmap = g->use_mmap,
        .embedding = m->kind == REGISTRY_EMBED,
    };
}

uint32_t governor_threads(const struct registry_model *m)
{
    if (m->want.threads != 0)
        return m->want.threads;
    return m->facts.tensor_bytes < TINY_BYTES ? 1 : machine_cpus();
}

void governor_view(const struct governor *g, const struct slot *s,
                   const struct estimate *e, struct planner_model *out)
{
    const struct registry_model *m = s->model;
    uint32_t ctx = registry_context(m);
    uint64_t total = estimate_total(e);

    *out = (struct planner_model){
        .name = m->want.id.p,
        .at = slot_residency(s),
        .reserved_bytes = s->reserved_bytes,
        .ctx_bytes = e->kv_bytes / MAX(ctx, 1U),
        .ctx = ctx,
        .ctx_min = m->want.context_fixed ? ctx : MIN(ctx, g->context_min),
        .slots = m->want.parallel,
        .in_use = s->in_use,
        .active = s->active,
        .pinned = m->want.pin,
        .used_ms = s->used_ms,
        .ready_ms = s->ready_ms,
        .ttl_ms = m->want.ttl_ms,
        .waiting_ms = PLANNER_NEVER,
        .retry_ms = s->retry_ms,
    };
    out->fixed_bytes = total - out->ctx_bytes * ctx;
}
